//! WSO2's guide "Onboard organization administrators", run as it stands: `tests/guides/wso2.sh`, with curl and jq, and with what the
//! command line prints.

use std::{path::Path, process::Command};

use serde_json::Value;

use super::SCOPES;
use crate::{
    both,
    support::{TestApp, process},
};

/// Creates the guide's application at the command line. Returns its id and secret.
pub(crate) fn application(app: &TestApp, name: &str, share: &str) -> (String, String) {
    let mut arguments = vec!["application", "create", "--environment", "vendor", "--name", name, "--json"];
    arguments.extend(["--grant", "client_credentials", "--grant", "organization_switch"]);
    arguments.extend(["--audience", "application", "--role", "App Admin", "--share", share]);
    arguments.extend(["--role-permission", "internal_org_user_mgt_list"]);
    arguments.extend(SCOPES.iter().flat_map(|scope| ["--scope", *scope]));
    let output = process::command(&app.database, &arguments).output().unwrap();
    assert!(output.status.success(), "{}", process::told(&output).1);
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |name: &str| printed[name].as_str().unwrap().to_owned();
    (text("clientId"), text("clientSecret"))
}

both! {
    async fn the_guide_runs_as_it_stands(app: TestApp) {
        app.environment("vendor").await;
        let shared = application(&app, "B2B App", "all-existing-and-future");
        let other = application(&app, "Private App", "none");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides/wso2.sh");
        let mut command = Command::new("bash");
        command.arg(script).env("B", &app.base);
        command.env("CID", shared.0).env("CSEC", shared.1).env("OCID", other.0).env("OCSEC", other.1);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", process::told(&output).1);
    }
}
