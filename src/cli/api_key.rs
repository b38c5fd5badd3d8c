//! `ostiary api-key`.

use clap::{Args, Subcommand};

use super::{field_flags, ids, installation, output, settings_args::SettingsArgs};
use crate::app::{
    environments::{
        self,
        api_keys::{self, ApiKeyChange, ApiKeyObject},
    },
    principal::Principal,
    resource,
};

/// API keys: how your backend authenticates, each for one environment
#[derive(Debug, Subcommand)]
pub(super) enum ApiKey {
    Create(Create),
    Update(Update),
    Delete(Delete),
}

/// Create an API key; its secret is shown only once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary api-key create --environment prod --json
      for starting and redeeming logins
  ostiary api-key create --environment prod --management --json
      for managing organizations and connections too")]
pub(super) struct Create {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    #[command(flatten)]
    settings: ApiKeyChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Change an API key; options that are not given stay as they are
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary api-key update --environment prod api_key_… --disabled
  ostiary api-key update --environment prod api_key_… --disabled=false")]
pub(super) struct Update {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// Its id
    #[arg(value_parser = ids::parse::<base::id::ApiKeyKind>)]
    id: base::id::ApiKeyId,
    #[command(flatten)]
    settings: ApiKeyChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Delete an API key; it stops working at once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary api-key delete --environment prod api_key_…")]
pub(super) struct Delete {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// The key's id (not its secret)
    #[arg(value_parser = ids::parse::<base::id::ApiKeyKind>)]
    id: base::id::ApiKeyId,
}

impl ApiKey {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Create(create) => {
                let environment = environments::find(&state, &create.environment).await?;
                let principal = Principal::operator(environment.id);
                let made = api_keys::create(&state, &principal, &create.settings).await;
                let (key, secret) = made.map_err(field_flags::cli_error)?;
                let view = ApiKeyObject::created(&key, &secret);
                output::resource(create.json, &view, "API key created; its secret is shown only once:")
            }
            Self::Update(update) => {
                let environment = environments::find(&state, &update.environment).await?;
                let (principal, id) = (Principal::operator(environment.id), update.id);
                let changed = resource::update::<model::api_key::ApiKey>(
                    &state,
                    &principal,
                    id,
                    None,
                    &update.settings,
                );
                let now = changed.await.map_err(field_flags::cli_error)?;
                output::resource(update.json, &ApiKeyObject::from(&now), "API key changed:")
            }
            Self::Delete(delete) => {
                let environment = environments::find(&state, &delete.environment).await?;
                let id = delete.id;
                let principal = Principal::operator(environment.id);
                api_keys::remove(&state, &principal, id, None).await.map_err(field_flags::cli_error)?;
                output::line(&format!("{id} was deleted"));
                Ok(())
            }
        }
    }
}
