//! `/console/{environment}/user-groups/{group}`: a group, and its members, who come and go here.

use std::collections::BTreeMap;

use base::{id::UserId, time::Timestamp};
use maud::{Markup, html};
use model::{user::User, user_group::UserGroup};

use super::page::Loaded;
use crate::{
    app::{
        Error, Result,
        accounts::{
            groups, user_credentials,
            users::{self, UserDetails},
        },
        pagination::{Page, PageQuery},
        permissions,
    },
    links::console,
    web::{
        console::{
            kit::{
                context::EnvironmentContext,
                flash::{Action, Flash, ResourceKind, see_other},
                form::ConsoleForm,
                labels::Href,
            },
            users::labels,
        },
        kit::{
            components::{ButtonStyle, copyable, facts, link_button, time},
            error::PageResult,
            forms::{Form, FormErrors, FormValues, FormView},
            list::{List, ListUrl, column},
        },
    },
};

/// The page of a group.
pub(in crate::web::console) struct GroupPage<'a> {
    pub group: &'a UserGroup,
    /// The name of the pool, and the path of its page.
    pub pool: (&'a str, &'a str),
    pub members: &'a Page<UserDetails>,
    /// Until when the invitations of new ones are good.
    pub invited: &'a BTreeMap<UserId, Timestamp>,
    pub place: &'a ListUrl,
    /// Whether the administrator may change it.
    pub may_manage: bool,
    /// Whether users can be added: not while the organization is switched off.
    pub is_open: bool,
    pub typed: &'a FormValues,
    pub errors: &'a FormErrors,
    pub href: Href<'a>,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// `GET …/user-groups/{group}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let loaded = Loaded::of_page(&context).await?;
    respond(&context, &loaded, &FormValues::new(), &FormErrors::none()).await
}

async fn respond(
    context: &EnvironmentContext,
    loaded: &Loaded,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let (state, principal) = (&context.state, &context.principal);
    let (group, url) = (&loaded.group, context.place(&[]));
    let found = groups::page_of_members(state, principal, group, &url.query()).await?;
    let members =
        Page { items: users::describe(state, principal, found.items).await?, next_token: found.next_token };
    let pool = context.href(console::IDENTITY_POOL, &[&loaded.pool.id]);
    let shown: Vec<&User> = members.items.iter().map(|details| &details.user).collect();
    let invited = user_credentials::open_invitations(state, principal, &shown).await?;
    let content = view(&GroupPage {
        group,
        pool: (&labels::pool(&loaded.pool), &pool),
        members: &members,
        invited: &invited,
        place: &url,
        may_manage: context.may(permissions::Action::UserGroupsManage),
        is_open: !loaded.place.is_disabled(),
        typed,
        errors,
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    });
    Ok(loaded.shell(context, &group.name).respond_with(errors.status(), content))
}

/// `POST …/user-groups/{group}/members`: adds whom a text names, or with `remove` removes a user.
pub async fn change_members(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UserGroupsManage)?;
    let loaded = Loaded::of_page(&context).await?;
    let (state, principal) = (&context.state, &context.principal);
    let (pool_id, group_id) = (loaded.pool.id, loaded.group.id);
    let changed = match form.text("remove").parse::<UserId>() {
        Ok(user_id) => {
            match groups::remove_member(state, principal, (pool_id, group_id, user_id), None).await {
                // Somebody else was faster.
                Ok(()) | Err(Error::NotFound { kind: "user" | "group member", .. }) => Ok(Action::Ended),
                Err(error) => Err(error),
            }
        }
        Err(_) => match named(&context, &loaded, form.text("user")).await {
            Ok(user_id) => {
                let added = groups::add_member(state, principal, (pool_id, group_id, user_id), None).await;
                added.map(|()| Action::Added)
            }
            Err(error) => Err(error),
        },
    };
    match changed {
        Ok(action) => Ok(see_other(&loaded.own_path(&context), Flash(ResourceKind::Membership, action))),
        Err(error) => {
            let errors = FormErrors::from_error(error)?;
            respond(&context, &loaded, &FormValues::from(&*form), &errors).await
        }
    }
}

