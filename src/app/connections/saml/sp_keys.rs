//! The service provider's SAML key pairs of an environment: they sign AuthnRequests and decrypt assertions.
//!
//! The first pair is created when it is needed. A rotation first publishes the new certificate beside the old one,
//! so that identity providers can register it before it signs. The old pair decrypts until it retires, because
//! identity providers encrypt to the certificate that they have registered.

use std::time::Duration;

use base::{
    id::{EnvironmentId, SigningKeyId},
    time::Timestamp,
};
use saml::{
    certificate::Certificate,
    key_pair::{KeyKind, KeyPair},
};

use crate::{
    app::{
        Error, Result, State,
        keys::{KeyStage, Rotation},
    },
    store::{
        self,
        signing_keys::{Purpose, StoredKey},
    },
};

/// The algorithm's name in the table.
const ALGORITHM: &str = "RSA";

/// How long a new certificate is published before its key signs: customers' admins register it by hand.
pub const PUBLISH_AHEAD: Duration = Duration::from_secs(14 * 24 * 3600);

/// How long after that the old key still decrypts.
pub const DECRYPT_OVERLAP: Duration = Duration::from_secs(90 * 24 * 3600);

/// A key pair, as shown to the operator.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpKeySummary {
    /// Its id.
    pub id: String,
    /// Its stage. Key pairs of all stages decrypt and are published.
    pub stage: KeyStage,
    /// From when it signs.
    pub active_from: Timestamp,
    /// When it stops decrypting.
    pub retired_at: Option<Timestamp>,
    /// The SHA-256 fingerprint of its certificate.
    pub certificate_sha256: String,
    /// Its certificate, as PEM.
    pub certificate: String,
}

/// The key pairs of an environment in use, at least one: the first one signs, all of them decrypt and are
/// published.
pub async fn key_pairs(state: &State, environment: EnvironmentId) -> Result<Vec<KeyPair>> {
    let stored = load_or_create(state, Purpose::SamlSp(environment)).await?;
    stored.iter().map(|key| open(state, key)).collect()
}

/// The certificate for identity providers to encrypt to, as PEM: the newest. Its key decrypts as soon as it is
/// published.
pub async fn encryption_certificate(state: &State, environment: EnvironmentId) -> Result<String> {
    let stored = load_or_create(state, Purpose::SamlSp(environment)).await?;
    let newest = stored.iter().max_by_key(|key| key.generation).expect("there is at least one");
    certificate(newest).map(str::to_owned)
}

/// The key pairs of an environment in use, the signing one first, for the operator.
pub async fn list(state: &State, environment: EnvironmentId) -> Result<Vec<SpKeySummary>> {
    let stored = load_or_create(state, Purpose::SamlSp(environment)).await?;
    let signs = stored[0].generation;
    stored
        .iter()
        .map(|key| {
            let pem = certificate(key)?;
            let read = Certificate::parse_pem_bundle(pem).map_err(Error::internal)?;
            Ok(SpKeySummary {
                id: key.id.clone(),
                stage: KeyStage::of(key.generation, signs),
                active_from: key.active_from,
                retired_at: key.retired_at,
                certificate_sha256: read.first().map(Certificate::fingerprint_sha256).unwrap_or_default(),
                certificate: pem.to_owned(),
            })
        })
        .collect()
}

/// Creates the next key pair of an environment. Returns all pairs afterwards.
pub async fn rotate(
    state: &State,
    environment: EnvironmentId,
    rotation: Rotation,
) -> Result<Vec<SpKeySummary>> {
    let purpose = Purpose::SamlSp(environment);
    load_or_create(state, purpose).await?;
    let now = state.now();
    let (active_from, retired_at) = match rotation {
        Rotation::Overlapping => (now + PUBLISH_AHEAD, now + PUBLISH_AHEAD + DECRYPT_OVERLAP),
        Rotation::Compromised => (now, now),
    };
    let mut key = generate(state, purpose, active_from).await?;
    let mut tx = state.db.write().await?;
    key.generation = store::signing_keys::last_generation(&mut tx, purpose, ALGORITHM).await? + 1;
    if !store::signing_keys::insert(&mut tx, purpose, &key).await? {
        return Err(Error::FailedPrecondition("another rotation is under way; nothing was changed".into()));
    }
    store::signing_keys::update_retired(&mut tx, purpose, ALGORITHM, key.generation, retired_at).await?;
    tx.commit().await?;
    list(state, environment).await
}

