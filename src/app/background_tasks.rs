//! What runs beside the requests: how it learns that the server stops, how the server waits for it, and which of it ended
//! too early.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch, task::JoinHandle};

/// The tasks of this process that run beside the requests. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BackgroundTasks {
    runtime: Handle,
    stopping: watch::Sender<bool>,
    dead: Arc<Mutex<BTreeSet<&'static str>>>,
}

/// Tells a task that the server stops. The server waits until every signal is dropped.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<bool>);

/// Held by a task that has to run until the server stops; see [`BackgroundTasks::dead`].
#[derive(Debug)]
pub struct Lifeline {
    name: &'static str,
    tasks: BackgroundTasks,
    signal: StopSignal,
}

impl BackgroundTasks {
    /// The tasks of a server that runs on the current runtime. A worker thread's runtime may end before the server does.
    pub(super) fn new() -> Self {
        Self { runtime: Handle::current(), stopping: watch::Sender::new(false), dead: Arc::default() }
    }

    /// Runs a task that ends by itself. It outlives the request that began it, and the server waits for it at its stop.
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let signal = self.signal();
        self.runtime.spawn(async move {
            let _signal = signal;
            task.await
        })
    }

    /// The signal for a task that has something to do at the stop, or that may take long.
    pub fn signal(&self) -> StopSignal {
        StopSignal(self.stopping.subscribe())
    }

    /// The lifeline for a task that has to run until the server stops.
    pub fn lifeline(&self, name: &'static str) -> Lifeline {
        Lifeline { name, tasks: self.clone(), signal: self.signal() }
    }

    /// Which tasks ended before the server stopped. Only a restart brings them back.
    pub fn dead(&self) -> Vec<&'static str> {
        self.dead.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// Tells all tasks to end, and waits for them. Returns whether all ended in time.
    pub async fn stop(&self, within: Duration) -> bool {
        self.stopping.send_replace(true);
        tokio::time::timeout(within, self.stopping.closed()).await.is_ok()
    }
}

impl StopSignal {
    /// Whether the server stops.
    pub fn is_given(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the server stops.
    pub async fn given(&self) {
        // Fails when the server is gone altogether.
        let _ = self.0.clone().wait_for(|stopping| *stopping).await;
    }
}

impl Lifeline {
    /// Its signal.
    pub fn signal(&self) -> &StopSignal {
        &self.signal
    }
}

impl Drop for Lifeline {
    fn drop(&mut self) {
        if !self.signal.is_given() {
            tracing::error!(task = self.name, "a background task ended; only a restart brings it back");
            self.tasks.dead.lock().unwrap_or_else(PoisonError::into_inner).insert(self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const LATER: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn the_stop_waits_for_what_runs() {
        let tasks = BackgroundTasks::new();
        let (let_go, waits) = tokio::sync::oneshot::channel::<()>();
        let task = tasks.spawn(waits);
        assert!(!tasks.stop(SOON).await);
        let_go.send(()).unwrap();
        assert!(tasks.stop(LATER).await);
        task.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_task_that_ends_before_the_stop_is_dead() {
        let tasks = BackgroundTasks::new();
        let lives = tasks.lifeline("lives");
        let dies = tasks.lifeline("dies");
        let died = tokio::spawn(async move {
            let _dies = dies;
            panic!("of itself");
        });
        assert!(died.await.is_err());
        assert_eq!(tasks.dead(), ["dies"]);
        let waits = tokio::spawn(async move { lives.signal().given().await });
        assert!(tasks.stop(LATER).await);
        waits.await.unwrap();
        assert_eq!(tasks.dead(), ["dies"]);
    }
}
