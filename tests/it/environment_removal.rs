//! A removed environment takes everything of its own along, whatever the schema holds.

use std::{collections::BTreeSet, time::Duration};

use base::id::{EnvironmentId, Id, UserId};
use model::{
    administrator::Role,
    event::EventKind,
    oauth_client::IdTokenAlg,
    webhook::{DeliveryState, WebhookDelivery},
};
use ostiary::{
    app::{
        administrators::invitations, administrators::roles::RoleScope, principal::Principal,
        support::login_counts,
    },
    background::{self, Retention},
    store::{self, Db},
};
use reqwest::Method;
use serde_json::json;

use crate::{
    both,
    support::{Backend, IdentityProvider, Tenant, TestApp},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What stays: the audit log, and the slugs that no other environment may have.
const KEPT: [&str; 2] = ["audit_events", "former_slugs"];

/// A column, as the database describes it.
struct Column {
    name: String,
    is_text: bool,
    is_boolean: bool,
}

/// The tables with an `environment_id`.
async fn tables(app: &TestApp) -> Vec<String> {
    let list = match app.backend {
        Backend::Sqlite => {
            "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND c.name = 'environment_id' ORDER BY m.name"
        }
        Backend::Postgres => {
            "SELECT table_name::TEXT FROM information_schema.columns WHERE table_schema = 'public' \
             AND column_name = 'environment_id' ORDER BY table_name"
        }
    };
    let rows: Vec<(String,)> = app.state.db.read().await.unwrap().sql(list).all().await.unwrap();
    rows.into_iter().map(|(name,)| name).collect()
}

/// The columns that a row must have.
async fn columns(app: &TestApp, table: &str) -> Vec<Column> {
    let list = match app.backend {
        Backend::Sqlite => {
            "SELECT name, lower(type) FROM pragma_table_info($1) WHERE \"notnull\" = 1 OR pk > 0 \
             OR name = 'environment_id'"
        }
        Backend::Postgres => {
            "SELECT column_name::TEXT, data_type::TEXT FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = $1 AND (is_nullable = 'NO' OR column_name = 'environment_id')"
        }
    };
    let mut conn = app.state.db.read().await.unwrap();
    let rows: Vec<(String, String)> = conn.sql(list).bind(table.to_owned()).all().await.unwrap();
    let column = |(name, kind): (String, String)| Column {
        name,
        is_text: kind == "text",
        is_boolean: kind == "boolean",
    };
    rows.into_iter().map(column).collect()
}

/// The tables that have rows of the environment, but for those that are kept.
async fn filled(app: &TestApp, environment: EnvironmentId) -> BTreeSet<String> {
    let mut filled = BTreeSet::new();
    for table in tables(app).await {
        let count = format!("SELECT COUNT(*) FROM {table} WHERE environment_id = $1").leak();
        let mut conn = app.state.db.read().await.unwrap();
        let (rows,): (i64,) = conn.sql(count).bind(environment).one().await.unwrap();
        if rows > 0 && !KEPT.contains(&&*table) {
            filled.insert(table);
        }
    }
    filled
}

async fn sweep(app: &TestApp) {
    let year = DAY * 365;
    let retention = Retention {
        logins: year,
        personal_data: year,
        unfinished_logins: year,
        events: year,
        webhook_deliveries: year,
        scim_requests: year,
    };
    background::sweep(&app.state, retention).await.unwrap();
}

async fn remembered(db: &Db) -> i64 {
    let sql = "SELECT COUNT(*) FROM removed_environments";
    db.read().await.unwrap().sql(sql).one::<(i64,)>().await.unwrap().0
}

/// A pool of an organization, with a schema, a user in a group, a one-time code of theirs, a request of an application under way and a
/// letter.
async fn add_people(app: &TestApp, tenant: &Tenant) {
    let mut tx = app.state.db.write().await.unwrap();
    for sql in [
        "INSERT INTO identity_schemas (id, environment_id, name, description, schema, created_at, updated_at) \
         SELECT 'schema_0000000000000000000000001', environment_id, '', '', '{}', 0, 0 FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO identity_pools (id, environment_id, organization_id, name, description, badge_color, \
         authentication_mechanisms, second_factors, identifier_case_insensitive, public_registration_allowed, \
         payload_schema_id, metadata_schema_id, metadata, password_policy, hashing_method, otp_settings, \
         self_reset_allowed, created_at, updated_at) \
         SELECT 'pool_0000000000000000000000001', environment_id, id, 'People', '', '', '[]', '[]', TRUE, FALSE, 'schema_0000000000000000000000001', 'metadata_v0', '{}', \
         '{}', 'argon2', '{}', TRUE, 0, 0 FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO users (id, environment_id, organization_id, pool_id, status, source, user_type, display_name, \
         payload, metadata, business_metadata, created_at, updated_at, status_updated_at) \
         SELECT 'usr_0000000000000000000000001', environment_id, id, 'pool_0000000000000000000000001', 'active', 'standard', '', '', '{}', '{}', '{}', 0, 0, 0 \
         FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO user_groups (id, environment_id, organization_id, pool_id, name, name_key, description, created_at, updated_at) \
         SELECT 'group_0000000000000000000000001', environment_id, id, 'pool_0000000000000000000000001', 'Admins', 'admins', '', 0, 0 \
         FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO user_group_members (group_id, user_id, added_at) \
         SELECT 'group_0000000000000000000000001', 'usr_0000000000000000000000001', 0 \
         FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO authorization_requests (request_sha256, environment_id, issuer, browser_sha256, client_id, redirect_uri, \
         redirect_uri_sent, response_mode, scope, created_at, expires_at) \
         SELECT '', environment_id, id, '', '', '', FALSE, 'query', '', 0, 4102444800000 \
         FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO one_time_codes (id, account_id, environment_id, purpose, code_sha256, failures, created_at, \
         expires_at) SELECT 'code_0000000000000000000000001', 'usr_0000000000000000000000001', environment_id, 'activation', '', 0, 0, 4102444800000 \
         FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO roles (id, environment_id, organization_id, name, name_key, audience_type, audience_id, permissions, created_at, \
         updated_at) SELECT 'role_0000000000000000000000001', environment_id, id, 'R', 'r', 'organization', id, '[]', 0, 0 \
         FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO role_assignments (role_id, organization_id, subject_kind, subject_id, environment_id, created_at) \
         SELECT 'role_0000000000000000000000001', id, 'user', 'usr_0000000000000000000000001', environment_id, 0 \
         FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO discovery_settings (environment_id, email_domains, updated_at) SELECT environment_id, TRUE, 0 \
         FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO user_associations (environment_id, organization_id, user_id, resident_user_id, resident_organization_id, kind, \
         created_at) SELECT environment_id, id, 'usr_0000000000000000000000001', 'usr_0000000000000000000000002', id, 'OWNER', 0 \
         FROM organizations WHERE id = $1 AND deleted_at IS NULL",
        "INSERT INTO letters (id, environment_id, organization_id, kind, state, attempts, expires_at, created_at, updated_at) \
         SELECT 'letter_0000000000000000000000001', environment_id, id, 'activation', 'failed', 0, 0, 4102444800000, 0 \
         FROM organizations WHERE id = $1 AND deleted_at IS NULL",
    ] {
        tx.sql(sql).bind(tenant.organization.id).execute().await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Puts a row of the environment into each table that takes one, as a request does that was under way. What a foreign
/// key refuses needs no sweep.
async fn leave_stragglers(app: &TestApp, environment: EnvironmentId) -> BTreeSet<String> {
    let mut left = BTreeSet::new();
    for table in tables(app).await.into_iter().filter(|table| !KEPT.contains(&&**table)) {
        let columns = columns(app, &table).await;
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let values: Vec<String> = columns
            .iter()
            .map(|column| match column.name.as_str() {
                "environment_id" => format!("'{environment}'"),
                // Users are erased by their ids, which are read.
                "id" if table == "users" => format!("'{}'", UserId::from_bits(2)),
                _ if column.is_text => "'straggler'".to_owned(),
                _ if column.is_boolean => "FALSE".to_owned(),
                _ => "0".to_owned(),
            })
            .collect();
        let insert =
            format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", ")).leak();
        let mut tx = app.state.db.write().await.unwrap();
        match tx.sql(insert).execute().await {
            Ok(_) => {
                tx.commit().await.unwrap();
                left.insert(table);
            }
            Err(error) => {
                assert!(matches!(error, store::Error::MissingReference), "{table}: {error}")
            }
        }
    }
    left
}

both! {
    async fn nothing_is_left_but_the_audit_log(app: TestApp) {
        // What has expired must have expired by the database's clock too.
        app.clock.set_back(DAY * 3);
        let environment = app.environment("prod").await;
        let other = app.environment("other").await;
        let key = app.api_key(&environment, true).await;
        app.api_key(&other, true).await;
        app.oauth_client(&environment, IdTokenAlg::RS256).await;
        app.system_token(&environment, &["identity"]).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.directory(&tenant).await;
        let scim = app.scim_directory(&tenant).await;
        app.scim_user(&scim, "dana@acme.example").await;
        let body = json!({ "url": "https://hooks.app.example/x" });
        let made = app.api(&key, Method::POST, "/v1/webhooks", Some(body)).await.json();
        let delivery = WebhookDelivery {
            id: Id::from_bits(1),
            webhook_id: made["webhook"]["id"].as_str().unwrap().parse().unwrap(),
            environment_id: environment.id,
            sequence: 1,
            state: DeliveryState::Delivered,
            attempts: 1,
            next_attempt_at: None,
            last_status: Some(200),
            last_error: None,
            created_at: app.now(),
            updated_at: app.now(),
        };
        let mut tx = app.state.db.write().await.unwrap();
        store::webhook_deliveries::insert(&mut tx, &delivery).await.unwrap();
        tx.commit().await.unwrap();
        app.record_event(&directory, EventKind::UserCreated, json!({})).await;
        let body = json!({ "organizationId": tenant.organization.id, "canManageSaml": true });
        let link = app.api(&key, Method::POST, "/v1/setup-urls", Some(body)).await.json();
        let admin = app.browser();
        let page = admin.get(link["url"].as_str().unwrap()).await;
        assert_eq!(admin.submit(&page, &page.form()).await.status, 303);
        let branding = format!("/v1/environments/{}/branding", environment.id);
        app.api(&key, Method::PATCH, &branding, Some(json!({ "applicationName": "App" }))).await;
        crate::support::openid_provider::connection(&app, &tenant).await;
        let body = json!({ "organizationId": tenant.organization.id, "assertionEncryption": true });
        assert_eq!(app.api(&key, Method::POST, "/v1/saml-connections", Some(body)).await.status, 200);
        let console = app.administrator(Role::Viewer, Some(&environment)).await;
        let scope = RoleScope::Environment(Principal::operator(environment.id));
        invitations::create(&app.state, &scope, "invited@vendor.example", Role::Viewer).await.unwrap();
        let browser = app.browser();
        let request = app.begin(&browser, &key, &tenant).await;
        let idp = IdentityProvider::get();
        let response = idp.response(&tenant, Some(&request.id), "dana@acme.example", app.now());
        assert_eq!(request.answer(&browser, &tenant, &idp.sign(&response)).await.status, 303);
        app.begin(&app.browser(), &key, &tenant).await;
        login_counts::count(&app.state, DAY).await.unwrap();
        add_people(&app, &tenant).await;
        let before = filled(&app, environment.id).await;
        let all: BTreeSet<String> = tables(&app).await.into_iter().filter(|name| !KEPT.contains(&&**name)).collect();
        let empty: Vec<_> = all.difference(&before).collect();
        assert!(empty.is_empty(), "this test fills every table but {empty:?}");

        let page = console.get(&app.url("/console/account")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let organization = format!("/v1/organizations/{}", tenant.organization.id);
        assert_eq!(app.api(&key, Method::DELETE, &organization, None).await.status, 200);
        let path = format!("/v1/environments/{}", environment.id);
        assert_eq!(app.api(&key, Method::DELETE, &path, None).await.status, 200);
        let page = console.get(&app.url("/console/account")).await;
        assert_ne!(page.status, 200, "whoever had a role nowhere else is signed out");
        let histories = filled(&app, environment.id).await;
        let swept = [
            "authorization_grants", "connection_logins", "events", "login_counts", "login_flows", "webhook_deliveries",
            "signed_access_tokens", "users", "one_time_codes", "authorization_requests", "letters", "user_groups",
        ];
        // What hangs from roles and users by a key goes with them.
        let hanging = ["roles", "role_assignments", "user_associations"];
        let all = || swept.iter().chain(&hanging);
        assert!(histories.iter().all(|table| all().any(|name| *name == table)), "{histories:?}");
        assert!(histories.contains("login_flows") && histories.contains("events"));
        sweep(&app).await;
        assert_eq!(filled(&app, environment.id).await, BTreeSet::new());

        // What was under way may still write, and its rows go too.
        let stragglers = leave_stragglers(&app, environment.id).await;
        assert!(swept.iter().all(|table| stragglers.contains(*table)), "{stragglers:?}");
        assert_eq!(filled(&app, environment.id).await, stragglers);
        sweep(&app).await;
        assert_eq!(filled(&app, environment.id).await, BTreeSet::new());
        assert_eq!(remembered(&app.state.db).await, 1);
        app.advance(DAY + Duration::from_secs(1));
        sweep(&app).await;
        assert_eq!(remembered(&app.state.db).await, 0);
        assert!(!filled(&app, other.id).await.is_empty(), "another environment's are not touched");
        let kept = "SELECT COUNT(*) FROM audit_events WHERE environment_id = $1";
        let mut conn = app.state.db.read().await.unwrap();
        let (kept,): (i64,) = conn.sql(kept).bind(environment.id).one().await.unwrap();
        assert!(kept > 0);
    }
}
