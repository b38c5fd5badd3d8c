//! Templates are no customers: nobody signs in to one, nothing is pushed into it, and it gets nothing that a customer has.

use base::id::{Id, OrganizationId};
use model::{
    administrator::Role, environment::Environment, identity_pool::IdentityPool, oauth_client::IdTokenAlg,
};
use ostiary::{
    app::{
        Error,
        accounts::users::{NewUser, create_in_first_pool},
        organizations::{self, OrganizationChange, error::OrganizationError},
        principal::Principal,
    },
    store::table,
};
use reqwest::Method;
use serde_json::json;

use crate::{
    both,
    support::{IdentityProvider, Tenant, TestApp, random},
};

/// Makes a template of an organization that has connections and directories: no use case does that.
async fn make_template(app: &TestApp, tenant: &Tenant) {
    let mut tx = app.state.db.write().await.unwrap();
    let update = "UPDATE organizations SET is_template = TRUE WHERE id = $1";
    tx.sql(update).bind(tenant.organization.id).execute().await.unwrap();
    tx.commit().await.unwrap();
}

/// A template without anything, and the environment's key.
async fn template(app: &TestApp) -> (Environment, String, OrganizationId) {
    let environment = app.environment("prod").await;
    let key = app.api_key(&environment, true).await;
    let body = json!({ "displayName": "For customers", "template": true, "externalId": "template-1" });
    let made = app.api(&key, Method::POST, "/v1/organizations", Some(body)).await;
    assert_eq!(made.status, 200, "{}", made.body);
    let id = made.json()["organization"]["id"].as_str().unwrap().parse().unwrap();
    (environment, key, id)
}

