//! What is removed is gone at once for everybody; its rows go later, in batches.

use std::time::Duration;

use model::{administrator::Role, organization::Organization, scim_directory::ScimDirectory};
use ostiary::{
    app::{environments, principal::Principal, resource},
    background::{self, Retention},
    store,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        IdentityProvider, Tenant, TestApp, query,
        scim::{TestDirectory, id},
    },
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// An organization with everything in it: one user in one group.
async fn filled(app: &TestApp, tenant: &Tenant) -> TestDirectory {
    let directory = app.scim_directory_with(tenant, |directory| directory.primary = true).await;
    let user = app.scim_user(&directory, "dana@acme.example").await;
    app.scim_group(&directory, "Staff", &[id(&user)]).await;
    directory
}

/// Lets days pass for what was removed, by the database's clock too, and runs the job.
async fn sweep_after(app: &TestApp, days: i64) {
    let mut tx = app.state.db.write().await.unwrap();
    for text in [
        "UPDATE organizations SET deleted_at = deleted_at - $1",
        "UPDATE scim_directories SET deleted_at = deleted_at - $1",
    ] {
        tx.sql(text).bind(days * 24 * 3_600_000).execute().await.unwrap();
    }
    tx.commit().await.unwrap();
    let year = DAY * 365;
    let retention = Retention {
        logins: year,
        personal_data: 365 * DAY,
        unfinished_logins: DAY,
        events: year,
        webhook_deliveries: year,
        scim_requests: year,
    };
    background::sweep(&app.state, retention).await.unwrap();
}

/// How many rows there are, by the table.
async fn rows(app: &TestApp, organization: &str, directory: &str) -> Vec<(&'static str, i64)> {
    let mut conn = app.state.db.read().await.unwrap();
    let mut found = Vec::new();
    for (name, text, id) in [
        ("organizations", "SELECT COUNT(*) FROM organizations WHERE id = $1", organization),
        ("closure", "SELECT COUNT(*) FROM organization_closure WHERE descendant_id = $1", organization),
        ("domains", "SELECT COUNT(*) FROM organization_domains WHERE organization_id = $1", organization),
        ("words", "SELECT COUNT(*) FROM organization_words WHERE organization_id = $1", organization),
        ("connections", "SELECT COUNT(*) FROM saml_connections WHERE organization_id = $1", organization),
        ("setup links", "SELECT COUNT(*) FROM setup_links WHERE organization_id = $1", organization),
        ("directories", "SELECT COUNT(*) FROM scim_directories WHERE id = $1", directory),
        ("tokens", "SELECT COUNT(*) FROM scim_bearer_tokens WHERE directory_id = $1", directory),
        ("users", "SELECT COUNT(*) FROM scim_users WHERE directory_id = $1", directory),
        ("emails", "SELECT COUNT(*) FROM scim_user_emails WHERE directory_id = $1", directory),
        ("groups", "SELECT COUNT(*) FROM scim_groups WHERE directory_id = $1", directory),
        ("members", "SELECT COUNT(*) FROM scim_group_members WHERE directory_id = $1", directory),
        ("usage", "SELECT COUNT(*) FROM scim_usage WHERE directory_id = $1", directory),
    ] {
        let (count,): (i64,) = conn.sql(text).bind(id).one().await.unwrap();
        found.push((name, count));
    }
    found
}

