//! `/v1/applications`: clients of the environment's issuers, service clients among them.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use base::id::{ApplicationId, OrganizationId};
use model::application::{Application, ClientKind};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id},
    reply::{ApiResult, api, done, page_query, query, versioned},
    schema::{Done, IfMatch, PageParams},
};
use crate::{
    app::{
        self, Error, State,
        applications::{
            self, ApplicationChange, ApplicationObject, ApplicationWithSecret, NewApplication, secrets,
        },
        principal::Principal,
        resource,
    },
    links::path,
};

/// One application.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationReply {
    application: ApplicationObject,
}

/// One page of the applications.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationsReply {
    applications: Vec<ApplicationObject>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

/// A new application.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes the body, which is read field by field")]
pub struct NewApplicationInput {
    /// `service` (the default), `web` or `public`. It cannot be changed later.
    #[schema(example = "service")]
    kind: Option<String>,
    /// `system`: a service client that administers the environment; empty for none.
    #[schema(example = "system")]
    workspace: Option<String>,
    /// The organization that owns it; empty for you.
    organization_id: Option<OrganizationId>,
    /// Its name for people.
    #[schema(example = "Billing")]
    display_name: Option<String>,
    /// What it may exchange for tokens; a service uses `client_credentials`.
    grant_types: Option<Vec<String>>,
    /// What it may ask for.
    #[schema(example = json!(["manage_organizations"]))]
    scopes: Option<Vec<String>>,
    /// `all`: your own web or public application can be used at the issuer of every organization (the default); or `none`.
    #[schema(example = "all")]
    shared: Option<String>,
    /// Its redirect URIs, instead of those of the environment.
    redirect_uris: Option<Vec<String>>,
    /// Where it may send people who signed out.
    post_logout_redirect_uris: Option<Vec<String>>,
    /// The origins whose scripts may call the issuer.
    origins: Option<Vec<String>>,
    /// How its tokens are signed: ES256 (the default), RS256 or EdDSA.
    signing_alg: Option<String>,
}

/// How a secret is replaced.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it describes the body, which is read field by field")]
pub struct SecretRotationInput {
    /// For how many seconds the present secret stays good: a day unless said, 30 days at most; 0 ends it at once.
    #[schema(example = 3600)]
    overlap_seconds: Option<u64>,
}

fn reply(application: &Application) -> HttpResponse {
    versioned(application.version, ApplicationReply { application: application.into() })
}

fn reply_with_secret(made: &ApplicationWithSecret) -> HttpResponse {
    versioned(made.application.version, ApplicationReply { application: ApplicationObject::created(made) })
}

/// List applications
///
/// In the order of creation, service clients among them.
#[utoipa::path(
    get,
    path = path::APPLICATIONS,
    operation_id = "listApplications",
    tag = "Applications",
    params(PageParams),
    responses((status = 200, body = ApplicationsReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = page_query(&query(&request));
    let page = resource::list::<Application>(&state, &call.principal, &query).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(ApplicationsReply {
        applications: page.items.iter().map(ApplicationObject::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// What of a new application cannot be changed later.
async fn new(state: &State, principal: &Principal, body: &mut Fields) -> app::Result<NewApplication> {
    let kind = match body.text("kind")?.as_deref() {
        None | Some("") => ClientKind::Service,
        Some(name) => name.parse().map_err(|_| Error::invalid("kind", "must be service, web or public"))?,
    };
    let workspace = match body.text("workspace")?.as_deref() {
        None | Some("") => None,
        Some(name) => {
            Some(name.parse().map_err(|_| Error::invalid("workspace", "must be system, or empty"))?)
        }
    };
    let organization_id = match body.text("organizationId")?.as_deref() {
        None | Some("") => None,
        Some(text) => Some(applications::owner(state, principal, text).await?),
    };
    if workspace.is_some() && (kind != ClientKind::Service || organization_id.is_some()) {
        return Err(Error::invalid("workspace", "is for services of your own"));
    }
    Ok(NewApplication { kind, workspace, organization_id })
}

/// Create an application
///
/// The response contains its `clientSecret`, which is returned only once; a public application has none.
#[utoipa::path(
    post,
    path = path::APPLICATIONS,
    operation_id = "createApplication",
    tag = "Applications",
    request_body = NewApplicationInput,
    responses((status = 200, body = ApplicationReply))
)]
pub async fn create(state: web::Data<State>, mut call: ApiCall<ManagementKey, Fields>) -> ApiResult {
    let new = new(&state, &call.principal, &mut call.body).await.map_err(api)?;
    let change: ApplicationChange = call.body.change().map_err(api)?;
    let made = applications::create(&state, &call.principal, new, &change).await.map_err(api)?;
    Ok(reply_with_secret(&made))
}

/// Get an application
#[utoipa::path(
    get,
    path = path::APPLICATION,
    operation_id = "getApplication",
    tag = "Applications",
    params(("id" = ApplicationId, Path)),
    responses((status = 200, body = ApplicationReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&resource::find(&state, &call.principal, id).await.map_err(api)?))
}

/// Change an application
///
/// Sets the fields that are sent and leaves the others and the secret.
#[utoipa::path(
    patch,
    path = path::APPLICATION,
    operation_id = "updateApplication",
    tag = "Applications",
    params(("id" = ApplicationId, Path), IfMatch),
    request_body = ApplicationChange,
    responses((status = 200, body = ApplicationReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let changed = resource::update(&state, &call.principal, id, call.if_match.as_ref(), &change).await;
    Ok(reply(&changed.map_err(api)?))
}

/// Rotate an application's secret
///
/// Creates a new `clientSecret`, which is returned only once. Both are good until the overlap ends.
#[utoipa::path(
    post,
    path = path::APPLICATION_ROTATE,
    operation_id = "rotateApplicationSecret",
    tag = "Applications",
    params(("id" = ApplicationId, Path), IfMatch),
    request_body = Option<SecretRotationInput>,
    responses((status = 200, body = ApplicationReply))
)]
pub async fn rotate_secret(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let seconds = call.body.number("overlapSeconds").map_err(api)?;
    let overlap = seconds.map_or(secrets::DEFAULT_OVERLAP, Duration::from_secs);
    let rotated = secrets::rotate(&state, &call.principal, id, call.if_match.as_ref(), overlap).await;
    Ok(reply_with_secret(&rotated.map_err(api)?))
}

/// Delete an application
///
/// Its access tokens stop working.
#[utoipa::path(
    delete,
    path = path::APPLICATION,
    operation_id = "deleteApplication",
    tag = "Applications",
    params(("id" = ApplicationId, Path), IfMatch),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let removed = resource::remove::<Application>(&state, &call.principal, id, call.if_match.as_ref());
    removed.await.map_err(api)?;
    Ok(done())
}
