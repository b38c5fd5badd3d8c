//! `/console/{environment}/applications`: the list of applications and service clients.

use base::time::Timestamp;
use maud::{Markup, html};
use model::application::{Application, ClientKind};

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

/// `GET …/applications`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&[]);
    let page = resource::list(&context.state, &context.principal, &place.query()).await?;
    let content = view(
        &page,
        &place,
        context.may(permissions::Action::ApplicationsManage),
        &|pattern, segments| context.href(pattern, segments),
        context.now(),
    );
    Ok(context.shell(Section::Applications, "Applications").respond(content))
}

/// What an application is, in words.
pub(super) fn kind(application: &Application) -> &'static str {
    match application.kind {
        ClientKind::Service if application.is_of_system() => "Service client",
        ClientKind::Service => "Service",
        ClientKind::Web => "Web app",
        ClientKind::Public => "Public app",
    }
}

/// The list.
pub(in crate::web::console) fn view(
    page: &Page<Application>,
    place: &ListUrl,
    may_manage: bool,
    href: Href<'_>,
    now: Timestamp,
) -> Markup {
    let new = href(console::NEW_APPLICATION, &[]);
    let new_service_client = href(console::NEW_SERVICE_CLIENT, &[]);
    let rows = page.items.iter().map(|application| {
        vec![
            html! {
                a href=(href(console::APPLICATION, &[&application.id])) { (application.name()) }
                @if application.disabled { " " (labels::switched_off()) }
            },
            html! { (kind(application)) },
            time(application.created_at, now),
            copyable(&application.id.to_string(), "client id"),
        ]
    });
    let columns = [column("Name"), column("Kind"), column("Created"), column("Client ID")];
    let buttons = html! {
        (link_button(ButtonStyle::Primary, "New service client", &new_service_client))
        (link_button(ButtonStyle::Plain, "New application", &new))
    };
    let list = List {
        caption: "Applications",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "A service client is a program of yours that administers this environment with access tokens. An application gets tokens of this environment’s own issuers." }
            @if may_manage {
                p { (link_button(ButtonStyle::Primary, "New service client", &new_service_client)) }
                p { a href=(new) { "New application" } }
            }
        },
    };
    html! {
        div.head-row {
            h1 { "Applications" }
            @if may_manage && !page.items.is_empty() { div.actions { (buttons) } }
        }
        p { a href=(href(console::ROLES, &[])) { "Roles" } }
        (list.view(place))
    }
}
