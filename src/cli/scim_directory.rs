//! `ostiary scim-directory`.

use std::time::Duration;

use base::id::{OrganizationId, OrganizationKind, ScimDirectoryId, ScimDirectoryKind};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{field_flags, ids, installation, output, settings_args::SettingsArgs};
use crate::app::{
    State,
    directories::{self, DEFAULT_OVERLAP, ScimDirectoryChange, ScimDirectoryObject},
    organizations,
    pagination::PageQuery,
    principal::Principal,
};

/// SCIM directories: where a customer's identity provider pushes its people and groups
#[derive(Debug, Subcommand)]
pub(super) enum ScimDirectory {
    Create(Create),
    Update(Update),
    List(List),
    Rotate(Rotate),
}

/// Create a SCIM directory of an organization, with a bearer token that is shown only once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary scim-directory create --organization org_… --json
      prints the base URL and the token that the customer's admin enters
  ostiary scim-directory create --organization org_… \\
      --require-provisioned-logins
      only people who are active in the directory may sign in

The organization's first directory becomes its primary one.")]
pub(super) struct Create {
    /// The organization's id
    #[arg(long, value_name = "ID", value_parser = ids::parse::<OrganizationKind>)]
    organization: OrganizationId,
    #[command(flatten)]
    settings: ScimDirectoryChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Change a SCIM directory; options that are not given stay as they are
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary scim-directory update scim_directory_… --disabled
      SCIM requests are refused; what it holds is kept
  ostiary scim-directory update scim_directory_… --require-provisioned-logins")]
pub(super) struct Update {
    /// The directory's id
    #[arg(value_name = "ID", value_parser = ids::parse::<ScimDirectoryKind>)]
    directory: ScimDirectoryId,
    #[command(flatten)]
    settings: ScimDirectoryChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List an organization's SCIM directories
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary scim-directory list --organization org_…
  ostiary scim-directory list --organization org_… --json
      one JSON object a line")]
pub(super) struct List {
    /// The organization's id
    #[arg(long, value_name = "ID", value_parser = ids::parse::<OrganizationKind>)]
    organization: OrganizationId,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Create a new bearer token for a SCIM directory, which is shown only once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary scim-directory rotate scim_directory_…
      the previous token works for one more day
  ostiary scim-directory rotate scim_directory_… --overlap 0 --json
      the previous token stops working now")]
pub(super) struct Rotate {
    /// The directory's id
    #[arg(value_name = "ID", value_parser = ids::parse::<ScimDirectoryKind>)]
    directory: ScimDirectoryId,
    /// For how many seconds the previous tokens keep working [default: 86400]
    #[arg(long, value_name = "SECONDS")]
    overlap: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A directory with its new token, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DirectoryWithToken {
    #[serde(flatten)]
    directory: ScimDirectoryObject,
    bearer_token: String,
}

impl ScimDirectory {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Create(create) => {
                let environment = organizations::environment_of(&state, create.organization).await?;
                let principal = Principal::operator(environment);
                let mut change = create.settings;
                if change.primary.is_none() {
                    let query = PageQuery::default();
                    let others = directories::list(&state, &principal, create.organization, &query).await?;
                    change.primary = Some(others.items.is_empty());
                }
                let made = directories::create(&state, &principal, create.organization, &change)
                    .await
                    .map_err(field_flags::cli_error)?;
                let title = "SCIM directory created; its bearer token is shown only once:";
                rotate(&state, &principal, made.directory.id, DEFAULT_OVERLAP, create.json, title).await
            }
            Self::Update(update) => {
                let principal =
                    Principal::operator(directories::environment_of(&state, update.directory).await?);
                let changed =
                    directories::update(&state, &principal, update.directory, None, &update.settings).await;
                let now = changed.map_err(field_flags::cli_error)?;
                output::resource(update.json, &ScimDirectoryObject::from(&now), "SCIM directory changed:")
            }
            Self::Rotate(wanted) => {
                let environment = directories::environment_of(&state, wanted.directory).await?;
                let overlap = wanted.overlap.map_or(DEFAULT_OVERLAP, Duration::from_secs);
                let title = "New bearer token; it is shown only once:";
                let principal = Principal::operator(environment);
                rotate(&state, &principal, wanted.directory, overlap, wanted.json, title).await
            }
            Self::List(list) => {
                let environment = organizations::environment_of(&state, list.organization).await?;
                let principal = Principal::operator(environment);
                let quota = state.settings.scim_quotas.directory;
                let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
                loop {
                    let page = directories::list(&state, &principal, list.organization, &query).await?;
                    for view in &page.items {
                        if list.json {
                            output::line(&serde_json::to_string(&ScimDirectoryObject::from(view))?);
                        } else {
                            output::line(&format!(
                                "{}  {}  {}  {} tokens, {} users, {} groups, {} MiB stored, {} MiB written today{}{}",
                                view.directory.id,
                                if view.directory.primary { "primary" } else { "       " },
                                view.directory.scim_base_url,
                                view.tokens.len(),
                                view.usage.user_count,
                                view.usage.group_count,
                                view.usage.stored_bytes >> 20,
                                view.usage.day_bytes >> 20,
                                match quota.near(&view.usage).as_slice() {
                                    [] => String::new(),
                                    near => format!("  nearly or wholly used up: {}", near.join(", ")),
                                },
                                output::switched_off(view.directory.disabled),
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

/// Creates a token for a directory and prints both.
async fn rotate(
    state: &State,
    principal: &Principal,
    id: ScimDirectoryId,
    overlap: Duration,
    json: bool,
    title: &str,
) -> anyhow::Result<()> {
    let token =
        directories::rotate(state, principal, id, None, overlap).await.map_err(field_flags::cli_error)?;
    let directory = directories::find(state, principal, id).await?;
    let directory = ScimDirectoryObject::from(&directory);
    output::resource(json, &DirectoryWithToken { directory, bearer_token: token.reveal() }, title)
}
