//! Accepts a login with a verified response: resolves the person, issues a code for the app and stores both in one
//! transaction.

use super::{
    document,
    eligibility::{self, Denial, LoginSubject},
    error::Error,
    identity,
    refuse::LoginAttempt,
    test_result,
};
use crate::{
    app::{self, Result, State},
    model::{
        email::Email,
        saml_flow::{Attributes, FlowOrigin, IssuedCode, PendingRequest, SamlFlow, StepKind},
        secret::{AccessCode, Digest},
    },
    oauth,
    saml::{VerifiedAssertion, check::Check},
    store::{
        saml_connections::LoginConnection,
        saml_flows::{self, AcceptedResponse, NewStep},
    },
    telemetry,
};

/// Accepts a pending login; returns the app's URL with the code, or the refusal.
pub(super) async fn accept(
    state: &State,
    target: &LoginConnection,
    flow: &SamlFlow,
    request: &PendingRequest,
    assertion: &VerifiedAssertion,
    attempt: &mut LoginAttempt,
) -> Result<Result<String, Error>> {
    let is_administrator = flow.origin == FlowOrigin::Administrator;
    let has_target = flow.oauth.is_some() || flow.origin.is_test() || is_administrator;
    let email = match authorize(target, has_target, assertion, &mut attempt.checks) {
        Ok(email) => email,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let now = state.now();
    let code = AccessCode::new(&*state.random);
    let attributes = attributes_of(assertion);
    let lifetime = match flow.oauth {
        Some(_) => oauth::token::CODE_LIFETIME,
        None => state.settings.access_code_lifetime,
    };
    let answer = AcceptedResponse {
        email: &email,
        attributes: &attributes,
        authenticated_at: assertion.authn_instant,
        code: (!flow.origin.is_test()).then(|| (code.digest(), now + lifetime)),
    };
    let mut tx = state.db.write().await?;
    if let Err(refusal) = authorize_in_transaction(&mut tx, target, &email, &mut attempt.checks).await? {
        return Ok(Err(refusal));
    }
    if !saml_flows::consume_request(&mut tx, flow.id, &request.id, &answer, now).await? {
        return Ok(Err(Error::RequestAlreadyUsed));
    }
    if !record_assertion(&mut tx, target, assertion).await? {
        attempt.checks.push(replayed_check());
        return Ok(Err(Error::AssertionReplayed));
    }
    attempt.checks.push(Error::AssertionReplayed.passed(None, None));
    record_accepted(state, &mut tx, flow, attempt).await?;
    tx.commit().await?;
    if is_administrator {
        // The code is not disclosed: the browser that began the login proves itself by its cookie.
        return Ok(Ok(state.links.console_saml_finish(flow.id).into()));
    }
    if let Some(page) = test_result::url_with_proof(state, target, flow) {
        tracing::info!(flow = %flow.id, connection = %flow.saml_connection_id, "test login accepted");
        return Ok(Ok(page));
    }
    Ok(Ok(app_redirect(target, flow, &code)))
}

/// Accepts `flow`, a new login that the identity provider began.
pub(super) async fn accept_unsolicited(
    state: &State,
    target: &LoginConnection,
    mut flow: SamlFlow,
    assertion: &VerifiedAssertion,
    attempt: &mut LoginAttempt,
) -> Result<Result<String, Error>> {
    let email = match authorize(target, false, assertion, &mut attempt.checks) {
        Ok(email) => email,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let code = AccessCode::new(&*state.random);
    flow.email = Some(email.clone());
    flow.attributes = attributes_of(assertion);
    flow.code = Some(IssuedCode {
        digest: code.digest(),
        expires_at: flow.created_at + state.settings.access_code_lifetime,
        consumed_at: None,
    });
    let mut tx = state.db.write().await?;
    if let Err(refusal) = authorize_in_transaction(&mut tx, target, &email, &mut attempt.checks).await? {
        return Ok(Err(refusal));
    }
    if !record_assertion(&mut tx, target, assertion).await? {
        attempt.checks.push(replayed_check());
        return Ok(Err(Error::AssertionReplayed));
    }
    attempt.checks.push(Error::AssertionReplayed.passed(None, None));
    saml_flows::insert(&mut tx, &flow).await?;
    record_accepted(state, &mut tx, &flow, attempt).await?;
    tx.commit().await?;
    Ok(Ok(app_redirect(target, &flow, &code)))
}

/// Whether the assertion was accepted before.
pub(super) async fn is_replayed(
    state: &State,
    target: &LoginConnection,
    assertion: &VerifiedAssertion,
) -> Result<bool> {
    let mut conn = state.db.read().await?;
    Ok(saml_flows::has_seen_assertion(&mut conn, target.connection.id, Digest::of(&assertion.id)).await?)
}

/// Authenticates and authorises the person: returns their e-mail address if its domain belongs to the organization and
/// the login has a redirect target.
pub(super) fn authorize(
    target: &LoginConnection,
    has_target: bool,
    assertion: &VerifiedAssertion,
    checks: &mut Vec<Check>,
) -> Result<Email, Error> {
    let email = identity::find_email(&target.connection, &assertion.subject, checks)?;
    identity::check_domain(&target.organization, &email, checks)?;
    if !has_target && target.environment.redirect_url.is_none() {
        checks.push(Error::NoRedirectUrl.failed(None, None));
        return Err(Error::NoRedirectUrl);
    }
    Ok(email)
}

/// Authorises again in the transaction that accepts the login: the connection may be deleted, the domain removed or
/// the person deactivated since the response was verified.
async fn authorize_in_transaction(
    tx: &mut crate::store::Transaction,
    target: &LoginConnection,
    email: &Email,
    checks: &mut Vec<Check>,
) -> Result<Result<(), Error>> {
    let connection_id = target.connection.id;
    let login = LoginSubject { organization_id: target.organization.id, connection_id, email };
    match eligibility::check(tx, login, checks).await? {
        Ok(_) => Ok(Ok(())),
        Err(Denial::Gone) => Err(app::Error::not_found("SAML connection", connection_id)),
        Err(Denial::Refused(refusal)) => Ok(Err(refusal)),
    }
}

/// Stores the ID of the assertion against replay; `false` if it was accepted before, on any replica.
async fn record_assertion(
    tx: &mut crate::store::Transaction,
    target: &LoginConnection,
    assertion: &VerifiedAssertion,
) -> Result<bool> {
    let digest = Digest::of(&assertion.id);
    let until = assertion.not_on_or_after;
    Ok(saml_flows::insert_seen_assertion(tx, target.connection.id, digest, until).await?)
}

fn replayed_check() -> Check {
    Error::AssertionReplayed.failed(Some("an assertion that was never used".to_owned()), None)
}

/// Adds the accepted response to the flow's timeline.
async fn record_accepted(
    state: &State,
    tx: &mut crate::store::Transaction,
    flow: &SamlFlow,
    attempt: &LoginAttempt,
) -> Result<()> {
    let now = state.now();
    let document = attempt.xml.as_deref().map(|xml| document::seal(state, flow.id, xml, now));
    let step = NewStep { at: now, kind: StepKind::Accepted, checks: &attempt.checks, document };
    Ok(saml_flows::insert_step(tx, flow.id, step).await?)
}

/// The browser's redirect: the OAuth client's redirect URI with code and state, or the environment's redirect URL with
/// the access code.
fn app_redirect(target: &LoginConnection, flow: &SamlFlow, code: &AccessCode) -> String {
    telemetry::login_succeeded();
    tracing::info!(flow = %flow.id, connection = %flow.saml_connection_id, "login accepted");
    let code = code.reveal();
    match (&flow.oauth, &target.environment.redirect_url) {
        (Some(oauth), _) => {
            let mut pairs = vec![("code", code.as_str())];
            if let Some(app_state) = &flow.state {
                pairs.push(("state", app_state));
            }
            oauth::authorize::response_url(&oauth.redirect_uri, &pairs)
        }
        (None, Some(url)) => url.with_query(&[("saml_access_code", &code)]),
        (None, None) => String::from("/"), // `authorize` refused such a login
    }
}

/// The person's attributes by name, as stored and returned to apps.
fn attributes_of(assertion: &VerifiedAssertion) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, values) in &assertion.subject.attributes {
        attributes.entry(name.clone()).or_default().extend(values.iter().cloned());
    }
    attributes
}
