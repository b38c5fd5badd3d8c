//! Importing identity provider metadata from a document or a URL.

use super::{
    Error, Result, State, metadata_refresh,
    outgoing::{Fetched, OutgoingError, Version},
};
use crate::{
    model::http_url::HttpUrl,
    saml::metadata::{IdpMetadata, parse_idp_metadata},
};

/// The field name of a metadata document.
pub const DOCUMENT: &str = "idpMetadata";

/// The field name of a metadata URL.
pub const ADDRESS: &str = "idpMetadataUrl";

/// Parses a document. `wanted` is the entity id if it contains several entities.
pub fn from_document(xml: &[u8], wanted: Option<&str>) -> Result<IdpMetadata> {
    read(DOCUMENT, xml, wanted)
}

fn read(field: &'static str, xml: &[u8], wanted: Option<&str>) -> Result<IdpMetadata> {
    parse_idp_metadata(xml, wanted).map_err(|error| Error::invalid(field, error.to_string()))
}

/// Fetches and parses the document at `url`; returns its validators for conditional requests too. Call it
/// outside of transactions.
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
    // Parsing up to two megabytes would block an async thread.
    let metadata = tokio::task::spawn_blocking(move || read(ADDRESS, &xml, wanted.as_deref()))
        .await
        .map_err(Error::internal)??;
    metadata_refresh::still_good(&metadata, state.now()).map_err(|reason| Error::invalid(ADDRESS, reason))?;
    Ok((metadata, version))
}
