//! What the pages of a flow show.

use base::{id::EnvironmentId, time::Timestamp};
use maud::Markup;
use model::login_flow::{FlowOrigin, FlowStep, LoginFlow, StepKind};
use saml::check::Check;

use crate::{
    app::support::flows::FlowView,
    links::{Links, console},
    web::console::kit::context::EnvironmentContext,
};

pub(super) fn page(context: &EnvironmentContext, described: &FlowView) -> FlowPage {
    let links = context.state.links_of(&context.environment);
    let own = context.href(console::FLOW, &[&described.found.flow.reference()]);
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
pub(super) fn title(flow: &LoginFlow) -> String {
    match flow.email.as_ref().or(flow.claimed_email.as_ref()) {
        Some(email) => format!("Login of {email}"),
        None if flow.origin == FlowOrigin::Detached => "A response that belongs to no login".to_owned(),
        None => "Login of somebody not known".to_owned(),
    }
}

/// The last refused step and the check that failed in it.
pub(super) fn failed_check(described: &FlowView) -> Option<(&FlowStep, &Check)> {
    let code = described.found.flow.refusal.as_deref();
    let failed = |step: &&FlowStep| step.kind == StepKind::Refused;
    let step = described.found.steps.iter().rev().find(failed)?;
    let named = step.checks.iter().find(|check| !check.passed && Some(&*check.name) == code);
    let check = named.or_else(|| step.checks.iter().find(|check| !check.passed))?;
    Some((step, check))
}
