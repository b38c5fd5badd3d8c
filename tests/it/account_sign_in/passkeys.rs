//! Signing in with a passkey, and what must not work: passkeys of others, answers that were used, made elsewhere or copied.

use model::user::UserStatus;
use ostiary::app::{
    accounts::{user_credentials, users},
    organizations::OrganizationChange,
    principal::Principal,
    resource,
};
use serde_json::{Value, json};

use super::{
    Client, EMAIL, PASSWORD, World, add_application, add_user, claims, code, give, issuer_of, log, password,
    text, world,
};
use crate::{
    both,
    support::{
        Answer, Browser, TestApp,
        authenticator::{self, PRESENT, Passkey},
        forms::form_to,
    },
};

/// A passkey of a user, which a program added for them.
pub(super) async fn add_passkey(app: &TestApp, world: &World, user: base::id::UserId) -> Passkey {
    let principal = Principal::operator(world.environment.id);
    let user = users::find_any(&app.state, &principal, user).await.unwrap();
    let of = (user.pool_id, user.id);
    let options = user_credentials::begin_passkey(&app.state, &principal, of).await.unwrap();
    let (passkey, answer) = authenticator::make(&options, &app.state.links.origin());
    user_credentials::complete_passkey(&app.state, &principal, of, &answer, "").await.unwrap();
    passkey
}

/// What a page asks an authenticator.
pub(super) fn options(page: &Answer) -> Value {
    let (_, rest) =
        page.body.split_once("data-options=\"").unwrap_or_else(|| panic!("no passkeys in {}", page.body));
    let text = rest.split_once('"').unwrap().0;
    serde_json::from_str(&text.replace("&quot;", "\"").replace("&amp;", "&")).unwrap()
}

/// Sends what an authenticator answers with the page's form to `path`.
pub(super) async fn answer(browser: &Browser, page: &Answer, path: &str, answer: &str) -> Answer {
    let mut form = form_to(page, path).unwrap_or_else(|| panic!("no form to {path} in {}", page.body));
    form.fields.retain(|(name, _)| name != "answer");
    form.fields.push(("answer".into(), answer.into()));
    browser.submit(page, &form).await
}

impl World {
    pub(super) fn passkey_path(&self) -> String {
        format!("{}/sign-in/passkey", self.issuer)
    }

    /// The page of a new sign-in under way.
    pub(super) async fn page(&self, app: &TestApp, browser: &Browser) -> Answer {
        let begun = browser.get(&self.authorize(app, &[("prompt", "login")])).await;
        browser.get(begun.location().as_str()).await
    }

    async fn with_passkey(&self, app: &TestApp, browser: &Browser, passkey: &mut Passkey) -> Answer {
        let page = self.page(app, browser).await;
        let said = passkey.answer(&options(&page), &app.state.links.origin());
        answer(browser, &page, &self.passkey_path(), &said).await
    }
}

#[track_caller]
fn assert_refused(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.reason()), (401, Some("not_signed_in")), "{}", answer.body);
    assert!(answer.body.contains("This passkey is not accepted here") && answer.body.contains("login_flow_"));
}

