//! SCIM directories: where one organization's identity provider pushes its people and groups.

use serde_json::{Map, Value};

use super::{
    audit::{AuditTarget, Audited, audit_fields},
    id::{EnvironmentId, OrganizationId, ScimDirectoryId},
    idp_kind::IdpKind,
    time::Timestamp,
};

/// One directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimDirectory {
    /// Its id.
    pub id: ScimDirectoryId,
    /// The environment of its organization.
    pub environment_id: EnvironmentId,
    /// The organization whose people it holds.
    pub organization_id: OrganizationId,
    /// Whether it is meant when the organization is named alone. At most one is.
    pub primary: bool,
    /// Where the identity provider calls. Stored, never derived.
    pub scim_base_url: String,
    /// Whether people may have secondary addresses of domains that are not the organization's.
    pub allow_foreign_secondary_emails: bool,
    /// Whether people that it knows as inactive or deleted are refused at SAML logins (on by default).
    pub refuse_inactive_logins: bool,
    /// Whether only people that it knows as active may sign in by SAML (off by default).
    pub require_provisioned_logins: bool,
    /// Whose product the identity provider is, when somebody said so.
    pub idp_kind: Option<IdpKind>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One bearer token of a directory, without its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BearerToken {
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working, once a newer one replaced it.
    pub expires_at: Option<Timestamp>,
    /// When it last opened the directory, give or take a minute.
    pub last_used_at: Option<Timestamp>,
}

impl Audited for ScimDirectory {
    fn audit_target(&self) -> AuditTarget {
        AuditTarget {
            kind: "scim_directory",
            id: self.id.to_string(),
            organization_id: Some(self.organization_id),
        }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "primary": self.primary,
            "scimBaseUrl": self.scim_base_url,
            "allowForeignSecondaryEmails": self.allow_foreign_secondary_emails,
            "refuseInactiveLogins": self.refuse_inactive_logins,
            "requireProvisionedLogins": self.require_provisioned_logins,
            "idpKind": self.idp_kind.map(IdpKind::as_str),
        }
    }
}
