#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
//! Accounts, organizations and tokens for programs: what a token by client credentials costs beside its signature and its row,
//! what an organization from a template costs, and that lists cost the same with many organizations and users.
//!
//! `cargo bench --bench platform` runs SQLite; with `OSTIARY_BENCH_POSTGRES_URL` set it runs that database too (it must be
//! empty). `OSTIARY_BENCH_ORGANIZATIONS` says how many organizations there are (100000), `OSTIARY_BENCH_USERS` how many users
//! of one pool (1000000): rows that SQL makes. Told is the server's own CPU time for each request, of requests one after the
//! other.

mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use base::id::IdentityPoolId;
use oauth::{algorithm::IdTokenAlg, signing_key::SigningKey};
use ostiary::store::Db;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use support::{Installation, Server};

const REQUESTS: u32 = 300;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let dir = tempfile::TempDir::new().expect("a directory");
        signature();
        for (name, url) in support::databases(dir.path()) {
            println!("\n{name}");
            measure(&url).await;
        }
    });
}

/// The floor of a token: its signature.
fn signature() {
    let key = SigningKey::generate(IdTokenAlg::ES256).expect("a key");
    let claims = json!({ "iss": "https://sso.example/bench/system", "sub": "x", "exp": 1_800_000_000 });
    let begun = Instant::now();
    for _ in 0..10_000 {
        key.sign_jwt(&claims).expect("a token");
    }
    println!("an ES256 signature: {:.3} ms", begun.elapsed().as_secs_f64() / 10.0);
}

/// The other floor: a row of its size, written and committed.
async fn row(db: &Db) {
    let begun = Instant::now();
    for number in 0..1000_i64 {
        let mut tx = db.write().await.expect("a transaction");
        let statement = tx.sql(
            "INSERT INTO former_slugs (slug, environment_id, is_issuer, created_at) VALUES ($1, $2, FALSE, $3)",
        );
        let slug = format!("a-row-of-the-size-of-a-token-{number:0>90}");
        statement
            .bind(slug)
            .bind("env_0000000000000000000000000")
            .bind(number)
            .execute()
            .await
            .expect("a row");
        tx.commit().await.expect("a commit");
    }
    println!("{:46}  {:6.3} ms (elapsed)", "a row, written and committed", begun.elapsed().as_secs_f64());
    let mut tx = db.write().await.expect("a transaction");
    tx.sql("DELETE FROM former_slugs").execute().await.expect("no row");
    tx.commit().await.expect("a commit");
}

async fn measure(url: &str) {
    let installation = Installation::new(url);
    installation.json(&["environment", "create", "--slug", "bench", "--display-name", "Bench"]);
    let client = installation.json(
        &["service-client", "create", "--environment", "bench", "--workspace", "system", "--name", "Bench"]
            .into_iter()
            .chain(["--scope", "manage_organizations", "--scope", "identity"])
            .collect::<Vec<_>>(),
    );
    let db = Arc::new(Db::connect(url, 4).await.expect("the database"));
    row(&db).await;
    let server = Server::start(&installation, &[]).await;
    let mut bench = Bench::new(server, &client).await;

    bench.tokens().await;
    bench.organizations_from_template().await;
    bench.users().await;
    println!("with few organizations and users");
    bench.lists().await;
    let (organizations, users) = (
        support::number("OSTIARY_BENCH_ORGANIZATIONS", 100_000),
        support::number("OSTIARY_BENCH_USERS", 1_000_000),
    );
    fill(&db, &bench.pool, organizations, users).await;
    println!("with {organizations} organizations and {users} users");
    bench.lists().await;
    println!("memory at its highest {:.1} MiB", bench.server.memory("VmHWM"));
}

struct Bench {
    server: Server,
    http: Client,
    client_id: String,
    client_secret: String,
    organizations: String,
    identity: String,
    /// A pool of the root organization.
    pool: String,
    made: u32,
}

