//! SecureAuth's credential routes (contract §1.8): passwords, one-time codes, activation, registration, authenticator apps and
//! passkeys of users, as a service client with the scope `identity` calls them.

use std::time::Duration;

use base::id::{Id, IdentityPoolId, UserId};
use model::{
    account::OneTimeCodeSettings, environment::Environment, identity_pool::IdentityPool,
    organization::root_id, user::UserStatus,
};
use ostiary::{
    app::{
        accounts::{
            totp::TotpSecret,
            user_sessions::{self, OperatorSession},
            users::{self, NewAddress, NewIdentifier, NewUser, Profile},
        },
        authorization_server::access_tokens::{self, TokenSubject},
        principal::Principal,
    },
    store,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, Backend, TestApp, authenticator, random},
};

const PASSWORD: &str = "violet kettle under snow";
const OTHER: &str = "a green kettle on thick ice";
const BCRYPT: &str = "$2b$04$abcdefghijklmnopqrstuuJcwyQWIUcN20V5YG0pP99tDc.AuGBh6";
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// A program with a token, and a pool that it administers.
struct Caller<'a> {
    app: &'a TestApp,
    environment: Environment,
    pool: IdentityPoolId,
    token: String,
}

impl<'a> Caller<'a> {
    /// A program with the scope `identity` in a new environment, and a pool there.
    async fn new(app: &'a TestApp, slug: &str) -> Self {
        let environment = app.environment(slug).await;
        let token = app.system_token(&environment, &["identity"]).await;
        let pool = new_pool(app, &environment, |_| {}).await;
        Self { app, environment, pool, token }
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Answer {
        let path =
            format!("/api/identity/{}/system/pools/{:032x}{path}", self.environment.slug, self.pool.bits());
        self.app.api(&self.token, method, &path, Some(body)).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, body).await
    }

    /// Calls a route of a user.
    async fn post_of(&self, user: UserId, path: &str, body: Value) -> Answer {
        self.post(&format!("/users/{:032x}/{path}", user.bits()), body).await
    }

    fn principal(&self) -> Principal {
        Principal::operator(self.environment.id)
    }

    /// A user with this address, as identifier and proven address.
    async fn user(&self, email: &str, status: UserStatus) -> UserId {
        let mut new = NewUser::new(status);
        new.identifiers.push(NewIdentifier::new(model::user::IdentifierKind::Email, email));
        new.addresses.push(NewAddress::email(email, status == UserStatus::Active));
        new.profile = Profile::default();
        let state = &self.app.state;
        users::create(state, &self.principal(), self.pool, &new).await.unwrap().id
    }

    /// An active user with [`PASSWORD`].
    async fn with_password(&self, email: &str) -> UserId {
        let user = self.user(email, UserStatus::Active).await;
        self.set_password(user, PASSWORD).await;
        user
    }

    async fn set_password(&self, user: UserId, password: &str) {
        let (state, of) = (&self.app.state, (self.pool, user));
        let valid = model::account::CredentialState::Valid;
        ostiary::app::accounts::user_credentials::set_password(state, &self.principal(), of, password, valid)
            .await
            .unwrap();
    }

    async fn set_totp(&self, user: UserId) -> TotpSecret {
        let secret = TotpSecret::parse("secret", SECRET).unwrap();
        let mut tx = self.app.state.db.write().await.unwrap();
        ostiary::app::accounts::totp::set(&mut tx, &self.app.state, user.into(), &secret).await.unwrap();
        tx.commit().await.unwrap();
        secret
    }

    /// A code of this type for a user: as digits, and in its extended form.
    async fn code(&self, user: UserId, kind: &str) -> (String, String) {
        let made = self.post_of(user, "code/generate", json!({ "type": kind })).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let text = |name: &str| made.json()[name].as_str().unwrap().to_owned();
        (text("code"), text("extended_code"))
    }

    /// What the verification of a password says.
    async fn verify(&self, identifier: &str, password: &str) -> String {
        let answer = self
            .post("/user/password/v2/verify", json!({ "identifier": identifier, "password": password }))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["result"].as_str().unwrap().to_owned()
    }

    /// A session of a user, and its access token.
    async fn session(&self, user_id: UserId) -> String {
        let wanted = OperatorSession { user_id, authenticated_ago: Duration::ZERO, tenant_admin: false };
        user_sessions::create_by_operator(&self.app.state, &self.principal(), wanted).await.unwrap().1
    }

    /// Whether an access token counts.
    async fn counts(&self, token: &str) -> bool {
        access_tokens::authenticate(&self.app.state, token, None).await.is_ok()
    }

    /// How often the environment's audit log has this action.
    async fn audited(&self, action: &str) -> usize {
        let mut conn = self.app.state.db.read().await.unwrap();
        let rows: Vec<(String,)> = conn
            .sql("SELECT id FROM audit_events WHERE environment_id = $1 AND action = $2")
            .bind(self.environment.id)
            .bind(action)
            .all()
            .await
            .unwrap();
        rows.len()
    }
}

