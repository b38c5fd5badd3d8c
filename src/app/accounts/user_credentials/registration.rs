//! People who register themselves.

use base::id::{Id, IdentityPoolId, UserId};
use model::{
    account::{CredentialState, OneTimeCodePurpose},
    email::Email,
    identity_pool::IdentityPool,
    letter::Asker,
    user::{AddressKind, IdentifierKind, UserAddress, UserStatus, normalise_number},
};
use serde_json::{Map, Value};

use super::{codes, letters, place, self_service};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            attempts::Attempt,
            credentials::{self, ImportedCredential, NewCredential},
            users::{self, NewAddress, NewIdentifier, NewUser, Profile},
        },
        mail::Onward,
        principal::{On, Principal},
    },
    store,
};

/// What somebody registers with.
#[derive(Clone, Default)]
pub struct Registration {
    /// By what they want to sign in.
    pub identifier: String,
    /// Where they are reached, if that is not the identifier.
    pub otp_address: Option<String>,
    /// Their password.
    pub password: Option<String>,
    /// The secret of their authenticator app, in base32.
    pub totp_secret: Option<String>,
    /// Their profile.
    pub payload: Option<Map<String, Value>>,
    /// Where the link of their letter leads on.
    pub onward: Onward,
}

/// Registers somebody as a new user of a pool that allows it, and sends an activation code. The answer is the same, and
/// nothing is made, where the identifier is somebody's: an id that is nobody's. They get a letter that tells of it.
pub async fn register(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    new: &Registration,
) -> Result<UserId> {
    // Where the caller may do nothing else, it may do this: what is read and written is decided here.
    let principal = &principal.registering(On::AnyOrganization)?;
    let pool = place::find_pool(&mut state.db.read().await?, principal, pool_id).await?;
    if !pool.public_registration_allowed {
        return Err(Error::FailedPrecondition("nobody registers themselves in this pool".into()));
    }
    // Each counts, whoever has the identifier, and costs a hash: what is refused tells nobody who has an account.
    let name = format!("{}/register/{}", pool.id, place::counted_text(&new.identifier));
    Attempt::begin(state, &name, &place::device_of(principal))?.fail();
    let user = parse(new)?;
    let violations = users::violations(state, principal, &pool, &user.profile).await?;
    let fields: Vec<_> = violations.into_iter().map(|found| (found.path, found.message)).collect();
    if !fields.is_empty() {
        return Err(Error::InvalidFields(fields));
    }
    let named = ["name", "given_name", "family_name"];
    let named = named.iter().filter_map(|name| new.payload.as_ref()?.get(*name)?.as_str());
    let own: Vec<&str> = [new.identifier.as_str()].into_iter().chain(named).collect();
    let mut prepared = Vec::new();
    let credentials = [
        new.password.clone().map(ImportedCredential::Password),
        new.totp_secret.clone().map(ImportedCredential::Totp),
    ];
    for credential in credentials.into_iter().flatten() {
        let new = NewCredential { credential, state: CredentialState::Valid, expires_at: None };
        prepared.push(credentials::prepare(state, &pool, None, &new, &own).await?);
    }
    let registered = letters::find_registered(&mut state.db.read().await?, &pool, &new.identifier).await?;
    if registered.is_none() {
        let made = users::create_with(state, principal, pool_id, &user, async |tx, pool, user| {
            for credential in &prepared {
                credentials::store(tx, state, place::account(user), credential.clone()).await?;
            }
            let key = new.otp_address.as_deref().or(Some(&new.identifier)).and_then(UserAddress::key_of_any);
            let purpose = OneTimeCodePurpose::Activation;
            let code = codes::create(tx, state, pool, user, purpose, key).await?;
            letters::send_code(tx, state, user, &code, None, (Asker::Stranger, &new.onward)).await
        })
        .await;
        match made {
            Ok(user) => return Ok(user.id),
            // Somebody came first.
            Err(Error::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    tell_registered(state, &pool, new).await?;
    Ok(Id::new(state.now(), &*state.random))
}

fn parse(new: &Registration) -> Result<NewUser> {
    let identifier = new.identifier.trim();
    let kind = if Email::parse(identifier).is_some() {
        IdentifierKind::Email
    } else if normalise_number(identifier).is_some() {
        IdentifierKind::Mobile
    } else {
        IdentifierKind::Uid
    };
    let mut user = NewUser::new(UserStatus::New);
    user.identifiers.push(NewIdentifier::new(kind, identifier));
    let address = |text: &str| {
        let kind = [AddressKind::Email, AddressKind::Mobile]
            .into_iter()
            .find(|kind| UserAddress::key_of(*kind, text).is_ok())?;
        Some(NewAddress {
            kind,
            address: text.trim().to_owned(),
            verified: Some(false),
            status: None,
            preferred_contact_method: None,
        })
    };
    user.addresses.extend(address(identifier));
    if let Some(text) = &new.otp_address {
        let invalid = || Error::invalid("otp_address", "must be an e-mail address or a telephone number");
        let other = address(text).ok_or_else(invalid)?;
        if user.addresses.first().is_some_and(|own| own.kind == other.kind) {
            return Err(Error::invalid("otp_address", "must be of another type than the identifier"));
        }
        user.addresses.push(other);
    }
    user.profile = Profile { payload: new.payload.clone(), ..Profile::default() };
    Ok(user)
}

/// Tells whoever has the identifier that somebody tried to register with it. Who has not activated their account yet, though a
/// letter told them to, gets another one about that.
async fn tell_registered(state: &State, pool: &IdentityPool, new: &Registration) -> Result<()> {
    let identifier = new.identifier.as_str();
    let mut tx = state.db.write().await?;
    let nobody = UserId::from_bits(0);
    store::one_time_codes::end(&mut tx, nobody, OneTimeCodePurpose::Activation, None, state.now()).await?;
    if let Some(user) = letters::find_registered(&mut tx, pool, identifier).await? {
        let purpose = OneTimeCodePurpose::Activation;
        let locked = match place::lock_user(&mut tx, pool, user.id).await {
            Ok(user) => user,
            // They were deleted meanwhile: whoever asked is told nothing of it.
            Err(Error::NotFound { .. } | Error::FailedPrecondition(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let is_waiting = locked.status == UserStatus::New
            && store::letters::has_of_kind(&mut tx, user.id, purpose.into()).await?;
        if is_waiting {
            let (wanted, onward) = (Some(identifier), &new.onward);
            self_service::make_and_send(&mut tx, state, pool, &locked, purpose, wanted, onward).await?;
        } else {
            letters::send_already_registered(&mut tx, state, &locked, identifier).await?;
        }
    }
    Ok(tx.commit().await?)
}
