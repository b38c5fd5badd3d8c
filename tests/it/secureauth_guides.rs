//! SecureAuth's onboarding guides, run as they stand: `tests/guides/secureauth.sh`, with curl and jq, and with what the command
//! line prints.

use std::{path::Path, process::Command};

use serde_json::Value;

use crate::{
    both,
    support::{TestApp, process},
};

/// Creates a service client at the command line. Returns its id and secret.
fn service_client(app: &TestApp, environment: &str, scopes: &[&str]) -> (String, String) {
    let mut arguments =
        vec!["service-client", "create", "--environment", environment, "--workspace", "system"];
    arguments.extend(["--name", "Provisioning", "--json"]);
    arguments.extend(scopes.iter().flat_map(|scope| ["--scope", *scope]));
    let output = process::command(&app.database, &arguments).output().unwrap();
    assert!(output.status.success(), "{}", process::told(&output).1);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |name: &str| printed[name].as_str().unwrap().to_owned();
    (text("clientId"), text("clientSecret"))
}

/// Runs the guides on an environment, which they call by this name.
async fn run(app: &TestApp, tenant: &str, client: (String, String)) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides/secureauth.sh");
    let mut command = Command::new("bash");
    command.arg(script).env("B", &app.base).env("T", tenant).env("CID", client.0).env("CSEC", client.1);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", process::told(&output).1);
}

both! {
    async fn the_guides_run_as_they_stand(app: TestApp) {
        app.environment("acme-tenant").await;
        let client = service_client(&app, "acme-tenant", &["manage_organizations", "identity"]);
        run(&app, "acme-tenant", client).await;
    }

    async fn the_older_scope_does_as_well(app: TestApp) {
        let environment = app.environment("acme-tenant").await;
        let token = app.system_token(&environment, &["manage_configuration"]).await;
        let body = serde_json::json!({ "name": "acme-corp-001" });
        let path = "/api/system/acme-tenant/organizations";
        let answer = app.call(&token, reqwest::Method::POST, path, Some(body)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
}
