//! SCIM directories: tokens, the API that apps read them by, the request log, and the checks at login.

use std::time::Duration;

use base::id::{Id, ScimDirectoryId};
use ostiary::{
    app::{
        Error,
        directories::{
            self, ScimDirectoryChange, ScimDirectoryView,
            request_log::{self, NewScimRequest},
        },
        login,
        principal::Principal,
    },
    store::login_connections,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, IdentityProvider, Request, Tenant, TestApp, query},
};

async fn acme(app: &TestApp) -> (Tenant, String) {
    let environment = app.environment("prod").await;
    let key = app.api_key(&environment, true).await;
    (app.tenant(&environment, "acme.example").await, key)
}

async fn post(app: &TestApp, key: &str, path: &str, body: Value) -> Answer {
    app.api(key, Method::POST, path, Some(body)).await
}

async fn get(app: &TestApp, key: &str, path: &str) -> Answer {
    app.api(key, Method::GET, path, None).await
}

async fn create(app: &TestApp, key: &str, tenant: &Tenant, primary: bool) -> Value {
    let body = json!({ "organizationId": tenant.organization.id, "primary": primary });
    let made = post(app, key, "/v1/scim-directories", body).await;
    assert_eq!(made.status, 200, "{}", made.body);
    made.json()["scimDirectory"].clone()
}

async fn rotate(app: &TestApp, key: &str, id: &str, body: Option<Value>) -> String {
    let path = format!("/v1/scim-directories/{id}/rotate-bearer-token");
    let rotated = app.api(key, Method::POST, &path, body).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    rotated.json()["bearerToken"].as_str().unwrap().to_owned()
}

async fn token_is_accepted(app: &TestApp, id: &str, token: &str) -> bool {
    match directories::authenticate(&app.state, id.parse().unwrap(), token).await {
        Ok(directory) => directory.directory.id.to_string() == id,
        Err(Error::Unauthenticated(_)) => false,
        Err(error) => panic!("{error}"),
    }
}

/// A whole login of `email`: the app's callback, or the refusal's page.
async fn login(app: &TestApp, tenant: &Tenant, email: &str) -> Answer {
    let mut conn = app.state.db.read().await.unwrap();
    let target = login_connections::find_for_login(&mut conn, tenant.connection.id).await.unwrap().unwrap();
    drop(conn);
    let link = login::create_link(&app.state, &target, None).await.unwrap();
    let browser = app.browser();
    let request = Request::read(&browser.get(&link).await);
    let idp = IdentityProvider::get();
    let response = idp.sign(&idp.response(tenant, Some(&request.id), email, app.now()));
    request.answer(&browser, tenant, &response).await
}

fn is_signed_in(answer: &Answer) -> bool {
    answer.status == 303 && query(&answer.location(), "saml_access_code").is_some()
}

