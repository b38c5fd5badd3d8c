//! Accepts a login of a proven person: issues a code for the app and stores both in one transaction.

use std::time::Duration;

use base::{
    connection_id::ConnectionId,
    secret::{AccessCode, Digest},
    time::Timestamp,
};
use model::{
    email::Email,
    login_flow::{FlowOrigin, FlowStatus, LoginFlow, PendingRequest, StepKind},
};
use saml::VerifiedAssertion;

use super::{
    attempt::{LoginAttempt, LoginResult},
    attributes, document, eligibility,
    error::Error,
    federated,
    grant::issue_code,
    protocol::Protocol,
    proven::Proven,
    subject, test_result,
};
use crate::{
    app::{Result, State, accounts::users},
    store::{
        Transaction,
        login_connections::LoginConnection,
        login_flow_steps::{self, NewStep},
        login_flows, saml_assertions_seen,
    },
    telemetry,
};

/// What the check of [`Error::AssertionReplayed`] expects.
pub(super) const UNUSED_ASSERTION: &str = "an assertion that was never used";

impl<C: Protocol> LoginAttempt<'_, C> {
    /// Accepts a pending login of a proven person; returns the app's URL with the code.
    pub(super) async fn accept(
        &mut self,
        flow: &LoginFlow,
        request: &PendingRequest,
        proven: &Proven,
    ) -> LoginResult<String> {
        let (state, target) = (self.state, self.target);
        let is_administrator = flow.origin == FlowOrigin::Administrator;
        let is_issuer = flow.origin == FlowOrigin::Issuer;
        let has_target = flow.oauth.is_some() || flow.origin.is_test() || is_administrator || is_issuer;
        self.authorize(&proven.email, has_target)?;
        if is_issuer && !target.organization.is_disabled() && !target.organization.template {
            users::ensure_pool(state, flow.environment_id, flow.organization_id).await?;
        }
        let now = state.now();
        let code = AccessCode::new(&*state.random);
        let answered = answered(state, flow.clone(), proven, now);
        let mut tx = state.db.write().await?;
        let known = self.check_eligibility(&mut tx, flow, &proven.email).await?;
        if !login_flows::consume_request(&mut tx, &answered, request, now).await? {
            return Err(Error::RequestAlreadyUsed.into());
        }
        self.record_response(&mut tx, proven).await?;
        let account_page = match is_issuer {
            true => Some(self.identify(&mut tx, &answered, proven).await?),
            false => None,
        };
        self.record_accepted(&mut tx, flow).await?;
        if is_issuer {
            federated::record(&mut tx, proven.identity.as_ref()).await?;
        } else if !flow.origin.is_test() {
            federated::record(&mut tx, proven.identity.as_ref()).await?;
            self.issue(&mut tx, &answered, &proven.email, known, &code).await?;
        }
        tx.commit().await?;
        if let Some(page) = account_page {
            record_success(&answered);
            return Ok(page);
        }
        if is_administrator {
            // The code is not disclosed: the browser that began the login proves itself by its cookie.
            return Ok(state.links.console_saml_finish(flow.id).into());
        }
        if let Some(page) = test_result::url_with_proof(state, target, flow) {
            tracing::info!(flow = %flow.id, connection = %self.connection_id(), "test login accepted");
            return Ok(page);
        }
        Ok(app_redirect(target, flow, &code))
    }

    /// Authorises again in the transaction that accepts the login: the connection may be deleted, the client switched off,
    /// the domain removed or the person deactivated since the response was verified. Returns the subject that the organization has for the person.
    async fn check_eligibility(
        &mut self,
        tx: &mut Transaction,
        flow: &LoginFlow,
        email: &Email,
    ) -> LoginResult<Option<String>> {
        let client = flow.oauth.as_ref().map(|request| request.client_id);
        let login = self.subject(client, email);
        match eligibility::check(tx, login, &mut self.checks.0).await? {
            Ok(eligibility) => Ok(eligibility.subject),
            Err(denial) => Err(self.stop(denial)),
        }
    }

    /// Issues the code of the accepted login. `known` is the subject that the organization has for the person.
    async fn issue(
        &self,
        tx: &mut Transaction,
        flow: &LoginFlow,
        email: &Email,
        known: Option<String>,
        code: &AccessCode,
    ) -> Result<()> {
        let (state, environment, now) = (self.state, &self.target.environment, flow.updated_at);
        let subject = match flow.origin {
            FlowOrigin::Administrator => None,
            _ => Some(subject::decide(state, tx, environment, flow, email, known, now).await?),
        };
        issue_code(state, tx, flow, email, subject, code, now).await
    }

    /// Stores that a response which counts once has counted; refuses the login if it did before, on any replica.
    async fn record_response(&mut self, tx: &mut Transaction, proven: &Proven) -> LoginResult<()> {
        let (Some(response), ConnectionId::Saml(connection)) = (proven.response, self.connection_id()) else {
            return Ok(());
        };
        let is_new = saml_assertions_seen::insert(tx, connection, response.id, response.until).await?;
        let expected = (!is_new).then(|| UNUSED_ASSERTION.to_owned());
        Ok(self.checks.require(Error::AssertionReplayed, is_new, expected, None)?)
    }

    /// Adds the accepted response to the flow's timeline.
    async fn record_accepted(&self, tx: &mut Transaction, flow: &LoginFlow) -> Result<()> {
        let now = self.state.now();
        let document = self.document.as_deref().map(|text| document::seal(self.state, flow.id, text, now));
        let step = NewStep { at: now, kind: StepKind::Accepted, checks: &self.checks.0, document };
        Ok(login_flow_steps::insert(tx, flow.id, step).await?)
    }
}

