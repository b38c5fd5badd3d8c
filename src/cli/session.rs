//! The installation as a command opens it: the same database, keys and settings as the server's.

use std::sync::Arc;

use super::SettingsArgs;
use crate::{
    app::State,
    model::{random::SystemRandom, time::SystemClock},
    server, telemetry,
};

/// Opens the installation for a command that reads or changes it.
pub(super) async fn open(settings: &SettingsArgs) -> anyhow::Result<State> {
    let config = settings.load(&[])?;
    telemetry::start_logs(config.log_format, "warn");
    let state = server::open(&config, config.listen, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    Ok(state)
}
