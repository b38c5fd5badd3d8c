//! Which scripts of other origins may read what an issuer answers (Fetch §3.2): those of a public application's own origins.

use std::process::Command;

use model::application::ClientKind;
use ostiary::app::applications::{ApplicationChange, NewApplication};
use reqwest::{Method, header};
use serde_json::json;

use super::{CALLBACK, EMAIL, PASSWORD, World, issuer_of, text, world};
use crate::{
    both,
    support::{Answer, TestApp, node, process, python, tokens::Client},
};

const OWN: &str = "https://portal.example";

/// Origins that are not the application's, though some look like it.
const OTHERS: [&str; 10] = [
    "https://evil.example",
    "null",
    "http://portal.example",
    "https://portal.example:8443",
    "https://portal.example/",
    "https://PORTAL.example",
    "https://portal.example.evil.example",
    "https://evil.example https://portal.example",
    "*",
    "",
];

/// An application of this kind with this origin.
async fn application(app: &TestApp, world: &World, kind: ClientKind) -> Client {
    let change = ApplicationChange {
        redirect_uris: Some(vec![CALLBACK.into()]),
        origins: Some(vec![OWN.into()]),
        ..ApplicationChange::default()
    };
    app.make_client(
        &world.environment,
        NewApplication { kind, workspace: None, organization_id: None },
        &change,
    )
    .await
}

/// Sends a form from a page of this origin, with a browser that is signed in.
async fn send(app: &TestApp, path: &str, origin: &str, form: &[(&str, &str)]) -> Answer {
    let browser = app.browser();
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = browser.request(Method::POST, &app.url(path)).header(header::ORIGIN, origin);
    browser.send(request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)).await
}

async fn read_userinfo(app: &TestApp, path: &str, origin: &str, token: &str) -> Answer {
    let browser = app.browser();
    let request =
        browser.request(Method::GET, &app.url(path)).header(header::ORIGIN, origin).bearer_auth(token);
    browser.send(request).await
}

/// Asserts that scripts of `origin` may read the answer, or those of none if it is `None`.
#[track_caller]
fn assert_shared(answer: &Answer, origin: Option<&str>) {
    let shared = answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap());
    assert_eq!(shared, origin, "{} {}", answer.url, answer.body);
    assert!(answer.header("vary").to_lowercase().contains("origin"), "{}", answer.url);
    assert!(answer.headers.get(header::ACCESS_CONTROL_ALLOW_CREDENTIALS).is_none(), "{}", answer.url);
}

