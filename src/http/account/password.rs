//! The password.

use super::call::{AccountCall, Reply};
use crate::{
    app::{
        Error,
        accounts::self_service::{overview, passwords},
    },
    http::sign_in::place::SignInForm,
    links::path,
    web::{
        account::{
            frame::Done,
            password::{CURRENT, NEW, PasswordPage, REPEATED},
        },
        kit::forms::FormErrors,
    },
};

/// `GET …/account/password`
pub(super) async fn show(call: AccountCall) -> Reply {
    render(&call, &FormErrors::none()).await
}

/// `POST …/account/password`
pub(super) async fn set(call: AccountCall, form: SignInForm) -> Reply {
    let new = form.0.text(NEW);
    let done = match new == form.0.text(REPEATED) {
        true => passwords::set(call.state(), &call.signed_in, form.0.text(CURRENT), new).await,
        false => Err(Error::invalid(REPEATED, "the two new passwords are not the same")),
    };
    match done {
        Ok(()) => Ok(call.done_at(path::WORKSPACE_ACCOUNT, Done::Password)),
        Err(error) => render(&call, &FormErrors::from_error(error)?).await,
    }
}

async fn render(call: &AccountCall, errors: &FormErrors) -> Reply {
    let account = &call.signed_in.account;
    let has_one = overview::load(call.state(), &call.signed_in).await?.has_password();
    let policy = account.pool.password_policy();
    call.page(errors, |frame| {
        PasswordPage { frame, allowed: account.allows_passwords(), has_one, policy, errors }.view()
    })
    .await
}