impl Bench {
    async fn new(server: Server, client: &Value) -> Self {
        let text = |name: &str| client[name].as_str().expect("a text").to_owned();
        let mut this = Self {
            server,
            http: Client::builder().no_proxy().build().expect("a client"),
            client_id: text("clientId"),
            client_secret: text("clientSecret"),
            organizations: String::new(),
            identity: String::new(),
            pool: String::new(),
            made: 0,
        };
        this.organizations = this.token("manage_organizations").await;
        this.identity = this.token("identity").await;
        let pool =
            this.call(Method::POST, "/api/identity/bench/system/pools").json(&json!({ "name": "People" }));
        this.pool = answer(pool).await["id"].as_str().expect("an id").to_owned();
        this
    }

    fn call(&self, method: Method, path: &str) -> RequestBuilder {
        let token = if path.starts_with("/api/identity") { &self.identity } else { &self.organizations };
        self.http.request(method, format!("{}{path}", self.server.base)).bearer_auth(token)
    }

    fn token_request(&self, scope: &str) -> RequestBuilder {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &*self.client_id),
            ("client_secret", &*self.client_secret),
            ("scope", scope),
        ];
        let request = self.http.post(format!("{}/bench/system/oauth2/token", self.server.base));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish())
    }

    async fn token(&self, scope: &str) -> String {
        let answer = answer(self.token_request(scope)).await;
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    /// Sends many of them, one after the other, and tells what each cost.
    async fn each(&self, name: &str, mut request: impl FnMut(u32) -> RequestBuilder) {
        let warm_up = REQUESTS / 10;
        let (mut cpu, mut begun) = (Duration::ZERO, Instant::now());
        for number in 0..warm_up + REQUESTS {
            if number == warm_up {
                (cpu, begun) = (self.server.cpu(), Instant::now());
            }
            answer(request(number)).await;
        }
        let each = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(REQUESTS);
        println!(
            "{name:46}  {:6.3} ms CPU  {:6.3} ms elapsed",
            each(self.server.cpu() - cpu),
            each(begun.elapsed())
        );
    }

    async fn tokens(&self) {
        self.each("a token by client credentials", |_| self.token_request("manage_organizations")).await;
    }

    async fn organizations_from_template(&mut self) {
        let properties: serde_json::Map<String, Value> = (0..20)
            .map(|number| (format!("attribute{number}"), json!({ "type": "string", "maxLength": 64 })))
            .collect();
        let template = json!({
            "name": "template",
            "template": true,
            "metadata": { "schema": { "type": "object", "properties": properties, "additionalProperties": false } },
        });
        let request = self.call(Method::POST, "/api/system/bench/organizations").json(&template);
        let id = answer(request).await["id"].clone();
        let pool = json!({ "name": "People", "workspace_id": id, "authentication_mechanisms": ["password", "webauthn"] });
        answer(self.call(Method::POST, "/api/identity/bench/system/pools").json(&pool)).await;
        let payload: serde_json::Map<String, Value> =
            (0..20).map(|number| (format!("attribute{number}"), json!(format!("value {number}")))).collect();
        let first = self.made;
        self.made += REQUESTS + REQUESTS / 10;
        self.each("an organization from a template", |number| {
            self.call(Method::POST, "/api/system/bench/organizations").json(&json!({
                "name": format!("customer {}", first + number),
                "template_id": id,
                "metadata": payload,
            }))
        })
        .await;
    }

    /// The users that are looked for.
    async fn users(&self) {
        let users = format!("/api/identity/bench/system/pools/{}/users", self.pool);
        self.each("a user without a password", |number| {
            let identifier = json!({ "type": "email", "identifier": format!("first{number}@many.example") });
            let user = json!({ "status": "active", "identifiers": [identifier] });
            self.call(Method::POST, &users).json(&user)
        })
        .await;
    }

    async fn lists(&self) {
        let get = |path: &str| self.call(Method::GET, path);
        for (name, path) in [
            ("organizations: first page", "/api/system/bench/organizations"),
            ("organizations: by name", "/api/system/bench/organizations?sort=name&order=desc"),
            ("organizations: by creation", "/api/system/bench/organizations?sort=created_at&order=desc"),
            ("organizations: a phrase", "/api/system/bench/organizations?search_phrase=customer+7"),
            (
                "organizations: a phrase that none has",
                "/api/system/bench/organizations?search_phrase=nowhere",
            ),
            ("pools", "/api/identity/bench/system/pools"),
        ] {
            self.each(name, |_| get(path)).await;
        }
        let users = format!("/api/identity/bench/system/pools/{}/users", self.pool);
        self.each("users: first page", |_| get(&users)).await;
        self.each("a user by key", |number| {
            let key = json!({ "identifier": format!("first{number}@many.example") });
            self.call(Method::POST, &format!("{users}/by_key")).json(&key)
        })
        .await;
    }
}

