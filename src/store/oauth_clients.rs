//! OAuth clients.

use base::{
    id::{EnvironmentId, EnvironmentKind, OauthClientId, OauthClientKind},
    time::Timestamp,
};
use model::{environment::Environment, http_url::HttpUrl, oauth_client::OauthClient};

use super::{
    Conn, columns,
    connection::{Row, Statement},
    error::{Error, Result},
    table::{Key, Table, select_where},
};

impl Table for OauthClient {
    type Kind = OauthClientKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "oauth_clients";
    const COLUMNS: &'static [&'static str] =
        &["secret_sha256", "display_name", "id_token_alg", "initiate_login_uri", "redirect_uris", "disabled"];
    const FIXED: &'static [&'static str] = &["created_at"];
    /// The other kinds are applications.
    const CONDITION: &'static str = "oauth_clients.kind = 'saml'";

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, _: Timestamp) {
        self.version = version;
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.secret)
            .bind(self.display_name.as_str())
            .bind(self.id_token_alg.as_str())
            .bind(self.initiate_login_uri.as_ref().map(HttpUrl::as_str))
            .bind(columns::urls_to_json(&self.redirect_uris))
            .bind(self.disabled)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement.bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            version: row.get("version")?,
            secret: row.get("secret_sha256")?,
            display_name: row.get("display_name")?,
            id_token_alg: row.parse("id_token_alg", columns::by_name)?,
            initiate_login_uri: row.parse_optional("initiate_login_uri", HttpUrl::parse)?,
            redirect_uris: row.parse("redirect_uris", columns::urls_from_json)?,
            disabled: row.get("disabled")?,
            created_at: row.get("created_at")?,
        })
    }
}

/// The environment's client that has an `initiate_login_uri` and is not switched off; the oldest, if several do.
pub async fn find_initiating(conn: &mut Conn, environment_id: EnvironmentId) -> Result<Option<OauthClient>> {
    let condition =
        "WHERE environment_id = $1 AND initiate_login_uri IS NOT NULL AND NOT disabled ORDER BY id LIMIT 1";
    select_where::<OauthClient>(conn, condition).bind(environment_id).optional_of().await
}

/// The client's data that an authorization request needs.
#[derive(Debug)]
pub struct Registration {
    /// The client's environment.
    pub environment_id: EnvironmentId,
    /// Whether the client is switched off.
    pub disabled: bool,
    /// Its redirect URIs; those of the environment, if it has none of its own.
    pub redirect_uris: Vec<String>,
}

/// The columns that [`read_registration`] reads, of a client `k`, called by their names after `k_`.
pub(super) const REGISTRATION_COLUMNS: &str =
    "k.id AS k_id, k.disabled AS k_disabled, k.redirect_uris AS k_redirect_uris";

/// The registration of the client that a part of a joined row holds, in its environment.
pub(super) fn read_registration(row: &Row, environment: &Environment) -> Result<Registration> {
    let own: String = row.get("redirect_uris")?;
    let all = environment.oauth_redirect_uris.iter().map(ToString::to_string).collect();
    Ok(Registration {
        environment_id: environment.id,
        disabled: row.get("disabled")?,
        redirect_uris: redirect_uris(row.get("id")?, &own, all)?,
    })
}

/// The client's own redirect URIs, or `all` of its environment if it has none.
fn redirect_uris(id: OauthClientId, own: &str, all: Vec<String>) -> Result<Vec<String>> {
    let own = columns::list_from_json(own)
        .ok_or_else(|| Error::inconsistent("oauth_clients", "redirect_uris", id))?;
    Ok(if own.is_empty() { all } else { own })
}

/// The registration of the client with this id. Not scoped: the client id names the caller.
pub async fn find_registration(conn: &mut Conn, id: OauthClientId) -> Result<Option<Registration>> {
    let row: Option<(EnvironmentId, String, String, bool)> = conn
        .sql(
            "SELECT e.id, c.redirect_uris, e.oauth_redirect_uris, c.disabled FROM oauth_clients c JOIN environments e ON e.id = c.environment_id \
             WHERE c.id = $1",
        )
        .bind(id)
        .optional()
        .await?;
    row.map(|(environment_id, own, uris, disabled)| {
        let all = columns::list_from_json(&uris)
            .ok_or_else(|| Error::inconsistent("environments", "oauth_redirect_uris", environment_id))?;
        Ok(Registration { environment_id, disabled, redirect_uris: redirect_uris(id, &own, all)? })
    })
    .transpose()
}
