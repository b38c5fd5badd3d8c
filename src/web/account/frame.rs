//! What stands around every page of an account: the document, the way back, and what was done.

use base::time::Timestamp;
use maud::{Markup, html};

use crate::{
    links::{expand, path},
    web::{
        kit::{
            assets::Asset,
            components::{ButtonStyle, Icon, link_button, notice, shape},
            forms::{FormErrors, sentence, told},
        },
        sign_in::layout::SignInLayout,
    },
};

/// A page of the account that somebody comes to after they signed in, or proved once more who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// All of it.
    Account,
    /// The profile.
    Profile,
    /// Addresses.
    Addresses,
    /// The password.
    Password,
    /// Passkeys.
    Passkeys,
    /// Authenticator app and recovery codes.
    SecondFactor,
    /// Setting up an app.
    App,
    /// Where the user is signed in.
    Sessions,
    /// What is kept about the user.
    Data,
    /// The erasure.
    Erase,
    /// The organizations that the user belongs to.
    Organizations,
    /// The invitation of a guest, which the browser brought.
    GuestInvitation,
    /// An invitation to an organization, which the browser brought.
    Invitation,
}

impl Section {
    const ALL: [Self; 13] = [
        Self::Account,
        Self::Profile,
        Self::Addresses,
        Self::Password,
        Self::Passkeys,
        Self::SecondFactor,
        Self::App,
        Self::Sessions,
        Self::Data,
        Self::Erase,
        Self::Organizations,
        Self::GuestInvitation,
        Self::Invitation,
    ];

    /// Its name in the form that asks for the proof.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Profile => "profile",
            Self::Addresses => "addresses",
            Self::Password => "password",
            Self::Passkeys => "passkeys",
            Self::SecondFactor => "second-factor",
            Self::App => "app",
            Self::Sessions => "sessions",
            Self::Data => "data",
            Self::Erase => "erase",
            Self::Organizations => "organizations",
            Self::GuestInvitation => "guest-invitation",
            Self::Invitation => "invitation",
        }
    }

    /// The section with this name; the whole account for any other text.
    pub fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|section| section.name() == name).unwrap_or(Self::Account)
    }

    /// The section of a route below the account: that of its page, or where its forms are.
    pub fn of_route(pattern: &str) -> Self {
        let holds = |section: &Self| {
            let rest = pattern.strip_prefix(section.pattern());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let longest = |section: &Self| section.pattern().len();
        Self::ALL.into_iter().filter(holds).max_by_key(longest).unwrap_or(Self::Account)
    }

    /// The pattern of its path.
    pub const fn pattern(self) -> &'static str {
        match self {
            Self::Account => path::WORKSPACE_ACCOUNT,
            Self::Profile => path::WORKSPACE_ACCOUNT_PROFILE,
            Self::Addresses => path::WORKSPACE_ACCOUNT_ADDRESSES,
            Self::Password => path::WORKSPACE_ACCOUNT_PASSWORD,
            Self::Passkeys => path::WORKSPACE_ACCOUNT_PASSKEYS,
            Self::SecondFactor => path::WORKSPACE_ACCOUNT_SECOND_FACTOR,
            Self::App => path::WORKSPACE_ACCOUNT_APP,
            Self::Sessions => path::WORKSPACE_ACCOUNT_SESSIONS,
            Self::Data => path::WORKSPACE_ACCOUNT_DATA,
            Self::Erase => path::WORKSPACE_ACCOUNT_ERASE,
            Self::Organizations => path::WORKSPACE_ACCOUNT_ORGANIZATIONS,
            Self::GuestInvitation => path::WORKSPACE_ACCOUNT_GUEST_INVITATION,
            Self::Invitation => path::WORKSPACE_INVITATION,
        }
    }
}

/// What was done before the page that says so. A cookie holds its code, never text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The profile was changed.
    Profile,
    /// An address was added, or its code sent again.
    CodeSent,
    /// An address was proven.
    Verified,
    /// An address became what the user signs in with.
    Identifier,
    /// An address was removed.
    AddressRemoved,
    /// The password was set.
    Password,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was renamed.
    PasskeyRenamed,
    /// A passkey was removed.
    PasskeyRemoved,
    /// The authenticator app was removed.
    AppRemoved,
    /// A session was ended.
    SessionEnded,
    /// All others were ended.
    OthersEnded,
    /// The user proved once more who they are.
    Confirmed,
    /// The user became a member of an organization.
    Joined,
    /// The user left an organization.
    Left,
    /// The user handed an organization over.
    Transferred,
}

impl Done {
    const ALL: [Self; 16] = [
        Self::Profile,
        Self::CodeSent,
        Self::Verified,
        Self::Identifier,
        Self::AddressRemoved,
        Self::Password,
        Self::PasskeyAdded,
        Self::PasskeyRenamed,
        Self::PasskeyRemoved,
        Self::AppRemoved,
        Self::SessionEnded,
        Self::OthersEnded,
        Self::Confirmed,
        Self::Joined,
        Self::Left,
        Self::Transferred,
    ];

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::CodeSent => "code-sent",
            Self::Verified => "verified",
            Self::Identifier => "identifier",
            Self::AddressRemoved => "address-removed",
            Self::Password => "password",
            Self::PasskeyAdded => "passkey-added",
            Self::PasskeyRenamed => "passkey-renamed",
            Self::PasskeyRemoved => "passkey-removed",
            Self::AppRemoved => "app-removed",
            Self::SessionEnded => "session-ended",
            Self::OthersEnded => "others-ended",
            Self::Confirmed => "confirmed",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Transferred => "transferred",
        }
    }

    /// What has this code.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.code() == code)
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Profile => "Your profile is saved.",
            Self::CodeSent => "A letter with a code is on its way to the address. Enter the code below.",
            Self::Verified => "The address is confirmed.",
            Self::Identifier => "You can sign in with this address, too.",
            Self::AddressRemoved => "The address is removed.",
            Self::Password => "Your password is saved. You are signed out everywhere else.",
            Self::PasskeyAdded => "The passkey is added.",
            Self::PasskeyRenamed => "The name is saved.",
            Self::PasskeyRemoved => "The passkey is removed.",
            Self::AppRemoved => "The authenticator app is removed. You are signed out everywhere else.",
            Self::SessionEnded => "You are signed out there.",
            Self::OthersEnded => "You are signed out everywhere else.",
            Self::Joined => "You have joined the organization.",
            Self::Left => "You have left the organization.",
            Self::Transferred => "The organization has another owner now.",
            Self::Confirmed => "Thank you. For ten minutes you can change how you sign in.",
        }
    }
}

