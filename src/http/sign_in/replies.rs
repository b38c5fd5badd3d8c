//! How a sign-in ends in the browser: at the application, or on a page that says why not.

use actix_web::{HttpResponse, http::StatusCode};

use super::place::{Place, Reply};
use crate::{
    app::authorization_server::sign_in::{Finished, Visitor},
    links::path,
    web::{
        kit::response::{PagePolicy, page},
        sign_in::{
            cookies::{self, Purpose},
            pages::Told,
        },
    },
};

/// A sign-in is over: the cookie of the session, if there is one, and the answer to the application.
pub(super) fn signed_in(place: &Place, visitor: &Visitor, finished: &Finished) -> HttpResponse {
    let mut response = match &finished.answer {
        Some(answer) => place.to_client(answer),
        None => place.to_account(),
    };
    let links = &place.state.links;
    if let Some(cookie) = &finished.cookie {
        cookies::set(links, &mut response, place.organization, Purpose::Session, &cookie.reveal());
        tracing::debug!(had_session = !visitor.cookies.is_empty(), "the session's cookie was set");
    }
    response
}

/// Somebody is who they say, and may not sign in.
pub(super) async fn not_active(place: &Place, quoted: Option<&str>) -> Reply {
    told_quoted(
        place,
        quoted,
        &Told {
            title: "You cannot sign in with this account",
            happened: "Your account is not activated yet, or it is switched off.",
            remedy: "Use the link of the letter that you got. If you have none, ask whoever manages the accounts of your organization.",
            reason: Some("account_not_active"),
            next: None,
        },
    )
    .await
}

/// There is no such sign-in under way.
pub(super) async fn gone(place: &Place) -> Reply {
    told(
        place,
        StatusCode::BAD_REQUEST,
        &Told {
            title: "Begin in the app",
            happened: "This sign-in was finished, took too long, or was begun in another browser.",
            remedy: "Go to the app that you want to use and sign in from there, or sign in to your account here.",
            reason: Some("sign_in_gone"),
            next: Some(("Sign in to your account", &place.path(path::WORKSPACE_SIGN_IN))),
        },
    )
    .await
}

/// What is said on a page with nothing to fill in.
async fn told(place: &Place, status: StatusCode, told: &Told<'_>) -> Reply {
    let appearance = place.appearance().await?;
    Ok(page(status, PagePolicy::SameOriginForms, told.view(&place.layout(&appearance))))
}

/// What is refused for good, with how it is quoted.
pub(super) async fn told_quoted(place: &Place, quoted: Option<&str>, told: &Told<'_>) -> Reply {
    let appearance = place.appearance().await?;
    let view = told.view_quoted(&place.layout(&appearance), quoted);
    Ok(page(StatusCode::FORBIDDEN, PagePolicy::SameOriginForms, view))
}
