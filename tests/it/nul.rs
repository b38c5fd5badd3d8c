//! Characters that a database cannot take, at every text parameter: both databases give the same answer, never 500.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::{administrator::Role, oauth_client::IdTokenAlg};
use ostiary::{
    links::path,
    store::{self, settings},
};
use reqwest::{Method, header};
use serde_json::{Value, json};
use url::Url;

use crate::{
    api_access::{acme, fields, routes},
    both,
    support::{Answer, Browser, TestApp},
};

/// A text with NUL, which SQLite stores and PostgreSQL refuses.
const NUL: &str = "a\0b";

/// NUL, bytes that are no UTF-8, a surrogate as UTF-8 would write it, a pattern that ends with its own escape, and more
/// than an index takes, in the form of a query or a path.
fn hostile() -> Vec<String> {
    // No two windows are alike, so that it does not become shorter when it is compressed.
    let long: String = (0..1500_u32).map(|n| format!("{:03x}", n * 2_654_435 % 4096)).collect();
    vec!["a%00b".into(), "%00".into(), "%ff%fe".into(), "%ED%A0%80".into(), "%25_%5C".into(), long]
}

#[track_caller]
fn assert_answered(answer: &Answer, context: &str) {
    assert!(answer.status.as_u16() < 500, "{context}: {} {}", answer.status, answer.body);
}

async fn form(app: &TestApp, browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let answer = browser.post(&app.url(path), fields).await;
    assert_answered(&answer, &format!("{path} {fields:?}"));
    answer
}

/// A form of a page: its method, its action and its fields.
struct PageForm {
    is_post: bool,
    action: String,
    fields: BTreeMap<String, String>,
}

/// The forms of a page, with all fields, also those that are chosen or written at length.
fn forms(page: &Answer) -> Vec<PageForm> {
    let attribute = |tag: &str, name: &str| {
        let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
        Some(rest.split_once('"')?.0.replace("&amp;", "&"))
    };
    let parts = page.body.split("<form").skip(1).filter_map(|part| part.split_once("</form>"));
    parts
        .map(|(html, _)| {
            let (start, inside) = html.split_once('>').unwrap();
            let tags =
                ["<input", "<select", "<textarea"].into_iter().flat_map(|kind| inside.split(kind).skip(1));
            let fields = tags.filter_map(|tag| {
                let (tag, _) = tag.split_once('>')?;
                Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
            });
            PageForm {
                is_post: start.contains("post"),
                action: attribute(start, "action").unwrap_or_else(|| page.url.path().to_owned()),
                fields: fields.collect(),
            }
        })
        .collect()
}

