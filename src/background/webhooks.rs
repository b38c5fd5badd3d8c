//! Sends the courier out, again and again. Endpoints are leased one by one, so every replica may do this.

use std::time::Duration;

use crate::app::{State, webhooks::deliver::Courier};

/// How soon after an event its webhooks are sent.
const EVERY: Duration = Duration::from_millis(500);

/// Runs until the task that it is part of is dropped.
pub async fn run(state: State) {
    tokio::time::sleep(EVERY).await;
    // Reading the system's certificates takes a while: not on this thread.
    let courier = match tokio::task::spawn_blocking(move || Courier::new(state)).await {
        Ok(Ok(courier)) => courier,
        Ok(Err(error)) => {
            tracing::error!(%error, "webhooks are not delivered: no HTTP client could be made");
            return;
        }
        Err(_) => return, // the server stops
    };
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = courier.set_out().await {
            tracing::warn!(%error, "webhooks could not be looked at; it is tried again");
        }
    }
}
