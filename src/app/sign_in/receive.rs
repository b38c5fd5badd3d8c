//! The response, posted to the Assertion Consumer Service (SAML 2.0 Profiles §4.1.4.3).

use super::{
    Begun, Browser, Refusal, Refused, answer,
    begin::check_ready,
    identity,
    record::{self, Evidence},
    unsolicited,
    verification::{Received, verify},
};
use crate::{
    app::{Error, Result, State, metadata_refresh},
    model::{
        check::Check,
        client_address::ClientAddress,
        id::{SamlConnectionId, SamlFlowId},
        saml_flow::{PendingRequest, SamlFlow},
        secret::Digest,
    },
    saml::{Verdict, VerifiedAssertion, checks},
    store::{
        saml_connections::{self, LoginConnection},
        saml_flows,
    },
};

/// A post to the Assertion Consumer Service.
#[derive(Debug)]
pub struct Post {
    /// The field `SAMLResponse`, if there is exactly one.
    pub saml_response: Option<String>,
    /// The field `RelayState`.
    pub relay_state: Option<String>,
    /// The host that the browser posted to.
    pub host: String,
    /// The address of the client.
    pub client: ClientAddress,
    /// The browser's cookie.
    pub browser: Option<Browser>,
    /// Whether one of our pages posted it again: the cookie was then sent if the browser has it.
    pub bounced: bool,
}

/// The result of a post.
#[derive(Debug)]
pub enum Outcome {
    /// The login is accepted; the browser is redirected to the app.
    Accepted {
        /// The flow.
        flow: SamlFlowId,
        /// The app's URL with the code.
        location: String,
    },
    /// The browser posts the same form again from one of our pages: a cross-site post from the identity provider
    /// lacks the SameSite cookie.
    Bounce,
    /// The response is discarded and a new login of the same connection begins.
    Restarted(Begun),
    /// The response is discarded and the app is asked to begin the login (OpenID Connect Core §4).
    HandedOver {
        /// The client's `initiate_login_uri`.
        location: String,
    },
    /// The login is refused.
    Refused(Refused),
}

/// Handles a response: verifies it, finds its flow, accepts or refuses the login, stores the result and returns the
/// next step of the browser.
pub async fn receive(state: &State, connection: SamlConnectionId, post: Post) -> Result<Outcome> {
    let target = {
        let mut conn = state.db.read().await?;
        saml_connections::find_for_login(&mut conn, connection)
            .await?
            .ok_or_else(|| Error::not_found("SAML connection", connection))?
    };
    if let Err((refusal, found)) = check_ready(state, &target.connection) {
        return refuse_unread(state, &target, refusal, found).await;
    }
    let Some(response) = &post.saml_response else {
        return refuse_unread(state, &target, Refusal::SamlResponseMissing, None).await;
    };
    let (client, received) = (post.client.network(), Received::Posted(response.clone()));
    let verdict = verify(state, &target, client, received, state.now()).await?;
    match verdict.outcome {
        Ok(ref assertion) if assertion.in_response_to.is_none() => {
            let assertion = assertion.clone();
            unsolicited::receive(state, &target, &post, assertion, verdict).await
        }
        Ok(ref assertion) => {
            let assertion = assertion.clone();
            receive_answer(state, &target, &post, assertion, verdict).await
        }
        Err(rejection) => {
            let flow = find_flow(state, connection, verdict.claims.in_response_to.as_deref()).await?;
            let browser_matches =
                flow.as_ref().is_some_and(|flow| is_carried_by(flow, post.browser.as_ref()));
            // A test result is shown only to its own browser; a cross-site post may lack the cookie.
            if post.browser.is_none()
                && !post.bounced
                && flow.as_ref().is_some_and(|flow| flow.origin.is_test())
            {
                return Ok(Outcome::Bounce);
            }
            let mut checks = verdict.checks;
            metadata_refresh::request_refresh(state, &target.connection, rejection, &mut checks).await?;
            let evidence = Evidence {
                flow,
                browser_matches,
                signature_verified: verdict.signature_verified,
                claimed: verdict.subject.and_then(|subject| identity::named(&target.connection, &subject)),
                checks,
                xml: verdict.xml,
            };
            Ok(Outcome::Refused(
                record::refuse(state, &target, evidence, Refusal::Response(rejection)).await?,
            ))
        }
    }
}

