//! `/v1/scim-directories`.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Answer, api, done,
    fields::{Fields, id, required_id},
    page_query, query,
    schema::{Done, PageParams},
};
use crate::{
    app::{
        self, State,
        scim_directories::{DescribedDirectory, OVERLAP, ScimDirectoryChange},
    },
    http::extract::{Call, ManagementKey},
    links::path,
    model::{
        id::{OrganizationId, ScimDirectoryId},
        idp_kind::IdpKind,
        time::Timestamp,
    },
};

/// Where one organization's identity provider pushes people and groups.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectory {
    id: ScimDirectoryId,
    organization_id: OrganizationId,
    /// Whether it is the one that is meant when its organization is named.
    primary: bool,
    /// What the identity provider is told ("Tenant URL"): made with the directory, never moves.
    scim_base_url: String,
    /// Whether it has a bearer token that works.
    has_client_bearer_token: bool,
    /// Whether people may have secondary addresses of other domains.
    allow_foreign_secondary_emails: bool,
    /// Whether people whom it knows as inactive or deleted do not sign in by SAML.
    refuse_inactive_logins: bool,
    /// Whether only people whom a directory knows as active sign in.
    require_provisioned_logins: bool,
    /// `okta`, `entra` …; `null`: unknown.
    idp_kind: Option<IdpKind>,
    /// Those that work now, the newest first.
    bearer_tokens: Vec<BearerToken>,
    /// What it takes up. There are quotas of it (settings `scim.directory_…`).
    usage: ScimDirectoryUsage,
}

/// What a directory takes up.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScimDirectoryUsage {
    /// Living users.
    #[schema(example = 1204)]
    users: i64,
    /// Living groups.
    #[schema(example = 87)]
    groups: i64,
    /// Bytes of users, groups (deleted ones too) and memberships.
    #[schema(example = 2411724)]
    stored_bytes: i64,
    /// Bytes that changes wrote today (UTC), with the events that tell of them.
    #[schema(example = 61440)]
    day_bytes: i64,
}

/// A bearer token of a directory, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BearerToken {
    created_at: Timestamp,
    /// `null` until a newer one replaces it.
    expires_at: Option<Timestamp>,
    /// `null` until it opens the directory; up to a minute late.
    last_used_at: Option<Timestamp>,
}

impl From<&DescribedDirectory> for ScimDirectory {
    fn from(described: &DescribedDirectory) -> Self {
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
    /// Leads to the next page; empty on the last.
    next_page_token: String,
}

/// A fresh bearer token.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BearerTokenReply {
    /// Told this once.
    #[schema(example = "ssoready_scim_bearer_token_12vqjrnxk9xeov6o4f05pan0g")]
    bearer_token: String,
}

fn one(directory: &DescribedDirectory) -> HttpResponse {
    HttpResponse::Ok().json(ScimDirectoryReply { scim_directory: directory.into() })
}

/// What can be set of a directory.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ScimDirectoryInput {
    /// Make it the one that is meant when its organization is named; the others are not any more.
    pub primary: Option<bool>,
    /// Let people have secondary addresses of other domains.
    pub allow_foreign_secondary_emails: Option<bool>,
    /// People whom it knows as inactive or deleted, and no directory as active, do not sign in by SAML. On
    /// unless said otherwise.
    pub refuse_inactive_logins: Option<bool>,
    /// Only people whom a directory knows as active sign in.
    pub require_provisioned_logins: Option<bool>,
    /// Whose product the identity provider is: `okta`, `entra`, `google`, `adfs`, `keycloak`, `onelogin`,
    /// `jumpcloud`, `ping` or `other`; empty for unknown.
    pub idp_kind: Option<String>,
}

/// A directory to be made.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewScimDirectory {
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// The rest may be set later.
    #[serde(flatten)]
    pub settings: ScimDirectoryInput,
}

/// How a token is replaced.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RotateBearerToken {
    /// For how long the tokens before it go on working: a day unless said, 30 days at the most.
    #[schema(minimum = 0, maximum = 2592000, default = 86400)]
    pub overlap_seconds: Option<u64>,
}

fn change(body: &mut Fields) -> app::Result<ScimDirectoryChange> {
    Ok(ScimDirectoryChange {
        primary: body.flag("primary")?,
        allow_foreign_secondary_emails: body.flag("allowForeignSecondaryEmails")?,
        refuse_inactive_logins: body.flag("refuseInactiveLogins")?,
        require_provisioned_logins: body.flag("requireProvisionedLogins")?,
        idp_kind: body.text("idpKind")?,
    })
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
pub async fn list(state: web::Data<State>, call: Call<ManagementKey>, request: HttpRequest) -> Answer {
    let query = query(&request);
    let organization =
        required_id("organization_id", query.text("organizationId").as_deref()).map_err(api)?;
    let page = app::scim_directories::list(&state, &call.actor, organization, &page_query(&query))
        .await
        .map_err(api)?;
    Ok(HttpResponse::Ok().json(ScimDirectoriesReply {
        scim_directories: page.items.iter().map(ScimDirectory::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Create a directory
///
/// It has no bearer token yet: rotating gives it one.
#[utoipa::path(
    post,
    path = path::SCIM_DIRECTORIES,
    operation_id = "createScimDirectory",
    tag = "SCIM directories",
    request_body = NewScimDirectory,
    responses((status = 200, body = ScimDirectoryReply))
)]
pub async fn create(state: web::Data<State>, mut call: Call<ManagementKey, Fields>) -> Answer {
    let organization = call.body.text("organizationId").map_err(api)?;
    let organization = required_id("organization_id", organization.as_deref()).map_err(api)?;
    let change = change(&mut call.body).map_err(api)?;
    Ok(one(&app::scim_directories::create(&state, &call.actor, organization, &change).await.map_err(api)?))
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
pub async fn find(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    Ok(one(&app::scim_directories::find(&state, &call.actor, id).await.map_err(api)?))
}

/// Change a directory
///
/// Sets what is sent and leaves the rest. Its organization stays.
#[utoipa::path(
    patch,
    path = path::SCIM_DIRECTORY,
    operation_id = "updateScimDirectory",
    tag = "SCIM directories",
    params(("id" = ScimDirectoryId, Path)),
    request_body = ScimDirectoryInput,
    responses((status = 200, body = ScimDirectoryReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let change = change(&mut call.body).map_err(api)?;
    Ok(one(&app::scim_directories::update(&state, &call.actor, id, &change).await.map_err(api)?))
}

/// Delete a directory
///
/// Its people, groups and tokens go with it.
#[utoipa::path(
    delete,
    path = path::SCIM_DIRECTORY,
    operation_id = "deleteScimDirectory",
    tag = "SCIM directories",
    params(("id" = ScimDirectoryId, Path)),
    responses((status = 200, body = Done))
)]
pub async fn remove(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    app::scim_directories::remove(&state, &call.actor, id).await.map_err(api)?;
    Ok(done())
}

/// Rotate a directory's bearer token
///
/// Makes a new token, which is told this once. The ones before it work for `overlapSeconds` more, so that
/// the customer has time to enter the new one. (SSOReady ends them at once: `overlapSeconds: 0`.)
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
    mut call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let overlap = call.body.number("overlapSeconds").map_err(api)?.map_or(OVERLAP, Duration::from_secs);
    let token = app::scim_directories::rotate(&state, &call.actor, id, overlap).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(BearerTokenReply { bearer_token: token.reveal() }))
}

/// End the overlap of bearer tokens
///
/// Only the newest token works from now on.
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
    call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    Ok(one(&app::scim_directories::end_overlap(&state, &call.actor, id).await.map_err(api)?))
}
