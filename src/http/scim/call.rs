//! Extractor of SCIM requests: authenticates the bearer token, then reads the body.

use std::{future::Future, pin::Pin};

use actix_web::{
    Error, FromRequest, HttpMessage as _, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::{Method, header},
    web,
};
use base::id::ScimDirectoryId;
use serde_json::Value;

use super::{
    extensions::{AuthenticatedDirectory, LoggedBody, RequestPermit},
    response::ScimError,
};
use crate::{
    app::{
        self, State,
        directories::{self, ProvisioningTarget},
    },
    web::kit::posted::allow_large_body,
};

/// An authenticated SCIM request. The body is read only after the token was verified.
pub(super) struct ScimCall {
    /// The directory that the token belongs to.
    pub directory: ProvisioningTarget,
    body: web::Bytes,
}

impl ScimCall {
    /// Parses the body's JSON with `parse`. A large body is parsed on another thread.
    pub async fn parse<T: Send + 'static>(
        &self,
        state: &State,
        parse: impl FnOnce(Value) -> Result<T, scim::Error> + Send + 'static,
    ) -> Result<T, ScimError> {
        let body = self.body.clone();
        let read = move || {
            // RFC 8259 §8.1 allows parsers to ignore a byte order mark.
            scim::json::parse(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body)).and_then(parse)
        };
        Ok(state.offload.run(Some(self.directory.directory.id), self.body.len(), read).await??)
    }

    /// The raw body.
    pub fn body(&self) -> &web::Bytes {
        &self.body
    }
}

impl FromRequest for ScimCall {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let state = state(&request).map_err(ScimError::from)?;
            let directory = authenticate(state, &request).await.map_err(ScimError::from)?;
            let (id, limits) = (directory.directory.id, &state.directory_limits);
            limits.charge_request(id, state.now()).map_err(ScimError::from)?;
            allow_large_body(&request);
            let body = read(&request, payload).await?;
            limits.charge_bytes(id, state.now(), body.len());
            request.extensions_mut().insert(LoggedBody(body.clone()));
            directory.require_enabled().map_err(ScimError::from)?;
            // Only after the body has arrived: a slow body does not block other requests.
            let turn = limits.acquire_request(id).await.map_err(ScimError::from)?;
            request.extensions_mut().insert(RequestPermit(turn));
            Ok(Self { directory, body })
        })
    }
}

fn state(request: &HttpRequest) -> app::Result<&State> {
    let state = request.app_data::<web::Data<State>>();
    state
        .map(web::Data::get_ref)
        .ok_or_else(|| app::Error::internal("the server was built without its state"))
}

async fn authenticate(state: &State, request: &HttpRequest) -> app::Result<ProvisioningTarget> {
    let text = request.match_info().get("directory").unwrap_or_default();
    let id: ScimDirectoryId =
        text.parse().map_err(|_| app::Error::not_found("SCIM directory", "(no such id)"))?;
    let directory = directories::authenticate(state, id, bearer(request).unwrap_or_default()).await?;
    request.extensions_mut().insert(AuthenticatedDirectory(id));
    Ok(directory)
}

/// The token in the `Authorization` header; `None` if there is more than one header. The scheme `Bearer` is
/// case-insensitive and may be missing.
fn bearer(request: &HttpRequest) -> Option<&str> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let value = values.next()?.to_str().ok()?.trim();
    if values.next().is_some() {
        return None;
    }
    match value.split_once([' ', '\t']) {
        Some((scheme, token)) => scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()),
        None => Some(value),
    }
}

async fn read(request: &HttpRequest, mut payload: Payload) -> Result<web::Bytes, Error> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::DELETE) {
        return Ok(web::Bytes::new());
    }
    let encoded = request.headers().get(header::CONTENT_ENCODING);
    if encoded.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        let refused = scim::Error::UnsupportedMediaType("Content-Encoding is not supported".into());
        return Err(ScimError::from(refused).into());
    }
    if !is_json(request.headers().get(header::CONTENT_TYPE)) {
        let text = format!("send {} or application/json", scim::MEDIA_TYPE);
        return Err(ScimError::from(scim::Error::UnsupportedMediaType(text)).into());
    }
    web::Bytes::from_request(request, &mut payload).await.map_err(|error| {
        match error.as_error::<PayloadError>() {
            Some(PayloadError::Overflow) => {
                ScimError::from(scim::Error::TooLarge("the body is larger than 1 MiB".into())).into()
            }
            _ => error,
        }
    })
}

/// Whether a content type is accepted as JSON: its own types, `text/plain` (some clients send it), or none.
fn is_json(content_type: Option<&header::HeaderValue>) -> bool {
    let Some(value) = content_type else { return true };
    let essence =
        value.to_str().unwrap_or("?").split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(essence.as_str(), "" | "application/scim+json" | "application/json" | "text/plain" | "text/json")
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn the_token_comes_with_its_word_or_without() {
        let said = |values: &[&str]| {
            let mut request = TestRequest::default();
            for value in values {
                request = request.append_header((header::AUTHORIZATION, *value));
            }
            bearer(&request.to_http_request()).map(str::to_owned)
        };
        for good in ["Bearer t", "bearer t", "BEARER  t ", "t"] {
            assert_eq!(said(&[good]), Some("t".into()), "{good:?}");
        }
        for bad in [&["Basic t"][..], &["Bearer t", "Bearer u"], &[]] {
            assert_eq!(said(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn json_comes_under_many_names() {
        let takes = |value: &'static str| is_json(Some(&header::HeaderValue::from_static(value)));
        for good in [
            "application/scim+json; charset=utf-8",
            "application/json",
            "Application/JSON",
            "text/plain",
            "application/problem+json",
            "",
        ] {
            assert!(takes(good), "{good}");
        }
        for bad in ["application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
        {
            assert!(!takes(bad), "{bad}");
        }
    }
}
