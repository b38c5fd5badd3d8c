//! A customer's OpenID provider: right, or broken in any way that a test asks for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use base::time::Timestamp;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use model::{oauth_client::IdTokenAlg, oidc_connection::OidcConnection};
use oauth::signing_key::SigningKey;
use openssl::sha::sha256;
use ostiary::app::{
    connections::oidc::{self, OidcConnectionChange},
    principal::Principal,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use url::Url;

use super::{Tenant, TestApp, query};

/// The client that every connection of the tests is at the provider.
pub const CLIENT_ID: &str = "client:1";
pub const SECRET: &str = "s3cret+/=& ~";

/// A connection of a customer to a provider that nobody asks, made without asking it.
pub async fn connection(app: &TestApp, tenant: &Tenant) -> OidcConnection {
    let at = |path: &str| Some(format!("https://openid.example{path}"));
    let change = OidcConnectionChange {
        issuer: at(""),
        authorization_endpoint: at("/authorize"),
        token_endpoint: at("/token"),
        jwks_uri: at("/jwks"),
        client_id: Some(CLIENT_ID.to_owned()),
        client_secret: Some(SECRET.to_owned()),
        ..OidcConnectionChange::default()
    };
    let operator = Principal::operator(tenant.environment.id);
    oidc::create(&app.state, &operator, tenant.organization.id, &change).await.expect("a connection")
}

/// An answer in place of the right one.
#[derive(Clone)]
pub struct Instead {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Instead {
    pub fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: String::new(), body: body.to_string().into_bytes() }
    }

    pub fn redirect(location: &str) -> Self {
        Self { status: 302, headers: format!("location: {location}\r\n"), body: Vec::new() }
    }
}

/// What the provider does.
pub struct Behaviour {
    /// Claims besides the right ones; `null` leaves one out.
    pub claims: Value,
    /// What the UserInfo endpoint says; `null` for none.
    pub userinfo: Value,
    /// The key that signs.
    pub key: Arc<SigningKey>,
    /// The keys that are published.
    pub published: Vec<Arc<SigningKey>>,
    /// Answers in place of the right ones, by path.
    pub instead: HashMap<&'static str, Instead>,
    /// What becomes of the ID token before it is sent.
    pub forge: Option<fn(&str) -> String>,
    /// More of the metadata.
    pub metadata: Value,
    /// The time at the provider.
    pub now: Timestamp,
}

/// A request for tokens, or of another kind, as it came.
#[derive(Debug, Clone)]
pub struct Seen {
    pub path: String,
    pub authorization: Option<String>,
    pub form: HashMap<String, String>,
}

struct Pending {
    nonce: String,
    challenge: String,
    redirect_uri: String,
}

#[derive(Clone)]
pub struct OpenidProvider {
    pub base: String,
    pub behaviour: Arc<Mutex<Behaviour>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    codes: Arc<Mutex<HashMap<String, Pending>>>,
}

