//! Lists of the organizations below one, filtered and cut as WSO2's API does: the newest first.

use base::{
    id::{EnvironmentId, OrganizationId},
    time::Timestamp,
};
use model::organization::{Organization, OrganizationStatus, name_key, root_id};

use super::{Conn, Result, Sql, columns::like_pattern, connection::Row, table, table::select_text};

/// A text of an organization that is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextField {
    /// The name.
    Name,
    /// The handle.
    Handle,
    /// The description.
    Description,
    /// The attribute with this key.
    Attribute(String),
}

/// How texts are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextOperator {
    /// The whole text.
    Equal,
    /// A part of it.
    Contains,
    /// Its beginning.
    StartsWith,
    /// Its end.
    EndsWith,
}

/// A time of an organization that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeField {
    /// When it was created.
    Created,
    /// When it was last changed.
    LastModified,
}

/// How times are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeOperator {
    /// The same.
    Equal,
    /// Later, or the same.
    AtLeast,
    /// Earlier, or the same.
    AtMost,
    /// Later.
    After,
    /// Earlier.
    Before,
}

/// What an organization of a list must meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// A text.
    Text(TextField, TextOperator, String),
    /// A time.
    Time(TimeField, TimeOperator, Timestamp),
    /// The status; `None`: one that there is not.
    Status(Option<OrganizationStatus>),
    /// The id; `None`: what is no id.
    Id(Option<OrganizationId>),
    /// The organization above it; `None`: what is no id.
    Parent(Option<OrganizationId>),
}

/// Where a page is in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At the beginning.
    First,
    /// Right after the organization that was created then and has this id; without one, after all that were.
    After(Timestamp, Option<OrganizationId>),
    /// Right before it.
    Before(Timestamp, Option<OrganizationId>),
}

/// Which organizations.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    /// The environment.
    pub environment_id: EnvironmentId,
    /// Those below this one.
    pub above: OrganizationId,
    /// At any distance; else right below it.
    pub recursive: bool,
    /// What each meets.
    pub conditions: &'a [Condition],
    /// Where the page is.
    pub place: Place,
    /// How many at most.
    pub limit: i64,
}

/// One page, the newest first. For [`Place::Before`] it holds what is closest to that place.
pub async fn list(conn: &mut Conn, query: &Query<'_>) -> Result<Vec<Organization>> {
    let rows = conn.dynamic(statement(query)).rows().await?;
    let mut found = rows.iter().map(|row: &Row| table::read(row)).collect::<Result<Vec<Organization>>>()?;
    if matches!(query.place, Place::Before(..)) {
        found.reverse();
    }
    Ok(found)
}

fn statement(query: &Query<'_>) -> Sql {
    let mut sql = Sql::from(select_text::<Organization>())
        .value(query.environment_id.to_string())
        .push(" AND NOT organizations.is_template");
    sql = below(sql, query.environment_id, query.above, query.recursive);
    for condition in query.conditions {
        sql = meet(sql.push(" AND "), condition);
    }
    let forward = match query.place {
        Place::First => true,
        Place::After(at, id) => {
            sql = cut(
                sql,
                at,
                id,
                (" AND (organizations.created_at, organizations.id) < (", " AND organizations.created_at < "),
            );
            true
        }
        Place::Before(at, id) => {
            sql = cut(
                sql,
                at,
                id,
                (" AND (organizations.created_at, organizations.id) > (", " AND organizations.created_at > "),
            );
            false
        }
    };
    sql = match forward {
        true => sql.push(" ORDER BY organizations.created_at DESC, organizations.id DESC LIMIT "),
        false => sql.push(" ORDER BY organizations.created_at, organizations.id LIMIT "),
    };
    sql.value(query.limit)
}

fn cut(
    sql: Sql,
    at: Timestamp,
    id: Option<OrganizationId>,
    (pair, single): (&'static str, &'static str),
) -> Sql {
    match id {
        Some(id) => sql.push(pair).value(at.millis()).push(", ").value(id.to_string()).push(")"),
        None => sql.push(single).value(at.millis()),
    }
}

/// Only organizations below one.
fn below(sql: Sql, environment_id: EnvironmentId, above: OrganizationId, recursive: bool) -> Sql {
    if !recursive {
        return sql.push(" AND organizations.parent_id = ").value(above.to_string());
    }
    if above == root_id(environment_id) {
        return sql;
    }
    sql.push(" AND organizations.id IN (SELECT c.descendant_id FROM organization_closure c WHERE c.depth > 0 AND c.ancestor_id = ")
        .value(above.to_string())
        .push(")")
}