/// A pool of the root organization.
async fn new_pool(
    app: &TestApp,
    environment: &Environment,
    change: impl FnOnce(&mut IdentityPool),
) -> IdentityPoolId {
    let id = Id::new(app.now(), random());
    let mut pool = IdentityPool::new(id, environment.id, root_id(environment.id), app.now());
    pool.name = "People".to_owned();
    change(&mut pool);
    let mut tx = app.state.db.write().await.unwrap();
    store::table::insert(&mut tx, &pool).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// Other digits than these.
fn other_than(digits: &str) -> String {
    let first = if digits.starts_with('1') { '2' } else { '1' };
    format!("{first}{}", &digits[1..])
}

/// The code that an app with this secret shows now.
fn code_at(secret: &TotpSecret, app: &TestApp) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret.reveal()).unwrap();
    let app_of_another_hand = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    app_of_another_hand.generate(app.now().seconds().try_into().unwrap()).to_string()
}

both! {
    async fn a_password_is_changed_by_who_has_it(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.with_password("dana@acme.com").await;
        let token = caller.session(user).await;
        assert!(caller.counts(&token).await);
        let change = async |old: &str, new: &str| {
            caller.post_of(user, "change-password", json!({ "old_password": old, "new_password": new })).await
        };
        let wrong = change(OTHER, OTHER).await;
        assert_eq!((wrong.status.as_u16(), &wrong.json()["error_code"]), (422, &json!("password_incorrect")));
        assert_eq!(wrong.json()["details"]["errors"][0]["path"], "old_password");
        let weak = change(PASSWORD, "dana@acme.com1").await;
        assert_eq!(weak.json()["details"]["errors"][0]["path"], "new_password", "{}", weak.body);
        for body in [json!({}), json!({ "old_password": PASSWORD }), json!({ "old_password": 1 })] {
            let refused = caller.post_of(user, "change-password", body).await;
            assert!(matches!(refused.status.as_u16(), 400 | 422), "{}", refused.body);
        }
        assert!(caller.counts(&token).await, "nothing was changed");
        let changed = change(PASSWORD, OTHER).await;
        assert_eq!(changed.status, 204, "{}", changed.body);
        assert!(!caller.counts(&token).await, "sessions and tokens end");
        assert_eq!(caller.verify("dana@acme.com", OTHER).await, "password_correct");
        assert_eq!(caller.verify("dana@acme.com", PASSWORD).await, "password_incorrect");
        assert_eq!(caller.audited("user.password_changed").await, 1);
        let nobody = caller
            .post_of(Id::from_bits(7), "change-password", json!({ "old_password": PASSWORD, "new_password": OTHER }))
            .await;
        assert_eq!((nobody.status.as_u16(), &nobody.json()["error_code"]), (404, &json!("user_not_found")));
    }

    async fn a_password_is_verified_with_five_results(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let dana = caller.with_password("dana@acme.com").await;
        caller.user("bare@acme.com", UserStatus::Active).await;
        caller.user("new@acme.com", UserStatus::New).await;
        caller.user("off@acme.com", UserStatus::Inactive).await;
        let verify = async |body: Value| caller.post("/user/password/v2/verify", body).await;
        let right = verify(json!({ "identifier": "DANA@acme.com", "password": PASSWORD })).await;
        let id = format!("{:032x}", dana.bits());
        assert_eq!(right.json(), json!({ "id": id, "result": "password_correct", "state": "valid" }));
        let by_id = verify(json!({ "userID": id, "password": PASSWORD })).await;
        assert_eq!(by_id.json(), right.json());
        for (identifier, password, result) in [
            ("dana@acme.com", OTHER, "password_incorrect"),
            ("bare@acme.com", PASSWORD, "no_password"),
            ("nobody@acme.com", PASSWORD, "user_not_found"),
            ("new@acme.com", PASSWORD, "user_not_found"),
            ("off@acme.com", PASSWORD, "user_not_found"),
        ] {
            assert_eq!(caller.verify(identifier, password).await, result, "{identifier}");
        }
        let both = verify(json!({ "identifier": "dana@acme.com", "userID": id, "password": PASSWORD })).await;
        assert_eq!(both.status, 422);
        assert_eq!(verify(json!({ "password": PASSWORD })).await.status, 422);
        assert_eq!(verify(json!({ "identifier": "dana@acme.com" })).await.status, 422);

        let mut tx = app.state.db.write().await.unwrap();
        let stored = store::passwords::find(&mut tx, dana.into()).await.unwrap().unwrap();
        let expired = store::passwords::StoredPassword { expires_at: Some(app.now()), ..stored };
        store::passwords::upsert(&mut tx, dana.into(), &expired).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(caller.verify("dana@acme.com", PASSWORD).await, "password_expired");
        assert_eq!(caller.verify("dana@acme.com", OTHER).await, "password_incorrect", "not told to a stranger");
    }

    async fn guessing_is_slowed_for_the_account_alone(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let dana = caller.with_password("dana@acme.com").await;
        caller.with_password("doe@acme.com").await;
        let verify = async |identifier: &str, password: &str| {
            let body = json!({ "identifier": identifier, "password": password });
            caller.post("/user/password/v2/verify", body).await.status.as_u16()
        };
        for identifier in ["dana@acme.com", "nobody@acme.com"] {
            let statuses = {
                let mut statuses = Vec::new();
                for _ in 0..12 {
                    statuses.push(verify(identifier, OTHER).await);
                }
                statuses
            };
            let expected: Vec<u16> = [[200; 10].as_slice(), [429; 2].as_slice()].concat();
            assert_eq!(statuses, expected, "{identifier}");
        }
        assert_eq!(verify("dana@acme.com", PASSWORD).await, 429, "whatever is guessed");
        let change = json!({ "old_password": PASSWORD, "new_password": OTHER });
        assert_eq!(caller.post_of(dana, "change-password", change).await.status, 429, "by any route");
        assert_eq!(verify("doe@acme.com", PASSWORD).await, 200, "nobody else");
        app.advance(Duration::from_secs(31));
        assert_eq!(verify("dana@acme.com", PASSWORD).await, 200, "nobody is locked out");
    }

    async fn an_imported_hash_is_verified_and_made_anew_by_the_api(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.user("dana@acme.com", UserStatus::Active).await;
        let mut tx = app.state.db.write().await.unwrap();
        let hash = model::account::PasswordHash(BCRYPT.to_owned());
        let stored = store::passwords::StoredPassword::valid(hash, app.now());
        store::passwords::upsert(&mut tx, user.into(), &stored).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(caller.verify("dana@acme.com", OTHER).await, "password_incorrect");
        assert_eq!(caller.verify("dana@acme.com", PASSWORD).await, "password_correct");
        let stored = store::passwords::find(&mut app.state.db.read().await.unwrap(), user.into()).await.unwrap().unwrap();
        assert!(stored.hash.0.starts_with("$argon2id$"));
        assert_eq!(caller.verify("dana@acme.com", PASSWORD).await, "password_correct");
    }

    async fn the_state_of_a_password_is_set(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.with_password("dana@acme.com").await;
        let token = caller.session(user).await;
        let path = format!("/users/{:032x}/password/state", user.bits());
        let set = async |state: &str| caller.call(Method::PUT, &path, json!({ "state": state })).await.status;
        let state_of = async || {
            let body = json!({ "identifier": "dana@acme.com", "password": PASSWORD });
            caller.post("/user/password/v2/verify", body).await.json()["state"].clone()
        };
        assert_eq!(set("must_be_changed").await, 204);
        assert_eq!(state_of().await, "must_be_changed");
        assert!(caller.counts(&token).await);
        assert_eq!(set("must_be_reset").await, 204);
        assert_eq!(state_of().await, "must_be_reset");
        assert!(!caller.counts(&token).await, "it is good for nothing");
        let change = json!({ "old_password": PASSWORD, "new_password": OTHER });
        assert_eq!(caller.post_of(user, "change-password", change).await.status, 409, "not for a change either");
        assert_eq!(set("broken").await, 422);
        assert_eq!(set("valid").await, 204);
        assert_eq!(caller.audited("user.password_state_changed").await, 3);
        let bare = caller.user("bare@acme.com", UserStatus::Active).await;
        let path = format!("/users/{:032x}/password/state", bare.bits());
        let missing = caller.call(Method::PUT, &path, json!({ "state": "valid" })).await;
        assert_eq!((missing.status.as_u16(), &missing.json()["error_code"]), (404, &json!("password_not_found")));
    }

    async fn a_password_is_reset_by_a_code(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.with_password("dana@acme.com").await;
        let token = caller.session(user).await;
        // The answer to a request says nothing of who there is.
        for named in [
            json!({ "address": "dana@acme.com" }),
            json!({ "address": "nobody@acme.com" }),
            json!({ "identifier": "dana@acme.com" }),
            json!({ "userID": "x" }),
            json!({ "address": "not an address" }),
        ] {
            let answer = caller.post("/user/password/reset/request", named).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
        }
        assert_eq!(caller.post("/user/password/reset/request", json!({})).await.status, 422);

        let (code, _) = caller.code(user, "reset_password").await;
        let complete = async |named: Value, code: &str, password: &str| {
            let mut body = named;
            body["code"] = code.into();
            body["new_password"] = password.into();
            caller.post("/user/password/reset/complete", body).await
        };
        let dana = || json!({ "identifier": "dana@acme.com" });
        let mut refusals = Vec::new();
        for (named, code) in [
            (dana(), other_than(&code)),
            (json!({ "identifier": "nobody@acme.com" }), code.clone()),
            (json!({ "userID": "x" }), code.clone()),
            (json!({ "address": "nobody@acme.com" }), code.clone()),
            (dana(), format!("{:032x}.{code}", 7)),
            (dana(), String::new()),
        ] {
            let refused = complete(named, &code, OTHER).await;
            assert_eq!(refused.status, 422, "{}", refused.body);
            refusals.push(refused.body);
        }
        refusals.dedup();
        assert_eq!(refusals.len(), 1, "no refusal tells why");
        assert_eq!(complete(dana(), &code, "short").await.status, 422, "which does not use the code up");
        assert!(caller.counts(&token).await);
        assert_eq!(complete(json!({ "address": "dana@acme.com" }), &code, OTHER).await.status, 204);
        assert!(!caller.counts(&token).await, "sessions and tokens end");
        assert_eq!(caller.verify("dana@acme.com", OTHER).await, "password_correct");
        assert_eq!(complete(dana(), &code, PASSWORD).await.status, 422, "used");

        let (_, extended) = caller.code(user, "reset_password").await;
        assert_eq!(complete(json!({}), &extended, PASSWORD).await.status, 204, "it names its user");
        let (code, _) = caller.code(user, "reset_password").await;
        let body = json!({ "identifier": "dana@acme.com", "code": code, "new_password": OTHER });
        assert_eq!(caller.post("/user/password/reset/confirm", body).await.status, 204);
        assert_eq!(caller.audited("user.password_reset").await, 3);
        let (code, _) = caller.code(user, "reset_password").await;
        app.advance(OneTimeCodeSettings::DEFAULT.lifetime());
        assert_eq!(complete(dana(), &code, PASSWORD).await.status, 422, "expired");
    }

    async fn without_the_code_nobody_learns_which_passwords_there_were(app: TestApp) {
        let mut caller = Caller::new(&app, "acme").await;
        caller.pool = new_pool(&app, &caller.environment, |pool| {
            let policy = pool.password_rules.policy.with_former_passwords(3).unwrap();
            pool.password_rules.policy = policy;
        })
        .await;
        let user = caller.with_password("dana@acme.com").await;
        let (code, _) = caller.code(user, "reset_password").await;
        let complete = async |code: &str, password: &str| {
            let body = json!({ "identifier": "dana@acme.com", "code": code, "new_password": password });
            caller.post("/user/password/reset/complete", body).await
        };
        let wrong = other_than(&code);
        let answers = [complete(&wrong, PASSWORD).await, complete(&wrong, "short").await, complete(&wrong, OTHER).await];
        assert!(answers.iter().all(|answer| answer.status == 422 && answer.body == answers[0].body));
        assert_eq!(complete(&code, PASSWORD).await.status, 422, "the present one");
        assert_eq!(complete(&code, OTHER).await.status, 204);
    }

    async fn guessed_codes_end_the_code(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.with_password("dana@acme.com").await;
        let (code, _) = caller.code(user, "reset_password").await;
        let complete = async |code: &str| {
            let body = json!({ "identifier": "dana@acme.com", "code": code, "new_password": OTHER });
            caller.post("/user/password/reset/complete", body).await.status.as_u16()
        };
        for _ in 0..5 {
            assert_eq!(complete(&other_than(&code)).await, 422);
        }
        assert_eq!(complete(&code).await, 422, "ended");
        let (code, _) = caller.code(user, "reset_password").await;
        assert_eq!(complete(&code).await, 204, "a new one is good");
    }

    async fn users_of_a_pool_may_not_reset_what_it_forbids(app: TestApp) {
        let mut caller = Caller::new(&app, "acme").await;
        caller.pool = new_pool(&app, &caller.environment, |pool| pool.self_reset_allowed = false).await;
        let user = caller.with_password("dana@acme.com").await;
        for path in ["/user/password/reset/request", "/user/totp/reset/request"] {
            for identifier in ["dana@acme.com", "nobody@acme.com"] {
                assert_eq!(caller.post(path, json!({ "identifier": identifier })).await.status, 409, "{path}");
            }
        }
        // A code that an administrator hands over is good.
        let (code, _) = caller.code(user, "reset_password").await;
        let body = json!({ "identifier": "dana@acme.com", "code": code, "new_password": OTHER });
        assert_eq!(caller.post("/user/password/reset/complete", body).await.status, 204);
    }

    async fn a_new_user_is_activated_by_a_code(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.user("dana@acme.com", UserStatus::New).await;
        for body in [json!({}), json!({ "address": "dana@acme.com" }), json!({ "address": "x@acme.com" })] {
            let sent = caller.post_of(user, "activation/send", body).await;
            assert_eq!((sent.status.as_u16(), sent.body.as_str()), (204, ""));
        }
        let made = caller.post_of(user, "activation/generate", json!({})).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let code = made.json()["code"].as_str().unwrap().to_owned();
        let activate = async |code: &str, password: &str| {
            caller.post_of(user, "activate", json!({ "code": code, "password": password })).await
        };
        assert_eq!(activate(&other_than(&code), PASSWORD).await.status, 422);
        assert_eq!(activate(&code, "short").await.status, 422);
        let active = activate(&code, PASSWORD).await;
        assert_eq!((active.status.as_u16(), &active.json()["status"]), (201, &json!("active")), "{}", active.body);
        assert_eq!(active.json()["verifiable_addresses"][0]["verified"], true);
        assert_eq!(caller.verify("dana@acme.com", PASSWORD).await, "password_correct");
        assert_eq!(activate(&code, PASSWORD).await.status, 422, "used");
        assert_eq!(caller.post_of(user, "activation/generate", json!({})).await.status, 409, "not new any more");
        assert_eq!(caller.post_of(user, "activation/send", json!({})).await.status, 204);
        assert_eq!(caller.audited("user.activated").await, 1);

        let other = caller.user("doe@acme.com", UserStatus::New).await;
        let extended = caller.code(other, "activation").await.1;
        let body = json!({ "code": extended, "totp_secret": SECRET });
        assert_eq!(caller.post("/user/activate", body).await.json()["status"], "active");
        for nothing in ["123456", "x.y", &extended] {
            assert_eq!(caller.post("/user/activate", json!({ "code": nothing })).await.status, 422, "{nothing}");
        }
    }

    async fn people_register_themselves_where_the_pool_allows_it(app: TestApp) {
        let mut caller = Caller::new(&app, "acme").await;
        let register = async |caller: &Caller<'_>, identifier: &str| {
            let body = json!({ "identifier": identifier, "password": PASSWORD, "payload": { "name": "Dana" } });
            caller.post("/user/register", body).await
        };
        assert_eq!(register(&caller, "dana@acme.com").await.status, 409);
        caller.pool = new_pool(&app, &caller.environment, |pool| pool.public_registration_allowed = true).await;
        let made = register(&caller, "dana@acme.com").await;
        assert_eq!(made.status, 201, "{}", made.body);
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let user: UserId = id.parse().unwrap();
        assert_eq!(caller.verify("dana@acme.com", PASSWORD).await, "user_not_found", "not active yet");
        let code = caller.code(user, "activation").await.0;
        assert_eq!(caller.post_of(user, "activate", json!({ "code": code })).await.status, 201);
        assert_eq!(caller.verify("dana@acme.com", PASSWORD).await, "password_correct");

        // The same answer for an identifier that somebody has: an id like any, which is nobody's.
        for identifier in ["dana@acme.com", "DANA@ACME.com"] {
            let again = register(&caller, identifier).await;
            let keys: Vec<String> = again.json().as_object().unwrap().keys().cloned().collect();
            assert_eq!((again.status.as_u16(), keys), (201, vec!["id".to_owned()]));
            let other: UserId = again.json()["id"].as_str().unwrap().parse().unwrap();
            assert_ne!(other, user);
            let missing = caller.post_of(other, "activation/generate", json!({})).await;
            assert_eq!(missing.status, 404);
        }
        let body = json!({ "identifier": "weak@acme.com", "password": "short" });
        assert_eq!(caller.post("/user/register", body).await.status, 422);
    }

    async fn of_many_who_register_one_identifier_one_does(app: TestApp) {
        let mut caller = Caller::new(&app, "acme").await;
        caller.pool = new_pool(&app, &caller.environment, |pool| pool.public_registration_allowed = true).await;
        let path = format!("/api/identity/acme/system/pools/{:032x}/user/register", caller.pool.bits());
        let sent: Vec<_> = (0..8)
            .map(|_| {
                let request = app.browser().request(Method::POST, &app.url(&path)).bearer_auth(&caller.token);
                let (browser, request) = (app.browser(), request.json(&json!({ "identifier": "dana@acme.com" })));
                actix_web::rt::spawn(async move { browser.send(request).await })
            })
            .collect();
        let mut made = 0;
        for answer in sent {
            let answer = answer.await.unwrap();
            assert_eq!(answer.status, 201, "{}", answer.body);
            let id: UserId = answer.json()["id"].as_str().unwrap().parse().unwrap();
            let found = users::find_any(&app.state, &caller.principal(), id).await;
            made += usize::from(found.is_ok());
        }
        assert_eq!(made, 1);
    }

    async fn an_address_is_verified_by_a_code(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.user("dana@acme.com", UserStatus::New).await;
        let other = caller.user("doe@acme.com", UserStatus::Active).await;
        let request = async |address: &str| {
            caller.post_of(user, "address/verification/request", json!({ "address": address })).await.status
        };
        assert_eq!(request("dana@acme.com").await, 204);
        assert_eq!(request("else@acme.com").await, 404);
        let made = caller
            .post_of(user, "code/generate", json!({ "type": "verify_address", "address": "Dana@acme.com" }))
            .await;
        let code = made.json()["code"].as_str().unwrap().to_owned();
        let complete = async |address: &str, code: &str| {
            let body = json!({ "address": address, "code": code });
            caller.post_of(user, "address/verification/complete", body).await.status
        };
        assert_eq!(complete("dana@acme.com", &other_than(&code)).await, 422);
        assert_eq!(complete("doe@acme.com", &code).await, 422, "another address");
        assert_eq!(complete("x", &code).await, 422);
        assert_eq!(complete("dana@acme.com", &code).await, 204);
        assert_eq!(complete("dana@acme.com", &code).await, 422, "used");
        assert_eq!(request("dana@acme.com").await, 409, "verified");
        assert_eq!(caller.audited("user.address_verified").await, 1);
        assert_eq!(caller.post_of(other, "address/verification/request", json!({})).await.status, 422);
    }

    async fn an_authenticator_app_is_changed_and_reset(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.with_password("dana@acme.com").await;
        let change = async |code: &str, secret: &str| {
            caller.post_of(user, "totp/change", json!({ "totp": code, "new_totp_secret": secret })).await.status
        };
        assert_eq!(change("123456", SECRET).await, 422, "there is none");
        let secret = caller.set_totp(user).await;
        let token = caller.session(user).await;
        let code = code_at(&secret, &app);
        let new = TotpSecret::new(random());
        assert_eq!(change(&other_than(&code), &new.reveal()).await, 422);
        assert_eq!(change(&code, "no base32!").await, 422);
        assert!(caller.counts(&token).await);
        assert_eq!(change(&code, &new.reveal()).await, 204);
        assert!(!caller.counts(&token).await, "sessions and tokens end");
        app.advance(Duration::from_secs(30));
        assert_eq!(change(&code_at(&secret, &app), SECRET).await, 422, "the one before is no more");
        assert_eq!(change(&code_at(&new, &app), SECRET).await, 204);

        for identifier in ["dana@acme.com", "nobody@acme.com"] {
            let asked = caller.post("/user/totp/reset/request", json!({ "identifier": identifier })).await;
            assert_eq!(asked.status, 204);
        }
        let (code, _) = caller.code(user, "reset_totp").await;
        let complete = async |code: &str| {
            let body = json!({ "identifier": "dana@acme.com", "code": code, "new_totp_secret": new.reveal() });
            caller.post("/user/totp/reset/complete", body).await.status
        };
        let (password_code, _) = caller.code(user, "reset_password").await;
        if password_code != code {
            assert_eq!(complete(&password_code).await, 422, "of another purpose");
        }
        assert_eq!(complete(&code).await, 204);
        app.advance(Duration::from_secs(30));
        assert_eq!(change(&code_at(&new, &app), SECRET).await, 204);
    }

    async fn passkeys_are_made_named_and_deleted(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.user("dana@acme.com", UserStatus::Active).await;
        let begin = async || caller.post_of(user, "webauthn/create/begin", json!({})).await;
        let complete = async |answer: Value| caller.post_of(user, "webauthn/create/complete", answer).await;
        let begun = begin().await;
        assert_eq!(begun.status, 200, "{}", begun.body);
        let options = begun.json();
        assert_eq!(options["publicKey"]["rp"]["id"], "localhost");
        assert_eq!(options["publicKey"]["rp"]["name"], caller.environment.display_name.as_str());
        let origin = app.state.links.origin();
        let answer = authenticator::register(&options, &origin);
        let elsewhere = authenticator::register(&options, "https://evil.example");
        assert_eq!(complete(elsewhere).await.status, 422, "made on another page");
        let made = complete(answer.clone()).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let id = made.json()["credentials"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(id, answer["id"].as_str().unwrap());
        assert_eq!(complete(answer).await.status, 409, "answered once");
        let other = begin().await.json();
        assert_eq!(other["publicKey"]["excludeCredentials"][0]["id"], id.as_str());
        let replaced = authenticator::register(&other, &origin);
        begin().await;
        assert_eq!(complete(replaced).await.status, 422, "a new challenge replaces the one before");

        let path = format!("/users/{:032x}/webauthn/{id}", user.bits());
        let named = caller.call(Method::PUT, &format!("{path}/name"), json!({ "name": "Laptop" })).await;
        assert_eq!(named.status, 204, "{}", named.body);
        assert_eq!(caller.call(Method::PUT, &format!("{path}/name"), json!({})).await.status, 422);
        let doe = caller.user("doe@acme.com", UserStatus::Active).await;
        let foreign = format!("/users/{:032x}/webauthn/{id}", doe.bits());
        let refused = caller.call(Method::DELETE, &foreign, json!({})).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error_code"]), (404, &json!("passkey_not_found")));
        assert_eq!(caller.call(Method::DELETE, &path, json!({})).await.status, 204);
        assert_eq!(caller.call(Method::DELETE, &path, json!({})).await.status, 404);
        for action in ["passkey.created", "passkey.updated", "passkey.deleted"] {
            assert_eq!(caller.audited(action).await, 1, "{action}");
        }
    }

    async fn a_passkey_is_added_by_a_code(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.user("dana@acme.com", UserStatus::Active).await;
        for identifier in ["dana@acme.com", "nobody@acme.com"] {
            let asked = caller.post("/user/webauthn/add/request", json!({ "identifier": identifier })).await;
            assert_eq!(asked.status, 204, "{}", asked.body);
        }
        let (code, _) = caller.code(user, "enroll_webauthn").await;
        let options = caller.post_of(user, "webauthn/create/begin", json!({})).await.json();
        let answer = authenticator::register(&options, &app.state.links.origin());
        let complete = async |identifier: &str, code: &str| {
            let body = json!({ "identifier": identifier, "code": code, "new_web_authn": answer });
            caller.post("/user/webauthn/add/complete", body).await.status
        };
        assert_eq!(complete("dana@acme.com", &other_than(&code)).await, 422);
        assert_eq!(complete("nobody@acme.com", &code).await, 422);
        assert_eq!(complete("dana@acme.com", &code).await, 204);
        let mut conn = app.state.db.read().await.unwrap();
        assert_eq!(store::passkeys::list(&mut conn, user.into(), 10).await.unwrap().len(), 1);
    }

    async fn an_attacker_reaches_nobody_elses_users(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let other = Caller::new(&app, "other").await;
        let victim = other.with_password("victim@other.example").await;
        let same_environment = {
            let pool = new_pool(&app, &caller.environment, |_| {}).await;
            let caller = Caller { pool, environment: caller.environment.clone(), token: caller.token.clone(), app: &app };
            caller.with_password("victim@acme.com").await
        };
        let (code, extended) = other.code(victim, "reset_password").await;
        let new = |code: &str| json!({ "code": code, "new_password": OTHER, "userID": format!("{:032x}", victim.bits()) });
        for user in [victim, same_environment] {
            for (path, body) in [
                ("change-password", json!({ "old_password": PASSWORD, "new_password": OTHER })),
                ("code/generate", json!({ "type": "reset_password" })),
                ("activation/generate", json!({})),
                ("activation/send", json!({})),
                ("activate", json!({ "code": code })),
                ("totp/change", json!({ "totp": "123456", "new_totp_secret": SECRET })),
                ("webauthn/create/begin", json!({})),
                ("webauthn/create/complete", json!({})),
                ("address/verification/request", json!({ "address": "victim@other.example" })),
                ("address/verification/complete", json!({ "address": "victim@other.example", "code": code })),
            ] {
                let answer = caller.post_of(user, path, body.clone()).await;
                let nobody = caller.post_of(Id::from_bits(99), path, body).await;
                assert_eq!((answer.status.as_u16(), nobody.status.as_u16()), (404, 404), "{path}: {}", answer.body);
                assert_eq!(answer.body, nobody.body, "{path}: what is elsewhere is answered like what is not there");
            }
        }
        assert_eq!(caller.post("/user/password/reset/complete", new(&code)).await.status, 422);
        assert_eq!(caller.post("/user/password/reset/complete", new(&extended)).await.status, 422);
        let verify = json!({ "userID": format!("{:032x}", victim.bits()), "password": PASSWORD });
        assert_eq!(caller.post("/user/password/v2/verify", verify).await.json()["result"], "user_not_found");
        let foreign_pool = Caller { pool: other.pool, environment: caller.environment.clone(), token: caller.token.clone(), app: &app };
        assert_eq!(foreign_pool.post("/user/register", json!({ "identifier": "x@acme.com" })).await.status, 404);
        // The other environment's path with this one's token.
        let foreign = Caller { pool: other.pool, environment: other.environment.clone(), token: caller.token.clone(), app: &app };
        let refused = foreign.post_of(victim, "code/generate", json!({ "type": "reset_password" })).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["error_code"]), (403, &json!("tenant_mismatch")));
        // Another scope.
        let scopeless = Caller {
            token: app.system_token(&other.environment, &["manage_organizations"]).await,
            pool: other.pool,
            environment: other.environment.clone(),
            app: &app,
        };
        for (path, body) in [
            ("/user/password/v2/verify", json!({ "identifier": "victim@other.example", "password": PASSWORD })),
            ("/user/password/reset/request", json!({ "identifier": "victim@other.example" })),
            ("/user/register", json!({ "identifier": "x@other.example" })),
        ] {
            let refused = scopeless.post(path, body).await;
            assert_eq!((refused.status.as_u16(), &refused.json()["error_code"]), (403, &json!("insufficient_scope")), "{path}");
        }
        assert_eq!(other.verify("victim@other.example", PASSWORD).await, "password_correct", "nothing was changed");
    }

    async fn an_operators_session_says_so(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.user("dana@acme.com", UserStatus::Active).await;
        let wanted = OperatorSession { user_id: user, authenticated_ago: Duration::from_secs(600), tenant_admin: true };
        let (state, principal) = (&app.state, caller.principal());
        let (begun, token) = user_sessions::create_by_operator(state, &principal, wanted).await.unwrap();
        assert_eq!(begun.session.authenticated_at, app.now() - Duration::from_secs(600));
        assert!(begun.session.context.tenant_admin);
        let found = access_tokens::authenticate(state, &token, None).await.unwrap();
        assert_eq!(found.subject, TokenSubject::User(user));
        assert_eq!((found.claims.amr.as_slice(), found.session_id), (&["operator".to_owned()][..], Some(begun.session.id)));
        assert_eq!(found.authenticated_at().unwrap().seconds(), (app.now() - Duration::from_secs(600)).seconds());
        assert!(found.claims.iss.ends_with("/acme/root"), "{}", found.claims.iss);
        assert_eq!(caller.audited("user.session_created").await, 1);
        let mut conn = app.state.db.read().await.unwrap();
        let stored = store::sessions::list(&mut conn, user, app.now(), user_sessions::IDLE, 10).await.unwrap();
        assert_eq!(stored, [begun.session]);
        drop(conn);
        let off = caller.user("off@acme.com", UserStatus::Inactive).await;
        let refused = user_sessions::create_by_operator(state, &principal, OperatorSession { user_id: off, ..wanted }).await;
        assert!(matches!(refused, Err(ostiary::app::Error::FailedPrecondition(_))));
        let elsewhere = Caller::new(&app, "other").await;
        let refused = user_sessions::create_by_operator(state, &elsewhere.principal(), wanted).await;
        assert!(matches!(refused, Err(ostiary::app::Error::NotFound { .. })));
        let service = Principal::service(caller.environment.id);
        let refused = user_sessions::create_by_operator(state, &service, wanted).await;
        assert!(matches!(refused, Err(ostiary::app::Error::Forbidden(_))), "the operator alone");
        users::set_status(state, &principal, (caller.pool, user), None, UserStatus::Inactive).await.unwrap();
        assert!(!caller.counts(&token).await, "it ends with the account");
    }
}

