//! What a sign-in leaves in the log of logins.

use std::time::Duration;

use model::{
    account::CredentialState,
    login_flow::{FlowStatus, LoginFlow, LoginProtocol, StepKind},
    user::UserStatus,
};
use ostiary::app::{
    accounts::{
        credentials::{ImportedCredential, NewCredential},
        totp::TotpSecret,
        user_credentials, users,
    },
    pagination::PageQuery,
    principal::Principal,
    support::flows::{self, FlowQuery},
};
use reqwest::Method;

use super::{EMAIL, PASSWORD, World, add_user, code, give, pages::totp_code, password, text, world};
use crate::{both, support::TestApp};

async fn list(app: &TestApp, world: &World, query: &FlowQuery) -> Vec<LoginFlow> {
    let principal = Principal::operator(world.environment.id);
    flows::list(&app.state, &principal, query, &PageQuery::default()).await.unwrap().items
}

/// The login that began last.
pub(super) async fn latest(app: &TestApp, world: &World) -> LoginFlow {
    list(app, world, &FlowQuery::default()).await.remove(0)
}

async fn steps_of(app: &TestApp, world: &World, flow: &LoginFlow) -> Vec<(StepKind, Vec<(String, bool)>)> {
    let principal = Principal::operator(world.environment.id);
    let found = flows::find(&app.state, &principal, flow.id).await.unwrap();
    let checks = |step: model::login_flow::FlowStep| {
        let checks = step.checks.into_iter().map(|check| (check.name.into_owned(), check.passed));
        (step.kind, checks.collect())
    };
    found.steps.into_iter().map(checks).collect()
}

