//! Users of identity pools, and what ends with them: their sessions and access tokens.

use std::collections::BTreeSet;

use base::{
    id::{EnvironmentId, EnvironmentKind, IdentityPoolId, OrganizationId, UserId, UserKind, UserSessionId},
    time::Timestamp,
};
use model::{
    search_index::{self, SearchWord},
    user::{IdentifierKey, User, UserSource},
};

use super::{
    Conn, Result, Sql, Transaction,
    batch::BATCH_SIZE,
    columns,
    connection::{Row, Statement},
    table::{Key, SHARED_LOCK, Table, locking, locking_sql, select_text, select_where},
};

impl Table for User {
    type Kind = UserKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "users";
    const COLUMNS: &'static [&'static str] = &[
        "status",
        "user_type",
        "display_name",
        "payload",
        "metadata",
        "business_metadata",
        "updated_at",
        "status_updated_at",
    ];
    const FIXED: &'static [&'static str] =
        &["organization_id", "pool_id", "source", "shadow_of", "created_at"];

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        self.version = version;
        self.updated_at = at;
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.status.as_str())
            .bind(self.user_type.as_str())
            .bind(self.display_name())
            .bind(columns::object_to_json(&self.payload))
            .bind(columns::object_to_json(&self.metadata))
            .bind(columns::object_to_json(&self.business_metadata))
            .bind(self.updated_at)
            .bind(self.status_updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.organization_id)
            .bind(self.pool_id)
            .bind(self.source.as_str())
            .bind(self.shadow_of)
            .bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            organization_id: row.get("organization_id")?,
            pool_id: row.get("pool_id")?,
            version: row.get("version")?,
            status: row.parse("status", columns::by_name)?,
            source: row.parse("source", columns::by_name)?,
            shadow_of: row.get("shadow_of")?,
            user_type: row.get("user_type")?,
            payload: row.parse("payload", columns::object_from_json)?,
            metadata: row.parse("metadata", columns::object_from_json)?,
            business_metadata: row.parse("business_metadata", columns::object_from_json)?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            status_updated_at: row.get("status_updated_at")?,
        })
    }

    async fn insert_related(&self, conn: &mut Conn) -> Result<()> {
        insert_words(conn, self).await
    }
}

/// Makes the words of a user those of the display name.
pub async fn update_words(conn: &mut Conn, user: &User) -> Result<()> {
    conn.sql("DELETE FROM user_words WHERE user_id = $1").bind(user.id).execute().await?;
    insert_words(conn, user).await
}

async fn insert_words(conn: &mut Conn, user: &User) -> Result<()> {
    let words = search_index::name_words(&user.display_name());
    if words.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::from("INSERT INTO user_words (pool_id, word, user_id) VALUES ");
    for (at, word) in words.iter().enumerate() {
        sql = sql.push(if at == 0 { "(" } else { ", (" });
        sql = sql.value(user.pool_id.to_string()).push(", ").value(word.as_str()).push(", ");
        sql = sql.value(user.id.to_string()).push(")");
    }
    conn.dynamic(sql).execute().await?;
    Ok(())
}

/// The names of those of these users who are in the environment. A name may be empty.
pub async fn list_names(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    ids: &[UserId],
) -> Result<Vec<(UserId, String)>> {
    let mut found = Vec::new();
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from("SELECT id, display_name FROM users WHERE environment_id || '' = ")
            .value(environment_id.to_string())
            .push(" AND id IN (")
            .values(some.iter().map(ToString::to_string))
            .push(")");
        found.extend(conn.dynamic(sql).all().await?);
    }
    Ok(found)
}

