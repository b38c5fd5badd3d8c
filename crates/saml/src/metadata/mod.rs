//! SAML Metadata: parses the identity provider's and writes the service provider's.

mod certificates;
mod elements;
mod idp;
mod sp;

pub use idp::{IdpMetadata, MAX_METADATA_BYTES, MetadataError, parse_idp_metadata};
pub use sp::write_key_descriptor;
pub use sp::{SpMetadata, sp_metadata};
