//! Errors of use cases as pages: what happened, what to do, and the request's id to quote.
//!
//! Page handlers return `Result<HttpResponse, PageError>`. The text depends on the reader, who follows from the
//! route's surface; `http/middleware.rs` knows the route and the request's id, and renders the page.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use maud::Markup;

use super::{
    message::{self, Message},
    organization_words,
    response::{self, PagePolicy},
};
use crate::{
    app::{Error, RuleKind},
    links::{console, path},
    telemetry,
};

/// The result of a page handler.
pub type PageResult = Result<HttpResponse, PageError>;

/// An error of a page handler.
#[derive(Debug)]
pub struct PageError(pub Error);

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// The part of the site that a page belongs to, and so who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area<'a> {
    /// For the vendor's administrators.
    Console,
    /// For a customer's IT admin who followed a setup link.
    Setup,
    /// For a person in a login.
    Login,
    /// For an organization's own administrator, whose first page has this path.
    Delegated(&'a str),
}

/// The HTTP status of an error on a page.
pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::Conflict { .. }
        | Error::Invalid { .. }
        | Error::InvalidFields(_)
        | Error::FailedPrecondition(_)
        | Error::Organization(_) => StatusCode::BAD_REQUEST,
        Error::Rule(rule) => match rule.kind {
            RuleKind::Forbidden => StatusCode::FORBIDDEN,
            RuleKind::NotFound => StatusCode::NOT_FOUND,
            RuleKind::Conflict | RuleKind::Invalid => StatusCode::BAD_REQUEST,
            RuleKind::Expired => StatusCode::GONE,
            RuleKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        },
        Error::Outdated { .. } => StatusCode::PRECONDITION_FAILED,
        Error::Limited { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The response for an error. `reference` is the request's id.
pub fn respond(error: &Error, area: Area<'_>, reference: Option<&str>) -> HttpResponse {
    respond_with(error, view(error, area, reference))
}

/// The response for an error with this page.
pub fn respond_with(error: &Error, page: Markup) -> HttpResponse {
    let mut response = response::page(status(error), PagePolicy::SameOriginForms, page);
    if let Some(retry_after) = error.retry_after() {
        let seconds = header::HeaderValue::from(retry_after.as_secs().max(1));
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// Logs an internal error, once, with its causes.
pub fn log_internal_error(error: &Error) {
    if let Error::Internal(source) = error {
        tracing::error!(cause = telemetry::error_chain(&**source), "request failed on our side");
    }
}

fn view(error: &Error, area: Area<'_>, reference: Option<&str>) -> Markup {
    let text = match (error, area) {
        (Error::Organization(error), Area::Console | Area::Delegated(_)) => organization_words::reason(error),
        (error, _) => error.to_string(),
    };
    let message = match (error, area) {
        (Error::Limited { retry_after }, _) => return message::too_many_requests(*retry_after, reference),
        (Error::Unavailable { .. }, Area::Login) => Message::unavailable(),
        (Error::Unavailable { .. }, _) => Message::unavailable_after_form(),
        (error, Area::Console) => console_message(error, &text),
        (error, Area::Setup) => setup_message(error, &text),
        (error, Area::Delegated(home)) => delegated_message(error, &text, home),
        (Error::NotFound { .. }, Area::Login) => Message::not_found(),
        (Error::Internal(_), Area::Login) => Message::internal(),
        (_, Area::Login) => Message::bad_request(&text),
    };
    Message { reference, ..message }.view()
}

const HOME: (&str, &str) = ("To your environments", console::HOME);

fn console_message<'a>(error: &Error, text: &'a str) -> Message<'a> {
    let (reason, message) = match error {
        Error::NotFound { .. } => (
            "not_found",
            Message::new(
                "This is not here",
                "It may have been deleted, or it belongs to an environment that you have no role in.",
                "Check the address, or ask an owner of the environment for a role.",
            ),
        ),
        Error::Unauthenticated(_) => (
            "unauthenticated",
            Message {
                next_link: Some(("Sign in", path::CONSOLE_SIGN_IN)),
                ..Message::new("You are not signed in", text, "Sign in and try again.")
            },
        ),
        Error::Forbidden(_) => (
            "forbidden",
            Message::new(
                "Your role does not allow this",
                text,
                "Ask an owner of the environment to do it, or to give you another role.",
            ),
        ),
        Error::Internal(_) => (
            "internal",
            Message::new(
                "This did not work",
                "Something failed on our side. Nothing was changed, and the log has the cause under this reference.",
                "Try again in a minute. If it happens again, tell whoever runs this server the reference.",
            ),
        ),
        _ => (
            "bad_request",
            Message::new("This cannot be done", text, "Go back, change what was sent, and try again."),
        ),
    };
    Message { reason: Some(reason), next_link: message.next_link.or(Some(HOME)), ..message }
}

fn delegated_message<'a>(error: &Error, text: &'a str, home: &'a str) -> Message<'a> {
    // Of tokens, which they have none of, they are not told.
    let why = match text.contains("token") {
        true => "None of the roles that you have in your organization permits it.",
        false => text,
    };
    let (reason, message) = match error {
        Error::NotFound { .. } => (
            "not_found",
            Message::new(
                "This is not here",
                "It may have been deleted, or it is none of what you administer in your organization.",
                "Begin again at your start page. If something is missing there, ask somebody else who administers your organization.",
            ),
        ),
        Error::Forbidden(_) => (
            "forbidden",
            Message::new(
                "Your roles do not allow this",
                why,
                "Ask somebody else who administers your organization to do it, or to give you a role that permits it. If there is nobody else, ask the support of the application.",
            ),
        ),
        Error::Internal(_) => (
            "internal",
            Message::new(
                "This did not work",
                "Something failed on our side. Nothing was changed.",
                "Try again in a minute. If it happens again, tell the support of the application the reference.",
            ),
        ),
        _ => (
            "bad_request",
            Message::new("This cannot be done", text, "Go back, change what was sent, and try again."),
        ),
    };
    Message { reason: Some(reason), next_link: Some(("To your start page", home)), ..message }
}

fn setup_message<'a>(error: &Error, text: &'a str) -> Message<'a> {
    let (reason, message) = match error {
        Error::NotFound { .. } | Error::Unauthenticated(_) => (
            "not_found",
            Message::new(
                "This setup page is not open",
                "The link may have expired, been used in another browser, or been withdrawn.",
                "Ask the person who sent you the link for a new one.",
            ),
        ),
        Error::Forbidden(_) => (
            "forbidden",
            Message::new(
                "This link does not open that",
                text,
                "Ask the person who sent you the link for one that covers it.",
            ),
        ),
        Error::Internal(_) => ("internal", Message::internal()),
        _ => (
            "bad_request",
            Message::new("This cannot be done", text, "Go back, change what was sent, and try again."),
        ),
    };
    Message { reason: Some(reason), ..message }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        status(&self.0)
    }

    fn error_response(&self) -> HttpResponse {
        log_internal_error(&self.0);
        respond(&self.0, Area::Login, None)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::body::MessageBody as _;

    use super::*;

    #[test]
    fn each_reader_hears_what_to_do_and_nobody_hears_a_cause() {
        let kinds: [(fn() -> Error, u16); 8] = [
            (|| Error::Unauthenticated("who?".into()), 401),
            (|| Error::Forbidden("viewers may look".into()), 403),
            (|| Error::not_found("organization", "org_1"), 404),
            (|| Error::Conflict { kind: "organization", field: "externalId" }, 400),
            (|| Error::invalid("x", "is <bad>"), 400),
            (|| Error::Limited { retry_after: Duration::from_secs(7) }, 429),
            (|| Error::Unavailable { retry_after: Duration::from_secs(7) }, 503),
            (|| Error::internal("the disk is full of secrets"), 500),
        ];
        for (error, expected) in kinds {
            for area in [Area::Console, Area::Setup, Area::Login, Area::Delegated("/prod/acme/admin")] {
                let answer = respond(&error(), area, Some("0123abc"));
                assert_eq!(answer.status(), expected);
                assert_eq!(answer.headers().contains_key(header::RETRY_AFTER), matches!(expected, 429 | 503));
                let body = answer.into_body().try_into_bytes().unwrap();
                let body = std::str::from_utf8(&body).unwrap();
                assert!(!body.contains("secrets") && !body.contains("<bad>"), "{body}");
                assert!(body.contains("0123abc"), "{body}");
                // "Not yours" and "not there" read alike: not even the id is echoed.
                assert!(!body.contains("org_1"), "{body}");
            }
        }
    }
}
