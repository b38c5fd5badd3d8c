//! The grant `organization_switch` (contract §2.3), and where its tokens count.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{application::Application, organization::root_id};
use ostiary::app::{
    applications::ApplicationChange,
    organizations::{self, OrganizationChange},
    principal::Principal,
    resource,
};
use ostiary::store::signed_access_tokens;
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{SCOPES, Vendor, application, organization, switch};
use crate::{
    both,
    support::{Answer, TestApp},
};

const CHECK_NAME: &str = "/api/server/v1/organizations/check-name";
const IN_ORGANIZATION: &str = "/o/api/server/v1/organizations/check-name";

/// An id as WSO2's APIs write it.
fn uuid(bits: u128) -> String {
    uuid::Uuid::from_u128(bits).hyphenated().to_string()
}

fn claims(token: &str) -> Value {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let part = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

#[track_caller]
fn refused(answer: &Answer, error: &str, description: &str) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    let body = answer.json();
    assert_eq!((&body["error"], &body["error_description"]), (&json!(error), &json!(description)), "{body}");
}

async fn check_name(app: &TestApp, token: &str, path: &str) -> Answer {
    app.call(token, Method::POST, path, Some(json!({ "name": "BestCar" }))).await
}

both! {
    async fn a_token_is_switched_to_an_organization_and_back(app: TestApp) {
        let vendor = Vendor::new(&app).await;
        let made = organization(&app, &vendor.environment).await;
        let id = uuid(made.id.bits());
        // As the guide's curl sends it: client authentication in the header, spaces in the body as they are.
        let basic = BASE64_STANDARD.encode(format!("{}:{}", vendor.client.id, vendor.client.secret));
        let browser = app.browser();
        let body = format!(
            "grant_type=organization_switch&token={}&switching_organization={id}&scope=internal_org_user_mgt_create \
             internal_org_user_mgt_list internal_user_mgt_create openid unknown",
            vendor.root
        );
        let request = browser
            .request(Method::POST, &app.url("/oauth2/token"))
            .header(header::AUTHORIZATION, format!("Basic {basic}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = browser.send(request.body(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        let mut keys: Vec<_> = body.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["access_token", "expires_in", "scope", "token_type"]);
        assert_eq!((&body["expires_in"], &body["token_type"]), (&json!(3600), &json!("Bearer")));
        assert_eq!(body["scope"], "internal_org_user_mgt_create internal_org_user_mgt_list");
        let token = body["access_token"].as_str().unwrap();
        let said = claims(token);
        assert_eq!(said["iss"], app.url("/oauth2/token"));
        assert_eq!((&said["org_id"], &said["org_name"]), (&json!(id), &json!(made.display_name)));
        assert_eq!(said["sub"], json!(vendor.client.id));

        // And back, where the scopes of organizations do not count.
        for root in ["10084a8d-113f-4211-a0d5-efe36b082211".to_owned(), uuid(root_id(vendor.environment.id).bits())] {
            let answer = vendor.ask_switch(token, &root, None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let back = answer.json()["access_token"].as_str().unwrap().to_owned();
            assert!(claims(&back)["org_id"].is_null());
            assert_eq!(check_name(&app, &back, CHECK_NAME).await.status, 200);
            assert_eq!(check_name(&app, &back, IN_ORGANIZATION).await.status, 403);
        }
    }

    async fn a_token_counts_where_it_was_given_and_for_what_it_was_given(app: TestApp) {
        let vendor = Vendor::new(&app).await;
        let own = organization(&app, &vendor.environment).await;
        let other = organization(&app, &vendor.environment).await;
        let (own, other) = (uuid(own.id.bits()), uuid(other.id.bits()));
        let token = vendor.switched(&own).await;
        for (token, path, status) in [
            (&vendor.root, CHECK_NAME.to_owned(), 200),
            (&vendor.root, format!("/t/prod{CHECK_NAME}"), 200),
            (&vendor.root, IN_ORGANIZATION.to_owned(), 403),
            (&vendor.root, format!("/o/{own}{CHECK_NAME}"), 403),
            (&token, IN_ORGANIZATION.to_owned(), 200),
            (&token, format!("/t/prod{IN_ORGANIZATION}"), 200),
            (&token, format!("/o/{own}{CHECK_NAME}"), 200),
            (&token, format!("/t/prod/o/{own}{CHECK_NAME}"), 200),
            (&token, CHECK_NAME.to_owned(), 403),
            (&token, format!("/o/{other}{CHECK_NAME}"), 403),
            (&token, format!("/t/prod/o/{other}{CHECK_NAME}"), 403),
            (&token, format!("/o/nowhere{CHECK_NAME}"), 403),
        ] {
            let answer = check_name(&app, token, &path).await;
            assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
            assert_eq!(answer.body.is_empty(), status == 403, "{path}: {}", answer.body);
        }
        // What it was not given for, and no token at all.
        let answer = vendor.ask_switch(&vendor.root, &own, Some("internal_org_user_mgt_list")).await;
        let narrow = answer.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(check_name(&app, &narrow, IN_ORGANIZATION).await.status, 403);
        let answer = check_name(&app, "nonsense", IN_ORGANIZATION).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (401, ""));
    }

    async fn another_environment_s_token_is_refused_everywhere(app: TestApp) {
        let vendor = Vendor::new(&app).await;
        let own = uuid(organization(&app, &vendor.environment).await.id.bits());
        let root = app.token("/t/prod/oauth2/token", &vendor.client).await;
        let answer = switch(&app, "/t/prod/oauth2/token", &vendor.client, &root, &own, None).await;
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        let elsewhere = app.environment("other").await;
        let foreign = application(&app, &elsewhere, "all", &SCOPES).await;
        let theirs = app.token("/t/other/oauth2/token", &foreign).await;
        let theirs_id = uuid(organization(&app, &elsewhere).await.id.bits());
        // There are two environments and no default one: the paths that name none lead nowhere, and neither do their tokens.
        assert_eq!(check_name(&app, &vendor.root, CHECK_NAME).await.status, 401);
        for path in [format!("/t/prod{CHECK_NAME}"), format!("/t/prod{IN_ORGANIZATION}"), format!("/t/prod/o/{own}{CHECK_NAME}")] {
            assert_eq!(check_name(&app, &theirs, &path).await.status, 403, "{path}");
        }
        assert_eq!(check_name(&app, &token, &format!("/t/other{IN_ORGANIZATION}")).await.status, 403);
        let endpoint = "/t/other/oauth2/token";
        let answer = switch(&app, endpoint, &foreign, &vendor.root, &theirs_id, None).await;
        refused(&answer, "invalid_grant", "Invalid token received.");
        let answer = switch(&app, endpoint, &foreign, &theirs, &own, None).await;
        refused(&answer, "invalid_request", &format!("Invalid organization id: {own}"));
    }

    async fn a_switch_is_refused_in_the_order_of_its_checks(app: TestApp) {
        let vendor = Vendor::new(&app).await;
        let environment = &vendor.environment;
        let principal = Principal::operator(environment.id);
        let made = organization(&app, environment).await;
        let id = uuid(made.id.bits());
        for (token, organization) in [("", id.as_str()), (vendor.root.as_str(), "")] {
            let answer = vendor.ask_switch(token, organization, None).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!("invalid_request")));
        }
        for unknown in ["nonsense", "7c430544-4754-4d26-9b45-796da08013d7"] {
            let answer = vendor.ask_switch("bad", unknown, None).await;
            refused(&answer, "invalid_request", &format!("Invalid organization id: {unknown}"));
        }
        let disable = |disabled| OrganizationChange { disabled: Some(disabled), ..OrganizationChange::default() };
        organizations::update(&app.state, &principal, made.id, None, &disable(true)).await.unwrap();
        let answer = vendor.ask_switch("bad", &id, None).await;
        refused(&answer, "invalid_request", "The switching organization is in deactivated state.");
        organizations::update(&app.state, &principal, made.id, None, &disable(false)).await.unwrap();
        // A token that is none, of another application, and revoked.
        let other = application(&app, environment, "all", &SCOPES).await;
        let theirs = app.token("/oauth2/token", &other).await;
        for token in ["bad", &theirs] {
            let answer = vendor.ask_switch(token, &id, None).await;
            refused(&answer, "invalid_grant", "Invalid token received.");
        }
        let private = application(&app, environment, "none", &SCOPES).await;
        let token = app.token("/oauth2/token", &private).await;
        let answer = switch(&app, "/oauth2/token", &private, &token, &id, None).await;
        let text = "Organization switching is not allowed for organizations that have not shared the application";
        refused(&answer, "invalid_grant", text);
        // An application without the grant.
        let program = app.program(environment, None, &SCOPES).await;
        let token = app.token("/oauth2/token", &program).await;
        let answer = switch(&app, "/oauth2/token", &program, &token, &id, None).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (400, &json!("unauthorized_client")));
    }

    async fn an_organization_that_is_switched_off_ends_its_tokens(app: TestApp) {
        let vendor = Vendor::new(&app).await;
        let made = organization(&app, &vendor.environment).await;
        let token = vendor.switched(&uuid(made.id.bits())).await;
        assert_eq!(check_name(&app, &token, IN_ORGANIZATION).await.status, 200);
        let principal = Principal::operator(vendor.environment.id);
        let change = OrganizationChange { disabled: Some(true), ..OrganizationChange::default() };
        organizations::update(&app.state, &principal, made.id, None, &change).await.unwrap();
        assert_eq!(check_name(&app, &token, IN_ORGANIZATION).await.status, 401);
    }

    async fn an_application_that_is_not_shared_any_more_ends_its_tokens_in_organizations(app: TestApp) {
        let vendor = Vendor::new(&app).await;
        let made = organization(&app, &vendor.environment).await;
        let token = vendor.switched(&uuid(made.id.bits())).await;
        let principal = Principal::operator(vendor.environment.id);
        let change = ApplicationChange { shared: Some("none".to_owned()), ..ApplicationChange::default() };
        resource::update::<Application>(&app.state, &principal, vendor.client.id, None, &change).await.unwrap();
        assert_eq!(check_name(&app, &token, IN_ORGANIZATION).await.status, 401);
        assert_eq!(check_name(&app, &vendor.root, CHECK_NAME).await.status, 200, "that of the root goes on");
    }

    async fn a_switch_and_the_end_of_an_organization_at_once_leave_nothing_that_counts_again(app: TestApp) {
        let vendor = Vendor::new(&app).await;
        let made = organization(&app, &vendor.environment).await;
        let own = app.program(&vendor.environment, Some(made.id), &["orders"]).await;
        let endpoint = format!("/prod/{:032x}/oauth2/token", made.id.bits());
        let id = uuid(made.id.bits());
        let principal = Principal::operator(vendor.environment.id);
        let set = async |disabled| {
            let change = OrganizationChange { disabled: Some(disabled), ..OrganizationChange::default() };
            organizations::update(&app.state, &principal, made.id, None, &change).await.unwrap();
        };
        let counts = async |jti: &Value| {
            let mut conn = app.state.db.read().await.unwrap();
            let token = jti.as_str().unwrap().parse().unwrap();
            signed_access_tokens::find_live(&mut conn, vendor.environment.id, token, app.now()).await.unwrap().is_some()
        };
        for _ in 0..16 {
            let (switched, given, ()) =
                tokio::join!(vendor.ask_switch(&vendor.root, &id, None), app.ask_token(&endpoint, &own, None), set(true));
            set(false).await;
            for answer in [switched, given] {
                if let Some(token) = answer.json()["access_token"].as_str() {
                    assert!(!counts(&claims(token)["jti"]).await, "what was given before is good after");
                }
            }
        }
        // In use, both are served.
        assert!(counts(&claims(&vendor.switched(&id).await)["jti"]).await);
        assert_eq!(app.ask_token(&endpoint, &own, None).await.status, 200);
    }
}
