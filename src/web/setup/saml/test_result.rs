//! `/setup/saml/{connection}/test/{flow}`: the result of a test login: what was received, or the failed check
//! with its remedy in the words of the identity provider's screens.

use actix_web::web;
use base::id::{LoginFlowId, SamlConnectionId};
use maud::{Markup, html};
use model::{
    email::Email,
    login_flow::{LoginFlow, StepKind},
};
use saml::check::Check;

use super::connection;
use crate::{
    app::{self, Error, login::test_login::TestLogin},
    links::{self, path},
    web::{
        kit::{
            components::{ButtonStyle, Icon, copyable, facts, link_button, mark, notice},
            error::PageResult,
            response::PagePolicy,
        },
        login::{browser_cookie, error_texts},
        setup::{
            providers::{self, provider::Provider},
            session::SetupContext,
            steps,
        },
    },
};

/// `GET /setup/saml/{connection}/test/{flow}`
pub async fn show(context: SetupContext, path: web::Path<(String, String)>) -> PageResult {
    let gone = || Error::not_found("test login", "(no such id)");
    let connection: SamlConnectionId = path.0.parse().map_err(|_| gone())?;
    let flow: LoginFlowId = path.1.parse().map_err(|_| gone())?;
    let found =
        app::connections::saml::find(&context.state, &context.principal, connection).await?.connection;
    if found.organization_id != context.organization.id {
        return Err(gone().into());
    }
    let browser = browser_cookie::browser(&context.state.links, &context.request);
    let proof = context.parameter(app::login::TEST_PROOF);
    let (state, principal) = (&context.state, &context.principal);
    let test =
        app::login::test_login::find(state, principal, connection, flow, browser.as_ref(), proof.as_deref())
            .await?;
    let provider = providers::for_kind(found.idp_kind);
    let (title, body) = match (&test.flow.email, failed_check(&test)) {
        (Some(_), _) if !test.own => ("The test succeeded", succeeded_elsewhere()),
        (Some(_), _) => ("The test succeeded", succeeded(&context, &test.flow)),
        (None, Some(check)) if !test.own => ("The test did not succeed", failed(provider, check, false)),
        (None, Some(check)) => match next_step(&context, check) {
            Some(body) => ("One step is left", body),
            None => ("The test did not succeed", failed(provider, check, true)),
        },
        (None, None) => ("The test is not finished", unfinished()),
    };
    let content = html! {
        p.back { a href=(links::setup_saml_step(connection, "test")) { "Test the sign-in" } }
        section.card {
            (body)
            div.actions {
                @if test.flow.email.is_some() {
                    (link_button(ButtonStyle::Primary, "Finish", &links::setup_saml_step(connection, "done")))
                }
                (crate::web::setup::saml::step::test_again_button(&context, connection, if test.flow.email.is_some() { ButtonStyle::Plain } else { ButtonStyle::Primary }))
            }
            p.small.soft { "Reference " (copyable(&flow.to_string(), "reference")) }
        }
    };
    Ok(context.layout().answer_with(
        connection::TEST_RESULT_STATUS,
        PagePolicy::AnyFormTarget,
        title,
        content,
    ))
}

/// The check that caused the last refusal.
fn failed_check(test: &TestLogin) -> Option<&Check> {
    let refusal = test.flow.refusal.as_deref()?;
    let step = test.steps.iter().rev().find(|step| step.kind == StepKind::Refused)?;
    step.checks.iter().rev().find(|check| !check.passed && check.name == refusal)
}

fn succeeded(context: &SetupContext, flow: &LoginFlow) -> Markup {
    let email = flow.email.as_ref().map(Email::as_str).unwrap_or_default();
    html! {
        p { (mark(Icon::Good, "Signed in")) }
        h1 { "The test succeeded" }
        p.lead { "You came back as " b { (email) } "." }
        h2 { "What " (context.application()) " will receive" }
        @if flow.attributes.is_empty() {
            p { "The e-mail address, and no other attributes." }
        } @else {
            (facts(&flow.attributes.iter().map(|(name, values)| {
                (name.as_str(), html! { @for value in values { div { (value) } } })
            }).collect::<Vec<_>>()))
        }
    }
}

/// A test that succeeded in another browser: shows that it works, and nothing about the person.
pub fn succeeded_elsewhere() -> Markup {
    html! {
        p { (mark(Icon::Good, "Signed in")) }
        h1 { "The test succeeded" }
        p.lead { "Somebody signed in, in another browser than this one." }
        p { "Who it was, and what will be received of them, is shown in that browser only. To see it here, test again in this browser." }
    }
}

/// The page for a sign-in that fails only because its domain is not confirmed yet: the identity provider is set up
/// correctly.
fn next_step(context: &SetupContext, check: &Check) -> Option<Markup> {
    if check.name != "email_outside_organization_domains" {
        return None;
    }
    let email = Email::parse(check.found.as_deref()?)?;
    let domain = email.domain();
    let listed = context.organization.domains.get(domain);
    let waiting = listed.is_some_and(|state| !state.is_accepted());
    // If other domains are confirmed, an unlisted domain is more likely a wrong address than a missing domain.
    if !waiting && context.organization.accepted_domains().next().is_some() {
        return None;
    }
    let href = format!(
        "{}?{}",
        path::SETUP_DOMAINS,
        url::form_urlencoded::Serializer::new(String::new()).append_pair("domain", domain.as_str()).finish()
    );
    Some(html! {
        p { (mark(Icon::Good, "The sign-in works")) }
        h1 { "One step is left" }
        p.lead { "You came back as " b { (email.as_str()) } ". Your identity provider is set up well." }
        (notice(Icon::Attention, "The domain is not confirmed yet", html! {
            p {
                "Nobody with an address of " b { (domain.as_str()) } " is let in before "
                @if context.link.can_manage_domains { "your company proved that the domain is its own, or " }
                "the team of " (context.application()) " approved it."
            }
            @if context.link.can_manage_domains {
                p { a href=(href) { @if waiting { "Prove the domain" } @else { "Add the domain" } } }
            } @else {
                p { "Tell them that they should add " b { (domain.as_str()) } "." }
            }
        }))
    })
}

/// The failed check, in the words of the product's screens. The found value may name a person, so it is shown
/// only in the browser of the test (`own`).
pub fn failed(provider: &Provider, check: &Check, own: bool) -> Markup {
    let words = error_texts::text(&check.name);
    html! {
        p { (mark(Icon::Bad, "Not signed in")) }
        h1 { "The test did not succeed" }
        p.lead { (words.happened) }
        (notice(Icon::Note, "What to do", html! {
            p { (steps::with_bold(provider.remedy(&check.name).unwrap_or(&check.remedy))) }
        }))
        (facts(&[
            ("Expected", html! { code { (check.expected.as_deref().unwrap_or("-")) } }),
            ("Found", html! {
                @if own { code { (check.found.as_deref().unwrap_or("-")) } }
                @else { "shown in the browser in which the test ended" }
            }),
            ("Check", html! { code { (check.name) } " " span.soft { (check.clause) } }),
        ]))
    }
}

fn unfinished() -> Markup {
    html! {
        p { (mark(Icon::Note, "Waiting")) }
        h1 { "The test is not finished" }
        p { "Your identity provider has not answered yet. If it showed you an error, its own log says why; fix it there and test again." }
    }
}
