//! The pages that the link of an invitation to an organization opens. Opening it accepts nothing.

use maud::{Markup, html};

use super::{layout::SignInLayout, pages::PASSWORD};
use crate::web::kit::{
    components::{ButtonStyle, Icon, button, link_button, notice},
    forms::{Form, FormErrors, FormValues, FormView},
};

/// The parameter and the field with what stands for the invitation.
pub const TOKEN: &str = "token";
/// The field with a person's name.
pub const NAME: &str = "display_name";

/// An invitation, for whoever has its link.
pub struct InvitationPage<'a> {
    /// The document around it.
    pub layout: SignInLayout<'a>,
    /// The organization's name; never empty.
    pub name: &'a str,
    /// Whether they become an administrator.
    pub administers: bool,
    /// The address that is invited, as it may be shown to them.
    pub email: &'a str,
    /// What stands for the invitation.
    pub token: &'a str,
    /// What they can do.
    pub step: Step<'a>,
}

/// What somebody can do with an invitation.
pub enum Step<'a> {
    /// They are signed in with the address.
    Join {
        /// Where the form is posted.
        action: &'a str,
        /// Where they go who do not want to.
        account: &'a str,
    },
    /// They are signed in with another account.
    Another {
        /// What they know that account by.
        account_name: &'a str,
        /// Where they sign out.
        action: &'a str,
        /// Where their account is.
        account: &'a str,
    },
    /// They are signed in, and have not confirmed the address yet.
    Unconfirmed {
        /// Where they do that.
        addresses: &'a str,
    },
    /// They are not signed in, and somebody has an account with the address.
    SignIn {
        /// Where they sign in.
        href: &'a str,
    },
    /// They are not signed in, and nobody has an account with the address.
    New {
        /// Where the form is posted.
        action: &'a str,
        /// What is asked of the password.
        rules: &'a str,
        /// What was typed.
        values: &'a FormValues,
        /// What is wrong with it.
        errors: &'a FormErrors,
    },
    /// They are not signed in, and the link does not prove the address.
    Prove {
        /// Where they sign in.
        href: &'a str,
        /// Where they ask for the letter.
        action: &'a str,
        /// Whether it was sent just now.
        sent: bool,
    },
}

impl InvitationPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let title = format!("Join {}", self.name);
        let reason = match &self.step {
            Step::New { errors, .. } if !errors.is_empty() => Some("not_done"),
            Step::Another { .. } => Some("email_mismatch"),
            Step::Unconfirmed { .. } => Some("email_not_verified"),
            _ => None,
        };
        let content = html! {
            section.card {
                h1 { (title) }
                p {
                    strong { (self.email) } " is invited to " strong { (self.name) } ", as "
                    @if self.administers { "an administrator" } @else { "a member" } "."
                }
                (self.step())
                p.small.soft { "If you did not expect this, close the page: nothing happens." }
            }
        };
        self.layout.render(&title, reason, content)
    }

    fn hidden(&self) -> Markup {
        html! { input type="hidden" name=(TOKEN) value=(self.token); }
    }

    fn step(&self) -> Markup {
        match &self.step {
            Step::Join { action, account } => html! {
                form method="post" action=(action) {
                    (self.hidden())
                    div.actions {
                        (button(ButtonStyle::Primary, &format!("Join {}", self.name)))
                        a.quiet href=(account) { "Not now" }
                    }
                }
            },
            Step::Another { account_name, action, account } => html! {
                (notice(Icon::Attention, "You are signed in with another account", html! {
                    p { "You are signed in as " strong { (account_name) } ". The invitation is for another address: sign out, and accept it with the account that has that address." }
                }))
                form method="post" action=(action) {
                    (self.hidden())
                    div.actions {
                        (button(ButtonStyle::Primary, "Sign out and go on"))
                        a.quiet href=(account) { "Stay signed in" }
                    }
                }
            },
            Step::Unconfirmed { addresses } => html! {
                (notice(Icon::Attention, "Confirm the address first", html! {
                    p { "It is an address of your account, but you have not confirmed it yet. Do that, then open the invitation again." }
                }))
                div.actions { (link_button(ButtonStyle::Primary, "Go to your addresses", addresses)) }
            },
            Step::SignIn { href } => html! {
                p { "There is an account with this address. Sign in with it, then you can join." }
                div.actions { (link_button(ButtonStyle::Primary, "Sign in to join", href)) }
            },
            Step::New { action, rules, values, errors } => {
                let view = FormView::new(values, errors);
                let label = format!("Join {}", self.name);
                let form = Form::new(action, &label, self.hidden());
                let fields = html! {
                    // Password managers keep the address with the password.
                    input.visually-hidden type="text" name="username" value=(self.email) autocomplete="username" readonly tabindex="-1" aria-hidden="true";
                    (view.text(NAME, "Your name").autocomplete("name").optional())
                    (view.password(PASSWORD, "Password").autocomplete("new-password").hint(rules))
                };
                html! {
                    p { "You get an account with this address. Set a password for it; you can add a passkey afterwards." }
                    (view.render(&form, fields))
                }
            }
            Step::Prove { href, action, sent } => html! {
                @if *sent {
                    div role="status" {
                        (notice(Icon::Good, "Look into your mailbox", html! {
                            p { "A letter is on its way. Open the link in it: it shows that the address is yours." }
                        }))
                    }
                }
                p { "If you have an account with this address, sign in with it." }
                div.actions { (link_button(ButtonStyle::Primary, "Sign in to join", href)) }
                @if !*sent {
                    p { "If you have none, get a letter with the link by which you make one." }
                    form method="post" action=(action) {
                        (self.hidden())
                        div.actions { (button(ButtonStyle::Plain, "Send me the letter")) }
                    }
                }
            },
        }
    }
}
