//! `ostiary compact`.

use clap::Args;

use super::{output, settings_args::SettingsArgs};
use crate::{server, store::FilePages, telemetry};

/// Rewrite an SQLite file without the space that it no longer needs
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary compact
      once for a file that a version up to 0.1 created: from then on the
      server gives free space back by itself

It needs free disk space of twice the file's size meanwhile. A server may run,
but cannot write meanwhile: it answers 503. PostgreSQL does this by itself.")]
pub(super) struct Compact {}

impl Compact {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let config = settings.load(&[])?;
        telemetry::start_logs(config.logs_are_json(), "warn");
        let url = &config.database_url;
        if config.database_url.sqlite_file().is_some_and(|file| !file.exists()) {
            // Opening the file would create it.
            anyhow::bail!("{url} does not exist");
        }
        let db = server::open_database(&config).await?;
        let Some(before) = db.file_pages().await? else {
            anyhow::bail!("{url} is not an SQLite file: PostgreSQL gives space back by itself");
        };
        db.compact().await?;
        let after = db.file_pages().await?.unwrap_or(before);
        db.close().await;
        let megabytes = |pages: FilePages| pages.total * pages.size / 1_000_000;
        output::line(&format!("{url}: {} MB, now {} MB", megabytes(before), megabytes(after)));
        Ok(())
    }
}
