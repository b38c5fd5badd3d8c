//! Unsolicited (IdP-initiated) responses (SAML 2.0 Profiles §4.1.5), by the policy of the connection or of its
//! environment.

use std::time::Duration;

use super::{
    accept,
    acs::{AcsOutcome, AcsRequest},
    begin,
    error::Error,
    flow::new_flow,
    identity,
    refuse::{self, LoginAttempt},
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
const MAX_RELAY_STATE_BYTES: usize = 2048;

/// Handles a verified response without InResponseTo.
pub(super) async fn receive(
    state: &State,
    target: &LoginConnection,
    post: &AcsRequest,
    assertion: VerifiedAssertion,
    verdict: Verdict,
) -> Result<AcsOutcome> {
    let mut attempt = LoginAttempt {
        flow: None,
        browser_matches: false,
        signature_verified: verdict.signature_verified,
        claimed_email: None,
        checks: verdict.checks,
        xml: verdict.xml,
    };
    let policy = target.connection.idp_initiated.unwrap_or(target.environment.idp_initiated);
    let refusal = match policy {
        IdpInitiated::Refuse => {
            let found = Some("a response that answers no request".to_owned());
            attempt.checks.push(Error::IdpInitiatedRefused.failed(Some("InResponseTo".to_owned()), found));
            Error::IdpInitiatedRefused
        }
        IdpInitiated::Allow => {
            let now = state.now();
            let id = SamlFlowId::new(now, &*state.random);
            let relay_state = post.relay_state.clone().filter(|text| {
                !text.is_empty() && text.len() <= MAX_RELAY_STATE_BYTES && !text.chars().any(char::is_control)
            });
            let flow = new_flow(target, FlowOrigin::Idp, relay_state, None, false, id, now);
            match accept::accept_unsolicited(state, target, flow, &assertion, &mut attempt).await? {
                Ok(location) => return Ok(AcsOutcome::Accepted { flow: id, location }),
                Err(refusal) => refusal,
            }
        }
        IdpInitiated::Restart => match restart(state, target, post).await? {
            Ok(outcome) => return Ok(outcome),
            Err(refusal) => {
                attempt.checks.push(refusal.failed(None, None));
                refusal
            }
        },
    };
    attempt.claimed_email = identity::claimed_email(&target.connection, &assertion.subject);
    Ok(AcsOutcome::Refused(refuse::refuse(state, target, attempt, refusal).await?))
}

/// Discards the response and begins a new login: here if the environment has a redirect URL, otherwise at the app
/// if an OAuth client has an `initiate_login_uri`.
async fn restart(
    state: &State,
    target: &LoginConnection,
    post: &AcsRequest,
) -> Result<Result<AcsOutcome, Error>> {
    let now = state.now();
    if target.environment.redirect_url.is_none() {
        let mut conn = state.db.read().await?;
        let Some(client) = oauth_clients::find_initiating(&mut conn, target.environment.id).await? else {
            return Ok(Err(Error::NoRedirectUrl));
        };
        let Some(uri) = client.initiate_login_uri else { return Ok(Err(Error::NoRedirectUrl)) };
        let issuer = state.links.oauth_issuer();
        let organization = target.organization.id.to_string();
        let location = uri.with_query(&[("iss", &issuer), ("organization_id", &organization)]);
        return Ok(Ok(AcsOutcome::InitiateAtApp { location }));
    }
    match &post.browser {
        // Over plain http a cross-site post has no cookie, and a loop could not be detected.
        None if !post.reposted && !state.links.is_trustworthy() => return Ok(Ok(AcsOutcome::Repost)),
        Some(browser) => {
            let mut conn = state.db.read().await?;
            let digest = browser.digest();
            if saml_flows::restart_is_pending(&mut conn, target.connection.id, digest, now - LOOP_WINDOW)
                .await?
            {
                return Ok(Err(Error::RestartLoop));
            }
        }
        None => {}
    }
    response_limits::count_restart(state, target.connection.id, post.client)?;
    let id = SamlFlowId::new(now, &*state.random);
    let flow = new_flow(target, FlowOrigin::Restart, None, None, false, id, now);
    Ok(Ok(AcsOutcome::Restarted(begin::begin(state, target, flow, post.browser.clone(), &post.host).await?)))
}
