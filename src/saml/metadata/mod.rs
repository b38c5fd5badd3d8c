//! Metadata: the document that tells one side of a connection about the other (SAML Metadata).

mod idp;
mod sp;

pub use idp::{IdpMetadata, MAX_METADATA_BYTES, MetadataError, parse_idp_metadata};
pub(crate) use sp::write_key_descriptor;
pub use sp::{SpMetadata, sp_metadata};
