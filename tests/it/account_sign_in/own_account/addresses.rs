//! Addresses: added with proof at both ends, used to sign in, removed.

use std::time::Duration;

use super::{Person, assert_did, audited};
use crate::{
    account_sign_in::{EMAIL, PASSWORD, add_user, code, password, world},
    both,
    support::mail::{MailServer, code_of, header},
};

const NEW: &str = "dana@home.example";

both! {
    async fn an_address_is_added_proven_used_and_the_old_one_removed(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let refused = dana.send(&dana.page("/addresses").await, "/addresses", &[("address", "no address")]).await;
        assert!(refused.status == 422 && refused.body.contains("address-error"), "{}", refused.body);
        let own = dana.send(&dana.page("/addresses").await, "/addresses", &[("address", " DANA@acme.com")]).await;
        assert!(own.status == 422 && own.body.contains("This address is yours already."), "{}", own.body);
        dana.done("/addresses", "/addresses", &[("address", NEW)], "on its way").await;
        let letter = server.letter_to(NEW, 1).await;
        assert!(header(&letter, "Subject").starts_with("Confirm your e-mail address"));
        assert!(server.letters_to(EMAIL).is_empty(), "nothing was proven yet");
        // Not proven, it opens nothing.
        let early = dana.post("/addresses/sign-in", &[("address", NEW)]).await;
        assert!(early.status == 422 && early.body.contains("proven only"), "{}", early.body);
        app.advance(Duration::from_secs(1));
        dana.done("/addresses", "/addresses/send", &[("address", NEW)], "on its way").await;
        let second = server.letter_to(NEW, 2).await;
        let digits = |code: &str| code.rsplit('.').next().unwrap().to_owned();
        for wrong in ["", "000000", digits(&code_of(&letter)).as_str()] {
            if wrong == digits(&code_of(&second)) { continue; }
            let refused = dana.send(&dana.page("/addresses").await, "/addresses/verify", &[("code", wrong)]).await;
            assert!(refused.status == 422 && refused.body.contains("This code is wrong, was used, or has expired."), "{}", refused.body);
        }
        dana.done("/addresses", "/addresses/verify", &[("code", &digits(&code_of(&second)))], "The address is confirmed.").await;
        let told = server.letter_to(EMAIL, 1).await;
        assert!(header(&told, "Subject").starts_with("An e-mail address was added to your account"));
        assert!(told["text"].as_str().unwrap().contains(&format!("{}/account", world.issuer)), "{told}");
        assert_eq!(server.letters_to(NEW).len(), 2, "the new one is not told of itself");
        assert_did(&app, &world, "user.address_added").await;
        assert_did(&app, &world, "user.address_verified").await;
        // The last identifier stays.
        let page = dana.page("/addresses").await;
        let last = dana.post("/addresses/remove", &[("address", EMAIL)]).await;
        assert!(last.status == 422 && last.body.contains("choose another one to sign in with first"), "{}", last.body);
        assert!(page.body.contains(EMAIL));
        dana.done("/addresses", "/addresses/sign-in", &[("address", NEW)], "You can sign in with this address").await;
        code(&world.sign_in(&app, &app.browser(), NEW, PASSWORD).await);
        let removed = dana.post("/addresses/remove", &[("address", EMAIL)]).await;
        assert_eq!(removed.status, 303, "{}", removed.body);
        assert!(!dana.page("/addresses").await.body.contains(EMAIL));
        assert_eq!(world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await.status, 401);
        for to in [NEW, EMAIL] {
            let count = if to == NEW { 3 } else { 2 };
            assert!(header(&server.letter_to(to, count).await, "Subject").starts_with("An e-mail address of your account was removed"));
        }
        assert_eq!(dana.post("/addresses/remove", &[("address", EMAIL)]).await.reason(), Some("not_found"));
        assert_did(&app, &world, "user.identifier_removed").await;
    }

    async fn whose_an_address_is_is_not_told(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let world = world(&app).await;
        add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD)]).await;
        let dana = Person::new(&app, &world).await;
        let [free, taken] = ["nobody@acme.com", "ada@acme.com"].map(|address| [("address", address)]);
        dana.done("/addresses", "/addresses", &free, "on its way").await;
        dana.done("/addresses", "/addresses", &taken, "on its way").await;
        let letter = server.letter_to("ada@acme.com", 1).await;
        assert!(header(&letter, "Subject").starts_with("You have an account"), "{letter}");
        let guessed = dana.post("/addresses/verify", &[("address", "ada@acme.com"), ("code", "000000")]).await;
        assert_eq!(guessed.status, 422);
        // Nor whether there is such an address of one's own.
        let foreign = dana.post("/addresses/verify", &[("address", "else@acme.com"), ("code", "000000")]).await;
        assert_eq!(foreign.status, 422);
        assert_eq!(dana.post("/addresses/send", &[("address", "else@acme.com")]).await.reason(), Some("not_found"));
    }

    async fn addresses_change_only_after_a_recent_proof(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        dana.wait();
        let page = dana.page("/addresses").await;
        assert!(!page.body.contains("Add an address") && page.body.contains("/confirm?next=addresses"), "{}", page.body);
        for path in ["/addresses", "/addresses/remove", "/addresses/sign-in"] {
            dana.assert_asks(&dana.post(path, &[("address", NEW)]).await, "addresses");
        }
        assert!(audited(&app, &world, "user.address_added").await.is_empty());
        assert!(server.all("to").is_empty());
    }

    async fn where_no_letters_are_sent_no_address_is_proven(app: TestApp) {
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let page = dana.page("/addresses").await;
        assert!(page.body.contains("No letters are sent here"), "{}", page.body);
        let refused = dana.post("/addresses", &[("address", NEW)]).await;
        assert!(refused.status == 422 && refused.body.contains("no address can be proven"), "{}", refused.body);
        assert!(audited(&app, &world, "user.address_added").await.is_empty());
    }

    async fn no_code_is_made_that_is_in_no_letter(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        dana.done("/addresses", "/addresses", &[("address", NEW)], "on its way").await;
        let mut sent = 1;
        let refused = loop {
            let answer = dana.post("/addresses/send", &[("address", NEW)]).await;
            if answer.status != 303 {
                break answer;
            }
            sent += 1;
            assert!(sent < 20, "letters have a limit");
        };
        assert!(refused.body.contains("many letters"), "{}", refused.body);
    }

    async fn guesses_at_a_code_are_limited(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        dana.done("/addresses", "/addresses", &[("address", NEW)], "on its way").await;
        let letter = server.letter_to(NEW, 1).await;
        let right = code_of(&letter).rsplit('.').next().unwrap().to_owned();
        let wrong = if right == "123456" { "654321" } else { "123456" };
        for _ in 0..5 {
            assert_eq!(dana.post("/addresses/verify", &[("address", NEW), ("code", wrong)]).await.status, 422);
        }
        let late = dana.post("/addresses/verify", &[("address", NEW), ("code", &right)]).await;
        assert_eq!(late.status, 422, "five wrong ones end a code");
        let mut limited = false;
        for _ in 0..20 {
            limited |= dana.post("/addresses/verify", &[("address", NEW), ("code", wrong)]).await.status == 429;
        }
        assert!(limited);
    }
}
