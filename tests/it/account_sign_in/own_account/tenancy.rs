//! Nobody's session counts but a user's own, at their own organization; and no other site changes anything.

use model::{administrator::Role, application::ClientKind};
use ostiary::{
    app::{
        accounts::{
            user_sessions::{self, OperatorSession},
            users,
        },
        principal::Principal,
    },
    web::sign_in::cookies::{Purpose, names},
};
use reqwest::{Method, header};

use super::{Person, audited};
use crate::{
    account_sign_in::{
        Client, EMAIL, PASSWORD, World, add_application, add_user, issuer_of, password, world,
    },
    both,
    support::TestApp,
};

/// Puts every cookie of the session into a browser, by the names of another organization.
fn replay(app: &TestApp, from: &Person<'_>, to: &World) -> crate::support::Browser {
    let browser = app.browser();
    let links = &app.state.links;
    let held = names(links, from.world.organization, Purpose::Session);
    let wanted = names(links, to.organization, Purpose::Session);
    for (held, wanted) in held.iter().zip(&wanted) {
        if let Some(value) = from.browser.cookie(&app.base, held) {
            browser.set_cookie(&app.base, wanted, &value);
            browser.set_cookie(&app.base, held, &value);
        }
    }
    browser
}

both! {
    async fn a_session_of_another_place_is_none_here(app: TestApp) {
        let acme = world(&app).await;
        let organization = app.tenant(&acme.environment, "globex.com").await.organization.id;
        let user = add_user(&app, acme.environment.id, organization, EMAIL, vec![password(PASSWORD)]).await;
        let globex = World { environment: acme.environment.clone(), organization, issuer: issuer_of("prod", organization), user, client: Client { id: acme.client.id, secret: String::new() } };
        let environment = app.environment("stage").await;
        let organization = app.tenant(&environment, "acme.org").await.organization.id;
        let user = add_user(&app, environment.id, organization, EMAIL, vec![password(PASSWORD)]).await;
        let client = add_application(&app, &environment, ClientKind::Public).await;
        let stage = World { issuer: issuer_of("stage", organization), environment, organization, user, client };
        let dana = Person::new(&app, &acme).await;
        assert!(dana.is_in().await);
        for other in [&globex, &stage] {
            // The browser itself, and one into which somebody put the cookie by hand.
            for browser in [None, Some(replay(&app, &dana, other))] {
                let browser = browser.as_ref().unwrap_or(&dana.browser);
                for path in ["", "/data", "/erase", "/data/account.json"] {
                    let answer = browser.get(&app.url(&format!("{}/account{path}", other.issuer))).await;
                    assert_eq!((answer.status.as_u16(), answer.location().path()), (303, format!("{}/sign-in", other.issuer).as_str()), "{path}");
                }
                let posted = browser.post(&app.url(&format!("{}/account/password", other.issuer)), &[("current", PASSWORD), ("password", "x")]).await;
                assert_eq!(posted.location().path(), format!("{}/sign-in", other.issuer));
            }
        }
        // By an alias of the path it is the same place.
        let by_id = format!("/{}/{}/account", acme.environment.id, acme.organization);
        assert_eq!(dana.browser.get(&app.url(&by_id)).await.status, 200);
        for nowhere in ["/prod/system/account", "/prod/org_0000000000000000000000000/account", "/nowhere/root/account"] {
            assert_eq!(dana.browser.get(&app.url(nowhere)).await.status, 404, "{nowhere}");
        }
    }

    async fn an_operators_and_an_administrators_session_are_nobodys_here(app: TestApp) {
        let world = world(&app).await;
        let principal = Principal::operator(world.environment.id);
        let wanted = OperatorSession { user_id: world.user, authenticated_ago: std::time::Duration::ZERO, tenant_admin: true };
        let (begun, token) = user_sessions::create_by_operator(&app.state, &principal, wanted).await.unwrap();
        let person = Person { app: &app, world: &world, browser: app.browser() };
        for name in names(&app.state.links, world.organization, Purpose::Session) {
            person.browser.set_cookie(&app.base, &name, &begun.token.reveal());
        }
        assert!(!person.is_in().await);
        let with_token = app.call(&token, Method::GET, &person.path(""), None).await;
        assert_eq!(with_token.status, 303);
        let console = app.console(Role::Owner, &world.environment).await;
        let answer = console.browser.get(&app.url(&person.path(""))).await;
        assert_eq!(answer.location().path(), format!("{}/sign-in", world.issuer));
        // The other way round a user's session opens no console.
        let dana = Person::new(&app, &world).await;
        let console = dana.browser.get(&app.url("/console")).await;
        assert!(console.status == 303 || console.status == 401, "{}", console.body);
        // The operator's shows to the user, who can end it.
        let page = dana.page("/sessions").await;
        assert!(page.body.contains("Made by whoever runs this service"), "{}", page.body);
    }

    async fn who_is_switched_off_is_out_at_once(app: TestApp) {
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let principal = Principal::operator(world.environment.id);
        let pool = dana.user().await.pool_id;
        users::set_status(&app.state, &principal, (pool, world.user), None, model::user::UserStatus::Inactive).await.unwrap();
        assert!(!dana.is_in().await);
        let refused = dana.post("/password", &[("current", PASSWORD), ("password", "x"), ("repeated", "x")]).await;
        assert_eq!(refused.location().path(), format!("{}/sign-in", world.issuer));
    }

    async fn another_site_changes_nothing(app: TestApp) {
        let world = world(&app).await;
        let dana = Person::new(&app, &world).await;
        let posts = ["/profile", "/addresses", "/addresses/verify", "/addresses/send", "/addresses/sign-in", "/addresses/remove", "/password", "/passkeys", "/passkeys/passkey_0000000000000000000000000", "/second-factor", "/second-factor/app", "/second-factor/codes", "/sessions", "/sessions/user_session_0000000000000000000000000", "/erase", "/confirm", "/sign-out"];
        for path in posts {
            for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
                let request = dana.browser.request(Method::POST, &app.url(&dana.path(path)));
                let request = request.header(name, value).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                let answer = dana.browser.send(request.body("confirm=dana%40acme.com&password=x")).await;
                assert_eq!((answer.status.as_u16(), answer.reason()), (403, Some("foreign_form")), "{path} {name}");
            }
        }
        assert!(dana.is_in().await);
        for action in ["user.deleted", "user.signed_out", "user.other_sessions_ended"] {
            assert!(audited(&app, &world, action).await.is_empty());
        }
    }
}
