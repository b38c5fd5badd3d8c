//! Why a request of the console is not answered by its handler.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};

use super::redirect::safe_next;
use crate::{
    app::Error,
    links,
    web::kit::{
        error::{self, Area},
        message::Message,
        posted::PostedFormError,
        response::{PagePolicy, page, see_other},
    },
};

/// Why an extractor rejects a request.
#[derive(Debug)]
pub enum ExtractError {
    /// Not signed in; redirects to sign-in.
    NotSignedIn {
        /// The path to return to.
        next: String,
    },
    /// An organization's own administrator is not signed in; redirects to its sign-in.
    NotSignedInThere {
        /// The path of that, and the page to return to.
        path: String,
    },
    /// A POST without an active session.
    SessionEnded {
        /// Where to sign in.
        sign_in: String,
    },
    /// Whoever is signed in at the organization does not administer it.
    NoDelegate {
        /// The path of their account.
        account: String,
    },
    /// The body could not be read, or came from another site.
    Form(PostedFormError),
    /// An internal error.
    Internal(Error),
}

impl From<PostedFormError> for ExtractError {
    fn from(error: PostedFormError) -> Self {
        Self::Form(error)
    }
}

impl From<Error> for ExtractError {
    fn from(error: Error) -> Self {
        Self::Internal(error)
    }
}

impl ExtractError {
    /// The error of a use case, of which the page is made where the request is known.
    pub fn told(&self) -> Option<&Error> {
        match self {
            Self::Internal(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn { .. } | Self::NotSignedInThere { .. } | Self::SessionEnded { .. } => {
                f.write_str("not signed in")
            }
            Self::NoDelegate { .. } => f.write_str("the user does not administer the organization"),
            Self::Form(error) => error.fmt(f),
            Self::Internal(error) => error.fmt(f),
        }
    }
}

impl ResponseError for ExtractError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotSignedIn { .. } | Self::NotSignedInThere { .. } => StatusCode::SEE_OTHER,
            Self::SessionEnded { .. } => StatusCode::UNAUTHORIZED,
            Self::NoDelegate { .. } => StatusCode::FORBIDDEN,
            Self::Form(error) => error.status_code(),
            Self::Internal(error) => error::status(error),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::NotSignedIn { next } => HttpResponse::SeeOther()
                .insert_header((header::LOCATION, links::console_sign_in(safe_next(next))))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .finish(),
            Self::NotSignedInThere { path } => see_other(path),
            Self::NoDelegate { account } => {
                let message = Message {
                    reason: Some("not_an_administrator"),
                    next_link: Some(("To your account", account)),
                    ..Message::new(
                        "You do not administer this organization",
                        "None of your roles here permits anything on these pages.",
                        "If you should administer it, ask somebody who does for a role. If there is nobody, ask the support of the application.",
                    )
                };
                page(self.status_code(), PagePolicy::SameOriginForms, message.view())
            }
            Self::SessionEnded { sign_in } => {
                let message = Message {
                    reason: Some("session_ended"),
                    next_link: Some(("Sign in", sign_in)),
                    ..Message::new(
                        "You are signed out",
                        "Your session ended before this was sent. Nothing was changed.",
                        "Sign in, then send it again: the page you came from still holds what you typed.",
                    )
                };
                page(self.status_code(), PagePolicy::SameOriginForms, message.view())
            }
            Self::Form(error) => error.error_response(),
            Self::Internal(error) => {
                error::log_internal_error(error);
                error::respond(error, Area::Console, None)
            }
        }
    }
}
