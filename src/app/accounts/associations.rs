//! Users of one organization in another one, where each has an image: WSO2's shadow user. It carries the person's user name, so that
//! it is found and can be given roles there. Nobody signs in as it; who has one switches to its organization.

use base::id::{EnvironmentId, IdKind as _, OrganizationId, UserId, UserKind};
use model::{
    membership::{Membership, MembershipSource, Tier},
    user::{AssociationKind, IdentifierKind, User, UserAssociation, UserIdentifier, UserStatus},
};

use super::{
    pools,
    users::{self, NewIdentifier, NewUser},
};
use crate::{
    app::{
        Error, Result, State, audit,
        permissions::Action,
        principal::{On, Principal},
        resource,
    },
    store::{Conn, Transaction, memberships, table, user_associations, user_identifiers},
};

/// How many images are listed at a time.
const MAX_LISTED: i64 = 100;

/// Gives a user an image in the first pool of an organization, which gets one where it has none, within the caller's transaction. An
/// image of an image is one of the same person. [`Error::Conflict`]: somebody there has the user's name, or the user has an image
/// there.
pub async fn create(
    tx: &mut Transaction,
    state: &State,
    principal: &Principal,
    user: &User,
    organization_id: OrganizationId,
    kind: AssociationKind,
) -> Result<UserAssociation> {
    let environment_id = user.environment_id;
    let resident = resident_of(tx, user).await?;
    let pool = pools::first_of(tx, state, principal, environment_id, organization_id).await?;
    let identifiers = user_identifiers::list(tx, &[resident.id]).await?.remove(&resident.id);
    let name = user_name(&identifiers.unwrap_or_default())
        .map(|name| NewIdentifier::new(name.text.kind(), name.text.as_str()))
        .unwrap_or_else(|| NewIdentifier::new(IdentifierKind::Uid, resident.id.to_string()));
    let mut new = NewUser { shadow_of: Some(resident.id), ..NewUser::new(UserStatus::Active) };
    new.identifiers.push(name);
    let image = users::insert(tx, state, principal, &pool, &new).await?;
    let association = UserAssociation {
        user_id: image.id,
        environment_id,
        organization_id,
        resident_user_id: resident.id,
        resident_organization_id: resident.organization_id,
        kind,
        created_at: image.created_at,
    };
    user_associations::insert(tx, &association)
        .await
        .map_err(Error::conflict_on(UserKind::NOUN, "organization"))?;
    join(tx, &association).await?;
    audit::created(tx, state, principal, &association).await?;
    Ok(association)
}

/// Makes the person of an image a member of its organization, unless they are one: its owner, who made it and where it has none.
async fn join(tx: &mut Transaction, association: &UserAssociation) -> Result<()> {
    let (environment_id, organization_id) = (association.environment_id, association.organization_id);
    let user_id = association.resident_user_id;
    memberships::lock_organization(tx, environment_id, organization_id).await?;
    if memberships::find(tx, environment_id, organization_id, user_id).await?.is_some() {
        return Ok(());
    }
    let tier = match association.kind {
        AssociationKind::Owner => match memberships::find_owner(tx, organization_id).await? {
            None => Tier::Owner,
            Some(_) => Tier::Admin,
        },
        AssociationKind::Invited | AssociationKind::Shared => Tier::Member,
    };
    let place = (environment_id, organization_id);
    let source = MembershipSource::from(association.kind);
    let membership = Membership::new(place, user_id, tier, source, association.created_at);
    Ok(memberships::insert(tx, &membership).await?)
}

/// The user whose image somebody is; themselves, where they are none.
pub async fn resident_of(conn: &mut Conn, user: &User) -> Result<User> {
    match user.shadow_of {
        None => Ok(user.clone()),
        Some(id) => resource::load(conn, user.environment_id, id).await,
    }
}

/// What WSO2 calls the user name: the name that somebody chose, else the address that they sign in with, else their number.
pub fn user_name(identifiers: &[UserIdentifier]) -> Option<&UserIdentifier> {
    [IdentifierKind::Uid, IdentifierKind::Email, IdentifierKind::Mobile]
        .iter()
        .find_map(|kind| identifiers.iter().find(|identifier| identifier.text.kind() == *kind))
}

/// As whom somebody acts in an organization: as themselves in their own, else as their image. `None`: they have no access to it.
pub async fn acting_in(
    conn: &mut Conn,
    user: &User,
    organization_id: OrganizationId,
) -> Result<Option<UserId>> {
    if user.organization_id == organization_id {
        return Ok(user.may_sign_in().then_some(user.id));
    }
    let found = user_associations::find(conn, user.environment_id, organization_id, user.id).await?;
    let Some(association) = found else { return Ok(None) };
    let image: Option<User> = table::find(conn, user.environment_id, association.user_id).await?;
    let membership = memberships::find(conn, user.environment_id, organization_id, user.id).await?;
    let is_member = membership.is_some_and(|membership| membership.is_active());
    let good =
        is_member && image.is_some_and(|image| image.status.is_active() && image.shadow_of == Some(user.id));
    Ok(good.then_some(association.user_id))
}

/// Whether a user, or somebody's image, is there and switched on, until the transaction ends: who removes it waits, and then ends what
/// this transaction made too.
pub async fn hold(tx: &mut Transaction, environment_id: EnvironmentId, id: UserId) -> Result<bool> {
    let found: Option<User> = table::find_for_update(tx, environment_id, id).await?;
    Ok(found.is_some_and(|user| user.status.is_active()))
}

/// Up to 100 images of a user, in the order of the organizations' ids, after one of these. The caller authorised it.
pub async fn of_resident(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: UserId,
    after: Option<OrganizationId>,
) -> Result<Vec<UserAssociation>> {
    Ok(user_associations::list_by_resident(conn, environment_id, id, after, MAX_LISTED).await?)
}

/// Somebody's image in an organization, with the name that it has there.
#[derive(Debug, Clone)]
pub struct Associated {
    /// The image.
    pub association: UserAssociation,
    /// The user name; may be empty.
    pub user_name: String,
}

/// Up to 100 images in an organization, the oldest first.
pub async fn of_organization(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
) -> Result<Vec<Associated>> {
    let environment_id = principal.authorize(Action::UsersView, On::Organization(organization_id))?;
    let mut conn = state.db.read().await?;
    let found =
        user_associations::list_by_organization(&mut conn, environment_id, organization_id, MAX_LISTED)
            .await?;
    let ids: Vec<UserId> = found.iter().map(|association| association.user_id).collect();
    let names = user_identifiers::list(&mut conn, &ids).await?;
    let named = |association: UserAssociation| {
        let name = names.get(&association.user_id).and_then(|all| user_name(all));
        let user_name = name.map(|name| name.text.as_str().to_owned()).unwrap_or_default();
        Associated { association, user_name }
    };
    Ok(found.into_iter().map(named).collect())
}

/// Takes somebody's image out of an organization: it goes with the roles that it has there, and the person's tokens that are good
/// there end.
pub async fn remove(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    image: UserId,
) -> Result<()> {
    let environment_id = principal.authorize(Action::UsersDelete, On::Organization(organization_id))?;
    let not_found = || Error::not_found(UserKind::NOUN, image);
    let pool_id = {
        let mut conn = state.db.read().await?;
        let found = user_associations::find_by_image(&mut conn, environment_id, image).await?;
        found.filter(|found| found.organization_id == organization_id).ok_or_else(not_found)?;
        let user: Option<User> = table::find(&mut conn, environment_id, image).await?;
        user.ok_or_else(not_found)?.pool_id
    };
    users::remove(state, principal, (pool_id, image), None).await
}
