//! Verifies responses off the async threads, with a bounded pool and a cache of parsed certificates.

use std::{
    net::IpAddr,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use lru::LruCache;

use crate::{
    app::{self, Result, State, connections::saml::sp_keys},
    model::{saml_connection::SamlConnection, time::Timestamp},
    saml::{Certificate, Trust, Verdict, verify::verify_xml},
    store::saml_connections::LoginConnection,
    telemetry,
};

/// Parsed certificates by their PEM text. Entries cannot become stale.
#[derive(Clone)]
pub struct CertificateCache(Arc<Mutex<LruCache<String, Arc<Certificate>>>>);

impl CertificateCache {
    /// A cache of `most` certificates.
    pub fn new(most: NonZeroUsize) -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(most))))
    }

    /// The connection's certificates, parsed on first use.
    fn of(&self, connection: &SamlConnection) -> Result<Vec<Arc<Certificate>>> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection
            .idp_certificates
            .iter()
            .map(|pem| {
                if let Some(certificate) = cache.get(pem) {
                    return Ok(certificate.clone());
                }
                let mut parsed = Certificate::parse_pem_bundle(pem).map_err(app::Error::internal)?;
                let certificate = Arc::new(
                    parsed
                        .pop()
                        .ok_or_else(|| app::Error::internal("a stored certificate holds no PEM block"))?,
                );
                cache.put(pem.clone(), certificate.clone());
                Ok(certificate)
            })
            .collect()
    }
}

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
            .map(|pair| pair.key)
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
            clock_skew,
            cross_check,
        };
        match response {
            ResponseInput::Base64(base64) => {
                let verdict = crate::saml::verify(&base64, &trust, now);
                telemetry::response_verified(started.elapsed(), verdict.cross_check_disagreed);
                verdict
            }
            // A recheck is not a login and is not counted in the metrics.
            ResponseInput::Xml(xml) => verify_xml(xml.into_bytes(), &trust, now),
        }
    });
    verdict.await.map_err(app::Error::internal)
}
