//! The sample app's client of the gateway, which records each call as a `curl` command.

use std::time::Duration;

use base::{
    id::OauthClientId,
    secret::{ApiKeySecret, OauthClientSecret},
    time::Timestamp,
};
use oauth::{
    jwk::JwkSet,
    jwt::{self, Expected, JwtError},
};
use openssl::sha::sha256;
use reqwest::{Client, Method, header, redirect};
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::organization::DemoOrganization;
use crate::{links::Links, web::kit::components::mask_secret};

/// The fields whose values are shortened for display.
const SECRET_FIELDS: &[&str] =
    &["client_secret", "code", "code_verifier", "samlAccessCode", "access_token", "id_token"];

/// A call and its response, for display: secrets are shortened.
#[derive(Debug, Clone)]
pub(super) struct ApiExchange {
    /// Its purpose.
    pub title: &'static str,
    /// The equivalent command.
    pub curl: String,
    /// The response body.
    pub answer: String,
}

/// Why a call to the gateway failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum GatewayError {
    #[error("The gateway could not be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    #[error("The gateway answered {status}: {message}")]
    Refused { status: u16, message: String },
    #[error("The gateway’s answer lacks {0}.")]
    Incomplete(&'static str),
    #[error("The ID token was not accepted: {0}.")]
    IdToken(#[from] JwtError),
    #[error("The ID token was not accepted: its nonce is not ours.")]
    Nonce,
}

/// The result of a token request.
pub(super) struct Tokens {
    pub access_token: String,
    pub claims: Value,
}

pub(super) struct GatewayClient {
    public: Links,
    server_side: Links,
    api_key: ApiKeySecret,
    client_id: OauthClientId,
    client_secret: OauthClientSecret,
    http: Client,
}

/// A request to send and to record.
struct Call {
    method: Method,
    endpoint: fn(&Links) -> Url,
    query: Vec<(&'static str, String)>,
    bearer: Option<String>,
    body: Body,
}

enum Body {
    None,
    Json(Value),
    Form(Vec<(&'static str, String)>),
}

impl GatewayClient {
    pub fn new(
        public: Links,
        server_side: Links,
        api_key: ApiKeySecret,
        client_id: OauthClientId,
        client_secret: OauthClientSecret,
    ) -> Result<Self, reqwest::Error> {
        let http = Client::builder()
            .timeout(Duration::from_secs(15))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { public, server_side, api_key, client_id, client_secret, http })
    }

    /// `POST /v1/saml/redirect`: the URL to send the browser to.
    pub async fn saml_redirect(
        &self,
        organization: &DemoOrganization,
        state: &str,
    ) -> Result<(Url, ApiExchange), GatewayError> {
        let call = Call {
            method: Method::POST,
            endpoint: Links::saml_redirect,
            query: Vec::new(),
            bearer: Some(self.api_key.reveal()),
            body: Body::Json(json!({ "organizationExternalId": organization.external_id, "state": state })),
        };
        let (answer, exchange) = self.send("Ask where to send the browser", call).await?;
        let url = answer["redirectUrl"].as_str().and_then(|url| Url::parse(url).ok());
        Ok((url.ok_or(GatewayError::Incomplete("redirectUrl"))?, exchange))
    }

    /// `POST /v1/saml/redeem`: the user who signed in.
    pub async fn redeem(&self, code: &str) -> Result<(Value, ApiExchange), GatewayError> {
        let call = Call {
            method: Method::POST,
            endpoint: Links::saml_redeem,
            query: Vec::new(),
            bearer: Some(self.api_key.reveal()),
            body: Body::Json(json!({ "samlAccessCode": code })),
        };
        self.send("Redeem the access code", call).await
    }

    /// The authorization request (OpenID Connect Core §3.1.2.1), which the browser makes.
    pub fn authorize(
        &self,
        organization: &DemoOrganization,
        email: &str,
        state: &str,
        nonce: &str,
        code_verifier: &str,
    ) -> (Url, ApiExchange) {
        let mut url = self.public.oauth_authorize();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id.to_string())
            .append_pair("redirect_uri", self.public.demo_oauth_callback().as_str())
            .append_pair("scope", "openid email profile")
            .append_pair("organizationExternalId", &organization.external_id)
            .append_pair("login_hint", email)
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", &base64_url(&sha256(code_verifier.as_bytes())))
            .append_pair("code_challenge_method", "S256");
        let exchange = ApiExchange {
            title: "Send the browser to the authorization endpoint",
            curl: url.as_str().replace('&', "\n  &"),
            answer: String::new(),
        };
        (url, exchange)
    }

    /// The token request (OpenID Connect Core §3.1.3.1) and the checks of the ID token (§3.1.3.7).
    pub async fn tokens(
        &self,
        code: &str,
        code_verifier: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<(Tokens, ApiExchange), GatewayError> {
        let call = Call {
            method: Method::POST,
            endpoint: Links::oauth_token,
            query: Vec::new(),
            bearer: None,
            body: Body::Form(vec![
                ("grant_type", "authorization_code".to_owned()),
                ("code", code.to_owned()),
                ("redirect_uri", self.public.demo_oauth_callback().into()),
                ("code_verifier", code_verifier.to_owned()),
                ("client_id", self.client_id.to_string()),
                ("client_secret", self.client_secret.reveal()),
            ]),
        };
        let (answer, exchange) = self.send("Exchange the code for tokens", call).await?;
        let text = |name| answer[name].as_str().ok_or(GatewayError::Incomplete(name));
        let expected =
            Expected { issuer: &self.public.oauth_issuer(), audience: &self.client_id.to_string(), now };
        let claims: Value = jwt::verify(text("id_token")?, &self.keys().await?, &expected)?;
        if claims["nonce"] != *nonce {
            return Err(GatewayError::Nonce);
        }
        Ok((Tokens { access_token: text("access_token")?.to_owned(), claims }, exchange))
    }

    /// The keys that sign ID tokens. An app caches them for as long as the answer says.
    async fn keys(&self) -> Result<JwkSet, GatewayError> {
        let call = Call {
            method: Method::GET,
            endpoint: Links::oauth_jwks,
            query: Vec::new(),
            bearer: None,
            body: Body::None,
        };
        let (answer, _) = self.send("Read the public keys", call).await?;
        serde_json::from_value(answer).map_err(|_| GatewayError::Incomplete("keys"))
    }

    /// The userinfo request (OpenID Connect Core §5.3.1).
    pub async fn userinfo(&self, access_token: &str) -> Result<(Value, ApiExchange), GatewayError> {
        let call = Call {
            method: Method::GET,
            endpoint: Links::oauth_userinfo,
            query: Vec::new(),
            bearer: Some(access_token.to_owned()),
            body: Body::None,
        };
        self.send("Ask the userinfo endpoint", call).await
    }

    /// `GET /v1/scim/users`: the people of a customer's directory, the first hundred of them.
    pub async fn people(
        &self,
        organization: &DemoOrganization,
    ) -> Result<(Value, ApiExchange), GatewayError> {
        let call = Call {
            method: Method::GET,
            endpoint: Links::scim_users,
            query: vec![
                ("organizationExternalId", organization.external_id.clone()),
                ("pageSize", "100".to_owned()),
            ],
            bearer: Some(self.api_key.reveal()),
            body: Body::None,
        };
        self.send("Ask for the people of the customer’s directory", call).await
    }

    async fn send(&self, title: &'static str, call: Call) -> Result<(Value, ApiExchange), GatewayError> {
        let curl = call.curl(&self.public);
        let mut request = self.http.request(call.method.clone(), call.url(&self.server_side));
        if let Some(bearer) = &call.bearer {
            request = request.bearer_auth(bearer);
        }
        request = match call.body {
            Body::None => request,
            Body::Json(value) => request.json(&value),
            Body::Form(fields) => {
                let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
                request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
            }
        };
        let response = request.send().await?;
        let status = response.status();
        let answer: Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        if !status.is_success() {
            let message = ["message", "error_description", "error"]
                .into_iter()
                .find_map(|field| answer[field].as_str())
                .unwrap_or("no reason given");
            return Err(GatewayError::Refused { status: status.as_u16(), message: message.to_owned() });
        }
        let shown = pretty(&without_secrets(&answer));
        Ok((answer, ApiExchange { title, curl, answer: shown }))
    }
}

impl Call {
    fn url(&self, gateway: &Links) -> Url {
        let mut url = (self.endpoint)(gateway);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }

    /// The equivalent command, with secrets shortened.
    fn curl(&self, gateway: &Links) -> String {
        let url = self.url(gateway);
        let mut lines = vec![match self.method {
            Method::GET => format!("curl {}", shell_quoted(url.as_str())),
            ref method => format!("curl -X {method} {}", shell_quoted(url.as_str())),
        }];
        if let Some(bearer) = &self.bearer {
            lines.push(format!(
                "-H {}",
                shell_quoted(&format!("Authorization: Bearer {}", mask_secret(bearer)))
            ));
        }
        match &self.body {
            Body::None => {}
            Body::Json(value) => {
                lines.push("-H 'Content-Type: application/json'".to_owned());
                lines.push(format!("-d {}", shell_quoted(&without_secrets(value).to_string())));
            }
            Body::Form(fields) => lines.extend(fields.iter().map(|(name, value)| {
                let value = if SECRET_FIELDS.contains(name) { mask_secret(value) } else { value.clone() };
                format!("--data-urlencode {}", shell_quoted(&format!("{name}={value}")))
            })),
        }
        lines.join(" \\\n  ")
    }
}

/// A quoted word of a shell command.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The same JSON with its secrets shortened.
fn without_secrets(value: &Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| match value {
                    Value::String(text) if SECRET_FIELDS.contains(&name.as_str()) => {
                        (name.clone(), Value::String(mask_secret(text)))
                    }
                    _ => (name.clone(), without_secrets(value)),
                })
                .collect::<Map<_, _>>(),
        ),
        other => other.clone(),
    }
}

