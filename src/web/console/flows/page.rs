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

/// A name, or that there is none.
pub(super) fn name(name: &str) -> &str {
    if name.trim().is_empty() { "(no name)" } else { name }
}

/// What began a login.
pub(super) fn initiated_by(origin: FlowOrigin) -> &'static str {
    match origin {
        FlowOrigin::Api => "by the app through the REST API",
        FlowOrigin::Oauth => "by the app through OpenID Connect",
        FlowOrigin::Restart => "by us, in place of an unsolicited response",
        FlowOrigin::Idp => "by the identity provider",
        FlowOrigin::Detached => "by an unknown sender",
        FlowOrigin::Issuer => "by an application, at the organization’s issuer",
        FlowOrigin::Administrator => "by an administrator, who signed in to the console",
        FlowOrigin::Setup => "by the customer’s admin, as a test of the connection",
        FlowOrigin::Console => "from the console, as a test of the connection",
    }
}

/// By what a person proved who they are, in words.
pub(super) fn proven_by(flow: &LoginFlow) -> Option<&'static str> {
    let has = |method: &str| flow.amr.iter().any(|one| one == method);
    Some(match (has("pwd"), has("hwk") || has("swk"), has("otp"), has("mfa")) {
        (true, _, true, _) => "Password and authenticator app",
        (true, _, false, true) => "Password and recovery code",
        (true, _, false, false) => "Password",
        (false, true, _, _) => "Passkey",
        _ => return None,
    })
}
