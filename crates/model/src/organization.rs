//! Organizations: the customers of the vendor, below the root organization that is the vendor itself.

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, Id, OrganizationId},
    secret::Digest,
    time::Timestamp,
};
use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    domain::{Domain, DomainState},
    email::Email,
    identity_pool::AuthenticationMechanism,
    json_object::JsonObject,
    organization_reference::{Handle, PublicAlias},
};

/// The root organization of an environment: the vendor itself. Every environment has exactly one, made with it, and its id
/// has the environment's own bits. It is no [`Organization`]: nothing lists, finds or changes it as one of them.
pub fn root_id(environment: EnvironmentId) -> OrganizationId {
    Id::from_bits(environment.bits())
}

/// The bits of the id that WSO2's own installations give their root organization. Here it names the root of the default environment, and
/// is never stored.
pub const WSO2_ROOT: u128 = 0x1008_4a8d_113f_4211_a0d5_efe3_6b08_2211;

/// Whether an organization may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum OrganizationStatus {
    /// It is in use.
    Active,
    /// It is switched off: its logins and the requests of its directories are refused.
    Disabled,
}

impl OrganizationStatus {
    /// Switched off or not.
    pub fn disabled(disabled: bool) -> Self {
        if disabled { Self::Disabled } else { Self::Active }
    }

    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What WSO2 calls the version of an organization: whether its organizations get settings from those above them. Kept and echoed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString)]
pub enum Wso2Version {
    /// They do not.
    #[strum(serialize = "v0.0.0")]
    V0,
    /// They do.
    #[strum(serialize = "v1.0.0")]
    V1,
}

impl Wso2Version {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// The template that an organization was made from. It is a copy: later changes of the template do not reach it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppliedTemplate {
    /// The template; it may be gone.
    pub id: OrganizationId,
    /// When its settings were copied.
    pub at: Timestamp,
}

