//! Applications as the management API shows and changes them (contract §2.8).

use model::organization::root_id;
use reqwest::Method;
use serde_json::{Value, json};

use super::{SCOPES, application, organization};
use crate::{
    both,
    support::{Answer, TestApp, tokens::Client},
};

const APPLICATIONS: &str = "/api/server/v1/applications";

fn uuid(bits: u128) -> String {
    uuid::Uuid::from_u128(bits).hyphenated().to_string()
}

/// The guide's application, and one that may change applications.
struct Setting<'a> {
    app: &'a TestApp,
    guide: Client,
    root: String,
    environment: model::environment::Environment,
}

impl<'a> Setting<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let scopes: Vec<&str> = SCOPES
            .iter()
            .copied()
            .chain([
                "internal_application_mgt_create",
                "internal_application_mgt_update",
                "internal_application_mgt_delete",
                "internal_shared_application_create",
                "internal_shared_application_delete",
                "internal_shared_application_view",
                "internal_org_shared_application_create",
            ])
            .collect();
        let guide = application(app, &environment, "all", &scopes).await;
        let root = app.token("/oauth2/token", &guide).await;
        Self { app, guide, root, environment }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.call(&self.root, method, path, body).await
    }

    async fn switched(&self, organization: &str) -> String {
        let answer =
            super::switch(self.app, "/oauth2/token", &self.guide, &self.root, organization, None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(answer.json()["code"], code, "{}", answer.body);
    assert!(answer.json()["traceId"].is_string());
}

both! {
    async fn an_organization_finds_the_shared_application_by_its_name_under_an_id_of_its_own(app: TestApp) {
        let setting = Setting::new(&app).await;
        let one = uuid(organization(&app, &setting.environment).await.id.bits());
        let other = uuid(organization(&app, &setting.environment).await.id.bits());
        let (one, other) = (setting.switched(&one).await, setting.switched(&other).await);
        let path = "/o/api/server/v1/applications?filter=name%20eq%20B2B%20App";
        let mut ids = Vec::new();
        for token in [&one, &other] {
            let answer = app.call(token, Method::GET, path, None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let body = answer.json();
            assert_eq!((&body["totalResults"], &body["startIndex"], &body["count"]), (&json!(1), &json!(1), &json!(1)));
            let item = &body["applications"][0];
            assert_eq!((&item["name"], &item["access"]), (&json!("B2B App"), &json!("READ")));
            assert_eq!(item["clientId"], json!(setting.guide.id));
            let id = item["id"].as_str().unwrap().to_owned();
            assert_eq!(item["self"], format!("/o/api/server/v1/applications/{id}"));
            ids.push(id);
        }
        assert_ne!(ids[0], ids[1]);
        assert!(!ids.contains(&uuid(setting.guide.id.bits())));
        // Each is found where it is, and nowhere else; the vendor's own id is none of an organization.
        for (token, id, status) in [
            (&one, &ids[0], 200),
            (&one, &ids[1], 404),
            (&other, &ids[0], 404),
            (&one, &uuid(setting.guide.id.bits()), 404),
        ] {
            let answer = app.call(token, Method::GET, &format!("/o/api/server/v1/applications/{id}"), None).await;
            assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        }
        let answer = app.call(&one, Method::GET, &format!("/o{APPLICATIONS}/{}", ids[0]), None).await;
        assert_eq!(answer.json()["advancedConfigurations"]["fragment"], json!(true));
        // What is shared is not shared further, and the secret is not told.
        let share = json!({ "shareWithAllChildren": true });
        let path = format!("/o{APPLICATIONS}/{}/share", ids[0]);
        refused(&app.call(&one, Method::POST, &path, Some(share)).await, 400, "ORG-60077");
        let answer = app.call(&one, Method::GET, &format!("/o{APPLICATIONS}/{}/inbound-protocols/oidc", ids[0]), None).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["clientSecret"]), (200, &Value::Null));
    }

    async fn lists_are_filtered_and_cut(app: TestApp) {
        let setting = Setting::new(&app).await;
        let made = async |name: &'static str| {
            let body = json!({ "name": name, "inboundProtocolConfiguration": { "oidc": { "grantTypes": ["client_credentials"] } } });
            let answer = setting.call(Method::POST, APPLICATIONS, Some(body)).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
        };
        for name in ["Alpha", "Alpha 50%", "Research and Development"] {
            // The newest are first.
            app.advance(std::time::Duration::from_secs(1));
            made(name).await;
        }
        let names = |body: &Value| -> Vec<String> {
            let items = body["applications"].as_array().unwrap();
            items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
        };
        for (query, expected) in [
            ("", &["Research and Development", "Alpha 50%", "Alpha", "B2B App"][..]),
            ("?filter=name+co+alpha", &["Alpha 50%", "Alpha"]),
            ("?filter=name+ew+%25", &["Alpha 50%"]),
            ("?filter=name%20sw%20b2b%20or%20name%20eq%20Alpha", &["Alpha", "B2B App"]),
            ("?filter=name+eq+Research+and+Development", &["Research and Development"]),
            ("?filter=name+eq+Alpha+and+name+co+x", &[]),
            ("?filter=issuer+eq+x", &[]),
            ("?limit=1&offset=1", &["Alpha 50%"]),
            ("?limit=0", &[]),
        ] {
            let answer = setting.call(Method::GET, &format!("{APPLICATIONS}{query}"), None).await;
            assert_eq!(answer.status, 200, "{query}: {}", answer.body);
            assert_eq!(names(&answer.json()), expected, "{query}");
        }
        let body = setting.call(Method::GET, &format!("{APPLICATIONS}?limit=1&offset=1"), None).await.json();
        let rels: Vec<&str> = body["links"].as_array().unwrap().iter().map(|link| link["rel"].as_str().unwrap()).collect();
        assert_eq!(rels, ["previous", "next"]);
        for (query, status, code) in [
            ("?filter=foo+eq+x", 400, "APP-60004"),
            ("?filter=name+gt+x", 400, "APP-60004"),
            ("?limit=-1", 400, "APP-60003"),
            ("?offset=x", 400, "APP-60002"),
            ("?sortBy=name", 501, "APP-65002"),
        ] {
            refused(&setting.call(Method::GET, &format!("{APPLICATIONS}{query}"), None).await, status, code);
        }
    }

    async fn an_application_is_made_changed_and_removed(app: TestApp) {
        let setting = Setting::new(&app).await;
        let body = json!({
            "name": "Portal",
            "description": "Where customers sign up",
            "inboundProtocolConfiguration": { "oidc": { "grantTypes": ["client_credentials", "organization_switch"] } },
            "associatedRoles": { "allowedAudience": "APPLICATION" }
        });
        let answer = setting.call(Method::POST, APPLICATIONS, Some(body.clone())).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let location = answer.header("location").to_owned();
        assert!(location.starts_with(&app.url(APPLICATIONS)), "{location}");
        let id = location.rsplit('/').next().unwrap().to_owned();
        refused(&setting.call(Method::POST, APPLICATIONS, Some(body)).await, 409, "APP-60007");
        let path = format!("{APPLICATIONS}/{id}");
        let body = setting.call(Method::GET, &path, None).await.json();
        assert_eq!(body["associatedRoles"], json!({ "allowedAudience": "APPLICATION", "roles": [] }));
        assert_eq!((&body["access"], &body["description"]), (&json!("WRITE"), &json!("Where customers sign up")));
        // The secret is there once, and good.
        let oidc = format!("{path}/inbound-protocols/oidc");
        let first = setting.call(Method::GET, &oidc, None).await.json();
        let client = Client {
            id: first["clientId"].as_str().unwrap().parse().unwrap(),
            secret: first["clientSecret"].as_str().expect("a secret").to_owned(),
        };
        assert_eq!(setting.call(Method::GET, &oidc, None).await.json()["clientSecret"], Value::Null);
        assert!(app.columns_with(&client.secret).await.is_empty());
        // It may ask for what it is authorized for.
        let apis = format!("{path}/authorized-apis");
        let body = json!({ "id": "/api/server/v1/organizations", "policyIdentifier": "RBAC", "scopes": ["internal_organization_view"] });
        assert_eq!(setting.call(Method::POST, &apis, Some(body)).await.status, 200);
        let body = json!({ "id": "/scim2/Users", "scopes": ["internal_organization_view"] });
        refused(&setting.call(Method::POST, &apis, Some(body)).await, 400, "APP-60001");
        let body = json!({ "id": "/scim2/Nothing", "scopes": [] });
        refused(&setting.call(Method::POST, &apis, Some(body)).await, 404, "APP-60001");
        let answer = app.ask_token("/oauth2/token", &client, Some("internal_organization_view internal_user_mgt_list")).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["scope"]), (200, &json!("internal_organization_view")));
        let listed = setting.call(Method::GET, &apis, None).await.json();
        let api = listed[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(listed[0]["authorizedScopes"][0]["name"], "internal_organization_view");
        assert_eq!(setting.call(Method::DELETE, &format!("{apis}/{api}"), None).await.status, 204);
        assert_eq!(setting.call(Method::GET, &apis, None).await.json(), json!([]));
        // A new secret ends the one before.
        let new = setting.call(Method::POST, &format!("{oidc}/regenerate-secret"), None).await.json();
        assert_ne!(new["clientSecret"], json!(client.secret));
        assert_eq!(app.ask_token("/oauth2/token", &client, None).await.status, 401);
        // Changed, and removed.
        let change = json!({ "name": "B2B App" });
        refused(&setting.call(Method::PATCH, &path, Some(change)).await, 409, "APP-60007");
        let change = json!({ "name": "Door", "description": "" });
        assert_eq!(setting.call(Method::PATCH, &path, Some(change)).await.status, 200);
        assert_eq!(setting.call(Method::GET, &path, None).await.json()["name"], "Door");
        assert_eq!(setting.call(Method::DELETE, &path, None).await.status, 204);
        refused(&setting.call(Method::GET, &path, None).await, 404, "APP-60006");
        refused(&setting.call(Method::GET, &format!("{APPLICATIONS}/nonsense"), None).await, 404, "APP-60006");
        for body in [json!({}), json!({ "name": " " }), json!([]), json!({ "name": "X", "inboundProtocolConfiguration": { "oidc": { "grantTypes": ["password"] } } })] {
            assert_eq!(setting.call(Method::POST, APPLICATIONS, Some(body)).await.status, 400);
        }
    }

    async fn another_environment_s_application_is_not_there(app: TestApp) {
        let setting = Setting::new(&app).await;
        let elsewhere = app.environment("other").await;
        let theirs = application(&app, &elsewhere, "all", &SCOPES).await;
        let root = app.token("/t/prod/oauth2/token", &setting.guide).await;
        let path = format!("/t/prod{APPLICATIONS}/{}", uuid(theirs.id.bits()));
        refused(&app.call(&root, Method::GET, &path, None).await, 404, "APP-60006");
        let path = format!("{path}/share");
        refused(&app.call(&root, Method::GET, &path, None).await, 404, "ORG-60035");
        let own = format!("/t/prod{APPLICATIONS}/{}/share", uuid(setting.guide.id.bits()));
        let organization = organization(&app, &elsewhere).await;
        for unknown in [uuid(organization.id.bits()), uuid(root_id(elsewhere.id).bits()), "nonsense".to_owned()] {
            let body = json!({ "shareWithAllChildren": false, "sharedOrganizations": [unknown] });
            refused(&app.call(&root, Method::POST, &own, Some(body)).await, 404, "ORG-60015");
        }
    }
}
