//! One-time links to accounts: invitations and resets.

use std::fmt;

use base::{
    id::{AdminInvitationKind, EnvironmentId, Id, IdKind},
    secret::{AdminInvitationTokenKind, SecretKind},
    time::Timestamp,
};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};

use super::AccountId;
use crate::{
    administrator::RoleGrant,
    audit::{AuditTarget, Audited, audit_fields},
    email::Email,
};

/// What an invitation's link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum InvitationPurpose {
    /// To get an account, or another role.
    Join,
    /// To recover an account after losing password and passkeys.
    Reset,
}

impl InvitationPurpose {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What accepting an invitation grants. Its type says which kind of account the invitation makes; invitations are found by
/// it.
pub trait InvitationGrant: Copy + Eq + fmt::Debug + Send + Sync + 'static {
    /// The kind of its invitations' ids.
    type InvitationKind: IdKind;
    /// The kind of its links' tokens.
    type Token: SecretKind;
    /// The name of the kind of account, in the database.
    const ACCOUNT_KIND: &'static str;

    /// The environment that it is for; `None` for every one.
    fn environment_id(&self) -> Option<EnvironmentId>;
    /// The name of the role, in the database.
    fn role(&self) -> &'static str;
    /// The grant of a role by its name. `None` if there is no such role.
    fn parse(role: &str, environment_id: Option<EnvironmentId>) -> Option<Self>;
}

impl InvitationGrant for RoleGrant {
    type InvitationKind = AdminInvitationKind;
    type Token = AdminInvitationTokenKind;
    const ACCOUNT_KIND: &'static str = "administrator";

    fn environment_id(&self) -> Option<EnvironmentId> {
        self.environment_id
    }

    fn role(&self) -> &'static str {
        self.role.as_str()
    }

    fn parse(role: &str, environment_id: Option<EnvironmentId>) -> Option<Self> {
        role.parse().ok().map(|role| Self { environment_id, role })
    }
}

/// A one-time link to get an account or to recover one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation<G: InvitationGrant> {
    /// Its id; the link's token is another one.
    pub id: Id<G::InvitationKind>,
    /// What it is for.
    pub purpose: InvitationPurpose,
    /// Whom it is for; `None` when anyone with the link may use it.
    pub email: Option<Email>,
    /// What is granted on acceptance.
    pub grant: G,
    /// Who invited; `None` for the operator.
    pub invited_by: Option<AccountId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When the link expires.
    pub expires_at: Timestamp,
    /// When it was used.
    pub consumed_at: Option<Timestamp>,
}

/// An invitation to become an administrator.
pub type AdminInvitation = Invitation<RoleGrant>;

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
