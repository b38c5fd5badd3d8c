//! What changes nothing and stands in the audit log all the same: reading and exporting what is confidential, failed sign-ins,
//! refused administration. Nobody can fill the log with it.

use std::time::Duration;

use model::{administrator::Role, audit::AuditEvent};
use ostiary::app::{
    audit::{self, AuditFilter},
    pagination::PageQuery,
    principal::Principal,
    setup::links::{self, NewSetupLink},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{administrators::PASSWORD, *},
};

const MINUTE: Duration = Duration::from_secs(60);

fn page() -> PageQuery {
    PageQuery { token: None, size: Some("100".to_owned()) }
}

/// The entries of an environment with this action, the newest first.
async fn of(app: &TestApp, environment: &model::environment::Environment, action: &str) -> Vec<AuditEvent> {
    let filter = AuditFilter { actions: vec![action.to_owned()], ..AuditFilter::default() };
    audit::list(&app.state, &Principal::operator(environment.id), &filter, &page()).await.unwrap().items
}

/// The same of the installation.
async fn of_installation(app: &TestApp, action: &str) -> Vec<AuditEvent> {
    let filter = AuditFilter { actions: vec![action.to_owned()], ..AuditFilter::default() };
    audit::list_installation(&app.state, &Principal::OPERATOR, &filter, &page()).await.unwrap().items
}

async fn log_in(app: &TestApp, tenant: &Tenant, key: &str) -> String {
    let (browser, idp) = (app.browser(), IdentityProvider::get());
    let request = app.begin(&browser, key, tenant).await;
    let spec = idp.response(tenant, Some(&request.id), "dana@acme.example", app.now());
    let answer = request.answer(&browser, tenant, &idp.sign(&spec)).await;
    let code = query(&answer.location(), "saml_access_code").unwrap();
    app.redeem(key, &code).await.json()["samlFlowId"].as_str().unwrap().to_owned()
}

