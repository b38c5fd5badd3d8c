//! Lists of what has a name, sorted and cut as the caller says. Each order has an index, so that a page costs the same wherever
//! it is.

use base::{
    id::{EnvironmentId, EnvironmentKind, Id},
    time::Timestamp,
};

use super::{
    Conn, Result, Sql,
    columns::like_pattern,
    connection::Row,
    table::{self, Table, select_text, text_of},
};

/// A table whose rows have a name. It has the columns `name_key` and `created_at`.
pub trait Named: Table<Scope = EnvironmentKind> {
    /// The normal form of a name, in which lists are sorted and searched.
    fn name_key_of(name: &str) -> String;
    /// The row's name.
    fn name(&self) -> &str;
    /// When it was made.
    fn created_at(&self) -> Timestamp;
}

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

/// Where a page is in its list: at a row, with what the list is sorted by.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// At the beginning.
    First,
    /// Right after this row.
    After(&'a Mark),
    /// Right before this row.
    Before(&'a Mark),
}

/// A row in a list, by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// In a list by id.
    Id(String),
    /// In a list by name: the normal form of its name.
    Name(String, String),
    /// In a list by creation: the time, in milliseconds.
    CreatedAt(i64, String),
}

impl Mark {
    /// The mark of a row in a list that is sorted so.
    pub fn of<T: Named>(row: &T, sort: Sort) -> Self {
        let id = row.id().to_string();
        match sort {
            Sort::Id => Self::Id(id),
            Sort::Name => Self::Name(T::name_key_of(row.name()), id),
            Sort::CreatedAt => Self::CreatedAt(row.created_at().millis(), id),
        }
    }
}

/// What the rows of a list have in common, besides their environment.
#[derive(Debug, Clone, Default)]
pub struct Common {
    /// The table that they are found through, which is read first: `user_group_members m`. The conditions join it.
    pub through: Option<&'static str>,
    /// Conditions that each begin with ` AND `.
    pub conditions: Sql,
}

impl From<Sql> for Common {
    fn from(conditions: Sql) -> Self {
        Self { through: None, conditions }
    }
}

/// Which rows, in which order.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// What else they have in common.
    pub common: Common,
    /// Only those whose name, in its normal form, has this part, or whose id it is; empty for all.
    pub search: &'a str,
    /// The order.
    pub sort: Sort,
    /// Whether it is reversed.
    pub descending: bool,
    /// Where the page is.
    pub place: Place<'a>,
    /// How many at most.
    pub limit: i64,
}

/// One page, in the order of the list. For [`Place::Before`] it holds what is closest to that row.
pub async fn list<T: Named>(conn: &mut Conn, query: &Query<'_>) -> Result<Vec<T>> {
    let rows = conn.dynamic(statement::<T>(query)).rows().await?;
    let mut found = rows.iter().map(|row: &Row| table::read(row)).collect::<Result<Vec<T>>>()?;
    if matches!(query.place, Place::Before(_)) {
        found.reverse();
    }
    Ok(found)
}

