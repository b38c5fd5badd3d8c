#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
//! The latency of one tenant's logins while another tenant, or an unauthenticated client, attacks.
//!
//! `cargo bench --bench hostile` runs SQLite; with `OSTIARY_BENCH_POSTGRES_URL` set it runs that database too
//! (it must be empty). For each kind of attack, 64 connections of a niced process of their own keep at it for
//! `OSTIARY_BENCH_SECONDS` (10) against a server of two workers with its usual limits; meanwhile a person of
//! another tenant signs in every 50 ms, whole logins. Printed are the 95th percentile
//! and the slowest of these logins, how many failed, the server's memory at its highest, the longest poll of
//! a request, and what the attackers were answered. The bounds: the 95th percentile stays under five times its quiet value or 100 ms,
//! whichever is larger, no login fails, and memory stays under 256 MiB. `OSTIARY_BENCH_KIND` names one kind.

mod support;

use std::{
    collections::BTreeMap,
    io::Read as _,
    net::{IpAddr, SocketAddr},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use base::{
    random::SystemRandom,
    time::{Clock, SystemClock},
};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use ostiary::test_idp::response::{ResponseContext, ResponseSpec, Signing};
use reqwest::{Client, Method, header, redirect};
use saml::key_pair::{KeyKind, KeyPair};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::{
    Installation, Server,
    login::{IDP, Login, REDIRECT_URI, form},
};
use tokio::io::AsyncWriteExt as _;

/// How many hostile connections there are at a time.
const CONNECTIONS: usize = 64;
/// How many people the hostile tenant's directory holds; its one group holds all of them.
const PEOPLE: usize = 10_000;
/// How many organizations share the domain of the chooser.
const SHARING: usize = 50;
/// The interval between logins.
const LOGIN_INTERVAL: Duration = Duration::from_millis(50);
/// The timeout of a login.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Bounds of a login's 95th percentile: so many times the quiet one, or this, whichever is larger.
const MAX_P95_FACTOR: u32 = 5;
const MAX_P95: Duration = Duration::from_millis(100);
/// The bound of the server's memory, in MiB.
const MAX_MEMORY_MIB: f64 = 256.0;
/// The address of unauthenticated attackers; the victim is at 127.0.0.1.
const FIRST_ATTACKER_ADDRESS: [u8; 4] = [127, 0, 0, 2];

/// Set for the process that attacks; its standard input says what.
const ATTACKER: &str = "OSTIARY_BENCH_ATTACKER";

/// What the attacking process must know.
#[derive(Clone, Serialize, Deserialize)]
struct Target {
    kind: String,
    base: String,
    seconds: u64,
    client_id: String,
    victim_connection: String,
    hostile_connection: String,
    directory: String,
    token: String,
    group: String,
    user: String,
    costly_response: String,
}

/// A kind of attack.
struct Kind {
    name: &'static str,
    /// Makes the `n`th request.
    make: fn(&Target, usize) -> Attack,
}

/// One hostile request.
struct Attack {
    method: Method,
    path: String,
    token: Option<String>,
    content_type: &'static str,
    body: Vec<u8>,
    /// Whether the last byte is withheld until the end.
    withheld: bool,
    /// Whether it comes from the victim's own address.
    neighbour: bool,
}

impl Attack {
    fn scim(target: &Target, method: Method, path: &str, body: Vec<u8>) -> Self {
        Self {
            path: format!("/v1/scim/{}{path}", target.directory),
            token: Some(target.token.clone()),
            content_type: "application/scim+json",
            ..Self::unauthenticated(method, String::new(), body)
        }
    }

    fn unauthenticated(method: Method, path: String, body: Vec<u8>) -> Self {
        Self {
            method,
            path,
            token: None,
            content_type: "application/x-www-form-urlencoded",
            body,
            withheld: false,
            neighbour: false,
        }
    }
}

const KINDS: &[Kind] = &[
    Kind { name: "scim-names", make: |target, _| Attack::scim(target, Method::POST, "/Users", names()) },
    Kind {
        name: "scim-patch",
        make: |target, n| {
            let path = format!("/Groups/{}", target.group);
            let operations: Vec<Value> = (0..4000)
                .map(|k| json!({ "op": "remove", "path": format!("members[display co \"x{n}-{k}\"]") }))
                .collect();
            Attack::scim(target, Method::PATCH, &path, patch(&operations))
        },
    },
    Kind {
        name: "scim-filter",
        make: |target, n| {
            let terms: Vec<String> = (0..190).map(|k| format!("title co \"{n}x{k}\"")).collect();
            let filter = form(&[("filter", &terms.join(" or "))]);
            Attack::scim(target, Method::GET, &format!("/Users?{filter}"), Vec::new())
        },
    },
    Kind {
        name: "scim-bulk",
        make: |target, n| {
            let operation = |k: usize| {
                let data = json!({
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                    "userName": format!("bulk{n}-{k}@mallory.example"),
                });
                json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{k}"), "data": data })
            };
            let body = json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": (0..1000).map(operation).collect::<Vec<_>>(),
            });
            Attack::scim(target, Method::POST, "/Bulk", body.to_string().into_bytes())
        },
    },
    Kind {
        name: "scim-updates",
        make: |target, n| {
            let path = format!("/Users/{}", target.user);
            let value = format!("{n}{}", "x".repeat(55_000));
            let operations = [json!({ "op": "replace", "path": "title", "value": value })];
            Attack::scim(target, Method::PATCH, &path, patch(&operations))
        },
    },
    Kind {
        name: "scim-guesses",
        make: |target, n| Attack {
            token: Some(format!("guess{n}")),
            ..Attack::scim(target, Method::GET, "/Users?count=1", Vec::new())
        },
    },
    Kind {
        name: "acs-unfinished",
        make: |target, _| Attack {
            withheld: true,
            ..Attack::unauthenticated(Method::POST, acs(&target.victim_connection), vec![b'A'; 1024 * 1024])
        },
    },
    Kind {
        name: "acs-costly",
        make: |target, _| {
            let body = form(&[("SAMLResponse", &target.costly_response)]).into_bytes();
            Attack::unauthenticated(Method::POST, acs(&target.hostile_connection), body)
        },
    },
    Kind {
        name: "acs-junk",
        make: |target, n| {
            let junk = BASE64.encode(format!("<junk>{n}</junk>"));
            Attack {
                neighbour: true,
                ..Attack::unauthenticated(
                    Method::POST,
                    acs(&target.victim_connection),
                    form(&[("SAMLResponse", &junk)]).into_bytes(),
                )
            }
        },
    },
    Kind {
        name: "console-guesses",
        make: |_, n| {
            let body = form(&[("email", "root@ops.example"), ("password", &format!("guess {n} of many"))]);
            Attack::unauthenticated(Method::POST, "/%63onsole/sign-in".to_owned(), body.into_bytes())
        },
    },
    Kind {
        name: "authorize-begun",
        make: |target, n| {
            let long = format!("{n}{}", "s".repeat(8000));
            let query =
                authorize(target, &[("domain_hint", "mallory.example"), ("state", &long), ("nonce", &long)]);
            Attack::unauthenticated(Method::GET, format!("/v1/oauth/authorize?{query}"), Vec::new())
        },
    },
    Kind {
        name: "authorize-chooser",
        make: |target, _| {
            let mut body = authorize(target, &[("login_hint", "dana@shared.example"), ("state", "s")]);
            for n in 0..10_000 {
                body.push_str(&format!("&parameter{n}={}", "j".repeat(80)));
            }
            Attack::unauthenticated(Method::POST, "/v1/oauth/authorize".to_owned(), body.into_bytes())
        },
    },
];

