//! The response, posted to the Assertion Consumer Service (SAML 2.0 Profiles §4.1.4.3).

use super::{
    accept,
    acs::{AcsOutcome, AcsRequest},
    begin::check_ready,
    browser_id::BrowserId,
    error::Error,
    identity,
    refuse::{self, LoginAttempt},
    unsolicited,
    verification::{ResponseInput, verify},
};
use crate::{
    app::{self, Result, State, connections::saml::metadata},
    model::{
        client_address::ClientAddress,
        id::SamlConnectionId,
        saml_flow::{PendingRequest, SamlFlow},
        secret::Digest,
    },
    saml::{Verdict, VerifiedAssertion, check::Check, checks},
    store::{
        saml_connections::{self, LoginConnection},
        saml_flows,
    },
};

/// Handles a response: verifies it, finds its flow, accepts or refuses the login, stores the result and returns the
/// next step of the browser.
pub async fn receive(state: &State, connection: SamlConnectionId, post: AcsRequest) -> Result<AcsOutcome> {
    let target = {
        let mut conn = state.db.read().await?;
        saml_connections::find_for_login(&mut conn, connection)
            .await?
            .ok_or_else(|| app::Error::not_found("SAML connection", connection))?
    };
    if let Err((refusal, found)) = check_ready(state, &target.connection) {
        return refuse_unverified(state, &target, refusal, found).await;
    }
    let Some(response) = &post.saml_response else {
        return refuse_unverified(state, &target, Error::SamlResponseMissing, None).await;
    };
    let (client, received) = (post.client.network(), ResponseInput::Base64(response.clone()));
    let verdict = verify(state, &target, client, received, state.now()).await?;
    match verdict.outcome {
        Ok(ref assertion) if assertion.in_response_to.is_none() => {
            let assertion = assertion.clone();
            unsolicited::receive(state, &target, &post, assertion, verdict).await
        }
        Ok(ref assertion) => {
            let assertion = assertion.clone();
            receive_solicited(state, &target, &post, assertion, verdict).await
        }
        Err(rejection) => {
            let flow = find_flow(state, connection, verdict.claims.in_response_to.as_deref()).await?;
            let browser_matches = flow.as_ref().is_some_and(|flow| is_bound_to(flow, post.browser.as_ref()));
            // A test result is shown only to its own browser; a cross-site post may lack the cookie.
            if post.browser.is_none()
                && !post.reposted
                && flow.as_ref().is_some_and(|flow| flow.origin.is_test())
            {
                return Ok(AcsOutcome::Repost);
            }
            let mut checks = verdict.checks;
            metadata::refresh::request_refresh(state, &target.connection, rejection, &mut checks).await?;
            let attempt = LoginAttempt {
                flow,
                browser_matches,
                signature_verified: verdict.signature_verified,
                claimed_email: verdict
                    .subject
                    .and_then(|subject| identity::claimed_email(&target.connection, &subject)),
                checks,
                xml: verdict.xml,
            };
            Ok(AcsOutcome::Refused(
                refuse::refuse(state, &target, attempt, Error::Response(rejection)).await?,
            ))
        }
    }
}

