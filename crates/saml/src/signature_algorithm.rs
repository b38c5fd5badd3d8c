//! The signature algorithms of XML Signature, and signing octets with them.

use openssl::{
    ecdsa::EcdsaSig,
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKeyRef, Private},
    rsa::Padding,
    sign::{RsaPssSaltlen, Signer},
};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// A signature algorithm of XML Signature. SHA-1 is for connections that allow it, and for tests of its
/// refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, EnumString, VariantArray)]
#[expect(missing_docs, reason = "the names are the algorithms'")]
pub enum SignatureAlgorithm {
    #[strum(serialize = "http://www.w3.org/2000/09/xmldsig#rsa-sha1")]
    RsaSha1,
    #[strum(serialize = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")]
    RsaSha256,
    #[strum(serialize = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384")]
    RsaSha384,
    #[strum(serialize = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512")]
    RsaSha512,
    #[strum(serialize = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1")]
    EcdsaSha1,
    #[strum(serialize = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256")]
    EcdsaSha256,
    #[strum(serialize = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384")]
    EcdsaSha384,
    #[strum(serialize = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512")]
    EcdsaSha512,
    #[strum(serialize = "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1")]
    RsaPssSha256,
    #[strum(serialize = "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1")]
    RsaPssSha384,
    #[strum(serialize = "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1")]
    RsaPssSha512,
}

impl SignatureAlgorithm {
    /// The SHA-256 algorithm that fits a key.
    pub fn for_key(key: &PKeyRef<Private>) -> Self {
        if key.id() == Id::EC { Self::EcdsaSha256 } else { Self::RsaSha256 }
    }

    /// Its identifier (RFC 9231 §2.2-2.3). Those of RSA-PSS have no parameters: mask and salt follow from the digest
    /// (§2.3.10).
    pub fn uri(self) -> &'static str {
        self.into()
    }

    /// The identifier of the digest of the same strength.
    pub fn digest_uri(self) -> &'static str {
        match self {
            Self::RsaSha1 | Self::EcdsaSha1 => "http://www.w3.org/2000/09/xmldsig#sha1",
            Self::RsaSha256 | Self::EcdsaSha256 | Self::RsaPssSha256 => {
                "http://www.w3.org/2001/04/xmlenc#sha256"
            }
            Self::RsaSha384 | Self::EcdsaSha384 | Self::RsaPssSha384 => {
                "http://www.w3.org/2001/04/xmldsig-more#sha384"
            }
            Self::RsaSha512 | Self::EcdsaSha512 | Self::RsaPssSha512 => {
                "http://www.w3.org/2001/04/xmlenc#sha512"
            }
        }
    }

    /// Whether its digest is SHA-1.
    pub(super) fn is_sha1(self) -> bool {
        matches!(self, Self::RsaSha1 | Self::EcdsaSha1)
    }

    /// Whether a key of this type can make or verify it.
    pub(super) fn fits(self, key: Id) -> bool {
        self.key_type() == key
    }

    pub(super) fn digest(self) -> MessageDigest {
        match self {
            Self::RsaSha1 | Self::EcdsaSha1 => MessageDigest::sha1(),
            Self::RsaSha256 | Self::EcdsaSha256 | Self::RsaPssSha256 => MessageDigest::sha256(),
            Self::RsaSha384 | Self::EcdsaSha384 | Self::RsaPssSha384 => MessageDigest::sha384(),
            Self::RsaSha512 | Self::EcdsaSha512 | Self::RsaPssSha512 => MessageDigest::sha512(),
        }
    }

    fn key_type(self) -> Id {
        match self {
            Self::EcdsaSha1 | Self::EcdsaSha256 | Self::EcdsaSha384 | Self::EcdsaSha512 => Id::EC,
            _ => Id::RSA,
        }
    }

    /// Whether it is RSA-PSS.
    pub(super) fn is_pss(self) -> bool {
        matches!(self, Self::RsaPssSha256 | Self::RsaPssSha384 | Self::RsaPssSha512)
    }

    /// The ECDSA algorithm with the same digest.
    pub(super) fn ecdsa(self) -> Self {
        match self {
            Self::RsaSha1 | Self::EcdsaSha1 => Self::EcdsaSha1,
            Self::RsaSha256 | Self::EcdsaSha256 | Self::RsaPssSha256 => Self::EcdsaSha256,
            Self::RsaSha384 | Self::EcdsaSha384 | Self::RsaPssSha384 => Self::EcdsaSha384,
            Self::RsaSha512 | Self::EcdsaSha512 | Self::RsaPssSha512 => Self::EcdsaSha512,
        }
    }

    /// The signature value over `octets`. ECDSA gives `r` and `s` side by side at the width of the
    /// curve (XML Signature 1.1 §6.4.3), not ASN.1.
    pub fn sign_octets(self, octets: &[u8], key: &PKeyRef<Private>) -> Result<Vec<u8>, SigningError> {
        if key.id() != self.key_type() {
            return Err(SigningError::KeyDoesNotFit);
        }
        let mut signer = Signer::new(self.digest(), key)?;
        if self.is_pss() {
            signer.set_rsa_padding(Padding::PKCS1_PSS)?;
            signer.set_rsa_mgf1_md(self.digest())?;
            signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
        }
        let signature = signer.sign_oneshot_to_vec(octets)?;
        if self.key_type() != Id::EC {
            return Ok(signature);
        }
        let width = match key.ec_key()?.group().curve_name() {
            Some(Nid::X9_62_PRIME256V1) => 32,
            Some(Nid::SECP384R1) => 48,
            Some(Nid::SECP521R1) => 66,
            _ => return Err(SigningError::KeyDoesNotFit),
        };
        let parts = EcdsaSig::from_der(&signature)?;
        let mut value = parts.r().to_vec_padded(width)?;
        value.extend(parts.s().to_vec_padded(width)?);
        Ok(value)
    }
}

/// Why a document could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The document does not parse.
    #[error("the document is not well-formed XML: {0}")]
    NotXml(String),
    /// No element has the given `ID`, or more than one has.
    #[error("not exactly one element has the ID {0:?}")]
    NoSuchElement(String),
    /// The element has no content, so there is no place for a signature.
    #[error("the element to sign is empty")]
    EmptyElement,
    /// The key is not of the algorithm's type.
    #[error("the key does not fit the signature algorithm")]
    KeyDoesNotFit,
    /// OpenSSL refused.
    #[error("OpenSSL: {0}")]
    Crypto(#[from] openssl::error::ErrorStack),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn algorithms_are_known_by_their_identifiers() {
        for (uri, algorithm) in [
            ("http://www.w3.org/2000/09/xmldsig#rsa-sha1", SignatureAlgorithm::RsaSha1),
            ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", SignatureAlgorithm::RsaSha256),
            ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", SignatureAlgorithm::RsaSha384),
            ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", SignatureAlgorithm::RsaSha512),
            ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1", SignatureAlgorithm::EcdsaSha1),
            ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", SignatureAlgorithm::EcdsaSha256),
            ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", SignatureAlgorithm::EcdsaSha384),
            ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", SignatureAlgorithm::EcdsaSha512),
            ("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", SignatureAlgorithm::RsaPssSha256),
            ("http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1", SignatureAlgorithm::RsaPssSha384),
            ("http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1", SignatureAlgorithm::RsaPssSha512),
        ] {
            assert_eq!((uri.parse(), algorithm.uri()), (Ok(algorithm), uri));
        }
    }
}
