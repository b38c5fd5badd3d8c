//! The parsed certificates of identity providers.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use lru::LruCache;
use model::saml_connection::SamlConnection;
use saml::Certificate;

use crate::app::{self, Result};

/// Parsed certificates by their PEM text. Entries cannot become stale.
#[derive(Clone)]
pub struct CertificateCache(Arc<Mutex<LruCache<String, Arc<Certificate>>>>);

impl CertificateCache {
    /// A cache of `most` certificates.
    pub fn new(most: NonZeroUsize) -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(most))))
    }

    /// The connection's certificates, parsed on first use.
    pub(super) fn of(&self, connection: &SamlConnection) -> Result<Vec<Arc<Certificate>>> {
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
