//! The signing keys of ID tokens: a sequence of keys per algorithm for the whole installation.
//!
//! A key is **next** from its creation until `active_from`, so that every client has fetched it before it signs;
//! **active** until the next one is; then **retiring** until every token it signed has expired. The stage follows
//! from stored times, so replicas agree without coordination.

use std::{sync::Arc, time::Duration};

use base::time::Timestamp;
use model::oauth_client::IdTokenAlg;
use oauth::{
    id_token,
    jwk::JwkSet,
    signing_key::{KeyError, SigningKey},
};

use crate::app::keys::cache::{CachedKey, KeySet};
use crate::{
    app::{
        Error, Result, State,
        keys::{KeyStage, Rotation},
    },
    store::signing_keys::{self, Purpose, StoredKey},
};

/// The `max-age` of the JWKS.
pub const JWKS_MAX_AGE: Duration = Duration::from_secs(15 * 60);

/// How long before its first signature a key is published: longer than clients and replicas cache the old set.
const PUBLISH_AHEAD: Duration = Duration::from_secs(3600);

/// How much longer than the last token a key stays published, to allow for clock skew.
const CLOCK_MARGIN: Duration = Duration::from_secs(10 * 60);

/// A key, as shown to the operator.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeySummary {
    /// Its `kid`.
    pub kid: String,
    /// Its algorithm.
    pub algorithm: IdTokenAlg,
    /// Its stage.
    pub stage: KeyStage,
    /// From when it signs.
    pub active_from: Timestamp,
    /// When it is no longer published.
    pub retired_at: Option<Timestamp>,
}

/// The active key of `algorithm`.
pub async fn signer(state: &State, algorithm: IdTokenAlg) -> Result<Arc<SigningKey>> {
    let now = state.now();
    let ring = key_set(state).await?;
    ring.active(algorithm, now)
        .map(|key| Arc::clone(&key.key))
        .ok_or_else(|| Error::internal(format!("there is no {} key", algorithm.as_str())))
}

/// The published public keys.
pub async fn published(state: &State) -> Result<JwkSet> {
    let now = state.now();
    let ring = key_set(state).await?;
    Ok(JwkSet { keys: ring.unretired(now).map(|key| key.key.jwk().clone()).collect() })
}

/// Every key that is not retired, for the operator.
pub async fn list(state: &State) -> Result<Vec<KeySummary>> {
    let now = state.now();
    let ring = key_set(state).await?;
    Ok(ring.unretired(now).map(|key| summary(&ring, key, now)).collect())
}

fn summary(ring: &KeySet, key: &CachedKey, now: Timestamp) -> KeySummary {
    let algorithm = key.key.algorithm();
    let active = ring.active(algorithm, now).map_or(key.generation, |active| active.generation);
    KeySummary {
        kid: key.key.jwk().kid.clone(),
        algorithm,
        stage: KeyStage::of(key.generation, active),
        active_from: key.active_from,
        retired_at: key.retired_at,
    }
}

/// Creates a new key for each algorithm. Returns all keys afterwards.
///
/// New keys sign in an hour, and the old ones stay published until their last token has expired. If one is
/// compromised, other processes learn of it within a minute, clients within [`JWKS_MAX_AGE`].
pub async fn rotate(state: &State, rotation: Rotation) -> Result<Vec<KeySummary>> {
    let now = state.now();
    let (begin, retired_at) = match rotation {
        Rotation::Overlapping => {
            let begin = now + PUBLISH_AHEAD;
            (begin, begin + id_token::ID_TOKEN_LIFETIME + CLOCK_MARGIN)
        }
        Rotation::Compromised => (now, now),
    };
    let keys = generate(IdTokenAlg::ALL.to_vec()).await?;
    let mut tx = state.db.write().await?;
    for key in &keys {
        let name = key.algorithm().as_str();
        let generation = signing_keys::last_generation(&mut tx, Purpose::IdToken, name).await? + 1;
        // The first key of an algorithm has nothing to overlap with.
        let active_from = if generation == 1 { now } else { begin };
        let stored = seal(state, key, generation, active_from)?;
        if !signing_keys::insert(&mut tx, Purpose::IdToken, &stored).await? {
            return Err(Error::FailedPrecondition(
                "another rotation is under way; nothing was changed".into(),
            ));
        }
        signing_keys::update_retired(&mut tx, Purpose::IdToken, name, generation, retired_at).await?;
    }
    tx.commit().await?;
    state.id_token_keys.invalidate();
    list(state).await
}

