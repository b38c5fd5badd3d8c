//! Stores refused logins: which flow they belong to, and what of them may be shown to whom.

use std::time::Duration;

use super::{document, error::Error, flow::new_flow, test_result};
use crate::{
    app::{Result, State},
    model::{
        email::Email,
        id::{SamlConnectionId, SamlFlowId},
        saml_flow::{FlowOrigin, FlowStatus, SamlFlow, StepKind},
        time::Timestamp,
    },
    oauth,
    saml::check::Check,
    store::{
        Conn,
        saml_connections::LoginConnection,
        saml_flows::{self, NewStep},
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
    pub flow: SamlFlowId,
    /// All checks, in order. Their expected values may be shown to the person only if `signature_verified`.
    pub checks: Vec<Check>,
    /// Whether a signature of the identity provider was verified.
    pub signature_verified: bool,
    /// The name of the environment, if known.
    pub application: Option<String>,
    /// The organization's name, if known.
    pub organization: Option<String>,
    /// The OAuth client's redirect URI with the error, if OAuth began the login in this browser.
    pub error_redirect: Option<String>,
    /// Our page with the result, if the login is a test.
    pub test_result_url: Option<String>,
}

impl RefusedLogin {
    /// A refusal without a flow; it is not stored.
    pub(super) fn not_stored(state: &State, refusal: Error) -> Self {
        let flow = SamlFlowId::new(state.now(), &*state.random);
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
            Error::SamlResponseMissing | Error::LinkExpired => true,
            _ => false,
        }
    }

    /// The failed check of the refusal.
    pub fn failed_check(&self) -> Option<&Check> {
        self.checks.iter().find(|check| !check.passed && check.name == self.refusal.code())
    }
}

/// What is known of a received response.
pub(super) struct LoginAttempt {
    /// The flow of its InResponseTo.
    pub flow: Option<SamlFlow>,
    /// Whether that flow is bound to the browser that posted it.
    pub browser_matches: bool,
    /// Whether a signature of the connection's identity provider was verified.
    pub signature_verified: bool,
    /// The e-mail address in it, used only if `signature_verified`.
    pub claimed_email: Option<Email>,
    /// All checks so far, in order.
    pub checks: Vec<Check>,
    /// The response document.
    pub xml: Option<String>,
}

/// Refuses a response and stores the refusal: in the flow of its InResponseTo if the browser or the signature
/// proves that it belongs there, otherwise in a detached flow. Only the flow's own browser changes the flow's status.
pub(super) async fn refuse(
    state: &State,
    target: &LoginConnection,
    attempt: LoginAttempt,
    refusal: Error,
) -> Result<RefusedLogin> {
    let now = state.now();
    let LoginAttempt { flow, browser_matches, signature_verified, claimed_email, checks, xml } = attempt;
    let claimed_email = claimed_email.filter(|_| signature_verified);
    let attached = flow.filter(|_| browser_matches || signature_verified);
    let kept = xml.filter(|xml| signature_verified || xml.len() <= MAX_UNVERIFIED_DOCUMENT_BYTES);
    let sealed = |id| kept.as_deref().map(|xml| document::seal(state, id, xml, now));
    let step = |document| NewStep { at: now, kind: StepKind::Refused, checks: &checks, document };
    let connection = target.connection.id;
    let (id, error_redirect) = match &attached {
        Some(flow) => {
            let mut tx = state.db.write().await?;
            let is_history = is_history(&mut tx, connection, signature_verified, now).await?;
            match browser_matches {
                true => {
                    let code = refusal.code();
                    saml_flows::update_refused(
                        &mut tx,
                        flow.id,
                        code,
                        claimed_email.as_ref(),
                        is_history,
                        now,
                    )
                    .await?;
                }
                false => {
                    saml_flows::update_seen(&mut tx, flow.id, claimed_email.as_ref(), is_history, now)
                        .await?;
                }
            }
            if is_history {
                saml_flows::insert_step(&mut tx, flow.id, step(sealed(flow.id))).await?;
            } else if flow.status != FlowStatus::Failed {
                saml_flows::insert_step(&mut tx, flow.id, step(None)).await?;
            }
            tx.commit().await?;
            (flow.id, browser_matches.then(|| error_redirect(flow, refusal)).flatten())
        }
        None => {
            let id = SamlFlowId::new(now, &*state.random);
            let origin = if signature_verified { FlowOrigin::Idp } else { FlowOrigin::Detached };
            // Checked without the write lock first, and again inside the write transaction.
            let is_stored = {
                let mut conn = state.db.read().await?;
                is_stored_detached(&mut conn, connection, signature_verified, now).await?
            };
            if is_stored {
                let mut tx = state.db.write().await?;
                if is_stored_detached(&mut tx, connection, signature_verified, now).await? {
                    let mut flow = new_flow(target, origin, None, None, false, id, now);
                    flow.status = FlowStatus::Failed;
                    flow.refusal = Some(refusal.code().to_owned());
                    flow.claimed_email = claimed_email;
                    saml_flows::insert(&mut tx, &flow).await?;
                    let document = if signature_verified { sealed(id) } else { None };
                    saml_flows::insert_step(&mut tx, id, step(document)).await?;
                    tx.commit().await?;
                }
            }
            (id, None)
        }
    };
    let own = attached.as_ref().filter(|_| browser_matches);
    let test_result_url = own.and_then(|flow| test_result::url_with_proof(state, target, flow));
    if test_result_url.is_none() {
        telemetry::login_failed(refusal.code());
    }
    tracing::info!(flow = %id, connection = %target.connection.id, reason = refusal.code(), "login refused");
    Ok(RefusedLogin {
        refusal,
        flow: id,
        checks,
        signature_verified,
        application: non_empty(&target.environment.display_name),
        organization: non_empty(&target.organization.display_name),
        error_redirect,
        test_result_url,
    })
}

