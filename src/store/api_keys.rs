//! API keys. Only digests of their secrets are stored.

use base::{
    id::{ApiKeyId, ApiKeyKind, EnvironmentKind},
    secret::Digest,
    time::Timestamp,
};
use model::api_key::ApiKey;

use super::{
    Conn, Result,
    connection::{Row, Statement},
    table::{Key, Table, select_where},
};

impl Table for ApiKey {
    type Kind = ApiKeyKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "api_keys";
    const COLUMNS: &'static [&'static str] = &["secret_sha256", "display_name", "disabled"];
    const FIXED: &'static [&'static str] = &["management", "created_at"];
    const STAMPS: &'static [&'static str] = &["last_used_at"];

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, _: Timestamp) {
        self.version = version;
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.secret).bind(self.display_name.as_str()).bind(self.disabled)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.management).bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            version: row.get("version")?,
            secret: row.get("secret_sha256")?,
            display_name: row.get("display_name")?,
            management: row.get("management")?,
            disabled: row.get("disabled")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
        })
    }
}

/// The key with this secret. The query is not scoped: it is how a caller gets its scope.
pub async fn find_by_secret(conn: &mut Conn, secret: Digest) -> Result<Option<ApiKey>> {
    select_where::<ApiKey>(conn, "WHERE secret_sha256 = $1").bind(secret).optional_of().await
}

/// Stores when a key was last used, unless a use after `unless_since` is stored already.
pub async fn update_last_used(
    conn: &mut Conn,
    id: ApiKeyId,
    now: Timestamp,
    unless_since: Timestamp,
) -> Result<()> {
    conn.sql("UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)")
        .bind(id)
        .bind(now)
        .bind(unless_since)
        .execute()
        .await?;
    Ok(())
}
