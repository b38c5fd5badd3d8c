//! The running server. Production and tests start the same object: [`Server::build`] opens the database and
//! binds the address, [`Server::run`] serves until it is stopped, and then finishes the requests in flight.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{dev, web};
use base::{random::Random, time::Clock};

use super::{
    error::StartError,
    gateway::{DemoServices, OptionalServices, gateway, listen, metrics_server},
    installation::{open, save_public_url},
    open_file_limit,
    server_lock::ServerLock,
    signals::{Signals, stop_on_signal},
    test_service_providers,
};
use crate::{
    app::{State, audit, directories::request_log},
    background,
    config::Config,
    http::health::Stopping,
    store::PoolShare,
    telemetry,
};

/// How long a shutdown waits for the current operation of a Bulk request.
const BULK_STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a shutdown waits for background jobs, which give their leases back.
const JOB_STOP_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a shutdown tries to write the rest of the SCIM request log.
const LOG_STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs the process's top-level future on an actix system; the workers of a server have threads of their own.
pub fn block_on<F: Future>(future: F) -> F::Output {
    actix_web::rt::System::new().block_on(future)
}

/// A server whose installation is open and whose address is bound, but whose workers do not exist yet: the time
/// to create what it will serve.
pub struct ServerBuilder {
    config: Config,
    listener: std::net::TcpListener,
    address: SocketAddr,
    lock: Option<ServerLock>,
    state: State,
    signals: Option<Signals>,
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
        let lock = ServerLock::take(&config);
        let state = open(&config, address, clock, random).await?;
        Ok(Self { config, listener, address, lock, state, signals: Signals::heed() })
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
        let Self { config, listener, address, lock, state, signals } = self;
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
        let stopping = Stopping::default();
        let gateway = gateway(&config, &state, address, listener, &stopping, optional_services)
            .map_err(|source| StartError::Listen { address, source })?;
        let retention = background::Retention {
            logins: config.retention_logins,
            personal_data: config.retention_personal_data,
            // A login that can still be answered is not deleted: its link is valid for an hour, then
            // `login.lifetime` begins.
            unfinished_logins: config
                .retention_unfinished_logins
                .max(config.login_lifetime + Duration::from_secs(3600)),
            events: config.retention_events,
            webhook_deliveries: config.retention_webhook_deliveries,
            scim_requests: config.retention_scim_requests,
        };
        let grace = config.shutdown_grace;
        Ok(Server {
            address,
            metrics_address,
            lock,
            state,
            retention,
            gateway,
            metrics,
            signals,
            stopping,
            grace,
        })
    }
}

/// A server that is bound and ready to run.
pub struct Server {
    address: SocketAddr,
    metrics_address: Option<SocketAddr>,
    lock: Option<ServerLock>,
    state: State,
    retention: background::Retention,
    gateway: dev::Server,
    metrics: Option<dev::Server>,
    signals: Option<Signals>,
    stopping: Stopping,
    /// How long new requests are served after SIGTERM.
    grace: Duration,
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
    /// a second one ends the process), then closes the database. It must run on the thread of an actix system
    /// ([`block_on`]).
    pub async fn run(self) -> io::Result<()> {
        let metrics = self.metrics.map(|server| {
            let handle = server.handle();
            tokio::spawn(server);
            handle
        });
        let for_jobs = self.state.with_share(PoolShare::Jobs);
        background::start(&for_jobs, background::jobs(self.retention));
        let bulk = actix_web::rt::spawn(self.state.bulk_executor.clone().serve());
        let signals = self.signals.map(|signals| {
            let (handle, state) = (self.gateway.handle(), self.state.clone());
            tokio::spawn(stop_on_signal(signals, handle, state, self.stopping, self.grace))
        });
        let outcome = self.gateway.await;
        self.state.bulk_executor.stop();
        let (bulk_ended, jobs_ended) = tokio::join!(
            tokio::time::timeout(BULK_STOP_TIMEOUT, self.state.bulk_executor.idle()),
            self.state.background_tasks.stop(JOB_STOP_TIMEOUT),
        );
        if bulk_ended.is_err() {
            tracing::warn!("a Bulk operation did not end in time");
        }
        if !jobs_ended {
            tracing::warn!("a background job did not end in time");
        }
        bulk.abort();
        audit::drain_bounded(&self.state).await;
        request_log::drain(&self.state, LOG_STOP_TIMEOUT).await;
        if let Some(metrics) = metrics {
            metrics.stop(false).await;
        }
        self.state.db.close().await;
        drop(self.lock);
        // Until here a second signal ends the process.
        signals.iter().for_each(tokio::task::JoinHandle::abort);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{random::SystemRandom, time::SystemClock};

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
