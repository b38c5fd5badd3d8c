//! The deliveries of a webhook and their replay.

use base::time::Timestamp;
use maud::{Markup, html};
use model::webhook::{DeliveryState, WebhookDelivery};

use super::page::{WebhookActions, WebhookPage};
use crate::web::kit::{
    components::{Icon, copyable, mark, time},
    forms::{self, FormView},
    list::{List, ListUrl, column, number},
};

pub(super) const STATES: [(&str, &str); 4] =
    [("", "All"), ("pending", "Waiting"), ("delivered", "Delivered"), ("failed", "Given up")];

pub(super) fn with_state(place: &ListUrl, state: &str) -> String {
    match state {
        "" => place.unfiltered().to_owned(),
        // One of `STATES`: needs no escaping.
        state => format!("{}?state={state}", place.unfiltered()),
    }
}

pub(super) fn deliveries(page: &WebhookPage<'_>) -> Markup {
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

pub(super) fn replay_form(actions: &WebhookActions<'_>) -> Markup {
    let view = FormView::new(actions.typed, actions.errors);
    let form = forms::Form::new(&actions.replay, "Send again", actions.csrf.clone()).plain();
    let field = view.text("after", "After event number").hint("The last one that the receiver has.");
    view.render(&form, html! { (field) })
}
