//! An identity provider's signing certificates, with the key parsed once.
//!
//! A SAML certificate is a container of a key that an admin pinned: there is no chain to build, and
//! its dates are a warning, not a refusal (SAML 2.0 Metadata Interoperability Profile §2.6.1).

use base::time::Timestamp;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use openssl::{
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKey, Public},
    x509::{X509, X509NameRef},
};

/// The minimum size of an RSA key in bits (NIST SP 800-131A rev. 2 §3).
pub const MIN_RSA_BITS: u32 = 2048;

/// The maximum size of an RSA key in bits: verification with larger ones takes too long.
pub const MAX_RSA_BITS: u32 = 8192;

/// The maximum number of certificates in one bundle.
const MAX_CERTIFICATES: usize = 32;

/// A certificate that a connection trusts, with a key of a supported type (Ostiary SAML profile, trust; SAML 2.0
/// Metadata Interoperability Profile §2.6.1).
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    key: PKey<Public>,
    kind: PublicKeyKind,
    subject: String,
    not_before: Timestamp,
    not_after: Timestamp,
    fingerprint: String,
}

/// The type of a certificate's key (Ostiary SAML profile, trust).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKeyKind {
    /// RSA with this many bits.
    Rsa {
        /// The modulus's length.
        bits: u32,
    },
    /// ECDSA on P-256, P-384 or P-521.
    Ec {
        /// How many bytes one coordinate takes.
        coordinate_bytes: usize,
    },
}

/// Why a text is not a bundle of usable certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// There is none.
    #[error("there is no PEM certificate in the text (-----BEGIN CERTIFICATE-----)")]
    Missing,
    /// There are too many.
    #[error("there are more than {MAX_CERTIFICATES} certificates in the text")]
    TooMany,
    /// One cannot be read.
    #[error("certificate {position} cannot be read as X.509")]
    Malformed {
        /// Which one, from 1.
        position: usize,
    },
    /// One has a key that no accepted algorithm uses.
    #[error(
        "certificate {position} has a key of a kind that cannot be used: RSA, or ECDSA on P-256, P-384 or P-521, is needed"
    )]
    KeyUnsupported {
        /// Which one, from 1.
        position: usize,
    },
    /// One has an RSA key that is too short or too long.
    #[error(
        "certificate {position} has an RSA key of {bits} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are needed"
    )]
    RsaSize {
        /// Which one, from 1.
        position: usize,
        /// How long it is.
        bits: u32,
    },
}

impl Certificate {
    /// Reads every `CERTIFICATE` block of a PEM text (RFC 7468 §5); text around the blocks is ignored. A
    /// text without any block may be the bare base64 that metadata and some consoles show.
    pub fn parse_pem_bundle(text: &str) -> Result<Vec<Self>, CertificateError> {
        let blocks = pem_blocks(text);
        if blocks.is_empty() {
            return Err(CertificateError::Missing);
        }
        if blocks.len() > MAX_CERTIFICATES {
            return Err(CertificateError::TooMany);
        }
        blocks
            .iter()
            .enumerate()
            .map(|(index, block)| {
                let position = index + 1;
                let compact: Vec<u8> = block.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
                let der = STANDARD.decode(compact).map_err(|_| CertificateError::Malformed { position })?;
                Self::from_der(&der, position)
            })
            .collect()
    }

    fn from_der(der: &[u8], position: usize) -> Result<Self, CertificateError> {
        let malformed = || CertificateError::Malformed { position };
        let unsupported = || CertificateError::KeyUnsupported { position };
        let x509 = X509::from_der(der).map_err(|_| malformed())?;
        // Encoded again, without bytes that may follow the certificate.
        let der = x509.to_der().map_err(|_| malformed())?;
        let key = x509.public_key().map_err(|_| unsupported())?;
        let kind = match key.id() {
            Id::RSA => {
                let bits = key.bits();
                if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
                    return Err(CertificateError::RsaSize { position, bits });
                }
                PublicKeyKind::Rsa { bits }
            }
            Id::EC => {
                let curve = key.ec_key().map_err(|_| unsupported())?.group().curve_name();
                let coordinate_bytes = match curve {
                    Some(Nid::X9_62_PRIME256V1) => 32,
                    Some(Nid::SECP384R1) => 48,
                    Some(Nid::SECP521R1) => 66,
                    _ => return Err(unsupported()),
                };
                PublicKeyKind::Ec { coordinate_bytes }
            }
            _ => return Err(unsupported()),
        };
        let digest = x509.digest(MessageDigest::sha256()).map_err(|_| malformed())?;
        let fingerprint = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            subject: one_line(x509.subject_name()),
            not_before: Timestamp::from_asn1(x509.not_before()).ok_or_else(malformed)?,
            not_after: Timestamp::from_asn1(x509.not_after()).ok_or_else(malformed)?,
            der,
            key,
            kind,
            fingerprint,
        })
    }

    /// The certificate as PEM (RFC 7468).
    pub fn to_pem(&self) -> String {
        let base64 = STANDARD.encode(&self.der);
        let mut pem = String::with_capacity(base64.len() + base64.len() / 64 + 64);
        pem.push_str("-----BEGIN CERTIFICATE-----\n");
        let mut rest = base64.as_str();
        while !rest.is_empty() {
            let (line, after) = rest.split_at(rest.len().min(64));
            pem.push_str(line);
            pem.push('\n');
            rest = after;
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        pem
    }

    /// The certificate as DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The start of its validity.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The end of its validity.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// SHA-256 of the DER, in hexadecimal: what admins compare.
    pub fn fingerprint_sha256(&self) -> String {
        self.fingerprint.clone()
    }

    /// Its subject, in OpenSSL's one-line form of a distinguished name.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Its issuer in the same form; empty when it cannot be read.
    pub fn issuer(&self) -> String {
        X509::from_der(&self.der).map(|x509| one_line(x509.issuer_name())).unwrap_or_default()
    }

    /// The type of its key.
    pub fn kind(&self) -> PublicKeyKind {
        self.kind
    }

    /// The key.
    pub(super) fn key(&self) -> &PKey<Public> {
        &self.key
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}
impl Eq for Certificate {}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({}, {})", self.subject, self.fingerprint_sha256())
    }
}

