//! Organizations: the customers of the vendor, below the root organization that is the vendor itself.

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, Id, OrganizationId},
    time::Timestamp,
};
use serde_json::{Map, Value, json};
use strum::{EnumString, IntoStaticStr};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    domain::{Domain, DomainState},
    organization_reference::{Handle, PublicAlias},
};

/// The root organization of an environment: the vendor itself. Every environment has exactly one, made with it, and its id
/// has the environment's own bits. It is no [`Organization`]: nothing lists, finds or changes it as one of them.
pub fn root_id(environment: EnvironmentId) -> OrganizationId {
    Id::from_bits(environment.bits())
}

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
            domains: BTreeMap::new(),
            created_at: now,
            updated_at: now,
        }
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

impl Audited for Organization {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "organization", id: self.id.to_string(), organization_id: Some(self.id) }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let domains: Map<String, Value> =
            self.domains.iter().map(|(domain, state)| (domain.to_string(), json!(state.as_str()))).collect();
        audit_fields! {
            "displayName": self.display_name,
            "externalId": self.external_id,
            "disabled": self.is_disabled(),
            "domains": domains,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
