//! Users and groups in directories, inserted without the SCIM server.

use base::{
    id::{Id, ScimGroupId, ScimUserId},
    random::SystemRandom,
    time::Timestamp,
};
use model::event::EventKind;
use ostiary::app::{
    directories::{self, ScimDirectoryChange, ScimDirectoryView},
    events::{self, NewEvent},
    principal::Principal,
};
use serde_json::{Value, json};

use super::{Tenant, TestApp};

impl TestApp {
    /// A primary directory of the tenant.
    pub async fn directory(&self, tenant: &Tenant) -> ScimDirectoryView {
        let change = ScimDirectoryChange { primary: Some(true), ..ScimDirectoryChange::default() };
        let principal = Principal::operator(tenant.environment.id);
        directories::create(&self.state, &principal, tenant.organization.id, &change)
            .await
            .expect("a directory")
    }

    /// Inserts a user. Its document always has `active: true`: readers must use the column instead.
    pub async fn person(
        &self,
        directory: &ScimDirectoryView,
        email: &str,
        active: bool,
        deleted: bool,
    ) -> ScimUserId {
        let id: ScimUserId = Id::new(self.now(), &SystemRandom);
        let document = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": email, "active": true, "emails": [{ "value": email, "primary": true }],
        });
        let mut tx = self.state.db.write().await.expect("a transaction");
        tx.sql(
            "INSERT INTO scim_users (id, directory_id, user_name, user_name_key, active, email, email_key, \
             document, version, created_at, updated_at, deleted_at) \
             VALUES ($1, $2, $3, $4, $5, $3, $4, $6, 1, $7, $7, $8)",
        )
        .bind(id)
        .bind(directory.directory.id)
        .bind(email)
        .bind(email.to_ascii_lowercase())
        .bind(active)
        .bind(document.to_string())
        .bind(self.now())
        .bind(deleted.then(|| self.now()))
        .execute()
        .await
        .expect("a person stored");
        tx.commit().await.expect("a commit");
        id
    }

    /// Another address of a user.
    pub async fn address(&self, directory: &ScimDirectoryView, user: ScimUserId, email: &str) {
        let mut tx = self.state.db.write().await.expect("a transaction");
        tx.sql("INSERT INTO scim_user_emails (directory_id, value_key, user_id) VALUES ($1, $2, $3)")
            .bind(directory.directory.id)
            .bind(email.to_ascii_lowercase())
            .bind(user)
            .execute()
            .await
            .expect("an address stored");
        tx.commit().await.expect("a commit");
    }

    /// Activates or deactivates a user.
    pub async fn set_active(&self, user: ScimUserId, active: bool) {
        let mut tx = self.state.db.write().await.expect("a transaction");
        tx.sql("UPDATE scim_users SET active = $2 WHERE id = $1")
            .bind(user)
            .bind(active)
            .execute()
            .await
            .expect("a person changed");
        tx.commit().await.expect("a commit");
    }

    /// A group with members.
    pub async fn group(
        &self,
        directory: &ScimDirectoryView,
        name: &str,
        members: &[ScimUserId],
    ) -> ScimGroupId {
        let id: ScimGroupId = Id::new(self.now(), &SystemRandom);
        let document = json!({ "displayName": "stale", "members": [{ "value": "stale" }] });
        let mut tx = self.state.db.write().await.expect("a transaction");
        tx.sql(
            "INSERT INTO scim_groups (id, directory_id, display_name, display_name_key, document, version, \
             created_at, updated_at) VALUES ($1, $2, $3, $4, $5, 1, $6, $6)",
        )
        .bind(id)
        .bind(directory.directory.id)
        .bind(name)
        .bind(name.to_lowercase())
        .bind(document.to_string())
        .bind(self.now())
        .execute()
        .await
        .expect("a group stored");
        for member in members {
            tx.sql(
                "INSERT INTO scim_group_members (group_id, member_id, directory_id, attributes, added_at) \
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(id)
            .bind(*member)
            .bind(directory.directory.id)
            .bind(json!({ "display": "D" }).to_string())
            .bind(self.now())
            .execute()
            .await
            .expect("a member stored");
        }
        tx.commit().await.expect("a commit");
        id
    }

    /// Records an event of a directory. Returns its sequence number.
    pub async fn record_event(&self, directory: &ScimDirectoryView, kind: EventKind, data: Value) -> u64 {
        self.record_event_at(directory, kind, data, self.now()).await
    }

    /// The same at another time.
    pub async fn record_event_at(
        &self,
        directory: &ScimDirectoryView,
        kind: EventKind,
        data: Value,
        at: Timestamp,
    ) -> u64 {
        let directory = &directory.directory;
        let mut tx = self.state.db.write().await.expect("a transaction");
        let event = NewEvent {
            environment: &directory.environment_id,
            organization: &directory.organization_id,
            directory: Some(&directory.id),
            kind,
            resource: "scim_user_12vqjrnxk9xeov6o4f05pan0g".to_owned(),
            data,
        };
        let sequence = events::record(&mut tx, at, event).await.expect("an event recorded");
        tx.commit().await.expect("a commit");
        sequence
    }
}
