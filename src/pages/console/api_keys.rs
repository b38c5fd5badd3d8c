//! `/console/{environment}/api-keys`: API keys with which the vendor's backend authenticates.

use actix_web::HttpResponse;
use maud::{Markup, html};

use super::{
    audit_events::Href,
    flash::{Deed, Flash, Thing, see_other},
    here::Here,
    shell::Section,
    visitor::Form,
};
use crate::{
    app::{self, api_keys::ApiKeyChange, page::Page},
    links::console,
    model::{api_key::ApiKey, id::ApiKeyId, time::Timestamp},
    pages::{
        components::{Weight, copyable, link_button, time},
        confirm::{self, Deletion},
        error::Answer,
        forms::{self, Choice, FormErrors, FormView, Typed},
        list::{List, Place, column},
        secret::Secret,
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
pub async fn list(here: Here) -> Answer {
    let place = here.place(&[]);
    let page = app::api_keys::list(&here.state, &here.actor, &place.query()).await?;
    let content =
        view(&page, &place, here.may_manage(), &|pattern, segments| here.href(pattern, segments), here.now());
    Ok(here.shell(Section::ApiKeys, "API keys").respond(content))
}

/// A key's display name, or its id.
fn name(key: &ApiKey) -> String {
    match key.display_name.trim() {
        "" => key.id.to_string(),
        name => name.to_owned(),
    }
}

/// The list.
pub(super) fn view(
    page: &Page<ApiKey>,
    place: &Place,
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
            @if may_manage { p { (link_button(Weight::Primary, "Create the first one", &new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "API keys" }
            @if may_manage && !page.items.is_empty() { div.actions { (link_button(Weight::Primary, "New API key", &new)) } }
        }
        (list.view(place))
    }
}

/// `GET …/api-keys/new`
pub async fn new(here: Here) -> Answer {
    here.manage()?;
    Ok(form_page(&here, &Typed::new().with("scope", "login"), &FormErrors::none()))
}

/// `POST …/api-keys/new`
pub async fn create(here: Here, form: Form) -> Answer {
    let change = ApiKeyChange { display_name: Some(form.text("displayName").trim().to_owned()) };
    let management = form.text("scope") == "management";
    match app::api_keys::create(&here.state, &here.actor, management, &change).await {
        Ok((key, secret)) => {
            let back = here.href(console::API_KEYS, &[]);
            let panel = Secret {
                name: "API key",
                value: &secret.reveal(),
                about: "Put it into your backend’s configuration. Whoever holds it speaks for this environment.",
                onward: &back,
            };
            Ok(here.shell(Section::ApiKeys, "Your new API key").respond(html! {
                h1 { "API key " (name(&key)) }
                section.card.stack { (panel.view()) }
            }))
        }
        Err(error) => Ok(form_page(&here, &Typed::from(&*form), &FormErrors::from(error)?)),
    }
}

fn form_page(here: &Here, typed: &Typed, errors: &FormErrors) -> HttpResponse {
    let (action, back) = (here.href(console::NEW_API_KEY, &[]), here.href(console::API_KEYS, &[]));
    let view = FormView::new(typed, errors);
    let form = forms::Form::new(&action, "Create API key", here.csrf()).cancel(&back);
    let fields = html! {
        (view.text("displayName", "Name").optional().hint("Where it will be used: backend, staging worker."))
        (view.radios("scope", "What it may do", &SCOPES))
    };
    here.shell(Section::ApiKeys, "New API key").respond_with(
        errors.status(),
        html! {
            h1 { "New API key" }
            @if let Some(first) = here.confirm_first("make an API key") { (first) }
            section.card { (view.render(&form, fields)) }
        },
    )
}

/// `GET …/api-keys/{key}/delete`
pub async fn confirm(here: Here) -> Answer {
    here.manage()?;
    let key = app::api_keys::find(&here.state, &here.actor, here.id("key")?).await?;
    Ok(confirm_page(&here, &key, &Typed::new(), &FormErrors::none()))
}

/// `POST …/api-keys/{key}/delete`
pub async fn remove(here: Here, form: Form) -> Answer {
    let id: ApiKeyId = here.id("key")?;
    let key = app::api_keys::find(&here.state, &here.actor, id).await?;
    let removed = match confirm::check(form.text(confirm::FIELD), &name(&key)) {
        Ok(()) => app::api_keys::remove(&here.state, &here.actor, id).await,
        wrong => wrong,
    };
    match removed {
        Ok(()) => Ok(see_other(&here.href(console::API_KEYS, &[]), Flash(Thing::ApiKey, Deed::Deleted))),
        Err(error) => Ok(confirm_page(&here, &key, &Typed::from(&*form), &FormErrors::from(error)?)),
    }
}

fn confirm_page(here: &Here, key: &ApiKey, typed: &Typed, errors: &FormErrors) -> HttpResponse {
    let used = match key.last_used_at {
        Some(at) => format!("It was last used {}.", crate::pages::components::relative(at, here.now())),
        None => "It was never used.".to_owned(),
    };
    let effects = ["Whatever uses it is refused from the next call on.".to_owned(), used];
    let deletion = Deletion {
        kind: "API key",
        name: &name(key),
        effects: &effects,
        action: &here.href(console::DELETE_API_KEY, &[&key.id]),
        cancel: &here.href(console::API_KEYS, &[]),
    };
    here.shell(Section::ApiKeys, "Delete API key")
        .respond_with(errors.status(), deletion.view(typed, errors, here.csrf()))
}
