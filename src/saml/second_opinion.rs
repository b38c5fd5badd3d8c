//! The second opinion: xmlsec, through `samael`, must come to the same signed bytes.
//!
//! It is asked only about documents that passed the gate and whose signatures verified here, so the
//! C libraries behind it never see what a stranger sent.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Once,
};

use samael::crypto::{AllowedSignatureAlgorithm, CertificateDer, Crypto, CryptoProvider as _, ReduceMode};

use super::signature::Signed;

/// Asks about a document whose signatures are `signed`, the one to be read first. Says why not when
/// it disagrees.
pub(super) fn ask(document: &str, signed: &[&Signed]) -> Result<(), &'static str> {
    let Some(read) = signed.first() else { return Err("no signature") };
    let certificates: Vec<CertificateDer> =
        signed.iter().map(|signed| signed.certificate.der().to_vec().into()).collect();
    // Its list has no SHA-1. Where that is allowed and was used, our own list held it to that.
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
        Ok(Ok(_)) => Err("other bytes are signed"),
        Ok(Err(_)) => Err("the signature does not verify"),
        Err(_) => Err("it failed"),
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

/// Keeps xmlsec from writing what a document says to our standard error.
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
