#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
//! A token by client credentials against the built server, beside its two floors: its signature, and its row.
//!
//! `cargo bench --bench access_tokens` runs SQLite; with `OSTIARY_BENCH_POSTGRES_URL` set it runs that database too (it must
//! be empty). Told are tokens per second and the server's own CPU time per token, then calls of an API with one, which verify
//! it and ask its row. `OSTIARY_BENCH_TOKENS` says how many (5000). The aim: at most 0.5 ms a token with ES256 on SQLite where
//! an ES256 signature costs 0.03.

mod support;

use std::{sync::Arc, time::Instant};

use base::{
    id::Id,
    random::SystemRandom,
    time::{Clock as _, SystemClock},
};
use oauth::{access_token::AccessTokenClaims, algorithm::IdTokenAlg, signing_key::SigningKey};
use ostiary::store::{
    Db,
    signed_access_tokens::{self, NewToken},
};
use reqwest::{Client, header};
use serde_json::Value;
use support::{Installation, Server};
use tokio::sync::Semaphore;

const CONCURRENCY: usize = 8;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let count = support::number("OSTIARY_BENCH_TOKENS", 5000);
        signatures();
        let dir = tempfile::TempDir::new().expect("a directory");
        let mut databases = vec![("sqlite", format!("sqlite://{}/bench.db", dir.path().display()))];
        databases.extend(std::env::var("OSTIARY_BENCH_POSTGRES_URL").ok().map(|url| ("postgres", url)));
        for (name, url) in databases {
            let installation = Installation::new(&url);
            installation.cli(&["environment", "create", "--slug", "bench"]);
            rows(name, &url, count).await;
            println!("database  algorithm  tokens/s  server CPU/token  calls/s  server CPU/call");
            for algorithm in ["ES256", "RS256"] {
                let client = installation.json(&[
                    "service-client",
                    "create",
                    "--environment",
                    "bench",
                    "--name",
                    algorithm,
                    "--scope",
                    "view_audit_events",
                    "--signing-alg",
                    algorithm,
                ]);
                let server = Server::start(&installation, &[]).await;
                measure(name, algorithm, &server, &client, count).await;
            }
        }
    });
}

/// The first floor: what a signature costs.
fn signatures() {
    for algorithm in [IdTokenAlg::ES256, IdTokenAlg::RS256] {
        let key = SigningKey::generate(algorithm).expect("a key");
        let claims = AccessTokenClaims {
            iss: "https://sso.example/bench/system".into(),
            sub: "app_0000000000000000000000000".into(),
            aud: "https://sso.example/bench/system".into(),
            exp: 1_800_003_600,
            iat: 1_800_000_000,
            jti: "token_0000000000000000000000000".into(),
            client_id: "app_0000000000000000000000000".into(),
            scope: "view_audit_events".into(),
            scp: vec!["view_audit_events".into()],
            tid: "bench".into(),
            aid: "system".into(),
            org_id: None,
            org_name: None,
            org_handle: None,
            org_role: None,
            user_org: None,
            sid: None,
            amr: Vec::new(),
            auth_time: None,
        };
        let (count, begun) = (2000, Instant::now());
        for _ in 0..count {
            std::hint::black_box(key.sign_access_token(&claims).expect("a token"));
        }
        let each = begun.elapsed().as_secs_f64() * 1000.0 / f64::from(count);
        println!("a signature with {}: {each:.3} ms", algorithm.as_str());
    }
}

/// The second floor: what a row costs, in a transaction of its own.
async fn rows(name: &str, url: &str, count: usize) {
    let db = Db::connect(url, 2).await.expect("the database");
    let begun = Instant::now();
    for _ in 0..count {
        let now = SystemClock.now();
        let token = NewToken {
            id: Id::new(now, &SystemRandom),
            environment_id: Id::from_bits(1),
            issuer: "system".into(),
            client_id: Some(Id::from_bits(2)),
            grant_id: None,
            subject_id: "app_0000000000000000000000002".into(),
            organization_id: None,
            session_id: None,
            scope: "view_audit_events".into(),
            created_at: now,
            expires_at: now + oauth::token::ACCESS_TOKEN_LIFETIME,
        };
        let mut tx = db.write().await.expect("a transaction");
        signed_access_tokens::insert(&mut tx, &token).await.expect("a row");
        tx.commit().await.expect("a commit");
    }
    println!("a row in {name}: {:.3} ms", begun.elapsed().as_secs_f64() * 1000.0 / count as f64);
    db.close().await;
}

async fn measure(name: &str, algorithm: &str, server: &Server, client: &Value, count: usize) {
    let http = Client::builder().no_proxy().build().expect("a client");
    let text = |name: &str| client[name].as_str().expect("a text").to_owned();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        text("clientId"),
        text("clientSecret")
    );
    let endpoint = format!("{}/bench/system/oauth2/token", server.base);
    let ask = {
        let http = http.clone();
        move || {
            let request = http
                .post(&endpoint)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.clone());
            async move {
                let answer = request.send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
                answer.bytes().await.expect("a body")
            }
        }
    };
    run(50, &ask).await;
    let (cpu, begun) = (server.cpu(), Instant::now());
    run(count, &ask).await;
    let (tokens_cpu, tokens_wall) = (server.cpu() - cpu, begun.elapsed());
    let answer: Value = serde_json::from_slice(&ask().await).expect("JSON");
    let token = answer["access_token"].as_str().expect("a token").to_owned();
    let call = {
        let at = format!("{}/api/system/bench/servers/system/audit-events?limit=1", server.base);
        move || {
            let request = http.get(&at).bearer_auth(&token);
            async move {
                let answer = request.send().await.expect("an answer");
                assert_eq!(answer.status(), 200);
                answer.bytes().await.expect("a body")
            }
        }
    };
    run(50, &call).await;
    let (cpu, begun) = (server.cpu(), Instant::now());
    run(count, &call).await;
    let (calls_cpu, calls_wall) = (server.cpu() - cpu, begun.elapsed());
    let each = |cpu: std::time::Duration| cpu.as_secs_f64() * 1000.0 / count as f64;
    println!(
        "{name:8}  {algorithm:9}  {:8.0}  {:13.3} ms  {:7.0}  {:12.3} ms",
        count as f64 / tokens_wall.as_secs_f64(),
        each(tokens_cpu),
        count as f64 / calls_wall.as_secs_f64(),
        each(calls_cpu),
    );
}

async fn run<F>(count: usize, ask: &(impl Fn() -> F + Clone + Send + 'static))
where
    F: Future<Output = actix_web::web::Bytes> + Send + 'static,
{
    let turns = Arc::new(Semaphore::new(CONCURRENCY));
    let mut tasks = Vec::new();
    for _ in 0..count {
        let turn = Arc::clone(&turns).acquire_owned().await.expect("a turn");
        let ask = ask.clone();
        tasks.push(tokio::spawn(async move {
            ask().await;
            drop(turn);
        }));
    }
    for task in tasks {
        task.await.expect("an answer");
    }
}
