//! What is switched off is not used, and is kept. Clients, codes and tokens: `oauth/disabled.rs`.

use model::administrator::Role;
use reqwest::Method;
use serde_json::json;

use crate::{
    both,
    support::{IdentityProvider, Request},
};

both! {
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
        assert_eq!(refused.json()["message"], "api key is disabled");
        assert_eq!(app.api(&key, Method::PATCH, &path, Some(json!({ "disabled": false }))).await.status, 200);
        assert_eq!(app.api(secret, Method::GET, "/v1/organizations", None).await.status, 200);

        // In the console.
        let console = app.console(Role::Admin, &environment).await;
        let edit = format!("/api-keys/{id}/edit");
        console.done(&edit, &[("displayName", "backend"), ("disabled", ""), ("disabled", "true")]).await
            .says("API key saved.").says("switched off").says("backend");
        assert_eq!(app.api(secret, Method::GET, "/v1/organizations", None).await.status, 401);
        console.done(&edit, &[("displayName", "backend"), ("disabled", "")]).await.does_not_say("switched off");
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
        console.page(&format!("/saml-connections/{}", tenant.connection.id)).await.says("It is switched off");

        switch(false).await;
        assert_eq!(app.redeem(&key, &code.unwrap()).await.status, 404, "what ended stays ended");
        let browser = app.browser();
        let request = app.begin(&browser, &key, &tenant).await;
        assert_eq!(request.answer(&browser, &tenant, &signed(&request)).await.status, 303);
    }
}
