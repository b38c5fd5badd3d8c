//! `ostiary saml-connection`.

use std::{fs, io::Read as _, path::Path};

use anyhow::Context as _;
use base::id::{OrganizationId, OrganizationKind, SamlConnectionId, SamlConnectionKind};
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use clap::{Args, Subcommand};

use super::{field_flags, ids, installation, output, settings_args::SettingsArgs};
use crate::app::{
    State,
    connections::saml::{self, SamlConnectionChange, SamlConnectionObject, metadata},
    organizations,
    pagination::PageQuery,
    principal::Principal,
};

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// SAML connections: the settings of customers' identity providers
#[derive(Debug, Subcommand)]
pub(super) enum SamlConnection {
    Create(Create),
    Update(Update),
    Refresh(Refresh),
    Delete(Delete),
    List(List),
}

/// Create a SAML connection of an organization
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary saml-connection create --organization org_… \\
      --idp-metadata https://idp.acme.com/metadata --json
  ostiary saml-connection create --organization org_… --idp-metadata idp.xml
  ostiary saml-connection create --organization org_… \\
      --idp-entity-id https://idp.acme.com \\
      --idp-redirect-url https://idp.acme.com/sso --idp-certificate idp.pem
  ostiary saml-connection create --organization org_…
      without settings: prints the entity id and ACS URL that the customer's
      admin needs first

A metadata file is read once. A metadata URL is stored and fetched regularly:
new certificates and addresses are adopted. The organization's first connection
becomes its primary one.")]
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

/// Change a SAML connection; options that are not given stay as they are
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary saml-connection update saml_conn_… \\
      --idp-metadata https://idp.acme.com/metadata
  ostiary saml-connection update saml_conn_… \\
      --idp-certificate old.pem --idp-certificate new.pem
      both are trusted while the customer changes from one to the other
  ostiary saml-connection update saml_conn_… --idp-metadata ''
      removes the metadata URL; it is no longer fetched")]
pub(super) struct Update {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = ids::parse::<SamlConnectionKind>)]
    connection: SamlConnectionId,
    #[command(flatten)]
    fields: Fields,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Fetch a SAML connection's metadata now and apply it
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary saml-connection refresh saml_conn_…
  ostiary saml-connection refresh saml_conn_… --json

The server does this about every six hours, and soon after a login whose
signature matches none of the certificates.")]
pub(super) struct Refresh {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = ids::parse::<SamlConnectionKind>)]
    connection: SamlConnectionId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Delete a SAML connection: nobody can sign in through it any more
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary saml-connection delete saml_conn_…

Its logins stay as history. This cannot be undone: a new connection has a new
entity id and ACS URL, which the customer's admin must configure again.")]
pub(super) struct Delete {
    /// The connection's id
    #[arg(value_name = "ID", value_parser = ids::parse::<SamlConnectionKind>)]
    connection: SamlConnectionId,
}

/// List an organization's SAML connections
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary saml-connection list --organization org_…
  ostiary saml-connection list --organization org_… --json
      one JSON object a line")]
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
    settings: SamlConnectionChange,
    /// The identity provider's metadata: a file, or a URL from which it is fetched regularly
    #[arg(long, value_name = "FILE|URL")]
    idp_metadata: Option<String>,
    /// A PEM file with the identity provider's signing certificate; repeatable
    #[arg(long, value_name = "FILE")]
    idp_certificate: Vec<String>,
}

impl Fields {
    fn change(self) -> anyhow::Result<SamlConnectionChange> {
        let mut change = self.settings;
        match self.idp_metadata {
            Some(place)
                if place.is_empty() || place.starts_with("https://") || place.starts_with("http://") =>
            {
                change.idp_metadata_url = Some(place);
            }
            Some(place) => {
                let text = metadata::source::decode_document(&read(&place, "--idp-metadata")?);
                change.idp_metadata = Some(text.map_err(field_flags::cli_error)?);
            }
            None => {}
        }
        if !self.idp_certificate.is_empty() {
            let files = self.idp_certificate.iter();
            let texts = files.map(|file| Ok(certificate_text(read(file, "--idp-certificate")?)));
            change.idp_certificates = Some(texts.collect::<anyhow::Result<_>>()?);
        }
        Ok(change)
    }
}

