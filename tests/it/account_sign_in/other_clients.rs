//! Clients nobody here wrote, at an organization's issuer. Each signs somebody in with a code and PKCE, verifies the ID token,
//! asks userinfo, refreshes, introspects, revokes and signs out; with and without a secret, and with every algorithm.

use std::{path::Path, process::Command};

use model::application::ClientKind;
use ostiary::app::applications::{ApplicationChange, NewApplication};
use serde_json::{Value, json};

use super::{CALLBACK, EMAIL, PASSWORD, SIGNED_OUT, World, world};
use crate::{
    both,
    support::{TestApp, node, process, python, tokens::Client},
};

/// How the applications authenticate, and how their ID tokens are signed.
pub(super) const APPLICATIONS: [(&str, &str); 3] = [("none", "ES256"), ("basic", "RS256"), ("post", "EdDSA")];

/// The application that authenticates in one of these ways.
pub(super) async fn application(app: &TestApp, world: &World, authentication: &str, alg: &str) -> Client {
    let kind = if authentication == "none" { ClientKind::Public } else { ClientKind::Web };
    let change = ApplicationChange {
        redirect_uris: Some(vec![CALLBACK.into()]),
        post_logout_redirect_uris: Some(vec![SIGNED_OUT.into()]),
        signing_alg: Some(alg.into()),
        ..ApplicationChange::default()
    };
    let new = NewApplication { kind, workspace: None, organization_id: None };
    app.make_client(&world.environment, new, &change).await
}

/// What a script is told: the issuer, the person, and an application of each kind.
async fn told(app: &TestApp, world: &World) -> Value {
    let mut applications = Vec::new();
    for (authentication, alg) in APPLICATIONS {
        let client = application(app, world, authentication, alg).await;
        applications.push(json!({
            "id": client.id, "secret": client.secret, "authentication": authentication, "alg": alg,
        }));
    }
    let introspector = app.program(&world.environment, Some(world.organization), &[]).await;
    json!({
        "issuer": app.url(&world.issuer),
        "user": world.user,
        "email": EMAIL,
        "password": PASSWORD,
        "redirect_uri": CALLBACK,
        "signed_out": SIGNED_OUT,
        "applications": applications,
        "introspector": { "id": introspector.id, "secret": introspector.secret },
    })
}

/// Runs a script, and expects that it did everything with every application.
async fn run(mut command: Command, told: Value) {
    command.env("OSTIARY_TOLD", told.to_string());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{}", process::told(&output).1);
    let done = APPLICATIONS.map(|(authentication, alg)| format!("{authentication} {alg}\n")).concat();
    assert_eq!(String::from_utf8_lossy(&output.stdout), done);
}

both! {
    async fn openid_client_and_oauth4webapi_sign_people_in(app: TestApp) {
        let world = world(&app).await;
        let told = told(&app, &world).await;
        let directory = node::directory(&["browser.mjs", "sign_in.mjs"]);
        run(node::command(directory.path(), "sign_in.mjs"), told).await;
    }

    async fn authlib_signs_people_in(app: TestApp) {
        let world = world(&app).await;
        let told = told(&app, &world).await;
        let mut command = Command::new(python());
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/authlib_sign_in.py"));
        run(command, told).await;
    }
}
