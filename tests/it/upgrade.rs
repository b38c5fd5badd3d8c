//! Databases of earlier versions: after an upgrade all their data is still there and works.
//!
//! `fixtures/databases/{version}` holds one of each kind, filled by [`fill`] with the program of that version,
//! and what its API answered then. `OSTIARY_DUMP_DATABASES={version} cargo test --test it upgrade` makes such a
//! folder with today's program; the version is the number of its newest migration.

use std::{env, fs, path::PathBuf, sync::Arc};

use base::time::{Clock as _, ManualClock, SystemClock, Timestamp};
use model::{administrator::Role, oauth_client::IdTokenAlg};
use ostiary::{
    app::{
        administrators::{
            invitations::{self, InviteOutcome},
            roles::RoleScope,
        },
        principal::Principal,
    },
    config::{Config, Redacted},
    store::Db,
    test_idp::response::{ResponseContext, ResponseSpec},
};
use reqwest::{Method, header};
use saml::key_pair::KeyPair;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded::Serializer;

use crate::{
    moved_rows::MovedRows,
    support::{
        Answer, Backend, Browser, IdentityProvider, Request, TestApp, TestDatabase,
        administrators::{CONSOLE_COOKIE, PASSWORD},
        query, random,
    },
};

/// Where browsers find every server of these tests, so that stored addresses stay true.
const PUBLIC_URL: &str = "http://sso.example";
const REDIRECT_URI: &str = "https://prod.app.example/oauth/callback";
const ADMINISTRATOR: &str = "root@vendor.example";
const INVITED: &str = "invited@vendor.example";
const SETUP_COOKIE: &str = "ostiary_setup";
const SCIM_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

/// What must be known to use a filled database.
#[derive(Serialize, Deserialize)]
struct Contents {
    made_at: i64,
    idp_key: String,
    idp_certificate: String,
    environment: String,
    organization: String,
    connection: String,
    api_key: String,
    client: (String, String),
    directory: String,
    directory_token: String,
    /// By name: `dana` is active, `gone` is inactive, `left` was deleted.
    people: std::collections::BTreeMap<String, String>,
    group: String,
    console_session: String,
    setup_link: String,
    /// Since schema 0023: a session of the setup pages, and an invitation that nobody has accepted.
    #[serde(default)]
    setup_session: Option<String>,
    #[serde(default)]
    invitation: Option<String>,
    /// Of logins: what was not used yet.
    access_code: String,
    access_token: String,
    /// Since schema 0023.
    #[serde(default)]
    authorization_code: Option<String>,
    /// A login that waits for its response: the browser's cookie, and what the identity provider was sent.
    waiting: Waiting,
    /// What the API answered, by path.
    answers: Vec<(String, Value)>,
}

#[derive(Serialize, Deserialize)]
struct Waiting {
    cookie: String,
    request_id: String,
    relay_state: String,
}

/// A filled installation with its server.
struct Installation {
    app: TestApp,
    contents: Contents,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/databases")
}

async fn serve(database: TestDatabase, backend: Backend, now: Timestamp) -> TestApp {
    if backend == Backend::Postgres {
        // SQLite is migrated at the start, PostgreSQL by `ostiary migrate`.
        let db = Db::connect(&database.url, 2).await.unwrap();
        db.migrate().await.unwrap();
        db.close().await;
    }
    let settings = |config: &mut Config| {
        config.public_url = Some(PUBLIC_URL.parse().unwrap());
        // A database of SQLite has its key in a file beside it.
        config.master_key = (backend == Backend::Postgres).then(|| Redacted(vec![[7; 32]]));
    };
    TestApp::spawn_on(Arc::new(database), backend, Arc::new(ManualClock::at(now)), settings).await
}

