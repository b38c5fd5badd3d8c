#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
//! Directories against the built server: creates, filtered lookups, pages and PATCHes, in a small
//! directory and in a large one, in which each must take as long as in the small one.
//!
//! `cargo bench --bench scim` runs SQLite; with `OSTIARY_BENCH_POSTGRES_URL` set it runs that database too
//! (it must be empty). `OSTIARY_BENCH_USERS` says how many users the large directory holds (100000); one
//! in fifty as many groups, the largest with a fifth of the users; `OSTIARY_BENCH_REQUESTS` how many
//! requests of a kind are sent (640). Told are, for each kind of request, the
//! median time of one after the other, how many a second eight clients get, and the server's own CPU time
//! for each; and the server's memory at its highest. The clients share the machine with the server.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, Method, header};
use serde_json::{Value, json};
use support::{Installation, Server};

const SMALL: usize = 1000;
const CONCURRENCY: usize = 8;
/// How many of the users are made one after the other, for the time that each takes.
const MADE_ALONE: usize = 100;
/// How many members one PATCH adds while the largest group is filled.
const ADDED_AT_ONCE: usize = 1000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let users = support::number("OSTIARY_BENCH_USERS", 100_000);
        let requests = support::number("OSTIARY_BENCH_REQUESTS", 640);
        assert!(users >= SMALL && requests >= CONCURRENCY, "too few to measure anything");
        assert!(requests + requests / 8 <= SMALL - SMALL / 5, "there are fewer people to make members of");
        let dir = tempfile::TempDir::new().expect("a directory");
        let mut databases = vec![("SQLite", format!("sqlite://{}/bench.db", dir.path().display()))];
        databases.extend(std::env::var("OSTIARY_BENCH_POSTGRES_URL").ok().map(|url| ("PostgreSQL", url)));
        for (name, url) in databases {
            measure(name, &url, users, requests).await;
        }
    });
}

async fn measure(database: &str, url: &str, most: usize, requests: usize) {
    let setup = Setup::new(url);
    let server = Server::start(&setup.installation, &[]).await;
    let mut directory = Directory::new(&server, &setup);
    let mut columns = Vec::new();
    for users in [SMALL, most] {
        let filled = directory.fill(&server, users).await;
        let mut figures = vec![("create a user", filled)];
        println!("{database}, {users} users: filled, {:.0} users a second", figures[0].1.rate);
        for request in REQUESTS {
            let figure = directory.ask(&server, request, requests).await;
            println!(
                "{database}, {users} users: {}: {:.2} ms",
                request.name,
                figure.median.as_secs_f64() * 1e3
            );
            figures.push((request.name, figure));
        }
        let memory = server.memory("VmHWM");
        columns.push((users, directory.groups, directory.members.len(), memory, figures));
    }
    // Not flat and not meant to be: the answer is as large as the group.
    let begun = Instant::now();
    let whole = directory.send(Method::GET, &format!("/Groups/{}", directory.largest), None).await;
    let whole = (begun.elapsed(), whole.len() / 1024);

    println!("\n{database}");
    print!("{:42}", "");
    for (users, groups, members, ..) in &columns {
        print!("  {:>35}", format!("{users} users, {groups} groups ({members})"));
    }
    print!("\n{:42}", "");
    for _ in &columns {
        print!("  {:>11}  {:>10}  {:>10}", "median", "a second", "CPU each");
    }
    println!();
    for row in 0..columns[0].4.len() {
        print!("{:42}", columns[0].4[row].0);
        for (.., figures) in &columns {
            let figure = &figures[row].1;
            print!(
                "  {:8.2} ms  {:10.0}  {:7.2} ms",
                figure.median.as_secs_f64() * 1e3,
                figure.rate,
                figure.cpu.as_secs_f64() * 1e3
            );
        }
        println!();
    }
    print!("{:42}", "memory at its highest");
    for (.., memory, _) in &columns {
        print!("  {:31.1} MiB", memory);
    }
    println!(
        "\nthe largest group with all its members: {:.0} ms, {} KiB; memory at its highest then {:.1} MiB",
        whole.0.as_secs_f64() * 1e3,
        whole.1,
        server.memory("VmHWM")
    );
}

/// What a kind of request costs.
struct Figure {
    median: Duration,
    rate: f64,
    cpu: Duration,
}

/// A kind of request: the `number`th of it, and whether the answer is right.
struct Request {
    name: &'static str,
    make: fn(&Directory, usize) -> (Method, String, Option<Value>),
    is_right: fn(&str) -> bool,
}

