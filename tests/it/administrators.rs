//! Authentication and authorization of the console: invitations, sign-in, sessions, roles, and what must be refused.

use std::time::Duration;

use base::{
    id::{Id, PasskeyId},
    secret::AdminInvitationToken,
};
use futures_util::future::join_all;
use model::{
    account::{AdminInvitation, Passkey, PasswordHash},
    administrator::{Administrator, Role},
    environment::Environment,
};
use ostiary::{
    app::{
        administrators::{
            invitations::{self, InviteOutcome},
            roles::{self, RoleScope},
        },
        audit::{self, AuditFilter},
        pagination::PageQuery,
        principal::Principal,
    },
    store::{self, passwords::StoredPassword},
};
use reqwest::{Method, StatusCode, header};

use crate::{
    both,
    support::{
        Answer, Browser, TestApp,
        administrators::{CONSOLE_COOKIE, PASSWORD},
        eventually,
    },
};

/// A link that the operator made.
async fn invited(app: &TestApp, email: &str, role: Role, environment: Option<&Environment>) -> String {
    let scope = match environment {
        None => RoleScope::Global(Principal::OPERATOR),
        Some(environment) => RoleScope::Environment(Principal::operator(environment.id)),
    };
    match invitations::create(&app.state, &scope, email, role).await.unwrap() {
        InviteOutcome::Link(_, token) => token.reveal(),
        InviteOutcome::Added(_) => panic!("an administrator already"),
    }
}

async fn join(app: &TestApp, browser: &Browser, token: &str, email: &str) -> Answer {
    let fields = [
        ("token", token),
        ("email", email),
        ("displayName", "Dana"),
        ("newPassword", PASSWORD),
        ("repeatPassword", PASSWORD),
    ];
    browser.post(&app.url("/console/join"), &fields).await
}

async fn sign_in(app: &TestApp, browser: &Browser, email: &str, password: &str, next: &str) -> Answer {
    let fields = [("email", email), ("password", password), ("next", next)];
    browser.post(&app.url("/console/sign-in"), &fields).await
}

async fn is_signed_in(app: &TestApp, browser: &Browser) -> bool {
    let answer = browser.get(&app.url("/console/account")).await;
    match answer.status {
        StatusCode::OK => true,
        StatusCode::SEE_OTHER => {
            assert_eq!(answer.location().path(), "/console/sign-in");
            false
        }
        other => panic!("{other}: {answer:?}"),
    }
}

/// The CSRF token of this browser's session.
async fn form_token(app: &TestApp, browser: &Browser) -> String {
    let page = browser.get(&app.url("/console/account")).await;
    page.form().field("form_token").expect("a form's token").to_owned()
}

