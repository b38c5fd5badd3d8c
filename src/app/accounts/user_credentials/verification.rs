//! Addresses that users prove by a one-time code.

use base::id::{IdentityPoolId, UserId};
use model::{
    account::OneTimeCodePurpose,
    user::{User, UserAddress},
};

use super::{
    codes,
    place::{UserReference, begin_attempt, device_of, find_user, lock_user, refused},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::one_time_codes::{self, GivenCode},
        audit::{self, Entry},
        members::auto_join,
        principal::Principal,
        resource::update_locked,
        retry::retry_deadlocks,
    },
    store::{self, Transaction},
};

/// Asks for a code that proves an address of a user: it is made and sent there, and the earlier ones for it end.
pub async fn request_verification(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    address: &str,
) -> Result<()> {
    codes::generate_letter(state, principal, of, OneTimeCodePurpose::VerifyAddress, address).await
}

/// Marks an address of a user as theirs, which a code proves.
pub async fn verify_address(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    address: &str,
    code: &str,
) -> Result<()> {
    let (pool, user) = find_user(state, principal, of).await?;
    let attempt = begin_attempt(state, &pool, Some(&user), &UserReference::default(), &device_of(principal))?;
    let Some(key) = UserAddress::key_of_any(address) else {
        attempt.fail();
        return Err(refused());
    };
    let given = GivenCode::parse(code);
    let verified = retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let mut user = lock_user(&mut tx, &pool, user.id).await?;
        let purpose = OneTimeCodePurpose::VerifyAddress;
        let found = one_time_codes::consume(&mut tx, state, user.id, purpose, Some(&key), &given).await?;
        if found.is_none() {
            tx.commit().await?;
            return Ok::<_, Error>(false);
        }
        codes::require_nobodys(&mut tx, &pool, &user, &key).await?;
        let is_theirs = mark_verified(&mut tx, state, principal, &user, &key).await?;
        if is_theirs {
            // Addresses belong to the version of the user.
            update_locked(&mut tx, &mut user, state).await?;
        }
        tx.commit().await?;
        Ok(is_theirs)
    })
    .await?;
    if verified {
        auto_join::join(state, &user).await;
        return Ok(());
    }
    attempt.fail();
    Err(refused())
}

/// Marks an address of a locked user as theirs. Returns whether they have it.
pub(super) async fn mark_verified(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    user: &User,
    key: &str,
) -> Result<bool> {
    if !store::user_addresses::update_verified(tx, user.id, key, state.now()).await? {
        return Ok(false);
    }
    let entry = Entry::of(user, "address_verified");
    audit::record(tx, state, Some(user.environment_id), principal, entry).await?;
    Ok(true)
}
