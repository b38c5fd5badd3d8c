//! Users of identity pools, over SecureAuth's identity API.

use base::id::{Id, IdentityPoolId, OrganizationId, UserId};
use model::{
    entity_tag::EntityTags, environment::Environment, identity_pool::IdentityPool, organization::root_id,
    user::User,
};
use ostiary::{
    app::{accounts::users, principal::Principal, resource},
    store::{self, table},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, TestApp, random},
};

/// A pool of an organization.
async fn pool(app: &TestApp, environment: &Environment, organization_id: OrganizationId) -> IdentityPool {
    let pool = IdentityPool::new(Id::new(app.now(), random()), environment.id, organization_id, app.now());
    let mut tx = app.state.db.write().await.unwrap();
    table::insert(&mut tx, &pool).await.unwrap();
    tx.commit().await.unwrap();
    pool
}

/// The path of the users of a pool, as a program of the environment `prod` calls it.
fn path(pool: &IdentityPool) -> String {
    format!("/api/identity/prod/system/pools/{:032x}/users", pool.id.bits())
}

/// The environment `prod` with a pool of its root, and a token for its users.
async fn set_up(app: &TestApp) -> (Environment, IdentityPool, String) {
    let environment = app.environment("prod").await;
    let pool = pool(app, &environment, root_id(environment.id)).await;
    let token = app.system_token(&environment, &["identity"]).await;
    (environment, pool, token)
}

fn dana() -> Value {
    json!({
        "status": "active",
        "identifiers": [{ "type": "email", "identifier": "Dana@Acme.com" }, { "type": "uid", "identifier": "Dana" }],
        "verifiable_addresses": [{ "type": "email", "address": "Dana@Acme.com", "verified": true, "status": "active" }],
        "credentials": [{ "type": "password", "password": "violet kettle under snow" }],
        "payload": { "name": "Dana Doe" },
        "metadata": { "tags": ["a", "b"], "plan": { "level": 3 } },
    })
}

/// Creates a user, and returns its id as the surface writes it.
async fn create(app: &TestApp, token: &str, pool: &IdentityPool, body: Value) -> String {
    let made = app.call(token, Method::POST, &path(pool), Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["id"].as_str().unwrap().to_owned()
}

fn with_identifier(kind: &str, identifier: &str) -> Value {
    json!({ "status": "new", "identifiers": [{ "type": kind, "identifier": identifier }] })
}

fn code(answer: &Answer) -> (u16, String) {
    let code = answer.json()["error_code"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), code)
}

async fn number_of_users(app: &TestApp, pool: &IdentityPool) -> i64 {
    let mut conn = app.state.db.read().await.unwrap();
    let found: Option<IdentityPool> = table::find(&mut conn, pool.environment_id, pool.id).await.unwrap();
    found.unwrap().number_of_users
}

async fn count(app: &TestApp, text: &'static str, id: String) -> i64 {
    let mut conn = app.state.db.read().await.unwrap();
    conn.sql(text).bind(id).one::<(i64,)>().await.unwrap().0
}

/// A session and an access token of a user, by the operator's word.
async fn token_of(app: &TestApp, environment: &Environment, user: &str) -> String {
    use ostiary::app::accounts::user_sessions::{OperatorSession, create_by_operator};
    let wanted = OperatorSession {
        user_id: user.parse().unwrap(),
        authenticated_ago: std::time::Duration::ZERO,
        tenant_admin: false,
    };
    create_by_operator(&app.state, &Principal::operator(environment.id), wanted).await.unwrap().1
}

/// How many sessions and tokens of a user count.
async fn live(app: &TestApp, user: &str) -> (i64, i64) {
    let id = user.parse::<UserId>().unwrap().to_string();
    let sessions = "SELECT COUNT(*) FROM sessions WHERE subject_id = $1 AND revoked_at IS NULL";
    let tokens = "SELECT COUNT(*) FROM signed_access_tokens WHERE subject_id = $1 AND revoked_at IS NULL";
    (count(app, sessions, id.clone()).await, count(app, tokens, id).await)
}

