//! Identity schemas over SecureAuth's identity API.

use std::time::{Duration, Instant};

use base::id::{Id, IdentitySchemaId};
use model::{environment::Environment, identity_schema::IdentitySchema};
use ostiary::store::{self, table};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, TestApp, random},
};

const SCHEMAS: &str = "/api/identity/prod/system/schemas";
const POOLS: &str = "/api/identity/prod/system/pools";
const NOBODY: &str = "00000000000000000000000000000001";

async fn set_up(app: &TestApp) -> (Environment, String) {
    let environment = app.environment("prod").await;
    let token = app.system_token(&environment, &["identity"]).await;
    (environment, token)
}

async fn create(app: &TestApp, token: &str, schema: Value) -> Value {
    let body = json!({ "name": "Customer", "schema": schema });
    let made = app.call(token, Method::POST, SCHEMAS, Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()
}

fn one(schema: &Value) -> String {
    format!("{SCHEMAS}/{}", schema["id"].as_str().unwrap())
}

fn code(answer: &Answer) -> (u16, String) {
    let code = answer.json()["error_code"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), code)
}

/// A schema that is nested so deep.
fn nested(keyword: &str, depth: usize) -> Value {
    (0..depth).fold(json!({ "type": "string" }), |inner, _| match keyword {
        "allOf" | "anyOf" | "oneOf" => json!({ keyword: [inner.clone(), inner] }),
        _ => json!({ keyword: inner }),
    })
}

