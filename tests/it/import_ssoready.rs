//! The import from SSOReady: what worked there works here, under the same ids and with the same secrets.
//!
//! The databases have SSOReady's schema (`tests/ssoready/`) and our own data.

use std::time::Duration;

use base::id::{Id, IdKind, OrganizationId};
use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use model::{
    domain::DomainState,
    environment::{Environment, OauthSubject},
    event::EventKind,
    organization::Organization,
    saml_connection::SamlConnection,
};
use ostiary::{
    app::import_ssoready::{self, Counts, ImportOptions, Report, ResourceKind},
    store::{self, table},
    test_idp::response::ResponseSpec,
};
use reqwest::Method;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use crate::{
    both,
    support::{
        Answer, Browser, ForeignDatabase, IdentityProvider, Request, Tenant, TestApp, query,
        scim::{TestDirectory, patch},
    },
};

const SCHEMA: &str = include_str!("../ssoready/schema.sql");
const DATA: &str = include_str!("../ssoready/data.sql");

/// A database with SSOReady's schema, with the certificate of the tests' identity provider.
pub fn ssoready() -> ForeignDatabase {
    let pem = IdentityProvider::get().keys.certificate_pem().unwrap();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(BASE64.decode(&der).is_ok());
    ForeignDatabase::new(&format!(
        "{SCHEMA}{DATA}UPDATE saml_connections SET idp_x509_certificate = decode('{der}', 'base64') \
         WHERE id = '50000000-0000-4000-8000-000000000001';"
    ))
}

/// The id of the `number`th resource of a kind, whose ids begin with `first`.
fn id<K: IdKind>(first: &str, number: u8) -> Id<K> {
    let text = format!("{first}000000-0000-4000-8000-0000000000{number:02}");
    Id::from_bits(text.parse::<Uuid>().unwrap().as_u128())
}

/// A secret of sixteen equal bytes, as its holder has it.
fn secret(prefix: &str, byte: u8) -> String {
    let digits = OrganizationId::from_bits(u128::from_be_bytes([byte; 16])).to_string();
    format!("{prefix}{}", digits.strip_prefix("org_").unwrap())
}

fn management_key() -> String {
    secret("ssoready_sk_", 0xa1)
}

fn options(source: &ForeignDatabase) -> ImportOptions {
    ImportOptions {
        from: source.url.clone(),
        environments: Vec::new(),
        dry_run: false,
        allow_free_mail: false,
        share_domain: false,
    }
}

async fn import_with(app: &TestApp, options: &ImportOptions) -> Report {
    app.advance(Duration::from_secs(1));
    import_ssoready::import(&app.state, options, &mut |_, _| {}).await.unwrap()
}

async fn import(app: &TestApp, source: &ForeignDatabase) -> Report {
    import_with(app, &options(source)).await
}

/// Imported, updated, unchanged, kept, skipped.
fn counts(report: &Report, thing: ResourceKind) -> [u64; 5] {
    let Counts { imported, updated, unchanged, kept, skipped } =
        report.counts.get(&thing).copied().unwrap_or_default();
    [imported, updated, unchanged, kept, skipped]
}

fn remarks_on<K: IdKind>(report: &Report, id: Id<K>) -> Vec<&str> {
    let id = id.to_string();
    report.remarks.iter().filter(|remark| remark.id == id).map(|remark| remark.reason.as_str()).collect()
}

async fn count(app: &TestApp, table: &'static str) -> i64 {
    let mut conn = app.state.db.read().await.unwrap();
    conn.sql(table).one::<(i64,)>().await.unwrap().0
}

