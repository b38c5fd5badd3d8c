//! Identity pools over SecureAuth's identity API.

use base::id::{Id, IdentityPoolId, OrganizationId};
use model::{
    account::{OneTimeCodeSettings, PasswordPolicy, PasswordStrength, RequiredCharacters},
    color::Color,
    environment::Environment,
    identity_pool::{AuthenticationMechanism, HashingMethod, IdentityPool, Mechanisms, OtpSetting},
    identity_schema::SchemaRef,
    organization::Organization,
};
use ostiary::{
    app::{accounts::pools, principal::Principal, resource},
    store::{self, table},
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, TestApp, random},
};

const POOLS: &str = "/api/identity/prod/system/pools";
const NOBODY: &str = "00000000000000000000000000000001";

/// The environment `prod`, with a token for its pools and users.
async fn set_up(app: &TestApp) -> (Environment, String) {
    let environment = app.environment("prod").await;
    let token = app.system_token(&environment, &["identity"]).await;
    (environment, token)
}

/// An organization of an environment.
async fn organization(app: &TestApp, environment: &Environment, name: &str) -> OrganizationId {
    let organization = Organization {
        display_name: name.to_owned(),
        ..Organization::new(Id::new(app.now(), random()), environment.id, app.now())
    };
    let mut tx = app.state.db.write().await.unwrap();
    table::insert(&mut tx, &organization).await.unwrap();
    tx.commit().await.unwrap();
    organization.id
}

fn hex(id: OrganizationId) -> String {
    format!("{:032x}", id.bits())
}

fn of(id: OrganizationId) -> String {
    format!("/api/identity/prod/system/workspace/{}/pools", hex(id))
}

async fn create(app: &TestApp, token: &str, body: Value) -> Value {
    let made = app.call(token, Method::POST, POOLS, Some(body)).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()
}

fn id(pool: &Value) -> &str {
    pool["id"].as_str().unwrap()
}

fn one(pool: &Value) -> String {
    format!("{POOLS}/{}", id(pool))
}

fn code(answer: &Answer) -> (u16, String) {
    let code = answer.json()["error_code"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), code)
}

fn with_if_match(
    app: &TestApp,
    token: &str,
    method: Method,
    path: &str,
    version: &str,
) -> reqwest::RequestBuilder {
    let request = app.browser().request(method, &app.url(path)).bearer_auth(token);
    request.header(header::IF_MATCH, version)
}

