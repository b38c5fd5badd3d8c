//! Looks for metadata that is due, again and again. Connections are leased one by one, so every replica may
//! do this.

use std::time::Duration;

use crate::{
    app::{State, metadata_refresh},
    telemetry,
};

/// How soon after it is due metadata is fetched: a refused login may have asked for it.
const EVERY: Duration = Duration::from_secs(2);

/// Runs until the task that it is part of is dropped.
pub async fn run(state: State) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = metadata_refresh::refresh_due(&state).await {
            let cause = telemetry::causes(&error);
            tracing::warn!(cause, "metadata that is due could not be looked for; it is tried again");
        }
    }
}
