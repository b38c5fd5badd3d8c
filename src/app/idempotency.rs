//! Requests that may come twice and must be done once: the first answer is kept and given again
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! A key belongs to the API key that sent it, and to one request: method, path, query and body. An attempt
//! that failed on our side frees its key. One that vanished (the process was killed) counts as lost after
//! `LOST`; what it may have done by then is the one thing that this cannot know.

use std::time::Duration;

use super::{Error, Result, State};
use crate::{
    model::{id::ApiKeyId, secret::Digest},
    store::idempotency_keys::{self, Attempt, IdempotencyKey, StoredResponse},
};

/// For how long an answer is given again.
pub const KEPT: Duration = Duration::from_secs(24 * 3600);

/// After how long an attempt without an answer counts as lost: several times what a request may take.
const LOST: Duration = Duration::from_secs(120);

/// An attempt at a request, which the caller must [`finish`] or [`abandon`].
#[derive(Debug, Clone)]
pub struct Claim {
    key: IdempotencyKey,
    attempt: String,
}

/// An answer that was given before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Begun {
    /// It is to be done.
    First(Claim),
    /// It was done before.
    Before(Answer),
    /// The same is being done just now.
    Running,
    /// Its key belongs to another request.
    Other,
}

/// Begins what the holder of an API key asks under `key`; `request` is the digest of what it asks.
pub async fn begin(state: &State, api_key_id: ApiKeyId, key: &str, request: Digest) -> Result<Begun> {
    let key = IdempotencyKey { api_key_id, key: Digest::of(key) };
    let now = state.now();
    let attempt = Attempt { request, name: format!("{:032x}", state.random.bits()), started_at: now };
    let claim = || Claim { key, attempt: attempt.name.clone() };
    let mut tx = state.db.write().await?;
    if idempotency_keys::insert(&mut tx, &key, &attempt).await? {
        tx.commit().await?;
        return Ok(Begun::First(claim()));
    }
    // Freed in this very moment: another try will do.
    let Some((known, answer)) = idempotency_keys::find(&mut tx, &key).await? else {
        return Ok(Begun::Running);
    };
    let over = known.started_at + if answer.is_some() { KEPT } else { LOST } <= now;
    if over {
        let taken = idempotency_keys::take_over(&mut tx, &key, &known.name, &attempt).await?;
        tx.commit().await?;
        return Ok(if taken { Begun::First(claim()) } else { Begun::Running });
    }
    if known.request != request {
        return Ok(Begun::Other);
    }
    let Some(answer) = answer else { return Ok(Begun::Running) };
    let body = state.master_key.open(&place(&key), &answer.sealed).map_err(Error::internal)?;
    Ok(Begun::Before(Answer { status: answer.status, body }))
}

/// Keeps the answer, to be given again.
pub async fn finish(state: &State, claim: &Claim, status: u16, body: &[u8]) -> Result<()> {
    let sealed = state.master_key.seal(&place(&claim.key), body, &*state.random);
    let mut tx = state.db.write().await?;
    idempotency_keys::update(&mut tx, &claim.key, &claim.attempt, &StoredResponse { status, sealed }).await?;
    Ok(tx.commit().await?)
}

/// Frees the key: the attempt came to nothing, and another one may try.
pub async fn abandon(state: &State, claim: &Claim) -> Result<()> {
    let mut tx = state.db.write().await?;
    idempotency_keys::remove(&mut tx, &claim.key, &claim.attempt).await?;
    Ok(tx.commit().await?)
}

/// Where an answer is sealed for.
fn place(key: &IdempotencyKey) -> String {
    format!("idempotency_keys/answer/{}/{}", key.api_key_id, key.key.to_hex())
}
