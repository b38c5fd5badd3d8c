//! Accepts a login with a verified response: resolves the person, issues a code for the app and stores both in one
//! transaction.

use super::{
    Refusal, identity,
    record::{self, Evidence, own_test_result},
};
use crate::{
    app::{
        Error, Result, State,
        admission::{self, Denial, LoginAttempt},
    },
    model::{
        check::Check,
        email::Email,
        saml_flow::{Attributes, FlowOrigin, IssuedCode, PendingRequest, SamlFlow, StepKind},
        secret::{AccessCode, Digest},
    },
    oauth,
    saml::VerifiedAssertion,
    store::{
        saml_connections::LoginConnection,
        saml_flows::{self, AcceptedResponse, NewStep},
    },
    telemetry,
};

/// Accepts a pending login; returns the app's URL with the code, or the refusal.
pub(super) async fn sign_in(
    state: &State,
    target: &LoginConnection,
    flow: &SamlFlow,
    request: &PendingRequest,
    assertion: &VerifiedAssertion,
    evidence: &mut Evidence,
) -> Result<Result<String, Refusal>> {
    let stays_here = flow.origin == FlowOrigin::Administrator;
    let has_target = flow.oauth.is_some() || flow.origin.is_test() || stays_here;
    let email = match admit(target, has_target, assertion, &mut evidence.checks) {
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
    if let Err(refusal) = admit_now(&mut tx, target, &email, &mut evidence.checks).await? {
        return Ok(Err(refusal));
    }
    if !saml_flows::consume_request(&mut tx, flow.id, &request.id, &answer, now).await? {
        return Ok(Err(Refusal::RequestAlreadyUsed));
    }
    if !remember(&mut tx, target, assertion).await? {
        evidence.checks.push(replayed());
        return Ok(Err(Refusal::AssertionReplayed));
    }
    evidence.checks.push(Refusal::AssertionReplayed.passed(None, None));
    insert_accepted(state, &mut tx, flow, evidence).await?;
    tx.commit().await?;
    if stays_here {
        // The code is not disclosed: the browser that began the login proves itself by its cookie.
        return Ok(Ok(state.links.console_saml_finish(flow.id).into()));
    }
    if let Some(page) = own_test_result(state, target, flow) {
        tracing::info!(flow = %flow.id, connection = %flow.saml_connection_id, "test login accepted");
        return Ok(Ok(page));
    }
    Ok(Ok(accepted(target, flow, &code)))
}

/// Accepts `flow`, a new login that the identity provider began.
pub(super) async fn sign_in_unsolicited(
    state: &State,
    target: &LoginConnection,
    mut flow: SamlFlow,
    assertion: &VerifiedAssertion,
    evidence: &mut Evidence,
) -> Result<Result<String, Refusal>> {
    let email = match admit(target, false, assertion, &mut evidence.checks) {
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
    if let Err(refusal) = admit_now(&mut tx, target, &email, &mut evidence.checks).await? {
        return Ok(Err(refusal));
    }
    if !remember(&mut tx, target, assertion).await? {
        evidence.checks.push(replayed());
        return Ok(Err(Refusal::AssertionReplayed));
    }
    evidence.checks.push(Refusal::AssertionReplayed.passed(None, None));
    saml_flows::insert(&mut tx, &flow).await?;
    insert_accepted(state, &mut tx, &flow, evidence).await?;
    tx.commit().await?;
    Ok(Ok(accepted(target, &flow, &code)))
}

/// Whether the assertion was accepted before.
pub(super) async fn was_seen(
    state: &State,
    target: &LoginConnection,
    assertion: &VerifiedAssertion,
) -> Result<bool> {
    let mut conn = state.db.read().await?;
    Ok(saml_flows::has_seen_assertion(&mut conn, target.connection.id, Digest::of(&assertion.id)).await?)
}

/// Authenticates and authorises the person: returns their e-mail address if its domain belongs to the organization and
/// the login has a redirect target.
pub(super) fn admit(
    target: &LoginConnection,
    has_target: bool,
    assertion: &VerifiedAssertion,
    checks: &mut Vec<Check>,
) -> Result<Email, Refusal> {
    let email = identity::email_of(&target.connection, &assertion.subject, checks)?;
    identity::check_domain(&target.organization, &email, checks)?;
    if !has_target && target.environment.redirect_url.is_none() {
        checks.push(Refusal::NoRedirectUrl.failed(None, None));
        return Err(Refusal::NoRedirectUrl);
    }
    Ok(email)
}

/// Authorises again in the transaction that accepts the login: the connection may be deleted, the domain removed or
/// the person deactivated since the response was verified.
async fn admit_now(
    tx: &mut crate::store::Transaction,
    target: &LoginConnection,
    email: &Email,
    checks: &mut Vec<Check>,
) -> Result<Result<(), Refusal>> {
    let connection_id = target.connection.id;
    let login = LoginAttempt { organization_id: target.organization.id, connection_id, email };
    match admission::check(tx, login, checks).await? {
        Ok(_) => Ok(Ok(())),
        Err(Denial::Gone) => Err(Error::not_found("SAML connection", connection_id)),
        Err(Denial::Refused(refusal)) => Ok(Err(refusal)),
    }
}

/// Stores the ID of the assertion against replay; `false` if it was accepted before, on any replica.
async fn remember(
    tx: &mut crate::store::Transaction,
    target: &LoginConnection,
    assertion: &VerifiedAssertion,
) -> Result<bool> {
    let digest = Digest::of(&assertion.id);
    let until = assertion.not_on_or_after;
    Ok(saml_flows::insert_seen_assertion(tx, target.connection.id, digest, until).await?)
}

fn replayed() -> Check {
    Refusal::AssertionReplayed.failed(Some("an assertion that was never used".to_owned()), None)
}

/// Adds the accepted response to the flow's timeline.
async fn insert_accepted(
    state: &State,
    tx: &mut crate::store::Transaction,
    flow: &SamlFlow,
    evidence: &Evidence,
) -> Result<()> {
    let now = state.now();
    let document = evidence.xml.as_deref().map(|xml| record::seal_document(state, flow.id, xml, now));
    let step = NewStep { at: now, kind: StepKind::Accepted, checks: &evidence.checks, document };
    Ok(saml_flows::insert_step(tx, flow.id, step).await?)
}

/// The browser's redirect: the OAuth client's redirect URI with code and state, or the environment's redirect URL with
/// the access code.
fn accepted(target: &LoginConnection, flow: &SamlFlow, code: &AccessCode) -> String {
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
        (None, None) => String::from("/"), // `admit` refused such a login
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
