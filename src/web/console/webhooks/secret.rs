//! The page that shows a webhook's secret once, with code that verifies a signature.

use actix_web::HttpResponse;
use maud::{Markup, html};
use model::webhook::Webhook;

use crate::{
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, shell::Section},
        kit::{components::code_block, secret::SecretPanel},
    },
};

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
