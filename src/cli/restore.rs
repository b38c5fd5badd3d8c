//! `ostiary restore`.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use base::{
    random::SystemRandom,
    time::{Clock as _, SystemClock},
};
use clap::Args;

use super::{
    backup::{self, BackupSummary},
    output,
    settings_args::SettingsArgs,
};
use crate::{
    app::audit,
    config::{Config, DatabaseUrl},
    server,
    store::{
        Db, UnfinishedFile, check_backup, files_beside, postgres_dump, schema_tables,
        settings::{self, LAST_BACKUP},
    },
    telemetry,
};

/// Put a backup in the place of the database
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary restore /var/backups/ostiary/ostiary-20261130T030000Z.db
      stop the server before, and move the old file away: it is not overwritten
  ostiary restore ostiary.dump --database-url postgres://ostiary@db/ostiary
      of PostgreSQL: checks the dump and the empty database, and says which
      pg_restore to run

The backup must be whole, of this version or an earlier one, and sealed with the
master key of the settings. It is only read.")]
pub(super) struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Restore {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let config = settings.load(&[])?;
        telemetry::start_logs(config.logs_are_json(), "warn");
        let backup = backup::inspect(&self.file).await?;
        backup.require_key(&config)?;
        match (&config.database_url, backup.kind) {
            (DatabaseUrl::Sqlite(database), "sqlite") => restore(&self.file, database, &backup).await?,
            (DatabaseUrl::Postgres(_), "postgres") => return say_how(&self.file, &config).await,
            (url, kind) => anyhow::bail!(
                "{} is of {kind}, and {url} is not: restore it into a database of its own kind, then move that with \
                 `ostiary copy`",
                self.file.display()
            ),
        }
        output::line(&format!("{}: restored from {}", config.database_url, self.file.display()));
        Ok(())
    }
}

async fn restore(file: &Path, database: &Path, backup: &BackupSummary) -> anyhow::Result<()> {
    if server::is_served(database).with_context(|| format!("the lock of {}", database.display()))? {
        anyhow::bail!("a server has {} open: stop it first", database.display());
    }
    for there in [database.to_owned()].into_iter().chain(files_beside(database)) {
        if there.symlink_metadata().is_ok() {
            anyhow::bail!("{} is there: move it away first; it is not overwritten", there.display());
        }
    }
    let place = || database.display().to_string();
    let mut unfinished = UnfinishedFile::create(database).with_context(place)?;
    unfinished.copy_from(file).with_context(place)?;
    // What was read may not be what was written.
    check_backup(unfinished.path()).await.with_context(place)?.close().await;
    let db =
        Db::connect(&format!("sqlite://{}", unfinished.path().display()), 1).await.with_context(place)?;
    let mut tx = db.write().await?;
    settings::upsert(&mut tx, LAST_BACKUP, &backup.made_at.millis().to_string()).await?;
    tx.commit().await?;
    if db.schema_fault().await?.is_none() {
        audit::record_restoration(&db, SystemClock.now(), &SystemRandom, backup.made_at).await?;
    }
    db.close().await;
    unfinished.finish().with_context(place)
}

/// PostgreSQL restores by its own means.
async fn say_how(file: &Path, config: &Config) -> anyhow::Result<()> {
    let db = server::open_database(config).await?;
    let tables = schema_tables::tables(&mut db.read().await?).await?;
    db.close().await;
    let url = &config.database_url;
    if let Some(table) = tables.first() {
        anyhow::bail!("{url} is not empty (it has the table {}): create a new database", table.name);
    }
    let shown = file.display();
    output::line(&format!("{shown} is whole, and {url} is empty. Restore it with:"));
    output::line(&match postgres_dump::is_archive(file)? {
        true => format!(
            "  pg_restore --exit-on-error --single-transaction --no-owner --no-privileges --dbname='{url}' {shown}"
        ),
        false => format!("  psql --single-transaction --set=ON_ERROR_STOP=1 --dbname='{url}' --file={shown}"),
    });
    Ok(())
}
