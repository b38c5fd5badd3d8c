//! Lists of the applications that there are in an organization: its own, and those of the vendor that are shared with it.

use base::id::{ApplicationId, EnvironmentId, OrganizationId};
use model::{application::Application, organization::root_id};

use super::{
    Conn, Result, Sql,
    application_shares::shared_condition,
    columns::like_pattern,
    table::{self, select_text},
};

/// How a text is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It is the value.
    Equals,
    /// The value is a part of it.
    Contains,
    /// It starts with the value.
    StartsWith,
    /// It ends with the value.
    EndsWith,
}

/// Which applications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// By their name.
    Name(Comparison, String),
    /// By their `client_id`, as it is written.
    ClientId(Comparison, String),
    /// None of them.
    Never,
    /// Both.
    And(Box<Self>, Box<Self>),
    /// One of them at least.
    Or(Box<Self>, Box<Self>),
}

impl Condition {
    fn sql(&self) -> Sql {
        match self {
            Self::Name(Comparison::Equals, value) => {
                Sql::from("oauth_clients.display_name = ").value(value.as_str())
            }
            Self::Name(how, value) => like("oauth_clients.name_key LIKE ", *how, &value.to_lowercase()),
            Self::ClientId(Comparison::Equals, value) => {
                Sql::from("oauth_clients.id = ").value(value.as_str())
            }
            Self::ClientId(how, value) => like("oauth_clients.id LIKE ", *how, &value.to_lowercase()),
            Self::Never => Sql::from("1 = 0"),
            Self::And(left, right) => both(left, " AND ", right),
            Self::Or(left, right) => both(left, " OR ", right),
        }
    }
}

fn both(left: &Condition, word: &'static str, right: &Condition) -> Sql {
    Sql::from("(").append(left.sql()).push(word).append(right.sql()).push(")")
}

fn like(start: &'static str, how: Comparison, value: &str) -> Sql {
    let pattern = like_pattern(value);
    let pattern = match how {
        Comparison::StartsWith => pattern.trim_start_matches('%').to_owned(),
        // What ends in a wildcard of its own has it escaped.
        Comparison::EndsWith => pattern.strip_suffix('%').unwrap_or(&pattern).to_owned(),
        Comparison::Contains | Comparison::Equals => pattern,
    };
    Sql::from(start).value(pattern).push(" ESCAPE '!'")
}

/// After `WHERE environment_id = `: which applications there are in an organization. At the root those of the vendor.
fn there(
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    condition: Option<&Condition>,
) -> Sql {
    let mut sql =
        Sql::default().value(environment_id.to_string()).push(" AND oauth_clients.workspace IS NULL");
    sql = match organization_id == root_id(environment_id) {
        true => sql.push(" AND oauth_clients.organization_id IS NULL"),
        false => sql
            .push(" AND (oauth_clients.organization_id = ")
            .value(organization_id.to_string())
            .push(" OR EXISTS (SELECT 1 FROM organizations o WHERE o.deleted_at IS NULL AND o.id = ")
            .value(organization_id.to_string())
            .push(concat!(" AND ", shared_condition!("oauth_clients", "o"), "))")),
    };
    match condition {
        Some(condition) => sql.push(" AND ").append(condition.sql()),
        None => sql,
    }
}

/// Up to `limit` applications that there are in an organization after the first `offset`, the newest first.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    condition: Option<&Condition>,
    offset: i64,
    limit: i64,
) -> Result<Vec<Application>> {
    let sql = Sql::from(select_text::<Application>())
        .append(there(environment_id, organization_id, condition))
        .push(" ORDER BY oauth_clients.id DESC LIMIT ")
        .value(limit)
        .push(" OFFSET ")
        .value(offset);
    conn.dynamic(sql).rows().await?.iter().map(table::read).collect()
}

/// How many applications there are in an organization.
pub async fn count(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    condition: Option<&Condition>,
) -> Result<i64> {
    let start = "SELECT COUNT(*) FROM oauth_clients WHERE oauth_clients.kind <> 'saml' AND oauth_clients.environment_id = ";
    let sql = Sql::from(start).append(there(environment_id, organization_id, condition));
    let (count,): (i64,) = conn.dynamic(sql).one().await?;
    Ok(count)
}

/// Whether an application of the vendor or of an organization has this name.
pub async fn is_name_taken(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    name: &str,
    other_than: Option<ApplicationId>,
) -> Result<bool> {
    let found: Vec<(ApplicationId,)> = conn
        .sql(
            "SELECT id FROM oauth_clients WHERE environment_id = $1 AND display_name = $2 AND kind <> 'saml' \
             AND workspace IS NULL AND organization_id IS NULL LIMIT 2",
        )
        .bind(environment_id)
        .bind(name)
        .all()
        .await?;
    Ok(found.iter().any(|(id,)| Some(*id) != other_than))
}
