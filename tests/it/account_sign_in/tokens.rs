//! Refresh tokens, introspection, revocation, signing out, and what ends everything.

use std::time::Duration;

use model::{application::ClientKind, user::UserStatus};
use ostiary::app::{accounts::users, organizations::OrganizationChange, principal::Principal, resource};
use serde_json::{Value, json};

use super::{
    CALLBACK, EMAIL, PASSWORD, SIGNED_OUT, World, add_application, add_user, assert_error, claims, code,
    give, issuer_of, password, text, world,
};
use crate::{
    both,
    support::{TestApp, query},
};

async fn introspect(app: &TestApp, world: &World, token: &str) -> Value {
    let own = app.program(&world.environment, Some(world.organization), &[]).await;
    let id = own.id.to_string();
    let form = [("client_id", id.as_str()), ("client_secret", &own.secret), ("token", token)];
    let answer = app.browser().post(&app.url(&format!("{}/oauth2/introspect", world.issuer)), &form).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

both! {
    async fn a_refresh_token_is_good_once_and_its_reuse_ends_the_grant(app: TestApp) {
        let world = world(&app).await;
        let first = world.tokens(&app).await;
        let second = world.refresh(&app, text(&first, "refresh_token"), &[]).await;
        assert_eq!(second.status, 200, "{}", second.body);
        let second = second.json();
        assert_ne!(second["refresh_token"], first["refresh_token"]);
        let (before, after) = (claims(text(&first, "id_token")), claims(text(&second, "id_token")));
        assert_eq!((&before["sub"], &before["auth_time"], &before["sid"]), (&after["sub"], &after["auth_time"], &after["sid"]));
        assert!(after.get("nonce").is_none());
        let narrow = world.refresh(&app, text(&second, "refresh_token"), &[("scope", "openid")]).await.json();
        assert_eq!(narrow["scope"], "openid");
        assert_error(&world.refresh(&app, text(&narrow, "refresh_token"), &[("scope", "openid admin")]).await, 400, "invalid_scope");
        assert_eq!(world.userinfo(&app, text(&narrow, "access_token")).await.status, 200);
        // The stolen one.
        assert_error(&world.refresh(&app, text(&first, "refresh_token"), &[]).await, 400, "invalid_grant");
        assert_error(&world.refresh(&app, text(&narrow, "refresh_token"), &[]).await, 400, "invalid_grant");
        for tokens in [&first, &second, &narrow] {
            assert_eq!(world.userinfo(&app, text(tokens, "access_token")).await.status, 401);
        }
        // Another sign-in goes on.
        let other = world.tokens(&app).await;
        assert_eq!(world.refresh(&app, text(&other, "refresh_token"), &[]).await.status, 200);
    }

    async fn of_many_refreshes_at_once_one_is_served(app: TestApp) {
        let world = world(&app).await;
        let tokens = world.tokens(&app).await;
        let many = (0..8).map(|_| world.refresh(&app, text(&tokens, "refresh_token"), &[]));
        let answers = futures_util::future::join_all(many).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    }

    async fn a_refresh_token_ends_after_thirty_days(app: TestApp) {
        let world = world(&app).await;
        let mut tokens = world.tokens(&app).await;
        let day = Duration::from_secs(24 * 3600);
        for _ in 0..2 {
            app.advance(day * 14);
            tokens = world.refresh(&app, text(&tokens, "refresh_token"), &[]).await.json();
        }
        app.advance(day * 2);
        assert_error(&world.refresh(&app, text(&tokens, "refresh_token"), &[]).await, 400, "invalid_grant");
    }

    async fn tokens_are_introspected_and_revoked(app: TestApp) {
        let world = world(&app).await;
        let tokens = world.tokens(&app).await;
        let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        let told = introspect(&app, &world, access).await;
        assert_eq!((&told["active"], &told["sub"], &told["client_id"]), (&json!(true), &json!(world.user), &json!(world.client.id)));
        assert_eq!(introspect(&app, &world, refresh).await, json!({"active": false}), "of another client");
        assert_eq!(introspect(&app, &world, text(&tokens, "id_token")).await, json!({"active": false}));
        let id = world.client.id.to_string();
        let endpoint = |name: &str| app.url(&format!("{}/oauth2/{name}", world.issuer));
        let public = app.browser().post(&endpoint("introspect"), &[("client_id", &id), ("token", access)]).await;
        assert_error(&public, 401, "invalid_client");
        // Of another client it is not revoked.
        let other = add_application(&app, &world.environment, ClientKind::Public).await.id.to_string();
        for (client, good) in [(&other, true), (&id, false)] {
            let revoked = app.browser().post(&endpoint("revoke"), &[("client_id", client), ("token", refresh)]).await;
            assert_eq!(revoked.status, 200, "{}", revoked.body);
            assert_eq!(introspect(&app, &world, access).await["active"], good);
        }
        assert_error(&world.refresh(&app, refresh, &[]).await, 400, "invalid_grant");
    }

    async fn signing_out_ends_everything_of_the_session(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let done = world.sign_in(&app, &browser, EMAIL, PASSWORD).await;
        let tokens = world.exchange(&app, &code(&done), &[]).await.json();
        let pending = code(&browser.get(&world.authorize(&app, &[])).await);
        let logout = |pairs: &[(&str, &str)]| {
            let mut url = url::Url::parse(&app.url(&format!("{}/oidc/logout", world.issuer))).unwrap();
            url.query_pairs_mut().extend_pairs(pairs);
            url.to_string()
        };
        let id = world.client.id.to_string();
        // Without a proof, somebody is asked.
        let asked = browser.get(&logout(&[("client_id", &id), ("post_logout_redirect_uri", SIGNED_OUT)])).await;
        assert!(asked.status == 200 && asked.body.contains("Sign out?"), "{}", asked.body);
        assert_eq!(world.userinfo(&app, text(&tokens, "access_token")).await.status, 200);
        let hint = text(&tokens, "id_token");
        let out = browser.get(&logout(&[("id_token_hint", hint), ("post_logout_redirect_uri", SIGNED_OUT), ("state", "x y")])).await;
        assert_eq!(out.location().as_str(), format!("{SIGNED_OUT}?state=x%20y"));
        assert_eq!(world.userinfo(&app, text(&tokens, "access_token")).await.status, 401);
        assert_error(&world.refresh(&app, text(&tokens, "refresh_token"), &[]).await, 400, "invalid_grant");
        assert_error(&world.exchange(&app, &pending, &[]).await, 400, "invalid_grant");
        let again = browser.get(&world.authorize(&app, &[("prompt", "none")])).await.location();
        assert_eq!(query(&again, "error").as_deref(), Some("login_required"));
        // The person confirms; the application posts.
        code(&world.sign_in(&app, &browser, EMAIL, PASSWORD).await);
        let posted = browser.post(&logout(&[]), &[("client_id", &id), ("post_logout_redirect_uri", SIGNED_OUT)]).await;
        let asked = browser.get(posted.location().as_str()).await;
        let out = browser.submit(&asked, &asked.form()).await;
        assert_eq!(out.location().as_str(), SIGNED_OUT);
        // The ID token of an earlier session proves nothing.
        code(&world.sign_in(&app, &browser, EMAIL, PASSWORD).await);
        assert!(browser.get(&logout(&[("id_token_hint", hint)])).await.body.contains("Sign out?"));
        assert_eq!(app.browser().get(&logout(&[("id_token_hint", hint)])).await.status, 200);
    }

    async fn nothing_outlives_the_users_right_to_sign_in(app: TestApp) {
        for end in ["disable", "delete", "organization", "application", "unshare"] {
            let world = match end {
                "disable" => world(&app).await,
                slug => {
                    let environment = app.environment(slug).await;
                    let tenant = app.tenant(&environment, "acme.example").await;
                    let organization = tenant.organization.id;
                    let user = add_user(&app, environment.id, organization, EMAIL, vec![password(PASSWORD)]).await;
                    let client = add_application(&app, &environment, ClientKind::Public).await;
                    World { issuer: issuer_of(slug, organization), environment, organization, user, client }
                }
            };
            let browser = app.browser();
            let done = world.sign_in(&app, &browser, EMAIL, PASSWORD).await;
            let tokens = world.exchange(&app, &code(&done), &[]).await.json();
            let pending = code(&browser.get(&world.authorize(&app, &[])).await);
            let principal = Principal::operator(world.environment.id);
            let user = users::find_any(&app.state, &principal, world.user).await.unwrap();
            let of = (user.pool_id, user.id);
            let application = |change: &str| ostiary::app::applications::ApplicationChange {
                disabled: (change == "application").then_some(true),
                shared: (change == "unshare").then(|| "none".to_owned()),
                ..Default::default()
            };
            match end {
                "disable" => drop(users::set_status(&app.state, &principal, of, None, UserStatus::Inactive).await.unwrap()),
                "delete" => users::remove(&app.state, &principal, of, None).await.unwrap(),
                "organization" => {
                    let change = OrganizationChange { disabled: Some(true), ..OrganizationChange::default() };
                    resource::update::<model::organization::Organization>(&app.state, &principal, world.organization, None, &change).await.unwrap();
                }
                other => {
                    let change = application(other);
                    resource::update::<model::application::Application>(&app.state, &principal, world.client.id, None, &change).await.unwrap();
                }
            }
            assert_ne!(world.userinfo(&app, text(&tokens, "access_token")).await.status, 200, "{end}");
            assert_ne!(world.refresh(&app, text(&tokens, "refresh_token"), &[]).await.status, 200, "{end}");
            assert_ne!(world.exchange(&app, &pending, &[]).await.status, 200, "{end}");
            let again = browser.get(&world.authorize(&app, &[("prompt", "none")])).await;
            assert!(!again.headers.get("location").is_some_and(|to| to.to_str().unwrap().contains("code=")), "{end}");
        }
    }

    async fn an_application_that_is_not_shared_is_unknown_elsewhere(app: TestApp) {
        let mut world = world(&app).await;
        let new = ostiary::app::applications::NewApplication { kind: ClientKind::Public, workspace: None, organization_id: None };
        let change = ostiary::app::applications::ApplicationChange {
            redirect_uris: Some(vec![CALLBACK.into()]),
            shared: Some("none".into()),
            ..Default::default()
        };
        world.client = app.make_client(&world.environment, new, &change).await;
        let refused = app.browser().get(&world.authorize(&app, &[])).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (400, Some("invalid_client")));
        let at_root = app.browser().get(&world.authorize_at(&app, "/prod/root", &[])).await;
        assert_eq!(at_root.status, 303);
        let page = world.password_page(&app.browser(), &world.authorize_at(&app, "/prod/root", &[]), EMAIL).await;
        let browser = app.browser();
        assert_eq!(give(&browser, &page, "password", PASSWORD).await.status, 400, "another browser");
    }
}
