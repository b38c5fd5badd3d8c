//! The state of a pending sign-in, sealed in a cookie of the browser and accepted once.

use std::time::Duration;

use base::{secret::Digest, time::Timestamp};
use model::email::Email;
use serde::{Deserialize, Serialize};

use crate::{
    app::{Error, Result, State},
    store::{self, Transaction},
};

/// How long a sign-in at the identity provider may take.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The context that the sealed cookie is bound to: the name that a table had when cookies were sealed for it first.
const SEAL_CONTEXT: &str = "admin_challenges/sso";

/// A pending sign-in: what the callback needs to know of its beginning.
#[derive(Serialize, Deserialize)]
pub(super) struct PendingSso {
    /// OAuth's `state`, or the id of the login flow.
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) next: String,
    pub(super) expires_at: i64,
    /// Whether the provider must ask for credentials.
    #[serde(default)]
    pub(super) forced: bool,
    /// The address of the signed-in account, for a reauthentication.
    #[serde(default)]
    pub(super) account: Option<String>,
}

/// What a sign-in through an identity provider is for.
#[derive(Debug, Clone, Copy)]
pub enum SsoPurpose<'a> {
    /// To sign in to the console.
    SignIn,
    /// To reauthenticate: the provider must ask for credentials even if it has a session.
    Confirm {
        /// The address of the signed-in account.
        account: Option<&'a Email>,
    },
}

impl PendingSso {
    pub(super) fn new(state: &State, flow: String, next: &str, purpose: SsoPurpose<'_>) -> Self {
        let (forced, account) = match purpose {
            SsoPurpose::SignIn => (false, None),
            SsoPurpose::Confirm { account } => (true, account.map(ToString::to_string)),
        };
        Self {
            state: flow,
            nonce: String::new(),
            verifier: String::new(),
            next: next.to_owned(),
            expires_at: (state.now() + LIFETIME).millis(),
            forced,
            account,
        }
    }

    /// When the sign-in began.
    pub(super) fn started_at(&self) -> Timestamp {
        Timestamp::from_millis(self.expires_at) - LIFETIME
    }

    /// Returns an error if another address than that of the signed-in account was asserted.
    pub(super) fn check_account(&self, asserted: &Email) -> Result<()> {
        match self.account.as_deref().and_then(Email::parse) {
            Some(account) if account.key() != asserted.key() => Err(Error::FailedPrecondition(
                format!(
                    "you signed in as {asserted} there; this is the account of {account}. Confirm again, as {account}"
                )
                .into(),
            )),
            _ => Ok(()),
        }
    }
}

/// Seals a pending sign-in, for the cookie.
pub(super) fn seal(state: &State, pending: &PendingSso) -> Result<String> {
    let json = serde_json::to_vec(pending).map_err(Error::internal)?;
    Ok(state.master_key.seal(SEAL_CONTEXT, &json, &*state.random))
}

/// Opens the sealed cookie. An error if it has expired or belongs to another `state`.
pub(super) fn open(state: &State, cookie: &str, returned_state: &str) -> Result<PendingSso> {
    let json = state.master_key.open(SEAL_CONTEXT, cookie).map_err(|_| unknown_sso_state())?;
    let pending: PendingSso = serde_json::from_slice(&json).map_err(|_| unknown_sso_state())?;
    let is_over = Timestamp::from_millis(pending.expires_at) <= state.now();
    if is_over || Digest::of(&pending.state) != Digest::of(returned_state) {
        return Err(unknown_sso_state());
    }
    Ok(pending)
}

/// The error for a callback without its pending sign-in in this browser.
pub(super) fn unknown_sso_state() -> Error {
    Error::FailedPrecondition(
        "this sign-in was not begun in this browser, or took too long; begin again".into(),
    )
}

/// Marks a pending sign-in as used. An error if it was used before.
pub(super) async fn consume(tx: &mut Transaction, pending: &PendingSso) -> Result<()> {
    let expires_at = Timestamp::from_millis(pending.expires_at);
    match store::authentication_challenges::consume(tx, Digest::of(&pending.state), expires_at).await? {
        true => Ok(()),
        false => Err(Error::FailedPrecondition("this sign-in was used already; begin again".into())),
    }
}
