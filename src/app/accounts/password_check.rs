//! The check of an account's password.

use model::account::AccountId;

use super::passwords::{PasswordRealm, is_outdated};
use crate::{
    app::{Result, State},
    store::{self, passwords::StoredPassword},
};

/// Whether this is the password of an account: the one that is stored then, its hash made anew if it was made otherwise than
/// today's are. Without an account, and for one without a password, it takes as long and asks the database the same. Whether the
/// password can still be used, its state says.
///
/// Nothing is locked meanwhile. Who lets somebody in by it locks the account and asks [`is_current`].
pub async fn verify(
    state: &State,
    realm: PasswordRealm,
    account: Option<AccountId>,
    password: &str,
) -> Result<Option<StoredPassword>> {
    let known = account.unwrap_or_else(AccountId::nobody);
    let stored = store::passwords::find(&mut state.db.read().await?, known).await?;
    let is_good = state.passwords.verify(realm, password, stored.as_ref().map(|stored| &stored.hash)).await?;
    let Some(stored) = stored.filter(|_| is_good) else { return Ok(None) };
    if !is_outdated(&stored.hash) {
        return Ok(Some(stored));
    }
    let new = state.passwords.hash(realm, password, &*state.random).await?;
    let mut tx = state.db.write().await?;
    let is_same = store::passwords::update_hash(&mut tx, known, &stored.hash, &new).await?;
    tx.commit().await?;
    Ok(is_same.then_some(StoredPassword { hash: new, ..stored }))
}

/// Whether an account, which is locked, still has the password that was verified or, with `None`, still has none.
pub async fn is_current(
    tx: &mut store::Transaction,
    account: AccountId,
    verified: Option<&StoredPassword>,
) -> Result<bool> {
    let stored = store::passwords::find(tx, account).await?;
    Ok(stored.map(|stored| stored.hash).as_ref() == verified.map(|verified| &verified.hash))
}
