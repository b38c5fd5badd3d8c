//! The browsers and programs in which the user is signed in.

use base::id::UserSessionId;
use model::{account::UserSession, audit::audit_fields};

use super::SignedIn;
use crate::{
    app::{Error, Result, State, accounts::user_sessions::IDLE, audit::Entry},
    store::{self, account_grants},
};

/// The maximum number of sessions that are listed.
const MAX_LISTED: i64 = 100;

/// The active sessions of whoever is signed in, the newest first.
pub async fn list(state: &State, signed_in: &SignedIn) -> Result<Vec<UserSession>> {
    let mut conn = state.db.read().await?;
    Ok(store::sessions::list(&mut conn, signed_in.user().id, state.now(), IDLE, MAX_LISTED).await?)
}

/// Ends one of them, with the tokens that were given in it. [`Error::NotFound`]: it has ended, or is somebody else's.
pub async fn end(state: &State, signed_in: &SignedIn, id: UserSessionId) -> Result<()> {
    let mut tx = state.db.write().await?;
    let user = signed_in.user();
    if !store::sessions::revoke(&mut tx, user.id, id, state.now()).await? {
        return Err(Error::not_found("session", id));
    }
    account_grants::end_session(&mut tx, id, state.now()).await?;
    let entry = Entry::of(user, "session_ended").with_values(audit_fields! { "sessionId": id });
    signed_in.record(&mut tx, state, entry).await?;
    Ok(tx.commit().await?)
}

/// Ends all but this one.
pub async fn end_others(state: &State, signed_in: &SignedIn) -> Result<()> {
    let mut tx = state.db.write().await?;
    let user = signed_in.user();
    let ended = store::users::end_other_sessions(&mut tx, user.id, signed_in.session.id, state.now()).await?;
    if ended > 0 {
        signed_in.record(&mut tx, state, Entry::of(user, "other_sessions_ended")).await?;
    }
    Ok(tx.commit().await?)
}

/// Signs out of this one.
pub async fn sign_out(state: &State, signed_in: &SignedIn) -> Result<()> {
    let mut tx = state.db.write().await?;
    let id = signed_in.session.id;
    if account_grants::end_session(&mut tx, id, state.now()).await? {
        let entry = Entry::of(signed_in.user(), "signed_out").with_values(audit_fields! { "sessionId": id });
        signed_in.record(&mut tx, state, entry).await?;
    }
    Ok(tx.commit().await?)
}
