//! The OpenID provider, seen by clients and their browsers.

#![expect(clippy::unwrap_used, reason = "a scenario fails where something is not as it says")]

mod authorize;
mod clients;
mod deprovisioned;
mod disabled;
mod keys;
mod openid;
mod redirect_uris;
mod statements;
mod subjects;
mod token;
mod userinfo;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{environment::Environment, oauth_client::IdTokenAlg};
use reqwest::Method;
use serde_json::Value;
use url::{Url, form_urlencoded::Serializer};

use super::support::{Answer, Browser, IdentityProvider, Request, Tenant, TestApp, query};

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// One app with its client, and one customer who signs in there.
struct Fixture<'a> {
    app: &'a TestApp,
    environment: Environment,
    tenant: Tenant,
    client_id: String,
    secret: String,
    redirect_uri: String,
}

impl<'a> Fixture<'a> {
    async fn new(app: &'a TestApp) -> Self {
        Self::with(app, "prod", IdTokenAlg::ES256).await
    }

    async fn with(app: &'a TestApp, slug: &str, alg: IdTokenAlg) -> Self {
        let environment = app.environment(slug).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let (client, secret) = app.oauth_client(&environment, alg).await;
        let redirect_uri = environment.oauth_redirect_uris[0].to_string();
        Self { app, environment, tenant, client_id: client.id.to_string(), secret, redirect_uri }
    }

    /// The authorization request that any client sends, with changes: a value replaces, an empty one
    /// removes.
    fn authorize_url(&self, changes: &[(&str, &str)]) -> String {
        let organization = self.tenant.organization.id.to_string();
        let usual = [
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", &self.redirect_uri),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "s-1"),
            ("organization_id", &organization),
        ];
        self.app.url(&format!("/v1/oauth/authorize?{}", changed(&usual, changes)))
    }

    /// Goes through the identity provider as `email`, up to the app's callback.
    async fn sign_in(&self, browser: &Browser, authorize_url: &str, email: &str) -> Url {
        let request = Request::read(&browser.get(authorize_url).await);
        self.answer(browser, &request, email).await.location()
    }

    async fn answer(&self, browser: &Browser, request: &Request, email: &str) -> Answer {
        let idp = IdentityProvider::get();
        let mut response = idp.response(&self.tenant, Some(&request.id), email, self.app.now());
        response.attributes = vec![
            ("displayName".to_owned(), vec!["Dana".to_owned()]),
            ("groups".to_owned(), vec!["admins".to_owned(), "staff".to_owned()]),
        ];
        request.answer(browser, &self.tenant, &idp.sign(&response)).await
    }

    /// A fresh code from a login whose authorization request had these changes.
    async fn code(&self, changes: &[(&str, &str)]) -> String {
        let browser = self.app.browser();
        let callback = self.sign_in(&browser, &self.authorize_url(changes), "dana@acme.example").await;
        query(&callback, "code").unwrap_or_else(|| panic!("no code in {callback}"))
    }

    /// The usual token request with changes, the secret in the body.
    async fn token(&self, code: &str, changes: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("client_id", &self.client_id),
            ("client_secret", &self.secret),
        ];
        post_form(self.app, "/v1/oauth/token", &changed(&usual, changes), &[]).await
    }

    /// A whole login: the token endpoint's answer.
    async fn tokens(&self) -> Value {
        let answer = self.token(&self.code(&[]).await, &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    async fn userinfo(&self, access_token: &str) -> Answer {
        let browser = self.app.browser();
        let request = browser.request(Method::GET, &self.app.url("/v1/oauth/userinfo"));
        browser.send(request.bearer_auth(access_token)).await
    }
}

fn changed(usual: &[(&str, &str)], changes: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    for (name, value) in usual {
        let change = changes.iter().find(|(changed, _)| changed == name);
        match change.map_or(*value, |(_, value)| value) {
            "" => {}
            value => drop(query.append_pair(name, value)),
        }
    }
    for (name, value) in changes {
        if !value.is_empty() && usual.iter().all(|(usual, _)| usual != name) {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

async fn post_form(app: &TestApp, path: &str, body: &str, headers: &[(&str, &str)]) -> Answer {
    let browser = app.browser();
    let mut request = browser
        .request(Method::POST, &app.url(path))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.send(request).await
}

/// Header and claims of a token, unverified.
fn decode(token: &str) -> (Value, Value) {
    let mut parts =
        token.split('.').map(|part| serde_json::from_slice(&BASE64.decode(part).unwrap_or_default()));
    let mut next = || parts.next().expect("a part").expect("JSON");
    (next(), next())
}

/// The error in the answer.
fn error_of(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.json()["error"].as_str().unwrap_or_default().to_owned())
}
