//! Loading and rotating the keys of a series.
//!
//! A key is **next** from its creation until `active_from`, so that everybody has its public half before it signs;
//! **active** until the next one is; then **retiring** until it is no longer needed. The stage follows from stored
//! times, so replicas agree without coordination.

use std::{sync::Arc, time::Duration};

use base::{random::Random, time::Timestamp};
use model::audit::{AuditTarget, audit_fields};

use super::{
    cache::{CachedKey, KeyCache, KeySet},
    stage::Rotation,
};
use crate::{
    app::{
        Error, Result, State,
        audit::{self, Entry},
        principal::Principal,
    },
    store::{
        sealed_columns::PRIVATE_KEY,
        signing_keys::{self, KeySeries, Purpose, StoredKey},
    },
};

/// A kind of private keys.
pub(in crate::app) trait PrivateKey: Sized + Send + Sync + 'static {
    /// The algorithms: a series has keys of each. The preferred one first.
    const ALGORITHMS: &'static [&'static str];

    /// How long before its first signature a key is published.
    const PUBLISH_AHEAD: Duration;

    /// How long a key stays in use after the next one has begun to sign.
    const OVERLAP: Duration;

    /// Generates a key. Called on a blocking thread.
    fn generate(
        purpose: Purpose,
        algorithm: &'static str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<GeneratedKey>;

    /// Parses a key of one of [`PrivateKey::ALGORITHMS`]; `private_key` is the one of `stored`, decrypted.
    fn parse(stored: &StoredKey, private_key: &[u8]) -> Result<Self>;

    /// The cache of such keys.
    fn cache(state: &State) -> &KeyCache<Self>;
}

/// A key that was generated.
pub(in crate::app) struct GeneratedKey {
    /// Its id.
    pub(in crate::app) id: String,
    /// The private key in the form that is sealed and stored.
    pub(in crate::app) private_key: Vec<u8>,
    /// The certificate as PEM, if the purpose needs one.
    pub(in crate::app) certificate: Option<String>,
}

/// The keys of a series in use, from the cache if they are in it. First keys are created.
pub(in crate::app) async fn key_set<K: PrivateKey>(
    state: &State,
    series: KeySeries,
) -> Result<Arc<KeySet<K>>> {
    let slot = K::cache(state).slot(series);
    let mut cached = slot.lock().await;
    if let Some(set) = cached.as_ref().filter(|set| set.is_fresh(state.now())) {
        return Ok(Arc::clone(set));
    }
    let set = Arc::new(load(state, series).await?);
    *cached = Some(Arc::clone(&set));
    Ok(set)
}

/// Creates a new key for each algorithm. Other processes learn of it when their caches have expired.
pub(in crate::app) async fn rotate<K: PrivateKey>(
    state: &State,
    principal: &Principal,
    series: KeySeries,
    rotation: Rotation,
) -> Result<()> {
    let now = state.now();
    let (begin, retired_at) = match rotation {
        Rotation::Overlapping => (now + K::PUBLISH_AHEAD, now + K::PUBLISH_AHEAD + K::OVERLAP),
        Rotation::Compromised => (now, now),
    };
    let mut keys = generate::<K>(state, series.purpose, K::ALGORITHMS.to_vec()).await?;
    let mut tx = state.db.write().await?;
    for key in &mut keys {
        key.generation = signing_keys::last_generation(&mut tx, series, &key.algorithm).await? + 1;
        // The first key of an algorithm has nothing to overlap with.
        key.active_from = if key.generation == 1 { now } else { begin };
        if !signing_keys::insert(&mut tx, series, key).await? {
            return Err(Error::FailedPrecondition(
                "another rotation is under way; nothing was changed".into(),
            ));
        }
        signing_keys::update_retired(&mut tx, series, &key.algorithm, key.generation, retired_at).await?;
    }
    let made: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
    let purpose = series.purpose.as_str();
    let entry = Entry {
        action: "signing_keys.rotated".to_owned(),
        target: AuditTarget { kind: "signing_keys", id: purpose.to_owned(), organization_id: None },
        before: serde_json::Map::new(),
        after: audit_fields! { "keys": made, "compromised": rotation == Rotation::Compromised },
    };
    audit::record(&mut tx, state, series.owner.environment(), principal, entry).await?;
    tx.commit().await?;
    K::cache(state).invalidate(series);
    Ok(())
}

/// Loads the keys; creates the first key of an algorithm that has none, or uses the one that another replica
/// created at the same time.
async fn load<K: PrivateKey>(state: &State, series: KeySeries) -> Result<KeySet<K>> {
    let now = state.now();
    let mut stored = signing_keys::list(&mut state.db.read().await?, series, now).await?;
    let lacks = |stored: &[StoredKey], algorithm: &str| stored.iter().all(|key| key.algorithm != algorithm);
    let missing: Vec<_> = K::ALGORITHMS.iter().copied().filter(|name| lacks(&stored, name)).collect();
    if !missing.is_empty() {
        let keys = generate::<K>(state, series.purpose, missing).await?;
        let mut tx = state.db.write().await?;
        for key in &keys {
            // Generation 1 or no insert: the newest key of an algorithm is never retired.
            signing_keys::insert(&mut tx, series, key).await?;
        }
        tx.commit().await?;
        stored = signing_keys::list(&mut state.db.read().await?, series, now).await?;
    }
    let mut keys = stored.iter().map(|key| open(state, key)).collect::<Result<Vec<CachedKey<K>>>>()?;
    let preference = |name| K::ALGORITHMS.iter().position(|algorithm| *algorithm == name);
    keys.sort_by_key(|key| (preference(key.algorithm), key.generation));
    if let Some(name) = K::ALGORITHMS.iter().find(|name| lacks(&stored, name)) {
        return Err(Error::internal(format!("there is no {name} key")));
    }
    Ok(KeySet { loaded_at: now, keys })
}

/// Generates keys that sign from now on, of generation 1 unless the caller changes that.
async fn generate<K: PrivateKey>(
    state: &State,
    purpose: Purpose,
    algorithms: Vec<&'static str>,
) -> Result<Vec<StoredKey>> {
    let (now, random) = (state.now(), Arc::clone(&state.random));
    let make = move || {
        let key = |algorithm| Ok((algorithm, K::generate(purpose, algorithm, now, &*random)?));
        algorithms.into_iter().map(key).collect::<Result<Vec<_>>>()
    };
    let keys = tokio::task::spawn_blocking(make).await.map_err(Error::internal)??;
    let seal = |(algorithm, key): (&str, GeneratedKey)| StoredKey {
        private_key: state.seal(&PRIVATE_KEY, &[&key.id], &key.private_key),
        id: key.id,
        algorithm: algorithm.to_owned(),
        generation: 1,
        certificate: key.certificate,
        created_at: now,
        active_from: now,
        retired_at: None,
    };
    Ok(keys.into_iter().map(seal).collect())
}

fn open<K: PrivateKey>(state: &State, stored: &StoredKey) -> Result<CachedKey<K>> {
    let private_key = state.open(&PRIVATE_KEY, &[&stored.id], &stored.private_key)?;
    let algorithm = K::ALGORITHMS.iter().find(|algorithm| **algorithm == stored.algorithm);
    Ok(CachedKey {
        key: Arc::new(K::parse(stored, &private_key)?),
        id: stored.id.clone(),
        algorithm: algorithm
            .ok_or_else(|| Error::internal(format!("key {} is of an unknown algorithm", stored.id)))?,
        generation: stored.generation,
        active_from: stored.active_from,
        retired_at: stored.retired_at,
    })
}
