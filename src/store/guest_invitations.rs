//! Invitations of organizations to users of the one above. Only a digest of the confirmation code is stored.

use base::{
    id::{EnvironmentId, GuestInvitationId, OrganizationId, UserId},
    secret::{Digest, GuestInvitationCode},
    time::Timestamp,
};
use model::guest_invitation::GuestInvitation;

use super::{Conn, Error, Result, Transaction};

#[derive(sqlx::FromRow)]
struct Row {
    id: GuestInvitationId,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    user_id: UserId,
    resident_organization_id: OrganizationId,
    role_ids: String,
    group_ids: String,
    invited_by: Option<UserId>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl TryFrom<Row> for GuestInvitation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let wrong = |column| Error::inconsistent("guest_invitations", column, row.id);
        Ok(Self {
            id: row.id,
            environment_id: row.environment_id,
            organization_id: row.organization_id,
            user_id: row.user_id,
            resident_organization_id: row.resident_organization_id,
            roles: ids(&row.role_ids).ok_or_else(|| wrong("role_ids"))?,
            groups: ids(&row.group_ids).ok_or_else(|| wrong("group_ids"))?,
            invited_by: row.invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

/// Ids in a JSON array.
fn ids<T: std::str::FromStr, C: FromIterator<T>>(json: &str) -> Option<C> {
    let texts: Vec<String> = serde_json::from_str(json).ok()?;
    texts.iter().map(|text| text.parse().ok()).collect()
}

fn json<'a, T: serde::Serialize + 'a>(ids: impl IntoIterator<Item = &'a T>) -> String {
    serde_json::Value::from_iter(ids.into_iter().map(|id| serde_json::json!(id))).to_string()
}

/// A query of whole rows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, environment_id, organization_id, user_id, resident_organization_id, role_ids, group_ids, invited_by, \
             created_at, expires_at FROM guest_invitations ",
            $rest
        )
    };
}

/// Adds an invitation with the digest of its code. [`Error::Duplicate`]: there is one of the organization to the user.
pub async fn insert(
    tx: &mut Transaction,
    invitation: &GuestInvitation,
    code: &GuestInvitationCode,
) -> Result<()> {
    tx.sql(
        "INSERT INTO guest_invitations (id, environment_id, organization_id, user_id, resident_organization_id, code_sha256, \
         role_ids, group_ids, invited_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(invitation.id)
    .bind(invitation.environment_id)
    .bind(invitation.organization_id)
    .bind(invitation.user_id)
    .bind(invitation.resident_organization_id)
    .bind(digest(code))
    .bind(json(&invitation.roles))
    .bind(json(&invitation.groups))
    .bind(invitation.invited_by)
    .bind(invitation.created_at)
    .bind(invitation.expires_at)
    .execute()
    .await?;
    Ok(())
}

fn digest(code: &GuestInvitationCode) -> Digest {
    code.digest_of_text()
}

/// The invitation with this code, expired or not, of an organization that exists.
pub async fn find_by_code(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    code: &GuestInvitationCode,
) -> Result<Option<GuestInvitation>> {
    let row: Option<Row> = conn
        .sql(select!(
            "WHERE environment_id = $1 AND code_sha256 = $2 \
             AND organization_id IN (SELECT o.id FROM organizations o WHERE o.deleted_at IS NULL)"
        ))
        .bind(environment_id)
        .bind(digest(code))
        .optional()
        .await?;
    row.map(GuestInvitation::try_from).transpose()
}

/// One invitation of an organization.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    id: GuestInvitationId,
) -> Result<Option<GuestInvitation>> {
    let row: Option<Row> = conn
        .sql(select!("WHERE id = $3 AND environment_id = $1 AND organization_id = $2"))
        .bind(environment_id)
        .bind(organization_id)
        .bind(id)
        .optional()
        .await?;
    row.map(GuestInvitation::try_from).transpose()
}

/// Up to `limit` invitations of an organization, the newest first; those that had expired at this time, or those that had not.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    (expired, now): (Option<bool>, Timestamp),
    limit: i64,
) -> Result<Vec<GuestInvitation>> {
    let rows: Vec<Row> = match expired {
        None => {
            conn.sql(select!("WHERE environment_id = $1 AND organization_id = $2 ORDER BY id DESC LIMIT $3"))
                .bind(environment_id)
                .bind(organization_id)
                .bind(limit)
                .all()
                .await?
        }
        Some(expired) => {
            conn.sql(select!(
                "WHERE environment_id = $1 AND organization_id = $2 AND (expires_at <= $4) = $5 ORDER BY id DESC LIMIT $3"
            ))
            .bind(environment_id)
            .bind(organization_id)
            .bind(limit)
            .bind(now)
            .bind(expired)
            .all()
            .await?
        }
    };
    rows.into_iter().map(GuestInvitation::try_from).collect()
}

/// How many invitations of an organization had not expired at this time; at most `limit` are counted.
pub async fn count_open(
    conn: &mut Conn,
    organization_id: OrganizationId,
    now: Timestamp,
    limit: i64,
) -> Result<i64> {
    let text = "SELECT COUNT(*) FROM (SELECT 1 FROM guest_invitations WHERE organization_id = $1 AND expires_at > $2 LIMIT $3) t";
    let (count,): (i64,) = conn.sql(text).bind(organization_id).bind(now).bind(limit).one().await?;
    Ok(count)
}

/// Uses an invitation up. Returns whether it was there, and had not expired.
pub async fn consume(tx: &mut Transaction, id: GuestInvitationId, now: Timestamp) -> Result<bool> {
    let text = "DELETE FROM guest_invitations WHERE id = $1 AND expires_at > $2";
    Ok(tx.sql(text).bind(id).bind(now).execute().await? == 1)
}

/// Deletes an invitation. Returns whether it was there.
pub async fn remove(tx: &mut Transaction, id: GuestInvitationId) -> Result<bool> {
    Ok(tx.sql("DELETE FROM guest_invitations WHERE id = $1").bind(id).execute().await? == 1)
}

/// Deletes an organization's invitation to a user, if it has expired.
pub async fn remove_expired_of(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    user_id: UserId,
    now: Timestamp,
) -> Result<()> {
    let text =
        "DELETE FROM guest_invitations WHERE organization_id = $1 AND user_id = $2 AND expires_at <= $3";
    tx.sql(text).bind(organization_id).bind(user_id).bind(now).execute().await?;
    Ok(())
}

/// Deletes the invitations of an organization that is removed.
pub async fn remove_by_organization(tx: &mut Transaction, organization_id: OrganizationId) -> Result<()> {
    tx.sql("DELETE FROM guest_invitations WHERE organization_id = $1")
        .bind(organization_id)
        .execute()
        .await?;
    Ok(())
}

/// Deletes a batch of invitations that expired before `before`. Returns how many.
pub async fn remove_expired(tx: &mut Transaction, before: Timestamp) -> Result<u64> {
    tx.sql(
        "DELETE FROM guest_invitations WHERE id IN \
         (SELECT id FROM guest_invitations WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    )
    .bind(before)
    .execute()
    .await
}
