//! Cursors (RFC 9865): the start of the next page, bound to its query.
//!
//! A cursor is authenticated for its directory, kind, filter, order and count. It cannot be forged or used with
//! another query.

use std::time::Duration;

use base::time::Timestamp;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use scim::{ListQuery, ResourceType};

use super::error::Result;
use crate::app::{State, directories::tokens::ProvisioningTarget};

/// How long a cursor is valid.
pub const LIFETIME: Duration = Duration::from_secs(3600);

const PURPOSE: &str = "scim cursor";

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PageStart {
    /// After this id; at the first resource if it is empty.
    After(String),
    /// After this many resources.
    Offset(u64),
}

/// Encodes and decodes the cursors of one query.
pub(super) struct CursorCodec<'a> {
    state: &'a State,
    context: String,
}

impl<'a> CursorCodec<'a> {
    pub(super) fn new(
        state: &'a State,
        directory: &ProvisioningTarget,
        kind: ResourceType,
        query: &ListQuery,
    ) -> Self {
        let filter = query.filter.as_ref().map(ToString::to_string).unwrap_or_default();
        let sort = query.sort.as_ref().map(|sort| format!("{} {}", sort.path, sort.descending));
        // With the length, so that no two queries have the same context.
        let context = format!(
            "{}/{}/{} {filter}/{}",
            directory.directory.id,
            kind.endpoint(),
            filter.len(),
            sort.unwrap_or_default()
        );
        Self { state, context }
    }

    pub(super) fn encode(&self, begin: &PageStart, count: u64) -> String {
        let place = match begin {
            PageStart::After(id) => format!("a{id}"),
            PageStart::Offset(offset) => format!("o{offset}"),
        };
        let content = format!("{}.{count}.{place}", self.state.now().millis());
        let proof = self.state.master_key.compute_tag(PURPOSE, &self.mac_input(&content));
        let mut bytes = proof.to_vec();
        bytes.extend(content.as_bytes());
        BASE64.encode(bytes)
    }

    /// Decodes a cursor: the start of its page.
    pub(super) fn decode(&self, text: &str, count: u64) -> Result<PageStart> {
        let invalid = || scim::Error::InvalidCursor("the cursor is not of this query".into());
        // 32 bytes of proof and at most 100 of content.
        if text.len() > 200 {
            return Err(invalid().into());
        }
        let bytes = BASE64.decode(text).map_err(|_| invalid())?;
        let (proof, content) = bytes.split_first_chunk::<32>().ok_or_else(invalid)?;
        let content = std::str::from_utf8(content).map_err(|_| invalid())?;
        if !self.state.master_key.verify_tag(PURPOSE, &self.mac_input(content), proof) {
            return Err(invalid().into());
        }
        let mut parts = content.splitn(3, '.');
        let mut part = || parts.next().ok_or_else(invalid);
        let at = part()?.parse().map(Timestamp::from_millis).map_err(|_| invalid())?;
        let made_with: u64 = part()?.parse().map_err(|_| invalid())?;
        let place = part()?;
        if self.state.now().since(at) > LIFETIME {
            return Err(scim::Error::ExpiredCursor("the cursor has expired: search again".into()).into());
        }
        if made_with != count {
            let text = format!("the cursor was made with the count {made_with}");
            return Err(scim::Error::InvalidCount(text).into());
        }
        match (place.strip_prefix('a'), place.strip_prefix('o').and_then(|offset| offset.parse().ok())) {
            (Some(id), _) => Ok(PageStart::After(id.to_owned())),
            (_, Some(offset)) => Ok(PageStart::Offset(offset)),
            _ => Err(invalid().into()),
        }
    }

    fn mac_input(&self, content: &str) -> String {
        format!("{}/{content}", self.context)
    }
}
