#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
//! Sharing an application with many organizations, the first switch after it, what a switch costs, and the search for a shared
//! role in one of them, by its name and its application.
//!
//! `cargo bench --bench sharing` runs SQLite; with `OSTIARY_BENCH_POSTGRES_URL` set it runs that database too (it must be
//! empty). `OSTIARY_BENCH_ORGANIZATIONS` says how many organizations there are (10000). Told is the server's own CPU time for each
//! request, of requests one after the other, and its memory.

mod support;

use std::time::{Duration, Instant};

use ostiary::store::Db;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use support::{Installation, Server};

const REQUESTS: u32 = 300;

const SCOPES: [&str; 6] = [
    "internal_shared_application_create",
    "internal_shared_application_view",
    "internal_shared_application_delete",
    "internal_application_mgt_view",
    "internal_org_application_mgt_view",
    "internal_org_role_mgt_view",
];

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
    let mut arguments = vec!["application", "create", "--environment", "bench", "--name", "B2B App"];
    arguments.extend(["--grant", "client_credentials", "--grant", "organization_switch", "--share", "none"]);
    arguments.extend(["--audience", "application", "--role", "App Admin"]);
    arguments.extend(SCOPES.iter().flat_map(|scope| ["--scope", scope]));
    let client = installation.json(&arguments);
    let db = Db::connect(url, 2).await.expect("the database");
    let organizations = support::number("OSTIARY_BENCH_ORGANIZATIONS", 10_000);
    let ids = fill(&db, organizations).await;
    let server = Server::start(&installation, &[]).await;
    let bench = Bench::new(server, &client).await;
    println!("with {organizations} organizations, memory {:.1} MiB", bench.server.memory("VmRSS"));
    let share = format!("/api/server/v1/applications/{}/share", bench.id);

    let all = json!({ "shareWithAllChildren": true });
    bench.once("shared with all, those of the future too", Method::POST, &share, Some(&all)).await;
    bench.first_switch(&ids).await;
    bench.each("a switch", |number| bench.switch(&ids[number as usize % ids.len()])).await;
    bench
        .once("the list of organizations, first page", Method::GET, &format!("{share}?limit=100"), None)
        .await;

    let search = bench.role_search(&ids).await;
    bench.each("the search for a role of an organization", |_| bench.search(&search)).await;

    // As many as one call may name.
    let named: Vec<&String> = ids.iter().take(15_000).collect();
    let chosen = json!({ "shareWithAllChildren": false, "sharedOrganizations": named });
    bench.once("shared with each by its id", Method::POST, &share, Some(&chosen)).await;
    bench.first_switch(&ids).await;
    bench.each("a switch", |number| bench.switch(&ids[number as usize % ids.len()])).await;
    bench
        .once("the list of organizations, first page", Method::GET, &format!("{share}?limit=100"), None)
        .await;

    let none = json!({ "applicationId": bench.id });
    let path = "/api/server/v1/applications/unshare-with-all";
    bench.once("shared with none", Method::POST, path, Some(&none)).await;
    println!("memory at its highest {:.1} MiB", bench.server.memory("VmHWM"));
}

struct Bench {
    server: Server,
    http: Client,
    client_id: String,
    client_secret: String,
    /// The application, as the API names it.
    id: String,
    root: String,
}

impl Bench {
    async fn new(server: Server, client: &Value) -> Self {
        let text = |name: &str| client[name].as_str().expect("a text").to_owned();
        let http = Client::builder().no_proxy().build().expect("a client");
        let mut this = Self {
            server,
            http,
            client_id: text("clientId"),
            client_secret: text("clientSecret"),
            id: String::new(),
            root: String::new(),
        };
        let token = answer(this.token_request(&[("grant_type", "client_credentials")])).await;
        this.root = token["access_token"].as_str().expect("a token").to_owned();
        let listed = answer(this.call(Method::GET, "/api/server/v1/applications", None)).await;
        this.id = listed["applications"][0]["id"].as_str().expect("an id").to_owned();
        this
    }

