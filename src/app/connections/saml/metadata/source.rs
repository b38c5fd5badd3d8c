//! Importing identity provider metadata from a document or a URL.

use crate::{
    app::{
        Error, Result, State,
        connections::saml::metadata,
        outgoing::{ConditionalResponse, HttpClientError, Validators},
    },
    model::http_url::HttpUrl,
    saml::metadata::{IdpMetadata, parse_idp_metadata},
};

/// The field name of a metadata document.
pub const DOCUMENT_FIELD: &str = "idpMetadata";

/// The field name of a metadata URL.
pub const URL_FIELD: &str = "idpMetadataUrl";

/// Parses a document. `entity_id` is the entity id if it contains several entities.
pub fn parse_document(xml: &[u8], entity_id: Option<&str>) -> Result<IdpMetadata> {
    parse(DOCUMENT_FIELD, xml, entity_id)
}

fn parse(field: &'static str, xml: &[u8], entity_id: Option<&str>) -> Result<IdpMetadata> {
    parse_idp_metadata(xml, entity_id).map_err(|error| Error::invalid(field, error.to_string()))
}

/// Fetches and parses the document at `url`; returns its validators for conditional requests too. Call it
/// outside of transactions.
pub async fn fetch_and_parse(
    state: &State,
    url: &HttpUrl,
    entity_id: Option<&str>,
) -> Result<(IdpMetadata, Validators)> {
    let refused = |error: HttpClientError| Error::invalid(URL_FIELD, error.to_string());
    let address = url.to_url().ok_or_else(|| refused(HttpClientError::InvalidUrl))?;
    let unconditional = Validators::default();
    let (xml, validators) =
        match state.http_client().await?.get_conditional(&address, &unconditional).await.map_err(refused)? {
            ConditionalResponse::Document { bytes, validators } => (bytes, validators),
            ConditionalResponse::NotModified => return Err(refused(HttpClientError::Status(304))),
        };
    let entity_id = entity_id.map(str::to_owned);
    // Parsing up to two megabytes would block an async thread.
    let metadata = tokio::task::spawn_blocking(move || parse(URL_FIELD, &xml, entity_id.as_deref()))
        .await
        .map_err(Error::internal)??;
    metadata::refresh::check_validity(&metadata, state.now())
        .map_err(|reason| Error::invalid(URL_FIELD, reason))?;
    Ok((metadata, validators))
}
