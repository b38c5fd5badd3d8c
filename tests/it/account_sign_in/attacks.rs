//! What must not work: injected and repeated codes, downgrades, other redirects, other issuers, other browsers, other sites.

use std::time::Duration;

use model::application::ClientKind;
use ostiary::web::sign_in::cookies::{Purpose, names};
use reqwest::{Method, header};

use super::{
    CALLBACK, CHALLENGE, EMAIL, PASSWORD, SIGNED_OUT, VERIFIER, World, add_application, add_user,
    assert_error, claims, code, give, issuer_of, password, text, world,
};
use crate::{
    both,
    support::{Answer, TestApp, query},
};

#[track_caller]
fn assert_page(answer: &Answer, reason: &str) {
    assert_eq!((answer.status.as_u16(), answer.reason()), (400, Some(reason)), "{}", answer.body);
    assert!(answer.headers.get("location").is_none());
}

/// The same people and application, at another organization of the environment.
async fn neighbour(app: &TestApp, world: &World) -> World {
    let organization = app.tenant(&world.environment, "globex.com").await.organization.id;
    let user = add_user(app, world.environment.id, organization, EMAIL, vec![password(PASSWORD)]).await;
    World {
        environment: world.environment.clone(),
        organization,
        issuer: issuer_of("prod", organization),
        user,
        client: super::Client { id: world.client.id, secret: String::new() },
    }
}

