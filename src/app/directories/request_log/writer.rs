//! Adds answered SCIM requests to the queue, and writes it to the log in batches.

use std::{sync::Arc, time::Duration};

use base::{
    id::{Id, ScimDirectoryId},
    time::Timestamp,
};

use super::{queue::QueuedRequest, redact};
use crate::{
    app::{Error, Result, State, directories::limits::LogBudget},
    store::{
        self, PoolShare,
        scim_requests::{self, StoredRequest},
        sealed_columns::{SCIM_REQUEST_BODY, SCIM_REQUEST_QUERY, SCIM_RESPONSE_BODY},
    },
    telemetry,
};

/// Up to this size bodies are queued, parsed and stored: without its end a body cannot be redacted.
const MAX_READ_BYTES: usize = 256 * 1024;

/// How many bytes of a body are stored.
const MAX_STORED_BYTES: usize = 16 * 1024;

/// Up to this size repeated bodies are stored each time.
const MAX_REPEATED_BYTES: usize = 1024;

/// The size of a log row without path and bodies, in bytes.
const ROW_BYTES: usize = 300;

/// The maximum length of a path, and of a query, that is stored.
const MAX_PATH_LENGTH: usize = 2000;

/// How many requests are written in one transaction.
const BATCH: usize = 100;

/// How often the queue is written, so that a batch collects.
pub const WRITE_INTERVAL: Duration = Duration::from_millis(200);

/// The pause between two attempts to write the rest of the queue.
const DRAIN_RETRY: Duration = Duration::from_millis(500);

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

/// Adds an answered request to the queue, without waiting. When a directory uses up its log budget, first bodies
/// are left out, then whole requests, which are counted in a metric. A repeated larger body is stored once.
pub fn enqueue(state: &State, request: &NewScimRequest<'_>) {
    let (limits, directory) = (&state.directory_limits, request.directory);
    let repeats = request.request_body.len() > MAX_REPEATED_BYTES
        && limits.is_repeated(directory, request.method, request.path, request.request_body);
    let is_read = |bytes: &[u8]| !repeats && bytes.len() <= MAX_READ_BYTES;
    let kept = |bytes: &[u8]| if is_read(bytes) { bytes.len().min(MAX_STORED_BYTES) } else { 0 };
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
    let queued =
        |bytes: &[u8]| if placeholder.is_none() && is_read(bytes) { bytes.to_vec() } else { Vec::new() };
    let waiting = QueuedRequest {
        id: Id::new(request.at, &*state.random),
        directory: request.directory,
        at: request.at,
        method: request.method.chars().take(20).collect(),
        path: request.path.to_owned(),
        status: request.status,
        duration: request.duration,
        request_body: queued(request.request_body),
        request_length: request.request_body.len(),
        response_body: queued(request.response_body),
        response_length: request.response_body.len(),
        placeholder,
        error: request.error,
    };
    if !state.scim_requests.push(waiting) {
        telemetry::scim_request_unlogged(1);
    }
}

/// Writes what waits, if anything does.
pub async fn write(state: &State) -> Result<()> {
    match state.scim_requests.len() {
        0 => Ok(()),
        _ => flush(state).await,
    }
}

/// Writes the whole queue at the server's stop, with as many attempts as there is time for. What is left then is counted
/// as not logged.
pub async fn drain(state: &State, within: Duration) {
    let draining = async {
        while let Err(error) = flush(state).await {
            let cause = telemetry::error_chain(&error);
            tracing::warn!(cause, "the last SCIM requests could not be logged; they are tried again");
            tokio::time::sleep(DRAIN_RETRY).await;
        }
    };
    if tokio::time::timeout(within, draining).await.is_err() {
        let lost = state.scim_requests.len();
        tracing::error!(lost, "the last SCIM requests could not be logged");
        telemetry::scim_request_unlogged(u64::try_from(lost).unwrap_or(u64::MAX));
    }
}

/// Writes the whole queue. It goes on in a task of its own when the caller is dropped: a request whose client left, or the
/// writer at the server's stop. A batch that was taken from the queue would be lost with them.
pub async fn flush(state: &State) -> Result<()> {
    let here = state.clone();
    state.background_tasks.spawn(async move { write_queue(&here).await }).await.map_err(Error::internal)?
}

async fn write_queue(state: &State) -> Result<()> {
    let _turn = state.scim_requests.writing.lock().await;
    loop {
        let batch = state.scim_requests.take(BATCH);
        if batch.is_empty() {
            return Ok(());
        }
        let batch = Arc::new(batch);
        // Up to a hundred bodies are parsed to redact secrets: not on this thread.
        let (sealing, here) = (Arc::clone(&batch), state.clone());
        let rows = tokio::task::spawn_blocking(move || sealing.iter().map(|it| seal(&here, it)).collect());
        let rows: Vec<StoredRequest> = match rows.await {
            Ok(rows) => rows,
            // A panic. These requests would cause it again, and nothing be logged any more.
            Err(error) => {
                telemetry::scim_request_unlogged(u64::try_from(batch.len()).unwrap_or(u64::MAX));
                return Err(Error::internal(error));
            }
        };
        if let Err(error) = write_batch(state, &rows).await {
            state.scim_requests.requeue(Arc::unwrap_or_clone(batch));
            return Err(error);
        }
    }
}

async fn write_batch(state: &State, rows: &[StoredRequest]) -> Result<()> {
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
                    Err(store::Error::MissingReference) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

fn seal(state: &State, request: &QueuedRequest) -> StoredRequest {
    let sealed = |column, body: &[u8], length| {
        let text = match request.placeholder.filter(|_| length > 0) {
            Some(text) => text.to_owned(),
            None => redact::body(body, length, MAX_STORED_BYTES)?,
        };
        Some(state.seal(column, &[&request.id], text.as_bytes()))
    };
    let (path, query) = redact::target(&request.path, MAX_PATH_LENGTH);
    StoredRequest {
        id: request.id,
        directory_id: request.directory,
        at: request.at,
        method: redact::storable(&request.method),
        path,
        query: query.map(|query| state.seal(&SCIM_REQUEST_QUERY, &[&request.id], query.as_bytes())),
        status: i64::from(request.status),
        duration_ms: i64::try_from(request.duration.as_millis()).unwrap_or(i64::MAX),
        request_body: sealed(&SCIM_REQUEST_BODY, &request.request_body, request.request_length),
        response_body: sealed(&SCIM_RESPONSE_BODY, &request.response_body, request.response_length),
        error: request.error.map(str::to_owned),
    }
}
