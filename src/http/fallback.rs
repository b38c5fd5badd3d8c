//! Responses for errors outside handlers (unknown route, wrong method or content type, too large, too slow, rate
//! limited), in the format of the surface that was called.

use std::time::Duration;

use actix_web::{
    HttpResponse, ResponseError as _,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde_json::json;

use super::{
    oauth::body::issuer_error_body, secureauth::error::SecureauthError, sigid::error::SigidError,
    wso2::error::Wso2Error,
};
use crate::{
    app::limits::{body_allowance::BodyError, request_memory::Exhausted},
    links::path,
    web::kit::{
        error::Area,
        message::{self, Message},
        response::{PagePolicy, page},
        routing::{ErrorFormat, MatchedRoute, Surface},
    },
};

/// The error codes and texts of a status, for every surface.
struct StatusText {
    /// The gRPC code, as SSOReady returns it.
    grpc_code: u8,
    /// OAuth's error code.
    oauth: &'static str,
    /// The `data-reason` attribute of the page.
    reason: &'static str,
    /// The heading of the page.
    title: &'static str,
    /// The message, for every surface.
    sentence: &'static str,
}

fn status_text(status: StatusCode) -> StatusText {
    let (grpc_code, oauth, reason, title, sentence) = match status {
        StatusCode::UNAUTHORIZED => (
            16,
            "invalid_token",
            "unauthenticated",
            "Not signed in",
            "A credential is required and was not sent.",
        ),
        StatusCode::FORBIDDEN => {
            (7, "access_denied", "forbidden", "Not allowed", "You are not allowed to do this.")
        }
        StatusCode::NOT_FOUND => {
            (5, "invalid_request", "not_found", "Not found", "There is nothing at this address.")
        }
        StatusCode::METHOD_NOT_ALLOWED => (
            12,
            "invalid_request",
            "method_not_allowed",
            "Method not allowed",
            "This address does not support this method; the Allow header lists the supported ones.",
        ),
        StatusCode::REQUEST_TIMEOUT => (
            4,
            "temporarily_unavailable",
            "request_timeout",
            "That took too long",
            "The request took too long to arrive.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => (
            3,
            "invalid_request",
            "too_large",
            "Too large",
            "The request is larger than this address accepts.",
        ),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            3,
            "invalid_request",
            "unsupported_media_type",
            "Unsupported content type",
            "This address does not accept this Content-Type: send application/json to the API, \
             application/x-www-form-urlencoded to OAuth and SAML.",
        ),
        StatusCode::TOO_MANY_REQUESTS => (
            8,
            "temporarily_unavailable",
            "too_many_requests",
            "Too many attempts",
            "Too many attempts failed from your network; wait as many seconds as Retry-After says.",
        ),
        StatusCode::SERVICE_UNAVAILABLE => (
            14,
            "temporarily_unavailable",
            "unavailable",
            "Too busy",
            "Too much is being done at the moment; wait as many seconds as Retry-After says.",
        ),
        status if status.is_server_error() => (
            13,
            "server_error",
            "internal",
            "Server error",
            "Something failed on our side; the server's log has the cause under the request id.",
        ),
        _ => (3, "invalid_request", "bad_request", "Bad request", "The request could not be read."),
    };
    StatusText { grpc_code, oauth, reason, title, sentence }
}

/// The response to a request of `route`. `reference` is the request id shown on a page.
pub fn respond(
    format: ErrorFormat,
    status: StatusCode,
    route: &MatchedRoute,
    reference: &str,
) -> HttpResponse {
    let status_text = status_text(status);
    let sentence = match (status, format) {
        (StatusCode::REQUEST_TIMEOUT, _) => {
            "The request took too long to arrive: a body must arrive with at least 1 KiB a second and within 30 \
             seconds. Send it again."
        }
        (
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorFormat::Api
            | ErrorFormat::Secureauth
            | ErrorFormat::Wso2
            | ErrorFormat::Sigid
            | ErrorFormat::Scim,
        ) => "A body has at most 1 MiB; send it in parts.",
        _ => status_text.sentence,
    };
    let is_refused = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let mut response = match format {
        // As WSO2 answers before the API itself is asked.
        ErrorFormat::Scim if route.surface == Surface::Wso2Scim && is_refused => {
            Wso2Error::bare(status).error_response()
        }
        ErrorFormat::Page => {
            let message = message(&status_text, status, route);
            page(status, PagePolicy::SameOriginForms, message.reference(reference).view())
        }
        _ => json_response(StatusText { sentence, ..status_text }, format, status, reference),
    };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(BUSY_RETRY_AFTER));
    }
    response
}

