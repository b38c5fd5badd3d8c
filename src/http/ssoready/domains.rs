//! `/v1/organizations/{id}/domains`: an organization's domains and the state of their verification.

use actix_web::{HttpResponse, web};
use base::{id::OrganizationId, time::Timestamp};
use model::{
    domain::{Domain, DomainState},
    domain_verification::DomainVerification,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::{Fields, id},
    reply::{ApiResult, api, done},
    schema::Done,
};
use crate::{
    app::{self, State, actor::Actor, organizations::domains::sharing::SharedDomain},
    links::path,
};

/// A domain of an organization. People of `whitelisted` and `verified` domains can sign in; `pending` and `failed` ones
/// have no effect yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationDomain {
    domain: Domain,
    /// `whitelisted`: approved by you; `verified`: proved by DNS; `pending`: requested; `failed`: requested, and the
    /// DNS check failed.
    #[schema(value_type = String, example = "pending")]
    state: DomainState,
    /// The name of the TXT record that proves it.
    txt_record_name: String,
    /// The value of the record; empty until the domain is requested.
    txt_record_value: String,
    /// When it was proved by DNS; `null` if it was not.
    verified_at: Option<Timestamp>,
    /// When DNS was last checked.
    checked_at: Option<Timestamp>,
    /// Why the last check failed; empty if it succeeded.
    check_error: String,
    /// The other organizations that have it too: up to 20 of them.
    shared_with: Vec<OrganizationId>,
    created_at: Timestamp,
}

impl OrganizationDomain {
    fn new(listed: &DomainVerification, elsewhere: &[SharedDomain]) -> Self {
        let others =
            elsewhere.iter().filter(|there| listed.state.is_accepted() && there.domain == listed.domain);
        Self {
            domain: listed.domain.clone(),
            state: listed.state,
            txt_record_name: listed.record_name(),
            txt_record_value: listed.record_value().unwrap_or_default(),
            verified_at: listed.verified_at,
            checked_at: listed.checked_at,
            check_error: listed.check_error.clone().unwrap_or_default(),
            shared_with: others.map(|there| there.organization_id).collect(),
            created_at: listed.created_at,
        }
    }
}

/// One domain.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrganizationDomainReply {
    domain: OrganizationDomain,
}

/// The domains of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationDomainsReply {
    domains: Vec<OrganizationDomain>,
    /// Always empty: the list is not paged.
    next_page_token: String,
}

/// The domain to add.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct OrganizationDomainInput {
    /// The domain.
    #[schema(example = "acme.com")]
    pub domain: String,
    /// Accept it even if it is a free-mail provider's, where anybody can get an address.
    pub allow_free_mail: Option<bool>,
}

async fn reply(state: &State, actor: &Actor, listed: &DomainVerification) -> ApiResult {
    let domains = std::slice::from_ref(&listed.domain);
    let elsewhere =
        app::organizations::domains::sharing::list_others(state, actor, listed.organization_id, domains)
            .await;
    let domain = OrganizationDomain::new(listed, &elsewhere.map_err(api)?);
    Ok(HttpResponse::Ok().json(OrganizationDomainReply { domain }))
}

/// List an organization's domains
///
/// All of them in every state, by name, with the record that proves each.
#[utoipa::path(
    get,
    path = path::ORGANIZATION_DOMAINS,
    operation_id = "listOrganizationDomains",
    tag = "Organizations",
    params(("id" = OrganizationId, Path)),
    responses((status = 200, body = OrganizationDomainsReply))
)]
pub async fn list(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<String>,
) -> ApiResult {
    let organization = id("id", &path).map_err(api)?;
    let listed = app::organizations::domains::list(&state, &call.actor, organization).await.map_err(api)?;
    let domains: Vec<Domain> = listed.iter().map(|listed| listed.domain.clone()).collect();
    let elsewhere =
        app::organizations::domains::sharing::list_others(&state, &call.actor, organization, &domains).await;
    let elsewhere = elsewhere.map_err(api)?;
    Ok(HttpResponse::Ok().json(OrganizationDomainsReply {
        domains: listed.iter().map(|listed| OrganizationDomain::new(listed, &elsewhere)).collect(),
        next_page_token: String::new(),
    }))
}

/// Add a domain
///
/// It is `pending` and has no effect until it is approved or proved. A domain that is listed already stays as it is,
/// and gets a TXT record if it had none.
#[utoipa::path(
    post,
    path = path::ORGANIZATION_DOMAINS,
    operation_id = "addOrganizationDomain",
    tag = "Organizations",
    params(("id" = OrganizationId, Path)),
    request_body = OrganizationDomainInput,
    responses((status = 200, body = OrganizationDomainReply))
)]
pub async fn create(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let organization = id("id", &path).map_err(api)?;
    let text = call.body.text("domain").map_err(api)?.unwrap_or_default();
    let allow_free_mail = call.body.flag("allowFreeMail").map_err(api)?.unwrap_or(false);
    let added =
        app::organizations::domains::add(&state, &call.actor, organization, &text, allow_free_mail).await;
    reply(&state, &call.actor, &added.map_err(api)?).await
}

/// Approve a domain
///
/// It becomes `whitelisted` and takes effect. A domain of another organization then belongs to both: see `sharedWith`
/// and the event `organization.domain_shared`. A domain that another organization proved by DNS is refused.
#[utoipa::path(
    post,
    path = path::ORGANIZATION_DOMAIN_APPROVE,
    operation_id = "approveOrganizationDomain",
    tag = "Organizations",
    params(("id" = OrganizationId, Path), ("domain" = String, Path, description = "The domain.")),
    responses((status = 200, body = OrganizationDomainReply))
)]
pub async fn approve(
    state: web::Data<State>,
    call: ApiCall<ManagementKey, Fields>,
    path: web::Path<(String, String)>,
) -> ApiResult {
    let organization = id("id", &path.0).map_err(api)?;
    let approved =
        app::organizations::domains::approve(&state, &call.actor, organization, &path.1, false).await;
    reply(&state, &call.actor, &approved.map_err(api)?).await
}

/// Check a domain
///
/// Queries DNS now, at most once in ten seconds, and returns the result. A proved domain becomes `verified` and takes
/// effect.
#[utoipa::path(
    post,
    path = path::ORGANIZATION_DOMAIN_CHECK,
    operation_id = "checkOrganizationDomain",
    tag = "Organizations",
    params(("id" = OrganizationId, Path), ("domain" = String, Path, description = "The domain.")),
    responses((status = 200, body = OrganizationDomainReply))
)]
pub async fn check(
    state: web::Data<State>,
    call: ApiCall<ManagementKey, Fields>,
    path: web::Path<(String, String)>,
) -> ApiResult {
    let organization = id("id", &path.0).map_err(api)?;
    let checked = app::organizations::domains::check(&state, &call.actor, organization, &path.1).await;
    reply(&state, &call.actor, &checked.map_err(api)?).await
}

/// Remove a domain
///
/// People with addresses at it can no longer sign in.
#[utoipa::path(
    delete,
    path = path::ORGANIZATION_DOMAIN,
    operation_id = "removeOrganizationDomain",
    tag = "Organizations",
    params(("id" = OrganizationId, Path), ("domain" = String, Path, description = "The domain.")),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<(String, String)>,
) -> ApiResult {
    let organization = id("id", &path.0).map_err(api)?;
    app::organizations::domains::remove(&state, &call.actor, organization, &path.1).await.map_err(api)?;
    Ok(done())
}
