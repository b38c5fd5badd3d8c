//! The service provider metadata of one connection.

use base::id::SamlConnectionId;
use openssl::x509::X509;
use saml::metadata::{SpMetadata, sp_metadata};

use super::sp_keys;
use crate::{
    app::{Error, Result, State},
    store::login_connections,
};

/// The metadata for the identity provider's admin: entity id, ACS URLs, and the certificates that the connection
/// uses for signing and encryption.
pub async fn render(state: &State, connection: SamlConnectionId) -> Result<String> {
    let target = {
        let mut conn = state.db.read().await?;
        login_connections::find_for_login(&mut conn, connection)
            .await?
            .ok_or_else(|| Error::not_found("SAML connection", connection))?
    };
    let connection = &target.connection;
    let certificates: Vec<X509> = match connection.sign_authn_requests || connection.assertion_encryption {
        true => sp_keys::key_pairs(state, connection.environment_id)
            .await?
            .into_iter()
            .map(|pair| pair.certificate.clone())
            .collect(),
        false => Vec::new(),
    };
    let when = |used: bool| if used { certificates.as_slice() } else { &[] };
    sp_metadata(&SpMetadata {
        entity_id: &connection.sp_entity_id,
        acs_urls: &connection.sp_acs_urls,
        signing_certificates: when(connection.sign_authn_requests),
        encryption_certificates: when(connection.assertion_encryption),
        allow_cbc_encryption: connection.allow_cbc_encryption,
    })
    .map_err(Error::internal)
}
