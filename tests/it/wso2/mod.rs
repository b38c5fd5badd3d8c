//! WSO2's APIs: programs and people of the vendor and of its organizations.

mod applications;
mod associations;
mod codes;
mod discovery;
mod existence;
mod guests;
mod guests_ended;
pub(crate) mod guide;
mod rights;
mod roles;
mod scim_tester;
mod scim_users;
mod sharing;
mod sign_in;
mod subtree;
mod switch;

use model::{application::ClientKind, environment::Environment, organization::Organization};
use ostiary::app::{
    applications::{ApplicationChange, NewApplication},
    organizations::{self, OrganizationChange},
    principal::Principal,
};
use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, TestApp, tokens::Client};

/// The scopes of the guide's application, and those of the APIs beside it.
const SCOPES: [&str; 17] = [
    "internal_organization_view",
    "internal_organization_create",
    "internal_organization_update",
    "internal_organization_delete",
    "internal_user_mgt_view",
    "internal_user_mgt_list",
    "internal_user_mgt_create",
    "internal_role_mgt_view",
    "internal_role_mgt_create",
    "internal_application_mgt_view",
    "internal_org_organization_view",
    "internal_org_role_mgt_view",
    "internal_org_role_mgt_update",
    "internal_org_user_mgt_create",
    "internal_org_user_mgt_list",
    "internal_org_user_mgt_view",
    "internal_org_application_mgt_view",
];

/// The vendor's application of the guide, with tokens at the root and in organizations.
pub struct Vendor<'a> {
    pub app: &'a TestApp,
    pub environment: Environment,
    pub client: Client,
    /// A token at the root.
    pub root: String,
}

impl<'a> Vendor<'a> {
    /// In a new environment `prod`, which is the default one: an application that is shared with all organizations.
    pub async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let client = application(app, &environment, "all", &SCOPES).await;
        let root = app.token("/oauth2/token", &client).await;
        Self { app, environment, client, root }
    }

    /// What a switch answers.
    pub async fn ask_switch(&self, token: &str, organization: &str, scope: Option<&str>) -> Answer {
        switch(self.app, "/oauth2/token", &self.client, token, organization, scope).await
    }

    /// A token in an organization, with everything that the application may have there.
    pub async fn switched(&self, organization: &str) -> String {
        let answer = self.ask_switch(&self.root, organization, None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().expect("a token").to_owned()
    }

    /// Calls an API at the root.
    pub async fn at_root(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.call(&self.root, method, path, body).await
    }
}

/// The guide's application.
pub async fn application(app: &TestApp, environment: &Environment, shared: &str, scopes: &[&str]) -> Client {
    let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
    let change = ApplicationChange {
        display_name: Some("B2B App".to_owned()),
        grant_types: texts(&["client_credentials", "organization_switch"]),
        scopes: texts(scopes),
        shared: Some(shared.to_owned()),
        ..ApplicationChange::default()
    };
    let new = NewApplication { kind: ClientKind::Service, workspace: None, organization_id: None };
    app.make_client(environment, new, &change).await
}

/// What a switch with this client answers.
pub async fn switch(
    app: &TestApp,
    endpoint: &str,
    client: &Client,
    token: &str,
    organization: &str,
    scope: Option<&str>,
) -> Answer {
    let id = client.id.to_string();
    let mut form = vec![
        ("grant_type", "organization_switch"),
        ("client_id", &id),
        ("client_secret", &client.secret),
        ("token", token),
        ("switching_organization", organization),
    ];
    form.extend(scope.map(|scope| ("scope", scope)));
    app.browser().post(&app.url(endpoint), &form).await
}

/// A new organization of the environment.
pub async fn organization(app: &TestApp, environment: &Environment) -> Organization {
    let change =
        OrganizationChange { display_name: Some("Acme".to_owned()), ..OrganizationChange::default() };
    organizations::create(&app.state, &Principal::operator(environment.id), &change)
        .await
        .expect("an organization")
}
