//! The log of SCIM requests: written asynchronously, read by support.
//!
//! [`enqueue`] puts a request into a bounded queue and returns; a writer takes batches from it, redacts secrets in
//! the bodies, seals and stores them. Requests that do not fit into the queue are dropped and counted
//! in a metric.

pub(in crate::app) mod queue;
mod redact;
mod writer;

use base::id::{ScimDirectoryId, ScimRequestId};
use model::{scim_directory::ScimDirectory, scim_request::ScimRequest};

use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        input,
        pagination::{List, Page, PageQuery, PageRequest},
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Resource as _},
    },
    store::{
        scim_requests::{self, StoredRequest},
        sealed_columns::{SCIM_REQUEST_BODY, SCIM_REQUEST_QUERY, SCIM_RESPONSE_BODY},
    },
};

pub use writer::{NewScimRequest, WRITE_INTERVAL, drain, enqueue, flush, write};

/// A filter of the log, unvalidated.
#[derive(Debug, Clone, Default)]
pub struct ScimRequestQuery {
    /// The method; empty for all.
    pub method: String,
    /// The status: `404`, or `4xx` for a class; empty for all.
    pub status: String,
    /// The error code; empty for all.
    pub error: String,
}

impl ScimRequestQuery {
    fn statuses(&self) -> Result<(i64, i64)> {
        let refused = || Error::invalid("status", "must be a status such as 404, or a class such as 4xx");
        if self.status.is_empty() {
            return Ok((0, 999));
        }
        if let Some(class) = self.status.strip_suffix("xx") {
            let class: i64 =
                class.parse().ok().filter(|class| (1..=5).contains(class)).ok_or_else(refused)?;
            return Ok((class * 100, class * 100 + 99));
        }
        let status = self.status.parse().ok().filter(|s| (100..=599).contains(s)).ok_or_else(refused)?;
        Ok((status, status))
    }
}

/// One page of a directory's requests, the newest first.
pub async fn list(
    state: &State,
    principal: &Principal,
    directory: ScimDirectoryId,
    query: &ScimRequestQuery,
    page: &PageQuery,
) -> Result<Page<ScimRequest>> {
    let found = resource::find::<ScimDirectory>(state, principal, directory).await?;
    record_reading(state, principal, &found).await?;
    let environment_id = found.environment_id;
    let list = List::of(environment_id, format_args!("scim_requests/{directory}"));
    let wanted = PageRequest::parse(state, &list, page)?;
    // PostgreSQL fails on a text with NUL.
    input::line("method", &query.method, 20)?;
    input::line("error", &query.error, 100)?;
    let (status_from, status_to) = query.statuses()?;
    // Include what this replica has queued. If writing fails now, the writer tries again.
    if let Err(error) = flush(state).await {
        tracing::warn!(%error, "SCIM requests could not be logged; they are tried again");
    }
    let mut conn = state.db.read().await?;
    let found = scim_requests::list(
        &mut conn,
        scim_requests::RequestFilter {
            environment_id,
            directory_id: directory,
            from: wanted.from,
            method: &query.method.to_ascii_uppercase(),
            status_from,
            status_to,
            error: &query.error,
            limit: wanted.limit(),
        },
    )
    .await?;
    let page = wanted.page_of(state, &list, found, |request| request.id);
    let items = page.items.into_iter().map(|row| open(state, row)).collect::<Result<_>>()?;
    Ok(Page { items, next_token: page.next_token })
}

/// One request.
pub async fn find(state: &State, principal: &Principal, id: ScimRequestId) -> Result<ScimRequest> {
    let environment_id = principal.authorize(Action::ScimDirectoriesView, On::AnyOrganization)?;
    let mut conn = state.db.read().await?;
    let row = scim_requests::find(&mut conn, environment_id, id).await?;
    let not_found = || Error::not_found("SCIM request", id);
    let row = row.ok_or_else(not_found)?;
    let directory: ScimDirectory = resource::load(&mut conn, environment_id, row.directory_id).await?;
    principal.authorize(Action::ScimDirectoriesView, directory.on()).map_err(|error| match error {
        Error::NotFound { .. } => not_found(),
        error => error,
    })?;
    drop(conn);
    record_reading(state, principal, &directory).await?;
    open(state, row)
}

/// Records that the caller read requests of the directory: their bodies are personal data.
async fn record_reading(state: &State, principal: &Principal, directory: &ScimDirectory) -> Result<()> {
    let entry = Entry::of(directory, "requests_read");
    audit::record_bounded(state, Some(directory.environment_id), principal, entry).await?;
    Ok(())
}

fn open(state: &State, row: StoredRequest) -> Result<ScimRequest> {
    let opened = |column, sealed: &Option<String>| {
        sealed
            .as_deref()
            .map(|sealed| {
                let plain = state.open(column, &[&row.id], sealed)?;
                String::from_utf8(plain).map_err(Error::internal)
            })
            .transpose()
    };
    let query = opened(&SCIM_REQUEST_QUERY, &row.query)?;
    Ok(ScimRequest {
        request_body: opened(&SCIM_REQUEST_BODY, &row.request_body)?,
        response_body: opened(&SCIM_RESPONSE_BODY, &row.response_body)?,
        status: u16::try_from(row.status).map_err(|_| row.unreadable_status())?,
        id: row.id,
        directory_id: row.directory_id,
        at: row.at,
        method: row.method,
        path: query.map_or_else(|| row.path.clone(), |query| format!("{}?{query}", row.path)),
        duration_ms: row.duration_ms,
        error: row.error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_one_or_a_class() {
        let read =
            |text: &str| ScimRequestQuery { status: text.to_owned(), ..Default::default() }.statuses().ok();
        assert_eq!(read(""), Some((0, 999)));
        assert_eq!(read("404"), Some((404, 404)));
        assert_eq!(read("4xx"), Some((400, 499)));
        for bad in ["x", "9xx", "xx", "-1", "4", "4000"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
