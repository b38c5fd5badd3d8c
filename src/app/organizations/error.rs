//! Why an organization cannot be as it is asked for.

use crate::app::json_schema::{SchemaError, Violation};

/// A rule of the tree, of templates or of metadata that forbids a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrganizationError {
    /// It has other organizations below it, so that it cannot be deleted.
    #[error("there are organizations below this one; delete or move them first")]
    HasChildren,
    /// An organization below it is in use, so that it cannot be switched off.
    #[error("organizations below this one are in use; switch them off first")]
    HasActiveChildren,
    /// The organization above it is switched off, so that it cannot be in use.
    #[error("the organization above it is switched off; switch that on first")]
    ParentDisabled,
    /// It is a template: nobody signs in to it, nothing is pushed into it, and nothing is below it.
    #[error("this organization is a template, which has no {0}")]
    IsTemplate(&'static str),
    /// It cannot become a template for what it has.
    #[error("an organization that has {0} cannot be a template")]
    CannotBeTemplate(&'static str),
    /// What is named as a template is an ordinary organization.
    #[error("the organization {0} is not a template")]
    NotATemplate(String),
    /// It is not below the organization in which the caller acts.
    #[error("this organization is not below yours")]
    NotBelow,
    /// It is the root organization, which is the environment itself.
    #[error("the root organization is not changed")]
    IsRoot,
    /// An attribute that it does not have would be replaced or removed.
    #[error("the organization has no attribute {key}")]
    NoSuchAttribute {
        /// The key.
        key: String,
        /// Whether it would be removed; else replaced.
        removed: bool,
    },
    /// An organization would be above itself.
    #[error("an organization cannot be below itself")]
    ParentCycle,
    /// The schema of the metadata cannot be used.
    #[error("the schema of the metadata: {0}")]
    InvalidSchema(SchemaError),
    /// The metadata does not match its schema.
    #[error("the metadata does not match its schema{}", list(.0))]
    MetadataViolations(Vec<Violation>),
}

impl OrganizationError {
    /// The code of those that programs tell apart.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::HasChildren => Some("organization_has_children"),
            Self::IsTemplate(_) => Some("organization_is_template"),
            _ => None,
        }
    }

    /// The setting that it is about, as the API spells it; empty for the organization as a whole.
    pub fn field(&self) -> &'static str {
        match self {
            Self::HasActiveChildren => "disabled",
            Self::ParentDisabled | Self::ParentCycle => "parentId",
            Self::CannotBeTemplate(_) => "template",
            Self::NotATemplate(_) => "templateId",
            Self::InvalidSchema(_) => "metadataSchema",
            Self::MetadataViolations(_) => "metadata",
            Self::NoSuchAttribute { .. } => "attributes",
            Self::HasChildren | Self::IsTemplate(_) | Self::NotBelow | Self::IsRoot => "",
        }
    }
}

/// The first few violations, for people.
fn list(violations: &[Violation]) -> String {
    let shown = violations.iter().take(5).map(|violation| match violation.path.as_str() {
        "" => violation.message.clone(),
        path => format!("{path} {}", violation.message),
    });
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { String::new() } else { format!(": {}", shown.join("; ")) }
}
