//! Discovery: by which domains of e-mail addresses people are led to their organization, and whether the vendor says so at all. Only at
//! the root.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, http::StatusCode};
use base::id::OrganizationId;
use model::domain::Domain;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    call::{Call, Json},
    error::Wso2Error,
    organizations::{
        comparisons,
        errors::{
            DISCOVERY_ELSEWHERE, DISCOVERY_EMPTY, DISCOVERY_EXISTS, DISCOVERY_MALFORMED, DISCOVERY_OFF,
            DISCOVERY_TAKEN, DISCOVERY_TYPE, DISCOVERY_TYPE_TWICE, FIELD_MISSING, FILTER_ATTRIBUTE,
            FILTER_COMPLEX, FILTER_OPERATOR, UNKNOWN, invalid, of, refuse,
        },
        objects::DiscoveryAttribute,
    },
};
use crate::app::organizations::{
    domains::discovery::{self, Discovered, DiscoveryError, NamePart},
    subtree::TextOperator,
};

type Result<T, E = Wso2Error> = std::result::Result<T, E>;

/// The one type of attributes that there is.
pub(super) const EMAIL_DOMAIN: &str = "emailDomain";

/// The property that switches it on.
const ENABLE: &str = "emailDomain.enable";

/// The maximum number of organizations that are skipped.
const MAX_OFFSET: i64 = 100_000;

fn refused(error: DiscoveryError, id: &str) -> Wso2Error {
    match error {
        DiscoveryError::Off => refuse(&DISCOVERY_OFF, ""),
        DiscoveryError::HasDomains => refuse(&DISCOVERY_EXISTS, id),
        DiscoveryError::Taken(domain) => refuse(&DISCOVERY_TAKEN, domain),
        DiscoveryError::Exists => Wso2Error::new(
            StatusCode::CONFLICT,
            "OCM-60003",
            "Organization discovery configuration already exists.",
            "The configuration of organization discovery is there already; change it with PUT.",
        ),
        DiscoveryError::Missing => Wso2Error::new(
            StatusCode::NOT_FOUND,
            "OCM-60002",
            "Organization discovery configuration not found.",
            "No configuration of organization discovery is found.",
        ),
        DiscoveryError::Other(error) => of(error, id, "", ""),
    }
}

impl<B> Call<B> {
    fn require_root(&self) -> Result<()> {
        match self.is_at_root() {
            true => Ok(()),
            false => Err(refuse(&DISCOVERY_ELSEWHERE, self.organization_text(self.organization_id))),
        }
    }

    /// The organization that a text names.
    async fn discovered(&self, text: &str) -> Result<OrganizationId> {
        let found = self.find_organization(text).await?.filter(|id| *id != self.organization_id);
        found.ok_or_else(|| refuse(&UNKNOWN, text))
    }
}

#[derive(Debug, Deserialize)]
struct Property {
    key: String,
    value: Value,
}

#[derive(Debug, Deserialize)]
struct Settings {
    properties: Vec<Property>,
}

impl Settings {
    /// Whether it is switched on.
    fn enabled(&self) -> Result<bool> {
        let mut enabled = None;
        for property in &self.properties {
            if property.key != ENABLE || enabled.is_some() {
                return Err(invalid(format!("properties must be {ENABLE}, once")));
            }
            enabled = match &property.value {
                Value::Bool(value) => Some(*value),
                Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
                _ => None,
            };
            if enabled.is_none() {
                return Err(invalid(format!("{ENABLE} must be true or false")));
            }
        }
        enabled.ok_or_else(|| invalid(format!("properties must have {ENABLE}")))
    }
}

fn settings(enabled: bool) -> Value {
    json!({ "properties": [{ "key": ENABLE, "value": enabled.to_string() }] })
}

/// Whether the vendor says whose domains are.
pub(super) async fn get_settings(call: Call) -> Result<HttpResponse> {
    match discovery::settings(&call.state, &call.principal).await? {
        Some(enabled) => Ok(HttpResponse::Ok().json(settings(enabled))),
        None => Err(refused(DiscoveryError::Missing, "")),
    }
}

