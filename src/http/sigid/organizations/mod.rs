//! Organizations: listed, made, read, replaced and deleted.

mod objects;

use actix_web::{HttpResponse, http::header};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

pub use objects::OrganizationObject;

use super::{
    call::{Call, JsonObject, present},
    error::SigidError,
    reply::{self, SigidResult, versioned},
};
use crate::app::members::organizations::{
    self, NewOrganization, OrganizationReplacement, OrganizationsQuery,
};

/// List organizations
///
/// A user sees those of which they are a member; a tenant administrator and a service client see all.
pub async fn list(call: Call) -> SigidResult {
    let query = call.query();
    let wanted = OrganizationsQuery {
        search: query.text("search"),
        status: query.text("status"),
        external_id: query.text("external_id"),
        cursor: query.cursor(),
        limit: query.limit()?,
    };
    let page = organizations::list(&call.state, &call.caller, &wanted).await?;
    Ok(reply::list(page, OrganizationObject::new))
}

/// A new organization.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SigidOrganizationBody)]
pub struct NewBody {
    /// Its name.
    pub name: String,
    /// Its short name: 2 to 64 lower-case letters, digits and hyphens; one is made of the name where none is given.
    pub slug: Option<String>,
    /// What is said of it.
    pub description: Option<String>,
    /// Your own id for it, unique in the tenant.
    pub external_id: Option<String>,
    /// What programs keep with it.
    #[schema(value_type = Object)]
    pub metadata: Option<Map<String, Value>>,
    /// The organization above it, which the caller administers.
    pub parent_id: Option<String>,
    /// The template of which it gets a copy of the settings.
    pub template_id: Option<String>,
    /// Who owns it. Only a service client says so.
    pub owner_user_id: Option<String>,
}

/// Create an organization
///
/// A user who makes one owns it. Domains are added afterwards, and are proved by DNS.
pub async fn create(call: Call<JsonObject>) -> SigidResult {
    let (call, body) = call.take_body();
    if body.0.contains_key("domains") {
        let what = "are not accepted here: add them to the organization, and prove them by DNS";
        return Err(SigidError::violations([("domains".to_owned(), what.to_owned())]));
    }
    let body: NewBody = body.read()?;
    let new = NewOrganization {
        name: body.name,
        slug: body.slug,
        description: body.description,
        external_id: body.external_id,
        metadata: body.metadata,
        parent: body.parent_id,
        template: body.template_id,
        owner: body.owner_user_id,
    };
    let made = organizations::create(&call.state, &call.caller, &new).await?;
    let version = made.organization.version;
    let location = format!("{}/{}", crate::links::path::SIGID_ORGANIZATIONS, made.organization.id);
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, location));
    Ok(versioned(response, version, &OrganizationObject::new(made)))
}

/// Get an organization
pub async fn get(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    let found = organizations::find(&call.state, &standing).await?;
    Ok(versioned(HttpResponse::Ok(), found.organization.version, &OrganizationObject::new(found)))
}

/// An organization as it is to be. What is absent of `slug`, `owner_user_id`, `parent_id`, `status` and `external_id` stays as it
/// is; the others are reset.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SigidOrganizationReplacement)]
pub struct ReplaceBody {
    /// Its name.
    pub name: String,
    /// What is said of it.
    pub description: Option<String>,
    /// What programs keep with it.
    #[schema(value_type = Object)]
    pub metadata: Option<Map<String, Value>>,
    /// Whether those who administer it need a second factor for that.
    pub require_admin_mfa: Option<bool>,
    /// Its short name, which the owner changes.
    pub slug: Option<String>,
    /// Its owner, which a transfer of ownership changes.
    #[serde(default, deserialize_with = "present")]
    pub owner_user_id: Option<Option<String>>,
    /// The organization above it, which the vendor changes.
    #[serde(default, deserialize_with = "present")]
    pub parent_id: Option<Option<String>>,
    /// `active` or `disabled`; the vendor changes it.
    pub status: Option<String>,
    /// The vendor's own id for it.
    #[serde(default, deserialize_with = "present")]
    pub external_id: Option<Option<String>>,
}

/// Replace an organization
pub async fn replace(call: Call<JsonObject>) -> SigidResult {
    let (call, body) = call.take_body();
    let standing = call.enter().await?;
    let body: ReplaceBody = body.read()?;
    let wanted = OrganizationReplacement {
        name: body.name,
        description: body.description.unwrap_or_default(),
        metadata: body.metadata.unwrap_or_default(),
        require_admin_mfa: body.require_admin_mfa.unwrap_or(false),
        slug: body.slug,
        owner: body.owner_user_id,
        parent: body.parent_id,
        status: body.status,
        external_id: body.external_id,
    };
    let changed = organizations::replace(&call.state, &standing, call.if_match.as_ref(), &wanted).await?;
    Ok(versioned(HttpResponse::Ok(), changed.organization.version, &OrganizationObject::new(changed)))
}

/// Delete an organization
///
/// Its memberships end, and what was given for it; its connections and directories go. The audit log stays.
pub async fn remove(call: Call) -> SigidResult {
    let standing = call.enter().await?;
    organizations::remove(&call.state, &standing, call.if_match.as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
