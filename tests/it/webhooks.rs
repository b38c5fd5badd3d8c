//! Webhooks: signed, retried, delivered independently per endpoint, logged and replayed.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use base::time::Timestamp;
use model::{event::EventKind, webhook::Webhook};
use ostiary::{
    app::webhooks::{dispatcher::Dispatcher, signature::WebhookSecret},
    store,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{
    both,
    support::{Answer, TestApp, eventually},
};

/// A stub of a vendor's endpoint. It records what it receives.
struct Receiver {
    url: String,
    status: watch::Sender<u16>,
    got: Arc<Mutex<Vec<Message>>>,
}

#[derive(Debug, Clone)]
struct Message {
    head: String,
    body: Vec<u8>,
}

impl Message {
    fn header(&self, name: &str) -> &str {
        let found = self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        });
        found.unwrap_or_else(|| panic!("no {name} in {}", self.head))
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn sequence(&self) -> u64 {
        self.json()["sequence"].as_u64().unwrap()
    }
}

impl Receiver {
    /// One that answers with `status`; with 0 it answers once another status is set.
    async fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (status, answer) = watch::channel(status);
        let got = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&got);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), Arc::clone(&log)));
            }
        });
        Self { url, status, got }
    }

    /// Answers with `status` from now on, also what still waits for its answer.
    fn answer(&self, status: u16) {
        self.status.send_replace(status);
    }

    fn got(&self) -> Vec<Message> {
        self.got.lock().unwrap().clone()
    }

    fn sequences(&self) -> Vec<u64> {
        self.got().iter().map(Message::sequence).collect()
    }

    /// Waits until it has received so many messages.
    async fn wait_for(&self, count: usize) -> Vec<Message> {
        let what = format!("message {count}");
        eventually(&what, async || Some(self.got()).filter(|messages| messages.len() >= count)).await
    }
}

