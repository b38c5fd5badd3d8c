//! Credentials of users in the hands of support: a password set, a device that was lost removed, a one-time code made, sessions
//! ended.

use maud::html;
use model::{
    account::{CredentialState, OneTimeCodePurpose},
    user::{User, UserStatus},
};

use super::{
    contact::done,
    form::{own_path, user_page},
    labels,
    place::Place,
    show,
};
use crate::{
    app::{
        Error, Result,
        accounts::{
            one_time_codes::NewCode,
            user_credentials::{self, Removal},
            user_sessions, users,
        },
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, ResourceKind},
            form::ConsoleForm,
        },
        kit::{
            components::{copyable, exact, facts, time},
            error::PageResult,
            forms::{Choice, Form, FormErrors, FormValues, FormView},
            password_hint::password_hint,
            secret::SecretPanel,
        },
    },
};

/// `GET …/users/{user}/password`
pub async fn new_password(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let typed = FormValues::new().with_flag("mustBeChanged", true);
    password_page(&context, &typed, &FormErrors::none()).await
}

/// `POST …/users/{user}/password`
pub async fn set_password(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let user = show::load(&context).await?.user;
    let state = match form.flag("mustBeChanged") {
        true => CredentialState::MustBeChanged,
        false => CredentialState::Valid,
    };
    let new = form.text("password");
    let set = match new.is_empty() {
        true => Err(Error::invalid("password", "is required")),
        false => {
            let of = (user.pool_id, user.id);
            user_credentials::set_password(&context.state, &context.principal, of, new, state).await
        }
    };
    match set {
        Ok(()) => Ok(done(&context, user.id, ResourceKind::Password, Action::Saved)),
        Err(error) => {
            password_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?).await
        }
    }
}

async fn password_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> PageResult {
    let details = show::load(context).await?;
    let (name, back) = (labels::name(&details), own_path(context, details.user.id));
    let pool = users::find_pool(&context.state, &context.principal, details.user.pool_id).await?;
    let hint = password_hint(pool.password_policy());
    let action = context.href(console::USER_PASSWORD, &[&details.user.id]);
    let form = Form::new(&action, "Set password", context.csrf()).cancel(&back);
    let view = FormView::new(typed, errors);
    let fields = html! {
        (view.password("password", "New password").autocomplete("new-password").hint(&hint))
        (view.checkbox("mustBeChanged", "They must change it at the next sign-in").hint("So that nobody but them knows it."))
    };
    let place = Place::of_user(context, &details.user).await?;
    let content = html! {
        @if let Some(notice) = context.confirm_identity_notice("set a password") { (notice) }
        section.card {
            p.soft { "It takes the place of the present one, and signs them out everywhere." }
            (view.render(&form, fields))
        }
    };
    Ok(user_page(context, &place, &format!("New password for {name}"), (&name, &back), errors, content))
}

/// `POST …/users/{user}/credentials`
pub async fn change(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let user = show::load(&context).await?.user;
    match change_one(&context, &user, &form).await {
        Ok((kind, action)) => Ok(done(&context, user.id, kind, action)),
        Err(error) => show::refused(&context, error).await,
    }
}

async fn change_one(
    context: &EnvironmentContext,
    user: &User,
    form: &ConsoleForm,
) -> Result<(ResourceKind, Action)> {
    let (state, principal, of) = (&context.state, &context.principal, (user.pool_id, user.id));
    match form.text("change") {
        "must_be_changed" => {
            let wanted = CredentialState::MustBeChanged;
            user_credentials::set_password_state(state, principal, of, wanted).await?;
            Ok((ResourceKind::Password, Action::Saved))
        }
        "valid" => {
            user_credentials::set_password_state(state, principal, of, CredentialState::Valid).await?;
            Ok((ResourceKind::Password, Action::Saved))
        }
        "remove_passkey" => {
            user_credentials::remove_passkey(state, principal, of, form.text("credential")).await?;
            Ok((ResourceKind::Passkey, Action::Deleted))
        }
        "remove_totp" => {
            user_credentials::remove_credential(state, principal, of, Removal::Totp).await?;
            Ok((ResourceKind::AuthenticatorApp, Action::Deleted))
        }
        "remove_recovery_codes" => {
            user_credentials::remove_credential(state, principal, of, Removal::RecoveryCodes).await?;
            Ok((ResourceKind::RecoveryCodes, Action::Deleted))
        }
        _ => Err(Error::invalid("change", "choose what to do")),
    }
}

