//! Console sessions: begun at sign-in, looked up by their cookie's digest, ended by time or by hand.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};

use super::{Device, SignedIn, confirm};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
    },
    model::{
        administrator::{AdminSession, AuthenticationMethod},
        id::{AdminSessionId, AdministratorId, Id},
        secret::AdminSessionToken,
    },
    store::{self, Transaction, admin_sessions},
};

/// How exactly it is noted when a session was last used.
const SEEN_EVERY: Duration = Duration::from_secs(60);

/// How many sessions are listed.
const MOST_SESSIONS: i64 = 200;

/// How much of what a browser says about itself is kept.
const LONGEST_USER_AGENT: usize = 400;

/// What a form's token is authenticated for.
const FORM_PURPOSE: &str = "console form";

/// A session that has begun: its cookie's value is told this once.
#[derive(Debug)]
pub struct Begun {
    /// The session.
    pub session: AdminSession,
    /// The cookie's value.
    pub token: AdminSessionToken,
}

/// Begins a session for somebody who proved who it is.
pub async fn begin(
    tx: &mut Transaction,
    state: &State,
    administrator_id: AdministratorId,
    method: AuthenticationMethod,
    device: &Device,
) -> Result<Begun> {
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
            .take(LONGEST_USER_AGENT)
            .collect(),
        created_at: now,
        authenticated_at: now,
        last_seen_at: now,
        expires_at: now + state.settings.console.session_lifetime,
        revoked_at: None,
    };
    let token = AdminSessionToken::new(&*state.random);
    admin_sessions::insert(tx, &session, token.digest()).await?;
    Ok(Begun { session, token })
}

/// Who is signed in by this cookie, if its session is alive and its administrator was not removed.
pub async fn find(state: &State, cookie: &str, device: &Device) -> Result<Option<SignedIn>> {
    let Ok(token) = cookie.parse::<AdminSessionToken>() else { return Ok(None) };
    let now = state.now();
    let mut conn = state.db.read().await?;
    let Some(mut session) = admin_sessions::find_by_token(&mut conn, token.digest()).await? else {
        return Ok(None);
    };
    let settings = &state.settings.console;
    // What was switched off opens nothing any more, whenever it was used.
    if !session.is_active(now, settings.session_idle) || !settings.allows(session.method) {
        return Ok(None);
    }
    let administrator = store::administrators::find(&mut conn, session.administrator_id).await?;
    let Some(administrator) = administrator.filter(|found| found.disabled_at.is_none()) else {
        return Ok(None);
    };
    let grants = store::administrators::list_grants(&mut conn, administrator.id).await?;
    drop(conn);
    if session.last_seen_at + SEEN_EVERY <= now {
        session.last_seen_at = now;
        session.address = device.address;
        let mut tx = state.db.write().await?;
        admin_sessions::update_seen(&mut tx, &session).await?;
        tx.commit().await?;
    }
    let recently_authenticated = confirm::is_proof_recent(session.authenticated_at, now);
    Ok(Some(SignedIn { administrator, grants, session, recently_authenticated }))
}

/// The proof that a form was made for this session: what its hidden field holds.
pub fn form_token(state: &State, session: AdminSessionId) -> String {
    BASE64.encode(state.master_key.compute_tag(FORM_PURPOSE, &session.to_string()))
}

/// Whether `token` is the proof of [`form_token`] for this session.
pub fn is_form_token(state: &State, session: AdminSessionId, token: &str) -> bool {
    BASE64
        .decode(token)
        .is_ok_and(|tag| state.master_key.verify_tag(FORM_PURPOSE, &session.to_string(), &tag))
}

/// Ends the session of a cookie that another one replaces in the same browser.
pub async fn forget(state: &State, cookie: &str) -> Result<()> {
    let Ok(token) = cookie.parse::<AdminSessionToken>() else { return Ok(()) };
    let mut tx = state.db.write().await?;
    if let Some(session) = admin_sessions::find_by_token(&mut tx, token.digest()).await? {
        admin_sessions::revoke(&mut tx, session.administrator_id, session.id, state.now()).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The living sessions of an administrator, the newest first.
pub async fn list(state: &State, who: &SignedIn) -> Result<Vec<AdminSession>> {
    let mut conn = state.db.read().await?;
    let idle = state.settings.console.session_idle;
    Ok(admin_sessions::list(&mut conn, who.administrator.id, state.now(), idle, MOST_SESSIONS).await?)
}

/// Ends this very session.
pub async fn sign_out(state: &State, who: &SignedIn, device: &Device) -> Result<()> {
    let mut tx = state.db.write().await?;
    if admin_sessions::revoke(&mut tx, who.administrator.id, who.session.id, state.now()).await? {
        let entry = Entry::of(&who.administrator, "signed_out");
        audit::record(&mut tx, state, None, &who.principal(device.address), entry).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Ends one of the administrator's own sessions.
pub async fn revoke(state: &State, who: &SignedIn, id: AdminSessionId, device: &Device) -> Result<()> {
    let mut tx = state.db.write().await?;
    if !admin_sessions::revoke(&mut tx, who.administrator.id, id, state.now()).await? {
        return Err(Error::not_found("session", id));
    }
    let target = AdminSession { id, ..who.session.clone() };
    let entry = Entry::of(&target, "revoked");
    audit::record(&mut tx, state, None, &who.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Ends all of the administrator's own sessions but this one, and tells how many there were.
pub async fn revoke_others(state: &State, who: &SignedIn, device: &Device) -> Result<u64> {
    let mut tx = state.db.write().await?;
    let ended =
        admin_sessions::revoke_all(&mut tx, who.administrator.id, Some(who.session.id), state.now()).await?;
    if ended > 0 {
        let entry = Entry::of(&who.administrator, "other_sessions_revoked");
        audit::record(&mut tx, state, None, &who.principal(device.address), entry).await?;
    }
    tx.commit().await?;
    Ok(ended)
}
