//! Requests that OAuth 2.0 Security Best Current Practice (RFC 9700) and OpenID Connect say what to do with.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::application::ClientKind;
use oauth::{algorithm::IdTokenAlg, signing_key::SigningKey};
use ostiary::app::applications::{ApplicationChange, NewApplication};
use reqwest::{Method, header};
use serde_json::json;

use super::{
    BASE64, CALLBACK, CHALLENGE, EMAIL, PASSWORD, SIGNED_OUT, VERIFIER, World, add_application, add_user,
    assert_error, claims, code, give, password, text, world,
};
use crate::{
    both,
    support::{Answer, Browser, TestApp, query},
};

/// The code that somebody gets who signs in for this request.
async fn code_for(world: &World, browser: &Browser, authorize: &str) -> String {
    let page = world.password_page(browser, authorize, EMAIL).await;
    code(&give(browser, &page, "password", PASSWORD).await)
}

/// Asserts that the application is told of an error, with what it said and who says it.
#[track_caller]
fn assert_refused(app: &TestApp, world: &World, answer: &Answer, error: &str) {
    assert_eq!(answer.status, 303, "{}", answer.body);
    let location = answer.location();
    assert!(location.as_str().starts_with(&format!("{CALLBACK}?")), "{location}");
    assert_eq!(query(&location, "error").as_deref(), Some(error), "{location}");
    assert!(query(&location, "error_description").is_some_and(|text| !text.is_empty()));
    assert_eq!(query(&location, "iss"), Some(app.url(&world.issuer)));
    assert!(query(&location, "code").is_none() && query(&location, "access_token").is_none());
    assert!(location.fragment().is_none());
}