/// Stores a passkey of this administrator; its key is not used.
async fn stored_passkey(app: &TestApp, administrator: &Administrator, name: &str) -> PasskeyId {
    let random = crate::support::random();
    let passkey = Passkey {
        id: Id::new(app.now(), random),
        account_id: administrator.id.into(),
        display_name: name.to_owned(),
        created_at: app.now(),
        last_used_at: None,
    };
    let (id, key) = (passkey.id, format!("{:032x}", random.bits()));
    let stored = store::passkeys::StoredPasskey { passkey, credential: "{}".to_owned() };
    let mut tx = app.state.db.write().await.unwrap();
    store::passkeys::insert(&mut tx, &stored, &key).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn actions(app: &TestApp) -> Vec<String> {
    let query = PageQuery { token: None, size: Some("100".to_owned()) };
    let page = audit::list_installation(&app.state, &Principal::OPERATOR, &AuditFilter::default(), &query)
        .await
        .unwrap();
    page.items.into_iter().map(|event| event.action).collect()
}

both! {
    async fn a_sign_in_that_meets_the_removal_of_its_account_is_refused(app: TestApp) {
        let administrator = app.with_password("dana@ops.example").await;
        let mut tx = app.state.db.write().await.unwrap();
        app.disable(&mut tx, administrator.id).await;
        let writes = app.state.db.requested_writes();
        let posted = {
            let (browser, url) = (app.browser(), app.url("/console/sign-in"));
            let fields = [("email", "dana@ops.example"), ("password", PASSWORD), ("next", "")];
            actix_web::rt::spawn(async move { browser.post(&url, &fields).await })
        };
        app.write_blocked(writes).await;
        tx.commit().await.unwrap();
        assert_eq!(posted.await.unwrap().status, 401);
    }

    async fn a_sign_in_that_meets_a_change_of_the_password_is_refused(app: TestApp) {
        let administrator = app.with_password("dana@ops.example").await;
        let other = app.with_password("other@ops.example").await;
        let mut tx = app.state.db.write().await.unwrap();
        let found = store::table::find_for_update::<Administrator>(&mut tx, administrator.id, administrator.id).await;
        let (changed, hash) = (found.unwrap().unwrap(), app.password_of(other.id).await.unwrap());
        let password = StoredPassword::valid(hash, app.now());
        store::passwords::upsert(&mut tx, changed.id.into(), &password).await.unwrap();
        let writes = app.state.db.requested_writes();
        let posted = {
            let (browser, url) = (app.browser(), app.url("/console/sign-in"));
            let fields = [("email", "dana@ops.example"), ("password", PASSWORD), ("next", "")];
            actix_web::rt::spawn(async move { browser.post(&url, &fields).await })
        };
        app.write_blocked(writes).await;
        tx.commit().await.unwrap();
        assert_eq!(posted.await.unwrap().status, 401);
    }

    async fn a_sign_in_whose_outdated_hash_is_made_anew_meets_a_change_of_the_password(app: TestApp) {
        let outdated = "$argon2id$v=19$m=4096,t=3,p=1$BwcHBwcHBwcHBwcHBwcHBw$CUZGNIG9SPq3q7qDcgVpZexe8eKAQjZE0JN5KRM7o94";
        let (administrator, email) = (app.with_password("dana@ops.example").await, "dana@ops.example");
        let (account, current) = (administrator.id.into(), app.password_of(administrator.id).await.unwrap());
        let set = async |hash: &PasswordHash| {
            let mut tx = app.state.db.write().await.unwrap();
            let password = StoredPassword::valid(hash.clone(), app.now());
            store::passwords::upsert(&mut tx, account, &password).await.unwrap();
            tx
        };
        set(&PasswordHash(outdated.to_owned())).await.commit().await.unwrap();
        assert_eq!(sign_in(&app, &app.browser(), email, PASSWORD, "").await.status, 303);
        assert!(app.password_of(administrator.id).await.unwrap().0.contains("m=19456"), "made anew");

        set(&PasswordHash(outdated.to_owned())).await.commit().await.unwrap();
        let tx = set(&current).await;
        let writes = app.state.db.requested_writes();
        let posted = {
            let (browser, url) = (app.browser(), app.url("/console/sign-in"));
            let fields = [("email", email), ("password", PASSWORD), ("next", "")];
            actix_web::rt::spawn(async move { browser.post(&url, &fields).await })
        };
        app.write_blocked(writes).await;
        tx.commit().await.unwrap();
        assert_eq!(posted.await.unwrap().status, 401, "what was verified is not what counts now");
        assert_eq!(app.password_of(administrator.id).await, Some(current));
    }

    async fn a_change_of_ones_own_that_meets_the_removal_of_the_account_is_refused(app: TestApp) {
        let new = "another violet kettle";
        let password = [("currentPassword", PASSWORD), ("newPassword", new), ("repeatPassword", new)];
        let cases = [
            ("/name", &[("displayName", "Changed")][..], 0),
            ("/password", &password[..], 2),
            ("/passkeys/", &[("remove", "1")][..], 0),
        ];
        for (number, (path, fields, hashed)) in cases.into_iter().enumerate() {
            let dana = app.with_password(&format!("dana{number}@ops.example")).await;
            let passkey = stored_passkey(&app, &dana, "one").await;
            let path = if path.ends_with('/') { format!("{path}{passkey}") } else { path.to_owned() };
            let browser = app.signed_in(&dana).await;
            let token = form_token(&app, &browser).await;
            let hashed = app.state.passwords.hash_count() + hashed;
            let mut tx = app.state.db.write().await.unwrap();
            app.disable(&mut tx, dana.id).await;
            let writes = app.state.db.requested_writes();
            let posted = {
                let url = app.url(&format!("/console/account{path}"));
                let mut fields: Vec<(String, String)> =
                    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
                fields.push(("form_token".to_owned(), token));
                actix_web::rt::spawn(async move {
                    let fields: Vec<(&str, &str)> =
                        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                    browser.post(&url, &fields).await
                })
            };
            app.write_blocked(writes).await;
            assert_eq!(app.state.passwords.hash_count(), hashed, "{path}: hashing precedes the transaction");
            tx.commit().await.unwrap();
            let refused = posted.await.unwrap();
            assert!(matches!(refused.status.as_u16(), 303 | 401 | 422), "{path}: {refused:?}");
            assert!(!refused.headers.contains_key(header::LOCATION) || refused.location().path() == "/console/sign-in");
            let mut conn = app.state.db.read().await.unwrap();
            let left: Administrator = store::table::find(&mut conn, dana.id, dana.id).await.unwrap().unwrap();
            assert!(left.disabled_at.is_some() && app.password_of(dana.id).await.is_none(), "{path}: {left:?}");
            assert_eq!(left.display_name, "Dana Vendor");
            assert!(store::passkeys::find(&mut conn, dana.id.into(), passkey).await.unwrap().is_some(), "{path}");
        }
    }

    async fn what_outlives_a_session_takes_a_recent_proof(app: TestApp) {
        let production = app.environment("production").await;
        let dana = app.with_password("dana@vendor.example").await;
        let eve = app.account("eve@vendor.example", Role::Admin, Some(&production)).await;
        let browser = app.signed_in(&dana).await;
        let token = form_token(&app, &browser).await;
        let path = |rest: &str| format!("/console/{}{rest}", production.id);
        let post = async |rest: &str, fields: &[(&str, &str)]| {
            let mut fields = fields.to_vec();
            fields.push(("form_token", token.as_str()));
            browser.post(&app.url(rest), &fields).await
        };
        let of_eve = path(&format!("/administrators/{}", eve.id));
        let (pages, inviting) =
            ([path("/administrators"), path("/administrators/invite"), path("/api-keys/new")], path("/administrators/invite"));
        for page in &pages {
            let page = browser.get(&app.url(page)).await.body;
            assert!(!page.contains("Confirm first that it is you"), "{page}");
        }
        app.advance(Duration::from_secs(10 * 60));
        // The page asks for it before anything is entered, with a link to the sign-in and back.
        for path in &pages {
            let page = browser.get(&app.url(path)).await.body;
            assert!(page.contains("Confirm first that it is you"), "{page}");
            assert!(page.contains(&ostiary::links::with_next("/console/account", path)), "{page}");
        }
        // A new administrator, an existing one, a higher role, an API key.
        for (path, fields) in [
            (&inviting, &[("email", "new@vendor.example"), ("role", "viewer")][..]),
            (&inviting, &[("email", "eve@vendor.example"), ("role", "owner"), ("where", "everywhere")]),
            (&of_eve, &[("role", "owner")]),
            (&pages[2], &[("displayName", "k"), ("scope", "management")]),
        ] {
            let refused = post(path, fields).await;
            assert!(refused.status == 422 && refused.body.contains("that it is you, then do this again"), "{path} {}", refused.body);
        }
        assert!(actions(&app).await.iter().all(|action| !action.ends_with("role_changed") && !action.starts_with("api_key")));
        // Reducing rights needs no recent authentication.
        assert_eq!(post(&of_eve, &[("role", "viewer")]).await.status, 303);
        // After the confirmation the browser is redirected to the page it came from, and to no other site.
        let account = browser.get(&app.url(&ostiary::links::with_next("/console/account", &inviting))).await.body;
        assert!(account.contains(&format!("name=\"next\" value=\"{inviting}\"")), "{account}");
        for (next, expected) in [("//evil.example", "/console"), ("", "/console/account"), (&inviting, &inviting)] {
            let proved = post("/console/account/confirm", &[("confirmPassword", PASSWORD), ("next", next)]).await;
            assert_eq!(proved.location().as_str(), app.url(expected));
        }
        assert_eq!(post(&of_eve, &[("role", "owner")]).await.status, 303);
        assert_eq!(post(&pages[2], &[("displayName", "k"), ("scope", "management")]).await.status, 200);
    }

    async fn only_the_sign_in_page_offers_passkeys_by_itself(app: TestApp) {
        let dana = app.with_password("dana@vendor.example").await;
        stored_passkey(&app, &dana, "one").await;
        let browser = app.signed_in(&dana).await;
        app.advance(Duration::from_secs(10 * 60));
        let offers = |page: &str| page.contains("webauthn\"");
        let confirm = browser.get(&app.url("/console/account")).await.body;
        assert!(confirm.contains("Confirm by passkey") && !offers(&confirm), "{confirm}");
        assert!(offers(&app.browser().get(&app.url("/console/sign-in")).await.body));
        assert!(include_str!("../../assets/passkeys.js").contains("!making && field && !refused"));
    }

    async fn the_operators_link_makes_the_first_administrator(app: TestApp) {
        let browser = app.browser();
        let start = browser.get(&app.url("/console")).await;
        assert_eq!(start.location().as_str(), app.url("/console/sign-in"));
        let page = browser.get(start.location().as_str()).await;
        assert!(page.body.contains("ostiary admin invite"), "{}", page.body);

        let token = invited(&app, "", Role::Owner, None).await;
        let link = app.url(&format!("/console/join?token={token}"));
        for _ in 0..2 {
            let page = browser.get(&link).await;
            assert_eq!(page.status, 200, "looking at it, as link previews do, uses nothing up");
            assert!(page.body.contains("an owner of every environment"), "{}", page.body);
        }
        let page =
            browser.post(&app.url("/console/join"), &[("token", &token), ("email", "Dana@Vendor.example"), ("continue", "1")]).await;
        assert!(page.body.contains("Dana@Vendor.example") && page.body.contains("newPassword"), "{}", page.body);

        let short = browser.post(&app.url("/console/join"), &[
            ("token", &token), ("email", "dana@vendor.example"), ("newPassword", "short"), ("repeatPassword", "short"),
        ]).await;
        assert_eq!(short.status, 422);
        assert!(short.body.contains("at least 12 characters"), "{}", short.body);
        assert!(!short.body.contains("value=\"short\""), "a password is never sent back");

        let joined = join(&app, &browser, &token, "Dana@Vendor.example").await;
        assert_eq!(joined.status, 303, "{}", joined.body);
        assert_eq!(joined.location().path(), "/console");
        assert!(is_signed_in(&app, &browser).await);
        let again = join(&app, &app.browser(), &token, "eve@vendor.example").await;
        assert_eq!((again.status, again.reason()), (StatusCode::NOT_FOUND, Some("invitation_closed")));

        let other = app.browser();
        let entered = sign_in(&app, &other, " dana@vendor.EXAMPLE ", PASSWORD, "/console/account?x=1").await;
        assert_eq!(entered.status, 303, "{}", entered.body);
        assert_eq!(entered.location().as_str(), app.url("/console/account?x=1"));
        assert!(is_signed_in(&app, &other).await);
        let account = other.get(&app.url("/console/account")).await.body;
        assert!(account.contains("this browser") && account.contains("Signed in by invitation"), "{account}");

        let token = form_token(&app, &other).await;
        other.post(&app.url("/console/sign-out"), &[("form_token", &token)]).await;
        assert!(!is_signed_in(&app, &other).await && is_signed_in(&app, &browser).await);
        let said = actions(&app).await;
        for action in ["admin_invitation.created", "administrator.joined", "administrator.role_changed",
            "administrator.signed_in", "administrator.signed_out"] {
            assert!(said.iter().any(|one| one == action), "{action} in {said:?}");
        }
    }

    async fn of_sixteen_that_accept_one_invitation_one_succeeds(app: TestApp) {
        let token = invited(&app, "", Role::Admin, None).await;
        let tries = (0..16).map(|number| {
            let (app, token) = (&app, token.clone());
            async move {
                let email = format!("person{number}@vendor.example");
                join(app, &app.browser(), &token, &email).await.status
            }
        });
        let statuses = join_all(tries).await;
        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
        let everybody = roles::list(&app.state, &RoleScope::Global(Principal::OPERATOR), &PageQuery::default()).await;
        assert_eq!(everybody.unwrap().items.len(), 1);
    }

    async fn invitations_end_by_time_and_by_hand(app: TestApp) {
        let old = invited(&app, "old@vendor.example", Role::Owner, None).await;
        app.advance(Duration::from_secs(72 * 3600 + 1));
        assert_eq!(join(&app, &app.browser(), &old, "").await.status, 404);

        let scope = RoleScope::Global(Principal::OPERATOR);
        let InviteOutcome::Link(invitation, token) =
            invitations::create(&app.state, &scope, "b@vendor.example", Role::Owner).await.unwrap()
        else { panic!() };
        invitations::revoke(&app.state, &scope, invitation.id).await.unwrap();
        assert_eq!(join(&app, &app.browser(), &token.reveal(), "").await.status, 404);
        for nonsense in ["", "x", "ostiary_invite_0000000000000000000000000"] {
            assert_eq!(join(&app, &app.browser(), nonsense, "").await.status, 404);
        }
    }

    async fn an_invitation_never_opens_somebody_elses_account(app: TestApp) {
        let production = app.environment("production").await;
        let boss_link = invited(&app, "boss@vendor.example", Role::Owner, None).await;
        // An owner of one environment invites the same address, and keeps the link.
        let trap = invited(&app, "boss@vendor.example", Role::Viewer, Some(&production)).await;
        let boss = app.browser();
        assert_eq!(join(&app, &boss, &boss_link, "").await.status, 303);
        let thief = app.browser();
        let answer = join(&app, &thief, &trap, "").await;
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(!is_signed_in(&app, &thief).await && is_signed_in(&app, &boss).await);
        // If the account exists, an invitation grants the role and creates no link.
        let scope = RoleScope::Environment(Principal::operator(production.id));
        let invited = invitations::create(&app.state, &scope, "BOSS@vendor.example", Role::Admin).await.unwrap();
        assert!(matches!(invited, InviteOutcome::Added(_)));
    }

    async fn a_form_is_taken_from_its_own_session_only(app: TestApp) {
        let browser = app.administrator(Role::Owner, None).await;
        let other = app.administrator(Role::Owner, None).await;
        let (own, foreign) = (form_token(&app, &browser).await, form_token(&app, &other).await);
        assert_ne!(own, foreign);
        let url = app.url("/console/account/name");
        let post = async |token: &str, headers: &[(&str, &str)]| {
            let body = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("displayName", "Changed").append_pair("version", "1").append_pair("form_token", token).finish();
            let mut request = browser.request(Method::POST, &url)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").header(header::ACCEPT, "text/html");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            browser.send(request.body(body)).await
        };
        for (token, headers) in [
            ("", &[][..]),
            (&foreign, &[]),
            ("AAAA", &[]),
            (&own, &[("origin", "https://evil.example")]),
            (&own, &[("origin", "null")]),
            (&own, &[("sec-fetch-site", "cross-site")]),
            (&own, &[("sec-fetch-site", "same-site")]),
        ] {
            let refused = post(token, headers).await;
            assert_eq!((refused.status, refused.reason()), (StatusCode::FORBIDDEN, Some("foreign_form")), "{headers:?}");
        }
        assert!(!browser.get(&app.url("/console/account")).await.body.contains("Changed"));
        let good = post(&own, &[("origin", &app.base), ("sec-fetch-site", "same-origin")]).await;
        assert_eq!(good.status, 303, "{}", good.body);
        assert!(browser.get(&app.url("/console/account")).await.body.contains("Changed"));
        // Another site cannot sign a browser in to another account either (login CSRF).
        let request = browser.request(Method::POST, &app.url("/console/sign-in"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ORIGIN, "https://evil.example").body("email=a&password=b");
        assert_eq!(browser.send(request).await.status, 403);
    }

    async fn sessions_end_by_rest_age_and_hand(app: TestApp) {
        let dana = app.account("dana@vendor.example", Role::Owner, None).await;
        let (first, second, third) = (app.signed_in(&dana).await, app.signed_in(&dana).await, app.signed_in(&dana).await);
        let token = form_token(&app, &first).await;
        let page = first.get(&app.url("/console/account")).await.body;
        let ids: Vec<String> = page.split("/console/account/sessions/admin_session_").skip(1)
            .map(|rest| format!("admin_session_{}", rest.split('"').next().unwrap())).collect();
        assert_eq!(ids.len(), 2, "this one is not in the list of those to end");
        let end = app.url(&format!("/console/account/sessions/{}", ids[0]));
        assert_eq!(first.post(&end, &[("form_token", &token)]).await.status, 303);
        assert_eq!([is_signed_in(&app, &second).await, is_signed_in(&app, &third).await].iter().filter(|alive| **alive).count(), 1);
        first.post(&app.url("/console/account/sessions/others"), &[("form_token", &token)]).await;
        assert!(is_signed_in(&app, &first).await && !is_signed_in(&app, &second).await && !is_signed_in(&app, &third).await);
        // An administrator cannot end another's session.
        let eve = app.administrator(Role::Owner, None).await;
        let eves = form_token(&app, &eve).await;
        assert_eq!(eve.post(&end, &[("form_token", &eves)]).await.status, 404);

        for _ in 0..26 {
            app.advance(Duration::from_secs(55 * 60));
            assert!(is_signed_in(&app, &first).await, "a session that is used goes on");
        }
        app.advance(Duration::from_secs(10 * 60));
        assert!(!is_signed_in(&app, &first).await, "a day is over");
        let rested = app.signed_in(&dana).await;
        app.advance(Duration::from_secs(3600));
        assert!(!is_signed_in(&app, &rested).await, "an hour of rest is over");
        let posted = rested.post(&app.url("/console/account/name"), &[("displayName", "x"), ("form_token", "x")]).await;
        assert_eq!((posted.status, posted.reason()), (StatusCode::UNAUTHORIZED, Some("session_ended")));
    }

    async fn signing_in_takes_a_new_cookie_and_ends_the_old_session(app: TestApp) {
        let dana = app.with_password("dana@vendor.example").await;
        let victim = app.browser();
        victim.set_cookie(&app.base, CONSOLE_COOKIE, "ostiary_session_0000000000000000000000000");
        assert!(!is_signed_in(&app, &victim).await);
        assert_eq!(sign_in(&app, &victim, "dana@vendor.example", PASSWORD, "").await.status, 303);
        let first = victim.cookie(&app.base, CONSOLE_COOKIE).unwrap();
        assert_ne!(first, "ostiary_session_0000000000000000000000000");
        assert_eq!(sign_in(&app, &victim, "dana@vendor.example", PASSWORD, "").await.status, 303);
        assert_ne!(victim.cookie(&app.base, CONSOLE_COOKIE).unwrap(), first);
        let thief = app.browser();
        thief.set_cookie(&app.base, CONSOLE_COOKIE, &first);
        assert!(!is_signed_in(&app, &thief).await, "the replaced session is over");
        // Cookie attributes: no script reads it, and no post of another site carries it.
        let answer = sign_in(&app, &app.browser(), "dana@vendor.example", PASSWORD, "").await;
        let lines: Vec<&str> =
            answer.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap()).collect();
        assert!(lines.iter().any(|line| line.starts_with("__Host-ostiary_console=") && line.contains("Secure")));
        assert!(lines.iter().all(|line| line.contains("HttpOnly") && line.contains("SameSite=Lax")), "{lines:?}");
        drop(dana);
    }

    async fn nobody_is_redirected_to_another_site(app: TestApp) {
        app.with_password("dana@vendor.example").await;
        for next in ["https://evil.example/", "//evil.example", "/\\evil.example", "/v1/oauth/authorize", "/console/../demo",
            "javascript:alert(1)", "/console@evil.example", "/console/sign-in?next=/console"] {
            let browser = app.browser();
            let answer = sign_in(&app, &browser, "dana@vendor.example", PASSWORD, next).await;
            assert_eq!(answer.location().as_str(), app.url("/console"), "{next}");
        }
        let asked = app.browser().get(&app.url("/console/account?a=b%26c")).await;
        assert_eq!(asked.location().as_str(), app.url("/console/sign-in?next=%2Fconsole%2Faccount%3Fa%3Db%2526c"));
    }

    async fn who_is_not_there_is_not_told_from_who_is(app: TestApp) {
        app.with_password("dana@vendor.example").await;
        app.account("keyholder@vendor.example", Role::Admin, None).await;
        let mut bodies = Vec::new();
        for email in ["dana@vendor.example", "nobody@vendor.example", "keyholder@vendor.example", "no address"] {
            let before = app.state.passwords.hash_count();
            let answer = sign_in(&app, &app.browser(), email, "violet kettle under rain", "").await;
            assert_eq!(answer.status, 401);
            assert_eq!(app.state.passwords.hash_count(), before + 1, "{email}: the hasher ran once");
            let body = answer.body.replace(email, "ADDRESS");
            let (head, tail) = body.split_once("data-options").unwrap();
            bodies.push((head.to_owned(), tail.split_once("name=\"answer\"").unwrap().1.to_owned()));
        }
        assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
        // The failure is in the audit log of the account.
        eventually("the failed sign-in in the audit log", async || {
            actions(&app).await.iter().any(|action| action == "administrator.sign_in_failed").then_some(())
        }).await;
    }

    async fn guessing_is_slowed_down_by_account(app: TestApp) {
        app.with_password("dana@vendor.example").await;
        app.with_password("other@vendor.example").await;
        let browser = app.browser();
        for _ in 0..10 {
            assert_eq!(sign_in(&app, &browser, "dana@vendor.example", "wrong wrong wrong", "").await.status, 401);
        }
        let runs = app.state.passwords.hash_count();
        let limited = sign_in(&app, &browser, "DANA@vendor.example", PASSWORD, "").await;
        assert_eq!(limited.status, 429);
        assert!(!limited.header("retry-after").is_empty());
        assert_eq!(app.state.passwords.hash_count(), runs, "nothing is hashed for who must wait");
        assert_eq!(sign_in(&app, &browser, "other@vendor.example", PASSWORD, "").await.status, 303);
        app.advance(Duration::from_secs(31));
        assert_eq!(sign_in(&app, &browser, "dana@vendor.example", PASSWORD, "").await.status, 303);
    }

    async fn a_viewer_looks_and_changes_nothing(app: TestApp) {
        let production = app.environment("production").await;
        let viewer = app.administrator(Role::Viewer, Some(&production)).await;
        let admin = app.administrator(Role::Admin, Some(&production)).await;
        let path = |rest: &str| app.url(&format!("/console/{}{rest}", production.id));
        assert_eq!(viewer.get(&path("/administrators")).await.status, 200);
        for browser in [&viewer, &admin] {
            let token = form_token(&app, browser).await;
            let invited = browser.post(&path("/administrators/invite"),
                &[("form_token", &token), ("email", "eve@vendor.example"), ("role", "owner")]).await;
            assert_eq!((invited.status, invited.reason()), (StatusCode::FORBIDDEN, Some("forbidden")), "{}", invited.body);
            assert_eq!(browser.get(&path("/administrators/invite")).await.status, 403);
            let edited = browser.post(&path("/settings/edit"), &[("form_token", &token), ("displayName", "Mine")]).await;
            assert_eq!(edited.status, 403);
        }
    }

    async fn another_environment_is_not_there(app: TestApp) {
        let (own, foreign) = (app.environment("own").await, app.environment("foreign").await);
        let browser = app.administrator(Role::Owner, Some(&own)).await;
        let victim = app.account("victim@vendor.example", Role::Viewer, Some(&foreign)).await;
        let token = form_token(&app, &browser).await;
        for (path, status) in [
            (format!("/console/{}/administrators", own.id), 200),
            (format!("/console/{}/administrators", foreign.id), 404),
            (format!("/console/{}/settings", foreign.id), 404),
            ("/console/env_0000000000000000000000000/administrators".to_owned(), 404),
            ("/console/nonsense/administrators".to_owned(), 404),
        ] {
            let answer = browser.get(&app.url(&path)).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(!answer.body.contains("victim@vendor.example"));
        }
        for (environment, status) in [(&own, 404), (&foreign, 404)] {
            let url = app.url(&format!("/console/{}/administrators/{}", environment.id, victim.id));
            let answer = browser.post(&url, &[("form_token", &token), ("remove", "1")]).await;
            assert_eq!(answer.status, status, "{}", answer.body);
        }
        // An owner of one environment cannot change the owners of all.
        let everywhere = app.account("boss@vendor.example", Role::Owner, None).await;
        let url = app.url(&format!("/console/{}/administrators/{}", own.id, everywhere.id));
        for fields in [&[("where", "everywhere"), ("remove", "1")][..], &[("where", "everywhere"), ("role", "viewer")]] {
            let mut fields = fields.to_vec();
            fields.push(("form_token", &token));
            assert_eq!(browser.post(&url, &fields).await.status, 403);
        }
        let url = app.url(&format!("/console/{}/administrators/invite", own.id));
        let fields = [("form_token", token.as_str()), ("email", "x@vendor.example"), ("role", "owner"), ("where", "everywhere")];
        assert_eq!(browser.post(&url, &fields).await.status, 403);
    }

    async fn somebody_always_owns_everything(app: TestApp) {
        let mut owners: Vec<Administrator> = Vec::new();
        for number in 0..8 {
            owners.push(app.account(&format!("owner{number}@vendor.example"), Role::Owner, None).await);
            app.advance(Duration::from_millis(2));
        }
        let scope = RoleScope::Global(Principal::OPERATOR);
        let tries = owners.iter().enumerate().map(|(number, owner)| {
            let (state, scope) = (&app.state, &scope);
            async move {
                match number % 2 {
                    0 => roles::remove(state, scope, owner.id).await.is_ok(),
                    _ => roles::set_role(state, scope, owner.id, Role::Viewer).await.is_ok(),
                }
            }
        });
        let done = join_all(tries).await;
        assert_eq!(done.iter().filter(|done| **done).count(), 7, "{done:?}");
        let left = roles::list(&app.state, &scope, &PageQuery::default()).await.unwrap();
        assert_eq!(left.items.iter().filter(|(_, role)| *role == Role::Owner).count(), 1);
    }

    async fn who_is_removed_is_out_at_once_and_so_are_their_invitations(app: TestApp) {
        let production = app.environment("production").await;
        let boss = app.administrator(Role::Owner, None).await;
        let dana = app.with_password("dana@vendor.example").await;
        let browser = app.signed_in(&dana).await;
        let token = form_token(&app, &browser).await;
        let page = browser.post(&app.url(&format!("/console/{}/administrators/invite", production.id)),
            &[("form_token", &token), ("email", "friend@vendor.example"), ("role", "owner"), ("where", "everywhere")]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let link = page.body.split("/console/join?token=").nth(1).unwrap();
        let friend = link.split(['"', '<']).next().unwrap();
        let friend = friend.to_owned();

        let token = form_token(&app, &boss).await;
        let url = app.url(&format!("/console/{}/administrators/{}", production.id, dana.id));
        let fields = [("form_token", token.as_str()), ("where", "everywhere"), ("remove", "1")];
        let removed = boss.post(&url, &fields).await;
        assert_eq!(removed.status, 303, "{}", removed.body);
        assert!(!is_signed_in(&app, &browser).await);
        assert_eq!(sign_in(&app, &app.browser(), "dana@vendor.example", PASSWORD, "").await.status, 401);
        assert_eq!(join(&app, &app.browser(), &friend, "").await.status, 404, "{friend}");
        // Invited again, they start with a new account.
        let link = invited(&app, "dana@vendor.example", Role::Viewer, Some(&production)).await;
        let back = app.browser();
        assert_eq!(join(&app, &back, &link, "").await.status, 303);
        assert_eq!(back.get(&app.url(&format!("/console/{}/administrators", production.id))).await.status, 200);
        assert!(actions(&app).await.iter().any(|action| action == "administrator.disabled"));
    }

    async fn a_reset_link_replaces_what_opened_the_account(app: TestApp) {
        let dana = app.with_password("dana@vendor.example").await;
        let browser = app.signed_in(&dana).await;
        let (_, token) = invitations::create_reset(&app.state, &Principal::OPERATOR, dana.id).await.unwrap();
        let page = app.browser().get(&app.url(&format!("/console/join?token={}", token.reveal()))).await;
        assert!(page.body.contains("Choose a new way to sign in"), "{}", page.body);
        assert!(is_signed_in(&app, &browser).await, "nothing happens before the button");
        let new = app.browser();
        let password = "another violet kettle";
        let fields = [("token", token.reveal()), ("newPassword", password.into()), ("repeatPassword", password.into())];
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(new.post(&app.url("/console/join"), &fields).await.status, 303);
        assert!(is_signed_in(&app, &new).await && !is_signed_in(&app, &browser).await);
        assert_eq!(sign_in(&app, &app.browser(), "dana@vendor.example", PASSWORD, "").await.status, 401);
        assert_eq!(sign_in(&app, &app.browser(), "dana@vendor.example", password, "").await.status, 303);
    }

    async fn what_opens_the_account_changes_only_for_who_proved_it_lately(app: TestApp) {
        let dana = app.with_password("dana@vendor.example").await;
        let keyless = app.account("keyless@vendor.example", Role::Owner, None).await;
        let passkeys = [stored_passkey(&app, &dana, "one").await, stored_passkey(&app, &dana, "two").await];
        let (browser, other) = (app.signed_in(&dana).await, app.signed_in(&keyless).await);
        let (token, others) = (form_token(&app, &browser).await, form_token(&app, &other).await);
        let account = async |browser: &Browser| browser.get(&app.url("/console/account")).await.body;
        let post = async |browser: &Browser, token: &str, path: &str, fields: &[(&str, &str)]| {
            let mut fields = fields.to_vec();
            fields.push(("form_token", token));
            browser.post(&app.url(&format!("/console/account{path}")), &fields).await
        };
        let recent = account(&browser).await;
        assert!(recent.contains("Add a passkey") && recent.contains("Remove this passkey"), "{recent}");

        app.advance(Duration::from_secs(10 * 60));
        let rested = account(&browser).await;
        assert!(rested.contains("Confirm that it is you") && rested.contains("Confirm by passkey"), "{rested}");
        assert!(!rested.contains("Add a passkey") && !rested.contains("Remove this passkey"), "{rested}");
        let gone = format!("/passkeys/{}", passkeys[0]);
        let new = "another violet kettle";
        let first_password = [("newPassword", new), ("repeatPassword", new)];
        let adding = [("challenge", "x"), ("answer", "{}")];
        for answer in [
            post(&browser, &token, "/passkeys", &adding).await,
            post(&browser, &token, &gone, &[("remove", "1")]).await,
            post(&other, &others, "/password", &first_password).await,
        ] {
            assert_eq!(answer.status, 422);
            assert!(answer.body.contains("Confirm that it is you, then do this again."), "{}", answer.body);
        }
        let production = app.environment("production").await;
        let url = app.url(&format!("/console/{}/administrators/invite", production.id));
        let fields = [("form_token", token.as_str()), ("email", "eve@vendor.example"), ("role", "owner")];
        let invited = browser.post(&url, &fields).await;
        assert!(invited.status == 422 && invited.body.contains("that it is you"), "{}", invited.body);

        // A wrong password is refused and counted as at sign-in; so is an invalid passkey response.
        for _ in 0..10 {
            let wrong = post(&browser, &token, "/confirm", &[("confirmPassword", "wrong wrong wrong")]).await;
            assert!(wrong.status == 422 && wrong.body.contains("not your password"), "{}", wrong.body);
        }
        let runs = app.state.passwords.hash_count();
        for (path, field) in [("/confirm", "confirmPassword"), ("/password", "currentPassword")] {
            let limited = post(&browser, &token, path, &[(field, PASSWORD), ("newPassword", new), ("repeatPassword", new)]).await;
            assert_eq!(limited.status, 429, "{path}");
        }
        assert_eq!(app.state.passwords.hash_count(), runs, "nothing is hashed for who must wait");
        assert_eq!(post(&other, &others, "/confirm", &[("confirmPassword", "")]).await.status, 422, "has none");
        let rest = account(&browser).await;
        let challenge = rest.split("name=\"challenge\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let nonsense = post(&browser, &token, "/confirm/passkey", &[("challenge", challenge), ("answer", "{}")]).await;
        assert!(nonsense.status == 422 && nonsense.body.contains("not a passkey of your account"), "{}", nonsense.body);
        assert!(account(&browser).await.contains("Confirm that it is you"));

        app.advance(Duration::from_secs(5 * 60));
        let proved = post(&browser, &token, "/confirm", &[("confirmPassword", PASSWORD)]).await;
        assert_eq!(proved.status, 303, "{}", proved.body);
        assert!(account(&browser).await.contains("Your identity confirmed."));
        assert_eq!(post(&browser, &token, &gone, &[("remove", "1")]).await.status, 303);
        assert!(actions(&app).await.iter().any(|action| action == "administrator.confirmed"));
        assert!(account(&other).await.contains("Confirm that it is you"), "each session for itself");
        // An account with a password confirms by it; the first password needs a recent sign-in.
        app.advance(Duration::from_secs(10 * 60));
        let fields = [("currentPassword", PASSWORD), ("newPassword", new), ("repeatPassword", new)];
        assert_eq!(post(&browser, &token, "/password", &fields).await.status, 303);
        let fresh = app.signed_in(&keyless).await;
        let token = form_token(&app, &fresh).await;
        assert_eq!(post(&fresh, &token, "/password", &first_password).await.status, 303);
    }

    async fn only_passkeys_open_the_console_where_they_are_required(app: TestApp) {
        let dana = app.with_password("dana@vendor.example").await;
        let by_password = app.browser();
        assert_eq!(sign_in(&app, &by_password, "dana@vendor.example", PASSWORD, "").await.status, 303);
        let strict = app.replica_with(|config| config.console_require_passkey = true).await;
        let page = app.browser().get(&strict.url("/console/sign-in")).await.body;
        assert!(page.contains("Sign in with a passkey") && !page.contains("name=\"password\""), "{page}");
        let refused = sign_in(&strict, &app.browser(), "dana@vendor.example", PASSWORD, "").await;
        assert!(refused.status == 403 && refused.body.contains("use a passkey"), "{}", refused.body);
        assert!(is_signed_in(&app, &by_password).await && !is_signed_in(&strict, &by_password).await, "nor does an older session");
        // A link creates a passkey, and no password.
        let (_, token) = invitations::create_reset(&app.state, &Principal::OPERATOR, dana.id).await.unwrap();
        let link = strict.url(&format!("/console/join?token={}", token.reveal()));
        let page = app.browser().get(&link).await.body;
        assert!(page.contains("Create a passkey") && !page.contains("newPassword"), "{page}");
        assert_eq!(join(&strict, &app.browser(), &token.reveal(), "").await.status, 403);
        // So does the account page.
        let browser = app.signed_in(&dana).await;
        let page = browser.get(&strict.url("/console/account")).await;
        assert!(page.status == 200 && !page.body.contains("newPassword"), "{}", page.body);
        let token = form_token(&strict, &browser).await;
        let fields = [("form_token", token.as_str()), ("currentPassword", PASSWORD), ("newPassword", "another violet kettle"),
            ("repeatPassword", "another violet kettle")];
        assert_eq!(browser.post(&strict.url("/console/account/password"), &fields).await.status, 403);
        // A password does not replace it: the last passkey cannot be removed.
        let passkey = stored_passkey(&app, &dana, "only").await;
        let url = strict.url(&format!("/console/account/passkeys/{passkey}"));
        let kept = browser.post(&url, &[("form_token", token.as_str()), ("remove", "1")]).await;
        assert!(kept.status == 422 && kept.body.contains("only way to sign in"), "{}", kept.body);
    }

    async fn a_password_that_is_tried_first_is_refused(app: TestApp) {
        let token = invited(&app, "dana@vendor.example", Role::Owner, None).await;
        let browser = app.browser();
        let long = "violet kettle under snow ".repeat(6);
        for (password, said) in [
            ("Password1234", "with a little added"),
            ("starwars1234", "easy to guess"),
            ("Correct horse battery staple", "easy to guess"),
            ("1q2w3e4r5t6y", "easy to guess"),
            ("abcdefghijklm", "easy to guess"),
            ("dana@vendor.example", "own name or address"),
            (long.as_str(), "at most 128 characters"),
        ] {
            let fields = [("token", token.as_str()), ("newPassword", password), ("repeatPassword", password)];
            let refused = browser.post(&app.url("/console/join"), &fields).await;
            assert!(refused.status == 422 && refused.body.contains(said), "{password}: {}", refused.body);
        }
        assert_eq!(join(&app, &browser, &token, "").await.status, 303);
    }

    async fn a_link_for_somebody_who_was_removed_opens_nothing(app: TestApp) {
        let production = app.environment("production").await;
        app.account("boss@vendor.example", Role::Owner, None).await;
        let scope = RoleScope::Global(Principal::OPERATOR);
        // Two invitations, one of them used, and a reset link.
        let used = invited(&app, "dana@vendor.example", Role::Admin, None).await;
        let spare = invited(&app, "DANA@vendor.example", Role::Owner, Some(&production)).await;
        assert_eq!(join(&app, &app.browser(), &used, "").await.status, 303);
        let dana = roles::find_by_email(&app.state, "dana@vendor.example").await.unwrap();
        let (reset, token) = invitations::create_reset(&app.state, &Principal::OPERATOR, dana.id).await.unwrap();
        roles::remove(&app.state, &scope, dana.id).await.unwrap();
        let browser = app.browser();
        for link in [&token.reveal(), &spare] {
            let page = browser.get(&app.url(&format!("/console/join?token={link}"))).await;
            assert_eq!((page.status, page.reason()), (StatusCode::NOT_FOUND, Some("invitation_closed")));
            assert_eq!(join(&app, &browser, link, "").await.status, 404);
        }
        assert!(!is_signed_in(&app, &browser).await);
        assert!(roles::find_by_email(&app.state, "dana@vendor.example").await.is_err(), "still removed");

        // A link that was left in the database is refused when it is used.
        let mut tx = app.state.db.write().await.unwrap();
        let late = AdminInvitationToken::new(crate::support::random());
        let left = AdminInvitation { id: Id::new(app.now(), crate::support::random()), ..reset };
        store::invitations::insert(&mut tx, &left, late.digest()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(browser.get(&app.url(&format!("/console/join?token={}", late.reveal()))).await.status, 404);
        assert_eq!(join(&app, &browser, &late.reveal(), "").await.status, 404);
        assert!(roles::find_by_email(&app.state, "dana@vendor.example").await.is_err(), "still removed");
    }

    async fn a_new_password_signs_out_everywhere_else(app: TestApp) {
        let dana = app.with_password("dana@vendor.example").await;
        let (here, elsewhere) = (app.signed_in(&dana).await, app.signed_in(&dana).await);
        let token = form_token(&app, &here).await;
        let url = app.url("/console/account/password");
        let new = "another violet kettle";
        let post = async |current: &str, new: &str, repeated: &str| {
            let fields = [("form_token", token.as_str()), ("currentPassword", current), ("newPassword", new), ("repeatPassword", repeated)];
            here.post(&url, &fields).await
        };
        for (current, new, repeated, said) in [
            ("wrong", new, new, "not your password"),
            (PASSWORD, new, "something else", "not the same"),
            (PASSWORD, "dana@vendor.example", "dana@vendor.example", "own name or address"),
        ] {
            let answer = post(current, new, repeated).await;
            assert_eq!(answer.status, 422);
            assert!(answer.body.contains(said), "{said}: {}", answer.body);
        }
        assert!(is_signed_in(&app, &elsewhere).await);
        assert_eq!(post(PASSWORD, new, new).await.status, 303);
        assert!(is_signed_in(&app, &here).await && !is_signed_in(&app, &elsewhere).await);
        assert_eq!(sign_in(&app, &app.browser(), "dana@vendor.example", new, "").await.status, 303);
    }
}

/// The built program's administrators, as an operator makes them, then in a browser with a passkey.
#[test]
fn a_passkey_is_made_and_opens_the_console() {
    crate::support::run_scenario(crate::support::Backend::Sqlite, async |app: TestApp| {
        let (first, second) =
            (invited(&app, "", Role::Owner, None).await, invited(&app, "", Role::Owner, None).await);
        let link = |token: &str| app.url(&format!("/console/join?token={token}"));
        let (first, second, base) = (link(&first), link(&second), app.base.clone());
        let run = tokio::task::spawn_blocking(move || {
            let dir = tempfile::TempDir::new().unwrap();
            let pictures =
                std::env::var("OSTIARY_TEST_PICTURES").unwrap_or_else(|_| dir.path().display().to_string());
            std::fs::create_dir_all(&pictures).unwrap();
            std::process::Command::new(crate::support::python())
                .args(["tests/python/walk_sign_in.py", &base, &first, &second, &pictures])
                .output()
                .unwrap()
        });
        let output = run.await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let said = actions(&app).await;
        for action in ["passkey.created", "passkey.deleted", "administrator.signed_in"] {
            assert!(said.iter().any(|one| one == action), "{action} in {said:?}");
        }
    });
}
