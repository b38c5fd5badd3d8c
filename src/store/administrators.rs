//! Administrators and their roles.

use base::{
    id::{AdministratorId, AdministratorKind, EnvironmentId},
    time::Timestamp,
};
use model::{
    administrator::{Administrator, Role, RoleGrant, RoleGrants},
    email::Email,
};

use super::{
    Conn, Error, Result, Sql, Transaction, columns,
    connection::{Row, Statement},
    table::{self, Key, Table, select_joined, select_where},
};

impl Table for Administrator {
    type Kind = AdministratorKind;
    type Scope = AdministratorKind;

    const TABLE: &'static str = "administrators";
    const SCOPE: &'static str = "id";
    const COLUMNS: &'static [&'static str] = &["display_name", "disabled_at", "updated_at"];
    const FIXED: &'static [&'static str] = &["email", "email_key", "created_at"];

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        (self.version, self.updated_at) = (version, at);
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.display_name.as_str()).bind(self.disabled_at).bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.email.as_str()).bind(self.email.key()).bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            version: row.get("version")?,
            email: row.parse("email", Email::parse)?,
            display_name: row.get("display_name")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            disabled_at: row.get("disabled_at")?,
        })
    }
}

/// The column form of an environment in a role's row: empty for every environment.
fn environment_column(environment_id: Option<EnvironmentId>) -> String {
    environment_id.map(|id| id.to_string()).unwrap_or_default()
}

/// Parses what [`environment_column`] wrote.
fn environment_from_column(text: &str) -> Option<Option<EnvironmentId>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

/// The administrator with this address.
pub async fn find_by_email(conn: &mut Conn, email: &Email) -> Result<Option<Administrator>> {
    select_where::<Administrator>(conn, "WHERE email_key = $1").bind(email.key()).optional_of().await
}

/// [`find_by_email`], with the account locked until the transaction ends.
pub async fn find_by_email_for_update(tx: &mut Transaction, email: &Email) -> Result<Option<Administrator>> {
    match find_by_email(tx, email).await? {
        Some(found) => table::find_for_update(tx, found.id, found.id).await,
        None => Ok(None),
    }
}

/// The addresses of these administrators; ids that do not exist are left out.
pub async fn list_emails(conn: &mut Conn, ids: &[AdministratorId]) -> Result<Vec<(AdministratorId, Email)>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = Sql::from("SELECT id, email FROM administrators WHERE id IN (")
        .values(ids.iter().map(ToString::to_string))
        .push(")");
    let rows: Vec<(AdministratorId, String)> = conn.dynamic(sql).all().await?;
    rows.into_iter()
        .map(|(id, email)| {
            let email =
                Email::parse(&email).ok_or_else(|| Error::inconsistent("administrators", "email", id))?;
            Ok((id, email))
        })
        .collect()
}

/// Whether there is any administrator who is not disabled.
pub async fn any_exists(conn: &mut Conn) -> Result<bool> {
    let row: Option<(AdministratorId,)> =
        conn.sql("SELECT id FROM administrators WHERE disabled_at IS NULL LIMIT 1").optional().await?;
    Ok(row.is_some())
}

/// At most `limit` administrators with a role in one environment (`None`: in every environment), with that
/// role, from `from` on, in creation order.
pub async fn list(
    conn: &mut Conn,
    environment_id: Option<EnvironmentId>,
    from: Option<AdministratorId>,
    limit: i64,
) -> Result<Vec<(Administrator, Role)>> {
    let rows = select_joined::<Administrator>(
        conn,
        || "r.role".to_owned(),
        "JOIN administrator_roles r ON r.administrator_id = administrators.id \
         WHERE r.environment_id = $1 AND r.administrator_id >= $2 ORDER BY r.administrator_id LIMIT $3",
    )
    .bind(environment_column(environment_id))
    .bind(columns::page_start(from))
    .bind(limit)
    .rows()
    .await?;
    rows.iter()
        .map(|row| {
            let administrator: Administrator = table::read(row)?;
            let role = row
                .get::<String>("role")?
                .parse()
                .map_err(|_| Error::inconsistent("administrator_roles", "role", administrator.id))?;
            Ok((administrator, role))
        })
        .collect()
}

/// All roles of an administrator.
pub async fn list_grants(conn: &mut Conn, id: AdministratorId) -> Result<RoleGrants> {
    let rows: Vec<(String, String)> = conn
        .sql(
            "SELECT environment_id, role FROM administrator_roles WHERE administrator_id = $1 \
             ORDER BY environment_id",
        )
        .bind(id)
        .all()
        .await?;
    let grants = rows.into_iter().map(|(environment, role)| {
        let environment_id = environment_from_column(&environment)
            .ok_or_else(|| Error::inconsistent("administrator_roles", "environment_id", id))?;
        let role = role.parse().map_err(|_| Error::inconsistent("administrator_roles", "role", id))?;
        Ok(RoleGrant { environment_id, role })
    });
    grants.collect::<Result<_>>().map(RoleGrants)
}

/// RoleGrants an administrator a role, in one environment or in every one.
pub async fn upsert_grant(conn: &mut Conn, id: AdministratorId, grant: RoleGrant) -> Result<()> {
    conn.sql(
        "INSERT INTO administrator_roles (administrator_id, environment_id, role) VALUES ($1, $2, $3) \
         ON CONFLICT (administrator_id, environment_id) DO UPDATE SET role = excluded.role",
    )
    .bind(id)
    .bind(environment_column(grant.environment_id))
    .bind(grant.role.as_str())
    .execute()
    .await?;
    Ok(())
}

/// Removes an administrator's role in one environment (`None`: in every environment). Returns whether there was
/// one.
pub async fn remove_grant(
    conn: &mut Conn,
    id: AdministratorId,
    environment_id: Option<EnvironmentId>,
) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM administrator_roles WHERE administrator_id = $1 AND environment_id = $2")
        .bind(id)
        .bind(environment_column(environment_id))
        .execute()
        .await?;
    Ok(touched == 1)
}

/// How many administrators own every environment. A caller that is about to remove one calls [`lock_owners`]
/// first.
pub async fn count_owners(conn: &mut Conn) -> Result<i64> {
    let (count,): (i64,) = conn
        .sql("SELECT COUNT(*) FROM administrator_roles WHERE environment_id = '' AND role = 'owner'")
        .one()
        .await?;
    Ok(count)
}

/// Locks the accounts of those who own every environment, in the order of their ids, until the transaction ends: changes
/// of who they are wait. Other accounts are locked after these.
pub async fn lock_owners(tx: &mut Transaction) -> Result<()> {
    let mut locked = Vec::new();
    loop {
        let owners = table::lock_where::<Administrator>(
            tx,
            "WHERE id IN (SELECT administrator_id FROM administrator_roles WHERE environment_id = '' AND role = 'owner')",
        )
        .await?;
        // Whoever became one while this waited is found, and locked, by the next round.
        if owners.iter().all(|owner| locked.contains(owner)) {
            return Ok(());
        }
        locked.extend(owners);
    }
}
