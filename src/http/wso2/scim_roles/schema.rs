//! The schema of a role.

/// Its URN.
pub(super) const SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:2.0:Role";