/// Handles a verified response with InResponseTo: it must name a pending request of ours, begun in this browser.
async fn receive_solicited(
    state: &State,
    target: &LoginConnection,
    post: &AcsRequest,
    assertion: VerifiedAssertion,
    verdict: Verdict,
) -> Result<AcsOutcome> {
    let flow = find_flow(state, target.connection.id, assertion.in_response_to.as_deref()).await?;
    let mut attempt = LoginAttempt {
        browser_matches: flow.as_ref().is_some_and(|flow| is_bound_to(flow, post.browser.as_ref())),
        flow: None,
        signature_verified: verdict.signature_verified,
        claimed_email: None,
        checks: verdict.checks,
        xml: verdict.xml,
    };
    let Some((flow, request)) = flow.and_then(|flow| flow.request.clone().map(|request| (flow, request)))
    else {
        attempt.claimed_email = identity::claimed_email(&target.connection, &assertion.subject);
        attempt.checks.push(
            Error::InResponseToUnknown
                .failed(Some("the ID of a request of ours".to_owned()), assertion.in_response_to.clone()),
        );
        return Ok(AcsOutcome::Refused(
            refuse::refuse(state, target, attempt, Error::InResponseToUnknown).await?,
        ));
    };
    if post.browser.is_none() && !post.reposted {
        return Ok(AcsOutcome::Repost);
    }
    attempt.checks.push(checks::in_response_to(Some(&request.id), &assertion));
    let verdict = match check_flow(state, &flow, &request, post, &mut attempt.checks) {
        Ok(()) => accept::accept(state, target, &flow, &request, &assertion, &mut attempt).await?,
        Err(refusal) => Err(refusal),
    };
    match verdict {
        Ok(location) => Ok(AcsOutcome::Accepted { flow: flow.id, location }),
        Err(mut refusal) => {
            if refusal == Error::RequestAlreadyUsed && accept::is_replayed(state, target, &assertion).await? {
                refusal = Error::AssertionReplayed;
                attempt
                    .checks
                    .push(refusal.failed(Some("an assertion that was never used".to_owned()), None));
            }
            attempt.flow = Some(flow);
            attempt.claimed_email = identity::claimed_email(&target.connection, &assertion.subject);
            Ok(AcsOutcome::Refused(refuse::refuse(state, target, attempt, refusal).await?))
        }
    }
}

/// Checks that the flow is pending, bound to this browser and named by this RelayState.
fn check_flow(
    state: &State,
    flow: &SamlFlow,
    request: &PendingRequest,
    post: &AcsRequest,
    checks: &mut Vec<Check>,
) -> Result<(), Error> {
    let mut check = |refusal: Error, holds: bool, expected: Option<String>, found: Option<String>| {
        checks.push(if holds { refusal.passed(expected, found) } else { refusal.failed(expected, found) });
        if holds { Ok(()) } else { Err(refusal) }
    };
    let found = match &post.browser {
        None => "no cookie of ours",
        Some(browser) if browser.digest() == request.browser => "the same browser",
        Some(_) => "another browser",
    };
    check(
        Error::BrowserMismatch,
        is_bound_to(flow, post.browser.as_ref()),
        Some("the browser that began the login".to_owned()),
        Some(found.to_owned()),
    )?;
    let id = flow.id.to_string();
    let relay_state = post.relay_state.as_deref().filter(|relay_state| !relay_state.is_empty());
    check(
        Error::RelayStateMismatch,
        relay_state.is_none_or(|relay_state| relay_state == id),
        Some(id),
        relay_state.map(|relay_state| relay_state.chars().take(80).collect()),
    )?;
    check(
        Error::RequestAlreadyUsed,
        request.consumed_at.is_none(),
        Some("a login that is not finished".to_owned()),
        request.consumed_at.map(|at| format!("finished at {at}")),
    )?;
    check(
        Error::RequestExpired,
        request.expires_at > state.now(),
        Some(format!("before {}", request.expires_at)),
        Some(state.now().to_string()),
    )
}

/// The connection's flow whose request has this ID.
async fn find_flow(
    state: &State,
    connection: SamlConnectionId,
    request_id: Option<&str>,
) -> Result<Option<SamlFlow>> {
    let Some(request_id) = request_id else { return Ok(None) };
    let mut conn = state.db.read().await?;
    Ok(saml_flows::find_by_request(&mut conn, connection, request_id).await?)
}

/// Whether the flow is bound to `browser`.
fn is_bound_to(flow: &SamlFlow, browser: Option<&BrowserId>) -> bool {
    let digest: Option<Digest> = browser.map(BrowserId::digest);
    flow.request.as_ref().is_some_and(|request| Some(request.browser) == digest)
}

/// Refuses a post without verifying its response.
async fn refuse_unverified(
    state: &State,
    target: &LoginConnection,
    refusal: Error,
    found: Option<String>,
) -> Result<AcsOutcome> {
    let attempt = LoginAttempt {
        flow: None,
        browser_matches: false,
        signature_verified: false,
        claimed_email: None,
        checks: vec![refusal.failed(None, found)],
        xml: None,
    };
    Ok(AcsOutcome::Refused(refuse::refuse(state, target, attempt, refusal).await?))
}
