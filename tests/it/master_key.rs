//! A master key is replaced: what it sealed is sealed again while servers run, and then nothing needs it any more.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use base::id::{LetterId, OidcConnectionId, UserId};
use model::{
    account::AccountId,
    administrator::Role,
    application::ClientKind,
    letter::{Letter, LetterKind, LetterState},
    webhook::Webhook,
};
use ostiary::{
    app::{
        accounts::totp::{self, TotpSecret},
        applications::{ApplicationChange, vendor},
        authorization_server::signing_keys,
        connections::{oidc, saml::sp_keys},
        directories::request_log,
        keys::{
            KeyOwner, Rotation,
            master::{self, MasterKeyStage, MasterKeySummary},
        },
        principal::Principal,
        webhooks::signature::WebhookSecret,
    },
    config::{Config, Redacted},
    server::Server,
    store::{
        self,
        sealed_columns::{
            DEMO_SECRETS, ISSUED_SECRET, LETTER_CONTENTS, LETTER_RECIPIENT, OIDC_CLIENT_SECRET,
            SEALED_COLUMNS, count_by_key, list_other, replace,
        },
    },
};
use reqwest::Method;
use serde_json::json;

use crate::{
    both,
    support::{administrators::PASSWORD, scim::TestDirectory, *},
};

const OLD: [u8; 32] = [7; 32];
const NEW: [u8; 32] = [8; 32];

fn with_keys(keys: &[[u8; 32]]) -> impl FnOnce(&mut Config) {
    let keys = keys.to_vec();
    move |config| {
        // Links lead to whichever server is asked.
        config.public_url = Some("http://sso.example".parse().unwrap());
        config.master_key = Some(Redacted(keys));
    }
}

/// What a customer, an app and an operator have, with a sealed value of every kind.
struct Contents {
    tenant: Tenant,
    key: String,
    directory: TestDirectory,
    webhook: Webhook,
    flow: String,
    kids: BTreeSet<String>,
    sp_certificate: String,
    administrator: String,
    openid: OidcConnectionId,
}

/// Somebody with an authenticator app.
fn user() -> AccountId {
    UserId::from_bits(1).into()
}

async fn kids(app: &TestApp) -> BTreeSet<String> {
    let keys = app.browser().get(&app.url("/v1/oauth/jwks")).await.json();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].to_string()).collect()
}

/// A whole login. Returns the flow's id.
async fn log_in(app: &TestApp, contents: (&Tenant, &str)) -> String {
    let (tenant, key) = contents;
    let browser = app.browser();
    let request = app.begin(&browser, key, tenant).await;
    let idp = IdentityProvider::get();
    let mut spec = idp.response(tenant, Some(&request.id), "dana@acme.example", app.now());
    spec.attributes.push(("groups".into(), vec!["Engineers".into()]));
    let answer = request.answer(&browser, tenant, &idp.sign(&spec)).await;
    let code = query(&answer.location(), "saml_access_code").unwrap();
    let redeemed = app.redeem(key, &code).await;
    assert_eq!(redeemed.json()["email"], "dana@acme.example", "{}", redeemed.body);
    redeemed.json()["samlFlowId"].as_str().unwrap().to_owned()
}

async fn repeat(app: &TestApp, key: &str) -> Answer {
    let browser = app.browser();
    let request = browser.request(Method::POST, &app.url("/v1/organizations")).bearer_auth(key);
    let request = request.header("idempotency-key", "once").json(&json!({ "displayName": "Once" }));
    browser.send(request).await
}

async fn webhook(app: &TestApp, id: &str, tenant: &Tenant) -> Webhook {
    let mut conn = app.state.db.read().await.unwrap();
    store::table::find(&mut conn, tenant.environment.id, id.parse().unwrap()).await.unwrap().unwrap()
}

fn letter_id() -> LetterId {
    LetterId::from_bits(7)
}

/// A letter that waits.
fn letter(app: &TestApp, tenant: &Tenant) -> Letter {
    let now = app.now();
    Letter {
        id: letter_id(),
        environment_id: tenant.environment.id,
        organization_id: tenant.organization.id,
        account_id: None,
        kind: LetterKind::AlreadyRegistered,
        code_id: None,
        asked_by: None,
        sealed_recipient: Some(app.state.seal(&LETTER_RECIPIENT, &[&letter_id()], b"dana@acme.example")),
        state: LetterState::Queued,
        attempts: 0,
        next_attempt_at: Some(now + Duration::from_secs(3600)),
        expires_at: now + Duration::from_secs(7200),
        last_error: None,
        last_reply: None,
        created_at: now,
        updated_at: now,
    }
}

