//! The log lines of a login.

use base::time::{Clock as _, SystemClock};
use serde_json::Value;

use crate::{
    both,
    support::{
        IdentityProvider, Request,
        process::{ServerProcess, replica},
        query,
    },
};

both! {
    async fn one_id_finds_every_request_of_a_login(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let mut command = replica(&app, &["shutdown_grace=0s"]);
        let mut server = tokio::task::spawn_blocking(move || ServerProcess::start(&mut command)).await.unwrap();
        // The other replica serves the login; its public URL is that of the test's own.
        let there = |url: &str| url.replacen(&app.base, &format!("http://localhost:{}", server.address.port()), 1);
        let browser = app.browser();
        let api = async |path: &str, body: Value| {
            let request = browser.request(reqwest::Method::POST, &there(&app.url(path))).bearer_auth(&key);
            let answer = browser.send(request.json(&body)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.json()
        };
        let link = api("/v1/saml/redirect", serde_json::json!({ "samlConnectionId": tenant.connection.id })).await;
        let begun = browser.get(&there(link["redirectUrl"].as_str().unwrap())).await;
        let request = Request::read(&begun);
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, Some(&request.id), "ada@acme.example", SystemClock.now()));
        let flow = request.relay_state.clone().unwrap();
        let fields = [("SAMLResponse", response.as_str()), ("RelayState", flow.as_str())];
        let accepted = browser.post(&there(tenant.acs_url()), &fields).await;
        assert_eq!(accepted.status, 303, "{accepted:?}");
        let code = query(&accepted.location(), "saml_access_code").unwrap();
        let redeemed = api("/v1/saml/redeem", serde_json::json!({ "samlAccessCode": code })).await;
        assert_eq!(redeemed["samlFlowId"].as_str(), Some(flow.as_str()));
        server.terminate();
        let mut server = tokio::task::spawn_blocking(move || {
            server.wait(std::time::Duration::from_secs(20));
            server
        }).await.unwrap();
        let mut routes = Vec::new();
        for line in server.whole_log() {
            let event: Value = serde_json::from_str(&line).unwrap();
            if event["message"] == "answered" {
                assert_eq!(event["span"]["flow"].as_str(), Some(flow.as_str()), "{line}");
                routes.push(event["span"]["route"].as_str().unwrap().to_owned());
            }
        }
        assert_eq!(routes, ["/v1/saml/redirect", "/v1/saml/{connection}/init", "/v1/saml/{connection}/acs", "/v1/saml/redeem"]);
    }
}
