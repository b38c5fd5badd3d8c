//! Pages of database reads.

use base::id::{Id, IdKind};

use crate::cli::installation;

/// The page size of database reads.
pub(super) const PAGE: i64 = 500;

/// Where the page after this one starts; `None` after the last one.
pub(super) fn next_page<T, K: IdKind>(page: &[T], id: impl Fn(&T) -> Id<K>) -> Option<Id<K>> {
    let last = page.last().filter(|_| i64::try_from(page.len()).unwrap_or(0) == PAGE)?;
    Some(installation::next_id(id(last)))
}
