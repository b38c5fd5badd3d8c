//! `/console/{environment}/scim-directories`: the directories of the environment, newest first.

use base::time::Timestamp;
use maud::{Markup, html};

use crate::{
    app::{self, directories::DirectorySummary, pagination::Page},
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, labels, shell::Section},
        kit::{
            components::{ButtonStyle, Icon, copyable, link_button, mark, time},
            error::PageResult,
            list::{List, ListUrl, column, number},
        },
    },
};

/// `GET …/scim-directories`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = context.place(&[]);
    let page = app::directories::list_newest(&context.state, &context.principal, &place.query()).await?;
    let href = |directory: &DirectorySummary| context.href(console::SCIM_DIRECTORY, &[&directory.id]);
    let organizations = context.href(console::ORGANIZATIONS, &[]);
    let content = view(&page, &place, &organizations, &href, context.now());
    Ok(context.shell(Section::Directories, "Directories").respond(content))
}

/// The list. `organizations` is the path of the organizations, on whose pages directories are created.
pub(in crate::web::console) fn view(
    page: &Page<DirectorySummary>,
    place: &ListUrl,
    organizations: &str,
    href: &dyn Fn(&DirectorySummary) -> String,
    now: Timestamp,
) -> Markup {
    let columns =
        [column("Organization"), number("People"), number("Groups"), column("Last request"), column("ID")];
    let rows = page.items.iter().map(|directory| {
        let name = match directory.organization_name.trim() {
            "" => directory.organization_id.to_string(),
            name => name.to_owned(),
        };
        vec![
            html! {
                a href=(href(directory)) { (name) }
                @if directory.disabled { " " (labels::switched_off()) }
            },
            html! { (directory.user_count) },
            html! { (directory.group_count) },
            match directory.last_used_at {
                Some(at) => time(at, now),
                None => mark(Icon::Note, "never"),
            },
            copyable(&directory.id.to_string(), "directory id"),
        ]
    });
    let list = List {
        caption: "Directories",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "A directory is where a customer’s identity provider pushes its people and groups, by SCIM. It is made on the page of its organization." }
            p { (link_button(ButtonStyle::Primary, "To the organizations", organizations)) }
        },
    };
    html! {
        h1 { "Directories" }
        (list.view(place))
    }
}
