//! Proving once more who one is.

use actix_web::{http::StatusCode, web};
use serde::Deserialize;

use super::call::{AccountCall, Reply};
use crate::{
    app::accounts::self_service::{confirmation, overview},
    http::sign_in::place::SignInForm,
    web::{
        account::{
            confirm::{CODE, ConfirmPage, NEXT, PASSWORD},
            frame::{Done, Section},
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
    render(&call, Section::of(&query.next), &FormErrors::none()).await
}

/// `POST …/account/confirm`
pub(super) async fn confirm(call: AccountCall, form: SignInForm) -> Reply {
    let next = Section::of(form.0.text(NEXT));
    let (password, code) = (form.0.text(PASSWORD), form.0.text(CODE));
    match confirmation::with_password(call.state(), &call.signed_in, password, code).await {
        Ok(begun) => {
            let mut response = call.done_at(next.pattern(), Done::Confirmed);
            let (links, cookie) = (&call.state().links, begun.token.reveal());
            cookies::set(links, &mut response, call.place.organization, Purpose::Session, &cookie);
            Ok(response)
        }
        Err(error) => {
            let mut response = render(&call, next, &FormErrors::from_error(error)?).await?;
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(response)
        }
    }
}

async fn render(call: &AccountCall, next: Section, errors: &FormErrors) -> Reply {
    let methods = confirmation::methods(call.state(), &call.signed_in).await?;
    let found = overview::load(call.state(), &call.signed_in).await?;
    let name = found.name(call.signed_in.user());
    call.page(errors, |frame| ConfirmPage { frame, next, methods, name: &name, errors }.view()).await
}
