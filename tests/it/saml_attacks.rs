//! Attacks on SAML responses, each refused with its own error. Most of them are files in
//! `fixtures/saml/rejected`, named for their error; here are those that are easier to generate, and what
//! holds of all of them.

use std::{collections::BTreeSet, time::Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use proptest::prelude::*;
use saml::{CrossCheck, Verdict, checks};

use crate::saml_fixtures::{self as fixtures, Connection, NOW, document, edit, element, fill, key, make};

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";

/// The refusal, after what holds of every refusal was asserted.
fn refusal(what: &str, verdict: &Verdict) -> saml::Error {
    let Err(rejection) = &verdict.outcome else { panic!("{what} was accepted: {:?}", verdict.checks) };
    let first = verdict.checks.iter().find(|check| !check.passed);
    let first = first.unwrap_or_else(|| panic!("{what}: {rejection}, and no check failed"));
    assert_eq!(first.name, rejection.code(), "{what}: the first failed check is the refusal");
    assert!(!first.clause.is_empty() && !first.remedy.is_empty(), "{what}");
    if !verdict.signature_verified {
        for check in &verdict.checks {
            for ours in [
                fixtures::SP,
                fixtures::ACS,
                "old.example",
                &fixtures::certificate("idp").fingerprint_sha256(),
            ] {
                let expected = check.expected.as_deref().unwrap_or_default();
                assert!(!expected.contains(ours), "{what}: {} tells a stranger of {ours}", check.name);
            }
        }
    }
    *rejection
}

fn refused(what: &str, expected: saml::Error, xml: impl Into<Vec<u8>>) -> Verdict {
    let verdict = Connection::default().verify(xml);
    assert_eq!(refusal(what, &verdict), expected, "{what}: {:#?}", verdict.checks.last());
    verdict
}

/// A valid signed document.
fn signed() -> String {
    fill(&document("plain"), "_assertion", key("idp"))
}

fn signed_response() -> String {
    fill(&document("response-signed"), "_response", key("idp"))
}

#[test]
fn every_rejected_fixture_meets_the_refusal_it_is_named_for() {
    let names = fixtures::names("rejected");
    assert!(names.len() >= 60, "{}", names.len());
    let mut wrong = Vec::new();
    for name in &names {
        let made = make("rejected", name);
        let rejection = refusal(name, &made.connection.verify(made.xml));
        if rejection.code() != name.split('.').next().unwrap() {
            wrong.push(format!("{name}: {rejection}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_refusal_is_met() {
    let mut met: BTreeSet<String> =
        fixtures::names("rejected").iter().map(|name| name.split('.').next().unwrap().to_owned()).collect();
    for (_, rejection, _) in malformed_documents() {
        met.insert(rejection.code().to_owned());
    }
    // A check of the caller, which needs the flow.
    let assertion = Connection::default().verify(signed()).outcome.unwrap();
    met.insert(checks::in_response_to(Some("_another"), &assertion).name.into_owned());
    met.insert(refusal("not base64", &saml::verify("!", &Connection::default().trust(), NOW)).code().into());
    let missing: Vec<_> =
        saml::Error::ALL.iter().filter(|rejection| !met.contains(rejection.code())).collect();
    assert!(missing.is_empty(), "nothing meets {missing:?}");
}

/// A forged copy of the assertion: another person, another ID.
fn forged(assertion: &str) -> String {
    assertion.replace("dana@", "admin@").replace("_assertion", "_evil").replace("_session", "_evil_session")
}

fn unsigned(xml: &str) -> String {
    xml.replacen(&element(xml, "ds:Signature"), "", 1)
}

fn in_object(inner: &str, signature: &str) -> String {
    signature.replace("</ds:Signature>", &format!("<ds:Object>{inner}</ds:Object></ds:Signature>"))
}

/// A response whose signature has this in the InclusiveNamespaces of its transform, as long a list of
/// prefixes as there may be, and so many namespaces declared around it. The key is of no importance.
fn in_prefix_list(content: &str, namespaces: usize) -> String {
    let declared: String = (0..namespaces).map(|n| format!(" xmlns:p{n}=\"urn:x:x\"")).collect();
    let prefixes: Vec<String> = (0..16).map(|n| format!("p{n}")).collect();
    let list = format!(
        "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces \
         xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{}\">{content}</ec:InclusiveNamespaces></ds:Transform>",
        prefixes.join(" ")
    );
    let xml = edit(&signed(), "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>", &list);
    xml.replacen("<samlp:Response", &format!("<samlp:Response{declared}"), 1)
}

/// The eight classical signature wrapping attacks (XSW1 to XSW8), and more.
fn wrapped() -> Vec<(&'static str, saml::Error, String)> {
    use saml::Error as R;
    let response = signed_response();
    let (inner, signature) = (unsigned(&response), element(&response, "ds:Signature"));
    let evil_response = forged(&response).replace("ID=\"_response\"", "ID=\"_evil_response\"");
    let plain = signed();
    let original = element(&plain, "saml:Assertion");
    let declared =
        original.replacen("<saml:Assertion", &format!("<saml:Assertion xmlns:saml=\"{ASSERTION}\""), 1);
    let (bare, mark) = (unsigned(&original), element(&original, "ds:Signature"));
    let evil_bare = forged(&bare);
    let evil_signed = evil_bare.replacen("</saml:Issuer>", &format!("</saml:Issuer>{mark}"), 1);
    let around = |content: &str| plain.replace(&original, content);
    let evil_with =
        |content: &str| evil_bare.replacen("</saml:Assertion>", &format!("{content}</saml:Assertion>"), 1);
    vec![
        (
            "XSW1: the signed response in the signature of a forged one",
            R::ResponseNotSingle,
            evil_response.replace(&element(&evil_response, "ds:Signature"), &in_object(&inner, &signature)),
        ),
        (
            "XSW2: the signed response beside its signature in a forged one",
            R::ResponseNotSingle,
            evil_response.replace(&element(&evil_response, "ds:Signature"), &format!("{inner}{signature}")),
        ),
        (
            "XSW3: a forged assertion before the signed one",
            R::AssertionNotSingle,
            around(&format!("{evil_bare}{original}")),
        ),
        (
            "XSW4: a forged assertion around the signed one",
            R::AssertionNotSingle,
            around(&evil_with(&original)),
        ),
        (
            "XSW5: a forged assertion with the signature, the original at the end",
            R::AssertionNotSingle,
            around(&format!("{evil_signed}{bare}")),
        ),
        (
            "XSW6: a forged assertion whose signature holds the original",
            R::AssertionNotSingle,
            around(&evil_bare.replacen(
                "</saml:Issuer>",
                &format!(
                    "</saml:Issuer>{}",
                    mark.replace("</ds:Signature>", &format!("{bare}</ds:Signature>"))
                ),
                1,
            )),
        ),
        (
            "XSW7: the signed assertion in the extensions, a forged one in its place",
            R::AssertionNotSingle,
            edit(
                &around(&evil_bare),
                "<samlp:Status>",
                &format!("<samlp:Extensions>{original}</samlp:Extensions><samlp:Status>"),
            ),
        ),
        (
            "XSW8: the original in an Object of the forged assertion's signature",
            R::AssertionNotSingle,
            around(&evil_bare.replacen(
                "</saml:Issuer>",
                &format!("</saml:Issuer>{}", in_object(&bare, &mark)),
                1,
            )),
        ),
        (
            "two assertions of one ID, the forged one first",
            R::IdDuplicate,
            around(&format!("{}{original}", evil_bare.replace("_evil", "_assertion"))),
        ),
        (
            "two assertions of one ID, the forged one last",
            R::IdDuplicate,
            around(&format!("{original}{}", evil_bare.replace("_evil", "_assertion"))),
        ),
        (
            "the signed assertion in an attribute value of the forged one",
            R::AssertionNotSingle,
            around(&evil_with(&format!(
                "<saml:AttributeStatement><saml:Attribute Name=\"x\"><saml:AttributeValue>{declared}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>"
            ))),
        ),
        (
            "the signed assertion in the subject confirmation of the forged one",
            R::AssertionNotSingle,
            around(&evil_bare.replacen("<saml:Subject>", &format!("<saml:Subject>{original}"), 1)),
        ),
        (
            "the signature of the assertion moved to the response",
            R::ReferenceRefused,
            edit(
                &plain.replace(&mark, ""),
                "</saml:Issuer>\n<samlp:Status>",
                &format!("</saml:Issuer>{mark}<samlp:Status>"),
            ),
        ),
        (
            "the forged assertion carries the signature of the true one, which is gone",
            R::ReferenceRefused,
            around(&evil_signed),
        ),
        (
            "the forged assertion has the ID of the true one",
            R::DigestMismatch,
            around(&evil_signed.replace("_evil", "_assertion")),
        ),
        (
            "an assertion of another namespace that looks the same",
            R::NamespaceRefused,
            around(&format!(
                "{}{original}",
                evil_bare.replace("saml:", "x:").replacen(
                    "<x:Assertion",
                    "<x:Assertion xmlns:x=\"https://x.example\"",
                    1
                )
            )),
        ),
        (
            "the assertion's signature on the response, over the response",
            R::SignatureMissing,
            plain.replace(&mark, ""),
        ),
    ]
}

#[test]
fn no_signature_wrapping_is_accepted() {
    for (what, expected, xml) in wrapped() {
        let verdict = refused(what, expected, xml);
        assert!(!verdict.signature_verified, "{what}");
    }
}

/// Documents that exceed a limit, or are no text.
fn malformed_documents() -> Vec<(&'static str, saml::Error, Vec<u8>)> {
    use saml::Error as R;
    let plain = signed();
    let value = |content: &str| {
        edit(&plain, "<saml:AttributeValue>staff", &format!("<saml:AttributeValue>{content}"))
    };
    let many = |count: usize, what: fn(usize) -> String| (0..count).map(what).collect::<String>();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    vec![
        ("nothing", R::XmlMalformed, Vec::new()),
        ("only white space", R::XmlMalformed, b"  \n".to_vec()),
        ("not XML", R::XmlMalformed, b"{\"saml\": true}".to_vec()),
        ("UTF-16 with its mark", R::EncodingNotUtf8, [&[0xff, 0xfe][..], &utf16(&plain)].concat()),
        ("UTF-16 without its mark", R::XmlMalformed, utf16(&plain)),
        ("Latin-1", R::EncodingNotUtf8, [b"<r>", &[0xe9][..], b"</r>"].concat()),
        ("overlong UTF-8", R::EncodingNotUtf8, [b"<r>", &[0xc0, 0xbc][..], b"</r>"].concat()),
        ("a NUL at the end", R::XmlMalformed, format!("{plain}\0").into_bytes()),
        (
            "a NUL in the name",
            R::XmlMalformed,
            plain.replace("dana@acme.example<", "dana@acme.example\0.evil.example<").into(),
        ),
        ("a NUL and a second document", R::XmlMalformed, format!("{plain}\0{plain}").into_bytes()),
        ("385 kB", R::DocumentTooLarge, value(&"x".repeat(385 * 1024)).into()),
        (
            "65 levels",
            R::NestingTooDeep,
            value(&format!("{}{}", "<saml:X>".repeat(65), "</saml:X>".repeat(65))).into(),
        ),
        ("100,000 open tags", R::NestingTooDeep, "<a>".repeat(100_000).into()),
        (
            "65 attributes",
            R::TooManyAttributes,
            value(&format!("<saml:X {}/>", many(65, |n| format!("a{n}='' ")))).into(),
        ),
        (
            "30,000 attributes",
            R::TooManyAttributes,
            format!("<r {}/>", many(30_000, |n| format!("a{n}='' "))).into(),
        ),
        (
            "128 namespaces and more in scope",
            R::TooManyAttributes,
            many(3, |n| {
                format!("<r {}>", (0..60).map(|m| format!("xmlns:p{n}x{m}='urn:x' ")).collect::<String>())
            })
            .into(),
        ),
        ("20,001 elements", R::TooManyNodes, value(&"<saml:X/>".repeat(20_001)).into()),
        ("20,001 texts", R::TooManyNodes, format!("<r>{}</r>", "<![CDATA[x]]>".repeat(20_001)).into()),
        (
            "19,000 elements in the list of prefixes, under 50 namespaces",
            R::TooManyNodes,
            in_prefix_list(&"<ds:X/>".repeat(19_000), 50).into(),
        ),
        (
            "18,000 elements in the list of prefixes",
            R::SignatureMalformed,
            in_prefix_list(&"<ds:X/>".repeat(18_000), 0).into(),
        ),
        (
            "18,000 texts in the list of prefixes",
            R::SignatureMalformed,
            in_prefix_list(&"<![CDATA[ ]]>".repeat(18_000), 0).into(),
        ),
        (
            "1,000 attributes under many namespaces",
            R::TooManyNodes,
            value(&format!(
                "<saml:X {}>{}</saml:X>",
                many(60, |n| format!("xmlns:p{n}='urn:x:x' ")),
                format!("<saml:X {}/>", many(20, |n| format!("p{n}:a{n}='' "))).repeat(1000)
            ))
            .into(),
        ),
        ("a CDATA section without end", R::XmlMalformed, b"<r><![CDATA[ ".to_vec()),
        ("a tag without end", R::XmlMalformed, b"<r a='>".to_vec()),
        ("an end tag without end", R::XmlMalformed, b"<r></r".to_vec()),
        ("a declaration without end", R::XmlMalformed, b"<?xml version='1.0'".to_vec()),
        ("more end tags than start tags", R::XmlMalformed, b"<r></r></r></r>".to_vec()),
        ("quotes outside of attributes", R::XmlMalformed, b"<r \"'></r>".to_vec()),
    ]
}

#[test]
fn too_much_and_no_text_are_refused_at_once() {
    for (what, expected, bytes) in malformed_documents() {
        let begun = Instant::now();
        refused(what, expected, bytes);
        assert!(begun.elapsed().as_secs() < 2, "{what} took {:?}", begun.elapsed());
    }
}

#[test]
fn what_is_not_base64_is_refused() {
    let connection = Connection::default();
    let good = BASE64.encode(signed());
    for (what, text) in [
        ("another alphabet", good.replace('+', "-").replace('/', "_")),
        ("no padding", good.trim_end_matches('=').to_owned() + "="),
        ("an exclamation mark", format!("!{good}")),
        ("a no-break space", format!("\u{a0}{good}")),
        ("padding inside", format!("AA=={good}")),
    ] {
        let verdict = saml::verify(&text, &connection.trust(), NOW);
        // Without the padding the document may still be whole: then it is the same document.
        match verdict.outcome {
            Err(rejection) => assert_eq!(rejection, saml::Error::Base64Malformed, "{what}"),
            Ok(_) => assert_eq!(text, good, "{what}"),
        }
    }
    let large = "A".repeat(700_000);
    assert_eq!(
        refusal("700,000 characters", &saml::verify(&large, &connection.trust(), NOW)),
        saml::Error::DocumentTooLarge
    );
}

#[test]
fn the_limits_leave_room_for_what_is_allowed() {
    let xml = document("plain");
    let groups: String =
        (0..2000).map(|n| format!("<saml:AttributeValue>group {n}</saml:AttributeValue>")).collect();
    let xml = edit(&xml, "<saml:AttributeValue>staff", &format!("{groups}<saml:AttributeValue>staff"));
    let xml = fill(&xml, "_assertion", key("idp"));
    let assertion = Connection::default().verify(xml).outcome.unwrap();
    assert_eq!(assertion.subject.attributes[0].1.len(), 2002);
}

#[test]
fn white_space_around_issuer_and_name_is_no_part_of_them() {
    let xml = document("plain").replace(">dana@acme.example<", ">\n\tdana@acme.example \n<");
    let xml = xml.replace(&format!(">{}<", fixtures::IDP), &format!("> {}\n<", fixtures::IDP));
    let assertion = Connection::default().verify(fill(&xml, "_assertion", key("idp"))).outcome.unwrap();
    assert_eq!(
        (assertion.subject.name_id.as_str(), assertion.issuer.as_str()),
        ("dana@acme.example", fixtures::IDP)
    );
    // Only XML's four characters are white space; a no-break space makes another name.
    let xml =
        document("plain").replace(&format!(">{}<", fixtures::IDP), &format!(">\u{a0}{}<", fixtures::IDP));
    refused("a no-break space", saml::Error::ResponseIssuer, fill(&xml, "_assertion", key("idp")));
}

#[test]
fn clocks_may_differ_by_a_minute_and_no_more() {
    let at = |from: &str, to: i64| {
        let xml = edit(&document("plain"), from, &from.replace(&fixtures::at(-60), &fixtures::at(to)));
        Connection::default().verify(fill(&xml, "_assertion", key("idp")))
    };
    let not_before = format!("NotBefore=\"{}\"", fixtures::at(-60));
    assert!(at(&not_before, 60).outcome.is_ok());
    assert_eq!(refusal("61 s", &at(&not_before, 61)), saml::Error::AssertionNotYetValid);
}

#[test]
fn every_condition_is_checked_though_the_first_failure_decides() {
    let xml = document("plain")
        .replace(fixtures::SP, "https://other.example")
        .replace(fixtures::ACS, "https://other.example/acs")
        .replace(&fixtures::at(300), &fixtures::at(-3600));
    let verdict =
        refused("many things", saml::Error::ResponseDestination, fill(&xml, "_assertion", key("idp")));
    let failed: Vec<_> =
        verdict.checks.iter().filter(|check| !check.passed).map(|check| check.name.as_ref()).collect();
    assert_eq!(
        failed,
        [
            "response_destination",
            "assertion_expired",
            "assertion_audience",
            "subject_confirmation_recipient",
            "subject_confirmation_expired"
        ]
    );
    assert!(verdict.signature_verified);
}

#[test]
fn claims_are_told_though_nothing_verified() {
    let made = make("rejected", "signature_mismatch");
    let verdict = made.connection.verify(made.xml);
    assert_eq!(verdict.claims.in_response_to.as_deref(), Some(fixtures::REQUEST));
    assert_eq!(verdict.claims.assertion_id.as_deref(), Some("_assertion"));
    assert_eq!(verdict.claims.issuer.as_deref(), Some(fixtures::IDP));
    assert!(verdict.xml.is_some() && !verdict.signature_verified);
}

/// Everything of a verdict that anybody could see, but the size of what was sent, which the sender
/// knows.
fn seen(verdict: &Verdict) -> String {
    let checks: Vec<_> = verdict.checks.iter().filter(|check| check.name != "document").collect();
    format!("{:?} {checks:?} {} {:?}", verdict.outcome, verdict.signature_verified, verdict.claims)
}

/// Ciphertexts that are wrong in every way there is, for one cipher.
fn broken(cipher: &str) -> Vec<(String, String)> {
    let xml = fixtures::encrypt(&signed(), &[cipher, "oaep"], "");
    let values: Vec<String> = xml
        .split("<xenc:CipherValue>")
        .skip(1)
        .map(|rest| rest.split("</xenc:CipherValue>").next().unwrap().to_owned())
        .collect();
    let mut broken = Vec::new();
    for (which, value) in ["the key", "the content"].into_iter().zip(&values) {
        let bytes = BASE64.decode(value).unwrap();
        let mut changes = vec![Vec::new()];
        for length in [
            1,
            11,
            12,
            15,
            16,
            17,
            27,
            28,
            31,
            32,
            33,
            48,
            bytes.len() / 2,
            bytes.len() - 16,
            bytes.len() - 1,
        ] {
            changes.push(bytes[..length].to_vec());
        }
        for at in [0, 1, 12, 16, 40, bytes.len() / 2, bytes.len() - 17, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            changes.push(changed);
        }
        changes.push([bytes.as_slice(), &[0; 16]].concat());
        changes.push(vec![0; bytes.len()]);
        for change in changes {
            let what = format!("{cipher}: {which} as {} bytes", change.len());
            broken.push((what, xml.replace(value.as_str(), &BASE64.encode(change))));
        }
    }
    broken
}

#[test]
fn whatever_is_wrong_with_a_ciphertext_the_answer_is_one() {
    for cipher in ["aes128-gcm", "aes256-gcm", "aes128-cbc", "aes256-cbc"] {
        let connection = Connection { allow_cbc: true, ..Connection::default() };
        let whole = fixtures::encrypt(&signed(), &[cipher, "oaep"], "");
        assert!(connection.verify(whole).outcome.is_ok(), "{cipher}");
        let mut answers = BTreeSet::new();
        for (what, xml) in broken(cipher) {
            let verdict = connection.verify(xml);
            assert_eq!(refusal(&what, &verdict), saml::Error::DecryptionFailed, "{what}");
            answers.insert(seen(&verdict));
        }
        assert_eq!(answers.len(), 1, "{cipher}: {answers:#?}");
    }
}

#[test]
fn a_ciphertext_of_anything_but_an_assertion_is_refused() {
    let connection = Connection { allow_cbc: true, ..Connection::default() };
    let plain = signed();
    let original = element(&plain, "saml:Assertion");
    let whole =
        original.replacen("<saml:Assertion", &format!("<saml:Assertion xmlns:saml=\"{ASSERTION}\""), 1);
    for (what, plaintext, expected) in [
        ("nothing", String::new(), saml::Error::XmlMalformed),
        ("text", "hello".to_owned(), saml::Error::XmlMalformed),
        ("a comment", format!("<!-- -->{whole}"), saml::Error::CommentPresent),
        ("a document type", format!("<!DOCTYPE x>{whole}"), saml::Error::DoctypePresent),
        (
            "another element",
            format!("<ds:Signature xmlns:ds=\"{SIGNATURE}\"/>"),
            saml::Error::AssertionMissing,
        ),
        ("two assertions", format!("{whole}{}", forged(&whole)), saml::Error::XmlMalformed),
        (
            "an assertion in the assertion",
            whole.replace(
                "</saml:Subject>",
                &format!("</saml:Subject><saml:Advice>{}</saml:Advice>", forged(&whole)),
            ),
            saml::Error::AssertionNotSingle,
        ),
        ("a response", plain.clone(), saml::Error::AssertionMissing),
        ("a changed assertion", whole.replace("dana@", "admin@"), saml::Error::DigestMismatch),
    ] {
        for (cipher, expected) in [("aes256-gcm", expected), ("aes256-cbc", saml::Error::DecryptionFailed)] {
            let xml = plain.replace(&original, &fixtures::sealed(plaintext.as_bytes(), &[cipher]));
            let verdict = connection.verify(xml);
            assert_eq!(refusal(what, &verdict), expected, "{what} by {cipher}");
        }
    }
}

#[test]
fn encrypted_parts_of_another_login_do_not_help() {
    // The stolen ciphertext is intact and signed, but expired.
    let stolen = document("plain").replace(&fixtures::at(300), &fixtures::at(-600));
    let stolen = fixtures::encrypt(&fill(&stolen, "_assertion", key("idp")), &["aes256-gcm", "oaep"], "");
    refused("an old ciphertext", saml::Error::AssertionExpired, stolen.clone());
    // In the attacker's own response, signed with the attacker's key.
    let response = document("response-signed");
    let original = element(&response, "saml:Assertion");
    let forged = response.replace(&original, &element(&stolen, "saml:EncryptedAssertion"));
    refused("a forged response", saml::Error::SignatureMismatch, fill(&forged, "_response", key("other")));
    // The identity provider's signature covers the ciphertext; another cannot be put in its place.
    let covered = fill(&fixtures::encrypt(&response, &["aes256-gcm"], ""), "_response", key("idp"));
    assert!(Connection::default().verify(covered.clone()).outcome.is_ok());
    let mine = fixtures::encrypt(&edit(&response, "dana@", "admin@"), &["aes256-gcm"], "");
    let exchanged = covered
        .replace(&element(&covered, "saml:EncryptedAssertion"), &element(&mine, "saml:EncryptedAssertion"));
    assert_ne!(exchanged, covered);
    refused("an exchanged ciphertext", saml::Error::DigestMismatch, exchanged);
}

#[test]
fn the_second_opinion_decides_only_where_it_may() {
    let mut made = make("rejected", "second_opinion_disagrees");
    let verdict = made.connection.verify(made.xml.clone());
    assert!(verdict.cross_check_disagreed && !verdict.signature_verified);
    made.connection.cross_check = CrossCheck::Observe;
    let verdict = made.connection.verify(made.xml.clone());
    assert!(verdict.cross_check_disagreed && verdict.outcome.is_ok());
    let noted = verdict.checks.iter().find(|check| check.name == "second_opinion_disagrees").unwrap();
    assert!(noted.passed && noted.found.as_deref().unwrap().ends_with("only observed"));
    made.connection.cross_check = CrossCheck::Off;
    let verdict = made.connection.verify(made.xml);
    assert!(!verdict.cross_check_disagreed && verdict.outcome.is_ok());
}

#[test]
fn each_connection_trusts_only_what_is_its_own() {
    let xml = signed();
    let other = |change: fn(&mut Connection)| {
        let mut connection = Connection::default();
        change(&mut connection);
        refusal("another connection", &connection.verify(xml.clone()))
    };
    assert_eq!(other(|c| c.idp_entity_id = "https://idp.example/other".into()), saml::Error::ResponseIssuer);
    assert_eq!(
        other(|c| c.sp_entity_id = "https://ostiary.example/v1/saml/saml_conn_2".into()),
        saml::Error::AssertionAudience
    );
    assert_eq!(other(|c| c.acs_urls = vec![format!("{}2", fixtures::ACS)]), saml::Error::ResponseDestination);
    assert_eq!(
        other(|c| c.certificates = vec![fixtures::certificate("other")]),
        saml::Error::SignatureMismatch
    );
    assert_eq!(other(|c| c.certificates = Vec::new()), saml::Error::CertificateMissing);
    assert_eq!(other(|c| c.acs_urls = Vec::new()), saml::Error::ResponseDestination);
}

/// After any change of one byte or one piece, an accepted document is refused, or yields the same
/// assertion.
fn mutated_says_nothing_new(xml: &[u8], connection: &Connection, accepted: &saml::VerifiedAssertion) {
    if let Ok(assertion) = connection.verify(xml).outcome {
        assert_eq!(&assertion, accepted, "{}", String::from_utf8_lossy(xml));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_of_a_document_makes_it_say_something_new(
        name in prop::sample::select(vec!["plain", "okta", "entra", "keycloak", "shibboleth", "simplesamlphp", "ecdsa-sha256"]),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..60, any::<prop::sample::Index>(), 0_u8..5, any::<u8>()), 1..4),
    ) {
        let made = make("accepted", name);
        let accepted = made.connection.verify(made.xml.clone()).outcome.unwrap();
        let mut bytes = made.xml.into_bytes();
        for (at, length, other, kind, byte) in cuts {
            if bytes.is_empty() { break }
            let (at, other) = (at.index(bytes.len()), other.index(bytes.len()));
            let end = (at + length).min(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(other..other, piece);
                }
                3 => bytes.swap(at, other),
                _ => bytes.insert(at, byte),
            }
        }
        mutated_says_nothing_new(&bytes, &made.connection, &accepted);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Connection::default().verify(bytes).outcome.is_err());
    }

    #[test]
    fn no_markup_panics(pieces in prop::collection::vec(prop::sample::select(vec![
        "<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol' ID='_r'>", "</samlp:Response>", "<saml:Assertion xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' ID='_a'>",
        "</saml:Assertion>", "<saml:Issuer>", "</saml:Issuer>", "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#'>", "</ds:Signature>", "<ds:SignedInfo>", "</ds:SignedInfo>", "<ds:Reference URI='#_a'>",
        "</ds:Reference>", "<samlp:Status>", "</samlp:Status>", "<saml:EncryptedAssertion>", "</saml:EncryptedAssertion>", "<![CDATA[", "]]>", "<!--", "-->", "&amp;", "&#x0;", "<?", "?>", "\"", "'", ">", "<", "\u{feff}", "é", " xmlns=''",
    ]), 0..30)) {
        prop_assert!(Connection::default().verify(pieces.concat()).outcome.is_err());
    }
}

/// Random content in every place where identity providers put content.
fn content() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9 @.]{1,12}",
        Just("&amp;".to_owned()),
        Just("&lt;&gt;".to_owned()),
        Just("&#xD;".to_owned()),
        Just("&#9;&#10;".to_owned()),
        Just("\r\n\t".to_owned()),
        Just("&quot;&apos;".to_owned()),
        Just("<![CDATA[<&>]]>".to_owned()),
        Just("<![CDATA[ ]] > ]]>".to_owned()),
        Just("üñ漢😀".to_owned()),
        Just("]] >".to_owned()),
        Just("<x:e xmlns:x='https://x.example/a' x:a='1' b=' 2&#10; '><x:f/></x:e>".to_owned()),
        Just(
            "<e xmlns='urn:example:e' xmlns:y='urn:example:y'><y:f xml:lang='de'>t</y:f><f y:z=''/></e>"
                .to_owned()
        ),
        Just(
            "<saml:AttributeValue2 xmlns:saml='urn:oasis:names:tc:SAML:2.0:assertion' c='\"' a='<' />"
                .replace('<', "&lt;")
                .replacen("&lt;", "<", 1)
        ),
        Just("<n:g xmlns:n='urn:example:1'><n:h xmlns:n='urn:example:2'/><n:h/></n:g>".to_owned()),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_implementations_sign_the_same_bytes_of_any_content(
        contents in prop::collection::vec(content(), 1..5),
        prefixes in prop::sample::select(vec!["", "xs", "x saml", "#default y", "samlp #default"]),
        place in prop::sample::select(vec!["plain", "response-signed", "both-signed"]),
    ) {
        let values: String = contents.iter().map(|content| format!("<saml:AttributeValue>{content}</saml:AttributeValue>")).collect();
        let statement = format!("<saml:AttributeStatement><saml:Attribute Name=\"any\">{values}</saml:Attribute></saml:AttributeStatement></saml:Assertion>");
        let mut xml = document(place).replace("</saml:Assertion>", &statement);
        if !prefixes.is_empty() {
            let method = "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";
            let list = format!("<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"><ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{prefixes}\"/></ds:Transform>");
            xml = edit(&xml, method, &list);
        }
        if place != "response-signed" { xml = fill(&xml, "_assertion", key("idp")); }
        if place != "plain" { xml = fill(&xml, "_response", key("idp")); }
        let verdict = Connection::default().verify(xml.clone());
        prop_assert!(!verdict.cross_check_disagreed, "{xml}");
        prop_assert!(verdict.outcome.is_ok(), "{:?}\n{xml}", verdict.checks.last());
        prop_assert_eq!(verdict.outcome.unwrap().subject.attributes.last().unwrap().1.len(), contents.len());
    }
}