    fn token_request(&self, form: &[(&str, &str)]) -> RequestBuilder {
        let form = form.iter().copied();
        let form = form.chain([("client_id", &*self.client_id), ("client_secret", &*self.client_secret)]);
        let request = self.http.post(format!("{}/oauth2/token", self.server.base));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish())
    }

    fn switch(&self, organization: &str) -> RequestBuilder {
        self.token_request(&[
            ("grant_type", "organization_switch"),
            ("token", &self.root),
            ("switching_organization", organization),
        ])
    }

    /// A token in an organization, and the address of the search for the application's role there.
    async fn role_search(&self, ids: &[String]) -> (String, String) {
        let switched = answer(self.switch(&ids[ids.len() / 2])).await;
        let token = switched["access_token"].as_str().expect("a token").to_owned();
        let base = &self.server.base;
        let list = format!("{base}/o/api/server/v1/applications?filter=name%20eq%20B2B%20App");
        let listed = answer(self.http.get(list).bearer_auth(&token)).await;
        let id = listed["applications"][0]["id"].as_str().expect("an id");
        let filter = format!("displayName%20eq%20App%20Admin%20and%20audience.value%20eq%20{id}");
        let address = format!("{base}/o/scim2/v2/Roles?filter={filter}");
        let found = answer(self.http.get(&address).bearer_auth(&token)).await;
        assert_eq!(found["totalResults"], 1, "{found}");
        (token, address)
    }

    fn search(&self, (token, address): &(String, String)) -> RequestBuilder {
        self.http.get(address).bearer_auth(token)
    }

    fn call(&self, method: Method, path: &str, body: Option<&Value>) -> RequestBuilder {
        let request =
            self.http.request(method, format!("{}{path}", self.server.base)).bearer_auth(&self.root);
        match body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    async fn once(&self, name: &str, method: Method, path: &str, body: Option<&Value>) {
        let (cpu, begun) = (self.server.cpu(), Instant::now());
        answer(self.call(method, path, body)).await;
        self.tell(name, self.server.cpu() - cpu, begun.elapsed(), 1);
    }

    async fn first_switch(&self, ids: &[String]) {
        let (cpu, begun) = (self.server.cpu(), Instant::now());
        answer(self.switch(ids.last().expect("an organization"))).await;
        self.tell("the first switch after it", self.server.cpu() - cpu, begun.elapsed(), 1);
    }

    /// Sends many of them, one after the other, and tells what each cost.
    async fn each(&self, name: &str, request: impl Fn(u32) -> RequestBuilder) {
        let warm_up = REQUESTS / 10;
        let (mut cpu, mut begun) = (Duration::ZERO, Instant::now());
        for number in 0..warm_up + REQUESTS {
            if number == warm_up {
                (cpu, begun) = (self.server.cpu(), Instant::now());
            }
            answer(request(number)).await;
        }
        self.tell(name, self.server.cpu() - cpu, begun.elapsed(), REQUESTS);
    }

    fn tell(&self, name: &str, cpu: Duration, elapsed: Duration, requests: u32) {
        let each = |time: Duration| time.as_secs_f64() * 1e3 / f64::from(requests);
        let memory = self.server.memory("VmRSS");
        println!("{name:42}  {:8.3} ms CPU  {:8.3} ms elapsed  {memory:6.1} MiB", each(cpu), each(elapsed));
    }
}

/// A good answer.
async fn answer(request: RequestBuilder) -> Value {
    let answer = request.send().await.expect("an answer");
    let (status, body) = (answer.status(), answer.text().await.expect("a body"));
    assert!(status.is_success(), "{status} {body}");
    serde_json::from_str(&body).unwrap_or_default()
}

/// Makes organizations as rows. Returns their ids as the API writes them.
async fn fill(db: &Db, organizations: usize) -> Vec<String> {
    let count = i64::try_from(organizations).expect("a number of rows");
    let mut tx = db.write().await.expect("a transaction");
    tx.sql(
        "WITH RECURSIVE numbers (i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i < $1) \
         INSERT INTO organizations (id, environment_id, parent_id, kind, display_name, name, name_key, public_id, \
         created_at, updated_at) SELECT 'org_0000000' || CAST(100000000000000000 + i AS TEXT), e.id, 'org_' || substr(e.id, 5), \
         'organization', '', 'Company ' || CAST(i AS TEXT), 'company ' || CAST(i AS TEXT), \
         'company-' || CAST(i AS TEXT), 0, 0 \
         FROM numbers CROSS JOIN environments e",
    )
    .bind(count)
    .execute()
    .await
    .expect("organizations");
    for text in [
        "INSERT INTO organization_closure (environment_id, ancestor_id, descendant_id, depth) \
         SELECT environment_id, id, id, 0 FROM organizations WHERE deleted_at IS NULL AND created_at = 0",
        "INSERT INTO organization_closure (environment_id, ancestor_id, descendant_id, depth) \
         SELECT environment_id, parent_id, id, 1 FROM organizations WHERE deleted_at IS NULL AND created_at = 0",
    ] {
        tx.sql(text).execute().await.expect("their places in the tree");
    }
    let rows: Vec<(base::id::OrganizationId,)> = tx
        .sql("SELECT id FROM organizations WHERE deleted_at IS NULL AND kind = 'organization' AND created_at = 0 ORDER BY id")
        .all()
        .await
        .expect("ids");
    tx.commit().await.expect("a commit");
    rows.iter().map(|(id,)| uuid::Uuid::from_u128(id.bits()).hyphenated().to_string()).collect()
}
