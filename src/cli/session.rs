//! `ostiary session`.

use std::time::Duration;

use base::id::{UserId, UserKind};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{field_flags, ids, installation, output, settings_args::SettingsArgs};
use crate::app::{
    accounts::user_sessions::{self, OperatorSession},
    environments,
    principal::Principal,
};

/// Sessions of users
#[derive(Debug, Subcommand)]
pub(super) enum Session {
    Create(Create),
}

/// Begin a session by your word alone, and print its access token
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary session create --environment prod --user usr_… --json
      as if they had signed in just now
  ostiary session create --environment prod --user usr_… \\
      --auth-time-offset -600
      as if they had signed in ten minutes ago

The user proves nothing: the token says so (amr: operator), and so does the
audit log.")]
pub(super) struct Create {
    /// The environment: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    environment: String,
    /// The user's id
    #[arg(long, value_name = "ID", value_parser = ids::parse::<UserKind>)]
    user: UserId,
    /// When they authenticated, in seconds from now: 0 or less
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, default_value_t = 0)]
    #[arg(value_parser = offset)]
    auth_time_offset: i64,
    /// Give it the standing of a tenant administrator, without a membership
    #[arg(long)]
    tenant_admin: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn offset(text: &str) -> Result<i64, &'static str> {
    let seconds = text.parse::<i64>().ok().filter(|seconds| *seconds <= 0);
    seconds.ok_or("it is a number of seconds, 0 or less: -600 is ten minutes ago")
}

/// What `session create` prints.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    access_token: String,
}

impl Session {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let Self::Create(create) = self;
        let state = installation::open(settings).await?;
        let environment = environments::find(&state, &create.environment).await?;
        let wanted = OperatorSession {
            user_id: create.user,
            authenticated_ago: Duration::from_secs(create.auth_time_offset.unsigned_abs()),
            tenant_admin: create.tenant_admin,
        };
        let principal = Principal::operator(environment.id);
        let made = user_sessions::create_by_operator(&state, &principal, wanted).await;
        let (_, access_token) = made.map_err(field_flags::cli_error)?;
        output::resource(create.json, &Created { access_token }, "Session begun; its access token:")
    }
}
