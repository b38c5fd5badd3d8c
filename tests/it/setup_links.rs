//! Setup links, domains, branding and the setup wizard, for a customer's admin and for the vendor.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::administrator::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, Browser, IdentityProvider, Request, Tenant, TestApp, query},
};

/// The answer of a call that must succeed.
async fn call(app: &TestApp, key: &str, method: Method, path: &str, body: Value) -> Value {
    let answer = app.api(key, method, path, Some(body)).await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    answer.json()
}

/// Creates a setup link for everything. Returns its id and its URL.
async fn link(app: &TestApp, key: &str, tenant: &Tenant) -> (String, String) {
    let body = json!({
        "organizationId": tenant.organization.id, "canManageSaml": true, "canManageScim": true,
        "canManageDomains": true,
    });
    let made = call(app, key, Method::POST, "/v1/setup-urls", body).await;
    (made["url"].as_str().unwrap().to_owned(), made["setupLink"]["id"].as_str().unwrap().to_owned())
}

async fn tenant_and_key(app: &TestApp) -> (Tenant, String) {
    let environment = app.environment("prod").await;
    let tenant = app.tenant(&environment, "acme.example").await;
    let key = app.api_key(&environment, true).await;
    (tenant, key)
}

/// Presses the link's button.
async fn press(browser: &Browser, url: &str) -> Answer {
    let page = browser.get(url).await;
    assert_eq!(page.status, 200, "{page:#?}");
    browser.submit(&page, &page.form()).await
}

async fn opened_session(app: &TestApp, key: &str, tenant: &Tenant) -> Browser {
    let browser = app.browser();
    let (url, _) = link(app, key, tenant).await;
    let answer = press(&browser, &url).await;
    assert_eq!((answer.status.as_u16(), answer.location().path()), (303, "/setup/home"), "{answer:#?}");
    browser
}

/// The hidden field of the page's forms.
fn token(page: &Answer) -> String {
    let (_, rest) =
        page.body.split_once("name=\"form_token\" value=\"").unwrap_or_else(|| panic!("{page:#?}"));
    rest.split_once('"').unwrap().0.to_owned()
}

