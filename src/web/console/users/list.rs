//! The lists of users: `/console/{environment}/users`, `…/organizations/{organization}/users` and
//! `…/identity-pools/{pool}/users`, with a search; else paged.

use std::collections::BTreeMap;

use base::{
    id::{IdentityPoolId, OrganizationId, UserId},
    time::Timestamp,
};
use maud::{Markup, html};
use model::user::{User, UserIdentifier};

use super::{
    labels,
    place::{Place, USERS},
};
use crate::{
    app::{
        self,
        accounts::{
            user_credentials,
            users::{self, UserDetails},
        },
        pagination::Page,
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            labels::{Href, switched_off_notice},
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, link_button, notice, time},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// The query parameter of the search.
const SEARCH: &str = "q";

/// How many identifiers a row shows.
const SHOWN_IDENTIFIERS: usize = 2;

/// A list of users.
pub(in crate::web::console) struct UsersPage<'a> {
    /// Whose users they are: "Acme".
    pub name: &'a str,
    /// Whether they are those of the environment itself.
    pub is_root: bool,
    /// Whether the organization is switched off.
    pub is_disabled: bool,
    /// Whether the organization is a template.
    pub is_template: bool,
    pub users: &'a Page<UserDetails>,
    /// Until when the invitations of new ones are good.
    pub invited: &'a BTreeMap<UserId, Timestamp>,
    /// The names of the organizations, where people of all of them were found.
    pub organizations: Option<&'a BTreeMap<OrganizationId, String>>,
    /// The names of the pools, where the users of several are listed.
    pub pools: &'a BTreeMap<IdentityPoolId, String>,
    /// The path of the form, if the administrator may use it and users can be added.
    pub new: Option<&'a str>,
    pub place: &'a ListUrl,
    pub href: Href<'a>,
    pub now: Timestamp,
}

/// `GET …/users`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let (state, principal) = (&context.state, &context.principal);
    let (place, url) = (Place::of_page(&context).await?, context.place(&[SEARCH]));
    let (text, query) = (url.filter(SEARCH), url.query());
    // Whoever looks for a person does not know of which organization they are.
    let everywhere = match place.is_root() {
        true => users::look_up_everywhere(state, principal, text).await?,
        false => Vec::new(),
    };
    let is_everywhere = !everywhere.is_empty();
    let page = match &place.pool {
        _ if is_everywhere => Page { items: everywhere, next_token: String::new() },
        Some(pool) => users::search(state, principal, pool.id, text, &query).await?,
        None => users::search_in_organization(state, principal, place.organization_id, text, &query).await?,
    };
    let organizations = match is_everywhere {
        true => {
            let ids = page.items.iter().map(|user| user.organization_id);
            Some(app::organizations::names(state, principal, ids).await?)
        }
        false => None,
    };
    let users =
        Page { items: users::describe(state, principal, page.items).await?, next_token: page.next_token };
    let shown: Vec<&User> = users.items.iter().map(|details| &details.user).collect();
    let invited = user_credentials::open_invitations(state, principal, &shown).await?;
    let pools = match &place.pool {
        Some(_) => Vec::new(),
        None => users::list_pools(state, principal, place.organization_id).await?,
    };
    // Where there is one pool, it goes without saying.
    let shown = if pools.len() > 1 && !is_everywhere { &pools[..] } else { &[] };
    let is_open = !place.is_disabled() && !place.is_template();
    let new = (is_open && context.may(permissions::Action::UsersCreate)).then(|| place.new_user(&context));
    let view = view(&UsersPage {
        name: &place.name(&context),
        is_root: place.is_root(),
        is_disabled: place.is_disabled(),
        is_template: place.is_template(),
        users: &users,
        invited: &invited,
        organizations: organizations.as_ref(),
        pools: &shown.iter().map(|pool| (pool.id, labels::pool(pool))).collect(),
        new: new.as_deref(),
        place: &url,
        href: &|pattern, segments| context.href(pattern, segments),
        now: context.now(),
    });
    Ok(place.shell(&context, USERS).respond(view))
}

/// The list.
pub(in crate::web::console) fn view(page: &UsersPage<'_>) -> Markup {
    let has_pools = !page.pools.is_empty();
    let rows = page.users.items.iter().map(|details| {
        let user = &details.user;
        let mut row = vec![
            html! { a href=((page.href)(console::USER, &[&user.id])) { (labels::name(details)) } },
            identifiers(&details.identifiers),
            labels::status(user, page.invited.contains_key(&user.id)),
        ];
        if let Some(names) = page.organizations {
            row.push(organization(page, names, user));
        }
        if has_pools {
            row.push(html! { (page.pools.get(&user.pool_id).map_or("", String::as_str)) });
        }
        row.extend([time(user.created_at, page.now), copyable(&user.id.to_string(), "user id")]);
        row
    });
    let mut columns = vec![column("Name"), column("Signs in with"), column("Status")];
    if page.organizations.is_some() {
        columns.push(column("User of"));
    }
    if has_pools {
        columns.push(column("Pool"));
    }
    columns.extend([column("Created"), column("ID")]);
    let list = List {
        caption: USERS,
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.users.next_token,
        empty: html! {
            p { "Nobody has an account here yet." }
            p { "A user signs in with a password or a passkey that is kept here. Who signs in through a company’s own identity provider needs none." }
            @if let Some(new) = page.new { p { (link_button(ButtonStyle::Primary, "Create the first user", new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "Users of " (page.name) }
            @if let Some(new) = page.new { div.actions { (link_button(ButtonStyle::Primary, "New user", new)) } }
        }
        @if page.is_root {
            p.soft {
                "Accounts of the environment itself. Those of a customer are on the page of "
                a href=((page.href)(console::ORGANIZATIONS, &[])) { "its organization" }
                "; by a whole address, user name or ID they are found here, too."
            }
        }
        @if page.is_disabled {
            (switched_off_notice("organization", "Its users cannot sign in, and none can be added or changed.", None))
        }
        @if page.is_template {
            (notice(Icon::Note, "This organization is a template", html! {
                p { "It has no users. Make an organization from it, and add its users there." }
            }))
        }
        (page.place.search_form(SEARCH, "Search users", "E-mail, user name, phone, name or ID"))
        (list.view(page.place))
    }
}

/// Whose user it is.
fn organization(page: &UsersPage<'_>, names: &BTreeMap<OrganizationId, String>, user: &User) -> Markup {
    let id = user.organization_id;
    html! {
        @match names.get(&id) {
            Some(name) => a href=((page.href)(console::ORGANIZATION, &[&id])) {
                @if name.trim().is_empty() { (id) } @else { (name) }
            },
            // The root has no name and no page as an organization.
            None => "The environment itself",
        }
    }
}

fn identifiers(identifiers: &[UserIdentifier]) -> Markup {
    let more = identifiers.len().saturating_sub(SHOWN_IDENTIFIERS);
    html! {
        @for (at, identifier) in identifiers.iter().take(SHOWN_IDENTIFIERS).enumerate() {
            @if at > 0 { ", " }
            (identifier.text.as_str())
        }
        @if more > 0 { span.soft { " and " (more) " more" } }
        @if identifiers.is_empty() { span.soft { "nothing" } }
    }
}
