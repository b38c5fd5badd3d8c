//! `ostiary backup`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use base::time::{Clock as _, SystemClock, Timestamp};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{output, settings_args::SettingsArgs};
use crate::{
    config::Config,
    server::{self, master_key},
    store::{
        self, Db, SchemaFault, UnfinishedFile, check_backup, newest_known, postgres_dump,
        sealed_columns::MASTER_KEY_CHECK,
        settings::{self, LAST_BACKUP},
    },
    telemetry,
};

/// Back up the database while servers run, and check backups
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:
  ostiary backup /var/backups/ostiary
      a new file in this folder, with the time in its name
  ostiary backup verify /var/backups/ostiary/ostiary-20261130T030000Z.db

The master key is not part of a backup, and nothing in it can be opened without
the key: keep a copy of the key elsewhere. A database on PostgreSQL is backed up
by pg_dump; this command says how, and `ostiary backup verify` checks the dump."
)]
pub(super) struct Backup {
    #[command(subcommand)]
    command: Option<BackupCommand>,
    /// A new file, or a folder that gets one
    #[arg(value_name = "FILE|DIRECTORY", required = true)]
    target: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum BackupCommand {
    Verify(Verify),
}

/// Check that a backup is whole, fits this program, and opens with the master key
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary backup verify ostiary-20261130T030000Z.db
  ostiary backup verify ostiary.dump --record
      of PostgreSQL: also notes for `ostiary doctor` and the metrics when the
      database was backed up")]
pub(super) struct Verify {
    /// A backup, or a dump of pg_dump in any format
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Do not check the master key, where it is not at hand
    #[arg(long)]
    without_key: bool,
    /// Note the time of the dump in the database of the settings, of which it must be
    #[arg(long)]
    record: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What is known of a backup that can be restored.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BackupSummary {
    file: PathBuf,
    /// `sqlite`, or `postgres` for a dump.
    pub(super) kind: &'static str,
    /// In bytes; of a dump in a folder none.
    bytes: Option<u64>,
    /// When the file was last written.
    pub(super) made_at: Timestamp,
    /// The newest migration that it has.
    pub(super) migration: i64,
    /// The name of the master key that the installation is sealed with.
    master_key: String,
    /// The check of the master key, which tells the installation from others.
    #[serde(skip)]
    check: String,
}

impl Backup {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let config = settings.load(&[])?;
        telemetry::start_logs(config.logs_are_json(), "warn");
        match (self.command, self.target) {
            (Some(BackupCommand::Verify(verify)), _) => verify.run(&config).await,
            (None, Some(target)) => back_up(&config, &target, self.json).await,
            (None, None) => anyhow::bail!("name a file or a folder"),
        }
    }
}

async fn back_up(config: &Config, target: &Path, json: bool) -> anyhow::Result<()> {
    let url = &config.database_url;
    let Some(database) = url.sqlite_file() else {
        anyhow::bail!(
            "{url} is backed up by PostgreSQL's own pg_dump, while servers run:\n  \
             pg_dump --format=custom --no-owner --no-privileges --file={file} '{url}'\n\
             Then check the dump, and note its time:\n  ostiary backup verify {file} --record",
            file = target.display()
        );
    };
    if !database.exists() {
        // Opening the file would create it.
        anyhow::bail!("{url} does not exist");
    }
    let file = match target.is_dir() {
        true => target.join(name_of(SystemClock.now())),
        false => target.to_owned(),
    };
    let db = server::open_database(config).await?;
    let summary = write(&db, &file).await.with_context(|| file.display().to_string())?;
    // The backup is good, whatever becomes of the note.
    if let Err(error) = record(&db, summary.made_at).await {
        output::progress(&format!("the time of the backup could not be noted: {error}"));
    }
    db.close().await;
    report(&summary, json)
}

/// `ostiary-20261130T030000Z.db`.
fn name_of(now: Timestamp) -> String {
    let time: String =
        now.to_string().chars().take(19).filter(|letter| !matches!(letter, '-' | ':')).collect();
    format!("ostiary-{time}Z.db")
}

/// Writes a file that is whole when it has its name.
async fn write(db: &Db, file: &Path) -> anyhow::Result<BackupSummary> {
    let unfinished = UnfinishedFile::create(file)?;
    db.back_up_into(unfinished.path()).await?;
    let mut summary = inspect_sqlite(unfinished.path()).await?;
    unfinished.finish()?;
    summary.file = file.to_owned();
    Ok(summary)
}

/// Notes when the database was backed up, unless a later time is noted.
async fn record(db: &Db, at: Timestamp) -> store::Result<()> {
    let at = at.min(SystemClock.now());
    let mut tx = db.write().await?;
    let known = settings::find(&mut tx, LAST_BACKUP).await?.and_then(|known| known.parse::<i64>().ok());
    if known.is_none_or(|known| known < at.millis()) {
        settings::upsert(&mut tx, LAST_BACKUP, &at.millis().to_string()).await?;
    }
    tx.commit().await
}

impl Verify {
    async fn run(self, config: &Config) -> anyhow::Result<()> {
        let summary = inspect(&self.file).await?;
        if !self.without_key {
            summary.require_key(config)?;
        }
        if self.record {
            let db = server::open_database(config).await?;
            let check = settings::find_if_migrated(&mut db.read().await?, "master_key_check").await?;
            if check.as_deref() != Some(&*summary.check) {
                anyhow::bail!("{} is not a backup of {}", self.file.display(), config.database_url);
            }
            record(&db, summary.made_at).await?;
            db.close().await;
        }
        report(&summary, self.json)
    }
}

impl BackupSummary {
    /// Refuses a backup that the configured master key does not open.
    pub(super) fn require_key(&self, config: &Config) -> anyhow::Result<()> {
        match master_key::of_backup(config, &self.check) {
            Ok(_) => Ok(()),
            Err(error) => anyhow::bail!(
                "{} was sealed with the master key {}: {error}",
                self.file.display(),
                self.master_key
            ),
        }
    }
}

/// What is known of a file, if it can be restored.
pub(super) async fn inspect(file: &Path) -> anyhow::Result<BackupSummary> {
    let name = file.display().to_string();
    let mut head = Vec::new();
    if !file.is_dir() {
        use std::io::Read as _;
        fs::File::open(file).and_then(|file| file.take(6).read_to_end(&mut head)).context(name.clone())?;
    }
    match head == b"SQLite" {
        true => inspect_sqlite(file).await.context(name),
        false => inspect_dump(file).context(name),
    }
}

async fn inspect_sqlite(file: &Path) -> anyhow::Result<BackupSummary> {
    let db = check_backup(file).await?;
    let found = async {
        if let Some(fault @ SchemaFault::Newer { .. }) = db.schema_fault().await? {
            anyhow::bail!("{fault}");
        }
        let migration = db.newest_migration().await?;
        let check = settings::find_if_migrated(&mut db.read().await?, "master_key_check").await?;
        summary(file, "sqlite", migration, check)
    };
    let found = found.await;
    db.close().await;
    found
}

fn inspect_dump(file: &Path) -> anyhow::Result<BackupSummary> {
    let dump = postgres_dump::read(file)?;
    let schema = dump.schema();
    if let Some(fault @ SchemaFault::Newer { .. }) = schema.fault() {
        anyhow::bail!("{fault}");
    }
    summary(file, "postgres", schema.newest(), dump.settings.get("master_key_check").cloned())
}

fn summary(
    file: &Path,
    kind: &'static str,
    migration: i64,
    check: Option<String>,
) -> anyhow::Result<BackupSummary> {
    if migration == 0 {
        anyhow::bail!("is not a database of this program");
    }
    let Some(check) = check else {
        anyhow::bail!("holds nothing: no server has used the database, and no master key has sealed it");
    };
    let metadata = fs::metadata(file)?;
    let written = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(BackupSummary {
        file: file.to_owned(),
        kind,
        bytes: metadata.is_file().then_some(metadata.len()),
        made_at: Timestamp::from_millis(i64::try_from(written.as_millis()).unwrap_or_default()),
        migration,
        master_key: MASTER_KEY_CHECK.key_name(&check).unwrap_or_default().to_owned(),
        check,
    })
}

fn report(summary: &BackupSummary, json: bool) -> anyhow::Result<()> {
    if json {
        output::line(&serde_json::to_string(summary)?);
        return Ok(());
    }
    let size = summary.bytes.map(|bytes| format!("{:.1} MB, ", bytes as f64 / 1e6)).unwrap_or_default();
    let older = match summary.migration < newest_known() {
        true => ", of an earlier version: `ostiary migrate` brings it up to date once it is restored",
        false => "",
    };
    output::line(&format!(
        "{}: {size}whole, written {}, sealed with the master key {} (not part of it){older}",
        summary.file.display(),
        summary.made_at,
        summary.master_key,
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_has_its_time_in_its_name() {
        assert_eq!(name_of(Timestamp::from_seconds(1_796_008_227)), "ostiary-20261130T031027Z.db");
    }
}
