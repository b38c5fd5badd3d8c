//! The erasure of one's own account.

use super::SignedIn;
use crate::app::{Result, State, accounts::users::delete, retry::retry_deadlocks};

/// Erases the account with everything that is kept of it, as when it is deleted by somebody else. The audit log keeps that
/// there was such an account, and that it was the user who erased it.
pub async fn erase(state: &State, signed_in: &SignedIn) -> Result<()> {
    signed_in.require_recent(state)?;
    retry_deadlocks(async || {
        let edit = signed_in.edit(state).await?;
        delete::remove_locked(state, &signed_in.principal(), edit).await
    })
    .await
}
