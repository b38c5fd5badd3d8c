//! The domains of an organization, each with the state of its verification and the TXT record that proves ownership.

use std::time::Duration;

use base::{
    id::{EnvironmentId, OrganizationDomainId, OrganizationId},
    secret::Digest,
    time::Timestamp,
};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    domain::{Domain, DomainState},
};

/// How long a challenge is good for: afterwards a domain that it has not proved is `failed`.
pub const VERIFICATION_WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

/// The DNS label below the domain that holds the TXT record, and the prefix of the record's text. They name nobody, because they
/// stand in the customer's DNS.
const RECORD: (&str, &str) = ("_sso-challenge", "sso-domain-verification=");

/// The same for challenges from before schema 0083.
const FORMER_RECORD: (&str, &str) = ("_ostiary-challenge", "ostiary-verification=");

/// Why the last check of a domain did not prove it, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum CheckFailure {
    /// DNS answered, and the record was not there.
    RecordNotFound,
    /// DNS gave no answer.
    DnsUnavailable,
    /// The record was there, and the domain is another organization's.
    DomainVerifiedElsewhere,
    /// The challenge was over.
    VerificationExpired,
}

impl CheckFailure {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What those become who join an organization by a domain of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum AutoJoinRole {
    /// A member.
    #[default]
    Member,
    /// An administrator of the organization.
    Admin,
}

impl AutoJoinRole {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

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
    /// Since when the record that proved it counts as lost: daily looks in a row have not found it.
    pub record_lost_at: Option<Timestamp>,
    /// When DNS is queried again without being asked to, where it has proved the domain; when the challenge is over, where not.
    pub recheck_at: Option<Timestamp>,
    /// When the challenge was made. `None` without one, and for a challenge from before schema 0083, which has no window.
    pub verification_started_at: Option<Timestamp>,
    /// How often DNS was queried for the challenge.
    pub check_attempts: i64,
    /// Why the last check did not prove it, for programs; `None` also for checks from before schema 0083.
    pub check_failure: Option<CheckFailure>,
    /// How many daily looks in a row have not found the record that proved it.
    pub missed_checks: i64,
    /// Whether people who sign in with an address of it are led to the organization, while it counts.
    pub routing_enabled: bool,
    /// Whether users with a verified address of it become members of the organization by themselves, while it is verified.
    pub auto_join_enabled: bool,
    /// What they become.
    pub auto_join_role: AutoJoinRole,
    /// When it was added to the organization.
    pub created_at: Timestamp,
    /// When its version was last raised.
    pub updated_at: Timestamp,
}

/// What is said of a challenge that is over, for people.
const EXPIRED: &str =
    "the record was not found in the 30 days that were left for it; begin again with a new record";

impl OrganizationDomain {
    /// A domain of an organization as it is added: nothing is known of it but its state.
    pub fn new(
        id: OrganizationDomainId,
        (environment_id, organization_id): (EnvironmentId, OrganizationId),
        domain: Domain,
        state: DomainState,
        created_at: Timestamp,
    ) -> Self {
        Self {
            id,
            version: 1,
            environment_id,
            organization_id,
            domain,
            state,
            verification_token: None,
            verified_at: None,
            checked_at: None,
            check_error: None,
            approved: false,
            asserted: false,
            record_lost_at: None,
            recheck_at: None,
            verification_started_at: None,
            check_attempts: 0,
            check_failure: None,
            missed_checks: 0,
            routing_enabled: true,
            auto_join_enabled: false,
            auto_join_role: AutoJoinRole::default(),
            created_at,
            updated_at: created_at,
        }
    }

    /// Begins a challenge: this token is to be published. What the checks of the former one found is forgotten, and one that does not
    /// count is pending until the challenge is over.
    pub fn start_challenge(&mut self, token: String, now: Timestamp) {
        self.verification_token = Some(token);
        self.verification_started_at = Some(now);
        self.check_attempts = 0;
        self.checked_at = None;
        self.check_error = None;
        self.check_failure = None;
        if !self.state.is_accepted() {
            self.state = DomainState::Pending;
            self.verified_at = None;
            self.record_lost_at = None;
            self.missed_checks = 0;
            self.recheck_at = self.verification_expires_at();
        }
    }

    /// Until when the challenge can prove the domain; `None` without a challenge, and for one that has no window.
    pub fn verification_expires_at(&self) -> Option<Timestamp> {
        self.verification_started_at
            .filter(|_| self.verification_token.is_some())
            .map(|at| at + VERIFICATION_WINDOW)
    }

    /// Whether the challenge is over, without having proved the domain.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        let has_proved = self.verified_at.is_some() && self.verified_at >= self.verification_started_at;
        !has_proved && self.verification_expires_at().is_some_and(|at| at <= now)
    }