fn acs(connection: &str) -> String {
    format!("/v1/saml/{connection}/acs")
}

fn authorize(target: &Target, more: &[(&str, &str)]) -> String {
    let mut pairs = vec![
        ("response_type", "code"),
        ("scope", "openid"),
        ("client_id", &target.client_id),
        ("redirect_uri", REDIRECT_URI),
    ];
    pairs.extend(more);
    form(&pairs)
}

fn patch(operations: &[Value]) -> Vec<u8> {
    let schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"];
    json!({ "schemas": schemas, "Operations": operations }).to_string().into_bytes()
}

/// A person of 115,000 attributes with names of four letters.
fn names() -> Vec<u8> {
    let mut body =
        br#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"n@mallory.example""#
            .to_vec();
    for n in 0..115_000_usize {
        let letter =
            |power: u32| char::from(b'a' + u8::try_from(n / 26_usize.pow(power) % 26).expect("a letter"));
        body.extend(format!(",\"{}{}{}{}\":1", letter(3), letter(2), letter(1), letter(0)).into_bytes());
    }
    body.push(b'}');
    body
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    if std::env::var_os(ATTACKER).is_some() {
        let target: Target = serde_json::from_reader(std::io::stdin()).expect("a target");
        runtime.block_on(attack(target));
        return;
    }
    runtime.block_on(async {
        let dir = tempfile::TempDir::new().expect("a directory");
        let mut databases = vec![("SQLite", format!("sqlite://{}/bench.db", dir.path().display()))];
        databases.extend(std::env::var("OSTIARY_BENCH_POSTGRES_URL").ok().map(|url| ("PostgreSQL", url)));
        for (name, url) in databases {
            measure(name, &url, dir.path()).await;
        }
    });
}

