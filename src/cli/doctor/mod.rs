//! `ostiary doctor`: diagnostics, each finding with its remedy.

mod checks;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::{SettingsArgs, output};

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

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Attention,
    Bad,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    level: Level,
    /// What was checked: `database`, `clock`, `saml_conn_…`.
    subject: String,
    /// The observation.
    seen: String,
    /// The remedy, unless the level is `ok`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

/// The results of all checks.
#[derive(Debug, Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn ok(&mut self, subject: &str, seen: impl Into<String>) {
        self.0.push(Finding { level: Level::Ok, subject: subject.to_owned(), seen: seen.into(), mend: None });
    }

    fn attention(&mut self, subject: &str, seen: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding {
            level: Level::Attention,
            subject: subject.to_owned(),
            seen: seen.into(),
            mend: Some(mend.into()),
        });
    }

    fn bad(&mut self, subject: &str, seen: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Finding {
            level: Level::Bad,
            subject: subject.to_owned(),
            seen: seen.into(),
            mend: Some(mend.into()),
        });
    }

    fn worst(&self) -> Level {
        self.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }
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
