//! Organizations as the API and the command line show them.

use std::collections::BTreeMap;

use base::id::{EnvironmentId, OrganizationId};
use model::{domain::Domain, email::Email, organization::Organization};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::domains::sharing;
use crate::app::{Result, State, principal::Principal};

/// One of your customers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
pub struct OrganizationObject {
    id: OrganizationId,
    environment_id: EnvironmentId,
    /// Its name for people.
    #[schema(example = "Acme")]
    display_name: String,
    /// Your own id for it; empty for none.
    #[schema(example = "customer-42")]
    external_id: String,
    /// Whether it is switched off: its logins and the requests of its directories are refused.
    disabled: bool,
    /// The domains whose people may sign in, sorted: those that you named and those that DNS proved.
    domains: Vec<Domain>,
    /// Those of them that belong to another organization of the environment too, sorted: the identity provider of
    /// either can sign in people of both. Omitted if there is none. `/v1/organizations/{id}/domains` returns the
    /// organizations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    shared_domains: Vec<Domain>,
    /// What follows is omitted where it is not set.
    #[serde(flatten)]
    profile: Profile,
}

/// What an organization has besides: each omitted where it is not set.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrganizationProfile)]
struct Profile {
    /// The organization above it; omitted where that is the environment's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = OrganizationId)]
    parent_id: Option<OrganizationId>,
    /// What shows where it has no `displayName`; unique for SecureAuth's API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    name: Option<String>,
    /// Whether it is a template, from which others are made.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    template: bool,
    /// The template that it was made from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = OrganizationId)]
    template_id: Option<OrganizationId>,
    /// When it got the template's settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    template_applied_at: Option<String>,
    /// What you say of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    description: String,
    /// Its colour, `#rrggbb`.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false, example = "#007fff")]
    color: String,
    /// Whom to write to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    contact_email: Option<String>,
    /// What your programs keep with it.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(required = false)]
    metadata: Map<String, Value>,
    /// The JSON Schema that new metadata must match.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(required = false)]
    metadata_schema: Map<String, Value>,
    /// Free text by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    attributes: BTreeMap<String, String>,
    /// How its people may authenticate, where that is restricted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Vec<String>)]
    authentication_mechanisms: Option<Vec<&'static str>>,
}

impl From<&Organization> for Profile {
    fn from(organization: &Organization) -> Self {
        let applied = organization.applied_template;
        let mechanisms = organization.authentication_mechanisms.as_ref();
        Self {
            parent_id: organization.parent(),
            name: organization.name.clone(),
            template: organization.template,
            template_id: applied.map(|template| template.id),
            template_applied_at: applied.map(|template| template.at.to_string()),
            description: organization.description.clone(),
            color: organization.color.clone(),
            contact_email: organization.contact_email.as_ref().map(Email::as_str).map(str::to_owned),
            metadata: organization.metadata.to_map(),
            metadata_schema: organization.metadata_schema.to_map(),
            attributes: organization.attributes.clone(),
            authentication_mechanisms: mechanisms.map(|all| all.iter().map(|one| one.as_str()).collect()),
        }
    }
}

impl OrganizationObject {
    fn new(organization: &Organization, shared_domains: Vec<Domain>) -> Self {
        Self {
            id: organization.id,
            environment_id: organization.environment_id,
            display_name: organization.shown_name().to_owned(),
            external_id: organization.external_id.clone().unwrap_or_default(),
            disabled: organization.is_disabled(),
            domains: organization.accepted_domains().cloned().collect(),
            shared_domains,
            profile: organization.into(),
        }
    }

    /// Whether `domain` belongs to another organization too.
    pub fn shares(&self, domain: &Domain) -> bool {
        self.shared_domains.contains(domain)
    }
}

/// Organizations as the API shows them, with their shared domains.
pub async fn objects(
    state: &State,
    principal: &Principal,
    organizations: &[Organization],
) -> Result<Vec<OrganizationObject>> {
    let ids: Vec<OrganizationId> = organizations.iter().map(|organization| organization.id).collect();
    let mut shared = sharing::list(state, principal, &ids).await?;
    let described = |organization: &Organization| {
        OrganizationObject::new(organization, shared.remove(&organization.id).unwrap_or_default())
    };
    Ok(organizations.iter().map(described).collect())
}

/// An organization as the API shows it, with its shared domains.
pub async fn object(
    state: &State,
    principal: &Principal,
    organization: &Organization,
) -> Result<OrganizationObject> {
    let mut shared = sharing::list(state, principal, &[organization.id]).await?;
    Ok(OrganizationObject::new(organization, shared.remove(&organization.id).unwrap_or_default()))
}
