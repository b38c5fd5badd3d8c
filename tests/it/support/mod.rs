//! The test harness: a real server on a port of its own, with a database of its own, and its clients: browser,
//! identity provider and app.

pub mod administrators;
pub mod authenticator;
pub mod balancer;
pub mod browser;
pub mod columns;
pub mod console;
pub mod databases;
pub mod demo;
pub mod dns;
pub mod forms;
pub mod idp;
pub mod mail;
pub mod node;
pub mod openid_provider;
pub mod people;
pub mod process;
pub mod proxy;
pub mod scim;
pub mod tokens;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use base::{
    id::{Id, OrganizationId, UserGroupId},
    random::{Random, SystemRandom},
    secret::{ApiKeySecret, OauthClientSecret},
    time::{Clock, ManualClock, SystemClock, Timestamp},
};
use model::{
    api_key::ApiKey,
    domain::{Domain, DomainState},
    environment::{Environment, IdpInitiated, OauthSubject, Slug},
    http_url::HttpUrl,
    oauth_client::{IdTokenAlg, OauthClient},
    organization::Organization,
    saml_connection::{IdpBinding, MetadataRefresh, SamlConnection},
    user::{IdentifierKind, User, UserStatus},
};
use ostiary::{
    app::{
        State,
        accounts::{
            groups::{self, GroupSettings},
            users::{self, NewAddress, NewIdentifier, NewUser},
        },
        principal::Principal,
    },
    config::{Config, DatabaseUrl, Redacted, SqliteSynchronous},
    server::Server,
    store::{self, table},
};
use serde_json::{Value, json};
use url::Url;

pub use browser::{Answer, Browser, query};
pub use databases::{Backend, ForeignDatabase, TestDatabase};
pub use demo::Demo;
pub use idp::{IdentityProvider, Request};

/// Runs each scenario on both databases, as `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! both {
    ($($(#[$meta:meta])* async fn $name:ident($app:ident: TestApp) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports, reason = "a scenario may need none of its module's imports")]
            use super::*;

            $(#[$meta])*
            async fn scenario($app: $crate::support::TestApp) $body

            #[test]
            fn sqlite() {
                $crate::support::run_scenario($crate::support::Backend::Sqlite, scenario);
            }

            #[test]
            fn postgres() {
                $crate::support::run_scenario($crate::support::Backend::Postgres, scenario);
            }
        }
    )*};
}

/// Runs a scenario on a fresh server.
pub fn run_scenario<F: Future<Output = ()>>(backend: Backend, scenario: impl FnOnce(TestApp) -> F) {
    actix_web::rt::System::new().block_on(async {
        let app = TestApp::spawn(backend).await;
        let handle = app.handle.clone();
        scenario(app).await;
        handle.stop(false).await;
    });
}

/// A running server and its state.
pub struct TestApp {
    /// `http://127.0.0.1:PORT`, or what the test configured.
    pub base: String,
    /// The server's own state, to prepare data and to inspect it.
    pub state: State,
    /// The server's clock.
    pub clock: Arc<ManualClock>,
    /// Which database it runs on.
    pub backend: Backend,
    /// Where the server listens, whatever its public URL.
    pub address: SocketAddr,
    handle: actix_web::dev::ServerHandle,
    running: actix_web::rt::task::JoinHandle<std::io::Result<()>>,
    pub database: Arc<TestDatabase>,
}

impl TestApp {
    /// Starts a server with the defaults.
    pub async fn spawn(backend: Backend) -> Self {
        Self::spawn_with(backend, |_| {}).await
    }

    /// Starts a server with changed settings.
    pub async fn spawn_with(backend: Backend, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(ManualClock::at(SystemClock.now()));
        Self::spawn_on(Arc::new(TestDatabase::new(backend).await), backend, clock, change).await
    }

    /// Starts another replica on this one's database, clock and master key.
    pub async fn replica(&self) -> Self {
        Self::spawn_on(Arc::clone(&self.database), self.backend, Arc::clone(&self.clock), |_| {}).await
    }