/// How many rows there are of anything that an import could write.
async fn rows(app: &TestApp) -> Vec<i64> {
    let mut all = Vec::new();
    for table in [
        "SELECT COUNT(*) FROM environments",
        "SELECT COUNT(*) FROM api_keys",
        "SELECT COUNT(*) FROM oauth_clients",
        "SELECT COUNT(*) FROM organizations",
        "SELECT COUNT(*) FROM organization_domains",
        "SELECT COUNT(*) FROM saml_connections",
        "SELECT COUNT(*) FROM scim_directories",
        "SELECT COUNT(*) FROM scim_bearer_tokens",
        "SELECT COUNT(*) FROM scim_groups",
        "SELECT COUNT(*) FROM scim_users",
        "SELECT COUNT(*) FROM scim_user_emails",
        "SELECT COUNT(*) FROM scim_group_members",
        "SELECT COUNT(*) FROM events",
        "SELECT COUNT(*) FROM audit_events",
        "SELECT COUNT(*) FROM imported_objects",
    ] {
        all.push(count(app, table).await);
    }
    all
}

async fn organization(app: &TestApp, number: u8) -> Organization {
    let mut conn = app.state.db.read().await.unwrap();
    table::find(&mut conn, id("e0", 1), id("b0", number)).await.unwrap().unwrap()
}

async fn connection(app: &TestApp, environment: u8, number: u8) -> SamlConnection {
    let mut conn = app.state.db.read().await.unwrap();
    store::table::find::<SamlConnection>(&mut conn, id("e0", environment), id("50", number))
        .await
        .unwrap()
        .unwrap()
}

/// Acme, as imported.
async fn acme(app: &TestApp) -> Tenant {
    let mut conn = app.state.db.read().await.unwrap();
    let environment =
        store::table::find::<Environment>(&mut conn, id("e0", 1), id("e0", 1)).await.unwrap().unwrap();
    drop(conn);
    Tenant { environment, organization: organization(app, 1).await, connection: connection(app, 1, 1).await }
}

/// The host that identity providers know, whose DNS name leads here since the move.
const OLD_HOST: &str = "auth.ssoready.example";

/// A page at the old host, requested from this server.
async fn at_old_host(app: &TestApp, browser: &Browser, url: &Url) -> Answer {
    assert_eq!(url.host_str(), Some(OLD_HOST), "{url}");
    let here = app.url(&url[url::Position::BeforePath..]);
    browser
        .send(browser.request(Method::GET, &here).header("host", OLD_HOST).header("accept", "text/html"))
        .await
}

/// The identity provider's response, posted to the old host.
async fn post_to_old_host(app: &TestApp, browser: &Browser, request: &Request, response: &str) -> Answer {
    let fields =
        [("SAMLResponse", response), ("RelayState", request.relay_state.as_deref().unwrap_or_default())];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let connection = id::<base::id::SamlConnectionKind>("50", 1);
    let post = browser.request(Method::POST, &app.url(&format!("/v1/saml/{connection}/acs")));
    let post = post.header("host", OLD_HOST).header("accept", "text/html");
    browser.send(post.header("content-type", "application/x-www-form-urlencoded").body(body)).await
}

/// Acme's directory, as its identity provider has it.
fn directory(app: &TestApp) -> TestDirectory {
    let id = id("d0", 1);
    TestDirectory {
        id,
        base: app.url(&format!("/v1/scim/{id}")),
        token: secret("ssoready_scim_bearer_token_", 0xd1),
    }
}

