//! `/console/{environment}/administrators`: administrators, their roles and open invitations. Owners of the
//! installation also see and change roles that apply to every environment.

use base::id::AdministratorId;
use maud::{Markup, html};
use model::{
    account::AdminInvitation,
    administrator::{Administrator, Role},
};
use strum::VariantArray;

use crate::{
    app::{
        Error,
        administrators::{
            invitations,
            roles::{self, RoleScope},
        },
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, Flash, ResourceKind, see_other},
            form::ConsoleForm,
            shell::Section,
        },
        kit::{
            components::{ButtonStyle, Icon, link_button, mark, notice, time},
            error::{PageError, PageResult},
            forms::FormErrors,
        },
    },
};

/// The value of the field `where` for a role in every environment.
pub(super) const EVERYWHERE: &str = "everywhere";

/// One list of administrators: of this environment, or of every environment.
pub(in crate::web::console) struct AdministratorList<'a> {
    /// The administrators and their roles.
    pub items: &'a [(Administrator, Role)],
    /// Open invitations; empty if the administrator may not revoke them.
    pub invitations: &'a [AdminInvitation],
    /// Whether the administrator may change the list.
    pub may_change: bool,
    /// Whether the roles apply to every environment.
    pub everywhere: bool,
}

pub(super) fn scope_of(context: &EnvironmentContext, form: &ConsoleForm) -> RoleScope {
    if form.text("where") == EVERYWHERE {
        RoleScope::Global(context.principal)
    } else {
        RoleScope::Environment(context.principal)
    }
}

/// `GET …/administrators`
pub async fn list(context: EnvironmentContext) -> PageResult {
    respond(&context, &FormErrors::none()).await
}

async fn respond(context: &EnvironmentContext, errors: &FormErrors) -> PageResult {
    let (local, global) = (RoleScope::Environment(context.principal), RoleScope::Global(context.principal));
    let place = context.place(&[]);
    let own = roles::list(&context.state, &local, &place.query()).await?;
    let everywhere = roles::list_global(&context.state, &context.principal).await?;
    let (may_local, may_global) = (
        context.may(permissions::Action::AdministratorsManage),
        context.principal.authorize_everywhere(permissions::Action::GlobalAdministratorsManage).is_ok(),
    );
    let own_invitations =
        if may_local { invitations::list(&context.state, &local).await? } else { Vec::new() };
    let global_invitations =
        if may_global { invitations::list(&context.state, &global).await? } else { Vec::new() };
    let lists = [
        AdministratorList {
            items: &own.items,
            invitations: &own_invitations,
            may_change: may_local,
            everywhere: false,
        },
        AdministratorList {
            items: &everywhere,
            invitations: &global_invitations,
            may_change: may_global,
            everywhere: true,
        },
    ];
    let content = html! {
        (view(context, &lists, errors))
        (place.pagination(&own.next_token))
    };
    Ok(context.shell(Section::Administrators, "Administrators").respond_with(errors.status(), content))
}

