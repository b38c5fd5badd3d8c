//! `…/webhooks/{webhook}/delete`.

use actix_web::HttpResponse;
use model::webhook::Webhook;

use super::{
    page::{find, href},
    show::host,
};
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
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{FormErrors, FormValues},
        },
    },
};

/// `GET …/webhooks/{webhook}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let webhook = find(&context).await?;
    Ok(confirm_page(&context, &webhook, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/webhooks/{webhook}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let webhook = find(&context).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), &host(&webhook)) {
        Ok(()) => app::webhooks::remove(&context.state, &context.actor, webhook.id).await,
        wrong => context.require_manage().map_err(|failure| failure.0).and(wrong),
    };
    match removed {
        Ok(()) => Ok(see_other(
            &context.href(console::WEBHOOKS, &[]),
            Flash(ResourceKind::Webhook, Action::Deleted),
        )),
        Err(error) => {
            Ok(confirm_page(&context, &webhook, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

fn confirm_page(
    context: &EnvironmentContext,
    webhook: &Webhook,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let effects = [
        format!("{} gets no events any more, and what waits to be sent is not.", webhook.url),
        "The log of its deliveries goes with it. The events themselves stay.".to_owned(),
    ];
    let back = href(context, webhook.id);
    let deletion = DeleteConfirmation {
        kind: "webhook",
        name: &host(webhook),
        effects: &effects,
        action: &context.href(console::DELETE_WEBHOOK, &[&webhook.id]),
        cancel: &back,
    };
    context
        .shell(Section::Webhooks, "Delete webhook")
        .crumb(webhook.url.as_str(), back.as_str())
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf()))
}
