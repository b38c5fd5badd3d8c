//! `/console/{environment}/administrators`: administrators, their roles and open invitations. Owners of the
//! installation also see and change roles that apply to every environment.

use actix_web::HttpResponse;
use maud::{Markup, html};

use super::{
    flash::{Deed, Flash, Thing, see_other},
    here::Here,
    shell::Section,
    visitor::Form,
};
use crate::{
    app::{
        Error,
        administrators::{
            invitations::{self, Invited},
            people::{self, Scope},
        },
    },
    links::console,
    model::{
        administrator::{AdminInvitation, Administrator, Role},
        id::AdministratorId,
        time::Timestamp,
    },
    pages::{
        components::{Shape, Weight, copyable, link_button, mark, notice, time},
        error::{Answer, Failure},
        forms::{self, Choice, FormErrors, FormView, Typed},
    },
};

/// The value of the field `where` for a role in every environment.
const EVERYWHERE: &str = "everywhere";

/// One list of administrators: of this environment, or of every environment.
pub(super) struct People<'a> {
    /// The administrators and their roles.
    pub items: &'a [(Administrator, Role)],
    /// Open invitations; empty if the administrator may not revoke them.
    pub invitations: &'a [AdminInvitation],
    /// Whether the administrator may change the list.
    pub may_change: bool,
    /// Whether the roles apply to every environment.
    pub everywhere: bool,
}

fn scope_of(here: &Here, form: &Form) -> Scope {
    if form.text("where") == EVERYWHERE {
        Scope::Everywhere(here.actor.author())
    } else {
        Scope::Environment(here.actor)
    }
}

/// `GET …/administrators`
pub async fn list(here: Here) -> Answer {
    respond(&here, &FormErrors::none()).await
}

async fn respond(here: &Here, errors: &FormErrors) -> Answer {
    let (local, global) = (Scope::Environment(here.actor), Scope::Everywhere(here.actor.author()));
    let place = here.place(&[]);
    let own = people::list(&here.state, &local, &place.query()).await?;
    let everywhere = people::list_everywhere(&here.state, &here.actor).await?;
    let (may_local, may_global) = (here.may_own(), here.actor.author().owns_everything().is_ok());
    let own_invitations = if may_local { invitations::list(&here.state, &local).await? } else { Vec::new() };
    let global_invitations =
        if may_global { invitations::list(&here.state, &global).await? } else { Vec::new() };
    let lists = [
        People { items: &own.items, invitations: &own_invitations, may_change: may_local, everywhere: false },
        People {
            items: &everywhere,
            invitations: &global_invitations,
            may_change: may_global,
            everywhere: true,
        },
    ];
    let content = html! {
        (view(here, &lists, errors))
        (place.pages(&own.next_token))
    };
    Ok(here.shell(Section::Administrators, "Administrators").respond_with(errors.status(), content))
}

