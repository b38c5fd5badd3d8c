//! SCIM responses.

use std::fmt;

use actix_web::{
    HttpMessage as _, HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use model::entity_tag::{EntityTags, etag};
use scim::Projection;
use serde_json::Value;

use super::extensions::{AuthenticatedDirectory, ErrorCode};
use crate::{
    app::{
        self, State,
        directories::provisioning::{self, RenderedResource},
    },
    http::{api_error::ApiError, fallback},
};

/// The result of a handler.
pub(in crate::http) type ScimResult = Result<HttpResponse, ScimError>;

/// An error of a SCIM request.
#[derive(Debug)]
pub(in crate::http) enum ScimError {
    /// An error of the protocol.
    Protocol(scim::Error),
    /// An error of a use case.
    ApiError(ApiError),
}

impl From<scim::Error> for ScimError {
    fn from(error: scim::Error) -> Self {
        Self::Protocol(error)
    }
}

impl From<app::Error> for ScimError {
    fn from(error: app::Error) -> Self {
        Self::ApiError(ApiError::scim(error))
    }
}

impl From<provisioning::Error> for ScimError {
    fn from(error: provisioning::Error) -> Self {
        match error {
            provisioning::Error::Scim(error) => error.into(),
            provisioning::Error::App(error) => error.into(),
        }
    }
}

impl fmt::Display for ScimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::ApiError(problem) => problem.fmt(f),
        }
    }
}

impl ResponseError for ScimError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Protocol(error) => StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST),
            Self::ApiError(problem) => problem.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        let (mut response, code) = match self {
            Self::Protocol(error) => {
                (fallback::scim_error(self.status_code(), &error.to_json()), error.code())
            }
            Self::ApiError(problem) => (problem.error_response(), problem.to_scim_error().code()),
        };
        response.extensions_mut().insert(ErrorCode(code));
        response
    }
}

/// A JSON response, as `application/scim+json` unless the client accepts `application/json` only.
pub(in crate::http) fn json(request: &HttpRequest, status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status).content_type(content_type(request)).body(body.to_string())
}

fn content_type(request: &HttpRequest) -> &'static str {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
    let accept = accept.to_ascii_lowercase();
    let plain_only = accept.contains("application/json")
        && !accept.contains(scim::MEDIA_TYPE)
        && !accept.split(',').any(|range| range.trim().starts_with("application/*"));
    if plain_only { "application/json" } else { scim::MEDIA_TYPE }
}

/// A resource, reduced by `projection`, with its ETag and location.
pub(super) async fn resource(
    state: &State,
    request: &HttpRequest,
    status: StatusCode,
    rendered: RenderedResource,
    projection: Projection,
) -> ScimResult {
    let mut response = HttpResponse::build(status);
    response.insert_header((header::ETAG, etag(rendered.version)));
    response.insert_header((header::LOCATION, rendered.location.as_str()));
    let bytes = rendered.bytes();
    let directory = request.extensions().get::<AuthenticatedDirectory>().map(|called| called.0);
    let body =
        state.offload.run(directory, bytes, move || projection.apply(rendered.body).to_string()).await?;
    Ok(response.content_type(content_type(request)).body(body))
}

/// 304 if the client already has this version (RFC 7644 §3.14).
pub(super) fn not_modified(known: Option<&EntityTags>, rendered: &RenderedResource) -> Option<HttpResponse> {
    known
        .filter(|tags| tags.matches(rendered.version))
        .map(|_| HttpResponse::NotModified().insert_header((header::ETAG, etag(rendered.version))).finish())
}

/// 204, with the ETag of `version`.
pub(super) fn no_content(version: Option<i64>) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    if let Some(version) = version {
        response.insert_header((header::ETAG, etag(version)));
    }
    response.finish()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_type_is_the_one_that_was_asked_for() {
        let of = |accept: Option<&'static str>| {
            let mut request = TestRequest::default();
            if let Some(accept) = accept {
                request = request.insert_header((header::ACCEPT, accept));
            }
            content_type(&request.to_http_request())
        };
        for scim in [
            None,
            Some("*/*"),
            Some("application/scim+json; charset=utf-8"),
            Some("text/html"),
            Some("application/json, application/scim+json"),
            Some("application/*"),
        ] {
            assert_eq!(of(scim), "application/scim+json", "{scim:?}");
        }
        for plain in ["application/json", "application/json, text/plain, */*;q=0.1"] {
            assert_eq!(of(Some(plain)), "application/json", "{plain}");
        }
    }
}
