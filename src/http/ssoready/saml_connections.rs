//! `/v1/saml-connections`.

use actix_web::{HttpRequest, HttpResponse, web};
use base::{
    id::{OrganizationId, SamlConnectionId},
    time::Timestamp,
};
use model::{environment::IdpInitiated, idp_kind::IdpKind, saml_connection::IdpBinding};
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
        connections::saml::{SamlConnectionChange, SamlConnectionView},
    },
    links::path,
};

/// The SAML settings with which an organization's people sign in through its identity provider.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlConnection {
    id: SamlConnectionId,
    organization_id: OrganizationId,
    /// Whether logins of its organization use it by default.
    primary: bool,
    /// The identity provider's single sign-on URL; empty until it is set.
    #[schema(example = "https://idp.acme.com/sso")]
    idp_redirect_url: String,
    /// All signing certificates, as concatenated PEM blocks.
    idp_certificate: String,
    /// The same as a list.
    idp_certificates: Vec<String>,
    /// The latest expiry of the certificates; `null` without any.
    idp_certificate_expires_at: Option<Timestamp>,
    /// The identity provider's entity id; empty until it is set.
    #[schema(example = "https://idp.acme.com/metadata")]
    idp_entity_id: String,
    /// The URL from which its metadata is fetched regularly; empty for none.
    idp_metadata_url: String,
    /// When the metadata was last fetched and valid; `null` for never.
    metadata_fetched_at: Option<Timestamp>,
    /// Why the last refresh failed; empty if it succeeded.
    metadata_error: String,
    /// The service provider's entity id ("Audience URI"); it never changes.
    sp_entity_id: String,
    /// The service provider's Assertion Consumer Service URL; it never changes.
    sp_acs_url: String,
    idp_binding: IdpBinding,
    /// `null` for the environment's policy.
    idp_initiated: Option<IdpInitiated>,
    /// The attribute with the e-mail address; empty when it is the NameID.
    email_attribute: String,
    /// Whether signatures with SHA-1 are accepted.
    allow_sha1: bool,
    /// Whether assertions should be encrypted.
    assertion_encryption: bool,
    /// Whether unauthenticated encryption (AES-CBC) is accepted.
    allow_cbc_encryption: bool,
    /// Whether AuthnRequests are signed.
    sign_authn_requests: bool,
    /// Whether a fresh sign-in is required each time (ForceAuthn).
    force_authn: bool,
    /// The identity provider's product; `null` if unknown.
    idp_kind: Option<IdpKind>,
    /// The certificate to encrypt assertions with; `null` without encryption.
    sp_encryption_certificate: Option<String>,
}

impl From<&SamlConnectionView> for SamlConnection {
    fn from(described: &SamlConnectionView) -> Self {
        let connection = &described.connection;
        Self {
            id: connection.id,
            organization_id: connection.organization_id,
            primary: connection.primary,
            idp_redirect_url: connection
                .idp_redirect_url
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            idp_certificate: connection.idp_certificates.concat(),
            idp_certificates: connection.idp_certificates.clone(),
            idp_certificate_expires_at: connection.idp_certificate_expires_at,
            idp_metadata_url: connection
                .idp_metadata_url
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            metadata_fetched_at: connection.metadata.fetched_at,
            metadata_error: connection.metadata.error.clone().unwrap_or_default(),
            idp_entity_id: connection.idp_entity_id.clone().unwrap_or_default(),
            sp_entity_id: connection.sp_entity_id.clone(),
            sp_acs_url: connection.sp_acs_urls.first().cloned().unwrap_or_default(),
            idp_binding: connection.idp_binding,
            idp_initiated: connection.idp_initiated,
            email_attribute: connection.email_attribute.clone().unwrap_or_default(),
            allow_sha1: connection.allow_sha1,
            assertion_encryption: connection.assertion_encryption,
            allow_cbc_encryption: connection.allow_cbc_encryption,
            sign_authn_requests: connection.sign_authn_requests,
            force_authn: connection.force_authn,
            idp_kind: connection.idp_kind,
            sp_encryption_certificate: described.encryption_certificate.clone(),
        }
    }
}

/// One SAML connection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlConnectionReply {
    saml_connection: SamlConnection,
}

/// One page of an organization's SAML connections.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SamlConnectionsReply {
    saml_connections: Vec<SamlConnection>,
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
        required_id("organization_id", query.text("organizationId").as_deref()).map_err(api)?;
    let page = app::connections::saml::list(&state, &call.actor, organization, &page_query(&query))
        .await
        .map_err(api)?;
    Ok(HttpResponse::Ok().json(SamlConnectionsReply {
        saml_connections: page.items.iter().map(SamlConnection::from).collect(),
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
    let organization = required_id("organization_id", organization.as_deref()).map_err(api)?;
    let change = call.body.change().map_err(api)?;
    let made = app::connections::saml::create(&state, &call.actor, organization, &change).await;
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
    Ok(reply(&app::connections::saml::find(&state, &call.actor, id).await.map_err(api)?))
}

/// Change a SAML connection
///
/// Sets the fields that are sent and leaves the others. Its organization cannot be changed.
#[utoipa::path(
    patch,
    path = path::SAML_CONNECTION,
    operation_id = "updateSamlConnection",
    tag = "SAML connections",
    params(("id" = SamlConnectionId, Path)),
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
        app::connections::saml::update(&state, &call.actor, id, call.if_match.as_ref(), &change).await;
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
    params(("id" = SamlConnectionId, Path)),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    app::connections::saml::remove(&state, &call.actor, id, call.if_match.as_ref()).await.map_err(api)?;
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
        &app::connections::saml::metadata::refresh::refresh_now(&state, &call.actor, id)
            .await
            .map_err(api)?,
    ))
}
