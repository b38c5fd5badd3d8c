//! The shared state of all use cases, and their settings.

use std::{fmt, net::SocketAddr, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use super::{
    Error, Result,
    administrators::passwords::Passwords,
    authorization_server::key_cache::KeyCache,
    directories::{
        limits::{DirectoryLimits, DirectoryRates},
        provisioning::bulk_executor::BulkExecutor,
        quota::{EnvironmentUsageCache, Quotas},
        request_log::queue::ScimRequestLog,
    },
    limits::{fair_queue::FairQueue, offload::Offload, rate_limiter::RateLimiter},
    login::CertificateCache,
    outgoing::{
        HttpClient, HttpClientLimits,
        dns::{Dns, TxtResolver},
    },
};
use crate::{
    links::Links,
    model::{
        administrator::AuthenticationMethod,
        environment::Environment,
        http_url::HttpUrl,
        id::SamlConnectionId,
        master_key::MasterKey,
        random::Random,
        time::{Clock, Timestamp},
    },
    saml::CrossCheck,
    store::{Db, PoolShare},
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
    pub id_token_keys: Arc<KeyCache>,
    /// The queue of the SCIM request log.
    pub scim_requests: Arc<ScimRequestLog>,
    /// Limits of SCIM directories.
    pub directory_limits: Arc<DirectoryLimits>,
    /// The cached SCIM usage of environments.
    pub environment_usages: Arc<EnvironmentUsageCache>,
    /// The resolver for domain verification.
    pub dns: Arc<dyn TxtResolver>,
    pub(super) outgoing: Arc<tokio::sync::OnceCell<HttpClient>>,
    /// The hashing of administrators' passwords.
    pub passwords: Passwords,
    /// Runs CPU-bound work off the async threads.
    pub offload: Offload,
    /// The running SCIM Bulk requests.
    pub bulk_executor: BulkExecutor,
    /// Rate limits of console sign-ins per account.
    pub sign_in_limits: Arc<RateLimiter>,
}

impl State {
    /// The state with these parts.
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
            outgoing: Arc::default(),
            dns: Arc::new(Dns::new(settings.dns_servers.clone())),
            directory_limits: Arc::new(DirectoryLimits::new(settings.scim_rates)),
            environment_usages: Arc::default(),
            settings: Arc::new(settings),
            id_token_keys: Arc::default(),
            scim_requests: Arc::default(),
            passwords: Passwords::default(),
            offload: Offload::new(cores / 2),
            bulk_executor: BulkExecutor::default(),
            sign_in_limits: Arc::default(),
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

/// The settings of the use cases.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a started login may wait for its response.
    pub login_lifetime: Duration,
    /// How long an access code can be redeemed at `/v1/saml/redeem`.
    pub access_code_lifetime: Duration,
    /// How long the sealed XML of a login is kept.
    pub document_retention: Duration,
    /// The tolerated clock skew of identity providers.
    pub clock_skew: Duration,
    /// The effect of the second verification of signatures.
    pub cross_check: CrossCheck,
    /// Whether outgoing requests may go to private and loopback addresses.
    pub allow_private_targets: bool,
    /// Whether metadata of identity providers may be fetched from there regardless: at the command line.
    pub allow_private_metadata: bool,
    /// The name servers to query; empty: the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// Whether the bundled test identity provider is enabled.
    pub test_idp: bool,
    /// The rate limits of each SCIM directory in a process.
    pub scim_rates: DirectoryRates,
    /// The quotas of SCIM directories.
    pub scim_quotas: Quotas,
    /// Whether refused responses are rate-limited.
    pub rate_limits: bool,
    /// The settings of the console's sign-in.
    pub console: ConsoleSettings,
}

/// The settings of the console's sign-in.
#[derive(Debug, Clone)]
pub struct ConsoleSettings {
    /// The idle timeout of a session.
    pub session_idle: Duration,
    /// The absolute lifetime of a session.
    pub session_lifetime: Duration,
    /// Whether administrators must use single sign-on.
    pub require_sso: bool,
    /// Whether administrators must use passkeys.
    pub require_passkey: bool,
    /// The SAML connection of this gateway through which administrators sign in.
    pub saml_connection: Option<SamlConnectionId>,
    /// The OpenID provider through which administrators sign in.
    pub oidc: Option<OidcProvider>,
    /// Whether wrong passwords are rate-limited.
    pub rate_limits: bool,
}

impl ConsoleSettings {
    /// Whether passwords are accepted.
    pub fn allows_passwords(&self) -> bool {
        !self.require_sso && !self.require_passkey
    }

    /// Whether passkeys are accepted.
    pub fn allows_passkeys(&self) -> bool {
        !self.require_sso
    }

    /// Whether a session of this sign-in method is accepted.
    pub fn allows(&self, method: AuthenticationMethod) -> bool {
        match method {
            AuthenticationMethod::Password => self.allows_passwords(),
            // An invited administrator registers a passkey if only passkeys are accepted.
            AuthenticationMethod::Passkey | AuthenticationMethod::Invitation => self.allows_passkeys(),
            AuthenticationMethod::Saml => self.saml_connection.is_some(),
            AuthenticationMethod::Oidc => self.oidc.is_some(),
        }
    }
}

/// The console's registration at an OpenID provider.
#[derive(Clone)]
pub struct OidcProvider {
    /// Its issuer.
    pub issuer: String,
    /// The console's client id there.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
}

impl fmt::Debug for OidcProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.client_id, self.issuer)
    }
}

impl Default for ConsoleSettings {
    fn default() -> Self {
        Self {
            session_idle: Duration::from_secs(3600),
            session_lifetime: Duration::from_secs(24 * 3600),
            require_sso: false,
            require_passkey: false,
            saml_connection: None,
            oidc: None,
            rate_limits: true,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            login_lifetime: Duration::from_secs(10 * 60),
            access_code_lifetime: Duration::from_secs(5 * 60),
            document_retention: Duration::from_secs(30 * 24 * 3600),
            clock_skew: Duration::from_secs(60),
            cross_check: CrossCheck::Enforce,
            allow_private_targets: false,
            allow_private_metadata: false,
            dns_servers: Vec::new(),
            test_idp: false,
            scim_rates: DirectoryRates::default(),
            scim_quotas: Quotas::default(),
            rate_limits: true,
            console: ConsoleSettings::default(),
        }
    }
}
