//! The organizations with which an application is shared.

use base::id::{OrganizationId, OrganizationKind};
use model::application::{Application, RoleSharing};

use crate::{
    app::{
        Result, State,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
    },
    store::application_shares,
};

pub use crate::store::application_shares::{Excluded, SharedOrganization};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The organization.
    pub organization: SharedOrganization,
    /// The roles that are shared along, where the application was shared with it and all below it.
    pub selected_with_children: Option<RoleSharing>,
}

/// How many organizations that do not have an application are shown.
const MAX_EXCLUDED: i64 = 200;

/// The organizations that an application was taken from, though it is shared with all or with those above them: up to 200.
pub async fn excluded(
    state: &State,
    principal: &Principal,
    application: &Application,
) -> Result<Vec<Excluded>> {
    principal.authorize(Action::ApplicationsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    Ok(application_shares::list_excluded(&mut conn, application.id, MAX_EXCLUDED).await?)
}

/// One page of them, in order of creation.
pub async fn page(
    state: &State,
    principal: &Principal,
    application: &Application,
    query: &PageQuery,
) -> Result<Page<Shown>> {
    let list_name = List::of(application.environment_id, format!("shared_with/{}", application.id));
    let wanted: PageRequest<OrganizationKind> = PageRequest::parse(state, &list_name, query)?;
    let found = list(state, principal, application, None, wanted.from, wanted.limit()).await?;
    Ok(wanted.page_of(state, &list_name, found, |shown| shown.organization.id))
}

/// Up to `limit` of them from one on, in order of creation; right below `below`, if that is given.
pub async fn list(
    state: &State,
    principal: &Principal,
    application: &Application,
    below: Option<OrganizationId>,
    from: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Shown>> {
    principal.authorize(Action::ApplicationsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    let found = application_shares::list_organizations(&mut conn, application, below, from, limit).await?;
    let ids: Vec<OrganizationId> = found.iter().map(|organization| organization.id).collect();
    let mut own = application_shares::list_of(&mut conn, application.id, &ids).await?;
    let shown = found.into_iter().map(|organization| {
        let share = own.remove(&organization.id).filter(|share| share.shared && share.with_children);
        Shown { organization, selected_with_children: share.map(|share| share.roles) }
    });
    Ok(shown.collect())
}
