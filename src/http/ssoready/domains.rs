//! `/v1/organizations/{id}/domains`: an organization's domains and the state of their verification.

use actix_web::{HttpResponse, web};
use base::{
    id::{OrganizationDomainId, OrganizationId},
    time::Timestamp,
};
use model::{
    domain::{Domain, DomainState},
    organization_domain,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    call::{ApiCall, ManagementKey},
    fields::Fields,
    reply::{ApiResult, api, done, versioned},
    schema::{Done, IfMatch},
};
use crate::{
    app::{
        self, State,
        organizations::{
            domains::{NewDomain, sharing::SharedDomain},
            reference,
        },
        principal::Principal,
    },
    links::path,
};

/// A domain of an organization. People of `whitelisted` and `verified` domains can sign in; `pending` and `failed` ones
/// have no effect yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationDomain {
    id: OrganizationDomainId,
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
    /// Since when the record that proved it is lost: three looks in a row, a day apart, have not found it; `null` while it is not.
    record_lost_at: Option<Timestamp>,
    /// Until when a proved domain whose record is gone counts; `null` for all others.
    counts_until: Option<Timestamp>,
    /// The other organizations that have it too: up to 20 of them.
    shared_with: Vec<OrganizationId>,
    created_at: Timestamp,
}

impl OrganizationDomain {
    fn new(
        state: &State,
        listed: &organization_domain::OrganizationDomain,
        elsewhere: &[SharedDomain],
    ) -> Self {
        let others =
            elsewhere.iter().filter(|there| listed.state.is_accepted() && there.domain == listed.domain);
        Self {
            id: listed.id,
            domain: listed.domain.clone(),
            state: listed.state,
            txt_record_name: listed.record_name(),
            txt_record_value: listed.record_value().unwrap_or_default(),
            verified_at: listed.verified_at,
            checked_at: listed.checked_at,
            check_error: listed.check_error.clone().unwrap_or_default(),
            record_lost_at: listed.record_lost_at,
            counts_until: listed.counts_until(state.settings.lost_record_grace),
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

async fn reply(
    state: &State,
    principal: &Principal,
    listed: &organization_domain::OrganizationDomain,
) -> ApiResult {
    let domains = std::slice::from_ref(&listed.domain);
    let elsewhere =
        app::organizations::domains::sharing::list_others(state, principal, listed.organization_id, domains)
            .await;
    let domain = OrganizationDomain::new(state, listed, &elsewhere.map_err(api)?);
    Ok(versioned(listed.version, OrganizationDomainReply { domain }))
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
    let organization = reference::resolve(&state, &call.principal, "id", &path).await.map_err(api)?;
    let listed =
        app::organizations::domains::list(&state, &call.principal, organization).await.map_err(api)?;
    let domains: Vec<Domain> = listed.iter().map(|listed| listed.domain.clone()).collect();
    let elsewhere =
        app::organizations::domains::sharing::list_others(&state, &call.principal, organization, &domains)
            .await;
    let elsewhere = elsewhere.map_err(api)?;
    Ok(HttpResponse::Ok().json(OrganizationDomainsReply {
        domains: listed.iter().map(|listed| OrganizationDomain::new(&state, listed, &elsewhere)).collect(),
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
    request_body = NewDomain,
    responses((status = 200, body = OrganizationDomainReply))
)]
pub async fn create(
    state: web::Data<State>,
    mut call: ApiCall<ManagementKey, Fields>,
    path: web::Path<String>,
) -> ApiResult {
    let organization = reference::resolve(&state, &call.principal, "id", &path).await.map_err(api)?;
    let wanted = call.body.change().map_err(api)?;
    let added = app::organizations::domains::add(&state, &call.principal, organization, &wanted).await;
    reply(&state, &call.principal, &added.map_err(api)?).await
}

/// Get a domain
///
/// With the record that proves it.
#[utoipa::path(
    get,
    path = path::ORGANIZATION_DOMAIN,
    operation_id = "getOrganizationDomain",
    tag = "Organizations",
    params(("id" = OrganizationId, Path), ("domain" = String, Path, description = "The domain, or its id.")),
    responses((status = 200, body = OrganizationDomainReply))
)]
pub async fn find(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<(String, String)>,
) -> ApiResult {
    let organization = reference::resolve(&state, &call.principal, "id", &path.0).await.map_err(api)?;
    let found = app::organizations::domains::find(&state, &call.principal, organization, &path.1).await;
    reply(&state, &call.principal, &found.map_err(api)?).await
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
    params(("id" = OrganizationId, Path), ("domain" = String, Path, description = "The domain, or its id."), IfMatch),
    responses((status = 200, body = OrganizationDomainReply))
)]
pub async fn approve(
    state: web::Data<State>,
    call: ApiCall<ManagementKey, Fields>,
    path: web::Path<(String, String)>,
) -> ApiResult {
    let organization = reference::resolve(&state, &call.principal, "id", &path.0).await.map_err(api)?;
    let expected = call.if_match.as_ref();
    let approved =
        app::organizations::domains::approve(&state, &call.principal, organization, &path.1, expected, false)
            .await;
    reply(&state, &call.principal, &approved.map_err(api)?).await
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
    params(("id" = OrganizationId, Path), ("domain" = String, Path, description = "The domain, or its id."), IfMatch),
    responses((status = 200, body = OrganizationDomainReply))
)]
pub async fn check(
    state: web::Data<State>,
    call: ApiCall<ManagementKey, Fields>,
    path: web::Path<(String, String)>,
) -> ApiResult {
    let organization = reference::resolve(&state, &call.principal, "id", &path.0).await.map_err(api)?;
    let expected = call.if_match.as_ref();
    let checked =
        app::organizations::domains::check(&state, &call.principal, organization, &path.1, expected).await;
    reply(&state, &call.principal, &checked.map_err(api)?).await
}

/// Remove a domain
///
/// People with addresses at it can no longer sign in.
#[utoipa::path(
    delete,
    path = path::ORGANIZATION_DOMAIN,
    operation_id = "removeOrganizationDomain",
    tag = "Organizations",
    params(("id" = OrganizationId, Path), ("domain" = String, Path, description = "The domain, or its id."), IfMatch),
    responses((status = 200, body = Done))
)]
pub async fn remove(
    state: web::Data<State>,
    call: ApiCall<ManagementKey>,
    path: web::Path<(String, String)>,
) -> ApiResult {
    let organization = reference::resolve(&state, &call.principal, "id", &path.0).await.map_err(api)?;
    let expected = call.if_match.as_ref();
    let removed =
        app::organizations::domains::remove(&state, &call.principal, organization, &path.1, expected).await;
    removed.map_err(api)?;
    Ok(done())
}
