//! `…/api-keys/new`: creates an API key and shows its secret once.

use actix_web::HttpResponse;
use maud::html;

use super::list::name;
use crate::{
    app::{self, environments::api_keys::ApiKeyChange},
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, form::ConsoleForm, shell::Section},
        kit::{
            error::PageResult,
            forms::{self, Choice, FormErrors, FormValues, FormView},
            secret::SecretPanel,
        },
    },
};

const SCOPES: [Choice<'static>; 2] = [
    Choice::new(
        "login",
        "Sign people in",
        "Begins and redeems logins, and reads the people and groups that were pushed.",
    ),
    Choice::new(
        "management",
        "Sign people in and manage",
        "Also changes everything in this environment: organizations, connections, keys.",
    ),
];

/// `GET …/api-keys/new`
pub async fn new(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    Ok(form_page(&context, &FormValues::new().with("scope", "login"), &FormErrors::none()))
}

/// `POST …/api-keys/new`
pub async fn create(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let change = ApiKeyChange { display_name: Some(form.text("displayName").trim().to_owned()) };
    let management = form.text("scope") == "management";
    match app::environments::api_keys::create(&context.state, &context.actor, management, &change).await {
        Ok((key, secret)) => {
            let back = context.href(console::API_KEYS, &[]);
            let panel = SecretPanel {
                name: "API key",
                value: &secret.reveal(),
                about: "Put it into your backend’s configuration. Whoever holds it speaks for this environment.",
                next_url: &back,
            };
            Ok(context.shell(Section::ApiKeys, "Your new API key").respond(html! {
                h1 { "API key " (name(&key)) }
                section.card.stack { (panel.view()) }
            }))
        }
        Err(error) => Ok(form_page(&context, &FormValues::from(&*form), &FormErrors::from_error(error)?)),
    }
}

fn form_page(context: &EnvironmentContext, typed: &FormValues, errors: &FormErrors) -> HttpResponse {
    let (action, back) = (context.href(console::NEW_API_KEY, &[]), context.href(console::API_KEYS, &[]));
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(&action, "Create API key", context.csrf()).cancel(&back);
    let fields = html! {
        (view.text("displayName", "Name").optional().hint("Where it will be used: backend, staging worker."))
        (view.radios("scope", "What it may do", &SCOPES))
    };
    context.shell(Section::ApiKeys, "New API key").respond_with(
        errors.status(),
        html! {
            h1 { "New API key" }
            @if let Some(first) = context.confirm_identity_notice("make an API key") { (first) }
            section.card { (view.render(&form, fields)) }
        },
    )
}
