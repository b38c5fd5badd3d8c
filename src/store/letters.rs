//! Letters: the durable queue of what is to be sent by mail, which is also the log.
//!
//! `next_attempt_at` of a queued letter is also the lease of the replica that sends it.

use base::{
    id::{EnvironmentId, LetterId, OneTimeCodeId, OrganizationId, UserId},
    secret::Digest,
    time::Timestamp,
};
use model::{
    account::AccountId,
    letter::{Asker, Letter, LetterError, LetterKind, LetterState},
};

use super::{Conn, Error, Result, Transaction, columns::column_list, one_time_codes::MAX_FAILURES};

/// How many letters one statement deletes.
const DELETE_BATCH_SIZE: i64 = 1000;

// Columns are listed, never `*`: when the next release adds a column, statements that a running replica has
// prepared must stay valid.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT ",
            column_list!(
                "",
                id,
                environment_id,
                organization_id,
                account_id,
                kind,
                code_id,
                asked_by,
                recipient,
                state,
                attempts,
                next_attempt_at,
                expires_at,
                last_error,
                last_reply,
                created_at,
                updated_at
            ),
            " FROM letters ",
            $rest
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: LetterId,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    account_id: Option<String>,
    kind: String,
    code_id: Option<OneTimeCodeId>,
    asked_by: Option<String>,
    recipient: Option<String>,
    state: String,
    attempts: i64,
    next_attempt_at: Option<Timestamp>,
    expires_at: Timestamp,
    last_error: Option<String>,
    last_reply: Option<i64>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for Letter {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = row.id;
        let unreadable = |column| Error::inconsistent("letters", column, id);
        let account_id = row.account_id.map(|text| text.parse::<AccountId>());
        let last_error = row.last_error.map(|text| text.parse::<LetterError>());
        let asked_by = row.asked_by.map(|text| text.parse::<Asker>());
        Ok(Self {
            id,
            environment_id: row.environment_id,
            organization_id: row.organization_id,
            account_id: account_id.transpose().map_err(|_| unreadable("account_id"))?,
            kind: row.kind.parse().map_err(|_| unreadable("kind"))?,
            code_id: row.code_id,
            asked_by: asked_by.transpose().map_err(|_| unreadable("asked_by"))?,
            sealed_recipient: row.recipient,
            state: row.state.parse().map_err(|_| unreadable("state"))?,
            attempts: u32::try_from(row.attempts).map_err(|_| unreadable("attempts"))?,
            next_attempt_at: row.next_attempt_at,
            expires_at: row.expires_at,
            last_error: last_error.transpose().map_err(|_| unreadable("last_error"))?,
            last_reply: row
                .last_reply
                .map(u16::try_from)
                .transpose()
                .map_err(|_| unreadable("last_reply"))?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Adds a letter. `contents` are sealed; there are none of one that is not to be sent. `recipient` stands for the address in counts.
pub async fn insert(
    tx: &mut Transaction,
    letter: &Letter,
    contents: Option<&str>,
    recipient: Option<&Digest>,
) -> Result<()> {
    tx.sql(
        "INSERT INTO letters (id, environment_id, organization_id, account_id, kind, code_id, recipient, contents, state, \
         attempts, next_attempt_at, expires_at, last_error, last_reply, created_at, updated_at, asked_by, \
         recipient_sha256) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    )
    .bind(letter.id)
    .bind(letter.environment_id)
    .bind(letter.organization_id)
    .bind(letter.account_id.map(|id| id.to_string()))
    .bind(letter.kind.as_str())
    .bind(letter.code_id)
    .bind(letter.sealed_recipient.as_deref())
    .bind(contents)
    .bind(letter.state.as_str())
    .bind(i64::from(letter.attempts))
    .bind(letter.next_attempt_at)
    .bind(letter.expires_at)
    .bind(letter.last_error.map(LetterError::as_str))
    .bind(letter.last_reply.map(i64::from))
    .bind(letter.created_at)
    .bind(letter.updated_at)
    .bind(letter.asked_by.map(Asker::as_str))
    .bind(recipient.map(|digest| digest.to_hex()))
    .execute()
    .await?;
    Ok(())
}

/// How many letters to an account somebody asked for since `since`, as far as `limit`. Of what strangers asked for, what did not
/// arrive does not count: nobody is kept out by it. Of what others asked for, every code counts: each can be guessed at.
pub async fn count_asked(
    conn: &mut Conn,
    account: AccountId,
    asker: Asker,
    since: Timestamp,
    limit: i64,
) -> Result<i64> {
    let statement = match asker {
        Asker::Stranger => conn.sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM letters WHERE account_id = $1 AND created_at > $2 AND asked_by = $3 \
             AND (state IN ('queued', 'sent') OR last_error IN ('code_ended', 'no_address')) LIMIT $4) AS recent",
        ),
        Asker::Holder | Asker::Administrator => conn.sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM letters WHERE account_id = $1 AND created_at > $2 AND asked_by = $3 \
             AND COALESCE(last_error, '') <> 'too_many' LIMIT $4) AS recent",
        ),
    };
    let (count,): (i64,) =
        statement.bind(account.to_string()).bind(since).bind(asker.as_str()).bind(limit).one().await?;
    Ok(count)
}