/// The cached keys, reloaded when the cache has expired. Concurrent requests load them once.
async fn key_set(state: &State) -> Result<Arc<KeySet>> {
    let keys = &state.id_token_keys;
    if let Some(ring) = keys.fresh(state.now()) {
        return Ok(ring);
    }
    let _one_reads = keys.load_lock.lock().await;
    if let Some(ring) = keys.fresh(state.now()) {
        return Ok(ring);
    }
    let ring = Arc::new(load(state).await?);
    keys.replace(Some(Arc::clone(&ring)));
    Ok(ring)
}

/// Loads the keys; creates the first key of an algorithm that has none, or uses the one that another replica
/// created at the same time.
async fn load(state: &State) -> Result<KeySet> {
    let now = state.now();
    let mut stored = signing_keys::list(&mut state.db.read().await?, Purpose::IdToken, now).await?;
    let missing: Vec<IdTokenAlg> = IdTokenAlg::ALL
        .into_iter()
        .filter(|algorithm| stored.iter().all(|key| key.algorithm != algorithm.as_str()))
        .collect();
    if !missing.is_empty() {
        let keys = generate(missing).await?;
        let mut tx = state.db.write().await?;
        for key in &keys {
            // Generation 1 or no insert: the newest key of an algorithm is never retired.
            signing_keys::insert(&mut tx, Purpose::IdToken, &seal(state, key, 1, now)?).await?;
        }
        tx.commit().await?;
        stored = signing_keys::list(&mut state.db.read().await?, Purpose::IdToken, now).await?;
    }
    let mut keys = stored.iter().map(|key| open(state, key)).collect::<Result<Vec<_>>>()?;
    // RS256 first: clients that ignore `kid` use the first key.
    keys.sort_by_key(|key| {
        (IdTokenAlg::ALL.iter().position(|algorithm| *algorithm == key.key.algorithm()), key.generation)
    });
    Ok(KeySet { loaded_at: now, keys })
}

/// Generates keys on a blocking thread.
async fn generate(algorithms: Vec<IdTokenAlg>) -> Result<Vec<SigningKey>> {
    let make = move || algorithms.into_iter().map(SigningKey::generate).collect::<Result<Vec<_>, KeyError>>();
    tokio::task::spawn_blocking(make).await.map_err(Error::internal)?.map_err(Error::internal)
}

fn seal(state: &State, key: &SigningKey, generation: i64, active_from: Timestamp) -> Result<StoredKey> {
    let id = key.jwk().kid.clone();
    let pkcs8 = key.to_pkcs8().map_err(Error::internal)?;
    Ok(StoredKey {
        private_key: state.master_key.seal(&StoredKey::place(&id), &pkcs8, &*state.random),
        id,
        algorithm: key.algorithm().as_str().to_owned(),
        generation,
        certificate: None,
        created_at: state.now(),
        active_from,
        retired_at: None,
    })
}

