#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
//! The console's pages and the management API's lists, with so many organizations that a query over all of
//! them is visible.
//!
//! `cargo bench --bench console` runs SQLite; with `OSTIARY_BENCH_POSTGRES_URL` set it runs that database
//! too (it must be empty). `OSTIARY_BENCH_ORGANIZATIONS` says how many there are (100000), each with a
//! domain, a SAML connection and a directory, and twice as many logins. Told are, for each page, the
//! median and the slowest time of a hundred requests one after the other, and the server's own CPU time
//! for each. The aim is 50 ms.

mod support;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use ::saml::key_pair::{KeyKind, KeyPair};
use base::{
    id::Id,
    random::SystemRandom,
    secret::ApiKeySecret,
    time::{SystemClock, Timestamp},
};
use model::{
    account::AuthenticationMethod,
    administrator::{Administrator, Role, RoleGrant},
    api_key::ApiKey,
    domain::{Domain, DomainState},
    email::Email,
    environment::Environment,
    login_flow::{FlowOrigin, FlowStatus},
    organization::Organization,
    saml_connection::SamlConnection,
    scim_directory::ScimDirectory,
};
use ostiary::{
    app::{
        State,
        accounts::Device,
        administrators::sessions,
        connections::saml::{self, SamlConnectionChange},
        directories, login,
        organizations::{self, OrganizationChange},
        principal::Principal,
        support::login_counts,
    },
    config::{Config, Redacted},
    server,
    store::{self, Transaction, login_connections::LoginConnection, table},
};
use reqwest::{Client, header};
use support::{Installation, Server};

/// How many organizations are made in one transaction.
const AT_ONCE: usize = 1000;
const REQUESTS: usize = 100;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let organizations = support::number("OSTIARY_BENCH_ORGANIZATIONS", 100_000);
        let dir = tempfile::TempDir::new().expect("a directory");
        let mut databases = vec![("SQLite", format!("sqlite://{}/bench.db", dir.path().display()))];
        databases.extend(std::env::var("OSTIARY_BENCH_POSTGRES_URL").ok().map(|url| ("PostgreSQL", url)));
        for (name, url) in databases {
            measure(name, &url, organizations).await;
        }
    });
}

async fn measure(database: &str, url: &str, organizations: usize) {
    let installation = Installation::new(url);
    let create = ["environment", "create", "--slug", "bench", "--display-name", "Bench"];
    installation.json(&[&create[..], &["--redirect-url", "https://app.example/callback"]].concat());
    let begun = Instant::now();
    let fixture = Fixture::make(&installation, organizations).await;
    println!("\n{database}: {organizations} organizations made in {:.0} s", begun.elapsed().as_secs_f64());
    let server = Server::start(&installation, &[]).await;
    println!("{:46}  {:>9}  {:>9}  {:>8}", "", "median", "slowest", "CPU each");
    for (name, path) in fixture.pages() {
        fixture.ask(&server, name, &path).await;
    }
    println!("memory at its highest {:.1} MiB", server.memory("VmHWM"));
}

/// The data, and the credentials to read it.
struct Fixture {
    http: Client,
    environment: Environment,
    /// One in the middle.
    organization: Organization,
    connection: SamlConnection,
    cookie: String,
    key: String,
}

impl Fixture {
    async fn make(installation: &Installation, organizations: usize) -> Self {
        let state = open(installation).await;
        let environment = ostiary::app::environments::find(&state, "bench").await.expect("an environment");
        let keys = KeyPair::generate(KeyKind::Rsa(2048), "Bench", state.now(), &SystemRandom).expect("keys");
        let certificate = keys.certificate_pem().expect("a certificate");
        let ago = Duration::from_secs(13 * 24 * 3600);
        let template = Customer::template(&state, &environment, &certificate).await;
        let mut chosen = None;
        for first in (0..organizations).step_by(AT_ONCE) {
            let mut tx = state.db.write().await.expect("a transaction");
            for number in first..(first + AT_ONCE).min(organizations) {
                let age = ago.mul_f64(1.0 - number as f64 / organizations as f64);
                let made = template.another(number, state.now() - age);
                made.store(&mut tx, number).await;
                if number == organizations / 2 {
                    chosen = Some(made);
                }
            }
            tx.commit().await.expect("a commit");
        }
        // As the background job does it, a day or two at a time.
        for _ in 0..10 {
            login_counts::count(&state, Duration::from_secs(24 * 3600)).await.expect("the logins counted");
        }
        let chosen = chosen.expect("at least one organization");
        Self {
            http: Client::builder().no_proxy().build().expect("a client"),
            cookie: administrator(&state).await,
            key: api_key(&state, &environment).await,
            environment,
            organization: chosen.organization,
            connection: chosen.connection,
        }
    }