async fn list(app: &TestApp, token: &str, path: &str) -> Vec<String> {
    let answer = app.call(token, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let pools = answer.json()["pools"].as_array().unwrap().clone();
    pools.iter().map(|pool| pool["name"].as_str().unwrap().to_owned()).collect()
}

async fn stored(app: &TestApp, environment: &Environment, id: &str) -> Option<IdentityPool> {
    let id: IdentityPoolId = id.parse().unwrap();
    table::find(&mut app.state.db.read().await.unwrap(), environment.id, id).await.unwrap()
}

async fn count(app: &TestApp, text: &'static str, id: &str) -> i64 {
    app.state.db.read().await.unwrap().sql(text).bind(id).one::<(i64,)>().await.unwrap().0
}

/// Every setting, none of them as it is by default.
fn every_setting() -> Value {
    json!({
        "name": "Customers",
        "description": "Those who buy.\nAnd look.",
        "badge_color": "#00aaff",
        "authentication_mechanisms": ["webauthn", "password", "totp", "otp", "email_otp", "sms_otp"],
        "preferred_authentication_mechanism": "webauthn",
        "second_factor_authentication_mechanisms": ["totp", "email_otp"],
        "second_factor_preferred_authentication_mechanism": "totp",
        "second_factor_threshold": 0.7,
        "mfa_session_ttl": "12h0m0s",
        "identifier_case_insensitive": false,
        "public_registration_allowed": true,
        "payload_schema_id": "metadata_v0",
        "metadata_schema_id": "user_v0",
        "business_metadata_schema_id": "metadata_v0",
        "metadata": { "tier": { "level": 3 } },
        "password_policy": {
            "min_length": 16, "capital_letters": 1, "lowercase_letters": 2, "digits": 3, "special_characters": 4,
            "not_used_since": 5, "strength": "strong",
        },
        "password_settings": { "hashing_method": "bcrypt", "expires_after": "2160h0m0s" },
        "otp_settings": {
            "activation": { "length": 8, "ttl": "24h0m0s" },
            "authentication": { "length": 9, "ttl": "5m0s" },
            "challenge": { "length": 10, "ttl": "1m30s" },
            "enroll_webauthn": { "length": 11, "ttl": "10m0s" },
            "reset_password": { "length": 12, "ttl": "20m0s" },
            "reset_totp": { "length": 13, "ttl": "30m0s" },
            "verify_address": { "length": 14, "ttl": "40m0s" },
        },
        "reset_credentials_settings": { "do_not_allow_users_to_self_reset_credentials": true },
    })
}

both! {
    async fn a_pool_without_settings_has_the_defaults_of_the_guide(app: TestApp) {
        let (_, token) = set_up(&app).await;
        let made = app.call(&token, Method::POST, POOLS, Some(json!({ "name": "People" }))).await;
        assert_eq!((made.status.as_u16(), made.header("etag")), (201, "W/\"1\""));
        let pool = made.json();
        assert!(id(&pool).len() == 32 && id(&pool).bytes().all(|byte| byte.is_ascii_hexdigit()), "{pool}");
        let otp = json!({ "length": 6, "ttl": "15m0s" });
        assert_eq!(pool, json!({
            "id": id(&pool), "tenant_id": "prod", "workspace_id": "", "name": "People", "description": "",
            "badge_color": "",
            "authentication_mechanisms": ["password", "webauthn"],
            "preferred_authentication_mechanism": "password",
            "second_factor_authentication_mechanisms": [],
            "second_factor_preferred_authentication_mechanism": "",
            "second_factor_threshold": 0, "mfa_session_ttl": "0s",
            "identifier_case_insensitive": true, "public_registration_allowed": false,
            "payload_schema_id": "user_v0", "metadata_schema_id": "metadata_v0", "business_metadata_schema_id": "",
            "metadata": {},
            "password_policy": {
                "min_length": 12, "capital_letters": 0, "lowercase_letters": 0, "digits": 0, "special_characters": 0,
                "not_used_since": 0, "strength": "fair",
            },
            "password_settings": { "hashing_method": "argon2", "expires_after": "0s" },
            "otp_settings": {
                "activation": otp, "authentication": otp, "challenge": otp, "enroll_webauthn": otp,
                "reset_password": otp, "reset_totp": otp, "verify_address": otp,
            },
            "reset_credentials_settings": { "do_not_allow_users_to_self_reset_credentials": false },
            "system": false, "deleted": false,
            "number_of_users": 0, "number_of_jit_users": 0, "number_of_standard_users": 0,
        }));
        let got = app.call(&token, Method::GET, &one(&pool), None).await;
        assert_eq!((got.json(), got.header("etag")), (pool, "W/\"1\""));
    }

    async fn every_setting_is_kept_and_what_is_shown_can_be_sent_back(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let acme = organization(&app, &environment, "Acme").await;
        let mut wanted = every_setting();
        wanted["workspace_id"] = json!(hex(acme));
        wanted["unknown"] = json!({ "member": 1 });
        wanted["deleted"] = json!(true);
        let made = create(&app, &token, wanted).await;
        for (name, value) in every_setting().as_object().unwrap() {
            assert_eq!(&made[name], value, "{name}");
        }
        assert_eq!((&made["workspace_id"], &made["deleted"]), (&json!(hex(acme)), &json!(false)));
        let pool = stored(&app, &environment, id(&made)).await.unwrap();
        assert_eq!(pool.badge_color, Color::parse("#00aaff"));
        assert_eq!(pool.second_factors, Mechanisms {
            allowed: vec![AuthenticationMechanism::Totp, AuthenticationMechanism::EmailOtp],
            preferred: Some(AuthenticationMechanism::Totp),
        });
        let policy = PasswordPolicy::new(16, PasswordStrength::Strong).unwrap();
        let characters =
            RequiredCharacters { capital_letters: 1, lowercase_letters: 2, digits: 3, special_characters: 4 };
        let policy = policy.with_characters(characters).unwrap().with_former_passwords(5).unwrap();
        assert_eq!((pool.password_policy(), pool.hashing_method), (policy, HashingMethod::Bcrypt));
        let minutes = |minutes: u64| std::time::Duration::from_secs(60 * minutes);
        assert_eq!(pool.otp_settings.get(OtpSetting::ResetTotp), OneTimeCodeSettings::new(13, minutes(30)));
        assert_eq!(pool.password_rules.expires_after, Some(minutes(60 * 2160)));
        assert!(!pool.self_reset_allowed);

        let again = app.call(&token, Method::PUT, &one(&made), Some(made.clone())).await;
        assert_eq!((again.status.as_u16(), again.header("etag")), (200, "W/\"1\""), "{}", again.body);
        assert_eq!(again.json(), made);
        let plain = create(&app, &token, json!({ "name": "Plain" })).await;
        let again = app.call(&token, Method::PUT, &one(&plain), Some(plain.clone())).await;
        assert_eq!((again.json(), again.header("etag")), (plain, "W/\"1\""));
    }

    async fn put_replaces_the_settings_and_every_change_is_recorded(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let made = create(&app, &token, every_setting()).await;
        app.advance(std::time::Duration::from_secs(1));
        let changed = app.call(&token, Method::PUT, &one(&made), Some(json!({ "name": "Again" }))).await;
        assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "W/\"2\""), "{}", changed.body);
        let mut expected = create(&app, &token, json!({ "name": "Again" })).await;
        expected["id"] = made["id"].clone();
        // It decides who is who, and stays as it is.
        expected["identifier_case_insensitive"] = json!(false);
        assert_eq!(changed.json(), expected);
        expected["metadata"] = json!({ "secret": "of mine" });
        app.advance(std::time::Duration::from_secs(1));
        let changed = app.call(&token, Method::PUT, &one(&made), Some(expected.clone())).await;
        assert_eq!((changed.header("etag"), changed.json()), ("W/\"3\"", expected));

        let target = stored(&app, &environment, id(&made)).await.unwrap().id.to_string();
        let of = |action: &'static str| {
            let (app, target) = (&app, &target);
            async move {
                let text = "SELECT after FROM audit_events WHERE target_id = $1 AND action = $2 ORDER BY id";
                let mut conn = app.state.db.read().await.unwrap();
                let rows: Vec<(String,)> = conn.sql(text).bind(target.as_str()).bind(action).all().await.unwrap();
                rows.into_iter().map(|(after,)| serde_json::from_str(&after).unwrap()).collect::<Vec<Value>>()
            }
        };
        let updates = of("identity_pool.updated").await;
        assert_eq!(of("identity_pool.created").await.len(), 1);
        assert_eq!((updates.len(), &updates[0]["oneTimeCodes"]), (2, &json!({})));
        assert_eq!(updates[1], json!({ "changed": ["metadata"] }), "not what they hold");
    }

    async fn what_a_pool_cannot_be_is_refused_with_its_place(app: TestApp) {
        let (_, token) = set_up(&app).await;
        let made = create(&app, &token, json!({ "name": "People" })).await;
        for (body, path) in [
            (json!({}), "name"),
            (json!({ "name": "  " }), "name"),
            (json!({ "name": "x".repeat(256) }), "name"),
            (json!({ "name": "a\u{7}" }), "name"),
            (json!({ "name": "a", "description": "x".repeat(2001) }), "description"),
            (json!({ "name": "a", "badge_color": "blue" }), "badge_color"),
            (json!({ "name": "a", "authentication_mechanisms": ["password", "magic"] }), "authentication_mechanisms[1]"),
            (json!({ "name": "a", "preferred_authentication_mechanism": "totp" }), "preferred_authentication_mechanism"),
            (
                json!({ "name": "a", "authentication_mechanisms": ["totp"], "preferred_authentication_mechanism": "password" }),
                "preferred_authentication_mechanism",
            ),
            (
                json!({ "name": "a", "second_factor_preferred_authentication_mechanism": "totp" }),
                "second_factor_preferred_authentication_mechanism",
            ),
            (json!({ "name": "a", "second_factor_threshold": -1 }), "second_factor_threshold"),
            (json!({ "name": "a", "mfa_session_ttl": "soon" }), "mfa_session_ttl"),
            (json!({ "name": "a", "mfa_session_ttl": "1ms" }), "mfa_session_ttl"),
            (json!({ "name": "a", "metadata": { "a": "x".repeat(70_000) } }), "metadata"),
            (json!({ "name": "a", "password_policy": { "min_length": 7 } }), "password_policy.min_length"),
            (json!({ "name": "a", "password_policy": { "min_length": 129 } }), "password_policy.min_length"),
            (json!({ "name": "a", "password_policy": { "strength": "great" } }), "password_policy.strength"),
            (json!({ "name": "a", "password_policy": { "not_used_since": 25 } }), "password_policy.not_used_since"),
            (json!({ "name": "a", "password_policy": { "digits": 100, "capital_letters": 100 } }), "password_policy"),
            (json!({ "name": "a", "password_settings": { "hashing_method": "md5" } }), "password_settings.hashing_method"),
            (json!({ "name": "a", "password_settings": { "expires_after": "9999999h" } }), "password_settings.expires_after"),
            (json!({ "name": "a", "otp_settings": { "activation": { "length": 5 } } }), "otp_settings.activation"),
            (json!({ "name": "a", "otp_settings": { "reset_totp": { "ttl": "59s" } } }), "otp_settings.reset_totp"),
            (json!({ "name": "a", "otp_settings": { "reset_totp": { "ttl": "x" } } }), "otp_settings.reset_totp.ttl"),
        ] {
            for (method, at) in [(Method::POST, POOLS.to_owned()), (Method::PUT, one(&made))] {
                let refused = app.call(&token, method, &at, Some(body.clone())).await;
                assert_eq!(code(&refused), (422, "validation_failed".into()), "{body}: {}", refused.body);
                let errors = refused.json()["details"]["errors"].clone();
                assert_eq!(errors[0]["path"], json!(path), "{body}: {}", refused.body);
                assert!(errors[0]["message"].is_string());
            }
        }
        for body in [json!({ "name": 7 }), json!({ "name": "a", "authentication_mechanisms": "password" })] {
            let refused = app.call(&token, Method::POST, POOLS, Some(body)).await;
            assert_eq!(code(&refused), (400, "invalid_json".into()));
        }
        let huge = json!({ "name": "a", "metadata": { "a": "x".repeat(3 << 20) } });
        let refused = app.call(&token, Method::POST, POOLS, Some(huge)).await;
        assert_eq!(refused.status, 413, "{}", refused.body);
        let chosen = json!({ "name": "a", "id": "mine" });
        assert_eq!(code(&app.call(&token, Method::POST, POOLS, Some(chosen)).await).0, 422);
        assert_eq!(list(&app, &token, POOLS).await, ["People"], "nothing is half-written");
        let same = app.call(&token, Method::GET, &one(&made), None).await;
        assert_eq!((same.json(), same.header("etag")), (made, "W/\"1\""));
    }

    async fn ids_in_a_body_are_those_of_the_path_or_new(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let acme = organization(&app, &environment, "Acme").await;
        let other = organization(&app, &environment, "Other").await;
        let chosen = json!({ "name": "a", "id": "7c43054447544d269b45796da08013d7", "workspace_id": acme.to_string() });
        let made = create(&app, &token, chosen.clone()).await;
        assert_eq!((id(&made), &made["workspace_id"]), ("7c43054447544d269b45796da08013d7", &json!(hex(acme))));
        let again = app.call(&token, Method::POST, POOLS, Some(chosen)).await;
        assert_eq!(code(&again), (409, "pool_exists".into()));
        let mismatch = app.call(&token, Method::PUT, &one(&made), Some(json!({ "name": "a", "id": NOBODY }))).await;
        assert_eq!(code(&mismatch), (400, "id_mismatch".into()));
        for workspace in [hex(other), "root".to_owned(), NOBODY.to_owned(), "x".repeat(5000)] {
            let body = json!({ "name": "b", "workspace_id": workspace });
            let moved = app.call(&token, Method::PUT, &one(&made), Some(body)).await;
            assert_eq!(code(&moved), (422, "validation_failed".into()), "{workspace}");
            assert_eq!(moved.json()["details"]["errors"][0]["path"], json!("workspace_id"));
        }
        for workspace in [hex(acme), acme.to_string(), String::new()] {
            let body = json!({ "name": "b", "workspace_id": workspace, "id": id(&made) });
            assert_eq!(app.call(&token, Method::PUT, &one(&made), Some(body)).await.status, 200);
        }
        for workspace in [NOBODY, "nobody"] {
            let body = json!({ "name": "c", "workspace_id": workspace });
            let refused = app.call(&token, Method::POST, POOLS, Some(body)).await;
            assert_eq!(code(&refused), (404, "organization_not_found".into()), "{workspace}");
        }
        for schema in [NOBODY, "user_v1"] {
            for name in ["payload_schema_id", "metadata_schema_id", "business_metadata_schema_id"] {
                let body = json!({ "name": "c", name: schema });
                let refused = app.call(&token, Method::POST, POOLS, Some(body.clone())).await;
                assert_eq!(code(&refused), (404, "schema_not_found".into()), "{name} {schema}");
                let refused = app.call(&token, Method::PUT, &one(&made), Some(body)).await;
                assert_eq!(code(&refused), (404, "schema_not_found".into()), "{name} {schema}");
            }
        }
    }

    async fn a_client_that_chose_the_id_of_its_organization_finds_it_so(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let acme = organization(&app, &environment, "Acme").await;
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE organizations SET public_alias = 'acme-01x' WHERE id = $1 AND deleted_at IS NULL")
            .bind(acme).execute().await.unwrap();
        tx.commit().await.unwrap();
        let made = create(&app, &token, json!({ "name": "People", "workspace_id": "acme-01x" })).await;
        assert_eq!(made["workspace_id"], json!("acme-01x"));
        let pools = "/api/identity/prod/system/workspace/acme-01x/pools";
        assert_eq!(list(&app, &token, pools).await, ["People"]);
        assert_eq!(list(&app, &token, &of(acme)).await, ["People"]);
        let same = app.call(&token, Method::PUT, &one(&made), Some(made.clone())).await;
        assert_eq!((same.status.as_u16(), same.json()), (200, made));
    }

    async fn a_change_of_another_version_is_refused(app: TestApp) {
        let (_, token) = set_up(&app).await;
        let made = create(&app, &token, json!({ "name": "People" })).await;
        create(&app, &token, json!({ "name": "Others" })).await;
        let browser = app.browser();
        let body = json!({ "name": "Again" }).to_string();
        for (version, expected) in [("\"2\"", 412), ("\"1\"", 200), ("\"1\"", 412), ("*", 200)] {
            let request = with_if_match(&app, &token, Method::PUT, &one(&made), version)
                .header(header::CONTENT_TYPE, "application/json").body(body.clone());
            let answer = browser.send(request).await;
            assert_eq!(answer.status, expected, "{version}: {}", answer.body);
            if expected == 412 {
                assert_eq!(code(&answer), (412, "etag_mismatch".into()));
            }
        }
        let refused = browser.send(with_if_match(&app, &token, Method::DELETE, &one(&made), "\"1\"")).await;
        assert_eq!(code(&refused), (412, "etag_mismatch".into()));
        assert_eq!(browser.send(with_if_match(&app, &token, Method::DELETE, &one(&made), "\"2\"")).await.status, 204);
    }

    async fn lists_are_sorted_searched_and_cut_at_both_ends(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let acme = organization(&app, &environment, "Acme").await;
        let mut pools = Vec::new();
        for (name, workspace) in [("Delta", ""), ("alpha 50%", "acme"), ("Charlie", ""), ("bravo", "acme"), ("Échelon", "")] {
            app.advance(std::time::Duration::from_secs(1));
            let workspace = if workspace.is_empty() { String::new() } else { hex(acme) };
            pools.push(create(&app, &token, json!({ "name": name, "workspace_id": workspace })).await);
        }
        let made = ["Delta", "alpha 50%", "Charlie", "bravo", "Échelon"];
        let query = async |query: &str| list(&app, &token, &format!("{POOLS}?{query}")).await;
        assert_eq!(query("").await, made);
        assert_eq!(query("sort=id&order=desc").await, ["Échelon", "bravo", "Charlie", "alpha 50%", "Delta"]);
        assert_eq!(query("sort=created_at").await, made);
        assert_eq!(query("sort=created_at&order=desc&limit=2").await, ["Échelon", "bravo"]);
        let by_name = ["alpha 50%", "bravo", "Charlie", "Delta"];
        let sorted = query("sort=name").await;
        assert_eq!(sorted.iter().filter(|name| *name != "Échelon").collect::<Vec<_>>(), by_name);
        let after = |at: usize| format!("after_pool_id={}", id(&pools[at]));
        let before = |at: usize| format!("before_pool_id={}", id(&pools[at]));
        assert_eq!(query(&format!("limit=2&{}", after(1))).await, ["Charlie", "bravo"]);
        assert_eq!(query(&format!("limit=2&{}", before(3))).await, ["alpha 50%", "Charlie"]);
        assert_eq!(query(&format!("limit=2&order=desc&{}", after(3))).await, ["Charlie", "alpha 50%"]);
        assert_eq!(query(&format!("limit=2&order=desc&{}", before(1))).await, ["bravo", "Charlie"]);
        assert_eq!(query(&format!("limit=2&sort=name&{}", after(3))).await, sorted[2..4]);
        assert_eq!(query(&format!("limit=1&sort=name&{}", before(3))).await, ["alpha 50%"]);
        assert_eq!(query(&format!("limit=1&sort=name&order=desc&{}", after(3))).await, ["alpha 50%"]);
        assert_eq!(query(&format!("sort=created_at&{}", after(3))).await, ["Échelon"]);
        assert_eq!(query(&format!("sort=created_at&order=desc&{}", before(3))).await, ["Échelon"]);
        assert_eq!(query("search_phrase=A").await, ["Delta", "alpha 50%", "Charlie", "bravo"]);
        assert_eq!(query("search_phrase=%C3%A9CH").await, ["Échelon"]);
        assert_eq!(query("search_phrase=50%25").await, ["alpha 50%"]);
        assert_eq!(query("search_phrase=_").await, [""; 0]);
        assert_eq!(query(&format!("search_phrase={}", id(&pools[2]))).await, ["Charlie"]);
        assert_eq!(query(&format!("search_phrase=a&limit=1&{}", after(1))).await, ["Charlie"]);
        // Of one workspace, and of none.
        assert_eq!(list(&app, &token, &of(acme)).await, ["alpha 50%", "bravo"]);
        assert_eq!(list(&app, &token, &format!("{}?sort=name&order=desc", of(acme))).await, ["bravo", "alpha 50%"]);
        assert_eq!(list(&app, &token, &format!("{}?{}", of(acme), after(1))).await, ["bravo"]);
        let root = "/api/identity/prod/system/workspace/root/pools?limit=2";
        assert_eq!(list(&app, &token, root).await, ["Delta", "Charlie"]);
        for bad in [
            "limit=0", "sort=size", "order=up", "after_pool_id=x", &format!("sort=name&after_pool_id={NOBODY}"),
            &format!("{}&{}", after(0), before(4)),
        ] {
            let refused = app.call(&token, Method::GET, &format!("{POOLS}?{bad}"), None).await;
            assert_eq!(code(&refused), (422, "validation_failed".into()), "{bad}");
        }
        // A list by id goes on after a pool that is gone.
        assert_eq!(app.call(&token, Method::DELETE, &one(&pools[1]), None).await.status, 204);
        assert_eq!(query(&after(1)).await, ["Charlie", "bravo", "Échelon"]);
    }

    async fn lists_read_by_their_indexes(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let pool = create(&app, &token, json!({ "name": "One" })).await;
        let source = stored(&app, &environment, id(&pool)).await.unwrap().id.to_string();
        let number = match app.state.db.dialect() {
            store::Dialect::Sqlite => "substr('0000000000000000000000000' || CAST(i AS TEXT), -25)",
            store::Dialect::Postgres => "lpad(CAST(i AS TEXT), 25, '0')",
        };
        let columns = "environment_id, description, badge_color, authentication_mechanisms, second_factors, \
                       identifier_case_insensitive, public_registration_allowed, payload_schema_id, metadata_schema_id, \
                       metadata, password_policy, hashing_method, otp_settings, self_reset_allowed, updated_at";
        let text = format!(
            "INSERT INTO identity_pools (id, organization_id, name, name_key, created_at, {columns}) \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
             SELECT 'pool_' || {number}, organization_id, 'n', 'n' || CAST(i AS TEXT), i, {columns} \
             FROM identity_pools, n WHERE id = '{source}'"
        );
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql(text.leak()).execute().await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("ANALYZE").execute().await.unwrap();
        tx.commit().await.unwrap();
        let environment = environment.id;
        for (rest, index) in [
            ("AND id > 'pool_0000000000000000000010000' ORDER BY id", "identity_pools_by_environment|identity_pools_pkey"),
            ("AND (name_key, id) > ('n5', 'pool_1') ORDER BY name_key, id", "identity_pools_by_name"),
            ("AND (name_key, id) < ('n5', 'pool_1') ORDER BY name_key DESC, id DESC", "identity_pools_by_name"),
            ("AND (created_at, id) > (10000, 'pool_1') ORDER BY created_at, id", "identity_pools_by_creation"),
        ] {
            let query = format!(
                "SELECT id FROM identity_pools WHERE environment_id = '{environment}' AND deleted_at IS NULL {rest} LIMIT 20"
            );
            let mut conn = app.state.db.read().await.unwrap();
            let plan = match app.state.db.dialect() {
                store::Dialect::Sqlite => {
                    let rows: Vec<(i64, i64, i64, String)> =
                        conn.sql(format!("EXPLAIN QUERY PLAN {query}").leak()).all().await.unwrap();
                    rows.into_iter().map(|(.., step)| step).collect::<Vec<_>>().join("\n")
                }
                store::Dialect::Postgres => {
                    let rows: Vec<(String,)> = conn.sql(format!("EXPLAIN {query}").leak()).all().await.unwrap();
                    rows.into_iter().map(|(step,)| step).collect::<Vec<_>>().join("\n")
                }
            };
            assert!(index.split('|').any(|index| plan.contains(index)), "{query}:\n{plan}");
            assert!(!plan.contains("Seq Scan") && !plan.contains("TEMP B-TREE") && !plan.contains("Sort "), "{query}:\n{plan}");
        }
        let page = list(&app, &token, &format!("{POOLS}?sort=name&limit=100&order=desc")).await;
        assert_eq!(page.len(), 100);
    }

    async fn a_pool_that_is_deleted_ends_the_use_of_its_users(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let pool = create(&app, &token, json!({ "name": "People" })).await;
        let refused = app.call(&token, Method::DELETE, &one(&pool), None).await;
        assert_eq!(code(&refused), (409, "failed_precondition".into()), "the last one of the root stays");
        create(&app, &token, json!({ "name": "Others" })).await;
        let user = json!({ "status": "active", "identifiers": [{ "type": "uid", "identifier": "dana" }] });
        let user = app.call(&token, Method::POST, &format!("{}/users", one(&pool)), Some(user)).await.json();
        assert_eq!(app.call(&token, Method::GET, &one(&pool), None).await.json()["number_of_users"], json!(1));
        let account: base::id::UserId = user["id"].as_str().unwrap().parse().unwrap();
        let wanted = ostiary::app::accounts::user_sessions::OperatorSession {
            user_id: account,
            authenticated_ago: std::time::Duration::ZERO,
            tenant_admin: false,
        };
        let operator = Principal::operator(environment.id);
        ostiary::app::accounts::user_sessions::create_by_operator(&app.state, &operator, wanted).await.unwrap();
        let live = "SELECT COUNT(*) FROM signed_access_tokens WHERE subject_id = $1 AND revoked_at IS NULL";
        assert_eq!(count(&app, live, &account.to_string()).await, 1);
        assert_eq!(app.call(&token, Method::DELETE, &one(&pool), None).await.status, 204);
        assert_eq!(count(&app, live, &account.to_string()).await, 0);
        let users = format!("{}/users", one(&pool));
        for (method, path, body) in [
            (Method::GET, one(&pool), None),
            (Method::PUT, one(&pool), Some(json!({ "name": "a" }))),
            (Method::DELETE, one(&pool), None),
            (Method::GET, users.clone(), None),
            (Method::POST, users, Some(json!({ "status": "new" }))),
        ] {
            let answer = app.call(&token, method.clone(), &path, body).await;
            assert_eq!(code(&answer), (404, "pool_not_found".into()), "{method} {path}");
        }
        assert_eq!(list(&app, &token, POOLS).await, ["Others"]);
        // One with users is erased later, one without at once.
        let target = id(&pool).parse::<IdentityPoolId>().unwrap().to_string();
        assert_eq!(count(&app, "SELECT COUNT(*) FROM identity_pools WHERE id = $1", &target).await, 1);
        let acme = organization(&app, &environment, "Acme").await;
        let empty = create(&app, &token, json!({ "name": "Empty", "workspace_id": hex(acme), "id": NOBODY })).await;
        assert_eq!(app.call(&token, Method::DELETE, &one(&empty), None).await.status, 204);
        create(&app, &token, json!({ "name": "Again", "workspace_id": hex(acme), "id": NOBODY })).await;
        let deleted = "SELECT COUNT(*) FROM audit_events WHERE target_id = $1 AND action = 'identity_pool.deleted'";
        assert_eq!(count(&app, deleted, &target).await, 1);
    }

    async fn case_counts_or_not_only_where_no_two_users_become_one(app: TestApp) {
        let (_, token) = set_up(&app).await;
        let pool = create(&app, &token, json!({ "name": "People", "identifier_case_insensitive": false })).await;
        let mut ids = Vec::new();
        for name in ["dana", "DANA"] {
            let user = json!({ "status": "active", "identifiers": [{ "type": "uid", "identifier": name }] });
            let made = app.call(&token, Method::POST, &format!("{}/users", one(&pool)), Some(user)).await;
            assert_eq!(made.status, 201, "{}", made.body);
            ids.push(made.json()["id"].as_str().unwrap().to_owned());
        }
        let body = json!({ "name": "Renamed", "identifier_case_insensitive": true });
        let refused = app.call(&token, Method::PUT, &one(&pool), Some(body.clone())).await;
        assert_eq!(code(&refused), (409, "failed_precondition".into()), "{}", refused.body);
        let same = app.call(&token, Method::GET, &one(&pool), None).await.json();
        assert_eq!((&same["name"], &same["identifier_case_insensitive"]), (&json!("People"), &json!(false)));
        let gone = format!("{}/users/{}", one(&pool), ids[1]);
        assert_eq!(app.call(&token, Method::DELETE, &gone, None).await.status, 204);
        assert_eq!(app.call(&token, Method::PUT, &one(&pool), Some(body)).await.status, 200);
        let found = app.call(&token, Method::POST, &format!("{}/users/by_key", one(&pool)), Some(json!({ "identifier": "DaNa" }))).await;
        assert_eq!(found.json()["id"].as_str(), Some(&*ids[0]));
    }

    async fn pools_of_others_are_not_there(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let pool = create(&app, &token, json!({ "name": "People" })).await;
        let other = app.environment("other").await;
        let theirs = organization(&app, &other, "Theirs").await;
        let foreign_token = app.system_token(&other, &["identity"]).await;
        let foreign = app.call(&foreign_token, Method::POST, "/api/identity/other/system/pools", Some(json!({ "name": "Theirs" }))).await.json();
        for at in [format!("{POOLS}/{}", id(&foreign)), format!("{POOLS}/{NOBODY}"), format!("{POOLS}/x")] {
            for (method, body) in [(Method::GET, None), (Method::PUT, Some(json!({ "name": "a" }))), (Method::DELETE, None)] {
                let answer = app.call(&token, method.clone(), &at, body).await;
                assert_eq!(code(&answer), (404, "pool_not_found".into()), "{method} {at}");
            }
        }
        for workspace in [hex(theirs), theirs.to_string(), NOBODY.to_owned(), "x".to_owned()] {
            let at = format!("/api/identity/prod/system/workspace/{workspace}/pools");
            let answer = app.call(&token, Method::GET, &at, None).await;
            assert_eq!(code(&answer), (404, "organization_not_found".into()), "{at}");
            let body = json!({ "name": "a", "workspace_id": workspace });
            assert_eq!(code(&app.call(&token, Method::POST, POOLS, Some(body)).await), (404, "organization_not_found".into()));
        }
        let mismatch = app.call(&foreign_token, Method::GET, &one(&pool), None).await;
        assert_eq!(code(&mismatch), (403, "tenant_mismatch".into()));
        assert_eq!(app.call(&token, Method::GET, &format!("{POOLS}?after_pool_id={}", id(&foreign)), None).await.status, 200);
        // Without the scope, and without a token; of what is there and of what is not alike.
        let weak = app.system_token(&environment, &["manage_organizations"]).await;
        for at in [
            POOLS.to_owned(), one(&pool), format!("{POOLS}/{NOBODY}"), of(theirs),
            "/api/identity/prod/system/workspace/root/pools".to_owned(),
        ] {
            assert_eq!(code(&app.call(&weak, Method::GET, &at, None).await), (403, "insufficient_scope".into()), "{at}");
            assert_eq!(code(&app.call("x", Method::GET, &at, None).await), (401, "unauthorized".into()), "{at}");
        }
        for (method, body) in [(Method::PUT, Some(json!({ "name": "a" }))), (Method::DELETE, None)] {
            let answer = app.call(&weak, method, &one(&pool), body).await;
            assert_eq!(code(&answer), (403, "insufficient_scope".into()));
        }
        let strong = app.system_token(&environment, &["manage_configuration"]).await;
        assert_eq!(list(&app, &strong, POOLS).await, ["People"]);
        assert_eq!(code(&app.call(&token, Method::PATCH, POOLS, None).await).0, 405);
    }

    async fn administrators_have_paths_of_their_own(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let acme = organization(&app, &environment, "Acme").await;
        let at = format!("/api/identity/prod/admin/workspace/{}/pools", hex(acme));
        let made = app.call(&token, Method::POST, &at, Some(json!({ "name": "People" }))).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let pool = made.json();
        assert_eq!(pool["workspace_id"], json!(hex(acme)));
        let elsewhere = app.call(&token, Method::POST, &at, Some(json!({ "name": "a", "workspace_id": "root" }))).await;
        assert_eq!(code(&elsewhere), (422, "validation_failed".into()));
        assert_eq!(list(&app, &token, &at).await, ["People"]);
        assert_eq!(list(&app, &token, "/api/identity/prod/admin/pools").await, ["People"]);
        let admin = format!("/api/identity/prod/admin/pools/{}", id(&pool));
        assert_eq!(app.call(&token, Method::GET, &admin, None).await.json(), pool);
        let users = format!("{admin}/users");
        let user = app.call(&token, Method::POST, &users, Some(json!({ "status": "new" }))).await;
        assert_eq!(user.status, 201, "{}", user.body);
        let user = format!("{users}/{}", user.json()["id"].as_str().unwrap());
        let add = json!({ "type": "uid", "identifier": "dana" });
        assert_eq!(app.call(&token, Method::POST, &format!("{user}/identifiers/add"), Some(add)).await.status, 200);
        assert_eq!(app.call(&token, Method::GET, &user, None).await.json()["identifiers"][0]["identifier"], json!("dana"));
        assert_eq!(app.call(&token, Method::DELETE, &user, None).await.status, 204);
        let wrong = format!("/api/identity/prod/admin/workspace/root/pools/{}", id(&pool));
        assert_eq!(code(&app.call(&token, Method::DELETE, &wrong, None).await), (404, "pool_not_found".into()));
        assert_eq!(app.call(&token, Method::DELETE, &format!("{at}/{}", id(&pool)), None).await.status, 204);
        let weak = app.system_token(&environment, &["manage_organizations"]).await;
        assert_eq!(code(&app.call(&weak, Method::POST, &at, Some(json!({ "name": "a" }))).await), (403, "insufficient_scope".into()));
    }

    async fn an_organization_made_from_another_gets_copies_of_its_pools_and_no_user(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let template = organization(&app, &environment, "Template").await;
        let mut wanted = every_setting();
        wanted["workspace_id"] = json!(hex(template));
        let schemas = "/api/identity/prod/system/schemas";
        let schema = app.call(&token, Method::POST, schemas, Some(json!({ "name": "Own", "schema": {} }))).await.json();
        wanted["payload_schema_id"] = schema["id"].clone();
        let first = create(&app, &token, wanted).await;
        for name in ["Second", "Third", "Fourth"] {
            app.advance(std::time::Duration::from_secs(1));
            create(&app, &token, json!({ "name": name, "workspace_id": hex(template) })).await;
        }
        app.call(&token, Method::POST, &format!("{}/users", one(&first)), Some(json!({ "status": "new" }))).await;
        app.advance(std::time::Duration::from_secs(5));
        let copy = organization(&app, &environment, "Copy").await;
        let operator = Principal::operator(environment.id);
        let mut tx = app.state.db.write().await.unwrap();
        let copies = pools::copy_to(&mut tx, &app.state, &operator, template, copy).await.unwrap();
        tx.commit().await.unwrap();
        let source = stored(&app, &environment, id(&first)).await.unwrap();
        assert_eq!(source.number_of_users, 1);
        let found: IdentityPool =
            table::find(&mut app.state.db.read().await.unwrap(), environment.id, copies[0].id).await.unwrap().unwrap();
        assert_eq!(found, IdentityPool {
            id: found.id, organization_id: copy, number_of_users: 0, created_at: app.now(), updated_at: app.now(), ..source
        });
        assert_eq!(list(&app, &token, &of(copy)).await, ["Customers", "Second", "Third", "Fourth"]);
        assert_eq!(count(&app, "SELECT COUNT(*) FROM users WHERE pool_id = $1", &found.id.to_string()).await, 0);
        let created = "SELECT COUNT(*) FROM audit_events WHERE target_id = $1 AND action = 'identity_pool.created'";
        assert_eq!(count(&app, created, &found.id.to_string()).await, 1);
        // The copy uses the schema too, and goes its own way.
        let mut changed = first.clone();
        changed["payload_schema_id"] = json!("user_v0");
        assert_eq!(app.call(&token, Method::PUT, &one(&first), Some(changed)).await.status, 200);
        let in_use = app.call(&token, Method::DELETE, &format!("{schemas}/{}", id(&schema)), None).await;
        assert_eq!(code(&in_use), (409, "failed_precondition".into()));
        let own = stored(&app, &environment, &found.id.to_string()).await.unwrap().payload_schema;
        assert!(matches!(own, SchemaRef::Own(_)));
    }

    async fn an_organization_made_from_one_without_pools_begins_as_the_guide_says(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let template = organization(&app, &environment, "Template").await;
        let copy = organization(&app, &environment, "Copy").await;
        let operator = Principal::operator(environment.id);
        let mut tx = app.state.db.write().await.unwrap();
        pools::copy_to(&mut tx, &app.state, &operator, template, copy).await.unwrap();
        tx.commit().await.unwrap();
        let pools = app.call(&token, Method::GET, &of(copy), None).await.json();
        let pools = pools["pools"].as_array().unwrap();
        assert_eq!(pools.len(), 1);
        assert_eq!(pools[0]["authentication_mechanisms"], json!(["password", "webauthn"]));
        assert_eq!(pools[0]["preferred_authentication_mechanism"], json!("password"));
        assert_eq!(list(&app, &token, &of(template)).await, [""; 0]);
        let mut tx = app.state.db.write().await.unwrap();
        let nobody = OrganizationId::from_bits(1);
        let refused = pools::copy_to(&mut tx, &app.state, &operator, template, nobody).await;
        assert!(matches!(refused, Err(ostiary::app::Error::NotFound { kind: "organization", .. })));
    }

    async fn an_organization_has_at_most_a_hundred_pools_whoever_asks_at_once(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let acme = organization(&app, &environment, "Acme").await;
        let mut tx = app.state.db.write().await.unwrap();
        for _ in 0..97 {
            let pool = IdentityPool::new(Id::new(app.now(), random()), environment.id, acme, app.now());
            table::insert(&mut tx, &pool).await.unwrap();
        }
        tx.commit().await.unwrap();
        let calls = (0..8).map(|_| {
            let (app, token, body) = (&app, &token, json!({ "name": "a", "workspace_id": hex(acme) }));
            async move { code(&app.call(token, Method::POST, POOLS, Some(body)).await) }
        });
        let answers = futures_util::future::join_all(calls).await;
        assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 3, "{answers:?}");
        let refused = answers.iter().filter(|answer| **answer == (409, "failed_precondition".into())).count();
        assert_eq!(refused, 5, "{answers:?}");
    }

    async fn pools_go_with_their_organization(app: TestApp) {
        let (environment, token) = set_up(&app).await;
        let acme = organization(&app, &environment, "Acme").await;
        let pool = create(&app, &token, json!({ "name": "People", "workspace_id": hex(acme) })).await;
        resource::remove::<Organization>(&app.state, &Principal::operator(environment.id), acme, None).await.unwrap();
        for (method, body) in [(Method::GET, None), (Method::PUT, Some(json!({ "name": "a" }))), (Method::DELETE, None)] {
            let answer = app.call(&token, method, &one(&pool), body).await;
            assert_eq!(code(&answer), (404, "pool_not_found".into()));
        }
        assert_eq!(code(&app.call(&token, Method::GET, &of(acme), None).await), (404, "organization_not_found".into()));
        let body = json!({ "name": "a", "workspace_id": hex(acme) });
        assert_eq!(code(&app.call(&token, Method::POST, POOLS, Some(body)).await), (404, "organization_not_found".into()));
    }
}