/// How the database would run a query.
async fn plan(app: &TestApp, query: &str) -> String {
    let mut conn = app.state.db.read().await.unwrap();
    match app.state.db.dialect() {
        store::Dialect::Sqlite => {
            let text = format!("EXPLAIN QUERY PLAN {query}").leak();
            let rows: Vec<(i64, i64, i64, String)> = conn.sql(text).all().await.unwrap();
            rows.into_iter().map(|(.., step)| step).collect::<Vec<_>>().join("\n")
        }
        store::Dialect::Postgres => {
            let text = format!("EXPLAIN {query}").leak();
            let rows: Vec<(String,)> = conn.sql(text).all().await.unwrap();
            rows.into_iter().map(|(step,)| step).collect::<Vec<_>>().join("\n")
        }
    }
}

both! {
    async fn a_user_is_created_read_changed_and_deleted(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let made = app.call(&token, Method::POST, &path(&pool), Some(dana())).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let user = made.json();
        let id = user["id"].as_str().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        let mut members: Vec<&str> = user.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, [
            "business_metadata", "business_metadata_schema_id", "created_at", "credentials", "id", "identifiers",
            "metadata", "metadata_schema_id", "payload", "payload_schema_id", "status", "status_updated_at",
            "tenant_id", "updated_at", "user_pool_id", "user_type", "verifiable_addresses",
        ]);
        assert_eq!((&user["tenant_id"], &user["payload_schema_id"]), (&json!("prod"), &json!("user_v0")));
        assert_eq!(user["user_pool_id"], json!(format!("{:032x}", pool.id.bits())));
        assert_eq!(user["verifiable_addresses"], json!([
            { "type": "email", "address": "Dana@Acme.com", "verified": true, "status": "active" },
        ]));
        assert_eq!((&user["credentials"][0]["type"], &user["credentials"][0]["state"]), (&json!("password"), &json!("valid")));
        for secret in ["violet", "argon2", "hash"] {
            assert!(!made.body.contains(secret), "{}", made.body);
        }
        assert_eq!(number_of_users(&app, &pool).await, 1);

        let one = format!("{}/{id}", path(&pool));
        let read = app.call(&token, Method::GET, &one, None).await;
        assert_eq!((read.status.as_u16(), read.json()), (200, user.clone()));

        // What is absent stays.
        let change = json!({ "status": "inactive", "metadata": { "plan": { "level": 4 } } });
        let changed = app.call(&token, Method::PUT, &one, Some(change)).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let changed = changed.json();
        assert_eq!((&changed["status"], &changed["metadata"]), (&json!("inactive"), &json!({ "plan": { "level": 4 } })));
        assert_eq!((&changed["payload"], &changed["identifiers"]), (&user["payload"], &user["identifiers"]));
        let replaced = json!({ "identifiers": [{ "type": "email", "identifier": "d@acme.com" }] });
        let replaced = app.call(&token, Method::PUT, &one, Some(replaced)).await.json();
        assert_eq!(replaced["identifiers"], json!([{ "type": "email", "identifier": "d@acme.com", "metadata": {} }]));

        assert_eq!(app.call(&token, Method::DELETE, &one, None).await.status, 204);
        assert_eq!(code(&app.call(&token, Method::GET, &one, None).await), (404, "user_not_found".into()));
        assert_eq!(number_of_users(&app, &pool).await, 0);
    }

    async fn deleting_erases_everything_and_ends_sessions_and_tokens(app: TestApp) {
        let (environment, pool, token) = set_up(&app).await;
        let id = create(&app, &token, &pool, dana()).await;
        token_of(&app, &environment, &id).await;
        assert_eq!(live(&app, &id).await, (1, 1));
        assert_eq!(app.call(&token, Method::DELETE, &format!("{}/{id}", path(&pool)), None).await.status, 204);
        assert_eq!(live(&app, &id).await, (0, 0));
        let account = id.parse::<UserId>().unwrap().to_string();
        for text in [
            "SELECT COUNT(*) FROM users WHERE id = $1",
            "SELECT COUNT(*) FROM user_identifiers WHERE user_id = $1",
            "SELECT COUNT(*) FROM user_addresses WHERE user_id = $1",
            "SELECT COUNT(*) FROM user_words WHERE user_id = $1",
            "SELECT COUNT(*) FROM passwords WHERE account_id = $1",
            "SELECT COUNT(*) FROM sessions WHERE subject_id = $1",
        ] {
            assert_eq!(count(&app, text, account.clone()).await, 0, "{text}");
        }
        let kept = "SELECT COUNT(*) FROM audit_events WHERE target_id = $1";
        assert_eq!(count(&app, kept, account.clone()).await, 3, "created, a session by the operator, deleted");
        let texts = "SELECT COUNT(*) FROM audit_events WHERE target_id = $1 \
                     AND (before LIKE '%acme%' OR after LIKE '%acme%' OR after LIKE '%Dana%')";
        assert_eq!(count(&app, texts, account).await, 0);
        // The identifiers are free again.
        create(&app, &token, &pool, dana()).await;
    }

    async fn whoever_may_not_sign_in_any_more_loses_sessions_and_tokens(app: TestApp) {
        let (environment, pool, token) = set_up(&app).await;
        let id = create(&app, &token, &pool, dana()).await;
        for status in ["inactive", "deleted", "new"] {
            let one = format!("{}/{id}", path(&pool));
            app.call(&token, Method::PUT, &one, Some(json!({ "status": "active" }))).await;
            token_of(&app, &environment, &id).await;
            assert_eq!(live(&app, &id).await, (1, 1));
            let changed = app.call(&token, Method::PUT, &one, Some(json!({ "status": status }))).await;
            assert_eq!((changed.status.as_u16(), live(&app, &id).await), (200, (0, 0)), "{status}");
        }
    }

    async fn an_organization_that_is_switched_off_ends_the_use_of_its_users(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let pool = pool(&app, &environment, tenant.organization.id).await;
        let token = app.system_token(&environment, &["identity"]).await;
        let id = create(&app, &token, &pool, dana()).await;
        token_of(&app, &environment, &id).await;
        let change = ostiary::app::organizations::OrganizationChange {
            disabled: Some(true),
            ..Default::default()
        };
        let principal = Principal::operator(environment.id);
        resource::update::<model::organization::Organization>(
            &app.state, &principal, tenant.organization.id, None, &change,
        ).await.unwrap();
        assert_eq!(live(&app, &id).await, (0, 0));
        let more = app.call(&token, Method::POST, &path(&pool), Some(json!({ "status": "new" }))).await;
        assert_eq!(code(&more), (409, "failed_precondition".into()), "{}", more.body);
        let one = format!("{}/{id}", path(&pool));
        assert_eq!(app.call(&token, Method::GET, &one, None).await.status, 200);
        assert_eq!(app.call(&token, Method::DELETE, &one, None).await.status, 204);
    }

    async fn an_identifier_is_unique_in_its_pool_in_every_spelling(app: TestApp) {
        let (environment, pool, token) = set_up(&app).await;
        create(&app, &token, &pool, dana()).await;
        create(&app, &token, &pool, with_identifier("mobile", "+49 30 1234567")).await;
        create(&app, &token, &pool, with_identifier("external", "Cust-7")).await;
        for (kind, text) in [
            ("email", "dana@ACME.com"), ("uid", "DANA@acme.com"), ("uid", "ｄａｎａ"), ("uid", "dana"),
            ("uid", "+49 (30) 123-4567"), ("mobile", "+49301234567"), ("external", "Cust-7"),
        ] {
            let again = app.call(&token, Method::POST, &path(&pool), Some(with_identifier(kind, text))).await;
            assert_eq!(code(&again), (409, "user_identifier_exists".into()), "{kind} {text}");
        }
        // Others are others, and so is another pool.
        create(&app, &token, &pool, with_identifier("external", "cust-7")).await;
        create(&app, &token, &pool, with_identifier("federated", "Cust-7")).await;
        create(&app, &token, &pool, with_identifier("uid", "cust-7")).await;
        let other = self::pool(&app, &environment, root_id(environment.id)).await;
        create(&app, &token, &other, dana()).await;
        assert_eq!(number_of_users(&app, &pool).await, 6);
        for (kind, text) in [("email", "dana"), ("mobile", "030 1234567"), ("uid", "da\u{200b}na"), ("what", "x")] {
            let bad = app.call(&token, Method::POST, &path(&pool), Some(with_identifier(kind, text))).await;
            assert_eq!(code(&bad), (422, "validation_failed".into()), "{kind} {text}");
        }
    }

    async fn of_many_who_want_one_identifier_at_once_one_gets_it(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let calls = (0..32).map(|at| {
            let text = if at % 2 == 0 { "dana@acme.com" } else { "DANA@acme.com" };
            let body = with_identifier(if at % 3 == 0 { "uid" } else { "email" }, text);
            let (app, token, path) = (&app, &token, path(&pool));
            async move { code(&app.call(token, Method::POST, &path, Some(body)).await) }
        });
        let answers = futures_util::future::join_all(calls).await;
        assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
        let lost = answers.iter().filter(|answer| **answer == (409, "user_identifier_exists".into())).count();
        assert_eq!((lost, number_of_users(&app, &pool).await), (31, 1), "{answers:?}");
    }

    async fn identifiers_and_addresses_come_and_go(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let id = create(&app, &token, &pool, dana()).await;
        let post = async |what: &str, body: Value| {
            app.call(&token, Method::POST, &format!("{}/{id}/{what}", path(&pool)), Some(body)).await
        };
        let added = post("identifiers/add", json!({ "type": "mobile", "identifier": "+49 30 1234567" })).await;
        assert_eq!((added.status.as_u16(), &added.json()["identifier"]), (200, &json!("+49 30 1234567")));
        assert_eq!(code(&post("identifiers/add", json!({ "type": "uid", "identifier": "DANA" })).await).0, 409);
        assert_eq!(post("identifiers/remove", json!({ "identifier": "+49301234567" })).await.status, 204);
        let gone = post("identifiers/remove", json!({ "identifier": "+49301234567" })).await;
        assert_eq!(code(&gone), (404, "identifier_not_found".into()));

        let added = post("addresses/add", json!({ "type": "mobile", "address": "+49 30 1234567", "verified": false })).await;
        assert_eq!((added.status.as_u16(), &added.json()["verified"]), (200, &json!(false)));
        let twice = post("addresses/add", json!({ "type": "mobile", "address": "+49301234567", "verified": false })).await;
        assert_eq!(code(&twice), (409, "user_address_exists".into()));
        let change = json!({ "address": "+49301234567", "verified": true, "status": "inactive", "preferred_contact_method": "voice" });
        let changed = post("addresses/update", change).await;
        assert_eq!(changed.json(), json!({
            "type": "mobile", "address": "+49 30 1234567", "verified": true, "status": "inactive",
            "preferred_contact_method": "voice",
        }));
        assert_eq!(post("addresses/remove", json!({ "address": "+49301234567" })).await.status, 204);
        assert_eq!(code(&post("addresses/remove", json!({ "address": "x" })).await), (404, "address_not_found".into()));
        for at in 2..20 {
            let one_more = post("identifiers/add", json!({ "type": "external", "identifier": format!("e{at}") })).await;
            assert_eq!(one_more.status, 200, "{at}");
        }
        let too_many = post("identifiers/add", json!({ "type": "external", "identifier": "e21" })).await;
        assert_eq!(code(&too_many), (422, "validation_failed".into()));
    }

    async fn a_user_is_found_by_key(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let id = create(&app, &token, &pool, dana()).await;
        let mut unproven = with_identifier("external", "e1");
        unproven["verifiable_addresses"] = json!([{ "type": "email", "address": "x@acme.com", "verified": false }]);
        create(&app, &token, &pool, unproven).await;
        let find = async |body: Value| {
            app.call(&token, Method::POST, &format!("{}/by_key", path(&pool)), Some(body)).await
        };
        for body in [
            json!({ "identifier": "dana" }), json!({ "identifier": " DANA@acme.com" }), json!({ "address": "dana@ACME.com" }),
        ] {
            let found = find(body.clone()).await;
            assert_eq!((found.status.as_u16(), found.json()["id"].as_str()), (200, Some(&*id)), "{body}");
        }
        for body in [
            json!({ "identifier": "nobody" }), json!({ "address": "x@acme.com" }), json!({ "address": "dana" }),
            json!({ "identifier": "x".repeat(5000) }),
        ] {
            assert_eq!(code(&find(body.clone()).await), (404, "user_not_found".into()), "{body}");
        }
        for body in [json!({}), json!({ "identifier": "a", "address": "b" })] {
            assert_eq!(code(&find(body.clone()).await), (422, "validation_failed".into()), "{body}");
        }
    }

    async fn users_are_listed_by_their_ids_and_found_by_queries(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let mut ids = Vec::new();
        for at in 0..5 {
            app.advance(std::time::Duration::from_secs(1));
            let mut body = with_identifier("uid", &format!("user{at}"));
            body["payload"] = json!({ "name": format!("User {at}") });
            body["metadata"] = json!({ "even": at % 2 == 0, "tags": [at, "all"], "in": { "a": at } });
            ids.push(create(&app, &token, &pool, body).await);
        }
        let list = async |query: &str| {
            let answer = app.call(&token, Method::GET, &format!("{}?{query}", path(&pool)), None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let users = answer.json()["users"].as_array().unwrap().clone();
            users.iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(list("").await, ids);
        assert_eq!(list("limit=2").await, ids[..2]);
        assert_eq!(list(&format!("limit=2&after_user_id={}", ids[1])).await, ids[2..4]);
        assert_eq!(list(&format!("limit=2&before_user_id={}", ids[4])).await, ids[2..4]);
        let query = async |query: Value| {
            let encoded: String = url::form_urlencoded::byte_serialize(query.to_string().as_bytes()).collect();
            list(&format!("query={encoded}")).await
        };
        assert_eq!(query(json!({ "user_key": "USER3" })).await, ids[3..4]);
        assert_eq!(query(json!({ "user_key": ids[2] })).await, ids[2..3]);
        assert_eq!(query(json!({ "metadata": { "even": true } })).await, [&*ids[0], &*ids[2], &*ids[4]]);
        assert_eq!(query(json!({ "metadata": { "tags": [1] } })).await, ids[1..2]);
        assert_eq!(query(json!({ "metadata": { "in": { "a": 4 } }, "payload": { "name": "User 4" } })).await, ids[4..]);
        assert_eq!(query(json!({ "user_key": "user3", "payload": { "name": "User 4" } })).await, [""; 0]);
        for bad in ["limit=0", "after_user_id=x", "query=%5B%5D", "query=%7B"] {
            let refused = app.call(&token, Method::GET, &format!("{}?{bad}", path(&pool)), None).await;
            assert_eq!(code(&refused), (422, "validation_failed".into()), "{bad}");
        }
    }

    async fn objects_fit_the_schemas_of_the_pool_and_have_bounds(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        for (body, field) in [
            (json!({ "status": "new", "payload": { "name": 7 } }), "payload/name"),
            (json!({ "status": "new", "payload": { "nonsense": 7 } }), "payload"),
            (json!({ "status": "new", "metadata": { "a": "x".repeat(70_000) } }), "metadata"),
            (json!({ "status": "new", "business_metadata": { "a": "x".repeat(70_000) } }), "business_metadata"),
            (json!({ "status": "sleeping" }), "status"),
            (json!({}), "status"),
            (json!({ "status": "new", "id": "dana" }), "id"),
            (json!({ "status": "new", "credentials": [{ "type": "password", "password": "short" }] }), "credentials[0].password"),
            (json!({ "status": "new", "credentials": [{ "type": "webauthn" }] }), "credentials[0].type"),
            (json!({ "status": "new", "identifiers": [{ "type": "uid" }] }), "identifiers[0].identifier"),
        ] {
            let refused = app.call(&token, Method::POST, &path(&pool), Some(body)).await;
            assert_eq!(code(&refused), (422, "validation_failed".into()), "{field}: {}", refused.body);
            assert_eq!(refused.json()["details"]["errors"][0]["path"], json!(field), "{}", refused.body);
        }
        let body = json!({ "status": "new", "payload": { "name": 7, "given_name": 8 } });
        let refused = app.call(&token, Method::POST, &path(&pool), Some(body)).await;
        let errors = refused.json()["details"]["errors"].clone();
        let paths: Vec<&str> = errors.as_array().unwrap().iter().filter_map(|one| one["path"].as_str()).collect();
        assert_eq!(paths, ["payload/given_name", "payload/name"], "{}", refused.body);
        let typed = app.call(&token, Method::POST, &path(&pool), Some(json!({ "status": 7 }))).await;
        assert_eq!(code(&typed), (400, "invalid_json".into()));
        assert_eq!(number_of_users(&app, &pool).await, 0, "nothing is half-written");
        // An id of the caller's own, once.
        let own = json!({ "status": "new", "id": "7c43054447544d269b45796da08013d7" });
        assert_eq!(create(&app, &token, &pool, own.clone()).await, "7c43054447544d269b45796da08013d7");
        let again = app.call(&token, Method::POST, &path(&pool), Some(own)).await;
        assert_eq!(code(&again), (409, "user_exists".into()));
    }

    async fn users_of_others_are_not_there(app: TestApp) {
        let (environment, pool, token) = set_up(&app).await;
        let id = create(&app, &token, &pool, dana()).await;
        let second = self::pool(&app, &environment, root_id(environment.id)).await;
        let other = app.environment("other").await;
        let foreign = self::pool(&app, &other, root_id(other.id)).await;
        let foreign_token = app.system_token(&other, &["identity"]).await;
        let nobody = "0".repeat(32);
        // Through another pool of the environment, and with ids of nobody.
        for at in [format!("{}/{id}", path(&second)), format!("{}/{nobody}", path(&pool)), format!("{}/x", path(&pool))] {
            for (method, body) in [(Method::GET, None), (Method::PUT, Some(json!({}))), (Method::DELETE, None)] {
                let answer = app.call(&token, method.clone(), &at, body).await;
                assert_eq!(code(&answer), (404, "user_not_found".into()), "{method} {at}");
            }
            let add = json!({ "type": "uid", "identifier": "mine" });
            let answer = app.call(&token, Method::POST, &format!("{at}/identifiers/add"), Some(add)).await;
            assert_eq!(code(&answer), (404, "user_not_found".into()), "{at}");
        }
        // The pool of another environment, by our own paths, with either token.
        for at in [path(&foreign), format!("{}/{id}", path(&foreign))] {
            let answer = app.call(&token, Method::GET, &at, None).await;
            assert_eq!(answer.status, 404, "{}", answer.body);
            assert_eq!(code(&app.call(&foreign_token, Method::GET, &at, None).await), (403, "tenant_mismatch".into()));
        }
        let in_foreign = format!("/api/identity/other/system/pools/{:032x}/users/{id}", pool.id.bits());
        assert_eq!(app.call(&foreign_token, Method::GET, &in_foreign, None).await.status, 404);
        // Without the scope, and without a token.
        let weak = app.system_token(&environment, &["manage_organizations"]).await;
        let one = format!("{}/{id}", path(&pool));
        for (method, body) in [(Method::GET, None), (Method::PUT, Some(json!({}))), (Method::DELETE, None)] {
            let answer = app.call(&weak, method.clone(), &one, body.clone()).await;
            assert_eq!(code(&answer), (403, "insufficient_scope".into()), "{method}");
            assert_eq!(code(&app.call("x", method, &one, body).await), (401, "unauthorized".into()));
        }
        let found = app.call(&token, Method::GET, &one, None).await;
        assert_eq!((found.status.as_u16(), found.json()["identifiers"].as_array().unwrap().len()), (200, 2));
    }

    async fn templates_take_no_users(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let pool = pool(&app, &environment, tenant.organization.id).await;
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE organizations SET is_template = TRUE WHERE id = $1 AND deleted_at IS NULL")
            .bind(tenant.organization.id).execute().await.unwrap();
        tx.commit().await.unwrap();
        let token = app.system_token(&environment, &["identity"]).await;
        let refused = app.call(&token, Method::POST, &path(&pool), Some(dana())).await;
        assert_eq!((refused.status.as_u16(), number_of_users(&app, &pool).await), (409, 0), "{}", refused.body);
    }

    async fn a_pool_lets_case_count_or_not_only_where_no_two_users_become_one(app: TestApp) {
        let (environment, pool, token) = set_up(&app).await;
        let set_case = async |pool_id: IdentityPoolId, ignore: bool| {
            let mut tx = app.state.db.write().await.unwrap();
            let mut pool: IdentityPool =
                table::find_for_update(&mut tx, environment.id, pool_id).await.unwrap().unwrap();
            pool.identifier_case_insensitive = ignore;
            users::apply_case(&mut tx, &pool).await?;
            assert!(table::update(&mut tx, &mut pool, app.now()).await.unwrap());
            tx.commit().await.unwrap();
            Ok::<(), ostiary::app::Error>(())
        };
        let id = create(&app, &token, &pool, dana()).await;
        set_case(pool.id, false).await.unwrap();
        let by = async |text: &str| {
            let body = Some(json!({ "identifier": text }));
            app.call(&token, Method::POST, &format!("{}/by_key", path(&pool)), body).await
        };
        assert_eq!(by("Dana").await.json()["id"].as_str(), Some(&*id));
        assert_eq!(by("dana").await.status, 404);
        assert_eq!(by("DANA@acme.com").await.json()["id"].as_str(), Some(&*id), "the case of addresses never counts");
        let other = create(&app, &token, &pool, with_identifier("uid", "dana")).await;
        let refused = set_case(pool.id, true).await.unwrap_err();
        assert!(refused.to_string().contains("differ in nothing but case"), "{refused}");
        assert_eq!(by("dana").await.json()["id"].as_str(), Some(&*other), "nothing changed");
        assert_eq!(app.call(&token, Method::DELETE, &format!("{}/{other}", path(&pool)), None).await.status, 204);
        set_case(pool.id, true).await.unwrap();
        assert_eq!(by("dAnA").await.json()["id"].as_str(), Some(&*id));
    }

    async fn users_of_removed_pools_organizations_and_environments_are_erased_in_batches(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let pools = [
            pool(&app, &environment, tenant.organization.id).await,
            pool(&app, &environment, root_id(environment.id)).await,
            pool(&app, &environment, root_id(environment.id)).await,
        ];
        let token = app.system_token(&environment, &["identity"]).await;
        for pool in &pools {
            create(&app, &token, pool, dana()).await;
        }
        let principal = Principal::operator(environment.id);
        resource::remove::<model::organization::Organization>(&app.state, &principal, tenant.organization.id, None)
            .await.unwrap();
        let gone = app.call(&token, Method::GET, &path(&pools[0]), None).await;
        assert_eq!(code(&gone), (404, "pool_not_found".into()));
        let mut tx = app.state.db.write().await.unwrap();
        table::remove::<IdentityPool>(&mut tx, environment.id, pools[1].id, app.now()).await.unwrap();
        tx.commit().await.unwrap();
        let rows = async |text: &'static str| {
            let mut conn = app.state.db.read().await.unwrap();
            conn.sql(text).one::<(i64,)>().await.unwrap().0
        };
        let later = app.now() + std::time::Duration::from_secs(1);
        loop {
            let mut tx = app.state.db.write().await.unwrap();
            let gone = store::deleted_users::remove_old(&mut tx, later).await.unwrap();
            tx.commit().await.unwrap();
            if gone == 0 { break; }
        }
        assert_eq!(rows("SELECT COUNT(*) FROM users").await, 1);
        assert_eq!(rows("SELECT COUNT(*) FROM passwords WHERE account_id LIKE 'usr_%'").await, 1);
        assert_eq!(rows("SELECT COUNT(*) FROM identity_pools").await, 1);

        ostiary::app::environments::remove(&app.state, &Principal::OPERATOR.in_environment(environment.id), environment.id, None)
            .await.unwrap();
        loop {
            let mut tx = app.state.db.write().await.unwrap();
            let gone = store::removed_environments::remove_rows(&mut tx, environment.id).await.unwrap();
            tx.commit().await.unwrap();
            if gone == 0 { break; }
        }
        assert_eq!(rows("SELECT COUNT(*) FROM users").await, 0);
        assert_eq!(rows("SELECT COUNT(*) FROM passwords WHERE account_id LIKE 'usr_%'").await, 0);
    }

    async fn lists_and_look_ups_read_by_their_indexes(app: TestApp) {
        let (environment, pool, _) = set_up(&app).await;
        let (environment, pool) = (environment.id.to_string(), pool.id.to_string());
        let mut tx = app.state.db.write().await.unwrap();
        let numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) ";
        let ids = "'usr_' || substr('0000000000000000000000000' || CAST(i AS TEXT), -25)";
        let ids = match app.state.db.dialect() {
            store::Dialect::Sqlite => ids.to_owned(),
            store::Dialect::Postgres => "'usr_' || lpad(CAST(i AS TEXT), 25, '0')".to_owned(),
        };
        for text in [
            format!(
                "INSERT INTO users (id, environment_id, organization_id, pool_id, status, source, user_type, display_name, \
                 payload, metadata, business_metadata, created_at, updated_at, status_updated_at) {numbers} \
                 SELECT {ids}, '{environment}', 'org', CASE WHEN i % 40 = 0 THEN '{pool}' ELSE 'pool_other' END, 'active', 'standard', '', '', '{{}}', '{{}}', '{{}}', 0, 0, 0 FROM n"
            ),
            format!(
                "INSERT INTO user_identifiers (pool_id, identifier_key, user_id, kind, identifier, metadata, created_at) {numbers} \
                 SELECT '{pool}', 'u' || CAST(i AS TEXT), {ids}, 'uid', 'u', '{{}}', 0 FROM n"
            ),
            format!(
                "INSERT INTO user_addresses (user_id, address_key, pool_id, kind, address, status, created_at) {numbers} \
                 SELECT {ids}, 'a' || CAST(i AS TEXT), '{pool}', 'email', 'a', 'active', 0 FROM n"
            ),
            format!("INSERT INTO user_words (pool_id, word, user_id) {numbers} SELECT '{pool}', CAST(i AS TEXT), {ids} FROM n"),
        ] {
            tx.sql(text.leak()).execute().await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("ANALYZE").execute().await.unwrap();
        tx.commit().await.unwrap();
        for (query, index) in [
            ("SELECT id FROM users WHERE environment_id = '{e}' AND pool_id = '{p}' AND id > 'usr_0000000000000000000010000' ORDER BY id LIMIT 21", "users_by_pool"),
            ("SELECT u.id FROM users u JOIN user_identifiers i ON i.user_id = u.id WHERE u.environment_id = '{e}' AND u.pool_id = '{p}' AND i.pool_id = '{p}' AND i.identifier_key = 'u7'", "user_identifiers_pkey|sqlite_autoindex_user_identifiers|user_identifiers_names"),
            ("SELECT u.id FROM users u JOIN user_addresses a ON a.user_id = u.id WHERE u.environment_id = '{e}' AND u.pool_id = '{p}' AND a.pool_id = '{p}' AND a.address_key = 'a7' ORDER BY a.user_id LIMIT 2", "user_addresses_by_pool"),
            ("SELECT u.id FROM users u JOIN user_identifiers i ON i.user_id = u.id WHERE i.identifier_key || '' = 'u7' AND u.environment_id || '' = '{e}' ORDER BY i.user_id LIMIT 50", "user_identifiers_by_key"),
            ("SELECT u.id FROM users u JOIN user_addresses a ON a.user_id = u.id WHERE a.address_key || '' = 'a7' AND u.environment_id || '' = '{e}' ORDER BY a.user_id LIMIT 50", "user_addresses_by_key"),
            ("SELECT w.user_id FROM user_words w WHERE w.pool_id = '{p}' AND w.word >= '12' AND w.word < '12g' ORDER BY w.word, w.user_id LIMIT 50", "user_words_pkey|sqlite_autoindex_user_words"),
            ("SELECT id FROM users WHERE environment_id = '{e}' LIMIT 200", "users_by_environment|Limit"),
        ] {
            let query = query.replace("{e}", &environment).replace("{p}", &pool);
            let plan = plan(&app, &query).await;
            assert!(index.split('|').any(|index| plan.contains(index)), "{query}:\n{plan}");
            let whole = plan.contains("Seq Scan on user_") || plan.contains("SCAN i") || plan.contains("SCAN a") || plan.contains("SCAN w");
            assert!(!whole, "{query}:\n{plan}");
        }
    }

    async fn a_change_of_another_version_is_refused(app: TestApp) {
        let (environment, pool, token) = set_up(&app).await;
        let id = create(&app, &token, &pool, dana()).await;
        let stored: User = table::find(&mut app.state.db.read().await.unwrap(), environment.id, id.parse().unwrap())
            .await.unwrap().unwrap();
        let principal = Principal::operator(environment.id);
        let expected = Some(EntityTags::parse("\"9\""));
        let refused = users::set_status(
            &app.state, &principal, (pool.id, stored.id), expected.as_ref(), model::user::UserStatus::Inactive,
        ).await;
        assert!(matches!(refused, Err(ostiary::app::Error::Outdated { version: 1 })));
    }
}
