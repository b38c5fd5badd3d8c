//! `ostiary environment`.

use clap::{Args, Subcommand};

use super::{field_flags, installation, output, settings_args::SettingsArgs};
use crate::app::{
    environments::{self, EnvironmentChange, EnvironmentObject},
    principal::Principal,
    resource,
};

/// Environments, such as production and staging; everything else belongs to one
#[derive(Debug, Subcommand)]
pub(super) enum Environment {
    Create(Create),
    Update(Update),
    List(List),
}

/// Create an environment
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary environment create --slug prod --display-name Production \\
      --redirect-url https://app.example.com/sso/callback \\
      --oauth-redirect-uri https://app.example.com/api/auth/callback/ostiary

`--redirect-url` is where the browser goes after a login started by the REST
API; `--oauth-redirect-uri` (repeatable) are those that OAuth clients may use.")]
pub(super) struct Create {
    /// A short name, unique in the installation: lower-case letters, digits, hyphens
    #[arg(long)]
    slug: String,
    #[command(flatten)]
    settings: EnvironmentChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Change an environment; options that are not given stay as they are
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary environment update prod --redirect-url https://app.example.com/new
  ostiary environment update prod --oauth-redirect-uri https://a.example/cb \\
      --oauth-redirect-uri https://b.example/cb
      replaces the whole list")]
pub(super) struct Update {
    /// The environment: its id or its slug
    #[arg(value_name = "ID|SLUG")]
    environment: String,
    /// A new short name
    #[arg(long)]
    slug: Option<String>,
    #[command(flatten)]
    settings: EnvironmentChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List environments
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

impl Environment {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Create(create) => {
                let mut change = create.settings;
                change.display_name.get_or_insert_with(|| create.slug.clone());
                change.slug = Some(create.slug);
                let made = environments::create(&state, &Principal::OPERATOR, &change)
                    .await
                    .map_err(field_flags::cli_error)?;
                output::resource(create.json, &EnvironmentObject::from(&made), "Environment created:")
            }
            Self::Update(update) => {
                let found = environments::find(&state, &update.environment).await?;
                let change = EnvironmentChange { slug: update.slug, ..update.settings };
                let principal = Principal::operator(found.id);
                let changed = resource::update(&state, &principal, found.id, None, &change).await;
                let now: model::environment::Environment = changed.map_err(field_flags::cli_error)?;
                output::resource(update.json, &EnvironmentObject::from(&now), "Environment changed:")
            }
            Self::List(list) => {
                const PAGE: i64 = 100;
                let mut from = None;
                loop {
                    let page = environments::list(&state, from, PAGE).await?;
                    for environment in &page {
                        if list.json {
                            output::line(&serde_json::to_string(&EnvironmentObject::from(environment))?);
                        } else {
                            let slug = environment.slug.as_str();
                            output::line(&format!(
                                "{}  {slug:<24}  {}",
                                environment.id, environment.display_name
                            ));
                        }
                    }
                    match page.last() {
                        Some(last) if i64::try_from(page.len()).is_ok_and(|length| length == PAGE) => {
                            from = Some(installation::next_id(last.id));
                        }
                        _ => return Ok(()),
                    }
                }
            }
        }
    }
}
