//! The records of imported objects: the table `imported_objects`.

use std::collections::HashMap;

use base::{secret::Digest, time::Timestamp};

use super::{Conn, Result, Sql, batch::BATCH_SIZE};

/// The record of an imported object from its last import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportRecord {
    /// The digest of the source's row.
    pub source: Digest,
    /// The `updated_at` that the import gave it.
    pub written_at: Timestamp,
}

/// The records of these objects.
pub async fn list(conn: &mut Conn, ids: &[String]) -> Result<HashMap<String, ImportRecord>> {
    let mut found = HashMap::with_capacity(ids.len());
    for some in ids.chunks(BATCH_SIZE) {
        let sql = Sql::from("SELECT id, source_sha256, written_at FROM imported_objects WHERE id IN (")
            .values(some.iter().map(String::as_str))
            .push(")");
        let rows: Vec<(String, Digest, Timestamp)> = conn.dynamic(sql).all().await?;
        found.extend(
            rows.into_iter().map(|(id, source, written_at)| (id, ImportRecord { source, written_at })),
        );
    }
    Ok(found)
}

/// Stores records of imported objects.
pub async fn upsert(conn: &mut Conn, records: &[(String, ImportRecord)]) -> Result<()> {
    for some in records.chunks(BATCH_SIZE) {
        let mut sql = Sql::from("INSERT INTO imported_objects (id, source_sha256, written_at) VALUES ");
        for (at, (id, imported)) in some.iter().enumerate() {
            sql = sql.push(if at == 0 { "(" } else { ", (" }).value(id.as_str()).push(", ");
            sql = sql.value(imported.source.to_hex()).push(", ");
            sql = sql.value(imported.written_at.millis()).push(")");
        }
        let sql = sql.push(
            " ON CONFLICT (id) DO UPDATE SET source_sha256 = excluded.source_sha256, \
             written_at = excluded.written_at",
        );
        conn.dynamic(sql).execute().await?;
    }
    Ok(())
}

/// Updates `written_at` after the import has changed an object for another reason than its source row.
pub async fn update_written(conn: &mut Conn, id: &str, written_at: Timestamp) -> Result<()> {
    conn.sql("UPDATE imported_objects SET written_at = $2 WHERE id = $1")
        .bind(id)
        .bind(written_at)
        .execute()
        .await?;
    Ok(())
}
