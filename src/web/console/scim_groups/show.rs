//! `…/scim-directories/{directory}/groups/{group}`: a group and its members, paged.

use maud::{Markup, html};

use crate::{
    app::{
        Error,
        directories::resources::{self, DirectoryGroup, DirectoryUser},
        pagination::Page,
    },
    links::{self, console},
    web::{
        console::{
            kit::context::EnvironmentContext,
            scim_directories::tabs::{self, Tab},
            scim_groups, scim_users,
        },
        kit::{
            components::{code_block, copyable, facts},
            error::PageResult,
            json,
            list::ListUrl,
        },
    },
};

/// `GET …/groups/{group}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let opened = tabs::load(&context).await?;
    let group = resources::find_group(&context.state, &context.principal, context.id("group")?).await?;
    if group.directory_id != opened.directory.id {
        return Err(Error::not_found("SCIM group", group.id).into());
    }
    let (place, query) = (context.place(&[]), scim_users::list::query(&opened));
    let id = group.id.to_string();
    let members =
        resources::list_users(&context.state, &context.principal, &query, &id, &place.query()).await?;
    let events = format!("{}?resource={id}", context.href(console::EVENTS, &[]));
    let address = context.state.links_of(&context.environment).scim_group(group.id);
    let content = html! {
        (opened.tabs(Tab::Groups))
        (view(&group, &members, &place, &|user| scim_users::list::href(&context, user), &events, &links::curl(address.as_str())))
    };
    let title = scim_groups::list::name(&group);
    let list = context.href(console::SCIM_GROUPS, &[&opened.directory.id]);
    Ok(opened.shell(&context, &title).crumb("Groups", list).respond(content))
}

/// The page. `events` is the path of the group's events.
pub(in crate::web::console) fn view(
    group: &DirectoryGroup,
    members: &Page<DirectoryUser>,
    place: &ListUrl,
    href: &dyn Fn(&DirectoryUser) -> String,
    events: &str,
    curl: &str,
) -> Markup {
    // Nested groups are members too, but not in the list of users.
    let mut attributes = group.attributes.clone();
    let members_value = attributes.remove("members");
    let nested = members_value.as_ref().and_then(serde_json::Value::as_array).map_or(0, |members| {
        let is_group = |member: &&serde_json::Value| {
            member
                .get("value")
                .and_then(serde_json::Value::as_str)
                .is_some_and(|id| id.starts_with("scim_group_"))
        };
        members.iter().filter(is_group).count()
    });
    html! {
        div.head-row { h1 { (scim_groups::list::name(group)) } (scim_groups::list::state(group)) }
        section.card {
            h2 { "Group" }
            (facts(&[
                ("ID", copyable(&group.id.to_string(), "group id")),
                ("Members", html! { (scim_groups::list::members(group)) @if nested > 0 { ", of them " (nested) " groups" } }),
                ("What happened", html! { a href=(events) { "Events of this group" } }),
            ]))
            @if !attributes.is_empty() { (json::collapsed("Attributes as JSON", &attributes.into())) }
        }
        h2 { "Members" }
        (scim_users::list::table(members, place, href, html! { p { "Nobody is in this group." } }))
        section.card {
            h2 { "For your developers" }
            (code_block("The same through the API", curl))
        }
    }
}
