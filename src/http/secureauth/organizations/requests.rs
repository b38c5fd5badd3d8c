//! What callers send about organizations.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{
    app::{
        Result,
        organizations::document::{MetadataDocument, OrganizationDocument},
    },
    http::secureauth::call::present,
};

/// An organization to create, or what it is from now on. Unknown members are ignored.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default)]
#[schema(as = SecureauthOrganizationInput)]
pub struct OrganizationBody {
    /// Of a new organization: the id that you choose for it, up to 64 letters, digits, `_` and `-`; random if absent.
    pub(super) id: Option<String>,
    /// Its name, unique in the environment: up to 255 characters.
    #[schema(example = "acme-corp-001", required = true)]
    name: Option<String>,
    /// Its name for people; empty or `null` for none.
    #[serde(rename = "displayName", deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "ACME Corporation")]
    display_name: Option<Option<String>>,
    /// The same.
    #[serde(rename = "display_name", deserialize_with = "present")]
    #[schema(ignore)]
    other_display_name: Option<Option<String>>,
    /// What you say of it.
    description: Option<String>,
    /// Its colour, `#RRGGBB`; empty or `null` for none. Absent, of a new organization: the template's.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    color: Option<Option<String>>,
    /// Whom to write to; empty or `null` for nobody.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    /// Of a new organization: the template that it gets its settings from, by its id or its name; the environment's default
    /// one if absent or `null`, none if empty.
    template_id: Option<String>,
    /// The organization above it; none if empty. Absent or `null`: the environment's default one above a new organization, else
    /// none.
    parent_id: Option<String>,
    /// Whether it is a template, from which others are made.
    template: Option<bool>,
    /// Whether it is switched off.
    deactivated: Option<bool>,
    /// The domains whose people may sign in.
    domains: Option<Vec<String>>,
    /// How its people may authenticate: some of `password`, `webauthn`, `totp`, `otp`, `email_otp` and `sms_otp`; `null` for
    /// no restriction. Absent, of a new organization: as its template has it.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>)]
    authentication_mechanisms: Option<Option<Vec<String>>>,
    /// What your programs keep with it: `{"payload": {…}, "schema": {…}}`, or the payload itself.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Map<String, Value>>,
}

impl OrganizationBody {
    /// The id that the caller chose.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !id.is_empty())
    }

    /// The template that the caller names.
    pub(super) fn template_id(&self) -> Option<&str> {
        self.template_id.as_deref()
    }

    /// The document.
    pub(super) fn document(self) -> Result<OrganizationDocument> {
        // A text that is null is none: as where it is empty.
        let text = |given: Option<Option<String>>| given.map(Option::unwrap_or_default);
        Ok(OrganizationDocument {
            name: self.name,
            display_name: text(self.display_name.or(self.other_display_name)),
            description: self.description,
            color: text(self.color),
            contact_email: text(self.email),
            parent: self.parent_id,
            template: self.template,
            deactivated: self.deactivated,
            domains: self.domains,
            authentication_mechanisms: self.authentication_mechanisms,
            metadata: self.metadata.map(MetadataDocument::read).transpose()?,
        })
    }
}

/// The metadata of an organization.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SecureauthMetadataInput)]
pub struct MetadataBody {
    /// The metadata, which must match the schema.
    #[schema(required = false, value_type = Object, example = json!({ "salesforceId": "001xx000003DGb2AAG" }))]
    #[expect(dead_code, reason = "describes what the handler reads in either of its two forms")]
    payload: Map<String, Value>,
    /// The JSON Schema (draft 2020-12) of the metadata from now on; absent, it stays as it is.
    #[schema(required = false, value_type = Object)]
    #[expect(dead_code, reason = "describes what the handler reads in either of its two forms")]
    schema: Map<String, Value>,
}
