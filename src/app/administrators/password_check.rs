//! The check of an administrator's own password, where passwords are enabled.

use model::{account::AuthenticationMethod, administrator::Administrator};

use crate::{
    app::{
        Error, Result, State,
        accounts::{
            Device,
            attempts::{Attempt, record_failure},
            password_check,
            passwords::PasswordRealm,
        },
    },
    store::passwords::StoredPassword,
};

/// Returns an error if passwords are disabled, naming the method to use instead.
pub(super) fn check_passwords_enabled(state: &State) -> Result<()> {
    let settings = &state.settings.console;
    match (settings.require_sso, settings.require_passkey) {
        (true, _) => {
            Err(Error::Forbidden("passwords are switched off here: sign in through single sign-on".into()))
        }
        (false, true) => Err(Error::Forbidden("passwords are switched off here: use a passkey".into())),
        (false, false) => Ok(()),
    }
}

/// Begins an attempt to authenticate as the administrator with this address. [`Error::Limited`] while too many have failed.
pub(super) fn begin_attempt(state: &State, email: &str, device: &Device) -> Result<Attempt> {
    match state.settings.console.rate_limits {
        true => Attempt::begin(state, email, device),
        false => Ok(Attempt::unlimited()),
    }
}

/// Whether this is the password of a signed-in administrator: the one that is stored. Wrong passwords count against
/// the rate limit of sign-ins: another person may be using the browser.
pub(super) async fn verify_password(
    state: &State,
    administrator: &Administrator,
    password: &str,
    device: &Device,
) -> Result<Option<StoredPassword>> {
    let attempt = begin_attempt(state, administrator.email.as_str(), device)?;
    let realm = PasswordRealm::Console(device.address);
    let good = password_check::verify(state, realm, Some(administrator.id.into()), password).await?;
    if good.is_none() {
        attempt.fail();
        record_failure(state, administrator, None, AuthenticationMethod::Password, device).await;
    }
    Ok(good)
}
