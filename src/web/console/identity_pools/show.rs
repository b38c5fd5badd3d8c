//! `/console/{environment}/identity-pools/{pool}`: a pool, its rules, and how many users it has.

use base::time::Timestamp;
use maud::{Markup, html};
use model::{
    account::OneTimeCodeSettings, identity_pool::IdentityPool, identity_schema::SchemaRef,
    user_group::UserGroup,
};

use super::{
    fields::CODES,
    labels,
    page::{load, shell},
};
use crate::{
    app::{
        Result,
        accounts::{groups, schemas},
        permissions,
    },
    links::console,
    web::{
        console::{
            identity_schemas,
            kit::{
                context::EnvironmentContext,
                durations,
                labels::{Href, count},
            },
        },
        kit::{
            components::{ButtonStyle, Icon, copyable, facts, link_button, notice, time},
            error::PageResult,
        },
    },
};

/// How many groups are shown.
const MAX_GROUPS: usize = 5;

/// The page of a pool.
pub(in crate::web::console) struct PoolPage<'a> {
    pub pool: &'a IdentityPool,
    /// What it belongs to, and the path there.
    pub owner: (&'a str, String),
    /// The names of its schemas: of the profile, of the metadata, of the business metadata.
    pub schemas: [Option<(SchemaRef, String)>; 3],
    /// The first groups by name; one more than are shown, where there are more.
    pub groups: &'a [UserGroup],
    /// The path of the form of a new group, if the administrator may use it.
    pub new_group: Option<&'a str>,
    /// Whether the administrator may change it.
    pub may_manage: bool,
    /// The path of the form of a new user, if the administrator may use it.
    pub new_user: Option<&'a str>,
    pub href: Href<'a>,
    pub now: Timestamp,
}

/// `GET …/identity-pools/{pool}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let (pool, place) = load(&context).await?;
    let may_add =
        context.may(permissions::Action::UsersManage) && !place.is_disabled() && !place.is_template();
    let new_user = may_add.then(|| context.href(console::NEW_POOL_USER, &[&pool.id]));
    let new_group = may_add.then(|| context.href(console::NEW_POOL_GROUP, &[&pool.id]));
    let groups = groups::list_first(&context.state, &context.principal, pool.id, MAX_GROUPS + 1).await?;
    let owner = match &place.organization {
        Some(organization) => context.href(console::ORGANIZATION, &[&organization.id]),
        None => context.href(console::ENVIRONMENT, &[]),
    };
    let schemas = [Some(pool.payload_schema), Some(pool.metadata_schema), pool.business_metadata_schema];
    let [payload, metadata, business] = schemas;
    let content = view(&PoolPage {
        pool: &pool,
        owner: (&place.name(&context), owner),
        schemas: [
            named(&context, payload).await?,
            named(&context, metadata).await?,
            named(&context, business).await?,
        ],
        groups: &groups,
        new_group: new_group.as_deref(),
        may_manage: context.may(permissions::Action::IdentityPoolsManage),
        new_user: new_user.as_deref(),
        href: &|pattern, segments| context.href(pattern, segments),
        now: context.now(),
    });
    Ok(shell(&context, &place, &pool.name).respond(content))
}

/// A schema with its name.
async fn named(context: &EnvironmentContext, id: Option<SchemaRef>) -> Result<Option<(SchemaRef, String)>> {
    let Some(id) = id else { return Ok(None) };
    let schema = schemas::find(&context.state, &context.principal, id).await?;
    Ok(Some((id, identity_schemas::list::name(&schema))))
}

/// The page.
pub(in crate::web::console) fn view(page: &PoolPage<'_>) -> Markup {
    let (pool, href) = (page.pool, page.href);
    html! {
        div.head-row {
            h1 { (labels::name(pool)) }
            @if page.may_manage {
                div.actions {
                    (link_button(ButtonStyle::Plain, "Edit", &href(console::EDIT_IDENTITY_POOL, &[&pool.id])))
                    (link_button(ButtonStyle::Danger, "Delete", &href(console::DELETE_IDENTITY_POOL, &[&pool.id])))
                }
            }
        }
        @if labels::admits_nobody(pool) {
            (notice(Icon::Attention, "Nobody can sign in to this pool", html! {
                p { "Users are offered none of the ways that it allows. Allow a password or a passkey." }
            }))
        }
        section.card { (facts(&about(page))) }
        (users(page))
        (groups_of(page))
        section.card {
            h2 { "How people sign in" }
            (facts(&[
                ("First step", labels::mechanisms(&pool.first_factors, "nothing")),
                ("Second step", html! {
                    (labels::mechanisms(&pool.second_factors, "none"))
                    @if pool.requires_second_factor() { ": everybody needs one" }
                }),
                ("User names", html! { (case(pool)) }),
                ("Registration", html! {
                    @if pool.public_registration_allowed { "People may register themselves." }
                    @else { "People cannot register themselves: accounts are made for them." }
                }),
                ("Lost credentials", html! {
                    @if pool.self_reset_allowed { "People reset them themselves, by a code to a verified address." }
                    @else { "People cannot reset them themselves: you help them." }
                }),
            ]))
        }
        (passwords(pool))
        (codes(pool))
        (profiles(page))
    }
}

