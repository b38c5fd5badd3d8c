//! `ostiary keys`.

use clap::{Args, Subcommand};

use super::{field_flags, installation, output, settings_args::SettingsArgs};
use crate::app::{
    State,
    authorization_server::{
        access_token_keys,
        signing_keys::{self, KeySummary},
    },
    connections::saml::sp_keys::{self, SpKeySummary},
    environments,
    keys::{
        KeyOwner, Rotation,
        master::{self, MasterKeyStage, MasterKeySummary},
    },
    principal::Principal,
};

/// The keys that sign ID tokens, the SAML key pairs of the service provider, and the master keys
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    List(List),
    Rotate(Rotate),
    Reseal(Reseal),
}

/// List the keys with their stages
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary keys list
  ostiary keys list --sp prod
      the SAML key pairs of an environment; with --json their certificates too
  ostiary keys list --issuer prod
      the keys of an environment's access tokens
  ostiary keys list --master
      the master keys, and how many stored values are sealed under each")]
pub(super) struct List {
    /// An environment's SAML key pairs instead: its id or its slug
    #[arg(long, value_name = "ID|SLUG")]
    sp: Option<String>,
    /// The keys of an environment's access tokens instead: its id or its slug
    #[arg(long, value_name = "ID|SLUG", conflicts_with = "sp")]
    issuer: Option<String>,
    /// The master keys instead
    #[arg(long, conflicts_with_all = ["sp", "issuer"])]
    master: bool,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Seal again, under the first master key, what older ones sealed
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary keys reseal

How a master key is replaced:
  1. Append the new key to the key file (or to OSTIARY_MASTER_KEY, after a
     comma), and restart every server: each can open what the new key seals.
  2. Put the new key first, and restart every server.
  3. Run `ostiary keys reseal`. Servers may run; it can be stopped at any time
     and run again.
  4. After an hour, when no login link of before is left, remove the old key
     and restart every server. One that starts earlier refuses.")]
pub(super) struct Reseal {
    /// Print one JSON array: the master keys afterwards
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
    /// The keys of an environment's access tokens instead: its id or its slug
    #[arg(long, value_name = "ID|SLUG", conflicts_with = "sp")]
    issuer: Option<String>,
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
        match self {
            Self::List(list) => list.run(&state).await,
            Self::Rotate(rotate) => rotate.run(&state).await,
            Self::Reseal(reseal) => reseal.run(&state).await,
        }
    }
}

impl List {
    async fn run(self, state: &State) -> anyhow::Result<()> {
        if self.master {
            return print(self.json, &master::list(&state.db, &state.master_key).await?, format_master_key);
        }
        if let Some(name) = &self.sp {
            let environment = environments::find(state, name).await?.id;
            return print(self.json, &sp_keys::list(state, environment).await?, format_key_pair);
        }
        if let Some(name) = &self.issuer {
            let environment = environments::find(state, name).await?.id;
            return print(self.json, &access_token_keys::list(state, environment).await?, format_key);
        }
        print(self.json, &signing_keys::list(state, KeyOwner::Installation).await?, format_key)?;
        // To count the values takes a while; with one master key there is nothing to do.
        if state.master_key.names().len() > 1 {
            for key in sealed_elsewhere(state).await? {
                output::progress(&format!("master key {}", format_master_key(&key)));
            }
        }
        Ok(())
    }
}

impl Reseal {
    async fn run(self, state: &State) -> anyhow::Result<()> {
        let resealed = master::reseal(state, &Principal::OPERATOR, |column, values| {
            output::progress(&format!("{}.{}: {values} sealed again", column.table, column.column));
        });
        let resealed = resealed.await.map_err(field_flags::cli_error)?;
        for value in &resealed.unreadable {
            output::progress(&format!("cannot be opened: {}: {}", value.place, value.reason));
        }
        print(self.json, &master::list(&state.db, &state.master_key).await?, format_master_key)?;
        let left = sealed_elsewhere(state).await?;
        let left: i64 =
            left.iter().filter(|key| key.stage != MasterKeyStage::Missing).map(|key| key.values).sum();
        anyhow::ensure!(
            resealed.unreadable.is_empty(),
            "{} values cannot be opened: the key that sealed them is not configured, or they were changed",
            resealed.unreadable.len()
        );
        anyhow::ensure!(
            left == 0,
            "{left} values are not sealed under the first master key: no older key may be removed. A server that runs \
             with another first key goes on sealing with it: restart it, and run this again"
        );
        Ok(())
    }
}

/// The keys other than the one that seals, under which something is sealed.
async fn sealed_elsewhere(state: &State) -> anyhow::Result<Vec<MasterKeySummary>> {
    let mut keys = master::list(&state.db, &state.master_key).await?;
    keys.retain(|key| key.stage != MasterKeyStage::Active && key.values > 0);
    Ok(keys)
}

fn format_master_key(key: &MasterKeySummary) -> String {
    let values = match key.values {
        1 => "1 value".to_owned(),
        values => format!("{values} values"),
    };
    let MasterKeySummary { name, .. } = key;
    match (key.stage, key.values) {
        (MasterKeyStage::Active, _) => format!("{name}  Active: seals; {values}"),
        (MasterKeyStage::Older, 0) => {
            format!("{name}  Not first: seals nothing; put it first if it is new, remove it if it is old")
        }
        (MasterKeyStage::Older, _) => format!("{name}  Older: {values} sealed; run `ostiary keys reseal`"),
        (MasterKeyStage::Missing, _) => format!("{name}  Missing: {values} cannot be opened without it"),
        (MasterKeyStage::Unsealed, _) => format!("(none)    {values} in clear; run `ostiary keys reseal`"),
    }
}

impl Rotate {
    async fn run(self, state: &State) -> anyhow::Result<()> {
        let rotation = self.rotation();
        if let Some(name) = &self.sp {
            let principal = Principal::operator(environments::find(state, name).await?.id);
            let keys = sp_keys::rotate(state, &principal, rotation).await;
            return print(self.json, &keys.map_err(field_flags::cli_error)?, format_key_pair);
        }
        if let Some(name) = &self.issuer {
            let environment = environments::find(state, name).await?.id;
            let principal = Principal::operator(environment);
            let keys = access_token_keys::rotate(state, &principal, environment, rotation).await;
            return print(self.json, &keys.map_err(field_flags::cli_error)?, format_key);
        }
        let keys = signing_keys::rotate(state, &Principal::OPERATOR, KeyOwner::Installation, rotation).await;
        print(self.json, &keys.map_err(field_flags::cli_error)?, format_key)
    }

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
