//! What is switched off opens nothing, at once: clients, connections, organizations.

use model::domain::{Domain, DomainState};
use serde_json::json;

use super::*;
use crate::both;

/// Switches a resource off and on again.
async fn switch(fixture: &Fixture<'_>, path: &str, disabled: bool) {
    let key = fixture.app.api_key(&fixture.environment, true).await;
    let body = Some(json!({ "disabled": disabled }));
    let answer = fixture.app.api(&key, Method::PATCH, path, body).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json().as_object().unwrap().values().next().unwrap()["disabled"], disabled);
}

/// Codes and tokens that were there when it was switched off are worth nothing, then and after it is switched on again;
/// new logins work then.
async fn codes_and_tokens_end(fixture: &Fixture<'_>, path: &str) {
    let (code, token) = (fixture.code(&[]).await, fixture.tokens().await["access_token"].clone());
    let token = token.as_str().unwrap();
    assert_eq!(fixture.userinfo(token).await.status, 200);
    switch(fixture, path, true).await;
    for off in [true, false] {
        assert_eq!(fixture.userinfo(token).await.status, 401, "{path}: {off}");
        let refused = fixture.token(&code, &[]).await;
        assert_eq!(refused.status, 400, "{path}: {}", refused.body);
        let expected = if off && path.contains("clients") { "unauthorized_client" } else { "invalid_grant" };
        assert_eq!(refused.json()["error"], expected, "{path}: {off}");
        if off {
            switch(fixture, path, false).await;
        }
    }
    let token = fixture.tokens().await["access_token"].clone();
    assert_eq!(fixture.userinfo(token.as_str().unwrap()).await.status, 200);
}

both! {
    async fn a_client_that_is_switched_off_signs_nobody_in(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let path = format!("/v1/saml-oauth-clients/{}", fixture.client_id);
        codes_and_tokens_end(&fixture, &path).await;

        switch(&fixture, &path, true).await;
        let refused = app.browser().get(&fixture.authorize_url(&[])).await.location();
        assert_eq!(query(&refused, "error").as_deref(), Some("unauthorized_client"));
        assert!(query(&refused, "error_description").unwrap().contains("client_disabled"), "{refused}");
        // Whoever has not its secret learns nothing of it.
        let stranger = fixture.token("x", &[("client_secret", "wrong")]).await;
        assert_eq!(stranger.json()["error"], "invalid_client");
    }

    async fn codes_and_tokens_of_an_organization_end_with_its_use(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        codes_and_tokens_end(&fixture, &format!("/v1/organizations/{}", fixture.tenant.organization.id)).await;
    }

    async fn codes_and_tokens_of_a_connection_end_with_its_use(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        codes_and_tokens_end(&fixture, &format!("/v1/saml-connections/{}", fixture.tenant.connection.id)).await;
    }

    async fn what_is_switched_off_is_no_choice(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let mut other = app.tenant(&fixture.environment, "other.example").await;
        other.organization.domains.insert(Domain::parse("acme.example").unwrap(), DomainState::Whitelisted);
        app.store_organization(&other.organization).await;
        let url = fixture.authorize_url(&[("organization_id", ""), ("login_hint", "dana@acme.example")]);
        assert_eq!(app.browser().get(&url).await.status, 200, "two to choose from");
        let path = format!("/v1/organizations/{}", other.organization.id);
        switch(&fixture, &path, true).await;
        let browser = app.browser();
        let request = Request::read(&browser.get(&url).await);
        assert!(!request.id.is_empty(), "the other one is all that is left");
        switch(&fixture, &format!("/v1/saml-connections/{}", fixture.tenant.connection.id), true).await;
        assert_eq!(browser.get(&url).await.status, 200);
        switch(&fixture, &path, false).await;
        Request::read(&browser.get(&url).await);
    }
}
