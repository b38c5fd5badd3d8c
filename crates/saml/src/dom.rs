//! Small helpers over the parsed document. Elements and attributes are found by namespace and local
//! name together, never by local name alone.

use std::borrow::Cow;

use uppsala::{Document, NodeId, NodeKind};

/// The namespaces of a SAML response.
pub(super) mod ns {
    pub use crate::identifiers::namespace::*;

    /// XML Signature 1.1, in which EC keys are written.
    pub const SIGNATURE_11: &str = "http://www.w3.org/2009/xmldsig11#";
    /// `xml:` itself.
    pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
}

/// An element of a document.
#[derive(Clone, Copy)]
pub(super) struct Element<'d> {
    document: &'d Document<'d>,
    node: NodeId,
}

impl<'d> Element<'d> {
    /// The document's root element.
    pub fn root(document: &'d Document<'d>) -> Option<Self> {
        document.document_element().map(|node| Self { document, node })
    }

    /// The document it belongs to.
    pub fn document(self) -> &'d Document<'d> {
        self.document
    }

    /// Its node.
    pub fn node(self) -> NodeId {
        self.node
    }

    /// The parser's element.
    pub fn data(self) -> &'d uppsala::Element<'d> {
        // An `Element` is made only of nodes that are elements; documents here are never changed.
        self.document.element(self.node).expect("the node is an element")
    }

    /// Whether it has this namespace and this local name.
    pub fn is(self, namespace: &str, name: &str) -> bool {
        self.data().matches_name_ns(namespace, name)
    }

    /// Its namespace.
    pub fn namespace(self) -> Option<&'d str> {
        self.data().name.namespace_uri.as_deref()
    }

    /// Its local name.
    pub fn name(self) -> &'d str {
        &self.data().name.local_name
    }

    /// The attribute of this name that has no namespace.
    pub fn attribute(self, name: &str) -> Option<&'d str> {
        self.data()
            .attributes
            .iter()
            .find(|attribute| attribute.name.namespace_uri.is_none() && attribute.name.local_name == name)
            .map(|attribute| &*attribute.value)
    }

    /// Its child elements.
    pub fn elements(self) -> impl Iterator<Item = Element<'d>> + 'd {
        let document = self.document;
        document
            .children_iter(self.node)
            .filter(move |&node| document.element(node).is_some())
            .map(move |node| Element { document, node })
    }

    /// Its child elements of this name.
    pub fn children(
        self,
        namespace: &'static str,
        name: &'static str,
    ) -> impl Iterator<Item = Element<'d>> + 'd {
        self.elements().filter(move |child| child.is(namespace, name))
    }

    /// Its first child element of this name.
    pub fn child(self, namespace: &'static str, name: &'static str) -> Option<Element<'d>> {
        self.children(namespace, name).next()
    }

    /// Whether it has a text child that is not white space.
    pub fn has_text(self) -> bool {
        self.document.children_iter(self.node).any(|node| match self.document.node_kind(node) {
            Some(NodeKind::Text(text) | NodeKind::CData(text)) => !trim(text).is_empty(),
            _ => false,
        })
    }

    /// Its trimmed text; none when it has a child that is not text.
    pub fn text(self) -> Option<Cow<'d, str>> {
        let mut text = Cow::Borrowed("");
        for node in self.document.children_iter(self.node) {
            match self.document.node_kind(node) {
                Some(NodeKind::Text(part) | NodeKind::CData(part)) if text.is_empty() => {
                    text = Cow::Borrowed(part)
                }
                Some(NodeKind::Text(part) | NodeKind::CData(part)) => text.to_mut().push_str(part),
                _ => return None,
            }
        }
        Some(match text {
            Cow::Borrowed(text) => Cow::Borrowed(trim(text)),
            Cow::Owned(text) => Cow::Owned(trim(&text).to_owned()),
        })
    }

    /// The trimmed text of it and of its descendants.
    pub fn deep_text(self) -> Cow<'d, str> {
        self.text()
            .unwrap_or_else(|| Cow::Owned(trim(&self.document.text_content_deep(self.node)).to_owned()))
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.document, other.document) && self.node == other.node
    }
}

/// XML white space: four characters and no others (XML 1.0 §2.3).
pub(super) const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Removes XML white space at both ends.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_of_another_namespace_is_another_attribute() {
        let document = uppsala::parse(r#"<r xmlns:e="urn:e" e:ID="forged" ID="real"/>"#).unwrap();
        let root = Element::root(&document).unwrap();
        assert_eq!(root.attribute("ID"), Some("real"));
        let document = uppsala::parse(r#"<r xmlns:e="urn:e" e:ID="forged"/>"#).unwrap();
        assert_eq!(Element::root(&document).unwrap().attribute("ID"), None);
    }

    #[test]
    fn text_is_whole_or_refused() {
        let text = |xml: &str| {
            let document = uppsala::parse(xml).unwrap();
            Element::root(&document).unwrap().text().map(Cow::into_owned)
        };
        assert_eq!(text("<r> a<![CDATA[b ]]> c\n</r>").as_deref(), Some("ab  c"));
        assert_eq!(text("<r>\u{a0}a\u{a0}</r>").as_deref(), Some("\u{a0}a\u{a0}"));
        assert_eq!(text("<r>a<b/>c</r>"), None);
        assert_eq!(text("<r>a<!-- x -->c</r>"), None);
        assert_eq!(text("<r/>").as_deref(), Some(""));
    }
}
