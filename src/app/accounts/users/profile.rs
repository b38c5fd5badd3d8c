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
        Error, Result, State,
        json_schema::{CompiledSchema, MAX_VALUE_BYTES, Violation},
        permissions::Action,
        principal::{On, Principal},
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
    /// Whether a SCIM resource is the source: it alone writes [`OF_SCIM`].
    pub(in crate::app::accounts) by_scim: bool,
}

/// The member of the business metadata that holds what SCIM clients say of a user and the account has no place for.
pub const OF_SCIM: &str = "scim";

/// What the administrators of the organization wrote of a user: the business metadata without what is SCIM's.
pub fn business_metadata_of(user: &User) -> Map<String, Value> {
    let mut written = user.business_metadata.clone();
    written.remove(OF_SCIM);
    written
}

/// Shows no personal data, to keep it out of logs.
impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Profile(…)")
    }
}

impl Profile {
    /// These objects.
    pub fn new(
        payload: Option<Map<String, Value>>,
        metadata: Option<Map<String, Value>>,
        business_metadata: Option<Map<String, Value>>,
    ) -> Self {
        Self { payload, metadata, business_metadata, by_scim: false }
    }

    /// Checks the objects against the schemas of a pool. [`Error::InvalidFields`] names the places that do not fit.
    pub(in crate::app::accounts) async fn check(
        &self,
        conn: &mut Conn,
        environment_id: EnvironmentId,
        pool: &IdentityPool,
    ) -> Result<()> {
        let violations = self.violations(conn, environment_id, pool).await?;
        let fields: Vec<_> = violations.into_iter().map(|found| (found.path, found.message)).collect();
        if fields.is_empty() { Ok(()) } else { Err(Error::InvalidFields(fields)) }
    }

    /// Where the objects do not fit the schemas of a pool: `payload/given_name`.
    async fn violations(
        &self,
        conn: &mut Conn,
        environment_id: EnvironmentId,
        pool: &IdentityPool,
    ) -> Result<Vec<Violation>> {
        let mut found = Vec::new();
        for (field, object, schema) in [
            ("payload", &self.payload, Some(pool.payload_schema)),
            ("metadata", &self.metadata, Some(pool.metadata_schema)),
            ("business_metadata", &self.business_metadata, pool.business_metadata_schema),
        ] {
            if let Some(object) = object {
                let violations = violations_of(conn, environment_id, schema, object).await?;
                found.extend(
                    violations.into_iter().map(|violation| Violation {
                        path: format!("{field}{}", violation.path),
                        ..violation
                    }),
                );
            }
        }
        Ok(found)
    }

    /// Requires that the pool still has the schemas that a profile was checked against.
    pub(in crate::app::accounts) fn ensure_checked_for(
        &self,
        checked: &IdentityPool,
        locked: &IdentityPool,
    ) -> Result<()> {
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

    /// Makes these the objects of a user. [`Error::Invalid`]: the caller is confined to one organization, and `metadata` is what the
    /// vendor writes; `business_metadata` is what such a caller writes. What is SCIM's in it stays as it is for everybody else.
    pub(in crate::app::accounts) fn apply_to(&self, principal: &Principal, user: &mut User) -> Result<()> {
        let is_changed = self.metadata.as_ref().is_some_and(|metadata| *metadata != user.metadata);
        if is_changed && principal.is_confined() {
            return Err(Error::invalid("metadata", "is written by the vendor only"));
        }
        let of_scim = user.business_metadata.get(OF_SCIM).cloned();
        let given = self.business_metadata.as_ref().and_then(|given| given.get(OF_SCIM));
        if !self.by_scim && given.is_some() && given != of_scim.as_ref() {
            return Err(Error::invalid(
                format!("business_metadata.{OF_SCIM}"),
                "is written by SCIM clients only; leave it out",
            ));
        }
        for (new, object) in [
            (&self.payload, &mut user.payload),
            (&self.metadata, &mut user.metadata),
            (&self.business_metadata, &mut user.business_metadata),
        ] {
            if let Some(new) = new {
                object.clone_from(new);
            }
        }
        if let Some(kept) = of_scim.filter(|_| !self.by_scim) {
            user.business_metadata.insert(OF_SCIM.to_owned(), kept);
        }
        Ok(())
    }
}

/// Where one object does not fit its schema; without one, whether it is too large.
async fn violations_of(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    schema: Option<SchemaRef>,
    object: &Map<String, Value>,
) -> Result<Vec<Violation>> {
    let Some(schema) = schema else {
        let bytes = serde_json::to_string(object).map_or(usize::MAX, |json| json.len());
        let message = format!("must be at most {} KiB", MAX_VALUE_BYTES / 1024);
        let is_large = bytes > MAX_VALUE_BYTES;
        return Ok(is_large.then_some(Violation { path: String::new(), message }).into_iter().collect());
    };
    let schema = schema_of(conn, environment_id, schema).await?;
    let (schema, value) = (Value::Object(schema), Value::Object(object.clone()));
    // Both take a while for the largest ones: not on the threads that answer requests.
    tokio::task::spawn_blocking(move || {
        CompiledSchema::compile(&schema).map(|compiled| compiled.validate(&value))
    })
    .await
    .map_err(Error::internal)?
    .map_err(Error::internal)
}

async fn schema_of(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    schema: SchemaRef,
) -> Result<Map<String, Value>> {
    Ok(match schema {
        SchemaRef::System(schema) => schema.schema().clone(),
        SchemaRef::Own(id) => resource::load::<IdentitySchema>(conn, environment_id, id).await?.schema,
    })
}

/// What the JSON objects of the users of a pool must look like.
#[derive(Debug, Clone, PartialEq)]
pub struct ProfileSchemas {
    /// The profile.
    pub payload: Map<String, Value>,
    /// What administrators write.
    pub metadata: Map<String, Value>,
    /// What the administrators of the organization write; `None`: anything.
    pub business_metadata: Option<Map<String, Value>>,
}

/// The schemas of a pool, for somebody who may read its users.
pub async fn schemas(state: &State, principal: &Principal, pool: &IdentityPool) -> Result<ProfileSchemas> {
    let environment_id = principal.authorize(Action::UsersView, On::Organization(pool.organization_id))?;
    schemas_of(&mut state.db.read().await?, environment_id, pool).await
}

/// The schemas of a pool.
pub(in crate::app::accounts) async fn schemas_of(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    pool: &IdentityPool,
) -> Result<ProfileSchemas> {
    Ok(ProfileSchemas {
        payload: schema_of(conn, environment_id, pool.payload_schema).await?,
        metadata: schema_of(conn, environment_id, pool.metadata_schema).await?,
        business_metadata: match pool.business_metadata_schema {
            Some(schema) => Some(schema_of(conn, environment_id, schema).await?),
            None => None,
        },
    })
}

/// Every place in which a profile does not fit the schemas of a pool, for a form that shows all of them.
pub async fn violations(
    state: &State,
    principal: &Principal,
    pool: &IdentityPool,
    profile: &Profile,
) -> Result<Vec<Violation>> {
    let on = On::Organization(pool.organization_id);
    let environment_id = principal
        .authorize(Action::UsersManage, on)
        .or_else(|_| principal.authorize(Action::UsersCreate, on))?;
    profile.violations(&mut state.db.read().await?, environment_id, pool).await
}
