//! The keys of a provider (RFC 7517, RFC 7518 §6, RFC 8037). Keys that cannot be used here are left out: a set may have keys for
//! other purposes, and kinds that nobody knew when this was written.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    bn::BigNum,
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    nid::Nid,
    pkey::{Id, PKey, Public},
    rsa::Rsa,
};
use serde::Deserialize;
use serde_json::Value;

use super::SignatureAlgorithm;

/// The maximum number of keys that are read of a set.
const MAX_KEYS: usize = 64;

/// The maximum number of keys that a token without `kid` is tried with.
const MAX_TRIES: usize = 8;

/// Why a key set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum JwksError {
    /// It is not JSON of the form of RFC 7517 §5.
    #[error("the answer is not a JSON Web Key Set: {0}")]
    Form(#[from] serde_json::Error),
    /// None of its keys can verify an ID token.
    #[error("none of the keys can verify an ID token")]
    NoKey,
}

/// The keys of a provider that can verify ID tokens.
#[derive(Debug, Default)]
pub struct ProviderKeys(Vec<ProviderKey>);

#[derive(Debug)]
struct ProviderKey {
    id: Option<String>,
    algorithm: Option<String>,
    key: PKey<Public>,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl ProviderKeys {
    /// Reads a set.
    pub fn parse(json: &[u8]) -> Result<Self, JwksError> {
        let set: Set = serde_json::from_slice(json)?;
        let keys: Vec<ProviderKey> = set.keys.into_iter().take(MAX_KEYS).filter_map(read).collect();
        if keys.is_empty() { Err(JwksError::NoKey) } else { Ok(Self(keys)) }
    }

    /// The keys with which a token of this header may be signed: the one that it names, or, where it names none, those of the
    /// kind that its algorithm requires. A key that names its algorithm is good for no other one (RFC 8725 §3.1).
    pub fn candidates<'k>(
        &'k self,
        id: Option<&'k str>,
        algorithm: SignatureAlgorithm,
    ) -> impl Iterator<Item = &'k PKey<Public>> {
        let is_named = move |key: &&ProviderKey| id.is_none_or(|id| key.id.as_deref() == Some(id));
        let is_for = move |key: &&ProviderKey| {
            let same = |name: &String| {
                name == algorithm.as_str() || is_ed25519(name) && is_ed25519(algorithm.as_str())
            };
            key.algorithm.as_ref().is_none_or(same) && algorithm.fits(&key.key)
        };
        self.0.iter().filter(is_named).filter(is_for).map(|key| &key.key).take(MAX_TRIES)
    }

    /// The ids of the keys, for messages.
    pub fn ids(&self) -> String {
        let ids: Vec<&str> = self.0.iter().map(|key| key.id.as_deref().unwrap_or("(no kid)")).collect();
        ids.join(", ")
    }
}

/// RFC 9864 §2.2: one algorithm has two names.
fn is_ed25519(name: &str) -> bool {
    matches!(name, "EdDSA" | "Ed25519")
}

fn read(value: Value) -> Option<ProviderKey> {
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let is_for_signatures = jwk.usage.as_deref().is_none_or(|usage| usage == "sig")
        && jwk.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|one| one == "verify"));
    let key = is_for_signatures.then(|| public_key(&jwk).ok().flatten()).flatten()?;
    Some(ProviderKey { id: jwk.kid, algorithm: jwk.alg, key })
}

fn public_key(jwk: &Jwk) -> Result<Option<PKey<Public>>, ErrorStack> {
    let decode = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
    let number = |text: &Option<String>| decode(text).map(|bytes| BigNum::from_slice(&bytes)).transpose();
    match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => match (number(&jwk.n)?, number(&jwk.e)?) {
            (Some(n), Some(e)) => PKey::from_rsa(Rsa::from_public_components(n, e)?).map(Some),
            _ => Ok(None),
        },
        ("EC", Some(curve)) => {
            let nid = match curve {
                "P-256" => Nid::X9_62_PRIME256V1,
                "P-384" => Nid::SECP384R1,
                "P-521" => Nid::SECP521R1,
                _ => return Ok(None),
            };
            match (number(&jwk.x)?, number(&jwk.y)?) {
                // Checks that the point is on the curve.
                (Some(x), Some(y)) => PKey::from_ec_key(EcKey::from_public_key_affine_coordinates(
                    &*EcGroup::from_curve_name(nid)?,
                    &x,
                    &y,
                )?)
                .map(Some),
                _ => Ok(None),
            }
        }
        ("OKP", Some("Ed25519")) => {
            decode(&jwk.x).map(|bytes| PKey::public_key_from_raw_bytes(&bytes, Id::ED25519)).transpose()
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{algorithm::IdTokenAlg, signing_key::SigningKey};

    #[test]
    fn a_set_may_have_keys_that_nobody_here_can_use() {
        let key = SigningKey::generate(IdTokenAlg::ES256).unwrap();
        let own = serde_json::to_value(key.jwk()).unwrap();
        let mut for_encryption = own.clone();
        for_encryption["use"] = "enc".into();
        let mut off_the_curve = own.clone();
        off_the_curve["x"] = own["y"].clone();
        let set = json!({ "keys": [
            { "kty": "oct", "k": "c2VjcmV0", "kid": "shared" }, { "kty": "AKP", "kid": "later" }, 7,
            { "kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "short" }, for_encryption, off_the_curve, own,
        ] });
        let keys = ProviderKeys::parse(set.to_string().as_bytes()).unwrap();
        assert_eq!(keys.candidates(Some(key.kid()), SignatureAlgorithm::ES256).count(), 1);
        for other in [SignatureAlgorithm::ES384, SignatureAlgorithm::RS256, SignatureAlgorithm::EdDSA] {
            assert_eq!(keys.candidates(None, other).count(), 0, "{other:?}");
        }
        for none in ["{}", "[]", "x"] {
            assert!(matches!(ProviderKeys::parse(none.as_bytes()), Err(JwksError::Form(_))), "{none}");
        }
        assert!(matches!(ProviderKeys::parse(br#"{"keys":[{"kty":"oct"}]}"#), Err(JwksError::NoKey)));
    }

    #[test]
    fn a_key_that_names_its_algorithm_is_good_for_no_other_one() {
        let key = SigningKey::generate(IdTokenAlg::RS256).unwrap();
        let mut jwk = serde_json::to_value(key.jwk()).unwrap();
        let mut candidates = |alg: Value| {
            jwk["alg"] = alg;
            let keys = ProviderKeys::parse(json!({ "keys": [jwk] }).to_string().as_bytes()).unwrap();
            [SignatureAlgorithm::RS256, SignatureAlgorithm::PS256]
                .map(|one| keys.candidates(None, one).count())
        };
        assert_eq!(candidates("RS256".into()), [1, 0]);
        assert_eq!(candidates("PS256".into()), [0, 1]);
        assert_eq!(candidates(Value::Null), [1, 1]);
    }
}
