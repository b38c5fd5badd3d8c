//! Identifiers of users, added and removed.

use std::collections::BTreeMap;

use base::{
    id::{IdKind as _, IdentityPoolId, UserId, UserKind},
    time::Timestamp,
};
use model::{
    audit::audit_fields,
    entity_tag::EntityTags,
    identity_pool::IdentityPool,
    user::{IdentifierKey, IdentifierKind, IdentifierText, User, UserIdentifier},
};
use serde_json::{Map, Value};

use super::place::{Purpose, UserEdit};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        principal::Principal,
        retry::retry_deadlocks,
    },
    store::{self, Transaction, user_identifiers},
};

/// The maximum number of identifiers of a user.
pub(super) const MAX_IDENTIFIERS: usize = 20;

/// The maximum size of the object that is kept with an identifier, as JSON.
const MAX_METADATA_BYTES: usize = 4096;

/// An identifier as it is asked for, unvalidated.
#[derive(Clone)]
pub struct NewIdentifier {
    /// What it is.
    pub kind: IdentifierKind,
    /// Its text.
    pub identifier: String,
    /// What the caller keeps with it.
    pub metadata: Map<String, Value>,
}

impl NewIdentifier {
    /// An identifier without anything kept with it.
    pub fn new(kind: IdentifierKind, identifier: impl Into<String>) -> Self {
        Self { kind, identifier: identifier.into(), metadata: Map::new() }
    }

    /// Validates the identifier. `prefix` is that of its fields in errors.
    fn parse(
        &self,
        prefix: &str,
        pool: &IdentityPool,
        now: Timestamp,
    ) -> Result<(IdentifierKey, UserIdentifier)> {
        let text = IdentifierText::parse(self.kind, &self.identifier)
            .map_err(|error| Error::invalid(format!("{prefix}identifier"), error.to_string()))?;
        if serde_json::to_string(&self.metadata).map_or(true, |json| json.len() > MAX_METADATA_BYTES) {
            let reason = format!("must be at most {MAX_METADATA_BYTES} bytes of JSON");
            return Err(Error::invalid(format!("{prefix}metadata"), reason));
        }
        let key = text.key(pool.identifier_case_insensitive);
        Ok((key, UserIdentifier { text, metadata: self.metadata.clone(), created_at: now }))
    }
}

/// Validates identifiers. No two of them have the same normal form.
pub(super) fn parse(
    pool: &IdentityPool,
    identifiers: &[NewIdentifier],
    now: Timestamp,
) -> Result<BTreeMap<IdentifierKey, UserIdentifier>> {
    if identifiers.len() > MAX_IDENTIFIERS {
        return Err(too_many());
    }
    let mut parsed = BTreeMap::new();
    for (at, identifier) in identifiers.iter().enumerate() {
        let prefix = format!("identifiers[{at}].");
        let (key, identifier) = identifier.parse(&prefix, pool, now)?;
        if parsed.insert(key, identifier).is_some() {
            return Err(Error::invalid(
                format!("{prefix}identifier"),
                "is the same as another one of the list",
            ));
        }
    }
    Ok(parsed)
}

fn too_many() -> Error {
    Error::invalid("identifiers", format!("a user has at most {MAX_IDENTIFIERS}"))
}

/// Adds identifiers that nobody in the pool has.
pub(super) async fn insert_all(
    tx: &mut Transaction,
    user: &User,
    identifiers: &BTreeMap<IdentifierKey, UserIdentifier>,
) -> Result<()> {
    for (key, identifier) in identifiers {
        insert(tx, user, key, identifier).await?;
    }
    Ok(())
}

async fn insert(
    tx: &mut Transaction,
    user: &User,
    key: &IdentifierKey,
    identifier: &UserIdentifier,
) -> Result<()> {
    user_identifiers::insert(tx, user.pool_id, user.id, identifier, key)
        .await
        .map_err(Error::conflict_on(UserKind::NOUN, "identifier"))
}

/// The identifiers of a locked user by their normal form.
async fn stored(edit: &mut UserEdit) -> Result<BTreeMap<IdentifierKey, UserIdentifier>> {
    let id = edit.edit.row.id;
    let found = user_identifiers::list(&mut edit.edit.tx, &[id]).await?.remove(&id).unwrap_or_default();
    let ignore_case = edit.pool.identifier_case_insensitive;
    Ok(found.into_iter().map(|identifier| (identifier.text.key(ignore_case), identifier)).collect())
}

