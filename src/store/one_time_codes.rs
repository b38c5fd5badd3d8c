//! One-time codes of users. Only digests are stored. Of the codes of a user for one purpose, and for one address where it
//! proves one, the newest counts.

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, OneTimeCodeId, UserId},
    secret::Digest,
    time::Timestamp,
};
use model::{
    account::{OneTimeCode, OneTimeCodePurpose},
    letter::Asker,
};

use super::{Conn, Error, Result, Sql, Transaction, batch::BATCH_SIZE, clock};

/// How many wrong codes end one.
pub const MAX_FAILURES: i64 = 5;

#[derive(sqlx::FromRow)]
struct Row {
    id: OneTimeCodeId,
    account_id: UserId,
    environment_id: EnvironmentId,
    purpose: String,
    code_sha256: Digest,
    address_key: Option<String>,
    created_at: Timestamp,
    expires_at: Timestamp,
}

impl Row {
    fn read(self) -> Result<(OneTimeCode, Digest)> {
        let wrong = |_| Error::inconsistent("one_time_codes", "purpose", self.id);
        let code = OneTimeCode {
            id: self.id,
            user_id: self.account_id,
            environment_id: self.environment_id,
            purpose: self.purpose.parse().map_err(wrong)?,
            address_key: self.address_key,
            created_at: self.created_at,
            expires_at: self.expires_at,
        };
        Ok((code, self.code_sha256))
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, environment_id, purpose, code_sha256, address_key, created_at, expires_at \
             FROM one_time_codes ",
            $rest
        )
    };
}

/// Adds a code.
pub async fn insert(tx: &mut Transaction, code: &OneTimeCode, digest: Digest) -> Result<()> {
    tx.sql(
        "INSERT INTO one_time_codes (id, account_id, environment_id, purpose, code_sha256, address_key, failures, \
         created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)",
    )
    .bind(code.id)
    .bind(code.user_id)
    .bind(code.environment_id)
    .bind(code.purpose.as_str())
    .bind(digest)
    .bind(code.address_key.as_deref())
    .bind(code.created_at)
    .bind(code.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Ends the codes of a user for a purpose, and for an address where they prove one.
pub async fn end(
    conn: &mut Conn,
    user: UserId,
    purpose: OneTimeCodePurpose,
    address_key: Option<&str>,
    now: Timestamp,
) -> Result<()> {
    conn.sql(
        "UPDATE one_time_codes SET consumed_at = $4 WHERE account_id = $1 AND purpose = $2 \
         AND COALESCE(address_key, '') = COALESCE($3, '') AND consumed_at IS NULL",
    )
    .bind(user)
    .bind(purpose.as_str())
    .bind(address_key)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Ends the codes of a user for a purpose, whichever address they went to.
pub async fn end_for(
    conn: &mut Conn,
    user: UserId,
    purpose: OneTimeCodePurpose,
    now: Timestamp,
) -> Result<()> {
    conn.sql(
        "UPDATE one_time_codes SET consumed_at = $3 WHERE account_id = $1 AND purpose = $2 AND consumed_at IS NULL",
    )
    .bind(user)
    .bind(purpose.as_str())
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// The code with this id, used or not.
pub async fn find(conn: &mut Conn, id: OneTimeCodeId) -> Result<Option<OneTimeCode>> {
    let row = conn.sql(select!("WHERE id = $1")).bind(id).optional::<Row>().await?;
    row.map(|row| row.read().map(|(code, _)| code)).transpose()
}

/// The newest code of a user for a purpose, and for an address if one is given, that was not ended by its use or a new one; with
/// its digest.
pub async fn find_newest(
    conn: &mut Conn,
    user: UserId,
    purpose: OneTimeCodePurpose,
    address_key: Option<&str>,
) -> Result<Option<(OneTimeCode, Digest)>> {
    let statement = match address_key {
        None => conn.sql(select!(
            "WHERE account_id = $1 AND purpose = $2 AND consumed_at IS NULL \
             ORDER BY created_at DESC, id DESC LIMIT 1"
        )),
        Some(_) => conn.sql(select!(
            "WHERE account_id = $1 AND purpose = $2 AND address_key = $3 AND consumed_at IS NULL \
             ORDER BY created_at DESC, id DESC LIMIT 1"
        )),
    };
    let statement = statement.bind(user).bind(purpose.as_str());
    let statement = match address_key {
        None => statement,
        Some(key) => statement.bind(key),
    };
    statement.optional::<Row>().await?.map(Row::read).transpose()
}

/// The code of a user for a purpose with this id, if it was not ended by its use or a new one; with its digest.
pub async fn find_unused(
    conn: &mut Conn,
    user: UserId,
    purpose: OneTimeCodePurpose,
    id: OneTimeCodeId,
) -> Result<Option<(OneTimeCode, Digest)>> {
    let row = conn
        .sql(select!("WHERE id = $1 AND account_id = $2 AND purpose = $3 AND consumed_at IS NULL"))
        .bind(id)
        .bind(user)
        .bind(purpose.as_str())
        .optional::<Row>()
        .await?;
    row.map(Row::read).transpose()
}

/// Until when the activation codes of these users are good, of those who have one that can be used. Those of people who registered
/// themselves are not among them: the letter with such a code was asked for by a stranger.
pub async fn list_invitations(
    conn: &mut Conn,
    ids: &[UserId],
    now: Timestamp,
) -> Result<BTreeMap<UserId, Timestamp>> {
    let mut found = BTreeMap::new();
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from("SELECT account_id, MAX(expires_at) FROM one_time_codes WHERE account_id IN (")
            .values(some.iter().map(ToString::to_string))
            .push(") AND purpose = ")
            .value(OneTimeCodePurpose::Activation.as_str())
            .push(" AND consumed_at IS NULL AND expires_at > ")
            .value(now.millis())
            .push(" AND failures < ")
            .value(MAX_FAILURES)
            .push(
                " AND NOT EXISTS (SELECT 1 FROM letters WHERE letters.account_id = one_time_codes.account_id \
                 AND letters.code_id = one_time_codes.id AND letters.asked_by = ",
            )
            .value(Asker::Stranger.as_str())
            .push(") GROUP BY account_id");
        found.extend(conn.dynamic(sql).all::<(UserId, Timestamp)>().await?);
    }
    Ok(found)
}

/// Takes one of the attempts that a code allows, which locks it until the transaction ends. Returns whether there was one:
/// `false` for a code that has ended.
pub async fn take_attempt(tx: &mut Transaction, id: OneTimeCodeId, now: Timestamp) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE one_time_codes SET failures = failures + 1 \
             WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2 AND failures < $3",
        )
        .bind(id)
        .bind(now)
        .bind(MAX_FAILURES)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Uses a code up after [`take_attempt`].
pub async fn consume(tx: &mut Transaction, id: OneTimeCodeId, now: Timestamp) -> Result<bool> {
    let touched = tx
        .sql("UPDATE one_time_codes SET consumed_at = $2 WHERE id = $1 AND consumed_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes every code of a user.
pub async fn remove_all(conn: &mut Conn, user: UserId) -> Result<()> {
    conn.sql("DELETE FROM one_time_codes WHERE account_id = $1").bind(user).execute().await?;
    Ok(())
}

/// Deletes a batch of codes that have expired on every replica. Returns how many.
pub async fn remove_expired(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    let before = clock::expiry_cutoff(conn, now).await?;
    conn.sql(
        "DELETE FROM one_time_codes WHERE id IN \
         (SELECT id FROM one_time_codes WHERE expires_at < $1 ORDER BY expires_at LIMIT 500)",
    )
    .bind(before)
    .execute()
    .await
}
