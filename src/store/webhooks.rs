//! Webhook endpoints, how far each has been given deliveries, and which replica serves it.

use base::{
    id::{EnvironmentId, WebhookId},
    time::Timestamp,
};
use model::{event::EventKind, http_url::HttpUrl, webhook::Webhook};

use super::{
    Conn, Error, Result, Transaction,
    columns::{self, column_list},
    events::{self, number},
};

const TABLE: &str = "webhooks";

// Columns are listed, never `*`: when the next release adds a column, statements that a running replica has
// prepared must stay valid.
macro_rules! columns {
    ($table:literal) => {
        column_list!(
            $table,
            id,
            environment_id,
            url,
            secret,
            previous_secret,
            previous_secret_until,
            event_types,
            disabled_at,
            next_sequence,
            failures,
            created_at,
            updated_at
        )
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: WebhookId,
    environment_id: EnvironmentId,
    url: String,
    secret: String,
    previous_secret: Option<String>,
    previous_secret_until: Option<Timestamp>,
    event_types: String,
    disabled_at: Option<Timestamp>,
    next_sequence: i64,
    failures: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for Webhook {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = row.id;
        let unreadable = |column| move || Error::inconsistent(TABLE, column, id);
        Ok(Self {
            id,
            environment_id: row.environment_id,
            url: HttpUrl::parse(&row.url).ok_or_else(unreadable("url"))?,
            sealed_secret: row.secret,
            previous_secret: row.previous_secret.zip(row.previous_secret_until),
            event_types: columns::list_from_json(&row.event_types)
                .and_then(|names| names.iter().map(|name| EventKind::parse(name)).collect())
                .ok_or_else(unreadable("event_types"))?,
            disabled_at: row.disabled_at,
            next_sequence: u64::try_from(row.next_sequence).map_err(|_| unreadable("next_sequence")())?,
            failures: u32::try_from(row.failures).map_err(|_| unreadable("failures")())?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

fn names(kinds: &[EventKind]) -> String {
    columns::list_to_json(&kinds.iter().map(|kind| kind.as_str().to_owned()).collect::<Vec<_>>())
}

/// The webhook with this id in the environment.
pub async fn find(conn: &mut Conn, environment_id: EnvironmentId, id: WebhookId) -> Result<Option<Webhook>> {
    conn.sql(concat!("SELECT ", columns!(""), " FROM webhooks WHERE environment_id = $1 AND id = $2"))
        .bind(environment_id)
        .bind(id)
        .optional::<Row>()
        .await?
        .map(Webhook::try_from)
        .transpose()
}

/// Up to `limit` webhooks of an environment from `from` on, in creation order.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    from: Option<WebhookId>,
    limit: i64,
) -> Result<Vec<Webhook>> {
    conn.sql(concat!(
        "SELECT ",
        columns!(""),
        " FROM webhooks WHERE environment_id = $1 AND id >= $2 ORDER BY id LIMIT $3"
    ))
    .bind(environment_id)
    .bind(columns::page_start(from))
    .bind(limit)
    .all::<Row>()
    .await?
    .into_iter()
    .map(Webhook::try_from)
    .collect()
}

/// Adds a webhook.
pub async fn insert(conn: &mut Conn, webhook: &Webhook) -> Result<()> {
    conn.sql(
        "INSERT INTO webhooks (id, environment_id, url, secret, event_types, disabled_at, next_sequence, \
         resting_until, failures, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9)",
    )
    .bind(webhook.id)
    .bind(webhook.environment_id)
    .bind(webhook.url.as_str())
    .bind(webhook.sealed_secret.as_str())
    .bind(names(&webhook.event_types))
    .bind(webhook.disabled_at)
    .bind(number(webhook.next_sequence))
    .bind(webhook.created_at)
    .bind(webhook.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// Updates a webhook and ends its backoff. Returns whether it exists.
pub async fn update(conn: &mut Conn, webhook: &Webhook) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE webhooks SET url = $3, event_types = $4, disabled_at = $5, next_sequence = $6, \
             resting_until = CASE WHEN failures > 0 THEN 0 ELSE resting_until END, failures = 0, \
             updated_at = $7 WHERE environment_id = $1 AND id = $2",
        )
        .bind(webhook.environment_id)
        .bind(webhook.id)
        .bind(webhook.url.as_str())
        .bind(names(&webhook.event_types))
        .bind(webhook.disabled_at)
        .bind(number(webhook.next_sequence))
        .bind(webhook.updated_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Updates a webhook's secrets. Returns whether it exists.
pub async fn update_secrets(conn: &mut Conn, webhook: &Webhook) -> Result<bool> {
    let (previous, until) = webhook.previous_secret.as_ref().map(|(s, at)| (s.as_str(), *at)).unzip();
    let touched = conn
        .sql(
            "UPDATE webhooks SET secret = $3, previous_secret = $4, previous_secret_until = $5, \
             updated_at = $6 WHERE environment_id = $1 AND id = $2",
        )
        .bind(webhook.environment_id)
        .bind(webhook.id)
        .bind(webhook.sealed_secret.as_str())
        .bind(previous)
        .bind(until)
        .bind(webhook.updated_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Deletes a webhook with its deliveries. Returns whether it existed.
pub async fn remove(conn: &mut Conn, environment_id: EnvironmentId, id: WebhookId) -> Result<bool> {
    let touched = conn
        .sql("DELETE FROM webhooks WHERE environment_id = $1 AND id = $2")
        .bind(environment_id)
        .bind(id)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Locks the webhook until the transaction ends. Returns whether it exists.
pub async fn lock(tx: &mut Transaction, environment_id: EnvironmentId, id: WebhookId) -> Result<bool> {
    let touched = tx
        .sql("UPDATE webhooks SET updated_at = updated_at WHERE environment_id = $1 AND id = $2")
        .bind(environment_id)
        .bind(id)
        .execute()
        .await?;
    Ok(touched == 1)
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
    conn.sql(concat!(
        "SELECT ",
        columns!("w."),
        " FROM webhooks w WHERE w.disabled_at IS NULL AND w.resting_until <= $1 AND (EXISTS \
         (SELECT 1 FROM event_counters c WHERE c.environment_id = w.environment_id \
         AND c.last >= w.next_sequence) OR EXISTS (SELECT 1 FROM webhook_deliveries d \
         WHERE d.webhook_id = w.id AND d.state = 'pending' AND d.next_attempt_at <= $1)) \
         ORDER BY w.resting_until, w.id LIMIT $2"
    ))
    .bind(now)
    .bind(limit)
    .all::<Row>()
    .await?
    .into_iter()
    .map(Webhook::try_from)
    .collect()
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

/// Releases an endpoint, which is not served again before `until`, and stores its number of consecutive
/// failures.
pub async fn release(tx: &mut Transaction, id: WebhookId, until: Timestamp, failures: u32) -> Result<()> {
    tx.sql("UPDATE webhooks SET resting_until = $2, failures = $3 WHERE id = $1")
        .bind(id)
        .bind(until)
        .bind(i64::from(failures))
        .execute()
        .await?;
    Ok(())
}

/// Disables an endpoint.
pub async fn disable(tx: &mut Transaction, id: WebhookId, now: Timestamp) -> Result<()> {
    tx.sql("UPDATE webhooks SET disabled_at = $2, updated_at = $2 WHERE id = $1 AND disabled_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
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
