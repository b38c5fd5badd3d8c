//! Templates: organizations from which others are made. Making one copies settings, and links nothing: later changes of the
//! template do not reach the organizations that were made from it.

use base::id::{EnvironmentId, OrganizationId};
use model::{
    organization::{AppliedTemplate, Organization},
    organization_reference::OrganizationRef,
};

use super::error::OrganizationError;
use crate::{
    app::{
        Error, Result, State, input,
        permissions::Action,
        principal::{On, Principal},
        resource,
    },
    store::{self, Transaction, table},
};

/// How many templates are listed to choose from.
const MAX_LISTED: i64 = 200;

/// The templates of the environment to choose from, by name.
pub async fn list(state: &State, principal: &Principal) -> Result<Vec<Organization>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    Ok(store::organizations::list_templates(&mut conn, environment_id, MAX_LISTED).await?)
}

/// The template that a caller names, locked: by its id in any encoding or its alias, else by its exact name.
pub(super) async fn find(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    reference: &str,
) -> Result<Organization> {
    if let Some(found) = find_by_id(tx, environment_id, reference).await? {
        return match found.template {
            true => Ok(found),
            false => Err(OrganizationError::NotATemplate(input::quoted(reference)).into()),
        };
    }
    let named = match reference.contains('\0') {
        false => store::organizations::find_template(tx, environment_id, reference).await?,
        true => None,
    };
    match named {
        Some(named) => Ok(table::find_for_update(tx, environment_id, named.id).await?.unwrap_or(named)),
        None => Err(Error::not_found("template", input::quoted(reference))),
    }
}

async fn find_by_id(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    text: &str,
) -> Result<Option<Organization>> {
    let Ok(reference) = OrganizationRef::parse(text) else { return Ok(None) };
    match store::organizations::resolve(tx, environment_id, &reference).await? {
        Some(id) => Ok(table::find_for_update(tx, environment_id, id).await?),
        None => Ok(None),
    }
}

/// The template with this id, locked; `None`: it is gone, or no template any more.
pub(super) async fn find_default(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: OrganizationId,
) -> Result<Option<Organization>> {
    let found: Option<Organization> = table::find_for_update(tx, environment_id, id).await?;
    Ok(found.filter(|found| found.template))
}

/// Gives a new organization the settings of a template. Never its domains, its metadata, or that it is a template.
pub(super) fn apply(organization: &mut Organization, template: &Organization) {
    organization.authentication_mechanisms = template.authentication_mechanisms.clone();
    organization.metadata_schema = template.metadata_schema.clone();
    organization.color = template.color.clone();
    organization.attributes = template.attributes.clone();
    let at = organization.created_at;
    organization.applied_template = Some(AppliedTemplate { id: template.id, at });
}

/// Locks an organization that is to get `what`, so that changes within it are serialised until the transaction ends.
/// Templates get none.
pub(in crate::app) async fn lock_unless_template(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: OrganizationId,
    what: &'static str,
) -> Result<()> {
    resource::lock::<Organization>(tx, environment_id, id).await?;
    let organization: Organization = resource::load(tx, environment_id, id).await?;
    refuse(&organization, what)
}

/// Refuses to give `what` to a template.
pub(in crate::app) fn refuse(organization: &Organization, what: &'static str) -> Result<()> {
    match organization.template {
        true => Err(OrganizationError::IsTemplate(what).into()),
        false => Ok(()),
    }
}
