//! Signing keys: made, kept as PKCS#8, and used for JSON Web Signatures (RFC 7515).
//!
//! OpenSSL signs. The parsed key is kept, because parsing costs as much as an ES256 signature, and so is
//! the encoded header, which is the same for every token of the key.

use std::{fmt, str::FromStr};

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

use super::jwk::Jwk;

/// How an ID token is signed (RFC 7518 §3.1, RFC 8037 §3.1). No `none`, and nothing symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256, 2048 bits: what every client knows, and the default.
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256 with SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    /// All of them, the default first.
    pub const ALL: [Self; 3] = [Self::Rs256, Self::Es256, Self::EdDsa];

    /// Its registered name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The hash of `at_hash` (OpenID Connect Core §3.1.3.6): the one inside the algorithm, which for
    /// Ed25519 is SHA-512. The left half of the token's digest, base64url.
    pub fn half_hash(self, token: &str) -> String {
        match self {
            Self::Rs256 | Self::Es256 => {
                URL_SAFE_NO_PAD.encode(&openssl::sha::sha256(token.as_bytes())[..16])
            }
            Self::EdDsa => URL_SAFE_NO_PAD.encode(&openssl::sha::sha512(token.as_bytes())[..32]),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no algorithm we sign with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be RS256, ES256 or EdDSA")]
pub struct UnknownAlgorithm;

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(UnknownAlgorithm)
    }
}

/// Why a key cannot be made, read or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// OpenSSL refused.
    #[error("the cryptographic library refused")]
    Openssl(#[from] ErrorStack),
    /// The key is of another kind, curve or size than its algorithm needs.
    #[error("the key does not fit {0}")]
    Unfit(Algorithm),
    /// The claims cannot be written as JSON.
    #[error("the claims cannot be written")]
    Claims(#[from] serde_json::Error),
}

/// A private key with its algorithm, its public half and its encoded header.
#[derive(Clone)]
pub struct SigningKey {
    algorithm: Algorithm,
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
    /// Makes a key. RSA takes some tenths of a second of CPU: not on an async thread.
    pub fn generate(algorithm: Algorithm) -> Result<Self, KeyError> {
        let key = match algorithm {
            Algorithm::Rs256 => PKey::from_rsa(Rsa::generate(2048)?)?,
            Algorithm::Es256 => {
                let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
                PKey::from_ec_key(EcKey::generate(&group)?)?
            }
            Algorithm::EdDsa => PKey::generate_ed25519()?,
        };
        Self::new(algorithm, key)
    }

    /// Reads a key that [`SigningKey::to_pkcs8`] wrote.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, KeyError> {
        Self::new(algorithm, PKey::private_key_from_pkcs8(der)?)
    }

    fn new(algorithm: Algorithm, key: PKey<Private>) -> Result<Self, KeyError> {
        let fits = match algorithm {
            Algorithm::Rs256 => key.id() == Id::RSA && key.bits() >= 2048,
            Algorithm::Es256 => {
                key.id() == Id::EC && key.ec_key()?.group().curve_name() == Some(Nid::X9_62_PRIME256V1)
            }
            Algorithm::EdDsa => key.id() == Id::ED25519,
        };
        if !fits {
            return Err(KeyError::Unfit(algorithm));
        }
        let jwk = Jwk::of(algorithm, &key)?;
        let header = format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":"{}"}}"#, jwk.kid);
        Ok(Self { algorithm, key, jwk, header: URL_SAFE_NO_PAD.encode(header) })
    }

    /// The private key as PKCS#8 DER, to be sealed and stored.
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, KeyError> {
        Ok(self.key.private_key_to_pkcs8()?)
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its public half.
    pub fn jwk(&self) -> &Jwk {
        &self.jwk
    }

    /// The JSON Web Signature of `claims` in compact form (RFC 7515 §3.1).
    pub fn jws(&self, claims: &impl Serialize) -> Result<String, KeyError> {
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
            Algorithm::Rs256 => Signer::new(MessageDigest::sha256(), &self.key)?.sign_oneshot_to_vec(message),
            Algorithm::EdDsa => Signer::new_without_digest(&self.key)?.sign_oneshot_to_vec(message),
            Algorithm::Es256 => {
                let der = Signer::new(MessageDigest::sha256(), &self.key)?.sign_oneshot_to_vec(message)?;
                // OpenSSL gives DER, RFC 7518 §3.4 wants r || s.
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

    fn oracle(algorithm: Algorithm) -> CoreJwsSigningAlgorithm {
        match algorithm {
            Algorithm::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            Algorithm::Es256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            Algorithm::EdDsa => CoreJwsSigningAlgorithm::EdDsa,
        }
    }

    #[test]
    fn names_round_trip() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        for text in ["", "none", "HS256", "rs256", "RS512"] {
            assert_eq!(text.parse::<Algorithm>(), Err(UnknownAlgorithm));
        }
    }

    #[test]
    fn another_library_verifies_what_we_sign() {
        for algorithm in Algorithm::ALL {
            let made = SigningKey::generate(algorithm).unwrap();
            let key = SigningKey::from_pkcs8(algorithm, &made.to_pkcs8().unwrap()).unwrap();
            assert_eq!(key.jwk(), made.jwk());
            let public: CoreJsonWebKey =
                serde_json::from_value(serde_json::to_value(key.jwk()).unwrap()).unwrap();
            // ECDSA's numbers have leading zeros now and then: try often enough to meet one.
            for round in 0..if algorithm == Algorithm::Es256 { 600 } else { 3 } {
                let token = key.jws(&serde_json::json!({ "round": round })).unwrap();
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
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let token = key.jws(&serde_json::json!({})).unwrap();
        let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
        let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
        assert_eq!(header, serde_json::json!({ "alg": "ES256", "typ": "JWT", "kid": key.jwk().kid }));
    }

    #[test]
    fn a_key_of_another_kind_does_not_fit() {
        let keys: Vec<_> = Algorithm::ALL.iter().map(|a| SigningKey::generate(*a).unwrap()).collect();
        for key in &keys {
            for algorithm in Algorithm::ALL {
                let read = SigningKey::from_pkcs8(algorithm, &key.to_pkcs8().unwrap());
                assert_eq!(read.is_ok(), key.algorithm() == algorithm);
            }
        }
        let short = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        let der = short.private_key_to_pkcs8().unwrap();
        assert!(matches!(SigningKey::from_pkcs8(Algorithm::Rs256, &der), Err(KeyError::Unfit(_))));
        let p384 = EcKey::generate(&EcGroup::from_curve_name(Nid::SECP384R1).unwrap()).unwrap();
        let der = PKey::from_ec_key(p384).unwrap().private_key_to_pkcs8().unwrap();
        assert!(matches!(SigningKey::from_pkcs8(Algorithm::Es256, &der), Err(KeyError::Unfit(_))));
        assert!(SigningKey::from_pkcs8(Algorithm::Rs256, b"nonsense").is_err());
    }

    #[test]
    fn a_key_does_not_show_itself() {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        assert_eq!(
            format!("{key:?}"),
            format!("SigningKey {{ algorithm: EdDsa, kid: {:?} }}", key.jwk().kid)
        );
    }
}