both! {
    async fn a_text_with_nul_is_neither_stored_nor_searched_for(app: TestApp) {
        let mut tx = app.state.db.write().await.unwrap();
        let stored = settings::insert(&mut tx, "name", NUL).await;
        assert!(matches!(stored, Err(store::Error::Nul)), "{stored:?}");
        let found = settings::find(&mut tx, NUL).await;
        assert!(matches!(found, Err(store::Error::Nul)), "{found:?}");
        assert!(settings::insert(&mut tx, "name", "\u{ffff}").await.unwrap(), "the transaction goes on");
    }

    async fn no_text_of_the_api_reaches_the_database_with_nul(app: TestApp) {
        let resources = acme(&app).await;
        let key = app.api_key(&resources.environment, true).await;
        let document = app.browser().get(&app.url(path::OPENAPI)).await.json();
        let hostile = hostile();
        let mut tried = 0;
        for route in routes(&resources) {
            let operation = &document["paths"][route.pattern][route.method.as_str().to_lowercase()];
            let mut urls = Vec::new();
            for value in &hostile {
                let segments = route.pattern.split('/').map(|part| if part.starts_with('{') { value } else { part });
                urls.extend(route.pattern.contains('{').then(|| segments.collect::<Vec<_>>().join("/")));
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let name = parameter["name"].as_str().unwrap();
                    if parameter["in"] == "query" && route.method == Method::GET {
                        // Beside what is needed, in place of it, and alone.
                        let mark = if route.url.contains('?') { '&' } else { '?' };
                        urls.push(format!("{}{mark}{name}={value}", route.url));
                        urls.push(format!("{}?{name}={value}", route.url.split('?').next().unwrap()));
                    }
                }
            }
            for url in urls {
                let answer = app.api(&key, route.method.clone(), &url, route.body.clone()).await;
                assert_answered(&answer, &format!("{} {url}", route.method));
                tried += 1;
            }
            for name in fields(&document, operation) {
                for value in [json!(NUL), json!([NUL]), json!("\\%_"), json!("\u{ffff}")] {
                    let mut body = route.body.clone().unwrap_or_else(|| json!({}));
                    body[&name] = value;
                    let answer = app.api(&key, route.method.clone(), &route.url, Some(body.clone())).await;
                    assert_answered(&answer, &format!("{} {} {body}", route.method, route.url));
                    tried += 1;
                }
            }
        }
        assert!(tried > 500, "{tried}");
        // In the place of a filter it is the caller's mistake.
        let of_directory = format!("{}?scimDirectoryId={}", path::SCIM_REQUESTS, resources.directory);
        for url in [format!("{}?query=%00", path::ORGANIZATIONS), format!("{of_directory}&error=%00")] {
            let answer = app.api(&key, Method::GET, &url, None).await;
            assert!([200, 400].contains(&answer.status.as_u16()), "{url}: {} {}", answer.status, answer.body);
        }
    }

    async fn no_text_of_scim_reaches_the_database_with_nul(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "dana@acme.example").await["id"].as_str().unwrap().to_owned();
        let ask = async |method: Method, path: &str, body: Option<Value>| {
            let context = format!("{method} {path} {body:?}");
            let answer = app.scim(&directory, method, path, body).await;
            assert_answered(&answer, &context);
            assert_eq!(answer.header("content-type"), "application/scim+json", "{context}");
            answer
        };
        for kind in ["Users", "Groups"] {
            for value in hostile() {
                for name in ["filter", "sortBy", "sortOrder", "attributes", "excludedAttributes", "cursor", "startIndex", "count"] {
                    ask(Method::GET, &format!("/{kind}?{name}={value}"), None).await;
                }
                for method in [Method::GET, Method::DELETE] {
                    ask(method, &format!("/{kind}/{value}"), None).await;
                }
                ask(Method::GET, &format!("/Schemas/{value}"), None).await;
                ask(Method::GET, &format!("/{value}"), None).await;
            }
            for attribute in ["userName", "externalId", "displayName", "id", "emails.value", "members.value", "members", "groups", "title"] {
                for operator in ["eq", "ne", "co", "sw", "ew", "gt", "le"] {
                    for text in ["a\\u0000b", "a\0b", "\\ud800", "\\\\", "%_\\\\"] {
                        let filter = format!("{attribute} {operator} \"{text}\"");
                        let query: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
                        ask(Method::GET, &format!("/{kind}?filter={query}"), None).await;
                    }
                }
            }
        }
        for text in [NUL, "\u{ffff}"] {
            let body = json!({ "schemas": [], "filter": format!("userName eq {}", json!(text)), "cursor": text });
            ask(Method::POST, "/Users/.search", Some(body.clone())).await;
            ask(Method::POST, "/.search", Some(body)).await;
            let patch = json!({ "Operations": [{ "op": "replace", "path": format!("emails[value eq {}].type", json!(text)), "value": "x" }] });
            ask(Method::PATCH, &format!("/Users/{user}"), Some(patch)).await;
            let bulk = json!({ "Operations": [
                { "method": "DELETE", "path": format!("/Users/{text}") },
                { "method": "POST", "path": "/Users", "bulkId": text, "data": { "userName": "eve@acme.example" } },
            ] });
            ask(Method::POST, "/Bulk", Some(bulk)).await;
            for (kind, body) in [("Users", json!({ "userName": text })), ("Groups", json!({ "displayName": text }))] {
                ask(Method::POST, &format!("/{kind}"), Some(body)).await;
            }
        }
        let found = ask(Method::GET, "/Users?filter=userName+eq+%22a%5Cu0000b%22", None).await;
        assert_eq!((found.status.as_u16(), &found.json()["status"]), (400, &json!("400")), "{}", found.body);
    }

    async fn no_text_of_a_login_reaches_the_database_with_nul(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let (client, secret) = app.oauth_client(&environment, IdTokenAlg::RS256).await;
        let (id, browser) = (client.id.to_string(), app.browser());
        let redirect = environment.oauth_redirect_uris[0].as_str();
        let good = [
            ("client_id", id.as_str()),
            ("response_type", "code"),
            ("scope", "openid email"),
            ("redirect_uri", redirect),
            ("state", "s"),
            ("nonce", "n"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("code_challenge_method", "S256"),
            ("login_hint", "dana@acme.example"),
            ("domain_hint", "acme.example"),
            ("organization_id", "x"),
            ("organization_external_id", "x"),
            ("saml_connection_id", "x"),
            ("prompt", "login"),
            ("max_age", "1"),
            ("ui_locales", "en"),
        ];
        let token = [
            ("grant_type", "authorization_code"),
            ("code", "x"),
            ("redirect_uri", redirect),
            ("client_id", id.as_str()),
            ("client_secret", secret.as_str()),
            ("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        ];
        for text in [NUL, "\0", "\u{ffff}"] {
            for (at, _) in good.iter().enumerate() {
                let mut fields = good.to_vec();
                fields[at].1 = text;
                let url = Url::parse_with_params(&app.url(path::OAUTH_AUTHORIZE), &fields).unwrap();
                assert_answered(&browser.get(url.as_str()).await, url.as_str());
                form(&app, &browser, path::OAUTH_AUTHORIZE, &fields).await;
            }
            for (at, _) in token.iter().enumerate() {
                let mut fields = token.to_vec();
                fields[at].1 = text;
                form(&app, &browser, path::OAUTH_TOKEN, &fields).await;
            }
            form(&app, &browser, path::OAUTH_USERINFO, &[("access_token", text)]).await;
            for credentials in [format!("{text}:{secret}"), format!("{id}:{text}"), format!("a%00b:{secret}")] {
                let request = browser.request(Method::POST, &app.url(path::OAUTH_TOKEN));
                let request = request.header(header::AUTHORIZATION, format!("Basic {}", BASE64.encode(credentials)));
                let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                let answer = browser.send(request.body("grant_type=authorization_code&code=x")).await;
                assert_answered(&answer, "basic authentication");
            }
            // The identity provider's answer, and its parts.
            let acs = format!("/v1/saml/{}/acs", tenant.connection.id);
            form(&app, &browser, &acs, &[("SAMLResponse", text), ("RelayState", "x")]).await;
            form(&app, &browser, &acs, &[("SAMLResponse", "AAAA"), ("RelayState", text)]).await;
            let xml = format!("<samlp:Response ID=\"{text}\" InResponseTo=\"{text}\"/>");
            form(&app, &browser, &acs, &[("SAMLResponse", &BASE64.encode(xml)), ("RelayState", text)]).await;
        }
        for value in hostile() {
            for path in ["init?state=", "metadata?x=", "x/"] {
                let url = format!("/v1/saml/{}/{path}{value}", tenant.connection.id);
                assert_answered(&browser.get(&app.url(&url)).await, &url);
            }
            for url in [format!("/v1/saml/{value}/init?state=x"), format!("/v1/oauth/{value}"), format!("/{value}"), format!("/setup/{value}"), format!("/setup?token={value}"), format!("/branding/{value}/logo"), format!("/docs/api/{value}")] {
                assert_answered(&browser.get(&app.url(&url)).await, &url);
            }
        }
    }

    async fn no_text_of_the_console_reaches_the_database_with_nul(app: TestApp) {
        let resources = acme(&app).await;
        let console = app.console(Role::Owner, &resources.environment).await;
        let stranger = app.browser();
        for (path, fields) in [
            ("/console/sign-in", &["email", "password", "next", "form_token"][..]),
            ("/console/sign-in/passkey", &["credential", "challenge", "next"]),
            ("/console/join", &["token", "password", "displayName"]),
            ("/setup", &["token"]),
        ] {
            for field in fields {
                let page = stranger.get(&app.url(path)).await;
                let token = page.input("form_token").unwrap_or_default();
                form(&app, &stranger, path, &[("form_token", &token), ("email", "a@b.example"), (field, NUL)]).await;
                assert_answered(&stranger.get(&app.url(&format!("{path}?{field}=a%00b"))).await, path);
            }
        }
        // Every page that links lead to, with every parameter that a link or a form has, and every form.
        let mut waiting = vec!["/console".to_owned(), format!("/console/{}", resources.environment.id)];
        let (mut pages, mut names, mut sent) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        let mut posts = Vec::new();
        while let Some(path) = waiting.pop() {
            let alone = path.split(['?', '#']).next().unwrap().to_owned();
            let skipped = ["sign-out", "sign-in", "export"].iter().any(|part| path.contains(part));
            if skipped || !pages.insert(alone.clone()) || pages.len() > 150 {
                continue;
            }
            let page = console.browser.get(&app.url(&path)).await;
            assert_answered(&page, &path);
            let links = page.body.split(" href=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.replace("&amp;", "&")));
            for link in links.filter(|link| link.starts_with("/console")) {
                let url = Url::parse(&app.url(&link)).unwrap();
                names.extend(url.query_pairs().map(|(name, _)| name.into_owned()));
                waiting.push(link);
            }
            for found in forms(&page) {
                match found.is_post {
                    true => posts.push(found),
                    false => names.extend(found.fields.into_keys()),
                }
            }
        }
        assert!(pages.len() > 25 && names.len() > 8, "{} {names:?}", pages.len());
        for page in &pages {
            for name in &names {
                let path = format!("{page}?{name}=a%00b");
                assert_answered(&console.browser.get(&app.url(&path)).await, &path);
            }
        }
        for found in posts {
            for name in found.fields.keys().filter(|name| *name != "form_token") {
                let one = (found.action.clone(), name.clone());
                if found.action.contains("sign-out") || !sent.insert(one) {
                    continue;
                }
                let fields = found.fields.iter().map(|(field, value)| {
                    (field.as_str(), if field == name { NUL } else { value.as_str() })
                });
                let answer = console.browser.post(&app.url(&found.action), &fields.collect::<Vec<_>>()).await;
                assert_answered(&answer, &format!("{} {name}", found.action));
            }
        }
        assert!(sent.len() > 60, "{}", sent.len());
    }
}
