//! The log of SCIM requests: written asynchronously, read by support.
//!
//! [`enqueue`] puts a request into a bounded queue and returns; a writer takes batches from it, redacts secrets in
//! the bodies, seals and stores them (ruling 27). Requests that do not fit into the queue are dropped and counted
//! in a metric.

mod redact;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Notify;

use super::limits::LogBudget;
use crate::{
    app::{
        Error, Result, State,
        actor::{Actor, OrganizationPart},
        directories,
        pagination::{List, Page, PageQuery, PageRequest},
    },
    model::{
        id::{Id, ScimDirectoryId, ScimRequestId},
        scim_request::ScimRequest,
        time::Timestamp,
    },
    store::{
        self, PoolShare,
        scim_requests::{self, StoredRequest},
    },
    telemetry,
};

/// How many bytes of a body are queued and parsed.
const MAX_READ_BYTES: usize = 256 * 1024;

/// How many bytes of a body are stored.
const MAX_STORED_BYTES: usize = 16 * 1024;

/// Up to this size repeated bodies are stored each time.
const MAX_REPEATED_BYTES: usize = 1024;

/// The size of a log row without path and bodies, in bytes.
const ROW_BYTES: usize = 300;

/// The maximum length of path and query that is stored.
const MAX_PATH_LENGTH: usize = 2000;

/// The maximum length of the queue, in requests and in bytes.
const MAX_QUEUED: usize = 4096;
const MAX_QUEUED_BYTES: usize = 8 * 1024 * 1024;

/// How many requests are written in one transaction.
const BATCH: usize = 100;

/// How long the writer waits after the first request, to collect a batch.
const BATCH_DELAY: Duration = Duration::from_millis(200);

/// A SCIM request that was answered.
#[derive(Debug)]
pub struct NewScimRequest<'a> {
    /// The authenticated directory.
    pub directory: ScimDirectoryId,
    /// When it arrived.
    pub at: Timestamp,
    /// The method: `GET`, `POST` …
    pub method: &'a str,
    /// Path and query as they came.
    pub path: &'a str,
    /// The status of the response.
    pub status: u16,
    /// How long the request took.
    pub duration: Duration,
    /// The request body.
    pub request_body: &'a [u8],
    /// The response body.
    pub response_body: &'a [u8],
    /// The stable code of the error, if it failed.
    pub error: Option<&'static str>,
}

/// A request in the queue.
#[derive(Debug, Clone)]
struct QueuedRequest {
    id: ScimRequestId,
    directory: ScimDirectoryId,
    at: Timestamp,
    method: String,
    path: String,
    status: u16,
    duration: Duration,
    request_body: Vec<u8>,
    request_length: usize,
    response_body: Vec<u8>,
    response_length: usize,
    /// The placeholder for the bodies, if they are not stored.
    placeholder: Option<&'static str>,
    error: Option<&'static str>,
}

impl QueuedRequest {
    fn bytes(&self) -> usize {
        self.request_body.len() + self.response_body.len() + self.path.len() + 256
    }
}

/// The queue of requests that are not written yet.
#[derive(Debug, Default)]
pub struct ScimRequestLog {
    queue: Mutex<Queue>,
    filled: Notify,
    /// Held while a batch is written to the database.
    writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<QueuedRequest>,
    bytes: usize,
}

impl ScimRequestLog {
    /// Adds a request; `false` if the queue is full.
    fn push(&self, request: QueuedRequest) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.len() >= MAX_QUEUED || queue.bytes + request.bytes() > MAX_QUEUED_BYTES {
            return false;
        }
        queue.bytes += request.bytes();
        queue.waiting.push_back(request);
        drop(queue);
        self.filled.notify_one();
        true
    }

    fn take(&self, most: usize) -> Vec<QueuedRequest> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let count = most.min(queue.waiting.len());
        let batch: Vec<QueuedRequest> = queue.waiting.drain(..count).collect();
        queue.bytes -= batch.iter().map(QueuedRequest::bytes).sum::<usize>();
        batch
    }

    /// Returns a batch that could not be written to the front of the queue.
    fn requeue(&self, batch: Vec<QueuedRequest>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        for request in batch.into_iter().rev() {
            queue.bytes += request.bytes();
            queue.waiting.push_front(request);
        }
    }
}

