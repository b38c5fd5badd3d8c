//! The running server. Production and tests start the same object: [`Server::build`] opens the database and
//! binds the address, [`Server::run`] serves until it is stopped, and then finishes the requests in flight.

pub mod master_key;
pub mod open_file_limit;
mod test_service_providers;

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use actix_web::{App, HttpServer, dev, middleware::from_fn, web};
use url::Url;

use crate::{
    app::{
        ConsoleSettings, OidcProvider, Settings, State,
        directories::{
            limits::DirectoryRates,
            quota::{Quota, Quotas},
            request_log,
        },
        limits::{
            body_allowance::MAX_BODY,
            rate_limiter::RateLimiter,
            request_memory::{MemoryBounds, RequestMemory},
        },
    },
    background,
    config::{self, Config},
    demo_app::DemoApp,
    http::{
        connection::Connections,
        metrics::{self, MetricsToken},
        middleware::{MiddlewareState, handle},
        routes,
    },
    links::Links,
    model::{random::Random, time::Clock},
    saml,
    store::{self, Db, PoolShare},
    telemetry,
    test_idp::{TestIdp, scim_client::ScimClient},
    web::{
        home::Home,
        kit::{
            layout::TEST_SETUP_BANNER,
            routing::{RouteTable, Routes},
        },
    },
};

/// How long a shutdown waits for the current operation of a Bulk request.
const BULK_STOP_TIMEOUT: Duration = Duration::from_secs(5);
/// The name in `settings` of the public URL of the server that ran last.
const PUBLIC_URL: &str = "public_url";

/// Why the server did not start, or a command could not open the installation.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened.
    #[error("the database {url} cannot be opened: {source}")]
    Database {
        /// The URL without its password.
        url: String,
        /// The cause.
        source: crate::store::Error,
    },
    /// The database lacks migrations, and the configuration forbids a start to apply them.
    #[error("the database {url} lacks migrations ({}): run `ostiary migrate`", missing.join(", "))]
    Migrations {
        /// The URL without its password.
        url: String,
        /// Their names.
        missing: Vec<String>,
    },
    /// There is no usable master key.
    #[error("the master key {0}")]
    MasterKey(String),
    /// The public URL is no origin.
    #[error("the public URL {0}")]
    PublicUrl(crate::links::OriginError),
    /// The address cannot be bound.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// Something that the server offers could not be set up.
    #[error(transparent)]
    App(#[from] crate::app::Error),
    /// A statement failed.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
}

/// Runs the process's top-level future on an actix system; the workers of a server have threads of their own.
pub fn block_on<F: Future>(future: F) -> F::Output {
    actix_web::rt::System::new().block_on(future)
}

/// Opens the database that the configuration names, without touching its schema.
pub async fn open_database(config: &Config) -> Result<Db, StartError> {
    Db::connect(&config.database_url.as_driver_url(), config.database_pool_size)
        .await
        .map_err(|source| StartError::Database { url: config.database_url.to_string(), source })
}

/// The public URL of the server that ran last on this database, for commands without `--public-url`: the links
/// that they create must lead to that server.
pub async fn last_public_url(config: &Config) -> Result<Option<Url>, StartError> {
    if config.database_url.sqlite_file().is_some_and(|file| !file.exists()) {
        return Ok(None);
    }
    let db = open_database(config).await?;
    let mut known = None;
    if db.migrations().await?.missing.is_empty() {
        known = store::settings::find(&mut db.read().await?, PUBLIC_URL).await?;
    }
    db.close().await;
    Ok(known.and_then(|text| Url::parse(&text).ok()))
}

