//! `/console/{environment}/webhooks/{webhook}`: a webhook and its deliveries; edits, enables, disables,
//! replays and deletes.

use actix_web::HttpResponse;
use maud::{Markup, html};

use super::form::{change, fields, typed};
use crate::{
    app::{self, pagination::Page, webhooks::WebhookChange},
    links::console,
    model::{
        id::{WebhookDeliveryId, WebhookId},
        time::Timestamp,
        webhook::{DeliveryState, Webhook, WebhookDelivery},
    },
    web::{
        console::{
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                session::ConsoleForm,
                shell::Section,
            },
            scim_requests::list::filter_error_notice,
            webhooks,
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, facts, link_button, mark, time},
            confirm::{self, DeleteConfirmation},
            error::{PageError, PageResult},
            forms::{self, FormErrors, FormValues, FormView, button_form},
            list::{List, ListUrl, column, number},
        },
    },
};

/// The page of a webhook.
pub(in crate::web::console) struct WebhookPage<'a> {
    pub webhook: &'a Webhook,
    pub deliveries: &'a Page<WebhookDelivery>,
    pub place: &'a ListUrl,
    /// Errors of the filter.
    pub filter_errors: &'a FormErrors,
    /// The actions, if the administrator may use them.
    pub actions: Option<WebhookActions<'a>>,
    pub now: Timestamp,
}

/// The paths and form state of the page's actions.
pub(in crate::web::console) struct WebhookActions<'a> {
    pub csrf: Markup,
    pub edit: String,
    pub delete: String,
    /// The path that enables a disabled webhook, or disables an enabled one.
    pub toggle: String,
    pub replay: String,
    pub delivery: &'a dyn Fn(WebhookDeliveryId) -> String,
    pub typed: &'a FormValues,
    pub errors: &'a FormErrors,
}

async fn find(context: &EnvironmentContext) -> Result<Webhook, PageError> {
    Ok(app::webhooks::find(&context.state, &context.actor, context.id("webhook")?).await?)
}

/// `GET …/webhooks/{webhook}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let webhook = find(&context).await?;
    respond(&context, &webhook, &FormValues::new(), &FormErrors::none()).await
}

