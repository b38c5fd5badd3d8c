//! The user's own profile.

use model::{entity_tag::EntityTags, user::User};
use serde_json::{Map, Value};

use super::{
    SignedIn,
    visible::{self, Part},
};
use crate::app::{
    Error, Result, State,
    accounts::users::{Profile, change, profile},
    resource::check_version,
    retry::retry_deadlocks,
};

/// What the user sees of their profile, and may change of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnProfile {
    /// The schema of what they may change.
    pub editable: Map<String, Value>,
    /// What others write about them and they may see: the schema and the values of each.
    pub read_only: Vec<(Map<String, Value>, Map<String, Value>)>,
}

/// The profile of whoever is signed in.
pub async fn load(state: &State, signed_in: &SignedIn) -> Result<OwnProfile> {
    let (pool, user) = (&signed_in.account.pool, signed_in.user());
    let schemas = profile::schemas_of(&mut state.db.read().await?, user.environment_id, pool).await?;
    let editable = visible::schema(&schemas.payload, Part::Editable);
    let shown = visible::schema(&schemas.payload, Part::Shown);
    let mut others = visible::members(&shown, &user.payload);
    let own = editable.get("properties").and_then(Value::as_object);
    others.retain(|name, _| own.is_none_or(|own| !own.contains_key(name)));
    let metadata = of_administrators(&schemas.metadata, &user.metadata);
    let read_only = [(shown, others), metadata].into_iter().filter(|(_, values)| !values.is_empty());
    Ok(OwnProfile { editable, read_only: read_only.collect() })
}

/// What an administrator wrote, as the user sees it: all but what is hidden. What the schema does not name is not hidden.
pub(super) fn of_administrators(
    schema: &Map<String, Value>,
    object: &Map<String, Value>,
) -> (Map<String, Value>, Map<String, Value>) {
    let shown = visible::schema(schema, Part::Shown);
    let mut values = visible::members(&shown, object);
    let named = schema.get("properties").and_then(Value::as_object);
    let unnamed = object.iter().filter(|(name, _)| named.is_none_or(|named| !named.contains_key(*name)));
    values.extend(unnamed.map(|(name, value)| (name.clone(), value.clone())));
    (shown, values)
}

/// Changes the profile to `payload`, as far as the user may; what else there is stays. [`Error::InvalidFields`] names the places
/// that do not fit the schema, [`Error::Outdated`]: the account has none of the `expected` versions any more.
pub async fn update(
    state: &State,
    signed_in: &SignedIn,
    expected: Option<&EntityTags>,
    payload: &Map<String, Value>,
) -> Result<User> {
    let (pool, user) = (&signed_in.account.pool, signed_in.user());
    let environment_id = user.environment_id;
    // Before the transaction: schemas can take a while.
    let mut conn = state.db.read().await?;
    let schema = profile::schemas_of(&mut conn, environment_id, pool).await?.payload;
    let editable = visible::schema(&schema, Part::Editable);
    let new = visible::keep_others(&editable, &user.payload, payload);
    let checked = Profile { payload: Some(new), ..Profile::default() };
    checked.check(&mut conn, environment_id, pool).await?;
    drop(conn);
    retry_deadlocks(async || {
        let mut edit = signed_in.edit(state).await?;
        check_version(expected, edit.edit.row.version)?;
        if edit.edit.row.payload != user.payload {
            return Err(Error::Outdated { version: edit.edit.row.version });
        }
        checked.ensure_checked_for(pool, &edit.pool)?;
        checked.apply_to(&signed_in.principal(), &mut edit.edit.row)?;
        change::save(state, &signed_in.principal(), &mut edit, false).await?;
        edit.edit.commit().await
    })
    .await
}
