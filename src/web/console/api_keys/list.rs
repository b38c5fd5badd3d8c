//! `/console/{environment}/api-keys`: API keys with which the vendor's backend authenticates.

use base::time::Timestamp;
use maud::{Markup, html};
use model::api_key::ApiKey;

use crate::{
    app::{self, pagination::Page},
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, labels::Href, shell::Section},
        kit::{
            components::{ButtonStyle, copyable, link_button, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

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
pub(super) fn name(key: &ApiKey) -> String {
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
