//! Counts of logins per hour: each run recounts the hours that may have changed from the logins themselves and
//! writes the differences. Counting is idempotent, so a missed or interrupted run is repaired by the next.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use base::time::Timestamp;

use crate::{
    app::{Result, State},
    store::{
        login_counts::{self, ConnectionHour, ConnectionHourActivity, CountedHour, HOUR, Outcomes},
        login_flow_counts,
    },
    telemetry,
};

/// How far back hours are counted: the longest period of the overview.
pub const WINDOW: Duration = Duration::from_secs(15 * 24 * 3600);

/// How long after its end an hour is recounted: a pending login may be refused later.
const SETTLE_TIME: Duration = Duration::from_secs(48 * 3600);

/// The interval between two counts of the current hour and the one before it, and of older ones.
const RECENT_INTERVAL: Duration = Duration::from_secs(50);
const OLD_INTERVAL: Duration = Duration::from_secs(3600);

/// Counting one hour takes at most 1/`TIME_SHARE` of the time: slow counts are repeated less often.
const TIME_SHARE: u32 = 30;

/// The maximum number of hours of one run; after an upgrade many are due.
const MAX_HOURS: usize = 48;

/// How many rows are written in one transaction.
const BATCH: usize = 200;

/// The beginning of the hour that contains `moment`.
pub fn hour_of(moment: Timestamp) -> Timestamp {
    let hour = i64::try_from(HOUR.as_millis()).unwrap_or(i64::MAX);
    Timestamp::from_millis(moment.millis().div_euclid(hour) * hour)
}

/// The maximum number of unfinished logins that are counted.
const MAX_UNFINISHED: i64 = 100_000;

/// Reports for `/metrics` how many unfinished logins each environment has.
pub async fn observe_unfinished(state: &State) -> Result<()> {
    let mut conn = state.db.read().await?;
    let counts = login_flow_counts::count_unfinished(&mut conn, MAX_UNFINISHED).await?;
    telemetry::unfinished_logins(
        counts.into_iter().map(|(environment, count)| (environment.to_string(), count)).collect(),
    );
    Ok(())
}

/// Counts every hour that is due. Unfinished logins are kept for `unfinished`; hours that began longer ago are
/// not recounted.
pub async fn count(state: &State, unfinished: Duration) -> Result<()> {
    let current = hour_of(state.now());
    let counted: HashMap<i64, CountedHour> = {
        let mut conn = state.db.read().await?;
        let hours = login_counts::list_counted_hours(&mut conn, current - WINDOW).await?;
        hours.into_iter().map(|hour| (hour.hour.millis(), hour)).collect()
    };
    let hours = u32::try_from(WINDOW.as_secs() / HOUR.as_secs()).unwrap_or(u32::MAX);
    let due = (0..hours)
        .map(|back| current - HOUR * back)
        .filter(|hour| is_due(*hour, counted.get(&hour.millis()), unfinished, state.now()));
    let mut failure = None;
    for hour in due.take(MAX_HOURS) {
        // One that fails does not keep the others waiting.
        failure = count_hour(state, hour).await.err().or(failure);
    }
    failure.map_or(Ok(()), Err)
}

fn is_due(hour: Timestamp, counted: Option<&CountedHour>, unfinished: Duration, now: Timestamp) -> bool {
    let Some(counted) = counted else { return true };
    if hour + unfinished <= now {
        return false;
    }
    let fresh = hour + HOUR + HOUR > now;
    let rest = if fresh { RECENT_INTERVAL } else { OLD_INTERVAL };
    let took = Duration::from_millis(u64::try_from(counted.took_ms).unwrap_or(0));
    let settled = counted.counted_at >= hour + HOUR + SETTLE_TIME;
    !settled && now.since(counted.counted_at) >= rest.max(took * TIME_SHARE)
}

