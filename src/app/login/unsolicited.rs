//! Unsolicited (IdP-initiated) responses (SAML 2.0 Profiles §4.1.5), by the policy of the connection or of its
//! environment.

use std::time::Duration;

use base::id::LoginFlowId;
use model::{environment::IdpInitiated, login_flow::FlowOrigin};
use saml::VerifiedAssertion;

use super::{
    acs::{AcsOutcome, AcsRequest},
    attempt::{LoginAttempt, LoginResult},
    begin,
    error::Error,
    flow::new_flow,
    response_limits,
};
use crate::{
    store::{login_flow_counts, oauth_clients},
    telemetry,
};

/// A restarted login that is answered by another unsolicited response within this time is a loop.
const LOOP_WINDOW: Duration = Duration::from_secs(120);

/// How many bytes of RelayState are passed to the app as its state, where unsolicited responses are allowed.
const MAX_RELAY_STATE_BYTES: usize = 2048;

/// Handles a verified response without InResponseTo.
pub(super) async fn handle(
    attempt: &mut LoginAttempt<'_>,
    request: &AcsRequest,
    assertion: &VerifiedAssertion,
) -> LoginResult<AcsOutcome> {
    match attempt.idp_initiated() {
        IdpInitiated::Refuse => {
            let expected = Some("InResponseTo".to_owned());
            let found = Some("a response that answers no request".to_owned());
            Err(attempt.checks.fail(Error::IdpInitiatedRefused, expected, found).into())
        }
        IdpInitiated::Allow => {
            let now = attempt.state.now();
            let id = LoginFlowId::new(now, &*attempt.state.random);
            let relay_state = request.relay_state.clone().filter(|text| {
                !text.is_empty() && text.len() <= MAX_RELAY_STATE_BYTES && !text.chars().any(char::is_control)
            });
            telemetry::request_is_of_login(id);
            let flow = new_flow(attempt.target, FlowOrigin::Idp, relay_state, None, false, id, now);
            let location = attempt.accept_unsolicited(flow, assertion).await?;
            Ok(AcsOutcome::Accepted { flow: id, location })
        }
        IdpInitiated::Restart => restart(attempt, request).await,
    }
}

/// Discards the response and begins a new login: here if the environment has a redirect URL, otherwise at the app
/// if an OAuth client has an `initiate_login_uri`.
async fn restart(attempt: &mut LoginAttempt<'_>, request: &AcsRequest) -> LoginResult<AcsOutcome> {
    attempt.check_begin()?;
    let (state, target) = (attempt.state, attempt.target);
    let now = state.now();
    if target.environment.redirect_url.is_none() {
        let mut conn = state.db.read().await?;
        let client = oauth_clients::find_initiating(&mut conn, target.environment.id).await?;
        let Some(uri) = client.and_then(|client| client.initiate_login_uri) else {
            return Err(attempt.checks.fail(Error::NoRedirectUrl, None, None).into());
        };
        let issuer = state.links.oauth_issuer();
        let organization = target.organization.id.to_string();
        let location = uri.with_query(&[("iss", &issuer), ("organization_id", &organization)]);
        return Ok(AcsOutcome::InitiateAtApp { location });
    }
    match &request.browser {
        // Over plain http a cross-site post has no cookie, and a loop could not be detected.
        None if !request.reposted && !state.links.is_trustworthy() => return Ok(AcsOutcome::Repost),
        Some(browser) => {
            let mut conn = state.db.read().await?;
            let since = now - LOOP_WINDOW;
            if login_flow_counts::has_pending_restart(
                &mut conn,
                target.connection.id.into(),
                browser.digest(),
                since,
            )
            .await?
            {
                return Err(attempt.checks.fail(Error::RestartLoop, None, None).into());
            }
        }
        None => {}
    }
    response_limits::count_restart(state, target.connection.id.into(), request.client)?;
    let id = LoginFlowId::new(now, &*state.random);
    telemetry::request_is_of_login(id);
    let flow = new_flow(target, FlowOrigin::Restart, None, None, false, id, now);
    let begun = begin::begin(state, target, flow, request.browser.clone(), &request.host).await?;
    Ok(AcsOutcome::Restarted(begun))
}
