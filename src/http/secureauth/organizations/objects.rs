//! Organizations as the surface shows them.

use model::{domain::Domain, email::Email, organization::Organization};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    app::{
        State,
        authorization_server::issuers::{self, Tenant},
        organizations::lists::OrganizationInTree,
    },
    http::secureauth::reply::hex_id,
};

/// The metadata of an organization, with its schema.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthMetadata)]
pub struct MetadataObject {
    /// The metadata.
    #[schema(value_type = Object, example = json!({ "salesforceId": "001xx000003DGb2AAG" }))]
    payload: Map<String, Value>,
    /// The JSON Schema that new metadata must match; `{}` for any.
    #[schema(value_type = Object)]
    schema: Map<String, Value>,
}

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthOrganization)]
pub struct OrganizationObject {
    /// Its id: the one that a client chose, else 32 hexadecimal digits.
    #[schema(example = "c74c00101ecf45c6a08e5f4a370bd71a")]
    id: String,
    /// Its name.
    #[schema(example = "acme-corp-001")]
    name: String,
    /// Its name for people; omitted where it has none.
    #[serde(rename = "displayName", skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String, example = "ACME Corporation")]
    display_name: Option<String>,
    /// What you say of it.
    description: String,
    /// Whom to write to; omitted where that is nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = String)]
    email: Option<String>,
    /// The organization above it; empty where that is the environment's own.
    parent_id: String,
    /// Its colour, `#RRGGBB`; empty for none.
    color: String,
    /// What your programs keep with it.
    metadata: MetadataObject,
    /// The domains whose people may sign in; `null` for none.
    domains: Option<Vec<String>>,
    /// How its people may authenticate; `null` for no restriction.
    #[schema(example = json!(["password", "webauthn"]))]
    authentication_mechanisms: Option<Vec<&'static str>>,
    /// Whether it is switched off.
    deactivated: bool,
    /// The issuer of its tokens.
    issuer_url: String,
    /// Always `null`.
    theme_id: Option<String>,
    /// Always empty.
    subject_format: &'static str,
    /// Always empty: it is a secret.
    subject_identifier_algorithm_salt: &'static str,
    /// Whether it is a template, from which others are made.
    template: bool,
    /// How many organizations are directly below it.
    number_of_child_organizations: i64,
}

impl OrganizationObject {
    /// An organization of an environment, as the surface shows it.
    pub(super) fn new(state: &State, tenant: &Tenant, found: OrganizationInTree) -> Self {
        let OrganizationInTree { organization, parent, children } = found;
        let alias = organization.public_alias.as_ref().map(|alias| alias.as_str());
        let segment = issuers::organization_segment(tenant.environment_id, organization.id, alias);
        let domains: Vec<String> = organization.accepted_domains().map(Domain::to_string).collect();
        let mechanisms = organization.authentication_mechanisms.as_ref();
        Self {
            id: organization.public_id(),
            name: name(&organization),
            display_name: Some(organization.display_name.clone()).filter(|name| !name.is_empty()),
            description: organization.description.clone(),
            email: organization.contact_email.as_ref().map(Email::as_str).map(str::to_owned),
            parent_id: parent,
            color: organization.color.clone(),
            metadata: MetadataObject {
                payload: organization.metadata.to_map(),
                schema: organization.metadata_schema.to_map(),
            },
            domains: Some(domains).filter(|domains| !domains.is_empty()),
            authentication_mechanisms: mechanisms.map(|all| all.iter().map(|one| one.as_str()).collect()),
            deactivated: organization.is_disabled(),
            issuer_url: state.links.workspace_issuer(&tenant.name, &segment),
            theme_id: None,
            subject_format: "",
            subject_identifier_algorithm_salt: "",
            template: organization.template,
            number_of_child_organizations: children,
        }
    }
}

/// The name; where there is none, the display name, else the id.
fn name(organization: &Organization) -> String {
    let named = organization.name.clone().filter(|name| !name.is_empty());
    named.unwrap_or_else(|| match organization.display_name.trim() {
        "" => hex_id(organization.id),
        name => name.to_owned(),
    })
}
