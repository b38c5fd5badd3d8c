//! `/console/{environment}/flows/{flow}`: why a login failed, then its whole timeline. `…/check` verifies
//! its stored response again with the current settings.

use actix_web::{HttpResponse, http::header};
use maud::{Markup, html};

use super::{
    list::{outcome, person},
    products::{Product, screen},
};
use crate::{
    app::{
        self,
        connections::saml::certificates::CertificateView,
        login::description,
        support::flows::{CheckChange, CheckComparison, DocumentFacts, FlowView, Recheck},
    },
    links::{self, Links, console},
    model::{
        check::{Check, Fixer},
        id::{EnvironmentId, SamlFlowKind},
        saml_connection::SamlConnection,
        saml_flow::{FlowOrigin, FlowStatus, FlowStep, SamlFlow, StepKind},
        time::Timestamp,
    },
    web::{
        console::kit::{context::EnvironmentContext, session::ConsoleForm, shell::Section},
        kit::{
            components::{
                ButtonStyle, Icon, Step, code_block, copy_button, copyable, exact, facts, link_button, mark,
                notice, time, timeline,
            },
            error::PageResult,
            forms::button_form,
            xml::{self, SignedParts},
        },
    },
};

/// `GET …/flows/{flow}`
pub async fn show(context: EnvironmentContext) -> PageResult {
    let id = context.id::<SamlFlowKind>("flow")?;
    let described = app::support::flows::describe(&context.state, &context.actor, id).await?;
    let content = view(&page(&context, &described), &described);
    Ok(context.shell(Section::Flows, &title(&described.found.flow)).respond(content))
}

/// `POST …/flows/{flow}/check`. It changes nothing; it is a POST because a verification is expensive.
pub async fn check(context: EnvironmentContext, _form: ConsoleForm) -> PageResult {
    let id = context.id::<SamlFlowKind>("flow")?;
    let checked = app::support::flows::recheck(&context.state, &context.actor, id).await?;
    let described = app::support::flows::describe(&context.state, &context.actor, id).await?;
    let content = check_view(&page(&context, &described), &described, &checked);
    let shell = context.shell(Section::Flows, "Checked again");
    Ok(shell.crumb(title(&described.found.flow), context.href(console::FLOW, &[&id])).respond(content))
}

/// `GET …/flows/{flow}/check`: redirects to the login, for reloads and shared links.
pub async fn check_redirect(context: EnvironmentContext) -> PageResult {
    let id = context.id::<SamlFlowKind>("flow")?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, context.href(console::FLOW, &[&id])))
        .finish())
}

fn page(context: &EnvironmentContext, described: &FlowView) -> FlowPage {
    let links = context.state.links_of(&context.environment);
    let own = context.href(console::FLOW, &[&described.found.flow.id]);
    FlowPage {
        environment: context.environment.id,
        now: context.now(),
        csrf: context.csrf(),
        address: format!("{}{own}", context.state.links.origin()),
        links,
    }
}

/// What the page needs beside the login.
pub(in crate::web::console) struct FlowPage {
    pub environment: EnvironmentId,
    pub now: Timestamp,
    pub csrf: Markup,
    /// The absolute URL of this page.
    pub address: String,
    pub links: Links,
}

/// The page's title: the person, else what the flow is.
fn title(flow: &SamlFlow) -> String {
    match flow.email.as_ref().or(flow.claimed_email.as_ref()) {
        Some(email) => format!("Login of {email}"),
        None if flow.origin == FlowOrigin::Detached => "A response that belongs to no login".to_owned(),
        None => "Login of somebody not known".to_owned(),
    }
}

/// The last refused step and the check that failed in it.
fn failed_check(described: &FlowView) -> Option<(&FlowStep, &Check)> {
    let code = described.found.flow.refusal.as_deref();
    let failed = |step: &&FlowStep| step.kind == StepKind::Refused;
    let step = described.found.steps.iter().rev().find(failed)?;
    let named = step.checks.iter().find(|check| !check.passed && Some(&*check.name) == code);
    let check = named.or_else(|| step.checks.iter().find(|check| !check.passed))?;
    Some((step, check))
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
            (code_block("The same by API", &curl(page, flow)))
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
        (FlowStatus::InProgress, failed_check) => html! {
            (notice(Icon::Note, pending_title(flow), html! { p { (pending_reason(flow, page.now)) } }))
            @if let Some((step, check)) = failed_check { (refused(page, described, step, check)) }
        },
    }
}

fn pending_title(flow: &SamlFlow) -> &'static str {
    match (&flow.code, &flow.request) {
        (Some(_), _) => "Accepted, and not fetched by the app",
        (None, Some(_)) => "No answer of the identity provider was accepted yet",
        (None, None) => "The person has not opened the link yet",
    }
}

