//! Verification of our JSON Web Tokens (RFC 7519 §7.2, RFC 8725).

use base::time::Timestamp;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Header, Validation, decode, decode_header, errors::ErrorKind};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    access_token::{self, AccessTokenClaims, MAX_TOKEN_BYTES},
    account_claims::IdTokenHint,
    algorithm::IdTokenAlg,
    jwk::JwkSet,
    provider,
};

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
    /// Its `typ` is that of another kind of token, or it has a header that must be understood and is not.
    #[error("it is a token of another kind")]
    Type,
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
    let mut validation = validation();
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(&[expected.audience]);
    let claims: Value = verify_signature(token, &header, keys, validation)?;
    if claims["exp"].as_i64().is_none_or(|end| end <= expected.now.seconds()) {
        return Err(JwtError::Expired);
    }
    Ok(serde_json::from_value(claims)?)
}

/// Verifies an access token (RFC 9068 §4) with a key of `keys`, except for issuer and audience, which the caller compares:
/// which ones are right, the token's own row says.
pub fn verify_access_token(
    token: &str,
    keys: &JwkSet,
    now: Timestamp,
) -> Result<AccessTokenClaims, JwtError> {
    provider::install();
    if token.len() > MAX_TOKEN_BYTES {
        return Err(JwtError::Invalid(ErrorKind::InvalidToken.into()));
    }
    let header = decode_header(token)?;
    // §2.1: the media type may be written in full. RFC 7515 §4.1.11: no extension is understood here.
    let typ = header.typ.as_deref().unwrap_or_default();
    let short = typ.get(..APPLICATION.len()).filter(|start| start.eq_ignore_ascii_case(APPLICATION));
    let typ = if short.is_some() { &typ[APPLICATION.len()..] } else { typ };
    if !typ.eq_ignore_ascii_case(access_token::TYPE) || header.crit.is_some() {
        return Err(JwtError::Type);
    }
    let mut validation = validation();
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation.validate_aud = false;
    let claims: AccessTokenClaims = verify_signature(token, &header, keys, validation)?;
    if claims.exp <= now.seconds() {
        return Err(JwtError::Expired);
    }
    Ok(claims)
}

/// Verifies an ID token that came back as a hint: with a key of `keys`, of this issuer, expired or not (OpenID Connect
/// RP-Initiated Logout 1.0 §2). Tokens of another kind are none.
pub fn verify_id_token_hint(token: &str, keys: &JwkSet, issuer: &str) -> Result<IdTokenHint, JwtError> {
    provider::install();
    if token.len() > MAX_TOKEN_BYTES {
        return Err(JwtError::Invalid(ErrorKind::InvalidToken.into()));
    }
    let header = decode_header(token)?;
    if header.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) || header.crit.is_some() {
        return Err(JwtError::Type);
    }
    let mut validation = validation();
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation.set_issuer(&[issuer]);
    validation.validate_aud = false;
    verify_signature(token, &header, keys, validation)
}

/// What precedes the `typ` of a header that is written in full.
const APPLICATION: &str = "application/";

/// The tenant that a token names, before anything of it is verified: only to find the keys with which it must be.
pub fn unverified_tenant(token: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Tenant {
        tid: String,
    }
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let payload = token.split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<Tenant>(&json).ok().map(|claims| claims.tid)
}

fn validation() -> Validation {
    // The caller's clock decides about `exp`.
    Validation { validate_exp: false, ..Validation::default() }
}

