//! The HTTP response of a use case's error on each surface: one table of kind × surface.
//!
//! | kind               | API (code)  | page | OAuth (error)                 | SCIM (scimType)    |
//! |--------------------|-------------|------|-------------------------------|--------------------|
//! | Unauthenticated    | 401 (16)    | 401  | 401 (invalid_request)         | 401                |
//! | Forbidden          | 403 (7)     | 403  | 403 (access_denied)           | 403                |
//! | NotFound           | 404 (5)     | 404  | 404 (invalid_request)         | 404                |
//! | Conflict           | 400 (3)     | 400  | 400 (invalid_request)         | 409 (uniqueness)   |
//! | Invalid            | 400 (3)     | 400  | 400 (invalid_request)         | 400 (invalidValue) |
//! | Outdated           | 412 (10)    | 412  | 412 (invalid_request)         | 412                |
//! | FailedPrecondition | 400 (9)     | 400  | 400 (invalid_request)         | 412                |
//! | Organization       | 400 (9)     | 400  | 400 (invalid_request)         | 412                |
//! | Rule               | by its kind | same | same (invalid_request)        | by its kind        |
//! | Limited            | 429 (8)     | 429  | 429 (temporarily_unavailable) | 429                |
//! | Unavailable        | 503 (14)    | 503  | 503 (temporarily_unavailable) | 503                |
//! | Internal           | 500 (13)    | 500  | 500 (server_error)            | 500                |
//!
//! Errors of the OAuth protocol are `oauth::Error`, those of SCIM are [`scim::Error`].
//!
//! The API never answers a caller's mistake with 409 or 5xx: SDKs retry those, as they should after 503.

use std::fmt;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde_json::json;

use super::fallback;
use crate::{
    app::{Error, RuleKind, directories::provisioning, pagination},
    web::kit::{
        error::{self, Area},
        routing::{ErrorFormat, MatchedRoute},
    },
};

/// An error of a use case, and the format in which it is returned.
#[derive(Debug)]
pub struct ApiError {
    format: ErrorFormat,
    error: Error,
}

impl ApiError {
    /// An error of the REST API.
    pub fn api(error: Error) -> Self {
        Self { format: ErrorFormat::Api, error }
    }

    /// An error for OAuth clients (RFC 6749 §5.2).
    pub fn oauth(error: Error) -> Self {
        Self { format: ErrorFormat::Oauth, error }
    }

    /// An error for SCIM clients (RFC 7644 §3.12).
    pub fn scim(error: Error) -> Self {
        Self { format: ErrorFormat::Scim, error }
    }

    /// An error of a route for browsers: a page, or JSON for clients that do not accept HTML.
    pub fn page(error: Error, request: &HttpRequest) -> Self {
        Self { format: MatchedRoute::error_format(request), error }
    }

    /// The error, when it is rendered as a page.
    pub fn page_error(&self) -> Option<&Error> {
        (self.format == ErrorFormat::Page).then_some(&self.error)
    }

    /// The HTTP status. SCIM differs for conflicts; all other surfaces share those of pages.
    fn status(&self) -> StatusCode {
        match &self.error {
            Error::Conflict { .. } if self.format == ErrorFormat::Scim => StatusCode::CONFLICT,
            Error::FailedPrecondition(_) | Error::Organization(_) if self.format == ErrorFormat::Scim => {
                StatusCode::PRECONDITION_FAILED
            }
            // The class of the SCIM error that it becomes.
            Error::Rule(rule) if self.format == ErrorFormat::Scim => match rule.kind {
                RuleKind::Forbidden => StatusCode::FORBIDDEN,
                RuleKind::NotFound | RuleKind::Expired => StatusCode::NOT_FOUND,
                RuleKind::Conflict => StatusCode::PRECONDITION_FAILED,
                RuleKind::Invalid => StatusCode::BAD_REQUEST,
                RuleKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            },
            error => error::status(error),
        }
    }

    /// The gRPC code, as SSOReady returns it.
    fn grpc_code(&self) -> u8 {
        match &self.error {
            Error::Unauthenticated(_) => 16,
            Error::Forbidden(_) => 7,
            Error::NotFound { .. } => 5,
            Error::Conflict { .. } | Error::Invalid { .. } | Error::InvalidFields(_) => 3,
            Error::FailedPrecondition(_) | Error::Organization(_) => 9,
            Error::Rule(rule) => match rule.kind {
                RuleKind::Forbidden => 7,
                RuleKind::NotFound => 5,
                RuleKind::Conflict | RuleKind::Expired => 9,
                RuleKind::Invalid => 3,
                RuleKind::Unavailable => 14,
            },
            Error::Outdated { .. } => 10,
            Error::Limited { .. } => 8,
            Error::Unavailable { .. } => 14,
            Error::Internal(_) => 13,
        }
    }