const REQUESTS: &[Request] = &[
    Request {
        name: "user by id",
        make: |directory, number| (Method::GET, format!("/Users/{}", directory.user(number)), None),
        is_right: |body| body.contains("\"userName\""),
    },
    Request {
        name: "filter userName eq",
        make: |directory, number| directory.lookup("userName", &directory.name(number).to_uppercase()),
        is_right: is_one,
    },
    Request {
        name: "filter externalId eq",
        make: |directory, number| directory.lookup("externalId", &format!("00u{}", directory.some(number))),
        is_right: is_one,
    },
    Request {
        name: "filter emails.value eq",
        make: |directory, number| directory.lookup("emails.value", &directory.name(number)),
        is_right: is_one,
    },
    Request {
        name: "first page of 100 users",
        make: |_, _| (Method::GET, "/Users?count=100".into(), None),
        is_right: is_a_hundred,
    },
    Request {
        name: "last page of 100 users, by index",
        make: |directory, _| {
            let start = directory.users.len() - 99;
            (Method::GET, format!("/Users?count=100&startIndex={start}"), None)
        },
        is_right: is_a_hundred,
    },
    Request {
        name: "first page of 20 groups, no members",
        make: |_, _| (Method::GET, "/Groups?count=20&excludedAttributes=members".into(), None),
        is_right: |body| body.contains("\"itemsPerPage\":20"),
    },
    Request {
        name: "largest group, no members",
        make: |directory, _| {
            (Method::GET, format!("/Groups/{}?excludedAttributes=members", directory.largest), None)
        },
        is_right: |body| body.contains("\"displayName\""),
    },
    Request {
        name: "PATCH one attribute of a user",
        make: |directory, number| {
            let body = patch(
                &json!([{ "op": "replace", "path": "title", "value": format!("Title {number} {}", directory.users.len()) }]),
            );
            (Method::PATCH, format!("/Users/{}", directory.user(number)), Some(body))
        },
        is_right: |body| body.contains("\"Title "),
    },
    Request {
        name: "PATCH one member into the largest group",
        make: |directory, number| {
            directory.change_member(json!([{
                "op": "add", "path": "members", "value": [{ "value": directory.outsider(number) }],
            }]))
        },
        is_right: str::is_empty,
    },
    Request {
        name: "PATCH one member out of it",
        make: |directory, number| {
            directory.change_member(json!([{
                "op": "remove", "path": format!("members[value eq \"{}\"]", directory.outsider(number)),
            }]))
        },
        is_right: str::is_empty,
    },
];

fn is_one(body: &str) -> bool {
    body.contains("\"totalResults\":1,") || body.contains("\"totalResults\":1}")
}

fn is_a_hundred(body: &str) -> bool {
    body.contains("\"itemsPerPage\":100")
}

