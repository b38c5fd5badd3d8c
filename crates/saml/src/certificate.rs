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

use crate::certificate_text;

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

/// What was read of one or several texts: the certificates that can be used, and why the others cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateBundle {
    /// The certificates that can be used, in order; at least one.
    pub certificates: Vec<Certificate>,
    /// Those that were left out, by their position.
    pub left_out: Vec<CertificateError>,
}

/// Why a certificate cannot be used, or a text with certificates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// There is none.
    #[error("there is no PEM certificate in the text (-----BEGIN CERTIFICATE-----)")]
    Missing,
    /// There are too many.
    #[error("there are more than {MAX_CERTIFICATES} certificates in the text")]
    TooMany,
    /// One cannot be read.
    #[error("certificate {position} cannot be read as X.509; copy the whole of it again")]
    Malformed {
        /// Which one, from 1.
        position: usize,
    },
    /// One may be the issuer of another that cannot be read, and no key of its own (XML Signature §4.5.4).
    #[error("certificate {position} stands beside one that cannot be read, and may only be its issuer")]
    PossibleIssuer {
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
    /// Reads every certificate of the texts, each by itself: PEM blocks with anything around them, or the bare base64
    /// that metadata and some consoles show. Positions count through all texts. It fails if none can be used, with what
    /// is wrong with the first one.
    pub fn read_bundle<T: AsRef<str>>(texts: &[T]) -> Result<CertificateBundle, CertificateError> {
        let mut read = Vec::new();
        for text in texts.iter().map(AsRef::as_ref).filter(|text| !text.trim().is_empty()) {
            let found = certificate_text::read(text);
            // Of several texts, one without a certificate counts as one that cannot be read.
            read.extend(if found.is_empty() && texts.len() > 1 { vec![None] } else { found });
        }
        if read.len() > MAX_CERTIFICATES {
            return Err(CertificateError::TooMany);
        }
        let (mut certificates, mut left_out) = (Vec::new(), Vec::new());
        for (index, x509) in read.iter().enumerate() {
            let position = index + 1;
            let x509 = x509.as_ref().ok_or(CertificateError::Malformed { position });
            match x509.and_then(|x509| Self::from_x509(x509, position)) {
                Ok(certificate) => certificates.push(certificate),
                Err(error) => left_out.push(error),
            }
        }
        match (certificates.is_empty(), left_out.first()) {
            (true, Some(first)) => Err(first.clone()),
            (true, None) => Err(CertificateError::Missing),
            (false, _) => Ok(CertificateBundle { certificates, left_out }),
        }
    }

    /// Reads every certificate of a text, as [`Certificate::read_bundle`] does; it fails if any of them cannot be used.
    pub fn parse_pem_bundle(text: &str) -> Result<Vec<Self>, CertificateError> {
        let bundle = Self::read_bundle(&[text])?;
        match bundle.left_out.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(bundle.certificates),
        }
    }

    /// The certificate, if its key can be used; `position` is for the error.
    pub(crate) fn from_x509(x509: &X509, position: usize) -> Result<Self, CertificateError> {
        let malformed = || CertificateError::Malformed { position };
        let unsupported = || CertificateError::KeyUnsupported { position };
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
    fn a_certificate_shows_what_it_holds() {
        let first = certificate(&ec(Nid::X9_62_PRIME256V1));
        let second = certificate(&ec(Nid::SECP384R1));
        let bundle = Certificate::parse_pem_bundle(&format!("{first}{second}")).unwrap();
        assert_eq!(bundle.iter().map(Certificate::to_pem).collect::<Vec<_>>(), [first, second]);
        assert_eq!(bundle[0].not_before(), Timestamp::from_seconds(1_600_000_000));
        assert_eq!(bundle[0].not_after(), Timestamp::from_seconds(1_700_000_000));
        assert_eq!(bundle[0].subject(), "CN=idp.example");
        assert_eq!(bundle[1].kind(), PublicKeyKind::Ec { coordinate_bytes: 48 });
        assert_eq!(bundle[0].fingerprint_sha256().len(), 64);
    }

    #[test]
    fn certificates_are_read_independently_and_numbered_through_all_texts() {
        let [good, other] = [Nid::X9_62_PRIME256V1, Nid::SECP384R1].map(|curve| certificate(&ec(curve)));
        let small = certificate(&PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap());
        let edwards = certificate(&PKey::generate_ed25519().unwrap());
        let cut = good.replace(&good[100..120], "");
        let bundle =
            Certificate::read_bundle(&[format!("{good}{small}"), cut.clone(), format!("{edwards}{other}")])
                .unwrap();
        assert_eq!(
            bundle.certificates.iter().map(Certificate::to_pem).collect::<Vec<_>>(),
            [good.clone(), other]
        );
        let left_out = [
            CertificateError::RsaSize { position: 2, bits: 1024 },
            CertificateError::Malformed { position: 3 },
            CertificateError::KeyUnsupported { position: 4 },
        ];
        assert_eq!(bundle.left_out, left_out);
        let none = Certificate::read_bundle(&[cut, small]).unwrap_err();
        assert_eq!(none, CertificateError::Malformed { position: 1 });
        assert_eq!(Certificate::read_bundle::<&str>(&[]), Err(CertificateError::Missing));
        let beside = Certificate::read_bundle(&["a key", "", good.as_str()]);
        assert_eq!(
            beside.map(|bundle| bundle.left_out),
            Ok(vec![CertificateError::Malformed { position: 1 }])
        );
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
        fn no_text_panics(text in "(-----BEGIN (X509 )?CERTIFICATE-----|[A-Za-z0-9+/=]{0,30}|-----|\\\\n|\\PC){0,12}") {
            let _ = Certificate::parse_pem_bundle(&text);
        }
    }
}
