//! `ostiary import`.

use base::{
    id::{EnvironmentId, EnvironmentKind},
    time::Timestamp,
};
use clap::{Args, Subcommand};
use strum::VariantArray;

use super::{field_flags, ids, installation, output, settings_args::SettingsArgs};
use crate::app::import_ssoready::{self, ImportOptions, Report, ResourceKind};

/// How often the progress is reported.
const PROGRESS_INTERVAL: std::time::Duration = std::time::Duration::from_secs(2);

/// Import data from another gateway
#[derive(Debug, Subcommand)]
pub(super) enum Import {
    Ssoready(Ssoready),
}

/// Import an SSOReady database: ids, secrets and URLs keep working
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary import ssoready --from postgres://reader@db.example/sso --dry-run
      runs the import and rolls it back; the report is the same
  PGPASSWORD=… ostiary import ssoready --from postgres://reader@db.example/sso
  ostiary import ssoready --from postgres://… --environment env_… --json

Imported: environments, API keys, OAuth clients, organizations with their
domains, SAML connections with the SP entity ids and ACS URLs that identity
providers know, SCIM directories with their bearer tokens, users, groups and
memberships. Domains are imported as whitelisted. Public suffixes are refused,
and so are free-mail providers without --allow-free-mail. A domain of two
organizations is imported for the first of them only, without --share-domain.

Not imported: logins (SAML flows), SCIM request logs, setup links, and
the people and sessions of SSOReady's own console, with its pages' branding.

SSOReady's database is only read, in one read-only snapshot.

The import can be run again: it imports what is new or changed at the source.
Records changed here since the last run keep their changes, records deleted
here stay deleted, and records deleted at the source stay here; the report
lists what was kept. Each page is a transaction: after an interruption, run it
again. The first run emits no events; later runs do, as a SCIM push would.

A dry run is one long transaction: on SQLite the server's writes wait for it.")]
pub(super) struct Ssoready {
    /// SSOReady's database: postgres://USER:PASSWORD@HOST/DATABASE (PGPASSWORD is read too)
    #[arg(long, value_name = "URL", hide_env_values = true)]
    from: String,
    /// Only this environment, by its id; repeatable
    #[arg(long, value_name = "ID", value_parser = ids::parse::<EnvironmentKind>)]
    environment: Vec<EnvironmentId>,
    /// Run the import and roll it back
    #[arg(long)]
    dry_run: bool,
    /// Allow free-mail providers (gmail.com) among the domains
    #[arg(long)]
    allow_free_mail: bool,
    /// Allow a domain that already belongs to another organization
    #[arg(long)]
    share_domain: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        match self {
            Self::Ssoready(command) => command.run(settings).await,
        }
    }
}

impl Ssoready {
    async fn run(self, settings: &SettingsArgs) -> anyhow::Result<()> {
        let state = installation::open(settings).await?;
        let options = ImportOptions {
            from: self.from,
            environments: self.environment,
            dry_run: self.dry_run,
            allow_free_mail: self.allow_free_mail,
            share_domain: self.share_domain,
        };
        let clock = std::sync::Arc::clone(&state.clock);
        let began = clock.now();
        let mut last_progress = began;
        let mut progress = |kind: ResourceKind, report: &Report| {
            let now = clock.now();
            if now.since(last_progress) >= PROGRESS_INTERVAL {
                last_progress = now;
                output::progress(&progress_text(kind, report, began, now));
            }
        };
        let report =
            import_ssoready::import(&state, &options, &mut progress).await.map_err(field_flags::cli_error)?;
        output::progress(&format!("done in {} s", clock.now().since(began).as_secs()));
        match self.json {
            true => output::line(&serde_json::to_string(&report)?),
            false => output::raw(format_report(&report).as_bytes()),
        }
        Ok(())
    }
}

fn progress_text(kind: ResourceKind, report: &Report, began: Timestamp, now: Timestamp) -> String {
    let many = report.counts.get(&kind).map_or(0, |counts| counts.total());
    format!("{:>5} s  {many} {}", now.since(began).as_secs(), kind.plural())
}

/// The report as text.
fn format_report(report: &Report) -> String {
    let title = match report.dry_run {
        true => "A trial: nothing was written. This is what a run would do:",
        false => "Imported from SSOReady:",
    };
    let mut text = format!(
        "{title}\n\n{:<18}{:>10}{:>10}{:>11}{:>10}{:>10}\n",
        "", "imported", "updated", "unchanged", "kept", "skipped"
    );
    for &kind in ResourceKind::VARIANTS {
        let counts = report.counts.get(&kind).copied().unwrap_or_default();
        text += &format!(
            "{:<18}{:>10}{:>10}{:>11}{:>10}{:>10}\n",
            kind.plural(),
            counts.imported,
            counts.updated,
            counts.unchanged,
            counts.kept,
            counts.skipped
        );
    }
    if !report.remarks.is_empty() {
        text += "\nTo look at:\n";
    }
    for remark in &report.remarks {
        text += &format!("  {}  {}\n", remark.id, remark.reason);
    }
    if report.remarks_left_out > 0 {
        text += &format!("  … and {} more\n", report.remarks_left_out);
    }
    text +=
        "\nNot imported, as nothing depends on it: logins, SCIM request logs, setup links, console users.\n";
    text
}
