//! `/v1/saml/redirect` and `/v1/saml/redeem`: the two calls that every app makes.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use base::id::{LoginFlowId, OrganizationId, SamlConnectionId};
use model::login_flow::Attributes;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{AnyKey, ApiCall},
    fields::Fields,
    reply::{ApiResult, api},
    schema::Error,
};
use crate::{
    app::{
        self, State,
        authorization_server::{redeem::RedeemedLogin, redirect::RedirectRequest},
    },
    links::path,
};

fn redirect_request(body: &mut Fields) -> app::Result<RedirectRequest> {
    Ok(RedirectRequest {
        saml_connection_id: body.text("samlConnectionId")?.unwrap_or_default(),
        organization_id: body.text("organizationId")?.unwrap_or_default(),
        organization_external_id: body.text("organizationExternalId")?.unwrap_or_default(),
        state: body.text("state")?.unwrap_or_default(),
    })
}

/// Which connection to use: the first of the three ids that is not empty counts.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RedirectInput {
    /// The connection.
    pub saml_connection_id: Option<SamlConnectionId>,
    /// The organization whose primary connection is used.
    pub organization_id: Option<OrganizationId>,
    /// The same by your own id for the organization.
    #[schema(example = "customer-42")]
    pub organization_external_id: Option<String>,
    /// Returned when the access code is redeemed.
    pub state: Option<String>,
}

/// Where to start the login.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedirectReply {
    /// The URL to redirect the browser to.
    redirect_url: String,
}

/// Start a login
///
/// Returns the URL to redirect the browser to. After the login, the browser is sent to the environment's redirect URL
/// with `?saml_access_code=…`.
#[utoipa::path(
    post,
    path = path::SAML_REDIRECT,
    operation_id = "getSamlRedirectUrl",
    tag = "Logins",
    request_body = RedirectInput,
    responses((status = 200, body = RedirectReply)),
    security(("apiKey" = []))
)]
pub async fn redirect(state: web::Data<State>, mut call: ApiCall<AnyKey, Fields>) -> ApiResult {
    let request = redirect_request(&mut call.body).map_err(api)?;
    let url = app::authorization_server::redirect::redirect(&state, &call.principal, &request)
        .await
        .map_err(api)?;
    Ok(HttpResponse::Ok().json(RedirectReply { redirect_url: url }))
}

/// The access code of a login.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RedeemInput {
    /// The `saml_access_code` parameter of the redirect URL.
    #[schema(example = "saml_access_code_12vqjrnxk9xeov6o4f05pan0g")]
    pub saml_access_code: String,
}

/// Who signed in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RedeemReply {
    /// The person's e-mail address.
    #[schema(example = "dana@acme.com")]
    email: String,
    /// The `state` that the app sent when it started the login; empty for IdP-initiated logins.
    state: String,
    /// The SAML attributes of the person, one value per name: the last one.
    attributes: BTreeMap<String, String>,
    /// The same with all values.
    #[schema(value_type = BTreeMap<String, Vec<String>>)]
    attribute_values: Attributes,
    organization_id: OrganizationId,
    /// Your own id for the organization; empty for none.
    organization_external_id: String,
    /// The login, for support.
    saml_flow_id: LoginFlowId,
}

impl From<RedeemedLogin> for RedeemReply {
    fn from(redeemed: RedeemedLogin) -> Self {
        let last = |(name, values): (&String, &Vec<String>)| {
            (name.clone(), values.last().cloned().unwrap_or_default())
        };
        Self {
            email: redeemed.email.as_str().to_owned(),
            state: redeemed.state,
            attributes: redeemed.attributes.iter().map(last).collect(),
            attribute_values: redeemed.attributes,
            organization_id: redeemed.organization_id,
            organization_external_id: redeemed.organization_external_id,
            saml_flow_id: redeemed.saml_flow_id,
        }
    }
}

/// Redeem an access code
///
/// Returns who signed in. A code can be redeemed once, within five minutes, with a key of the same environment.
#[utoipa::path(
    post,
    path = path::SAML_REDEEM,
    operation_id = "redeemSamlAccessCode",
    tag = "Logins",
    request_body = RedeemInput,
    responses(
        (status = 200, body = RedeemReply),
        (status = 404, body = Error, description = "The code is unknown, used, expired or not yours.")
    ),
    security(("apiKey" = []))
)]
pub async fn redeem(state: web::Data<State>, mut call: ApiCall<AnyKey, Fields>) -> ApiResult {
    let code = call.body.text("samlAccessCode").map_err(api)?.unwrap_or_default();
    let redeemed =
        app::authorization_server::redeem::redeem(&state, &call.principal, &code).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(RedeemReply::from(redeemed)))
}
