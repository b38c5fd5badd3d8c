//! SAML Metadata: parses the identity provider's and writes the service provider's.

mod certificates;
mod elements;
mod encoding;
mod error;
mod idp;
mod sp;

pub use encoding::decode;
pub use error::{MAX_METADATA_BYTES, MetadataError};
pub use idp::{IdpMetadata, parse_idp_metadata, parse_idp_metadata_text};
pub use sp::write_key_descriptor;
pub use sp::{SpMetadata, sp_metadata};