fn verify_signature<C: DeserializeOwned>(
    token: &str,
    header: &Header,
    keys: &JwkSet,
    mut validation: Validation,
) -> Result<C, JwtError> {
    let key = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or(JwtError::UnknownKey)?;
    let named = key.common.key_algorithm.map(|name| name.to_string());
    let algorithm =
        named.as_deref().and_then(|name| name.parse::<IdTokenAlg>().ok()).ok_or(JwtError::UnknownKey)?;
    if header.alg != algorithm.into() {
        return Err(JwtError::UnknownKey);
    }
    validation.algorithms = vec![algorithm.into()];
    Ok(decode(token, &key.try_into()?, &validation)?.claims)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
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

    fn access_claims() -> AccessTokenClaims {
        AccessTokenClaims {
            iss: "https://sso.example/acme/system".into(),
            sub: "app_1".into(),
            aud: "https://sso.example/acme/system".into(),
            exp: NOW.seconds() + 1,
            iat: NOW.seconds(),
            jti: "token_1".into(),
            client_id: "app_1".into(),
            scope: "a b".into(),
            scp: vec!["a".into(), "b".into()],
            tid: "acme".into(),
            aid: "system".into(),
            org_id: None,
            org_name: None,
            user_org: None,
            org_handle: None,
            org_role: None,
            sid: None,
            amr: Vec::new(),
            auth_time: None,
        }
    }

    #[test]
    fn an_access_token_is_known_by_its_type() {
        for &algorithm in IdTokenAlg::VARIANTS {
            let key = SigningKey::generate(algorithm).unwrap();
            let token = key.sign_access_token(&access_claims()).unwrap();
            assert_eq!(verify_access_token(&token, &set(&[&key]), NOW).unwrap(), access_claims());
            assert_eq!(unverified_tenant(&token).as_deref(), Some("acme"));
            // The same claims in a token that says nothing of its kind, as ID tokens do.
            let other = key.sign_jwt(&access_claims()).unwrap();
            assert!(matches!(verify_access_token(&other, &set(&[&key]), NOW), Err(JwtError::Type)));
            let late =
                verify_access_token(&token, &set(&[&key]), Timestamp::from_seconds(access_claims().exp));
            assert!(matches!(late, Err(JwtError::Expired)));
            let others = SigningKey::generate(algorithm).unwrap();
            let unknown = verify_access_token(&token, &set(&[&others]), NOW);
            assert!(matches!(unknown, Err(JwtError::UnknownKey)));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,60}|[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}") {
            let none = JwkSet { keys: Vec::new() };
            prop_assert!(verify_access_token(&text, &none, NOW).is_err());
            unverified_tenant(&text);
        }

        #[test]
        fn no_changed_byte_goes_unnoticed(at in 0_usize..600, byte: u8) {
            let key = key();
            let token = key.sign_access_token(&access_claims()).unwrap();
            let mut bytes = token.clone().into_bytes();
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(changed) = String::from_utf8(bytes)
                && changed != token
            {
                prop_assert!(verify_access_token(&changed, &set(&[key]), NOW).is_err(), "{changed}");
            }
        }
    }

    /// One key for many cases.
    fn key() -> &'static SigningKey {
        static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(IdTokenAlg::ES256).unwrap());
        &KEY
    }

    /// A token with this header, signed by the key whatever the header says.
    fn forged(key: &SigningKey, header: Value) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(serde_json::to_string(&access_claims()).unwrap())
        );
        let der = openssl::pkey::PKey::private_key_from_der(key.to_pkcs8()).unwrap();
        let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &der).unwrap();
        let signature = signer.sign_oneshot_to_vec(message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    #[test]
    fn no_header_leads_to_another_key_or_algorithm() {
        let key = SigningKey::generate(IdTokenAlg::RS256).unwrap();
        let own = SigningKey::generate(IdTokenAlg::RS256).unwrap();
        let good = json!({ "alg": "RS256", "typ": "at+jwt", "kid": key.kid() });
        assert!(verify_access_token(&forged(&key, good.clone()), &set(&[&key]), NOW).is_ok());
        let full = json!({ "alg": "RS256", "typ": "Application/AT+JWT", "kid": key.kid() });
        assert!(verify_access_token(&forged(&key, full), &set(&[&key]), NOW).is_ok());
        let with = |name: &str, value: Value| {
            let mut header = good.clone();
            header[name] = value;
            header
        };
        for (signer, header) in [
            (&key, with("typ", json!("JWT"))),
            (&key, with("typ", json!("id+jwt"))),
            (&key, with("typ", json!("application/"))),
            (&key, with("typ", json!("application/jwt"))),
            (&key, with("typ", Value::Null)),
            (&key, with("crit", json!(["exp"]))),
            (&key, with("crit", json!([]))),
            (&key, with("kid", json!(""))),
            (&key, with("kid", json!("../../etc/passwd"))),
            (&key, with("kid", json!("' OR 1=1 --"))),
            (&key, with("kid", Value::Null)),
            (&key, with("alg", json!("none"))),
            (&key, with("alg", json!("HS256"))),
            (&key, with("alg", json!("RS512"))),
            (&own, good.clone()),
            (&own, with("jwk", serde_json::to_value(own.jwk()).unwrap())),
            (&own, with("jku", json!("https://evil.example/jwks.json"))),
            (&own, with("x5u", json!("https://evil.example/cert.pem"))),
            (&own, with("kid", json!(own.kid()))),
        ] {
            let token = forged(signer, header.clone());
            assert!(verify_access_token(&token, &set(&[&key]), NOW).is_err(), "{header}");
        }
        let long = format!("{}{}", forged(&key, good), "A".repeat(MAX_TOKEN_BYTES));
        assert!(verify_access_token(&long, &set(&[&key]), NOW).is_err());
        assert_eq!(unverified_tenant(&long), None);
        for text in ["", ".", "a.b.c", "a..c", "a.e30.c"] {
            assert_eq!(unverified_tenant(text), None, "{text}");
            assert!(verify_access_token(text, &set(&[&key]), NOW).is_err(), "{text}");
        }
    }
}
