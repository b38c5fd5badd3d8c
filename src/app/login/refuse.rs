//! Stores refused logins: which flow they belong to, and what of them may be shown to whom.

use std::time::Duration;

use base::{connection_id::ConnectionId, id::LoginFlowId, time::Timestamp};
use model::{
    email::Email,
    login_flow::{FlowOrigin, FlowStatus, LoginFlow, StepKind},
};
use saml::check::Check;

use super::{
    attempt::{BrowserBinding, LoginAttempt},
    document,
    error::Error,
    flow::new_flow,
    issuer,
    protocol::Protocol,
    test_result,
};
use crate::{
    app::{Result, State},
    store::{
        Conn, login_flow_counts,
        login_flow_steps::{self, NewStep},
        login_flows,
    },
    telemetry,
};

/// How many detached responses of a connection are stored per hour. Further ones are only counted in the metrics, so
/// that invalid posts cannot fill the database.
const MAX_DETACHED_PER_HOUR: i64 = 50;

/// How many refusals of a connection per hour are retained as history, for responses without a verified signature.
/// Further logins are removed like unfinished ones.
const MAX_UNVERIFIED_PER_HOUR: i64 = 100;

/// The same for responses with a verified signature: a signed response can be posted many times.
const MAX_VERIFIED_PER_HOUR: i64 = 500;

/// The maximum size of a stored response without a verified signature. Typical responses have 6 to 15 kB.
const MAX_UNVERIFIED_DOCUMENT_BYTES: usize = 16 * 1024;

/// A refused login, as it is shown to the person and reported to the app.
#[derive(Debug)]
pub struct RefusedLogin {
    /// The reason.
    pub refusal: Error,
    /// The flow's id, for support requests.
    pub flow: LoginFlowId,
    /// All checks, in order. Their expected values may be shown to the person only if `signature_verified`.
    pub checks: Vec<Check>,
    /// Whether a signature of the identity provider was verified.
    pub signature_verified: bool,
    /// The name of the environment, if known.
    pub application: Option<String>,
    /// The organization's name, if known.
    pub organization: Option<String>,
    /// The OAuth client's redirect URI with the error, if OAuth began the login in this browser; or our address that leads there.
    pub error_redirect: Option<String>,
    /// Our page with the result, if the login is a test.
    pub test_result_url: Option<String>,
}

impl RefusedLogin {
    /// A refusal without a flow; it is not stored.
    pub(super) fn not_stored(state: &State, refusal: Error) -> Self {
        let flow = LoginFlowId::new(state.now(), &*state.random);
        telemetry::request_is_of_login(flow);
        telemetry::login_failed(refusal.code());
        tracing::info!(flow = %flow, reason = refusal.code(), "login refused");
        Self {
            refusal,
            flow,
            checks: vec![refusal.failed(None, None)],
            signature_verified: false,
            application: None,
            organization: None,
            error_redirect: None,
            test_result_url: None,
        }
    }

    /// Whether the message itself is invalid or not trusted, as opposed to a valid message of a refused login.
    pub fn is_invalid_message(&self) -> bool {
        match self.refusal {
            Error::Response(_) => !self.signature_verified,
            Error::SamlResponseMissing | Error::LinkExpired | Error::StateUnknown => true,
            Error::AuthorizationResponseMalformed | Error::ResponseIssuerMismatch => true,
            _ => false,
        }
    }

    /// The failed check of the refusal.
    pub fn failed_check(&self) -> Option<&Check> {
        self.checks.iter().find(|check| !check.passed && check.name == self.refusal.code())
    }
}

