//! Environments.

use base::{id::EnvironmentId, time::Timestamp};
use model::{
    environment::{Environment, IdpInitiated, Slug},
    http_url::HttpUrl,
};

use super::{Conn, Error, Result, Transaction, columns};

const TABLE: &str = "environments";

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: EnvironmentId,
    pub(super) slug: String,
    pub(super) display_name: String,
    pub(super) redirect_url: Option<String>,
    pub(super) oauth_redirect_uris: String,
    pub(super) auth_url: Option<String>,
    pub(super) idp_initiated: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

impl TryFrom<Row> for Environment {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let id = row.id;
        let unreadable = |column| move || Error::inconsistent(TABLE, column, id);
        let url = |column, text: Option<String>| {
            text.map(|text| HttpUrl::parse(&text).ok_or_else(unreadable(column))).transpose()
        };
        Ok(Self {
            id,
            slug: Slug::parse(&row.slug).map_err(|_| Error::inconsistent(TABLE, "slug", id))?,
            display_name: row.display_name,
            redirect_url: url("redirect_url", row.redirect_url)?,
            oauth_redirect_uris: columns::list_from_json(&row.oauth_redirect_uris)
                .and_then(|uris| uris.iter().map(|uri| HttpUrl::parse(uri)).collect())
                .ok_or_else(unreadable("oauth_redirect_uris"))?,
            auth_url: url("auth_url", row.auth_url)?,
            idp_initiated: IdpInitiated::parse(&row.idp_initiated).ok_or_else(unreadable("idp_initiated"))?,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

// Columns are listed, never `*`: when the next release adds a column, statements that a running replica has
// prepared must stay valid.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, slug, display_name, redirect_url, oauth_redirect_uris, auth_url, idp_initiated, \
             created_at, updated_at FROM environments ",
            $rest
        )
    };
}

/// The environment with this id.
pub async fn find(conn: &mut Conn, id: EnvironmentId) -> Result<Option<Environment>> {
    conn.sql(select!("WHERE id = $1"))
        .bind(id)
        .optional::<Row>()
        .await?
        .map(Environment::try_from)
        .transpose()
}

/// The environment with this slug.
pub async fn find_by_slug(conn: &mut Conn, slug: &Slug) -> Result<Option<Environment>> {
    conn.sql(select!("WHERE slug = $1"))
        .bind(slug.as_str())
        .optional::<Row>()
        .await?
        .map(Environment::try_from)
        .transpose()
}

/// Up to `limit` environments from `from` on, in creation order.
pub async fn list(conn: &mut Conn, from: Option<EnvironmentId>, limit: i64) -> Result<Vec<Environment>> {
    conn.sql(select!("WHERE id >= $1 ORDER BY id LIMIT $2"))
        .bind(columns::page_start(from))
        .bind(limit)
        .all::<Row>()
        .await?
        .into_iter()
        .map(Environment::try_from)
        .collect()
}

/// Adds an environment. [`Error::Duplicate`]: another one has the slug.
pub async fn insert(conn: &mut Conn, environment: &Environment) -> Result<()> {
    conn.sql(
        "INSERT INTO environments (id, slug, display_name, redirect_url, oauth_redirect_uris, auth_url, \
         idp_initiated, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(environment.id)
    .bind(environment.slug.as_str())
    .bind(environment.display_name.as_str())
    .bind(environment.redirect_url.as_ref().map(HttpUrl::as_str))
    .bind(columns::urls_to_json(&environment.oauth_redirect_uris))
    .bind(environment.auth_url.as_ref().map(HttpUrl::as_str))
    .bind(environment.idp_initiated.as_str())
    .bind(environment.created_at)
    .bind(environment.updated_at)
    .execute()
    .await?;
    Ok(())
}

/// Updates an environment. Returns whether it exists.
pub async fn update(conn: &mut Conn, environment: &Environment) -> Result<bool> {
    let touched = conn
        .sql(
            "UPDATE environments SET slug = $2, display_name = $3, redirect_url = $4, \
             oauth_redirect_uris = $5, auth_url = $6, idp_initiated = $7, updated_at = $8 WHERE id = $1",
        )
        .bind(environment.id)
        .bind(environment.slug.as_str())
        .bind(environment.display_name.as_str())
        .bind(environment.redirect_url.as_ref().map(HttpUrl::as_str))
        .bind(columns::urls_to_json(&environment.oauth_redirect_uris))
        .bind(environment.auth_url.as_ref().map(HttpUrl::as_str))
        .bind(environment.idp_initiated.as_str())
        .bind(environment.updated_at)
        .execute()
        .await?;
    Ok(touched == 1)
}

/// Locks the environment until the transaction ends. Returns whether it exists. (An update that changes nothing
/// locks the row on PostgreSQL; a SQLite write transaction is exclusive anyway.)
pub async fn lock(tx: &mut Transaction, id: EnvironmentId) -> Result<bool> {
    let touched =
        tx.sql("UPDATE environments SET updated_at = updated_at WHERE id = $1").bind(id).execute().await?;
    Ok(touched == 1)
}

/// Deletes an environment with everything that belongs to it. Returns whether it existed.
pub async fn remove(conn: &mut Conn, id: EnvironmentId) -> Result<bool> {
    let touched = conn.sql("DELETE FROM environments WHERE id = $1").bind(id).execute().await?;
    Ok(touched == 1)
}