/// Stores the public URL for [`last_public_url`].
async fn save_public_url(state: &State) -> Result<(), StartError> {
    let origin = state.links.origin();
    let known = store::settings::find(&mut state.db.read().await?, PUBLIC_URL).await?;
    if known.as_deref() != Some(origin.as_str()) {
        let mut transaction = state.db.write().await?;
        store::settings::upsert(&mut transaction, PUBLIC_URL, &origin).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Opens the installation: the database with all its migrations, the master key, and the settings. `bound` is
/// the address at which the gateway listens, for its default public URL.
pub async fn open(
    config: &Config,
    bound: SocketAddr,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
) -> Result<State, StartError> {
    let db = open_database(config).await?;
    if config.migrates_on_start() {
        db.migrate().await?;
    }
    let missing = db.migrations().await?.missing;
    if !missing.is_empty() {
        return Err(StartError::Migrations { url: config.database_url.to_string(), missing });
    }
    let master_key = master_key::read(config, Some(random.as_ref()))?;
    master_key::verify(&db, &master_key, Some(random.as_ref())).await?;
    let links = Links::new(&config.public_url_at(bound)).map_err(StartError::PublicUrl)?;
    Ok(State::new(db, clock, random, master_key, links, settings(config)))
}

const MEBIBYTE: i64 = 1024 * 1024;

/// The part of the configuration that use cases need.
pub fn settings(config: &Config) -> Settings {
    Settings {
        login_lifetime: config.login_lifetime,
        access_code_lifetime: config.login_access_code_lifetime,
        document_retention: config.retention_assertions,
        clock_skew: config.saml_clock_skew,
        cross_check: match config.saml_cross_check {
            config::CrossCheck::Enforce => saml::CrossCheck::Enforce,
            config::CrossCheck::Observe => saml::CrossCheck::Observe,
            config::CrossCheck::Off => saml::CrossCheck::Off,
        },
        allow_private_targets: config.outgoing_allow_private_targets,
        allow_private_metadata: config.outgoing_allow_private_targets,
        dns_servers: config.dns_servers.clone(),
        test_idp: config.test_idp,
        scim_rates: DirectoryRates {
            requests_per_second: config.rate_limits.then_some(config.scim_requests_per_second),
            bytes_per_second: config
                .rate_limits
                .then(|| config.scim_kilobytes_per_second.saturating_mul(1024)),
            log_bytes_per_hour: u64::from(config.scim_log_megabytes_per_hour) * MEBIBYTE.unsigned_abs(),
        },
        scim_quotas: Quotas {
            directory: Quota {
                users: config.scim_directory_users.into(),
                groups: config.scim_directory_groups.into(),
                stored_bytes: i64::from(config.scim_directory_megabytes) * MEBIBYTE,
                day_bytes: i64::from(config.scim_directory_megabytes_per_day) * MEBIBYTE,
            },
            environment: Quota {
                users: config.scim_environment_users.into(),
                groups: config.scim_environment_groups.into(),
                stored_bytes: i64::from(config.scim_environment_megabytes) * MEBIBYTE,
                day_bytes: i64::from(config.scim_environment_megabytes_per_day) * MEBIBYTE,
            },
        },
        rate_limits: config.rate_limits,
        console: ConsoleSettings {
            session_idle: config.console_session_idle,
            session_lifetime: config.console_session_lifetime,
            require_sso: config.console_require_sso,
            require_passkey: config.console_require_passkey,
            saml_connection: config.console_saml_connection.as_deref().and_then(|id| id.parse().ok()),
            oidc: config.console_oidc_issuer.as_ref().zip(config.console_oidc_client_id.as_ref()).map(
                |(issuer, client_id)| OidcProvider {
                    issuer: issuer.clone(),
                    client_id: client_id.clone(),
                    client_secret: config
                        .console_oidc_client_secret
                        .as_ref()
                        .map(|secret| secret.0.clone())
                        .unwrap_or_default(),
                },
            ),
            rate_limits: config.rate_limits,
        },
    }
}

/// A server whose installation is open and whose address is bound, but whose workers do not exist yet: the time
/// to create what it will serve.
pub struct ServerBuilder {
    config: Config,
    listener: std::net::TcpListener,
    address: SocketAddr,
    state: State,
}

impl ServerBuilder {
    /// Binds the address and opens the installation.
    pub async fn open(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        telemetry::prometheus();
        open_file_limit::raise();
        let listener = listen(config.listen)?;
        let address =
            listener.local_addr().map_err(|source| StartError::Listen { address: config.listen, source })?;
        let state = open(&config, address, clock, random).await?;
        Ok(Self { config, listener, address, state })
    }

    /// The address of the gateway.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The state of its handlers.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Creates the workers. With `demo_services`, they serve the demo too.
    pub async fn build(self, demo_services: Option<DemoServices>) -> Result<Server, StartError> {
        let Self { config, listener, address, state } = self;
        save_public_url(&state).await?;
        let test_idp = match config.test_idp {
            true => Some(test_service_providers::build(&state).await?),
            false => None,
        };
        let metrics = config.metrics_listen.map(|wanted| metrics_server(&state, wanted)).transpose()?;
        let (metrics_address, metrics) = metrics.unzip();
        let (demo, scim_client) = demo_services.map(|all| (all.app, all.scim_client)).unzip();
        let optional_services = OptionalServices {
            test_idp: test_idp.map(web::Data::new),
            demo: demo.map(web::Data::new),
            scim_client: scim_client.map(web::Data::new),
        };
        let gateway = gateway(&config, &state, address, listener, optional_services)
            .map_err(|source| StartError::Listen { address, source })?;
        let retention = background::Retention {
            logins: config.retention_logins,
            // A login that can still be answered is not deleted: its link is valid for an hour, then
            // `login.lifetime` begins.
            unfinished_logins: config
                .retention_unfinished_logins
                .max(config.login_lifetime + Duration::from_secs(3600)),
            events: config.retention_events,
            webhook_deliveries: config.retention_webhook_deliveries,
            scim_requests: config.retention_scim_requests,
        };
        Ok(Server { address, metrics_address, state, retention, gateway, metrics })
    }
}

/// What `ostiary demo` serves besides the gateway.
pub struct DemoServices {
    /// The sample app.
    pub app: DemoApp,
    /// The SCIM client that provisions the test identity provider's users into directories.
    pub scim_client: ScimClient,
}

/// The optional services of a gateway.
#[derive(Clone)]
struct OptionalServices {
    test_idp: Option<web::Data<TestIdp>>,
    demo: Option<web::Data<DemoApp>>,
    scim_client: Option<web::Data<ScimClient>>,
}

impl OptionalServices {
    fn configure(&self, routes: &mut Routes<'_>) {
        let test_idp = self.test_idp.is_some();
        routes.app_data(web::Data::new(Home {
            demo: self.demo.is_some(),
            test_idp,
            banner: test_idp.then_some(TEST_SETUP_BANNER),
        }));
        if let Some(test_idp) = &self.test_idp {
            crate::test_idp::configure(routes.app_data(test_idp.clone()));
        }
        if let Some(client) = &self.scim_client {
            crate::test_idp::scim_client::configure(routes.app_data(client.clone()));
        }
        if let Some(demo) = &self.demo {
            crate::demo_app::configure(routes.app_data(demo.clone()));
        }
    }
}

/// A server that is bound and ready to run.
pub struct Server {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    state: State,
    retention: background::Retention,
    gateway: dev::Server,
    metrics: Option<dev::Server>,
}

impl Server {
    /// Binds the address, opens the installation and prepares the workers.
    pub async fn build(
        config: Config,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, StartError> {
        ServerBuilder::open(config, clock, random).await?.build(None).await
    }

    /// The address of the gateway.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the metrics listener, if there is one.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// The state of its handlers.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The handle that stops it: `stop(true)` finishes requests in flight.
    pub fn handle(&self) -> dev::ServerHandle {
        self.gateway.handle()
    }

    /// Serves until it is stopped by its handle or by a signal (the first signal waits for requests in flight,
    /// a second one does not), then closes the database. It must run on the thread of an actix system
    /// ([`block_on`]).
    pub async fn run(self) -> io::Result<()> {
        let upkeep = tokio::spawn(async {
            loop {
                tokio::time::sleep(Duration::from_secs(10)).await;
                telemetry::prometheus().run_upkeep();
            }
        });
        let metrics = self.metrics.map(|server| {
            let handle = server.handle();
            tokio::spawn(server);
            handle
        });
        let jobs = tokio::spawn(background::run(self.state.clone(), self.retention));
        let webhooks = tokio::spawn(background::webhooks::run(self.state.clone()));
        let metadata = tokio::spawn(background::metadata_refresh::run(self.state.clone()));
        let log = tokio::spawn(request_log::run_writer(self.state.clone()));
        let bulk = actix_web::rt::spawn(self.state.bulk_executor.clone().serve());
        let signals = tokio::spawn(stop_on_signal(self.gateway.handle(), self.state.clone()));
        let outcome = self.gateway.await;
        self.state.bulk_executor.stop();
        if tokio::time::timeout(BULK_STOP_TIMEOUT, self.state.bulk_executor.idle()).await.is_err() {
            tracing::warn!("a Bulk operation did not end in time");
        }
        bulk.abort();
        signals.abort();
        jobs.abort();
        webhooks.abort();
        metadata.abort();
        log.abort();
        if let Err(error) = request_log::flush(&self.state).await {
            tracing::warn!(%error, "the last SCIM requests could not be logged");
        }
        upkeep.abort();
        if let Some(metrics) = metrics {
            metrics.stop(false).await;
        }
        self.state.db.close().await;
        outcome
    }
}

fn listen(address: SocketAddr) -> Result<std::net::TcpListener, StartError> {
    let open = || {
        let socket = if address.is_ipv4() {
            tokio::net::TcpSocket::new_v4()?
        } else {
            tokio::net::TcpSocket::new_v6()?
        };
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(2048)?.into_std()
    };
    open().map_err(|source| StartError::Listen { address, source })
}

fn gateway(
    config: &Config,
    state: &State,
    address: SocketAddr,
    listener: std::net::TcpListener,
    optional_services: OptionalServices,
) -> io::Result<dev::Server> {
    let memory = RequestMemory::new(MemoryBounds::share(config.request_memory_mib << 20, config.rate_limits));
    let open_files = open_file_limit::limit();
    let connections = Arc::new(Connections {
        trusted_proxies: config.trusted_proxies.clone(),
        max_per_client: config
            .rate_limits
            .then(|| open_file_limit::max_connections_per_client(config.connections_per_client, open_files)),
        memory: Arc::clone(&memory),
        clock: Arc::clone(&state.clock),
        open: Mutex::new(HashMap::new()),
    });
    let middleware = Arc::new(MiddlewareState {
        memory,
        trusted_proxies: config.trusted_proxies.clone(),
        limits: config.rate_limits.then(RateLimiter::new),
        clock: Arc::clone(&state.clock),
        random: Arc::clone(&state.random),
        https: config.public_url_at(address).scheme() == "https",
    });
    let shared = web::Data::new(state.clone());
    let directories = web::Data::new(state.with_share(PoolShare::Directory));
    let token = web::Data::new(MetricsToken(config.metrics_token.clone()));
    let app = move || {
        let middleware = Arc::clone(&middleware);
        let mut table = RouteTable::default();
        let app = App::new()
            .app_data(shared.clone())
            .app_data(token.clone())
            .app_data(web::PayloadConfig::new(MAX_BODY))
            .configure(|config| optional_services.configure(&mut Routes::new(config, &mut table)))
            .configure(|config| routes::configure(config, &mut table, &directories));
        // One table a worker: `configure` has filled it.
        let table = Rc::new(table);
        app.wrap(from_fn(move |request, next| {
            handle(Arc::clone(&middleware), Rc::clone(&table), request, next)
        }))
    };
    let workers = match config.workers {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        workers => workers,
    };
    let server = actix_server::Server::build()
        .workers(workers)
        .max_concurrent_connections(open_file_limit::max_connections(open_files).div_ceil(workers))
        .shutdown_timeout(config.shutdown_timeout.as_secs())
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let serve = move || Arc::clone(&connections).serve(app(), stopping.clone());
    Ok(server.listen("gateway", listener, serve)?.run())
}

/// The metrics endpoint on a listener of its own.
fn metrics_server(state: &State, wanted: SocketAddr) -> Result<(SocketAddr, dev::Server), StartError> {
    let failed = |source| StartError::Listen { address: wanted, source };
    let listener = listen(wanted)?;
    let address = listener.local_addr().map_err(failed)?;
    let shared = web::Data::new(state.clone());
    let server = HttpServer::new(move || {
        App::new().app_data(shared.clone()).route("/metrics", web::get().to(metrics::serve))
    });
    let server = server.workers(1).disable_signals().listen(listener).map_err(failed)?.run();
    Ok((address, server))
}

async fn stop_on_signal(server: dev::ServerHandle, state: State) {
    signal().await;
    tracing::info!("stopping: finishing the requests in flight");
    state.bulk_executor.stop();
    let forced = {
        let server = server.clone();
        tokio::spawn(async move {
            signal().await;
            server.stop(false).await;
        })
    };
    server.stop(true).await;
    forced.abort();
}

/// Waits for Ctrl-C or SIGTERM.
async fn signal() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(interrupt.await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{random::SystemRandom, time::SystemClock};

    #[actix_web::test]
    async fn metrics_may_have_a_listener_of_their_own() {
        let directory = tempfile::tempdir().unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = Config {
            listen: any,
            metrics_listen: Some(any),
            database_url: format!("sqlite://{}", directory.path().join("x.db").display()).parse().unwrap(),
            workers: 1,
            ..Config::default()
        };
        let server = Server::build(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await.unwrap();
        let (gateway, apart) = (server.address(), server.metrics_address().unwrap());
        let handle = server.handle();
        let task = actix_web::rt::spawn(server.run());
        let status = async |address, path| {
            reqwest::get(format!("http://{address}{path}")).await.unwrap().status().as_u16()
        };
        assert_eq!(status(gateway, "/readyz").await, 200);
        assert_eq!(status(gateway, "/metrics").await, 404);
        assert_eq!(status(apart, "/metrics").await, 200);
        assert_eq!(status(apart, "/readyz").await, 404);
        handle.stop(false).await;
        task.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_database_without_migrations_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database_url: format!("sqlite://{}", directory.path().join("x.db").display()).parse().unwrap(),
            database_migrate: crate::config::Migrate::Never,
            ..Config::default()
        };
        let error = Server::build(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await.err().unwrap();
        let text = error.to_string();
        assert!(text.contains("0001_create_foundation") && text.contains("ostiary migrate"), "{text}");
    }

    #[tokio::test]
    async fn a_taken_address_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let config = Config { listen: taken.local_addr().unwrap(), ..Config::default() };
        let error = Server::build(config, Arc::new(SystemClock), Arc::new(SystemRandom)).await.err().unwrap();
        assert!(error.to_string().starts_with(&format!("cannot listen at {}", taken.local_addr().unwrap())));
    }
}
