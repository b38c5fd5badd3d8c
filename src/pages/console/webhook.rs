//! `/console/{environment}/webhooks/{webhook}`: one webhook with what was sent to it; made, changed, given
//! events again, and deleted.

use actix_web::HttpResponse;
use maud::{Markup, html};

use super::{
    audit_events::Href,
    flash::{Deed, Flash, Thing, see_other},
    here::Here,
    shell::Section,
    visitor::Form,
    webhooks::{kinds, state},
};
use crate::{
    app::{self, page::Page, webhooks::WebhookChange},
    links::console,
    model::{
        event::EventKind,
        id::{WebhookDeliveryId, WebhookId},
        time::Timestamp,
        webhook::{DeliveryState, Webhook, WebhookDelivery},
    },
    pages::{
        components::{Shape, Weight, copyable, facts, link_button, mark, time},
        confirm::{self, Deletion},
        error::Answer,
        forms::{self, Choice, FormErrors, FormView, Typed},
        list::{List, Place, column, number},
        posted::Posted,
        secret::Secret,
    },
};

const STATES: [(&str, &str); 4] =
    [("", "All"), ("failed", "Given up"), ("pending", "Waiting"), ("delivered", "Delivered")];

/// What the page shows.
pub(super) struct WebhookPage<'a> {
    pub webhook: &'a Webhook,
    pub deliveries: &'a Page<WebhookDelivery>,
    pub place: &'a Place,
    pub may_manage: bool,
    pub href: Href<'a>,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// `GET …/webhooks/{webhook}`
pub async fn show(here: Here) -> Answer {
    let id: WebhookId = here.id("webhook")?;
    let place = here.place(&["state"]);
    let webhook = app::webhooks::find(&here.state, &here.actor, id).await?;
    let deliveries =
        app::webhooks::list_deliveries(&here.state, &here.actor, id, place.filter("state"), &place.query())
            .await?;
    let page = WebhookPage {
        webhook: &webhook,
        deliveries: &deliveries,
        place: &place,
        may_manage: here.may_manage(),
        href: &|pattern, segments| here.href(pattern, segments),
        csrf: here.csrf(),
        now: here.now(),
    };
    Ok(here.shell(Section::Webhooks, webhook.url.as_str()).respond(view(&page)))
}

/// The webhook and what was sent to it.
pub(super) fn view(page: &WebhookPage<'_>) -> Markup {
    let webhook = page.webhook;
    let id = &webhook.id;
    let rows = page.deliveries.items.iter().map(|delivery| {
        vec![
            time(delivery.updated_at, page.now),
            delivery_state(delivery, page.now),
            html! { (delivery.sequence) },
            html! { (delivery.attempts) },
            html! { @if page.may_manage {
                form.inline method="post" action=((page.href)(console::REPLAY_WEBHOOK_DELIVERY, &[&delivery.id])) {
                    (page.csrf)
                    button.button.small type="submit" aria-label={ "Send event " (delivery.sequence) " again" } { "Send again" }
                }
            } },
            copyable(&delivery.id.to_string(), "delivery id"),
        ]
    });
    let columns =
        [column("When"), column("State"), number("Event"), number("Attempts"), column(""), column("ID")];
    let list = List {
        caption: "Deliveries",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.deliveries.next_token,
        empty: html! { p { "Nothing was sent to it yet. It gets the events that happen from now on." } },
    };
    html! {
        div.head-row {
            h1 { (webhook.url) }
            @if page.may_manage {
                div.actions {
                    (link_button(Weight::Plain, "Edit", &(page.href)(console::EDIT_WEBHOOK, &[id])))
                    (link_button(Weight::Plain, "Replay", &(page.href)(console::REPLAY_WEBHOOK, &[id])))
                    (link_button(Weight::Danger, "Delete", &(page.href)(console::DELETE_WEBHOOK, &[id])))
                }
            }
        }
        section.card {
            (facts(&[
                ("State", state(webhook, page.now)),
                ("Events", kinds(webhook)),
                ("Signature", html! { "Standard Webhooks (" code { "webhook-signature" } "), with the secret that was shown once" }),
                ("Created", time(webhook.created_at, page.now)),
                ("ID", copyable(&id.to_string(), "webhook id")),
            ]))
        }
        h2 { "Deliveries" }
        nav.tabs aria-label="Deliveries by state" {
            @for (value, label) in STATES {
                @let current = page.place.filter("state") == value;
                a href=(with_state(page.place, value)) aria-current=[current.then_some("page")] { (label) }
            }
        }
        (list.view(page.place))
    }
}

