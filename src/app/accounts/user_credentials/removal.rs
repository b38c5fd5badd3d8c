//! Authenticator apps and recovery codes that are taken from a user who has lost them.

use base::id::{IdentityPoolId, UserId};

use super::place::{account, find_user, lock_user};
use crate::{
    app::{
        Error, Result, State,
        accounts::user_sessions,
        audit::{self, Entry},
        principal::Principal,
        retry::retry_deadlocks,
    },
    store,
};

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The authenticator app.
    Totp,
    /// All recovery codes.
    RecoveryCodes,
}

/// Takes a credential away from a user, and ends their sessions. [`Error::NotFound`]: they do not have it.
pub async fn remove_credential(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    what: Removal,
) -> Result<()> {
    let (pool, user) = find_user(state, principal, of).await?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        let user = lock_user(&mut tx, &pool, user.id).await?;
        let (had, done) = match what {
            Removal::Totp => (store::totp_secrets::remove(&mut tx, account(&user)).await?, "totp_removed"),
            Removal::RecoveryCodes => {
                let had = store::recovery_codes::count(&mut tx, account(&user)).await?.is_some();
                store::recovery_codes::remove_all(&mut tx, account(&user)).await?;
                (had, "recovery_codes_removed")
            }
        };
        if !had {
            return Err(Error::not_found("credential", ""));
        }
        user_sessions::end_all(&mut tx, state, user.id).await?;
        let entry = Entry::of(&user, done);
        audit::record(&mut tx, state, Some(user.environment_id), principal, entry).await?;
        Ok(tx.commit().await?)
    })
    .await
}
