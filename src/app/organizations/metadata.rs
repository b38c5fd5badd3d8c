//! The metadata of organizations, and the schema that new metadata must match.

use model::{json_object::JsonObject, organization::Organization};
use serde_json::{Map, Value};

use super::error::OrganizationError;
use crate::app::{
    Error, Result,
    json_schema::{CompiledSchema, Violation},
};

/// Sets the schema and the metadata of an organization, where they are given. New metadata must match the schema that then
/// counts; what is stored stays as it is when only the schema changes, as does metadata that nobody sends.
pub(super) fn set(
    organization: &mut Organization,
    payload: Option<&Map<String, Value>>,
    schema: Option<&Map<String, Value>>,
) -> Result<()> {
    if let Some(schema) = schema {
        if !schema.is_empty() {
            compile(schema)?;
        }
        organization.metadata_schema = JsonObject::from_map(schema);
    }
    if let Some(payload) = payload {
        check(organization, payload)?;
        organization.metadata = JsonObject::from_map(payload);
    }
    Ok(())
}

/// What is wrong with the metadata of an organization by the schema that counts now.
pub fn violations(organization: &Organization) -> Result<Vec<Violation>> {
    validate(organization, &organization.metadata.to_map())
}

fn validate(organization: &Organization, payload: &Map<String, Value>) -> Result<Vec<Violation>> {
    let compiled = compile(&organization.metadata_schema.to_map())?;
    Ok(compiled.validate(&Value::Object(payload.clone())))
}

/// Checks metadata against the schema of its organization; without one, against the bounds of all metadata.
fn check(organization: &Organization, payload: &Map<String, Value>) -> Result<()> {
    let violations = validate(organization, payload)?;
    match violations.is_empty() {
        true => Ok(()),
        false => Err(Error::Organization(OrganizationError::MetadataViolations(violations))),
    }
}

fn compile(schema: &Map<String, Value>) -> Result<CompiledSchema> {
    CompiledSchema::compile(&Value::Object(schema.clone()))
        .map_err(|error| Error::Organization(OrganizationError::InvalidSchema(error)))
}
