//! Authentication by passkey: to sign in, or within a session.

use base::id::AdministratorId;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{account::AuthenticationMethod, administrator::Administrator};
use webauthn_rs::prelude::{DiscoverableAuthentication, PublicKeyCredential};

use super::{
    challenge::{Challenge, SIGN_IN, SealedChallenge, consume, open, seal},
    credentials::parse,
    relying_party::require_webauthn,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{Device, attempts::record_failure},
        administrators::{sessions::NewSession, start_session::start_session},
    },
    store::{self, Transaction, table},
};

/// An authentication challenge for any passkey.
pub fn begin_authentication(state: &State) -> Result<Challenge> {
    let (options, authentication) =
        require_webauthn(state)?.start_discoverable_authentication().map_err(Error::internal)?;
    let options = serde_json::to_value(options).map_err(Error::internal)?;
    Ok(Challenge { options, sealed: seal(state, SIGN_IN, authentication, None)? })
}

/// Signs in the administrator whose passkey answers the challenge.
pub async fn sign_in(state: &State, sealed: &str, answer: &str, device: &Device) -> Result<NewSession> {
    let (mut tx, administrator) = authenticate(state, sealed, answer, None, device).await?;
    let begun = start_session(&mut tx, state, &administrator, AuthenticationMethod::Passkey, device).await?;
    tx.commit().await?;
    Ok(begun)
}

/// Verifies the response to an authentication challenge, by a passkey of `expected` or of any administrator. The
/// challenge is consumed in the returned transaction.
pub(in crate::app) async fn authenticate(
    state: &State,
    sealed: &str,
    answer: &str,
    expected: Option<AdministratorId>,
    device: &Device,
) -> Result<(Transaction, Administrator)> {
    if !state.settings.console.allows_passkeys() {
        return Err(Error::Forbidden(
            "passkeys are switched off here: sign in through single sign-on".into(),
        ));
    }
    let refused = || Error::Unauthenticated("This passkey is not accepted here.".into());
    let sealed: SealedChallenge<DiscoverableAuthentication> = open(state, SIGN_IN, sealed)?;
    let answer: PublicKeyCredential = serde_json::from_str(answer).map_err(|_| refused())?;
    let webauthn = require_webauthn(state)?;
    let (owner, credential_id) =
        webauthn.identify_discoverable_authentication(&answer).map_err(|_| refused())?;
    let credential_key = BASE64.encode(credential_id);
    let (stored, administrator) = {
        let mut conn = state.db.read().await?;
        let stored =
            store::passkeys::find_by_credential(&mut conn, &credential_key).await?.ok_or_else(refused)?;
        let id = stored.passkey.administrator_id;
        let administrator: Option<Administrator> = table::find(&mut conn, id, id).await?;
        (stored, administrator.ok_or_else(refused)?)
    };
    let is_expected = expected.is_none_or(|expected| expected == administrator.id);
    if owner.as_u128() != administrator.id.bits() || administrator.disabled_at.is_some() || !is_expected {
        return Err(refused());
    }
    let mut passkey = parse(&stored.credential)?;
    let verdict = webauthn.finish_discoverable_authentication_v2(&answer, sealed.state.clone(), &passkey);
    let result = match verdict {
        Ok(result) => result,
        Err(error) => {
            tracing::info!(%error, administrator = %administrator.id, "a passkey's answer was refused");
            record_failure(state, &administrator, None, AuthenticationMethod::Passkey, device).await;
            return Err(refused());
        }
    };
    passkey.update_credential(&result);
    let new = serde_json::to_string(&passkey).map_err(Error::internal)?;
    let mut tx = state.db.write().await?;
    consume(&mut tx, &sealed).await?;
    // The signature counter was compared with this credential: a change in the meantime indicates a cloned key.
    if !store::passkeys::update_used(&mut tx, stored.passkey.id, &stored.credential, &new, state.now())
        .await?
    {
        return Err(refused());
    }
    Ok((tx, administrator))
}
