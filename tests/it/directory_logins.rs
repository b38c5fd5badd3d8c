//! Deactivations that meet a login in progress, and a user's former addresses.

use std::time::Duration;

use base::{
    id::{Id, ScimUserId},
    random::SystemRandom,
    secret::AccessCode,
};
use futures_util::future::join_all;
use model::{
    email::Email,
    login_flow::{FlowStatus, LoginFlow},
};
use ostiary::{
    app::{directories::request_log, login},
    store::{self, authorization_codes, login_connections, login_eligibility, login_flow_steps, login_flows},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        Answer, Browser, IdentityProvider, Request, Tenant, TestApp, query,
        scim::{TestDirectory, id, patch},
    },
};

const ADA: &str = "ada@acme.example";
const OBJECT_ID: &str = "0a1b2c3d4e5f60718293a4b5c6d7e8f9";
const INACTIVE: Option<&str> = Some("directory_user_inactive");

async fn acme(app: &TestApp) -> (Tenant, String) {
    let environment = app.environment("prod").await;
    let key = app.api_key(&environment, true).await;
    (app.tenant(&environment, "acme.example").await, key)
}

/// A login of `email` that waits for the response: its browser, request and response.
async fn begun(app: &TestApp, tenant: &Tenant, email: &str) -> (Browser, Request, String) {
    let mut conn = app.state.db.read().await.unwrap();
    let target = login_connections::find_for_login(&mut conn, tenant.connection.id).await.unwrap().unwrap();
    drop(conn);
    let link = login::create_link(&app.state, &target, None).await.unwrap();
    let browser = app.browser();
    let request = Request::read(&browser.get(&link).await);
    let idp = IdentityProvider::get();
    let response = idp.sign(&idp.response(tenant, Some(&request.id), email, app.now()));
    (browser, request, response)
}

async fn login(app: &TestApp, tenant: &Tenant, email: &str) -> Answer {
    let (browser, request, response) = begun(app, tenant, email).await;
    request.answer(&browser, tenant, &response).await
}

fn code_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{answer:#?}");
    query(&answer.location(), "saml_access_code").expect("an access code")
}

/// Whether a login of `email` succeeds and its code is redeemed.
async fn may_sign_in(app: &TestApp, tenant: &Tenant, key: &str, email: &str) -> bool {
    let answer = login(app, tenant, email).await;
    match answer.reason() {
        None => {
            let redeemed = app.redeem(key, &code_of(&answer)).await;
            assert_eq!(redeemed.status, 200, "{}", redeemed.body);
            true
        }
        Some(_) => false,
    }
}

async fn change(app: &TestApp, directory: &TestDirectory, user: &str, operations: Value) -> Answer {
    app.scim(directory, Method::PATCH, &format!("/Users/{user}"), patch(operations)).await
}

/// Deactivates a user in the store alone: the codes and tokens of earlier logins are not revoked.
async fn switch_off(app: &TestApp, directory: &TestDirectory, user: &str) {
    let mut tx = app.state.db.write().await.unwrap();
    let user: ScimUserId = user.parse().unwrap();
    let before = store::scim_users::lock(&mut tx, directory.id, user).await.unwrap().unwrap();
    let mut after = before.clone();
    (after.active, after.version) = (false, before.version + 1);
    assert!(store::scim_users::update(&mut tx, &before, &after).await.unwrap());
    tx.commit().await.unwrap();
}