async fn called(app: &TestApp, key: &str, method: Method, path: &str, body: Option<Value>) -> Value {
    let answer = app.api(key, method, path, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text but {value}")).to_owned()
}

/// Creates one resource of each kind in an empty database.
async fn fill(app: TestApp) -> Installation {
    let idp = IdentityProvider::get();
    let environment = app.environment("prod").await;
    let key = app.api_key(&environment, true).await;
    let post = async |path: &str, body: Value| called(&app, &key, Method::POST, path, Some(body)).await;

    let body = json!({ "displayName": "Acme", "externalId": "customer-1", "domains": ["acme.example", "acme.test"] });
    let organization = text(&post("/v1/organizations", body).await["organization"]["id"]);
    post("/v1/organizations", json!({ "displayName": "Globex", "domains": ["globex.example"] })).await;
    let body = json!({
        "organizationId": organization, "primary": true, "idpEntityId": idp.entity_id,
        "idpRedirectUrl": idp.sso_url, "idpCertificate": idp.keys.certificate_pem().unwrap(),
        "idpKind": "okta",
    });
    let connection = text(&post("/v1/saml-connections", body).await["samlConnection"]["id"]);
    post("/v1/saml-connections", json!({ "organizationId": organization, "assertionEncryption": true }))
        .await;
    post("/v1/saml-oauth-clients", json!({ "displayName": "From the API" })).await;
    let (client, secret) = app.oauth_client(&environment, IdTokenAlg::RS256).await;
    let body = json!({ "organizationId": organization, "primary": true });
    let made = post("/v1/scim-directories", body).await;
    let directory = text(&made["scimDirectory"]["id"]);
    let rotated = post(&format!("/v1/scim-directories/{directory}/rotate-bearer-token"), json!({})).await;
    post("/v1/webhooks", json!({ "url": "https://hooks.app.example/ostiary" })).await;
    let body = json!({
        "organizationId": organization, "canManageSaml": true, "canManageScim": true, "canManageDomains": true,
    });
    let setup_link = text(&post("/v1/setup-urls", body).await["url"]);
    let branding = format!("/v1/environments/{}/branding", environment.id);
    called(
        &app,
        &key,
        Method::PATCH,
        &branding,
        Some(json!({ "applicationName": "App", "color": "#336699" })),
    )
    .await;
    let with_key = app.browser();
    let once = with_key.request(Method::POST, &app.url("/v1/organizations")).bearer_auth(&key);
    with_key.send(once.header("idempotency-key", "only-once").json(&json!({ "displayName": "Once" }))).await;

    let contents = Contents {
        made_at: app.now().millis(),
        idp_key: idp.keys.private_key_pem().unwrap(),
        idp_certificate: idp.keys.certificate_pem().unwrap(),
        environment: environment.id.to_string(),
        organization,
        connection,
        api_key: key.clone(),
        client: (client.id.to_string(), secret),
        directory,
        directory_token: text(&rotated["bearerToken"]),
        people: Default::default(),
        group: String::new(),
        console_session: String::new(),
        setup_link,
        setup_session: None,
        invitation: None,
        access_code: String::new(),
        access_token: String::new(),
        authorization_code: None,
        waiting: Waiting { cookie: String::new(), request_id: String::new(), relay_state: String::new() },
        answers: Vec::new(),
    };
    let mut this = Installation { app, contents };
    this.fill_directory().await;
    this.fill_logins().await;
    this.fill_console().await;
    this.ask().await;
    this
}

impl Installation {
    async fn scim(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let browser = self.app.browser();
        let url = self.app.url(&format!("/v1/scim/{}{path}", self.contents.directory));
        let request = browser.request(method, &url).bearer_auth(&self.contents.directory_token);
        browser
            .send(match body {
                Some(body) => {
                    request.header(header::CONTENT_TYPE, "application/scim+json").body(body.to_string())
                }
                None => request,
            })
            .await
    }

    async fn fill_directory(&mut self) {
        for name in ["dana", "gone", "left"] {
            let body = json!({
                "schemas": [SCIM_USER], "userName": format!("{name}@acme.example"), "active": name != "gone",
                "externalId": format!("00u-{name}"), "name": { "givenName": name, "familyName": "Smith" },
                "emails": [{ "value": format!("{name}@acme.test"), "type": "home" }],
            });
            let made = self.scim(Method::POST, "/Users", Some(body)).await;
            assert_eq!(made.status, 201, "{}", made.body);
            self.contents.people.insert(name.to_owned(), text(&made.json()["id"]));
        }
        let left = self.contents.people["left"].clone();
        assert_eq!(self.scim(Method::DELETE, &format!("/Users/{left}"), None).await.status, 204);
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Engineers",
            "members": [{ "value": self.contents.people["dana"] }, { "value": self.contents.people["gone"] }],
        });
        let made = self.scim(Method::POST, "/Groups", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        self.contents.group = text(&made.json()["id"]);
    }

    async fn fill_logins(&mut self) {
        let browser = self.app.browser();
        let callback = self.signed_in(&browser, "dana@acme.example").await;
        let code = query(&callback.location(), "saml_access_code").unwrap();
        let redeemed = self.app.redeem(&self.contents.api_key, &code).await;
        assert_eq!(redeemed.json()["email"], "dana@acme.example", "{}", redeemed.body);
        let callback = self.signed_in(&browser, "dana@acme.example").await;
        self.contents.access_code = query(&callback.location(), "saml_access_code").unwrap();
        self.contents.access_token = self.oauth_login(&browser, "dana@acme.example").await;
        self.contents.authorization_code = Some(self.oauth_code(&browser, "dana@acme.example").await);
        let refused = self.signed_in(&browser, "gone@acme.example").await;
        assert_eq!(refused.reason(), Some("directory_user_inactive"), "{}", refused.body);
        let refused = self.signed_in(&browser, "mallory@evil.example").await;
        assert_eq!(refused.reason(), Some("email_outside_organization_domains"), "{}", refused.body);

        let browser = self.app.browser();
        let request = Request::read(&browser.get(&self.login_link().await).await);
        self.contents.waiting = Waiting {
            cookie: browser.cookie(PUBLIC_URL, "ostiary_browser").unwrap(),
            request_id: request.id,
            relay_state: request.relay_state.unwrap(),
        };
    }

    async fn fill_console(&mut self) {
        let app = &self.app;
        let scope = RoleScope::Global(Principal::OPERATOR);
        let InviteOutcome::Link(_, token) =
            invitations::create(&app.state, &scope, "", Role::Owner).await.unwrap()
        else {
            panic!("an administrator already");
        };
        let fields = [
            ("token", token.reveal()),
            ("email", ADMINISTRATOR.to_owned()),
            ("displayName", "Root".to_owned()),
            ("newPassword", PASSWORD.to_owned()),
            ("repeatPassword", PASSWORD.to_owned()),
        ];
        let browser = app.browser();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(browser.post(&app.url("/console/join"), &fields).await.status, 303);
        self.contents.console_session = browser.cookie(PUBLIC_URL, CONSOLE_COOKIE).unwrap();
        let environment = self.contents.environment.parse().unwrap();
        let scope = RoleScope::Environment(Principal::operator(environment));
        let InviteOutcome::Link(_, token) =
            invitations::create(&app.state, &scope, INVITED, Role::Viewer).await.unwrap()
        else {
            panic!("an administrator already");
        };
        self.contents.invitation = Some(token.reveal());

        let admin = app.browser();
        let body = json!({ "organizationId": self.contents.organization, "canManageSaml": true });
        let made = called(app, &self.contents.api_key, Method::POST, "/v1/setup-urls", Some(body)).await;
        let page = admin.get(&text(&made["url"])).await;
        assert_eq!(admin.submit(&page, &page.form()).await.status, 303);
        self.contents.setup_session = admin.cookie(PUBLIC_URL, SETUP_COOKIE);
    }

    async fn login_link(&self) -> String {
        let body = json!({ "samlConnectionId": self.contents.connection, "state": "s" });
        let key = &self.contents.api_key;
        text(&called(&self.app, key, Method::POST, "/v1/saml/redirect", Some(body)).await["redirectUrl"])
    }

    /// The identity provider's response.
    fn response(&self, request_id: &str, email: &str) -> String {
        let keys = KeyPair::from_pem(&self.contents.idp_key, &self.contents.idp_certificate).unwrap();
        let context = ResponseContext {
            idp_entity_id: &IdentityProvider::get().entity_id,
            sp_entity_id: &format!("{PUBLIC_URL}/v1/saml/{}", self.contents.connection),
            acs_url: &self.acs_url(),
            in_response_to: Some(request_id),
        };
        let spec = ResponseSpec::valid(&context, email, self.app.now(), random());
        spec.build_base64(&keys.key, &keys.certificate, random()).unwrap()
    }

    fn acs_url(&self) -> String {
        format!("{PUBLIC_URL}/v1/saml/{}/acs", self.contents.connection)
    }

    async fn answer(&self, browser: &Browser, request_id: &str, relay_state: &str, email: &str) -> Answer {
        let response = self.response(request_id, email);
        browser.post(&self.acs_url(), &[("SAMLResponse", &response), ("RelayState", relay_state)]).await
    }

    /// A login up to the ACS's answer.
    async fn signed_in(&self, browser: &Browser, email: &str) -> Answer {
        let request = Request::read(&browser.get(&self.login_link().await).await);
        self.answer(browser, &request.id, &request.relay_state.unwrap(), email).await
    }

    /// A login through OpenID Connect: the access token.
    async fn oauth_login(&self, browser: &Browser, email: &str) -> String {
        let code = self.oauth_code(browser, email).await;
        self.exchange(browser, &code).await
    }

    /// A login through OpenID Connect up to the app: the authorization code.
    async fn oauth_code(&self, browser: &Browser, email: &str) -> String {
        let (client, _) = &self.contents.client;
        let parameters = Serializer::new(String::new())
            .extend_pairs([
                ("client_id", client.as_str()),
                ("redirect_uri", REDIRECT_URI),
                ("response_type", "code"),
                ("scope", "openid"),
                ("organization_id", &self.contents.organization),
            ])
            .finish();
        let url = self.app.url(&format!("/v1/oauth/authorize?{parameters}"));
        let request = Request::read(&browser.get(&url).await);
        let callback =
            self.answer(browser, &request.id, &request.relay_state.unwrap(), email).await.location();
        query(&callback, "code").unwrap()
    }

    /// The access token for an authorization code.
    async fn exchange(&self, browser: &Browser, code: &str) -> String {
        let (client, secret) = &self.contents.client;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("client_id", client),
            ("client_secret", secret),
        ];
        let tokens = browser.post(&self.app.url("/v1/oauth/token"), &fields).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        text(&tokens.json()["access_token"])
    }

    async fn userinfo(&self, access_token: &str) -> Answer {
        let browser = self.app.browser();
        let request = browser.request(Method::GET, &self.app.url("/v1/oauth/userinfo"));
        browser.send(request.bearer_auth(access_token)).await
    }

    /// The addresses whose answers an upgrade must keep.
    fn paths(&self) -> Vec<String> {
        let Contents { environment, organization, connection, directory, group, people, .. } = &self.contents;
        let mut paths = vec![
            "/v1/environments".to_owned(),
            format!("/v1/environments/{environment}/branding"),
            "/v1/organizations".to_owned(),
            format!("/v1/organizations/{organization}"),
            format!("/v1/organizations/{organization}/domains"),
            format!("/v1/saml-connections?organizationId={organization}"),
            format!("/v1/saml-connections/{connection}"),
            "/v1/saml-oauth-clients".to_owned(),
            format!("/v1/scim-directories?organizationId={organization}"),
            format!("/v1/scim/users?scimDirectoryId={directory}"),
            format!("/v1/scim/groups?scimDirectoryId={directory}"),
            format!("/v1/scim/groups/{group}"),
            "/v1/saml-flows".to_owned(),
            "/v1/events?after=0".to_owned(),
            "/v1/webhooks".to_owned(),
            format!("/v1/setup-urls?organizationId={organization}"),
            "/v1/audit-events".to_owned(),
        ];
        paths.extend(people.values().map(|id| format!("/v1/scim/users/{id}")));
        paths
    }

    async fn ask(&mut self) {
        for path in self.paths() {
            let answer = called(&self.app, &self.contents.api_key, Method::GET, &path, None).await;
            self.contents.answers.push((path, answer));
        }
    }

    /// Uses everything that is in the database.
    async fn use_everything(&self) {
        let Contents { api_key, people, group, waiting, .. } = &self.contents;
        for (path, then) in &self.contents.answers {
            let now = called(&self.app, api_key, Method::GET, path, None).await;
            holds(path, &now, then);
        }

        // Logins in progress continue; new ones succeed; refused ones stay refused.
        let redeemed = self.app.redeem(api_key, &self.contents.access_code).await;
        assert_eq!(redeemed.json()["email"], "dana@acme.example", "{}", redeemed.body);
        let person = self.userinfo(&self.contents.access_token).await;
        assert_eq!(person.json()["email"], "dana@acme.example", "{}", person.body);
        let browser = self.app.browser();
        if let Some(code) = &self.contents.authorization_code {
            let token = self.exchange(&browser, code).await;
            assert_eq!(self.userinfo(&token).await.json()["email"], "dana@acme.example");
        }
        browser.set_cookie(PUBLIC_URL, "ostiary_browser", &waiting.cookie);
        let finished =
            self.answer(&browser, &waiting.request_id, &waiting.relay_state, "dana@acme.example").await;
        let code = query(&finished.location(), "saml_access_code").unwrap();
        assert_eq!(self.app.redeem(api_key, &code).await.status, 200);
        let browser = self.app.browser();
        let token = self.oauth_login(&browser, "dana@acme.example").await;
        assert_eq!(self.userinfo(&token).await.json()["sub"], "dana@acme.example");
        for (email, reason) in [
            ("gone@acme.example", "directory_user_inactive"),
            ("left@acme.example", "directory_user_inactive"),
            ("mallory@evil.example", "email_outside_organization_domains"),
        ] {
            let refused = self.signed_in(&browser, email).await;
            assert_eq!(refused.reason(), Some(reason), "{email}: {}", refused.body);
        }

        // The directory is read and written.
        let dana = &people["dana"];
        let read = self.scim(Method::GET, &format!("/Users/{dana}"), None).await.json();
        assert_eq!(
            (&read["userName"], &read["groups"][0]["value"]),
            (&json!("dana@acme.example"), &json!(group))
        );
        let found = self.scim(Method::GET, "/Users?filter=userName+eq+%22DANA%40acme.example%22", None).await;
        assert_eq!(found.json()["totalResults"], 1);
        let members = self.scim(Method::GET, &format!("/Groups/{group}"), None).await.json();
        assert_eq!(members["members"].as_array().unwrap().len(), 2);
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "active", "value": false }],
        });
        let off = self.scim(Method::PATCH, &format!("/Users/{dana}"), Some(body)).await;
        assert_eq!(off.json()["active"], false, "{}", off.body);
        let refused = self.signed_in(&browser, "dana@acme.example").await;
        assert_eq!(refused.reason(), Some("directory_user_inactive"), "{}", refused.body);
        assert_eq!(self.userinfo(&token).await.status, 401, "their tokens ended with them");

        // The console: a session that was open, and a password.
        let at_work = self.app.browser();
        at_work.set_cookie(PUBLIC_URL, CONSOLE_COOKIE, &self.contents.console_session);
        let environment = &self.contents.environment;
        for page in ["organizations", "flows", "scim-directories", "events", "webhooks", "audit-events"] {
            let page = at_work.get(&self.app.url(&format!("/console/{environment}/{page}"))).await;
            assert_eq!(page.status, 200, "{}", page.body);
        }
        let newcomer = self.app.browser();
        let fields = [("email", ADMINISTRATOR), ("password", PASSWORD), ("next", "/console/account")];
        let signed_in = newcomer.post(&self.app.url("/console/sign-in"), &fields).await;
        assert_eq!((signed_in.status.as_u16(), signed_in.location().path()), (303, "/console/account"));

        if let Some(token) = &self.contents.invitation {
            let invited = self.app.browser();
            let fields = [
                ("token", token.as_str()),
                ("email", INVITED),
                ("displayName", "Invited"),
                ("newPassword", PASSWORD),
                ("repeatPassword", PASSWORD),
            ];
            let joined = invited.post(&self.app.url("/console/join"), &fields).await;
            assert_eq!(joined.status, 303, "{}", joined.body);
        }

        // The customer's admin goes on where they were, and opens the other link.
        if let Some(session) = &self.contents.setup_session {
            let admin = self.app.browser();
            admin.set_cookie(PUBLIC_URL, SETUP_COOKIE, session);
            assert_eq!(admin.get(&self.app.url("/setup/home")).await.status, 200);
        }
        let admin = self.app.browser();
        let page = admin.get(&self.contents.setup_link).await;
        let opened = admin.submit(&page, &page.form()).await;
        assert_eq!((opened.status.as_u16(), opened.location().path()), (303, "/setup/home"), "{opened:#?}");
    }
}

