//! `/schemas`: what the JSON objects of users must look like.

use actix_web::HttpResponse;
use base::{id::IdKind as _, id::IdentitySchemaId, id::IdentitySchemaKind, time::Timestamp};
use model::identity_schema::{IdentitySchema, SchemaRef};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    call::{Call, JsonObject},
    error::SecureauthError,
    reply::{SecureauthResult, hex_id, schema_id, versioned},
};
use crate::{
    app::{
        Error, Result,
        accounts::schemas::{self, SCHEMA_FIELD, Schema, SchemaSettings},
    },
    links::path,
};

/// A schema.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthSchema)]
pub struct SchemaObject {
    /// Its id: 32 hexadecimal digits; `user_v0` and `metadata_v0` are those that every environment has.
    id: String,
    /// The environment, as issuers name it.
    tenant_id: String,
    /// Its name.
    #[schema(example = "Customer")]
    name: String,
    /// What it is for.
    description: String,
    /// The JSON Schema (draft 2020-12).
    #[schema(value_type = Object)]
    schema: Map<String, Value>,
    /// Whether every environment has it, and nobody can change it.
    system: bool,
    /// When it was created; absent where every environment has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Timestamp)]
    created_at: Option<Timestamp>,
    /// When it was last changed; absent where every environment has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = Timestamp)]
    updated_at: Option<Timestamp>,
}

impl SchemaObject {
    fn new(schema: Schema, tenant: &str) -> Self {
        match schema {
            Schema::System(schema) => Self {
                id: schema_id(SchemaRef::System(schema)),
                tenant_id: tenant.to_owned(),
                name: schema.name().to_owned(),
                description: schema.description().to_owned(),
                schema: schema.schema().clone(),
                system: true,
                created_at: None,
                updated_at: None,
            },
            Schema::Own(schema) => Self {
                id: hex_id(schema.id),
                tenant_id: tenant.to_owned(),
                name: schema.name,
                description: schema.description,
                schema: schema.schema,
                system: false,
                created_at: Some(schema.created_at),
                updated_at: Some(schema.updated_at),
            },
        }
    }

    fn own(schema: IdentitySchema, tenant: &str) -> Self {
        Self::new(Schema::Own(schema), tenant)
    }
}

/// All schemas of an environment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SecureauthSchemas)]
pub struct Schemas {
    /// The schemas: those that every environment has first.
    schemas: Vec<SchemaObject>,
}

/// The settings of a schema.
#[derive(Deserialize, ToSchema)]
#[schema(as = SecureauthSchemaInput)]
pub struct SchemaBody {
    /// Of a new schema: 32 hexadecimal digits that you choose; random if absent.
    id: Option<String>,
    /// Its name.
    #[schema(example = "Customer", required = true)]
    name: Option<String>,
    /// What it is for.
    description: Option<String>,
    /// The JSON Schema (draft 2020-12): up to 64 KiB. References stay within it, and patterns take linear time.
    #[schema(value_type = Object, required = true, example = json!({ "type": "object" }))]
    schema: Option<Value>,
}

impl SchemaBody {
    fn parse(self) -> std::result::Result<SchemaSettings, SecureauthError> {
        let schema = match self.schema {
            Some(Value::Object(schema)) => schema,
            None | Some(Value::Null) => return Err(Error::invalid(SCHEMA_FIELD, "is required").into()),
            Some(_) => return Err(invalid_schema("", "a schema must be an object")),
        };
        Ok(SchemaSettings {
            name: self.name.unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            schema,
        })
    }
}

fn invalid_schema(path: &str, message: &str) -> SecureauthError {
    SecureauthError::violations("invalid_schema", [(path.to_owned(), message.to_owned())])
}

/// What is wrong with the schema itself has a code of its own, and its place in the schema as the path.
fn of_schema(error: Error) -> SecureauthError {
    match &error {
        Error::Invalid { field, reason } => match field.strip_prefix(SCHEMA_FIELD) {
            Some(path) => invalid_schema(path, reason),
            None => error.into(),
        },
        _ => error.into(),
    }
}

impl<B> Call<B> {
    /// The schema in the path. What is no id is not found.
    fn schema_ref(&self) -> Result<SchemaRef> {
        self.path("schema").parse().map_err(|_| Error::not_found(IdentitySchemaKind::NOUN, ""))
    }
}

