//! Redirect URIs of a client's own, instead of those of the environment; and which clients `/v1/oauth` knows.

use serde_json::json;

use super::*;
use crate::both;

both! {
    async fn a_client_with_redirect_uris_of_its_own_uses_no_others(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let key = app.api_key(&fixture.environment, true).await;
        let client = format!("/v1/saml-oauth-clients/{}", fixture.client_id);
        let set = async |uris: Value| app.api(&key, Method::PATCH, &client, Some(json!({ "redirectUris": uris }))).await;
        let own = "https://own.app.example/cb";
        let asked = fixture.authorize_url(&[("redirect_uri", own)]);
        assert_eq!(app.browser().get(&asked).await.status, 400);
        let changed = set(json!([own])).await;
        assert_eq!(changed.json()["samlOauthClient"]["redirectUris"], json!([own]));
        let callback = fixture.sign_in(&app.browser(), &asked, "dana@acme.example").await;
        assert!(callback.as_str().starts_with(own), "{callback}");
        let code = query(&callback, "code").unwrap();
        assert_eq!(fixture.token(&code, &[("redirect_uri", own)]).await.status, 200);
        assert_eq!(app.browser().get(&fixture.authorize_url(&[])).await.status, 400, "the environment's");
        for bad in ["http://own.app.example/cb", "https://own.app.example/cb#x", "own"] {
            assert_eq!(set(json!([bad])).await.status, 400, "{bad}");
        }
        assert_eq!(set(json!([])).await.status, 200);
        assert_eq!(app.browser().get(&asked).await.status, 400);
        assert_eq!(fixture.token(&fixture.code(&[]).await, &[]).await.status, 200);
    }

    async fn applications_and_oauth_clients_are_not_taken_for_each_other(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let key = app.api_key(&fixture.environment, true).await;
        let application = app.service_client(&fixture.environment, &["identity"]).await;
        let ids = async |path: &str, list: &str| -> Vec<String> {
            let answer = app.api(&key, Method::GET, path, None).await.json();
            answer[list].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids("/v1/saml-oauth-clients", "samlOauthClients").await, [fixture.client_id.as_str()]);
        assert_eq!(ids("/v1/applications", "applications").await, [application.id.to_string()]);
        // The same 128 bits under the other name.
        let bits = application.id.bits();
        let disguised = base::id::OauthClientId::from_bits(bits).to_string();
        for path in [format!("/v1/saml-oauth-clients/{}", application.id), format!("/v1/saml-oauth-clients/{disguised}")] {
            for method in [Method::GET, Method::DELETE] {
                let answer = app.api(&key, method, &path, None).await;
                assert!([400, 404].contains(&answer.status.as_u16()), "{path}: {}", answer.body);
            }
        }
        let secret = application.secret.replace("app_secret_", "ssoready_oauth_client_secret_");
        for (id, secret) in [(application.id.to_string(), application.secret.clone()), (disguised.clone(), secret)] {
            let answer = fixture.token("saml_access_code_0000000000000000000000001", &[("client_id", &id), ("client_secret", &secret)]).await;
            assert_eq!(answer.status, 401, "{}", answer.body);
            assert_eq!(answer.json()["error"], "invalid_client");
        }
        // An OAuth client has no business at the issuers.
        let form = [("grant_type", "client_credentials"), ("client_id", &*fixture.client_id), ("client_secret", &*fixture.secret)];
        for path in ["/prod/system/oauth2/token", "/prod/root/oauth2/token", "/oauth2/token"] {
            assert_eq!(app.browser().post(&app.url(path), &form).await.status, 401, "{path}");
        }
        assert_eq!(app.ask_token("/prod/system/oauth2/token", &application, None).await.status, 200);
    }
}