fn letter_contents(app: &TestApp) -> String {
    app.state.seal(&LETTER_CONTENTS, &[&letter_id()], b"{}")
}

async fn fill(app: &TestApp) -> Contents {
    let environment = app.environment("prod").await;
    let tenant = app.tenant(&environment, "acme.example").await;
    let key = app.api_key(&environment, true).await;
    let directory = app.scim_directory(&tenant).await;
    app.scim_user(&directory, "erin@acme.example").await;
    app.scim(&directory, Method::GET, "/Users?count=1", None).await;
    let body = json!({ "url": "https://hooks.app.example/ostiary" });
    let made = app.api(&key, Method::POST, "/v1/webhooks", Some(body)).await.json();
    let id = made["webhook"]["id"].as_str().unwrap().to_owned();
    let rotated =
        app.api(&key, Method::POST, &format!("/v1/webhooks/{id}/rotate-secret"), Some(json!({}))).await;
    assert_eq!(rotated.status, 200, "{}", rotated.body);
    repeat(app, &key).await;
    let sealed = app.state.seal(&DEMO_SECRETS, &[&"demo"], b"{}");
    let mut tx = app.state.db.write().await.unwrap();
    store::settings::upsert(&mut tx, "demo", &sealed).await.unwrap();
    tx.commit().await.unwrap();
    let change =
        ApplicationChange { display_name: Some("Portal".to_owned()), ..ApplicationChange::default() };
    let principal = Principal::operator(environment.id);
    vendor::create_named(&app.state, &principal, &change, ClientKind::Service, &[]).await.unwrap();
    let application = app.program(&environment, None, &["a"]).await.id;
    let sealed = app.state.seal(&ISSUED_SECRET, &[&application], b"app_secret_x");
    let mut tx = app.state.db.write().await.unwrap();
    store::issued_secrets::put(&mut tx, application, &sealed, app.now() + Duration::from_secs(3600))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let openid = crate::support::openid_provider::connection(app, &tenant).await.id;
    let administrator = app.with_password("root@vendor.example").await;
    let mut tx = app.state.db.write().await.unwrap();
    totp::set(&mut tx, &app.state, user(), &TotpSecret::new(random())).await.unwrap();
    store::letters::insert(&mut tx, &letter(app, &tenant), Some(&letter_contents(app))).await.unwrap();
    tx.commit().await.unwrap();
    Contents {
        flow: log_in(app, (&tenant, &key)).await,
        webhook: webhook(app, &id, &tenant).await,
        kids: kids(app).await,
        sp_certificate: sp_keys::encryption_certificate(&app.state, environment.id).await.unwrap(),
        administrator: administrator.email.to_string(),
        openid,
        tenant,
        key,
        directory,
    }
}

/// Everything that a sealed value is needed for.
async fn use_everything(app: &TestApp, contents: &Contents) {
    let mut tx = app.state.db.write().await.unwrap();
    assert!(!totp::verify(&mut tx, &app.state, user(), "no code").await.unwrap());
    tx.commit().await.unwrap();
    let Contents { tenant, key, .. } = contents;
    log_in(app, (tenant, key)).await;
    let flow = app.api(key, Method::GET, &format!("/v1/saml-flows/{}", contents.flow), None).await;
    assert!(flow.body.contains("dana@acme.example"), "{}", flow.body);
    let checked = app.api(key, Method::POST, &format!("/v1/saml-flows/{}/check", contents.flow), None).await;
    assert_eq!(checked.status, 200, "the stored response opens: {}", checked.body);
    app.scim_user(&contents.directory, &format!("u{:032x}@acme.example", random().bits())).await;
    let path = format!("/v1/scim-requests?scimDirectoryId={}", contents.directory.id);
    let log = app.api(key, Method::GET, &path, None).await;
    assert!(log.body.contains("erin@acme.example"), "{}", log.body);
    assert_eq!(repeat(app, key).await.header("idempotency-replayed"), "true");
    let webhook = webhook(app, &contents.webhook.id.to_string(), tenant).await;
    let (previous, _) = webhook.previous_secret.as_ref().unwrap();
    for sealed in [&webhook.sealed_secret, previous] {
        WebhookSecret::open(&app.state, webhook.id, sealed).unwrap();
    }
    let principal = Principal::operator(tenant.environment.id);
    let openid = oidc::find(&app.state, &principal, contents.openid).await.unwrap();
    let secret = app.state.open(&OIDC_CLIENT_SECRET, &[&openid.id], &openid.client_secret.unwrap()).unwrap();
    assert_eq!(secret, crate::support::openid_provider::SECRET.as_bytes());
    assert_eq!(kids(app).await, contents.kids);
    let certificate = sp_keys::encryption_certificate(&app.state, tenant.environment.id).await.unwrap();
    assert_eq!(certificate, contents.sp_certificate);
    let browser = app.browser();
    let fields = [("email", contents.administrator.as_str()), ("password", PASSWORD)];
    let answer = browser.post(&app.url("/console/sign-in"), &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
}

async fn summary(app: &TestApp) -> Vec<MasterKeySummary> {
    master::list(&app.state.db, &app.state.master_key).await.unwrap()
}

async fn start(app: &TestApp, keys: &[[u8; 32]]) -> Result<(), String> {
    let mut config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        database_url: app.database.url.parse().unwrap(),
        workers: 1,
        ..Config::default()
    };
    with_keys(keys)(&mut config);
    let built = Server::build(config, app.clock.clone(), Arc::new(base::random::SystemRandom)).await;
    built.map(drop).map_err(|error| error.to_string())
}