fn view(here: &Here, lists: &[People<'_>], errors: &FormErrors) -> Markup {
    let invite = here.may_own().then(|| here.href(console::INVITE_ADMINISTRATOR, &[]));
    html! {
        div.head-row {
            h1 { "Administrators" }
            @if let Some(invite) = &invite { div.actions { (link_button(Weight::Primary, "Invite somebody", invite)) } }
        }
        @if let Some(wrong) = errors.of("") {
            div role="alert" { (notice(Shape::Bad, "That was not done", html! { p { (wrong) } })) }
        }
        @if lists.iter().any(|list| list.may_change) {
            @if let Some(first) = here.confirm_first("give somebody a larger role") { (first) }
        }
        @for list in lists { (list.view(here)) }
    }
}

impl People<'_> {
    fn view(&self, here: &Here) -> Markup {
        let me = here.visitor.administrator.id;
        html! {
            section.card {
                @if self.everywhere {
                    h2 { "In every environment" }
                    p.soft { "Their role counts here too, and in environments to come." }
                } @else {
                    h2 { "In this environment" }
                }
                @if self.items.is_empty() { p.soft { "Nobody." } }
                ul.entries { @for (who, role) in self.items { (self.person(here, who, *role, me)) } }
                @if !self.invitations.is_empty() {
                    h3 { "Invited" }
                    ul.entries { @for invitation in self.invitations { (self.invitation(here, invitation)) } }
                }
            }
        }
    }

    fn person(&self, here: &Here, who: &Administrator, role: Role, me: AdministratorId) -> Markup {
        let action = here.href(console::ADMINISTRATOR, &[&who.id]);
        let id = format!("role-{}{}", if self.everywhere { "every-" } else { "" }, who.id);
        html! {
            li.entry {
                div {
                    strong { (who.name()) }
                    @if who.id == me { " " (mark(Shape::Note, "you")) }
                    p.small.soft {
                        @if !who.display_name.is_empty() { (who.email) ", " }
                        (role.as_str()) ", since " (time(who.created_at, here.now()))
                    }
                }
                @if self.may_change {
                    details {
                        summary { "Change" span.visually-hidden { " " (who.email) } }
                        form.form method="post" action=(action) {
                            (here.csrf())
                            (self.place())
                            div.field {
                                label for=(id) { "Role" }
                                select #(id) name="role" {
                                    @for one in Role::ALL { option value=(one.as_str()) selected[one == role] { (one.as_str()) } }
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

    fn invitation(&self, here: &Here, invitation: &AdminInvitation) -> Markup {
        let action = here.href(console::REVOKE_ADMIN_INVITATION, &[&invitation.id]);
        html! {
            li.entry {
                div {
                    strong { @match &invitation.email { Some(email) => (email), None => "Whoever has the link" } }
                    p.small.soft { (invitation.grant.role.as_str()) ", link good until " (time(invitation.expires_at, here.now())) }
                }
                form.inline method="post" action=(action) {
                    (here.csrf())
                    (self.place())
                    button.button type="submit" { "Revoke" }
                }
            }
        }
    }

    fn place(&self) -> Markup {
        html! { @if self.everywhere { input type="hidden" name="where" value=(EVERYWHERE); } }
    }
}

/// `POST …/administrators/{administrator}`: sets the role, or with `remove` removes it.
pub async fn change(here: Here, form: Form) -> Answer {
    let id = here.id("administrator")?;
    let scope = scope_of(&here, &form);
    let (done, deed) = if form.flag("remove") {
        (people::remove(&here.state, &scope, id).await, Flash(Thing::Administrator, Deed::Deleted))
    } else {
        let role = Role::parse(form.text("role"))
            .ok_or_else(|| Failure(Error::invalid("role", "must be viewer, admin or owner")))?;
        (people::set_role(&here.state, &scope, id, role).await, Flash(Thing::Role, Deed::Saved))
    };
    match done {
        Ok(()) => Ok(see_other(&here.href(console::ADMINISTRATORS, &[]), deed)),
        Err(error) => respond(&here, &FormErrors::from(error)?).await,
    }
}

/// `POST …/admin-invitations/{invitation}/revoke`
pub async fn revoke(here: Here, form: Form) -> Answer {
    let id = here.id("invitation")?;
    invitations::revoke(&here.state, &scope_of(&here, &form), id).await?;
    let back = here.href(console::ADMINISTRATORS, &[]);
    Ok(see_other(&back, Flash(Thing::Invitation, Deed::Revoked)))
}

/// `GET …/administrators/invite`
pub async fn new(here: Here) -> Answer {
    here.own()?;
    let typed = Typed::new().with("role", "admin").with("where", "here");
    Ok(invite_page(&here, &typed, &FormErrors::none()))
}

/// `POST …/administrators/invite`
pub async fn invite(here: Here, form: Form) -> Answer {
    here.own()?;
    let typed = Typed::from(&*form);
    let Some(role) = Role::parse(form.text("role")) else {
        return Ok(invite_page(&here, &typed, &FormErrors::one("role", "choose one")));
    };
    match invitations::create(&here.state, &scope_of(&here, &form), form.text("email"), role).await {
        Ok(Invited::Added(_)) => {
            Ok(see_other(&here.href(console::ADMINISTRATORS, &[]), Flash(Thing::Administrator, Deed::Added)))
        }
        Ok(Invited::Link(invitation, token)) => {
            let link = here.state.links.console_join(&token.reveal());
            let content =
                invited(&invitation, link.as_str(), &here.href(console::ADMINISTRATORS, &[]), here.now());
            Ok(here.shell(Section::Administrators, "Invited").respond(content))
        }
        Err(error) => Ok(invite_page(&here, &typed, &FormErrors::from(error)?)),
    }
}

fn invite_page(here: &Here, typed: &Typed, errors: &FormErrors) -> HttpResponse {
    let view = FormView::new(typed, errors);
    let roles = Role::ALL.map(|role| Choice::new(role.as_str(), role.as_str(), may_sentence(role)));
    let places = [
        Choice::new("here", "In this environment", ""),
        Choice::new(EVERYWHERE, "In every environment", "Those to come too."),
    ];
    let (action, back) =
        (here.href(console::INVITE_ADMINISTRATOR, &[]), here.href(console::ADMINISTRATORS, &[]));
    let form = forms::Form::new(&action, "Make the link", here.csrf()).cancel(&back);
    let fields = html! {
        (view.email("email", "E-mail address").hint("They sign in with it. No mail is sent: you hand the link on yourself."))
        (view.radios("role", "Role", &roles))
        @if here.actor.author().owns_everything().is_ok() { (view.radios("where", "Where", &places)) }
    };
    here.shell(Section::Administrators, "Invite somebody").respond_with(
        errors.status(),
        html! {
            h1 { "Invite somebody" }
            @if let Some(first) = here.confirm_first("invite somebody") { (first) }
            section.card { (view.render(&form, fields)) }
        },
    )
}

/// The page that shows the invitation link once.
pub(super) fn invited(invitation: &AdminInvitation, link: &str, back: &str, now: Timestamp) -> Markup {
    html! {
        h1 { "The invitation is made" }
        section.card {
            (notice(Shape::Attention, "This link is shown once", html! {
                p { "Copy it now and hand it on where only the right person reads it: whoever opens it first gets the account." }
            }))
            p { (copyable(link, "link")) }
            p.soft {
                @if let Some(email) = &invitation.email { "For " (email) ", " }
                "role " (invitation.grant.role.as_str()) ". It works once, until " (time(invitation.expires_at, now)) "."
            }
            div.actions { (link_button(Weight::Primary, "Done", back)) }
        }
    }
}

const fn may_sentence(role: Role) -> &'static str {
    match role {
        Role::Viewer => "May look at everything, and change nothing.",
        Role::Admin => "May change what is in it.",
        Role::Owner => "May change everything, and say who else may.",
    }
}