fn view(context: &EnvironmentContext, lists: &[AdministratorList<'_>], errors: &FormErrors) -> Markup {
    let invite = context
        .may(permissions::Action::AdministratorsManage)
        .then(|| context.href(console::INVITE_ADMINISTRATOR, &[]));
    html! {
        div.head-row {
            h1 { "Administrators" }
            @if let Some(invite) = &invite { div.actions { (link_button(ButtonStyle::Primary, "Invite somebody", invite)) } }
        }
        @if let Some(wrong) = errors.of("") {
            div role="alert" { (notice(Icon::Bad, "That was not done", html! { p { (wrong) } })) }
        }
        @if lists.iter().any(|list| list.may_change) {
            @if let Some(first) = context.confirm_identity_notice("give somebody a larger role") { (first) }
        }
        @for list in lists { (list.view(context)) }
    }
}

impl AdministratorList<'_> {
    fn view(&self, context: &EnvironmentContext) -> Markup {
        let me = context.administrator().map(|me| me.administrator.id);
        html! {
            section.card {
                @if self.everywhere {
                    h2 { "In every environment" }
                    p.soft { "Their role counts here too, and in environments to come." }
                } @else {
                    h2 { "In this environment" }
                }
                @if self.items.is_empty() { p.soft { "Nobody." } }
                ul.entries { @for (who, role) in self.items { (self.person(context, who, *role, me)) } }
                @if !self.invitations.is_empty() {
                    h3 { "Invited" }
                    ul.entries { @for invitation in self.invitations { (self.invitation(context, invitation)) } }
                }
            }
        }
    }

    fn person(
        &self,
        context: &EnvironmentContext,
        who: &Administrator,
        role: Role,
        me: Option<AdministratorId>,
    ) -> Markup {
        let action = context.href(console::ADMINISTRATOR, &[&who.id]);
        let id = format!("role-{}{}", if self.everywhere { "every-" } else { "" }, who.id);
        html! {
            li.entry {
                div {
                    strong { (who.name()) }
                    @if Some(who.id) == me { " " (mark(Icon::Note, "you")) }
                    p.small.soft {
                        @if !who.display_name.is_empty() { (who.email) ", " }
                        (role.as_str()) ", since " (time(who.created_at, context.now()))
                    }
                }
                @if self.may_change {
                    details {
                        summary { "Change" span.visually-hidden { " " (who.email) } }
                        form.form method="post" action=(action) {
                            (context.csrf())
                            (self.where_field())
                            div.field {
                                label for=(id) { "Role" }
                                select #(id) name="role" {
                                    @for one in Role::VARIANTS { option value=(one.as_str()) selected[*one == role] { (one.as_str()) } }
                                }
                            }
                            div.actions {
                                button.button type="submit" { "Save role" }
                                button.button.danger type="submit" name="remove" value="1" {
                                    @if self.everywhere { "Remove from every environment" } @else { "Remove from this environment" }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    fn invitation(&self, context: &EnvironmentContext, invitation: &AdminInvitation) -> Markup {
        let action = context.href(console::REVOKE_ADMIN_INVITATION, &[&invitation.id]);
        html! {
            li.entry {
                div {
                    strong { @match &invitation.email { Some(email) => (email), None => "Whoever has the link" } }
                    p.small.soft { (invitation.grant.role.as_str()) ", link good until " (time(invitation.expires_at, context.now())) }
                }
                form.inline method="post" action=(action) {
                    (context.csrf())
                    (self.where_field())
                    button.button type="submit" { "Revoke" }
                }
            }
        }
    }

    fn where_field(&self) -> Markup {
        html! { @if self.everywhere { input type="hidden" name="where" value=(EVERYWHERE); } }
    }
}

/// `POST …/administrators/{administrator}`: sets the role, or with `remove` removes it.
pub async fn change(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id = context.id("administrator")?;
    let scope = scope_of(&context, &form);
    let (done, action) = if form.has("remove") {
        (roles::remove(&context.state, &scope, id).await, Flash(ResourceKind::Administrator, Action::Deleted))
    } else {
        let role = form
            .text("role")
            .parse()
            .map_err(|_| PageError(Error::invalid("role", "must be viewer, admin or owner")))?;
        (roles::set_role(&context.state, &scope, id, role).await, Flash(ResourceKind::Role, Action::Saved))
    };
    match done {
        Ok(()) => Ok(see_other(&context.href(console::ADMINISTRATORS, &[]), action)),
        Err(error) => respond(&context, &FormErrors::from_error(error)?).await,
    }
}

/// `POST …/admin-invitations/{invitation}/revoke`
pub async fn revoke(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    let id = context.id("invitation")?;
    invitations::revoke(&context.state, &scope_of(&context, &form), id).await?;
    let back = context.href(console::ADMINISTRATORS, &[]);
    Ok(see_other(&back, Flash(ResourceKind::Invitation, Action::Revoked)))
}
