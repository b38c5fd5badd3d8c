//! The cross-check: xmlsec, through `samael`, must find the same signed bytes.
//!
//! It runs only on documents within the limits whose signatures verified here, so the C libraries behind it
//! never see unauthenticated input.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider as _, ReduceMode};

use crate::signature::SignedElement;

/// Verifies a document whose signatures are `signed`, first the one whose bytes are read. Returns the reason
/// when xmlsec disagrees.
pub(super) fn check(document: &str, signed: &[&SignedElement]) -> Result<(), &'static str> {
    let Some(read) = signed.first() else { return Err("no signature") };
    let certificates: Vec<CertificateDer> =
        signed.iter().map(|signed| signed.certificate.der().to_vec().into()).collect();
    // samael's list has no SHA-1. Where a signature used it, the connection allows it and our own list was
    // applied.
    let allowed = if signed.iter().any(|signed| signed.sha1) { None } else { Some(ALLOWED) };
    quiet::silence();
    let reduced = catch_unwind(AssertUnwindSafe(|| {
        Crypto::reduce_xml_to_signed_with_allowed_algorithms(
            document,
            &certificates,
            ReduceMode::PreDigest,
            allowed,
        )
    }));
    match reduced {
        Ok(Ok(bytes)) if bytes == read.canonical => Ok(()),
        Ok(Ok(_)) => Err("different bytes are signed"),
        Ok(Err(_)) => Err("the signature does not verify"),
        Err(_) => Err("the second implementation panicked"),
    }
}

const ALLOWED: &[AllowedSignatureAlgorithm] = &[
    AllowedSignatureAlgorithm::RsaSha256,
    AllowedSignatureAlgorithm::RsaSha384,
    AllowedSignatureAlgorithm::RsaSha512,
    AllowedSignatureAlgorithm::EcdsaSha256,
    AllowedSignatureAlgorithm::EcdsaSha384,
    AllowedSignatureAlgorithm::EcdsaSha512,
];

/// Keeps xmlsec from writing the contents of documents to standard error.
mod quiet {
    use super::Once;

    #[expect(
        unsafe_code,
        reason = "samael exposes no way to xmlsec's error output; the call takes a flag and keeps nothing"
    )]
    pub fn silence() {
        unsafe extern "C" {
            /// xmlsec/errors.h: with 0 the default error callback prints nothing. It sets a global,
            /// hence once.
            safe fn xmlSecErrorsDefaultCallbackEnableOutput(enabled: std::ffi::c_int);
        }
        static ONCE: Once = Once::new();
        ONCE.call_once(|| xmlSecErrorsDefaultCallbackEnableOutput(0));
    }
}
