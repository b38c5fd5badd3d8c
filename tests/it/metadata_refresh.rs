//! Periodic metadata refresh: key rollovers, failures, two replicas; certificates that expire.

use std::{
    io::Write as _,
    sync::{Arc, Mutex},
    time::Duration,
};

use ::saml::key_pair::{KeyKind, KeyPair};
use base::{id::SamlConnectionId, time::Timestamp};
use flate2::{Compression, write::GzEncoder};
use model::{administrator::Role, event::EventKind, saml_connection::SamlConnection as Stored};
use ostiary::{
    app::{
        connections::saml::{self, certificate_expiry, metadata},
        pagination::PageQuery,
        principal::Principal,
    },
    store,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    both,
    lost_updates::patch_if,
    support::{Answer, IdentityProvider, Request, Tenant, TestApp, console::seen_in, eventually, random},
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const ENTITY: &str = "https://idp.acme.example/metadata";

/// What the customer's server answers.
#[derive(Debug, Clone)]
struct StubResponse {
    status: u16,
    headers: &'static str,
    body: Vec<u8>,
    etag: Option<&'static str>,
}

/// The customer's server.
struct MetadataServer {
    url: String,
    response: Arc<Mutex<StubResponse>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl MetadataServer {
    async fn start(body: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/metadata", listener.local_addr().unwrap());
        let response = Arc::new(Mutex::new(StubResponse {
            status: 200,
            headers: "",
            body: body.into_bytes(),
            etag: None,
        }));
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (answers, log) = (Arc::clone(&response), Arc::clone(&requests));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (answers, log) = (Arc::clone(&answers), Arc::clone(&log));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    let head = String::from_utf8(head).unwrap().to_lowercase();
                    log.lock().unwrap().push(head.clone());
                    let StubResponse { status, headers, body, etag } = answers.lock().unwrap().clone();
                    let known = etag.is_some_and(|etag| head.contains(&format!("if-none-match: {etag}")));
                    let (status, body) = if known { (304, Vec::new()) } else { (status, body) };
                    let etag = etag.map(|etag| format!("etag: {etag}\r\n")).unwrap_or_default();
                    let answer = format!(
                        "HTTP/1.1 {status} x\r\n{etag}{headers}content-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    let _ = stream.write_all(&[answer.into_bytes(), body].concat()).await;
                });
            }
        });
        Self { url, response, requests }
    }

    fn serve(&self, body: String) {
        self.serve_bytes("", body.into_bytes());
    }

    fn serve_bytes(&self, headers: &'static str, body: Vec<u8>) {
        *self.response.lock().unwrap() = StubResponse { status: 200, headers, body, etag: None };
    }

    fn fail(&self, status: u16) {
        self.response.lock().unwrap().status = status;
    }

    fn request_count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

fn keys(now: Timestamp) -> KeyPair {
    KeyPair::generate(KeyKind::P256, "idp", now, random()).unwrap()
}

fn pem(keys: &KeyPair) -> String {
    keys.certificate_pem().unwrap()
}

/// Metadata that lists these keys. `more` is added to the attributes of the entity.
fn metadata(entity: &str, more: &str, listed: &[&KeyPair]) -> String {
    let descriptor = |keys: &&KeyPair| {
        let base64: String = pem(keys).lines().filter(|line| !line.starts_with('-')).collect();
        format!(
            "<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data>\
             <X509Certificate>{base64}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        )
    };
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" {more} entityID=\"{entity}\">\
         <IDPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}\
         <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"https://idp.acme.example/sso\"/></IDPSSODescriptor></EntityDescriptor>",
        listed.iter().map(descriptor).collect::<String>()
    )
}

/// A server that may fetch from this machine, and a tenant whose connection follows the customer's metadata.
struct Fixture {
    app: TestApp,
    key: String,
    tenant: Tenant,
    server: MetadataServer,
    first: KeyPair,
}

