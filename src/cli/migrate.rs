//! `ostiary migrate`.

use base::{
    random::SystemRandom,
    time::{Clock as _, SystemClock},
};
use clap::Args;

use super::{output, settings_args::SettingsArgs};
use crate::{app::audit, server, store::SchemaFault, telemetry};

/// Apply the database's missing migrations
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary migrate --database-url postgres://ostiary@db/ostiary
  ostiary migrate --check
      changes nothing; exits with 1 and lists the missing migrations, if any

Both need the master key that `ostiary serve` will have, and refuse one that
does not fit the database. Several may run at once: they wait for one another.")]
pub(super) struct Migrate {
    /// Only list the missing migrations, and check the master key
    #[arg(long)]
    check: bool,
}

impl Migrate {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let config = settings.load(&[])?;
        telemetry::start_logs(config.logs_are_json(), "warn");
        let url = &config.database_url;
        if self.check && url.sqlite_file().is_some_and(|file| !file.exists()) {
            // Opening the file would create it.
            anyhow::bail!("{url} does not exist: `ostiary migrate` creates it");
        }
        let db = server::open_database(&config).await?;
        let fault = db.schema_fault().await?;
        let lacking = match &fault {
            Some(fault) if self.check || matches!(fault, SchemaFault::Newer { .. }) => {
                format!("{url} {fault}\n")
            }
            _ => String::new(),
        };
        // A server that would refuse its key is told of here, before anything is changed.
        if let Err(error) = server::master_key::check(&config, &db).await {
            anyhow::bail!("{lacking}{error}");
        }
        match fault {
            None => {
                if !self.check {
                    db.migrate().await?;
                }
                match db.newer_schema().await? {
                    None => output::line(&format!("{url} is up to date")),
                    Some(newer) => output::line(&format!("{url} {newer}")),
                }
            }
            Some(SchemaFault::Missing(missing)) if !self.check => {
                db.migrate().await?;
                audit::record_migrations(&db, SystemClock.now(), &SystemRandom, &missing).await?;
                output::line(&format!("{url}: applied {}", missing.join(", ")));
            }
            Some(fault) => anyhow::bail!("{url} {fault}"),
        }
        db.close().await;
        Ok(())
    }
}
