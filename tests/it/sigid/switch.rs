//! Route 10: the organization in which a session acts.

use model::membership::MembershipStatus;
use ostiary::app::authorization_server::access_tokens;
use reqwest::Method;
use serde_json::json;

use super::{Person, assert_error, call, error, organization_of, person, tenant_admin};
use crate::{
    both,
    support::{Answer, TestApp},
};

async fn switch(app: &TestApp, token: &str, organization: Option<&str>) -> Answer {
    call(app, token, Method::POST, "/switch", Some(json!({ "organization_id": organization }))).await
}

async fn set_status(
    app: &TestApp,
    owner: &Person,
    organization: &str,
    user: &Person,
    status: MembershipStatus,
) -> Answer {
    let path = format!("/{organization}/members/{}", user.id());
    call(app, &owner.token, Method::PATCH, &path, Some(json!({ "status": status.as_str() }))).await
}

both! {
    async fn a_session_acts_in_one_organization_at_a_time(app: TestApp) {
        let environment = app.environment("prod").await;
        let (owner, member) = (person(&app, &environment, "owner").await, person(&app, &environment, "member").await);
        let (first, second) = (organization_of(&app, &owner, "first").await, organization_of(&app, &owner, "second").await);
        let add = json!({ "user_id": member.id(), "role": "admin" });
        call(&app, &owner.token, Method::POST, &format!("/{first}/members"), Some(add)).await;

        let switched = switch(&app, &owner.token, Some(&first)).await;
        assert_eq!(switched.status, 200, "{}", switched.body);
        let told = switched.json();
        assert_eq!(told["active_organization"], json!({ "id": first, "name": "FIRST", "slug": "first" }));
        assert_eq!((&told["role"], &told["token_type"], &told["expires_in"]), (&json!("owner"), &json!("Bearer"), &json!(3600)));
        let token = told["access_token"].as_str().unwrap();
        let claims = access_tokens::authenticate(&app.state, token, None).await.unwrap().claims;
        assert_eq!((claims.org_id.as_deref(), claims.org_role.as_deref(), claims.org_name.as_deref()), (Some(first.as_str()), Some("owner"), Some("FIRST")));
        assert_eq!((claims.sub, claims.tid.as_str(), claims.org_handle.as_deref()), (owner.id(), "prod", Some("first")));
        assert!(claims.iss.ends_with("/prod/root"), "{}", claims.iss);

        // What it was given for the first ends with the switch to the second.
        assert_eq!(call(&app, token, Method::GET, "", None).await.status, 200);
        let there = switch(&app, token, Some(&second)).await.json();
        assert_error(&call(&app, token, Method::GET, "", None).await, 401, "unauthenticated");
        let second_token = there["access_token"].as_str().unwrap().to_owned();
        let home = switch(&app, &second_token, None).await;
        assert_eq!((home.status.as_u16(), &home.json()["active_organization"], &home.json()["role"]), (200, &json!(null), &json!(null)));
        assert_error(&call(&app, &second_token, Method::GET, "", None).await, 401, "unauthenticated");
        let personal = home.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(call(&app, &personal, Method::GET, "", None).await.status, 200);

        // Members have a last login by it.
        assert_eq!(switch(&app, &member.token, Some(&first)).await.json()["role"], "admin");
        let shown = call(&app, &owner.token, Method::GET, &format!("/{first}/members/{}", member.id()), None).await.json();
        assert!(shown["last_login_at"].is_string(), "{shown}");
        let log = call(&app, &owner.token, Method::GET, &format!("/{first}/audit-events?type=organization.switched"), None).await.json();
        assert_eq!(log["data"].as_array().unwrap().len(), 2, "{log}");
    }

    async fn nobody_switches_to_where_they_may_not_act(app: TestApp) {
        let environment = app.environment("prod").await;
        let (owner, member) = (person(&app, &environment, "owner").await, person(&app, &environment, "member").await);
        let vendor = tenant_admin(&app, &environment).await;
        let organization = organization_of(&app, &owner, "acme").await;
        for unknown in [organization.as_str(), "org_0000000000000000000000009", "x", "root"] {
            assert_error(&switch(&app, &member.token, Some(unknown)).await, 403, "not_a_member");
        }
        assert_error(&switch(&app, &vendor.token, Some(&organization)).await, 403, "not_a_member");
        let client = app.system_token(&environment, &["organizations:write"]).await;
        assert_error(&switch(&app, &client, Some(&organization)).await, 403, "forbidden");
        let none = call(&app, &member.token, Method::POST, "/switch", Some(json!({}))).await;
        assert_error(&none, 422, "validation_failed");

        call(&app, &owner.token, Method::POST, &format!("/{organization}/members"), Some(json!({ "user_id": member.id() }))).await;
        let token = switch(&app, &member.token, Some(&organization)).await.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(set_status(&app, &owner, &organization, &member, MembershipStatus::Suspended).await.status, 200);
        // What they have there ends at once, and nothing else does.
        assert_error(&call(&app, &token, Method::GET, "", None).await, 401, "unauthenticated");
        assert_eq!(call(&app, &member.token, Method::GET, "", None).await.status, 200);
        assert_error(&switch(&app, &member.token, Some(&organization)).await, 403, "membership_suspended");
        assert_eq!(set_status(&app, &owner, &organization, &member, MembershipStatus::Active).await.status, 200);
        let token = switch(&app, &member.token, Some(&organization)).await.json()["access_token"].as_str().unwrap().to_owned();

        let disabled = json!({ "name": "ACME", "status": "disabled" });
        assert_eq!(call(&app, &vendor.token, Method::PUT, &format!("/{organization}"), Some(disabled)).await.status, 200);
        assert_error(&call(&app, &token, Method::GET, "", None).await, 401, "unauthenticated");
        assert_error(&switch(&app, &member.token, Some(&organization)).await, 403, "organization_disabled");
        // Its members still see that it is.
        let seen = call(&app, &member.token, Method::GET, &format!("/{organization}"), None).await.json();
        assert_eq!((&seen["status"], &seen["my_role"]), (&json!("disabled"), &json!("member")));
    }

    async fn of_switches_and_a_suspension_at_once_no_token_is_left(app: TestApp) {
        let environment = app.environment("prod").await;
        let owner = person(&app, &environment, "owner").await;
        let organization = organization_of(&app, &owner, "acme").await;
        let mut members = Vec::new();
        for number in 0..16 {
            let member = person(&app, &environment, &format!("member{number}")).await;
            call(&app, &owner.token, Method::POST, &format!("/{organization}/members"), Some(json!({ "user_id": member.id() }))).await;
            members.push(member);
        }
        let switches = futures_util::future::join_all(members.iter().map(|member| switch(&app, &member.token, Some(&organization))));
        let suspensions = futures_util::future::join_all(
            members.iter().map(|member| set_status(&app, &owner, &organization, member, MembershipStatus::Suspended)),
        );
        let (switched, suspended) = futures_util::future::join(switches, suspensions).await;
        assert!(suspended.iter().all(|answer| answer.status == 200));
        for answer in switched {
            match answer.status.as_u16() {
                200 => {
                    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
                    assert_error(&call(&app, &token, Method::GET, "", None).await, 401, "unauthenticated");
                }
                _ => assert_eq!(error(&answer), (403, "membership_suspended".to_owned())),
            }
        }
    }

    async fn those_who_administer_need_a_second_factor_where_the_organization_wants_one(app: TestApp) {
        let environment = app.environment("prod").await;
        let (owner, member) = (person(&app, &environment, "owner").await, person(&app, &environment, "member").await);
        let vendor = tenant_admin(&app, &environment).await;
        let organization = organization_of(&app, &owner, "acme").await;
        call(&app, &owner.token, Method::POST, &format!("/{organization}/members"), Some(json!({ "user_id": member.id() }))).await;
        let put = async |token: &str, on: bool| {
            let body = json!({ "name": "ACME", "require_admin_mfa": on });
            call(&app, token, Method::PUT, &format!("/{organization}"), Some(body)).await
        };
        assert_eq!(put(&owner.token, true).await.json()["require_admin_mfa"], true);
        assert_error(&put(&owner.token, false).await, 403, "mfa_required");
        let read = call(&app, &owner.token, Method::GET, &format!("/{organization}/members"), None).await;
        assert_eq!(read.status, 200, "what every member may stays");
        assert_error(&put(&member.token, false).await, 403, "forbidden");
        assert_eq!(put(&vendor.token, false).await.status, 200);
        assert_eq!(put(&owner.token, false).await.status, 200);
    }
}
