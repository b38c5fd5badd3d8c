//! Users that an identity provider provisioned.

use base::{
    id::{ScimDirectoryId, ScimUserId},
    time::Timestamp,
};
use serde_json::{Map, Value};

/// One user of a directory. Deleted users are kept as history under their id.
#[derive(Debug, Clone, PartialEq)]
pub struct ScimUser {
    /// Its id.
    pub id: ScimUserId,
    /// Its directory.
    pub directory_id: ScimDirectoryId,
    /// `userName`, as it was sent. Unique, ignoring case, among users that are not deleted.
    pub user_name: String,
    /// `externalId`: the identity provider's own id.
    pub external_id: Option<String>,
    /// Whether the user may sign in.
    pub active: bool,
    /// The address given to apps; always of a domain of the organization.
    pub email: Option<String>,
    /// The normalised resource: canonical names, without `id`, `meta`, `groups` and `password`.
    pub document: Map<String, Value>,
    /// The number of its version, from 1; the entity tag.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}