impl LoginAttempt<'_> {
    /// Accepts `flow`, a new login that the identity provider began; returns the app's URL with the code.
    pub(super) async fn accept_unsolicited(
        &mut self,
        flow: LoginFlow,
        assertion: &VerifiedAssertion,
    ) -> LoginResult<String> {
        let state = self.state;
        let email = self.find_email(assertion)?;
        self.authorize(&email, false)?;
        let code = AccessCode::new(&*state.random);
        let now = flow.created_at;
        let proven = Proven::by_assertion(&flow, email, assertion, now);
        let flow = answered(state, flow, &proven, now);
        let mut tx = state.db.write().await?;
        let known = self.check_eligibility(&mut tx, &flow, &proven.email).await?;
        self.record_response(&mut tx, &proven).await?;
        login_flows::insert(&mut tx, &flow).await?;
        self.record_accepted(&mut tx, &flow).await?;
        federated::record(&mut tx, proven.identity.as_ref()).await?;
        self.issue(&mut tx, &flow, &proven.email, known, &code).await?;
        tx.commit().await?;
        Ok(app_redirect(self.target, &flow, &code))
    }

    /// Whether the assertion was accepted before.
    pub(super) async fn is_replayed(&self, assertion: &VerifiedAssertion) -> Result<bool> {
        let mut conn = self.state.db.read().await?;
        let digest = Digest::of(&assertion.id);
        Ok(saml_assertions_seen::is_known(&mut conn, self.target.connection.id, digest).await?)
    }
}

/// The flow once its response was accepted. A test is complete then; other logins wait for the app.
fn answered(state: &State, flow: LoginFlow, proven: &Proven, now: Timestamp) -> LoginFlow {
    let attributes = proven.attributes.clone();
    LoginFlow {
        status: if flow.origin.is_test() { FlowStatus::Succeeded } else { FlowStatus::InProgress },
        refusal: None,
        email: Some(proven.email.clone()),
        claimed_email: None,
        sealed_attributes: attributes::seal(state, flow.id, &attributes),
        attributes,
        authenticated_at: proven.authenticated_at,
        answered_at: Some(now),
        updated_at: now,
        ..flow
    }
}

/// The browser's redirect: the OAuth client's redirect URI with code and state, or the environment's redirect URL with
/// the access code.
fn app_redirect<C>(target: &LoginConnection<C>, flow: &LoginFlow, code: &AccessCode) -> String {
    record_success(flow);
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
        (None, None) => String::from("/"), // `LoginAttempt::authorize` refused such a login
    }
}

/// Counts a login that was accepted.
fn record_success(flow: &LoginFlow) {
    telemetry::login_succeeded(flow.answered_at.map_or(Duration::ZERO, |at| at.since(flow.created_at)));
    tracing::info!(flow = %flow.id, "login accepted");
}
