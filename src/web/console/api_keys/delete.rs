//! `…/api-keys/{key}/delete`.

use actix_web::HttpResponse;
use base::id::ApiKeyId;
use model::api_key::ApiKey;

use super::list::name;
use crate::{
    app,
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            components,
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `GET …/api-keys/{key}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let key = app::environments::api_keys::find(&context.state, &context.actor, context.id("key")?).await?;
    Ok(confirm_page(&context, &key, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/api-keys/{key}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id: ApiKeyId = context.id("key")?;
    let key = app::environments::api_keys::find(&context.state, &context.actor, id).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), &name(&key)) {
        Ok(()) => app::environments::api_keys::remove(&context.state, &context.actor, id).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => {
            Ok(see_other(&context.href(console::API_KEYS, &[]), Flash(ResourceKind::ApiKey, Action::Deleted)))
        }
        Err(error) => {
            Ok(confirm_page(&context, &key, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

fn confirm_page(
    context: &EnvironmentContext,
    key: &ApiKey,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let used = match key.last_used_at {
        Some(at) => format!("It was last used {}.", components::relative(at, context.now())),
        None => "It was never used.".to_owned(),
    };
    let effects = ["Whatever uses it is refused from the next call on.".to_owned(), used];
    let deletion = DeleteConfirmation {
        kind: "API key",
        name: &name(key),
        effects: &effects,
        action: &context.href(console::DELETE_API_KEY, &[&key.id]),
        cancel: &context.href(console::API_KEYS, &[]),
    };
    context
        .shell(Section::ApiKeys, "Delete API key")
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf()))
}
