//! People sign in by WSO2's paths: `/oauth2/authorize`, with and without a tenant, and those of an organization.

use std::{path::Path, process::Command};

use base::id::OrganizationId;
use model::application::ClientKind;
use ostiary::app::applications::{ApplicationChange, NewApplication};
use serde_json::{Value, json};
use url::Url;

use super::{
    associations::{CALLBACK, CHALLENGE, PASSWORD, Portal, SIGNED_OUT, VERIFIER, claims, give, uuid},
    organization, switch,
};
use crate::{
    both,
    support::{Answer, Browser, process, python, query},
};

/// The authorization endpoint with a request of the portal.
fn authorize(portal: &Portal<'_>, prefix: &str, extra: &[(&str, &str)]) -> String {
    let mut url = Url::parse(&portal.app.url(&format!("{prefix}/oauth2/authorize"))).unwrap();
    url.query_pairs_mut().extend_pairs([
        ("client_id", portal.client.id.to_string().as_str()),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid offline_access internal_organization_view"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
        ("state", "s"),
    ]);
    url.query_pairs_mut().extend_pairs(extra);
    url.into()
}

/// Signs ann in; what the portal gets.
async fn sign_in(portal: &Portal<'_>, browser: &Browser, prefix: &str) -> Url {
    let begun = browser.get(&authorize(portal, prefix, &[])).await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    assert_eq!(begun.location().path(), "/prod/root/sign-in");
    let page = browser.get(begun.location().as_str()).await;
    let page = give(browser, &page, "identifier", "ann").await;
    let answer = give(browser, &page, "password", PASSWORD).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.location()
}

async fn ask(portal: &Portal<'_>, path: &str, extra: &[(&str, &str)]) -> Answer {
    let id = portal.client.id.to_string();
    let mut form = vec![("client_id", id.as_str()), ("client_secret", portal.client.secret.as_str())];
    form.extend(extra);
    portal.app.browser().post(&portal.app.url(path), &form).await
}

async fn exchange(portal: &Portal<'_>, path: &str, code: &str) -> Answer {
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    ask(portal, path, &grant).await
}

