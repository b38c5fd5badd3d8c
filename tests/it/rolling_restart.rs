//! Servers that are restarted while people sign in: nobody's login is lost.

#![expect(clippy::print_stdout, reason = "a test prints what it measured")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use base::time::{Clock as _, ManualClock, SystemClock};
use futures_util::future::join_all;

use crate::support::{
    Backend, IdentityProvider, Tenant, TestApp, TestDatabase,
    balancer::Balancer,
    process::{ServerProcess, replica},
    query,
};

const PEOPLE: usize = 4;

/// What a balancer has before it, and somebody to sign in.
struct Site {
    /// A server of the test's own, which gets no requests; its public URL is the balancer's.
    app: TestApp,
    balancer: Balancer,
    tenant: Tenant,
    key: String,
}

impl Site {
    async fn new(backend: Backend) -> Self {
        let (balancer, port) = Balancer::start().await;
        let database = Arc::new(TestDatabase::new(backend).await);
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        let app = TestApp::spawn_on(database, backend, clock, |config| {
            config.public_url = Some(format!("http://localhost:{port}").parse().unwrap());
        })
        .await;
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        Self { app, balancer, tenant, key }
    }

    /// A server behind the balancer.
    async fn start(&self) -> ServerProcess {
        let settings = ["shutdown_grace=1s", "workers=1", "database.pool_size=4", "rate_limits=off"];
        let mut command = replica(&self.app, &settings);
        let server = tokio::task::spawn_blocking(move || ServerProcess::start(&mut command)).await.unwrap();
        self.balancer.add(server.address).await;
        server
    }

    /// Stops a server as a rolling restart does.
    async fn stop(&self, mut server: ServerProcess) {
        server.terminate();
        let address = server.address;
        let ended = tokio::task::spawn_blocking(move || server.wait(Duration::from_secs(30)));
        assert!(ended.await.unwrap().success());
        self.balancer.remove(address);
    }

    /// Signs somebody in, from the app's link to the redeemed code.
    async fn login(&self) {
        let (idp, browser) = (IdentityProvider::get(), self.app.browser());
        let request = self.app.begin(&browser, &self.key, &self.tenant).await;
        let now = SystemClock.now();
        let response = idp.sign(&idp.response(&self.tenant, Some(&request.id), "ada@acme.example", now));
        let answer = request.answer(&browser, &self.tenant, &response).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let code = query(&answer.location(), "saml_access_code").expect("a code");
        let redeemed = self.app.redeem(&self.key, &code).await;
        assert_eq!(redeemed.status, 200, "{}", redeemed.body);
    }

    /// Signs people in, one after the other for each of [`PEOPLE`], while `restarts` happen. A login that fails panics.
    async fn sign_in_during(&self, restarts: impl Future<Output = ()>) {
        let (over, logins) = (AtomicBool::new(false), AtomicUsize::new(0));
        let people = (0..PEOPLE).map(|_| async {
            while !over.load(Ordering::Relaxed) {
                self.login().await;
                logins.fetch_add(1, Ordering::Relaxed);
            }
        });
        let restarts = async {
            restarts.await;
            over.store(true, Ordering::Relaxed);
        };
        futures_util::future::join(join_all(people), restarts).await;
        let logins = logins.load(Ordering::Relaxed);
        println!("{logins} logins, none lost");
        assert!(logins > 0);
    }
}

#[test]
fn three_replicas_restarted_in_turn_lose_no_login() {
    actix_web::rt::System::new().block_on(async {
        let site = Site::new(Backend::Postgres).await;
        let mut servers = join_all((0..3).map(|_| site.start())).await;
        site.sign_in_during(async {
            for _ in 0..9 {
                site.stop(servers.remove(0)).await;
                servers.push(site.start().await);
            }
        })
        .await;
        site.app.stop().await;
    });
}

#[test]
fn a_server_that_takes_over_an_sqlite_file_loses_no_login() {
    actix_web::rt::System::new().block_on(async {
        let site = Site::new(Backend::Sqlite).await;
        let mut server = site.start().await;
        site.sign_in_during(async {
            for _ in 0..4 {
                let next = site.start().await;
                site.stop(std::mem::replace(&mut server, next)).await;
            }
        })
        .await;
        site.app.stop().await;
    });
}
