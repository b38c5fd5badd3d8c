//! What a removed environment leaves behind, and its removal.
//!
//! What refers to the environment by a foreign key goes with its row. The tables without one are listed here: few rows
//! are deleted in the same transaction, histories in batches by the retention job. `audit_events` is kept.

use base::{id::EnvironmentId, time::Timestamp};

use super::{Conn, Result, Transaction, deleted_users};

/// Deletes the rows of an environment in one table.
macro_rules! all {
    ($table:literal) => {
        concat!("DELETE FROM ", $table, " WHERE environment_id = $1")
    };
}

/// Deletes a thousand rows of an environment in one table with this primary key.
macro_rules! some {
    ($table:literal by $key:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE (",
            $key,
            ") IN (SELECT ",
            $key,
            " FROM ",
            $table,
            " WHERE environment_id = $1 LIMIT 1000)"
        )
    };
}

/// Tables with few rows for each environment: deleted with it.
const AT_ONCE: &[&str] = &[
    all!("administrator_roles"),
    all!("invitations"),
    all!("sessions"),
    all!("event_counters"),
    all!("login_hours"),
];

/// Histories and what may be much: deleted in batches. Logins take their steps along, grants their codes and tokens; counts are
/// made of logins; nobody is left in groups, nor has a role that goes.
const IN_BATCHES: &[&str] = &[
    some!("login_flows" by "id"),
    some!("authorization_grants" by "id"),
    some!("signed_access_tokens" by "jti"),
    some!("authorization_requests" by "request_sha256"),
    some!("events" by "environment_id, sequence"),
    some!("webhook_deliveries" by "id"),
    some!("login_counts" by "hour, connection_id"),
    some!("connection_logins" by "connection_id"),
    some!("one_time_codes" by "id"),
    some!("role_assignments" by "role_id, organization_id, subject_kind, subject_id"),
    some!("roles" by "id"),
    some!("user_groups" by "id"),
    some!("user_associations" by "user_id"),
    some!("memberships" by "organization_id, user_id"),
    some!("membership_denials" by "organization_id, user_id"),
    some!("membership_counts" by "organization_id"),
    some!("letters" by "id"),
    some!("guest_invitations" by "id"),
    some!("organization_invitations" by "id"),
];

/// Deletes the few rows of an environment that is being removed, and notes that there may be more.
pub async fn insert(tx: &mut Transaction, id: EnvironmentId, now: Timestamp) -> Result<()> {
    for statement in AT_ONCE {
        tx.sql(statement).bind(id).execute().await?;
    }
    tx.sql("INSERT INTO removed_environments (id, removed_at) VALUES ($1, $2)")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Up to `limit` removed environments of which rows may be left, the oldest first.
pub async fn list(conn: &mut Conn, limit: i64) -> Result<Vec<EnvironmentId>> {
    let rows: Vec<(EnvironmentId,)> = conn
        .sql(
            "SELECT id FROM removed_environments WHERE id NOT IN (SELECT id FROM environments) \
             ORDER BY removed_at, id LIMIT $1",
        )
        .bind(limit)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Deletes a batch of rows of a removed environment. Returns how many; 0 if none is left.
pub async fn remove_rows(tx: &mut Transaction, id: EnvironmentId) -> Result<u64> {
    let users = deleted_users::remove_in_environment(tx, id).await?;
    if users > 0 {
        return Ok(users);
    }
    for statement in IN_BATCHES.iter().chain(AT_ONCE) {
        let gone = tx.sql(statement).bind(id).execute().await?;
        if gone > 0 {
            return Ok(gone);
        }
    }
    Ok(0)
}

/// Forgets an environment of which no row is left, if it was removed before `before`. Returns whether it did.
pub async fn remove(tx: &mut Transaction, id: EnvironmentId, before: Timestamp) -> Result<bool> {
    let gone = tx
        .sql("DELETE FROM removed_environments WHERE id = $1 AND removed_at < $2")
        .bind(id)
        .bind(before)
        .execute()
        .await?;
    Ok(gone == 1)
}
