//! Administrators: the vendor's own people, who work in the console.

use std::{fmt, net::IpAddr, time::Duration};

use serde_json::{Map, Value};

use super::{
    audit::{AuditTarget, Audited, audit_fields},
    email::Email,
    id::{AdminInvitationId, AdminSessionId, AdministratorId, EnvironmentId, PasskeyId},
    time::Timestamp,
};

/// What an administrator may do in an environment. Each role may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May read everything.
    Viewer,
    /// May change what is in the environment.
    Admin,
    /// May assign roles, and change or delete the environment itself.
    Owner,
}

impl Role {
    /// All of them, in ascending order.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Admin, Self::Owner];

    /// The name in the API and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Parses the name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// One administrator account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// Its id.
    pub id: AdministratorId,
    /// The address they are invited at and sign in with.
    pub email: Email,
    /// Their name; empty until they set one.
    pub display_name: String,
    /// The hash of their password, if they have one.
    pub password_hash: Option<PasswordHash>,
    /// When they joined.
    pub created_at: Timestamp,
    /// When any of this last changed.
    pub updated_at: Timestamp,
    /// When they were removed. A removed account cannot sign in.
    pub disabled_at: Option<Timestamp>,
}

impl Administrator {
    /// The name shown to others: the display name, or the e-mail address when there is none.
    pub fn name(&self) -> &str {
        if self.display_name.is_empty() { self.email.as_str() } else { &self.display_name }
    }
}

/// A password hash as a PHC string. Its `Debug` output is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// A role, granted in one environment or in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleGrant {
    /// The environment; `None` for all, including future ones.
    pub environment_id: Option<EnvironmentId>,
    /// The role.
    pub role: Role,
}

/// All roles granted to one administrator.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleGrants(pub Vec<RoleGrant>);

impl RoleGrants {
    /// The role granted in all environments.
    pub fn global_role(&self) -> Option<Role> {
        self.0.iter().find(|grant| grant.environment_id.is_none()).map(|grant| grant.role)
    }

    /// The effective role in one environment, the higher of the two grants, and whether it comes from the
    /// global one.
    pub fn role_in(&self, environment_id: EnvironmentId) -> Option<(Role, bool)> {
        let everywhere = self.global_role();
        let own = self.0.iter().find(|grant| grant.environment_id == Some(environment_id));
        match (own.map(|grant| grant.role), everywhere) {
            (Some(own), Some(everywhere)) if own <= everywhere => Some((everywhere, true)),
            (Some(own), _) => Some((own, false)),
            (None, Some(everywhere)) => Some((everywhere, true)),
            (None, None) => None,
        }
    }

    /// The environments with a grant of their own.
    pub fn environments(&self) -> impl Iterator<Item = EnvironmentId> {
        self.0.iter().filter_map(|grant| grant.environment_id)
    }
}

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

/// A passkey of an administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminPasskey {
    /// Our id; the authenticator's credential id is another one.
    pub id: PasskeyId,
    /// Its owner.
    pub administrator_id: AdministratorId,
    /// The name its owner gave it.
    pub display_name: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last used to sign in.
    pub last_used_at: Option<Timestamp>,
}

impl Audited for Administrator {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "administrator", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "email": self.email.as_str(),
            "displayName": self.display_name,
            "disabled": self.disabled_at.is_some(),
        }
    }
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

impl Audited for AdminPasskey {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "passkey", id: self.id.to_string(), organization_id: None }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! { "administratorId": self.administrator_id, "displayName": self.display_name }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_role_counts() {
        let (here, there) = (EnvironmentId::from_bits(1), EnvironmentId::from_bits(2));
        let grants = |everywhere: Option<Role>, own: Option<Role>| {
            let everywhere = everywhere.map(|role| RoleGrant { environment_id: None, role });
            let own = own.map(|role| RoleGrant { environment_id: Some(here), role });
            RoleGrants(everywhere.into_iter().chain(own).collect())
        };
        for (everywhere, own, in_here, in_there) in [
            (None, None, None, None),
            (None, Some(Role::Admin), Some((Role::Admin, false)), None),
            (Some(Role::Viewer), None, Some((Role::Viewer, true)), Some((Role::Viewer, true))),
            (Some(Role::Viewer), Some(Role::Owner), Some((Role::Owner, false)), Some((Role::Viewer, true))),
            (Some(Role::Owner), Some(Role::Viewer), Some((Role::Owner, true)), Some((Role::Owner, true))),
        ] {
            let grants = grants(everywhere, own);
            assert_eq!((grants.role_in(here), grants.role_in(there)), (in_here, in_there));
        }
    }

    #[test]
    fn a_hash_does_not_show_itself() {
        assert_eq!(format!("{:?}", PasswordHash("$argon2id$x".into())), "…");
    }

    #[test]
    fn roles_contain_one_another_and_keep_their_names() {
        assert!(Role::Viewer < Role::Admin && Role::Admin < Role::Owner);
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