fn with_state(place: &Place, state: &str) -> String {
    match state {
        "" => place.unfiltered().to_owned(),
        // One of the words above.
        state => format!("{}?state={state}", place.unfiltered()),
    }
}

fn delivery_state(delivery: &WebhookDelivery, now: Timestamp) -> Markup {
    html! {
        @match delivery.state {
            DeliveryState::Delivered => (mark(Shape::Good, "delivered")),
            DeliveryState::Failed => (mark(Shape::Bad, "given up")),
            DeliveryState::Pending => (mark(Shape::Note, "waiting")),
        }
        @if let Some(status) = delivery.last_status { " " code { (status) } }
        @if let Some(error) = &delivery.last_error { div.small { (error) } }
        @if let Some(at) = delivery.next_attempt_at { div.small.soft { "next attempt " (time(at, now)) } }
    }
}

/// `GET …/webhooks/new`
pub async fn new(here: Here) -> Answer {
    here.manage()?;
    Ok(form_page(&here, None, &Typed::new().with_flag("enabled", true), &FormErrors::none()))
}

/// `POST …/webhooks/new`
pub async fn create(here: Here, form: Form) -> Answer {
    match app::webhooks::create(&here.state, &here.actor, &change(&form)).await {
        Ok((webhook, secret)) => {
            let onward = here.href(console::WEBHOOK, &[&webhook.id]);
            let panel = Secret {
                name: "webhook secret",
                value: &secret.reveal(),
                about: "Your endpoint checks with it that a message comes from here (Standard Webhooks). Whoever holds it can make such messages.",
                onward: &onward,
            };
            Ok(here.shell(Section::Webhooks, "Webhook secret").respond(html! {
                h1 { "Secret of the webhook" }
                section.card.stack {
                    (facts(&[("Address", html! { code { (webhook.url) } })]))
                    (panel.view())
                }
            }))
        }
        Err(error) => Ok(form_page(&here, None, &Typed::from(&*form), &FormErrors::from(error)?)),
    }
}

/// `GET …/webhooks/{webhook}/edit`
pub async fn edit(here: Here) -> Answer {
    here.manage()?;
    let webhook = app::webhooks::find(&here.state, &here.actor, here.id("webhook")?).await?;
    let mut typed =
        Typed::new().with("url", &webhook.url).with_flag("enabled", webhook.disabled_at.is_none());
    for kind in &webhook.event_types {
        typed = typed.with("eventTypes", kind.as_str());
    }
    Ok(form_page(&here, Some(&webhook), &typed, &FormErrors::none()))
}

/// `POST …/webhooks/{webhook}/edit`
pub async fn update(here: Here, form: Form) -> Answer {
    let id: WebhookId = here.id("webhook")?;
    match app::webhooks::update(&here.state, &here.actor, id, &change(&form)).await {
        Ok(_) => Ok(see_other(&here.href(console::WEBHOOK, &[&id]), Flash(Thing::Webhook, Deed::Saved))),
        Err(error) => {
            let errors = FormErrors::from(error)?;
            let webhook = app::webhooks::find(&here.state, &here.actor, id).await?;
            Ok(form_page(&here, Some(&webhook), &Typed::from(&*form), &errors))
        }
    }
}

fn change(form: &Posted) -> WebhookChange {
    WebhookChange {
        url: Some(form.text("url").trim().to_owned()),
        event_types: Some(form.texts("eventTypes").map(str::to_owned).collect()),
        enabled: Some(form.flag("enabled")),
    }
}

fn form_page(here: &Here, of: Option<&Webhook>, typed: &Typed, errors: &FormErrors) -> HttpResponse {
    let (title, action, back, submit) = match of {
        None => (
            "New webhook",
            here.href(console::NEW_WEBHOOK, &[]),
            here.href(console::WEBHOOKS, &[]),
            "Create webhook",
        ),
        Some(webhook) => (
            "Edit webhook",
            here.href(console::EDIT_WEBHOOK, &[&webhook.id]),
            here.href(console::WEBHOOK, &[&webhook.id]),
            "Save",
        ),
    };
    let choices: Vec<Choice<'_>> =
        EventKind::ALL.iter().map(|kind| Choice::new(kind.as_str(), kind.as_str(), "")).collect();
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(&action, submit, here.csrf()).cancel(&back);
    let fields = html! {
        (view.url("url", "Address").code().hint("Where events are posted, as Standard Webhooks: https://app.example.com/webhooks/sso."))
        (view.checkboxes("eventTypes", "Events", &choices).hint("None ticked: all of them, those of later versions too."))
        (view.checkbox("enabled", "On")
            .hint("One that is switched on again gets the events from then on; those between can be replayed."))
    };
    let mut shell = here.shell(Section::Webhooks, title);
    if let Some(webhook) = of {
        shell = shell.crumb(webhook.url.as_str(), &back);
    }
    shell.respond_with(
        errors.status(),
        html! {
            h1 { (title) }
            section.card { (view.render(&form, fields)) }
        },
    )
}

