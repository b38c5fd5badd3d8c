//! `ostiary oauth-client`.

use clap::{Args, Subcommand};

use super::{field_flags, ids, installation, output, settings_args::SettingsArgs};
use crate::app::{
    authorization_server::clients::{self, OauthClientChange, OauthClientObject},
    environments,
    principal::Principal,
    resource,
};

/// OAuth clients: apps that sign people in through OpenID Connect
#[derive(Debug, Subcommand)]
pub(super) enum OauthClient {
    Create(Create),
    Update(Update),
    Delete(Delete),
}

/// Create an OAuth client; its secret is shown only once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary oauth-client create --environment prod --json
  ostiary oauth-client create --environment prod --id-token-alg ES256 \\
      --initiate-login-uri https://app.example.com/login

Its redirect URIs are the environment's (`ostiary environment create
--oauth-redirect-uri`). Its id is the `client_id`; the issuer is the public URL
followed by /v1/oauth.")]
pub(super) struct Create {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    #[command(flatten)]
    settings: OauthClientChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Change an OAuth client; options that are not given stay as they are
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary oauth-client update --environment prod saml_oauth_client_… \\
      --initiate-login-uri https://app.example.com/login
  ostiary oauth-client update --environment prod saml_oauth_client_… --disabled")]
pub(super) struct Update {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// Its id
    #[arg(value_parser = ids::parse::<base::id::OauthClientKind>)]
    id: base::id::OauthClientId,
    #[command(flatten)]
    settings: OauthClientChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Delete an OAuth client and its access tokens
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary oauth-client delete --environment prod saml_oauth_client_…")]
pub(super) struct Delete {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// The client's id
    #[arg(value_parser = ids::parse::<base::id::OauthClientKind>)]
    id: base::id::OauthClientId,
}

impl OauthClient {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Create(create) => {
                let environment = environments::find(&state, &create.environment).await?;
                let principal = Principal::operator(environment.id);
                let made = clients::create(&state, &principal, &create.settings).await;
                let made = made.map_err(field_flags::cli_error)?;
                let view = OauthClientObject::created(&made.client, &made.secret);
                output::resource(create.json, &view, "OAuth client created; its secret is shown only once:")?;
                if !create.json {
                    output::line(&format!(
                        "  {:<24}  {}",
                        "issuer",
                        state.links_of(&environment).oauth_issuer()
                    ));
                }
                Ok(())
            }
            Self::Update(update) => {
                let environment = environments::find(&state, &update.environment).await?;
                let (principal, id) = (Principal::operator(environment.id), update.id);
                let changed = resource::update::<model::oauth_client::OauthClient>(
                    &state,
                    &principal,
                    id,
                    None,
                    &update.settings,
                );
                let now = changed.await.map_err(field_flags::cli_error)?;
                output::resource(update.json, &OauthClientObject::from(&now), "OAuth client changed:")
            }
            Self::Delete(delete) => {
                let environment = environments::find(&state, &delete.environment).await?;
                let id = delete.id;
                let principal = Principal::operator(environment.id);
                let removed =
                    resource::remove::<model::oauth_client::OauthClient>(&state, &principal, id, None);
                removed.await.map_err(field_flags::cli_error)?;
                output::line(&format!("{id} and its access tokens were deleted"));
                Ok(())
            }
        }
    }
}