/// Indented JSON.
pub(super) fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// The claims of a compact JWS (RFC 7515 §3.1), which is not verified here.
fn base64_url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_shown_as_the_command_that_does_the_same_without_its_secrets() {
        let gateway = Links::new(&"http://localhost:8080".parse().unwrap()).unwrap();
        let call = Call {
            method: Method::POST,
            endpoint: Links::saml_redeem,
            query: Vec::new(),
            bearer: Some("ssoready_sk_12vqjrnxk9xeov6o4f05pan0g".to_owned()),
            body: Body::Json(
                json!({ "samlAccessCode": "saml_access_code_12vqjrnxk9xeov6o4f05pan0g", "x": "it's" }),
            ),
        };
        assert_eq!(
            call.curl(&gateway),
            r#"curl -X POST 'http://localhost:8080/v1/saml/redeem' \
  -H 'Authorization: Bearer ssoready_sk_12…0g' \
  -H 'Content-Type: application/json' \
  -d '{"samlAccessCode":"saml_access_code_12…0g","x":"it'\''s"}'"#
        );
        let call = Call {
            body: Body::Form(vec![
                ("code", "saml_access_code_12vqjrnxk9xeov6o4f05pan0g".into()),
                ("a", "b".into()),
            ]),
            bearer: None,
            ..call
        };
        assert_eq!(
            call.curl(&gateway),
            "curl -X POST 'http://localhost:8080/v1/saml/redeem' \\\n  --data-urlencode \
             'code=saml_access_code_12…0g' \\\n  --data-urlencode 'a=b'"
        );
    }
}
