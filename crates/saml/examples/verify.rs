//! Verifies a stored response against an identity provider's metadata, and prints every check:
//!
//! ```text
//! cargo run -p ostiary-saml --example verify -- METADATA.xml RESPONSE SP_ENTITY_ID ACS_URL TIME
//! ```
//!
//! `RESPONSE` is a file with the value of the form field `SAMLResponse` (Base64), `TIME` the time of the login
//! (RFC 3339).
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::{env, error::Error, fs, sync::Arc, time::Duration};

use ostiary_saml::{Certificate, CrossCheck, Timestamp, Trust, metadata::parse_idp_metadata, verify};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [metadata, response, sp_entity_id, acs_url, time] = arguments.as_slice() else {
        return Err("usage: verify METADATA.xml RESPONSE SP_ENTITY_ID ACS_URL TIME".into());
    };
    let idp = parse_idp_metadata(&fs::read(metadata)?, None)?;
    let pem = idp.certificates_pem.concat();
    let certificates: Vec<_> = Certificate::parse_pem_bundle(&pem)?.into_iter().map(Arc::new).collect();
    let trust = Trust {
        idp_entity_id: &idp.entity_id,
        certificates: &certificates,
        sp_entity_id,
        acs_urls: std::slice::from_ref(acs_url),
        allow_sha1: false,
        allow_cbc_encryption: false,
        decryption_keys: &[],
        name_id_optional: false,
        clock_skew: Duration::from_secs(60),
        cross_check: CrossCheck::Enforce,
    };
    let now = Timestamp::parse_rfc3339(time).ok_or("TIME is not RFC 3339")?;
    let verdict = verify(fs::read_to_string(response)?.trim(), &trust, now);
    for check in &verdict.checks {
        let result = if check.passed { "ok    " } else { "FAILED" };
        println!("{result} {:<32} {}", check.name, check.found.as_deref().unwrap_or_default());
        if !check.passed {
            println!("       {} ({})", check.remedy, check.clause);
        }
    }
    let assertion = verdict.outcome?;
    println!("{}: {:?}", assertion.id, assertion.subject);
    Ok(())
}
