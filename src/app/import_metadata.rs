//! Reading a customer's identity provider out of its metadata: a document, or an address to fetch it from.

use super::{
    Error, Result, State, metadata_refresh,
    outgoing::{Fetched, OutgoingError, Version},
};
use crate::{
    model::http_url::HttpUrl,
    saml::metadata::{IdpMetadata, parse_idp_metadata},
};

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

/// Fetches the document from `url` and reads it; tells too how to ask for a newer one. No transaction may be
/// open meanwhile.
pub async fn from_url(state: &State, url: &HttpUrl, wanted: Option<&str>) -> Result<(IdpMetadata, Version)> {
    let refused = |error: OutgoingError| Error::invalid(ADDRESS, error.to_string());
    let address = url.to_url().ok_or_else(|| refused(OutgoingError::NotWeb))?;
    let unconditional = Version::default();
    let (xml, version) =
        match state.outgoing().await?.get_newer(&address, &unconditional).await.map_err(refused)? {
            Fetched::Document { bytes, version } => (bytes, version),
            Fetched::Unchanged => return Err(refused(OutgoingError::Status(304))),
        };
    let wanted = wanted.map(str::to_owned);
    // Two megabytes take long enough to parse not to do it on a thread that others wait for.
    let metadata = tokio::task::spawn_blocking(move || read(ADDRESS, &xml, wanted.as_deref()))
        .await
        .map_err(Error::internal)??;
    metadata_refresh::still_good(&metadata, state.now()).map_err(|reason| Error::invalid(ADDRESS, reason))?;
    Ok((metadata, version))
}