/// One organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// The environment it is in.
    pub environment_id: EnvironmentId,
    /// The organization above it.
    pub parent_id: OrganizationId,
    /// Its version: 1, and one more with each change of its settings or its domains.
    pub version: i64,
    /// Its display name; may be empty.
    pub display_name: String,
    /// What shows where the display name is empty.
    pub name: Option<String>,
    /// The vendor's id for it, unique in the environment.
    pub external_id: Option<String>,
    /// Its handle, unique in the environment.
    pub handle: Option<Handle>,
    /// The id that a client chose for it, unique in the environment.
    pub public_alias: Option<PublicAlias>,
    /// Whether it may be used.
    pub status: OrganizationStatus,
    /// Whether it is a template, from which others are made: nobody signs in to it, and nothing is pushed into it.
    pub template: bool,
    /// The template that it was made from.
    pub applied_template: Option<AppliedTemplate>,
    /// What the vendor says of it.
    pub description: String,
    /// Its colour, `#rrggbb` in either case; empty for none.
    pub color: String,
    /// Whom to write to.
    pub contact_email: Option<Email>,
    /// What the vendor's programs keep with it.
    pub metadata: JsonObject,
    /// The JSON Schema that new metadata must match; empty for any.
    pub metadata_schema: JsonObject,
    /// WSO2's version of it; kept and echoed.
    pub wso2_version: Wso2Version,
    /// Whether its owner and administrators need a second factor to administer it.
    pub require_admin_mfa: bool,
    /// How its people may authenticate; `None`: without restriction.
    pub authentication_mechanisms: Option<Vec<AuthenticationMechanism>>,
    /// Free text by key.
    pub attributes: BTreeMap<String, String>,
    /// Its domains with their states.
    pub domains: BTreeMap<Domain, DomainState>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Organization {
    /// A new organization below the root, without any setting.
    pub fn new(id: OrganizationId, environment_id: EnvironmentId, now: Timestamp) -> Self {
        Self {
            id,
            environment_id,
            parent_id: root_id(environment_id),
            version: 1,
            display_name: String::new(),
            name: None,
            external_id: None,
            handle: None,
            public_alias: None,
            status: OrganizationStatus::Active,
            template: false,
            applied_template: None,
            description: String::new(),
            color: String::new(),
            contact_email: None,
            metadata: JsonObject::empty(),
            metadata_schema: JsonObject::empty(),
            wso2_version: Wso2Version::V1,
            require_admin_mfa: false,
            authentication_mechanisms: None,
            attributes: BTreeMap::new(),
            domains: BTreeMap::new(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Its parent, unless that is the root organization.
    pub fn parent(&self) -> Option<OrganizationId> {
        Some(self.parent_id).filter(|parent| *parent != root_id(self.environment_id))
    }

    /// The name that people see: the display name, else the name; may be empty.
    pub fn shown_name(&self) -> &str {
        match self.display_name.trim() {
            "" => self.name.as_deref().unwrap_or_default(),
            _ => &self.display_name,
        }
    }

    /// The id as SecureAuth's API writes it: the alias that the client chose, else 32 hexadecimal digits.
    pub fn public_id(&self) -> String {
        match &self.public_alias {
            Some(alias) => alias.as_str().to_owned(),
            None => format!("{:032x}", self.id.bits()),
        }
    }

    /// The normal form of its name, else of its display name: names that differ only in case or in the spaces around them
    /// are the same where names are unique.
    pub fn name_key(&self) -> String {
        name_key(self.name.as_deref().unwrap_or(&self.display_name))
    }

    /// Whether it is switched off.
    pub fn is_disabled(&self) -> bool {
        self.status == OrganizationStatus::Disabled
    }

    /// The domains whose e-mail addresses are accepted.
    pub fn accepted_domains(&self) -> impl Iterator<Item = &Domain> {
        self.domains.iter().filter(|(_, state)| state.is_accepted()).map(|(domain, _)| domain)
    }

    /// The domains that wait for approval or proof.
    pub fn waiting_domains(&self) -> impl Iterator<Item = &Domain> {
        self.domains.iter().filter(|(_, state)| !state.is_accepted()).map(|(domain, _)| domain)
    }

    /// Whether e-mail addresses of `domain` are accepted. It must equal an accepted domain; subdomains do not
    /// match.
    pub fn accepts_domain(&self, domain: &Domain) -> bool {
        self.domains.get(domain).is_some_and(|state| state.is_accepted())
    }
}

/// The normal form of a name ([`Organization::name_key`]).
pub fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

impl Audited for Organization {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "organization", id: self.id.to_string(), organization_id: Some(self.id) }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let domains: Map<String, Value> =
            self.domains.iter().map(|(domain, state)| (domain.to_string(), json!(state.as_str()))).collect();
        let mut fields = audit_fields! {
            "displayName": self.display_name,
            "externalId": self.external_id,
            "disabled": self.is_disabled(),
            "domains": domains,
        };
        // What most organizations do not have is left out where it is not set.
        let mut add = |name: &str, value: Value| {
            if !value.is_null() && value != json!("") && value != json!(false) {
                fields.insert(name.to_owned(), value);
            }
        };
        add("name", json!(self.name));
        add("alias", json!(self.public_alias.as_ref().map(PublicAlias::as_str)));
        add("parentId", json!(self.parent().map(|id| id.to_string())));
        add("template", json!(self.template));
        add("requireAdminMfa", json!(self.require_admin_mfa));
        add("templateId", json!(self.applied_template.map(|template| template.id.to_string())));
        add("description", json!(self.description));
        add("color", json!(self.color));
        add("handle", json!(self.handle.as_ref().map(Handle::as_str)));
        add(
            "wso2Version",
            json!(Some(self.wso2_version).filter(|it| *it == Wso2Version::V0).map(Wso2Version::as_str)),
        );
        add("contactEmail", json!(self.contact_email.as_ref().map(Email::as_str)));
        let mechanisms = self.authentication_mechanisms.as_ref();
        let names =
            |all: &Vec<AuthenticationMechanism>| all.iter().map(|one| one.as_str()).collect::<Vec<_>>();
        add("authenticationMechanisms", json!(mechanisms.map(names)));
        // The log shows that they changed, not what they hold.
        let digest = |text: &str| format!("sha256:{}", Digest::of(text).to_hex());
        let object = |object: &JsonObject| (!object.is_empty()).then(|| digest(object.as_str()));
        add("metadata", json!(object(&self.metadata)));
        add("metadataSchema", json!(object(&self.metadata_schema)));
        let attributes = (!self.attributes.is_empty()).then(|| digest(&json!(self.attributes).to_string()));
        add("attributes", json!(attributes));
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_are_shown_as_each_surface_has_them() {
        let plain = Organization::new(Id::from_bits(0x2a), Id::from_bits(2), Timestamp::from_millis(0));
        assert_eq!((plain.shown_name(), plain.name_key().as_str(), plain.parent()), ("", "", None));
        assert_eq!(plain.public_id(), "0000000000000000000000000000002a");
        let named = Organization {
            name: Some(" ACME-Corp ".into()),
            display_name: "Österreich".into(),
            public_alias: PublicAlias::parse("Parent-1").ok(),
            parent_id: Id::from_bits(9),
            ..plain
        };
        assert_eq!((named.shown_name(), named.name_key().as_str()), ("Österreich", "acme-corp"));
        assert_eq!((named.public_id().as_str(), named.parent()), ("Parent-1", Some(Id::from_bits(9))));
        let unnamed = Organization { name: None, ..named };
        assert_eq!(unnamed.name_key(), "österreich");
    }

    #[test]
    fn the_audit_log_says_that_metadata_changed_and_not_to_what() {
        let plain = Organization::new(Id::from_bits(1), Id::from_bits(2), Timestamp::from_millis(0));
        assert_eq!(plain.audit_fields().len(), 4, "{:?}", plain.audit_fields());
        let Value::Object(map) = json!({ "salesforceId": "001xx000003DGb2AAG" }) else { panic!() };
        let full = Organization {
            metadata: JsonObject::from_map(&map),
            attributes: BTreeMap::from([("tier".to_owned(), "gold-plated".to_owned())]),
            template: true,
            ..plain
        };
        let fields = full.audit_fields();
        assert_eq!((&fields["template"], fields.len()), (&json!(true), 7));
        let text = Value::Object(fields).to_string();
        assert!(!text.contains("001xx") && !text.contains("gold") && text.contains("sha256:"), "{text}");
    }

    #[test]
    fn only_proven_domains_admit_and_only_exactly() {
        let domain = |text: &str, state| (Domain::parse(text).unwrap(), state);
        let organization = Organization {
            domains: BTreeMap::from([
                domain("a.example", DomainState::Whitelisted),
                domain("b.example", DomainState::Verified),
                domain("c.example", DomainState::Pending),
                domain("d.example", DomainState::Failed),
            ]),
            ..Organization::new(Id::from_bits(1), Id::from_bits(2), Timestamp::from_millis(0))
        };
        let admits = |text: &str| organization.accepts_domain(&Domain::parse(text).unwrap());
        assert!(admits("a.example") && admits("B.example"));
        for other in ["c.example", "d.example", "x.a.example", "xa.example", "a.example.evil.example"] {
            assert!(!admits(other), "{other}");
        }
    }
}
