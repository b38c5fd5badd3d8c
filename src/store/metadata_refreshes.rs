//! When the metadata of SAML connections is refreshed: columns of `saml_connections`.

use base::{id::SamlConnectionId, time::Timestamp};
use model::saml_connection::SamlConnection;

use super::{
    Conn, Result,
    saml_connections::{Row, connection_columns, select},
};

/// Up to `limit` connections whose metadata refresh is due, the longest overdue first.
pub async fn list_due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<SamlConnection>> {
    conn.sql(select!(
        "WHERE c.metadata_next_refresh_at IS NOT NULL AND c.metadata_next_refresh_at <= $1 \
         ORDER BY c.metadata_next_refresh_at LIMIT $2"
    ))
    .bind(now)
    .bind(limit)
    .all::<Row>()
    .await?
    .into_iter()
    .map(SamlConnection::try_from)
    .collect()
}

/// Claims the metadata refresh of a connection until `until`, unless another replica has claimed it since
/// `seen` was read. Returns whether it did.
pub async fn claim(
    conn: &mut Conn,
    id: SamlConnectionId,
    seen: Option<Timestamp>,
    until: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE saml_connections SET metadata_next_refresh_at = $3 \
             WHERE id = $1 AND metadata_next_refresh_at = $2",
        )
        .bind(id)
        .bind(seen)
        .bind(until)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Makes the metadata refresh of a connection due now, unless that was requested after `before`. Returns
/// whether it did.
pub async fn request(
    conn: &mut Conn,
    id: SamlConnectionId,
    now: Timestamp,
    before: Timestamp,
) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE saml_connections SET metadata_next_refresh_at = $2, metadata_hurried_at = $2 \
             WHERE id = $1 AND idp_metadata_url IS NOT NULL \
             AND (metadata_hurried_at IS NULL OR metadata_hurried_at <= $3)",
        )
        .bind(id)
        .bind(now)
        .bind(before)
        .execute()
        .await?;
    Ok(touched == 1)
}
