//! The parameters of lists that are sorted and cut as the caller says.

use base::id::{Id, IdKind};

use super::call::Query;
use crate::app::{
    Error, Result,
    sorted_list::{Cursor, Sort, SortedQuery, cursor_fields, invalid_cursor},
};

/// The part of a list that a query asks for; `default` is its order where the query names none.
pub(super) fn sorted_query<K: IdKind>(query: &Query, default: Sort) -> Result<SortedQuery<K>> {
    let sort = match query.text("sort") {
        None => default,
        Some("id") => Sort::Id,
        Some("name") => Sort::Name,
        Some("created_at") => Sort::CreatedAt,
        Some(_) => return Err(Error::invalid("sort", "must be one of id, name, created_at")),
    };
    let descending = match query.text("order") {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) => return Err(Error::invalid("order", "must be one of asc, desc")),
    };
    let (after, before) = cursor_fields::<K>();
    let id = |field: &str| {
        let parsed = query.text(field).map(|text| text.parse::<Id<K>>()).transpose();
        parsed.map_err(|_| invalid_cursor::<K>(field.to_owned()))
    };
    let cursor = match (id(&after)?, id(&before)?) {
        (Some(_), Some(_)) => {
            return Err(Error::invalid(before, format!("must not be given together with {after}")));
        }
        (Some(after), None) => Some(Cursor::After(after)),
        (None, before) => before.map(Cursor::Before),
    };
    let search = query.text("search_phrase").unwrap_or_default().to_owned();
    Ok(SortedQuery { search, sort, descending, cursor, limit: query.limit()? })
}
