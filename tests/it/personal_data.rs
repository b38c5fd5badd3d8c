//! What stands in the database about people: sealed, without secrets, and not for longer than the settings say.

use std::{sync::Arc, time::Duration};

use base::time::ManualClock;
use model::administrator::Role;
use ostiary::{
    app::{directories::request_log, keys::master, principal::Principal},
    background::{self, Retention},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        scim::{TestDirectory, patch},
        *,
    },
};

const DAY: Duration = Duration::from_secs(24 * 3600);
const SECRET: &str = "S3cret-that-nobody-may-read";

struct Fixture {
    tenant: Tenant,
    key: String,
}

async fn fixture(app: &TestApp) -> Fixture {
    let environment = app.environment("prod").await;
    let tenant = app.tenant(&environment, "acme.example").await;
    let key = app.api_key(&environment, true).await;
    Fixture { tenant, key }
}

/// A login of somebody with an attribute. Returns the flow's id.
async fn log_in(app: &TestApp, fixture: &Fixture, email: &str) -> String {
    let (browser, idp) = (app.browser(), IdentityProvider::get());
    let request = app.begin(&browser, &fixture.key, &fixture.tenant).await;
    let mut spec = idp.response(&fixture.tenant, Some(&request.id), email, app.now());
    spec.attributes.push(("groups".into(), vec!["Redundancies".into()]));
    let answer = request.answer(&browser, &fixture.tenant, &idp.sign(&spec)).await;
    let code = query(&answer.location(), "saml_access_code").unwrap();
    let redeemed = app.redeem(&fixture.key, &code).await.json();
    assert_eq!(redeemed["attributes"]["groups"], "Redundancies");
    redeemed["samlFlowId"].as_str().unwrap().to_owned()
}

