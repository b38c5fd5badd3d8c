//! `/v1/setup-urls`: links with which a customer's IT admin connects their identity provider.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use base::id::{OrganizationId, SetupLinkId};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id},
    reply::{ApiResult, api, organization_id, page_query, query},
    schema::PageParams,
};
use crate::{
    app::{
        self, State,
        setup::links::{NewSetupLink, SetupLinkObject},
    },
    links::path,
};

/// One setup link.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetupLinkReply {
    setup_link: SetupLinkObject,
}

/// One page of the setup links.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetupLinksReply {
    setup_links: Vec<SetupLinkObject>,
    /// The token of the next page; empty on the last one.
    next_page_token: String,
}

/// A setup link that was just created.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewSetupLinkReply {
    /// The URL to send to your customer's IT admin. It is returned only once.
    #[schema(
        example = "https://sso.example.com/setup?one-time-token=ssoready_one_time_token_12vqjrnxk9xeov6o4f05pan0g"
    )]
    url: String,
    setup_link: SetupLinkObject,
}

/// A setup link to create.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SetupLinkInput {
    /// The organization to set up.
    pub organization_id: OrganizationId,
    /// Allow setting up SAML connections.
    pub can_manage_saml: Option<bool>,
    /// Allow setting up SCIM directories.
    pub can_manage_scim: Option<bool>,
    /// Allow adding and verifying domains.
    pub can_manage_domains: Option<bool>,
    /// For how many seconds it can be redeemed: one day by default, 30 days at most.
    #[schema(example = 604_800)]
    pub lifetime_seconds: Option<u64>,
}

/// Which setup links.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct SetupLinkParams {
    /// Only those of this organization.
    pub organization_id: Option<OrganizationId>,
}

fn reply(state: &State, link: &model::setup_link::SetupLink) -> HttpResponse {
    HttpResponse::Ok().json(SetupLinkReply { setup_link: SetupLinkObject::at(state.now(), link) })
}

/// List setup links
///
/// Those of the environment, or of one organization, in the order of creation.
#[utoipa::path(
    get,
    path = path::SETUP_URLS,
    operation_id = "listSetupLinks",
    tag = "Setup links",
    params(SetupLinkParams, PageParams),
    responses((status = 200, body = SetupLinksReply))
)]
pub async fn list(state: web::Data<State>, call: ApiCall<ManagementKey>, request: HttpRequest) -> ApiResult {
    let query = query(&request);
    let organization = match query.text("organizationId") {
        Some(text) => Some(organization_id(&state, &call.principal, Some(text)).await.map_err(api)?),
        None => None,
    };
    let page = app::setup::links::list(&state, &call.principal, organization, &page_query(&query))
        .await
        .map_err(api)?;
    let now = state.now();
    Ok(HttpResponse::Ok().json(SetupLinksReply {
        setup_links: page.items.iter().map(|link| SetupLinkObject::at(now, link)).collect(),
        next_page_token: page.next_token,
    }))
}

/// Create a setup link
///
/// Send its URL to your customer's IT admin, who connects their identity provider with it. It works once and is
/// redeemed by a button, so that link previews do not use it up; the browser that redeems it gets a session.
#[utoipa::path(
    post,
    path = path::SETUP_URLS,
    operation_id = "createSetupLink",
    tag = "Setup links",
    request_body = SetupLinkInput,
    responses((status = 200, body = NewSetupLinkReply))
)]
pub async fn create(state: web::Data<State>, mut call: ApiCall<ManagementKey, Fields>) -> ApiResult {
    let organization = call.body.text("organizationId").map_err(api)?;
    let organization = organization_id(&state, &call.principal, organization).await.map_err(api)?;
    let body = &mut call.body;
    let wanted = (|| {
        Ok(NewSetupLink {
            organization_id: organization,
            can_manage_saml: body.flag("canManageSaml")?.unwrap_or(false),
            can_manage_scim: body.flag("canManageScim")?.unwrap_or(false),
            can_manage_domains: body.flag("canManageDomains")?.unwrap_or(false),
            lifetime: body.number("lifetimeSeconds")?.map(Duration::from_secs),
        })
    })()
    .map_err(api)?;
    let (link, url) = app::setup::links::create(&state, &call.principal, &wanted).await.map_err(api)?;
    Ok(HttpResponse::Ok()
        .json(NewSetupLinkReply { url, setup_link: SetupLinkObject::at(state.now(), &link) }))
}

/// Get a setup link
///
/// Without its URL, of which only a digest is stored.
#[utoipa::path(
    get,
    path = path::SETUP_URL,
    operation_id = "getSetupLink",
    tag = "Setup links",
    params(("id" = SetupLinkId, Path)),
    responses((status = 200, body = SetupLinkReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&state, &app::setup::links::find(&state, &call.principal, id).await.map_err(api)?))
}

/// Revoke a setup link
///
/// It stops working and its sessions end. It stays in the list.
#[utoipa::path(
    delete,
    path = path::SETUP_URL,
    operation_id = "revokeSetupLink",
    tag = "Setup links",
    params(("id" = SetupLinkId, Path)),
    responses((status = 200, body = SetupLinkReply))
)]
pub async fn revoke(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let id = id("id", &path).map_err(api)?;
    Ok(reply(&state, &app::setup::links::revoke(&state, &call.principal, id).await.map_err(api)?))
}
