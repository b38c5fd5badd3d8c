//! The structure that a well-formed document must have before its signatures are verified.
//!
//! Signature wrapping needs documents in which the verified element and the element that is read can differ.
//! Accepted is one response, one assertion in one place, at most one signature on each of them, and every ID
//! once; everything else is refused before signature verification.

use std::collections::HashSet;

use uppsala::{Document, NodeKind, QName};

use crate::{
    dom::{Element, ns},
    error::Error,
    failed_check::FailedCheck,
};

/// The maximum length of an ID. Identity providers use 33 to 80 characters.
const MAX_ID_LENGTH: usize = 256;

/// The parts of a response whose structure is accepted.
#[derive(Clone, Copy)]
pub(super) struct ResponseLayout<'d> {
    pub response: Element<'d>,
    pub signature: Option<Element<'d>>,
    pub content: ResponseContent<'d>,
}

/// The assertion of a response.
#[derive(Clone, Copy)]
pub(super) enum ResponseContent<'d> {
    /// None: the response reports an error status.
    NoAssertion,
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
pub(super) fn response<'d>(document: &'d Document<'d>) -> Result<ResponseLayout<'d>, FailedCheck> {
    response_layout(document, ElementCounts::of(document)?)
}

/// The same for the canonical form of a response that went through [`response`]. It is a part of that
/// document, so what was counted there is not counted again.
pub(super) fn canonical_response<'d>(document: &'d Document<'d>) -> Result<ResponseLayout<'d>, FailedCheck> {
    response_layout(document, ElementCounts::shallow(document)?)
}

fn response_layout<'d>(
    document: &'d Document<'d>,
    counts: ElementCounts<'d>,
) -> Result<ResponseLayout<'d>, FailedCheck> {
    let response = root(document)?;
    if !response.is(ns::PROTOCOL, "Response") {
        return Err(
            FailedCheck::found(Error::RootNotResponse, qualified(response)).expected("samlp:Response")
        );
    }
    if counts.responses != 1 {
        return Err(FailedCheck::found(Error::ResponseNotSingle, format!("{} responses", counts.responses)));
    }

    const ALLOWED: &[AllowedChild] = &[
        (ns::ASSERTION, "Issuer", 1),
        (ns::SIGNATURE, "Signature", 1),
        (ns::PROTOCOL, "Extensions", 1),
        (ns::PROTOCOL, "Status", 1),
        (ns::ASSERTION, "Assertion", usize::MAX),
        (ns::ASSERTION, "EncryptedAssertion", usize::MAX),
    ];
    let mut assertions = response.children(ns::ASSERTION, "Assertion");
    let mut encrypted = response.children(ns::ASSERTION, "EncryptedAssertion");
    let content = match (counts.assertions, assertions.next(), encrypted.next()) {
        (0, None, None) => ResponseContent::NoAssertion,
        (1, Some(assertion), None) => ResponseContent::Plain(assertion_element_layout(assertion)?),
        (1, None, Some(encrypted)) => ResponseContent::Encrypted(encrypted),
        (count, ..) => {
            return Err(FailedCheck::found(Error::AssertionNotSingle, format!("{count} assertions"))
                .expected("one, a child of the response"));
        }
    };
    let signature = find_signature(response)?;
    let of_assertion = matches!(content, ResponseContent::Plain(AssertionLayout { signature: Some(_), .. }));
    require_signatures_placed(
        counts.signatures,
        usize::from(signature.is_some()) + usize::from(of_assertion),
    )?;
    require_id(response)?;
    let statuses = response.children(ns::PROTOCOL, "Status").count();
    if statuses != 1 {
        return Err(FailedCheck::found(Error::StatusNotSingle, format!("{statuses} of them")));
    }
    allow_children(response, ALLOWED)?;
    Ok(ResponseLayout { response, signature, content })
}

/// Reads the layout of a document that must be an assertion (SAML 2.0 Core §2.3.3): a decrypted one.
pub(super) fn assertion<'d>(document: &'d Document<'d>) -> Result<AssertionLayout<'d>, FailedCheck> {
    assertion_layout(document, ElementCounts::of(document)?)
}

/// The same for the canonical form of an assertion whose document was counted.
pub(super) fn canonical_assertion<'d>(
    document: &'d Document<'d>,
) -> Result<AssertionLayout<'d>, FailedCheck> {
    assertion_layout(document, ElementCounts::shallow(document)?)
}

