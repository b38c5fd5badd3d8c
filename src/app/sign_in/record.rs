//! Refusals as history: which flow they belong to, and what of them may be shown to whom.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use url::Url;

use super::Refusal;
use crate::{
    app::{Result, State},
    model::{
        check::Check,
        email::Email,
        id::{SamlConnectionId, SamlFlowId},
        saml_flow::{FlowOrigin, FlowStatus, SamlFlow, StepKind},
        time::Timestamp,
    },
    oauth,
    store::{
        Conn,
        saml_connections::LoginConnection,
        saml_flows::{self, NewStep},
    },
    telemetry,
};

/// How many stray posts of a connection are written down in an hour. More of them only count in the
/// figures: nobody can fill the database by posting nonsense.
const DETACHED_AN_HOUR: i64 = 50;

/// How many refusals of a connection in an hour may be history before one that proves nothing is none any more:
/// its login goes with those that nobody finished.
const UNPROVEN_AN_HOUR: i64 = 100;

/// The same for refusals of what the identity provider signed: a signed response can be posted again and again.
const PROVEN_AN_HOUR: i64 = 500;

/// How large an unproven response may be to be kept. Those of identity providers have 6 to 15 kB.
const UNPROVEN_DOCUMENT: usize = 16 * 1024;

/// The parameter of a test's page that carries the proof of `own_test_result`.
pub const SEEN: &str = "seen";

/// What that proof is authenticated for.
const SEEN_PURPOSE: &str = "test result";

/// A refused login, as the person and the app hear of it.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// The flow's id, to quote.
    pub flow: SamlFlowId,
    /// Every check that was made. Expected values among them are for outsiders only when
    /// `signature_verified`.
    pub checks: Vec<Check>,
    /// Whether the response was really the identity provider's.
    pub signature_verified: bool,
    /// The app, by its environment's name, where it is known.
    pub application: Option<String>,
    /// The organization's name, where the response or the link named one of ours.
    pub organization: Option<String>,
    /// Where the app waits for the news, in a login that OAuth began in this browser.
    pub back_to_app: Option<String>,
    /// The page of ours that tells how a test went, where it was one.
    pub test_result: Option<String>,
}

impl Refused {
    /// A refusal with no flow to write it into.
    pub(super) fn unrecorded(state: &State, refusal: Refusal) -> Self {
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
            back_to_app: None,
            test_result: None,
        }
    }

    /// Whether the message itself could not be read or trusted, rather than the login be admitted.
    pub fn is_about_form(&self) -> bool {
        match self.refusal {
            Refusal::Response(_) => !self.signature_verified,
            Refusal::SamlResponseMissing | Refusal::LinkExpired => true,
            _ => false,
        }
    }

    /// The check that decided.
    pub fn decisive(&self) -> Option<&Check> {
        self.checks.iter().find(|check| !check.passed && check.name == self.refusal.code())
    }
}

/// What is known of a refused response.
pub(super) struct Evidence {
    /// The flow it claims to answer.
    pub flow: Option<SamlFlow>,
    /// Whether it came from the browser that began that flow.
    pub browser_matches: bool,
    /// Whether it carries a signature of the connection's identity provider.
    pub signature_verified: bool,
    /// Whom it names, where the signature shows that the identity provider says so.
    pub claimed: Option<Email>,
    /// Every check that was made.
    pub checks: Vec<Check>,
    /// The response.
    pub xml: Option<String>,
}

