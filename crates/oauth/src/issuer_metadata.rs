//! The metadata of an issuer of access tokens (RFC 8414 §2). It lists what there is.

use serde::Serialize;

use crate::{
    account_claims::PROFILE_CLAIMS,
    sign_in_request::{MULTI_FACTOR, OPENID_SCOPES},
};

/// The URLs of an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssuerEndpoints {
    /// The issuer, exactly as in the `iss` claim of its tokens.
    pub issuer: String,
    /// The token endpoint (RFC 6749 §3.2).
    pub token_endpoint: String,
    /// The URL of the JWK Set (RFC 7517 §5).
    pub jwks_uri: String,
    /// The introspection endpoint (RFC 7662).
    pub introspection_endpoint: String,
    /// The revocation endpoint (RFC 7009).
    pub revocation_endpoint: String,
}

/// The URLs of an issuer at which people sign in (OpenID Connect Discovery 1.0 §3, RP-Initiated Logout 1.0 §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignInEndpoints {
    /// The authorization endpoint (RFC 6749 §3.1).
    pub authorization_endpoint: String,
    /// The userinfo endpoint (OpenID Connect Core §5.3).
    pub userinfo_endpoint: String,
    /// Where people sign out.
    pub end_session_endpoint: String,
}

/// What an issuer says beside the endpoints at which people sign in.
#[derive(Debug, Serialize)]
struct SignInMetadata<'a> {
    #[serde(flatten)]
    endpoints: &'a SignInEndpoints,
    response_modes_supported: [&'static str; 2],
    code_challenge_methods_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 3],
    acr_values_supported: [&'static str; 1],
    prompt_values_supported: [&'static str; 4],
    claims_supported: Vec<&'static str>,
    authorization_response_iss_parameter_supported: bool,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
}

/// The claims of ID tokens and userinfo, beside those of the profile.
const CLAIMS: [&str; 16] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "at_hash",
    "amr",
    "acr",
    "sid",
    "org_id",
    "org_name",
    "updated_at",
    "email",
    "email_verified",
];

/// How clients authenticate.
const AUTHENTICATION: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// How they do where some have no secret.
const PUBLIC_AUTHENTICATION: [&str; 3] = ["client_secret_basic", "client_secret_post", "none"];

/// The metadata document.
#[derive(Debug, Serialize)]
pub struct IssuerMetadata<'a> {
    #[serde(flatten)]
    endpoints: &'a IssuerEndpoints,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    sign_in: Option<SignInMetadata<'a>>,
    /// Required, even where there is no authorization endpoint (RFC 8414 §2).
    response_types_supported: &'static [&'static str],
    grant_types_supported: &'static [&'static str],
    token_endpoint_auth_methods_supported: &'static [&'static str],
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
    revocation_endpoint_auth_methods_supported: &'static [&'static str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes_supported: &'a [&'a str],
}

impl<'a> IssuerMetadata<'a> {
    /// The metadata of the issuer with these endpoints. `scopes`: those that all of its clients know; may be empty.
    pub fn new(endpoints: &'a IssuerEndpoints, scopes: &'a [&'a str]) -> Self {
        Self {
            endpoints,
            sign_in: None,
            response_types_supported: &[],
            grant_types_supported: &["client_credentials"],
            token_endpoint_auth_methods_supported: &AUTHENTICATION,
            introspection_endpoint_auth_methods_supported: AUTHENTICATION,
            revocation_endpoint_auth_methods_supported: &AUTHENTICATION,
            scopes_supported: scopes,
        }
    }

    /// With the endpoints at which people sign in.
    pub fn with_sign_in(self, endpoints: &'a SignInEndpoints) -> Self {
        Self {
            sign_in: Some(SignInMetadata {
                endpoints,
                response_modes_supported: ["query", "form_post"],
                code_challenge_methods_supported: ["S256"],
                subject_types_supported: ["public"],
                id_token_signing_alg_values_supported: ["ES256", "RS256", "EdDSA"],
                acr_values_supported: [MULTI_FACTOR],
                prompt_values_supported: ["none", "login", "consent", "select_account"],
                claims_supported: CLAIMS.into_iter().chain(PROFILE_CLAIMS).collect(),
                authorization_response_iss_parameter_supported: true,
                claims_parameter_supported: false,
                request_parameter_supported: false,
                request_uri_parameter_supported: false,
            }),
            response_types_supported: &["code"],
            grant_types_supported: &["authorization_code", "refresh_token", "client_credentials"],
            token_endpoint_auth_methods_supported: &PUBLIC_AUTHENTICATION,
            revocation_endpoint_auth_methods_supported: &PUBLIC_AUTHENTICATION,
            scopes_supported: &OPENID_SCOPES,
            ..self
        }
    }
}

impl IssuerMetadata<'_> {
    /// With WSO2's grant by which a token is exchanged for one that is good in another organization.
    pub fn with_switch(self) -> Self {
        let grant_types_supported =
            &["authorization_code", "refresh_token", "client_credentials", "organization_switch"];
        Self { grant_types_supported, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_lists_what_there_is() {
        let endpoints = IssuerEndpoints {
            issuer: "https://sso.example/acme/system".into(),
            token_endpoint: "https://sso.example/acme/system/oauth2/token".into(),
            jwks_uri: "https://sso.example/acme/system/.well-known/jwks.json".into(),
            introspection_endpoint: "https://sso.example/acme/system/oauth2/introspect".into(),
            revocation_endpoint: "https://sso.example/acme/system/oauth2/revoke".into(),
        };
        insta::assert_json_snapshot!(IssuerMetadata::new(&endpoints, &["identity"]), @r#"
        {
          "issuer": "https://sso.example/acme/system",
          "token_endpoint": "https://sso.example/acme/system/oauth2/token",
          "jwks_uri": "https://sso.example/acme/system/.well-known/jwks.json",
          "introspection_endpoint": "https://sso.example/acme/system/oauth2/introspect",
          "revocation_endpoint": "https://sso.example/acme/system/oauth2/revoke",
          "response_types_supported": [],
          "grant_types_supported": [
            "client_credentials"
          ],
          "token_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post"
          ],
          "introspection_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post"
          ],
          "revocation_endpoint_auth_methods_supported": [
            "client_secret_basic",
            "client_secret_post"
          ],
          "scopes_supported": [
            "identity"
          ]
        }
        "#);
    }
}
