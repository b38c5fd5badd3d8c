//! The way through: from an application to the sign-in pages and back, with and without a session.

use std::time::Duration;

use model::application::ClientKind;
use ostiary::app::{accounts::sessions, accounts::user_sessions};
use serde_json::json;

use super::{CALLBACK, EMAIL, PASSWORD, add_application, assert_error, claims, code, give, text, world};
use crate::{both, support::query};

both! {
    async fn somebody_signs_in_to_an_application_and_it_reads_who_they_are(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let begun = browser.get(&world.authorize(&app, &[("login_hint", EMAIL)])).await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        assert!(begun.location().path().starts_with(&format!("{}/sign-in", world.issuer)));
        let page = browser.get(begun.location().as_str()).await;
        assert!(page.body.contains("Portal") && page.body.contains(&format!("value=\"{EMAIL}\"")), "{}", page.body);
        assert!(!page.body.contains("Ostiary"), "white label");
        assert_eq!(page.body.matches("<script").count(), page.body.matches("<script src=\"/assets/passkeys.js?v=").count(), "no script but that of passkeys");
        let page = give(&browser, &page, "identifier", EMAIL).await;
        let done = give(&browser, &page, "password", PASSWORD).await;
        let location = done.location();
        assert_eq!((query(&location, "state").as_deref(), query(&location, "iss")), (Some("st&te"), Some(app.url(&world.issuer))));
        let cookies: Vec<_> = done.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
        assert!(!cookies.is_empty());
        for cookie in &cookies {
            assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
            assert!(!cookie.to_lowercase().contains("ostiary"), "{cookie}");
        }

        let answer = world.exchange(&app, &code(&done), &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("cache-control"), "no-store");
        let tokens = answer.json();
        assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(3600)));
        assert_eq!(tokens["scope"], "openid profile email offline_access");
        let id = claims(text(&tokens, "id_token"));
        let issuer = app.url(&world.issuer);
        for (name, value) in [
            ("iss", json!(issuer)),
            ("aud", json!(world.client.id)),
            ("sub", json!(world.user)),
            ("nonce", json!("n-1")),
            ("auth_time", json!(app.now().seconds())),
            ("amr", json!(["pwd"])),
            ("email", json!(EMAIL)),
            ("email_verified", json!(true)),
            ("name", json!("Dana Doe")),
            ("exp", json!(app.now().seconds() + 3600)),
        ] {
            assert_eq!(id[name], value, "{name}");
        }
        assert!(id.get("acr").is_none() && id["at_hash"].is_string());
        let access = claims(text(&tokens, "access_token"));
        assert_eq!((&access["sub"], &access["client_id"], &access["sid"]), (&json!(world.user), &json!(world.client.id), &id["sid"]));
        assert_eq!((&access["iss"], &access["org_id"]), (&json!(issuer), &id["org_id"]));

        let told = world.userinfo(&app, text(&tokens, "access_token")).await;
        assert_eq!(told.status, 200, "{}", told.body);
        let told = told.json();
        assert_eq!((&told["sub"], &told["email"], &told["given_name"]), (&json!(world.user), &json!(EMAIL), &json!("Dana")));

        // With the session, no page is shown.
        let again = browser.get(&world.authorize(&app, &[("prompt", "none")])).await;
        let tokens = world.exchange(&app, &code(&again), &[]).await.json();
        assert_eq!(claims(text(&tokens, "id_token"))["sid"], id["sid"]);
        let mut conn = app.state.db.read().await.unwrap();
        let rows: Vec<(String, String)> = conn.sql("SELECT subject_id, method FROM sessions").all().await.unwrap();
        assert_eq!(rows, [(world.user.to_string(), "password".to_owned())]);
    }

    async fn what_the_application_asks_of_the_session_is_done(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let refused = browser.get(&world.authorize(&app, &[("prompt", "none")])).await.location();
        assert_eq!((query(&refused, "error").as_deref(), query(&refused, "state").as_deref()), (Some("login_required"), Some("st&te")));
        assert_eq!(query(&refused, "iss"), Some(app.url(&world.issuer)));
        code(&world.sign_in(&app, &browser, EMAIL, PASSWORD).await);
        app.advance(Duration::from_secs(100));
        let has_code = async |extra: &[(&str, &str)]| {
            let location = browser.get(&world.authorize(&app, extra)).await.location();
            query(&location, "code").is_some()
        };
        assert!(has_code(&[]).await && has_code(&[("max_age", "101")]).await);
        assert!(!has_code(&[("max_age", "100")]).await && !has_code(&[("max_age", "0")]).await);
        assert!(!has_code(&[("prompt", "login")]).await && !has_code(&[("prompt", "select_account")]).await);
        let too_old = browser.get(&world.authorize(&app, &[("max_age", "1"), ("prompt", "none")])).await.location();
        assert_eq!(query(&too_old, "error").as_deref(), Some("login_required"));
        // Who signs in again has the same session, under another cookie, and a new time.
        let page = world.password_page(&browser, &world.authorize(&app, &[("prompt", "login")]), EMAIL).await;
        let done = give(&browser, &page, "password", PASSWORD).await;
        let tokens = world.exchange(&app, &code(&done), &[]).await.json();
        assert_eq!(claims(text(&tokens, "id_token"))["auth_time"], app.now().seconds());
        assert!(has_code(&[("max_age", "50")]).await);
        app.advance(user_sessions::IDLE);
        assert!(!has_code(&[]).await, "an idle session");
    }

    async fn the_response_can_be_posted(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let authorize = world.authorize(&app, &[("response_mode", "form_post")]);
        let page = world.password_page(&browser, &authorize, EMAIL).await;
        let done = give(&browser, &page, "password", PASSWORD).await;
        assert_eq!(done.status, 200);
        let form = done.form();
        assert_eq!((form.action.as_str(), form.field("state")), (CALLBACK, Some("st&te")));
        let answer = world.exchange(&app, form.field("code").unwrap(), &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let error = browser.get(&world.authorize(&app, &[("response_mode", "form_post"), ("prompt", "bogus")])).await;
        assert_eq!(error.form().field("error"), Some("invalid_request"));
    }

    async fn a_web_application_proves_itself_by_its_secret(app: TestApp) {
        let mut world = world(&app).await;
        world.client = add_application(&app, &world.environment, ClientKind::Web).await;
        let browser = app.browser();
        let plain = world.authorize(&app, &[("code_challenge", ""), ("code_challenge_method", ""), ("nonce", "")]);
        let page = world.password_page(&browser, &plain, EMAIL).await;
        let code = code(&give(&browser, &page, "password", PASSWORD).await);
        let without = world.exchange(&app, &code, &[("code_verifier", "")]).await;
        assert_error(&without, 401, "invalid_client");
        let secret = world.client.secret.clone();
        let answer = world.exchange(&app, &code, &[("code_verifier", ""), ("client_secret", &secret)]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(claims(text(&answer.json(), "id_token")).get("nonce").is_none());
    }

    async fn discovery_lists_where_people_sign_in(app: TestApp) {
        let world = world(&app).await;
        let at = |path: &str| json!(app.url(&format!("{}{path}", world.issuer)));
        let found = app.browser().get(&app.url(&format!("{}/.well-known/openid-configuration", world.issuer))).await.json();
        assert_eq!((&found["issuer"], &found["authorization_endpoint"]), (&at(""), &at("/oauth2/authorize")));
        assert_eq!((&found["userinfo_endpoint"], &found["end_session_endpoint"]), (&at("/userinfo"), &at("/oidc/logout")));
        assert_eq!(found["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(found["response_types_supported"], json!(["code"]));
        let system = app.browser().get(&app.url("/prod/system/.well-known/openid-configuration")).await.json();
        assert!(system.get("authorization_endpoint").is_none(), "nobody signs in there");
        assert_eq!(app.browser().get(&app.url("/prod/system/sign-in")).await.status, 404);
    }

    async fn scripts_of_its_own_origins_read_the_tokens_of_a_public_application(app: TestApp) {
        let mut world = world(&app).await;
        let new = ostiary::app::applications::NewApplication { kind: ClientKind::Public, workspace: None, organization_id: None };
        let change = ostiary::app::applications::ApplicationChange {
            redirect_uris: Some(vec![CALLBACK.into()]),
            origins: Some(vec!["https://portal.example".into()]),
            ..Default::default()
        };
        world.client = app.make_client(&world.environment, new, &change).await;
        let token = app.url(&format!("{}/oauth2/token", world.issuer));
        for (origin, allowed) in [("https://portal.example", "https://portal.example"), ("https://evil.example", ""), ("null", "")] {
            let browser = app.browser();
            let request = browser.request(reqwest::Method::POST, &token).header("origin", origin);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let answer = browser.send(request.body(format!("grant_type=refresh_token&client_id={}&refresh_token=x", world.client.id))).await;
            assert_eq!((answer.status.as_u16(), answer.header("access-control-allow-origin")), (400, allowed), "{origin}");
            assert!(answer.headers.get("access-control-allow-credentials").is_none());
        }
    }

    async fn an_operators_session_is_no_browsers(app: TestApp) {
        let world = world(&app).await;
        let wanted = user_sessions::OperatorSession { user_id: world.user, authenticated_ago: Duration::ZERO, tenant_admin: false };
        let principal = ostiary::app::principal::Principal::operator(world.environment.id);
        let (begun, _): (sessions::NewSession<_>, _) = user_sessions::create_by_operator(&app.state, &principal, wanted).await.unwrap();
        let browser = app.browser();
        let name = ostiary::web::sign_in::cookies::names(&app.state.links, world.organization, ostiary::web::sign_in::cookies::Purpose::Session);
        for name in name {
            browser.set_cookie(&app.base, &name, &begun.token.reveal());
        }
        let refused = browser.get(&world.authorize(&app, &[("prompt", "none")])).await.location();
        assert_eq!(query(&refused, "error").as_deref(), Some("login_required"));
    }
}
