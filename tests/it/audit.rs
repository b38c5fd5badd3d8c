//! The audit log: every change is in it, with its actor and without secrets; it is append-only.

use std::time::Duration;

use model::audit::AuditEvent;
use ostiary::app::{
    audit::{self, AuditFilter},
    pagination::PageQuery,
    principal::Principal,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, support::*};

async fn log(app: &TestApp, principal: &Principal, filter: AuditFilter) -> Vec<AuditEvent> {
    let query = PageQuery { token: None, size: Some("100".to_owned()) };
    audit::list(&app.state, principal, &filter, &query).await.unwrap().items
}

both! {
    async fn every_change_through_the_api_is_told_with_old_and_new_values(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let principal = Principal::operator(environment.id);
        let call = async |method, path: &str, body| {
            app.advance(Duration::from_millis(5));
            let answer = app.api(&key, method, path, Some(body)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.json()
        };
        let made = call(Method::POST, "/v1/organizations", json!({ "displayName": "Acme" })).await;
        let id = made["organization"]["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/organizations/{id}");
        call(Method::PATCH, &path, json!({ "displayName": "Acme Ltd", "domains": ["acme.com"] })).await;
        call(Method::PATCH, &path, json!({ "displayName": "Acme Ltd" })).await;
        let directory = call(Method::POST, "/v1/scim-directories", json!({ "organizationId": id })).await;
        let directory = directory["scimDirectory"]["id"].as_str().unwrap().to_owned();
        let rotate = format!("/v1/scim-directories/{directory}/rotate-bearer-token");
        let token = call(Method::POST, &rotate, json!({})).await["bearerToken"].as_str().unwrap().to_owned();
        call(Method::DELETE, &path, json!({})).await;

        let events = log(&app, &principal, AuditFilter::default()).await;
        let told: Vec<&str> = events.iter().rev().map(|event| event.action.as_str()).collect();
        assert_eq!(
            told,
            [
                "organization.created",
                "organization.updated",
                "scim_directory.created",
                "scim_directory.bearer_token_rotated",
                "organization.deleted",
            ],
            "a change that changes nothing is not told"
        );
        let update = &events[3];
        assert_eq!(Value::from(update.before.clone()), json!({ "displayName": "Acme", "domains": {} }));
        assert_eq!(
            Value::from(update.after.clone()),
            json!({ "displayName": "Acme Ltd", "domains": { "acme.com": "whitelisted" } })
        );
        assert_eq!(update.actor.kind, "api_key");
        assert_eq!(update.target_id, id);
        assert!(events.iter().all(|event| event.address.is_some_and(|address| address.is_loopback())));
        assert!(!format!("{events:?}").contains(&token));

        let of = |filter| log(&app, &principal, filter);
        assert_eq!(of(AuditFilter { target_id: Some(id), ..AuditFilter::default() }).await.len(), 3);
        let organization_id = update.organization_id;
        assert_eq!(of(AuditFilter { organization_id, ..AuditFilter::default() }).await.len(), 5);
        let actions = vec!["organization.updated".to_owned()];
        assert_eq!(of(AuditFilter { actions, ..AuditFilter::default() }).await.len(), 1);
        let until = Some(update.at);
        assert_eq!(of(AuditFilter { until, ..AuditFilter::default() }).await.len(), 1);
        let since = Some(update.at);
        assert_eq!(of(AuditFilter { since, ..AuditFilter::default() }).await.len(), 4);

        let other = Principal::operator(app.environment("other").await.id);
        assert_eq!(log(&app, &other, AuditFilter::default()).await, []);
        assert!(audit::find(&app.state, &other, update.id).await.is_err());
    }

    async fn what_is_in_the_log_stays_as_it_is(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let body = json!({ "displayName": "Acme" });
        app.api(&key, Method::POST, "/v1/organizations", Some(body)).await;
        for statement in ["UPDATE audit_events SET action = 'x'", "DELETE FROM audit_events"] {
            let mut tx = app.state.db.write().await.unwrap();
            let refused = tx.sql(statement).execute().await.unwrap_err();
            assert!(format!("{refused:?}").contains("append-only"), "{refused:?}");
        }
        app.state.db.migrate().await.unwrap();
        let events = log(&app, &Principal::operator(environment.id), AuditFilter::default()).await;
        assert_eq!(events.len(), 1);
    }
}
