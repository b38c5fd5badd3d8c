//! Limits of the ACS: many responses at once, some of them junk; the order of the queue, and which rate limit
//! counts a failure.

use std::{net::IpAddr, num::NonZeroUsize, time::Duration};

use base::id::{Id, SamlConnectionId};
use futures_util::future::join_all;
use model::{
    environment::IdpInitiated,
    login_flow::{FlowStatus, StepKind},
};
use ostiary::{
    app::limits::{
        fair_queue::{MAX_WAITING_PER_CLIENT, Permit},
        rate_limiter::RateLimit,
    },
    store::{login_flow_steps, login_flows},
};
use reqwest::Method;

use crate::{
    both,
    support::{Answer, Browser, IdentityProvider, Request, Tenant, TestApp},
};

const CLIENT_ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct Fixture {
    tenant: Tenant,
    other: Tenant,
    key: String,
}

async fn fixture(app: &TestApp) -> Fixture {
    let environment = app.environment("prod").await;
    let tenant = app.tenant(&environment, "acme.example").await;
    let other = app.tenant(&environment, "globex.example").await;
    let key = app.api_key(&environment, true).await;
    Fixture { tenant, other, key }
}

fn good(app: &TestApp, tenant: &Tenant, request: Option<&Request>, email: &str) -> String {
    let idp = IdentityProvider::get();
    idp.sign(&idp.response(tenant, request.map(|request| request.id.as_str()), email, app.now()))
}

/// Signs a user in, in a new browser.
async fn sign_in(app: &TestApp, fixture: &Fixture, tenant: &Tenant, email: &str) -> Answer {
    let browser = app.browser();
    let request = app.begin(&browser, &fixture.key, tenant).await;
    request.answer(&browser, tenant, &good(app, tenant, Some(&request), email)).await
}

/// Posts a response from a page of `origin`.
async fn post_from(browser: &Browser, tenant: &Tenant, origin: Option<&str>, response: &str) -> Answer {
    let body =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("SAMLResponse", response).finish();
    let mut request = browser
        .request(Method::POST, tenant.acs_url())
        .header("accept", "text/html")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    browser.send(request).await
}

/// Posts junk until it is rate-limited. Returns how many posts were verified before.
async fn post_until_limited(browser: &Browser, tenant: &Tenant, origin: Option<&str>) -> u32 {
    let mut accepted = 0;
    loop {
        let answer = post_from(browser, tenant, origin, "AAAA").await;
        match answer.status.as_u16() {
            429 => {
                assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
                return accepted;
            }
            status => assert!((400..500).contains(&status), "{answer:?}"),
        }
        accepted += 1;
        assert!(accepted < 1000, "nobody stops the flood");
    }
}

/// Acquires every permit.
async fn all_permits(app: &TestApp) -> Vec<Permit<SamlConnectionId>> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let nobody = Id::from_bits(1);
    let mut permits = Vec::new();
    for _ in 0..cores {
        permits.push(app.state.verifications.acquire(nobody, CLIENT_ADDRESS).await.unwrap());
    }
    permits
}