async fn decide(call: Call<Json>, new: bool) -> Result<bool> {
    let Call { state, principal, body, .. } = call;
    let enabled = body.read::<Settings>()?.enabled()?;
    discovery::decide(&state, &principal, enabled, new).await.map_err(|error| refused(error, ""))?;
    Ok(enabled)
}

/// Decides it for the first time.
pub(super) async fn create_settings(call: Call<Json>) -> Result<HttpResponse> {
    Ok(HttpResponse::Created().json(settings(decide(call, true).await?)))
}

/// Decides it.
pub(super) async fn replace_settings(call: Call<Json>) -> Result<HttpResponse> {
    Ok(HttpResponse::Ok().json(settings(decide(call, false).await?)))
}

/// Forgets the decision.
pub(super) async fn delete_settings(call: Call) -> Result<HttpResponse> {
    discovery::forget(&call.state, &call.principal).await.map_err(|error| refused(error, ""))?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Debug, Deserialize)]
struct AttributeBody {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    values: Vec<String>,
}

/// The domains of these attributes.
fn domains(attributes: &[AttributeBody]) -> Result<BTreeSet<Domain>> {
    let mut domains = BTreeSet::new();
    let mut is_there = false;
    for attribute in attributes {
        if attribute.kind != EMAIL_DOMAIN {
            return Err(refuse(&DISCOVERY_TYPE, &attribute.kind));
        }
        if is_there {
            return Err(refuse(&DISCOVERY_TYPE_TWICE, EMAIL_DOMAIN));
        }
        is_there = true;
        if attribute.values.iter().all(|value| value.trim().is_empty()) {
            return Err(refuse(&DISCOVERY_EMPTY, EMAIL_DOMAIN));
        }
        for value in &attribute.values {
            let domain = Domain::parse(value).and_then(|domain| domain.ensure_claimable(false));
            domains.insert(domain.map_err(|_| refuse(&DISCOVERY_MALFORMED, value))?);
        }
    }
    match is_there {
        true => Ok(domains),
        false => Err(refuse(&DISCOVERY_EMPTY, EMAIL_DOMAIN)),
    }
}

