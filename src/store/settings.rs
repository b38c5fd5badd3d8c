//! Values of this installation: the table `settings`.

use super::{Conn, Result};

/// The value called `name`.
pub async fn find(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    let row: Option<(String,)> =
        conn.sql("SELECT value FROM settings WHERE name = $1").bind(name).optional().await?;
    Ok(row.map(|(value,)| value))
}

/// [`find`], in a database that may lack the table: it was never migrated.
pub async fn find_if_migrated(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    match find(conn, name).await {
        Err(error) if error.is_missing_table() => Ok(None),
        found => found,
    }
}

/// Inserts the value called `name` unless it exists. Returns whether it did.
pub async fn insert(conn: &mut Conn, name: &str, value: &str) -> Result<bool> {
    let written = conn
        .sql("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(name)
        .bind(value)
        .execute()
        .await?;
    Ok(written == 1)
}

/// Inserts or replaces the value called `name`.
pub async fn upsert(conn: &mut Conn, name: &str, value: &str) -> Result<()> {
    conn.sql(
        "INSERT INTO settings (name, value) VALUES ($1, $2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute()
    .await?;
    Ok(())
}
