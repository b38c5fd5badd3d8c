//! Webhook deliveries: the durable queue, which is also the log.

use base::{
    id::{EnvironmentId, WebhookDeliveryId, WebhookId},
    time::Timestamp,
};
use model::webhook::{DeliveryState, WebhookDelivery};

use super::{Conn, Error, Result, Transaction, columns::column_list, events::number};

/// How many deliveries one statement deletes.
const DELETE_BATCH_SIZE: i64 = 1000;

// Columns are listed, never `*`: when the next release adds a column, statements that a running replica has
// prepared must stay valid.
macro_rules! columns {
    ($table:literal) => {
        column_list!(
            $table,
            id,
            webhook_id,
            environment_id,
            sequence,
            state,
            attempts,
            next_attempt_at,
            last_status,
            last_error,
            created_at,
            updated_at
        )
    };
}

/// Deliveries of a removed webhook are not shown any more; they are deleted by their age.
macro_rules! has_webhook {
    () => {
        "EXISTS (SELECT 1 FROM webhooks w WHERE w.id = webhook_deliveries.webhook_id)"
    };
}

#[derive(sqlx::FromRow)]
struct Row {
    id: WebhookDeliveryId,
    webhook_id: WebhookId,
    environment_id: EnvironmentId,
    sequence: i64,
    state: String,
    attempts: i64,
    next_attempt_at: Option<Timestamp>,
    last_status: Option<i64>,
    last_error: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for WebhookDelivery {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = row.id;
        let unreadable = |column| Error::inconsistent("webhook_deliveries", column, id);
        Ok(Self {
            id,
            webhook_id: row.webhook_id,
            environment_id: row.environment_id,
            sequence: u64::try_from(row.sequence).map_err(|_| unreadable("sequence"))?,
            state: row.state.parse().map_err(|_| unreadable("state"))?,
            attempts: u32::try_from(row.attempts).map_err(|_| unreadable("attempts"))?,
            next_attempt_at: row.next_attempt_at,
            last_status: row
                .last_status
                .map(u16::try_from)
                .transpose()
                .map_err(|_| unreadable("last_status"))?,
            last_error: row.last_error,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Adds a delivery.
pub async fn insert(tx: &mut Transaction, delivery: &WebhookDelivery) -> Result<()> {
    tx.sql(
        "INSERT INTO webhook_deliveries (id, webhook_id, environment_id, sequence, state, attempts, \
         next_attempt_at, last_status, last_error, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(delivery.id)
    .bind(delivery.webhook_id)
    .bind(delivery.environment_id)
    .bind(number(delivery.sequence))
    .bind(delivery.state.as_str())
    .bind(i64::from(delivery.attempts))
    .bind(delivery.next_attempt_at)
    .bind(delivery.last_status.map(i64::from))
    .bind(delivery.last_error.as_deref())
    .bind(delivery.created_at)
    .bind(delivery.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// Up to `limit` deliveries to an endpoint that are due, in event order.
pub async fn list_due(
    conn: &mut Conn,
    webhook_id: WebhookId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<WebhookDelivery>> {
    conn.sql(concat!(
        "SELECT ",
        columns!(""),
        " FROM webhook_deliveries WHERE webhook_id = $1 AND state = 'pending' \
         AND next_attempt_at <= $2 ORDER BY sequence, id LIMIT $3"
    ))
    .bind(webhook_id)
    .bind(now)
    .bind(limit)
    .all::<Row>()
    .await?
    .into_iter()
    .map(WebhookDelivery::try_from)
    .collect()
}

/// Stores the outcome of an attempt. Returns `false` if the delivery was changed since it was read with
/// `attempts_before`.
pub async fn update(tx: &mut Transaction, delivery: &WebhookDelivery, attempts_before: u32) -> Result<bool> {
    let touched = tx
        .sql(
            "UPDATE webhook_deliveries SET state = $3, attempts = $4, next_attempt_at = $5, \
             last_status = $6, last_error = $7, updated_at = $8 \
             WHERE id = $1 AND attempts = $2 AND state = 'pending'",
        )
        .bind(delivery.id)
        .bind(i64::from(attempts_before))
        .bind(delivery.state.as_str())
        .bind(i64::from(delivery.attempts))
        .bind(delivery.next_attempt_at)
        .bind(delivery.last_status.map(i64::from))
        .bind(delivery.last_error.as_deref())
        .bind(delivery.updated_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Queues a delivery again, with no attempts made. Returns whether it exists.
pub async fn requeue(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    id: WebhookDeliveryId,
    now: Timestamp,
) -> Result<bool> {
    let touched = tx
        .sql(concat!(
            "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, next_attempt_at = $3, \
             updated_at = $3 WHERE environment_id = $1 AND id = $2 AND ",
            has_webhook!()
        ))
        .bind(environment_id)
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// The delivery with this id in the environment.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: WebhookDeliveryId,
) -> Result<Option<WebhookDelivery>> {
    conn.sql(concat!(
        "SELECT ",
        columns!(""),
        " FROM webhook_deliveries WHERE environment_id = $1 AND id = $2 AND ",
        has_webhook!()
    ))
    .bind(environment_id)
    .bind(id)
    .optional::<Row>()
    .await?
    .map(WebhookDelivery::try_from)
    .transpose()
}

/// Up to `limit` deliveries to an endpoint from `from` on, newest first; only those in `state`, if given.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    webhook_id: WebhookId,
    state: Option<DeliveryState>,
    from: Option<WebhookDeliveryId>,
    limit: i64,
) -> Result<Vec<WebhookDelivery>> {
    conn.sql(concat!(
        "SELECT ",
        columns!(""),
        " FROM webhook_deliveries WHERE environment_id = $1 AND webhook_id = $2 AND id <= $3 \
         AND ($4 = '' OR state = $4) AND ",
        has_webhook!(),
        " ORDER BY id DESC LIMIT $5"
    ))
    .bind(environment_id)
    .bind(webhook_id)
    .bind(from.unwrap_or(WebhookDeliveryId::from_bits(u128::MAX)))
    .bind(state.map_or("", <&str>::from))
    .bind(limit)
    .all::<Row>()
    .await?
    .into_iter()
    .map(WebhookDelivery::try_from)
    .collect()
}

/// Deletes a batch of deliveries from before `before`. Returns how many.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM webhook_deliveries WHERE id IN \
         (SELECT id FROM webhook_deliveries WHERE created_at < $1 LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