#[test]
fn at_an_ip_address_there_are_no_passkeys() {
    actix_web::rt::System::new().block_on(async {
        let mut app = TestApp::spawn_with(Backend::Sqlite, |config| {
            config.public_url = Some("http://127.0.0.1:8080".parse().unwrap());
        })
        .await;
        app.base = format!("http://{}", app.address);
        let caller = Caller::new(&app, "acme").await;
        let user = caller.user("dana@acme.com", UserStatus::Active).await;
        for path in ["webauthn/create/begin", "webauthn/create/complete"] {
            let refused = caller.post_of(user, path, json!({})).await;
            assert_eq!(
                (refused.status.as_u16(), &refused.json()["error_code"]),
                (409, &json!("passkeys_unavailable"))
            );
        }
        for path in ["/user/webauthn/add/request", "/user/webauthn/add/complete"] {
            let refused = caller.post(path, json!({ "identifier": "dana@acme.com" })).await;
            assert_eq!(
                (refused.status.as_u16(), &refused.json()["error_code"]),
                (409, &json!("passkeys_unavailable"))
            );
        }
        app.stop().await;
    });
}

both! {
    async fn guesses_at_the_same_time_count_before_their_outcome_is_known(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        caller.with_password("dana@acme.com").await;
        let path = format!("/api/identity/acme/system/pools/{:032x}/user/password/v2/verify", caller.pool.bits());
        let guess = json!({ "identifier": "dana@acme.com", "password": OTHER });
        let sent: Vec<_> = (0..24)
            .map(|_| {
                let request = app.browser().request(Method::POST, &app.url(&path)).bearer_auth(&caller.token);
                let (browser, request) = (app.browser(), request.json(&guess));
                actix_web::rt::spawn(async move { browser.send(request).await.status.as_u16() })
            })
            .collect();
        let mut verdicts = 0;
        for one in sent {
            verdicts += usize::from(one.await.unwrap() == 200);
        }
        assert!((1..=10).contains(&verdicts), "{verdicts}");
        app.advance(Duration::from_secs(301));
        assert_eq!(caller.verify("dana@acme.com", PASSWORD).await, "password_correct");
    }

    async fn what_a_registration_is_refused_for_does_not_say_who_has_an_account(app: TestApp) {
        let mut caller = Caller::new(&app, "acme").await;
        caller.pool = new_pool(&app, &caller.environment, |pool| pool.public_registration_allowed = true).await;
        caller.user("known@acme.com", UserStatus::Active).await;
        let statuses = async |identifier: &str, payload: Value| {
            let mut statuses = Vec::new();
            for _ in 0..12 {
                let body = json!({ "identifier": identifier, "payload": payload });
                statuses.push(caller.post("/user/register", body).await.status.as_u16());
            }
            statuses
        };
        let too_large = json!({ "nickname": "x".repeat(70_000) });
        assert_eq!(statuses("known@acme.com", too_large.clone()).await, [[422; 10].as_slice(), &[429; 2]].concat());
        assert_eq!(statuses("unknown@acme.com", too_large).await, [[422; 10].as_slice(), &[429; 2]].concat());
        app.advance(Duration::from_secs(301));
        assert_eq!(statuses("known@acme.com", json!({})).await, [[201; 10].as_slice(), &[429; 2]].concat());
        assert_eq!(statuses("unknown@acme.com", json!({})).await, [[201; 10].as_slice(), &[429; 2]].concat());
        let other = caller.post("/user/register", json!({ "identifier": "other@acme.com" })).await;
        assert_eq!(other.status, 201, "nobody else waits: {}", other.body);
    }

    async fn codes_end_with_what_they_would_undo(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let user = caller.with_password("dana@acme.com").await;
        let complete = async |code: &str| {
            let body = json!({ "identifier": "dana@acme.com", "code": code, "new_password": "quiet lantern by the pier" });
            caller.post("/user/password/reset/complete", body).await.status.as_u16()
        };
        let (code, _) = caller.code(user, "reset_password").await;
        let change = json!({ "old_password": PASSWORD, "new_password": OTHER });
        assert_eq!(caller.post_of(user, "change-password", change).await.status, 204);
        assert_eq!(complete(&code).await, 422, "the password was changed");
        let (code, _) = caller.code(user, "reset_password").await;
        let path = format!("/users/{:032x}", user.bits());
        for status in ["inactive", "active"] {
            let body = json!({ "status": status });
            assert_eq!(caller.call(Method::PUT, &path, body).await.status, 200);
        }
        assert_eq!(complete(&code).await, 422, "the user was switched off");
        let (code, _) = caller.code(user, "reset_password").await;
        assert_eq!(complete(&code).await, 204);
    }

    async fn an_organization_that_is_switched_off_proves_nobody(app: TestApp) {
        let mut caller = Caller::new(&app, "acme").await;
        let organization = app.tenant(&caller.environment, "acme.com").await.organization;
        caller.pool = new_pool(&app, &caller.environment, |pool| {
            pool.organization_id = organization.id;
            pool.public_registration_allowed = true;
        })
        .await;
        caller.with_password("dana@acme.com").await;
        assert_eq!(caller.verify("dana@acme.com", PASSWORD).await, "password_correct");
        let change =
            ostiary::app::organizations::OrganizationChange { disabled: Some(true), ..Default::default() };
        let of = (&app.state, &caller.principal());
        ostiary::app::organizations::update(of.0, of.1, organization.id, None, &change).await.unwrap();
        for identifier in ["dana@acme.com", "nobody@acme.com"] {
            let body = json!({ "identifier": identifier, "password": PASSWORD });
            assert_eq!(caller.post("/user/password/v2/verify", body).await.status, 409);
            let body = json!({ "identifier": identifier });
            assert_eq!(caller.post("/user/password/reset/request", body.clone()).await.status, 409);
            assert_eq!(caller.post("/user/register", body).await.status, 409);
        }
    }

    async fn a_password_of_a_stranger_does_not_survive_the_activation_with_ones_own(app: TestApp) {
        let mut caller = Caller::new(&app, "acme").await;
        caller.pool = new_pool(&app, &caller.environment, |pool| pool.public_registration_allowed = true).await;
        let body = json!({ "identifier": "prey@acme.com", "password": PASSWORD });
        let made = caller.post("/user/register", body).await.json();
        let user: UserId = made["id"].as_str().unwrap().parse().unwrap();
        let code = caller.code(user, "activation").await.0;
        let activated = caller.post_of(user, "activate", json!({ "code": code, "password": OTHER })).await;
        assert_eq!(activated.status, 201, "{}", activated.body);
        assert_eq!(caller.verify("prey@acme.com", PASSWORD).await, "password_incorrect");
        assert_eq!(caller.verify("prey@acme.com", OTHER).await, "password_correct");
    }

    async fn the_id_that_stands_for_nobody_is_nobodys(app: TestApp) {
        let caller = Caller::new(&app, "acme").await;
        let refused = caller.post("/users", json!({ "status": "new", "id": "0".repeat(32) })).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert_eq!(refused.json()["details"]["errors"][0]["path"], json!("id"));
    }
}