both! {
    async fn a_passkey_alone_signs_in_with_both_factors(app: TestApp) {
        let world = world(&app).await;
        let mut passkey = add_passkey(&app, &world, world.user).await;
        let browser = app.browser();
        let done = world.with_passkey(&app, &browser, &mut passkey).await;
        let id = claims(text(&world.exchange(&app, &code(&done), &[]).await.json(), "id_token"));
        assert_eq!((&id["amr"], &id["acr"]), (&json!(["hwk", "user", "mfa"]), &json!("https://refeds.org/profile/mfa")));
        assert_eq!(id["sub"], world.user.to_string());
        // The session is good for the next application.
        code(&browser.get(&world.authorize(&app, &[("prompt", "none")])).await);
        // On the page that asks for the password, too.
        let other = app.browser();
        let page = world.password_page(&other, &world.authorize(&app, &[]), EMAIL).await;
        let said = passkey.answer(&options(&page), &app.state.links.origin());
        code(&answer(&other, &page, &world.passkey_path(), &said).await);
    }

    async fn a_passkey_counts_in_its_own_place_only(app: TestApp) {
        let world = world(&app).await;
        let mut passkey = add_passkey(&app, &world, world.user).await;
        // Another organization of the environment, and another environment.
        let organization = app.tenant(&world.environment, "globex.com").await.organization.id;
        add_user(&app, world.environment.id, organization, EMAIL, vec![password(PASSWORD)]).await;
        let client = || Client { id: world.client.id, secret: String::new() };
        let neighbour = World { environment: world.environment.clone(), organization, issuer: issuer_of("prod", organization), user: world.user, client: client() };
        assert_refused(&neighbour.with_passkey(&app, &app.browser(), &mut passkey).await);
        let environment = app.environment("stage").await;
        let organization = app.tenant(&environment, "acme.org").await.organization.id;
        add_user(&app, environment.id, organization, EMAIL, vec![password(PASSWORD)]).await;
        let client = add_application(&app, &environment, model::application::ClientKind::Public).await;
        let stage = World { issuer: issuer_of("stage", organization), environment, organization, user: world.user, client };
        assert_refused(&stage.with_passkey(&app, &app.browser(), &mut passkey).await);
        // Nor is it the root's.
        let root = World { issuer: "/prod/root".into(), environment: world.environment.clone(), organization: model::organization::root_id(world.environment.id), user: world.user, client: Client { id: world.client.id, secret: String::new() } };
        let page = root.page(&app, &app.browser()).await;
        assert!(!page.body.contains("data-passkey"), "no pool there, no passkeys: {}", page.body);
        // The name of a sign-in under way is known at its own issuer only.
        let browser = app.browser();
        let page = world.page(&app, &browser).await;
        let said = passkey.answer(&options(&page), &app.state.links.origin());
        let mut form = form_to(&page, &world.passkey_path()).unwrap();
        form.action = neighbour.passkey_path();
        form.fields.retain(|(name, _)| name != "answer");
        form.fields.push(("answer".into(), said));
        assert_eq!(browser.submit(&page, &form).await.reason(), Some("sign_in_gone"));
        // At its own place it still works.
        code(&world.with_passkey(&app, &app.browser(), &mut passkey).await);
    }

    async fn an_answer_is_good_once_and_for_its_own_sign_in(app: TestApp) {
        let world = world(&app).await;
        let mut passkey = add_passkey(&app, &world, world.user).await;
        let origin = app.state.links.origin();
        let browser = app.browser();
        let page = world.page(&app, &browser).await;
        let said = passkey.answer(&options(&page), &origin);
        let path = world.passkey_path();
        // With the form of another sign-in under way, of this browser and of another one.
        for other in [browser.clone(), app.browser()] {
            let elsewhere = world.page(&app, &other).await;
            assert_refused(&answer(&other, &elsewhere, &path, &said).await);
            // Its challenge with the name of the other.
            let challenge = form_to(&page, &path).unwrap().field("challenge").unwrap().to_owned();
            let mut form = form_to(&elsewhere, &path).unwrap();
            form.fields.retain(|(name, _)| name != "challenge" && name != "answer");
            form.fields.extend([("challenge".into(), challenge), ("answer".into(), said.clone())]);
            assert_refused(&other.submit(&elsewhere, &form).await);
        }
        // In another browser the sign-in is not there.
        assert_eq!(answer(&app.browser(), &page, &path, &said).await.reason(), Some("sign_in_gone"));
        code(&answer(&browser, &page, &path, &said).await);
        // The sign-in is answered, and so is the challenge.
        assert_eq!(answer(&browser, &page, &path, &said).await.reason(), Some("sign_in_gone"));
        // Of many at once one succeeds.
        let page = world.page(&app, &browser).await;
        let said = passkey.answer(&options(&page), &origin);
        let all = futures_util::future::join_all((0..8).map(|_| answer(&browser, &page, &path, &said))).await;
        assert_eq!(all.iter().filter(|answer| answer.status == 303).count(), 1);
        // Too late.
        let page = world.page(&app, &browser).await;
        let said = passkey.answer(&options(&page), &origin);
        app.advance(std::time::Duration::from_secs(601));
        assert_refused(&answer(&browser, &page, &path, &said).await);
    }

    async fn what_the_authenticator_says_is_verified(app: TestApp) {
        let world = world(&app).await;
        let mut passkey = add_passkey(&app, &world, world.user).await;
        let origin = app.state.links.origin();
        let path = world.passkey_path();
        let try_it = async |said: &dyn Fn(&Value) -> String| {
            let browser = app.browser();
            let page = world.page(&app, &browser).await;
            answer(&browser, &page, &path, &said(&options(&page))).await
        };
        passkey.counter = 5;
        code(&try_it(&|options| passkey.answer_with(options, &origin, PRESENT | authenticator::VERIFIED)).await);
        let mut copy = passkey.clone();
        for (what, code) in [("counter", "passkey_counter"), ("unverified", "passkey_user_not_verified"), ("origin", "passkey_origin"), ("relying party", "passkey_origin"), ("forged", "passkey_signature"), ("nobody", "passkey_unknown"), ("nonsense", "passkey_unknown")] {
            let refused = try_it(&|options| {
                let mut later = passkey.clone();
                later.counter = 50;
                match what {
                    "counter" => copy.clone().answer_with(options, &origin, PRESENT | authenticator::VERIFIED),
                    "unverified" => later.answer_with(options, &origin, PRESENT),
                    "origin" => later.answer_with(options, "https://evil.example", PRESENT | authenticator::VERIFIED),
                    "relying party" => {
                        let mut elsewhere = options.clone();
                        elsewhere["publicKey"]["rpId"] = json!("evil.example");
                        later.answer_with(&elsewhere, &origin, PRESENT | authenticator::VERIFIED)
                    }
                    "forged" => later.forged().answer_with(options, &origin, PRESENT | authenticator::VERIFIED),
                    "nobody" => later.answer_with(options, &origin, PRESENT | authenticator::VERIFIED).replace("\"userHandle\":\"", "\"userHandle\":\"AAAA"),
                    _ => "{}".to_owned(),
                }
            })
            .await;
            assert_refused(&refused);
            assert_eq!(log::latest(&app, &world).await.refusal.as_deref(), Some(code), "{what}");
        }
        copy.counter = 51;
        code(&try_it(&|options| copy.answer_with(options, &origin, PRESENT | authenticator::VERIFIED)).await);
    }

    async fn where_passkeys_are_not_allowed_none_is_right(app: TestApp) {
        let world = world(&app).await;
        let mut passkey = add_passkey(&app, &world, world.user).await;
        let browser = app.browser();
        let page = world.page(&app, &browser).await;
        let said = passkey.answer(&options(&page), &app.state.links.origin());
        let principal = Principal::operator(world.environment.id);
        let allow = async |mechanisms: Vec<String>| {
            let change = OrganizationChange { authentication_mechanisms: Some(mechanisms), ..OrganizationChange::default() };
            resource::update::<model::organization::Organization>(&app.state, &principal, world.organization, None, &change).await.unwrap();
        };
        allow(vec!["password".into()]).await;
        let refused = answer(&browser, &page, &world.passkey_path(), &said).await;
        assert_eq!(refused.status, 401);
        assert!(!refused.body.contains("data-passkey"), "it is not offered any more");
        assert_eq!(log::latest(&app, &world).await.refusal.as_deref(), Some("passkey_not_allowed"));
        allow(Vec::new()).await;
        // Whoever may not sign in may not do so by passkey.
        let user = users::find_any(&app.state, &principal, world.user).await.unwrap();
        users::set_status(&app.state, &principal, (user.pool_id, user.id), None, UserStatus::Inactive).await.unwrap();
        let refused = world.with_passkey(&app, &app.browser(), &mut passkey).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("account_not_active")));
        assert!(refused.body.contains("login_flow_"));
    }

    async fn guessing_passkeys_holds_up_nobody_elsewhere(app: TestApp) {
        let world = world(&app).await;
        let mut passkey = add_passkey(&app, &world, world.user).await;
        let (browser, origin) = (app.browser(), app.state.links.origin());
        let mut limited = None;
        for turn in 0..40 {
            let page = world.page(&app, &browser).await;
            let mut forged = passkey.forged();
            forged.counter = 100 + turn;
            let refused = answer(&browser, &page, &world.passkey_path(), &forged.answer(&options(&page), &origin)).await;
            if refused.status == 429 {
                limited = Some(turn);
                break;
            }
            assert_refused(&refused);
        }
        assert!(limited.is_some(), "the limit of wrong passkeys");
        // Passwords of the account, from the same network, are counted apart.
        code(&world.sign_in(&app, &browser, EMAIL, PASSWORD).await);
        // From another network the passkey is good.
        app.advance(std::time::Duration::from_secs(3600));
        code(&world.with_passkey(&app, &app.browser(), &mut passkey).await);
    }

    async fn a_sign_in_gives_a_new_cookie_and_takes_none_of_others(app: TestApp) {
        use ostiary::web::sign_in::cookies::{Purpose, names};
        let world = world(&app).await;
        let mut passkey = add_passkey(&app, &world, world.user).await;
        let links = &app.state.links;
        let name = names(links, world.organization, Purpose::Session).pop().unwrap();
        let browser = app.browser();
        let fixed = "user_session_token_0000000000000000000000000";
        browser.set_cookie(&app.base, &name, fixed);
        code(&world.with_passkey(&app, &browser, &mut passkey).await);
        let first = browser.cookie(&app.base, &name).unwrap();
        assert_ne!(first, fixed);
        // Again, within the session: its cookie is another one, and the former is good for nothing.
        let begun = browser.get(&world.authorize(&app, &[("prompt", "login")])).await;
        let page = browser.get(begun.location().as_str()).await;
        let said = passkey.answer(&options(&page), &links.origin());
        code(&answer(&browser, &page, &world.passkey_path(), &said).await);
        let second = browser.cookie(&app.base, &name).unwrap();
        assert_ne!(first, second);
        let thief = app.browser();
        thief.set_cookie(&app.base, &name, &first);
        let answer = thief.get(&world.authorize(&app, &[("prompt", "none")])).await;
        assert_eq!(crate::support::query(&answer.location(), "error").as_deref(), Some("login_required"));
        // Nor is it a session at another organization.
        let organization = app.tenant(&world.environment, "globex.com").await.organization.id;
        let there = names(links, organization, Purpose::Session).pop().unwrap();
        thief.set_cookie(&app.base, &there, &second);
        let authorize = world.authorize_at(&app, &issuer_of("prod", organization), &[("prompt", "none")]);
        let answer = thief.get(&authorize).await;
        assert_eq!(crate::support::query(&answer.location(), "error").as_deref(), Some("login_required"));
    }
}

#[test]
fn at_an_ip_address_no_passkey_is_offered() {
    crate::support::run_scenario(crate::support::Backend::Sqlite, async |_: TestApp| {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let app = TestApp::spawn_with(crate::support::Backend::Sqlite, |config| {
            config.listen = ([127, 0, 0, 1], port).into();
            config.public_url = Some(format!("http://127.0.0.1:{port}").parse().unwrap());
        })
        .await;
        let world = world(&app).await;
        let browser = app.browser();
        let page = world.page(&app, &browser).await;
        assert!(!page.body.contains("data-passkey") && page.body.contains("E-mail address"), "{}", page.body);
        let page = give(&browser, &page, "identifier", EMAIL).await;
        assert!(!page.body.contains("data-passkey"), "{}", page.body);
        let request = page.form().field("request").unwrap().to_owned();
        let said = [("request", request.as_str()), ("challenge", "x"), ("answer", "{}")];
        let refused = browser.post(&app.url(&world.passkey_path()), &said).await;
        assert_eq!(refused.reason(), Some("sign_in_gone"));
        code(&give(&browser, &page, "password", PASSWORD).await);
    });
}
