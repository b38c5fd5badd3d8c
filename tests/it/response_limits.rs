//! Responses that many people post at once, and some of them junk: who waits for whom, and whose failures count
//! against whom.

use std::{net::IpAddr, num::NonZeroUsize, time::Duration};

use ostiary::{
    app::limits::{
        fair_queue::{MAX_WAITING_PER_CLIENT, Permit},
        rate_limiter::RateLimit,
    },
    model::{
        environment::IdpInitiated,
        id::{Id, SamlConnectionId},
        saml_flow::{FlowStatus, StepKind},
    },
    store::{saml_flow_steps, saml_flows},
};
use reqwest::Method;

use crate::{
    both,
    support::{Answer, Browser, IdentityProvider, Request, Tenant, TestApp, all},
};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

struct World {
    tenant: Tenant,
    other: Tenant,
    key: String,
}

async fn world(app: &TestApp) -> World {
    let environment = app.environment("prod").await;
    let tenant = app.tenant(&environment, "acme.example").await;
    let other = app.tenant(&environment, "globex.example").await;
    let key = app.api_key(&environment, true).await;
    World { tenant, other, key }
}

fn good(app: &TestApp, tenant: &Tenant, request: Option<&Request>, email: &str) -> String {
    let idp = IdentityProvider::get();
    idp.sign(&idp.response(tenant, request.map(|request| request.id.as_str()), email, app.now()))
}

/// Signs somebody in, in a browser of their own.
async fn sign_in(app: &TestApp, world: &World, tenant: &Tenant, email: &str) -> Answer {
    let browser = app.browser();
    let request = app.begin(&browser, &world.key, tenant).await;
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

/// Posts junk until nobody looks at it any more; says how much was looked at.
async fn junk(browser: &Browser, tenant: &Tenant, origin: Option<&str>) -> u32 {
    let mut looked_at = 0;
    loop {
        let answer = post_from(browser, tenant, origin, "AAAA").await;
        match answer.status.as_u16() {
            429 => {
                assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
                return looked_at;
            }
            status => assert!((400..500).contains(&status), "{answer:?}"),
        }
        looked_at += 1;
        assert!(looked_at < 1000, "nobody stops the flood");
    }
}

/// Every turn that there is.
async fn all_turns(app: &TestApp) -> Vec<Permit<SamlConnectionId>> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let nobody = Id::from_bits(1);
    let mut turns = Vec::new();
    for _ in 0..cores {
        turns.push(app.state.verifications.acquire(nobody, HERE).await.unwrap());
    }
    turns
}

/// Lets others go on until `done`.
async fn until(done: impl Fn() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}

