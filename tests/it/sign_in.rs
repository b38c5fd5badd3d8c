//! Logins of the REST API: from the app's link to the app's callback.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::{
    environment::IdpInitiated,
    login_flow::{FlowOrigin, FlowStatus, LoginFlow, StepKind},
    oauth_client::IdTokenAlg,
    saml_connection::IdpBinding,
};
use openssl::x509::X509;
use ostiary::{
    app::{
        connections::saml::sp_keys,
        login,
        pagination::PageQuery,
        principal::Principal,
        support::flows::{self, FlowQuery},
    },
    store::{login_connections, login_flow_counts, login_flow_steps, login_flows},
    test_idp::encrypt::{Encryption, encrypted_assertion},
};
use saml::sign::{SignatureAlgorithm, sign_element};

use crate::{
    both,
    support::{Answer, Browser, IdentityProvider, Request, Tenant, TestApp, query, random},
};

/// A login link as the API would give it.
async fn link(app: &TestApp, tenant: &Tenant, app_state: &str) -> String {
    let mut conn = app.state.db.read().await.unwrap();
    let target = login_connections::find_for_login(&mut conn, tenant.connection.id).await.unwrap().unwrap();
    drop(conn);
    login::create_link(&app.state, &target, Some(app_state.to_owned())).await.unwrap()
}

async fn acme(app: &TestApp) -> Tenant {
    let environment = app.environment("prod").await;
    app.tenant(&environment, "acme.example").await
}

/// Begins a login in `browser`.
async fn begin(app: &TestApp, browser: &Browser, tenant: &Tenant) -> Request {
    Request::read(&browser.get(&link(app, tenant, "the app's state").await).await)
}

/// A good response of the tenant's identity provider to `request`.
fn good(app: &TestApp, tenant: &Tenant, request: &Request, email: &str) -> String {
    let idp = IdentityProvider::get();
    idp.sign(&idp.response(tenant, Some(&request.id), email, app.now()))
}

async fn flow_of(app: &TestApp, tenant: &Tenant, request: &Request) -> LoginFlow {
    let mut conn = app.state.db.read().await.unwrap();
    login_flows::find_by_request(&mut conn, tenant.connection.id.into(), &request.id).await.unwrap().unwrap()
}

async fn steps_of(app: &TestApp, flow: &LoginFlow) -> Vec<StepKind> {
    let mut conn = app.state.db.read().await.unwrap();
    login_flow_steps::list(&mut conn, flow.id).await.unwrap().into_iter().map(|step| step.kind).collect()
}

fn code_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:#?}");
    query(&answer.location(), "saml_access_code").expect("an access code")
}

