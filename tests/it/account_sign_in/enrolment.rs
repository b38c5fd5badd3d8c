//! What somebody sets up while they sign in: a passkey, which they are offered once, and an authenticator app where the pool asks for
//! a second factor.

use std::time::Duration;

use model::identity_pool::{AuthenticationMechanism, IdentityPool};
use ostiary::{
    app::{accounts::users, principal::Principal},
    store::table,
};
use serde_json::json;

use super::{
    EMAIL, PASSWORD, World, add_user, claims, code, give,
    pages::totp_code,
    passkeys::{add_passkey, answer, options},
    password, text, world,
};
use crate::{
    both,
    support::{Answer, Browser, TestApp, authenticator, forms::form_to},
};

/// A user who was not asked yet whether they want a passkey.
pub(super) async fn forget_the_offer(app: &TestApp, user: base::id::UserId) {
    let mut tx = app.state.db.write().await.unwrap();
    tx.sql("UPDATE users SET passkey_offered_at = NULL WHERE id = $1").bind(user).execute().await.unwrap();
    tx.commit().await.unwrap();
}

pub(super) async fn change_pool(app: &TestApp, world: &World, change: impl FnOnce(&mut IdentityPool)) {
    let principal = Principal::operator(world.environment.id);
    let user = users::find_any(&app.state, &principal, world.user).await.unwrap();
    let mut tx = app.state.db.write().await.unwrap();
    let mut pool: IdentityPool =
        table::find(&mut tx, world.environment.id, user.pool_id).await.unwrap().unwrap();
    change(&mut pool);
    assert!(table::update(&mut tx, &mut pool, app.now()).await.unwrap());
    tx.commit().await.unwrap();
}

/// Presses the button of the form to `path`.
async fn press(browser: &Browser, page: &Answer, path: &str) -> Answer {
    let form = form_to(page, path).unwrap_or_else(|| panic!("no form to {path} in {}", page.body));
    browser.submit(page, &form).await
}