/// How many letters to an address were asked for by these since `since`, as far as `limit`, whatever account each belongs to. Of what
/// strangers ask for, those for one organization and for other accounts than this one, which has a limit of its own.
pub async fn count_to_address(
    conn: &mut Conn,
    recipient: &Digest,
    (organization_id, account): (OrganizationId, Option<AccountId>),
    asker: Asker,
    since: Timestamp,
    limit: i64,
) -> Result<i64> {
    let statement = match asker {
        Asker::Stranger => conn.sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM letters WHERE recipient_sha256 = $1 AND created_at > $2 AND asked_by = $3 \
             AND last_error IS NULL AND organization_id = $5 AND COALESCE(account_id, '') <> $6 LIMIT $4) AS recent",
        ),
        Asker::Holder | Asker::Administrator => conn.sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM letters WHERE recipient_sha256 = $1 AND created_at > $2 AND asked_by = $3 \
             AND COALESCE(last_error, '') <> 'too_many' LIMIT $4) AS recent",
        ),
    };
    let statement = statement.bind(recipient.to_hex()).bind(since).bind(asker.as_str()).bind(limit);
    let statement = match asker {
        Asker::Stranger => {
            statement.bind(organization_id).bind(account.map(|id| id.to_string()).unwrap_or_default())
        }
        Asker::Holder | Asker::Administrator => statement,
    };
    let (count,): (i64,) = statement.one().await?;
    Ok(count)
}

/// How many letters to people of an organization these people and its administrators asked for since `since`, as far as `limit`.
pub async fn count_of_organization(
    conn: &mut Conn,
    organization_id: OrganizationId,
    since: Timestamp,
    limit: i64,
) -> Result<i64> {
    let text = "SELECT COUNT(*) FROM (SELECT 1 FROM letters WHERE organization_id = $1 AND created_at > $2 \
                AND asked_by IN ('holder', 'administrator') AND COALESCE(last_error, '') <> 'too_many' LIMIT $3) AS recent";
    let (count,): (i64,) = conn.sql(text).bind(organization_id).bind(since).bind(limit).one().await?;
    Ok(count)
}

/// A letter that was written before another one of its kind, with what became of the code in it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct EarlierLetter {
    /// The letter.
    pub id: LetterId,
    /// The address, sealed.
    pub recipient: Option<String>,
    /// Its state.
    state: String,
    /// Why it was not sent.
    last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When its code expires, if it is there.
    code_expires_at: Option<Timestamp>,
    /// When its code was used or ended.
    code_consumed_at: Option<Timestamp>,
    /// How many wrong codes were given for it.
    code_failures: Option<i64>,
}

impl EarlierLetter {
    /// Whether it will not arrive, or has not, for another reason than that its code was used.
    pub fn is_lost(&self) -> bool {
        let is_over = !matches!(self.state.as_str(), "queued" | "sent");
        is_over && self.last_error.as_deref() != Some(LetterError::CodeEnded.as_str())
    }

