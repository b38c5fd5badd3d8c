//! Clients of an environment's issuers, and their access tokens.

use base::id::{ApplicationId, OrganizationId};
use model::{application::ClientKind, environment::Environment};
use ostiary::app::{
    applications::{self, ApplicationChange, NewApplication},
    principal::Principal,
};
use reqwest::{Method, header};
use serde_json::Value;

use super::{Answer, TestApp};

/// A client, and its secret.
pub struct Client {
    pub id: ApplicationId,
    pub secret: String,
}

fn texts(texts: &[&str]) -> Option<Vec<String>> {
    Some(texts.iter().map(|text| (*text).to_owned()).collect())
}

impl TestApp {
    /// A service client of the workspace `system`, with these scopes.
    pub async fn service_client(&self, environment: &Environment, scopes: &[&str]) -> Client {
        let change = ApplicationChange { scopes: texts(scopes), ..ApplicationChange::default() };
        self.make_client(environment, NewApplication::SYSTEM, &change).await
    }

    /// A program of an organization, or of the vendor, with these scopes.
    pub async fn program(
        &self,
        environment: &Environment,
        organization_id: Option<OrganizationId>,
        scopes: &[&str],
    ) -> Client {
        let new = NewApplication { kind: ClientKind::Service, workspace: None, organization_id };
        let change = ApplicationChange { scopes: texts(scopes), ..ApplicationChange::default() };
        self.make_client(environment, new, &change).await
    }

    /// Any application.
    pub async fn make_client(
        &self,
        environment: &Environment,
        new: NewApplication,
        change: &ApplicationChange,
    ) -> Client {
        let principal = Principal::operator(environment.id);
        let made = applications::create(&self.state, &principal, new, change).await.expect("an application");
        let secret = made.secret.map(|secret| secret.reveal()).unwrap_or_default();
        Client { id: made.application.id, secret }
    }

    /// What a token endpoint answers to the client, with its secret in the form.
    pub async fn ask_token(&self, endpoint: &str, client: &Client, scope: Option<&str>) -> Answer {
        let id = client.id.to_string();
        let mut form =
            vec![("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", &client.secret)];
        form.extend(scope.map(|scope| ("scope", scope)));
        self.browser().post(&self.url(endpoint), &form).await
    }

    /// A token of this client from this endpoint.
    pub async fn token(&self, endpoint: &str, client: &Client) -> String {
        let answer = self.ask_token(endpoint, client, None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().expect("a token").to_owned()
    }

    /// A token of a new service client of the workspace `system`, with these scopes.
    pub async fn system_token(&self, environment: &Environment, scopes: &[&str]) -> String {
        let client = self.service_client(environment, scopes).await;
        self.token(&format!("/{}/system/oauth2/token", environment.slug), &client).await
    }

    /// Calls an API with an access token.
    pub async fn call(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let browser = self.browser();
        let request = browser.request(method, &self.url(path));
        let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        browser
            .send(match body {
                Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(body.to_string()),
                None => request,
            })
            .await
    }
}