/// Makes the identifiers of a locked user these. Those that stay keep the time of their addition.
pub(super) async fn replace_all(
    state: &State,
    principal: &Principal,
    edit: &mut UserEdit,
    identifiers: &[NewIdentifier],
) -> Result<bool> {
    let wanted = parse(&edit.pool, identifiers, state.now())?;
    let stored = stored(edit).await?;
    let (pool_id, id) = (edit.pool.id, edit.edit.row.id);
    let mut changed = false;
    for (key, identifier) in stored.iter().filter(|(key, _)| !wanted.contains_key(key)) {
        user_identifiers::remove(&mut edit.edit.tx, pool_id, id, key).await?;
        record(state, principal, edit, "identifier_removed", identifier).await?;
        changed = true;
    }
    for (key, identifier) in &wanted {
        match stored.get(key) {
            None => {
                insert(&mut edit.edit.tx, &edit.edit.row, key, identifier).await?;
                record(state, principal, edit, "identifier_added", identifier).await?;
            }
            Some(before) if (&before.text, &before.metadata) != (&identifier.text, &identifier.metadata) => {
                user_identifiers::update(&mut edit.edit.tx, pool_id, id, identifier, key).await?;
            }
            Some(_) => continue,
        }
        changed = true;
    }
    Ok(changed)
}

/// Adds an identifier to a user. One that the user has already is a conflict too.
pub async fn add_identifier(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    expected: Option<&EntityTags>,
    identifier: &NewIdentifier,
) -> Result<(User, UserIdentifier)> {
    retry_deadlocks(async || {
        let mut edit = UserEdit::begin(state, principal, of, expected, Purpose::Add).await?;
        let new = insert_one(state, principal, &mut edit, identifier).await?;
        Ok((edit.edit.commit().await?, new))
    })
    .await
}

/// Adds an identifier to a locked user.
pub(in crate::app::accounts) async fn insert_one(
    state: &State,
    principal: &Principal,
    edit: &mut UserEdit,
    identifier: &NewIdentifier,
) -> Result<UserIdentifier> {
    let (key, new) = identifier.parse("", &edit.pool, state.now())?;
    if stored(edit).await?.len() >= MAX_IDENTIFIERS {
        return Err(too_many());
    }
    insert(&mut edit.edit.tx, &edit.edit.row, &key, &new).await?;
    record(state, principal, edit, "identifier_added", &new).await?;
    edit.touch(state).await?;
    Ok(new)
}

/// Removes the identifier of a user that a text names. [`Error::NotFound`]: the user does not have it.
pub async fn remove_identifier(
    state: &State,
    principal: &Principal,
    of: (IdentityPoolId, UserId),
    expected: Option<&EntityTags>,
    text: &str,
) -> Result<User> {
    retry_deadlocks(async || {
        let mut edit = UserEdit::begin(state, principal, of, expected, Purpose::Remove).await?;
        remove_one(state, principal, &mut edit, text).await?;
        edit.edit.commit().await
    })
    .await
}

/// Removes the identifier of a locked user that a text names.
pub(in crate::app::accounts) async fn remove_one(
    state: &State,
    principal: &Principal,
    edit: &mut UserEdit,
    text: &str,
) -> Result<()> {
    let stored = stored(edit).await?;
    let named = keys(&edit.pool, text).into_iter().find(|key| stored.contains_key(key));
    let Some((key, identifier)) = named.and_then(|key| stored.get_key_value(&key)) else {
        return Err(Error::not_found("identifier", ""));
    };
    let (pool_id, id) = (edit.pool.id, edit.edit.row.id);
    user_identifiers::remove(&mut edit.edit.tx, pool_id, id, key).await?;
    record(state, principal, edit, "identifier_removed", identifier).await?;
    edit.touch(state).await
}

/// Records that an identifier came or went: its kind, not its text.
async fn record(
    state: &State,
    principal: &Principal,
    edit: &mut UserEdit,
    done: &str,
    identifier: &UserIdentifier,
) -> Result<()> {
    let entry = Entry::of(&edit.edit.row, done)
        .with_values(audit_fields! { "type": identifier.text.kind().as_str() });
    audit::record(&mut edit.edit.tx, state, Some(principal.environment()?), principal, entry).await
}

/// The keys that a program's text is looked up by in a pool.
pub(super) fn keys(pool: &IdentityPool, text: &str) -> Vec<IdentifierKey> {
    IdentifierKey::candidates(text, pool.identifier_case_insensitive)
}

/// The user of a pool with this typed identifier: what a person signs in with.
pub(super) async fn find_typed(
    conn: &mut store::Conn,
    pool: &IdentityPool,
    text: &str,
) -> Result<Option<User>> {
    match IdentifierKey::of_typed(text, pool.identifier_case_insensitive) {
        Some(key) => Ok(store::users::find_by_key(conn, pool.environment_id, pool.id, &[key]).await?),
        None => Ok(None),
    }
}
