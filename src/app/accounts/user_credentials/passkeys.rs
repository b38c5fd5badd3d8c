//! Passkeys of users, which a program adds and removes for them. A passkey counts in the pool of its user only.

use base::id::{IdKind as _, IdentityPoolId, PasskeyKind, UserId};
use model::{
    account::Passkey,
    environment::Environment,
    identity_pool::{AuthenticationMechanism, IdentityPool},
    user::User,
};
use serde_json::Value;

use super::place::{account, find_user, lock_user, own_words};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            AccountHolder,
            passkeys::{self, NewPasskey, PasskeyUser, RelyingParty},
        },
        permissions::Action,
        principal::{On, Principal},
        retry::retry_deadlocks,
    },
    store::{self, Transaction, table},
};

/// A passkey of a user, and its id at the authenticator.
#[derive(Debug, Clone)]
pub struct PasskeyCredential {
    /// The passkey.
    pub passkey: Passkey,
    /// The authenticator's id of it, base64url.
    pub credential_id: String,
}

/// Whether passkeys can be used: at an IP address they cannot. For callers who may manage users.
pub fn passkeys_are_supported(state: &State, principal: &Principal) -> Result<bool> {
    principal.authorize(Action::UsersManage, On::AnyOrganization)?;
    Ok(passkeys::are_supported(state))
}

/// Begins the making of a passkey for a user: the options for `navigator.credentials.create`. One at a time is under way.
pub async fn begin_passkey(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
) -> Result<Value> {
    let (pool, user) = find_user(state, principal, of).await?;
    begin_for(state, &pool, &user).await
}

/// [`begin_passkey`] for this user.
pub(in crate::app::accounts) async fn begin_for(
    state: &State,
    pool: &IdentityPool,
    user: &User,
) -> Result<Value> {
    require_passkeys(pool)?;
    let (environment, own) = {
        let mut conn = state.db.read().await?;
        let id = user.environment_id;
        let environment: Option<Environment> = table::find(&mut conn, id, id).await?;
        let environment = environment.ok_or_else(|| Error::not_found("environment", id))?;
        (environment, own_words(&mut conn, user).await?)
    };
    let (display_name, id) = (user.display_name(), user.id.to_string());
    // What they sign in with: an identifier or address, which comes after the name.
    let name = own.iter().skip(1).find(|word| !word.is_empty()).unwrap_or(&id);
    let whose = PasskeyUser { account: account(user), name, display_name: &display_name };
    let party = RelyingParty { links: &state.links, name: &environment.display_name };
    let (options, challenge) = passkeys::begin_stored(state, party, whose).await?;
    let mut tx = state.db.write().await?;
    lock_user(&mut tx, pool, user.id).await?;
    challenge.insert(&mut tx, account(user)).await?;
    tx.commit().await?;
    Ok(options)
}

/// Adds the passkey that an authenticator made for a user.
pub async fn complete_passkey(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    answer: &Value,
    name: &str,
) -> Result<PasskeyCredential> {
    let (pool, user) = find_user(state, principal, of).await?;
    require_passkeys(&pool)?;
    let made = NewPasskey::verify_stored(state, account(&user), answer, name).await?;
    let mut tx = state.db.write().await?;
    let user = lock_user(&mut tx, &pool, user.id).await?;
    let added = add_passkey(&mut tx, state, principal, &user, made).await?;
    tx.commit().await?;
    Ok(added)
}

/// Adds a passkey to a locked user.
pub(in crate::app::accounts) async fn add_passkey(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    user: &User,
    made: NewPasskey,
) -> Result<PasskeyCredential> {
    let credential_id = made.credential_id().to_owned();
    let passkey = made.add(tx, state, &holder(principal, user)).await?;
    Ok(PasskeyCredential { passkey, credential_id })
}

/// Renames a passkey of a user.
pub async fn rename_passkey(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    credential_id: &str,
    name: &str,
) -> Result<()> {
    let (_, user) = find_user(state, principal, of).await?;
    let id = find_passkey(state, &user, credential_id).await?.id;
    passkeys::rename(state, &holder(principal, &user), id, name).await
}

/// Removes a passkey of a user.
pub async fn remove_passkey(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    credential_id: &str,
) -> Result<()> {
    let (pool, user) = find_user(state, principal, of).await?;
    let id = find_passkey(state, &user, credential_id).await?.id;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = lock_user(&mut tx, &pool, user.id).await?;
        passkeys::remove(&mut tx, state, &holder(principal, &user), id).await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// The passkey of a user with this id at the authenticator.
async fn find_passkey(state: &State, user: &User, credential_id: &str) -> Result<Passkey> {
    let mut conn = state.db.read().await?;
    let found = store::passkeys::find_by_credential(&mut conn, credential_id).await?;
    let own = found.map(|stored| stored.passkey).filter(|passkey| passkey.account_id == account(user));
    own.ok_or_else(|| Error::not_found(PasskeyKind::NOUN, ""))
}

pub(in crate::app::accounts) fn require_passkeys(pool: &IdentityPool) -> Result<()> {
    let passkey = AuthenticationMechanism::Webauthn;
    match pool.allows(passkey) || pool.second_factors.allowed.contains(&passkey) {
        true => Ok(()),
        false => Err(Error::FailedPrecondition("this pool does not allow passkeys".into())),
    }
}

fn holder(principal: &Principal, user: &User) -> AccountHolder {
    AccountHolder { account: account(user), environment_id: Some(user.environment_id), principal: *principal }
}
