//! Our private keys, sealed. The keys of one purpose, environment and algorithm are numbered in generations;
//! the database decides which replica creates the next one.

use base::{id::EnvironmentId, time::Timestamp};

use super::{Conn, error::Result};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signs ID tokens: one series of keys per algorithm for the whole installation.
    IdToken,
    /// Signs AuthnRequests of one environment and decrypts assertions for it.
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

    /// `''` if the purpose belongs to the installation, because a unique index treats NULLs as distinct.
    fn environment(self) -> String {
        match self {
            Self::SamlSp(environment) => environment.to_string(),
            Self::IdToken | Self::TestIdp => String::new(),
        }
    }
}

/// A stored key.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredKey {
    /// Its id: the `kid` of a JWK.
    pub id: String,
    /// Its algorithm, by the registered name.
    pub algorithm: String,
    /// Its generation, from 1.
    pub generation: i64,
    /// The private key: PKCS#8, sealed for [`StoredKey::place`].
    pub private_key: String,
    /// The certificate as PEM, if the purpose needs one.
    pub certificate: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// From when it signs.
    pub active_from: Timestamp,
    /// From when its signatures are no longer accepted; `None` while there is no later generation.
    pub retired_at: Option<Timestamp>,
}

impl StoredKey {
    /// What the private key of `id` is sealed for.
    pub fn place(id: &str) -> String {
        format!("signing_keys/private_key/{id}")
    }
}

/// The keys of a purpose that are not retired at `now`, ordered by algorithm and generation.
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

/// Up to `limit` keys: id and sealed private key, for the command that checks the master key.
pub async fn list_sealed(conn: &mut Conn, limit: i64) -> Result<Vec<(String, String)>> {
    conn.sql("SELECT id, private_key FROM signing_keys ORDER BY id LIMIT $1").bind(limit).all().await
}

/// Adds a key, unless its generation exists. Returns whether it was added.
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

/// The highest generation of a purpose and algorithm so far; 0 before the first.
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

/// Sets when the generations before `generation` retire, unless they retire earlier already.
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

/// Deletes the keys that retired before `before`, of every purpose. The newest generation is never retired, so
/// no generation number is reused. Returns how many.
pub async fn remove_retired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql("DELETE FROM signing_keys WHERE retired_at < $1").bind(before).execute().await
}
