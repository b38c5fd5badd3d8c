//! Invalid requests: answered with SCIM errors, never a 500, never half done.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        Answer, TestApp,
        scim::{ENTERPRISE, TestDirectory, id, patch},
    },
};

async fn raw(
    app: &TestApp,
    directory: &TestDirectory,
    method: Method,
    path: &str,
    body: Vec<u8>,
    headers: &[(header::HeaderName, &str)],
) -> Answer {
    let browser = app.browser();
    let mut request = browser
        .request(method, &format!("{}{path}", directory.base))
        .bearer_auth(&directory.token)
        .body(body);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    browser.send(request).await
}

/// Every error is a SCIM error.
fn check(answer: &Answer, what: &str) {
    let body: Value =
        serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("{what}: {}", answer.body));
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{what}");
    assert_eq!(body["status"], answer.status.as_str(), "{what}");
    assert!(body["detail"].is_string(), "{what}");
    assert_eq!(answer.headers["content-type"], "application/scim+json", "{what}");
}

both! {
    async fn bodies_that_are_no_resource_are_refused(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let deep = format!("{{\"userName\":\"x\",\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let long = format!("{{\"userName\":\"{}\"}}", "x".repeat(100_000));
        let many = format!("{{\"userName\":\"x\",\"emails\":[{}]}}", vec!["{\"value\":\"a@evil.example\"}"; 20_000].join(","));
        let utf16: Vec<u8> = "{\"userName\":\"x\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let bodies: Vec<(&str, Vec<u8>)> = vec![
            ("nothing", vec![]),
            ("half of it", b"{\"userName\":".to_vec()),
            ("a list", b"[]".to_vec()),
            ("a number", b"1".to_vec()),
            ("null", b"null".to_vec()),
            ("NaN", b"{\"userName\":NaN}".to_vec()),
            ("NUL", b"{\"userName\":\"a\\u0000b\"}".to_vec()),
            ("a raw NUL", b"{\"userName\":\"a\0b\"}".to_vec()),
            ("half a pair", b"{\"userName\":\"\\ud800\"}".to_vec()),
            ("not UTF-8", b"{\"userName\":\"\xff\"}".to_vec()),
            ("UTF-16", utf16),
            ("one name twice", b"{\"userName\":\"a\",\"userName\":\"b\"}".to_vec()),
            ("one name twice in two cases", b"{\"userName\":\"a\",\"USERNAME\":\"b\"}".to_vec()),
            ("depth", deep.into_bytes()),
            ("length", long.into_bytes()),
            ("number", many.into_bytes()),
            ("userName missing", b"{}".to_vec()),
            ("userName null", b"{\"userName\":null}".to_vec()),
            ("userName empty", b"{\"userName\":\"\"}".to_vec()),
            ("userName a number", b"{\"userName\":{\"a\":1}}".to_vec()),
            ("userName a list", b"{\"userName\":[\"a\",\"b\"]}".to_vec()),
            ("active no boolean", b"{\"userName\":\"x\",\"active\":\"perhaps\"}".to_vec()),
            ("name no object", b"{\"userName\":\"x\",\"name\":\"Dana\"}".to_vec()),
            ("emails of lists", b"{\"userName\":\"x\",\"emails\":[[1]]}".to_vec()),
            ("another schema", b"{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:Group\"],\"userName\":\"x\"}".to_vec()),
        ];
        let path = format!("/Users/{}", id(&user));
        for (what, body) in bodies {
            for (method, path) in [(Method::POST, "/Users"), (Method::PUT, &*path)] {
                let answer = raw(&app, &directory, method, path, body.clone(), &[]).await;
                assert_eq!(answer.status, 400, "{what}: {}", answer.body);
                check(&answer, what);
            }
        }
        let list = app.scim(&directory, Method::GET, "/Users", None).await.json();
        assert_eq!(list["Resources"], json!([user]));
    }

    async fn operations_that_make_no_sense_are_refused(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let path = format!("/Users/{}", id(&user));
        let brackets = format!("emails[{}", "(".repeat(100_000));
        let many: Vec<Value> = (0..6000).map(|n| json!({ "op": "replace", "path": "title", "value": n.to_string() })).collect();
        for (body, scim_type) in [
            (json!({}), Some("invalidSyntax")),
            (json!({ "Operations": [] }), Some("invalidSyntax")),
            (json!({ "Operations": 1 }), Some("invalidSyntax")),
            (json!({ "Operations": [1] }), Some("invalidSyntax")),
            (json!({ "Operations": [{ "op": "swap", "path": "title" }] }), Some("invalidSyntax")),
            (json!({ "Operations": [{ "path": "title", "value": "x" }] }), Some("invalidSyntax")),
            (json!({ "Operations": [{ "op": "remove" }] }), Some("noTarget")),
            (json!({ "Operations": [{ "op": "replace", "path": "title" }] }), Some("invalidValue")),
            (json!({ "Operations": [{ "op": "replace", "path": "id", "value": "x" }] }), Some("mutability")),
            (json!({ "Operations": [{ "op": "replace", "path": "groups", "value": [] }] }), Some("mutability")),
            (json!({ "Operations": [{ "op": "replace", "path": "meta.version", "value": "x" }] }), Some("mutability")),
            (json!({ "Operations": [{ "op": "remove", "path": "userName" }] }), Some("mutability")),
            (json!({ "Operations": [{ "op": "replace", "path": "userName", "value": "" }] }), Some("invalidValue")),
            (json!({ "Operations": [{ "op": "replace", "path": "emails[", "value": 1 }] }), None),
            (json!({ "Operations": [{ "op": "replace", "path": brackets, "value": 1 }] }), None),
            (json!({ "Operations": [{ "op": "replace", "path": "a b c", "value": 1 }] }), Some("invalidPath")),
            (json!({ "Operations": [{ "op": "replace", "path": "emails[value eq \"no\"]", "value": { "value": "x@acme.example" } }] }), Some("noTarget")),
            (json!({ "Operations": [{ "op": "replace", "path": "active", "value": "perhaps" }] }), Some("invalidValue")),
            (json!({ "schemas": ["urn:x"], "Operations": [{ "op": "replace", "path": "title", "value": "x" }] }), Some("invalidSyntax")),
            (json!({ "Operations": many }), None),
        ] {
            let shown: String = body.to_string().chars().take(120).collect();
            let answer = app.scim(&directory, Method::PATCH, &path, Some(body)).await;
            assert!(matches!(answer.status.as_u16(), 400 | 413), "{shown}: {} {}", answer.status, answer.body);
            check(&answer, &shown);
            if let Some(scim_type) = scim_type {
                assert_eq!(answer.json()["scimType"], scim_type, "{shown}: {}", answer.body);
            }
        }
        assert_eq!(app.scim(&directory, Method::GET, &path, None).await.json(), user);
    }

    async fn addresses_that_name_nothing_are_not_found(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let long = format!("/Users/{}", "x".repeat(7000));
        let wrong_kind = format!("/Groups/{}", id(&user));
        let upper = format!("/Users/{}", id(&user).to_uppercase());
        for path in [
            "/Users/1", "/Users/scim_user_0000000000000000000000000", "/Users/%00", "/Users/a%2fb", "/Users/%ff",
            "/Users/..%2f..%2forganizations", "/Users/a/b", "/users", "/Nothing", "/", "", "/Schemas/urn:none", "/ResourceTypes/None",
            &long, &wrong_kind, &upper,
        ] {
            let answer = app.scim(&directory, Method::GET, path, None).await;
            assert_eq!(answer.status, 404, "{path}: {}", answer.body);
            check(&answer, path);
        }
        for (method, path) in [
            (Method::DELETE, "/Users"), (Method::PUT, "/Groups"), (Method::POST, "/Schemas"), (Method::PUT, "/ResourceTypes"),
            (Method::PATCH, "/ServiceProviderConfig"), (Method::DELETE, "/Schemas/urn:x"), (Method::GET, "/Bulk"), (Method::GET, "/.search"),
        ] {
            let answer = app.scim(&directory, method.clone(), path, None).await;
            assert_eq!(answer.status, 405, "{method} {path}: {}", answer.body);
            assert!(answer.headers.contains_key("allow"), "{method} {path}");
            check(&answer, path);
        }
        let me = app.scim(&directory, Method::GET, "/Me", None).await;
        assert_eq!(me.status, 501);
        check(&me, "/Me");
        let filtered = app.scim(&directory, Method::GET, "/Schemas?filter=id+pr", None).await;
        assert_eq!(filtered.status, 403);
        check(&filtered, "filtered schemas");
    }

    async fn bodies_come_under_known_types_and_plain(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        for (number, kind) in ["application/scim+json; charset=utf-8", "application/json", "text/plain"].into_iter().enumerate() {
            let body = format!("{{\"userName\":\"u{number}\"}}").into_bytes();
            let answer = raw(&app, &directory, Method::POST, "/Users", body, &[(header::CONTENT_TYPE, kind)]).await;
            assert_eq!(answer.status, 201, "{kind}: {}", answer.body);
        }
        let bare = raw(&app, &directory, Method::POST, "/Users", b"\xef\xbb\xbf{\"userName\":\"bom\"}".to_vec(), &[]).await;
        assert_eq!(bare.status, 201, "{}", bare.body);
        for (headers, status) in [
            ([(header::CONTENT_TYPE, "application/xml")], 415),
            ([(header::CONTENT_TYPE, "application/x-www-form-urlencoded")], 415),
            ([(header::CONTENT_ENCODING, "gzip")], 415),
        ] {
            let answer = raw(&app, &directory, Method::POST, "/Users", b"{\"userName\":\"x\"}".to_vec(), &headers).await;
            assert_eq!(answer.status, status, "{headers:?}");
            check(&answer, "a type");
        }
        let large = raw(&app, &directory, Method::POST, "/Users", vec![b' '; 1_100_000], &[]).await;
        assert_eq!(large.status, 413);
        check(&large, "a large body");
        let json = app.scim_with(&directory, Method::GET, "/Users", None, &[]).await;
        assert_eq!(json.headers["content-type"], "application/scim+json");
        let browser = app.browser();
        let request = browser.request(Method::GET, &format!("{}/Users", directory.base)).bearer_auth(&directory.token);
        let plain = browser.send(request.header(header::ACCEPT, "application/json")).await;
        assert_eq!(plain.headers["content-type"], "application/json");
    }

    async fn what_a_client_did_not_mean_is_not_guessed(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory_with(&tenant, |directory| directory.allow_users_without_email = false).await;
        let work = json!([{ "value": "me@acme.example", "type": "work", "primary": true }]);
        for user in [
            json!({ "userName": 12345, "emails": work }),
            json!({ "userName": "me@acme.example", "displayName": 12 }),
            json!({ "userName": "me", "emails": "me@acme.example" }),
            json!({ "userName": "me", "emails": ["me@acme.example"] }),
            json!({ "userName": "mallory\u{ff20}evil.example" }),
            json!({ "userName": "mallory\u{ff20}evil.example", "emails": work }),
            json!({ "userName": "me", "emails": [{ "value": "me\u{ff20}acme.example" }] }),
            json!({ "userName": "m\u{ff45}@acme.example" }),
        ] {
            let refused = app.scim(&directory, Method::POST, "/Users", Some(user.clone())).await;
            check(&refused, &user.to_string());
            assert_eq!((refused.status.as_u16(), &refused.json()["scimType"]), (400, &json!("invalidValue")), "{user}");
        }
        let manager = json!({ "userName": "me", "emails": { "value": "me@acme.example" },
            ENTERPRISE: { "manager": "m1", "employeeNumber": 7 } });
        let made = app.scim(&directory, Method::POST, "/Users", Some(manager)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert_eq!(made.json()[ENTERPRISE], json!({ "manager": { "value": "m1" }, "employeeNumber": "7" }));

        // Nothing is answered with success that had no effect.
        let path = format!("/Users/{}", id(&made.json()));
        let operations = |operations: Value| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        for (operations, keyword) in [
            (Some(operations(json!({ "op": "replace", "path": "title", "value": "x" }))), "invalidSyntax"),
            (patch(json!([{ "op": "replace", "path": "  ", "value": { "title": "x" } }])), "invalidPath"),
            (patch(json!([{ "op": "replace", "value": { "members": [] } }])), "invalidPath"),
            (patch(json!([{ "op": "remove", "path": "emails[type eq \"fax\"]" }])), "noTarget"),
            (patch(json!([{ "op": "remove", "path": "favouriteColour" }])), "noTarget"),
            (patch(json!([{ "op": "remove", "path": "schemas" }])), "mutability"),
        ] {
            let body = operations;
            let refused = app.scim(&directory, Method::PATCH, &path, body.clone()).await;
            assert_eq!((refused.status.as_u16(), &refused.json()["scimType"]), (400, &json!(keyword)), "{body:?}");
        }
        assert_eq!(app.scim(&directory, Method::GET, &path, None).await.json()["meta"]["version"], made.json()["meta"]["version"]);
        // What /Schemas lists is really there.
        let named = patch(json!([{ "op": "add", "path": format!("{ENTERPRISE}:manager.displayName"), "value": "Max" }]));
        let named = app.scim(&directory, Method::PATCH, &path, named).await;
        assert_eq!(named.json()[ENTERPRISE]["manager"], json!({ "value": "m1", "displayName": "Max" }), "{}", named.body);
    }

    async fn somebody_without_an_address_is_taken_only_where_the_directory_allows_it(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory_with(&tenant, |directory| directory.allow_users_without_email = false).await;
        let post = async |user: Value| app.scim(&directory, Method::POST, "/Users", Some(user)).await;
        let bare = json!({ "userName": "justaname" });
        let with_address = json!({ "userName": "named", "emails": [{ "value": "named@acme.example" }] });
        let refused = post(bare.clone()).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["scimType"]), (400, &json!("invalidValue")), "{}", refused.body);
        let named = post(with_address).await;
        assert_eq!(named.status, 201, "{}", named.body);
        let named = format!("/Users/{}", id(&named.json()));
        let no_emails = patch(json!([{ "op": "remove", "path": "emails" }]));
        assert_eq!(app.scim(&directory, Method::PATCH, &named, no_emails.clone()).await.status, 400);

        let allow = async |allowed: bool| {
            let path = format!("/v1/scim-directories/{}", directory.id);
            let change = json!({ "allowUsersWithoutEmail": allowed });
            let changed = app.api(&key, Method::PATCH, &path, Some(change)).await;
            assert_eq!(changed.json()["scimDirectory"]["allowUsersWithoutEmail"], allowed, "{}", changed.body);
        };
        allow(true).await;
        let taken = post(bare).await;
        assert_eq!(taken.status, 201, "{}", taken.body);
        let path = format!("/v1/scim/users/{}", id(&taken.json()));
        let seen = app.api(&key, Method::GET, &path, None).await;
        assert_eq!(seen.json()["scimUser"]["email"], Value::Null, "{}", seen.body);
        assert_eq!(app.scim(&directory, Method::PATCH, &named, no_emails).await.status, 200);
        // Whoever has none is still changed, and leaves.
        allow(false).await;
        let off = patch(json!([{ "op": "Replace", "path": "active", "value": "False" }]));
        let off = app.scim(&directory, Method::PATCH, &format!("/Users/{}", id(&taken.json())), off).await;
        assert_eq!((off.status.as_u16(), &off.json()["active"]), (200, &json!(false)), "{}", off.body);
    }

    async fn slashes_too_many_find_their_way(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let found = |answer: &Answer| answer.json()["totalResults"].as_u64();
        for path in [
            "/Users/?filter=userName%20eq%20%22a@acme.example%22",
            "//Users?filter=userName+eq+%22a@acme.example%22",
            "//Users//?startIndex=1&count=2",
            "/Users/?filter=userName%20eq%20%22a//b@acme.example%22%20or%20id%20pr",
        ] {
            let answer = app.scim(&directory, Method::GET, path, None).await;
            assert_eq!((answer.status.as_u16(), found(&answer)), (200, Some(1)), "{path}: {}", answer.body);
        }
        let path = format!("//Users/{}/", id(&user));
        let patched = app.scim(&directory, Method::PATCH, &path, patch(json!([{ "op": "add", "path": "title", "value": "T" }]))).await;
        assert_eq!((patched.status.as_u16(), &patched.json()["title"]), (200, &json!("T")), "{}", patched.body);
        for path in ["/", "//", "/Users/x/y", "//nothing"] {
            assert_eq!(app.scim(&directory, Method::GET, path, None).await.status, 404, "{path}");
        }
        // No way out of the directory, and none past its token.
        let wrong = TestDirectory { token: "x".to_owned(), ..directory.clone() };
        assert_eq!(app.scim(&wrong, Method::GET, "//Users/", None).await.status, 401);
    }

    async fn bulk_does_each_operation_whole(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let old = app.scim_user(&directory, "old@acme.example").await;
        let bulk = |operations: Value, fail: Option<u64>| {
            Some(json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "failOnErrors": fail,
                "Operations": operations,
            }))
        };
        let operations = json!([
            { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "Keyholders", "members": [{ "value": "bulkId:u" }] } },
            { "method": "POST", "path": "/Users", "bulkId": "u", "data": { "userName": "new@acme.example" } },
            { "method": "POST", "path": "/Users", "bulkId": "evil", "data": { "userName": "new@evil.example" } },
            { "method": "POST", "path": "/Users", "bulkId": "again", "data": { "userName": "NEW@acme.example" } },
            { "method": "PATCH", "path": format!("/Users/{}", id(&old)), "version": "W/\"9\"", "data": { "Operations": [{ "op": "replace", "path": "active", "value": false }] } },
            { "method": "PATCH", "path": "/Users/bulkId:u", "data": { "Operations": [{ "op": "replace", "path": "active", "value": false }] } },
            { "method": "DELETE", "path": format!("/Users/{}", id(&old)) },
            { "method": "DELETE", "path": "/Users/bulkId:evil" },
        ]);
        let answer = app.scim(&directory, Method::POST, "/Bulk", bulk(operations, None)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let outcomes = answer.json()["Operations"].as_array().unwrap().clone();
        let statuses: Vec<&str> = outcomes.iter().map(|one| one["status"].as_str().unwrap()).collect();
        assert_eq!(statuses, ["201", "201", "400", "409", "412", "200", "204", "409"], "{}", answer.body);
        assert_eq!(outcomes[2]["response"]["scimType"], "invalidValue");
        assert_eq!(outcomes[1]["version"], "W/\"1\"");
        let groups = app.scim(&directory, Method::GET, "/Groups", None).await.json();
        let user_id = outcomes[1]["location"].as_str().unwrap().rsplit('/').next().unwrap();
        assert_eq!(groups["Resources"][0]["members"][0]["value"], user_id);

        let operations = json!([
            { "method": "DELETE", "path": "/Users/nobody" },
            { "method": "DELETE", "path": "/Users/nobody" },
            { "method": "POST", "path": "/Users", "bulkId": "late", "data": { "userName": "late@acme.example" } },
        ]);
        let answer = app.scim(&directory, Method::POST, "/Bulk", bulk(operations, Some(2))).await;
        assert_eq!(answer.json()["Operations"].as_array().unwrap().len(), 2, "{}", answer.body);
        let late = app.scim(&directory, Method::GET, "/Users?filter=userName+eq+%22late@acme.example%22", None).await;
        assert_eq!(late.json()["totalResults"], 0);

        let many: Vec<Value> = (0..1001).map(|_| json!({ "method": "DELETE", "path": "/Users/x" })).collect();
        let answer = app.scim(&directory, Method::POST, "/Bulk", bulk(many.into(), None)).await;
        assert_eq!(answer.status, 413);
        check(&answer, "too many operations");
        let other = json!([{ "method": "POST", "path": "/Users", "data": { "userName": "x" } }]);
        assert_eq!(app.scim(&directory, Method::POST, "/Bulk", bulk(other, None)).await.status, 400);
    }

    async fn a_password_is_neither_kept_nor_told(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let body = json!({ "userName": "a@acme.example", "password": "hunter2" });
        let made = app.scim(&directory, Method::POST, "/Users", Some(body)).await;
        assert_eq!(made.status, 201);
        let path = format!("/Users/{}", id(&made.json()));
        let changed = app.scim(&directory, Method::PATCH, &path, patch(json!([{ "op": "replace", "value": { "password": "hunter3" } }]))).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let asked = app.scim(&directory, Method::GET, &format!("{path}?attributes=password"), None).await;
        for answer in [&made, &changed, &asked] {
            assert!(!answer.body.contains("hunter"), "{}", answer.body);
        }
        let user = id(&made.json()).parse().unwrap();
        let mut conn = app.state.db.read().await.unwrap();
        let stored = ostiary::store::scim_users::find(&mut conn, directory.id, user).await.unwrap().unwrap();
        assert!(!json!(stored.document).to_string().contains("hunter"));
    }
}
