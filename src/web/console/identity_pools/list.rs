//! `/console/{environment}/identity-pools` and `…/organizations/{organization}/identity-pools`: the pools of the environment
//! itself, and of an organization.

use base::time::Timestamp;
use maud::{Markup, html};
use model::identity_pool::IdentityPool;

use super::{
    labels,
    page::{POOLS, new_path, shell},
};
use crate::{
    app::{
        accounts::pools::{self, PoolQuery},
        permissions,
        sorted_list::{Sort, SortedQuery},
    },
    links::console,
    web::{
        console::{
            kit::{context::EnvironmentContext, labels::Href},
            users::place::Place,
        },
        kit::{
            components::{ButtonStyle, copyable, link_button, time},
            error::PageResult,
            list::{List, ListUrl, column, number},
        },
    },
};

/// How many pools are listed: as many as an organization can have.
const MAX_LISTED: i64 = 100;

/// A list of pools.
pub(in crate::web::console) struct PoolsPage<'a> {
    /// Whose pools they are: "Acme".
    pub name: &'a str,
    /// Whether they are those of the environment itself.
    pub is_root: bool,
    pub pools: &'a [IdentityPool],
    /// The path of the form, if the administrator may use it.
    pub new: Option<&'a str>,
    pub href: Href<'a>,
    pub now: Timestamp,
}

/// `GET …/identity-pools`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = Place::of_page(&context).await?;
    let query = PoolQuery {
        organization_id: Some(place.organization_id),
        page: SortedQuery {
            search: String::new(),
            sort: Sort::CreatedAt,
            descending: false,
            cursor: None,
            limit: MAX_LISTED,
        },
    };
    let pools = pools::list(&context.state, &context.principal, &query).await?;
    let new = context.may(permissions::Action::IdentityPoolsManage).then(|| new_path(&context, &place));
    let content = view(&PoolsPage {
        name: &place.name(&context),
        is_root: place.organization.is_none(),
        pools: &pools,
        new: new.as_deref(),
        href: &|pattern, segments| context.href(pattern, segments),
        now: context.now(),
    });
    Ok(shell(&context, &place, POOLS).respond(content))
}

/// The list.
pub(in crate::web::console) fn view(page: &PoolsPage<'_>) -> Markup {
    let rows = page.pools.iter().map(|pool| {
        vec![
            html! { a href=((page.href)(console::IDENTITY_POOL, &[&pool.id])) { (labels::name(pool)) } },
            html! { (labels::mechanisms_in_line(&pool.first_factors)) },
            html! { a href=((page.href)(console::POOL_USERS, &[&pool.id])) { (pool.number_of_users) } },
            time(pool.created_at, page.now),
            copyable(&pool.id.to_string(), "pool id"),
        ]
    });
    let columns =
        [column("Name"), column("People sign in with"), number("Users"), column("Created"), column("ID")];
    let list = List {
        caption: POOLS,
        columns: &columns,
        rows: rows.collect(),
        next_token: "",
        empty: html! {
            p { "No identity pool yet. The first one comes with the first user." }
            @if let Some(new) = page.new { p { (link_button(ButtonStyle::Primary, "New identity pool", new)) } }
        },
    };
    html! {
        div.head-row {
            h1 { "Identity pools of " (page.name) }
            @if let (Some(new), false) = (page.new, page.pools.is_empty()) {
                div.actions { (link_button(ButtonStyle::Primary, "New identity pool", new)) }
            }
        }
        p.soft {
            "A pool holds accounts, with rules for how people sign in, for their passwords and for their profiles, whose "
            a href=((page.href)(console::IDENTITY_SCHEMAS, &[])) { "schemas" }
            " all pools of the environment share."
            @if page.is_root {
                " Pools of a customer are on the page of "
                a href=((page.href)(console::ORGANIZATIONS, &[])) { "its organization" } "."
            }
        }
        (list.view(&ListUrl::default()))
    }
}
