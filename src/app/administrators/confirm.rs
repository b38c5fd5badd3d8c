//! Reauthentication within a session, required before a change to the account's credentials (ASVS 5.0 §7.5.1).
//! A person at an unattended browser, or with a stolen cookie, must not be able to add credentials of their own.

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

/// How long an authentication counts as recent.
pub const RECENT: Duration = Duration::from_secs(10 * 60);

/// Whether the administrator authenticated recently, at sign-in or since.
pub fn is_recent(state: &State, who: &SignedIn) -> bool {
    is_proof_recent(who.session.authenticated_at, state.now())
}

/// Whether an authentication at this time is recent.
pub(super) fn is_proof_recent(authenticated_at: Timestamp, now: Timestamp) -> bool {
    authenticated_at + RECENT > now
}

/// Returns an error unless the administrator authenticated recently.
pub(super) fn check(state: &State, who: &SignedIn) -> Result<()> {
    match is_recent(state, who) {
        true => Ok(()),
        false => Err(Error::FailedPrecondition("confirm that it is you, then do this again".into())),
    }
}

/// Reauthenticates by password.
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

/// Reauthenticates by a passkey of this account.
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
