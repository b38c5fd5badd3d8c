//! Redirect and redeem: the two API calls of a login.

use std::{rc::Rc, time::Duration};

use base::{
    id::{Id, LoginFlowId},
    secret::AccessCode,
};
use model::{
    email::Email,
    login_flow::{FlowOrigin, FlowStatus, LoginFlow, LoginProtocol, OauthRequest},
    oauth_client::IdTokenAlg,
};
use ostiary::{app::login, store};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, IdentityProvider, Tenant, TestApp, query, random},
};

async fn acme(app: &TestApp) -> (Tenant, String) {
    let environment = app.environment("prod").await;
    (app.tenant(&environment, "acme.example").await, app.api_key(&environment, false).await)
}

async fn redirect(app: &TestApp, key: &str, body: Value) -> Answer {
    app.api(key, Method::POST, "/v1/saml/redirect", Some(body)).await
}

fn refused(answer: &Answer, status: u16, code: u64) -> String {
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (status, &json!(code)), "{answer:#?}");
    answer.json()["message"].as_str().unwrap().to_owned()
}

/// Signs a user in. Returns the code that the browser brings to the app.
async fn code(
    app: &TestApp,
    key: &str,
    tenant: &Tenant,
    email: &str,
    attributes: &[(&str, &[&str])],
) -> String {
    let (browser, idp) = (app.browser(), IdentityProvider::get());
    let request = app.begin(&browser, key, tenant).await;
    let mut spec = idp.response(tenant, Some(&request.id), email, app.now());
    spec.attributes = attributes
        .iter()
        .map(|(name, values)| ((*name).to_owned(), values.iter().map(|value| (*value).to_owned()).collect()))
        .collect();
    let answer = request.answer(&browser, tenant, &idp.sign(&spec)).await;
    query(&answer.location(), "saml_access_code").expect("an access code")
}

/// A finished login whose code is not redeemed yet.
async fn store_flow(
    app: &TestApp,
    tenant: &Tenant,
    change: impl FnOnce(&mut LoginFlow),
) -> (LoginFlowId, String) {
    let code = AccessCode::new(random());
    let now = app.now();
    let mut flow = LoginFlow {
        id: Id::new(now, random()),
        environment_id: tenant.environment.id,
        organization_id: tenant.organization.id,
        protocol: LoginProtocol::Saml,
        connection_id: Some(tenant.connection.id.into()),
        user_id: None,
        application_id: None,
        amr: Vec::new(),
        origin: FlowOrigin::Api,
        status: FlowStatus::InProgress,
        refusal: None,
        state: None,
        email: Email::parse("dana@acme.example"),
        claimed_email: None,
        attributes: Default::default(),
        sealed_attributes: None,
        request: None,
        oauth: None,
        force_authn: false,
        authenticated_at: None,
        answered_at: Some(now),
        redeemed_at: None,
        created_at: now,
        updated_at: now,
    };
    change(&mut flow);
    let mut tx = app.state.db.write().await.unwrap();
    store::login_flows::insert(&mut tx, &flow).await.unwrap();
    let email = flow.email.clone().unwrap();
    login::issue_code(&app.state, &mut tx, &flow, &email, None, &code, now).await.unwrap();
    tx.commit().await.unwrap();
    (flow.id, code.reveal())
}

pub const GONE: &str =
    "saml access code not found, already used, or ended because the person may not sign in any more";

