//! `ostiary admin`.

use clap::{Args, Subcommand};
use model::administrator::{Administrator, Role};
use serde_json::{Value, json};

use super::{field_flags, installation, output, settings_args::SettingsArgs};
use crate::app::{
    Error, State,
    administrators::{
        invitations::{self, InviteOutcome},
        roles::{self, RoleScope},
    },
    environments,
    pagination::PageQuery,
    principal::Principal,
};

/// Administrators: the people who can sign in to the console
#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    Invite(Invite),
    List(List),
    SetRole(SetRole),
    Revoke(Revoke),
    Reset(Reset),
}

/// Invite an administrator: print a one-time link
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary admin invite
      the first administrator: owner of every environment
  ostiary admin invite --email dana@example.com --role viewer --environment prod")]
pub(super) struct Invite {
    /// The address of the person invited; without it, the link works for anyone who has it
    #[arg(long, value_name = "ADDRESS", default_value = "", hide_default_value = true)]
    email: String,
    /// The role: viewer, admin or owner
    #[arg(long, default_value = "owner", value_parser = parse_role)]
    role: Role,
    /// The environment: its id or its slug; without it, every environment
    #[arg(long, value_name = "ID|SLUG")]
    environment: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// List administrators
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary admin list
  ostiary admin list --environment prod --json")]
pub(super) struct List {
    /// The environment: its id or its slug; without it, administrators of every environment
    #[arg(long, value_name = "ID|SLUG")]
    environment: Option<String>,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

/// Change an administrator's role
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary admin set-role --email dana@example.com --role viewer
  ostiary admin set-role --email dana@example.com --role admin \\
      --environment prod")]
pub(super) struct SetRole {
    /// The administrator's e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// The role: viewer, admin or owner
    #[arg(long, value_parser = parse_role)]
    role: Role,
    /// The environment: its id or its slug; without it, every environment
    #[arg(long, value_name = "ID|SLUG")]
    environment: Option<String>,
}

/// Remove an administrator's role; without any other role they can no longer sign in
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary admin revoke --email dana@example.com
  ostiary admin revoke --email dana@example.com --environment prod")]
pub(super) struct Revoke {
    /// The administrator's e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// The environment: its id or its slug; without it, every environment
    #[arg(long, value_name = "ID|SLUG")]
    environment: Option<String>,
}

/// Print a one-time link for an administrator who is locked out
#[derive(Debug, Args)]
#[command(after_help = "Opening the link removes their password and passkeys and ends their sessions.

Examples:
  ostiary admin reset --email dana@example.com")]
pub(super) struct Reset {
    /// The administrator's e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn parse_role(text: &str) -> Result<Role, String> {
    text.parse().map_err(|_| "must be viewer, admin or owner".to_owned())
}

async fn scope(state: &State, environment: Option<&str>) -> anyhow::Result<RoleScope> {
    Ok(match environment {
        None => RoleScope::Global(Principal::OPERATOR),
        Some(name) => RoleScope::Environment(Principal::operator(environments::find(state, name).await?.id)),
    })
}

/// Somebody whose role is in another scope is `NotFound`; the message points to `--environment`.
fn role_error(error: Error, who: &Administrator) -> anyhow::Error {
    match error {
        Error::NotFound { .. } => anyhow::anyhow!(
            "{} has no such role; --environment names one environment, and without it the role in every environment is meant",
            who.email
        ),
        other => field_flags::cli_error(other),
    }
}

impl Admin {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        match self {
            Self::Invite(invite) => invite.run(&state).await,
            Self::List(list) => list.run(&state).await,
            Self::SetRole(change) => {
                let scope = scope(&state, change.environment.as_deref()).await?;
                let who = roles::find_by_email(&state, &change.email).await?;
                roles::set_role(&state, &scope, who.id, change.role)
                    .await
                    .map_err(|error| role_error(error, &who))?;
                output::line(&format!("{} now has the role {}", who.email, change.role.as_str()));
                Ok(())
            }
            Self::Revoke(revoke) => {
                let scope = scope(&state, revoke.environment.as_deref()).await?;
                let who = roles::find_by_email(&state, &revoke.email).await?;
                roles::remove(&state, &scope, who.id).await.map_err(|error| role_error(error, &who))?;
                output::line(&format!("the role of {} was removed", who.email));
                Ok(())
            }
            Self::Reset(reset) => {
                let who = roles::find_by_email(&state, &reset.email).await?;
                let (invitation, token) = invitations::create_reset(&state, &Principal::OPERATOR, who.id)
                    .await
                    .map_err(field_flags::cli_error)?;
                let link = state.links.console_join(&token.reveal());
                let view =
                    json!({ "email": who.email.as_str(), "expiresAt": invitation.expires_at, "link": link });
                print_link(
                    reset.json,
                    &view,
                    "One-time link to set a new password or passkey; it is shown only once:",
                )
            }
        }
    }
}

impl Invite {
    async fn run(self, state: &State) -> anyhow::Result<()> {
        let scope = scope(state, self.environment.as_deref()).await?;
        let invited = invitations::create(state, &scope, &self.email, self.role)
            .await
            .map_err(field_flags::cli_error)?;
        match invited {
            InviteOutcome::Link(invitation, token) => {
                let view = json!({
                    "id": invitation.id,
                    "email": invitation.email.as_ref().map(|email| email.as_str()),
                    "role": self.role.as_str(),
                    "environmentId": invitation.grant.environment_id,
                    "expiresAt": invitation.expires_at,
                    "link": state.links.console_join(&token.reveal()),
                });
                print_link(self.json, &view, "One-time invitation link; it is shown only once:")
            }
            InviteOutcome::Added(who) => {
                let view = json!({ "email": who.email.as_str(), "role": self.role.as_str(), "link": null });
                print_link(
                    self.json,
                    &view,
                    "They already are an administrator and now have this role; no link is needed:",
                )
            }
        }
    }
}

fn print_link(json: bool, view: &Value, title: &str) -> anyhow::Result<()> {
    output::resource(json, view, title)
}

impl List {
    async fn run(self, state: &State) -> anyhow::Result<()> {
        let scope = scope(state, self.environment.as_deref()).await?;
        let mut query = PageQuery { token: None, size: Some("100".to_owned()) };
        loop {
            let page = roles::list(state, &scope, &query).await.map_err(field_flags::cli_error)?;
            for (who, role) in &page.items {
                if self.json {
                    let view = json!({
                        "id": who.id,
                        "email": who.email.as_str(),
                        "displayName": who.display_name,
                        "role": role.as_str(),
                        "createdAt": who.created_at,
                    });
                    output::line(&view.to_string());
                } else {
                    output::line(&format!("{:<6}  {}  {}", role.as_str(), who.email, who.display_name));
                }
            }
            if page.next_token.is_empty() {
                return Ok(());
            }
            query.token = Some(page.next_token);
        }
    }
}
