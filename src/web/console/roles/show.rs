//! `…/roles/{role}`: what a role permits, and who has it.

use base::{id::IdKind, time::Timestamp};
use maud::{Markup, html};

use super::place::{Place, audience};
use crate::{
    app::{
        permissions,
        roles::{self, Members, NamedAssignee, VisibleRole},
    },
    links::console,
    web::{
        console::kit::{context::EnvironmentContext, labels::Href, permission_choices::meaning},
        kit::{
            components::{ButtonStyle, copyable, facts, link_button, time},
            error::PageResult,
            forms::{Form, FormErrors, FormValues, FormView},
        },
    },
};

/// How many users, and how many groups, the page lists.
const MAX_LISTED: usize = 200;

/// The page of a role.
pub(in crate::web::console) struct RolePage<'a> {
    pub role: &'a VisibleRole,
    pub members: &'a Members,
    /// Whether the administrator may change it.
    pub may_manage: bool,
    /// Whether they may delete it.
    pub may_delete: bool,
    /// Whether they may see the pages of users.
    pub may_see_users: bool,
    /// Whether they may see those of groups.
    pub may_see_groups: bool,
    /// The paths of the forms: edit, delete, members.
    pub paths: [&'a str; 3],
    pub typed: &'a FormValues,
    pub errors: &'a FormErrors,
    pub href: Href<'a>,
    pub csrf: Markup,
    pub now: Timestamp,
}

/// `GET …/roles/{role}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let place = Place::of_page(&context).await?;
    let role = place.role(&context).await?;
    respond(&context, &place, &role, &FormValues::new(), &FormErrors::none()).await
}

pub(super) async fn respond(
    context: &EnvironmentContext,
    place: &Place,
    role: &VisibleRole,
    typed: &FormValues,
    errors: &FormErrors,
) -> PageResult {
    let members = roles::members(&context.state, &context.principal, role).await?;
    let paths =
        [place.edit(context, role.id), place.delete(context, role.id), place.members(context, role.id)];
    let content = view(&RolePage {
        role,
        members: &members,
        may_manage: context.may(permissions::Action::RolesManage),
        may_delete: context.may(permissions::Action::RolesDelete),
        may_see_users: context.may(permissions::Action::UsersView),
        // Organizations' own administrators have no pages of groups.
        may_see_groups: context.administrator().is_some(),
        paths: [&paths[0], &paths[1], &paths[2]],
        typed,
        errors,
        href: &|pattern, segments| context.href(pattern, segments),
        csrf: context.csrf(),
        now: context.now(),
    });
    Ok(place.shell_below(context, role.name()).respond_with(errors.status(), content))
}

/// The page.
pub(in crate::web::console) fn view(page: &RolePage<'_>) -> Markup {
    let role = page.role;
    let about = [
        ("ID", copyable(&role.id.to_string(), "role id")),
        ("For", html! { (audience(role)) }),
        ("Created", time(role.created_at(), page.now)),
        ("Last changed", time(role.role.updated_at, page.now)),
    ];
    let [edit, delete, _] = page.paths;
    html! {
        div.head-row {
            h1 { (role.name()) }
            @if (page.may_manage || page.may_delete) && !role.is_shared() {
                div.actions {
                    @if page.may_manage { (link_button(ButtonStyle::Plain, "Edit", edit)) }
                    @if page.may_delete { (link_button(ButtonStyle::Danger, "Delete", delete)) }
                }
            }
        }
        @if role.is_shared() {
            p { "This role is the vendor’s. What it permits is changed there; who has it in this organization is said here." }
        }
        section.card { (facts(&about)) }
        section.card aria-labelledby="permissions" {
            h2 #permissions { "Permissions" }
            @if role.role.permissions.is_empty() {
                p { "It permits nothing yet." }
            } @else {
                ul.rows { @for permission in &role.role.permissions { li { (meaning(permission)) @if meaning(permission) != permission { " " code.small { (permission) } } } } }
            }
        }
        @if page.may_manage { (add(page)) }
        section.card aria-labelledby="users" {
            h2 #users { "Users" }
            (listed(page, &page.members.users, "Nobody has this role themselves.", page.may_see_users.then_some(console::USER)))
        }
        section.card aria-labelledby="groups" {
            h2 #groups { "Groups" }
            (listed(page, &page.members.groups, "No group has this role.", page.may_see_groups.then_some(console::USER_GROUP)))
        }
    }
}

fn add(page: &RolePage<'_>) -> Markup {
    let form = Form::new(page.paths[2], "Give the role", page.csrf.clone()).plain();
    let view = FormView::new(page.typed, page.errors);
    let fields = html! {
        (view.text("user", "User").hint("An e-mail address, user name, phone number, ID, or a name that one user of the organization has.").optional())
        (view.text("group", "Or a group").hint("Its name or its ID. Everybody who is in it has the role.").optional())
    };
    html! {
        section.card {
            h2 { "Give this role" }
            (view.render(&form, fields))
        }
    }
}

fn listed<K: IdKind>(
    page: &RolePage<'_>,
    all: &[NamedAssignee<K>],
    none: &'static str,
    pattern: Option<&str>,
) -> Markup {
    html! {
        @if all.is_empty() { p { (none) } }
        @else {
            ul.rows {
                @for one in all.iter().take(MAX_LISTED) {
                    li {
                        @match pattern {
                            Some(pattern) => a href=((page.href)(pattern, &[&one.id])) { (one.name) },
                            None => (one.name),
                        }
                        @if page.may_manage {
                            form.inline method="post" action=(page.paths[2]) {
                                (page.csrf)
                                input type="hidden" name="remove" value=(one.id);
                                button.button.small type="submit" { "Remove" span.visually-hidden { " " (one.name) } }
                            }
                        }
                    }
                }
            }
            @if all.len() > MAX_LISTED { p { "And " (all.len() - MAX_LISTED) " more." } }
        }
    }
}
