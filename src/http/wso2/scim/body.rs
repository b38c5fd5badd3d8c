//! The bodies of SCIM requests, and the media types of requests and answers.

use actix_web::{
    FromRequest as _, HttpRequest,
    dev::Payload,
    error::PayloadError,
    http::header::{self, HeaderValue},
    web,
};
use serde_json::Value;

use crate::http::{request_body::Body, scim::response::ScimError};

/// A request without a body, by a client that takes what is answered.
pub struct Query;

impl Body for Query {
    async fn read(request: &HttpRequest, _: Payload) -> Result<Self, actix_web::Error> {
        accepts(request)?;
        Ok(Self)
    }
}

/// A body of JSON within bounds.
pub struct ScimBody(pub Value);

impl Body for ScimBody {
    async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Self, actix_web::Error> {
        accepts(request)?;
        if !request.headers().get(header::CONTENT_TYPE).is_some_and(is_json) {
            return Err(not_acceptable("send a body of application/json or application/scim+json").into());
        }
        let bytes = web::Bytes::from_request(request, &mut payload).await.map_err(|error| match error
            .as_error::<PayloadError>(
        ) {
            Some(PayloadError::Overflow) => {
                ScimError::from(scim::Error::TooLarge("the body is larger than 1 MiB".into())).into()
            }
            _ => error,
        })?;
        // RFC 8259 §8.1 allows parsers to ignore a byte order mark.
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        Ok(Self(scim::json::parse(text).map_err(ScimError::from)?))
    }
}

fn not_acceptable(why: &str) -> ScimError {
    scim::Error::NotAcceptable(why.to_owned()).into()
}

/// The media type of a header or of one of its ranges, without parameters.
fn essence(text: &str) -> String {
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_json(value: &HeaderValue) -> bool {
    value
        .to_str()
        .is_ok_and(|text| matches!(essence(text).as_str(), "application/json" | "application/scim+json"))
}

/// Requires that the client accepts JSON, or says nothing.
fn accepts(request: &HttpRequest) -> Result<(), ScimError> {
    let mut values = request.headers().get_all(header::ACCEPT).peekable();
    if values.peek().is_none() {
        return Ok(());
    }
    let taken = ["*/*", "application/*", "application/json", "application/scim+json"];
    let ranges = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    match ranges.map(essence).any(|range| taken.contains(&range.as_str())) {
        true => Ok(()),
        false => Err(not_acceptable("answers are application/json or application/scim+json")),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{ResponseError as _, test::TestRequest};

    use super::*;

    #[test]
    fn answers_are_json_or_nothing() {
        let status = |accept: Option<&'static str>| {
            let mut request = TestRequest::default();
            if let Some(accept) = accept {
                request = request.insert_header((header::ACCEPT, accept));
            }
            accepts(&request.to_http_request()).map_err(|error| error.status_code().as_u16())
        };
        for good in [
            None,
            Some("*/*"),
            Some("application/json"),
            Some("text/html, application/*;q=0.1"),
            Some("Application/SCIM+JSON; charset=utf-8"),
        ] {
            assert_eq!(status(good), Ok(()), "{good:?}");
        }
        for bad in ["", "text/html", "application/xml", "text/*", "application/problem+json"] {
            assert_eq!(status(Some(bad)), Err(406), "{bad}");
        }
    }

    #[test]
    fn bodies_are_json() {
        for (text, good) in [
            ("application/json", true),
            ("application/scim+json; charset=utf-8", true),
            ("APPLICATION/JSON", true),
            ("", false),
            ("text/plain", false),
            ("application/merge-patch+json", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            assert_eq!(is_json(&HeaderValue::from_static(text)), good, "{text}");
        }
    }
}
