//! Where users are: the pool and the organization that a change of one begins with.

use base::id::{EnvironmentId, IdKind as _, IdentityPoolId, IdentityPoolKind, UserId, UserKind};
use model::{
    entity_tag::EntityTags,
    identity_pool::IdentityPool,
    user::{AssociationKind, User},
};

use crate::{
    app::{
        Error, Result, State,
        organizations::error::OrganizationError,
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit, check_version},
        roles,
    },
    store::{self, Conn, Transaction, table},
};

/// Why the image of another user is not changed.
const SHADOW: &str = "this user is of another organization and only has access to this one: the profile and the credentials \
                      can be changed there only";

/// Why the owner of an organization stays in it.
const OWNER: &str = "this user is the owner of the organization, and is taken out of it by the vendor only";

/// What a change does, and so what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::app::accounts) enum Purpose {
    /// Users, identifiers or addresses come, or are changed: only in a pool that is in use.
    Add,
    /// Something goes: also where the organization is switched off.
    Remove,
    /// The user goes: also one that is the image of another.
    Delete,
}

/// The pool that users are read from, of an organization that exists.
pub(super) async fn find_pool(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: IdentityPoolId,
) -> Result<IdentityPool> {
    resource::load(conn, environment_id, id).await
}

/// Locks the state of a pool's organization, which a change of its users depends on. Returns the pool as it was read.
pub(in crate::app::accounts) async fn lock_organization_of(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: IdentityPoolId,
    purpose: Purpose,
) -> Result<IdentityPool> {
    // A pool never leaves its organization.
    let pool = find_pool(tx, environment_id, id).await?;
    let organization = store::users::lock_organization(tx, environment_id, pool.organization_id).await?;
    let organization = organization.ok_or_else(|| Error::not_found(IdentityPoolKind::NOUN, id))?;
    if purpose == Purpose::Add {
        ensure_in_use(organization)?;
    }
    Ok(pool)
}

/// Locks the pool in which a user is changed, so that identifiers and numbers change one after the other, and the
/// organization's state.
pub(in crate::app::accounts) async fn lock_pool(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: IdentityPoolId,
    purpose: Purpose,
) -> Result<IdentityPool> {
    lock_organization_of(tx, environment_id, id, purpose).await?;
    let found = table::find_for_update(tx, environment_id, id).await?;
    found.ok_or_else(|| Error::not_found(IdentityPoolKind::NOUN, id))
}

/// Refuses users in a template and in an organization that is switched off.
pub(super) fn ensure_in_use((is_template, is_disabled): (bool, bool)) -> Result<()> {
    if is_template {
        return Err(OrganizationError::IsTemplate("users").into());
    }
    if is_disabled {
        return Err(Error::FailedPrecondition(
            "the organization is switched off (disabled); its users cannot be added or changed".into(),
        ));
    }
    Ok(())
}

/// Refuses to change the image of another user, whose profile is that user's own.
pub(in crate::app::accounts) fn refuse_shadow(user: &User) -> Result<()> {
    match user.shadow_of {
        None => Ok(()),
        Some(_) => Err(Error::FailedPrecondition(SHADOW.into())),
    }
}

/// Refuses to take the owner of an organization out of it from within: that is for who made it theirs, above it.
async fn refuse_owner(conn: &mut Conn, principal: &Principal, user: &User) -> Result<()> {
    if user.shadow_of.is_none() || !principal.is_confined() {
        return Ok(());
    }
    let found = store::user_associations::find_by_image(conn, user.environment_id, user.id).await?;
    match found.is_some_and(|association| association.kind == AssociationKind::Owner) {
        true => Err(Error::Forbidden(OWNER.into())),
        false => Ok(()),
    }
}

/// A change of one user under way: the pool and the user are locked until the transaction ends.
pub struct UserEdit {
    /// The pool.
    pub pool: IdentityPool,
    /// The user.
    pub edit: Edit<User>,
}

impl UserEdit {
    /// Begins a change of a user of this pool, for a principal who may.
    pub(super) async fn begin(
        state: &State,
        principal: &Principal,
        (pool_id, id): (IdentityPoolId, UserId),
        expected: Option<&EntityTags>,
        purpose: Purpose,
    ) -> Result<Self> {
        let action = match purpose {
            Purpose::Delete => Action::UsersDelete,
            _ => Action::UsersManage,
        };
        let environment_id = principal.authorize(action, On::AnyOrganization)?;
        let mut tx = state.db.write().await?;
        let pool = lock_pool(&mut tx, environment_id, pool_id, purpose).await?;
        resource::hide(pool_id, principal.authorize(action, On::Organization(pool.organization_id)))?;
        let mut edit = Self::lock(tx, pool, id).await?;
        let Edit { tx, row, .. } = &mut edit.edit;
        match purpose {
            Purpose::Delete => refuse_owner(tx, principal, row).await?,
            Purpose::Add | Purpose::Remove => refuse_shadow(row)?,
        }
        roles::require_over(tx, principal, row).await?;
        check_version(expected, row.version)?;
        Ok(edit)
    }

    /// Begins a change that a user makes of themselves, in a pool that is in use.
    pub(in crate::app::accounts) async fn begin_own(state: &State, user: &User) -> Result<Self> {
        let mut tx = state.db.write().await?;
        let pool = lock_pool(&mut tx, user.environment_id, user.pool_id, Purpose::Add).await?;
        Self::lock(tx, pool, user.id).await
    }

    async fn lock(tx: Transaction, pool: IdentityPool, id: UserId) -> Result<Self> {
        let edit = Edit::<User>::begin(tx, pool.environment_id, id, None).await?;
        match edit.row.pool_id == pool.id {
            true => Ok(Self { pool, edit }),
            false => Err(Error::not_found(UserKind::NOUN, id)),
        }
    }

    /// Stores the user with the next version, whether or not the row itself changed: identifiers and addresses belong to it.
    pub(in crate::app::accounts) async fn touch(&mut self, state: &State) -> Result<()> {
        Ok(resource::update_locked(&mut self.edit.tx, &mut self.edit.row, state).await?)
    }
}