/// Create a schema
#[utoipa::path(
    post,
    path = path::SECUREAUTH_SCHEMAS,
    operation_id = "secureauthCreateSchema",
    tag = "Identity schemas",
    params(("tenant" = String, Path, description = "The environment: its slug or its id.")),
    request_body = SchemaBody,
    responses((status = 201, body = SchemaObject))
)]
pub async fn create(call: Call<JsonObject>) -> SecureauthResult {
    let Call { state, principal, tenant, body, .. } = call;
    let body: SchemaBody = body.read()?;
    let id = body.id.as_deref().filter(|id| !id.is_empty()).map(new_id).transpose()?;
    let created = schemas::create(&state, &principal, id, &body.parse()?).await.map_err(of_schema)?;
    let version = created.version;
    Ok(versioned(HttpResponse::Created(), version, &SchemaObject::own(created, &tenant.name)))
}

fn new_id(text: &str) -> Result<IdentitySchemaId> {
    match text.parse() {
        Ok(SchemaRef::Own(id)) => Ok(id),
        Ok(SchemaRef::System(_)) => Err(Error::Conflict { kind: IdentitySchemaKind::NOUN, field: "id" }),
        Err(_) => Err(Error::invalid("id", "must be 32 hexadecimal digits")),
    }
}

/// List schemas
///
/// All of them: those that every environment has first, then its own.
#[utoipa::path(
    get,
    path = path::SECUREAUTH_SCHEMAS,
    operation_id = "secureauthListSchemas",
    tag = "Identity schemas",
    params(("tenant" = String, Path, description = "The environment: its slug or its id.")),
    responses((status = 200, body = Schemas))
)]
pub async fn list(call: Call) -> SecureauthResult {
    let found = schemas::list(&call.state, &call.principal).await?;
    let schemas = found.into_iter().map(|schema| SchemaObject::new(schema, &call.tenant.name)).collect();
    Ok(HttpResponse::Ok().json(Schemas { schemas }))
}

/// Get a schema
#[utoipa::path(
    get,
    path = path::SECUREAUTH_SCHEMA,
    operation_id = "secureauthGetSchema",
    tag = "Identity schemas",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("schema" = String, Path, description = "The schema."),
    ),
    responses((status = 200, body = SchemaObject))
)]
pub async fn get(call: Call) -> SecureauthResult {
    let found = schemas::find(&call.state, &call.principal, call.schema_ref()?).await?;
    match found {
        Schema::System(_) => Ok(HttpResponse::Ok().json(SchemaObject::new(found, &call.tenant.name))),
        Schema::Own(schema) => {
            let version = schema.version;
            Ok(versioned(HttpResponse::Ok(), version, &SchemaObject::own(schema, &call.tenant.name)))
        }
    }
}

/// Replace a schema
///
/// It binds what is written about users from then on; users who are there already stay as they are. One that every environment
/// has cannot be changed (409).
#[utoipa::path(
    put,
    path = path::SECUREAUTH_SCHEMA,
    operation_id = "secureauthUpdateSchema",
    tag = "Identity schemas",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("schema" = String, Path, description = "The schema."),
    ),
    request_body = SchemaBody,
    responses((status = 200, body = SchemaObject))
)]
pub async fn update(call: Call<JsonObject>) -> SecureauthResult {
    let id = call.schema_ref()?;
    let Call { state, principal, tenant, if_match, body, .. } = call;
    let body: SchemaBody = body.read()?;
    if let Some(text) = body.id.as_deref().filter(|text| !text.is_empty()) {
        let same = text.parse::<SchemaRef>().is_ok_and(|named| named == id);
        if !same {
            return Err(SecureauthError::id_mismatch());
        }
    }
    let changed = schemas::replace(&state, &principal, id, if_match.as_ref(), &body.parse()?).await;
    let changed = changed.map_err(of_schema)?;
    let version = changed.version;
    Ok(versioned(HttpResponse::Ok(), version, &SchemaObject::own(changed, &tenant.name)))
}

/// Delete a schema
///
/// One that an identity pool uses cannot be deleted (409), and neither can one that every environment has.
#[utoipa::path(
    delete,
    path = path::SECUREAUTH_SCHEMA,
    operation_id = "secureauthDeleteSchema",
    tag = "Identity schemas",
    params(
        ("tenant" = String, Path, description = "The environment: its slug or its id."),
        ("schema" = String, Path, description = "The schema."),
    ),
    responses(
        (status = 204),
        (status = 409, body = super::error::Body<'_>, description = "An identity pool uses it, or every environment has it."),
    )
)]
pub async fn delete(call: Call) -> SecureauthResult {
    schemas::remove(&call.state, &call.principal, call.schema_ref()?, call.if_match.as_ref()).await?;
    Ok(HttpResponse::NoContent().finish())
}
