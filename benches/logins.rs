#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
//! Whole logins against the built server: authorize, the response at the ACS, token, userinfo.
//!
//! `cargo bench --bench logins` runs SQLite; with `OSTIARY_BENCH_POSTGRES_URL` set it runs that database
//! too (it must be empty). Told are logins per second, the server's own CPU time per login, its memory,
//! and how long it took to be ready. The identity provider and the app run in this process, so their
//! work is not the server's; `OSTIARY_BENCH_LOGINS` says how many logins (2000).

mod support;

use std::{sync::Arc, time::Instant};

use base::{
    random::SystemRandom,
    time::{Clock, SystemClock},
};
use saml::key_pair::{KeyKind, KeyPair};
use support::{
    Installation, Server,
    login::{IDP, Login, REDIRECT_URI},
};
use tokio::sync::Semaphore;

const CONCURRENCY: usize = 8;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let logins = support::number("OSTIARY_BENCH_LOGINS", 2000);
        let keys = KeyPair::generate(KeyKind::Rsa(2048), "Bench", SystemClock.now(), &SystemRandom).expect("keys");
        let dir = tempfile::TempDir::new().expect("a directory");
        let certificate = dir.path().join("idp.pem");
        std::fs::write(&certificate, keys.certificate_pem().expect("a certificate")).expect("a file");
        let keys = Arc::new(keys);
        println!("database  cross_check  id_token  logins/s  server CPU/login  ready    idle RSS  peak RSS");
        let sqlite = format!("sqlite://{}/bench.db", dir.path().display());
        let mut databases = vec![("sqlite", sqlite)];
        databases.extend(std::env::var("OSTIARY_BENCH_POSTGRES_URL").ok().map(|url| ("postgres", url)));
        for (name, url) in databases {
            let setup = Setup::new(&url, certificate.to_str().expect("a path"));
            for cross_check in ["enforce", "off"] {
                for alg in ["RS256", "ES256"] {
                    let client = setup.client(alg);
                    let server = Server::start(&setup.installation, &[("OSTIARY_SAML_CROSS_CHECK", cross_check)]).await;
                    let idle = server.memory("VmRSS");
                    let login = Arc::new(Login { server_base: server.base.clone(), client, keys: Arc::clone(&keys), organization: setup.organization.clone(), address: "dana@acme.example".to_owned() });
                    run(&login, 50).await;
                    let (cpu, begun) = (server.cpu(), Instant::now());
                    run(&login, logins).await;
                    let (cpu, wall) = (server.cpu() - cpu, begun.elapsed());
                    println!(
                        "{name:8}  {cross_check:11}  {alg:8}  {:8.0}  {:13.2} ms  {:4} ms  {:5.1} MiB  {:5.1} MiB",
                        logins as f64 / wall.as_secs_f64(),
                        cpu.as_secs_f64() * 1000.0 / logins as f64,
                        server.ready.as_millis(),
                        idle,
                        server.memory("VmHWM"),
                    );
                }
            }
        }
    });
}

async fn run(login: &Arc<Login>, logins: usize) {
    let turns = Arc::new(Semaphore::new(CONCURRENCY));
    let mut tasks = Vec::new();
    for _ in 0..logins {
        let turn = Arc::clone(&turns).acquire_owned().await.expect("a turn");
        let login = Arc::clone(login);
        tasks.push(tokio::spawn(async move {
            login.once().await.unwrap_or_else(|refusal| panic!("{refusal}"));
            drop(turn);
        }));
    }
    for task in tasks {
        task.await.expect("a login");
    }
}

/// What the command line set up.
struct Setup {
    installation: Installation,
    organization: String,
}

impl Setup {
    fn new(database_url: &str, certificate: &str) -> Self {
        let installation = Installation::new(database_url);
        let environment = ["environment", "create", "--slug", "bench", "--display-name", "Bench"];
        let redirects = ["--redirect-url", REDIRECT_URI, "--oauth-redirect-uri", REDIRECT_URI];
        installation.json(&[&environment[..], &redirects].concat());
        let domain = ["--display-name", "Acme", "--domain", "acme.example"];
        let organization =
            installation.json(&[&["organization", "create", "--environment", "bench"], &domain[..]].concat());
        let organization = organization["id"].as_str().expect("an id").to_owned();
        let idp = ["--idp-entity-id", IDP, "--idp-redirect-url", "https://idp.example/sso"];
        let connection = ["saml-connection", "create", "--organization", &organization, "--primary"];
        installation.json(&[&connection[..], &idp, &["--idp-certificate", certificate]].concat());
        Self { installation, organization }
    }

    fn client(&self, alg: &str) -> (String, String) {
        let create = ["oauth-client", "create", "--environment", "bench", "--id-token-alg", alg];
        let client = self.installation.json(&create);
        let text = |name: &str| client[name].as_str().expect("a text").to_owned();
        (text("id"), text("clientSecret"))
    }
}
