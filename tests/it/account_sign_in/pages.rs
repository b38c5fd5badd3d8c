//! The other pages: second factor, a password that must be changed, an account that may not be used, activation.

use std::time::Duration;

use base::time::Timestamp;
use model::{account::CredentialState, user::UserStatus};
use ostiary::app::{
    accounts::{
        credentials::{ImportedCredential, NewCredential},
        recovery_codes,
        totp::TotpSecret,
        user_credentials, users,
    },
    authorization_server::sign_in::activation,
    organizations::OrganizationChange,
    principal::Principal,
    resource,
};
use serde_json::json;

use super::{EMAIL, PASSWORD, add_user, claims, code, give, password, text, world};
use crate::both;

/// The code of an authenticator app at a time.
pub(super) fn totp_code(secret: &str, now: Timestamp) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    let app = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    app.generate(u64::try_from(now.seconds()).unwrap()).to_string()
}

both! {
    async fn an_authenticator_app_or_a_recovery_code_is_asked_for(app: TestApp) {
        let world = world(&app).await;
        let secret = TotpSecret::new(crate::support::random()).reveal();
        let totp = NewCredential { credential: ImportedCredential::Totp(secret.clone()), state: CredentialState::Valid, expires_at: None };
        let user = add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD), totp]).await;
        let browser = app.browser();
        let next = world.sign_in(&app, &browser, "ada@acme.com", PASSWORD).await;
        assert!(next.location().path().ends_with("/sign-in"), "no code yet");
        let page = browser.get(next.location().as_str()).await;
        assert!(page.body.contains("authenticator app"), "{}", page.body);
        let wrong = give(&browser, &page, "code", "000000").await;
        assert_eq!(wrong.status, 401);
        let right = totp_code(&secret, app.now());
        let done = give(&browser, &page, "code", &right).await;
        let id = claims(text(&world.exchange(&app, &code(&done), &[]).await.json(), "id_token"));
        assert_eq!((&id["amr"], &id["acr"]), (&json!(["pwd", "otp", "mfa"]), &json!("https://refeds.org/profile/mfa")));
        // A code is good once, and another browser's password gives nobody this step.
        let other = app.browser();
        let next = world.sign_in(&app, &other, "ada@acme.com", PASSWORD).await;
        let page = other.get(next.location().as_str()).await;
        assert_eq!(give(&other, &page, "code", &right).await.status, 401);
        assert_eq!(give(&app.browser(), &page, "code", &right).await.reason(), Some("sign_in_gone"));
        let mut tx = app.state.db.write().await.unwrap();
        let codes = recovery_codes::generate(&mut tx, &app.state, user.into()).await.unwrap();
        tx.commit().await.unwrap();
        let done = give(&other, &page, "code", &codes[0]).await;
        let id = claims(text(&world.exchange(&app, &code(&done), &[]).await.json(), "id_token"));
        assert_eq!(id["amr"], json!(["pwd", "mfa"]));
        // The first factor counts for a while only.
        let late = app.browser();
        let next = world.sign_in(&app, &late, "ada@acme.com", PASSWORD).await;
        let page = late.get(next.location().as_str()).await;
        app.advance(Duration::from_secs(10 * 60));
        assert_eq!(give(&late, &page, "code", &totp_code(&secret, app.now())).await.reason(), Some("sign_in_gone"));
    }

    async fn a_password_that_must_be_changed_is_changed_first(app: TestApp) {
        let world = world(&app).await;
        let principal = Principal::operator(world.environment.id);
        let user = users::find_any(&app.state, &principal, world.user).await.unwrap();
        let of = (user.pool_id, user.id);
        let set = async |state| user_credentials::set_password_state(&app.state, &principal, of, state).await.unwrap();
        set(CredentialState::MustBeChanged).await;
        let browser = app.browser();
        let next = world.sign_in(&app, &browser, EMAIL, PASSWORD).await;
        let page = browser.get(next.location().as_str()).await;
        assert!(page.body.contains("Choose another password"), "{}", page.body);
        for bad in ["short", PASSWORD, "dana@acme.com"] {
            assert_eq!(give(&browser, &page, "password", bad).await.status, 400, "{bad}");
        }
        let done = give(&browser, &page, "password", "purple kettle under rain").await;
        code(&done);
        assert_eq!(world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await.status, 401);
        code(&world.sign_in(&app, &app.browser(), EMAIL, "purple kettle under rain").await);
        set(CredentialState::MustBeReset).await;
        let refused = world.sign_in(&app, &app.browser(), EMAIL, "purple kettle under rain").await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("password_must_be_reset")));
        assert_eq!(world.sign_in(&app, &app.browser(), EMAIL, "wrong").await.status, 401);
    }

    async fn who_may_not_sign_in_is_told_so(app: TestApp) {
        let world = world(&app).await;
        let principal = Principal::operator(world.environment.id);
        let user = users::find_any(&app.state, &principal, world.user).await.unwrap();
        let of = (user.pool_id, user.id);
        for status in [UserStatus::Inactive, UserStatus::New, UserStatus::Deleted] {
            users::set_status(&app.state, &principal, of, None, status).await.unwrap();
            let refused = world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("account_not_active")), "{status:?}");
            assert_eq!(world.sign_in(&app, &app.browser(), EMAIL, "wrong").await.status, 401, "only who proves it");
        }
        let change = OrganizationChange { disabled: Some(true), ..OrganizationChange::default() };
        resource::update::<model::organization::Organization>(&app.state, &principal, world.organization, None, &change).await.unwrap();
        for path in ["/oauth2/authorize", "/sign-in", "/sign-in/activate?code=x"] {
            let refused = app.browser().get(&app.url(&format!("{}{path}", world.issuer))).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (404, Some("organization_unavailable")), "{path}");
        }
    }

    async fn where_passwords_are_not_allowed_none_is_right(app: TestApp) {
        let world = world(&app).await;
        let principal = Principal::operator(world.environment.id);
        let change = OrganizationChange { authentication_mechanisms: Some(vec!["webauthn".into()]), ..OrganizationChange::default() };
        resource::update::<model::organization::Organization>(&app.state, &principal, world.organization, None, &change).await.unwrap();
        assert_eq!(world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await.status, 401);
    }

    async fn a_new_user_sets_a_password_by_a_link(app: TestApp) {
        let world = world(&app).await;
        let principal = Principal::operator(world.environment.id);
        let id = add_user(&app, world.environment.id, world.organization, "new@acme.com", Vec::new()).await;
        let user = users::find_any(&app.state, &principal, id).await.unwrap();
        users::set_status(&app.state, &principal, (user.pool_id, id), None, UserStatus::New).await.unwrap();
        let link = activation::create_link(&app.state, &principal, &user).await.unwrap();
        assert!(link.starts_with(&app.url(&format!("{}/sign-in/activate?code=", world.issuer))), "{link}");
        let browser = app.browser();
        // A preview of the letter opens it, and opens it again.
        for _ in 0..10 {
            assert_eq!(app.browser().get(&link).await.status, 200);
        }
        let elsewhere = link.replace(&world.issuer, "/prod/root");
        assert_eq!(app.browser().get(&elsewhere).await.reason(), Some("link_ended"));
        let page = browser.get(&link).await;
        assert_eq!(give(&browser, &page, "password", "short").await.status, 400);
        let form = page.form();
        let forged = form.field("code").unwrap().rsplit_once('.').unwrap().0.to_owned() + ".000000";
        let refused = browser.post(page.url.as_str(), &[("code", &forged), ("password", "green kettle under hail")]).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (401, Some("link_ended")));
        let done = give(&browser, &page, "password", "green kettle under hail").await;
        assert!(done.status == 200 && done.body.contains("Your password is set"), "{}", done.body);
        assert_eq!(give(&browser, &page, "password", "other kettle under hail").await.reason(), Some("link_ended"));
        assert_eq!(app.browser().get(&link).await.reason(), Some("link_ended"));
        code(&world.sign_in(&app, &app.browser(), "new@acme.com", "green kettle under hail").await);
    }
}
