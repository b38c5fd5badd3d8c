//! The errors of SCIM requests (RFC 7644 §3.12, RFC 9865 §2.5).

use std::fmt;

use serde_json::{Value, json};

/// The schema of an error body (RFC 7644 §8.7.2, §3.12).
pub const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// An error. Each variant has one status and at most one `scimType`; the text is the `detail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The filter does not match the grammar of RFC 7644 §3.4.2.2, or compares incompatible types.
    InvalidFilter(String),
    /// The filter needs more work than one request may use.
    TooMany(String),
    /// A value that must be unique is already used.
    Uniqueness(String),
    /// A read-only, immutable or required attribute would be changed or removed.
    Mutability(String),
    /// The body's structure does not match the request's schema.
    InvalidSyntax(String),
    /// The `path` of a PATCH operation is malformed or names no attribute of this resource.
    InvalidPath(String),
    /// The `path` of a PATCH operation selects no value.
    NoTarget(String),
    /// A required value is missing, or a value does not fit its attribute.
    InvalidValue(String),
    /// The requested protocol version is not supported.
    InvalidVersion(String),
    /// The request would put confidential data into a URL.
    Sensitive(String),
    /// RFC 9865: the cursor is invalid, or belongs to another query.
    InvalidCursor(String),
    /// RFC 9865: the cursor has expired.
    ExpiredCursor(String),
    /// RFC 9865: the count differs from that of the cursor's query.
    InvalidCount(String),
    /// No token, or not this directory's.
    Unauthorized(String),
    /// The request is understood and not allowed (RFC 7644 §4: a filter at a discovery endpoint).
    Forbidden(String),
    /// The directory or its environment reached a limit on stored or written data. RFC 7644 has no code for
    /// it; clients do not retry a 403 (§3.12) at once, as they do 413, 429 and 5xx.
    QuotaExceeded(String),
    /// There is no such resource.
    NotFound(String),
    /// The endpoint does not support this method.
    MethodNotAllowed(String),
    /// The media type of the request or of what the client accepts is none that is served.
    NotAcceptable(String),
    /// The request conflicts with the resource's state (RFC 7644 §3.7.1: circular references).
    Conflict(String),
    /// `If-Match` names another version (RFC 7644 §3.14).
    PreconditionFailed(String),
    /// The body, or the work it requires, exceeds the server's limit (RFC 7644 §3.7.4).
    TooLarge(String),
    /// The body's media type is not JSON.
    UnsupportedMediaType(String),
    /// Too many requests.
    Limited(String),
    /// The server is overloaded.
    Unavailable(String),
    /// The RFC defines the request, but it is not supported.
    NotImplemented(String),
    /// An internal error. The text does not disclose the cause.
    Internal(String),
}

impl Error {
    /// The HTTP status, which the body repeats as a string.
    pub const fn status(&self) -> u16 {
        match self {
            Self::InvalidFilter(_)
            | Self::TooMany(_)
            | Self::Mutability(_)
            | Self::InvalidSyntax(_)
            | Self::InvalidPath(_)
            | Self::NoTarget(_)
            | Self::InvalidValue(_)
            | Self::InvalidVersion(_)
            | Self::InvalidCursor(_)
            | Self::ExpiredCursor(_)
            | Self::InvalidCount(_) => 400,
            Self::Unauthorized(_) => 401,
            Self::Sensitive(_) | Self::Forbidden(_) | Self::QuotaExceeded(_) => 403,
            Self::NotFound(_) => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::NotAcceptable(_) => 406,
            Self::Uniqueness(_) | Self::Conflict(_) => 409,
            Self::PreconditionFailed(_) => 412,
            Self::TooLarge(_) => 413,
            Self::UnsupportedMediaType(_) => 415,
            Self::Limited(_) => 429,
            Self::Internal(_) => 500,
            Self::NotImplemented(_) => 501,
            Self::Unavailable(_) => 503,
        }
    }

