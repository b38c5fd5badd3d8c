//! The signing certificates in metadata (SAML 2.0 Metadata §2.4.1.1). Each is read by itself: one that cannot be used
//! proves nothing and harms nothing.

use openssl::x509::{X509, X509VerifyResult};
use uppsala::{Document, NodeId};

use crate::{
    certificate::{Certificate, CertificateError},
    certificate_text,
    identifiers::namespace,
    metadata::elements::{attribute, child_elements},
};

/// The maximum number of certificates in one `X509Data` that are compared with each other.
const MAX_CHAIN_LENGTH: usize = 10;
/// The maximum number of certificates that are named as left out.
const MAX_LEFT_OUT: usize = 20;

/// The certificates of the keys that may sign, `use="signing"` or no `use` at all, as PEM, and those left out.
pub(super) fn signing_certificates(
    document: &Document<'_>,
    roles: &[NodeId],
) -> (Vec<String>, Vec<CertificateError>) {
    let mut pems: Vec<String> = Vec::new();
    let mut left_out = Vec::new();
    let mut read = 0;
    for data in roles.iter().flat_map(|&role| signing_data(document, role)) {
        let texts = child_elements(document, data, namespace::SIGNATURE, "X509Certificate");
        let mut chain = Vec::new();
        for node in texts {
            let found = certificate_text::read(&document.text_content_deep(node));
            // An element without a certificate counts as one that cannot be read.
            chain.extend(if found.is_empty() { vec![None] } else { found });
        }
        for (position, entry) in (read + 1..).zip(judge_chain(&chain)) {
            let certificate = match entry {
                Entry::Issuer => continue,
                Entry::Malformed => Err(CertificateError::Malformed { position }),
                Entry::PossibleIssuer => Err(CertificateError::PossibleIssuer { position }),
                Entry::End(x509) => Certificate::from_x509(x509, position),
            };
            match certificate.map(|certificate| certificate.to_pem()) {
                Ok(pem) if pems.contains(&pem) => {}
                Ok(pem) => pems.push(pem),
                Err(error) => left_out.push(error),
            }
        }
        read += chain.len();
    }
    left_out.truncate(MAX_LEFT_OUT);
    (pems, left_out)
}

/// The `X509Data` of a role's keys that may sign.
fn signing_data<'d>(document: &'d Document<'_>, role: NodeId) -> impl Iterator<Item = NodeId> + 'd {
    child_elements(document, role, namespace::METADATA, "KeyDescriptor")
        .filter(|&key| attribute(document, key, "use").is_none_or(|usage| usage == "signing"))
        .flat_map(|key| child_elements(document, key, namespace::SIGNATURE, "KeyInfo"))
        .flat_map(|info| child_elements(document, info, namespace::SIGNATURE, "X509Data"))
}

/// What one certificate of an `X509Data` is.
enum Entry<'c> {
    /// The certificate of the key.
    End(&'c X509),
    /// It issued another one.
    Issuer,
    /// It cannot be read.
    Malformed,
    /// Another one cannot be read, which this one may have issued.
    PossibleIssuer,
}

/// Finds the end certificates of one `X509Data`. A chain describes one key, and the keys of its issuers may not sign
/// responses (XML Signature §4.5.4): therefore none of them is taken when one cannot be read, or there are too many to
/// compare.
fn judge_chain(chain: &[Option<X509>]) -> Vec<Entry<'_>> {
    let whole = chain.len() <= MAX_CHAIN_LENGTH && chain.iter().all(Option::is_some);
    let issued_another = |issuer: &X509| {
        chain.iter().flatten().any(|certificate| {
            !std::ptr::eq(issuer, certificate)
                && certificate.subject_name().to_der().ok() != certificate.issuer_name().to_der().ok()
                && issuer.issued(certificate) == X509VerifyResult::OK
        })
    };
    let judge = |entry| match entry {
        &None => Entry::Malformed,
        Some(_) if !whole && chain.len() > 1 => Entry::PossibleIssuer,
        Some(certificate) if issued_another(certificate) => Entry::Issuer,
        Some(certificate) => Entry::End(certificate),
    };
    chain.iter().map(judge).collect()
}
