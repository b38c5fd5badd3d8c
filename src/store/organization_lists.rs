//! Lists of organizations that are sorted and cut as the caller says. Each order has an index, for an environment and below a
//! parent, so that a page costs the same wherever it is.

use base::id::{EnvironmentId, OrganizationId};
use model::organization::Organization;

use super::{Conn, Result, Sql, columns::like_pattern, connection::Row, table, table::select_text};

/// What a list is sorted by; then by the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The id as it is shown.
    PublicId,
    /// The normal form of the name.
    Name,
    /// When it was made.
    CreatedAt,
}

/// Which organizations, in which order.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// Only the children of this one.
    pub parent_id: Option<OrganizationId>,
    /// Only templates, or only others.
    pub template: Option<bool>,
    /// Only those that are found by this.
    pub search: Option<Search<'a>>,
    /// The order.
    pub sort: Sort,
    /// Whether it is reversed.
    pub descending: bool,
    /// Where the page is.
    pub place: Place<'a>,
    /// How many at most.
    pub limit: i64,
}

/// What organizations are found by: a part of the name, or the id.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// A part of the normal form of the name.
    pub name: &'a str,
    /// The id as it is shown.
    pub id: &'a str,
}

/// Where a page is in its list.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// At the beginning.
    First,
    /// Right after this organization.
    After(&'a Organization),
    /// Right before this organization.
    Before(&'a Organization),
    /// With this organization first.
    From(&'a Organization),
}

/// One page, in the order of the list. For [`Place::Before`] it holds what is closest to that organization.
pub async fn list(conn: &mut Conn, query: &Query<'_>) -> Result<Vec<Organization>> {
    let rows = conn.dynamic(statement(query)).rows().await?;
    let mut found = rows.iter().map(|row: &Row| table::read(row)).collect::<Result<Vec<Organization>>>()?;
    if matches!(query.place, Place::Before(_)) {
        found.reverse();
    }
    Ok(found)
}

fn statement(query: &Query<'_>) -> Sql {
    let mut sql = Sql::from(select_text::<Organization>()).value(query.environment_id.to_string());
    if let Some(parent_id) = query.parent_id {
        sql = sql.push(" AND organizations.parent_id = ").value(parent_id.to_string());
    }
    sql = match query.template {
        Some(true) => sql.push(" AND organizations.is_template"),
        Some(false) => sql.push(" AND NOT organizations.is_template"),
        None => sql,
    };
    if let Some(search) = query.search {
        sql = sql
            .push(" AND (organizations.name_key LIKE ")
            .value(like_pattern(search.name))
            .push(" ESCAPE '!' OR organizations.public_id = ")
            .value(search.id)
            .push(")");
    }
    let (at, before) = match query.place {
        Place::First => (None, false),
        Place::After(at) => (Some(at), false),
        Place::Before(at) => (Some(at), true),
        Place::From(at) => (Some(at), false),
    };
    let descending = query.descending != before;
    if let Some(at) = at {
        let compare = match (query.place, descending) {
            (Place::From(_), false) => ") >= (",
            (Place::From(_), true) => ") <= (",
            (_, false) => ") > (",
            (_, true) => ") < (",
        };
        sql = match query.sort {
            Sort::PublicId => sql.push(" AND (organizations.public_id, organizations.id"),
            Sort::Name => sql.push(" AND (organizations.name_key, organizations.id"),
            Sort::CreatedAt => sql.push(" AND (organizations.created_at, organizations.id"),
        };
        sql = sql.push(compare);
        sql = match query.sort {
            Sort::PublicId => sql.value(at.public_id()),
            Sort::Name => sql.value(at.name_key()),
            Sort::CreatedAt => sql.value(at.created_at.millis()),
        };
        sql = sql.push(", ").value(at.id.to_string()).push(")");
    }
    sql = match (query.sort, descending) {
        (Sort::PublicId, false) => sql.push(" ORDER BY organizations.public_id, organizations.id"),
        (Sort::PublicId, true) => sql.push(" ORDER BY organizations.public_id DESC, organizations.id DESC"),
        (Sort::Name, false) => sql.push(" ORDER BY organizations.name_key, organizations.id"),
        (Sort::Name, true) => sql.push(" ORDER BY organizations.name_key DESC, organizations.id DESC"),
        (Sort::CreatedAt, false) => sql.push(" ORDER BY organizations.created_at, organizations.id"),
        (Sort::CreatedAt, true) => sql.push(" ORDER BY organizations.created_at DESC, organizations.id DESC"),
    };
    sql.push(" LIMIT ").value(query.limit)
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
        let at = Organization::new(Id::from_bits(7), Id::from_bits(1), base::time::Timestamp::from_millis(5));
        let mut conn = db.read().await.unwrap();
        for sort in [Sort::PublicId, Sort::Name, Sort::CreatedAt] {
            for parent_id in [None, Some(Id::from_bits(9))] {
                for place in [Place::First, Place::After(&at), Place::Before(&at), Place::From(&at)] {
                    let query = Query {
                        environment_id: Id::from_bits(1),
                        parent_id,
                        template: None,
                        search: None,
                        sort,
                        descending: false,
                        place,
                        limit: 20,
                    };
                    let explain = Sql::from("EXPLAIN QUERY PLAN ").append(statement(&query));
                    let plan: Vec<(i64, i64, i64, String)> = conn.dynamic(explain).all().await.unwrap();
                    let steps: Vec<&str> = plan.iter().map(|step| step.3.as_str()).collect();
                    assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "{query:?}: {steps:#?}");
                    assert!(
                        steps.iter().any(|step| step.contains("organizations USING INDEX")),
                        "{steps:#?}"
                    );
                }
            }
        }
    }
}
