//! `/v1/saml-connections`.

use actix_web::{HttpRequest, HttpResponse, web};
use base::id::{OrganizationId, SamlConnectionId};
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
        connections::saml::{SamlConnectionChange, SamlConnectionObject, SamlConnectionView},
    },
    links::path,
};

/// One SAML connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlConnectionReply {
    saml_connection: SamlConnectionObject,
}

/// One page of an organization's SAML connections.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlConnectionsReply {
    saml_connections: Vec<SamlConnectionObject>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

fn reply(connection: &SamlConnectionView) -> HttpResponse {
    versioned(connection.connection.version, SamlConnectionReply { saml_connection: connection.into() })
}

/// A SAML connection to create.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct NewSamlConnection {
    /// The organization that it belongs to.
    pub organization_id: OrganizationId,
    /// Settings, which can also be set later.
    #[serde(flatten)]
    pub settings: SamlConnectionChange,
}

/// List an organization's SAML connections
#[utoipa::path(
    get,
    path = path::SAML_CONNECTIONS,
    operation_id = "listSamlConnections",
    tag = "SAML connections",
    params(("organizationId" = OrganizationId, Query), PageParams),
    responses((status = 200, body = SamlConnectionsReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let organization =
        organization_id(&state, &call.principal, query.text("organizationId")).await.map_err(api)?;
    let page = app::connections::saml::list(&state, &call.principal, organization, &page_query(&query))
        .await
        .map_err(api)?;
    Ok(HttpResponse::Ok().json(SamlConnectionsReply {
        saml_connections: page.items.iter().map(SamlConnectionObject::from).collect(),
        next_page_token: page.next_token,
    }))
}

/// Create a SAML connection
#[utoipa::path(
    post,
    path = path::SAML_CONNECTIONS,
    operation_id = "createSamlConnection",
    tag = "SAML connections",
    request_body = NewSamlConnection,
    responses((status = 200, body = SamlConnectionReply))
)]
pub async fn create(state: web::Data<State>, mut call: ApiCall<ManagementKey, Fields>) -> ApiResult {
    let organization = call.body.text("organizationId").map_err(api)?;
    let organization = organization_id(&state, &call.principal, organization).await.map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let made = app::connections::saml::create(&state, &call.principal, organization, &change).await;
    Ok(reply(&made.map_err(api)?))
}

/// Get a SAML connection
#[utoipa::path(
    get,
    path = path::SAML_CONNECTION,
    operation_id = "getSamlConnection",
    tag = "SAML connections",
    params(("id" = SamlConnectionId, Path)),
    responses((status = 200, body = SamlConnectionReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&app::connections::saml::find(&state, &call.principal, id).await.map_err(api)?))
}

/// Change a SAML connection
///
/// Sets the fields that are sent and leaves the others. Its organization cannot be changed.
#[utoipa::path(
    patch,
    path = path::SAML_CONNECTION,
    operation_id = "updateSamlConnection",
    tag = "SAML connections",
    params(("id" = SamlConnectionId, Path), IfMatch),
    request_body = SamlConnectionChange,
    responses((status = 200, body = SamlConnectionReply))
)]
pub async fn update(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let changed =
        app::connections::saml::update(&state, &call.principal, id, call.if_match.as_ref(), &change).await;
    Ok(reply(&changed.map_err(api)?))
}

/// Delete a SAML connection
///
/// Nobody can sign in through it any more.
#[utoipa::path(
    delete,
    path = path::SAML_CONNECTION,
    operation_id = "deleteSamlConnection",
    tag = "SAML connections",
    params(("id" = SamlConnectionId, Path), IfMatch),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    app::connections::saml::remove(&state, &call.principal, id, call.if_match.as_ref()).await.map_err(api)?;
    Ok(done())
}

/// Refresh a SAML connection's metadata
///
/// Fetches it from `idpMetadataUrl` now and applies it.
#[utoipa::path(
    post,
    path = path::SAML_CONNECTION_REFRESH,
    operation_id = "refreshSamlConnectionMetadata",
    tag = "SAML connections",
    params(("id" = SamlConnectionId, Path)),
    responses((status = 200, body = SamlConnectionReply))
)]
pub async fn refresh_metadata(
    state: web::Data<State>,
    call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(
        &app::connections::saml::metadata::refresh::refresh_now(&state, &call.principal, id)
            .await
            .map_err(api)?,
    ))
}
