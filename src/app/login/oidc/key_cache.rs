//! The keys of providers, as this process last read them.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use base::{id::OidcConnectionId, time::Timestamp};
use lru::LruCache;
use model::oidc_connection::OidcConnection;
use oauth::relying_party::jwks::ProviderKeys;

/// How many connections' keys are kept.
const MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(2048).expect("not zero");

/// Keys by connection and address. They may be stale: a token that they do not verify has them read again.
#[derive(Debug)]
pub struct ProviderKeyCache(Mutex<LruCache<(OidcConnectionId, String), KnownKeys>>);

/// The keys of a connection's provider.
#[derive(Debug, Clone)]
pub(super) struct KnownKeys {
    /// When they were read.
    pub(super) read_at: Timestamp,
    /// When that was tried last.
    pub(super) tried_at: Timestamp,
    /// The keys.
    pub(super) keys: Arc<ProviderKeys>,
}

impl Default for ProviderKeyCache {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAX_CONNECTIONS)))
    }
}

impl ProviderKeyCache {
    /// What is known of a connection's keys.
    pub(super) fn get(&self, connection: &OidcConnection) -> Option<KnownKeys> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&place(connection)).cloned()
    }

    /// Keeps what is known of a connection's keys.
    pub(super) fn put(&self, connection: &OidcConnection, known: KnownKeys) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(place(connection), known);
    }
}

/// What keys are kept by: at another address there are others.
fn place(connection: &OidcConnection) -> (OidcConnectionId, String) {
    (connection.id, connection.jwks_uri.as_ref().map(ToString::to_string).unwrap_or_default())
}
