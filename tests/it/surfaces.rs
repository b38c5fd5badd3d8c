//! Errors that no handler makes, in the format of the surface that was called: every route of the table is tried.

use std::time::Duration;

use actix_web::App;
use ostiary::{
    http::routes,
    web::kit::routing::{RouteTable, Surface},
};
use reqwest::{Method, header};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    both,
    support::{Answer, Browser, TestApp},
};

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
const FORM: &str = "application/x-www-form-urlencoded";
const WRONG_KEY: &str = "Bearer ssoready_sk_0000000000000000000000000";

/// Every route of the server and its surface, with `x` for each parameter.
fn all_routes() -> Vec<(String, Surface)> {
    let mut table = RouteTable::default();
    let _app = App::new().configure(|config| routes::configure(config, &mut table));
    let filled = |segment: &str| match segment.starts_with('{') {
        true if segment.contains(":scim_directory_") => "scim_directory_x".to_owned(),
        true => "x".to_owned(),
        false => segment.to_owned(),
    };
    let path = |pattern: &str| pattern.split('/').map(filled).collect::<Vec<_>>().join("/");
    table.patterns().map(|(pattern, surface)| (path(pattern), surface)).collect()
}

/// Asserts that an error has the format of the surface, for a client that sent this `Accept`.
#[track_caller]
fn assert_format(answer: &Answer, surface: Surface, accept: &str, context: &str) {
    let (kind, page) = (answer.header("content-type").to_owned(), accept.contains("text/html"));
    let context = format!("{surface:?} {context} for {accept}: {} {kind} {}", answer.status, answer.body);
    let json = || serde_json::from_str::<Value>(&answer.body).unwrap_or_else(|_| panic!("{context}"));
    match surface {
        Surface::Scim | Surface::Wso2Scim => {
            assert_eq!(kind, "application/scim+json", "{context}");
            assert_eq!(json()["status"], answer.status.as_str(), "{context}");
        }
        Surface::Ssoready => {
            assert_eq!(kind, "application/json", "{context}");
            assert!(json()["code"].is_u64() && json()["details"].is_array(), "{context}");
        }
        Surface::Secureauth => {
            assert_eq!(kind, "application/json", "{context}");
            assert_eq!(json()["status_code"], answer.status.as_u16(), "{context}");
            assert!(json()["error_code"].is_string() && json()["details"].is_object(), "{context}");
        }
        Surface::Wso2 if matches!(answer.status.as_u16(), 401 | 403) => {
            assert!(answer.body.is_empty(), "{context}");
        }
        Surface::Wso2 => {
            assert_eq!(kind, "application/json", "{context}");
            for text in ["code", "message", "description", "traceId"] {
                assert!(json()[text].is_string(), "{context}: {text}");
            }
        }
        Surface::Sigid => {
            assert_eq!(kind, "application/json", "{context}");
            let error = &json()["error"];
            assert!(error["code"].is_string() && error["details"].is_array(), "{context}");
            assert!(error["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{context}");
        }
        _ if page => {
            assert_eq!(kind, "text/html; charset=utf-8", "{context}");
            assert!(answer.body.starts_with("<!DOCTYPE html>"), "{context}");
        }
        Surface::Oauth => {
            assert_eq!(kind, "application/json", "{context}");
            assert!(json()["error"].is_string(), "{context}");
        }
        Surface::Issuer => {
            assert_eq!(kind, "application/json", "{context}");
            for text in ["error", "error_description", "error_hint", "cause"] {
                assert!(json()[text].is_string(), "{context}: {text}");
            }
            assert_eq!(json()["status_code"], answer.status.as_u16(), "{context}");
            assert!(json()["details"].is_object(), "{context}");
        }
        _ => {
            assert_eq!(kind, "application/json", "{context}");
            assert!(json()["code"].is_u64(), "{context}");
        }
    }
}

async fn ask(app: &TestApp, browser: &Browser, method: &str, path: &str, accept: &str) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    browser.send(browser.request(method, &app.url(path)).header(header::ACCEPT, accept)).await
}

/// Sends bytes as they are, and reads until the answer is complete or the server closes.
async fn raw(app: &TestApp, request: &[u8]) -> String {
    let (mut stream, mut sender) = TcpStream::connect(app.address).await.unwrap().into_split();
    // The server may answer before it has read everything.
    let request = request.to_vec();
    let sending = tokio::spawn(async move { sender.write_all(&request).await });
    let text = read(&mut stream).await;
    sending.abort();
    text
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut text = Vec::new();
    let mut part = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut part).await {
        text.extend(&part[..count]);
        let seen = String::from_utf8_lossy(&text).to_lowercase();
        let Some((head, body)) = seen.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// An answer that was read as bytes.
fn answer(app: &TestApp, text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let lines = head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let headers =
        lines.map(|(name, value)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap()));
    Answer {
        url: app.url("/").parse().unwrap(),
        status: reqwest::StatusCode::from_u16(status).unwrap(),
        headers: headers.collect(),
        body: body.to_owned(),
    }
}

