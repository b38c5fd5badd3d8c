//! Bodies and errors of SCIM calls.

use std::fmt;

use actix_web::{
    FromRequest as _, HttpRequest, HttpResponse, ResponseError,
    dev::Payload,
    http::{StatusCode, header},
    web,
};
use serde_json::Value;

use super::call::{Body, Call};
use crate::{
    app,
    http::{api_error::ApiError, fallback},
};

/// The result of a handler.
pub(super) type ScimResult = Result<HttpResponse, ScimError>;

/// An error of a SCIM call.
#[derive(Debug)]
pub(super) enum ScimError {
    /// An error of the protocol.
    Protocol(scim::Error),
    /// What is sent, or is to be sent, is no JSON: WSO2's status for either.
    NotAcceptable(&'static str),
    /// An error of a use case.
    Api(ApiError),
}

impl From<scim::Error> for ScimError {
    fn from(error: scim::Error) -> Self {
        Self::Protocol(error)
    }
}

impl From<app::Error> for ScimError {
    fn from(error: app::Error) -> Self {
        match error {
            app::Error::Invalid { reason, .. } => scim::Error::InvalidValue(reason.into_owned()).into(),
            app::Error::FailedPrecondition(reason) => scim::Error::InvalidValue(reason.into_owned()).into(),
            error => Self::Api(ApiError::scim(error)),
        }
    }
}

impl fmt::Display for ScimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::NotAcceptable(detail) => f.write_str(detail),
            Self::Api(error) => error.fmt(f),
        }
    }
}

impl ResponseError for ScimError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Protocol(error) => StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST),
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::Api(error) => error.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Protocol(error) => fallback::scim_error(self.status_code(), &error.to_json()),
            Self::NotAcceptable(detail) => {
                let status = self.status_code();
                let body = serde_json::json!({
                    "schemas": [scim::error::ERROR_SCHEMA],
                    "status": status.as_str(),
                    "detail": detail,
                });
                fallback::scim_error(status, &body)
            }
            Self::Api(error) => error.error_response(),
        }
    }
}

/// No body; the answer is JSON.
pub(super) struct ScimGet;

impl Body for ScimGet {
    async fn read(request: &HttpRequest, _: Payload) -> Result<Self, actix_web::Error> {
        accepts_json(request)?;
        Ok(Self)
    }
}

/// JSON within bounds, as `application/json` or `application/scim+json`.
pub(super) struct ScimJson(pub Value);

impl Body for ScimJson {
    async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Self, actix_web::Error> {
        accepts_json(request)?;
        let sent = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !sent.is_some_and(is_json) {
            let detail = "the Content-Type must be application/json or application/scim+json";
            return Err(ScimError::NotAcceptable(detail).into());
        }
        let bytes = web::Bytes::from_request(request, &mut payload).await?;
        Ok(Self(scim::json::parse(&bytes).map_err(ScimError::from)?))
    }
}

fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    ["application/json", scim::MEDIA_TYPE].iter().any(|known| essence.eq_ignore_ascii_case(known))
}

fn accepts_json(request: &HttpRequest) -> Result<(), ScimError> {
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let is_wide = |range: &str| {
        matches!(range.split(';').next().unwrap_or_default().trim(), "" | "*/*" | "application/*")
    };
    match accepted {
        Some(accepted) if !accepted.split(',').any(|range| is_json(range) || is_wide(range)) => {
            Err(ScimError::NotAcceptable("the answer is application/json or application/scim+json"))
        }
        _ => Ok(()),
    }
}

impl<B> Call<B> {
    /// The address of a path of these APIs, in the form in which the caller called them.
    pub(super) fn address(&self, path: &str) -> String {
        format!("{}{}{path}", self.state.links.origin(), self.prefix())
    }

    /// A SCIM answer.
    pub(super) fn scim(&self, status: StatusCode, body: &Value) -> HttpResponse {
        HttpResponse::build(status).content_type(scim::MEDIA_TYPE).body(body.to_string())
    }
}
