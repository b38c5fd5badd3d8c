//! Invitations to organizations. Only a digest of the link's token is stored, and of each address at most one is open.
//!
//! An open one that has expired by the clock counts as expired for whoever reads it; a job closes it.

use std::collections::BTreeSet;

use base::{
    id::{EnvironmentId, OrganizationId, OrganizationInvitationId, UserId},
    secret::Digest,
    time::Timestamp,
};
use model::{
    email::Email,
    organization_invitation::{InvitationStatus, OrganizationInvitation},
};

use super::{
    Conn, Error, Result, Sql, Transaction,
    batch::{BATCH_SIZE, DELETE_BATCH_SIZE},
    columns::{column_list, page_start},
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            column_list!(
                "",
                id,
                environment_id,
                organization_id,
                email,
                role,
                invited_by,
                vouched,
                expires_at,
                lifetime_ms,
                accepted_at,
                accepted_user_id,
                revoked_at,
                send_count,
                last_sent_at,
                renewed_since,
                renewed_count,
                created_at
            ),
            " FROM organization_invitations ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: OrganizationInvitationId,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    email: String,
    role: String,
    invited_by: String,
    vouched: bool,
    expires_at: Timestamp,
    lifetime_ms: i64,
    accepted_at: Option<Timestamp>,
    accepted_user_id: Option<UserId>,
    revoked_at: Option<Timestamp>,
    send_count: i64,
    last_sent_at: Timestamp,
    renewed_since: Timestamp,
    renewed_count: i64,
    created_at: Timestamp,
}

impl TryFrom<Row> for OrganizationInvitation {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable = |column| Error::inconsistent("organization_invitations", column, row.id);
        Ok(Self {
            id: row.id,
            environment_id: row.environment_id,
            organization_id: row.organization_id,
            email: Email::parse(&row.email).ok_or_else(|| unreadable("email"))?,
            role: row.role.parse().map_err(|_| unreadable("role"))?,
            invited_by: row.invited_by,
            vouched: row.vouched,
            expires_at: row.expires_at,
            lifetime_ms: row.lifetime_ms,
            accepted_at: row.accepted_at,
            accepted_user_id: row.accepted_user_id,
            revoked_at: row.revoked_at,
            send_count: row.send_count,
            last_sent_at: row.last_sent_at,
            renewed: (row.renewed_since, row.renewed_count),
            created_at: row.created_at,
        })
    }
}

fn all(rows: Vec<Row>) -> Result<Vec<OrganizationInvitation>> {
    rows.into_iter().map(OrganizationInvitation::try_from).collect()
}

/// Adds invitations with the digests of their tokens. [`Error::Duplicate`]: one for an address is open already.
pub async fn insert(tx: &mut Transaction, new: &[(OrganizationInvitation, Digest)]) -> Result<()> {
    for some in new.chunks(BATCH_SIZE) {
        let mut sql = Sql::from(
            "INSERT INTO organization_invitations (id, environment_id, organization_id, email, email_key, role, token_sha256, \
             state, invited_by, vouched, expires_at, lifetime_ms, send_count, last_sent_at, renewed_since, renewed_count, \
             created_at) VALUES ",
        );
        for (at, (invitation, token)) in some.iter().enumerate() {
            sql = sql
                .push(if at == 0 { "(" } else { ", (" })
                .value(invitation.id.to_string())
                .push(", ")
                .value(invitation.environment_id.to_string())
                .push(", ")
                .value(invitation.organization_id.to_string())
                .push(", ")
                .value(invitation.email.as_str())
                .push(", ")
                .value(invitation.email.key())
                .push(", ")
                .value(invitation.role.as_str())
                .push(", ")
                .value(token.to_hex())
                .push(", 'open', ")
                .value(invitation.invited_by.as_str())
                .push(if invitation.vouched { ", TRUE, " } else { ", FALSE, " })
                .value(invitation.expires_at.millis())
                .push(", ")
                .value(invitation.lifetime_ms)
                .push(", ")
                .value(invitation.send_count)
                .push(", ")
                .value(invitation.last_sent_at.millis())
                .push(", ")
                .value(invitation.renewed.0.millis())
                .push(", ")
                .value(invitation.renewed.1)
                .push(", ")
                .value(invitation.created_at.millis())
                .push(")");
        }
        tx.dynamic(sql).execute().await?;
    }
    Ok(())
}

/// An invitation of an organization.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    id: OrganizationInvitationId,
) -> Result<Option<OrganizationInvitation>> {
    let row: Option<Row> = conn
        .sql(select!("WHERE id = $1 AND environment_id = $2 AND organization_id = $3"))
        .bind(id)
        .bind(environment_id)
        .bind(organization_id)
        .optional()
        .await?;
    row.map(OrganizationInvitation::try_from).transpose()
}

/// The invitation with this token, whatever became of it.
pub async fn find_by_token(conn: &mut Conn, token: Digest) -> Result<Option<OrganizationInvitation>> {
    let row: Option<Row> = conn.sql(select!("WHERE token_sha256 = $1")).bind(token).optional().await?;
    row.map(OrganizationInvitation::try_from).transpose()
}

