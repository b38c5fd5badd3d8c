//! The account at a glance.

use maud::{Markup, html};
use model::{account::CredentialSummary, user::User};

use super::{addresses::company_sign_in, frame::AccountFrame, organizations};
use crate::{
    app::{
        accounts::self_service::{addresses, organizations::OwnOrganization, overview::Overview},
        delegates::Administered,
        invitations::PendingInvitation,
    },
    links::{console, expand, path},
    web::kit::{
        components::{ButtonStyle, Icon, link_button, mark, time},
        forms::button_form,
    },
};

/// The first page of an account.
pub struct OverviewPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// The user.
    pub user: &'a User,
    /// The account.
    pub overview: &'a Overview,
    /// The organizations that they administer.
    pub administered: &'a [Administered],
    /// The organizations that they belong to, but for the one whose account it is.
    pub organizations: &'a [OwnOrganization],
    /// The invitations that they can accept.
    pub invitations: &'a [PendingInvitation],
    /// Whether people sign in by password here.
    pub passwords: bool,
    /// Whether passkeys are offered.
    pub passkeys: bool,
    /// Whether authenticator apps are offered.
    pub apps: bool,
}

impl OverviewPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let frame = self.frame;
        let own = &self.overview.credentials;
        let has = |wanted: fn(&CredentialSummary) -> bool| own.iter().any(wanted);
        let has_passkey = has(|one| matches!(one, CredentialSummary::Passkey { .. }));
        frame.home(
            "Your account",
            html! {
                (self.card("Profile", path::WORKSPACE_ACCOUNT_PROFILE, "Change", "your profile", self.profile()))
                (self.card("Addresses", path::WORKSPACE_ACCOUNT_ADDRESSES, "Change", "your addresses", self.addresses()))
                @if self.passwords || self.overview.has_password() {
                    (self.card("Password", path::WORKSPACE_ACCOUNT_PASSWORD, "Change", "your password", self.password()))
                }
                @if self.passkeys || has_passkey {
                    (self.card("Passkeys", path::WORKSPACE_ACCOUNT_PASSKEYS, "Change", "your passkeys", self.passkeys()))
                }
                @if self.apps || self.overview.has_app() {
                    (self.card("Second factor", path::WORKSPACE_ACCOUNT_SECOND_FACTOR, "Change", "your second factor", self.second_factor()))
                }
                (self.card("Where you are signed in", path::WORKSPACE_ACCOUNT_SESSIONS, "Look", "where you are signed in", html! {
                    p { @match self.overview.sessions { 1 => "In this browser only.", many => { "In " (many) " browsers and programs." } } }
                }))
                @if !frame.layout.organization.is_empty() {
                    section.card {
                        h2 { "Organization" }
                        p { "This account is one of " strong { (frame.layout.organization) } "." }
                    }
                }
                (self.organizations())
                @if !self.administered.is_empty() {
                    section.card aria-labelledby="administered" {
                        h2 #administered { "What you administer" }
                        ul.rows {
                            @for organization in self.administered {
                                li {
                                    span { strong { (organization.name) } }
                                    (link_button(ButtonStyle::Plain, &format!("Administer {}", organization.name), &expand(console::DELEGATED, &[&frame.tenant, &organization.segment])))
                                }
                            }
                        }
                    }
                }
                (self.card("Your data", path::WORKSPACE_ACCOUNT_DATA, "Open", "your data", html! {
                    p.soft { "Download what is kept about you, or erase this account." }
                }))
                div.actions {
                    (button_form(&frame.path(path::WORKSPACE_ACCOUNT_SIGN_OUT), "Sign out", ButtonStyle::Plain, html! {}))
                }
            },
        )
    }

    /// Where somebody belongs to organizations, or is invited to some.
    fn organizations(&self) -> Markup {
        let (own, invited) = (self.organizations, self.invitations);
        html! {
            @if !own.is_empty() || !invited.is_empty() {
                (self.card("Organizations", path::WORKSPACE_ACCOUNT_ORGANIZATIONS, "Open", "your organizations", html! {
                    @if !invited.is_empty() { (organizations::invited(self.frame, invited)) }
                    @if !own.is_empty() {
                        ul.rows {
                            @for one in own {
                                li {
                                    span { strong { (one.name) } }
                                    span.soft { (organizations::role(one.membership.tier)) }
                                    @if !one.membership.is_active() { (mark(Icon::Attention, "suspended")) }
                                }
                            }
                        }
                    }
                }))
            }
        }
    }

    fn card(&self, title: &str, pattern: &str, label: &str, about: &str, content: Markup) -> Markup {
        html! {
            section.card {
                div.head-row {
                    h2 { (title) }
                    a href=(self.frame.path(pattern)) { (label) span.visually-hidden { " " (about) } }
                }
                (content)
            }
        }
    }

    fn profile(&self) -> Markup {
        let name = self.user.display_name();
        html! { p { @if name.is_empty() { span.soft { "You have not said your name." } } @else { (name) } } }
    }

    fn addresses(&self) -> Markup {
        let all = addresses::join(&self.overview.addresses, &self.overview.identifiers);
        html! {
            @if all.is_empty() && self.overview.companies.is_empty() { p.soft { "None yet." } }
            @else {
                ul.rows {
                    @for address in &all {
                        li {
                            span { (address.text) }
                            @if address.is_verified { (mark(Icon::Good, "confirmed")) }
                            @else if address.is_address { (mark(Icon::Attention, "not confirmed")) }
                        }
                    }
                    @for company in &self.overview.companies { li { span { (company_sign_in(company)) } } }
                }
            }
        }
    }

    fn password(&self) -> Markup {
        let found = self.overview.credentials.iter().find_map(|one| match one {
            CredentialSummary::Password { changed_at, .. } => Some(*changed_at),
            _ => None,
        });
        html! {
            p {
                @match found {
                    Some(at) => { "Set " (time(at, self.frame.now)) "." }
                    None => span.soft { "You have none." }
                }
            }
        }
    }

    fn passkeys(&self) -> Markup {
        let own: Vec<_> = self
            .overview
            .credentials
            .iter()
            .filter_map(|one| match one {
                CredentialSummary::Passkey { passkey, .. } => Some(passkey),
                _ => None,
            })
            .collect();
        html! {
            @if own.is_empty() { p.soft { "None yet. With one you sign in by fingerprint, face or device PIN." } }
            @else { ul.rows { @for passkey in own { li { (passkey.display_name) } } } }
        }
    }

    fn second_factor(&self) -> Markup {
        let left = self.overview.credentials.iter().find_map(|one| match one {
            CredentialSummary::RecoveryCodes { left, .. } => Some(*left),
            _ => None,
        });
        html! {
            @if self.overview.has_app() {
                p { "An authenticator app, and " (left.unwrap_or_default()) " recovery codes that are not used." }
            } @else {
                p.soft { "None. An authenticator app protects your account also where somebody learns your password." }
            }
        }
    }
}
