//! Public keys as JSON (RFC 7517, RFC 7518 §6, RFC 8037), and their thumbprints (RFC 7638).

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    bn::{BigNum, BigNumContext},
    error::ErrorStack,
    pkey::{HasPublic, PKey},
};
use serde::Serialize;

use crate::algorithm::IdTokenAlg;

/// One public signing key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwk {
    #[serde(flatten)]
    parameters: KeyParameters,
    /// The key id: its RFC 7638 thumbprint, which is the same on every replica and never reused.
    pub kid: String,
    /// The one algorithm it is used with.
    pub alg: IdTokenAlg,
    #[serde(rename = "use")]
    use_: &'static str,
}

/// The key parameters. The fields are in lexicographic order, as the thumbprint requires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum KeyParameters {
    Rsa { e: String, kty: &'static str, n: String },
    Ec { crv: &'static str, kty: &'static str, x: String, y: String },
    Okp { crv: &'static str, kty: &'static str, x: String },
}

impl Jwk {
    /// The public part of `key`, which must be of the type that `algorithm` needs.
    pub(super) fn of<T: HasPublic>(algorithm: IdTokenAlg, key: &PKey<T>) -> Result<Self, ErrorStack> {
        let parameters = match algorithm {
            IdTokenAlg::RS256 => {
                let rsa = key.rsa()?;
                KeyParameters::Rsa {
                    e: URL_SAFE_NO_PAD.encode(rsa.e().to_vec()),
                    kty: "RSA",
                    n: URL_SAFE_NO_PAD.encode(rsa.n().to_vec()),
                }
            }
            IdTokenAlg::ES256 => {
                let ec = key.ec_key()?;
                let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
                ec.public_key().affine_coordinates(
                    ec.group(),
                    &mut x,
                    &mut y,
                    &mut *BigNumContext::new()?,
                )?;
                KeyParameters::Ec {
                    crv: "P-256",
                    kty: "EC",
                    x: URL_SAFE_NO_PAD.encode(x.to_vec_padded(32)?),
                    y: URL_SAFE_NO_PAD.encode(y.to_vec_padded(32)?),
                }
            }
            IdTokenAlg::EdDSA => KeyParameters::Okp {
                crv: "Ed25519",
                kty: "OKP",
                x: URL_SAFE_NO_PAD.encode(key.raw_public_key()?),
            },
        };
        Ok(Self { kid: parameters.thumbprint(), parameters, alg: algorithm, use_: "sig" })
    }
}

impl KeyParameters {
    /// RFC 7638 §3: SHA-256 of the required members in lexicographic order without white space.
    fn thumbprint(&self) -> String {
        let canonical = serde_json::to_vec(self).expect("strings always serialise");
        URL_SAFE_NO_PAD.encode(openssl::sha::sha256(&canonical))
    }
}

/// A set of public keys (RFC 7517 §5).
#[derive(Debug, Clone, Serialize)]
pub struct JwkSet {
    /// The keys.
    pub keys: Vec<Jwk>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_rsa_thumbprint_holds() {
        // RFC 7638 §3.1.
        let key = KeyParameters::Rsa {
            e: "AQAB".into(),
            kty: "RSA",
            n: "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw".into(),
        };
        assert_eq!(key.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    #[test]
    fn the_published_ed25519_key_and_thumbprint_hold() {
        // RFC 8037, appendices A.2 and A.3.
        let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = PKey::public_key_from_raw_bytes(&public, openssl::pkey::Id::ED25519).unwrap();
        let jwk = Jwk::of(IdTokenAlg::EdDSA, &key).unwrap();
        assert_eq!(jwk.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        insta::assert_json_snapshot!(jwk, @r#"
        {
          "crv": "Ed25519",
          "kty": "OKP",
          "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
          "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
          "alg": "EdDSA",
          "use": "sig"
        }
        "#);
    }
}
