//! Deleted users.

use base::id::{IdentityPoolId, UserId};
use model::entity_tag::EntityTags;

use super::place::{Purpose, UserEdit};
use crate::{
    app::{Result, State, audit, invitations, principal::Principal, retry::retry_deadlocks},
    store,
};

/// Deletes a user: in one transaction the sessions and tokens end, and identifiers, addresses, credentials and the profile are
/// erased. The audit log keeps that there was such an account.
pub async fn remove(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    expected: Option<&EntityTags>,
) -> Result<()> {
    retry_deadlocks(async || {
        let edit = UserEdit::begin(state, principal, of, expected, Purpose::Delete).await?;
        remove_locked(state, principal, edit).await
    })
    .await
}

/// Deletes a locked user, and commits.
pub(in crate::app::accounts) async fn remove_locked(
    state: &State,
    principal: &Principal,
    edit: UserEdit,
) -> Result<()> {
    let UserEdit { pool, mut edit } = edit;
    let (id, source) = (edit.row.id, edit.row.source);
    invitations::erase_of(&mut edit.tx, &edit.row).await?;
    store::users::end_use(&mut edit.tx, id, state.now()).await?;
    if edit.row.shadow_of.is_some() {
        store::user_associations::end_use(&mut edit.tx, id, state.now()).await?;
        store::memberships::remove_by_image(&mut edit.tx, edit.row.environment_id, id).await?;
    }
    // In the order in which a new user is counted.
    store::users::add_to_counts(&mut edit.tx, pool.id, source, -1).await?;
    store::deleted_users::remove(&mut edit.tx, &[id]).await?;
    audit::deleted(&mut edit.tx, state, principal, &edit.before).await?;
    Ok(edit.tx.commit().await?)
}
