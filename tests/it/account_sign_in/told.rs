//! Who is told by a letter that somebody's password, app or passkey is another one now.

use std::time::Duration;

use model::account::{CredentialState, OneTimeCodePurpose};
use ostiary::app::{
    accounts::{
        user_credentials::{self, Reset, UserReference},
        users::{self, NewAddress},
    },
    principal::Principal,
};

use super::{EMAIL, PASSWORD, code, give, pages::totp_code, world};
use crate::{
    both,
    support::{
        eventually,
        mail::{MailServer, header},
    },
};

const HOME: &str = "dana@home.example";
const UNPROVEN: &str = "dana@unproven.example";
const NEW_PASSWORD: &str = "purple kettle under rain";
const CHANGED: &str = "The password of your account was changed";

both! {
    async fn a_password_set_by_a_letter_is_told_to_every_confirmed_address(app: TestApp) {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let world = world(&app).await;
        let principal = Principal::operator(world.environment.id);
        let pool = users::find_any(&app.state, &principal, world.user).await.unwrap().pool_id;
        for (address, verified) in [(HOME, true), (UNPROVEN, false)] {
            let new = NewAddress::email(address, verified);
            users::add_address(&app.state, &principal, (pool, world.user), None, &new).await.unwrap();
        }
        let browser = app.browser();
        let page = browser.get(&app.url(&format!("{}/sign-in/forgot", world.issuer))).await;
        assert_eq!(give(&browser, &page, "identifier", EMAIL).await.status, 200);
        let letter = mail.letter_with_code_to(EMAIL, 1).await;
        let text = letter["text"].as_str().unwrap();
        let page = browser.get(text.lines().find(|line| line.starts_with("http")).unwrap()).await;
        assert_eq!(give(&browser, &page, "password", "short").await.status, 400);
        assert_eq!(give(&browser, &page, "password", NEW_PASSWORD).await.status, 303);
        for address in [EMAIL, HOME] {
            let told = mail.letter_about(address, CHANGED).await;
            let text = told["text"].as_str().unwrap();
            assert!(!text.contains("code=") && !text.contains(NEW_PASSWORD), "{text}");
        }
        assert!(mail.letters_to(UNPROVEN).is_empty());
        assert_eq!(mail.letters_to(HOME).len(), 1, "what was refused is not told");
        code(&world.sign_in(&app, &app.browser(), EMAIL, NEW_PASSWORD).await);
    }

    async fn a_password_that_had_to_be_changed_is_told_too(app: TestApp) {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let world = world(&app).await;
        let mut tx = app.state.db.write().await.unwrap();
        let state = CredentialState::MustBeChanged;
        ostiary::store::passwords::update_state(&mut tx, world.user.into(), state).await.unwrap();
        tx.commit().await.unwrap();
        let browser = app.browser();
        let next = world.sign_in(&app, &browser, EMAIL, PASSWORD).await;
        let page = browser.get(next.location().as_str()).await;
        assert!(page.body.contains("Choose another password"), "{}", page.body);
        code(&give(&browser, &page, "password", NEW_PASSWORD).await);
        mail.letter_about(EMAIL, CHANGED).await;
    }

    async fn what_a_program_changes_for_somebody_with_a_proof_of_theirs_is_told(app: TestApp) {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let world = world(&app).await;
        let principal = Principal::operator(world.environment.id);
        let pool = users::find_any(&app.state, &principal, world.user).await.unwrap().pool_id;
        let of = (pool, world.user);
        // By whoever manages accounts: they hand it over themselves.
        let valid = CredentialState::Valid;
        user_credentials::set_password(&app.state, &principal, of, NEW_PASSWORD, valid).await.unwrap();
        let other = "green kettle under hail";
        user_credentials::change_password(&app.state, &principal, of, NEW_PASSWORD, other).await.unwrap();
        mail.letter_about(EMAIL, CHANGED).await;
        let subjects = |mail: &MailServer| -> Vec<String> {
            let letters = mail.letters_to(EMAIL);
            letters.iter().map(|letter| header(letter, "Subject").split(':').next().unwrap().to_owned()).collect()
        };
        assert_eq!(subjects(&mail), [CHANGED], "one of the two");

        let reference = UserReference { identifier: Some(EMAIL.to_owned()), ..UserReference::default() };
        let ask = async |purpose| {
            app.advance(Duration::from_secs(61));
            let asked = user_credentials::request_reset(&app.state, &principal, pool, purpose, &reference);
            asked.await.unwrap();
        };
        let app_secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        ask(OneTimeCodePurpose::ResetTotp).await;
        let letter = mail.letter_about(EMAIL, "Set up another authenticator app").await;
        let digits = digits_of(&letter);
        let reset = Reset::Totp(app_secret.to_owned());
        user_credentials::complete_reset(&app.state, &principal, pool, &reference, &digits, &reset).await.unwrap();
        mail.letter_about(EMAIL, "An authenticator app was set up").await;
        let another = "MZXW6YTBOIYTEMZUGU3DOOBZGAYTEMZU";
        let present = totp_code(app_secret, app.now());
        user_credentials::change_totp(&app.state, &principal, of, &present, another).await.unwrap();
        eventually("told twice", async || {
            let told = subjects(&mail).into_iter().filter(|subject| subject.starts_with("An authenticator app"));
            (told.count() == 2).then_some(())
        })
        .await;
    }
}

/// The code of a letter without a link.
fn digits_of(letter: &serde_json::Value) -> String {
    let text = letter["text"].as_str().unwrap();
    let alone = |line: &&str| line.starts_with("    ");
    text.lines().find(alone).unwrap().trim().to_owned()
}
