//! The login log: searched, read, and checked again.

use std::time::Duration;

use base::{
    id::{Id, LoginFlowId, OrganizationId, SamlConnectionId},
    random::{Random, SeededRandom},
};
use model::{
    administrator::Role,
    domain::{Domain, DomainState},
    email::Email,
    environment::{Environment, IdpInitiated},
    login_flow::{FlowOrigin, FlowStatus, LoginFlow, LoginProtocol},
};
use ostiary::{
    app::{
        pagination::PageQuery,
        principal::Principal,
        support::{
            flows::{self, CheckChange, FlowQuery},
            login_counts,
            overview::{self, NextStep, Period},
        },
    },
    store::{login_counts::Outcomes, login_flow_steps, login_flows},
};
use reqwest::Method;
use serde_json::{Value, json};
use strum::VariantArray;

use crate::{
    both,
    support::{Browser, IdentityProvider, Request, Tenant, TestApp},
};

struct Fixture {
    tenant: Tenant,
    key: String,
}

async fn fixture(app: &TestApp) -> Fixture {
    let environment = app.environment("prod").await;
    let tenant = app.tenant(&environment, "acme.example").await;
    let key = app.api_key(&environment, true).await;
    Fixture { tenant, key }
}

/// Begins a login and answers it with a response for `email`, changed before it is signed.
async fn log_in(
    app: &TestApp,
    fixture: &Fixture,
    email: &str,
    change: impl FnOnce(&mut ostiary::test_idp::response::ResponseSpec),
) -> LoginFlowId {
    answer_from(app, fixture, email, change, None, IdentityProvider::get()).await
}

async fn answer_from(
    app: &TestApp,
    fixture: &Fixture,
    email: &str,
    change: impl FnOnce(&mut ostiary::test_idp::response::ResponseSpec),
    other_browser: Option<Browser>,
    idp: &IdentityProvider,
) -> LoginFlowId {
    app.advance(Duration::from_secs(1));
    let browser = app.browser();
    let request = app.begin(&browser, &fixture.key, &fixture.tenant).await;
    let mut spec = idp.response(&fixture.tenant, Some(&request.id), email, app.now());
    change(&mut spec);
    request.answer(other_browser.as_ref().unwrap_or(&browser), &fixture.tenant, &idp.sign(&spec)).await;
    flow_of(app, fixture, &request).await
}

async fn flow_of(app: &TestApp, fixture: &Fixture, request: &Request) -> LoginFlowId {
    let mut conn = app.state.db.read().await.unwrap();
    let connection = fixture.tenant.connection.id;
    login_flows::find_by_request(&mut conn, connection.into(), &request.id).await.unwrap().unwrap().id
}

