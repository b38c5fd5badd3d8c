//! `ostiary user`, while the server runs.

use std::{
    io::Write as _,
    process::{Command, Output, Stdio},
};

use model::{identity_pool::IdentityPool, user::User};
use ostiary::{
    app::accounts::passwords::PasswordRealm,
    store::{self, table},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{both, support::TestApp};

/// Runs `ostiary user` with these arguments and this input on the database of a server that is running.
fn run(app: &TestApp, arguments: &[&str], input: &str) -> Output {
    let directory = TempDir::new().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ostiary"));
    command.arg("user").args(arguments).current_dir(directory.path()).env_clear();
    let key = "07".repeat(32);
    command.env("OSTIARY_DATABASE_URL", &app.database.url).env("OSTIARY_MASTER_KEY", key);
    command.env("OSTIARY_PUBLIC_URL", &app.base);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// The lines of JSON that a command prints, which succeeds.
fn printed(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

both! {
    async fn users_are_managed_from_the_command_line(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let create = ["create", "--environment", "prod", "--display-name", "Dana Doe", "--json"];
        let made = run(&app, &[&create[..], &["--email", "dana@acme.com", "--password-stdin", "--totp"]].concat(), "violet kettle under snow\n");
        let made = printed(&made).remove(0);
        let id = made["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("usr_") && made["totpSecret"].as_str().unwrap().len() >= 32, "{made}");
        assert_eq!(made.as_object().unwrap().len(), 2, "{made}");

        let mut conn = app.state.db.read().await.unwrap();
        let user: User = table::find(&mut conn, environment.id, id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((user.display_name().as_str(), user.status.as_str()), ("Dana Doe", "active"));
        let root = model::organization::root_id(environment.id);
        assert_eq!(user.organization_id, root);
        let password = store::passwords::find(&mut conn, user.id.into()).await.unwrap().unwrap();
        assert!(app.state.passwords.verify(PasswordRealm::Console(None), "violet kettle under snow", Some(&password.hash)).await.unwrap());
        let addresses = store::user_addresses::list(&mut conn, &[user.id]).await.unwrap();
        assert!(addresses[&user.id][0].is_verified());
        drop(conn);

        // Another one of an organization, without a password and with an address that nobody vouches for.
        let organization = tenant.organization.id.to_string();
        let other = ["--email", "ada@acme.com", "--organization", &organization, "--unverified"];
        let other = printed(&run(&app, &[&create[..], &other].concat(), "")).remove(0);
        let listed = |arguments: &[&str]| {
            let list = ["list", "--environment", "prod", "--json"];
            printed(&run(&app, &[&list[..], arguments].concat(), ""))
                .iter()
                .map(|user| (user["id"].as_str().unwrap().to_owned(), user["status"].as_str().unwrap().to_owned()))
                .collect::<Vec<_>>()
        };
        let list = printed(&run(&app, &["list", "--environment", "prod", "--json"], ""));
        assert_eq!(list[0]["email"], "dana@acme.com");
        let plain = run(&app, &["list", "--environment", "prod"], "");
        assert!(String::from_utf8_lossy(&plain.stdout).contains("active    dana@acme.com "));
        let pair = |id: &str, status: &str| vec![(id.to_owned(), status.to_owned())];
        assert_eq!(listed(&[]), pair(&id, "active"));
        assert_eq!(listed(&["--organization", &organization]), pair(other["id"].as_str().unwrap(), "new"));
        let link = other["activationUrl"].as_str().unwrap();
        assert!(link.starts_with(&app.url("/prod/")) && link.contains("/sign-in/activate?code="), "{link}");
        assert_eq!(app.browser().get(link).await.status, 200);
        let other = other["id"].as_str().unwrap().parse().unwrap();
        let addresses = store::user_addresses::list(&mut app.state.db.read().await.unwrap(), &[other]).await.unwrap();
        assert!(!addresses[&other][0].is_verified());

        let one = |verb: &str| run(&app, &[verb, "--environment", "prod", &id], "");
        assert!(one("disable").status.success());
        assert_eq!(listed(&[]), pair(&id, "inactive"));
        assert!(one("enable").status.success());
        assert_eq!(listed(&[]), pair(&id, "active"));
        let set = run(&app, &["set-password", "--environment", "prod", &id, "--password-stdin"], "purple kettle under rain");
        assert!(set.status.success(), "{}", String::from_utf8_lossy(&set.stderr));
        let password = store::passwords::find(&mut app.state.db.read().await.unwrap(), user.id.into()).await.unwrap().unwrap();
        assert!(app.state.passwords.verify(PasswordRealm::Console(None), "purple kettle under rain", Some(&password.hash)).await.unwrap());
        assert!(one("delete").status.success());
        assert_eq!(listed(&[]), []);
        assert!(!one("delete").status.success());
    }

    async fn what_cannot_be_created_is_told_and_leaves_nothing(app: TestApp) {
        app.environment("prod").await;
        let create = ["create", "--environment", "prod", "--display-name", "Dana", "--email"];
        for (arguments, told) in [
            (vec!["dana"], "must be an e-mail address"),
            (vec!["dana@acme.com", "--password", "short"], "at least 12 characters"),
            (vec!["dana@acme.com", "--organization", "org_0000000000000000000000001"], "organization not found"),
        ] {
            let refused = run(&app, &[&create[..], &arguments].concat(), "");
            let text = String::from_utf8_lossy(&refused.stderr);
            assert!(!refused.status.success() && text.contains(told), "{arguments:?}: {text}");
        }
        let nameless = ["create", "--environment", "prod", "--email", "dana@acme.com", "--display-name", " "];
        let nameless = run(&app, &nameless, "");
        assert!(String::from_utf8_lossy(&nameless.stderr).contains("give a name for people"));
        let made = run(&app, &[&create[..], &["dana@acme.com"]].concat(), "");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let again = run(&app, &[&create[..], &["DANA@acme.com"]].concat(), "");
        assert!(String::from_utf8_lossy(&again.stderr).contains("another user already has this"));
        let mut conn = app.state.db.read().await.unwrap();
        assert_eq!(conn.sql("SELECT COUNT(*) FROM users").one::<(i64,)>().await.unwrap().0, 1);
    }

    async fn what_is_no_id_is_told_what_one_looks_like(app: TestApp) {
        app.environment("prod").await;
        for text in ["usr_1", "dana@acme.com", "org_0000000000000000000000001"] {
            let refused = run(&app, &["disable", "--environment", "prod", text], "");
            let told = String::from_utf8_lossy(&refused.stderr);
            assert_eq!(refused.status.code(), Some(2));
            assert!(told.contains("that is no id of a user: one is usr_ and 25 letters and digits"), "{told}");
        }
        let unknown = run(&app, &["disable", "--environment", "prod", "usr_0000000000000000000000001"], "");
        assert!(String::from_utf8_lossy(&unknown.stderr).contains("user not found: usr_0000000000000000000000001"));
    }

    async fn of_many_who_need_the_first_pool_one_makes_it(app: TestApp) {
        let environment = app.environment("prod").await;
        let principal = ostiary::app::principal::Principal::operator(environment.id);
        let users = (0..16).map(|_| {
            let (state, principal) = (&app.state, &principal);
            async move {
                let new = ostiary::app::accounts::users::NewUser::new(model::user::UserStatus::New);
                ostiary::app::accounts::users::create_in_first_pool(state, principal, None, &new).await.unwrap()
            }
        });
        let users = futures_util::future::join_all(users).await;
        assert!(users.iter().all(|user| user.pool_id == users[0].pool_id));
        let mut conn = app.state.db.read().await.unwrap();
        let pool: IdentityPool = table::find(&mut conn, environment.id, users[0].pool_id).await.unwrap().unwrap();
        assert_eq!(pool.number_of_users, 16);
    }
}
