//! Changes of organizations below the caller's, and their removal.

use std::collections::BTreeMap;

use base::id::OrganizationId;
use model::organization::{Organization, OrganizationStatus, Wso2Version, root_id};

use super::{Node, find, node};
use crate::app::{
    Result, State,
    organizations::{
        error::OrganizationError,
        fields,
        write::{self, ChangeRules, UniqueName},
    },
    permissions::Action,
    principal::Principal,
    resource,
};

/// A change of one setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another name.
    Name(String),
    /// Another description.
    Description(String),
    /// Switched off or on.
    Disabled(bool),
    /// Another version.
    Version(Wso2Version),
    /// Another set of attributes.
    Attributes(BTreeMap<String, String>),
    /// An attribute, which may be there.
    AddAttribute(String, String),
    /// Another value of an attribute that is there.
    ReplaceAttribute(String, String),
    /// An attribute less.
    RemoveAttribute(String),
}

impl Change {
    fn apply(&self, organization: &mut Organization) -> Result<()> {
        match self {
            Self::Name(name) => organization.name = Some(fields::name(name)?),
            Self::Description(text) => organization.description = fields::description(text)?,
            Self::Disabled(disabled) => organization.status = OrganizationStatus::disabled(*disabled),
            Self::Version(version) => organization.wso2_version = *version,
            Self::Attributes(attributes) => organization.attributes = fields::attributes(attributes)?,
            Self::AddAttribute(key, value) => set(organization, key, value)?,
            Self::ReplaceAttribute(key, value) => {
                require(organization, key, false)?;
                set(organization, key, value)?;
            }
            Self::RemoveAttribute(key) => {
                require(organization, key, true)?;
                organization.attributes.remove(key);
            }
        }
        Ok(())
    }
}

fn set(organization: &mut Organization, key: &str, value: &str) -> Result<()> {
    let mut attributes = organization.attributes.clone();
    attributes.insert(key.to_owned(), value.to_owned());
    organization.attributes = fields::attributes(&attributes)?;
    Ok(())
}

fn require(organization: &Organization, key: &str, removed: bool) -> Result<()> {
    match organization.attributes.contains_key(key) {
        true => Ok(()),
        false => Err(OrganizationError::NoSuchAttribute { key: key.to_owned(), removed }.into()),
    }
}

/// Changes an organization below `own`, in which the caller acts.
pub async fn change(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    id: OrganizationId,
    changes: &[Change],
) -> Result<Node> {
    require_below(state, principal, own, id).await?;
    update(state, principal, own, id, changes, Some(own)).await
}

/// Changes the organization in which the caller acts.
pub async fn change_own(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    changes: &[Change],
) -> Result<Node> {
    if own == root_id(principal.environment()?) {
        return Err(OrganizationError::IsRoot.into());
    }
    update(state, principal, own, own, changes, None).await
}

async fn update(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    id: OrganizationId,
    changes: &[Change],
    below: Option<OrganizationId>,
) -> Result<Node> {
    let within = principal.below(Action::OrganizationsManage, own)?;
    let rules =
        ChangeRules { parent: None, shares: false, in_tree: true, unique_name: UniqueName::Exact, below };
    let changed = write::update(state, &within, id, None, &rules, |organization| {
        changes.iter().try_for_each(|change| change.apply(organization))
    })
    .await?;
    node(&mut state.db.read().await?, changed).await
}

/// Removes an organization below `own`, in which the caller acts. [`OrganizationError::HasChildren`]: there are others below it.
pub async fn remove(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    id: OrganizationId,
) -> Result<()> {
    require_below(state, principal, own, id).await?;
    let within = principal.below(Action::OrganizationsManage, own)?;
    resource::remove::<Organization>(state, &within, id, None).await
}

async fn require_below(
    state: &State,
    principal: &Principal,
    own: OrganizationId,
    id: OrganizationId,
) -> Result<()> {
    find(state, principal, own, id).await?;
    match id == own {
        false => Ok(()),
        true if id == root_id(principal.environment()?) => Err(OrganizationError::IsRoot.into()),
        true => Err(OrganizationError::NotBelow.into()),
    }
}
