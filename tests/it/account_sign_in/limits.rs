//! What strangers ask for does not use up what people need: letters, codes, second factors.

use std::time::Duration;

use model::{account::CredentialState, user::UserStatus};
use ostiary::app::accounts::{
    credentials::{ImportedCredential, NewCredential},
    totp::TotpSecret,
    user_credentials,
    users::{self, NewAddress, NewIdentifier, NewUser},
};
use reqwest::Method;
use serde_json::json;

use super::{
    EMAIL, PASSWORD, add_user, code, give,
    pages::totp_code,
    password,
    self_service::{NEW_PASSWORD, Post},
    world,
};
use crate::{
    both,
    support::{Browser, TestApp, eventually},
};

/// A little more than the time within which a letter is not followed by another one.
const QUIET: Duration = Duration::from_secs(301);

/// A code that is not the one of now, nor of around it.
fn wrong_code(secret: &str, app: &TestApp) -> String {
    let near: Vec<String> = [-30i64, 0, 30]
        .iter()
        .map(|shift| {
            let millis = app.now().seconds() + shift;
            totp_code(secret, base::time::Timestamp::from_seconds(millis))
        })
        .collect();
    ["000000", "111111", "222222", "333333"]
        .map(str::to_owned)
        .into_iter()
        .find(|code| !near.contains(code))
        .unwrap()
}

impl Post {
    /// A stranger who asks for an address, every few minutes for more than an hour.
    async fn besiege(&self, address: &str) {
        let page = self.url("/sign-in/forgot");
        for _ in 0..14 {
            self.app.advance(QUIET);
            assert_eq!(self.forget(&self.app.browser(), &page, address).await.status, 200);
            self.all_are_sent().await;
        }
    }

    /// Waits until no letter is waiting.
    async fn all_are_sent(&self) {
        eventually("no letter waits", async || {
            self.statuses().await.iter().all(|(_, state, _)| state != "queued").then_some(())
        })
        .await;
    }

    async fn count_errors(&self, error: &str) -> usize {
        self.statuses().await.iter().filter(|(_, _, found)| found.as_deref() == Some(error)).count()
    }

    /// Sets a password by a link.
    async fn use_link(&self, link: &str, password: &str) -> u16 {
        let browser = self.app.browser();
        let shown = browser.get(link).await;
        if shown.status != 200 {
            return shown.status.as_u16();
        }
        give(&browser, &shown, "password", password).await.status.as_u16()
    }

    /// The newest letter to an address leads somewhere.
    async fn newest_link(&self, address: &str) -> String {
        let count = self.mail.letters_to(address).len();
        self.link(address, count).await
    }
}

