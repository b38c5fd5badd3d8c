//! Sessions of every kind of subject: a cookie counts for its own kind, and ends with whose it is.

use base::secret::{AdminSessionToken, SetupSessionToken};
use model::{administrator::Role, organization::Organization};
use ostiary::{
    app::{
        administrators::{self, invitations, roles::RoleScope},
        environments,
        principal::Principal,
        resource, setup,
    },
    store,
};
use reqwest::Method;
use serde_json::json;

use crate::{
    both,
    support::{Browser, Tenant, TestApp, administrators::CONSOLE_COOKIE},
};

const SETUP_COOKIE: &str = "ostiary_setup";

/// A browser that opened a setup link of this organization, and the link's id.
async fn opened_link(app: &TestApp, key: &str, tenant: &Tenant) -> (Browser, String) {
    let body = json!({ "organizationId": tenant.organization.id, "canManageSaml": true });
    let made = app.api(key, Method::POST, "/v1/setup-urls", Some(body)).await.json();
    let browser = app.browser();
    let page = browser.get(made["url"].as_str().unwrap()).await;
    assert_eq!(browser.submit(&page, &page.form()).await.location().path(), "/setup/home");
    (browser, made["setupLink"]["id"].as_str().unwrap().to_owned())
}

async fn count(app: &TestApp, condition: &'static str) -> i64 {
    let mut conn = app.state.db.read().await.unwrap();
    let (count,): (i64,) = conn.sql(condition).one().await.unwrap();
    count
}

/// The same secret under the prefix of another kind: the digests are equal.
fn disguised(cookie: &str, from: &str, to: &str) -> String {
    format!("{to}{}", cookie.strip_prefix(from).unwrap())
}

both! {
    async fn a_cookie_is_never_accepted_for_another_kind_of_session(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let owner = app.administrator(Role::Owner, None).await.cookie(&app.base, CONSOLE_COOKIE).unwrap();
        let (setup, _) = opened_link(&app, &key, &tenant).await;
        let setup = setup.cookie(&app.base, SETUP_COOKIE).unwrap();

        let as_setup = disguised(&owner, "ostiary_session_", "ostiary_setup_");
        let as_owner = disguised(&setup, "ostiary_setup_", "ostiary_session_");
        let (real, fake): (AdminSessionToken, SetupSessionToken) = (owner.parse().unwrap(), as_setup.parse().unwrap());
        assert_eq!(real.digest(), fake.digest());
        let get = async |cookie: &str, value: &str, path: &str| {
            let browser = app.browser();
            browser.set_cookie(&app.base, cookie, value);
            browser.get(&app.url(path)).await.status.as_u16()
        };
        assert_eq!((get(CONSOLE_COOKIE, &owner, "/console/account").await, get(SETUP_COOKIE, &setup, "/setup/home").await), (200, 200));
        for value in [&as_owner, &setup] {
            assert_eq!(get(CONSOLE_COOKIE, value, "/console/account").await, 303);
        }
        for value in [&as_setup, &owner] {
            assert_eq!(get(SETUP_COOKIE, value, "/setup/home").await, 401);
        }
        // Neither does a foreign cookie end the session whose digest it has.
        let browser = app.browser();
        browser.set_cookie(&app.base, SETUP_COOKIE, &setup);
        setup::sessions::end_session(&app.state, &as_setup).await.unwrap();
        administrators::sessions::revoke_by_token(&app.state, &as_owner).await.unwrap();
        assert_eq!((get(CONSOLE_COOKIE, &owner, "/console/account").await, get(SETUP_COOKIE, &setup, "/setup/home").await), (200, 200));
    }

    async fn the_sessions_of_a_setup_link_end_with_it_and_with_its_organization(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let (browser, id) = opened_link(&app, &key, &tenant).await;
        let home = app.url("/setup/home");
        let set_disabled = async |disabled: bool| {
            let path = format!("/v1/organizations/{}", tenant.organization.id);
            let changed = app.api(&key, Method::PATCH, &path, Some(json!({ "disabled": disabled }))).await;
            assert_eq!(changed.status, 200, "{}", changed.body);
        };
        set_disabled(true).await;
        assert_eq!(browser.get(&home).await.status, 403);
        set_disabled(false).await;
        assert_eq!(browser.get(&home).await.status, 200);
        let revoked = app.api(&key, Method::DELETE, &format!("/v1/setup-urls/{id}"), None).await;
        assert_eq!(revoked.status, 200, "{}", revoked.body);
        assert_eq!(browser.get(&home).await.status, 401);
        assert_eq!(count(&app, "SELECT COUNT(*) FROM sessions WHERE revoked_at IS NULL").await, 0);

        let (browser, _) = opened_link(&app, &key, &tenant).await;
        let principal = Principal::operator(environment.id);
        resource::remove::<Organization>(&app.state, &principal, tenant.organization.id, None).await.unwrap();
        assert_eq!(browser.get(&home).await.status, 401);
        assert_eq!(count(&app, "SELECT COUNT(*) FROM sessions").await, 0);
    }

    async fn sessions_are_swept_after_their_end(app: TestApp) {
        let dana = app.with_password("dana@vendor.example").await;
        app.signed_in(&dana).await;
        let mut tx = app.state.db.write().await.unwrap();
        let end = app.now() + app.state.settings.console.session_lifetime;
        assert_eq!(store::sessions::remove_expired(&mut tx, end).await.unwrap(), 0);
        assert_eq!(store::sessions::remove_expired(&mut tx, end + std::time::Duration::from_millis(1)).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }

    async fn what_was_made_in_an_environment_goes_with_it(app: TestApp) {
        let (environment, other) = (app.environment("prod").await, app.environment("test").await);
        for scope in [
            RoleScope::Environment(Principal::operator(environment.id)),
            RoleScope::Environment(Principal::operator(other.id)),
            RoleScope::Global(Principal::OPERATOR),
        ] {
            invitations::create(&app.state, &scope, "new@vendor.example", Role::Viewer).await.unwrap();
        }
        let principal = Principal::operator(environment.id);
        environments::remove(&app.state, &principal, environment.id, None).await.unwrap();
        assert_eq!(count(&app, "SELECT COUNT(*) FROM invitations").await, 2);
        let left = invitations::list(&app.state, &RoleScope::Global(Principal::OPERATOR)).await.unwrap();
        assert_eq!(left.len(), 1);
    }
}
