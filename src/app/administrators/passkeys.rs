//! Passkeys (WebAuthn Level 3): registered, listed, renamed, removed, and used to sign in without a user name.
//!
//! The state of a challenge is sealed and kept by the browser, so that anonymous requests write no rows; a response
//! is accepted once. Passkeys need a host name in the public URL: an IP address is no relying party id.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnBuilder,
};

use super::{
    Device, SignedIn, confirm,
    invitations::{self, InvitationForm, NewCredential},
    sessions::NewSession,
    sign_in,
};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        input,
    },
    model::{
        administrator::{AdminPasskey, Administrator, AuthenticationMethod},
        audit::Audited as _,
        id::{AdministratorId, Id, PasskeyId},
        secret::Digest,
        time::Timestamp,
    },
    store::{
        self, Transaction, admin_challenges,
        admin_passkeys::{self, StoredPasskey},
    },
};

/// How long a challenge is valid.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// The maximum number of passkeys of an administrator.
const MAX_PASSKEYS: i64 = 20;

/// The contexts that sealed challenges are bound to.
const REGISTRATION: &str = "admin_challenges/registration";
const SIGN_IN: &str = "admin_challenges/sign_in";

/// What a browser needs to answer a challenge.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// The options for `navigator.credentials`, as JSON.
    pub options: Value,
    /// The sealed state, which the browser returns with its response.
    pub sealed: String,
}

#[derive(Serialize, Deserialize)]
struct SealedChallenge<T> {
    state: T,
    /// The id of the administrator, as text: JSON numbers do not hold 128 bits.
    administrator: String,
    expires_at: i64,
    once: String,
}

/// Whether passkeys can be used at this public URL.
pub fn are_supported(state: &State) -> bool {
    webauthn(state).is_some()
}

fn webauthn(state: &State) -> Option<Webauthn> {
    if !state.links.is_trustworthy() {
        return None;
    }
    let origin = Url::parse(&state.links.origin()).ok()?;
    let host = origin.domain()?.to_owned();
    WebauthnBuilder::new(&host, &origin).ok()?.rp_name("Ostiary").build().ok()
}

fn require_webauthn(state: &State) -> Result<Webauthn> {
    webauthn(state).ok_or_else(|| {
        Error::FailedPrecondition("passkeys need https and a host name in the public URL".into())
    })
}

fn seal<T: Serialize>(
    state: &State,
    context: &str,
    inner: T,
    administrator: Option<AdministratorId>,
) -> Result<String> {
    let sealed = SealedChallenge {
        state: inner,
        administrator: administrator.map(|id| id.to_string()).unwrap_or_default(),
        expires_at: (state.now() + CHALLENGE_LIFETIME).millis(),
        once: format!("{:032x}", state.random.bits()),
    };
    let json = serde_json::to_vec(&sealed).map_err(Error::internal)?;
    Ok(state.master_key.seal(context, &json, &*state.random))
}