both! {
    async fn an_import_keeps_plain_http_and_reports_it(app: TestApp) {
        let source = ForeignDatabase::new(&format!(
            "{SCHEMA}{DATA}UPDATE environments SET redirect_url = 'http://old.app.example/callback' \
             WHERE id = 'e0000000-0000-4000-8000-000000000001';"
        ));
        let report = import(&app, &source).await;
        let remarks = remarks_on(&report, id::<base::id::EnvironmentKind>("e0", 1));
        assert!(remarks.iter().any(|reason| reason.contains("redirect_url is plain http")), "{remarks:?}");
        let mut conn = app.state.db.read().await.unwrap();
        let kept = store::table::find::<Environment>(&mut conn, id("e0", 1), id("e0", 1)).await.unwrap().unwrap();
        assert_eq!(kept.redirect_url.unwrap().as_str(), "http://old.app.example/callback");
    }

    async fn everything_comes_and_what_cannot_is_named(app: TestApp) {
        let source = ssoready();
        let report = import(&app, &source).await;
        for (thing, expected) in [
            (ResourceKind::Environment, [2, 0, 0, 0, 0]),
            (ResourceKind::ApiKey, [2, 0, 0, 0, 1]),
            (ResourceKind::OauthClient, [1, 0, 0, 0, 0]),
            (ResourceKind::Organization, [3, 0, 0, 0, 0]),
            (ResourceKind::Domain, [1, 0, 0, 0, 2]),
            (ResourceKind::SamlConnection, [4, 0, 0, 0, 0]),
            (ResourceKind::ScimDirectory, [2, 0, 0, 0, 0]),
            (ResourceKind::ScimGroup, [3, 0, 0, 0, 0]),
            (ResourceKind::ScimUser, [4, 0, 0, 0, 3]),
            (ResourceKind::ScimMembership, [2, 0, 0, 0, 2]),
        ] {
            assert_eq!(counts(&report, thing), expected, "{thing:?}: {:#?}", report.remarks);
        }
        let says = |remarks: Vec<&str>, text: &str| {
            assert!(remarks.iter().any(|reason| reason.contains(text)), "{text}: {remarks:?}");
        };
        says(remarks_on::<base::id::ApiKeyKind>(&report, id("a0", 3)), "no digest");
        says(remarks_on(&report, id::<base::id::EnvironmentKind>("e0", 2)), "redirect_url");
        says(remarks_on::<base::id::OrganizationKind>(&report, id("b0", 1)), "public suffix");
        says(remarks_on::<base::id::OrganizationKind>(&report, id("b0", 2)), "--allow-free-mail");
        says(remarks_on::<base::id::SamlConnectionKind>(&report, id("50", 2)), "certificate");
        says(remarks_on::<base::id::SamlConnectionKind>(&report, id("50", 3)), "idp_redirect_url");
        says(remarks_on::<base::id::ScimGroupKind>(&report, id("60", 2)), "both are kept");
        let user = |number| remarks_on::<base::id::ScimUserKind>(&report, id("90", number));
        says(user(4), "elsewhere.example");
        says(user(5), "in another case");
        says(user(6), "no e-mail address");
        says(user(7), "\"title\"");
        says(user(7), "emails of foreign domains");
        // The report contains no user's address.
        assert!(!report.remarks.iter().any(|remark| remark.reason.contains('@')), "{:#?}", report.remarks);

        let environment = acme(&app).await.environment;
        assert_eq!((environment.slug.as_str(), environment.display_name.as_str()), ("production", "Production"));
        assert_eq!(environment.oauth_subject, OauthSubject::EmailAsSent, "apps have stored the subjects of SSOReady");
        assert_eq!(environment.oauth_redirect_uris[0].as_str(), "https://vendor.example/oauth");
        let mut conn = app.state.db.read().await.unwrap();
        let other = store::table::find::<Environment>(&mut conn, id("e0", 2), id("e0", 2)).await.unwrap().unwrap();
        drop(conn);
        assert_eq!(other.auth_url.unwrap().as_str(), "https://sso.vendor.example");
        assert_eq!(other.redirect_url, None);
        assert_eq!(other.slug.as_str(), format!("env-{}", other.id.to_string().strip_prefix("env_").unwrap()));
        // The entity id and the ACS URL stay, and the gateway's own URL works beside them.
        let staged = connection(&app, 2, 4).await;
        assert_eq!(staged.sp_entity_id, "https://auth.ssoready.example/v1/saml/4");
        assert_eq!(staged.sp_acs_urls, [
            "https://auth.ssoready.example/v1/saml/4/acs".to_owned(),
            format!("https://sso.vendor.example/v1/saml/{}/acs", staged.id),
        ]);
        let (empty, unusable) = (connection(&app, 1, 2).await, connection(&app, 1, 3).await);
        assert_eq!((empty.idp_entity_id, empty.idp_redirect_url, empty.primary), (None, None, false));
        assert_eq!((unusable.idp_redirect_url, unusable.idp_certificates.len()), (None, 0));
        let domains = organization(&app, 1).await.domains;
        assert_eq!(domains.len(), 1);
        let (domain, state) = domains.first_key_value().unwrap();
        assert_eq!((domain.as_str(), *state), ("acme.example", DomainState::Whitelisted));
        // One entry for each environment.
        assert_eq!(count(&app, "SELECT COUNT(*) FROM audit_events WHERE action = 'environment.imported'").await, 2);
        assert_eq!(count(&app, "SELECT COUNT(*) FROM events").await, 0);
    }

    async fn keys_of_theirs_open_the_api_here(app: TestApp) {
        let source = ssoready();
        import(&app, &source).await;
        let list = app.api(&management_key(), Method::GET, "/v1/organizations", None).await;
        assert_eq!(list.status, 200, "{}", list.body);
        let listed = list.json();
        let ids: Vec<_> = listed["organizations"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
        let organization = |number| id::<base::id::OrganizationKind>("b0", number).to_string();
        assert_eq!(ids, [&json!(organization(1)), &json!(organization(2))]);
        // A key without management rights stays one, and an unknown key is refused.
        for (byte, expected) in [(0xa2, 401), (0xa9, 401)] {
            let key = secret("ssoready_sk_", byte);
            assert_eq!(app.api(&key, Method::GET, "/v1/organizations", None).await.status, expected);
        }
        let link = app.api(&secret("ssoready_sk_", 0xa2), Method::POST, "/v1/saml/redirect",
            Some(json!({ "organizationExternalId": "acme" }))).await;
        assert_eq!(link.status, 200, "{}", link.body);
    }

    async fn a_login_by_the_old_entity_id_and_the_old_acs_url_goes_through(app: TestApp) {
        let source = ssoready();
        import(&app, &source).await;
        let tenant = acme(&app).await;
        assert_eq!(tenant.acs_url(), "https://auth.ssoready.example/v1/saml/OLD/acs");
        let browser = app.browser();
        let begin = async || {
            let link = app.login_link(&management_key(), &tenant, "the app's state").await;
            Request::read(&at_old_host(&app, &browser, &link.parse().unwrap()).await)
        };
        let request = begin().await;
        assert!(request.xml.contains("https://auth.ssoready.example/v1/saml/OLD/acs"), "{}", request.xml);
        assert!(request.xml.contains(">https://auth.ssoready.example/v1/saml/OLD<"), "{}", request.xml);
        // The response names the old host throughout; its DNS name leads here now.
        let idp = IdentityProvider::get();
        let post = async |spec: &ResponseSpec, request: &Request| {
            post_to_old_host(&app, &browser, request, &idp.sign(spec)).await
        };
        let foreign = idp.response(&tenant, Some(&request.id), "eve@elsewhere.example", app.now());
        assert_eq!(post(&foreign, &request).await.reason(), Some("email_outside_organization_domains"), "domains guard");

        let request = begin().await;
        let good = idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now());
        let answer = post(&good, &request).await;
        assert_eq!(answer.status, 303, "{answer:#?}");
        assert!(answer.location().as_str().starts_with("https://vendor.example/callback?from=sso&"));
        let code = query(&answer.location(), "saml_access_code").unwrap();
        let redeemed = app.redeem(&management_key(), &code).await;
        assert_eq!(redeemed.status, 200, "{}", redeemed.body);
        assert_eq!(redeemed.json()["email"], "dana@acme.example");
        assert_eq!(redeemed.json()["organizationExternalId"], "acme");

        // A user who is deactivated in the directory is refused.
        let request = begin().await;
        let evan = idp.response(&tenant, Some(&request.id), "evan@acme.example", app.now());
        assert_eq!(post(&evan, &request).await.reason(), Some("directory_user_inactive"));
    }

    async fn a_client_of_theirs_gets_tokens_with_its_old_secret(app: TestApp) {
        let source = ssoready();
        import(&app, &source).await;
        let tenant = acme(&app).await;
        let client = id::<base::id::OauthClientKind>("c1", 1).to_string();
        let browser = app.browser();
        let authorize = app.url(&format!(
            "/v1/oauth/authorize?client_id={client}&redirect_uri=https%3A%2F%2Fvendor.example%2Foauth\
             &response_type=code&scope=openid&state=s&organization_external_id=acme"
        ));
        let code = async || {
            let begun = browser.get(&authorize).await;
            let request = Request::read(&at_old_host(&app, &browser, &begun.location()).await);
            let idp = IdentityProvider::get();
            let response = idp.sign(&idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now()));
            let answer = post_to_old_host(&app, &browser, &request, &response).await;
            query(&answer.location(), "code").unwrap_or_else(|| panic!("{answer:#?}"))
        };
        let token = async |code: String, secret: String| {
            browser.post(&app.url("/v1/oauth/token"), &[
                ("grant_type", "authorization_code"), ("code", &code), ("client_id", &client),
                ("client_secret", &secret), ("redirect_uri", "https://vendor.example/oauth"),
            ]).await
        };
        let wrong = token(code().await, secret("ssoready_oauth_client_secret_", 0xc2)).await;
        assert_eq!(wrong.status, 401, "{}", wrong.body);
        let right = token(code().await, secret("ssoready_oauth_client_secret_", 0xc1)).await;
        assert_eq!(right.status, 200, "{}", right.body);
        assert!(right.json()["id_token"].is_string());
    }

    async fn directories_answer_their_tokens_with_their_people(app: TestApp) {
        let source = ssoready();
        import(&app, &source).await;
        let directory = directory(&app);
        let (dana, evan, hal) = (id("90", 1), id("90", 2), id("90", 7));
        let _: [Id<base::id::ScimUserKind>; 3] = [dana, evan, hal];
        let list = app.scim(&directory, Method::GET, "/Users?count=50", None).await;
        assert_eq!(list.status, 200, "{}", list.body);
        assert_eq!(list.json()["totalResults"], 3, "{}", list.body);
        let one = app.scim(&directory, Method::GET, &format!("/Users/{dana}"), None).await.json();
        assert_eq!((&one["userName"], &one["active"]), (&json!("Dana@acme.example"), &json!(true)), "{one}");
        assert_eq!((&one["externalId"], &one["name"]["givenName"]), (&json!("00u1"), &json!("Dana")));
        assert_eq!(one["groups"][0]["display"], "Staff");
        let found = app.scim(&directory, Method::GET, "/Users?filter=emails.value%20eq%20%22HAL@acme.example%22", None).await;
        assert_eq!(found.json()["Resources"][0]["id"], hal.to_string(), "{}", found.body);
        assert_eq!(found.json()["Resources"][0]["nickName"], "Hal");
        let off = app.scim(&directory, Method::GET, &format!("/Users/{evan}"), None).await.json();
        assert_eq!(off["active"], false, "{off}");
        let wrong = TestDirectory { token: secret("ssoready_scim_bearer_token_", 0xd2), ..directory.clone() };
        assert_eq!(app.scim(&wrong, Method::GET, "/Users", None).await.status, 401);

        // The app's API lists them under their ids, the deleted one too.
        let path = "/v1/scim/users?organizationExternalId=acme&pageSize=50";
        let users = app.api(&management_key(), Method::GET, path, None).await.json();
        let deleted: Vec<(String, bool)> = users["scimUsers"].as_array().unwrap().iter()
            .map(|user| (user["id"].as_str().unwrap().to_owned(), user["deleted"].as_bool().unwrap())).collect();
        let who = |number| id::<base::id::ScimUserKind>("90", number).to_string();
        assert_eq!(deleted, [(who(1), false), (who(2), true), (who(3), true), (who(7), false)]);
        let groups = app.scim(&directory, Method::GET, "/Groups?count=50", None).await.json();
        assert_eq!(groups["totalResults"], 2, "{groups}");
        let staff = id::<base::id::ScimGroupKind>("60", 1);
        let group = app.scim(&directory, Method::GET, &format!("/Groups/{staff}"), None).await.json();
        assert_eq!((&group["displayName"], &group["externalId"]), (&json!("Staff"), &json!("g-1")));
        // The identity provider continues its sync.
        let on = app.scim(&directory, Method::PATCH, &format!("/Users/{evan}"),
            patch(json!([{ "op": "replace", "path": "active", "value": true }]))).await;
        assert_eq!(on.status, 200, "{}", on.body);
    }

    async fn a_second_run_changes_nothing(app: TestApp) {
        let source = ssoready();
        let first = import(&app, &source).await;
        let before = rows(&app).await;
        let second = import(&app, &source).await;
        assert_eq!(rows(&app).await, before);
        for (thing, counts) in &second.counts {
            assert_eq!((counts.imported, counts.updated, counts.kept), (0, 0, 0), "{thing:?}");
            assert_eq!(counts.skipped, first.counts[thing].skipped, "{thing:?}");
        }
        assert_eq!(counts(&second, ResourceKind::ScimUser)[2], 4);
        assert_eq!(counts(&second, ResourceKind::ScimMembership)[2], 2);
        // What was imported incompletely is reported again.
        assert!(second.remarks.iter().any(|remark| remark.reason.contains("without its certificate")));
    }

    async fn a_trial_writes_nothing_and_says_the_same(app: TestApp) {
        let source = ssoready();
        let before = rows(&app).await;
        let trial = import_with(&app, &ImportOptions { dry_run: true, ..options(&source) }).await;
        assert_eq!(rows(&app).await, before);
        let real = import(&app, &source).await;
        assert_eq!((trial.dry_run, real.dry_run), (true, false));
        assert_eq!(Report { dry_run: false, ..trial }, real);
        assert_ne!(rows(&app).await, before);
    }

    async fn what_changed_there_comes_and_what_changed_here_stays(app: TestApp) {
        let source = ssoready();
        import(&app, &source).await;
        // Here: Acme's domains and name.
        let acme_id = id::<base::id::OrganizationKind>("b0", 1);
        app.advance(Duration::from_secs(1));
        let renamed = app.api(&management_key(), Method::PATCH, &format!("/v1/organizations/{acme_id}"),
            Some(json!({ "displayName": "Acme Inc", "externalId": "acme", "domains": ["acme.example"] }))).await;
        assert_eq!(renamed.status, 200, "{}", renamed.body);
        source.run(
            "UPDATE organizations SET display_name = 'Acme Ltd' WHERE external_id = 'acme' AND display_name = 'Acme';
             UPDATE organizations SET display_name = 'Beta' WHERE id = 'b0000000-0000-4000-8000-000000000002';
             INSERT INTO organization_domains VALUES
                ('d1000000-0000-4000-8000-000000000009', 'b0000000-0000-4000-8000-000000000002', 'beta.example');
             UPDATE saml_connections SET idp_entity_id = 'https://new.example', is_primary = true
                WHERE id = '50000000-0000-4000-8000-000000000003';
             UPDATE scim_directories SET bearer_token_sha256 = sha256('\\xd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3')
                WHERE id = 'd0000000-0000-4000-8000-000000000001';
             UPDATE api_keys SET has_management_api_access = true WHERE id = 'a0000000-0000-4000-8000-000000000002';
             UPDATE scim_users SET deleted = true, attributes = '{\"active\": false}' WHERE email = 'hal@acme.example';
             UPDATE scim_users SET deleted = false WHERE email = 'gone@acme.example';
             UPDATE scim_groups SET display_name = 'Everybody' WHERE display_name = 'Staff';
             INSERT INTO scim_users VALUES ('90000000-0000-4000-8000-000000000008',
                'd0000000-0000-4000-8000-000000000001', 'ida@acme.example', false, '{}');
             DELETE FROM scim_user_group_memberships WHERE scim_user_id = '90000000-0000-4000-8000-000000000002';
             INSERT INTO scim_user_group_memberships VALUES ('70000000-0000-4000-8000-000000000008',
                'd0000000-0000-4000-8000-000000000001', '90000000-0000-4000-8000-000000000008',
                '60000000-0000-4000-8000-000000000001');",
        );
        let report = import(&app, &source).await;
        assert_eq!(counts(&report, ResourceKind::Organization), [0, 1, 1, 1, 0], "{:#?}", report.remarks);
        assert_eq!(organization(&app, 1).await.display_name, "Acme Inc");
        let beta = organization(&app, 2).await;
        assert_eq!((beta.display_name.as_str(), beta.domains.len(), beta.version), ("Beta", 1, 2));
        let found = app.api(&management_key(), Method::GET, "/v1/organizations?query=beta.example", None).await.json();
        assert_eq!(found["organizations"][0]["displayName"], "Beta");
        let changed = connection(&app, 1, 3).await;
        assert_eq!((changed.idp_entity_id.as_deref(), changed.primary), (Some("https://new.example"), true));
        let directory = directory(&app);
        assert_eq!(app.scim(&directory, Method::GET, "/Users", None).await.status, 401, "the old token");
        let directory = TestDirectory { token: secret("ssoready_scim_bearer_token_", 0xd3), ..directory };
        let list = app.scim(&directory, Method::GET, "/Users?count=50", None).await.json();
        assert_eq!(list["totalResults"], 5, "{list}");
        let one = async |number| {
            let path = format!("/Users/{}", id::<base::id::ScimUserKind>("90", number));
            app.scim(&directory, Method::GET, &path, None).await.json()
        };
        assert_eq!(one(7).await["active"], false, "deactivated there");
        assert_eq!(one(3).await["active"], true, "back there");
        assert_eq!(one(8).await["userName"], "ida@acme.example");
        assert_eq!(one(8).await["groups"][0]["display"], "Everybody");
        assert!(one(2).await.get("groups").is_none(), "out of the group there");
        let key = secret("ssoready_sk_", 0xa2);
        assert_eq!(app.api(&key, Method::GET, "/v1/organizations", None).await.status, 200);
        // Existing webhooks get the events.
        let mut conn = app.state.db.read().await.unwrap();
        let events = store::events::list(&mut conn, id("e0", 1), 0, u64::from(u32::MAX), &[], 50).await.unwrap();
        drop(conn);
        for kind in [EventKind::UserCreated, EventKind::UserDeactivated, EventKind::GroupUpdated, EventKind::GroupMembershipChanged] {
            assert!(events.iter().any(|event| event.kind == kind.into()), "{kind:?}");
        }
        // A second run has nothing to do.
        let again = import(&app, &source).await;
        for (thing, counts) in &again.counts {
            assert_eq!((counts.imported, counts.updated), (0, 0), "{thing:?}: {:#?}", again.remarks);
        }
        assert_eq!(counts(&again, ResourceKind::Organization)[3], 1, "told each time");
    }

    async fn what_an_identity_provider_pushed_here_since_stays(app: TestApp) {
        let source = ssoready();
        import(&app, &source).await;
        app.advance(Duration::from_secs(1));
        let directory = directory(&app);
        let hal = id::<base::id::ScimUserKind>("90", 7);
        let staff = id::<base::id::ScimGroupKind>("60", 1);
        let pushed = app.scim(&directory, Method::PATCH, &format!("/Users/{hal}"),
            patch(json!([{ "op": "replace", "path": "nickName", "value": "H" }]))).await;
        assert_eq!(pushed.status, 200, "{}", pushed.body);
        let joined = app.scim(&directory, Method::PATCH, &format!("/Groups/{staff}"),
            patch(json!([{ "op": "add", "path": "members", "value": [{ "value": hal.to_string() }] }]))).await;
        assert!(joined.status.is_success(), "{}", joined.body);
        let gone = id::<base::id::ScimUserKind>("90", 2);
        assert_eq!(app.scim(&directory, Method::DELETE, &format!("/Users/{gone}"), None).await.status, 204);
        source.run(
            "UPDATE scim_users SET attributes = '{\"nickName\": \"There\"}' WHERE email = 'hal@acme.example';
             UPDATE scim_users SET attributes = '{\"nickName\": \"There\"}' WHERE email = 'evan@acme.example';",
        );
        let report = import(&app, &source).await;
        assert_eq!(counts(&report, ResourceKind::ScimUser)[3], 2, "{:#?}", report.remarks);
        let one = app.scim(&directory, Method::GET, &format!("/Users/{hal}"), None).await.json();
        assert_eq!((&one["nickName"], &one["groups"][0]["value"]), (&json!("H"), &json!(staff.to_string())));
        assert_eq!(app.scim(&directory, Method::GET, &format!("/Users/{gone}"), None).await.status, 404);
    }

    async fn one_environment_can_come_alone(app: TestApp) {
        let source = ssoready();
        let only = |number| ImportOptions { environments: vec![id("e0", number)], ..options(&source) };
        let report = import_with(&app, &only(2)).await;
        assert_eq!(counts(&report, ResourceKind::Environment), [1, 0, 0, 0, 0]);
        assert_eq!(counts(&report, ResourceKind::Organization), [1, 0, 0, 0, 0]);
        assert_eq!(counts(&report, ResourceKind::ScimUser), [0; 5]);
        let error = import_ssoready::import(&app.state, &only(9), &mut |_, _| {}).await.unwrap_err();
        assert!(error.to_string().contains("there is no environment"), "{error}");
    }

    async fn free_mail_comes_when_the_vendor_says_so(app: TestApp) {
        let source = ssoready();
        import(&app, &source).await;
        assert_eq!(organization(&app, 2).await.domains.len(), 0);
        import_with(&app, &ImportOptions { allow_free_mail: true, ..options(&source) }).await;
        assert_eq!(organization(&app, 2).await.domains.first_key_value().unwrap().0.as_str(), "gmail.com");
    }

    async fn a_domain_of_two_organizations_comes_for_both_when_the_vendor_says_so(app: TestApp) {
        let source = ssoready();
        import(&app, &source).await;
        let (first, second) = (organization(&app, 1).await, organization(&app, 2).await);
        let domain = first.domains.first_key_value().unwrap().0.clone();
        source.run(&format!(
            "INSERT INTO organization_domains VALUES (gen_random_uuid(), '{}', '{domain}');",
            Uuid::from_u128(second.id.bits())
        ));
        let has = |organization: &Organization| organization.accepts_domain(&domain);
        let report = import(&app, &source).await;
        assert!(!has(&organization(&app, 2).await));
        let says = |report: &Report, text: &str| remarks_on(report, second.id).iter().any(|reason| reason.contains(text));
        assert!(says(&report, "--share-domain"));
        let report = import_with(&app, &ImportOptions { share_domain: true, ..options(&source) }).await;
        assert!(has(&organization(&app, 2).await) && has(&organization(&app, 1).await));
        assert!(says(&report, &first.id.to_string()));
        assert_eq!(count(&app, "SELECT COUNT(*) FROM events WHERE type = 'organization.domain_shared'").await, 2);
        assert_eq!(count(&app, "SELECT COUNT(*) FROM audit_events WHERE action = 'organization.domain_shared'").await, 2);
    }

    async fn what_is_no_database_of_theirs_is_refused(app: TestApp) {
        let says = async |from: &str| {
            let options = ImportOptions { from: from.to_owned(), environments: Vec::new(), dry_run: false, allow_free_mail: false, share_domain: false };
            import_ssoready::import(&app.state, &options, &mut |_, _| {}).await.unwrap_err().to_string()
        };
        assert!(says("sqlite://x.db").await.contains("postgres://"));
        let other = ForeignDatabase::new("CREATE TABLE environments (id uuid)");
        assert!(says(&other.url).await.contains("not SSOReady's"));
        let old = ForeignDatabase::new(&SCHEMA.replace("(53, false)", "(40, false)"));
        assert!(says(&old.url).await.contains("migration 40"));
    }
}
