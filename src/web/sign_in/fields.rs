//! The names of fields that several pages have.

/// The field with the name of the request.
pub const REQUEST: &str = "request";
