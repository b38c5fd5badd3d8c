//! The account of somebody who signs in at an organization: found by what they type, and locked while they are let in.

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::{
    identity_pool::{AuthenticationMechanism, IdentityPool},
    letter::LetterKind,
    organization::Organization,
    user::User,
};

use super::{
    letters, passkeys,
    passwords::prepare,
    place::{self, find_by_identifier, lock_user},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            Device,
            attempts::Attempt,
            credentials::{self, NewPassword},
            passkeys::NewPasskey,
            passwords::PasswordRealm,
            totp::TotpSecret,
            user_sessions,
        },
        audit::{self, Entry},
        principal::Principal,
    },
    store::{self, Conn, Transaction, table},
};

/// The maximum number of pools of an organization that are looked into.
pub(super) const MAX_POOLS: i64 = 20;

/// The maximum length of what is typed, in bytes.
pub(super) const MAX_TEXT: usize = 320;

/// A user, with their pool.
#[derive(Clone)]
pub struct Account {
    /// The pool.
    pub pool: IdentityPool,
    /// The user, whatever their status.
    pub user: User,
    /// How the people of the organization may authenticate; `None` for no restriction.
    restriction: Option<Vec<AuthenticationMechanism>>,
}

impl Account {
    /// Whether the pool and the organization let people sign in by password.
    pub fn allows_passwords(&self) -> bool {
        self.allows(AuthenticationMechanism::Password)
    }

    /// Whether they let people sign in by passkey.
    pub fn allows_passkeys(&self) -> bool {
        self.allows(AuthenticationMechanism::Webauthn)
    }

    /// Whether whoever signs in without a second factor sets an authenticator app up: the pool asks for one of everybody.
    pub fn must_enrol_totp(&self) -> bool {
        self.pool.requires_second_factor() && self.pool.allows_second(AuthenticationMechanism::Totp)
    }

    /// Whether the pool and the organization let people sign in by this mechanism alone.
    pub fn allows(&self, mechanism: AuthenticationMechanism) -> bool {
        self.pool.allows(mechanism)
            && self.restriction.as_ref().is_none_or(|allowed| allowed.contains(&mechanism))
    }
}

/// The account of an organization with this identifier: of its oldest pool, if several have one.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    text: &str,
) -> Result<Option<Account>> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_TEXT || text.contains('\0') {
        return Ok(None);
    }
    let restriction = restriction(conn, environment_id, organization_id).await?;
    let pools = store::identity_pools::list_by_organization(conn, environment_id, organization_id, MAX_POOLS);
    for pool in pools.await? {
        if let Some(user) = find_by_identifier(conn, &pool, text).await? {
            return Ok(Some(Account { pool, user, restriction }));
        }
    }
    Ok(None)
}

/// Whether somebody may sign in at an organization by passkey: by one of its pools.
pub async fn offers_passkeys(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<bool> {
    let passkey = AuthenticationMechanism::Webauthn;
    let restriction = restriction(conn, environment_id, organization_id).await?;
    if restriction.is_some_and(|allowed| !allowed.contains(&passkey)) {
        return Ok(false);
    }
    let pools = store::identity_pools::list_by_organization(conn, environment_id, organization_id, MAX_POOLS);
    Ok(pools.await?.iter().any(|pool| pool.allows(passkey)))
}

/// What an authenticator calls an account: by what it is signed in with, and the name of the person.
pub async fn names(conn: &mut Conn, account: &Account) -> Result<(String, String)> {
    let own = place::own_words(conn, &account.user).await?;
    // An identifier or address, which comes after the name.
    let name = own.into_iter().skip(1).find(|word| !word.is_empty());
    Ok((name.unwrap_or_else(|| account.user.id.to_string()), account.user.display_name()))
}

/// Gives a locked user the password that they chose, ends their sessions, and tells them.
pub async fn change_own_password(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    user: &User,
    new: NewPassword,
) -> Result<()> {
    credentials::set_password(tx, state, place::account(user), new).await?;
    user_sessions::end_all(tx, state, user.id).await?;
    let entry = Entry::of(user, "password_changed");
    audit::record(tx, state, Some(user.environment_id), principal, entry).await?;
    letters::send_notice(tx, state, user, LetterKind::PasswordChanged, None).await
}

/// Gives a locked user their first authenticator app, and ends their sessions.
pub async fn enrol_totp(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    user: &User,
    secret: &TotpSecret,
) -> Result<()> {
    place::set_totp(tx, state, principal, user, secret, "totp_added").await?;
    letters::send_notice(tx, state, user, LetterKind::TotpAdded, None).await
}

/// Adds a passkey to a locked user, which they made themselves.
pub async fn add_own_passkey(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    user: &User,
    made: NewPasskey,
) -> Result<()> {
    passkeys::add_passkey(tx, state, principal, user, made).await?;
    letters::send_notice(tx, state, user, LetterKind::PasskeyAdded, None).await
}

/// The account of an organization with this id.
pub async fn load(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    id: UserId,
) -> Result<Option<Account>> {
    let user: Option<User> = table::find(conn, environment_id, id).await?;
    let own = user.filter(|user| user.organization_id == organization_id && user.shadow_of.is_none());
    let Some(user) = own else { return Ok(None) };
    let pool: Option<IdentityPool> = table::find(conn, environment_id, user.pool_id).await?;
    let restriction = restriction(conn, environment_id, organization_id).await?;
    Ok(pool.map(|pool| Account { pool, user, restriction }))
}

/// How the people of an organization may authenticate; `None` for no restriction.
pub(super) async fn restriction(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
) -> Result<Option<Vec<AuthenticationMechanism>>> {
    let organization: Option<Organization> = table::find(conn, environment_id, organization_id).await?;
    let allowed = organization.and_then(|organization| organization.authentication_mechanisms);
    Ok(allowed.filter(|allowed| !allowed.is_empty()))
}

/// Begins an attempt to sign in at an organization: counted by the account, and where there is none by what was typed.
pub fn begin(
    state: &State,
    organization_id: OrganizationId,
    user: Option<&User>,
    typed: &str,
    device: &Device,
) -> Result<Attempt> {
    let whose = user.map_or_else(|| place::counted_text(typed), |user| user.id.to_string());
    Attempt::begin(state, &format!("{organization_id}/{whose}"), device)
}

/// Locks a user who signs in, in an organization that is in use; `None` where there is no such user any more.
pub async fn lock(tx: &mut Transaction, account: &Account) -> Result<Option<User>> {
    match lock_user(tx, &account.pool, account.user.id).await {
        Ok(user) => Ok(Some(user)),
        Err(Error::NotFound { .. } | Error::FailedPrecondition(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A new password of an account, checked against the rules of its pool. It is another one than the present one.
pub async fn prepare_password(state: &State, account: &Account, new: &str) -> Result<NewPassword> {
    let known = place::account(&account.user);
    let present = store::passwords::find(&mut state.db.read().await?, known).await?;
    if let Some(present) = present
        && state.passwords.verify(PasswordRealm::of(&account.pool), new, Some(&present.hash)).await?
    {
        return Err(Error::invalid("password", "must be another one than the present password"));
    }
    prepare(state, &account.pool, &account.user, "password", new).await
}