/// `GET …/webhooks/{webhook}/replay`
pub async fn confirm_replay(here: Here) -> Answer {
    here.manage()?;
    let webhook = app::webhooks::find(&here.state, &here.actor, here.id("webhook")?).await?;
    Ok(replay_page(&here, &webhook, &Typed::new(), &FormErrors::none()))
}

/// `POST …/webhooks/{webhook}/replay`
pub async fn replay(here: Here, form: Form) -> Answer {
    let id: WebhookId = here.id("webhook")?;
    let replayed = match form.text("after").trim().parse() {
        Ok(after) => app::webhooks::replay_from(&here.state, &here.actor, id, after).await.map(drop),
        Err(_) => Err(app::Error::invalid("after", "must be a whole number that is not negative")),
    };
    match replayed {
        Ok(()) => Ok(see_other(&here.href(console::WEBHOOK, &[&id]), Flash(Thing::Webhook, Deed::Queued))),
        Err(error) => {
            let errors = FormErrors::from(error)?;
            let webhook = app::webhooks::find(&here.state, &here.actor, id).await?;
            Ok(replay_page(&here, &webhook, &Typed::from(&*form), &errors))
        }
    }
}

fn replay_page(here: &Here, webhook: &Webhook, typed: &Typed, errors: &FormErrors) -> HttpResponse {
    let (action, back) =
        (here.href(console::REPLAY_WEBHOOK, &[&webhook.id]), here.href(console::WEBHOOK, &[&webhook.id]));
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(&action, "Send again", here.csrf()).cancel(&back);
    let field = view.text("after", "After event number").code().hint(
        "Every event after this one is sent again as a new delivery. 0 begins with the first that is kept.",
    );
    here.shell(Section::Webhooks, "Replay events").crumb(webhook.url.as_str(), &back).respond_with(
        errors.status(),
        html! {
            h1 { "Replay events" }
            section.card { (view.render(&form, html! { (field) })) }
        },
    )
}

/// `POST …/webhook-deliveries/{delivery}/replay`
pub async fn replay_delivery(here: Here, _form: Form) -> Answer {
    let id: WebhookDeliveryId = here.id("delivery")?;
    let delivery = app::webhooks::replay_delivery(&here.state, &here.actor, id).await?;
    Ok(see_other(&here.href(console::WEBHOOK, &[&delivery.webhook_id]), Flash(Thing::Delivery, Deed::Queued)))
}

/// `GET …/webhooks/{webhook}/delete`
pub async fn confirm(here: Here) -> Answer {
    here.manage()?;
    let webhook = app::webhooks::find(&here.state, &here.actor, here.id("webhook")?).await?;
    Ok(confirm_page(&here, &webhook, &Typed::new(), &FormErrors::none()))
}

/// `POST …/webhooks/{webhook}/delete`
pub async fn remove(here: Here, form: Form) -> Answer {
    let id: WebhookId = here.id("webhook")?;
    let webhook = app::webhooks::find(&here.state, &here.actor, id).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), webhook.url.as_str()) {
        Ok(()) => app::webhooks::remove(&here.state, &here.actor, id).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(&here.href(console::WEBHOOKS, &[]), Flash(Thing::Webhook, Deed::Deleted))),
        Err(error) => Ok(confirm_page(&here, &webhook, &Typed::from(&*form), &FormErrors::from(error)?)),
    }
}

fn confirm_page(here: &Here, webhook: &Webhook, typed: &Typed, errors: &FormErrors) -> HttpResponse {
    let effects = [
        "Nothing more is sent there; what still waits is dropped.".to_owned(),
        "The log of its deliveries goes with it. The events themselves stay.".to_owned(),
    ];
    let back = here.href(console::WEBHOOK, &[&webhook.id]);
    let deletion = Deletion {
        kind: "webhook",
        name: webhook.url.as_str(),
        effects: &effects,
        action: &here.href(console::DELETE_WEBHOOK, &[&webhook.id]),
        cancel: &back,
    };
    here.shell(Section::Webhooks, "Delete webhook")
        .crumb(webhook.url.as_str(), &back)
        .respond_with(errors.status(), deletion.view(typed, errors, here.csrf()))
}