async fn get(app: &TestApp, key: &str, path: &str) -> Value {
    let answer = app.api(key, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

fn ids(page: &Value) -> Vec<String> {
    let flows = page["samlFlows"].as_array().unwrap();
    flows.iter().map(|flow| flow["id"].as_str().unwrap().to_owned()).collect()
}

async fn check(app: &TestApp, fixture: &Fixture, id: LoginFlowId) -> Value {
    let answer = app.api(&fixture.key, Method::POST, &format!("/v1/saml-flows/{id}/check"), None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

fn change_of(checked: &Value, name: &str) -> Vec<String> {
    let checks = checked["checks"].as_array().unwrap().iter().filter(|check| check["name"] == name);
    checks.map(|check| check["change"].as_str().unwrap().to_owned()).collect()
}

/// The row counts of every table that a login writes to.
async fn written(app: &TestApp) -> Vec<(i64, i64)> {
    let mut conn = app.state.db.read().await.unwrap();
    let mut all = Vec::new();
    for text in [
        "SELECT COUNT(*), COALESCE(MAX(updated_at), 0) FROM login_flows",
        "SELECT COUNT(*), COALESCE(MAX(at), 0) FROM login_flow_steps",
        "SELECT COUNT(*), COALESCE(MAX(expires_at), 0) FROM saml_assertions_seen",
    ] {
        all.push(conn.sql(text).one().await.unwrap());
    }
    all
}

both! {
    async fn a_refused_login_is_found_by_the_address_that_was_sent(app: TestApp) {
        let fixture = fixture(&app).await;
        let outside = log_in(&app, &fixture, "Dana@gmail.example", |_| {}).await;
        let audience = log_in(&app, &fixture, "dana@gmail.example", |spec| {
            spec.audience_restrictions = vec![vec!["https://other.example".to_owned()]];
        }).await;
        // Another browser, which is known here but did not begin this login.
        let other = app.browser();
        app.begin(&other, &fixture.key, &fixture.tenant).await;
        let elsewhere =
            answer_from(&app, &fixture, "dana@gmail.example", |_| {}, Some(other), IdentityProvider::get())
                .await;
        // An unverified response names no user.
        answer_from(&app, &fixture, "dana@gmail.example", |_| {}, None, IdentityProvider::other()).await;
        log_in(&app, &fixture, "erin@acme.example", |_| {}).await;

        let page = get(&app, &fixture.key, "/v1/saml-flows?email=DANA%40gmail.example").await;
        assert_eq!(ids(&page), [elsewhere, audience, outside].map(|id| id.to_string()));
        for flow in page["samlFlows"].as_array().unwrap() {
            assert_eq!(flow["email"], "", "nobody signed in");
            assert_eq!(flow["claimedEmail"].as_str().unwrap().to_ascii_lowercase(), "dana@gmail.example");
        }
        assert_eq!(page["samlFlows"][2]["refusal"], "email_outside_organization_domains");
        assert_eq!(page["samlFlows"][0]["status"], "SAML_FLOW_STATUS_IN_PROGRESS", "its own browser may still come");

        let flow = get(&app, &fixture.key, &format!("/v1/saml-flows/{outside}")).await["samlFlow"].clone();
        assert_eq!(flow["status"], "SAML_FLOW_STATUS_FAILED");
        assert_eq!(flow["emailOutsideOrganizationDomains"], "gmail.example");
        assert!(flow["initiateRequest"].as_str().unwrap().contains("AuthnRequest"));
        assert!(flow["assertion"].as_str().unwrap().contains("Dana@gmail.example"));
        assert!(flow["steps"][1]["checks"].as_array().unwrap().len() > 20);
        let flow = get(&app, &fixture.key, &format!("/v1/saml-flows/{audience}")).await["samlFlow"].clone();
        assert_eq!(flow["badAudience"], "https://other.example");
    }

    async fn who_signs_in_after_a_refusal_is_the_one_who_counts(app: TestApp) {
        let fixture = fixture(&app).await;
        let browser = app.browser();
        let request = app.begin(&browser, &fixture.key, &fixture.tenant).await;
        let idp = IdentityProvider::get();
        let answer = async |email: &str| {
            let spec = idp.response(&fixture.tenant, Some(&request.id), email, app.now());
            request.answer(&browser, &fixture.tenant, &idp.sign(&spec)).await
        };
        answer("dana@gmail.example").await;
        answer("dana@acme.example").await;
        // Later steps name no user.
        answer("eve@acme.example").await;
        let id = flow_of(&app, &fixture, &request).await;
        let flow = get(&app, &fixture.key, &format!("/v1/saml-flows/{id}")).await["samlFlow"].clone();
        assert_eq!((&flow["email"], &flow["claimedEmail"]), (&json!("dana@acme.example"), &json!("")));
        let found = async |email: &str| ids(&get(&app, &fixture.key, &format!("/v1/saml-flows?email={email}")).await);
        assert_eq!(found("dana@acme.example").await, [id.to_string()]);
        assert!(found("dana@gmail.example").await.is_empty() && found("eve@acme.example").await.is_empty());
    }

    async fn a_response_is_checked_again_with_todays_settings(app: TestApp) {
        let mut fixture = fixture(&app).await;
        let outside = log_in(&app, &fixture, "dana@gmail.example", |_| {}).await;
        let audience = log_in(&app, &fixture, "dana@acme.example", |spec| {
            spec.audience_restrictions = vec![vec!["https://old.example/saml".to_owned()]];
        }).await;
        let rotated =
            answer_from(&app, &fixture, "dana@acme.example", |_| {}, None, IdentityProvider::other()).await;
        let good = log_in(&app, &fixture, "dana@acme.example", |_| {}).await;
        // Days later: the assertion would have expired long ago.
        app.advance(Duration::from_secs(3 * 24 * 3600));
        let before = written(&app).await;
        for (id, code) in [
            (outside, "email_outside_organization_domains"),
            (audience, "assertion_audience"),
            (rotated, "signature_mismatch"),
        ] {
            let checked = check(&app, &fixture, id).await;
            assert_eq!((&checked["passed"], &checked["refusal"]), (&json!(false), &json!(code)));
            assert_eq!(change_of(&checked, code), ["still_failed"]);
        }
        let checked = check(&app, &fixture, good).await;
        assert_eq!((&checked["passed"], &checked["email"]), (&json!(true), &json!("dana@acme.example")));
        assert_eq!(change_of(&checked, "assertion_replayed"), ["not_asked"], "the first use is no second one");
        assert_eq!(written(&app).await, before, "checking writes nothing");

        // The vendor fixes the settings.
        let mut organization = fixture.tenant.organization.clone();
        organization.domains.insert(Domain::parse("gmail.example").unwrap(), DomainState::Whitelisted);
        app.store_organization(&organization).await;
        let checked = check(&app, &fixture, outside).await;
        assert_eq!((&checked["passed"], &checked["email"]), (&json!(true), &json!("dana@gmail.example")));
        assert_eq!(change_of(&checked, "email_outside_organization_domains"), ["mended"]);

        let pem = |idp: &IdentityProvider| idp.keys.certificate_pem().unwrap();
        fixture.tenant.connection.idp_certificates.push(pem(IdentityProvider::other()));
        app.update_connection(&fixture.tenant.connection).await;
        let checked = check(&app, &fixture, rotated).await;
        assert_eq!(checked["passed"], true, "{checked}");
        assert_eq!(change_of(&checked, "signature_mismatch"), ["not_asked"], "it is a note when it holds");
        let signed = [change_of(&checked, "response_signature"), change_of(&checked, "assertion_signature")];
        assert!(signed.concat().iter().all(|change| change == "newly_passed") && !signed.concat().is_empty());

        fixture.tenant.connection.sp_entity_id = "https://old.example/saml".to_owned();
        app.update_connection(&fixture.tenant.connection).await;
        let checked = check(&app, &fixture, audience).await;
        assert_eq!((&checked["passed"], &checked["refusal"]), (&json!(true), &json!("")), "{checked}");
        assert_eq!(change_of(&checked, "assertion_audience"), ["mended"]);
        let checked = check(&app, &fixture, good).await;
        assert_eq!(change_of(&checked, "assertion_audience"), ["broken"]);

        // What is not kept cannot be checked.
        let mut tx = app.state.db.write().await.unwrap();
        let later = app.now() + Duration::from_secs(31 * 24 * 3600);
        assert!(login_flow_steps::remove_expired_documents(&mut tx, later).await.unwrap() > 0);
        tx.commit().await.unwrap();
        let answer = app.api(&fixture.key, Method::POST, &format!("/v1/saml-flows/{good}/check"), None).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!(9)), "{}", answer.body);
    }

    async fn another_environments_login_is_not_there(app: TestApp) {
        let fixture = fixture(&app).await;
        let id = log_in(&app, &fixture, "dana@acme.example", |_| {}).await;
        let other = app.environment("other").await;
        let key = app.api_key(&other, true).await;
        for (method, path) in
            [(Method::GET, format!("/v1/saml-flows/{id}")), (Method::POST, format!("/v1/saml-flows/{id}/check"))]
        {
            assert_eq!(app.api(&key, method, &path, None).await.status, 404, "{path}");
        }
        let organization = fixture.tenant.organization.id;
        let connection = fixture.tenant.connection.id;
        for query in [
            "".to_owned(),
            "?email=dana@acme.example".to_owned(),
            format!("?organizationId={organization}"),
            format!("?samlConnectionId={connection}&status=in_progress"),
        ] {
            assert!(ids(&get(&app, &key, &format!("/v1/saml-flows{query}")).await).is_empty(), "{query}");
            assert_eq!(ids(&get(&app, &fixture.key, &format!("/v1/saml-flows{query}")).await), [id.to_string()]);
        }
        for bad in ["email=dana", "status=ok", "since=soon", "organizationId=x", "samlConnectionId=org_1"] {
            let answer = app.api(&fixture.key, Method::GET, &format!("/v1/saml-flows?{bad}"), None).await;
            assert_eq!(answer.status, 400, "{bad}");
        }
    }

    async fn filters_find_what_counting_finds(app: TestApp) {
        let environment = app.environment("prod").await;
        let random = SeededRandom::new(5);
        let pick = |most: u128| (random.bits() % most) as usize;
        let organizations: Vec<OrganizationId> = (0..3).map(|n| Id::from_bits(100 + n)).collect();
        let connections: Vec<SamlConnectionId> = (0..4).map(|n| Id::from_bits(200 + n)).collect();
        let people = ["dana@acme.example", "Dana@ACME.example", "erin@acme.example", "x@gmail.example"];
        let codes = ["assertion_audience", "signature_mismatch"];
        let mut all: Vec<LoginFlow> = Vec::new();
        let mut tx = app.state.db.write().await.unwrap();
        for _ in 0..240 {
            app.clock.advance(Duration::from_millis(1 + pick(90_000) as u64));
            let status = FlowStatus::VARIANTS[pick(3)];
            let person = Email::parse(people[pick(4)]);
            let (email, claimed_email) = match (status, pick(3)) {
                (FlowStatus::Succeeded, _) => (person, None),
                (FlowStatus::Failed, 0 | 1) => (None, person),
                _ => (None, None),
            };
            let flow = LoginFlow {
                id: Id::new(app.now(), &random),
                environment_id: if pick(5) == 0 { Id::from_bits(7) } else { environment.id },
                organization_id: organizations[pick(3)],
                protocol: LoginProtocol::Saml,
        connection_id: Some(connections[pick(4)].into()),
        user_id: None,
        application_id: None,
        amr: Vec::new(),
                origin: FlowOrigin::Api,
                status,
                refusal: (status == FlowStatus::Failed || pick(9) == 0).then(|| codes[pick(2)].to_owned()),
                state: None,
                email,
                claimed_email,
                attributes: Default::default(),
                sealed_attributes: None,
                request: None,
                oauth: None,
                force_authn: false,
                authenticated_at: None,
                answered_at: None,
                redeemed_at: None,
                created_at: app.now(),
                updated_at: app.now(),
            };
            login_flows::insert(&mut tx, &flow).await.unwrap();
            all.push(flow);
        }
        tx.commit().await.unwrap();
        all.retain(|flow| flow.environment_id == environment.id);
        all.sort_by_key(|flow| std::cmp::Reverse(flow.id));
        let mut found_any = 0;
        for _ in 0..120 {
            let (since, until) = (&all[pick(all.len() as u128)], &all[pick(all.len() as u128)]);
            let mut query = FlowQuery::default();
            let mut wanted: Vec<&LoginFlow> = all.iter().collect();
            if pick(3) == 0 {
                let id = organizations[pick(3)];
                query.organization_id = id.to_string();
                wanted.retain(|flow| flow.organization_id == id);
            }
            if pick(3) == 0 {
                let id = connections[pick(4)];
                query.saml_connection_id = id.to_string();
                wanted.retain(|flow| flow.connection_id == Some(id.into()));
            }
            if pick(3) == 0 {
                let key = people[pick(4)].to_ascii_lowercase();
                wanted.retain(|flow| {
                    flow.email.as_ref().or(flow.claimed_email.as_ref()).is_some_and(|email| email.key() == key)
                });
                query.email = key.to_ascii_uppercase();
            }
            if pick(3) == 0 {
                let status = FlowStatus::VARIANTS[pick(3)];
                query.status = status.as_str().to_owned();
                wanted.retain(|flow| flow.status == status);
            }
            if pick(4) == 0 {
                query.refusal = codes[pick(2)].to_owned();
                wanted.retain(|flow| flow.refusal.as_ref() == Some(&query.refusal));
            }
            if pick(4) == 0 {
                query.since = since.created_at.to_string();
                wanted.retain(|flow| flow.created_at >= since.created_at);
            }
            if pick(4) == 0 {
                query.until = until.created_at.to_string();
                wanted.retain(|flow| flow.created_at < until.created_at);
            }
            let found = everything(&app, &environment, &query).await;
            let wanted: Vec<LoginFlowId> = wanted.iter().map(|flow| flow.id).collect();
            found_any += usize::from(!wanted.is_empty());
            assert_eq!(found, wanted, "{query:?}");
        }
        assert!(found_any > 40, "only {found_any} of the queries had an answer");
    }

    async fn a_rare_login_is_found_behind_ten_thousand_others(app: TestApp) {
        let environment = app.environment("prod").await;
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 25000) \
             INSERT INTO login_flows (id, environment_id, organization_id, protocol, connection_id, origin, status, \
             force_authn, unfinished, created_at, updated_at) \
             SELECT 'saml_flow_' || substr('0000000000000000000000000', 1, 25 - length(CAST(n AS TEXT))) \
             || CAST(n AS TEXT), $1, 'org_0000000000000000000000001', 'saml', \
             CASE WHEN n = 7 THEN 'saml_conn_0000000000000000000000007' ELSE 'saml_conn_0000000000000000000000001' END, \
             'api', 'in_progress', false, true, n, n FROM numbers",
        )
        .bind(environment.id)
        .execute()
        .await
        .unwrap();
        tx.commit().await.unwrap();
        let query = FlowQuery {
            saml_connection_id: "saml_conn_0000000000000000000000007".to_owned(),
            ..FlowQuery::default()
        };
        let principal = Principal::operator(environment.id);
        let first = flows::list(&app.state, &principal, &query, &PageQuery::default()).await.unwrap();
        assert!(first.items.is_empty() && !first.next_token.is_empty(), "one call looks at so many and no more");
        let found = everything(&app, &environment, &query).await;
        assert_eq!(found, ["saml_flow_0000000000000000000000007".parse::<LoginFlowId>().unwrap()]);
    }

    async fn what_was_not_checked_is_distinguished_from_what_was_fixed(app: TestApp) {
        let fixture = fixture(&app).await;
        let id = log_in(&app, &fixture, "dana@gmail.example", |spec| spec.set_issuer("https://other.example")).await;
        let principal = Principal::operator(fixture.tenant.environment.id);
        let mut connection = fixture.tenant.connection.clone();
        connection.idp_entity_id = Some("https://other.example".to_owned());
        app.update_connection(&connection).await;
        let checked = flows::recheck(&app.state, &principal, id).await.unwrap();
        assert_eq!(checked.outcome.as_ref().err(), Some(&"email_outside_organization_domains"));
        let change = |name: &str| {
            let compared = checked.comparisons();
            compared.iter().find(|c| c.now.is_some_and(|check| check.name == name)).map(|c| c.change())
        };
        assert_eq!(change("assertion_issuer"), Some(CheckChange::Fixed));
        assert_eq!(change("email_outside_organization_domains"), Some(CheckChange::NewlyFailed));
        assert_eq!(change("assertion_audience"), Some(CheckChange::StillPassed));
    }
}

