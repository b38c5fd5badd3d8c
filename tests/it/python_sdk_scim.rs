//! The SCIM methods of the Python SDK that SSOReady publishes, unchanged, against people whom an identity
//! provider pushed.

use std::{path::PathBuf, process::Command};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{python, scim},
};

both! {
    async fn the_published_python_sdk_reads_directories_unchanged(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory_with(&tenant, |directory| directory.primary = true).await;
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        let active = id(&app.scim_user(&directory, "Dana@acme.example").await);
        let inactive = id(&app.scim_user(&directory, "away@acme.example").await);
        let off = json!([{ "op": "replace", "value": { "active": false } }]);
        let path = format!("/Users/{inactive}");
        assert!(app.scim(&directory, Method::PATCH, &path, scim::patch(off)).await.status.is_success());
        let deleted = id(&app.scim_user(&directory, "gone@acme.example").await);
        assert_eq!(app.scim(&directory, Method::DELETE, &format!("/Users/{deleted}"), None).await.status, 204);
        let mut users = vec![active.clone(), inactive.clone(), deleted.clone()];
        for number in 0..10 {
            users.push(id(&app.scim_user(&directory, &format!("user{number}@acme.example")).await));
        }
        let group = id(&app.scim_group(&directory, "Staff", &[&active]).await);
        app.advance(std::time::Duration::from_millis(1)); // lists are in the order of making, to the millisecond
        let told = json!({
            "base_url": app.base,
            "management_key": app.api_key(&environment, true).await,
            "plain_key": app.api_key(&environment, false).await,
            "foreign_key": app.api_key(&app.environment("staging").await, true).await,
            "organization_id": tenant.organization.id, "external_id": tenant.organization.external_id,
            "scim_directory_id": directory.id,
            "users": users, "active": active, "inactive": inactive, "deleted": deleted, "group": group,
        });
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python/sdk_scim.py");
        let run = move || Command::new(python()).arg(script).env("OSTIARY_TOLD", told.to_string()).output();
        let output = actix_web::rt::task::spawn_blocking(run).await.expect("the script's end").expect("Python runs");
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "every method works");
    }
}
