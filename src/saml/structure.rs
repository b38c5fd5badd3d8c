//! The structure that a well-formed document must have before its signatures are verified.
//!
//! Signature wrapping needs documents in which the verified element and the element that is read can differ.
//! Accepted is one response, one assertion in one place, at most one signature on each of them, and every ID
//! once; everything else is refused before signature verification.

use std::collections::HashSet;

use uppsala::{Document, NodeKind, QName};

use super::{
    dom::{Element, ns},
    rejection::{Refusal, Rejection},
};

/// The maximum length of an ID. Identity providers use 33 to 80 characters.
const MAX_ID: usize = 256;

/// The parts of a response whose structure is accepted.
#[derive(Clone, Copy)]
pub(super) struct ResponseLayout<'d> {
    pub response: Element<'d>,
    pub signature: Option<Element<'d>>,
    pub content: Content<'d>,
}

/// The assertion of a response.
#[derive(Clone, Copy)]
pub(super) enum Content<'d> {
    /// None: the response reports an error status.
    Nothing,
    /// An assertion.
    Plain(AssertionLayout<'d>),
    /// A `saml:EncryptedAssertion`.
    Encrypted(Element<'d>),
}

/// The parts of an assertion whose structure is accepted.
#[derive(Clone, Copy)]
pub(super) struct AssertionLayout<'d> {
    pub assertion: Element<'d>,
    pub signature: Option<Element<'d>>,
}

/// Reads the layout of a document that must be a response (SAML 2.0 Core §3.3.3).
pub(super) fn response<'d>(document: &'d Document<'d>) -> Result<ResponseLayout<'d>, Refusal> {
    response_by(document, Census::of(document)?)
}

/// The same for the canonical form of a response that went through [`response`]. It is a part of that
/// document, so what was counted there is not counted again.
pub(super) fn canonical_response<'d>(document: &'d Document<'d>) -> Result<ResponseLayout<'d>, Refusal> {
    response_by(document, Census::shallow(document)?)
}

fn response_by<'d>(document: &'d Document<'d>, census: Census<'d>) -> Result<ResponseLayout<'d>, Refusal> {
    let response = root(document)?;
    if !response.is(ns::PROTOCOL, "Response") {
        return Err(
            Refusal::found(Rejection::RootNotResponse, qualified(response)).expected("samlp:Response")
        );
    }
    if census.responses != 1 {
        return Err(Refusal::found(Rejection::ResponseNotSingle, format!("{} responses", census.responses)));
    }

    const ALLOWED: &[Slot] = &[
        (ns::ASSERTION, "Issuer", 1),
        (ns::SIGNATURE, "Signature", 1),
        (ns::PROTOCOL, "Extensions", 1),
        (ns::PROTOCOL, "Status", 1),
        (ns::ASSERTION, "Assertion", usize::MAX),
        (ns::ASSERTION, "EncryptedAssertion", usize::MAX),
    ];
    let mut assertions = response.children(ns::ASSERTION, "Assertion");
    let mut encrypted = response.children(ns::ASSERTION, "EncryptedAssertion");
    let content = match (census.assertions, assertions.next(), encrypted.next()) {
        (0, None, None) => Content::Nothing,
        (1, Some(assertion), None) => Content::Plain(assertion_at(assertion)?),
        (1, None, Some(encrypted)) => Content::Encrypted(encrypted),
        (count, ..) => {
            return Err(Refusal::found(Rejection::AssertionNotSingle, format!("{count} assertions"))
                .expected("one, a child of the response"));
        }
    };
    let signature = signature_of(response)?;
    let of_assertion = matches!(content, Content::Plain(AssertionLayout { signature: Some(_), .. }));
    all_placed(census.signatures, usize::from(signature.is_some()) + usize::from(of_assertion))?;
    id_of(response)?;
    let statuses = response.children(ns::PROTOCOL, "Status").count();
    if statuses != 1 {
        return Err(Refusal::found(Rejection::StatusNotSingle, format!("{statuses} of them")));
    }
    only(response, ALLOWED)?;
    Ok(ResponseLayout { response, signature, content })
}

/// Reads the layout of a document that must be an assertion (SAML 2.0 Core §2.3.3): a decrypted one.
pub(super) fn assertion<'d>(document: &'d Document<'d>) -> Result<AssertionLayout<'d>, Refusal> {
    assertion_by(document, Census::of(document)?)
}

