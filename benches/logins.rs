#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
//! Whole logins against the built server: authorize, the response at the ACS, token, userinfo.
//!
//! `cargo bench --bench logins` runs SQLite; with `OSTIARY_BENCH_POSTGRES_URL` set it runs that database
//! too (it must be empty). Told are logins per second, the server's own CPU time per login, its memory,
//! and how long it took to be ready. The identity provider and the app run in this process, so their
//! work is not the server's; `OSTIARY_BENCH_LOGINS` says how many logins (2000).

mod support;

use std::{sync::Arc, time::Instant};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use ostiary::{
    model::{
        random::SystemRandom,
        time::{Clock, SystemClock},
    },
    saml::key_pair::{KeyKind, KeyPair},
    test_idp::response::{Exchange, ResponseSpec, Signing},
};
use reqwest::{Client, header, redirect};
use serde_json::Value;
use support::{Installation, Server};
use tokio::sync::Semaphore;
use url::Url;

const REDIRECT_URI: &str = "https://app.example/callback";
const IDP: &str = "https://idp.example/metadata";
const AT_A_TIME: usize = 8;

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
            let stage = Stage::new(&url, certificate.to_str().expect("a path"));
            for cross_check in ["enforce", "off"] {
                for alg in ["RS256", "ES256"] {
                    let client = stage.client(alg);
                    let server = Server::start(&stage.installation, &[("OSTIARY_SAML_CROSS_CHECK", cross_check)]).await;
                    let idle = server.memory("VmRSS");
                    let login = Arc::new(Login { server_base: server.base.clone(), client, keys: Arc::clone(&keys), organization: stage.organization.clone() });
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
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let mut tasks = Vec::new();
    for _ in 0..logins {
        let turn = Arc::clone(&turns).acquire_owned().await.expect("a turn");
        let login = Arc::clone(login);
        tasks.push(tokio::spawn(async move {
            login.once().await;
            drop(turn);
        }));
    }
    for task in tasks {
        task.await.expect("a login");
    }
}

/// What the command line set up.
struct Stage {
    installation: Installation,
    organization: String,
}

impl Stage {
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

/// One login, as a browser, an identity provider and an app do it together.
struct Login {
    server_base: String,
    client: (String, String),
    keys: Arc<KeyPair>,
    organization: String,
}

thread_local! {
    static HTTP: Client = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().expect("a client");
}

impl Login {
    async fn once(&self) {
        let http = HTTP.with(Client::clone);
        let authorize = format!(
            "{}/v1/oauth/authorize?response_type=code&scope=openid&state=s&client_id={}&redirect_uri={REDIRECT_URI}&organization_id={}",
            self.server_base, self.client.0, self.organization
        );
        let page = http.get(authorize).header(header::ACCEPT, "text/html").send().await.expect("authorize");
        let cookies: Vec<String> = page
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|cookie| cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned())
            .collect();
        let page = page.text().await.expect("a page");
        let field = |name: &str| {
            let (_, rest) =
                page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{page}"));
            rest.split_once('"').expect("a value").0.to_owned()
        };
        let (saml_request, relay_state) = (field("SAMLRequest"), field("RelayState"));
        let xml = String::from_utf8(BASE64.decode(saml_request).expect("base64")).expect("UTF-8");
        let attribute = |name: &str| {
            let (_, rest) = xml.split_once(&format!(" {name}=\"")).expect("the attribute");
            rest.split_once('"').expect("a value").0.to_owned()
        };
        let (acs_url, request_id) = (attribute("AssertionConsumerServiceURL"), attribute("ID"));
        let sp_entity_id = acs_url.trim_end_matches("/acs");
        let exchange = Exchange {
            idp_entity_id: IDP,
            sp_entity_id,
            acs_url: &acs_url,
            in_response_to: Some(&request_id),
        };
        let mut spec = ResponseSpec::valid(&exchange, "dana@acme.example", SystemClock.now(), &SystemRandom);
        spec.signing = Signing::Assertion;
        spec.attributes = (0..8).map(|n| (format!("attribute{n}"), vec![format!("value {n}")])).collect();
        let response = spec
            .build_base64(&self.keys.key, &self.keys.certificate, &SystemRandom)
            .expect("a signed response");
        let acs = format!("{}{}", self.server_base, Url::parse(&acs_url).expect("a URL").path());
        let answer = http
            .post(acs)
            .header(header::COOKIE, cookies.join("; "))
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(&[("SAMLResponse", &response), ("RelayState", &relay_state)]))
            .send()
            .await
            .expect("the ACS");
        let location =
            answer.headers().get(header::LOCATION).and_then(|l| l.to_str().ok()).map(str::to_owned);
        let Some(location) = location else { panic!("refused: {}", answer.text().await.expect("a page")) };
        let location = Url::parse(&location).expect("a URL");
        let code = location.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
        let answer = http
            .post(format!("{}/v1/oauth/token", self.server_base))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(&[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", REDIRECT_URI),
                ("client_id", &self.client.0),
                ("client_secret", &self.client.1),
            ]))
            .send()
            .await
            .expect("token");
        let tokens: Value = answer.json().await.expect("tokens");
        let access_token = tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}"));
        let person: Value = http
            .get(format!("{}/v1/oauth/userinfo", self.server_base))
            .bearer_auth(access_token)
            .send()
            .await
            .expect("userinfo")
            .json()
            .await
            .expect("a person");
        assert_eq!(person["sub"], "dana@acme.example");
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
