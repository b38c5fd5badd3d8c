//! What every handler of the surface answers with.

use actix_web::HttpResponse;
use base::id::{Id, IdKind};

use super::error::SecureauthError;

/// The result of a handler.
pub type SecureauthResult = Result<HttpResponse, SecureauthError>;

/// An id as this surface writes it.
pub fn hex_id<K: IdKind>(id: Id<K>) -> String {
    format!("{:032x}", id.bits())
}