async fn measure(database: &str, url: &str, dir: &std::path::Path) {
    let seconds = Duration::from_secs(support::number("OSTIARY_BENCH_SECONDS", 10) as u64);
    let keys =
        KeyPair::generate(KeyKind::Rsa(2048), "Bench", SystemClock.now(), &SystemRandom).expect("keys");
    let certificate = dir.join("idp.pem");
    std::fs::write(&certificate, keys.certificate_pem().expect("a certificate")).expect("a file");
    let keys = Arc::new(keys);
    let installation = Installation::new(url);
    let (mut login, target) = seed(&installation, &keys, certificate.to_str().expect("a path")).await;
    let settings =
        [("OSTIARY_RATE_LIMITS", "on"), ("OSTIARY_WORKERS", "2"), ("OSTIARY_METRICS_TOKEN", METRICS_TOKEN)];

    println!("{database}");
    println!(
        "{:18}  {:>7}  {:>9}  {:>9}  {:>6}  {:>9}  {:>12}  attackers were answered",
        "attack", "logins", "p95", "slowest", "failed", "memory", "longest poll"
    );
    let server = Server::start(&installation, &settings).await;
    login = login.at(&server.base);
    sign_in_for(&login, Duration::from_secs(2)).await;
    let quiet = sign_in_for(&login, seconds).await;
    let bound = MAX_P95.max(quiet.p95 * MAX_P95_FACTOR);
    quiet.print("(quiet)", server.memory("VmHWM"), longest_poll(&server).await, "");
    drop(server);

    let only = std::env::var("OSTIARY_BENCH_KIND").ok();
    let mut kept = true;
    for kind in KINDS.iter().filter(|kind| only.as_deref().is_none_or(|only| only == kind.name)) {
        // A server of its own for each, so that the memory is this kind's.
        let server = Server::start(&installation, &settings).await;
        login = login.at(&server.base);
        sign_in_for(&login, Duration::from_secs(1)).await;
        let target = Target {
            kind: kind.name.to_owned(),
            base: server.base.clone(),
            seconds: seconds.as_secs() + 2,
            ..target.clone()
        };
        let mut attackers = Command::new("nice")
            .args(["-n", "10"])
            .arg(std::env::current_exe().expect("this program"))
            .env(ATTACKER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the attackers");
        let told = serde_json::to_writer(attackers.stdin.take().expect("their input"), &target);
        told.expect("a target told");
        tokio::time::sleep(Duration::from_secs(1)).await;
        let figures = sign_in_for(&login, seconds).await;
        let mut answered = String::new();
        attackers.stdout.take().expect("their output").read_to_string(&mut answered).expect("text");
        attackers.wait().expect("their end");
        let memory = server.memory("VmHWM");
        figures.print(kind.name, memory, longest_poll(&server).await, answered.trim());
        kept &= figures.p95 <= bound && figures.failed == 0 && memory <= MAX_MEMORY_MIB;
    }
    println!(
        "bounds: p95 {:.0} ms, no failed login, {MAX_MEMORY_MIB:.0} MiB: {}\n",
        bound.as_secs_f64() * 1e3,
        if kept { "kept" } else { "NOT kept" }
    );
}

const METRICS_TOKEN: &str = "token-of-the-benchmark";

/// The bucket of the longest poll of any request so far: its upper bound in milliseconds.
async fn longest_poll(server: &Server) -> Option<f64> {
    let client = Client::builder().no_proxy().build().expect("a client");
    let url = format!("{}/metrics", server.base);
    let text = client.get(url).bearer_auth(METRICS_TOKEN).send().await.ok()?.text().await.ok()?;
    let mut routes: BTreeMap<String, Vec<(f64, u64)>> = BTreeMap::new();
    for line in text.lines() {
        let Some(rest) = line.strip_prefix("http_request_longest_poll_seconds_bucket{") else { continue };
        let (labels, count) = rest.split_once("} ")?;
        let (route, bound) = labels.split_once(",le=\"")?;
        let bound = bound.trim_end_matches('"').replace("+Inf", "inf").parse().ok()?;
        routes.entry(route.to_owned()).or_default().push((bound, count.parse().ok()?));
    }
    let highest = |buckets: &Vec<(f64, u64)>| {
        let all = buckets.iter().map(|(_, count)| *count).max()?;
        buckets.iter().filter(|(_, count)| *count == all).map(|(bound, _)| *bound).reduce(f64::min)
    };
    routes.values().filter_map(highest).reduce(f64::max).map(|seconds| seconds * 1e3)
}

/// The results of the victim's logins.
struct Figures {
    logins: usize,
    failed: usize,
    p95: Duration,
    slowest: Duration,
}

impl Figures {
    fn print(&self, name: &str, memory: f64, poll: Option<f64>, answered: &str) {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let poll = poll.map_or("-".to_owned(), |poll| format!("< {poll:.1} ms"));
        println!(
            "{name:18}  {:7}  {:6.1} ms  {:6.1} ms  {:6}  {memory:5.1} MiB  {poll:>12}  {answered}",
            self.logins,
            ms(self.p95),
            ms(self.slowest),
            self.failed
        );
    }
}

/// Starts a login every [`LOGIN_INTERVAL`] for `time`, however long the earlier ones take.
async fn sign_in_for(login: &Arc<Login>, time: Duration) -> Figures {
    let (begun, mut logins) = (Instant::now(), Vec::new());
    let mut pace = tokio::time::interval(LOGIN_INTERVAL);
    while begun.elapsed() < time {
        let due = pace.tick().await;
        let login = Arc::clone(login);
        logins.push(tokio::spawn(async move {
            let outcome = tokio::time::timeout(LOGIN_TIMEOUT, login.once()).await;
            (due.elapsed(), outcome.unwrap_or(Err("no answer".to_owned())))
        }));
    }
    let (mut times, mut failed) = (Vec::new(), 0);
    for one in logins {
        let (took, outcome) = one.await.expect("no panic");
        times.push(took);
        if let Err(why) = outcome {
            failed += 1;
            if failed == 1 {
                println!("  a login failed: {}", why.chars().take(200).collect::<String>());
            }
        }
    }
    times.sort();
    let p95 = times[(times.len() * 95 / 100).min(times.len() - 1)];
    Figures { logins: times.len(), failed, p95, slowest: times[times.len() - 1] }
}

/// Two tenants, one of them hostile, with a full directory.
async fn seed(installation: &Installation, keys: &Arc<KeyPair>, certificate: &str) -> (Arc<Login>, Target) {
    let text =
        |value: &Value, name: &str| value[name].as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    let redirects = ["--redirect-url", REDIRECT_URI, "--oauth-redirect-uri", REDIRECT_URI];
    installation.json(
        &[&["environment", "create", "--slug", "bench", "--display-name", "Bench"], &redirects[..]].concat(),
    );
    let organization = |domain: &str| {
        let create = [
            "organization",
            "create",
            "--environment",
            "bench",
            "--display-name",
            domain,
            "--domain",
            domain,
        ];
        let organization = text(&installation.json(&create), "id");
        let create = [
            "saml-connection",
            "create",
            "--organization",
            &organization,
            "--primary",
            "--idp-entity-id",
            IDP,
        ];
        let idp = ["--idp-redirect-url", "https://idp.example/sso", "--idp-certificate", certificate];
        let connection = text(&installation.json(&[&create[..], &idp].concat()), "id");
        (organization, connection)
    };
    let (victim, victim_connection) = organization("acme.example");
    let (hostile, hostile_connection) = organization("mallory.example");
    let client = installation.json(&["oauth-client", "create", "--environment", "bench"]);
    let client = (text(&client, "id"), text(&client, "clientSecret"));
    let directory = installation.json(&["scim-directory", "create", "--organization", &hostile]);
    let (directory, token) = (text(&directory, "id"), text(&directory, "bearerToken"));
    let key = installation.json(&["api-key", "create", "--environment", "bench", "--management"]);
    let key = text(&key, "secretToken");

    let server = Server::start(installation, &[]).await;
    let http = Client::builder().no_proxy().build().expect("a client");
    for n in 0..SHARING {
        let body = json!({ "displayName": format!("Sharing {n}"), "domains": ["shared.example"] });
        let answer =
            http.post(format!("{}/v1/organizations", server.base)).bearer_auth(&key).json(&body).send().await;
        let organization: Value = answer.expect("an organization").json().await.expect("JSON");
        let organization = text(&organization["organization"], "id");
        let body = json!({ "organizationId": organization, "primary": true });
        http.post(format!("{}/v1/saml-connections", server.base))
            .bearer_auth(&key)
            .json(&body)
            .send()
            .await
            .expect("a connection");
    }
    let scim = format!("{}/v1/scim/{directory}", server.base);
    let made: Mutex<Vec<String>> = Mutex::default();
    let next = AtomicUsize::new(0);
    let fill = async || loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= PEOPLE {
            return;
        }
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("person{n}@mallory.example"),
            "title": "Engineer of things",
            "displayName": format!("Person {n}"),
        });
        let answer = http
            .post(format!("{scim}/Users"))
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await
            .expect("a person");
        let user: Value = answer.json().await.expect("JSON");
        made.lock().expect("no panic").push(text(&user, "id"));
    };
    tokio::join!(fill(), fill(), fill(), fill());
    let people = made.into_inner().expect("no panic");
    let mut group = None;
    for chunk in people.chunks(1000) {
        let members: Vec<Value> = chunk.iter().map(|id| json!({ "value": id })).collect();
        let (method, path, body) = match &group {
            None => (
                Method::POST,
                "/Groups".to_owned(),
                json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "All", "members": members }).to_string().into_bytes(),
            ),
            Some(id) => (Method::PATCH, format!("/Groups/{id}"), patch(&[json!({ "op": "add", "path": "members", "value": members })])),
        };
        let answer = http
            .request(method, format!("{scim}{path}"))
            .bearer_auth(&token)
            .header(header::CONTENT_TYPE, "application/scim+json")
            .body(body)
            .send()
            .await
            .expect("the group");
        assert!(answer.status().is_success(), "{}", answer.text().await.expect("text"));
        if group.is_none() {
            group = Some(text(&answer.json().await.expect("JSON"), "id"));
        }
    }
    let costly_response = costly_response(keys, &server.base, &hostile_connection);
    let login = Arc::new(Login {
        server_base: server.base.clone(),
        client: client.clone(),
        keys: Arc::clone(keys),
        organization: victim,
        address: "dana@acme.example".to_owned(),
    });
    let target = Target {
        kind: String::new(),
        base: String::new(),
        seconds: 0,
        client_id: client.0,
        victim_connection,
        hostile_connection,
        directory,
        token,
        group: group.expect("a group"),
        user: people[0].clone(),
        costly_response,
    };
    (login, target)
}