/// What apps read of a directory's people: address and whether they are gone.
async fn people(app: &TestApp, key: &str, directory: &TestDirectory) -> Vec<(String, bool)> {
    let path = format!("/v1/scim/users?scimDirectoryId={}", directory.id);
    let answer = app.api(key, Method::GET, &path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let users = answer.json()["scimUsers"].as_array().unwrap().clone();
    let mut people: Vec<(String, bool)> = users
        .iter()
        .map(|user| (user["email"].as_str().unwrap().to_owned(), user["deleted"].as_bool().unwrap()))
        .collect();
    people.sort();
    people
}

fn rename(name: &str) -> Value {
    json!({ "op": "Replace", "path": "userName", "value": name })
}

fn active(text: &str) -> Value {
    json!({ "op": "Replace", "path": "active", "value": text })
}

both! {
    async fn an_internationalised_domain_is_one_domain_in_both_spellings(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "bücher.example").await;
        let directory = app.scim_directory(&tenant).await;
        const SPELLINGS: [&str; 2] = ["anna@Bücher.example", "anna@xn--bcher-kva.example"];
        for email in SPELLINGS {
            assert!(may_sign_in(&app, &tenant, &key, email).await, "{email}");
        }
        // What the directory knows of a person in one spelling counts for the other.
        for (n, known_as) in SPELLINGS.into_iter().enumerate() {
            let person = |email: &str| email.replace("anna", &format!("anna{n}"));
            let user = app.scim_user(&directory, &person(known_as)).await;
            let held = code_of(&login(&app, &tenant, &person(SPELLINGS[1 - n])).await);
            let off = change(&app, &directory, id(&user), json!([active("False")])).await;
            assert_eq!(off.status, 200, "{}", off.body);
            assert_eq!(app.redeem(&key, &held).await.status, 404, "{known_as}");
            for email in SPELLINGS {
                assert_eq!(login(&app, &tenant, &person(email)).await.reason(), INACTIVE, "{known_as} {email}");
            }
            let renamed = change(&app, &directory, id(&user), json!([rename(&format!("other{n}@bücher.example"))])).await;
            assert_eq!(renamed.status, 200, "{}", renamed.body);
            for email in SPELLINGS {
                assert_eq!(login(&app, &tenant, &person(email)).await.reason(), INACTIVE, "formerly {known_as} {email}");
            }
        }
        // Look-alikes and compatibility characters are never that domain.
        for (strange, reason) in [
            ("anna@b\u{fc}cher\u{ff0e}example", "email_malformed"),
            ("anna@\u{ff42}\u{fc}cher.example", "email_malformed"),
            ("anna\u{ff20}b\u{fc}cher.example", "email_malformed"),
            ("ann\u{e4}@b\u{fc}cher.example", "email_malformed"),
            ("anna@b\u{fa}cher.example", "email_outside_organization_domains"),
        ] {
            assert_eq!(login(&app, &tenant, strange).await.reason(), Some(reason), "{strange}");
            let user = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": strange });
            let refused = app.scim(&directory, Method::POST, "/Users", Some(user)).await;
            assert_eq!((refused.status.as_u16(), &refused.json()["scimType"]), (400, &json!("invalidValue")), "{strange}");
        }
    }

    async fn a_login_that_meets_a_deactivation_waits_for_it_and_is_refused(app: TestApp) {
        let (tenant, _) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        let user = app.scim_user(&directory, ADA).await;
        let user: ScimUserId = id(&user).parse().unwrap();
        let (browser, request, response) = begun(&app, &tenant, ADA).await;

        // From here on only the login writes. The deactivation is written and not committed when the response comes.
        request_log::flush(&app.state).await.unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        let before = store::scim_users::lock(&mut tx, directory.id, user).await.unwrap().unwrap();
        let mut after = before.clone();
        (after.active, after.version) = (false, before.version + 1);
        assert!(store::scim_users::update(&mut tx, &before, &after).await.unwrap());
        let writes = app.state.db.requested_writes();
        let posted = {
            let tenant = tenant.clone();
            actix_web::rt::spawn(async move { request.answer(&browser, &tenant, &response).await })
        };
        app.write_blocked(writes).await;
        tx.commit().await.unwrap();
        assert_eq!(posted.await.unwrap().reason(), INACTIVE);
    }

    async fn a_deactivation_that_meets_a_login_waits_for_it_and_ends_what_it_gave(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        let user = id(&app.scim_user(&directory, ADA).await).to_owned();
        let (_, request, _) = begun(&app, &tenant, ADA).await;
        let (email, code) = (Email::parse(ADA).unwrap(), AccessCode::new(&SystemRandom));

        // From here on only the deactivation writes.
        request_log::flush(&app.state).await.unwrap();
        // A login before its commit: the user was found active, the code is written.
        let mut tx = app.state.db.write().await.unwrap();
        let flow = login_flows::find_by_request(&mut tx, tenant.connection.id.into(), &request.id).await.unwrap().unwrap();
        login_eligibility::lock_matching_users(&mut tx, tenant.organization.id, &email).await.unwrap();
        let standing = login_eligibility::find_directory_status(&mut tx, tenant.organization.id, &email).await.unwrap();
        assert!(standing.active && !standing.inactive);
        let answered = LoginFlow { email: Some(email.clone()), answered_at: Some(app.now()), ..flow };
        let pending = answered.request.as_ref().unwrap();
        assert!(login_flows::consume_request(&mut tx, &answered, pending, app.now()).await.unwrap());
        login::issue_code(&app.state, &mut tx, &answered, &email, None, &code, app.now()).await.unwrap();
        let writes = app.state.db.requested_writes();
        let off = {
            let (browser, url) = (app.browser(), format!("{}/Users/{user}", directory.base));
            let request = browser.request(Method::PATCH, &url).bearer_auth(&directory.token);
            let body = patch(json!([active("False")])).unwrap().to_string();
            let request = request.header(reqwest::header::CONTENT_TYPE, "application/scim+json").body(body);
            actix_web::rt::spawn(async move { browser.send(request).await })
        };
        app.write_blocked(writes).await;
        assert!(!off.is_finished(), "it waits for the login");
        tx.commit().await.unwrap();
        assert_eq!(off.await.unwrap().status, 200);
        // The code is revoked: a reactivation does not restore it.
        assert_eq!(change(&app, &directory, &user, json!([active("True")])).await.status, 200);
        assert_eq!(app.redeem(&key, &code.reveal()).await.status, 404);
    }

    async fn of_a_login_and_a_deactivation_at_once_nothing_is_left_in_either_order(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        let mut rounds = Vec::new();
        for number in 0..16 {
            let email = format!("user{number}@acme.example");
            let user = id(&app.scim_user(&directory, &email).await).to_owned();
            rounds.push((user, begun(&app, &tenant, &email).await));
        }
        let answers = join_all(rounds.iter().map(|(user, (browser, request, response))| {
            let (app, directory, tenant) = (&app, &directory, &tenant);
            async move {
                let off = change(app, directory, user, json!([active("False")]));
                let (answer, off) = tokio::join!(request.answer(browser, tenant, response), off);
                assert_eq!(off.status, 200, "{}", off.body);
                answer
            }
        })).await;
        for (answer, (user, _)) in answers.iter().zip(&rounds) {
            match answer.reason() {
                Some(_) => assert_eq!(answer.reason(), INACTIVE),
                None => {
                    let code = code_of(answer);
                    assert_eq!(app.redeem(&key, &code).await.status, 404);
                    // The code is revoked; a reactivated user signs in again.
                    assert_eq!(change(&app, &directory, user, json!([active("True")])).await.status, 200);
                    assert_eq!(app.redeem(&key, &code).await.status, 404);
                }
            }
        }
    }

    async fn of_an_unsolicited_login_and_a_deactivation_nothing_is_left(app: TestApp) {
        let (mut tenant, _) = acme(&app).await;
        tenant.connection.idp_initiated = Some(model::environment::IdpInitiated::Allow);
        app.update_connection(&tenant.connection).await;
        let directory = app.scim_directory(&tenant).await;
        let user: ScimUserId = id(&app.scim_user(&directory, ADA).await).parse().unwrap();
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(&tenant, None, ADA, app.now()));

        request_log::flush(&app.state).await.unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        let before = store::scim_users::lock(&mut tx, directory.id, user).await.unwrap().unwrap();
        let mut after = before.clone();
        (after.active, after.version) = (false, before.version + 1);
        assert!(store::scim_users::update(&mut tx, &before, &after).await.unwrap());
        let writes = app.state.db.requested_writes();
        let posted = {
            let (browser, url) = (app.browser(), tenant.acs_url().to_owned());
            actix_web::rt::spawn(async move { browser.post(&url, &[("SAMLResponse", &response)]).await })
        };
        app.write_blocked(writes).await;
        tx.commit().await.unwrap();
        assert_eq!(posted.await.unwrap().reason(), INACTIVE);
    }

    async fn a_login_tells_that_its_code_was_refused_and_why(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        let user = id(&app.scim_user(&directory, ADA).await).to_owned();
        let told = async |code: &str| {
            let digest = code.parse::<AccessCode>().unwrap().digest();
            let mut conn = app.state.db.read().await.unwrap();
            let code = authorization_codes::find(&mut conn, digest).await.unwrap().unwrap();
            let flow = code.login.flow_id;
            let flow = login_flows::find_in_any_environment(&mut conn, flow).await.unwrap().unwrap();
            let steps = login_flow_steps::list(&mut conn, flow.id).await.unwrap();
            let failed = steps.iter().flat_map(|step| &step.checks).filter(|check| !check.passed);
            let failed: Vec<String> = failed.map(|check| check.name.to_string()).collect();
            (flow.status, flow.refusal, failed)
        };
        let refused = (FlowStatus::Failed, INACTIVE.map(str::to_owned), vec!["directory_user_inactive".to_owned()]);

        // Revoked by the deactivation. A second attempt adds no step.
        let code = code_of(&login(&app, &tenant, ADA).await);
        assert_eq!(change(&app, &directory, &user, json!([active("False")])).await.status, 200);
        assert_eq!(told(&code).await, (FlowStatus::InProgress, None, vec![]));
        for _ in 0..2 {
            let answer = app.redeem(&key, &code).await;
            assert_eq!(answer.status, 404);
            assert!(answer.body.contains("the person may not sign in any more"), "{}", answer.body);
            assert_eq!(told(&code).await, refused);
        }

        // Reactivated in time, the code is accepted, and the login has succeeded.
        assert_eq!(change(&app, &directory, &user, json!([active("True")])).await.status, 200);
        let code = code_of(&login(&app, &tenant, ADA).await);
        switch_off(&app, &directory, &user).await;
        assert_eq!(app.redeem(&key, &code).await.status, 404);
        assert_eq!(told(&code).await, refused);
        assert_eq!(change(&app, &directory, &user, json!([active("True")])).await.status, 200);
        assert_eq!(app.redeem(&key, &code).await.status, 200);
        let redeemed = told(&code).await;
        assert_eq!((redeemed.0, redeemed.1), (FlowStatus::Succeeded, None));
        // A redeemed code stays redeemed, whatever is attempted later.
        switch_off(&app, &directory, &user).await;
        assert_eq!(app.redeem(&key, &code).await.status, 404);
        let redeemed = told(&code).await;
        assert_eq!((redeemed.0, redeemed.1), (FlowStatus::Succeeded, None));
    }

    async fn an_access_code_is_asked_about_again_when_it_is_redeemed(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        let user = id(&app.scim_user(&directory, ADA).await).to_owned();
        let code = code_of(&login(&app, &tenant, ADA).await);
        switch_off(&app, &directory, &user).await;
        let refused = app.redeem(&key, &code).await;
        assert_eq!(refused.status, 404, "{}", refused.body);

        // A domain that was removed in between, and a connection that was deleted.
        let code = code_of(&login(&app, &tenant, "eric@acme.example").await);
        let organization = format!("/v1/organizations/{}", tenant.organization.id);
        let domains = |list: Value| Some(json!({ "domains": list }));
        assert_eq!(app.api(&key, Method::PATCH, &organization, domains(json!([]))).await.status, 200);
        assert_eq!(app.redeem(&key, &code).await.status, 404);
        assert_eq!(app.api(&key, Method::PATCH, &organization, domains(json!(["acme.example"]))).await.status, 200);
        let code = code_of(&login(&app, &tenant, "eric@acme.example").await);
        let connection = format!("/v1/saml-connections/{}", tenant.connection.id);
        assert_eq!(app.api(&key, Method::DELETE, &connection, None).await.status, 200);
        assert_eq!(app.redeem(&key, &code).await.status, 404);
    }

    async fn a_user_whom_entra_soft_deletes_does_not_sign_in_with_the_former_address(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        let long = "a-local-part-of-more-than-thirty-two-characters@acme.example";
        let steps = |email: &str| {
            let (name, off) = (rename(&format!("{OBJECT_ID}{email}")), active("False"));
            [
                vec![json!([name, off])],
                vec![json!([off, name])],
                vec![json!([name]), json!([off])],
                vec![json!([off]), json!([name])],
            ]
        };
        for (number, _) in steps("").iter().enumerate() {
            for email in [format!("ada{number}@acme.example"), format!("{number}{long}")] {
                let user = id(&app.scim_user(&directory, &email).await).to_owned();
                assert!(may_sign_in(&app, &tenant, &key, &email).await);
                for operations in &steps(&email)[number] {
                    let answer = change(&app, &directory, &user, operations.clone()).await;
                    assert_eq!(answer.status, 200, "{}", answer.body);
                }
                assert_eq!(login(&app, &tenant, &email).await.reason(), INACTIVE, "{email}");
                assert!(people(&app, &key, &directory).await.contains(&(email.clone(), true)), "{email}");

                // Restored: renamed back and active.
                let back = change(&app, &directory, &user, json!([rename(&email), active("True")])).await;
                assert_eq!(back.status, 200, "{}", back.body);
                assert!(may_sign_in(&app, &tenant, &key, &email).await, "{email}");
                assert!(people(&app, &key, &directory).await.contains(&(email.clone(), false)), "{email}");
            }
        }
        // Renamed and then deleted outright.
        let user = id(&app.scim_user(&directory, ADA).await).to_owned();
        let renamed = change(&app, &directory, &user, json!([rename(&format!("{OBJECT_ID}{ADA}"))])).await;
        assert_eq!(renamed.status, 200, "{}", renamed.body);
        let gone = app.scim(&directory, Method::DELETE, &format!("/Users/{user}"), None).await;
        assert_eq!(gone.status, 204);
        assert_eq!(login(&app, &tenant, ADA).await.reason(), INACTIVE);
        assert!(people(&app, &key, &directory).await.contains(&(ADA.to_owned(), true)));
    }

    async fn the_migration_knows_whom_entra_soft_deleted_before_it(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        let renamed = format!("{OBJECT_ID}{ADA}");
        let mailbox = format!("{OBJECT_ID}@acme.example");
        for name in [renamed.as_str(), mailbox.as_str(), "0123eric@acme.example"] {
            let user = id(&app.scim_user(&directory, name).await).to_owned();
            // As stored by earlier versions: the reported address is the current one.
            switch_off(&app, &directory, &user).await;
        }
        let other = format!("{}{}", "f".repeat(32), "fred@acme.example");
        app.scim_user(&directory, &other).await;
        assert!(people(&app, &key, &directory).await.contains(&(renamed.clone(), true)));
        assert_eq!(login(&app, &tenant, ADA).await.reason(), None);

        let (_, update) = include_str!("../../migrations/0014_keep_former_addresses.sql").split_once("\nUPDATE ").unwrap();
        let update: &'static str = format!("UPDATE {update}").leak();
        let mut tx = app.state.db.write().await.unwrap();
        assert_eq!(tx.sql(update).execute().await.unwrap(), 1);
        tx.commit().await.unwrap();
        let mut expected = vec![
            (ADA.to_owned(), true),
            (mailbox, true),
            ("0123eric@acme.example".to_owned(), true),
            (other, false),
        ];
        expected.sort();
        assert_eq!(people(&app, &key, &directory).await, expected);
        assert_eq!(login(&app, &tenant, ADA).await.reason(), INACTIVE);
    }

    async fn a_soft_delete_ends_what_was_got_between_its_two_requests(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        let user = id(&app.scim_user(&directory, ADA).await).to_owned();
        assert_eq!(change(&app, &directory, &user, json!([rename(&format!("{OBJECT_ID}{ADA}"))])).await.status, 200);
        let code = code_of(&login(&app, &tenant, ADA).await);
        assert_eq!(change(&app, &directory, &user, json!([active("False")])).await.status, 200);
        assert_eq!(change(&app, &directory, &user, json!([rename(ADA), active("True")])).await.status, 200);
        assert_eq!(app.redeem(&key, &code).await.status, 404);
    }

    async fn whoever_is_switched_off_is_known_by_every_address_of_theirs(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        let user = id(&app.scim_user(&directory, "first@acme.example").await).to_owned();
        let emails = json!({ "op": "replace", "path": "emails", "value": [{ "value": "side@acme.example" }] });
        for operations in [
            json!([emails]),
            json!([rename("second@acme.example"), { "op": "remove", "path": "emails" }]),
            json!([rename("third@acme.example")]),
        ] {
            assert_eq!(change(&app, &directory, &user, operations).await.status, 200);
        }
        let every = ["first", "side", "second", "third"].map(|name| format!("{name}@acme.example"));
        // An active user who was renamed: their former addresses belong to no user.
        for email in &every {
            assert!(may_sign_in(&app, &tenant, &key, email).await, "{email}");
        }
        assert_eq!(change(&app, &directory, &user, json!([active("False")])).await.status, 200);
        assert_eq!(change(&app, &directory, &user, json!([rename("fourth@acme.example")])).await.status, 200);
        for email in every.iter().map(String::as_str).chain(["fourth@acme.example"]) {
            assert_eq!(login(&app, &tenant, email).await.reason(), INACTIVE, "{email}");
        }
        // By PUT, then by DELETE: the former addresses are kept.
        let put = json!({ "userName": "fifth@acme.example", "active": false });
        let path = format!("/Users/{user}");
        assert_eq!(app.scim(&directory, Method::PUT, &path, Some(put)).await.status, 200);
        assert_eq!(app.scim(&directory, Method::DELETE, &path, None).await.status, 204);
        for email in every.iter().map(String::as_str).chain(["fourth@acme.example", "fifth@acme.example"]) {
            assert_eq!(login(&app, &tenant, email).await.reason(), INACTIVE, "{email}");
        }
        let search = format!("/v1/scim/users?scimDirectoryId={}", directory.id);
        assert_eq!(app.api(&key, Method::GET, &search, None).await.json()["scimUsers"].as_array().unwrap().len(), 1);
    }

    async fn an_address_that_was_given_to_somebody_else_signs_them_in(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        // Renamed like a normal user, and like Entra's soft delete.
        for (email, name) in [(ADA, "ada.old@acme.example"), ("eve@acme.example", "0a1b2c3d4e5f60718293a4b5c6d7e8f9eve@acme.example")] {
            let old = id(&app.scim_user(&directory, email).await).to_owned();
            assert_eq!(change(&app, &directory, &old, json!([rename(name), active("False")])).await.status, 200);
            assert_eq!(login(&app, &tenant, email).await.reason(), INACTIVE);
            // A new employee: another person with that address.
            let new = id(&app.scim_user(&directory, email).await).to_owned();
            assert!(may_sign_in(&app, &tenant, &key, email).await);
            // Later changes of the former user do not affect them: their tokens stay.
            let code = code_of(&login(&app, &tenant, email).await);
            let titled = json!([{ "op": "replace", "path": "title", "value": "x" }]);
            assert_eq!(change(&app, &directory, &old, titled).await.status, 200);
            let gone = app.scim(&directory, Method::DELETE, &format!("/Users/{old}"), None).await;
            assert_eq!(gone.status, 204);
            assert_eq!(app.redeem(&key, &code).await.status, 200);
            // Their own deactivation does.
            assert_eq!(change(&app, &directory, &new, json!([active("False")])).await.status, 200);
            assert_eq!(login(&app, &tenant, email).await.reason(), INACTIVE);
        }
    }

    async fn a_former_address_is_no_provisioned_one(app: TestApp) {
        let (tenant, key) = acme(&app).await;
        let directory = app
            .scim_directory_with(&tenant, |directory| directory.require_provisioned_logins = true)
            .await;
        let user = id(&app.scim_user(&directory, ADA).await).to_owned();
        assert_eq!(change(&app, &directory, &user, json!([rename("ada.b@acme.example")])).await.status, 200);
        assert!(may_sign_in(&app, &tenant, &key, "ada.b@acme.example").await);
        assert_eq!(login(&app, &tenant, ADA).await.reason(), Some("directory_user_unknown"));
    }

    async fn only_the_latest_hundred_former_addresses_are_kept(app: TestApp) {
        let (tenant, _) = acme(&app).await;
        let directory = app.scim_directory(&tenant).await;
        let user = id(&app.scim_user(&directory, "n0@acme.example").await).to_owned();
        for number in 1..=103 {
            app.advance(Duration::from_millis(1));
            let named = change(&app, &directory, &user, json!([rename(&format!("n{number}@acme.example"))])).await;
            assert_eq!(named.status, 200);
        }
        let mut conn = app.state.db.read().await.unwrap();
        let user: ScimUserId = user.parse().unwrap();
        let kept = store::scim_users::list_former_addresses(&mut conn, directory.id, user).await.unwrap();
        assert_eq!(kept.len(), 100);
        assert!(kept.iter().any(|key| key == "n102@acme.example"), "the latest");
        assert!(!kept.iter().any(|key| key == "n2@acme.example"), "no longer the first");
        let stranger: ScimUserId = Id::from_bits(1);
        assert!(store::scim_users::list_former_addresses(&mut conn, directory.id, stranger).await.unwrap().is_empty());
    }
}
