//! The errors of organizations, with their codes. Conflicts are 400 as everything else; only an unknown organization is 404, and making
//! one below another organization than the caller's 403.

use std::fmt::Display;

use actix_web::http::StatusCode;

use crate::{
    app::{Error, organizations::error::OrganizationError},
    http::wso2::error::Wso2Error,
};

/// A refusal: its code, what it is called, and what is wrong, with `%s` for what it is about.
pub(in crate::http::wso2) struct Refusal(&'static str, &'static str, &'static str);

macro_rules! refusals {
    ($($name:ident = $code:literal, $message:literal, $description:literal;)*) => {
        $(pub(in crate::http::wso2) const $name: Refusal = Refusal(concat!("ORG-", $code), $message, $description);)*
    };
}

refusals! {
    INVALID_REQUEST = "60001", "Invalid request.", "Provided request body content is not in the expected format.";
    FIELD_MISSING = "60002", "Invalid request body.", "Missing required field : %s";
    KEY_MISSING = "60003", "Invalid request body.", "Attribute keys cannot be empty.";
    KEY_TWICE = "60004", "Invalid request body.", "Attribute keys cannot be duplicated.";
    HAS_CHILDREN = "60007", "Unable to delete the organization.", "Organization with ID: %s has one or more child organizations.";
    OPERATION_MISSING = "60008", "Unable to patch the organization.", "Missing patch operation in the patch request sent for organization with ID: %s.";
    OPERATION_INVALID = "60009", "Unable to patch the organization.", "Invalid patch operation: %s. Patch operation must be one of ['add', 'replace', 'remove'].";
    PATH_MISSING = "60010", "Unable to patch the organization.", "Patch path is not defined.";
    PATH_INVALID = "60011", "Unable to patch the organization.", "Provided path :%s is invalid.";
    VALUE_MISSING = "60012", "Missing required value.", "Value is mandatory for 'add' and 'replace' operations.";
    ONLY_REPLACED = "60013", "Unable to patch the organization.", "Mandatory fields can only be replaced. Provided op : %s";
    UNKNOWN = "60015", "Invalid organization.", "Organization with ID: %s doesn't exist.";
    ATTRIBUTE_VALUE_MISSING = "60016", "Invalid request body.", "Attribute value is required for all attributes.";
    NAME_RESERVED = "60017", "Organization name unavailable.", "Creating an organization with name: %s is restricted. Use a different organization name.";
    ATTRIBUTE_KEY_UNDEFINED = "60018", "Unable to patch the organization.", "Missing attribute key.";
    REMOVED_MISSING = "60019", "Unable to patch the organization.", "Cannot remove non existing attribute key: %s";
    REPLACED_MISSING = "60020", "Unable to patch the organization.", "Cannot replace non existing attribute key: %s";
    ELSEWHERE = "60021", "Unable to create the organization.", "Unauthorized request to add an organization to parent organization with ID: %s.";
    FILTER_INVALID = "60022", "Unable to retrieve organizations.", "Invalid format used for filtering.";
    FILTER_ATTRIBUTE = "60023", "Unsupported filter attribute.", "The filter attribute '%s' is not supported.";
    FILTER_COMPLEX = "60024", "Unsupported filter.", "The complex query used for filtering is not supported.";
    LIMIT_NEGATIVE = "60025", "Invalid pagination parameters.", "'limit' shouldn't be negative.";
    CURSOR_INVALID = "60026", "Unable to retrieve organizations.", "Invalid cursor used for pagination.";
    STATUS_INVALID = "60028", "Unsupported status provided.", "Organization status must be 'ACTIVE' or 'DISABLED'.";
    ACTIVE_CHILDREN = "60029", "Active child organizations exist.", "Organization with ID: %s can't be disabled as there are active child organizations.";
    PARENT_DISABLED = "60030", "Parent organization is disabled.", "To set the child organization status as active, parent organization should be in active status.";
    NEW_PARENT_DISABLED = "60031", "Parent organization is disabled.", "To create a child organization in organization with ID: %s, it should be in active status.";
    TYPE_INVALID = "60034", "Invalid organization type.", "The organization type should be 'TENANT'.";
    ROOT_UNCHANGED = "60050", "Super organization can't be disabled or deleted.", "Organization %s can't be disabled or deleted.";
    ROOT_NAMED = "60051", "Super organization can't be renamed.", "Organization %s can't be renamed.";
    NOT_BELOW = "60064", "Organization can only be managed from an ancestor organization.", "Organization %s can't be managed from this organization.";
    TIME_INVALID = "60071", "Unable to retrieve organizations.", "Invalid timestamp used for filtering: %s";
    FILTER_OPERATOR = "60072", "Unable to retrieve organizations.", "The filter operator is not supported for the attribute '%s'.";
    NAME_TAKEN = "60076", "Organization name unavailable.", "Organization name: %s already exists in the organization hierarchy.";
    DISCOVERY_OFF = "60080", "Organization discovery is not enabled.", "Organization discovery is not enabled in the root organization.";
    DISCOVERY_ELSEWHERE = "60081", "Organization discovery attributes can be managed only from the root organization.", "Organization %s can't manage organization discovery attributes.";
    DISCOVERY_TYPE_TWICE = "60082", "Duplicate discovery attribute types.", "The discovery attribute type %s is given more than once.";
    DISCOVERY_TAKEN = "60083", "Organization discovery attribute value unavailable.", "The discovery attribute value is already taken by another organization in the hierarchy: %s";
    DISCOVERY_TYPE = "60084", "Unsupported discovery attribute type.", "The discovery attribute type %s is not supported.";
    DISCOVERY_EXISTS = "60085", "Organization discovery attributes are already added.", "Discovery attributes are already added for organization with ID: %s.";
    DISCOVERY_EMPTY = "60088", "Empty discovery attribute values.", "Values are required for the discovery attribute type %s.";
    DISCOVERY_MALFORMED = "60092", "Invalid email domain.", "The email domain is not valid: %s";
    CREATOR_INVALID = "60096", "Invalid organization creator.", "The creator of the organization must be a user of the organization that creates it: %s";
    NAME_HTML = "60097", "Invalid organization name.", "Organization name cannot contain HTML content.";
    HANDLE_TAKEN = "60100", "Organization handle unavailable.", "Organization handle: %s already exists.";
}

/// The error of a refusal, about what the caller named: as much of it as anybody reads.
pub(in crate::http::wso2) fn refuse(refusal: &Refusal, about: impl Display) -> Wso2Error {
    let Refusal(code, message, description) = refusal;
    let status = match *code {
        "ORG-60015" => StatusCode::NOT_FOUND,
        "ORG-60021" => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let about: String = about.to_string().chars().filter(|c| !c.is_control()).take(255).collect();
    Wso2Error::new(status, *code, *message, description.replace("%s", &about))
}

/// The error of a use case about the organization that the caller names so. `name` and `handle` are what it wants to call it.
pub(in crate::http::wso2) fn of(error: Error, id: &str, name: &str, handle: &str) -> Wso2Error {
    match &error {
        Error::Organization(known) => match known {
            OrganizationError::HasChildren => refuse(&HAS_CHILDREN, id),
            OrganizationError::HasActiveChildren => refuse(&ACTIVE_CHILDREN, id),
            OrganizationError::ParentDisabled => refuse(&PARENT_DISABLED, id),
            OrganizationError::NotBelow => refuse(&NOT_BELOW, id),
            OrganizationError::IsRoot => refuse(&ROOT_UNCHANGED, id),
            OrganizationError::NoSuchAttribute { key, removed: true } => refuse(&REMOVED_MISSING, key),
            OrganizationError::NoSuchAttribute { key, removed: false } => refuse(&REPLACED_MISSING, key),
            _ => error.into(),
        },
        Error::NotFound { kind: "organization", .. } => refuse(&UNKNOWN, id),
        Error::Conflict { field: "name", .. } => refuse(&NAME_TAKEN, name),
        Error::Conflict { field: "handle", .. } => refuse(&HANDLE_TAKEN, handle),
        _ => error.into(),
    }
}

/// The error of a request that cannot be read as what it should be.
pub(in crate::http::wso2) fn invalid(description: String) -> Wso2Error {
    let Refusal(code, message, _) = INVALID_REQUEST;
    Wso2Error::new(StatusCode::BAD_REQUEST, code, message, description)
}
