//! Identity provider metadata: choice of the entity, certificates, bindings, limits.

use base::random::SeededRandom;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use openssl::{
    hash::MessageDigest,
    pkey::PKey,
    rsa::Rsa,
    x509::{X509, X509Name},
};
use proptest::prelude::*;

use crate::{
    key_pair::{KeyKind, KeyPair},
    metadata::idp::*,
};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn pair(seed: u64, name: &str) -> KeyPair {
    KeyPair::generate(KeyKind::P256, name, NOW, &SeededRandom::new(seed)).unwrap()
}

fn base64(certificate: &X509) -> String {
    BASE64.encode(certificate.to_der().unwrap())
}

fn pem(certificate: &X509) -> String {
    String::from_utf8(certificate.to_pem().unwrap()).unwrap()
}

fn key(usage: &str, certificate: &str) -> String {
    format!(
        "<md:KeyDescriptor {usage}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
    )
}

fn service(binding: &str, location: &str) -> String {
    format!(
        r#"<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:{binding}" Location="{location}"/>"#
    )
}

fn entity(id: &str, role: &str) -> String {
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{id}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol">{role}</md:IDPSSODescriptor></md:EntityDescriptor>"#
    )
}

fn group(inside: &str) -> String {
    format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" validUntil="2026-12-01T00:00:00Z">{inside}</md:EntitiesDescriptor>"#
    )
}

fn role() -> String {
    key("", &base64(&pair(1, "a").certificate)) + &service("HTTP-POST", "https://idp.example/post")
}

fn read(xml: &str) -> Result<IdpMetadata, MetadataError> {
    parse_idp_metadata(xml.as_bytes(), None)
}