/// `POST …/users/{user}/sessions`
pub async fn end_sessions(context: EnvironmentContext, _: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let user = show::load(&context).await?.user;
    match user_sessions::end(&context.state, &context.principal, user.id).await {
        Ok(()) => Ok(done(&context, user.id, ResourceKind::AllSessions, Action::Ended)),
        Err(error) => show::refused(&context, error).await,
    }
}

/// What codes can be for, of a user who may sign in.
const PURPOSES: [Choice<'static>; 3] = [
    Choice::new("reset_password", "A new password", "They have forgotten theirs, or somebody else knows it."),
    Choice::new("reset_totp", "A new authenticator app", "They have a new phone, or have lost the app."),
    Choice::new("enroll_webauthn", "Another passkey", "They have a new device, or none that they can use."),
];

/// What it can be for of a new one.
const ACTIVATION: [Choice<'static>; 1] =
    [Choice::new("activation", "The activation of the account", "It is new, and nobody can sign in before.")];

fn purposes(user: &User) -> &'static [Choice<'static>] {
    match user.status {
        UserStatus::New => &ACTIVATION,
        _ => &PURPOSES,
    }
}

/// `GET …/users/{user}/codes`
pub async fn new_code(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let user = show::load(&context).await?.user;
    let first = purposes(&user).first().map_or("", |purpose| purpose.value);
    code_page(&context, &FormValues::new().with("purpose", first), &FormErrors::none()).await
}

/// `POST …/users/{user}/codes`
pub async fn make_code(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let user = show::load(&context).await?.user;
    let wanted = form.text("purpose");
    let purpose = purposes(&user).iter().find(|purpose| purpose.value == wanted);
    let made = match purpose.and_then(|purpose| purpose.value.parse::<OneTimeCodePurpose>().ok()) {
        Some(purpose) => {
            let of = (user.pool_id, user.id);
            user_credentials::generate(&context.state, &context.principal, of, purpose, None).await
        }
        None => Err(Error::invalid("purpose", "choose what it is for")),
    };
    match made {
        Ok(code) => made_page(&context, &code).await,
        Err(error) => code_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?).await,
    }
}

async fn code_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> PageResult {
    let details = show::load(context).await?;
    let (name, back) = (labels::name(&details), own_path(context, details.user.id));
    let action = context.href(console::USER_CODES, &[&details.user.id]);
    let form = Form::new(&action, "Make the code", context.csrf()).cancel(&back);
    let view = FormView::new(typed, errors);
    let fields = html! { (view.radios("purpose", "What it is for", purposes(&details.user))) };
    let place = Place::of_user(context, &details.user).await?;
    let content = html! {
        @if let Some(notice) = context.confirm_identity_notice("make a code") { (notice) }
        section.card {
            p.soft { "A short number that is good once and for a short time. Whoever has it can take over the account: give it to nobody but the user. A new one ends the one before." }
            (view.render(&form, fields))
        }
    };
    Ok(user_page(context, &place, &format!("One-time code for {name}"), (&name, &back), errors, content))
}

async fn made_page(context: &EnvironmentContext, code: &NewCode) -> PageResult {
    let details = show::load(context).await?;
    let (name, back) = (labels::name(&details), own_path(context, details.user.id));
    let place = Place::of_user(context, &details.user).await?;
    let about = format!(
        "Tell it to {name} by a way that you trust; your app’s page for this asks for it. It is good until {}.",
        exact(code.code.expires_at)
    );
    let content = html! {
        section.card.stack {
            (SecretPanel { name: "code", value: code.reveal(), about: &about, next_url: &back }.view())
            (facts(&[
                ("For a link of your app", copyable(&code.reveal_extended(), "code for a link")),
                ("Good until", time(code.code.expires_at, context.now())),
            ]))
        }
    };
    let (title, errors) = (format!("One-time code for {name}"), FormErrors::none());
    Ok(user_page(context, &place, &title, (&name, &back), &errors, content))
}
