//! The errors of the surface: `{"status_code", "error", "error_code", "details"}`.
//!
//! | kind of error      | status | error_code                                             |
//! |--------------------|--------|--------------------------------------------------------|
//! | Unauthenticated    | 401    | `unauthorized`                                         |
//! | Forbidden          | 403    | `insufficient_scope`                                   |
//! | NotFound           | 404    | what is not there: `organization_not_found`            |
//! | Conflict           | 409    | what there is already: `organization_name_exists`      |
//! | Invalid            | 422    | `validation_failed`                                    |
//! | Outdated           | 412    | `etag_mismatch`                                        |
//! | Organization       | 400, 409, 422 | each rule its own: `organization_has_children`  |
//! | Rule               | 403, 404, 409, 410, 422, 503 | the rule's own                 |
//! | FailedPrecondition | 409    | `failed_precondition`                                  |
//! | Limited            | 429    | `too_many_requests`                                    |
//! | Unavailable        | 503    | `unavailable`                                          |
//! | Internal           | 500    | `internal_error`                                       |

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
#[derive(Debug)]
pub struct SecureauthError {
    status: StatusCode,
    code: Cow<'static, str>,
    details: Value,
    retry_after: Option<Duration>,
}

/// An error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthError)]
pub struct Body<'a> {
    /// The HTTP status.
    #[schema(example = 422)]
    pub status_code: u16,
    /// The words of the status.
    #[schema(example = "Unprocessable Entity")]
    pub error: &'a str,
    /// What is wrong, for programs.
    #[schema(example = "validation_failed")]
    pub error_code: &'a str,
    /// What is wrong, for people: `message`, or `errors` with a path each.
    #[schema(value_type = Object)]
    pub details: &'a Value,
}

impl<'a> Body<'a> {
    /// The body of a response with this status.
    pub fn new(status: StatusCode, error_code: &'a str, details: &'a Value) -> Self {
        Self {
            status_code: status.as_u16(),
            error: status.canonical_reason().unwrap_or_default(),
            error_code,
            details,
        }
    }
}

impl SecureauthError {
    /// An error with a code of its own and a message.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self::with_details(status, code, json!({ "message": message.into() }))
    }

    /// An error with a code and details of its own.
    pub fn with_details(status: StatusCode, code: impl Into<Cow<'static, str>>, details: Value) -> Self {
        Self { status, code: code.into(), details, retry_after: None }
    }

    /// 400: the body cannot be read.
    pub fn invalid_json(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_json", message)
    }

    /// 403: the token is of another environment than the path.
    pub fn tenant_mismatch() -> Self {
        Self::new(StatusCode::FORBIDDEN, "tenant_mismatch", "the access token is of another tenant")
    }

    /// 400: the id in the body is another one than that of the path.
    pub fn id_mismatch() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "id_mismatch", "id is another one than that of the path")
    }

    /// 422 with a list of what is wrong, each with its path.
    pub fn violations(code: &'static str, errors: impl IntoIterator<Item = (String, String)>) -> Self {
        let errors: Vec<Value> =
            errors.into_iter().map(|(path, message)| json!({ "path": path, "message": message })).collect();
        Self::with_details(StatusCode::UNPROCESSABLE_ENTITY, code, json!({ "errors": errors }))
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// What is wrong, for people.
    #[cfg(test)]
    pub(super) fn details(&self) -> &Value {
        &self.details
    }
}

/// The code of a kind in words: `identity pool` with `_not_found` is `pool_not_found`.
fn code_of(kind: &str, suffix: &str) -> String {
    let word = match kind {
        "identity pool" => "pool",
        "identity schema" => "schema",
        "workspace" => "organization",
        "environment" => "tenant",
        kind => kind,
    };
    format!("{}{suffix}", word.replace(' ', "_").to_ascii_lowercase())
}

/// The code of a value that somebody else has: `organization_exists` where it is the id, else it names the field.
fn conflict_code(kind: &str, field: &str) -> String {
    match field {
        "id" | "" | "publicAlias" => code_of(kind, "_exists"),
        field => code_of(kind, &format!("_{field}_exists")),
    }
}

/// The name of a setting on this surface.
fn path_of(field: &str) -> &str {
    match field {
        "authenticationMechanisms" => "authentication_mechanisms",
        "contactEmail" => "email",
        "disabled" => "deactivated",
        "parentId" => "parent_id",
        "templateId" => "template_id",
        other => other,
    }
}

impl SecureauthError {
    /// A rule of organizations. What is not of the tree or of templates is a list of violations.
    fn of_organization(error: &OrganizationError) -> Self {
        const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        // Where SSOReady's API has the code in the text, it stands beside it here.
        let told = error.to_string();
        let of = |status, code: &'static str| {
            let text = told.strip_prefix(code).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&told);
            Self::new(status, code, text)
        };
        match error {
            OrganizationError::HasChildren => of(StatusCode::BAD_REQUEST, "organization_has_children"),
            OrganizationError::IsTemplate(_) => of(StatusCode::CONFLICT, "organization_is_template"),
            OrganizationError::NotATemplate(_) => of(UNPROCESSABLE, "not_a_template"),
            OrganizationError::ParentCycle => of(UNPROCESSABLE, "parent_cycle"),
            OrganizationError::InvalidSchema(error) => {
                Self::violations("invalid_schema", [(error.path().to_owned(), error.reason())])
            }
            OrganizationError::MetadataViolations(violations) => Self::violations(
                "metadata_schema_violation",
                violations.iter().map(|violation| (violation.path.clone(), violation.message.clone())),
            ),
            OrganizationError::HasActiveChildren
            | OrganizationError::ParentDisabled
            | OrganizationError::CannotBeTemplate(_)
            | OrganizationError::NotBelow
            | OrganizationError::IsRoot
            | OrganizationError::NoSuchAttribute { .. } => Self::violations(
                "validation_failed",
                [(path_of(error.field()).to_owned(), error.to_string())],
            ),
        }
    }
}

