//! The organizations that the user belongs to, and those to which they are invited.

use maud::{Markup, html};
use model::membership::Tier;

use super::frame::{AccountFrame, Section, small_button, wrong};
use crate::{
    app::{accounts::self_service::organizations::OwnOrganization, invitations::PendingInvitation},
    links::{console, expand, path},
    web::kit::{
        components::{ButtonStyle, Icon, button, link_button, mark, notice, time},
        forms::{Form, FormErrors, FormValues, FormView},
    },
};

/// The field with the address of the next owner.
pub const ADDRESS: &str = "address";

/// The page of the organizations.
pub struct OrganizationsPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// The organizations.
    pub organizations: &'a [OwnOrganization],
    /// The invitations that they can accept.
    pub invitations: &'a [PendingInvitation],
    /// What went wrong.
    pub errors: &'a FormErrors,
}

/// What somebody is in an organization, in a word.
pub(super) const fn role(tier: Tier) -> &'static str {
    match tier {
        Tier::Owner => "Owner",
        Tier::Admin => "Administrator",
        Tier::Member => "Member",
    }
}

/// The list of organizations to which somebody is invited.
pub(super) fn invited(frame: &AccountFrame<'_>, invitations: &[PendingInvitation]) -> Markup {
    html! {
        ul.entries {
            @for pending in invitations {
                @let name = if pending.organization.is_empty() { "an organization" } else { pending.organization.as_str() };
                li.entry {
                    div {
                        strong { (name) }
                        p.small.soft {
                            "As " @if pending.invitation.role.administers() { "an administrator" } @else { "a member" }
                            ", for " (pending.invitation.email) ", until " (time(pending.invitation.expires_at, frame.now))
                        }
                    }
                    (small_button(&frame.path_of(path::WORKSPACE_ACCOUNT_INVITATION, &pending.invitation.id), "Join", name, false, html! {}))
                }
            }
        }
    }
}

impl OrganizationsPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        self.frame.page(
            "Your organizations",
            self.errors,
            &[],
            html! {
                (wrong(self.errors, &[]))
                @if !self.invitations.is_empty() {
                    section.card aria-labelledby="invitations" {
                        h2 #invitations { "Invitations" }
                        (invited(self.frame, self.invitations))
                    }
                }
                section.card aria-labelledby="organizations" {
                    h2 #organizations { "Where you are a member" }
                    @if self.organizations.is_empty() {
                        p.soft { "You are a member of no organization yet. Whoever administers one invites you by a letter." }
                    }
                    ul.entries { @for own in self.organizations { (self.entry(own)) } }
                }
            },
        )
    }

    fn entry(&self, own: &OwnOrganization) -> Markup {
        let frame = self.frame;
        let leave = frame.path_of(path::WORKSPACE_ACCOUNT_LEAVE, &own.id);
        let transfer = frame.path_of(path::WORKSPACE_ACCOUNT_TRANSFER, &own.id);
        html! {
            li.entry {
                div {
                    strong { (own.name) }
                    @if own.disabled { " " (mark(Icon::Attention, "switched off")) }
                    @if !own.membership.is_active() { " " (mark(Icon::Attention, "suspended")) }
                    p.small.soft { (role(own.membership.tier)) ", since " (time(own.membership.joined_at, frame.now)) }
                }
                div.actions {
                    @if own.administers() {
                        a.button.small href=(expand(console::DELEGATED, &[&frame.tenant, &own.segment])) {
                            "Administer" span.visually-hidden { " " (own.name) }
                        }
                    }
                    @if own.is_owner() {
                        a.button.small href=(transfer) { "Hand over" span.visually-hidden { " " (own.name) } }
                    } @else {
                        a.button.small href=(leave) { "Leave" span.visually-hidden { " " (own.name) } }
                    }
                }
            }
        }
    }
}

/// The page that asks whether the user wants to leave.
pub fn leave(frame: &AccountFrame<'_>, own: &OwnOrganization, errors: &FormErrors) -> Markup {
    let title = format!("Leave {}", own.name);
    let back = frame.path(path::WORKSPACE_ACCOUNT_ORGANIZATIONS);
    let action = frame.path_of(path::WORKSPACE_ACCOUNT_LEAVE, &own.id);
    frame.page(
        &title,
        errors,
        &[],
        html! {
            (wrong(errors, &[]))
            section.card {
                @if own.is_owner() {
                    (notice(Icon::Attention, "This organization is yours", html! {
                        p { "Hand it over to another member first; then you can leave." }
                    }))
                    div.actions {
                        (link_button(ButtonStyle::Primary, "Hand it over", &frame.path_of(path::WORKSPACE_ACCOUNT_TRANSFER, &own.id)))
                        a.quiet href=(back) { "Back" }
                    }
                } @else {
                    p { "You lose what you may do at " strong { (own.name) } ", and are signed out there at once. Only an invitation brings you back." }
                    form method="post" action=(action) {
                        div.actions { (button(ButtonStyle::Danger, &title)) a.quiet href=(back) { "Stay" } }
                    }
                }
            }
        },
    )
}

/// The page on which an owner hands an organization over.
pub fn transfer(
    frame: &AccountFrame<'_>,
    own: &OwnOrganization,
    values: &FormValues,
    errors: &FormErrors,
) -> Markup {
    let title = format!("Hand {} over", own.name);
    let back = frame.path(path::WORKSPACE_ACCOUNT_ORGANIZATIONS);
    let action = frame.path_of(path::WORKSPACE_ACCOUNT_TRANSFER, &own.id);
    let own_fields: &[&str] = &[ADDRESS];
    let view = FormView::new(values, errors);
    let form = Form::new(&action, "Hand it over", html! {}).cancel(&back);
    let field = view
        .email(ADDRESS, "E-mail address of the next owner")
        .autocomplete("off")
        .hint("Somebody who is a member of the organization already.");
    frame.page(
        &title,
        errors,
        &[],
        html! {
            (wrong(errors, own_fields))
            section.card {
                @if !own.is_owner() {
                    p { "Only the owner of " strong { (own.name) } " can hand it over." }
                    div.actions { a.quiet href=(back) { "Back" } }
                } @else if !frame.recent {
                    (frame.confirm_first(Section::Organizations, "hand the organization over"))
                } @else {
                    p { "Whoever gets it can do everything with it, also delete it. You become an administrator, and cannot take it back yourself." }
                    (view.render(&form, html! { (field) }))
                }
            }
        },
    )
}
