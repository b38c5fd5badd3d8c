//! The usage of SCIM directories and environments.

use std::time::Duration;

use base::{
    id::{EnvironmentId, ScimDirectoryId},
    time::Timestamp,
};

use super::quota::{Allowance, Quota, Quotas, near_threshold};
use crate::{
    app::{Result, State},
    store,
};

pub use store::scim_usage::Usage;

/// The maximum age of a cached sum of an environment's directories.
const SUM_MAX_AGE: Duration = Duration::from_secs(60);

/// Days since 1970-01-01 UTC.
pub(super) fn day(now: Timestamp) -> i64 {
    now.millis().div_euclid(86_400_000)
}

/// The usage of all directories of an environment, at most a minute old.
pub async fn of_environment(state: &State, environment: EnvironmentId) -> Result<Usage> {
    let now = state.now();
    match state.environment_usages.find(environment) {
        Some((at, usage)) if now.since(at) < SUM_MAX_AGE && day(at) == day(now) => Ok(usage),
        _ => {
            let usage = {
                let mut conn = state.db.read().await?;
                store::scim_usage::sum(&mut conn, environment, day(now)).await?
            };
            state.environment_usages.insert(environment, now, usage);
            Ok(usage)
        }
    }
}

/// The current usage of a directory.
pub async fn of_directory(conn: &mut store::Conn, id: ScimDirectoryId, now: Timestamp) -> Result<Usage> {
    Ok(store::scim_usage::find(conn, id, day(now)).await?)
}

/// Up to a hundred directories that have nearly or completely used up a part of this quota: for the operator.
pub async fn near_quota(
    conn: &mut store::Conn,
    now: Timestamp,
    quota: &Quota,
) -> Result<Vec<(ScimDirectoryId, Usage)>> {
    const MAX_ENTRIES: i64 = 100;
    let least = Usage {
        user_count: near_threshold(quota.users),
        group_count: near_threshold(quota.groups),
        stored_bytes: near_threshold(quota.stored_bytes),
        day_bytes: near_threshold(quota.day_bytes),
    };
    Ok(store::scim_usage::list_at_least(conn, &least, day(now), MAX_ENTRIES).await?)
}

/// The quotas for a request to a directory of `environment`.
pub(super) async fn allowance(state: &State, environment: EnvironmentId) -> Result<Allowance> {
    let Quotas { directory, environment: of_all } = state.settings.scim_quotas;
    let environment_usage = match of_all == Quota::UNLIMITED {
        true => Usage::default(),
        false => of_environment(state, environment).await?,
    };
    Ok(Allowance { quota: directory, environment: of_all, environment_usage })
}
