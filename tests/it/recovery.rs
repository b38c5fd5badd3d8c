//! Faults of PostgreSQL and of the network before it, and how long the server takes to be well again without a restart.

#![expect(clippy::print_stdout, reason = "a test prints what it measured")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use base::time::{Clock as _, ManualClock, SystemClock};
use futures_util::future::join_all;
use ostiary::store::Db;
use serde_json::json;

use crate::support::{Answer, Backend, Browser, TestApp, TestDatabase, databases::OwnServer, proxy::Proxy};

/// How many requests come at once.
const MANY: usize = 8;

/// A server, somebody who may use it, and what they saw.
struct Service {
    app: TestApp,
    key: String,
    browser: Browser,
}

impl Service {
    async fn on(database: TestDatabase, url: &str) -> Self {
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let app = TestApp::spawn_on(Arc::new(database), Backend::Postgres, clock, |config| {
            config.database_url = url.parse().unwrap();
            config.database_pool_size = MANY.try_into().unwrap();
        })
        .await;
        let key = app.api_key(&app.environment("prod").await, true).await;
        let browser = app.browser();
        Self { app, key, browser }
    }

    /// One that reaches PostgreSQL through a proxy.
    async fn behind_a_proxy() -> (Self, Proxy) {
        let database = TestDatabase::new(Backend::Postgres).await;
        let proxy = Proxy::before(&database.socket_folder());
        let url = database.url_through(proxy.folder());
        (Self::on(database, &url).await, proxy)
    }

    /// A request that reads and writes.
    async fn write(&self) -> Answer {
        let request = self.browser.request(reqwest::Method::POST, &self.app.url("/v1/organizations"));
        self.browser.send(request.bearer_auth(&self.key).json(&json!({ "displayName": "x" }))).await
    }

    /// Many at once; those that fail must tell to come again.
    async fn write_many(&self) -> Vec<u16> {
        let answers = join_all((0..MANY).map(|_| self.write())).await;
        for answer in &answers {
            assert!(answer.status == 200 || answer.status == 503, "{answer:?}");
            assert_eq!(answer.headers.contains_key("retry-after"), answer.status == 503, "{answer:?}");
        }
        answers.iter().map(|answer| answer.status.as_u16()).collect()
    }

    /// Opens the connections that such requests may use.
    async fn warm_up(&self) {
        assert_eq!(self.write_many().await, [200; MANY]);
    }

    /// What `/readyz` answers, which it must within a second; here more is allowed.
    async fn readiness(&self) -> u16 {
        let began = Instant::now();
        let status = self.app.browser().get(&self.app.url("/readyz")).await.status.as_u16();
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        status
    }

    async fn until_readiness_is(&self, wanted: u16) {
        let began = Instant::now();
        while self.readiness().await != wanted {
            assert!(began.elapsed() < Duration::from_secs(30), "readiness is never {wanted}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until every one of many requests is answered, and tells how long that took.
    async fn recover(&self, from: &str) {
        let began = Instant::now();
        while self.write_many().await != [200; MANY] {
            assert!(began.elapsed() < Duration::from_secs(60), "{from}: it never recovers");
        }
        println!("well again after {from}: {:.1} s", began.elapsed().as_secs_f64());
        self.until_readiness_is(200).await;
    }
}

fn block_on<F: Future<Output = ()>>(scenario: F) {
    actix_web::rt::System::new().block_on(scenario);
}

#[test]
fn sessions_that_the_server_ended_cost_no_request() {
    block_on(async {
        let database = TestDatabase::new(Backend::Postgres).await;
        let url = database.url.clone();
        let service = Service::on(database, &url).await;
        for _ in 0..3 {
            service.warm_up().await;
            service.app.database.end_sessions();
            assert_eq!(service.write_many().await, [200; MANY]);
        }
        service.app.stop().await;
    });
}

#[test]
fn connections_that_a_firewall_forgot_cost_no_request() {
    block_on(async {
        let (service, proxy) = Service::behind_a_proxy().await;
        service.warm_up().await;
        proxy.silence();
        // They are asked whether they live before they are used after a rest.
        tokio::time::sleep(Duration::from_secs(6)).await;
        let began = Instant::now();
        assert_eq!(service.write_many().await, [200; MANY]);
        println!(
            "the first requests after idle connections were forgotten: {:.1} s",
            began.elapsed().as_secs_f64()
        );
        service.app.stop().await;
    });
}

#[test]
fn a_network_that_swallows_packets_is_recovered_from() {
    block_on(async {
        let (service, proxy) = Service::behind_a_proxy().await;
        service.warm_up().await;
        proxy.silence();
        service.recover("packets dropped on every open connection").await;
        service.app.stop().await;
    });
}

#[test]
fn frozen_server_processes_are_left_behind() {
    block_on(async {
        let database = TestDatabase::new(Backend::Postgres).await;
        let url = database.url.clone();
        let service = Service::on(database, &url).await;
        service.warm_up().await;
        assert_eq!(service.readiness().await, 200);
        service.app.database.signal_sessions("STOP");
        service.recover("every server process frozen").await;
        service.app.database.signal_sessions("CONT");
        service.app.stop().await;
    });
}

#[test]
fn a_server_that_was_down_is_used_as_soon_as_it_is_back() {
    block_on(async {
        let mut server = OwnServer::start("");
        let database = server.database().await;
        let url = database.url.clone();
        let service = Service::on(database, &url).await;
        service.warm_up().await;
        let mut conn = service.app.state.db.read().await.unwrap();
        let session: Vec<(String, String)> = conn
            .sql(
                "SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout', \
                 'idle_in_transaction_session_timeout', 'tcp_user_timeout', 'tcp_keepalives_idle', \
                 'tcp_keepalives_interval', 'tcp_keepalives_count') ORDER BY name",
            )
            .all()
            .await
            .unwrap();
        drop(conn);
        let session: Vec<String> =
            session.iter().map(|(name, setting)| format!("{name}={setting}")).collect();
        assert_eq!(
            session,
            [
                "idle_in_transaction_session_timeout=60000",
                "lock_timeout=3000",
                "statement_timeout=5000",
                "tcp_keepalives_count=3",
                "tcp_keepalives_idle=30",
                "tcp_keepalives_interval=5",
                "tcp_user_timeout=10000",
            ]
        );
        server.stop();
        assert_eq!(service.write_many().await, [503; MANY]);
        service.until_readiness_is(503).await;
        server.start_again();
        service.recover("the server stopped and started").await;
        service.app.stop().await;
    });
}

#[test]
fn connections_that_others_used_up_are_told_and_waited_for() {
    block_on(async {
        let server = OwnServer::start("-c max_connections=20");
        let database = server.database().await;
        let url = database.url.clone();
        let service = Service::on(database, &url).await;
        assert_eq!(service.write().await.status, 200);
        // Somebody else takes what is left.
        let others = Db::connect(&url, 40).await.unwrap();
        let mut taken = Vec::new();
        while let Ok(conn) = others.read().await {
            taken.push(conn);
        }
        let during = service.write_many().await;
        assert!(during.contains(&200), "what is open is used: {during:?}");
        assert!([200, 503].contains(&service.readiness().await));
        drop(taken);
        others.close().await;
        service.recover("connections used up by others").await;
        service.app.stop().await;
    });
}