impl OpenidProvider {
    pub async fn start(now: Timestamp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let key = Arc::new(SigningKey::generate(IdTokenAlg::RS256).unwrap());
        let provider = Self {
            base: format!("http://{}", listener.local_addr().unwrap()),
            behaviour: Arc::new(Mutex::new(Behaviour {
                claims: json!({}),
                userinfo: Value::Null,
                published: vec![Arc::clone(&key)],
                key,
                instead: HashMap::new(),
                forge: None,
                metadata: json!({}),
                now,
            })),
            seen: Arc::default(),
            codes: Arc::default(),
        };
        let served = provider.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let served = served.clone();
                tokio::spawn(async move {
                    let mut bytes = Vec::new();
                    let (head, length) = loop {
                        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                            return;
                        }
                        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
                            let length = header(&head, "content-length").map_or(0, |n| n.parse().unwrap());
                            break (head, end + 4 + length);
                        }
                    };
                    while bytes.len() < length {
                        if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let body = String::from_utf8(bytes[length - body_length(&head)..].to_vec()).unwrap();
                    let Instead { status, headers, body } = served.answer(&head, &body);
                    let answer = format!(
                        "HTTP/1.1 {status} x\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\
                         connection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all(&[answer.into_bytes(), body].concat()).await;
                });
            }
        });
        provider
    }

    /// Changes what it does.
    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    /// The requests to this path.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().unwrap().iter().filter(|seen| seen.path == path).cloned().collect()
    }

    /// Signs somebody in who comes with this authorization request. Returns where the browser goes.
    pub fn sign_in(&self, location: &Url) -> String {
        assert!(location.as_str().starts_with(&format!("{}/authorize?", self.base)), "{location}");
        let get = |name: &str| query(location, name).unwrap_or_else(|| panic!("{name} in {location}"));
        assert_eq!((get("response_type").as_str(), get("code_challenge_method").as_str()), ("code", "S256"));
        assert_eq!(get("client_id"), CLIENT_ID);
        assert!(get("scope").split(' ').any(|scope| scope == "openid"));
        let code = format!("code/{}+", self.codes.lock().unwrap().len());
        let pending = Pending {
            nonce: get("nonce"),
            challenge: get("code_challenge"),
            redirect_uri: get("redirect_uri"),
        };
        let mut back = Url::parse(&pending.redirect_uri).unwrap();
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &get("state"));
        self.codes.lock().unwrap().insert(code, pending);
        back.into()
    }

    fn answer(&self, head: &str, body: &str) -> Instead {
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let form: HashMap<String, String> =
            url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let seen = Seen { path: path.clone(), authorization: header(head, "authorization"), form };
        self.seen.lock().unwrap().push(seen.clone());
        let behaviour = self.behaviour.lock().unwrap();
        if let Some((_, instead)) = behaviour.instead.iter().find(|(at, _)| **at == path) {
            return instead.clone();
        }
        match path.as_str() {
            "/.well-known/openid-configuration" => {
                let at = |path: &str| format!("{}{path}", self.base);
                let mut metadata = json!({
                    "issuer": self.base, "authorization_endpoint": at("/authorize"),
                    "token_endpoint": at("/token"), "userinfo_endpoint": at("/userinfo"),
                    "jwks_uri": at("/jwks"), "response_types_supported": ["code"],
                });
                merge(&mut metadata, &behaviour.metadata);
                Instead::json(200, &metadata)
            }
            "/jwks" => {
                let keys: Vec<_> = behaviour.published.iter().map(|key| key.jwk()).collect();
                Instead::json(200, &json!({ "keys": keys }))
            }
            "/token" => self.token(&behaviour, &seen),
            "/userinfo" if seen.authorization.as_deref() == Some("Bearer access token") => {
                Instead::json(200, &behaviour.userinfo)
            }
            _ => Instead::json(404, &json!({})),
        }
    }

    fn token(&self, behaviour: &Behaviour, seen: &Seen) -> Instead {
        let refused = |error: &str| Instead::json(400, &json!({ "error": error }));
        let basic = base64::prelude::BASE64_STANDARD.encode("client%3A1:s3cret%2B%2F%3D%26%20~");
        let is_known = seen.authorization.as_deref() == Some(&format!("Basic {basic}"))
            || (seen.form.get("client_id").is_some_and(|id| id == CLIENT_ID)
                && seen.form.get("client_secret").is_some_and(|secret| secret == SECRET));
        if !is_known {
            return refused("invalid_client");
        }
        let field = |name: &str| seen.form.get(name).cloned().unwrap_or_default();
        let Some(pending) = self.codes.lock().unwrap().remove(&field("code")) else {
            return refused("invalid_grant");
        };
        let challenge = BASE64.encode(sha256(field("code_verifier").as_bytes()));
        if challenge != pending.challenge || field("redirect_uri") != pending.redirect_uri {
            return refused("invalid_grant");
        }
        let now = behaviour.now.seconds();
        let mut claims = json!({
            "iss": self.base, "aud": CLIENT_ID, "sub": "person-1", "iat": now, "exp": now + 300,
            "nonce": pending.nonce, "email": "dana@acme.example", "email_verified": true,
            "given_name": "Dana", "family_name": "Doe", "groups": ["staff", "admins"],
        });
        merge(&mut claims, &behaviour.claims);
        let token = behaviour.key.sign_jwt(&claims).unwrap();
        let token = behaviour.forge.map_or(token.clone(), |forge| forge(&token));
        let answer = json!({ "access_token": "access token", "token_type": "Bearer", "id_token": token });
        Instead::json(200, &answer)
    }
}

fn header(head: &str, name: &str) -> Option<String> {
    let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
}

fn body_length(head: &str) -> usize {
    header(head, "content-length").map_or(0, |length| length.parse().unwrap())
}

fn merge(into: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(into.as_object_mut().unwrap().remove(name)),
            value => into[name] = value.clone(),
        }
    }
}
