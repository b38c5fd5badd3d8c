//! Webhook endpoints, how far each has been given deliveries, and which replica serves it.

use base::{
    id::{EnvironmentId, EnvironmentKind, WebhookId, WebhookKind},
    time::Timestamp,
};
use model::{event::EventType, http_url::HttpUrl, webhook::Webhook};

use super::{
    Conn, Result, Transaction, columns,
    connection::{Row, Statement},
    events::{self, number},
    table::{self, Key, Table, select_where},
};

impl Table for Webhook {
    type Kind = WebhookKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "webhooks";
    const COLUMNS: &'static [&'static str] = &[
        "url",
        "secret",
        "previous_secret",
        "previous_secret_until",
        "event_types",
        "disabled_at",
        "updated_at",
    ];
    // But for the first, these are states of the deliveries, which statements of their own write.
    const FIXED: &'static [&'static str] = &["created_at", "next_sequence", "failures", "resting_until"];

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, at: Timestamp) {
        self.version = version;
        self.updated_at = at;
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        let (previous, until) = self.previous_secret.as_ref().map(|(s, at)| (s.as_str(), *at)).unzip();
        statement
            .bind(self.url.as_str())
            .bind(self.sealed_secret.as_str())
            .bind(previous)
            .bind(until)
            .bind(names(&self.event_types))
            .bind(self.disabled_at)
            .bind(self.updated_at)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        let resting_until = 0_i64;
        statement
            .bind(self.created_at)
            .bind(number(self.next_sequence))
            .bind(i64::from(self.failures))
            .bind(resting_until)
    }

    fn read(row: &Row) -> Result<Self> {
        let next_sequence: i64 = row.get("next_sequence")?;
        let failures: i64 = row.get("failures")?;
        let previous: Option<String> = row.get("previous_secret")?;
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            version: row.get("version")?,
            url: row.parse("url", HttpUrl::parse)?,
            sealed_secret: row.get("secret")?,
            previous_secret: previous.zip(row.get("previous_secret_until")?),
            event_types: row.parse("event_types", kinds)?,
            disabled_at: row.get("disabled_at")?,
            next_sequence: u64::try_from(next_sequence).map_err(|_| row.inconsistent("next_sequence"))?,
            failures: u32::try_from(failures).map_err(|_| row.inconsistent("failures"))?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

fn names(kinds: &[EventType]) -> String {
    columns::list_to_json(&kinds.iter().map(|kind| kind.as_str().to_owned()).collect::<Vec<_>>())
}

fn kinds(json: &str) -> Option<Vec<EventType>> {
    Some(columns::list_from_json(json)?.iter().map(|name| EventType::new(name)).collect())
}

/// Stores the sequence number of the first event without a delivery.
pub async fn set_next_sequence(tx: &mut Transaction, webhook: &Webhook) -> Result<()> {
    tx.sql("UPDATE webhooks SET next_sequence = $2 WHERE id = $1")
        .bind(webhook.id)
        .bind(number(webhook.next_sequence))
        .execute()
        .await?;
    Ok(())
}

/// Ends the backoff of an endpoint that failed.
pub async fn reset_backoff(tx: &mut Transaction, id: WebhookId) -> Result<()> {
    tx.sql("UPDATE webhooks SET resting_until = 0, failures = 0 WHERE id = $1 AND failures > 0")
        .bind(id)
        .execute()
        .await?;
    Ok(())
}

/// Up to `limit` enabled webhooks of every environment that are not claimed and have work: events without a
/// delivery, or deliveries that are due. Those that have waited longest come first.
pub async fn list_due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Webhook>> {
    let condition = "WHERE webhooks.disabled_at IS NULL AND webhooks.resting_until <= $1 AND (EXISTS \
                     (SELECT 1 FROM event_counters c WHERE c.environment_id = webhooks.environment_id \
                     AND c.last >= webhooks.next_sequence) OR EXISTS (SELECT 1 FROM webhook_deliveries d \
                     WHERE d.webhook_id = webhooks.id AND d.state = 'pending' AND d.next_attempt_at <= $1)) \
                     ORDER BY webhooks.resting_until, webhooks.id LIMIT $2";
    select_where::<Webhook>(conn, condition).bind(now).bind(limit).all_of().await
}

/// How many events wait for enabled webhooks: those without a delivery yet, and deliveries that are to be attempted.
pub async fn count_waiting(conn: &mut Conn) -> Result<i64> {
    let (new, pending): (i64, i64) = conn
        .sql(
            "SELECT CAST(COALESCE((SELECT SUM(c.last - w.next_sequence + 1) FROM webhooks w \
             JOIN event_counters c ON c.environment_id = w.environment_id AND c.last >= w.next_sequence \
             WHERE w.disabled_at IS NULL), 0) AS BIGINT), \
             (SELECT COUNT(*) FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id \
             WHERE d.state = 'pending' AND w.disabled_at IS NULL)",
        )
        .one()
        .await?;
    Ok(new + pending)
}

/// Claims an endpoint until `until`. Of concurrent replicas one succeeds.
pub async fn claim(tx: &mut Transaction, id: WebhookId, now: Timestamp, until: Timestamp) -> Result<bool> {
    let touched = tx
        .sql("UPDATE webhooks SET resting_until = $3 WHERE id = $1 AND resting_until <= $2")
        .bind(id)
        .bind(now)
        .bind(until)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Extends a claim that ends at `held` to `until`. Returns `false` if it was lost: it ended and another replica claimed the
/// endpoint, or its backoff was reset.
pub async fn extend_claim(
    tx: &mut Transaction,
    id: WebhookId,
    held: Timestamp,
    until: Timestamp,
) -> Result<bool> {
    let touched = tx
        .sql("UPDATE webhooks SET resting_until = $3 WHERE id = $1 AND resting_until = $2")
        .bind(id)
        .bind(held)
        .bind(until)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Releases an endpoint that is claimed until `held`: it is not served again before `until`. Stores its number of consecutive
/// failures. Does nothing if the claim was lost.
pub async fn release(
    tx: &mut Transaction,
    id: WebhookId,
    held: Timestamp,
    until: Timestamp,
    failures: u32,
) -> Result<()> {
    tx.sql("UPDATE webhooks SET resting_until = $3, failures = $4 WHERE id = $1 AND resting_until = $2")
        .bind(id)
        .bind(held)
        .bind(until)
        .bind(i64::from(failures))
        .execute()
        .await?;
    Ok(())
}

/// Disables an endpoint, if it still exists.
pub async fn disable(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: WebhookId,
    now: Timestamp,
) -> Result<()> {
    let found = table::find_for_update::<Webhook>(tx, environment_id, id).await?;
    if let Some(mut webhook) = found.filter(|webhook| webhook.disabled_at.is_none()) {
        webhook.disabled_at = Some(now);
        table::update(tx, &mut webhook, now).await?;
    }
    Ok(())
}

/// Advances the sequence number up to which deliveries were created. Returns `false` if it was advanced
/// concurrently.
pub async fn advance(tx: &mut Transaction, webhook: &Webhook, next_sequence: u64) -> Result<bool> {
    let touched = tx
        .sql("UPDATE webhooks SET next_sequence = $3 WHERE id = $1 AND next_sequence = $2")
        .bind(webhook.id)
        .bind(number(webhook.next_sequence))
        .bind(number(next_sequence))
        .execute()
        .await?;
    Ok(touched == 1)
}

/// The sequence number after the environment's last event.
pub async fn next_sequence(conn: &mut Conn, environment_id: EnvironmentId) -> Result<u64> {
    Ok(events::last_sequence(conn, environment_id).await? + 1)
}
