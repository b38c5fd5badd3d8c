//! The signing keys of ID tokens: a series of keys per owner, with keys of every algorithm.

use std::{sync::Arc, time::Duration};

use base::{random::Random, time::Timestamp};
use model::oauth_client::IdTokenAlg;
use oauth::{id_token, jwk::JwkSet, signing_key::SigningKey};

use crate::{
    app::{
        Error, Result, State,
        keys::{
            KeyStage, Rotation,
            cache::{CachedKey, KeyCache},
            rotation::{self, GeneratedKey, PrivateKey},
        },
        principal::Principal,
    },
    store::signing_keys::{KeyOwner, KeySeries, Purpose, StoredKey},
};

/// The `max-age` of the JWKS.
pub const JWKS_MAX_AGE: Duration = Duration::from_secs(15 * 60);

/// How much longer than the last token a key stays published, to allow for clock skew.
const CLOCK_MARGIN: Duration = Duration::from_secs(10 * 60);

impl PrivateKey for SigningKey {
    // RS256 first: clients that ignore `kid` use the first key.
    const ALGORITHMS: &'static [&'static str] =
        &[IdTokenAlg::RS256.as_str(), IdTokenAlg::ES256.as_str(), IdTokenAlg::EdDSA.as_str()];
    /// Longer than clients and replicas cache the old set.
    const PUBLISH_AHEAD: Duration = Duration::from_secs(3600);
    /// Until the last token has expired.
    const OVERLAP: Duration = id_token::ID_TOKEN_LIFETIME.saturating_add(CLOCK_MARGIN);

    fn generate(_: Purpose, algorithm: &'static str, _: Timestamp, _: &dyn Random) -> Result<GeneratedKey> {
        let key = Self::generate(parse_algorithm(algorithm)?).map_err(Error::internal)?;
        Ok(GeneratedKey { id: key.kid().to_owned(), private_key: key.to_pkcs8().to_vec(), certificate: None })
    }

    fn parse(stored: &StoredKey, private_key: &[u8]) -> Result<Self> {
        Self::from_pkcs8(parse_algorithm(&stored.algorithm)?, private_key).map_err(Error::internal)
    }

    fn cache(state: &State) -> &KeyCache<Self> {
        &state.id_token_keys
    }
}

fn parse_algorithm(name: &str) -> Result<IdTokenAlg> {
    name.parse().map_err(|_| Error::internal(format!("{name} is an unknown algorithm")))
}

/// The keys that sign the tokens of `owner`.
fn series(owner: KeyOwner) -> KeySeries {
    KeySeries { owner, purpose: Purpose::IdToken }
}

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

/// The owner's active key of `algorithm`.
pub async fn signer(state: &State, owner: KeyOwner, algorithm: IdTokenAlg) -> Result<Arc<SigningKey>> {
    let now = state.now();
    let set = rotation::key_set::<SigningKey>(state, series(owner)).await?;
    set.active(algorithm.as_str(), now)
        .map(|key| Arc::clone(&key.key))
        .ok_or_else(|| Error::internal(format!("there is no {} key", algorithm.as_str())))
}

/// The owner's published public keys.
pub async fn published(state: &State, owner: KeyOwner) -> Result<JwkSet> {
    let now = state.now();
    let set = rotation::key_set::<SigningKey>(state, series(owner)).await?;
    Ok(JwkSet { keys: set.unretired(now).map(|key| key.key.jwk().clone()).collect() })
}

/// Every key of the owner that is not retired, for the operator.
pub async fn list(state: &State, owner: KeyOwner) -> Result<Vec<KeySummary>> {
    list_series(state, series(owner)).await
}

/// Every key of a series that is not retired, for the operator.
pub(super) async fn list_series(state: &State, series: KeySeries) -> Result<Vec<KeySummary>> {
    let now = state.now();
    let set = rotation::key_set::<SigningKey>(state, series).await?;
    let summary = |key: &CachedKey<SigningKey>| KeySummary {
        kid: key.id.clone(),
        algorithm: key.key.algorithm(),
        stage: set.stage(key, now),
        active_from: key.active_from,
        retired_at: key.retired_at,
    };
    Ok(set.unretired(now).map(summary).collect())
}

