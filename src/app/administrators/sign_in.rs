//! Sign-in to the console by e-mail address and password.

use model::{account::AuthenticationMethod, email::Email};

use super::{
    password_check::{begin_attempt, check_passwords_enabled},
    sessions::NewSession,
    signed_in,
    start_session::start_session,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            Device,
            attempts::{record_failure, record_unknown},
            password_check,
            passwords::PasswordRealm,
        },
    },
    store,
};

/// The one error message for an unknown address and for a wrong password.
const WRONG_CREDENTIALS: &str = "This address and this password do not go together.";

/// Signs an administrator in by e-mail address and password. Neither the response nor its timing shows whether
/// the address is known.
pub async fn with_password(
    state: &State,
    email: &str,
    password: &str,
    device: &Device,
) -> Result<NewSession> {
    check_passwords_enabled(state)?;
    let wrong = || Error::Unauthenticated(WRONG_CREDENTIALS.into());
    let email = email.trim();
    let attempt = begin_attempt(state, email, device)?;
    let found = match Email::parse(email) {
        Some(email) => store::administrators::find_by_email(&mut state.db.read().await?, &email).await?,
        None => None,
    };
    let found = found.filter(|administrator| administrator.disabled_at.is_none());
    let account = found.as_ref().map(|administrator| administrator.id.into());
    let realm = PasswordRealm::Console(device.address);
    let verified = password_check::verify(state, realm, account, password).await?;
    let (Some(administrator), Some(account), Some(verified)) = (&found, account, &verified) else {
        attempt.fail();
        // Not awaited: the response time would show whether the address is known.
        let (here, device) = (state.clone(), device.clone());
        state.background_tasks.spawn(async move {
            match found {
                Some(known) => {
                    record_failure(&here, &known, None, AuthenticationMethod::Password, &device).await;
                }
                None => record_unknown(&here, AuthenticationMethod::Password, &device).await,
            }
        });
        return Err(wrong());
    };
    let mut tx = state.db.write().await?;
    // A change of the password ends every session: one that came while this one was verified, too.
    let is_enabled = signed_in::lock_enabled(&mut tx, administrator.id).await?.is_some();
    if !is_enabled || !password_check::is_current(&mut tx, account, Some(verified)).await? {
        return Err(wrong());
    }
    let begun = start_session(&mut tx, state, administrator, AuthenticationMethod::Password, device).await?;
    tx.commit().await?;
    Ok(begun)
}