/// The text of a certificate's file, which may be DER.
fn certificate_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| BASE64.encode(error.as_bytes()))
}

/// A file's bytes; `-` is standard input.
fn read(file: &str, flag: &str) -> anyhow::Result<Vec<u8>> {
    if file == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().take(MAX_FILE_BYTES).read_to_end(&mut bytes);
        return read.map(|_| bytes).with_context(|| format!("{flag}: standard input"));
    }
    let size = fs::metadata(Path::new(file)).with_context(|| format!("{flag}: {file}"))?.len();
    anyhow::ensure!(size <= MAX_FILE_BYTES, "{flag}: {file} is too large");
    fs::read(file).with_context(|| format!("{flag}: {file}"))
}

impl SamlConnection {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Create(create) => {
                let principal = operator_for(&state, create.organization).await?;
                let mut change = create.fields.change()?;
                if change.primary.is_none() {
                    let others =
                        saml::list(&state, &principal, create.organization, &PageQuery::default()).await?;
                    change.primary = Some(others.items.is_empty());
                }
                let made = saml::create(&state, &principal, create.organization, &change)
                    .await
                    .map_err(field_flags::cli_error)?;
                output::resource(create.json, &SamlConnectionObject::from(&made), "SAML connection created:")
            }
            Self::Update(update) => {
                let environment = saml::environment_of(&state, update.connection).await?;
                let change = update.fields.change()?;
                let principal = Principal::operator(environment);
                let before = saml::find(&state, &principal, update.connection).await?.connection;
                let address = change.idp_metadata_url.as_deref().filter(|url| !url.is_empty());
                // The same URL given again means: fetch it now.
                let again =
                    address.is_some() && before.idp_metadata_url.as_ref().map(|url| url.as_str()) == address;
                let mut now = saml::update(&state, &principal, update.connection, None, &change)
                    .await
                    .map_err(field_flags::cli_error)?;
                if again {
                    let refreshed =
                        metadata::refresh::refresh_now(&state, &principal, update.connection).await;
                    now = refreshed.map_err(field_flags::cli_error)?;
                }
                output::resource(update.json, &SamlConnectionObject::from(&now), "SAML connection changed:")
            }
            Self::Refresh(refresh) => {
                let id = refresh.connection;
                let principal = Principal::operator(saml::environment_of(&state, id).await?);
                let now = metadata::refresh::refresh_now(&state, &principal, id)
                    .await
                    .map_err(field_flags::cli_error)?;
                output::resource(refresh.json, &SamlConnectionObject::from(&now), "Metadata refreshed:")
            }
            Self::Delete(delete) => {
                let id = delete.connection;
                let environment = saml::environment_of(&state, id).await?;
                saml::remove(&state, &Principal::operator(environment), id, None)
                    .await
                    .map_err(field_flags::cli_error)?;
                output::line(&format!("{id} was deleted; its logins stay as history"));
                Ok(())
            }
            Self::List(list) => {
                let principal = operator_for(&state, list.organization).await?;
                let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
                loop {
                    let page = saml::list(&state, &principal, list.organization, &query).await?;
                    for view in &page.items {
                        if list.json {
                            output::line(&serde_json::to_string(&SamlConnectionObject::from(view))?);
                        } else {
                            let connection = &view.connection;
                            output::line(&format!(
                                "{}  {}  {}{}",
                                connection.id,
                                if connection.primary { "primary" } else { "       " },
                                connection.idp_entity_id.as_deref().unwrap_or("not configured"),
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

async fn operator_for(state: &State, organization: OrganizationId) -> anyhow::Result<Principal> {
    Ok(Principal::operator(organizations::environment_of(state, organization).await?))
}
