//! The passkeys of a signed-in administrator: listed, renamed and removed.

use base::id::PasskeyId;
use model::{account::AdminPasskey, audit::Audited as _};
use webauthn_rs::prelude::Passkey;

use crate::{
    app::{
        Error, Result, State,
        accounts::{Device, recent_authentication},
        administrators::signed_in::{SignedIn, lock_account},
        audit::{self, Entry},
        input,
    },
    store,
};

/// The maximum number of passkeys of an administrator.
pub(super) const MAX_PASSKEYS: i64 = 20;

/// Parses the stored credential of a passkey.
pub(super) fn parse(credential: &str) -> Result<Passkey> {
    serde_json::from_str(credential).map_err(Error::internal)
}

/// The passkeys of a signed-in administrator.
pub async fn list(state: &State, admin: &SignedIn) -> Result<Vec<AdminPasskey>> {
    let mut conn = state.db.read().await?;
    let found = store::passkeys::list(&mut conn, admin.administrator.id, MAX_PASSKEYS).await?;
    Ok(found.into_iter().map(|stored| stored.passkey).collect())
}

/// Renames one of the administrator's own passkeys.
pub async fn rename(
    state: &State,
    admin: &SignedIn,
    id: PasskeyId,
    name: &str,
    device: &Device,
) -> Result<()> {
    let missing = || Error::not_found("passkey", id);
    let name = input::line("passkeyName", name.trim(), 100)?;
    if name.is_empty() {
        return Err(Error::invalid("passkeyName", "is required"));
    }
    let mut tx = state.db.write().await?;
    let before =
        store::passkeys::find(&mut tx, admin.administrator.id, id).await?.ok_or_else(missing)?.passkey;
    store::passkeys::update_name(&mut tx, admin.administrator.id, id, &name).await?;
    let after = AdminPasskey { display_name: name, ..before.clone() };
    let mut entry = Entry::of(&after, "updated").with_values(after.audit_fields());
    entry.before = before.audit_fields();
    audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes one of the administrator's own passkeys. An error if it is their last credential.
pub async fn remove(state: &State, admin: &SignedIn, id: PasskeyId, device: &Device) -> Result<()> {
    recent_authentication::require_recent(&admin.session, state.now())?;
    let missing = || Error::not_found("passkey", id);
    let mut tx = state.db.write().await?;
    let account = lock_account(&mut tx, admin).await?.id;
    let stored = store::passkeys::find(&mut tx, admin.administrator.id, id).await?.ok_or_else(missing)?;
    let others = store::passkeys::list(&mut tx, admin.administrator.id, 2).await?.len() > 1;
    let has_password = state.settings.console.allows_passwords()
        && store::passwords::find(&mut tx, account.into()).await?.is_some();
    if !has_password && !others {
        return Err(Error::FailedPrecondition(if state.settings.console.allows_passwords() {
            "this is your only way to sign in; set a password or add another passkey first".into()
        } else {
            "this is your only way to sign in; add another passkey first".into()
        }));
    }
    store::passkeys::remove(&mut tx, admin.administrator.id, id).await?;
    let mut entry = Entry::of(&stored.passkey, "deleted");
    entry.before = stored.passkey.audit_fields();
    audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}
