//! The pages of roles.

use std::fmt;

use base::{id::Id, time::Timestamp};
use maud::{Markup, html};
use model::role::{Audience, Role};

use super::frame;
use crate::{
    app::roles::{Held, Members, NamedAssignee, VisibleRole},
    links,
    web::{
        console::{
            kit::{
                permission_choices::{OWN_SCOPES, PermissionChoices},
                shell::{Section, Shell},
            },
            roles::{
                form::{self, RoleFormPage},
                list::{self, RolesPage},
                show::{self, RolePage},
            },
            users::held_roles::UserRoles,
        },
        kit::{
            forms::{Form, FormErrors, FormValues},
            list::ListUrl,
        },
        samples::page,
    },
};

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap()
}

fn href(pattern: &str, segments: &[&dyn fmt::Display]) -> String {
    let environment: &dyn fmt::Display = &"x";
    links::expand(pattern, &[&[environment], segments].concat())
}

fn sample(name: &str, title: &str, content: Markup) {
    page(name, Shell::new(&frame(), Section::Applications, title).render(content));
}

fn csrf() -> Markup {
    html! { input type="hidden" name="csrf" value="TOKEN"; }
}

/// The roles of somebody, and those that they can be given.
pub(super) fn of_user() -> UserRoles {
    let held = |role, directly, groups: &[&str]| Held {
        role,
        directly,
        groups: groups.iter().map(|name| (Id::from_bits(81), (*name).to_owned())).collect(),
    };
    UserRoles {
        held: vec![
            held(role(91, "App <Admin>", true), true, &["Administrators <1>"]),
            held(role(92, "Editor", false), false, &["Staff"]),
        ],
        offered: Some(vec![role(93, "Reader", false)]),
    }
}

/// A role as it is in the organization 37; the vendor's, if it is `shared`.
fn role(bits: u128, name: &str, shared: bool) -> VisibleRole {
    let organization_id = Id::from_bits(37);
    let owner = if shared { Id::from_bits(1) } else { organization_id };
    let audience = match shared {
        true => Audience::Application(Id::from_bits(41)),
        false => Audience::Organization(organization_id),
    };
    let permissions = ["internal_org_user_mgt_create", "orders:<read>"].map(str::to_owned);
    VisibleRole {
        id: Id::from_bits(bits),
        audience,
        audience_name: if shared { "Shop <i>".to_owned() } else { "Acme".to_owned() },
        organization_id,
        role: Role {
            id: Id::from_bits(bits),
            environment_id: Id::from_bits(1),
            organization_id: owner,
            version: 1,
            name: name.to_owned(),
            audience,
            permissions: if shared { permissions.into() } else { [].into() },
            created_at: now(),
            updated_at: now(),
        },
    }
}

#[test]
fn role_samples() {
    let roles =
        [(role(91, "App <Admin>", true), "/r/1".to_owned()), (role(92, "Editor", false), "/r/2".to_owned())];
    let place = ListUrl::read("/console/x/roles", "", &[]);
    let listed = RolesPage {
        roles: &roles,
        organization: Some("Acme"),
        new: Some("/console/x/roles/new"),
        place: &place,
    };
    sample("console-roles", "Roles", list::view(&listed));
    let none = RolesPage { roles: &[], organization: None, ..listed };
    sample("console-roles-empty", "Roles", list::view(&none));

    let (typed, errors) = (FormValues::new(), FormErrors::none());
    let members = Members {
        users: vec![NamedAssignee { id: Id::from_bits(71), name: "bob@<acme>.example".to_owned() }],
        groups: vec![NamedAssignee { id: Id::from_bits(81), name: "Administrators".to_owned() }],
    };
    let shown = RolePage {
        role: &roles[0].0,
        members: &members,
        may_manage: true,
        may_delete: true,
        may_see_users: true,
        may_see_groups: true,
        paths: ["/edit", "/delete", "/members"],
        typed: &typed,
        errors: &errors,
        href: &href,
        csrf: csrf(),
        now: now(),
    };
    sample("console-role-shared", "App <Admin>", show::view(&shown));
    let own = RolePage { role: &roles[1].0, members: &Members::default(), csrf: csrf(), ..shown };
    sample("console-role", "Editor", show::view(&own));

    let choices = [
        (String::new(), "The organization".to_owned()),
        ("app_1".to_owned(), "Application “Shop”".to_owned()),
    ];
    let form = Form::new("/console/x/roles/new", "Create role", csrf()).cancel("/console/x/roles");
    let bad = FormErrors::one("permissions", "Permission: x not found");
    let typed = FormValues::new()
        .with("displayName", "App <Admin>")
        .with("permissions", "internal_org_user_mgt_create")
        .with("permissions", "x\norders:<read>");
    let full = RoleFormPage {
        title: "New role",
        audiences: &choices,
        permissions: &PermissionChoices::everywhere(),
        others: Some(OWN_SCOPES),
        form: &form,
        typed: &typed,
        errors: &bad,
    };
    sample("console-role-form-bad", "New role", form::view(&full));
    let own = ["internal_org_user_mgt_create", "internal_org_user_mgt_list", "internal_org_role_mgt_view"];
    let own = PermissionChoices::in_organization(Some(&own.map(str::to_owned).into()));
    let few =
        RoleFormPage { audiences: &choices[..1], permissions: &own, others: None, errors: &errors, ..full };
    sample("console-role-form-of-organization", "New role", form::view(&few));
}
