//! Single sign-on to the console: through a SAML connection of the gateway's own, and through an OpenID
//! provider; the gateway itself is that provider.

use model::{administrator::Role, http_url::HttpUrl, oauth_client::IdTokenAlg};
use ostiary::{
    app::{
        administrators::{
            invitations::{self, InviteOutcome},
            roles::RoleScope,
        },
        principal::Principal,
    },
    config::Redacted,
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use url::Url;

use crate::{
    both,
    support::{Answer, Browser, IdentityProvider, Request, Tenant, TestApp, query},
};

/// Signs in at the test's identity provider. Returns the answer of the ACS.
async fn sign_in_at_idp(
    app: &TestApp,
    browser: &Browser,
    tenant: &Tenant,
    to_idp: &Answer,
    email: &str,
) -> Answer {
    let request = Request::read(to_idp);
    let idp = IdentityProvider::get();
    let response = idp.sign(&idp.response(tenant, Some(&request.id), email, app.now()));
    request.answer(browser, tenant, &response).await
}

/// The console of another replica, where a setting names what the first one made.
async fn is_signed_in(console: &TestApp, browser: &Browser) -> bool {
    browser.get(&console.url("/console/account")).await.status == 200
}

/// A console whose OpenID provider is the gateway itself, and through which customer's connection that signs people in.
pub async fn console_by_openid(app: &TestApp) -> (TestApp, Tenant) {
    let mut environment = app.environment("prod").await;
    let tenant = app.tenant(&environment, "vendor.example").await;
    let (client, secret) = app.oauth_client(&environment, IdTokenAlg::ES256).await;
    let (issuer, client_id) = (app.url("/v1/oauth"), client.id.to_string());
    let console = app
        .replica_with(|config| {
            config.console_oidc_issuer = Some(issuer);
            config.console_oidc_client_id = Some(client_id);
            config.console_oidc_client_secret = Some(Redacted(secret));
        })
        .await;
    environment.oauth_redirect_uris =
        vec![HttpUrl::parse(&console.url("/console/sign-in/oidc/callback")).unwrap()];
    app.update_environment(&environment).await;
    (console, tenant)
}

both! {
    async fn a_saml_connection_of_our_own_opens_the_console(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "vendor.example").await;
        let id = tenant.connection.id.to_string();
        let console = app.replica_with(|config| {
            config.console_saml_connection = Some(id);
            config.console_require_sso = true;
        }).await;
        app.with_password("dana@vendor.example").await;

        let browser = app.browser();
        let page = browser.get(&console.url("/console/sign-in?next=/console/account")).await;
        assert!(page.body.contains("/console/sign-in/saml?next="), "{}", page.body);
        assert!(!page.body.contains("name=\"password\""), "{}", page.body);
        let fields = [("email", "dana@vendor.example"), ("password", crate::support::administrators::PASSWORD)];
        assert_eq!(browser.post(&console.url("/console/sign-in"), &fields).await.status, 403);

        let to_idp = browser.get(&console.url("/console/sign-in/saml?next=/console/account")).await;
        let accepted = sign_in_at_idp(&app, &browser, &tenant, &to_idp, "dana@vendor.example").await;
        let location = accepted.location();
        assert!(location.path().starts_with("/console/sign-in/saml/saml_flow_"), "{location}");
        assert!(query(&location, "saml_access_code").is_none(), "no code is handed out");
        let finish = console.url(location.path());
        // Another browser cannot finish this login.
        let thief = app.browser();
        assert_eq!(thief.get(&finish).await.status, 403);
        assert!(!is_signed_in(&console, &thief).await);
        // The cookie of the sign-in is not enough without that of the browser.
        let cookie = browser.cookie(&app.base, "ostiary_console_sso").unwrap();
        thief.set_cookie(&app.base, "ostiary_console_sso", &cookie);
        assert_eq!(thief.get(&finish).await.status, 403);
        thief.set_cookie(&app.base, "ostiary_console_sso", &cookie);
        thief.set_cookie(&app.base, "ostiary_browser", "0123456789abcdef0123456789abcdef");
        assert_eq!(thief.get(&finish).await.status, 403);
        let entered = browser.get(&finish).await;
        assert_eq!(entered.location().path(), "/console/account", "nothing was used up: {entered:?}");
        assert!(is_signed_in(&console, &browser).await);
        // The login cannot be finished twice.
        thief.set_cookie(&app.base, "ostiary_console_sso", &cookie);
        assert_eq!(thief.get(&finish).await.status, 403);

        // A user of the identity provider is no administrator; an invited one becomes one.
        let stranger = app.browser();
        let signed_in = async |browser: &Browser, email: &str| {
            let to_idp = browser.get(&console.url("/console/sign-in/saml")).await;
            let accepted = sign_in_at_idp(&app, browser, &tenant, &to_idp, email).await;
            browser.get(&console.url(accepted.location().path())).await
        };
        let refused = signed_in(&stranger, "eve@vendor.example").await;
        assert_eq!(refused.status, 401);
        assert!(refused.body.contains("no administrator here"), "{}", refused.body);
        let scope = RoleScope::Global(Principal::OPERATOR);
        let invited = invitations::create(&app.state, &scope, "Eve@vendor.example", Role::Viewer).await.unwrap();
        assert!(matches!(invited, InviteOutcome::Link(..)));
        assert_eq!(signed_in(&stranger, "eve@vendor.example").await.status, 303);
        assert!(is_signed_in(&console, &stranger).await);
    }

    async fn a_saml_sign_in_that_another_browser_began_opens_nothing(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "vendor.example").await;
        let id = tenant.connection.id.to_string();
        let console = app.replica_with(|config| config.console_saml_connection = Some(id)).await;
        app.with_password("owner@vendor.example").await;
        let (stranger, owner) = (app.browser(), app.browser());

        // The attacker begins, and gives the owner what the server answered: a link, or a request.
        let begun = stranger.get(&console.url("/console/sign-in/saml")).await;
        let to_idp = match begun.status.as_u16() {
            303 => owner.get(begun.location().as_str()).await,
            _ => begun,
        };
        let request = Request::read(&to_idp);
        let finish = console.url(&format!("/console/sign-in/saml/{}", request.relay_state.clone().unwrap()));
        let waiting = stranger.cookie(&app.base, "ostiary_console_sso").unwrap();
        // The owner's identity provider answers without a prompt.
        let bounced = sign_in_at_idp(&app, &owner, &tenant, &to_idp, "owner@vendor.example").await;
        let refused = owner.submit(&bounced, &bounced.form()).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("browser_mismatch")));
        assert_eq!(owner.get(&finish).await.status, 403);
        owner.set_cookie(&app.base, "ostiary_console_sso", &waiting);
        assert_eq!(owner.get(&finish).await.status, 403);
        assert_eq!(stranger.get(&finish).await.status, 403);
        assert!(!is_signed_in(&console, &stranger).await && !is_signed_in(&console, &owner).await);

        // A link to the gateway does not restart such a flow in any browser, neither does an older link.
        let flow = request.relay_state.clone().unwrap();
        let tag = BASE64.encode(app.state.master_key.compute_tag("login link", &flow));
        let link = app.url(&format!("/v1/saml/{}/init?state={flow}.{tag}", tenant.connection.id));
        for browser in [&owner, &stranger] {
            let refused = browser.get(&link).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (400, Some("link_expired")));
        }
        assert_eq!(stranger.get(&finish).await.status, 403);

        // The flow is still bound to the attacker's browser, and is accepted there.
        let accepted = sign_in_at_idp(&app, &stranger, &tenant, &to_idp, "owner@vendor.example").await;
        assert_eq!(accepted.location().path(), Url::parse(&finish).unwrap().path());
        assert_eq!(owner.get(&finish).await.status, 403);
        stranger.set_cookie(&app.base, "ostiary_console_sso", &waiting);
        assert_eq!(stranger.get(&finish).await.status, 303);
        assert!(is_signed_in(&console, &stranger).await && !is_signed_in(&console, &owner).await);
    }

    async fn a_sign_in_that_the_provider_answered_by_itself_proves_nothing_anew(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "vendor.example").await;
        let id = tenant.connection.id.to_string();
        let console = app.replica_with(|config| config.console_saml_connection = Some(id)).await;
        app.with_password("dana@vendor.example").await;
        let (browser, idp) = (app.browser(), IdentityProvider::get());
        let confirm = "?next=/console/account&confirm=1";
        for (query, asked_ago, forced, recent) in [
            ("", 3600, false, false),
            // The provider claims a new authentication that was not requested.
            ("", 0, false, false),
            (confirm, 3600, true, false),
            (confirm, 5, true, true),
            ("", 0, false, false),
        ] {
            let to_idp = browser.get(&console.url(&format!("/console/sign-in/saml{query}"))).await;
            let request = Request::read(&to_idp);
            assert_eq!(request.xml.contains("ForceAuthn=\"true\""), forced, "{}", request.xml);
            let mut spec = idp.response(&tenant, Some(&request.id), "dana@vendor.example", app.now());
            spec.authn_instant = Some(app.now() - std::time::Duration::from_secs(asked_ago));
            let accepted = request.answer(&browser, &tenant, &idp.sign(&spec)).await;
            assert_eq!(browser.get(&console.url(accepted.location().path())).await.status, 303);
            let page = browser.get(&console.url("/console/account")).await;
            assert_eq!(page.status, 200);
            assert_eq!(!page.body.contains("Confirm that it is you"), recent, "{}", page.body);
        }
    }

    async fn somebody_else_confirms_nothing(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "vendor.example").await;
        let id = tenant.connection.id.to_string();
        let console = app.replica_with(|config| config.console_saml_connection = Some(id)).await;
        let dana = app.with_password("dana@vendor.example").await;
        app.with_password("eve@vendor.example").await;
        let browser = app.signed_in(&dana).await;
        for (email, status) in [("eve@vendor.example", 403), ("DANA@vendor.example", 303)] {
            let to_idp = browser.get(&console.url("/console/sign-in/saml?next=/console/account&confirm=1")).await;
            let accepted = sign_in_at_idp(&app, &browser, &tenant, &to_idp, email).await;
            let answer = browser.get(&console.url(accepted.location().path())).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            if status == 403 {
                let said = "You signed in as eve@vendor.example there; this is the account of dana@vendor.example.";
                assert!(answer.body.contains(said), "{}", answer.body);
            }
            let account = browser.get(&console.url("/console/account")).await.body;
            assert!(account.contains("dana@vendor.example") && !account.contains("eve@"), "{account}");
        }
    }

    async fn an_openid_sign_in_that_another_browser_began_opens_nothing(app: TestApp) {
        let (console, tenant) = console_by_openid(&app).await;
        app.with_password("owner@vendor.example").await;
        let (stranger, owner) = (app.browser(), app.browser());

        let mut authorize = stranger.get(&console.url("/console/sign-in/oidc")).await.location();
        authorize.query_pairs_mut().append_pair("organization_id", &tenant.organization.id.to_string());
        let to_idp = owner.get(authorize.as_str()).await;
        let back = sign_in_at_idp(&app, &owner, &tenant, &to_idp, "owner@vendor.example").await.location();
        assert_eq!(owner.get(back.as_str()).await.status, 403, "it was begun elsewhere");
        // The attacker knows the state, and no code.
        let mut guessed = back.clone();
        guessed.set_query(Some(&format!("state={}", query(&back, "state").unwrap())));
        assert_eq!(stranger.get(guessed.as_str()).await.status, 401);
        assert!(!is_signed_in(&console, &stranger).await && !is_signed_in(&console, &owner).await);
    }

    async fn a_saml_sign_in_needs_the_acs_on_the_consoles_own_host(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "vendor.example").await;
        let id = tenant.connection.id.to_string();
        let console = app.replica_with(|config| {
            config.console_saml_connection = Some(id);
            config.public_url = Some(Url::parse("http://console.localhost").unwrap());
        }).await;
        let url = format!("http://{}/console/sign-in/saml", console.address);
        let refused = app.browser().get(&url).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(refused.body.contains("console.localhost") && refused.body.contains("ACS URL"), "{}", refused.body);
    }

    async fn over_https_a_browser_is_known_by_the_prefixed_cookie_only(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "vendor.example").await;
        let key = app.api_key(&environment, false).await;
        let secure = app.replica_with(|config| {
            config.public_url = Some(Url::parse("https://sso.vendor.example").unwrap());
        }).await;
        let (origin, browser) = (format!("http://{}", secure.address), app.browser());
        let link = app.login_link(&key, &tenant, "s").await;
        let begun = browser.get(&link.replace(&app.base, &origin)).await;
        let cookie = browser.cookie(&origin, "__Host-ostiary_browser").unwrap();
        assert!(browser.cookie(&origin, "ostiary_browser").is_none(), "it is not set either");
        let request = Request::read(&begun);
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, Some(&request.id), "dana@vendor.example", app.now()));
        let acs = tenant.acs_url().replace(&app.base, &origin);
        let post = async |name: &str| {
            let victim = app.browser();
            victim.set_cookie(&origin, name, &cookie);
            let relay_state = request.relay_state.clone().unwrap();
            let fields = [("SAMLResponse", response.as_str()), ("RelayState", &relay_state), ("ostiary_bounced", "1")];
            victim.post(&acs, &fields).await
        };
        // A sibling host can set this cookie, with the value of the attacker's browser.
        let planted = post("ostiary_browser").await;
        assert_eq!((planted.status.as_u16(), planted.reason()), (403, Some("browser_mismatch")));
        assert_eq!(post("__Host-ostiary_browser").await.status, 303);
    }

    async fn required_single_sign_on_disables_the_other_methods_and_the_operator_enables_them(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "vendor.example").await;
        let id = tenant.connection.id.to_string();
        let console = app.replica_with(|config| {
            config.console_saml_connection = Some(id);
            config.console_require_sso = true;
        }).await;
        let dana = app.with_password("dana@vendor.example").await;
        let browser = app.browser();
        let refused = async |path: &str, fields: &[(&str, &str)]| {
            let answer = browser.post(&console.url(path), fields).await;
            assert_eq!(answer.status, 403, "{path}: {}", answer.body);
            assert!(answer.body.contains("single sign-on"), "{path}: {}", answer.body);
            assert!(!is_signed_in(&console, &browser).await);
        };
        let password = crate::support::administrators::PASSWORD;
        refused("/console/sign-in", &[("email", "dana@vendor.example"), ("password", password)]).await;
        // Passkeys are refused, even for a challenge of a replica that accepts them.
        let page = browser.get(&app.url("/console/sign-in")).await.body;
        let challenge = page.split("name=\"challenge\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        refused("/console/sign-in/passkey", &[("challenge", challenge), ("answer", "{}")]).await;
        assert!(!browser.get(&console.url("/console/sign-in")).await.body.contains("name=\"challenge\""));
        // A link sets no password while passwords are disabled.
        let (_, token) = invitations::create_reset(&app.state, &Principal::OPERATOR, dana.id).await.unwrap();
        let (token, new) = (token.reveal(), "another violet kettle");
        let fields = [("token", token.as_str()), ("newPassword", new), ("repeatPassword", new)];
        let answer = browser.post(&console.url("/console/join"), &fields).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        assert!(!is_signed_in(&console, &browser).await);

        // The operator starts the gateway with the setting off, and Dana signs in by the same link.
        let back = app.browser();
        assert_eq!(back.post(&app.url("/console/join"), &fields).await.status, 303);
        assert!(is_signed_in(&app, &back).await);
    }

    async fn a_login_of_an_app_does_not_open_the_console(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "vendor.example").await;
        let id = tenant.connection.id.to_string();
        let console = app.replica_with(|config| config.console_saml_connection = Some(id)).await;
        app.with_password("dana@vendor.example").await;
        let key = app.api_key(&environment, false).await;
        let browser = app.browser();
        // The cookie of a console sign-in, and the flow of another login.
        browser.get(&console.url("/console/sign-in/saml")).await;
        let to_idp = browser.get(&app.login_link(&key, &tenant, "s").await).await;
        let request = Request::read(&to_idp);
        let accepted = sign_in_at_idp(&app, &browser, &tenant, &to_idp, "dana@vendor.example").await;
        assert!(query(&accepted.location(), "saml_access_code").is_some());
        let finish = console.url(&format!("/console/sign-in/saml/{}", request.relay_state.unwrap_or_default()));
        assert_eq!(browser.get(&finish).await.status, 403);
        assert!(!is_signed_in(&console, &browser).await);
    }

    async fn an_openid_provider_opens_the_console(app: TestApp) {
        let (console, tenant) = console_by_openid(&app).await;
        app.with_password("dana@vendor.example").await;

        let browser = app.browser();
        let begun = browser.get(&console.url("/console/sign-in/oidc?next=//evil.example")).await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        let mut authorize = begun.location();
        for parameter in ["state", "nonce", "code_challenge"] {
            assert!(query(&authorize, parameter).is_some_and(|value| value.len() >= 32), "{authorize}");
        }
        assert_eq!(query(&authorize, "code_challenge_method").as_deref(), Some("S256"));
        authorize.query_pairs_mut().append_pair("organization_id", &tenant.organization.id.to_string());
        let to_idp = browser.get(authorize.as_str()).await;
        let back = sign_in_at_idp(&app, &browser, &tenant, &to_idp, "dana@vendor.example").await.location();
        assert_eq!(back.path(), "/console/sign-in/oidc/callback");
        // Not without the cookie, not with another state.
        let thief = app.browser();
        assert_eq!(thief.get(back.as_str()).await.status, 403);
        let mut forged = back.clone();
        forged.set_query(Some(&format!("code={}&state=x", query(&back, "code").unwrap())));
        let cookie = browser.cookie(&app.base, "ostiary_console_sso").unwrap();
        thief.set_cookie(&app.base, "ostiary_console_sso", &cookie);
        assert_eq!(thief.get(forged.as_str()).await.status, 403);
        let entered = browser.get(back.as_str()).await;
        assert_eq!(entered.status, 303, "{}", entered.body);
        assert_eq!(entered.location().path(), "/console");
        assert!(is_signed_in(&console, &browser).await);
        // The request did not ask for a new authentication, so it is no recent one.
        let account = async || browser.get(&console.url("/console/account")).await.body;
        assert!(account().await.contains("Confirm that it is you"));
        let mut authorize = browser.get(&console.url("/console/sign-in/oidc?confirm=1")).await.location();
        assert_eq!(query(&authorize, "prompt").as_deref(), Some("login"));
        authorize.query_pairs_mut().append_pair("organization_id", &tenant.organization.id.to_string());
        let to_idp = browser.get(authorize.as_str()).await;
        let confirmed = sign_in_at_idp(&app, &browser, &tenant, &to_idp, "dana@vendor.example").await.location();
        assert_eq!(browser.get(confirmed.as_str()).await.status, 303);
        assert!(!account().await.contains("Confirm that it is you"));
        thief.set_cookie(&app.base, "ostiary_console_sso", &cookie);
        assert_eq!(thief.get(back.as_str()).await.status, 403, "it counts once");
        assert!(!is_signed_in(&console, &thief).await);
    }
}
