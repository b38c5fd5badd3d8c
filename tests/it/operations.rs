//! `docs/operations.md`, run as it stands, and what lies in `deploy/`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Backend, TestDatabase, process::told};

const GUIDE: &str = include_str!("../../docs/operations.md");
const ALERTS: &str = include_str!("../../deploy/prometheus/alerts.yml");
const DASHBOARD: &str = include_str!("../../deploy/grafana/ostiary.json");
const METRICS: &str =
    concat!(include_str!("../../src/telemetry.rs"), include_str!("../../src/telemetry/process.rs"));

#[test]
fn the_operators_guide_works_as_it_stands() {
    let (moved, restored) =
        (TestDatabase::unmigrated(Backend::Postgres), TestDatabase::unmigrated(Backend::Postgres));
    let commands: Vec<String> = GUIDE
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .map(|line| line.replace("postgres://ostiary@db/ostiary", &moved.url))
        .map(|line| line.replace("postgres://ostiary@db/restored", &restored.url))
        .collect();
    assert!(commands.len() > 15, "{commands:#?}");
    let folder = TempDir::new().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_ostiary")).parent().unwrap();
    let script = format!(
        "set -euxo pipefail\nostiary environment create --slug prod --json\n{}\n\
         ostiary environment list --database-url '{}' > there\ngrep -q prod there\n",
        commands.join("\n"),
        restored.url
    );
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).current_dir(folder.path()).env_clear();
    bash.env("PATH", format!("{}:/usr/bin:/bin", program.display()));
    let (code, text) = told(&bash.output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    let findings: Vec<Value> =
        serde_json::from_str(&fs::read_to_string(folder.path().join("findings.json")).unwrap()).unwrap();
    let backup = findings.iter().find(|finding| finding["subject"] == "backup").unwrap();
    assert_eq!(backup["level"], "ok", "{backup}");
    let mode = |name: &str| {
        let metadata = fs::metadata(folder.path().join(name)).unwrap();
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
    };
    assert_eq!((mode("ostiary.db"), mode("ostiary.db.key")), (0o600, 0o600));
}

/// The expressions of the dashboard.
fn dashboard_expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// The metrics that an expression names: words with an underscore, outside braces and quotes, that are no function or label.
fn metrics_in(expression: &str) -> BTreeSet<String> {
    let mut plain = String::new();
    let (mut braces, mut quoted) = (0, false);
    for letter in expression.chars() {
        match letter {
            '"' => quoted = !quoted,
            '{' => braces += 1,
            '}' => braces -= 1,
            letter if braces == 0 && !quoted => plain.push(letter),
            _ => {}
        }
    }
    let words = plain.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '_'));
    let others = ["histogram_quantile", "label_replace", "group_left", "job_name", "exported_job"];
    let metrics = words.filter(|word| word.contains('_') && !others.contains(word));
    metrics.map(|word| word.trim_end_matches("_bucket").to_owned()).collect()
}

#[test]
fn alerts_and_dashboard_name_metrics_that_exist_and_every_alert_has_its_advice() {
    let expressions = dashboard_expressions();
    assert!(expressions.len() > 20);
    let alerts: Vec<&str> = ALERTS.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10);
    for alert in alerts {
        assert!(GUIDE.contains(&format!("| `{alert}` |")), "docs/operations.md says nothing about {alert}");
    }
    // What is neither a word of the format nor of an annotation is an expression.
    let ours = ALERTS.lines().filter(|line| !line.contains("summary:") && !line.trim().starts_with('#'));
    let named: BTreeSet<String> =
        ours.map(str::to_owned).chain(expressions).flat_map(|expression| metrics_in(&expression)).collect();
    assert!(named.len() > 15, "{named:?}");
    for metric in named {
        assert!(METRICS.contains(&format!("\"{metric}\"")), "there is no metric {metric}");
    }
}

fn promtool(folder: &Path, arguments: &[&str]) {
    let output = Command::new("promtool").args(arguments).current_dir(folder).output();
    let (code, text) = told(&output.expect("promtool, of Debian's package prometheus: run `make deps`"));
    assert_eq!(code, Some(0), "{arguments:?}: {text}");
}

#[test]
fn promtool_accepts_rules_and_dashboard() {
    let deploy = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    promtool(&deploy, &["check", "rules", "alerts.yml"]);
    promtool(&deploy, &["test", "rules", "alerts_test.yml"]);
    let folder = TempDir::new().unwrap();
    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    for (number, expression) in dashboard_expressions().iter().enumerate() {
        rules +=
            &format!("      - record: panel_{number}\n        expr: {}\n", Value::from(expression.as_str()));
    }
    fs::write(folder.path().join("rules.yml"), rules).unwrap();
    promtool(folder.path(), &["check", "rules", "rules.yml"]);
}
