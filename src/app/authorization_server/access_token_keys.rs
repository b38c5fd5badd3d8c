//! The keys of an environment that sign the access tokens of its issuers, and the ID tokens of those at which people sign in. One
//! is not taken for the other: `typ` differs (RFC 9068 §4).

use std::sync::Arc;

use base::id::EnvironmentId;
use oauth::{algorithm::IdTokenAlg, jwk::JwkSet, signing_key::SigningKey};

use super::signing_keys::{self, KeySummary};
use crate::{
    app::{
        Error, Result, State,
        keys::{KeyOwner, Rotation, rotation},
        principal::Principal,
    },
    store::signing_keys::{KeySeries, Purpose},
};

/// The keys that sign the access tokens and ID tokens of an environment's issuers.
pub(super) fn series(environment_id: EnvironmentId) -> KeySeries {
    KeySeries { owner: KeyOwner::Environment(environment_id), purpose: Purpose::AccessToken }
}

/// The environment's active key of `algorithm`. It may write to the database: call it outside of transactions.
pub(super) async fn signer(
    state: &State,
    environment_id: EnvironmentId,
    algorithm: IdTokenAlg,
) -> Result<Arc<SigningKey>> {
    let now = state.now();
    let set = rotation::key_set::<SigningKey>(state, series(environment_id)).await?;
    set.active(algorithm.as_str(), now)
        .map(|key| Arc::clone(&key.key))
        .ok_or_else(|| Error::internal(format!("there is no {} key", algorithm.as_str())))
}

/// The environment's published public keys. Those that a token must be signed by are the same.
pub async fn published(state: &State, environment_id: EnvironmentId) -> Result<JwkSet> {
    let now = state.now();
    let set = rotation::key_set::<SigningKey>(state, series(environment_id)).await?;
    Ok(JwkSet { keys: set.unretired(now).map(|key| key.key.jwk().clone()).collect() })
}

/// Every key of the environment that is not retired, for the operator.
pub async fn list(state: &State, environment_id: EnvironmentId) -> Result<Vec<KeySummary>> {
    signing_keys::list_series(state, series(environment_id)).await
}

/// Creates a new key of the environment for each algorithm, as [`signing_keys::rotate`] does for ID tokens. Of a compromised
/// key no token counts any more. Returns all keys afterwards.
pub async fn rotate(
    state: &State,
    principal: &Principal,
    environment_id: EnvironmentId,
    rotation: Rotation,
) -> Result<Vec<KeySummary>> {
    rotation::rotate::<SigningKey>(state, principal, series(environment_id), rotation).await?;
    list(state, environment_id).await
}
