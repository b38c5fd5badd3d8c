//! Sessions of browsers, and how they begin.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use base::{
    id::{
        AdminSessionKind, AdministratorId, EnvironmentId, Id, IdKind, OrganizationId, SetupLinkId,
        SetupSessionKind, UserId, UserSessionKind,
    },
    secret::{AdminSessionTokenKind, SecretKind, SetupSessionTokenKind, UserSessionTokenKind},
    time::Timestamp,
};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};

use crate::audit::{AuditTarget, Audited, audit_fields};

/// How a person authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString)]
#[strum(serialize_all = "snake_case")]
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
    /// A setup link.
    SetupLink,
    /// The operator's word, at the server's command line.
    Operator,
}

impl AuthenticationMethod {
    /// The name in the audit log and in the database.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a session is of. Sessions are found by kind of subject: the cookie of one kind is never accepted for another.
pub trait SessionSubject:
    Copy + Eq + fmt::Debug + fmt::Display + FromStr + Send + Sync + Unpin + 'static
{
    /// The kind of its sessions' ids.
    type SessionKind: IdKind;
    /// The kind of its sessions' cookies.
    type Token: SecretKind;
}

impl SessionSubject for AdministratorId {
    type SessionKind = AdminSessionKind;
    type Token = AdminSessionTokenKind;
}

impl SessionSubject for SetupLinkId {
    type SessionKind = SetupSessionKind;
    type Token = SetupSessionTokenKind;
}

impl SessionSubject for UserId {
    type SessionKind = UserSessionKind;
    type Token = UserSessionTokenKind;
}

/// What else there is to know of the session of a user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionContext {
    /// The organization in which they act.
    pub organization_id: Option<OrganizationId>,
    /// What proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// Whether the operator gave it the standing of a tenant administrator.
    pub tenant_admin: bool,
}

/// A session of one browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session<S: SessionSubject> {
    /// Its id; the cookie's value is another one.
    pub id: Id<S::SessionKind>,
    /// Whose it is.
    pub subject: S,
    /// The environment of its subject; `None` for administrators.
    pub environment_id: Option<EnvironmentId>,
    /// How they authenticated.
    pub method: AuthenticationMethod,
    /// The last client address.
    pub address: Option<IpAddr>,
    /// The browser's `User-Agent`.
    pub user_agent: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When they last authenticated in it (OpenID Connect's `auth_time`).
    pub authenticated_at: Timestamp,
    /// When the browser last sent a request, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends regardless of activity.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// Of a user: in which organization they act, and how they authenticated.
    pub context: SessionContext,
}

impl<S: SessionSubject> Session<S> {
    /// Whether the session is valid at `now`, given the idle timeout `idle`.
    pub fn is_active(&self, now: Timestamp, idle: Duration) -> bool {
        self.revoked_at.is_none() && self.expires_at > now && self.last_seen_at + idle > now
    }
}

/// A session of a user.
pub type UserSession = Session<UserId>;

/// A session of the console.
pub type AdminSession = Session<AdministratorId>;

impl Audited for AdminSession {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "admin_session", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "administratorId": self.subject,
            "method": self.method.as_str(),
            "userAgent": self.user_agent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_valid_until_it_is_idle_expires_or_is_ended() {
        let at = Timestamp::from_seconds;
        let session = Session::<SetupLinkId> {
            id: Id::from_bits(1),
            subject: Id::from_bits(2),
            environment_id: None,
            method: AuthenticationMethod::SetupLink,
            address: None,
            user_agent: String::new(),
            created_at: at(0),
            authenticated_at: at(0),
            last_seen_at: at(10),
            expires_at: at(100),
            revoked_at: None,
            context: SessionContext::default(),
        };
        let idle = Duration::from_secs(20);
        for (now, idle, active) in
            [(29, idle, true), (30, idle, false), (99, Duration::MAX, true), (100, Duration::MAX, false)]
        {
            assert_eq!(session.is_active(at(now), idle), active, "{now}");
        }
        let ended = Session { revoked_at: Some(at(11)), ..session };
        assert!(!ended.is_active(at(12), idle));
    }
}
