//! Logins through a customer's OpenID provider: from the vendor's call that makes the connection to the app that redeems the code.

mod attacks;
mod logins;
mod settings;

use model::{environment::Environment, login_flow::LoginFlow};
use ostiary::store::{login_flow_search, login_flow_steps};
use reqwest::Method;
use saml::check::Check;
use serde_json::{Value, json};
use url::Url;

use crate::support::{
    Answer, Browser, TestApp,
    openid_provider::{CLIENT_ID, OpenidProvider, SECRET},
    query,
};

/// A server that may call this machine, and a customer with an OpenID provider.
struct World {
    app: TestApp,
    environment: Environment,
    key: String,
    provider: OpenidProvider,
    organization: String,
    connection: String,
}

impl World {
    /// The customer has the domain acme.example, and its primary connection is made through the API.
    async fn new(app: &TestApp) -> Self {
        let app =
            TestApp::spawn_with(app.backend, |config| config.outgoing_allow_private_targets = true).await;
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let provider = OpenidProvider::start(app.now()).await;
        let mut world =
            Self { app, environment, key, provider, organization: String::new(), connection: String::new() };
        world.organization = world.make_organization("acme.example").await;
        world.connection = world.make_connection(&world.organization, &json!({})).await;
        world
    }

    async fn make_organization(&self, domain: &str) -> String {
        let body =
            json!({ "displayName": "Acme", "externalId": format!("of {domain}"), "domains": [domain] });
        let made = self.call(Method::POST, "/v1/organizations", Some(body)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        made.json()["organization"]["id"].as_str().unwrap().to_owned()
    }

    /// A connection of an organization to the provider.
    async fn make_connection(&self, organization: &str, more: &Value) -> String {
        let mut body = json!({
            "organizationId": organization, "primary": true, "issuer": self.provider.base,
            "clientId": CLIENT_ID, "clientSecret": SECRET,
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.call(Method::POST, "/v1/oidc-connections", Some(body)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        made.json()["oidcConnection"]["id"].as_str().unwrap().to_owned()
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.api(&self.key, method, path, body).await
    }

    async fn change(&self, change: Value) {
        let path = format!("/v1/oidc-connections/{}", self.connection);
        let changed = self.call(Method::PATCH, &path, Some(change)).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    }

    /// The link of a login of the organization, as an app gets it.
    async fn link(&self) -> String {
        let body = json!({ "organizationId": self.organization, "state": "the app's state" });
        let answer = self.call(Method::POST, "/v1/saml/redirect", Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["redirectUrl"].as_str().unwrap().to_owned()
    }

    /// Begins a login in a browser. Returns the authorization request.
    async fn begin(&self, browser: &Browser) -> Url {
        let sent = browser.get(&self.link().await).await;
        assert_eq!(sent.status, 303, "{}", sent.body);
        sent.location()
    }

    /// A whole login in a new browser: the answer to what the provider sends back.
    async fn log_in(&self) -> Answer {
        let browser = self.app.browser();
        let request = self.begin(&browser).await;
        browser.get(&self.provider.sign_in(&request)).await
    }

    /// The reason why a login is refused.
    async fn refusal(&self) -> String {
        let refused = self.log_in().await;
        refused.reason().unwrap_or_else(|| panic!("{} {}", refused.status, refused.body)).to_owned()
    }

    /// What an app gets for the code.
    async fn redeemed(&self, accepted: &Answer) -> Value {
        assert_eq!(accepted.status, 303, "{}", accepted.body);
        let code = query(&accepted.location(), "saml_access_code").expect("an access code");
        let redeemed = self.app.redeem(&self.key, &code).await;
        assert_eq!(redeemed.status, 200, "{}", redeemed.body);
        redeemed.json()
    }

    /// The latest login, with the checks of its last step.
    async fn latest(&self) -> (LoginFlow, Vec<Check>) {
        let mut conn = self.app.state.db.read().await.unwrap();
        let filter = login_flow_search::FlowFilter {
            environment_id: self.environment.id,
            organization_id: None,
            connection_id: None,
            user_id: None,
            protocol: None,
            email_key: None,
            status: None,
            refusal: None,
            since: None,
            until: None,
            from: None,
            limit: 1,
        };
        let found = login_flow_search::search(&mut conn, &filter).await.unwrap();
        let flow = found.flows.into_iter().next().expect("a login");
        let steps = login_flow_steps::list(&mut conn, flow.id).await.unwrap();
        (flow, steps.into_iter().last().map(|step| step.checks).unwrap_or_default())
    }
}
