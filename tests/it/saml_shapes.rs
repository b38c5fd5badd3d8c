//! Responses as identity providers send them are accepted, with the cross-check enforced.

use saml::{CrossCheck, VerifiedAssertion, check::Check, checks};

use crate::saml_fixtures::{self as fixtures, Connection, IDP, NOW, REQUEST, make};

fn accepted(name: &str) -> (VerifiedAssertion, Vec<Check>) {
    let made = make("accepted", name);
    let verdict = made.connection.verify(made.xml.clone());
    let checks = &verdict.checks;
    let failed: Vec<_> = checks.iter().filter(|check| !check.passed).collect();
    let assertion =
        verdict.outcome.unwrap_or_else(|refusal| panic!("{name}: {refusal} {failed:#?}\n{}", made.xml));
    assert!(failed.is_empty() && verdict.signature_verified && !verdict.cross_check_disagreed, "{name}");
    let mut second = checks.iter().filter(|check| check.name == "second_opinion_disagrees");
    assert!(second.next().is_some(), "{name}: nobody gave a second opinion");
    assert_eq!(verdict.xml.as_deref(), Some(made.xml.trim_start_matches('\u{feff}')));
    (assertion, verdict.checks)
}

#[test]
fn every_shape_is_accepted_and_read() {
    for name in fixtures::names("accepted") {
        let made = make("accepted", &name);
        let (assertion, _) = accepted(&name);
        assert_eq!(assertion.issuer, IDP, "{name}");
        assert_eq!(Some(&assertion.subject.name_id), made.name_id.as_ref(), "{name}");
        let request = (!made.unsolicited).then_some(REQUEST);
        assert_eq!(assertion.in_response_to.as_deref(), request, "{name}");
        assert!(checks::in_response_to(request, &assertion).passed, "{name}");
        assert!(!checks::in_response_to(Some("_another"), &assertion).passed, "{name}");
        assert_eq!(checks::in_response_to(None, &assertion).passed, made.unsolicited, "{name}");
        for (attribute, values) in &made.attributes {
            let found = assertion.subject.attributes.iter().find(|(name, _)| name == attribute);
            assert_eq!(found.map(|(_, values)| values), Some(values), "{name}: {attribute}");
        }
        assert!(assertion.not_on_or_after > NOW, "{name}");
    }
}

#[test]
fn the_twelve_identity_providers_are_all_there() {
    let names = fixtures::names("accepted");
    for idp in [
        "adfs",
        "auth0",
        "entra",
        "google",
        "jumpcloud",
        "keycloak",
        "okta",
        "onelogin",
        "pingfederate",
        "pingone",
        "shibboleth",
        "simplesamlphp",
    ] {
        assert!(names.iter().any(|name| name == idp), "{idp}");
    }
}

#[test]
fn the_outcome_is_the_same_without_the_cross_check() {
    for name in fixtures::names("accepted") {
        let mut made = make("accepted", &name);
        let (assertion, _) = accepted(&name);
        for cross_check in [CrossCheck::Off, CrossCheck::Observe] {
            made.connection.cross_check = cross_check;
            assert_eq!(made.connection.verify(made.xml.clone()).outcome.as_ref(), Ok(&assertion), "{name}");
        }
    }
}

#[test]
fn an_expired_certificate_is_a_warning() {
    let made = make("accepted", "plain");
    let years = 11 * 366 * 86_400;
    let later = base::time::Timestamp::from_seconds(NOW.seconds() + years);
    let verdict = saml::verify::verify_xml(made.xml.into_bytes(), &made.connection.trust(), later);
    let expiry = verdict.checks.iter().find(|check| check.name == "certificate_expiry").unwrap();
    assert!(expiry.passed && expiry.found.as_deref().unwrap().starts_with("expired on "));
    assert!(verdict.signature_verified);
}

#[test]
fn base64_may_be_wrapped_and_the_text_may_have_a_mark() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let made = make("accepted", "okta");
    let marked = format!("\u{feff}{}", made.xml);
    let base64 = STANDARD.encode(marked);
    let lines: Vec<_> = base64.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect();
    let verdict = saml::verify(&lines.join("\r\n"), &made.connection.trust(), NOW);
    assert!(verdict.outcome.is_ok(), "{:?}", verdict.checks);
}

#[test]
fn several_certificates_are_tried_whatever_their_keys() {
    let made = make("accepted", "both-signed");
    let certificates = ["p256", "other", "p384", "idp"].map(fixtures::certificate);
    let connection = Connection { certificates: certificates.to_vec(), ..Connection::default() };
    assert!(connection.verify(made.xml).outcome.is_ok());
}

#[test]
fn a_replay_is_detected_as_long_as_the_assertion_could_be_used() {
    let (assertion, _) = accepted("plain");
    assert_eq!(assertion.not_on_or_after.seconds() - NOW.seconds(), 300 + 60);
    let xml = fixtures::document("plain").replace(&fixtures::at(300), &fixtures::at(9 * 86_400));
    let xml = fixtures::fill(&xml, "_assertion", fixtures::key("idp"));
    let assertion = Connection::default().verify(xml).outcome.unwrap();
    assert_eq!(assertion.not_on_or_after.seconds() - NOW.seconds(), 86_400 + 60);
}
