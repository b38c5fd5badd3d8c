//! The credentials of a user on their page.

use maud::{Markup, html};
use model::account::{CredentialState, CredentialSummary, Passkey};

use super::{labels, show::UserPage};
use crate::{
    links::console,
    web::kit::components::{ButtonStyle, Icon, button, mark, time},
};

impl UserPage<'_> {
    /// What they prove with who they are, without what proves it.
    pub(super) fn credentials(&self) -> Markup {
        let has_password =
            self.credentials.iter().any(|one| matches!(one, CredentialSummary::Password { .. }));
        html! {
            section.card aria-labelledby="credentials" {
                div.head-row {
                    h2 #credentials { "Credentials" }
                    @if self.may_manage {
                        div.actions {
                            a.button.small href=(self.at(console::USER_PASSWORD)) { @if has_password { "New password" } @else { "Set a password" } }
                            @if !self.is_delegate { a.button.small href=(self.at(console::USER_CODES)) { "One-time code" } }
                        }
                    }
                }
                @if self.credentials.is_empty() {
                    p { (mark(Icon::Attention, "None")) " They cannot sign in with anything that is kept here." }
                } @else {
                    ul.entries { @for credential in self.credentials { (self.credential(credential)) } }
                }
            }
        }
    }

    fn credential(&self, credential: &CredentialSummary) -> Markup {
        match credential {
            CredentialSummary::Password { state, changed_at, expires_at } => html! {
                li.entry {
                    div {
                        strong { "Password" } " " (labels::credential_state(*state))
                        p.small.soft {
                            "Set " (time(*changed_at, self.now))
                            @match expires_at {
                                Some(at) if *at <= self.now => { ", " (mark(Icon::Bad, "expired")) " " (time(*at, self.now)) },
                                Some(at) => { ", expires " (time(*at, self.now)) },
                                None => {},
                            }
                        }
                    }
                    @if self.may_manage {
                        @match state {
                            CredentialState::Valid => {
                                (self.action("Ask for another one", "password", "must_be_changed", None,
                                    "They sign in with it once more, and choose another one then.", ("Require a change", false)))
                            },
                            _ => {
                                (self.action("Accept it as it is", "password", "valid", None,
                                    "It is good for sign-ins again, without a change.", ("Accept this password", false)))
                            },
                        }
                    }
                }
            },
            CredentialSummary::Passkey { passkey, credential_id } => self.passkey(passkey, credential_id),
            CredentialSummary::Totp { created_at } => html! {
                li.entry {
                    div {
                        strong { "Authenticator app" }
                        p.small.soft { "Added " (time(*created_at, self.now)) }
                    }
                    @if self.may_manage {
                        (self.action("Remove", "authenticator app", "remove_totp", None,
                            "Codes of the app are no longer asked for and no longer accepted, and they are signed out everywhere.",
                            ("Remove the authenticator app", true)))
                    }
                }
            },
            CredentialSummary::RecoveryCodes { left, created_at } => html! {
                li.entry {
                    div {
                        strong { "Recovery codes" } " "
                        @if *left == 0 { (mark(Icon::Attention, "All used")) } @else { span { (left) " left" } }
                        p.small.soft { "Made " (time(*created_at, self.now)) }
                    }
                    @if self.may_manage {
                        (self.action("Remove", "recovery codes", "remove_recovery_codes", None,
                            "None of them is accepted any more, and they are signed out everywhere.",
                            ("Remove the recovery codes", true)))
                    }
                }
            },
        }
    }

    fn passkey(&self, passkey: &Passkey, credential_id: &str) -> Markup {
        html! {
            li.entry {
                div {
                    strong { "Passkey “" (passkey.display_name) "”" }
                    p.small.soft {
                        "Added " (time(passkey.created_at, self.now)) ", "
                        @match passkey.last_used_at {
                            Some(at) => { "last used " (time(at, self.now)) },
                            None => "never used",
                        }
                    }
                }
                @if self.may_manage {
                    (self.action("Remove", &passkey.display_name, "remove_passkey", Some(credential_id),
                        "Nobody signs in with it any more: for a device that is lost.", ("Remove this passkey", true)))
                }
            }
        }
    }

    /// Something that can be done to a credential: what it does is told before the button. `about` tells it from others.
    fn action(
        &self,
        summary: &str,
        about: &str,
        change: &str,
        credential: Option<&str>,
        effect: &str,
        (label, is_final): (&str, bool),
    ) -> Markup {
        let style = if is_final { ButtonStyle::Danger } else { ButtonStyle::Plain };
        html! {
            details {
                summary { (summary) span.visually-hidden { " (" (about) ")" } }
                p { (effect) }
                form.form method="post" action=(self.at(console::USER_CREDENTIALS)) {
                    (self.csrf)
                    input type="hidden" name="change" value=(change);
                    @if let Some(credential) = credential { input type="hidden" name="credential" value=(credential); }
                    div.actions { (button(style, label)) }
                }
            }
        }
    }
}
