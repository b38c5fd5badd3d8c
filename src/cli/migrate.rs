//! `ostiary migrate`.

use base::{
    random::SystemRandom,
    time::{Clock as _, SystemClock},
};
use clap::Args;

use super::{output, settings_args::SettingsArgs};
use crate::{
    app::audit,
    server,
    store::{PlannedMigration, SchemaFault},
    telemetry,
};

/// Apply the database's missing migrations
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary migrate --database-url postgres://ostiary@db/ostiary
  ostiary migrate --check
      changes nothing; exits with 1 and lists the missing migrations, if any
  ostiary migrate --plan
      changes nothing; says what each missing migration does, and to which
      tables with how many rows

Both need the master key that `ostiary serve` will have, and refuse one that
does not fit the database. Several may run at once: they wait for one another.")]
pub(super) struct Migrate {
    /// Only list the missing migrations, and check the master key
    #[arg(long)]
    check: bool,
    /// Only say what each missing migration does
    #[arg(long, conflicts_with = "check")]
    plan: bool,
    /// With --plan: print one JSON array
    #[arg(long, requires = "plan")]
    json: bool,
}

impl Migrate {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let config = settings.load(&[])?;
        telemetry::start_logs(config.logs_are_json(), "warn");
        let url = &config.database_url;
        if (self.check || self.plan) && url.sqlite_file().is_some_and(|file| !file.exists()) {
            // Opening the file would create it.
            anyhow::bail!("{url} does not exist: `ostiary migrate` creates it");
        }
        let db = server::open_database(&config).await?;
        let fault = db.schema_fault().await?;
        let lacking = match &fault {
            Some(fault) if self.check || self.plan || matches!(fault, SchemaFault::Newer { .. }) => {
                format!("{url} {fault}\n")
            }
            _ => String::new(),
        };
        // A server that would refuse its key is told of here, before anything is changed.
        if let Err(error) = server::master_key::check(&config, &db).await {
            anyhow::bail!("{lacking}{error}");
        }
        if self.plan && !matches!(fault, Some(SchemaFault::Newer { .. })) {
            print_plan(&db.migration_plan().await?, &url.to_string(), self.json)?;
            db.close().await;
            return Ok(());
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

fn print_plan(plan: &[PlannedMigration], url: &str, json: bool) -> anyhow::Result<()> {
    if json {
        output::line(&serde_json::to_string(plan)?);
        return Ok(());
    }
    if plan.is_empty() {
        output::line(&format!("{url} is up to date"));
    }
    for migration in plan {
        output::line(&format!("{}: {}", migration.name, migration.purpose));
        for statement in &migration.statements {
            output::line(&format!("  {}", statement.chars().take(110).collect::<String>()));
        }
        for (table, rows) in &migration.touched {
            output::line(&format!("  → {table} has {rows} rows"));
        }
    }
    Ok(())
}
