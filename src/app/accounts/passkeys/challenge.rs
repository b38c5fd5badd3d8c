//! WebAuthn challenges. Their state is sealed and kept by the browser, so that anonymous requests write no rows; a
//! response is accepted once.

use std::time::Duration;

use base::{secret::Digest, time::Timestamp};
use model::account::AccountId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    app::{Error, Result, State},
    store::{Transaction, authentication_challenges},
};

/// How long a challenge is valid.
pub(super) const CHALLENGE_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The contexts that sealed challenges are bound to.
pub(super) const REGISTRATION: &str = "passkeys/registration";
pub(super) const SIGN_IN: &str = "passkeys/sign_in";

/// What a browser needs to answer a challenge.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// The options for `navigator.credentials`, as JSON.
    pub options: Value,
    /// The sealed state, which the browser returns with its response.
    pub sealed: String,
}

/// The state of a challenge, as it is sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct SealedChallenge<T> {
    pub(super) state: T,
    /// The account, or empty.
    pub(super) account: String,
    expires_at: i64,
    once: String,
}

/// Seals the state of a new challenge, for an account or for anybody.
pub(super) fn seal<T: Serialize>(
    state: &State,
    context: &str,
    inner: T,
    account: Option<AccountId>,
) -> Result<String> {
    let sealed = SealedChallenge {
        state: inner,
        account: account.map(|id| id.to_string()).unwrap_or_default(),
        expires_at: (state.now() + CHALLENGE_LIFETIME).millis(),
        once: format!("{:032x}", state.random.bits()),
    };
    let json = serde_json::to_vec(&sealed).map_err(Error::internal)?;
    Ok(state.master_key.seal(context, &json, &*state.random))
}

/// Opens a sealed challenge. An error if it has expired or was made for another context.
pub(super) fn open<T: for<'de> Deserialize<'de>>(
    state: &State,
    context: &str,
    text: &str,
) -> Result<SealedChallenge<T>> {
    let over = || Error::FailedPrecondition("this took too long; try again".into());
    let json = state.master_key.open(context, text).map_err(|_| over())?;
    let sealed: SealedChallenge<T> = serde_json::from_slice(&json).map_err(|_| over())?;
    if Timestamp::from_millis(sealed.expires_at) <= state.now() {
        return Err(over());
    }
    Ok(sealed)
}

/// Marks a challenge as answered. An error if it was answered before.
pub(super) async fn consume<T>(tx: &mut Transaction, sealed: &SealedChallenge<T>) -> Result<()> {
    let expires_at = Timestamp::from_millis(sealed.expires_at);
    if authentication_challenges::consume(tx, Digest::of(&sealed.once), expires_at).await? {
        Ok(())
    } else {
        Err(Error::FailedPrecondition("this was answered already; try again".into()))
    }
}