const fn case(pool: &IdentityPool) -> &'static str {
    match pool.identifier_case_insensitive {
        true => "Capital and small letters are the same.",
        false => "Capital and small letters differ: Dana and dana are two people.",
    }
}

fn about(page: &PoolPage<'_>) -> Vec<(&'static str, Markup)> {
    let pool = page.pool;
    let mut rows = vec![("ID", copyable(&pool.id.to_string(), "pool id"))];
    if !pool.description.is_empty() {
        rows.push(("What it is for", html! { (pool.description) }));
    }
    rows.extend([
        ("Belongs to", html! { a href=(page.owner.1) { (page.owner.0) } }),
        ("Created", time(pool.created_at, page.now)),
        ("Changed", time(pool.updated_at, page.now)),
    ]);
    rows
}

fn users(page: &PoolPage<'_>) -> Markup {
    let pool = page.pool;
    let number = |number: i64| usize::try_from(number).unwrap_or_default();
    let all = number(pool.number_of_users);
    let jit = number(pool.number_of_jit_users);
    html! {
        section.card aria-labelledby="users" {
            div.head-row {
                h2 #users { "Users" }
                @if let Some(new) = page.new_user { div.actions { a.button.small href=(new) { "New user" } } }
            }
            p {
                (count(all, "account", "accounts"))
                @if jit > 0 { ", " (jit) " of them made at the first login through an identity provider" }
                "."
            }
            p { a href=((page.href)(console::POOL_USERS, &[&pool.id])) { "Users of this pool" } }
        }
    }
}

fn groups_of(page: &PoolPage<'_>) -> Markup {
    html! {
        section.card aria-labelledby="groups" {
            div.head-row {
                h2 #groups { "Groups" }
                @if let Some(new) = page.new_group { div.actions { a.button.small href=(new) { "New group" } } }
            }
            @if page.groups.is_empty() {
                p.soft { "None. A group holds users of this pool who have something in common." }
            } @else {
                ul.entries {
                    @for group in page.groups.iter().take(MAX_GROUPS) {
                        li.entry {
                            div {
                                strong { a href=((page.href)(console::USER_GROUP, &[&group.id])) { (group.name) } }
                                @if !group.description.is_empty() { p.small.soft { (group.description) } }
                            }
                        }
                    }
                }
                p { a href=((page.href)(console::POOL_GROUPS, &[&page.pool.id])) { "All groups of this pool" } }
            }
        }
    }
}

fn passwords(pool: &IdentityPool) -> Markup {
    let policy = pool.password_policy();
    html! {
        section.card {
            h2 { "Passwords" }
            (facts(&[
                ("Length", html! { "at least " (policy.min_length()) " characters" }),
                ("Characters", html! { (labels::characters(policy)) }),
                ("How hard to guess", html! { (labels::strength(policy.strength())) }),
                ("Former passwords", html! {
                    @match policy.former_passwords() {
                        0 => "may be used again",
                        former => { "the last " (former) " are refused" },
                    }
                }),
                ("Good for", html! {
                    @match pool.password_rules.expires_after {
                        Some(time) => (durations::words(time)),
                        None => "as long as nobody changes it",
                    }
                }),
            ]))
        }
    }
}

fn codes(pool: &IdentityPool) -> Markup {
    let rows = CODES.map(|(setting, ..)| {
        let settings = pool.otp_settings.get(setting).unwrap_or(OneTimeCodeSettings::DEFAULT);
        (labels::code(setting), html! { (labels::code_settings(settings)) })
    });
    html! {
        section.card {
            h2 { "One-time codes" }
            (facts(&rows))
        }
    }
}

fn profiles(page: &PoolPage<'_>) -> Markup {
    let schema = |schema: &Option<(SchemaRef, String)>| {
        html! {
            @match schema {
                Some((id, name)) => a href=((page.href)(console::IDENTITY_SCHEMA, &[id])) { (name) },
                None => span.soft { "none" },
            }
        }
    };
    let [payload, metadata, business] = &page.schemas;
    html! {
        section.card {
            div.head-row {
                h2 { "Profiles" }
                a href=((page.href)(console::IDENTITY_SCHEMAS, &[])) { "All schemas" }
            }
            (facts(&[
                ("Schema of the profile", schema(payload)),
                ("Schema of the metadata", schema(metadata)),
                ("Schema of the business metadata", schema(business)),
            ]))
        }
    }
}