both! {
    async fn a_passkey_is_offered_once_after_the_password(app: TestApp) {
        let world = world(&app).await;
        forget_the_offer(&app, world.user).await;
        let (browser, go_on) = (app.browser(), format!("{}/sign-in/continue", world.issuer));
        let next = world.sign_in(&app, &browser, EMAIL, PASSWORD).await;
        assert!(next.location().path().ends_with("/sign-in"), "no code yet");
        let page = browser.get(next.location().as_str()).await;
        assert!(page.body.contains("Sign in faster next time?"), "{}", page.body);
        // Nobody is signed in before the answer, and in no other browser.
        let asked = browser.get(&world.authorize(&app, &[("prompt", "none")])).await;
        assert_eq!(crate::support::query(&asked.location(), "error").as_deref(), Some("login_required"));
        assert_eq!(press(&app.browser(), &page, &go_on).await.reason(), Some("sign_in_gone"));
        code(&press(&browser, &page, &go_on).await);
        // Once.
        code(&world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await);
    }

    async fn a_passkey_is_added_at_the_sign_in_and_signs_in(app: TestApp) {
        let world = world(&app).await;
        forget_the_offer(&app, world.user).await;
        let (browser, origin) = (app.browser(), app.state.links.origin());
        let next = world.sign_in(&app, &browser, EMAIL, PASSWORD).await;
        let page = browser.get(next.location().as_str()).await;
        let asked = options(&page);
        assert_eq!(asked["publicKey"]["rp"]["name"], "Portal");
        assert_eq!(asked["publicKey"]["user"]["name"], EMAIL);
        let new = format!("{}/sign-in/passkey/new", world.issuer);
        let elsewhere = authenticator::register(&asked, "https://evil.example").to_string();
        let refused = answer(&browser, &page, &new, &elsewhere).await;
        assert!(refused.status == 400 && refused.body.contains("No passkey was made"), "{}", refused.body);
        let (mut passkey, made) = authenticator::make(&asked, &origin);
        let made = made.to_string();
        // Not in another sign-in of the same person: the challenge is of this one.
        let other = app.browser();
        let there = world.sign_in(&app, &other, EMAIL, PASSWORD).await;
        let there = other.get(there.location().as_str()).await;
        let mut form = form_to(&there, &new).unwrap();
        form.fields.retain(|(name, _)| name != "challenge" && name != "answer");
        let challenge = form_to(&page, &new).unwrap().field("challenge").unwrap().to_owned();
        form.fields.extend([("challenge".into(), challenge), ("answer".into(), made.clone())]);
        assert_eq!(other.submit(&there, &form).await.status, 400);
        let done = answer(&browser, &page, &new, &made).await;
        let id = claims(text(&world.exchange(&app, &code(&done), &[]).await.json(), "id_token"));
        assert_eq!(id["amr"], json!(["pwd"]), "it was the password that proved them");
        let late = app.browser();
        let page = world.page(&app, &late).await;
        let said = passkey.answer(&options(&page), &origin);
        code(&answer(&late, &page, &world.passkey_path(), &said).await);
    }

    async fn who_has_a_passkey_or_may_have_none_is_not_asked(app: TestApp) {
        let world = world(&app).await;
        add_passkey(&app, &world, world.user).await;
        forget_the_offer(&app, world.user).await;
        code(&world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await);
        let other = add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD)]).await;
        forget_the_offer(&app, other).await;
        change_pool(&app, &world, |pool| pool.first_factors.allowed.retain(|one| *one != AuthenticationMechanism::Webauthn)).await;
        code(&world.sign_in(&app, &app.browser(), "ada@acme.com", PASSWORD).await);
        let page = world.page(&app, &app.browser()).await;
        assert!(!page.body.contains("data-passkey"), "{}", page.body);
    }

    async fn where_a_second_factor_is_asked_of_everybody_it_is_set_up_first(app: TestApp) {
        let world = world(&app).await;
        change_pool(&app, &world, |pool| {
            pool.second_factors.allowed = vec![AuthenticationMechanism::Totp];
            pool.second_factor_threshold = serde_json::Number::from_f64(0.5);
        })
        .await;
        let browser = app.browser();
        let next = world.sign_in(&app, &browser, EMAIL, PASSWORD).await;
        let page = browser.get(next.location().as_str()).await;
        assert!(page.body.contains("Set up an authenticator app") && page.body.contains("<svg"), "{}", page.body);
        // There is no way around it.
        let request = page.form().field("request").unwrap().to_owned();
        for path in ["continue", "passkey/new", "code"] {
            let answer = browser.post(&app.url(&format!("{}/sign-in/{path}", world.issuer)), &[("request", request.as_str())]).await;
            assert_eq!(answer.reason(), Some("sign_in_gone"), "{path}");
        }
        let secret = page.body.split_once("Key: <code>").unwrap().1.split_once('<').unwrap().0.replace(' ', "");
        let wrong = give(&browser, &page, "code", "000000").await;
        assert!(wrong.status == 401 && wrong.body.contains(&secret[..4]), "the same secret again: {}", wrong.body);
        // The secret of another sign-in is none here.
        let other = app.browser();
        let there = world.sign_in(&app, &other, EMAIL, PASSWORD).await;
        let there = other.get(there.location().as_str()).await;
        let stolen = page.form().field("secret").unwrap().to_owned();
        let mut form = there.form();
        form.fields.retain(|(name, _)| name != "secret" && name != "code");
        form.fields.extend([("secret".into(), stolen), ("code".into(), totp_code(&secret, app.now()))]);
        assert_eq!(other.submit(&there, &form).await.reason(), Some("sign_in_gone"));
        let right = totp_code(&secret, app.now());
        let done = give(&browser, &wrong, "code", &right).await;
        assert!(done.status == 200 && done.body.contains("Your recovery codes"), "{}", done.body);
        let codes: Vec<String> = done.body.split("<li><code>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect();
        assert_eq!(codes.len(), 10);
        let done = press(&browser, &done, &format!("{}/sign-in/continue", world.issuer)).await;
        let id = claims(text(&world.exchange(&app, &code(&done), &[]).await.json(), "id_token"));
        assert_eq!(id["amr"], json!(["pwd", "otp", "mfa"]));
        // From now on a code is asked for: another one than that.
        let late = app.browser();
        let next = world.sign_in(&app, &late, EMAIL, PASSWORD).await;
        let page = late.get(next.location().as_str()).await;
        assert_eq!(give(&late, &page, "code", &right).await.status, 401);
        app.advance(Duration::from_secs(30));
        code(&give(&late, &page, "code", &totp_code(&secret, app.now())).await);
        let last = app.browser();
        let next = world.sign_in(&app, &last, EMAIL, PASSWORD).await;
        let page = last.get(next.location().as_str()).await;
        code(&give(&last, &page, "code", &codes[3]).await);
    }

    async fn a_threshold_of_zero_asks_for_nothing(app: TestApp) {
        let world = world(&app).await;
        change_pool(&app, &world, |pool| {
            pool.second_factors.allowed = vec![AuthenticationMechanism::Totp];
            pool.second_factor_threshold = Some(0.into());
        })
        .await;
        code(&world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await);
    }
}
