//! Organizations in the order of their names, as people look through them: templates, those below another one, and those to
//! choose a parent from.

use base::id::{EnvironmentId, OrganizationId};
use model::{
    organization::{Organization, name_key},
    organization_reference::OrganizationRef,
};

use crate::{
    app::{
        Error, Result, State, input,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
    },
    store::{
        self, Conn,
        organization_lists::{self, Place, Query, Sort},
        organization_tree, table,
    },
};

/// How many organizations are offered to choose from.
const MAX_CHOICES: i64 = 50;

/// One page of the environment's templates.
pub async fn list_templates(
    state: &State,
    principal: &Principal,
    query: &PageQuery,
) -> Result<Page<Organization>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let list = List::of(environment_id, "templates/name");
    let wanted = by_name(environment_id, None, Some(true));
    page(state, &list, wanted, query).await
}

/// One page of the organizations right below another one.
pub async fn list_children(
    state: &State,
    principal: &Principal,
    id: OrganizationId,
    query: &PageQuery,
) -> Result<Page<Organization>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let list = List::of(environment_id, format_args!("organizations/{id}/name"));
    page(state, &list, by_name(environment_id, Some(id), None), query).await
}

/// How many organizations are right below another one.
pub async fn count_children(state: &State, principal: &Principal, id: OrganizationId) -> Result<i64> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    let counted = organization_tree::count_children(&mut conn, environment_id, &[id]).await?;
    Ok(counted.first().map_or(0, |(_, number)| *number))
}

/// The organizations of the environment that are no templates; `None`: there are too many to choose from a list.
pub async fn list_choices(state: &State, principal: &Principal) -> Result<Option<Vec<Organization>>> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let wanted = Query { limit: MAX_CHOICES + 1, ..by_name(environment_id, None, Some(false)) };
    let found = organization_lists::list(&mut state.db.read().await?, &wanted).await?;
    let fits = i64::try_from(found.len()).is_ok_and(|number| number <= MAX_CHOICES);
    Ok(fits.then_some(found))
}

/// The organization that a person names: by its id in any encoding or its alias, else by its name, whatever its case.
/// [`Error::Invalid`] names `field`: there is none, or there are several.
pub async fn find_named(
    state: &State,
    principal: &Principal,
    field: &'static str,
    text: &str,
) -> Result<OrganizationId> {
    let environment_id = principal.authorize(Action::OrganizationsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    if let Some(found) = find_by_id(&mut conn, environment_id, text).await? {
        return Ok(found.id);
    }
    let key = name_key(text);
    let named = match key.is_empty() || key.contains('\0') {
        true => Vec::new(),
        false => store::organizations::list_by_name(&mut conn, environment_id, &key, 2).await?,
    };
    let quoted = input::quoted(text);
    match named.as_slice() {
        [one] => Ok(*one),
        [] => {
            let reason = format!("no organization of this environment has the name or ID {quoted}");
            Err(Error::invalid(field, reason))
        }
        _ => {
            let reason =
                format!("several organizations have the name {quoted}: enter the ID of the one you mean");
            Err(Error::invalid(field, reason))
        }
    }
}

async fn find_by_id(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    text: &str,
) -> Result<Option<Organization>> {
    let Ok(reference) = OrganizationRef::parse(text) else { return Ok(None) };
    match store::organizations::resolve(conn, environment_id, &reference).await? {
        Some(id) => Ok(table::find(conn, environment_id, id).await?),
        None => Ok(None),
    }
}

fn by_name(
    environment_id: EnvironmentId,
    parent_id: Option<OrganizationId>,
    template: Option<bool>,
) -> Query<'static> {
    Query {
        environment_id,
        parent_id,
        template,
        search: None,
        sort: Sort::Name,
        descending: false,
        place: Place::First,
        limit: 1,
    }
}

async fn page(
    state: &State,
    list: &List,
    wanted: Query<'_>,
    query: &PageQuery,
) -> Result<Page<Organization>> {
    let request = PageRequest::parse(state, list, query)?;
    let mut conn = state.db.read().await?;
    let from: Option<Organization> = match request.from {
        Some(id) => table::find(&mut conn, wanted.environment_id, id).await?,
        None => None,
    };
    // One that is gone in the meantime leads to the first page.
    let place = from.as_ref().map_or(Place::First, Place::From);
    let wanted = Query { place, limit: request.limit(), ..wanted };
    let found = organization_lists::list(&mut conn, &wanted).await?;
    Ok(request.page_of(state, list, found, |organization| organization.id))
}