    /// As it is seen at this time: one that was pending until its challenge was over has failed.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        if self.state == DomainState::Pending && self.has_expired(now) {
            self.state = DomainState::Failed;
            self.check_failure = Some(CheckFailure::VerificationExpired);
            self.check_error = Some(EXPIRED.to_owned());
        }
        self
    }

    /// Whether people who sign in with an address of it are led to the organization: the switch has an effect only where the
    /// domain counts.
    pub fn routes(&self) -> bool {
        self.routing_enabled && self.state.is_accepted()
    }

    /// Whether users with a verified address of it become members of the organization: the vendor's approval alone is no proof.
    pub fn joins(&self) -> bool {
        self.auto_join_enabled && self.state == DomainState::Verified
    }

    fn record(&self) -> (&'static str, &'static str) {
        match self.verification_started_at.is_none() && self.verification_token.is_some() {
            true => FORMER_RECORD,
            false => RECORD,
        }
    }

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
        format!("{}.{}", self.record().0, self.domain)
    }

    /// The expected text of the record; `None` without a token.
    pub fn record_value(&self) -> Option<String> {
        self.verification_token.as_ref().map(|token| format!("{}{token}", self.record().1))
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
        Err(match records.iter().find(|record| record.contains(self.record().1)).or(records.first()) {
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
        audit_fields! {
            "domain": self.domain,
            "state": self.state.as_str(),
            "routingEnabled": self.routing_enabled,
            "autoJoinEnabled": self.auto_join_enabled,
            "autoJoinRole": self.auto_join_role.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;

    fn pending() -> OrganizationDomain {
        let domain = Domain::parse("acme.example").unwrap();
        let of = (Id::from_bits(1), Id::from_bits(2));
        OrganizationDomain::new(Id::from_bits(3), of, domain, DomainState::Pending, Timestamp::from_millis(0))
    }

    #[test]
    fn a_challenge_is_over_after_thirty_days_and_the_domain_is_seen_as_failed() {
        let mut domain = pending();
        let day = Duration::from_secs(24 * 3600);
        let begun = Timestamp::from_seconds(1_000_000);
        assert_eq!(domain.clone().at(begun + day * 4000).state, DomainState::Pending, "nothing was begun");
        domain.check_attempts = 9;
        domain.start_challenge("abc".into(), begun);
        assert_eq!((domain.check_attempts, domain.verification_expires_at()), (0, Some(begun + day * 30)));
        assert_eq!(
            domain.clone().at(begun + day * 30 - Duration::from_millis(1)).state,
            DomainState::Pending
        );
        let late = domain.clone().at(begun + day * 30);
        assert_eq!(
            (late.state, late.check_failure),
            (DomainState::Failed, Some(CheckFailure::VerificationExpired))
        );
        for state in [DomainState::Verified, DomainState::Whitelisted] {
            let counts = OrganizationDomain { state, ..domain.clone() };
            assert_eq!(counts.clone().at(begun + day * 31), counts);
        }
    }

    #[test]
    fn a_challenge_from_before_keeps_its_record() {
        let former = OrganizationDomain { verification_token: Some("abc".into()), ..pending() };
        assert_eq!(former.record_name(), "_ostiary-challenge.acme.example");
        assert_eq!(former.record_value().as_deref(), Some("ostiary-verification=abc"));
        assert_eq!(former.check_records(&["ostiary-verification=abc".into()]), Ok(()));
        assert!(!former.has_expired(Timestamp::from_seconds(9_000_000_000)));
        assert_eq!(pending().record_name(), "_sso-challenge.acme.example", "what none was begun for");
    }

    #[test]
    fn switches_work_only_while_the_domain_counts() {
        let on = OrganizationDomain { auto_join_enabled: true, ..pending() };
        assert_eq!((on.routes(), on.joins()), (false, false));
        let whitelisted = OrganizationDomain { state: DomainState::Whitelisted, ..on.clone() };
        assert_eq!((whitelisted.routes(), whitelisted.joins()), (true, false));
        let verified = OrganizationDomain { state: DomainState::Verified, ..on };
        assert_eq!((verified.routes(), verified.joins()), (true, true));
    }

    #[test]
    fn the_record_proves_the_domain_and_anything_else_is_shown() {
        let domain = OrganizationDomain {
            verification_token: Some("abc".into()),
            verification_started_at: Some(Timestamp::from_millis(0)),
            ..pending()
        };
        let check_records = |records: &[&str]| {
            domain.check_records(&records.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let at = "_sso-challenge.acme.example";
        assert_eq!(check_records(&["v=spf1 -all", "sso-domain-verification=abc"]), Ok(()));
        assert_eq!(
            check_records(&["\"sso-domain-verification=abc\" "]),
            Ok(()),
            "quotes that somebody typed along"
        );
        assert_eq!(check_records(&[]), Err(format!("no TXT record was found at {at}")));
        assert_eq!(
            check_records(&["sso-domain-verification=abcd"]),
            Err(format!("the TXT record at {at} says \"sso-domain-verification=abcd\""))
        );
        assert_eq!(
            check_records(&["x", "sso-domain-verification=other\u{1b}[31m"]),
            Err(format!(
                "none of the 2 TXT records at {at} is the one; one says \"sso-domain-verification=other[31m\""
            ))
        );
        let unasked = OrganizationDomain { verification_token: None, ..domain };
        assert!(unasked.check_records(&["sso-domain-verification=".into()]).is_err());
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
