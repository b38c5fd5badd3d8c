//! The certificates with which a response was verified, on the page of a flow.

use maud::{Markup, html};

use crate::{
    app::{connections::saml::certificates::CertificateView, support::flows::FlowView},
    web::kit::components::{Icon, copyable, exact, facts, mark, notice},
};

/// The certificates that the connection trusts, and those embedded in responses.
pub(super) fn certificates(described: &FlowView) -> Markup {
    let verified: Vec<&String> =
        described.document_facts.iter().flat_map(|reading| &reading.verified_by).collect();
    let trusted = |fingerprint: &String| described.trusted.iter().any(|one| one.fingerprint == *fingerprint);
    let mut untrusted: Vec<&CertificateView> = Vec::new();
    for certificate in described.document_facts.iter().flat_map(|reading| &reading.embedded) {
        if !trusted(&certificate.fingerprint) && !untrusted.contains(&certificate) {
            untrusted.push(certificate);
        }
    }
    let mut replaced: Vec<&String> =
        verified.iter().filter(|fingerprint| !trusted(fingerprint)).copied().collect();
    replaced.sort_unstable();
    replaced.dedup();
    html! {
        @if !described.trusted.is_empty() || !untrusted.is_empty() {
            section.card.stack {
                h2 { "Certificates" }
                @for certificate in &described.trusted {
                    div.certificate {
                        h3 { "Trusted by the connection" }
                        @if verified.contains(&&certificate.fingerprint) {
                            p { (mark(Icon::Good, "Its key made the signature in this login")) }
                        }
                        (certificate_facts(certificate))
                    }
                }
                @for fingerprint in replaced {
                    (notice(Icon::Note, "The signature was made with another certificate, which the connection trusted then", html! {
                        (facts(&[("SHA-256", copyable(fingerprint, "fingerprint"))]))
                    }))
                }
                @for certificate in untrusted {
                    div.certificate {
                        h3 { "Enclosed in the response" }
                        p { (mark(Icon::Attention, "Not one that the connection trusts")) }
                        p.soft { "Anybody can enclose any certificate. If the customer confirms this fingerprint, add it to the connection." }
                        (certificate_facts(certificate))
                    }
                }
            }
        }
    }
}

fn certificate_facts(certificate: &CertificateView) -> Markup {
    facts(&[
        ("Subject", html! { (certificate.subject) }),
        ("Issuer", html! { (certificate.issuer) }),
        ("Valid", html! { (exact(certificate.not_before)) " to " (exact(certificate.not_after)) }),
        ("SHA-256", copyable(&certificate.fingerprint, "fingerprint")),
    ])
}
