//! Errors on the pages of an organization: in its colours, with a way back, and with what to quote.

use actix_web::{FromRequest as _, HttpMessage as _, HttpRequest, HttpResponse, dev::Payload};

use super::{
    account::AccountError,
    sign_in::{
        place::{Place, PlaceError, SignInName},
        sign_in_again,
    },
};
use crate::{
    app::Error,
    links::path,
    web::{
        kit::{
            error::{self, Area},
            message,
        },
        sign_in::pages::Told,
    },
};

/// The page for an error of a handler of an organization's pages. What is wrong with the server is told without asking it for
/// more.
pub(super) async fn page_of(
    request: &HttpRequest,
    response: &HttpResponse,
    id: &str,
) -> Option<HttpResponse> {
    let error = response.error()?;
    let (error, is_account) = match (error.as_error::<PlaceError>(), error.as_error::<AccountError>()) {
        (Some(PlaceError::App(error)), _) => (error, false),
        (_, Some(AccountError::Place(PlaceError::App(error)))) => (error, true),
        _ => return None,
    };
    match error {
        // There is no such organization: nothing to brand the page with.
        Error::NotFound { .. } => None,
        Error::Internal(_) | Error::Unavailable { .. } => Some(error::respond(error, Area::Login, Some(id))),
        error => {
            let place = Place::from_request(request, &mut Payload::None).await.ok()?;
            branded(&place, error, is_account, id).await
        }
    }
}

async fn branded(place: &Place, error: &Error, is_account: bool, id: &str) -> Option<HttpResponse> {
    let appearance = place.appearance().await.ok()?;
    let back = match is_account {
        true => ("Back to your account", place.path(path::WORKSPACE_ACCOUNT)),
        false => {
            let name = place.request.extensions().get::<SignInName>().map(|found| found.0.clone());
            ("Back to sign-in", sign_in_again(place, name.as_deref().unwrap_or_default()))
        }
    };
    let (happened, remedy) = match error {
        Error::Limited { retry_after } => {
            (message::TOO_MANY.to_owned(), message::wait_and_try_again(*retry_after))
        }
        error => (error.to_string(), "Go back and try again.".to_owned()),
    };
    let is_limit = matches!(error, Error::Limited { .. });
    let told = Told {
        title: if is_limit { "Too many attempts" } else { "That cannot be done" },
        happened: &happened,
        remedy: &remedy,
        reason: Some(if is_limit { "too_many_requests" } else { "bad_request" }),
        next: Some((back.0, &back.1)),
    };
    Some(error::respond_with(error, told.view_quoted(&place.layout(&appearance), Some(id))))
}