/// Yields to other tasks until `done`.
async fn until(done: impl Fn() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

both! {
    async fn an_overload_is_nobodys_failure_and_other_connections_go_on(app: TestApp) {
        let fixture = fixture(&app).await;
        let browser = app.browser();
        let request = app.begin(&browser, &fixture.key, &fixture.tenant).await;
        let response = good(&app, &fixture.tenant, Some(&request), "dana@acme.example");
        let elsewhere = app.browser();
        let there = app.begin(&elsewhere, &fixture.key, &fixture.other).await;
        let response_there = good(&app, &fixture.other, Some(&there), "erin@globex.example");

        let permits = all_permits(&app).await;
        let (queue, connection) = (&app.state.verifications, fixture.tenant.connection.id);
        let flood: Vec<_> = (0..MAX_WAITING_PER_CLIENT)
            .map(|_| {
                let queue = queue.clone();
                actix_web::rt::spawn(async move { drop(queue.acquire(connection, CLIENT_ADDRESS).await) })
            })
            .collect();
        until(|| queue.waiting() == MAX_WAITING_PER_CLIENT).await;

        // More often than the failure limit of a login.
        for _ in 0..35 {
            let answer = request.answer(&browser, &fixture.tenant, &response).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (503, Some("unavailable")));
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
        }
        {
            let mut conn = app.state.db.read().await.unwrap();
            let flow = login_flows::find_by_request(&mut conn, connection.into(), &request.id).await.unwrap().unwrap();
            assert_eq!((flow.status, flow.refusal), (FlowStatus::InProgress, None));
            let steps = login_flow_steps::list(&mut conn, flow.id).await.unwrap();
            assert_eq!(steps.iter().map(|step| step.kind).collect::<Vec<_>>(), [StepKind::Requested]);
        }

        // Another connection has a queue of its own.
        let release = async {
            until(|| queue.waiting() > MAX_WAITING_PER_CLIENT).await;
            drop(permits);
        };
        let (answer, ()) = tokio::join!(there.answer(&elsewhere, &fixture.other, &response_there), release);
        assert_eq!(answer.status, 303, "{}", answer.body);
        join_all(flood).await.into_iter().for_each(|done| done.unwrap());
        assert_eq!(queue.waiting(), 0);
        let answer = request.answer(&browser, &fixture.tenant, &response).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }

    async fn junk_from_one_browser_does_not_lock_its_company_out(app: TestApp) {
        let fixture = fixture(&app).await;
        let stranger = app.browser();
        assert!(post_until_limited(&stranger, &fixture.tenant, None).await >= 100);
        for person in 0..12 {
            let answer = sign_in(&app, &fixture, &fixture.tenant, &format!("p{person}@acme.example")).await;
            assert_eq!(answer.status, 303, "{}", answer.body);
            assert_eq!(post_from(&stranger, &fixture.tenant, None, "AAAA").await.status, 429);
        }
        // A cookie that was not set for a waiting login of this connection changes nothing.
        let forger = app.browser();
        for name in ["ostiary_browser", "__Host-ostiary_browser"] {
            forger.set_cookie(fixture.tenant.acs_url(), name, "0123456789abcdef0123456789abcdef");
        }
        assert_eq!(post_from(&forger, &fixture.tenant, None, "AAAA").await.status, 429);
        let elsewhere = app.browser();
        app.begin(&elsewhere, &fixture.key, &fixture.other).await;
        assert_eq!(post_from(&elsewhere, &fixture.tenant, None, "AAAA").await.status, 429);
        // Neither does the cookie of an expired login.
        let late = app.browser();
        app.begin(&late, &fixture.key, &fixture.tenant).await;
        app.advance(Duration::from_secs(24 * 3600));
        post_until_limited(&stranger, &fixture.tenant, None).await;
        assert_eq!(post_from(&late, &fixture.tenant, None, "AAAA").await.status, 429);
    }

    async fn junk_in_the_browser_of_a_login_counts_against_that_login_alone(app: TestApp) {
        let fixture = fixture(&app).await;
        let browser = app.browser();
        let request = app.begin(&browser, &fixture.key, &fixture.tenant).await;
        let accepted = post_until_limited(&browser, &fixture.tenant, Some("https://evil.example")).await;
        assert!((5..=20).contains(&accepted), "{accepted}");
        let response = good(&app, &fixture.tenant, Some(&request), "dana@acme.example");
        assert_eq!(request.answer(&browser, &fixture.tenant, &response).await.status, 429);
        assert_eq!(sign_in(&app, &fixture, &fixture.tenant, "erin@acme.example").await.status, 303);
        // The address is not charged: otherwise the next request would be limited.
        assert!(post_until_limited(&app.browser(), &fixture.tenant, None).await >= 300);
        app.advance(Duration::from_secs(10));
        let response = good(&app, &fixture.tenant, Some(&request), "dana@acme.example");
        let answer = request.answer(&browser, &fixture.tenant, &response).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }

    async fn an_unsolicited_response_is_accepted_beside_junk_that_any_page_can_post(app: TestApp) {
        let mut fixture = fixture(&app).await;
        fixture.tenant.connection.idp_initiated = Some(IdpInitiated::Allow);
        app.update_connection(&fixture.tenant.connection).await;
        let hostile = app.browser();
        let idp = Some("https://idp.example");
        post_until_limited(&hostile, &fixture.tenant, Some("https://evil.example")).await;
        for origin in [None, Some("null"), Some("https://idp.example.evil.example"), Some("http://idp.example")] {
            let response = good(&app, &fixture.tenant, None, "dana@acme.example");
            assert_eq!(post_from(&app.browser(), &fixture.tenant, origin, &response).await.status, 429, "{origin:?}");
        }
        for person in 0..5 {
            let response = good(&app, &fixture.tenant, None, &format!("p{person}@acme.example"));
            let answer = post_from(&app.browser(), &fixture.tenant, idp, &response).await;
            assert_eq!(answer.status, 303, "{}", answer.body);
        }
        // A forged origin has the identity provider's allowance, and no more.
        assert!(post_until_limited(&hostile, &fixture.tenant, idp).await >= 100);
        let answer = sign_in(&app, &fixture, &fixture.tenant, "erin@acme.example").await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        // A low rate is left for every client.
        app.advance(Duration::from_secs(1));
        let response = good(&app, &fixture.tenant, None, "dana@acme.example");
        assert_eq!(post_from(&app.browser(), &fixture.tenant, None, &response).await.status, 303);
    }

    async fn a_response_that_begins_a_login_anew_does_not_do_so_without_end(app: TestApp) {
        let fixture = fixture(&app).await;
        let response = good(&app, &fixture.tenant, None, "dana@acme.example");
        let again = async || post_from(&app.browser(), &fixture.tenant, None, &response).await.status.as_u16();
        assert_eq!(again().await, 200, "the form that goes to the identity provider");
        let limits = &app.state.response_limits;
        let subject = format!("restart {}", fixture.tenant.connection.id);
        let caller = limits.key(RateLimit::LoginStart, CLIENT_ADDRESS, &subject);
        let mut begun = 1;
        while limits.check(&caller, app.now()).is_ok() {
            limits.record_failure(caller, app.now());
            begun += 1;
        }
        assert!(begun >= 300, "a whole company may come from its portal: {begun}");
        assert_eq!(again().await, 429);
        app.advance(Duration::from_secs(1));
        assert_eq!(again().await, 200);
    }

    async fn a_stray_post_that_is_not_written_down_waits_for_no_writer(app: TestApp) {
        let fixture = fixture(&app).await;
        let browser = app.browser();
        let stray = async || post_from(&browser, &fixture.tenant, None, "AAAA").await.status.as_u16();
        let count = async || {
            let mut conn = app.state.db.read().await.unwrap();
            let row: (i64,) = conn.sql("SELECT COUNT(*) FROM login_flows").one().await.unwrap();
            row.0
        };
        for _ in 0..55 {
            assert_eq!(stray().await, 400);
        }
        assert_eq!(count().await, 50);
        // Another transaction holds the writer all the time.
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE login_flows SET updated_at = updated_at").execute().await.unwrap();
        for _ in 0..10 {
            assert_eq!(stray().await, 400);
        }
        drop(tx);
        assert_eq!(count().await, 50);
        app.advance(Duration::from_secs(3601));
        assert_eq!((stray().await, count().await), (400, 51));
    }
}
