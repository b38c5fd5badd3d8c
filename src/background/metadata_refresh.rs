//! Refreshes IdP metadata when it is due. Each connection is claimed in the database, so every replica may run
//! this job.

use std::time::Duration;

use crate::{
    app::{State, connections::saml::metadata},
    telemetry,
};

/// How often due metadata is looked up. It is short because a refused login may have requested the refresh.
const INTERVAL: Duration = Duration::from_secs(2);

/// Runs until its task is dropped.
pub async fn run(state: State) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        if let Err(error) = metadata::refresh::refresh_due(&state).await {
            let cause = telemetry::error_chain(&error);
            tracing::warn!(cause, "metadata that is due could not be refreshed; it is tried again");
        }
    }
}
