//! Every command that changes something stands in the audit log, as the operator's.

use std::process::{Command, Output, Stdio};

use ostiary::store::Db;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Backend, TestDatabase};

/// The program on a database of its own.
struct Installation {
    directory: TempDir,
    database: TestDatabase,
    keys: String,
}

impl Installation {
    fn new(backend: Backend) -> Self {
        let database = TestDatabase::unmigrated(backend);
        Self { directory: TempDir::new().unwrap(), database, keys: "07".repeat(32) }
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ostiary"));
        command.args(arguments).current_dir(self.directory.path()).env_clear().stdin(Stdio::null());
        command.env("OSTIARY_DATABASE_URL", &self.database.url).env("OSTIARY_MASTER_KEY", &self.keys);
        command.output().unwrap()
    }

    /// Runs a command that must succeed. Returns what it prints.
    fn done(&self, line: &str) -> String {
        let output = self.run(&line.split_whitespace().collect::<Vec<_>>());
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, line: &str) -> Value {
        let text = self.done(&format!("{line} --json"));
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{line}: {text}"))
    }

    /// The actions in the audit log, the oldest first, without those that are no change of the operator's.
    async fn actions(&self) -> Vec<String> {
        let db = Db::connect(&self.database.url, 2).await.unwrap();
        let mut conn = db.read().await.unwrap();
        let found: Vec<(String,)> = conn
            .sql("SELECT action FROM audit_events WHERE actor_kind = 'operator' ORDER BY id")
            .all()
            .await
            .unwrap();
        drop(conn);
        db.close().await;
        found.into_iter().map(|(action,)| action).collect()
    }
}

fn every_command_that_changes_something(backend: Backend) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let it = Installation::new(backend);
    it.done("migrate");
    let mut known = runtime.block_on(it.actions());
    assert_eq!(known, ["database.migrated"]);
    let mut adds = |line: &str, expected: &[&str]| -> Value {
        let made = it.json(line);
        let now = runtime.block_on(it.actions());
        let added = now[known.len()..].to_vec();
        assert_eq!(added, expected, "{line}");
        known = now;
        made
    };
    let id = |made: &Value| made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();

    adds("environment create --slug prod --redirect-url https://app.example/cb", &["environment.created"]);
    adds("environment update prod --display-name Production", &["environment.updated"]);
    let key = id(&adds("api-key create --environment prod", &["api_key.created"]));
    adds(&format!("api-key update {key} --environment prod --display-name App"), &["api_key.updated"]);
    let client = id(&adds("oauth-client create --environment prod", &["saml_oauth_client.created"]));
    adds(
        &format!("oauth-client update {client} --environment prod --display-name App"),
        &["saml_oauth_client.updated"],
    );
    let organization =
        id(&adds("organization create --environment prod --domain acme.example", &["organization.created"]));
    adds(&format!("organization update {organization} --display-name Acme"), &["organization.updated"]);
    let connection = id(&adds(
        &format!("saml-connection create --organization {organization}"),
        &["saml_connection.created"],
    ));
    adds(&format!("saml-connection update {connection} --force-authn"), &["saml_connection.updated"]);
    adds(
        &format!("scim-directory create --organization {organization}"),
        &["scim_directory.created", "scim_directory.bearer_token_rotated"],
    );
    let link =
        id(&adds(&format!("setup-link create --organization {organization}"), &["setup_link.created"]));
    adds(&format!("setup-link revoke {link}"), &["setup_link.revoked"]);
    adds("webhook create --environment prod --url https://hooks.example/x", &["webhook.created"]);
    adds("admin invite --email dana@ops.example", &["admin_invitation.created"]);
    adds("keys rotate", &["signing_keys.rotated"]);
    adds("keys rotate --sp prod", &["signing_keys.rotated"]);
    adds("keys list", &[]);
    adds("keys list --master", &[]);
    adds("keys reseal", &[]);
}

#[test]
fn every_command_that_changes_something_is_in_the_audit_log_on_sqlite() {
    every_command_that_changes_something(Backend::Sqlite);
}

#[test]
fn every_command_that_changes_something_is_in_the_audit_log_on_postgres() {
    every_command_that_changes_something(Backend::Postgres);
}

fn a_master_key_is_replaced(backend: Backend) {
    let mut it = Installation::new(backend);
    it.done("migrate");
    it.done("environment create --slug prod");
    it.done("keys list");
    let (old, new) = ("07".repeat(32), "08".repeat(32));
    it.keys.clone_from(&new);
    let refused = it.run(&["keys", "list"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("keys reseal"), "{refused:?}");

    it.keys = format!("{new},{old}");
    let before = it.json("keys list --master");
    assert_eq!((&before[0]["stage"], &before[1]["stage"]), (&"active".into(), &"older".into()), "{before}");
    assert_eq!(before[1]["values"], 4, "three signing keys and the check: {before}");
    let told = String::from_utf8(it.run(&["keys", "list"]).stderr).unwrap();
    assert!(told.contains("4 values sealed; run `ostiary keys reseal`"), "{told}");
    let doctor = String::from_utf8(it.run(&["doctor", "--offline"]).stdout).unwrap();
    assert!(doctor.contains("4 values are still sealed under the older key"), "{doctor}");

    let resealed = it.run(&["keys", "reseal"]);
    assert!(resealed.status.success(), "{resealed:?}");
    let progress = String::from_utf8(resealed.stderr).unwrap();
    assert!(progress.contains("signing_keys.private_key: 3 sealed again"), "{progress}");
    let result = String::from_utf8(resealed.stdout).unwrap();
    assert!(result.contains("remove it if it is old"), "{result}");
    let doctor = String::from_utf8(it.run(&["doctor", "--offline"]).stdout).unwrap();
    assert!(doctor.contains("remove it if it is old"), "{doctor}");

    it.keys = old;
    assert!(!it.run(&["keys", "list"]).status.success());
    it.keys = new;
    assert_eq!(it.json("keys list").as_array().unwrap().len(), 3);
}

#[test]
fn a_master_key_is_replaced_by_a_command_on_sqlite() {
    a_master_key_is_replaced(Backend::Sqlite);
}

#[test]
fn a_master_key_is_replaced_by_a_command_on_postgres() {
    a_master_key_is_replaced(Backend::Postgres);
}
