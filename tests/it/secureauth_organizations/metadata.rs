//! Metadata and its schema (1.6).

use super::*;
use crate::both;

both! {
    async fn both_shapes_are_read_and_the_envelope_is_shown(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let schema = json!({ "type": "object" });
        for (number, (given, payload, shown_schema)) in [
            (json!({}), json!({}), json!({})),
            (json!(null), json!({}), json!({})),
            (json!({ "a": 1 }), json!({ "a": 1 }), json!({})),
            (json!({ "payload": { "a": 1 } }), json!({ "a": 1 }), json!({})),
            (json!({ "payload": { "a": 1 }, "schema": schema }), json!({ "a": 1 }), schema.clone()),
            (json!({ "schema": schema }), json!({}), schema.clone()),
            (json!({ "payload": null, "schema": schema }), json!({}), schema.clone()),
            // No envelope: one more member, or a payload that is no object.
            (json!({ "payload": { "a": 1 }, "b": 2 }), json!({ "payload": { "a": 1 }, "b": 2 }), json!({})),
            (json!({ "payload": "x" }), json!({ "payload": "x" }), json!({})),
            (json!({ "payload": [1] }), json!({ "payload": [1] }), json!({})),
        ].into_iter().enumerate() {
            let made = caller.create(json!({ "name": format!("acme {number}"), "metadata": given })).await;
            assert_eq!(made["metadata"], json!({ "payload": payload, "schema": shown_schema }), "{given}");
            assert_eq!(caller.get(made["id"].as_str().unwrap()).await, made);
        }
    }

    async fn a_payload_matches_the_schema_or_is_refused_with_each_violation(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let id = "acme-id";
        caller.create(json!({ "id": id, "name": "acme", "metadata": { "schema": guide_schema() } })).await;
        for payload in [
            json!({}),
            json!({ "salesforceId": "001xx000003DGb2AAG" }),
            json!({ "orgEntitlements": [], "region": "" }),
        ] {
            let answer = caller.put(id, json!({ "name": "acme", "metadata": { "payload": payload } })).await;
            assert_eq!(answer.status, 200, "{payload}: {}", answer.body);
            assert_eq!(answer.json()["metadata"], json!({ "payload": payload, "schema": guide_schema() }));
        }
        for (payload, paths) in [
            (json!({ "salesforceId": "001xx000003DGb2AAGX" }), vec!["/salesforceId"]),
            (json!({ "salesforceId": 7, "region": false }), vec!["/region", "/salesforceId"]),
            (json!({ "orgEntitlements": ["a", 1] }), vec!["/orgEntitlements/1"]),
            (json!({ "x": 1 }), vec![""]),
        ] {
            for (method, rest, body) in [
                (Method::PUT, format!("/{id}"), json!({ "name": "acme", "metadata": payload })),
                (Method::PUT, format!("/{id}/metadata"), json!({ "payload": payload })),
            ] {
                let answer = caller.send(method, &rest, Some(body)).await;
                assert_eq!(error(&answer), (422, "metadata_schema_violation".into()), "{payload}");
                let body = answer.json();
                let mut found: Vec<&str> = body["details"]["errors"].as_array().unwrap().iter().map(|error| {
                    assert!(!error["message"].as_str().unwrap().is_empty());
                    error["path"].as_str().unwrap()
                }).collect();
                found.sort_unstable();
                assert_eq!(found, paths, "{payload}");
            }
        }
        let kept = caller.get(id).await;
        assert_eq!(kept["metadata"]["payload"], json!({ "orgEntitlements": [], "region": "" }), "the last good one");
        // Without a payload nothing is checked, even where the schema requires one.
        let strict = json!({ "type": "object", "required": ["salesforceId"] });
        let answer = caller.put(id, json!({ "name": "acme", "metadata": { "schema": strict } })).await;
        assert_eq!(answer.json()["metadata"], json!({ "payload": {}, "schema": strict }));
        let answer = caller.put(id, json!({ "name": "acme" })).await;
        assert_eq!(answer.json()["metadata"], json!({ "payload": {}, "schema": strict }), "a replacement keeps the schema");
        assert_eq!(error(&caller.put(id, json!({ "name": "acme", "metadata": { "payload": {} } })).await), (422, "metadata_schema_violation".into()));
    }

    async fn metadata_is_written_alone(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let made = caller.create(json!({ "id": "acme-id", "name": "acme", "description": "kept", "metadata": { "schema": guide_schema() } })).await;
        for (caller, region) in [(&caller, "Europe"), (&caller.admin(), "Asia")] {
            let answer = caller.send(Method::PUT, "/acme-id/metadata", Some(json!({ "payload": { "region": region } }))).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_ne!(answer.header("etag"), "");
            let mut expected = made.clone();
            expected["metadata"]["payload"] = json!({ "region": region });
            assert_eq!(answer.json(), expected);
            assert_eq!(caller.get("acme-id").await, expected);
        }
        // The other form, and a schema beside the payload.
        let answer = caller.send(Method::PUT, "/acme-id/metadata", Some(json!({ "region": "Africa" }))).await;
        assert_eq!(answer.json()["metadata"]["payload"], json!({ "region": "Africa" }));
        let answer = caller.send(Method::PUT, "/acme-id/metadata", Some(json!({ "payload": { "free": true }, "schema": {} }))).await;
        assert_eq!(answer.json()["metadata"], json!({ "payload": { "free": true }, "schema": {} }));
        let nobody = caller.send(Method::PUT, "/nobody/metadata", Some(json!({ "payload": {} }))).await;
        assert_eq!(error(&nobody), (404, "organization_not_found".into()));
    }

    async fn a_schema_that_cannot_be_used_is_refused(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let deep = (0..12).fold(json!({}), |inner, _| json!({ "properties": { "a": inner } }));
        let large = json!({ "description": "x".repeat(70_000) });
        for schema in [
            json!({ "type": "nothing" }),
            json!({ "pattern": "(" }),
            json!({ "pattern": "(?=a)b" }),
            json!({ "$ref": "https://evil.example/schema.json" }),
            json!({ "properties": { "a": { "$ref": "file:///etc/passwd" } } }),
            json!({ "maxLength": -1 }),
            json!({ "properties": [] }),
            deep,
            large,
        ] {
            let body = json!({ "name": "acme", "metadata": { "schema": schema } });
            let answer = caller.send(Method::POST, "", Some(body)).await;
            assert_eq!(error(&answer), (422, "invalid_schema".into()), "{}", schema.to_string().get(..80).unwrap_or("…"));
            assert!(answer.json()["details"]["errors"][0]["message"].is_string());
        }
        assert!(caller.names("").await.is_empty());
        // A schema may change under metadata that does not match it: only new metadata must.
        caller.create(json!({ "id": "acme-id", "name": "acme", "metadata": { "a": 1 } })).await;
        let schema = json!({ "properties": { "a": { "type": "string" } } });
        let refused = caller.send(Method::PUT, "/acme-id/metadata", Some(json!({ "payload": { "a": 1 }, "schema": schema }))).await;
        assert_eq!(error(&refused), (422, "metadata_schema_violation".into()));
        assert_eq!(caller.get("acme-id").await["metadata"], json!({ "payload": { "a": 1 }, "schema": {} }));
    }
}
