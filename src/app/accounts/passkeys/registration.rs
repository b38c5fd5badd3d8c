//! Registration of a passkey: for a signed-in administrator, or for whoever accepts an invitation.

use base::id::{AdministratorId, Id};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{account::AdminPasskey, audit::Audited as _};
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
        accounts::{Device, recent_authentication},
        administrators::signed_in::{SignedIn, lock_account},
        audit::{self, Entry},
        input,
    },
    store::{self, passkeys::StoredPasskey},
};

/// The challenge for a new passkey.
pub(in crate::app) async fn registration_challenge(
    state: &State,
    id: AdministratorId,
    email: &str,
    name: &str,
    existing: &[StoredPasskey],
) -> Result<Challenge> {
    let exclude =
        existing.iter().filter_map(|stored| parse(&stored.credential).ok()).map(|key| key.cred_id().clone());
    let name = if name.is_empty() { email } else { name };
    let (options, registration) = require_webauthn(state)?
        .start_passkey_registration(Uuid::from_u128(id.bits()), email, name, Some(exclude.collect()))
        .map_err(Error::internal)?;
    let mut options = serde_json::to_value(options).map_err(Error::internal)?;
    // The library discourages resident keys; without one the browser cannot offer the passkey at sign-in.
    if let Some(selection) = options.pointer_mut("/publicKey/authenticatorSelection") {
        selection["residentKey"] = "preferred".into();
        selection["requireResidentKey"] = false.into();
    }
    Ok(Challenge { options, sealed: seal(state, REGISTRATION, registration, Some(id))? })
}

/// Verifies the response to a registration challenge. Returns the passkey and its `credential_key`.
pub(in crate::app) fn verify_registration(
    state: &State,
    sealed: &SealedChallenge<PasskeyRegistration>,
    answer: &str,
    display_name: &str,
) -> Result<(StoredPasskey, String)> {
    let refused = || Error::invalid("passkey", "was not made; try again or take another device");
    let answer: RegisterPublicKeyCredential = serde_json::from_str(answer).map_err(|_| refused())?;
    let passkey =
        require_webauthn(state)?.finish_passkey_registration(&answer, &sealed.state).map_err(|error| {
            tracing::info!(%error, "a passkey was refused");
            refused()
        })?;
    let now = state.now();
    let display_name = match input::line("passkeyName", display_name.trim(), 100)? {
        name if name.is_empty() => "Passkey".to_owned(),
        name => name,
    };
    let credential_key = BASE64.encode(passkey.cred_id());
    let stored = StoredPasskey {
        passkey: AdminPasskey {
            id: Id::new(now, &*state.random),
            administrator_id: sealed.administrator.parse().map_err(|_| refused())?,
            display_name,
            created_at: now,
            last_used_at: None,
        },
        credential: serde_json::to_string(&passkey).map_err(Error::internal)?,
    };
    Ok((stored, credential_key))
}

/// The challenge for another passkey of a signed-in administrator.
pub async fn begin_registration(state: &State, admin: &SignedIn) -> Result<Challenge> {
    let existing = {
        let mut conn = state.db.read().await?;
        store::passkeys::list(&mut conn, admin.administrator.id, MAX_PASSKEYS).await?
    };
    if existing.len() as i64 >= MAX_PASSKEYS {
        return Err(Error::FailedPrecondition(
            format!("you have {MAX_PASSKEYS} passkeys; remove one first").into(),
        ));
    }
    let administrator = &admin.administrator;
    registration_challenge(
        state,
        administrator.id,
        administrator.email.as_str(),
        administrator.name(),
        &existing,
    )
    .await
}

/// Verifies the response to a registration challenge and adds the passkey.
pub async fn finish_registration(
    state: &State,
    admin: &SignedIn,
    sealed: &str,
    answer: &str,
    display_name: &str,
    device: &Device,
) -> Result<AdminPasskey> {
    recent_authentication::require_recent(&admin.session, state.now())?;
    let sealed: SealedChallenge<PasskeyRegistration> = open(state, REGISTRATION, sealed)?;
    let (stored, credential_key) = verify_registration(state, &sealed, answer, display_name)?;
    if stored.passkey.administrator_id != admin.administrator.id {
        return Err(Error::FailedPrecondition("this passkey was made for another account; try again".into()));
    }
    let mut tx = state.db.write().await?;
    lock_account(&mut tx, admin).await?;
    consume(&mut tx, &sealed).await?;
    store::passkeys::insert(&mut tx, &stored, &credential_key)
        .await
        .map_err(Error::conflict_on("passkey", "passkey"))?;
    let entry = Entry::of(&stored.passkey, "created").with_values(stored.passkey.audit_fields());
    audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(stored.passkey)
}