async fn serve(mut stream: TcpStream, mut status: watch::Receiver<u16>, log: Arc<Mutex<Vec<Message>>>) {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut message = Message { head, body: Vec::new() };
        let length: usize = message.header("content-length").parse().unwrap();
        while bytes.len() < end + length {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
        }
        message.body = bytes[end..end + length].to_vec();
        bytes.drain(..end + length);
        log.lock().unwrap().push(message);
        let Ok(code) = status.wait_for(|status| *status != 0).await.map(|status| *status) else { return };
        let answer = format!("HTTP/1.1 {code} x\r\ncontent-length: 2\r\n\r\nok");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// A server that may send to this machine, with an environment, its key and a directory for events.
struct Fixture {
    app: TestApp,
    key: String,
    directory: ostiary::app::directories::ScimDirectoryView,
}

impl Fixture {
    async fn new(app: &TestApp) -> Self {
        let app =
            TestApp::spawn_with(app.backend, |config| config.outgoing_allow_private_targets = true).await;
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.directory(&tenant).await;
        Self { app, key, directory }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.api(&self.key, method, path, body).await
    }

    /// Creates a webhook. Returns its id and its secret.
    async fn webhook(&self, url: &str, types: &[&str]) -> (String, WebhookSecret) {
        let body = json!({ "url": url, "eventTypes": types });
        let made = self.call(Method::POST, "/v1/webhooks", Some(body)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let made = made.json();
        let secret = WebhookSecret::parse(made["secret"].as_str().unwrap()).unwrap();
        (made["webhook"]["id"].as_str().unwrap().to_owned(), secret)
    }

    async fn record_event(&self, kind: EventKind) -> u64 {
        self.app.record_event(&self.directory, kind, json!({ "after": { "userName": "a" } })).await
    }

    async fn deliveries(&self, webhook: &str, more: &str) -> Vec<Value> {
        let path = format!("/v1/webhook-deliveries?webhookId={webhook}{more}");
        let list = self.call(Method::GET, &path, None).await;
        assert_eq!(list.status, 200, "{}", list.body);
        list.json()["webhookDeliveries"].as_array().unwrap().clone()
    }

    /// Waits until the newest delivery is as `test` wants it.
    async fn delivery(&self, webhook: &str, test: impl Fn(&Value) -> bool) -> Value {
        let newest = async || self.deliveries(webhook, "").await.into_iter().next().filter(&test);
        eventually("the expected delivery", newest).await
    }

    /// Waits until so many attempts in a row have failed. The backoff of the endpoint begins then, which is after
    /// the attempt is stored.
    async fn failures(&self, webhook: &str, count: u32) {
        let id = webhook.parse().unwrap();
        eventually(&format!("failure {count}"), async || {
            let mut conn = self.app.state.db.read().await.unwrap();
            let found =
                store::table::find::<Webhook>(&mut conn, self.directory.directory.environment_id, id).await;
            (found.unwrap()?.failures == count).then_some(())
        })
        .await;
    }

    /// The endpoints that a dispatcher would serve after `wait`.
    async fn due_in(&self, wait: Duration) -> Vec<String> {
        let mut conn = self.app.state.db.read().await.unwrap();
        let due = store::webhooks::list_due(&mut conn, self.app.now() + wait, 100).await.unwrap();
        due.iter().map(|webhook: &Webhook| webhook.id.to_string()).collect()
    }
}

both! {
    async fn an_event_arrives_signed(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let receiver = Receiver::start(200).await;
        fixture.record_event(EventKind::UserCreated).await; // before the webhook: not for it
        let (id, secret) = fixture.webhook(&receiver.url, &[]).await;
        let sequence = fixture.record_event(EventKind::UserDeactivated).await;
        let message = receiver.wait_for(1).await[0].clone();
        assert!(message.head.starts_with("POST /hook HTTP/1.1"));
        let feed = fixture.call(Method::GET, "/v1/events?after=1", None).await.json();
        assert_eq!(message.json(), feed["events"][0]);
        assert_eq!(message.sequence(), sequence);

        let (name, at) = (message.header("webhook-id"), message.header("webhook-timestamp"));
        assert!(name.starts_with("msg_"));
        let at = Timestamp::from_seconds(at.parse().unwrap());
        assert_eq!(at.seconds(), fixture.app.now().seconds());
        assert_eq!(message.header("webhook-signature"), secret.sign(name, at, &message.body));
        assert_eq!(message.header("content-type"), "application/json");

        let delivery = fixture.delivery(&id, |delivery| delivery["state"] == "delivered").await;
        assert_eq!((&delivery["id"], &delivery["attempts"], &delivery["lastStatus"]), (&json!(name), &json!(1), &json!(200)));
        assert_eq!(receiver.got().len(), 1);

        // The secret is shown once and sealed at rest.
        let read = fixture.call(Method::GET, &format!("/v1/webhooks/{id}"), None).await;
        assert!(!read.body.contains("whsec_"));
        let mut conn = fixture.app.state.db.read().await.unwrap();
        let (stored,): (String,) = conn.sql("SELECT secret FROM webhooks").one().await.unwrap();
        assert!(!stored.contains(secret.reveal().trim_start_matches("whsec_")));
    }

    async fn a_rotated_secret_signs_beside_the_one_before_for_a_while(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let receiver = Receiver::start(200).await;
        let (id, old) = fixture.webhook(&receiver.url, &[]).await;
        let rotate = async |body: Option<Value>| {
            let answer = fixture.call(Method::POST, &format!("/v1/webhooks/{id}/rotate-secret"), body).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            WebhookSecret::parse(answer.json()["secret"].as_str().unwrap()).unwrap()
        };
        let signatures = async |count: usize| -> (Message, Timestamp, Vec<String>) {
            fixture.record_event(EventKind::UserUpdated).await;
            let message = receiver.wait_for(count).await[count - 1].clone();
            let at = Timestamp::from_seconds(message.header("webhook-timestamp").parse().unwrap());
            let signatures = message.header("webhook-signature").split(' ').map(str::to_owned).collect();
            (message, at, signatures)
        };
        let new = rotate(None).await;
        let (message, at, both) = signatures(1).await;
        let by = |secret: &WebhookSecret| secret.sign(message.header("webhook-id"), at, &message.body);
        assert_eq!(both, [by(&new), by(&old)]);
        // A day later the old secret has ended.
        fixture.app.advance(Duration::from_secs(24 * 3600));
        let (message, at, one) = signatures(2).await;
        assert_eq!(one, [new.sign(message.header("webhook-id"), at, &message.body)]);
        // Without overlap the old secret ends at once.
        let newest = rotate(Some(json!({ "overlapSeconds": 0 }))).await;
        let (message, at, one) = signatures(3).await;
        assert_eq!(one, [newest.sign(message.header("webhook-id"), at, &message.body)]);
        let path = format!("/v1/webhooks/{id}/rotate-secret");
        for bad in [json!({ "overlapSeconds": 2_592_001 }), json!({ "overlapSeconds": -1 })] {
            assert_eq!(fixture.call(Method::POST, &path, Some(bad)).await.status, 400);
        }
    }

    async fn a_dead_endpoint_delays_nobody_else(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let (silent, failing, good) = (Receiver::start(0).await, Receiver::start(500).await, Receiver::start(204).await);
        let (silent_id, _) = fixture.webhook(&silent.url, &[]).await;
        let (failing_id, _) = fixture.webhook(&failing.url, &[]).await;
        // No server listens there.
        fixture.webhook("http://127.0.0.1:1/", &[]).await;
        fixture.webhook(&good.url, &[]).await;
        for _ in 0..5 {
            fixture.record_event(EventKind::UserUpdated).await;
        }
        good.wait_for(5).await;
        assert_eq!(good.sequences(), [1, 2, 3, 4, 5], "in order");
        silent.wait_for(1).await;
        fixture.failures(&failing_id, 1).await;
        fixture.record_event(EventKind::UserUpdated).await;
        good.wait_for(6).await;
        let waiting = fixture.deliveries(&silent_id, "").await;
        assert!(waiting.iter().all(|delivery| delivery["attempts"] == 0), "its first attempt ended: {waiting:?}");
        assert_eq!(silent.got().len(), 1, "one attempt at a time");
        assert!(!fixture.due_in(Duration::ZERO).await.contains(&failing_id), "one that fails rests");
        assert!(fixture.due_in(Duration::from_secs(2)).await.contains(&failing_id));
        assert_eq!(failing.got().len(), 1);
    }

    async fn a_failed_delivery_is_tried_again_later_under_the_same_id(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let receiver = Receiver::start(503).await;
        let (id, secret) = fixture.webhook(&receiver.url, &[]).await;
        fixture.record_event(EventKind::UserUpdated).await;
        let failed = fixture.delivery(&id, |delivery| delivery["attempts"] == 1).await;
        assert_eq!((&failed["state"], &failed["lastStatus"]), (&json!("pending"), &json!(503)));
        assert_eq!(failed["lastError"], "the endpoint answered 503");
        fixture.failures(&id, 1).await;
        receiver.answer(200);
        // The backoff of the endpoint is over and the delay of the delivery is not. Due deliveries are sent in the
        // order of their events: the first would come before the second.
        fixture.app.advance(Duration::from_secs(2));
        fixture.record_event(EventKind::UserUpdated).await;
        receiver.wait_for(2).await;
        assert_eq!(receiver.sequences(), [1, 2], "not before its time");
        fixture.app.advance(Duration::from_secs(5));
        let messages = receiver.wait_for(3).await;
        let (first, again) = (&messages[0], &messages[2]);
        assert_eq!(first.header("webhook-id"), again.header("webhook-id"));
        assert_eq!(first.body, again.body);
        let (name, at) = (again.header("webhook-id"), again.header("webhook-timestamp"));
        let at = Timestamp::from_seconds(at.parse().unwrap());
        assert_eq!(again.header("webhook-signature"), secret.sign(name, at, &again.body));
        assert_ne!(first.header("webhook-signature"), again.header("webhook-signature"));
        eventually("the delivery at the second attempt", async || {
            let deliveries = fixture.deliveries(&id, "&state=delivered").await;
            deliveries.iter().any(|delivery| delivery["id"] == failed["id"] && delivery["attempts"] == 2).then_some(())
        }).await;
    }

    async fn a_delivery_is_given_up_in_the_end_and_can_be_had_again(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let receiver = Receiver::start(500).await;
        let (id, _) = fixture.webhook(&receiver.url, &[]).await;
        fixture.record_event(EventKind::UserUpdated).await;
        for attempt in 1..=12 {
            fixture.failures(&id, attempt).await;
            fixture.app.advance(Duration::from_secs(30 * 3600));
        }
        let failed = fixture.delivery(&id, |delivery| delivery["state"] == "failed").await;
        assert_eq!((&failed["attempts"], &failed["nextAttemptAt"]), (&json!(12), &Value::Null));
        assert_eq!(fixture.deliveries(&id, "&state=failed").await.len(), 1);
        assert_eq!(fixture.deliveries(&id, "&state=pending").await.len(), 0);

        receiver.answer(200);
        let path = format!("/v1/webhook-deliveries/{}/replay", failed["id"].as_str().unwrap());
        assert_eq!(fixture.call(Method::POST, &path, None).await.status, 200);
        let again = fixture.delivery(&id, |delivery| delivery["state"] == "delivered").await;
        assert_eq!((&again["id"], &again["attempts"]), (&failed["id"], &json!(1)));
    }

    async fn events_can_be_had_again_from_a_sequence_number(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let receiver = Receiver::start(200).await;
        let (id, _) = fixture.webhook(&receiver.url, &["scim_user.created", "scim_user.deleted"]).await;
        for kind in [EventKind::UserCreated, EventKind::UserUpdated, EventKind::UserDeleted] {
            fixture.record_event(kind).await;
        }
        receiver.wait_for(2).await;
        assert_eq!(receiver.sequences(), [1, 3], "only the kinds that it wants");
        let replay = format!("/v1/webhooks/{id}/replay");
        assert_eq!(fixture.call(Method::POST, &replay, Some(json!({ "after": 4 }))).await.status, 400);
        assert_eq!(fixture.call(Method::POST, &replay, Some(json!({}))).await.status, 400);
        let answer = fixture.call(Method::POST, &replay, Some(json!({ "after": 1 }))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        receiver.wait_for(3).await;
        assert_eq!(receiver.sequences(), [1, 3, 3]);
    }

    async fn a_webhook_is_changed_switched_off_and_on_and_taken_away(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let receiver = Receiver::start(200).await;
        let (id, _) = fixture.webhook(&receiver.url, &[]).await;
        let path = format!("/v1/webhooks/{id}");
        let change = async |body: Value| {
            let answer = fixture.call(Method::PATCH, &path, Some(body)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            answer.json()["webhook"].clone()
        };
        assert_eq!(change(json!({ "enabled": false })).await["enabled"], false);
        fixture.record_event(EventKind::UserCreated).await;
        let on = change(json!({ "enabled": true, "eventTypes": ["scim_user.deleted"] })).await;
        assert_eq!((&on["enabled"], &on["eventTypes"], &on["nextSequence"]), (&json!(true), &json!(["scim_user.deleted"]), &json!(2)));
        fixture.record_event(EventKind::UserCreated).await;
        fixture.record_event(EventKind::UserDeleted).await;
        receiver.wait_for(1).await;
        assert_eq!(receiver.sequences(), [3]);

        // An endpoint that answers 410 is disabled, which is a change of it; deliveries are none.
        let before = fixture.call(Method::GET, &path, None).await;
        receiver.answer(410);
        // Deliveries are listed by when they were made: the next one is made later.
        fixture.app.advance(Duration::from_secs(1));
        fixture.record_event(EventKind::UserDeleted).await;
        fixture.delivery(&id, |delivery| delivery["state"] == "failed").await;
        let after = fixture.call(Method::GET, &path, None).await;
        assert_eq!(after.json()["webhook"]["enabled"], false);
        assert_eq!((before.header("etag"), after.header("etag")), ("W/\"3\"", "W/\"4\""));

        assert_eq!(fixture.call(Method::GET, "/v1/webhooks", None).await.json()["webhooks"].as_array().unwrap().len(), 1);
        assert_eq!(fixture.call(Method::DELETE, &path, None).await.status, 200);
        assert_eq!(fixture.call(Method::GET, &path, None).await.status, 404);
        for bad in [json!({}), json!({ "url": "ftp://x" }), json!({ "url": "https://a.example", "eventTypes": ["x"] })] {
            assert_eq!(fixture.call(Method::POST, "/v1/webhooks", Some(bad.clone())).await.status, 400, "{bad}");
        }
    }

    async fn strangers_webhooks_and_private_addresses_are_out_of_reach(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        for url in ["http://127.0.0.1:9/", "http://[::1]/", "http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]/",
            "https://127.0.0.1:9/", "https://[::1]/", "https://169.254.169.254/latest", "https://[::ffff:10.0.0.1]/", "http://localhost:9/"] {
            let refused = app.api(&key, Method::POST, "/v1/webhooks", Some(json!({ "url": url }))).await;
            assert_eq!(refused.status, 400, "{url}: {}", refused.body);
        }
        // A host name is resolved when a delivery is sent, and refused then.
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory = app.directory(&tenant).await;
        let made = app.api(&key, Method::POST, "/v1/webhooks", Some(json!({ "url": "https://localhost:9/" }))).await;
        let id = made.json()["webhook"]["id"].as_str().unwrap().to_owned();
        app.record_event(&directory, EventKind::UserCreated, json!({})).await;
        let error = eventually("a failed attempt", async || {
            let list = app.api(&key, Method::GET, &format!("/v1/webhook-deliveries?webhookId={id}"), None).await.json();
            list["webhookDeliveries"][0]["lastError"].as_str().filter(|error| !error.is_empty()).map(str::to_owned)
        }).await;
        assert!(error.starts_with("outgoing_unreachable: localhost cannot be reached: it has no address, "), "{error}");

        let foreign = app.api_key(&app.environment("staging").await, true).await;
        let plain = app.api_key(&environment, false).await;
        for (key, status) in [(&foreign, 404), (&plain, 401)] {
            for (method, path) in [
                (Method::GET, format!("/v1/webhooks/{id}")), (Method::DELETE, format!("/v1/webhooks/{id}")),
                (Method::GET, format!("/v1/webhook-deliveries?webhookId={id}")),
            ] {
                assert_eq!(app.api(key, method, &path, None).await.status, status, "{path}");
            }
        }
    }

    async fn two_replicas_deliver_each_event_once(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let second = fixture.app.replica_with(|config| config.outgoing_allow_private_targets = true).await;
        let receiver = Receiver::start(0).await;
        fixture.webhook(&receiver.url, &[]).await;
        let dispatchers = [&fixture.app, &second].map(|app| Dispatcher::new(app.state.clone()).unwrap());
        // Both at once; the servers' own jobs may be first.
        let dispatch = async || {
            let (a, b) = tokio::join!(dispatchers[0].dispatch_due(), dispatchers[1].dispatch_due());
            a.unwrap().into_iter().chain(b.unwrap()).count()
        };
        fixture.record_event(EventKind::UserUpdated).await;
        receiver.wait_for(1).await;
        // While one replica serves the endpoint the other does not.
        fixture.record_event(EventKind::UserUpdated).await;
        assert_eq!(dispatch().await, 0);
        assert_eq!(receiver.got().len(), 1);
        receiver.answer(200);
        receiver.wait_for(2).await;
        for round in 1..=6 {
            // The replica that serves the endpoint waits for an answer, and does not release it before.
            receiver.answer(0);
            for _ in 0..3 {
                fixture.record_event(EventKind::UserUpdated).await;
            }
            assert!(dispatch().await <= 1, "round {round}");
            receiver.answer(200);
            receiver.wait_for(2 + 3 * round).await;
            assert_eq!(receiver.sequences(), (1..=2 + 3 * round as u64).collect::<Vec<_>>());
        }
        drop(second);
    }
}
