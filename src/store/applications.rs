//! Applications. They share a table with the OAuth clients of `/v1/oauth`, which are of the kind `saml`.

use base::{
    id::{ApplicationId, ApplicationKind, EnvironmentId, EnvironmentKind},
    secret::Digest,
    time::Timestamp,
};
use model::application::{Application, GrantType, PreviousSecret, RoleSharing, Workspace};

use super::{
    Conn, Error, Result, columns,
    connection::{Row, Statement},
    table::{self, Key, Table, select_where},
};

impl Table for Application {
    type Kind = ApplicationKind;
    type Scope = EnvironmentKind;

    const TABLE: &'static str = "oauth_clients";
    const COLUMNS: &'static [&'static str] = &[
        "secret_sha256",
        "previous_secret_sha256",
        "previous_secret_expires_at",
        "display_name",
        "name_key",
        "description",
        "id_token_alg",
        "grant_types",
        "scopes",
        "shared",
        "shared_at",
        "shared_role_mode",
        "shared_roles",
        "role_audience",
        "redirect_uris",
        "post_logout_redirect_uris",
        "origins",
        "disabled",
    ];
    const FIXED: &'static [&'static str] = &["kind", "workspace", "organization_id", "created_at"];
    const CONDITION: &'static str = "oauth_clients.kind <> 'saml'";

    fn key(&self) -> Key<Self> {
        Key { id: self.id, scope: self.environment_id, version: self.version }
    }

    fn set_version(&mut self, version: i64, _: Timestamp) {
        self.version = version;
    }

    fn bind<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        let grants: Vec<String> = self.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect();
        statement
            // The column takes no NULL: a public client's is empty.
            .bind(self.secret.map(Digest::to_hex).unwrap_or_default())
            .bind(self.previous_secret.map(|previous| previous.secret))
            .bind(self.previous_secret.map(|previous| previous.expires_at))
            .bind(self.display_name.as_str())
            .bind(self.name_key())
            .bind(self.description.as_str())
            .bind(self.signing_alg.as_str())
            .bind(columns::list_to_json(&grants))
            .bind(columns::list_to_json(&self.scopes))
            .bind(self.shared.as_str())
            .bind(self.shared_at)
            .bind(self.shared_roles.mode.as_str())
            .bind(columns::list_to_json(&self.shared_roles.roles))
            .bind(self.role_audience.as_str())
            .bind(columns::urls_to_json(&self.redirect_uris))
            .bind(columns::urls_to_json(&self.post_logout_redirect_uris))
            .bind(columns::list_to_json(&self.origins))
            .bind(self.disabled)
    }

    fn bind_fixed<'c>(&self, statement: Statement<'c>) -> Statement<'c> {
        statement
            .bind(self.kind.as_str())
            .bind(self.workspace.map(Workspace::as_str))
            .bind(self.organization_id)
            .bind(self.created_at)
    }

    fn read(row: &Row) -> Result<Self> {
        let secret: String = row.get("secret_sha256")?;
        let previous: (Option<Digest>, Option<Timestamp>) =
            (row.get("previous_secret_sha256")?, row.get("previous_secret_expires_at")?);
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            version: row.get("version")?,
            kind: row.parse("kind", columns::by_name)?,
            workspace: row.parse_optional("workspace", columns::by_name)?,
            organization_id: row.get("organization_id")?,
            secret: Digest::from_hex(&secret),
            previous_secret: match previous {
                (Some(secret), Some(expires_at)) => Some(PreviousSecret { secret, expires_at }),
                _ => None,
            },
            display_name: row.get("display_name")?,
            description: row.get("description")?,
            signing_alg: row.parse("id_token_alg", columns::by_name)?,
            grant_types: row.parse("grant_types", grants)?,
            scopes: row.parse("scopes", columns::list_from_json)?,
            shared: row.parse("shared", columns::by_name)?,
            shared_at: row.get("shared_at")?,
            shared_roles: RoleSharing {
                mode: row.parse("shared_role_mode", columns::by_name)?,
                roles: row.parse("shared_roles", columns::list_from_json)?,
            },
            role_audience: row.parse("role_audience", columns::by_name)?,
            redirect_uris: row.parse("redirect_uris", columns::urls_from_json)?,
            post_logout_redirect_uris: row.parse("post_logout_redirect_uris", columns::urls_from_json)?,
            origins: row.parse("origins", columns::list_from_json)?,
            disabled: row.get("disabled")?,
            created_at: row.get("created_at")?,
        })
    }
}

fn grants(json: &str) -> Option<Vec<GrantType>> {
    columns::list_from_json(json)?.iter().map(|name| name.parse().ok()).collect()
}

/// The client with this id in an environment, for the issuer that it authenticates to.
pub async fn find(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    id: ApplicationId,
) -> Result<Option<Application>> {
    table::find(conn, environment_id, id).await
}

/// Where a client may ask to be sent: its own redirect URIs, else those of its environment.
pub async fn redirect_uris(conn: &mut Conn, client: &Application) -> Result<Vec<String>> {
    if !client.redirect_uris.is_empty() {
        return Ok(client.redirect_uris.iter().map(|uri| uri.as_str().to_owned()).collect());
    }
    let row: Option<(String,)> = conn
        .sql("SELECT oauth_redirect_uris FROM environments WHERE id = $1")
        .bind(client.environment_id)
        .optional()
        .await?;
    let Some((uris,)) = row else { return Ok(Vec::new()) };
    columns::list_from_json(&uris)
        .ok_or_else(|| Error::inconsistent("environments", "oauth_redirect_uris", client.environment_id))
}

/// Up to `limit` clients of the workspace `system`, or of none, from `from` on, in order of creation.
pub async fn list_by_workspace(
    conn: &mut Conn,
    environment_id: EnvironmentId,
    workspace: Option<Workspace>,
    from: Option<ApplicationId>,
    limit: i64,
) -> Result<Vec<Application>> {
    let statement = match workspace {
        Some(workspace) => select_where::<Application>(
            conn,
            "WHERE environment_id = $1 AND id >= $2 AND workspace = $4 ORDER BY id LIMIT $3",
        )
        .bind(environment_id)
        .bind(columns::page_start(from))
        .bind(limit)
        .bind(workspace.as_str()),
        None => select_where::<Application>(
            conn,
            "WHERE environment_id = $1 AND id >= $2 AND workspace IS NULL ORDER BY id LIMIT $3",
        )
        .bind(environment_id)
        .bind(columns::page_start(from))
        .bind(limit),
    };
    statement.all_of().await
}