/// Asserts that an answer still says everything that it said then. More may have come.
fn holds(place: &str, now: &Value, then: &Value) {
    match (now, then) {
        (Value::Object(now), Value::Object(then)) => {
            // The record for a proof that nobody has asked for yet has another name since 0083; a challenge keeps its own.
            let is_unasked = then.get("txtRecordValue").is_some_and(|value| value == "");
            for (name, then) in then.iter().filter(|(name, _)| !(is_unasked && *name == "txtRecordName")) {
                let now = now.get(name).unwrap_or_else(|| panic!("{place}: no {name}"));
                holds(&format!("{place} {name}"), now, then);
            }
        }
        (Value::Array(now), Value::Array(then)) => {
            assert_eq!(now.len(), then.len(), "{place}: {now:?}");
            for (number, (now, then)) in now.iter().zip(then).enumerate() {
                holds(&format!("{place}[{number}]"), now, then);
            }
        }
        _ => assert_eq!(now, then, "{place}"),
    }
}

fn block_on<F: Future<Output = ()>>(scenario: F) {
    actix_web::rt::System::new().block_on(scenario);
}

/// Everything that [`fill`] makes works at once; the dump is written where one is asked for.
async fn fresh(backend: Backend) {
    let app = serve(TestDatabase::unmigrated(backend), backend, SystemClock.now()).await;
    let Installation { app, contents } = fill(app).await;
    if let Ok(version) = env::var("OSTIARY_DUMP_DATABASES") {
        let to = folder().join(version);
        app.stop().await.dump(backend, &to);
        let name = if backend == Backend::Sqlite { "sqlite.json" } else { "postgres.json" };
        fs::write(to.join(name), serde_json::to_string_pretty(&contents).unwrap() + "\n").unwrap();
        return;
    }
    add_columns(&app, backend).await;
    Installation { app, contents }.use_everything().await;
}

