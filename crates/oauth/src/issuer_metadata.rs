//! The metadata of an issuer of access tokens (RFC 8414 §2). It lists what there is.

use serde::Serialize;

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

/// How clients authenticate.
const AUTHENTICATION: [&str; 2] = ["client_secret_basic", "client_secret_post"];

/// The metadata document.
#[derive(Debug, Serialize)]
pub struct IssuerMetadata<'a> {
    #[serde(flatten)]
    endpoints: &'a IssuerEndpoints,
    /// Required, though there is no authorization endpoint (RFC 8414 §2).
    response_types_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    introspection_endpoint_auth_methods_supported: [&'static str; 2],
    revocation_endpoint_auth_methods_supported: [&'static str; 2],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes_supported: &'a [&'a str],
}

impl<'a> IssuerMetadata<'a> {
    /// The metadata of the issuer with these endpoints. `scopes`: those that all of its clients know; may be empty.
    pub fn new(endpoints: &'a IssuerEndpoints, scopes: &'a [&'a str]) -> Self {
        Self {
            endpoints,
            response_types_supported: [],
            grant_types_supported: ["client_credentials"],
            token_endpoint_auth_methods_supported: AUTHENTICATION,
            introspection_endpoint_auth_methods_supported: AUTHENTICATION,
            revocation_endpoint_auth_methods_supported: AUTHENTICATION,
            scopes_supported: scopes,
        }
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
