//! The user's own password.

use model::{
    account::{AuthenticationMethod, CredentialState},
    letter::LetterKind,
};

use super::SignedIn;
use crate::{
    app::{
        Error, Result, State,
        accounts::{
            attempts::record_failure, credentials, password_check, passwords::PasswordRealm, user_credentials,
        },
        retry::retry_deadlocks,
    },
    store::{self, passwords::StoredPassword},
};

/// Changes the password, which the present one permits; where there is none, sets one. Other sessions end.
/// [`Error::Invalid`] on `current` or on `password`; [`Error::Limited`] after too many wrong ones.
pub async fn set(state: &State, signed_in: &SignedIn, current: &str, new: &str) -> Result<()> {
    if !signed_in.account.allows_passwords() {
        return Err(Error::FailedPrecondition("nobody signs in by password here".into()));
    }
    let id = signed_in.id();
    let has_one = store::passwords::find(&mut state.db.read().await?, id).await?.is_some();
    let verified = match has_one {
        true => Some(verify(state, signed_in, "current", current).await?),
        false => {
            signed_in.require_recent(state)?;
            None
        }
    };
    if verified.as_ref().is_some_and(|stored| stored.state == CredentialState::MustBeReset) {
        return Err(Error::FailedPrecondition(
            "your password must be reset; ask whoever manages the accounts of your organization for a link"
                .into(),
        ));
    }
    let prepared = user_credentials::prepare_password(state, &signed_in.account, new).await?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = signed_in.lock(&mut tx).await?;
        if !password_check::is_current(&mut tx, id, verified.as_ref()).await? {
            return Err(Error::FailedPrecondition("your password was changed in the meantime".into()));
        }
        credentials::set_password(&mut tx, state, id, prepared.clone()).await?;
        signed_in.end_others(&mut tx, state).await?;
        signed_in.tell(&mut tx, state, &user, "password_changed", LetterKind::PasswordChanged).await?;
        Ok(tx.commit().await?)
    })
    .await
}

/// Verifies the password of whoever is signed in, within the rate limit of signing in. [`Error::Invalid`] on `field`.
pub(super) async fn verify(
    state: &State,
    signed_in: &SignedIn,
    field: &'static str,
    password: &str,
) -> Result<StoredPassword> {
    let attempt = signed_in.begin_attempt(state)?;
    let realm = PasswordRealm::of(&signed_in.account.pool);
    if let Some(stored) = password_check::verify(state, realm, Some(signed_in.id()), password).await? {
        return Ok(stored);
    }
    attempt.fail();
    let (environment_id, method) = (Some(signed_in.user().environment_id), AuthenticationMethod::Password);
    record_failure(state, signed_in.user(), environment_id, method, signed_in.device()).await;
    Err(Error::invalid(field, "this is not your password"))
}
