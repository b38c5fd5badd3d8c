//! Applications: clients of the environments' issuers. Apps that sign people in, and programs that call APIs.

use base::{
    id::{ApplicationId, EnvironmentId, OrganizationId},
    secret::Digest,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    http_url::HttpUrl,
};

pub use oauth::algorithm::IdTokenAlg;

/// What kind of client it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ClientKind {
    /// An app with a server, which keeps a secret (RFC 6749 §2.1, confidential).
    Web,
    /// An app in a browser or on a device, which cannot keep one.
    Public,
    /// A program that acts for itself.
    Service,
}

/// What a client may exchange for tokens (RFC 7591 §2, `grant_types`).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum GrantType {
    /// A code, after somebody signed in (RFC 6749 §4.1).
    AuthorizationCode,
    /// The client's own authority (RFC 6749 §4.4).
    ClientCredentials,
    /// A refresh token (RFC 6749 §6).
    RefreshToken,
    /// A token of the same application, for one that is good in another organization (WSO2).
    OrganizationSwitch,
}

/// Where a service client administers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Workspace {
    /// The environment itself.
    System,
}

/// At the issuers of which organizations an application of the vendor can be used, beside the root's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Sharing {
    /// Of all that there are and will be.
    All,
    /// Of those that there were when it was shared.
    Existing,
    /// Of those that are named.
    Selected,
    /// Of none.
    None,
}

/// For what the roles of an application are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RoleAudience {
    /// For an organization: the application uses some of its roles.
    Organization,
    /// For the application alone.
    Application,
}

/// How many of an application's roles are shared along with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum RoleSharingMode {
    /// All that there are and will be.
    All,
    /// Those that are named.
    Selected,
    /// None.
    None,
}

/// Which of an application's roles are shared along with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSharing {
    /// How many.
    pub mode: RoleSharingMode,
    /// The ids of those that are named.
    pub roles: Vec<String>,
}

impl RoleSharing {
    /// All of them.
    pub const ALL: Self = Self { mode: RoleSharingMode::All, roles: Vec::new() };

    /// None of them.
    pub const NONE: Self = Self { mode: RoleSharingMode::None, roles: Vec::new() };
}

impl Sharing {
    /// That of a new application.
    pub fn default_of(kind: ClientKind, owner: Option<OrganizationId>) -> Self {
        if kind != ClientKind::Service && owner.is_none() { Self::All } else { Self::None }
    }
}

macro_rules! names {
    ($($type:ident),+) => {$(
        impl $type {
            /// The stored name, which is the one on the wire too.
            pub fn as_str(self) -> &'static str {
                self.into()
            }
        }
    )+};
}
names!(ClientKind, GrantType, Workspace, Sharing, RoleAudience, RoleSharingMode);

impl ClientKind {
    /// Whether such a client has a secret.
    pub fn has_secret(self) -> bool {
        self != Self::Public
    }

    /// The grants that such a client may use at all.
    pub fn permitted_grants(self) -> &'static [GrantType] {
        match self {
            Self::Web => GrantType::VARIANTS,
            Self::Public => &[GrantType::AuthorizationCode, GrantType::RefreshToken],
            Self::Service => &[GrantType::ClientCredentials, GrantType::OrganizationSwitch],
        }
    }

    /// The grants of a new client where nothing is said.
    pub fn default_grants(self) -> &'static [GrantType] {
        match self {
            Self::Web | Self::Public => &[GrantType::AuthorizationCode, GrantType::RefreshToken],
            Self::Service => &[GrantType::ClientCredentials],
        }
    }
}

