//! Routes 1 to 5: organizations.

use reqwest::{Method, header};
use serde_json::json;

use super::{ORGANIZATIONS, assert_error, call, organization_of, person, tenant_admin};
use crate::both;

both! {
    async fn whoever_makes_an_organization_owns_it_and_nobody_else_sees_it(app: TestApp) {
        let environment = app.environment("prod").await;
        let (alice, bob) = (person(&app, &environment, "alice").await, person(&app, &environment, "bob").await);
        let body = json!({ "name": "Acme", "slug": "acme", "description": "d", "external_id": "c-1", "metadata": { "a": 1 } });
        let made = call(&app, &alice.token, Method::POST, "", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let shown = made.json();
        let id = shown["id"].as_str().unwrap();
        assert_eq!(made.header("location"), format!("{ORGANIZATIONS}/{id}"));
        for (member, value) in [
            ("tenant_id", json!(environment.id.to_string())),
            ("name", json!("Acme")),
            ("slug", json!("acme")),
            ("description", json!("d")),
            ("external_id", json!("c-1")),
            ("metadata", json!({ "a": 1 })),
            ("status", json!("active")),
            ("parent_id", json!(null)),
            ("owner_user_id", json!(alice.id())),
            ("member_count", json!(1)),
            ("sso_enforced", json!(false)),
            ("require_admin_mfa", json!(false)),
            ("my_role", json!("owner")),
        ] {
            assert_eq!(shown[member], value, "{member}");
        }
        let read = call(&app, &alice.token, Method::GET, &format!("/{id}"), None).await;
        assert_eq!((read.status.as_u16(), read.json()), (200, shown.clone()));
        assert_eq!(read.header("etag"), made.header("etag"));
        let listed = call(&app, &alice.token, Method::GET, "?search=acm&status=active&external_id=c-1", None).await;
        assert_eq!(listed.json(), json!({ "data": [shown], "next_cursor": null }));

        // As if there were none such.
        let (hidden, unknown) = (
            call(&app, &bob.token, Method::GET, &format!("/{id}"), None).await,
            call(&app, &bob.token, Method::GET, "/org_0000000000000000000000009", None).await,
        );
        assert_error(&hidden, 404, "not_found");
        assert_error(&unknown, 404, "not_found");
        assert_eq!(hidden.json()["error"]["message"], unknown.json()["error"]["message"]);
        assert_eq!(call(&app, &bob.token, Method::GET, "", None).await.json()["data"], json!([]));

        let vendor = tenant_admin(&app, &environment).await;
        let seen = call(&app, &vendor.token, Method::GET, &format!("/{id}"), None).await.json();
        assert_eq!((&seen["my_role"], &seen["owner_user_id"]), (&json!(null), &json!(alice.id())));
        let reads = app.system_token(&environment, &["organizations:read"]).await;
        assert_eq!(call(&app, &reads, Method::GET, &format!("/{id}"), None).await.status, 200);
        assert_error(&call(&app, &reads, Method::POST, "", Some(json!({ "name": "X" }))).await, 403, "forbidden");
        let other = app.environment("other").await;
        let stranger = app.system_token(&other, &["organizations:read", "organizations:write"]).await;
        assert_error(&call(&app, &stranger, Method::GET, &format!("/{id}"), None).await, 404, "not_found");
        assert_error(&call(&app, "nonsense", Method::GET, "", None).await, 401, "unauthenticated");
    }

    async fn slugs_and_external_ids_are_unique_and_domains_are_not_taken(app: TestApp) {
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        organization_of(&app, &alice, "acme").await;
        let make = async |body| call(&app, &alice.token, Method::POST, "", Some(body)).await;
        assert_error(&make(json!({ "name": "Acme", "slug": "acme" })).await, 409, "slug_taken");
        assert_eq!(make(json!({ "name": "A", "external_id": "e" })).await.status, 201);
        assert_error(&make(json!({ "name": "B", "external_id": "e" })).await, 409, "external_id_taken");
        // One that is made of the name is found.
        let second = make(json!({ "name": "Acme" })).await.json();
        assert!(second["slug"].as_str().unwrap().starts_with("acme-"), "{second}");
        for (body, field) in [
            (json!({}), "name"),
            (json!({ "name": "" }), "name"),
            (json!({ "name": 7 }), "name"),
            (json!({ "name": "x", "slug": "Acme" }), "slug"),
            (json!({ "name": "x", "slug": "a" }), "slug"),
            (json!({ "name": "x", "domains": ["acme.example"] }), "domains"),
            (json!({ "name": "x", "metadata": [] }), "metadata"),
        ] {
            let refused = make(body).await;
            assert_error(&refused, 422, "validation_failed");
            assert_eq!(refused.json()["error"]["details"][0]["field"], field, "{}", refused.body);
        }
        assert_error(&make(json!({ "name": "x", "parent_id": "org_0000000000000000000000009" })).await, 422, "parent_not_found");
        assert_error(&make(json!({ "name": "x", "owner_user_id": alice.id() })).await, 403, "forbidden");
        assert_error(&make(json!([])).await, 400, "malformed");
    }

    async fn the_tenant_that_a_caller_names_is_that_of_the_token(app: TestApp) {
        let environment = app.environment("prod").await;
        app.environment("other").await;
        let alice = person(&app, &environment, "alice").await;
        let ask = async |tenant: String| {
            let browser = app.browser();
            let request = browser.request(Method::GET, &app.url(ORGANIZATIONS));
            let request = request.header(header::AUTHORIZATION, format!("Bearer {}", alice.token));
            browser.send(request.header("X-Tenant-Id", tenant)).await
        };
        for good in ["prod".to_owned(), environment.id.to_string()] {
            assert_eq!(ask(good).await.status, 200);
        }
        for bad in ["other", "none", "", "env_0000000000000000000000009"] {
            assert_error(&ask(bad.to_owned()).await, 403, "tenant_mismatch");
        }
    }

    async fn pages_go_on_where_the_last_one_ended(app: TestApp) {
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let mut made = Vec::new();
        for number in 0..5 {
            made.push(organization_of(&app, &alice, &format!("org-{number}")).await);
        }
        let mut found = Vec::new();
        let mut path = "?limit=2".to_owned();
        loop {
            let page = call(&app, &alice.token, Method::GET, &path, None).await.json();
            found.extend(page["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("?limit=2&cursor={cursor}"),
                None => break,
            }
        }
        // Those of one millisecond are in no order of their own.
        made.sort_unstable();
        assert_eq!(found, made);
        assert_error(&call(&app, &alice.token, Method::GET, "?cursor=x", None).await, 422, "validation_failed");
        assert_error(&call(&app, &alice.token, Method::GET, "?limit=0", None).await, 422, "validation_failed");
        let all = call(&app, &alice.token, Method::GET, "?limit=1000", None).await;
        assert_eq!(all.json()["data"].as_array().unwrap().len(), 5);
    }
}
