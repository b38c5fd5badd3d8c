//! `…/roles`: the vendor's roles, or those that there are in an organization; with `application` only those of one application.

use maud::{Markup, html};

use super::place::{Place, ROLES, audience};
use crate::{
    app::{
        permissions,
        roles::{self, RoleFilter, VisibleRole},
    },
    web::{
        console::kit::context::EnvironmentContext,
        kit::{
            components::{ButtonStyle, copyable, link_button},
            error::PageResult,
            list::{List, ListUrl, column},
        },
    },
};

/// The query parameter that names an application.
const APPLICATION: &str = "application";

/// A list of roles, each with the path of its page.
pub(in crate::web::console) struct RolesPage<'a> {
    pub roles: &'a [(VisibleRole, String)],
    /// The name of the organization; none at the root.
    pub organization: Option<&'a str>,
    /// The path of the form, if the administrator may use it.
    pub new: Option<&'a str>,
    pub place: &'a ListUrl,
}

/// `GET …/roles`
pub async fn list(context: EnvironmentContext) -> PageResult {
    let place = Place::of_page(&context).await?;
    let url = context.place(&[APPLICATION]);
    let named = url.filter(APPLICATION).parse::<base::id::ApplicationId>();
    let filter = RoleFilter { name: None, audience: named.ok().map(base::id::ApplicationId::bits) };
    let found = roles::list(&context.state, &context.principal, place.organization_id, &filter).await?;
    let with_path = |role: VisibleRole| {
        let path = place.show(&context, role.id);
        (role, path)
    };
    let all: Vec<_> = found.into_iter().map(with_path).collect();
    let new = context.may(permissions::Action::RolesCreate).then(|| place.new_role(&context));
    let name = place.organization.as_ref().map(super::super::kit::labels::organization);
    let content =
        view(&RolesPage { roles: &all, organization: name.as_deref(), new: new.as_deref(), place: &url });
    Ok(place.shell(&context, ROLES).respond(content))
}

/// The list.
pub(in crate::web::console) fn view(page: &RolesPage<'_>) -> Markup {
    let rows = page.roles.iter().map(|(role, path)| {
        vec![
            html! { a href=(path) { (role.name()) } },
            html! { (audience(role)) },
            html! { @if role.is_shared() { "The vendor’s" } @else { "Own" } },
            html! { (role.role.permissions.len()) },
            copyable(&role.id.to_string(), "role id"),
        ]
    });
    let columns = [column("Name"), column("For"), column("Whose"), column("Permissions"), column("ID")];
    let list = List {
        caption: ROLES,
        columns: &columns,
        rows: rows.collect(),
        next_token: "",
        empty: html! {
            p { "No role yet." }
            p { "A role is a set of permissions, which are scopes. It is given to users and groups of one organization." }
            @if let Some(new) = page.new { p { (link_button(ButtonStyle::Primary, "Create the first role", new)) } }
        },
    };
    html! {
        div.head-row {
            h1 {
                @match page.organization {
                    Some(name) => { "Roles in " (name) }
                    None => "Your own roles"
                }
            }
            @if let Some(new) = page.new { div.actions { (link_button(ButtonStyle::Primary, "New role", new)) } }
        }
        @if page.organization.is_none() {
            p {
                "Organizations have these roles too, with which the application of a role is shared. They give them to their own people, and cannot change them."
            }
        }
        (list.view(page.place))
    }
}
