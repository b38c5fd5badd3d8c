//! The token endpoint: who may exchange which code, how often, and for how long.

use std::time::Duration;

use base64::prelude::BASE64_STANDARD;
use model::login_flow::FlowStatus;
use ostiary::{app::login, store::login_connections::LoginConnection};

use super::*;
use crate::both;

both! {
    async fn a_code_is_good_once_and_a_second_use_takes_the_token_back(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let code = fixture.code(&[]).await;
        let first = fixture.token(&code, &[]).await;
        assert_eq!(first.status, 200, "{}", first.body);
        assert_eq!(first.header("pragma"), "no-cache");
        let token = first.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(fixture.userinfo(&token).await.status, 200);
        let flow = decode(first.json()["id_token"].as_str().unwrap()).1["samlFlowId"].as_str().unwrap().to_owned();
        let mut conn = app.state.db.read().await.unwrap();
        let connection = fixture.tenant.connection.id;
        let flow = ostiary::store::login_flows::find(&mut conn, connection.into(), flow.parse().unwrap()).await.unwrap();
        assert_eq!(flow.unwrap().status, FlowStatus::Succeeded);
        drop(conn);

        assert_eq!(error_of(&fixture.token(&code, &[]).await), (400, "invalid_grant".into()));
        assert_eq!(fixture.userinfo(&token).await.status, 401);
    }

    async fn of_many_that_redeem_at_once_one_wins_and_nobody_keeps_a_token(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let code = fixture.code(&[]).await;
        let other = app.replica().await;
        let body = changed(
            &[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", &fixture.redirect_uri),
                ("client_id", &fixture.client_id),
                ("client_secret", &fixture.secret),
            ],
            &[],
        );
        let mut attempts = tokio::task::JoinSet::new();
        for attempt in 0..32 {
            let url = [&app, &other][attempt % 2].url("/v1/oauth/token");
            let request = reqwest::Client::builder().no_proxy().build().unwrap().post(url);
            let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.clone());
            attempts.spawn(async move {
                let response = request.send().await.unwrap();
                (response.status().as_u16(), response.json::<Value>().await.unwrap())
            });
        }
        let answers = attempts.join_all().await;
        let (good, bad): (Vec<_>, Vec<_>) = answers.iter().partition(|(status, _)| *status == 200);
        assert_eq!((good.len(), bad.len()), (1, 31), "{answers:#?}");
        assert!(bad.iter().all(|(status, body)| *status == 400 && body["error"] == "invalid_grant"));
        let token = good[0].1["access_token"].as_str().unwrap();
        assert_eq!(fixture.userinfo(token).await.status, 401, "used twice, so revoked");
    }

    async fn a_wrong_client_learns_nothing_and_burns_nothing(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let (other, other_secret) = app.oauth_client(&fixture.environment, IdTokenAlg::ES256).await;
        let other = other.id.to_string();
        let code = fixture.code(&[]).await;
        let wrong = "ssoready_oauth_client_secret_0000000000000000000000001";
        let unknown = "saml_oauth_client_0000000000000000000000001";
        for changes in [
            vec![("client_secret", wrong)],
            vec![("client_secret", "x")],
            vec![("client_secret", "")],
            vec![("client_id", "")],
            vec![("client_id", unknown)],
            vec![("client_id", "x")],
            vec![("client_id", other.as_str())],
        ] {
            let answer = fixture.token(&code, &changes).await;
            assert_eq!(error_of(&answer), (401, "invalid_client".into()), "{changes:?}");
            assert!(answer.headers.get("www-authenticate").is_none());
        }
        // The secret is checked first: a wrong one is refused and counted whatever else is wrong.
        for (name, value) in [
            ("code", "x"),
            ("code", ""),
            ("grant_type", ""),
            ("grant_type", "refresh_token"),
            ("code_verifier", "short"),
        ] {
            let answer = fixture.token(&code, &[("client_secret", wrong), (name, value)]).await;
            assert_eq!(error_of(&answer), (401, "invalid_client".into()), "{name}={value}");
        }
        let foreign = fixture.token(&code, &[("client_id", &other), ("client_secret", &other_secret)]).await;
        assert_eq!(error_of(&foreign), (400, "invalid_grant".into()));
        assert_eq!(fixture.token(&code, &[]).await.status, 200, "the code is still good");
    }

    async fn basic_is_answered_with_a_challenge_and_never_mixed(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let code = fixture.code(&[]).await;
        let grant = |extra: &str| {
            let pairs = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", &fixture.redirect_uri)];
            format!("{}{extra}", changed(&pairs, &[]))
        };
        let basic = |id: &str, secret: &str| format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")));
        let wrong = basic(&fixture.client_id, "x");
        let answer = post_form(&app, "/v1/oauth/token", &grant(""), &[("authorization", &wrong)]).await;
        assert_eq!(error_of(&answer), (401, "invalid_client".into()));
        assert!(answer.header("www-authenticate").starts_with("Basic realm="));
        let bearer = post_form(&app, "/v1/oauth/token", &grant(""), &[("authorization", "Bearer x")]).await;
        assert_eq!(error_of(&bearer), (401, "invalid_client".into()));

        let right = basic(&fixture.client_id, &fixture.secret);
        let both = grant(&format!("&client_secret={}", fixture.secret));
        let answer = post_form(&app, "/v1/oauth/token", &both, &[("authorization", &right)]).await;
        assert_eq!(error_of(&answer), (400, "invalid_request".into()));
        let twice = [("authorization", right.as_str()), ("authorization", right.as_str())];
        assert_eq!(post_form(&app, "/v1/oauth/token", &grant(""), &twice).await.status, 400);

        let with_id = grant(&format!("&client_id={}", fixture.client_id));
        let answer = post_form(&app, "/v1/oauth/token", &with_id, &[("authorization", &right)]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    async fn a_code_is_bound_to_its_redirect_uri(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let code = fixture.code(&[]).await;
        let other = fixture.environment.oauth_redirect_uris[1].to_string();
        assert_eq!(error_of(&fixture.token(&code, &[("redirect_uri", &other)]).await), (400, "invalid_grant".into()));
        assert_eq!(error_of(&fixture.token(&code, &[("redirect_uri", "")]).await), (400, "invalid_request".into()));
        assert_eq!(fixture.token(&code, &[]).await.status, 200);
    }

    async fn a_code_is_bound_to_its_challenge(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let code = fixture.code(&[("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]).await;
        let wrong = "a".repeat(43);
        for verifier in ["", CHALLENGE, &wrong] {
            let answer = fixture.token(&code, &[("code_verifier", verifier)]).await;
            assert_eq!(error_of(&answer), (400, "invalid_grant".into()), "{verifier}");
        }
        let short = fixture.token(&code, &[("code_verifier", "short")]).await;
        assert_eq!(error_of(&short), (400, "invalid_request".into()));
        assert_eq!(fixture.token(&code, &[("code_verifier", VERIFIER)]).await.status, 200);

        // A verifier without a challenge: the challenge was stripped from the request.
        let bare = fixture.code(&[]).await;
        let answer = fixture.token(&bare, &[("code_verifier", VERIFIER)]).await;
        assert_eq!(error_of(&answer), (400, "invalid_grant".into()));
    }

    async fn a_code_is_valid_for_a_minute(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let (early, late) = (fixture.code(&[]).await, fixture.code(&[]).await);
        app.advance(Duration::from_secs(59));
        assert_eq!(fixture.token(&early, &[]).await.status, 200);
        app.advance(Duration::from_secs(1));
        assert_eq!(error_of(&fixture.token(&late, &[]).await), (400, "invalid_grant".into()));
    }

    async fn malformed_requests_are_named(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let code = fixture.code(&[]).await;
        for (changes, error) in [
            (vec![("grant_type", "")], "invalid_request"),
            (vec![("grant_type", "client_credentials")], "unsupported_grant_type"),
            (vec![("code", "")], "invalid_request"),
            (vec![("code", "x")], "invalid_grant"),
            (vec![("code", "saml_access_code_0000000000000000000000001")], "invalid_grant"),
            (vec![("redirect_uri", "\0")], "invalid_request"),
        ] {
            assert_eq!(error_of(&fixture.token(&code, &changes).await), (400, error.into()), "{changes:?}");
        }
        let browser = app.browser();
        let json = browser.request(Method::POST, &app.url("/v1/oauth/token")).json(&serde_json::json!({ "code": code }));
        assert_eq!(error_of(&browser.send(json).await), (400, "invalid_request".into()));
        let bytes = browser
            .request(Method::POST, &app.url("/v1/oauth/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(vec![0xff, 0xfe]);
        assert_eq!(error_of(&browser.send(bytes).await), (400, "invalid_request".into()));
        assert_eq!(browser.get(&app.url("/v1/oauth/token")).await.status, 405);
        assert_eq!(fixture.token(&code, &[]).await.status, 200, "none of it burned the code");
    }

    async fn a_code_of_the_rest_api_opens_nothing_here(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let target = LoginConnection {
            connection: fixture.tenant.connection.clone(),
            organization: fixture.tenant.organization.clone(),
            environment: fixture.environment.clone(),
        };
        let link = login::create_link(&app.state, &target, None);
        let browser = app.browser();
        let callback = fixture.sign_in(&browser, &link.await.unwrap(), "dana@acme.example").await;
        let code = query(&callback, "saml_access_code").unwrap();
        assert_eq!(error_of(&fixture.token(&code, &[]).await), (400, "invalid_grant".into()));

        // An OAuth code is refused at redeem too.
        let key = app.api_key(&fixture.environment, false).await;
        let oauth_code = fixture.code(&[]).await;
        assert_eq!(app.redeem(&key, &oauth_code).await.status, 404);
        assert_eq!(fixture.token(&oauth_code, &[]).await.status, 200);
        assert_eq!(app.redeem(&key, &code).await.status, 200);
    }
}
