//! What must not work where people sign in through their organization's identity provider.

use std::time::Duration;

use model::user::UserStatus;
use ostiary::web::sign_in::cookies::{Purpose, names};
use serde_json::json;

use super::{
    PASSWORD, add_user, code,
    company::{DANA, Sso},
    give, password,
};
use crate::{
    both,
    support::{IdentityProvider, Request, query},
};

both! {
    async fn an_answer_is_good_in_the_browser_that_began(app: TestApp) {
        let sso = Sso::new(&app).await;
        let (browser, other) = (app.browser(), app.browser());
        // Somebody else posts the response, with a browser of their own that has begun something too.
        let request = sso.begin(&browser, DANA).await;
        sso.begin(&other, DANA).await;
        let refused = sso.respond(&other, &request, DANA, |_| {}).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("browser_mismatch")));
        assert!(!refused.body.contains("/decline"), "the way back is of the browser that began");
        // Somebody else opens the address to which the response leads.
        let answer = sso.respond(&browser, &request, DANA, |_| {}).await;
        let to = answer.location();
        assert!(to.path().ends_with("/sign-in/company/finish"), "{to}");
        for stranger in [&other, &app.browser()] {
            assert_eq!(stranger.get(to.as_str()).await.reason(), Some("sign_in_gone"));
        }
        // The browser without the proof, or with that of another login.
        let proof = query(&to, "proof").unwrap();
        let second = sso.begin(&other, DANA).await;
        let second = sso.respond(&other, &second, DANA, |_| {}).await.location();
        for wrong in ["", "x", query(&second, "proof").unwrap().as_str()] {
            let forged = to.as_str().replace(&urlencode(&proof), &urlencode(wrong));
            assert_ne!(forged, to.as_str());
            assert_eq!(browser.get(&forged).await.reason(), Some("sign_in_gone"), "{wrong}");
        }
        // At another issuer.
        let neighbour = sso.neighbour("globex.example").await;
        neighbour.begin(&browser, "dana@globex.example").await;
        let path = format!("{}/sign-in/company/finish?{}", neighbour.world.issuer, to.query().unwrap());
        assert_eq!(browser.get(&app.url(&path)).await.reason(), Some("sign_in_gone"));
        let done = browser.get(to.as_str()).await;
        code(&done);
        assert_eq!(browser.get(to.as_str()).await.reason(), Some("sign_in_gone"), "once");
        // Too late.
        let late = second;
        app.advance(Duration::from_secs(5 * 60));
        assert_eq!(other.get(late.as_str()).await.reason(), Some("sign_in_gone"));
    }

    async fn what_an_identity_provider_proved_is_no_first_factor_for_anything_else(app: TestApp) {
        let sso = Sso::new(&app).await;
        let known = add_user(&app, sso.world.environment.id, sso.world.organization, DANA, vec![password(PASSWORD)]).await;
        let user = sso.user(&json!(known)).await;
        let of = (user.pool_id, user.id);
        let state = model::account::CredentialState::MustBeChanged;
        ostiary::app::accounts::user_credentials::set_password_state(&app.state, &sso.principal(), of, state).await.unwrap();
        let browser = app.browser();
        let page = sso.page(&browser, &sso.world.authorize(&app, &[])).await;
        let request = Request::read(&give(&browser, &page, "identifier", DANA).await);
        let answer = sso.respond(&browser, &request, DANA, |_| {}).await;
        assert_eq!(answer.status, 303);
        // The page of the same request still asks who it is: no password is changed by what came from elsewhere.
        let again = browser.get(page.url.as_str()).await;
        assert!(again.body.contains("name=\"identifier\""), "{}", again.body);
        let mut form = page.form();
        form.action = form.action.replace("/sign-in", "/sign-in/password");
        form.fields.push(("password".into(), "green kettle under hail".into()));
        assert_eq!(browser.submit(&page, &form).await.reason(), Some("sign_in_gone"));
        code(&browser.get(answer.location().as_str()).await);
    }

    async fn the_connections_of_two_organizations_never_mix(app: TestApp) {
        let sso = Sso::new(&app).await;
        let mut other = sso.neighbour("globex.example").await;
        other.add_domain("acme.example").await;
        let browser = app.browser();
        let (own, foreign) = (sso.begin(&browser, DANA).await, other.begin(&browser, DANA).await);
        let idp = IdentityProvider::get();
        // The assertion of one organization, posted into the request of the other.
        let assertion = idp.sign(&idp.response(&sso.tenant, Some(&own.id), DANA, app.now()));
        let refused = foreign.answer(&browser, &other.tenant, &assertion).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert!(refused.reason().is_some_and(|reason| reason != "browser_mismatch"), "{:?}", refused.reason());
        // One that answers the other's request, of the same identity provider.
        let mut spec = idp.response(&sso.tenant, Some(&foreign.id), DANA, app.now());
        let refused = own.answer(&browser, &sso.tenant, &idp.sign(&spec)).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("in_response_to_unknown")));
        // With the RelayState of the other.
        spec = idp.response(&sso.tenant, Some(&own.id), DANA, app.now());
        let mixed = Request { relay_state: foreign.relay_state.clone(), ..own.clone() };
        let refused = mixed.answer(&browser, &sso.tenant, &idp.sign(&spec)).await;
        assert_eq!(refused.reason(), Some("relay_state_mismatch"));
        // None of it used anything up, and each ends at its own issuer.
        let answer = sso.respond(&browser, &own, DANA, |_| {}).await;
        let done = browser.get(answer.location().as_str()).await;
        assert_eq!(query(&done.location(), "iss"), Some(app.url(&sso.world.issuer)));
        for name in names(&app.state.links, other.world.organization, Purpose::Session) {
            assert_eq!(browser.cookie(&app.base, &name), None);
        }
    }

    async fn a_response_that_nobody_asked_for_signs_nobody_in_at_the_issuer(app: TestApp) {
        let sso = Sso::new(&app).await;
        let browser = app.browser();
        let idp = IdentityProvider::get();
        let spec = idp.response(&sso.tenant, None, DANA, app.now());
        let answer = browser.post(sso.tenant.acs_url(), &[("SAMLResponse", &idp.sign(&spec))]).await;
        // As ever: a login of the environment begins in its place.
        let request = Request::read(&answer);
        let done = sso.respond(&browser, &request, DANA, |_| {}).await.location();
        assert!(query(&done, "saml_access_code").is_some(), "{done}");
        for name in names(&app.state.links, sso.world.organization, Purpose::Session) {
            assert_eq!(browser.cookie(&app.base, &name), None);
        }
        let none = browser.get(&sso.world.authorize(&app, &[("prompt", "none")])).await;
        assert_eq!(query(&none.location(), "error").as_deref(), Some("login_required"));
        // While one is under way, it does not answer that either.
        let begun = sso.begin(&browser, DANA).await;
        let spec = idp.response(&sso.tenant, None, DANA, app.now());
        let answer = begun.answer(&browser, &sso.tenant, &idp.sign(&spec)).await;
        assert_ne!(Request::read(&answer).id, begun.id);
    }

    async fn a_request_that_was_answered_or_begun_anew_takes_no_other_answer(app: TestApp) {
        let sso = Sso::new(&app).await;
        let browser = app.browser();
        let page = sso.page(&browser, &sso.world.authorize(&app, &[])).await;
        let first = Request::read(&give(&browser, &page, "identifier", DANA).await);
        let second = Request::read(&give(&browser, &page, "identifier", DANA).await);
        let refused = sso.respond(&browser, &first, DANA, |_| {}).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("sign_in_gone")));
        let answer = sso.respond(&browser, &second, DANA, |_| {}).await;
        code(&browser.get(answer.location().as_str()).await);
        let replayed = sso.respond(&browser, &second, DANA, |_| {}).await;
        assert_eq!(replayed.reason(), Some("request_already_used"));
        // An expired sign-in.
        let browser = app.browser();
        let request = sso.begin(&browser, DANA).await;
        app.advance(Duration::from_secs(30 * 60));
        let late = sso.respond(&browser, &request, DANA, |_| {}).await;
        assert_eq!(late.status, 403, "{}", late.body);
    }

    async fn who_is_switched_off_on_the_way_back_is_not_let_in(app: TestApp) {
        let sso = Sso::new(&app).await;
        let sub = sso.claims(DANA).await["sub"].clone();
        let user = sso.user(&sub).await;
        let browser = app.browser();
        let request = sso.begin(&browser, DANA).await;
        let answer = sso.respond(&browser, &request, DANA, |_| {}).await;
        sso.set_status(&user, UserStatus::Inactive).await;
        let refused = browser.get(answer.location().as_str()).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("account_not_active")));
        sso.set_status(&user, UserStatus::Active).await;
        code(&browser.get(answer.location().as_str()).await);
    }

    async fn a_link_to_another_host_lets_nobody_in_elsewhere(app: TestApp) {
        let mut sso = Sso::new(&app).await;
        let port = app.address.port();
        // The Assertion Consumer Service is on another host than the issuer.
        sso.tenant.connection.sp_acs_urls = vec![format!("http://127.0.0.1:{port}/v1/saml/{}/acs", sso.tenant.connection.id)];
        app.update_connection(&sso.tenant.connection).await;
        let (browser, victim) = (app.browser(), app.browser());
        let begin = async |browser: &crate::support::Browser| {
            let page = sso.page(browser, &sso.world.authorize(&app, &[])).await;
            give(browser, &page, "identifier", DANA).await.location()
        };
        // It works in one browser.
        let link = begin(&browser).await;
        assert_eq!(link.host_str(), Some("127.0.0.1"));
        let request = Request::read(&browser.get(link.as_str()).await);
        let answer = sso.respond(&browser, &request, DANA, |_| {}).await;
        code(&browser.get(answer.location().as_str()).await);
        // Somebody sends the link of their own sign-in to another person, who is signed in at the identity provider.
        let attacker = app.browser();
        let link = begin(&attacker).await;
        let request = Request::read(&victim.get(link.as_str()).await);
        let answer = sso.respond(&victim, &request, DANA, |_| {}).await.location();
        assert_eq!(victim.get(answer.as_str()).await.reason(), Some("sign_in_gone"), "nobody is signed in as somebody else");
        let login = query(&answer, "login").unwrap();
        let guessed = app.url(&format!("{}/sign-in/company/finish?login={login}&proof=AAAA", sso.world.issuer));
        assert_eq!(attacker.get(&guessed).await.reason(), Some("sign_in_gone"), "nobody gets somebody else's session");
    }
}

fn urlencode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
