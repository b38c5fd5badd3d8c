//! `/console/{environment}/api-keys`: API keys with which the vendor's backend authenticates.

use actix_web::HttpResponse;
use maud::{Markup, html};

use crate::{
    app::{self, environments::api_keys::ApiKeyChange, pagination::Page},
    links::console,
    model::{api_key::ApiKey, id::ApiKeyId, time::Timestamp},
    web::{
        console::{
            audit_events::list::Href,
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                session::ConsoleForm,
                shell::Section,
            },
        },
        kit::{
            components::{ButtonStyle, copyable, link_button, time},
            confirm::{self, DeleteConfirmation},
            error::PageResult,
            forms::{self, Choice, FormErrors, FormValues, FormView},
            list::{List, ListUrl, column},
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

/// `GET …/api-keys`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&[]);
    let page = app::environments::api_keys::list(&context.state, &context.actor, &place.query()).await?;
    let content = view(
        &page,
        &place,
        context.may_manage(),
        &|pattern, segments| context.href(pattern, segments),
        context.now(),
    );
    Ok(context.shell(Section::ApiKeys, "API keys").respond(content))
}

/// A key's display name, or its id.
fn name(key: &ApiKey) -> String {
    match key.display_name.trim() {
        "" => key.id.to_string(),
        name => name.to_owned(),
    }
}

/// The list.
pub(in crate::web::console) fn view(
    page: &Page<ApiKey>,
    place: &ListUrl,
    may_manage: bool,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let new = href(console::NEW_API_KEY, &[]);
    let rows = page.items.iter().map(|key| {
        vec![
            html! { strong { (name(key)) } },
            html! { @if key.management { "sign in and manage" } @else { "sign in" } },
            key.last_used_at.map_or_else(|| html! { span.soft { "never" } }, |at| time(at, now)),
            time(key.created_at, now),
            copyable(&key.id.to_string(), "key id"),
            html! { @if may_manage { a href=(href(console::DELETE_API_KEY, &[&key.id])) aria-label={ "Delete " (name(key)) } { "Delete" } } },
        ]
    });
    let columns =
        [column("Name"), column("May"), column("Last used"), column("Created"), column("ID"), column("")];
    let list = List {
        caption: "API keys",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "Your backend calls this server with an API key: SSOReady’s SDKs take it as it is." }
            @if may_manage { p { (link_button(ButtonStyle::Primary, "Create the first one", &new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "API keys" }
            @if may_manage && !page.items.is_empty() { div.actions { (link_button(ButtonStyle::Primary, "New API key", &new)) } }
        }
        (list.view(place))
    }
}

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

/// `GET …/api-keys/{key}/delete`
pub async fn confirm(context: EnvironmentContext) -> PageResult {
    context.require_manage()?;
    let key = app::environments::api_keys::find(&context.state, &context.actor, context.id("key")?).await?;
    Ok(confirm_page(&context, &key, &FormValues::new(), &FormErrors::none()))
}

/// `POST …/api-keys/{key}/delete`
pub async fn remove(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id: ApiKeyId = context.id("key")?;
    let key = app::environments::api_keys::find(&context.state, &context.actor, id).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), &name(&key)) {
        Ok(()) => app::environments::api_keys::remove(&context.state, &context.actor, id).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => {
            Ok(see_other(&context.href(console::API_KEYS, &[]), Flash(ResourceKind::ApiKey, Action::Deleted)))
        }
        Err(error) => {
            Ok(confirm_page(&context, &key, &FormValues::from(&*form), &FormErrors::from_error(error)?))
        }
    }
}

fn confirm_page(
    context: &EnvironmentContext,
    key: &ApiKey,
    typed: &FormValues,
    errors: &FormErrors,
) -> HttpResponse {
    let used = match key.last_used_at {
        Some(at) => format!("It was last used {}.", crate::web::kit::components::relative(at, context.now())),
        None => "It was never used.".to_owned(),
    };
    let effects = ["Whatever uses it is refused from the next call on.".to_owned(), used];
    let deletion = DeleteConfirmation {
        kind: "API key",
        name: &name(key),
        effects: &effects,
        action: &context.href(console::DELETE_API_KEY, &[&key.id]),
        cancel: &context.href(console::API_KEYS, &[]),
    };
    context
        .shell(Section::ApiKeys, "Delete API key")
        .respond_with(errors.status(), deletion.view(typed, errors, context.csrf()))
}