/// The open invitations of an organization for these addresses, as keys; also those that have expired by the clock.
pub async fn list_open(
    conn: &mut Conn,
    organization_id: OrganizationId,
    keys: &[String],
) -> Result<Vec<OrganizationInvitation>> {
    let mut found = Vec::new();
    for some in keys.chunks(BATCH_SIZE) {
        let sql = Sql::from(select!("WHERE organization_id = "))
            .value(organization_id.to_string())
            .push(" AND state = 'open' AND email_key IN (")
            .values(some.iter().map(String::as_str))
            .push(")");
        found.extend(all(conn.dynamic(sql).all().await?)?);
    }
    Ok(found)
}

/// Which of these addresses, as keys, members of an organization sign in with or have proven. `pools` are the organizations in whose
/// pools they may be: itself, and the root.
pub async fn list_addresses_of_members(
    conn: &mut Conn,
    (organization_id, root): (OrganizationId, OrganizationId),
    keys: &[String],
) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for some in keys.chunks(BATCH_SIZE) {
        let pools = || {
            Sql::from(
                "(SELECT p.id FROM identity_pools p WHERE p.deleted_at IS NULL AND p.organization_id IN (",
            )
            .value(organization_id.to_string())
            .push(", ")
            .value(root.to_string())
            .push("))")
        };
        let keys = |sql: Sql| sql.push(" IN (").values(some.iter().map(String::as_str)).push(")");
        let of_member = |sql: Sql| sql.value(organization_id.to_string());
        let identifiers =
            Sql::from("SELECT i.identifier_key FROM user_identifiers i WHERE i.pool_id IN ").append(pools());
        let addresses =
            Sql::from(" UNION SELECT a.address_key FROM user_addresses a WHERE a.verified_at IS NOT NULL AND a.pool_id IN ")
                .append(pools());
        let sql = of_member(keys(identifiers.push(" AND i.identifier_key")).append(Sql::from(
            " AND EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = i.user_id AND m.organization_id = ",
        )))
        .push(")")
        .append(
            of_member(keys(addresses.push(" AND a.address_key")).append(Sql::from(
                " AND EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = a.user_id AND m.organization_id = ",
            )))
            .push(")"),
        );
        let rows: Vec<(String,)> = conn.dynamic(sql).all().await?;
        found.extend(rows.into_iter().map(|(key,)| key));
    }
    Ok(found)
}

/// Up to `limit` invitations of an organization from `from` on, in the order of creation; only those of a status at `now`, if given.
pub async fn list(
    conn: &mut Conn,
    organization_id: OrganizationId,
    status: Option<InvitationStatus>,
    now: Timestamp,
    from: Option<OrganizationInvitationId>,
    limit: i64,
) -> Result<Vec<OrganizationInvitation>> {
    const WITH_STATE: &str =
        select!("WHERE organization_id = $1 AND state = $4 AND id >= $2 ORDER BY id LIMIT $3");
    let from = page_start(from);
    let rows: Vec<Row> = match status {
        None => {
            let text = select!("WHERE organization_id = $1 AND id >= $2 ORDER BY id LIMIT $3");
            conn.sql(text).bind(organization_id).bind(from).bind(limit).all().await?
        }
        Some(InvitationStatus::Pending) => {
            let text = select!(
                "WHERE organization_id = $1 AND state = 'open' AND expires_at > $4 AND id >= $2 ORDER BY id LIMIT $3"
            );
            conn.sql(text).bind(organization_id).bind(from).bind(limit).bind(now).all().await?
        }
        Some(InvitationStatus::Expired) => {
            // Those that the job has not closed yet are few.
            let text = select!(
                "WHERE organization_id = $1 AND state = 'open' AND expires_at <= $4 AND id >= $2 ORDER BY id LIMIT $3"
            );
            let overdue: Vec<Row> =
                conn.sql(text).bind(organization_id).bind(from).bind(limit).bind(now).all().await?;
            let state = InvitationStatus::Expired.as_str();
            let mut rows: Vec<Row> =
                conn.sql(WITH_STATE).bind(organization_id).bind(from).bind(limit).bind(state).all().await?;
            rows.extend(overdue);
            rows.sort_by_key(|row| row.id);
            rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            rows
        }
        Some(status) => {
            let state = status.as_str();
            conn.sql(WITH_STATE).bind(organization_id).bind(from).bind(limit).bind(state).all().await?
        }
    };
    all(rows)
}

/// Up to `limit` invitations of an environment that one of these addresses, as keys, can accept at `now`, the oldest first.
pub async fn list_pending_of(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    keys: &[String],
    now: Timestamp,
    limit: i64,
) -> Result<Vec<OrganizationInvitation>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let sql = Sql::from(select!("WHERE environment_id = "))
        .value(environment_id.to_string())
        .push(" AND email_key IN (")
        .values(keys.iter().map(String::as_str))
        .push(") AND state = 'open' AND expires_at > ")
        .value(now.millis())
        .push(" ORDER BY id LIMIT ")
        .value(limit);
    all(conn.dynamic(sql).all().await?)
}