fn patch(operations: &Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

/// A directory as its identity provider knows it.
#[derive(Clone)]
struct Directory {
    http: Client,
    base: String,
    token: String,
    /// Ids, in the order in which they were made.
    users: Arc<Vec<String>>,
    groups: usize,
    largest: String,
    /// Of the largest group.
    members: Arc<Vec<String>>,
}

impl Directory {
    fn new(server: &Server, setup: &Setup) -> Self {
        Self {
            http: Client::builder().no_proxy().build().expect("a client"),
            base: format!("{}/v1/scim/{}", server.base, setup.directory),
            token: setup.token.clone(),
            users: Arc::default(),
            groups: 0,
            largest: String::new(),
            members: Arc::default(),
        }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> String {
        let mut request = self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/scim+json").body(body.to_string());
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let body = answer.text().await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    /// Some user's number: neighbours in time are not neighbours in the directory.
    fn some(&self, number: usize) -> usize {
        number.wrapping_mul(7919) % self.users.len()
    }

    fn user(&self, number: usize) -> &str {
        &self.users[self.some(number)]
    }

    fn name(&self, number: usize) -> String {
        name(self.some(number))
    }

    /// A user who is not in the largest group, another one for every number.
    fn outsider(&self, number: usize) -> &str {
        let outside = self.users.len() - self.members.len();
        &self.users[self.members.len() + number % outside]
    }

    fn lookup(&self, attribute: &str, value: &str) -> (Method, String, Option<Value>) {
        let filter = format!("{attribute} eq \"{value}\"");
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        (Method::GET, format!("/Users?filter={filter}"), None)
    }

    fn change_member(&self, operations: Value) -> (Method, String, Option<Value>) {
        (Method::PATCH, format!("/Groups/{}", self.largest), Some(patch(&operations)))
    }

    async fn ask(&self, server: &Server, request: &'static Request, requests: usize) -> Figure {
        let (alone, mut times) = (requests / 8, Vec::new());
        let once = move |directory: Self, number: usize| async move {
            let (method, path, body) = (request.make)(&directory, number);
            let answer = directory.send(method, &path, body).await;
            assert!((request.is_right)(&answer), "{path}: {answer}");
        };
        for number in 0..alone {
            let begun = Instant::now();
            once(self.clone(), number).await;
            times.push(begun.elapsed());
        }
        let (cpu, begun) = (server.cpu(), Instant::now());
        self.all(alone..alone + requests, once).await;
        Figure {
            median: median(times),
            rate: requests as f64 / begun.elapsed().as_secs_f64(),
            cpu: (server.cpu() - cpu) / u32::try_from(requests).expect("a number"),
        }
    }

    /// Eight clients share the numbers out among themselves. Returns what each of them made, by number.
    async fn all<T: Send + 'static, F: Future<Output = T> + Send>(
        &self,
        numbers: std::ops::Range<usize>,
        once: impl Fn(Self, usize) -> F + Send + Sync + 'static,
    ) -> Vec<T> {
        let (next, once) = (Arc::new(AtomicUsize::new(numbers.start)), Arc::new(once));
        let clients: Vec<_> = (0..CONCURRENCY)
            .map(|_| {
                let (this, next, once, end) =
                    (self.clone(), Arc::clone(&next), Arc::clone(&once), numbers.end);
                tokio::spawn(async move {
                    let mut made = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::SeqCst);
                        if number >= end {
                            return made;
                        }
                        made.push((number, once(this.clone(), number).await));
                    }
                })
            })
            .collect();
        let mut made = Vec::with_capacity(numbers.len());
        for client in clients {
            made.extend(client.await.expect("a client"));
        }
        made.sort_by_key(|(number, _)| *number);
        made.into_iter().map(|(_, made)| made).collect()
    }

    /// Makes users up to `most`, groups and members to go with them, and returns what a user cost at the end.
    async fn fill(&mut self, server: &Server, most: usize) -> Figure {
        let known = self.users.len();
        let make = |directory: Self, number: usize| async move {
            let begun = Instant::now();
            let made = directory.send(Method::POST, "/Users", Some(user(number))).await;
            (id(&made), begun.elapsed())
        };
        let (cpu, begun) = (server.cpu(), Instant::now());
        let crowd = known..most.max(known + MADE_ALONE) - MADE_ALONE;
        let made = self.all(crowd.clone(), make).await;
        let (cpu, rate) = (server.cpu() - cpu, crowd.len() as f64 / begun.elapsed().as_secs_f64());
        let mut users = (*self.users).clone();
        users.extend(made.into_iter().map(|(id, _)| id));
        let mut times = Vec::new();
        for number in users.len()..most {
            let (id, time) = make(self.clone(), number).await;
            users.push(id);
            times.push(time);
        }
        self.users = Arc::new(users);

        let groups = most / 50;
        self.all(self.groups.max(1)..groups, |directory, number| async move {
            let members: Vec<Value> =
                (0..10).map(|at| json!({ "value": directory.user(number * 10 + at) })).collect();
            let body = json!({ "displayName": format!("Group {number}"), "members": members });
            directory.send(Method::POST, "/Groups", Some(body)).await;
        })
        .await;
        self.groups = groups;
        if self.largest.is_empty() {
            let body = json!({ "displayName": "Everybody" });
            self.largest = id(&self.send(Method::POST, "/Groups", Some(body)).await);
        }
        for some in self.users[self.members.len()..most / 5].chunks(ADDED_AT_ONCE) {
            let members: Vec<Value> = some.iter().map(|id| json!({ "value": id })).collect();
            let operations = json!([{ "op": "add", "path": "members", "value": members }]);
            let (method, path, body) = self.change_member(operations);
            self.send(method, &path, body).await;
        }
        self.members = Arc::new(self.users[..most / 5].to_vec());
        Figure { median: median(times), rate, cpu: cpu / u32::try_from(crowd.len()).expect("a number") }
    }
}

fn name(number: usize) -> String {
    format!("person.{number}@acme.example")
}

/// A user as identity providers send it.
fn user(number: usize) -> Value {
    let name = name(number);
    json!({
        "schemas": [
            "urn:ietf:params:scim:schemas:core:2.0:User",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        ],
        "userName": name,
        "externalId": format!("00u{number}"),
        "active": true,
        "displayName": format!("Person {number}"),
        "name": { "givenName": "Person", "familyName": number.to_string(), "formatted": format!("Person {number}") },
        "emails": [{ "value": name, "type": "work", "primary": true }],
        "phoneNumbers": [{ "value": format!("+1-555-{number:07}"), "type": "work" }],
        "title": "Engineer",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
            "employeeNumber": number.to_string(), "department": "Research", "costCenter": "4130",
        },
    })
}

fn id(made: &str) -> String {
    let made: Value = serde_json::from_str(made).expect("JSON");
    made["id"].as_str().expect("an id").to_owned()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// What the command line set up.
struct Setup {
    installation: Installation,
    directory: String,
    token: String,
}

impl Setup {
    fn new(database_url: &str) -> Self {
        let installation = Installation::new(database_url);
        let environment = ["environment", "create", "--slug", "bench", "--display-name", "Bench"];
        let redirect = ["--redirect-url", "https://app.example/callback"];
        installation.json(&[&environment[..], &redirect].concat());
        let domain = ["--display-name", "Acme", "--domain", "acme.example"];
        let organization =
            installation.json(&[&["organization", "create", "--environment", "bench"], &domain[..]].concat());
        let organization = organization["id"].as_str().expect("an id");
        let directory = installation.json(&["scim-directory", "create", "--organization", organization]);
        let text = |name: &str| directory[name].as_str().expect("a text").to_owned();
        let (directory, token) = (text("id"), text("bearerToken"));
        Self { installation, directory, token }
    }
}