/// The same for the canonical form of an assertion whose document was counted.
pub(super) fn canonical_assertion<'d>(document: &'d Document<'d>) -> Result<AssertionLayout<'d>, Refusal> {
    assertion_by(document, Census::shallow(document)?)
}

fn assertion_by<'d>(document: &'d Document<'d>, census: Census<'d>) -> Result<AssertionLayout<'d>, Refusal> {
    let assertion = root(document)?;
    if !assertion.is(ns::ASSERTION, "Assertion") {
        return Err(
            Refusal::found(Rejection::AssertionMissing, qualified(assertion)).expected("saml:Assertion")
        );
    }
    if census.responses != 0 {
        return Err(Refusal::found(Rejection::ResponseNotSingle, "a response in an assertion"));
    }
    if census.assertions != 1 {
        return Err(Refusal::found(
            Rejection::AssertionNotSingle,
            format!("{} assertions", census.assertions),
        ));
    }
    let layout = assertion_at(assertion)?;
    all_placed(census.signatures, usize::from(layout.signature.is_some()))?;
    Ok(layout)
}

fn assertion_at(assertion: Element<'_>) -> Result<AssertionLayout<'_>, Refusal> {
    const ALLOWED: &[Slot] = &[
        (ns::ASSERTION, "Issuer", 1),
        (ns::SIGNATURE, "Signature", 1),
        (ns::ASSERTION, "Subject", 1),
        (ns::ASSERTION, "Conditions", 1),
        (ns::ASSERTION, "Advice", 1),
        (ns::ASSERTION, "Statement", usize::MAX),
        (ns::ASSERTION, "AuthnStatement", usize::MAX),
        (ns::ASSERTION, "AuthzDecisionStatement", usize::MAX),
        (ns::ASSERTION, "AttributeStatement", usize::MAX),
    ];
    let signature = signature_of(assertion)?;
    id_of(assertion)?;
    only(assertion, ALLOWED)?;
    Ok(AssertionLayout { assertion, signature })
}

fn root<'d>(document: &'d Document<'d>) -> Result<Element<'d>, Refusal> {
    Element::root(document).ok_or_else(|| Rejection::XmlMalformed.into())
}

/// The signature of an element, right after its issuer (SAML 2.0 Core §2.3.3, §3.2.2).
fn signature_of(parent: Element<'_>) -> Result<Option<Element<'_>>, Refusal> {
    let mut found = None;
    let mut before: Option<Element<'_>> = None;
    for child in parent.elements() {
        if child.is(ns::SIGNATURE, "Signature") {
            if found.is_some() {
                return Err(Refusal::found(
                    Rejection::SignatureMisplaced,
                    format!("two in {}", qualified(parent)),
                ));
            }
            if before.is_some_and(|before| !before.is(ns::ASSERTION, "Issuer")) {
                return Err(Refusal::found(
                    Rejection::SignatureMisplaced,
                    format!("after another element in {}", qualified(parent)),
                )
                .expected("right after Issuer"));
            }
            found = Some(child);
        }
        before = Some(child);
    }
    Ok(found)
}

fn all_placed(all: usize, placed: usize) -> Result<(), Refusal> {
    if all == placed {
        return Ok(());
    }
    Err(Refusal::found(
        Rejection::SignatureMisplaced,
        format!("{} not directly in the response or the assertion", all - placed),
    ))
}

/// The namespace and the name of a child element, and how often it may occur.
type Slot = (&'static str, &'static str, usize);

/// Refuses other children than these, and text between them.
fn only(parent: Element<'_>, allowed: &[Slot]) -> Result<(), Refusal> {
    let unexpected = |what: String| Err(Refusal::found(Rejection::UnexpectedContent, what));
    let mut seen = [0_usize; 16];
    for child in parent.elements() {
        let Some(slot) = allowed.iter().position(|&(namespace, name, _)| child.is(namespace, name)) else {
            return unexpected(format!("{} in {}", qualified(child), qualified(parent)));
        };
        seen[slot] += 1;
        if seen[slot] > allowed[slot].2 {
            return unexpected(format!("a second {} in {}", qualified(child), qualified(parent)));
        }
    }
    if parent.has_text() {
        return unexpected(format!("text in {}", qualified(parent)));
    }
    Ok(())
}

fn id_of(element: Element<'_>) -> Result<&str, Refusal> {
    element
        .attribute("ID")
        .ok_or_else(|| Refusal::found(Rejection::IdMalformed, format!("none on {}", qualified(element))))
}

/// `prefix:Name`, as written in the document.
fn qualified(element: Element<'_>) -> String {
    element.data().name.prefixed_name().into_owned()
}

/// The element counts of a document, from one pass that also checks namespaces (our profile) and IDs (SAML
/// 2.0 Core §1.3.4).
#[derive(Default)]
struct Census<'d> {
    responses: usize,
    /// Plain and encrypted ones.
    assertions: usize,
    signatures: usize,
    ids: HashSet<&'d str>,
}

impl<'d> Census<'d> {
    fn of(document: &'d Document<'d>) -> Result<Self, Refusal> {
        let mut census = Self::default();
        for node in document.children_iter(document.root()) {
            match document.node_kind(node) {
                Some(NodeKind::Element(_)) => {}
                _ => {
                    return Err(Refusal::found(
                        Rejection::UnexpectedContent,
                        "something beside the root element",
                    ));
                }
            }
        }
        census.visit(root(document)?, false)?;
        Ok(census)
    }

    /// Counts only the root, its children, and the children of an assertion among them.
    fn shallow(document: &'d Document<'d>) -> Result<Self, Refusal> {
        let mut census = Self::default();
        let root = root(document)?;
        census.count(root);
        for child in root.elements() {
            census.count(child);
            if child.is(ns::ASSERTION, "Assertion") {
                child.elements().for_each(|inner| census.count(inner));
            }
        }
        Ok(census)
    }

    /// `open` says that other namespaces are allowed here. The document limits bound the depth.
    fn visit(&mut self, element: Element<'d>, open: bool) -> Result<(), Refusal> {
        self.count(element);
        let data = element.data();
        is_qualified_name(&data.name)?;
        for (prefix, uri) in &data.namespace_declarations {
            if prefix == "xml" || prefix == "xmlns" || !is_plain_uri(uri) {
                return Err(Refusal::found(Rejection::NamespaceRefused, format!("xmlns:{prefix}={uri:?}")));
            }
        }
        if !open && !element.namespace().is_some_and(|uri| KNOWN.contains(&uri)) {
            let found = format!("{} in {:?}", qualified(element), element.namespace().unwrap_or_default());
            return Err(Refusal::found(Rejection::NamespaceRefused, found));
        }
        let open = open || opens(element);
        let extensible = open || takes_any_attribute(element);
        for attribute in &data.attributes {
            self.attribute(attribute, extensible)?;
        }
        for node in element.document().children_iter(element.node()) {
            match element.document().node_kind(node) {
                Some(NodeKind::Text(_) | NodeKind::CData(_) | NodeKind::Element(_)) => {}
                _ => return Err(Refusal::found(Rejection::UnexpectedContent, "neither element nor text")),
            }
        }
        for child in element.elements() {
            self.visit(child, open)?;
        }
        Ok(())
    }

    fn count(&mut self, element: Element<'d>) {
        match (element.namespace(), element.name()) {
            (Some(ns::PROTOCOL), "Response") => self.responses += 1,
            (Some(ns::ASSERTION), "Assertion" | "EncryptedAssertion") => self.assertions += 1,
            (Some(ns::SIGNATURE), "Signature") => self.signatures += 1,
            _ => {}
        }
    }

    fn attribute(&mut self, attribute: &'d uppsala::Attribute<'d>, extensible: bool) -> Result<(), Refusal> {
        let name = &attribute.name;
        is_qualified_name(name)?;
        let namespace = name.namespace_uri.as_deref();
        let local = &*name.local_name;
        let refused_id = |found: String| Err(Refusal::found(Rejection::IdMalformed, found));
        if local == "ID" {
            if namespace.is_some() {
                return refused_id(format!("an attribute {}", name.prefixed_name()));
            }
            if !is_id(&attribute.value) {
                return refused_id(format!("{:?}", attribute.value)).map_err(|refusal: Refusal| {
                    refusal.expected(format!(
                        "up to {MAX_ID} ASCII letters, digits, '_', '-', '.', not a digit first"
                    ))
                });
            }
        }
        let identifies = local.eq_ignore_ascii_case("id") || matches!(local, "AssertionID" | "ResponseID");
        if identifies && !self.ids.insert(&attribute.value) {
            return Err(Refusal::found(Rejection::IdDuplicate, format!("{:?}", attribute.value)));
        }
        let usual = match namespace {
            None | Some(ns::SCHEMA_INSTANCE) => true,
            Some(ns::XML) => matches!(local, "lang" | "space"),
            Some(_) => false,
        };
        if usual || extensible {
            return Ok(());
        }
        Err(Refusal::found(Rejection::NamespaceRefused, format!("an attribute {}", name.prefixed_name())))
    }
}

/// The namespaces of SAML, XML Signature, XML Encryption and XML Schema.
const KNOWN: &[&str] = &[
    ns::ASSERTION,
    ns::PROTOCOL,
    ns::SIGNATURE,
    ns::ENCRYPTION,
    ns::ENCRYPTION_11,
    ns::EXCLUSIVE_C14N,
    ns::SIGNATURE_11,
    ns::SCHEMA,
    ns::SCHEMA_INSTANCE,
];

/// Whether the schema allows any content in this element, and identity providers use that.
fn opens(element: Element<'_>) -> bool {
    match element.namespace() {
        Some(ns::ASSERTION) => matches!(element.name(), "AttributeValue" | "Advice" | "AuthnContextDecl"),
        Some(ns::PROTOCOL) => matches!(element.name(), "Extensions" | "StatusDetail"),
        Some(ns::SIGNATURE) => element.name() == "KeyInfo",
        _ => false,
    }
}

/// Whether the schema allows attributes of other namespaces on this element.
fn takes_any_attribute(element: Element<'_>) -> bool {
    element.namespace() == Some(ns::ASSERTION)
        && matches!(element.name(), "Attribute" | "SubjectConfirmationData")
}

/// A qualified name has at most one colon, and both parts begin like a name (Namespaces in XML 1.0 §4). The
/// parser accepts others.
fn is_qualified_name(name: &QName<'_>) -> Result<(), Refusal> {
    let begins = |c: char| !matches!(c, '0'..='9' | '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}');
    let is_name = |part: &str| part.chars().next().is_some_and(begins) && !part.contains(':');
    if is_name(&name.local_name) && name.prefix.as_deref().is_none_or(is_name) {
        return Ok(());
    }
    Err(Refusal::found(Rejection::XmlMalformed, format!("the name {}", name.prefixed_name())))
}

/// An absolute http, https or urn URI that every implementation reads and writes in the same way.
fn is_plain_uri(uri: &str) -> bool {
    let rest = match uri.strip_prefix("http://").or_else(|| uri.strip_prefix("https://")) {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
            let (host, port) = authority.split_once(':').unwrap_or((authority, "80"));
            let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
            let is_port =
                !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
            if host.is_empty() || !host.bytes().all(is_host) || !is_port {
                return false;
            }
            path
        }
        None => match uri.strip_prefix("urn:") {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_alphanumeric()) => rest,
            _ => return false,
        },
    };
    rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$()*+,;=".contains(&byte))
        && rest.matches('#').count() <= 1
}

