//! The root organization of an environment: there from the first moment, and seen by nobody.

use base::id::OrganizationId;
use model::{administrator::Role, environment::Environment};
use ostiary::{
    app::{
        environments::{self, EnvironmentChange},
        organizations,
        principal::Principal,
    },
    http::ssoready::ROUTES,
    links::path,
    store::{import_lookups, table},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{both, console_access::patterns, support::TestApp};

/// An id that nothing has.
const STRANGER: &str = "org_0000000000000000000000001";

/// Status and body of an answer, which do not tell one id from another.
async fn answered(
    app: &TestApp,
    key: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
    id: &str,
) -> (u16, String) {
    let answer = app.api(key, method, path, body).await;
    (answer.status.as_u16(), answer.body.replace(id, STRANGER))
}

fn root_of(environment: &Environment) -> String {
    let root = environment.root_organization_id().to_string();
    assert_eq!(root[4..], environment.id.to_string()[4..], "the same bits");
    root
}

both! {
    async fn every_call_answers_for_the_root_as_for_no_organization(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let root = root_of(&environment);
        let calls = async |id: &str| {
            let mut answers = Vec::new();
            for (pattern, methods) in ROUTES.iter().filter(|(pattern, _)| pattern.starts_with(path::ORGANIZATION)) {
                let path = pattern.replace("{id}", id).replace("{domain}", "acme.example");
                for method in *methods {
                    let method: Method = method.to_uppercase().parse().unwrap();
                    let body = (method != Method::GET).then(|| json!({ "displayName": "x", "disabled": true, "domain": "acme.example" }));
                    answers.push((format!("{method} {pattern}"), answered(&app, &key, method, &path, body, id).await));
                }
            }
            for pattern in [path::SAML_CONNECTIONS, path::SCIM_DIRECTORIES, path::SETUP_URLS, path::SAML_FLOWS, path::AUDIT_EVENTS, path::SCIM_USERS, path::SCIM_GROUPS] {
                let path = format!("{pattern}?organizationId={id}");
                answers.push((format!("GET {pattern}"), answered(&app, &key, Method::GET, &path, None, id).await));
            }
            for pattern in [path::SAML_CONNECTIONS, path::SCIM_DIRECTORIES, path::SETUP_URLS, path::SAML_REDIRECT] {
                let body = Some(json!({ "organizationId": id, "canManageSaml": true }));
                answers.push((format!("POST {pattern}"), answered(&app, &key, Method::POST, pattern, body, id).await));
            }
            answers
        };
        let (of_root, of_stranger) = (calls(&root).await, calls(STRANGER).await);
        assert_eq!(of_root, of_stranger);
        let hidden = of_root.iter().filter(|(_, (status, _))| *status == 404).count();
        assert!(hidden >= 15, "{of_root:#?}");
        for (call, (status, body)) in &of_root {
            assert!(*status >= 400 || call.starts_with("GET") && !body.contains("org_"), "{call}: {status} {body}");
        }
    }

    async fn no_page_of_the_console_shows_the_root(app: TestApp) {
        let environment = app.environment("prod").await;
        let root = root_of(&environment);
        let console = app.console(Role::Owner, &environment).await;
        let mut hidden = 0;
        for pattern in patterns().into_iter().filter(|pattern| pattern.contains("{organization}")) {
            let path = pattern.replace("{environment}", &environment.id.to_string()).replace("{organization}", &root);
            let seen = console.get(&path).await;
            assert!([404, 405].contains(&seen.status.as_u16()), "{path}: {}", seen.status);
            let posted = console.post(&path, &[("confirm", ""), ("displayName", "x"), ("version", "1")]).await;
            assert!([404, 405].contains(&posted.status.as_u16()), "{path}: {}", posted.status);
            hidden += u32::from(seen.status == 404);
        }
        assert!(hidden > 5, "{hidden}");
        for path in ["/organizations", &format!("/organizations?q={root}"), "/setup-links", "/scim-directories", "/flows", ""] {
            let page = console.get(path).await;
            assert!(!page.body.replace(&format!("q={root}"), "").contains("organizations/org_"), "{path}: {}", page.body);
        }
    }

    async fn it_is_in_no_list_and_no_lookup(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let root = root_of(&environment);
        let id: OrganizationId = root.parse().unwrap();
        for path in ["/v1/organizations".to_owned(), format!("/v1/organizations?query={root}"), "/v1/organizations?query=acme".to_owned()] {
            let listed = app.api(&key, Method::GET, &path, None).await;
            assert!(listed.status == 200 && !listed.body.contains(&root), "{path}: {}", listed.body);
        }
        let principal = Principal::operator(environment.id);
        assert_eq!(organizations::names(&app.state, &principal, [id, tenant.organization.id]).await.unwrap().len(), 1);
        assert!(organizations::environment_of(&app.state, id).await.is_err());
        let mut tx = app.state.db.write().await.unwrap();
        assert!(import_lookups::lock_organizations(&mut tx, std::slice::from_ref(&root)).await.unwrap().is_empty());
        // What resolves to it finds nothing.
        for name in [format!("{:032x}", id.bits()), format!("{:032X}", id.bits())] {
            let answer = app.api(&key, Method::GET, &format!("/v1/organizations/{name}"), None).await;
            assert_eq!(answer.status, 404, "{}", answer.body);
        }
        let closure: Vec<(String, String, i64)> = tx
            .sql("SELECT ancestor_id, descendant_id, depth FROM organization_closure WHERE environment_id = $1 ORDER BY depth, ancestor_id")
            .bind(environment.id)
            .all()
            .await
            .unwrap();
        let ours = tenant.organization.id.to_string();
        let mut selves = vec![(root.clone(), root.clone(), 0), (ours.clone(), ours.clone(), 0)];
        selves.sort();
        selves.push((root, ours, 1));
        assert_eq!(closure, selves);
    }

    async fn an_environment_is_made_with_its_root_and_removed_with_it(app: TestApp) {
        let change = EnvironmentChange { slug: Some("new".into()), ..EnvironmentChange::default() };
        let made = environments::create(&app.state, &Principal::OPERATOR, &change).await.unwrap();
        let roots = async || {
            let mut conn = app.state.db.read().await.unwrap();
            let found: Vec<(String,)> = conn
                .sql("SELECT id FROM organizations WHERE environment_id = $1 AND kind = 'root' AND parent_id IS NULL")
                .bind(made.id)
                .all()
                .await
                .unwrap();
            found
        };
        assert_eq!(roots().await, [(root_of(&made),)]);
        let principal = Principal::operator(made.id);
        environments::remove(&app.state, &principal, made.id, None).await.unwrap();
        assert!(roots().await.is_empty());
        let mut conn = app.state.db.read().await.unwrap();
        assert!(table::find::<Environment>(&mut conn, made.id, made.id).await.unwrap().is_none());
        let (left,): (i64,) = conn.sql("SELECT COUNT(*) FROM organization_closure WHERE environment_id = $1").bind(made.id).one().await.unwrap();
        assert_eq!(left, 0);
    }
}
