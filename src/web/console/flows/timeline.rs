//! The timeline of a flow: its steps, documents and what the app received.

use maud::{Markup, html};
use model::login_flow::{FlowOrigin, FlowStep, LoginFlow, LoginProtocol, StepKind};

use super::page::FlowPage;
use crate::{
    app::support::flows::{DocumentFacts, FlowView},
    web::kit::{
        components::{Icon, Step, code_block, copy_button, timeline},
        xml::{self, SignedParts},
    },
};

pub(super) fn flow_timeline(page: &FlowPage, described: &FlowView) -> Markup {
    let flow = &described.found.flow;
    let asked = match flow.origin {
        FlowOrigin::Api | FlowOrigin::Oauth => Some("The app asked for a login"),
        FlowOrigin::Restart => Some("An unsolicited response was discarded, and this login begun"),
        FlowOrigin::Setup | FlowOrigin::Console => Some("A test of the connection was begun"),
        FlowOrigin::Administrator => Some("An administrator began to sign in to the console"),
        FlowOrigin::Issuer => Some("An application asked for a sign-in"),
        FlowOrigin::Idp | FlowOrigin::Detached => None,
    };
    let runs = runs(&described.found.steps);
    let titles: Vec<String> = runs.iter().map(|run| title(flow.protocol, run)).collect();
    let mut steps: Vec<Step<'_>> = Vec::new();
    if let Some(title) = asked {
        steps.push(Step { outcome: Icon::Step, title, at: flow.created_at, checks: &[], detail: None });
    }
    for (run, title) in runs.iter().zip(&titles) {
        let step = &run.last;
        let outcome = match step.kind {
            StepKind::Requested | StepKind::Proven => Icon::Step,
            StepKind::Refused => Icon::Bad,
            StepKind::Accepted => Icon::Good,
        };
        let reading = described.document_facts.get(run.at).filter(|_| flow.protocol == LoginProtocol::Saml);
        let detail = match flow.protocol {
            LoginProtocol::Oidc => claims(step),
            LoginProtocol::Saml | LoginProtocol::Account => reading.map(|reading| documents(step, reading)),
        };
        steps.push(Step { outcome, title, at: step.at, checks: &step.checks, detail });
    }
    let is_for_nobody = flow.protocol == LoginProtocol::Account && flow.application_id.is_none();
    if let Some(at) = flow.redeemed_at.filter(|_| !is_for_nobody) {
        let detail = (flow.protocol == LoginProtocol::Saml).then(|| html! {
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

/// Steps in a row that say the same: somebody typed one wrong password after another.
struct Run<'a> {
    /// The last of them.
    last: &'a FlowStep,
    /// Its place among the steps.
    at: usize,
    count: usize,
}

fn runs(steps: &[FlowStep]) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if is_repetition(run.last, step) => {
                *run = Run { last: step, at, count: run.count + 1 };
            }
            _ => runs.push(Run { last: step, at, count: 1 }),
        }
    }
    runs
}

/// Whether a step is another refusal for the same reason, without a document of its own.
fn is_repetition(one: &FlowStep, next: &FlowStep) -> bool {
    one.kind == StepKind::Refused
        && next.kind == StepKind::Refused
        && one.document.is_none()
        && next.document.is_none()
        && one.checks == next.checks
}

fn title(protocol: LoginProtocol, run: &Run<'_>) -> String {
    let once = match (protocol, run.last.kind) {
        (_, StepKind::Requested) => "The browser was sent to the identity provider",
        (LoginProtocol::Saml | LoginProtocol::Oidc, StepKind::Refused) => "The response was refused",
        (LoginProtocol::Saml | LoginProtocol::Oidc, StepKind::Accepted) => "The response was accepted",
        (LoginProtocol::Account, StepKind::Refused) => "What the person gave was refused",
        (LoginProtocol::Account, StepKind::Accepted) => "The person was signed in",
        (_, StepKind::Proven) => "One thing was proven, and something else asked for",
    };
    match run.count {
        1 => once.to_owned(),
        count => format!("{once}, {count} times in a row; the last time"),
    }
}

/// The request or response of a step.
fn documents(step: &FlowStep, reading: &DocumentFacts) -> Markup {
    let (name, gone) = match step.kind {
        StepKind::Requested => ("AuthnRequest", "The request is not kept any more."),
        StepKind::Refused | StepKind::Accepted | StepKind::Proven => {
            ("Response", "The response is not kept.")
        }
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

/// What is kept of a step by OpenID Connect: the request without what belongs to one browser, or the claims of the ID token.
fn claims(step: &FlowStep) -> Option<Markup> {
    let document = step.document.as_ref()?;
    let name = match step.kind {
        StepKind::Requested => "Authorization request",
        StepKind::Refused | StepKind::Accepted | StepKind::Proven => "Claims of the ID token",
    };
    Some(html! { details { summary { (name) } (code_block(name, document)) } })
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

pub(super) fn curl(page: &FlowPage, flow: &LoginFlow) -> String {
    format!("curl '{}' \\\n  -H 'Authorization: Bearer ssoready_sk_…'", page.links.saml_flow(flow.id))
}