both! {
    async fn an_overload_is_nobodys_failure_and_other_connections_go_on(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let request = app.begin(&browser, &world.key, &world.tenant).await;
        let response = good(&app, &world.tenant, Some(&request), "dana@acme.example");
        let elsewhere = app.browser();
        let there = app.begin(&elsewhere, &world.key, &world.other).await;
        let response_there = good(&app, &world.other, Some(&there), "erin@globex.example");

        let turns = all_turns(&app).await;
        let (queue, connection) = (&app.state.verifications, world.tenant.connection.id);
        let flood: Vec<_> = (0..MAX_WAITING_PER_CLIENT)
            .map(|_| {
                let queue = queue.clone();
                actix_web::rt::spawn(async move { drop(queue.acquire(connection, HERE).await) })
            })
            .collect();
        until(|| queue.waiting() == MAX_WAITING_PER_CLIENT).await;

        // More often than a login may fail.
        for _ in 0..35 {
            let answer = request.answer(&browser, &world.tenant, &response).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (503, Some("unavailable")));
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
        }
        {
            let mut conn = app.state.db.read().await.unwrap();
            let flow = saml_flows::find_by_request(&mut conn, connection, &request.id).await.unwrap().unwrap();
            assert_eq!((flow.status, flow.refusal), (FlowStatus::InProgress, None));
            let steps = saml_flow_steps::list(&mut conn, flow.id).await.unwrap();
            assert_eq!(steps.iter().map(|step| step.kind).collect::<Vec<_>>(), [StepKind::Requested]);
        }

        // Another connection has a place of its own.
        let release = async {
            until(|| queue.waiting() > MAX_WAITING_PER_CLIENT).await;
            drop(turns);
        };
        let (answer, ()) = tokio::join!(there.answer(&elsewhere, &world.other, &response_there), release);
        assert_eq!(answer.status, 303, "{}", answer.body);
        all(flood).await.into_iter().for_each(|done| done.unwrap());
        assert_eq!(queue.waiting(), 0);
        let answer = request.answer(&browser, &world.tenant, &response).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }

    async fn junk_from_one_browser_does_not_lock_its_company_out(app: TestApp) {
        let world = world(&app).await;
        let stranger = app.browser();
        assert!(junk(&stranger, &world.tenant, None).await >= 100);
        for person in 0..12 {
            let answer = sign_in(&app, &world, &world.tenant, &format!("p{person}@acme.example")).await;
            assert_eq!(answer.status, 303, "{}", answer.body);
            assert_eq!(post_from(&stranger, &world.tenant, None, "AAAA").await.status, 429);
        }
        // A cookie that we did not set for a login of this connection that waits changes nothing.
        let forger = app.browser();
        for name in ["ostiary_browser", "__Host-ostiary_browser"] {
            forger.set_cookie(world.tenant.acs_url(), name, "0123456789abcdef0123456789abcdef");
        }
        assert_eq!(post_from(&forger, &world.tenant, None, "AAAA").await.status, 429);
        let elsewhere = app.browser();
        app.begin(&elsewhere, &world.key, &world.other).await;
        assert_eq!(post_from(&elsewhere, &world.tenant, None, "AAAA").await.status, 429);
        // Nor does one whose login's time is over.
        let late = app.browser();
        app.begin(&late, &world.key, &world.tenant).await;
        app.wait(Duration::from_secs(24 * 3600));
        junk(&stranger, &world.tenant, None).await;
        assert_eq!(post_from(&late, &world.tenant, None, "AAAA").await.status, 429);
    }

    async fn junk_in_the_browser_of_a_login_counts_against_that_login_alone(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let request = app.begin(&browser, &world.key, &world.tenant).await;
        let looked_at = junk(&browser, &world.tenant, Some("https://evil.example")).await;
        assert!((5..=20).contains(&looked_at), "{looked_at}");
        let response = good(&app, &world.tenant, Some(&request), "dana@acme.example");
        assert_eq!(request.answer(&browser, &world.tenant, &response).await.status, 429);
        assert_eq!(sign_in(&app, &world, &world.tenant, "erin@acme.example").await.status, 303);
        // The address is not charged, or the next would be it.
        assert!(junk(&app.browser(), &world.tenant, None).await >= 300);
        app.wait(Duration::from_secs(10));
        let response = good(&app, &world.tenant, Some(&request), "dana@acme.example");
        let answer = request.answer(&browser, &world.tenant, &response).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }

    async fn an_unsolicited_response_gets_in_beside_junk_that_any_page_can_post(app: TestApp) {
        let mut world = world(&app).await;
        world.tenant.connection.idp_initiated = Some(IdpInitiated::Allow);
        app.update_connection(&world.tenant.connection).await;
        let hostile = app.browser();
        let idp = Some("https://idp.example");
        junk(&hostile, &world.tenant, Some("https://evil.example")).await;
        for origin in [None, Some("null"), Some("https://idp.example.evil.example"), Some("http://idp.example")] {
            let response = good(&app, &world.tenant, None, "dana@acme.example");
            assert_eq!(post_from(&app.browser(), &world.tenant, origin, &response).await.status, 429, "{origin:?}");
        }
        for person in 0..5 {
            let response = good(&app, &world.tenant, None, &format!("p{person}@acme.example"));
            let answer = post_from(&app.browser(), &world.tenant, idp, &response).await;
            assert_eq!(answer.status, 303, "{}", answer.body);
        }
        // Who only says so has the identity provider's allowance, and no more.
        assert!(junk(&hostile, &world.tenant, idp).await >= 100);
        let answer = sign_in(&app, &world, &world.tenant, "erin@acme.example").await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        // A trickle is left to everybody.
        app.wait(Duration::from_secs(1));
        let response = good(&app, &world.tenant, None, "dana@acme.example");
        assert_eq!(post_from(&app.browser(), &world.tenant, None, &response).await.status, 303);
    }

    async fn a_response_that_begins_a_login_anew_does_not_do_so_without_end(app: TestApp) {
        let world = world(&app).await;
        let response = good(&app, &world.tenant, None, "dana@acme.example");
        let again = async || post_from(&app.browser(), &world.tenant, None, &response).await.status.as_u16();
        assert_eq!(again().await, 200, "the form that goes to the identity provider");
        let limits = &app.state.response_limits;
        let subject = format!("restart {}", world.tenant.connection.id);
        let caller = limits.key(RateLimit::LoginStart, HERE, &subject);
        let mut begun = 1;
        while limits.check(&caller, app.now()).is_ok() {
            limits.record_failure(caller, app.now());
            begun += 1;
        }
        assert!(begun >= 300, "a whole company may come from its portal: {begun}");
        assert_eq!(again().await, 429);
        app.wait(Duration::from_secs(1));
        assert_eq!(again().await, 200);
    }

    async fn a_stray_post_that_is_not_written_down_waits_for_no_writer(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let stray = async || post_from(&browser, &world.tenant, None, "AAAA").await.status.as_u16();
        let count = async || {
            let mut conn = app.state.db.read().await.unwrap();
            let row: (i64,) = conn.sql("SELECT COUNT(*) FROM saml_flows").one().await.unwrap();
            row.0
        };
        for _ in 0..55 {
            assert_eq!(stray().await, 400);
        }
        assert_eq!(count().await, 50);
        // Somebody else writes meanwhile, for as long as this takes.
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE saml_flows SET updated_at = updated_at").execute().await.unwrap();
        for _ in 0..10 {
            assert_eq!(stray().await, 400);
        }
        drop(tx);
        assert_eq!(count().await, 50);
        app.wait(Duration::from_secs(3601));
        assert_eq!((stray().await, count().await), (400, 51));
    }
}
