//! New users, who are activated by a one-time code.

use std::time::Duration;

use base::id::{IdentityPoolId, UserId};
use model::{
    account::{CredentialState, OneTimeCodePurpose},
    audit::audit_fields,
    identity_pool::IdentityPool,
    letter::{Asker, LetterError},
    user::{IdentifierKind, IdentifierText, User, UserAddress, UserIdentifier, UserStatus},
};
use serde_json::Map;

use super::{
    codes, letters, place,
    place::{UserReference, account, begin_attempt, device_of, find_user, lock_user, own_words, refused},
    resets,
    verification::mark_verified,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            credentials::{self, ImportedCredential, NewCredential, PreparedCredential},
            one_time_codes::{self, CodeRequest, GivenCode},
        },
        audit::{self, Entry},
        mail::{Onward, outbox},
        members::auto_join,
        principal::Principal,
        resource::update_locked,
    },
    store::{self, Transaction},
};

/// How long the code is good by which a new user is asked for a password.
const ASKED_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// What a user sets when they activate their account.
#[derive(Clone, Default)]
pub struct Activation {
    /// Their password, in the place of one that they may have.
    pub password: Option<String>,
    /// The secret of their authenticator app, in base32.
    pub totp_secret: Option<String>,
}

/// Asks for an activation code on behalf of a user: it is made and sent, and the earlier ones end. The answer never says
/// whether.
pub async fn send_activation(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    address: Option<&str>,
) -> Result<()> {
    let (pool, user) = find_user(state, principal, of).await?;
    let mut tx = state.db.write().await?;
    let Ok(user) = lock_user(&mut tx, &pool, user.id).await else { return Ok(()) };
    let purpose = OneTimeCodePurpose::Activation;
    // Where there is nowhere to send it, or nobody to activate, nothing happens.
    let address = codes::address_for(&mut tx, &pool, &user, purpose, address).await;
    let is_full = !outbox::has_room(&mut tx, state, user.id.into(), Asker::Administrator).await?;
    match address {
        Ok(_) if is_full => {
            let why = (Asker::Administrator, LetterError::TooMany);
            letters::send_none(&mut tx, state, &user, purpose.into(), None, why).await?;
            Ok(tx.commit().await?)
        }
        Ok(key) if is_sent_to(&mut tx, state, &pool, &user, key.as_deref()).await? => {
            let code = codes::create(&mut tx, state, &pool, &user, purpose, key).await?;
            let for_whom = (Asker::Administrator, &Onward::default());
            letters::send_code(&mut tx, state, &user, &code, None, for_whom).await?;
            Ok(tx.commit().await?)
        }
        Ok(_) | Err(Error::NotFound { .. } | Error::FailedPrecondition(_) | Error::Invalid { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Asks a new user, within the transaction that makes them, to choose a password: by a letter to this one of their addresses, to the
/// one that they sign in with where there is none. Where no letters are sent the code is returned, for the caller to hand over.
pub async fn ask_for_password(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    pool: &IdentityPool,
    user: &User,
    address: Option<&str>,
) -> Result<Option<String>> {
    let address_key = address.and_then(UserAddress::key_of_any);
    match &address_key {
        Some(key) => codes::require_nobodys(tx, pool, user, key).await?,
        None if outbox::is_set_up(state) && !letters::reaches(tx, state, user).await? => {
            return Err(Error::invalid(
                "emails",
                "is required: the letter that asks for a password goes there",
            ));
        }
        None => {}
    }
    let purpose = OneTimeCodePurpose::Activation;
    // A code that an organization's administrator gets to see proves nothing about an address.
    let address_key = address_key.filter(|_| outbox::is_set_up(state) || !principal.is_confined());
    let request = CodeRequest {
        user_id: user.id,
        environment_id: user.environment_id,
        purpose,
        address_key,
        settings: pool.otp_settings.of(purpose).with_lifetime(ASKED_LIFETIME),
        keeps_earlier: false,
    };
    let code = one_time_codes::create(tx, state, request).await?;
    let entry = Entry::of(user, "code_generated").with_values(audit_fields! {
        "purpose": purpose.as_str(),
        "expiresAt": code.code.expires_at,
    });
    audit::record(tx, state, Some(user.environment_id), principal, entry).await?;
    if !outbox::is_set_up(state) {
        return Ok(Some(code.reveal_extended()));
    }
    let for_whom = (Asker::Administrator, &Onward::default());
    let recipient = letters::recipient_of(tx, user, code.code.address_key.as_deref(), address).await?;
    if let Some(recipient) = &recipient {
        let place = (user.environment_id, user.organization_id, Some(account(user)));
        if !outbox::has_room_at(tx, state, place, recipient, Asker::Administrator).await? {
            return Err(outbox::too_many());
        }
    }
    letters::send_code_to(tx, state, user, &code, recipient.as_ref(), for_whom).await?;
    Ok(None)
}

/// Whether an activation code for a user can go somewhere: to an address that is nobody else's, or to the one that they sign
/// in with.
async fn is_sent_to(
    tx: &mut Transaction,
    state: &State,
    pool: &IdentityPool,
    user: &User,
    address_key: Option<&str>,
) -> Result<bool> {
    match address_key {
        Some(key) => Ok(codes::require_nobodys(tx, pool, user, key).await.is_ok()),
        None => letters::reaches(tx, state, user).await,
    }
}

/// Activates a new user by a code, with the credentials that they set.
pub async fn activate(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    code: &str,
    activation: &Activation,
) -> Result<User> {
    let (pool, user) = find_user(state, principal, of).await?;
    activate_in(state, principal, &pool, Some(user), &GivenCode::parse(code), activation).await
}

/// [`activate`] of the user whom a code in its extended form names.
pub async fn activate_extended(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    code: &str,
    activation: &Activation,
) -> Result<User> {
    let nobody = UserReference { user_id: Some(String::new()), ..UserReference::default() };
    let (pool, user, given) = resets::find_by_code(state, principal, pool_id, &nobody, code).await?;
    activate_in(state, principal, &pool, user, &given, activation).await
}

async fn activate_in(
    state: &State,
    principal: &Principal,
    pool: &IdentityPool,
    user: Option<User>,
    given: &GivenCode,
    activation: &Activation,
) -> Result<User> {
    let attempt =
        begin_attempt(state, pool, user.as_ref(), &UserReference::default(), &device_of(principal))?;
    let Some(user) = user else {
        attempt.fail();
        return Err(refused());
    };
    let prepared = prepare(state, pool, &user, activation).await?;
    let mut tx = state.db.write().await?;
    let mut user = lock_user(&mut tx, pool, user.id).await?;
    let purpose = OneTimeCodePurpose::Activation;
    let found = one_time_codes::consume(&mut tx, state, user.id, purpose, None, given).await?;
    let Some(code) = found.filter(|_| user.status == UserStatus::New) else {
        tx.commit().await?;
        attempt.fail();
        return Err(refused());
    };
    // A password that they set now takes the place of one that somebody set who only knew the address.
    for credential in prepared {
        credentials::store(&mut tx, state, account(&user), credential).await?;
    }
    if let Some(key) = &code.address_key {
        codes::require_nobodys(&mut tx, pool, &user, key).await?;
        mark_verified(&mut tx, state, principal, &user, key).await?;
        add_identifier(&mut tx, state, pool, &user, key).await?;
    }
    let mut entry = Entry::of(&user, "activated");
    entry.before = audit_fields! { "status": user.status.as_str() };
    user.set_status(UserStatus::Active, state.now());
    entry.after = audit_fields! { "status": user.status.as_str() };
    update_locked(&mut tx, &mut user, state).await?;
    audit::record(&mut tx, state, Some(user.environment_id), principal, entry).await?;
    tx.commit().await?;
    auto_join::join(state, &user).await;
    Ok(user)
}

async fn prepare(
    state: &State,
    pool: &IdentityPool,
    user: &User,
    activation: &Activation,
) -> Result<Vec<PreparedCredential>> {
    let own = own_words(&mut state.db.read().await?, user).await?;
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let Activation { password, totp_secret } = activation;
    let credentials = [
        password.clone().map(ImportedCredential::Password),
        totp_secret.clone().map(ImportedCredential::Totp),
    ];
    let mut prepared = Vec::new();
    for credential in credentials.into_iter().flatten() {
        let new = NewCredential { credential, state: CredentialState::Valid, expires_at: None };
        prepared.push(credentials::prepare(state, pool, None, &new, &own).await?);
    }
    Ok(prepared)
}

/// Makes the address that a code proved an identifier, if nobody in the pool has it.
async fn add_identifier(
    tx: &mut Transaction,
    state: &State,
    pool: &IdentityPool,
    user: &User,
    address_key: &str,
) -> Result<()> {
    if place::find_by_identifier(tx, pool, address_key).await?.is_some() {
        return Ok(());
    }
    let addresses = place::addresses_of(tx, user.id).await?;
    let Some(address) = addresses.into_iter().find(|address| address.key() == address_key) else {
        return Ok(());
    };
    let kind = match address.kind {
        model::user::AddressKind::Email => IdentifierKind::Email,
        model::user::AddressKind::Mobile => IdentifierKind::Mobile,
    };
    let text = IdentifierText::parse(kind, &address.address).map_err(Error::internal)?;
    let key = text.key(pool.identifier_case_insensitive);
    let identifier = UserIdentifier { text, metadata: Map::new(), created_at: state.now() };
    store::user_identifiers::insert(tx, pool.id, user.id, &identifier, &key)
        .await
        .map_err(Error::conflict_on("user", "identifier"))
}
