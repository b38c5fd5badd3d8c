//! Proving once more who one is.

use actix_web::{http::StatusCode, web};
use serde::Deserialize;

use super::call::{AccountCall, Reply};
use crate::{
    app::accounts::self_service::{confirmation, overview},
    http::sign_in::place::SignInForm,
    web::{
        account::{
            confirm::{ANSWER, CHALLENGE, CODE, ConfirmPage, NEXT, PASSWORD},
            frame::Done,
            wanted::Wanted,
        },
        kit::forms::FormErrors,
        sign_in::cookies::{self, Purpose},
    },
};

/// What a link to the page says.
#[derive(Deserialize)]
pub(super) struct ConfirmQuery {
    #[serde(default)]
    next: String,
}

/// `GET …/account/confirm`
pub(super) async fn show(call: AccountCall, query: web::Query<ConfirmQuery>) -> Reply {
    render(&call, &Wanted::of(&query.next), &FormErrors::none()).await
}

/// `POST …/account/confirm`
pub(super) async fn confirm(call: AccountCall, form: SignInForm) -> Reply {
    let next = Wanted::of(form.0.text(NEXT));
    let (password, code) = (form.0.text(PASSWORD), form.0.text(CODE));
    let (sealed, answer) = (form.0.text(CHALLENGE), form.0.text(ANSWER));
    let proven = match form.0.has(ANSWER) {
        true => confirmation::with_passkey(call.state(), &call.signed_in, sealed, answer).await,
        false => confirmation::with_password(call.state(), &call.signed_in, password, code).await,
    };
    match proven {
        Ok(begun) => {
            let mut response = call.done_at_wanted(&next, Done::Confirmed);
            let (links, cookie) = (&call.state().links, begun.token.reveal());
            cookies::set(links, &mut response, call.place.organization, Purpose::Session, &cookie);
            Ok(response)
        }
        Err(error) => {
            let mut response = render(&call, &next, &FormErrors::from_error(error)?).await?;
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(response)
        }
    }
}

async fn render(call: &AccountCall, next: &Wanted, errors: &FormErrors) -> Reply {
    let methods = confirmation::methods(call.state(), &call.signed_in).await?;
    let found = overview::load(call.state(), &call.signed_in).await?;
    let name = found.name(call.signed_in.user());
    call.page(errors, |frame| ConfirmPage { frame, next, methods: &methods, name: &name, errors }.view())
        .await
}