/// Those of these users who are of an organization.
pub async fn list_of_organization(
    conn: &mut Conn,
    organization_id: OrganizationId,
    ids: &[UserId],
) -> Result<Vec<UserId>> {
    let mut found = Vec::new();
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from("SELECT id FROM users WHERE organization_id || '' = ")
            .value(organization_id.to_string())
            .push(" AND id IN (")
            .values(some.iter().map(ToString::to_string))
            .push(")");
        found.extend(conn.dynamic(sql).all::<(UserId,)>().await?.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

/// Up to `limit` users of a pool after one of them, or from the first, in the order of their ids.
pub async fn list_after(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    pool_id: IdentityPoolId,
    after: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>> {
    let rest =
        "WHERE users.environment_id = $1 AND users.pool_id = $2 AND users.id > $3 ORDER BY users.id LIMIT $4";
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    select_where::<User>(conn, rest).bind(environment_id).bind(pool_id).bind(after).bind(limit).all_of().await
}

/// The last `limit` users of a pool before one of them, in the order of their ids.
pub async fn list_before(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    pool_id: IdentityPoolId,
    before: UserId,
    limit: i64,
) -> Result<Vec<User>> {
    let rest = "WHERE users.environment_id = $1 AND users.pool_id = $2 AND users.id < $3 ORDER BY users.id DESC LIMIT $4";
    let mut found: Vec<User> = select_where::<User>(conn, rest)
        .bind(environment_id)
        .bind(pool_id)
        .bind(before)
        .bind(limit)
        .all_of()
        .await?;
    found.reverse();
    Ok(found)
}

/// Up to `limit` users of the pools of an organization that exist, from one of them on, in the order of their ids.
pub async fn list_by_organization(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    from: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>> {
    let rest = "WHERE users.environment_id = $1 AND users.organization_id = $2 AND users.id >= $3 \
                AND EXISTS (SELECT 1 FROM identity_pools p WHERE p.id = users.pool_id AND p.deleted_at IS NULL) \
                ORDER BY users.id LIMIT $4";
    select_where::<User>(conn, rest)
        .bind(environment_id)
        .bind(organization_id)
        .bind(columns::page_start(from))
        .bind(limit)
        .all_of()
        .await
}

/// Up to `limit` users of the pools of an organization that exist, without the first `offset`, in the order of their ids.
pub async fn list_at(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    offset: i64,
    limit: i64,
) -> Result<Vec<User>> {
    let rest = "WHERE users.environment_id = $1 AND users.organization_id = $2 \
                AND EXISTS (SELECT 1 FROM identity_pools p WHERE p.id = users.pool_id AND p.deleted_at IS NULL) \
                ORDER BY users.id LIMIT $4 OFFSET $3";
    select_where::<User>(conn, rest)
        .bind(environment_id)
        .bind(organization_id)
        .bind(offset)
        .bind(limit)
        .all_of()
        .await
}

/// How many users the pools of an organization have that exist.
pub async fn count_in_organization(conn: &mut Conn, organization_id: OrganizationId) -> Result<i64> {
    let (count,): (i64,) = conn
        .sql(
            "SELECT CAST(COALESCE(SUM(number_of_users), 0) AS BIGINT) FROM identity_pools \
             WHERE organization_id = $1 AND deleted_at IS NULL",
        )
        .bind(organization_id)
        .one()
        .await?;
    Ok(count)
}

/// Up to `limit` users of a pool, the newest first, from one of them on.
pub async fn list_newest(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    pool_id: IdentityPoolId,
    from: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>> {
    let rest = "WHERE users.environment_id = $1 AND users.pool_id = $2 AND users.id <= $3 ORDER BY users.id DESC LIMIT $4";
    select_where::<User>(conn, rest)
        .bind(environment_id)
        .bind(pool_id)
        .bind(from.unwrap_or(UserId::from_bits(u128::MAX)))
        .bind(limit)
        .all_of()
        .await
}

/// Up to `limit` users of the pools of an organization that exist, the newest first, from one of them on.
pub async fn list_newest_by_organization(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    from: Option<UserId>,
    limit: i64,
) -> Result<Vec<User>> {
    let rest = "WHERE users.environment_id = $1 AND users.organization_id = $2 AND users.id <= $3 \
                AND EXISTS (SELECT 1 FROM identity_pools p WHERE p.id = users.pool_id AND p.deleted_at IS NULL) \
                ORDER BY users.id DESC LIMIT $4";
    select_where::<User>(conn, rest)
        .bind(environment_id)
        .bind(organization_id)
        .bind(from.unwrap_or(UserId::from_bits(u128::MAX)))
        .bind(limit)
        .all_of()
        .await
}

/// The user of a pool with the first of these identifiers that somebody has.
pub async fn find_by_key(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    pool_id: IdentityPoolId,
    keys: &[IdentifierKey],
) -> Result<Option<User>> {
    let rest = "JOIN user_identifiers i ON i.user_id = users.id \
                WHERE users.environment_id = $1 AND users.pool_id = $2 AND i.pool_id = $2 AND i.identifier_key = $3";
    let mut first = None;
    for key in keys {
        let found = select_where::<User>(conn, rest)
            .bind(environment_id)
            .bind(pool_id)
            .bind(key.as_str())
            .optional_of()
            .await?;
        first = first.or(found);
    }
    Ok(first)
}

/// Up to `limit` users of an environment who have one of these identifiers or this address, proven or not, in pools that exist.
pub async fn list_by_keys(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    keys: &[IdentifierKey],
    address_key: Option<&str>,
    limit: i64,
) -> Result<Vec<User>> {
    // By the key alone: an environment has many users, and few people have one key.
    let by_identifier = "JOIN user_identifiers i ON i.user_id = users.id \
                         WHERE i.identifier_key || '' = $1 AND users.environment_id || '' = $2 AND EXISTS \
                         (SELECT 1 FROM identity_pools p WHERE p.id = users.pool_id AND p.deleted_at IS NULL) \
                         ORDER BY i.user_id LIMIT $3";
    let by_address = "JOIN user_addresses a ON a.user_id = users.id \
                      WHERE a.address_key || '' = $1 AND users.environment_id || '' = $2 AND EXISTS \
                      (SELECT 1 FROM identity_pools p WHERE p.id = users.pool_id AND p.deleted_at IS NULL) \
                      ORDER BY a.user_id LIMIT $3";
    let mut found: Vec<User> = Vec::new();
    let texts = keys.iter().map(|key| (by_identifier, key.as_str()));
    for (text, key) in texts.chain(address_key.map(|key| (by_address, key))) {
        let some = select_where::<User>(conn, text).bind(key).bind(environment_id).bind(limit);
        found.extend(some.all_of().await?);
    }
    found.sort_by_key(|user| user.id);
    found.dedup_by_key(|user| user.id);
    found.truncate(usize::try_from(limit).unwrap_or_default());
    Ok(found)
}

/// The user of an organization's pools with this identifier: of its oldest pool, if several have one.
pub async fn find_by_key_in_organization(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    key: &IdentifierKey,
) -> Result<Option<User>> {
    let rest = "JOIN user_identifiers i ON i.user_id = users.id \
                WHERE users.environment_id = $1 AND users.organization_id = $2 AND i.identifier_key = $3 AND i.pool_id IN \
                (SELECT p.id FROM identity_pools p WHERE p.organization_id = $2 AND p.deleted_at IS NULL) \
                ORDER BY i.pool_id LIMIT 1";
    select_where::<User>(conn, rest)
        .bind(environment_id)
        .bind(organization_id)
        .bind(key.as_str())
        .optional_of()
        .await
}

/// Up to `limit` users of an organization's pools who have proven this address.
pub async fn list_by_address_in_organization(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    address_key: &str,
    limit: i64,
) -> Result<Vec<User>> {
    let rest = "JOIN user_addresses a ON a.user_id = users.id \
                WHERE users.environment_id = $1 AND users.organization_id = $2 AND a.address_key = $3 \
                AND a.verified_at IS NOT NULL AND a.pool_id IN \
                (SELECT p.id FROM identity_pools p WHERE p.organization_id = $2 AND p.deleted_at IS NULL) \
                ORDER BY a.user_id LIMIT $4";
    select_where::<User>(conn, rest)
        .bind(environment_id)
        .bind(organization_id)
        .bind(address_key)
        .bind(limit)
        .all_of()
        .await
}

/// Up to `limit` users of a pool with this address: all, or those who have proven it.
pub async fn list_by_address(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    pool_id: IdentityPoolId,
    address_key: &str,
    only_verified: bool,
    limit: i64,
) -> Result<Vec<User>> {
    let rest = "JOIN user_addresses a ON a.user_id = users.id \
                WHERE users.environment_id = $1 AND users.pool_id = $2 AND a.pool_id = $2 AND a.address_key = $3 \
                AND (NOT $4 OR a.verified_at IS NOT NULL) ORDER BY a.user_id LIMIT $5";
    select_where::<User>(conn, rest)
        .bind(environment_id)
        .bind(pool_id)
        .bind(address_key)
        .bind(only_verified)
        .bind(limit)
        .all_of()
        .await
}

/// Up to `limit` users of a pool who have, for each of these words, a word in their display name that begins with it; in the
/// order of what the first word finds.
pub async fn search(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    pool_id: IdentityPoolId,
    words: &[SearchWord],
    limit: i64,
) -> Result<Vec<User>> {
    let Some((first, others)) = words.split_first() else { return Ok(Vec::new()) };
    let range = |sql: Sql, word: &SearchWord| {
        sql.push(" AND w.word >= ").value(word.as_str()).push(" AND w.word < ").value(word.upper_bound())
    };
    // The words are read in the order of their index, until there are enough of them: each user has a few.
    let inner = Sql::from("SELECT w.user_id FROM user_words w WHERE w.pool_id = ").value(pool_id.to_string());
    let mut inner = range(inner, first);
    for word in others {
        inner =
            inner.push(" AND EXISTS (SELECT 1 FROM user_words v WHERE v.user_id = w.user_id AND v.word >= ");
        inner = inner.value(word.as_str()).push(" AND v.word < ").value(word.upper_bound()).push(")");
    }
    let inner = inner.push(" ORDER BY w.word, w.user_id LIMIT ").value(limit);
    let sql = Sql::from(select_text::<User>())
        .value(environment_id.to_string())
        .push(" AND users.id IN (")
        .append(inner)
        .push(") ORDER BY users.display_name, users.id");
    conn.dynamic(sql).all_of().await
}

/// Those of these users who are in a pool. None of them goes until the transaction ends.
pub async fn lock_in_pool(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    pool_id: IdentityPoolId,
    ids: &[UserId],
) -> Result<BTreeSet<UserId>> {
    let mut found = BTreeSet::new();
    for some in ids.chunks(BATCH_SIZE) {
        let select = Sql::from("SELECT id FROM users WHERE environment_id = ")
            .value(environment_id.to_string())
            .push(" AND pool_id = ")
            .value(pool_id.to_string())
            .push(" AND id IN (")
            .values(some.iter().map(ToString::to_string))
            .push(") ORDER BY id");
        let sql = locking_sql(tx.dialect(), select, SHARED_LOCK);
        let rows: Vec<(UserId,)> = tx.dynamic(sql).all().await?;
        found.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(found)
}

/// Adds `by` to the numbers of a pool's users.
pub async fn add_to_counts(
    tx: &mut Transaction,
    pool_id: IdentityPoolId,
    source: UserSource,
    by: i64,
) -> Result<()> {
    tx.sql(
        "UPDATE identity_pools SET number_of_users = number_of_users + $2, \
         number_of_jit_users = number_of_jit_users + $3 WHERE id = $1",
    )
    .bind(pool_id)
    .bind(by)
    .bind(if source == UserSource::Jit { by } else { 0 })
    .execute()
    .await?;
    Ok(())
}

/// Whether an organization that exists is a template, and whether it is switched off. Neither changes until the transaction
/// ends.
pub async fn lock_organization(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<(bool, bool)>> {
    let select = "SELECT is_template, status FROM organizations \
                  WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    let text = locking(tx.dialect(), select, SHARED_LOCK);
    let row: Option<(bool, String)> =
        tx.sql(text).bind(environment_id).bind(organization_id).optional().await?;
    Ok(row.map(|(is_template, status)| (is_template, status == "disabled")))
}

/// Whether an organization is in use: there, and not switched off.
pub async fn is_organization_in_use(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<bool> {
    let found: Option<(String,)> = conn
        .sql("SELECT id FROM organizations WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL AND status = 'active'")
        .bind(environment_id)
        .bind(organization_id)
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Ends what a user has of an account that may not be used any more: sessions, grants with their codes and refresh tokens,
/// access tokens, and one-time codes.
pub async fn end_use(tx: &mut Transaction, id: UserId, now: Timestamp) -> Result<()> {
    for text in [
        "UPDATE sessions SET revoked_at = $2 WHERE subject_id = $1 AND revoked_at IS NULL",
        "UPDATE signed_access_tokens SET revoked_at = $2 WHERE subject_id = $1 AND revoked_at IS NULL",
        "UPDATE one_time_codes SET consumed_at = $2 WHERE account_id = $1 AND consumed_at IS NULL",
        "UPDATE authorization_grants SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL",
    ] {
        tx.sql(text).bind(id).bind(now).execute().await?;
    }
    Ok(())
}

/// Ends the sessions of a user but one, with the grants and access tokens of the others.
pub async fn end_other_sessions(
    tx: &mut Transaction,
    id: UserId,
    kept: UserSessionId,
    now: Timestamp,
) -> Result<u64> {
    for text in [
        "UPDATE signed_access_tokens SET revoked_at = $2 \
         WHERE subject_id = $1 AND COALESCE(session_id, '') <> $3 AND revoked_at IS NULL",
        "UPDATE authorization_grants SET revoked_at = $2 \
         WHERE user_id = $1 AND COALESCE(session_id, '') <> $3 AND revoked_at IS NULL",
    ] {
        tx.sql(text).bind(id).bind(now).bind(kept).execute().await?;
    }
    super::sessions::revoke_all(tx, id, Some(kept), now).await
}

/// [`end_use`] of every user of a pool.
pub async fn end_use_in_pool(tx: &mut Transaction, pool_id: IdentityPoolId, now: Timestamp) -> Result<()> {
    for text in [
        "UPDATE sessions SET revoked_at = $2 \
         WHERE subject_id IN (SELECT id FROM users WHERE pool_id = $1) AND revoked_at IS NULL",
        "UPDATE signed_access_tokens SET revoked_at = $2 \
         WHERE subject_id IN (SELECT id FROM users WHERE pool_id = $1) AND revoked_at IS NULL",
        "UPDATE authorization_grants SET revoked_at = $2 \
         WHERE user_id IN (SELECT id FROM users WHERE pool_id = $1) AND revoked_at IS NULL",
    ] {
        tx.sql(text).bind(pool_id).bind(now).execute().await?;
    }
    Ok(())
}

/// Ends every session and access token of an organization's own users, and those of others that are good in it.
pub async fn end_use_in_organization(
    tx: &mut Transaction,
    organization_id: OrganizationId,
    now: Timestamp,
) -> Result<()> {
    for text in [
        "UPDATE sessions SET revoked_at = $2 \
         WHERE subject_id IN (SELECT id FROM users WHERE organization_id = $1) AND revoked_at IS NULL",
        "UPDATE signed_access_tokens SET revoked_at = $2 \
         WHERE subject_id IN (SELECT id FROM users WHERE organization_id = $1) AND revoked_at IS NULL",
        "UPDATE authorization_grants SET revoked_at = $2 \
         WHERE user_id IN (SELECT id FROM users WHERE organization_id = $1) AND revoked_at IS NULL",
        "UPDATE sessions SET revoked_at = $2 WHERE organization_id = $1 AND revoked_at IS NULL",
        "UPDATE signed_access_tokens SET revoked_at = $2 WHERE organization_id = $1 AND revoked_at IS NULL",
    ] {
        tx.sql(text).bind(organization_id).bind(now).execute().await?;
    }
    Ok(())
}

/// Whether a user was asked whether they want a passkey.
pub async fn was_offered_passkey(conn: &mut Conn, id: UserId) -> Result<bool> {
    let row: Option<(Option<Timestamp>,)> =
        conn.sql("SELECT passkey_offered_at FROM users WHERE id = $1").bind(id).optional().await?;
    Ok(row.is_some_and(|(at,)| at.is_some()))
}

/// Stores that a user was asked whether they want a passkey.
pub async fn update_passkey_offered(tx: &mut Transaction, id: UserId, now: Timestamp) -> Result<()> {
    tx.sql("UPDATE users SET passkey_offered_at = $2 WHERE id = $1").bind(id).bind(now).execute().await?;
    Ok(())
}
