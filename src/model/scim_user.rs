//! People that an identity provider pushed.

use serde_json::{Map, Value};

use super::{
    id::{ScimDirectoryId, ScimUserId},
    time::Timestamp,
};

/// One person of a directory. Deleted ones stay as history, under their id.
#[derive(Debug, Clone, PartialEq)]
pub struct ScimUser {
    /// Its id.
    pub id: ScimUserId,
    /// The directory that knows it.
    pub directory_id: ScimDirectoryId,
    /// `userName`, as it was sent. One living user has it, whatever the case.
    pub user_name: String,
    /// `externalId`: the identity provider's own id.
    pub external_id: Option<String>,
    /// Whether the person may come in.
    pub active: bool,
    /// The address that apps are told; always of a domain of the organization.
    pub email: Option<String>,
    /// The resource as it was understood: canonical names, without `id`, `meta`, `groups` and `password`.
    pub document: Map<String, Value>,
    /// Counts its changes, from 1: the entity tag.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}
