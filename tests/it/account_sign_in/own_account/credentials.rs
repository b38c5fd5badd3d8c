//! Password, passkeys, authenticator app, recovery codes, sessions: and what ends, and who is told, when they change.

use model::account::CredentialState;
use ostiary::app::{accounts::user_credentials, principal::Principal};
use serde_json::json;

use super::{Person, assert_did, audited};
use crate::{
    account_sign_in::{
        EMAIL, PASSWORD, add_user, claims, code, enrolment::change_pool, give, pages::totp_code,
        passkeys::options, password, text, world,
    },
    both,
    support::{
        authenticator,
        mail::{MailServer, header},
    },
};

const OTHER: &str = "purple kettle under rain";

both! {
    async fn a_password_is_changed_by_who_knows_it(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let elsewhere = Person::new(&app, &world).await;
        let tokens = world.tokens(&app).await;
        // The present password is the proof: none that is recent is asked for.
        dana.wait();
        let page = dana.page("/password").await;
        assert!(page.body.contains("At least 12 characters"), "{}", page.body);
        for (fields, field) in [
            (["wrong", OTHER, OTHER], "current"),
            ([PASSWORD, OTHER, "purple"], "repeated"),
            ([PASSWORD, "short", "short"], "password"),
            ([PASSWORD, PASSWORD, PASSWORD], "password"),
            ([PASSWORD, "dana@acme.com", "dana@acme.com"], "password"),
        ] {
            let [current, new, again] = fields;
            let refused = dana.send(&page, "/password", &[("current", current), ("password", new), ("repeated", again)]).await;
            assert!(refused.status == 422 && refused.body.contains(&format!("{field}-error")), "{fields:?} {}", refused.body);
            assert!(!refused.body.contains(&format!("value=\"{new}\"")));
        }
        assert!(elsewhere.is_in().await);
        let fields = [("current", PASSWORD), ("password", OTHER), ("repeated", OTHER)];
        dana.done("/password", "/password", &fields, "Your password is saved.").await;
        assert!(!elsewhere.is_in().await && dana.is_in().await);
        assert_eq!(world.userinfo(&app, text(&tokens, "access_token")).await.status, 401);
        assert_eq!(world.refresh(&app, text(&tokens, "refresh_token"), &[]).await.status, 400);
        assert_eq!(world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await.status, 401);
        code(&world.sign_in(&app, &app.browser(), EMAIL, OTHER).await);
        let told = server.letter_to(EMAIL, 1).await;
        assert!(header(&told, "Subject").starts_with("The password of your account was changed"));
        assert_did(&app, &world, "user.password_changed").await;
    }

    async fn a_first_password_wants_a_recent_proof_and_one_to_be_reset_is_not_changed(app: TestApp) {
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let mut tx = app.state.db.write().await.unwrap();
        ostiary::store::passwords::remove(&mut tx, world.user.into()).await.unwrap();
        tx.commit().await.unwrap();
        dana.wait();
        let page = dana.page("/password").await;
        assert!(page.body.contains("/confirm?next=password"), "{}", page.body);
        let refused = dana.post("/password", &[("password", OTHER), ("repeated", OTHER)]).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        let confirm = dana.page("/confirm?next=password").await;
        assert!(confirm.body.contains("Sign in again"), "{}", confirm.body);
        let again = dana.send(&confirm, "/sign-out", &[]).await;
        assert_eq!(again.location().path(), format!("{}/sign-in", world.issuer));
        assert!(!dana.is_in().await);

        let ada = add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD)]).await;
        let as_ada = Person::signed_in_as(&app, &world, "ada@acme.com", PASSWORD).await;
        let principal = Principal::operator(world.environment.id);
        let pool = as_ada.user().await.pool_id;
        let mut tx = app.state.db.write().await.unwrap();
        ostiary::store::passwords::update_state(&mut tx, ada.into(), CredentialState::MustBeReset).await.unwrap();
        tx.commit().await.unwrap();
        let refused = as_ada.post("/password", &[("current", PASSWORD), ("password", OTHER), ("repeated", OTHER)]).await;
        assert!(refused.status == 422 && refused.body.contains("must be reset"), "{}", refused.body);
        user_credentials::set_password_state(&app.state, &principal, (pool, ada), CredentialState::Valid).await.unwrap();
    }

    async fn guesses_at_the_password_are_limited_here_too(app: TestApp) {
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let mut last = 0;
        for _ in 0..25 {
            last = dana.post("/password", &[("current", "wrong"), ("password", OTHER), ("repeated", OTHER)]).await.status.as_u16();
        }
        assert_eq!(last, 429);
        assert_eq!(dana.post("/confirm", &[("password", PASSWORD)]).await.status, 429, "one limit for all of it");
        assert!(!audited(&app, &world, "user.sign_in_failed").await.is_empty());
    }

    async fn a_proof_is_asked_for_again_and_leads_back(app: TestApp) {
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        dana.wait();
        for (path, next) in [("/erase", "erase"), ("/data/account.json", "data"), ("/second-factor/app", "app")] {
            dana.assert_asks(&dana.get(path).await, next);
        }
        for (path, next) in [("/passkeys", "passkeys"), ("/second-factor", "second-factor"), ("/second-factor/codes", "second-factor"), ("/second-factor/app", "app"), ("/erase", "erase")] {
            dana.assert_asks(&dana.post(path, &[("confirm", EMAIL)]).await, next);
        }
        let page = dana.page("/confirm?next=erase").await;
        let wrong = dana.send(&page, "/confirm", &[("password", "wrong")]).await;
        assert!(wrong.status == 401 && wrong.body.contains("password-error"), "{}", wrong.body);
        let stolen = cookies(&app, &world, &dana);
        let right = dana.send(&page, "/confirm", &[("password", PASSWORD)]).await;
        assert_eq!(right.location().path(), dana.path("/erase"), "{}", right.body);
        assert!(dana.page("/erase").await.body.contains("Type dana@acme.com to confirm"));
        assert_did(&app, &world, "user.confirmed").await;
        // The cookie of before is good for nothing.
        let thief = Person { app: &app, world: &world, browser: app.browser() };
        for (name, value) in stolen {
            thief.browser.set_cookie(&app.base, &name, &value);
        }
        assert!(!thief.is_in().await && dana.is_in().await);
        // No other site is led to.
        for next in ["https://evil.example", "//evil.example", "/console"] {
            let page = dana.page(&format!("/confirm?next={next}")).await;
            let answer = dana.send(&page, "/confirm", &[("password", PASSWORD), ("next", next)]).await;
            assert_eq!(answer.location().path(), dana.path(""), "{next}");
        }
    }

    async fn an_authenticator_app_is_set_up_asked_for_and_removed(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let elsewhere = Person::new(&app, &world).await;
        let page = dana.page("/second-factor/app").await;
        assert!(page.body.contains("<svg class=\"qr\"") && page.body.contains("otpauth://totp/"), "{}", page.body);
        let secret = page.body.split_once("secret=").unwrap().1.split_once("&amp;").unwrap().0.to_owned();
        let wrong = dana.send(&page, "/second-factor/app", &[("code", "000000")]).await;
        assert!(wrong.status == 422 && wrong.body.contains(&secret), "the same secret again: {}", wrong.body);
        assert!(!dana.page("/second-factor").await.body.contains("Recovery codes"), "nothing half-done");
        let used = totp_code(&secret, app.now());
        let done = dana.send(&wrong, "/second-factor/app", &[("code", &used)]).await;
        assert!(done.status == 200 && done.body.contains("Your recovery codes"), "{}", done.body);
        let codes: Vec<String> = done.body.split("<li><code>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect();
        assert_eq!(codes.len(), 10);
        assert!(!elsewhere.is_in().await && dana.is_in().await);
        let overview = dana.page("/second-factor").await;
        assert!(overview.body.contains("10 are left") && !overview.body.contains(&codes[0]), "{}", overview.body);
        assert_did(&app, &world, "user.totp_added").await;
        assert!(header(&server.letter_to(EMAIL, 1).await, "Subject").starts_with("An authenticator app was set up"));
        // The code that set it up signs nobody in.
        let browser = app.browser();
        let next = world.sign_in(&app, &browser, EMAIL, PASSWORD).await;
        let asked = browser.get(next.location().as_str()).await;
        assert_eq!(give(&browser, &asked, "code", &used).await.status, 401);
        let signed_in = give(&browser, &asked, "code", &codes[0]).await;
        let id = claims(text(&world.exchange(&app, &code(&signed_in), &[]).await.json(), "id_token"));
        assert_eq!(id["amr"], json!(["pwd", "mfa"]));
        assert!(dana.page("/second-factor").await.body.contains("9 are left"));

        // Proving who one is takes both from now on.
        dana.wait();
        let page = dana.page("/confirm?next=second-factor").await;
        assert_eq!(dana.send(&page, "/confirm", &[("password", PASSWORD), ("code", "000000")]).await.status, 401);
        assert_eq!(dana.send(&page, "/confirm", &[("password", PASSWORD)]).await.status, 401);
        let fields = [("password", PASSWORD), ("code", &totp_code(&secret, app.now()))];
        assert_eq!(dana.send(&page, "/confirm", &fields).await.status, 303);
        let again = dana.send(&dana.page("/second-factor").await, "/second-factor/codes", &[]).await;
        assert!(again.status == 200 && again.body.contains("New recovery codes"), "{}", again.body);
        assert!(!again.body.contains(&codes[1]));
        dana.done("/second-factor", "/second-factor", &[], "The authenticator app is removed.").await;
        code(&world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await);
        // They go out side by side.
        server.letter_to(EMAIL, 3).await;
        let told: Vec<String> = server.letters_to(EMAIL).iter().map(|letter| header(letter, "Subject")).collect();
        for subject in ["New recovery codes were made", "The authenticator app of your account was removed"] {
            assert!(told.iter().any(|told| told.starts_with(subject)), "{told:?}");
        }
        assert_eq!(dana.post("/second-factor/codes", &[]).await.status, 422);
    }

    async fn a_secret_is_set_up_by_whom_it_was_made_for_and_in_time(app: TestApp) {
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let page = dana.page("/second-factor/app").await;
        let secret = page.body.split_once("secret=").unwrap().1.split_once("&amp;").unwrap().0.to_owned();
        let sealed = page.form().field("enrolment").unwrap().to_owned();
        add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD)]).await;
        let ada = Person::signed_in_as(&app, &world, "ada@acme.com", PASSWORD).await;
        let now = totp_code(&secret, app.now());
        for (person, sealed) in [(&ada, sealed.as_str()), (&dana, "x"), (&dana, "")] {
            let refused = person.post("/second-factor/app", &[("enrolment", sealed), ("code", &now)]).await;
            assert!(refused.status == 422 && refused.body.contains("begin again"), "{}", refused.body);
        }
        app.advance(std::time::Duration::from_secs(9 * 60));
        assert_eq!(dana.post("/confirm", &[("password", PASSWORD)]).await.status, 303);
        app.advance(std::time::Duration::from_secs(9 * 60));
        assert_eq!(dana.post("/confirm", &[("password", PASSWORD)]).await.status, 303);
        app.advance(std::time::Duration::from_secs(9 * 60));
        assert_eq!(dana.post("/confirm", &[("password", PASSWORD)]).await.status, 303);
        app.advance(std::time::Duration::from_secs(9 * 60));
        let late = dana.post("/second-factor/app", &[("enrolment", &sealed), ("code", &totp_code(&secret, app.now()))]).await;
        assert!(late.status == 422 && late.body.contains("took too long"), "{}", late.body);
        // Where the organization asks for a second factor of everybody, it stays.
        change_pool(&app, &world, |pool| {
            pool.second_factors.allowed = vec![model::identity_pool::AuthenticationMechanism::Totp];
            pool.second_factor_threshold = Some(1.into());
        })
        .await;
        let refused = dana.post("/second-factor", &[]).await;
        assert!(refused.status == 422 && refused.body.contains("asks for a second factor"), "{}", refused.body);
    }

    async fn passkeys_are_added_renamed_and_removed_but_the_last_way_in(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let origin = app.state.links.origin();
        let page = dana.page("/passkeys").await;
        let answer = authenticator::make(&options(&page), &origin).1.to_string();
        for bad in ["", "{}", "x"] {
            assert_eq!(dana.post("/passkeys", &[("answer", bad)]).await.status, 422, "{bad}");
        }
        // Each page asks anew: what answers an older one is not taken.
        assert_eq!(dana.post("/passkeys", &[("answer", &answer)]).await.status, 422);
        let page = dana.page("/passkeys").await;
        let (mut passkey, answer) = authenticator::make(&options(&page), &origin);
        let answer = answer.to_string();
        let added = dana.post("/passkeys", &[("answer", &answer), ("passkeyName", "work laptop")]).await;
        assert_eq!(added.status, 303, "{}", added.body);
        assert_eq!(dana.post("/passkeys", &[("answer", &answer)]).await.status, 422, "once");
        let page = dana.page("/passkeys").await;
        assert!(page.body.contains("work laptop"), "{}", page.body);
        assert!(header(&server.letter_to(EMAIL, 1).await, "Subject").starts_with("A passkey was added"));
        let id = page.body.split_once("/account/passkeys/").unwrap().1.split_once('"').unwrap().0.to_owned();
        let one = format!("/passkeys/{id}");
        dana.done("/passkeys", &one, &[("passkeyName", "desk")], "The name is saved.").await;
        assert_eq!(dana.post(&one, &[("passkeyName", "")]).await.status, 422);

        // It proves who one is, here and by nobody else.
        dana.wait();
        let confirm = dana.page("/confirm?next=passkeys").await;
        let said = passkey.answer(&options(&confirm), &origin);
        let form = confirm.body.split("data-passkey").nth(1).unwrap();
        let challenge = form.split_once("name=\"challenge\" value=\"").unwrap().1.split_once('"').unwrap().0;
        add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD)]).await;
        let ada = Person::signed_in_as(&app, &world, "ada@acme.com", PASSWORD).await;
        for bad in [said.as_str(), "{}"] {
            assert_eq!(ada.post("/confirm", &[("challenge", challenge), ("answer", bad)]).await.status, 401, "{bad}");
        }
        let fields = [("challenge", challenge), ("answer", &said), ("next", "passkeys")];
        let right = dana.post("/confirm", &fields).await;
        assert_eq!((right.status.as_u16(), right.location().path()), (303, dana.path("/passkeys").as_str()), "{}", right.body);
        assert_eq!(dana.post("/confirm", &fields).await.status, 401, "once");

        // Without a password it is the last way in.
        let mut tx = app.state.db.write().await.unwrap();
        let stored = ostiary::store::passwords::find(&mut tx, world.user.into()).await.unwrap().unwrap();
        ostiary::store::passwords::remove(&mut tx, world.user.into()).await.unwrap();
        tx.commit().await.unwrap();
        let last = dana.post(&one, &[("remove", "1")]).await;
        assert!(last.status == 422 && last.body.contains("your only way to sign in"), "{}", last.body);
        let mut tx = app.state.db.write().await.unwrap();
        ostiary::store::passwords::upsert(&mut tx, world.user.into(), &stored).await.unwrap();
        tx.commit().await.unwrap();
        dana.done("/passkeys", &one, &[("remove", "1")], "The passkey is removed.").await;
        assert!(header(&server.letter_to(EMAIL, 2).await, "Subject").starts_with("A passkey of your account was removed"));
        assert_eq!(dana.post(&one, &[("remove", "1")]).await.reason(), Some("not_found"));
        for action in ["passkey.created", "passkey.updated", "passkey.deleted"] {
            assert_did(&app, &world, action).await;
        }
    }

    async fn sessions_are_seen_and_ended(app: TestApp) {
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let [first, second] = [Person::new(&app, &world).await, Person::new(&app, &world).await];
        let page = dana.page("/sessions").await;
        assert_eq!(page.body.matches("this browser").count(), 1);
        let id = page.body.split("/account/sessions/").nth(1).unwrap().split_once('"').unwrap().0.to_owned();
        let one = format!("/sessions/{id}");
        // It is nobody else's to end.
        add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD)]).await;
        let ada = Person::signed_in_as(&app, &world, "ada@acme.com", PASSWORD).await;
        assert_eq!(ada.post(&one, &[]).await.reason(), Some("not_found"));
        assert!(first.is_in().await && second.is_in().await);
        dana.done("/sessions", &one, &[], "You are signed out there.").await;
        let left = [first.is_in().await, second.is_in().await];
        assert_eq!(left.iter().filter(|is_in| **is_in).count(), 1, "{left:?}");
        assert_eq!(dana.post(&one, &[]).await.reason(), Some("not_found"));
        dana.done("/sessions", "/sessions", &[], "You are signed out everywhere else.").await;
        assert!(!first.is_in().await && !second.is_in().await && dana.is_in().await && ada.is_in().await);
        assert_did(&app, &world, "user.session_ended").await;
        assert_did(&app, &world, "user.other_sessions_ended").await;
    }
}

/// The cookies of a browser's session.
fn cookies(
    app: &crate::support::TestApp,
    world: &crate::account_sign_in::World,
    person: &Person<'_>,
) -> Vec<(String, String)> {
    use ostiary::web::sign_in::cookies::{Purpose, names};
    let names = names(&app.state.links, world.organization, Purpose::Session);
    let held =
        names.into_iter().filter_map(|name| Some((name.clone(), person.browser.cookie(&app.base, &name)?)));
    held.collect()
}
