//! Users with what belongs to them.

use base::id::{IdKind as _, IdentityPoolId, UserId, UserKind};
use model::{
    account::CredentialSummary,
    identity_pool::IdentityPool,
    user::{User, UserAddress, UserIdentifier},
};

use super::place::find_pool;
use crate::{
    app::{
        Error, Result, State,
        accounts::credentials,
        permissions::Action,
        principal::{On, Principal},
        resource,
    },
    store::{Conn, user_addresses, user_identifiers},
};

/// A user with their identifiers and addresses.
#[derive(Debug, Clone, PartialEq)]
pub struct UserDetails {
    /// The user.
    pub user: User,
    /// By what they are found.
    pub identifiers: Vec<UserIdentifier>,
    /// Where they are reached.
    pub addresses: Vec<UserAddress>,
}

/// These users of one pool with what belongs to them, and the pool.
pub async fn details(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    users: Vec<User>,
) -> Result<(IdentityPool, Vec<UserDetails>)> {
    let environment_id = principal.authorize(Action::UsersView, On::AnyOrganization)?;
    let mut conn = state.db.read().await?;
    let pool = find_pool(&mut conn, environment_id, pool_id).await?;
    let users = users.into_iter().filter(|user| user.pool_id == pool.id).collect();
    let details = details_of(&mut conn, users).await?;
    Ok((pool, details))
}

/// The credentials of a user, as they are shown.
pub async fn credentials(
    state: &State,
    principal: &Principal,
    user: &User,
) -> Result<Vec<CredentialSummary>> {
    let environment_id = principal.authorize(Action::UsersView, On::Organization(user.organization_id))?;
    principal.require_environment(user.environment_id)?;
    let mut conn = state.db.read().await?;
    resource::load::<User>(&mut conn, environment_id, user.id).await?;
    credentials::summaries(&mut conn, user.id.into()).await
}

/// These users with what belongs to them.
pub(in crate::app::accounts) async fn details_of(
    conn: &mut Conn,
    users: Vec<User>,
) -> Result<Vec<UserDetails>> {
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    let mut identifiers = user_identifiers::list(conn, &ids).await?;
    let mut addresses = user_addresses::list(conn, &ids).await?;
    let described = |user: User| UserDetails {
        identifiers: identifiers.remove(&user.id).unwrap_or_default(),
        addresses: addresses.remove(&user.id).unwrap_or_default(),
        user,
    };
    Ok(users.into_iter().map(described).collect())
}

/// The user with this id in a pool. One of another pool is not found.
pub async fn find(
    state: &State,
    principal: &Principal,
    (pool_id, id): (IdentityPoolId, UserId),
) -> Result<User> {
    let user = find_any(state, principal, id).await?;
    if user.pool_id != pool_id {
        return Err(Error::not_found(UserKind::NOUN, id));
    }
    Ok(user)
}

/// The user with this id, in whichever pool of the environment.
pub async fn find_any(state: &State, principal: &Principal, id: UserId) -> Result<User> {
    let environment_id = principal.authorize(Action::UsersView, On::AnyOrganization)?;
    let mut conn = state.db.read().await?;
    let user: User = resource::load(&mut conn, environment_id, id).await?;
    resource::hide(id, principal.authorize(Action::UsersView, On::Organization(user.organization_id)))?;
    // Users of a removed pool are on their way out.
    find_pool(&mut conn, environment_id, user.pool_id).await.map_err(|error| match error {
        Error::NotFound { .. } => Error::not_found(UserKind::NOUN, id),
        error => error,
    })?;
    Ok(user)
}
