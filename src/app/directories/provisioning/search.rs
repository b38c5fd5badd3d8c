//! Lists (RFC 7644 §3.4.2): filtered, sorted, page by page, by index or by cursor (RFC 9865).
//!
//! The database evaluates the part of a filter that it has columns for. The rest is evaluated in the program over the
//! remaining rows, in batches, and only the requested page is held: memory does not grow with the directory.
//!
//! Work is estimated before and counted during the search (see `search_budget`) and counts as requests of the directory. A
//! search runs on a blocking thread, one per directory at a time, with a database connection from the directories'
//! share that is returned between batches. Only an index lookup is answered on the request's own thread. A search over
//! the limit is refused as `tooMany` (RFC 7644 table 9); with a cursor (RFC 9865) it is answered in parts.

use scim::{ListQuery, ListResponse, ResourceType, list_response::Position, query::Page};

use super::{
    cursor::{CursorCodec, PageStart},
    error::Result,
    finder::{Finder, sort_window},
    search_budget::{SearchBudget, run_off_thread},
};
use crate::app::{State, directories::tokens::ProvisioningTarget};

/// The page size if the query has no `count`.
pub const DEFAULT_PAGE_SIZE: u64 = 100;

/// The maximum page size. A larger `count` is reduced to it.
pub const MAX_PAGE_SIZE: u64 = 500;

/// The resources of one kind that a query finds.
pub async fn list(
    state: &State,
    directory: &ProvisioningTarget,
    kind: ResourceType,
    query: &ListQuery,
) -> Result<ListResponse> {
    if Finder::new(&state.db, directory, kind, query, &SearchBudget::default()).is_lookup() {
        return list_in_place(state, directory, kind, query, &SearchBudget::default()).await;
    }
    run_off_thread(state, directory, query, async move |state, directory, query, work| {
        list_in_place(state, directory, kind, query, work).await
    })
    .await
}

async fn list_in_place(
    state: &State,
    directory: &ProvisioningTarget,
    kind: ResourceType,
    query: &ListQuery,
    work: &SearchBudget,
) -> Result<ListResponse> {
    let mut finder = Finder::new(&state.db, directory, kind, query, work);
    let count = query.page.count().unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE);
    let (found, position) = match &query.page {
        Page::Index { start, .. } => {
            (finder.page(PageStart::Offset(start - 1), count).await?, Position::Index(*start))
        }
        Page::Cursor { cursor, .. } => {
            let cursors = CursorCodec::new(state, directory, kind, query);
            let begin = match cursor {
                Some(text) => cursors.decode(text, count)?,
                None if query.sort.is_none() => PageStart::After(String::new()),
                None => PageStart::Offset(0),
            };
            let found = finder.page(begin.clone(), count).await?;
            let next = match (begin, found.resources.last()) {
                _ if !found.more => None,
                // The scan stopped early: the next page continues after the last scanned resource.
                (PageStart::After(_), _) if found.scanned_to.is_some() => {
                    found.scanned_to.clone().map(PageStart::After)
                }
                (_, None) => None,
                (PageStart::After(_), Some(last)) => {
                    Some(PageStart::After(last.body["id"].as_str().unwrap_or_default().to_owned()))
                }
                (PageStart::Offset(offset), Some(_)) => {
                    Some(PageStart::Offset(offset.saturating_add(found.resources.len() as u64)))
                }
            };
            let next = next.map(|begin| cursors.encode(&begin, count));
            (found, Position::Cursor { next, previous: None })
        }
    };
    let resources =
        found.resources.into_iter().map(|resource| query.projection.apply(resource.body)).collect();
    Ok(ListResponse { total: found.total, resources, position })
}

/// The resources of all kinds that a query finds (RFC 7644 §3.4.2.1): users, then groups, unless the query sorts them.
pub async fn list_all(
    state: &State,
    directory: &ProvisioningTarget,
    query: &ListQuery,
) -> Result<ListResponse> {
    run_off_thread(state, directory, query, list_all_in_place).await
}

async fn list_all_in_place(
    state: &State,
    directory: &ProvisioningTarget,
    query: &ListQuery,
    work: &SearchBudget,
) -> Result<ListResponse> {
    let Page::Index { start, count } = query.page else {
        let text = "a cursor pages through one resource type only: search at its endpoint";
        return Err(scim::Error::InvalidValue(text.into()).into());
    };
    let (skip, count) = (start - 1, count.unwrap_or(DEFAULT_PAGE_SIZE).min(MAX_PAGE_SIZE));
    let (mut resources, mut total) = (Vec::new(), 0);
    if let Some(sort) = &query.sort {
        let keep = sort_window(sort, skip, count)?;
        let mut first = Vec::new();
        for kind in ResourceType::ALL {
            let mut finder = Finder::new(&state.db, directory, kind, query, work);
            finder.charge_estimate(false).await?;
            let (of_kind, of_kind_total) = finder.first_keys(sort, keep).await?;
            first.extend(of_kind.into_iter().map(|(key, id)| (key, id, kind)));
            total += of_kind_total;
        }
        first.sort_by(|one, other| sort.order(&one.0, &other.0).then_with(|| one.1.cmp(&other.1)));
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let wanted: Vec<_> = first.into_iter().skip(skip).take(keep.saturating_sub(skip)).collect();
        for chunk in wanted.chunk_by(|one, other| one.2 == other.2) {
            let ids: Vec<String> = chunk.iter().map(|(_, id, _)| id.clone()).collect();
            let mut finder = Finder::new(&state.db, directory, chunk[0].2, query, work);
            let rows = finder.find_by_ids(&ids).await?;
            let rendered = finder.render(rows).await?;
            let ended = rendered.len() < ids.len();
            resources.extend(rendered);
            if ended {
                break;
            }
        }
    } else {
        for kind in ResourceType::ALL {
            let offset = skip.saturating_sub(total);
            let room = count.saturating_sub(resources.len() as u64);
            let mut finder = Finder::new(&state.db, directory, kind, query, work);
            let found = finder.page(PageStart::Offset(offset), room).await?;
            total += found.total.unwrap_or(0);
            resources.extend(found.resources);
        }
    }
    let resources = resources.into_iter().map(|resource| query.projection.apply(resource.body)).collect();
    Ok(ListResponse { total: Some(total), resources, position: Position::Index(start) })
}
