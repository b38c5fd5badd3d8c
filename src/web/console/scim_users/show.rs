//! `…/scim-directories/{directory}/users/{user}`: a user as the identity provider pushed them, and their
//! latest events.

use base::{id::ScimGroupId, time::Timestamp};
use maud::{Markup, html};

use crate::{
    app::{
        Error,
        directories::resources::{self, DirectoryUser},
        events::{self, LatestQuery},
    },
    links::{self, console},
    web::{
        console::{
            events::list::{EventView, entry},
            kit::context::EnvironmentContext,
            scim_directories::tabs::{self, Tab},
            scim_users,
        },
        kit::{
            components::{code_block, copyable, facts},
            error::PageResult,
            json,
        },
    },
};

/// How many events the page lists.
const MAX_EVENTS: usize = 10;

/// The page of a user.
pub(in crate::web::console) struct ScimUserPage<'a> {
    pub user: &'a DirectoryUser,
    /// Names and paths of their groups.
    pub groups: &'a [(String, String)],
    /// Their latest events.
    pub events: &'a [EventView<'a>],
    /// The path of all their events, if there are more.
    pub more: Option<String>,
    /// The API call that returns the same.
    pub curl: String,
    pub now: Timestamp,
}

/// `GET …/users/{user}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let opened = tabs::load(&context).await?;
    let user = resources::find_user(&context.state, &context.principal, context.id("user")?).await?;
    if user.directory_id != opened.directory.id {
        return Err(Error::not_found("SCIM user", user.id).into());
    }
    let groups: Vec<(String, String)> = resources::groups_of(&context.state, &context.principal, &user)
        .await?
        .into_iter()
        .map(|(id, name): (ScimGroupId, String)| {
            (name, context.href(console::SCIM_GROUP, &[&user.directory_id, &id]))
        })
        .collect();
    let asked = LatestQuery { resource: user.id.to_string(), ..LatestQuery::default() };
    let latest = events::list_latest(&context.state, &context.principal, &asked, MAX_EVENTS).await?;
    let events: Vec<EventView<'_>> = latest.events.iter().map(EventView::brief).collect();
    let all = format!("{}?resource={}", context.href(console::EVENTS, &[]), user.id);
    let address = context.state.links_of(&context.environment).scim_user(user.id);
    let page = ScimUserPage {
        user: &user,
        groups: &groups,
        events: &events,
        more: latest.next_before.map(|_| all),
        curl: links::curl(address.as_str()),
        now: context.now(),
    };
    let content = html! { (opened.tabs(Tab::Users)) (view(&page)) };
    let title = scim_users::list::name(&user);
    let list = context.href(console::SCIM_USERS, &[&opened.directory.id]);
    Ok(opened.shell(&context, &title).crumb("Users", list).respond(content))
}

/// The page.
pub(in crate::web::console) fn view(page: &ScimUserPage<'_>) -> Markup {
    let user = page.user;
    html! {
        div.head-row { h1 { (scim_users::list::name(user)) } (scim_users::list::state(user)) }
        @if user.removed {
            p { "The identity provider deleted this person. What it last said of them is kept as history." }
        } @else if user.deleted {
            p { "The identity provider says that this person may not use the app." }
        }
        section.card {
            h2 { "Person" }
            (facts(&[
                ("E-mail", html! {
                    @match &user.email {
                        Some(email) => (copyable(email, "e-mail address")),
                        None => span.soft { "None of the organization’s domains" },
                    }
                }),
                ("ID", copyable(&user.id.to_string(), "user id")),
                ("Groups", html! {
                    @if page.groups.is_empty() { span.soft { "In none" } }
                    @else { ul.tags { @for (name, href) in page.groups { li { a.tag href=(href) { (name) } } } } }
                }),
            ]))
        }
        section.card {
            h2 { "Attributes" }
            (json::facts(&user.attributes))
            (json::collapsed("All attributes as JSON", &user.attributes.clone().into()))
        }
        section.card {
            h2 { "What happened" }
            @if page.events.is_empty() {
                p.soft { "Nothing that is still kept." }
            } @else {
                ul.entries { @for event in page.events { (entry(event, page.now)) } }
            }
            @if let Some(href) = &page.more { p { a href=(href) { "Everything that happened" } } }
        }
        section.card {
            h2 { "For your developers" }
            (code_block("The same through the API", &page.curl))
        }
    }
}
