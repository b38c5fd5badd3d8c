//! Facts about this installation: `settings`.

use super::{db::Conn, error::Result};

/// The value called `name`.
pub async fn find(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    let row: Option<(String,)> =
        conn.sql("SELECT value FROM settings WHERE name = $1").bind(name).optional().await?;
    Ok(row.map(|(value,)| value))
}

/// Writes the value called `name` unless there is one, and tells whether it did.
pub async fn insert(conn: &mut Conn, name: &str, value: &str) -> Result<bool> {
    let written = conn
        .sql("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(name)
        .bind(value)
        .execute()
        .await?;
    Ok(written == 1)
}