both! {
    async fn a_sign_in_is_one_login_with_everything_that_happened(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        let page = world.password_page(&browser, &world.authorize(&app, &[]), "Dana@ACME.com").await;
        assert!(list(&app, &world, &FlowQuery::default()).await.is_empty(), "who opens a page leaves nothing");
        let refused = give(&browser, &page, "password", "wrong kettle under snow").await;
        let flow = latest(&app, &world).await;
        assert!(refused.body.contains(&flow.reference()) && flow.reference().starts_with("login_flow_"), "{}", refused.body);
        assert_eq!((flow.status, flow.refusal.as_deref(), flow.protocol), (FlowStatus::Failed, Some("password_wrong"), LoginProtocol::Account));
        assert_eq!((flow.email.clone(), flow.claimed_email.as_ref().unwrap().key()), (None, EMAIL.to_owned()));
        assert_eq!((flow.user_id, flow.application_id, flow.organization_id), (Some(world.user), Some(world.client.id), world.organization));
        let code = code(&give(&browser, &refused, "password", PASSWORD).await);
        let flow = latest(&app, &world).await;
        assert_eq!((flow.status, flow.refusal, flow.redeemed_at), (FlowStatus::InProgress, None, None));
        assert_eq!((flow.email.unwrap().key(), flow.claimed_email, flow.amr), (EMAIL.to_owned(), None, vec!["pwd".to_owned()]));
        assert_eq!(world.exchange(&app, &code, &[]).await.status, 200);
        let flow = latest(&app, &world).await;
        assert_eq!((flow.status, flow.redeemed_at.is_some()), (FlowStatus::Succeeded, true));
        let steps = steps_of(&app, &world, &flow).await;
        assert_eq!(steps.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [StepKind::Refused, StepKind::Accepted]);
        let check = |name: &str, passed| (name.to_owned(), passed);
        assert_eq!(steps[0].1, [check("account_unknown", true), check("password_wrong", false)]);
        assert_eq!(list(&app, &world, &FlowQuery::default()).await.len(), 1);
        // Neither password is anywhere in the row or its steps.
        let found = flows::find(&app.state, &Principal::operator(world.environment.id), flow.id).await.unwrap();
        let all = format!("{found:?}");
        assert!(!all.contains("kettle"), "{all}");
    }

    async fn logins_with_accounts_are_found_beside_those_by_saml(app: TestApp) {
        let world = world(&app).await;
        world.tokens(&app).await;
        let of = |email: &str| FlowQuery { email: email.into(), ..FlowQuery::default() };
        assert_eq!(list(&app, &world, &of(EMAIL)).await.len(), 1);
        // An address that is nobody's stands as it was claimed.
        assert_eq!(world.sign_in(&app, &app.browser(), "Nobody@Acme.COM", PASSWORD).await.status, 401);
        let found = list(&app, &world, &of("nobody@acme.com")).await;
        assert_eq!((found.len(), found[0].refusal.as_deref(), found[0].user_id), (1, Some("account_unknown"), None));
        // What is no address may be a password in the wrong field.
        assert_eq!(world.sign_in(&app, &app.browser(), "my secret password", "x").await.status, 401);
        let flow = latest(&app, &world).await;
        assert_eq!((flow.refusal.as_deref(), flow.claimed_email.clone()), (Some("account_unknown"), None));
        let found = flows::find(&app.state, &Principal::operator(world.environment.id), flow.id).await.unwrap();
        assert!(!format!("{found:?}").contains("my secret"));
        let by = |protocol: &str| FlowQuery { protocol: protocol.into(), ..FlowQuery::default() };
        assert_eq!((list(&app, &world, &by("account")).await.len(), list(&app, &world, &by("saml")).await.len()), (3, 0));
        assert!(flows::list(&app.state, &Principal::operator(world.environment.id), &by("oidc"), &PageQuery::default()).await.is_err());
        // SSOReady's clients see SAML flows only.
        let key = app.api_key(&world.environment, true).await;
        let listed = app.call(&key, Method::GET, "/v1/saml-flows", None).await.json();
        assert_eq!(listed["samlFlows"], serde_json::json!([]));
        for id in [flow.id.to_string(), flow.reference()] {
            assert_eq!(app.call(&key, Method::GET, &format!("/v1/saml-flows/{id}"), None).await.status, 404);
            assert!(app.call(&key, Method::POST, &format!("/v1/saml-flows/{id}/check"), None).await.status.is_client_error());
        }
        // Those of another environment are not there.
        let other = app.environment("stage").await;
        assert!(flows::find(&app.state, &Principal::operator(other.id), flow.id).await.is_err());
    }

    async fn every_reason_has_its_code(app: TestApp) {
        let world = world(&app).await;
        let principal = Principal::operator(world.environment.id);
        let user = users::find_any(&app.state, &principal, world.user).await.unwrap();
        let of = (user.pool_id, user.id);
        let reason = async || latest(&app, &world).await.refusal.unwrap_or_default();
        let set = async |state| user_credentials::set_password_state(&app.state, &principal, of, state).await.unwrap();
        set(CredentialState::MustBeReset).await;
        let refused = world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await;
        assert_eq!(reason().await, "password_must_be_reset");
        assert!(refused.body.contains(&latest(&app, &world).await.reference()));
        set(CredentialState::MustBeChanged).await;
        world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await;
        let flow = latest(&app, &world).await;
        assert_eq!((flow.status, flow.refusal.clone()), (FlowStatus::InProgress, None));
        let steps = steps_of(&app, &world, &flow).await;
        assert_eq!(steps[0].0, StepKind::Proven);
        assert!(steps[0].1.contains(&("password_must_be_changed".to_owned(), false)));
        set(CredentialState::Valid).await;
        users::set_status(&app.state, &principal, of, None, UserStatus::Inactive).await.unwrap();
        world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await;
        assert_eq!(reason().await, "account_not_active");
        add_user(&app, world.environment.id, world.organization, "none@acme.com", Vec::new()).await;
        world.sign_in(&app, &app.browser(), "none@acme.com", PASSWORD).await;
        assert_eq!(reason().await, "password_missing");
        let secret = TotpSecret::new(crate::support::random()).reveal();
        let totp = NewCredential { credential: ImportedCredential::Totp(secret.clone()), state: CredentialState::Valid, expires_at: None };
        add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD), totp]).await;
        let browser = app.browser();
        let next = world.sign_in(&app, &browser, "ada@acme.com", PASSWORD).await;
        let page = browser.get(next.location().as_str()).await;
        let wrong = give(&browser, &page, "code", "000000").await;
        let flow = latest(&app, &world).await;
        assert_eq!(flow.refusal.as_deref(), Some("second_factor_wrong"));
        assert_eq!(flow.claimed_email.as_ref().unwrap().key(), "ada@acme.com");
        assert!(wrong.body.contains(&flow.reference()));
        let right = totp_code(&secret, app.now());
        code(&give(&browser, &page, "code", &right).await);
        let kinds: Vec<StepKind> = steps_of(&app, &world, &latest(&app, &world).await).await.into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [StepKind::Proven, StepKind::Refused, StepKind::Accepted]);
        let browser = app.browser();
        let next = world.sign_in(&app, &browser, "ada@acme.com", PASSWORD).await;
        let page = browser.get(next.location().as_str()).await;
        give(&browser, &page, "code", &right).await;
        assert_eq!(reason().await, "second_factor_used");
    }

    async fn strangers_do_not_fill_the_log(app: TestApp) {
        let world = world(&app).await;
        let browser = app.browser();
        for _ in 0..20 {
            world.password_page(&browser, &world.authorize(&app, &[]), EMAIL).await;
        }
        assert!(list(&app, &world, &FlowQuery::default()).await.is_empty());
        // All attempts of one sign-in are one login, and what the limit refuses is one entry of it.
        let page = world.password_page(&browser, &world.authorize(&app, &[]), EMAIL).await;
        let mut limited = 0;
        for _ in 0..60 {
            limited += u32::from(give(&browser, &page, "password", "wrong").await.status == 429);
        }
        assert!(limited > 10, "{limited}");
        let flow = latest(&app, &world).await;
        assert_eq!(list(&app, &world, &FlowQuery::default()).await.len(), 1);
        assert_eq!(flow.refusal.as_deref(), Some("too_many_attempts"));
        let steps = steps_of(&app, &world, &flow).await;
        assert!(steps.len() <= 20, "{}", steps.len());
        let held_up = steps.iter().filter(|(_, checks)| checks.contains(&("too_many_attempts".to_owned(), false))).count();
        assert!(held_up <= 1, "{held_up}");
        // They do not hold the person up who signs in from elsewhere, nor later.
        app.advance(Duration::from_secs(3600));
        code(&world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await);
    }

    async fn guessing_codes_is_held_up_for_the_guesser_only(app: TestApp) {
        let world = world(&app).await;
        let secret = TotpSecret::new(crate::support::random()).reveal();
        let totp = NewCredential { credential: ImportedCredential::Totp(secret.clone()), state: CredentialState::Valid, expires_at: None };
        add_user(&app, world.environment.id, world.organization, "ada@acme.com", vec![password(PASSWORD), totp]).await;
        let browser = app.browser();
        let mut statuses = Vec::new();
        // Five wrong ones end a sign-in.
        let mut last = None;
        for round in 0..3 {
            let next = world.sign_in(&app, &browser, "ada@acme.com", PASSWORD).await;
            let page = browser.get(next.location().as_str()).await;
            for code in 0..4 {
                statuses.push(give(&browser, &page, "code", &format!("{round}0000{code}")).await.status.as_u16());
            }
            last = Some(page);
        }
        let page = last.unwrap();
        assert!(statuses.ends_with(&[429, 429]) && statuses.starts_with(&[401]), "{statuses:?}");
        // Not even the right one is taken now, here.
        assert_eq!(give(&browser, &page, "code", &totp_code(&secret, app.now())).await.status, 429);
        assert_eq!(latest(&app, &world).await.refusal.as_deref(), Some("too_many_attempts"));
        // Other people of the organization are not held up.
        code(&world.sign_in(&app, &app.browser(), EMAIL, PASSWORD).await);
    }

    async fn counts_and_retention_know_logins_with_accounts(app: TestApp) {
        let world = world(&app).await;
        world.tokens(&app).await;
        world.sign_in(&app, &app.browser(), EMAIL, "wrong").await;
        ostiary::app::support::login_counts::count(&app.state, Duration::from_secs(86_400)).await.unwrap();
        let mut conn = app.state.db.read().await.unwrap();
        let hours = ostiary::store::login_counts::list_hours_of_organization(&mut conn, world.organization, base::time::Timestamp::from_millis(0)).await.unwrap();
        drop(conn);
        assert_eq!(hours.iter().map(|hour| (hour.outcomes.succeeded, hour.outcomes.failed)).collect::<Vec<_>>(), [(1, 1)]);
        let mut tx = app.state.db.write().await.unwrap();
        app.advance(Duration::from_secs(10));
        ostiary::store::login_flow_people::remove(&mut tx, app.now()).await.unwrap();
        tx.commit().await.unwrap();
        for flow in list(&app, &world, &FlowQuery::default()).await {
            assert!(flow.email.is_none() && flow.claimed_email.is_none() && flow.user_id.is_none());
        }
        let mut tx = app.state.db.write().await.unwrap();
        assert_eq!(ostiary::store::login_flows::remove_old(&mut tx, app.now()).await.unwrap(), 2);
    }

    async fn the_console_shows_them(app: TestApp) {
        let world = world(&app).await;
        let tokens = world.tokens(&app).await;
        assert!(text(&tokens, "access_token").starts_with("eyJ"));
        let admin = app.administrator(model::administrator::Role::Viewer, Some(&world.environment)).await;
        let flow = latest(&app, &world).await;
        let path = format!("/console/{}/flows", world.environment.id);
        let page = app.page(&admin, &format!("{path}?protocol=account")).await;
        for shown in [EMAIL, "Password", "Portal", &flow.reference()] {
            assert!(page.body.contains(shown), "{shown} in {}", page.body);
        }
        assert!(!app.page(&admin, &format!("{path}?protocol=saml")).await.body.contains(EMAIL));
        for id in [flow.reference(), flow.id.to_string()] {
            let page = app.page(&admin, &format!("{path}/{id}")).await;
            for shown in [EMAIL, "Dana Doe", "Portal", "The person was signed in"] {
                assert!(page.body.contains(shown), "{shown} in {}", page.body);
            }
        }
        let found = admin.get(&app.url(&format!("{path}?q={}", flow.reference()))).await;
        assert_eq!(found.status, 303);
    }
}
