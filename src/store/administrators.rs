//! Administrators and their roles.

use base::{
    id::{AdministratorId, EnvironmentId},
    time::Timestamp,
};
use model::{
    administrator::{Administrator, PasswordHash, Role, RoleGrant, RoleGrants},
    email::Email,
};

use super::{Conn, Error, Result, Sql, Transaction, columns};

#[derive(sqlx::FromRow)]
struct Row {
    id: AdministratorId,
    email: String,
    display_name: String,
    password_hash: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    disabled_at: Option<Timestamp>,
}

impl TryFrom<Row> for Administrator {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            email: Email::parse(&row.email)
                .ok_or_else(|| Error::inconsistent("administrators", "email", row.id))?,
            id: row.id,
            display_name: row.display_name,
            password_hash: row.password_hash.map(PasswordHash),
            created_at: row.created_at,
            updated_at: row.updated_at,
            disabled_at: row.disabled_at,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT a.id, a.email, a.display_name, a.password_hash, a.created_at, a.updated_at, a.disabled_at \
             FROM administrators a ",
            $rest
        )
    };
}

/// The column form of an environment in a role's row: empty for every environment.
pub(super) fn environment_column(environment_id: Option<EnvironmentId>) -> String {
    environment_id.map(|id| id.to_string()).unwrap_or_default()
}

/// Parses what [`environment_column`] wrote.
pub(super) fn environment_from_column(text: &str) -> Option<Option<EnvironmentId>> {
    if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
}

/// The administrator with this id.
pub async fn find(conn: &mut Conn, id: AdministratorId) -> Result<Option<Administrator>> {
    let row = conn.sql(select!("WHERE a.id = $1")).bind(id).optional::<Row>().await?;
    row.map(Administrator::try_from).transpose()
}

/// The administrator with this address.
pub async fn find_by_email(conn: &mut Conn, email: &Email) -> Result<Option<Administrator>> {
    let row = conn.sql(select!("WHERE a.email_key = $1")).bind(email.key()).optional::<Row>().await?;
    row.map(Administrator::try_from).transpose()
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
    #[derive(sqlx::FromRow)]
    struct WithRole {
        role: String,
        #[sqlx(flatten)]
        row: Row,
    }
    let rows = conn
        .sql(
            "SELECT r.role, a.id, a.email, a.display_name, a.password_hash, a.created_at, a.updated_at, \
             a.disabled_at FROM administrator_roles r JOIN administrators a ON a.id = r.administrator_id \
             WHERE r.environment_id = $1 AND r.administrator_id >= $2 ORDER BY r.administrator_id LIMIT $3",
        )
        .bind(environment_column(environment_id))
        .bind(columns::page_start(from))
        .bind(limit)
        .all::<WithRole>()
        .await?;
    rows.into_iter()
        .map(|found| {
            let administrator = Administrator::try_from(found.row)?;
            let role = Role::parse(&found.role)
                .ok_or_else(|| Error::inconsistent("administrator_roles", "role", administrator.id))?;
            Ok((administrator, role))
        })
        .collect()
}

/// Adds an administrator.
pub async fn insert(conn: &mut Conn, administrator: &Administrator) -> Result<()> {
    conn.sql(
        "INSERT INTO administrators (id, email, email_key, display_name, password_hash, created_at, \
         updated_at, disabled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(administrator.id)
    .bind(administrator.email.as_str())
    .bind(administrator.email.key())
    .bind(&administrator.display_name)
    .bind(administrator.password_hash.as_ref().map(|hash| hash.0.as_str()))
    .bind(administrator.created_at)
    .bind(administrator.updated_at)
    .bind(administrator.disabled_at)
    .execute()
    .await?;
    Ok(())
}

/// Locks an account until the transaction ends. Returns whether it exists and is not disabled. (An update that
/// changes nothing locks the row on PostgreSQL; a SQLite write transaction is exclusive anyway.)
pub async fn lock_enabled(tx: &mut Transaction, id: AdministratorId) -> Result<bool> {
    let touched = tx
        .sql("UPDATE administrators SET updated_at = updated_at WHERE id = $1 AND disabled_at IS NULL")
        .bind(id)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Writes an administrator's name and password. Returns whether the administrator exists.
pub async fn update(conn: &mut Conn, administrator: &Administrator) -> Result<bool> {
    let touched = conn
        .sql("UPDATE administrators SET display_name = $2, password_hash = $3, updated_at = $4 WHERE id = $1")
        .bind(administrator.id)
        .bind(&administrator.display_name)
        .bind(administrator.password_hash.as_ref().map(|hash| hash.0.as_str()))
        .bind(administrator.updated_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Disables an administrator and deletes the password. Returns whether the administrator exists.
pub async fn disable(conn: &mut Conn, id: AdministratorId, now: Timestamp) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE administrators SET disabled_at = $2, updated_at = $2, password_hash = NULL WHERE id = $1",
        )
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Enables a disabled administrator. Returns whether the administrator exists.
pub async fn enable(conn: &mut Conn, id: AdministratorId, now: Timestamp) -> Result<bool> {
    let touched = conn
        .sql("UPDATE administrators SET disabled_at = NULL, updated_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Replaces the hash `old` by a new hash of the same password. Returns whether it was still stored.
pub async fn update_hash(
    conn: &mut Conn,
    id: AdministratorId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool> {
    let touched = conn
        .sql("UPDATE administrators SET password_hash = $3 WHERE id = $1 AND password_hash = $2")
        .bind(id)
        .bind(&old.0)
        .bind(&new.0)
        .execute()
        .await?;
    Ok(touched == 1)
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
        let role =
            Role::parse(&role).ok_or_else(|| Error::inconsistent("administrator_roles", "role", id))?;
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

/// Removes every role in an environment, when the environment is deleted.
pub async fn remove_grants_in(conn: &mut Conn, environment_id: EnvironmentId) -> Result<()> {
    conn.sql("DELETE FROM administrator_roles WHERE environment_id = $1")
        .bind(environment_id)
        .execute()
        .await?;
    Ok(())
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

/// Serialises changes to the owners of every environment until the transaction ends.
pub async fn lock_owners(tx: &mut Transaction) -> Result<()> {
    tx.sql("INSERT INTO settings (name, value) VALUES ('owners_lock', '') ON CONFLICT (name) DO UPDATE SET value = ''")
        .execute()
        .await?;
    Ok(())
}
