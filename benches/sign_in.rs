#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
//! Signing in with an account at an organization's issuer: whole sign-ins by password, with and without the password's hash, and
//! the code flow of a browser that has a session.
//!
//! `cargo bench --bench sign_in` runs SQLite; with `OSTIARY_BENCH_POSTGRES_URL` set it runs that database too (it must be
//! empty). Told is the server's own CPU time for each, one after the other; ID tokens and access tokens are signed with ES256.

mod support;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use ostiary::app::accounts::passwords::{PasswordRealm, Passwords};
use reqwest::{Client, RequestBuilder, Response, header, redirect};
use serde_json::Value;
use support::{Installation, Server};
use url::Url;

const SIGN_INS: u32 = 100;
const FLOWS: u32 = 1000;

const EMAIL: &str = "dana@acme.example";
const PASSWORD: &str = "violet kettle under snow";
const CALLBACK: &str = "https://portal.example/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let dir = tempfile::TempDir::new().expect("a directory");
        let hash = hash().await;
        println!("{:46}  {} ms CPU", "a password's hash", milliseconds(hash));
        for (name, url) in support::databases(dir.path()) {
            println!("\n{name}");
            measure(&url, hash).await;
        }
    });
}

fn milliseconds(time: Duration) -> String {
    format!("{:7.3}", time.as_secs_f64() * 1e3)
}

/// What the hash of a password takes of this process's CPU time. A sign-in verifies one.
async fn hash() -> Duration {
    let passwords = Passwords::default();
    let own = std::process::id();
    let mut begun = support::cpu_of(own);
    for number in 0..=SIGN_INS {
        if number == 1 {
            begun = support::cpu_of(own);
        }
        assert!(!passwords.verify(PasswordRealm::Console(None), PASSWORD, None).await.expect("an answer"));
    }
    (support::cpu_of(own) - begun) / SIGN_INS
}

async fn measure(url: &str, hash: Duration) {
    let installation = Installation::new(url);
    installation.json(&["environment", "create", "--slug", "bench", "--display-name", "Bench"]);
    // Nobody is offered a passkey.
    let organization = ["organization", "create", "--environment", "bench", "--display-name", "Acme"];
    let organization =
        installation.json(&[&organization[..], &["--authentication-mechanism", "password"]].concat());
    let organization = organization["id"].as_str().expect("an id").to_owned();
    let user = ["user", "create", "--environment", "bench", "--organization", &organization];
    let person = ["--email", EMAIL, "--display-name", "Dana Doe", "--password", PASSWORD];
    installation.json(&[&user[..], &person].concat());
    let application = ["application", "create", "--environment", "bench", "--kind", "public"];
    let client =
        installation.json(&[&application[..], &["--name", "Portal", "--redirect-uri", CALLBACK]].concat());
    let server = Server::start(&installation, &[]).await;
    let bench = Bench {
        issuer: format!("{}/bench/{organization}", server.base),
        server,
        http: Client::builder().no_proxy().redirect(redirect::Policy::none()).build().expect("a client"),
        client_id: client["clientId"].as_str().expect("an id").to_owned(),
    };

    let each = bench
        .each("a sign-in by password, up to the tokens", SIGN_INS, async |_| drop(bench.sign_in().await))
        .await;
    println!("{:46}  {} ms CPU", "  without the hash", milliseconds(each.saturating_sub(hash)));
    let cookies = bench.sign_in().await;
    bench
        .each("a code flow with a session", FLOWS, async |_| {
            bench.tokens(&bench.authorize(&cookies).await).await;
        })
        .await;
    bench.each("  of that, the authorization", FLOWS, async |_| drop(bench.authorize(&cookies).await)).await;
    let mut tokens = bench.tokens(&bench.authorize(&cookies).await).await;
    bench
        .each("userinfo", FLOWS, async |_| {
            let request = bench.http.get(format!("{}/userinfo", bench.issuer));
            good(request.bearer_auth(text(&tokens, "access_token"))).await;
        })
        .await;
    let (cpu, begun) = (bench.server.cpu(), Instant::now());
    for _ in 0..FLOWS {
        let token = text(&tokens, "refresh_token").to_owned();
        let form =
            [("grant_type", "refresh_token"), ("client_id", &*bench.client_id), ("refresh_token", &token)];
        tokens = bench.post("oauth2/token", &form).await;
    }
    tell("a refresh", FLOWS, bench.server.cpu() - cpu, begun.elapsed());
    println!("memory at its highest {:.1} MiB", bench.server.memory("VmHWM"));
}

