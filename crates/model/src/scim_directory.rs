//! SCIM directories: where an organization's identity provider provisions its users and groups.

use base::{
    id::{EnvironmentId, OrganizationId, ScimDirectoryId},
    time::Timestamp,
};
use serde_json::{Map, Value};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    idp_kind::IdpKind,
};

/// One directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScimDirectory {
    /// Its id.
    pub id: ScimDirectoryId,
    /// The environment of its organization.
    pub environment_id: EnvironmentId,
    /// The organization whose users it holds.
    pub organization_id: OrganizationId,
    /// The version of its settings and tokens: 1, and one more with each change.
    pub version: i64,
    /// Whether it is used when only the organization is named. At most one directory is primary.
    pub primary: bool,
    /// The base URL that the identity provider calls. Stored, never derived.
    pub scim_base_url: String,
    /// Whether users may have secondary addresses of domains that are not the organization's.
    pub allow_foreign_secondary_emails: bool,
    /// Whether users may have no e-mail address at all.
    pub allow_users_without_email: bool,
    /// Whether SAML logins of inactive or deleted users are refused (on by default).
    pub refuse_inactive_logins: bool,
    /// Whether only users active in the directory may sign in by SAML (off by default).
    pub require_provisioned_logins: bool,
    /// Whether it is switched off: SCIM requests are refused. What it holds still counts for logins.
    pub disabled: bool,
    /// The identity provider's product, if known.
    pub idp_kind: Option<IdpKind>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// One bearer token of a directory, without its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BearerToken {
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires, once a newer token replaced it.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, accurate to a minute.
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
            "allowUsersWithoutEmail": self.allow_users_without_email,
            "refuseInactiveLogins": self.refuse_inactive_logins,
            "requireProvisionedLogins": self.require_provisioned_logins,
            "disabled": self.disabled,
            "idpKind": self.idp_kind,
        }
    }
}
