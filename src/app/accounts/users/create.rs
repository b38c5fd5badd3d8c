//! New users.

use base::{
    id::{
        EnvironmentKind, Id, IdKind as _, IdentityPoolId, OrganizationId, OrganizationKind, UserId, UserKind,
    },
    time::Timestamp,
};
use model::{
    account::AccountId,
    identity_pool::IdentityPool,
    membership::Membership,
    organization::root_id,
    user::{User, UserSource, UserStatus},
};

use super::{
    addresses::{self, NewAddress},
    identifiers::{self, NewIdentifier},
    place::{self, Purpose, find_pool, lock_pool},
    profile::Profile,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            credentials::{self, ImportedCredential, NewCredential, PreparedCredential},
            pools,
        },
        audit, input,
        permissions::Action,
        principal::{On, Principal},
        resource,
        retry::retry_deadlocks,
    },
    store::{self, Transaction, table},
};

/// The maximum length of a user's type in characters.
pub(super) const MAX_USER_TYPE: usize = 100;

/// A user as it is asked for, unvalidated.
#[derive(Clone)]
pub struct NewUser {
    /// The id that the caller chose for it.
    pub id: Option<UserId>,
    /// Whether it may be used.
    pub status: UserStatus,
    /// How it comes to be.
    pub source: UserSource,
    /// The user whose image it is to be.
    pub(crate) shadow_of: Option<UserId>,
    /// What the caller calls its kind.
    pub user_type: String,
    /// By what it is found.
    pub identifiers: Vec<NewIdentifier>,
    /// Where it is reached.
    pub addresses: Vec<NewAddress>,
    /// Its JSON objects.
    pub profile: Profile,
    /// What it authenticates with.
    pub credentials: Vec<NewCredential>,
}

impl NewUser {
    /// A user without anything.
    pub fn new(status: UserStatus) -> Self {
        Self {
            id: None,
            status,
            source: UserSource::Standard,
            shadow_of: None,
            user_type: String::new(),
            identifiers: Vec::new(),
            addresses: Vec::new(),
            profile: Profile::default(),
            credentials: Vec::new(),
        }
    }
}

/// Creates a user.
pub async fn create(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    new: &NewUser,
) -> Result<User> {
    create_with(state, principal, pool_id, new, async |_, _, _| Ok(())).await
}

/// Creates a user, and in the same transaction what `also` adds to it.
pub async fn create_with(
    state: &State,
    principal: &Principal,
    pool_id: IdentityPoolId,
    new: &NewUser,
    also: impl AsyncFn(&mut Transaction, &IdentityPool, &User) -> Result<()>,
) -> Result<User> {
    let environment_id = principal.authorize(Action::UsersCreate, On::AnyOrganization)?;
    let checked = {
        let mut conn = state.db.read().await?;
        let pool = find_pool(&mut conn, environment_id, pool_id).await?;
        resource::hide(
            pool_id,
            principal.authorize(Action::UsersCreate, On::Organization(pool.organization_id)),
        )?;
        new.profile.check(&mut conn, environment_id, &pool).await?;
        pool
    };
    // Schemas and passwords take a while: before the transaction.
    let own: Vec<&str> = new.identifiers.iter().map(|identifier| identifier.identifier.as_str()).collect();
    let credentials = prepare(state, &checked, None, &new.credentials, &own).await?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let pool = lock_pool(&mut tx, environment_id, pool_id, Purpose::Add).await?;
        new.profile.ensure_checked_for(&checked, &pool)?;
        let user = insert(&mut tx, state, principal, &pool, new).await?;
        for credential in &credentials {
            credentials::store(&mut tx, state, user.id.into(), credential.clone()).await?;
        }
        also(&mut tx, &pool, &user).await?;
        tx.commit().await?;
        Ok(user)
    })
    .await
}