    /// The keyword of RFC 7644 table 9 and RFC 9865 §2.5, where there is one.
    pub const fn scim_type(&self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidFilter(_) => "invalidFilter",
            Self::TooMany(_) => "tooMany",
            Self::Uniqueness(_) => "uniqueness",
            Self::Mutability(_) => "mutability",
            Self::InvalidSyntax(_) => "invalidSyntax",
            Self::InvalidPath(_) => "invalidPath",
            Self::NoTarget(_) => "noTarget",
            Self::InvalidValue(_) => "invalidValue",
            Self::InvalidVersion(_) => "invalidVers",
            Self::Sensitive(_) => "sensitive",
            Self::InvalidCursor(_) => "invalidCursor",
            Self::ExpiredCursor(_) => "expiredCursor",
            Self::InvalidCount(_) => "invalidCount",
            _ => return None,
        })
    }

    /// A stable code for logs: the `scimType`, or our own code where the RFC has none.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "unauthorized",
            Self::Forbidden(_) => "forbidden",
            Self::QuotaExceeded(_) => "quotaExceeded",
            Self::NotFound(_) => "notFound",
            Self::MethodNotAllowed(_) => "methodNotAllowed",
            Self::NotAcceptable(_) => "notAcceptable",
            Self::Conflict(_) => "conflict",
            Self::PreconditionFailed(_) => "preconditionFailed",
            Self::TooLarge(_) => "tooLarge",
            Self::UnsupportedMediaType(_) => "unsupportedMediaType",
            Self::Limited(_) => "limited",
            Self::Unavailable(_) => "unavailable",
            Self::NotImplemented(_) => "notImplemented",
            Self::Internal(_) => "internal",
            _ => match self.scim_type() {
                Some(keyword) => keyword,
                None => "error",
            },
        }
    }

    /// The `detail`: a sentence.
    pub fn detail(&self) -> &str {
        match self {
            Self::InvalidFilter(detail)
            | Self::TooMany(detail)
            | Self::Uniqueness(detail)
            | Self::Mutability(detail)
            | Self::InvalidSyntax(detail)
            | Self::InvalidPath(detail)
            | Self::NoTarget(detail)
            | Self::InvalidValue(detail)
            | Self::InvalidVersion(detail)
            | Self::Sensitive(detail)
            | Self::InvalidCursor(detail)
            | Self::ExpiredCursor(detail)
            | Self::InvalidCount(detail)
            | Self::Unauthorized(detail)
            | Self::Forbidden(detail)
            | Self::QuotaExceeded(detail)
            | Self::NotFound(detail)
            | Self::MethodNotAllowed(detail)
            | Self::NotAcceptable(detail)
            | Self::Conflict(detail)
            | Self::PreconditionFailed(detail)
            | Self::TooLarge(detail)
            | Self::UnsupportedMediaType(detail)
            | Self::Limited(detail)
            | Self::Unavailable(detail)
            | Self::NotImplemented(detail)
            | Self::Internal(detail) => detail,
        }
    }

    /// The error body: `schemas`, `status` as a string, `scimType` where there is one, `detail`.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "schemas": [ERROR_SCHEMA],
            "status": self.status().to_string(),
            "detail": self.detail(),
        });
        if let (Some(keyword), Some(body)) = (self.scim_type(), body.as_object_mut()) {
            body.insert("scimType".into(), keyword.into());
        }
        body
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code(), self.detail())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_body_is_that_of_the_rfc() {
        let taken = Error::Uniqueness("userName is taken".into());
        assert_eq!(
            taken.to_json(),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "scimType": "uniqueness",
                "status": "409",
                "detail": "userName is taken",
            })
        );
        let missing = Error::NotFound("no such user".into());
        assert_eq!(missing.to_json().get("scimType"), None);
        assert_eq!(missing.code(), "notFound");
        assert_eq!(missing.to_string(), "notFound: no such user");
    }
}
