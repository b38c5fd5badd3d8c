#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
//! What members cost: a switch to an organization, its members a page at a time, and the list of one's organizations, with few
//! members and with many.
//!
//! `cargo bench --bench members` runs SQLite; with `OSTIARY_BENCH_POSTGRES_URL` set it runs that database too (it must be empty).
//! `OSTIARY_BENCH_MEMBERS` says how many members there are (100000). Told is the server's own CPU time for each request, of requests
//! one after the other.

mod support;

use std::time::{Duration, Instant};

use ostiary::store::Db;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use support::{Installation, Server};

const REQUESTS: u32 = 300;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let dir = tempfile::TempDir::new().expect("a directory");
        for (name, url) in support::databases(dir.path()) {
            println!("\n{name}");
            measure(&url).await;
        }
    });
}

async fn measure(url: &str) {
    let installation = Installation::new(url);
    installation.json(&["environment", "create", "--slug", "bench", "--display-name", "Bench"]);
    let user =
        installation.json(&["user", "create", "--environment", "bench", "--email", "dana@people.example"]);
    let user = user["id"].as_str().expect("an id").to_owned();
    let session = installation.json(&["session", "create", "--environment", "bench", "--user", &user]);
    let token = session["accessToken"].as_str().expect("a token").to_owned();
    let server = Server::start(&installation, &[]).await;
    let http = Client::builder().no_proxy().build().expect("a client");
    let bench = Bench { server, http, token };
    let made = answer(bench.call(Method::POST, "", Some(&json!({ "name": "Acme", "slug": "acme" })))).await;
    let organization = made["id"].as_str().expect("an id").to_owned();

    bench.all("one member", &organization).await;
    let db = Db::connect(url, 2).await.expect("the database");
    let members = support::number("OSTIARY_BENCH_MEMBERS", 100_000);
    fill(&db, &organization, members).await;
    bench.all(&format!("{members} more members"), &organization).await;
}

struct Bench {
    server: Server,
    http: Client,
    token: String,
}

impl Bench {
    async fn all(&self, with: &str, organization: &str) {
        println!("with {with}");
        let to = json!({ "organization_id": organization });
        self.each("a switch", || self.call(Method::POST, "/switch", Some(&to))).await;
        for (name, query) in [
            ("the first page of members", "?limit=100"),
            ("the administrators", "?limit=100&role=admin"),
            ("the suspended ones", "?limit=100&status=suspended"),
            ("a word of a name", "?limit=100&search=number7777"),
        ] {
            let path = format!("/{organization}/members{query}");
            self.each(name, || self.call(Method::GET, &path, None)).await;
        }
        self.each("one's organizations", || self.call(Method::GET, "?limit=100", None)).await;
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let url = format!("{}/api/v1/organizations{path}", self.server.base);
        let request = self.http.request(method, url).bearer_auth(&self.token);
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    /// Sends many of them, one after the other, and tells what each cost.
    async fn each(&self, name: &str, request: impl Fn() -> RequestBuilder) {
        let warm_up = REQUESTS / 10;
        let (mut cpu, mut begun) = (Duration::ZERO, Instant::now());
        for number in 0..warm_up + REQUESTS {
            if number == warm_up {
                (cpu, begun) = (self.server.cpu(), Instant::now());
            }
            answer(request()).await;
        }
        let each = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(REQUESTS);
        let (cpu, elapsed) = (each(self.server.cpu() - cpu), each(begun.elapsed()));
        println!("{name:42}  {cpu:8.3} ms CPU  {elapsed:8.3} ms elapsed");
    }
}

/// A good answer.
async fn answer(request: RequestBuilder) -> Value {
    let answer = request.send().await.expect("an answer");
    let (status, body) = (answer.status(), answer.text().await.expect("a body"));
    assert!(status.is_success(), "{status} {body}");
    serde_json::from_str(&body).unwrap_or_default()
}

/// Makes members as rows, of users of the root's pool; one in a thousand administers, one in a hundred is suspended.
async fn fill(db: &Db, organization: &str, members: usize) {
    let count = i64::try_from(members).expect("a number of rows");
    let mut tx = db.write().await.expect("a transaction");
    tx.sql(
        "WITH RECURSIVE numbers (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i < $1) \
         INSERT INTO users (id, environment_id, organization_id, pool_id, status, source, user_type, display_name, payload, \
         metadata, business_metadata, created_at, updated_at, status_updated_at) \
         SELECT 'usr_0000000' || CAST(100000000000000000 + i AS TEXT), p.environment_id, p.organization_id, p.id, 'active', \
         'standard', '', 'Number' || CAST(i AS TEXT), '{}', '{}', '{}', 0, 0, 0 FROM numbers CROSS JOIN identity_pools p \
         WHERE p.deleted_at IS NULL",
    )
    .bind(count)
    .execute()
    .await
    .expect("users");
    tx.sql(
        "INSERT INTO memberships (organization_id, user_id, environment_id, tier, status, source, joined_at, updated_at) \
         SELECT $1, id, environment_id, CASE WHEN substr(id, 27) = '000' THEN 'admin' ELSE 'member' END, \
         CASE WHEN substr(id, 28) = '50' THEN 'suspended' ELSE 'active' END, 'manual', 0, 0 FROM users WHERE created_at = 0",
    )
    .bind(organization)
    .execute()
    .await
    .expect("memberships");
    tx.sql("UPDATE membership_counts SET members = members + $2 WHERE organization_id = $1")
        .bind(organization)
        .bind(count)
        .execute()
        .await
        .expect("their number");
    tx.commit().await.expect("a commit");
}