/// Prints what each cost, and returns its CPU time.
fn tell(name: &str, number: u32, cpu: Duration, elapsed: Duration) -> Duration {
    println!(
        "{name:46}  {} ms CPU  {} ms elapsed",
        milliseconds(cpu / number),
        milliseconds(elapsed / number)
    );
    cpu / number
}

struct Bench {
    server: Server,
    http: Client,
    issuer: String,
    client_id: String,
}

impl Bench {
    /// Does something many times, one after the other, and tells what each cost.
    async fn each(&self, name: &str, number: u32, mut once: impl AsyncFnMut(u32)) -> Duration {
        let warm_up = number / 10;
        let (mut cpu, mut begun) = (Duration::ZERO, Instant::now());
        for turn in 0..warm_up + number {
            if turn == warm_up {
                (cpu, begun) = (self.server.cpu(), Instant::now());
            }
            once(turn).await;
        }
        tell(name, number, self.server.cpu() - cpu, begun.elapsed())
    }

    fn authorization(&self) -> Url {
        let mut url = Url::parse(&format!("{}/oauth2/authorize", self.issuer)).expect("a URL");
        url.query_pairs_mut().extend_pairs([
            ("client_id", &*self.client_id),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid profile email offline_access"),
            ("state", "the state of the application"),
            ("nonce", "the nonce of the application"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        url
    }

    /// A code for a browser that has a session.
    async fn authorize(&self, cookies: &str) -> String {
        let answer = redirected(self.http.get(self.authorization()).header(header::COOKIE, cookies)).await;
        code(&location(&answer))
    }

    async fn tokens(&self, code: &str) -> Value {
        self.post(
            "oauth2/token",
            &[
                ("grant_type", "authorization_code"),
                ("client_id", &*self.client_id),
                ("code", code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ],
        )
        .await
    }

    async fn post(&self, endpoint: &str, form: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}/{endpoint}", self.issuer));
        serde_json::from_str(&good(request.body(encoded(form)).header(header::CONTENT_TYPE, FORM)).await)
            .expect("JSON")
    }

    /// A whole sign-in in a new browser: its cookies afterwards.
    async fn sign_in(&self) -> String {
        let mut cookies = Cookies::default();
        let begun = redirected(self.http.get(self.authorization())).await;
        cookies.keep(&begun);
        let page = location(&begun);
        let html = good(self.http.get(page.clone()).header(header::COOKIE, cookies.line())).await;
        let request = html
            .split_once("name=\"request\" value=\"")
            .expect("a form")
            .1
            .split('"')
            .next()
            .expect("a value");
        let page = page.join(page.path()).expect("a URL");
        let submit = |form: &[(&str, &str)]| {
            let post = self.http.post(page.clone()).header(header::COOKIE, cookies.line());
            post.header(header::CONTENT_TYPE, FORM).body(encoded(form))
        };
        good(submit(&[("request", request), ("identifier", EMAIL)])).await;
        let form = [("request", request), ("identifier", EMAIL), ("password", PASSWORD)];
        let done = redirected(submit(&form)).await;
        cookies.keep(&done);
        self.tokens(&code(&location(&done))).await;
        cookies.line()
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn encoded(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

#[derive(Default)]
struct Cookies(BTreeMap<String, String>);

impl Cookies {
    fn keep(&mut self, answer: &Response) {
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let pair = line.to_str().expect("a text").split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a name");
            self.0.insert(name.to_owned(), value.to_owned());
        }
    }

    fn line(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}

async fn redirected(request: RequestBuilder) -> Response {
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 303, "{}", answer.url());
    answer
}

fn location(answer: &Response) -> Url {
    let location = answer.headers()[header::LOCATION].to_str().expect("a text");
    answer.url().join(location).expect("a URL")
}

fn code(callback: &Url) -> String {
    assert!(callback.as_str().starts_with(CALLBACK), "{callback}");
    callback.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned()
}

/// The body of a good answer.
async fn good(request: RequestBuilder) -> String {
    let answer = request.send().await.expect("an answer");
    let (status, body) = (answer.status(), answer.text().await.expect("a body"));
    assert!(status.is_success(), "{status} {body}");
    body
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}"))
}