/// A response of 250 kB with 19,000 elements inside `InclusiveNamespaces`.
fn costly_response(keys: &KeyPair, base: &str, connection: &str) -> String {
    let sp_entity_id = format!("{base}/v1/saml/{connection}");
    let acs_url = format!("{base}{}", acs(connection));
    let context = ResponseContext {
        idp_entity_id: IDP,
        sp_entity_id: &sp_entity_id,
        acs_url: &acs_url,
        in_response_to: None,
    };
    let mut spec = ResponseSpec::valid(&context, "mallory@mallory.example", SystemClock.now(), &SystemRandom);
    spec.signing = Signing::Assertion;
    let xml = spec.build(&keys.key, &keys.certificate, &SystemRandom).expect("a signed response");
    let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let prefixes: Vec<String> = (0..16).map(|n| format!("p{n}")).collect();
    let inclusive = format!(
        "<ec:InclusiveNamespaces xmlns:ec=\"{exclusive}\" PrefixList=\"{}\">{}</ec:InclusiveNamespaces>",
        prefixes.join(" "),
        "<ec:a></ec:a>".repeat(19_000)
    );
    let transform = format!("<ds:Transform Algorithm=\"{exclusive}\"></ds:Transform>");
    assert!(xml.contains(&transform), "{xml}");
    let declared: String = (0..60).map(|n| format!(" xmlns:p{n}=\"urn:n{n}\"")).collect();
    let xml = xml
        .replacen(
            &transform,
            &format!("<ds:Transform Algorithm=\"{exclusive}\">{inclusive}</ds:Transform>"),
            1,
        )
        .replacen("<samlp:Response", &format!("<samlp:Response{declared}"), 1);
    BASE64.encode(xml)
}

