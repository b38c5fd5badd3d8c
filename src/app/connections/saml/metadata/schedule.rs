//! When metadata is fetched next.

use std::time::Duration;

use base::time::Timestamp;
use model::saml_connection::MetadataRefresh;
use saml::metadata::IdpMetadata;

use crate::app::{
    State,
    connections::saml::certificates::{certificate_views, left_out},
    outgoing::Validators,
};

const HOUR: Duration = Duration::from_secs(3600);
/// The refresh interval of metadata without `cacheDuration` and `validUntil`.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(6 * 3600);
/// The bounds of the refresh interval.
const MIN_INTERVAL: Duration = HOUR;
const MAX_INTERVAL: Duration = Duration::from_secs(24 * 3600);
/// The retry delay after the first failure; doubled with each further one, up to [`DEFAULT_INTERVAL`].
const FIRST_RETRY: Duration = Duration::from_secs(5 * 60);

/// The refresh state after metadata was fetched and applied.
pub(in crate::app::connections::saml) fn refreshed_state(
    state: &State,
    metadata: &IdpMetadata,
    validators: Validators,
) -> MetadataRefresh {
    // A document with its own validity must be parsed again, even if it is unchanged.
    let timed = metadata.cache_duration.is_some() || metadata.valid_until.is_some();
    let validators = if timed { Validators::default() } else { validators };
    let listed = certificate_views(&metadata.certificates_pem);
    let left_out = left_out(&metadata.left_out);
    MetadataRefresh {
        fetched_at: Some(state.now()),
        etag: validators.etag,
        last_modified: validators.last_modified,
        certificates: listed.into_iter().map(|certificate| certificate.fingerprint).collect(),
        next_at: Some(next_at(state, Some(metadata))),
        refresh_requested_at: None,
        error: None,
        left_out,
        failures: 0,
    }
}

/// When to fetch it next.
pub(super) fn next_at(state: &State, metadata: Option<&IdpMetadata>) -> Timestamp {
    let now = state.now();
    now + with_jitter(state, refresh_interval(metadata, now))
}

/// The refresh interval: as the metadata says (SAML Metadata §2.3.1), within bounds.
fn refresh_interval(metadata: Option<&IdpMetadata>, now: Timestamp) -> Duration {
    let said = metadata.and_then(|metadata| metadata.cache_duration).unwrap_or(DEFAULT_INTERVAL);
    let left = metadata.and_then(|metadata| metadata.valid_until).map(|until| until.since(now));
    said.min(left.unwrap_or(said)).clamp(MIN_INTERVAL, MAX_INTERVAL)
}

/// The retry delay after so many failures in a row.
pub(super) fn retry_delay(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    (FIRST_RETRY * 2_u32.pow(doublings)).min(DEFAULT_INTERVAL)
}

/// Adds a jitter of up to a tenth, so that connections created together are not fetched together.
pub(super) fn with_jitter(state: &State, refresh_interval: Duration) -> Duration {
    let share = u32::try_from(state.random.bits() % 2001).unwrap_or(0);
    refresh_interval * 9 / 10 + refresh_interval * share / 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1000;

    fn metadata(cache_duration: Option<Duration>, valid_until: Option<i64>) -> IdpMetadata {
        IdpMetadata {
            entity_id: "https://idp.example".to_owned(),
            sso_redirect_url: "https://idp.example/sso".to_owned(),
            idp_binding: saml::binding::Binding::Post,
            certificates_pem: Vec::new(),
            left_out: Vec::new(),
            want_authn_requests_signed: false,
            valid_until: valid_until.map(Timestamp::from_seconds),
            cache_duration,
        }
    }

    #[test]
    fn metadata_rests_as_long_as_it_says_within_bounds() {
        let hours = |count: u32| HOUR * count;
        let now = Timestamp::from_seconds(NOW);
        for (said, until, expected) in [
            (None, None, hours(6)),
            (Some(hours(2)), None, hours(2)),
            (Some(Duration::from_secs(60)), None, hours(1)),
            (Some(hours(24 * 30)), None, hours(24)),
            (None, Some(NOW + 2 * 3600), hours(2)),
            (Some(hours(3)), Some(NOW + 2 * 3600), hours(2)),
            (Some(hours(1)), Some(NOW + 2 * 3600), hours(1)),
            (None, Some(NOW + 60), hours(1)),
        ] {
            assert_eq!(refresh_interval(Some(&metadata(said, until)), now), expected, "{said:?} {until:?}");
        }
        assert_eq!(refresh_interval(None, now), hours(6));
    }

    #[test]
    fn failures_rest_longer_and_longer() {
        let minutes: Vec<u64> = (1..=9).map(|failures| retry_delay(failures).as_secs() / 60).collect();
        assert_eq!(minutes, [5, 10, 20, 40, 80, 160, 320, 360, 360]);
        assert_eq!(retry_delay(u32::MAX), DEFAULT_INTERVAL);
    }
}
