//! Plain http URLs: accepted for loopback only, in every field and surface.

use model::{administrator::Role, http_url::HttpUrl};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, support::Answer};

/// The answer to a value of a field, and whether it was refused for being plain http.
fn is_refused(answer: &Answer, field: &str) -> bool {
    if answer.status.is_success() {
        return false;
    }
    let message = answer.json()["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(answer.status, 400, "{message}");
    assert!(message.starts_with(&format!("bad {field}: must begin with https://")), "{message}");
    true
}

both! {
    async fn addresses_for_browsers_are_https_or_on_the_machine_itself(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let client = app.api(&key, Method::POST, "/v1/saml-oauth-clients", Some(json!({}))).await.json();
        let client = client["samlOauthClient"]["id"].as_str().unwrap().to_owned();
        let own = format!("/v1/environments/{}", environment.id);
        let (branding, client) = (format!("{own}/branding"), format!("/v1/saml-oauth-clients/{client}"));
        let fields: [(&str, &str, &str); 5] = [
            (&own, "redirectUrl", "/callback"),
            (&own, "oauthRedirectUris", "/callback"),
            (&own, "authUrl", ""),
            (&branding, "returnUrl", "/"),
            (&client, "initiateLoginUri", "/login"),
        ];
        for (path, field, rest) in fields {
            for (origin, refused) in [
                ("http://app.example", true),
                ("http://10.0.0.1", true),
                ("http://localhost.app.example", true),
                ("https://app.example", false),
                ("http://localhost:3000", false),
                ("http://127.0.0.1:3000", false),
                ("http://[::1]:3000", false),
            ] {
                let url = format!("{origin}{rest}");
                let value = if field == "oauthRedirectUris" { json!([url]) } else { json!(url) };
                let answer = app.api(&key, Method::PATCH, path, Some(json!({ field: value }))).await;
                assert_eq!(is_refused(&answer, field), refused, "{field} {url}: {}", answer.body);
            }
        }
    }

    async fn what_is_stored_already_goes_on_and_may_be_sent_back(app: TestApp) {
        let mut environment = app.environment("prod").await;
        let old = HttpUrl::parse("http://old.app.example/callback").unwrap();
        environment.redirect_url = Some(old.clone());
        environment.oauth_redirect_uris = vec![old.clone()];
        app.update_environment(&environment).await;
        let key = app.api_key(&environment, true).await;
        let path = format!("/v1/environments/{}", environment.id);
        let patch = async |body: Value| app.api(&key, Method::PATCH, &path, Some(body)).await;
        let kept = patch(json!({
            "displayName": "Changed", "redirectUrl": old, "oauthRedirectUris": [old, "https://new.app.example/callback"],
        })).await;
        assert_eq!(kept.status, 200, "{}", kept.body);
        assert_eq!(kept.json()["environment"]["redirectUrl"], old.as_str());
        // A login still ends there.
        let tenant = app.tenant(&environment, "acme.example").await;
        let browser = app.browser();
        let begun = app.begin(&browser, &key, &tenant).await;
        let idp = crate::support::IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, Some(&begun.id), "dana@acme.example", app.now()));
        let accepted = begun.answer(&browser, &tenant, &response).await;
        assert!(accepted.location().as_str().starts_with(old.as_str()), "{accepted:?}");
        // Once it is gone it does not come back.
        assert_eq!(patch(json!({ "redirectUrl": "https://new.app.example/callback" })).await.status, 200);
        assert!(is_refused(&patch(json!({ "redirectUrl": old })).await, "redirectUrl"));
        let other = patch(json!({ "oauthRedirectUris": ["http://old.app.example/other"] })).await;
        assert!(is_refused(&other, "oauthRedirectUris"));
    }

    async fn the_console_takes_it_no_more_than_the_api(app: TestApp) {
        let environment = app.environment("prod").await;
        let console = app.administrator(Role::Owner, None).await;
        let page = console.get(&app.url("/console/account")).await;
        let token = page.form().field("form_token").unwrap().to_owned();
        let post = async |path: &str, fields: &[(&str, &str)]| {
            let mut fields = fields.to_vec();
            fields.push(("form_token", &token));
            console.post(&app.url(&format!("/console/{}{path}", environment.id)), &fields).await
        };
        let edit = format!("/console/{}/settings/edit", environment.id);
        let form = app.page(&console, &edit).await;
        let settings = [("slug", "prod"), ("idpInitiated", "RESTART"), ("redirectUrl", "http://app.example/cb")];
        for answer in [
            app.press(&console, &form, &edit, &settings).await,
            post("/webhooks/new", &[("url", "http://hooks.example/")]).await,
        ] {
            assert_eq!(answer.status, 422, "{}", answer.body);
            assert!(answer.body.contains("Must begin with https://"), "{}", answer.body);
        }
    }

    async fn endpoints_of_others_are_https_and_never_link_local(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let organization = app.api(&key, Method::POST, "/v1/organizations", Some(json!({}))).await.json();
        let organization = organization["organization"]["id"].as_str().unwrap().to_owned();
        let trial = app.replica_with(|config| config.outgoing_allow_private_targets = true).await;
        let webhook = |url: &str| ("/v1/webhooks", "url", json!({ "url": url }));
        let metadata = |url: &str| {
            let body = json!({ "organizationId": organization, "idpMetadataUrl": url });
            ("/v1/saml-connections", "idpMetadataUrl", body)
        };
        for url in ["http://other.example/x", "http://10.0.0.1/x", "http://other.localhost.example/x"] {
            for (path, field, body) in [webhook(url), metadata(url)] {
                for server in [&app, &trial] {
                    let answer = server.api(&key, Method::POST, path, Some(body.clone())).await;
                    assert!(is_refused(&answer, field), "{field} {url}: {}", answer.body);
                }
            }
        }
        for url in ["http://127.0.0.1:9/x", "http://localhost:9/x"] {
            for (path, field, body) in [webhook(url), metadata(url)] {
                assert!(is_refused(&app.api(&key, Method::POST, path, Some(body)).await, field), "{field} {url}");
            }
            let (path, _, body) = webhook(url);
            let taken = trial.api(&key, Method::POST, path, Some(body)).await;
            assert_eq!(taken.status, 200, "{url}: {}", taken.body);
        }
        for host in ["169.254.169.254", "[::ffff:169.254.169.254]", "[fe80::1]", "2852039166"] {
            let url = format!("https://{host}/x");
            for (path, field, body) in [webhook(&url), metadata(&url)] {
                let answer = trial.api(&key, Method::POST, path, Some(body)).await;
                assert_eq!(answer.status, 400, "{field} {url}: {}", answer.body);
                assert!(answer.body.contains("never calls"), "{field} {url}: {}", answer.body);
            }
        }
    }

    async fn the_sign_on_address_of_an_identity_provider_is_the_customers_own_fact(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let path = format!("/v1/saml-connections/{}", tenant.connection.id);
        let body = json!({ "idpRedirectUrl": "http://adfs.acme.example/adfs/ls" });
        assert_eq!(app.api(&key, Method::PATCH, &path, Some(body)).await.status, 200);
    }
}
