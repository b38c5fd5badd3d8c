//! Dispatches webhook deliveries. Each endpoint is claimed in the database, so every replica may run this job.

use std::time::Duration;

use crate::{
    app::{Result, State, webhooks::dispatcher::Dispatcher},
    store, telemetry,
};

/// How often due deliveries are dispatched.
const INTERVAL: Duration = Duration::from_millis(500);

/// Reports for `/metrics` how many events wait.
pub async fn observe_backlog(state: &State) -> Result<()> {
    let count = store::webhooks::count_waiting(&mut state.db.read().await?).await?;
    telemetry::webhook_backlog(count);
    Ok(())
}

/// Runs until its task is dropped.
pub async fn run(state: State) {
    tokio::time::sleep(INTERVAL).await;
    // Loading the system's CA certificates takes a while: not on this thread.
    let dispatcher = match tokio::task::spawn_blocking(move || Dispatcher::new(state)).await {
        Ok(Ok(dispatcher)) => dispatcher,
        Ok(Err(error)) => {
            tracing::error!(%error, "webhooks are not delivered: no HTTP client could be made");
            return;
        }
        Err(_) => return, // the server stops
    };
    loop {
        tokio::time::sleep(INTERVAL).await;
        if let Err(error) = dispatcher.dispatch_due().await {
            tracing::warn!(%error, "webhook deliveries could not be dispatched; it is tried again");
        }
    }
}