fn pending_reason(flow: &SamlFlow, now: Timestamp) -> &'static str {
    match (&flow.code, &flow.request) {
        (Some(code), _) if code.expires_at <= now => {
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
                p.soft { (others) @if others == 1 { " more check" } @else { " more checks" } " failed in the same response; they are listed in the timeline." }
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

/// The button that verifies the response again, if a response is stored and the connection still exists.
fn recheck_button(page: &FlowPage, described: &FlowView) -> Markup {
    let has_response = |step: &FlowStep| step.kind != StepKind::Requested && step.document.is_some();
    let action = links::expand(console::CHECK_FLOW, &[&page.environment, &described.found.flow.id]);
    html! {
        @if described.connection.is_some() && described.found.steps.iter().any(has_response) {
            (button_form(&action, "Check again with today’s settings", ButtonStyle::Plain, page.csrf.clone()))
        }
    }
}

fn summary(page: &FlowPage, described: &FlowView) -> Markup {
    let flow = &described.found.flow;
    let gone = || html! { span.soft { "Deleted since" } };
    let organization = match &described.organization {
        Some(organization) => {
            let href = links::expand(console::ORGANIZATION, &[&page.environment, &organization.id]);
            html! { a href=(href) { (name(&organization.display_name)) } }
        }
        None => gone(),
    };
    let connection = match &described.connection {
        Some(connection) => {
            let href = links::expand(console::SAML_CONNECTION, &[&page.environment, &connection.id]);
            html! { a href=(href) { (provider(connection)) } }
        }
        None => gone(),
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
        ("Flow id", copyable(&flow.id.to_string(), "flow id")),
    ])
}

fn name(name: &str) -> &str {
    if name.trim().is_empty() { "(no name)" } else { name }
}

/// The name of a connection's identity provider.
fn provider(connection: &SamlConnection) -> &str {
    match Product::of(connection) {
        Some(product) => product.name(),
        None => connection.idp_entity_id.as_deref().unwrap_or("Not set up"),
    }
}

fn initiated_by(origin: FlowOrigin) -> &'static str {
    match origin {
        FlowOrigin::Api => "by the app through the REST API",
        FlowOrigin::Oauth => "by the app through OpenID Connect",
        FlowOrigin::Restart => "by us, in place of an unsolicited response",
        FlowOrigin::Idp => "by the identity provider",
        FlowOrigin::Detached => "by an unknown sender",
        FlowOrigin::Administrator => "by an administrator, who signed in to the console",
        FlowOrigin::Setup => "by the customer’s admin, as a test of the connection",
        FlowOrigin::Console => "from the console, as a test of the connection",
    }
}

fn flow_timeline(page: &FlowPage, described: &FlowView) -> Markup {
    let flow = &described.found.flow;
    let asked = match flow.origin {
        FlowOrigin::Api | FlowOrigin::Oauth => Some("The app asked for a login"),
        FlowOrigin::Restart => Some("An unsolicited response was discarded, and this login begun"),
        FlowOrigin::Setup | FlowOrigin::Console => Some("A test of the connection was begun"),
        FlowOrigin::Administrator => Some("An administrator began to sign in to the console"),
        FlowOrigin::Idp | FlowOrigin::Detached => None,
    };
    let mut steps: Vec<Step<'_>> = Vec::new();
    if let Some(title) = asked {
        steps.push(Step { outcome: Icon::Step, title, at: flow.created_at, checks: &[], detail: None });
    }
    for (step, reading) in described.found.steps.iter().zip(&described.document_facts) {
        let (outcome, title) = match step.kind {
            StepKind::Requested => (Icon::Step, "The browser was sent to the identity provider"),
            StepKind::Refused => (Icon::Bad, "The response was refused"),
            StepKind::Accepted => (Icon::Good, "The response was accepted"),
        };
        let detail = Some(documents(step, reading));
        steps.push(Step { outcome, title, at: step.at, checks: &step.checks, detail });
    }
    if let Some(at) = flow.code.as_ref().and_then(|code| code.consumed_at) {
        let detail = Some(html! {
            details { summary { "What the app got" } (code_block("Answer to the app", &redeem_response(described))) }
        });
        steps.push(Step {
            outcome: Icon::Good,
            title: "The app fetched the answer",
            at,
            checks: &[],
            detail,
        });
    }
    timeline(&steps, page.now)
}