/// Domains as attributes: none where there are none.
pub(super) fn attributes(domains: &[Domain]) -> Vec<DiscoveryAttribute> {
    match domains {
        [] => Vec::new(),
        _ => vec![DiscoveryAttribute {
            kind: EMAIL_DOMAIN,
            values: domains.iter().map(Domain::to_string).collect(),
        }],
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewBody {
    organization_id: Option<String>,
    attributes: Vec<AttributeBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DiscoveredObject {
    organization_id: String,
    organization_name: String,
    attributes: Vec<DiscoveryAttribute>,
}

impl<B> Call<B> {
    fn discovered_object(&self, found: Discovered) -> DiscoveredObject {
        DiscoveredObject {
            organization_id: self.organization_text(found.id),
            organization_name: found.name,
            attributes: attributes(&found.domains),
        }
    }
}

/// Says for the first time which domains are an organization's.
pub(super) async fn create(call: Call<Json>) -> Result<HttpResponse> {
    let (call, body) = call.take_body();
    call.require_root()?;
    let body: NewBody = body.read()?;
    let text = body.organization_id.as_deref().map(str::trim).unwrap_or_default();
    if text.is_empty() {
        return Err(refuse(&FIELD_MISSING, "organizationId"));
    }
    let id = call.discovered(text).await?;
    set(&call, (id, text), &body.attributes, true).await
}

async fn set(
    call: &Call,
    (id, text): (OrganizationId, &str),
    sent: &[AttributeBody],
    new: bool,
) -> Result<HttpResponse> {
    let domains = domains(sent)?;
    let set = discovery::set(&call.state, &call.principal, id, &domains, new).await;
    let set = set.map_err(|error| refused(error, text))?;
    let body = json!({ "attributes": attributes(&set) });
    Ok(match new {
        true => HttpResponse::Created().json(body),
        false => HttpResponse::Ok().json(body),
    })
}

/// The domains that are an organization's.
pub(super) async fn get(call: Call) -> Result<HttpResponse> {
    call.require_root()?;
    let id = call.discovered(call.path("id")).await?;
    let found = discovery::domains(&call.state, &call.principal, id).await;
    let found = found.map_err(|error| refused(error, call.path("id")))?;
    Ok(HttpResponse::Ok().json(json!({ "attributes": attributes(&found) })))
}

#[derive(Debug, Deserialize)]
struct ReplacementBody {
    attributes: Vec<AttributeBody>,
}

/// Says which domains are an organization's from now on.
pub(super) async fn replace(call: Call<Json>) -> Result<HttpResponse> {
    let (call, body) = call.take_body();
    call.require_root()?;
    let text = call.path("id");
    let id = call.discovered(text).await?;
    let body: ReplacementBody = body.read()?;
    set(&call, (id, text), &body.attributes, false).await
}

/// Says that no domain is an organization's any more.
pub(super) async fn delete(call: Call) -> Result<HttpResponse> {
    call.require_root()?;
    let text = call.path("id");
    let id = call.discovered(text).await?;
    let removed = discovery::set(&call.state, &call.principal, id, &BTreeSet::new(), false).await;
    removed.map_err(|error| refused(error, text))?;
    Ok(HttpResponse::NoContent().finish())
}

#[derive(Debug, Deserialize)]
struct CheckBody {
    #[serde(rename = "type")]
    kind: String,
    value: String,
}

/// Whether a domain is no organization's.
pub(super) async fn check(call: Call<Json>) -> Result<HttpResponse> {
    let (call, body) = call.take_body();
    call.require_root()?;
    let body: CheckBody = body.read()?;
    if body.kind != EMAIL_DOMAIN {
        return Err(refuse(&DISCOVERY_TYPE, &body.kind));
    }
    let domain = Domain::parse(&body.value).map_err(|_| refuse(&DISCOVERY_MALFORMED, &body.value))?;
    let free = discovery::is_free(&call.state, &call.principal, &domain).await;
    let available = free.map_err(|error| refused(error, ""))?;
    Ok(HttpResponse::Ok().json(json!({ "available": available })))
}

/// The organizations with such domains.
pub(super) async fn list(call: Call) -> Result<HttpResponse> {
    call.require_root()?;
    let name = match call.query("filter") {
        Some(filter) => Some(name_part(&filter)?),
        None => None,
    };
    let offset = match call.query("offset").map(|text| text.trim().parse::<i64>()) {
        None => 0,
        Some(Ok(offset)) if (0..=MAX_OFFSET).contains(&offset) => offset,
        Some(_) => return Err(invalid(format!("offset must be a number up to {MAX_OFFSET}"))),
    };
    let page = (offset, call.limit()?);
    let listed = discovery::list(&call.state, &call.principal, name.as_ref(), page).await;
    let (listed, total) = listed.map_err(|error| refused(error, ""))?;
    let organizations: Vec<_> = listed.into_iter().map(|found| call.discovered_object(found)).collect();
    Ok(HttpResponse::Ok().json(json!({
        "totalResults": total,
        "startIndex": offset + 1,
        "count": organizations.len(),
        "links": [],
        "organizations": organizations,
    })))
}

fn name_part(filter: &str) -> Result<NamePart> {
    let found = comparisons(filter)?;
    let [one] = found.as_slice() else { return Err(refuse(&FILTER_COMPLEX, "")) };
    if one.attribute != "organizationName" {
        return Err(refuse(&FILTER_ATTRIBUTE, &one.attribute));
    }
    let operator = one.text_operator().ok_or_else(|| refuse(&FILTER_OPERATOR, &one.attribute))?;
    let around = match operator {
        TextOperator::Equal => (false, false),
        TextOperator::Contains => (true, true),
        TextOperator::StartsWith => (false, true),
        TextOperator::EndsWith => (true, false),
    };
    Ok(NamePart { text: one.value.clone(), around })
}