/// Every page of a list, seven at a time.
async fn everything(app: &TestApp, environment: &Environment, query: &FlowQuery) -> Vec<LoginFlowId> {
    let principal = Principal::operator(environment.id);
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let page = PageQuery { token: token.take(), size: Some("7".to_owned()) };
        let page = flows::list(&app.state, &principal, query, &page).await.unwrap();
        found.extend(page.items.iter().map(|flow| flow.id));
        if page.next_token.is_empty() {
            return found;
        }
        token = Some(page.next_token);
    }
}

both! {
    async fn counts_are_what_counting_gives(app: TestApp) {
        let mut fixture = fixture(&app).await;
        fixture.tenant.connection.idp_initiated = Some(IdpInitiated::Allow);
        app.update_connection(&fixture.tenant.connection).await;
        let principal = Principal::operator(fixture.tenant.environment.id);
        let globex = app.tenant(&fixture.tenant.environment, "globex.example").await;
        let other = Fixture { tenant: globex, key: fixture.key.clone() };
        log_in(&app, &fixture, "dana@gmail.example", |_| {}).await;
        for _ in 0..3 {
            log_in(&app, &other, "hank@gmail.example", |_| {}).await;
        }
        app.browser().post(fixture.tenant.acs_url(), &[("SAMLResponse", "AAAA")]).await;
        app.advance(Duration::from_secs(5 * 3600));
        let left_open = log_in(&app, &other, "hank@globex.example", |_| {}).await;
        login_counts::count(&app.state, Duration::from_secs(24 * 3600)).await.unwrap();
        assert_counted(&app, &principal).await;

        // One user signs in, one is refused long after the login began.
        let browser = app.browser();
        app.advance(Duration::from_secs(1));
        let request = app.begin(&browser, &fixture.key, &fixture.tenant).await;
        let idp = IdentityProvider::get();
        let answer = idp.sign(&idp.response(&fixture.tenant, Some(&request.id), "dana@acme.example", app.now()));
        let answer = request.answer(&browser, &fixture.tenant, &answer).await;
        let code = crate::support::query(&answer.location(), "saml_access_code").unwrap();
        let redeemed = app.redeem(&fixture.key, &code).await;
        assert_eq!(redeemed.status, 200, "{}", redeemed.body);
        let late = app.browser();
        let request = app.begin(&late, &fixture.key, &other.tenant).await;
        app.advance(Duration::from_secs(3 * 3600));
        let spec = idp.response(&other.tenant, Some(&request.id), "hank@globex.example", app.now());
        request.answer(&late, &other.tenant, &idp.sign(&spec)).await;
        login_counts::count(&app.state, Duration::from_secs(24 * 3600)).await.unwrap();
        login_counts::count(&app.state, Duration::from_secs(24 * 3600)).await.unwrap();
        assert_counted(&app, &principal).await;

        let shown = overview::load(&app.state, &principal, Period::Day).await.unwrap();
        let failed: Vec<_> = shown.organizations.iter().map(|o| (o.organization_id, o.failed)).collect();
        assert_eq!(failed, [(other.tenant.organization.id, 4), (fixture.tenant.organization.id, 1)]);
        let failing: Vec<_> = shown.connections.iter().map(|f| f.connection.connection_id).collect();
        assert_eq!(failing, [other.tenant.connection.id.into()], "Acme has let somebody in since");
        assert_eq!(shown.connections[0].flow.as_ref().unwrap().refusal.as_deref(), Some("request_expired"));
        assert_ne!(shown.connections[0].flow.as_ref().unwrap().id, left_open);
        assert_eq!(shown.next, None);

        // Another environment has counts of its own.
        let empty = app.environment("empty").await;
        let shown = overview::load(&app.state, &Principal::operator(empty.id), Period::TwoWeeks).await.unwrap();
        assert!(shown.bars.iter().all(|bar| bar.outcomes == Outcomes::default()));
        assert!(shown.organizations.is_empty() && shown.connections.is_empty());
        assert_eq!(shown.next, Some(NextStep::Organization));
    }

    async fn a_directory_that_nobody_calls_any_more_is_told(app: TestApp) {
        let fixture = fixture(&app).await;
        let principal = Principal::operator(fixture.tenant.environment.id);
        let never = app.directory(&fixture.tenant).await;
        let globex = app.tenant(&fixture.tenant.environment, "globex.example").await;
        let directory = app.directory(&globex).await;
        let token = ostiary::app::directories::rotate(&app.state, &principal, directory.directory.id, None, Duration::ZERO)
            .await
            .unwrap();
        let call = async || {
            let browser = app.browser();
            let url = format!("{}/Users", directory.directory.scim_base_url);
            let request = browser.request(Method::GET, &url).bearer_auth(token.reveal());
            assert_eq!(browser.send(request).await.status, 200);
        };
        let silent = async || {
            let shown = overview::load(&app.state, &principal, Period::Day).await.unwrap();
            shown.directories.iter().map(|silent| silent.directory_id).collect::<Vec<_>>()
        };
        call().await;
        assert!(silent().await.is_empty());
        app.advance(Duration::from_secs(24 * 3600 + 1));
        assert_eq!(silent().await, [directory.directory.id]);
        assert_ne!(never.directory.id, directory.directory.id);
        call().await;
        assert!(silent().await.is_empty());
    }
}