/// Posts to a page of the wizard, with its token.
async fn send(app: &TestApp, browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Answer {
    let home = browser.get(&app.url("/setup/home")).await;
    let token = token(&home);
    let mut all = vec![("form_token", token.as_str())];
    all.extend(fields);
    browser.post(&app.url(path), &all).await
}

both! {
    async fn a_link_is_looked_at_without_harm_and_opens_in_one_browser(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let (url, id) = link(&app, &key, &tenant).await;
        for _ in 0..3 {
            let page = app.browser().get(&url).await;
            assert_eq!(page.status, 200);
            assert!(page.body.contains("Start setup"), "{page:#?}");
        }
        let (one, other) = (app.browser(), app.browser());
        assert_eq!(press(&one, &url).await.status, 303);
        let home = one.get(&app.url("/setup/home")).await;
        assert_eq!(home.status, 200, "{home:#?}");
        assert!(home.body.contains("Single sign-on") && home.body.contains("Company acme.example"), "{home:#?}");
        // A reload, and the link again in the same browser, redirect to the wizard.
        assert_eq!(one.get(&app.url("/setup/home")).await.status, 200);
        assert_eq!(one.get(&url).await.location().path(), "/setup/home");
        // In another browser the page says what to ask for.
        let burnt = other.get(&url).await;
        assert_eq!(burnt.status, 410);
        assert!(burnt.body.contains("in another browser"), "{burnt:#?}");
        assert_eq!(other.get(&app.url("/setup/home")).await.status, 401);
        let found = call(&app, &key, Method::GET, &format!("/v1/setup-urls/{id}"), json!({})).await;
        assert_eq!(found["setupLink"]["status"], "redeemed");
    }

    async fn of_sixteen_browsers_that_open_a_link_at_once_one_succeeds(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let (url, _) = link(&app, &key, &tenant).await;
        let token = url.rsplit('=').next().unwrap().to_owned();
        let mut presses = Vec::new();
        for _ in 0..16 {
            let (browser, to, token) = (app.browser(), app.url("/setup"), token.clone());
            presses.push(actix_web::rt::spawn(async move { browser.post(&to, &[("one-time-token", &token)]).await.status }));
        }
        let mut opened_session = 0;
        for press in presses {
            match press.await.unwrap().as_u16() {
                303 => opened_session += 1,
                410 => {}
                other => panic!("{other}"),
            }
        }
        assert_eq!(opened_session, 1);
    }

    async fn a_link_ends_with_its_time_and_when_it_is_taken_back(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let (late, _) = link(&app, &key, &tenant).await;
        let (url, id) = link(&app, &key, &tenant).await;
        let browser = app.browser();
        assert_eq!(press(&browser, &url).await.status, 303);
        assert_eq!(browser.get(&app.url("/setup/home")).await.status, 200);
        let revoked = call(&app, &key, Method::DELETE, &format!("/v1/setup-urls/{id}"), json!({})).await;
        assert_eq!(revoked["setupLink"]["status"], "revoked");
        assert_eq!(browser.get(&app.url("/setup/home")).await.status, 401, "its sessions end");
        app.advance(Duration::from_secs(24 * 3600));
        let expired = app.browser().get(&late).await;
        assert_eq!(expired.status, 410);
        assert!(expired.body.contains("It expired"), "{expired:#?}");
        let token = late.rsplit('=').next().unwrap();
        assert_eq!(app.browser().post(&app.url("/setup"), &[("one-time-token", token)]).await.status, 410);
        for lifetime in [0, 30 * 24 * 3600 + 1] {
            let body = json!({ "organizationId": tenant.organization.id, "lifetimeSeconds": lifetime });
            let refused = app.api(&key, Method::POST, "/v1/setup-urls", Some(body)).await;
            assert_eq!(refused.json()["message"], "bad lifetimeSeconds: must be a number from 1 to 2592000");
        }
    }

    async fn a_session_opens_its_organization_and_what_the_link_allows(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let other = app.tenant(&tenant.environment, "globex.example").await;
        let browser = opened_session(&app, &key, &tenant).await;
        let own = format!("/setup/saml/{}/test", tenant.connection.id);
        assert_eq!(browser.get(&app.url(&own)).await.status, 200);
        let foreign = browser.get(&app.url(&format!("/setup/saml/{}/test", other.connection.id))).await;
        assert_eq!(foreign.status, 404, "{foreign:#?}");
        assert!(!foreign.body.contains("org_"), "{foreign:#?}");
        // A link for provisioning alone gives access to nothing else.
        let body = json!({ "organizationId": tenant.organization.id, "canManageScim": true });
        let made = call(&app, &key, Method::POST, "/v1/setup-urls", body).await;
        let narrow = app.browser();
        press(&narrow, made["url"].as_str().unwrap()).await;
        assert_eq!(narrow.get(&app.url("/setup/scim")).await.status, 200);
        for closed in ["/setup/saml", "/setup/domains", own.as_str()] {
            assert_eq!(narrow.get(&app.url(closed)).await.status, 403, "{closed}");
        }
        // A form without this session's token is refused.
        let forged = browser.post(&app.url("/setup/saml"), &[("idpKind", "okta")]).await;
        assert_eq!(forged.status, 403, "{forged:#?}");
    }

    async fn a_connection_is_set_up_and_tested_without_any_app_hearing_of_it(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let browser = opened_session(&app, &key, &tenant).await;
        let chosen = send(&app, &browser, "/setup/saml", &[("idpKind", "okta")]).await;
        let first = chosen.location();
        assert!(first.path().ends_with("/create-app"), "{first}");
        let base = first.path().trim_end_matches("create-app").to_owned();
        let configure = browser.get(&app.url(&format!("{base}configure"))).await;
        assert!(configure.body.contains("Audience URI (SP Entity ID)"), "{configure:#?}");
        // The error of invalid metadata is shown beside its field, and the input is kept.
        let metadata = format!("{base}metadata");
        let wrong = [("way", "values"), ("idpEntityId", "https://idp.example"), ("idpRedirectUrl", "javascript:alert(1)"), ("idpCertificate", "x")];
        let refused = send(&app, &browser, &metadata, &wrong).await;
        assert_eq!(refused.status, 422, "{refused:#?}");
        assert!(refused.body.contains("javascript:alert(1)") && refused.body.contains("idpRedirectUrl-error"), "{refused:#?}");
        let exposed = [("way", "url"), ("idpMetadataUrl", "http://idp.example/metadata")];
        let refused = send(&app, &browser, &metadata, &exposed).await;
        assert!(refused.status == 422 && refused.body.contains("Must begin with https://"), "{refused:#?}");
        let idp = IdentityProvider::get();
        let certificate = idp.keys.certificate_pem().unwrap();
        let bare: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
        let good = [("way", "values"), ("idpEntityId", idp.entity_id.as_str()), ("idpRedirectUrl", idp.sso_url.as_str()), ("idpCertificate", bare.as_str())];
        let saved = send(&app, &browser, &metadata, &good).await;
        assert!(saved.location().path().ends_with("/assign"), "{saved:#?}");

        let id = base.trim_start_matches("/setup/saml/").trim_end_matches('/').to_owned();
        let listed = call(&app, &key, Method::GET, &format!("/v1/saml-connections/{id}"), json!({})).await;
        assert_eq!(listed["samlConnection"]["idpKind"], "okta");
        let mut own = tenant.clone();
        own.connection.id = id.parse().unwrap();
        own.connection.sp_entity_id = listed["samlConnection"]["spEntityId"].as_str().unwrap().to_owned();
        own.connection.sp_acs_urls = vec![listed["samlConnection"]["spAcsUrl"].as_str().unwrap().to_owned()];

        // A wrong audience: the failed check, in Okta's terms.
        let test = format!("{base}test");
        let begun = Request::read(&send(&app, &browser, &test, &[]).await);
        let mut spec = idp.response(&own, Some(&begun.id), "dana@acme.example", app.now());
        spec.audience_restrictions = vec![vec!["https://elsewhere.example".to_owned()]];
        let result = begun.answer(&browser, &own, &idp.sign(&spec)).await;
        let page = browser.get(result.location().as_str()).await;
        assert!(page.body.contains("assertion_audience") && page.body.contains("Audience URI (SP Entity ID)"), "{page:#?}");

        // A valid response: the page shows what was received, and no code.
        let begun = Request::read(&send(&app, &browser, &test, &[]).await);
        let spec = idp.response(&own, Some(&begun.id), "dana@acme.example", app.now());
        let result = begun.answer(&browser, &own, &idp.sign(&spec)).await;
        let location = result.location();
        assert!(location.path().contains("/test/saml_flow_") && location.query().is_none(), "{location}");
        let page = browser.get(location.as_str()).await;
        assert!(page.body.contains("The test succeeded") && page.body.contains("dana@acme.example"), "{page:#?}");
        assert!(!page.body.contains("saml_access_code_"));
        // Only the browser that signed in sees the user: a link could have started the login in a colleague's
        // browser.
        let elsewhere = app.browser();
        elsewhere.set_cookie(&app.base, "ostiary_setup", &browser.cookie(&app.base, "ostiary_setup").unwrap());
        let page = elsewhere.get(location.as_str()).await;
        assert!(page.body.contains("The test succeeded") && !page.body.contains("dana@acme.example"), "{page:#?}");
        let home = browser.get(&app.url("/setup/home")).await;
        assert!(home.body.contains("Tested"), "{home:#?}");
    }

    /// The cookie that binds a login stays on the host of the ACS URL, and the setup pages may be on another one.
    async fn a_tests_result_is_told_to_its_browser_whose_cookie_is_on_another_host(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let setup = app.base.replace("localhost", "127.0.0.1");
        let mut environment = tenant.environment.clone();
        environment.auth_url = model::http_url::HttpUrl::parse(&setup);
        app.update_environment(&environment).await;
        let browser = app.browser();
        let (url, _) = link(&app, &key, &tenant).await;
        assert!(url.starts_with(&setup), "{url}");
        assert_eq!(press(&browser, &url).await.status, 303);
        let test = format!("{setup}/setup/saml/{}/test", tenant.connection.id);
        let begin = async || {
            let token = token(&browser.get(&test).await);
            let login_link = browser.post(&test, &[("form_token", &token)]).await.location();
            assert!(login_link.as_str().starts_with(&app.base), "{login_link}");
            login_link
        };
        let idp = IdentityProvider::get();
        let respond = |request: &Request, audience: Option<&str>| {
            let mut spec = idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now());
            if let Some(audience) = audience {
                spec.audience_restrictions = vec![vec![audience.to_owned()]];
            }
            idp.sign(&spec)
        };
        for (audience, title, own) in [
            (None, "The test succeeded", "dana@acme.example"),
            (Some("https://elsewhere.example"), "The test did not succeed", "https://elsewhere.example"),
        ] {
            let request = Request::read(&browser.get(begin().await.as_str()).await);
            let location = request.answer(&browser, &tenant, &respond(&request, audience)).await.location();
            let page = browser.get(location.as_str()).await;
            assert!(page.body.contains(title) && page.body.contains(own), "{page:#?}");
            // Without the cookie, or with that of another login, the page shows no user.
            let proof = query(&location, "seen").unwrap();
            let mut bare = location.clone();
            bare.set_query(None);
            let first = if proof.starts_with('A') { 'B' } else { 'A' };
            for wrong in ["".to_owned(), "?seen=".to_owned(), format!("?seen={first}{}", &proof[1..])] {
                let page = browser.get(&format!("{bare}{wrong}")).await;
                assert!(page.body.contains(title) && !page.body.contains(own), "{wrong}: {page:#?}");
            }
        }

        // The sender of a link opens it first and is refused. That browser sees nothing of the colleague's login.
        let login_link = begin().await;
        let request = Request::read(&browser.get(login_link.as_str()).await);
        let junk = request.answer(&browser, &tenant, &respond(&request, Some("https://elsewhere.example"))).await;
        let location = junk.location();
        assert!(browser.get(location.as_str()).await.body.contains("https://elsewhere.example"));
        let colleague = app.browser();
        let request = Request::read(&colleague.get(login_link.as_str()).await);
        let answer = request.answer(&colleague, &tenant, &respond(&request, None)).await;
        assert_ne!(query(&answer.location(), "seen"), query(&location, "seen"));
        let page = browser.get(location.as_str()).await;
        assert!(page.body.contains("The test succeeded") && !page.body.contains("dana@acme.example"), "{page:#?}");
    }

    async fn a_domain_counts_for_nothing_until_it_is_approved(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let browser = opened_session(&app, &key, &tenant).await;
        let added = send(&app, &browser, "/setup/domains", &[("domain", "dana@NEW.example")]).await;
        assert_eq!(added.status, 303, "{added:#?}");
        let page = browser.get(&app.url("/setup/domains")).await;
        assert!(page.body.contains("_sso-challenge.new.example") && page.body.contains("sso-domain-verification="), "{page:#?}");
        for (typed, words) in [("gmail.com", "free-mail"), ("co.uk", "public suffix"), ("not a domain", "is not a domain name")] {
            let refused = send(&app, &browser, "/setup/domains", &[("domain", typed)]).await;
            assert_eq!(refused.status, 422, "{typed}");
            assert!(refused.body.contains(words), "{refused:#?}");
        }
        let domains = format!("/v1/organizations/{}/domains", tenant.organization.id);
        let listed = call(&app, &key, Method::GET, &domains, json!({})).await;
        let states: Vec<(&str, &str)> = listed["domains"].as_array().unwrap().iter()
            .map(|one| (one["domain"].as_str().unwrap(), one["state"].as_str().unwrap())).collect();
        assert_eq!(states, [("acme.example", "whitelisted"), ("new.example", "pending")]);

        // The states of login and SCIM: not set up, then complete.
        let directory = app.scim_directory(&tenant).await;
        let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "dana@new.example" });
        assert_eq!(app.scim(&directory, Method::POST, "/Users", Some(user.clone())).await.status, 400);
        assert_eq!(sign_in(&app, &key, &tenant, "dana@new.example").await.reason(), Some("email_outside_organization_domains"));
        // The test page shows this as the next step, not as an error.
        let test = format!("/setup/saml/{}/test", tenant.connection.id);
        let begun = Request::read(&send(&app, &browser, &test, &[]).await);
        let idp = IdentityProvider::get();
        let spec = idp.response(&tenant, Some(&begun.id), "dana@new.example", app.now());
        let result = begun.answer(&browser, &tenant, &idp.sign(&spec)).await;
        let page = browser.get(result.location().as_str()).await;
        assert!(page.body.contains("One step is left") && page.body.contains("The sign-in works"), "{page:#?}");

        call(&app, &key, Method::POST, &format!("{domains}/new.example/approve"), json!({})).await;
        assert_eq!(app.scim(&directory, Method::POST, "/Users", Some(user)).await.status, 201);
        assert_eq!(sign_in(&app, &key, &tenant, "dana@new.example").await.status, 303);
        // A link holder cannot remove a domain that logins depend on.
        let kept = send(&app, &browser, "/setup/domains/new.example/remove", &[]).await;
        assert_eq!(kept.status, 400, "{kept:#?}");
    }

    async fn branding_is_checked_and_served(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let branding = format!("/v1/environments/{}/branding", tenant.environment.id);
        let set = json!({ "applicationName": "North<wind>", "accentColor": "#FFCC00", "supportContact": "help@app.example", "returnUrl": "https://app.example/" });
        assert_eq!(call(&app, &key, Method::PATCH, &branding, set).await["branding"]["accentColor"], "#ffcc00");
        for (body, word) in [
            (json!({ "accentColor": "red;}" }), "accentColor"),
            (json!({ "returnUrl": "javascript:alert(1)" }), "returnUrl"),
            (json!({ "applicationName": "x".repeat(101) }), "applicationName"),
        ] {
            let refused = app.api(&key, Method::PATCH, &branding, Some(body)).await;
            assert_eq!(refused.status, 400);
            assert!(refused.json()["message"].as_str().unwrap().contains(word), "{refused:#?}");
        }
        let logo = format!("{branding}/logo");
        let gif = b"GIF89a\x2c\x01\x50\x00\0\0\0";
        for bad in [b"<svg xmlns='http://www.w3.org/2000/svg'/>".as_slice(), b"MZ", &[0; 300_000]] {
            let refused = app.api(&key, Method::PUT, &logo, Some(json!({ "logo": BASE64.encode(bad) }))).await;
            assert_eq!(refused.status, 400, "{refused:#?}");
        }
        let set = call(&app, &key, Method::PUT, &logo, json!({ "logo": BASE64.encode(gif) })).await;
        let served = app.browser().get(set["branding"]["logoUrl"].as_str().unwrap()).await;
        assert_eq!((served.status.as_u16(), served.header("content-type")), (200, "image/gif"));
        assert_eq!(served.header("x-content-type-options"), "nosniff");
        assert_eq!(served.header("content-security-policy"), "default-src 'none'; sandbox");
        let style = app.browser().get(&app.url(&format!("/branding/{}/style.css", tenant.environment.id))).await;
        assert!(style.body.contains("background:#ffcc00;color:#000000"), "{style:#?}");
        let (url, _) = link(&app, &key, &tenant).await;
        let page = app.browser().get(&url).await;
        assert!(page.body.contains("North&lt;wind&gt;") && page.body.contains("mailto:help@app.example"), "{page:#?}");
        assert!(!page.body.contains("<wind>"));
        call(&app, &key, Method::DELETE, &logo, json!({})).await;
        assert_eq!(app.browser().get(&app.url(&format!("/branding/{}/logo", tenant.environment.id))).await.status, 404);
    }

    async fn a_directory_is_set_up_and_its_first_people_seen(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let browser = opened_session(&app, &key, &tenant).await;
        let cannot = send(&app, &browser, "/setup/scim", &[("idpKind", "google")]).await;
        let told = browser.get(cannot.location().as_str()).await;
        assert!(told.body.contains("Google Workspace cannot do this"), "{told:#?}");
        let chosen = send(&app, &browser, "/setup/scim", &[("idpKind", "other")]).await;
        let first = chosen.location();
        let version = browser.get(first.as_str()).await.input("version").unwrap();
        let page = send(&app, &browser, first.path(), &[("version", &version)]).await;
        let (_, rest) = page.body.split_once("<code>ssoready_scim_bearer_token_").unwrap_or_else(|| panic!("{page:#?}"));
        let bearer = format!("ssoready_scim_bearer_token_{}", rest.split_once('<').unwrap().0);
        assert!(!browser.get(first.as_str()).await.body.contains(&bearer), "it is shown once");
        let live = first.path().replace("connect", "live");
        assert!(browser.get(&app.url(&live)).await.body.contains("Nothing arrived yet"));
        let id = first.path().split('/').nth(3).unwrap();
        let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@acme.example" });
        let pushed = app.browser();
        let pushed = pushed.send(pushed.request(Method::POST, &app.url(&format!("/v1/scim/{id}/Users"))).bearer_auth(&bearer)
            .header("content-type", "application/scim+json").body(user.to_string())).await;
        assert_eq!(pushed.status, 201, "{pushed:#?}");
        let seen = browser.get(&app.url(&live)).await;
        assert!(seen.body.contains("People arrive") && seen.body.contains("Added a person"), "{seen:#?}");
        assert!(seen.header("content-security-policy").contains("connect-src 'self'"));
    }

    async fn what_a_link_holder_does_is_in_the_audit_log_under_the_link(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let browser = app.browser();
        let (url, id) = link(&app, &key, &tenant).await;
        press(&browser, &url).await;
        app.advance(Duration::from_millis(5));
        send(&app, &browser, "/setup/domains", &[("domain", "new.example")]).await;
        let mut conn = app.state.db.read().await.unwrap();
        let rows: Vec<(String, String)> = conn
            .sql("SELECT action, actor_id FROM audit_events WHERE actor_id = $1 ORDER BY id")
            .bind(id.as_str())
            .all()
            .await
            .unwrap();
        let actions: Vec<&str> = rows.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(actions, ["setup_link.redeemed", "organization_domain.created"]);
    }
}

