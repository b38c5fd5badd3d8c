//! Signing keys: generated, stored as PKCS#8, and used for JSON Web Signatures (RFC 7515).
//!
//! OpenSSL signs. The parsed key is cached, because parsing costs as much as an ES256 signature, and so is
//! the encoded header, which is the same for every token of the key.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{
    ec::{EcGroup, EcKey},
    ecdsa::EcdsaSig,
    error::ErrorStack,
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKey, Private},
    rsa::Rsa,
    sign::Signer,
};
use serde::Serialize;

use crate::{algorithm::IdTokenAlg, jwk::Jwk};

/// Why a key cannot be generated, parsed or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// OpenSSL failed.
    #[error("the cryptographic library refused")]
    Openssl(#[from] ErrorStack),
    /// The key's type, curve or size does not match its algorithm.
    #[error("the key does not fit {}", .0.as_str())]
    AlgorithmMismatch(IdTokenAlg),
    /// The claims cannot be serialised to JSON.
    #[error("the claims cannot be written")]
    Claims(#[from] serde_json::Error),
}

/// A private key with its algorithm, its public JWK and its encoded JWS header.
#[derive(Clone)]
pub struct SigningKey {
    algorithm: IdTokenAlg,
    key: PKey<Private>,
    jwk: Jwk,
    header: String,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("algorithm", &self.algorithm).field("kid", &self.jwk.kid).finish()
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
        Self::new(algorithm, key)
    }

    /// Parses a key from [`SigningKey::to_pkcs8`].
    pub fn from_pkcs8(algorithm: IdTokenAlg, der: &[u8]) -> Result<Self, KeyError> {
        Self::new(algorithm, PKey::private_key_from_pkcs8(der)?)
    }

    fn new(algorithm: IdTokenAlg, key: PKey<Private>) -> Result<Self, KeyError> {
        let fits = match algorithm {
            IdTokenAlg::RS256 => key.id() == Id::RSA && key.bits() >= 2048,
            IdTokenAlg::ES256 => {
                key.id() == Id::EC && key.ec_key()?.group().curve_name() == Some(Nid::X9_62_PRIME256V1)
            }
            IdTokenAlg::EdDSA => key.id() == Id::ED25519,
        };
        if !fits {
            return Err(KeyError::AlgorithmMismatch(algorithm));
        }
        let jwk = Jwk::of(algorithm, &key)?;
        let header = format!(r#"{{"alg":"{}","typ":"JWT","kid":"{}"}}"#, algorithm.as_str(), jwk.kid);
        Ok(Self { algorithm, key, jwk, header: URL_SAFE_NO_PAD.encode(header) })
    }

    /// The private key as PKCS#8 DER, to be sealed and stored.
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, KeyError> {
        Ok(self.key.private_key_to_pkcs8()?)
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> IdTokenAlg {
        self.algorithm
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
        let payload = serde_json::to_vec(claims)?;
        let mut token = String::with_capacity(self.header.len() + payload.len() * 4 / 3 + 360);
        token.push_str(&self.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&payload, &mut token);
        let signature = self.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(&signature, &mut token);
        Ok(token)
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        match self.algorithm {
            IdTokenAlg::RS256 => {
                Signer::new(MessageDigest::sha256(), &self.key)?.sign_oneshot_to_vec(message)
            }
            IdTokenAlg::EdDSA => Signer::new_without_digest(&self.key)?.sign_oneshot_to_vec(message),
            IdTokenAlg::ES256 => {
                let der = Signer::new(MessageDigest::sha256(), &self.key)?.sign_oneshot_to_vec(message)?;
                // OpenSSL returns DER; RFC 7518 §3.4 requires r || s.
                let signature = EcdsaSig::from_der(&der)?;
                let mut raw = signature.r().to_vec_padded(32)?;
                raw.extend_from_slice(&signature.s().to_vec_padded(32)?);
                Ok(raw)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::{
        JsonWebKey as _,
        core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
    };

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
        for algorithm in IdTokenAlg::ALL {
            let made = SigningKey::generate(algorithm).unwrap();
            let key = SigningKey::from_pkcs8(algorithm, &made.to_pkcs8().unwrap()).unwrap();
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
        assert_eq!(header, serde_json::json!({ "alg": "ES256", "typ": "JWT", "kid": key.jwk().kid }));
    }

    #[test]
    fn a_key_of_another_kind_does_not_fit() {
        let keys: Vec<_> = IdTokenAlg::ALL.iter().map(|a| SigningKey::generate(*a).unwrap()).collect();
        for key in &keys {
            for algorithm in IdTokenAlg::ALL {
                let read = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap());
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
        assert_eq!(
            format!("{key:?}"),
            format!("SigningKey {{ algorithm: EdDSA, kid: {:?} }}", key.jwk().kid)
        );
    }
}
