//! The provider's metadata: OpenID Connect Discovery 1.0 §3, RFC 8414 §2.

use serde::Serialize;
use strum::VariantArray;

use crate::{algorithm::IdTokenAlg, scope::SCOPES};

/// The provider's URLs.
#[derive(Debug, Clone, Serialize)]
pub struct Endpoints {
    /// The issuer, exactly as in the `iss` claim of ID tokens.
    pub issuer: String,
    /// The authorization endpoint.
    pub authorization_endpoint: String,
    /// The token endpoint.
    pub token_endpoint: String,
    /// The userinfo endpoint.
    pub userinfo_endpoint: String,
    /// The URL of the JWK Set.
    pub jwks_uri: String,
}

/// The metadata document. It has no logout endpoint, because the provider keeps no session.
#[derive(Debug, Serialize)]
pub struct ProviderMetadata<'a> {
    #[serde(flatten)]
    endpoints: &'a Endpoints,
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 1],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: &'static [IdTokenAlg],
    /// Post first, for next-auth 4 and other clients written for a server that supports only this one.
    token_endpoint_auth_methods_supported: [&'static str; 2],
    scopes_supported: [&'static str; 3],
    claims_supported: [&'static str; 15],
    claim_types_supported: [&'static str; 1],
    code_challenge_methods_supported: [&'static str; 1],
    prompt_values_supported: [&'static str; 1],
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    require_request_uri_registration: bool,
}

impl<'a> ProviderMetadata<'a> {
    /// The metadata of the provider with these endpoints.
    pub fn new(endpoints: &'a Endpoints) -> Self {
        Self {
            endpoints,
            response_types_supported: ["code"],
            response_modes_supported: ["query"],
            grant_types_supported: ["authorization_code"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: IdTokenAlg::VARIANTS,
            token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
            scopes_supported: SCOPES,
            claims_supported: [
                "iss",
                "sub",
                "aud",
                "iat",
                "exp",
                "auth_time",
                "nonce",
                "at_hash",
                "email",
                "email_verified",
                "organizationId",
                "organizationExternalId",
                "attributes",
                "attributeValues",
                "samlFlowId",
            ],
            claim_types_supported: ["normal"],
            code_challenge_methods_supported: ["S256"],
            prompt_values_supported: ["login"],
            claims_parameter_supported: false,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
            require_request_uri_registration: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_complete() {
        let endpoints = Endpoints {
            issuer: "https://sso.example/v1/oauth".into(),
            authorization_endpoint: "https://sso.example/v1/oauth/authorize".into(),
            token_endpoint: "https://sso.example/v1/oauth/token".into(),
            userinfo_endpoint: "https://sso.example/v1/oauth/userinfo".into(),
            jwks_uri: "https://sso.example/v1/oauth/jwks".into(),
        };
        insta::assert_json_snapshot!(ProviderMetadata::new(&endpoints), @r#"
        {
          "issuer": "https://sso.example/v1/oauth",
          "authorization_endpoint": "https://sso.example/v1/oauth/authorize",
          "token_endpoint": "https://sso.example/v1/oauth/token",
          "userinfo_endpoint": "https://sso.example/v1/oauth/userinfo",
          "jwks_uri": "https://sso.example/v1/oauth/jwks",
          "response_types_supported": [
            "code"
          ],
          "response_modes_supported": [
            "query"
          ],
          "grant_types_supported": [
            "authorization_code"
          ],
          "subject_types_supported": [
            "public"
          ],
          "id_token_signing_alg_values_supported": [
            "RS256",
            "ES256",
            "EdDSA"
          ],
          "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "client_secret_basic"
          ],
          "scopes_supported": [
            "openid",
            "email",
            "profile"
          ],
          "claims_supported": [
            "iss",
            "sub",
            "aud",
            "iat",
            "exp",
            "auth_time",
            "nonce",
            "at_hash",
            "email",
            "email_verified",
            "organizationId",
            "organizationExternalId",
            "attributes",
            "attributeValues",
            "samlFlowId"
          ],
          "claim_types_supported": [
            "normal"
          ],
          "code_challenge_methods_supported": [
            "S256"
          ],
          "prompt_values_supported": [
            "login"
          ],
          "claims_parameter_supported": false,
          "request_parameter_supported": false,
          "request_uri_parameter_supported": false,
          "require_request_uri_registration": false
        }
        "#);
    }
}
