//! The administrator's own account: their name and password.

use model::{account::AccountId, audit::audit_fields, entity_tag::EntityTags};

use super::{
    password_check,
    settings::PASSWORD_POLICY,
    signed_in::{SignedIn, edit_account, lock_account},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{Device, password_check::is_current, passwords::PasswordRealm, recent_authentication},
        audit::{self, Entry},
        input,
    },
    store::{self, passwords::StoredPassword},
};

/// Changes an administrator's own name. [`Error::Outdated`]: the account has none of the `expected` versions any more.
pub async fn rename(
    state: &State,
    admin: &SignedIn,
    expected: Option<&EntityTags>,
    name: &str,
    device: &Device,
) -> Result<()> {
    let name = input::line("displayName", name.trim(), 200)?;
    let mut edit = edit_account(state, admin, expected).await?;
    edit.row.display_name = name;
    edit.write(state).await?;
    if edit.is_changed() {
        let mut entry = Entry::of(&edit.row, "updated");
        entry.before = audit_fields! { "displayName": edit.before.display_name };
        entry.after = audit_fields! { "displayName": edit.row.display_name };
        audit::record(&mut edit.tx, state, None, &admin.principal(device.address), entry).await?;
    }
    edit.commit().await?;
    Ok(())
}

/// Changes an administrator's own password, or sets their first one, and revokes their other sessions.
pub async fn set_password(
    state: &State,
    admin: &SignedIn,
    current: &str,
    new: &str,
    device: &Device,
) -> Result<()> {
    password_check::check_passwords_enabled(state)?;
    let administrator = &admin.administrator;
    let account = AccountId::from(administrator.id);
    let verified = if has_password(state, admin).await? {
        // The current password reauthenticates.
        let verified = password_check::verify_password(state, administrator, current, device).await?;
        Some(verified.ok_or_else(|| Error::invalid("currentPassword", "is not your password"))?)
    } else {
        recent_authentication::require_recent(&admin.session, state.now())?;
        None
    };
    let own = [administrator.email.as_str(), &administrator.display_name];
    let realm = PasswordRealm::Console(device.address);
    state.passwords.check(realm, PASSWORD_POLICY, "newPassword", new, &own).await?;
    let hash = state.passwords.hash(realm, new, &*state.random).await?;
    let mut tx = state.db.write().await?;
    let stored = lock_account(&mut tx, admin).await?;
    if !is_current(&mut tx, account, verified.as_ref()).await? {
        return Err(Error::FailedPrecondition("your password was changed in the meantime".into()));
    }
    let now = state.now();
    store::passwords::upsert(&mut tx, account, &StoredPassword::valid(hash, now)).await?;
    store::sessions::revoke_all(&mut tx, administrator.id, Some(admin.session.id), now).await?;
    let entry = Entry::of(&stored, "password_changed");
    audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Whether a signed-in administrator has a password.
pub async fn has_password(state: &State, admin: &SignedIn) -> Result<bool> {
    let mut conn = state.db.read().await?;
    Ok(store::passwords::find(&mut conn, admin.administrator.id.into()).await?.is_some())
}
