//! What is switched off is not used, and is kept. Clients, codes and tokens: `oauth/disabled.rs`.

use model::administrator::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{IdentityProvider, Request},
};

fn user(mut attributes: Value) -> Value {
    attributes["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
    attributes
}

both! {
    async fn an_organization_that_is_switched_off_signs_nobody_in_and_takes_nobody(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let path = format!("/v1/organizations/{}", tenant.organization.id);
        let body = json!({ "organizationId": tenant.organization.id, "canManageSaml": true });
        let link = app.api(&key, Method::POST, "/v1/setup-urls", Some(body)).await.json()["url"].as_str().unwrap().to_owned();
        let admin = app.browser();
        let opened = admin.get(&link).await;
        let form = opened.form();
        let home = admin.submit(&opened, &form).await.location();
        assert_eq!(admin.get(home.as_str()).await.status, 200);
        assert_eq!(app.scim(&directory, Method::GET, "/Users", None).await.status, 200);

        let console = app.console(Role::Admin, &environment).await;
        let edit = format!("/organizations/{}/edit", tenant.organization.id);
        let fields = [("displayName", "Acme"), ("externalId", ""), ("domains", "acme.example"), ("allowFreeMail", ""), ("disabled", "")];
        console.done(&edit, &[&fields[..], &[("disabled", "true")]].concat()).await.says("This organization is switched off");
        let browser = app.browser();
        let link = app.api(&key, Method::POST, "/v1/saml/redirect", Some(json!({ "organizationId": tenant.organization.id }))).await;
        let refused = browser.get(link.json()["redirectUrl"].as_str().unwrap()).await;
        assert_eq!(refused.status, 403);
        refused.says("organization_disabled").says("is switched off in this app");
        let refused = app.scim(&directory, Method::GET, "/Users", None).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert!(refused.body.contains("organization_disabled"), "{}", refused.body);
        let setup = admin.get(home.as_str()).await;
        assert_eq!(setup.status, 403);
        setup.says("Single sign-on for your company is switched off");
        let now = app.api(&key, Method::GET, &path, None).await.json();
        assert_eq!((&now["organization"]["disabled"], &now["organization"]["domains"]), (&json!(true), &json!(["acme.example"])));

        console.done(&edit, &fields).await.does_not_say("This organization is switched off");
        assert_eq!(app.scim(&directory, Method::GET, "/Users", None).await.status, 200);
        assert_eq!(admin.get(home.as_str()).await.status, 200);
        let request = app.begin(&browser, &key, &tenant).await;
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, Some(&request.id), "ada@acme.example", app.now()));
        assert_eq!(request.answer(&browser, &tenant, &response).await.status, 303);
    }

    async fn a_directory_that_is_switched_off_takes_nothing_and_keeps_what_it_has(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory(&tenant).await;
        let made = app.scim(&directory, Method::POST, "/Users", Some(user(json!({ "userName": "ada@acme.example", "active": false })))).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let path = format!("/v1/scim-directories/{}", directory.id);
        assert_eq!(app.api(&key, Method::PATCH, &path, Some(json!({ "disabled": true }))).await.status, 200);
        for refused in [app.scim(&directory, Method::GET, "/Users", None).await, app.scim(&directory, Method::POST, "/Users", Some(user(json!({ "userName": "bob@acme.example" })))).await] {
            assert_eq!(refused.status, 403, "{}", refused.body);
            assert!(refused.body.contains("directory_disabled"), "{}", refused.body);
        }
        // Without the token nobody learns that it is switched off.
        let stranger = app.browser();
        let request = stranger.request(Method::GET, &format!("{}/Users", directory.base)).bearer_auth("wrong");
        assert_eq!(stranger.send(request).await.status, 401);
        // It still keeps out whom it knows as inactive.
        let browser = app.browser();
        let request = app.begin(&browser, &key, &tenant).await;
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, Some(&request.id), "ada@acme.example", app.now()));
        request.answer(&browser, &tenant, &response).await.says("directory_user_inactive");

        let console = app.console(Role::Admin, &environment).await;
        let edit = format!("/scim-directories/{}/edit", directory.id);
        console.done(&edit, &[("primary", ""), ("disabled", "")]).await.says("SCIM directory saved.");
        assert_eq!(app.scim(&directory, Method::GET, "/Users", None).await.status, 200);
    }

    async fn a_key_that_is_switched_off_is_refused_and_never_switches_itself_off(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let made = app.api(&key, Method::POST, "/v1/api-keys", Some(json!({ "hasManagementApiAccess": true }))).await;
        let made = &made.json()["apiKey"];
        let (id, secret) = (made["id"].as_str().unwrap(), made["secretToken"].as_str().unwrap());
        let path = format!("/v1/api-keys/{id}");
        let own = app.api(secret, Method::PATCH, &path, Some(json!({ "disabled": true }))).await;
        assert_eq!((own.status.as_u16(), own.json()["code"].as_u64()), (400, Some(9)), "{}", own.body);
        assert_eq!(app.api(secret, Method::PATCH, &path, Some(json!({ "disabled": false }))).await.status, 200);

        assert_eq!(app.api(&key, Method::PATCH, &path, Some(json!({ "disabled": true }))).await.status, 200);
        let refused = app.api(secret, Method::GET, "/v1/organizations", None).await;
        assert_eq!(refused.status, 401);
        assert_eq!(refused.json()["message"], "this API key is switched off (disabled); switch it on again, or use another");
        assert_eq!(app.api(&key, Method::PATCH, &path, Some(json!({ "disabled": false }))).await.status, 200);
        assert_eq!(app.api(secret, Method::GET, "/v1/organizations", None).await.status, 200);

        // In the console.
        let console = app.console(Role::Admin, &environment).await;
        let edit = format!("/api-keys/{id}/edit");
        console.done(&edit, &[("displayName", "backend"), ("disabled", ""), ("disabled", "true")]).await
            .says("API key saved.").says("Switched off").says("backend");
        assert_eq!(app.api(secret, Method::GET, "/v1/organizations", None).await.status, 401);
        console.done(&edit, &[("displayName", "backend"), ("disabled", "")]).await.does_not_say("Switched off");
        assert_eq!(app.api(secret, Method::GET, "/v1/organizations", None).await.status, 200);
    }

    async fn a_connection_that_is_switched_off_refuses_logins_with_a_code_of_its_own(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let path = format!("/v1/saml-connections/{}", tenant.connection.id);
        let switch = async |disabled: bool| {
            let answer = app.api(&key, Method::PATCH, &path, Some(json!({ "disabled": disabled }))).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        };
        let idp = IdentityProvider::get();
        let signed = |request: &Request| {
            idp.sign(&idp.response(&tenant, Some(&request.id), "ada@acme.example", app.now()))
        };

        // One login is at the identity provider, one link was handed out, one code is not redeemed yet.
        let browser = app.browser();
        let waiting = app.begin(&browser, &key, &tenant).await;
        let link = app.login_link(&key, &tenant, "x").await;
        let done = app.browser();
        let request = app.begin(&done, &key, &tenant).await;
        let code = crate::support::query(&request.answer(&done, &tenant, &signed(&request)).await.location(), "saml_access_code");
        switch(true).await;
        for refused in [waiting.answer(&browser, &tenant, &signed(&waiting)).await, app.browser().get(&link).await] {
            assert_eq!(refused.status, 403, "{}", refused.body);
            refused.says("connection_disabled").says("is switched off in this app");
        }
        assert_eq!(app.redeem(&key, &code.clone().unwrap()).await.status, 404);
        let flows = app.api(&key, Method::GET, &format!("/v1/saml-flows?organizationId={}", tenant.organization.id), None).await;
        assert!(flows.body.contains("connection_disabled"), "{}", flows.body);
        let console = app.console(Role::Admin, &environment).await;
        console.page(&format!("/saml-connections/{}", tenant.connection.id)).await.says("This connection is switched off");

        switch(false).await;
        assert_eq!(app.redeem(&key, &code.unwrap()).await.status, 404, "what ended stays ended");
        let browser = app.browser();
        let request = app.begin(&browser, &key, &tenant).await;
        assert_eq!(request.answer(&browser, &tenant, &signed(&request)).await.status, 303);
    }
}
