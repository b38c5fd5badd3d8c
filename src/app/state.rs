//! What every use case works with.

use std::{fmt, net::SocketAddr, num::NonZeroUsize, sync::Arc, thread, time::Duration};

use super::{
    Error, Result,
    administrators::passwords::Passwords,
    directory_limits::{DirectoryLimits, DirectoryRates},
    dns::{Dns, TxtResolver},
    fair_queue::FairQueue,
    limits::Limits,
    offload::Offload,
    outgoing::{Outgoing, OutgoingLimits},
    provision::bulk::BulkRuns,
    scim_requests::ScimRequestLog,
    scim_usage::{EnvironmentUsages, Quotas},
    signing_keys::KeyRing,
};
use crate::{
    app::sign_in::CertificateCache,
    links::Links,
    model::{
        administrator::AuthenticationMethod,
        environment::Environment,
        http_url::HttpUrl,
        id::SamlConnectionId,
        random::Random,
        sealed::MasterKey,
        time::{Clock, Timestamp},
    },
    saml::CrossCheck,
    store::{Db, PoolShare},
};

/// How long a response waits for its turn before the sender is asked to come again.
const VERIFICATION_PATIENCE: Duration = Duration::from_secs(5);

/// How many parsed certificates are kept.
const CERTIFICATES: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// The running service: the database, the clock, randomness, the master key and the settings. Cheap to
/// clone; the same for every request.
#[derive(Clone)]
pub struct State {
    /// The database.
    pub db: Db,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Fresh randomness.
    pub random: Arc<dyn Random>,
    /// What seals secrets at rest.
    pub master_key: MasterKey,
    /// Every URL below the public one.
    pub links: Links,
    /// Certificates of identity providers, parsed.
    pub certificates: CertificateCache,
    /// The turns of responses that wait for verification.
    pub verifications: FairQueue<SamlConnectionId>,
    /// Whose responses were refused.
    pub response_limits: Arc<Limits>,
    /// How it behaves.
    pub settings: Arc<Settings>,
    /// The keys that sign ID tokens.
    pub id_token_keys: Arc<KeyRing>,
    /// SCIM requests that wait to be logged.
    pub scim_requests: Arc<ScimRequestLog>,
    /// What directories take of this process.
    pub directory_limits: Arc<DirectoryLimits>,
    /// What environments' directories take up together.
    pub environment_usages: Arc<EnvironmentUsages>,
    /// Who looks up the records by which domains prove themselves.
    pub dns: Arc<dyn TxtResolver>,
    pub(super) outgoing: Arc<tokio::sync::OnceCell<Outgoing>>,
    /// What hashes administrators' passwords.
    pub passwords: Passwords,
    /// The threads for work that grows with what a client sent.
    pub offload: Offload,
    /// The Bulk requests that are being carried out.
    pub bulk_runs: BulkRuns,
    /// Who failed to sign in to which account of the console.
    pub sign_in_limits: Arc<Limits>,
}

impl State {
    /// A service with these parts.
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
            certificates: CertificateCache::new(CERTIFICATES),
            verifications: FairQueue::new(cores, VERIFICATION_PATIENCE),
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
            bulk_runs: BulkRuns::default(),
            sign_in_limits: Arc::default(),
        }
    }

    /// The same service for the work of one share of the database's connections.
    #[must_use]
    pub fn with_share(&self, share: PoolShare) -> Self {
        Self { db: self.db.with_share(share), ..self.clone() }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What fetches documents from addresses that somebody gave us. The first call makes it: reading the
    /// system's certificates takes a while.
    pub async fn outgoing(&self) -> Result<&Outgoing> {
        let make = || async {
            let allow_private = self.settings.allow_private_metadata;
            let made =
                tokio::task::spawn_blocking(move || Outgoing::new(allow_private, OutgoingLimits::default()));
            made.await.map_err(Error::internal)?.map_err(Error::internal)
        };
        self.outgoing.get_or_try_init(make).await
    }

    /// The URLs that the environment's people and identity providers know: below its auth URL, if it
    /// has one.
    pub fn links_of(&self, environment: &Environment) -> Links {
        self.links.for_auth_url(environment.auth_url.as_ref().and_then(HttpUrl::to_url).as_ref())
    }
}

/// How the service behaves, as far as use cases must know.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a begun login waits for its response.
    pub login_lifetime: Duration,
    /// How long an access code can be redeemed at `/v1/saml/redeem`.
    pub access_code_lifetime: Duration,
    /// How long the XML of a login is kept, sealed.
    pub document_retention: Duration,
    /// How far an identity provider's clock may be off.
    pub clock_skew: Duration,
    /// What the second opinion on signatures counts.
    pub cross_check: CrossCheck,
    /// Whether outgoing requests may go to private and loopback addresses.
    pub allow_private_targets: bool,
    /// Whether metadata of identity providers may be fetched from there all the same: at the command line.
    pub allow_private_metadata: bool,
    /// Which name servers are asked; empty: the system's.
    pub dns_servers: Vec<SocketAddr>,
    /// Whether connections to the bundled test identity provider work.
    pub test_idp: bool,
    /// What one directory may take of a process.
    pub scim_rates: DirectoryRates,
    /// What directories may hold and write.
    pub scim_quotas: Quotas,
    /// Whether refused responses are limited.
    pub rate_limits: bool,
    /// How administrators sign in.
    pub console: ConsoleSettings,
}

/// How administrators sign in to the console.
#[derive(Debug, Clone)]
pub struct ConsoleSettings {
    /// How long a session may rest.
    pub session_idle: Duration,
    /// How long a session lasts, however busy it is.
    pub session_lifetime: Duration,
    /// Whether only single sign-on opens the console.
    pub require_sso: bool,
    /// Whether only passkeys open the console.
    pub require_passkey: bool,
    /// The SAML connection of this gateway through which administrators sign in.
    pub saml_connection: Option<SamlConnectionId>,
    /// The OpenID provider through which administrators sign in.
    pub oidc: Option<OidcProvider>,
    /// Whether wrong passwords are limited.
    pub rate_limits: bool,
}

impl ConsoleSettings {
    /// Whether passwords are taken.
    pub fn takes_passwords(&self) -> bool {
        !self.require_sso && !self.require_passkey
    }

    /// Whether passkeys are taken, where they are possible.
    pub fn takes_passkeys(&self) -> bool {
        !self.require_sso
    }

    /// Whether a session that was begun in this way counts.
    pub fn admits(&self, method: AuthenticationMethod) -> bool {
        match method {
            AuthenticationMethod::Password => self.takes_passwords(),
            // Who joins chooses a passkey where only those are taken.
            AuthenticationMethod::Passkey | AuthenticationMethod::Invitation => self.takes_passkeys(),
            AuthenticationMethod::Saml => self.saml_connection.is_some(),
            AuthenticationMethod::Oidc => self.oidc.is_some(),
        }
    }
}

/// An OpenID provider, and what it knows the console by.
#[derive(Clone)]
pub struct OidcProvider {
    /// Its issuer.
    pub issuer: String,
    /// The console's client id there.
    pub client_id: String,
    /// The secret that goes with it.
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