both! {
    async fn a_code_is_good_once_and_its_reuse_ends_the_tokens(app: TestApp) {
        let world = world(&app).await;
        let code = world.code(&app).await;
        let tokens = world.exchange(&app, &code, &[]).await.json();
        assert_eq!(world.userinfo(&app, text(&tokens, "access_token")).await.status, 200);
        assert_error(&world.exchange(&app, &code, &[]).await, 400, "invalid_grant");
        assert_eq!(world.userinfo(&app, text(&tokens, "access_token")).await.status, 401);
        assert_error(&world.refresh(&app, text(&tokens, "refresh_token"), &[]).await, 400, "invalid_grant");

        let code = world.code(&app).await;
        let many = (0..8).map(|_| world.exchange(&app, &code, &[]));
        let answers = futures_util::future::join_all(many).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);

        let code = world.code(&app).await;
        app.advance(Duration::from_secs(60));
        assert_error(&world.exchange(&app, &code, &[]).await, 400, "invalid_grant");
    }

    async fn a_code_is_bound_to_client_verifier_redirect_and_issuer(app: TestApp) {
        let world = world(&app).await;
        let other = add_application(&app, &world.environment, ClientKind::Public).await.id.to_string();
        let code = world.code(&app).await;
        let other_verifier = "x".repeat(43);
        for (extra, error) in [
            (&[("client_id", other.as_str())][..], "invalid_grant"),
            (&[("code_verifier", other_verifier.as_str())], "invalid_grant"),
            (&[("code_verifier", "")], "invalid_grant"),
            (&[("code_verifier", CHALLENGE)], "invalid_grant"),
            (&[("redirect_uri", "https://portal.example/callback/")], "invalid_grant"),
            (&[("redirect_uri", SIGNED_OUT)], "invalid_grant"),
            (&[("redirect_uri", "")], "invalid_request"),
        ] {
            assert_error(&world.exchange(&app, &code, extra).await, 400, error);
        }
        let neighbour = neighbour(&app, &world).await;
        assert_error(&neighbour.exchange(&app, &code, &[]).await, 400, "invalid_grant");
        for issuer in ["/prod/root", "/t/prod"] {
            let id = world.client.id.to_string();
            let form = [("grant_type", "authorization_code"), ("client_id", &id), ("code", &code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
            let answer = app.browser().post(&app.url(&format!("{issuer}/oauth2/token")), &form).await;
            assert_error(&answer, 400, "invalid_grant");
        }
        // None of that used it up.
        let tokens = world.exchange(&app, &code, &[]).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        // At the place of the other codes it is none.
        let renamed = world.code(&app).await.replace("code_", "saml_access_code_");
        assert_error(&world.exchange(&app, &renamed, &[]).await, 400, "invalid_grant");
        let key = app.api_key(&world.environment, false).await;
        let body = serde_json::json!({ "samlAccessCode": renamed });
        let redeemed = app.call(&key, Method::POST, "/v1/saml/redeem", Some(body)).await;
        assert!(redeemed.status.is_client_error(), "{}", redeemed.body);
    }

    async fn nobody_is_sent_to_an_address_that_is_not_registered(app: TestApp) {
        let world = world(&app).await;
        for uri in [
            "https://portal.example/callback/",
            "https://portal.example/callback?x=1",
            "https://portal.example/callback#x",
            "https://portal.example:443/callback",
            "https://PORTAL.example/callback",
            "http://portal.example/callback",
            "https://portal.example.evil.example/callback",
            "https://portal.example/callback/../callback",
            "https://portal.example@evil.example/callback",
            "//portal.example/callback",
            "javascript:alert(1)",
            SIGNED_OUT,
        ] {
            let answer = app.browser().get(&world.authorize(&app, &[("redirect_uri", uri)])).await;
            assert_page(&answer, "invalid_request");
        }
        let browser = app.browser();
        assert_page(&browser.get(&world.authorize(&app, &[("client_id", "app_0000000000000000000000000")])).await, "invalid_client");
        assert_page(&browser.get(&world.authorize(&app, &[("client_id", "x")])).await, "invalid_client");
        let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", world.authorize(&app, &[]));
        assert_page(&browser.get(&twice).await, "invalid_request");
        let only = browser.get(&world.authorize(&app, &[("redirect_uri", "")])).await;
        assert_eq!(only.status, 303, "the only one that is registered");
        // Errors of a request whose redirect URI is proven go there.
        for (extra, error) in [
            (&[("response_type", "token")][..], "unsupported_response_type"),
            (&[("response_type", "code id_token")], "unsupported_response_type"),
            (&[("code_challenge", "")], "invalid_request"),
            (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request"),
            (&[("code_challenge_method", "plain")], "invalid_request"),
            (&[("code_challenge_method", "")], "invalid_request"),
            (&[("response_mode", "fragment")], "invalid_request"),
            (&[("request", "eyJ")], "request_not_supported"),
            (&[("scope", "manage_organizations")], "invalid_scope"),
        ] {
            let location = browser.get(&world.authorize(&app, extra)).await.location();
            assert!(location.as_str().starts_with(CALLBACK), "{location}");
            assert_eq!(query(&location, "error").as_deref(), Some(error), "{extra:?}");
            assert_eq!(query(&location, "iss"), Some(app.url(&world.issuer)), "{extra:?}");
            assert!(query(&location, "code").is_none());
        }
        // Scopes of others are left out.
        let page = world.password_page(&browser, &world.authorize(&app, &[("scope", "openid manage_organizations")]), EMAIL).await;
        let tokens = world.exchange(&app, &code(&give(&browser, &page, "password", PASSWORD).await), &[]).await.json();
        assert_eq!(tokens["scope"], "openid");
        let system = app.call(text(&tokens, "access_token"), Method::GET, "/api/system/prod/organizations", None).await;
        assert_eq!(system.status, 401);
    }

    async fn signing_out_leads_nowhere_that_is_not_registered(app: TestApp) {
        let world = world(&app).await;
        let tokens = world.tokens(&app).await;
        let id = world.client.id.to_string();
        let other = add_application(&app, &world.environment, ClientKind::Public).await.id.to_string();
        let logout = |pairs: &[(&str, &str)]| {
            let mut url = url::Url::parse(&app.url(&format!("{}/oidc/logout", world.issuer))).unwrap();
            url.query_pairs_mut().extend_pairs(pairs);
            url.to_string()
        };
        let browser = app.browser();
        let hint = text(&tokens, "id_token");
        for uri in ["https://evil.example", CALLBACK, "https://portal.example/signed-out/", "https://portal.example/signed-out?x"] {
            assert_page(&browser.get(&logout(&[("id_token_hint", hint), ("post_logout_redirect_uri", uri)])).await, "invalid_request");
            assert_page(&browser.get(&logout(&[("client_id", &id), ("post_logout_redirect_uri", uri)])).await, "invalid_request");
        }
        assert_page(&browser.get(&logout(&[("post_logout_redirect_uri", SIGNED_OUT)])).await, "invalid_request");
        assert_page(&browser.get(&logout(&[("id_token_hint", hint), ("client_id", &other), ("post_logout_redirect_uri", SIGNED_OUT)])).await, "invalid_request");
        // An access token is no ID token, nor is one of another issuer.
        let signed_in = app.browser();
        let done = world.sign_in(&app, &signed_in, EMAIL, PASSWORD).await;
        let tokens = world.exchange(&app, &code(&done), &[]).await.json();
        let neighbour = neighbour(&app, &world).await;
        let theirs = neighbour.tokens(&app).await;
        for hint in [text(&tokens, "access_token"), text(&theirs, "id_token"), "x.y.z"] {
            assert!(signed_in.get(&logout(&[("id_token_hint", hint)])).await.body.contains("Sign out?"));
        }
        // Another site cannot press the button.
        let request = signed_in.request(Method::POST, &logout(&[]));
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").header("origin", "https://evil.example");
        assert_eq!(signed_in.send(request.body("confirm=yes")).await.status, 403);
        assert_eq!(world.userinfo(&app, text(&tokens, "access_token")).await.status, 200);
    }

    async fn what_is_of_one_issuer_is_nothing_at_another(app: TestApp) {
        let world = world(&app).await;
        let neighbour = neighbour(&app, &world).await;
        let browser = app.browser();
        let done = world.sign_in(&app, &browser, EMAIL, PASSWORD).await;
        let tokens = world.exchange(&app, &code(&done), &[]).await.json();
        // The session: the browser has it, and the neighbour asks all the same; also when the cookie is renamed.
        let prompt_none = async || {
            let refused = browser.get(&neighbour.authorize(&app, &[("prompt", "none")])).await.location();
            query(&refused, "error")
        };
        assert_eq!(prompt_none().await.as_deref(), Some("login_required"));
        let value = |organization| {
            let own = names(&app.state.links, organization, Purpose::Session);
            let lines = done.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned());
            let pairs: Vec<String> = lines.collect();
            own.iter().find_map(|name| {
                let line = pairs.iter().find(|line| line.starts_with(&format!("{name}=")))?;
                Some(line.split(['=', ';']).nth(1).unwrap().to_owned())
            })
        };
        let cookie = value(world.organization).unwrap();
        for name in names(&app.state.links, neighbour.organization, Purpose::Session) {
            browser.set_cookie(&app.base, &name, &cookie);
        }
        assert_eq!(prompt_none().await.as_deref(), Some("login_required"));
        // Neither is it a session of the console.
        for name in ["__Host-ostiary_console", "ostiary_console"] {
            browser.set_cookie(&app.base, name, &cookie);
        }
        assert_ne!(browser.get(&app.url("/console")).await.status, 200);
        // Tokens.
        assert_eq!(neighbour.userinfo(&app, text(&tokens, "access_token")).await.status, 401);
        assert_error(&neighbour.refresh(&app, text(&tokens, "refresh_token"), &[]).await, 400, "invalid_grant");
        assert_eq!(world.userinfo(&app, text(&tokens, "id_token")).await.status, 401);
        assert_eq!(world.userinfo(&app, text(&tokens, "refresh_token")).await.status, 401);
        assert_eq!(world.refresh(&app, text(&tokens, "refresh_token"), &[]).await.status, 200);
        // The request under way.
        let begun = browser.get(&world.authorize(&app, &[("prompt", "login")])).await.location();
        let moved = begun.as_str().replace(&world.issuer, &neighbour.issuer);
        assert_eq!(browser.get(&moved).await.reason(), Some("sign_in_gone"));
        // The account: each organization has its own people.
        let (own, other) = (claims(text(&tokens, "id_token")), claims(text(&neighbour.tokens(&app).await, "id_token")));
        assert_ne!(own["sub"], other["sub"]);
        add_user(&app, world.environment.id, world.organization, "only@acme.com", vec![password(PASSWORD)]).await;
        assert_eq!(neighbour.sign_in(&app, &app.browser(), "only@acme.com", PASSWORD).await.status, 401);
    }

    async fn a_sign_in_belongs_to_the_browser_that_began_it(app: TestApp) {
        let world = world(&app).await;
        let (attacker, victim) = (app.browser(), app.browser());
        let page = world.password_page(&attacker, &world.authorize(&app, &[]), EMAIL).await;
        let link = attacker.get(&world.authorize(&app, &[])).await.location();
        assert_eq!(victim.get(link.as_str()).await.reason(), Some("sign_in_gone"));
        assert_eq!(give(&victim, &page, "password", PASSWORD).await.reason(), Some("sign_in_gone"));
        // With cookies of its own too.
        victim.get(&world.authorize(&app, &[])).await;
        assert_eq!(give(&victim, &page, "password", PASSWORD).await.reason(), Some("sign_in_gone"));
        // Another site's form.
        let form = page.form();
        let body = format!("request={}&identifier={EMAIL}&password=violet+kettle+under+snow", form.field("request").unwrap());
        for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
            let request = attacker.request(Method::POST, page.url.join(&form.action).unwrap().as_str());
            let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").header(name, value);
            assert_eq!(attacker.send(request.body(body.clone())).await.status, 403, "{name}: {value}");
        }
        // It is answered once, and not for ever.
        let done = give(&attacker, &page, "password", PASSWORD).await;
        code(&done);
        assert_eq!(give(&attacker, &page, "password", PASSWORD).await.reason(), Some("sign_in_gone"));
        let late = world.password_page(&attacker, &world.authorize(&app, &[("prompt", "login")]), EMAIL).await;
        app.advance(Duration::from_secs(30 * 60));
        assert_eq!(give(&attacker, &late, "password", PASSWORD).await.reason(), Some("sign_in_gone"));
    }

    async fn a_session_cannot_be_planted(app: TestApp) {
        let world = world(&app).await;
        add_user(&app, world.environment.id, world.organization, "mallory@acme.com", vec![password(PASSWORD)]).await;
        let (mallory, dana) = (app.browser(), app.browser());
        let planted = world.sign_in(&app, &mallory, "mallory@acme.com", PASSWORD).await;
        let tokens = world.exchange(&app, &code(&planted), &[]).await.json();
        let cookies: Vec<(String, String)> = planted
            .headers
            .get_all("set-cookie")
            .iter()
            .map(|line| {
                let (name, rest) = line.to_str().unwrap().split_once('=').unwrap();
                (name.to_owned(), rest.split(';').next().unwrap().to_owned())
            })
            .collect();
        for (name, value) in &cookies {
            dana.set_cookie(&app.base, name, value);
        }
        let page = world.password_page(&dana, &world.authorize(&app, &[("prompt", "login")]), EMAIL).await;
        let done = give(&dana, &page, "password", PASSWORD).await;
        assert_eq!(claims(text(&world.exchange(&app, &code(&done), &[]).await.json(), "id_token"))["sub"], world.user.to_string());
        // What mallory knows is good for nothing any more.
        assert_eq!(world.userinfo(&app, text(&tokens, "access_token")).await.status, 401);
        let refused = mallory.get(&world.authorize(&app, &[("prompt", "none")])).await.location();
        assert_eq!(query(&refused, "error").as_deref(), Some("login_required"));
    }

    async fn an_address_that_nobody_has_is_told_from_no_other(app: TestApp) {
        let world = world(&app).await;
        let same = |one: &Answer, other: &Answer, name: &str| {
            let bare = |answer: &Answer, email: &str| {
                let request = answer.form().field("request").unwrap().to_owned();
                // What is random on every page.
                let mut body = answer.body.replace(email, "X").replace(&request, "R");
                for (before, after) in [("data-options=\"", "\""), ("name=\"challenge\" value=\"", "\""), ("Reference: <code>", "<")] {
                    if let Some((head, rest)) = body.clone().split_once(before) {
                        body = format!("{head}{before}{}", rest.split_once(after).unwrap().1);
                    }
                }
                body
            };
            assert_eq!((one.status, bare(one, EMAIL)), (other.status, bare(other, name)));
        };
        let (known, unknown) = (app.browser(), app.browser());
        let one = world.password_page(&known, &world.authorize(&app, &[]), EMAIL).await;
        let other = world.password_page(&unknown, &world.authorize(&app, &[]), "nobody@acme.com").await;
        same(&one, &other, "nobody@acme.com");
        let before = app.state.passwords.hash_count();
        let (one, other) = (give(&known, &one, "password", "wrong").await, give(&unknown, &other, "password", "wrong").await);
        assert_eq!(app.state.passwords.hash_count(), before + 2, "the same work");
        assert_eq!(one.status, 401);
        same(&one, &other, "nobody@acme.com");
        for odd in ["", " ", "a\0b", &"x".repeat(2000), "' OR 1=1 --", "dana@acme.com\r\nx: y"] {
            let browser = app.browser();
            let begun = browser.get(&world.authorize(&app, &[])).await.location();
            let page = give(&browser, &browser.get(begun.as_str()).await, "identifier", odd).await;
            assert!(page.status == 200 || page.status == 400, "{odd:?}: {}", page.status);
            if page.status == 200 {
                assert_eq!(give(&browser, &page, "password", "wrong").await.status, 401, "{odd:?}");
            }
        }
    }

    async fn who_guesses_is_slowed_down(app: TestApp) {
        let world = world(&app).await;
        for email in [EMAIL, "nobody@acme.com"] {
            let mut statuses = Vec::new();
            for _ in 0..40 {
                let browser = app.browser();
                let begun = browser.get(&world.authorize(&app, &[])).await;
                if begun.status != 303 {
                    statuses.push(begun.status.as_u16());
                    break;
                }
                let page = browser.get(begun.location().as_str()).await;
                let page = give(&browser, &page, "identifier", email).await;
                if page.status != 200 {
                    statuses.push(page.status.as_u16());
                    break;
                }
                statuses.push(give(&browser, &page, "password", "wrong").await.status.as_u16());
                if *statuses.last().unwrap() == 429 {
                    break;
                }
            }
            assert_eq!(statuses.last(), Some(&429), "{email}: {statuses:?}");
            assert!(statuses.len() > 3, "{statuses:?}");
            // Another spelling of it counts with it, whether somebody has it or not.
            let browser = app.browser();
            let begun = browser.get(&world.authorize(&app, &[])).await;
            let page = browser.get(begun.location().as_str()).await;
            let page = give(&browser, &page, "identifier", &email.replace('.', "\u{ff0e}")).await;
            assert_eq!(give(&browser, &page, "password", "wrong").await.status, 429, "{email}");
            app.advance(Duration::from_secs(24 * 3600));
        }
    }
}