/// The base64 between the lines of each block.
fn pem_blocks(text: &str) -> Vec<&str> {
    const BEGIN: &str = "-----BEGIN ";
    const LABELS: [&str; 2] = ["CERTIFICATE-----", "X509 CERTIFICATE-----"];
    if !text.contains(BEGIN) {
        let bare = text.trim();
        let base64 =
            |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte) || byte.is_ascii_whitespace();
        return if !bare.is_empty() && bare.bytes().all(base64) { vec![bare] } else { Vec::new() };
    }
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        rest = &rest[at + BEGIN.len()..];
        let Some(body) = LABELS.iter().find_map(|label| rest.strip_prefix(label)) else { continue };
        let end = body.find("-----").unwrap_or(body.len());
        blocks.push(&body[..end]);
        rest = &body[end..];
    }
    blocks
}

/// A distinguished name in one line.
fn one_line(name: &X509NameRef) -> String {
    let mut parts = Vec::new();
    for entry in name.entries() {
        let key = entry.object().nid().short_name().unwrap_or("?");
        let value = entry.data().to_string().unwrap_or_default();
        parts.push(format!("{key}={value}"));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use openssl::{
        asn1::{Asn1Integer, Asn1Time},
        bn::BigNum,
        ec::{EcGroup, EcKey},
        pkey::Private,
        rsa::Rsa,
        x509::X509NameBuilder,
    };

    use super::*;

    fn certificate(key: &PKey<Private>) -> String {
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_text("CN", "idp.example").unwrap();
        let name = name.build();
        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder.set_serial_number(&Asn1Integer::from_bn(&BigNum::from_u32(1).unwrap()).unwrap()).unwrap();
        builder.set_subject_name(&name).unwrap();
        builder.set_issuer_name(&name).unwrap();
        builder.set_pubkey(key).unwrap();
        builder.set_not_before(&Asn1Time::from_unix(1_600_000_000).unwrap()).unwrap();
        builder.set_not_after(&Asn1Time::from_unix(1_700_000_000).unwrap()).unwrap();
        let digest = if key.id() == Id::ED25519 { MessageDigest::null() } else { MessageDigest::sha256() };
        builder.sign(key, digest).unwrap();
        String::from_utf8(builder.build().to_pem().unwrap()).unwrap()
    }

    fn ec(curve: Nid) -> PKey<Private> {
        PKey::from_ec_key(EcKey::generate(&EcGroup::from_curve_name(curve).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn a_bundle_is_read_whatever_stands_around_it() {
        let first = certificate(&ec(Nid::X9_62_PRIME256V1));
        let second = certificate(&ec(Nid::SECP384R1));
        let text = format!("subject=CN = idp\r\n{}\nand then\n{second}trailer", first.replace('\n', "\r\n"));
        let bundle = Certificate::parse_pem_bundle(&text).unwrap();
        assert_eq!(bundle.iter().map(Certificate::to_pem).collect::<Vec<_>>(), [first.clone(), second]);
        assert_eq!(bundle[0].not_before(), Timestamp::from_seconds(1_600_000_000));
        assert_eq!(bundle[0].not_after(), Timestamp::from_seconds(1_700_000_000));
        assert_eq!(bundle[0].subject(), "CN=idp.example");
        assert_eq!(bundle[1].kind(), PublicKeyKind::Ec { coordinate_bytes: 48 });
        assert_eq!(bundle[0].fingerprint_sha256().len(), 64);

        let bare: String = first.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(Certificate::parse_pem_bundle(&bare).unwrap(), bundle[..1]);
    }

    #[test]
    fn what_cannot_verify_is_refused_by_name() {
        let says = |text: &str| Certificate::parse_pem_bundle(text).unwrap_err();
        assert_eq!(says(""), CertificateError::Missing);
        assert_eq!(
            says("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
            CertificateError::Missing
        );
        let good = certificate(&ec(Nid::X9_62_PRIME256V1));
        assert_eq!(
            says(&format!("{good}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----")),
            CertificateError::Malformed { position: 2 }
        );
        assert_eq!(says("-----BEGIN CERTIFICATE-----"), CertificateError::Malformed { position: 1 });
        let small = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
        assert_eq!(says(&certificate(&small)), CertificateError::RsaSize { position: 1, bits: 1024 });
        let edwards = PKey::generate_ed25519().unwrap();
        assert_eq!(says(&certificate(&edwards)), CertificateError::KeyUnsupported { position: 1 });
        assert_eq!(says(&certificate(&ec(Nid::SECP256K1))), CertificateError::KeyUnsupported { position: 1 });
        assert_eq!(says(&good.repeat(33)), CertificateError::TooMany);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "(-----BEGIN (X509 )?CERTIFICATE-----|[A-Za-z0-9+/=]{0,30}|-----|\\PC){0,12}") {
            let _ = Certificate::parse_pem_bundle(&text);
        }
    }
}
