//! `/console/{environment}/flows/{flow}`: why a login failed, then its whole timeline. `…/check` verifies
//! its stored response again with the current settings.

use base::{id::LoginFlowKind, time::Timestamp};
use maud::{Markup, html};
use model::{
    login_flow::{FlowStatus, FlowStep, LoginFlow, LoginProtocol},
    saml_connection::SamlConnection,
};
use saml::check::{Check, Fixer};

use super::{
    account,
    certificates::certificates,
    list::{outcome, person},
    page::{FlowPage, failed_check, initiated_by, name, page, title},
    products::{Product, screen},
    recheck::recheck_button,
    timeline::{curl, flow_timeline},
};
use crate::{
    app::{self, login::description, support::flows::FlowView},
    links::{self, console},
    web::{
        console::kit::{context::EnvironmentContext, labels, shell::Section},
        kit::{
            components::{ButtonStyle, Icon, code_block, copyable, facts, link_button, mark, notice, time},
            error::PageResult,
        },
    },
};

/// `GET …/flows/{flow}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let id = context.id::<LoginFlowKind>("flow")?;
    let described = app::support::flows::describe(&context.state, &context.principal, id).await?;
    let content = view(&page(&context, &described), &described);
    Ok(context.shell(Section::Flows, &title(&described.found.flow)).respond(content))
}

/// The whole page.
pub(in crate::web::console) fn view(page: &FlowPage, described: &FlowView) -> Markup {
    let flow = &described.found.flow;
    html! {
        div.head-row {
            h1 { (title(flow)) }
            (outcome(flow))
        }
        (verdict(page, described))
        section.card aria-label="About this login" { (summary(page, described)) }
        section.card {
            h2 { "What happened" }
            (flow_timeline(page, described))
        }
        (certificates(described))
        section.card.stack {
            h2 { "For developers" }
            (facts(&[("Link for a colleague", copyable(&page.address, "link"))]))
            p.soft.small { "Whoever has a role in this environment can open it, after signing in." }
            @if flow.protocol == LoginProtocol::Saml { (code_block("The same by API", &curl(page, flow))) }
        }
    }
}

/// The result: the failed check, or that there is none.
fn verdict(page: &FlowPage, described: &FlowView) -> Markup {
    let flow = &described.found.flow;
    match (flow.status, failed_check(described)) {
        (FlowStatus::Failed, Some((step, check))) => refused(page, described, step, check),
        (FlowStatus::Failed, None) => notice(
            Icon::Bad,
            "Refused",
            html! {
                p { "Its checks are not kept any more." }
            },
        ),
        (FlowStatus::Succeeded, _) if flow.origin.is_test() => notice(
            Icon::Good,
            "The test passed",
            html! {
                p { "Every check held. A test signs nobody in." }
                (recheck_button(page, described))
            },
        ),
        (FlowStatus::Succeeded, _) => notice(
            Icon::Good,
            "Signed in",
            html! {
                p { "Every check held, and the app has fetched the answer." }
                (recheck_button(page, described))
            },
        ),
        (FlowStatus::InProgress, _) if flow.protocol == LoginProtocol::Account => {
            account::pending(page, described)
        }
        (FlowStatus::InProgress, failed_check) => html! {
            (notice(Icon::Note, pending_title(flow), html! { p { (pending_reason(described, page.now)) } }))
            @if let Some((step, check)) = failed_check { (refused(page, described, step, check)) }
        },
    }
}

fn pending_title(flow: &LoginFlow) -> &'static str {
    match (flow.answered_at, &flow.request) {
        (Some(_), _) => "Accepted, and not fetched by the app",
        (None, Some(_)) => "No answer of the identity provider was accepted yet",
        (None, None) => "The person has not opened the link yet",
    }
}

fn pending_reason(described: &FlowView, now: Timestamp) -> &'static str {
    match (described.code_expires_at, &described.found.flow.request) {
        (Some(expires_at), _) if expires_at <= now => {
            "The identity provider’s answer held, but the app did not redeem its code in time. Look into the \
             app’s callback: it must call the redeem endpoint right away."
        }
        (Some(_), _) => "The app has a code and has not redeemed it yet.",
        (None, Some(request)) if request.expires_at <= now => {
            "The person was sent to the identity provider and did not come back in time. Usually the sign-in \
             there failed or was given up: see its own log."
        }
        (None, Some(_)) => "The person was sent to the identity provider and may still come back.",
        (None, None) => "The app asked for a login; the browser that should follow its link did not.",
    }
}

