//! The domains of an organization, each with the state of its verification and the TXT record that proves ownership.

use std::time::Duration;

use base::{
    id::{EnvironmentId, OrganizationDomainId, OrganizationId},
    secret::Digest,
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    domain::{Domain, DomainState},
};

/// The DNS label below the domain that holds the TXT record.
const RECORD_LABEL: &str = "_ostiary-challenge";

/// The prefix of the record's text.
const RECORD_PREFIX: &str = "ostiary-verification=";

/// A domain of an organization with the state of its verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationDomain {
    /// Its id.
    pub id: OrganizationDomainId,
    /// Its version: 1, and one more with each change of its state. A check of DNS that changes nothing else is none.
    pub version: i64,
    /// The environment of the organization.
    pub environment_id: EnvironmentId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The domain.
    pub domain: Domain,
    /// Its verification state.
    pub state: DomainState,
    /// The token that the TXT record must hold. It is no secret. `None` until verification is requested.
    pub verification_token: Option<String>,
    /// When it was verified by DNS.
    pub verified_at: Option<Timestamp>,
    /// When DNS was last queried.
    pub checked_at: Option<Timestamp>,
    /// Why that check failed.
    pub check_error: Option<String>,
    /// Whether the vendor accepted it without proof: it goes on counting when its proof lapses.
    pub approved: bool,
    /// Whether the vendor says that it is the organization's: it counts as proved, without DNS.
    pub asserted: bool,
    /// Since when DNS has answered without the record that proved it.
    pub record_lost_at: Option<Timestamp>,
    /// When DNS is queried again without being asked to; `None` unless DNS has proved it.
    pub recheck_at: Option<Timestamp>,
    /// When it was added to the organization.
    pub created_at: Timestamp,
}

impl OrganizationDomain {
    /// The id of a domain whose row holds none: it was added before domains had ids, or by a program of that time.
    pub fn derived_id(organization_id: OrganizationId, domain: &Domain) -> OrganizationDomainId {
        let digest = Digest::of(format!("{organization_id} {domain}")).to_hex();
        // The first 128 bits. Hexadecimal digits are always a number.
        OrganizationDomainId::from_bits(u128::from_str_radix(&digest[..32], 16).unwrap_or_default())
    }

    /// Until when a proved domain counts although its record is gone. `None` while the record is there, and for a domain
    /// that does not count as proved.
    pub fn counts_until(&self, grace: Duration) -> Option<Timestamp> {
        self.record_lost_at.filter(|_| self.state == DomainState::Verified).map(|lost_at| lost_at + grace)
    }

    /// The name of the TXT record.
    pub fn record_name(&self) -> String {
        format!("{RECORD_LABEL}.{}", self.domain)
    }

    /// The expected text of the record; `None` without a token.
    pub fn record_value(&self) -> Option<String> {
        self.verification_token.as_ref().map(|token| format!("{RECORD_PREFIX}{token}"))
    }

    /// Checks whether these TXT records verify the domain. The error says what was found instead, for the
    /// customer's admin.
    pub fn check_records(&self, records: &[String]) -> Result<(), String> {
        let Some(wanted) = self.record_value() else {
            return Err("no proof was asked for yet".to_owned());
        };
        if records.iter().any(|record| record.trim().trim_matches('"') == wanted) {
            return Ok(());
        }
        let name = self.record_name();
        let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(100).collect::<String>();
        Err(match records.iter().find(|record| record.contains(RECORD_PREFIX)).or(records.first()) {
            None => format!("no TXT record was found at {name}"),
            Some(other) if records.len() == 1 => {
                format!("the TXT record at {name} says \"{}\"", shown(other))
            }
            Some(other) => format!(
                "none of the {} TXT records at {name} is the one; one says \"{}\"",
                records.len(),
                shown(other)
            ),
        })
    }
}

impl Audited for OrganizationDomain {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "organization_domain",
            id: self.domain.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! { "domain": self.domain, "state": self.state.as_str() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;

    #[test]
    fn the_record_proves_the_domain_and_anything_else_is_shown() {
        let domain = OrganizationDomain {
            id: Id::from_bits(3),
            version: 1,
            environment_id: Id::from_bits(1),
            organization_id: Id::from_bits(2),
            domain: Domain::parse("acme.example").unwrap(),
            state: DomainState::Pending,
            verification_token: Some("abc".into()),
            verified_at: None,
            checked_at: None,
            check_error: None,
            approved: false,
            asserted: false,
            record_lost_at: None,
            recheck_at: None,
            created_at: Timestamp::from_millis(0),
        };
        let check_records = |records: &[&str]| {
            domain.check_records(&records.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let at = "_ostiary-challenge.acme.example";
        assert_eq!(check_records(&["v=spf1 -all", "ostiary-verification=abc"]), Ok(()));
        assert_eq!(
            check_records(&["\"ostiary-verification=abc\" "]),
            Ok(()),
            "quotes that somebody typed along"
        );
        assert_eq!(check_records(&[]), Err(format!("no TXT record was found at {at}")));
        assert_eq!(
            check_records(&["ostiary-verification=abcd"]),
            Err(format!("the TXT record at {at} says \"ostiary-verification=abcd\""))
        );
        assert_eq!(
            check_records(&["x", "ostiary-verification=other\u{1b}[31m"]),
            Err(format!(
                "none of the 2 TXT records at {at} is the one; one says \"ostiary-verification=other[31m\""
            ))
        );
        let unasked = OrganizationDomain { verification_token: None, ..domain };
        assert!(unasked.check_records(&["ostiary-verification=".into()]).is_err());
    }
    #[test]
    fn a_derived_id_is_of_one_organization_and_domain_and_never_changes() {
        let of = |organization: u128, domain: &str| {
            OrganizationDomain::derived_id(Id::from_bits(organization), &Domain::parse(domain).unwrap())
        };
        assert_eq!(of(1, "acme.example").to_string(), "domain_awg60wwkzhffidya74p9h9e7c");
        assert_eq!(of(1, "acme.example"), of(1, "ACME.example"));
        assert_ne!(of(1, "acme.example"), of(2, "acme.example"));
        assert_ne!(of(1, "acme.example"), of(1, "acme.test"));
    }
}
