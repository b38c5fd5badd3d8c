//! One-time codes that a program with the scope asks for, to hand over itself or to have sent.

use base::id::{IdentityPoolId, UserId};
use model::{
    account::OneTimeCodePurpose,
    audit::audit_fields,
    identity_pool::IdentityPool,
    letter::Asker,
    user::{User, UserAddress, UserStatus},
};

use super::{
    letters,
    place::{self, UserReference, addresses_of, find_pool, find_user, lock_user},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::one_time_codes::{self, CodeRequest, NewCode},
        audit::{self, Entry},
        mail::{Onward, outbox},
        principal::Principal,
        retry::retry_deadlocks,
    },
    store::Transaction,
};

/// Makes a code for a user. `address` is the one it proves; an activation takes the only one where none is given.
pub async fn generate(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    purpose: OneTimeCodePurpose,
    address: Option<&str>,
) -> Result<NewCode> {
    let (pool, user) = find_user(state, principal, of).await?;
    principal.require_recent_authentication(state.now())?;
    if principal.is_confined() {
        // Whoever uses the code proves an address by it.
        let why = "codes are shown to the vendor only; send the user a letter";
        return Err(Error::Forbidden(why.into()));
    }
    generate_in(state, principal, &pool, user.id, purpose, address, Way::ByCaller).await
}

/// [`generate`], but the code goes to the user by mail.
pub(super) async fn generate_letter(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    purpose: OneTimeCodePurpose,
    address: &str,
) -> Result<()> {
    let (pool, user) = find_user(state, principal, of).await?;
    generate_in(state, principal, &pool, user.id, purpose, Some(address), Way::ByMail).await.map(drop)
}

/// How a code gets to its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Whoever asked for it hands it over.
    ByCaller,
    /// By mail.
    ByMail,
}

/// [`generate`] for whoever a program names.
pub async fn generate_for(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    reference: &UserReference,
    purpose: OneTimeCodePurpose,
) -> Result<NewCode> {
    reference.check()?;
    let (pool, user) = {
        let mut conn = state.db.read().await?;
        let pool = find_pool(&mut conn, principal, pool_id).await?;
        let user = reference.find(&mut conn, &pool).await?;
        (pool, user.ok_or_else(|| Error::not_found("user", "no user is named so"))?)
    };
    let address = reference.address.as_deref();
    generate_in(state, principal, &pool, user.id, purpose, address, Way::ByCaller).await
}

async fn generate_in(
    state: &State,
    principal: &Principal,
    pool: &IdentityPool,
    id: UserId,
    purpose: OneTimeCodePurpose,
    address: Option<&str>,
    way: Way,
) -> Result<NewCode> {
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = lock_user(&mut tx, pool, id).await?;
        let address_key = address_for(&mut tx, pool, &user, purpose, address).await?;
        // A code that is in no letter is none that somebody could have, but one to guess at.
        if way == Way::ByMail
            && !outbox::has_room(&mut tx, state, user.id.into(), Asker::Administrator).await?
        {
            return Err(outbox::too_many());
        }
        let code = create(&mut tx, state, pool, &user, purpose, address_key).await?;
        if way == Way::ByMail {
            let asker = Asker::Administrator;
            letters::send_code(&mut tx, state, &user, &code, address, (asker, &Onward::default())).await?;
        }
        let entry = Entry::of(&user, "code_generated").with_values(audit_fields! {
            "purpose": purpose.as_str(),
            "expiresAt": code.code.expires_at,
        });
        audit::record(&mut tx, state, Some(user.environment_id), principal, entry).await?;
        tx.commit().await?;
        Ok(code)
    })
    .await
}

/// Makes a code for a locked user, as their pool says.
pub(in crate::app::accounts) async fn create(
    tx: &mut Transaction,
    state: &State,
    pool: &IdentityPool,
    user: &User,
    purpose: OneTimeCodePurpose,
    address_key: Option<String>,
) -> Result<NewCode> {
    let request = CodeRequest {
        user_id: user.id,
        environment_id: user.environment_id,
        purpose,
        address_key,
        settings: pool.otp_settings.of(purpose),
        keeps_earlier: false,
    };
    one_time_codes::create(tx, state, request).await
}

/// [`create`] of a code that anybody may have asked for: the earlier ones stay good.
pub(super) async fn create_another(
    tx: &mut Transaction,
    state: &State,
    pool: &IdentityPool,
    user: UserId,
    purpose: OneTimeCodePurpose,
    address_key: Option<String>,
) -> Result<NewCode> {
    let request = CodeRequest {
        user_id: user,
        environment_id: pool.environment_id,
        purpose,
        address_key,
        settings: pool.otp_settings.of(purpose),
        keeps_earlier: true,
    };
    one_time_codes::create(tx, state, request).await
}

/// The normal form of the address that a code for this purpose proves. An error if there is nothing to be proven.
pub(super) async fn address_for(
    tx: &mut Transaction,
    pool: &IdentityPool,
    user: &User,
    purpose: OneTimeCodePurpose,
    address: Option<&str>,
) -> Result<Option<String>> {
    let addresses = addresses_of(tx, user.id).await?;
    let named = match address {
        None => None,
        Some(text) => {
            let key = UserAddress::key_of_any(text);
            let found = addresses.iter().find(|stored| key.as_deref() == Some(&stored.key()));
            Some(found.ok_or_else(|| Error::not_found("address", ""))?)
        }
    };
    match purpose {
        OneTimeCodePurpose::Activation => {
            if user.status != UserStatus::New {
                return Err(Error::FailedPrecondition("only a new user is activated".into()));
            }
            let only = addresses.first().filter(|_| addresses.len() == 1);
            Ok(named.or(only).map(UserAddress::key))
        }
        OneTimeCodePurpose::VerifyAddress => {
            let address = named.ok_or_else(|| Error::invalid("address", "is required"))?;
            if address.is_verified() {
                return Err(Error::FailedPrecondition("the address is verified".into()));
            }
            require_nobodys(tx, pool, user, &address.key()).await?;
            Ok(Some(address.key()))
        }
        OneTimeCodePurpose::ResetPassword
        | OneTimeCodePurpose::ResetTotp
        | OneTimeCodePurpose::EnrollWebauthn => {
            if !user.may_sign_in() {
                return Err(Error::FailedPrecondition("the user may not sign in".into()));
            }
            Ok(None)
        }
    }
}

/// Returns an error if another user of the pool has proven this address, or signs in with it.
pub(in crate::app::accounts) async fn require_nobodys(
    tx: &mut Transaction,
    pool: &IdentityPool,
    user: &User,
    address_key: &str,
) -> Result<()> {
    let by_address = place::find_by_address(tx, pool, address_key).await?;
    let by_identifier = place::find_by_identifier(tx, pool, address_key).await?;
    let is_others = [by_address, by_identifier].iter().flatten().any(|other| other.id != user.id);
    match is_others {
        true => Err(Error::Conflict { kind: "user", field: "address" }),
        false => Ok(()),
    }
}
