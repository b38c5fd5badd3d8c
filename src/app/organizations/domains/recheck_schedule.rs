//! When DNS is queried again about domains that it verified.

use std::time::Duration;

use base::time::Timestamp;

use crate::app::State;

/// How often DNS is queried about a verified domain, and about one whose proof lapsed.
pub(super) const INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// After which time it is queried again while the record is gone or DNS gives no answer.
pub(super) const RETRY_INTERVAL: Duration = Duration::from_secs(6 * 3600);

/// A time about `interval` from now: an eighth more or less, so that domains that were verified together spread.
pub(super) fn after(state: &State, interval: Duration) -> Timestamp {
    let part = u32::try_from(state.random.bits() % 1_000).unwrap_or_default();
    state.now() + interval - interval / 8 + interval / 4 * part / 1_000
}
