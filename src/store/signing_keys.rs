//! Our private keys, sealed. The keys of one owner, purpose and algorithm are numbered in generations;
//! the database decides which replica creates the next one.

use base::{id::EnvironmentId, time::Timestamp};

use super::{Conn, Sql, error::Result};

/// Whose keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyOwner {
    /// The whole installation.
    Installation,
    /// One environment. The keys are removed with it.
    Environment(EnvironmentId),
}

impl KeyOwner {
    /// The environment; `None` for the installation.
    pub fn environment(self) -> Option<EnvironmentId> {
        match self {
            Self::Installation => None,
            Self::Environment(id) => Some(id),
        }
    }
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Signs ID tokens.
    IdToken,
    /// Signs access tokens of an environment's issuers, and their ID tokens.
    AccessToken,
    /// Signs AuthnRequests of one environment and decrypts assertions for it.
    SamlSp,
    /// Signs for the bundled test identity provider.
    TestIdp,
}

impl Purpose {
    /// Its name in the database and in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::IdToken => "id_token",
            Self::AccessToken => "access_token",
            Self::SamlSp => "saml_sp",
            Self::TestIdp => "test_idp",
        }
    }
}

/// The keys of one owner for one purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeySeries {
    /// Whose they are.
    pub owner: KeyOwner,
    /// What they are for.
    pub purpose: Purpose,
}

impl KeySeries {
    /// The condition that a row is of this series.
    fn condition(self) -> Sql {
        let purpose = Sql::from("purpose = ").value(self.purpose.as_str());
        match self.owner {
            KeyOwner::Installation => purpose.push(" AND environment_id IS NULL"),
            KeyOwner::Environment(id) => purpose.push(" AND environment_id = ").value(id.to_string()),
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
    /// The private key: PKCS#8 or PEM, sealed.
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

/// The keys of a series that are not retired at `now`.
pub async fn list(conn: &mut Conn, series: KeySeries, now: Timestamp) -> Result<Vec<StoredKey>> {
    let sql = Sql::from(
        "SELECT id, algorithm, generation, private_key, certificate, created_at, active_from, retired_at \
         FROM signing_keys WHERE ",
    );
    let sql = sql.append(series.condition()).push(" AND (retired_at IS NULL OR retired_at > ");
    conn.dynamic(sql.value(now.millis()).push(")")).all().await
}

/// Up to `limit` keys: id and sealed private key, for the command that checks the master key.
pub async fn list_sealed(conn: &mut Conn, limit: i64) -> Result<Vec<(String, String)>> {
    conn.sql("SELECT id, private_key FROM signing_keys ORDER BY id LIMIT $1").bind(limit).all().await
}

/// Adds a key, unless its generation exists. Returns whether it was added.
pub async fn insert(conn: &mut Conn, series: KeySeries, key: &StoredKey) -> Result<bool> {
    let rows = conn
        .sql(
            "INSERT INTO signing_keys (id, purpose, environment_id, algorithm, generation, private_key, certificate, \
             created_at, active_from, retired_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
             ON CONFLICT DO NOTHING",
        )
        .bind(key.id.as_str())
        .bind(series.purpose.as_str())
        .bind(series.owner.environment())
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

/// The highest generation of a series and algorithm so far; 0 before the first.
pub async fn last_generation(conn: &mut Conn, series: KeySeries, algorithm: &str) -> Result<i64> {
    let sql = Sql::from("SELECT COALESCE(MAX(generation), 0) FROM signing_keys WHERE algorithm = ");
    let sql = sql.value(algorithm).push(" AND ").append(series.condition());
    let (last,): (i64,) = conn.dynamic(sql).one().await?;
    Ok(last)
}

/// Sets when the generations before `generation` retire, unless they retire earlier already.
pub async fn update_retired(
    conn: &mut Conn,
    series: KeySeries,
    algorithm: &str,
    generation: i64,
    retired_at: Timestamp,
) -> Result<()> {
    let sql = Sql::from("UPDATE signing_keys SET retired_at = ").value(retired_at.millis());
    let sql = sql.push(" WHERE algorithm = ").value(algorithm).push(" AND generation < ").value(generation);
    let sql = sql.push(" AND (retired_at IS NULL OR retired_at > ").value(retired_at.millis());
    conn.dynamic(sql.push(") AND ").append(series.condition())).execute().await?;
    Ok(())
}

/// Deletes the keys that retired before `before`, of every purpose. The newest generation is never retired, so
/// no generation number is reused. Returns how many.
pub async fn remove_retired(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.sql("DELETE FROM signing_keys WHERE retired_at < $1").bind(before).execute().await
}
