//! Templates: what is made from them, and which of them (1.5).

use std::collections::BTreeMap;

use base::id::{Id, OrganizationId};
use model::{
    identity_pool::{AuthenticationMechanism, IdentityPool, Mechanisms},
    organization::Organization,
};
use ostiary::{
    app::{environments::EnvironmentChange, organizations::lists, principal::Principal, resource},
    store::{identity_pools, table},
};

use super::*;
use crate::{both, support::random};

async fn stored(app: &TestApp, environment: &Environment, id: &str) -> Organization {
    let operator = Principal::operator(environment.id);
    let id = lists::find_id(&app.state, &operator, id).await.unwrap();
    let mut conn = app.state.db.read().await.unwrap();
    table::find(&mut conn, environment.id, id).await.unwrap().unwrap()
}

async fn pools(app: &TestApp, environment: &Environment, id: OrganizationId) -> Vec<IdentityPool> {
    let mut conn = app.state.db.read().await.unwrap();
    identity_pools::list_by_organization(&mut conn, environment.id, id, 100).await.unwrap()
}

/// A template with all that is copied, and all that is not.
async fn template(app: &TestApp, environment: &Environment, caller: &Caller<'_>) -> Organization {
    caller
        .create(json!({
            "id": "template-id",
            "name": "b2b-customer-template",
            "displayName": "For customers",
            "description": "Copied never",
            "email": "templates@vendor.example",
            "color": "#123456",
            "template": true,
            "authentication_mechanisms": ["password", "webauthn"],
            "metadata": { "payload": { "region": "none" }, "schema": guide_schema() },
        }))
        .await;
    let mut template = stored(app, environment, "template-id").await;
    template.attributes = BTreeMap::from([("tier".to_owned(), "gold".to_owned())]);
    app.store_organization(&template).await;
    let mut pool = IdentityPool::new(Id::new(app.now(), random()), environment.id, template.id, app.now());
    pool.name = "Customers".into();
    pool.first_factors = Mechanisms {
        allowed: vec![AuthenticationMechanism::Password, AuthenticationMechanism::Webauthn],
        preferred: Some(AuthenticationMechanism::Password),
    };
    let mut tx = app.state.db.write().await.unwrap();
    table::insert(&mut tx, &pool).await.unwrap();
    tx.commit().await.unwrap();
    stored(app, environment, "template-id").await
}

