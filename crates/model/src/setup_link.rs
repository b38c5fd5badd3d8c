//! Setup links: one-time links with which a customer's IT admin configures their identity provider.

use std::time::Duration;

use base::{
    id::{EnvironmentId, OrganizationId, SetupLinkId},
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value};
use strum::IntoStaticStr;

use crate::audit::{AuditTarget, Audited, audit_fields};

/// Minimum lifetime of a session, however late the link was redeemed.
const MIN_SESSION_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// One setup link, without its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupLink {
    /// Its id.
    pub id: SetupLinkId,
    /// The environment of its organization.
    pub environment_id: EnvironmentId,
    /// The one organization it gives access to.
    pub organization_id: OrganizationId,
    /// Whether SAML connections may be set up with it.
    pub can_manage_saml: bool,
    /// Whether SCIM directories may be set up with it.
    pub can_manage_scim: bool,
    /// Whether domains may be added and verified with it.
    pub can_manage_domains: bool,
    /// The actor who created it, as named in the audit log.
    pub created_by: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When a browser redeemed it. It can be redeemed once.
    pub redeemed_at: Option<Timestamp>,
    /// When it was revoked, together with its sessions.
    pub revoked_at: Option<Timestamp>,
}

/// The status of a setup link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, IntoStaticStr)]
#[serde(into = "&'static str")]
#[strum(serialize_all = "snake_case")]
pub enum SetupLinkStatus {
    /// It can be redeemed.
    Open,
    /// It was redeemed.
    Redeemed,
    /// It expired before it was redeemed.
    Expired,
    /// It was revoked.
    Revoked,
}

impl SetupLinkStatus {
    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl SetupLink {
    /// Its status at `now`.
    pub fn status(&self, now: Timestamp) -> SetupLinkStatus {
        match (self.revoked_at, self.redeemed_at) {
            (Some(_), _) => SetupLinkStatus::Revoked,
            (None, Some(_)) => SetupLinkStatus::Redeemed,
            (None, None) if self.expires_at <= now => SetupLinkStatus::Expired,
            (None, None) => SetupLinkStatus::Open,
        }
    }

    /// Whether an organization's own administrator made it for themselves, to go on to the setup pages.
    pub fn is_own(&self) -> bool {
        self.created_by.starts_with("usr_")
    }

    /// When a session that starts at `now` expires: with the link, but not before the minimum lifetime has
    /// passed.
    pub fn session_expires_at(&self, now: Timestamp) -> Timestamp {
        self.expires_at.max(now + MIN_SESSION_LIFETIME)
    }
}

impl Audited for SetupLink {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "setup_link",
            id: self.id.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "canManageSaml": self.can_manage_saml,
            "canManageScim": self.can_manage_scim,
            "canManageDomains": self.can_manage_domains,
            "expiresAt": self.expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;

    #[test]
    fn a_link_is_open_until_something_happens_to_it() {
        let at = Timestamp::from_seconds;
        let link = SetupLink {
            id: Id::from_bits(1),
            environment_id: Id::from_bits(2),
            organization_id: Id::from_bits(3),
            can_manage_saml: true,
            can_manage_scim: false,
            can_manage_domains: false,
            created_by: "operator".into(),
            created_at: at(0),
            expires_at: at(100),
            redeemed_at: None,
            revoked_at: None,
        };
        let redeemed = SetupLink { redeemed_at: Some(at(50)), ..link.clone() };
        let revoked = SetupLink { revoked_at: Some(at(60)), ..redeemed.clone() };
        assert_eq!(link.status(at(99)), SetupLinkStatus::Open);
        assert_eq!(link.status(at(100)), SetupLinkStatus::Expired);
        assert_eq!(redeemed.status(at(200)), SetupLinkStatus::Redeemed);
        assert_eq!(revoked.status(at(70)), SetupLinkStatus::Revoked);
        assert_eq!(link.session_expires_at(at(99)), at(99 + 86_400));
        let long = SetupLink { expires_at: at(1_000_000), ..link };
        assert_eq!(long.session_expires_at(at(99)), at(1_000_000));
    }
}
