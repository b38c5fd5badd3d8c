//! The metadata of a provider (OpenID Connect Discovery 1.0 §3).

use serde::Deserialize;

/// The path of the metadata below an issuer.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// Why metadata cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// It is not JSON of the right form.
    #[error("what is published there is not the metadata of an OpenID provider: {0}")]
    Form(#[from] serde_json::Error),
    /// It is that of another issuer (OpenID Connect Discovery 1.0 §4.3): a provider that speaks for others could mix them up.
    #[error("what is published there is the metadata of another issuer: {0}")]
    Issuer(String),
}

/// What is used of the metadata of a provider.
#[derive(Debug, Clone, Deserialize)]
pub struct ProviderMetadata {
    /// The issuer.
    pub issuer: String,
    /// The authorization endpoint.
    pub authorization_endpoint: String,
    /// The token endpoint.
    pub token_endpoint: String,
    /// The UserInfo endpoint.
    pub userinfo_endpoint: Option<String>,
    /// Where the keys are.
    pub jwks_uri: String,
    /// How clients may authenticate at the token endpoint; `client_secret_basic` where nothing is said.
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// Whether authorization responses have `iss` (RFC 9207 §3).
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl ProviderMetadata {
    /// Where the metadata of an issuer is (OpenID Connect Discovery 1.0 §4.1).
    pub fn address(issuer: &str) -> String {
        format!("{}{WELL_KNOWN}", issuer.strip_suffix('/').unwrap_or(issuer))
    }

    /// Reads the metadata of this issuer.
    pub fn parse(json: &[u8], issuer: &str) -> Result<Self, DiscoveryError> {
        let read: Self = serde_json::from_slice(json)?;
        if read.issuer != issuer {
            return Err(DiscoveryError::Issuer(read.issuer.chars().take(200).collect()));
        }
        Ok(read)
    }

    /// Whether the client secret must come in the body.
    pub fn wants_secret_in_body(&self) -> bool {
        let offers =
            |name: &str| self.token_endpoint_auth_methods_supported.iter().any(|method| method == name);
        offers("client_secret_post") && !offers("client_secret_basic")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn metadata_is_of_the_issuer_that_was_asked() {
        let issuer = "https://idp.example/tenant";
        let mut document = json!({
            "issuer": issuer, "authorization_endpoint": "https://idp.example/a",
            "token_endpoint": "https://idp.example/t", "jwks_uri": "https://idp.example/k",
        });
        let read = |document: &serde_json::Value, issuer| {
            ProviderMetadata::parse(document.to_string().as_bytes(), issuer)
        };
        assert!(!read(&document, issuer).unwrap().wants_secret_in_body());
        for other in ["https://idp.example/tenant/", "https://IDP.example/tenant", "https://idp.example"] {
            assert!(matches!(read(&document, other), Err(DiscoveryError::Issuer(_))), "{other}");
        }
        document["token_endpoint_auth_methods_supported"] = json!(["client_secret_post", "private_key_jwt"]);
        assert!(read(&document, issuer).unwrap().wants_secret_in_body());
        document.as_object_mut().unwrap().remove("jwks_uri");
        assert!(matches!(read(&document, issuer), Err(DiscoveryError::Form(_))));
        let address = "https://idp.example/tenant/.well-known/openid-configuration";
        assert_eq!(ProviderMetadata::address(issuer), address);
        assert_eq!(ProviderMetadata::address("https://idp.example/tenant/"), address);
    }
}
