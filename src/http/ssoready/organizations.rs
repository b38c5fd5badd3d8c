//! `/v1/organizations`.

use actix_web::{HttpRequest, HttpResponse, web};
use base::id::OrganizationId;
use model::organization::Organization;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::Fields,
    reply::{ApiResult, api, done, page_query, query, versioned},
    schema::{Done, IfMatch, PageParams},
};
use crate::{
    app::{
        self, State,
        organizations::{self, OrganizationChange, OrganizationObject, reference},
        principal::Principal,
        resource,
    },
    links::path,
};

/// One organization.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationReply {
    organization: OrganizationObject,
}

/// One page of the organizations.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationsReply {
    organizations: Vec<OrganizationObject>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

async fn reply(state: &State, principal: &Principal, organization: &Organization) -> ApiResult {
    let view = organizations::object(state, principal, organization).await.map_err(api)?;
    Ok(versioned(organization.version, OrganizationReply { organization: view }))
}

/// List organizations
///
/// All of them, in the order of creation; with `query`, those that match, newest first.
#[utoipa::path(
    get,
    path = path::ORGANIZATIONS,
    operation_id = "listOrganizations",
    tag = "Organizations",
    params(
        (
            "query" = Option<String>, Query,
            description = "Searches for the beginning of a word of the name, a domain, an external id or an id."
        ),
        PageParams
    ),
    responses((status = 200, body = OrganizationsReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let page = page_query(&query);
    let page = match query.text("query") {
        Some(text) => app::organizations::search(&state, &call.principal, &text, &page).await,
        None => organizations::list(&state, &call.principal, &page).await,
    }
    .map_err(api)?;
    Ok(HttpResponse::Ok().json(OrganizationsReply {
        organizations: organizations::objects(&state, &call.principal, &page.items).await.map_err(api)?,
        next_page_token: page.next_token,
    }))
}

/// Create an organization
#[utoipa::path(
    post,
    path = path::ORGANIZATIONS,
    operation_id = "createOrganization",
    tag = "Organizations",
    request_body = OrganizationChange,
    responses((status = 200, body = OrganizationReply))
)]
pub async fn create(state: web::Data<State>, mut call: ApiCall<ManagementKey, Fields>) -> ApiResult {
    let change = call.body.change().map_err(api)?;
    let made = app::organizations::create(&state, &call.principal, &change).await.map_err(api)?;
    reply(&state, &call.principal, &made).await
}

/// Get an organization
#[utoipa::path(
    get,
    path = path::ORGANIZATION,
    operation_id = "getOrganization",
    tag = "Organizations",
    params(("id" = OrganizationId, Path)),
    responses((status = 200, body = OrganizationReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = reference::resolve(&state, &call.principal, "id", &path).await.map_err(api)?;
    let found = resource::find(&state, &call.principal, id).await.map_err(api)?;
    reply(&state, &call.principal, &found).await
}

/// Change an organization
///
/// Sets the fields that are sent and leaves the others; `""`, `[]` and `null` clear.
#[utoipa::path(
    patch,
    path = path::ORGANIZATION,
    operation_id = "updateOrganization",
    tag = "Organizations",
    params(("id" = OrganizationId, Path), IfMatch),
    request_body = OrganizationChange,
    responses((status = 200, body = OrganizationReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = reference::resolve(&state, &call.principal, "id", &path).await.map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let expected = call.if_match.as_ref();
    let changed = app::organizations::update(&state, &call.principal, id, expected, &change).await;
    reply(&state, &call.principal, &changed.map_err(api)?).await
}

/// Delete an organization
///
/// Deletes its domains, connections and directories too; its logins stay as history.
#[utoipa::path(
    delete,
    path = path::ORGANIZATION,
    operation_id = "deleteOrganization",
    tag = "Organizations",
    params(("id" = OrganizationId, Path), IfMatch),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = reference::resolve(&state, &call.principal, "id", &path).await.map_err(api)?;
    let removed = resource::remove::<Organization>(&state, &call.principal, id, call.if_match.as_ref());
    removed.await.map_err(api)?;
    Ok(done())
}