/// The failed check: expected and found values, who can fix it, and how.
fn refused(page: &FlowPage, described: &FlowView, step: &FlowStep, check: &Check) -> Markup {
    let product = described.connection.as_ref().and_then(Product::of);
    let at = product.and_then(|product| Some((product, screen(product, &check.name)?)));
    let others = step.checks.iter().filter(|other| !other.passed).count().saturating_sub(1);
    let mut rows: Vec<(&str, Markup)> = Vec::new();
    if let Some(expected) = &check.expected {
        rows.push(("Expected", html! { code { (expected) } }));
    }
    if let Some(found) = &check.found {
        rows.push(("Found", html! { code { (found) } }));
    }
    rows.push(("Who can fix it", html! { strong { (fixer(check.fixer)) } }));
    rows.push(("How", html! { (check.remedy) }));
    if let Some((product, place)) = at {
        rows.push((product_label(product), html! { (place) }));
    }
    let setting = described.connection.as_ref().filter(|_| check.fixer == Fixer::Vendor);
    html! {
        section.card.verdict.bad {
            div.head-row {
                h2 { (mark(Icon::Bad, "This check failed")) }
                code { (check.name) }
            }
            @if let Some(meaning) = description(&check.name) { p.lead { (meaning) } }
            (facts(&rows))
            @if others > 0 {
                p.soft { (others) @if others == 1 { " more check" } @else { " more checks" } " failed at the same time; they are listed in the timeline." }
            }
            div.actions {
                @if let Some(connection) = setting {
                    (link_button(ButtonStyle::Primary, "Open the connection", &links::expand(console::SAML_CONNECTION, &[&page.environment, &connection.id])))
                }
                (recheck_button(page, described))
            }
            p.clause.soft.small { (check.clause) }
        }
    }
}

fn product_label(product: Product) -> &'static str {
    match product {
        Product::Okta => "Where in Okta",
        Product::Entra => "Where in Entra ID",
        Product::Google => "Where in Google",
        Product::Adfs => "Where in AD FS",
        Product::Keycloak => "Where in Keycloak",
        Product::Onelogin => "Where in OneLogin",
        Product::Jumpcloud => "Where in JumpCloud",
        Product::Ping => "Where in PingOne",
    }
}

fn fixer(fixer: Fixer) -> &'static str {
    match fixer {
        Fixer::IdentityProvider => "The customer’s IT team, in their identity provider",
        Fixer::Vendor => "You, in the settings here",
        Fixer::User => "The person, by signing in again",
    }
}

fn summary(page: &FlowPage, described: &FlowView) -> Markup {
    let flow = &described.found.flow;
    if flow.protocol == LoginProtocol::Account {
        return account::summary(page, described);
    }
    let gone = || html! { span.soft { "Deleted since" } };
    let organization = match &described.organization {
        Some(organization) => {
            let href = links::expand(console::ORGANIZATION, &[&page.environment, &organization.id]);
            html! { a href=(href) { (name(&organization.display_name)) } }
        }
        None => gone(),
    };
    let connection = match (&described.connection, &described.oidc_connection) {
        (Some(connection), _) => {
            let href = links::expand(console::SAML_CONNECTION, &[&page.environment, &connection.id]);
            html! { a href=(href) { (provider(connection)) } }
        }
        (None, Some(connection)) => {
            let href = links::expand(console::OIDC_CONNECTION, &[&page.environment, &connection.id]);
            html! { a href=(href) { (labels::oidc_connection(connection)) } }
        }
        (None, None) => gone(),
    };
    let whom = match (&flow.email, &flow.claimed_email) {
        (None, Some(email)) => {
            html! { (email) " " span.soft { "(named by the refused response; nobody signed in)" } }
        }
        _ => person(flow),
    };
    facts(&[
        ("Person", whom),
        ("Company", organization),
        ("Identity provider", connection),
        ("Begun", html! { (time(flow.created_at, page.now)) ", " (initiated_by(flow.origin)) }),
        ("Flow id", copyable(&flow.reference(), "flow id")),
    ])
}

/// The name of a connection's identity provider.
fn provider(connection: &SamlConnection) -> &str {
    match Product::of(connection) {
        Some(product) => product.name(),
        None => connection.idp_entity_id.as_deref().unwrap_or("Not set up"),
    }
}
