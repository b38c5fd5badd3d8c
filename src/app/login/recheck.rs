//! Verifies a stored response again, against the connection's current settings: would the login be accepted?
//!
//! Writes nothing. Checks that can pass only once (pending request, assertion replay, browser) are skipped; times are
//! checked as of the time at which the response was received.

use super::{
    accept,
    begin::check_ready,
    eligibility::{self, Denial, LoginSubject},
    error::Error,
    verification::{ResponseInput, verify},
};
use crate::{
    app::{self, Result, State},
    model::{email::Email, environment::IdpInitiated, saml_flow::SamlFlow, time::Timestamp},
    saml::{VerifiedAssertion, check::Check, checks},
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
) -> Result<(Vec<Check>, Result<Email, Error>)> {
    if let Err((refusal, found)) = check_ready(state, &target.connection) {
        return Ok((vec![refusal.failed(None, found)], Err(refusal)));
    }
    // All rechecks share one client in the connection's queue.
    let client = std::net::Ipv4Addr::UNSPECIFIED.into();
    let verdict = verify(state, target, client, ResponseInput::Xml(xml), at).await?;
    let mut checks = verdict.checks;
    let outcome = match verdict.outcome {
        Err(rejection) => Err(Error::Response(rejection)),
        Ok(assertion) => authorize(state, target, flow, &assertion, &mut checks).await?,
    };
    Ok((checks, outcome))
}

async fn authorize(
    state: &State,
    target: &LoginConnection,
    flow: &SamlFlow,
    assertion: &VerifiedAssertion,
    checks: &mut Vec<Check>,
) -> Result<Result<Email, Error>> {
    if let Err(refusal) = check_in_response_to(target, flow, assertion, checks) {
        return Ok(Err(refusal));
    }
    let email = match accept::authorize(target, flow.oauth.is_some(), assertion, checks) {
        Ok(email) => email,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let connection_id = target.connection.id;
    let login = LoginSubject { organization_id: target.organization.id, connection_id, email: &email };
    let mut conn = state.db.read().await?;
    match eligibility::check_read_only(&mut conn, login, checks).await? {
        Ok(_) => Ok(Ok(email)),
        Err(Denial::Gone) => Err(app::Error::not_found("SAML connection", connection_id)),
        Err(Denial::Refused(refusal)) => Ok(Err(refusal)),
    }
}

/// Checks that the response answers the flow's request, or that unsolicited responses are allowed.
fn check_in_response_to(
    target: &LoginConnection,
    flow: &SamlFlow,
    assertion: &VerifiedAssertion,
    checks: &mut Vec<Check>,
) -> Result<(), Error> {
    match (&assertion.in_response_to, &flow.request) {
        (Some(_), Some(request)) => {
            let check = checks::in_response_to(Some(&request.id), assertion);
            let passed = check.passed;
            checks.push(check);
            if passed { Ok(()) } else { Err(Error::InResponseToUnknown) }
        }
        (Some(found), None) => {
            let expected = Some("the ID of a request of ours".to_owned());
            checks.push(Error::InResponseToUnknown.failed(expected, Some(found.clone())));
            Err(Error::InResponseToUnknown)
        }
        (None, _) => {
            let policy = target.connection.idp_initiated.unwrap_or(target.environment.idp_initiated);
            let (expected, found) = (Some("InResponseTo".to_owned()), Some(policy.as_str().to_owned()));
            match policy {
                IdpInitiated::Refuse => {
                    checks.push(Error::IdpInitiatedRefused.failed(expected, found));
                    Err(Error::IdpInitiatedRefused)
                }
                // Under RESTART the login that begins in its place signs the same person in.
                IdpInitiated::Allow | IdpInitiated::Restart => {
                    checks.push(Error::IdpInitiatedRefused.passed(None, found));
                    Ok(())
                }
            }
        }
    }
}