/// Whether one more refusal of the connection is retained as history.
async fn is_history(
    conn: &mut Conn,
    connection: SamlConnectionId,
    verified: bool,
    now: Timestamp,
) -> Result<bool> {
    let most = if verified { MAX_VERIFIED_PER_HOUR } else { MAX_UNVERIFIED_PER_HOUR };
    Ok(saml_flows::count_refused(conn, connection, an_hour_before(now), most).await? < most)
}

/// Whether a refused response without a flow is stored.
async fn is_stored_detached(
    conn: &mut Conn,
    connection: SamlConnectionId,
    verified: bool,
    now: Timestamp,
) -> Result<bool> {
    if verified {
        return is_history(conn, connection, true, now).await;
    }
    let stray =
        saml_flows::count_detached(conn, connection, an_hour_before(now), MAX_DETACHED_PER_HOUR).await?;
    Ok(stray < MAX_DETACHED_PER_HOUR)
}

/// Refuses a stored flow before its request is sent. The browser is the one that begins it.
pub(super) async fn refuse_before_request(
    state: &State,
    target: &LoginConnection,
    flow: &SamlFlow,
    refusal: Error,
    checks: Vec<Check>,
) -> Result<RefusedLogin> {
    let now = state.now();
    let mut tx = state.db.write().await?;
    let is_history = is_history(&mut tx, target.connection.id, false, now).await?;
    saml_flows::update_refused(&mut tx, flow.id, refusal.code(), None, is_history, now).await?;
    let step = NewStep { at: now, kind: StepKind::Refused, checks: &checks, document: None };
    saml_flows::insert_step(&mut tx, flow.id, step).await?;
    tx.commit().await?;
    let test_result_url = test_result::url(state, target, flow);
    if test_result_url.is_none() {
        telemetry::login_failed(refusal.code());
    }
    tracing::info!(flow = %flow.id, connection = %flow.saml_connection_id, reason = refusal.code(), "login refused");
    let error_redirect = error_redirect(flow, refusal);
    Ok(RefusedLogin {
        refusal,
        flow: flow.id,
        checks,
        signature_verified: false,
        application: non_empty(&target.environment.display_name),
        organization: None,
        error_redirect,
        test_result_url,
    })
}

/// The OAuth client's redirect URI with the error response (RFC 6749 §4.1.2.1); `None` once the request was consumed.
fn error_redirect(flow: &SamlFlow, refusal: Error) -> Option<String> {
    let oauth_request = flow.oauth.as_ref()?;
    if flow.request.as_ref().is_some_and(|request| request.consumed_at.is_some()) {
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
