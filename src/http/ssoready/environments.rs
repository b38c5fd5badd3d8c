//! `/v1/environments`: the environment of the API key.

use actix_web::{HttpResponse, web};
use base::id::EnvironmentId;
use model::{environment::IdpInitiated, http_url::HttpUrl};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id},
    reply::{ApiResult, api, done},
    schema::Done,
};
use crate::{
    app::{self, State, environments::EnvironmentChange},
    links::path,
};

/// An environment, such as production or staging. Each is isolated from the others.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    id: EnvironmentId,
    /// Its short name, unique in the installation.
    #[schema(example = "production")]
    slug: String,
    /// Its name for people.
    #[schema(example = "Production")]
    display_name: String,
    /// Where the browser is sent after a login, with `saml_access_code` added; empty for none.
    #[schema(example = "https://app.example.com/callback")]
    redirect_url: String,
    /// The redirect URIs of OAuth clients, compared byte for byte.
    oauth_redirect_uris: Vec<HttpUrl>,
    /// The origin that identity providers and browsers use, when it is not the public URL.
    #[schema(example = "https://sso.example.com")]
    auth_url: String,
    /// The policy of connections without their own.
    idp_initiated: IdpInitiated,
}

impl From<&model::environment::Environment> for Environment {
    fn from(environment: &model::environment::Environment) -> Self {
        let text = |url: &Option<HttpUrl>| url.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            id: environment.id,
            slug: environment.slug.to_string(),
            display_name: environment.display_name.clone(),
            redirect_url: text(&environment.redirect_url),
            oauth_redirect_uris: environment.oauth_redirect_uris.clone(),
            auth_url: text(&environment.auth_url),
            idp_initiated: environment.idp_initiated,
        }
    }
}

/// One environment.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnvironmentReply {
    environment: Environment,
}

/// The environments that a key can access.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentsReply {
    /// The key's own environment.
    environments: Vec<Environment>,
    /// Always empty.
    next_page_token: String,
}

/// The settings of an environment.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct EnvironmentInput {
    /// Its short name: up to 63 lower-case letters, digits and hyphens.
    #[schema(example = "production")]
    pub slug: Option<String>,
    /// Its name for people.
    #[schema(example = "Production")]
    pub display_name: Option<String>,
    /// Where the browser is sent after a login; empty for none.
    #[schema(example = "https://app.example.com/callback")]
    pub redirect_url: Option<String>,
    /// The redirect URIs of OAuth clients: at most 100.
    #[schema(example = json!(["https://app.example.com/oauth/callback"]))]
    pub oauth_redirect_uris: Option<Vec<String>>,
    /// The origin that identity providers and browsers use; empty for the public URL. Existing connections keep
    /// theirs.
    pub auth_url: Option<String>,
    /// `ALLOW`, `RESTART` or `REFUSE`: what happens to unsolicited responses.
    pub idp_initiated: Option<String>,
}

fn reply(environment: &model::environment::Environment) -> HttpResponse {
    HttpResponse::Ok().json(EnvironmentReply { environment: environment.into() })
}

fn change(body: &mut Fields) -> app::Result<EnvironmentChange> {
    Ok(EnvironmentChange {
        slug: body.text("slug")?,
        display_name: body.text("displayName")?,
        redirect_url: body.text("redirectUrl")?,
        oauth_redirect_uris: body.texts("oauthRedirectUris")?,
        auth_url: body.text("authUrl")?,
        idp_initiated: body.text("idpInitiated")?,
    })
}

/// List environments
///
/// A key belongs to one environment: the list contains exactly that one.
#[utoipa::path(
    get,
    path = path::ENVIRONMENTS,
    operation_id = "listEnvironments",
    tag = "Environments",
    responses((status = 200, body = EnvironmentsReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>) -> ApiResult {
    let own = app::environments::current(&state, &call.actor).await.map_err(api)?;
    Ok(HttpResponse::Ok()
        .json(EnvironmentsReply { environments: vec![(&own).into()], next_page_token: String::new() }))
}

/// Get an environment
#[utoipa::path(
    get,
    path = path::ENVIRONMENT,
    operation_id = "getEnvironment",
    tag = "Environments",
    params(("id" = EnvironmentId, Path)),
    responses((status = 200, body = EnvironmentReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    call.actor.require_environment(id("id", &path).map_err(api)?).map_err(api)?;
    Ok(reply(&app::environments::current(&state, &call.actor).await.map_err(api)?))
}

/// Change an environment
///
/// Sets the fields that are sent and leaves the others.
#[utoipa::path(
    patch,
    path = path::ENVIRONMENT,
    operation_id = "updateEnvironment",
    tag = "Environments",
    params(("id" = EnvironmentId, Path)),
    request_body = EnvironmentInput,
    responses((status = 200, body = EnvironmentReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    call.actor.require_environment(id("id", &path).map_err(api)?).map_err(api)?;
    let change = change(&mut call.body).map_err(api)?;
    Ok(reply(&app::environments::update(&state, &call.actor, &change).await.map_err(api)?))
}

/// Delete an environment
///
/// Deletes its API keys (this one too), OAuth clients and webhooks; its audit log stays. An environment that still has
/// organizations cannot be deleted (400, code 9).
#[utoipa::path(
    delete,
    path = path::ENVIRONMENT,
    operation_id = "deleteEnvironment",
    tag = "Environments",
    params(("id" = EnvironmentId, Path)),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    call.actor.require_environment(id("id", &path).map_err(api)?).map_err(api)?;
    app::environments::remove(&state, &call.actor).await.map_err(api)?;
    Ok(done())
}
