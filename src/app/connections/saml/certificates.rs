//! Certificates as they are shown to people.

use crate::{model::time::Timestamp, saml::certificate::Certificate};

/// What is shown of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateView {
    /// Its subject.
    pub subject: String,
    /// Its issuer.
    pub issuer: String,
    /// The beginning of its validity.
    pub not_before: Timestamp,
    /// The end of its validity.
    pub not_after: Timestamp,
    /// SHA-256 of the DER, in hexadecimal.
    pub fingerprint: String,
    /// The certificate itself.
    pub pem: String,
}

impl From<&Certificate> for CertificateView {
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

/// Parses the certificates in these PEM texts, in order. They were validated when they were stored; one that
/// no longer parses is left out.
pub fn certificate_views(texts: &[String]) -> Vec<CertificateView> {
    let bundles = texts.iter().filter_map(|text| Certificate::parse_pem_bundle(text).ok());
    bundles.flatten().map(|certificate| CertificateView::from(&certificate)).collect()
}
