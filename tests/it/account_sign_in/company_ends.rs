//! What ends with the right to sign in through the organization: sessions, codes, refresh tokens and access tokens.

use model::user::UserStatus;
use ostiary::app::{
    accounts::users,
    connections::saml::{self, SamlConnectionChange},
    organizations::OrganizationChange,
    resource,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    PASSWORD, add_user, code,
    company::{DANA, Sso},
    password, text,
};
use crate::{
    both,
    support::{
        Browser, TestApp, query,
        scim::{TestDirectory, id, patch},
    },
};

/// Somebody who is signed in, with everything that an application can have of it.
struct SignedIn {
    browser: Browser,
    tokens: Value,
    pending: String,
}

async fn signed_in(sso: &Sso<'_>) -> SignedIn {
    let browser = sso.app.browser();
    let done = sso.sign_in(&browser, DANA, |_| {}).await;
    let tokens = sso.world.exchange(sso.app, &code(&done), &[]).await.json();
    let pending = code(&browser.get(&sso.world.authorize(sso.app, &[])).await);
    assert_eq!(sso.world.userinfo(sso.app, text(&tokens, "access_token")).await.status, 200);
    SignedIn { browser, tokens, pending }
}

async fn assert_ended(sso: &Sso<'_>, person: &SignedIn, how: &str) {
    let (app, world) = (sso.app, &sso.world);
    assert_ne!(world.userinfo(app, text(&person.tokens, "access_token")).await.status, 200, "{how}");
    assert_ne!(world.refresh(app, text(&person.tokens, "refresh_token"), &[]).await.status, 200, "{how}");
    assert_ne!(world.exchange(app, &person.pending, &[]).await.status, 200, "{how}");
    let again = person.browser.get(&world.authorize(app, &[("prompt", "none")])).await;
    assert!(again.headers.get("location").is_none() || query(&again.location(), "code").is_none(), "{how}");
}

async fn assert_good(sso: &Sso<'_>, person: &SignedIn) {
    assert_eq!(sso.world.userinfo(sso.app, text(&person.tokens, "access_token")).await.status, 200);
    let again = person.browser.get(&sso.world.authorize(sso.app, &[("prompt", "none")])).await;
    assert!(query(&again.location(), "code").is_some());
}

async fn take_away(app: &TestApp, directory: &TestDirectory, path: &str, how: &str) {
    let answer = match how {
        "PATCH" => {
            let off = json!([{ "op": "Replace", "path": "active", "value": false }]);
            app.scim(directory, Method::PATCH, path, patch(off)).await
        }
        "PUT under another name" => {
            let body = json!({ "userName": "other@acme.example", "active": false });
            app.scim(directory, Method::PUT, path, Some(body)).await
        }
        _ => app.scim(directory, Method::DELETE, path, None).await,
    };
    assert!(answer.status.is_success(), "{how}: {}", answer.body);
}

