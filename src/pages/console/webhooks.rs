//! `/console/{environment}/webhooks`: where the vendor wants events sent.

use maud::{Markup, html};

use super::{audit_events::Href, here::Here, shell::Section};
use crate::{
    app::{self, page::Page},
    links::console,
    model::{time::Timestamp, webhook::Webhook},
    pages::{
        components::{Shape, Weight, copyable, link_button, mark, time},
        error::Answer,
        list::{List, Place, column},
    },
};

/// `GET …/webhooks`
pub async fn list(here: Here) -> Answer {
    let place = here.place(&[]);
    let page = app::webhooks::list(&here.state, &here.actor, &place.query()).await?;
    let content =
        view(&page, &place, here.may_manage(), &|pattern, segments| here.href(pattern, segments), here.now());
    Ok(here.shell(Section::Webhooks, "Webhooks").respond(content))
}

/// How a webhook fares.
pub(super) fn state(webhook: &Webhook, now: Timestamp) -> Markup {
    html! {
        @match (webhook.disabled_at, webhook.failures) {
            (Some(at), _) => { (mark(Shape::Attention, "Off")) " since " (time(at, now)) },
            (None, 0) => (mark(Shape::Good, "On")),
            (None, failures) => (mark(Shape::Bad, &format!("Failing: {failures} in a row"))),
        }
    }
}

/// Which events it gets.
pub(super) fn kinds(webhook: &Webhook) -> Markup {
    html! {
        @if webhook.event_types.is_empty() { "all, those of later versions too" }
        @for (at, kind) in webhook.event_types.iter().enumerate() { @if at > 0 { ", " } code { (kind.as_str()) } }
    }
}

/// The webhooks.
pub(super) fn view(
    page: &Page<Webhook>,
    place: &Place,
    may_manage: bool,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let new = href(console::NEW_WEBHOOK, &[]);
    let rows = page.items.iter().map(|webhook| {
        vec![
            html! { a href=(href(console::WEBHOOK, &[&webhook.id])) { (webhook.url) } },
            state(webhook, now),
            kinds(webhook),
            copyable(&webhook.id.to_string(), "webhook id"),
        ]
    });
    let columns = [column("Address"), column("State"), column("Events"), column("ID")];
    let list = List {
        caption: "Webhooks",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "A webhook is told at once what happens here: people who come and go, certificates that end." }
            @if may_manage { p { (link_button(Weight::Primary, "Create the first one", &new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "Webhooks" }
            @if may_manage && !page.items.is_empty() { div.actions { (link_button(Weight::Primary, "New webhook", &new)) } }
        }
        (list.view(place))
    }
}
