//! Verification of our JSON Web Tokens (RFC 7519 §7.2, RFC 8725).

use base::time::Timestamp;
use jsonwebtoken::{Validation, decode, decode_header, errors::ErrorKind};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{algorithm::IdTokenAlg, jwk::JwkSet, provider};

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Its issuer.
    pub issuer: &'a str,
    /// Its audience, or one of them.
    pub audience: &'a str,
    /// When it must be valid.
    pub now: Timestamp,
}

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// Its header names no key of the set, or not with the key's own algorithm (RFC 8725 §3.1).
    #[error("it is signed by no known key")]
    UnknownKey,
    /// `iss` is missing or another.
    #[error("its issuer is another")]
    Issuer,
    /// `aud` is missing or does not name the audience.
    #[error("it is for another audience")]
    Audience,
    /// `exp` is missing or past.
    #[error("it has expired")]
    Expired,
    /// The rest: form, signature.
    #[error("it is not valid: {0}")]
    Invalid(jsonwebtoken::errors::Error),
    /// The claims do not have the form that the caller needs.
    #[error("its claims cannot be read")]
    Claims(#[from] serde_json::Error),
}

impl From<jsonwebtoken::errors::Error> for JwtError {
    fn from(error: jsonwebtoken::errors::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::InvalidAudience => Self::Audience,
            _ => Self::Invalid(error),
        }
    }
}

/// Verifies a token with a key of `keys` and returns its claims. The key decides the algorithm, not the token.
pub fn verify<C: DeserializeOwned>(
    token: &str,
    keys: &JwkSet,
    expected: &Expected<'_>,
) -> Result<C, JwtError> {
    provider::install();
    let header = decode_header(token)?;
    let key = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or(JwtError::UnknownKey)?;
    let named = key.common.key_algorithm.map(|name| name.to_string());
    let algorithm =
        named.as_deref().and_then(|name| name.parse::<IdTokenAlg>().ok()).ok_or(JwtError::UnknownKey)?;
    if header.alg != algorithm.into() {
        return Err(JwtError::UnknownKey);
    }
    let mut validation = Validation::new(algorithm.into());
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.audience]);
    // By the caller's clock, below.
    validation.validate_exp = false;
    let claims: Value = decode(token, &key.try_into()?, &validation)?.claims;
    if claims["exp"].as_i64().is_none_or(|end| end <= expected.now.seconds()) {
        return Err(JwtError::Expired);
    }
    Ok(serde_json::from_value(claims)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strum::VariantArray;

    use super::*;
    use crate::signing_key::SigningKey;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const EXPECTED: Expected<'_> = Expected { issuer: "https://sso.example", audience: "app", now: NOW };

    fn set(keys: &[&SigningKey]) -> JwkSet {
        JwkSet { keys: keys.iter().map(|key| key.jwk().clone()).collect() }
    }

    fn claims() -> Value {
        json!({ "iss": "https://sso.example", "aud": ["other", "app"], "exp": NOW.seconds() + 1, "sub": "a" })
    }

    #[test]
    fn what_we_sign_is_verified_by_the_key_that_it_names() {
        for &algorithm in IdTokenAlg::VARIANTS {
            let (key, other) =
                (SigningKey::generate(algorithm).unwrap(), SigningKey::generate(algorithm).unwrap());
            let token = key.sign_jwt(&claims()).unwrap();
            assert_eq!(verify::<Value>(&token, &set(&[&other, &key]), &EXPECTED).unwrap(), claims());
            let unknown = verify::<Value>(&token, &set(&[&other]), &EXPECTED);
            assert!(matches!(unknown, Err(JwtError::UnknownKey)));
            // Another key under the same name.
            let mut swapped = set(&[&other]);
            swapped.keys[0].common.key_id = Some(key.kid().to_owned());
            assert!(matches!(verify::<Value>(&token, &swapped, &EXPECTED), Err(JwtError::Invalid(_))));
            let (message, signature) = token.rsplit_once('.').unwrap();
            for changed in [
                format!("{message}x.{signature}"),
                format!("{message}."),
                format!("{token}AA"),
                message.into(),
            ] {
                assert!(verify::<Value>(&changed, &set(&[&key]), &EXPECTED).is_err(), "{changed}");
            }
        }
    }

    #[test]
    fn the_key_decides_the_algorithm() {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let key = SigningKey::generate(IdTokenAlg::RS256).unwrap();
        let payload = URL_SAFE_NO_PAD.encode(claims().to_string());
        for algorithm in ["none", "HS256", "ES256", "EdDSA", "PS256", "RS384"] {
            let header = json!({ "alg": algorithm, "kid": key.kid() }).to_string();
            let token = format!("{}.{payload}.c2ln", URL_SAFE_NO_PAD.encode(header));
            assert!(verify::<Value>(&token, &set(&[&key]), &EXPECTED).is_err(), "{algorithm}");
        }
    }

    #[test]
    fn a_token_for_others_or_of_the_past_is_not_accepted() {
        let key = SigningKey::generate(IdTokenAlg::ES256).unwrap();
        for (name, value) in [
            ("iss", json!("https://other.example")),
            ("iss", Value::Null),
            ("aud", json!("other")),
            ("aud", json!([])),
            ("exp", json!(NOW.seconds())),
            ("exp", Value::Null),
        ] {
            let mut claims = claims();
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value,
            }
            let token = key.sign_jwt(&claims).unwrap();
            assert!(verify::<Value>(&token, &set(&[&key]), &EXPECTED).is_err(), "{claims}");
        }
    }
}
