//! Passwords that an account had before, where its pool forbids to use them again.

use base::time::Timestamp;
use model::account::{AccountId, PasswordPolicy};

use super::passwords::PasswordRealm;
use crate::{
    app::{Error, Result, State},
    store::{self, Transaction},
};

/// Returns an error if the policy forbids this password because the account has it, or had it.
pub(super) async fn check(
    state: &State,
    realm: PasswordRealm,
    policy: PasswordPolicy,
    account: AccountId,
    field: &'static str,
    password: &str,
) -> Result<()> {
    let forbidden = policy.former_passwords();
    if forbidden == 0 {
        return Ok(());
    }
    let hashes = {
        let mut conn = state.db.read().await?;
        let present = store::passwords::find(&mut conn, account).await?.map(|stored| stored.hash);
        let limit = i64::try_from(forbidden - 1).map_err(Error::internal)?;
        let former = store::former_passwords::list(&mut conn, account, limit).await?;
        present.into_iter().chain(former)
    };
    for hash in hashes {
        if state.passwords.verify(realm, password, Some(&hash)).await? {
            return Err(Error::invalid(
                field,
                format!("must be none of the {forbidden} passwords that were used last"),
            ));
        }
    }
    Ok(())
}

/// Keeps the present password, which is about to be replaced, and as many before it that `kept` are kept together.
pub(super) async fn keep(
    tx: &mut Transaction,
    account: AccountId,
    kept: usize,
    now: Timestamp,
) -> Result<()> {
    if kept > 0
        && let Some(present) = store::passwords::find(tx, account).await?
    {
        store::former_passwords::insert(tx, account, &present.hash, now).await?;
    }
    let kept = i64::try_from(kept).map_err(Error::internal)?;
    Ok(store::former_passwords::remove_older(tx, account, kept).await?)
}
