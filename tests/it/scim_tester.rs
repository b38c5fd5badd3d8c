//! An independent SCIM client checks the server: scim2-tester, every check that it has.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{both, support::python};

/// What every check of scim2-tester found: its status, its title, the type of resource, and why. `task` is what the script reads.
pub async fn results(task: Value) -> Vec<Value> {
    // On a thread of its own, because this one serves the requests.
    let output = actix_web::rt::task::spawn_blocking(move || {
        let mut python = Command::new(python())
            .arg("tests/python/scim2_tester_run.py")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        python.stdin.take().unwrap().write_all(task.to_string().as_bytes()).unwrap();
        python.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Those that found a fault.
pub fn failed(results: &[Value]) -> Vec<&Value> {
    let is_good =
        |result: &&Value| !matches!(result["status"].as_str(), Some("SUCCESS" | "COMPLIANT" | "ACCEPTABLE"));
    results.iter().filter(is_good).collect()
}

both! {
    async fn every_check_of_scim2_tester_passes(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let task = json!({ "base": directory.base, "token": directory.token, "domain": "acme.example" });
        let results = results(task).await;
        let failed = failed(&results);
        assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), results.len());
        assert!(results.len() > 100, "only {} checks ran", results.len());
    }
}
