//! `/v1/scim-directories`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use base::{
    id::{OrganizationId, ScimDirectoryId},
    time::Timestamp,
};
use model::{idp_kind::IdpKind, scim_directory};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id, required_id},
    reply::{ApiResult, api, done, page_query, query, versioned},
    schema::{Done, PageParams},
};
use crate::{
    app::{
        self, State,
        directories::{DEFAULT_OVERLAP, ScimDirectoryChange, ScimDirectoryView},
        resource,
    },
    links::path,
};

/// Where an organization's identity provider provisions users and groups.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectory {
    id: ScimDirectoryId,
    organization_id: OrganizationId,
    /// Whether calls that name only the organization use it.
    primary: bool,
    /// The base URL for the identity provider ("Tenant URL"); it never changes.
    scim_base_url: String,
    /// Whether it has a valid bearer token.
    has_client_bearer_token: bool,
    /// Whether users may have secondary e-mail addresses at other domains.
    allow_foreign_secondary_emails: bool,
    /// Whether SAML logins of users who are inactive or deleted in it are refused.
    refuse_inactive_logins: bool,
    /// Whether only users who are active in a directory may sign in.
    require_provisioned_logins: bool,
    /// The identity provider's product; `null` if unknown.
    idp_kind: Option<IdpKind>,
    /// The valid ones, newest first.
    bearer_tokens: Vec<BearerToken>,
    /// Its usage, which is limited by quotas (settings `scim.directory_…`).
    usage: ScimDirectoryUsage,
}

/// The usage of a directory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectoryUsage {
    /// Users that are not deleted.
    #[schema(example = 1204)]
    users: i64,
    /// Groups that are not deleted.
    #[schema(example = 87)]
    groups: i64,
    /// Bytes of users, groups (deleted ones too) and memberships.
    #[schema(example = 2411724)]
    stored_bytes: i64,
    /// Bytes written by changes today (UTC), including their events.
    #[schema(example = 61440)]
    day_bytes: i64,
}

/// A bearer token of a directory, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BearerToken {
    created_at: Timestamp,
    /// `null` until it is replaced by a newer one.
    expires_at: Option<Timestamp>,
    /// Accurate to a minute; `null` for never.
    last_used_at: Option<Timestamp>,
}

impl From<&ScimDirectoryView> for ScimDirectory {
    fn from(described: &ScimDirectoryView) -> Self {
        let directory = &described.directory;
        Self {
            id: directory.id,
            organization_id: directory.organization_id,
            primary: directory.primary,
            scim_base_url: directory.scim_base_url.clone(),
            has_client_bearer_token: !described.tokens.is_empty(),
            allow_foreign_secondary_emails: directory.allow_foreign_secondary_emails,
            refuse_inactive_logins: directory.refuse_inactive_logins,
            require_provisioned_logins: directory.require_provisioned_logins,
            idp_kind: directory.idp_kind,
            usage: ScimDirectoryUsage {
                users: described.usage.user_count,
                groups: described.usage.group_count,
                stored_bytes: described.usage.stored_bytes,
                day_bytes: described.usage.day_bytes,
            },
            bearer_tokens: described
                .tokens
                .iter()
                .map(|token| BearerToken {
                    created_at: token.created_at,
                    expires_at: token.expires_at,
                    last_used_at: token.last_used_at,
                })
                .collect(),
        }
    }
}

/// One directory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectoryReply {
    scim_directory: ScimDirectory,
}

/// One page of an organization's directories.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectoriesReply {
    scim_directories: Vec<ScimDirectory>,
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
        required_id("organization_id", query.text("organizationId").as_deref()).map_err(api)?;
    let page =
        app::directories::list(&state, &call.actor, organization, &page_query(&query)).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(ScimDirectoriesReply {
        scim_directories: page.items.iter().map(ScimDirectory::from).collect(),
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
    let organization = required_id("organization_id", organization.as_deref()).map_err(api)?;
    let change = call.body.change().map_err(api)?;
    Ok(reply(&app::directories::create(&state, &call.actor, organization, &change).await.map_err(api)?))
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
    Ok(reply(&app::directories::find(&state, &call.actor, id).await.map_err(api)?))
}

/// Change a directory
///
/// Sets the fields that are sent and leaves the others. Its organization cannot be changed.
#[utoipa::path(
    patch,
    path = path::SCIM_DIRECTORY,
    operation_id = "updateScimDirectory",
    tag = "SCIM directories",
    params(("id" = ScimDirectoryId, Path)),
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
    let changed = app::directories::update(&state, &call.actor, id, call.if_match.as_ref(), &change).await;
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
    params(("id" = ScimDirectoryId, Path)),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let if_match = call.if_match.as_ref();
    resource::remove::<scim_directory::ScimDirectory>(&state, &call.actor, id, if_match)
        .await
        .map_err(api)?;
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
    params(("id" = ScimDirectoryId, Path)),
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
    let rotated = app::directories::rotate(&state, &call.actor, id, call.if_match.as_ref(), overlap).await;
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
    params(("id" = ScimDirectoryId, Path)),
    responses((status = 200, body = ScimDirectoryReply))
)]
pub async fn end_overlap(
    state: web::Data<State>,
    call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let ended = app::directories::end_overlap(&state, &call.actor, id, call.if_match.as_ref()).await;
    Ok(reply(&ended.map_err(api)?))
}
