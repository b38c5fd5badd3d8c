//! Signing keys: generated, stored as PKCS#8, and used for JSON Web Signatures (RFC 7515).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header};
use openssl::{
    ec::{EcGroup, EcKey},
    error::ErrorStack,
    nid::Nid,
    pkey::PKey,
    rsa::Rsa,
};
use serde::Serialize;

use crate::{
    access_token::{self, AccessTokenClaims},
    algorithm::IdTokenAlg,
    jwk::{self, Jwk},
    provider,
};

/// Why a key cannot be generated, parsed or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// OpenSSL failed.
    #[error("the cryptographic library refused")]
    Openssl(#[from] ErrorStack),
    /// The key's type, curve or size does not match its algorithm.
    #[error("the key does not fit {}", .0.as_str())]
    AlgorithmMismatch(IdTokenAlg),
    /// The key cannot be described or used, or the claims cannot be written.
    #[error("the token cannot be made")]
    Token(#[from] jsonwebtoken::errors::Error),
}

/// A private key with its algorithm, its public JWK and the header of its tokens.
pub struct SigningKey {
    algorithm: IdTokenAlg,
    key: EncodingKey,
    jwk: Jwk,
    header: Header,
    access_token_header: Header,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm).field("kid", &self.kid()).finish()
    }
}

impl Drop for SigningKey {
    fn drop(&mut self) {
        provider::forget(self.algorithm, &self.key);
    }
}

impl SigningKey {
    /// Generates a key. RSA takes some tenths of a second of CPU: do not call it on an async thread.
    pub fn generate(algorithm: IdTokenAlg) -> Result<Self, KeyError> {
        let key = match algorithm {
            IdTokenAlg::RS256 => PKey::from_rsa(Rsa::generate(2048)?)?,
            IdTokenAlg::ES256 => {
                let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
                PKey::from_ec_key(EcKey::generate(&group)?)?
            }
            IdTokenAlg::EdDSA => PKey::generate_ed25519()?,
        };
        Self::from_pkcs8(algorithm, &key.private_key_to_pkcs8()?)
    }

    /// Parses a key from [`SigningKey::to_pkcs8`].
    pub fn from_pkcs8(algorithm: IdTokenAlg, der: &[u8]) -> Result<Self, KeyError> {
        provider::install();
        if !provider::is_fitting(algorithm, der)? {
            return Err(KeyError::AlgorithmMismatch(algorithm));
        }
        let key = match algorithm {
            IdTokenAlg::RS256 => EncodingKey::from_rsa_der(der),
            IdTokenAlg::ES256 => EncodingKey::from_ec_der(der),
            IdTokenAlg::EdDSA => EncodingKey::from_ed_der(der),
        };
        let jwk = jwk::of(algorithm, &key)?;
        let header = Header { kid: jwk.common.key_id.clone(), ..Header::new(algorithm.into()) };
        let access_token_header = Header { typ: Some(access_token::TYPE.to_owned()), ..header.clone() };
        Ok(Self { algorithm, key, jwk, header, access_token_header })
    }

