//! `…/scim-directories/{directory}/users/{user}`: a user as the identity provider pushed them, and their
//! latest events.

use maud::{Markup, html};

use super::{
    directory_tabs::{self, Tab},
    events::{Told, entry},
    here::Here,
    json, scim_users,
};
use crate::{
    app::{
        Error,
        events::{self, LatestQuery},
        scim_people::{self, DirectoryUser},
    },
    links::{self, console},
    model::{id::ScimGroupId, time::Timestamp},
    pages::{
        components::{code_block, copyable, facts},
        error::Answer,
    },
};

/// How many events the page lists.
const TOLD: usize = 10;

/// The page of a user.
pub(super) struct Shown<'a> {
    pub user: &'a DirectoryUser,
    /// Names and paths of their groups.
    pub groups: &'a [(String, String)],
    /// Their latest events.
    pub told: &'a [Told<'a>],
    /// The path of all their events, if there are more.
    pub more: Option<String>,
    /// The API call that returns the same.
    pub curl: String,
    pub now: Timestamp,
}

/// `GET …/users/{user}`
pub async fn show(here: Here) -> Answer {
    let opened = directory_tabs::open(&here).await?;
    let user = scim_people::find_user(&here.state, &here.actor, here.id("user")?).await?;
    if user.directory_id != opened.directory.id {
        return Err(Error::not_found("SCIM user", user.id).into());
    }
    let groups: Vec<(String, String)> = scim_people::groups_of(&here.state, &here.actor, &user)
        .await?
        .into_iter()
        .map(|(id, name): (ScimGroupId, String)| {
            (name, here.href(console::SCIM_GROUP, &[&user.directory_id, &id]))
        })
        .collect();
    let asked = LatestQuery { resource: user.id.to_string(), ..LatestQuery::default() };
    let latest = events::list_latest(&here.state, &here.actor, &asked, TOLD).await?;
    let told: Vec<Told<'_>> = latest.events.iter().map(Told::brief).collect();
    let all = format!("{}?resource={}", here.href(console::EVENTS, &[]), user.id);
    let address = here.state.links_of(&here.environment).scim_user(user.id);
    let shown = Shown {
        user: &user,
        groups: &groups,
        told: &told,
        more: latest.next_before.map(|_| all),
        curl: links::curl(address.as_str()),
        now: here.now(),
    };
    let content = html! { (opened.tabs(Tab::Users)) (view(&shown)) };
    let title = scim_users::name(&user);
    let list = here.href(console::SCIM_USERS, &[&opened.directory.id]);
    Ok(opened.shell(&here, &title).crumb("Users", list).respond(content))
}

/// The page.
pub(super) fn view(shown: &Shown<'_>) -> Markup {
    let user = shown.user;
    html! {
        div.head-row { h1 { (scim_users::name(user)) } (scim_users::state(user)) }
        @if user.removed {
            p { "The identity provider deleted this person. What it last said of them is kept as history." }
        } @else if user.deleted {
            p { "The identity provider says that this person may not use the app." }
        }
        section.card {
            h2 { "Person" }
            (facts(&[
                ("E-mail", html! {
                    @if user.email.is_empty() { span.soft { "None of the organization’s domains" } }
                    @else { (copyable(&user.email, "e-mail address")) }
                }),
                ("ID", copyable(&user.id.to_string(), "user id")),
                ("Groups", html! {
                    @if shown.groups.is_empty() { span.soft { "In none" } }
                    @else { ul.tags { @for (name, href) in shown.groups { li { a.tag href=(href) { (name) } } } } }
                }),
            ]))
        }
        section.card {
            h2 { "Attributes" }
            (json::facts(&user.attributes))
            (json::folded("All attributes as JSON", &user.attributes.clone().into()))
        }
        section.card {
            h2 { "What happened" }
            @if shown.told.is_empty() {
                p.soft { "Nothing that is still kept." }
            } @else {
                ul.entries { @for told in shown.told { (entry(told, shown.now)) } }
            }
            @if let Some(href) = &shown.more { p { a href=(href) { "Everything that happened" } } }
        }
        section.card {
            h2 { "For your developers" }
            (code_block("The same through the API", &shown.curl))
        }
    }
}