/// A login by the API as `email`: where it ends.
async fn sign_in(app: &TestApp, key: &str, tenant: &Tenant, email: &str) -> Answer {
    let browser = app.browser();
    let request = app.begin(&browser, key, tenant).await;
    let idp = IdentityProvider::get();
    let spec = idp.response(tenant, Some(&request.id), email, app.now());
    request.answer(&browser, tenant, &idp.sign(&spec)).await
}

both! {
    /// Setup pages below an environment's own address keep their cookie by that address's scheme.
    async fn the_cookie_follows_the_host_of_the_pages(app: TestApp) {
        let (tenant, key) = tenant_and_key(&app).await;
        let mut environment = tenant.environment.clone();
        environment.auth_url = model::http_url::HttpUrl::parse("https://sso.vendor.example");
        app.update_environment(&environment).await;
        let (url, _) = link(&app, &key, &tenant).await;
        let token = url.strip_prefix("https://sso.vendor.example/setup?one-time-token=").unwrap().to_owned();
        let browser = app.browser();
        let body = format!("one-time-token={token}");
        let request = browser.request(Method::POST, &app.url("/setup")).header("host", "sso.vendor.example");
        let request = request.header("origin", "https://sso.vendor.example").body(body);
        let answer = browser
            .send(request.header("content-type", "application/x-www-form-urlencoded"))
            .await;
        assert_eq!(answer.status, 303, "{answer:#?}");
        let cookies: Vec<&str> =
            answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(cookies.len(), 1, "{cookies:?}");
        assert!(cookies[0].starts_with("__Host-ostiary_setup=") && cookies[0].contains("; Secure"), "{cookies:?}");
        // The same value in the cookie without prefix, which an attacker on the network could set, is refused.
        let value = cookies[0].split(['=', ';']).nth(1).unwrap();
        for (name, status) in [("__Host-ostiary_setup", 200), ("ostiary_setup", 401)] {
            let request = app.browser().request(Method::GET, &app.url("/setup/home"));
            let request =
                request.header("host", "sso.vendor.example").header("cookie", format!("{name}={value}"));
            assert_eq!(browser.send(request).await.status, status, "{name}");
        }
    }
}

