//! The calls of the vendor's guides (1.9), as they stand there.

use super::*;
use crate::both;

const TEMPLATE: &str = "a13ee0f6236f4d7f89085945c3f75cdx";

/// The environment of the guide, with its template and its parent.
async fn set_up(app: &TestApp) -> (Environment, Caller<'_>) {
    let environment = app.environment("acme-tenant").await;
    let caller = Caller::new(app, &environment).await;
    let template = json!({
        "id": TEMPLATE,
        "name": "b2b-customer-template",
        "template": true,
        "metadata": { "schema": guide_schema() },
    });
    let template = caller.create(template).await;
    assert_eq!((&template["id"], &template["template"]), (&json!(TEMPLATE), &json!(true)));
    assert_eq!(template["metadata"], json!({ "payload": {}, "schema": guide_schema() }));
    caller.create(json!({ "id": "parent-org-id", "name": "Parent" })).await;
    (environment, caller)
}

both! {
    async fn the_minimal_request_needs_a_name_and_a_template_only(app: TestApp) {
        let (_, caller) = set_up(&app).await;
        let body = json!({ "name": "acme-corp-001", "displayName": "ACME Corporation", "template_id": TEMPLATE });
        let answer = caller.send(Method::POST, "", Some(body.clone())).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert!(!answer.header("etag").is_empty());
        let made = answer.json();
        let id = made["id"].as_str().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{id}");
        let issuer = format!("{}/acme-tenant/{id}", app.base);
        assert_eq!(made, json!({
            "id": id,
            "name": "acme-corp-001",
            "displayName": "ACME Corporation",
            "description": "",
            "parent_id": "",
            "color": "",
            "metadata": { "payload": {}, "schema": guide_schema() },
            "domains": null,
            "authentication_mechanisms": null,
            "deactivated": false,
            "issuer_url": issuer,
            "theme_id": null,
            "subject_format": "",
            "subject_identifier_algorithm_salt": "",
            "template": false,
            "number_of_child_organizations": 0,
        }));
        // Step 4 of the guide.
        assert_eq!(caller.get(id).await, made);
        let discovery = app.browser().get(&format!("{issuer}/.well-known/openid-configuration")).await;
        assert_eq!((discovery.status.as_u16(), &discovery.json()["issuer"]), (200, &json!(issuer)));
        let again = caller.send(Method::POST, "", Some(body)).await;
        assert_eq!(error(&again), (409, "organization_name_exists".into()));
    }

    async fn the_recommended_request_has_flat_metadata_and_the_curl_an_envelope(app: TestApp) {
        let (_, caller) = set_up(&app).await;
        let payload = json!({
            "salesforceId": "001xx000003DGb2AAG",
            "orgEntitlements": ["premium", "analytics", "api-access"],
            "region": "North America",
        });
        let flat = caller.create(json!({
            "name": "acme-corp-002",
            "displayName": "ACME Corporation",
            "template_id": TEMPLATE,
            "description": "ACME Corporation - Global Manufacturing",
            "email": "contact@acme.com",
            "metadata": payload,
        })).await;
        assert_eq!(flat["metadata"], json!({ "payload": payload, "schema": guide_schema() }));
        assert_eq!((&flat["email"], &flat["description"]), (&json!("contact@acme.com"), &json!("ACME Corporation - Global Manufacturing")));
        let mut all = MEMBERS.to_vec();
        all.extend(["displayName", "email"]);
        all.sort_unstable();
        assert_eq!(members(&flat), all);

        let payload = json!({
            "salesforceId": "001xx000003DGb2AAG",
            "orgEntitlements": ["premium", "analytics"],
            "region": "North America",
        });
        let enveloped = caller.create(json!({
            "name": "acme-corp-003",
            "description": "…",
            "parent_id": "parent-org-id",
            "template_id": "b2b-customer-template",
            "metadata": { "payload": payload },
        })).await;
        assert_eq!(members(&enveloped), MEMBERS);
        assert_eq!(enveloped["metadata"], json!({ "payload": payload, "schema": guide_schema() }));
        assert_eq!(enveloped["parent_id"], "parent-org-id");
        assert_eq!(caller.get("parent-org-id").await["number_of_child_organizations"], 1);
        assert_eq!(caller.names("?parent_id=parent-org-id").await, ["acme-corp-003"]);

        let body = json!({ "name": "acme-corp-004", "template_id": TEMPLATE, "metadata": { "x": 1 } });
        let refused = caller.send(Method::POST, "", Some(body)).await;
        assert_eq!(error(&refused), (422, "metadata_schema_violation".into()));
        assert!(!caller.names("?limit=100").await.contains(&"acme-corp-004".to_owned()), "nothing half written");
    }

    async fn the_token_of_another_tenant_is_refused(app: TestApp) {
        let (_, caller) = set_up(&app).await;
        let other = app.environment("other").await;
        let token = app.system_token(&other, &["manage_organizations"]).await;
        let answer = app.call(&token, Method::POST, &caller.base, Some(json!({ "name": "acme-corp-001" }))).await;
        assert_eq!(error(&answer), (403, "tenant_mismatch".into()));
    }
}