both! {
    async fn authlib_signs_a_user_of_the_root_in_and_switches_to_an_organization(app: TestApp) {
        let portal = Portal::new(&app).await;
        let made = portal.made("X", portal.ann).await;
        let image = portal.image(made, portal.ann).await.unwrap();
        portal.assign(made, image.id).await;
        for issuer in ["/oauth2/token", "/t/prod/oauth2/token"] {
            let told = json!({
                "issuer": app.url(issuer),
                "user": portal.ann,
                "name": "ann",
                "password": PASSWORD,
                "redirect_uri": CALLBACK,
                "signed_out": SIGNED_OUT,
                "client": { "id": portal.client.id, "secret": portal.client.secret },
                "organization": uuid(made.bits()),
                "organization_self": app.url("/o/api/server/v1/organizations/self"),
            });
            let mut command = Command::new(python());
            command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/authlib_switch.py"));
            command.env("OSTIARY_TOLD", told.to_string());
            let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
            assert!(output.status.success(), "{}", process::told(&output).1);
            assert_eq!(String::from_utf8_lossy(&output.stdout), "X\n");
        }
    }

    async fn what_one_issuer_gave_is_exchanged_by_that_one(app: TestApp) {
        let portal = Portal::new(&app).await;
        let tokens = ["/oauth2/token", "/t/prod/oauth2/token", "/prod/root/oauth2/token"];
        let prefixes = ["", "/t/prod", "/prod/root"];
        let issuers = ["/oauth2/token", "/t/prod/oauth2/token", "/prod/root"];
        for (at, prefix) in prefixes.iter().enumerate() {
            let browser = app.browser();
            let back = sign_in(&portal, &browser, prefix).await;
            assert_eq!(query(&back, "iss"), Some(app.url(issuers[at])), "{back}");
            let code = query(&back, "code").expect("a code");
            for wrong in tokens.iter().filter(|path| **path != tokens[at]) {
                let answer = exchange(&portal, wrong, &code).await;
                assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!("invalid_grant")), "{wrong}: {}", answer.body);
            }
            let answer = exchange(&portal, tokens[at], &code).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let given = answer.json();
            let (access, id) = (claims(given["access_token"].as_str().unwrap()), claims(given["id_token"].as_str().unwrap()));
            assert_eq!((&access["iss"], &id["iss"]), (&json!(app.url(issuers[at])), &json!(app.url(issuers[at]))));
            // By WSO2's paths a token at the root names no organization, and says where its user is from.
            let from = access["user_org"].as_str().unwrap_or_default();
            assert_eq!(from == "10084a8d-113f-4211-a0d5-efe36b082211", at < 2, "{access}");
            assert_eq!(access["org_id"].is_null(), at < 2, "{access}");
            // The next without a page, and the refresh token as the code.
            let silent = browser.get(&authorize(&portal, prefix, &[("prompt", "none")])).await.location();
            assert!(query(&silent, "code").is_some() && query(&silent, "iss") == Some(app.url(issuers[at])), "{silent}");
            let refresh = given["refresh_token"].as_str().unwrap();
            for wrong in tokens.iter().filter(|path| **path != tokens[at]) {
                let answer = ask(&portal, wrong, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
                assert_eq!(answer.json()["error"], "invalid_grant", "{wrong}: {}", answer.body);
            }
            let answer = ask(&portal, tokens[at], &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            // An ID token of one issuer proves nothing at another.
            let hint = given["id_token"].as_str().unwrap();
            let other = prefixes[(at + 1) % 3];
            let out = format!("{}?id_token_hint={hint}", app.url(&format!("{other}/oidc/logout")));
            let asked = browser.get(&out).await;
            assert_eq!(asked.status, 200, "{}", asked.body);
            let out = format!("{}?id_token_hint={hint}", app.url(&format!("{prefix}/oidc/logout")));
            let done = browser.get(&out).await;
            assert!(done.status == 200 && done.body.contains("You are signed out"), "{}", done.body);
        }
        // Errors go to the application, from the issuer that was asked.
        let refused = app.browser().get(&authorize(&portal, "", &[("prompt", "none")])).await.location();
        assert_eq!((query(&refused, "error").as_deref(), query(&refused, "iss")), (Some("login_required"), Some(app.url("/oauth2/token"))));
    }

    async fn the_paths_of_an_organization_are_those_of_its_own_issuer(app: TestApp) {
        let portal = Portal::new(&app).await;
        let made: OrganizationId = organization(&app, &portal.environment).await.id;
        let own = format!("/prod/{:032x}", made.bits());
        let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        let new = NewApplication { kind: ClientKind::Service, workspace: None, organization_id: Some(made) };
        let change = ApplicationChange {
            grant_types: texts(&["client_credentials"]),
            scopes: texts(&["billing"]),
            ..ApplicationChange::default()
        };
        let client = app.make_client(&portal.environment, new, &change).await;
        for prefix in [format!("/o/{}", uuid(made.bits())), format!("/t/prod/o/{made}")] {
            let found = app.browser().get(&app.url(&format!("{prefix}/oauth2/token/.well-known/openid-configuration"))).await;
            assert_eq!(found.json()["issuer"], app.url(&own), "{}", found.body);
            let token = app.token(&format!("{prefix}/oauth2/token"), &client).await;
            assert_eq!(claims(&token)["iss"], app.url(&own));
            let id = client.id.to_string();
            let form = [("client_id", id.as_str()), ("client_secret", &client.secret), ("token", &token)];
            let seen = app.browser().post(&app.url(&format!("{prefix}/oauth2/introspect")), &form).await;
            assert_eq!(seen.json()["active"], true, "{}", seen.body);
            assert_eq!(app.browser().post(&app.url(&format!("{prefix}/oauth2/revoke")), &form).await.status, 200);
            let seen = app.browser().post(&app.url(&format!("{own}/oauth2/introspect")), &form).await;
            assert_eq!(seen.json()["active"], false, "{}", seen.body);
            assert_eq!(app.browser().get(&app.url(&format!("{prefix}/oauth2/jwks"))).await.status, 200);
            let page = app.browser().get(&authorize(&portal, &prefix, &[])).await;
            assert!(page.status == 303 && page.location().path() == format!("{own}/sign-in"), "{} {}", page.status, page.body);
        }
        let wrong = uuid(0x0123_4567);
        for path in [format!("/o/{wrong}/oauth2/jwks"), "/o/system/oauth2/jwks".into(), format!("/t/nowhere/o/{}/oauth2/jwks", uuid(made.bits()))] {
            assert_eq!(app.browser().get(&app.url(&path)).await.status, 404, "{path}");
        }
    }

    async fn discovery_and_userinfo_say_what_there_is(app: TestApp) {
        let portal = Portal::new(&app).await;
        for (prefix, issuer) in [("", "/oauth2/token"), ("/t/prod", "/t/prod/oauth2/token")] {
            let found: Value = app.browser().get(&app.url(&format!("{issuer}/.well-known/openid-configuration"))).await.json();
            for (member, path) in [
                ("issuer", "/oauth2/token"),
                ("authorization_endpoint", "/oauth2/authorize"),
                ("token_endpoint", "/oauth2/token"),
                ("userinfo_endpoint", "/oauth2/userinfo"),
                ("jwks_uri", "/oauth2/jwks"),
                ("introspection_endpoint", "/oauth2/introspect"),
                ("revocation_endpoint", "/oauth2/revoke"),
                ("end_session_endpoint", "/oidc/logout"),
            ] {
                assert_eq!(found[member], app.url(&format!("{prefix}{path}")), "{member}");
            }
            assert_eq!(found["grant_types_supported"], json!(["authorization_code", "refresh_token", "client_credentials", "organization_switch"]));
            assert_eq!(found["response_types_supported"], json!(["code"]));
        }
        let made = portal.made("X", portal.ann).await;
        let browser = app.browser();
        let code = query(&sign_in(&portal, &browser, "").await, "code").unwrap();
        let root = exchange(&portal, "/oauth2/token", &code).await.json()["access_token"].as_str().unwrap().to_owned();
        let switched = switch(&app, "/oauth2/token", &portal.client, &root, &uuid(made.bits()), None).await.json();
        let switched = switched["access_token"].as_str().unwrap();
        let ask = async |path: &str, token: &str| {
            let browser = app.browser();
            browser.send(browser.request(reqwest::Method::GET, &app.url(path)).bearer_auth(token)).await
        };
        for token in [root.as_str(), switched] {
            let told = ask("/oauth2/userinfo", token).await;
            assert_eq!((told.status.as_u16(), &told.json()["sub"]), (200, &json!(portal.ann)), "{}", told.body);
            for other in ["/t/prod/oauth2/userinfo", "/prod/root/userinfo"] {
                assert_eq!(ask(other, token).await.status, 401, "{other}");
            }
        }
        assert_eq!(ask("/oauth2/userinfo", "x").await.status, 401);
    }
}
