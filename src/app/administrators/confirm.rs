//! Reauthentication within a session, by password or passkey: makes the authentication recent.

use model::{account::AuthenticationMethod, audit::audit_fields};

use super::{passkeys, password_check, signed_in::SignedIn};
use crate::{
    app::{
        Error, Result, State,
        accounts::Device,
        audit::{self, Entry},
    },
    store::{self, Transaction},
};

/// Reauthenticates by password.
pub async fn with_password(state: &State, admin: &SignedIn, password: &str, device: &Device) -> Result<()> {
    password_check::check_passwords_enabled(state)?;
    if password_check::verify_password(state, &admin.administrator, password, device).await?.is_none() {
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
    if !store::sessions::update_authenticated(tx, &admin.session, state.now()).await? {
        return Err(Error::FailedPrecondition("your session ended in the meantime; sign in again".into()));
    }
    let said = audit_fields! { "method": method.as_str(), "sessionId": admin.session.id };
    let entry = Entry::of(&admin.administrator, "confirmed").with_values(said);
    audit::record(tx, state, None, &admin.principal(device.address), entry).await
}