/// Creates a new key of the owner for each algorithm. Returns all keys afterwards.
///
/// New keys sign in an hour, and the old ones stay published until their last token has expired. If one is
/// compromised, other processes learn of it within a minute, clients within [`JWKS_MAX_AGE`].
pub async fn rotate(
    state: &State,
    principal: &Principal,
    owner: KeyOwner,
    rotation: Rotation,
) -> Result<Vec<KeySummary>> {
    rotation::rotate::<SigningKey>(state, principal, series(owner), rotation).await?;
    list(state, owner).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{
            Settings,
            environments::{self, EnvironmentChange},
            keys::cache::CACHE_TTL,
        },
        links::Links,
        store::{self, Db},
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
        signer(state, KeyOwner::Installation, IdTokenAlg::RS256).await.unwrap().kid().to_owned()
    }

    async fn published_kids(state: &State) -> Vec<String> {
        published(state, KeyOwner::Installation)
            .await
            .unwrap()
            .keys
            .into_iter()
            .filter_map(|key| key.common.key_id)
            .collect()
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
        assert!(signer(&other_master_key, KeyOwner::Installation, IdTokenAlg::RS256).await.is_err());
    }

    #[tokio::test]
    async fn a_rotation_publishes_first_then_signs_then_forgets() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), clock());
        let here = replica(&directory, &clock).await;
        let there = replica(&directory, &clock).await;
        let old = kid(&here).await;
        assert_eq!(kid(&there).await, old);

        rotate(&here, &Principal::OPERATOR, KeyOwner::Installation, Rotation::Overlapping).await.unwrap();
        assert_eq!(kid(&here).await, old, "still signs");
        assert_eq!(published_kids(&here).await.len(), 6);
        // The other replica has read the new keys long before one of them signs.
        assert!(CACHE_TTL + JWKS_MAX_AGE < SigningKey::PUBLISH_AHEAD);
        clock.advance(CACHE_TTL);
        assert_eq!(published_kids(&there).await.len(), 6);
        let stages = |keys: &[KeySummary]| keys.iter().map(|key| key.stage).collect::<Vec<_>>();
        assert_eq!(
            stages(&list(&there, KeyOwner::Installation).await.unwrap())[..2],
            [KeyStage::Active, KeyStage::Next]
        );

        clock.advance(SigningKey::PUBLISH_AHEAD);
        let new = kid(&there).await;
        assert_ne!(new, old);
        assert_eq!(kid(&here).await, new);
        assert!(published_kids(&here).await.contains(&old), "its tokens are still good");
        assert_eq!(
            stages(&list(&here, KeyOwner::Installation).await.unwrap())[..2],
            [KeyStage::Retiring, KeyStage::Active]
        );

        clock.advance(SigningKey::OVERLAP);
        assert_eq!(published_kids(&there).await.len(), 3);
        assert!(!published_kids(&there).await.contains(&old));
        let gone =
            store::signing_keys::remove_retired(&mut here.db.write().await.unwrap(), clock.now()).await;
        assert_eq!(gone.unwrap(), 3);
    }

    #[tokio::test]
    async fn the_first_keys_sign_at_once_even_by_a_rotation() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), clock());
        let here = replica(&directory, &clock).await;
        let keys =
            rotate(&here, &Principal::OPERATOR, KeyOwner::Installation, Rotation::Overlapping).await.unwrap();
        assert_eq!(keys.len(), 3);
        for key in keys {
            assert_eq!((key.stage, key.active_from), (KeyStage::Active, clock.now()), "says when it signs");
        }
    }

    #[tokio::test]
    async fn an_environment_has_keys_of_its_own() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), clock());
        let here = replica(&directory, &clock).await;
        let change = EnvironmentChange { slug: Some("prod".into()), ..EnvironmentChange::default() };
        let environment = environments::create(&here, &Principal::OPERATOR, &change).await.unwrap().id;
        let owner = KeyOwner::Environment(environment);
        let installation = published_kids(&here).await;
        let own = list(&here, owner).await.unwrap();
        assert_eq!(own.len(), 3);
        assert!(own.iter().all(|key| !installation.contains(&key.kid)));

        rotate(&here, &Principal::OPERATOR, owner, Rotation::Compromised).await.unwrap();
        let after = list(&here, owner).await.unwrap();
        assert!(after.len() == 3 && after.iter().all(|key| own.iter().all(|old| old.kid != key.kid)));
        assert_eq!(published_kids(&here).await, installation, "another owner's stay");
    }

    #[tokio::test]
    async fn a_compromised_key_is_gone_at_once() {
        let (directory, clock) = (tempfile::tempdir().unwrap(), clock());
        let here = replica(&directory, &clock).await;
        let old = kid(&here).await;
        rotate(&here, &Principal::OPERATOR, KeyOwner::Installation, Rotation::Overlapping).await.unwrap();
        let keys =
            rotate(&here, &Principal::OPERATOR, KeyOwner::Installation, Rotation::Compromised).await.unwrap();
        assert!(keys.len() == 3 && keys.iter().all(|key| key.stage == KeyStage::Active));
        assert_ne!(kid(&here).await, old);
        assert!(!published_kids(&here).await.contains(&old));
    }
}
