//! Our own SAML key pair of an environment: signs AuthnRequests and decrypts assertions.
//!
//! One pair an environment, made when it is first needed. After a rotation the former ones still
//! decrypt until they retire, because an identity provider goes on encrypting to the certificate that
//! it has.

use super::{Error, Result, State};
use crate::{
    model::id::{EnvironmentId, SigningKeyId},
    saml::key_pair::{KeyKind, KeyPair},
    store::{
        self,
        signing_keys::{Purpose, StoredKey},
    },
};

/// The algorithm's name in the table: one line of keys an environment.
const ALGORITHM: &str = "RSA";

/// The key pairs of an environment that are in use: the first one signs and is what identity providers
/// encrypt to, all of them decrypt. There is at least one.
pub async fn key_pairs(state: &State, environment: EnvironmentId) -> Result<Vec<KeyPair>> {
    let stored = ensure(state, Purpose::SamlSp(environment)).await?;
    stored.iter().map(|key| open(state, key)).collect()
}

/// The certificate to which identity providers encrypt, as PEM.
pub async fn encryption_certificate(state: &State, environment: EnvironmentId) -> Result<String> {
    let stored = ensure(state, Purpose::SamlSp(environment)).await?;
    certificate(&stored[0]).map(str::to_owned)
}

/// The key pair of the bundled test identity provider, made when it is first needed.
pub async fn test_idp_key_pair(state: &State) -> Result<KeyPair> {
    let stored = ensure(state, Purpose::TestIdp).await?;
    open(state, &stored[0])
}

/// The keys in use, the signing one first; the first key ever is made when there is none.
async fn ensure(state: &State, purpose: Purpose) -> Result<Vec<StoredKey>> {
    let found = list(state, purpose).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    let now = state.now();
    let random = state.random.clone();
    let pair = tokio::task::spawn_blocking(move || {
        let name = match purpose {
            Purpose::TestIdp => "Ostiary test identity provider",
            _ => "Ostiary service provider",
        };
        KeyPair::generate(KeyKind::Rsa(2048), name, now, &*random)
    })
    .await
    .map_err(Error::internal)?
    .map_err(Error::internal)?;
    let id = SigningKeyId::new(now, &*state.random).to_string();
    let pem = pair.private_key_pem().map_err(Error::internal)?;
    let key = StoredKey {
        private_key: state.master_key.seal(&StoredKey::place(&id), pem.as_bytes(), &*state.random),
        certificate: Some(pair.certificate_pem().map_err(Error::internal)?),
        id,
        algorithm: ALGORITHM.to_owned(),
        generation: 1,
        created_at: now,
        active_from: now,
        retired_at: None,
    };
    // Of several that make the first key at once, one is stored, and all use that one.
    let mut tx = state.db.write().await?;
    store::signing_keys::insert(&mut tx, purpose, &key).await?;
    tx.commit().await?;
    let found = list(state, purpose).await?;
    if found.is_empty() { Err(Error::internal("the key that was stored is not there")) } else { Ok(found) }
}

async fn list(state: &State, purpose: Purpose) -> Result<Vec<StoredKey>> {
    let mut conn = state.db.read().await?;
    let now = state.now();
    let mut keys = store::signing_keys::list(&mut conn, purpose, now).await?;
    // The newest that already signs, those before it, then those whose time is still to come.
    keys.sort_by_key(|key| (key.active_from > now, std::cmp::Reverse(key.generation)));
    Ok(keys)
}

fn open(state: &State, key: &StoredKey) -> Result<KeyPair> {
    let pem = state.master_key.open(&StoredKey::place(&key.id), &key.private_key).map_err(Error::internal)?;
    let pem = String::from_utf8(pem).map_err(Error::internal)?;
    KeyPair::from_pem(&pem, certificate(key)?).map_err(Error::internal)
}

fn certificate(key: &StoredKey) -> Result<&str> {
    key.certificate
        .as_deref()
        .ok_or_else(|| store::Error::inconsistent("signing_keys", "certificate", &key.id).into())
}
