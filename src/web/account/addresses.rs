//! The addresses, and which of them the user signs in with.

use maud::{Markup, html};

use super::frame::{AccountFrame, Section, errors_of, small_button, wrong};
use crate::{
    app::accounts::self_service::addresses::{OwnAddress, OwnAddresses},
    links::path,
    web::kit::{
        components::{ButtonStyle, Icon, button, mark},
        forms::{Form, FormErrors, FormValues, FormView},
    },
};

/// The field with an address.
pub const ADDRESS: &str = "address";
/// The field with a code.
pub const CODE: &str = "code";

/// The addresses of an account.
pub struct AddressesPage<'a> {
    /// What stands around it.
    pub frame: &'a AccountFrame<'a>,
    /// The addresses.
    pub addresses: &'a OwnAddresses,
    /// What was typed.
    pub typed: &'a FormValues,
    /// What is wrong with it.
    pub errors: &'a FormErrors,
}

impl AddressesPage<'_> {
    /// The page.
    pub fn view(&self) -> Markup {
        let own = if self.frame.recent && self.addresses.can_send { &[ADDRESS][..] } else { &[] };
        self.frame.page(
            "Addresses",
            self.errors,
            &[],
            html! {
                (wrong(self.errors, own))
                section.card {
                    @if self.addresses.all.is_empty() && self.addresses.companies.is_empty() { p.soft { "None yet." } }
                    @else {
                        ul.entries {
                            @for (at, address) in self.addresses.all.iter().enumerate() { (self.entry(at, address)) }
                            @for company in &self.addresses.companies {
                                li.entry { div { strong { (company_sign_in(company)) } p.small { span.soft { "you sign in with it" } } } }
                            }
                        }
                    }
                    @if !self.frame.recent { (self.frame.confirm_first(Section::Addresses, "add or remove one, or to sign in with another one")) }
                }
                @if self.frame.recent { (self.add()) }
            },
        )
    }

    fn add(&self) -> Markup {
        let errors = errors_of(self.errors, &[ADDRESS]);
        let view = FormView::new(self.typed, &errors);
        let action = self.frame.path(path::WORKSPACE_ACCOUNT_ADDRESSES);
        let field = view.email(ADDRESS, "E-mail address").autocomplete("email").hint(
            "A letter with a code goes there. The addresses that you have confirmed before are told of it.",
        );
        html! {
            section.card {
                h2 { "Add an address" }
                @if self.addresses.can_send {
                    (view.render(&Form::new(&action, "Add the address", html! {}), html! { (field) }))
                } @else {
                    p.soft { "No letters are sent here, so no address can be confirmed. Ask whoever manages the accounts of your organization to change it." }
                }
            }
        }
    }

    fn entry(&self, at: usize, address: &OwnAddress) -> Markup {
        let hidden = html! { input type="hidden" name=(ADDRESS) value=(address.text); };
        let act = |pattern: &str, label: &str, danger: bool| {
            small_button(&self.frame.path(pattern), label, &address.text, danger, hidden.clone())
        };
        let stays = address.is_identifier && self.addresses.has_one_identifier;
        let is_open = address.is_address && address.is_email && !address.is_verified;
        let id = format!("{CODE}-{at}");
        html! {
            li.entry {
                div {
                    strong { (address.text) }
                    p.small {
                        @if address.is_verified { (mark(Icon::Good, "confirmed")) " " }
                        @else if address.is_address { (mark(Icon::Attention, "not confirmed")) " " }
                        @if stays { span.soft { "you sign in with it, and with nothing else: it stays" } }
                        @else if address.is_identifier { span.soft { "you sign in with it" } }
                    }
                }
                @if is_open && self.addresses.can_send {
                    form.form method="post" action=(self.frame.path(path::WORKSPACE_ACCOUNT_VERIFY)) {
                        (hidden)
                        div.field {
                            label for=(id) { "Code from the letter" span.visually-hidden { " to " (address.text) } }
                            input #(id) name=(CODE) type="text" inputmode="numeric" autocomplete="one-time-code" required;
                        }
                        div.actions { (button(ButtonStyle::Plain, "Confirm the address")) }
                    }
                }
                div.actions {
                    @if is_open && self.addresses.can_send { (act(path::WORKSPACE_ACCOUNT_SEND, "Send the code again", false)) }
                    @if self.frame.recent && address.is_email {
                        @if !address.is_address && self.addresses.can_send { (act(path::WORKSPACE_ACCOUNT_ADDRESSES, "Confirm by letter", false)) }
                        @if address.is_verified && !address.is_identifier { (act(path::WORKSPACE_ACCOUNT_IDENTIFIER, "Sign in with it", false)) }
                        @if !stays { (act(path::WORKSPACE_ACCOUNT_REMOVE, "Remove", true)) }
                    }
                }
            }
        }
    }
}

/// What the sign-in through an identity provider of the user's company is called.
pub(super) fn company_sign_in(name: &str) -> String {
    match name {
        "" => "Company sign-in".to_owned(),
        name => format!("Company sign-in ({name})"),
    }
}
