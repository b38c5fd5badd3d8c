//! Organizations as SecureAuth's API writes them: whole documents, with names that are unique in the environment, ids that
//! the client may choose, and defaults of the environment (contracts: organizations, template and parent resolution, metadata).

use base::id::OrganizationId;
use model::{
    entity_tag::EntityTags,
    organization::{Organization, OrganizationStatus},
    organization_reference::PublicAlias,
};
use serde_json::{Map, Value};

use super::{
    domains::list::set_domains,
    error::OrganizationError,
    fields, metadata,
    write::{self, ChangeRules, NewOrganization, UniqueName},
};
use crate::app::{Error, Result, State, input, json_schema::SchemaError, principal::Principal};

/// The maximum length of a name.
const MAX_NAME: usize = 255;

/// What is written of an organization's metadata.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetadataDocument {
    /// The metadata; `None`: none is given, and nothing is checked.
    pub payload: Option<Map<String, Value>>,
    /// The schema; `None`: it stays as it is.
    pub schema: Option<Map<String, Value>>,
}

impl MetadataDocument {
    /// Reads either of the two forms: the envelope `{"payload":{…},"schema":{…}}`, or the metadata itself. An envelope has no other
    /// members, and an object as payload, or none and an object as schema; `null` is as absence. [`OrganizationError::InvalidSchema`]
    /// where beside a payload the schema is no object.
    pub fn read(mut given: Map<String, Value>) -> Result<Self> {
        let has_only_its_members = given.keys().all(|name| name == "payload" || name == "schema");
        let is_envelope = match given.get("payload") {
            Some(Value::Object(_)) => true,
            None | Some(Value::Null) => given.get("schema").is_some_and(Value::is_object),
            Some(_) => false,
        };
        if !(has_only_its_members && is_envelope) {
            return Ok(Self { payload: Some(given), schema: None });
        }
        let payload = match given.remove("payload") {
            Some(Value::Object(payload)) => Some(payload),
            _ => None,
        };
        let schema = match given.remove("schema") {
            None | Some(Value::Null) => None,
            Some(Value::Object(schema)) => Some(schema),
            Some(_) => return Err(OrganizationError::InvalidSchema(SchemaError::not_an_object()).into()),
        };
        Ok(Self { payload, schema })
    }
}

/// What is written of an organization.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrganizationDocument {
    /// Its name, unique in the environment.
    pub name: Option<String>,
    /// Its name for people.
    pub display_name: Option<String>,
    /// What is said of it.
    pub description: Option<String>,
    /// Its colour.
    pub color: Option<String>,
    /// Whom to write to.
    pub contact_email: Option<String>,
    /// The organization above it; empty is the root.
    pub parent: Option<String>,
    /// Whether it is a template.
    pub template: Option<bool>,
    /// Whether it is switched off.
    pub deactivated: Option<bool>,
    /// Its domains.
    pub domains: Option<Vec<String>>,
    /// How its people may authenticate; `Some(None)`: without restriction. `None`: nothing is said, a new one has its template's.
    pub authentication_mechanisms: Option<Option<Vec<String>>>,
    /// Its metadata.
    pub metadata: Option<MetadataDocument>,
}

impl OrganizationDocument {
    fn apply_names(&self, organization: &mut Organization) -> Result<()> {
        let name = self.name.as_deref().unwrap_or_default().trim();
        if name.is_empty() {
            return Err(Error::invalid("name", "is required"));
        }
        organization.name = Some(input::line("name", name, MAX_NAME)?);
        if let Some(name) = &self.display_name {
            organization.display_name = input::line("displayName", name.trim(), 500)?;
        }
        if let Some(email) = &self.contact_email {
            organization.contact_email = fields::contact_email(email.trim())?;
        }
        if let Some(deactivated) = self.deactivated {
            organization.status = OrganizationStatus::disabled(deactivated);
        }
        Ok(())
    }

    /// Sets what is given; the rest is what the template gave it.
    fn apply_to_new(&self, organization: &mut Organization) -> Result<()> {
        self.apply_names(organization)?;
        organization.template = self.template.unwrap_or(false);
        organization.description = fields::description(self.description.as_deref().unwrap_or_default())?;
        if let Some(color) = &self.color {
            organization.color = fields::color(color)?;
        }
        if let Some(given) = &self.authentication_mechanisms {
            let mechanisms = given.as_ref().map(|names| fields::mechanisms(names)).transpose()?;
            organization.authentication_mechanisms = mechanisms;
        }
        let domains = self.domains.as_deref().unwrap_or_default();
        organization.domains = set_domains(&organization.domains, domains, false)?;
        match &self.metadata {
            Some(given) => metadata::set(organization, given.payload.as_ref(), given.schema.as_ref()),
            None => Ok(()),
        }
    }

