//! `/v1/organizations/{id}/domains`: an organization's domains with how far their proof has come.

use actix_web::{HttpResponse, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Answer, api, done,
    fields::{Fields, id},
    schema::Done,
};
use crate::{
    app::{self, State, actor::Actor, shared_domains::SharedDomain},
    http::extract::{Call, ManagementKey},
    links::path,
    model::{
        domain::{Domain, DomainState},
        id::OrganizationId,
        listed_domain::ListedDomain,
        time::Timestamp,
    },
};

/// A domain of an organization. `whitelisted` and `verified` ones count; `pending` and `failed` ones count
/// for nothing yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationDomain {
    domain: Domain,
    /// `whitelisted`: by your word; `verified`: by DNS; `pending`: asked for; `failed`: asked for, and DNS did not
    /// prove it.
    #[schema(value_type = String, example = "pending")]
    state: DomainState,
    /// The TXT record that proves it.
    txt_record_name: String,
    /// What the record says; empty until somebody asks for a proof.
    txt_record_value: String,
    /// When DNS proved it; `null`: it did not.
    verified_at: Option<Timestamp>,
    /// When DNS was last asked.
    checked_at: Option<Timestamp>,
    /// Why it proved nothing then; empty when it did.
    check_error: String,
    /// For which other organizations it counts too: up to 20 of them.
    shared_with: Vec<OrganizationId>,
    created_at: Timestamp,
}

impl OrganizationDomain {
    fn new(listed: &ListedDomain, elsewhere: &[SharedDomain]) -> Self {
        let others = elsewhere.iter().filter(|there| listed.state.counts() && there.domain == listed.domain);
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
    /// Always empty: this list comes whole.
    next_page_token: String,
}

/// Which domain is asked for.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct OrganizationDomainInput {
    /// The domain.
    #[schema(example = "acme.com")]
    pub domain: String,
    /// Take it even if it is a free-mail provider's, where anybody can get an address.
    pub allow_free_mail: Option<bool>,
}

async fn one(state: &State, actor: &Actor, listed: &ListedDomain) -> Answer {
    let domains = std::slice::from_ref(&listed.domain);
    let elsewhere = app::shared_domains::list_others(state, actor, listed.organization_id, domains).await;
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
pub async fn list(state: web::Data<State>, call: Call<ManagementKey>, path: web::Path<String>) -> Answer {
    let organization = id("id", &path).map_err(api)?;
    let listed = app::domains::list(&state, &call.actor, organization).await.map_err(api)?;
    let domains: Vec<Domain> = listed.iter().map(|listed| listed.domain.clone()).collect();
    let elsewhere = app::shared_domains::list_others(&state, &call.actor, organization, &domains).await;
    let elsewhere = elsewhere.map_err(api)?;
    Ok(HttpResponse::Ok().json(OrganizationDomainsReply {
        domains: listed.iter().map(|listed| OrganizationDomain::new(listed, &elsewhere)).collect(),
        next_page_token: String::new(),
    }))
}

/// Ask for a domain
///
/// It is `pending` and counts for nothing until it is approved or proved. One that is listed already stays as it
/// is, and gets a record to publish if it had none.
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
    mut call: Call<ManagementKey, Fields>,
    path: web::Path<String>,
) -> Answer {
    let organization = id("id", &path).map_err(api)?;
    let text = call.body.text("domain").map_err(api)?.unwrap_or_default();
    let allow_free_mail = call.body.flag("allowFreeMail").map_err(api)?.unwrap_or(false);
    let added = app::domains::add(&state, &call.actor, organization, &text, allow_free_mail).await;
    one(&state, &call.actor, &added.map_err(api)?).await
}

/// Approve a domain
///
/// It counts from now on, by your word: `whitelisted`. One that counts for another organization already counts for
/// both: see `sharedWith`, and the event `organization.domain_shared`. What DNS proved to be another organization's is
/// refused.
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
    call: Call<ManagementKey, Fields>,
    path: web::Path<(String, String)>,
) -> Answer {
    let organization = id("id", &path.0).map_err(api)?;
    let approved = app::domains::approve(&state, &call.actor, organization, &path.1, false).await;
    one(&state, &call.actor, &approved.map_err(api)?).await
}

/// Check a domain
///
/// Asks DNS now, once in ten seconds, and says what it found. One that is proved counts from now on: `verified`.
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
    call: Call<ManagementKey, Fields>,
    path: web::Path<(String, String)>,
) -> Answer {
    let organization = id("id", &path.0).map_err(api)?;
    let checked = app::domains::check(&state, &call.actor, organization, &path.1).await;
    one(&state, &call.actor, &checked.map_err(api)?).await
}

/// Remove a domain
///
/// People with addresses of it no longer sign in.
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
    call: Call<ManagementKey>,
    path: web::Path<(String, String)>,
) -> Answer {
    let organization = id("id", &path.0).map_err(api)?;
    app::domains::remove(&state, &call.actor, organization, &path.1).await.map_err(api)?;
    Ok(done())
}