/// The page's message for `status`, by the readers of `route`.
fn message(status_text: &StatusText, status: StatusCode, route: &MatchedRoute) -> Message<'static> {
    // People with a form go back to it; people who sign in start again at the app.
    let (has_form, remedy) = match route.surface.area() {
        Area::Console | Area::Setup | Area::Delegated(_) => (true, "Go back, and begin again from there."),
        Area::Login => (false, "Go back to the app you were using and sign in from there."),
    };
    let plain = |title, happened, remedy| Message {
        reason: Some(status_text.reason),
        ..Message::new(title, happened, remedy)
    };
    match status {
        StatusCode::NOT_FOUND => Message::not_found(),
        StatusCode::INTERNAL_SERVER_ERROR => Message::internal(),
        StatusCode::SERVICE_UNAVAILABLE if has_form => Message::unavailable_after_form(),
        StatusCode::SERVICE_UNAVAILABLE => Message::unavailable(),
        StatusCode::PAYLOAD_TOO_LARGE if route.pattern == path::SAML_ACS => Message::too_large(),
        StatusCode::PAYLOAD_TOO_LARGE if has_form => plain(
            "This request is too large",
            "What you sent is larger than this page accepts.",
            "Go back and send less at once.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => {
            plain("This request is too large", "The request is larger than this address accepts.", remedy)
        }
        StatusCode::REQUEST_TIMEOUT if has_form => {
            plain(status_text.title, "Your connection was too slow.", "Go back and send it again.")
        }
        _ => plain(status_text.title, status_text.sentence, remedy),
    }
}

/// The page's message for an overload.
fn overload_message(route: &MatchedRoute) -> Message<'static> {
    let unavailable = Message::unavailable();
    match route.surface.area() {
        Area::Console | Area::Setup | Area::Delegated(_) => Message {
            happened: "The server is very busy right now. Nothing was saved.",
            remedy: "Send it again in a few seconds.",
            ..unavailable
        },
        Area::Login => unavailable,
    }
}

/// The JSON response in a format.
fn json_response(
    status_text: StatusText,
    format: ErrorFormat,
    status: StatusCode,
    reference: &str,
) -> HttpResponse {
    match format {
        ErrorFormat::Api | ErrorFormat::Page => HttpResponse::build(status)
            .json(json!({ "code": status_text.grpc_code, "message": status_text.sentence, "details": [] })),
        ErrorFormat::Secureauth => {
            SecureauthError::new(status, secureauth_code(status, status_text.reason), status_text.sentence)
                .error_response()
        }
        // As WSO2 answers before the API itself is asked.
        ErrorFormat::Wso2 if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
            Wso2Error::bare(status).error_response()
        }
        ErrorFormat::Wso2 => Wso2Error::of_status(status, status_text.sentence).error_response(),
        ErrorFormat::Sigid => {
            SigidError::of_status(status, status_text.sentence).traced(reference).error_response()
        }
        ErrorFormat::Oauth => HttpResponse::build(status)
            .json(json!({ "error": status_text.oauth, "error_description": status_text.sentence })),
        ErrorFormat::Issuer => HttpResponse::build(status).json(issuer_error_body(
            status_text.oauth,
            status_text.sentence,
            status,
        )),
        ErrorFormat::Scim => scim_error(
            status,
            &json!({
                "schemas": [scim::error::ERROR_SCHEMA],
                "status": status.as_str(),
                "detail": status_text.sentence,
            }),
        ),
    }
}

/// SecureAuth's code of a status.
fn secureauth_code(status: StatusCode, reason: &'static str) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "unauthorized",
        StatusCode::FORBIDDEN => "insufficient_scope",
        StatusCode::INTERNAL_SERVER_ERROR => "internal_error",
        _ => reason,
    }
}

/// A SCIM error response (RFC 7644 §3.12).
pub fn scim_error(status: StatusCode, body: &serde_json::Value) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    if status == StatusCode::UNAUTHORIZED {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    response.content_type(scim::MEDIA_TYPE).body(body.to_string())
}

/// The response to a client that is rate limited.
pub fn rate_limited(format: ErrorFormat, retry_after: Duration, reference: &str) -> HttpResponse {
    let mut response = match format {
        ErrorFormat::Page => page(
            StatusCode::TOO_MANY_REQUESTS,
            PagePolicy::SameOriginForms,
            message::too_many_requests(retry_after.max(Duration::from_secs(1)), Some(reference)),
        ),
        _ => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            json_response(status_text(status), format, status, reference)
        }
    };
    let seconds = retry_after.as_millis().div_ceil(1000).max(1);
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(1)));
    response
}

/// `Retry-After` of a request for which there was no memory or no time, in seconds.
const BUSY_RETRY_AFTER: u64 = 2;

