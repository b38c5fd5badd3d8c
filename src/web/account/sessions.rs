//! Where the user is signed in.

use base::id::UserSessionId;
use maud::{Markup, html};
use model::account::{AuthenticationMethod, UserSession};

use super::frame::{AccountFrame, small_button};
use crate::{
    links::path,
    web::kit::{
        browser_name::browser_name,
        components::{ButtonStyle, Icon, mark, time},
        forms::{FormErrors, button_form},
    },
};

/// The page of the sessions.
pub struct SessionsPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// The active sessions.
    pub sessions: &'a [UserSession],
    /// This one.
    pub own: UserSessionId,
}

impl SessionsPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        self.frame.page(
            "Where you are signed in",
            &FormErrors::none(),
            &[],
            html! {
                section.card {
                    p.soft { "If you do not know one of these, end it, and change your password." }
                    ul.entries { @for session in self.sessions { (self.entry(session)) } }
                    @if self.sessions.len() > 1 {
                        (button_form(&self.frame.path(path::WORKSPACE_ACCOUNT_SESSIONS), "Sign out everywhere else", ButtonStyle::Plain, html! {}))
                    }
                }
            },
        )
    }

    fn entry(&self, session: &UserSession) -> Markup {
        let now = self.frame.now;
        let name = match session.method {
            AuthenticationMethod::Operator => "Made by whoever runs this service".to_owned(),
            _ => browser_name(&session.user_agent),
        };
        let is_this = session.id == self.own;
        let action = self.frame.path_of(path::WORKSPACE_ACCOUNT_SESSION, &session.id);
        html! {
            li.entry {
                div {
                    strong { (name) }
                    @if is_this { " " (mark(Icon::Good, "this browser")) }
                    p.small.soft {
                        "Since " (time(session.created_at, now))
                        @if let Some(address) = session.address { ", from " (address) }
                        ", last seen " (time(session.last_seen_at, now))
                    }
                }
                @if !is_this { (small_button(&action, "End", &name, false, html! {})) }
            }
        }
    }
}
