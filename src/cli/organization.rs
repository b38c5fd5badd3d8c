//! `ostiary organization`.

use base::id::{OrganizationId, OrganizationKind};
use clap::{Args, Subcommand};

use super::{field_flags, ids, installation, output, settings_args::SettingsArgs};
use crate::app::{
    environments,
    organizations::{self, OrganizationChange},
    pagination::PageQuery,
    principal::Principal,
    resource,
};

/// Organizations: your customers, each with the domains whose people may sign in
#[derive(Debug, Subcommand)]
pub(super) enum Organization {
    Create(Create),
    Update(Update),
    Delete(Delete),
    List(List),
}

/// Create an organization
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary organization create --environment prod --display-name Acme \\
      --external-id customer-42 --domain acme.com --domain acme.co.uk --json

Only people with an address at one of its domains can sign in; subdomains must
be listed themselves. A domain that already belongs to another organization
needs --share-domain: the identity provider of either can then sign in people
of both.")]
pub(super) struct Create {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    #[command(flatten)]
    settings: OrganizationChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Change an organization; options that are not given stay as they are
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary organization update org_… --domain acme.com --domain acme.co.uk
      replaces the whole list of domains
  ostiary organization update org_… --external-id customer-42
  ostiary organization update org_… --external-id '' --domain ''
      an empty value clears the setting; without a domain, nobody can sign in")]
pub(super) struct Update {
    /// The organization's id
    #[arg(value_name = "ID", value_parser = ids::parse::<OrganizationKind>)]
    organization: OrganizationId,
    #[command(flatten)]
    settings: OrganizationChange,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Delete an organization with its domains and connections
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary organization delete org_…

Its logins stay as history. This cannot be undone.")]
pub(super) struct Delete {
    /// The organization's id
    #[arg(value_name = "ID", value_parser = ids::parse::<OrganizationKind>)]
    organization: OrganizationId,
}

/// The settings as they were given. An empty domain stands for none.
fn given(mut settings: OrganizationChange) -> OrganizationChange {
    if let Some(domains) = &mut settings.domains {
        domains.retain(|domain| !domain.trim().is_empty());
    }
    settings
}

/// List an environment's organizations
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary organization list --environment prod
  ostiary organization list --environment prod --json
      one JSON object a line")]
pub(super) struct List {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Organization {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Create(create) => {
                let environment = environments::find(&state, &create.environment).await?;
                let change = given(create.settings);
                let principal = Principal::operator(environment.id);
                let made = organizations::create(&state, &principal, &change)
                    .await
                    .map_err(field_flags::cli_error)?;
                let made =
                    organizations::object(&state, &principal, &made).await.map_err(field_flags::cli_error)?;
                output::resource(create.json, &made, "Organization created:")
            }
            Self::Update(update) => {
                let id = update.organization;
                let principal = Principal::operator(organizations::environment_of(&state, id).await?);
                let now = organizations::update(&state, &principal, id, None, &given(update.settings))
                    .await
                    .map_err(field_flags::cli_error)?;
                let now =
                    organizations::object(&state, &principal, &now).await.map_err(field_flags::cli_error)?;
                output::resource(update.json, &now, "Organization changed:")
            }
            Self::Delete(delete) => {
                let id = delete.organization;
                let principal = Principal::operator(organizations::environment_of(&state, id).await?);
                let removed =
                    resource::remove::<model::organization::Organization>(&state, &principal, id, None);
                removed.await.map_err(field_flags::cli_error)?;
                output::line(&format!("{id} and its connections were deleted; its logins stay as history"));
                Ok(())
            }
            Self::List(list) => {
                let environment = environments::find(&state, &list.environment).await?;
                let principal = Principal::operator(environment.id);
                let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
                loop {
                    let page = organizations::list(&state, &principal, &query).await?;
                    let all = organizations::objects(&state, &principal, &page.items).await?;
                    for (organization, view) in page.items.iter().zip(all) {
                        if list.json {
                            output::line(&serde_json::to_string(&view)?);
                        } else {
                            let domains: Vec<String> = organization
                                .accepted_domains()
                                .map(|domain| match view.shares(domain) {
                                    true => format!("{domain} (shared)"),
                                    false => domain.to_string(),
                                })
                                .collect();
                            output::line(&format!(
                                "{}  {:<24}  {}{}",
                                organization.id,
                                organization.display_name,
                                domains.join(", "),
                                output::switched_off(organization.is_disabled())
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
