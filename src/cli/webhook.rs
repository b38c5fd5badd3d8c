//! `ostiary webhook`.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{field_flags, installation, output, settings_args::SettingsArgs};
use crate::app::{
    environments,
    pagination::PageQuery,
    principal::Principal,
    resource,
    webhooks::{self, WebhookChange, WebhookObject},
};

/// Webhooks: where events are delivered to your backend
#[derive(Debug, Subcommand)]
pub(super) enum Webhook {
    Create(Create),
    List(List),
}

/// Create a webhook; its signing secret is shown only once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary webhook create --environment prod --url https://app.example/hook
  ostiary webhook create --environment prod --url https://app.example/hook \\
      --event-type scim_user.deactivated --event-type scim_user.deleted

Messages are signed according to Standard Webhooks; its libraries take the
secret as it is.")]
pub(super) struct Create {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    #[command(flatten)]
    settings: WebhookChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List an environment's webhooks
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary webhook list --environment prod
  ostiary webhook list --environment prod --json
      one JSON object a line")]
pub(super) struct List {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// A webhook with its secret, as JSON.
#[derive(Serialize)]
struct WebhookWithSecret {
    #[serde(flatten)]
    webhook: WebhookObject,
    secret: String,
}

impl Webhook {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Create(create) => {
                let environment = environments::find(&state, &create.environment).await?;
                let principal = Principal::operator(environment.id);
                let made = webhooks::create(&state, &principal, &create.settings).await;
                let (webhook, secret) = made.map_err(field_flags::cli_error)?;
                let made =
                    WebhookWithSecret { webhook: WebhookObject::from(&webhook), secret: secret.reveal() };
                output::resource(
                    create.json,
                    &made,
                    "Webhook created; its signing secret is shown only once:",
                )
            }
            Self::List(list) => {
                let environment = environments::find(&state, &list.environment).await?;
                let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
                loop {
                    let principal = Principal::operator(environment.id);
                    let page = resource::list::<model::webhook::Webhook>(&state, &principal, &query).await?;
                    for webhook in &page.items {
                        if list.json {
                            output::line(&serde_json::to_string(&WebhookObject::from(webhook))?);
                        } else {
                            let state = match (webhook.disabled_at, webhook.failures) {
                                (Some(_), _) => "disabled",
                                (None, 0) => "enabled ",
                                (None, _) => "failing ",
                            };
                            output::line(&format!("{}  {state}  {}", webhook.id, webhook.url));
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
