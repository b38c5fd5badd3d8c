//! Proving once more who one is, in a session that is open: before anything changes that opens the account
//! (ASVS 5.0 §7.5.1). Whoever sits down at a browser that somebody left, or got hold of its cookie, must not turn
//! minutes into a way in of their own.

use std::time::Duration;

use super::{Device, SignedIn, passkeys, sign_in};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
    },
    model::{administrator::AuthenticationMethod, audit::audit_fields, time::Timestamp},
    store::{Transaction, admin_sessions},
};

/// How long a proof counts.
pub const RECENT: Duration = Duration::from_secs(10 * 60);

/// Whether it was proved lately, at sign-in or since, who sits at the browser.
pub fn is_recent(state: &State, who: &SignedIn) -> bool {
    is_proof_recent(who.session.authenticated_at, state.now())
}

/// Whether a proof of this time counts.
pub(super) fn is_proof_recent(authenticated_at: Timestamp, now: Timestamp) -> bool {
    authenticated_at + RECENT > now
}

/// Refuses what opens the account to whoever has not proved it lately.
pub(super) fn check(state: &State, who: &SignedIn) -> Result<()> {
    match is_recent(state, who) {
        true => Ok(()),
        false => Err(Error::FailedPrecondition("confirm that it is you, then do this again".into())),
    }
}

/// Proves it by the password.
pub async fn with_password(state: &State, who: &SignedIn, password: &str, device: &Device) -> Result<()> {
    sign_in::check_passwords(state)?;
    if !sign_in::verify_own(state, &who.administrator, password, device).await? {
        return Err(Error::invalid("confirmPassword", "is not your password"));
    }
    let mut tx = state.db.write().await?;
    note(&mut tx, state, who, AuthenticationMethod::Password, device).await?;
    tx.commit().await?;
    Ok(())
}

/// Proves it by a passkey of the very account.
pub async fn with_passkey(
    state: &State,
    who: &SignedIn,
    sealed: &str,
    answer: &str,
    device: &Device,
) -> Result<()> {
    let own = Some(who.administrator.id);
    let proved = passkeys::authenticate(state, sealed, answer, own, device).await;
    let (mut tx, _) = proved.map_err(|error| match error {
        Error::Unauthenticated(_) => Error::invalid("confirmPasskey", "is not a passkey of your account"),
        other => other,
    })?;
    note(&mut tx, state, who, AuthenticationMethod::Passkey, device).await?;
    tx.commit().await?;
    Ok(())
}

async fn note(
    tx: &mut Transaction,
    state: &State,
    who: &SignedIn,
    method: AuthenticationMethod,
    device: &Device,
) -> Result<()> {
    if !admin_sessions::update_authenticated(tx, who.session.id, state.now()).await? {
        return Err(Error::FailedPrecondition("your session ended in the meantime; sign in again".into()));
    }
    let said = audit_fields! { "method": method.as_str(), "sessionId": who.session.id };
    let entry = Entry::of(&who.administrator, "confirmed").with_values(said);
    audit::record(tx, state, None, &who.principal(device.address), entry).await
}
