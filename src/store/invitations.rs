//! Invitations to accounts. Only a digest of the link's token is stored.

use base::{
    id::{EnvironmentId, Id},
    secret::{Digest, Secret},
    time::Timestamp,
};
use model::{
    account::{AccountId, Invitation, InvitationGrant},
    email::Email,
};

use super::{Conn, Error, Result};

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    purpose: String,
    email: Option<String>,
    role: String,
    environment_id: Option<EnvironmentId>,
    invited_by: Option<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
    consumed_at: Option<Timestamp>,
}

impl<G: InvitationGrant> TryFrom<Row> for Invitation<G> {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let wrong = |column| Error::inconsistent("invitations", column, &row.id);
        Ok(Self {
            id: row.id.parse().map_err(|_| wrong("id"))?,
            purpose: row.purpose.parse().map_err(|_| wrong("purpose"))?,
            email: row.email.map(|text| Email::parse(&text).ok_or_else(|| wrong("email"))).transpose()?,
            grant: G::parse(&row.role, row.environment_id).ok_or_else(|| wrong("role"))?,
            invited_by: row
                .invited_by
                .map(|text| text.parse().map_err(|_| wrong("invited_by")))
                .transpose()?,
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
             FROM invitations ",
            $rest
        )
    };
}

/// The invitation with this token, used or not.
pub async fn find_by_token<G: InvitationGrant>(
    conn: &mut Conn,
    token: &Secret<G::Token>,
) -> Result<Option<Invitation<G>>> {
    let row = conn
        .sql(select!("WHERE token_sha256 = $1 AND account_kind = $2"))
        .bind(token.digest())
        .bind(G::ACCOUNT_KIND)
        .optional::<Row>()
        .await?;
    row.map(Invitation::try_from).transpose()
}

/// One invitation to an environment (`None`: to every environment).
pub async fn find<G: InvitationGrant>(
    conn: &mut Conn,
    environment_id: Option<EnvironmentId>,
    id: Id<G::InvitationKind>,
) -> Result<Option<Invitation<G>>> {
    let row = conn
        .sql(select!("WHERE id = $1 AND account_kind = $2 AND COALESCE(environment_id, '') = $3"))
        .bind(id)
        .bind(G::ACCOUNT_KIND)
        .bind(environment_text(environment_id))
        .optional::<Row>()
        .await?;
    row.map(Invitation::try_from).transpose()
}

/// The invitations to an environment (`None`: to every environment) that are unused and unexpired at `now`.
pub async fn list_open<G: InvitationGrant>(
    conn: &mut Conn,
    environment_id: Option<EnvironmentId>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Invitation<G>>> {
    let statement = match environment_id {
        Some(environment_id) => conn
            .sql(select!(
                "WHERE account_kind = $1 AND consumed_at IS NULL AND expires_at > $2 AND environment_id = $4 \
                 ORDER BY id LIMIT $3"
            ))
            .bind(G::ACCOUNT_KIND)
            .bind(now)
            .bind(limit)
            .bind(environment_id),
        None => conn
            .sql(select!(
                "WHERE account_kind = $1 AND consumed_at IS NULL AND expires_at > $2 AND environment_id IS NULL \
                 ORDER BY id LIMIT $3"
            ))
            .bind(G::ACCOUNT_KIND)
            .bind(now)
            .bind(limit),
    };
    statement.all::<Row>().await?.into_iter().map(Invitation::try_from).collect()
}

/// The oldest unused and unexpired invitation of this address to get an account.
pub async fn find_open_by_email<G: InvitationGrant>(
    conn: &mut Conn,
    email: &Email,
    now: Timestamp,
) -> Result<Option<Invitation<G>>> {
    let row = conn
        .sql(select!(
            "WHERE email_key = $1 AND account_kind = $3 AND purpose = 'join' AND consumed_at IS NULL \
             AND expires_at > $2 ORDER BY id LIMIT 1"
        ))
        .bind(email.key())
        .bind(now)
        .bind(G::ACCOUNT_KIND)
        .optional::<Row>()
        .await?;
    row.map(Invitation::try_from).transpose()
}

/// Adds an invitation with the digest of its token.
pub async fn insert<G: InvitationGrant>(
    conn: &mut Conn,
    invitation: &Invitation<G>,
    token: Digest,
) -> Result<()> {
    conn.sql(
        "INSERT INTO invitations (id, token_sha256, purpose, account_kind, email, email_key, role, \
         environment_id, invited_by, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(invitation.id)
    .bind(token)
    .bind(invitation.purpose.as_str())
    .bind(G::ACCOUNT_KIND)
    .bind(invitation.email.as_ref().map(Email::as_str))
    .bind(invitation.email.as_ref().map(Email::key))
    .bind(invitation.grant.role())
    .bind(invitation.grant.environment_id())
    .bind(invitation.invited_by.map(|account| account.to_string()))
    .bind(invitation.created_at)
    .bind(invitation.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Marks an invitation as used. Returns whether it was unused and unexpired.
pub async fn consume<G: InvitationGrant>(
    conn: &mut Conn,
    invitation: &Invitation<G>,
    now: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE invitations SET consumed_at = $2 \
             WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2",
        )
        .bind(invitation.id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes an unused invitation. Returns whether it existed.
pub async fn remove<G: InvitationGrant>(conn: &mut Conn, invitation: &Invitation<G>) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM invitations WHERE id = $1 AND consumed_at IS NULL")
        .bind(invitation.id)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes the unused invitations that `inviter`, who may no longer invite, has created.
pub async fn remove_by_inviter(conn: &mut Conn, inviter: AccountId) -> Result<()> {
    conn.sql("DELETE FROM invitations WHERE invited_by = $1 AND consumed_at IS NULL")
        .bind(inviter.to_string())
        .execute()
        .await?;
    Ok(())
}

/// Deletes every unused invitation for this address to this kind of account, whatever its purpose.
pub async fn remove_by_email<G: InvitationGrant>(conn: &mut Conn, email: &Email) -> Result<()> {
    conn.sql("DELETE FROM invitations WHERE email_key = $1 AND account_kind = $2 AND consumed_at IS NULL")
        .bind(email.key())
        .bind(G::ACCOUNT_KIND)
        .execute()
        .await?;
    Ok(())
}

/// Deletes every invitation to an environment, when the environment is deleted.
pub async fn remove_in_environment(conn: &mut Conn, environment_id: EnvironmentId) -> Result<()> {
    conn.sql("DELETE FROM invitations WHERE environment_id = $1").bind(environment_id).execute().await?;
    Ok(())
}

/// Deletes a batch of invitations that expired before `before`. Returns how many.
pub async fn remove_expired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM invitations WHERE id IN \
         (SELECT id FROM invitations WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    )
    .bind(before)
    .execute()
    .await
}

fn environment_text(environment_id: Option<EnvironmentId>) -> String {
    environment_id.map(|id| id.to_string()).unwrap_or_default()
}