/// Refuses a response and writes it where it belongs: into the flow it answers, when its browser or
/// its signature shows that it does; else into a small detached flow. Only the flow's own browser
/// changes the flow's state.
pub(super) async fn refuse(
    state: &State,
    target: &LoginConnection,
    evidence: Evidence,
    refusal: Refusal,
) -> Result<Refused> {
    let now = state.now();
    let Evidence { flow, browser_matches, signature_verified, claimed, checks, xml } = evidence;
    let claimed = claimed.filter(|_| signature_verified);
    let attached = flow.filter(|_| browser_matches || signature_verified);
    let kept = xml.filter(|xml| signature_verified || xml.len() <= UNPROVEN_DOCUMENT);
    let sealed = |id| kept.as_deref().map(|xml| seal_document(state, id, xml, now));
    let step = |document| NewStep { at: now, kind: StepKind::Refused, checks: &checks, document };
    let connection = target.connection.id;
    let (id, back_to_app) = match &attached {
        Some(flow) => {
            let mut tx = state.db.write().await?;
            let is_history = is_history(&mut tx, connection, signature_verified, now).await?;
            match browser_matches {
                true => {
                    let code = refusal.code();
                    saml_flows::update_refused(&mut tx, flow.id, code, claimed.as_ref(), is_history, now)
                        .await?;
                }
                false => {
                    saml_flows::update_seen(&mut tx, flow.id, claimed.as_ref(), is_history, now).await?;
                }
            }
            if is_history {
                saml_flows::insert_step(&mut tx, flow.id, step(sealed(flow.id))).await?;
            } else if flow.status != FlowStatus::Failed {
                saml_flows::insert_step(&mut tx, flow.id, step(None)).await?;
            }
            tx.commit().await?;
            (flow.id, browser_matches.then(|| back_to_app(flow, refusal)).flatten())
        }
        None => {
            let id = SamlFlowId::new(now, &*state.random);
            let origin = if signature_verified { FlowOrigin::Idp } else { FlowOrigin::Detached };
            // Where nothing will be written nobody waits for the one writer; who writes asks again.
            let room = {
                let mut conn = state.db.read().await?;
                has_room(&mut conn, connection, signature_verified, now).await?
            };
            if room {
                let mut tx = state.db.write().await?;
                if has_room(&mut tx, connection, signature_verified, now).await? {
                    let mut flow = super::start(target, origin, None, None, false, id, now);
                    flow.status = FlowStatus::Failed;
                    flow.refusal = Some(refusal.code().to_owned());
                    flow.claimed_email = claimed;
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
    let test_result = own.and_then(|flow| own_test_result(state, target, flow));
    if test_result.is_none() {
        telemetry::login_failed(refusal.code());
    }
    tracing::info!(flow = %id, connection = %target.connection.id, reason = refusal.code(), "login refused");
    Ok(Refused {
        refusal,
        flow: id,
        checks,
        signature_verified,
        application: named(&target.environment.display_name),
        organization: named(&target.organization.display_name),
        back_to_app,
        test_result,
    })
}

/// Whether one more refusal of the connection is history.
async fn is_history(
    conn: &mut Conn,
    connection: SamlConnectionId,
    proven: bool,
    now: Timestamp,
) -> Result<bool> {
    let most = if proven { PROVEN_AN_HOUR } else { UNPROVEN_AN_HOUR };
    Ok(saml_flows::count_refused(conn, connection, an_hour_before(now), most).await? < most)
}

/// Whether a refused response that belongs to no login is written down.
async fn has_room(
    conn: &mut Conn,
    connection: SamlConnectionId,
    proven: bool,
    now: Timestamp,
) -> Result<bool> {
    if proven {
        return is_history(conn, connection, true, now).await;
    }
    let stray = saml_flows::count_detached(conn, connection, an_hour_before(now), DETACHED_AN_HOUR).await?;
    Ok(stray < DETACHED_AN_HOUR)
}

/// Refuses a login on its way out, where its own browser stands before us.
pub(super) async fn refuse_begun(
    state: &State,
    target: &LoginConnection,
    flow: &SamlFlow,
    refusal: Refusal,
    checks: Vec<Check>,
) -> Result<Refused> {
    let now = state.now();
    let mut tx = state.db.write().await?;
    let is_history = is_history(&mut tx, target.connection.id, false, now).await?;
    saml_flows::update_refused(&mut tx, flow.id, refusal.code(), None, is_history, now).await?;
    let step = NewStep { at: now, kind: StepKind::Refused, checks: &checks, document: None };
    saml_flows::insert_step(&mut tx, flow.id, step).await?;
    tx.commit().await?;
    let test_result = test_result(state, target, flow);
    if test_result.is_none() {
        telemetry::login_failed(refusal.code());
    }
    tracing::info!(flow = %flow.id, connection = %flow.saml_connection_id, reason = refusal.code(), "login refused");
    let back_to_app = back_to_app(flow, refusal);
    Ok(Refused {
        refusal,
        flow: flow.id,
        checks,
        signature_verified: false,
        application: named(&target.environment.display_name),
        organization: None,
        back_to_app,
        test_result,
    })
}

/// The page of ours that tells how the test went, if the login is one, for the browser that just brought its
/// response. The cookie that says so stays on the host of the ACS URL (RFC 6265 §5.3): where the page is on another
/// one, its address carries a proof in the cookie's place. It is one of this request, which another browser that
/// takes the login over does not share.
pub(super) fn own_test_result(state: &State, target: &LoginConnection, flow: &SamlFlow) -> Option<String> {
    let page = test_page(state, target, flow)?;
    let acs = target.connection.sp_acs_urls.first().and_then(|acs| Url::parse(acs).ok());
    let here = acs.is_some_and(|acs| acs.origin() == page.origin());
    Some(match flow.request.as_ref().filter(|_| flow.origin == FlowOrigin::Setup && !here) {
        Some(request) => {
            let proof = BASE64.encode(state.master_key.compute_tag(SEEN_PURPOSE, &request.id));
            let mut page = page;
            page.query_pairs_mut().append_pair(SEEN, &proof);
            page.into()
        }
        None => page.into(),
    })
}

/// Whether `proof` is what `own_test_result` gave the browser that carries the login.
pub fn is_seen(state: &State, flow: &SamlFlow, proof: &str) -> bool {
    let (Some(request), Ok(tag)) = (&flow.request, BASE64.decode(proof)) else { return false };
    state.master_key.verify_tag(SEEN_PURPOSE, &request.id, &tag)
}

/// The page of ours that tells how the test went, if the login is one.
fn test_result(state: &State, target: &LoginConnection, flow: &SamlFlow) -> Option<String> {
    test_page(state, target, flow).map(Into::into)
}

fn test_page(state: &State, target: &LoginConnection, flow: &SamlFlow) -> Option<Url> {
    let page = match flow.origin {
        FlowOrigin::Setup => {
            state.links_of(&target.environment).setup_saml_test(flow.saml_connection_id, flow.id)
        }
        FlowOrigin::Console => state.links.console_flow(flow.environment_id, flow.id),
        _ => return None,
    };
    Some(page)
}

/// The OAuth client's redirect URI with the news (RFC 6749 §4.1.2.1), while the login can still fail.
fn back_to_app(flow: &SamlFlow, refusal: Refusal) -> Option<String> {
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

/// A document as the flow's timeline keeps it: sealed for this flow, and until when.
pub(super) fn seal_document(
    state: &State,
    flow: SamlFlowId,
    xml: &str,
    now: Timestamp,
) -> (String, Timestamp) {
    let sealed = state.master_key.seal(&document_place(flow), xml.as_bytes(), &*state.random);
    (sealed, now + state.settings.document_retention)
}

/// Where a flow's documents are sealed to.
pub(in crate::app) fn document_place(flow: SamlFlowId) -> String {
    format!("saml_flow_steps/document/{flow}")
}

/// A name, unless it is empty.
fn named(name: &str) -> Option<String> {
    Some(name.to_owned()).filter(|name| !name.is_empty())
}

fn an_hour_before(now: Timestamp) -> Timestamp {
    now - Duration::from_secs(3600)
}
