//! What the page of a login says where somebody signed in with an account.

use maud::{Markup, html};

use super::{
    list::person,
    page::{FlowPage, failed_check, initiated_by, name, proven_by},
};
use crate::{
    app::support::flows::FlowView,
    links::{self, console},
    web::kit::components::{Icon, copyable, facts, notice, time},
};

/// Who, where, for which application, and how.
pub(super) fn summary(page: &FlowPage, described: &FlowView) -> Markup {
    let flow = &described.found.flow;
    let gone = || html! { span.soft { "Deleted since" } };
    let organization = match &described.organization {
        Some(organization) => {
            let href = links::expand(console::ORGANIZATION, &[&page.environment, &organization.id]);
            html! { a href=(href) { (name(&organization.display_name)) } }
        }
        None => gone(),
    };
    let user = match (&described.user, flow.user_id) {
        (Some(user), _) => {
            let href = links::expand(console::USER, &[&page.environment, &user.id]);
            let shown = user.display_name();
            html! { a href=(href) { @if shown.is_empty() { (user.id) } @else { (shown) } } }
        }
        (None, Some(_)) => gone(),
        (None, None) => html! { "None that is known here" },
    };
    let application = match &described.application {
        Some(application) => {
            let href = links::expand(console::APPLICATION, &[&page.environment, &application.id]);
            html! { a href=(href) { (name(&application.display_name)) } }
        }
        None => gone(),
    };
    let whom = match (&flow.email, &flow.claimed_email) {
        (None, Some(email)) => html! { (email) " " span.soft { "(typed; nobody signed in with it)" } },
        _ => person(flow),
    };
    facts(&[
        ("Person", whom),
        ("Account", user),
        ("Company", organization),
        ("Application", application),
        ("Proven by", html! { (proven_by(flow).unwrap_or("Nothing yet")) }),
        ("Begun", html! { (time(flow.created_at, page.now)) ", " (initiated_by(flow.origin)) }),
        ("Flow id", copyable(&flow.reference(), "flow id")),
    ])
}

/// Where a sign-in is that is not finished.
pub(super) fn pending(page: &FlowPage, described: &FlowView) -> Markup {
    let flow = &described.found.flow;
    let (title, text) = match (flow.answered_at, described.code_expires_at) {
        (Some(_), Some(at)) if at <= page.now => (
            "Signed in, and not fetched by the application",
            "The application did not redeem its code in time. Look into its callback: it must call the token endpoint right away.",
        ),
        (Some(_), _) => {
            ("Signed in, and not fetched yet", "The application has a code and has not redeemed it yet.")
        }
        (None, _) => (
            "Not finished",
            "The person proved one thing and was asked for another: a second factor, or another password. They may still go on.",
        ),
    };
    html! {
        (notice(Icon::Note, title, html! {
            p { (text) }
            @if let Some((_, check)) = failed_check(described) { p { "Refused meanwhile: " code { (check.name) } } }
        }))
    }
}
