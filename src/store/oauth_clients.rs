//! OAuth clients.

use base::{
    id::{EnvironmentId, OauthClientId},
    secret::Digest,
    time::Timestamp,
};
use model::{
    http_url::HttpUrl,
    oauth_client::{IdTokenAlg, OauthClient},
};

use super::{
    Conn, columns,
    error::{Error, Result},
};

const TABLE: &str = "oauth_clients";

#[derive(sqlx::FromRow)]
struct Row {
    id: OauthClientId,
    environment_id: EnvironmentId,
    display_name: String,
    id_token_alg: String,
    initiate_login_uri: Option<String>,
    created_at: Timestamp,
}

impl TryFrom<Row> for OauthClient {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let broken = |column| Error::inconsistent(TABLE, column, row.id);
        Ok(Self {
            id: row.id,
            environment_id: row.environment_id,
            display_name: row.display_name.clone(),
            id_token_alg: IdTokenAlg::parse(&row.id_token_alg).ok_or_else(|| broken("id_token_alg"))?,
            initiate_login_uri: match row.initiate_login_uri {
                Some(text) => Some(HttpUrl::parse(&text).ok_or_else(|| broken("initiate_login_uri"))?),
                None => None,
            },
            created_at: row.created_at,
        })
    }
}

/// The environment's client that has an `initiate_login_uri`; the oldest, if several do.
pub async fn find_initiating(conn: &mut Conn, environment_id: EnvironmentId) -> Result<Option<OauthClient>> {
    let row: Option<Row> = conn
        .sql(
            "SELECT id, environment_id, display_name, id_token_alg, initiate_login_uri, created_at \
             FROM oauth_clients \
             WHERE environment_id = $1 AND initiate_login_uri IS NOT NULL ORDER BY id LIMIT 1",
        )
        .bind(environment_id)
        .optional()
        .await?;
    row.map(OauthClient::try_from).transpose()
}

/// Adds a client.
pub async fn insert(conn: &mut Conn, client: &OauthClient, secret: Digest) -> Result<()> {
    conn.sql(
        "INSERT INTO oauth_clients (id, environment_id, secret_sha256, id_token_alg, initiate_login_uri, \
         created_at, display_name) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(client.id)
    .bind(client.environment_id)
    .bind(secret)
    .bind(client.id_token_alg.as_str())
    .bind(client.initiate_login_uri.as_ref().map(HttpUrl::as_str))
    .bind(client.created_at)
    .bind(client.display_name.as_str())
    .execute()
    .await?;
    Ok(())
}

/// The client with this id.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: OauthClientId,
) -> Result<Option<OauthClient>> {
    let row: Option<Row> = conn
        .sql(
            "SELECT id, environment_id, display_name, id_token_alg, initiate_login_uri, created_at \
             FROM oauth_clients WHERE environment_id = $1 AND id = $2",
        )
        .bind(environment_id)
        .bind(id)
        .optional()
        .await?;
    row.map(OauthClient::try_from).transpose()
}

/// Updates a client, except its secret. Returns whether it exists.
pub async fn update(conn: &mut Conn, client: &OauthClient) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE oauth_clients SET display_name = $3, id_token_alg = $4, initiate_login_uri = $5 \
             WHERE environment_id = $1 AND id = $2",
        )
        .bind(client.environment_id)
        .bind(client.id)
        .bind(client.display_name.as_str())
        .bind(client.id_token_alg.as_str())
        .bind(client.initiate_login_uri.as_ref().map(HttpUrl::as_str))
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Replaces the secret of a client. Returns whether the client exists.
pub async fn update_secret(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: OauthClientId,
    secret: Digest,
) -> Result<bool> {
    let touched = conn
        .sql("UPDATE oauth_clients SET secret_sha256 = $3 WHERE environment_id = $1 AND id = $2")
        .bind(environment_id)
        .bind(id)
        .bind(secret)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Up to `limit` clients of an environment from `from` on, in creation order.
pub async fn list(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    from: Option<OauthClientId>,
    limit: i64,
) -> Result<Vec<OauthClient>> {
    conn.sql(
        "SELECT id, environment_id, display_name, id_token_alg, initiate_login_uri, created_at \
             FROM oauth_clients \
         WHERE environment_id = $1 AND id >= $2 ORDER BY id LIMIT $3",
    )
    .bind(environment_id)
    .bind(columns::page_start(from))
    .bind(limit)
    .all::<Row>()
    .await?
    .into_iter()
    .map(OauthClient::try_from)
    .collect()
}

/// Deletes a client, which makes its access tokens invalid. Returns whether it existed.
pub async fn remove(conn: &mut Conn, environment_id: EnvironmentId, id: OauthClientId) -> Result<bool> {
    let rows = conn
        .sql("DELETE FROM oauth_clients WHERE environment_id = $1 AND id = $2")
        .bind(environment_id)
        .bind(id)
        .execute()
        .await?;
    Ok(rows == 1)
}

/// The client's data that an authorization request needs.
#[derive(Debug)]
pub struct Registration {
    /// The client's environment.
    pub environment_id: EnvironmentId,
    /// The redirect URIs of the environment.
    pub redirect_uris: Vec<String>,
}

/// The registration of the client with this id. Not scoped: the client id names the caller.
pub async fn find_registration(conn: &mut Conn, id: OauthClientId) -> Result<Option<Registration>> {
    let row: Option<(EnvironmentId, String)> = conn
        .sql(
            "SELECT e.id, e.oauth_redirect_uris FROM oauth_clients c JOIN environments e ON e.id = c.environment_id \
             WHERE c.id = $1",
        )
        .bind(id)
        .optional()
        .await?;
    row.map(|(environment_id, uris)| {
        Ok(Registration {
            environment_id,
            redirect_uris: columns::list_from_json(&uris)
                .ok_or_else(|| Error::inconsistent("environments", "oauth_redirect_uris", environment_id))?,
        })
    })
    .transpose()
}
