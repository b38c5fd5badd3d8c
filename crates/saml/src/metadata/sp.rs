//! Writes the service provider's metadata (SAML Metadata §2.4.4).

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use openssl::{error::ErrorStack, x509::X509};

use crate::{
    identifiers::{binding, name_id_format, namespace},
    xml_writer::XmlWriter,
};

/// The contents of the metadata of one connection.
#[derive(Debug, Clone, Copy)]
pub struct SpMetadata<'a> {
    /// The service provider's entity ID.
    pub entity_id: &'a str,
    /// The Assertion Consumer Service URLs; the first one is the default.
    pub acs_urls: &'a [String],
    /// The certificates of the keys that sign our requests (more than one during a rotation); none
    /// when requests are not signed.
    pub signing_certificates: &'a [X509],
    /// The certificates to encrypt assertions for; none when encryption is off, because AD FS encrypts
    /// as soon as it sees one.
    pub encryption_certificates: &'a [X509],
    /// Whether AES-CBC is accepted besides AES-GCM.
    pub allow_cbc_encryption: bool,
}

/// Writes the metadata document.
pub fn sp_metadata(metadata: &SpMetadata<'_>) -> Result<String, ErrorStack> {
    let der = |certificates: &[X509]| -> Result<Vec<Vec<u8>>, ErrorStack> {
        certificates.iter().map(|certificate| certificate.to_der()).collect()
    };
    let (signing, encryption) = (der(metadata.signing_certificates)?, der(metadata.encryption_certificates)?);
    let signed = if signing.is_empty() { "false" } else { "true" };
    let mut algorithms = vec![
        "http://www.w3.org/2009/xmlenc11#aes256-gcm",
        "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
    ];
    if metadata.allow_cbc_encryption {
        let cbc =
            ["http://www.w3.org/2001/04/xmlenc#aes256-cbc", "http://www.w3.org/2001/04/xmlenc#aes128-cbc"];
        algorithms.splice(2..2, cbc);
    }

    let mut xml = XmlWriter::new();
    xml.element("md:EntityDescriptor")
        .attribute("xmlns:md", namespace::METADATA)
        .attribute("entityID", metadata.entity_id)
        .children(|xml| {
            xml.element("md:SPSSODescriptor")
                .attribute("AuthnRequestsSigned", signed)
                .attribute("WantAssertionsSigned", "true")
                .attribute("protocolSupportEnumeration", namespace::PROTOCOL)
                .children(|xml| {
                    for certificate in &signing {
                        write_key_descriptor(xml, "signing", certificate, &[]);
                    }
                    for certificate in &encryption {
                        write_key_descriptor(xml, "encryption", certificate, &algorithms);
                    }
                    for format in [name_id_format::EMAIL, name_id_format::UNSPECIFIED] {
                        xml.element("md:NameIDFormat").text(format);
                    }
                    for (index, url) in metadata.acs_urls.iter().enumerate() {
                        xml.element("md:AssertionConsumerService")
                            .attribute("Binding", binding::POST)
                            .attribute("Location", url)
                            .attribute("index", &index.to_string())
                            .attribute_if("isDefault", (index == 0).then_some("true"))
                            .empty();
                    }
                });
        });
    Ok(xml.finish())
}

/// Writes one `KeyDescriptor` (§2.4.1.1). The certificate is on one line: some importers reject
/// wrapped base64.
pub fn write_key_descriptor(xml: &mut XmlWriter, usage: &str, certificate_der: &[u8], algorithms: &[&str]) {
    xml.element("md:KeyDescriptor").attribute("use", usage).children(|xml| {
        xml.element("ds:KeyInfo").attribute("xmlns:ds", namespace::SIGNATURE).children(|xml| {
            xml.element("ds:X509Data").children(|xml| {
                xml.element("ds:X509Certificate").text(&BASE64.encode(certificate_der));
            });
        });
        for algorithm in algorithms {
            xml.element("md:EncryptionMethod").attribute("Algorithm", algorithm).empty();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        key_pair::{KeyKind, KeyPair},
        sign::parse,
    };
    use base::{random::SeededRandom, time::Timestamp};

    fn certificate() -> X509 {
        let now = Timestamp::from_seconds(1_790_000_000);
        KeyPair::generate(KeyKind::P256, "SP", now, &SeededRandom::new(1)).unwrap().certificate
    }

    #[test]
    fn without_signing_and_encryption_it_is_short() {
        let urls = ["https://a.example/acs".to_owned(), "https://old.example/acs?a=1&b=2".to_owned()];
        let metadata = SpMetadata {
            entity_id: "https://a.example/sp",
            acs_urls: &urls,
            signing_certificates: &[],
            encryption_certificates: &[],
            allow_cbc_encryption: true,
        };
        insta::assert_snapshot!(sp_metadata(&metadata).unwrap(), @r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://a.example/sp"><md:SPSSODescriptor AuthnRequestsSigned="false" WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat><md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</md:NameIDFormat><md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://a.example/acs" index="0" isDefault="true"></md:AssertionConsumerService><md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://old.example/acs?a=1&amp;b=2" index="1"></md:AssertionConsumerService></md:SPSSODescriptor></md:EntityDescriptor>"#);
    }

    #[test]
    fn keys_are_named_by_their_use_and_stand_on_one_line() {
        let certificates = [certificate()];
        let urls = ["https://a.example/acs".to_owned()];
        for allow_cbc_encryption in [false, true] {
            let metadata = SpMetadata {
                entity_id: "https://a.example/sp",
                acs_urls: &urls,
                signing_certificates: &certificates,
                encryption_certificates: &certificates,
                allow_cbc_encryption,
            };
            let text = sp_metadata(&metadata).unwrap();
            assert!(text.contains(r#"AuthnRequestsSigned="true""#));
            assert!(!text.contains('\n'));
            assert_eq!(text.contains("aes256-cbc"), allow_cbc_encryption);
            let document = parse(&text).unwrap();
            let keys = document.get_elements_by_tag_name_ns(namespace::METADATA, "KeyDescriptor");
            let uses: Vec<_> = keys.iter().map(|&key| document.get_attribute(key, "use").unwrap()).collect();
            assert_eq!(uses, ["signing", "encryption"]);
        }
    }
}
