//! Verifies responses off the async threads, with a bounded pool.

use std::{net::IpAddr, time::Instant};

use base::time::Timestamp;
use saml::{Trust, Verdict, verify::verify_xml};

use crate::{
    app::{self, Result, State, connections::saml::sp_keys},
    store::login_connections::LoginConnection,
    telemetry,
};

/// A response to verify.
pub(super) enum ResponseInput {
    /// Base64, as posted by a browser.
    Base64(String),
    /// The XML document, as stored in the timeline.
    Xml(String),
}

/// Verifies a response from `client` for the connection, as of `now`. Waits in the queue of verifications;
/// [`app::Error::Unavailable`] if it is full.
pub(super) async fn verify(
    state: &State,
    target: &LoginConnection,
    client: IpAddr,
    response: ResponseInput,
    now: Timestamp,
) -> Result<Verdict> {
    let connection = target.connection.clone();
    let certificates = state.certificates.of(&connection)?;
    let decryption_keys = match connection.assertion_encryption {
        true => sp_keys::key_pairs(state, connection.environment_id)
            .await?
            .into_iter()
            .map(|pair| pair.key.clone())
            .collect(),
        false => Vec::new(),
    };
    let (clock_skew, cross_check) = (state.settings.clock_skew, state.settings.cross_check);
    let turn = state.verifications.acquire(connection.id, client).await?;
    let verdict = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let started = Instant::now();
        let trust = Trust {
            idp_entity_id: connection.idp_entity_id.as_deref().unwrap_or_default(),
            certificates: &certificates,
            sp_entity_id: &connection.sp_entity_id,
            acs_urls: &connection.sp_acs_urls,
            allow_sha1: connection.allow_sha1,
            allow_cbc_encryption: connection.allow_cbc_encryption,
            decryption_keys: &decryption_keys,
            name_id_optional: connection.email_attribute.is_some(),
            clock_skew,
            cross_check,
        };
        match response {
            ResponseInput::Base64(base64) => {
                let verdict = saml::verify(&base64, &trust, now);
                telemetry::response_verified(started.elapsed(), verdict.cross_check_disagreed);
                verdict
            }
            // A recheck is not a login and is not counted in the metrics.
            ResponseInput::Xml(xml) => verify_xml(xml.into_bytes(), &trust, now),
        }
    });
    verdict.await.map_err(app::Error::internal)
}
