//! The one-time links of administrators: invitations and resets.

use base::{
    id::{AdminInvitationId, AdministratorId},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{
    administrator::RoleGrant,
    audit::{AuditTarget, Audited, audit_fields},
    email::Email,
};

/// What an invitation's link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationPurpose {
    /// To become an administrator, or to get another role.
    Join,
    /// To recover an account after losing password and passkeys.
    Reset,
}

impl InvitationPurpose {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Reset => "reset",
        }
    }

    /// Parses the name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Join, Self::Reset].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A one-time link to become an administrator or to recover an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminInvitation {
    /// Its id; the link's token is another one.
    pub id: AdminInvitationId,
    /// What it is for.
    pub purpose: InvitationPurpose,
    /// Whom it is for; `None` when anyone with the link may use it.
    pub email: Option<Email>,
    /// The role that is granted on acceptance.
    pub grant: RoleGrant,
    /// The inviting administrator; `None` for the operator.
    pub invited_by: Option<AdministratorId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the link expires.
    pub expires_at: Timestamp,
    /// When it was used.
    pub consumed_at: Option<Timestamp>,
}

impl Audited for AdminInvitation {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "admin_invitation", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "email": self.email.as_ref().map(Email::as_str),
            "purpose": self.purpose.as_str(),
            "role": self.grant.role.as_str(),
            "environmentId": self.grant.environment_id.map(|id| id.to_string()),
            "expiresAt": self.expires_at,
        }
    }
}
