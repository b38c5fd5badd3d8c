//! `/console/{environment}/oauth-clients`: the list of OpenID Connect clients.

use base::time::Timestamp;
use maud::{Markup, html};
use model::oauth_client::OauthClient;

use crate::{
    app::{pagination::Page, permissions, resource},
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::{self, Href},
            resource::ConsoleResource as _,
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, copyable, link_button, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// `GET …/oauth-clients`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&[]);
    let page = resource::list(&context.state, &context.principal, &place.query()).await?;
    let content = view(
        &page,
        &place,
        context.may(permissions::Action::OauthClientsManage),
        &|pattern, segments| context.href(pattern, segments),
        context.now(),
    );
    Ok(context.shell(Section::OauthClients, "OAuth clients").respond(content))
}

/// The list.
pub(in crate::web::console) fn view(
    page: &Page<OauthClient>,
    place: &ListUrl,
    may_manage: bool,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let new = href(console::NEW_OAUTH_CLIENT, &[]);
    let rows = page.items.iter().map(|client| {
        vec![
            html! {
                a href=(href(console::OAUTH_CLIENT, &[&client.id])) { (client.name()) }
                @if client.disabled { " " (labels::switched_off()) }
            },
            html! { (client.id_token_alg.as_str()) },
            time(client.created_at, now),
            copyable(&client.id.to_string(), "client id"),
        ]
    });
    let columns = [column("Name"), column("ID tokens"), column("Created"), column("Client ID")];
    let list = List {
        caption: "OAuth clients",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "An OAuth client lets an app, or its auth library, sign people in through OpenID Connect." }
            @if may_manage { p { (link_button(ButtonStyle::Primary, "Create the first one", &new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "OAuth clients" }
            @if may_manage && !page.items.is_empty() { div.actions { (link_button(ButtonStyle::Primary, "New OAuth client", &new)) } }
        }
        (list.view(place))
    }
}
