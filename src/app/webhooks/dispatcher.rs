//! Delivery of events to webhooks.
//!
//! The queue is in the database: an event becomes one pending delivery for each subscribed endpoint, and a delivery
//! is attempted until the endpoint answers 2xx or the attempts are used up. An endpoint is served by one replica at a
//! time, in a task of its own, so a slow endpoint does not delay others. A failing endpoint is backed off
//! exponentially, so that its backlog does not cause a flood of attempts.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base::{
    id::{Id, WebhookId},
    time::Timestamp,
};
use model::webhook::{DeliveryState, Webhook, WebhookDelivery};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
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
        lease::{self, Interruption},
        outgoing::{HttpClient, HttpClientError, HttpClientLimits},
        panics::{Panicked, catch_panic},
    },
    store::{self, PoolShare, table, webhook_deliveries},
    telemetry,
};

/// The timeout of one attempt.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a replica serves one endpoint at a time.
const MAX_SERVING_TIME: Duration = Duration::from_secs(30);

/// How many endpoints a replica serves at a time.
const CONCURRENCY: usize = 128;

/// After how many endpoints that could not be claimed a round ends.
const MAX_CLAIM_FAILURES: usize = 4;

/// How many events are turned into deliveries, and how many deliveries are read, at a time.
const BATCH: i64 = 100;

/// Delivers events to webhooks. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    state: State,
    outgoing: HttpClient,
    permits: Arc<Semaphore>,
    serving: Serving,
}

/// The endpoints that this process serves, so that a clock jump does not start a second task for one.
#[derive(Debug, Clone, Default)]
struct Serving(Arc<Mutex<HashSet<WebhookId>>>);

/// An endpoint that is served until this is dropped.
struct Served {
    id: WebhookId,
    all: Serving,
}

impl Serving {
    /// `None`: it is served already.
    fn begin(&self, id: WebhookId) -> Option<Served> {
        let begins = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        begins.then(|| Served { id, all: self.clone() })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.all.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
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
        let permits = Arc::new(Semaphore::new(CONCURRENCY));
        Ok(Self { state, outgoing, permits, serving: Serving::default() })
    }

    /// Starts a task for every endpoint that has due work and is not being served. Returns the tasks; they run on
    /// when their handles are dropped.
    pub async fn dispatch_due(&self) -> Result<Vec<JoinHandle<()>>> {
        let mut tasks = Vec::new();
        let busy = {
            let (mut conn, now) = (self.state.db.read().await?, self.state.now());
            store::webhooks::list_due(&mut conn, now, i64::try_from(CONCURRENCY).unwrap_or(i64::MAX)).await?
        };
        let mut failures = Vec::new();
        for webhook in busy {
            let Ok(turn) = Arc::clone(&self.permits).try_acquire_owned() else { break };
            let Some(served) = self.serving.begin(webhook.id) else { continue };
            match self.claim(webhook.id).await {
                Ok(None) => {}
                Ok(Some(until)) => {
                    let work = self.clone().run(webhook, until, turn, served);
                    tasks.push(self.state.background_tasks.spawn(work));
                }
                // One endpoint whose row is locked does not keep the others waiting.
                Err(error) => failures.push(error),
            }
            if failures.len() >= MAX_CLAIM_FAILURES {
                break;
            }
        }
        failures.into_iter().next().map_or(Ok(tasks), Err)
    }

    /// Claims an endpoint. Returns until when; `None`: another replica serves it.
    async fn claim(&self, id: WebhookId) -> Result<Option<Timestamp>> {
        let mut tx = self.state.db.write().await?;
        let now = self.state.now();
        let until = now + lease::DURATION;
        let claimed = store::webhooks::claim(&mut tx, id, now, until).await?;
        tx.commit().await?;
        Ok(claimed.then_some(until))
    }

    async fn run(self, webhook: Webhook, until: Timestamp, _turn: OwnedSemaphorePermit, _served: Served) {
        let (id, failures) = (webhook.id, webhook.failures);
        // What keeps the claim does not wait for other jobs.
        let keeper = self.state.with_share(PoolShare::General);
        let keeper = &keeper;
        let extend = |held, until| async move {
            let mut tx = keeper.db.write().await?;
            let extended = store::webhooks::extend_claim(&mut tx, id, held, until).await?;
            tx.commit().await?;
            Ok(extended)
        };
        let work = catch_panic(self.deliver(webhook));
        let (outcome, held) = lease::work_under_claim(&self.state, until, work, extend).await;
        let (rest, failures) = match outcome {
            Ok(Ok(Ok(served))) => served,
            Ok(Ok(Err(error))) => {
                tracing::warn!(webhook = %id, %error, "webhook deliveries failed internally; they are retried");
                return;
            }
            Ok(Err(Panicked)) | Err(Interruption::LeaseLost) => return,
            // Another replica goes on with it.
            Err(Interruption::Stopping) => (Duration::ZERO, failures),
        };
        if let Err(error) = self.release(id, held, rest, failures).await {
            tracing::warn!(webhook = %id, %error, "a webhook could not be released; its lease ends by itself");
        }
    }

    async fn release(&self, id: WebhookId, held: Timestamp, rest: Duration, failures: u32) -> Result<()> {
        let mut tx = self.state.with_share(PoolShare::General).db.write().await?;
        store::webhooks::release(&mut tx, id, held, self.state.now() + rest, failures).await?;
        Ok(tx.commit().await?)
    }

    /// Creates deliveries of new events and sends those that are due, until there are none, the time is up, one fails or the
    /// server stops. Returns how long the endpoint rests, and its number of consecutive failures.
    async fn deliver(&self, mut webhook: Webhook) -> Result<(Duration, u32)> {
        let state = &self.state;
        let stop = state.background_tasks.signal();
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
                if outcome == Outcome::Failed || Instant::now() >= until || stop.is_given() {
                    break 'deliveries;
                }
            }
        }
        let rest = if failures == 0 { Duration::ZERO } else { backoff(failures, &*state.random) };
        Ok((rest, failures))
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