both! {
    async fn whoever_reads_the_response_of_a_login_is_in_the_log(app: TestApp) {
        const READ: &str = "login_flow.response_read";
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let flow = log_in(&app, &tenant, &key).await;
        app.api(&key, Method::GET, "/v1/saml-flows", None).await;
        assert_eq!(of(&app, &environment, READ).await, [], "a list shows no response");

        let read = app.api(&key, Method::GET, &format!("/v1/saml-flows/{flow}"), None).await;
        assert!(read.json()["samlFlow"]["assertion"].as_str().unwrap().contains("<"), "{}", read.body);
        let check = format!("/v1/saml-flows/{flow}/check");
        for _ in 0..5 {
            assert_eq!(app.api(&key, Method::POST, &check, None).await.status, 200);
        }
        let told = of(&app, &environment, READ).await;
        assert_eq!(told.len(), 1, "the same within a minute is told once");
        assert_eq!((told[0].actor.kind.as_str(), told[0].target_id.as_str()), ("api_key", flow.as_str()));
        assert_eq!(told[0].organization_id, Some(tenant.organization.id));
        assert!(told[0].address.is_some());

        app.advance(Duration::from_millis(5));
        let console = app.console(Role::Viewer, &environment).await;
        console.page(&format!("/flows/{flow}")).await;
        app.advance(MINUTE);
        assert_eq!(app.api(&key, Method::POST, &check, None).await.status, 200);
        let told = of(&app, &environment, READ).await;
        assert_eq!(told.len(), 3);
        assert_eq!(told[0].after["unrecorded"], 5);
        assert_eq!(told[1].actor.kind, "administrator");
    }

    async fn whoever_reads_or_exports_a_log_is_in_the_log(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        let directory = app.scim_directory(&tenant).await;
        app.scim_user(&directory, "erin@acme.example").await;
        let path = format!("/v1/scim-requests?scimDirectoryId={}", directory.id);
        let list = app.api(&key, Method::GET, &path, None).await.json();
        let request = list["scimRequests"][0]["id"].as_str().unwrap();
        app.api(&key, Method::GET, &format!("/v1/scim-requests/{request}"), None).await;
        let told = of(&app, &environment, "scim_directory.requests_read").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].target_id, directory.id.to_string());

        let exported = app.api(&key, Method::GET, "/v1/audit-events/export?action=x.y", None).await;
        assert_eq!((exported.status.as_u16(), exported.body.as_str()), (200, ""));
        app.advance(Duration::from_millis(5));
        let console = app.console(Role::Admin, &environment).await;
        assert_eq!(console.get("/audit-events/export").await.status, 200);
        let owner = app.console(Role::Owner, &environment).await;
        let told = of(&app, &environment, "audit_log.exported").await;
        assert_eq!(told.len(), 2);
        assert_eq!(told[1].after, *json!({ "action": "x.y" }).as_object().unwrap());
        let text = owner.page("/audit-events").await.text();
        assert!(text.contains("exported the audit log"), "{text}");
        let everywhere = app.administrator(Role::Owner, None).await;
        app.page(&everywhere, "/console/audit-events/export").await;
        assert_eq!(of_installation(&app, "audit_log.exported").await.len(), 1);
    }

    async fn failed_sign_ins_are_told_once_a_minute_whoever_tries(app: TestApp) {
        const FAILED: &str = "administrator.sign_in_failed";
        let known = app.with_password("dana@ops.example").await;
        let attempt = async |email: &str, password: &str| {
            app.browser().post(&app.url("/console/sign-in"), &[("email", email), ("password", password)]).await
        };
        for _ in 0..3 {
            assert_eq!(attempt("dana@ops.example", "wrong").await.status, 401);
        }
        for number in 0..5 {
            assert_eq!(attempt(&format!("{number}@ops.example"), "wrong").await.status, 401);
            assert_eq!(attempt("my password instead", "wrong").await.status, 401);
        }
        let told = eventually("both are told", async || {
            Some(of_installation(&app, FAILED).await).filter(|told| told.len() >= 2)
        }).await;
        assert_eq!(told.len(), 2, "one of her, one of all that nobody knows");
        let targets: Vec<&str> = told.iter().map(|event| event.target_id.as_str()).collect();
        assert!(targets.contains(&known.id.to_string().as_str()) && targets.contains(&""), "{targets:?}");
        assert!(!format!("{told:?}").contains("my password"));

        app.advance(MINUTE);
        // What waited for the writer is written by now.
        attempt("nobody@ops.example", "wrong").await;
        let told = eventually("the next one is told", async || {
            Some(of_installation(&app, FAILED).await).filter(|told| told.len() >= 3)
        }).await;
        // One that is still on its way to the log may be counted there.
        let unrecorded = told[0].after["unrecorded"].as_i64().unwrap();
        assert!((7..=9).contains(&unrecorded), "{told:?}");
        assert_eq!(attempt("dana@ops.example", PASSWORD).await.status, 303);
        let owner = app.administrator(Role::Owner, None).await;
        let text = app.page(&owner, "/console/audit-events").await.text();
        assert!(text.contains("Somebody failed to sign in as nobody known here"), "{text}");
    }

    async fn refused_administration_is_told_once_a_minute(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let viewer = app.console(Role::Viewer, &environment).await;
        let fields = [("displayName", "Mallory"), ("slug", "prod"), ("version", "1")];
        for _ in 0..3 {
            assert_eq!(viewer.post("/settings/edit", &fields).await.status, 403);
        }
        let told = of(&app, &environment, "administrator.refused").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].actor.id, told[0].target_id);
        assert!(told[0].after["route"].as_str().unwrap().starts_with("/console/{environment}/"), "{told:?}");

        let key = app.api_key(&environment, false).await;
        for _ in 0..3 {
            let body = Some(json!({ "displayName": "Mallory" }));
            assert_eq!(app.api(&key, Method::POST, "/v1/organizations", body).await.status, 401);
        }
        let told = of(&app, &environment, "api_key.refused").await;
        assert_eq!(told.len(), 1);
        assert_eq!(Value::from(told[0].after.clone()), json!({ "method": "POST", "route": "/v1/organizations" }));
        assert_eq!(app.api("ssoready_sk_none", Method::GET, "/v1/organizations", None).await.status, 401);
        assert_eq!(of(&app, &environment, "api_key.refused").await.len(), 1, "a stranger's key is nobody's");

        let wanted = NewSetupLink {
            organization_id: tenant.organization.id,
            can_manage_saml: true,
            can_manage_scim: false,
            can_manage_domains: false,
            lifetime: None,
        };
        let (_, url) = links::create(&app.state, &Principal::operator(environment.id), &wanted).await.unwrap();
        let it = app.browser();
        let first = it.get(&url).await;
        assert_eq!(it.submit(&first, &first.form()).await.status, 303);
        assert_eq!(it.get(&app.url("/setup/domains")).await.status, 403);
        assert_eq!(of(&app, &environment, "setup_link.refused").await.len(), 1);

        app.advance(MINUTE);
        viewer.post("/settings/edit", &fields).await;
        let told = of(&app, &environment, "administrator.refused").await;
        assert_eq!((told.len(), &told[0].after["unrecorded"]), (2, &json!(2)));
        let owner = app.console(Role::Owner, &environment).await;
        let text = owner.page("/audit-events").await.text();
        assert!(text.contains("was refused POST /console/{environment}"), "{text}");
    }

    async fn each_route_that_is_refused_is_told(app: TestApp) {
        const REFUSED: &str = "api_key.refused";
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, false).await;
        let organization = format!("/v1/organizations/{}", tenant.organization.id);
        let connection = format!("/v1/saml-connections/{}", tenant.connection.id);
        let refuse = async |method: Method, path: &str| {
            assert_eq!(app.api(&key, method, path, None).await.status, 401);
        };
        for _ in 0..2 {
            refuse(Method::GET, "/v1/api-keys").await;
            refuse(Method::POST, "/v1/api-keys").await;
            refuse(Method::DELETE, &organization).await;
            refuse(Method::DELETE, &connection).await;
        }
        let told = of(&app, &environment, REFUSED).await;
        let methods: Vec<_> = told.iter().map(|event| event.after["method"].as_str().unwrap()).collect();
        assert_eq!(methods.len(), 4);
        assert_eq!(methods.iter().filter(|method| **method == "DELETE").count(), 2, "{methods:?}");
        assert!(told.iter().all(|event| !event.after.contains_key("unrecorded")), "{told:?}");
    }

    async fn what_was_left_out_is_told_when_its_minute_is_over(app: TestApp) {
        const REFUSED: &str = "api_key.refused";
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, false).await;
        for _ in 0..4 {
            assert_eq!(app.api(&key, Method::GET, "/v1/organizations", None).await.status, 401);
        }
        audit::flush_bounded(&app.state).await.unwrap();
        assert_eq!(of(&app, &environment, REFUSED).await.len(), 1, "its minute is not over");
        app.advance(MINUTE);
        audit::flush_bounded(&app.state).await.unwrap();
        let told = of(&app, &environment, REFUSED).await;
        assert_eq!(told.len(), 2);
        let values = json!({ "method": "GET", "route": "/v1/organizations", "unrecorded": 3 });
        assert_eq!(Value::from(told[0].after.clone()), values);
        assert_eq!((&told[0].actor, &told[0].target_id), (&told[1].actor, &told[1].target_id));
        assert_eq!(told[0].address, told[1].address);

        app.advance(MINUTE);
        audit::flush_bounded(&app.state).await.unwrap();
        assert_eq!(of(&app, &environment, REFUSED).await.len(), 2, "once");
        // At the server's stop, no minute is waited for.
        for _ in 0..2 {
            app.api(&key, Method::GET, "/v1/organizations", None).await;
        }
        audit::drain_bounded(&app.state).await;
        assert_eq!(of(&app, &environment, REFUSED).await.len(), 4);
    }

    async fn a_busy_network_hides_no_other(app: TestApp) {
        const REFUSED: &str = "api_key.refused";
        let app = TestApp::spawn_with(app.backend, |config| {
            config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        })
        .await;
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, false).await;
        let refuse = async |client: &str| {
            let browser = app.browser();
            let request = browser.request(Method::GET, &app.url("/v1/organizations"));
            let request = request.bearer_auth(&key).header("x-forwarded-for", client);
            assert_eq!(browser.send(request).await.status, 401);
        };
        for client in ["192.0.2.1", "192.0.2.1", "198.51.100.7", "2001:db8:1:2::1", "2001:db8:1:2::2"] {
            refuse(client).await;
        }
        let told = of(&app, &environment, REFUSED).await;
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.iter().any(|event| event.address == Some([198, 51, 100, 7].into())), "{told:?}");
        for number in 0..30 {
            refuse(&format!("203.0.113.{number}")).await;
        }
        let told = of(&app, &environment, REFUSED).await;
        assert_eq!(told.len(), 17, "sixteen networks, and one entry of all others");
        app.advance(MINUTE);
        audit::flush_bounded(&app.state).await.unwrap();
        let told = of(&app, &environment, REFUSED).await;
        let counts = told.iter().filter_map(|event| event.after.get("unrecorded")?.as_i64());
        // Five and thirty were refused, and seventeen stand there.
        assert_eq!(counts.sum::<i64>(), 18);
    }

    async fn exports_are_told_once_a_minute(app: TestApp) {
        const EXPORTED: &str = "audit_log.exported";
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let export = async |filter: &str| {
            let path = format!("/v1/audit-events/export{filter}");
            let answer = app.api(&key, Method::GET, &path, None).await;
            assert_eq!(answer.status, 200);
            answer.body
        };
        assert!(!export("").await.contains(EXPORTED), "an export does not tell of itself");
        for _ in 0..5 {
            export("").await;
        }
        assert_eq!(of(&app, &environment, EXPORTED).await.len(), 1);
        export("?action=x.y").await;
        assert_eq!(of(&app, &environment, EXPORTED).await.len(), 2, "another filter is another export");
        app.advance(MINUTE);
        audit::flush_bounded(&app.state).await.unwrap();
        let told = of(&app, &environment, EXPORTED).await;
        assert_eq!((told.len(), &told[0].after["unrecorded"]), (3, &json!(5)));
    }
}
