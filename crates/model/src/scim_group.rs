//! Groups that an identity provider provisioned, and their members.

use std::fmt;

use base::{
    id::{ScimDirectoryId, ScimGroupId, ScimUserId},
    time::Timestamp,
};
use serde_json::{Map, Value};

/// One group of a directory, without its members. Deleted groups are kept as history under their id.
#[derive(Debug, Clone, PartialEq)]
pub struct ScimGroup {
    /// Its id.
    pub id: ScimGroupId,
    /// Its directory.
    pub directory_id: ScimDirectoryId,
    /// `displayName`, as it was sent.
    pub display_name: String,
    /// `externalId`: the identity provider's own id.
    pub external_id: Option<String>,
    /// The normalised resource: canonical names, without `id`, `meta` and `members`.
    pub document: Map<String, Value>,
    /// The number of its version, from 1; the entity tag.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it or its membership was last changed.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// The id of a group member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScimMemberId {
    /// A user.
    User(ScimUserId),
    /// Another group.
    Group(ScimGroupId),
}

impl ScimMemberId {
    /// Parses the id of a user or a group.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::User).or_else(|_| text.parse().map(Self::Group)).ok()
    }
}

impl fmt::Display for ScimMemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Group(id) => id.fmt(f),
        }
    }
}

/// One membership.
#[derive(Debug, Clone, PartialEq)]
pub struct ScimMember {
    /// The member.
    pub id: ScimMemberId,
    /// The other attributes sent with it (`display`, `type`).
    pub attributes: Map<String, Value>,
}