    fn pages(&self) -> Vec<(&'static str, String)> {
        let console = |rest: &str| format!("/console/{}{rest}", self.environment.id);
        let organization = self.organization.id;
        vec![
            ("overview", console("")),
            ("organizations", console("/organizations")),
            ("organizations: a name", console("/organizations?q=company50001")),
            ("organizations: a domain", console("/organizations?q=c50001.example")),
            ("organizations: a word that all have", console("/organizations?q=ltd")),
            ("organizations: two words that all have", console("/organizations?q=ltd+comp")),
            ("one organization", console(&format!("/organizations/{organization}"))),
            ("one SAML connection", console(&format!("/saml-connections/{}", self.connection.id))),
            ("login flows", console("/flows")),
            ("login flows: failed", console("/flows?outcome=failed")),
            ("login flows: an e-mail address", console("/flows?q=dana%40c50001.example")),
            ("login flows: an organization", console(&format!("/flows?q={organization}"))),
            ("directories", console("/scim-directories")),
            ("events", console("/events")),
            ("audit log", console("/audit-events")),
            ("webhooks", console("/webhooks")),
            ("API keys", console("/api-keys")),
            ("settings", console("/settings")),
            ("API: a hundred organizations", "/v1/organizations?pageSize=100".to_owned()),
            ("API: organizations by words", "/v1/organizations?query=ltd".to_owned()),
            ("API: a hundred logins", "/v1/saml-flows?pageSize=100".to_owned()),
        ]
    }

    async fn ask(&self, server: &Server, name: &str, path: &str) {
        let mut times = Vec::with_capacity(REQUESTS);
        let mut cpu = Duration::ZERO;
        for number in 0..REQUESTS + REQUESTS / 10 {
            if number == REQUESTS / 10 {
                times.clear();
                cpu = server.cpu();
            }
            let begun = Instant::now();
            let answer = self
                .http
                .get(format!("{}{path}", server.base))
                .header(header::COOKIE, &self.cookie)
                .bearer_auth(&self.key)
                .send()
                .await
                .expect("an answer");
            let status = answer.status();
            let body = answer.text().await.expect("a body");
            times.push(begun.elapsed());
            assert_eq!(status, 200, "{name}: {body}");
        }
        let cpu = (server.cpu() - cpu) / u32::try_from(REQUESTS).expect("few");
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "{name:46}  {:6.2} ms  {:6.2} ms  {:5.2} ms",
            ms(times[REQUESTS / 2]),
            ms(times[REQUESTS - 1]),
            ms(cpu)
        );
    }
}

/// One organization with what belongs to it.
#[derive(Clone)]
struct Customer {
    environment: Environment,
    organization: Organization,
    connection: SamlConnection,
    directory: ScimDirectory,
}

impl Customer {
    /// One made as the console would make it.
    async fn template(state: &State, environment: &Environment, certificate: &str) -> Self {
        let principal = Principal::operator(environment.id);
        let change = OrganizationChange { display_name: Some("Template".to_owned()), ..Default::default() };
        let organization = organizations::create(state, &principal, &change).await.expect("an organization");
        let change = SamlConnectionChange {
            primary: Some(true),
            idp_entity_id: Some("https://idp.example/metadata".to_owned()),
            idp_redirect_url: Some("https://idp.example/sso".to_owned()),
            idp_certificate: Some(certificate.to_owned()),
            ..Default::default()
        };
        let connection =
            saml::create(state, &principal, organization.id, &change).await.expect("a connection");
        let directory = directories::create(state, &principal, organization.id, &Default::default())
            .await
            .expect("a directory");
        Self {
            environment: environment.clone(),
            organization,
            connection: connection.connection,
            directory: directory.directory,
        }
    }

