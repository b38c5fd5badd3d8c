//! The authorization endpoint: where errors go, which identity provider is chosen, and what it is asked.

use model::domain::{Domain, DomainState};
use ostiary::app::{
    authorization_server::clients::{self, OauthClientChange},
    principal::Principal,
};

use super::*;
use crate::both;

/// The error that went back to the client, with what must come along.
fn error_at_client(fixture: &Fixture<'_>, answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:#?}");
    let location = answer.location();
    assert!(location.as_str().starts_with(&fixture.redirect_uri), "{location}");
    assert_eq!(query(&location, "state").as_deref(), Some("s-1"), "{location}");
    assert!(query(&location, "code").is_none());
    assert!(!query(&location, "error_description").unwrap().is_empty());
    query(&location, "error").unwrap()
}

/// The values of a chooser's buttons.
fn choices(page: &Answer) -> Vec<String> {
    let buttons = page.body.split("name=\"organization_id\" value=\"").skip(1);
    buttons.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Presses the button of an organization.
async fn choose(browser: &Browser, page: &Answer, id: &str) -> Answer {
    let mut form = page.form();
    form.fields.push(("organization_id".to_owned(), id.to_owned()));
    browser.submit(page, &form).await
}

both! {
    async fn an_unknown_client_or_address_is_told_on_a_page_and_never_by_redirect(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let unknown = "saml_oauth_client_0000000000000000000000001";
        let near = format!("{}/", fixture.redirect_uri);
        for (changes, says) in [
            (vec![("client_id", "")], "client_id is required"),
            (vec![("client_id", "x")], "client_id is malformed"),
            (vec![("client_id", unknown)], unknown),
            (vec![("redirect_uri", near.as_str())], near.as_str()),
            (vec![("redirect_uri", "https://evil.example/")], fixture.redirect_uri.as_str()),
            (vec![("redirect_uri", "")], "redirect_uri is required"),
        ] {
            let answer = app.browser().get(&fixture.authorize_url(&changes)).await;
            assert_eq!(answer.status, 400, "{changes:?}");
            assert!(answer.headers.get("location").is_none());
            assert!(answer.header("content-type").starts_with("text/html"));
            assert!(answer.body.contains(says), "{changes:?}: {}", answer.body);
        }
        let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", fixture.authorize_url(&[]));
        assert_eq!(app.browser().get(&twice).await.status, 400);
        let markup = fixture.authorize_url(&[("redirect_uri", "https://evil.example/<script>alert(1)</script>")]);
        assert!(!app.browser().get(&markup).await.body.contains("<script>alert"));
    }

    async fn a_program_that_asks_for_json_is_told_in_json(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let browser = app.browser();
        let told = async |request: reqwest::RequestBuilder| {
            let answer = browser.send(request.header("accept", "application/json")).await;
            assert_eq!(answer.header("content-type"), "application/json", "{answer:#?}");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(!answer.json()["error_description"].as_str().unwrap().is_empty());
            error_of(&answer)
        };
        let unknown = fixture.authorize_url(&[("client_id", "x")]);
        assert_eq!(told(browser.request(Method::GET, &unknown)).await, (400, "invalid_request".into()));
        let no_form = browser.request(Method::POST, &app.url("/v1/oauth/authorize")).body("{}");
        assert_eq!(told(no_form).await, (400, "invalid_request".into()));
    }

    async fn every_other_mistake_goes_back_to_the_client(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        for (name, value, error) in [
            ("response_type", "", "invalid_request"),
            ("response_type", "token", "unsupported_response_type"),
            ("response_type", "code id_token", "unsupported_response_type"),
            ("response_mode", "form_post", "invalid_request"),
            ("prompt", "none", "login_required"),
            ("prompt", "none login", "invalid_request"),
            ("max_age", "soon", "invalid_request"),
            ("request", "eyJhbGciOiJub25lIn0..", "request_not_supported"),
            ("request_uri", "https://app.example/request", "request_uri_not_supported"),
            ("registration", "{}", "registration_not_supported"),
            ("code_challenge", "short", "invalid_request"),
            ("code_challenge_method", "S256", "invalid_request"),
            ("nonce", "\0", "invalid_request"),
            ("organization_id", "", "invalid_request"),
            ("organization_id", "org_x", "invalid_request"),
            ("organization_id", "org_0000000000000000000000001", "invalid_request"),
        ] {
            let answer = app.browser().get(&fixture.authorize_url(&[(name, value)])).await;
            assert_eq!(error_at_client(&fixture, &answer), error, "{name}={value}");
        }
        let plain = fixture.authorize_url(&[("code_challenge", CHALLENGE), ("code_challenge_method", "plain")]);
        assert_eq!(error_at_client(&fixture, &app.browser().get(&plain).await), "invalid_request");
        let unnamed = fixture.authorize_url(&[("code_challenge", CHALLENGE)]);
        assert_eq!(error_at_client(&fixture, &app.browser().get(&unnamed).await), "invalid_request");
        let twice = format!("{}&nonce=1&nonce=2", fixture.authorize_url(&[]));
        assert_eq!(error_at_client(&fixture, &app.browser().get(&twice).await), "invalid_request");
        // A repeated parameter is not echoed.
        let states = format!("{}&state=other", fixture.authorize_url(&[]));
        let location = app.browser().get(&states).await.location();
        assert_eq!(query(&location, "error").as_deref(), Some("invalid_request"));
        assert!(query(&location, "state").is_none());
    }

    async fn a_selector_reaches_no_other_environment(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let elsewhere = app.environment("elsewhere").await;
        let other = app.tenant(&elsewhere, "other.example").await;
        let connection = other.connection.id.to_string();
        let organization = other.organization.id.to_string();
        for (name, value) in [
            ("saml_connection_id", connection.as_str()),
            ("samlConnectionId", &connection),
            ("organizationId", &organization),
            ("organization_external_id", "customer-other.example"),
            ("domain_hint", "other.example"),
            ("login_hint", "dana@other.example"),
        ] {
            let url = fixture.authorize_url(&[("organization_id", ""), (name, value)]);
            assert_eq!(error_at_client(&fixture, &app.browser().get(&url).await), "invalid_request", "{name}");
        }
    }

    async fn a_hint_at_an_internationalised_domain_finds_its_organization(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let tenant = app.tenant(&fixture.environment, "bücher.example").await;
        for (name, value) in [
            ("login_hint", "anna@bücher.example"),
            ("login_hint", "anna@xn--bcher-kva.example"),
            ("domain_hint", "BÜCHER.example"),
        ] {
            let url = fixture.authorize_url(&[("organization_id", ""), (name, value)]);
            let request = Request::read(&app.browser().get(&url).await);
            assert!(request.xml.contains(&tenant.connection.sp_entity_id), "{name} {value}");
        }
        let url = fixture.authorize_url(&[("organization_id", ""), ("login_hint", "anna@\u{ff42}ücher.example")]);
        assert_eq!(error_at_client(&fixture, &app.browser().get(&url).await), "invalid_request");
    }

    async fn several_organizations_of_a_domain_are_a_choice(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let mut second = app.tenant(&fixture.environment, "second.example").await;
        let third = app.tenant(&fixture.environment, "third.example").await;
        let shared = Domain::parse("acme.example").unwrap();
        second.organization.domains.insert(shared.clone(), DomainState::Verified);
        app.store_organization(&second.organization).await;
        // One that merely claims the domain is not offered.
        let mut pending = third.organization.clone();
        pending.domains.insert(shared, DomainState::Pending);
        app.store_organization(&pending).await;

        for (name, value) in [("login_hint", "Dana@ACME.example"), ("domain_hint", "acme.example")] {
            let browser = app.browser();
            let url = fixture.authorize_url(&[("organization_id", ""), (name, value), ("nonce", "n&1")]);
            let page = browser.get(&url).await;
            assert_eq!(page.status, 200);
            assert!(page.body.contains("Company acme.example") && page.body.contains("Company second.example"));
            assert!(!page.body.contains("Company third.example"));
            let ids = choices(&page);
            assert_eq!(ids.len(), 2);
            let id = ids.into_iter().find(|id| *id == second.organization.id.to_string()).unwrap();
            let request = Request::read(&choose(&browser, &page, &id).await);
            let idp = IdentityProvider::get();
            let response = idp.response(&second, Some(&request.id), "dana@acme.example", app.now());
            let callback = request.answer(&browser, &second, &idp.sign(&response)).await.location();
            assert_eq!(query(&callback, "state").as_deref(), Some("s-1"));
            let tokens = fixture.token(&query(&callback, "code").unwrap(), &[]).await.json();
            let (_, claims) = decode(tokens["id_token"].as_str().unwrap());
            assert_eq!(claims["organizationId"], second.organization.id.to_string());
            assert_eq!(claims["nonce"], "n&1");
        }
    }

    async fn a_chooser_is_as_small_as_what_there_is_to_choose(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let domain = Domain::parse("acme.example").unwrap();
        for number in 0..49 {
            let mut tenant = app.tenant(&fixture.environment, &format!("part-{number}.example")).await;
            tenant.organization.domains.insert(domain.clone(), DomainState::Whitelisted);
            app.store_organization(&tenant.organization).await;
        }
        let hint = [("organization_id", ""), ("login_hint", "dana@acme.example")];
        let (state, nonce) = ("s".repeat(2048), "n".repeat(512));
        let longest = fixture.authorize_url(&[hint[0], hint[1], ("state", &state), ("nonce", &nonce)]);
        let browser = app.browser();
        let page = browser.get(&longest).await;
        assert_eq!((page.status.as_u16(), choices(&page).len()), (200, 50));
        let plain = browser.get(&fixture.authorize_url(&hint)).await.body.len();
        assert!(page.body.len() < 32 * 1024, "{}", page.body.len());
        assert_eq!(page.body.matches(&state).count(), 1, "what is the same for all stands there once");
        assert!(page.body.len() < plain + 2048 + 512 + 100);

        // Unknown parameters are not passed on, and too many of them are refused.
        let junk = |count: usize| (0..count).map(|n| format!("&junk{n}={}", "x".repeat(100))).collect::<String>();
        let some = format!("{}{}", fixture.authorize_url(&hint), junk(50));
        let answer = browser.get(&some).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, plain));
        for junk in [junk(100), format!("&junk={}", "x".repeat(1_000_000))] {
            let url: Url = fixture.authorize_url(&hint).parse().unwrap();
            let body = format!("{}{junk}", url.query().unwrap());
            let form = "application/x-www-form-urlencoded";
            let request = browser.request(Method::POST, &app.url("/v1/oauth/authorize")).header("content-type", form);
            let answer = browser.send(request.header("accept", "text/html").body(body)).await;
            assert!(matches!(answer.status.as_u16(), 400 | 413), "{}", answer.status);
            assert!(answer.body.len() < 8 * 1024, "{}", answer.body.len());
        }
    }

    async fn a_state_that_is_too_long_is_refused_at_the_client(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let answer = app.browser().get(&fixture.authorize_url(&[("state", &"s".repeat(4097))])).await;
        let location = answer.location();
        assert_eq!(query(&location, "error").as_deref(), Some("invalid_request"));
        assert_eq!(query(&location, "error_description").as_deref(), Some("state is longer than 4096 bytes"));
        assert!(query(&location, "state").is_none(), "what is not read is not echoed");
        let answer = app.browser().get(&fixture.authorize_url(&[("nonce", &"n".repeat(513))])).await;
        assert_eq!(error_at_client(&fixture, &answer), "invalid_request");
    }

    async fn a_login_can_be_forced_and_may_be_posted(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        for (name, value, forced) in [("prompt", "login", true), ("max_age", "0", true), ("prompt", "consent", false)] {
            let url: Url = fixture.authorize_url(&[(name, value)]).parse().unwrap();
            let fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let fields: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let answer = app.browser().post(&app.url("/v1/oauth/authorize"), &fields).await;
            let request = Request::read(&answer);
            assert_eq!(request.xml.contains("ForceAuthn=\"true\""), forced, "{name}={value}");
        }
        let browser = app.browser();
        let json = browser.request(Method::POST, &app.url("/v1/oauth/authorize")).json(&serde_json::json!({}));
        assert_eq!(browser.send(json).await.status, 400);
    }

    async fn a_refused_login_tells_the_person_and_lets_the_app_know(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let browser = app.browser();
        let request = Request::read(&browser.get(&fixture.authorize_url(&[])).await);
        let page = fixture.answer(&browser, &request, "dana@evil.example").await;
        assert_eq!(page.status, 403);
        assert_eq!(page.reason(), Some("email_outside_organization_domains"));
        let back = page.body.split("href=\"").find(|rest| rest.contains("access_denied"));
        let back: Url = back.unwrap().split('"').next().unwrap().replace("&amp;", "&").parse().unwrap();
        assert!(back.as_str().starts_with(&fixture.redirect_uri));
        assert_eq!(query(&back, "error").as_deref(), Some("access_denied"));
        assert_eq!(query(&back, "state").as_deref(), Some("s-1"));
        assert!(back.as_str().contains("saml_flow_"));
    }

    async fn a_connection_without_settings_refuses_and_keeps_the_flow(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let mut connection = fixture.tenant.connection.clone();
        connection.idp_redirect_url = None;
        app.update_connection(&connection).await;
        let page = app.browser().get(&fixture.authorize_url(&[])).await;
        assert_eq!(page.status, 403);
        assert_eq!(page.reason(), Some("connection_not_configured"));
        assert!(page.body.contains("access_denied"), "the way back to the app");
        let id = page.body.split("saml_flow_").nth(1).unwrap()[..25].to_owned();
        let mut conn = app.state.db.read().await.unwrap();
        let flow = format!("saml_flow_{id}").parse().unwrap();
        let flow = ostiary::store::login_flows::find(&mut conn, connection.id.into(), flow).await.unwrap().unwrap();
        assert_eq!(flow.refusal.as_deref(), Some("connection_not_configured"));
    }

    async fn a_login_from_the_customers_portal_begins_anew_at_the_app(app: TestApp) {
        let mut fixture = Fixture::new(&app).await;
        let change = OauthClientChange {
            id_token_alg: Some("ES256".to_owned()),
            initiate_login_uri: Some("https://app.example/login?from=portal".to_owned()),
            ..OauthClientChange::default()
        };
        let principal = Principal::operator(fixture.environment.id);
        let made = clients::create(&app.state, &principal, &change);
        let made = made.await.unwrap();
        fixture.client_id = made.client.id.to_string();
        fixture.secret = made.secret.reveal();
        fixture.environment.redirect_url = None;
        app.update_environment(&fixture.environment).await;

        let browser = app.browser();
        let idp = IdentityProvider::get();
        let unsolicited = idp.sign(&idp.response(&fixture.tenant, None, "mallory@acme.example", app.now()));
        let answer = browser.post(fixture.tenant.acs_url(), &[("SAMLResponse", &unsolicited)]).await;
        let to_app = answer.location();
        assert!(to_app.as_str().starts_with("https://app.example/login?from=portal&"), "{to_app}");
        assert_eq!(query(&to_app, "iss"), Some(app.url("/v1/oauth")));
        assert!(query(&to_app, "code").is_none());

        // The app continues with these parameters, as in OpenID Connect Core §4.
        let organization = query(&to_app, "organization_id").unwrap();
        let url = fixture.authorize_url(&[("organization_id", &organization)]);
        let callback = fixture.sign_in(&browser, &url, "dana@acme.example").await;
        let tokens = fixture.token(&query(&callback, "code").unwrap(), &[]).await.json();
        assert_eq!(decode(tokens["id_token"].as_str().unwrap()).1["sub"], "dana@acme.example");
    }

    async fn a_response_to_another_login_never_answers_this_one(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let (victim, attacker) = (app.browser(), app.browser());
        let theirs = Request::read(&victim.get(&fixture.authorize_url(&[("state", "victim")])).await);
        let mine = Request::read(&attacker.get(&fixture.authorize_url(&[("state", "attacker")])).await);
        // The attacker's good response, in the victim's browser: no code, for either state.
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&fixture.tenant, Some(&mine.id), "eve@acme.example", app.now()));
        for request in [&mine, &theirs] {
            let answer = request.answer(&victim, &fixture.tenant, &response).await;
            assert_eq!(answer.status, 403, "{answer:#?}");
            assert!(!answer.body.contains("code=") && !answer.body.contains("state=victim"));
        }
        let callback = fixture.answer(&victim, &theirs, "dana@acme.example").await.location();
        assert_eq!(query(&callback, "state").as_deref(), Some("victim"));
    }
}