/// The response to a request whose body was not read to its end: it arrived too slowly, or there was no memory for it.
/// A later attempt may succeed.
pub fn body_error(
    format: ErrorFormat,
    error: BodyError,
    route: &MatchedRoute,
    reference: &str,
) -> HttpResponse {
    let status = match error {
        BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
        BodyError::Busy(Exhausted::Client) => StatusCode::TOO_MANY_REQUESTS,
        BodyError::Busy(Exhausted::Total) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let BodyError::Busy(exhausted) = error else { return respond(format, status, route, reference) };
    // The texts of an overload also for 429: the client did nothing wrong.
    let busy = StatusText {
        sentence: "Too many requests are being read; wait as many seconds as Retry-After says.",
        ..status_text(StatusCode::SERVICE_UNAVAILABLE)
    };
    let grpc_code = match exhausted {
        Exhausted::Client => status_text(StatusCode::TOO_MANY_REQUESTS).grpc_code,
        Exhausted::Total => busy.grpc_code,
    };
    let mut response = match format {
        ErrorFormat::Page => {
            page(status, PagePolicy::SameOriginForms, overload_message(route).reference(reference).view())
        }
        _ => json_response(StatusText { grpc_code, ..busy }, format, status, reference),
    };
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(BUSY_RETRY_AFTER));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body as text.
    fn text(response: HttpResponse) -> String {
        use actix_web::body::MessageBody;
        let bytes = response.into_body().try_into_bytes().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn at(surface: Surface) -> MatchedRoute {
        let pattern = if surface == Surface::Saml { path::SAML_ACS } else { "unmatched" };
        MatchedRoute { pattern: pattern.into(), surface }
    }

    #[test]
    fn overload_pages_have_texts_for_people() {
        for error in [BodyError::Busy(Exhausted::Client), BodyError::Busy(Exhausted::Total)] {
            for (surface, said) in [
                (Surface::Saml, "Reload this page in a few seconds."),
                (Surface::Console, "Nothing was saved."),
                (Surface::Setup, "Send it again in a few seconds."),
            ] {
                let response = body_error(ErrorFormat::Page, error, &at(surface), "r1");
                assert!(response.headers().contains_key(header::RETRY_AFTER));
                let text = text(response);
                assert!(text.contains(said) && !text.contains("Retry-After"), "{surface:?}: {text}");
            }
            let response = body_error(ErrorFormat::Api, error, &at(Surface::Ssoready), "r1");
            assert!(text(response).contains("Retry-After"));
        }
    }

    #[test]
    fn programs_get_their_format_for_every_status() {
        for status in [400, 401, 403, 404, 405, 408, 413, 414, 415, 429, 431, 500, 503] {
            let status = StatusCode::from_u16(status).unwrap();
            for (format, kind, field) in [
                (ErrorFormat::Api, "application/json", "code"),
                (ErrorFormat::Secureauth, "application/json", "error_code"),
                (ErrorFormat::Wso2, "application/json", "traceId"),
                (ErrorFormat::Sigid, "application/json", "error"),
                (ErrorFormat::Oauth, "application/json", "error"),
                (ErrorFormat::Issuer, "application/json", "error_hint"),
                (ErrorFormat::Scim, "application/scim+json", "schemas"),
            ] {
                let response = respond(format, status, &at(Surface::Site), "r1");
                assert_eq!(response.status(), status);
                if format == ErrorFormat::Wso2 && [401, 403].contains(&status.as_u16()) {
                    assert_eq!(text(response), "");
                    continue;
                }
                let sent = response.headers().get(header::CONTENT_TYPE).unwrap();
                assert!(sent.to_str().unwrap().starts_with(kind), "{status}: {sent:?}");
                let body: serde_json::Value = serde_json::from_str(&text(response)).unwrap();
                assert!(!body[field].is_null(), "{status}: {body}");
            }
            let response = respond(ErrorFormat::Page, status, &at(Surface::Site), "r1");
            assert!(text(response).starts_with("<!DOCTYPE html>"), "{status}");
        }
    }

    #[test]
    fn too_slow_and_too_large_say_what_to_do_at_this_address() {
        let groups = "send fewer groups";
        let (api, page) = (ErrorFormat::Api, ErrorFormat::Page);
        for (format, error, surface, said) in [
            (page, BodyError::TooSlow, Surface::Console, "Go back and send it again."),
            (api, BodyError::TooSlow, Surface::Ssoready, "1 KiB a second and within 30 seconds"),
            (api, BodyError::TooLarge, Surface::Ssoready, "at most 1 MiB; send it in parts"),
            (page, BodyError::TooLarge, Surface::Saml, groups),
            (page, BodyError::TooLarge, Surface::Console, "send less at once"),
            (page, BodyError::TooLarge, Surface::Oauth, "larger than this address accepts"),
        ] {
            let text = text(body_error(format, error, &at(surface), "r1"));
            assert!(text.contains(said), "{surface:?}: {text}");
            assert_eq!(text.contains(groups), said == groups, "{surface:?}: {text}");
        }
    }
}
