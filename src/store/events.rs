//! Events: one sequence per environment.

use base::{
    id::{EnvironmentId, OrganizationId},
    time::Timestamp,
};
use model::event::{Event, EventKind, EventType};

use super::{
    Conn, Error, Result, Sql, Transaction,
    batch::{BATCH_SIZE, DELETE_BATCH_SIZE},
};

const TABLE: &str = "events";

#[derive(sqlx::FromRow)]
struct Row {
    environment_id: EnvironmentId,
    sequence: i64,
    at: Timestamp,
    #[sqlx(rename = "type")]
    kind: String,
    organization_id: OrganizationId,
    directory_id: String, // empty if the event belongs to no directory
    resource_id: String,
    data: String,
}

impl TryFrom<Row> for Event {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let unreadable =
            |column| Error::inconsistent(TABLE, column, format!("{}/{}", row.environment_id, row.sequence));
        Ok(Self {
            environment_id: row.environment_id,
            sequence: u64::try_from(row.sequence).map_err(|_| unreadable("sequence"))?,
            at: row.at,
            kind: EventType::new(&row.kind),
            organization_id: row.organization_id,
            directory_id: match row.directory_id.as_str() {
                "" => None,
                id => Some(id.parse().map_err(|_| unreadable("directory_id"))?),
            },
            data: serde_json::from_str(&row.data).map_err(|_| unreadable("data"))?,
            resource_id: row.resource_id,
        })
    }
}

/// `SELECT` of every column of [`Row`]. Columns are listed, never `*`: when the next release adds a column,
/// statements that a running replica has prepared must stay valid.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT environment_id, sequence, at, type, organization_id, directory_id, resource_id, data \
             FROM events ",
            $rest
        )
    };
}

/// A sequence number in the form that both databases store.
pub(super) fn number(sequence: u64) -> i64 {
    i64::try_from(sequence).unwrap_or(i64::MAX)
}

/// Allocates the next sequence number of an environment. The counter's row is locked until the transaction
/// ends: concurrent writers wait, and a number that is rolled back is allocated again. So a reader who sees an
/// event has seen every earlier one, on both databases.
pub async fn next_sequence(tx: &mut Transaction, environment_id: EnvironmentId) -> Result<u64> {
    let (sequence,): (i64,) = tx
        .sql(
            "INSERT INTO event_counters (environment_id, last) VALUES ($1, 1) \
             ON CONFLICT (environment_id) DO UPDATE SET last = event_counters.last + 1 RETURNING last",
        )
        .bind(environment_id)
        .one()
        .await?;
    u64::try_from(sequence).map_err(|_| Error::inconsistent("event_counters", "last", environment_id))
}

/// Allocates the next `count` sequence numbers of an environment, as [`next_sequence`] does, and returns the
/// first.
pub async fn next_sequences(
    tx: &mut Transaction,
    environment_id: EnvironmentId,
    count: usize,
) -> Result<u64> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let (last,): (i64,) = tx
        .sql(
            "INSERT INTO event_counters (environment_id, last) VALUES ($1, $2) \
             ON CONFLICT (environment_id) DO UPDATE SET last = event_counters.last + excluded.last \
             RETURNING last",
        )
        .bind(environment_id)
        .bind(count)
        .one()
        .await?;
    u64::try_from(last - count + 1).map_err(|_| Error::inconsistent("event_counters", "last", environment_id))
}

/// The sequence number of the environment's last event; 0 before the first.
pub async fn last_sequence(conn: &mut Conn, environment_id: EnvironmentId) -> Result<u64> {
    let row: Option<(i64,)> = conn
        .sql("SELECT last FROM event_counters WHERE environment_id = $1")
        .bind(environment_id)
        .optional()
        .await?;
    Ok(row.map_or(0, |(last,)| u64::try_from(last).unwrap_or(0)))
}

/// The sequence number of the oldest event that is still stored.
pub async fn first_sequence(conn: &mut Conn, environment_id: EnvironmentId) -> Result<Option<u64>> {
    let (first,): (Option<i64>,) = conn
        .sql("SELECT MIN(sequence) FROM events WHERE environment_id = $1")
        .bind(environment_id)
        .one()
        .await?;
    Ok(first.and_then(|first| u64::try_from(first).ok()))
}

