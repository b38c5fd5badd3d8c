//! Runs Bulk requests, a few at a time.

use std::{
    collections::HashSet,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base::id::ScimDirectoryId;
use tokio::sync::{Notify, mpsc};

use crate::app;

/// How many Bulk requests run at a time; one per directory.
const MAX_CONCURRENT: usize = 4;

/// The `Retry-After` if no place is free.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The running Bulk requests. Cheap to clone; shared by all requests.
///
/// They run on the server's main thread, not on the worker thread of the request: a worker that has no connections
/// left stops, and its tasks end with it.
#[derive(Debug, Clone)]
pub struct BulkExecutor(Arc<Shared>);

/// Creates a future on the thread that runs it.
type Task = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

#[derive(Debug)]
struct Shared {
    work: mpsc::UnboundedSender<Task>,
    arrived: Mutex<Option<mpsc::UnboundedReceiver<Task>>>,
    running: Mutex<HashSet<ScimDirectoryId>>,
    stopping: AtomicBool,
    ended: Notify,
}

/// A running Bulk request; its place is freed on drop.
#[derive(Debug)]
pub struct BulkPermit {
    executor: BulkExecutor,
    directory: ScimDirectoryId,
}

impl Default for BulkExecutor {
    fn default() -> Self {
        let (work, arrived) = mpsc::unbounded_channel();
        Self(Arc::new(Shared {
            work,
            arrived: Mutex::new(Some(arrived)),
            running: Mutex::default(),
            stopping: AtomicBool::new(false),
            ended: Notify::new(),
        }))
    }
}

impl BulkExecutor {
    /// Acquires a place for a directory. [`app::Error::Limited`]: it has one already; [`app::Error::Unavailable`]: none
    /// is free, or the server is stopping.
    pub fn acquire(&self, directory: ScimDirectoryId) -> app::Result<BulkPermit> {
        let mut running = self.running();
        if running.contains(&directory) {
            return Err(app::Error::Limited { retry_after: RETRY_AFTER });
        }
        if running.len() >= MAX_CONCURRENT || self.is_stopping() {
            return Err(app::Error::Unavailable { retry_after: RETRY_AFTER });
        }
        running.insert(directory);
        Ok(BulkPermit { executor: self.clone(), directory })
    }

    /// Queues `work`, which holds a [`BulkPermit`], for [`BulkExecutor::serve`].
    pub fn spawn<F: Future<Output = ()> + 'static>(&self, work: impl FnOnce() -> F + Send + 'static) {
        // Fails only after the server has stopped.
        let _ = self.0.work.send(Box::new(move || Box::pin(work())));
    }

    /// Runs what [`BulkExecutor::spawn`] queues, on this thread, until it is dropped; a second call does nothing.
    pub async fn serve(self) {
        let arrived = self.0.arrived.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut arrived) = arrived else { return };
        while let Some(work) = arrived.recv().await {
            tokio::task::spawn_local(work());
        }
    }

    /// Stops all running requests before their next operation.
    pub fn stop(&self) {
        self.0.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the server is stopping.
    pub(super) fn is_stopping(&self) -> bool {
        self.0.stopping.load(Ordering::Relaxed)
    }

    /// Waits until none is running.
    pub async fn idle(&self) {
        loop {
            let ended = self.0.ended.notified();
            if self.running().is_empty() {
                return;
            }
            ended.await;
        }
    }

    fn running(&self) -> MutexGuard<'_, HashSet<ScimDirectoryId>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for BulkPermit {
    fn drop(&mut self) {
        self.executor.running().remove(&self.directory);
        self.executor.0.ended.notify_waiters();
    }
}
