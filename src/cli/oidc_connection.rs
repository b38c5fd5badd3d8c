//! `ostiary oidc-connection`.

use std::{fs, io::Read as _, path::Path};

use anyhow::Context as _;
use base::id::{OidcConnectionId, OidcConnectionKind, OrganizationId, OrganizationKind};
use clap::{Args, Subcommand};

use super::{field_flags, ids, installation, output, settings_args::SettingsArgs};
use crate::app::{
    State,
    connections::{
        oidc::{self, OidcConnectionChange, OidcConnectionObject},
        saml,
    },
    organizations,
    pagination::PageQuery,
    principal::Principal,
};

/// The largest file with a secret that is read, in bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// OIDC connections: the settings of customers' OpenID providers
#[derive(Debug, Subcommand)]
pub(super) enum OidcConnection {
    Create(Create),
    Get(Get),
    Update(Update),
    Delete(Delete),
    List(List),
}

/// Create an OIDC connection of an organization
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary oidc-connection create --organization org_… \\
      --issuer https://acme.okta.com --client-id 0oa… \\
      --client-secret-file secret.txt --json
  ostiary oidc-connection create --organization org_…
      without settings: prints the redirect URI that the customer's admin
      needs first

The endpoints are read from the issuer, unless you name them. The organization's
first connection becomes its primary one.")]
pub(super) struct Create {
    /// The organization's id
    #[arg(long, value_name = "ID", value_parser = ids::parse::<OrganizationKind>)]
    organization: OrganizationId,
    #[command(flatten)]
    fields: Fields,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Show an OIDC connection; its secret is never shown
#[derive(Debug, Args)]
pub(super) struct Get {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = ids::parse::<OidcConnectionKind>)]
    connection: OidcConnectionId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Change an OIDC connection; options that are not given stay as they are
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary oidc-connection update oidc_conn_… --client-secret-file new.txt
  ostiary oidc-connection update oidc_conn_… --disabled
  ostiary oidc-connection update oidc_conn_… --email-claim upn")]
pub(super) struct Update {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = ids::parse::<OidcConnectionKind>)]
    connection: OidcConnectionId,
    #[command(flatten)]
    fields: Fields,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Delete an OIDC connection: nobody can sign in through it any more
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary oidc-connection delete oidc_conn_…

Its logins stay as history. This cannot be undone: a new connection has a new
redirect URI, which the customer's admin must register again.")]
pub(super) struct Delete {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = ids::parse::<OidcConnectionKind>)]
    connection: OidcConnectionId,
}

/// List an organization's OIDC connections
#[derive(Debug, Args)]
pub(super) struct List {
    /// The organization's id
    #[arg(long, value_name = "ID", value_parser = ids::parse::<OrganizationKind>)]
    organization: OrganizationId,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// The settings of a connection. Boolean options take `=false` to turn them off.
#[derive(Debug, Args)]
struct Fields {
    #[command(flatten)]
    settings: OidcConnectionChange,
    /// A file with the client secret; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<String>,
}

impl Fields {
    fn change(self) -> anyhow::Result<OidcConnectionChange> {
        let mut change = self.settings;
        if let Some(file) = self.client_secret_file {
            let text = read(&file).with_context(|| format!("--client-secret-file: {file}"))?;
            change.client_secret = Some(text.trim().to_owned());
        }
        Ok(change)
    }
}

/// A file's text; `-` is standard input.
fn read(file: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    match file {
        "-" => std::io::stdin().take(MAX_FILE_BYTES).read_to_string(&mut text)?,
        file => fs::File::open(Path::new(file))?.take(MAX_FILE_BYTES).read_to_string(&mut text)?,
    };
    Ok(text)
}

impl OidcConnection {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Create(create) => {
                let organization = create.organization;
                let environment = organizations::environment_of(&state, organization).await?;
                let principal = Principal::operator(environment);
                let mut change = create.fields.change()?;
                if change.primary.is_none() {
                    change.primary = Some(!has_connection(&state, &principal, organization).await?);
                }
                let made = oidc::create(&state, &principal, organization, &change)
                    .await
                    .map_err(field_flags::cli_error)?;
                output::resource(create.json, &OidcConnectionObject::from(&made), "OIDC connection created:")
            }
            Self::Get(get) => {
                let principal = operator_for(&state, get.connection).await?;
                let found = oidc::find(&state, &principal, get.connection).await?;
                output::resource(get.json, &OidcConnectionObject::from(&found), "OIDC connection:")
            }
            Self::Update(update) => {
                let principal = operator_for(&state, update.connection).await?;
                let change = update.fields.change()?;
                let now = oidc::update(&state, &principal, update.connection, None, &change)
                    .await
                    .map_err(field_flags::cli_error)?;
                output::resource(update.json, &OidcConnectionObject::from(&now), "OIDC connection changed:")
            }
            Self::Delete(delete) => {
                let id = delete.connection;
                let principal = operator_for(&state, id).await?;
                oidc::remove(&state, &principal, id, None).await.map_err(field_flags::cli_error)?;
                output::line(&format!("{id} was deleted; its logins stay as history"));
                Ok(())
            }
            Self::List(list) => {
                let environment = organizations::environment_of(&state, list.organization).await?;
                let principal = Principal::operator(environment);
                let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
                loop {
                    let page = oidc::list(&state, &principal, list.organization, &query).await?;
                    for connection in &page.items {
                        if list.json {
                            output::line(&serde_json::to_string(&OidcConnectionObject::from(connection))?);
                        } else {
                            output::line(&format!(
                                "{}  {}  {}{}",
                                connection.id,
                                if connection.primary { "primary" } else { "       " },
                                connection.issuer.as_deref().unwrap_or("not configured"),
                                output::switched_off(connection.disabled)
                            ));
                        }
                    }
                    if page.next_token.is_empty() {
                        return Ok(());
                    }
                    query.token = Some(page.next_token);
                }
            }
        }
    }
}

/// Whether an organization has a connection already, of whatever protocol.
async fn has_connection(
    state: &State,
    principal: &Principal,
    organization: OrganizationId,
) -> anyhow::Result<bool> {
    let first = PageQuery { token: None, size: Some("1".to_owned()) };
    let saml = saml::list(state, principal, organization, &first).await?;
    let oidc = oidc::list(state, principal, organization, &first).await?;
    Ok(!saml.items.is_empty() || !oidc.items.is_empty())
}

async fn operator_for(state: &State, connection: OidcConnectionId) -> anyhow::Result<Principal> {
    Ok(Principal::operator(oidc::environment_of(state, connection).await?))
}