async fn respond(
    context: &EnvironmentContext,
    webhook: &Webhook,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let href = context.href(console::WEBHOOK, &[&webhook.id]);
    // After a POST to a path below it, links in the list still go to the webhook's page.
    let place = ListUrl::read(&href, context.request().query_string(), &["state"]);
    let found = app::webhooks::list_deliveries(
        &context.state,
        &context.actor,
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
    let actions = context.may_manage().then(|| WebhookActions {
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

const STATES: [(&str, &str); 4] =
    [("", "All"), ("pending", "Waiting"), ("delivered", "Delivered"), ("failed", "Given up")];

fn with_state(place: &ListUrl, state: &str) -> String {
    match state {
        "" => place.unfiltered().to_owned(),
        // One of `STATES`: needs no escaping.
        state => format!("{}?state={state}", place.unfiltered()),
    }
}

fn deliveries(page: &WebhookPage<'_>) -> Markup {
    let rows = page.deliveries.items.iter().map(|delivery| {
        let mut row = vec![
            html! { "#" (delivery.sequence) },
            delivery_state(delivery, page.now),
            html! { (delivery.attempts) },
            time(delivery.updated_at, page.now),
            copyable(&delivery.id.to_string(), "delivery id"),
        ];
        if let Some(actions) = &page.actions {
            row.push(html! {
                @if delivery.state != DeliveryState::Pending {
                    form.inline method="post" action=((actions.delivery)(delivery.id)) {
                        (actions.csrf)
                        button.button.small type="submit" aria-label={ "Send event " (delivery.sequence) " again" } { "Send again" }
                    }
                }
            });
        }
        row
    });
    let columns = [
        column("Event"),
        column("State"),
        number("Attempts"),
        column("Changed"),
        column("webhook-id"),
        column("Action"),
    ];
    let width = if page.actions.is_some() { columns.len() } else { columns.len() - 1 };
    List {
        caption: "Deliveries",
        columns: &columns[..width],
        rows: rows.collect(),
        next_token: &page.deliveries.next_token,
        empty: html! { p { "Nothing was sent yet." } p { "Deliveries appear here with the next event." } },
    }
    .view(page.place)
}

fn delivery_state(delivery: &WebhookDelivery, now: Timestamp) -> Markup {
    html! {
        @match delivery.state {
            DeliveryState::Pending if delivery.attempts > 0 => (mark(Icon::Attention, "Waiting to try again")),
            DeliveryState::Pending => (mark(Icon::Note, "Waiting")),
            DeliveryState::Delivered => (mark(Icon::Good, "Delivered")),
            DeliveryState::Failed => (mark(Icon::Bad, "Given up")),
        }
        @if let Some(status) = delivery.last_status { " " code { "HTTP " (status) } }
        @if let Some(error) = &delivery.last_error { div.small { (error) } }
        @if let Some(at) = delivery.next_attempt_at { div.small.soft { "next attempt " (time(at, now)) } }
    }
}

fn replay_form(actions: &WebhookActions<'_>) -> Markup {
    let view = FormView::new(actions.typed, actions.errors);
    let form = forms::Form::new(&actions.replay, "Send again", actions.csrf.clone()).plain();
    let field = view.text("after", "After event number").hint("The last one that the receiver has.");
    view.render(&form, html! { (field) })
}

/// `POST …/webhooks/{webhook}/replay`
pub async fn replay(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let webhook = find(&context).await?;
    let after = form.text("after").trim().trim_start_matches('#').parse::<u64>();
    let after = after.map_err(|_| app::Error::invalid("after", "must be a whole number, such as 0 or 1204"));
    let outcome = match after {
        Ok(after) => {
            app::webhooks::replay_from(&context.state, &context.actor, webhook.id, after).await.map(drop)
        }
        Err(error) => context.require_manage().map_err(|failure| failure.0).and(Err(error)),
    };
    match outcome {
        Ok(()) => Ok(see_other(&href(&context, webhook.id), Flash(ResourceKind::Events, Action::Queued))),
        Err(error) => {
            respond(&context, &webhook, &FormValues::from(&*form), &FormErrors::from_error(error)?).await
        }
    }
}

/// `POST …/webhook-deliveries/{delivery}/replay`
pub async fn replay_delivery(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let id: WebhookDeliveryId = context.id("delivery")?;
    let delivery = app::webhooks::replay_delivery(&context.state, &context.actor, id).await?;
    Ok(see_other(&href(&context, delivery.webhook_id), Flash(ResourceKind::Delivery, Action::Queued)))
}

fn href(context: &EnvironmentContext, id: WebhookId) -> String {
    context.href(console::WEBHOOK, &[&id])
}

/// `GET …/webhooks/{webhook}/edit`
pub async fn edit(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let webhook = find(&context).await?;
    Ok(form_page(&context, &webhook, &typed(&webhook), &FormErrors::none()))
}

/// `POST …/webhooks/{webhook}/edit`
pub async fn update(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let webhook = find(&context).await?;
    match app::webhooks::update(&context.state, &context.actor, webhook.id, &change(&form)).await {
        Ok(_) => Ok(see_other(&href(&context, webhook.id), Flash(ResourceKind::Webhook, Action::Saved))),
        Err(error) => {
            Ok(form_page(&context, &webhook, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

fn form_page(
    context: &EnvironmentContext,
    webhook: &Webhook,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let (action, back) = (context.href(console::EDIT_WEBHOOK, &[&webhook.id]), href(context, webhook.id));
    let content = edit_view(typed, errors, &action, &back, context.csrf());
    context
        .shell(Section::Webhooks, "Edit webhook")
        .crumb(webhook.url.as_str(), back.as_str())
        .respond_with(errors.status(), content)
}

/// The form of a webhook.
pub(in crate::web::console) fn edit_view(
    typed: &FormValues,
    errors: &FormErrors,
    action: &str,
    back: &str,
    csrf: Markup,
) -> Markup {
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(action, "Save", csrf).cancel(back);
    html! { h1 { "Edit webhook" } section.card { (view.render(&form, fields(&view))) } }
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
    let webhook =
        app::webhooks::update(&context.state, &context.actor, context.id("webhook")?, &change).await?;
    let action = if enabled { Action::Enabled } else { Action::Disabled };
    Ok(see_other(&href(context, webhook.id), Flash(ResourceKind::Webhook, action)))
}

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

/// What is typed to confirm a deletion: the URL's host.
fn host(webhook: &Webhook) -> String {
    let host = webhook.url.to_url().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| webhook.url.to_string())
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
