//! Domains of an organization: claimed, proved by DNS, switched and given up.

mod objects;

use actix_web::{HttpResponse, http::header};
use model::organization_domain::AutoJoinRole;
use serde::Deserialize;
use utoipa::ToSchema;

pub use objects::DomainObject;

use super::{
    call::{Call, JsonObject},
    error::SigidError,
    reply::{self, SigidResult, versioned},
};
use crate::app::organizations::domains::{self, DomainSwitches, DomainsQuery};

/// List the domains of an organization
///
/// In the order in which they were added; with `status` only those in that state.
pub async fn list(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    let (_, organization) = standing.place();
    let query = call.query();
    let wanted = DomainsQuery { status: query.text("status"), cursor: query.cursor(), limit: query.limit()? };
    let page = domains::list_page(&call.state, &standing.principal, organization, &wanted).await?;
    Ok(reply::list(page, DomainObject::new))
}

/// A domain to claim.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SigidDomainBody)]
pub struct NewBody {
    /// The domain, as people write it; it is kept in lower-case A-labels.
    #[schema(example = "acme.com")]
    pub domain: String,
}

/// Claim a domain
///
/// It is `pending`, and does nothing until it is verified and switched on. The claims of other organizations do not matter.
pub async fn create(call: Call<JsonObject>) -> SigidResult {
    let standing = call.enter().await?;
    let (call, body) = call.take_body();
    let (_, organization) = standing.place();
    let body: NewBody = body.read()?;
    let claimed = domains::claim(&call.state, &standing.principal, organization, &body.domain).await?;
    let mut response = HttpResponse::Created();
    let location = format!("{}/{}", call.request.path(), objects::id_of(&claimed));
    response.insert_header((header::LOCATION, location));
    Ok(versioned(response, claimed.version, &DomainObject::new(claimed)))
}

/// Get a domain
pub async fn get(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    let (_, organization) = standing.place();
    let found = domains::find(&call.state, &standing.principal, organization, call.path("domain")).await?;
    Ok(versioned(HttpResponse::Ok(), found.version, &DomainObject::new(found)))
}

/// What a domain does.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SigidDomainSwitches)]
pub struct SwitchesBody {
    /// Whether sign-in leads people with an address of the domain to the organization.
    pub routing_enabled: Option<bool>,
    /// Whether users with a verified address of it become members by themselves.
    pub auto_join_enabled: Option<bool>,
    /// What they become: `member`, or `admin`, which only the owner says.
    pub auto_join_role: Option<String>,
}

/// Change what a domain does
///
/// Switching on takes a verified domain.
pub async fn update(call: Call<JsonObject>) -> SigidResult {
    let standing = call.enter().await?;
    let (call, body) = call.take_body();
    let (_, organization) = standing.place();
    let body: SwitchesBody = body.read()?;
    let role: Option<AutoJoinRole> = match body.auto_join_role.as_deref() {
        None => None,
        Some(name) => Some(name.parse().map_err(|_| {
            SigidError::violations([("auto_join_role".to_owned(), "must be member or admin".to_owned())])
        })?),
    };
    let wanted = DomainSwitches {
        routing_enabled: body.routing_enabled,
        auto_join_enabled: body.auto_join_enabled,
        auto_join_role: role,
    };
    let (key, expected) = (call.path("domain"), call.if_match.as_ref());
    let changed =
        domains::change(&call.state, &standing.principal, organization, key, expected, wanted).await?;
    Ok(versioned(HttpResponse::Ok(), changed.version, &DomainObject::new(changed)))
}

/// Give up a domain
///
/// At once it leads nobody to the organization and makes nobody its member. Members stay.
pub async fn delete(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    let (_, organization) = standing.place();
    let (key, expected) = (call.path("domain"), call.if_match.as_ref());
    domains::release(&call.state, &standing.principal, organization, key, expected).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How a verification is started.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[schema(as = SigidDomainVerification)]
pub struct VerifyBody {
    /// Whether a verified domain is to show a new record too.
    #[serde(default)]
    pub restart: bool,
}

/// Start the verification of a domain
///
/// Or start it again: with a new record to publish, within 30 days.
pub async fn verify(call: Call<JsonObject>) -> SigidResult {
    let standing = call.enter().await?;
    let (call, body) = call.take_body();
    let (_, organization) = standing.place();
    let body: VerifyBody = body.read()?;
    let (key, expected) = (call.path("domain"), call.if_match.as_ref());
    let begun =
        domains::start(&call.state, &standing.principal, organization, key, expected, body.restart).await?;
    Ok(versioned(HttpResponse::Ok(), begun.version, &DomainObject::new(begun)))
}

/// Look for the record of a domain
///
/// DNS is queried now, six times a minute at most. Without the record the domain stays `pending` until the time for it is over.
pub async fn confirm(call: Call<JsonObject>) -> SigidResult {
    let standing = call.enter().await?;
    let (_, organization) = standing.place();
    let (key, expected) = (call.path("domain"), call.if_match.as_ref());
    let asked = domains::confirm(&call.state, &standing.principal, organization, key, expected).await?;
    Ok(versioned(HttpResponse::Ok(), asked.version, &DomainObject::new(asked)))
}
