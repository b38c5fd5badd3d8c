//! Sessions of browsers: created after an authentication, found by the digest of their cookie, ended by expiry or
//! revocation. Whose they are and how long they last, the caller says.

use std::{net::IpAddr, time::Duration};

use base::{
    id::{EnvironmentId, Id},
    secret::Secret,
    time::Timestamp,
};
use model::account::{AuthenticationMethod, Session, SessionContext, SessionSubject};

use super::device::Device;
use crate::{
    app::{Result, State},
    store::{self, Conn, Transaction},
};

/// The minimum interval between two updates of a session's `last_seen_at`: each is a write.
const LAST_SEEN_INTERVAL: Duration = Duration::from_secs(60);

/// The maximum length of a stored `User-Agent`, in characters.
const MAX_USER_AGENT_LENGTH: usize = 400;

/// The session of whom begins, and when it ends at the latest.
#[derive(Debug, Clone)]
pub struct SessionStart<S> {
    /// Whose it is.
    pub subject: S,
    /// The environment of the subject, if it has one.
    pub environment_id: Option<EnvironmentId>,
    /// How they authenticated.
    pub method: AuthenticationMethod,
    /// When they did.
    pub authenticated_at: Timestamp,
    /// When it ends regardless of activity.
    pub expires_at: Timestamp,
    /// Of a user: in which organization they act.
    pub context: SessionContext,
}

/// A new session. Its token is returned only here: the database has the digest.
#[derive(Debug)]
pub struct NewSession<S: SessionSubject> {
    /// The session.
    pub session: Session<S>,
    /// The cookie's value.
    pub token: Secret<S::Token>,
}

/// Creates the session of an authenticated subject.
pub async fn create<S: SessionSubject>(
    tx: &mut Transaction,
    state: &State,
    start: SessionStart<S>,
    device: &Device,
) -> Result<NewSession<S>> {
    let now = state.now();
    let user_agent = device.user_agent.chars().filter(|letter| !letter.is_control());
    let session = Session {
        id: Id::new(now, &*state.random),
        subject: start.subject,
        environment_id: start.environment_id,
        method: start.method,
        address: device.address,
        user_agent: user_agent.take(MAX_USER_AGENT_LENGTH).collect(),
        created_at: now,
        authenticated_at: start.authenticated_at,
        last_seen_at: now,
        expires_at: start.expires_at,
        revoked_at: None,
        context: start.context,
    };
    let token = Secret::new(&*state.random);
    store::sessions::insert(tx, &session, token.digest()).await?;
    Ok(NewSession { session, token })
}

/// Goes on with the session of a subject who authenticated again, under another cookie: the one before it is good for nothing
/// any more.
pub async fn renew<S: SessionSubject>(
    tx: &mut Transaction,
    state: &State,
    session: Session<S>,
    authenticated_at: Timestamp,
    amr: Vec<String>,
) -> Result<NewSession<S>> {
    let context = SessionContext { amr, ..session.context };
    let session = Session { authenticated_at, last_seen_at: state.now(), context, ..session };
    let token = Secret::new(&*state.random);
    store::sessions::update_renewed(tx, &session, token.digest()).await?;
    Ok(NewSession { session, token })
}

/// The session of a cookie, of this kind of subject and active. Whether its subject may still be let in is the caller's to
/// ask.
pub async fn find<S: SessionSubject>(
    conn: &mut Conn,
    state: &State,
    cookie: &str,
    idle: Duration,
) -> Result<Option<Session<S>>> {
    let Ok(token) = cookie.parse::<Secret<S::Token>>() else { return Ok(None) };
    let found = store::sessions::find_by_token::<S>(conn, &token).await?;
    Ok(found.filter(|session| session.is_active(state.now(), idle)))
}

/// Stores when and from where a session is used, once a minute.
pub async fn record_use<S: SessionSubject>(
    state: &State,
    session: &mut Session<S>,
    address: Option<IpAddr>,
) -> Result<()> {
    let now = state.now();
    if session.last_seen_at + LAST_SEEN_INTERVAL > now {
        return Ok(());
    }
    (session.last_seen_at, session.address) = (now, address);
    let mut tx = state.db.write().await?;
    store::sessions::update_seen(&mut tx, session).await?;
    Ok(tx.commit().await?)
}

/// Revokes the session of a cookie: one that its browser gives up, or that a new one replaces.
pub async fn revoke_by_token<S: SessionSubject>(state: &State, cookie: &str) -> Result<()> {
    let Ok(token) = cookie.parse::<Secret<S::Token>>() else { return Ok(()) };
    let mut tx = state.db.write().await?;
    if let Some(session) = store::sessions::find_by_token::<S>(&mut tx, &token).await? {
        store::sessions::revoke(&mut tx, session.subject, session.id, state.now()).await?;
    }
    Ok(tx.commit().await?)
}
