//! The workers of the gateway and of the metrics endpoint.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    rc::Rc,
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpServer, dev, middleware::from_fn, web};

use super::{error::StartError, open_file_limit};
use crate::{
    app::{
        State,
        limits::{
            body_allowance::MAX_BODY,
            rate_limiter::RateLimiter,
            request_memory::{MemoryBounds, RequestMemory},
        },
    },
    config::Config,
    demo_app::DemoApp,
    http::{
        api_documents::ApiDocuments,
        connection::Connections,
        health::Stopping,
        metrics::{self, MetricsToken},
        middleware::{MAX_REQUEST_TIME, MiddlewareState, handle},
        routes,
        shares::ShareStates,
    },
    store::PoolShare,
    test_idp::{TestIdp, scim_client::ScimClient},
    web::{
        home::Home,
        kit::{
            layout::TEST_SETUP_BANNER,
            routing::{RouteTable, Routes},
        },
    },
};

/// What `ostiary demo` serves besides the gateway.
pub struct DemoServices {
    /// The sample app.
    pub app: DemoApp,
    /// The SCIM client that provisions the test identity provider's users into directories.
    pub scim_client: ScimClient,
}

/// The optional services of a gateway.
#[derive(Clone)]
pub(super) struct OptionalServices {
    pub(super) test_idp: Option<web::Data<TestIdp>>,
    pub(super) demo: Option<web::Data<DemoApp>>,
    pub(super) scim_client: Option<web::Data<ScimClient>>,
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

pub(super) fn listen(address: SocketAddr) -> Result<std::net::TcpListener, StartError> {
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

pub(super) fn gateway(
    config: &Config,
    state: &State,
    address: SocketAddr,
    listener: std::net::TcpListener,
    stopping: &Stopping,
    optional_services: OptionalServices,
) -> io::Result<dev::Server> {
    let memory = RequestMemory::new(
        MemoryBounds::share(config.request_memory_mib << 20, config.rate_limits),
        Arc::clone(&state.clock),
    );
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
        stopping: stopping.clone(),
        max_request_time: MAX_REQUEST_TIME,
    });
    let state = state.with_share(PoolShare::Login);
    let shared = web::Data::new(state.clone());
    let announced = web::Data::new(stopping.clone());
    let token = web::Data::new(MetricsToken(config.metrics_token.clone()));
    let documents = web::Data::new(ApiDocuments::new(state.links.clone()));
    let app = move || {
        let middleware = Arc::clone(&middleware);
        let mut table = RouteTable::default();
        let app = App::new()
            .app_data(shared.clone())
            .app_data(token.clone())
            .app_data(announced.clone())
            .app_data(documents.clone())
            .app_data(web::PayloadConfig::new(MAX_BODY))
            .configure(|config| table.configure(config, |routes| optional_services.configure(routes)))
            .configure(|config| routes::configure(config, &mut table));
        // One table a worker: `configure` has filled it.
        let (table, shares) = (Rc::new(table), Rc::new(ShareStates::new(&state)));
        app.wrap(from_fn(move |request, next| {
            handle(Arc::clone(&middleware), Rc::clone(&table), Rc::clone(&shares), request, next)
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
    let shutdown = server.graceful_shutdown_signal();
    let serve = move || Arc::clone(&connections).serve(app(), shutdown.clone());
    Ok(server.listen("gateway", listener, serve)?.run())
}

/// The metrics endpoint on a listener of its own.
pub(super) fn metrics_server(
    state: &State,
    wanted: SocketAddr,
) -> Result<(SocketAddr, dev::Server), StartError> {
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
