//! What is kept about the user: downloaded, and erased with the account.

use maud::{Markup, html};

use super::frame::{AccountFrame, Section};
use crate::{
    links::path,
    web::{
        kit::{
            components::{ButtonStyle, Icon, link_button, notice},
            confirm::FIELD,
            forms::{Form, FormErrors, FormValues, FormView},
        },
        sign_in::pages::Told,
    },
};

/// The page about what is kept.
pub fn data(frame: &AccountFrame<'_>) -> Markup {
    frame.page(
        "Your data",
        &FormErrors::none(),
        &[],
        html! {
            section.card {
                h2 { "Download" }
                p { "One file (JSON) with your profile, addresses, the names and times of what you sign in with, where and how you signed in, letters that were sent to you, and what was done to your account. Passwords and other secrets are not in it, nor what your organization keeps hidden from you." }
                @if frame.recent {
                    div.actions { (link_button(ButtonStyle::Plain, "Download", &frame.path(path::WORKSPACE_ACCOUNT_FILE))) }
                } @else {
                    (frame.confirm_first(Section::Data, "download it"))
                }
            }
            section.card {
                h2 { "Erase" }
                p { "Erases this account with all of that, for good." }
                div.actions { (link_button(ButtonStyle::Danger, "Erase this account", &frame.path(path::WORKSPACE_ACCOUNT_ERASE))) }
            }
        },
    )
}

/// The page that asks whether the account is to be erased. `name` is typed to confirm it.
pub fn erase(frame: &AccountFrame<'_>, name: &str, typed: &FormValues, errors: &FormErrors) -> Markup {
    let view = FormView::new(typed, errors);
    let action = frame.path(path::WORKSPACE_ACCOUNT_ERASE);
    let back = frame.path(path::WORKSPACE_ACCOUNT_DATA);
    let label = format!("Type {name} to confirm");
    let form = Form::new(&action, "Erase my account", html! {}).cancel(&back).danger();
    let application = frame.layout.application;
    frame.page(
        "Erase your account?",
        errors,
        &[],
        html! {
            (notice(Icon::Attention, "This cannot be undone", html! {
                ul {
                    li { "You cannot sign in to " (application) " with this account any more, and are signed out everywhere." }
                    li { "Your profile, addresses, password, passkeys and authenticator app are erased." }
                    li { "The log keeps that there was an account and what was done to it, without your name and addresses." }
                    li { "What applications keep about you themselves is theirs to erase: ask them, too." }
                }
            }))
            section.card { (view.render(&form, html! { (view.text(FIELD, &label)) })) }
        },
    )
}

/// The page after the erasure.
pub fn erased<'a>(next: Option<(&'a str, &'a str)>) -> Told<'a> {
    Told {
        title: "Your account is erased",
        happened: "It is gone with what was kept of it, and you are signed out everywhere.",
        remedy: "Applications may keep what you did with them. Ask those who run them about it.",
        reason: None,
        next,
    }
}