/// Handles a verified response with InResponseTo: it must name a pending request of ours, begun in this browser.
async fn receive_answer(
    state: &State,
    target: &LoginConnection,
    post: &Post,
    assertion: VerifiedAssertion,
    verdict: Verdict,
) -> Result<Outcome> {
    let flow = find_flow(state, target.connection.id, assertion.in_response_to.as_deref()).await?;
    let mut evidence = Evidence {
        browser_matches: flow.as_ref().is_some_and(|flow| is_carried_by(flow, post.browser.as_ref())),
        flow: None,
        signature_verified: verdict.signature_verified,
        claimed: None,
        checks: verdict.checks,
        xml: verdict.xml,
    };
    let Some((flow, request)) = flow.and_then(|flow| flow.request.clone().map(|request| (flow, request)))
    else {
        evidence.claimed = identity::named(&target.connection, &assertion.subject);
        evidence.checks.push(
            Refusal::InResponseToUnknown
                .failed(Some("the ID of a request of ours".to_owned()), assertion.in_response_to.clone()),
        );
        return Ok(Outcome::Refused(
            record::refuse(state, target, evidence, Refusal::InResponseToUnknown).await?,
        ));
    };
    if post.browser.is_none() && !post.bounced {
        return Ok(Outcome::Bounce);
    }
    evidence.checks.push(checks::in_response_to(Some(&request.id), &assertion));
    let verdict = match check_flow(state, &flow, &request, post, &mut evidence.checks) {
        Ok(()) => answer::sign_in(state, target, &flow, &request, &assertion, &mut evidence).await?,
        Err(refusal) => Err(refusal),
    };
    match verdict {
        Ok(location) => Ok(Outcome::Accepted { flow: flow.id, location }),
        Err(mut refusal) => {
            if refusal == Refusal::RequestAlreadyUsed && answer::was_seen(state, target, &assertion).await? {
                refusal = Refusal::AssertionReplayed;
                evidence
                    .checks
                    .push(refusal.failed(Some("an assertion that was never used".to_owned()), None));
            }
            evidence.flow = Some(flow);
            evidence.claimed = identity::named(&target.connection, &assertion.subject);
            Ok(Outcome::Refused(record::refuse(state, target, evidence, refusal).await?))
        }
    }
}

/// Checks that the flow is pending, bound to this browser and named by this RelayState.
fn check_flow(
    state: &State,
    flow: &SamlFlow,
    request: &PendingRequest,
    post: &Post,
    checks: &mut Vec<Check>,
) -> Result<(), Refusal> {
    let mut check = |refusal: Refusal, holds: bool, expected: Option<String>, found: Option<String>| {
        checks.push(if holds { refusal.passed(expected, found) } else { refusal.failed(expected, found) });
        if holds { Ok(()) } else { Err(refusal) }
    };
    let found = match &post.browser {
        None => "no cookie of ours",
        Some(browser) if browser.digest() == request.browser => "the same browser",
        Some(_) => "another browser",
    };
    check(
        Refusal::BrowserMismatch,
        is_carried_by(flow, post.browser.as_ref()),
        Some("the browser that began the login".to_owned()),
        Some(found.to_owned()),
    )?;
    let id = flow.id.to_string();
    let relay_state = post.relay_state.as_deref().filter(|relay_state| !relay_state.is_empty());
    check(
        Refusal::RelayStateMismatch,
        relay_state.is_none_or(|relay_state| relay_state == id),
        Some(id),
        relay_state.map(|relay_state| relay_state.chars().take(80).collect()),
    )?;
    check(
        Refusal::RequestAlreadyUsed,
        request.consumed_at.is_none(),
        Some("a login that is not finished".to_owned()),
        request.consumed_at.map(|at| format!("finished at {at}")),
    )?;
    check(
        Refusal::RequestExpired,
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
fn is_carried_by(flow: &SamlFlow, browser: Option<&Browser>) -> bool {
    let digest: Option<Digest> = browser.map(Browser::digest);
    flow.request.as_ref().is_some_and(|request| Some(request.browser) == digest)
}

/// Refuses a post without verifying its response.
async fn refuse_unread(
    state: &State,
    target: &LoginConnection,
    refusal: Refusal,
    found: Option<String>,
) -> Result<Outcome> {
    let evidence = Evidence {
        flow: None,
        browser_matches: false,
        signature_verified: false,
        claimed: None,
        checks: vec![refusal.failed(None, found)],
        xml: None,
    };
    Ok(Outcome::Refused(record::refuse(state, target, evidence, refusal).await?))
}
