//! The errors of the management APIs: `{"code", "message", "description", "traceId"}`. Without a valid token, or without the
//! scope, the answer has no body.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde::Serialize;

use crate::{
    app::{Error, Rule, RuleKind},
    web::kit::error::log_internal_error,
};

/// An error of the management APIs.
#[derive(Debug, Clone)]
pub struct Wso2Error {
    status: StatusCode,
    /// `None`: the answer has no body.
    told: Option<Told>,
    retry_after: Option<Duration>,
    trace_id: Arc<str>,
}

#[derive(Debug, Clone)]
struct Told {
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    description: Cow<'static, str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    code: &'a str,
    message: &'a str,
    description: &'a str,
    trace_id: &'a str,
}

impl Wso2Error {
    /// An error with a code of its own, what it is called, and what is wrong.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        let told = Told { code: code.into(), message: message.into(), description: description.into() };
        Self { status, told: Some(told), retry_after: None, trace_id: "".into() }
    }

    /// An error without a body: 401 and 403 before the API itself is asked.
    pub fn bare(status: StatusCode) -> Self {
        Self { status, told: None, retry_after: None, trace_id: "".into() }
    }

    /// An error that no API of these has a code for.
    pub fn of_status(status: StatusCode, sentence: &'static str) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        Self::new(status, status.as_u16().to_string(), reason, sentence)
    }

    /// The same error, with the id of the request.
    pub fn traced(&self, trace_id: Arc<str>) -> Self {
        Self { trace_id, ..self.clone() }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<Error> for Wso2Error {
    fn from(error: Error) -> Self {
        log_internal_error(&error);
        let text = error.to_string();
        let of = |status: StatusCode, code: &'static str, message: &'static str| {
            Self::new(status, code, message, text.clone())
        };
        match &error {
            Error::Unauthenticated(_) => Self::bare(StatusCode::UNAUTHORIZED),
            Error::Forbidden(_) => Self::bare(StatusCode::FORBIDDEN),
            Error::NotFound { kind: "application", .. } => {
                of(StatusCode::NOT_FOUND, "ORG-60035", "Invalid application.")
            }
            Error::NotFound { .. } => of(StatusCode::NOT_FOUND, "ORG-60015", "Invalid organization."),
            Error::Limited { retry_after } => {
                let limited = of(StatusCode::TOO_MANY_REQUESTS, "ORG-60000", "Too many requests.");
                Self { retry_after: Some(*retry_after), ..limited }
            }
            Error::Unavailable { retry_after } => {
                let busy = of(StatusCode::SERVICE_UNAVAILABLE, "ORG-65000", "The server is busy.");
                Self { retry_after: Some(*retry_after), ..busy }
            }
            Error::Internal(_) => {
                of(StatusCode::INTERNAL_SERVER_ERROR, "ORG-65001", "Unexpected processing error.")
            }
            Error::Rule(Rule { kind: RuleKind::Forbidden, .. }) => Self::bare(StatusCode::FORBIDDEN),
            Error::Conflict { .. }
            | Error::Invalid { .. }
            | Error::InvalidFields(_)
            | Error::Outdated { .. }
            | Error::FailedPrecondition(_)
            | Error::Rule(_)
            | Error::Organization(_) => of(StatusCode::BAD_REQUEST, "ORG-60001", "Invalid request."),
        }
    }
}

impl fmt::Display for Wso2Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.told.as_ref().map_or("refused", |told| &told.code))
    }
}

impl ResponseError for Wso2Error {
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
        match &self.told {
            None => response.finish(),
            Some(told) => response.json(Body {
                code: &told.code,
                message: &told.message,
                description: &told.description,
                trace_id: &self.trace_id,
            }),
        }
    }
}