both! {
    async fn a_redirect_uri_is_compared_as_a_text(app: TestApp) {
        let world = world(&app).await;
        for uri in [
            "https://portal.example/Callback",
            "https://portal.example/%63allback",
            "https://portal.example/callback%2F",
            "https://portal.example/callback;x",
            "https://portal.example/callback%23",
            "https://portal.example./callback",
            "https://portal.example\\@evil.example/callback",
            "https://portal.example/callback\\",
            " https://portal.example/callback",
            "https://portal.example/callback ",
            "https://portal.example/callback\r\nset-cookie: x=y",
            "https://user@portal.example/callback",
            "HTTPS://portal.example/callback",
            "https:/portal.example/callback",
            "portal.example/callback",
            "/callback",
            "data:text/html,x",
            "about:blank",
        ] {
            let answer = app.browser().get(&world.authorize(&app, &[("redirect_uri", uri)])).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (400, Some("invalid_request")), "{uri:?}");
            assert!(answer.headers.get(header::LOCATION).is_none(), "{uri:?}");
        }
    }

    async fn only_an_app_on_a_persons_machine_may_choose_its_port(app: TestApp) {
        let mut world = world(&app).await;
        const REGISTERED: &str = "http://127.0.0.1/cb";
        const SENT: &str = "http://127.0.0.1:51004/cb";
        for kind in [ClientKind::Public, ClientKind::Web] {
            let change = ApplicationChange { redirect_uris: Some(vec![REGISTERED.into()]), ..ApplicationChange::default() };
            let new = NewApplication { kind, workspace: None, organization_id: None };
            world.client = app.make_client(&world.environment, new, &change).await;
            let authorize = world.authorize(&app, &[("redirect_uri", SENT)]);
            let browser = app.browser();
            if kind == ClientKind::Web {
                assert_eq!(browser.get(&authorize).await.reason(), Some("invalid_request"));
                continue;
            }
            let page = world.password_page(&browser, &authorize, EMAIL).await;
            let location = give(&browser, &page, "password", PASSWORD).await.location();
            assert!(location.as_str().starts_with(&format!("{SENT}?code=")), "{location}");
            // The code is bound to the very address.
            let code = query(&location, "code").unwrap();
            for other in [REGISTERED, "http://127.0.0.1:51005/cb"] {
                assert_error(&world.exchange(&app, &code, &[("redirect_uri", other)]).await, 400, "invalid_grant");
            }
            let tokens = world.exchange(&app, &code, &[("redirect_uri", SENT)]).await;
            assert_eq!(tokens.status, 200, "{}", tokens.body);
        }
    }

    async fn what_is_asked_for_wrongly_is_told_to_the_application(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        for (extra, error) in [
            (&[("response_type", "id_token")][..], "unsupported_response_type"),
            (&[("response_type", "code token")], "unsupported_response_type"),
            (&[("response_type", "none")], "unsupported_response_type"),
            (&[("response_type", "CODE")], "unsupported_response_type"),
            (&[("response_type", "")], "invalid_request"),
            (&[("response_mode", "fragment")], "invalid_request"),
            (&[("response_mode", "web_message")], "invalid_request"),
            (&[("request", "eyJhbGciOiJub25lIn0.e30.")], "request_not_supported"),
            (&[("request_uri", "https://portal.example/request")], "request_uri_not_supported"),
            (&[("request_uri", "urn:ietf:params:oauth:request_uri:x")], "request_uri_not_supported"),
            (&[("registration", "{}")], "registration_not_supported"),
            (&[("prompt", "none login")], "invalid_request"),
            (&[("prompt", "none select_account")], "invalid_request"),
            (&[("prompt", "create")], "invalid_request"),
            (&[("max_age", "-1")], "invalid_request"),
            (&[("max_age", "1.5")], "invalid_request"),
            (&[("code_challenge_method", "s256")], "invalid_request"),
            (&[("code_challenge", "short")], "invalid_request"),
        ] {
            let answer = browser.get(&world.authorize(&app, extra)).await;
            assert_refused(&app, &world, &answer, error);
            assert_eq!(query(&answer.location(), "state").as_deref(), Some("st&te"), "{extra:?}");
        }
        // Said twice: which one counts is nobody's to choose (RFC 6749 §3.1).
        for twice in ["scope", "state", "nonce", "response_type", "code_challenge", "prompt", "max_age", "response_mode"] {
            let authorize = format!("{}&{twice}=x&{twice}=x", world.authorize(&app, &[(twice, "")]));
            assert_refused(&app, &world, &browser.get(&authorize).await, "invalid_request");
        }
        let client = format!("{}&client_id={}", world.authorize(&app, &[]), world.client.id);
        assert_eq!(browser.get(&client).await.reason(), Some("invalid_request"));
    }

    async fn what_the_application_said_comes_back_as_it_was(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        for said in ["<b>\"'&=+ %20#;ü\u{1f600}", "x".repeat(4096).as_str()] {
            let authorize = world.authorize(&app, &[("state", said), ("nonce", &said[..said.len().min(64)]), ("prompt", "login")]);
            let page = world.password_page(&browser, &authorize, EMAIL).await;
            let done = give(&browser, &page, "password", PASSWORD).await;
            assert_eq!(query(&done.location(), "state").as_deref(), Some(said));
            let tokens = world.exchange(&app, &code(&done), &[]).await.json();
            assert_eq!(claims(text(&tokens, "id_token"))["nonce"], said[..said.len().min(64)]);
        }
        let without = browser.get(&world.authorize(&app, &[("state", ""), ("nonce", "")])).await;
        assert_eq!(query(&without.location(), "state"), None);
        let tokens = world.exchange(&app, &code(&without), &[]).await.json();
        assert!(claims(text(&tokens, "id_token")).get("nonce").is_none());
        for (name, size) in [("state", 4097), ("nonce", 513)] {
            let answer = browser.get(&world.authorize(&app, &[(name, &"x".repeat(size))])).await;
            assert_refused(&app, &world, &answer, "invalid_request");
        }
    }

    async fn a_verifier_and_a_challenge_go_together(app: TestApp) {
        let mut world = world(&app).await;
        world.client = add_application(&app, &world.environment, ClientKind::Web).await;
        let secret = world.client.secret.clone();
        let exchange = async |code: &str, verifier: &str| {
            world.exchange(&app, code, &[("client_secret", &secret), ("code_verifier", verifier)]).await
        };
        let browser = app.browser();
        // An attacker who took the challenge out of the request, and the application that does not notice.
        let code = code_for(&world, &browser, &world.authorize(&app, &[("code_challenge", ""), ("code_challenge_method", "")])).await;
        assert_error(&exchange(&code, VERIFIER).await, 400, "invalid_grant");
        // A client with a secret that began with PKCE has to end with it.
        let code = super::code(&browser.get(&world.authorize(&app, &[])).await);
        assert_error(&exchange(&code, "").await, 400, "invalid_grant");
        assert_error(&exchange(&code, CHALLENGE).await, 400, "invalid_grant");
        assert_eq!(exchange(&code, VERIFIER).await.status, 200);
        let plain = browser.get(&world.authorize(&app, &[("code_challenge", VERIFIER), ("code_challenge_method", "plain")])).await;
        assert_refused(&app, &world, &plain, "invalid_request");
    }

    async fn a_class_of_authentication_that_nobody_knows_changes_nothing(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let authorize = world.authorize(&app, &[("acr_values", "urn:example:gold phr"), ("claims", "{\"id_token\":{\"acr\":{\"essential\":true}}}"), ("ui_locales", "de"), ("display", "popup"), ("unknown", "x")]);
        let tokens = world.exchange(&app, &code_for(&world, &browser, &authorize).await, &[]).await.json();
        let claims = claims(text(&tokens, "id_token"));
        assert_eq!((claims.get("acr"), &claims["amr"]), (None, &json!(["pwd"])));
    }

    async fn the_session_of_somebody_else_than_is_wanted_does_not_count(app: TestApp) {
        let world = world(&app).await;
        add_user(&app, world.environment.id, world.organization, "erin@acme.com", vec![password(PASSWORD)]).await;
        let browser = app.browser();
        let danas = world.exchange(&app, &code_for(&world, &browser, &world.authorize(&app, &[])).await, &[]).await.json();
        let erin = app.browser();
        let done = world.sign_in(&app, &erin, "erin@acme.com", PASSWORD).await;
        let erins = world.exchange(&app, &code(&done), &[]).await.json();
        let error = async |hint: &str| {
            let answer = browser.get(&world.authorize(&app, &[("prompt", "none"), ("id_token_hint", hint)])).await;
            query(&answer.location(), "error")
        };
        assert_eq!(error(text(&danas, "id_token")).await, None);
        let forged = text(&danas, "id_token").to_owned() + "x";
        for hint in [text(&erins, "id_token"), &forged, text(&danas, "access_token"), "x"] {
            assert_eq!(error(hint).await.as_deref(), Some("login_required"), "{hint}");
        }
        let page = browser.get(&world.authorize(&app, &[("id_token_hint", text(&erins, "id_token"))])).await.location();
        assert!(page.path().ends_with("/sign-in"), "{page}");
    }

    async fn somebody_else_than_is_wanted_signs_in_for_nothing(app: TestApp) {
        let world = world(&app).await;
        add_user(&app, world.environment.id, world.organization, "erin@acme.com", vec![password(PASSWORD)]).await;
        let done = world.sign_in(&app, &app.browser(), "erin@acme.com", PASSWORD).await;
        let erins = world.exchange(&app, &code(&done), &[]).await.json();
        let wanted = world.authorize(&app, &[("id_token_hint", text(&erins, "id_token"))]);
        let browser = app.browser();
        let page = world.password_page(&browser, &wanted, EMAIL).await;
        let refused = give(&browser, &page, "password", PASSWORD).await;
        let location = refused.location();
        assert!(location.as_str().starts_with(CALLBACK), "{location}");
        let answered = ["error", "state", "code"].map(|name| query(&location, name));
        assert_eq!(answered, [Some("login_required".to_owned()), Some("st&te".to_owned()), None]);
        assert_eq!(give(&browser, &page, "password", PASSWORD).await.reason(), Some("sign_in_gone"), "it was answered");
        // They are not signed in by it.
        let quiet = browser.get(&world.authorize(&app, &[("prompt", "none")])).await;
        assert_eq!(query(&quiet.location(), "error").as_deref(), Some("login_required"));
        let login = crate::account_sign_in::log::latest(&app, &world).await;
        assert_eq!(login.refusal.as_deref(), Some("another_person"));
        // Whoever is wanted is let in.
        let page = world.password_page(&browser, &wanted, "erin@acme.com").await;
        code(&give(&browser, &page, "password", PASSWORD).await);
    }

    async fn without_openid_there_is_no_id_token(app: TestApp) {
        let mut world = world(&app).await;
        let change = ApplicationChange {
            redirect_uris: Some(vec![CALLBACK.into()]),
            scopes: Some(vec!["invoices.read".into()]),
            ..ApplicationChange::default()
        };
        let new = NewApplication { kind: ClientKind::Public, workspace: None, organization_id: None };
        world.client = app.make_client(&world.environment, new, &change).await;
        let browser = app.browser();
        let code = code_for(&world, &browser, &world.authorize(&app, &[("scope", "invoices.read offline_access")])).await;
        let tokens = world.exchange(&app, &code, &[]).await.json();
        assert!(tokens.get("id_token").is_none(), "{tokens}");
        assert_eq!(tokens["scope"], "invoices.read offline_access");
        let refused = world.userinfo(&app, text(&tokens, "access_token")).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert!(refused.header("www-authenticate").contains("insufficient_scope"));
        let refreshed = world.refresh(&app, text(&tokens, "refresh_token"), &[]).await.json();
        assert!(refreshed.get("id_token").is_none());
        assert_error(&world.refresh(&app, text(&refreshed, "refresh_token"), &[("scope", "openid")]).await, 400, "invalid_scope");
    }

    async fn a_client_proves_itself_in_one_way(app: TestApp) {
        let mut world = world(&app).await;
        let public = world.client.id.to_string();
        world.client = add_application(&app, &world.environment, ClientKind::Web).await;
        let (id, secret) = (world.client.id.to_string(), world.client.secret.clone());
        let browser = app.browser();
        let code = code_for(&world, &browser, &world.authorize(&app, &[])).await;
        let post = async |name: &str, secret: &str, form: &[(&str, &str)]| {
            let proof = BASE64_STANDARD.encode(format!("{name}:{secret}"));
            let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
            let request = browser.request(Method::POST, &app.url(&format!("{}/oauth2/token", world.issuer)));
            let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            browser.send(request.header(header::AUTHORIZATION, format!("Basic {proof}")).body(body)).await
        };
        let grant = [("grant_type", "authorization_code"), ("code", &*code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        let both = [&grant[..], &[("client_id", &*id), ("client_secret", &*secret)]].concat();
        assert_error(&post(&id, &secret, &both).await, 400, "invalid_request");
        let another = [&grant[..], &[("client_id", &*public)]].concat();
        assert!(post(&id, &secret, &another).await.status.is_client_error());
        let wrong = post(&id, "app_secret_0000000000000000000000000", &grant).await;
        assert_error(&wrong, 401, "invalid_client");
        assert!(wrong.header("www-authenticate").starts_with("Basic "));
        let twice = [&grant[..], &[("code", &*code)]].concat();
        assert_error(&post(&id, &secret, &twice).await, 400, "invalid_request");
        // Parameters in the address are none, and the endpoint is posted to.
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&both).finish();
        let endpoint = app.url(&format!("{}/oauth2/token", world.issuer));
        assert_eq!(browser.get(&format!("{endpoint}?{query}")).await.status, 405);
        assert_error(&browser.post(&format!("{endpoint}?{query}"), &[]).await, 400, "invalid_request");
        // The id and the secret are form-encoded before they are joined (RFC 6749 §2.3.1).
        let encode = |text: &str| text.replace('_', "%5F");
        assert_eq!(post(&encode(&id), &encode(&secret), &grant).await.status, 200);
        // A client without a secret has nothing of its own.
        for grant in ["client_credentials", "password"] {
            let form = [("grant_type", grant), ("client_id", &*public), ("username", EMAIL), ("password", PASSWORD)];
            let error = if grant == "password" { "unsupported_grant_type" } else { "unauthorized_client" };
            assert_error(&browser.post(&endpoint, &form).await, 400, error);
        }
        let made_up = [("grant_type", "client_credentials"), ("client_id", &*public), ("client_secret", &*secret)];
        assert_error(&browser.post(&endpoint, &made_up).await, 401, "invalid_client");
    }

    async fn a_refresh_token_is_its_clients(app: TestApp) {
        let mut world = world(&app).await;
        let other = add_application(&app, &world.environment, ClientKind::Public).await.id.to_string();
        let tokens = world.tokens(&app).await;
        let refresh = text(&tokens, "refresh_token");
        assert_error(&world.refresh(&app, refresh, &[("client_id", &other)]).await, 400, "invalid_grant");
        let as_code = world.exchange(&app, &refresh.replace("refresh_token_", "code_"), &[]).await;
        assert_error(&as_code, 400, "invalid_grant");
        assert_error(&world.refresh(&app, refresh, &[("scope", "openid invoices.read")]).await, 400, "invalid_scope");
        assert_eq!(world.refresh(&app, refresh, &[]).await.status, 200, "none of that used it up");
        // With a secret it takes the secret.
        world.client = add_application(&app, &world.environment, ClientKind::Web).await;
        let secret = world.client.secret.clone();
        let code = code_for(&world, &app.browser(), &world.authorize(&app, &[])).await;
        let tokens = world.exchange(&app, &code, &[("client_secret", &secret)]).await.json();
        let refresh = text(&tokens, "refresh_token");
        assert_error(&world.refresh(&app, refresh, &[]).await, 401, "invalid_client");
        assert_eq!(world.refresh(&app, refresh, &[("client_secret", &secret)]).await.status, 200);
    }

    async fn an_access_token_comes_in_one_way(app: TestApp) {
        let world = world(&app).await;
        let tokens = world.tokens(&app).await;
        let (access, userinfo) = (text(&tokens, "access_token"), app.url(&format!("{}/userinfo", world.issuer)));
        let browser = app.browser();
        let in_address = browser.get(&format!("{userinfo}?access_token={access}")).await;
        assert_eq!(in_address.status, 401, "addresses are kept and shown (RFC 9700 §4.3.2)");
        assert_eq!(browser.post(&userinfo, &[("access_token", access)]).await.status, 200);
        let request = browser.request(Method::POST, &userinfo).bearer_auth(access);
        let twice = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(format!("access_token={access}"));
        assert_eq!(browser.send(twice).await.status, 400);
        // A signature that is another's, none, and one letter less.
        let (head, signature) = access.rsplit_once('.').unwrap();
        let none = format!("{}.{}.", BASE64.encode("{\"alg\":\"none\",\"typ\":\"at+jwt\"}"), head.split('.').nth(1).unwrap());
        let shorter = format!("{head}.{}", &signature[..signature.len() - 1]);
        for forged in [none.as_str(), &shorter, head] {
            assert_eq!(world.userinfo(&app, forged).await.status, 401, "{forged}");
        }
    }

    async fn an_id_token_signs_out_the_session_that_it_is_of(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let done = world.sign_in(&app, &browser, EMAIL, PASSWORD).await;
        let tokens = world.exchange(&app, &code(&done), &[]).await.json();
        let hint = text(&tokens, "id_token");
        let logout = |hint: &str| {
            let mut url = url::Url::parse(&app.url(&format!("{}/oidc/logout", world.issuer))).unwrap();
            url.query_pairs_mut().append_pair("id_token_hint", hint).append_pair("post_logout_redirect_uri", SIGNED_OUT);
            url.query_pairs_mut().append_pair("client_id", &world.client.id.to_string());
            url.to_string()
        };
        // The same claims under another key, under none, and changed.
        let foreign = SigningKey::generate(IdTokenAlg::ES256).unwrap().sign_jwt(&claims(hint)).unwrap();
        let parts: Vec<&str> = hint.split('.').collect();
        let none = format!("{}.{}.", BASE64.encode("{\"alg\":\"none\"}"), parts[1]);
        let mut other = claims(hint);
        other["sid"] = json!("x");
        let changed = format!("{}.{}.{}", parts[0], BASE64.encode(other.to_string()), parts[2]);
        for forged in [&foreign, &none, &changed] {
            let asked = browser.get(&logout(forged)).await;
            assert!(asked.status == 200 && asked.body.contains("Sign out?"), "{}", asked.body);
        }
        // An expired one says as well as another whose session it was (RP-Initiated Logout 1.0 §2).
        app.advance(Duration::from_secs(2 * 3600));
        assert_eq!(browser.get(&logout(hint)).await.location().as_str(), SIGNED_OUT);
        let again = browser.get(&world.authorize(&app, &[("prompt", "none")])).await.location();
        assert_eq!(query(&again, "error").as_deref(), Some("login_required"));
    }

    async fn no_answer_with_a_code_or_a_token_is_kept_or_framed(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let begun = browser.get(&world.authorize(&app, &[])).await;
        let page = browser.get(begun.location().as_str()).await;
        let password = give(&browser, &page, "identifier", EMAIL).await;
        let done = give(&browser, &password, "password", PASSWORD).await;
        let again = browser.get(&world.authorize(&app, &[])).await;
        for answer in [&begun, &page, &password, &done, &again] {
            assert!(answer.header("cache-control").contains("no-store"), "{}: {:?}", answer.url, answer.headers);
            // Forms need the origin; the address, with what it carries, goes nowhere (RFC 9700 §4.2.4).
            let policy = answer.header("referrer-policy");
            assert!(["no-referrer", "strict-origin"].contains(&policy), "{}: {policy}", answer.url);
        }
        for answer in [&page, &password] {
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{:?}", answer.headers);
        }
        // The password is not sent on (RFC 9700 §4.12).
        assert_eq!((done.status, again.status), (reqwest::StatusCode::SEE_OTHER, reqwest::StatusCode::SEE_OTHER));
        let posted = world.authorize(&app, &[("response_mode", "form_post")]);
        assert!(browser.get(&posted).await.header("cache-control").contains("no-store"));
        let tokens = world.exchange(&app, &code(&again), &[]).await;
        assert_eq!(tokens.header("cache-control"), "no-store");
    }
}
