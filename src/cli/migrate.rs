//! `ostiary migrate`.

use clap::Args;

use super::{output, settings_args::SettingsArgs};
use crate::{server, telemetry};

/// Apply the database's missing migrations
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary migrate --database-url postgres://ostiary@db/ostiary
  ostiary migrate --check
      changes nothing; exits with 1 and lists the missing migrations, if any

Several may run at once: they wait for one another.")]
pub(super) struct Migrate {
    /// Only list the missing migrations
    #[arg(long)]
    check: bool,
}

impl Migrate {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let config = settings.load(&[])?;
        telemetry::start_logs(config.logs_are_json(), "warn");
        let db = server::open_database(&config).await?;
        let missing = db.migrations().await?.missing;
        if self.check {
            anyhow::ensure!(
                missing.is_empty(),
                "{} lacks migrations: {}",
                config.database_url,
                missing.join(", ")
            );
        } else {
            db.migrate().await?;
        }
        match missing.as_slice() {
            [] => output::line(&format!("{} is up to date", config.database_url)),
            applied => output::line(&format!("{}: applied {}", config.database_url, applied.join(", "))),
        }
        db.close().await;
        Ok(())
    }
}
