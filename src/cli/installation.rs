//! Opens the installation for a command, with the database, keys and settings of the server.

use std::sync::Arc;

use base::{
    id::{Id, IdKind},
    random::SystemRandom,
    time::SystemClock,
};

use super::settings_args::SettingsArgs;
use crate::{
    app::{Settings, State},
    server, telemetry,
};

/// Opens the installation for a command that reads or changes it. Without a configured public URL, links use that of
/// the server that ran last.
pub(super) async fn open(settings: &SettingsArgs) -> anyhow::Result<State> {
    let mut config = settings.load(&[])?;
    telemetry::start_logs(config.logs_are_json(), "warn");
    if config.public_url.is_none() {
        config.public_url = server::last_public_url(&config).await?;
    }
    let mut state =
        server::open(&config, config.listen, Arc::new(SystemClock), Arc::new(SystemRandom)).await?;
    // The operator may fetch metadata from any address. What the server itself calls later is restricted by its
    // setting.
    state.settings = Arc::new(Settings { allow_private_metadata: true, ..(*state.settings).clone() });
    Ok(state)
}

/// The next id: the first one of the next page.
pub(super) fn next_id<K: IdKind>(id: Id<K>) -> Id<K> {
    Id::from_bits(id.bits().saturating_add(1))
}
