//! The requests of OAuth client libraries, parameter by parameter (SSOReady's users run these).

use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::both;

/// How a client authenticates at the token endpoint.
enum Proof {
    Post,
    Basic,
}

/// What one library sends. `{…}` stands for what the login gives it.
struct Shape {
    name: &'static str,
    authorize: &'static [(&'static str, &'static str)],
    token: &'static [(&'static str, &'static str)],
    proof: Proof,
    accept: Option<&'static str>,
}

const SHAPES: &[Shape] = &[
    Shape {
        name: "next-auth 4 (openid-client 5)",
        authorize: &[
            ("client_id", "{client}"),
            ("scope", "openid"),
            ("response_type", "code"),
            ("redirect_uri", "{redirect}"),
            ("organizationExternalId", "customer-acme.example"),
            ("state", "{state}"),
        ],
        token: &[
            ("grant_type", "authorization_code"),
            ("code", "{code}"),
            ("redirect_uri", "{redirect}"),
            ("client_id", "{client}"),
            ("client_secret", "{secret}"),
        ],
        proof: Proof::Post,
        accept: Some("application/json"),
    },
    Shape {
        name: "@auth/core, PKCE without state",
        authorize: &[
            ("response_type", "code"),
            ("client_id", "{client}"),
            ("redirect_uri", "{redirect}"),
            ("organizationExternalId", "customer-acme.example"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("scope", "openid profile email"),
        ],
        token: &[
            ("redirect_uri", "{redirect}"),
            ("code", "{code}"),
            ("code_verifier", VERIFIER),
            ("grant_type", "authorization_code"),
            ("client_id", "{client}"),
            ("client_secret", "{secret}"),
        ],
        proof: Proof::Post,
        accept: Some("application/json"),
    },
    Shape {
        name: "@auth/core with pkce, state and nonce",
        authorize: &[
            ("response_type", "code"),
            ("client_id", "{client}"),
            ("redirect_uri", "{redirect}"),
            ("organizationId", "{organization}"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("state", "{state}"),
            ("nonce", "{nonce}"),
            ("scope", "openid profile email"),
        ],
        token: &[
            ("redirect_uri", "{redirect}"),
            ("code", "{code}"),
            ("code_verifier", VERIFIER),
            ("grant_type", "authorization_code"),
            ("client_id", "{client}"),
            ("client_secret", "{secret}"),
        ],
        proof: Proof::Post,
        accept: Some("application/json"),
    },
    Shape {
        name: "@auth/core without token_endpoint_auth_method",
        authorize: &[
            ("response_type", "code"),
            ("client_id", "{client}"),
            ("redirect_uri", "{redirect}"),
            ("samlConnectionId", "{connection}"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("scope", "openid profile email"),
        ],
        token: &[
            ("redirect_uri", "{redirect}"),
            ("code", "{code}"),
            ("code_verifier", VERIFIER),
            ("grant_type", "authorization_code"),
        ],
        proof: Proof::Basic,
        accept: Some("application/json"),
    },
    Shape {
        name: "passport-oauth2",
        authorize: &[
            ("response_type", "code"),
            ("redirect_uri", "{redirect}"),
            ("state", "{state}"),
            ("client_id", "{client}"),
            ("organization_external_id", "customer-acme.example"),
        ],
        token: &[
            ("grant_type", "authorization_code"),
            ("redirect_uri", "{redirect}"),
            ("client_id", "{client}"),
            ("client_secret", "{secret}"),
            ("code", "{code}"),
        ],
        proof: Proof::Post,
        accept: None,
    },
    Shape {
        name: "passport-openidconnect",
        authorize: &[
            ("response_type", "code"),
            ("client_id", "{client}"),
            ("redirect_uri", "{redirect}"),
            ("scope", "openid"),
            ("state", "{state}"),
            ("saml_connection_id", "{connection}"),
        ],
        token: &[
            ("grant_type", "authorization_code"),
            ("redirect_uri", "{redirect}"),
            ("client_id", "{client}"),
            ("client_secret", "{secret}"),
            ("code", "{code}"),
        ],
        proof: Proof::Post,
        accept: None,
    },
    Shape {
        name: "openid-client with an e-mail address for routing, Basic",
        authorize: &[
            ("client_id", "{client}"),
            ("scope", "openid email"),
            ("response_type", "code"),
            ("redirect_uri", "{redirect}"),
            ("login_hint", "dana@acme.example"),
            ("state", "{state}"),
            ("nonce", "{nonce}"),
        ],
        token: &[("grant_type", "authorization_code"), ("code", "{code}"), ("redirect_uri", "{redirect}")],
        proof: Proof::Basic,
        accept: Some("application/json"),
    },
    Shape {
        name: "a client with one redirect URI that never names it",
        authorize: &[
            ("client_id", "{client}"),
            ("response_type", "code"),
            ("domain_hint", "acme.example"),
            ("state", "{state}"),
        ],
        token: &[
            ("grant_type", "authorization_code"),
            ("code", "{code}"),
            ("client_id", "{client}"),
            ("client_secret", "{secret}"),
        ],
        proof: Proof::Post,
        accept: None,
    },
];

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('_', "%5F")
}

async fn sign_in_like(fixture: &Fixture<'_>, shape: &Shape) {
    let name = shape.name;
    let state = format!("{name} \u{e9}+%&=#{}", "x".repeat(1500));
    let fill = |pairs: &[(&str, &str)], code: &str| {
        let mut out = Serializer::new(String::new());
        for (parameter, value) in pairs {
            let value = match *value {
                "{client}" => fixture.client_id.clone(),
                "{secret}" => fixture.secret.clone(),
                "{redirect}" => fixture.redirect_uri.clone(),
                "{organization}" => fixture.tenant.organization.id.to_string(),
                "{connection}" => fixture.tenant.connection.id.to_string(),
                "{state}" => state.clone(),
                "{nonce}" => "n-0S6_WzA2Mj".to_owned(),
                "{code}" => code.to_owned(),
                literal => literal.to_owned(),
            };
            out.append_pair(parameter, &value);
        }
        out.finish()
    };
    let sent = |parameter: &str| shape.authorize.iter().any(|(name, _)| *name == parameter);

    let url = fixture.app.url(&format!("/v1/oauth/authorize?{}", fill(shape.authorize, "")));
    let callback = fixture.sign_in(&fixture.app.browser(), &url, "dana@acme.example").await;
    let names: Vec<String> = callback.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, if sent("state") { vec!["code", "state"] } else { vec!["code"] }, "{name}");
    assert_eq!(query(&callback, "state"), sent("state").then_some(state.clone()), "{name}");

    let code = query(&callback, "code").unwrap();
    let basic = format!(
        "Basic {}",
        BASE64_STANDARD.encode(format!("{}:{}", encoded(&fixture.client_id), encoded(&fixture.secret)))
    );
    let mut headers = Vec::new();
    if let Some(accept) = shape.accept {
        headers.push(("accept", accept));
    }
    if let Proof::Basic = shape.proof {
        headers.push(("authorization", basic.as_str()));
    }
    let answer = post_form(fixture.app, "/v1/oauth/token", &fill(shape.token, &code), &headers).await;
    assert_eq!(answer.status, 200, "{name}: {}", answer.body);
    assert_eq!(answer.header("content-type"), "application/json", "{name}");
    assert_eq!(answer.header("cache-control"), "no-store", "{name}");
    let tokens = answer.json();
    assert_eq!(tokens["token_type"], "Bearer", "{name}");
    assert!(tokens["access_token"].as_str().unwrap().starts_with("ostiary_at_"), "{name}");

    let (header, claims) = decode(tokens["id_token"].as_str().unwrap());
    assert_eq!(header["alg"], "ES256", "{name}");
    assert_eq!(claims["iss"], fixture.app.url("/v1/oauth"), "{name}");
    assert_eq!(claims["aud"], fixture.client_id, "{name}");
    assert_eq!(claims["sub"], "dana@acme.example", "{name}");
    assert_eq!(claims["organizationExternalId"], "customer-acme.example", "{name}");
    // A nonce that was not asked for breaks clients.
    assert_eq!(claims.get("nonce").is_some(), sent("nonce"), "{name}");
    if sent("nonce") {
        assert_eq!(claims["nonce"], "n-0S6_WzA2Mj", "{name}");
    }
}

both! {
    async fn every_known_client_signs_people_in(app: TestApp) {
        let mut fixture = Fixture::new(&app).await;
        fixture.environment.oauth_redirect_uris.truncate(1);
        app.update_environment(&fixture.environment).await;
        for shape in SHAPES {
            sign_in_like(&fixture, shape).await;
        }
    }

    async fn an_organization_without_an_external_id_has_an_empty_one(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let mut organization = fixture.tenant.organization.clone();
        organization.external_id = None;
        app.store_organization(&organization).await;
        let (_, claims) = decode(fixture.tokens().await["id_token"].as_str().unwrap());
        assert_eq!(claims["organizationExternalId"], "");
    }
}