/// Adds an answered request to the queue, without waiting. When a directory uses up its log budget, first bodies
/// are left out, then whole requests, which are counted in a metric. A repeated larger body is stored once.
pub fn enqueue(state: &State, request: &NewScimRequest<'_>) {
    let (limits, directory) = (&state.directory_limits, request.directory);
    let repeats = request.request_body.len() > MAX_REPEATED_BYTES
        && limits.is_repeated(directory, request.method, request.path, request.request_body);
    let kept = |bytes: &[u8]| if repeats { 0 } else { bytes.len().min(MAX_STORED_BYTES) };
    // Sealed and in base64, a body takes a third more.
    let bodies = (kept(request.request_body) + kept(request.response_body)) * 4 / 3;
    let row = ROW_BYTES + request.path.len().min(MAX_PATH_LENGTH);
    let placeholder = match limits.charge_log(directory, request.at, row, bodies) {
        LogBudget::Exhausted => {
            telemetry::scim_request_unlogged(1);
            return;
        }
        LogBudget::WithoutBodies => Some("(not kept: this directory's log is nearly full for this hour)"),
        LogBudget::Sufficient => repeats.then_some("(not kept: the same body came to this address before)"),
    };
    let head = |bytes: &[u8]| match placeholder {
        Some(_) => Vec::new(),
        None => bytes[..bytes.len().min(MAX_READ_BYTES)].to_vec(),
    };
    let waiting = QueuedRequest {
        id: Id::new(request.at, &*state.random),
        directory: request.directory,
        at: request.at,
        method: request.method.chars().take(20).collect(),
        path: request.path.to_owned(),
        status: request.status,
        duration: request.duration,
        request_body: head(request.request_body),
        request_length: request.request_body.len(),
        response_body: head(request.response_body),
        response_length: request.response_body.len(),
        placeholder,
        error: request.error,
    };
    if !state.scim_requests.push(waiting) {
        telemetry::scim_request_unlogged(1);
    }
}

/// The writer: stores the queue in batches until its task is dropped.
pub async fn run_writer(state: State) {
    loop {
        state.scim_requests.filled.notified().await;
        tokio::time::sleep(BATCH_DELAY).await;
        if let Err(error) = flush(&state).await {
            tracing::warn!(%error, "SCIM requests could not be logged; they are tried again");
            tokio::time::sleep(Duration::from_secs(1)).await;
            state.scim_requests.filled.notify_one();
        }
    }
}

/// Writes the whole queue.
pub async fn flush(state: &State) -> Result<()> {
    let _turn = state.scim_requests.writing.lock().await;
    loop {
        let batch = state.scim_requests.take(BATCH);
        if batch.is_empty() {
            return Ok(());
        }
        // Up to a hundred bodies are parsed to redact secrets.
        let bytes = batch.iter().map(QueuedRequest::bytes).sum();
        let batch = Arc::new(batch);
        let (sealing, rows) = (Arc::clone(&batch), state.clone());
        let rows = state.offload.run(None, bytes, move || sealing.iter().map(|it| seal(&rows, it)).collect());
        let outcome: Result<Vec<StoredRequest>> = rows.await;
        let outcome = match outcome {
            Ok(rows) => write(state, &rows).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            state.scim_requests.requeue(Arc::unwrap_or_clone(batch));
            return Err(error);
        }
    }
}

