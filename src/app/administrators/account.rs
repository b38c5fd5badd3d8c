//! The administrator's own account: their name and password.

use model::{audit::audit_fields, entity_tag::EntityTags};

use super::{
    password_check,
    signed_in::{SignedIn, edit_account},
};
use crate::{
    app::{
        Error, Result, State,
        accounts::{Device, recent_authentication},
        audit::{self, Entry},
        input,
    },
    store,
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
    match administrator.password_hash {
        // The current password reauthenticates.
        Some(_) if password_check::verify_password(state, administrator, current, device).await? => {}
        Some(_) => return Err(Error::invalid("currentPassword", "is not your password")),
        None => recent_authentication::require_recent(&admin.session, state.now())?,
    }
    let own = [administrator.email.as_str(), &administrator.display_name];
    state.passwords.check("newPassword", new, &own).await?;
    let hash = state.passwords.hash(new, &*state.random).await?;
    let mut edit = edit_account(state, admin, None).await?;
    if edit.row.password_hash != administrator.password_hash {
        return Err(Error::FailedPrecondition("your password was changed in the meantime".into()));
    }
    edit.row.password_hash = Some(hash);
    edit.write(state).await?;
    store::sessions::revoke_all(&mut edit.tx, administrator.id, Some(admin.session.id), state.now()).await?;
    let entry = Entry::of(&edit.row, "password_changed");
    audit::record(&mut edit.tx, state, None, &admin.principal(device.address), entry).await?;
    edit.commit().await?;
    Ok(())
}
