//! Delivery of events to webhooks.
//!
//! The queue is in the database: an event becomes one pending delivery for each subscribed endpoint, and a delivery
//! is attempted until the endpoint answers 2xx or the attempts are used up. An endpoint is served by one replica at a
//! time, in a task of its own, so a slow endpoint does not delay others. A failing endpoint is backed off
//! exponentially, so that its backlog does not cause a flood of attempts.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::signature;
use crate::{
    app::{
        Error, Result, State, events,
        outgoing::{HttpClient, HttpClientError, HttpClientLimits},
    },
    model::{
        id::{Id, WebhookId},
        random::Random,
        time::Timestamp,
        webhook::{DeliveryState, Webhook, WebhookDelivery},
    },
    store::{self, webhook_deliveries},
    telemetry,
};

/// The timeout of one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a replica serves one endpoint at a time, and the lease that excludes other replicas.
const MAX_SERVING_TIME: Duration = Duration::from_secs(30);
const LEASE: Duration = Duration::from_secs(60);

/// How many endpoints a replica serves at a time.
const CONCURRENCY: usize = 128;

/// How many events are turned into deliveries, and how many deliveries are read, at a time.
const BATCH: i64 = 100;

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

/// The maximum number of attempts of a delivery.
pub const MAX_ATTEMPTS: usize = RETRY_DELAYS.len() + 1;

/// The maximum backoff of an endpoint.
const MAX_BACKOFF: Duration = Duration::from_secs(5 * 60);

/// Delivers events to webhooks. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    state: State,
    outgoing: HttpClient,
    permits: Arc<Semaphore>,
    /// The endpoints that this process serves, so that a clock jump does not start a second task for one.
    serving: Arc<Mutex<HashSet<WebhookId>>>,
}

impl Dispatcher {
    /// A dispatcher for this service.
    pub fn new(state: State) -> Result<Self> {
        let limits = HttpClientLimits {
            bytes: 64 * 1024,
            time: ATTEMPT_TIMEOUT,
            redirects: 0,
            keep_connections: true,
        };
        let outgoing =
            HttpClient::new(state.settings.allow_private_targets, limits).map_err(Error::internal)?;
        Ok(Self { state, outgoing, permits: Arc::new(Semaphore::new(CONCURRENCY)), serving: Arc::default() })
    }

    /// Starts a task for every endpoint that has due work and is not being served. Does not wait for the tasks.
    pub async fn dispatch_due(&self) -> Result<()> {
        let now = self.state.now();
        let busy = {
            let mut conn = self.state.db.read().await?;
            store::webhooks::list_due(&mut conn, now, i64::try_from(CONCURRENCY).unwrap_or(i64::MAX)).await?
        };
        for webhook in busy {
            let Ok(turn) = Arc::clone(&self.permits).try_acquire_owned() else { break };
            if !self.serving.lock().await.insert(webhook.id) {
                continue;
            }
            if self.claim(webhook.id, now).await? {
                tokio::spawn(self.clone().run(webhook, turn));
            } else {
                self.serving.lock().await.remove(&webhook.id);
            }
        }
        Ok(())
    }

    async fn claim(&self, id: WebhookId, now: Timestamp) -> Result<bool> {
        let claim = async {
            let mut tx = self.state.db.write().await?;
            let claimed = store::webhooks::claim(&mut tx, id, now, now + LEASE).await?;
            tx.commit().await?;
            Ok(claimed)
        };
        let claimed = claim.await;
        if claimed.is_err() {
            self.serving.lock().await.remove(&id);
        }
        claimed
    }

    async fn run(self, webhook: Webhook, _turn: OwnedSemaphorePermit) {
        let id = webhook.id;
        if let Err(error) = self.deliver(webhook).await {
            tracing::warn!(webhook = %id, %error, "webhook deliveries failed internally; they are retried");
        }
        self.serving.lock().await.remove(&id);
    }

