//! Console sessions: created at sign-in, found by the digest of their cookie, ended by expiry or revocation.

use std::time::Duration;

use base::{
    id::{AdminSessionId, AdministratorId, Id},
    secret::AdminSessionToken,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{
    account::{AdminSession, AuthenticationMethod},
    administrator::Administrator,
};

use super::recent_authentication;
use crate::{
    app::{
        Error, Result, State,
        administrators::signed_in::{Device, SignedIn},
        audit::{self, Entry},
    },
    store::{self, Transaction, table},
};

/// The minimum interval between two updates of a session's `last_seen_at`.
const LAST_SEEN_INTERVAL: Duration = Duration::from_secs(60);

/// The maximum number of sessions that are listed.
const MAX_SESSIONS: i64 = 200;

/// The maximum length of a stored `User-Agent`, in characters.
const MAX_USER_AGENT_LENGTH: usize = 400;

/// The purpose that CSRF tokens are authenticated for.
const CSRF_PURPOSE: &str = "console form";

/// A new session. Its token is returned only here: the database has the digest.
#[derive(Debug)]
pub struct NewSession {
    /// The session.
    pub session: AdminSession,
    /// The cookie's value.
    pub token: AdminSessionToken,
}

/// Creates the session of an authenticated administrator.
pub async fn create(
    tx: &mut Transaction,
    state: &State,
    administrator_id: AdministratorId,
    method: AuthenticationMethod,
    device: &Device,
) -> Result<NewSession> {
    let now = state.now();
    let session = AdminSession {
        id: Id::new(now, &*state.random),
        administrator_id,
        method,
        address: device.address,
        user_agent: device
            .user_agent
            .chars()
            .filter(|letter| !letter.is_control())
            .take(MAX_USER_AGENT_LENGTH)
            .collect(),
        created_at: now,
        authenticated_at: now,
        last_seen_at: now,
        expires_at: now + state.settings.console.session_lifetime,
        revoked_at: None,
    };
    let token = AdminSessionToken::new(&*state.random);
    store::sessions::insert(tx, &session, token.digest()).await?;
    Ok(NewSession { session, token })
}

/// Authenticates a session cookie. `None` if its session has ended or its administrator was removed.
pub async fn find(state: &State, cookie: &str, device: &Device) -> Result<Option<SignedIn>> {
    let Ok(token) = cookie.parse::<AdminSessionToken>() else { return Ok(None) };
    let now = state.now();
    let mut conn = state.db.read().await?;
    let Some(mut session) = store::sessions::find_by_token(&mut conn, token.digest()).await? else {
        return Ok(None);
    };
    let settings = &state.settings.console;
    // Sessions of an authentication method that was disabled since are not accepted.
    if !session.is_active(now, settings.session_idle) || !settings.allows(session.method) {
        return Ok(None);
    }
    let id = session.administrator_id;
    let administrator: Option<Administrator> = table::find(&mut conn, id, id).await?;
    let Some(administrator) = administrator.filter(|found| found.disabled_at.is_none()) else {
        return Ok(None);
    };
    let grants = store::administrators::list_grants(&mut conn, administrator.id).await?;
    drop(conn);
    if session.last_seen_at + LAST_SEEN_INTERVAL <= now {
        session.last_seen_at = now;
        session.address = device.address;
        let mut tx = state.db.write().await?;
        store::sessions::update_seen(&mut tx, &session).await?;
        tx.commit().await?;
    }
    let recently_authenticated =
        recent_authentication::is_recent_authentication(session.authenticated_at, now);
    Ok(Some(SignedIn { administrator, grants, session, recently_authenticated }))
}

/// The CSRF token of this session, for the hidden field of its forms.
pub fn csrf_token(state: &State, session: AdminSessionId) -> String {
    BASE64.encode(state.master_key.compute_tag(CSRF_PURPOSE, &session.to_string()))
}

/// Whether `token` is the CSRF token of this session.
pub fn is_csrf_token(state: &State, session: AdminSessionId, token: &str) -> bool {
    BASE64
        .decode(token)
        .is_ok_and(|tag| state.master_key.verify_tag(CSRF_PURPOSE, &session.to_string(), &tag))
}

/// Revokes the session of a cookie that a new one replaces in the same browser.
pub async fn revoke_by_token(state: &State, cookie: &str) -> Result<()> {
    let Ok(token) = cookie.parse::<AdminSessionToken>() else { return Ok(()) };
    let mut tx = state.db.write().await?;
    if let Some(session) = store::sessions::find_by_token(&mut tx, token.digest()).await? {
        store::sessions::revoke(&mut tx, session.administrator_id, session.id, state.now()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The active sessions of an administrator, newest first.
pub async fn list(state: &State, admin: &SignedIn) -> Result<Vec<AdminSession>> {
    let mut conn = state.db.read().await?;
    let idle = state.settings.console.session_idle;
    Ok(store::sessions::list(&mut conn, admin.administrator.id, state.now(), idle, MAX_SESSIONS).await?)
}

/// Revokes the current session.
pub async fn sign_out(state: &State, admin: &SignedIn, device: &Device) -> Result<()> {
    let mut tx = state.db.write().await?;
    if store::sessions::revoke(&mut tx, admin.administrator.id, admin.session.id, state.now()).await? {
        let entry = Entry::of(&admin.administrator, "signed_out");
        audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Revokes one of the administrator's own sessions.
pub async fn revoke(state: &State, admin: &SignedIn, id: AdminSessionId, device: &Device) -> Result<()> {
    let mut tx = state.db.write().await?;
    if !store::sessions::revoke(&mut tx, admin.administrator.id, id, state.now()).await? {
        return Err(Error::not_found("session", id));
    }
    let target = AdminSession { id, ..admin.session.clone() };
    let entry = Entry::of(&target, "revoked");
    audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Revokes all of the administrator's own sessions except the current one. Returns their number.
pub async fn revoke_others(state: &State, admin: &SignedIn, device: &Device) -> Result<u64> {
    let mut tx = state.db.write().await?;
    let ended =
        store::sessions::revoke_all(&mut tx, admin.administrator.id, Some(admin.session.id), state.now())
            .await?;
    if ended > 0 {
        let entry = Entry::of(&admin.administrator, "other_sessions_revoked");
        audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    }
    tx.commit().await?;
    Ok(ended)
}
