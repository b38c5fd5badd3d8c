//! Users who are disabled, enabled and deleted.

use model::user::UserStatus;

use super::{form::own_path, labels, place::Place, show};
use crate::{
    app::{Error, accounts::users, permissions},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            own_rights::{self, Step},
        },
        kit::{
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `POST …/users/{user}/status`
pub async fn change(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let details = show::load(&context).await?;
    let of = (details.user.pool_id, details.user.id);
    let (status, done) = match form.text("status") {
        "active" => (UserStatus::Active, Action::Enabled),
        "inactive" => (UserStatus::Inactive, Action::Disabled),
        _ => return show::refused(&context, Error::invalid("status", "must be active or inactive")).await,
    };
    if status == UserStatus::Inactive {
        let (path, back) =
            (context.href(console::USER_STATUS, &[&details.user.id]), own_path(&context, details.user.id));
        let step = Step { form: &form, action: &path, cancel: &back };
        if let Some(asked) = own_rights::ask_about_own_account(&context, details.user.id, &step) {
            return Ok(asked);
        }
    }
    match users::set_status(&context.state, &context.principal, of, None, status).await {
        Ok(user) => Ok(see_other(&own_path(&context, user.id), Flash(ResourceKind::User, done))),
        Err(error) => show::refused(&context, error).await,
    }
}

/// `GET …/users/{user}/delete`
pub async fn confirm_deletion(context: EnvironmentContext) -> PageResult {
    context.require(permissions::Action::UsersDelete)?;
    deletion_page(&context, &FormValues::new(), &FormErrors::none()).await
}

/// `POST …/users/{user}/delete`
pub async fn delete(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersDelete)?;
    let details = show::load(&context).await?;
    let place = Place::of_user(&context, &details.user).await?;
    let of = (details.user.pool_id, details.user.id);
    let removed = match confirm::check(form.text(confirm::FIELD), &labels::name(&details)) {
        Ok(()) => users::remove(&context.state, &context.principal, of, None).await,
        Err(error) => Err(error),
    };
    match removed {
        Ok(()) => Ok(see_other(&place.list(&context), Flash(ResourceKind::User, Action::Deleted))),
        Err(error) => {
            deletion_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?).await
        }
    }
}

async fn deletion_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> PageResult {
    let details = show::load(context).await?;
    let place = Place::of_user(context, &details.user).await?;
    let (name, own) = (labels::name(&details), own_path(context, details.user.id));
    let is_own = context.delegate().is_some_and(|current| current.is(details.user.id));
    let own_account = "This is your own account: you are signed out at once, and do not administer this organization any more.";
    let own_account = is_own.then(|| own_account.to_owned());
    let effects: Vec<String> = own_account
        .into_iter()
        .chain([
            "They can no longer sign in: their sessions and tokens end at once.".to_owned(),
            "Their profile, identifiers, addresses and credentials are erased. The audit log keeps that there was such an account.".to_owned(),
            "To keep them out for a while only, disable them.".to_owned(),
        ])
        .collect();
    let deletion = DeleteConfirmation {
        kind: "user",
        name: &name,
        effects: &effects,
        action: &context.href(console::DELETE_USER, &[&details.user.id]),
        cancel: &own,
    };
    let shell = place.shell(context, "Delete user").crumb(&*name, &*own);
    Ok(shell.respond_with(errors.status(), deletion.view(typed, errors, context.csrf())))
}