both! {
    async fn a_good_response_brings_the_browser_to_the_app_with_a_code(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        assert_eq!(request.destination, "https://idp.example/sso?tenant=1");
        assert!(request.xml.contains(&format!("AssertionConsumerServiceURL=\"{}\"", tenant.acs_url())));
        let answer = request.answer(&browser, &tenant, &good(&app, &tenant, &request, "Dana@acme.example")).await;
        let location = answer.location();
        assert!(location.as_str().starts_with("https://prod.app.example/callback?from=sso&saml_access_code=saml_access_code_"));
        let flow = flow_of(&app, &tenant, &request).await;
        assert_eq!((flow.status, flow.origin), (FlowStatus::InProgress, FlowOrigin::Api));
        assert_eq!(flow.email.as_ref().unwrap().as_str(), "Dana@acme.example");
        assert_eq!(steps_of(&app, &flow).await, [StepKind::Requested, StepKind::Accepted]);
    }

    async fn the_redirect_binding_carries_the_request_too(app: TestApp) {
        let mut tenant = acme(&app).await;
        tenant.connection.idp_binding = IdpBinding::Redirect;
        app.update_connection(&tenant.connection).await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        assert!(request.destination.starts_with("https://idp.example/sso?tenant=1&SAMLRequest="));
        code_of(&request.answer(&browser, &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await);
    }

    async fn a_response_from_another_browser_is_refused_and_leaves_the_login_open(app: TestApp) {
        let tenant = acme(&app).await;
        let (browser, thief) = (app.browser(), app.browser());
        let request = begin(&app, &browser, &tenant).await;
        begin(&app, &thief, &tenant).await; // gives the thief a cookie of his own
        let response = good(&app, &tenant, &request, "dana@acme.example");
        let refused = request.answer(&thief, &tenant, &response).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("browser_mismatch")));
        assert_eq!(flow_of(&app, &tenant, &request).await.status, FlowStatus::InProgress);
        code_of(&request.answer(&browser, &tenant, &response).await);
    }

    async fn a_post_without_the_cookie_is_sent_again_from_a_page_of_ours(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        let response = good(&app, &tenant, &request, "dana@acme.example");
        // The identity provider is on another site: a Lax cookie is not sent with its post …
        let bounce = request.answer(&app.browser(), &tenant, &response).await;
        assert_eq!(bounce.status, 200);
        assert!(!bounce.header("content-security-policy").contains("form-action"));
        // … and is sent when the gateway's own page posts the form again.
        code_of(&browser.submit(&bounce, &bounce.form()).await);
        // A browser without cookies gets a page that says so.
        let request = begin(&app, &browser, &tenant).await;
        let bounce = request.answer(&app.browser(), &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await;
        let refused = app.browser().submit(&bounce, &bounce.form()).await;
        assert_eq!(refused.reason(), Some("browser_mismatch"));
    }

    async fn a_relay_state_of_another_login_is_refused_and_a_dropped_one_is_not(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let (first, mut second) = (begin(&app, &browser, &tenant).await, begin(&app, &browser, &tenant).await);
        second.relay_state = first.relay_state.clone();
        let response = good(&app, &tenant, &second, "dana@acme.example");
        assert_eq!(second.answer(&browser, &tenant, &response).await.reason(), Some("relay_state_mismatch"));
        second.relay_state = None;
        code_of(&second.answer(&browser, &tenant, &response).await);
    }

    async fn a_response_is_good_once(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        let response = good(&app, &tenant, &request, "dana@acme.example");
        code_of(&request.answer(&browser, &tenant, &response).await);
        let again = request.answer(&browser, &tenant, &response).await;
        assert_eq!(again.reason(), Some("assertion_replayed"));
        let fresh = good(&app, &tenant, &request, "dana@acme.example");
        assert_eq!(request.answer(&browser, &tenant, &fresh).await.reason(), Some("request_already_used"));
        assert_eq!(flow_of(&app, &tenant, &request).await.status, FlowStatus::InProgress);
    }

    async fn of_many_posts_of_one_response_on_two_replicas_one_wins(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let other = app.replica().await;
        let request = begin(&app, &browser, &tenant).await;
        let response = good(&app, &tenant, &request, "dana@acme.example");
        let posts = (0..32).map(|n| {
            let (browser, request, response) = (browser.clone(), request.clone(), response.clone());
            let mut tenant = tenant.clone();
            if n % 2 == 1 {
                tenant.connection.sp_acs_urls[0] = tenant.acs_url().replace(&app.base, &other.base);
            }
            actix_web::rt::spawn(async move { request.answer(&browser, &tenant, &response).await })
        });
        let mut won = 0;
        for post in posts.collect::<Vec<_>>() {
            let answer = post.await.unwrap();
            match answer.status.as_u16() {
                303 => won += 1,
                _ => assert!(matches!(answer.reason(), Some("assertion_replayed" | "request_already_used")), "{answer:#?}"),
            }
        }
        assert_eq!(won, 1);
    }

    async fn a_login_ends_with_its_time(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        app.advance(Duration::from_secs(601));
        let answer = request.answer(&browser, &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await;
        assert_eq!(answer.reason(), Some("request_expired"));
        let link = link(&app, &tenant, "").await;
        app.advance(Duration::from_secs(3601));
        assert_eq!(browser.get(&link).await.reason(), Some("link_expired"));
    }

    async fn a_link_can_be_opened_again_until_somebody_has_signed_in(app: TestApp) {
        let tenant = acme(&app).await;
        let link = link(&app, &tenant, "s").await;
        let (robot, browser) = (app.browser(), app.browser());
        let seen_by_robot = Request::read(&robot.get(&link).await);
        let request = Request::read(&browser.get(&link).await);
        assert_ne!(seen_by_robot.id, request.id);
        assert_eq!(Request::read(&browser.get(&link).await).id, request.id, "a reload keeps the request");
        code_of(&request.answer(&browser, &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await);
        assert_eq!(browser.get(&link).await.reason(), Some("request_already_used"));
    }

    async fn a_forged_link_begins_nothing(app: TestApp) {
        let tenant = acme(&app).await;
        let link = link(&app, &tenant, "s").await;
        let (start, _) = link.rsplit_once('.').unwrap();
        for forged in [format!("{start}.AAAA"), start.to_owned(), link.split('?').next().unwrap().to_owned()] {
            let answer = app.browser().get(&forged).await;
            assert_eq!(answer.reason(), Some("link_expired"), "{forged}");
            assert!(!answer.body.contains("took too long"), "nobody was slow: {}", answer.body);
        }
    }

    async fn people_of_other_domains_stay_out(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        for (email, reason) in [
            ("dana@globex.example", "email_outside_organization_domains"),
            ("dana@sub.acme.example", "email_outside_organization_domains"),
            ("dana@xacme.example", "email_outside_organization_domains"),
            ("dana@acme.example.evil.example", "email_outside_organization_domains"),
            ("\"dana@acme.example\"@evil.example", "email_malformed"),
            ("dana@evil.example@acme.example", "email_malformed"),
            ("dana@acm\u{435}.example", "email_outside_organization_domains"),
            ("d\u{430}na@acme.example", "email_malformed"),
            ("dana@acme.example.", "email_malformed"),
            ("dana", "email_missing"),
        ] {
            let request = begin(&app, &browser, &tenant).await;
            let answer = request.answer(&browser, &tenant, &good(&app, &tenant, &request, email)).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (403, Some(reason)), "{email}");
            let flow = flow_of(&app, &tenant, &request).await;
            assert_eq!((flow.status, flow.refusal.as_deref(), flow.email), (FlowStatus::Failed, Some(reason), None));
        }
    }

    async fn a_refused_person_may_try_again_with_the_right_account(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        let wrong = good(&app, &tenant, &request, "dana@globex.example");
        assert_eq!(request.answer(&browser, &tenant, &wrong).await.reason(), Some("email_outside_organization_domains"));
        code_of(&request.answer(&browser, &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await);
        let flow = flow_of(&app, &tenant, &request).await;
        assert_eq!((flow.status, flow.refusal.clone()), (FlowStatus::InProgress, None));
        assert_eq!(steps_of(&app, &flow).await, [StepKind::Requested, StepKind::Refused, StepKind::Accepted]);
    }

    async fn a_login_begins_on_the_host_that_its_response_comes_to(app: TestApp) {
        let mut tenant = acme(&app).await;
        // Created when the service had another public URL, which the identity provider still uses.
        tenant.connection.sp_acs_urls = vec![tenant.acs_url().replace("localhost", "127.0.0.1")];
        app.update_connection(&tenant.connection).await;
        let browser = app.browser();
        let link = link(&app, &tenant, "s").await;
        assert!(link.starts_with("http://127.0.0.1:"), "{link}");
        let request = Request::read(&browser.get(&link).await);
        code_of(&request.answer(&browser, &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await);

        // An OAuth client knows one issuer, whatever the connection's host: the browser goes there first.
        let (client, _) = app.oauth_client(&tenant.environment, IdTokenAlg::ES256).await;
        let authorize = format!(
            "/v1/oauth/authorize?response_type=code&scope=openid&state=x&client_id={}&organization_id={}&redirect_uri={}",
            client.id, tenant.organization.id, tenant.environment.oauth_redirect_uris[0]
        );
        let away = browser.get(&app.url(&authorize)).await;
        let there = away.location();
        assert_eq!(there.host_str(), Some("127.0.0.1"));
        let request = Request::read(&browser.get(there.as_str()).await);
        let response = good(&app, &tenant, &request, "dana@acme.example");
        let landed = request.answer(&browser, &tenant, &response).await.location();
        assert!(query(&landed, "code").is_some() && query(&landed, "state").as_deref() == Some("x"), "{landed}");
    }

    async fn a_relay_state_that_no_database_takes_is_dropped(app: TestApp) {
        let mut tenant = acme(&app).await;
        tenant.connection.idp_initiated = Some(IdpInitiated::Allow);
        app.update_connection(&tenant.connection).await;
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, None, "dana@acme.example", app.now()));
        let fields = [("SAMLResponse", response.as_str()), ("RelayState", "a\0b")];
        code_of(&app.browser().post(tenant.acs_url(), &fields).await);
    }

    async fn a_browser_that_posts_again_and_again_fills_no_timeline(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        let wrong = good(&app, &tenant, &request, "dana@globex.example");
        for _ in 0..25 {
            // More often than that, the browser would be rate-limited.
            app.advance(Duration::from_secs(5));
            assert_eq!(request.answer(&browser, &tenant, &wrong).await.status, 403);
        }
        let flow = flow_of(&app, &tenant, &request).await;
        assert_eq!(steps_of(&app, &flow).await.len(), 20);
        let shown = flows::find(&app.state, &Principal::operator(tenant.environment.id), flow.id).await.unwrap();
        assert_eq!(shown.steps.iter().filter(|step| step.document.is_some()).count(), 6);
        code_of(&request.answer(&browser, &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await);
        assert_eq!(steps_of(&app, &flow).await.last(), Some(&StepKind::Accepted));
    }

    async fn one_of_two_addresses_that_cannot_be_read_is_refused(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let idp = IdentityProvider::get();
        let request = begin(&app, &browser, &tenant).await;
        let mut spec = idp.response(&tenant, Some(&request.id), "opaque-name", app.now());
        spec.attributes = vec![("mail".into(), vec!["dana@acme.example".into(), "\"x\"@evil.example".into()])];
        let answer = request.answer(&browser, &tenant, &idp.sign(&spec)).await;
        assert_eq!(answer.reason(), Some("email_malformed"));
    }

    async fn the_address_may_stand_in_an_attribute(app: TestApp) {
        let mut tenant = acme(&app).await;
        let browser = app.browser();
        let idp = IdentityProvider::get();
        for (configured, attributes, expected) in [
            (None, vec![("mail", "dana@acme.example")], Ok(())),
            (None, vec![("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "dana@acme.example")], Ok(())),
            (None, vec![("mail", "dana@acme.example"), ("email", "DANA@acme.example")], Ok(())),
            (None, vec![("mail", "dana@acme.example"), ("email", "hank@acme.example")], Err("email_ambiguous")),
            (None, vec![("title", "dana@acme.example")], Err("email_missing")),
            (Some("upn"), vec![("upn", "dana@acme.example"), ("mail", "x@globex.example")], Ok(())),
            (Some("upn"), vec![("mail", "dana@acme.example")], Err("email_missing")),
            (Some("upn"), vec![("upn", "dana")], Err("email_malformed")),
            (Some("upn"), vec![("upn", "x@globex.example")], Err("email_outside_organization_domains")),
        ] {
            tenant.connection.email_attribute = configured.map(str::to_owned);
            app.update_connection(&tenant.connection).await;
            let request = begin(&app, &browser, &tenant).await;
            let mut spec = idp.response(&tenant, Some(&request.id), "opaque-name", app.now());
            spec.attributes = attributes.iter().map(|(name, value)| ((*name).into(), vec![(*value).into()])).collect();
            let answer = request.answer(&browser, &tenant, &idp.sign(&spec)).await;
            match expected {
                Ok(()) => drop(code_of(&answer)),
                Err(reason) => assert_eq!(answer.reason(), Some(reason), "{configured:?} {attributes:?}"),
            }
        }
        // Entra's guests: the NameID is an address of another domain than the e-mail.
        tenant.connection.email_attribute = None;
        app.update_connection(&tenant.connection).await;
        let request = begin(&app, &browser, &tenant).await;
        let mut spec = idp.response(&tenant, Some(&request.id), "dana_acme#EXT#@acme.onmicrosoft.com", app.now());
        spec.attributes = vec![("mail".into(), vec!["dana@acme.example".into()])];
        assert_eq!(request.answer(&browser, &tenant, &idp.sign(&spec)).await.reason(), Some("email_ambiguous"));
    }

    async fn an_encrypted_name_id_is_decrypted_and_not_needed_where_an_attribute_names_the_person(app: TestApp) {
        let mut tenant = acme(&app).await;
        let (browser, idp) = (app.browser(), IdentityProvider::get());
        let pem = sp_keys::encryption_certificate(&app.state, tenant.environment.id).await.unwrap();
        let ours = Encryption::new(X509::from_pem(pem.as_bytes()).unwrap());
        for (encrypted, configured, algorithm, expected) in [
            (true, None, SignatureAlgorithm::RsaSha256, Ok(())),
            (true, None, SignatureAlgorithm::RsaPssSha256, Ok(())),
            (false, None, SignatureAlgorithm::RsaSha256, Err("decryption_key_missing")),
            (false, Some("mail"), SignatureAlgorithm::RsaSha256, Ok(())),
            (false, Some("upn"), SignatureAlgorithm::RsaSha256, Err("email_missing")),
        ] {
            tenant.connection.assertion_encryption = encrypted;
            tenant.connection.email_attribute = configured.map(str::to_owned);
            app.update_connection(&tenant.connection).await;
            let request = begin(&app, &browser, &tenant).await;
            let mut spec = idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now());
            spec.attributes = vec![("mail".into(), vec!["dana@acme.example".into()])];
            let xml = spec.unsigned();
            let (start, end) = (xml.find("<saml:NameID").unwrap(), xml.find("</saml:NameID>").unwrap() + "</saml:NameID>".len());
            let namespace = "<saml:NameID xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"";
            let plaintext = xml[start..end].replacen("<saml:NameID", namespace, 1);
            let id = encrypted_assertion(plaintext.as_bytes(), &ours, random()).unwrap();
            let xml = [&xml[..start], &id.replace("EncryptedAssertion", "EncryptedID"), &xml[end..]].concat();
            let signed = sign_element(&xml, &spec.assertion_id, &idp.keys.key, &idp.keys.certificate, algorithm).unwrap();
            let answer = request.answer(&browser, &tenant, &BASE64.encode(signed)).await;
            match expected {
                Ok(()) => drop(code_of(&answer)),
                Err(reason) => assert_eq!(answer.reason(), Some(reason), "{configured:?} {encrypted}"),
            }
        }
    }

    async fn a_code_dies_with_its_organization(app: TestApp) {
        let tenant = acme(&app).await;
        let key = app.api_key(&tenant.environment, true).await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        let code = code_of(&request.answer(&browser, &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await);
        let path = format!("/v1/organizations/{}", tenant.organization.id);
        assert_eq!(app.api(&key, reqwest::Method::DELETE, &path, None).await.status, 200);
        assert_eq!(app.redeem(&key, &code).await.status, 404);
    }

    async fn support_reads_what_was_expected_and_found(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        let wrong = good(&app, &tenant, &request, "dana@globex.example");
        request.answer(&browser, &tenant, &wrong).await;
        let flow = flow_of(&app, &tenant, &request).await;
        let shown = flows::find(&app.state, &Principal::operator(tenant.environment.id), flow.id).await.unwrap();
        assert_eq!(shown.steps[0].document.as_deref(), Some(request.xml.as_str()));
        let refused = &shown.steps[1];
        let failed: Vec<_> = refused.checks.iter().filter(|check| !check.passed).collect();
        assert_eq!(failed.len(), 1, "{failed:#?}");
        assert_eq!(failed[0].name, "email_outside_organization_domains");
        assert_eq!(failed[0].expected.as_deref(), Some("acme.example"));
        assert_eq!(failed[0].found.as_deref(), Some("dana@globex.example"));
        assert!(refused.checks.len() > 20, "every check is written down: {:#?}", refused.checks);
        assert!(refused.document.as_ref().unwrap().contains("dana@globex.example"));
        // The XML is sealed at rest, and deleted after its retention.
        let mut conn = app.state.db.read().await.unwrap();
        for step in login_flow_steps::list(&mut conn, flow.id).await.unwrap() {
            assert!(!step.document.unwrap().contains("samlp"));
        }
        drop(conn);
        let failed = FlowQuery { status: "failed".into(), ..FlowQuery::default() };
        let principal = Principal::operator(tenant.environment.id);
        let latest = flows::list(&app.state, &principal, &failed, &PageQuery::default()).await.unwrap();
        assert_eq!(latest.items.iter().map(|flow| flow.id).collect::<Vec<_>>(), [flow.id]);
    }

    async fn a_forged_post_changes_nobodys_login_and_learns_nothing(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        let forger = IdentityProvider::other();
        let forged = forger.sign(&forger.response(&tenant, Some(&request.id), "dana@acme.example", app.now()));
        let answer = request.answer(&app.browser(), &tenant, &forged).await;
        assert_eq!(answer.reason(), Some("signature_mismatch"));
        for secret in ["acme.example<", "idp.example", "Company"] {
            assert!(!answer.body.contains(secret), "the page tells {secret}");
        }
        let flow = flow_of(&app, &tenant, &request).await;
        assert_eq!((flow.status, flow.refusal.clone()), (FlowStatus::InProgress, None));
        assert_eq!(steps_of(&app, &flow).await, [StepKind::Requested]);
        code_of(&request.answer(&browser, &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await);
    }

    async fn stray_posts_do_not_fill_the_database(app: TestApp) {
        let tenant = acme(&app).await;
        for _ in 0..60 {
            assert_eq!(app.browser().post(tenant.acs_url(), &[("SAMLResponse", "AAAA")]).await.status, 400);
        }
        let mut conn = app.state.db.read().await.unwrap();
        let since = app.now() - Duration::from_secs(60);
        assert_eq!(login_flow_counts::count_detached(&mut conn, tenant.connection.id.into(), since, 1000).await.unwrap(), 50);
    }

    async fn an_unsolicited_response_begins_a_fresh_login_by_default(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let idp = IdentityProvider::get();
        let unsolicited = idp.sign(&idp.response(&tenant, None, "dana@acme.example", app.now()));
        let fields = [("SAMLResponse", unsolicited.as_str()), ("RelayState", "https://portal.example/")];
        let request = Request::read(&browser.post(tenant.acs_url(), &fields).await);
        let flow = flow_of(&app, &tenant, &request).await;
        assert_eq!((flow.origin, flow.state), (FlowOrigin::Restart, None));
        code_of(&request.answer(&browser, &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await);
    }

    async fn an_identity_provider_that_never_answers_requests_makes_no_loop(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let idp = IdentityProvider::get();
        let unsolicited = || idp.sign(&idp.response(&tenant, None, "dana@acme.example", app.now()));
        Request::read(&browser.post(tenant.acs_url(), &[("SAMLResponse", &unsolicited())]).await);
        let answer = browser.post(tenant.acs_url(), &[("SAMLResponse", &unsolicited())]).await;
        assert_eq!(answer.reason(), Some("restart_loop"));
        app.advance(Duration::from_secs(121));
        Request::read(&browser.post(tenant.acs_url(), &[("SAMLResponse", &unsolicited())]).await);
    }

    async fn an_unsolicited_response_signs_in_where_that_is_allowed_and_only_once(app: TestApp) {
        let mut tenant = acme(&app).await;
        tenant.connection.idp_initiated = Some(IdpInitiated::Allow);
        app.update_connection(&tenant.connection).await;
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, None, "dana@acme.example", app.now()));
        let fields = [("SAMLResponse", response.as_str()), ("RelayState", "deep link")];
        code_of(&app.browser().post(tenant.acs_url(), &fields).await);
        let again = app.browser().post(tenant.acs_url(), &fields).await;
        assert_eq!(again.reason(), Some("assertion_replayed"));
    }

    async fn an_unsolicited_response_is_refused_where_the_policy_says_so(app: TestApp) {
        let mut tenant = acme(&app).await;
        tenant.environment.idp_initiated = IdpInitiated::Refuse;
        app.update_environment(&tenant.environment).await;
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, None, "dana@acme.example", app.now()));
        let answer = app.browser().post(tenant.acs_url(), &[("SAMLResponse", &response)]).await;
        assert_eq!(answer.reason(), Some("idp_initiated_refused"));
    }

    async fn a_response_to_a_request_of_another_connection_is_refused(app: TestApp) {
        let tenant = acme(&app).await;
        let globex = app.tenant(&tenant.environment, "globex.example").await;
        let browser = app.browser();
        let request = begin(&app, &browser, &tenant).await;
        let response = good(&app, &globex, &request, "hank@globex.example");
        let answer = request.answer(&browser, &globex, &response).await;
        assert_eq!(answer.reason(), Some("in_response_to_unknown"));
        code_of(&request.answer(&browser, &tenant, &good(&app, &tenant, &request, "dana@acme.example")).await);
    }

    async fn what_is_no_saml_post_gets_a_page_that_says_so(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        for fields in [vec![], vec![("RelayState", "x")], vec![("SAMLResponse", "AAAA"), ("SAMLResponse", "AAAA")]] {
            let answer = browser.post(tenant.acs_url(), &fields).await;
            assert_eq!((answer.status.as_u16(), answer.reason()), (400, Some("saml_response_missing")));
        }
        let unknown = app.url("/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g/acs");
        assert_eq!(browser.post(&unknown, &[("SAMLResponse", "AAAA")]).await.status, 404);
        assert_eq!(browser.post(&app.url("/v1/saml/nonsense/acs"), &[]).await.status, 404);
        assert_eq!(browser.get(tenant.acs_url()).await.status, 405);
    }

    async fn a_refusal_is_json_for_programs_that_ask_for_it(app: TestApp) {
        let tenant = acme(&app).await;
        let browser = app.browser();
        let request = browser.request(reqwest::Method::POST, tenant.acs_url()).header("accept", "application/json");
        let answer = browser.send(request).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.json()["reason"], "saml_response_missing");
        assert!(answer.json()["samlFlowId"].as_str().unwrap().starts_with("saml_flow_"));
    }

    async fn our_metadata_names_what_the_connection_stores(app: TestApp) {
        let tenant = acme(&app).await;
        let answer = app.browser().get(&app.url(&format!("/v1/saml/{}/metadata", tenant.connection.id))).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("application/samlmetadata+xml"));
        assert!(answer.body.contains(&format!("entityID=\"{}\"", tenant.connection.sp_entity_id)));
        assert!(answer.body.contains(&format!("Location=\"{}\"", tenant.acs_url())));
        assert!(!answer.body.contains("KeyDescriptor"), "no certificate unless it is used");
    }
}
