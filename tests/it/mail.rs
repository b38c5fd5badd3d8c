//! Letters by mail: what goes to a mail server that is not ours, when, how often, and what does not.

use std::{path::Path, process::Command, time::Duration};

use base::id::{Id, IdentityPoolId, UserId};
use model::{
    account::OneTimeCodePurpose,
    administrator::Role,
    environment::Environment,
    identity_pool::IdentityPool,
    organization::root_id,
    user::{IdentifierKind, UserStatus},
};
use openssl::{
    asn1::Asn1Time,
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::PKey,
    x509::{
        X509Builder, X509NameBuilder,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};
use ostiary::{
    app::{
        accounts::{
            user_credentials,
            users::{self, NewAddress, NewIdentifier, NewUser},
        },
        principal::Principal,
    },
    store,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        Answer, TestApp, eventually,
        mail::{MailServer, code_of, header, send_by},
        random,
    },
};

const PASSWORD: &str = "violet kettle under snow";

/// A program that administers a pool, through one server.
struct Caller<'a> {
    app: &'a TestApp,
    environment: Environment,
    pool: IdentityPoolId,
    token: String,
}

impl<'a> Caller<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("acme").await;
        let token = app.system_token(&environment, &["identity"]).await;
        let id = Id::new(app.now(), random());
        let mut pool = IdentityPool::new(id, environment.id, root_id(environment.id), app.now());
        pool.name = "People".to_owned();
        pool.public_registration_allowed = true;
        pool.self_reset_allowed = true;
        let mut tx = app.state.db.write().await.unwrap();
        store::table::insert(&mut tx, &pool).await.unwrap();
        tx.commit().await.unwrap();
        Self { app, environment, pool: id, token }
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        // Ids of one moment have no order.
        self.app.clock.advance(Duration::from_millis(1));
        let path =
            format!("/api/identity/{}/system/pools/{:032x}{path}", self.environment.slug, self.pool.bits());
        self.app.api(&self.token, Method::POST, &path, Some(body)).await
    }

    async fn user(&self, email: &str, status: UserStatus) -> UserId {
        let mut new = NewUser::new(status);
        new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, email));
        new.addresses.push(NewAddress::email(email, status == UserStatus::Active));
        let principal = Principal::operator(self.environment.id);
        users::create(&self.app.state, &principal, self.pool, &new).await.unwrap().id
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

    /// Asks for a new password on behalf of whoever has the address.
    async fn forgot(&self, email: &str) {
        let answer = self.post("/user/password/reset/request", json!({ "identifier": email })).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""));
    }
}

/// What the outbox holds: kind, state, attempts, error, reply, and whether it still knows what the letter says.
type Row = (String, String, i64, Option<String>, Option<i64>, bool);

async fn rows(app: &TestApp) -> Vec<Row> {
    let mut conn = app.state.db.read().await.unwrap();
    conn.sql(
        "SELECT kind, state, attempts, last_error, last_reply, contents IS NOT NULL FROM letters ORDER BY id",
    )
    .all()
    .await
    .unwrap()
}

/// Waits until the newest letter is in a state after so many attempts.
async fn newest(app: &TestApp, state: &str, attempts: i64) -> Row {
    eventually(&format!("{state} after {attempts}"), async || {
        rows(app).await.pop().filter(|row| row.1 == state && row.2 == attempts)
    })
    .await
}

/// Waits until a letter was sent that is written last, to somebody new: what was due before was attempted before.
async fn after_all_others(app: &TestApp, server: &MailServer, caller: &mut Caller<'_>) {
    caller.token = app.system_token(&caller.environment, &["identity"]).await;
    caller.user("last@acme.example", UserStatus::Active).await;
    caller.forgot("last@acme.example").await;
    server.letter_to("last@acme.example", 1).await;
}