fn open(state: &State, stored: &StoredKey) -> Result<CachedKey> {
    let algorithm = IdTokenAlg::parse(&stored.algorithm)
        .ok_or_else(|| Error::internal(format!("key {} is of an unknown algorithm", stored.id)))?;
    let pkcs8 =
        state.master_key.open(&StoredKey::place(&stored.id), &stored.private_key).map_err(Error::internal)?;
    Ok(CachedKey {
        key: Arc::new(SigningKey::from_pkcs8(algorithm, &pkcs8).map_err(Error::internal)?),
        generation: stored.generation,
        active_from: stored.active_from,
        retired_at: stored.retired_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{Settings, keys::cache::CACHE_TTL},
        links::Links,
        store::Db,
    };
    use base::{
        random::SystemRandom,
        time::{Clock as _, ManualClock},
    };
    use model::master_key::MasterKey;

    /// A replica on the database at `directory`.
    async fn replica(directory: &tempfile::TempDir, clock: &Arc<ManualClock>) -> State {
        let db = Db::connect(&format!("sqlite://{}/test.db", directory.path().display()), 2).await.unwrap();
        db.migrate().await.unwrap();
        State::new(
            db,
            Arc::clone(clock) as _,
            Arc::new(SystemRandom),
            MasterKey::new(vec![[7; 32]]).unwrap(),
            Links::new(&"https://sso.example".parse().unwrap()).unwrap(),
            Settings::default(),
        )
    }

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(Timestamp::from_seconds(1_800_000_000)))
    }

    async fn kid(state: &State) -> String {
        signer(state, IdTokenAlg::RS256).await.unwrap().jwk().kid.clone()
    }

    async fn published_kids(state: &State) -> Vec<String> {
        published(state).await.unwrap().keys.into_iter().map(|key| key.kid).collect()
    }

    #[tokio::test]
    async fn replicas_that_start_together_make_one_key_of_each_kind() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), clock());
        let mut replicas = Vec::new();
        for _ in 0..4 {
            replicas.push(replica(&directory, &clock).await);
        }
        let firsts: Vec<_> = replicas
            .iter()
            .cloned()
            .map(|state| tokio::spawn(async move { (kid(&state).await, published_kids(&state).await) }))
            .collect();
        let mut seen = Vec::new();
        for first in firsts {
            seen.push(first.await.unwrap());
        }
        assert_eq!(seen[0].1.len(), 3);
        assert_eq!(seen[0].0, seen[0].1[0], "RS256 stands first");
        assert!(seen.iter().all(|other| *other == seen[0]));
        let other_master_key =
            State { master_key: MasterKey::new(vec![[8; 32]]).unwrap(), ..replica(&directory, &clock).await };
        assert!(signer(&other_master_key, IdTokenAlg::RS256).await.is_err());
    }

    #[tokio::test]
    async fn a_rotation_publishes_first_then_signs_then_forgets() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), clock());
        let here = replica(&directory, &clock).await;
        let there = replica(&directory, &clock).await;
        let old = kid(&here).await;
        assert_eq!(kid(&there).await, old);

        rotate(&here, Rotation::Overlapping).await.unwrap();
        assert_eq!(kid(&here).await, old, "still signs");
        assert_eq!(published_kids(&here).await.len(), 6);
        // The other replica has read the new keys long before one of them signs.
        assert!(CACHE_TTL + JWKS_MAX_AGE < PUBLISH_AHEAD);
        clock.advance(CACHE_TTL);
        assert_eq!(published_kids(&there).await.len(), 6);
        let stages = |keys: &[KeySummary]| keys.iter().map(|key| key.stage).collect::<Vec<_>>();
        assert_eq!(stages(&list(&there).await.unwrap())[..2], [KeyStage::Active, KeyStage::Next]);

        clock.advance(PUBLISH_AHEAD);
        let new = kid(&there).await;
        assert_ne!(new, old);
        assert_eq!(kid(&here).await, new);
        assert!(published_kids(&here).await.contains(&old), "its tokens are still good");
        assert_eq!(stages(&list(&here).await.unwrap())[..2], [KeyStage::Retiring, KeyStage::Active]);

        clock.advance(id_token::ID_TOKEN_LIFETIME + CLOCK_MARGIN);
        assert_eq!(published_kids(&there).await.len(), 3);
        assert!(!published_kids(&there).await.contains(&old));
        let gone = signing_keys::remove_retired(&mut here.db.write().await.unwrap(), clock.now()).await;
        assert_eq!(gone.unwrap(), 3);
    }

    #[tokio::test]
    async fn the_first_keys_sign_at_once_even_by_a_rotation() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), clock());
        let here = replica(&directory, &clock).await;
        let keys = rotate(&here, Rotation::Overlapping).await.unwrap();
        assert_eq!(keys.len(), 3);
        for key in keys {
            assert_eq!((key.stage, key.active_from), (KeyStage::Active, clock.now()), "says when it signs");
        }
    }

    #[tokio::test]
    async fn a_compromised_key_is_gone_at_once() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), clock());
        let here = replica(&directory, &clock).await;
        let old = kid(&here).await;
        rotate(&here, Rotation::Overlapping).await.unwrap();
        let keys = rotate(&here, Rotation::Compromised).await.unwrap();
        assert!(keys.len() == 3 && keys.iter().all(|key| key.stage == KeyStage::Active));
        assert_ne!(kid(&here).await, old);
        assert!(!published_kids(&here).await.contains(&old));
    }
}
