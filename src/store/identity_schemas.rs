//! Identity schemas of environments.

use base::{
    id::{EnvironmentId, EnvironmentKind, IdentityPoolId, IdentitySchemaId, IdentitySchemaKind},
    time::Timestamp,
};
use model::{identity_pool::IdentityPool, identity_schema::IdentitySchema};

use super::{
    Conn, Result, Transaction, columns,
    connection::{Row, Statement},
    table::{Key, SHARED_LOCK, Table, locking, select_where},
};

impl Table for IdentitySchema {
    type Kind = IdentitySchemaKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "identity_schemas";
    const COLUMNS: &'static [&'static str] = &["name", "description", "schema", "updated_at"];
    const FIXED: &'static [&'static str] = &["created_at"];

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        (self.version, self.updated_at) = (version, at);
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.name.as_str())
            .bind(self.description.as_str())
            .bind(columns::object_to_json(&self.schema))
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            version: row.get("version")?,
            name: row.get("name")?,
            description: row.get("description")?,
            schema: row.parse("schema", columns::object_from_json)?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// Up to `limit` schemas of an environment, in the order of their ids.
pub async fn list_all(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    limit: i64,
) -> Result<Vec<IdentitySchema>> {
    select_where::<IdentitySchema>(conn, "WHERE environment_id = $1 ORDER BY id LIMIT $2")
        .bind(environment_id)
        .bind(limit)
        .all_of()
        .await
}

/// How many schemas an environment has.
pub async fn count(conn: &mut Conn, environment_id: EnvironmentId) -> Result<i64> {
    let (count,): (i64,) = conn
        .sql("SELECT COUNT(*) FROM identity_schemas WHERE environment_id = $1")
        .bind(environment_id)
        .one()
        .await?;
    Ok(count)
}

/// Keeps a schema from being removed until the transaction ends, for a pool that is about to use it. Returns whether the
/// environment has it.
pub async fn lock_shared(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: IdentitySchemaId,
) -> Result<bool> {
    let select = "SELECT id FROM identity_schemas WHERE environment_id = $1 AND id = $2";
    let text = locking(tx.dialect(), select, SHARED_LOCK);
    Ok(tx.sql(text).bind(environment_id).bind(id).optional::<(String,)>().await?.is_some())
}

/// A pool that uses a schema, if there is one.
pub async fn find_use(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: IdentitySchemaId,
) -> Result<Option<IdentityPoolId>> {
    // One index each.
    for text in [
        "SELECT id FROM identity_pools WHERE environment_id = $1 AND payload_schema_id = $2 \
         AND payload_schema_id <> 'user_v0' AND deleted_at IS NULL LIMIT 1",
        "SELECT id FROM identity_pools WHERE environment_id = $1 AND metadata_schema_id = $2 \
         AND metadata_schema_id <> 'metadata_v0' AND deleted_at IS NULL LIMIT 1",
        "SELECT id FROM identity_pools WHERE environment_id = $1 AND business_metadata_schema_id = $2 \
         AND business_metadata_schema_id IS NOT NULL AND deleted_at IS NULL LIMIT 1",
    ] {
        let found: Option<(IdentityPoolId,)> =
            conn.sql(text).bind(environment_id).bind(id).optional().await?;
        if let Some((pool,)) = found {
            return Ok(Some(pool));
        }
    }
    Ok(None)
}

/// Up to `limit` pools that use a schema for each of what it can be for. A pool that uses it twice is there twice.
pub async fn list_uses(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: IdentitySchemaId,
    limit: i64,
) -> Result<Vec<IdentityPool>> {
    let mut found = Vec::new();
    // One index each.
    for condition in [
        "WHERE identity_pools.environment_id = $1 AND identity_pools.payload_schema_id = $2 \
         AND identity_pools.payload_schema_id <> 'user_v0' LIMIT $3",
        "WHERE identity_pools.environment_id = $1 AND identity_pools.metadata_schema_id = $2 \
         AND identity_pools.metadata_schema_id <> 'metadata_v0' LIMIT $3",
        "WHERE identity_pools.environment_id = $1 AND identity_pools.business_metadata_schema_id = $2 \
         AND identity_pools.business_metadata_schema_id IS NOT NULL LIMIT $3",
    ] {
        let statement = select_where::<IdentityPool>(conn, condition);
        found.extend(statement.bind(environment_id).bind(id).bind(limit).all_of().await?);
    }
    Ok(found)
}
