//! The JSON objects of a user: within bounds, and as the schemas of the pool ask.

use base::id::EnvironmentId;
use model::{
    identity_pool::IdentityPool,
    identity_schema::{IdentitySchema, SchemaRef},
    user::User,
};
use serde_json::{Map, Value};

use crate::{
    app::{
        Error, Result,
        json_schema::{CompiledSchema, MAX_VALUE_BYTES},
        resource,
    },
    store::Conn,
};

/// The JSON objects that a user gets. One that is `None` stays as it is; a new user has an empty one then, whatever the schema
/// asks for.
#[derive(Clone, Default, PartialEq)]
pub struct Profile {
    /// The profile, which the user may change.
    pub payload: Option<Map<String, Value>>,
    /// What administrators write.
    pub metadata: Option<Map<String, Value>>,
    /// What the administrators of the organization write.
    pub business_metadata: Option<Map<String, Value>>,
}

/// Shows no personal data, to keep it out of logs.
impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Profile(…)")
    }
}

impl Profile {
    /// Checks the objects against the schemas of a pool.
    pub(super) async fn check(
        &self,
        conn: &mut Conn,
        environment_id: EnvironmentId,
        pool: &IdentityPool,
    ) -> Result<()> {
        for (field, object, schema) in [
            ("payload", &self.payload, Some(pool.payload_schema)),
            ("metadata", &self.metadata, Some(pool.metadata_schema)),
            ("business_metadata", &self.business_metadata, pool.business_metadata_schema),
        ] {
            if let Some(object) = object {
                check_object(conn, environment_id, schema, field, object).await?;
            }
        }
        Ok(())
    }

    /// Requires that the pool still has the schemas that a profile was checked against.
    pub(super) fn ensure_checked_for(&self, checked: &IdentityPool, locked: &IdentityPool) -> Result<()> {
        let same = checked.payload_schema == locked.payload_schema
            && checked.metadata_schema == locked.metadata_schema
            && checked.business_metadata_schema == locked.business_metadata_schema;
        if same || *self == Self::default() {
            return Ok(());
        }
        Err(Error::FailedPrecondition(
            "the schemas of the identity pool were changed in the meantime; try again".into(),
        ))
    }

    /// Makes these the objects of a user.
    pub(super) fn apply_to(&self, user: &mut User) {
        for (new, object) in [
            (&self.payload, &mut user.payload),
            (&self.metadata, &mut user.metadata),
            (&self.business_metadata, &mut user.business_metadata),
        ] {
            if let Some(new) = new {
                object.clone_from(new);
            }
        }
    }
}

/// Checks one object against its schema; without one, its size. [`Error::Invalid`] names the place that does not fit.
async fn check_object(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    schema: Option<SchemaRef>,
    field: &'static str,
    object: &Map<String, Value>,
) -> Result<()> {
    let schema = match schema {
        None => {
            let bytes = serde_json::to_string(object).map_or(usize::MAX, |json| json.len());
            return match bytes <= MAX_VALUE_BYTES {
                true => Ok(()),
                false => {
                    Err(Error::invalid(field, format!("must be at most {} KiB", MAX_VALUE_BYTES / 1024)))
                }
            };
        }
        Some(SchemaRef::System(schema)) => schema.schema().clone(),
        Some(SchemaRef::Own(id)) => resource::load::<IdentitySchema>(conn, environment_id, id).await?.schema,
    };
    let (schema, value) = (Value::Object(schema), Value::Object(object.clone()));
    // Both take a while for the largest ones: not on the threads that answer requests.
    let violations = tokio::task::spawn_blocking(move || {
        CompiledSchema::compile(&schema).map(|compiled| compiled.validate(&value))
    })
    .await
    .map_err(Error::internal)?
    .map_err(Error::internal)?;
    match violations.into_iter().next() {
        None => Ok(()),
        Some(violation) => Err(Error::invalid(format!("{field}{}", violation.path), violation.message)),
    }
}
