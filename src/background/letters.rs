//! Sends the letters in the outbox. Each letter is claimed in the database, so every replica may run this job.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::app::{Error, Result, State, mail::dispatcher::Dispatcher};

/// The dispatcher, made by the first run that can.
#[derive(Clone, Default)]
pub(super) struct Letters(Arc<OnceCell<Dispatcher>>);

impl Letters {
    /// Starts what is due. The sending goes on in tasks of its own.
    pub(super) async fn dispatch(self, state: State) -> Result<()> {
        // Loading the system's CA certificates takes a while: not on this thread.
        let made =
            async { tokio::task::spawn_blocking(|| Dispatcher::new(state)).await.map_err(Error::internal)? };
        self.0.get_or_try_init(|| made).await?.dispatch_due().await.map(drop)
    }
}
