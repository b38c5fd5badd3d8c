//! Invitations of an organization to users of the one above it.

use std::collections::BTreeSet;

use base::{
    id::{EnvironmentId, GuestInvitationId, OrganizationId, RoleId, UserGroupId, UserId},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::audit::{AuditTarget, Audited, audit_fields};

/// An invitation: whoever accepts it gets an image in the organization, with roles and groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestInvitation {
    /// Its id.
    pub id: GuestInvitationId,
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The organization that invites.
    pub organization_id: OrganizationId,
    /// Who is invited: their own account, never an image.
    pub user_id: UserId,
    /// The organization in whose pool that is.
    pub resident_organization_id: OrganizationId,
    /// The roles that they get, by their ids in the organization.
    pub roles: BTreeSet<RoleId>,
    /// The groups of the organization that they come into.
    pub groups: BTreeSet<UserGroupId>,
    /// The user who invited; `None`: a program or somebody of the vendor.
    pub invited_by: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

impl GuestInvitation {
    /// Whether it can be accepted at this time.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.expires_at > now
    }
}

impl Audited for GuestInvitation {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "guest_invitation",
            id: self.id.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let roles: Vec<String> = self.roles.iter().map(ToString::to_string).collect();
        let groups: Vec<String> = self.groups.iter().map(ToString::to_string).collect();
        audit_fields! { "userId": self.user_id, "roles": roles, "groups": groups, "expiresAt": self.expires_at }
    }
}