/// Checks credentials against the rules of the pool; at most one of a kind. `own` holds the person's own words.
pub(super) async fn prepare(
    state: &State,
    pool: &IdentityPool,
    account: Option<AccountId>,
    credentials: &[NewCredential],
    own: &[&str],
) -> Result<Vec<PreparedCredential>> {
    let is_totp = |new: &NewCredential| matches!(new.credential, ImportedCredential::Totp(_));
    let mut prepared = Vec::new();
    for (at, new) in credentials.iter().enumerate() {
        if credentials.iter().take(at).any(|other| is_totp(other) == is_totp(new)) {
            return Err(Error::invalid(
                format!("credentials[{at}].type"),
                "is there already; one of each type",
            ));
        }
        prepared.push(credentials::prepare(state, pool, account, new, own).await?);
    }
    Ok(prepared)
}

/// Adds a user to a pool that is locked, within the caller's transaction, without credentials. The profile was checked.
pub async fn insert(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    pool: &IdentityPool,
    new: &NewUser,
) -> Result<User> {
    let now = state.now();
    if new.id.is_some_and(|id| id.bits() == 0) {
        return Err(Error::invalid("id", "must not be zero"));
    }
    let identifiers = identifiers::parse(pool, &new.identifiers, now)?;
    let addresses = addresses::parse(principal, &new.addresses, &[], now)?;
    let mut user = user_of(state, pool, new, now);
    user.user_type = input::line("user_type", &new.user_type, MAX_USER_TYPE)?;
    new.profile.apply_to(principal, &mut user)?;
    table::insert(tx, &user).await.map_err(|error| match error {
        store::Error::MissingReference => Error::not_found(EnvironmentKind::NOUN, user.environment_id),
        error => Error::conflict_on(UserKind::NOUN, "id")(error),
    })?;
    identifiers::insert_all(tx, &user, &identifiers).await?;
    addresses::insert_all(tx, &user, &addresses).await?;
    store::users::add_to_counts(tx, pool.id, user.source, 1).await?;
    if user.shadow_of.is_none() {
        store::memberships::insert(tx, &Membership::at_home(&user)).await?;
    }
    audit::created(tx, state, principal, &user).await?;
    Ok(user)
}

fn user_of(state: &State, pool: &IdentityPool, new: &NewUser, now: Timestamp) -> User {
    User {
        id: new.id.unwrap_or_else(|| Id::new(now, &*state.random)),
        environment_id: pool.environment_id,
        organization_id: pool.organization_id,
        pool_id: pool.id,
        version: 1,
        status: new.status,
        source: new.source,
        shadow_of: new.shadow_of,
        user_type: String::new(),
        payload: serde_json::Map::new(),
        metadata: serde_json::Map::new(),
        business_metadata: serde_json::Map::new(),
        created_at: now,
        updated_at: now,
        status_updated_at: now,
    }
}

/// Creates a user in the first pool of an organization, the root where none is named; one that has no pool gets it.
pub async fn create_in_first_pool(
    state: &State,
    principal: &Principal,
    organization_id: Option<OrganizationId>,
    new: &NewUser,
) -> Result<User> {
    let environment_id = principal.authorize(Action::UsersCreate, On::AnyOrganization)?;
    let organization_id = organization_id.unwrap_or_else(|| root_id(environment_id));
    principal.authorize(Action::UsersCreate, On::Organization(organization_id))?;
    let pool = first_pool(state, principal, organization_id).await?;
    create(state, principal, pool.id, new).await
}

/// The first pool of an organization that is in use, for somebody who may see its users; one that has no pool gets it, as
/// with the first user or group.
pub async fn first_pool(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
) -> Result<IdentityPool> {
    let environment_id = principal.authorize(Action::UserGroupsView, On::Organization(organization_id))?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let pool = pools::first_of(&mut tx, state, principal, environment_id, organization_id).await?;
        let organization = store::users::lock_organization(&mut tx, environment_id, organization_id).await?;
        place::ensure_in_use(
            organization.ok_or_else(|| Error::not_found(OrganizationKind::NOUN, organization_id))?,
        )?;
        tx.commit().await?;
        Ok(pool)
    })
    .await
}
