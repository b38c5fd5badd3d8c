//! Registration of a passkey: for an account, or for one that is only being made.

use base::{id::Id, time::Timestamp};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{
    account::{AccountId, Passkey},
    audit::Audited as _,
};
use serde_json::Value;
use uuid::Uuid;
use webauthn_rs::prelude::{
    Passkey as Credential, PasskeyRegistration, RegisterPublicKeyCredential, Webauthn,
};

use super::{
    challenge::{CHALLENGE_LIFETIME, Challenge, REGISTRATION, SealedChallenge, consume, open, seal},
    credentials::{MAX_PASSKEYS, parse},
    relying_party::{Ceremony, RelyingParty},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::AccountHolder,
        audit::{self, Entry},
        input,
    },
    store::{self, Transaction, passkey_challenges, passkeys::StoredPasskey},
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
    challenge_in(state, &Ceremony::console(state), user, existing)
}

fn challenge_in(
    state: &State,
    ceremony: &Ceremony<'_>,
    user: PasskeyUser<'_>,
    existing: &[StoredPasskey],
) -> Result<Challenge> {
    let (options, registration) = start(ceremony.party, user, existing)?;
    let sealed = seal(state, &ceremony.context(REGISTRATION), registration, Some(user.account))?;
    Ok(Challenge { options, sealed })
}

/// The options of a new passkey beside these, and what the response is verified with.
fn start(
    party: RelyingParty<'_>,
    user: PasskeyUser<'_>,
    existing: &[StoredPasskey],
) -> Result<(Value, PasskeyRegistration)> {
    let exclude =
        existing.iter().filter_map(|stored| parse(&stored.credential).ok()).map(|key| key.cred_id().clone());
    let display_name = if user.display_name.is_empty() { user.name } else { user.display_name };
    let handle = Uuid::from_u128(user.account.bits());
    let (options, registration) = party
        .require_webauthn()?
        .start_passkey_registration(handle, user.name, display_name, Some(exclude.collect()))
        .map_err(Error::internal)?;
    let mut options = serde_json::to_value(options).map_err(Error::internal)?;
    // The library discourages resident keys; without one the browser cannot offer the passkey at sign-in.
    if let Some(selection) = options.pointer_mut("/publicKey/authenticatorSelection") {
        selection["residentKey"] = "preferred".into();
        selection["requireResidentKey"] = false.into();
    }
    Ok((options, registration))
}

/// The passkeys that an account has. An error if there is no room for another one.
async fn existing(state: &State, account: AccountId) -> Result<Vec<StoredPasskey>> {
    let found = store::passkeys::list(&mut state.db.read().await?, account, MAX_PASSKEYS).await?;
    if found.len() as i64 >= MAX_PASSKEYS {
        return Err(Error::FailedPrecondition(
            format!("you have {MAX_PASSKEYS} passkeys; remove one first").into(),
        ));
    }
    Ok(found)
}

/// The challenge for another passkey of an account.
pub async fn begin_registration(state: &State, user: PasskeyUser<'_>) -> Result<Challenge> {
    registration_challenge(state, user, &existing(state, user.account).await?)
}

/// The challenge for another passkey of an account, within a ceremony.
pub async fn begin_registration_in(
    state: &State,
    ceremony: &Ceremony<'_>,
    user: PasskeyUser<'_>,
) -> Result<Challenge> {
    challenge_in(state, ceremony, user, &existing(state, user.account).await?)
}

/// What the response to a challenge is verified with, to be kept for the account: for callers that keep nothing themselves.
pub struct StoredChallenge {
    state: String,
    expires_at: Timestamp,
}

impl StoredChallenge {
    /// Keeps it, instead of the one before.
    pub async fn insert(self, tx: &mut Transaction, account: AccountId) -> Result<()> {
        Ok(passkey_challenges::upsert(tx, account, &self.state, self.expires_at).await?)
    }
}

/// The options of another passkey of an account, and its challenge, which the caller stores.
pub async fn begin_stored(
    state: &State,
    party: RelyingParty<'_>,
    user: PasskeyUser<'_>,
) -> Result<(Value, StoredChallenge)> {
    let (options, registration) = start(party, user, &existing(state, user.account).await?)?;
    let challenge = StoredChallenge {
        state: serde_json::to_string(&registration).map_err(Error::internal)?,
        expires_at: state.now() + CHALLENGE_LIFETIME,
    };
    Ok((options, challenge))
}

