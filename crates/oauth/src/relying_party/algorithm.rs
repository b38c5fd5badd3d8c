//! The algorithms with which providers may sign ID tokens (RFC 7518 §3.1, RFC 8037 §3.1), and their verification by OpenSSL.

use openssl::{
    bn::BigNum,
    ecdsa::EcdsaSig,
    error::ErrorStack,
    hash::{MessageDigest, hash},
    nid::Nid,
    pkey::{Id, PKey, Public},
    rsa::Padding,
    sign::{RsaPssSaltlen, Verifier},
};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// An algorithm that is accepted. `none` and those with a shared secret are not among them: whoever knows the client secret, or
/// takes a public key for one, could sign with these (RFC 8725 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA with P-256 and SHA-256.
    ES256,
    /// ECDSA with P-384 and SHA-384.
    ES384,
    /// ECDSA with P-521 and SHA-512.
    ES512,
    /// Ed25519.
    EdDSA,
    /// Ed25519, by its fully specified name (RFC 9864 §2.2).
    Ed25519,
}

/// The least size of an RSA key, in bits.
const MIN_RSA_BITS: u32 = 2048;

/// The greatest size of an RSA key, in bits: verifying takes longer with each.
const MAX_RSA_BITS: u32 = 8192;

impl SignatureAlgorithm {
    /// The registered name.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    fn digest(self) -> MessageDigest {
        match self {
            Self::RS256 | Self::PS256 | Self::ES256 => MessageDigest::sha256(),
            Self::RS384 | Self::PS384 | Self::ES384 => MessageDigest::sha384(),
            Self::RS512 | Self::PS512 | Self::ES512 | Self::EdDSA | Self::Ed25519 => MessageDigest::sha512(),
        }
    }

    /// The left half of the hash of a token, for `at_hash` (OpenID Connect Core 1.0 §3.1.3.6).
    pub fn half_hash(self, text: &str) -> Result<Vec<u8>, ErrorStack> {
        let hash = hash(self.digest(), text.as_bytes())?;
        Ok(hash[..hash.len() / 2].to_vec())
    }

    /// Whether a key is of the type, curve and size that the algorithm requires.
    pub fn fits(self, key: &PKey<Public>) -> bool {
        let is_curve =
            |nid| key.id() == Id::EC && key.ec_key().is_ok_and(|key| key.group().curve_name() == Some(nid));
        match self {
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => {
                key.id() == Id::RSA && (MIN_RSA_BITS..=MAX_RSA_BITS).contains(&key.bits())
            }
            Self::ES256 => is_curve(Nid::X9_62_PRIME256V1),
            Self::ES384 => is_curve(Nid::SECP384R1),
            Self::ES512 => is_curve(Nid::SECP521R1),
            Self::EdDSA | Self::Ed25519 => key.id() == Id::ED25519,
        }
    }

    /// Whether a signature is right. What OpenSSL cannot read is no signature.
    pub fn verifies(self, key: &PKey<Public>, message: &[u8], signature: &[u8]) -> bool {
        self.fits(key) && self.verify(key, message, signature).unwrap_or(false)
    }

    fn verify(self, key: &PKey<Public>, message: &[u8], signature: &[u8]) -> Result<bool, ErrorStack> {
        match self {
            Self::EdDSA | Self::Ed25519 => {
                Verifier::new_without_digest(key)?.verify_oneshot(signature, message)
            }
            Self::RS256 | Self::RS384 | Self::RS512 => {
                Verifier::new(self.digest(), key)?.verify_oneshot(signature, message)
            }
            Self::PS256 | Self::PS384 | Self::PS512 => {
                let mut verifier = Verifier::new(self.digest(), key)?;
                verifier.set_rsa_padding(Padding::PKCS1_PSS)?;
                verifier.set_rsa_mgf1_md(self.digest())?;
                verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
                verifier.verify_oneshot(signature, message)
            }
            Self::ES256 => self.verify_ecdsa(key, message, signature, 32),
            Self::ES384 => self.verify_ecdsa(key, message, signature, 48),
            Self::ES512 => self.verify_ecdsa(key, message, signature, 66),
        }
    }

    /// RFC 7518 §3.4: the signature is r || s, each of the size of the curve; OpenSSL reads DER.
    fn verify_ecdsa(
        self,
        key: &PKey<Public>,
        message: &[u8],
        signature: &[u8],
        size: usize,
    ) -> Result<bool, ErrorStack> {
        let Some((r, s)) = signature.split_at_checked(size).filter(|(_, s)| s.len() == size) else {
            return Ok(false);
        };
        let (r, s) = (BigNum::from_slice(r)?, BigNum::from_slice(s)?);
        let der = EcdsaSig::from_private_components(r, s)?.to_der()?;
        Verifier::new(self.digest(), key)?.verify_oneshot(&der, message)
    }
}