    /// Whether its code can still be used.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.is_unused(now) && self.code_failures.is_some_and(|failures| failures < MAX_FAILURES)
    }

    /// Whether its code was guessed at too often.
    pub fn is_guessed(&self, now: Timestamp) -> bool {
        self.is_unused(now) && self.code_failures.is_some_and(|failures| failures >= MAX_FAILURES)
    }

    fn is_unused(&self, now: Timestamp) -> bool {
        self.code_consumed_at.is_none() && self.code_expires_at.is_some_and(|at| at > now)
    }
}

/// The letters of a kind that were written to an account since `since`, the newest first, as far as `limit`. Those that were
/// never to be sent are left out.
pub async fn list_earlier(
    conn: &mut Conn,
    account: AccountId,
    kind: LetterKind,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<EarlierLetter>> {
    conn.sql(
        "SELECT letters.id, letters.recipient, letters.state, letters.last_error, letters.created_at, \
         one_time_codes.expires_at AS code_expires_at, one_time_codes.consumed_at AS code_consumed_at, \
         one_time_codes.failures AS code_failures \
         FROM letters LEFT JOIN one_time_codes ON one_time_codes.id = letters.code_id \
         WHERE letters.account_id = $1 AND letters.created_at > $2 AND letters.kind = $3 \
         AND COALESCE(letters.last_error, '') NOT IN ('too_many', 'still_good') \
         ORDER BY letters.created_at DESC, letters.id DESC LIMIT $4",
    )
    .bind(account.to_string())
    .bind(since)
    .bind(kind.as_str())
    .bind(limit)
    .all()
    .await
}

/// Whether a user got a letter of a kind, as far as the log goes back.
pub async fn has_of_kind(conn: &mut Conn, user: UserId, kind: LetterKind) -> Result<bool> {
    let found: Option<(LetterId,)> = conn
        .sql("SELECT id FROM letters WHERE account_id = $1 AND kind = $2 ORDER BY created_at LIMIT 1")
        .bind(user)
        .bind(kind.as_str())
        .optional()
        .await?;
    Ok(found.is_some())
}

/// The latest letters to a user, the newest first.
pub async fn list_to(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    user: UserId,
    limit: i64,
) -> Result<Vec<Letter>> {
    let rows: Vec<Row> = conn
        .sql(select!(
            "WHERE account_id = $1 AND environment_id = $2 ORDER BY created_at DESC, id DESC LIMIT $3"
        ))
        .bind(user)
        .bind(environment_id)
        .bind(limit)
        .all()
        .await?;
    rows.into_iter().map(Letter::try_from).collect()
}

/// The ids of up to `limit` letters that are due and that no replica sends, those that have waited longest first; only those
/// that have expired, if so wanted.
pub async fn list_due(
    conn: &mut Conn,
    now: Timestamp,
    only_expired: bool,
    limit: i64,
) -> Result<Vec<LetterId>> {
    let expired_by = if only_expired { now } else { Timestamp::from_millis(i64::MAX) };
    let rows: Vec<(LetterId,)> = conn
        .sql(
            "SELECT id FROM letters WHERE state = 'queued' AND next_attempt_at <= $1 AND expires_at <= $2 \
             ORDER BY next_attempt_at LIMIT $3",
        )
        .bind(now)
        .bind(expired_by)
        .bind(limit)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Claims a letter that is due until `until`. Of concurrent replicas one succeeds.
pub async fn claim(tx: &mut Transaction, id: LetterId, now: Timestamp, until: Timestamp) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE letters SET next_attempt_at = $3 \
             WHERE id = $1 AND state = 'queued' AND next_attempt_at <= $2",
        )
        .bind(id)
        .bind(now)
        .bind(until)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Changes until when a letter is claimed. Returns `false` if the claim that ends at `held` was lost.
pub async fn extend_claim(
    tx: &mut Transaction,
    id: LetterId,
    held: Timestamp,
    until: Timestamp,
) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE letters SET next_attempt_at = $3 \
             WHERE id = $1 AND state = 'queued' AND next_attempt_at = $2",
        )
        .bind(id)
        .bind(held)
        .bind(until)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// A queued letter with its sealed contents.
