//! Lists of what has a name, as programs ask for them: sorted, searched, and page by page from an item on, in both directions.

use base::id::{EnvironmentId, Id, IdKind};

use super::{Error, Result};
use crate::store::{
    Conn,
    sorted_lists::{self, Common, Mark, Named, Place, Query},
    table,
};

pub use crate::store::sorted_lists::Sort;

/// The maximum length of what is searched for, in characters; the rest is ignored.
const MAX_SEARCH: usize = 255;

/// From where a list goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor<K: IdKind> {
    /// With those after this one.
    After(Id<K>),
    /// With the last ones before this one.
    Before(Id<K>),
}

/// Which part of a list, and in which order.
#[derive(Debug, Clone)]
pub struct SortedQuery<K: IdKind> {
    /// A part of the name, in whatever case, or the id; empty for all.
    pub search: String,
    /// The order.
    pub sort: Sort,
    /// Whether it is reversed.
    pub descending: bool,
    /// From where the list goes on.
    pub cursor: Option<Cursor<K>>,
    /// How many at most.
    pub limit: i64,
}

/// The names of the parameters `after_…_id` and `before_…_id` of a list of this kind.
pub fn cursor_fields<K: IdKind>() -> (String, String) {
    // The last word tells kinds apart: "identity pool".
    let word = K::NOUN.rsplit(' ').next().unwrap_or_default();
    (format!("after_{word}_id"), format!("before_{word}_id"))
}

/// The error of a cursor that names nothing.
pub fn invalid_cursor<K: IdKind>(field: String) -> Error {
    let article = if K::NOUN.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    Error::invalid(field, format!("must be the id of {article} {}", K::NOUN))
}

/// One page of the rows of an environment that have this in common. The caller authorised it.
pub(super) async fn list<T: Named>(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    common: Common,
    wanted: &SortedQuery<T::Kind>,
) -> Result<Vec<T>> {
    let search: String = wanted.search.trim().chars().take(MAX_SEARCH).collect();
    let (after, before) = cursor_fields::<T::Kind>();
    let mark = match wanted.cursor {
        None => None,
        Some(Cursor::After(id)) => Some(mark::<T>(conn, environment_id, wanted.sort, id, after).await?),
        Some(Cursor::Before(id)) => Some(mark::<T>(conn, environment_id, wanted.sort, id, before).await?),
    };
    let place = match (&mark, wanted.cursor) {
        (Some(mark), Some(Cursor::Before(_))) => Place::Before(mark),
        (Some(mark), _) => Place::After(mark),
        (None, _) => Place::First,
    };
    let query = Query {
        environment_id,
        common,
        search: &search,
        sort: wanted.sort,
        descending: wanted.descending,
        place,
        limit: wanted.limit,
    };
    Ok(sorted_lists::list(conn, &query).await?)
}

/// Where a row is in a list. In a list by id it may be gone.
async fn mark<T: Named>(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    sort: Sort,
    id: Id<T::Kind>,
    field: String,
) -> Result<Mark> {
    if sort == Sort::Id {
        return Ok(Mark::Id(id.to_string()));
    }
    let found: Option<T> = table::find(conn, environment_id, id).await?;
    Ok(Mark::of(&found.ok_or_else(|| invalid_cursor::<T::Kind>(field))?, sort))
}