fn meet(sql: Sql, condition: &Condition) -> Sql {
    match condition {
        Condition::Text(TextField::Name, operator, text) => by_name(sql, *operator, text),
        Condition::Text(TextField::Handle, operator, text) => {
            compare(sql, "COALESCE(organizations.handle, '')", *operator, text)
        }
        Condition::Text(TextField::Description, operator, text) => {
            compare(sql, "organizations.description", *operator, text)
        }
        Condition::Text(TextField::Attribute(key), operator, text) => {
            let sql = sql
                .push("EXISTS (SELECT 1 FROM organization_attributes f WHERE f.organization_id = organizations.id AND f.key = ")
                .value(key.as_str())
                .push(" AND ");
            compare(sql, "f.value", *operator, text).push(")")
        }
        Condition::Time(field, operator, at) => {
            let sql = sql.push(match field {
                TimeField::Created => "organizations.created_at",
                TimeField::LastModified => "organizations.updated_at",
            });
            let sql = sql.push(match operator {
                TimeOperator::Equal => " = ",
                TimeOperator::AtLeast => " >= ",
                TimeOperator::AtMost => " <= ",
                TimeOperator::After => " > ",
                TimeOperator::Before => " < ",
            });
            sql.value(at.millis())
        }
        Condition::Status(Some(status)) => sql.push("organizations.status = ").value(status.as_str()),
        Condition::Id(Some(id)) => sql.push("organizations.id = ").value(id.to_string()),
        Condition::Parent(Some(id)) => sql.push("organizations.parent_id = ").value(id.to_string()),
        Condition::Status(None) | Condition::Id(None) | Condition::Parent(None) => {
            sql.push("organizations.id IS NULL")
        }
    }
}

/// The whole name counts as it is written; a part of it, whatever its case.
fn by_name(sql: Sql, operator: TextOperator, text: &str) -> Sql {
    let key = name_key(text);
    if operator == TextOperator::Equal {
        let sql = sql.push("(organizations.name_key = ").value(key);
        return sql
            .push(" AND COALESCE(organizations.name, organizations.display_name) = ")
            .value(text)
            .push(")");
    }
    let pattern = like_pattern(&key);
    let pattern = match operator {
        TextOperator::StartsWith => pattern.trim_start_matches('%').to_owned(),
        TextOperator::EndsWith => pattern.strip_suffix('%').unwrap_or(&pattern).to_owned(),
        TextOperator::Contains | TextOperator::Equal => pattern,
    };
    sql.push("organizations.name_key LIKE ").value(pattern).push(" ESCAPE '!'")
}

/// Compares texts as they are written, in both databases alike.
fn compare(sql: Sql, column: &'static str, operator: TextOperator, text: &str) -> Sql {
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    match operator {
        TextOperator::Equal => sql.push(column).push(" = ").value(text),
        TextOperator::Contains => {
            sql.push("replace(").push(column).push(", ").value(text).push(", '') <> ").push(column)
        }
        TextOperator::StartsWith => sql
            .push("substr(")
            .push(column)
            .push(", 1, CAST(")
            .value(length)
            .push(" AS INTEGER)) = ")
            .value(text),
        TextOperator::EndsWith => {
            let sql = sql
                .push("(length(")
                .push(column)
                .push(") >= ")
                .value(length)
                .push(" AND substr(")
                .push(column);
            let sql = sql.push(", CAST(length(").push(column).push(") + 1 - ").value(length);
            sql.push(" AS INTEGER)) = ").value(text).push(")")
        }
    }
}

/// The next key of an attribute after `after` that an organization below one has and that meets the comparison.
pub async fn find_next_key(
    conn: &mut Conn,
    (environment_id, above, recursive): (EnvironmentId, OrganizationId, bool),
    condition: Option<(TextOperator, &str)>,
    after: &str,
) -> Result<Option<String>> {
    let mut sql = Sql::from(
        "SELECT k.key FROM organization_attributes k JOIN organizations ON organizations.id = k.organization_id \
         WHERE organizations.deleted_at IS NULL AND NOT organizations.is_template AND organizations.environment_id = ",
    )
    .value(environment_id.to_string())
    .push(" AND k.key > ")
    .value(after);
    sql = below(sql, environment_id, above, recursive);
    if let Some((operator, text)) = condition {
        sql = compare(sql.push(" AND "), "k.key", operator, text);
    }
    let found: Option<(String,)> = conn.dynamic(sql.push(" ORDER BY k.key LIMIT 1")).optional().await?;
    Ok(found.map(|(key,)| key))
}

#[cfg(test)]
mod tests {
    use base::id::Id;

    use super::*;
    use crate::store::Db;

    /// The plan of a page: an index gives the order, except where a subtree is collected first.
    #[tokio::test]
    async fn a_page_costs_the_same_wherever_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let mut conn = db.read().await.unwrap();
        let (environment_id, at) = (Id::from_bits(1), Timestamp::from_millis(5));
        for (above, recursive) in [(1, true), (1, false), (7, false)] {
            for place in [Place::First, Place::After(at, Some(Id::from_bits(3))), Place::Before(at, None)] {
                let above = Id::from_bits(above);
                let query = Query { environment_id, above, recursive, conditions: &[], place, limit: 16 };
                let explain = Sql::from("EXPLAIN QUERY PLAN ").append(statement(&query));
                let plan: Vec<(i64, i64, i64, String)> = conn.dynamic(explain).all().await.unwrap();
                let steps: Vec<&str> = plan.iter().map(|step| step.3.as_str()).collect();
                assert!(steps.iter().all(|step| !step.contains("TEMP B-TREE")), "{query:?}: {steps:#?}");
                assert!(steps.iter().any(|step| step.contains("organizations USING INDEX")), "{steps:#?}");
            }
        }
    }
}