both! {
    async fn what_a_public_application_gets_is_read_by_its_own_origins_only(app: TestApp) {
        let mut world = world(&app).await;
        world.client = application(&app, &world, ClientKind::Public).await;
        let id = world.client.id.to_string();
        let path = |endpoint: &str| format!("{}/{endpoint}", world.issuer);
        for origin in [OWN].iter().chain(&OTHERS) {
            let shared = (*origin == OWN).then_some(OWN);
            let tokens = world.tokens(&app).await;
            let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
            let told = read_userinfo(&app, &path("userinfo"), origin, access).await;
            assert_eq!((told.status.as_u16(), told.header("cache-control")), (200, "no-store"));
            assert_shared(&told, shared);
            let form = [("grant_type", "refresh_token"), ("client_id", id.as_str()), ("refresh_token", refresh)];
            let refreshed = send(&app, &path("oauth2/token"), origin, &form).await;
            assert_eq!(refreshed.status, 200, "{}", refreshed.body);
            assert_shared(&refreshed, shared);
            // An error is the application's too.
            let again = send(&app, &path("oauth2/token"), origin, &form).await;
            assert_eq!(again.status, 400, "{}", again.body);
            assert_shared(&again, shared);
            let revoked = send(&app, &path("oauth2/revoke"), origin, &[("client_id", &id), ("token", refresh)]).await;
            assert_eq!(revoked.status, 200, "{}", revoked.body);
            assert_shared(&revoked, shared);
            // Nobody's token, which every script may read.
            let refused = read_userinfo(&app, &path("userinfo"), origin, access).await;
            assert_eq!(refused.status, 401);
            assert_shared(&refused, Some("*"));
            assert_eq!(refused.header("access-control-expose-headers"), "www-authenticate");
        }
    }

    async fn what_other_applications_get_is_read_by_no_script(app: TestApp) {
        let mut world = world(&app).await;
        let token = format!("{}/oauth2/token", world.issuer);
        // One with a secret, which has no business in a browser.
        world.client = application(&app, &world, ClientKind::Web).await;
        let (id, secret) = (world.client.id.to_string(), world.client.secret.clone());
        let form = [("grant_type", "refresh_token"), ("client_id", &*id), ("client_secret", &*secret), ("refresh_token", "x")];
        assert_shared(&send(&app, &token, OWN, &form).await, None);
        // One of another environment that has the same origin, and one that is not shared with this organization.
        let other = app.environment("other").await;
        let theirs = World { environment: other, issuer: world.issuer.clone(), client: Client { id: world.client.id, secret: String::new() }, ..world };
        let foreign = application(&app, &theirs, ClientKind::Public).await.id.to_string();
        let change = ApplicationChange { origins: Some(vec![OWN.into()]), shared: Some("none".into()), ..ApplicationChange::default() };
        let new = NewApplication { kind: ClientKind::Public, workspace: None, organization_id: None };
        let environment = app.environment("third").await;
        let tenant = app.tenant(&environment, "acme.com").await;
        let unshared = app.make_client(&environment, new, &change).await.id.to_string();
        let third = format!("{}/oauth2/token", issuer_of("third", tenant.organization.id));
        for (path, id) in [(&token, &foreign), (&third, &unshared), (&token, &"app_0000000000000000000000000".to_owned()), (&token, &"x".to_owned())] {
            let form = [("grant_type", "refresh_token"), ("client_id", id.as_str()), ("refresh_token", "x")];
            assert_shared(&send(&app, path, OWN, &form).await, None);
        }
        let twice = [("client_id", foreign.as_str()), ("client_id", foreign.as_str())];
        assert_shared(&send(&app, &token, OWN, &twice).await, None);
    }

    async fn pages_and_introspection_are_read_by_no_script_and_documents_by_every(app: TestApp) {
        let mut world = world(&app).await;
        world.client = application(&app, &world, ClientKind::Public).await;
        let browser = app.browser();
        let get = async |path: String| {
            browser.send(browser.request(Method::GET, &app.url(&path)).header(header::ORIGIN, OWN)).await
        };
        for path in [".well-known/openid-configuration", ".well-known/jwks.json"] {
            let document = get(format!("{}/{path}", world.issuer)).await;
            assert_eq!((document.status.as_u16(), document.header("access-control-allow-origin")), (200, "*"));
            assert!(document.headers.get(header::ACCESS_CONTROL_ALLOW_CREDENTIALS).is_none());
        }
        let authorize = world.authorize(&app, &[]).replace(&app.base, "");
        for path in [authorize, format!("{}/sign-in", world.issuer), format!("{}/oidc/logout", world.issuer)] {
            assert!(get(path).await.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_none());
        }
        let id = world.client.id.to_string();
        let introspected = send(&app, &format!("{}/oauth2/introspect", world.issuer), OWN, &[("client_id", &id), ("token", "x")]).await;
        assert!(introspected.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).is_none());
        // What browsers ask first says nothing about who may read.
        for (path, status, methods, headers) in [
            ("oauth2/token", 204, "POST", "content-type"),
            ("oauth2/revoke", 204, "POST", "content-type"),
            ("userinfo", 204, "GET, POST", "authorization"),
            ("oauth2/introspect", 405, "", ""),
            ("oauth2/authorize", 405, "", ""),
            ("sign-in", 405, "", ""),
        ] {
            let request = browser.request(Method::OPTIONS, &app.url(&format!("{}/{path}", world.issuer)));
            let request = request.header(header::ORIGIN, OWN).header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST");
            let asked = browser.send(request).await;
            assert_eq!(asked.status.as_u16(), status, "{path}");
            assert_eq!(asked.header("access-control-allow-methods"), methods, "{path}");
            assert_eq!(asked.header("access-control-allow-headers"), headers, "{path}");
            assert!(asked.headers.get(header::ACCESS_CONTROL_ALLOW_CREDENTIALS).is_none());
        }
    }
}

both! {
    async fn a_single_page_app_signs_people_in_from_its_own_origin(app: TestApp) {
        let world = world(&app).await;
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let origin = format!("http://localhost:{port}");
        let change = ApplicationChange {
            redirect_uris: Some(vec![format!("{origin}/callback")]),
            origins: Some(vec![origin]),
            ..ApplicationChange::default()
        };
        let new = NewApplication { kind: ClientKind::Public, workspace: None, organization_id: None };
        let client = app.make_client(&world.environment, new, &change).await;
        let told = json!({
            "issuer": app.url(&world.issuer), "client_id": client.id, "email": EMAIL, "password": PASSWORD,
        });
        let scripts = node::directory(&["spa.mjs"]);
        let mut command = Command::new(python());
        command.arg("tests/python/walk_scripts.py").arg(port.to_string()).arg(scripts.path()).arg(told.to_string());
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", process::told(&output).1);
    }
}