async fn count_hour(state: &State, hour: Timestamp) -> Result<()> {
    let begun = state.now();
    // In memory: one row for each connection that was used in this hour.
    let (counted, written) = {
        let mut conn = state.db.read().await?;
        (login_counts::count(&mut conn, hour).await?, login_counts::list(&mut conn, hour).await?)
    };
    let took_ms = i64::try_from(state.now().since(begun).as_millis()).unwrap_or(i64::MAX);
    let (changed, gone) = differences(&counted, written);
    let mut totals: BTreeMap<_, Outcomes> = BTreeMap::new();
    for ConnectionHourActivity { count, .. } in &counted {
        let total = totals.entry(count.environment_id).or_default();
        *total = total.plus(count.outcomes);
    }
    for count in &gone {
        totals.entry(count.environment_id).or_default();
    }
    for batch in changed.chunks(BATCH) {
        let mut tx = state.db.write().await?;
        for counted in batch {
            login_counts::upsert(&mut tx, hour, &counted.count).await?;
            login_counts::upsert_connection(&mut tx, counted).await?;
        }
        tx.commit().await?;
    }
    let mut tx = state.db.write().await?;
    for count in &gone {
        login_counts::upsert(
            &mut tx,
            hour,
            &ConnectionHour { outcomes: Outcomes::default(), ..count.clone() },
        )
        .await?;
    }
    for (environment, outcomes) in totals {
        login_counts::upsert_total(&mut tx, environment, hour, outcomes).await?;
    }
    login_counts::upsert_counted_hour(&mut tx, &CountedHour { hour, counted_at: begun, took_ms }).await?;
    tx.commit().await?;
    Ok(())
}

/// The counts to write, and the stored ones that have become zero.
fn differences(
    counted: &[ConnectionHourActivity],
    written: Vec<ConnectionHour>,
) -> (Vec<ConnectionHourActivity>, Vec<ConnectionHour>) {
    let mut written: HashMap<_, ConnectionHour> =
        written.into_iter().map(|count| (count.connection_id.clone(), count)).collect();
    let changed = counted
        .iter()
        .filter(|counted| written.remove(&counted.count.connection_id).as_ref() != Some(&counted.count))
        .cloned()
        .collect();
    let gone = written.into_values().filter(|count| count.outcomes != Outcomes::default()).collect();
    (changed, gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn an_hour_is_counted_until_it_has_settled() {
        let hour = at(360_000);
        let due = |counted_at: i64, took_ms: i64, now: i64| {
            let counted = CountedHour { hour, counted_at: at(counted_at), took_ms };
            is_due(hour, Some(&counted), SETTLE_TIME * 10, at(now))
        };
        assert!(is_due(hour, None, SETTLE_TIME, at(361_000)));
        let counted = CountedHour { hour, counted_at: at(361_000), took_ms: 0 };
        let day = Duration::from_secs(86_400);
        assert!(is_due(hour, Some(&counted), day, hour + day - Duration::from_secs(1)));
        assert!(!is_due(hour, Some(&counted), day, hour + day), "some of its logins are gone");
        assert!(!due(361_000, 0, 361_040) && due(361_000, 0, 361_060), "the current hour, every minute");
        assert!(due(364_000, 0, 364_060), "the one before it too");
        assert!(!due(368_000, 0, 368_060) && due(368_000, 0, 371_600), "older ones once an hour");
        assert!(!due(361_000, 10_000, 361_200) && due(361_000, 10_000, 361_300), "a slow count rests longer");
        let end = 363_600 + 48 * 3600;
        assert!(
            due(end - 1, 0, end + 4000) && !due(end, 0, end + 400_000),
            "once more at the end, then never"
        );
    }

    #[test]
    fn hours_begin_on_the_hour() {
        assert_eq!(hour_of(at(7199)), at(3600));
        assert_eq!(hour_of(at(7200)), at(7200));
        assert_eq!(hour_of(Timestamp::from_millis(-1)), at(-3600));
    }
}
