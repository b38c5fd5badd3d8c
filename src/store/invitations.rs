//! Invitations of administrators. Only a digest of the link's token is stored.

use base::{
    id::{AdminInvitationId, AdministratorId, EnvironmentId},
    secret::Digest,
    time::Timestamp,
};
use model::{
    account::{AdminInvitation, InvitationPurpose},
    administrator::{Role, RoleGrant},
    email::Email,
};

use super::{
    Conn, Error, Result,
    administrators::{environment_column, environment_from_column},
    columns,
};

#[derive(sqlx::FromRow)]
struct Row {
    id: AdminInvitationId,
    purpose: String,
    email: Option<String>,
    role: String,
    environment_id: String,
    invited_by: Option<AdministratorId>,
    created_at: Timestamp,
    expires_at: Timestamp,
    consumed_at: Option<Timestamp>,
}

impl TryFrom<Row> for AdminInvitation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let wrong = |column| Error::inconsistent("admin_invitations", column, row.id);
        Ok(Self {
            id: row.id,
            purpose: InvitationPurpose::parse(&row.purpose).ok_or_else(|| wrong("purpose"))?,
            email: row.email.map(|text| Email::parse(&text).ok_or_else(|| wrong("email"))).transpose()?,
            grant: RoleGrant {
                environment_id: environment_from_column(&row.environment_id)
                    .ok_or_else(|| wrong("environment_id"))?,
                role: Role::parse(&row.role).ok_or_else(|| wrong("role"))?,
            },
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            consumed_at: row.consumed_at,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, purpose, email, role, environment_id, invited_by, created_at, expires_at, consumed_at \
             FROM admin_invitations ",
            $rest
        )
    };
}

/// The invitation with this token, used or not.
pub async fn find_by_token(conn: &mut Conn, token: Digest) -> Result<Option<AdminInvitation>> {
    let row = conn.sql(select!("WHERE token_sha256 = $1")).bind(token).optional::<Row>().await?;
    row.map(AdminInvitation::try_from).transpose()
}

/// One invitation to an environment (`None`: to every environment).
pub async fn find(
    conn: &mut Conn,
    environment_id: Option<EnvironmentId>,
    id: AdminInvitationId,
) -> Result<Option<AdminInvitation>> {
    let row = conn
        .sql(select!("WHERE id = $1 AND environment_id = $2"))
        .bind(id)
        .bind(environment_column(environment_id))
        .optional::<Row>()
        .await?;
    row.map(AdminInvitation::try_from).transpose()
}

/// The invitations to an environment (`None`: to every environment) that are unused and unexpired at `now`.
pub async fn list_open(
    conn: &mut Conn,
    environment_id: Option<EnvironmentId>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<AdminInvitation>> {
    let rows = conn
        .sql(select!(
            "WHERE environment_id = $1 AND id >= $2 AND consumed_at IS NULL AND expires_at > $3 \
             ORDER BY id LIMIT $4"
        ))
        .bind(environment_column(environment_id))
        .bind(columns::page_start(None::<AdminInvitationId>))
        .bind(now)
        .bind(limit)
        .all::<Row>()
        .await?;
    rows.into_iter().map(AdminInvitation::try_from).collect()
}

/// The oldest unused and unexpired invitation of this address to become an administrator.
pub async fn find_open_by_email(
    conn: &mut Conn,
    email: &Email,
    now: Timestamp,
) -> Result<Option<AdminInvitation>> {
    let row = conn
        .sql(select!(
            "WHERE email_key = $1 AND purpose = 'join' AND consumed_at IS NULL AND expires_at > $2 \
             ORDER BY id LIMIT 1"
        ))
        .bind(email.key())
        .bind(now)
        .optional::<Row>()
        .await?;
    row.map(AdminInvitation::try_from).transpose()
}

/// Adds an invitation with the digest of its token.
pub async fn insert(conn: &mut Conn, invitation: &AdminInvitation, token: Digest) -> Result<()> {
    conn.sql(
        "INSERT INTO admin_invitations (id, token_sha256, purpose, email, role, environment_id, invited_by, \
         created_at, expires_at, email_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(invitation.id)
    .bind(token)
    .bind(invitation.purpose.as_str())
    .bind(invitation.email.as_ref().map(Email::as_str))
    .bind(invitation.grant.role.as_str())
    .bind(environment_column(invitation.grant.environment_id))
    .bind(invitation.invited_by)
    .bind(invitation.created_at)
    .bind(invitation.expires_at)
    .bind(invitation.email.as_ref().map(Email::key))
    .execute()
    .await?;
    Ok(())
}

/// Marks an invitation as used. Returns whether it was unused and unexpired.
pub async fn consume(conn: &mut Conn, id: AdminInvitationId, now: Timestamp) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE admin_invitations SET consumed_at = $2 \
             WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2",
        )
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes an unused invitation to an environment (`None`: to every environment). Returns whether it existed.
pub async fn remove(
    conn: &mut Conn,
    environment_id: Option<EnvironmentId>,
    id: AdminInvitationId,
) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM admin_invitations WHERE id = $1 AND environment_id = $2 AND consumed_at IS NULL")
        .bind(id)
        .bind(environment_column(environment_id))
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes the unused invitations that `inviter`, who may no longer invite, has created.
pub async fn remove_by_inviter(conn: &mut Conn, inviter: AdministratorId) -> Result<()> {
    conn.sql("DELETE FROM admin_invitations WHERE invited_by = $1 AND consumed_at IS NULL")
        .bind(inviter)
        .execute()
        .await?;
    Ok(())
}

/// Deletes every unused invitation for this address, whatever its purpose.
pub async fn remove_by_email(conn: &mut Conn, email: &Email) -> Result<()> {
    conn.sql("DELETE FROM admin_invitations WHERE email_key = $1 AND consumed_at IS NULL")
        .bind(email.key())
        .execute()
        .await?;
    Ok(())
}

/// Deletes a batch of invitations that expired before `before`. Returns how many.
pub async fn remove_expired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM admin_invitations WHERE id IN \
         (SELECT id FROM admin_invitations WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    )
    .bind(before)
    .execute()
    .await
}