    /// OAuth's error code.
    fn oauth_code(&self) -> &'static str {
        match &self.error {
            Error::Internal(_) => "server_error",
            Error::Limited { .. } | Error::Unavailable { .. } => "temporarily_unavailable",
            Error::Forbidden(_) => "access_denied",
            _ => "invalid_request",
        }
    }

    /// The body as SSOReady returns it, with its texts where programs may compare them.
    fn envelope(&self) -> serde_json::Value {
        let (message, details) = match &self.error {
            Error::Invalid { field, reason } if field == pagination::TOKEN_FIELD => (
                String::new(),
                json!([{
                    "@type": "type.googleapis.com/google.rpc.BadRequest.FieldViolation",
                    "field": field,
                    "description": reason,
                }]),
            ),
            Error::Invalid { field, reason } if !field.is_empty() => {
                (format!("bad {field}: {reason}"), json!([]))
            }
            Error::Conflict { field, .. } => (format!("bad {field}: {}", self.error), json!([])),
            Error::Organization(error) if !error.field().is_empty() => {
                (format!("bad {}: {error}", error.field()), json!([]))
            }
            Error::Organization(error) if let Some(code) = error.code() => {
                (format!("{code}: {error}"), json!([]))
            }
            error => (error.to_string(), json!([])),
        };
        json!({ "code": self.grpc_code(), "message": message, "details": details })
    }

    /// The corresponding SCIM error.
    pub(super) fn to_scim_error(&self) -> scim::Error {
        provisioning::to_scim_error(&self.error)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        error::log_internal_error(&self.error);
        let mut response = match self.format {
            ErrorFormat::Page => error::respond(&self.error, Area::Login, None),
            // Handlers of those surfaces have errors of their own.
            ErrorFormat::Secureauth
            | ErrorFormat::Wso2
            | ErrorFormat::Sigid
            | ErrorFormat::Issuer
            | ErrorFormat::Api => HttpResponse::build(self.status()).json(self.envelope()),
            ErrorFormat::Scim => fallback::scim_error(self.status(), &self.to_scim_error().to_json()),
            ErrorFormat::Oauth => HttpResponse::build(self.status())
                .json(json!({ "error": self.oauth_code(), "error_description": self.to_string() })),
        };
        match &self.error {
            Error::Limited { retry_after } | Error::Unavailable { retry_after } => {
                let seconds = header::HeaderValue::from(retry_after.as_secs().max(1));
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
            }
            // RFC 9110 §15.5.2: a 401 names the authentication scheme.
            Error::Unauthenticated(_) if self.format == ErrorFormat::Api => {
                let scheme = header::HeaderValue::from_static("Bearer");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::body::MessageBody;

    use super::*;

    /// Every kind of error on every surface, as in the table of the module.
    #[test]
    fn every_kind_has_its_status_on_every_surface() {
        type Case = (fn() -> Error, u16, u8, &'static str);
        let kinds: [Case; 10] = [
            (|| Error::Unauthenticated("who?".into()), 401, 16, "who?"),
            (|| Error::Forbidden("no".into()), 403, 7, "no"),
            (|| Error::not_found("organization", "org_1"), 404, 5, "organization not found: org_1"),
            (
                || Error::Conflict { kind: "organization", field: "externalId" },
                400,
                3,
                "bad externalId: another organization already has this externalId",
            ),
            (|| Error::invalid("x", "is bad"), 400, 3, "bad x: is bad"),
            (|| Error::invalid("", "is bad"), 400, 3, "is bad"),
            (|| Error::FailedPrecondition("first y".into()), 400, 9, "first y"),
            (
                || Error::Limited { retry_after: Duration::from_secs(7) },
                429,
                8,
                "too many requests; try again in 7 seconds",
            ),
            (
                || Error::Unavailable { retry_after: Duration::from_secs(5) },
                503,
                14,
                "too much is being done at the moment; try again in 5 seconds",
            ),
            (|| Error::internal("the disk is full of secrets"), 500, 13, "something failed on our side"),
        ];
        for (error, status, code, message) in kinds {
            let answer = ApiError::api(error()).error_response();
            assert_eq!(answer.status(), status, "{message}");
            assert_eq!(answer.headers().contains_key(header::RETRY_AFTER), matches!(status, 429 | 503));
            assert_eq!(answer.headers().contains_key(header::WWW_AUTHENTICATE), status == 401);
            let body: serde_json::Value = serde_json::from_slice(&bytes(answer)).unwrap();
            assert_eq!(body, json!({ "code": code, "message": message, "details": [] }));

            for format in [ErrorFormat::Oauth, ErrorFormat::Page] {
                let answer = ApiError { format, error: error() }.error_response();
                assert_eq!(answer.status(), status, "{message}");
                let body = String::from_utf8(bytes(answer)).unwrap();
                assert!(!body.contains("secrets"), "{body}");
                let json = serde_json::from_str::<serde_json::Value>(&body);
                match format {
                    ErrorFormat::Oauth => assert!(json.unwrap()["error"].is_string()),
                    _ => assert!(body.starts_with("<!DOCTYPE html>"), "{body}"),
                }
            }
        }
    }

    fn bytes(answer: HttpResponse) -> Vec<u8> {
        answer.into_body().try_into_bytes().unwrap().to_vec()
    }
}
