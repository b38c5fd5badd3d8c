//! What this process knows of the console's OpenID provider. The HTTP client is made once. The metadata is fetched by one
//! request for all who wait for it, and kept for a while; so is, for seconds, that it could not be fetched.

use std::{pin::Pin, sync::Arc, time::Duration};

use base::time::Timestamp;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse, IssuerUrl, core::CoreProviderMetadata};
use tokio::sync::{Mutex, OnceCell, OwnedMutexGuard};

use crate::{
    app::{
        Error, Result,
        outgoing::{HttpClient, HttpClientError, HttpClientLimits},
    },
    telemetry,
};

/// How long metadata and keys are kept.
const METADATA_TTL: Duration = Duration::from_secs(300);
/// How long a failure is kept.
const FAILURE_TTL: Duration = Duration::from_secs(5);
/// How old metadata is at least when a token that it does not verify has it fetched again.
const MIN_REFRESH_AGE: Duration = Duration::from_secs(10);

/// The cached provider.
#[derive(Default)]
pub struct ProviderCache {
    http: OnceCell<ProviderClient>,
    /// The lock is held while metadata is fetched.
    discovered: Arc<Mutex<Option<Discovered>>>,
}

/// The result of a discovery; `None` is a failure, which was logged.
struct Discovered {
    at: Timestamp,
    metadata: Option<Arc<CoreProviderMetadata>>,
}

type Slot = OwnedMutexGuard<Option<Discovered>>;

impl ProviderCache {
    /// The HTTP client for the provider. Created on a blocking thread, because loading the system's certificates takes a
    /// while.
    pub(super) async fn http(&self) -> Result<&ProviderClient> {
        let make = || async {
            let made = tokio::task::spawn_blocking(ProviderClient::new);
            made.await.map_err(Error::internal)?
        };
        self.http.get_or_try_init(make).await
    }

    /// The metadata of the provider (OpenID Connect Discovery 1.0 §4), with its keys.
    pub(super) async fn metadata(&self, issuer: &str, now: Timestamp) -> Result<Arc<CoreProviderMetadata>> {
        let slot = Arc::clone(&self.discovered).lock_owned().await;
        let known = slot.as_ref().filter(|known| {
            let ttl = if known.metadata.is_some() { METADATA_TTL } else { FAILURE_TTL };
            known.age(now).is_some_and(|age| age < ttl)
        });
        match known {
            Some(known) => known.metadata.clone().ok_or_else(failed),
            None => self.discover(slot, issuer, now).await,
        }
    }

    /// The metadata, if the provider may have changed its keys since `metadata` was fetched.
    pub(super) async fn newer_metadata(
        &self,
        issuer: &str,
        metadata: &Arc<CoreProviderMetadata>,
        now: Timestamp,
    ) -> Result<Option<Arc<CoreProviderMetadata>>> {
        let slot = Arc::clone(&self.discovered).lock_owned().await;
        match &*slot {
            Some(Discovered { metadata: Some(known), .. }) if !Arc::ptr_eq(known, metadata) => {
                Ok(Some(Arc::clone(known)))
            }
            Some(known) if known.age(now).is_some_and(|age| age < MIN_REFRESH_AGE) => Ok(None),
            _ => self.discover(slot, issuer, now).await.map(Some),
        }
    }

    /// Fetches the metadata. It goes on when the caller goes away: others wait for it.
    async fn discover(
        &self,
        mut slot: Slot,
        issuer: &str,
        now: Timestamp,
    ) -> Result<Arc<CoreProviderMetadata>> {
        let http = self.http().await?.clone();
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(Error::internal)?;
        let discovery = tokio::spawn(async move {
            let metadata = match CoreProviderMetadata::discover_async(issuer, &http).await {
                Ok(metadata) => Some(Arc::new(metadata)),
                Err(error) => {
                    log(&telemetry::error_chain(&error));
                    None
                }
            };
            *slot = Some(Discovered { at: now, metadata: metadata.clone() });
            metadata
        });
        discovery.await.map_err(Error::internal)?.ok_or_else(failed)
    }
}

impl Discovered {
    /// `None` if the clock was set back.
    fn age(&self, now: Timestamp) -> Option<Duration> {
        (self.at <= now).then(|| now.since(self.at))
    }
}

/// The HTTP client for the provider. Private and loopback addresses are allowed: the operator configured it.
#[derive(Clone)]
pub(super) struct ProviderClient(HttpClient);

impl ProviderClient {
    fn new() -> Result<Self> {
        let limits = HttpClientLimits { bytes: 256 * 1024, redirects: 0, ..HttpClientLimits::default() };
        HttpClient::new(true, limits).map(Self).map_err(Error::internal)
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderClient {
    type Error = HttpClientError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpClientError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.0.exchange(request))
    }
}

/// The error for a failure of the provider. Its cause is logged.
pub(super) fn provider_error(error: &impl std::fmt::Display) -> Error {
    log(error);
    failed()
}

fn log(error: &impl std::fmt::Display) {
    tracing::warn!(%error, "signing an administrator in through the OpenID provider failed");
}

fn failed() -> Error {
    Error::FailedPrecondition(
        "the OpenID provider did not answer as it should; the log says how. Begin again".into(),
    )
}