both! {
    async fn a_new_user_gets_a_letter_and_activates_the_account_with_it(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let caller = Caller::new(&app).await;
        let user = caller.user("dana@acme.example", UserStatus::New).await;
        let path = format!("/users/{:032x}/activation/send", user.bits());
        assert_eq!(caller.post(&path, json!({})).await.status, 204);
        let letter = server.letter_to("dana@acme.example", 1).await;
        assert_eq!((&letter["sender"], &letter["hello"]), (&json!("no-reply@vendor.example"), &json!("localhost")));
        assert_eq!(header(&letter, "From"), "Environment acme <no-reply@vendor.example>");
        assert_eq!(header(&letter, "Subject"), "Activate your account for Environment acme");
        assert_eq!(header(&letter, "Auto-Submitted"), "auto-generated");
        let (text, code) = (letter["text"].as_str().unwrap(), code_of(&letter));
        assert!(text.contains(&format!("{}/acme/root/sign-in/activate?code={code}", app.base)), "{text}");
        let html = letter["html"].as_str().unwrap();
        assert!(html.contains(&format!("/acme/root/sign-in/activate?code={code}")), "{html}");
        let row = newest(&app, "sent", 1).await;
        assert_eq!(row, ("activation".into(), "sent".into(), 1, None, None, false), "what it said is gone");

        let wrong = caller.post("/user/activate", json!({ "code": format!("{code}0"), "password": PASSWORD })).await;
        assert_eq!(wrong.status, 422, "{}", wrong.body);
        let activated = caller.post("/user/activate", json!({ "code": code, "password": PASSWORD })).await;
        assert_eq!(activated.status, 201, "{}", activated.body);
        assert_eq!(activated.json()["status"], "active");

        // The address is sealed where it is kept.
        let mut conn = app.state.db.read().await.unwrap();
        let stored: Vec<(String,)> = conn.sql("SELECT recipient FROM letters").all().await.unwrap();
        assert!(stored.len() == 1 && !stored[0].0.contains("dana"), "{stored:?}");
    }

    async fn whether_somebody_has_the_address_is_told_to_nobody_but_them(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let caller = Caller::new(&app).await;
        caller.user("dana@acme.example", UserStatus::Active).await;
        caller.forgot("nobody@acme.example").await;
        assert_eq!(rows(&app).await.pop().unwrap(), ("reset_password".into(), "failed".into(), 0, Some("no_account".into()), None, false));
        caller.forgot("dana@acme.example").await;
        let letter = server.letter_to("dana@acme.example", 1).await;
        assert_eq!(header(&letter, "Subject"), "Set a new password for Environment acme");
        let code = code_of(&letter);
        let body = json!({ "code": code, "new_password": PASSWORD });
        let reset = caller.post("/user/password/reset/complete", body).await;
        assert_eq!(reset.status, 204, "{}", reset.body);

        let register = async |email: &str| {
            let made = caller.post("/user/register", json!({ "identifier": email, "password": PASSWORD })).await;
            assert_eq!(made.status, 201, "{}", made.body);
        };
        register("dana@acme.example").await;
        let told = server.letter_about("dana@acme.example", "You have an account for Environment acme already").await;
        assert!(!told["text"].as_str().unwrap().contains("code="), "{told}");
        register("eve@acme.example").await;
        let welcome = server.letter_to("eve@acme.example", 1).await;
        assert_eq!(header(&welcome, "Subject"), "Activate your account for Environment acme");
        assert!(server.letters_to("nobody@acme.example").is_empty());
    }

    async fn an_address_is_proven_by_the_letter_to_it(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let caller = Caller::new(&app).await;
        let user = caller.user("dana@acme.example", UserStatus::Active).await;
        let other = json!({ "type": "email", "address": "dana@home.example", "status": "active" });
        let added = caller.post(&format!("/users/{:032x}/addresses/add", user.bits()), other).await;
        assert!(added.status.is_success(), "{}", added.body);
        let request = format!("/users/{:032x}/address/verification/request", user.bits());
        let asked = caller.post(&request, json!({ "address": "dana@home.example" })).await;
        assert_eq!(asked.status, 204, "{}", asked.body);
        let letter = server.letter_to("dana@home.example", 1).await;
        assert!(letter["text"].as_str().unwrap().contains("/acme/root/sign-in/verify?code="), "{letter}");
        // Nothing but what proves the address goes there before it is proven.
        caller.forgot("dana@acme.example").await;
        server.letter_to("dana@acme.example", 1).await;
        assert_eq!(server.letters_to("dana@home.example").len(), 1);
    }

    async fn what_is_refused_for_good_is_not_sent_again_and_what_is_put_off_is(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let mut caller = Caller::new(&app).await;
        for email in ["refused@acme.example", "later@acme.example", "slow@acme.example", "broken@acme.example"] {
            caller.user(email, UserStatus::Active).await;
        }
        caller.forgot("refused@acme.example").await;
        let row = newest(&app, "refused", 1).await;
        assert_eq!((row.3.as_deref(), row.4, row.5), (Some("refused"), Some(550), false));

        caller.forgot("later@acme.example").await;
        let row = newest(&app, "queued", 1).await;
        assert_eq!((row.3.as_deref(), row.4, row.5), (Some("try_again_later"), Some(451), true));
        assert!(server.letters_to("later@acme.example").is_empty());
        app.clock.advance(Duration::from_secs(15));
        server.letter_to("later@acme.example", 1).await;
        let row = newest(&app, "sent", 2).await;
        assert_eq!((row.3, row.4, row.5), (None, None, false));

        caller.forgot("slow@acme.example").await;
        newest(&app, "sent", 1).await;
        assert_eq!(server.letters_to("slow@acme.example").len(), 1);

        caller.forgot("broken@acme.example").await;
        let row = newest(&app, "queued", 1).await;
        assert!(matches!(row.3.as_deref(), Some("unreachable" | "protocol" | "try_again_later")), "{row:?}");
        app.clock.advance(Duration::from_secs(15));
        server.letter_to("broken@acme.example", 1).await;
        newest(&app, "sent", 2).await;
        app.clock.advance(Duration::from_secs(24 * 3600));
        // What is due is sent in its order: once a later letter is there, what was refused would have been attempted too.
        after_all_others(&app, &server, &mut caller).await;
        assert_eq!(server.all("refused").len(), 1, "a 5yz reply is the end");
    }

    async fn what_has_ended_is_not_sent_late(app: TestApp) {
        let (server, sending) = {
            // Nobody listens there any more.
            let server = MailServer::start().await;
            let sending = app.sending_by(server.port).await;
            (server.port, sending)
        };
        let app = sending;
        let caller = Caller::new(&app).await;
        let dana = caller.user("dana@acme.example", UserStatus::Active).await;
        caller.user("eve@acme.example", UserStatus::Active).await;
        caller.forgot("eve@acme.example").await;
        let row = newest(&app, "queued", 1).await;
        assert_eq!(row.3.as_deref(), Some("unreachable"));
        caller.forgot("dana@acme.example").await;
        newest(&app, "queued", 1).await;
        // An administrator makes another code, which ends it; so there is another letter when it is asked for.
        let principal = Principal::operator(caller.environment.id);
        let (of, purpose) = ((caller.pool, dana), OneTimeCodePurpose::ResetPassword);
        user_credentials::generate(&app.state, &principal, of, purpose, None).await.unwrap();
        caller.forgot("dana@acme.example").await;
        newest(&app, "queued", 1).await;
        // The server is back: of the two letters to one person only the one whose code counts goes out.
        let server = MailServer::start_with(server, &[]).await;
        app.clock.advance(Duration::from_secs(15));
        server.letter_to("dana@acme.example", 1).await;
        server.letter_to("eve@acme.example", 1).await;
        let states = eventually("all are done", async || {
            let rows = rows(&app).await;
            rows.iter().all(|row| row.1 != "queued").then_some(rows)
        })
        .await;
        let ended: Vec<_> = states.iter().map(|row| (row.1.as_str(), row.3.as_deref(), row.5)).collect();
        assert_eq!(ended, [("sent", None, false), ("failed", Some("code_ended"), false), ("sent", None, false)]);
        assert_eq!(server.letters_to("dana@acme.example").len(), 1);
        drop(server);

        app.clock.advance(Duration::from_secs(5 * 60));
        caller.forgot("dana@acme.example").await;
        newest(&app, "queued", 1).await;
        app.clock.advance(Duration::from_secs(16 * 60));
        let row = newest(&app, "failed", 1).await;
        assert_eq!((row.3.as_deref(), row.5), (Some("unreachable"), false), "why it waited, and no code any more");
    }

    async fn replicas_send_each_letter_once(app: TestApp) {
        let server = MailServer::start().await;
        let first = app.sending_by(server.port).await;
        let second = app.sending_by(server.port).await;
        let caller = Caller::new(&first).await;
        let addresses: Vec<String> = (0..16).map(|number| format!("slow{number}@acme.example")).collect();
        for address in &addresses {
            caller.user(address, UserStatus::Active).await;
            caller.forgot(address).await;
        }
        for address in &addresses {
            server.letter_to(address, 1).await;
        }
        eventually("all are sent", async || rows(&first).await.iter().all(|row| row.1 == "sent").then_some(())).await;
        assert!(rows(&first).await.iter().all(|row| row.2 == 1), "one attempt each");
        // Once both have stopped nothing is on its way any more.
        second.stop().await;
        first.stop().await;
        for address in &addresses {
            assert_eq!(server.letters_to(address).len(), 1, "{address}");
        }
    }

    async fn a_letter_outlives_whoever_was_to_send_it(app: TestApp) {
        let server = MailServer::start().await;
        // Written while nobody can send it.
        let quiet = app.sending_by(1).await;
        let caller = Caller::new(&quiet).await;
        caller.user("dana@acme.example", UserStatus::Active).await;
        caller.forgot("dana@acme.example").await;
        newest(&quiet, "queued", 1).await;
        let (environment, pool) = (caller.environment.clone(), caller.pool);
        // Somebody took it, and was killed.
        let database = {
            let mut conn = quiet.state.db.read().await.unwrap();
            let due: Vec<(base::id::LetterId,)> =
                conn.sql("SELECT id FROM letters WHERE state = 'queued'").all().await.unwrap();
            drop(conn);
            let (now, id) = (quiet.now() + Duration::from_secs(600), due[0].0);
            let mut tx = quiet.state.db.write().await.unwrap();
            assert!(store::letters::claim(&mut tx, id, now, quiet.now() + Duration::from_secs(60)).await.unwrap());
            tx.commit().await.unwrap();
            quiet.stop().await
        };
        drop(database);
        let sending = app.sending_by(server.port).await;
        let mut later = Caller { app: &sending, environment, pool, token: String::new() };
        after_all_others(&sending, &server, &mut later).await;
        assert!(server.letters_to("dana@acme.example").is_empty(), "another replica has it");
        sending.clock.advance(Duration::from_secs(61));
        server.letter_to("dana@acme.example", 1).await;
        // What is not committed is no letter.
        let before = rows(&sending).await.len();
        let sql = "INSERT INTO letters SELECT 'letter_x', environment_id, organization_id, account_id, kind, code_id, recipient, \
                   contents, state, attempts, next_attempt_at, expires_at, last_error, last_reply, created_at, updated_at, asked_by, recipient_sha256 \
                   FROM letters LIMIT 1";
        let mut tx = sending.state.db.write().await.unwrap();
        tx.sql(sql).execute().await.unwrap();
        drop(tx);
        assert_eq!(rows(&sending).await.len(), before);
    }

    async fn addresses_with_control_characters_get_no_letter(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let caller = Caller::new(&app).await;
        for hostile in ["dana@acme.example\r\nBcc: eve@evil.example", "dana\n@acme.example", "dana@acme.example\0", "\"a\r\nb\"@acme.example"] {
            let body = json!({ "identifier": hostile, "password": PASSWORD });
            let made = caller.post("/user/register", body).await;
            assert!(matches!(made.status.as_u16(), 400 | 422), "{hostile:?}: {}", made.body);
            let asked = caller.post("/user/password/reset/request", json!({ "identifier": hostile })).await;
            assert!(matches!(asked.status.as_u16(), 204 | 400 | 422), "{hostile:?}: {}", asked.body);
        }
        let states: Vec<_> = rows(&app).await.into_iter().map(|row| (row.1, row.3)).collect();
        assert!(states.iter().all(|state| *state == ("failed".into(), Some("no_account".into()))), "{states:?}");
        let mut caller = caller;
        after_all_others(&app, &server, &mut caller).await;
        assert_eq!(server.all("to").len(), 1, "the one that was asked for last");
    }

    async fn nobody_is_flooded(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let mut caller = Caller::new(&app).await;
        caller.user("dana@acme.example", UserStatus::Active).await;
        for _ in 0..12 {
            caller.forgot("dana@acme.example").await;
        }
        let errors: Vec<_> = rows(&app).await.into_iter().filter(|row| row.3.as_deref() == Some("too_many")).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let quiet = rows(&app).await.into_iter().filter(|row| row.3.as_deref() == Some("still_good")).count();
        assert_eq!(quiet, 11, "the letter of a moment ago is still good");
        server.letter_to("dana@acme.example", 1).await;
        app.clock.advance(Duration::from_secs(3601));
        caller.token = app.system_token(&caller.environment, &["identity"]).await;
        caller.forgot("dana@acme.example").await;
        newest(&app, "sent", 1).await;
    }

    async fn without_a_mail_server_every_call_answers_as_with_one(app: TestApp) {
        let caller = Caller::new(&app).await;
        let user = caller.user("dana@acme.example", UserStatus::New).await;
        caller.user("eve@acme.example", UserStatus::Active).await;
        let path = format!("/users/{:032x}/activation/send", user.bits());
        assert_eq!(caller.post(&path, json!({})).await.status, 204);
        caller.forgot("eve@acme.example").await;
        caller.forgot("nobody@acme.example").await;
        let made = caller.post("/user/register", json!({ "identifier": "new@acme.example", "password": PASSWORD })).await;
        assert_eq!(made.status, 201);
        assert_eq!(rows(&app).await, Vec::<Row>::new());
    }

    async fn a_server_that_wants_more_than_it_gets_is_told_apart(app: TestApp) {
        // It takes letters only from who signs in.
        let server = MailServer::start_with(0, &["--auth", "gateway:s3cret"]).await;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        std::fs::write(&file, "wrong\n").unwrap();
        let sending = app
            .replica_with(|config| {
                send_by(config, server.port);
                config.mail_smtp_url = Some(format!("smtp+plain://gateway@127.0.0.1:{}", server.port).parse().unwrap());
                config.mail_smtp_password_file = Some(file.clone());
            })
            .await;
        let caller = Caller::new(&sending).await;
        caller.user("dana@acme.example", UserStatus::Active).await;
        caller.forgot("dana@acme.example").await;
        let row = newest(&sending, "queued", 1).await;
        assert_eq!((row.3.as_deref(), row.4), (Some("not_authenticated"), Some(535)));
        // The file is read anew.
        std::fs::write(&file, "s3cret\n").unwrap();
        sending.clock.advance(Duration::from_secs(15));
        let letter = server.letter_to("dana@acme.example", 1).await;
        assert_eq!(letter["user"], "gateway");
        let Caller { environment, pool, .. } = caller;
        sending.stop().await;

        // It does not offer STARTTLS.
        let starttls = app
            .replica_with(|config| {
                send_by(config, server.port);
                config.mail_smtp_url = Some(format!("smtp://127.0.0.1:{}", server.port).parse().unwrap());
            })
            .await;
        // A token is for the address of its issuer.
        starttls.clock.advance(Duration::from_secs(5 * 60));
        let token = starttls.system_token(&environment, &["identity"]).await;
        let caller = Caller { app: &starttls, environment, pool, token };
        caller.forgot("dana@acme.example").await;
        let row = newest(&starttls, "queued", 1).await;
        assert_eq!(row.3.as_deref(), Some("tls"));
        assert_eq!(server.letters_to("dana@acme.example").len(), 1);
    }

    async fn the_console_shows_letters_and_sends_one_again(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let caller = Caller::new(&app).await;
        let admin = app.administrator(Role::Admin, Some(&caller.environment)).await;
        let viewer = app.administrator(Role::Viewer, Some(&caller.environment)).await;
        let path = format!("/console/{}/letters", caller.environment.id);
        assert!(app.page(&admin, &path).await.body.contains("No letter was written yet."));
        let user = caller.user("refused@acme.example", UserStatus::New).await;
        caller.user("dana@acme.example", UserStatus::Active).await;
        caller.post(&format!("/users/{:032x}/activation/send", user.bits()), json!({})).await;
        newest(&app, "refused", 1).await;
        caller.forgot("dana@acme.example").await;
        newest(&app, "sent", 1).await;
        let code = code_of(&server.letter_to("dana@acme.example", 1).await);
        let page = app.page(&admin, &path).await;
        for text in ["refused@acme.example", "SMTP 550", "dana@acme.example", "Set a new password"] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        assert!(!page.body.contains(&code), "never what it says");
        let sent = app.page(&admin, &format!("{path}?state=sent")).await;
        assert!(sent.body.contains("dana@") && !sent.body.contains("refused@"), "{}", sent.body);
        let resend = {
            let (_, rest) = sent.body.split_once("data-copy=\"letter_").expect("a letter");
            format!("{path}/letter_{}/resend", rest.split_once('"').unwrap().0)
        };
        assert_eq!(app.press(&admin, &sent, &resend, &[]).await.status, 303);
        let again = server.letter_to("dana@acme.example", 2).await;
        assert_ne!(code_of(&again), code);
        let old = json!({ "code": code, "new_password": PASSWORD });
        assert_eq!(caller.post("/user/password/reset/complete", old).await.status, 422, "a new code ends the earlier one");
        assert_eq!(caller.audited("user.letter_sent_again").await, 1);

        let seen = app.page(&viewer, &path).await;
        assert!(seen.body.contains("dana@acme.example") && !seen.body.contains("/resend"), "{}", seen.body);
        let (other, stranger) = {
            let other = app.environment("other").await;
            let stranger = app.administrator(Role::Admin, Some(&other)).await;
            (other, stranger)
        };
        assert_eq!(stranger.get(&app.url(&path)).await.status, 404);
        let page = app.page(&stranger, &format!("/console/{}/letters", other.id)).await;
        assert!(!page.body.contains("acme.example"), "{}", page.body);
    }

    async fn letters_go_with_the_user(app: TestApp) {
        let server = MailServer::start().await;
        let app = app.sending_by(server.port).await;
        let caller = Caller::new(&app).await;
        let user = caller.user("dana@acme.example", UserStatus::Active).await;
        caller.forgot("dana@acme.example").await;
        newest(&app, "sent", 1).await;
        let principal = Principal::operator(caller.environment.id);
        users::remove(&app.state, &principal, (caller.pool, user), None).await.unwrap();
        assert_eq!(rows(&app).await, Vec::<Row>::new());
    }
}