both! {
    async fn a_removed_organization_lets_nobody_in_and_its_names_are_free(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = filled(&app, &tenant).await;
        let organization = tenant.organization.id;
        let listed = app.api(&key, Method::GET, &format!("/v1/scim/users?scimDirectoryId={}", directory.id), None).await.json();
        let user = id(&listed["scimUsers"][0]).to_owned();
        let body = json!({ "organizationId": organization, "canManageSaml": true });
        let made = app.api(&key, Method::POST, "/v1/setup-urls", Some(body.clone())).await.json();
        let unused = app.api(&key, Method::POST, "/v1/setup-urls", Some(body)).await.json();
        let admin = app.browser();
        let opened = admin.get(made["url"].as_str().unwrap()).await;
        let home = admin.submit(&opened, &opened.form()).await.location();
        assert_eq!(admin.get(home.as_str()).await.status, 200);
        let idp = IdentityProvider::get();
        let done = app.browser();
        let request = app.begin(&done, &key, &tenant).await;
        let response = idp.sign(&idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now()));
        let code = query(&request.answer(&done, &tenant, &response).await.location(), "saml_access_code").unwrap();
        let (waiting, link) = (app.browser(), app.login_link(&key, &tenant, "x").await);
        let request = app.begin(&waiting, &key, &tenant).await;

        let path = format!("/v1/organizations/{organization}");
        assert_eq!(app.api(&key, Method::DELETE, &path, None).await.status, 200);

        let response = idp.sign(&idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now()));
        for refused in [request.answer(&waiting, &tenant, &response).await, app.browser().get(&link).await] {
            assert!([403, 404].contains(&refused.status.as_u16()), "{}: {}", refused.status, refused.body);
        }
        assert_eq!(app.redeem(&key, &code).await.status, 404);
        for call in [app.scim(&directory, Method::GET, "/Users", None).await, app.scim(&directory, Method::POST, "/Users", Some(json!({ "userName": "bob@acme.example" }))).await] {
            assert!([401, 404].contains(&call.status.as_u16()), "{}: {}", call.status, call.body);
        }
        let setup = admin.get(home.as_str()).await;
        assert_ne!(setup.status, 200, "{}", setup.body);
        let late = app.browser().get(unused["url"].as_str().unwrap()).await;
        assert_ne!(late.status, 200, "{}", late.body);
        let gone = |path: String| {
            let (app, key) = (&app, &key);
            async move {
                let answer = app.api(key, Method::GET, &path, None).await;
                assert_eq!(answer.status, 404, "{path}: {}", answer.body);
            }
        };
        gone(path.clone()).await;
        gone(format!("{path}/domains")).await;
        gone(format!("/v1/saml-connections/{}", tenant.connection.id)).await;
        gone(format!("/v1/saml-connections?organizationId={organization}")).await;
        gone(format!("/v1/scim-directories/{}", directory.id)).await;
        gone(format!("/v1/scim-directories?organizationId={organization}")).await;
        gone(format!("/v1/scim/users?scimDirectoryId={}", directory.id)).await;
        gone(format!("/v1/scim/users/{user}")).await;
        gone(format!("/v1/setup-urls/{}", id(&made["setupLink"]))).await;
        assert_eq!(app.api(&key, Method::DELETE, &path, None).await.status, 404, "once only");
        let none = json!({});
        for path in ["/v1/organizations".to_owned(), "/v1/organizations?query=acme".to_owned(), format!("/v1/organizations?query={organization}"), "/v1/setup-urls".to_owned()] {
            let answer = app.api(&key, Method::GET, &path, None).await.json();
            let list = answer.as_object().unwrap_or(none.as_object().unwrap()).values().find_map(Value::as_array);
            assert_eq!(list.map(Vec::len), Some(0), "{path}: {answer}");
        }
        let console = app.console(Role::Owner, &environment).await;
        for page in ["/scim-directories", "/organizations", "", "/saml-connections"] {
            let page = console.get(page).await;
            assert!(!page.body.contains("Company acme.example"), "{}", page.body);
        }
        let mut conn = app.state.db.read().await.unwrap();
        assert_eq!(store::scim_usage::sum(&mut conn, environment.id, 0).await.unwrap(), Default::default());
        assert_eq!(store::scim_directories::find_disabled(&mut conn, directory.id).await.unwrap(), None);
        drop(conn);

        // Another one gets the external id and the domain, and shares nothing.
        let body = json!({ "displayName": "Acme", "externalId": "customer-acme.example", "domains": ["acme.example"] });
        let again = app.api(&key, Method::POST, "/v1/organizations", Some(body)).await;
        assert_eq!(again.status, 200, "{}", again.body);
        assert_eq!(again.json()["organization"]["sharedDomains"], Value::Null);
        let log = app.api(&key, Method::GET, &format!("/v1/audit-events?organizationId={organization}"), None).await;
        assert!(log.body.contains("organization.deleted"), "{}", log.body);
    }

    async fn what_is_left_goes_after_thirty_days(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = filled(&app, &tenant).await;
        let kept = app.tenant(&environment, "globex.example").await;
        let other = app.scim_directory(&kept).await;
        app.scim_user(&other, "eve@globex.example").await;
        let (organization, directory) = (tenant.organization.id.to_string(), directory.id.to_string());
        let principal = Principal::operator(environment.id);
        resource::remove::<Organization>(&app.state, &principal, tenant.organization.id, None).await.unwrap();
        sweep_after(&app, 29).await;
        let left: Vec<_> = rows(&app, &organization, &directory).await.into_iter().filter(|(_, count)| *count > 0).collect();
        let names: Vec<_> = left.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["organizations", "closure", "directories", "users", "groups", "members", "usage"]);
        sweep_after(&app, 2).await;
        assert!(rows(&app, &organization, &directory).await.iter().all(|(_, count)| *count == 0));
        let log = app.api(&key, Method::GET, &format!("/v1/audit-events?organizationId={organization}"), None).await;
        assert!(log.body.contains("organization.deleted"), "the audit log stays: {}", log.body);
        let listed = app.api(&key, Method::GET, &format!("/v1/scim/users?scimDirectoryId={}", other.id), None).await.json();
        assert_eq!(listed["scimUsers"].as_array().unwrap().len(), 1);
        assert_eq!(app.api(&key, Method::GET, "/v1/organizations", None).await.json()["organizations"].as_array().unwrap().len(), 1);
    }

    async fn a_removed_directory_says_nothing_about_anybody(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.scim_directory_with(&tenant, |directory| {
            (directory.primary, directory.require_provisioned_logins) = (true, true);
        }).await;
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "dana@acme.example", "active": false });
        assert_eq!(app.scim(&directory, Method::POST, "/Users", Some(body)).await.status, 201);
        let signs_in = async || {
            let browser = app.browser();
            let request = app.begin(&browser, &key, &tenant).await;
            let idp = IdentityProvider::get();
            let response = idp.sign(&idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now()));
            request.answer(&browser, &tenant, &response).await.status == 303
        };
        assert!(!signs_in().await);
        let path = format!("/v1/scim-directories/{}", directory.id);
        assert_eq!(app.api(&key, Method::DELETE, &path, None).await.status, 200);
        for (method, path) in [(Method::GET, path.clone()), (Method::DELETE, path.clone()), (Method::POST, format!("{path}/rotate-bearer-token"))] {
            assert_eq!(app.api(&key, method, &path, None).await.status, 404, "{path}");
        }
        assert_eq!(app.scim(&directory, Method::GET, "/Users", None).await.status, 404);
        assert!(signs_in().await);
        // Another one can be primary, and people of the same names come into it.
        let next = filled(&app, &tenant).await;
        let listed = app.api(&key, Method::GET, &format!("/v1/scim/users?organizationId={}", tenant.organization.id), None).await.json();
        assert_eq!(listed["scimUsers"].as_array().unwrap().len(), 1, "{listed}");
        sweep_after(&app, 31).await;
        let organization = tenant.organization.id.to_string();
        let after = rows(&app, &organization, &directory.id.to_string()).await;
        assert!(after.iter().skip(6).all(|(_, count)| *count == 0), "{after:?}");
        let next = rows(&app, &organization, &next.id.to_string()).await;
        assert!(next.iter().skip(6).filter(|(name, _)| *name != "emails").all(|(_, count)| *count > 0), "{next:?}");
    }

    async fn an_environment_goes_with_what_was_removed_in_it(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = filled(&app, &tenant).await;
        let principal = Principal::operator(environment.id);
        assert!(environments::remove(&app.state, &principal, environment.id, None).await.is_err());
        resource::remove::<Organization>(&app.state, &principal, tenant.organization.id, None).await.unwrap();
        environments::remove(&app.state, &principal, environment.id, None).await.unwrap();
        let left = rows(&app, &tenant.organization.id.to_string(), &directory.id.to_string()).await;
        assert!(left.iter().all(|(_, count)| *count == 0), "{left:?}");
    }

    async fn nothing_comes_into_an_organization_while_it_is_removed(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        for _ in 0..4 {
            let tenant = app.tenant(&environment, "acme.example").await;
            let organization = tenant.organization.id;
            let principal = Principal::operator(environment.id);
            let create = async |path: &str| {
                let body = json!({ "organizationId": organization, "canManageSaml": true, "primary": true, "domain": "new.example" });
                let answer = app.api(&key, Method::POST, path, Some(body)).await;
                assert!([200, 404].contains(&answer.status.as_u16()), "{path}: {}", answer.body);
            };
            let domains = format!("/v1/organizations/{organization}/domains");
            let (removed, ..) = tokio::join!(
                resource::remove::<Organization>(&app.state, &principal, organization, None),
                create("/v1/saml-connections"),
                create("/v1/scim-directories"),
                create("/v1/setup-urls"),
                create(&domains),
                create("/v1/saml-connections"),
                create("/v1/scim-directories"),
            );
            removed.unwrap();
            let left = rows(&app, &organization.to_string(), "").await;
            assert!(left.iter().skip(2).all(|(_, count)| *count == 0), "{left:?}");
            let mut conn = app.state.db.read().await.unwrap();
            let directories = store::scim_directories::list(&mut conn, environment.id, organization, None, 9).await.unwrap();
            assert_eq!(directories, Vec::<ScimDirectory>::new());
        }
    }
}
