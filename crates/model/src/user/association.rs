//! Users of one organization in another one: each has an image there, WSO2's shadow user. It has an id and a name, so that it can be
//! given roles, and nothing to sign in with: its person gets there by switching.

use base::{
    id::{EnvironmentId, OrganizationId, UserId},
    time::Timestamp,
};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};

use crate::audit::{AuditTarget, Audited, audit_fields};

/// Why somebody has an image in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, IntoStaticStr, EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum AssociationKind {
    /// They made the organization.
    Owner,
    /// They accepted an invitation.
    Invited,
    /// Somebody shared them with it.
    Shared,
}

impl AssociationKind {
    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Somebody's image in an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAssociation {
    /// The image.
    pub user_id: UserId,
    /// The environment.
    pub environment_id: EnvironmentId,
    /// The organization in which it is.
    pub organization_id: OrganizationId,
    /// Whose image it is.
    pub resident_user_id: UserId,
    /// The organization in whose pool that user is.
    pub resident_organization_id: OrganizationId,
    /// Why it is there.
    pub kind: AssociationKind,
    /// Since when.
    pub created_at: Timestamp,
}

impl Audited for UserAssociation {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "user_association",
            id: self.user_id.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! { "kind": self.kind.as_str(), "residentUserId": self.resident_user_id }
    }
}