/// Adds an event.
pub async fn insert(tx: &mut Transaction, event: &Event) -> Result<()> {
    tx.sql(
        "INSERT INTO events (environment_id, sequence, at, type, organization_id, directory_id, \
         resource_id, data) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(event.environment_id)
    .bind(number(event.sequence))
    .bind(event.at)
    .bind(event.kind.as_str())
    .bind(event.organization_id)
    .bind(event.directory_id.map(|id| id.to_string()).unwrap_or_default())
    .bind(event.resource_id.as_str())
    .bind(event.data.to_string())
    .execute()
    .await?;
    Ok(())
}

/// Adds events, several per statement.
pub async fn insert_all(tx: &mut Transaction, events: &[Event]) -> Result<()> {
    for some in events.chunks(BATCH_SIZE) {
        let mut sql = Sql::from(
            "INSERT INTO events (environment_id, sequence, at, type, organization_id, directory_id, \
             resource_id, data) VALUES ",
        );
        for (at, event) in some.iter().enumerate() {
            sql = sql.push(if at == 0 { "(" } else { ", (" });
            sql = sql.value(event.environment_id.to_string()).push(", ").value(number(event.sequence));
            sql = sql.push(", ").value(event.at.millis()).push(", ").value(event.kind.as_str()).push(", ");
            sql = sql.value(event.organization_id.to_string()).push(", ");
            sql = sql.value(event.directory_id.map(|id| id.to_string()).unwrap_or_default()).push(", ");
            sql = sql.value(event.resource_id.as_str()).push(", ").value(event.data.to_string()).push(")");
        }
        tx.dynamic(sql).execute().await?;
    }
    Ok(())
}

/// Up to `limit` events of these kinds (empty: all) after one sequence number and up to another, in order.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    after: u64,
    up_to: u64,
    kinds: &[EventKind],
    limit: i64,
) -> Result<Vec<Event>> {
    let rows = if kinds.is_empty() {
        conn.sql(select!(
            "WHERE environment_id = $1 AND sequence > $2 AND sequence <= $3 ORDER BY sequence LIMIT $4"
        ))
        .bind(environment_id)
        .bind(number(after))
        .bind(number(up_to))
        .bind(limit)
        .all::<Row>()
        .await?
    } else {
        let sql = Sql::from(select!("WHERE environment_id = "))
            .value(environment_id.to_string())
            .push(" AND sequence > ")
            .value(number(after))
            .push(" AND sequence <= ")
            .value(number(up_to))
            .push(" AND type IN (")
            .values(kinds.iter().map(<&str>::from))
            .push(") ORDER BY sequence LIMIT ")
            .value(limit);
        conn.dynamic(sql).all::<Row>().await?
    };
    rows.into_iter().map(Event::try_from).collect()
}

/// Up to `limit` events with sequence numbers below `before`, of one kind and about one resource (`None`: all),
/// newest first.
pub async fn list_latest(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    before: u64,
    kind: Option<EventKind>,
    resource: Option<&str>,
    limit: i64,
) -> Result<Vec<Event>> {
    let mut sql = Sql::from(select!("WHERE environment_id = "))
        .value(environment_id.to_string())
        .push(" AND sequence < ")
        .value(number(before));
    if let Some(kind) = kind {
        sql = sql.push(" AND type = ").value(kind.as_str());
    }
    if let Some(resource) = resource {
        sql = sql.push(" AND resource_id = ").value(resource);
    }
    let sql = sql.push(" ORDER BY sequence DESC LIMIT ").value(limit);
    conn.dynamic(sql).all::<Row>().await?.into_iter().map(Event::try_from).collect()
}

/// The event with this sequence number.
pub async fn find(conn: &mut Conn, environment_id: EnvironmentId, sequence: u64) -> Result<Option<Event>> {
    conn.sql(select!("WHERE environment_id = $1 AND sequence = $2"))
        .bind(environment_id)
        .bind(number(sequence))
        .optional::<Row>()
        .await?
        .map(Event::try_from)
        .transpose()
}

/// Deletes a batch of events from before `before`, oldest first. Returns how many. The environment's counter
/// stays, so a number is never allocated again.
pub async fn remove_old(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql(
        "DELETE FROM events WHERE (environment_id, sequence) IN \
         (SELECT environment_id, sequence FROM events WHERE at < $1 ORDER BY at, sequence LIMIT $2)",
    )
    .bind(before)
    .bind(DELETE_BATCH_SIZE)
    .execute()
    .await
}
