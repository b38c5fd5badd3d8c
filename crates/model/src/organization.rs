//! Organizations: the customers of the vendor.

use std::collections::BTreeMap;

use base::{
    id::{EnvironmentId, OrganizationId},
    time::Timestamp,
};
use serde_json::{Map, Value, json};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    domain::{Domain, DomainState},
};

/// One organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// The environment it is in.
    pub environment_id: EnvironmentId,
    /// Its version: 1, and one more with each change of its settings or its domains.
    pub version: i64,
    /// Its display name; may be empty.
    pub display_name: String,
    /// The vendor's id for it, unique in the environment.
    pub external_id: Option<String>,
    /// Whether it is switched off: its logins and the requests of its directories are refused.
    pub disabled: bool,
    /// Its domains with their states.
    pub domains: BTreeMap<Domain, DomainState>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Organization {
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
            "disabled": self.disabled,
            "domains": domains,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;

    #[test]
    fn only_proven_domains_admit_and_only_exactly() {
        let domain = |text: &str, state| (Domain::parse(text).unwrap(), state);
        let organization = Organization {
            id: Id::from_bits(1),
            environment_id: Id::from_bits(2),
            version: 1,
            display_name: String::new(),
            external_id: None,
            disabled: false,
            domains: BTreeMap::from([
                domain("a.example", DomainState::Whitelisted),
                domain("b.example", DomainState::Verified),
                domain("c.example", DomainState::Pending),
                domain("d.example", DomainState::Failed),
            ]),
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        };
        let admits = |text: &str| organization.accepts_domain(&Domain::parse(text).unwrap());
        assert!(admits("a.example") && admits("B.example"));
        for other in ["c.example", "d.example", "x.a.example", "xa.example", "a.example.evil.example"] {
            assert!(!admits(other), "{other}");
        }
    }
}
