//! Private keys of ours, sealed. Of one purpose, environment and algorithm there is a line of
//! generations; the database decides who makes the next one.

use super::{Conn, error::Result};
use crate::model::{id::EnvironmentId, time::Timestamp};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signs ID tokens: one line of keys per algorithm for the whole installation.
    IdToken,
    /// Signs AuthnRequests of, and decrypts assertions for, one environment.
    SamlSp(EnvironmentId),
    /// Signs for the bundled test identity provider.
    TestIdp,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::SamlSp(_) => "saml_sp",
            Self::TestIdp => "test_idp",
        }
    }

    /// `''` where the purpose is the installation's, because a unique index does not count NULLs.
    fn environment(self) -> String {
        match self {
            Self::SamlSp(environment) => environment.to_string(),
            Self::IdToken | Self::TestIdp => String::new(),
        }
    }
}

/// One key as stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredKey {
    /// Its name: `kid`.
    pub id: String,
    /// The algorithm it is for, by its registered name.
    pub algorithm: String,
    /// Its place in the line, from 1.
    pub generation: i64,
    /// The private key: PKCS#8, sealed for [`StoredKey::place`].
    pub private_key: String,
    /// The certificate, as PEM, where the purpose needs one.
    pub certificate: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it signs.
    pub active_from: Timestamp,
    /// From when nothing that it signed is good any more; `None` while no later key is in the line.
    pub retired_at: Option<Timestamp>,
}

impl StoredKey {
    /// What the private key of `id` is sealed for.
    pub fn place(id: &str) -> String {
        format!("signing_keys/private_key/{id}")
    }
}

/// The keys of a purpose that are not retired at `now`: algorithm by algorithm, oldest generation first.
pub async fn list(conn: &mut Conn, purpose: Purpose, now: Timestamp) -> Result<Vec<StoredKey>> {
    conn.sql(
        "SELECT id, algorithm, generation, private_key, certificate, created_at, active_from, retired_at \
         FROM signing_keys WHERE purpose = $1 AND environment_id = $2 \
         AND (retired_at IS NULL OR retired_at > $3) ORDER BY algorithm, generation",
    )
    .bind(purpose.as_str())
    .bind(purpose.environment())
    .bind(now)
    .all()
    .await
}

/// Every key's id and sealed private key, at most `limit`: for the operator, to see whether the master
/// key opens them.
pub async fn list_sealed(conn: &mut Conn, limit: i64) -> Result<Vec<(String, String)>> {
    conn.sql("SELECT id, private_key FROM signing_keys ORDER BY id LIMIT $1").bind(limit).all().await
}

/// Adds a key, unless its place in the line is taken. Says whether it was added.
pub async fn insert(conn: &mut Conn, purpose: Purpose, key: &StoredKey) -> Result<bool> {
    let rows = conn
        .sql(
            "INSERT INTO signing_keys (id, purpose, environment_id, algorithm, generation, private_key, certificate, \
             created_at, active_from, retired_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT (purpose, environment_id, algorithm, generation) DO NOTHING",
        )
        .bind(key.id.as_str())
        .bind(purpose.as_str())
        .bind(purpose.environment())
        .bind(key.algorithm.as_str())
        .bind(key.generation)
        .bind(key.private_key.as_str())
        .bind(key.certificate.as_deref())
        .bind(key.created_at)
        .bind(key.active_from)
        .bind(key.retired_at)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// The highest generation there ever was in a line; 0 before the first.
pub async fn last_generation(conn: &mut Conn, purpose: Purpose, algorithm: &str) -> Result<i64> {
    let (last,): (i64,) = conn
        .sql(
            "SELECT COALESCE(MAX(generation), 0) FROM signing_keys \
             WHERE purpose = $1 AND environment_id = $2 AND algorithm = $3",
        )
        .bind(purpose.as_str())
        .bind(purpose.environment())
        .bind(algorithm)
        .one()
        .await?;
    Ok(last)
}

/// Sets when the generations before `generation` retire, where that is sooner than it was.
pub async fn update_retired(
    conn: &mut Conn,
    purpose: Purpose,
    algorithm: &str,
    generation: i64,
    retired_at: Timestamp,
) -> Result<()> {
    conn.sql(
        "UPDATE signing_keys SET retired_at = $1 WHERE purpose = $2 AND environment_id = $3 AND algorithm = $4 \
         AND generation < $5 AND (retired_at IS NULL OR retired_at > $1)",
    )
    .bind(retired_at)
    .bind(purpose.as_str())
    .bind(purpose.environment())
    .bind(algorithm)
    .bind(generation)
    .execute()
    .await?;
    Ok(())
}

/// Drops the private keys that were retired before `before`, of every purpose. The newest of a line is
/// never retired, so generations are not used twice. Says how many went.
pub async fn remove_retired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql("DELETE FROM signing_keys WHERE retired_at < $1").bind(before).execute().await
}
