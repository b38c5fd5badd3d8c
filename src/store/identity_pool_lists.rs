//! Lists of identity pools that are sorted and cut as the caller says. Each order has an index, so that a page costs the same
//! wherever it is; an organization has few pools, which are sorted for it.

use base::id::{EnvironmentId, IdentityPoolId, OrganizationId};
use model::identity_pool::IdentityPool;

use super::{
    Conn, Result, Sql,
    columns::like_pattern,
    connection::Row,
    table::{self, select_text},
};

/// What a list is sorted by; then by the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The id.
    Id,
    /// The normal form of the name.
    Name,
    /// When it was made.
    CreatedAt,
}

/// Where a page is in its list: at a pool, with what the list is sorted by.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// At the beginning.
    First,
    /// Right after this pool.
    After(&'a Mark),
    /// Right before this pool.
    Before(&'a Mark),
}

/// A pool in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// In a list by id.
    Id(IdentityPoolId),
    /// In a list by name: the normal form of its name.
    Name(String, IdentityPoolId),
    /// In a list by creation: the time, in milliseconds.
    CreatedAt(i64, IdentityPoolId),
}

impl Mark {
    /// The mark of a pool in a list that is sorted so.
    pub fn of(pool: &IdentityPool, sort: Sort) -> Self {
        match sort {
            Sort::Id => Self::Id(pool.id),
            Sort::Name => Self::Name(pool.name_key(), pool.id),
            Sort::CreatedAt => Self::CreatedAt(pool.created_at.millis(), pool.id),
        }
    }
}

/// Which pools, in which order.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// Only those of this organization.
    pub organization_id: Option<OrganizationId>,
    /// Only those whose name, in its normal form, has this part, or whose id it is.
    pub search: Option<&'a str>,
    /// The order.
    pub sort: Sort,
    /// Whether it is reversed.
    pub descending: bool,
    /// Where the page is.
    pub place: Place<'a>,
    /// How many at most.
    pub limit: i64,
}

/// One page, in the order of the list. For [`Place::Before`] it holds what is closest to that pool.
pub async fn list(conn: &mut Conn, query: &Query<'_>) -> Result<Vec<IdentityPool>> {
    let rows = conn.dynamic(statement(query)).rows().await?;
    let mut found = rows.iter().map(|row: &Row| table::read(row)).collect::<Result<Vec<IdentityPool>>>()?;
    if matches!(query.place, Place::Before(_)) {
        found.reverse();
    }
    Ok(found)
}

fn statement(query: &Query<'_>) -> Sql {
    let mut sql = Sql::from(select_text::<IdentityPool>()).value(query.environment_id.to_string());
    if let Some(organization_id) = query.organization_id {
        sql = sql.push(" AND identity_pools.organization_id = ").value(organization_id.to_string());
    }
    if let Some(text) = query.search {
        sql = sql.push(" AND (identity_pools.name_key LIKE ").value(like_pattern(text)).push(" ESCAPE '!'");
        if let Ok(id) = text.parse::<IdentityPoolId>() {
            sql = sql.push(" OR identity_pools.id = ").value(id.to_string());
        }
        sql = sql.push(")");
    }
    let (mark, before) = match query.place {
        Place::First => (None, false),
        Place::After(mark) => (Some(mark), false),
        Place::Before(mark) => (Some(mark), true),
    };
    let descending = query.descending != before;
    if let Some(mark) = mark {
        let compare = if descending { " < " } else { " > " };
        sql = match mark {
            Mark::Id(id) => sql.push(" AND identity_pools.id").push(compare).value(id.to_string()),
            Mark::Name(key, id) => after(sql.push(" AND (identity_pools.name_key"), compare)
                .value(key.as_str())
                .push(", ")
                .value(id.to_string())
                .push(")"),
            Mark::CreatedAt(millis, id) => after(sql.push(" AND (identity_pools.created_at"), compare)
                .value(*millis)
                .push(", ")
                .value(id.to_string())
                .push(")"),
        };
    }
    sql = match (query.sort, descending) {
        (Sort::Id, false) => sql.push(" ORDER BY identity_pools.id"),
        (Sort::Id, true) => sql.push(" ORDER BY identity_pools.id DESC"),
        (Sort::Name, false) => sql.push(" ORDER BY identity_pools.name_key, identity_pools.id"),
        (Sort::Name, true) => sql.push(" ORDER BY identity_pools.name_key DESC, identity_pools.id DESC"),
        (Sort::CreatedAt, false) => sql.push(" ORDER BY identity_pools.created_at, identity_pools.id"),
        (Sort::CreatedAt, true) => {
            sql.push(" ORDER BY identity_pools.created_at DESC, identity_pools.id DESC")
        }
    };
    sql.push(" LIMIT ").value(query.limit)
}

/// The comparison of a pair of columns, up to the values.
fn after(sql: Sql, compare: &'static str) -> Sql {
    sql.push(", identity_pools.id)").push(compare).push("(")
}

#[cfg(test)]
mod tests {
    use base::id::Id;

    use super::*;
    use crate::store::Db;

    /// The plan of a page in the middle: an index gives its order, and nothing is sorted.
    #[tokio::test]
    async fn every_order_has_its_index() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let now = base::time::Timestamp::from_millis(5);
        let pool = IdentityPool::new(Id::from_bits(7), Id::from_bits(1), Id::from_bits(3), now);
        let mut conn = db.read().await.unwrap();
        for sort in [Sort::Id, Sort::Name, Sort::CreatedAt] {
            let mark = Mark::of(&pool, sort);
            for place in [Place::First, Place::After(&mark), Place::Before(&mark)] {
                for descending in [false, true] {
                    let query = Query {
                        environment_id: Id::from_bits(1),
                        organization_id: None,
                        search: None,
                        sort,
                        descending,
                        place,
                        limit: 20,
                    };
                    let explain = Sql::from("EXPLAIN QUERY PLAN ").append(statement(&query));
                    let plan: Vec<(i64, i64, i64, String)> = conn.dynamic(explain).all().await.unwrap();
                    let steps: Vec<&str> = plan.iter().map(|step| step.3.as_str()).collect();
                    assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "{query:?}: {steps:#?}");
                    assert!(
                        steps.iter().any(|step| step.contains("SEARCH identity_pools USING INDEX")),
                        "{steps:#?}"
                    );
                }
            }
        }
    }
}