pub async fn find_queued(conn: &mut Conn, id: LetterId) -> Result<Option<(Letter, Option<String>)>> {
    let row = conn.sql(select!("WHERE id = $1 AND state = 'queued'")).bind(id).optional::<Row>().await?;
    let Some(row) = row else { return Ok(None) };
    let contents: Option<(Option<String>,)> =
        conn.sql("SELECT contents FROM letters WHERE id = $1").bind(id).optional().await?;
    Ok(Some((row.try_into()?, contents.and_then(|(contents,)| contents))))
}

/// Whether a one-time code can still be used.
pub async fn code_is_open(conn: &mut Conn, id: OneTimeCodeId, now: Timestamp) -> Result<bool> {
    let found: Option<(OneTimeCodeId,)> = conn
        .sql(
            "SELECT id FROM one_time_codes \
             WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2 AND failures < $3",
        )
        .bind(id)
        .bind(now)
        .bind(MAX_FAILURES)
        .optional()
        .await?;
    Ok(found.is_some())
}

/// Stores the outcome of an attempt, if the letter is still queued. The contents go unless it is queued again. Returns whether
/// it was.
pub async fn update(tx: &mut Transaction, letter: &Letter) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE letters SET state = $2, attempts = $3, next_attempt_at = $4, last_error = $5, last_reply = $6, \
             updated_at = $7, contents = CASE WHEN $2 = 'queued' THEN contents END \
             WHERE id = $1 AND state = 'queued'",
        )
        .bind(letter.id)
        .bind(letter.state.as_str())
        .bind(i64::from(letter.attempts))
        .bind(letter.next_attempt_at)
        .bind(letter.last_error.map(LetterError::as_str))
        .bind(letter.last_reply.map(i64::from))
        .bind(letter.updated_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// The letter with this id in the environment.
pub async fn find(conn: &mut Conn, environment_id: EnvironmentId, id: LetterId) -> Result<Option<Letter>> {
    conn.sql(select!("WHERE environment_id = $1 AND id = $2"))
        .bind(environment_id)
        .bind(id)
        .optional::<Row>()
        .await?
        .map(Letter::try_from)
        .transpose()
}

/// Up to `limit` letters of an environment from `from` on, newest first; only those in `state`, if given.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    state: Option<LetterState>,
    from: Option<LetterId>,
    limit: i64,
) -> Result<Vec<Letter>> {
    let statement = match state {
        None => conn.sql(select!("WHERE environment_id = $1 AND id <= $2 ORDER BY id DESC LIMIT $3")),
        Some(_) => conn
            .sql(select!("WHERE environment_id = $1 AND id <= $2 AND state = $4 ORDER BY id DESC LIMIT $3")),
    };
    let from = from.unwrap_or(LetterId::from_bits(u128::MAX));
    let statement = statement.bind(environment_id).bind(from).bind(limit);
    let statement = match state {
        None => statement,
        Some(state) => statement.bind(state.as_str()),
    };
    statement.all::<Row>().await?.into_iter().map(Letter::try_from).collect()
}

/// Up to `limit` letters to an account, newest first.
pub async fn list_by_account(conn: &mut Conn, account: AccountId, limit: i64) -> Result<Vec<Letter>> {
    let rows = conn
        .sql(select!("WHERE account_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"))
        .bind(account.to_string())
        .bind(limit)
        .all::<Row>()
        .await?;
    rows.into_iter().map(Letter::try_from).collect()
}

/// How many letters of each state and error were written since `since`.
pub async fn count_by_outcome(
    conn: &mut Conn,
    since: Timestamp,
) -> Result<Vec<(String, Option<String>, i64)>> {
    conn.sql(
        "SELECT state, last_error, COUNT(*) FROM letters WHERE created_at > $1 \
         GROUP BY state, last_error ORDER BY state, last_error",
    )
    .bind(since)
    .all()
    .await
}

/// Deletes a batch of letters from before `before`. Returns how many.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql("DELETE FROM letters WHERE id IN (SELECT id FROM letters WHERE created_at < $1 LIMIT $2)")
        .bind(before)
        .bind(DELETE_BATCH_SIZE)
        .execute()
        .await
}
