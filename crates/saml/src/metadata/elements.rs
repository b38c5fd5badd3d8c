//! The elements and attributes of a metadata document.

use uppsala::{Document, NodeId};

/// Whether the node is an element of this name.
pub(super) fn is(document: &Document<'_>, node: NodeId, uri: &str, name: &str) -> bool {
    document.element(node).is_some_and(|element| element.matches_name_ns(uri, name))
}

/// The children of this name.
pub(super) fn child_elements<'d>(
    document: &'d Document<'_>,
    parent: NodeId,
    uri: &'d str,
    name: &'d str,
) -> impl Iterator<Item = NodeId> + 'd {
    document.children_iter(parent).filter(move |&child| is(document, child, uri, name))
}

/// The trimmed value of an attribute without a namespace.
pub(super) fn attribute<'d>(document: &'d Document<'_>, node: NodeId, name: &str) -> Option<&'d str> {
    let element = document.element(node)?;
    let found =
        element.attributes.iter().find(|a| a.name.namespace_uri.is_none() && a.name.local_name == name);
    found.map(|attribute| attribute.value.trim())
}