/// The request or response of a step.
fn documents(step: &FlowStep, reading: &DocumentFacts) -> Markup {
    let (name, gone) = match step.kind {
        StepKind::Requested => ("AuthnRequest", "The request is not kept any more."),
        StepKind::Refused | StepKind::Accepted => ("Response", "The response is not kept."),
    };
    let encrypted = reading.decrypted.is_some();
    let signed =
        SignedParts { root: reading.response_signed, assertion: reading.assertion_signed && !encrypted };
    html! {
        @match &step.document {
            None => p.soft.small { (gone) },
            Some(document) => {
                details {
                    summary { (name) @if let Some(what) = signature_label(reading) { " (" (what) ")" } }
                    (xml_block(name, document, signed))
                }
                @if let Some(assertion) = &reading.decrypted {
                    details {
                        summary { "Assertion, decrypted" }
                        (xml_block("Assertion, decrypted", assertion, SignedParts { root: reading.assertion_signed, assertion: false }))
                    }
                }
            },
        }
    }
}

fn signature_label(reading: &DocumentFacts) -> Option<&'static str> {
    match (reading.response_signed, reading.assertion_signed) {
        (true, true) => Some("response and assertion signed"),
        (true, false) => Some("response signed"),
        (false, true) => Some("assertion signed"),
        (false, false) => None,
    }
}

/// A document, indented for reading; the copy button copies the original.
fn xml_block(name: &str, document: &str, signed: SignedParts) -> Markup {
    html! {
        figure.code.xml {
            figcaption { (name) (copy_button(document, name)) }
            pre tabindex="0" role="region" aria-label=(name) { code { (xml::pretty_print(document, signed)) } }
        }
    }
}

/// The response of the redeem endpoint, reconstructed.
fn redeem_response(described: &FlowView) -> String {
    let flow = &described.found.flow;
    let external = described.organization.as_ref().and_then(|organization| organization.external_id.clone());
    let answer = serde_json::json!({
        "email": flow.email.as_ref().map(|email| email.as_str()),
        "state": flow.state.as_deref().unwrap_or_default(),
        "attributeValues": flow.attributes,
        "organizationId": flow.organization_id,
        "organizationExternalId": external.unwrap_or_default(),
        "samlFlowId": flow.id,
    });
    serde_json::to_string_pretty(&answer).unwrap_or_default()
}

/// The certificates that the connection trusts, and those embedded in responses.
fn certificates(described: &FlowView) -> Markup {
    let verified: Vec<&String> =
        described.document_facts.iter().flat_map(|reading| &reading.verified_by).collect();
    let trusted = |fingerprint: &String| described.trusted.iter().any(|one| one.fingerprint == *fingerprint);
    let mut untrusted: Vec<&CertificateView> = Vec::new();
    for certificate in described.document_facts.iter().flat_map(|reading| &reading.embedded) {
        if !trusted(&certificate.fingerprint) && !untrusted.contains(&certificate) {
            untrusted.push(certificate);
        }
    }
    let mut replaced: Vec<&String> =
        verified.iter().filter(|fingerprint| !trusted(fingerprint)).copied().collect();
    replaced.sort_unstable();
    replaced.dedup();
    html! {
        @if !described.trusted.is_empty() || !untrusted.is_empty() {
            section.card.stack {
                h2 { "Certificates" }
                @for certificate in &described.trusted {
                    div.certificate {
                        h3 { "Trusted by the connection" }
                        @if verified.contains(&&certificate.fingerprint) {
                            p { (mark(Icon::Good, "Its key made the signature in this login")) }
                        }
                        (certificate_facts(certificate))
                    }
                }
                @for fingerprint in replaced {
                    (notice(Icon::Note, "The signature was made with another certificate, which the connection trusted then", html! {
                        (facts(&[("SHA-256", copyable(fingerprint, "fingerprint"))]))
                    }))
                }
                @for certificate in untrusted {
                    div.certificate {
                        h3 { "Enclosed in the response" }
                        p { (mark(Icon::Attention, "Not one that the connection trusts")) }
                        p.soft { "Anybody can enclose any certificate. If the customer confirms this fingerprint, add it to the connection." }
                        (certificate_facts(certificate))
                    }
                }
            }
        }
    }
}

fn certificate_facts(certificate: &CertificateView) -> Markup {
    facts(&[
        ("Subject", html! { (certificate.subject) }),
        ("Issuer", html! { (certificate.issuer) }),
        ("Valid", html! { (exact(certificate.not_before)) " to " (exact(certificate.not_after)) }),
        ("SHA-256", copyable(&certificate.fingerprint, "fingerprint")),
    ])
}

fn curl(page: &FlowPage, flow: &SamlFlow) -> String {
    format!("curl '{}' \\\n  -H 'Authorization: Bearer ssoready_sk_…'", page.links.saml_flow(flow.id))
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
