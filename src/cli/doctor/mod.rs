//! `ostiary doctor`: diagnostics, each finding with its remedy.

mod checks;
mod findings;

use std::process::ExitCode;

use clap::Args;
use findings::{Findings, Level};

use super::{output, settings_args::SettingsArgs};

/// Check settings, database, keys, clock, connections and the addresses they use
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  ostiary doctor
      one line per finding; exits with 1 when something is bad
  ostiary doctor --json
      the same for programs
  ostiary doctor --offline
      makes no network requests except to the database

It changes nothing. Run it with the same settings as the server.")]
pub(super) struct Doctor {
    /// Make no network requests except to the database
    #[arg(long)]
    offline: bool,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

impl Doctor {
    pub(super) async fn run(self, settings: &SettingsArgs) -> anyhow::Result<ExitCode> {
        let mut findings = Findings::default();
        match settings.load(&[]) {
            Ok(config) => checks::run_checks(&config, self.offline, &mut findings).await,
            Err(error) => {
                for problem in error.problems {
                    findings.bad(
                        "settings",
                        format!("{}: {}", problem.name, problem.reason),
                        "correct this setting",
                    );
                }
            }
        }
        if self.json {
            output::line(&serde_json::to_string(&findings.0)?);
        } else {
            for finding in &findings.0 {
                let mark = match finding.level {
                    Level::Ok => "ok       ",
                    Level::Attention => "attention",
                    Level::Bad => "bad      ",
                };
                output::line(&format!("{mark}  {}: {}", finding.subject, finding.seen));
                if let Some(mend) = &finding.mend {
                    output::line(&format!("           → {mend}"));
                }
            }
        }
        Ok(if findings.worst() == Level::Bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}
