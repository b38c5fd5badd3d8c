//! When a delivery is attempted again: the delays after each attempt, and the backoff of an endpoint that fails.

use std::time::Duration;

use base::{random::Random, time::Timestamp};
use model::webhook::{DeliveryState, WebhookDelivery};

use crate::app::outgoing::HttpClientError;

/// The delays between the attempts of a delivery, about two and a half days in all.
const RETRY_DELAYS: [Duration; 11] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(3 * 3600),
    Duration::from_secs(6 * 3600),
    Duration::from_secs(12 * 3600),
    Duration::from_secs(14 * 3600),
    Duration::from_secs(24 * 3600),
];

/// The maximum backoff of an endpoint.
const MAX_BACKOFF: Duration = Duration::from_secs(5 * 60);

/// The result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The endpoint answered 2xx.
    Delivered,
    /// It did not, or could not be reached.
    Failed,
    /// The event is no longer kept.
    Dropped,
}

/// Applies the answer to an attempt to the delivery (`None`: its event is no longer kept). Also returns whether the
/// endpoint is gone: it answered 410 (Standard Webhooks).
pub(super) fn apply_answer(
    delivery: &mut WebhookDelivery,
    answer: Option<Result<u16, HttpClientError>>,
    now: Timestamp,
    random: &dyn Random,
) -> (Outcome, bool) {
    delivery.updated_at = now;
    delivery.next_attempt_at = None;
    let Some(answer) = answer else {
        delivery.state = DeliveryState::Failed;
        delivery.last_error = Some("event_no_longer_kept".to_owned());
        return (Outcome::Dropped, false);
    };
    delivery.attempts += 1;
    let (status, error) = match answer {
        Ok(status) if (200..300).contains(&status) => (Some(status), None),
        Ok(status) => (Some(status), Some(format!("the endpoint answered {status}"))),
        Err(error) => (None, Some(format!("{}: {error}", error.code()))),
    };
    delivery.last_status = status;
    delivery.last_error = error;
    if delivery.last_error.is_none() {
        delivery.state = DeliveryState::Delivered;
        return (Outcome::Delivered, false);
    }
    let gone = status == Some(410);
    let made = usize::try_from(delivery.attempts).unwrap_or(usize::MAX);
    match RETRY_DELAYS.get(made - 1).filter(|_| !gone) {
        Some(wait) => delivery.next_attempt_at = Some(now + with_jitter(*wait, random)),
        None => delivery.state = DeliveryState::Failed,
    }
    (Outcome::Failed, gone)
}

/// The backoff of an endpoint after so many failures in a row: 1 s, 2 s, 4 s … 5 min.
pub(super) fn backoff(failures: u32, random: &dyn Random) -> Duration {
    let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
    with_jitter(Duration::from_secs(doubled).min(MAX_BACKOFF), random)
}

/// Adds a jitter of up to a fifth, so that deliveries that failed together are not retried together.
fn with_jitter(wait: Duration, random: &dyn Random) -> Duration {
    let mut bytes = [0; 2];
    random.fill(&mut bytes);
    wait.mul_f64(0.8 + 0.4 * f64::from(u16::from_be_bytes(bytes)) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::{id::Id, random::SeededRandom};

    /// The maximum number of attempts of a delivery.
    const MAX_ATTEMPTS: usize = RETRY_DELAYS.len() + 1;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn delivery(attempts: u32) -> WebhookDelivery {
        WebhookDelivery {
            id: Id::from_bits(1),
            webhook_id: Id::from_bits(2),
            environment_id: Id::from_bits(3),
            sequence: 1,
            state: DeliveryState::Pending,
            attempts,
            next_attempt_at: Some(NOW),
            last_status: None,
            last_error: None,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    #[test]
    fn a_delivery_is_tried_later_each_time_and_given_up_in_the_end() {
        let random = SeededRandom::new(1);
        let mut delivery = delivery(0);
        let mut waited = Duration::ZERO;
        for made in 1..=MAX_ATTEMPTS {
            let (outcome, gone) = apply_answer(&mut delivery, Some(Ok(503)), NOW, &random);
            assert_eq!((outcome, gone), (Outcome::Failed, false));
            assert_eq!(delivery.attempts as usize, made);
            let Some(next) = delivery.next_attempt_at else { break };
            let wait = next.since(NOW);
            let planned = RETRY_DELAYS[made - 1];
            assert!(wait >= planned.mul_f64(0.79) && wait <= planned.mul_f64(1.21), "{wait:?}");
            waited += wait;
        }
        assert_eq!(delivery.state, DeliveryState::Failed);
        assert_eq!(delivery.attempts as usize, MAX_ATTEMPTS);
        assert!(waited > Duration::from_secs(2 * 24 * 3600 / 2), "{waited:?}");
    }

    #[test]
    fn only_2xx_is_taken_and_410_ends_it() {
        let random = SeededRandom::new(1);
        for (status, state, gone) in [
            (200, DeliveryState::Delivered, false),
            (204, DeliveryState::Delivered, false),
            (302, DeliveryState::Pending, false),
            (400, DeliveryState::Pending, false),
            (410, DeliveryState::Failed, true),
        ] {
            let mut delivery = delivery(0);
            let (_, was_gone) = apply_answer(&mut delivery, Some(Ok(status)), NOW, &random);
            assert_eq!((delivery.state, was_gone), (state, gone), "{status}");
            assert_eq!(delivery.last_status, Some(status));
        }
        let mut delivery = delivery(0);
        let (outcome, _) = apply_answer(&mut delivery, None, NOW, &random);
        assert_eq!(
            (outcome, delivery.state, delivery.attempts),
            (Outcome::Dropped, DeliveryState::Failed, 0)
        );
    }

    #[test]
    fn rests_double_up_to_five_minutes() {
        let random = SeededRandom::new(1);
        for (failures, seconds) in [(1, 1.0), (2, 2.0), (5, 16.0), (9, 256.0), (10, 300.0), (200, 300.0)] {
            let rest = backoff(failures, &random).as_secs_f64();
            assert!(rest >= 0.79 * seconds && rest <= 1.21 * seconds, "{failures}: {rest}");
        }
    }
}