/// Text in which `*` is the name of the table.
fn of_table<T: Named>(text: &'static str) -> &'static str {
    text_of([T::TABLE, "sorted list", text], || text.replace('*', T::TABLE))
}

/// The beginning of the statement, up to the environment.
fn select<T: Named>(through: Option<&'static str>) -> &'static str {
    let whole = select_text::<T>();
    let Some(first) = through else { return whole };
    text_of([T::TABLE, "sorted list through", first], || {
        // SQLite reads the tables of a CROSS JOIN in this order; left to itself it takes those of the whole environment first.
        let table = T::TABLE;
        whole.replacen(&format!(" FROM {table} "), &format!(" FROM {first} CROSS JOIN {table} "), 1)
    })
}

fn statement<T: Named>(query: &Query<'_>) -> Sql {
    let of = of_table::<T>;
    let mut sql = Sql::from(select::<T>(query.common.through)).value(query.environment_id.to_string());
    sql = sql.append(query.common.conditions.clone());
    if !query.search.is_empty() {
        let pattern = like_pattern(&T::name_key_of(query.search));
        sql = sql.push(of(" AND (*.name_key LIKE ")).value(pattern).push(" ESCAPE '!'");
        if let Ok(id) = query.search.parse::<Id<T::Kind>>() {
            sql = sql.push(of(" OR *.id = ")).value(id.to_string());
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
            Mark::Id(id) => sql.push(of(" AND *.id")).push(compare).value(id.as_str()),
            Mark::Name(key, id) => {
                let pair = sql.push(of(" AND (*.name_key, *.id)")).push(compare).push("(");
                pair.value(key.as_str()).push(", ").value(id.as_str()).push(")")
            }
            Mark::CreatedAt(millis, id) => {
                let pair = sql.push(of(" AND (*.created_at, *.id)")).push(compare).push("(");
                pair.value(*millis).push(", ").value(id.as_str()).push(")")
            }
        };
    }
    sql = sql.push(of(match (query.sort, descending) {
        (Sort::Id, false) => " ORDER BY *.id",
        (Sort::Id, true) => " ORDER BY *.id DESC",
        (Sort::Name, false) => " ORDER BY *.name_key, *.id",
        (Sort::Name, true) => " ORDER BY *.name_key DESC, *.id DESC",
        (Sort::CreatedAt, false) => " ORDER BY *.created_at, *.id",
        (Sort::CreatedAt, true) => " ORDER BY *.created_at DESC, *.id DESC",
    }));
    sql.push(" LIMIT ").value(query.limit)
}

#[cfg(test)]
mod tests {
    use base::id::Id;
    use model::{identity_pool::IdentityPool, user_group::UserGroup};

    use super::*;
    use crate::store::{Db, user_groups};

    /// The plans of the pages of a list, in the middle too: an index gives their order, and nothing is sorted.
    async fn check_plans<T: Named>(conn: &mut Conn, row: &T, common: Common) {
        for sort in [Sort::Id, Sort::Name, Sort::CreatedAt] {
            let mark = Mark::of(row, sort);
            for place in [Place::First, Place::After(&mark), Place::Before(&mark)] {
                for descending in [false, true] {
                    let query = Query {
                        environment_id: Id::from_bits(1),
                        common: common.clone(),
                        search: "",
                        sort,
                        descending,
                        place,
                        limit: 20,
                    };
                    let explain = Sql::from("EXPLAIN QUERY PLAN ").append(statement::<T>(&query));
                    let plan: Vec<(i64, i64, i64, String)> = conn.dynamic(explain).all().await.unwrap();
                    let steps: Vec<&str> = plan.iter().map(|step| step.3.as_str()).collect();
                    let search = format!("SEARCH {} USING INDEX", T::TABLE);
                    assert!(steps.iter().any(|step| step.contains(&search)), "{steps:#?}");
                    match common.through {
                        // There are few: they are found one by one, and sorted.
                        Some(_) => assert!(steps[0].starts_with("SEARCH m USING"), "{steps:#?}"),
                        None => assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "{steps:#?}"),
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn every_order_has_its_index() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let now = Timestamp::from_millis(5);
        let pool = IdentityPool::new(Id::from_bits(7), Id::from_bits(1), Id::from_bits(3), now);
        let group = UserGroup {
            id: Id::from_bits(8),
            environment_id: Id::from_bits(1),
            organization_id: Id::from_bits(3),
            pool_id: pool.id,
            version: 1,
            name: "Admins".to_owned(),
            description: String::new(),
            created_at: now,
            updated_at: now,
        };
        let mut conn = db.read().await.unwrap();
        check_plans(&mut conn, &pool, Common::default()).await;
        check_plans(&mut conn, &group, user_groups::in_pool(pool.id).into()).await;
        check_plans(&mut conn, &group, user_groups::of_user(Id::from_bits(9))).await;
    }
}
