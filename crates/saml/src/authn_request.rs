//! Builds AuthnRequests (SAML Core §3.4.1, Profiles §4.1.4.1).

use base::{random::Random, time::Timestamp};
use openssl::{
    pkey::{PKeyRef, Private},
    x509::X509Ref,
};

use crate::{
    identifiers::{binding, name_id_format, namespace},
    sign::sign_element,
    signature_algorithm::{SignatureAlgorithm, SigningError},
    xml_writer::XmlWriter,
};

/// An authentication request.
#[derive(Debug, Clone, Copy)]
pub struct AuthnRequest<'a> {
    /// `ID`: what the response's `InResponseTo` must repeat; see [`request_id`].
    pub id: &'a str,
    /// `IssueInstant`.
    pub issue_instant: Timestamp,
    /// `Issuer`: the service provider's entity ID.
    pub issuer: &'a str,
    /// `Destination`: the identity provider's single sign-on URL.
    pub destination: &'a str,
    /// `AssertionConsumerServiceURL`: where the response is to be posted.
    pub acs_url: &'a str,
    /// `ForceAuthn`: whether the person must authenticate again.
    pub force_authn: bool,
}

/// A fresh request id: an NCName with 128 random bits (SAML Core §1.3.4, where 128 is the minimum).
pub fn request_id(random: &dyn Random) -> String {
    format!("_{:032x}", random.bits())
}

impl AuthnRequest<'_> {
    /// The document, unsigned: for HTTP-Redirect, where the query is signed instead, and for identity
    /// providers that want no signature.
    ///
    /// The name identifier's format is left to the identity provider (`unspecified`): AD FS and
    /// Shibboleth refuse a request that names a format they were not set up for, and Keycloak and
    /// Entra ID override their admin's choice by it.
    pub fn to_xml(&self) -> String {
        let mut xml = XmlWriter::new();
        xml.element("samlp:AuthnRequest")
            .attribute("xmlns:samlp", namespace::PROTOCOL)
            .attribute("ID", self.id)
            .attribute("Version", "2.0")
            .attribute("IssueInstant", &self.issue_instant.to_string())
            // A fragment is never sent, so it is no part of the destination (RFC 9110 §4.2.5).
            .attribute("Destination", self.destination.split('#').next().unwrap_or_default())
            .attribute_if("ForceAuthn", self.force_authn.then_some("true"))
            .attribute("ProtocolBinding", binding::POST)
            .attribute("AssertionConsumerServiceURL", self.acs_url)
            .children(|xml| {
                xml.element("saml:Issuer").attribute("xmlns:saml", namespace::ASSERTION).text(self.issuer);
                xml.element("samlp:NameIDPolicy")
                    .attribute("Format", name_id_format::UNSPECIFIED)
                    .attribute("AllowCreate", "true")
                    .empty();
            });
        xml.finish()
    }

    /// The document with an enveloped signature, for HTTP-POST (SAML Core §5.4).
    pub fn to_signed_xml(
        &self,
        key: &PKeyRef<Private>,
        certificate: &X509Ref,
    ) -> Result<String, SigningError> {
        sign_element(&self.to_xml(), self.id, key, certificate, SignatureAlgorithm::for_key(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        key_pair::{KeyKind, KeyPair},
        sign::parse,
    };
    use base::random::SeededRandom;

    fn request() -> AuthnRequest<'static> {
        AuthnRequest {
            id: "_00112233445566778899aabbccddeeff",
            issue_instant: Timestamp::from_millis(1_790_000_000_123),
            issuer: "https://sso.example/v1/saml/saml_conn_1?a=1&b=\"2\"",
            destination: "https://idp.example/sso?app=1&x=<y>",
            acs_url: "https://sso.example/v1/saml/saml_conn_1/acs",
            force_authn: false,
        }
    }

    #[test]
    fn the_document_says_what_profiles_want() {
        insta::assert_snapshot!(request().to_xml(), @r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_00112233445566778899aabbccddeeff" Version="2.0" IssueInstant="2026-09-21T14:13:20.123Z" Destination="https://idp.example/sso?app=1&amp;x=&lt;y>" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" AssertionConsumerServiceURL="https://sso.example/v1/saml/saml_conn_1/acs"><saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">https://sso.example/v1/saml/saml_conn_1?a=1&amp;b="2"</saml:Issuer><samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" AllowCreate="true"></samlp:NameIDPolicy></samlp:AuthnRequest>"#);
    }

    #[test]
    fn the_destination_is_the_address_without_its_fragment() {
        let xml = AuthnRequest { destination: "https://idp.example/sso?x=1#top#2", ..request() }.to_xml();
        assert!(xml.contains(r#" Destination="https://idp.example/sso?x=1" "#), "{xml}");
    }

    #[test]
    fn force_authn_is_said_only_when_wanted() {
        assert!(!request().to_xml().contains("ForceAuthn"));
        let forced = AuthnRequest { force_authn: true, ..request() };
        assert!(forced.to_xml().contains(r#" ForceAuthn="true" "#));
    }

    #[test]
    fn a_signed_request_verifies_and_keeps_the_schema_order() {
        use samael::crypto::{Crypto, CryptoProvider, ReduceMode};
        let pair =
            KeyPair::generate(KeyKind::Rsa(2048), "SP", request().issue_instant, &SeededRandom::new(1))
                .unwrap();
        let xml = request().to_signed_xml(&pair.key, &pair.certificate).unwrap();
        let certificates = [pair.certificate.to_der().unwrap().into()];
        let reduced = Crypto::reduce_xml_to_signed(&xml, &certificates, ReduceMode::PreDigest).unwrap();
        assert!(reduced.contains("AssertionConsumerServiceURL"));
        let document = parse(&xml).unwrap();
        let root = document.document_element().unwrap();
        let names: Vec<_> = document
            .children(root)
            .into_iter()
            .map(|child| document.element(child).unwrap().name.local_name.to_string())
            .collect();
        assert_eq!(names, ["Issuer", "Signature", "NameIDPolicy"]);
    }

    #[test]
    fn request_ids_are_names_and_fresh() {
        let random = SeededRandom::new(1);
        let (one, two) = (request_id(&random), request_id(&random));
        assert_ne!(one, two);
        assert!(one.starts_with('_') && one.len() == 33);
    }
}
