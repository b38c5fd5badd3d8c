//! `ostiary environment`.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{SettingsArgs, output, session};
use crate::{
    app::environments::{self, EnvironmentChange},
    model::environment::{Environment as Model, IdpInitiated},
};

/// Environments: your production, your staging. Everything else belongs to one
#[derive(Debug, Subcommand)]
pub(super) enum Environment {
    Create(Create),
    List(List),
}

/// Make an environment
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary environment create --slug prod --display-name Production \\
      --redirect-url https://app.example.com/sso/callback \\
      --oauth-redirect-uri https://app.example.com/api/auth/callback/ostiary --json

`--redirect-url` is where people land after a login that the REST API began; `--oauth-redirect-uri`
(any number) are the ones that OAuth clients may name.")]
pub(super) struct Create {
    /// A short name, unique here: small letters, digits, hyphens
    #[arg(long)]
    slug: String,
    /// A name for people
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// Where people land after a login that the REST API began
    #[arg(long, value_name = "URL")]
    redirect_url: Option<String>,
    /// Where an OAuth client may ask to be sent; any number
    #[arg(long, value_name = "URI")]
    oauth_redirect_uri: Vec<String>,
    /// The origin that identity providers know, when it is not the public URL
    #[arg(long, value_name = "URL")]
    auth_url: Option<String>,
    /// What happens to a response that nobody asked for: ALLOW, RESTART (default) or REFUSE
    #[arg(long, value_name = "POLICY", ignore_case = true, value_parser = ["ALLOW", "RESTART", "REFUSE"])]
    idp_initiated: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List the environments
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary environment list
  ostiary environment list --json
      one JSON object a line")]
pub(super) struct List {
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// An environment as scripts see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View {
    id: String,
    slug: String,
    display_name: String,
    redirect_url: Option<String>,
    oauth_redirect_uris: Vec<String>,
    auth_url: Option<String>,
    idp_initiated: IdpInitiated,
    create_time: String,
}

impl From<Model> for View {
    fn from(environment: Model) -> Self {
        let text = |url: Option<crate::model::http_url::HttpUrl>| url.map(|url| url.to_string());
        Self {
            id: environment.id.to_string(),
            slug: environment.slug.to_string(),
            display_name: environment.display_name,
            redirect_url: text(environment.redirect_url),
            oauth_redirect_uris: environment.oauth_redirect_uris.iter().map(ToString::to_string).collect(),
            auth_url: text(environment.auth_url),
            idp_initiated: environment.idp_initiated,
            create_time: environment.created_at.to_string(),
        }
    }
}

impl Environment {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = session::open(settings).await?;
        match self {
            Self::Create(create) => {
                let json = create.json;
                let change = EnvironmentChange {
                    display_name: Some(create.display_name.unwrap_or_else(|| create.slug.clone())),
                    slug: Some(create.slug),
                    redirect_url: create.redirect_url,
                    oauth_redirect_uris: Some(create.oauth_redirect_uri),
                    auth_url: create.auth_url,
                    idp_initiated: create.idp_initiated.map(|policy| policy.to_ascii_uppercase()),
                };
                let made = environments::create(&state, &change).await.map_err(session::in_flags)?;
                output::created(json, &View::from(made), "Environment made:")
            }
            Self::List(list) => {
                let mut from = None;
                loop {
                    const PAGE: i64 = 100;
                    let page = environments::list(&state, from, PAGE).await?;
                    let full = i64::try_from(page.len()).is_ok_and(|length| length == PAGE);
                    from = page.last().map(|last| session::after(last.id));
                    for environment in page {
                        let view = View::from(environment);
                        if list.json {
                            output::line(&serde_json::to_string(&view)?);
                        } else {
                            output::line(&format!("{:<24} {}  {}", view.slug, view.id, view.display_name));
                        }
                    }
                    if !full {
                        return Ok(());
                    }
                }
            }
        }
    }
}
