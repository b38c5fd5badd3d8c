//! `/console/{environment}/webhooks/{webhook}`: a webhook and its deliveries; edits, enables, disables,
//! replays and deletes.

use base::id::WebhookDeliveryId;
use maud::{Markup, html};
use model::webhook::Webhook;

use super::{
    deliveries::{STATES, deliveries, replay_form, with_state},
    page::{WebhookActions, WebhookPage, find},
};
use crate::{
    app::{self, pagination::Page, permissions, webhooks::WebhookChange},
    links::console,
    web::{
        console::{
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                form::ConsoleForm,
                labels::filter_error_notice,
                resource::href,
                shell::Section,
            },
            webhooks,
        },
        kit::{
            components::{ButtonStyle, copyable, facts, link_button, time},
            error::PageResult,
            forms::{FormErrors, FormValues, button_form},
            list::ListUrl,
        },
    },
};

/// `GET …/webhooks/{webhook}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let webhook = find(&context).await?;
    respond(&context, &webhook, &FormValues::new(), &FormErrors::none()).await
}

pub(super) async fn respond(
    context: &EnvironmentContext,
    webhook: &Webhook,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    // After a POST to a path below it, links in the list still go to the webhook's page.
    let place = ListUrl::read(&href(context, webhook), context.request().query_string(), &["state"]);
    let found = app::webhooks::list_deliveries(
        &context.state,
        &context.principal,
        webhook.id,
        place.filter("state"),
        &place.query(),
    )
    .await;
    let (deliveries, filter_errors) = match found {
        Ok(page) => (page, FormErrors::none()),
        Err(error) => (Page { items: Vec::new(), next_token: String::new() }, FormErrors::from_error(error)?),
    };
    let at = |path| context.href(path, &[&webhook.id]);
    let delivery = |id: WebhookDeliveryId| context.href(console::REPLAY_WEBHOOK_DELIVERY, &[&id]);
    let toggle =
        if webhook.disabled_at.is_some() { console::ENABLE_WEBHOOK } else { console::DISABLE_WEBHOOK };
    let actions = context.may(permissions::Action::WebhooksManage).then(|| WebhookActions {
        csrf: context.csrf(),
        edit: at(console::EDIT_WEBHOOK),
        delete: at(console::DELETE_WEBHOOK),
        toggle: at(toggle),
        replay: at(console::REPLAY_WEBHOOK),
        delivery: &delivery,
        typed,
        errors,
    });
    let page = WebhookPage {
        webhook,
        deliveries: &deliveries,
        place: &place,
        filter_errors: &filter_errors,
        actions,
        now: context.now(),
    };
    let status = if errors.is_empty() { filter_errors.status() } else { errors.status() };
    Ok(context.shell(Section::Webhooks, "Webhook").respond_with(status, view(&page)))
}

/// The page.
pub(in crate::web::console) fn view(page: &WebhookPage<'_>) -> Markup {
    let webhook = page.webhook;
    html! {
        div.head-row {
            h1 { "Webhook" }
            @if let Some(actions) = &page.actions {
                div.actions {
                    (link_button(ButtonStyle::Plain, "Edit", &actions.edit))
                    (button_form(&actions.toggle, if webhook.disabled_at.is_some() { "Enable" } else { "Disable" },
                        ButtonStyle::Plain, actions.csrf.clone()))
                    (link_button(ButtonStyle::Danger, "Delete", &actions.delete))
                }
            }
        }
        section.card {
            h2 { "Settings" }
            (facts(&[
                ("URL", copyable(webhook.url.as_str(), "URL")),
                ("State", html! {
                    (webhooks::list::state(webhook))
                    @if let Some(at) = webhook.disabled_at { " since " (time(at, page.now)) }
                }),
                ("Events", webhooks::list::kinds(webhook)),
                ("Next event", html! { "#" (webhook.next_sequence) }),
                ("ID", copyable(&webhook.id.to_string(), "webhook id")),
                ("Created", time(webhook.created_at, page.now)),
                ("Changed", time(webhook.updated_at, page.now)),
            ]))
            @if webhook.disabled_at.is_some() {
                p.soft { "It gets nothing. Once enabled it gets what happens from then on; what it missed can be sent again, by number." }
            }
        }
        h2 { "Deliveries" }
        nav.tabs aria-label="Deliveries by state" {
            @for (value, label) in STATES {
                @let current = page.place.filter("state") == value;
                a href=(with_state(page.place, value)) aria-current=[current.then_some("page")] { (label) }
            }
        }
        @if page.filter_errors.is_empty() { (deliveries(page)) } @else { (filter_error_notice(page.filter_errors)) }
        @if let (Some(actions), true) = (&page.actions, webhook.disabled_at.is_none()) {
            section.card {
                h2 { "Send events again" }
                p { "Every event after a number is sent anew, as new deliveries: for when the receiver lost some. 0 sends all that are kept." }
                (replay_form(actions))
            }
        }
    }
}

/// `POST …/webhooks/{webhook}/enable`
pub async fn enable(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    set_enabled(&context, true).await
}

/// `POST …/webhooks/{webhook}/disable`
pub async fn disable(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    set_enabled(&context, false).await
}

async fn set_enabled(context: &EnvironmentContext, enabled: bool) -> PageResult {
    let change = WebhookChange { enabled: Some(enabled), ..WebhookChange::default() };
    let id = context.id("webhook")?;
    let webhook = app::webhooks::update(&context.state, &context.principal, id, None, &change).await?;
    let action = if enabled { Action::Enabled } else { Action::Disabled };
    Ok(see_other(&href(context, &webhook), Flash(ResourceKind::Webhook, action)))
}
