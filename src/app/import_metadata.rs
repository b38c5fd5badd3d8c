//! Reading a customer's identity provider out of its metadata: a document, or an address to fetch it from.

use url::Url;

use super::{
    Error, Result,
    outgoing::{Outgoing, OutgoingError},
};
use crate::saml::metadata::{IdpMetadata, parse_idp_metadata};

/// The field that a document comes in.
pub const DOCUMENT: &str = "idpMetadata";

/// The field that an address comes in.
pub const ADDRESS: &str = "idpMetadataUrl";

/// Reads a document. `wanted` names the entity when there are several.
pub fn from_document(xml: &[u8], wanted: Option<&str>) -> Result<IdpMetadata> {
    read(DOCUMENT, xml, wanted)
}

fn read(field: &'static str, xml: &[u8], wanted: Option<&str>) -> Result<IdpMetadata> {
    parse_idp_metadata(xml, wanted).map_err(|error| Error::invalid(field, error.to_string()))
}

/// Fetches the document from `url` and reads it. No transaction may be open meanwhile.
pub async fn from_url(outgoing: &Outgoing, url: &str, wanted: Option<&str>) -> Result<IdpMetadata> {
    let refused = |error: OutgoingError| Error::invalid(ADDRESS, error.to_string());
    let url = Url::parse(url).map_err(|_| refused(OutgoingError::NotWeb))?;
    let xml = outgoing.get(&url).await.map_err(refused)?;
    let wanted = wanted.map(str::to_owned);
    // Two megabytes take long enough to parse not to do it on a thread that others wait for.
    tokio::task::spawn_blocking(move || read(ADDRESS, &xml, wanted.as_deref()))
        .await
        .map_err(Error::internal)?
}
