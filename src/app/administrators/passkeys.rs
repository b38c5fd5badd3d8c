//! Passkeys of administrators.

use base::id::{AdministratorId, PasskeyId};
use model::{
    account::{AccountId, AuthenticationMethod, Passkey},
    administrator::Administrator,
};

use super::{
    sessions::NewSession,
    signed_in::{SignedIn, lock_account},
    start_session::start_session,
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            Device,
            attempts::{record_failure, record_unknown},
            passkeys::{self, NewPasskey, PasskeyUser, PresentedPasskey, refused},
            recent_authentication,
        },
    },
    store::{self, Transaction, table},
};

pub use crate::app::accounts::passkeys::{Challenge, are_supported, begin_authentication};

/// Signs in the administrator whose passkey answers the challenge.
pub async fn sign_in(state: &State, sealed: &str, answer: &str, device: &Device) -> Result<NewSession> {
    let (mut tx, administrator) = authenticate(state, sealed, answer, None, device).await?;
    let begun = start_session(&mut tx, state, &administrator, AuthenticationMethod::Passkey, device).await?;
    tx.commit().await?;
    Ok(begun)
}

/// Verifies the response to an authentication challenge, by a passkey of `expected` or of any administrator. The
/// challenge is consumed in the returned transaction.
pub(super) async fn authenticate(
    state: &State,
    sealed: &str,
    answer: &str,
    expected: Option<AdministratorId>,
    device: &Device,
) -> Result<(Transaction, Administrator)> {
    if !state.settings.console.allows_passkeys() {
        return Err(Error::Forbidden(
            "passkeys are switched off here: sign in through single sign-on".into(),
        ));
    }
    let unknown = async |error| {
        record_unknown(state, AuthenticationMethod::Passkey, device).await;
        Err(error)
    };
    let presented = match PresentedPasskey::read(state, sealed, answer).await {
        Ok(presented) => presented,
        Err(error @ Error::Unauthenticated(_)) => return unknown(error).await,
        Err(error) => return Err(error),
    };
    let AccountId::Administrator(id) = presented.account() else { return unknown(refused()).await };
    let found: Option<Administrator> = table::find(&mut state.db.read().await?, id, id).await?;
    let is_expected = expected.is_none_or(|expected| expected == id);
    let Some(administrator) = found.filter(|found| found.disabled_at.is_none() && is_expected) else {
        return unknown(refused()).await;
    };
    let verified = match presented.verify() {
        Ok(verified) => verified,
        Err(error) => {
            record_failure(state, &administrator, None, AuthenticationMethod::Passkey, device).await;
            return Err(error);
        }
    };
    Ok((verified.accept(state).await?, administrator))
}

/// The passkeys of a signed-in administrator.
pub async fn list(state: &State, admin: &SignedIn) -> Result<Vec<Passkey>> {
    passkeys::list(state, admin.administrator.id.into()).await
}

/// Renames one of the administrator's own passkeys.
pub async fn rename(
    state: &State,
    admin: &SignedIn,
    id: PasskeyId,
    name: &str,
    device: &Device,
) -> Result<()> {
    passkeys::rename(state, &admin.holder(device.address), id, name).await
}

/// Removes one of the administrator's own passkeys. An error if it is their last credential.
pub async fn remove(state: &State, admin: &SignedIn, id: PasskeyId, device: &Device) -> Result<()> {
    recent_authentication::require_recent(&admin.session, state.now())?;
    let allows_passwords = state.settings.console.allows_passwords();
    let holder = admin.holder(device.address);
    let mut tx = state.db.write().await?;
    lock_account(&mut tx, admin).await?;
    let has_password = allows_passwords && store::passwords::find(&mut tx, holder.account).await?.is_some();
    let has_others = passkeys::remove(&mut tx, state, &holder, id).await?;
    if !has_password && !has_others {
        return Err(Error::FailedPrecondition(if allows_passwords {
            "this is your only way to sign in; set a password or add another passkey first".into()
        } else {
            "this is your only way to sign in; add another passkey first".into()
        }));
    }
    tx.commit().await?;
    Ok(())
}

/// The challenge for another passkey of a signed-in administrator.
pub async fn begin_registration(state: &State, admin: &SignedIn) -> Result<Challenge> {
    let Administrator { id, email, .. } = &admin.administrator;
    let user =
        PasskeyUser { account: (*id).into(), name: email.as_str(), display_name: admin.administrator.name() };
    passkeys::begin_registration(state, user).await
}

/// Verifies the response to a registration challenge and adds the passkey.
pub async fn finish_registration(
    state: &State,
    admin: &SignedIn,
    sealed: &str,
    answer: &str,
    display_name: &str,
    device: &Device,
) -> Result<Passkey> {
    recent_authentication::require_recent(&admin.session, state.now())?;
    let holder = admin.holder(device.address);
    let made = NewPasskey::verify(state, sealed, answer, display_name)?;
    made.require_account(holder.account)?;
    let mut tx = state.db.write().await?;
    lock_account(&mut tx, admin).await?;
    let passkey = made.add(&mut tx, state, &holder).await?;
    tx.commit().await?;
    Ok(passkey)
}