    /// Sets all that the document has, given or not. Only the schema stays where none is given, and what a document of the
    /// contract does not have: display name, e-mail address, and whether it is switched off.
    fn apply_to_stored(&self, organization: &mut Organization) -> Result<()> {
        self.apply_names(organization)?;
        organization.template = self.template.unwrap_or(false);
        organization.description = fields::description(self.description.as_deref().unwrap_or_default())?;
        organization.color = fields::color(self.color.as_deref().unwrap_or_default())?;
        let names = self.authentication_mechanisms.as_ref().and_then(Option::as_ref);
        organization.authentication_mechanisms = names.map(|names| fields::mechanisms(names)).transpose()?;
        let domains = self.domains.as_deref().unwrap_or_default();
        organization.domains = set_domains(&organization.domains, domains, false)?;
        let given = self.metadata.clone().unwrap_or_default();
        organization.metadata = Default::default();
        metadata::set(organization, given.payload.as_ref(), given.schema.as_ref())
    }
}

/// Creates an organization. `id`: the one that the client chose; `template`: of whose settings it gets a copy, empty for none.
/// The environment's default template and parent count where none is named.
pub async fn create(
    state: &State,
    principal: &Principal,
    id: Option<&str>,
    template: Option<&str>,
    document: &OrganizationDocument,
) -> Result<Organization> {
    let alias = id.map(PublicAlias::parse).transpose().map_err(|reason| Error::invalid("id", reason))?;
    let new = NewOrganization {
        parent: document.parent.as_deref(),
        // A template does not get the settings of the default one.
        template: template.or(document.template.unwrap_or(false).then_some("")),
        defaults: true,
        alias: alias.as_ref(),
        unique_name: UniqueName::AnyCase,
        shares: false,
    };
    write::create(state, principal, &new, |organization| document.apply_to_new(organization)).await
}

/// Replaces an organization. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn replace(
    state: &State,
    principal: &Principal,
    id: OrganizationId,
    expected: Option<&EntityTags>,
    document: &OrganizationDocument,
) -> Result<Organization> {
    let rules = ChangeRules {
        parent: Some(document.parent.as_deref().unwrap_or_default()),
        shares: false,
        in_tree: true,
        unique_name: UniqueName::AnyCase,
        below: None,
    };
    write::update(state, principal, id, expected, &rules, |organization| {
        document.apply_to_stored(organization)
    })
    .await
}

/// Replaces the metadata of an organization, and its schema where one is given. [`Error::Outdated`]: it has none of the
/// `expected` versions any more.
pub async fn replace_metadata(
    state: &State,
    principal: &Principal,
    id: OrganizationId,
    expected: Option<&EntityTags>,
    given: &MetadataDocument,
) -> Result<Organization> {
    let rules =
        ChangeRules { parent: None, shares: false, in_tree: false, unique_name: UniqueName::No, below: None };
    write::update(state, principal, id, expected, &rules, |organization| {
        organization.metadata = Default::default();
        metadata::set(organization, given.payload.as_ref(), given.schema.as_ref())
    })
    .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_comes_in_two_forms() {
        let map = |value: Value| match value {
            Value::Object(map) => map,
            other => panic!("{other}"),
        };
        let read = |value: Value| MetadataDocument::read(map(value)).unwrap();
        let flat = |value: Value| MetadataDocument { payload: Some(map(value)), schema: None };
        for payload in [
            json!({}),
            json!({ "salesforceId": "x" }),
            json!({ "payload": "x" }),
            json!({ "payload": {}, "other": 1 }),
            json!({ "schema": "x" }),
            json!({ "payload": "x", "schema": {} }),
            json!({ "payload": [], "schema": {} }),
            json!({ "payload": null, "schema": "x" }),
            json!({ "payload": null }),
        ] {
            assert_eq!(read(payload.clone()), flat(payload));
        }
        for schema in [json!("x"), json!(true), json!([]), json!(1)] {
            let refused = MetadataDocument::read(map(json!({ "payload": {}, "schema": schema })));
            let is_of_schema =
                matches!(refused, Err(Error::Organization(OrganizationError::InvalidSchema(_))));
            assert!(is_of_schema, "{schema}");
        }
        let (payload, schema) = (Some(map(json!({ "a": 1 }))), Some(map(json!({ "type": "object" }))));
        for (given, payload, schema) in [
            (json!({ "payload": { "a": 1 } }), &payload, &None),
            (json!({ "payload": { "a": 1 }, "schema": null }), &payload, &None),
            (json!({ "payload": { "a": 1 }, "schema": { "type": "object" } }), &payload, &schema),
            (json!({ "schema": { "type": "object" } }), &None, &schema),
            (json!({ "payload": null, "schema": { "type": "object" } }), &None, &schema),
        ] {
            let expected = MetadataDocument { payload: payload.clone(), schema: schema.clone() };
            assert_eq!(read(given), expected);
        }
    }
}
