//! When DNS is queried again about domains that it verified.

use std::time::Duration;

use base::time::Timestamp;

use crate::app::State;

/// How often DNS is queried about a verified domain, and about one whose proof lapsed.
const INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// After which time it is queried again when it gave no answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(6 * 3600);

/// About a day from now, after the record was found.
pub(super) fn after_proof(state: &State) -> Timestamp {
    spread(state, INTERVAL - INTERVAL / 8, INTERVAL / 4)
}

/// At least a day from now, after the record was missed: looks that count are a day apart.
pub(super) fn after_miss(state: &State) -> Timestamp {
    spread(state, INTERVAL, INTERVAL / 8)
}

/// Some hours from now, after DNS gave no answer.
pub(super) fn soon(state: &State) -> Timestamp {
    spread(state, RETRY_INTERVAL - RETRY_INTERVAL / 8, RETRY_INTERVAL / 4)
}

/// A time within `width` from `least` on, so that domains that were verified together spread.
fn spread(state: &State, least: Duration, width: Duration) -> Timestamp {
    let part = u32::try_from(state.random.bits() % 1_000).unwrap_or_default();
    state.now() + least + width * part / 1_000
}