impl From<Error> for SecureauthError {
    fn from(error: Error) -> Self {
        log_internal_error(&error);
        let message = json!({ "message": error.to_string() });
        let of = |status, code: &'static str| Self::with_details(status, code, message.clone());
        match &error {
            Error::Unauthenticated(_) => of(StatusCode::UNAUTHORIZED, "unauthorized"),
            Error::Forbidden(_) => of(StatusCode::FORBIDDEN, "insufficient_scope"),
            Error::NotFound { kind, .. } => {
                let text = json!({ "message": format!("there is no such {kind}") });
                Self::with_details(StatusCode::NOT_FOUND, code_of(kind, "_not_found"), text)
            }
            Error::Conflict { kind, field } => {
                Self::with_details(StatusCode::CONFLICT, conflict_code(kind, field), message)
            }
            Error::Invalid { field, reason } => {
                Self::violations("validation_failed", [(path_of(field).to_owned(), reason.to_string())])
            }
            Error::InvalidFields(fields) => Self::violations("validation_failed", fields.iter().cloned()),
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
            Error::Outdated { .. } => of(StatusCode::PRECONDITION_FAILED, "etag_mismatch"),
            Error::FailedPrecondition(_) => of(StatusCode::CONFLICT, "failed_precondition"),
            Error::Limited { retry_after } => {
                let retry_after = Some(*retry_after);
                Self { retry_after, ..of(StatusCode::TOO_MANY_REQUESTS, "too_many_requests") }
            }
            Error::Unavailable { retry_after } => {
                Self { retry_after: Some(*retry_after), ..of(StatusCode::SERVICE_UNAVAILABLE, "unavailable") }
            }
            Error::Internal(_) => of(StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }
}

impl fmt::Display for SecureauthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)
    }
}

impl ResponseError for SecureauthError {
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
        response.json(Body::new(self.status, &self.code, &self.details))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody as _;

    use super::*;

    fn answer(error: impl Into<SecureauthError>) -> (HttpResponse<()>, Value) {
        let response = error.into().error_response();
        let (head, body) = response.into_parts();
        (head, serde_json::from_slice(&body.try_into_bytes().unwrap()).unwrap())
    }

    #[test]
    fn every_kind_has_its_status_and_its_code() {
        let second = Duration::from_secs(7);
        for (error, status, code) in [
            (Error::Unauthenticated("who?".into()), 401, "unauthorized"),
            (Error::Forbidden("no".into()), 403, "insufficient_scope"),
            (Error::not_found("organization", "org_1"), 404, "organization_not_found"),
            (Error::not_found("tenant", ""), 404, "tenant_not_found"),
            (Error::not_found("template", "x"), 404, "template_not_found"),
            (Error::not_found("parent", "x"), 404, "parent_not_found"),
            (Error::not_found("identity pool", "x"), 404, "pool_not_found"),
            (Error::not_found("identity schema", "x"), 404, "schema_not_found"),
            (Error::not_found("user", "x"), 404, "user_not_found"),
            (Error::Conflict { kind: "organization", field: "id" }, 409, "organization_exists"),
            (Error::Conflict { kind: "organization", field: "name" }, 409, "organization_name_exists"),
            (Error::invalid("name", "is required"), 422, "validation_failed"),
            (Error::Outdated { version: 3 }, 412, "etag_mismatch"),
            (Error::FailedPrecondition("first y".into()), 409, "failed_precondition"),
            (Error::Limited { retry_after: second }, 429, "too_many_requests"),
            (Error::Unavailable { retry_after: second }, 503, "unavailable"),
            (Error::internal("the disk is full of secrets"), 500, "internal_error"),
        ] {
            let (head, body) = answer(error);
            assert_eq!(head.status().as_u16(), status, "{code}");
            assert_eq!(body["status_code"], status);
            assert_eq!(body["error_code"], code);
            assert_eq!(body["error"], head.status().canonical_reason().unwrap());
            assert!(body["details"].is_object());
            assert_eq!(body.as_object().unwrap().len(), 4, "{body}");
            assert!(!body.to_string().contains("secrets"));
            assert_eq!(head.headers().contains_key(header::RETRY_AFTER), matches!(status, 429 | 503));
            let challenge = head.headers().get(header::WWW_AUTHENTICATE).map(|it| it.to_str().unwrap());
            assert_eq!(challenge, (status == 401).then_some("Bearer"));
        }
    }

    #[test]
    fn violations_name_their_paths() {
        let errors = [("/salesforceId".to_owned(), "is longer than 18 characters".to_owned())];
        let (head, body) = answer(SecureauthError::violations("metadata_schema_violation", errors));
        assert_eq!(head.status(), 422);
        assert_eq!(
            body,
            json!({
                "status_code": 422,
                "error": "Unprocessable Entity",
                "error_code": "metadata_schema_violation",
                "details": { "errors": [
                    { "path": "/salesforceId", "message": "is longer than 18 characters" },
                ] },
            })
        );
    }
}
