//! A SCIM client: a directory with its token, and requests to it.

use base::{
    id::{Id, ScimDirectoryId},
    random::SystemRandom,
    secret::ScimBearerToken,
};
use model::scim_directory::ScimDirectory;
use ostiary::store;
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{Answer, Tenant, TestApp};

/// The URN of the enterprise extension.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// A directory, as its identity provider knows it.
#[derive(Debug, Clone)]
pub struct TestDirectory {
    pub id: ScimDirectoryId,
    pub base: String,
    pub token: String,
}

impl TestApp {
    /// A directory of a customer.
    pub async fn scim_directory(&self, tenant: &Tenant) -> TestDirectory {
        self.scim_directory_with(tenant, |_| {}).await
    }

    /// A directory of a customer, with other settings.
    pub async fn scim_directory_with(
        &self,
        tenant: &Tenant,
        change: impl FnOnce(&mut ScimDirectory),
    ) -> TestDirectory {
        let (now, token) = (self.now(), ScimBearerToken::new(&SystemRandom));
        let id = Id::new(now, &SystemRandom);
        let mut directory = ScimDirectory {
            id,
            environment_id: tenant.environment.id,
            organization_id: tenant.organization.id,
            version: 1,
            primary: false,
            scim_base_url: self.url(&format!("/v1/scim/{id}")),
            allow_foreign_secondary_emails: false,
            // Most tests are about something else than addresses.
            allow_users_without_email: true,
            refuse_inactive_logins: true,
            require_provisioned_logins: false,
            disabled: false,
            idp_kind: None,
            created_at: now,
            updated_at: now,
        };
        change(&mut directory);
        let mut tx = self.state.db.write().await.expect("a transaction");
        store::table::insert(&mut tx, &directory).await.expect("a directory stored");
        store::scim_directories::insert_token(&mut tx, id, token.digest(), now)
            .await
            .expect("a token stored");
        tx.commit().await.expect("a commit");
        TestDirectory { id, base: directory.scim_base_url, token: token.reveal() }
    }

    /// Sends a SCIM request.
    pub async fn scim(
        &self,
        directory: &TestDirectory,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let headers: &[(header::HeaderName, &str)] = &[];
        self.scim_with(directory, method, path, body, headers).await
    }

    /// The same with more headers.
    pub async fn scim_with(
        &self,
        directory: &TestDirectory,
        method: Method,
        path: &str,
        body: Option<Value>,
        headers: &[(header::HeaderName, &str)],
    ) -> Answer {
        let browser = self.browser();
        let mut request = browser
            .request(method, &format!("{}{path}", directory.base))
            .bearer_auth(&directory.token)
            .header(header::ACCEPT, "application/scim+json");
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, "application/scim+json").body(body.to_string());
        }
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        browser.send(request).await
    }

    /// Creates a user. Returns the resource.
    pub async fn scim_user(&self, directory: &TestDirectory, user_name: &str) -> Value {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": user_name,
            "active": true,
        });
        let answer = self.scim(directory, Method::POST, "/Users", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }

    /// Creates a group of these members. Returns the resource.
    pub async fn scim_group(&self, directory: &TestDirectory, name: &str, members: &[&str]) -> Value {
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": name,
            "members": members,
        });
        let answer = self.scim(directory, Method::POST, "/Groups", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }
}

/// The body of a PATCH.
pub fn patch(operations: Value) -> Option<Value> {
    Some(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": operations,
    }))
}

/// The id of a resource.
pub fn id(resource: &Value) -> &str {
    resource["id"].as_str().expect("an id")
}
