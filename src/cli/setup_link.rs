//! `ostiary setup-link`.

use std::time::Duration;

use base::id::{OrganizationId, OrganizationKind, SetupLinkId, SetupLinkKind};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{field_flags, ids, installation, output, settings_args::SettingsArgs};
use crate::app::{
    environments, organizations,
    pagination::PageQuery,
    principal::Principal,
    setup::links::{self, NewSetupLink, SetupLinkObject},
};

/// Setup links: with one, a customer's IT admin connects their identity provider
#[derive(Debug, Subcommand)]
pub(super) enum SetupLink {
    Create(Create),
    List(List),
    Revoke(Revoke),
}

/// Create a setup link for an organization; its URL is shown only once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary setup-link create --organization org_…
      for single sign-on, user provisioning and domains
  ostiary setup-link create --organization org_… --saml --lifetime 604800
      for single sign-on only, valid for a week

Send the URL to the customer's IT admin. It works once and is redeemed by a
button, so that link previews do not use it up.")]
pub(super) struct Create {
    /// The organization's id
    #[arg(long, value_name = "ID", value_parser = ids::parse::<OrganizationKind>)]
    organization: OrganizationId,
    /// Allow setting up single sign-on; without any of the three, all are allowed
    #[arg(long)]
    saml: bool,
    /// Allow setting up user provisioning
    #[arg(long)]
    scim: bool,
    /// Allow adding and verifying domains
    #[arg(long)]
    domains: bool,
    /// For how many seconds it can be redeemed: up to 30 days [default: 86400]
    #[arg(long, value_name = "SECONDS")]
    lifetime: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List the setup links of an environment, or of one organization
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary setup-link list --environment prod
  ostiary setup-link list --organization org_… --json
      one JSON object a line")]
pub(super) struct List {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG", required_unless_present = "organization")]
    environment: Option<String>,
    /// Only those of this organization
    #[arg(long, value_name = "ID", conflicts_with = "environment", value_parser = ids::parse::<OrganizationKind>)]
    organization: Option<OrganizationId>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Revoke a setup link and end its sessions
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary setup-link revoke setup_link_…")]
pub(super) struct Revoke {
    /// The link's id
    #[arg(value_name = "ID", value_parser = ids::parse::<SetupLinkKind>)]
    link: SetupLinkId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A link with its URL, as JSON.
#[derive(Serialize)]
struct LinkWithUrl {
    url: String,
    #[serde(flatten)]
    link: SetupLinkObject,
}

impl SetupLink {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Create(create) => {
                let environment = organizations::environment_of(&state, create.organization).await?;
                let all = !create.saml && !create.scim && !create.domains;
                let wanted = NewSetupLink {
                    organization_id: create.organization,
                    can_manage_saml: all || create.saml,
                    can_manage_scim: all || create.scim,
                    can_manage_domains: all || create.domains,
                    lifetime: create.lifetime.map(Duration::from_secs),
                };
                let (link, url) = links::create(&state, &Principal::operator(environment), &wanted)
                    .await
                    .map_err(field_flags::cli_error)?;
                let made = LinkWithUrl { url, link: SetupLinkObject::at(state.now(), &link) };
                output::resource(create.json, &made, "Setup link created; its URL is shown only once:")
            }
            Self::List(list) => {
                let environment = match (&list.environment, list.organization) {
                    (_, Some(organization)) => organizations::environment_of(&state, organization).await?,
                    (name, None) => environments::find(&state, name.as_deref().unwrap_or_default()).await?.id,
                };
                let principal = Principal::operator(environment);
                let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
                loop {
                    let page = links::list(&state, &principal, list.organization, &query).await?;
                    for link in &page.items {
                        let now = state.now();
                        output::line(&match list.json {
                            true => serde_json::to_string(&SetupLinkObject::at(now, link))?,
                            false => format!(
                                "{}  {:8}  {}  until {}",
                                link.id,
                                link.status(now).as_str(),
                                link.organization_id,
                                link.expires_at
                            ),
                        });
                    }
                    if page.next_token.is_empty() {
                        return Ok(());
                    }
                    query.token = Some(page.next_token);
                }
            }
            Self::Revoke(revoke) => {
                let environment = links::environment_of(&state, revoke.link).await?;
                let link = links::revoke(&state, &Principal::operator(environment), revoke.link).await?;
                output::resource(revoke.json, &SetupLinkObject::at(state.now(), &link), "Setup link revoked:")
            }
        }
    }
}
