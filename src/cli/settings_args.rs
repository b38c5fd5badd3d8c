//! The settings that a command line may give.

use std::path::PathBuf;

use clap::Args;

use crate::config::{Config, ConfigError, SETTINGS, Setting, Sources};

/// Settings given on the command line; they override environment variables and the file.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct SettingsArgs {
    /// A TOML file with settings [env: OSTIARY_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database: sqlite://FILE or postgres://USER:PASSWORD@HOST/DATABASE [env: OSTIARY_DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// The origin that browsers and identity providers use [env: OSTIARY_PUBLIC_URL]
    #[arg(long, global = true, value_name = "URL")]
    public_url: Option<String>,
    /// Any setting by its name: --set saml.clock_skew=30s (`ostiary config` lists them)
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = parse_setting)]
    settings: Vec<(&'static str, String)>,
}

fn parse_setting(text: &str) -> Result<(&'static str, String), String> {
    let (key, value) = text.split_once('=').ok_or("write NAME=VALUE, for example saml.clock_skew=30s")?;
    let setting = Setting::find(key)
        .ok_or_else(|| format!("there is no setting {key:?}; `ostiary config` lists all of them"))?;
    Ok((setting.key, value.to_owned()))
}

impl SettingsArgs {
    /// The sources of settings. `more` holds the command's own flags: flag, key, value.
    pub(super) fn sources(&self, more: &[(&str, &'static str, Option<&str>)]) -> Sources {
        let environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with("OSTIARY_"))
            .collect();
        let file = self.config.clone().or_else(|| {
            let named =
                environment.iter().find(|(name, value)| name == "OSTIARY_CONFIG" && !value.is_empty());
            named.map(|(_, value)| value.into())
        });
        let own = [
            ("--database-url", "database.url", self.database_url.as_deref()),
            ("--public-url", "public_url", self.public_url.as_deref()),
        ];
        let mut flags: Vec<(String, &'static str, String)> =
            self.settings.iter().map(|(key, value)| (format!("--set {key}"), *key, value.clone())).collect();
        for (flag, key, value) in own.iter().chain(more) {
            debug_assert!(SETTINGS.iter().any(|setting| setting.key == *key), "{key}");
            flags.extend(value.map(|value| ((*flag).to_owned(), *key, value.to_owned())));
        }
        Sources { file, environment, flags }
    }

    /// Loads and validates the settings.
    pub(super) fn load(&self, more: &[(&str, &'static str, Option<&str>)]) -> Result<Config, ConfigError> {
        Config::load(&self.sources(more))
    }
}
