//! Where the user is signed in, and signing out.

use actix_web::web;
use serde::Deserialize;

use super::call::{AccountCall, AccountError, Reply};
use crate::{
    app::accounts::self_service::sessions,
    http::sign_in::place::SignInForm,
    links::path,
    web::{
        account::{
            confirm::{AGAIN, NEXT},
            frame::Done,
            sessions::SessionsPage,
            wanted::Wanted,
        },
        kit::{forms::FormErrors, response::see_other},
        sign_in::cookies::{self, Purpose},
    },
};

/// `GET …/account/sessions`
pub(super) async fn show(call: AccountCall) -> Reply {
    let own = call.signed_in.session.id;
    let found = sessions::list(call.state(), &call.signed_in).await?;
    call.page(&FormErrors::none(), |frame| SessionsPage { frame, sessions: &found, own }.view()).await
}

/// `POST …/account/sessions`: ends all but this one.
pub(super) async fn end_others(call: AccountCall, _form: SignInForm) -> Reply {
    sessions::end_others(call.state(), &call.signed_in).await?;
    Ok(call.done_at(path::WORKSPACE_ACCOUNT_SESSIONS, Done::OthersEnded))
}

/// The last segment of the path.
#[derive(Deserialize)]
pub(super) struct SessionPath {
    session: String,
}

/// `POST …/account/sessions/{session}`: ends it.
pub(super) async fn end(call: AccountCall, path: web::Path<SessionPath>, _form: SignInForm) -> Reply {
    let id = path.session.parse().map_err(|_| AccountError::Gone)?;
    sessions::end(call.state(), &call.signed_in, id).await?;
    Ok(call.done_at(path::WORKSPACE_ACCOUNT_SESSIONS, Done::SessionEnded))
}

/// `POST …/account/sign-out`: ends this one. Whoever signs in again goes where that is done.
pub(super) async fn sign_out(call: AccountCall, form: SignInForm) -> Reply {
    sessions::sign_out(call.state(), &call.signed_in).await?;
    let next = match form.0.has(AGAIN) {
        true => call.place.sign_in_for(&Wanted::of(form.0.text(NEXT))),
        false => call.place.path(path::WORKSPACE_LOGOUT),
    };
    let mut response = see_other(&next);
    cookies::clear(&call.state().links, &mut response, call.place.organization, Purpose::Session);
    Ok(response)
}
