//! Organizations: the customers of the vendor.

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
    /// Its display name; may be empty.
    pub display_name: String,
    /// The vendor's id for it, unique in the environment.
    pub external_id: Option<String>,
    /// Its domains in every state, sorted.
    pub domains: Vec<OrganizationDomain>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A domain of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationDomain {
    /// The domain.
    pub domain: Domain,
    /// Its verification state.
    pub state: DomainState,
}

impl Organization {
    /// The domains whose e-mail addresses are accepted.
    pub fn accepted_domains(&self) -> impl Iterator<Item = &Domain> {
        self.domains.iter().filter(|d| d.state.is_accepted()).map(|d| &d.domain)
    }

    /// Whether e-mail addresses of `domain` are accepted. It must equal an accepted domain; subdomains do not
    /// match.
    pub fn accepts_domain(&self, domain: &Domain) -> bool {
        self.accepted_domains().any(|admitted| admitted == domain)
    }
}

impl Audited for Organization {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "organization", id: self.id.to_string(), organization_id: Some(self.id) }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let domains: Map<String, Value> =
            self.domains.iter().map(|d| (d.domain.to_string(), json!(d.state.as_str()))).collect();
        audit_fields! {
            "displayName": self.display_name,
            "externalId": self.external_id,
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
        let domain = |text: &str, state| OrganizationDomain { domain: Domain::parse(text).unwrap(), state };
        let organization = Organization {
            id: Id::from_bits(1),
            environment_id: Id::from_bits(2),
            display_name: String::new(),
            external_id: None,
            domains: vec![
                domain("a.example", DomainState::Whitelisted),
                domain("b.example", DomainState::Verified),
                domain("c.example", DomainState::Pending),
                domain("d.example", DomainState::Failed),
            ],
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