impl<C: Protocol> LoginAttempt<'_, C> {
    /// Refuses the login and stores the refusal: in its flow if the browser or the signature proves that it belongs
    /// there, otherwise in a detached flow. Only the flow's own browser changes the flow's status.
    pub(super) async fn refuse(self, error: Error) -> Result<RefusedLogin> {
        let (state, target, now) = (self.state, self.target, self.state.now());
        let attached = self.flow.as_ref().filter(|_| self.binding.is_own() || self.signature_verified);
        let id = match attached {
            Some(flow) => self.store_in(flow, error, now).await?,
            None => self.store_detached(error, now).await?,
        };
        let own = attached.filter(|_| self.binding.is_own());
        let is_beginning = self.binding.is_beginning();
        // The proof is only for the browser that the request is bound to.
        let test_result_url = own.and_then(|flow| match is_beginning {
            true => test_result::url(state, target, flow),
            false => test_result::url_with_proof(state, target, flow),
        });
        let error_redirect = match own {
            Some(flow) if flow.origin == FlowOrigin::Issuer => issuer::decline_url(state, flow).await?,
            Some(flow) => error_redirect(flow, error),
            None => None,
        };
        if test_result_url.is_none() {
            telemetry::login_failed(error.code());
        }
        tracing::info!(flow = %id, connection = %target.connection.connection_id(), reason = error.code(), "login refused");
        Ok(RefusedLogin {
            refusal: error,
            flow: id,
            signature_verified: self.signature_verified,
            application: non_empty(&target.environment.display_name),
            organization: non_empty(&target.organization.display_name).filter(|_| !is_beginning),
            error_redirect,
            test_result_url,
            checks: self.checks.0,
        })
    }

    /// Stores the refusal in `flow`.
    async fn store_in(&self, flow: &LoginFlow, error: Error, now: Timestamp) -> Result<LoginFlowId> {
        let claimed_email = self.signed_email();
        let mut tx = self.state.db.write().await?;
        if self.binding == BrowserBinding::New {
            login_flows::insert(&mut tx, flow).await?;
        }
        let is_history = is_history(&mut tx, self.connection_id(), self.signature_verified, now).await?;
        if self.binding.is_own() {
            let code = error.code();
            login_flows::update_refused(&mut tx, flow.id, code, claimed_email, is_history, now).await?;
        } else {
            login_flows::update_seen(&mut tx, flow.id, claimed_email, is_history, now).await?;
        }
        if is_history {
            let step = self.refused_step(now, self.sealed_document(flow.id, now));
            login_flow_steps::insert(&mut tx, flow.id, step).await?;
        } else if flow.status != FlowStatus::Failed || self.binding.is_beginning() {
            login_flow_steps::insert(&mut tx, flow.id, self.refused_step(now, None)).await?;
        }
        tx.commit().await?;
        Ok(flow.id)
    }

    /// Stores the refusal in a detached flow, unless there are too many; returns its id in either case.
    async fn store_detached(&self, error: Error, now: Timestamp) -> Result<LoginFlowId> {
        let (state, connection, verified) = (self.state, self.connection_id(), self.signature_verified);
        let id = LoginFlowId::new(now, &*state.random);
        telemetry::request_is_of_login(id);
        let origin = if verified { FlowOrigin::Idp } else { FlowOrigin::Detached };
        // Checked without the write lock first, and again inside the write transaction.
        let is_stored = {
            let mut conn = state.db.read().await?;
            is_stored_detached(&mut conn, connection, verified, now).await?
        };
        if is_stored {
            let mut tx = state.db.write().await?;
            if is_stored_detached(&mut tx, connection, verified, now).await? {
                let mut flow = new_flow(self.target, origin, None, None, false, id, now);
                flow.status = FlowStatus::Failed;
                flow.refusal = Some(error.code().to_owned());
                flow.claimed_email = self.signed_email().cloned();
                login_flows::insert(&mut tx, &flow).await?;
                let document = if verified { self.sealed_document(id, now) } else { None };
                login_flow_steps::insert(&mut tx, id, self.refused_step(now, document)).await?;
                tx.commit().await?;
            }
        }
        Ok(id)
    }

    /// The e-mail address in a signed response.
    fn signed_email(&self) -> Option<&Email> {
        self.claimed_email.as_ref().filter(|_| self.signature_verified)
    }

    /// The response for the timeline of `flow`, unless it is large and not signed.
    fn sealed_document(&self, flow: LoginFlowId, now: Timestamp) -> Option<(String, Timestamp)> {
        let text = self.document.as_deref()?;
        let is_kept = self.signature_verified || text.len() <= MAX_UNVERIFIED_DOCUMENT_BYTES;
        is_kept.then(|| document::seal(self.state, flow, text, now))
    }

    /// The refusal for a flow's timeline.
    fn refused_step(&self, now: Timestamp, document: Option<(String, Timestamp)>) -> NewStep<'_> {
        NewStep { at: now, kind: StepKind::Refused, checks: &self.checks.0, document }
    }
}

/// Whether one more refusal of the connection is retained as history.
async fn is_history(
    conn: &mut Conn,
    connection: ConnectionId,
    verified: bool,
    now: Timestamp,
) -> Result<bool> {
    let most = if verified { MAX_VERIFIED_PER_HOUR } else { MAX_UNVERIFIED_PER_HOUR };
    Ok(login_flow_counts::count_refused(conn, connection, an_hour_before(now), most).await? < most)
}

/// Whether a refused response without a flow is stored.
async fn is_stored_detached(
    conn: &mut Conn,
    connection: ConnectionId,
    verified: bool,
    now: Timestamp,
) -> Result<bool> {
    if verified {
        return is_history(conn, connection, true, now).await;
    }
    let stray =
        login_flow_counts::count_detached(conn, connection, an_hour_before(now), MAX_DETACHED_PER_HOUR)
            .await?;
    Ok(stray < MAX_DETACHED_PER_HOUR)
}

/// The OAuth client's redirect URI with the error response (RFC 6749 §4.1.2.1); `None` once the request was answered.
fn error_redirect(flow: &LoginFlow, refusal: Error) -> Option<String> {
    let oauth_request = flow.oauth.as_ref()?;
    if flow.answered_at.is_some() {
        return None;
    }
    let id = flow.id.to_string();
    let description = format!("The login was refused: {}. Reference: {id}", refusal.code());
    let mut pairs = vec![("error", "access_denied"), ("error_description", description.as_str())];
    if let Some(app_state) = &flow.state {
        pairs.push(("state", app_state));
    }
    pairs.push(("saml_flow_id", &id));
    Some(oauth::authorize::response_url(&oauth_request.redirect_uri, &pairs))
}

/// The name; `None` if it is empty.
fn non_empty(name: &str) -> Option<String> {
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

fn an_hour_before(now: Timestamp) -> Timestamp {
    now - Duration::from_secs(3600)
}
