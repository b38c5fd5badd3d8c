//! Unfinished logins: what is kept of them, and for how long.

use std::time::Duration;

use base::{
    id::{Id, LoginFlowId},
    random::SystemRandom,
};
use model::{
    login_flow::{FlowOrigin, FlowStatus, LoginFlow},
    oauth_client::IdTokenAlg,
};
use ostiary::{
    app::support::login_counts,
    background::{self, Retention},
    store::{login_connections, login_flow_counts, login_flows},
};

use crate::{
    both,
    support::{Browser, IdentityProvider, Request, Tenant, TestApp, query},
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

struct Fixture {
    tenant: Tenant,
    key: String,
}

async fn fixture(app: &TestApp) -> Fixture {
    // What has expired must have expired by the database's clock too.
    app.clock.set_back(DAY * 3);
    let environment = app.environment("prod").await;
    let tenant = app.tenant(&environment, "acme.example").await;
    let key = app.api_key(&environment, true).await;
    Fixture { tenant, key }
}

/// What the job does by the defaults.
async fn sweep(app: &TestApp) {
    let year = DAY * 365;
    let retention = Retention {
        logins: year,
        personal_data: year,
        unfinished_logins: DAY,
        events: year,
        webhook_deliveries: year,
        scim_requests: year,
    };
    background::sweep(&app.state, retention).await.unwrap();
}

async fn flow_of(app: &TestApp, tenant: &Tenant, request: &Request) -> Option<LoginFlow> {
    let mut conn = app.state.db.read().await.unwrap();
    login_flows::find_by_request(&mut conn, tenant.connection.id.into(), &request.id).await.unwrap()
}

async fn find(app: &TestApp, tenant: &Tenant, id: LoginFlowId) -> Option<LoginFlow> {
    let mut conn = app.state.db.read().await.unwrap();
    login_flows::find(&mut conn, tenant.connection.id.into(), id).await.unwrap()
}

async fn number(app: &TestApp, text: &'static str) -> i64 {
    let mut conn = app.state.db.read().await.unwrap();
    let (number,): (i64,) = conn.sql(text).one().await.unwrap();
    number
}

async fn unfinished(app: &TestApp) -> i64 {
    let mut conn = app.state.db.read().await.unwrap();
    login_flow_counts::count_unfinished(&mut conn, 1000)
        .await
        .unwrap()
        .into_iter()
        .map(|(_, count)| count)
        .sum()
}

/// Begins a login and answers it by `response`, made from the request.
async fn answered(
    app: &TestApp,
    fixture: &Fixture,
    browser: &Browser,
    response: impl FnOnce(&Request) -> String,
) -> (Request, reqwest::StatusCode) {
    let request = app.begin(browser, &fixture.key, &fixture.tenant).await;
    let status = request.answer(browser, &fixture.tenant, &response(&request)).await.status;
    (request, status)
}

/// Stores so many refused logins of the tenant.
async fn store_refusals(app: &TestApp, tenant: &Tenant, count: usize) {
    let mut conn = app.state.db.read().await.unwrap();
    let target = login_connections::find_for_login(&mut conn, tenant.connection.id).await.unwrap().unwrap();
    drop(conn);
    let mut tx = app.state.db.write().await.unwrap();
    for _ in 0..count {
        let id = Id::new(app.now(), &SystemRandom);
        let mut flow =
            ostiary::app::login::new_flow(&target, FlowOrigin::Api, None, None, false, id, app.now());
        flow.status = FlowStatus::Failed;
        flow.refusal = Some("signature_mismatch".to_owned());
        login_flows::insert(&mut tx, &flow).await.unwrap();
    }
    tx.commit().await.unwrap();
}

both! {
    async fn a_login_that_nobody_finished_is_kept_for_a_day_and_what_happened_in_others_longer(app: TestApp) {
        let fixture = fixture(&app).await;
        let idp = IdentityProvider::get();
        let sign = |request: &Request, change: fn(&mut ostiary::test_idp::response::ResponseSpec)| {
            let mut spec = idp.response(&fixture.tenant, Some(&request.id), "dana@acme.example", app.now());
            change(&mut spec);
            idp.sign(&spec)
        };
        app.login_link(&fixture.key, &fixture.tenant, "never opened").await;
        let open = app.browser();
        let left_open = app.begin(&open, &fixture.key, &fixture.tenant).await;
        let (succeeded, status) = answered(&app, &fixture, &app.browser(), |request| sign(request, |_| {})).await;
        assert_eq!(status, 303);
        let (refused, status) = answered(&app, &fixture, &app.browser(), |request| {
            sign(request, |spec| spec.audience_restrictions = vec![vec!["https://other.example".to_owned()]])
        })
        .await;
        assert_eq!(status, 403);
        let (forged, status) = answered(&app, &fixture, &app.browser(), |request| {
            let other = IdentityProvider::other();
            other.sign(&other.response(&fixture.tenant, Some(&request.id), "dana@acme.example", app.now()))
        })
        .await;
        assert_eq!(status, 400);
        assert_eq!(unfinished(&app).await, 2);

        app.advance(DAY - HOUR);
        sweep(&app).await;
        assert_eq!(unfinished(&app).await, 2);
        assert!(flow_of(&app, &fixture.tenant, &left_open).await.is_some());

        app.advance(HOUR + HOUR);
        sweep(&app).await;
        assert_eq!(unfinished(&app).await, 0);
        assert!(flow_of(&app, &fixture.tenant, &left_open).await.is_none());
        for request in [&succeeded, &refused, &forged] {
            assert!(flow_of(&app, &fixture.tenant, request).await.is_some());
        }
        assert_eq!(number(&app, "SELECT COUNT(*) FROM login_flows").await, 3);
        let orphans = "SELECT COUNT(*) FROM login_flow_steps WHERE flow_id NOT IN (SELECT id FROM login_flows)";
        assert_eq!(number(&app, orphans).await, 0);

        // A late response gets the page of an unknown login.
        let late = left_open.answer(&open, &fixture.tenant, &sign(&left_open, |_| {})).await;
        assert_eq!(late.reason(), Some("in_response_to_unknown"), "{}", late.body);
    }

    async fn junk_makes_a_login_no_history_once_there_was_enough_of_it(app: TestApp) {
        let fixture = fixture(&app).await;
        store_refusals(&app, &fixture.tenant, 100).await;
        let browser = app.browser();
        let forged = |request: &Request| {
            let other = IdentityProvider::other();
            other.sign(&other.response(&fixture.tenant, Some(&request.id), "dana@acme.example", app.now()))
        };
        let (junk, status) = answered(&app, &fixture, &browser, forged).await;
        assert_eq!(status, 400);
        let id = flow_of(&app, &fixture.tenant, &junk).await.unwrap().id;
        for _ in 0..3 {
            assert_eq!(junk.answer(&browser, &fixture.tenant, &forged(&junk)).await.status, 400);
        }
        let steps = number(&app, "SELECT COUNT(*) FROM login_flow_steps WHERE kind = 'refused'").await;
        let documents =
            number(&app, "SELECT COUNT(*) FROM login_flow_steps WHERE kind = 'refused' AND document IS NOT NULL").await;
        assert_eq!((steps, documents), (1, 0), "the first refusal is said, and that is all");
        let flow = find(&app, &fixture.tenant, id).await.unwrap();
        assert_eq!(flow.status, FlowStatus::Failed);

        // Responses with a valid signature are still kept.
        let (signed, status) = answered(&app, &fixture, &app.browser(), |request| {
            let idp = IdentityProvider::get();
            let mut spec = idp.response(&fixture.tenant, Some(&request.id), "dana@acme.example", app.now());
            spec.audience_restrictions = vec![vec!["https://other.example".to_owned()]];
            idp.sign(&spec)
        })
        .await;
        assert_eq!(status, 403);

        app.advance(DAY + HOUR);
        sweep(&app).await;
        assert!(find(&app, &fixture.tenant, id).await.is_none());
        assert!(flow_of(&app, &fixture.tenant, &signed).await.is_some());
    }

    async fn a_signed_response_that_is_posted_again_and_again_is_written_down_so_often_only(app: TestApp) {
        let fixture = fixture(&app).await;
        let idp = IdentityProvider::get();
        let signed = idp.sign(&idp.response(&fixture.tenant, Some("_nobody_asked"), "dana@acme.example", app.now()));
        let post = async || app.browser().post(fixture.tenant.acs_url(), &[("SAMLResponse", &signed)]).await;
        store_refusals(&app, &fixture.tenant, 499).await;
        for _ in 0..3 {
            assert_eq!(post().await.reason(), Some("in_response_to_unknown"));
        }
        assert_eq!(number(&app, "SELECT COUNT(*) FROM login_flows").await, 500);
    }

    async fn an_unfinished_login_takes_a_few_kilobytes_whatever_was_asked(app: TestApp) {
        let fixture = fixture(&app).await;
        let (client, _) = app.oauth_client(&fixture.tenant.environment, IdTokenAlg::ES256).await;
        let client_id = client.id.to_string();
        let organization = fixture.tenant.organization.id.to_string();
        let (state, nonce, junk) = ("s".repeat(2048), "n".repeat(512), "j".repeat(3000));
        let authorize = |state: &str, nonce: &str| {
            let mut url = url::Url::parse(&app.url("/v1/oauth/authorize")).unwrap();
            url.query_pairs_mut().extend_pairs([
                ("client_id", client_id.as_str()),
                ("redirect_uri", &fixture.tenant.environment.oauth_redirect_uris[0].to_string()),
                ("response_type", "code"),
                ("scope", &format!("openid {junk}")),
                ("state", state),
                ("nonce", nonce),
                ("organization_id", &organization),
                ("junk", &junk),
            ]);
            url.to_string()
        };
        Request::read(&app.browser().get(&authorize(&state, &nonce)).await);
        let flow = "SELECT CAST(LENGTH(state) + LENGTH(oauth_nonce) + LENGTH(oauth_redirect_uri) + LENGTH(oauth_scope) \
                    + LENGTH(request_id) + LENGTH(browser_sha256) + LENGTH(id) + LENGTH(environment_id) \
                    + LENGTH(organization_id) + LENGTH(connection_id) + LENGTH(oauth_client_id) AS BIGINT) \
                    FROM login_flows JOIN saml_authn_requests ON flow_id = id";
        let steps = "SELECT CAST(LENGTH(document) + LENGTH(checks) AS BIGINT) FROM login_flow_steps";
        let (flow, steps) = (number(&app, flow).await, number(&app, steps).await);
        assert!(flow < 2048 + 512 + 800, "{flow}");
        assert!(steps < 1500, "{steps}");

        // What is larger is refused before anything is written.
        for url in [authorize(&"s".repeat(8000), &nonce), authorize(&state, &"n".repeat(8000))] {
            let answer = app.browser().get(&url).await;
            assert_eq!(query(&answer.location(), "error").as_deref(), Some("invalid_request"));
        }
        assert_eq!(number(&app, "SELECT COUNT(*) FROM login_flows").await, 1);
    }

    async fn an_hour_keeps_its_count_when_its_unfinished_logins_are_gone(app: TestApp) {
        let fixture = fixture(&app).await;
        let browser = app.browser();
        for _ in 0..3 {
            app.begin(&browser, &fixture.key, &fixture.tenant).await;
        }
        let total = async || {
            let mut conn = app.state.db.read().await.unwrap();
            let hour = login_counts::hour_of(app.now() - DAY - HOUR * 2);
            let rows: Vec<(i64,)> = conn
                .sql("SELECT in_progress FROM login_hours WHERE hour >= $1")
                .bind(hour)
                .all()
                .await
                .unwrap();
            rows.into_iter().map(|(count,)| count).sum::<i64>()
        };
        login_counts::count(&app.state, DAY).await.unwrap();
        assert_eq!(total().await, 3);
        app.advance(DAY + HOUR);
        sweep(&app).await;
        assert_eq!(number(&app, "SELECT COUNT(*) FROM login_flows").await, 0);
        login_counts::count(&app.state, DAY).await.unwrap();
        login_counts::observe_unfinished(&app.state).await.unwrap();
        assert_eq!(total().await, 3);
    }
}
