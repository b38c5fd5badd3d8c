//! The test identity provider's metadata (SAML Metadata §2.4.3).

use openssl::{error::ErrorStack, x509::X509Ref};
use saml::{
    identifiers::{binding, name_id_format, namespace},
    metadata::write_key_descriptor,
    xml_writer::XmlWriter,
};

/// Writes the metadata of an identity provider with this entity id, this one single sign-on address for
/// both bindings, and this signing certificate.
pub fn idp_metadata(entity_id: &str, sso_url: &str, certificate: &X509Ref) -> Result<String, ErrorStack> {
    let certificate = certificate.to_der()?;
    let mut xml = XmlWriter::new();
    xml.element("md:EntityDescriptor")
        .attribute("xmlns:md", namespace::METADATA)
        .attribute("entityID", entity_id)
        .children(|xml| {
            xml.element("md:IDPSSODescriptor")
                .attribute("WantAuthnRequestsSigned", "false")
                .attribute("protocolSupportEnumeration", namespace::PROTOCOL)
                .children(|xml| {
                    write_key_descriptor(xml, "signing", &certificate, &[]);
                    xml.element("md:NameIDFormat").text(name_id_format::EMAIL);
                    for uri in [binding::POST, binding::REDIRECT] {
                        xml.element("md:SingleSignOnService")
                            .attribute("Binding", uri)
                            .attribute("Location", sso_url)
                            .empty();
                    }
                });
        });
    Ok(xml.finish())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use base::{random::SeededRandom, time::Timestamp};
    use saml::{
        binding::Binding,
        key_pair::{KeyKind, KeyPair},
        metadata::parse_idp_metadata,
    };

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_it_says_is_read_back(entity_id in "[!-~äß<&\"']{1,80}", query in "[!-~]{0,40}") {
            let now = Timestamp::from_seconds(1_790_000_000);
            let pair = KeyPair::generate(KeyKind::P256, "IdP", now, &SeededRandom::new(1)).unwrap();
            let sso_url = format!("http://localhost:8080/test-idp/sso?x={query}");
            let xml = idp_metadata(&entity_id, &sso_url, &pair.certificate).unwrap();
            let read = parse_idp_metadata(xml.as_bytes(), Some(&entity_id)).unwrap();
            prop_assert_eq!(read.entity_id, entity_id);
            prop_assert_eq!(read.sso_redirect_url, sso_url);
            prop_assert_eq!(read.idp_binding, Binding::Post);
            prop_assert_eq!(read.certificates_pem, [pair.certificate_pem().unwrap()]);
        }
    }
}
