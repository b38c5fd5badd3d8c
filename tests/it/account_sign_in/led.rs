//! Where pages lead: to what somebody asked for, back from errors, and from the issuer's own address.

use super::{CALLBACK, EMAIL, PASSWORD, World, code, give, own_account::audited, world};
use crate::{
    both,
    support::{Answer, Browser, TestApp, forms::form_to, mail::MailServer},
};

async fn signed_in_from(app: &TestApp, world: &World, browser: &Browser, path: &str) -> Answer {
    let asked = browser.get(&app.url(&format!("{}{path}", world.issuer))).await;
    assert!(asked.location().path().ends_with("/sign-in"), "{path}: {}", asked.location());
    let begun = browser.get(asked.location().as_str()).await;
    let page = browser.get(begun.location().as_str()).await;
    let page = give(browser, &page, "identifier", EMAIL).await;
    give(browser, &page, "password", PASSWORD).await
}

both! {
    async fn whoever_signs_in_for_a_page_of_their_account_comes_to_it(app: TestApp) {
        let world = world(&app).await;
        for (asked, reached) in [
            ("/account/addresses", "/account/addresses"),
            ("/account/sessions", "/account/sessions"),
            ("/account/profile", "/account/profile"),
            ("/account/data/account.json", "/account/data"),
            ("/account", "/account"),
        ] {
            let browser = app.browser();
            let done = signed_in_from(&app, &world, &browser, asked).await;
            assert_eq!(done.location().path(), format!("{}{reached}", world.issuer), "{asked}");
            // Once: the next sign-in in this browser is for what it is for.
            let again = browser.get(&app.url(&format!("{}/sign-in", world.issuer))).await;
            assert_eq!(again.location().path(), format!("{}/account", world.issuer));
            let next = browser.get(&world.authorize(&app, &[])).await;
            assert!(next.location().as_str().starts_with(CALLBACK), "{}", next.location());
        }
        // What was asked for before, and given up, is not led to later; and nowhere else is.
        let browser = app.browser();
        let given_up = browser.get(&app.url(&format!("{}/account/sessions", world.issuer))).await;
        browser.get(given_up.location().as_str()).await;
        let done = signed_in_from(&app, &world, &browser, "/account").await;
        assert_eq!(done.location().path(), format!("{}/account", world.issuer));
        let evil = app.url(&format!("{}/sign-in?next=https://evil.example", world.issuer));
        assert_eq!(browser.get(&evil).await.location().path(), format!("{}/account", world.issuer));
    }

    async fn the_issuers_own_address_leads_to_the_account(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let account = format!("{}/account", world.issuer);
        for issuer in [world.issuer.as_str(), &format!("{}/", world.issuer)] {
            let root = browser.get(&app.url(issuer)).await;
            assert!(root.status == 303 || root.status == 404 && issuer.ends_with('/'), "{issuer} {}", root.status);
            if root.status == 303 {
                assert_eq!(root.location().path(), account);
            }
        }
        let nowhere = browser.get(&app.url("/prod/nobody")).await;
        assert_eq!((nowhere.status.as_u16(), nowhere.reason()), (404, Some("organization_unavailable")));
        // Addresses of the service itself stay what they are.
        assert_eq!(browser.get(&app.url("/v1/nothing")).await.status, 404);
    }

    async fn too_many_attempts_are_told_with_a_way_back_and_what_to_quote(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let page = world.password_page(&browser, &world.authorize(&app, &[]), EMAIL).await;
        let mut last = page.clone();
        for _ in 0..11 {
            last = give(&browser, &page, "password", "wrong").await;
        }
        assert_eq!((last.status.as_u16(), last.reason()), (429, Some("too_many_requests")), "{}", last.body);
        assert!(last.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds <= 30));
        assert!(last.body.contains("Wait 30 seconds and try again."), "{}", last.body);
        assert!(last.body.contains("Too many attempts · Environment prod"), "the vendor's: {}", last.body);
        assert!(last.body.contains(&format!("Reference: <code>{}</code>", last.header("x-request-id"))), "{}", last.body);
        // Back into the sign-in for the application.
        let back = last.body.split_once("href=\"").map(|_| ()).and_then(|()| {
            let (before, _) = last.body.split_once("\">Back to sign-in</a>")?;
            Some(before.rsplit_once("href=\"")?.1.replace("&amp;", "&"))
        });
        let back = browser.get(page.url.join(&back.expect("a way back")).unwrap().as_str()).await;
        assert!(back.status == 200 && back.body.contains("to go on to Portal"), "{}", back.body);
        app.advance(std::time::Duration::from_secs(301));
        let page = give(&browser, &back, "identifier", EMAIL).await;
        assert_eq!(give(&browser, &page, "password", PASSWORD).await.status, 303, "as the page says");
    }

    async fn a_typed_address_is_changed_where_it_is_looked_at_whose_it_is(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let page = world.password_page(&browser, &world.authorize(&app, &[]), "typo@acme.com").await;
        assert!(page.body.contains("readonly"), "{}", page.body);
        let (before, _) = page.body.split_once("\">Use another address</a>").expect("a link");
        let href = before.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&");
        let first = browser.get(page.url.join(&href).unwrap().as_str()).await;
        let page = give(&browser, &first, "identifier", EMAIL).await;
        let (before, _) = page.body.split_once("\">Forgot your password?</a>").map_or(("", ""), |found| found);
        assert!(!before.contains("typo"), "{}", page.body);
        code(&give(&browser, &page, "password", PASSWORD).await);
    }

    async fn what_must_stay_has_no_button_and_a_wrong_code_is_no_failed_sign_in(app: TestApp) {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let world = world(&app).await;
        let browser = app.browser();
        signed_in_from(&app, &world, &browser, "/account").await;
        let url = app.url(&format!("{}/account/addresses", world.issuer));
        let page = browser.get(&url).await;
        assert!(page.body.contains("with nothing else: it stays") && !page.body.contains("Remove"), "{}", page.body);
        let mut form = form_to(&page, &format!("{}/account/addresses", world.issuer)).unwrap();
        form.fields.retain(|(name, _)| name != "address");
        form.fields.push(("address".into(), "dana@home.example".into()));
        assert_eq!(browser.submit(&page, &form).await.status, 303);
        let page = browser.get(&url).await;
        assert!(page.body.contains("Remove"), "the other one goes: {}", page.body);
        let verify = format!("{}/account/addresses/verify", world.issuer);
        let wrong = [("address", "dana@home.example"), ("code", "000000x")];
        let refused = browser.post(&app.url(&verify), &wrong).await;
        assert!(refused.status == 422 && refused.body.contains("This code is wrong, was used, or has expired."), "{}", refused.body);
        assert_eq!(audited(&app, &world, "user.sign_in_failed").await, []);
        let did = audited(&app, &world, "user.address_not_verified").await;
        assert_eq!(did, [("user".to_owned(), world.user.to_string())]);
    }
}
