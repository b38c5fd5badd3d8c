//! Authentication by passkey: to sign in, or within a session. Whose passkey it is comes out first, so that the caller can
//! ask whether they may, and record it if the response is wrong.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::account::AccountId;
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential, Webauthn, WebauthnError};

use super::{
    challenge::{Challenge, SIGN_IN, SealedChallenge, consume, open, seal},
    credentials::parse,
    relying_party::Ceremony,
};
use crate::{
    app::{Error, Result, State},
    store::{self, Transaction, passkeys::StoredPasskey},
};

/// An authentication challenge for any passkey.
pub fn begin_authentication(state: &State) -> Result<Challenge> {
    begin_authentication_in(state, &Ceremony::console(state))
}

/// The same, within a ceremony.
pub fn begin_authentication_in(state: &State, ceremony: &Ceremony<'_>) -> Result<Challenge> {
    let webauthn = ceremony.party.require_webauthn()?;
    let (options, authentication) = webauthn.start_discoverable_authentication().map_err(Error::internal)?;
    let options = serde_json::to_value(options).map_err(Error::internal)?;
    Ok(Challenge { options, sealed: seal(state, &ceremony.context(SIGN_IN), authentication, None)? })
}

/// The one error for every passkey that is not accepted.
pub fn refused() -> Error {
    Error::Unauthenticated("This passkey is not accepted here.".into())
}

/// Why a response is not accepted: for the log. Whoever gave it is told that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasskeyProblem {
    /// There is no such passkey, or it is somebody else's than the response says.
    Unknown,
    /// The response is to another challenge, or to one that was answered.
    Challenge,
    /// It was made on a page of another site.
    Origin,
    /// The authenticator did not verify its user.
    UserNotVerified,
    /// The signature is wrong, or what is signed.
    Signature,
    /// The signature counter went back.
    Counter,
}

impl PasskeyProblem {
    fn of(error: &WebauthnError) -> Self {
        match error {
            WebauthnError::MismatchedChallenge | WebauthnError::ChallengeNotFound => Self::Challenge,
            WebauthnError::InvalidRPOrigin | WebauthnError::InvalidRPIDHash => Self::Origin,
            WebauthnError::UserNotVerified | WebauthnError::UserNotPresent => Self::UserNotVerified,
            WebauthnError::CredentialPossibleCompromise => Self::Counter,
            WebauthnError::CredentialNotFound => Self::Unknown,
            _ => Self::Signature,
        }
    }
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
        Self::read_in(state, &Ceremony::console(state), sealed, answer).await
    }

    /// The same, within a ceremony. [`Error::FailedPrecondition`]: the challenge is none of it, or has expired.
    pub async fn read_in(state: &State, ceremony: &Ceremony<'_>, sealed: &str, answer: &str) -> Result<Self> {
        let context = ceremony.context(SIGN_IN);
        let sealed: SealedChallenge<DiscoverableAuthentication> = open(state, &context, sealed)?;
        let answer: PublicKeyCredential = serde_json::from_str(answer).map_err(|_| refused())?;
        let webauthn = ceremony.party.require_webauthn()?;
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
        self.examine()?.map_err(|_| refused())
    }

    /// Verifies the response, and says what is wrong with it.
    pub fn examine(self) -> Result<Result<VerifiedPasskey, PasskeyProblem>> {
        let Self { webauthn, sealed, answer, stored } = self;
        let mut passkey = parse(&stored.credential)?;
        let verdict = webauthn.finish_discoverable_authentication_v2(&answer, sealed.state.clone(), &passkey);
        let result = match verdict {
            Ok(result) => result,
            Err(error) => {
                tracing::info!(%error, account = %stored.passkey.account_id, "a passkey's answer was refused");
                return Ok(Err(PasskeyProblem::of(&error)));
            }
        };
        passkey.update_credential(&result);
        let credential = serde_json::to_string(&passkey).map_err(Error::internal)?;
        Ok(Ok(VerifiedPasskey { sealed, stored, credential, is_synced: result.backup_eligible() }))
    }
}

/// A verified response, and the credential as it is after this use.
pub struct VerifiedPasskey {
    sealed: SealedChallenge<DiscoverableAuthentication>,
    stored: StoredPasskey,
    credential: String,
    is_synced: bool,
}

impl VerifiedPasskey {
    /// Whether the passkey may be on several devices: its key is then software's (`swk` in RFC 8176), else the device's (`hwk`).
    pub fn is_synced(&self) -> bool {
        self.is_synced
    }

    /// Consumes the challenge and stores the use, in the transaction that is returned.
    pub async fn accept(self, state: &State) -> Result<Transaction> {
        let mut tx = state.db.write().await?;
        self.accept_in(&mut tx, state).await?.map_err(|problem| match problem {
            PasskeyProblem::Challenge => {
                Error::FailedPrecondition("this was answered already; try again".into())
            }
            _ => refused(),
        })?;
        Ok(tx)
    }

    /// The same, within the transaction that locks the account.
    pub async fn accept_in(self, tx: &mut Transaction, state: &State) -> Result<Result<(), PasskeyProblem>> {
        let (id, old) = (self.stored.passkey.id, &self.stored.credential);
        match consume(tx, &self.sealed).await {
            Ok(()) => {}
            Err(Error::FailedPrecondition(_)) => return Ok(Err(PasskeyProblem::Challenge)),
            Err(error) => return Err(error),
        }
        // The signature counter was compared with this credential: a change in the meantime indicates a cloned key.
        match store::passkeys::update_used(tx, id, old, &self.credential, state.now()).await? {
            true => Ok(Ok(())),
            false => Ok(Err(PasskeyProblem::Counter)),
        }
    }
}
