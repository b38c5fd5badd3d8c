//! Identity schemas: what the JSON objects of users must look like. Those that every environment has are no rows, and nobody
//! changes them.
//!
//! A schema that changes binds what is written from then on. Users who are there already stay as they are until somebody
//! writes the object that it is about.

use base::id::{EnvironmentId, EnvironmentKind, Id, IdKind as _, IdentitySchemaId, IdentitySchemaKind};
use model::{
    entity_tag::EntityTags,
    identity_pool::IdentityPool,
    identity_schema::{IdentitySchema, SchemaRef, SystemSchema},
};
use serde_json::{Map, Value};
use strum::VariantArray as _;

use super::pools::{description, name};
use crate::{
    app::{
        Error, Result, State, audit,
        json_schema::CompiledSchema,
        permissions::Action,
        principal::{On, Principal},
        resource::{self, Edit},
        retry::retry_deadlocks,
    },
    store::{self, identity_schemas, table},
};

/// How many schemas of its own an environment has at most. They are listed at once.
const MAX_SCHEMAS: i64 = 200;

/// The field of the schema itself in errors; the place in it follows, as a JSON pointer.
pub const SCHEMA_FIELD: &str = "schema";

/// A schema: one that every environment has, or one of its own.
#[derive(Debug, Clone, PartialEq)]
pub enum Schema {
    /// One that every environment has.
    System(SystemSchema),
    /// One of the environment's own.
    Own(IdentitySchema),
}

/// A schema as it is asked for, unvalidated.
#[derive(Debug, Clone, Default)]
pub struct SchemaSettings {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The schema.
    pub schema: Map<String, Value>,
}

impl SchemaSettings {
    /// Validates the settings. The schema is compiled, which takes a while for a large one: not on the threads that answer
    /// requests.
    async fn check(&self) -> Result<Self> {
        let checked = Self {
            name: name(&self.name)?,
            description: description(&self.description)?,
            schema: self.schema.clone(),
        };
        let schema = Value::Object(self.schema.clone());
        let compiled = tokio::task::spawn_blocking(move || CompiledSchema::compile(&schema).map(drop)).await;
        compiled.map_err(Error::internal)?.map_err(|error| {
            let path = error.path().trim_end_matches('/');
            Error::invalid(format!("{SCHEMA_FIELD}{path}"), error.reason())
        })?;
        Ok(checked)
    }
}

/// The schema with this id.
pub async fn find(state: &State, principal: &Principal, id: SchemaRef) -> Result<Schema> {
    let environment_id = principal.authorize(Action::IdentityPoolsView, On::Environment)?;
    match id {
        SchemaRef::System(schema) => Ok(Schema::System(schema)),
        SchemaRef::Own(id) => {
            Ok(Schema::Own(resource::load(&mut state.db.read().await?, environment_id, id).await?))
        }
    }
}

/// All schemas of an environment: those that every one has, then its own, in the order of their ids.
pub async fn list(state: &State, principal: &Principal) -> Result<Vec<Schema>> {
    let environment_id = principal.authorize(Action::IdentityPoolsView, On::Environment)?;
    let mut conn = state.db.read().await?;
    let own = identity_schemas::list_all(&mut conn, environment_id, MAX_SCHEMAS).await?;
    let system = SystemSchema::VARIANTS.iter().map(|schema| Schema::System(*schema));
    Ok(system.chain(own.into_iter().map(Schema::Own)).collect())
}

/// The pools that use a schema of the environment's own, up to `limit`, and whether there are more.
pub async fn pools_using(
    state: &State,
    principal: &Principal,
    id: IdentitySchemaId,
    limit: usize,
) -> Result<(Vec<IdentityPool>, bool)> {
    let environment_id = principal.authorize(Action::IdentityPoolsView, On::Environment)?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut conn = state.db.read().await?;
    let mut pools = identity_schemas::list_uses(&mut conn, environment_id, id, most).await?;
    pools.sort_by_key(|pool| pool.id);
    pools.dedup_by_key(|pool| pool.id);
    let more = pools.len() > limit;
    pools.truncate(limit);
    Ok((pools, more))
}

