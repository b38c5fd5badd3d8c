//! The passkeys of an account: listed, renamed and removed.

use base::id::PasskeyId;
use model::{
    account::{AccountId, Passkey},
    audit::Audited as _,
};
use webauthn_rs::prelude::Passkey as Credential;

use crate::{
    app::{
        Error, Result, State,
        accounts::AccountHolder,
        audit::{self, Entry},
        input,
    },
    store::{self, Transaction},
};

/// The maximum number of passkeys of an account.
pub(super) const MAX_PASSKEYS: i64 = 20;

/// Parses the stored credential of a passkey.
pub(super) fn parse(credential: &str) -> Result<Credential> {
    serde_json::from_str(credential).map_err(Error::internal)
}

/// The passkeys of an account.
pub async fn list(state: &State, account: AccountId) -> Result<Vec<Passkey>> {
    let mut conn = state.db.read().await?;
    let found = store::passkeys::list(&mut conn, account, MAX_PASSKEYS).await?;
    Ok(found.into_iter().map(|stored| stored.passkey).collect())
}

/// Renames one of the holder's own passkeys.
pub async fn rename(state: &State, holder: &AccountHolder, id: PasskeyId, name: &str) -> Result<()> {
    let missing = || Error::not_found("passkey", id);
    let name = input::line("passkeyName", name.trim(), 100)?;
    if name.is_empty() {
        return Err(Error::invalid("passkeyName", "is required"));
    }
    let mut tx = state.db.write().await?;
    let before = store::passkeys::find(&mut tx, holder.account, id).await?.ok_or_else(missing)?.passkey;
    store::passkeys::update_name(&mut tx, holder.account, id, &name).await?;
    let after = Passkey { display_name: name, ..before.clone() };
    let mut entry = Entry::of(&after, "updated").with_values(after.audit_fields());
    entry.before = before.audit_fields();
    audit::record(&mut tx, state, holder.environment_id, &holder.principal, entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes one of the holder's own passkeys, within the transaction that locks their account. Returns whether they have
/// others left.
pub async fn remove(
    tx: &mut Transaction,
    state: &State,
    holder: &AccountHolder,
    id: PasskeyId,
) -> Result<bool> {
    let found = store::passkeys::find(tx, holder.account, id).await?;
    let passkey = found.ok_or_else(|| Error::not_found("passkey", id))?.passkey;
    store::passkeys::remove(tx, holder.account, id).await?;
    let mut entry = Entry::of(&passkey, "deleted");
    entry.before = passkey.audit_fields();
    audit::record(tx, state, holder.environment_id, &holder.principal, entry).await?;
    Ok(!store::passkeys::list(tx, holder.account, 1).await?.is_empty())
}
