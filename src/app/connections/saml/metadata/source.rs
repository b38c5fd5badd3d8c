//! Metadata of identity providers, read from a document or a URL.

use base::time::Timestamp;
use model::{http_url::HttpUrl, saml_connection::IdpBinding};
use saml::{
    binding::Binding,
    metadata::{IdpMetadata, MetadataError, decode, parse_idp_metadata_text},
};

use crate::app::{
    Error, Result, State,
    outgoing::{ConditionalResponse, HttpClientError, Validators},
};

/// The field name of a metadata document.
pub const DOCUMENT_FIELD: &str = "idpMetadata";

/// The field name of a metadata URL.
pub const URL_FIELD: &str = "idpMetadataUrl";

/// The result of a fetch.
pub(super) enum FetchOutcome {
    /// Not modified.
    NotModified,
    /// A new document.
    Document(Box<IdpMetadata>, Validators),
}

/// The text of a document that came as a file.
pub fn decode_document(bytes: &[u8]) -> Result<String> {
    decode(bytes, None).map_err(|error| Error::invalid(DOCUMENT_FIELD, error.to_string()))
}

/// Parses a document. `entity_id` is the entity id if it contains several entities.
pub fn parse_document(xml: &str, entity_id: Option<&str>) -> Result<IdpMetadata> {
    let text = xml.trim_start();
    let begins = |with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    if begins("https://") || begins("http://") {
        let reason = "is an address and no metadata; send it as idpMetadataUrl, and it is read from there";
        return Err(Error::invalid(DOCUMENT_FIELD, reason));
    }
    if begins("-----BEGIN ") {
        return Err(Error::invalid(DOCUMENT_FIELD, "is no metadata; send a certificate as idpCertificate"));
    }
    parse_idp_metadata_text(xml, entity_id).map_err(|error| Error::invalid(DOCUMENT_FIELD, error.to_string()))
}

/// Decodes and parses a document that was fetched.
fn parse_fetched(
    xml: &[u8],
    charset: Option<&str>,
    entity_id: Option<&str>,
) -> std::result::Result<IdpMetadata, MetadataError> {
    parse_idp_metadata_text(&decode(xml, charset)?, entity_id)
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
    let (xml, charset, validators) =
        match state.http_client().await?.get_conditional(&address, &unconditional).await.map_err(refused)? {
            ConditionalResponse::Document { bytes, charset, validators } => (bytes, charset, validators),
            ConditionalResponse::NotModified => return Err(refused(HttpClientError::Status(304))),
        };
    let entity_id = entity_id.map(str::to_owned);
    // Parsing up to two megabytes would block an async thread.
    let parse = move || parse_fetched(&xml, charset.as_deref(), entity_id.as_deref());
    let parsed = tokio::task::spawn_blocking(parse).await.map_err(Error::internal)?;
    let metadata = parsed.map_err(|error| Error::invalid(URL_FIELD, error.to_string()))?;
    check_validity(&metadata, state.now()).map_err(|reason| Error::invalid(URL_FIELD, reason))?;
    Ok((metadata, validators))
}

/// Fetches and parses the metadata at `url`. Call it outside of transactions.
pub(super) async fn fetch(
    state: &State,
    url: &HttpUrl,
    known: &Validators,
    wanted: Option<String>,
) -> Result<std::result::Result<FetchOutcome, String>> {
    let Some(address) = url.to_url() else { return Ok(Err("its address is no URL".to_owned())) };
    let (xml, charset, validators) = match state.http_client().await?.get_conditional(&address, known).await {
        Ok(ConditionalResponse::NotModified) => return Ok(Ok(FetchOutcome::NotModified)),
        Ok(ConditionalResponse::Document { bytes, charset, validators }) => (bytes, charset, validators),
        Err(error) => return Ok(Err(error.to_string())),
    };
    // Parsing up to two megabytes would block an async thread.
    let parse = move || parse_fetched(&xml, charset.as_deref(), wanted.as_deref());
    let parsed = tokio::task::spawn_blocking(parse).await.map_err(Error::internal)?;
    Ok(match parsed {
        Ok(metadata) => check_validity(&metadata, state.now())
            .map(|()| FetchOutcome::Document(Box::new(metadata), validators)),
        Err(error @ MetadataError::UnknownEntity { .. }) => Err(format!(
            "{error}. Nothing is taken from it: if the customer moved to another identity provider, set \
             idpMetadataUrl anew together with its entity id"
        )),
        Err(error) => Err(error.to_string()),
    })
}

/// Refuses metadata whose `validUntil` is past (SAML Metadata §2.3.1).
fn check_validity(metadata: &IdpMetadata, now: Timestamp) -> std::result::Result<(), String> {
    match metadata.valid_until {
        Some(until) if until <= now => Err(format!("the metadata expired at {until} (validUntil)")),
        _ => Ok(()),
    }
}

/// The binding of AuthnRequests according to the metadata.
pub(in crate::app::connections::saml) fn binding_of(metadata: &IdpMetadata) -> IdpBinding {
    match metadata.idp_binding {
        Binding::Post => IdpBinding::Post,
        Binding::Redirect => IdpBinding::Redirect,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1000;

    fn metadata(valid_until: Option<i64>) -> IdpMetadata {
        IdpMetadata {
            entity_id: "https://idp.example".to_owned(),
            sso_redirect_url: "https://idp.example/sso".to_owned(),
            idp_binding: Binding::Post,
            certificates_pem: Vec::new(),
            left_out: Vec::new(),
            want_authn_requests_signed: false,
            valid_until: valid_until.map(Timestamp::from_seconds),
            cache_duration: None,
        }
    }

    #[test]
    fn metadata_past_its_own_time_is_refused() {
        let now = Timestamp::from_seconds(NOW);
        assert!(check_validity(&metadata(None), now).is_ok());
        assert!(check_validity(&metadata(Some(NOW + 1)), now).is_ok());
        assert!(check_validity(&metadata(Some(NOW)), now).unwrap_err().contains("expired at"));
    }
}
