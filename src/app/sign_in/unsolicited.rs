//! Unsolicited (IdP-initiated) responses (SAML 2.0 Profiles §4.1.5), by the policy of the connection or of its
//! environment.

use std::time::Duration;

use super::{
    Outcome, Refusal, answer, begin, identity,
    receive::Post,
    record::{self, Evidence},
    response_limits,
};
use crate::{
    app::{Result, State},
    model::{environment::IdpInitiated, id::SamlFlowId, saml_flow::FlowOrigin},
    saml::{Verdict, VerifiedAssertion},
    store::{oauth_clients, saml_connections::LoginConnection, saml_flows},
};

/// A restarted login that is answered by another unsolicited response within this time is a loop.
const LOOP_WINDOW: Duration = Duration::from_secs(120);

/// How many bytes of RelayState are passed to the app as its state, where unsolicited responses are allowed.
const MOST_RELAY_STATE: usize = 2048;

/// Handles a verified response without InResponseTo.
pub(super) async fn receive(
    state: &State,
    target: &LoginConnection,
    post: &Post,
    assertion: VerifiedAssertion,
    verdict: Verdict,
) -> Result<Outcome> {
    let mut evidence = Evidence {
        flow: None,
        browser_matches: false,
        signature_verified: verdict.signature_verified,
        claimed: None,
        checks: verdict.checks,
        xml: verdict.xml,
    };
    let policy = target.connection.idp_initiated.unwrap_or(target.environment.idp_initiated);
    let refusal = match policy {
        IdpInitiated::Refuse => {
            let found = Some("a response that answers no request".to_owned());
            evidence.checks.push(Refusal::IdpInitiatedRefused.failed(Some("InResponseTo".to_owned()), found));
            Refusal::IdpInitiatedRefused
        }
        IdpInitiated::Allow => {
            let now = state.now();
            let id = SamlFlowId::new(now, &*state.random);
            let relay_state = post.relay_state.clone().filter(|text| {
                !text.is_empty() && text.len() <= MOST_RELAY_STATE && !text.chars().any(char::is_control)
            });
            let flow = begin::start(target, FlowOrigin::Idp, relay_state, None, false, id, now);
            match answer::sign_in_unsolicited(state, target, flow, &assertion, &mut evidence).await? {
                Ok(location) => return Ok(Outcome::Accepted { flow: id, location }),
                Err(refusal) => refusal,
            }
        }
        IdpInitiated::Restart => match restart(state, target, post).await? {
            Ok(outcome) => return Ok(outcome),
            Err(refusal) => {
                evidence.checks.push(refusal.failed(None, None));
                refusal
            }
        },
    };
    evidence.claimed = identity::named(&target.connection, &assertion.subject);
    Ok(Outcome::Refused(record::refuse(state, target, evidence, refusal).await?))
}

/// Discards the response and begins a new login: here if the environment has a redirect URL, otherwise at the app
/// if an OAuth client has an `initiate_login_uri`.
async fn restart(state: &State, target: &LoginConnection, post: &Post) -> Result<Result<Outcome, Refusal>> {
    let now = state.now();
    if target.environment.redirect_url.is_none() {
        let mut conn = state.db.read().await?;
        let Some(client) = oauth_clients::find_initiating(&mut conn, target.environment.id).await? else {
            return Ok(Err(Refusal::NoRedirectUrl));
        };
        let Some(uri) = client.initiate_login_uri else { return Ok(Err(Refusal::NoRedirectUrl)) };
        let issuer = state.links.oauth_issuer();
        let organization = target.organization.id.to_string();
        let location = uri.with_query(&[("iss", &issuer), ("organization_id", &organization)]);
        return Ok(Ok(Outcome::HandedOver { location }));
    }
    match &post.browser {
        // Over plain http a cross-site post has no cookie, and a loop could not be detected.
        None if !post.bounced && !state.links.is_trustworthy() => return Ok(Ok(Outcome::Bounce)),
        Some(browser) => {
            let mut conn = state.db.read().await?;
            let digest = browser.digest();
            if saml_flows::restart_is_pending(&mut conn, target.connection.id, digest, now - LOOP_WINDOW)
                .await?
            {
                return Ok(Err(Refusal::RestartLoop));
            }
        }
        None => {}
    }
    response_limits::count_restart(state, target.connection.id, post.client)?;
    let id = SamlFlowId::new(now, &*state.random);
    let flow = begin::start(target, FlowOrigin::Restart, None, None, false, id, now);
    Ok(Ok(Outcome::Restarted(begin::begin(state, target, flow, post.browser.clone(), &post.host).await?)))
}
