//! The passkeys.

use actix_web::web;
use serde::Deserialize;

use super::call::{AccountCall, AccountError, Reply};
use crate::{
    app::{Error, Result, accounts::self_service::passkeys},
    http::sign_in::place::SignInForm,
    links::path,
    web::{
        account::{
            frame::{Done, Section},
            passkeys::{ANSWER, NAME, PasskeysPage, REMOVE},
        },
        kit::forms::FormErrors,
    },
};

/// `GET …/account/passkeys`
pub(super) async fn show(call: AccountCall) -> Reply {
    render(&call, &FormErrors::none()).await
}

/// `POST …/account/passkeys`: adds one.
pub(super) async fn add(call: AccountCall, form: SignInForm) -> Reply {
    call.require_recent(Section::Passkeys)?;
    let (answer, name) = (form.0.text(ANSWER), form.0.text(NAME));
    let done = passkeys::add(call.state(), &call.signed_in, answer, name).await;
    finish(&call, done, Done::PasskeyAdded).await
}

/// The last segment of the path.
#[derive(Deserialize)]
pub(super) struct PasskeyPath {
    passkey: String,
}

/// `POST …/account/passkeys/{passkey}`: renames it, or removes it.
pub(super) async fn change(call: AccountCall, path: web::Path<PasskeyPath>, form: SignInForm) -> Reply {
    let id = path.passkey.parse().map_err(|_| AccountError::Gone)?;
    if !form.0.has(REMOVE) {
        let done = passkeys::rename(call.state(), &call.signed_in, id, form.0.text(NAME)).await;
        return finish(&call, done, Done::PasskeyRenamed).await;
    }
    call.require_recent(Section::Passkeys)?;
    let done = passkeys::remove(call.state(), &call.signed_in, id).await;
    finish(&call, done, Done::PasskeyRemoved).await
}

async fn finish(call: &AccountCall, done: Result<()>, said: Done) -> Reply {
    match done {
        Ok(()) => Ok(call.done_at(path::WORKSPACE_ACCOUNT_PASSKEYS, said)),
        Err(error) => render(call, &FormErrors::from_error(error)?).await,
    }
}

async fn render(call: &AccountCall, errors: &FormErrors) -> Reply {
    let (state, signed_in) = (call.state(), &call.signed_in);
    let own = passkeys::list(state, signed_in).await?;
    let offered = passkeys::are_offered(state, signed_in);
    let options = match offered && signed_in.is_recent(state.now()) {
        true => match passkeys::begin(state, signed_in).await {
            Ok(options) => Some(options),
            // The maximum number is reached.
            Err(Error::FailedPrecondition(_)) => None,
            Err(error) => return Err(error.into()),
        },
        false => None,
    };
    call.page(errors, |frame| {
        PasskeysPage { frame, passkeys: &own, offered, options: options.as_ref(), errors }.view()
    })
    .await
}
