//! An organization is found by every encoding of its id and by its alias, and is always shown by its id.

use base::{
    id::{Id, OrganizationId},
    random::SystemRandom,
};
use model::{
    oauth_client::IdTokenAlg,
    organization::Organization,
    organization_reference::{Handle, OrganizationRef, PublicAlias},
};
use ostiary::store::{self, organizations::resolve, table};
use reqwest::Method;
use serde_json::json;

use crate::{
    both,
    support::{Request, Tenant, TestApp},
};

const ALIAS: &str = "Parent-org_id";

/// Every text that names the organization.
fn names(id: OrganizationId) -> Vec<String> {
    let hex = format!("{:032x}", id.bits());
    let uuid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
    vec![id.to_string(), hex.to_uppercase(), hex, uuid.to_uppercase(), uuid, ALIAS.to_owned()]
}

async fn aliased(app: &TestApp, tenant: &Tenant, alias: &str) -> Organization {
    let organization = Organization {
        public_alias: Some(PublicAlias::parse(alias).unwrap()),
        name: Some("acme".to_owned()),
        handle: Some(Handle::parse("acme.co").unwrap()),
        ..tenant.organization.clone()
    };
    app.store_organization(&organization).await;
    organization
}

both! {
    async fn every_call_reads_every_encoding_and_the_alias(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        app.directory(&tenant).await;
        aliased(&app, &tenant, ALIAS).await;
        let id = tenant.organization.id;
        let (client, _) = app.oauth_client(&environment, IdTokenAlg::RS256).await;
        for (number, name) in names(id).into_iter().enumerate() {
            let shown = format!("Acme {number}");
            for path in [
                format!("/v1/organizations/{name}"),
                format!("/v1/organizations/{name}/domains"),
                format!("/v1/organizations/{name}/domains/acme.example"),
                format!("/v1/saml-connections?organizationId={name}"),
                format!("/v1/scim-directories?organizationId={name}"),
                format!("/v1/setup-urls?organizationId={name}"),
                format!("/v1/saml-flows?organizationId={name}"),
                format!("/v1/audit-events?organizationId={name}"),
            ] {
                let answer = app.api(&key, Method::GET, &path, None).await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.body);
                assert!(!answer.body.contains(ALIAS) && !answer.body.contains(&format!("{:032x}", id.bits())), "{}", answer.body);
            }
            for (path, status) in [("/v1/saml-connections", 200), ("/v1/scim-directories", 200), ("/v1/setup-urls", 200), ("/v1/saml/redirect", 200)] {
                let body = json!({ "organizationId": name, "canManageSaml": true });
                let answer = app.api(&key, Method::POST, path, Some(body)).await;
                assert_eq!(answer.status, status, "{path} {name}: {}", answer.body);
            }
            let path = format!("/v1/organizations/{name}");
            let changed = app.api(&key, Method::PATCH, &path, Some(json!({ "displayName": shown }))).await.json();
            assert_eq!((&changed["organization"]["id"], &changed["organization"]["displayName"]), (&json!(id), &json!(shown)));
            let url = format!("/v1/oauth/authorize?client_id={}&response_type=code&scope=openid&redirect_uri=https%3A%2F%2Fprod.app.example%2Foauth%2Fcallback&organization_id={name}", client.id);
            Request::read(&app.browser().get(&app.url(&url)).await);
        }
        for (text, status) in [("parent-org_id", 400), ("acme.co", 400), ("acme", 400), ("org_1", 400), ("00000000000000000000000000000001", 404)] {
            let answer = app.api(&key, Method::GET, &format!("/v1/organizations/{text}"), None).await;
            assert_eq!(answer.status, status, "{text}: {}", answer.body);
        }
        let found = app.api(&key, Method::GET, &format!("/v1/organizations?query={:032x}", id.bits()), None).await.json();
        assert_eq!(found["organizations"][0]["id"], json!(id));
        // In another environment they name nothing.
        let other = app.environment("other").await;
        let other = app.api_key(&other, true).await;
        for name in names(id) {
            let answer = app.api(&other, Method::GET, &format!("/v1/organizations/{name}"), None).await;
            assert!([400, 404].contains(&answer.status.as_u16()), "{name}: {}", answer.status);
        }
    }

    async fn an_alias_goes_before_an_encoding_and_is_unique_in_its_environment(app: TestApp) {
        let (environment, other) = (app.environment("prod").await, app.environment("other").await);
        let (first, second) = (app.tenant(&environment, "acme.example").await, app.tenant(&environment, "globex.example").await);
        // The id of the first, as the alias of the second: no use case lets this be chosen.
        let hex = format!("{:032x}", first.organization.id.bits());
        let stored = aliased(&app, &second, &hex).await;
        let mut tx = app.state.db.write().await.unwrap();
        let mut named = async |environment: Id<_>, text: &str| {
            resolve(&mut tx, environment, &OrganizationRef::parse(text).unwrap()).await.unwrap()
        };
        assert_eq!(named(environment.id, &hex).await, Some(second.organization.id));
        assert_eq!(named(environment.id, &hex.to_uppercase()).await, Some(first.organization.id), "byte for byte");
        assert_eq!(named(other.id, &hex).await, Some(first.organization.id), "an encoding only");
        assert_eq!(named(environment.id, "nobody").await, None);
        let read: Organization = table::find(&mut tx, environment.id, second.organization.id).await.unwrap().unwrap();
        assert_eq!((read.public_alias, read.handle, read.name), (stored.public_alias.clone(), stored.handle.clone(), stored.name));
        drop(tx);
        for (alias, handle) in [(stored.public_alias, None), (None, stored.handle)] {
            let again = Organization {
                public_alias: alias,
                handle,
                ..Organization::new(Id::new(app.now(), &SystemRandom), environment.id, app.now())
            };
            let mut tx = app.state.db.write().await.unwrap();
            assert!(matches!(table::insert(&mut tx, &again).await, Err(store::Error::Duplicate)));
            drop(tx);
            let elsewhere = Organization { id: Id::new(app.now(), &SystemRandom), environment_id: other.id, parent_id: other.root_organization_id(), ..again };
            let mut tx = app.state.db.write().await.unwrap();
            table::insert(&mut tx, &elsewhere).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}
