//! The errors of the surface: `{"error":{"code","message","details":[…],"request_id"}}`.
//!
//! | kind of error      | status | code                                                        |
//! |--------------------|--------|-------------------------------------------------------------|
//! | Unauthenticated    | 401    | `unauthenticated`                                           |
//! | Forbidden          | 403    | `forbidden`                                                 |
//! | NotFound           | 404    | `not_found`                                                 |
//! | Conflict           | 409    | what is taken: `slug_taken`, `external_id_taken`            |
//! | Invalid            | 422    | `validation_failed`, each field in `details`                |
//! | Outdated           | 412    | `precondition_failed`                                       |
//! | Organization       | 409, 422 | each rule its own: `organization_has_children`            |
//! | Rule               | 403, 404, 409, 410, 422, 503 | the rule's own: `last_owner`          |
//! | FailedPrecondition | 409    | `failed_precondition`                                       |
//! | Limited            | 429    | `rate_limited`                                              |
//! | Unavailable        | 503    | `unavailable`                                               |
//! | Internal           | 500    | `internal`                                                  |
//!
//! A use case that has a code of its own for a refusal returns [`crate::app::Error::Rule`]: `Error::state(code, text)` and its
//! siblings. No handler matches on errors.

use std::{borrow::Cow, fmt, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::{
    app::{Error, RuleKind, organizations::error::OrganizationError},
    web::kit::error::log_internal_error,
};

/// An error of the surface.
#[derive(Debug, Clone)]
pub struct SigidError {
    status: StatusCode,
    code: Cow<'static, str>,
    message: String,
    details: Vec<Value>,
    retry_after: Option<Duration>,
    request_id: String,
}

/// An error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidError)]
pub struct Body<'a> {
    /// What is wrong.
    pub error: Told<'a>,
}

/// What is wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SigidErrorTold)]
pub struct Told<'a> {
    /// For programs.
    #[schema(example = "validation_failed")]
    pub code: &'a str,
    /// For people.
    pub message: &'a str,
    /// Of a request that is not valid: `field` and `message` each.
    #[schema(value_type = Vec<Object>)]
    pub details: &'a [Value],
    /// The request, as the server's log has it.
    pub request_id: &'a str,
}

impl SigidError {
    /// An error with a code of its own.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            details: Vec::new(),
            retry_after: None,
            request_id: String::new(),
        }
    }

    /// 400: the request cannot be read.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// 403: the caller's environment is another one than `X-Tenant-Id` names.
    pub fn tenant_mismatch() -> Self {
        Self::new(StatusCode::FORBIDDEN, "tenant_mismatch", "the access token is of another tenant")
    }

    /// 422 with a list of what is wrong, each with its field.
    pub fn violations(errors: impl IntoIterator<Item = (String, String)>) -> Self {
        let details: Vec<Value> = errors
            .into_iter()
            .map(|(field, message)| json!({ "field": field, "message": message }))
            .collect();
        let message = "the request is not valid: see details";
        Self { details, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed", message) }
    }

    /// An error outside of the routes.
    pub fn of_status(status: StatusCode, sentence: &'static str) -> Self {
        let code = match status {
            StatusCode::BAD_REQUEST => "malformed",
            StatusCode::UNAUTHORIZED => "unauthenticated",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::REQUEST_TIMEOUT => "request_timeout",
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
            StatusCode::TOO_MANY_REQUESTS => "rate_limited",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            status if status.is_server_error() => "internal",
            _ => "malformed",
        };
        Self::new(status, code, sentence)
    }

    /// The same error, with the id of the request.
    pub fn traced(&self, request_id: &str) -> Self {
        Self { request_id: request_id.to_owned(), ..self.clone() }
    }

    /// What is told of it.
    pub fn told(&self) -> Told<'_> {
        Told {
            code: &self.code,
            message: &self.message,
            details: &self.details,
            request_id: &self.request_id,
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// A rule of organizations.
    fn of_organization(error: &OrganizationError) -> Self {
        let text = error.to_string();
        // Where SSOReady's API has the code in the text, it stands beside it here.
        let told = |code: &str| {
            let rest = text.strip_prefix(code).and_then(|rest| rest.strip_prefix(": "));
            rest.unwrap_or(&text).to_owned()
        };
        let state = |code: &'static str| Self::new(StatusCode::CONFLICT, code, told(code));
        match error {
            OrganizationError::HasChildren => state("organization_has_children"),
            OrganizationError::HasActiveChildren => state("organization_has_active_children"),
            OrganizationError::ParentDisabled => state("parent_disabled"),
            OrganizationError::IsTemplate(_) => state("organization_is_template"),
            OrganizationError::InvalidSchema(error) => {
                Self::violations([(format!("metadata_schema{}", error.path()), error.reason())])
            }
            OrganizationError::MetadataViolations(violations) => Self::violations(
                violations.iter().map(|it| (format!("metadata{}", it.path), it.message.clone())),
            ),
            OrganizationError::NotATemplate(_)
            | OrganizationError::ParentCycle
            | OrganizationError::CannotBeTemplate(_)
            | OrganizationError::NotBelow
            | OrganizationError::IsRoot
            | OrganizationError::NoSuchAttribute { .. } => {
                Self::violations([(path_of(error.field()).to_owned(), text)])
            }
        }
    }
}

/// The name of a setting on this surface.
fn path_of(field: &str) -> &str {
    match field {
        "externalId" => "external_id",
        "parentId" => "parent_id",
        "templateId" => "template_id",
        "handle" => "slug",
        other => other,
    }
}

/// The code of a value that somebody else has.
fn conflict_code(kind: &str, field: &str) -> Cow<'static, str> {
    match (kind, field) {
        ("organization", "handle") => "slug_taken".into(),
        ("organization", "externalId" | "") => "external_id_taken".into(),
        (kind, _) => format!("{}_exists", kind.replace(' ', "_").to_ascii_lowercase()).into(),
    }
}

