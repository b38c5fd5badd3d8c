//! `/v1/scim-directories`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use base::id::{OrganizationId, ScimDirectoryId};
use model::scim_directory::ScimDirectory;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id},
    reply::{ApiResult, api, done, organization_id, page_query, query, versioned},
    schema::{Done, IfMatch, PageParams},
};
use crate::{
    app::{
        self, State,
        directories::{DEFAULT_OVERLAP, ScimDirectoryChange, ScimDirectoryObject, ScimDirectoryView},
        resource,
    },
    links::path,
};

/// One directory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectoryReply {
    scim_directory: ScimDirectoryObject,
}

/// One page of an organization's directories.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectoriesReply {
    scim_directories: Vec<ScimDirectoryObject>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

/// A new bearer token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BearerTokenReply {
    /// The token; it is returned only once.
    #[schema(example = "ssoready_scim_bearer_token_12vqjrnxk9xeov6o4f05pan0g")]
    bearer_token: String,
}

fn reply(directory: &ScimDirectoryView) -> HttpResponse {
    versioned(directory.directory.version, ScimDirectoryReply { scim_directory: directory.into() })
}

/// A directory to create.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewScimDirectory {
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// Settings, which can also be set later.
    #[serde(flatten)]
    pub settings: ScimDirectoryChange,
}

/// How to replace the token.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RotateBearerToken {
    /// For how long the previous tokens stay valid: one day by default, 30 days at most.
    #[schema(minimum = 0, maximum = 2592000, default = 86400)]
    pub overlap_seconds: Option<u64>,
}

/// List an organization's directories
#[utoipa::path(
    get,
    path = path::SCIM_DIRECTORIES,
    operation_id = "listScimDirectories",
    tag = "SCIM directories",
    params(("organizationId" = OrganizationId, Query), PageParams),
    responses((status = 200, body = ScimDirectoriesReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let organization =
        organization_id(&state, &call.principal, query.text("organizationId")).await.map_err(api)?;
    let page = app::directories::list(&state, &call.principal, organization, &page_query(&query))
        .await
        .map_err(api)?;
    Ok(HttpResponse::Ok().json(ScimDirectoriesReply {
        scim_directories: page.items.iter().map(ScimDirectoryObject::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Create a directory
///
/// It has no bearer token yet: rotate it to create one.
#[utoipa::path(
    post,
    path = path::SCIM_DIRECTORIES,
    operation_id = "createScimDirectory",
    tag = "SCIM directories",
    request_body = NewScimDirectory,
    responses((status = 200, body = ScimDirectoryReply))
)]
pub async fn create(state: web::Data<State>, mut call: ApiCall<ManagementKey, Fields>) -> ApiResult {
    let organization = call.body.text("organizationId").map_err(api)?;
    let organization = organization_id(&state, &call.principal, organization).await.map_err(api)?;
    let change = call.body.change().map_err(api)?;
    Ok(reply(&app::directories::create(&state, &call.principal, organization, &change).await.map_err(api)?))
}

/// Get a directory
#[utoipa::path(
    get,
    path = path::SCIM_DIRECTORY,
    operation_id = "getScimDirectory",
    tag = "SCIM directories",
    params(("id" = ScimDirectoryId, Path)),
    responses((status = 200, body = ScimDirectoryReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&app::directories::find(&state, &call.principal, id).await.map_err(api)?))
}

/// Change a directory
///
/// Sets the fields that are sent and leaves the others. Its organization cannot be changed.
#[utoipa::path(
    patch,
    path = path::SCIM_DIRECTORY,
    operation_id = "updateScimDirectory",
    tag = "SCIM directories",
    params(("id" = ScimDirectoryId, Path), IfMatch),
    request_body = ScimDirectoryChange,
    responses((status = 200, body = ScimDirectoryReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let changed =
        app::directories::update(&state, &call.principal, id, call.if_match.as_ref(), &change).await;
    Ok(reply(&changed.map_err(api)?))
}

/// Delete a directory
///
/// Deletes its users, groups and tokens too.
#[utoipa::path(
    delete,
    path = path::SCIM_DIRECTORY,
    operation_id = "deleteScimDirectory",
    tag = "SCIM directories",
    params(("id" = ScimDirectoryId, Path), IfMatch),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let if_match = call.if_match.as_ref();
    resource::remove::<ScimDirectory>(&state, &call.principal, id, if_match).await.map_err(api)?;
    Ok(done())
}

/// Rotate a directory's bearer token
///
/// Creates a new token, which is returned only once. The previous ones stay valid for `overlapSeconds`, so that the
/// customer has time to enter the new one. (SSOReady revokes them at once: `overlapSeconds: 0`.)
#[utoipa::path(
    post,
    path = path::SCIM_DIRECTORY_ROTATE,
    operation_id = "rotateScimDirectoryBearerToken",
    tag = "SCIM directories",
    params(("id" = ScimDirectoryId, Path), IfMatch),
    request_body = Option<RotateBearerToken>,
    responses((status = 200, body = BearerTokenReply))
)]
pub async fn rotate(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let overlap =
        call.body.number("overlapSeconds").map_err(api)?.map_or(DEFAULT_OVERLAP, Duration::from_secs);
    let rotated =
        app::directories::rotate(&state, &call.principal, id, call.if_match.as_ref(), overlap).await;
    let token = rotated.map_err(api)?;
    Ok(HttpResponse::Ok().json(BearerTokenReply { bearer_token: token.reveal() }))
}

/// End the overlap of bearer tokens
///
/// Only the newest token stays valid.
#[utoipa::path(
    post,
    path = path::SCIM_DIRECTORY_END_OVERLAP,
    operation_id = "endScimDirectoryBearerTokenOverlap",
    tag = "SCIM directories",
    params(("id" = ScimDirectoryId, Path), IfMatch),
    responses((status = 200, body = ScimDirectoryReply))
)]
pub async fn end_overlap(
    state: web::Data<State>,
    call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let ended = app::directories::end_overlap(&state, &call.principal, id, call.if_match.as_ref()).await;
    Ok(reply(&ended.map_err(api)?))
}