both! {
    async fn a_schema_is_created_read_changed_and_deleted(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "properties": { "level": { "type": "integer", "maximum": 3 }, "note": { "type": "string", "hidden": true } },
        });
        let body = json!({ "name": " Customer ", "description": "Who buys", "schema": schema, "system": true, "more": 1 });
        let made = app.call(&token, Method::POST, SCHEMAS, Some(body)).await;
        assert_eq!((made.status.as_u16(), made.header("etag")), (201, "W/\"1\""), "{}", made.body);
        let made = made.json();
        let mut members: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["created_at", "description", "id", "name", "schema", "system", "tenant_id", "updated_at"]);
        assert_eq!((&made["name"], &made["schema"], &made["system"]), (&json!("Customer"), &schema, &json!(false)));
        assert_eq!(made["tenant_id"], json!("prod"));
        let got = app.call(&token, Method::GET, &one(&made), None).await;
        assert_eq!((got.json(), got.header("etag")), (made.clone(), "W/\"1\""));
        let again = app.call(&token, Method::PUT, &one(&made), Some(made.clone())).await;
        assert_eq!((again.json(), again.header("etag")), (made.clone(), "W/\"1\""), "nothing changed");
        let body = json!({ "name": "Buyer", "schema": {} });
        let changed = app.call(&token, Method::PUT, &one(&made), Some(body)).await;
        assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "W/\"2\""));
        let changed = changed.json();
        assert_eq!((&changed["name"], &changed["description"], &changed["schema"]), (&json!("Buyer"), &json!(""), &json!({})));
        let browser = app.browser();
        let delete = |version: &'static str| {
            let request = browser.request(Method::DELETE, &app.url(&one(&made))).bearer_auth(&token);
            browser.send(request.header(header::IF_MATCH, version))
        };
        assert_eq!(code(&delete("\"1\"").await), (412, "etag_mismatch".into()));
        assert_eq!(delete("\"2\"").await.status, 204);
        assert_eq!(code(&app.call(&token, Method::GET, &one(&made), None).await), (404, "schema_not_found".into()));
        let id: IdentitySchemaId = made["id"].as_str().unwrap().parse().unwrap();
        let mut conn = app.state.db.read().await.unwrap();
        let text = "SELECT action FROM audit_events WHERE target_id = $1 ORDER BY id";
        let actions: Vec<(String,)> = conn.sql(text).bind(id).all().await.unwrap();
        let mut actions: Vec<String> = actions.into_iter().map(|(action,)| action).collect();
        actions.sort_unstable();
        assert_eq!(actions, ["identity_schema.created", "identity_schema.deleted", "identity_schema.updated"]);
        let found: Option<IdentitySchema> = table::find(&mut conn, environment.id, id).await.unwrap();
        assert_eq!(found, None);
    }

    async fn schemas_that_all_have_stay_as_they_are(app: TestApp) {
        let (_, token) = set_up(&app).await;
        let own = create(&app, &token, json!({})).await;
        let listed = app.call(&token, Method::GET, SCHEMAS, None).await.json();
        let listed: Vec<(&str, bool)> = listed["schemas"].as_array().unwrap().iter()
            .map(|schema| (schema["id"].as_str().unwrap(), schema["system"].as_bool().unwrap())).collect();
        assert_eq!(listed, [("user_v0", true), ("metadata_v0", true), (own["id"].as_str().unwrap(), false)]);
        for id in ["user_v0", "metadata_v0"] {
            let at = format!("{SCHEMAS}/{id}");
            let got = app.call(&token, Method::GET, &at, None).await.json();
            assert_eq!((&got["id"], &got["system"], &got["schema"]["type"]), (&json!(id), &json!(true), &json!("object")));
            assert!(got.get("created_at").is_none());
            let refused = app.call(&token, Method::PUT, &at, Some(json!({ "name": "a", "schema": {} }))).await;
            assert_eq!(code(&refused), (409, "failed_precondition".into()));
            assert_eq!(code(&app.call(&token, Method::DELETE, &at, None).await), (409, "failed_precondition".into()));
            let body = json!({ "name": "a", "schema": {}, "id": id });
            assert_eq!(code(&app.call(&token, Method::POST, SCHEMAS, Some(body)).await), (409, "schema_exists".into()));
        }
        let got = app.call(&token, Method::GET, &format!("{SCHEMAS}/user_v0"), None).await.json();
        assert_eq!(got["schema"]["properties"]["given_name"]["type"], json!("string"));
    }

    async fn what_is_no_schema_is_refused_with_its_place(app: TestApp) {
        let (_, token) = set_up(&app).await;
        let made = create(&app, &token, json!({})).await;
        let many: serde_json::Map<String, Value> =
            (0..999).map(|at| (format!("p{at}"), json!({ "type": "string", "title": "x".repeat(80) }))).collect();
        for (schema, path) in [
            (json!(true), ""),
            (json!([]), ""),
            (json!({ "type": "text" }), "/type"),
            (json!({ "properties": { "a": { "maxLength": -1 } } }), "/properties/a/maxLength"),
            (json!({ "properties": { "a": { "pattern": "(?=a)b" } } }), "/properties/a/pattern"),
            (json!({ "properties": { "a": { "pattern": "(" } } }), "/properties/a/pattern"),
            (json!({ "pattern": "((a{1000}){1000}){1000}" }), "/pattern"),
            (json!({ "$ref": "https://example.com/schema" }), "/$ref"),
            (json!({ "$ref": "file:///etc/passwd" }), "/$ref"),
            (json!({ "$ref": "#/$defs/nothing" }), "/$ref"),
            (nested("items", 30), ""),
            (nested("allOf", 9), ""),
            (json!({ "properties": many }), ""),
        ] {
            for (method, at) in [(Method::POST, SCHEMAS.to_owned()), (Method::PUT, one(&made))] {
                let body = json!({ "name": "a", "schema": schema });
                let began = Instant::now();
                let refused = app.call(&token, method, &at, Some(body)).await;
                assert!(began.elapsed() < Duration::from_secs(5), "{path}");
                let shown: String = schema.to_string().chars().take(200).collect();
                if refused.status == 400 {
                    // Nested deeper than any body may be.
                    assert_eq!(code(&refused).1, "invalid_json", "{shown}");
                    continue;
                }
                assert_eq!(code(&refused), (422, "invalid_schema".into()), "{shown}: {}", refused.body);
                assert_eq!(refused.json()["details"]["errors"][0]["path"], json!(path), "{shown}: {}", refused.body);
            }
        }
        for (body, path) in [
            (json!({ "name": "a" }), "schema"),
            (json!({ "name": "a", "schema": null }), "schema"),
            (json!({ "schema": {} }), "name"),
            (json!({ "name": "x".repeat(256), "schema": {} }), "name"),
            (json!({ "name": "a", "schema": {}, "description": "x".repeat(3000) }), "description"),
            (json!({ "name": "a", "schema": {}, "id": "mine" }), "id"),
        ] {
            let refused = app.call(&token, Method::POST, SCHEMAS, Some(body.clone())).await;
            assert_eq!(code(&refused), (422, "validation_failed".into()), "{body}: {}", refused.body);
            assert_eq!(refused.json()["details"]["errors"][0]["path"], json!(path), "{body}: {}", refused.body);
        }
        let mismatch = app.call(&token, Method::PUT, &one(&made), Some(json!({ "name": "a", "schema": {}, "id": NOBODY }))).await;
        assert_eq!(code(&mismatch), (400, "id_mismatch".into()));
        let same = app.call(&token, Method::GET, &one(&made), None).await;
        assert_eq!((same.json(), same.header("etag")), (made, "W/\"1\""), "nothing is half-written");
    }

    async fn what_is_sent_against_a_hard_schema_is_decided_quickly(app: TestApp) {
        let (_, token) = set_up(&app).await;
        let schema = json!({
            "type": "object",
            "properties": { "a": { "type": "array", "uniqueItems": true, "items": { "pattern": "^(a+)+$" } }, "b": { "$ref": "#" } },
        });
        let schema = create(&app, &token, schema).await;
        let pool = json!({ "name": "People", "payload_schema_id": schema["id"] });
        let pool = app.call(&token, Method::POST, POOLS, Some(pool)).await.json();
        let users = format!("{POOLS}/{}/users", pool["id"].as_str().unwrap());
        let deep = (0..15).fold(json!({}), |inner, _| json!({ "b": inner }));
        for (payload, expected) in [
            (json!({ "a": ["aaa"] }), 201),
            (json!({ "a": (0..9000).map(|at| json!(at)).collect::<Vec<_>>() }), 0),
            (json!({ "a": [format!("{}!", "a".repeat(30_000))] }), 422),
            (deep, 0),
        ] {
            let began = Instant::now();
            let answer = app.call(&token, Method::POST, &users, Some(json!({ "status": "new", "payload": payload }))).await;
            assert!(began.elapsed() < Duration::from_secs(5), "{}", answer.body);
            assert!(matches!(answer.status.as_u16(), 201 | 422), "{}", answer.body);
            assert!(expected == 0 || answer.status == expected, "{}", answer.body);
        }
    }

    async fn a_changed_schema_binds_what_is_written_from_then_on(app: TestApp) {
        let (_, token) = set_up(&app).await;
        let schema = create(&app, &token, json!({ "properties": { "level": { "type": "integer" } } })).await;
        let pool = json!({ "name": "People", "metadata_schema_id": schema["id"] });
        let pool = app.call(&token, Method::POST, POOLS, Some(pool)).await.json();
        assert_eq!(pool["metadata_schema_id"], schema["id"]);
        let users = format!("{POOLS}/{}/users", pool["id"].as_str().unwrap());
        let user = json!({ "status": "new", "metadata": { "level": 7 } });
        let user = app.call(&token, Method::POST, &users, Some(user)).await.json();
        let at = format!("{users}/{}", user["id"].as_str().unwrap());
        let strict = json!({ "name": "Strict", "schema": { "properties": { "level": { "maximum": 3 } } } });
        assert_eq!(app.call(&token, Method::PUT, &one(&schema), Some(strict)).await.status, 200);
        let kept = app.call(&token, Method::GET, &at, None).await.json();
        assert_eq!(kept["metadata"], json!({ "level": 7 }));
        let other = app.call(&token, Method::PUT, &at, Some(json!({ "status": "active" }))).await;
        assert_eq!(other.status, 200, "what is not written is not checked: {}", other.body);
        let refused = app.call(&token, Method::PUT, &at, Some(json!({ "metadata": { "level": 8 } }))).await;
        assert_eq!(code(&refused), (422, "validation_failed".into()));
        assert_eq!(refused.json()["details"]["errors"][0]["path"], json!("metadata/level"));
        assert_eq!(app.call(&token, Method::PUT, &at, Some(json!({ "metadata": { "level": 2 } }))).await.status, 200);
    }

    async fn a_schema_in_use_stays(app: TestApp) {
        let (_, token) = set_up(&app).await;
        app.call(&token, Method::POST, POOLS, Some(json!({ "name": "Others" }))).await;
        for name in ["payload_schema_id", "metadata_schema_id", "business_metadata_schema_id"] {
            let schema = create(&app, &token, json!({})).await;
            let pool = app.call(&token, Method::POST, POOLS, Some(json!({ "name": "People", name: schema["id"] }))).await.json();
            let refused = app.call(&token, Method::DELETE, &one(&schema), None).await;
            assert_eq!(code(&refused), (409, "failed_precondition".into()), "{name}");
            let at = format!("{POOLS}/{}", pool["id"].as_str().unwrap());
            assert_eq!(app.call(&token, Method::DELETE, &at, None).await.status, 204);
            assert_eq!(app.call(&token, Method::DELETE, &one(&schema), None).await.status, 204, "{name}");
        }
    }

    async fn a_schema_goes_away_or_a_pool_uses_it_and_never_both(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let mut outcomes = std::collections::BTreeSet::new();
        for at in 0..12 {
            let schema = create(&app, &token, json!({})).await;
            let pool = json!({ "name": "People", "payload_schema_id": schema["id"] });
            let take = app.call(&token, Method::POST, POOLS, Some(pool));
            let path = one(&schema);
            let delete = app.call(&token, Method::DELETE, &path, None);
            let (taken, deleted) = if at % 2 == 0 {
                futures_util::join!(take, delete)
            } else {
                let (deleted, taken) = futures_util::join!(delete, take);
                (taken, deleted)
            };
            let outcome = (taken.status.as_u16(), deleted.status.as_u16());
            assert!(matches!(outcome, (201, 409) | (404, 204)), "{outcome:?} {} {}", taken.body, deleted.body);
            outcomes.insert(outcome);
        }
        let mut conn = app.state.db.read().await.unwrap();
        let text = "SELECT COUNT(*) FROM identity_pools p WHERE p.environment_id = $1 AND p.payload_schema_id <> 'user_v0' \
                    AND p.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM identity_schemas s WHERE s.id = p.payload_schema_id)";
        let (dangling,): (i64,) = conn.sql(text).bind(environment.id).one().await.unwrap();
        assert_eq!(dangling, 0, "{outcomes:?}");
    }

    async fn a_schema_that_is_about_to_go_is_waited_for(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let schema = create(&app, &token, json!({})).await;
        let id: IdentitySchemaId = schema["id"].as_str().unwrap().parse().unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        assert!(table::lock_for_removal::<IdentitySchema>(&mut tx, environment.id, id).await.unwrap());
        assert_eq!(store::identity_schemas::find_use(&mut tx, environment.id, id).await.unwrap(), None);
        let pool = json!({ "name": "People", "payload_schema_id": schema["id"] });
        let take = app.call(&token, Method::POST, POOLS, Some(pool));
        let remove = async {
            actix_web::rt::time::sleep(Duration::from_millis(200)).await;
            assert!(table::remove::<IdentitySchema>(&mut tx, environment.id, id, app.now()).await.unwrap());
            tx.commit().await.unwrap();
        };
        let (taken, ()) = futures_util::join!(take, remove);
        assert_eq!(code(&taken), (404, "schema_not_found".into()), "{}", taken.body);
    }

    async fn schemas_of_others_are_not_there(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let own = create(&app, &token, json!({})).await;
        let other = app.environment("other").await;
        let foreign_token = app.system_token(&other, &["identity"]).await;
        let body = json!({ "name": "Theirs", "schema": {} });
        let foreign = app.call(&foreign_token, Method::POST, "/api/identity/other/system/schemas", Some(body)).await.json();
        for at in [one(&foreign), format!("{SCHEMAS}/{NOBODY}"), format!("{SCHEMAS}/user_v1")] {
            for (method, body) in [(Method::GET, None), (Method::PUT, Some(json!({ "name": "a", "schema": {} }))), (Method::DELETE, None)] {
                let answer = app.call(&token, method.clone(), &at, body).await;
                assert_eq!(code(&answer), (404, "schema_not_found".into()), "{method} {at}");
            }
        }
        let pool = json!({ "name": "People", "payload_schema_id": foreign["id"] });
        let refused = app.call(&token, Method::POST, POOLS, Some(pool)).await;
        assert_eq!(code(&refused), (404, "schema_not_found".into()));
        assert_eq!(code(&app.call(&foreign_token, Method::GET, &one(&own), None).await), (403, "tenant_mismatch".into()));
        let weak = app.system_token(&environment, &["manage_organizations", "view_audit_events"]).await;
        for at in [SCHEMAS.to_owned(), one(&own), format!("{SCHEMAS}/{NOBODY}"), format!("{SCHEMAS}/user_v0")] {
            assert_eq!(code(&app.call(&weak, Method::GET, &at, None).await), (403, "insufficient_scope".into()), "{at}");
        }
        let body = json!({ "name": "a", "schema": {} });
        assert_eq!(code(&app.call(&weak, Method::POST, SCHEMAS, Some(body.clone())).await), (403, "insufficient_scope".into()));
        assert_eq!(code(&app.call(&weak, Method::PUT, &one(&own), Some(body.clone())).await), (403, "insufficient_scope".into()));
        assert_eq!(code(&app.call(&weak, Method::DELETE, &one(&own), None).await), (403, "insufficient_scope".into()));
        // The paths for administrators.
        let admin = "/api/identity/prod/admin/schemas";
        assert_eq!(app.call(&token, Method::POST, admin, Some(body)).await.status, 201);
        let listed = app.call(&token, Method::GET, admin, None).await.json();
        assert_eq!(listed["schemas"].as_array().unwrap().len(), 4);
        let at = format!("{admin}/{}", own["id"].as_str().unwrap());
        assert_eq!(app.call(&token, Method::DELETE, &at, None).await.status, 204);
        assert_eq!(code(&app.call(&weak, Method::GET, admin, None).await), (403, "insufficient_scope".into()));
    }

    async fn an_environment_has_at_most_two_hundred_schemas(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let mut tx = app.state.db.write().await.unwrap();
        for _ in 0..199 {
            let row = IdentitySchema {
                id: Id::new(app.now(), random()),
                environment_id: environment.id,
                version: 1,
                name: "a".to_owned(),
                description: String::new(),
                schema: serde_json::Map::new(),
                created_at: app.now(),
                updated_at: app.now(),
            };
            table::insert(&mut tx, &row).await.unwrap();
        }
        tx.commit().await.unwrap();
        let calls = (0..4).map(|_| {
            let (app, token, body) = (&app, &token, json!({ "name": "a", "schema": {} }));
            async move { app.call(token, Method::POST, SCHEMAS, Some(body)).await.status.as_u16() }
        });
        let mut answers = futures_util::future::join_all(calls).await;
        answers.sort_unstable();
        assert_eq!(answers, [201, 409, 409, 409]);
        let listed = app.call(&token, Method::GET, SCHEMAS, None).await.json();
        assert_eq!(listed["schemas"].as_array().unwrap().len(), 202);
    }
}
