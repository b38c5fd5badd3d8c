//! Applications, and sharing them with organizations.

pub(super) mod apis;
mod body;
pub(super) mod list;
pub(super) mod manage;
pub(super) mod oidc;
pub(super) mod share;
mod share_body;
pub(super) mod shared;

use actix_web::http::StatusCode;
use base::id::ApplicationId;

use super::{call::Call, error::Wso2Error};
use crate::app::{
    Error,
    applications::visible::{self, VisibleApplication},
};

/// An error of the management of applications. Other APIs have other codes for some of the same.
fn application_error(error: Error) -> Wso2Error {
    let text = error.to_string();
    let of = |status, code: &'static str, message: &'static str| Wso2Error::new(status, code, message, text);
    match &error {
        Error::NotFound { kind: "application", .. } => {
            of(StatusCode::NOT_FOUND, "APP-60006", "Application not found.")
        }
        Error::Conflict { .. } => of(StatusCode::CONFLICT, "APP-60007", "Application already exists."),
        Error::Invalid { field, .. } if field == "filter" => {
            of(StatusCode::BAD_REQUEST, "APP-60004", "Invalid filter.")
        }
        Error::Invalid { .. }
        | Error::InvalidFields(_)
        | Error::FailedPrecondition(_)
        | Error::Outdated { .. }
        | Error::NotFound { .. } => of(StatusCode::BAD_REQUEST, "APP-60001", "Invalid request."),
        _ => error.into(),
    }
}

/// A request that is not valid.
fn invalid(description: impl Into<std::borrow::Cow<'static, str>>) -> Wso2Error {
    Wso2Error::new(StatusCode::BAD_REQUEST, "APP-60001", "Invalid request.", description)
}

/// The application that the path names where it is called.
async fn named<B>(call: &Call<B>) -> Result<VisibleApplication, Error> {
    find_text(call, call.path("id")).await
}

/// The application that a text names where it is called.
async fn find_text<B>(call: &Call<B>, text: &str) -> Result<VisibleApplication, Error> {
    let unknown = || Error::not_found("application", crate::app::input::quoted(text));
    let id: ApplicationId = text.parse().map_err(|_| unknown())?;
    visible::find(&call.state, &call.principal, call.organization_id, id).await.map_err(|error| match error {
        Error::NotFound { kind: "application", .. } => unknown(),
        error => error,
    })
}
