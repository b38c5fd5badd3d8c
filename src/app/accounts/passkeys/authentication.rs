//! Authentication by passkey: to sign in, or within a session. Whose passkey it is comes out first, so that the caller can
//! ask whether they may, and record it if the response is wrong.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::account::AccountId;
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential, Webauthn};

use super::{
    challenge::{Challenge, SIGN_IN, SealedChallenge, consume, open, seal},
    credentials::parse,
    relying_party::require_webauthn,
};
use crate::{
    app::{Error, Result, State},
    store::{self, Transaction, passkeys::StoredPasskey},
};

/// An authentication challenge for any passkey.
pub fn begin_authentication(state: &State) -> Result<Challenge> {
    let (options, authentication) =
        require_webauthn(state)?.start_discoverable_authentication().map_err(Error::internal)?;
    let options = serde_json::to_value(options).map_err(Error::internal)?;
    Ok(Challenge { options, sealed: seal(state, SIGN_IN, authentication, None)? })
}

/// The one error for every passkey that is not accepted.
pub fn refused() -> Error {
    Error::Unauthenticated("This passkey is not accepted here.".into())
}

/// A response to an authentication challenge, not verified, and the passkey that it names.
pub struct PresentedPasskey {
    webauthn: Webauthn,
    sealed: SealedChallenge<DiscoverableAuthentication>,
    answer: PublicKeyCredential,
    stored: StoredPasskey,
}

impl PresentedPasskey {
    /// Reads a response and finds its passkey. An error if there is none, or if it names another account as its owner.
    pub async fn read(state: &State, sealed: &str, answer: &str) -> Result<Self> {
        let sealed: SealedChallenge<DiscoverableAuthentication> = open(state, SIGN_IN, sealed)?;
        let answer: PublicKeyCredential = serde_json::from_str(answer).map_err(|_| refused())?;
        let webauthn = require_webauthn(state)?;
        let (owner, credential_id) =
            webauthn.identify_discoverable_authentication(&answer).map_err(|_| refused())?;
        let credential_key = BASE64.encode(credential_id);
        let mut conn = state.db.read().await?;
        let found = store::passkeys::find_by_credential(&mut conn, &credential_key).await?;
        let stored = found.ok_or_else(refused)?;
        if owner.as_u128() != stored.passkey.account_id.bits() {
            return Err(refused());
        }
        Ok(Self { webauthn, sealed, answer, stored })
    }

    /// Whose passkey it is, if the response is right.
    pub fn account(&self) -> AccountId {
        self.stored.passkey.account_id
    }

    /// Verifies the response.
    pub fn verify(self) -> Result<VerifiedPasskey> {
        let Self { webauthn, sealed, answer, stored } = self;
        let mut passkey = parse(&stored.credential)?;
        let verdict = webauthn.finish_discoverable_authentication_v2(&answer, sealed.state.clone(), &passkey);
        let result = verdict.map_err(|error| {
            tracing::info!(%error, account = %stored.passkey.account_id, "a passkey's answer was refused");
            refused()
        })?;
        passkey.update_credential(&result);
        let credential = serde_json::to_string(&passkey).map_err(Error::internal)?;
        Ok(VerifiedPasskey { sealed, stored, credential })
    }
}

/// A verified response, and the credential as it is after this use.
pub struct VerifiedPasskey {
    sealed: SealedChallenge<DiscoverableAuthentication>,
    stored: StoredPasskey,
    credential: String,
}

impl VerifiedPasskey {
    /// Consumes the challenge and stores the use, in the transaction that is returned.
    pub async fn accept(self, state: &State) -> Result<Transaction> {
        let (id, old) = (self.stored.passkey.id, &self.stored.credential);
        let mut tx = state.db.write().await?;
        consume(&mut tx, &self.sealed).await?;
        // The signature counter was compared with this credential: a change in the meantime indicates a cloned key.
        if !store::passkeys::update_used(&mut tx, id, old, &self.credential, state.now()).await? {
            return Err(refused());
        }
        Ok(tx)
    }
}