both! {
    async fn a_directory_is_made_read_changed_and_taken_away(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let made = create(&app, &key, &tenant, true).await;
        let id = made["id"].as_str().unwrap();
        assert_eq!(made, json!({
            "id": id,
            "organizationId": tenant.organization.id,
            "primary": true,
            "scimBaseUrl": app.url(&format!("/v1/scim/{id}")),
            "hasClientBearerToken": false,
            "disabled": false,
            "allowForeignSecondaryEmails": false,
            "refuseInactiveLogins": true,
            "requireProvisionedLogins": false, "allowUsersWithoutEmail": false, "idpKind": null,
            "bearerTokens": [],
            "usage": { "users": 0, "groups": 0, "storedBytes": 0, "dayBytes": 0 },
        }));
        let path = format!("/v1/scim-directories/{id}");
        assert_eq!(get(&app, &key, &path).await.json()["scimDirectory"], made);

        let change = json!({ "requireProvisionedLogins": true, "scimBaseUrl": "https://evil.example" });
        let changed = app.api(&key, Method::PATCH, &path, Some(change)).await.json()["scimDirectory"].clone();
        assert_eq!((&changed["primary"], &changed["requireProvisionedLogins"]), (&json!(true), &json!(true)));
        assert_eq!(changed["scimBaseUrl"], made["scimBaseUrl"]);

        // A second primary directory replaces the first one as primary.
        let second = create(&app, &key, &tenant, true).await;
        let list = get(&app, &key, &format!("/v1/scim-directories?organizationId={}", tenant.organization.id)).await;
        let primaries: Vec<_> = list.json()["scimDirectories"].as_array().unwrap().iter()
            .filter(|directory| directory["primary"] == true).map(|directory| directory["id"].clone()).collect();
        assert_eq!(primaries, [second["id"].clone()]);
        assert_eq!(list.json()["nextPageToken"], "");

        assert_eq!(app.api(&key, Method::DELETE, &path, None).await.status, 200);
        assert_eq!(get(&app, &key, &path).await.status, 404);
        assert_eq!(app.api(&key, Method::DELETE, &path, None).await.status, 404);
        assert_eq!(get(&app, &key, "/v1/scim-directories/nonsense").await.status, 400);
    }

    async fn directories_are_managed_by_their_own_environments_management_keys(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let id = create(&app, &key, &tenant, true).await["id"].as_str().unwrap().to_owned();
        let staging = app.environment("staging").await;
        let foreign = app.api_key(&staging, true).await;
        let plain = app.api_key(&tenant.environment, false).await;
        let path = format!("/v1/scim-directories/{id}");
        for (key, status) in [(&foreign, 404), (&plain, 401)] {
            for (method, path, body) in [
                (Method::GET, path.clone(), None),
                (Method::PATCH, path.clone(), Some(json!({}))),
                (Method::DELETE, path.clone(), None),
                (Method::POST, format!("{path}/rotate-bearer-token"), None),
                (Method::POST, format!("{path}/end-bearer-token-overlap"), None),
                (Method::GET, format!("/v1/scim-requests?scimDirectoryId={id}"), None),
            ] {
                let answer = app.api(key, method.clone(), &path, body).await;
                assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
            }
        }
        let answer = get(&app, &foreign, &format!("/v1/scim/users?scimDirectoryId={id}")).await;
        assert_eq!(answer.status, 404);
    }

    async fn tokens_overlap_during_a_rotation(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let id = create(&app, &key, &tenant, true).await["id"].as_str().unwrap().to_owned();
        let other = create(&app, &key, &tenant, false).await["id"].as_str().unwrap().to_owned();
        assert!(!token_is_accepted(&app, &id, "").await);

        let first = rotate(&app, &key, &id, None).await;
        assert!(first.starts_with("ssoready_scim_bearer_token_"));
        assert!(token_is_accepted(&app, &id, &first).await);
        assert!(!token_is_accepted(&app, &other, &first).await, "a token opens its own directory only");
        assert!(!token_is_accepted(&app, &id, &first[..first.len() - 1]).await);
        let unknown: ScimDirectoryId = Id::from_bits(5);
        assert!(matches!(
            directories::authenticate(&app.state, unknown, &first).await,
            Err(Error::NotFound { .. })
        ));

        // By default the replaced token works for a day more.
        let second = rotate(&app, &key, &id, Some(json!({}))).await;
        assert!(token_is_accepted(&app, &id, &first).await && token_is_accepted(&app, &id, &second).await);
        let tokens = get(&app, &key, &format!("/v1/scim-directories/{id}")).await.json();
        let tokens = tokens["scimDirectory"]["bearerTokens"].as_array().unwrap().clone();
        assert_eq!(tokens.len(), 2);
        assert_eq!(tokens.iter().filter(|token| token["expiresAt"].is_null()).count(), 1);
        app.advance(Duration::from_secs(24 * 3600));
        assert!(!token_is_accepted(&app, &id, &first).await && token_is_accepted(&app, &id, &second).await);

        // The overlap can be ended, or left out as SSOReady does.
        let third = rotate(&app, &key, &id, Some(json!({ "overlapSeconds": 3600 }))).await;
        assert!(token_is_accepted(&app, &id, &second).await);
        let ended = post(&app, &key, &format!("/v1/scim-directories/{id}/end-bearer-token-overlap"), json!({})).await;
        assert_eq!(ended.json()["scimDirectory"]["bearerTokens"].as_array().unwrap().len(), 1);
        assert!(!token_is_accepted(&app, &id, &second).await && token_is_accepted(&app, &id, &third).await);
        let fourth = rotate(&app, &key, &id, Some(json!({ "overlapSeconds": 0 }))).await;
        assert!(!token_is_accepted(&app, &id, &third).await && token_is_accepted(&app, &id, &fourth).await);
        let too_long = json!({ "overlapSeconds": 31 * 24 * 3600 });
        let refused = post(&app, &key, &format!("/v1/scim-directories/{id}/rotate-bearer-token"), too_long).await;
        assert_eq!(refused.status, 400);
        assert!(token_is_accepted(&app, &id, &fourth).await);
    }

    async fn the_last_use_of_a_token_is_noted_once_a_minute(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let id = create(&app, &key, &tenant, true).await["id"].as_str().unwrap().to_owned();
        let token = rotate(&app, &key, &id, None).await;
        let last_used = async || {
            let read = get(&app, &key, &format!("/v1/scim-directories/{id}")).await.json();
            read["scimDirectory"]["bearerTokens"][0]["lastUsedAt"].clone()
        };
        assert_eq!(last_used().await, Value::Null);
        let first = app.now();
        assert!(token_is_accepted(&app, &id, &token).await);
        assert_eq!(last_used().await, json!(first));
        app.advance(Duration::from_secs(59));
        assert!(token_is_accepted(&app, &id, &token).await);
        assert_eq!(last_used().await, json!(first));
        app.advance(Duration::from_secs(1));
        assert!(token_is_accepted(&app, &id, &token).await);
        assert_eq!(last_used().await, json!(app.now()));
    }

    async fn apps_read_people_as_they_are_now(app: TestApp) {
        let (tenant, management) = acme(&app).await;
        let key = app.api_key(&tenant.environment, false).await;
        let directory = app.directory(&tenant).await;
        let dana = app.person(&directory, "Dana@acme.example", true, false).await;
        let away = app.person(&directory, "away@acme.example", false, false).await;
        let gone = app.person(&directory, "gone@acme.example", true, true).await;
        let group = app.group(&directory, "Staff", &[dana, away]).await;
        let organization = &tenant.organization;
        for selector in [
            format!("scimDirectoryId={}", directory.directory.id),
            format!("organizationId={}", organization.id),
            format!("organizationExternalId={}", organization.external_id.as_deref().unwrap()),
            format!("organization_external_id={}&x=y", organization.external_id.as_deref().unwrap()),
        ] {
            let list = get(&app, &key, &format!("/v1/scim/users?{selector}")).await;
            assert_eq!(list.status, 200, "{}", list.body);
            let users = list.json()["scimUsers"].as_array().unwrap().clone();
            let deleted: Vec<(String, bool)> = users.iter()
                .map(|user| (user["email"].as_str().unwrap().to_owned(), user["deleted"].as_bool().unwrap()))
                .collect();
            for wanted in [("Dana@acme.example", false), ("away@acme.example", true), ("gone@acme.example", true)] {
                assert!(deleted.contains(&(wanted.0.to_owned(), wanted.1)), "{deleted:?}");
            }
            assert_eq!((users.len(), &list.json()["nextPageToken"]), (3, &json!("")));
        }
        let one = get(&app, &key, &format!("/v1/scim/users/{dana}")).await.json();
        assert_eq!(one, json!({ "scimUser": {
            "id": dana, "scimDirectoryId": directory.directory.id, "email": "Dana@acme.example", "deleted": false,
            "attributes": {
                "userName": "Dana@acme.example", "active": true,
                "emails": [{ "value": "Dana@acme.example", "primary": true }],
            },
        }}));
        for user in [away, gone] {
            let read = get(&app, &key, &format!("/v1/scim/users/{user}")).await.json();
            assert_eq!((&read["scimUser"]["deleted"], &read["scimUser"]["attributes"]["active"]), (&json!(true), &json!(false)));
        }

        let read = get(&app, &key, &format!("/v1/scim/groups/{group}")).await.json()["scimGroup"].clone();
        assert_eq!((&read["displayName"], &read["attributes"]["displayName"]), (&json!("Staff"), &json!("Staff")));
        let mut members: Vec<_> = read["attributes"]["members"].as_array().unwrap().iter()
            .map(|member| (member["value"].as_str().unwrap().to_owned(), member["display"].clone())).collect();
        members.sort_by(|a, b| a.0.cmp(&b.0));
        let mut expected = vec![(dana.to_string(), json!("D")), (away.to_string(), json!("D"))];
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(members, expected);
        let list = get(&app, &key, &format!("/v1/scim/groups?scimDirectoryId={}", directory.directory.id)).await.json();
        assert_eq!(list["scimGroups"], json!([read]));

        let of_group = |group: String| format!("/v1/scim/users?scimDirectoryId={}&scimGroupId={group}&pageSize=1", directory.directory.id);
        let first = get(&app, &key, &of_group(group.to_string())).await.json();
        let token = first["nextPageToken"].as_str().unwrap().to_owned();
        assert_eq!(first["scimUsers"].as_array().unwrap().len(), 1);
        let next = get(&app, &key, &format!("{}&pageToken={token}", of_group(group.to_string()))).await.json();
        assert_eq!((next["scimUsers"].as_array().unwrap().len(), &next["nextPageToken"]), (1, &json!("")));
        assert_ne!(first["scimUsers"], next["scimUsers"]);
        let unknown: base::id::ScimGroupId = Id::from_bits(1);
        assert_eq!(get(&app, &key, &of_group(unknown.to_string())).await.json()["scimUsers"], json!([]));

        // A deactivation shows at the next read.
        app.set_active(dana, false).await;
        let read = get(&app, &key, &format!("/v1/scim/users/{dana}")).await.json();
        assert_eq!(read["scimUser"]["attributes"]["active"], false);

        let foreign = app.api_key(&app.environment("staging").await, true).await;
        for path in [format!("/v1/scim/users/{dana}"), format!("/v1/scim/groups/{group}")] {
            assert_eq!(get(&app, &foreign, &path).await.status, 404, "{path}");
            assert_eq!(get(&app, &management, &path).await.status, 200, "{path}");
            assert_eq!(app.api(&key, Method::DELETE, &path, None).await.status, 405, "{path}");
        }
    }

    async fn directories_that_cannot_be_found_are_named(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        for path in ["/v1/scim/users", "/v1/scim/groups"] {
            for (query, status, message) in [
                ("", 400, "one of scim_directory_id, organization_id, or organization_external_id must be provided"),
                ("organizationExternalId=nobody", 400, "bad organization_external_id: organization not found, or organization does not have a primary SCIM directory"),
                (&format!("organizationId={}", tenant.organization.id), 400, "bad organization_id: organization not found, or organization does not have a primary SCIM directory"),
                ("scimDirectoryId=xxx", 400, "bad scim_directory_id: \"xxx\" does not have expected prefix \"scim_directory_\""),
                ("scimDirectoryId=scim_directory_0000000000000000000000001", 404, "SCIM directory not found: scim_directory_0000000000000000000000001"),
                ("organizationExternalId=%00", 400, "bad organization_external_id: must not contain control characters"),
            ] {
                let answer = get(&app, &key, &format!("{path}?{query}")).await;
                assert_eq!((answer.status.as_u16(), answer.json()["message"].as_str().unwrap()), (status, message), "{path}?{query}");
            }
        }
        assert_eq!(get(&app, &key, "/v1/scim/users/scim_user_0000000000000000000000001").await.status, 404);
        assert_eq!(get(&app, &key, "/v1/scim/users/xxx").await.status, 400);
    }

    async fn requests_are_logged_newest_first_without_secrets(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app.directory(&tenant).await.directory;
        let note = |method: &str, path: &str, status: u16, body: &[u8], error| {
            request_log::enqueue(&app.state, &NewScimRequest {
                directory: directory.id, at: app.now(), method, path, status, duration: Duration::from_millis(7),
                request_body: body, response_body: br#"{"id":"x"}"#, error,
            });
        };
        note("POST", "/v1/scim/d/Users", 201, br#"{"userName":"a","password":"S3cret"}"#, None);
        app.advance(Duration::from_secs(1));
        note("GET", "/v1/scim/d/Users?filter=x", 401, b"", Some("unauthorized"));
        app.advance(Duration::from_secs(1));
        note("PATCH", "/v1/scim/d/Users/1", 400, b"{", Some("invalid_syntax"));
        let list = async |more: &str| {
            let path = format!("/v1/scim-requests?scimDirectoryId={}{more}", directory.id);
            let answer = get(&app, &key, &path).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.json()["scimRequests"].as_array().unwrap().clone()
        };
        let all = list("").await;
        assert_eq!(all.iter().map(|r| r["status"].as_u64().unwrap()).collect::<Vec<_>>(), [400, 401, 201]);
        let first = &all[2];
        assert_eq!(first["httpRequestBody"], json!({ "userName": "a", "password": "(redacted)" }));
        assert_eq!(first["httpRequestMethod"], "SCIM_REQUEST_HTTP_METHOD_POST");
        assert_eq!(first["httpResponseStatus"], "SCIM_REQUEST_HTTP_STATUS_201");
        assert_eq!((&first["durationMs"], &first["httpResponseBody"]), (&json!(7), &json!({ "id": "x" })));
        assert_eq!((&all[1]["badBearerToken"], &all[1]["httpRequestBody"]), (&json!({}), &Value::Null));
        assert_eq!(get(&app, &key, &format!("/v1/scim-requests/{}", first["id"].as_str().unwrap())).await.json()["scimRequest"], *first);
        for (more, count) in [
            ("&method=patch", 1), ("&status=4xx", 2), ("&status=201", 1), ("&error=unauthorized", 1), ("&status=4xx&method=GET", 1), ("&status=500", 0),
        ] {
            assert_eq!(list(more).await.len(), count, "{more}");
        }
        assert_eq!(get(&app, &key, &format!("/v1/scim-requests?scimDirectoryId={}&status=x", directory.id)).await.status, 400);
        assert_eq!(get(&app, &key, "/v1/scim-requests").await.status, 400);

        // At rest the bodies are sealed.
        let mut conn = app.state.db.read().await.unwrap();
        let stored: Vec<(Option<String>, Option<String>)> =
            conn.sql("SELECT request_body, response_body FROM scim_requests").all().await.unwrap();
        assert_eq!(stored.len(), 3);
        assert!(!format!("{stored:?}").contains("userName"));
    }

    async fn the_log_survives_a_directory_that_goes_away(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let staying = app.directory(&tenant).await.directory;
        let going: ScimDirectoryId = Id::from_bits(9);
        for (directory, path) in [(staying.id, "/1"), (going, "/2"), (staying.id, "/3")] {
            request_log::enqueue(&app.state, &NewScimRequest {
                directory, at: app.now(), method: "GET", path, status: 200, duration: Duration::ZERO,
                request_body: b"", response_body: b"", error: None,
            });
        }
        request_log::flush(&app.state).await.unwrap();
        let list = get(&app, &key, &format!("/v1/scim-requests?scimDirectoryId={}", staying.id)).await.json();
        assert_eq!(list["scimRequests"].as_array().unwrap().len(), 2);
    }

    async fn who_is_switched_off_in_the_directory_does_not_sign_in(app: TestApp) {
        let (tenant, _) = acme(&app).await;
        assert!(is_signed_in(&login(&app, &tenant, "dana@acme.example").await), "no directory, no rule");
        let directory = app.directory(&tenant).await;
        assert!(is_signed_in(&login(&app, &tenant, "dana@acme.example").await), "unknown people may come by default");
        let dana = app.person(&directory, "dana@acme.example", true, false).await;
        app.address(&directory, dana, "alias@acme.example").await;
        assert!(is_signed_in(&login(&app, &tenant, "dana@acme.example").await));

        app.set_active(dana, false).await;
        for email in ["dana@acme.example", "DANA@acme.example", "alias@acme.example"] {
            let refused = login(&app, &tenant, email).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("directory_user_inactive")), "{email}");
        }
        assert!(is_signed_in(&login(&app, &tenant, "other@acme.example").await));
        app.set_active(dana, true).await;
        assert!(is_signed_in(&login(&app, &tenant, "dana@acme.example").await));

        // A deleted user does not sign in with another of their addresses.
        let pushed = app.scim_directory(&tenant).await;
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "bo@acme.example",
            "emails": [{ "value": "bo@acme.example", "primary": true }, { "value": "bo.alias@acme.example" }],
        });
        let made = app.scim(&pushed, Method::POST, "/Users", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert!(is_signed_in(&login(&app, &tenant, "bo.alias@acme.example").await));
        let id = made.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(app.scim(&pushed, Method::DELETE, &format!("/Users/{id}"), None).await.status, 204);
        for email in ["bo@acme.example", "bo.alias@acme.example"] {
            assert_eq!(login(&app, &tenant, email).await.reason(), Some("directory_user_inactive"), "{email}");
        }

        // A deleted user is inactive too, until they are created again.
        app.person(&directory, "gone@acme.example", true, true).await;
        assert_eq!(login(&app, &tenant, "gone@acme.example").await.reason(), Some("directory_user_inactive"));
        app.person(&directory, "gone@acme.example", true, false).await;
        assert!(is_signed_in(&login(&app, &tenant, "gone@acme.example").await));

        // The rule is a setting of the directory; a directory of another organization does not count.
        app.set_active(dana, false).await;
        set(&app, &tenant, &directory, ScimDirectoryChange { refuse_inactive_logins: Some(false), ..Default::default() }).await;
        assert!(is_signed_in(&login(&app, &tenant, "dana@acme.example").await));
        let globex = app.tenant(&tenant.environment, "globex.example").await;
        let theirs = app.directory(&globex).await;
        app.person(&theirs, "eve@acme.example", false, false).await;
        assert!(is_signed_in(&login(&app, &tenant, "eve@acme.example").await));
    }

    async fn only_provisioned_people_sign_in_where_that_is_asked_for(app: TestApp) {
        let (tenant, _) = acme(&app).await;
        let directory = app.directory(&tenant).await;
        app.person(&directory, "dana@acme.example", true, false).await;
        app.person(&directory, "away@acme.example", false, false).await;
        let change = ScimDirectoryChange {
            require_provisioned_logins: Some(true), refuse_inactive_logins: Some(false), ..Default::default()
        };
        set(&app, &tenant, &directory, change).await;
        assert!(is_signed_in(&login(&app, &tenant, "dana@acme.example").await));
        for (email, reason) in [("stranger@acme.example", "directory_user_unknown"), ("away@acme.example", "directory_user_inactive")] {
            let refused = login(&app, &tenant, email).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some(reason)), "{email}");
        }
    }
}

async fn set(app: &TestApp, tenant: &Tenant, directory: &ScimDirectoryView, change: ScimDirectoryChange) {
    let principal = Principal::operator(tenant.environment.id);
    directories::update(&app.state, &principal, directory.directory.id, None, &change).await.unwrap();
}
