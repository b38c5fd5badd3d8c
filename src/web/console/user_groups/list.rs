//! `…/identity-pools/{pool}/groups`: the groups of a pool, with a search; else paged.

use base::time::Timestamp;
use maud::{Markup, html};
use model::user_group::UserGroup;

use super::page::{GROUPS, load_pool, shell};
use crate::{
    app::{accounts::groups, pagination::Page, permissions},
    links::console,
    web::{
        console::{
            kit::{context::EnvironmentContext, labels::Href},
            users::labels,
        },
        kit::{
            components::{ButtonStyle, copyable, link_button, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// The query parameter of the search.
const SEARCH: &str = "q";

/// A list of groups.
pub(in crate::web::console) struct GroupsPage<'a> {
    /// The name of the pool.
    pub name: &'a str,
    pub groups: &'a Page<UserGroup>,
    /// The path of the form, if the administrator may use it and groups can be made.
    pub new: Option<&'a str>,
    pub place: &'a ListUrl,
    pub href: Href<'a>,
    pub now: Timestamp,
}

/// `GET …/groups`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let (pool, place) = load_pool(&context).await?;
    let url = context.place(&[SEARCH]);
    let (text, query) = (url.filter(SEARCH), url.query());
    let found = groups::search(&context.state, &context.principal, pool.id, text, &query).await?;
    let is_open = !place.is_disabled() && !place.is_template();
    let may_add = is_open && context.may(permissions::Action::UserGroupsManage);
    let new = may_add.then(|| context.href(console::NEW_POOL_GROUP, &[&pool.id]));
    let content = view(&GroupsPage {
        name: &labels::pool(&pool),
        groups: &found,
        new: new.as_deref(),
        place: &url,
        href: &|pattern, segments| context.href(pattern, segments),
        now: context.now(),
    });
    Ok(shell(&context, &place, &pool, GROUPS).respond(content))
}

/// The list.
pub(in crate::web::console) fn view(page: &GroupsPage<'_>) -> Markup {
    let rows = page.groups.items.iter().map(|group| {
        vec![
            html! { a href=((page.href)(console::USER_GROUP, &[&group.id])) { (group.name) } },
            html! { (group.description) },
            time(group.created_at, page.now),
            copyable(&group.id.to_string(), "group id"),
        ]
    });
    let columns = [column("Name"), column("What it is for"), column("Created"), column("ID")];
    let list = List {
        caption: GROUPS,
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.groups.next_token,
        empty: html! {
            p { "No group yet." }
            p { "A group holds users of this pool who have something in common." }
            @if let Some(new) = page.new { p { (link_button(ButtonStyle::Primary, "Create the first group", new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "Groups of the pool “" (page.name) "”" }
            @if let Some(new) = page.new { div.actions { (link_button(ButtonStyle::Primary, "New group", new)) } }
        }
        (page.place.search_form(SEARCH, "Search groups", "Name or ID"))
        (list.view(page.place))
    }
}
