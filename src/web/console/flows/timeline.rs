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
    let mut steps: Vec<Step<'_>> = Vec::new();
    if let Some(title) = asked {
        steps.push(Step { outcome: Icon::Step, title, at: flow.created_at, checks: &[], detail: None });
    }
    for (step, reading) in described.found.steps.iter().zip(&described.document_facts) {
        let (outcome, title) = match (flow.protocol, step.kind) {
            (_, StepKind::Requested) => (Icon::Step, "The browser was sent to the identity provider"),
            (LoginProtocol::Saml, StepKind::Refused) => (Icon::Bad, "The response was refused"),
            (LoginProtocol::Saml, StepKind::Accepted) => (Icon::Good, "The response was accepted"),
            (LoginProtocol::Account, StepKind::Refused) => (Icon::Bad, "What the person gave was refused"),
            (LoginProtocol::Account, StepKind::Accepted) => (Icon::Good, "The person was signed in"),
            (_, StepKind::Proven) => (Icon::Step, "One thing was proven, and something else asked for"),
        };
        let detail = (flow.protocol == LoginProtocol::Saml).then(|| documents(step, reading));
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