/// The key pair of the bundled test identity provider, created when it is first needed.
pub async fn test_idp_key_pair(state: &State) -> Result<KeyPair> {
    let stored = load_or_create(state, Purpose::TestIdp).await?;
    open(state, &stored[0])
}

/// The keys in use, the signing one first; creates the first key if there is none.
async fn load_or_create(state: &State, purpose: Purpose) -> Result<Vec<StoredKey>> {
    let found = in_use(state, purpose).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    let key = generate(state, purpose, state.now()).await?;
    // If several create the first key at once, one is stored, and all use it.
    let mut tx = state.db.write().await?;
    store::signing_keys::insert(&mut tx, purpose, &key).await?;
    tx.commit().await?;
    let found = in_use(state, purpose).await?;
    if found.is_empty() { Err(Error::internal("the key that was stored is not there")) } else { Ok(found) }
}

/// Generates a key pair, of generation 1 unless the caller changes it.
async fn generate(state: &State, purpose: Purpose, active_from: Timestamp) -> Result<StoredKey> {
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
    Ok(StoredKey {
        private_key: state.master_key.seal(&StoredKey::place(&id), pem.as_bytes(), &*state.random),
        certificate: Some(pair.certificate_pem().map_err(Error::internal)?),
        id,
        algorithm: ALGORITHM.to_owned(),
        generation: 1,
        created_at: now,
        active_from,
        retired_at: None,
    })
}

async fn in_use(state: &State, purpose: Purpose) -> Result<Vec<StoredKey>> {
    let mut conn = state.db.read().await?;
    let now = state.now();
    let mut keys = store::signing_keys::list(&mut conn, purpose, now).await?;
    // The newest active key first, then older ones, then future ones.
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{app::Settings, links::Links, store::Db};
    use base::{random::SystemRandom, time::ManualClock};
    use model::master_key::MasterKey;

    #[tokio::test]
    async fn a_rotation_publishes_first_then_signs_and_the_old_pair_decrypts_on() {
        let directory = tempfile::tempdir().unwrap();
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)));
        let state = State::new(
            db,
            Arc::clone(&clock) as _,
            Arc::new(SystemRandom),
            MasterKey::new(vec![[7; 32]]).unwrap(),
            Links::new(&"https://sso.example".parse().unwrap()).unwrap(),
            Settings::default(),
        );
        let environment = EnvironmentId::new(state.now(), &*state.random);
        let pems = async || -> Vec<String> {
            let pairs = key_pairs(&state, environment).await.unwrap();
            pairs.iter().map(|pair| pair.certificate_pem().unwrap()).collect()
        };
        let old = pems().await.remove(0);

        let after = rotate(&state, environment, Rotation::Overlapping).await.unwrap();
        let stages = |keys: &[SpKeySummary]| keys.iter().map(|key| key.stage).collect::<Vec<_>>();
        assert_eq!(stages(&after), [KeyStage::Active, KeyStage::Next]);
        let new = after[1].certificate.clone();
        assert_eq!(pems().await, [old.clone(), new.clone()], "the old one signs, both are published");
        assert_eq!(encryption_certificate(&state, environment).await.unwrap(), new);

        clock.advance(PUBLISH_AHEAD);
        assert_eq!(pems().await, [new.clone(), old.clone()], "the new one signs, both decrypt");
        assert_eq!(stages(&list(&state, environment).await.unwrap()), [KeyStage::Active, KeyStage::Retiring]);
        clock.advance(DECRYPT_OVERLAP);
        assert_eq!(pems().await, std::slice::from_ref(&new));

        let other = EnvironmentId::new(state.now(), &*state.random);
        let others = list(&state, other).await.unwrap();
        let after = rotate(&state, environment, Rotation::Compromised).await.unwrap();
        assert_eq!(stages(&after), [KeyStage::Active]);
        assert_ne!(after[0].certificate, new, "the known one is gone at once");
        assert_eq!(list(&state, other).await.unwrap(), others, "another environment's are its own");
    }
}