/// An NCName of ASCII characters. XML allows more; identity providers use less.
fn is_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= MAX_ID
        && bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_an_absolute_uri_without_surprises() {
        for uri in KNOWN.iter().chain(&[
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims",
            "https://idp.example:8443/a?b=c#d",
            "https://example",
            "urn:mace:shibboleth:1.0",
            "urn:x",
        ]) {
            assert!(is_plain_uri(uri), "{uri}");
        }
        for uri in [
            "",
            "x",
            "../x",
            "#x",
            "urn:",
            "http://",
            "http:///x",
            "http://a:b",
            "http://a:",
            "http://a@b",
            "ftp://a",
            "HTTP://a",
            "http://a/ b",
            "http://a/&b",
            "http://a/<",
            "http://a/\"",
            "http://a/'",
            "urn:%",
            "urn:a%20",
            "urn:a#b#c",
            "urn:ü",
            "urn:a\u{200b}",
            "http://a:123456",
            "file:///etc/passwd",
            "javascript:x",
            "urn:a|b",
            "urn:a\\b",
            "urn:{}",
            "urn://a:b",
            "urn:/a",
            "urn:[a]",
            "http://[::1]/",
        ] {
            assert!(!is_plain_uri(uri), "{uri}");
        }
    }

    #[test]
    fn an_id_is_a_plain_name() {
        for id in ["_a", "a", "id88217432106544342003452", "ID_0b4a-1", "pfx8c.1", "A-_."] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "1a", "-a", ".a", "a b", "a:b", "ä", "a\n", "#a", &"a".repeat(MAX_ID + 1)] {
            assert!(!is_id(id), "{id}");
        }
    }
}
