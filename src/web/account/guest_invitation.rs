//! An invitation to an organization, for whoever is signed in.

use maud::{Markup, html};

use super::{
    confirm::{AGAIN, NEXT},
    frame::{AccountFrame, Section},
};
use crate::{
    app::guests::Offer,
    links::path,
    web::kit::{
        components::{ButtonStyle, Icon, button, notice, time},
        forms::{FormErrors, button_form},
    },
};

/// The page of an invitation.
pub struct InvitationPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// What is offered.
    pub offer: &'a Offer,
    /// The name of whoever is signed in; may be empty.
    pub name: &'a str,
}

impl InvitationPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let content = match self.offer {
            Offer::Theirs { organization, expires_at } => {
                let organization = Some(organization.trim()).filter(|name| !name.is_empty());
                html! {
                    section.card {
                        p {
                            @match organization {
                                Some(name) => { strong { (name) } " invites you." }
                                None => "An organization invites you.",
                            }
                            " You keep this account and sign in as you do now; those who manage the organization give you what you need there, and can take it away again."
                        }
                        p.soft { "The invitation ends " (time(*expires_at, self.frame.now)) "." }
                        div.actions {
                            (button_form(&self.frame.path(path::WORKSPACE_ACCOUNT_GUEST_INVITATION), "Accept the invitation", ButtonStyle::Primary, html! {}))
                            a.quiet href=(self.frame.path(path::WORKSPACE_ACCOUNT)) { "Not now" }
                        }
                    }
                }
            }
            Offer::SomebodyElses => html! {
                (notice(Icon::Attention, "This invitation is for another account", html! {
                    p {
                        @if self.name.is_empty() { "You are signed in with an account that was not invited." }
                        @else { "You are signed in as " strong { (self.name) } ", who was not invited." }
                    }
                    p { "Sign in with the account to whose address the invitation was sent." }
                }))
                form.form method="post" action=(self.frame.path(path::WORKSPACE_ACCOUNT_SIGN_OUT)) {
                    input type="hidden" name=(AGAIN) value="yes";
                    input type="hidden" name=(NEXT) value=(Section::GuestInvitation.name());
                    div.actions {
                        (button(ButtonStyle::Primary, "Sign in as somebody else"))
                        a.quiet href=(self.frame.path(path::WORKSPACE_ACCOUNT)) { "Back to your account" }
                    }
                }
            },
            Offer::Closed => html! {
                (notice(Icon::Attention, "There is no such invitation any more", html! {
                    p { "It was accepted already, it was taken back, or it is older than three days." }
                    p { "Ask whoever invited you for another one." }
                }))
                div.actions { a.quiet href=(self.frame.path(path::WORKSPACE_ACCOUNT)) { "Back to your account" } }
            },
        };
        self.frame.page("Invitation", &FormErrors::none(), &[], content)
    }
}