both! {
    async fn nobody_signs_in_to_a_template(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let idp = IdentityProvider::get();
        let response = |request: &str| idp.sign(&idp.response(&tenant, Some(request), "ada@acme.example", app.now()));
        // Logins that are at the identity provider, links that were handed out, and codes that are not redeemed.
        let (browser, restarted, done) = (app.browser(), app.browser(), app.browser());
        let waiting = app.begin(&browser, &key, &tenant).await;
        let link = app.login_link(&key, &tenant, "x").await;
        let request = app.begin(&done, &key, &tenant).await;
        let code = request.answer(&done, &tenant, &response(&request.id)).await.location();
        let code = crate::support::query(&code, "saml_access_code").unwrap();
        let (client, _) = app.oauth_client(&environment, IdTokenAlg::RS256).await;
        make_template(&app, &tenant).await;

        let unsolicited = idp.sign(&idp.response(&tenant, None, "ada@acme.example", app.now()));
        let authorize = format!(
            "/v1/oauth/authorize?client_id={}&response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fprod.app.example%2Foauth%2Fcallback&organization_id={}",
            client.id, tenant.organization.id
        );
        let console = app.console(Role::Admin, &environment).await;
        let test = console.post(&format!("/saml-connections/{}/test", tenant.connection.id), &[]).await;
        let fresh = app.login_link(&key, &tenant, "y").await;
        for refused in [
            waiting.answer(&browser, &tenant, &response(&waiting.id)).await,
            waiting.answer(&restarted, &tenant, &unsolicited).await,
            app.browser().get(&link).await,
            app.browser().get(&app.url(&authorize)).await,
            app.browser().get(&fresh).await,
        ] {
            assert_eq!(refused.status, 403, "{}", refused.body);
            refused.says("organization_is_template").says("is not fully set up in this app");
        }
        console.page(test.location().path()).await.says("organization_is_template");
        assert_eq!(app.redeem(&key, &code).await.status, 404);
        let path = format!("/v1/saml-flows?organizationId={}", tenant.organization.id);
        let flows = app.api(&key, Method::GET, &path, None).await;
        assert!(flows.body.contains("organization_is_template"), "{}", flows.body);
        // The support reader is told what to do.
        let flow = flows.json()["samlFlows"][0]["id"].as_str().unwrap().to_owned();
        console.page(&format!("/flows/{flow}")).await.says("Make an organization from the template");
    }

    async fn nothing_is_pushed_into_a_template(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        make_template(&app, &tenant).await;
        let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada@acme.example" });
        let bulk = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": [{ "method": "POST", "path": "/Users", "bulkId": "a", "data": user }],
        });
        for (method, path, body) in [
            (Method::GET, "/Users", None),
            (Method::POST, "/Users", Some(user)),
            (Method::POST, "/Bulk", Some(bulk)),
            (Method::GET, "/Groups", None),
        ] {
            let refused = app.scim(&directory, method, path, body).await;
            assert_eq!(refused.status, 403, "{}", refused.body);
            assert!(refused.body.contains("organization_is_template"), "{}", refused.body);
        }
        // Without the token nobody learns of it.
        let stranger = app.browser();
        let request = stranger.request(Method::GET, &format!("{}/Users", directory.base)).bearer_auth("wrong");
        assert_eq!(stranger.send(request).await.status, 401);
    }

    async fn a_template_gets_nothing_that_a_customer_has(app: TestApp) {
        let (environment, key, id) = template(&app).await;
        let refused = |answer: &crate::support::Answer, what: &str| {
            assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!(9)), "{what}: {}", answer.body);
            assert!(answer.body.contains("organization_is_template"), "{what}: {}", answer.body);
        };
        for (path, body) in [
            ("/v1/saml-connections".to_owned(), json!({ "organizationId": id })),
            ("/v1/scim-directories".to_owned(), json!({ "organizationId": id })),
            ("/v1/setup-urls".to_owned(), json!({ "organizationId": id, "canManageSaml": true })),
            ("/v1/applications".to_owned(), json!({ "organizationId": id, "displayName": "x" })),
            (format!("/v1/organizations/{id}/domains"), json!({ "domain": "acme.example" })),
            ("/v1/organizations".to_owned(), json!({ "displayName": "x", "parentId": id })),
        ] {
            let answer = app.api(&key, Method::POST, &path, Some(body)).await;
            refused(&answer, &path);
        }
        let path = format!("/v1/organizations/{id}");
        refused(&app.api(&key, Method::PATCH, &path, Some(json!({ "domains": ["acme.example"] }))).await, "domains");
        // Users.
        let operator = Principal::operator(environment.id);
        let new = NewUser::new(model::user::UserStatus::Active);
        let user = create_in_first_pool(&app.state, &operator, Some(id), &new).await;
        assert!(matches!(user, Err(Error::Organization(OrganizationError::IsTemplate(_)))), "{user:?}");
        let pool = IdentityPool::new(Id::new(app.now(), random()), environment.id, id, app.now());
        let mut tx = app.state.db.write().await.unwrap();
        table::insert(&mut tx, &pool).await.unwrap();
        tx.commit().await.unwrap();
        let token = app.system_token(&environment, &["identity"]).await;
        let path = format!("/api/identity/prod/system/pools/{:032x}/users", pool.id.bits());
        let answer = app.call(&token, Method::POST, &path, Some(json!({ "status": "new" }))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error_code"]), (409, &json!("organization_is_template")), "{}", answer.body);
        // It has no issuer.
        let discovery = app.url(&format!("/prod/{id}/.well-known/openid-configuration"));
        assert_eq!(app.browser().get(&discovery).await.status, 404);
        // Nor does an organization become one that has something of a customer.
        let tenant = app.tenant(&environment, "globex.example").await;
        for remove in [None, Some("DELETE FROM organization_domains WHERE organization_id = $1"), Some("DELETE FROM saml_connections WHERE organization_id = $1")] {
            if let Some(remove) = remove {
                let mut tx = app.state.db.write().await.unwrap();
                tx.sql(remove).bind(tenant.organization.id).execute().await.unwrap();
                tx.commit().await.unwrap();
            }
            let path = format!("/v1/organizations/{}", tenant.organization.id);
            let answer = app.api(&key, Method::PATCH, &path, Some(json!({ "template": true }))).await;
            let expected = if remove.is_some_and(|text| text.contains("saml")) { 200 } else { 400 };
            assert_eq!(answer.status, expected, "{remove:?}: {}", answer.body);
        }
    }

    async fn a_template_stands_in_no_list_of_customers(app: TestApp) {
        let (environment, key, id) = template(&app).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        for query in ["", "?query=For", "?query=customers", "?query=template-1", &format!("?query={id}"), "?pageSize=100"] {
            let list = app.api(&key, Method::GET, &format!("/v1/organizations{query}"), None).await;
            assert_eq!(list.status, 200, "{}", list.body);
            assert!(!list.body.contains(&id.to_string()), "{query}: {}", list.body);
        }
        // It is found by its id, and says what it is.
        let one = app.api(&key, Method::GET, &format!("/v1/organizations/{id}"), None).await.json();
        assert_eq!(one["organization"]["template"], true);
        // Domain routing: even if a template had the domain.
        let other = app.tenant(&environment, "globex.example").await;
        make_template(&app, &other).await;
        let (client, _) = app.oauth_client(&environment, IdTokenAlg::RS256).await;
        for (selector, found) in [("domain_hint=acme.example", true), ("domain_hint=globex.example", false)] {
            let url = format!("/v1/oauth/authorize?client_id={}&response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fprod.app.example%2Foauth%2Fcallback&{selector}", client.id);
            let answer = app.browser().get(&app.url(&url)).await;
            let refused = answer.header("location").contains("error=");
            assert_eq!(!refused, found, "{selector}: {}", answer.header("location"));
        }
        // The console.
        let console = app.console(Role::Admin, &environment).await;
        console.page("/organizations").await.says("Company acme.example").does_not_say("For customers");
        console.page("").await.does_not_say("For customers");
        drop(tenant);
    }

    async fn a_setup_link_of_what_became_a_template_opens_nothing(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let body = json!({ "displayName": "Acme" });
        let made = app.api(&key, Method::POST, "/v1/organizations", Some(body)).await.json();
        let id = made["organization"]["id"].as_str().unwrap().to_owned();
        let body = json!({ "organizationId": id, "canManageSaml": true });
        let link = app.api(&key, Method::POST, "/v1/setup-urls", Some(body)).await.json()["url"].as_str().unwrap().to_owned();
        let admin = app.browser();
        let opened = admin.get(&link).await;
        let form = opened.form();
        let home = admin.submit(&opened, &form).await.location();
        assert_eq!(admin.get(home.as_str()).await.status, 200);
        let change = OrganizationChange { template: Some(true), ..OrganizationChange::default() };
        let operator = Principal::operator(environment.id);
        organizations::update(&app.state, &operator, id.parse().unwrap(), None, &change).await.unwrap();
        let refused = admin.get(home.as_str()).await;
        assert!(refused.status.is_client_error(), "{}", refused.status);
        refused.does_not_say("Acme");
        let again = app.browser().get(&link).await;
        assert!(again.status.is_client_error() || !again.body.contains("Acme"), "{}", again.body);
    }
}