/// One application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// Its id, the `client_id`.
    pub id: ApplicationId,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// The version of its settings: 1, and one more with each change.
    pub version: i64,
    /// What kind of client it is.
    pub kind: ClientKind,
    /// Where it administers; `None` for what administers nothing.
    pub workspace: Option<Workspace>,
    /// The organization that owns it; `None` for the vendor.
    pub organization_id: Option<OrganizationId>,
    /// The digest of its secret; `None` for a public client.
    pub secret: Option<Digest>,
    /// The secret before that one, and when it ends.
    pub previous_secret: Option<PreviousSecret>,
    /// Its display name; may be empty.
    pub display_name: String,
    /// What it is for, in words; may be empty.
    pub description: String,
    /// What it may exchange for tokens.
    pub grant_types: Vec<GrantType>,
    /// What it may ask for.
    pub scopes: Vec<String>,
    /// At whose issuers it can be used besides its owner's. What differs in single organizations is no part of this row.
    pub shared: Sharing,
    /// Since when that is so.
    pub shared_at: Option<Timestamp>,
    /// Which of its roles are shared along with it.
    pub shared_roles: RoleSharing,
    /// For what its roles are.
    pub role_audience: RoleAudience,
    /// Its redirect URIs, compared byte for byte; empty: those of the environment.
    pub redirect_uris: Vec<HttpUrl>,
    /// Where it may send people who signed out, compared byte for byte.
    pub post_logout_redirect_uris: Vec<HttpUrl>,
    /// The origins whose scripts may call the issuer (Fetch, CORS).
    pub origins: Vec<String>,
    /// How its tokens are signed.
    pub signing_alg: IdTokenAlg,
    /// Whether it is switched off.
    pub disabled: bool,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A secret that was replaced and is still accepted for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreviousSecret {
    /// Its digest.
    pub secret: Digest,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Application {
    /// Whether a secret is one of its two, at `now`.
    pub fn accepts(&self, secret: Digest, now: Timestamp) -> bool {
        let present = self.secret.is_some_and(|own| own == secret);
        let previous = self.previous_secret.is_some_and(|own| own.secret == secret && own.expires_at > now);
        present || previous
    }

    /// Whether it may ask for a scope.
    pub fn may_ask_for(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }

    /// Whether it can be shared with organizations at all: one of the vendor's own that signs people in, or that switches to
    /// other organizations.
    pub fn can_be_shared(&self) -> bool {
        let switches = self.grant_types.contains(&GrantType::OrganizationSwitch);
        self.organization_id.is_none()
            && !self.is_of_system()
            && (self.kind != ClientKind::Service || switches)
    }

    /// The normal form of its name, by which it is searched.
    pub fn name_key(&self) -> String {
        self.display_name.trim().to_lowercase()
    }

    /// Its name, or else its id.
    pub fn shown_name(&self) -> String {
        match self.display_name.trim() {
            "" => self.id.to_string(),
            name => name.to_owned(),
        }
    }

    /// Whether it administers the environment.
    pub fn is_of_system(&self) -> bool {
        self.workspace == Some(Workspace::System)
    }
}

impl Audited for Application {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget { kind: "application", id: self.id.to_string(), organization_id: self.organization_id }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        let uris: Vec<&str> = self.redirect_uris.iter().map(HttpUrl::as_str).collect();
        let post_logout: Vec<&str> = self.post_logout_redirect_uris.iter().map(HttpUrl::as_str).collect();
        let grants: Vec<&str> = self.grant_types.iter().map(|grant| grant.as_str()).collect();
        audit_fields! {
            "displayName": self.display_name,
            "kind": self.kind.as_str(),
            "workspace": self.workspace.map(Workspace::as_str),
            "grantTypes": grants,
            "scopes": self.scopes,
            "description": self.description,
            "shared": self.shared.as_str(),
            "sharedRoles": self.shared_roles.mode.as_str(),
            "roleAudience": self.role_audience.as_str(),
            "redirectUris": uris,
            "postLogoutRedirectUris": post_logout,
            "origins": self.origins,
            "signingAlg": self.signing_alg.as_str(),
            "disabled": self.disabled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_are_good_while_one_replaces_the_other() {
        let now = Timestamp::from_seconds(1000);
        let mut application = Application {
            id: ApplicationId::from_bits(1),
            environment_id: EnvironmentId::from_bits(2),
            version: 1,
            kind: ClientKind::Service,
            workspace: Some(Workspace::System),
            organization_id: None,
            secret: Some(Digest::of("new")),
            previous_secret: Some(PreviousSecret {
                secret: Digest::of("old"),
                expires_at: Timestamp::from_seconds(1001),
            }),
            display_name: String::new(),
            description: String::new(),
            grant_types: vec![GrantType::ClientCredentials],
            scopes: Vec::new(),
            shared: Sharing::None,
            shared_at: None,
            shared_roles: RoleSharing::ALL,
            role_audience: RoleAudience::Organization,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            origins: Vec::new(),
            signing_alg: IdTokenAlg::ES256,
            disabled: false,
            created_at: now,
        };
        assert!(application.accepts(Digest::of("new"), now));
        assert!(application.accepts(Digest::of("old"), now));
        assert!(!application.accepts(Digest::of("old"), Timestamp::from_seconds(1001)));
        assert!(!application.accepts(Digest::of("other"), now));
        application.secret = None;
        application.previous_secret = None;
        assert!(!application.accepts(Digest::of("new"), now), "a public client has none");
    }
}
