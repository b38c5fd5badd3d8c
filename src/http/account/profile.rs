//! The profile.

use super::call::{AccountCall, Reply};
use crate::{
    app::accounts::self_service::profile,
    http::sign_in::place::SignInForm,
    links::path,
    web::{
        account::{frame::Done, profile::ProfileForm},
        kit::{
            forms::{FormErrors, FormValues},
            seen::Seen,
        },
    },
};

/// `GET …/account/profile`
pub(super) async fn show(call: AccountCall) -> Reply {
    let form = form_of(&call).await?;
    render(&call, &form, &form.seen(), &form.values(), &FormErrors::none()).await
}

/// `POST …/account/profile`
pub(super) async fn update(call: AccountCall, posted: SignInForm) -> Reply {
    let form = form_of(&call).await?;
    let (seen, typed) = (Seen::posted(&posted.0), FormValues::from(&posted.0));
    let (payload, errors) = form.read(&typed);
    if !errors.is_empty() {
        return render(&call, &form, &seen, &typed, &errors).await;
    }
    match profile::update(call.state(), &call.signed_in, Some(&seen.expected()), &payload).await {
        Ok(_) => Ok(call.done_at(path::WORKSPACE_ACCOUNT, Done::Profile)),
        Err(error) => {
            let again = form.again(error, seen, &typed)?;
            render(&call, &form, &again.seen, &again.typed, &again.errors).await
        }
    }
}

async fn form_of(call: &AccountCall) -> Result<ProfileForm, super::call::AccountError> {
    let own = profile::load(call.state(), &call.signed_in).await?;
    Ok(ProfileForm::new(&own, call.signed_in.user()))
}

async fn render(
    call: &AccountCall,
    form: &ProfileForm,
    seen: &Seen,
    typed: &FormValues,
    errors: &FormErrors,
) -> Reply {
    call.page(errors, |frame| form.view(frame, seen, typed, errors)).await
}