async fn write(state: &State, rows: &[StoredRequest]) -> Result<()> {
    let db = state.db.with_share(PoolShare::Directory);
    let mut tx = db.write().await?;
    let mut outcome = Ok(());
    for row in rows {
        outcome = scim_requests::insert(&mut tx, row).await;
        if outcome.is_err() {
            break;
        }
    }
    match outcome {
        Ok(()) => Ok(tx.commit().await?),
        // A directory was removed meanwhile: skip its requests, and write the others one by one.
        Err(store::Error::MissingReference) => {
            drop(tx);
            for row in rows {
                let mut tx = db.write().await?;
                match scim_requests::insert(&mut tx, row).await {
                    Ok(()) => tx.commit().await?,
                    Err(store::Error::MissingReference | store::Error::Duplicate) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn seal_context(id: ScimRequestId, column: &str) -> String {
    format!("scim_requests/{column}/{id}")
}

fn seal(state: &State, request: &QueuedRequest) -> StoredRequest {
    let sealed = |column, body: &[u8], length| {
        let text = match request.placeholder.filter(|_| length > 0) {
            Some(text) => text.to_owned(),
            None => redact::body(body, length, MAX_STORED_BYTES)?,
        };
        Some(state.master_key.seal(&seal_context(request.id, column), text.as_bytes(), &*state.random))
    };
    StoredRequest {
        id: request.id,
        directory_id: request.directory,
        at: request.at,
        method: redact::storable(&request.method),
        path: redact::path(&request.path, MAX_PATH_LENGTH),
        status: i64::from(request.status),
        duration_ms: i64::try_from(request.duration.as_millis()).unwrap_or(i64::MAX),
        request_body: sealed("request_body", &request.request_body, request.request_length),
        response_body: sealed("response_body", &request.response_body, request.response_length),
        error: request.error.map(str::to_owned),
    }
}

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
    actor: &Actor,
    directory: ScimDirectoryId,
    query: &ScimRequestQuery,
    page: &PageQuery,
) -> Result<Page<ScimRequest>> {
    let environment_id = actor.environment();
    let found = directories::load(&mut state.db.read().await?, environment_id, directory).await?;
    actor.authorize_view_part(OrganizationPart::Scim, found.organization_id)?;
    let list = List::of(environment_id, format_args!("scim_requests/{directory}"));
    let wanted = PageRequest::parse(state, &list, page)?;
    // PostgreSQL fails on a text with NUL.
    crate::app::input::line("method", &query.method, 20)?;
    crate::app::input::line("error", &query.error, 100)?;
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
pub async fn find(state: &State, actor: &Actor, id: ScimRequestId) -> Result<ScimRequest> {
    let environment_id = actor.environment();
    let mut conn = state.db.read().await?;
    let row = scim_requests::find(&mut conn, environment_id, id).await?;
    let row = row.ok_or_else(|| Error::not_found("SCIM request", id))?;
    let directory = directories::load(&mut conn, environment_id, row.directory_id).await?;
    actor.authorize_view_part(OrganizationPart::Scim, directory.organization_id)?;
    open(state, row)
}

fn open(state: &State, row: StoredRequest) -> Result<ScimRequest> {
    let opened = |column, sealed: &Option<String>| {
        sealed
            .as_deref()
            .map(|sealed| {
                let plain =
                    state.master_key.open(&seal_context(row.id, column), sealed).map_err(Error::internal)?;
                String::from_utf8(plain).map_err(Error::internal)
            })
            .transpose()
    };
    Ok(ScimRequest {
        request_body: opened("request_body", &row.request_body)?,
        response_body: opened("response_body", &row.response_body)?,
        status: u16::try_from(row.status).map_err(|_| row.unreadable_status())?,
        id: row.id,
        directory_id: row.directory_id,
        at: row.at,
        method: row.method,
        path: row.path,
        duration_ms: row.duration_ms,
        error: row.error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(bytes: usize) -> QueuedRequest {
        QueuedRequest {
            id: Id::from_bits(1),
            directory: Id::from_bits(2),
            at: Timestamp::from_millis(0),
            method: "GET".to_owned(),
            path: String::new(),
            status: 200,
            duration: Duration::ZERO,
            request_body: vec![b'x'; bytes],
            request_length: bytes,
            response_body: Vec::new(),
            response_length: 0,
            placeholder: None,
            error: None,
        }
    }

    #[test]
    fn the_queue_is_bounded_in_number_and_in_bytes() {
        let log = ScimRequestLog::default();
        assert!((0..MAX_QUEUED).all(|_| log.push(waiting(1))));
        assert!(!log.push(waiting(1)));
        let batch = log.take(10);
        assert_eq!(batch.len(), 10);
        assert!(log.push(waiting(1)));
        log.requeue(batch);
        assert_eq!(log.take(usize::MAX).len(), MAX_QUEUED + 1);
        assert_eq!(log.queue.lock().unwrap().bytes, 0);
        assert!(log.push(waiting(MAX_QUEUED_BYTES - 256)));
        assert!(!log.push(waiting(1)));
    }

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
