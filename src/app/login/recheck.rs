//! Verifies a stored response again, against the connection's current settings: would the login be accepted?
//!
//! Writes nothing. Checks that can pass only once (pending request, assertion replay, browser) are skipped; times are
//! checked as of the time at which the response was received.

use std::net::Ipv4Addr;

use base::time::Timestamp;
use model::{
    email::Email,
    environment::IdpInitiated,
    login_flow::{FlowOrigin, LoginFlow},
};
use saml::{VerifiedAssertion, check::Check, checks};

use super::{
    attempt::{LoginAttempt, LoginResult, Stop},
    eligibility,
    error::Error,
    verification::ResponseInput,
};
use crate::{
    app::{Result, State},
    store::login_connections::LoginConnection,
};

/// Verifies `xml`, a response of `flow` received at `at`, against `target` as it is now. Returns all checks, and the
/// e-mail address or the refusal.
pub(in crate::app) async fn recheck(
    state: &State,
    target: &LoginConnection,
    flow: &LoginFlow,
    xml: String,
    at: Timestamp,
) -> Result<(Vec<Check>, Result<Email, Error>)> {
    let mut attempt = LoginAttempt::new(state, target);
    match handle(&mut attempt, flow, xml, at).await {
        Ok(email) => Ok((attempt.checks.0, Ok(email))),
        Err(Stop::Refused(error)) => Ok((attempt.checks.0, Err(error))),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Returns the e-mail address of the person if the login would be accepted.
async fn handle(
    attempt: &mut LoginAttempt<'_>,
    flow: &LoginFlow,
    xml: String,
    at: Timestamp,
) -> LoginResult<Email> {
    attempt.check_ready()?;
    // All rechecks share one client in the connection's queue.
    let client = Ipv4Addr::UNSPECIFIED.into();
    let assertion = attempt.verify(client, ResponseInput::Xml(xml), at).await?;
    check_in_response_to(attempt, flow, &assertion)?;
    let has_target = flow.oauth.is_some() || flow.origin == FlowOrigin::Issuer;
    let email = attempt.find_email(&assertion)?;
    attempt.authorize(&email, has_target)?;
    let login = attempt.subject(None, &email);
    let mut conn = attempt.state.db.read().await?;
    match eligibility::check_read_only(&mut conn, login, &mut attempt.checks.0).await? {
        Ok(_) => Ok(email),
        Err(denial) => Err(attempt.stop(denial)),
    }
}

/// Checks that the response answers the flow's request, or that unsolicited responses are allowed.
fn check_in_response_to(
    attempt: &mut LoginAttempt<'_>,
    flow: &LoginFlow,
    assertion: &VerifiedAssertion,
) -> Result<(), Error> {
    match (&assertion.in_response_to, &flow.request) {
        (Some(_), Some(request)) => {
            let check = checks::in_response_to(Some(&request.id), assertion);
            let passed = check.passed;
            attempt.checks.0.push(check);
            if passed { Ok(()) } else { Err(Error::InResponseToUnknown) }
        }
        (Some(found), None) => {
            let expected = Some("the ID of a request of ours".to_owned());
            Err(attempt.checks.fail(Error::InResponseToUnknown, expected, Some(found.clone())))
        }
        (None, _) => {
            let policy = attempt.idp_initiated();
            let found = Some(policy.as_str().to_owned());
            match policy {
                IdpInitiated::Refuse => {
                    let expected = Some("InResponseTo".to_owned());
                    Err(attempt.checks.fail(Error::IdpInitiatedRefused, expected, found))
                }
                // Under RESTART the login that begins in its place signs the same person in.
                IdpInitiated::Allow | IdpInitiated::Restart => {
                    attempt.checks.pass(Error::IdpInitiatedRefused, None, found);
                    Ok(())
                }
            }
        }
    }
}