both! {
    async fn a_directory_takes_everything_away(app: TestApp) {
        let sso = Sso::new(&app).await;
        let neighbour = sso.neighbour("globex.example").await;
        let other = neighbour.app.browser();
        let elsewhere = neighbour.sign_in(&other, "dana@globex.example", |_| {}).await;
        let elsewhere = neighbour.world.exchange(&app, &code(&elsewhere), &[]).await.json();
        let directory = app.scim_directory(&sso.tenant).await;
        for how in ["PATCH", "PUT under another name", "DELETE"] {
            let user = app.scim_user(&directory, "dana@ACME.example").await;
            let path = format!("/Users/{}", id(&user));
            let person = signed_in(&sso).await;
            take_away(&app, &directory, &path, how).await;
            assert_ended(&sso, &person, how).await;
            let refused = sso.sign_in(&app.browser(), DANA, |_| {}).await;
            assert_eq!(refused.reason(), Some("directory_user_inactive"), "{how}");
            let _ = app.scim(&directory, Method::DELETE, &path, None).await;
        }
        assert_eq!(neighbour.world.userinfo(&app, text(&elsewhere, "access_token")).await.status, 200, "others keep theirs");
    }

    async fn the_directorys_word_counts_for_passwords_and_names_too(app: TestApp) {
        let sso = Sso::new(&app).await;
        let directory = app.scim_directory(&sso.tenant).await;
        // The address of the account is another one than the directory's; the identity provider knows both.
        let renamed = |spec: &mut ostiary::test_idp::response::ResponseSpec| {
            spec.name_id = Some("00u1".into());
            spec.name_id_format = Some(::saml::identifiers::name_id_format::PERSISTENT.into());
            spec.attributes = vec![("mail".into(), vec!["new@acme.example".into()])];
        };
        let first = |spec: &mut ostiary::test_idp::response::ResponseSpec| {
            renamed(spec);
            spec.attributes = vec![("mail".into(), vec![DANA.into()])];
        };
        code(&sso.sign_in(&app.browser(), DANA, first).await);
        let browser = app.browser();
        let done = sso.sign_in(&browser, DANA, renamed).await;
        let tokens = sso.world.exchange(&app, &code(&done), &[]).await.json();
        let user = app.scim_user(&directory, "new@acme.example").await;
        take_away(&app, &directory, &format!("/Users/{}", id(&user)), "PATCH").await;
        assert_eq!(sso.world.userinfo(&app, text(&tokens, "access_token")).await.status, 401);

        // Somebody with a password, where the connection is not used.
        let mut connection = sso.tenant.connection.clone();
        connection.disabled = true;
        app.update_connection(&connection).await;
        add_user(&app, sso.world.environment.id, sso.world.organization, "ada@acme.example", vec![password(PASSWORD)]).await;
        let ada = app.scim_user(&directory, "ada@acme.example").await;
        let browser = app.browser();
        let done = sso.world.sign_in(&app, &browser, "ada@acme.example", PASSWORD).await;
        let tokens = sso.world.exchange(&app, &code(&done), &[]).await.json();
        take_away(&app, &directory, &format!("/Users/{}", id(&ada)), "PATCH").await;
        assert_eq!(sso.world.userinfo(&app, text(&tokens, "access_token")).await.status, 401);
        let refused = sso.world.sign_in(&app, &app.browser(), "ada@acme.example", PASSWORD).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("account_not_active")));
        assert_eq!(sso.world.sign_in(&app, &app.browser(), "ada@acme.example", "wrong").await.status, 401);
        let on = json!([{ "op": "Replace", "path": "active", "value": true }]);
        assert_eq!(app.scim(&directory, Method::PATCH, &format!("/Users/{}", id(&ada)), patch(on)).await.status, 200);
        code(&sso.world.sign_in(&app, &app.browser(), "ada@acme.example", PASSWORD).await);
    }

    async fn everything_ends_with_connection_organization_and_account(app: TestApp) {
        let sso = Sso::new(&app).await;
        let (state, principal) = (&app.state, sso.principal());
        let neighbour = sso.neighbour("globex.example").await;
        let other = SignedIn {
            browser: app.browser(),
            tokens: Value::Null,
            pending: String::new(),
        };
        let done = neighbour.sign_in(&other.browser, "dana@globex.example", |_| {}).await;
        let tokens = neighbour.world.exchange(&app, &code(&done), &[]).await.json();
        let other = SignedIn { tokens, ..other };

        let connection = sso.tenant.connection.id;
        let disabled = |disabled| SamlConnectionChange { disabled: Some(disabled), ..SamlConnectionChange::default() };
        let person = signed_in(&sso).await;
        saml::update(state, &principal, connection, None, &disabled(true)).await.unwrap();
        assert_ended(&sso, &person, "connection disabled").await;
        saml::update(state, &principal, connection, None, &disabled(false)).await.unwrap();

        let person = signed_in(&sso).await;
        let sub = sso.claims(DANA).await["sub"].clone();
        let user = sso.user(&sub).await;
        sso.set_status(&user, UserStatus::Inactive).await;
        assert_ended(&sso, &person, "user disabled").await;
        sso.set_status(&user, UserStatus::Active).await;

        let person = signed_in(&sso).await;
        users::remove(state, &principal, (user.pool_id, user.id), None).await.unwrap();
        assert_ended(&sso, &person, "user deleted").await;
        assert_ne!(sso.claims(DANA).await["sub"], sub, "a new account, with nothing of the one before");

        let person = signed_in(&sso).await;
        let change = |disabled| OrganizationChange { disabled: Some(disabled), ..OrganizationChange::default() };
        let id = sso.world.organization;
        resource::update::<model::organization::Organization>(state, &principal, id, None, &change(true)).await.unwrap();
        assert_ended(&sso, &person, "organization disabled").await;
        resource::update::<model::organization::Organization>(state, &principal, id, None, &change(false)).await.unwrap();
        assert_ended(&sso, &person, "and on again").await;

        let person = signed_in(&sso).await;
        saml::remove(state, &principal, connection, None).await.unwrap();
        assert_ended(&sso, &person, "connection removed").await;
        assert_good(&neighbour, &other).await;
    }
}