/// Creates a schema, with the id that the caller chose for it, if one.
pub async fn create(
    state: &State,
    principal: &Principal,
    id: Option<IdentitySchemaId>,
    settings: &SchemaSettings,
) -> Result<IdentitySchema> {
    let environment_id = principal.authorize(Action::IdentityPoolsManage, On::Environment)?;
    let SchemaSettings { name, description, schema } = settings.check().await?;
    let now = state.now();
    let row = IdentitySchema {
        id: id.unwrap_or_else(|| Id::new(now, &*state.random)),
        environment_id,
        version: 1,
        name,
        description,
        schema,
        created_at: now,
        updated_at: now,
    };
    let mut tx = state.db.write().await?;
    require_room(&mut tx, environment_id).await?;
    table::insert(&mut tx, &row).await.map_err(Error::conflict_on(IdentitySchemaKind::NOUN, "id"))?;
    audit::created(&mut tx, state, principal, &row).await?;
    tx.commit().await?;
    Ok(row)
}

/// Requires that an environment has room for one schema more. Concurrent calls wait until the transaction ends.
async fn require_room(tx: &mut store::Transaction, environment_id: EnvironmentId) -> Result<()> {
    if !table::lock::<model::environment::Environment>(tx, environment_id, environment_id).await? {
        return Err(Error::not_found(EnvironmentKind::NOUN, environment_id));
    }
    if identity_schemas::count(tx, environment_id).await? < MAX_SCHEMAS {
        return Ok(());
    }
    Err(Error::FailedPrecondition(
        format!("an environment has at most {MAX_SCHEMAS} schemas of its own; remove one first").into(),
    ))
}

/// Makes these the settings of a schema. [`Error::Outdated`]: it has none of the `expected` versions any more.
pub async fn replace(
    state: &State,
    principal: &Principal,
    id: SchemaRef,
    expected: Option<&EntityTags>,
    settings: &SchemaSettings,
) -> Result<IdentitySchema> {
    let environment_id = principal.authorize(Action::IdentityPoolsManage, On::Environment)?;
    let id = changeable(id)?;
    let wanted = settings.check().await?;
    let tx = state.db.write().await?;
    let mut edit = Edit::<IdentitySchema>::begin(tx, environment_id, id, expected).await?;
    edit.row.name = wanted.name;
    edit.row.description = wanted.description;
    edit.row.schema = wanted.schema;
    edit.write(state).await?;
    edit.record_update(state, principal).await?;
    edit.commit().await
}

/// Removes a schema. [`Error::FailedPrecondition`]: an identity pool uses it.
pub async fn remove(
    state: &State,
    principal: &Principal,
    id: SchemaRef,
    expected: Option<&EntityTags>,
) -> Result<()> {
    let environment_id = principal.authorize(Action::IdentityPoolsManage, On::Environment)?;
    let id = changeable(id)?;
    retry_deadlocks(async || {
        let mut tx = state.db.write().await?;
        // Pools that are about to use it wait.
        if !table::lock_for_removal::<IdentitySchema>(&mut tx, environment_id, id).await? {
            return Err(Error::not_found(IdentitySchemaKind::NOUN, id));
        }
        let mut edit = Edit::<IdentitySchema>::begin(tx, environment_id, id, expected).await?;
        if let Some(pool) = identity_schemas::find_use(&mut edit.tx, environment_id, id).await? {
            return Err(Error::FailedPrecondition(
                format!("the identity pool {pool} uses this schema; give it another one first").into(),
            ));
        }
        edit.remove(state, principal).await
    })
    .await
}

fn changeable(id: SchemaRef) -> Result<IdentitySchemaId> {
    id.own().ok_or_else(|| {
        Error::FailedPrecondition("this is a schema that every environment has; nobody can change it".into())
    })
}
