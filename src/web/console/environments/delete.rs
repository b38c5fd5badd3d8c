//! `/console/{environment}/delete`.

use actix_web::HttpResponse;

use crate::{
    app,
    links::console,
    web::{
        console::kit::{
            context::{EnvironmentContext, environment_name},
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `GET …/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require_owner()?;
    Ok(confirm_page(&context, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let checked = confirm::check(form.text(confirm::FIELD), environment_name(&context.environment));
    let removed = match checked {
        Ok(()) => app::environments::remove(&context.state, &context.actor).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(console::HOME, Flash(ResourceKind::Environment, Action::Deleted))),
        Err(error) => Ok(confirm_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn confirm_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> HttpResponse {
    let effects = [
        "Its API keys and OAuth clients stop working at once, and its webhooks get nothing more.".to_owned(),
        "Nobody keeps a role in it. Its audit log stays.".to_owned(),
        "An environment that still has organizations cannot be deleted; delete those first.".to_owned(),
    ];
    let deletion = DeleteConfirmation {
        kind: "environment",
        name: environment_name(&context.environment),
        effects: &effects,
        action: &context.href(console::DELETE_ENVIRONMENT, &[]),
        cancel: &context.href(console::ENVIRONMENT, &[]),
    };
    let content = deletion.view(typed, errors, context.csrf());
    context.shell(Section::Environment, "Delete environment").respond_with(errors.status(), content)
}
