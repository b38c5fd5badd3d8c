//! The roles of a user on their page: shown, given and taken.

use std::collections::BTreeSet;

use base::id::RoleId;
use maud::{Markup, html};
use model::organization::root_id;

use super::{
    contact::done,
    form::own_path,
    show::{self, UserPage},
};
use crate::{
    app::{
        Error, permissions,
        roles::{self, Held, RoleOperation, SetChange, VisibleRole, Without},
    },
    links::console,
    web::{
        console::{
            kit::{
                context::EnvironmentContext,
                flash::{Action, ResourceKind},
                form::ConsoleForm,
                own_rights::{self, Step},
            },
            roles::place::audience,
        },
        kit::error::PageResult,
    },
};

/// `POST …/users/{user}/roles`: gives a role, or with `remove` takes it.
pub async fn change(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::RolesManage)?;
    let (state, principal) = (&context.state, &context.principal);
    let user = show::load(&context).await?.user;
    let gone = form.text("remove").parse::<RoleId>();
    let chosen = form.text("role").parse::<RoleId>();
    let own = BTreeSet::from([user.id]);
    let (id, operation, action) = match (gone, chosen) {
        (Ok(id), _) => (id, SetChange::Remove(own), Action::Ended),
        (_, Ok(id)) => (id, SetChange::Add(own), Action::Added),
        _ => return show::refused(&context, Error::invalid("role", "choose one first")).await,
    };
    if matches!(operation, SetChange::Remove(_))
        && context.delegate().is_some_and(|current| current.is(user.id))
    {
        let (path, back) = (context.href(console::USER_ROLES, &[&user.id]), own_path(&context, user.id));
        let step = Step { form: &form, action: &path, cancel: &back };
        if let Some(asked) = own_rights::ask(&context, user.organization_id, Without::Own(id), &step).await? {
            return Ok(asked);
        }
    }
    let operations = [RoleOperation::Users(operation)];
    match roles::apply(state, principal, user.organization_id, id, None, &operations).await {
        Ok(_) => Ok(done(&context, user.id, ResourceKind::Role, action)),
        Err(Error::NotFound { kind: "role", .. }) => {
            show::refused(&context, Error::FailedPrecondition("there is no such role any more".into())).await
        }
        Err(error) => show::refused(&context, error).await,
    }
}

impl UserPage<'_> {
    /// Which roles they have.
    pub(super) fn roles(&self) -> Markup {
        let Some(roles) = self.roles else { return html! {} };
        html! {
            section.card aria-labelledby="roles" {
                h2 #roles { "Roles" }
                @if roles.held.is_empty() {
                    p.soft { "They have no role." }
                } @else {
                    p.soft { "What they may do here, and in applications." }
                    ul.entries { @for held in &roles.held { (self.role(held, roles.offered.is_some())) } }
                }
                @if let Some(offered) = &roles.offered { (self.give(offered)) }
            }
        }
    }

    fn path_of_role(&self, id: RoleId) -> String {
        let user = &self.details.user;
        match user.organization_id == root_id(user.environment_id) {
            true => (self.href)(console::ROLE, &[&id]),
            false => (self.href)(console::ORGANIZATION_ROLE, &[&user.organization_id, &id]),
        }
    }

    fn role(&self, held: &Held, may_take: bool) -> Markup {
        let name = held.role.name();
        html! {
            li.entry {
                div {
                    strong { a href=(self.path_of_role(held.role.id)) { (name) } }
                    p.small.soft {
                        (audience(&held.role))
                        @if held.role.is_shared() { ", the vendor’s role" }
                        @for (at, (_, group)) in held.groups.iter().enumerate() {
                            @if at == 0 { ", through the group " } @else { ", " }
                            (group)
                        }
                    }
                }
                @if may_take && held.directly {
                    details {
                        summary { "Take" span.visually-hidden { " " (name) } }
                        p {
                            "They lose what it permits, at once."
                            @if !held.groups.is_empty() { " They keep it through a group." }
                        }
                        form.form method="post" action=(self.at(console::USER_ROLES)) {
                            (self.csrf)
                            input type="hidden" name="remove" value=(held.role.id);
                            div.actions { button.button.danger type="submit" { "Take this role" } }
                        }
                    }
                }
            }
        }
    }

    fn give(&self, offered: &[VisibleRole]) -> Markup {
        html! {
            @if offered.is_empty() {
                p.soft { "There is no other role that you could give them." }
            } @else {
                form.form method="post" action=(self.at(console::USER_ROLES)) {
                    (self.csrf)
                    div.field {
                        label for="role" { "Another role" }
                        select #role name="role" {
                            @for role in offered { option value=(role.id) { (role.name()) " · " (audience(role)) } }
                        }
                    }
                    div.actions { button.button type="submit" { "Give this role" } }
                }
            }
        }
    }
}
