//! Console sessions, and how they begin.

use std::{net::IpAddr, time::Duration};

use base::{
    id::{AdminSessionId, AdministratorId},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::audit::{AuditTarget, Audited, audit_fields};

/// How an administrator authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthenticationMethod {
    /// E-mail and password.
    Password,
    /// A passkey.
    Passkey,
    /// A SAML connection of this gateway.
    Saml,
    /// An OpenID provider.
    Oidc,
    /// The one-time link of an invitation.
    Invitation,
}

impl AuthenticationMethod {
    const ALL: [Self; 5] = [Self::Password, Self::Passkey, Self::Saml, Self::Oidc, Self::Invitation];

    /// The name in the audit log and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Passkey => "passkey",
            Self::Saml => "saml",
            Self::Oidc => "oidc",
            Self::Invitation => "invitation",
        }
    }

    /// Parses the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }
}

/// A console session of one browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminSession {
    /// Its id; the cookie's value is another one.
    pub id: AdminSessionId,
    /// The signed-in administrator.
    pub administrator_id: AdministratorId,
    /// How they authenticated.
    pub method: AuthenticationMethod,
    /// The last client address.
    pub address: Option<IpAddr>,
    /// The browser's `User-Agent`.
    pub user_agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When the administrator last authenticated in it (OpenID Connect's `auth_time`).
    pub authenticated_at: Timestamp,
    /// When the browser last sent a request, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends regardless of activity.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
}

impl AdminSession {
    /// Whether the session is valid at `now`, given the idle timeout `idle`.
    pub fn is_active(&self, now: Timestamp, idle: Duration) -> bool {
        self.revoked_at.is_none() && self.expires_at > now && self.last_seen_at + idle > now
    }
}

impl Audited for AdminSession {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "admin_session", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "administratorId": self.administrator_id,
            "method": self.method.as_str(),
            "userAgent": self.user_agent,
        }
    }
}
