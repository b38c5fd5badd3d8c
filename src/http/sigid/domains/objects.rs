//! Domains as the surface shows them.

use model::{
    domain::Domain,
    organization_domain::{CheckFailure, OrganizationDomain},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::sigid::reply::{optional_time, time};

/// The prefix of the ids of domains here.
const PREFIX: &str = "dom_";

/// The id of a domain as this surface writes it.
pub(super) fn id_of(listed: &OrganizationDomain) -> String {
    listed.id.with_prefix(PREFIX)
}

/// A domain of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidDomain)]
pub struct DomainObject {
    /// Its id.
    pub id: String,
    /// The organization.
    pub organization_id: String,
    /// The domain, in lower-case A-labels.
    #[schema(value_type = String)]
    pub domain: Domain,
    /// `pending`, `verified`, `failed`; `whitelisted` where the vendor has approved it without proof.
    #[schema(example = "pending")]
    pub status: &'static str,
    /// How it is proved.
    pub verification: Verification,
    /// When DNS proved it.
    pub verified_at: Option<String>,
    /// Whether the record that proved it is lost, so that it will count no longer.
    pub verification_lapsed: bool,
    /// Whether sign-in leads people with an address of the domain to the organization.
    pub routing_enabled: bool,
    /// Whether users with a verified address of it become members by themselves.
    pub auto_join_enabled: bool,
    /// What they become: `member`, `admin`.
    pub auto_join_role: &'static str,
    /// When it was added.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// The verification of a domain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidDomainVerificationState)]
pub struct Verification {
    /// `dns_txt`.
    pub method: &'static str,
    /// The name of the TXT record to publish; `null` before it was started.
    pub record_name: Option<String>,
    /// What the record says.
    pub record_value: Option<String>,
    /// When it was started.
    pub started_at: Option<String>,
    /// Until when the record can prove the domain.
    pub expires_at: Option<String>,
    /// When DNS was last queried.
    pub last_checked_at: Option<String>,
    /// How often DNS was queried for this record, not counting the daily looks.
    pub attempts: i64,
    /// Why the last time did not prove it: `record_not_found`, `dns_unavailable`, `domain_verified_elsewhere`,
    /// `verification_expired`.
    pub last_error: Option<&'static str>,
}

impl DomainObject {
    /// A domain as it is seen.
    pub fn new(listed: OrganizationDomain) -> Self {
        let value = listed.record_value();
        let verification = Verification {
            method: "dns_txt",
            record_name: value.is_some().then(|| listed.record_name()),
            record_value: value,
            started_at: optional_time(listed.verification_started_at),
            expires_at: optional_time(listed.verification_expires_at()),
            last_checked_at: optional_time(listed.checked_at),
            attempts: listed.check_attempts,
            last_error: listed.check_failure.map(CheckFailure::as_str),
        };
        Self {
            id: id_of(&listed),
            organization_id: listed.organization_id.to_string(),
            status: listed.state.as_str(),
            verification,
            verified_at: optional_time(listed.verified_at),
            verification_lapsed: listed.record_lost_at.is_some(),
            routing_enabled: listed.routes(),
            auto_join_enabled: listed.joins(),
            auto_join_role: listed.auto_join_role.as_str(),
            created_at: time(listed.created_at),
            updated_at: time(listed.updated_at),
            domain: listed.domain,
        }
    }
}
