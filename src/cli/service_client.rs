//! `ostiary service-client`.

use clap::{Args, Subcommand, ValueEnum};
use model::application::Workspace;
use serde_json::json;

use super::{
    applications::{self, Chosen, one, rotation},
    field_flags, ids, installation, output,
    settings_args::SettingsArgs,
};
use crate::app::{
    applications::{ApplicationChange, NewApplication, create},
    authorization_server::issuers,
    environments,
    principal::Principal,
};

/// Service clients: programs that administer an environment with access tokens
#[derive(Debug, Subcommand)]
pub(super) enum ServiceClient {
    Create(Create),
    List(List),
    Disable(Disable),
    Enable(Enable),
    Delete(Delete),
    RotateSecret(RotateSecret),
}

/// The workspace of a service client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WorkspaceName {
    /// The environment itself.
    System,
    /// The same.
    Api,
}

impl From<WorkspaceName> for Workspace {
    fn from(name: WorkspaceName) -> Self {
        match name {
            WorkspaceName::System | WorkspaceName::Api => Self::System,
        }
    }
}

/// Create a service client; its secret is shown only once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary service-client create --environment prod --name provisioning \\
      --scope manage_organizations --json

Its tokens come from PUBLIC_URL/SLUG/system/oauth2/token.")]
pub(super) struct Create {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// Where it administers; api is another name for system
    #[arg(long, value_name = "WORKSPACE", default_value = "system")]
    workspace: WorkspaceName,
    /// Its name for people
    #[arg(long, value_name = "NAME", value_parser = ids::name)]
    name: String,
    /// What it may ask for
    #[arg(long = "scope", value_name = "SCOPE", required = true)]
    scopes: Vec<String>,
    /// How its tokens are signed: ES256 (the default), RS256 or EdDSA
    #[arg(long, value_name = "ALGORITHM", value_parser = ["ES256", "RS256", "EdDSA"])]
    signing_alg: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List the service clients of an environment
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary service-client list --environment prod
  ostiary service-client list --environment prod --json
      one JSON object a line")]
pub(super) struct List {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

one!(
    Disable,
    "Switch a service client off: its tokens end at once",
    "Examples:\n  ostiary service-client disable --environment prod app_…"
);
one!(
    Enable,
    "Switch a service client on again",
    "Examples:\n  ostiary service-client enable --environment prod app_…"
);
rotation!(
    "Make a new secret for a service client; it is shown only once",
    "Examples:\n  ostiary service-client rotate-secret --environment prod app_…\n  ostiary service-client rotate-secret --environment prod app_… --overlap 0"
);

/// Delete a service client; its tokens end at once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary service-client delete --environment prod app_…")]
pub(super) struct Delete {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// The client's id
    #[arg(value_parser = ids::parse::<base::id::ApplicationKind>)]
    id: base::id::ApplicationId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// All of them administer the environment.
const SYSTEM: Option<Workspace> = Some(Workspace::System);

impl ServiceClient {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run(settings).await,
            Self::List(List { environment, json }) => {
                let state = installation::open(settings).await?;
                let environment = environments::find(&state, &environment).await?;
                applications::list(&state, &Principal::operator(environment.id), SYSTEM, json).await
            }
            Self::Disable(Disable { environment, id, json }) => {
                Chosen::find(settings, &environment, id, SYSTEM).await?.switch(true, json).await
            }
            Self::Enable(Enable { environment, id, json }) => {
                Chosen::find(settings, &environment, id, SYSTEM).await?.switch(false, json).await
            }
            Self::Delete(Delete { environment, id, json }) => {
                Chosen::find(settings, &environment, id, SYSTEM).await?.delete(json).await
            }
            Self::RotateSecret(RotateSecret { environment, id, overlap, json }) => {
                Chosen::find(settings, &environment, id, SYSTEM).await?.rotate(overlap, json).await
            }
        }
    }
}

impl Create {
    async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        let environment = environments::find(&state, &self.environment).await?;
        let change = ApplicationChange {
            display_name: Some(self.name),
            scopes: Some(self.scopes),
            signing_alg: self.signing_alg,
            ..ApplicationChange::default()
        };
        let new = NewApplication { workspace: Some(self.workspace.into()), ..NewApplication::SYSTEM };
        let made = create(&state, &Principal::operator(environment.id), new, &change)
            .await
            .map_err(field_flags::cli_error)?;
        let secret = made.secret.as_ref().map(|secret| secret.reveal());
        let view = json!({ "clientId": made.application.id, "clientSecret": secret });
        output::resource(self.json, &view, "Service client created; its secret is shown only once:")?;
        if !self.json {
            let tenant = issuers::tenant_of(&state, environment.id).await?;
            let endpoint = state.links.workspace_endpoint(&tenant.name, issuers::SYSTEM, "oauth2/token");
            output::line(&format!("  {:<24}  {endpoint}", "token endpoint"));
        }
        Ok(())
    }
}
