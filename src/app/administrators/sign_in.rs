//! Sign-in to the console by e-mail address and password.

use model::{
    account::AuthenticationMethod,
    administrator::{Administrator, PasswordHash},
    email::Email,
};

use super::{
    password_check::check_passwords_enabled, passwords, sessions::NewSession, signed_in,
    start_session::start_session,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            Device,
            attempts::{Attempt, record_failure},
        },
        resource::Edit,
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
    let attempt = Attempt::begin(state, email, device)?;
    let found = match Email::parse(email) {
        Some(email) => store::administrators::find_by_email(&mut state.db.read().await?, &email).await?,
        None => None,
    };
    let found = found.filter(|administrator| administrator.disabled_at.is_none());
    let hash = found.as_ref().and_then(|administrator| administrator.password_hash.as_ref());
    let is_good = state.passwords.verify(password, hash).await?;
    let (Some(administrator), true) = (&found, is_good) else {
        attempt.fail(state);
        if let Some(administrator) = found {
            // Not awaited: the response time would show that the address is known.
            let (state, device) = (state.clone(), device.clone());
            tokio::spawn(async move {
                record_failure(&state, &administrator, None, AuthenticationMethod::Password, &device).await
            });
        }
        return Err(wrong());
    };
    let stored = rehash(state, administrator, password).await?;
    let mut tx = state.db.write().await?;
    // A change of the password ends every session: one that came while this one was verified, too.
    let now = signed_in::lock_enabled(&mut tx, administrator.id).await?.and_then(|now| now.password_hash);
    if now.is_none() || now != stored {
        return Err(wrong());
    }
    let begun = start_session(&mut tx, state, administrator, AuthenticationMethod::Password, device).await?;
    tx.commit().await?;
    Ok(begun)
}

/// Rehashes the password if its hash was made with other than the current parameters. Returns the hash that is stored
/// then.
async fn rehash(
    state: &State,
    administrator: &Administrator,
    password: &str,
) -> Result<Option<PasswordHash>> {
    let Some(old) = administrator.password_hash.as_ref().filter(|hash| passwords::is_outdated(hash)) else {
        return Ok(administrator.password_hash.clone());
    };
    let new = state.passwords.hash(password, &*state.random).await?;
    let (tx, id) = (state.db.write().await?, administrator.id);
    let mut edit = Edit::<Administrator>::begin(tx, id, id, None).await?;
    if edit.row.password_hash.as_ref() == Some(old) {
        edit.row.password_hash = Some(new);
        edit.write(state).await?;
    }
    Ok(edit.commit().await?.password_hash)
}
