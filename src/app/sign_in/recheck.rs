//! Verifies a stored response again, against the connection's current settings: would the login be accepted?
//!
//! Writes nothing. Checks that can pass only once (pending request, assertion replay, browser) are skipped; times are
//! checked as of the time at which the response was received.

use super::{
    Refusal, answer,
    begin::check_ready,
    verification::{Received, verify},
};
use crate::{
    app::{
        Error, Result, State,
        admission::{self, Denial, LoginAttempt},
    },
    model::{check::Check, email::Email, environment::IdpInitiated, saml_flow::SamlFlow, time::Timestamp},
    saml::{VerifiedAssertion, checks},
    store::saml_connections::LoginConnection,
};

/// Verifies `xml`, a response of `flow` received at `at`, against `target` as it is now. Returns all checks, and the
/// e-mail address or the refusal.
pub(in crate::app) async fn recheck(
    state: &State,
    target: &LoginConnection,
    flow: &SamlFlow,
    xml: String,
    at: Timestamp,
) -> Result<(Vec<Check>, Result<Email, Refusal>)> {
    if let Err((refusal, found)) = check_ready(state, &target.connection) {
        return Ok((vec![refusal.failed(None, found)], Err(refusal)));
    }
    // All rechecks share one client in the connection's queue.
    let client = std::net::Ipv4Addr::UNSPECIFIED.into();
    let verdict = verify(state, target, client, Received::Kept(xml), at).await?;
    let mut checks = verdict.checks;
    let outcome = match verdict.outcome {
        Err(rejection) => Err(Refusal::Response(rejection)),
        Ok(assertion) => admit(state, target, flow, &assertion, &mut checks).await?,
    };
    Ok((checks, outcome))
}

async fn admit(
    state: &State,
    target: &LoginConnection,
    flow: &SamlFlow,
    assertion: &VerifiedAssertion,
    checks: &mut Vec<Check>,
) -> Result<Result<Email, Refusal>> {
    if let Err(refusal) = answers(target, flow, assertion, checks) {
        return Ok(Err(refusal));
    }
    let email = match answer::admit(target, flow.oauth.is_some(), assertion, checks) {
        Ok(email) => email,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let connection_id = target.connection.id;
    let login = LoginAttempt { organization_id: target.organization.id, connection_id, email: &email };
    let mut conn = state.db.read().await?;
    match admission::check_read_only(&mut conn, login, checks).await? {
        Ok(_) => Ok(Ok(email)),
        Err(Denial::Gone) => Err(Error::not_found("SAML connection", connection_id)),
        Err(Denial::Refused(refusal)) => Ok(Err(refusal)),
    }
}

/// Checks that the response answers the flow's request, or that unsolicited responses are allowed.
fn answers(
    target: &LoginConnection,
    flow: &SamlFlow,
    assertion: &VerifiedAssertion,
    checks: &mut Vec<Check>,
) -> Result<(), Refusal> {
    match (&assertion.in_response_to, &flow.request) {
        (Some(_), Some(request)) => {
            let check = checks::in_response_to(Some(&request.id), assertion);
            let passed = check.passed;
            checks.push(check);
            if passed { Ok(()) } else { Err(Refusal::InResponseToUnknown) }
        }
        (Some(found), None) => {
            let expected = Some("the ID of a request of ours".to_owned());
            checks.push(Refusal::InResponseToUnknown.failed(expected, Some(found.clone())));
            Err(Refusal::InResponseToUnknown)
        }
        (None, _) => {
            let policy = target.connection.idp_initiated.unwrap_or(target.environment.idp_initiated);
            let (expected, found) = (Some("InResponseTo".to_owned()), Some(policy.as_str().to_owned()));
            match policy {
                IdpInitiated::Refuse => {
                    checks.push(Refusal::IdpInitiatedRefused.failed(expected, found));
                    Err(Refusal::IdpInitiatedRefused)
                }
                // Under RESTART the login that begins in its place signs the same person in.
                IdpInitiated::Allow | IdpInitiated::Restart => {
                    checks.push(Refusal::IdpInitiatedRefused.passed(None, found));
                    Ok(())
                }
            }
        }
    }
}
