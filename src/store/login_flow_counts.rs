//! How many login flows there are of a kind, and whether there is any: what limits are decided by.

use base::{
    connection_id::ConnectionId,
    id::{EnvironmentId, LoginFlowId},
    secret::Digest,
    time::Timestamp,
};

use super::{Conn, Result};

/// Whether a login of this connection waits for its response in this browser.
pub async fn has_pending_request(
    conn: &mut Conn,
    connection: ConnectionId,
    browser: Digest,
    now: Timestamp,
) -> Result<bool> {
    let row: Option<(LoginFlowId,)> = conn
        .sql(
            "SELECT id FROM login_flows WHERE browser_sha256 = $1 AND connection_id = $2 \
             AND answered_at IS NULL AND request_expires_at > $3 LIMIT 1",
        )
        .bind(browser)
        .bind(connection)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Whether a login that replaced an unsolicited response was started in this browser after `since` and has
/// received no response yet.
pub async fn has_pending_restart(
    conn: &mut Conn,
    connection: ConnectionId,
    browser: Digest,
    since: Timestamp,
) -> Result<bool> {
    let row: Option<(LoginFlowId,)> = conn
        .sql(
            "SELECT id FROM login_flows WHERE browser_sha256 = $1 AND connection_id = $2 AND origin = 'restart' \
             AND answered_at IS NULL AND created_at > $3 LIMIT 1",
        )
        .bind(browser)
        .bind(connection)
        .bind(since)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// How many detached responses the connection received after `since`; counting stops at `max`.
pub async fn count_detached(
    conn: &mut Conn,
    connection: ConnectionId,
    since: Timestamp,
    max: i64,
) -> Result<i64> {
    let (count,): (i64,) = conn
        .sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM login_flows WHERE connection_id = $1 AND origin = 'detached' \
             AND created_at > $2 LIMIT $3) AS recent",
        )
        .bind(connection)
        .bind(since)
        .bind(max)
        .one()
        .await?;
    Ok(count)
}

/// How many refused logins of the connection that started after `since` are retained as history; counting stops
/// at `max`.
pub async fn count_refused(
    conn: &mut Conn,
    connection: ConnectionId,
    since: Timestamp,
    max: i64,
) -> Result<i64> {
    let (count,): (i64,) = conn
        .sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM login_flows WHERE connection_id = $1 AND status = 'failed' \
             AND NOT unfinished AND created_at > $2 LIMIT $3) AS recent",
        )
        .bind(connection)
        .bind(since)
        .bind(max)
        .one()
        .await?;
    Ok(count)
}

/// The number of unfinished logins per environment, among the latest `max` in total.
pub async fn count_unfinished(conn: &mut Conn, max: i64) -> Result<Vec<(EnvironmentId, i64)>> {
    conn.sql(
        "SELECT environment_id, COUNT(*) FROM (SELECT environment_id FROM login_flows WHERE unfinished \
         ORDER BY id DESC LIMIT $1) AS latest GROUP BY environment_id",
    )
    .bind(max)
    .all()
    .await
}

/// How many test logins of the connection started after `since`; counting stops at `max`.
pub async fn count_tests(
    conn: &mut Conn,
    connection: ConnectionId,
    since: Timestamp,
    max: i64,
) -> Result<i64> {
    let (count,): (i64,) = conn
        .sql(
            "SELECT COUNT(*) FROM (SELECT 1 FROM login_flows WHERE connection_id = $1 \
             AND origin IN ('setup', 'console') AND created_at > $2 LIMIT $3) AS recent",
        )
        .bind(connection)
        .bind(since)
        .bind(max)
        .one()
        .await?;
    Ok(count)
}
