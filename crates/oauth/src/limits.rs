//! Limits on requests.

/// Maximum size of an encoded request in bytes. It fits every known parameter at its maximum length.
pub const MAX_REQUEST_BYTES: usize = 32 * 1024;

/// Maximum number of parameters of a request. The largest valid authorization request has twenty.
pub const MAX_PARAMETERS: usize = 64;

/// Maximum length of one value in bytes.
pub const MAX_VALUE_BYTES: usize = 4 * 1024;
