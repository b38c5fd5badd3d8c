//! The Python SDK that SSOReady publishes, unchanged, against a running server.

use std::{path::PathBuf, process::Command};

use serde_json::json;

use crate::{
    both,
    support::{IdentityProvider, python, query},
};

both! {
    async fn the_published_python_sdk_works_unchanged(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let management = app.api_key(&environment, true).await;
        let plain = app.api_key(&environment, false).await;
        let foreign = app.api_key(&app.environment("staging").await, true).await;

        // A user has signed in; the app will redeem the code with the SDK.
        let (browser, idp) = (app.browser(), IdentityProvider::get());
        let request = app.begin(&browser, &plain, &tenant).await;
        let mut response = idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now());
        response.attributes = vec![("role".into(), vec!["staff".into(), "admin".into()])];
        let answer = request.answer(&browser, &tenant, &idp.sign(&response)).await;
        let code = query(&answer.location(), "saml_access_code").expect("an access code");

        // Lists are in the order of making, to the millisecond.
        app.advance(std::time::Duration::from_millis(1));
        let told = json!({
            "base_url": app.base,
            "management_key": management, "plain_key": plain, "foreign_key": foreign,
            "environment_id": environment.id,
            "organization_id": tenant.organization.id, "external_id": tenant.organization.external_id,
            "saml_connection_id": tenant.connection.id,
            "certificate": idp.keys.certificate_pem().expect("a certificate"),
            "access_code": code,
        });
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python/sdk.py");
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
