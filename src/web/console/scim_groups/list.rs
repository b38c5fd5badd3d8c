//! `…/scim-directories/{directory}/groups`: the groups that an identity provider pushed.

use maud::{Markup, html};

use crate::{
    app::{
        directories::resources::{self, DirectoryGroup},
        pagination::Page,
    },
    links::console,
    web::{
        console::{
            kit::context::EnvironmentContext,
            scim_directories::tabs::{self, Tab},
            scim_users,
        },
        kit::{
            components::{Icon, copyable, mark},
            error::PageResult,
            list::{List, ListUrl, column, number},
        },
    },
};

/// `GET …/groups`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let opened = tabs::load(&context).await?;
    let place = context.place(&["q"]);
    let page = match place.filter("q") {
        "" => {
            let query = scim_users::list::query(&opened);
            resources::list_groups(&context.state, &context.principal, &query, &place.query()).await?
        }
        words => Page {
            items: resources::search_groups(&context.state, &context.principal, opened.directory.id, words)
                .await?,
            next_token: String::new(),
        },
    };
    let href = |group: &DirectoryGroup| context.href(console::SCIM_GROUP, &[&group.directory_id, &group.id]);
    let content = html! { (opened.tabs(Tab::Groups)) (view(&page, &place, &href)) };
    Ok(opened.shell(&context, "Groups").respond(content))
}

/// The list.
pub(in crate::web::console) fn view(
    page: &Page<DirectoryGroup>,
    place: &ListUrl,
    href: &dyn Fn(&DirectoryGroup) -> String,
) -> Markup {
    let rows = page.items.iter().map(|group| {
        vec![
            html! { a href=(href(group)) { (name(group)) } },
            state(group),
            html! { (members(group)) },
            copyable(&group.id.to_string(), "group id"),
        ]
    });
    let columns = [column("Name"), column("State"), number("Members"), column("ID")];
    let list = List {
        caption: "Groups",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.next_token,
        empty: html! {
            p { "No group has been pushed yet." }
            p { "Groups appear here when the identity provider is told to push them." }
        },
    };
    html! {
        h1 { "Groups" }
        (place.search_form("q", "Search groups", "Name, external ID or ID"))
        (list.view(place))
    }
}

/// A group's display name, or its id.
pub(in crate::web::console) fn name(group: &DirectoryGroup) -> String {
    match group.display_name.trim() {
        "" => group.id.to_string(),
        name => name.to_owned(),
    }
}

/// The state of a group as a mark.
pub(in crate::web::console) fn state(group: &DirectoryGroup) -> Markup {
    if group.deleted { mark(Icon::Bad, "Deleted") } else { mark(Icon::Good, "Active") }
}

/// The number of members; groups with more than 1000 have no `members` attribute.
pub(in crate::web::console) fn members(group: &DirectoryGroup) -> String {
    let members = group.attributes.get("members").and_then(serde_json::Value::as_array);
    members.map_or_else(|| "more than 1000".to_owned(), |members| members.len().to_string())
}
