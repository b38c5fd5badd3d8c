//! Idempotency keys (draft-ietf-httpapi-idempotency-key-header): a repeated request is executed once, and gets
//! the stored first response.
//!
//! A key belongs to the caller that sent it, an API key, an application or a user, and to one request: method, path, query and body. An attempt that
//! fails with a server error frees its key. An attempt without a response (the process was killed) expires after
//! `ATTEMPT_TIMEOUT`; it may or may not have taken effect.

use std::{fmt, time::Duration};

use base::secret::Digest;

use super::{Result, State};
use crate::store::{
    idempotency_keys::{self, Attempt, IdempotencyKey, StoredResponse},
    sealed_columns::IDEMPOTENT_ANSWER,
};

/// How long a response is kept.
pub const RETENTION: Duration = Duration::from_secs(24 * 3600);

/// After how long an attempt without a response expires: several times the request timeout.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(120);

/// A running attempt at a request, which the caller must [`complete`] or [`release`].
#[derive(Debug, Clone)]
pub struct Claim {
    key: IdempotencyKey,
    attempt: String,
}

/// A stored response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// What to do with a request.
#[derive(Debug)]
pub enum ClaimOutcome {
    /// Execute it.
    Claimed(Claim),
    /// It was executed before: repeat its response.
    Completed(ReplayedResponse),
    /// The same request is running.
    InProgress,
    /// The key was used for a different request.
    KeyReused,
}

/// Claims `key` for a request of this caller; `request` is the fingerprint of the request.
pub async fn claim(
    state: &State,
    caller: impl fmt::Display,
    key: &str,
    request: Digest,
) -> Result<ClaimOutcome> {
    let key = IdempotencyKey { caller_id: caller.to_string(), key: Digest::of(key) };
    let now = state.now();
    let attempt = Attempt { request, name: format!("{:032x}", state.random.bits()), started_at: now };
    let claim = || Claim { key: key.clone(), attempt: attempt.name.clone() };
    let mut tx = state.db.write().await?;
    if idempotency_keys::insert(&mut tx, &key, &attempt).await? {
        tx.commit().await?;
        return Ok(ClaimOutcome::Claimed(claim()));
    }
    // Freed concurrently: the client can retry.
    let Some((known, answer)) = idempotency_keys::find(&mut tx, &key).await? else {
        return Ok(ClaimOutcome::InProgress);
    };
    let over = known.started_at + if answer.is_some() { RETENTION } else { ATTEMPT_TIMEOUT } <= now;
    if over {
        let taken = idempotency_keys::take_over(&mut tx, &key, &known.name, &attempt).await?;
        tx.commit().await?;
        return Ok(if taken { ClaimOutcome::Claimed(claim()) } else { ClaimOutcome::InProgress });
    }
    if known.request != request {
        return Ok(ClaimOutcome::KeyReused);
    }
    let Some(answer) = answer else { return Ok(ClaimOutcome::InProgress) };
    let body = state.open(&IDEMPOTENT_ANSWER, &[&key.caller_id, &key.key.to_hex()], &answer.sealed)?;
    Ok(ClaimOutcome::Completed(ReplayedResponse { status: answer.status, body }))
}

/// Stores the response.
pub async fn complete(state: &State, claim: &Claim, status: u16, body: &[u8]) -> Result<()> {
    let key = &claim.key;
    let sealed = state.seal(&IDEMPOTENT_ANSWER, &[&key.caller_id, &key.key.to_hex()], body);
    let mut tx = state.db.write().await?;
    idempotency_keys::update(&mut tx, &claim.key, &claim.attempt, &StoredResponse { status, sealed }).await?;
    Ok(tx.commit().await?)
}

/// Frees the key: the attempt failed, and another may be made.
pub async fn release(state: &State, claim: &Claim) -> Result<()> {
    let mut tx = state.db.write().await?;
    idempotency_keys::remove(&mut tx, &claim.key, &claim.attempt).await?;
    Ok(tx.commit().await?)
}
