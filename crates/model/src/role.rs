//! Roles: named sets of permissions, each for an application or for an organization.

use std::collections::BTreeSet;

use base::{
    id::{ApplicationId, EnvironmentId, OrganizationId, RoleId},
    time::Timestamp,
};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr};

use crate::{
    audit::{AuditTarget, Audited, audit_fields},
    organization::root_id,
    user_group,
};

/// What a role is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// One application.
    Application(ApplicationId),
    /// The organization itself, and every application in it.
    Organization(OrganizationId),
}

/// The kinds of [`Audience`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AudienceType {
    /// An application.
    Application,
    /// An organization.
    Organization,
}

impl AudienceType {
    /// The stored name, which is the one on the wire too.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Audience {
    /// Its kind.
    pub fn kind(self) -> AudienceType {
        match self {
            Self::Application(_) => AudienceType::Application,
            Self::Organization(_) => AudienceType::Organization,
        }
    }

    /// The id of the application or the organization, as it is stored.
    pub fn id_text(self) -> String {
        match self {
            Self::Application(id) => id.to_string(),
            Self::Organization(id) => id.to_string(),
        }
    }

    /// The id of the application or the organization.
    pub fn bits(self) -> u128 {
        match self {
            Self::Application(id) => id.bits(),
            Self::Organization(id) => id.bits(),
        }
    }
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// The environment it is in.
    pub environment_id: EnvironmentId,
    /// The organization whose role it is; the root's are the vendor's.
    pub organization_id: OrganizationId,
    /// The version of its settings: 1, and one more with each change. Who has it does not belong to it.
    pub version: i64,
    /// Its name, unique in its normal form among the roles of the audience.
    pub name: String,
    /// What it is for.
    pub audience: Audience,
    /// What it permits: scopes.
    pub permissions: BTreeSet<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Role {
    /// The normal form of its name.
    pub fn name_key(&self) -> String {
        name_key(&self.name)
    }

    /// Whether it is the vendor's.
    pub fn is_of_root(&self) -> bool {
        self.organization_id == root_id(self.environment_id)
    }
}

/// The normal form of a role's name: as that of a group's.
pub fn name_key(name: &str) -> String {
    user_group::name_key(name)
}

impl Audited for Role {
    fn audit_target(&self) -> AuditTarget {
        let organization_id = Some(self.organization_id).filter(|_| !self.is_of_root());
        AuditTarget { kind: "role", id: self.id.to_string(), organization_id }
    }

    fn audit_fields(&self) -> Map<String, Value> {
        audit_fields! {
            "name": self.name,
            "audienceType": self.audience.kind().as_str(),
            "audienceId": self.audience.id_text(),
            "permissions": self.permissions,
        }
    }
}

/// Who can have a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AssigneeKind {
    /// A user of the organization.
    User,
    /// A group of such users: everybody who is in it has the role.
    Group,
}

impl AssigneeKind {
    /// The stored name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
