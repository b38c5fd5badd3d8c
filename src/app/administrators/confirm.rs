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
pub const MAX_AUTHENTICATION_AGE: Duration = Duration::from_secs(10 * 60);

/// Whether the administrator authenticated recently, at sign-in or since.
pub fn is_recently_authenticated(state: &State, admin: &SignedIn) -> bool {
    is_recent_authentication(admin.session.authenticated_at, state.now())
}

/// Whether an authentication at this time is recent.
pub(super) fn is_recent_authentication(authenticated_at: Timestamp, now: Timestamp) -> bool {
    authenticated_at + MAX_AUTHENTICATION_AGE > now
}

/// Returns an error unless the administrator authenticated recently.
pub(super) fn require_recent_authentication(state: &State, admin: &SignedIn) -> Result<()> {
    match is_recently_authenticated(state, admin) {
        true => Ok(()),
        false => Err(Error::FailedPrecondition("confirm that it is you, then do this again".into())),
    }
}

/// Reauthenticates by password.
pub async fn with_password(state: &State, admin: &SignedIn, password: &str, device: &Device) -> Result<()> {
    sign_in::check_passwords_enabled(state)?;
    if !sign_in::verify_password(state, &admin.administrator, password, device).await? {
        return Err(Error::invalid("confirmPassword", "is not your password"));
    }
    let mut tx = state.db.write().await?;
    record_confirmation(&mut tx, state, admin, AuthenticationMethod::Password, device).await?;
    tx.commit().await?;
    Ok(())
}

/// Reauthenticates by a passkey of this account.
pub async fn with_passkey(
    state: &State,
    admin: &SignedIn,
    sealed: &str,
    answer: &str,
    device: &Device,
) -> Result<()> {
    let own = Some(admin.administrator.id);
    let proved = passkeys::authenticate(state, sealed, answer, own, device).await;
    let (mut tx, _) = proved.map_err(|error| match error {
        Error::Unauthenticated(_) => Error::invalid("confirmPasskey", "is not a passkey of your account"),
        other => other,
    })?;
    record_confirmation(&mut tx, state, admin, AuthenticationMethod::Passkey, device).await?;
    tx.commit().await?;
    Ok(())
}

async fn record_confirmation(
    tx: &mut Transaction,
    state: &State,
    admin: &SignedIn,
    method: AuthenticationMethod,
    device: &Device,
) -> Result<()> {
    if !admin_sessions::update_authenticated(tx, admin.session.id, state.now()).await? {
        return Err(Error::FailedPrecondition("your session ended in the meantime; sign in again".into()));
    }
    let said = audit_fields! { "method": method.as_str(), "sessionId": admin.session.id };
    let entry = Entry::of(&admin.administrator, "confirmed").with_values(said);
    audit::record(tx, state, None, &admin.principal(device.address), entry).await
}
