//! The queue of SCIM requests that are not logged yet.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base::{
    id::{ScimDirectoryId, ScimRequestId},
    time::Timestamp,
};

/// The maximum length of the queue, in requests and in bytes.
const MAX_QUEUED: usize = 4096;
const MAX_QUEUED_BYTES: usize = 8 * 1024 * 1024;

/// A request in the queue.
#[derive(Debug, Clone)]
pub(super) struct QueuedRequest {
    pub(super) id: ScimRequestId,
    pub(super) directory: ScimDirectoryId,
    pub(super) at: Timestamp,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) duration: Duration,
    pub(super) request_body: Vec<u8>,
    pub(super) request_length: usize,
    pub(super) response_body: Vec<u8>,
    pub(super) response_length: usize,
    /// The placeholder for the bodies, if they are not stored.
    pub(super) placeholder: Option<&'static str>,
    pub(super) error: Option<&'static str>,
}

impl QueuedRequest {
    /// The memory that it takes, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.request_body.len() + self.response_body.len() + self.path.len() + 256
    }
}

/// The queue of requests that are not written yet.
#[derive(Debug, Default)]
pub struct ScimRequestLog {
    queue: Mutex<Queue>,
    /// Held while a batch is written to the database.
    pub(super) writing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<QueuedRequest>,
    bytes: usize,
    /// How many requests the batch has that is being written.
    taken: usize,
}

impl ScimRequestLog {
    /// Adds a request; `false` if the queue is full.
    pub(super) fn push(&self, request: QueuedRequest) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.waiting.len() >= MAX_QUEUED || queue.bytes + request.bytes() > MAX_QUEUED_BYTES {
            return false;
        }
        queue.bytes += request.bytes();
        queue.waiting.push_back(request);
        true
    }

    /// How many requests are not written yet.
    pub(super) fn len(&self) -> usize {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting.len() + queue.taken
    }

    /// Takes up to `most` requests, the oldest first; the batch before is done with.
    pub(super) fn take(&self, most: usize) -> Vec<QueuedRequest> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let count = most.min(queue.waiting.len());
        let batch: Vec<QueuedRequest> = queue.waiting.drain(..count).collect();
        queue.bytes -= batch.iter().map(QueuedRequest::bytes).sum::<usize>();
        queue.taken = batch.len();
        batch
    }

    /// Returns a batch that could not be written to the front of the queue.
    pub(super) fn requeue(&self, batch: Vec<QueuedRequest>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        for request in batch.into_iter().rev() {
            queue.bytes += request.bytes();
            queue.waiting.push_front(request);
        }
        queue.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::id::Id;

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
        assert_eq!((batch.len(), log.len()), (10, MAX_QUEUED));
        assert!(log.push(waiting(1)));
        log.requeue(batch);
        assert_eq!(log.take(usize::MAX).len(), MAX_QUEUED + 1);
        assert_eq!(log.queue.lock().unwrap().bytes, 0);
        assert!(log.push(waiting(MAX_QUEUED_BYTES - 256)));
        assert!(!log.push(waiting(1)));
    }
}