async fn get(app: &TestApp, key: &str, path: &str) -> Value {
    let answer = app.api(key, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.json()
}

async fn sweep(app: &TestApp, personal_data: Duration) {
    let year = 365 * DAY;
    let retention = Retention {
        logins: year,
        personal_data,
        unfinished_logins: year,
        events: year,
        webhook_deliveries: year,
        scim_requests: year,
    };
    background::sweep(&app.state, retention).await.unwrap();
}

/// What the log shows of a directory.
async fn logged(app: &TestApp, key: &str, directory: &TestDirectory) -> String {
    request_log::flush(&app.state).await.unwrap();
    let path = format!("/v1/scim-requests?scimDirectoryId={}&pageSize=100", directory.id);
    get(app, key, &path).await.to_string()
}

/// A server whose clock is a year behind that of the database: what has expired is deleted by the earlier of the two.
async fn a_year_ago(app: &TestApp) -> TestApp {
    let clock = Arc::new(ManualClock::at(app.now() - 365 * DAY));
    TestApp::spawn_on(Arc::clone(&app.database), app.backend, clock, |_| {}).await
}

both! {
    async fn the_attributes_of_a_login_stand_nowhere_in_clear_but_in_its_grant(app: TestApp) {
        let app = a_year_ago(&app).await;
        let fixture = fixture(&app).await;
        let flow = log_in(&app, &fixture, "dana@acme.example").await;
        assert_eq!(app.columns_with("Redundancies").await, ["authorization_grants.attributes"]);
        let read = get(&app, &fixture.key, &format!("/v1/saml-flows/{flow}")).await;
        assert_eq!(read["samlFlow"]["attributeValues"]["groups"], json!(["Redundancies"]));
        let list = get(&app, &fixture.key, "/v1/saml-flows?email=dana%40acme.example").await;
        assert_eq!(list["samlFlows"][0]["attributes"]["groups"], "Redundancies");

        // The grant goes a day after its code.
        app.advance(3 * DAY);
        sweep(&app, 90 * DAY).await;
        assert_eq!(app.columns_with("Redundancies").await, [""; 0]);
    }

    async fn attributes_of_before_are_read_in_clear_and_sealed_with_the_rest(app: TestApp) {
        let fixture = fixture(&app).await;
        let flow = log_in(&app, &fixture, "dana@acme.example").await;
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE login_flows SET attributes = $1").bind(r#"{"groups":["Redundancies"]}"#).execute().await.unwrap();
        tx.commit().await.unwrap();
        let path = format!("/v1/saml-flows/{flow}");
        let before = get(&app, &fixture.key, &path).await;
        assert_eq!(before["samlFlow"]["attributes"]["groups"], "Redundancies");
        master::reseal(&app.state, &Principal::OPERATOR, |_, _| {}).await.unwrap();
        assert_eq!(app.columns_with("Redundancies").await, ["authorization_grants.attributes"]);
        assert_eq!(get(&app, &fixture.key, &path).await, before);
    }

    async fn a_login_forgets_the_person_and_stays(app: TestApp) {
        let app = a_year_ago(&app).await;
        let fixture = fixture(&app).await;
        let first = log_in(&app, &fixture, "dana@acme.example").await;
        app.advance(10 * DAY);
        let second = log_in(&app, &fixture, "dana@acme.example").await;
        app.advance(85 * DAY);
        sweep(&app, 90 * DAY).await;
        let search = "/v1/saml-flows?email=dana%40acme.example";
        let found = get(&app, &fixture.key, search).await;
        assert_eq!(found["samlFlows"].as_array().unwrap().len(), 1);
        assert_eq!(found["samlFlows"][0]["id"], second.as_str());
        let forgotten = get(&app, &fixture.key, &format!("/v1/saml-flows/{first}")).await;
        let flow = &forgotten["samlFlow"];
        assert_eq!((&flow["email"], &flow["attributes"]), (&json!(""), &json!({})));
        assert!(flow["status"].as_str().unwrap().ends_with("SUCCEEDED"), "{flow}");
        assert_eq!(flow["assertion"], "");
        assert_eq!(flow["steps"].as_array().unwrap().len(), 2, "when it was asked for and answered stays");
        let console = app.console(Role::Viewer, &fixture.tenant.environment).await;
        console.page(&format!("/flows/{first}")).await;
        console.page("/flows").await;

        app.advance(20 * DAY);
        sweep(&app, 90 * DAY).await;
        assert_eq!(get(&app, &fixture.key, search).await["samlFlows"], json!([]));
        // Who may come again is another matter: how the identity provider names them, and their subject.
        let left = app.columns_with("dana@acme.example").await;
        let is_needed = |column: &String| column.starts_with("federated_identities.") || column.starts_with("oauth_subjects.");
        assert!(left.iter().all(is_needed), "{left:?}");
    }

    async fn a_query_of_scim_is_sealed_and_kept_without_secrets(app: TestApp) {
        let fixture = fixture(&app).await;
        let directory = app.scim_directory(&fixture.tenant).await;
        let kept = "/Users?filter=userName%20eq%20%22erin%40acme.example%22&startIndex=1&count=2";
        let paths = [
            format!("/Users?access_token={SECRET}&count=1"),
            format!("/Users?count=1&TOKEN={SECRET}"),
            format!("/Users?%74oken={SECRET}"),
            format!("/Users?whatever={SECRET}"),
            format!("/Users?{SECRET}"),
            format!("/Users?filter=password%20eq%20%22{SECRET}%22"),
            format!("/Users?filter=urn:x:2.0:User:credentials.password%20eq%20%22{SECRET}%22"),
            format!("/Users?filter=pass%77ord%20eq%20%22{SECRET}"),
            format!("/Users?filter=passw%5Cu006frd%20eq%20%22{SECRET}%22"),
            format!("/Users?attributes=password%20eq%20%22{SECRET}%22"),
            format!("/Users?sortBy=password%20eq%20%22{SECRET}%22"),
            format!("/Users/x;password={SECRET}"),
            format!("/Users/x;pass%77ord%3D{SECRET}"),
            kept.to_owned(),
        ];
        for path in &paths {
            app.scim(&directory, Method::GET, path, None).await;
        }
        let log = logged(&app, &fixture.key, &directory).await;
        assert!(!log.contains(SECRET), "{log}");
        assert!(log.contains(kept) && log.contains("access_token=(redacted)&count=1"), "{log}");
        assert_eq!(app.columns_with(SECRET).await, [""; 0]);
        assert_eq!(app.columns_with("erin@acme").await, [""; 0]);
        assert_eq!(app.columns_with("startIndex").await, [""; 0]);
    }

    async fn no_body_of_scim_is_logged_with_a_secret(app: TestApp) {
        let fixture = fixture(&app).await;
        let directory = app.scim_directory(&fixture.tenant).await;
        let user = app.scim_user(&directory, "erin@acme.example").await;
        let one = format!("/Users/{}", user["id"].as_str().unwrap());
        let person = |field: &str, value: Value| {
            let mut body = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "fay@acme.example",
            });
            body[field] = value;
            Some(body)
        };
        let bodies = [
            ("/Users", person("password", json!(SECRET))),
            ("/Users", person("PassWord", json!(SECRET))),
            ("/Users", person("urn:ietf:params:scim:schemas:core:2.0:User:password", json!(SECRET))),
            ("/Users", person("urn:example:2.0:User", json!({ "password": SECRET }))),
            ("/Users", person("urn:example:2.0:User", json!({ "a": [{ "b": { "api_key": SECRET } }] }))),
            ("/Users", person("credentials", json!({ "password": { "value": SECRET } }))),
            ("/Users", person("logins", json!([{ "type": "password", "value": SECRET }]))),
            ("/Users", person("note", json!(format!("{{\"password\":\"{SECRET}\"}}")))),
            ("/Users/.search", Some(json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                "filter": format!("password eq \"{SECRET}\""),
            }))),
            ("/Users/.search", Some(json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
                "filter": format!("passw\\u006frd eq \"{SECRET}\""),
            }))),
            ("/Bulk", Some(json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [
                    { "method": "POST", "path": "/Users", "bulkId": "1", "data": person("password", json!(SECRET)) },
                    { "method": "PATCH", "path": one, "data": patch(json!([
                        { "op": "replace", "path": "urn:x:2.0:User:login.password", "value": SECRET },
                    ])) },
                    { "method": "DELETE", "path": format!("/Users?token={SECRET}") },
                    { "method": "DELETE", "path": format!("/Users/password={SECRET}") },
                ],
            }))),
        ];
        for (path, body) in bodies {
            app.scim(&directory, Method::POST, path, body).await;
        }
        for operation in [
            json!({ "op": "replace", "path": "password", "value": SECRET }),
            json!({ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:password", "value": SECRET }),
            json!({ "op": "add", "path": "urn:example:2.0:User:credentials.password", "value": SECRET }),
            json!({ "op": "add", "path": "urn:example:2.0:User", "value": { "password": SECRET } }),
            json!({ "op": "add", "value": { "password": SECRET, "nickName": "F" } }),
            json!({ "op": "remove", "path": format!("emails[password eq \"{SECRET}\"]") }),
            json!({ "op": "remove", "path": format!("password eq \"{SECRET}\"") }),
            json!({ "op": "replace", "path": "password", "old": SECRET, "value": "x" }),
        ] {
            app.scim(&directory, Method::PATCH, &one, patch(json!([operation]))).await;
        }
        let short = format!("{{\"userName\":\"x\",\"password\":\"{SECRET}\"}}");
        let utf16: Vec<u8> = short.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let filling = "x".repeat(300_000);
        let long = format!(
            "{{\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"],\"Operations\":[{{\"op\":\"replace\",\
             \"value\":\"{SECRET}\",\"filling\":\"{filling}\",\"path\":\"password\"}}]}}"
        );
        for (method, path, body) in [(Method::POST, "/Users", utf16), (Method::PATCH, &*one, long.into_bytes())] {
            let browser = app.browser();
            let request = browser.request(method, &format!("{}{path}", directory.base));
            browser.send(request.bearer_auth(&directory.token).body(body)).await;
        }
        let log = logged(&app, &fixture.key, &directory).await;
        assert!(log.contains("(redacted)") && !log.contains(SECRET), "{log}");
        // Of UTF-16 a NUL, or what replaces it, may stand between the letters.
        assert!(!log.contains("S\\u00003") && !log.contains("S\u{fffd}3"), "{log}");
        assert!(log.contains("bytes that cannot be read as JSON)") && log.contains("bytes, more than the log reads)"), "{log}");
        // The resource itself keeps what an extension is called, but never a password.
        let found = app.columns_with(SECRET).await;
        assert!(found.iter().all(|column| column.starts_with("scim_users.") || column.starts_with("events.")), "{found:?}");
    }

    async fn requests_that_an_earlier_release_logged_are_read(app: TestApp) {
        let fixture = fixture(&app).await;
        let directory = app.scim_directory(&fixture.tenant).await;
        app.scim(&directory, Method::GET, "/Users?count=1", None).await;
        request_log::flush(&app.state).await.unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE scim_requests SET query = NULL, path = $1").bind("/v1/scim/x/Users?count=7").execute().await.unwrap();
        tx.commit().await.unwrap();
        let log = logged(&app, &fixture.key, &directory).await;
        assert!(log.contains("/v1/scim/x/Users?count=7"), "{log}");
    }
}