    /// Another one like it, made at `now`.
    fn another(&self, number: usize, now: Timestamp) -> Self {
        let mut other = self.clone();
        let organization = &mut other.organization;
        organization.id = Id::new(now, &SystemRandom);
        organization.display_name = format!("Company{number} Ltd");
        organization.external_id = Some(format!("customer-{number}"));
        let domain = Domain::parse(&format!("c{number}.example")).expect("a domain");
        organization.domains = BTreeMap::from([(domain, DomainState::Whitelisted)]);
        (organization.created_at, organization.updated_at) = (now, now);
        let id = Id::new(now, &SystemRandom);
        other.connection.id = id;
        other.connection.organization_id = other.organization.id;
        other.connection.sp_entity_id =
            self.connection.sp_entity_id.replace(&self.connection.id.to_string(), &id.to_string());
        let id = Id::new(now, &SystemRandom);
        other.directory.id = id;
        other.directory.organization_id = other.organization.id;
        other
    }

    /// Stores it with two logins; one in twenty fails.
    async fn store(&self, tx: &mut Transaction, number: usize) {
        table::insert(tx, &self.organization).await.expect("an organization");
        store::organization_domains::set(tx, &self.organization, &SystemRandom).await.expect("its domains");
        store::saml_connections::insert(tx, &self.connection).await.expect("a connection");
        store::table::insert(tx, &self.directory).await.expect("a directory");
        let target = LoginConnection {
            connection: self.connection.clone(),
            organization: self.organization.clone(),
            environment: self.environment.clone(),
        };
        for login in 0..2 {
            let now = self.organization.created_at + Duration::from_secs(60 * login);
            let id = Id::new(now, &SystemRandom);
            let mut flow = login::new_flow(&target, FlowOrigin::Api, None, None, false, id, now);
            let failed = (2 * number) as u64 + login;
            if failed.is_multiple_of(20) {
                flow.status = FlowStatus::Failed;
                flow.refusal = Some("assertion_audience".to_owned());
            } else {
                flow.status = FlowStatus::Succeeded;
                flow.email = Email::parse(&format!("dana@c{number}.example"));
            }
            store::login_flows::insert(tx, &flow).await.expect("a login");
        }
    }
}

async fn open(installation: &Installation) -> State {
    let config = Config {
        database_url: installation.database_url.parse().expect("a database URL"),
        master_key: Some(Redacted(vec![support::MASTER_KEY])),
        public_url: Some(format!("http://{}", installation.address).parse().expect("a URL")),
        ..Config::default()
    };
    let listen = installation.address.parse().expect("an address");
    server::open(&config, listen, Arc::new(SystemClock), Arc::new(SystemRandom))
        .await
        .expect("the installation")
}

/// The session cookie of an owner of all environments.
async fn administrator(state: &State) -> String {
    let now = state.now();
    let administrator = Administrator {
        id: Id::new(now, &SystemRandom),
        version: 1,
        email: Email::parse("dana@vendor.example").expect("an address"),
        display_name: "Dana".to_owned(),
        created_at: now,
        updated_at: now,
        disabled_at: None,
    };
    let mut tx = state.db.write().await.expect("a transaction");
    store::table::insert(&mut tx, &administrator).await.expect("an administrator");
    let grant = RoleGrant { environment_id: None, role: Role::Owner };
    store::administrators::upsert_grant(&mut tx, administrator.id, grant).await.expect("a role");
    let device = Device { address: None, user_agent: "a benchmark".to_owned() };
    let begun = sessions::create(&mut tx, state, administrator.id, AuthenticationMethod::Passkey, &device)
        .await
        .expect("a session");
    tx.commit().await.expect("a commit");
    format!("ostiary_console={}", begun.token.reveal())
}

async fn api_key(state: &State, environment: &Environment) -> String {
    let secret = ApiKeySecret::new(&SystemRandom);
    let key = ApiKey {
        id: Id::new(state.now(), &SystemRandom),
        environment_id: environment.id,
        version: 1,
        secret: secret.digest(),
        display_name: String::new(),
        management: true,
        disabled: false,
        created_at: state.now(),
        last_used_at: None,
    };
    let mut tx = state.db.write().await.expect("a transaction");
    store::table::insert(&mut tx, &key).await.expect("a key");
    tx.commit().await.expect("a commit");
    secret.reveal()
}