both! {
    async fn every_route_answers_what_no_handler_does_in_the_format_of_its_surface(app: TestApp) {
        let (browser, routes) = (app.browser(), all_routes());
        assert!(routes.len() > 100, "{}", routes.len());
        for (path, surface) in routes {
            for accept in [BROWSER, "*/*"] {
                let unknown = format!("{}/nowhere/x/y/z", path.trim_end_matches('/'));
                let answer = ask(&app, &browser, "GET", &unknown, accept).await;
                assert_eq!(answer.status, 404, "{unknown}");
                // Below the home page there is everything.
                if path != "/" {
                    assert_format(&answer, surface, accept, &unknown);
                }
                // SCIM answers everything below a directory; of a scope there is no route.
                let answer = ask(&app, &browser, "PROPFIND", &path, accept).await;
                let status = answer.status.as_u16();
                assert!(status == 405 || surface == Surface::Scim && status == 404, "{path}: {answer:?}");
                assert_format(&answer, surface, accept, &path);
                for strange in ["%ff%fe", "%00", "%zz", "%2e%2e%2f", "%C0%80"] {
                    let path = format!("{}/{strange}", path.trim_end_matches('/'));
                    let answer = ask(&app, &browser, "PROPFIND", &path, accept).await;
                    assert!(answer.status.is_client_error(), "{path}: {answer:?}");
                    if answer.status != 404 || path.len() > 1 + strange.len() {
                        assert_format(&answer, surface, accept, &path);
                    }
                }
            }
        }
    }

    async fn unknown_addresses_below_the_base_of_an_api_are_answered_as_by_that_api(app: TestApp) {
        let browser = app.browser();
        for (path, surface) in [
            ("/v1", Surface::Ssoready),
            ("/v1/", Surface::Ssoready),
            ("/v1/nowhere", Surface::Ssoready),
            ("/v1/organizationsx", Surface::Ssoready),
            ("/v1/saml-nowhere/x", Surface::Ssoready),
            ("/v1/scim/users/x/y", Surface::Ssoready),
            ("/v1/scim", Surface::Scim),
            ("/v1/scim/Users", Surface::Scim),
            ("/v1/scim/directory_1/Users", Surface::Scim),
            ("/v1/scim/scim_directory_1/nowhere", Surface::Scim),
            ("/v1/oauth", Surface::Oauth),
            ("/v1/oauth/nowhere", Surface::Oauth),
            ("/v1/saml/x/nowhere", Surface::Saml),
            ("/console/x/y/z/nowhere", Surface::Console),
            ("/setup/nowhere/x", Surface::Setup),
            ("/nowhere", Surface::Site),
        ] {
            for method in ["GET", "POST", "PROPFIND"] {
                for accept in [BROWSER, "*/*"] {
                    let answer = ask(&app, &browser, method, path, accept).await;
                    assert!([401, 404, 405].contains(&answer.status.as_u16()), "{method} {path}: {answer:?}");
                    assert_format(&answer, surface, accept, path);
                }
            }
        }
    }

    async fn whoever_is_limited_is_told_so_in_the_format_of_the_surface(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let acs = format!("/v1/saml/{}/acs", tenant.connection.id);
        let users = format!("/v1/scim/{}/Users", directory.id);
        let client = format!("/v1/oauth/authorize?client_id={}", "saml_oauth_client_0000000000000000000000000");
        let browser = app.browser();
        for (method, path, surface) in [
            (Method::POST, "/v1/saml/redeem", Surface::Ssoready),
            (Method::POST, "/v1/oauth/token", Surface::Oauth),
            (Method::GET, &*client, Surface::Oauth),
            (Method::GET, &*users, Surface::Scim),
            (Method::POST, &*acs, Surface::Saml),
            (Method::GET, "/console/sign-in/saml", Surface::Console),
        ] {
            let send = async |accept: &str| {
                let request = browser.request(method.clone(), &app.url(path)).header(header::ACCEPT, accept);
                // Of a form, only its kind matters; a wrong credential is a failure everywhere.
                let kind = if surface == Surface::Ssoready { "application/json" } else { FORM };
                let request = request.header(header::CONTENT_TYPE, kind);
                let body = match path {
                    "/v1/saml/redeem" => "{}",
                    _ if path == acs => "SAMLResponse=AAAA",
                    _ => "grant_type=authorization_code&code=x&client_id=x&client_secret=x",
                };
                let request = match surface {
                    Surface::Ssoready | Surface::Scim => request.header(header::AUTHORIZATION, WRONG_KEY),
                    _ => request,
                };
                browser.send(if method == Method::GET { request } else { request.body(body) }).await
            };
            let mut sent = 0;
            while send("*/*").await.status != 429 {
                sent += 1;
                assert!(sent < 2000, "nobody stops {path}");
            }
            for accept in [BROWSER, "*/*"] {
                let answer = send(accept).await;
                assert_eq!(answer.status, 429, "{path}");
                assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1, "{path}");
                assert_format(&answer, surface, accept, path);
            }
        }
    }

    async fn bodies_too_large_and_too_slow_are_refused_in_the_format_of_the_surface(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let key = app.api_key(&environment, true).await;
        let users = format!("/v1/scim/{}/Users", directory.id);
        let acs = format!("/v1/saml/{}/acs", tenant.connection.id);
        let origin = app.url("");
        for (path, kind, token, surface) in [
            ("/v1/organizations", "application/json", key.as_str(), Surface::Ssoready),
            (&users, "application/scim+json", &directory.token, Surface::Scim),
            ("/v1/oauth/token", FORM, "", Surface::Oauth),
            (&acs, FORM, "", Surface::Saml),
            ("/console/sign-in", FORM, "", Surface::Console),
            ("/setup", FORM, "", Surface::Setup),
        ] {
            // Only browsers post forms of pages.
            let is_page = matches!(surface, Surface::Console | Surface::Setup);
            for accept in [BROWSER, "*/*"].into_iter().take(if is_page { 1 } else { 2 }) {
                let head = |length: usize, more: &str| {
                    format!(
                        "POST {path} HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\nContent-Type: {kind}\r\nOrigin: {origin}\r\n\
                         Authorization: Bearer {token}\r\nContent-Length: {length}\r\n{more}\r\n"
                    )
                };
                let large = [head(2 << 20, "").into_bytes(), vec![b'a'; 2 << 20]].concat();
                let large = answer(&app, &raw(&app, &large).await);
                assert_eq!(large.status, 413, "{path}");
                assert_format(&large, surface, accept, path);

                let mut stream = TcpStream::connect(app.address).await.unwrap();
                stream.write_all(head(100, "Expect: 100-continue\r\n").as_bytes()).await.unwrap();
                let mut go_on = [0; 25];
                stream.read_exact(&mut go_on).await.unwrap();
                assert!(go_on.starts_with(b"HTTP/1.1 100 Continue"), "{path}");
                // Some handlers look at other things before they wait for the body.
                let (mut reader, mut sender) = stream.into_split();
                let too_slow = async {
                    loop {
                        app.advance(Duration::from_secs(11));
                        let _ = sender.write_all(b"a").await;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                };
                let slow = tokio::select! {
                    text = read(&mut reader) => answer(&app, &text),
                    () = too_slow => unreachable!(),
                };
                assert_eq!(slow.status, 408, "{path}: {slow:?}");
                assert_format(&slow, surface, accept, path);
            }
        }
    }

    async fn a_head_that_cannot_be_read_is_refused_at_once_and_nothing_behind_it_is_read(app: TestApp) {
        let long = "x".repeat(40 * 1024);
        let many: String = (0..200).map(|n| format!("X-{n}: y\r\n")).collect();
        let requests = [
            (format!("GET /v1/organizations?{long} HTTP/1.1\r\nHost: x\r\n\r\n"), 431),
            (format!("GET /v1/organizations HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n"), 431),
            (format!("GET /v1/scim/scim_directory_1/Users HTTP/1.1\r\nHost: x\r\n{many}\r\n"), 431),
            ("GET /v1/organizations/\0 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 400),
            ("GET /v1/organizations a HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), 400),
            ("GET /v1/organizations HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n".to_owned(), 400),
            ("NONSENSE\r\n\r\n".to_owned(), 400),
        ];
        for (request, status) in requests {
            let shown = request.chars().take(80).collect::<String>();
            let text = raw(&app, format!("{request}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
            let refused = answer(&app, &text);
            assert_eq!((refused.status.as_u16(), refused.body.as_str()), (status, ""), "{shown}");
        }
        // Behind another request too, whether it is sent with it or once that is answered.
        let long = "x".repeat(100 * 1024);
        let late = format!("GET /v1/organizations HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n");
        for together in [true, false] {
            let mut stream = TcpStream::connect(app.address).await.unwrap();
            let first = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
            let mut seen = String::new();
            if together {
                stream.write_all(&[&first[..], late.as_bytes()].concat()).await.unwrap();
            } else {
                stream.write_all(first).await.unwrap();
                seen = read(&mut stream).await;
                stream.write_all(late.as_bytes()).await.unwrap();
            }
            let answered = async {
                let mut part = [0; 4096];
                while !seen.contains("HTTP/1.1 431")
                    && let Ok(count @ 1..) = stream.read(&mut part).await
                {
                    seen.push_str(&String::from_utf8_lossy(&part[..count]));
                }
            };
            let in_time = tokio::time::timeout(Duration::from_secs(8), answered).await;
            assert!(in_time.is_ok(), "it is not waited for: {together}: {seen}");
            assert!(seen.contains("HTTP/1.1 200") && seen.contains("HTTP/1.1 431"), "{together}: {seen}");
        }
        // Up to there, a head is read.
        let fits = "x".repeat(24 * 1024);
        let text = raw(&app, format!("GET /healthz?{fits} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
        assert_eq!(answer(&app, &text).status, 200);
    }
}