impl Fixture {
    async fn new(app: &TestApp) -> Self {
        let app =
            TestApp::spawn_with(app.backend, |config| config.outgoing_allow_private_targets = true).await;
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let mut tenant = app.tenant(&environment, "acme.example").await;
        let first = keys(app.now());
        let server = MetadataServer::start(metadata(ENTITY, "", &[&first])).await;
        let body = json!({ "organizationId": tenant.organization.id, "idpMetadataUrl": server.url });
        let made = app.api(&key, Method::POST, "/v1/saml-connections", Some(body)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let id: SamlConnectionId = made.json()["samlConnection"]["id"].as_str().unwrap().parse().unwrap();
        let mut conn = app.state.db.read().await.unwrap();
        tenant.connection =
            store::table::find::<Stored>(&mut conn, environment.id, id).await.unwrap().unwrap();
        drop(conn);
        Self { app, key, tenant, server, first }
    }

    fn path(&self, more: &str) -> String {
        format!("/v1/saml-connections/{}{more}", self.tenant.connection.id)
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.api(&self.key, method, path, body).await
    }

    async fn seen(&self) -> Value {
        self.call(Method::GET, &self.path(""), None).await.json()["samlConnection"].clone()
    }

    async fn stored(&self) -> Stored {
        let mut conn = self.app.state.db.read().await.unwrap();
        let environment = self.tenant.environment.id;
        let id = self.tenant.connection.id;
        store::table::find::<Stored>(&mut conn, environment, id).await.unwrap().unwrap()
    }

    /// Advances the clock until the metadata is due, and waits until it is fetched, by the server's own job or by
    /// this call.
    async fn refresh(&self) {
        self.app.advance(7 * HOUR);
        let asked = self.server.request_count();
        metadata::refresh::refresh_due(&self.app.state).await.unwrap();
        // Once the result is stored, the claim is released.
        self.until(async || {
            let stored = self.stored().await.metadata;
            stored.fetched_at == Some(self.app.now()) || stored.failures > 0
        })
        .await;
        assert_eq!(self.server.request_count(), asked + 1, "asked once");
    }

    async fn until(&self, holds: impl AsyncFn() -> bool) {
        eventually("the expected metadata", async || holds().await.then_some(())).await;
    }

    async fn trusts(&self, expected: &[&KeyPair]) {
        let expected: Vec<String> = expected.iter().map(|keys| pem(keys)).collect();
        assert_eq!(self.seen().await["idpCertificates"], json!(expected));
    }

    /// Signs a user in with a response that `keys` signed.
    async fn sign_in(&self, keys: &KeyPair) -> Answer {
        let browser = self.app.browser();
        let link = self.app.login_link(&self.key, &self.tenant, "x").await;
        let request = Request::read(&browser.get(&link).await);
        let idp = IdentityProvider {
            entity_id: ENTITY.to_owned(),
            sso_url: "https://idp.acme.example/sso".to_owned(),
            keys: keys.clone(),
        };
        let response = idp.response(&self.tenant, Some(&request.id), "ada@acme.example", self.app.now());
        request.answer(&browser, &self.tenant, &idp.sign(&response)).await
    }

    async fn events(&self, kind: EventKind) -> Vec<Value> {
        let path = format!("/v1/events?types={}", kind.as_str());
        self.call(Method::GET, &path, None).await.json()["events"].as_array().unwrap().clone()
    }
}

both! {
    async fn a_key_rollover_costs_no_login(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let next = keys(fixture.app.now());
        fixture.trusts(&[&fixture.first]).await;
        assert_eq!(fixture.sign_in(&fixture.first).await.status, 303);

        fixture.server.serve(metadata(ENTITY, "", &[&fixture.first, &next]));
        fixture.refresh().await;
        fixture.trusts(&[&fixture.first, &next]).await;
        for keys in [&fixture.first, &next] {
            assert_eq!(fixture.sign_in(keys).await.status, 303);
        }
        fixture.server.serve(metadata(ENTITY, "", &[&next]));
        fixture.refresh().await;
        fixture.trusts(&[&next]).await;
        assert_eq!(fixture.sign_in(&next).await.status, 303);
        assert_eq!(fixture.sign_in(&fixture.first).await.status, 400, "a withdrawn key opens nothing");

        // Both changes are events and entries of the audit log, by the service.
        let events = fixture.events(EventKind::MetadataChanged).await;
        assert_eq!(events.len(), 2);
        assert_eq!(events[0]["resourceId"], json!(fixture.tenant.connection.id));
        assert_eq!((&events[0]["scimDirectoryId"], &events[0]["organizationId"]), (&json!(null), &json!(fixture.tenant.organization.id)));
        let count = |side: &str| events[0]["data"][side]["idpCertificates"].as_array().unwrap().len();
        assert_eq!((count("before"), count("after")), (1, 2));
        let principal = Principal::operator(fixture.tenant.environment.id);
        let log = ostiary::app::audit::list(&fixture.app.state, &principal, &Default::default(), &PageQuery::default()).await.unwrap();
        let by_service: Vec<_> = log.items.iter().filter(|entry| entry.actor.kind == "service").collect();
        assert_eq!(by_service.len(), 2);
        assert!(by_service.iter().all(|entry| entry.action == "saml_connection.updated" && entry.after.contains_key("idpCertificates")));
    }

    async fn one_unusable_certificate_at_a_rollover_stops_no_login(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let next = keys(fixture.app.now());
        let cut = |document: String, keys: &KeyPair| {
            let base64: String = pem(keys).lines().filter(|line| !line.starts_with('-')).collect();
            document.replace(&base64, &base64[..120])
        };
        let spoiled = cut(metadata(ENTITY, "", &[&next, &fixture.first]), &next);
        fixture.server.serve(spoiled.clone());
        fixture.refresh().await;
        fixture.trusts(&[&fixture.first]).await;
        assert_eq!(fixture.sign_in(&fixture.first).await.status, 303);
        let left_out = "left out: certificate 1 cannot be read as X.509; copy the whole of it again";
        let seen = fixture.seen().await;
        assert_eq!((&seen["warnings"], &seen["metadataError"]), (&json!([left_out]), &json!("")));
        let console = fixture.app.console(Role::Admin, &fixture.tenant.environment).await;
        console.page(&format!("/saml-connections/{}", fixture.tenant.connection.id)).await.says(left_out);
        // A client that sends back the whole connection does not take the warning away; the provider does.
        assert_eq!(fixture.call(Method::PATCH, &fixture.path(""), Some(seen)).await.status, 200);
        assert_eq!(fixture.seen().await["warnings"], json!([left_out]));

        // With no key at all the refresh fails, and what is stored stays.
        fixture.server.serve(cut(spoiled, &fixture.first));
        let failed = fixture.call(Method::POST, &fixture.path("/refresh-metadata"), None).await;
        assert_eq!(
            failed.json()["message"],
            "bad idpMetadataUrl: the identity provider's metadata has no signing certificate that can be used: \
             certificate 1 cannot be read as X.509; copy the whole of it again"
        );
        fixture.trusts(&[&fixture.first]).await;
        fixture.server.serve(metadata(ENTITY, "", &[&next]));
        assert_eq!(fixture.call(Method::POST, &fixture.path("/refresh-metadata"), None).await.status, 200);
        fixture.trusts(&[&next]).await;
        assert_eq!(fixture.seen().await["warnings"], json!([]));
    }

    async fn metadata_is_read_packed_and_in_the_encoding_that_it_names(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let packed = |bytes: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        };
        let refresh = async |headers, body| {
            fixture.server.serve_bytes(headers, body);
            fixture.call(Method::POST, &fixture.path("/refresh-metadata"), None).await
        };
        let document = |keys: &KeyPair, encoding: &str| {
            let more = "xmlns:x=\"urn:x\" x:city=\"Z\u{fc}rich\"";
            format!(" \n<?xml version=\"1.0\" encoding=\"{encoding}\"?>{}", metadata(ENTITY, more, &[keys]))
        };
        let latin = |text: String| text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>();
        let keys: Vec<KeyPair> = (0..4).map(|_| keys(fixture.app.now())).collect();
        let utf16: Vec<u8> = document(&keys[2], "UTF-16").encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (headers, body, keys) in [
            ("", latin(document(&keys[0], "ISO-8859-1")), &keys[0]),
            ("content-type: text/xml; charset=windows-1252\r\n", latin(document(&keys[1], "utf-8")), &keys[1]),
            ("", [&b"\xfe\xff"[..], &utf16].concat(), &keys[2]),
            ("content-encoding: gzip\r\n", packed(document(&keys[3], "UTF-8").as_bytes()), &keys[3]),
        ] {
            let answer = refresh(headers, body).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            fixture.trusts(&[keys]).await;
        }
        let asked = fixture.server.requests.lock().unwrap().concat();
        assert!(asked.contains("accept-encoding: identity"), "{asked}");

        // A bomb is no more than its size, and what cannot be read changes nothing.
        for (headers, body, reason) in [
            ("content-encoding: gzip\r\n", packed(&vec![b' '; 3 * 1024 * 1024]), "the answer is longer than 2097152 bytes"),
            ("content-encoding: br\r\n", vec![1, 2, 3], "the answer is packed (br) and cannot be read; the server was asked for it unpacked"),
            ("", b"<a>\xfc</a>".to_vec(), "the metadata is not UTF-8 text"),
            ("content-type: text/html\r\n", b"<!DOCTYPE html><html></html>".to_vec(), "the metadata's root is <html>, not a SAML 2.0 EntityDescriptor or EntitiesDescriptor"),
        ] {
            let answer = refresh(headers, body).await;
            assert_eq!(answer.json()["message"], format!("bad idpMetadataUrl: {reason}"));
        }
        fixture.trusts(&[&keys[3]]).await;
    }