/// A good answer.
async fn answer(request: RequestBuilder) -> Value {
    let answer = request.send().await.expect("an answer");
    let (status, body) = (answer.status(), answer.text().await.expect("a body"));
    assert!(status.is_success(), "{status} {body}");
    serde_json::from_str(&body).unwrap_or_default()
}

/// Makes organizations, and users of a pool, as rows.
async fn fill(db: &Db, pool: &str, organizations: usize, users: usize) {
    let pool = pool.parse::<IdentityPoolId>().expect("an id").to_string();
    let count = |number: usize| i64::try_from(number).expect("a number of rows");
    let mut tx = db.write().await.expect("a transaction");
    tx.sql(
        "WITH RECURSIVE numbers (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i < $1) \
         INSERT INTO organizations (id, environment_id, parent_id, kind, display_name, name, name_key, public_id, \
         created_at, updated_at) SELECT 'org_0000000' || CAST(100000000000000000 + i AS TEXT), e.id, 'org_' || substr(e.id, 5), \
         'organization', '', 'Company ' || CAST(i AS TEXT), 'company ' || CAST(i AS TEXT), \
         'company-' || CAST(i AS TEXT), 0, 0 \
         FROM numbers CROSS JOIN environments e",
    )
    .bind(count(organizations))
    .execute()
    .await
    .expect("organizations");
    tx.sql(
        "INSERT INTO organization_closure (environment_id, ancestor_id, descendant_id, depth) \
         SELECT environment_id, id, id, 0 FROM organizations WHERE deleted_at IS NULL AND created_at = 0",
    )
    .execute()
    .await
    .expect("their own places");
    tx.sql(
        "INSERT INTO organization_closure (environment_id, ancestor_id, descendant_id, depth) \
         SELECT environment_id, parent_id, id, 1 FROM organizations WHERE deleted_at IS NULL AND created_at = 0",
    )
    .execute()
    .await
    .expect("their places below the root");
    // In parts: no statement may take too long.
    for from in (0..users).step_by(50_000) {
        let to = users.min(from + 50_000);
        tx.sql(
            "WITH RECURSIVE numbers (i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < $2) \
             INSERT INTO users (id, environment_id, organization_id, pool_id, status, source, user_type, display_name, \
             payload, metadata, business_metadata, created_at, updated_at, status_updated_at) \
             SELECT 'usr_0000000' || CAST(100000000000000000 + i AS TEXT), p.environment_id, p.organization_id, p.id, \
             'active', 'standard', '', 'User ' || CAST(i AS TEXT), '{}', '{}', '{}', 0, 0, 0 \
             FROM numbers CROSS JOIN identity_pools p WHERE p.id = $3",
        )
        .bind(count(from))
        .bind(count(to))
        .bind(pool.as_str())
        .execute()
        .await
        .expect("users");
        tx.sql(
            "INSERT INTO user_identifiers (pool_id, identifier_key, user_id, kind, identifier, metadata, created_at) \
             SELECT pool_id, 'user' || substr(display_name, 6) || '@many.example', id, 'email', \
             'user' || substr(display_name, 6) || '@many.example', '{}', 0 FROM users WHERE pool_id = $1 \
             AND id >= 'usr_0000000' || CAST(100000000000000000 + $2 AS TEXT) \
             AND id < 'usr_0000000' || CAST(100000000000000000 + $3 AS TEXT)",
        )
        .bind(pool.as_str())
        .bind(count(from))
        .bind(count(to))
        .execute()
        .await
        .expect("their identifiers");
    }
    tx.sql("UPDATE identity_pools SET number_of_users = $2 WHERE id = $1")
        .bind(pool.as_str())
        .bind(count(users))
        .execute()
        .await
        .expect("their count");
    tx.commit().await.expect("a commit");
}
