//! A JSON Web Token library of another hand verifies our access tokens by the published keys.

use std::{path::PathBuf, process::Command};

use ostiary::app::applications::{ApplicationChange, NewApplication};
use serde_json::json;

use crate::{both, support::python};

both! {
    async fn joserfc_verifies_an_access_token_of_every_algorithm(app: TestApp) {
        let environment = app.environment("prod").await;
        let mut tokens = Vec::new();
        for algorithm in ["ES256", "RS256", "EdDSA"] {
            let change = ApplicationChange {
                scopes: Some(vec!["identity".to_owned()]),
                signing_alg: Some(algorithm.to_owned()),
                ..ApplicationChange::default()
            };
            let client = app.make_client(&environment, NewApplication::SYSTEM, &change).await;
            tokens.push(app.token("/prod/system/oauth2/token", &client).await);
        }
        let told = json!({
            "discovery": app.url("/prod/system/.well-known/openid-configuration"),
            "issuer": app.url("/prod/system"),
            "tokens": tokens,
            "now": app.now().seconds(),
        });
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/python/access_tokens.py");
        let run = move || Command::new(python()).arg(script).env("OSTIARY_TOLD", told.to_string()).output();
        let output = actix_web::rt::task::spawn_blocking(run).await.expect("the script's end").expect("Python runs");
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "ES256 RS256 EdDSA");
    }
}
