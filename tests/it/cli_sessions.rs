//! `ostiary session create`: an access token by the operator's word, while the server runs.

use std::process::{Command, Output, Stdio};

use base::id::{Id, UserId};
use model::{
    organization::root_id,
    user::{User, UserSource, UserStatus},
};
use ostiary::{
    app::authorization_server::access_tokens::{self, TokenSubject},
    store,
};
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::{
    both,
    support::{TestApp, random},
};

/// Runs the command on the database of a server that is running.
fn run(app: &TestApp, arguments: &[&str]) -> Output {
    let directory = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostiary"));
    command.args(["session", "create", "--json"]).args(arguments);
    command.current_dir(directory.path()).env_clear().stdin(Stdio::null());
    let key = "07".repeat(32);
    command.env("OSTIARY_DATABASE_URL", &app.database.url).env("OSTIARY_MASTER_KEY", key);
    command.env("OSTIARY_PUBLIC_URL", &app.base);
    command.output().unwrap()
}

both! {
    async fn a_session_is_begun_by_the_operators_word(app: TestApp) {
        let environment = app.environment("prod").await;
        let now = app.now();
        let user = User {
            id: Id::new(now, random()),
            environment_id: environment.id,
            organization_id: root_id(environment.id),
            pool_id: Id::from_bits(1),
            version: 1,
            status: UserStatus::Active,
            source: UserSource::Standard,
            shadow_of: None,
            user_type: String::new(),
            payload: Map::new(),
            metadata: Map::new(),
            business_metadata: Map::new(),
            created_at: now,
            updated_at: now,
            status_updated_at: now,
        };
        let mut tx = app.state.db.write().await.unwrap();
        store::table::insert(&mut tx, &user).await.unwrap();
        tx.commit().await.unwrap();
        let id = user.id.to_string();
        let made = run(&app, &["--environment", "prod", "--user", &id, "--auth-time-offset", "-600", "--tenant-admin"]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let printed: Value = serde_json::from_slice(&made.stdout).unwrap();
        assert_eq!(printed.as_object().unwrap().len(), 1);
        let token = printed["accessToken"].as_str().unwrap();
        let found = access_tokens::authenticate(&app.state, token, None).await.unwrap();
        assert_eq!((found.subject, found.claims.amr.as_slice()), (TokenSubject::User(user.id), &["operator".to_owned()][..]));
        let age = found.claims.iat - found.claims.auth_time.unwrap();
        // Each is rounded down to seconds.
        assert!((600..=601).contains(&age), "{age}");
        let mut conn = app.state.db.read().await.unwrap();
        let sessions = store::sessions::list::<UserId>(&mut conn, user.id, now, std::time::Duration::MAX, 10).await.unwrap();
        assert!(sessions.len() == 1 && sessions[0].context.tenant_admin);
        drop(conn);

        let nobody = UserId::from_bits(7).to_string();
        for (arguments, words) in [
            (&["--environment", "prod", "--user", &id, "--auth-time-offset", "60"][..], "60"),
            (&["--environment", "prod", "--user", &nobody], "user not found"),
            (&["--environment", "other", "--user", &id], "environment not found"),
        ] {
            let refused = run(&app, arguments);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(!refused.status.success() && said.contains(words), "{said}");
        }
    }
}
