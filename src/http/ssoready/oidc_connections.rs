//! `/v1/oidc-connections`.

use actix_web::{HttpRequest, HttpResponse, web};
use base::id::{OidcConnectionId, OrganizationId};
use model::oidc_connection::OidcConnection;
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
        connections::oidc::{OidcConnectionChange, OidcConnectionObject},
    },
    links::path,
};

/// One OIDC connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcConnectionReply {
    oidc_connection: OidcConnectionObject,
}

/// One page of an organization's OIDC connections.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OidcConnectionsReply {
    oidc_connections: Vec<OidcConnectionObject>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

fn reply(connection: &OidcConnection) -> HttpResponse {
    versioned(connection.version, OidcConnectionReply { oidc_connection: connection.into() })
}

/// An OIDC connection to create.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewOidcConnection {
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// Settings, which can also be set later.
    #[serde(flatten)]
    pub settings: OidcConnectionChange,
}

/// List an organization's OIDC connections
#[utoipa::path(
    get,
    path = path::OIDC_CONNECTIONS,
    operation_id = "listOidcConnections",
    tag = "OIDC connections",
    params(("organizationId" = OrganizationId, Query), PageParams),
    responses((status = 200, body = OidcConnectionsReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let organization =
        organization_id(&state, &call.principal, query.text("organizationId")).await.map_err(api)?;
    let page = app::connections::oidc::list(&state, &call.principal, organization, &page_query(&query))
        .await
        .map_err(api)?;
    Ok(HttpResponse::Ok().json(OidcConnectionsReply {
        oidc_connections: page.items.iter().map(OidcConnectionObject::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Create an OIDC connection
#[utoipa::path(
    post,
    path = path::OIDC_CONNECTIONS,
    operation_id = "createOidcConnection",
    tag = "OIDC connections",
    request_body = NewOidcConnection,
    responses((status = 200, body = OidcConnectionReply))
)]
pub async fn create(state: web::Data<State>, mut call: ApiCall<ManagementKey, Fields>) -> ApiResult {
    let organization = call.body.text("organizationId").map_err(api)?;
    let organization = organization_id(&state, &call.principal, organization).await.map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let made = app::connections::oidc::create(&state, &call.principal, organization, &change).await;
    Ok(reply(&made.map_err(api)?))
}

/// Get an OIDC connection
#[utoipa::path(
    get,
    path = path::OIDC_CONNECTION,
    operation_id = "getOidcConnection",
    tag = "OIDC connections",
    params(("id" = OidcConnectionId, Path)),
    responses((status = 200, body = OidcConnectionReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&app::connections::oidc::find(&state, &call.principal, id).await.map_err(api)?))
}

/// Change an OIDC connection
///
/// Sets the fields that are sent and leaves the others. Its organization cannot be changed.
#[utoipa::path(
    patch,
    path = path::OIDC_CONNECTION,
    operation_id = "updateOidcConnection",
    tag = "OIDC connections",
    params(("id" = OidcConnectionId, Path), IfMatch),
    request_body = OidcConnectionChange,
    responses((status = 200, body = OidcConnectionReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let changed =
        app::connections::oidc::update(&state, &call.principal, id, call.if_match.as_ref(), &change).await;
    Ok(reply(&changed.map_err(api)?))
}

/// Delete an OIDC connection
///
/// Nobody can sign in through it any more.
#[utoipa::path(
    delete,
    path = path::OIDC_CONNECTION,
    operation_id = "deleteOidcConnection",
    tag = "OIDC connections",
    params(("id" = OidcConnectionId, Path), IfMatch),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    app::connections::oidc::remove(&state, &call.principal, id, call.if_match.as_ref()).await.map_err(api)?;
    Ok(done())
}
