//! The response, posted to the Assertion Consumer Service (SAML 2.0 Profiles §4.1.4.3).

use base::id::SamlConnectionId;
use model::login_flow::{LoginFlow, PendingRequest};
use saml::{VerifiedAssertion, checks};

use super::{
    accept::UNUSED_ASSERTION,
    acs::{AcsOutcome, AcsRequest},
    attempt::{LoginAttempt, LoginResult, Stop},
    error::Error,
    proven::Proven,
    unsolicited,
    verification::ResponseInput,
};
use crate::{
    app::{self, Result, State, connections::saml::metadata},
    store::login_connections,
};

/// Handles a response: verifies it, finds its flow, accepts or refuses the login, stores the result and returns the
/// next step of the browser.
pub async fn receive(state: &State, connection: SamlConnectionId, request: AcsRequest) -> Result<AcsOutcome> {
    // RelayState of our requests is the flow's id: not verified here, it saves the search for the flow.
    let named = request.relay_state.as_deref().and_then(|relay_state| relay_state.parse().ok());
    let (target, named) = {
        let mut conn = state.db.read().await?;
        login_connections::find_with_flow(&mut conn, connection, named)
            .await?
            .ok_or_else(|| app::Error::not_found("SAML connection", connection))?
    };
    let mut attempt = LoginAttempt { named, ..LoginAttempt::new(state, &target) };
    match handle(&mut attempt, &request).await {
        Ok(outcome) => Ok(outcome),
        Err(Stop::Refused(error)) => Ok(AcsOutcome::Refused(attempt.refuse(error).await?)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

/// Handles the response without storing a refusal.
async fn handle(attempt: &mut LoginAttempt<'_>, request: &AcsRequest) -> LoginResult<AcsOutcome> {
    attempt.check_ready()?;
    let Some(response) = &request.saml_response else {
        return Err(attempt.checks.fail(Error::SamlResponseMissing, None, None).into());
    };
    let (response, now) = (ResponseInput::Base64(response.clone()), attempt.state.now());
    match attempt.verify(request.client.network(), response, now).await {
        Ok(assertion) if assertion.in_response_to.is_none() => {
            unsolicited::handle(attempt, request, &assertion).await
        }
        Ok(assertion) => handle_solicited(attempt, request, &assertion).await,
        Err(Stop::Refused(Error::Response(error))) => handle_invalid(attempt, request, error).await,
        Err(stop) => Err(stop),
    }
}

/// Handles a response that failed verification: it is refused in the flow that it names.
async fn handle_invalid(
    attempt: &mut LoginAttempt<'_>,
    request: &AcsRequest,
    error: saml::Error,
) -> LoginResult<AcsOutcome> {
    let request_id = attempt.unverified_in_response_to.take();
    attempt.find_flow(request_id.as_deref(), request.browser.as_ref()).await?;
    // A test result is shown only to its own browser; a cross-site post may lack the cookie.
    if request.may_be_reposted() && attempt.flow.as_ref().is_some_and(|flow| flow.origin.is_test()) {
        return Ok(AcsOutcome::Repost);
    }
    let connection = &attempt.target.connection;
    metadata::request::request_refresh(attempt.state, connection, error, &mut attempt.checks.0).await?;
    Err(Error::Response(error).into())
}

/// Handles a verified response with InResponseTo: it must name a pending request of ours, begun in this browser.
async fn handle_solicited(
    attempt: &mut LoginAttempt<'_>,
    request: &AcsRequest,
    assertion: &VerifiedAssertion,
) -> LoginResult<AcsOutcome> {
    attempt.find_flow(assertion.in_response_to.as_deref(), request.browser.as_ref()).await?;
    let found = attempt.flow.take().and_then(|flow| flow.request.clone().map(|pending| (flow, pending)));
    let Some((flow, pending)) = found else {
        let expected = Some("the ID of a request of ours".to_owned());
        let found = assertion.in_response_to.clone();
        return Err(attempt.checks.fail(Error::InResponseToUnknown, expected, found).into());
    };
    attempt.flow = Some(flow.clone());
    if request.may_be_reposted() {
        return Ok(AcsOutcome::Repost);
    }
    attempt.checks.0.push(checks::in_response_to(Some(&pending.id), assertion));
    let accepted = match check_pending(attempt, &flow, &pending, request) {
        Ok(()) => accept(attempt, &flow, &pending, assertion).await,
        Err(error) => Err(error.into()),
    };
    if matches!(accepted, Err(Stop::Refused(Error::RequestAlreadyUsed)))
        && attempt.is_replayed(assertion).await?
    {
        let expected = Some(UNUSED_ASSERTION.to_owned());
        return Err(attempt.checks.fail(Error::AssertionReplayed, expected, None).into());
    }
    Ok(AcsOutcome::Accepted { flow: flow.id, location: accepted? })
}

/// Accepts the login of the person whom the assertion names.
async fn accept(
    attempt: &mut LoginAttempt<'_>,
    flow: &LoginFlow,
    pending: &PendingRequest,
    assertion: &VerifiedAssertion,
) -> LoginResult<String> {
    let email = attempt.find_email(assertion)?;
    let proven = Proven::by_assertion(flow, email, assertion, attempt.state.now());
    attempt.accept(flow, pending, &proven).await
}

/// Checks that the flow is pending, bound to this browser and named by this RelayState.
fn check_pending(
    attempt: &mut LoginAttempt<'_>,
    flow: &LoginFlow,
    pending: &PendingRequest,
    request: &AcsRequest,
) -> Result<(), Error> {
    attempt.check_browser(pending, request.browser.as_ref())?;
    let id = flow.id.to_string();
    let relay_state = request.relay_state.as_deref().filter(|relay_state| !relay_state.is_empty());
    attempt.checks.require(
        Error::RelayStateMismatch,
        relay_state.is_none_or(|relay_state| relay_state == id),
        Some(id),
        relay_state.map(|relay_state| relay_state.chars().take(80).collect()),
    )?;
    attempt.check_unanswered(flow)?;
    attempt.check_in_time(pending)
}
