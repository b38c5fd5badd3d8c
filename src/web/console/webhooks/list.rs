//! `/console/{environment}/webhooks`: the list of webhooks. `…/new` creates one and shows its secret once.

use base::time::Timestamp;
use maud::{Markup, html};
use model::{event::EventType, webhook::Webhook};

use crate::{
    app::{pagination::Page, permissions, resource},
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, shell::Section},
        kit::{
            components::{ButtonStyle, Icon, copyable, link_button, mark, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// `GET …/webhooks`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&[]);
    let page = resource::list(&context.state, &context.principal, &place.query()).await?;
    let create =
        context.may(permissions::Action::WebhooksManage).then(|| context.href(console::NEW_WEBHOOK, &[]));
    let href = |webhook: &Webhook| context.href(console::WEBHOOK, &[&webhook.id]);
    let content = view(&page, &place, create.as_deref(), &href, context.now());
    Ok(context.shell(Section::Webhooks, "Webhooks").respond(content))
}

/// The list. `create` is the path of the form, if the administrator may use it.
pub(in crate::web::console) fn view(
    page: &Page<Webhook>,
    place: &ListUrl,
    create: Option<&str>,
    href: &dyn Fn(&Webhook) -> String,
    now: Timestamp,
) -> Markup {
    let rows = page.items.iter().map(|webhook| {
        vec![
            html! { a href=(href(webhook)) { (webhook.url) } },
            state(webhook),
            html! {
                @match webhook.event_types.as_slice() {
                    [] => "all",
                    [kind] => code { (kind.as_str()) },
                    kinds => { (kinds.len()) " types" },
                }
            },
            time(webhook.created_at, now),
            copyable(&webhook.id.to_string(), "webhook id"),
        ]
    });
    let columns = [column("URL"), column("State"), column("Events"), column("Created"), column("ID")];
    let list = List {
        caption: "Webhooks",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "A webhook tells your backend at once what happened: a person was pushed, changed, deactivated." }
            @if let Some(create) = create { p { (link_button(ButtonStyle::Primary, "Create the first one", create)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "Webhooks" }
            @if let (Some(create), false) = (create, page.items.is_empty()) {
                div.actions { (link_button(ButtonStyle::Primary, "New webhook", create)) }
            }
        }
        (list.view(place))
    }
}

/// The state of a webhook as a mark.
pub(in crate::web::console) fn state(webhook: &Webhook) -> Markup {
    if webhook.disabled_at.is_some() {
        mark(Icon::Note, "Disabled")
    } else if webhook.failures > 0 {
        mark(Icon::Attention, &format!("Failing: {} in a row", webhook.failures))
    } else {
        mark(Icon::Good, "Enabled")
    }
}

/// The event kinds that a webhook receives.
pub(in crate::web::console) fn kinds(webhook: &Webhook) -> Markup {
    html! {
        @if webhook.event_types.is_empty() { "All, those of later versions too" }
        @else { ul.tags { @for kind in webhook.event_types.iter().map(EventType::as_str) { li { span.tag { (kind) } } } } }
    }
}
