//! `…/flows/{flow}/check`: verifies the stored response again with the current settings. It changes nothing; it is a
//! POST because a verification is expensive.

use actix_web::{HttpResponse, http::header};
use base::id::LoginFlowKind;
use maud::{Markup, html};
use model::login_flow::{FlowStep, StepKind};
use saml::check::Check;

use super::page::{FlowPage, page, title};
use crate::{
    app::{
        self,
        login::description,
        support::flows::{CheckChange, CheckComparison, FlowView, Recheck},
    },
    links::{self, console},
    web::{
        console::kit::{context::EnvironmentContext, form::ConsoleForm, shell::Section},
        kit::{
            components::{ButtonStyle, Icon, link_button, mark, notice, time},
            error::PageResult,
            forms::button_form,
        },
    },
};

/// `POST …/flows/{flow}/check`. It changes nothing; it is a POST because a verification is expensive.
pub async fn check(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let id = context.id::<LoginFlowKind>("flow")?;
    let checked = app::support::flows::recheck(&context.state, &context.principal, id).await?;
    let described = app::support::flows::describe(&context.state, &context.principal, id).await?;
    let content = check_view(&page(&context, &described), &described, &checked);
    let shell = context.shell(Section::Flows, "Checked again");
    Ok(shell.crumb(title(&described.found.flow), context.href(console::FLOW, &[&id])).respond(content))
}

/// `GET …/flows/{flow}/check`: redirects to the login, for reloads and shared links.
pub async fn check_redirect(context: EnvironmentContext) -> PageResult {
    let id = context.id::<LoginFlowKind>("flow")?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, context.href(console::FLOW, &[&id])))
        .finish())
}

/// The button that verifies the response again, if a response is stored and the connection still exists.
pub(super) fn recheck_button(page: &FlowPage, described: &FlowView) -> Markup {
    let has_response = |step: &FlowStep| step.kind != StepKind::Requested && step.document.is_some();
    let action = links::expand(console::CHECK_FLOW, &[&page.environment, &described.found.flow.id]);
    html! {
        @if described.connection.is_some() && described.found.steps.iter().any(has_response) {
            (button_form(&action, "Check again with today’s settings", ButtonStyle::Plain, page.csrf.clone()))
        }
    }
}

/// The response verified again: the outcome, then every check then and now, side by side.
pub(in crate::web::console) fn check_view(
    page: &FlowPage,
    described: &FlowView,
    checked: &Recheck,
) -> Markup {
    let compared = checked.comparisons();
    let (changed, same): (Vec<_>, Vec<_>) = compared.into_iter().partition(|compared| {
        !matches!(compared.change(), CheckChange::StillPassed | CheckChange::NotRepeated)
    });
    let flow = &described.found.flow;
    html! {
        h1 { "Checked again with today’s settings" }
        @match &checked.outcome {
            Ok(email) => (notice(Icon::Good, &format!("{email} would be signed in"), html! {
                p { "Ask them to sign in again: the response that was checked cannot be used a second time." }
            })),
            Err(code) => (notice(Icon::Bad, "The login would still be refused", html! {
                @if let Some(meaning) = description(code) { p { (meaning) } }
                p { code { (code) } }
            })),
        }
        p.soft {
            "The response of " (time(checked.received_at, page.now)) " against the connection as it is now. "
            "Times are judged as of then. Nothing was written."
        }
        div.actions {
            (recheck_button(page, described))
            (link_button(ButtonStyle::Plain, "Back to the login", &links::expand(console::FLOW, &[&page.environment, &flow.id])))
        }
        section.card {
            h2 { @if changed.is_empty() { "No check changed" } @else { "What changed, and what fails" } }
            @if changed.is_empty() { p.soft { "Every check gives what it gave then." } }
            ol.compared { @for one in &changed { (compared_row(one)) } }
            @if !same.is_empty() {
                details {
                    summary { (same.len()) @if same.len() == 1 { " check as before" } @else { " checks as before" } }
                    ol.compared { @for one in &same { (compared_row(one)) } }
                }
            }
        }
    }
}

fn compared_row(compared: &CheckComparison<'_>) -> Markup {
    let Some(check) = compared.now.or(compared.then) else { return html! {} };
    let (shape, word) = match compared.change() {
        CheckChange::Fixed => (Icon::Good, "Fixed now"),
        CheckChange::Broken => (Icon::Bad, "Fails now"),
        CheckChange::NewlyFailed => (Icon::Bad, "Fails, not reached then"),
        CheckChange::NewlyPassed => (Icon::Good, "Holds, not reached then"),
        CheckChange::StillFailed => (Icon::Bad, "Still fails"),
        CheckChange::StillPassed => (Icon::Good, "Still holds"),
        CheckChange::NotRepeated => (Icon::Note, "Not asked again"),
    };
    html! {
        li {
            div.head-row { code { (check.name) } (mark(shape, word)) }
            div.sides {
                (side("Then", compared.then))
                (side("Now", compared.now))
            }
            @if compared.now.is_some_and(|now| !now.passed) { p { (check.remedy) } }
        }
    }
}

fn side(label: &str, check: Option<&Check>) -> Markup {
    html! {
        div.side {
            h3 { (label) }
            @match check {
                None => p.soft { "Not checked" },
                Some(check) => {
                    p { @if check.passed { (mark(Icon::Good, "held")) } @else { (mark(Icon::Bad, "failed")) } }
                    dl.facts {
                        @if let Some(expected) = &check.expected { dt { "Expected" } dd { code { (expected) } } }
                        @if let Some(found) = &check.found { dt { "Found" } dd { code { (found) } } }
                    }
                },
            }
        }
    }
}
