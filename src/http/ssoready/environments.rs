//! `/v1/environments`: the environment of the API key.

use actix_web::{HttpResponse, web};
use base::id::EnvironmentId;
use model::environment::Environment;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id},
    reply::{ApiResult, api, done, versioned},
    schema::{Done, IfMatch},
};
use crate::{
    app::{
        State,
        environments::{self, EnvironmentChange, EnvironmentObject},
        permissions::Action,
        principal::On,
        resource,
    },
    links::path,
};

/// One environment.
#[derive(Debug, Serialize, ToSchema)]
pub struct EnvironmentReply {
    environment: EnvironmentObject,
}

/// The environments that a key can access.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentsReply {
    /// The key's own environment.
    environments: Vec<EnvironmentObject>,
    /// Always empty.
    next_page_token: String,
}

fn reply(environment: &Environment) -> HttpResponse {
    versioned(environment.version, EnvironmentReply { environment: environment.into() })
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
    let own = call.principal.authorize(Action::EnvironmentsView, On::Environment).map_err(api)?;
    let own: Environment = resource::find(&state, &call.principal, own).await.map_err(api)?;
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
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&resource::find(&state, &call.principal, id).await.map_err(api)?))
}

/// Change an environment
///
/// Sets the fields that are sent and leaves the others.
#[utoipa::path(
    patch,
    path = path::ENVIRONMENT,
    operation_id = "updateEnvironment",
    tag = "Environments",
    params(("id" = EnvironmentId, Path), IfMatch),
    request_body = EnvironmentChange,
    responses((status = 200, body = EnvironmentReply))
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

/// Delete an environment
///
/// Deletes its API keys (this one too), OAuth clients and webhooks; its audit log stays. An environment that still has
/// organizations cannot be deleted (400, code 9).
#[utoipa::path(
    delete,
    path = path::ENVIRONMENT,
    operation_id = "deleteEnvironment",
    tag = "Environments",
    params(("id" = EnvironmentId, Path), IfMatch),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    environments::remove(&state, &call.principal, id, call.if_match.as_ref()).await.map_err(api)?;
    Ok(done())
}
