//! `/console/{environment}/webhooks`: the list of webhooks. `…/new` creates one and shows its secret once.

use actix_web::HttpResponse;
use maud::{Markup, html};

use super::form::{change, fields};
use crate::{
    app::{self, pagination::Page},
    links::console,
    model::{event::EventKind, time::Timestamp, webhook::Webhook},
    web::{
        console::kit::{context::EnvironmentContext, session::ConsoleForm, shell::Section},
        kit::{
            components::{ButtonStyle, Icon, code_block, copyable, link_button, mark, time},
            error::PageResult,
            forms::{self, FormErrors, FormValues, FormView},
            list::{List, ListUrl, column},
            secret::SecretPanel,
        },
    },
};

/// `GET …/webhooks`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&[]);
    let page = app::webhooks::list(&context.state, &context.actor, &place.query()).await?;
    let create = context.may_manage().then(|| context.href(console::NEW_WEBHOOK, &[]));
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

/// `GET …/webhooks/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    Ok(form_page(&context, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/webhooks/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    match app::webhooks::create(&context.state, &context.actor, &change(&form)).await {
        Ok((webhook, secret)) => {
            Ok(secret_page(&context, &webhook, &secret.reveal(), "Webhook created", None))
        }
        Err(error) => Ok(form_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn form_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> HttpResponse {
    let (action, back) = (context.href(console::NEW_WEBHOOK, &[]), context.href(console::WEBHOOKS, &[]));
    let content = new_view(typed, errors, &action, &back, context.csrf());
    context.shell(Section::Webhooks, "New webhook").respond_with(errors.status(), content)
}

/// The form of a new webhook.
pub(in crate::web::console) fn new_view(
    typed: &FormValues,
    errors: &FormErrors,
    action: &str,
    back: &str,
    csrf: Markup,
) -> Markup {
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(action, "Create webhook", csrf).cancel(back);
    html! {
        h1 { "New webhook" }
        p { "It gets what happens from now on. Its secret is shown once, after it was made." }
        section.card { (view.render(&form, fields(&view))) }
    }
}

/// The page that shows a secret once.
pub(in crate::web::console) fn secret_page(
    context: &EnvironmentContext,
    webhook: &Webhook,
    secret: &str,
    title: &str,
    note: Option<&str>,
) -> HttpResponse {
    let href = context.href(console::WEBHOOK, &[&webhook.id]);
    let content = secret_view(webhook, secret, title, note, &href);
    context.shell(Section::Webhooks, title).respond(content)
}

/// The secret, and how to verify messages with it.
pub(in crate::web::console) fn secret_view(
    webhook: &Webhook,
    secret: &str,
    title: &str,
    note: Option<&str>,
    href: &str,
) -> Markup {
    let about = "Your endpoint checks with it that a message comes from here. Whoever holds it can make such messages.";
    let about = note.map_or_else(|| about.to_owned(), |note| format!("{about} {note}"));
    html! {
        h1 { (title) }
        p { "Messages go to " code { (webhook.url) } "." }
        section.card.stack {
            (SecretPanel {
                name: "signing secret",
                value: secret,
                about: &about,
                next_url: href,
            }.view())
        }
        section.card {
            h2 { "Check that a message is ours" }
            p { "Messages are signed as " a href="https://www.standardwebhooks.com" { "Standard Webhooks" }
                " has it; its libraries, in most languages, take the secret as it is." }
            (code_block("Python", PYTHON))
            (code_block("Node.js", NODE))
            p.soft.small { "A message may arrive twice: " code { "webhook-id" } " and " code { "sequence" } " identify it." }
        }
    }
}

const PYTHON: &str = "\
from standardwebhooks import Webhook

event = Webhook(WEBHOOK_SECRET).verify(request.body, request.headers)  # raises if it is not ours
if event[\"type\"] == \"scim_user.deactivated\":
    ...";

const NODE: &str = "\
import { Webhook } from \"standardwebhooks\";

const event = new Webhook(WEBHOOK_SECRET).verify(rawBody, headers); // throws if it is not ours
if (event.type === \"scim_user.deactivated\") {
  // …
}";

/// The event kinds that a webhook receives.
pub(in crate::web::console) fn kinds(webhook: &Webhook) -> Markup {
    html! {
        @if webhook.event_types.is_empty() { "All, those of later versions too" }
        @else { ul.tags { @for kind in webhook.event_types.iter().copied().map(EventKind::as_str) { li { span.tag { (kind) } } } } }
    }
}