/// Where an account is, and what is said around its pages.
pub struct AccountFrame<'a> {
    /// The document.
    pub layout: SignInLayout<'a>,
    /// The environment, as it stands in paths.
    pub tenant: &'a str,
    /// The organization, as it stands in paths.
    pub workspace: &'a str,
    /// What was just done.
    pub done: Option<Done>,
    /// Whether the user has authenticated recently.
    pub recent: bool,
    /// The current time.
    pub now: Timestamp,
}

impl AccountFrame<'_> {
    /// The path of a page of this account.
    pub fn path(&self, pattern: &str) -> String {
        expand(pattern, &[&self.tenant, &self.workspace])
    }

    /// The path of a page of this account about one thing.
    pub fn path_of(&self, pattern: &str, id: &dyn std::fmt::Display) -> String {
        expand(pattern, &[&self.tenant, &self.workspace, id])
    }

    /// Where the user proves once more who they are, to come back to this section.
    pub fn confirm(&self, section: Section) -> String {
        format!("{}?next={}", self.path(path::WORKSPACE_ACCOUNT_CONFIRM), section.name())
    }

    /// The first page.
    pub(super) fn home(&self, title: &str, content: Markup) -> Markup {
        let content = html! { h1 { (title) } (self.said()) (content) };
        self.layout.document(title, None, &[], content)
    }

    /// A page behind it.
    pub(super) fn page(
        &self,
        title: &str,
        errors: &FormErrors,
        scripts: &[&Asset],
        content: Markup,
    ) -> Markup {
        let reason = (!errors.is_empty()).then_some("not_done");
        let content = html! {
            nav.crumbs aria-label="Breadcrumb" {
                ol {
                    li { a href=(self.path(path::WORKSPACE_ACCOUNT)) { "Your account" } }
                    li aria-current="page" { (title) }
                }
            }
            h1 { (title) }
            (self.said())
            (content)
        };
        self.layout.document(title, reason, scripts, content)
    }

    fn said(&self) -> Markup {
        html! {
            @if let Some(done) = self.done {
                p.flash role="status" { (shape(Icon::Good)) span { (done.text()) } }
            }
        }
    }

    /// Says that a change takes a recent proof, and leads to it.
    pub(super) fn confirm_first(&self, section: Section, to: &str) -> Markup {
        html! {
            p { "To " (to) ", confirm first that it is you." }
            div.actions { (link_button(ButtonStyle::Plain, "Confirm that it is you", &self.confirm(section))) }
        }
    }
}

/// What went wrong, where it is not told at a field: above all forms.
pub(super) fn wrong(errors: &FormErrors, own: &[&str]) -> Markup {
    let others = errors.all().filter(|(field, _)| !own.contains(field));
    let others: Vec<String> = others
        .map(|(field, reason)| if field.is_empty() { sentence(reason) } else { told(field, reason) })
        .collect();
    html! {
        @if !others.is_empty() {
            div role="alert" {
                (notice(Icon::Bad, "That did not work", html! { @for reason in &others { p { (reason) } } }))
            }
        }
    }
}

/// The errors of these fields: each form shows its own.
pub(super) fn errors_of(errors: &FormErrors, fields: &[&str]) -> FormErrors {
    fields.iter().fold(FormErrors::none(), |own, field| match errors.of(field) {
        Some(reason) => own.and(field, reason),
        None => own,
    })
}

/// A form that is a small button, named after what it is about.
pub(super) fn small_button(action: &str, label: &str, about: &str, danger: bool, fields: Markup) -> Markup {
    html! {
        form.inline method="post" action=(action) {
            (fields)
            button type="submit" class={ "button small" @if danger { " danger" } } {
                (label) span.visually-hidden { " (" (about) ")" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for section in Section::ALL {
            assert_eq!(Section::of(section.name()), section);
        }
        for other in ["", "/", "//evil.example", "https://evil.example", "Data"] {
            assert_eq!(Section::of(other), Section::Account, "{other}");
        }
        for section in Section::ALL {
            assert_eq!(Section::of_route(section.pattern()), section);
        }
        for (route, section) in [
            (path::WORKSPACE_ACCOUNT_SESSION, Section::Sessions),
            (path::WORKSPACE_ACCOUNT_FILE, Section::Data),
            (path::WORKSPACE_ACCOUNT_PASSKEY, Section::Passkeys),
            (path::WORKSPACE_ACCOUNT_CONFIRM, Section::Account),
            (path::WORKSPACE_SIGN_IN, Section::Account),
            (path::WORKSPACE_ACCOUNT_LEAVE, Section::Organizations),
            (path::WORKSPACE_ACCOUNT_INVITATION, Section::Account),
        ] {
            assert_eq!(Section::of_route(route), section, "{route}");
        }
        for done in Done::ALL {
            assert_eq!(Done::of(done.code()), Some(done));
        }
        assert_eq!(Done::of("<b>"), None);
    }
}