/// Attacks with all connections, then prints how often each answer came.
async fn attack(target: Target) {
    let kind = KINDS.iter().find(|kind| kind.name == target.kind).expect("a kind");
    let until = Instant::now() + Duration::from_secs(target.seconds);
    let answers: Arc<Mutex<BTreeMap<String, usize>>> = Arc::default();
    let next = Arc::new(AtomicUsize::new(0));
    let target = Arc::new(target);
    let from =
        IpAddr::from(if (kind.make)(&target, 0).neighbour { [127, 0, 0, 1] } else { FIRST_ATTACKER_ADDRESS });
    let http = Client::builder().no_proxy().redirect(redirect::Policy::none()).local_address(from);
    let http = http.build().expect("a client");
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let (target, answers, next) = (Arc::clone(&target), Arc::clone(&answers), Arc::clone(&next));
        let http = http.clone();
        tasks.push(tokio::spawn(async move {
            while Instant::now() < until {
                let attack = (kind.make)(&target, next.fetch_add(1, Ordering::Relaxed));
                let left = until.saturating_duration_since(Instant::now());
                let answer = if attack.withheld {
                    withhold(&target.base, &attack, left).await
                } else {
                    let mut request = http
                        .request(attack.method, format!("{}{}", target.base, attack.path))
                        .header(header::CONTENT_TYPE, attack.content_type)
                        .timeout(left + Duration::from_millis(1));
                    if let Some(token) = attack.token {
                        request = request.bearer_auth(token);
                    }
                    if !attack.body.is_empty() {
                        request = request.body(attack.body);
                    }
                    match request.send().await {
                        Ok(answer) => {
                            let status = answer.status().as_u16().to_string();
                            let _ = answer.bytes().await;
                            status
                        }
                        Err(error) if error.is_timeout() => "none".to_owned(),
                        Err(_) => "closed".to_owned(),
                    }
                };
                *answers.lock().expect("no panic").entry(answer).or_default() += 1;
                // A client that is refused at once retries at once, but not faster than a network allows.
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }));
    }
    for task in tasks {
        let _ = task.await;
    }
    let answers = answers.lock().expect("no panic");
    let told: Vec<String> = answers.iter().map(|(answer, count)| format!("{answer} x {count}")).collect();
    println!("{}", told.join(", "));
}

/// Sends all but the last byte and waits.
async fn withhold(base: &str, attack: &Attack, left: Duration) -> String {
    let address: SocketAddr = base.trim_start_matches("http://").parse().expect("an address");
    let hold = async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind((FIRST_ATTACKER_ADDRESS, 0).into())?;
        let mut stream = socket.connect(address).await?;
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
            attack.path,
            attack.content_type,
            attack.body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        let sent = stream.write_all(&attack.body[..attack.body.len() - 1]).await;
        let mut answer = [0; 64];
        let read = tokio::io::AsyncReadExt::read(&mut stream, &mut answer).await;
        match (sent, read) {
            (_, Ok(read)) if read >= 12 => Ok(String::from_utf8_lossy(&answer[9..12]).into_owned()),
            (Err(error), _) | (_, Err(error)) => Err(error),
            _ => Ok("closed".to_owned()),
        }
    };
    match tokio::time::timeout(left, hold).await {
        Ok(Ok(status)) => status,
        Ok(Err(_)) => "closed".to_owned(),
        Err(_) => "held".to_owned(),
    }
}
