//! Dispatches webhook deliveries. Each endpoint is claimed in the database, so every replica may run this job.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::{
    app::{Error, Result, State, webhooks::dispatcher::Dispatcher},
    store, telemetry,
};

/// Reports for `/metrics` how many events wait.
pub(super) async fn observe_backlog(state: &State) -> Result<()> {
    let count = store::webhooks::count_waiting(&mut state.db.read().await?).await?;
    telemetry::webhook_backlog(count);
    Ok(())
}

/// The dispatcher, made by the first run that can.
#[derive(Clone, Default)]
pub(super) struct Webhooks(Arc<OnceCell<Dispatcher>>);

impl Webhooks {
    /// Starts what is due. The deliveries go on in tasks of their own.
    pub(super) async fn dispatch(self, state: State) -> Result<()> {
        // Loading the system's CA certificates takes a while: not on this thread.
        let made =
            async { tokio::task::spawn_blocking(|| Dispatcher::new(state)).await.map_err(Error::internal)? };
        self.0.get_or_try_init(|| made).await?.dispatch_due().await.map(drop)
    }
}
