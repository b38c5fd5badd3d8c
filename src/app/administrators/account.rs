//! The administrator's own account: their name and password.

use model::{administrator::Administrator, audit::audit_fields};

use super::{
    password_check, recent_authentication,
    signed_in::{Device, SignedIn, lock_account},
};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        input,
    },
    store::{self, admin_sessions},
};

/// Changes an administrator's own name.
pub async fn rename(state: &State, admin: &SignedIn, name: &str, device: &Device) -> Result<()> {
    let name = input::line("displayName", name.trim(), 200)?;
    let mut tx = state.db.write().await?;
    let before = lock_account(&mut tx, admin).await?;
    let after = Administrator { display_name: name, updated_at: state.now(), ..before.clone() };
    store::administrators::update(&mut tx, &after).await?;
    let mut entry = Entry::of(&after, "updated");
    entry.before = audit_fields! { "displayName": before.display_name };
    entry.after = audit_fields! { "displayName": after.display_name };
    if before.display_name != after.display_name {
        audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    }
    tx.commit().await?;
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
    match administrator.password_hash {
        // The current password reauthenticates.
        Some(_) if password_check::verify_password(state, administrator, current, device).await? => {}
        Some(_) => return Err(Error::invalid("currentPassword", "is not your password")),
        None => recent_authentication::require_recent_authentication(state, admin)?,
    }
    let own = [administrator.email.as_str(), &administrator.display_name];
    state.passwords.check("newPassword", new, &own).await?;
    let hash = state.passwords.hash(new, &*state.random).await?;
    let mut tx = state.db.write().await?;
    let before = lock_account(&mut tx, admin).await?;
    if before.password_hash != administrator.password_hash {
        return Err(Error::FailedPrecondition("your password was changed in the meantime".into()));
    }
    let after = Administrator { password_hash: Some(hash), updated_at: state.now(), ..before };
    store::administrators::update(&mut tx, &after).await?;
    admin_sessions::revoke_all(&mut tx, after.id, Some(admin.session.id), state.now()).await?;
    let entry = Entry::of(&after, "password_changed");
    audit::record(&mut tx, state, None, &admin.principal(device.address), entry).await?;
    tx.commit().await?;
    Ok(())
}
