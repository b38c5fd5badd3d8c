//! Registration of a passkey: for an account, or for one that is only being made.

use base::id::Id;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{
    account::{AccountId, Passkey},
    audit::Audited as _,
};
use uuid::Uuid;
use webauthn_rs::prelude::{PasskeyRegistration, RegisterPublicKeyCredential};

use super::{
    challenge::{Challenge, REGISTRATION, SealedChallenge, consume, open, seal},
    credentials::{MAX_PASSKEYS, parse},
    relying_party::require_webauthn,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::AccountHolder,
        audit::{self, Entry},
        input,
    },
    store::{self, Transaction, passkeys::StoredPasskey},
};

/// Whose passkey is to be made, as the authenticator shows it.
#[derive(Debug, Clone, Copy)]
pub struct PasskeyUser<'a> {
    /// The account.
    pub account: AccountId,
    /// What it is signed in with, such as the e-mail address.
    pub name: &'a str,
    /// The name of the person; may be empty.
    pub display_name: &'a str,
}

/// The challenge for a new passkey beside these.
pub fn registration_challenge(
    state: &State,
    user: PasskeyUser<'_>,
    existing: &[StoredPasskey],
) -> Result<Challenge> {
    let exclude =
        existing.iter().filter_map(|stored| parse(&stored.credential).ok()).map(|key| key.cred_id().clone());
    let display_name = if user.display_name.is_empty() { user.name } else { user.display_name };
    let handle = Uuid::from_u128(user.account.bits());
    let (options, registration) = require_webauthn(state)?
        .start_passkey_registration(handle, user.name, display_name, Some(exclude.collect()))
        .map_err(Error::internal)?;
    let mut options = serde_json::to_value(options).map_err(Error::internal)?;
    // The library discourages resident keys; without one the browser cannot offer the passkey at sign-in.
    if let Some(selection) = options.pointer_mut("/publicKey/authenticatorSelection") {
        selection["residentKey"] = "preferred".into();
        selection["requireResidentKey"] = false.into();
    }
    Ok(Challenge { options, sealed: seal(state, REGISTRATION, registration, Some(user.account))? })
}

/// The challenge for another passkey of an account.
pub async fn begin_registration(state: &State, user: PasskeyUser<'_>) -> Result<Challenge> {
    let existing = {
        let mut conn = state.db.read().await?;
        store::passkeys::list(&mut conn, user.account, MAX_PASSKEYS).await?
    };
    if existing.len() as i64 >= MAX_PASSKEYS {
        return Err(Error::FailedPrecondition(
            format!("you have {MAX_PASSKEYS} passkeys; remove one first").into(),
        ));
    }
    registration_challenge(state, user, &existing)
}

/// A new passkey, verified and not stored.
pub struct NewPasskey {
    stored: StoredPasskey,
    credential_key: String,
    sealed: SealedChallenge<PasskeyRegistration>,
}

impl NewPasskey {
    /// Verifies the response to a registration challenge.
    pub fn verify(state: &State, sealed: &str, answer: &str, display_name: &str) -> Result<Self> {
        let refused = || Error::invalid("passkey", "was not made; try again or take another device");
        let sealed: SealedChallenge<PasskeyRegistration> = open(state, REGISTRATION, sealed)?;
        let answer: RegisterPublicKeyCredential = serde_json::from_str(answer).map_err(|_| refused())?;
        let credential = require_webauthn(state)?
            .finish_passkey_registration(&answer, &sealed.state)
            .map_err(|error| {
                tracing::info!(%error, "a passkey was refused");
                refused()
            })?;
        let now = state.now();
        let display_name = match input::line("passkeyName", display_name.trim(), 100)? {
            name if name.is_empty() => "Passkey".to_owned(),
            name => name,
        };
        let passkey = Passkey {
            id: Id::new(now, &*state.random),
            account_id: sealed.account.parse().map_err(|_| refused())?,
            display_name,
            created_at: now,
            last_used_at: None,
        };
        let credential_key = BASE64.encode(credential.cred_id());
        let credential = serde_json::to_string(&credential).map_err(Error::internal)?;
        Ok(Self { stored: StoredPasskey { passkey, credential }, credential_key, sealed })
    }

    /// The account that its challenge was made for.
    pub fn account(&self) -> AccountId {
        self.stored.passkey.account_id
    }

    /// Returns an error unless it was made for this account.
    pub fn require_account(&self, account: AccountId) -> Result<()> {
        if self.account() == account {
            return Ok(());
        }
        Err(Error::FailedPrecondition("this passkey was made for another account; try again".into()))
    }

    /// Stores it. The challenge is not consumed: for a transaction that consumes something else, once. `field` is what a
    /// conflict names.
    pub async fn insert(&self, tx: &mut Transaction, field: &'static str) -> Result<()> {
        store::passkeys::insert(tx, &self.stored, &self.credential_key)
            .await
            .map_err(Error::conflict_on("passkey", field))
    }

    /// Consumes its challenge, stores it and records it, within the transaction that locks the holder's account.
    pub async fn add(self, tx: &mut Transaction, state: &State, holder: &AccountHolder) -> Result<Passkey> {
        self.require_account(holder.account)?;
        consume(tx, &self.sealed).await?;
        self.insert(tx, "passkey").await?;
        let passkey = self.stored.passkey;
        let entry = Entry::of(&passkey, "created").with_values(passkey.audit_fields());
        audit::record(tx, state, holder.environment_id, &holder.principal, entry).await?;
        Ok(passkey)
    }
}