/// Compares the overview's counts with the logins.
async fn assert_counted(app: &TestApp, principal: &Principal) {
    let mut conn = app.state.db.read().await.unwrap();
    let (succeeded, failed, in_progress, stray): (i64, i64, i64, i64) = conn
        .sql(
            "SELECT COUNT(CASE WHEN status = 'succeeded' THEN 1 END), \
             COUNT(CASE WHEN status = 'failed' AND origin <> 'detached' THEN 1 END), \
             COUNT(CASE WHEN status = 'in_progress' THEN 1 END), \
             COUNT(CASE WHEN origin = 'detached' THEN 1 END) FROM login_flows",
        )
        .one()
        .await
        .unwrap();
    drop(conn);
    for span in [Period::Day, Period::TwoWeeks] {
        let shown = overview::load(&app.state, principal, span).await.unwrap();
        let all = shown.bars.iter().fold(Outcomes::default(), |sum, bar| sum.plus(bar.outcomes));
        assert_eq!(all, Outcomes { succeeded, failed, in_progress, stray }, "{span:?}");
    }
}

both! {
    async fn a_viewer_finds_a_refused_login_in_the_console_and_checks_it_again(app: TestApp) {
        let fixture = fixture(&app).await;
        let environment = &fixture.tenant.environment;
        let refused = log_in(&app, &fixture, "dana@gmail.example", |_| {}).await;
        let good = log_in(&app, &fixture, "erin@acme.example", |_| {}).await;
        login_counts::count(&app.state, Duration::from_secs(24 * 3600)).await.unwrap();
        let viewer = app.administrator(Role::Viewer, Some(environment)).await;
        let at = |path: &str| app.url(&format!("/console/{}{path}", environment.id));

        // By what support knows: the address, the organization, the error code, the id.
        for (query, found, missing) in [
            ("?q=Dana%40GMAIL.example", Some(refused), Some(good)),
            ("?q=Company&outcome=failed", Some(refused), Some(good)),
            ("?q=email_outside_organization_domains&time=1h", Some(refused), Some(good)),
            ("?outcome=in_progress", Some(good), Some(refused)),
            ("", Some(good), None),
            ("?q=nobody%40acme.example", None, Some(good)),
        ] {
            let page = viewer.get(&at(&format!("/flows{query}"))).await;
            assert_eq!(page.status, 200, "{query}");
            assert_eq!(page.header("cache-control"), "no-store");
            assert!(found.is_none_or(|id| page.body.contains(&id.to_string())), "{query}: {}", page.body);
            assert!(missing.is_none_or(|id| !page.body.contains(&id.to_string())), "{query}");
        }
        for query in ["?q=%3Cscript%3E", "?q=dana%40", "?outcome=x"] {
            let page = viewer.get(&at(&format!("/flows{query}"))).await;
            assert!(page.status == 400 && !page.body.contains("<script>"), "{query}: {}", page.status);
        }
        let page = viewer.get(&at(&format!("/flows?q={refused}"))).await;
        assert_eq!(page.location().as_str(), at(&format!("/flows/{refused}")));

        // The page shows the failed check first; the document is there, with its signed part marked.
        let page = viewer.get(&at(&format!("/flows/{refused}"))).await;
        assert_eq!((page.status.as_u16(), page.header("cache-control")), (200, "no-store"));
        for text in [
            "This check failed",
            "email_outside_organization_domains",
            "dana@gmail.example",
            "acme.example",
            "The customer’s IT team",
            "<mark class=\"signed\">",
            "AuthnRequest",
            "Its key made the signature in this login",
        ] {
            assert!(page.body.contains(text), "{text} is not in {}", page.body);
        }

        // A viewer may check again; the form is protected like every other.
        let url = at(&format!("/flows/{refused}/check"));
        let token = page.body.split("name=\"form_token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let checked = viewer.post(&url, &[("form_token", token)]).await;
        assert_eq!(checked.status, 200, "{}", checked.body);
        assert!(checked.body.contains("The login would still be refused") && checked.body.contains("Still fails"));
        assert_eq!(viewer.post(&url, &[]).await.status, 403);
        assert_eq!(viewer.get(&url).await.location().path(), format!("/console/{}/flows/{refused}", environment.id));
        let mut organization = fixture.tenant.organization.clone();
        organization.domains.insert(Domain::parse("gmail.example").unwrap(), DomainState::Whitelisted);
        app.store_organization(&organization).await;
        let checked = viewer.post(&url, &[("form_token", token)]).await;
        assert!(checked.body.contains("dana@gmail.example would be signed in") && checked.body.contains("Fixed now"));

        let overview = viewer.get(&at("")).await;
        assert_eq!(overview.status, 200, "{}", overview.body);
        assert!(overview.body.contains("Failing connections") && overview.body.contains(&refused.to_string()));

        // A shared link leads to the page after sign-in, and is not found without a role.
        let stranger = app.browser().get(&at(&format!("/flows/{refused}"))).await;
        let next = crate::support::query(&stranger.location(), "next").unwrap();
        assert_eq!(next, format!("/console/{}/flows/{refused}", environment.id));
        let other = app.environment("other").await;
        let elsewhere = app.administrator(Role::Owner, Some(&other)).await;
        for path in ["", "/flows", &format!("/flows/{refused}")] {
            assert_eq!(elsewhere.get(&at(path)).await.status, 404, "{path}");
            let own = app.url(&format!("/console/{}{path}", other.id));
            assert!(!elsewhere.get(&own).await.body.contains("gmail.example"), "{path}");
        }
    }
}
