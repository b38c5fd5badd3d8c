//! The keys of a connection's provider: from the cache, or read.

use std::{sync::Arc, time::Duration};

use base::time::Timestamp;
use model::oidc_connection::OidcConnection;
use oauth::relying_party::jwks::ProviderKeys;

use super::{key_cache::KnownKeys, provider};
use crate::app::{Result, State};

/// How long keys are good without being read again.
const TTL: Duration = Duration::from_secs(3600);

/// How long keys go on being used when they cannot be read.
const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// How long after an attempt keys are not read again, whatever a token says.
const MIN_PAUSE: Duration = Duration::from_secs(30);

/// The keys of a connection's provider, or why they cannot be read.
pub(super) async fn current(
    state: &State,
    connection: &OidcConnection,
) -> Result<std::result::Result<Arc<ProviderKeys>, String>> {
    let now = state.now();
    let known = state.oidc_keys.get(connection);
    if let Some(known) = known.as_ref().filter(|known| is_within(known.read_at, TTL, now)) {
        return Ok(Ok(Arc::clone(&known.keys)));
    }
    let old = known.filter(|known| is_within(known.read_at, MAX_AGE, now));
    if let Some(old) = old.as_ref().filter(|old| is_within(old.tried_at, MIN_PAUSE, now)) {
        return Ok(Ok(Arc::clone(&old.keys)));
    }
    let read = read(state, connection, now).await?;
    Ok(match (read, old) {
        (Err(reason), Some(old)) => {
            tracing::warn!(connection = %connection.id, reason, "the keys of a provider cannot be read");
            state.oidc_keys.put(connection, KnownKeys { tried_at: now, ..old.clone() });
            Ok(old.keys)
        }
        (read, _) => read,
    })
}

/// The keys read again; `None` where that was tried a moment ago, or fails.
pub(super) async fn newer(state: &State, connection: &OidcConnection) -> Result<Option<Arc<ProviderKeys>>> {
    let now = state.now();
    if let Some(known) = state.oidc_keys.get(connection) {
        if is_within(known.tried_at, MIN_PAUSE, now) {
            return Ok(None);
        }
        state.oidc_keys.put(connection, KnownKeys { tried_at: now, ..known });
    }
    Ok(read(state, connection, now).await?.ok())
}

async fn read(
    state: &State,
    connection: &OidcConnection,
    now: Timestamp,
) -> Result<std::result::Result<Arc<ProviderKeys>, String>> {
    let json = match provider::key_set(state, connection).await? {
        Ok(json) => json,
        Err(reason) => return Ok(Err(reason)),
    };
    Ok(match ProviderKeys::parse(&json) {
        Ok(keys) => {
            let keys = Arc::new(keys);
            let known = KnownKeys { read_at: now, tried_at: now, keys: Arc::clone(&keys) };
            state.oidc_keys.put(connection, known);
            Ok(keys)
        }
        Err(error) => Err(error.to_string()),
    })
}

/// Whether `at` is at most `most` ago; no if the clock was set back.
fn is_within(at: Timestamp, most: Duration, now: Timestamp) -> bool {
    at <= now && now.since(at) < most
}