both! {
    async fn a_stranger_keeps_nobody_out_of_letters(app: TestApp) {
        let post = Post::new(&app).await;
        post.besiege(EMAIL).await;
        let sent = post.statuses().await.iter().filter(|(_, state, _)| state == "sent").count();
        assert!((10..=13).contains(&sent), "{sent} of 14");
        // Whatever they did, there is a letter that works.
        let link = post.newest_link(EMAIL).await;
        assert_eq!(post.use_link(&link, NEW_PASSWORD).await, 303);
        // Who has used it gets another one when they ask.
        let before = post.mail.letters_to(EMAIL).len();
        post.app.advance(Duration::from_secs(1));
        post.forget(&post.app.browser(), &post.url("/sign-in/forgot"), EMAIL).await;
        post.mail.letter_to(EMAIL, before + 1).await;

        // What the person asks for when signed in, and an administrator, has a limit of its own.
        let (app, world) = (&post.app, &post.world);
        let browser = app.browser();
        code(&world.sign_in(app, &browser, EMAIL, NEW_PASSWORD).await);
        let added = browser.post(&post.url("/account/addresses"), &[("address", "dana@home.example")]).await;
        assert_eq!(added.status, 303, "{}", added.body);
        post.mail.letter_to("dana@home.example", 1).await;
        let of = (post.user(world.user).await.pool_id, world.user);
        user_credentials::request_verification(&app.state, &post.principal(), of, "dana@home.example").await.unwrap();
        post.mail.letter_to("dana@home.example", 2).await;
        assert_eq!(post.count_errors("too_many").await, 0);
    }

    async fn an_activation_that_the_vendor_asks_for_is_sent_whatever_strangers_did(app: TestApp) {
        let post = Post::new(&app).await;
        let mut new = NewUser::new(UserStatus::New);
        new.identifiers.push(NewIdentifier::new(model::user::IdentifierKind::Email, "new@acme.com"));
        new.addresses.push(NewAddress::email("new@acme.com", false));
        let organization = Some(post.world.organization);
        let user = users::create_in_first_pool(&post.app.state, &post.principal(), organization, &new).await.unwrap();
        let of = (user.pool_id, user.id);
        let send = async || user_credentials::send_activation(&post.app.state, &post.principal(), of, None).await.unwrap();
        send().await;
        let first = post.link("new@acme.com", 1).await;
        let page = post.url("/sign-in/forgot");
        // Their asking ends no letter that somebody has.
        post.app.advance(QUIET);
        post.forget(&post.app.browser(), &page, "new@acme.com").await;
        post.mail.letter_to("new@acme.com", 2).await;
        assert_eq!(post.app.browser().get(&first).await.status, 200);
        post.besiege("new@acme.com").await;
        let before = post.mail.letters_to("new@acme.com").len();
        post.app.advance(Duration::from_secs(1));
        send().await;
        post.mail.letter_to("new@acme.com", before + 1).await;
        assert_eq!(post.use_link(&post.newest_link("new@acme.com").await, NEW_PASSWORD).await, 303);
        assert_eq!(post.use_link(&first, PASSWORD).await, 404, "all others end with it");
    }

    async fn letters_that_did_not_arrive_do_not_count(app: TestApp) {
        let post = Post::new(&app).await;
        let page = post.url("/sign-in/forgot");
        for number in 1..=10 {
            post.app.advance(QUIET);
            post.forget(&post.app.browser(), &page, EMAIL).await;
            post.mail.letter_to(EMAIL, number).await;
        }
        post.all_are_sent().await;
        post.app.advance(QUIET);
        post.forget(&post.app.browser(), &page, EMAIL).await;
        assert_eq!(post.count_errors("still_good").await, 1, "ten are enough");
        let mut tx = post.app.state.db.write().await.unwrap();
        tx.sql("UPDATE letters SET state = 'refused', last_error = 'refused' WHERE state = 'sent'").execute().await.unwrap();
        tx.commit().await.unwrap();
        post.forget(&post.app.browser(), &page, EMAIL).await;
        post.mail.letter_to(EMAIL, 11).await;
    }

    async fn an_old_mailbox_does_not_keep_the_new_one_waiting(app: TestApp) {
        let post = Post::new(&app).await;
        let mut new = NewUser::new(UserStatus::Active);
        for address in ["old@acme.com", "ada@acme.com"] {
            new.identifiers.push(NewIdentifier::new(model::user::IdentifierKind::Email, address));
            new.addresses.push(NewAddress::email(address, true));
        }
        new.credentials = vec![password(PASSWORD)];
        let organization = Some(post.world.organization);
        users::create_in_first_pool(&post.app.state, &post.principal(), organization, &new).await.unwrap();
        post.besiege("old@acme.com").await;
        let page = post.url("/sign-in/forgot");
        post.forget(&post.app.browser(), &page, "ada@acme.com").await;
        let link = post.link("ada@acme.com", 1).await;
        // Asked for at the old one again, it stays good.
        post.app.advance(QUIET);
        post.forget(&post.app.browser(), &page, "old@acme.com").await;
        assert_eq!(post.use_link(&link, NEW_PASSWORD).await, 303);
        // Letters are counted by person: together there were no more than with one address, but for the one.
        let sent = post.mail.letters_to("old@acme.com").len();
        assert!(sent <= 14, "{sent}");
    }

    async fn other_spellings_of_an_address_are_no_way_around_a_limit(app: TestApp) {
        let post = Post::new(&app).await;
        post.allow_registration().await;
        let spell = |address: &str, number: usize| match number % 3 {
            0 => address.to_owned(),
            1 => address.to_uppercase(),
            _ => address.replace('.', "\u{ff0e}"),
        };
        let forgot = post.url("/sign-in/forgot");
        for address in [EMAIL, "nobody@acme.com"] {
            let mut limited = 0;
            for number in 0..14 {
                let answer = post.forget(&post.app.browser(), &forgot, &spell(address, number)).await;
                limited += usize::from(answer.status == 429);
            }
            assert!(limited >= 3, "{address}: {limited}");
        }
        post.app.advance(Duration::from_secs(3600));
        let register = post.url("/sign-in/register");
        let mut statuses = Vec::new();
        for number in 0..20 {
            let address = spell("eve@new.example", number);
            let fields = [("identifier", address.as_str()), ("password", NEW_PASSWORD), ("payload/name", "Eve")];
            statuses.push(post.app.browser().post(&register, &fields).await.status.as_u16());
        }
        assert!(statuses.iter().filter(|status| **status == 429).count() >= 3, "{statuses:?}");

        // The same by the API, for who is there and who is not.
        let environment = &post.world.environment;
        let token = post.app.system_token(environment, &["identity"]).await;
        let pool = post.user(post.world.user).await.pool_id.bits();
        let path = format!("/api/identity/{}/system/pools/{pool:032x}/user/password/v2/verify", environment.slug);
        for address in [EMAIL, "nobody@acme.com"] {
            let mut statuses = Vec::new();
            for number in 0..14 {
                let body = json!({ "identifier": spell(address, number), "password": "wrong kettle under snow" });
                statuses.push(post.app.api(&token, Method::POST, &path, Some(body)).await.status.as_u16());
            }
            assert!(statuses.iter().filter(|status| **status == 429).count() >= 3, "{address}: {statuses:?}");
        }
    }

    async fn codes_that_prove_an_address_have_a_bound_wherever_they_are_guessed(app: TestApp) {
        let post = Post::new(&app).await;
        let (app, world) = (&post.app, &post.world);
        add_user(app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD)]).await;
        for email in ["free@acme.com", "ada@acme.com"] {
            let own = format!("holder-of-{email}");
            add_user(app, world.environment.id, world.organization, &own, vec![password(PASSWORD)]).await;
            let browser = app.browser();
            code(&world.sign_in(app, &browser, &own, PASSWORD).await);
            let added = browser.post(&post.url("/account/addresses"), &[("address", email)]).await;
            assert_eq!(added.status, 303, "{}", added.body);
            let mut made = 1;
            loop {
                // Long enough that no limit of a network is in the way.
                app.advance(Duration::from_secs(120));
                let again = browser.post(&post.url("/account/addresses/send"), &[("address", email)]).await;
                if again.status != 303 {
                    assert!(again.body.contains("many letters"), "{}", again.body);
                    break;
                }
                made += 1;
                assert!(made <= 10, "{email}");
            }
            // Whether it is somebody's does not show by that.
            assert_eq!(made, 10, "{email}");
        }
        let mut conn = app.state.db.read().await.unwrap();
        let codes: (i64,) = conn.sql("SELECT COUNT(*) FROM one_time_codes WHERE purpose = 'verify_address'").one().await.unwrap();
        assert_eq!(codes.0, 10, "five guesses each");
        drop(conn);
        // Nor by the API.
        let of = (post.user(world.user).await.pool_id, world.user);
        let principal = post.principal();
        users::add_address(&app.state, &principal, of, None, &NewAddress::email("dana@home.example", false)).await.unwrap();
        let ask = async || user_credentials::request_verification(&app.state, &principal, of, "dana@home.example").await;
        for _ in 0..10 {
            ask().await.unwrap();
        }
        assert!(matches!(ask().await, Err(ostiary::app::Error::Limited { .. })));
    }

    async fn second_factors_are_guessed_a_few_times_however_they_come(app: TestApp) {
        let world = world(&app).await;
        let secret = TotpSecret::new(crate::support::random()).reveal();
        let totp = NewCredential { credential: ImportedCredential::Totp(secret.clone()), state: CredentialState::Valid, expires_at: None };
        add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD), totp]).await;
        let second = async |browser: &Browser| {
            let next = world.sign_in(&app, browser, "ada@acme.com", PASSWORD).await;
            assert_eq!(next.status, 303, "{}", next.body);
            browser.get(next.location().as_str()).await
        };
        // Five wrong ones end a sign-in.
        let browser = app.browser();
        let page = second(&browser).await;
        for number in 1..=5 {
            app.advance(Duration::from_secs(31));
            let wrong = give(&browser, &page, "code", &wrong_code(&secret, &app)).await;
            assert_eq!(wrong.status, if number == 5 { 400 } else { 401 }, "{number}: {}", wrong.body);
            assert_eq!(wrong.reason() == Some("sign_in_gone"), number == 5, "{number}");
        }
        assert_eq!(give(&browser, &page, "code", &totp_code(&secret, app.now())).await.reason(), Some("sign_in_gone"));
        // A few more hold the account up, from whichever network and however slowly.
        let mut statuses = Vec::new();
        while statuses.last() != Some(&429) {
            app.advance(Duration::from_secs(61));
            let browser = app.browser();
            let page = second(&browser).await;
            statuses.push(give(&browser, &page, "code", &wrong_code(&secret, &app)).await.status.as_u16());
            assert!(statuses.len() < 12, "{statuses:?}");
        }
        // Who does not know the password holds nobody up by it.
        app.advance(Duration::from_secs(3600));
        for _ in 0..30 {
            app.advance(Duration::from_secs(31));
            assert_eq!(world.sign_in(&app, &app.browser(), "ada@acme.com", "wrong kettle").await.status, 401);
        }
        let browser = app.browser();
        let page = second(&browser).await;
        code(&give(&browser, &page, "code", &totp_code(&secret, app.now())).await);
    }
}
