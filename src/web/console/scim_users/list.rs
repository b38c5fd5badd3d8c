//! `…/scim-directories/{directory}/users`: the users that an identity provider pushed, with a search; else
//! paged.

use maud::{Markup, html};
use serde_json::Value;

use crate::{
    app::{
        directories::resources::{self, DirectoryQuery, DirectoryUser},
        pagination::Page,
    },
    links::console,
    web::{
        console::{
            kit::context::EnvironmentContext,
            scim_directories::tabs::{self, DirectoryContext, Tab},
        },
        kit::{
            components::{Icon, copyable, mark},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// `GET …/users`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let opened = tabs::load(&context).await?;
    let place = context.place(&["q"]);
    let page = match place.filter("q") {
        "" => {
            let query = query(&opened);
            resources::list_users(&context.state, &context.principal, &query, "", &place.query()).await?
        }
        words => Page {
            items: resources::search_users(&context.state, &context.principal, opened.directory.id, words)
                .await?,
            next_token: String::new(),
        },
    };
    let content = html! {
        (opened.tabs(Tab::Users))
        (view(&page, &place, &|user| href(&context, user)))
    };
    Ok(opened.shell(&context, "Users").respond(content))
}

/// The query for this directory.
pub(in crate::web::console) fn query(opened: &DirectoryContext) -> DirectoryQuery {
    DirectoryQuery { scim_directory_id: opened.directory.id.to_string(), ..DirectoryQuery::default() }
}

/// The path of a user's page.
pub(in crate::web::console) fn href(context: &EnvironmentContext, user: &DirectoryUser) -> String {
    context.href(console::SCIM_USER, &[&user.directory_id, &user.id])
}

/// The page.
pub(in crate::web::console) fn view(
    page: &Page<DirectoryUser>,
    place: &ListUrl,
    href: &dyn Fn(&DirectoryUser) -> String,
) -> Markup {
    html! {
        h1 { "Users" }
        (place.search_form("q", "Search users", "E-mail, user name, name, external ID or ID"))
        (table(page, place, href, html! {
            p { "Nobody has been pushed yet." }
            p { "People appear here when the identity provider first provisions them." }
        }))
    }
}

/// The table of users, also used on the page of a group.
pub(in crate::web::console) fn table(
    page: &Page<DirectoryUser>,
    place: &ListUrl,
    href: &dyn Fn(&DirectoryUser) -> String,
    empty: Markup,
) -> Markup {
    let rows = page.items.iter().map(|user| {
        vec![
            html! { a href=(href(user)) { (name(user)) } },
            html! { @match &user.email { Some(email) => (email), None => span.soft { "none" } } },
            state(user),
            copyable(&user.id.to_string(), "user id"),
        ]
    });
    let columns = [column("Name"), column("E-mail"), column("State"), column("ID")];
    List { caption: "Users", columns: &columns, rows: rows.collect(), next_token: &page.next_token, empty }
        .view(place)
}

/// A user's name: `displayName`, `name.formatted`, given and family name, `userName`, else the id.
pub(in crate::web::console) fn name(user: &DirectoryUser) -> String {
    let text = |value: Option<&Value>| {
        value.and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let parts = user.attributes.get("name");
    let part = |key| text(parts.and_then(|name| name.get(key)));
    let joined = || {
        let parts: Vec<String> = [part("givenName"), part("familyName")].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    text(user.attributes.get("displayName"))
        .or_else(|| part("formatted"))
        .or_else(joined)
        .or_else(|| text(user.attributes.get("userName")))
        .unwrap_or_else(|| user.id.to_string())
}

/// The state of a user as a mark.
pub(in crate::web::console) fn state(user: &DirectoryUser) -> Markup {
    match (user.removed, user.deleted) {
        (true, _) => mark(Icon::Bad, "Deleted"),
        (false, true) => mark(Icon::Attention, "Inactive"),
        (false, false) => mark(Icon::Good, "Active"),
    }
}