/// A domain is verified by DNS once, for one organization of an environment; a failure says what was found.
#[test]
fn dns_proves_a_domain_once() {
    use crate::support::{Backend, dns::NameServer};
    for backend in [Backend::Sqlite, Backend::Postgres] {
        actix_web::rt::System::new().block_on(async {
            let dns = NameServer::start().await;
            let app = TestApp::spawn_with(backend, |config| config.dns_servers = vec![dns.address()]).await;
            let (tenant, key) = tenant_and_key(&app).await;
            let rival = app.tenant(&tenant.environment, "globex.example").await;
            let path = |tenant: &Tenant| format!("/v1/organizations/{}/domains", tenant.organization.id);
            let ask = json!({ "domain": "new.example" });
            call(&app, &key, Method::POST, &path(&tenant), ask.clone()).await;
            let check = format!("{}/new.example/check", path(&tenant));
            let failed = call(&app, &key, Method::POST, &check, json!({})).await["domain"].clone();
            assert_eq!(failed["state"], "failed");
            assert!(failed["checkError"].as_str().unwrap().contains("no TXT record"), "{failed}");
            assert_eq!(
                app.api(&key, Method::POST, &check, Some(json!({}))).await.status,
                429,
                "one in ten seconds"
            );
            // Removed and added again, it is not checked sooner.
            let one = format!("{}/new.example", path(&tenant));
            call(&app, &key, Method::DELETE, &one, json!({})).await;
            let added = call(&app, &key, Method::POST, &path(&tenant), ask.clone()).await["domain"].clone();
            assert_eq!(app.api(&key, Method::POST, &check, Some(json!({}))).await.status, 429);
            app.advance(Duration::from_secs(11));
            dns.publish("_sso-challenge.new.example", &["other", added["txtRecordValue"].as_str().unwrap()]);
            let proved = call(&app, &key, Method::POST, &check, json!({})).await["domain"].clone();
            assert_eq!(
                (proved["state"].as_str(), proved["checkError"].as_str()),
                (Some("verified"), Some(""))
            );
            assert_eq!(sign_in(&app, &key, &tenant, "dana@new.example").await.status, 303);
            // Another organization that can publish the record too gets no name.
            let theirs = call(&app, &key, Method::POST, &path(&rival), ask).await["domain"].clone();
            dns.publish("_sso-challenge.new.example", &[theirs["txtRecordValue"].as_str().unwrap()]);
            let check = format!("{}/new.example/check", path(&rival));
            let refused = app.api(&key, Method::POST, &check, Some(json!({}))).await;
            assert_eq!(refused.status, 400, "{refused:#?}");
            assert_eq!(refused.json()["message"], "bad domain: another organization already has this domain");
            assert!(!refused.body.contains("acme"));
            let listed = call(&app, &key, Method::GET, &path(&rival), json!({})).await;
            assert_eq!(listed["domains"][1]["state"], "failed", "{listed}");
            // Neither does the admin of that organization, and the page does not suggest to wait for DNS.
            let browser = opened_session(&app, &key, &rival).await;
            let page = browser.get(&app.url("/setup/domains")).await;
            page.says("It is taken")
                .says("The record was found")
                .says("has this domain already. Ask the team of");
            page.does_not_say("The last check").does_not_say("an hour").does_not_say("publish this record");
            assert!(!page.body.contains("acme"), "{page:#?}");
            let console = app.console(Role::Admin, &tenant.environment).await;
            let domain = format!("/organizations/{}/domains/new.example", rival.organization.id);
            let page = console.page(&domain).await;
            page.says("Proved, but it counts for another organization").says("Company acme.example");
            page.says("It can count here only once it is taken out there.");
            page.does_not_say("found no proof").does_not_say("Proof by DNS").does_not_say("let DNS prove it");
            assert!(!page.body.contains("/approve"), "{page:#?}");
            // The URL of the form, opened with GET, redirects.
            let again = console.get(&format!("{domain}/approve")).await;
            assert_eq!((again.status.as_u16(), again.location()), (303, page.url));
        });
    }
}
