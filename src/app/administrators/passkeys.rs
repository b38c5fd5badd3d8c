//! Passkeys (WebAuthn Level 3): made, listed, named, taken away, and used to sign in without a name.
//!
//! A challenge travels sealed through the browser, so that nobody fills the database by asking for some;
//! its answer is taken once. Passkeys need a host name in the public URL: an address of numbers has none.

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
    invitations::{self, InvitationForm, Proof},
    sessions::Begun,
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
    store::{self, Transaction, admin_passkeys, admin_passkeys::StoredPasskey},
};

/// How long a person has to touch their key.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How many passkeys one may have.
const MOST_PASSKEYS: i64 = 20;

/// The place that sealed challenges are bound to.
const REGISTRATION: &str = "admin_challenges/registration";
const SIGN_IN: &str = "admin_challenges/sign_in";

/// What a browser needs to answer a challenge.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// The options for `navigator.credentials`, as JSON.
    pub options: Value,
    /// Comes back with the answer.
    pub sealed: String,
}

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    state: T,
    /// Whom it is for: digits of the id, as JSON numbers hold no 128 bits.
    administrator: String,
    expires_at: i64,
    once: String,
}

/// Whether passkeys can be used at this public URL.
pub fn are_possible(state: &State) -> bool {
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

fn needed(state: &State) -> Result<Webauthn> {
    webauthn(state).ok_or_else(|| {
        Error::FailedPrecondition("passkeys need https and a host name in the public URL".into())
    })
}

fn seal<T: Serialize>(
    state: &State,
    place: &str,
    inner: T,
    administrator: Option<AdministratorId>,
) -> Result<String> {
    let sealed = Sealed {
        state: inner,
        administrator: administrator.map(|id| id.to_string()).unwrap_or_default(),
        expires_at: (state.now() + CHALLENGE_LIFETIME).millis(),
        once: format!("{:032x}", state.random.bits()),
    };
    let json = serde_json::to_vec(&sealed).map_err(Error::internal)?;
    Ok(state.master_key.seal(place, &json, &*state.random))
}

fn open<T: for<'de> Deserialize<'de>>(state: &State, place: &str, text: &str) -> Result<Sealed<T>> {
    let over = || Error::FailedPrecondition("this took too long; try again".into());
    let json = state.master_key.open(place, text).map_err(|_| over())?;
    let sealed: Sealed<T> = serde_json::from_slice(&json).map_err(|_| over())?;
    if Timestamp::from_millis(sealed.expires_at) <= state.now() {
        return Err(over());
    }
    Ok(sealed)
}

/// Takes the answer to a challenge, once.
async fn consume<T>(tx: &mut Transaction, sealed: &Sealed<T>) -> Result<()> {
    let expires_at = Timestamp::from_millis(sealed.expires_at);
    if admin_passkeys::consume_challenge(tx, Digest::of(&sealed.once), expires_at).await? {
        Ok(())
    } else {
        Err(Error::FailedPrecondition("this was answered already; try again".into()))
    }
}

/// The challenge for a new passkey.
async fn registration(
    state: &State,
    id: AdministratorId,
    email: &str,
    name: &str,
    existing: &[StoredPasskey],
) -> Result<Challenge> {
    let exclude =
        existing.iter().filter_map(|stored| parse(&stored.credential).ok()).map(|key| key.cred_id().clone());
    let name = if name.is_empty() { email } else { name };
    let (options, registration) = needed(state)?
        .start_passkey_registration(Uuid::from_u128(id.bits()), email, name, Some(exclude.collect()))
        .map_err(Error::internal)?;
    let mut options = serde_json::to_value(options).map_err(Error::internal)?;
    // The library discourages them; without one the browser cannot offer the passkey by itself at sign-in.
    if let Some(selection) = options.pointer_mut("/publicKey/authenticatorSelection") {
        selection["residentKey"] = "preferred".into();
        selection["requireResidentKey"] = false.into();
    }
    Ok(Challenge { options, sealed: seal(state, REGISTRATION, registration, Some(id))? })
}

/// The answer to a registration challenge, verified: the passkey and its key in the table.
fn register(
    state: &State,
    sealed: &Sealed<PasskeyRegistration>,
    answer: &str,
    display_name: &str,
) -> Result<(StoredPasskey, String)> {
    let refused = || Error::invalid("passkey", "was not made; try again or take another device");
    let answer: RegisterPublicKeyCredential = serde_json::from_str(answer).map_err(|_| refused())?;
    let passkey = needed(state)?.finish_passkey_registration(&answer, &sealed.state).map_err(|error| {
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

/// The challenge for another passkey of somebody who is signed in.
pub async fn begin_adding(state: &State, who: &SignedIn) -> Result<Challenge> {
    let existing = {
        let mut conn = state.db.read().await?;
        admin_passkeys::list(&mut conn, who.administrator.id, MOST_PASSKEYS).await?
    };
    if existing.len() as i64 >= MOST_PASSKEYS {
        return Err(Error::FailedPrecondition(
            format!("you have {MOST_PASSKEYS} passkeys; remove one first").into(),
        ));
    }
    let administrator = &who.administrator;
    registration(state, administrator.id, administrator.email.as_str(), administrator.name(), &existing).await
}

/// Adds the passkey that answers the challenge.
pub async fn add(
    state: &State,
    who: &SignedIn,
    sealed: &str,
    answer: &str,
    display_name: &str,
    device: &Device,
) -> Result<AdminPasskey> {
    confirm::check(state, who)?;
    let sealed: Sealed<PasskeyRegistration> = open(state, REGISTRATION, sealed)?;
    let (stored, credential_key) = register(state, &sealed, answer, display_name)?;
    if stored.passkey.administrator_id != who.administrator.id {
        return Err(Error::FailedPrecondition("this passkey was made for another account; try again".into()));
    }
    let mut tx = state.db.write().await?;
    super::lock_own(&mut tx, who).await?;
    consume(&mut tx, &sealed).await?;
    admin_passkeys::insert(&mut tx, &stored, &credential_key)
        .await
        .map_err(Error::conflict_on("passkey", "passkey"))?;
    let entry = Entry::of(&stored.passkey, "created").with_values(stored.passkey.audit_fields());
    audit::record(&mut tx, state, None, &who.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(stored.passkey)
}

/// The passkeys of somebody who is signed in.
pub async fn list(state: &State, who: &SignedIn) -> Result<Vec<AdminPasskey>> {
    let mut conn = state.db.read().await?;
    let found = admin_passkeys::list(&mut conn, who.administrator.id, MOST_PASSKEYS).await?;
    Ok(found.into_iter().map(|stored| stored.passkey).collect())
}

/// Gives one's passkey another name.
pub async fn rename(state: &State, who: &SignedIn, id: PasskeyId, name: &str, device: &Device) -> Result<()> {
    let missing = || Error::not_found("passkey", id);
    let name = input::line("passkeyName", name.trim(), 100)?;
    if name.is_empty() {
        return Err(Error::invalid("passkeyName", "is required"));
    }
    let mut tx = state.db.write().await?;
    let before = admin_passkeys::find(&mut tx, who.administrator.id, id).await?.ok_or_else(missing)?.passkey;
    admin_passkeys::update_name(&mut tx, who.administrator.id, id, &name).await?;
    let after = AdminPasskey { display_name: name, ..before.clone() };
    let mut entry = Entry::of(&after, "updated").with_values(after.audit_fields());
    entry.before = before.audit_fields();
    audit::record(&mut tx, state, None, &who.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Takes one of one's passkeys away. The last way to sign in stays.
pub async fn remove(state: &State, who: &SignedIn, id: PasskeyId, device: &Device) -> Result<()> {
    confirm::check(state, who)?;
    let missing = || Error::not_found("passkey", id);
    let mut tx = state.db.write().await?;
    store::administrators::lock_owners(&mut tx).await?;
    let account = super::lock_own(&mut tx, who).await?;
    let stored = admin_passkeys::find(&mut tx, who.administrator.id, id).await?.ok_or_else(missing)?;
    let others = admin_passkeys::list(&mut tx, who.administrator.id, 2).await?.len() > 1;
    let has_password = account.password_hash.is_some() && state.settings.console.allows_passwords();
    if !has_password && !others {
        return Err(Error::FailedPrecondition(if state.settings.console.allows_passwords() {
            "this is your only way to sign in; set a password or add another passkey first".into()
        } else {
            "this is your only way to sign in; add another passkey first".into()
        }));
    }
    admin_passkeys::remove(&mut tx, who.administrator.id, id).await?;
    let mut entry = Entry::of(&stored.passkey, "deleted");
    entry.before = stored.passkey.audit_fields();
    audit::record(&mut tx, state, None, &who.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}

/// The challenge for the passkey of somebody who follows an invitation.
pub async fn begin_joining(state: &State, token: &str, newcomer: &InvitationForm) -> Result<Challenge> {
    let opened = invitations::open(state, token).await?;
    let email = invitations::email_of(&opened.invitation, newcomer)?;
    let id = match opened.account {
        Some(account) => account.id,
        None => {
            let mut conn = state.db.read().await?;
            let known = store::administrators::find_by_email(&mut conn, &email).await?;
            known.map_or_else(|| Id::new(state.now(), &*state.random), |known| known.id)
        }
    };
    registration(state, id, email.as_str(), newcomer.display_name.trim(), &[]).await
}

/// Follows an invitation with the passkey that answers the challenge.
pub async fn join(
    state: &State,
    token: &str,
    newcomer: &InvitationForm,
    sealed: &str,
    answer: &str,
    device: &Device,
) -> Result<Begun> {
    let sealed: Sealed<PasskeyRegistration> = open(state, REGISTRATION, sealed)?;
    let (stored, credential_key) = register(state, &sealed, answer, "")?;
    // The invitation is what counts once here; its use and this passkey stand in one transaction.
    let proof = Proof::Passkey(stored.passkey.administrator_id, Box::new(stored), credential_key);
    invitations::join(state, token, newcomer, proof, device).await
}

/// A challenge for whoever has a passkey here.
pub fn begin_sign_in(state: &State) -> Result<Challenge> {
    let (options, authentication) =
        needed(state)?.start_discoverable_authentication().map_err(Error::internal)?;
    let options = serde_json::to_value(options).map_err(Error::internal)?;
    Ok(Challenge { options, sealed: seal(state, SIGN_IN, authentication, None)? })
}

/// Signs in whoever's passkey answers the challenge.
pub async fn sign_in(state: &State, sealed: &str, answer: &str, device: &Device) -> Result<Begun> {
    let (mut tx, administrator) = authenticate(state, sealed, answer, None, device).await?;
    let begun = sign_in::begin(&mut tx, state, &administrator, AuthenticationMethod::Passkey, device).await?;
    tx.commit().await?;
    Ok(begun)
}

/// Who answers the challenge with a passkey: `expected`, or anybody who has one here. The challenge is used up in
/// the transaction that comes back.
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
    let refused = || Error::Unauthenticated("This passkey does not open anything here.".into());
    let sealed: Sealed<DiscoverableAuthentication> = open(state, SIGN_IN, sealed)?;
    let answer: PublicKeyCredential = serde_json::from_str(answer).map_err(|_| refused())?;
    let webauthn = needed(state)?;
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
            sign_in::failed(state, &administrator, AuthenticationMethod::Passkey, device).await;
            return Err(refused());
        }
    };
    passkey.update_credential(&result);
    let new = serde_json::to_string(&passkey).map_err(Error::internal)?;
    let mut tx = state.db.write().await?;
    consume(&mut tx, &sealed).await?;
    // The counter was compared with this one: another answer in the meantime would be a copy of the key.
    if !admin_passkeys::update_used(&mut tx, stored.passkey.id, &stored.credential, &new, state.now()).await?
    {
        return Err(refused());
    }
    Ok((tx, administrator))
}
