//! `ostiary copy`.

use std::path::PathBuf;

use anyhow::Context as _;
use base::{
    random::SystemRandom,
    time::{Clock as _, SystemClock},
};
use clap::Args;
use model::master_key::MasterKey;

use super::{
    output::{self, ProgressBar},
    settings_args::SettingsArgs,
};
use crate::{
    app::database_copy::{self, Copied, Phase, Progress, Side},
    config::{Config, DatabaseUrl},
    server::{self, master_key},
    store::Db,
    telemetry,
};

/// Copy a whole installation into another database: from SQLite to PostgreSQL, or back
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary copy --from sqlite://ostiary.db \\
      --to postgres://ostiary@db/ostiary --to-master-key-file new.key
      stop the servers before; the target must be empty
  ostiary copy --to postgres://ostiary@db/ostiary
      from the database of the settings

What is sealed is sealed anew if the target has another master key. Killed at
any moment, it goes on where it was when it is run again; no server starts on
a target before it is complete. At the end every table of both is compared by
its count and a digest of its rows. The source is only read.")]
pub(super) struct Copy {
    /// The database to copy; default: that of the settings
    #[arg(long, value_name = "URL", required_unless_present = "to")]
    from: Option<DatabaseUrl>,
    /// The empty database to fill; default: that of the settings
    #[arg(long, value_name = "URL")]
    to: Option<DatabaseUrl>,
    /// The file of the source's master key, if it is not that of the settings
    #[arg(long, value_name = "FILE")]
    from_master_key_file: Option<PathBuf>,
    /// The file of the target's master key, if it is not that of the settings
    #[arg(long, value_name = "FILE")]
    to_master_key_file: Option<PathBuf>,
    /// Print one JSON object: the tables with their counts and digests
    #[arg(long)]
    json: bool,
}

impl Copy {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let config = settings.load(&[])?;
        telemetry::start_logs(config.logs_are_json(), "warn");
        let named = |url: &Option<DatabaseUrl>| url.clone().unwrap_or_else(|| config.database_url.clone());
        let from = of_database(&config, named(&self.from), self.from_master_key_file);
        let to = of_database(&config, named(&self.to), self.to_master_key_file);
        if from.database_url == to.database_url {
            anyhow::bail!("--from and --to name the same database: {}", from.database_url);
        }
        if let Some(file) = from.database_url.sqlite_file() {
            if !file.exists() {
                // Opening the file would create it.
                anyhow::bail!("{} does not exist", from.database_url);
            }
            if server::is_served(file).with_context(|| format!("the lock of {}", file.display()))? {
                anyhow::bail!("{} is in use: stop the server, then run this again", from.database_url);
            }
        }
        let (source, target) = (open(&from).await?, open(&to).await?);
        let outcome = copy(&from, &to, &source, &target).await;
        source.close().await;
        target.close().await;
        let copied = outcome?;
        if self.json {
            output::line(&serde_json::to_string(&copied)?);
        } else {
            output::line(&summary(&copied, &to.database_url));
        }
        Ok(())
    }
}

/// The settings for one of the two databases.
fn of_database(config: &Config, url: DatabaseUrl, key_file: Option<PathBuf>) -> Config {
    let mut config = Config { database_url: url, ..config.clone() };
    if key_file.is_some() {
        config.master_key = None;
        config.master_key_file = key_file;
    }
    config
}

/// Opens a database. Sessions on PostgreSQL have a name of their own, so that others are told from them.
async fn open(config: &Config) -> anyhow::Result<Db> {
    let mut config = config.clone();
    if let DatabaseUrl::Postgres(url) = &mut config.database_url {
        let joint = if url.contains('?') { '&' } else { '?' };
        url.push_str(&format!("{joint}application_name=ostiary-copy-{}", std::process::id()));
    }
    Ok(server::open_database(&config).await?)
}

/// The master key of the source: that of the settings, or the one in the file beside it.
async fn key_of_source(config: &Config, db: &Db) -> anyhow::Result<MasterKey> {
    let refused = match master_key::open(config, db, None).await {
        Ok(key) => return Ok(key),
        Err(error) => error,
    };
    let beside = Config { master_key: None, master_key_file: None, ..config.clone() };
    let is_there = beside.master_key_path().is_some_and(|file| file.exists());
    match is_there {
        true => master_key::open(&beside, db, None).await.map_err(|_| refused),
        false => Err(refused),
    }
    .context("the source")
}

async fn copy(from: &Config, to: &Config, source: &Db, target: &Db) -> anyhow::Result<Copied> {
    if source.schema_fault().await?.is_none() {
        database_copy::refuse_used(target).await?;
    }
    let key = key_of_source(from, source).await?;
    let key_of_target = master_key::of_new_database(to, &SystemRandom).context("the target")?;
    let mut bar = ProgressBar::default();
    let mut show = |progress: Progress<'_>| {
        let what = match progress.phase {
            Phase::Copying => format!("copy {}", progress.table),
            Phase::Filling => format!("fill {}", progress.table),
            Phase::Comparing => format!("compare {}", progress.table),
        };
        bar.show(&what, progress.rows, progress.of);
    };
    let (from, to) = (Side { db: source, key: &key }, Side { db: target, key: &key_of_target });
    let copied = database_copy::copy(from, to, SystemClock.now(), &SystemRandom, &mut show).await;
    bar.clear();
    Ok(copied?)
}

fn summary(copied: &Copied, target: &DatabaseUrl) -> String {
    let rows: i64 = copied.tables.iter().map(|table| table.rows).sum();
    let unreadable = match copied.unreadable {
        0 => String::new(),
        many => format!("; {many} sealed values could not be opened before either, and are as they were"),
    };
    format!(
        "{target}: {rows} rows in {} tables, the same as in the source by count and digest{unreadable}",
        copied.tables.len()
    )
}
