//! The applications that there are in an organization: its own, and those of the vendor that are shared with it, each with an id
//! of its own there.

use base::id::{ApplicationId, ApplicationKind, EnvironmentId, IdKind as _, OrganizationId};
use model::{application::Application, organization::root_id};

use super::sharing;
use crate::{
    app::{
        Error, Result, State,
        permissions::Action,
        principal::{On, Principal},
    },
    store::{Conn, application_lists, application_lists::Condition, table},
};

/// An application as it is in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleApplication {
    /// Its id there.
    pub id: ApplicationId,
    /// Whether it is the vendor's, and shared with the organization, which cannot change it.
    pub is_fragment: bool,
    /// The application itself.
    pub application: Application,
}

/// A page of a list, and how long the list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The page.
    pub items: Vec<VisibleApplication>,
    /// How many there are in all.
    pub total: i64,
}

/// The applications of an organization, the newest first. At the root those of the vendor.
pub async fn list(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    condition: Option<&Condition>,
    offset: i64,
    limit: i64,
) -> Result<Found> {
    let environment_id = principal.authorize(Action::ApplicationsView, On::Organization(organization_id))?;
    let mut conn = state.db.read().await?;
    let total = application_lists::count(&mut conn, environment_id, organization_id, condition).await?;
    let found =
        application_lists::list(&mut conn, environment_id, organization_id, condition, offset, limit).await?;
    let items = found.into_iter().map(|application| show(environment_id, organization_id, application));
    Ok(Found { items: items.collect::<Result<_>>()?, total })
}

/// The application that has this id in an organization.
pub async fn find(
    state: &State,
    principal: &Principal,
    organization_id: OrganizationId,
    id: ApplicationId,
) -> Result<VisibleApplication> {
    let environment_id = principal.authorize(Action::ApplicationsView, On::Organization(organization_id))?;
    let mut conn = state.db.read().await?;
    let found = find_in(&mut conn, environment_id, organization_id, id).await?;
    found.ok_or_else(|| Error::not_found(ApplicationKind::NOUN, id))
}

async fn find_in(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    id: ApplicationId,
) -> Result<Option<VisibleApplication>> {
    let owner = Some(organization_id).filter(|id| *id != root_id(environment_id));
    let own: Option<Application> = table::find(conn, environment_id, id).await?;
    let own = own.filter(|found| found.organization_id == owner && !found.is_of_system());
    if let Some(application) = own {
        return Ok(Some(VisibleApplication { id, is_fragment: false, application }));
    }
    if owner.is_none() {
        return Ok(None);
    }
    let original = sharing::original_id(organization_id, id)?;
    let found: Option<Application> = table::find(conn, environment_id, original).await?;
    let Some(application) = found else { return Ok(None) };
    let is_there = sharing::is_shared(conn, &application, organization_id).await?;
    Ok(is_there.then_some(VisibleApplication { id, is_fragment: true, application }))
}

fn show(
    environment_id: EnvironmentId,
    organization_id: OrganizationId,
    application: Application,
) -> Result<VisibleApplication> {
    let is_fragment = organization_id != root_id(environment_id) && application.organization_id.is_none();
    let id = match is_fragment {
        true => sharing::fragment_id(organization_id, application.id)?,
        false => application.id,
    };
    Ok(VisibleApplication { id, is_fragment, application })
}