fn assertion_layout<'d>(
    document: &'d Document<'d>,
    counts: ElementCounts<'d>,
) -> Result<AssertionLayout<'d>, FailedCheck> {
    let assertion = root(document)?;
    if !assertion.is(ns::ASSERTION, "Assertion") {
        return Err(
            FailedCheck::found(Error::AssertionMissing, qualified(assertion)).expected("saml:Assertion")
        );
    }
    if counts.responses != 0 {
        return Err(FailedCheck::found(Error::ResponseNotSingle, "a response in an assertion"));
    }
    if counts.assertions != 1 {
        return Err(FailedCheck::found(
            Error::AssertionNotSingle,
            format!("{} assertions", counts.assertions),
        ));
    }
    let layout = assertion_element_layout(assertion)?;
    require_signatures_placed(counts.signatures, usize::from(layout.signature.is_some()))?;
    Ok(layout)
}

fn assertion_element_layout(assertion: Element<'_>) -> Result<AssertionLayout<'_>, FailedCheck> {
    const ALLOWED: &[AllowedChild] = &[
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
    let signature = find_signature(assertion)?;
    require_id(assertion)?;
    allow_children(assertion, ALLOWED)?;
    Ok(AssertionLayout { assertion, signature })
}

fn root<'d>(document: &'d Document<'d>) -> Result<Element<'d>, FailedCheck> {
    Element::root(document).ok_or_else(|| Error::XmlMalformed.into())
}

/// The signature of an element, right after its issuer (SAML 2.0 Core §2.3.3, §3.2.2).
fn find_signature(parent: Element<'_>) -> Result<Option<Element<'_>>, FailedCheck> {
    let mut found = None;
    let mut before: Option<Element<'_>> = None;
    for child in parent.elements() {
        if child.is(ns::SIGNATURE, "Signature") {
            if found.is_some() {
                return Err(FailedCheck::found(
                    Error::SignatureMisplaced,
                    format!("two in {}", qualified(parent)),
                ));
            }
            if before.is_some_and(|before| !before.is(ns::ASSERTION, "Issuer")) {
                return Err(FailedCheck::found(
                    Error::SignatureMisplaced,
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

fn require_signatures_placed(all: usize, placed: usize) -> Result<(), FailedCheck> {
    if all == placed {
        return Ok(());
    }
    Err(FailedCheck::found(
        Error::SignatureMisplaced,
        format!("{} not directly in the response or the assertion", all - placed),
    ))
}

/// The namespace and the name of a child element, and how often it may occur.
type AllowedChild = (&'static str, &'static str, usize);

/// Refuses other children than these, and text between them.
fn allow_children(parent: Element<'_>, allowed: &[AllowedChild]) -> Result<(), FailedCheck> {
    let unexpected = |what: String| Err(FailedCheck::found(Error::UnexpectedContent, what));
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

fn require_id(element: Element<'_>) -> Result<&str, FailedCheck> {
    element
        .attribute("ID")
        .ok_or_else(|| FailedCheck::found(Error::IdMalformed, format!("none on {}", qualified(element))))
}

/// `prefix:Name`, as written in the document.
fn qualified(element: Element<'_>) -> String {
    element.data().name.prefixed_name().into_owned()
}

/// The element counts of a document, from one pass that also checks namespaces (our profile) and IDs (SAML
/// 2.0 Core §1.3.4).
#[derive(Default)]
struct ElementCounts<'d> {
    responses: usize,
    /// Plain and encrypted ones.
    assertions: usize,
    signatures: usize,
    ids: HashSet<&'d str>,
}

impl<'d> ElementCounts<'d> {
    fn of(document: &'d Document<'d>) -> Result<Self, FailedCheck> {
        let mut counts = Self::default();
        for node in document.children_iter(document.root()) {
            match document.node_kind(node) {
                Some(NodeKind::Element(_)) => {}
                _ => {
                    return Err(FailedCheck::found(
                        Error::UnexpectedContent,
                        "something beside the root element",
                    ));
                }
            }
        }
        counts.visit(root(document)?, false)?;
        Ok(counts)
    }

    /// Counts only the root, its children, and the children of an assertion among them.
    fn shallow(document: &'d Document<'d>) -> Result<Self, FailedCheck> {
        let mut counts = Self::default();
        let root = root(document)?;
        counts.count(root);
        for child in root.elements() {
            counts.count(child);
            if child.is(ns::ASSERTION, "Assertion") {
                child.elements().for_each(|inner| counts.count(inner));
            }
        }
        Ok(counts)
    }

    /// `open` says that other namespaces are allowed here. The document limits bound the depth.
    fn visit(&mut self, element: Element<'d>, open: bool) -> Result<(), FailedCheck> {
        self.count(element);
        let data = element.data();
        is_qualified_name(&data.name)?;
        for (prefix, uri) in &data.namespace_declarations {
            if prefix == "xml" || prefix == "xmlns" || !is_plain_uri(uri) {
                return Err(FailedCheck::found(Error::NamespaceRefused, format!("xmlns:{prefix}={uri:?}")));
            }
        }
        if !open && !element.namespace().is_some_and(|uri| ALLOWED_NAMESPACES.contains(&uri)) {
            let found = format!("{} in {:?}", qualified(element), element.namespace().unwrap_or_default());
            return Err(FailedCheck::found(Error::NamespaceRefused, found));
        }
        let open = open || allows_any_content(element);
        let extensible = open || allows_any_attribute(element);
        for attribute in &data.attributes {
            self.attribute(attribute, extensible)?;
        }
        for node in element.document().children_iter(element.node()) {
            match element.document().node_kind(node) {
                Some(NodeKind::Text(_) | NodeKind::CData(_) | NodeKind::Element(_)) => {}
                _ => return Err(FailedCheck::found(Error::UnexpectedContent, "neither element nor text")),
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

    fn attribute(
        &mut self,
        attribute: &'d uppsala::Attribute<'d>,
        extensible: bool,
    ) -> Result<(), FailedCheck> {
        let name = &attribute.name;
        is_qualified_name(name)?;
        let namespace = name.namespace_uri.as_deref();
        let local = &*name.local_name;
        let refused_id = |found: String| Err(FailedCheck::found(Error::IdMalformed, found));
        if local == "ID" {
            if namespace.is_some() {
                return refused_id(format!("an attribute {}", name.prefixed_name()));
            }
            if !is_id(&attribute.value) {
                return refused_id(format!("{:?}", attribute.value)).map_err(|failure: FailedCheck| {
                    failure.expected(format!(
                        "up to {MAX_ID_LENGTH} ASCII letters, digits, '_', '-', '.', not a digit first"
                    ))
                });
            }
        }
        let identifies = local.eq_ignore_ascii_case("id") || matches!(local, "AssertionID" | "ResponseID");
        if identifies && !self.ids.insert(&attribute.value) {
            return Err(FailedCheck::found(Error::IdDuplicate, format!("{:?}", attribute.value)));
        }
        let usual = match namespace {
            None | Some(ns::SCHEMA_INSTANCE) => true,
            Some(ns::XML) => matches!(local, "lang" | "space"),
            Some(_) => false,
        };
        if usual || extensible {
            return Ok(());
        }
        Err(FailedCheck::found(Error::NamespaceRefused, format!("an attribute {}", name.prefixed_name())))
    }
}

/// The namespaces of SAML, XML Signature, XML Encryption and XML Schema.
const ALLOWED_NAMESPACES: &[&str] = &[
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
fn allows_any_content(element: Element<'_>) -> bool {
    match element.namespace() {
        Some(ns::ASSERTION) => matches!(element.name(), "AttributeValue" | "Advice" | "AuthnContextDecl"),
        Some(ns::PROTOCOL) => matches!(element.name(), "Extensions" | "StatusDetail"),
        Some(ns::SIGNATURE) => element.name() == "KeyInfo",
        _ => false,
    }
}

/// Whether the schema allows attributes of other namespaces on this element.
fn allows_any_attribute(element: Element<'_>) -> bool {
    element.namespace() == Some(ns::ASSERTION)
        && matches!(element.name(), "Attribute" | "SubjectConfirmationData")
}

/// A qualified name has at most one colon, and both parts begin like a name (Namespaces in XML 1.0 §4). The
/// parser accepts others.
fn is_qualified_name(name: &QName<'_>) -> Result<(), FailedCheck> {
    let begins = |c: char| !matches!(c, '0'..='9' | '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}');
    let is_name = |part: &str| part.chars().next().is_some_and(begins) && !part.contains(':');
    if is_name(&name.local_name) && name.prefix.as_deref().is_none_or(is_name) {
        return Ok(());
    }
    Err(FailedCheck::found(Error::XmlMalformed, format!("the name {}", name.prefixed_name())))
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
    text.len() <= MAX_ID_LENGTH
        && bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_an_absolute_uri_without_surprises() {
        for uri in ALLOWED_NAMESPACES.iter().chain(&[
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
        for id in ["", "1a", "-a", ".a", "a b", "a:b", "ä", "a\n", "#a", &"a".repeat(MAX_ID_LENGTH + 1)] {
            assert!(!is_id(id), "{id}");
        }
    }
}