impl From<Error> for SigidError {
    fn from(error: Error) -> Self {
        log_internal_error(&error);
        let of = |status, code: &'static str| Self::new(status, code, error.to_string());
        match &error {
            Error::Unauthenticated(_) => of(StatusCode::UNAUTHORIZED, "unauthenticated"),
            Error::Forbidden(_) => of(StatusCode::FORBIDDEN, "forbidden"),
            // The parent and the template of an organization are named in the body.
            Error::NotFound { kind: kind @ ("parent" | "template"), .. } => {
                let code = format!("{kind}_not_found");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, error.to_string())
            }
            Error::NotFound { kind, .. } => {
                Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {kind}"))
            }
            Error::Conflict { kind, field } => {
                Self::new(StatusCode::CONFLICT, conflict_code(kind, field), error.to_string())
            }
            Error::Invalid { field, reason } => {
                Self::violations([(path_of(field).to_owned(), reason.to_string())])
            }
            Error::InvalidFields(fields) => Self::violations(fields.iter().cloned()),
            Error::Organization(error) => Self::of_organization(error),
            Error::Rule(rule) => {
                let status = match rule.kind {
                    RuleKind::Forbidden => StatusCode::FORBIDDEN,
                    RuleKind::NotFound => StatusCode::NOT_FOUND,
                    RuleKind::Conflict => StatusCode::CONFLICT,
                    RuleKind::Expired => StatusCode::GONE,
                    RuleKind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
                    RuleKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                };
                of(status, rule.code)
            }
            Error::Outdated { .. } => of(StatusCode::PRECONDITION_FAILED, "precondition_failed"),
            Error::FailedPrecondition(_) => of(StatusCode::CONFLICT, "failed_precondition"),
            Error::Limited { retry_after } => {
                Self { retry_after: Some(*retry_after), ..of(StatusCode::TOO_MANY_REQUESTS, "rate_limited") }
            }
            Error::Unavailable { retry_after } => {
                Self { retry_after: Some(*retry_after), ..of(StatusCode::SERVICE_UNAVAILABLE, "unavailable") }
            }
            Error::Internal(_) => of(StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

impl fmt::Display for SigidError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)
    }
}

impl ResponseError for SigidError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        if let Some(retry_after) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, retry_after.as_secs().max(1)));
        }
        response.json(Body { error: self.told() })
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody as _;

    use super::*;

    #[test]
    fn every_kind_has_its_status_and_its_code() {
        let second = Duration::from_secs(7);
        for (error, status, code) in [
            (Error::Unauthenticated("who?".into()), 401, "unauthenticated"),
            (Error::Forbidden("no".into()), 403, "forbidden"),
            (Error::not_found("organization", "org_1"), 404, "not_found"),
            (Error::not_found("parent", "x"), 422, "parent_not_found"),
            (Error::Conflict { kind: "organization", field: "handle" }, 409, "slug_taken"),
            (Error::Conflict { kind: "organization", field: "externalId" }, 409, "external_id_taken"),
            (Error::invalid("name", "is required"), 422, "validation_failed"),
            (Error::Outdated { version: 3 }, 412, "precondition_failed"),
            (Error::FailedPrecondition("first y".into()), 409, "failed_precondition"),
            (OrganizationError::HasChildren.into(), 409, "organization_has_children"),
            (Error::state("already_member", "x"), 409, "already_member"),
            (Error::forbidden("sso_required", "x"), 403, "sso_required"),
            (Error::unprocessable("invalid_domain", "x"), 422, "invalid_domain"),
            (Error::Limited { retry_after: second }, 429, "rate_limited"),
            (Error::Unavailable { retry_after: second }, 503, "unavailable"),
            (Error::internal("the disk is full of secrets"), 500, "internal"),
        ] {
            let response = SigidError::from(error).traced("r1").error_response();
            let (head, body) = response.into_parts();
            let body: Value = serde_json::from_slice(&body.try_into_bytes().unwrap()).unwrap();
            assert_eq!(head.status().as_u16(), status, "{code}");
            let told = &body["error"];
            assert_eq!((told["code"].as_str(), told["request_id"].as_str()), (Some(code), Some("r1")));
            assert!(told["message"].is_string() && told["details"].is_array(), "{body}");
            assert_eq!((body.as_object().unwrap().len(), told.as_object().unwrap().len()), (1, 4), "{body}");
            assert!(!body.to_string().contains("secrets"));
            assert_eq!(head.headers().contains_key(header::RETRY_AFTER), matches!(status, 429 | 503));
        }
    }
}
