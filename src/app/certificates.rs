//! Certificates as people look at them.

use crate::{model::time::Timestamp, saml::certificate::Certificate};

/// What there is to see of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whom it names.
    pub subject: String,
    /// Who made it.
    pub issuer: String,
    /// The first moment it is meant for.
    pub not_before: Timestamp,
    /// The last moment it is meant for.
    pub not_after: Timestamp,
    /// SHA-256 of the DER, in hexadecimal: what admins compare.
    pub fingerprint: String,
    /// The certificate itself.
    pub pem: String,
}

impl From<&Certificate> for CertificateFacts {
    fn from(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject().to_owned(),
            issuer: certificate.issuer(),
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            fingerprint: certificate.fingerprint_sha256(),
            pem: certificate.to_pem(),
        }
    }
}

/// Looks at the certificates in these texts of PEM blocks, in order. They were checked when they were
/// stored; one that cannot be read any more is left out.
pub fn look_at(texts: &[String]) -> Vec<CertificateFacts> {
    let bundles = texts.iter().filter_map(|text| Certificate::parse_pem_bundle(text).ok());
    bundles.flatten().map(|certificate| CertificateFacts::from(&certificate)).collect()
}
