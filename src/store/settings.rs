//! Values of this installation: the table `settings`.

use super::{Conn, Result};

/// The name of what is known of a copy into this database that has not ended.
pub const COPY_UNDER_WAY: &str = "copy_under_way";

/// The name of when this database was last backed up, in milliseconds since 1970.
pub const LAST_BACKUP: &str = "last_backup_at";

/// The names of values that are about the database and not about the installation: a copy into another database leaves
/// them out.
pub const OF_THE_DATABASE: &[&str] =
    &[COPY_UNDER_WAY, LAST_BACKUP, "last_probe", "migrated_by", "schema_floor"];

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

/// Deletes the value called `name`.
pub async fn remove(conn: &mut Conn, name: &str) -> Result<()> {
    conn.sql("DELETE FROM settings WHERE name = $1").bind(name).execute().await?;
    Ok(())
}

/// Replaces the value called `name` if it is still `before`. Returns whether it was.
pub async fn replace(conn: &mut Conn, name: &str, before: &str, after: &str) -> Result<bool> {
    let written = conn
        .sql("UPDATE settings SET value = $3 WHERE name = $1 AND value = $2")
        .bind(name)
        .bind(before)
        .bind(after)
        .execute()
        .await?;
    Ok(written == 1)
}
