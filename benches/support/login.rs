//! One whole login: the requests of the browser, the identity provider and the app.

use std::sync::Arc;

use base::{
    random::SystemRandom,
    time::{Clock, SystemClock},
};
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use ostiary::test_idp::response::{ResponseContext, ResponseSpec, Signing};
use reqwest::{Client, Response, header, redirect};
use saml::key_pair::KeyPair;
use serde_json::Value;
use url::Url;

/// Where the app's codes go.
pub const REDIRECT_URI: &str = "https://app.example/callback";
/// The entity id of the identity provider.
pub const IDP: &str = "https://idp.example/metadata";

/// What a login needs.
#[derive(Clone)]
pub struct Login {
    pub server_base: String,
    /// The OAuth client's id and secret.
    pub client: (String, String),
    /// The identity provider's keys.
    pub keys: Arc<KeyPair>,
    pub organization: String,
    /// Who signs in.
    pub address: String,
}

thread_local! {
    static HTTP: Client = Client::builder().no_proxy().redirect(redirect::Policy::none()).build().expect("a client");
}

impl Login {
    /// The same at another server.
    pub fn at(&self, server_base: &str) -> Arc<Self> {
        Arc::new(Self { server_base: server_base.to_owned(), ..self.clone() })
    }

    /// Authorize, the response at the ACS, token, userinfo. The error says which of them failed, and how.
    pub async fn once(&self) -> Result<(), String> {
        let http = HTTP.with(Client::clone);
        let authorize = format!(
            "{}/v1/oauth/authorize?response_type=code&scope=openid&state=s&client_id={}&redirect_uri={REDIRECT_URI}&organization_id={}",
            self.server_base, self.client.0, self.organization
        );
        let page = http.get(authorize).header(header::ACCEPT, "text/html").send().await.map_err(text_of)?;
        let cookies: Vec<String> = page
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .map(|cookie| cookie.to_str().expect("text").split(';').next().expect("a pair").to_owned())
            .collect();
        let page = body_of("authorize", page).await?;
        let field = |name: &str| {
            let (_, rest) = page
                .split_once(&format!("name=\"{name}\" value=\""))
                .ok_or_else(|| format!("authorize: no {name} in {page}"))?;
            Ok::<_, String>(rest.split_once('"').expect("a value").0.to_owned())
        };
        let (saml_request, relay_state) = (field("SAMLRequest")?, field("RelayState")?);
        let xml = String::from_utf8(BASE64.decode(saml_request).expect("base64")).expect("UTF-8");
        let attribute = |name: &str| {
            let (_, rest) = xml.split_once(&format!(" {name}=\"")).expect("the attribute");
            rest.split_once('"').expect("a value").0.to_owned()
        };
        let (acs_url, request_id) = (attribute("AssertionConsumerServiceURL"), attribute("ID"));
        let sp_entity_id = acs_url.trim_end_matches("/acs");
        let context = ResponseContext {
            idp_entity_id: IDP,
            sp_entity_id,
            acs_url: &acs_url,
            in_response_to: Some(&request_id),
        };
        let mut spec = ResponseSpec::valid(&context, &self.address, SystemClock.now(), &SystemRandom);
        spec.signing = Signing::Assertion;
        spec.attributes = (0..8).map(|n| (format!("attribute{n}"), vec![format!("value {n}")])).collect();
        let response = spec
            .build_base64(&self.keys.key, &self.keys.certificate, &SystemRandom)
            .expect("a signed response");
        let acs = format!("{}{}", self.server_base, Url::parse(&acs_url).expect("a URL").path());
        let answer = http
            .post(acs)
            .header(header::COOKIE, cookies.join("; "))
            .header(header::ACCEPT, "text/html")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(&[("SAMLResponse", &response), ("RelayState", &relay_state)]))
            .send()
            .await
            .map_err(text_of)?;
        let location =
            answer.headers().get(header::LOCATION).and_then(|l| l.to_str().ok()).map(str::to_owned);
        let Some(location) = location else {
            return Err(format!("ACS: {} {}", answer.status(), answer.text().await.map_err(text_of)?));
        };
        let location = Url::parse(&location).map_err(|error| error.to_string())?;
        let code = location.query_pairs().find(|(name, _)| name == "code").ok_or("no code")?.1.into_owned();
        let answer = http
            .post(format!("{}/v1/oauth/token", self.server_base))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form(&[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", REDIRECT_URI),
                ("client_id", &self.client.0),
                ("client_secret", &self.client.1),
            ]))
            .send()
            .await
            .map_err(text_of)?;
        let tokens = json_of("token", answer).await?;
        let access_token = tokens["access_token"].as_str().ok_or("no access token")?;
        let answer = http
            .get(format!("{}/v1/oauth/userinfo", self.server_base))
            .bearer_auth(access_token)
            .send()
            .await
            .map_err(text_of)?;
        let person = json_of("userinfo", answer).await?;
        match person["sub"] == self.address.as_str() {
            true => Ok(()),
            false => Err(format!("userinfo: {person}")),
        }
    }
}

fn text_of(error: reqwest::Error) -> String {
    error.to_string()
}

async fn body_of(step: &str, answer: Response) -> Result<String, String> {
    let status = answer.status();
    let body = answer.text().await.map_err(text_of)?;
    if status.is_success() { Ok(body) } else { Err(format!("{step}: {status} {body}")) }
}

async fn json_of(step: &str, answer: Response) -> Result<Value, String> {
    serde_json::from_str(&body_of(step, answer).await?).map_err(|error| format!("{step}: {error}"))
}

/// The body of a form.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
