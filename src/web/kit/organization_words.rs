//! What forbids a change of an organization, for the people who fill in forms: without the codes of the APIs, and with what they
//! can do.

use crate::app::organizations::error::OrganizationError;

/// What a template would get that has organizations below it.
const BELOW: &str = "organizations below it";

/// The field of the form at which it is shown; empty for the form as a whole.
pub(super) fn field(error: &OrganizationError) -> &'static str {
    match error {
        OrganizationError::IsTemplate(BELOW) => "parentId",
        error => error.field(),
    }
}

/// What is said there.
pub(super) fn reason(error: &OrganizationError) -> String {
    match error {
        OrganizationError::HasChildren => {
            "There are organizations below this one. Delete them first, or give them another parent.".to_owned()
        }
        OrganizationError::HasActiveChildren => {
            "There are organizations below this one that are in use. Switch those off first.".to_owned()
        }
        OrganizationError::ParentDisabled => {
            "The organization above it is switched off, so that this one cannot be in use. Switch that on first, or choose another parent."
                .to_owned()
        }
        OrganizationError::IsTemplate(BELOW) => {
            "This is a template, which has no organizations below it. Choose another parent.".to_owned()
        }
        OrganizationError::IsTemplate(what) => format!(
            "This is a template, which has no {what}. Make an organization from it, and give that one what it needs."
        ),
        OrganizationError::ParentCycle => {
            "This is the organization itself, or one below it: nothing is below itself. Choose another parent."
                .to_owned()
        }
        OrganizationError::InvalidSchema(error) => match error.path().trim_end_matches('/') {
            "" => error.reason(),
            path => format!("{path}: {}", error.reason()),
        },
        OrganizationError::NotATemplate(_)
        | OrganizationError::CannotBeTemplate(_)
        | OrganizationError::NotBelow
        | OrganizationError::IsRoot
        | OrganizationError::NoSuchAttribute { .. }
        | OrganizationError::MetadataViolations(_) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_no_codes() {
        for error in [
            OrganizationError::HasChildren,
            OrganizationError::HasActiveChildren,
            OrganizationError::ParentDisabled,
            OrganizationError::IsTemplate("domains"),
            OrganizationError::IsTemplate(BELOW),
            OrganizationError::ParentCycle,
            OrganizationError::CannotBeTemplate("domains"),
            OrganizationError::NotATemplate("acme".to_owned()),
        ] {
            assert!(!reason(&error).contains('_'), "{}", reason(&error));
        }
        assert_eq!(field(&OrganizationError::IsTemplate(BELOW)), "parentId");
        assert_eq!(field(&OrganizationError::IsTemplate("domains")), "");
    }
}
