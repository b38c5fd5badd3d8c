//! What every handler of the surface answers with.

use actix_web::{HttpResponse, HttpResponseBuilder, http::header};
use base::id::{Id, IdKind};
use model::{entity_tag::etag, identity_schema::SchemaRef};
use serde::Serialize;

use super::error::SecureauthError;

/// The result of a handler.
pub type SecureauthResult = Result<HttpResponse, SecureauthError>;

/// An id as this surface writes it.
pub fn hex_id<K: IdKind>(id: Id<K>) -> String {
    format!("{:032x}", id.bits())
}

/// The id of a schema: 32 hexadecimal digits, or the name of one that every environment has.
pub fn schema_id(schema: SchemaRef) -> String {
    match schema {
        SchemaRef::System(schema) => schema.as_str().to_owned(),
        SchemaRef::Own(id) => hex_id(id),
    }
}

/// A response with one resource and its version.
pub fn versioned(mut response: HttpResponseBuilder, version: i64, shown: &impl Serialize) -> HttpResponse {
    response.insert_header((header::ETAG, etag(version))).json(shown)
}