    /// Creates deliveries of new events and sends those that are due, until there are none, the time is up or one
    /// fails.
    async fn deliver(&self, mut webhook: Webhook) -> Result<()> {
        let state = &self.state;
        let until = Instant::now() + MAX_SERVING_TIME;
        let mut failures = webhook.failures;
        'deliveries: loop {
            let known = {
                let mut conn = state.db.read().await?;
                store::webhooks::find(&mut conn, webhook.environment_id, webhook.id).await?
            };
            // Pick up changes that the vendor made meanwhile.
            match known {
                Some(known) if known.disabled_at.is_none() => webhook = known,
                _ => break,
            }
            let more = self.fan_out(&mut webhook).await?;
            let due = {
                let mut conn = state.db.read().await?;
                webhook_deliveries::list_due(&mut conn, webhook.id, state.now(), BATCH).await?
            };
            if due.is_empty() && !more {
                break;
            }
            for delivery in due {
                let outcome = self.attempt(&webhook, delivery).await?;
                failures = if outcome == Outcome::Failed { failures.saturating_add(1) } else { 0 };
                if outcome == Outcome::Failed || Instant::now() >= until {
                    break 'deliveries;
                }
            }
        }
        let rest = if failures == 0 { Duration::ZERO } else { backoff(failures, &*state.random) };
        let mut tx = state.db.write().await?;
        store::webhooks::release(&mut tx, webhook.id, state.now() + rest, failures).await?;
        Ok(tx.commit().await?)
    }

    /// Creates deliveries of up to [`BATCH`] new events. Returns whether there may be more.
    async fn fan_out(&self, webhook: &mut Webhook) -> Result<bool> {
        let state = &self.state;
        let now = state.now();
        let mut tx = state.db.write().await?;
        let last = store::events::last_sequence(&mut tx, webhook.environment_id).await?;
        if webhook.next_sequence > last {
            return Ok(false);
        }
        let after = webhook.next_sequence.saturating_sub(1);
        let events = store::events::list(&mut tx, webhook.environment_id, after, last, &[], BATCH).await?;
        let full = i64::try_from(events.len()).is_ok_and(|count| count >= BATCH);
        // Events that retention removed before they were delivered are skipped.
        let next = events.last().filter(|_| full).map_or(last, |event| event.sequence) + 1;
        if !store::webhooks::advance(&mut tx, webhook, next).await? {
            return Ok(false); // a replay changed `next_sequence`; continue from there next time
        }
        for event in events.iter().filter(|event| webhook.subscribes_to(event.kind)) {
            let delivery = WebhookDelivery {
                id: Id::new(now, &*state.random),
                webhook_id: webhook.id,
                environment_id: webhook.environment_id,
                sequence: event.sequence,
                state: DeliveryState::Pending,
                attempts: 0,
                next_attempt_at: Some(now),
                last_status: None,
                last_error: None,
                created_at: now,
                updated_at: now,
            };
            webhook_deliveries::insert(&mut tx, &delivery).await?;
        }
        tx.commit().await?;
        webhook.next_sequence = next;
        Ok(full)
    }

    /// Makes one attempt at a delivery and stores the result.
    async fn attempt(&self, webhook: &Webhook, mut delivery: WebhookDelivery) -> Result<Outcome> {
        let state = &self.state;
        let event = {
            let mut conn = state.db.read().await?;
            store::events::find(&mut conn, delivery.environment_id, delivery.sequence).await?
        };
        let before = delivery.attempts;
        let answer = match &event {
            None => None,
            Some(event) => {
                let body = events::view(event).to_string().into_bytes();
                let (id, at) = (delivery.id.to_string(), state.now());
                let signature = signature::of(state, webhook, &id, at, &body)?;
                Some(self.post(webhook, &id, at, &signature, body).await)
            }
        };
        let now = state.now();
        let (outcome, gone) = apply_answer(&mut delivery, answer, now, &*state.random);
        let mut tx = state.db.write().await?;
        webhook_deliveries::update(&mut tx, &delivery, before).await?;
        if gone {
            store::webhooks::disable(&mut tx, webhook.id, now).await?;
        }
        tx.commit().await?;
        if outcome != Outcome::Dropped {
            telemetry::webhook_attempted(outcome == Outcome::Delivered);
        }
        Ok(outcome)
    }

    async fn post(
        &self,
        webhook: &Webhook,
        id: &str,
        at: Timestamp,
        signature: &str,
        body: Vec<u8>,
    ) -> Result<u16, HttpClientError> {
        let url = webhook.url.to_url().ok_or(HttpClientError::InvalidUrl)?;
        let headers = [
            ("content-type", "application/json"),
            ("webhook-id", id),
            ("webhook-timestamp", &at.seconds().to_string()),
            ("webhook-signature", signature),
        ];
        self.outgoing.post(&url, &headers, body).await
    }
}

/// The result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The endpoint answered 2xx.
    Delivered,
    /// It did not, or could not be reached.
    Failed,
    /// The event is no longer kept.
    Dropped,
}

/// Applies the answer to an attempt to the delivery (`None`: its event is no longer kept). Also returns whether the
/// endpoint is gone: it answered 410 (Standard Webhooks).
fn apply_answer(
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
fn backoff(failures: u32, random: &dyn Random) -> Duration {
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
    use crate::model::random::SeededRandom;

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