/// Adds a column to every table, as a migration of the next release does while this one still serves: the statements
/// that it has prepared must stay valid (PostgreSQL refuses one whose `*` means something else now).
async fn add_columns(app: &TestApp, backend: Backend) {
    let list = match backend {
        Backend::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%sql%'",
        Backend::Postgres => {
            "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = 'public' \
             AND table_name NOT LIKE '%sql%'"
        }
    };
    let mut tx = app.state.db.write().await.unwrap();
    let tables: Vec<(String,)> = tx.sql(list).all().await.unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    for (table,) in tables {
        let statement: &'static str = format!("ALTER TABLE {table} ADD COLUMN added_later TEXT").leak();
        tx.sql(statement).execute().await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn upgraded(backend: Backend) {
    let mut versions: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    versions.sort();
    assert!(!versions.is_empty());
    for version in versions {
        let name = if backend == Backend::Sqlite { "sqlite.json" } else { "postgres.json" };
        let contents: Contents =
            serde_json::from_str(&fs::read_to_string(version.join(name)).unwrap()).unwrap();
        let database = TestDatabase::of_version(backend, &version);
        let moved = MovedRows::read(&database.url).await;
        let app = serve(database, backend, Timestamp::from_millis(contents.made_at)).await;
        moved.assert_kept(&app.state.db, &version).await;
        let mut conn = app.state.db.read().await.unwrap();
        let subjects: Vec<(String,)> =
            conn.sql("SELECT DISTINCT oauth_subject FROM environments").all().await.unwrap();
        assert_eq!(
            subjects,
            [("EMAIL_AS_SENT".to_owned(),)],
            "apps have stored the addresses as they were sent"
        );
        drop(conn);
        let installation = Installation { app, contents };
        installation.use_everything().await;
        installation.app.stop().await;
    }
}

#[test]
fn a_filled_installation_is_used_sqlite() {
    block_on(fresh(Backend::Sqlite));
}

#[test]
fn a_filled_installation_is_used_postgres() {
    block_on(fresh(Backend::Postgres));
}

#[test]
fn everything_of_an_earlier_version_works_after_the_upgrade_sqlite() {
    block_on(upgraded(Backend::Sqlite));
}

#[test]
fn everything_of_an_earlier_version_works_after_the_upgrade_postgres() {
    block_on(upgraded(Backend::Postgres));
}
