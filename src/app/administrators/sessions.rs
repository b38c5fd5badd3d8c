//! Sessions of the console.

use base::id::{AdminSessionId, AdministratorId, Id, IdKind};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use model::{
    account::{AdminSession, AuthenticationMethod, SessionContext},
    administrator::Administrator,
};

use super::signed_in::SignedIn;
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            Device, recent_authentication,
            sessions::{self, SessionStart},
        },
        audit::{self, Entry},
    },
    store::{self, Transaction, table},
};

/// The maximum number of sessions that are listed.
const MAX_SESSIONS: i64 = 200;

/// The purpose that CSRF tokens are authenticated for.
const CSRF_PURPOSE: &str = "console form";

/// A new session of the console.
pub type NewSession = sessions::NewSession<AdministratorId>;

/// Creates the session of an authenticated administrator.
pub async fn create(
    tx: &mut Transaction,
    state: &State,
    administrator_id: AdministratorId,
    method: AuthenticationMethod,
    device: &Device,
) -> Result<NewSession> {
    let now = state.now();
    let start = SessionStart {
        subject: administrator_id,
        environment_id: None,
        method,
        authenticated_at: now,
        expires_at: now + state.settings.console.session_lifetime,
        context: SessionContext::default(),
    };
    sessions::create(tx, state, start, device).await
}

/// Authenticates a session cookie. `None` if its session has ended or its administrator was removed.
pub async fn find(state: &State, cookie: &str, device: &Device) -> Result<Option<SignedIn>> {
    let settings = &state.settings.console;
    let mut conn = state.db.read().await?;
    let found = sessions::find::<AdministratorId>(&mut conn, state, cookie, settings.session_idle).await?;
    // Sessions of an authentication method that was disabled since are not accepted.
    let Some(mut session) = found.filter(|session| settings.allows(session.method)) else { return Ok(None) };
    let id = session.subject;
    let administrator: Option<Administrator> = table::find(&mut conn, id, id).await?;
    let Some(administrator) = administrator.filter(|found| found.disabled_at.is_none()) else {
        return Ok(None);
    };
    let grants = store::administrators::list_grants(&mut conn, administrator.id).await?;
    drop(conn);
    sessions::record_use(state, &mut session, device.address).await?;
    let recently_authenticated = recent_authentication::is_recent(&session, state.now());
    Ok(Some(SignedIn { administrator, grants, session, recently_authenticated }))
}

/// The CSRF token of a session, an administrator's or a user's, for the hidden field of its forms.
pub fn csrf_token<K: IdKind>(state: &State, session: Id<K>) -> String {
    BASE64.encode(state.master_key.compute_tag(CSRF_PURPOSE, &session.to_string()))
}

/// Whether `token` is the CSRF token of a session.
pub fn is_csrf_token<K: IdKind>(state: &State, session: Id<K>, token: &str) -> bool {
    BASE64
        .decode(token)
        .is_ok_and(|tag| state.master_key.verify_tag(CSRF_PURPOSE, &session.to_string(), &tag))
}

/// Revokes the session of a cookie that a new one replaces in the same browser.
pub async fn revoke_by_token(state: &State, cookie: &str) -> Result<()> {
    sessions::revoke_by_token::<AdministratorId>(state, cookie).await
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
    let (id, current) = (admin.administrator.id, admin.session.id);
    let ended = store::sessions::revoke_all(&mut tx, id, Some(current), state.now()).await?;
    if ended > 0 {
        let entry = Entry::of(&admin.administrator, "other_sessions_revoked");
        audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    }
    tx.commit().await?;
    Ok(ended)
}
