//! Signing XML: the enveloped signature of SAML Core §5, over any element that has an `ID`.

use std::ops::Range;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bergshamra_c14n::{C14nMode, canonicalize_doc};
use bergshamra_xml::NodeSet;
use openssl::{
    hash::hash,
    pkey::{PKeyRef, Private},
    x509::X509Ref,
};
use uppsala::{Document, NodeId, NodeKind};

use crate::{
    identifiers::{ENVELOPED_SIGNATURE, namespace},
    xml_writer::{XmlWriter, escape_attribute},
};

pub use crate::signature_algorithm::{SignatureAlgorithm, SigningError};

/// How to sign. [`sign_element`] uses the defaults; the fields allow the signature forms of other identity
/// providers.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The private key.
    pub key: &'a PKeyRef<Private>,
    /// The certificate to put into `KeyInfo`; without one there is no `KeyInfo`.
    pub certificate: Option<&'a X509Ref>,
    /// The signature algorithm; the digest has the same strength.
    pub algorithm: SignatureAlgorithm,
    /// The prefix of the signature's elements; empty for a default namespace.
    pub prefix: &'a str,
    /// The `PrefixList` of the exclusive canonicalization, when there is to be one.
    pub inclusive_prefixes: &'a [&'a str],
}

impl<'a> Signer<'a> {
    /// The defaults: `ds:` elements, the certificate in `KeyInfo`, no prefix list.
    pub fn new(key: &'a PKeyRef<Private>, certificate: &'a X509Ref, algorithm: SignatureAlgorithm) -> Self {
        Self { key, certificate: Some(certificate), algorithm, prefix: "ds", inclusive_prefixes: &[] }
    }

    /// Signs the element whose `ID` is `element_id` and puts the signature where the SAML schemas
    /// require it: right after its `Issuer`, or first when it has none (SAML Core §5.4, Metadata §2.3).
    pub fn sign(&self, xml: &str, element_id: &str) -> Result<String, SigningError> {
        let document = parse(xml)?;
        let element = find_by_id(&document, element_id)?;
        let place = signature_place(&document, element)?;
        let canonical = canonicalize_doc(
            &document,
            C14nMode::Exclusive,
            Some(&NodeSet::tree_without_comments(element, &document)),
            self.inclusive_prefixes,
        )
        .map_err(|error| SigningError::NotXml(error.to_string()))?;
        let signature = self.signature(element_id, &canonical)?;
        Ok([&xml[..place], &signature, &xml[place..]].concat())
    }

    fn signature(&self, element_id: &str, canonical: &[u8]) -> Result<String, SigningError> {
        let name = |local: &str| match self.prefix {
            "" => local.to_owned(),
            prefix => format!("{prefix}:{local}"),
        };
        let xmlns = match self.prefix {
            "" => "xmlns".to_owned(),
            prefix => format!("xmlns:{prefix}"),
        };
        let digest = BASE64.encode(hash(self.algorithm.digest(), canonical)?);
        let mut reference = String::from("#");
        reference.push_str(element_id);

        // The content of SignedInfo, already in canonical form: attributes in order, end tags.
        let mut inside = XmlWriter::new();
        inside
            .element(&name("CanonicalizationMethod"))
            .attribute("Algorithm", namespace::EXCLUSIVE_C14N)
            .empty();
        inside.element(&name("SignatureMethod")).attribute("Algorithm", self.algorithm.uri()).empty();
        inside.element(&name("Reference")).attribute("URI", &reference).children(|xml| {
            xml.element(&name("Transforms")).children(|xml| {
                xml.element(&name("Transform")).attribute("Algorithm", ENVELOPED_SIGNATURE).empty();
                let c14n = name("Transform");
                let c14n = xml.element(&c14n).attribute("Algorithm", namespace::EXCLUSIVE_C14N);
                c14n.children(|xml| {
                    if !self.inclusive_prefixes.is_empty() {
                        xml.element("ec:InclusiveNamespaces")
                            .attribute("xmlns:ec", namespace::EXCLUSIVE_C14N)
                            .attribute("PrefixList", &self.inclusive_prefixes.join(" "))
                            .empty();
                    }
                });
            });
            xml.element(&name("DigestMethod")).attribute("Algorithm", self.algorithm.digest_uri()).empty();
            xml.element(&name("DigestValue")).text(&digest);
        });
        let inside = inside.finish();

        // Canonicalized by itself, SignedInfo declares the namespace it uses (Exclusive C14N §3).
        let signed_info = name("SignedInfo");
        let mut octets = format!("<{signed_info} {xmlns}=\"");
        escape_attribute(namespace::SIGNATURE, &mut octets);
        octets.push_str(&format!("\">{inside}</{signed_info}>"));
        let value = BASE64.encode(self.algorithm.sign_octets(octets.as_bytes(), self.key)?);
        let certificate = self.certificate.map(X509Ref::to_der).transpose()?.map(|der| BASE64.encode(der));

        let mut signature = XmlWriter::new();
        signature.element(&name("Signature")).attribute(&xmlns, namespace::SIGNATURE).children(|xml| {
            xml.element(&signed_info).children(|xml| xml.raw(&inside));
            xml.element(&name("SignatureValue")).text(&value);
            if let Some(certificate) = &certificate {
                xml.element(&name("KeyInfo")).children(|xml| {
                    xml.element(&name("X509Data")).children(|xml| {
                        xml.element(&name("X509Certificate")).text(certificate);
                    });
                });
            }
        });
        Ok(signature.finish())
    }
}

/// Signs one element of a document, enveloped, with the defaults of [`Signer::new`].
pub fn sign_element(
    xml: &str,
    element_id: &str,
    key: &PKeyRef<Private>,
    certificate: &X509Ref,
    algorithm: SignatureAlgorithm,
) -> Result<String, SigningError> {
    Signer::new(key, certificate, algorithm).sign(xml, element_id)
}

/// Parses a document that we wrote, with the parser settings used for untrusted ones.
pub fn parse(xml: &str) -> Result<Document<'_>, SigningError> {
    uppsala::Parser::new()
        .with_forbid_dtd(true)
        .with_max_depth(64)
        .parse(xml)
        .map_err(|error| SigningError::NotXml(error.to_string()))
}

fn find_by_id(document: &Document<'_>, id: &str) -> Result<NodeId, SigningError> {
    let mut found = document.descendants(document.root()).into_iter().filter(|&node| {
        document.element(node).is_some_and(|element| {
            element
                .attributes
                .iter()
                .any(|a| a.name.namespace_uri.is_none() && a.name.local_name == "ID" && a.value == id)
        })
    });
    match (found.next(), found.next()) {
        (Some(element), None) => Ok(element),
        _ => Err(SigningError::NoSuchElement(id.to_owned())),
    }
}

/// The offset in the text at which the signature of `element` belongs.
fn signature_place(document: &Document<'_>, element: NodeId) -> Result<usize, SigningError> {
    let range = |node| document.node_range(node).ok_or(SigningError::EmptyElement);
    let first = document
        .children_iter(element)
        .find(|&child| matches!(document.node_kind(child), Some(NodeKind::Element(_))));
    match first {
        Some(child)
            if document.element(child).is_some_and(|e| e.matches_name_ns(namespace::ASSERTION, "Issuer")) =>
        {
            range(child).map(|Range { end, .. }| end)
        }
        _ => {
            let child = document.first_child(element).ok_or(SigningError::EmptyElement)?;
            range(child).map(|Range { start, .. }| start)
        }
    }
}
