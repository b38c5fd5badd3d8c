//! Work that has to wait: it is told to come again, in the words of each surface, and does not keep the rest from going on.

#![expect(clippy::print_stdout, reason = "a test prints what it measured")]

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use model::oauth_client::IdTokenAlg;
use ostiary::store::{Db, Transaction};
use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use crate::{
    both,
    support::{Answer, Backend, IdentityProvider, Tenant, TestApp, query, run_scenario},
};

/// Another program that holds a lock: on SQLite that of the writer, on PostgreSQL those of tables.
async fn lock(app: &TestApp, statement: &'static str) -> Transaction {
    let other = Db::connect(&app.database.url, 1).await.unwrap();
    let mut tx = other.write().await.unwrap();
    if app.backend == Backend::Postgres {
        tx.sql(statement).execute().await.unwrap();
    }
    tx
}

/// A login from the app's link to the redeemed code.
async fn login(app: &TestApp, key: &str, tenant: &Tenant) {
    let (idp, browser) = (IdentityProvider::get(), app.browser());
    let request = app.begin(&browser, key, tenant).await;
    let response = idp.sign(&idp.response(tenant, Some(&request.id), "ada@acme.example", app.now()));
    let answer = request.answer(&browser, tenant, &response).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let code = query(&answer.location(), "saml_access_code").expect("a code");
    assert_eq!(app.redeem(key, &code).await.status, 200);
}

fn assert_busy(answer: &Answer, said: &str) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    assert!(answer.body.contains(said), "{said:?} is not in {answer:?}");
}

both! {
    async fn one_client_that_asks_for_all_connections_keeps_nobody_from_signing_in(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let client = reqwest::Client::builder().local_address(Some([127, 0, 0, 2].into())).no_proxy().build().unwrap();
        let (url, done) = (app.url("/v1/oauth/userinfo"), AtomicBool::new(false));
        let asking = join_all((0..400).map(|_| async {
            while !done.load(Ordering::Relaxed) {
                let answer = client.get(&url).bearer_auth("ostiary_at_0000000000000000000000001").send().await;
                assert!(answer.is_ok_and(|answer| [401, 503].contains(&answer.status().as_u16())));
            }
        }));
        let signing_in = async {
            for _ in 0..5 {
                login(&app, &key, &tenant).await;
            }
            done.store(true, Ordering::Relaxed);
        };
        join(asking, signing_in).await;
    }

    async fn callers_who_leave_open_no_more_sessions_than_the_pool_may_have(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let link = app.login_link(&key, &tenant, "").await;
        let held = lock(&app, "LOCK TABLE login_flows").await;
        let url: url::Url = link.parse().unwrap();
        let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let head = format!("GET {}?{} HTTP/1.1\r\nhost: {address}\r\n\r\n", url.path(), url.query().unwrap_or_default());
        for _ in 0..60 {
            let mut caller = TcpStream::connect(&address).await.unwrap();
            caller.write_all(head.as_bytes()).await.unwrap();
            // So long a caller stays, and then resets the connection.
            tokio::time::sleep(Duration::from_millis(20)).await;
            caller.set_zero_linger().unwrap();
        }
        if app.backend == Backend::Postgres {
            let other = Db::connect(&app.database.url, 1).await.unwrap();
            let (sessions,): (i64,) = other
                .read().await.unwrap()
                .sql("SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()")
                .one().await.unwrap();
            // Four of the pool, the probe, and what this test opened itself.
            assert!(sessions <= 10, "{sessions} sessions");
        }
        drop(held);
        login(&app, &key, &tenant).await;
    }

    async fn who_has_to_wait_for_too_long_is_told_to_come_again_on_every_surface(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let key = app.api_key(&environment, true).await;
        let link = app.login_link(&key, &tenant, "").await;
        let (client, secret) = app.oauth_client(&environment, IdTokenAlg::ES256).await;
        let held = lock(&app, "LOCK TABLE organizations, login_flows, scim_directories, oauth_clients, audit_events").await;
        let browser = app.browser();
        let send = |request: RequestBuilder| browser.send(request);
        let page = |path: &str| browser.request(Method::GET, path).header("accept", "text/html");
        let api = app.url("/v1/organizations");
        let organization = json!({ "displayName": "x" });
        let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@acme.example" });
        let authorize = format!(
            "{}?response_type=code&client_id={}&organization_id={}&redirect_uri=https://prod.app.example/oauth/callback",
            app.url("/v1/oauth/authorize"), client.id, tenant.organization.id,
        );
        let token = [("grant_type", "authorization_code"), ("code", "saml_access_code_0"), ("client_secret", &secret)];
        let token = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(token)
            .append_pair("client_id", &client.id.to_string()).finish();
        let began = Instant::now();
        let answers = join_all([
            send(browser.request(Method::POST, &api).bearer_auth(&key).json(&organization)),
            send(browser.request(Method::POST, &format!("{}/Users", directory.base)).bearer_auth(&directory.token)
                .header("content-type", "application/scim+json").body(user.to_string())),
            send(page(&link)),
            send(page(&authorize)),
        ]).await;
        let took = began.elapsed();
        assert!(took < Duration::from_secs(25), "the browser gives up before: {took:?}");
        let [api, scim, link, authorize] = &answers[..] else { panic!() };
        assert_busy(api, "\"code\":14");
        assert_busy(scim, "urn:ietf:params:scim:api:messages:2.0:Error");
        assert_eq!(scim.json()["status"], "503");
        assert_busy(link, "data-reason=\"unavailable\"");
        assert_busy(authorize, "data-reason=\"unavailable\"");
        if app.backend == Backend::Postgres {
            // SQLite's readers wait for nobody.
            let request = browser.request(Method::POST, &app.url("/v1/oauth/token"));
            let oauth = send(request.header("content-type", "application/x-www-form-urlencoded").body(token)).await;
            assert_busy(&oauth, "\"temporarily_unavailable\"");
        }
        held.commit().await.unwrap();
        assert_eq!(browser.get(&app.login_link(&key, &tenant, "").await).await.status, 200);
    }

    async fn readiness_is_told_within_seconds_while_nothing_can_be_written(app: TestApp) {
        let ask = || async {
            let began = Instant::now();
            let status = app.browser().get(&app.url("/readyz")).await.status.as_u16();
            (status, began.elapsed())
        };
        assert_eq!(ask().await.0, 200);
        let held = lock(&app, "LOCK TABLE settings").await;
        let began = Instant::now();
        loop {
            let (first, second) = join(ask(), ask()).await;
            assert!(first.1.max(second.1) < Duration::from_secs(5), "{first:?} {second:?}");
            if first.0 == 503 {
                println!("not ready, answered in {:?}", first.1);
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "it says that it is ready");
        }
        held.commit().await.unwrap();
        while ask().await.0 != 200 {
            assert!(began.elapsed() < Duration::from_secs(60), "it is not ready again");
        }
    }
}

