//! The console's own SAML connection: who may change it, and what it may not be.

use base::id::Id;
use model::organization::Organization;
use model::{administrator::Role, setup_link::SetupLink};
use ostiary::app::{
    Error,
    connections::saml::{self as connections, SamlConnectionChange},
    organizations::{
        self, OrganizationChange,
        domains::{self, NewDomain},
    },
    permissions::{Scope, Scopes},
    principal::Principal,
    resource,
    setup::links::{self, NewSetupLink},
};
use reqwest::Method;
use serde_json::json;

use crate::{
    both,
    support::{Tenant, TestApp},
};

/// A server whose console takes sign-ins through the tenant's connection.
async fn console_of(app: &TestApp, tenant: &Tenant) -> TestApp {
    let id = tenant.connection.id.to_string();
    app.replica_with(|config| config.console_saml_connection = Some(id)).await
}

/// A link for everything.
fn link(tenant: &Tenant) -> NewSetupLink {
    NewSetupLink {
        organization_id: tenant.organization.id,
        can_manage_saml: true,
        can_manage_scim: true,
        can_manage_domains: true,
        lifetime: None,
    }
}

/// What decides who signs in through the tenant's connection, tried one by one: the names of what was not refused.
async fn permitted(app: &TestApp, principal: &Principal, tenant: &Tenant) -> Vec<&'static str> {
    let (state, id) = (&app.state, tenant.organization.id);
    let mut permitted = Vec::new();
    let mut note = |name: &'static str, outcome: Result<(), Error>| match outcome {
        Err(Error::Forbidden(_)) => {}
        _ => permitted.push(name),
    };
    let change = SamlConnectionChange { force_authn: Some(true), ..SamlConnectionChange::default() };
    let updated = connections::update(state, principal, tenant.connection.id, None, &change).await;
    note("change the connection", updated.map(drop));
    let domain = NewDomain { domain: Some("other.example".to_owned()), allow_free_mail: None };
    note("request a domain", domains::add(state, principal, id, &domain).await.map(drop));
    note("check a domain", domains::check(state, principal, id, "other.example", None).await.map(drop));
    note("remove a domain", domains::remove(state, principal, id, "other.example", None).await);
    if !matches!(principal.subject, ostiary::app::principal::Subject::SetupLink(_)) {
        note(
            "approve a domain",
            domains::approve(state, principal, id, "vendor.example", None, true).await.map(drop),
        );
        let change = OrganizationChange {
            domains: Some(vec!["vendor.example".to_owned()]),
            ..OrganizationChange::default()
        };
        note(
            "change the organization",
            organizations::update(state, principal, id, None, &change).await.map(drop),
        );
        note(
            "remove the connection",
            connections::remove(state, principal, tenant.connection.id, None).await,
        );
        note("remove the organization", resource::remove::<Organization>(state, principal, id, None).await);
    }
    permitted
}

both! {
    async fn only_owners_of_every_environment_change_the_consoles_own_connection(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "vendor.example").await;
        let console = console_of(&app, &tenant).await;
        let key = app.api_key(&environment, true).await;
        let scopes: Scopes = [Scope::Saml, Scope::Scim, Scope::Domains].into_iter().collect();
        let link_holder = Principal::setup_link(Id::from_bits(1), environment.id, tenant.organization.id, scopes);
        let administrator = |role, everywhere| {
            Principal::administrator(Id::from_bits(1), role, everywhere).in_environment(environment.id)
        };
        for principal in [link_holder, administrator(Role::Owner, false), administrator(Role::Admin, true)] {
            let none: Vec<&str> = Vec::new();
            assert_eq!(permitted(&console, &principal, &tenant).await, none, "{principal:?}");
        }
        // By the API, in words.
        let path = format!("/v1/saml-connections/{}", tenant.connection.id);
        let refused = console.api(&key, Method::PATCH, &path, Some(json!({ "forceAuthn": true }))).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert!(refused.body.contains("owner of every environment"), "{}", refused.body);
        let path = format!("/v1/organizations/{}", tenant.organization.id);
        let refused = console.api(&key, Method::PATCH, &path, Some(json!({ "domains": ["evil.example"] }))).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
        // Setup links would give it away.
        let provisioning = NewSetupLink { can_manage_saml: false, can_manage_domains: false, ..link(&tenant) };
        for wanted in [link(&tenant), NewSetupLink { can_manage_saml: false, ..link(&tenant) }, provisioning] {
            let owner = administrator(Role::Owner, true);
            let refused: Result<(SetupLink, String), Error> = links::create(&console.state, &owner, &wanted).await;
            assert!(matches!(refused, Err(Error::FailedPrecondition(_))), "{refused:?}");
        }
        // Its directories decide who may sign in.
        let directory = app.scim_directory(&tenant).await;
        let path = format!("/v1/scim-directories/{}", directory.id);
        let wanted = json!({ "organizationId": tenant.organization.id });
        for (method, path, body) in [
            (Method::POST, "/v1/scim-directories".to_owned(), wanted.clone()),
            (Method::PATCH, path.clone(), json!({ "refuseInactiveLogins": false })),
            (Method::POST, format!("{path}/rotate-bearer-token"), json!({})),
            (Method::DELETE, path, json!({})),
            (Method::POST, "/v1/saml-connections".to_owned(), wanted),
        ] {
            let refused = console.api(&key, method.clone(), &path, Some(body)).await;
            assert_eq!(refused.status, 403, "{method} {path}: {}", refused.body);
        }
        // Another organization of the environment is changed as ever.
        let other = app.tenant(&environment, "acme.example").await;
        let local = administrator(Role::Admin, false);
        assert_eq!(permitted(&console, &local, &other).await.len(), 8);
        // The owner of every environment, and the operator.
        for principal in [administrator(Role::Owner, true), Principal::operator(environment.id)] {
            let change = SamlConnectionChange { force_authn: Some(true), ..SamlConnectionChange::default() };
            let id = tenant.connection.id;
            assert!(connections::update(&console.state, &principal, id, None, &change).await.is_ok());
        }
    }

    async fn a_connection_to_the_test_identity_provider_never_opens_the_console(app: TestApp) {
        let environment = app.environment("prod").await;
        let mut tenant = app.tenant(&environment, "vendor.example").await;
        tenant.connection.test = true;
        app.update_connection(&tenant.connection).await;
        let id = tenant.connection.id.to_string();
        let console = app
            .replica_with(|config| {
                config.console_saml_connection = Some(id);
                config.test_idp = true;
            })
            .await;
        app.with_password("dana@vendor.example").await;
        let refused = app.browser().get(&console.url("/console/sign-in/saml")).await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(refused.body.contains("test identity provider"), "{}", refused.body);
    }
}
