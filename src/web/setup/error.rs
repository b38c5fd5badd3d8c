//! Why a request of the setup is not answered by its handler.

use std::fmt;

use actix_web::{HttpResponse, ResponseError, http::StatusCode};

use crate::{
    app::{Error, organizations::error::OrganizationError},
    web::kit::{
        error::{self, Area},
        message::Message,
        posted::PostedFormError,
        response::{PagePolicy, page},
    },
};

/// Why a request does not reach its handler.
#[derive(Debug)]
pub enum ExtractError {
    /// No link was redeemed in this browser, or the session expired.
    NoSession,
    /// The posted form was rejected.
    Form(PostedFormError),
    /// An internal error, or an organization that was deleted.
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

impl fmt::Display for ExtractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSession => f.write_str("no setup link was redeemed here"),
            Self::Form(error) => error.fmt(f),
            Self::Internal(error) => error.fmt(f),
        }
    }
}

impl ResponseError for ExtractError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoSession => StatusCode::UNAUTHORIZED,
            Self::Form(error) => error.status_code(),
            Self::Internal(error) => error::status(error),
        }
    }

    fn error_response(&self) -> HttpResponse {
        let message = match self {
            Self::NoSession | Self::Internal(Error::NotFound { .. }) => Message {
                reason: Some("setup_not_open"),
                ..Message::new(
                    "These setup pages are not open here",
                    "They open with the link that the application’s team sent you, in the browser in which you first \
                     opened it, until it expires.",
                    "Open the link in the browser that you used before, or ask whoever sent it for a new one.",
                )
            },
            Self::Internal(Error::Forbidden(_)) => Message {
                reason: Some("organization_disabled"),
                ..Message::new(
                    "Single sign-on for your company is switched off",
                    "The application’s team has switched it off. What you entered before is kept.",
                    "Ask whoever sent you the link to switch it on again.",
                )
            },
            Self::Internal(Error::Organization(OrganizationError::IsTemplate(_))) => Message {
                reason: Some("organization_is_template"),
                ..Message::new(
                    "There is nothing to set up here",
                    "This link belongs to a template of the application’s team, not to your company.",
                    "Ask whoever sent it for a link of your company.",
                )
            },
            Self::Form(error) => return error.error_response(),
            Self::Internal(error) => {
                error::log_internal_error(error);
                return error::respond(error, Area::Setup, None);
            }
        };
        page(self.status_code(), PagePolicy::SameOriginForms, message.view())
    }
}