    /// The same with changed settings.
    pub async fn replica_with(&self, change: impl FnOnce(&mut Config)) -> Self {
        Self::spawn_on(Arc::clone(&self.database), self.backend, Arc::clone(&self.clock), change).await
    }

    /// Starts a server on a database that exists.
    pub async fn spawn_on(
        database: Arc<TestDatabase>,
        backend: Backend,
        clock: Arc<ManualClock>,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            database_url: database.url.parse::<DatabaseUrl>().expect("a database URL"),
            database_pool_size: 4,
            database_sqlite_synchronous: SqliteSynchronous::Normal,
            master_key: Some(Redacted(vec![[7; 32]])),
            workers: 1,
            ..Config::default()
        };
        change(&mut config);
        let public_url = config.public_url.clone();
        let server = Server::build(config, clock.clone(), Arc::new(SystemRandom)).await.expect("a server");
        let base = match public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://localhost:{}", server.address().port()),
        };
        let (state, handle, address) = (server.state().clone(), server.handle(), server.address());
        let running = actix_web::rt::spawn(server.run());
        Self { base, state, clock, backend, address, handle, running, database }
    }

    /// Stops the server, and waits until it has closed its database.
    pub async fn stop(self) -> Arc<TestDatabase> {
        self.handle.stop(true).await;
        self.running.await.expect("no panic").expect("an orderly end");
        self.database
    }

    /// An address on the server.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A browser without cookies. It resolves the host of the public URL to the server.
    pub fn browser(&self) -> Browser {
        match Url::parse(&self.base).expect("a URL").domain() {
            Some(domain) if domain != "localhost" => Browser::resolving(domain, self.address),
            _ => Browser::new(),
        }
    }

    /// The server's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Advances the server's clock.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// An environment with a redirect URL, an OAuth redirect URI and both kinds of API key.
    pub async fn environment(&self, slug: &str) -> Environment {
        let url = |text: String| HttpUrl::parse(&text).expect("a URL");
        let environment = Environment {
            id: Id::new(self.now(), &SystemRandom),
            version: 1,
            slug: Slug::parse(slug).expect("a slug"),
            display_name: format!("Environment {slug}"),
            redirect_url: Some(url(format!("https://{slug}.app.example/callback?from=sso"))),
            oauth_redirect_uris: vec![
                url(format!("https://{slug}.app.example/oauth/callback")),
                url(format!("https://{slug}.app.example/oauth/other")),
            ],
            auth_url: None,
            idp_initiated: IdpInitiated::Restart,
            oauth_subject: OauthSubject::default(),
            shared_domain_subjects: false,
            default_template_id: None,
            default_parent_id: None,
            created_at: self.now(),
            updated_at: self.now(),
        };
        let mut tx = self.state.db.write().await.expect("a transaction");
        store::table::insert(&mut tx, &environment).await.expect("an environment stored");
        tx.commit().await.expect("a commit");
        environment
    }

    /// An active user who signs in with this address, of the first pool of an organization; without one, of the root's.
    pub async fn user(
        &self,
        environment: &Environment,
        organization_id: Option<OrganizationId>,
        email: &str,
    ) -> User {
        let mut new = NewUser::new(UserStatus::Active);
        new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, email));
        new.addresses.push(NewAddress::email(email, true));
        let operator = Principal::operator(environment.id);
        users::create_in_first_pool(&self.state, &operator, organization_id, &new).await.expect("a user")
    }

    /// A group of the pool of a user, who is not in it.
    pub async fn group_of(&self, user: &User, name: &str) -> UserGroupId {
        let settings = GroupSettings { name: name.to_owned(), description: String::new() };
        let operator = Principal::operator(user.environment_id);
        groups::create(&self.state, &operator, user.pool_id, None, &settings).await.expect("a group").id
    }

    /// Stores an environment as it now is.
    pub async fn update_environment(&self, environment: &Environment) {
        let mut tx = self.state.db.write().await.expect("a transaction");
        let id = environment.id;
        let before: Option<Environment> = store::table::find(&mut tx, id, id).await.expect("a query");
        let version = before.expect("an environment").version;
        let mut environment = Environment { version, ..environment.clone() };
        let stored = store::table::update(&mut tx, &mut environment, self.now()).await;
        assert!(stored.expect("an environment stored"));
        tx.commit().await.expect("a commit");
    }

    /// A customer with one domain and a primary connection to the identity provider of the tests.
    pub async fn tenant(&self, environment: &Environment, domain: &str) -> Tenant {
        let idp = IdentityProvider::get();
        let now = self.now();
        let organization = Organization {
            display_name: format!("Company {domain}"),
            external_id: Some(format!("customer-{domain}")),
            domains: BTreeMap::from([(Domain::parse(domain).expect("a domain"), DomainState::Whitelisted)]),
            ..Organization::new(Id::new(now, &SystemRandom), environment.id, now)
        };
        let id = Id::new(now, &SystemRandom);
        let connection = SamlConnection {
            id,
            environment_id: environment.id,
            organization_id: organization.id,
            version: 1,
            primary: true,
            idp_entity_id: Some(idp.entity_id.clone()),
            idp_redirect_url: HttpUrl::parse(&idp.sso_url),
            idp_certificates: vec![idp.keys.certificate_pem().expect("a certificate")],
            idp_certificate_expires_at: None,
            idp_metadata_url: None,
            metadata: MetadataRefresh::default(),
            idp_binding: IdpBinding::Post,
            sp_entity_id: self.url(&format!("/v1/saml/{id}")),
            sp_acs_urls: vec![self.url(&format!("/v1/saml/{id}/acs"))],
            idp_initiated: None,
            email_attribute: None,
            allow_sha1: false,
            assertion_encryption: false,
            allow_cbc_encryption: false,
            sign_authn_requests: false,
            force_authn: false,
            disabled: false,
            idp_kind: None,
            test: false,
            created_at: now,
            updated_at: now,
        };
        let mut tx = self.state.db.write().await.expect("a transaction");
        table::insert(&mut tx, &organization).await.expect("an organization stored");
        store::organization_domains::set(&mut tx, &organization, &SystemRandom)
            .await
            .expect("domains stored");
        store::saml_connections::insert(&mut tx, &connection).await.expect("a connection stored");
        tx.commit().await.expect("a commit");
        Tenant { environment: environment.clone(), organization, connection }
    }

    /// Stores an organization as it now is, with its domains.
    pub async fn store_organization(&self, organization: &Organization) {
        let mut tx = self.state.db.write().await.expect("a transaction");
        let stored = table::find_for_update(&mut tx, organization.environment_id, organization.id).await;
        let stored: Organization = stored.expect("an answer").expect("an organization");
        let mut now = Organization { version: stored.version, ..organization.clone() };
        assert!(table::update(&mut tx, &mut now, self.now()).await.expect("an organization stored"));
        store::organization_domains::set(&mut tx, &now, &SystemRandom).await.expect("domains stored");
        tx.commit().await.expect("a commit");
    }

    /// Stores a connection as it now is.
    pub async fn update_connection(&self, connection: &SamlConnection) {
        let mut tx = self.state.db.write().await.expect("a transaction");
        let (environment, id) = (connection.environment_id, connection.id);
        let stored: Option<SamlConnection> =
            store::table::find(&mut tx, environment, id).await.expect("a connection");
        let (before, mut after) = (stored.expect("a connection"), connection.clone());
        after.version = before.version;
        let stored =
            store::saml_connections::update(&mut tx, &before, &mut after, connection.updated_at).await;
        assert!(stored.expect("a connection stored"));
        tx.commit().await.expect("a commit");
    }

    /// An API key's secret.
    pub async fn api_key(&self, environment: &Environment, management: bool) -> String {
        let secret = ApiKeySecret::new(&SystemRandom);
        let key = ApiKey {
            id: Id::new(self.now(), &SystemRandom),
            environment_id: environment.id,
            version: 1,
            secret: secret.digest(),
            display_name: String::new(),
            management,
            disabled: false,
            created_at: self.now(),
            last_used_at: None,
        };
        let mut tx = self.state.db.write().await.expect("a transaction");
        store::table::insert(&mut tx, &key).await.expect("an API key stored");
        tx.commit().await.expect("a commit");
        secret.reveal()
    }

    /// An OAuth client and its secret.
    pub async fn oauth_client(
        &self,
        environment: &Environment,
        id_token_alg: IdTokenAlg,
    ) -> (OauthClient, String) {
        let secret = OauthClientSecret::new(&SystemRandom);
        let client = OauthClient {
            id: Id::new(self.now(), &SystemRandom),
            environment_id: environment.id,
            version: 1,
            secret: secret.digest(),
            display_name: String::new(),
            id_token_alg,
            initiate_login_uri: None,
            redirect_uris: Vec::new(),
            disabled: false,
            created_at: self.now(),
        };
        let mut tx = self.state.db.write().await.expect("a transaction");
        store::table::insert(&mut tx, &client).await.expect("an OAuth client stored");
        tx.commit().await.expect("a commit");
        (client, secret.reveal())
    }

    /// Waits until a write transaction that was requested after the first `before` waits for one that the test
    /// holds open.
    pub async fn write_blocked(&self, before: u64) {
        eventually("a write transaction waits", async || {
            if self.state.db.requested_writes() <= before {
                return None;
            }
            match self.backend {
                // There is one writer at a time.
                Backend::Sqlite => Some(()),
                Backend::Postgres => {
                    let mut conn = self.state.db.read().await.expect("a connection");
                    let waiting: (i64,) = conn
                        .sql(
                            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                             AND wait_event_type = 'Lock'",
                        )
                        .one()
                        .await
                        .expect("a count");
                    (waiting.0 > 0).then_some(())
                }
            }
        })
        .await;
    }

    /// Calls the API with a key.
    pub async fn api(&self, key: &str, method: reqwest::Method, path: &str, body: Option<Value>) -> Answer {
        let browser = self.browser();
        let request = browser.request(method, &self.url(path)).bearer_auth(key);
        browser
            .send(match body {
                Some(body) => request.json(&body),
                None => request,
            })
            .await
    }

    /// Asks for a login link through the API.
    pub async fn login_link(&self, key: &str, tenant: &Tenant, app_state: &str) -> String {
        let body = json!({ "samlConnectionId": tenant.connection.id, "state": app_state });
        let answer = self.api(key, reqwest::Method::POST, "/v1/saml/redirect", Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["redirectUrl"].as_str().expect("a link").to_owned()
    }

    /// Redeems an access code.
    pub async fn redeem(&self, key: &str, code: &str) -> Answer {
        self.api(key, reqwest::Method::POST, "/v1/saml/redeem", Some(json!({ "samlAccessCode": code }))).await
    }

    /// Begins a login in `browser` and reads the request that goes to the identity provider.
    pub async fn begin(&self, browser: &Browser, key: &str, tenant: &Tenant) -> Request {
        let link = self.login_link(key, tenant, "the app's state").await;
        Request::read(&browser.get(&link).await)
    }
}

/// A customer: its organization, its connection, and the environment they are in.
#[derive(Clone)]
pub struct Tenant {
    pub environment: Environment,
    pub organization: Organization,
    pub connection: SamlConnection,
}

impl Tenant {
    /// Where responses go.
    pub fn acs_url(&self) -> &str {
        &self.connection.sp_acs_urls[0]
    }
}

/// Fresh randomness for tests.
pub fn random() -> &'static dyn Random {
    static RANDOM: OnceLock<SystemRandom> = OnceLock::new();
    RANDOM.get_or_init(|| SystemRandom)
}

/// The Python that has the tests' packages; `make test` sets it up.
pub fn python() -> std::path::PathBuf {
    let python =
        std::env::var_os("OSTIARY_TEST_PYTHON").map_or_else(|| "target/python/bin/python".into(), Into::into);
    let path: std::path::PathBuf = python;
    assert!(path.exists(), "{} is not there: run `make test-deps`", path.display());
    path
}

/// Polls until there is a value. A minute is far more than a loaded machine needs.
pub async fn eventually<T>(what: &str, poll: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..6000 {
        if let Some(value) = poll().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: not within a minute");
}
