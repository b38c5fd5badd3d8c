//! `POST` of the account page: name, password, passkeys, sessions, and authenticating again.

use actix_web::{HttpResponse, web};

use super::show::{next_or_account, respond, seen, values};
use crate::{
    app::{
        Error,
        administrators::{account, confirm, passkeys, sessions},
    },
    links::console,
    web::{
        console::kit::{
            context::ConsoleContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
        },
        kit::{
            error::{PageError, PageResult},
            forms::{FormErrors, FormValues},
            seen::{FormAgain, Seen},
        },
    },
};

/// Redirects with the flash message, or shows the page with the error.
async fn finish_change(
    context: &ConsoleContext,
    form: &ConsoleForm,
    done: Result<(), Error>,
    flash: Flash,
) -> PageResult {
    let next = form.text("next");
    match done {
        Ok(()) => Ok(see_other(next_or_account(next), flash)),
        Err(error) => {
            let account = &context.admin.administrator;
            let errors = FormErrors::from_error(error)?;
            respond(context, &seen(account), &values(account), &errors, next).await
        }
    }
}

/// `POST /console/account/name`
pub async fn rename(context: ConsoleContext, form: ConsoleForm) -> PageResult {
    let (state, admin) = (&context.state, &context.admin);
    let seen = Seen::posted(&form);
    let renamed =
        account::rename(state, admin, Some(&seen.expected()), form.text("displayName"), admin.device()).await;
    let Err(error) = renamed else {
        let done = Flash(ResourceKind::Administrator, Action::Saved);
        return Ok(see_other(next_or_account(form.text("next")), done));
    };
    let account = &admin.administrator;
    let again = FormAgain::new(error, seen, &FormValues::from(&*form), account.version, &values(account))?;
    respond(&context, &again.seen, &again.typed, &again.errors, form.text("next")).await
}

/// `POST /console/account/password`
pub async fn set_password(context: ConsoleContext, form: ConsoleForm) -> PageResult {
    let (state, admin) = (&context.state, &context.admin);
    let new = form.text("newPassword");
    let done = if new == form.text("repeatPassword") {
        account::set_password(state, admin, form.text("currentPassword"), new, admin.device()).await
    } else {
        Err(Error::invalid("repeatPassword", "is not the same as above"))
    };
    finish_change(&context, &form, done, Flash(ResourceKind::Password, Action::Saved)).await
}

/// `POST /console/account/confirm`
pub async fn confirm(context: ConsoleContext, form: ConsoleForm) -> PageResult {
    let (state, admin) = (&context.state, &context.admin);
    let done = confirm::with_password(state, admin, form.text("confirmPassword"), admin.device()).await;
    finish_change(&context, &form, done, Flash(ResourceKind::Identity, Action::Confirmed)).await
}

/// `POST /console/account/confirm/passkey`
pub async fn confirm_with_passkey(context: ConsoleContext, form: ConsoleForm) -> PageResult {
    let (state, admin) = (&context.state, &context.admin);
    let (challenge, webauthn_answer) = (form.text("challenge"), form.text("answer"));
    let done = confirm::with_passkey(state, admin, challenge, webauthn_answer, admin.device()).await;
    finish_change(&context, &form, done, Flash(ResourceKind::Identity, Action::Confirmed)).await
}

/// `POST /console/account/passkeys`
pub async fn add_passkey(context: ConsoleContext, form: ConsoleForm) -> PageResult {
    let (state, admin) = (&context.state, &context.admin);
    let (challenge, webauthn_answer) = (form.text("challenge"), form.text("answer"));
    let done = passkeys::finish_registration(
        state,
        admin,
        challenge,
        webauthn_answer,
        form.text("passkeyName"),
        admin.device(),
    )
    .await;
    finish_change(&context, &form, done.map(drop), Flash(ResourceKind::Passkey, Action::Added)).await
}

/// `POST /console/account/passkeys/{passkey}`: renames it, or with `remove` deletes it.
pub async fn change_passkey(context: ConsoleContext, id: web::Path<String>, form: ConsoleForm) -> PageResult {
    let (state, admin) = (&context.state, &context.admin);
    let id = id.parse().map_err(|_| Error::not_found("passkey", id.as_str()))?;
    let (done, action) = if form.has("remove") {
        (passkeys::remove(state, admin, id, admin.device()).await, Action::Deleted)
    } else {
        (passkeys::rename(state, admin, id, form.text("passkeyName"), admin.device()).await, Action::Saved)
    };
    finish_change(&context, &form, done, Flash(ResourceKind::Passkey, action)).await
}

/// `POST /console/account/sessions/{session}`: ends it.
pub async fn revoke_session(
    context: ConsoleContext,
    id: web::Path<String>,
    _form: ConsoleForm,
) -> PageResult {
    let id = id.parse().map_err(|_| Error::not_found("session", id.as_str()))?;
    sessions::revoke(&context.state, &context.admin, id, context.admin.device()).await?;
    Ok(see_other(console::ACCOUNT, Flash(ResourceKind::Session, Action::Ended)))
}

/// `POST /console/account/sessions/others`: ends all but this one.
pub async fn revoke_others(context: ConsoleContext, _form: ConsoleForm) -> Result<HttpResponse, PageError> {
    sessions::revoke_others(&context.state, &context.admin, context.admin.device()).await?;
    Ok(see_other(console::ACCOUNT, Flash(ResourceKind::OtherSessions, Action::Ended)))
}