/// A certificate for localhost that signed itself, and its key, as PEM files in a folder.
fn certificate(folder: &Path) -> [String; 2] {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut certificate = X509Builder::new().unwrap();
    certificate.set_version(2).unwrap();
    let serial = BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap();
    certificate.set_serial_number(&serial).unwrap();
    certificate.set_subject_name(&name).unwrap();
    certificate.set_issuer_name(&name).unwrap();
    certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    certificate.set_pubkey(&key).unwrap();
    let alternative = {
        let context = certificate.x509v3_context(None, None);
        SubjectAlternativeName::new().dns("localhost").build(&context).unwrap()
    };
    certificate.append_extension(alternative).unwrap();
    certificate.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    certificate.sign(&key, MessageDigest::sha256()).unwrap();
    let files = ["certificate.pem", "key.pem"].map(|name| folder.join(name).display().to_string());
    std::fs::write(&files[0], certificate.build().to_pem().unwrap()).unwrap();
    std::fs::write(&files[1], key.private_key_to_pem_pkcs8().unwrap()).unwrap();
    files
}

#[test]
fn the_doctor_connects_to_the_mail_server_and_signs_in() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate, key] = certificate(folder.path());
    let password = folder.path().join("password");
    std::fs::write(&password, "s3cret").unwrap();
    // What the doctor says about mail, with this certificate trusted or none.
    let said = |url: &str, trusted: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ostiary"));
        command.args(["doctor", "--json"]).current_dir(folder.path()).env_clear();
        command.env("OSTIARY_MAIL_FROM", "no-reply@vendor.example").env("OSTIARY_MAIL_SMTP_URL", url);
        command.env("OSTIARY_MAIL_SMTP_PASSWORD_FILE", &password);
        if let Some(file) = trusted {
            command.env("SSL_CERT_FILE", file);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(!text.contains("s3cret") && !String::from_utf8_lossy(&output.stderr).contains("s3cret"));
        let findings: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let all = findings.as_array().or_else(|| findings["findings"].as_array()).expect("findings").clone();
        let mail =
            all.into_iter().find(|finding| finding["subject"] == "mail").expect("a finding about mail");
        (mail["level"].as_str().unwrap().to_owned(), mail["seen"].as_str().unwrap().to_owned())
    };
    actix_web::rt::System::new().block_on(async {
        for (scheme, option) in [("smtps", "--tls"), ("smtp", "--starttls")] {
            let arguments = [option, &certificate, &key, "--auth", "gateway:s3cret"];
            let server = MailServer::start_with(0, &arguments).await;
            let url = |host: &str| format!("{scheme}://gateway@{host}:{}", server.port);
            std::fs::write(&password, "s3cret").unwrap();
            let good = said(&url("localhost"), Some(&certificate));
            assert_eq!(good, ("ok".to_owned(), format!("localhost:{} takes letters", server.port)));
            for (url, trusted) in [(url("localhost"), None), (url("127.0.0.1"), Some(certificate.as_str()))] {
                let (level, seen) = said(&url, trusted);
                assert!(level == "bad" && seen.contains("no trusted TLS connection"), "{url}: {seen}");
            }
            std::fs::write(&password, "wrong").unwrap();
            let (level, seen) = said(&url("localhost"), Some(&certificate));
            assert!(level == "bad" && seen.contains("does not accept the user name"), "{seen}");
        }
    });
}
