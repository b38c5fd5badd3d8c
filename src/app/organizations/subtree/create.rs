//! New organizations right below the caller's.

use std::collections::BTreeMap;

use base::id::{EnvironmentId, OrganizationId, UserId};
use model::{
    organization::{Organization, root_id},
    organization_reference::Handle,
    user::{AssociationKind, User, UserStatus},
};

use super::Node;
use crate::{
    app::{
        Error, Result, State,
        accounts::associations,
        organizations::{
            fields,
            write::{self, NewOrganization, UniqueName},
        },
        permissions::Action,
        principal::{Principal, Subject},
    },
    store::{Transaction, table},
};

/// The field of the user who makes an organization, in errors.
pub const CREATOR: &str = "creator.id";

/// An organization to be made.
#[derive(Debug, Clone, Default)]
pub struct NewSubOrganization {
    /// Its name.
    pub name: String,
    /// Its handle; `None`: its id.
    pub handle: Option<Handle>,
    /// What is said of it.
    pub description: String,
    /// Free text by key.
    pub attributes: BTreeMap<String, String>,
    /// The user who has it made, where that is somebody else than the caller: of the caller's own organization.
    pub creator: Option<UserId>,
}

/// Makes an organization right below `own`, in which the caller acts. The user who has it made gets access to it, as its owner, in
/// the same transaction. [`Error::Conflict`] on `name` or `handle`; [`Error::Invalid`] on [`CREATOR`].
pub async fn create(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    new: &NewSubOrganization,
) -> Result<Node> {
    let environment_id = principal.environment()?;
    let within = principal.below(Action::OrganizationsManage, own)?;
    let parent = match own == root_id(environment_id) {
        true => String::new(),
        false => own.to_string(),
    };
    let place = NewOrganization {
        parent: Some(&parent),
        unique_name: UniqueName::Exact,
        ..NewOrganization::default()
    };
    let apply = |organization: &mut Organization| {
        organization.name = Some(fields::name(&new.name)?);
        organization.description = fields::description(&new.description)?;
        organization.attributes = fields::attributes(&new.attributes)?;
        organization.handle = match &new.handle {
            Some(handle) => Some(handle.clone()),
            None => Some(Handle::of_id(organization.id)),
        };
        Ok(())
    };
    let made = write::create_with(state, &within, &place, apply, async |tx, organization| {
        let Some(creator) = find_creator(tx, principal, (environment_id, own), new.creator).await? else {
            return Ok(());
        };
        let kind = AssociationKind::Owner;
        associations::create(tx, state, principal, &creator, organization.id, kind).await.map(drop)
    })
    .await?;
    Ok(Node::of(made, false))
}

/// The user who has an organization made: who is named, else the caller, where that is a user.
async fn find_creator(
    tx: &mut Transaction,
    principal: &Principal,
    (environment_id, own): (EnvironmentId, OrganizationId),
    named: Option<UserId>,
) -> Result<Option<User>> {
    let unknown =
        || Error::invalid(CREATOR, "must be the id of a user of the organization that makes the new one");
    match (named, principal.subject) {
        (Some(id), _) => {
            let found: Option<User> = table::find_for_update(tx, environment_id, id).await?;
            let is_there = |user: &User| user.organization_id == own && user.status != UserStatus::Deleted;
            found.filter(is_there).map(Some).ok_or_else(unknown)
        }
        (None, Subject::User(id)) => Ok(table::find_for_update(tx, environment_id, id).await?),
        (None, _) => Ok(None),
    }
}
