//! `ostiary application`.

use clap::{Args, Subcommand, ValueEnum};
use model::{
    application::{ClientKind, Workspace},
    oauth_client::OauthClient,
};
use serde::Serialize;
use serde_json::json;

use super::{
    applications::{self, Chosen, one, rotation},
    field_flags, ids, installation, output,
    settings_args::SettingsArgs,
};
use crate::app::{
    State,
    applications::{ApplicationChange, NewApplication, create, owner, vendor},
    environments,
    pagination::PageQuery,
    principal::Principal,
    resource,
};

/// Applications: clients of an environment's own issuers
#[derive(Debug, Subcommand)]
pub(super) enum Application {
    Create(Box<Create>),
    List(List),
    Disable(Disable),
    Enable(Enable),
    Delete(Delete),
    RotateSecret(RotateSecret),
}

/// The kind of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// An app with a server.
    Web,
    /// An app in a browser or on a device; it has no secret.
    Public,
    /// A program that acts for itself.
    Service,
}

/// Create an application; its secret is shown only once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary application create --environment prod --name billing \\
      --scope invoices.read --json
  ostiary application create --environment prod --name portal \\
      --redirect-uri https://app.example.com/callback
  ostiary application create --environment prod --name \"B2B App\" \\
      --grant client_credentials --grant organization_switch \\
      --audience application --role \"App Admin\" \\
      --share all-existing-and-future --scope internal_organization_create")]
pub(super) struct Create {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// web, public or service; service without a redirect URI, else web
    #[arg(long, value_name = "KIND")]
    kind: Option<Kind>,
    /// The organization that owns it: its id or its alias
    #[arg(long, value_name = "ORGANIZATION")]
    organization: Option<String>,
    #[command(flatten)]
    settings: ApplicationChange,
    /// A role that is made with it: its own, or of your own organization, as --audience says
    #[arg(long, value_name = "NAME")]
    role: Option<String>,
    /// What that role permits
    #[arg(long = "role-permission", value_name = "SCOPE", requires = "role")]
    role_permissions: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List the applications of an environment, and its OAuth clients
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary application list --environment prod
  ostiary application list --environment prod --json
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
    "Switch an application off: its tokens end at once",
    "Examples:\n  ostiary application disable --environment prod app_…"
);
one!(
    Enable,
    "Switch an application on again",
    "Examples:\n  ostiary application enable --environment prod app_…"
);
rotation!(
    "Make a new secret for an application; it is shown only once",
    "Examples:\n  ostiary application rotate-secret --environment prod app_…\n  ostiary application rotate-secret --environment prod app_… --overlap 0"
);

/// Delete an application; its tokens end at once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary application delete --environment prod app_…")]
pub(super) struct Delete {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// The application's id
    #[arg(value_parser = ids::parse::<base::id::ApplicationKind>)]
    id: base::id::ApplicationId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// None of them administers the environment.
const NONE: Option<Workspace> = None;

/// An OAuth client, as one of the applications.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OauthClientLine<'a> {
    id: base::id::OauthClientId,
    client_id: base::id::OauthClientId,
    kind: &'static str,
    display_name: &'a str,
    disabled: bool,
}

impl Application {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run(settings).await,
            Self::List(List { environment, json }) => {
                let state = installation::open(settings).await?;
                let environment = environments::find(&state, &environment).await?;
                let principal = Principal::operator(environment.id);
                applications::list(&state, &principal, NONE, json).await?;
                list_oauth_clients(&state, &principal, json).await
            }
            Self::Disable(Disable { environment, id, json }) => {
                Chosen::find(settings, &environment, id, NONE).await?.switch(true, json).await
            }
            Self::Enable(Enable { environment, id, json }) => {
                Chosen::find(settings, &environment, id, NONE).await?.switch(false, json).await
            }
            Self::Delete(Delete { environment, id, json }) => {
                Chosen::find(settings, &environment, id, NONE).await?.delete(json).await
            }
            Self::RotateSecret(RotateSecret { environment, id, overlap, json }) => {
                Chosen::find(settings, &environment, id, NONE).await?.rotate(overlap, json).await
            }
        }
    }
}

impl Create {
    async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        if self.settings.display_name.as_deref().unwrap_or_default().trim().is_empty() {
            anyhow::bail!("an application needs a name for people: give one with --name NAME");
        }
        let state = installation::open(settings).await?;
        let environment = environments::find(&state, &self.environment).await?;
        let principal = Principal::operator(environment.id);
        let redirects = self.settings.redirect_uris.as_ref().is_some_and(|uris| !uris.is_empty());
        let kind = match self.kind {
            Some(Kind::Web) => ClientKind::Web,
            Some(Kind::Public) => ClientKind::Public,
            Some(Kind::Service) => ClientKind::Service,
            None if redirects => ClientKind::Web,
            None => ClientKind::Service,
        };
        let organization_id = match &self.organization {
            Some(text) => Some(owner(&state, &principal, text).await?),
            None => None,
        };
        let new = NewApplication { kind, workspace: NONE, organization_id };
        let made = match &self.role {
            None => create(&state, &principal, new, &self.settings).await,
            Some(role) => {
                let permissions = &self.role_permissions;
                vendor::create_with_role(&state, &principal, new, &self.settings, role, permissions).await
            }
        };
        let made = made.map_err(field_flags::cli_error)?;
        let id = made.application.id;
        let view = match &made.secret {
            Some(secret) => json!({ "id": id, "clientId": id, "clientSecret": secret.reveal() }),
            None => json!({ "id": id, "clientId": id }),
        };
        output::resource(self.json, &view, "Application created; a secret is shown only once:")
    }
}

async fn list_oauth_clients(state: &State, principal: &Principal, json: bool) -> anyhow::Result<()> {
    let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
    loop {
        let page = resource::list::<OauthClient>(state, principal, &query).await?;
        for client in &page.items {
            let line = OauthClientLine {
                id: client.id,
                client_id: client.id,
                kind: "saml",
                display_name: &client.display_name,
                disabled: client.disabled,
            };
            output::line(&match json {
                true => serde_json::to_string(&line)?,
                false => format!(
                    "{}  {:8}  {}{}",
                    client.id,
                    line.kind,
                    client.display_name,
                    output::switched_off(client.disabled)
                ),
            });
        }
        if page.next_token.is_empty() {
            return Ok(());
        }
        query.token = Some(page.next_token);
    }
}