    async fn no_change_from_before_a_rotation_brings_a_withdrawn_certificate_back(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let console = fixture.app.console(Role::Admin, &fixture.tenant.environment).await;
        let edit = format!("/saml-connections/{}/edit", fixture.tenant.connection.id);
        let opened = console.page(&edit).await;
        let (seen, old) = (seen_in(&opened, &edit), pem(&fixture.first));
        let echo = fixture.call(Method::GET, &fixture.path(""), None).await;
        let mut whole = echo.json()["samlConnection"].clone();

        let next = keys(fixture.app.now());
        fixture.server.serve(metadata(ENTITY, "", &[&next]));
        assert_eq!(fixture.call(Method::POST, &fixture.path("/refresh-metadata"), None).await.status, 200);
        fixture.trusts(&[&next]).await;

        // The administrator only ticks a box in the form that was opened before.
        let post = async |seen: &[(&'static str, String)], certificates: &str| {
            let mut fields: Vec<(&str, &str)> = seen.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let url = fixture.server.url.as_str();
            fields.extend([
                ("idpMetadataUrl", url),
                ("idpEntityId", ENTITY),
                ("idpRedirectUrl", "https://idp.acme.example/sso"),
                ("idpCertificate", certificates),
                ("idpBinding", "POST"),
                ("primary", ""),
                ("forceAuthn", ""),
                ("forceAuthn", "true"),
            ]);
            console.post(&edit, &fields).await
        };
        let refused = post(&seen, &old).await;
        assert_eq!(refused.status, 409, "{}", refused.body);
        refused.says("This was changed while you were editing").says("Signing certificates : added CN=idp");
        let held = refused.body.replace("&#43;", "+");
        assert!(held.contains(pem(&next).trim()) && !held.contains(&format!("{}</textarea>", old.trim())), "{held}");
        fixture.trusts(&[&next]).await;
        let saved = post(&seen_in(&refused, &edit), &pem(&next)).await;
        assert_eq!(saved.status, 303, "{}", saved.body);
        fixture.trusts(&[&next]).await;
        assert_eq!(fixture.seen().await["forceAuthn"], true);

        // A client of the API that read the whole connection before, and sends it back with its version.
        whole["forceAuthn"] = json!(false);
        let refused = patch_if(&fixture.app, &fixture.key, &fixture.path(""), echo.header("etag"), &whole).await;
        assert_eq!(refused.status, 412);
        fixture.trusts(&[&next]).await;

        // One that knows no versions has its way until the next refresh: the metadata has withdrawn that certificate.
        assert_eq!(fixture.call(Method::PATCH, &fixture.path(""), Some(whole)).await.status, 200);
        fixture.trusts(&[&fixture.first]).await;
        assert_eq!(fixture.call(Method::POST, &fixture.path("/refresh-metadata"), None).await.status, 200);
        fixture.trusts(&[&next]).await;
    }

    async fn a_refresh_that_brings_nothing_new_is_no_new_version(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let tag = fixture.call(Method::GET, &fixture.path(""), None).await.header("etag").to_owned();
        fixture.refresh().await;
        fixture.server.fail(500);
        fixture.refresh().await;
        assert_eq!(fixture.call(Method::GET, &fixture.path(""), None).await.header("etag"), tag);
        let change = json!({ "forceAuthn": true });
        let changed = patch_if(&fixture.app, &fixture.key, &fixture.path(""), &tag, &change).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
    }

    async fn a_key_switched_overnight_works_at_the_second_attempt(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let (next, strange) = (keys(fixture.app.now()), keys(fixture.app.now()));
        fixture.server.serve(metadata(ENTITY, "", &[&next]));
        let refused = fixture.sign_in(&next).await;
        assert_eq!(refused.status, 400);
        fixture.until(async || fixture.seen().await["idpCertificates"] == json!([pem(&next)])).await;
        assert_eq!(fixture.sign_in(&next).await.status, 303);

        // Forged responses cannot cause repeated fetches.
        let (asked, stored) = (fixture.server.request_count(), fixture.stored().await.metadata);
        for _ in 0..3 {
            assert_eq!(fixture.sign_in(&strange).await.status, 400);
        }
        // A request would have made the next fetch due, and a fetch would have set a new time for the next one.
        assert_eq!(fixture.stored().await.metadata, stored);
        assert_eq!(metadata::refresh::refresh_due(&fixture.app.state).await.unwrap(), 0);
        assert_eq!(fixture.server.request_count(), asked);
        fixture.app.advance(Duration::from_secs(301));
        assert_eq!(fixture.sign_in(&strange).await.status, 400);
        fixture.until(async || fixture.server.request_count() == asked + 1).await;

        // The flow's failed check explains it.
        let remedies = remedies(&fixture).await;
        assert!(remedies.iter().any(|remedy| remedy.contains("try again in a minute")), "{remedies:?}");
        assert!(remedies.iter().any(|remedy| remedy.contains("was last fetched at")), "{remedies:?}");
    }

    async fn unchanged_metadata_is_not_sent_again(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        fixture.server.response.lock().unwrap().etag = Some("\"v1\"");
        fixture.refresh().await;
        let fetched = fixture.seen().await["metadataFetchedAt"].clone();
        fixture.refresh().await;
        let head = fixture.server.requests.lock().unwrap().last().unwrap().clone();
        assert!(head.contains("if-none-match: \"v1\""), "{head}");
        assert_ne!(fixture.seen().await["metadataFetchedAt"], fetched, "it was found good again");
        fixture.trusts(&[&fixture.first]).await;
        assert_eq!(fixture.events(EventKind::MetadataChanged).await.len(), 0);
        // A manual change makes the next refresh read the whole document.
        let changed = json!({ "idpRedirectUrl": "https://elsewhere.example/sso" });
        assert_eq!(fixture.call(Method::PATCH, &fixture.path(""), Some(changed)).await.status, 200);
        fixture.refresh().await;
        assert_eq!(fixture.seen().await["idpRedirectUrl"], "https://idp.acme.example/sso");
        // A document with `cacheDuration` is always read again.
        fixture.server.serve(metadata(ENTITY, "cacheDuration=\"PT1H\"", &[&fixture.first]));
        fixture.server.response.lock().unwrap().etag = Some("\"v2\"");
        fixture.refresh().await;
        let stored = fixture.stored().await.metadata;
        let rest = stored.next_at.unwrap().since(fixture.app.now());
        assert!(stored.etag.is_none() && rest > HOUR * 8 / 10 && rest < HOUR * 12 / 10, "{stored:?}");
    }

    async fn what_cannot_be_followed_changes_nothing_but_the_error(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let good = metadata(ENTITY, "", &[&fixture.first]);
        let other = keys(fixture.app.now());
        for (body, said) in [
            (metadata("https://other.example", "", &[&other]), "has no identity provider \"https://idp.acme.example/metadata\"; it has [\"https://other.example\"]"),
            (metadata(ENTITY, "", &[]), "has no signing certificate"),
            (metadata(ENTITY, "validUntil=\"2020-01-01T00:00:00Z\"", &[&other]), "expired at"),
            (format!("<!DOCTYPE x []>{good}"), "document type declaration"),
            ("<html>maintenance</html>".to_owned(), "not a SAML 2.0 EntityDescriptor"),
            ("x".repeat(3 * 1024 * 1024), "the answer is longer than 2097152 bytes"),
        ] {
            fixture.server.serve(body);
            let answer = fixture.call(Method::POST, &fixture.path("/refresh-metadata"), None).await;
            assert_eq!(answer.status, 400, "{}", answer.body);
            assert!(answer.json()["message"].as_str().unwrap().contains(said), "{}", answer.body);
            let seen = fixture.seen().await;
            assert!(seen["metadataError"].as_str().unwrap().contains(said), "{seen}");
            assert_eq!((&seen["idpEntityId"], &seen["idpRedirectUrl"]), (&json!(ENTITY), &json!("https://idp.acme.example/sso")));
            fixture.trusts(&[&fixture.first]).await;
        }
        // Each failure doubles the delay.
        assert_eq!(fixture.stored().await.metadata.failures, 6);
        fixture.server.serve(good);
        fixture.server.fail(503);
        fixture.app.advance(7 * HOUR);
        let before = fixture.app.now();
        metadata::refresh::refresh_due(&fixture.app.state).await.unwrap();
        fixture.until(async || fixture.stored().await.metadata.failures == 7).await;
        let stored = fixture.stored().await.metadata;
        assert_eq!(stored.error.as_deref(), Some("the server answered 503"));
        let rest = stored.next_at.unwrap().since(before);
        assert!(rest > 280 * HOUR / 60 && rest < 360 * HOUR / 60, "{rest:?}");
        assert_eq!(fixture.sign_in(&fixture.first).await.status, 303, "logins go on");
        // A successful fetch clears the error.
        fixture.server.fail(200);
        let answer = fixture.call(Method::POST, &fixture.path("/refresh-metadata"), None).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["samlConnection"]["metadataError"]), (200, &json!("")));
        assert_eq!(fixture.events(EventKind::MetadataChanged).await.len(), 0);
    }

    async fn nothing_is_fetched_from_inside_the_network(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        // A replica whose settings do not allow it.
        let guarded = fixture.app.replica().await;
        let answer = guarded.api(&fixture.key, Method::POST, &fixture.path("/refresh-metadata"), None).await;
        assert_eq!(answer.status, 400);
        assert!(answer.json()["message"].as_str().unwrap().contains("not a public address"), "{}", answer.body);
        assert_eq!(fixture.server.request_count(), 1, "when it was made");
        for (url, said) in [
            (fixture.server.url.replace("metadata", "other"), "must begin with https://"),
            ("https://10.0.0.1/latest".to_owned(), "not a public address"),
            ("https://169.254.169.254/latest".to_owned(), "never calls"),
        ] {
            let body = json!({ "idpMetadataUrl": url });
            let answer = guarded.api(&fixture.key, Method::PATCH, &fixture.path(""), Some(body)).await;
            assert_eq!(answer.status, 400);
            assert!(answer.json()["message"].as_str().unwrap().contains(said), "{}", answer.body);
        }
    }

    async fn two_replicas_fetch_once(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let second = fixture.app.replica_with(|config| config.outgoing_allow_private_targets = true).await;
        for round in 1..=3 {
            fixture.app.advance(7 * HOUR);
            let (a, b) = tokio::join!(metadata::refresh::refresh_due(&fixture.app.state), metadata::refresh::refresh_due(&second.state));
            assert!(a.unwrap() + b.unwrap() <= 1, "the servers' own jobs may have been quicker");
            fixture.until(async || fixture.stored().await.metadata.fetched_at == Some(fixture.app.now())).await;
            assert_eq!(fixture.server.request_count(), 1 + round);
        }
    }

    async fn an_address_is_remembered_changed_and_forgotten(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let seen = fixture.seen().await;
        assert_eq!((&seen["idpMetadataUrl"], &seen["metadataFetchedAt"], &seen["metadataError"]), (&json!(fixture.server.url), &json!(fixture.app.now()), &json!("")));
        let ends = fixture.stored().await.idp_certificate_expires_at.unwrap();
        assert_eq!(seen["idpCertificateExpiresAt"], json!(ends));
        assert_eq!(ends.seconds(), fixture.app.now().seconds() + 3650 * 86_400);
        // A PATCH with the unchanged connection fetches nothing.
        let mut whole = seen.clone();
        whole["forceAuthn"] = json!(true);
        let changed = fixture.call(Method::PATCH, &fixture.path(""), Some(whole.clone())).await.json()["samlConnection"].clone();
        assert_eq!(changed, whole);
        assert_eq!(fixture.server.request_count(), 1);
        // A certificate added by hand stays beside the metadata's.
        let (by_hand, next) = (keys(fixture.app.now()), keys(fixture.app.now()));
        let both = json!({ "idpCertificates": [pem(&fixture.first), pem(&by_hand)] });
        assert_eq!(fixture.call(Method::PATCH, &fixture.path(""), Some(both)).await.status, 200);
        fixture.server.serve(metadata(ENTITY, "", &[&next]));
        fixture.refresh().await;
        fixture.trusts(&[&next, &by_hand]).await;
        // Another address is fetched at once.
        let moved = MetadataServer::start(metadata("https://new.example", "", &[&by_hand])).await;
        let changed = fixture.call(Method::PATCH, &fixture.path(""), Some(json!({ "idpMetadataUrl": moved.url }))).await.json();
        assert_eq!(changed["samlConnection"]["idpEntityId"], "https://new.example");
        fixture.trusts(&[&by_hand]).await;
        // A document in its place ends the periodic refresh, and so does an empty URL.
        let document = json!({ "idpMetadata": metadata(ENTITY, "", &[&next]) });
        let changed = fixture.call(Method::PATCH, &fixture.path(""), Some(document)).await.json()["samlConnection"].clone();
        assert_eq!((&changed["idpMetadataUrl"], &changed["metadataFetchedAt"]), (&json!(""), &json!(null)));
        assert_eq!(fixture.stored().await.metadata, Default::default());
        let back = json!({ "idpMetadataUrl": fixture.server.url });
        assert_eq!(fixture.call(Method::PATCH, &fixture.path(""), Some(back)).await.status, 200);
        let cleared = fixture.call(Method::PATCH, &fixture.path(""), Some(json!({ "idpMetadataUrl": null }))).await.json();
        assert_eq!(cleared["samlConnection"]["idpMetadataUrl"], "");
        fixture.trusts(&[&next]).await;
        let answer = fixture.call(Method::POST, &fixture.path("/refresh-metadata"), None).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!(9)));
    }

    async fn only_its_own_environment_refreshes_a_connection(app: TestApp) {
        let fixture = Fixture::new(&app).await;
        let other = fixture.app.environment("staging").await;
        let foreign = fixture.app.api_key(&other, true).await;
        let plain = fixture.app.api_key(&fixture.tenant.environment, false).await;
        for (key, status) in [(foreign, 404), (plain, 401)] {
            let answer = fixture.app.api(&key, Method::POST, &fixture.path("/refresh-metadata"), None).await;
            assert_eq!(answer.status, status);
        }
        assert_eq!(fixture.server.request_count(), 1);
    }

    async fn each_step_towards_a_certificates_end_is_told_once(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, true).await;
        // Certificates of the tests last 3650 days.
        let ending = |days: u32| pem(&keys(app.now() - DAY * 3650 + DAY * days));
        let path = format!("/v1/saml-connections/{}", tenant.connection.id);
        let set = async |certificates: Value| {
            let answer = app.api(&key, Method::PATCH, &path, Some(json!({ "idpCertificates": certificates }))).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        };
        let told = async || -> Vec<String> {
            certificate_expiry::warn(&app.state).await.unwrap();
            assert_eq!(certificate_expiry::warn(&app.state).await.unwrap(), 0, "once");
            let path = format!("/v1/events?types={}", EventKind::CertificateExpiring.as_str());
            let events = app.api(&key, Method::GET, &path, None).await.json();
            let within = |event: &Value| event["data"]["within"].as_str().unwrap().to_owned();
            events["events"].as_array().unwrap().iter().map(within).collect()
        };
        // The certificate that expires last counts.
        set(json!([ending(3), ending(40)])).await;
        assert!(told().await.is_empty());
        let mut expected: Vec<String> = Vec::new();
        for (days, within) in [(11, Some("30d")), (5, None), (11, Some("14d")), (7, Some("7d")), (5, Some("1d")), (1, Some("expired")), (90, None)] {
            app.advance(DAY * days);
            expected.extend(within.map(str::to_owned));
            assert_eq!(told().await, expected, "{days} days later");
        }
        // New certificates start over; only the warning that applies now is sent, once.
        set(json!([ending(10)])).await;
        expected.push("14d".to_owned());
        assert_eq!(told().await, expected);
        set(json!([ending(400)])).await;
        assert_eq!(told().await, expected);
        let mut conn = app.state.db.read().await.unwrap();
        let count = async |conn: &mut store::Conn, after, days: u32| {
            store::certificate_expiries::count_expiring(conn, after, app.now() + DAY * days).await.unwrap()
        };
        assert_eq!((count(&mut conn, Some(app.now()), 30).await, count(&mut conn, None, 0).await), (0, 0));
        drop(conn);
        set(json!([ending(20)])).await;
        let mut conn = app.state.db.read().await.unwrap();
        assert_eq!((count(&mut conn, Some(app.now()), 30).await, count(&mut conn, Some(app.now()), 7).await), (1, 0));
        app.advance(DAY * 21);
        assert_eq!((count(&mut conn, Some(app.now()), 30).await, count(&mut conn, None, 0).await), (0, 1));
    }

    async fn connections_are_listed_by_when_their_certificates_end(app: TestApp) {
        let environment = app.environment("prod").await;
        let foreign = app.environment("staging").await;
        app.tenant(&foreign, "foreign.example").await;
        let principal = Principal::operator(environment.id);
        let mut expected = Vec::new();
        for (name, days) in [("c", 30), ("a", 10), ("d", 30), ("b", 20)] {
            let mut tenant = app.tenant(&environment, &format!("{name}.example")).await;
            tenant.connection.idp_certificates = vec![pem(&keys(app.now() - DAY * 3650 + DAY * days))];
            app.update_connection(&tenant.connection).await;
            expected.push((days, tenant.connection.id, tenant.organization.display_name.clone()));
            app.advance(Duration::from_millis(2));
        }
        // Certificates expire on whole seconds: those of one second are ordered by id.
        expected.sort();
        let (mut seen, mut token) = (Vec::new(), None);
        loop {
            let query = PageQuery { token, size: Some("3".to_owned()) };
            let page = saml::list_by_expiry(&app.state, &principal, &query).await.unwrap();
            seen.extend(page.items.into_iter().map(|named| (named.connection.id, named.organization)));
            if page.next_token.is_empty() {
                break;
            }
            token = Some(page.next_token);
        }
        let expected: Vec<_> = expected.into_iter().map(|(_, id, name)| (id, name)).collect();
        assert_eq!(seen, expected);
    }

    async fn ends_that_nobody_noted_are_noted(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let read = async || {
            let mut conn = app.state.db.read().await.unwrap();
            store::table::find::<Stored>(&mut conn, environment.id, tenant.connection.id).await.unwrap().unwrap().idp_certificate_expires_at
        };
        let noted = read().await;
        assert!(noted.is_some());
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE saml_connections SET idp_certificate_expires_at = NULL, certificate_next_warning_at = NULL").execute().await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(read().await, None);
        certificate_expiry::backfill(&app.state).await.unwrap();
        assert_eq!(read().await, noted);
    }
}

/// The remedies of the flows' failed checks.
async fn remedies(fixture: &Fixture) -> Vec<String> {
    let mut conn = fixture.app.state.db.read().await.unwrap();
    let rows: Vec<(String,)> =
        conn.sql("SELECT checks FROM login_flow_steps WHERE kind = 'refused'").all().await.unwrap();
    let checks = rows.iter().flat_map(|(json,)| serde_json::from_str::<Vec<Value>>(json).unwrap());
    checks.filter_map(|check| Some(check["remedy"].as_str()?.to_owned())).collect()
}
