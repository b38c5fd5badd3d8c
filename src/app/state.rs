//! The shared state of all use cases.

use std::{fmt::Display, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use base::{
    id::SamlConnectionId,
    random::Random,
    time::{Clock, Timestamp},
};
use model::{environment::Environment, http_url::HttpUrl, master_key::MasterKey};
use oauth::signing_key::SigningKey;
use saml::key_pair::KeyPair;

use super::{
    Error, Result,
    accounts::passwords::Passwords,
    administrators::sso::ProviderCache,
    audit::AuditThrottle,
    background_tasks::BackgroundTasks,
    directories::{
        limits::DirectoryLimits, provisioning::bulk_executor::BulkExecutor, quota::EnvironmentUsageCache,
        request_log::queue::ScimRequestLog,
    },
    keys::cache::KeyCache,
    limits::{fair_queue::FairQueue, offload::Offload, rate_limiter::RateLimiter},
    login::{CertificateCache, oidc::ProviderKeyCache},
    outgoing::{
        HttpClient, HttpClientLimits,
        dns::{Dns, TxtResolver},
    },
    settings::Settings,
};
use crate::{
    links::Links,
    store::{Db, PoolShare, sealed_columns::SealedColumn},
};

/// How long a SAML response waits for verification before it is refused as busy.
const MAX_VERIFICATION_WAIT: Duration = Duration::from_secs(5);

/// How many parsed certificates are cached.
const MAX_CERTIFICATES: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// The shared state: the database, the clock, randomness, the master key, settings, caches and limits. Cheap to
/// clone; the same for every request.
#[derive(Clone)]
pub struct State {
    /// The database.
    pub db: Db,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source of randomness.
    pub random: Arc<dyn Random>,
    /// The key that encrypts secrets at rest.
    pub master_key: MasterKey,
    /// The URLs below the public URL.
    pub links: Links,
    /// Parsed certificates of identity providers.
    pub certificates: CertificateCache,
    /// The queue of SAML responses for verification.
    pub verifications: FairQueue<SamlConnectionId>,
    /// Rate limits of refused SAML responses and started logins.
    pub response_limits: Arc<RateLimiter>,
    /// The settings.
    pub settings: Arc<Settings>,
    /// The keys that sign ID tokens.
    pub id_token_keys: Arc<KeyCache<SigningKey>>,
    /// The SAML key pairs.
    pub saml_keys: Arc<KeyCache<KeyPair>>,
    /// The queue of the SCIM request log.
    pub scim_requests: Arc<ScimRequestLog>,
    /// Limits of SCIM directories.
    pub directory_limits: Arc<DirectoryLimits>,
    /// The cached SCIM usage of environments.
    pub environment_usages: Arc<EnvironmentUsageCache>,
    /// The resolver for domain verification.
    pub dns: Arc<dyn TxtResolver>,
    /// The keys of customers' OpenID providers.
    pub(super) oidc_keys: Arc<ProviderKeyCache>,
    pub(super) outgoing: Arc<tokio::sync::OnceCell<HttpClient>>,
    /// The console's OpenID provider.
    pub(super) console_provider: Arc<ProviderCache>,
    /// The hashing of passwords.
    pub passwords: Passwords,
    /// Runs CPU-bound work off the async threads.
    pub offload: Offload,
    /// The running SCIM Bulk requests.
    pub bulk_executor: BulkExecutor,
    /// Rate limits of sign-ins per account.
    pub sign_in_limits: Arc<RateLimiter>,
    /// The tasks that run beside the requests.
    pub background_tasks: BackgroundTasks,
    /// The bound on audit entries that callers can cause at will.
    pub audit_throttle: Arc<AuditThrottle>,
}

impl State {
    /// The state with these parts. Called on the runtime that lasts as long as the server.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        master_key: MasterKey,
        links: Links,
        settings: Settings,
    ) -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            db,
            clock,
            random,
            master_key,
            links,
            certificates: CertificateCache::new(MAX_CERTIFICATES),
            verifications: FairQueue::new(cores, MAX_VERIFICATION_WAIT),
            response_limits: Arc::default(),
            oidc_keys: Arc::default(),
            outgoing: Arc::default(),
            console_provider: Arc::default(),
            dns: Arc::new(Dns::new(settings.dns_servers.clone())),
            directory_limits: Arc::new(DirectoryLimits::new(settings.scim_rates)),
            environment_usages: Arc::default(),
            settings: Arc::new(settings),
            id_token_keys: Arc::default(),
            saml_keys: Arc::default(),
            scim_requests: Arc::default(),
            passwords: Passwords::default(),
            offload: Offload::new(cores / 2),
            bulk_executor: BulkExecutor::default(),
            sign_in_limits: Arc::default(),
            background_tasks: BackgroundTasks::new(),
            audit_throttle: Arc::default(),
        }
    }

    /// The same state, restricted to one share of the database's connections.
    #[must_use]
    pub fn with_share(&self, share: PoolShare) -> Self {
        Self { db: self.db.with_share(share), ..self.clone() }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Seals a value for the row with this key.
    pub fn seal(&self, column: &SealedColumn, key: &[&dyn Display], plain: &[u8]) -> String {
        self.master_key.seal(&column.context(key), plain, &*self.random)
    }

    /// Opens what [`State::seal`] sealed for the same row.
    pub fn open(&self, column: &SealedColumn, key: &[&dyn Display], sealed: &str) -> Result<Vec<u8>> {
        self.master_key.open(&column.context(key), sealed).map_err(Error::internal)
    }

    /// The HTTP client for URLs given by third parties. Created by the first call, on a blocking thread, because
    /// loading the system's certificates takes a while.
    pub async fn http_client(&self) -> Result<&HttpClient> {
        let make = || async {
            let allow_private = self.settings.allow_private_metadata;
            let made = tokio::task::spawn_blocking(move || {
                HttpClient::new(allow_private, HttpClientLimits::default())
            });
            made.await.map_err(Error::internal)?.map_err(Error::internal)
        };
        self.outgoing.get_or_try_init(make).await
    }

    /// The URLs of an environment for browsers and identity providers: below its auth URL, if it has one.
    pub fn links_of(&self, environment: &Environment) -> Links {
        self.links.for_auth_url(environment.auth_url.as_ref().and_then(HttpUrl::to_url).as_ref())
    }
}
