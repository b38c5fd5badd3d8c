//! Organizations as the API shows them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    app::organizations::subtree::{Ancestor, Node},
    http::wso2::call::{Call, uuid},
    links::wso2,
};

/// The handle of the root organization of the default environment, as WSO2's own installations have it.
const ROOT_HANDLE: &str = "carbon.super";

/// An attribute.
#[derive(Debug, Serialize)]
pub(super) struct Attribute {
    key: String,
    value: String,
}

fn attributes(attributes: BTreeMap<String, String>) -> Vec<Attribute> {
    attributes.into_iter().map(|(key, value)| Attribute { key, value }).collect()
}

/// The organization above another one.
#[derive(Debug, Serialize)]
struct Parent {
    id: String,
    #[serde(rename = "ref")]
    reference: String,
}

/// An organization above another one, in a path.
#[derive(Debug, Serialize)]
struct AncestorObject {
    id: String,
    name: String,
    depth: i64,
}

/// Values of one type by which people are led to their organization.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http::wso2) struct DiscoveryAttribute {
    /// What they are.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The values.
    pub values: Vec<String>,
}

/// An organization.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrganizationObject {
    id: String,
    name: String,
    org_handle: String,
    description: String,
    status: &'static str,
    version: &'static str,
    created: String,
    last_modified: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Parent>,
    has_children: bool,
    attributes: Vec<Attribute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ancestor_path: Option<Vec<AncestorObject>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discovery_attributes: Option<Vec<DiscoveryAttribute>>,
}

impl OrganizationObject {
    /// It with what the caller's token permits.
    pub fn with_permissions(self, permissions: Vec<String>) -> Self {
        Self { permissions: Some(permissions), ..self }
    }

    /// It with those above it.
    pub fn with_ancestors<B>(self, call: &Call<B>, ancestors: Vec<Ancestor>) -> Self {
        let object = |ancestor: Ancestor| AncestorObject {
            id: call.organization_text(ancestor.id),
            name: ancestor.name,
            depth: ancestor.depth,
        };
        Self { ancestor_path: Some(ancestors.into_iter().map(object).collect()), ..self }
    }

    /// It with what leads people to it.
    pub fn with_discovery(self, attributes: Vec<DiscoveryAttribute>) -> Self {
        Self { discovery_attributes: Some(attributes), ..self }
    }
}

/// An organization in a list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BasicObject {
    id: String,
    name: String,
    org_handle: String,
    status: &'static str,
    version: &'static str,
    has_children: bool,
    #[serde(rename = "ref")]
    reference: String,
    attributes: Vec<Attribute>,
}

fn status(disabled: bool) -> &'static str {
    if disabled { "DISABLED" } else { "ACTIVE" }
}

impl<B> Call<B> {
    /// Where an organization is found.
    pub(super) fn reference(&self, id: &str) -> String {
        format!("{}{}/{id}", self.prefix(), wso2::ORGANIZATIONS[0])
    }

    fn handle(&self, node: &Node) -> String {
        match (&node.handle, node.parent_id) {
            (Some(handle), _) => handle.clone(),
            (None, Some(_)) => uuid(node.id),
            (None, None) if self.is_default => ROOT_HANDLE.to_owned(),
            (None, None) => self.tenant.name.clone(),
        }
    }

    fn name(node: &Node) -> String {
        match node.name.is_empty() {
            false => node.name.clone(),
            true => uuid(node.id),
        }
    }

    /// An organization.
    pub(super) fn object(&self, node: Node) -> OrganizationObject {
        let parent = node.parent_id.map(|id| {
            let id = self.organization_text(id);
            Parent { reference: self.reference(&id), id }
        });
        OrganizationObject {
            id: self.organization_text(node.id),
            name: Self::name(&node),
            org_handle: self.handle(&node),
            status: status(node.disabled),
            version: node.version.as_str(),
            created: node.created_at.to_string(),
            last_modified: node.updated_at.to_string(),
            kind: "TENANT",
            parent,
            has_children: node.has_children,
            description: node.description,
            attributes: attributes(node.attributes),
            permissions: None,
            ancestor_path: None,
            discovery_attributes: None,
        }
    }

    /// An organization in a list.
    pub(super) fn basic(&self, node: Node) -> BasicObject {
        let id = self.organization_text(node.id);
        BasicObject {
            name: Self::name(&node),
            org_handle: self.handle(&node),
            status: status(node.disabled),
            version: node.version.as_str(),
            has_children: node.has_children,
            reference: self.reference(&id),
            attributes: attributes(node.attributes),
            id,
        }
    }
}
