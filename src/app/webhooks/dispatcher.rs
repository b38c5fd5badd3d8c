//! Delivery of events to webhooks.
//!
//! The queue is in the database: an event becomes one pending delivery for each subscribed endpoint, and a delivery
//! is attempted until the endpoint answers 2xx or the attempts are used up. An endpoint is served by one replica at a
//! time, in a task of its own, so a slow endpoint does not delay others. A failing endpoint is backed off
//! exponentially, so that its backlog does not cause a flood of attempts.

use std::{collections::HashSet, sync::Arc, time::Duration};

use base::{
    id::{Id, WebhookId},
    time::Timestamp,
};
use model::webhook::{DeliveryState, Webhook, WebhookDelivery};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::Instant,
};

use super::{
    retries::{Outcome, apply_answer, backoff},
    signature,
};
use crate::{
    app::{
        Error, Result, State, events,
        outgoing::{HttpClient, HttpClientError, HttpClientLimits},
    },
    store::{self, table, webhook_deliveries},
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

    /// Starts a task for every endpoint that has due work and is not being served. Returns the tasks; they run on
    /// when their handles are dropped.
    pub async fn dispatch_due(&self) -> Result<Vec<JoinHandle<()>>> {
        let mut tasks = Vec::new();
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
                tasks.push(tokio::spawn(self.clone().run(webhook, turn)));
            } else {
                self.serving.lock().await.remove(&webhook.id);
            }
        }
        Ok(tasks)
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
                table::find::<Webhook>(&mut conn, webhook.environment_id, webhook.id).await?
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
        for event in events.iter().filter(|event| webhook.subscribes_to(&event.kind)) {
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
                let signature = signature::sign_message(state, webhook, &id, at, &body)?;
                Some(self.post(webhook, &id, at, &signature, body).await)
            }
        };
        let now = state.now();
        let (outcome, gone) = apply_answer(&mut delivery, answer, now, &*state.random);
        let mut tx = state.db.write().await?;
        webhook_deliveries::update(&mut tx, &delivery, before).await?;
        if gone {
            store::webhooks::disable(&mut tx, webhook.environment_id, webhook.id, now).await?;
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