#[test]
fn every_signing_certificate_is_kept_once_and_no_encryption_one() {
    let [a, b, c] = [1, 2, 3].map(|seed| pair(seed, "x").certificate);
    let wrapped: String = base64(&b).chars().map(|c| format!("{c}\r\n\t ")).collect();
    let pem = String::from_utf8(a.to_pem().unwrap()).unwrap();
    let xml = entity(
        "https://idp.example/",
        &[
            key(r#"use="encryption""#, &base64(&c)),
            key(r#"use="signing""#, &base64(&a)),
            key("", &wrapped),
            key(r#"use="signing""#, &pem),
            service("HTTP-Redirect", "https://idp.example/redirect?x=1&amp;y=2"),
            service("SOAP", "https://idp.example/soap"),
        ]
        .concat(),
    );
    let metadata = read(&xml).unwrap();
    assert_eq!(metadata.entity_id, "https://idp.example/");
    let expected = [a, b].map(|certificate| String::from_utf8(certificate.to_pem().unwrap()).unwrap());
    assert_eq!(metadata.certificates_pem, expected);
    assert_eq!(metadata.sso_redirect_url, "https://idp.example/redirect?x=1&y=2");
    assert_eq!(metadata.idp_binding, Binding::Redirect);
    assert!(!metadata.want_authn_requests_signed);
    assert_eq!(metadata.valid_until, None);
}

/// A certificate of the `end` key that the authority issued.
fn issued_by(authority: &KeyPair, end: &KeyPair) -> X509 {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("CN", "end").unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name.build()).unwrap();
    builder.set_issuer_name(authority.certificate.subject_name()).unwrap();
    builder.set_not_before(end.certificate.not_before()).unwrap();
    builder.set_not_after(end.certificate.not_after()).unwrap();
    builder.set_pubkey(&end.key).unwrap();
    builder.sign(&authority.key, MessageDigest::sha256()).unwrap();
    builder.build()
}

#[test]
fn of_a_chain_only_the_end_certificate_signs() {
    let authority = pair(1, "authority");
    let issued = issued_by(&authority, &pair(2, "end"));
    let chain = format!(
        "{}</ds:X509Certificate><ds:X509Certificate>{}",
        base64(&authority.certificate),
        base64(&issued)
    );
    let xml = entity("i", &(key("", &chain) + &service("HTTP-POST", "https://i.example/")));
    let expected = String::from_utf8(issued.to_pem().unwrap()).unwrap();
    assert_eq!(read(&xml).unwrap().certificates_pem, [expected]);
    // Of a chain whose end cannot be read, nothing is left to trust: the rest may be its issuer.
    let chain = chain.replace(&base64(&issued), &base64(&issued)[..200]);
    let other = pair(3, "b").certificate;
    let good = key("", &base64(&other));
    let xml = |keys: &str| entity("i", &(keys.to_owned() + &service("HTTP-POST", "https://i.example/")));
    let rest = read(&xml(&(key("", &chain) + &good))).unwrap();
    assert_eq!(rest.certificates_pem, [pem(&other)]);
    let malformed = CertificateError::Malformed { position: 2 };
    assert_eq!(rest.left_out, [CertificateError::PossibleIssuer { position: 1 }, malformed]);
    assert_eq!(read(&xml(&key("", &chain))).unwrap_err().code(), "metadata_certificate");
    let long = key("", &vec![base64(&other); 11].join("\n"));
    assert_eq!(read(&xml(&long)).unwrap_err().code(), "metadata_certificate");
}

#[test]
fn one_unusable_certificate_does_not_spoil_the_others() {
    let good = pair(1, "a").certificate;
    let small = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let small = issued_by(&pair(2, "x"), &KeyPair { key: small, certificate: good.clone() });
    let post = service("HTTP-POST", "https://i.example/");
    for (bad, reason) in [
        (base64(&good)[..300].to_owned(), CertificateError::Malformed { position: 1 }),
        ("*".to_owned(), CertificateError::Malformed { position: 1 }),
        (String::new(), CertificateError::Malformed { position: 1 }),
        (base64(&small), CertificateError::RsaSize { position: 1, bits: 1024 }),
    ] {
        let metadata = read(&entity("i", &(key("", &bad) + &key("", &base64(&good)) + &post))).unwrap();
        assert_eq!((metadata.certificates_pem, metadata.left_out), (vec![pem(&good)], vec![reason.clone()]));
        let none = read(&entity("i", &(key("", &bad) + &post))).unwrap_err();
        assert!(
            !none.to_string().contains("openssl") && none.to_string().contains("certificate 1"),
            "{none}"
        );
        assert_eq!(none, MetadataError::BadCertificate(reason));
    }
    // A bundle, and a PEM file that was encoded once more, in one element.
    let other = pair(2, "b").certificate;
    let both = BASE64.encode(pem(&good) + &pem(&other));
    let metadata = read(&entity("i", &(key("", &both) + &post))).unwrap();
    assert_eq!(metadata.certificates_pem, [pem(&good), pem(&other)]);
}

#[test]
fn post_is_preferred_and_only_web_addresses_count() {
    let certificate = key("", &base64(&pair(1, "a").certificate));
    let found = |services: &[String]| read(&entity("i", &(certificate.clone() + &services.concat())));
    let redirect = service("HTTP-Redirect", "https://idp.example/redirect");
    let both = found(&[redirect.clone(), service("HTTP-POST", " https://idp.example/post ")]).unwrap();
    assert_eq!(
        (both.sso_redirect_url.as_str(), both.idp_binding),
        ("https://idp.example/post", Binding::Post)
    );
    let script = service("HTTP-POST", "javascript:alert(1)");
    let second = found(&[script.clone(), redirect]).unwrap();
    assert_eq!(second.idp_binding, Binding::Redirect);
    assert_eq!(found(&[script]).unwrap_err().code(), "metadata_location");
    let soap = found(&[service("SOAP", "https://idp.example/soap")]).unwrap_err();
    assert_eq!(soap, MetadataError::NoSingleSignOnService);
}

#[test]
fn one_identity_provider_is_found_in_nested_groups() {
    let sp = entity("https://sp.example/", "").replace("IDPSSODescriptor", "SPSSODescriptor");
    let xml = group(&(sp + &group(&entity("https://idp.example/", &role()))));
    let metadata = read(&xml).unwrap();
    assert_eq!(metadata.entity_id, "https://idp.example/");
    assert_eq!(metadata.valid_until, Timestamp::parse_rfc3339("2026-12-01T00:00:00Z"));
}

#[test]
fn of_several_one_must_be_named() {
    let xml = group(&(entity("https://a.example/", &role()) + &entity("https://b.example/", &role())));
    let candidates = vec!["https://a.example/".to_owned(), "https://b.example/".to_owned()];
    let several = read(&xml).unwrap_err();
    assert!(several.to_string().contains("https://b.example/"), "{several}");
    assert_eq!(several, MetadataError::SeveralIdentityProviders { candidates: candidates.clone() });
    let named = parse_idp_metadata(xml.as_bytes(), Some("https://b.example/")).unwrap();
    assert_eq!(named.entity_id, "https://b.example/");
    let unknown = parse_idp_metadata(xml.as_bytes(), Some("https://c.example/")).unwrap_err();
    assert_eq!(unknown, MetadataError::UnknownEntity { requested: "https://c.example/".into(), candidates });
}

#[test]
fn refusals_have_their_codes() {
    let post = service("HTTP-POST", "https://i.example/");
    let good_key = key("", &base64(&pair(1, "a").certificate));
    let old = entity("i", &role()).replace(" urn:oasis:names:tc:SAML:2.0:protocol\"", "\"");
    for (xml, code) in [
        (String::new(), "metadata_not_xml"),
        ("<a>".to_owned(), "metadata_not_xml"),
        ("<a/>".to_owned(), "metadata_wrong_document"),
        (entity("i", &role()).replace("SAML:2.0:metadata", "other"), "metadata_wrong_document"),
        (format!("<!DOCTYPE x>{}", entity("i", &role())), "metadata_document_type"),
        (old, "metadata_no_identity_provider"),
        (group(""), "metadata_no_identity_provider"),
        (entity("", &role()), "metadata_entity_id"),
        (entity(&"i".repeat(1025), &role()), "metadata_entity_id"),
        (entity("i", &post), "metadata_no_signing_certificate"),
        (entity("i", &(key(r#"use="encryption""#, "AAAA") + &post)), "metadata_no_signing_certificate"),
        (entity("i", &(key("", "AAAA") + &post)), "metadata_certificate"),
        (entity("i", &(key("", "*") + &post)), "metadata_certificate"),
        (entity("i", &good_key), "metadata_no_single_sign_on_service"),
        (" ".repeat(MAX_METADATA_BYTES + 1), "metadata_too_large"),
        ("<a>".repeat(33), "metadata_not_xml"),
    ] {
        assert_eq!(read(&xml).unwrap_err().code(), code, "{}", &xml[..xml.len().min(300)]);
    }
    assert_eq!(parse_idp_metadata(b"<a>\xfc", None), Err(MetadataError::NotUtf8));
    assert_eq!(parse_idp_metadata(b"\xff\xfe<\0\0\xd8", None).unwrap_err().code(), "metadata_encoding");
    let page = read("\n<!doctype html><html>").unwrap_err();
    assert!(page.to_string().contains("root is <html>"), "{page}");
}

#[test]
fn a_byte_order_mark_and_a_declaration_are_fine() {
    let xml =
        format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- hello -->{}", entity("i", &role()));
    let wants = xml.replace("<md:IDPSSODescriptor", r#"<md:IDPSSODescriptor WantAuthnRequestsSigned="1""#);
    assert!(read(&wants).unwrap().want_authn_requests_signed);
}

#[test]
fn the_encoding_and_what_stands_before_the_document_do_not_matter() {
    let named = entity("https://idp.example/bücher", &role());
    let declared = |name: &str| format!("<?xml version=\"1.0\" encoding=\"{name}\"?>{named}");
    let latin: Vec<u8> =
        declared("ISO-8859-1").chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let utf16: Vec<u8> =
        format!("\u{feff}{}", declared("UTF-16")).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in
        [latin, utf16, format!(" \r\n\t{}", declared("utf-8")).into_bytes(), named.clone().into_bytes()]
    {
        assert_eq!(parse_idp_metadata(&bytes, None).unwrap().entity_id, "https://idp.example/bücher");
    }
    let pasted = parse_idp_metadata_text(&declared("ISO-8859-1"), None).unwrap();
    assert_eq!(pasted.entity_id, "https://idp.example/bücher");
    // One document, in whatever encoding.
    let two = format!("{named}{}", declared("utf-8"));
    assert_eq!(parse_idp_metadata_text(&two, None).unwrap_err().code(), "metadata_not_xml");
}

#[test]
fn a_hostile_document_is_refused_before_it_costs() {
    let attributes: String = (0..100_000).map(|n| format!(" a{n}=\"\"")).collect();
    let namespaces: String = (0..60_000).map(|n| format!(" xmlns:a{n}=\"urn:x\"")).collect();
    for xml in [
        format!("<a{attributes}/>"),
        format!("<a{namespaces}/>"),
        format!("<a>{}</a>", "<b/>".repeat(400_000)),
    ] {
        assert_eq!(read(&xml).unwrap_err(), MetadataError::TooComplex, "{}", &xml[..60]);
    }
    // Many namespaces in scope of many elements.
    let scopes: String = (0..30)
        .map(|depth| {
            let many: String = (0..64).map(|n| format!(" xmlns:a{depth}_{n}='u'")).collect();
            format!("<a{many}>")
        })
        .collect();
    let worst = format!("{scopes}{}{}", "<b/>".repeat(59_900), "</a>".repeat(30));
    assert_eq!(read(&worst).unwrap_err(), MetadataError::TooComplex);
    // The same, with end tags in comments and CDATA that a naive count would take for markup.
    let hidden = "<!--</a></a>--><![CDATA[</a></a>]]><?a </a></a>?>";
    let few: String = (0..100).map(|n| format!(" xmlns:a{n}='u'")).collect();
    for opened in [format!("<a{few}>"), format!("<a{}>{hidden}<a{}>", &few[..1000], &few[1000..])] {
        let closed = "</a>".repeat(opened.matches("<a ").count());
        let xml = format!("{opened}{}{closed}", "<b/>".repeat(55_000));
        assert_eq!(read(&xml).unwrap_err(), MetadataError::TooComplex, "{}", &xml[..60]);
    }
}

#[test]
fn quotation_marks_in_text_are_no_attributes() {
    let quotes = "it's \"so\" ".repeat(200);
    let text = format!("<md:Extensions a='>'>{quotes}</md:Extensions><!-- {quotes} -->");
    let xml = entity("https://idp.example/", &role())
        .replace("<md:IDPSSODescriptor", &(text + "<md:IDPSSODescriptor"));
    assert_eq!(read(&xml).map(|metadata| metadata.entity_id).as_deref(), Ok("https://idp.example/"));
    let attributes: String = (0..65).map(|n| format!(" a{n}='>'")).collect();
    assert_eq!(read(&format!("<a{attributes}/>")), Err(MetadataError::TooComplex));
    assert_eq!(read(&format!("<a b=\"{}", "'\"\"".repeat(200))), Err(MetadataError::TooComplex));
}

#[test]
fn a_large_federation_is_not_too_complex() {
    let one = entity("https://idp.example/", &role());
    let other = one.replace("IDPSSODescriptor", "AttributeAuthorityDescriptor");
    let many = other.repeat(MAX_METADATA_BYTES / other.len() - 4);
    let xml = group(&format!("<!-- of {} --><?x y?>{many}{one}", "many"));
    assert_eq!(read(&xml).unwrap().entity_id, "https://idp.example/");
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = parse_idp_metadata(&bytes, None);
    }

    #[test]
    fn no_mutation_panics(at in 0usize..1500, byte: u8, cut in 0usize..1500) {
        let mut xml = entity("https://idp.example/", &role()).into_bytes();
        let length = xml.len();
        xml[at % length] = byte;
        let _ = parse_idp_metadata(&xml, None);
        xml.truncate(cut % length);
        let _ = parse_idp_metadata(&xml, None);
    }
}

#[test]
fn durations_are_those_of_xml_schema() {
    for (text, seconds) in [
        ("PT1H", 3600),
        ("PT604800S", 604_800),
        ("P1D", 86_400),
        ("P0Y0M0DT6H0M0.000S", 6 * 3600),
        ("P1Y2M3DT4H5M6.7S", (365 + 60 + 3) * 86_400 + 4 * 3600 + 5 * 60 + 6),
    ] {
        assert_eq!(parse_duration(text), Some(Duration::from_secs(seconds)), "{text}");
    }
    for bad in ["", "P", "PT", "1H", "-PT1H", "PT1", "P1H", "PT1M1H", "PTxS", "P99999999999999999999D"] {
        assert_eq!(parse_duration(bad), None, "{bad}");
    }
    let timed = entity("https://idp.example/", &role())
        .replace("<md:IDPSSODescriptor ", "<md:IDPSSODescriptor cacheDuration=\"PT2H\" ")
        .replace(" entityID", " cacheDuration=\"PT3H\" entityID");
    assert_eq!(read(&timed).unwrap().cache_duration, Some(Duration::from_secs(2 * 3600)));
}

#[test]
fn errors_can_be_stored_whatever_the_document_holds() {
    for text in
        ["\0", "<a>\0</a>", "<a b=\"\0\"/>", "<\0/>", "<a\u{1}/>", "<?x \0?>", "<a>&#0;</a>", "<a \0=\"\"/>"]
    {
        let error = parse_idp_metadata_text(text, None).unwrap_err().to_string();
        assert!(!error.chars().any(char::is_control), "{error:?}");
    }
}