/// The challenge that a passkey answers.
enum Answered {
    Sealed(SealedChallenge<PasskeyRegistration>),
    Stored(String),
}

/// The refusal of a response that makes no passkey.
fn not_made() -> Error {
    Error::invalid("passkey", "was not made; try again or take another device")
}

fn finish(
    webauthn: &Webauthn,
    answer: &RegisterPublicKeyCredential,
    registration: &PasskeyRegistration,
) -> Result<Credential> {
    webauthn.finish_passkey_registration(answer, registration).map_err(|error| {
        tracing::info!(%error, "a passkey was refused");
        not_made()
    })
}

/// A new passkey, verified and not stored.
pub struct NewPasskey {
    stored: StoredPasskey,
    credential_key: String,
    answered: Answered,
}

impl NewPasskey {
    /// Verifies the response to a registration challenge.
    pub fn verify(state: &State, sealed: &str, answer: &str, display_name: &str) -> Result<Self> {
        Self::verify_in(state, &Ceremony::console(state), sealed, answer, display_name)
    }

    /// Verifies the response to a registration challenge of this ceremony.
    pub fn verify_in(
        state: &State,
        ceremony: &Ceremony<'_>,
        sealed: &str,
        answer: &str,
        display_name: &str,
    ) -> Result<Self> {
        let context = ceremony.context(REGISTRATION);
        let sealed: SealedChallenge<PasskeyRegistration> = open(state, &context, sealed)?;
        let answer: RegisterPublicKeyCredential = serde_json::from_str(answer).map_err(|_| not_made())?;
        let credential = finish(&ceremony.party.require_webauthn()?, &answer, &sealed.state)?;
        let account = sealed.account.parse().map_err(|_| not_made())?;
        Self::new(state, account, &credential, display_name, Answered::Sealed(sealed))
    }

    /// Verifies the response to the challenge that is kept for an account.
    pub async fn verify_stored(
        state: &State,
        account: AccountId,
        answer: &Value,
        display_name: &str,
    ) -> Result<Self> {
        let webauthn = RelyingParty { links: &state.links, name: "" }.require_webauthn()?;
        let answer: RegisterPublicKeyCredential =
            serde_json::from_value(answer.clone()).map_err(|_| not_made())?;
        let found = passkey_challenges::find(&mut state.db.read().await?, account, state.now()).await?;
        let stored =
            found.ok_or_else(|| Error::FailedPrecondition("this took too long; begin again".into()))?;
        let registration: PasskeyRegistration = serde_json::from_str(&stored).map_err(Error::internal)?;
        let credential = finish(&webauthn, &answer, &registration)?;
        Self::new(state, account, &credential, display_name, Answered::Stored(stored))
    }

    fn new(
        state: &State,
        account_id: AccountId,
        credential: &Credential,
        display_name: &str,
        answered: Answered,
    ) -> Result<Self> {
        let now = state.now();
        let display_name = match input::line("passkeyName", display_name.trim(), 100)? {
            name if name.is_empty() => "Passkey".to_owned(),
            name => name,
        };
        let passkey = Passkey {
            id: Id::new(now, &*state.random),
            account_id,
            display_name,
            created_at: now,
            last_used_at: None,
        };
        let credential_key = BASE64.encode(credential.cred_id());
        let credential = serde_json::to_string(credential).map_err(Error::internal)?;
        Ok(Self { stored: StoredPasskey { passkey, credential }, credential_key, answered })
    }

    /// The authenticator's id of it, base64url.
    pub fn credential_id(&self) -> &str {
        &self.credential_key
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
        match &self.answered {
            Answered::Sealed(sealed) => consume(tx, sealed).await?,
            Answered::Stored(stored) => {
                if !passkey_challenges::consume(tx, holder.account, stored).await? {
                    return Err(Error::FailedPrecondition("this was answered already; begin again".into()));
                }
            }
        }
        self.insert(tx, "passkey").await?;
        let passkey = self.stored.passkey;
        let entry = Entry::of(&passkey, "created").with_values(passkey.audit_fields());
        audit::record(tx, state, holder.environment_id, &holder.principal, entry).await?;
        Ok(passkey)
    }
}
