//! `/v1/saml-connections`.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::{
    Answer, api, done,
    fields::{Fields, id, required_id},
    page_query, query,
};
use crate::{
    app::{
        self, State,
        saml_connections::{DescribedConnection, SamlConnectionChange},
    },
    http::extract::{Call, ManagementKey},
    model::{
        environment::IdpInitiated,
        id::{OrganizationId, SamlConnectionId},
        saml_connection::IdpBinding,
    },
};

/// A SAML connection.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SamlConnection {
    id: SamlConnectionId,
    organization_id: OrganizationId,
    primary: bool,
    idp_redirect_url: String,
    /// Every certificate, one PEM block after the other.
    idp_certificate: String,
    idp_certificates: Vec<String>,
    idp_entity_id: String,
    sp_entity_id: String,
    sp_acs_url: String,
    idp_binding: IdpBinding,
    /// `null`: the environment's.
    idp_initiated: Option<IdpInitiated>,
    email_attribute: String,
    allow_sha1: bool,
    assertion_encryption: bool,
    allow_cbc_encryption: bool,
    sign_authn_requests: bool,
    force_authn: bool,
    /// `null` unless assertions are to be encrypted.
    sp_encryption_certificate: Option<String>,
}

impl From<&DescribedConnection> for SamlConnection {
    fn from(described: &DescribedConnection) -> Self {
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
            sp_encryption_certificate: described.encryption_certificate.clone(),
        }
    }
}

fn one(connection: &DescribedConnection) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "samlConnection": SamlConnection::from(connection) }))
}

fn change(body: &mut Fields) -> app::Result<SamlConnectionChange> {
    Ok(SamlConnectionChange {
        primary: body.flag("primary")?,
        idp_entity_id: body.text("idpEntityId")?,
        idp_redirect_url: body.text("idpRedirectUrl")?,
        idp_certificate: body.text("idpCertificate")?,
        idp_certificates: body.texts("idpCertificates")?,
        idp_binding: body.text("idpBinding")?,
        idp_initiated: body.text("idpInitiated")?,
        email_attribute: body.text("emailAttribute")?,
        allow_sha1: body.flag("allowSha1")?,
        assertion_encryption: body.flag("assertionEncryption")?,
        allow_cbc_encryption: body.flag("allowCbcEncryption")?,
        sign_authn_requests: body.flag("signAuthnRequests")?,
        force_authn: body.flag("forceAuthn")?,
        idp_metadata: body.text("idpMetadata")?,
        idp_metadata_url: body.text("idpMetadataUrl")?,
    })
}

/// `GET /v1/saml-connections?organizationId=…`
pub async fn list(state: web::Data<State>, call: Call<ManagementKey>, request: HttpRequest) -> Answer {
    let query = query(&request);
    let organization =
        required_id("organization_id", query.text("organizationId").as_deref()).map_err(api)?;
    let page = app::saml_connections::list(&state, &call.actor, organization, &page_query(&query))
        .await
        .map_err(api)?;
    let connections: Vec<_> = page.items.iter().map(SamlConnection::from).collect();
    Ok(HttpResponse::Ok().json(json!({ "samlConnections": connections, "nextPageToken": page.next_token })))
}

/// `POST /v1/saml-connections`
pub async fn create(state: web::Data<State>, mut call: Call<ManagementKey, Fields>) -> Answer {
    let organization = call.body.text("organizationId").map_err(api)?;
    let organization = required_id("organization_id", organization.as_deref()).map_err(api)?;
    let change = change(&mut call.body).map_err(api)?;
    let made = app::saml_connections::create(&state, &call.actor, organization, &change).await;
    Ok(one(&made.map_err(api)?))
}

/// `GET /v1/saml-connections/{id}`
pub async fn find(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    Ok(one(&app::saml_connections::find(&state, &call.actor, id).await.map_err(api)?))
}

/// `PATCH /v1/saml-connections/{id}`: the id of the path wins, and the organization stays.
pub async fn update(
    state: web::Data<State>,
    mut call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let id = id("id", &path).map_err(api)?;
    let change = change(&mut call.body).map_err(api)?;
    Ok(one(&app::saml_connections::update(&state, &call.actor, id, &change).await.map_err(api)?))
}

/// `DELETE /v1/saml-connections/{id}`
pub async fn remove(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let id = id("id", &path).map_err(api)?;
    app::saml_connections::remove(&state, &call.actor, id).await.map_err(api)?;
    Ok(done())
}