fn open<T: for<'de> Deserialize<'de>>(
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
async fn consume<T>(tx: &mut Transaction, sealed: &SealedChallenge<T>) -> Result<()> {
    let expires_at = Timestamp::from_millis(sealed.expires_at);
    if admin_challenges::consume(tx, Digest::of(&sealed.once), expires_at).await? {
        Ok(())
    } else {
        Err(Error::FailedPrecondition("this was answered already; try again".into()))
    }
}

/// The challenge for a new passkey.
async fn registration_challenge(
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
fn verify_registration(
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

fn parse(credential: &str) -> Result<Passkey> {
    serde_json::from_str(credential).map_err(Error::internal)
}

/// The challenge for another passkey of a signed-in administrator.
pub async fn begin_registration(state: &State, admin: &SignedIn) -> Result<Challenge> {
    let existing = {
        let mut conn = state.db.read().await?;
        admin_passkeys::list(&mut conn, admin.administrator.id, MAX_PASSKEYS).await?
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
    confirm::require_recent_authentication(state, admin)?;
    let sealed: SealedChallenge<PasskeyRegistration> = open(state, REGISTRATION, sealed)?;
    let (stored, credential_key) = verify_registration(state, &sealed, answer, display_name)?;
    if stored.passkey.administrator_id != admin.administrator.id {
        return Err(Error::FailedPrecondition("this passkey was made for another account; try again".into()));
    }
    let mut tx = state.db.write().await?;
    super::lock_account(&mut tx, admin).await?;
    consume(&mut tx, &sealed).await?;
    admin_passkeys::insert(&mut tx, &stored, &credential_key)
        .await
        .map_err(Error::conflict_on("passkey", "passkey"))?;
    let entry = Entry::of(&stored.passkey, "created").with_values(stored.passkey.audit_fields());
    audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(stored.passkey)
}

/// The passkeys of a signed-in administrator.
pub async fn list(state: &State, admin: &SignedIn) -> Result<Vec<AdminPasskey>> {
    let mut conn = state.db.read().await?;
    let found = admin_passkeys::list(&mut conn, admin.administrator.id, MAX_PASSKEYS).await?;
    Ok(found.into_iter().map(|stored| stored.passkey).collect())
}

/// Renames one of the administrator's own passkeys.
pub async fn rename(
    state: &State,
    admin: &SignedIn,
    id: PasskeyId,
    name: &str,
    device: &Device,
) -> Result<()> {
    let missing = || Error::not_found("passkey", id);
    let name = input::line("passkeyName", name.trim(), 100)?;
    if name.is_empty() {
        return Err(Error::invalid("passkeyName", "is required"));
    }
    let mut tx = state.db.write().await?;
    let before =
        admin_passkeys::find(&mut tx, admin.administrator.id, id).await?.ok_or_else(missing)?.passkey;
    admin_passkeys::update_name(&mut tx, admin.administrator.id, id, &name).await?;
    let after = AdminPasskey { display_name: name, ..before.clone() };
    let mut entry = Entry::of(&after, "updated").with_values(after.audit_fields());
    entry.before = before.audit_fields();
    audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes one of the administrator's own passkeys. An error if it is their last credential.
pub async fn remove(state: &State, admin: &SignedIn, id: PasskeyId, device: &Device) -> Result<()> {
    confirm::require_recent_authentication(state, admin)?;
    let missing = || Error::not_found("passkey", id);
    let mut tx = state.db.write().await?;
    store::administrators::lock_owners(&mut tx).await?;
    let account = super::lock_account(&mut tx, admin).await?;
    let stored = admin_passkeys::find(&mut tx, admin.administrator.id, id).await?.ok_or_else(missing)?;
    let others = admin_passkeys::list(&mut tx, admin.administrator.id, 2).await?.len() > 1;
    let has_password = account.password_hash.is_some() && state.settings.console.allows_passwords();
    if !has_password && !others {
        return Err(Error::FailedPrecondition(if state.settings.console.allows_passwords() {
            "this is your only way to sign in; set a password or add another passkey first".into()
        } else {
            "this is your only way to sign in; add another passkey first".into()
        }));
    }
    admin_passkeys::remove(&mut tx, admin.administrator.id, id).await?;
    let mut entry = Entry::of(&stored.passkey, "deleted");
    entry.before = stored.passkey.audit_fields();
    audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}

/// The challenge for the passkey with which an invitation is accepted.
pub async fn begin_invitation_registration(
    state: &State,
    token: &str,
    form: &InvitationForm,
) -> Result<Challenge> {
    let opened = invitations::open(state, token).await?;
    let email = invitations::invitee_email(&opened.invitation, form)?;
    let id = match opened.account {
        Some(account) => account.id,
        None => {
            let mut conn = state.db.read().await?;
            let known = store::administrators::find_by_email(&mut conn, &email).await?;
            known.map_or_else(|| Id::new(state.now(), &*state.random), |known| known.id)
        }
    };
    registration_challenge(state, id, email.as_str(), form.display_name.trim(), &[]).await
}

/// Accepts an invitation with the passkey that answers the challenge.
pub async fn accept_invitation(
    state: &State,
    token: &str,
    form: &InvitationForm,
    sealed: &str,
    answer: &str,
    device: &Device,
) -> Result<NewSession> {
    let sealed: SealedChallenge<PasskeyRegistration> = open(state, REGISTRATION, sealed)?;
    let (stored, credential_key) = verify_registration(state, &sealed, answer, "")?;
    // The challenge is not consumed: the invitation is, in the transaction that writes the passkey.
    let credential =
        NewCredential::Passkey(stored.passkey.administrator_id, Box::new(stored), credential_key);
    invitations::accept(state, token, form, credential, device).await
}

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
    let begun =
        sign_in::start_session(&mut tx, state, &administrator, AuthenticationMethod::Passkey, device).await?;
    tx.commit().await?;
    Ok(begun)
}

/// Verifies the response to an authentication challenge, by a passkey of `expected` or of any administrator. The
/// challenge is consumed in the returned transaction.
pub(super) async fn authenticate(
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
            admin_passkeys::find_by_credential(&mut conn, &credential_key).await?.ok_or_else(refused)?;
        let administrator = store::administrators::find(&mut conn, stored.passkey.administrator_id).await?;
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
            sign_in::record_failure(state, &administrator, AuthenticationMethod::Passkey, device).await;
            return Err(refused());
        }
    };
    passkey.update_credential(&result);
    let new = serde_json::to_string(&passkey).map_err(Error::internal)?;
    let mut tx = state.db.write().await?;
    consume(&mut tx, &sealed).await?;
    // The signature counter was compared with this credential: a change in the meantime indicates a cloned key.
    if !admin_passkeys::update_used(&mut tx, stored.passkey.id, &stored.credential, &new, state.now()).await?
    {
        return Err(refused());
    }
    Ok((tx, administrator))
}