both! {
    async fn an_organization_gets_a_copy_of_settings_and_pools_and_nothing_else(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let template = template(&app, &environment, &caller).await;
        app.advance(std::time::Duration::from_secs(60));
        let made = caller.create(json!({ "id": "acme-id", "name": "acme", "template_id": "template-id" })).await;
        assert_eq!(made["authentication_mechanisms"], json!(["password", "webauthn"]));
        assert_eq!(made["metadata"], json!({ "payload": {}, "schema": guide_schema() }));
        assert_eq!((&made["color"], &made["template"], &made["domains"]), (&json!("#123456"), &json!(false), &json!(null)));
        assert_eq!((&made["description"], made.get("email"), made.get("displayName")), (&json!(""), None, None));
        let organization = stored(&app, &environment, "acme-id").await;
        let applied = organization.applied_template.unwrap();
        assert_eq!((applied.id, applied.at), (template.id, organization.created_at));
        assert_eq!(organization.attributes, template.attributes);
        let (of_template, copies) = (pools(&app, &environment, template.id).await, pools(&app, &environment, organization.id).await);
        assert_eq!((of_template.len(), copies.len()), (1, 1));
        assert_ne!(of_template[0].id, copies[0].id);
        assert_eq!((&copies[0].name, &copies[0].first_factors, copies[0].number_of_users), (&of_template[0].name, &of_template[0].first_factors, 0));
        // All of it is in the audit log.
        let key = app.api_key(&environment, true).await;
        let log = app.api(&key, Method::GET, "/v1/audit-events?organizationId=acme-id", None).await;
        assert!(log.body.contains("organization.created") && log.body.contains("templateId"), "{}", log.body);

        // A copy: what changes in the template later stays there.
        let changed = caller.put("template-id", json!({ "name": "b2b-customer-template", "template": true, "color": "#000000" })).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_eq!(caller.get("acme-id").await, made);
        // What the request sets goes before what the template has.
        let other = caller.create(json!({
            "name": "globex", "template_id": "b2b-customer-template", "color": "#ABCDEF", "authentication_mechanisms": ["totp"],
            "metadata": { "payload": { "free": 1 }, "schema": {} },
        })).await;
        assert_eq!((&other["color"], &other["authentication_mechanisms"]), (&json!("#ABCDEF"), &json!(["totp"])));
        assert_eq!(other["metadata"], json!({ "payload": { "free": 1 }, "schema": {} }));
        // The template may go.
        assert_eq!(caller.send(Method::DELETE, "/template-id", None).await.status, 204);
        assert_eq!(caller.get("acme-id").await, made);
        // Its pools go with an organization.
        assert_eq!(caller.send(Method::DELETE, "/acme-id", None).await.status, 204);
        assert_eq!(pools(&app, &environment, organization.id).await, []);
    }

    async fn a_template_is_found_by_its_id_then_by_its_exact_name(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        caller.create(json!({ "id": "first-id", "name": "second-id", "template": true, "color": "#111111" })).await;
        caller.create(json!({ "id": "second-id", "name": "Second", "template": true, "color": "#222222" })).await;
        let plain = caller.create(json!({ "id": "plain-id", "name": "Plain" })).await;
        assert_eq!(plain["color"], "");
        let hex = format!("{:032x}", stored(&app, &environment, "first-id").await.id.bits());
        for (number, (template, color)) in [
            ("first-id", "#111111"), (hex.as_str(), "#111111"), ("second-id", "#222222"), ("Second", "#222222"),
        ].into_iter().enumerate() {
            let made = caller.create(json!({ "name": format!("made {number}"), "template_id": template })).await;
            assert_eq!(made["color"], color, "{template}");
        }
        for (template, status, code) in [
            ("nobody", 404, "template_not_found"),
            ("second", 404, "template_not_found"),
            ("Plain", 404, "template_not_found"),
            ("a b", 404, "template_not_found"),
            ("00000000000000000000000000000001", 404, "template_not_found"),
            ("plain-id", 422, "not_a_template"),
        ] {
            assert_eq!(caller.refused(json!({ "name": "x", "template_id": template })).await, (status, code.into()), "{template}");
        }
        assert!(!caller.names("?limit=100").await.contains(&"x".to_owned()));
    }

    async fn the_defaults_of_the_environment_count_where_none_is_named(app: TestApp) {
        let environment = app.environment("prod").await;
        let (caller, key) = (Caller::new(&app, &environment).await, app.api_key(&environment, true).await);
        caller.create(json!({ "id": "template-id", "name": "Template", "template": true, "color": "#111111" })).await;
        caller.create(json!({ "id": "other-template", "name": "Other", "template": true, "color": "#222222" })).await;
        caller.create(json!({ "id": "parent-id", "name": "Parent" })).await;
        let id = async |text: &str| stored(&app, &environment, text).await.id.to_string();
        let (template, parent) = (id("template-id").await, id("parent-id").await);
        let path = format!("/v1/environments/{}", environment.id);
        // A template is no parent, and an organization is no template.
        for (field, value) in [("defaultTemplateId", &parent), ("defaultParentId", &template), ("defaultTemplateId", &"org_x".to_owned())] {
            let refused = app.api(&key, Method::PATCH, &path, Some(json!({ field: value }))).await;
            assert_eq!(refused.status, 400, "{field}: {}", refused.body);
            assert!(refused.body.contains(field), "{}", refused.body);
        }
        let set = app.api(&key, Method::PATCH, &path, Some(json!({ "defaultTemplateId": template, "defaultParentId": parent }))).await;
        assert_eq!(set.status, 200, "{}", set.body);
        assert_eq!((&set.json()["environment"]["defaultTemplateId"], &set.json()["environment"]["defaultParentId"]), (&json!(template), &json!(parent)));

        let made = caller.create(json!({ "name": "both" })).await;
        assert_eq!((&made["color"], &made["parent_id"]), (&json!("#111111"), &json!("parent-id")));
        let made = caller.create(json!({ "name": "null", "template_id": null, "parent_id": null })).await;
        assert_eq!((&made["color"], &made["parent_id"]), (&json!("#111111"), &json!("parent-id")));
        let made = caller.create(json!({ "name": "neither", "template_id": "", "parent_id": "" })).await;
        assert_eq!((&made["color"], &made["parent_id"]), (&json!(""), &json!("")));
        let made = caller.create(json!({ "name": "named", "template_id": "other-template", "parent_id": "parent-id" })).await;
        assert_eq!((&made["color"], &made["parent_id"]), (&json!("#222222"), &json!("parent-id")));
        let made = caller.create(json!({ "name": "Third", "template": true })).await;
        assert_eq!(made["color"], "", "a template is not made from the default one");
        // A replacement has no defaults but the contract's.
        let id = caller.create(json!({ "name": "moved" })).await["id"].as_str().unwrap().to_owned();
        assert_eq!(caller.put(&id, json!({ "name": "moved" })).await.json()["parent_id"], "");
        // The other API names both, or has none.
        let made = app.api(&key, Method::POST, "/v1/organizations", Some(json!({ "displayName": "Plain" }))).await.json();
        assert_eq!((made["organization"].get("templateId"), made["organization"].get("parentId")), (None, None));
        // What is gone is none.
        for child in ["both", "null", "named"] {
            let answer = caller.send(Method::GET, &format!("?search_phrase={child}"), None).await.json();
            let path = format!("/{}", answer["organizations"][0]["id"].as_str().unwrap());
            assert_eq!(caller.send(Method::DELETE, &path, None).await.status, 204);
        }
        let third = caller.send(Method::GET, "?template=true&search_phrase=Third", None).await.json();
        let third = format!("/{}", third["organizations"][0]["id"].as_str().unwrap());
        assert_eq!(caller.send(Method::DELETE, &third, None).await.status, 204);
        for path in ["/template-id", "/parent-id"] {
            let gone = caller.send(Method::DELETE, path, None).await;
            assert_eq!(gone.status, 204, "{path}: {}", gone.body);
        }
        let made = caller.create(json!({ "name": "later" })).await;
        assert_eq!((&made["color"], &made["parent_id"]), (&json!(""), &json!("")));
        // Of another environment: refused.
        let other = app.environment("other").await;
        let change = EnvironmentChange { default_template_id: Some(template), ..EnvironmentChange::default() };
        let refused = resource::update::<Environment>(&app.state, &Principal::operator(other.id), other.id, None, &change).await;
        assert!(refused.is_err_and(|error| error.to_string().starts_with("defaultTemplateId")));
    }

    async fn a_template_has_nothing_below_it_and_no_domains(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        caller.create(json!({ "id": "template-id", "name": "Template", "template": true })).await;
        let is_template = (409, "organization_is_template".to_owned());
        assert_eq!(caller.refused(json!({ "name": "x", "parent_id": "template-id" })).await, is_template);
        assert_eq!(caller.refused(json!({ "name": "x", "template": true, "domains": ["acme.example"] })).await, is_template);
        let answer = caller.put("template-id", json!({ "name": "Template", "template": true, "domains": ["acme.example"] })).await;
        assert_eq!(error(&answer), is_template);
        caller.create(json!({ "id": "plain-id", "name": "Plain" })).await;
        let answer = caller.put("plain-id", json!({ "name": "Plain", "parent_id": "template-id" })).await;
        assert_eq!(error(&answer), is_template);
        // An organization that has something of a customer becomes none.
        for (body, what) in [
            (json!({ "name": "Plain", "template": true }), "children"),
            (json!({ "name": "With domain", "template": true }), "domains"),
        ] {
            let id = match what {
                "children" => {
                    caller.create(json!({ "name": "child", "parent_id": "plain-id" })).await;
                    "plain-id".to_owned()
                }
                _ => caller.create(json!({ "name": "With domain", "domains": ["acme.example"] })).await["id"].as_str().unwrap().to_owned(),
            };
            let answer = caller.put(&id, body).await;
            let errors = answer.json()["details"]["errors"].clone();
            assert_eq!(error(&answer), (422, "validation_failed".into()), "{what}");
            assert_eq!(errors[0]["path"], "template", "{what}");
        }
        // One that has nothing does, and back.
        caller.create(json!({ "id": "bare-id", "name": "Bare" })).await;
        assert_eq!(caller.put("bare-id", json!({ "name": "Bare", "template": true })).await.json()["template"], true);
        assert_eq!(caller.names("?template=true&sort=name").await, ["Bare", "Template"]);
        assert_eq!(caller.put("bare-id", json!({ "name": "Bare" })).await.json()["template"], false);
    }

    async fn copies_made_while_the_template_changes_are_of_one_version(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let body = |color: &str| json!({ "name": "Template", "template": true, "color": color, "metadata": { "schema": { "title": color } } });
        let mut first = body("#000000");
        first["id"] = json!("template-id");
        caller.create(first).await;
        for round in 1..6 {
            let color = format!("#00000{round}");
            let copies = (0..3).map(|number| caller.create(json!({ "name": format!("copy {round} {number}"), "template_id": "template-id" })));
            let (copies, changed) = tokio::join!(futures_util::future::join_all(copies), caller.put("template-id", body(&color)));
            assert_eq!(changed.status, 200, "{}", changed.body);
            for copy in copies {
                assert_eq!(copy["color"], copy["metadata"]["schema"]["title"], "{copy}");
            }
        }
    }
}
