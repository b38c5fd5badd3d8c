//! Administrators of organizations in a browser, from `docs/organization-administrators.md`: made by the vendor in the console, and by
//! the vendor's program when somebody signs up. Their letters are those that a mail server got.

use std::{
    collections::BTreeSet,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use base::id::{OrganizationId, UserId};
use model::user::AssociationKind;
use ostiary::app::{
    accounts::{associations, users},
    principal::Principal,
    roles::{self, RoleFilter, RoleOperation, SetChange},
};
use serde_json::Value;

use crate::{
    both,
    support::{TestApp, administrators::PASSWORD, mail::MailServer, process},
    wso2,
};

/// Where the browser leaves its pictures; one directory for each database, as they walk at once.
fn pictures(app: &TestApp, dir: &Path) -> String {
    let base = std::env::var("OSTIARY_TEST_PICTURES").unwrap_or_else(|_| dir.display().to_string());
    let pictures = format!("{base}/administrators-{:?}", app.backend).to_lowercase();
    std::fs::create_dir_all(&pictures).unwrap();
    pictures
}

/// Runs the walk. The letters that the server got are in a file that it reads.
async fn walk(server: &MailServer, script: &str, letters: &Path, arguments: Vec<String>) {
    let (script, ended) = (script.to_owned(), AtomicBool::new(false));
    let run = async {
        let output = tokio::task::spawn_blocking(move || {
            Command::new(crate::support::python()).arg(script).args(arguments).output().unwrap()
        });
        let output = output.await.unwrap();
        ended.store(true, Ordering::Relaxed);
        output
    };
    let deliver = async {
        while !ended.load(Ordering::Relaxed) {
            let written = letters.with_extension("new");
            std::fs::write(&written, Value::from(server.all("to")).to_string()).unwrap();
            std::fs::rename(&written, letters).unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let (output, ()) = tokio::join!(run, deliver);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Makes somebody of the root the owner of one more organization, with its role.
async fn own(app: &TestApp, principal: &Principal, user: UserId, organization: OrganizationId) {
    let user = users::find_any(&app.state, principal, user).await.unwrap();
    let mut tx = app.state.db.write().await.unwrap();
    let image =
        associations::create(&mut tx, &app.state, principal, &user, organization, AssociationKind::Owner)
            .await
            .unwrap();
    tx.commit().await.unwrap();
    let role = roles::list(&app.state, principal, organization, &RoleFilter::ALL).await.unwrap().remove(0);
    let give = [RoleOperation::Users(SetChange::Add(BTreeSet::from([image.user_id])))];
    roles::apply(&app.state, principal, organization, role.id, None, &give).await.unwrap();
}

fn uuid(text: &str) -> u128 {
    uuid::Uuid::parse_str(text).unwrap().as_u128()
}

both! {
    async fn an_organization_s_administrator_is_made_by_the_vendor_in_a_browser(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let environment = app.environment("vendor").await;
        app.with_password("dana@vendor.example").await;
        let dir = tempfile::TempDir::new().unwrap();
        let letters = dir.path().join("letters.json");
        let arguments = vec![
            app.base.clone(),
            environment.id.to_string(),
            "dana@vendor.example".to_owned(),
            PASSWORD.to_owned(),
            letters.display().to_string(),
            pictures(&app, dir.path()),
        ];
        walk(&server, "tests/python/walk_sales_led.py", &letters, arguments).await;
    }

    async fn who_signed_up_administers_what_is_theirs_in_a_browser(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let environment = app.environment("vendor").await;
        let shared = wso2::guide::application(&app, "B2B App", "all-existing-and-future");
        let other = wso2::guide::application(&app, "Private App", "none");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guides/wso2.sh");
        let mut command = Command::new("bash");
        command.arg(script).env("B", &app.base);
        command.env("CID", shared.0).env("CSEC", shared.1).env("OCID", other.0).env("OCSEC", other.1);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", process::told(&output).1);
        let printed = String::from_utf8(output.stdout).unwrap();
        let ids: Vec<&str> = printed.split_whitespace().collect();
        let [first, _, second, ann, _] = ids[..] else { panic!("{printed}") };
        let principal = Principal::operator(environment.id);
        // She owns the other one, too.
        own(&app, &principal, UserId::from_bits(uuid(ann)), OrganizationId::from_bits(uuid(first))).await;
        let dir = tempfile::TempDir::new().unwrap();
        let letters = dir.path().join("letters.json");
        let path = |id: &str| format!("/vendor/{:032x}", uuid(id));
        let arguments = vec![
            app.base.clone(),
            path(first),
            path(second),
            PASSWORD.to_owned(),
            letters.display().to_string(),
            pictures(&app, dir.path()),
        ];
        walk(&server, "tests/python/walk_self_served.py", &letters, arguments).await;
    }
}
