//! The certificates of a connection: as they are parsed, and as they are shown to people.

use base::time::Timestamp;
use saml::certificate::Certificate;

use crate::app::{Error, Result};

/// The maximum number of signing certificates of a connection.
pub(in crate::app) const MAX_CERTIFICATES: usize = 32;

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

/// Parses PEM texts; returns each certificate once, as PEM of its own.
pub fn parse_certificates(field: &'static str, texts: &[String]) -> Result<Vec<String>> {
    let mut certificates = Vec::new();
    for text in texts.iter().filter(|text| !text.trim().is_empty()) {
        let bundle =
            Certificate::parse_pem_bundle(text).map_err(|error| Error::invalid(field, error.to_string()))?;
        for pem in bundle.iter().map(Certificate::to_pem) {
            if !certificates.contains(&pem) {
                certificates.push(pem);
            }
        }
        if certificates.len() > MAX_CERTIFICATES {
            return Err(Error::invalid(field, format!("must be at most {MAX_CERTIFICATES} certificates")));
        }
    }
    Ok(certificates)
}

/// Parses the certificates in these PEM texts, in order. They were validated when they were stored; one that
/// no longer parses is left out.
pub fn certificate_views(texts: &[String]) -> Vec<CertificateView> {
    let bundles = texts.iter().filter_map(|text| Certificate::parse_pem_bundle(text).ok());
    bundles.flatten().map(|certificate| CertificateView::from(&certificate)).collect()
}
