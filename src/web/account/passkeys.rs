//! The passkeys.

use maud::{Markup, html};
use model::account::Passkey;
use serde_json::Value;

use super::frame::{AccountFrame, Section, wrong};
use crate::{
    links::path,
    web::kit::{assets, components::time, forms::FormErrors},
};

/// The field with what the browser has made.
pub const ANSWER: &str = "answer";
/// The field with the name of a passkey.
pub const NAME: &str = "passkeyName";
/// The field that says that a passkey is removed.
pub const REMOVE: &str = "remove";

/// The page of the passkeys.
pub struct PasskeysPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// The passkeys.
    pub passkeys: &'a [Passkey],
    /// Whether they can be used here at all.
    pub offered: bool,
    /// What the browser asks the authenticator for another one.
    pub options: Option<&'a Value>,
    /// What is wrong with what was sent.
    pub errors: &'a FormErrors,
}

impl PasskeysPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let frame = self.frame;
        frame.page(
            "Passkeys",
            self.errors,
            &[&assets::PASSKEYS],
            html! {
                (wrong(self.errors, &[]))
                section.card {
                    @if self.passkeys.is_empty() {
                        p.soft { "None yet. A passkey signs you in with your fingerprint, face, device PIN or a security key. Nobody can get it out of you by a false page." }
                    } @else {
                        ul.entries { @for passkey in self.passkeys { (self.entry(passkey)) } }
                    }
                    @if !frame.recent { (frame.confirm_first(Section::Passkeys, "add or remove one")) }
                }
                @if !self.offered {
                    section.card { p.soft { "Passkeys are not used at this address." } }
                } @else if let Some(options) = self.options {
                    section.card {
                        h2 { "Add a passkey" }
                        form.form method="post" action=(frame.path(path::WORKSPACE_ACCOUNT_PASSKEYS)) hidden data-passkey="create" data-options=(options) {
                            input type="hidden" name=(ANSWER);
                            div.field {
                                label for="newPasskeyName" { "Name" span.soft { " (optional)" } }
                                input #newPasskeyName name=(NAME) type="text" maxlength="100" autocomplete="off" aria-describedby="newPasskeyName-hint";
                                p.hint #newPasskeyName-hint { "To tell it from others: “work laptop”." }
                            }
                            p.error role="status" data-passkey-said hidden {}
                            div.actions { button.button.primary type="button" hidden data-passkey-button { "Add a passkey" } }
                        }
                        noscript { p { "Adding a passkey needs JavaScript." } }
                    }
                } @else if frame.recent {
                    section.card { p.soft { "You have as many passkeys as one can have. Remove one first." } }
                }
            },
        )
    }

    fn entry(&self, passkey: &Passkey) -> Markup {
        let now = self.frame.now;
        let id = passkey.id.to_string();
        let action = self.frame.path_of(path::WORKSPACE_ACCOUNT_PASSKEY, &passkey.id);
        html! {
            li.entry {
                div {
                    strong { (passkey.display_name) }
                    p.small.soft {
                        "Added " (time(passkey.created_at, now)) ", "
                        @match passkey.last_used_at {
                            Some(at) => { "last used " (time(at, now)) },
                            None => "never used",
                        }
                    }
                }
                details {
                    summary { @if self.frame.recent { "Rename or remove" } @else { "Rename" } span.visually-hidden { " " (passkey.display_name) } }
                    form.form method="post" action=(action) {
                        div.field {
                            label for=(id) { "Name" }
                            input #(id) name=(NAME) type="text" value=(passkey.display_name) maxlength="100" required autocomplete="off";
                        }
                        div.actions {
                            button.button type="submit" { "Save name" }
                            @if self.frame.recent {
                                button.button.danger type="submit" name=(REMOVE) value="1" formnovalidate { "Remove this passkey" }
                            }
                        }
                    }
                }
            }
        }
    }
}
