//! The middleware: what happens to every request before and after its handler.

use std::{sync::Arc, time::Duration};

use base::{random::SystemRandom, time::SystemClock};
use ostiary::{
    config::{Config, Migrate, Redacted},
    http::ssoready::ROUTES,
    server,
};
use serde_json::json;

use crate::{
    both,
    support::{Answer, Backend, Browser, TestApp, eventually, run_scenario},
};

async fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Answer {
    let browser = app.browser();
    let mut request = browser.request(reqwest::Method::GET, &app.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.send(request).await
}

async fn post(app: &TestApp, path: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
    post_by(&app.browser(), app, path, headers, body).await
}

/// The same with one client, for many requests.
async fn post_by(
    browser: &Browser,
    app: &TestApp,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<reqwest::Body>,
) -> Answer {
    let mut request = browser.request(reqwest::Method::POST, &app.url(path)).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.send(request).await
}

const JSON: (&str, &str) = ("content-type", "application/json");
const WRONG_KEY: (&str, &str) = ("authorization", "Bearer ssoready_sk_0000000000000000000000000");

both! {
    async fn liveness_and_readiness_are_reported(app: TestApp) {
        for path in ["/healthz", "/readyz"] {
            let answer = get(&app, path, &[]).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, r#"{"status":"ok"}"#));
        }
        app.state.db.close().await;
        assert_eq!(get(&app, "/healthz", &[]).await.status, 200);
        // An answer holds for a second.
        let unready = async || Some(get(&app, "/readyz", &[]).await).filter(|answer| answer.status != 200);
        let answer = eventually("not ready", unready).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, r#"{"status":"not ready"}"#));
    }

    async fn a_schema_that_needs_a_newer_program_is_not_served(app: TestApp) {
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE settings SET value = '9999' WHERE name = 'schema_floor'").execute().await.unwrap();
        tx.commit().await.unwrap();
        let told = "needs a newer program: one that contains migration 9999, and this one ends with 00";
        assert_eq!(get(&app, "/readyz", &[]).await.status, 503);
        assert_eq!(get(&app, "/healthz", &[]).await.status, 200);
        let migrated = app.state.db.migrate().await.unwrap_err().to_string();
        assert!(migrated.starts_with(&format!("the database {told}")), "{migrated}");
        for migrate in [Migrate::Always, Migrate::Never] {
            let config = Config {
                database_url: app.database.url.parse().unwrap(),
                database_migrate: migrate,
                ..Config::default()
            };
            let started = server::open(&config, config.listen, Arc::new(SystemClock), Arc::new(SystemRandom));
            let refused = started.await.err().unwrap().to_string();
            assert!(refused.contains(told), "{refused}");
        }
    }

    async fn every_answer_is_safe_to_show(app: TestApp) {
        for path in ["/", "/healthz", "/nowhere", "/v1/organizations", "/v1/oauth/jwks", "/v1/saml/x/init"] {
            let answer = get(&app, path, &[]).await;
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
            assert_eq!(answer.header("x-request-id").len(), 32, "{path}");
            let policy = answer.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
            assert!(!policy.contains("unsafe"), "{path}: {policy}");
            assert!(!answer.header("referrer-policy").is_empty(), "{path}");
        }
    }

    async fn an_unknown_route_is_answered_in_the_format_of_its_surface(app: TestApp) {
        let browser = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        let answer = get(&app, "/v1/organizations/x/y/z", &[browser]).await;
        assert_eq!((answer.status.as_u16(), answer.header("content-type")), (404, "application/json"));
        assert_eq!(
            answer.json(),
            json!({ "code": 5, "message": "There is nothing at this address.", "details": [] })
        );

        let answer = get(&app, "/v1/oauth/nowhere", &[]).await;
        assert_eq!((answer.status.as_u16(), answer.json()["error"].as_str()), (404, Some("invalid_request")));

        let answer = get(&app, "/nowhere", &[browser]).await;
        assert_eq!((answer.status.as_u16(), answer.reason()), (404, Some("not_found")));

        let answer = post(&app, "/healthz", &[], "").await;
        assert_eq!(answer.status, 405);
        assert!(answer.header("allow").contains("GET"));
        assert_eq!(answer.json()["code"], 12);
        let answer = get(&app, "/v1/saml/redeem", &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"));
        assert_eq!(answer.json()["code"], 12);
    }

    async fn the_api_answers_in_json_whatever_accept_says(app: TestApp) {
        let browser = app.browser();
        let ask = async |method: &str, path: &str| {
            let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
            let request = browser.request(method, &app.url(path));
            browser.send(request.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")).await
        };
        for (pattern, methods) in ROUTES {
            // Every parameter is a whole segment.
            let segments = pattern.split('/').map(|segment| if segment.starts_with('{') { "x" } else { segment });
            let path = segments.collect::<Vec<_>>().join("/");
            let other = ["put", "delete", "patch", "post"].into_iter().find(|method| !methods.contains(method));
            let wrong_method = ask(&other.unwrap().to_uppercase(), &path).await;
            let unknown = ask("GET", &format!("{path}/nowhere/x/y")).await;
            for (answer, status, code) in [(wrong_method, 405, 12), (unknown, 404, 5)] {
                let told = (answer.status.as_u16(), answer.header("content-type"));
                assert_eq!(told, (status, "application/json"), "{path}");
                assert_eq!(answer.json()["code"], code, "{path}");
            }
        }
    }

    async fn head_is_get_without_its_body(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let link = app.login_link(&key, &tenant, "s").await;
        let metadata = app.url(&format!("/v1/saml/{}/metadata", tenant.connection.id));
        let browser = app.browser();
        let addresses = ["/", "/assets/ostiary.css", "/healthz", "/readyz", "/v1/oauth/jwks", "/v1/oauth/authorize"];
        let addresses = addresses.map(|path| app.url(path)).into_iter().chain([
            app.url("/v1/organizations"),
            app.url("/v1/oauth/.well-known/openid-configuration"),
            metadata,
            link,
        ]);
        for address in addresses {
            let ask = async |method| browser.send(browser.request(method, &address).bearer_auth(&key)).await;
            let (got, told) = (ask(reqwest::Method::GET).await, ask(reqwest::Method::HEAD).await);
            assert_eq!(told.status, got.status, "{address}");
            assert_ne!(got.status, 405, "{address}");
            assert!(told.body.is_empty() && !got.body.is_empty(), "{address}");
            assert_eq!(told.header("content-type"), got.header("content-type"), "{address}");
        }
    }

    async fn a_wrong_method_is_answered_with_the_allowed_ones(app: TestApp) {
        let put = reqwest::Method::PUT;
        for (path, allowed) in [
            ("/", "GET, HEAD"),
            ("/assets/ostiary.css", "GET, HEAD"),
            ("/v1/saml/saml_conn_0000000000000000000000000/init", "GET, HEAD"),
            ("/v1/saml/saml_conn_0000000000000000000000000/acs", "POST"),
            ("/v1/oauth/authorize", "GET, POST, HEAD"),
            ("/v1/oauth/token", "POST"),
            ("/v1/organizations", "GET, POST, HEAD"),
            ("/v1/saml/redirect", "POST"),
        ] {
            let browser = app.browser();
            let answer = browser.send(browser.request(put.clone(), &app.url(path))).await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allowed), "{path}");
        }
    }

    async fn a_body_that_is_too_large_is_refused_in_words(app: TestApp) {
        let secret = app.api_key(&app.environment("prod").await, true).await;
        let authorization = format!("Bearer {secret}");
        let body = format!(r#"{{"displayName":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
        let answer = post(&app, "/v1/organizations", &[JSON, ("authorization", &authorization)], body).await;
        assert!(matches!(answer.status.as_u16(), 400 | 413), "{answer:?}");
        assert_eq!(answer.json()["code"], 3);
        let acs = "/v1/saml/saml_conn_0000000000000000000000000/acs";
        let form = ("content-type", "application/x-www-form-urlencoded");
        let answer = post(&app, acs, &[form], format!("SAMLResponse={}", "A".repeat(2 * 1024 * 1024))).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
    }

    async fn guessing_keys_is_slowed_down_and_good_keys_are_not_charged(app: TestApp) {
        let browser = app.browser();
        let guess = async || post_by(&browser, &app, "/v1/saml/redeem", &[JSON, WRONG_KEY], "{}").await;
        let mut refused = 0;
        let last = loop {
            let answer = guess().await;
            match answer.status.as_u16() {
                401 => refused += 1,
                _ => break answer,
            }
            assert!(refused < 1000, "nobody stops the guessing");
        };
        assert_eq!((last.status.as_u16(), last.json()["code"].as_i64()), (429, Some(8)));
        let wait: u64 = last.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait) && refused >= 10, "{refused} {wait}");
        app.advance(Duration::from_secs(wait));
        assert_eq!(guess().await.status, 401);

        // A valid key with a wrong code is not counted: the code came through a browser.
        app.advance(Duration::from_secs(3600));
        let environment = app.environment("prod").await;
        let secret = app.api_key(&environment, false).await;
        let authorization = format!("Bearer {secret}");
        let code = r#"{"samlAccessCode":"saml_access_code_0000000000000000000000000"}"#;
        for _ in 0..refused + 10 {
            let headers = [JSON, ("authorization", authorization.as_str())];
            let answer = post_by(&browser, &app, "/v1/saml/redeem", &headers, code).await;
            assert!(matches!(answer.status.as_u16(), 400 | 404), "{answer:?}");
        }
    }

    async fn refused_responses_are_limited_per_connection(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let other = app.tenant(&environment, "globex.example").await;
        let form = ("content-type", "application/x-www-form-urlencoded");
        let acs = |id| format!("/v1/saml/{id}/acs");
        let browser = app.browser();
        let mut refused = 0;
        loop {
            let answer = post_by(&browser, &app, &acs(tenant.connection.id), &[form], "SAMLResponse=AAAA").await;
            match answer.status.as_u16() {
                429 => break,
                status => assert!((400..500).contains(&status), "{answer:?}"),
            }
            refused += 1;
            assert!(refused < 2000, "nobody stops the flood");
        }
        assert!(refused >= 100, "a company with a broken set-up is not shut out at once: {refused}");
        let answer = post(&app, &acs(other.connection.id), &[form], "SAMLResponse=AAAA").await;
        assert_ne!(answer.status, 429);
    }

    async fn guessing_a_directorys_token_is_slowed_down_whatever_is_asked_for(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.directory(&tenant).await.directory;
        let path = |id: &dyn std::fmt::Display, rest: &str| format!("/v1/scim/{id}/{rest}");
        let mut refused = 0;
        let last = loop {
            let answer = get(&app, &path(&directory.id, &format!("Users/{refused}")), &[WRONG_KEY]).await;
            match answer.status.as_u16() {
                401 => refused += 1,
                _ => break answer,
            }
            assert!(refused < 1000, "nobody stops the guessing");
        };
        assert_eq!(last.status, 429, "{last:?}");
        assert_eq!(last.json()["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        assert!(refused >= 60 && last.header("retry-after").parse::<u64>().unwrap() >= 1, "{refused}");
        assert_eq!(get(&app, &path(&directory.id, "Groups"), &[WRONG_KEY]).await.status, 429);
        let other = path(&"scim_directory_0000000000000000000000001", "Users");
        assert_ne!(get(&app, &other, &[WRONG_KEY]).await.status, 429, "another directory");
        app.advance(Duration::from_secs(2));
        assert_eq!(get(&app, &path(&directory.id, "Users"), &[WRONG_KEY]).await.status, 401);
    }

    async fn nobody_begins_logins_without_end(app: TestApp) {
        let authorize = "/v1/oauth/authorize?client_id=saml_oauth_client_0000000000000000000000000";
        // The console's, where none are configured.
        for (path, refused) in [(authorize, 400), ("/console/sign-in/saml", 404), ("/console/sign-in/oidc", 404)] {
            let mut begun = 0;
            let last = loop {
                let answer = get(&app, path, &[]).await;
                match answer.status.as_u16() {
                    429 => break answer,
                    status => assert_eq!(status, refused, "{answer:?}"),
                }
                begun += 1;
                assert!(begun < 2000, "nobody stops the flood");
            };
            assert!(begun >= 300, "a whole company may come at once: {begun}");
            assert!(last.header("retry-after").parse::<u64>().unwrap() >= 1);
            app.advance(Duration::from_secs(1));
            assert_eq!(get(&app, path, &[]).await.status, refused);
        }
    }
}

#[test]
fn figures_are_for_the_inside() {
    actix_web::rt::System::new().block_on(async {
        let closed = TestApp::spawn(Backend::Sqlite).await;
        assert_eq!(get(&closed, "/metrics", &[]).await.status, 404);
        let token = "0123456789abcdef";
        let guarded = TestApp::spawn_with(Backend::Sqlite, |config| {
            config.metrics_token = Some(Redacted(token.to_owned()));
        })
        .await;
        assert_eq!(get(&guarded, "/metrics", &[]).await.status, 401);
        let almost = ("authorization", "Bearer 0123456789abcdeF");
        assert_eq!(get(&guarded, "/metrics", &[almost]).await.status, 401);
        let right = format!("Bearer {token}");
        let answer = get(&guarded, "/metrics", &[("authorization", &right)]).await;
        assert_eq!(answer.status, 200);
        for figure in [
            "db_pool_connections{state=\"idle\"}",
            "http_requests_total{route=\"/metrics\",method=\"GET\",status=\"401\"}",
            "http_request_duration_seconds_bucket",
            "http_request_longest_poll_seconds_bucket",
            "http_requests_in_flight ",
            "db_pool_wait_seconds_count",
            "gateway_ready 1",
            "build_info{version=",
            "process_resident_memory_bytes",
        ] {
            assert!(answer.body.contains(figure), "{figure} is not in\n{}", answer.body);
        }
    });
}

#[test]
fn a_trusted_proxy_is_believed_about_ids_and_clients() {
    actix_web::rt::System::new().block_on(async {
        let plain = TestApp::spawn(Backend::Sqlite).await;
        let given = ("x-request-id", "edge-7.a_b");
        assert_ne!(get(&plain, "/healthz", &[given]).await.header("x-request-id"), "edge-7.a_b");

        let behind = TestApp::spawn_with(Backend::Sqlite, |config| {
            config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        })
        .await;
        assert_eq!(get(&behind, "/healthz", &[given]).await.header("x-request-id"), "edge-7.a_b");
        let hostile = ("x-request-id", "a b");
        assert_eq!(get(&behind, "/healthz", &[hostile]).await.header("x-request-id").len(), 32);

        // The failures of one client do not count against another.
        let browser = behind.browser();
        let guess = async |client: &str| {
            let forwarded = ("x-forwarded-for", client);
            post_by(&browser, &behind, "/v1/saml/redeem", &[JSON, WRONG_KEY, forwarded], "{}")
                .await
                .status
                .as_u16()
        };
        while guess("198.51.100.1").await == 401 {}
        assert_eq!(guess("198.51.100.1").await, 429);
        assert_eq!(guess("198.51.100.2").await, 401);
        assert_eq!(guess("6.6.6.6, 198.51.100.1").await, 429, "what a client wrote himself is not believed");
    });
}

#[test]
fn limits_can_be_off() {
    run_scenario(Backend::Sqlite, async |_| {
        let app = TestApp::spawn_with(Backend::Sqlite, |config| config.rate_limits = false).await;
        let browser = app.browser();
        for _ in 0..200 {
            let answer = post_by(&browser, &app, "/v1/saml/redeem", &[JSON, WRONG_KEY], "{}").await;
            assert_eq!(answer.status, 401);
        }
    });
}
