//! The pages on which users look after their own account.

mod addresses;
mod credentials;
mod data;
mod profile;
mod tenancy;

use std::time::Duration;

use model::user::User;
use ostiary::app::{accounts::users, principal::Principal};

use super::{EMAIL, PASSWORD, World, code};
use crate::support::{Answer, Browser, TestApp, forms::form_to};

/// What a person does in their own account.
pub(super) struct Person<'a> {
    app: &'a TestApp,
    world: &'a World,
    browser: Browser,
}

impl<'a> Person<'a> {
    /// Somebody who signs in with these.
    async fn signed_in_as(app: &'a TestApp, world: &'a World, email: &str, password: &str) -> Self {
        let browser = app.browser();
        code(&world.sign_in(app, &browser, email, password).await);
        Self { app, world, browser }
    }

    async fn new(app: &'a TestApp, world: &'a World) -> Self {
        Self::signed_in_as(app, world, EMAIL, PASSWORD).await
    }

    fn path(&self, path: &str) -> String {
        format!("{}/account{path}", self.world.issuer)
    }

    async fn get(&self, path: &str) -> Answer {
        self.browser.get(&self.app.url(&self.path(path))).await
    }

    /// A page that is there.
    async fn page(&self, path: &str) -> Answer {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer
    }

    /// Fills in the form of a page that goes to `to`, and sends it.
    async fn send(&self, page: &Answer, to: &str, fields: &[(&str, &str)]) -> Answer {
        let to = self.path(to);
        let mut form = form_to(page, &to).unwrap_or_else(|| panic!("no form to {to} in {}", page.body));
        form.fields.retain(|(name, _)| fields.iter().all(|(given, _)| given != name));
        form.fields.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.browser.submit(page, &form).await
    }

    /// The same of the page at `path`, which leads to a page that says something.
    async fn done(&self, path: &str, to: &str, fields: &[(&str, &str)], said: &str) -> Answer {
        let answer = self.send(&self.page(path).await, to, fields).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let page = self.browser.get(answer.location().as_str()).await;
        assert!(page.status == 200 && page.body.contains(said), "{said}: {}", page.body);
        let again = self.browser.get(answer.location().as_str()).await;
        assert!(!again.body.contains("class=\"flash\""), "said twice: {}", again.body);
        page
    }

    /// Posts what no form of the present page sends.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.browser.post(&self.app.url(&self.path(path)), fields).await
    }

    /// Whether they are signed in.
    async fn is_in(&self) -> bool {
        self.get("").await.status == 200
    }

    /// Lets so much time go by that a change wants a proof first.
    fn wait(&self) {
        self.app.advance(Duration::from_secs(10 * 60));
    }

    async fn user(&self) -> User {
        let principal = Principal::operator(self.world.environment.id);
        users::find_any(&self.app.state, &principal, self.world.user).await.unwrap()
    }

    /// Asserts that an answer leads to where the person proves once more who they are.
    #[track_caller]
    fn assert_asks(&self, answer: &Answer, next: &str) {
        assert_eq!(answer.status, 303, "{}", answer.body);
        let location = answer.location();
        assert_eq!(location.path(), self.path("/confirm"));
        assert_eq!(location.query(), Some(format!("next={next}").as_str()));
    }
}

/// How often the audit log of the environment has this action, by whom.
pub(super) async fn audited(app: &TestApp, world: &World, action: &str) -> Vec<(String, String)> {
    let mut conn = app.state.db.read().await.unwrap();
    conn.sql("SELECT actor_kind, actor_id FROM audit_events WHERE environment_id = $1 AND action = $2")
        .bind(world.environment.id)
        .bind(action)
        .all()
        .await
        .unwrap()
}

/// Asserts that the user did this once.
async fn assert_did(app: &TestApp, world: &World, action: &str) {
    let expected = ("user".to_owned(), world.user.to_string());
    assert_eq!(audited(app, world, action).await, [expected], "{action}");
}

/// A person in a browser, on every page of their account.
#[test]
fn a_person_looks_after_their_account_in_a_browser() {
    crate::support::run_scenario(crate::support::Backend::Sqlite, async |app: TestApp| {
        let world = super::world(&app).await;
        let ada = vec![super::password(PASSWORD)];
        super::add_user(&app, world.environment.id, world.organization, "ada@acme.com", ada).await;
        let (authorize, account) =
            (world.authorize(&app, &[]), app.url(&format!("{}/account", world.issuer)));
        let run = tokio::task::spawn_blocking(move || {
            let dir = tempfile::TempDir::new().unwrap();
            let pictures =
                std::env::var("OSTIARY_TEST_PICTURES").unwrap_or_else(|_| dir.path().display().to_string());
            std::fs::create_dir_all(&pictures).unwrap();
            let walk = "tests/python/walk_own_account.py";
            std::process::Command::new(crate::support::python())
                .args([walk, &authorize, &account, EMAIL, "ada@acme.com", PASSWORD, &pictures])
                .output()
                .unwrap()
        });
        let output = run.await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_did(&app, &world, "user.totp_removed").await;
    });
}