    /// The private key as PKCS#8 DER, to be sealed and stored.
    pub fn to_pkcs8(&self) -> &[u8] {
        self.key.as_bytes()
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> IdTokenAlg {
        self.algorithm
    }

    /// Its key id.
    pub fn kid(&self) -> &str {
        self.jwk.common.key_id.as_deref().unwrap_or_default()
    }

    /// Its public key.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The `at_hash` of an access token (OpenID Connect Core §3.1.3.6): the left half of its digest, with the
    /// hash of the signature algorithm, which for Ed25519 is SHA-512.
    pub fn at_hash(&self, access_token: &str) -> String {
        let token = access_token.as_bytes();
        match self.algorithm {
            IdTokenAlg::RS256 | IdTokenAlg::ES256 => {
                URL_SAFE_NO_PAD.encode(&openssl::sha::sha256(token)[..16])
            }
            IdTokenAlg::EdDSA => URL_SAFE_NO_PAD.encode(&openssl::sha::sha512(token)[..32]),
        }
    }

    /// Signs `claims` as a JWT: a JSON Web Signature in compact form (RFC 7515 §3.1).
    pub fn sign_jwt(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        Ok(jsonwebtoken::encode(&self.header, claims, &self.key)?)
    }

    /// Signs the claims of an access token, whose header says so (RFC 9068 §2.1).
    pub fn sign_access_token(&self, claims: &AccessTokenClaims) -> Result<String, KeyError> {
        Ok(jsonwebtoken::encode(&self.access_token_header, claims, &self.key)?)
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::{
        JsonWebKey as _,
        core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
    };
    use strum::VariantArray;

    use super::*;

    fn oracle(algorithm: IdTokenAlg) -> CoreJwsSigningAlgorithm {
        match algorithm {
            IdTokenAlg::RS256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            IdTokenAlg::ES256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            IdTokenAlg::EdDSA => CoreJwsSigningAlgorithm::EdDsa,
        }
    }

    #[test]
    fn another_library_verifies_what_we_sign() {
        for &algorithm in IdTokenAlg::VARIANTS {
            let made = SigningKey::generate(algorithm).unwrap();
            let key = SigningKey::from_pkcs8(algorithm, made.to_pkcs8()).unwrap();
            assert_eq!(key.jwk(), made.jwk());
            let public: CoreJsonWebKey =
                serde_json::from_value(serde_json::to_value(key.jwk()).unwrap()).unwrap();
            // ECDSA's r and s sometimes have leading zeros: repeat often enough to cover that.
            for round in 0..if algorithm == IdTokenAlg::ES256 { 600 } else { 3 } {
                let token = key.sign_jwt(&serde_json::json!({ "round": round })).unwrap();
                let (message, signature) = token.rsplit_once('.').unwrap();
                let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
                public.verify_signature(&oracle(algorithm), message.as_bytes(), &signature).unwrap();
                signature[7] ^= 1;
                assert!(public.verify_signature(&oracle(algorithm), message.as_bytes(), &signature).is_err());
            }
        }
    }

    #[test]
    fn the_header_names_the_key() {
        let key = SigningKey::generate(IdTokenAlg::ES256).unwrap();
        let token = key.sign_jwt(&serde_json::json!({})).unwrap();
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, serde_json::json!({ "alg": "ES256", "typ": "JWT", "kid": key.kid() }));
    }

    #[test]
    fn a_key_of_another_kind_does_not_fit() {
        let keys: Vec<_> = IdTokenAlg::VARIANTS.iter().map(|a| SigningKey::generate(*a).unwrap()).collect();
        for key in &keys {
            for &algorithm in IdTokenAlg::VARIANTS {
                let read = SigningKey::from_pkcs8(algorithm, key.to_pkcs8());
                assert_eq!(read.is_ok(), key.algorithm() == algorithm);
            }
        }
        let short = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        let der = short.private_key_to_pkcs8().unwrap();
        assert!(matches!(
            SigningKey::from_pkcs8(IdTokenAlg::RS256, &der),
            Err(KeyError::AlgorithmMismatch(_))
        ));
        let p384 = EcKey::generate(&EcGroup::from_curve_name(Nid::SECP384R1).unwrap()).unwrap();
        let der = PKey::from_ec_key(p384).unwrap().private_key_to_pkcs8().unwrap();
        assert!(matches!(
            SigningKey::from_pkcs8(IdTokenAlg::ES256, &der),
            Err(KeyError::AlgorithmMismatch(_))
        ));
        assert!(SigningKey::from_pkcs8(IdTokenAlg::RS256, b"nonsense").is_err());
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = SigningKey::generate(IdTokenAlg::EdDSA).unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey {{ algorithm: EdDSA, kid: {:?} }}", key.kid()));
    }
}
