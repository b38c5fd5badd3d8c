//! The invitation of a new user on their page: whether it is under way, sent again, withdrawn.

use base::time::Timestamp;
use maud::{Markup, html};

use super::{
    contact::done,
    new::link_page,
    show::{self, UserPage},
};
use crate::{
    app::{
        Error,
        accounts::{user_credentials, users},
        authorization_server::sign_in::invitations::{self, Invited},
        permissions,
    },
    links::console,
    web::{
        console::kit::{
            context::EnvironmentContext,
            flash::{Action, ResourceKind},
            form::ConsoleForm,
        },
        kit::{
            components::{ButtonStyle, Icon, button, notice, time},
            error::PageResult,
        },
    },
};

/// `POST …/users/{user}/invitation`: sends it, or with `withdraw` takes it back.
pub async fn change(context: EnvironmentContext, form: ConsoleForm) -> PageResult {
    context.require(permissions::Action::UsersManage)?;
    let (state, principal) = (&context.state, &context.principal);
    let user = show::load(&context).await?.user;
    let of = (user.pool_id, user.id);
    if form.has("withdraw") {
        return match user_credentials::withdraw_invitation(state, principal, of).await {
            Ok(()) => Ok(done(&context, user.id, ResourceKind::Invitation, Action::Withdrawn)),
            Err(error) => show::refused(&context, error).await,
        };
    }
    match invitations::send_again(state, principal, of).await {
        Ok(Invited::ByLetter) => Ok(done(&context, user.id, ResourceKind::Invitation, Action::Sent)),
        Ok(Invited::ByLink(link)) => {
            let user = users::find(state, principal, of).await?;
            link_page(&context, &user, &link).await
        }
        Err(error) => show::refused(&context, in_words(error)).await,
    }
}

/// Why nothing was sent, where the error names what this page does not have.
fn in_words(error: Error) -> Error {
    match error {
        Error::Invalid { field, .. } if field == "emails" => Error::FailedPrecondition(
            "they have no e-mail address to which a letter could go; add one first".into(),
        ),
        Error::Conflict { field: "address", .. } => Error::FailedPrecondition(
            "another user has proven their e-mail address, or signs in with it; give this one another".into(),
        ),
        error => error,
    }
}

impl UserPage<'_> {
    /// What is to be known of a new user, and done.
    pub(super) fn new_user_notice(&self) -> Markup {
        let until = self.invited_until;
        let title = if until.is_some() { "They are invited" } else { "This user is new" };
        notice(
            Icon::Attention,
            title,
            html! {
                p { (self.stands(until)) }
                @if self.may_manage {
                    div.actions {
                        (self.send(until.is_some()))
                        @if until.is_some() { (self.withdraw()) }
                    }
                    @if !self.is_delegate { p { a href=(self.at(console::USER_CODES)) { "Make an activation code" } } }
                }
            },
        )
    }

    fn stands(&self, until: Option<Timestamp>) -> Markup {
        html! {
            @match until {
                Some(until) => {
                    "They set their password by the link that they were sent or given. It is good once, and ends "
                    (time(until, self.now)) "."
                }
                None => {
                    "They cannot sign in before the account is activated: by an invitation, with which they set a password"
                    @if self.is_delegate { "." } @else { ", by a one-time code, or by you." }
                }
            }
        }
    }

    fn send(&self, again: bool) -> Markup {
        let label = match (again, self.sends_letters) {
            (false, true) => "Send an invitation",
            (true, true) => "Send it again",
            (false, false) => "Make a link",
            (true, false) => "Make another link",
        };
        html! {
            form.inline method="post" action=(self.at(console::USER_INVITATION)) {
                (self.csrf)
                (button(ButtonStyle::Plain, label))
            }
        }
    }

    fn withdraw(&self) -> Markup {
        html! {
            form.inline method="post" action=(self.at(console::USER_INVITATION)) {
                (self.csrf)
                button.button type="submit" name="withdraw" value="1" { "Withdraw it" }
            }
        }
    }
}