/// The one user of the pool whom a text names.
async fn named(context: &EnvironmentContext, loaded: &Loaded, text: &str) -> Result<UserId> {
    if text.trim().is_empty() {
        return Err(Error::invalid("user", "is required"));
    }
    let (state, principal, first) = (&context.state, &context.principal, PageQuery::default());
    let found = users::search(state, principal, loaded.pool.id, text, &first).await?.items;
    match &found[..] {
        [user] => Ok(user.id),
        [] => Err(Error::invalid("user", "names nobody in this pool")),
        _ => Err(Error::invalid("user", "names several people; use an e-mail address, a user name or an ID")),
    }
}

/// The page.
pub(in crate::web::console) fn view(page: &GroupPage<'_>) -> Markup {
    let group = page.group;
    let mut about = vec![("ID", copyable(&group.id.to_string(), "group id"))];
    if !group.description.is_empty() {
        about.push(("What it is for", html! { span.value { (group.description) } }));
    }
    about.extend([
        ("Identity pool", html! { a href=(page.pool.1) { (page.pool.0) } }),
        ("Created", time(group.created_at, page.now)),
        ("Last changed", time(group.updated_at, page.now)),
    ]);
    html! {
        div.head-row {
            h1 { (group.name) }
            @if page.may_manage {
                div.actions {
                    (link_button(ButtonStyle::Plain, "Edit", &(page.href)(console::EDIT_USER_GROUP, &[&group.id])))
                    (link_button(ButtonStyle::Danger, "Delete", &(page.href)(console::DELETE_USER_GROUP, &[&group.id])))
                }
            }
        }
        section.card {
            (facts(&about))
            p { a href={ ((page.href)(console::AUDIT_EVENTS, &[])) "?targetId=" (group.id) } { "Audit log of this group" } }
        }
        @if page.may_manage && page.is_open { (add(page)) }
        h2 { "Members" }
        (members(page))
    }
}

fn add(page: &GroupPage<'_>) -> Markup {
    let action = (page.href)(console::USER_GROUP_MEMBERS, &[&page.group.id]);
    let form = Form::new(&action, "Add member", page.csrf.clone()).plain();
    let view = FormView::new(page.typed, page.errors);
    let fields = html! {
        (view.text("user", "User").hint("An e-mail address, user name, phone number, ID, or a name that one user of the pool has."))
    };
    html! {
        section.card {
            h2 { "Add a member" }
            (view.render(&form, fields))
        }
    }
}

fn members(page: &GroupPage<'_>) -> Markup {
    let action = (page.href)(console::USER_GROUP_MEMBERS, &[&page.group.id]);
    let rows = page.members.items.iter().map(|details| {
        let (user, name) = (&details.user, labels::name(details));
        let mut row = vec![
            html! { a href=((page.href)(console::USER, &[&user.id])) { (name) } },
            html! { (details.identifiers.first().map_or("", |identifier| identifier.text.as_str())) },
            labels::status(user, page.invited.contains_key(&user.id)),
        ];
        if page.may_manage {
            row.push(html! {
                form.inline method="post" action=(action) {
                    (page.csrf)
                    input type="hidden" name="remove" value=(user.id);
                    button.button.small type="submit" { "Remove" span.visually-hidden { " " (name) } }
                }
            });
        }
        row
    });
    let mut columns = vec![column("Name"), column("Signs in with"), column("Status")];
    if page.may_manage {
        columns.push(column("Membership"));
    }
    let list = List {
        caption: "Members",
        columns: &columns,
        rows: rows.collect(),
        next_token: &page.members.next_token,
        empty: html! { p { "Nobody is in this group." } },
    };
    list.view(page.place)
}