both! {
    async fn the_first_selector_that_is_given_wins(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let other = app.tenant(&tenant.environment, "beta.example").await;
        let external_id = |tenant: &Tenant| tenant.organization.external_id.clone().unwrap();
        for (body, meant) in [
            (json!({ "samlConnectionId": tenant.connection.id, "organizationId": other.organization.id, "organizationExternalId": "x" }), &tenant),
            (json!({ "saml_connection_id": tenant.connection.id }), &tenant),
            (json!({ "samlConnectionId": "", "organizationId": other.organization.id, "organizationExternalId": external_id(&tenant) }), &other),
            (json!({ "samlConnectionId": null, "organization_id": tenant.organization.id }), &tenant),
            (json!({ "organizationExternalId": external_id(&other), "state": null, "unknown": 1 }), &other),
            (json!({ "organization_external_id": external_id(&tenant) }), &tenant),
        ] {
            let answer = redirect(&app, &key, body.clone()).await;
            assert_eq!(answer.status, 200, "{body}: {answer:#?}");
            let reply = answer.json();
            let url = reply["redirectUrl"].as_str().unwrap();
            assert!(url.starts_with(&app.url(&format!("/v1/saml/{}/init?state=", meant.connection.id))), "{body}: {url}");
            assert_eq!(reply.as_object().unwrap().len(), 1);
        }
    }

    async fn what_names_no_login_is_refused_in_ssoreadys_words(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let foreign = app.tenant(&app.environment("staging").await, "beta.example").await;
        let mut bare = app.tenant(&tenant.environment, "gamma.example").await;
        bare.connection.primary = false;
        app.update_connection(&bare.connection).await;
        let none = |field: &str| format!("bad {field}: organization not found, or organization does not have a primary SAML connection");
        let long = "s".repeat(10_001);
        for (body, message) in [
            (json!({}), "one of saml_connection_id, organization_id, or organization_external_id must be provided".to_owned()),
            (json!({ "samlConnectionId": "xxx" }), "bad saml_connection_id: \"xxx\" does not have expected prefix \"saml_conn_\"".to_owned()),
            (json!({ "samlConnectionId": "saml_conn_1" }), "bad saml_connection_id: \"saml_conn_1\" does not have expected length 35".to_owned()),
            (json!({ "samlConnectionId": tenant.organization.id }), format!("bad saml_connection_id: \"{}\" does not have expected prefix \"saml_conn_\"", tenant.organization.id)),
            (json!({ "organizationId": "xxx" }), "bad organization_id: \"xxx\" does not have expected prefix \"org_\"".to_owned()),
            (json!({ "samlConnectionId": "saml_conn_0000000000000000000000001" }), "saml connection not found".to_owned()),
            (json!({ "samlConnectionId": foreign.connection.id }), "saml connection not found".to_owned()),
            (json!({ "organizationId": "org_0000000000000000000000001" }), none("organization_id")),
            (json!({ "organizationId": foreign.organization.id }), none("organization_id")),
            (json!({ "organizationId": bare.organization.id }), none("organization_id")),
            (json!({ "organizationExternalId": "nobody" }), none("organization_external_id")),
            (json!({ "organizationExternalId": foreign.organization.external_id }), none("organization_external_id")),
            (json!({ "organizationExternalId": bare.organization.external_id }), none("organization_external_id")),
            (json!({ "organizationExternalId": "x\u{0}" }), "bad organizationExternalId: must not contain NUL".to_owned()),
            (json!({ "samlConnectionId": tenant.connection.id, "state": "\u{0}" }), "bad state: must not contain NUL".to_owned()),
            (json!({ "samlConnectionId": tenant.connection.id, "state": 1 }), "bad state: must be a string".to_owned()),
            (json!({ "samlConnectionId": tenant.connection.id, "state": long }), "bad state: must be at most 4096 bytes long".to_owned()),
        ] {
            assert_eq!(refused(&redirect(&app, &key, body.clone()).await, 400, 3), message, "{body}");
        }
    }

    async fn a_connection_that_is_not_configured_says_so_however_it_is_found(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        for clear in ["entity id", "url", "certificate"] {
            let mut connection = tenant.connection.clone();
            match clear {
                "entity id" => connection.idp_entity_id = None,
                "url" => connection.idp_redirect_url = None,
                _ => connection.idp_certificates = Vec::new(),
            }
            app.update_connection(&connection).await;
            for body in [
                json!({ "samlConnectionId": connection.id }),
                json!({ "organizationId": tenant.organization.id }),
                json!({ "organizationExternalId": tenant.organization.external_id }),
            ] {
                assert_eq!(
                    refused(&redirect(&app, &key, body).await, 400, 9),
                    "saml connection is not fully configured, see: https://ssoready.com/docs/ssoready-concepts/saml-connections#not-yet-configured"
                );
            }
        }
    }

    async fn the_link_stands_where_the_connections_responses_come(app: TestApp) {
        let (mut tenant, key) = acme(&app).await;
        // As in a connection that was created when this was its environment's auth URL.
        let path = format!("/v1/saml/{}/acs", tenant.connection.id);
        tenant.connection.sp_acs_urls = vec![format!("https://sso.acme-vendor.example{path}")];
        app.update_connection(&tenant.connection).await;
        let link = app.login_link(&key, &tenant, "s").await;
        assert!(link.starts_with("https://sso.acme-vendor.example/v1/saml/saml_conn_"), "{link}");
    }

    async fn a_login_is_redeemed_once_with_everything_the_app_needs(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let code = code(&app, &key, &tenant, "Dana@acme.example", &[("groups", &["staff", "admins"]), ("name", &["Dana"]), ("none", &[])]).await;
        let reply = app.redeem(&key, &code).await;
        assert_eq!(reply.status, 200, "{reply:#?}");
        let mut said = reply.json();
        let flow = said["samlFlowId"].as_str().unwrap().to_owned();
        assert!(flow.starts_with("saml_flow_") && flow.len() == 35);
        said.as_object_mut().unwrap().remove("samlFlowId");
        let mut values = said["attributeValues"].take();
        let attributes = said["attributes"].take();
        assert_eq!(said, json!({
            "email": "Dana@acme.example", "state": "the app's state", "attributes": null, "attributeValues": null,
            "organizationId": tenant.organization.id, "organizationExternalId": "customer-acme.example",
        }));
        assert_eq!(attributes["groups"], "admins", "SSOReady's shape has one value: the last");
        assert_eq!(attributes["name"], "Dana");
        assert_eq!(values["groups"].take(), json!(["staff", "admins"]));
        assert_eq!(values["name"].take(), json!(["Dana"]));

        assert_eq!(refused(&app.redeem(&key, &code).await, 404, 5), GONE);
        let mut conn = app.state.db.read().await.unwrap();
        let stored = store::login_flows::find(&mut conn, tenant.connection.id.into(), flow.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(stored.status, FlowStatus::Succeeded);
        assert!(stored.redeemed_at.is_some());
    }

    async fn what_is_no_code_is_refused(app: TestApp) {
        let (_, key) = acme(&app).await;
        let prefix = "does not have expected prefix \"saml_access_code_\"";
        for (body, message) in [
            (json!({}), format!("bad saml_access_code: \"\" {prefix}")),
            (json!({ "samlAccessCode": null }), format!("bad saml_access_code: \"\" {prefix}")),
            (json!({ "samlAccessCode": "x" }), format!("bad saml_access_code: \"x\" {prefix}")),
            (json!({ "saml_access_code": "saml_access_code_1" }), "bad saml_access_code: \"saml_access_code_1\" does not have expected length 42".to_owned()),
            (json!({ "samlAccessCode": 1 }), "bad samlAccessCode: must be a string".to_owned()),
        ] {
            let answer = app.api(&key, Method::POST, "/v1/saml/redeem", Some(body.clone())).await;
            assert_eq!(refused(&answer, 400, 3), message, "{body}");
        }
        let unknown = AccessCode::new(random()).reveal();
        assert_eq!(refused(&app.redeem(&key, &unknown).await, 404, 5), GONE);
    }

    async fn a_code_is_redeemed_only_in_its_environment_and_at_its_endpoint(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let foreign = app.api_key(&app.environment("staging").await, true).await;
        let (client, _) = app.oauth_client(&tenant.environment, IdTokenAlg::RS256).await;
        let (_, code) = store_flow(&app, &tenant, |_| {}).await;
        assert_eq!(refused(&app.redeem(&foreign, &code).await, 404, 5), GONE);
        let (_, oauth_code) = store_flow(&app, &tenant, |flow| {
            flow.origin = FlowOrigin::Oauth;
            flow.oauth = Some(OauthRequest {
                client_id: client.id,
                redirect_uri: "https://prod.app.example/oauth/callback".into(),
                redirect_uri_sent: true,
                nonce: None,
                code_challenge: None,
                scope: None,
            });
        }).await;
        assert_eq!(refused(&app.redeem(&key, &oauth_code).await, 404, 5), GONE);
        // Neither attempt consumed the code.
        assert_eq!(app.redeem(&key, &code).await.status, 200);
        let mut conn = app.state.db.read().await.unwrap();
        let digest = oauth_code.parse::<AccessCode>().unwrap().digest();
        let found = store::authorization_codes::find(&mut conn, digest).await.unwrap().unwrap();
        assert!(!found.consumed);
    }

    async fn a_code_is_good_for_its_time_only(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let (_, in_time) = store_flow(&app, &tenant, |_| {}).await;
        let (_, late) = store_flow(&app, &tenant, |_| {}).await;
        app.advance(Duration::from_secs(299));
        assert_eq!(app.redeem(&key, &in_time).await.status, 200);
        app.advance(Duration::from_secs(1));
        assert_eq!(refused(&app.redeem(&key, &late).await, 404, 5), GONE);
    }

    async fn of_thirty_two_that_bring_one_code_one_gets_the_answer(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let (_, code) = store_flow(&app, &tenant, |_| {}).await;
        let replica = Rc::new(app.replica().await);
        let app = Rc::new(app);
        let tries: Vec<_> = (0..32).map(|n| {
            let (app, key, code) = (if n % 2 == 0 { app.clone() } else { replica.clone() }, key.clone(), code.clone());
            actix_web::rt::spawn(async move { app.redeem(&key, &code).await })
        }).collect();
        let mut won = 0;
        for attempt in tries {
            let answer = attempt.await.unwrap();
            match answer.status.as_u16() {
                200 => won += 1,
                _ => assert_eq!(refused(&answer, 404, 5), GONE),
            }
        }
        assert_eq!(won, 1);
    }
}
