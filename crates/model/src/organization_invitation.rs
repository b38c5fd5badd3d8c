//! Invitations to organizations: somebody with an address may become a member, by a link that is good once.

use base::{
    id::{EnvironmentId, OrganizationId, OrganizationInvitationId, UserId},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    email::Email,
    membership::Tier,
};

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString, VariantArray, Serialize)]
#[strum(serialize_all = "snake_case")]
#[serde(rename_all = "snake_case")]
pub enum InvitationStatus {
    /// It can be accepted.
    Pending,
    /// Somebody accepted it.
    Accepted,
    /// It was taken back.
    Revoked,
    /// Nobody accepted it in time.
    Expired,
}

impl InvitationStatus {
    /// The name, on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// An invitation to an organization, without its token.
#[derive(Clone, PartialEq, Eq)]
pub struct OrganizationInvitation {
    /// Its id.
    pub id: OrganizationInvitationId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The organization that somebody is invited to.
    pub organization_id: OrganizationId,
    /// Whom it is for.
    pub email: Email,
    /// What they become; never the owner.
    pub role: Tier,
    /// The id of whoever invites; empty for the operator and the service.
    pub invited_by: String,
    /// Whether whoever got its link vouches for the address: the vendor, not the organization's own people.
    pub vouched: bool,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
    /// For how long each link is good, in milliseconds.
    pub lifetime_ms: i64,
    /// When somebody accepted it.
    pub accepted_at: Option<Timestamp>,
    /// Who did.
    pub accepted_user_id: Option<UserId>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
    /// How many links were made for it, whether a letter went out or not.
    pub send_count: i64,
    /// When the last link was made.
    pub last_sent_at: Timestamp,
    /// When the day began in which links are counted again, and how many were made anew since.
    pub renewed: (Timestamp, i64),
    /// When it was made.
    pub created_at: Timestamp,
}

impl OrganizationInvitation {
    /// What became of it, at `now`.
    pub fn status(&self, now: Timestamp) -> InvitationStatus {
        match (self.accepted_at, self.revoked_at) {
            (Some(_), _) => InvitationStatus::Accepted,
            (None, Some(_)) => InvitationStatus::Revoked,
            (None, None) if self.expires_at <= now => InvitationStatus::Expired,
            (None, None) => InvitationStatus::Pending,
        }
    }
}

/// Shows no address.
impl std::fmt::Debug for OrganizationInvitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.id, self.organization_id)
    }
}

impl Audited for OrganizationInvitation {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "organization.invitation",
            id: self.id.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "email": self.email.as_str(),
            "role": self.role.as_str(),
            "expiresAt": self.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use base::id::Id;

    use super::*;

    #[test]
    fn an_invitation_expires_by_the_clock() {
        let at = Timestamp::from_seconds;
        let pending = OrganizationInvitation {
            id: Id::from_bits(1),
            environment_id: Id::from_bits(2),
            organization_id: Id::from_bits(3),
            email: Email::parse("dana@acme.com").unwrap(),
            role: Tier::Member,
            invited_by: String::new(),
            vouched: true,
            expires_at: at(100),
            lifetime_ms: 100_000,
            accepted_at: None,
            accepted_user_id: None,
            revoked_at: None,
            send_count: 1,
            last_sent_at: at(0),
            renewed: (at(0), 0),
            created_at: at(0),
        };
        assert_eq!(pending.status(at(99)), InvitationStatus::Pending);
        assert_eq!(pending.status(at(100)), InvitationStatus::Expired);
        let accepted = OrganizationInvitation { accepted_at: Some(at(5)), ..pending.clone() };
        assert_eq!(accepted.status(at(100)), InvitationStatus::Accepted, "what was used stays used");
        let revoked = OrganizationInvitation { revoked_at: Some(at(5)), ..pending };
        assert_eq!(revoked.status(at(100)), InvitationStatus::Revoked);
        assert_eq!(format!("{revoked:?}").find("dana"), None, "no address in logs");
    }
}
