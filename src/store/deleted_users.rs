//! Erases users with everything that is kept of them: one who is deleted at once; those of removed pools, organizations and
//! environments, and their groups, in batches, because a pool may be large.

use base::{
    id::{EnvironmentId, UserId},
    time::Timestamp,
};

use super::{Conn, Result, Sql, account_logins, memberships, user_associations};

/// How many users one call erases.
const BATCH_SIZE: i64 = 200;

/// What refers to an account without a foreign key. Identifiers, addresses, words and memberships go along with the user's row. Access
/// tokens stay until they expire: their rows hold ids only, and the tokens ended when the account did.
const BY_ACCOUNT: [&str; 11] = [
    "DELETE FROM passwords WHERE account_id IN (",
    "DELETE FROM former_passwords WHERE account_id IN (",
    "DELETE FROM passkeys WHERE account_id IN (",
    "DELETE FROM passkey_challenges WHERE account_id IN (",
    "DELETE FROM totp_secrets WHERE account_id IN (",
    "DELETE FROM recovery_codes WHERE account_id IN (",
    "DELETE FROM one_time_codes WHERE account_id IN (",
    "DELETE FROM letters WHERE account_id IN (",
    "DELETE FROM role_assignments WHERE subject_id IN (",
    "DELETE FROM sessions WHERE subject_id IN (",
    "DELETE FROM organization_invitations WHERE accepted_user_id IN (",
];

/// Erases these users, and their images in other organizations: their credentials, codes and sessions, identifiers and addresses, and the users themselves. Returns
/// how many there were.
pub async fn remove(conn: &mut Conn, ids: &[UserId]) -> Result<u64> {
    remove_rows(conn, ids.iter().map(|id| (id.to_string(),)).collect()).await
}

/// [`remove`], whatever the ids are: a row that makes no sense does not keep the others.
async fn remove_rows(conn: &mut Conn, ids: Vec<(String,)>) -> Result<u64> {
    let ids: Vec<String> = ids.into_iter().map(|(id,)| id).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    loop {
        let images = user_associations::list_images(conn, &ids, BATCH_SIZE).await?;
        if images.is_empty() {
            break;
        }
        user_associations::subtract_from_counts(conn, &images).await?;
        erase(conn, &images).await?;
    }
    erase(conn, &ids).await
}

async fn erase(conn: &mut Conn, ids: &[String]) -> Result<u64> {
    account_logins::forget(conn, ids).await?;
    memberships::remove_of_users(conn, ids).await?;
    for text in BY_ACCOUNT {
        let sql = Sql::from(text).values(ids.iter().map(String::as_str)).push(")");
        conn.dynamic(sql).execute().await?;
    }
    let sql = Sql::from("DELETE FROM users WHERE id IN (").values(ids.iter().map(String::as_str)).push(")");
    conn.dynamic(sql).execute().await
}

/// Groups of pools and organizations whose users are gone, and removed groups: nobody is left in a group that goes, and it has no role.
const GROUPS: [&str; 5] = [
    "DELETE FROM role_assignments WHERE (role_id, organization_id, subject_kind, subject_id) IN \
     (SELECT a.role_id, a.organization_id, a.subject_kind, a.subject_id FROM identity_pools p \
     JOIN user_groups g ON g.pool_id = p.id JOIN role_assignments a ON a.subject_id = g.id WHERE p.deleted_at < $1 LIMIT $2)",
    "DELETE FROM user_groups WHERE id IN (SELECT g.id FROM identity_pools p JOIN user_groups g ON g.pool_id = p.id \
     WHERE p.deleted_at < $1 LIMIT $2)",
    "DELETE FROM user_groups WHERE id IN (SELECT g.id FROM organizations o \
     JOIN user_groups g ON g.organization_id = o.id WHERE o.deleted_at < $1 LIMIT $2)",
    "DELETE FROM user_group_members WHERE (group_id, user_id) IN (SELECT m.group_id, m.user_id FROM user_groups g \
     JOIN user_group_members m ON m.group_id = g.id WHERE g.deleted_at < $1 LIMIT $2)",
    "DELETE FROM user_groups WHERE id IN (SELECT id FROM user_groups WHERE deleted_at < $1 LIMIT $2)",
];

/// Erases a batch of the users of pools and organizations that were removed before `before`; then of groups; then the pools
/// that nobody is left in. Returns how many rows went; 0 when nothing is left.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    for text in [
        "SELECT u.id FROM identity_pools p JOIN users u ON u.pool_id = p.id WHERE p.deleted_at < $1 LIMIT $2",
        "SELECT u.id FROM organizations o JOIN users u ON u.organization_id = o.id WHERE o.deleted_at < $1 LIMIT $2",
    ] {
        let ids = conn.sql(text).bind(before).bind(BATCH_SIZE).all().await?;
        let gone = remove_rows(conn, ids).await?;
        if gone > 0 {
            return Ok(gone);
        }
    }
    for text in GROUPS {
        let gone = conn.sql(text).bind(before).bind(BATCH_SIZE).execute().await?;
        if gone > 0 {
            return Ok(gone);
        }
    }
    conn.sql(
        "DELETE FROM identity_pools WHERE id IN (SELECT p.id FROM identity_pools p WHERE p.deleted_at < $1 \
         AND NOT EXISTS (SELECT 1 FROM users u WHERE u.pool_id = p.id) \
         AND NOT EXISTS (SELECT 1 FROM user_groups g WHERE g.pool_id = p.id) LIMIT $2)",
    )
    .bind(before)
    .bind(BATCH_SIZE)
    .execute()
    .await
}

/// Erases a batch of the users of an environment that is gone. Returns how many.
pub(super) async fn remove_in_environment(conn: &mut Conn, environment_id: EnvironmentId) -> Result<u64> {
    let ids = conn
        .sql("SELECT id FROM users WHERE environment_id = $1 LIMIT $2")
        .bind(environment_id)
        .bind(BATCH_SIZE)
        .all()
        .await?;
    remove_rows(conn, ids).await
}