#[test]
fn a_locked_table_of_the_api_and_of_directories_leaves_logins_their_share() {
    run_scenario(Backend::Postgres, async |app: TestApp| {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let key = app.api_key(&environment, true).await;
        login(&app, &key, &tenant).await;
        let held = lock(&app, "LOCK TABLE audit_events, events").await;
        let browser = app.browser();
        // More than the pool has, of both kinds.
        let waiting = join_all((0..12).map(|number| {
            let path = if number % 2 == 0 {
                app.url("/v1/organizations")
            } else {
                format!("{}/Users", directory.base)
            };
            let secret = if number % 2 == 0 { &key } else { &directory.token };
            let body = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": format!("{number}@acme.example"), "displayName": "x",
            });
            browser.send(browser.request(Method::POST, &path).bearer_auth(secret).json(&body))
        }));
        let logins = async {
            // By then they wait for the lock.
            tokio::time::sleep(Duration::from_millis(500)).await;
            let began = Instant::now();
            for _ in 0..3 {
                login(&app, &key, &tenant).await;
            }
            println!("three logins beside twelve requests that wait: {:?}", began.elapsed());
        };
        let (waited, ()) = join(waiting, logins).await;
        held.commit().await.unwrap();
        for answer in waited {
            assert_eq!(answer.status, 503, "{answer:?}");
            assert!(answer.headers.contains_key("retry-after"));
        }
    });
}

#[test]
fn a_locked_table_of_logins_leaves_directories_their_share() {
    run_scenario(Backend::Postgres, async |app: TestApp| {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let key = app.api_key(&environment, true).await;
        let link = app.login_link(&key, &tenant, "").await;
        let held = lock(&app, "LOCK TABLE login_flows").await;
        let waiting = join_all((0..12).map(async |_| app.browser().get(&link).await));
        let pushing = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            for number in 0..3 {
                app.scim_user(&directory, &format!("{number}@acme.example")).await;
            }
        };
        let (waited, ()) = join(waiting, pushing).await;
        held.commit().await.unwrap();
        for answer in waited {
            assert_eq!(answer.status, 503, "{answer:?}");
        }
    });
}
