//! The certificates of a connection: as they are parsed, and as they are shown to people.

use base::time::Timestamp;
use model::saml_connection::SamlConnection;
use saml::certificate::{Certificate, CertificateError};

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

/// Certificates as they were given: those to trust, and what was left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GivenCertificates {
    /// Each certificate that can be used, once, as PEM of its own.
    pub pems: Vec<String>,
    /// Why the others were left out, in words.
    pub left_out: Vec<String>,
}

/// Parses the certificates in these texts, each by itself. It is an error if none of them can be used.
pub fn parse_certificates(field: &'static str, texts: &[String]) -> Result<GivenCertificates> {
    if texts.iter().all(|text| text.trim().is_empty()) {
        return Ok(GivenCertificates::default());
    }
    let bundle = Certificate::read_bundle(texts).map_err(|error| Error::invalid(field, error.to_string()))?;
    let mut pems = Vec::new();
    for pem in bundle.certificates.iter().map(Certificate::to_pem) {
        if !pems.contains(&pem) {
            pems.push(pem);
        }
    }
    if pems.len() > MAX_CERTIFICATES {
        return Err(Error::invalid(field, format!("must be at most {MAX_CERTIFICATES} certificates")));
    }
    Ok(GivenCertificates { pems, left_out: left_out(&bundle.left_out) })
}

/// The reasons in words.
pub(super) fn left_out(reasons: &[CertificateError]) -> Vec<String> {
    reasons.iter().map(ToString::to_string).collect()
}

/// What is to be said of a connection's certificates to whoever set them: which were left out, and whether all the
/// others have ended. Logins are not refused for that (SAML 2.0 Metadata Interoperability Profile §2.6.1), but
/// somebody who gives such a certificate probably has an old file.
pub fn warnings(connection: &SamlConnection, now: Timestamp) -> Vec<String> {
    let left_out = connection.metadata.left_out.iter();
    let mut all: Vec<String> = left_out.map(|reason| format!("left out: {reason}")).collect();
    if let Some(end) = connection.idp_certificate_expires_at.filter(|end| *end <= now) {
        let which = match connection.idp_certificates.len() {
            1 => "its only certificate",
            _ => "the last of its certificates",
        };
        all.push(format!(
            "{which} ended at {end}: find out whether the identity provider still signs with it, or has a newer one"
        ));
    }
    all
}

/// Parses the certificates in these PEM texts, in order. They were validated when they were stored; one that
/// no longer parses is left out.
pub fn certificate_views(texts: &[String]) -> Vec<CertificateView> {
    let bundles = texts.iter().filter_map(|text| Certificate::parse_pem_bundle(text).ok());
    bundles.flatten().map(|certificate| CertificateView::from(&certificate)).collect()
}
