//! Roles v2 of WSO2's SCIM: `/scim2/v2/Roles`, at the root and in organizations.

mod audience;
mod body;
mod filter;
mod patch;
mod schema;
mod view;

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use base::id::RoleId;
use scim::{
    ListQuery, ListResponse, PatchRequest, Projection, Quoting, list_response::Position, query::Page,
};
use serde_json::Value;

use super::{
    call::Call,
    scim::{
        body::{Query, ScimBody},
        users::{list_query, pairs, projection},
    },
};
use crate::{
    app::{
        Error,
        roles::{self, Members, RoleOperation, VisibleRole},
    },
    http::scim::response::{ScimError, ScimResult, json},
};
use filter::Conditions;
pub(super) use view::audience_object;

/// How many roles a page has where nothing is said.
const DEFAULT_COUNT: u64 = 100;

/// How many roles a page has at most.
const MAX_COUNT: u64 = 1000;

/// Lists roles.
pub(super) async fn list(call: Call<Query>) -> ScimResult {
    if pairs(&call.request)?.iter().any(|(name, value)| is_sorting(name) && !value.is_empty()) {
        return Err(unsorted());
    }
    let query = list_query(&call.request)?;
    answer_list(&call, query).await
}

/// Lists roles, by a search request.
pub(super) async fn search(mut call: Call<ScimBody>) -> ScimResult {
    let body = std::mem::take(&mut call.body.0);
    let sorts = |(name, value): (&String, &Value)| is_sorting(name) && !value.is_null();
    if body.as_object().is_some_and(|fields| fields.iter().any(sorts)) {
        return Err(unsorted());
    }
    answer_list(&call, ListQuery::from_search_with(body, Quoting::Optional)?).await
}

fn is_sorting(name: &str) -> bool {
    ["sortBy", "sortOrder"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn unsorted() -> ScimError {
    scim::Error::NotImplemented("Sorting is not supported.".to_owned()).into()
}

async fn answer_list<B>(call: &Call<B>, query: ListQuery) -> ScimResult {
    let conditions = Conditions::read(query.filter.as_ref())?;
    let Page::Index { start, count } = query.page else {
        return Err(scim::Error::NotImplemented("roles are listed by startIndex and count".to_owned()).into());
    };
    let found = match conditions.to_filter(call) {
        Some(filter) => roles::list(&call.state, &call.principal, call.organization_id, &filter).await?,
        None => Vec::new(),
    };
    let matching: Vec<&VisibleRole> = found.iter().filter(|role| conditions.match_role(call, role)).collect();
    let count = count.unwrap_or(DEFAULT_COUNT).min(MAX_COUNT);
    let skipped = usize::try_from(start.saturating_sub(1)).unwrap_or(usize::MAX);
    let page = matching.iter().skip(skipped).take(usize::try_from(count).unwrap_or(usize::MAX));
    let shown = page.map(|role| query.projection.apply(view::list_item(call, role, &query.projection)));
    let resources: Vec<Value> = shown.collect();
    let response =
        ListResponse { total: Some(matching.len() as u64), resources, position: Position::Index(start) };
    Ok(json(&call.request, StatusCode::OK, &response.into_json()))
}

/// Creates a role.
pub(super) async fn create(mut call: Call<ScimBody>) -> ScimResult {
    let body = std::mem::take(&mut call.body.0);
    let (new, first) = body::read_new(&call, body)?;
    let (state, principal, own) = (&call.state, &call.principal, call.organization_id);
    let role = roles::create_for(state, principal, own, &new, &first).await.map_err(refused)?;
    let made = roles::find(state, principal, own, role.id).await?;
    answer(&call, StatusCode::CREATED, &made, None, &Projection::Default)
}

/// One role, with who has it.
pub(super) async fn find(call: Call<Query>) -> ScimResult {
    let projection = projection(&call.request)?;
    let role = roles::find(&call.state, &call.principal, call.organization_id, role_id(&call)?).await?;
    let with_members = projection.includes("users") || projection.includes("groups");
    let members = match with_members {
        true => Some(roles::members(&call.state, &call.principal, &role).await?),
        false => None,
    };
    answer(&call, StatusCode::OK, &role, members.as_ref(), &projection)
}

/// Makes a role what the body says: its name, what it permits, and who has it.
pub(super) async fn replace(mut call: Call<ScimBody>) -> ScimResult {
    let id = role_id(&call)?;
    let body = std::mem::take(&mut call.body.0);
    let role = roles::find(&call.state, &call.principal, call.organization_id, id).await?;
    let operations = body::read_replacement(&call, &role, body)?;
    change(&call, id, &operations).await
}

/// Changes a role.
pub(super) async fn patch(mut call: Call<ScimBody>) -> ScimResult {
    let id = role_id(&call)?;
    let body = std::mem::take(&mut call.body.0);
    let operations = match patch::read(PatchRequest::parse_with(body, Quoting::Optional)) {
        Ok(operations) => operations,
        Err(error) => {
            // Whether there is such a role is said first.
            roles::find(&call.state, &call.principal, call.organization_id, id).await?;
            return Err(error.into());
        }
    };
    change(&call, id, &operations).await
}

/// Changes a role, and answers it without who has it.
async fn change(call: &Call<ScimBody>, id: RoleId, operations: &[RoleOperation]) -> ScimResult {
    let (state, principal) = (&call.state, &call.principal);
    let role =
        roles::apply(state, principal, call.organization_id, id, None, operations).await.map_err(refused)?;
    answer(call, StatusCode::OK, &role, None, &projection(&call.request)?)
}

/// Deletes a role.
pub(super) async fn remove(call: Call<Query>) -> ScimResult {
    let id = role_id(&call)?;
    roles::remove(&call.state, &call.principal, call.organization_id, id).await.map_err(refused)?;
    Ok(HttpResponse::NoContent().finish())
}

/// The role that the path names. What is no id names none.
fn role_id<B>(call: &Call<B>) -> Result<RoleId, ScimError> {
    let text = call.path("id");
    let unknown = |_| scim::Error::NotFound(format!("role not found: {}", base::bounded_json::quoted(text)));
    Ok(text.parse().map_err(unknown)?)
}

/// What goes wrong in a use case, in its own words: a field has another name on the wire. WSO2 answers 400 where something else must
/// be done first.
fn refused(error: Error) -> ScimError {
    match error {
        Error::Invalid { reason, .. } | Error::FailedPrecondition(reason) => {
            scim::Error::InvalidValue(reason.into_owned()).into()
        }
        error => error.into(),
    }
}

fn answer<B>(
    call: &Call<B>,
    status: StatusCode,
    role: &VisibleRole,
    members: Option<&Members>,
    projection: &Projection,
) -> ScimResult {
    let body = projection.apply(view::role(call, role, members));
    let mut response = json(&call.request, status, &body);
    let location = view::location(call, role);
    if let Ok(location) = header::HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
