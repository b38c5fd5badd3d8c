//! Changes of users: their status, their profile, all of them at once.

use base::id::{IdentityPoolId, UserId};
use model::{
    audit::audit_fields,
    entity_tag::EntityTags,
    user::{User, UserStatus},
};
use serde_json::Value;

use super::{
    addresses::{self, NewAddress},
    create::{MAX_USER_TYPE, prepare},
    identifiers::{self, NewIdentifier},
    place::{Purpose, UserEdit, find_pool},
    profile::Profile,
};
use crate::{
    app::{
        Result, State,
        accounts::credentials::{self, NewCredential},
        audit::{self, Entry},
        input,
        permissions::Action,
        principal::{On, Principal},
        retry::retry_deadlocks,
    },
    store,
};

/// A change of a user, unvalidated. What is `None` stays as it is.
#[derive(Clone, Default)]
pub struct UserChange {
    /// Whether it may be used.
    pub status: Option<UserStatus>,
    /// What the caller calls its kind.
    pub user_type: Option<String>,
    /// By what it is found: these, and nothing else.
    pub identifiers: Option<Vec<NewIdentifier>>,
    /// Where it is reached: these, and nothing else.
    pub addresses: Option<Vec<NewAddress>>,
    /// Its JSON objects.
    pub profile: Profile,
    /// What it authenticates with from now on; those of other kinds stay.
    pub credentials: Vec<NewCredential>,
}

/// Changes a user. Where a credential is replaced, sessions and tokens end.
pub async fn update(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    expected: Option<&EntityTags>,
    change: &UserChange,
) -> Result<User> {
    let environment_id = principal.authorize(Action::UsersManage, On::AnyOrganization)?;
    // Before the transaction: schemas can take a while.
    let checked = {
        let mut conn = state.db.read().await?;
        let pool = find_pool(&mut conn, environment_id, of.0).await?;
        change.profile.check(&mut conn, environment_id, &pool).await?;
        pool
    };
    let own: Vec<&str> =
        change.identifiers.iter().flatten().map(|identifier| identifier.identifier.as_str()).collect();
    let credentials = prepare(state, &checked, Some(of.1.into()), &change.credentials, &own).await?;
    let purpose = match change {
        UserChange { status: Some(UserStatus::Inactive | UserStatus::Deleted), .. } => Purpose::Remove,
        _ => Purpose::Add,
    };
    retry_deadlocks(async || {
        let mut edit = UserEdit::begin(state, principal, of, expected, purpose).await?;
        change.profile.ensure_checked_for(&checked, &edit.pool)?;
        let row = &mut edit.edit.row;
        if let Some(user_type) = &change.user_type {
            row.user_type = input::line("user_type", user_type, MAX_USER_TYPE)?;
        }
        if let Some(status) = change.status {
            row.set_status(status, state.now());
        }
        change.profile.apply_to(principal, row)?;
        let mut touched = false;
        if let Some(identifiers) = &change.identifiers {
            touched |= identifiers::replace_all(state, principal, &mut edit, identifiers).await?;
        }
        if let Some(addresses) = &change.addresses {
            touched |= addresses::replace_all(state, principal, &mut edit, addresses).await?;
        }
        save(state, principal, &mut edit, touched).await?;
        for credential in &credentials {
            credentials::store(&mut edit.edit.tx, state, of.1.into(), credential.clone()).await?;
        }
        if !credentials.is_empty() {
            store::users::end_use(&mut edit.edit.tx, of.1, state.now()).await?;
            let entry = Entry::of(&edit.edit.row, "credentials_changed");
            let environment_id = edit.edit.row.environment_id;
            audit::record(&mut edit.edit.tx, state, Some(environment_id), principal, entry).await?;
        }
        edit.edit.commit().await
    })
    .await
}

/// Changes the status of a user.
pub async fn set_status(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    expected: Option<&EntityTags>,
    status: UserStatus,
) -> Result<User> {
    let purpose = if status.is_active() { Purpose::Add } else { Purpose::Remove };
    retry_deadlocks(async || {
        let mut edit = UserEdit::begin(state, principal, of, expected, purpose).await?;
        edit.edit.row.set_status(status, state.now());
        save(state, principal, &mut edit, false).await?;
        edit.edit.commit().await
    })
    .await
}

/// Stores a changed user, and records what changed: the status and the type, and of the JSON objects only that they did.
/// Sessions and tokens of somebody who may not sign in any more end.
pub(in crate::app::accounts) async fn save(
    state: &State,
    principal: &Principal,
    edit: &mut UserEdit,
    touched: bool,
) -> Result<()> {
    let now = state.now();
    let (before, after) = (edit.edit.before.clone(), edit.edit.row.clone());
    if !touched && !edit.edit.is_changed() {
        return Ok(());
    }
    edit.touch(state).await?;
    if before.display_name() != after.display_name() {
        store::users::update_words(&mut edit.edit.tx, &edit.edit.row).await?;
    }
    if before.status.is_active() && !after.status.is_active() {
        store::users::end_use(&mut edit.edit.tx, after.id, now).await?;
    }
    let mut entry = Entry::of(&after, "updated");
    for (name, old, new) in [
        ("status", before.status.as_str(), after.status.as_str()),
        ("userType", before.user_type.as_str(), after.user_type.as_str()),
    ] {
        if old != new {
            entry.before.insert(name.to_owned(), old.into());
            entry.after.insert(name.to_owned(), new.into());
        }
    }
    let changed: Vec<Value> = [
        ("payload", before.payload != after.payload),
        ("metadata", before.metadata != after.metadata),
        ("businessMetadata", before.business_metadata != after.business_metadata),
    ]
    .into_iter()
    .filter(|(_, changed)| *changed)
    .map(|(name, _)| name.into())
    .collect();
    if !changed.is_empty() {
        entry.after.extend(audit_fields! { "changed": changed });
    }
    if entry.after.is_empty() {
        return Ok(());
    }
    audit::record(&mut edit.edit.tx, state, Some(after.environment_id), principal, entry).await
}