/// Up to `limit` invitations of an environment that were for one of these addresses, as keys, or that this user accepted.
pub async fn list_about(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    keys: &[String],
    user: UserId,
    limit: i64,
) -> Result<Vec<OrganizationInvitation>> {
    let mut found: Vec<OrganizationInvitation> = all(conn
        .sql(select!("WHERE accepted_user_id = $1 ORDER BY id DESC LIMIT $2"))
        .bind(user)
        .bind(limit)
        .all()
        .await?)?;
    if !keys.is_empty() {
        let sql = Sql::from(select!("WHERE environment_id = "))
            .value(environment_id.to_string())
            .push(" AND email_key IN (")
            .values(keys.iter().map(String::as_str))
            .push(") ORDER BY id DESC LIMIT ")
            .value(limit);
        found.extend(all(conn.dynamic(sql).all().await?)?);
    }
    found.sort_by_key(|invitation| invitation.id);
    found.dedup_by_key(|invitation| invitation.id);
    Ok(found)
}

/// Gives an invitation another token. Returns whether it is still open, and nobody else did so meanwhile.
pub async fn renew(tx: &mut Transaction, renewed: &OrganizationInvitation, token: Digest) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE organization_invitations SET token_sha256 = $2, expires_at = $3, send_count = $4, last_sent_at = $5, \
             renewed_since = $6, renewed_count = $7, vouched = $8, role = $9, lifetime_ms = $10, invited_by = $11 \
             WHERE id = $1 AND state = 'open' AND send_count = $4 - 1",
        )
        .bind(renewed.id)
        .bind(token)
        .bind(renewed.expires_at)
        .bind(renewed.send_count)
        .bind(renewed.last_sent_at)
        .bind(renewed.renewed.0)
        .bind(renewed.renewed.1)
        .bind(renewed.vouched)
        .bind(renewed.role.as_str())
        .bind(renewed.lifetime_ms)
        .bind(renewed.invited_by.as_str())
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Marks an invitation as accepted by a user. Returns whether it could still be.
pub async fn accept(
    tx: &mut Transaction,
    id: OrganizationInvitationId,
    user: UserId,
    now: Timestamp,
) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE organization_invitations SET state = 'accepted', accepted_at = $3, accepted_user_id = $2, ended_at = $3 \
             WHERE id = $1 AND state = 'open' AND expires_at > $3",
        )
        .bind(id)
        .bind(user)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Takes an invitation back. Returns whether it was pending.
pub async fn revoke(tx: &mut Transaction, id: OrganizationInvitationId, now: Timestamp) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE organization_invitations SET state = 'revoked', revoked_at = $2, ended_at = $2 \
             WHERE id = $1 AND state = 'open' AND expires_at > $2",
        )
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Takes back every invitation of an organization that is open: it ends.
pub async fn revoke_all(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<u64> {
    tx.sql(
        "UPDATE organization_invitations SET state = 'revoked', revoked_at = $2, ended_at = $2 \
         WHERE organization_id = $1 AND state = 'open'",
    )
    .bind(organization_id)
    .bind(now)
    .execute()
    .await
}

/// Closes an open invitation that has expired. Returns whether it did.
pub async fn close_expired(
    tx: &mut Transaction,
    id: OrganizationInvitationId,
    now: Timestamp,
) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE organization_invitations SET state = 'expired', ended_at = expires_at \
             WHERE id = $1 AND state = 'open' AND expires_at <= $2",
        )
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Up to `limit` open invitations that have expired, those first that did so first.
pub async fn list_overdue(
    conn: &mut Conn,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<OrganizationInvitation>> {
    all(conn
        .sql(select!("WHERE state = 'open' AND expires_at <= $1 ORDER BY expires_at LIMIT $2"))
        .bind(now)
        .bind(limit)
        .all()
        .await?)
}

/// How many invitations of an organization are pending at `now`, as far as `limit`.
pub async fn count_pending(
    conn: &mut Conn,
    organization_id: OrganizationId,
    now: Timestamp,
    limit: i64,
) -> Result<i64> {
    let (count,): (i64,) = conn
        .sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM organization_invitations \
             WHERE organization_id = $1 AND state = 'open' AND expires_at > $2 LIMIT $3) AS pending",
        )
        .bind(organization_id)
        .bind(now)
        .bind(limit)
        .one()
        .await?;
    Ok(count)
}

/// Erases the invitations of an environment that were for one of these addresses, as keys.
pub async fn erase_addresses(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    keys: &[String],
) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let sql = Sql::from("DELETE FROM organization_invitations WHERE environment_id = ")
        .value(environment_id.to_string())
        .push(" AND email_key IN (")
        .values(keys.iter().map(String::as_str))
        .push(")");
    tx.dynamic(sql).execute().await?;
    Ok(())
}

/// Deletes a batch of invitations that ended before `before`. Returns how many.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM organization_invitations WHERE id IN \
         (SELECT id FROM organization_invitations WHERE ended_at < $1 ORDER BY ended_at LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
