//! What holds for users and groups alike: the size of a resource, and its id.

use base::id::{Id, IdKind};
use scim::ResourceType;
use serde_json::{Map, Value};

use super::error::{Result, not_found};

/// The maximum size of a stored resource as JSON: pages of them must fit into memory.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;

/// Refuses a resource that is too large.
pub(super) fn check_size(document: &Map<String, Value>) -> Result<(), scim::Error> {
    match serde_json::to_vec(document).map_or(0, |json| json.len()) {
        ..=MAX_DOCUMENT_BYTES => Ok(()),
        size => {
            let text = format!("the resource takes {size} bytes; it may take {MAX_DOCUMENT_BYTES}");
            Err(scim::Error::TooLarge(text))
        }
    }
}

/// Parses an id in a path or a body; a malformed one is not found.
pub(super) fn parse_id<K: IdKind>(kind: ResourceType, text: &str) -> Result<Id<K>> {
    text.parse().map_err(|_| not_found(kind, text))
}
