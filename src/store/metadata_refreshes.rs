//! When the metadata of SAML connections is refreshed: columns of `saml_connections`.

use base::{id::SamlConnectionId, time::Timestamp};
use model::saml_connection::{MetadataRefresh, SamlConnection};

use super::{Conn, Result, Transaction, columns, table::select_where};

/// Up to `limit` connections whose metadata refresh is due, the longest overdue first.
pub async fn list_due(conn: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<SamlConnection>> {
    let condition = "WHERE metadata_next_refresh_at IS NOT NULL AND metadata_next_refresh_at <= $1 \
                     ORDER BY metadata_next_refresh_at LIMIT $2";
    select_where::<SamlConnection>(conn, condition).bind(now).bind(limit).all_of().await
}

/// Stores the state of a connection's metadata refresh, which is no part of its version.
pub async fn update(tx: &mut Transaction, id: SamlConnectionId, refresh: &MetadataRefresh) -> Result<()> {
    tx.sql(
        "UPDATE saml_connections SET metadata_fetched_at = $2, metadata_etag = $3, metadata_last_modified = $4, \
         metadata_certificates = $5, metadata_next_refresh_at = $6, metadata_hurried_at = $7, \
         metadata_error = $8, metadata_failures = $9, metadata_left_out = $10 WHERE id = $1",
    )
    .bind(id)
    .bind(refresh.fetched_at)
    .bind(refresh.etag.as_deref())
    .bind(refresh.last_modified.as_deref())
    .bind(columns::list_to_json(&refresh.certificates))
    .bind(refresh.next_at)
    .bind(refresh.refresh_requested_at)
    .bind(refresh.error.as_deref())
    .bind(i64::from(refresh.failures))
    .bind((!refresh.left_out.is_empty()).then(|| columns::list_to_json(&refresh.left_out)))
    .execute()
    .await?;
    Ok(())
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
