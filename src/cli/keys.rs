//! `ostiary keys`.

use clap::{Args, Subcommand};

use super::{field_flags, installation, output, settings_args::SettingsArgs};
use crate::app::{
    authorization_server::signing_keys::{self, KeySummary},
    connections::saml::sp_keys::{self, SpKeySummary},
    environments,
    keys::{KeyOwner, Rotation},
};

/// The keys that sign ID tokens, and the SAML key pairs of the service provider
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    List(List),
    Rotate(Rotate),
}

/// List the keys with their stages
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary keys list
  ostiary keys list --sp prod
      the SAML key pairs of an environment; with --json their certificates too")]
pub(super) struct List {
    /// An environment's SAML key pairs instead: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    sp: Option<String>,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Replace the keys that sign now
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary keys rotate
      the new keys are published now and sign in an hour; the old ones stay
      published until their last token has expired: no login is interrupted
  ostiary keys rotate --compromised
      a key is compromised: within a minute, running servers sign with the new
      ones and no longer publish the old ones; clients may cache the old ones
      for 15 minutes more, so ask those who cannot wait to refetch the key set
  ostiary keys rotate --sp prod
      the SAML key pair that signs requests and decrypts assertions: the new
      certificate is in every connection's metadata now and signs in 14 days;
      the old key decrypts for 90 days more. In that time each customer's
      admin must import the metadata again, where requests are signed or
      assertions encrypted
  ostiary keys rotate --sp prod --compromised
      the new pair signs within a minute and the old one no longer decrypts:
      those logins fail until the customer's admin has imported the metadata
      again")]
pub(super) struct Rotate {
    /// An environment's SAML key pair instead: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    sp: Option<String>,
    /// A key is compromised: replace it without an overlap
    #[arg(long)]
    compromised: bool,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

impl Keys {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        if let Self::List(List { sp: Some(name), json }) | Self::Rotate(Rotate { sp: Some(name), json, .. }) =
            &self
        {
            let environment = environments::find(&state, name).await?.id;
            let keys = match &self {
                Self::List(_) => sp_keys::list(&state, environment).await,
                Self::Rotate(rotate) => sp_keys::rotate(&state, environment, rotate.rotation()).await,
            };
            return print(*json, &keys.map_err(field_flags::cli_error)?, format_key_pair);
        }
        let (keys, json) = match self {
            Self::List(list) => (signing_keys::list(&state, KeyOwner::Installation).await, list.json),
            Self::Rotate(rotate) => {
                (signing_keys::rotate(&state, KeyOwner::Installation, rotate.rotation()).await, rotate.json)
            }
        };
        print(json, &keys.map_err(field_flags::cli_error)?, format_key)
    }
}

impl Rotate {
    fn rotation(&self) -> Rotation {
        if self.compromised { Rotation::Compromised } else { Rotation::Overlapping }
    }
}

fn print<T: serde::Serialize>(json: bool, keys: &[T], format_key: fn(&T) -> String) -> anyhow::Result<()> {
    if json {
        output::line(&serde_json::to_string(keys)?);
    } else {
        keys.iter().for_each(|key| output::line(&format_key(key)));
    }
    Ok(())
}

fn format_key_pair(pair: &SpKeySummary) -> String {
    let until = pair.retired_at.map_or_else(String::new, |at| format!(", decrypts until {at}"));
    format!(
        "{}  {:?}: signs from {}{until}\n    certificate SHA-256 {}",
        pair.id, pair.stage, pair.active_from, pair.certificate_sha256
    )
}

fn format_key(key: &KeySummary) -> String {
    let until = key.retired_at.map_or_else(String::new, |at| format!(", published until {at}"));
    format!(
        "{}  {:<5}  {:?}: signs from {}{until}",
        key.kid,
        key.algorithm.as_str(),
        key.stage,
        key.active_from
    )
}
