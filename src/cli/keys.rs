//! `ostiary keys`.

use clap::{Args, Subcommand};

use super::{SettingsArgs, output, session};
use crate::app::signing_keys::{self, KeySummary, Rotation};

/// The keys that sign ID tokens
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    List(List),
    Rotate(Rotate),
}

/// List the keys and where each stands
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary keys list")]
pub(super) struct List {
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Put new keys in place of those that sign now
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary keys rotate
      the new keys are published now and sign in an hour; the old ones stay published until the last of
      their tokens is over, so nobody notices
  ostiary keys rotate --compromised
      somebody else knows a key: running servers sign with the new ones and publish the old ones no more
      within a minute; clients may keep the old ones for a quarter of an hour after that, so tell those
      who cannot wait to fetch the key set anew")]
pub(super) struct Rotate {
    /// A key is known to somebody else: do not overlap
    #[arg(long)]
    compromised: bool,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

impl Keys {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = session::open(settings).await?;
        let (keys, json) = match self {
            Self::List(list) => (signing_keys::list(&state).await, list.json),
            Self::Rotate(rotate) => {
                let rotation = if rotate.compromised { Rotation::Compromised } else { Rotation::Overlapping };
                (signing_keys::rotate(&state, rotation).await, rotate.json)
            }
        };
        let keys = keys.map_err(session::in_flags)?;
        if json {
            output::line(&serde_json::to_string(&keys)?);
        } else {
            for key in &keys {
                output::line(&described(key));
            }
        }
        Ok(())
    }
}

fn described(key: &KeySummary) -> String {
    let until = key.retired_at.map_or_else(String::new, |at| format!(", published until {at}"));
    format!(
        "{}  {:<5}  {:?}: signs from {}{until}",
        key.kid,
        key.algorithm.as_str(),
        key.stage,
        key.active_from
    )
}
