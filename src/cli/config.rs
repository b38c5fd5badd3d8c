//! `ostiary config`.

use std::fmt::Write as _;

use clap::Args;

use super::{output, settings_args::SettingsArgs};
use crate::config::{Config, SETTINGS};

/// Show every setting: its meaning, how to set it, and its current value
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary config
      the current settings, as a TOML file with explanations
  ostiary config > ostiary.toml
      a file to start from
  ostiary config --markdown
      the reference, as in docs/configuration.md")]
pub(super) struct ConfigCommand {
    /// Print the reference in Markdown instead
    #[arg(long)]
    markdown: bool,
}

impl ConfigCommand {
    pub(super) fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        if self.markdown {
            output::raw(reference().as_bytes());
            return Ok(());
        }
        let sources = settings.sources(&[]);
        Config::load(&sources)?;
        let (given, _) = sources.values();
        let mut text = String::from(
            "# Ostiary's settings. Environment variables win over this file, and the command line over both.\n",
        );
        for setting in SETTINGS {
            writeln!(text, "\n# {}", setting.description)?;
            writeln!(text, "# {} [env: {}]", setting.syntax, setting.variable())?;
            match given.get(setting.key) {
                Some(given) if setting.secret => {
                    writeln!(text, "# {} is set by {}", setting.key, given.name)?
                }
                Some(given) => {
                    writeln!(
                        text,
                        "{} = {} # by {}",
                        setting.key,
                        toml::Value::from(given.value.as_str()),
                        given.name
                    )?;
                }
                None => writeln!(text, "# {} = {}", setting.key, toml::Value::from(setting.default))?,
            }
        }
        output::raw(text.as_bytes());
        Ok(())
    }
}

/// The whole text of `docs/configuration.md`.
pub fn reference() -> String {
    let mut text = String::from(
        "# Configuration\n\n\
         <!-- Made by `ostiary config --markdown`; a test compares. -->\n\n\
         Settings come from, the later winning: the defaults below, a TOML file (`--config FILE` or \
         `OSTIARY_CONFIG`), environment variables, the command line (`--listen`, `--public-url`, `--database-url`, \
         or `--set NAME=VALUE` for any of them). A wrong setting is refused at start by its name, and so is a \
         misspelt one; other variables that begin with `OSTIARY_` are named in a warning. A secret may stand in a file \
         that a variable names: `OSTIARY_DATABASE_URL_FILE` for `OSTIARY_DATABASE_URL`, and so on. `ostiary config` \
         prints what is in force.\n\n\
         In the TOML file a name with a dot is a key in a table: `saml.clock_skew` is `clock_skew` under `[saml]`, \
         or `saml.clock_skew = \"30s\"`. Durations are a number and a unit: `90s`, `10m`, `24h`, `30d`.\n\n\
         | Setting | Variable | Default | Values |\n|---|---|---|---|\n",
    );
    for setting in SETTINGS {
        let default =
            if setting.default.is_empty() { "–".to_owned() } else { format!("`{}`", setting.default) };
        let _ = writeln!(
            text,
            "| [`{}`](#{}) | `{}` | {default} | {} |",
            setting.key,
            setting.key.replace('.', ""),
            setting.variable(),
            setting.syntax.replace('|', "\\|"),
        );
    }
    for setting in SETTINGS {
        let _ = write!(text, "\n### {}\n\n{}\n", setting.key, setting.description);
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_documented_settings_are_the_real_ones() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
        let documented = std::fs::read_to_string(file).unwrap();
        assert!(
            documented == super::reference(),
            "docs/configuration.md is not what the settings are: cargo run -- config --markdown > docs/configuration.md"
        );
    }
}