/// The columns with a value that a key of this name sealed.
async fn sealed_under(app: &TestApp, name: &str) -> Vec<String> {
    app.columns_where("substr({}, 1, 9) = $1", &format!("{name}.")).await
}

both! {
    async fn a_server_needs_no_older_master_key_once_everything_is_sealed_again(app: TestApp) {
        let app = app.replica_with(with_keys(&[OLD])).await;
        let contents = fill(&app).await;
        request_log::flush(&app.state).await.unwrap();
        let old_name = app.state.master_key.names().remove(0);
        for column in SEALED_COLUMNS {
            let mut conn = app.state.db.read().await.unwrap();
            let counts = count_by_key(&mut conn, column).await.unwrap();
            assert!(counts.iter().any(|(name, _)| *name == old_name), "{column:?} is not filled: {counts:?}");
        }
        assert!(start(&app, &[NEW]).await.unwrap_err().contains("keys reseal"));

        // Servers have the new key, first at the end of the list and then at its beginning.
        let serving = app.replica_with(with_keys(&[OLD, NEW])).await;
        let renewed = app.replica_with(with_keys(&[NEW, OLD])).await;
        use_everything(&renewed, &contents).await;
        use_everything(&serving, &contents).await;

        // Killed in the middle: what was done stays done.
        let (told, mut first) = tokio::sync::mpsc::unbounded_channel();
        let before = summary(&renewed).await;
        tokio::select! {
            _ = master::reseal(&renewed.state, &Principal::OPERATOR, |_, _| told.send(()).unwrap()) => {
                panic!("nothing to do");
            }
            _ = first.recv() => {}
        }
        let between = summary(&renewed).await;
        assert!(between[1].values > 0 && between[1].values < before[1].values, "{before:?} {between:?}");
        assert!(start(&app, &[NEW]).await.is_err(), "the old key is still needed");
        use_everything(&serving, &contents).await;

        let resealed = master::reseal(&renewed.state, &Principal::OPERATOR, |_, _| {}).await.unwrap();
        assert_eq!(resealed.unreadable, []);
        let after = summary(&renewed).await;
        assert_eq!((after[1].stage, after[1].values), (MasterKeyStage::Older, 0));
        assert_eq!(sealed_under(&renewed, &old_name).await, [""; 0]);
        use_everything(&serving, &contents).await;

        // The one with the old key first went on sealing with it: that is told.
        let left = summary(&renewed).await[1].values;
        assert!(left > 0, "{left}");
        serving.stop().await;
        app.stop().await;
        master::reseal(&renewed.state, &Principal::OPERATOR, |_, _| {}).await.unwrap();
        assert_eq!(summary(&renewed).await[1].values, 0);
        assert!(start(&renewed, &[OLD]).await.is_err(), "the replaced key alone opens nothing");

        let last = renewed.replica_with(with_keys(&[NEW])).await;
        use_everything(&last, &contents).await;
        let again = master::reseal(&last.state, &Principal::OPERATOR, |_, _| {}).await.unwrap();
        assert_eq!(again.values, 0, "there is nothing left to do");
        let (filter, page) = (Default::default(), Default::default());
        let audit = ostiary::app::audit::list_installation(&last.state, &Principal::OPERATOR, &filter, &page);
        let audit = audit.await.unwrap().items;
        let resealed = audit.iter().filter(|event| event.action == "master_key.values_resealed").count();
        assert_eq!(resealed, 3);
        assert!(audit.iter().all(|event| event.actor.kind == "operator" || event.target_kind == "administrator"));
    }

    async fn a_value_that_a_server_writes_meanwhile_is_not_overwritten(app: TestApp) {
        let renewed = app.replica_with(with_keys(&[NEW, OLD])).await;
        let sealed = app.state.seal(&DEMO_SECRETS, &[&"demo"], b"before");
        let write = async |sealed: &str| {
            let mut tx = app.state.db.write().await.unwrap();
            store::settings::upsert(&mut tx, "demo", sealed).await.unwrap();
            tx.commit().await.unwrap();
        };
        write(&sealed).await;
        let active = renewed.state.master_key.names().remove(0);
        let mut conn = renewed.state.db.read().await.unwrap();
        let read = list_other(&mut conn, &DEMO_SECRETS, &active, None, 10).await.unwrap();
        drop(conn);
        assert_eq!(read.len(), 1);
        write(&app.state.seal(&DEMO_SECRETS, &[&"demo"], b"meanwhile")).await;
        let mut tx = renewed.state.db.write().await.unwrap();
        let again = renewed.state.seal(&DEMO_SECRETS, &[&"demo"], b"before");
        assert!(!replace(&mut tx, &DEMO_SECRETS, &read[0], again).await.unwrap());
        tx.commit().await.unwrap();

        master::reseal(&renewed.state, &Principal::OPERATOR, |_, _| {}).await.unwrap();
        let stored = store::settings::find(&mut app.state.db.read().await.unwrap(), "demo").await.unwrap();
        let plain = renewed.state.open(&DEMO_SECRETS, &[&"demo"], &stored.unwrap()).unwrap();
        assert_eq!(plain, b"meanwhile");
    }

    async fn a_value_that_cannot_be_opened_keeps_the_older_key_and_is_named(app: TestApp) {
        let renewed = app.replica_with(with_keys(&[NEW, OLD])).await;
        let sealed = app.state.seal(&DEMO_SECRETS, &[&"elsewhere"], b"{}");
        let mut tx = app.state.db.write().await.unwrap();
        store::settings::upsert(&mut tx, "demo", &sealed).await.unwrap();
        tx.commit().await.unwrap();
        let resealed = master::reseal(&renewed.state, &Principal::OPERATOR, |_, _| {}).await.unwrap();
        assert_eq!(resealed.unreadable.len(), 1);
        assert!(resealed.unreadable[0].place.contains("settings/value/demo"), "{resealed:?}");
        assert_eq!(summary(&renewed).await[1].values, 2, "it and the check of the master key");
        assert!(start(&app, &[NEW]).await.is_err());
    }

    async fn a_rotation_of_keys_is_in_the_audit_log(app: TestApp) {
        let environment = app.environment("prod").await;
        let operator = Principal::operator(environment.id);
        sp_keys::rotate(&app.state, &operator, Rotation::Overlapping).await.unwrap();
        let installation = KeyOwner::Installation;
        signing_keys::rotate(&app.state, &Principal::OPERATOR, installation, Rotation::Compromised).await.unwrap();
        let (filter, page) = (Default::default(), Default::default());
        let own = ostiary::app::audit::list(&app.state, &operator, &filter, &page).await.unwrap().items;
        let all = ostiary::app::audit::list_installation(&app.state, &Principal::OPERATOR, &filter, &page);
        let all = all.await.unwrap().items;
        for (events, purpose, compromised) in [(own, "saml_sp", false), (all, "id_token", true)] {
            let [event] = events.as_slice() else { panic!("{events:?}") };
            assert_eq!((event.action.as_str(), event.target_id.as_str()), ("signing_keys.rotated", purpose));
            assert_eq!(event.actor.kind, "operator");
            assert_eq!(event.after["compromised"], compromised);
        }
        let console = app.console(Role::Owner, &environment).await;
        let text = console.page("/audit-events").await.text();
        assert!(text.contains("The command line rotated signing keys"), "{text}");
    }
}

#[test]
fn what_is_stored_is_sealed_for_a_column_of_the_list() {
    fn visit(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("mod tests").next().unwrap().replace(char::is_whitespace, "");
                if code.contains("master_key.seal(") {
                    found.push(path.file_name().unwrap().to_string_lossy().into_owned());
                }
            }
        }
    }
    let mut found = Vec::new();
    visit(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    found.sort();
    // `State::seal`, the replacement of a key, and what browsers keep until it expires.
    assert_eq!(
        found,
        ["challenge.rs", "enrolment.rs", "master.rs", "pending.rs", "second_factor.rs", "state.rs"]
    );
}
