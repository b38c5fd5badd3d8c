//! `/v1/saml/redirect` and `/v1/saml/redeem`: the two calls every app makes.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde_json::json;

use super::{Answer, api, fields::Fields};
use crate::{
    app::{self, State, redeem::Redeemed, redirect::RedirectRequest},
    http::extract::{AnyKey, Call},
    model::{
        id::{OrganizationId, SamlFlowId},
        saml_flow::Attributes,
    },
};

fn redirect_request(body: &mut Fields) -> app::Result<RedirectRequest> {
    Ok(RedirectRequest {
        saml_connection_id: body.text("samlConnectionId")?.unwrap_or_default(),
        organization_id: body.text("organizationId")?.unwrap_or_default(),
        organization_external_id: body.text("organizationExternalId")?.unwrap_or_default(),
        state: body.text("state")?.unwrap_or_default(),
    })
}

/// `POST /v1/saml/redirect`
pub async fn redirect(state: web::Data<State>, mut call: Call<AnyKey, Fields>) -> Answer {
    let request = redirect_request(&mut call.body).map_err(api)?;
    let url = app::redirect::redirect(&state, &call.actor, &request).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(json!({ "redirectUrl": url })))
}

/// Who signed in.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RedeemReply {
    email: String,
    state: String,
    /// One value a name, as SSOReady has it: the last one.
    attributes: BTreeMap<String, String>,
    /// Every value.
    attribute_values: Attributes,
    organization_id: OrganizationId,
    organization_external_id: String,
    saml_flow_id: SamlFlowId,
}

impl From<Redeemed> for RedeemReply {
    fn from(redeemed: Redeemed) -> Self {
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

/// `POST /v1/saml/redeem`
pub async fn redeem(state: web::Data<State>, mut call: Call<AnyKey, Fields>) -> Answer {
    let code = call.body.text("samlAccessCode").map_err(api)?.unwrap_or_default();
    let redeemed = app::redeem::redeem(&state, &call.actor, &code).await.map_err(api)?;
    Ok(HttpResponse::Ok().json(RedeemReply::from(redeemed)))
}
