//! SAML connections through the management API.

use std::{rc::Rc, sync::OnceLock};

use model::http_url::HttpUrl;
use openssl::{
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::X509,
};
use ostiary::{
    app::connections::saml::sp_keys,
    store::{
        self,
        signing_keys::{KeyOwner, KeySeries, Purpose},
    },
};
use reqwest::Method;
use saml::key_pair::{KeyKind, KeyPair};
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, TestApp, random},
};

const ROUTE: &str = "/v1/saml-connections";

/// Certificates of identity providers, made once a test run.
fn certificates() -> &'static [String; 3] {
    static CERTIFICATES: OnceLock<[String; 3]> = OnceLock::new();
    CERTIFICATES.get_or_init(|| {
        use base::time::{Clock, SystemClock};
        let make = |kind| {
            KeyPair::generate(kind, "idp", SystemClock.now(), random()).unwrap().certificate_pem().unwrap()
        };
        [make(KeyKind::P256), make(KeyKind::P384), make(KeyKind::Rsa(2048))]
    })
}

/// A certificate over the key that ends at `until`, in seconds since 1970.
fn issue(key: &PKey<Private>, until: i64) -> String {
    let mut builder = X509::builder().unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&openssl::asn1::Asn1Time::from_unix(0).unwrap()).unwrap();
    builder.set_not_after(&openssl::asn1::Asn1Time::from_unix(until).unwrap()).unwrap();
    builder.sign(key, openssl::hash::MessageDigest::sha256()).unwrap();
    String::from_utf8(builder.build().to_pem().unwrap()).unwrap()
}

struct Fixture {
    app: TestApp,
    key: String,
    environment: model::environment::Environment,
    organization: String,
}

impl Fixture {
    async fn new(app: TestApp) -> Self {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let organization = Self::organization(&app, &key).await;
        Self { app, key, environment, organization }
    }

    async fn organization(app: &TestApp, key: &str) -> String {
        let answer = app.api(key, Method::POST, "/v1/organizations", Some(json!({}))).await;
        answer.json()["organization"]["id"].as_str().unwrap().to_owned()
    }

    async fn post(&self, mut body: Value) -> Answer {
        let fields = body.as_object_mut().unwrap();
        fields.entry("organizationId").or_insert_with(|| self.organization.clone().into());
        self.app.api(&self.key, Method::POST, ROUTE, Some(body)).await
    }

    async fn create(&self, body: Value) -> Value {
        one(&self.post(body).await)
    }

    async fn patch(&self, id: &Value, body: Value) -> Answer {
        self.app.api(&self.key, Method::PATCH, &format!("{ROUTE}/{}", id.as_str().unwrap()), Some(body)).await
    }

    async fn get(&self, id: &Value) -> Value {
        one(&self.app.api(&self.key, Method::GET, &format!("{ROUTE}/{}", id.as_str().unwrap()), None).await)
    }

    async fn list(&self, query: &str) -> Value {
        let url = format!("{ROUTE}?organizationId={}{query}", self.organization);
        let answer = self.app.api(&self.key, Method::GET, &url, None).await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        answer.json()
    }
}

fn one(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:#?}");
    answer.json()["samlConnection"].clone()
}

fn refused(answer: &Answer) -> String {
    assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!(3)), "{answer:#?}");
    answer.json()["message"].as_str().unwrap().to_owned()
}

fn metadata(entity: &str, certificates: &[&str]) -> String {
    let key = |pem: &&str| {
        let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        format!(
            "<KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{base64}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        )
    };
    format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{entity}\"><IDPSSODescriptor WantAuthnRequestsSigned=\"true\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">{}<SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://meta.example/sso\"/></IDPSSODescriptor></EntityDescriptor>",
        certificates.iter().map(key).collect::<String>()
    )
}

both! {
    async fn a_new_connection_has_every_field(app: TestApp) {
        let fixture = Fixture::new(app).await;
        let made = fixture.create(json!({})).await;
        let id = made["id"].as_str().unwrap();
        assert_eq!(made, json!({
            "id": id, "organizationId": fixture.organization, "primary": false,
            "idpRedirectUrl": "", "idpCertificate": "", "idpCertificates": [], "idpEntityId": "",
            "idpCertificateExpiresAt": null, "idpMetadataUrl": "", "metadataFetchedAt": null, "metadataError": "", "warnings": [],
            "spEntityId": fixture.app.url(&format!("/v1/saml/{id}")),
            "spAcsUrl": fixture.app.url(&format!("/v1/saml/{id}/acs")),
            "idpBinding": "POST", "idpInitiated": null, "emailAttribute": "", "allowSha1": false,
            "assertionEncryption": false, "allowCbcEncryption": false, "signAuthnRequests": false,
            "forceAuthn": false, "disabled": false, "idpKind": null, "spEncryptionCertificate": null,
        }));
        assert_eq!(fixture.get(&made["id"]).await, made);
        assert_eq!(fixture.list("").await, json!({ "samlConnections": [made], "nextPageToken": "" }));
        let url = format!("{ROUTE}/{id}");
        let removed = fixture.app.api(&fixture.key, Method::DELETE, &url, None).await;
        assert_eq!((removed.status.as_u16(), removed.body.as_str()), (200, "{}"));
        assert_eq!(fixture.app.api(&fixture.key, Method::GET, &url, None).await.status, 404);
    }

    async fn every_field_is_written_read_and_cleared(app: TestApp) {
        let fixture = Fixture::new(app).await;
        let [first, second, _] = certificates();
        let settings = json!({
            "primary": true, "idpRedirectUrl": "https://idp.example/sso?x=1", "idpEntityId": "urn:idp",
            "idpCertificate": format!("{first}{second}"), "idpBinding": "REDIRECT", "idpInitiated": "ALLOW",
            "emailAttribute": "mail", "allowSha1": true, "allowCbcEncryption": true, "signAuthnRequests": true,
            "forceAuthn": true, "idpKind": "entra",
        });
        let made = fixture.create(settings.clone()).await;
        for (name, value) in settings.as_object().unwrap() {
            assert_eq!(&made[name], value, "{name}");
        }
        assert_eq!(made["idpCertificates"], json!([first, second]));
        // What is not named stays, one field at a time …
        assert_eq!(one(&fixture.patch(&made["id"], json!({})).await), made);
        let mut expected = made.clone();
        let zero = [
            ("primary", json!(false)), ("idpRedirectUrl", json!("")), ("idpEntityId", json!("")),
            ("idpBinding", json!("POST")), ("idpInitiated", json!(null)), ("emailAttribute", json!("")),
            ("allowSha1", json!(false)), ("allowCbcEncryption", json!(false)), ("signAuthnRequests", json!(false)),
            ("forceAuthn", json!(false)),
        ];
        for (name, value) in zero {
            // … and null clears like the zero value.
            let changed = one(&fixture.patch(&made["id"], json!({ name: null })).await);
            expected[name] = value;
            assert_eq!(changed, expected, "{name}");
        }
        let changed = one(&fixture.patch(&made["id"], json!({ "idp_certificate": "" })).await);
        assert_eq!((&changed["idpCertificate"], &changed["idpCertificates"]), (&json!(""), &json!([])));
        let changed = one(&fixture.patch(&made["id"], json!({ "idp_initiated": "REFUSE", "id": "x", "organizationId": "y", "spEntityId": "z" })).await);
        assert_eq!((&changed["idpInitiated"], &changed["organizationId"], &changed["spEntityId"]), (&json!("REFUSE"), &made["organizationId"], &made["spEntityId"]));
    }

    async fn certificates_come_in_both_forms_and_are_written_anew(app: TestApp) {
        let fixture = Fixture::new(app).await;
        let [first, second, third] = certificates();
        let messy = format!("Bag Attributes\r\n{}\nand\n{second}{first}", first.replace('\n', "\r\n"));
        let made = fixture.create(json!({ "idpCertificate": messy })).await;
        assert_eq!(made["idpCertificates"], json!([first, second]), "each once, in order");
        assert_eq!(made["idpCertificate"], format!("{first}{second}"));
        let id = &made["id"];
        let changed = one(&fixture.patch(id, json!({ "idpCertificates": [third] })).await);
        assert_eq!((&changed["idpCertificate"], &changed["idpCertificates"]), (&json!(third), &json!([third])));
        // If a client sends the whole connection back with one of the two forms changed, that one counts.
        let mut whole = changed.clone();
        whole["idpCertificates"] = json!([third, first]);
        assert_eq!(one(&fixture.patch(id, whole.clone()).await)["idpCertificates"], json!([third, first]));
        whole["idpCertificate"] = json!(second);
        assert_eq!(one(&fixture.patch(id, whole.clone()).await)["idpCertificates"], json!([second]));
        whole["idpCertificate"] = json!(first);
        assert!(refused(&fixture.patch(id, whole).await).starts_with("bad idpCertificates: says something else"));
        assert_eq!(fixture.get(id).await["idpCertificates"], json!([second]));
        assert_eq!(one(&fixture.patch(id, json!({ "idpCertificates": [] })).await)["idpCertificate"], "");
    }

    async fn a_certificate_that_cannot_be_used_is_left_out_with_a_warning(app: TestApp) {
        let fixture = Fixture::new(app).await;
        let [first, second, _] = certificates();
        let small = issue(&PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap(), 2_000_000_000);
        let size = "left out: certificate 2 has an RSA key of 1024 bits; 2048 to 8192 are needed";
        let made = fixture.create(json!({ "idpCertificates": [first, small, second] })).await;
        assert_eq!((&made["idpCertificates"], &made["warnings"]), (&json!([first, second]), &json!([size])));
        assert_eq!(fixture.get(&made["id"]).await["warnings"], json!([size]), "it is told until certificates are given again");
        let text = format!("{second}{small}").replace('\n', "\\n");
        let changed = one(&fixture.patch(&made["id"], json!({ "idpCertificate": text })).await);
        assert_eq!((&changed["idpCertificates"], &changed["warnings"]), (&json!([second]), &json!([size])));
        let changed = one(&fixture.patch(&made["id"], json!({ "idpCertificate": changed["idpCertificate"] })).await);
        assert_eq!(changed["warnings"], json!([]));
        let changed = one(&fixture.patch(&made["id"], json!({ "idpCertificates": [first, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"] })).await);
        let malformed = "left out: certificate 2 cannot be read as X.509; copy the whole of it again";
        assert_eq!((&changed["idpCertificates"], &changed["warnings"]), (&json!([first]), &json!([malformed])));

        let metadata = metadata("https://idp.example", &[&small, second]);
        let changed = one(&fixture.patch(&made["id"], json!({ "idpMetadata": metadata })).await);
        assert_eq!((&changed["idpCertificates"], &changed["warnings"]), (&json!([second]), &json!([size.replace("certificate 2", "certificate 1")])));
    }

    async fn metadata_whose_only_certificate_has_ended_is_taken_with_a_warning(app: TestApp) {
        let fixture = Fixture::new(app).await;
        let ended = issue(&PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap(), 1_700_000_000);
        let made = fixture.create(json!({ "idpMetadata": metadata("https://idp.example", &[&ended]) })).await;
        assert_eq!(
            made["warnings"],
            json!(["its only certificate ended at 2023-11-14T22:13:20.000Z: find out whether the identity provider still signs with it, or has a newer one"])
        );
        let listed = fixture.list("").await["samlConnections"][0]["warnings"].clone();
        assert_eq!(listed, made["warnings"]);
    }

    async fn what_cannot_be_used_is_refused_by_its_name(app: TestApp) {
        let fixture = Fixture::new(app).await;
        let made = fixture.create(json!({ "idpEntityId": "urn:idp" })).await;
        let small = issue(&PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap(), 2_000_000_000);
        let long = "x".repeat(1025);
        let url = "must be an absolute http or https URL of at most 2000 characters, without user name and password";
        for (body, message) in [
            (json!({ "primary": "yes" }), "bad primary: must be true or false".to_owned()),
            (json!({ "idpEntityId": long }), "bad idpEntityId: must be at most 1024 characters long".to_owned()),
            (json!({ "idpEntityId": "a\u{0}" }), "bad idpEntityId: must not contain NUL".to_owned()),
            (json!({ "idpRedirectUrl": "idp.example" }), format!("bad idpRedirectUrl: {url}")),
            (json!({ "idpRedirectUrl": "javascript:alert(1)" }), format!("bad idpRedirectUrl: {url}")),
            (json!({ "idpRedirectUrl": "https://u:p@idp.example" }), format!("bad idpRedirectUrl: {url}")),
            (json!({ "idpRedirectUrl": format!("https://idp.example/{}", "x".repeat(2000)) }), format!("bad idpRedirectUrl: {url}")),
            (json!({ "idpCertificate": "hello!" }), "bad idpCertificate: there is no PEM certificate in the text (-----BEGIN CERTIFICATE-----)".to_owned()),
            (json!({ "idpCertificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" }), "bad idpCertificate: certificate 1 cannot be read as X.509; copy the whole of it again".to_owned()),
            (json!({ "idpCertificate": small }), "bad idpCertificate: certificate 1 has an RSA key of 1024 bits; 2048 to 8192 are needed".to_owned()),
            (json!({ "idpCertificates": "x" }), "bad idpCertificates: must be a list of strings".to_owned()),
            (json!({ "idpBinding": "post" }), "bad idpBinding: must be POST or REDIRECT".to_owned()),
            (json!({ "idpInitiated": "yes" }), "bad idpInitiated: must be ALLOW, RESTART, REFUSE, or null for the environment's".to_owned()),
            (json!({ "idpInitiated": true }), "bad idpInitiated: must be a string".to_owned()),
            (json!({ "emailAttribute": "x".repeat(501) }), "bad emailAttribute: must be at most 500 characters long".to_owned()),
            (json!({ "idpKind": "Okta" }), "bad idpKind: must be one of okta, entra, google, adfs, keycloak, onelogin, jumpcloud, ping, other, or empty".to_owned()),
            (json!({ "forceAuthn": 1 }), "bad forceAuthn: must be true or false".to_owned()),
            (json!({ "idpMetadata": "<x/>" }), "bad idpMetadata: the metadata's root is <x>, not a SAML 2.0 EntityDescriptor or EntitiesDescriptor".to_owned()),
            (json!({ "idpMetadata": " https://idp.example/metadata" }), "bad idpMetadata: is an address and no metadata; send it as idpMetadataUrl, and it is read from there".to_owned()),
            (json!({ "idpMetadata": certificates()[0] }), "bad idpMetadata: is no metadata; send a certificate as idpCertificate".to_owned()),
            (json!({ "idpMetadata": "<x/>", "idpMetadataUrl": "https://idp.example" }), "bad idpMetadataUrl: must not come together with idpMetadata".to_owned()),
        ] {
            assert_eq!(refused(&fixture.post(body.clone()).await), message, "{body}");
            assert_eq!(refused(&fixture.patch(&made["id"], body.clone()).await), message, "{body}");
        }
        for url in ["http://127.0.0.1:1/", "http://169.254.169.254/latest", "http://[::1]/", "file:///etc/passwd"] {
            let message = refused(&fixture.post(json!({ "idpMetadataUrl": url })).await);
            assert!(message.starts_with("bad idpMetadataUrl: "), "{message}");
        }
        assert_eq!(refused(&fixture.post(json!({ "organizationId": "" })).await), "bad organization_id: is required");
        assert_eq!(refused(&fixture.post(json!({ "organizationId": "x" })).await), "bad organization_id: \"x\" does not have expected prefix \"org_\"");
        let nowhere = fixture.post(json!({ "organizationId": "org_0000000000000000000000001" })).await;
        assert_eq!((nowhere.status.as_u16(), &nowhere.json()["code"]), (404, &json!(5)));
        assert_eq!(fixture.list("").await["samlConnections"], json!([made]), "nothing of it was stored");
        for (query, status) in [("", 400), ("?organizationId=", 400), ("?organizationId=x", 400), ("?organization_id=org_0000000000000000000000001", 404)] {
            assert_eq!(fixture.app.api(&fixture.key, Method::GET, &format!("{ROUTE}{query}"), None).await.status, status, "{query}");
        }
    }

    async fn whatever_is_wired_to_the_test_identity_provider_is_a_test(app: TestApp) {
        let test_idp = TestApp::spawn_with(app.backend, |config| config.test_idp = true).await;
        for (app, reason) in [(app, Some("test_connection_disabled")), (test_idp, None)] {
            let links = app.state.links.clone();
            let fixture = Fixture::new(app).await;
            let address = format!("/v1/organizations/{}", fixture.organization);
            let name = Some(json!({ "displayName": "Wired & Co" }));
            assert_eq!(fixture.app.api(&fixture.key, Method::PATCH, &address, name).await.status, 200);
            let [certificate, ..] = certificates();
            let real = json!({
                "idpEntityId": "urn:idp", "idpRedirectUrl": "https://idp.example/sso", "idpCertificate": certificate,
            });
            let opened = async |connection: &Value| {
                let body = json!({ "samlConnectionId": connection["id"] });
                let link = fixture.app.api(&fixture.key, Method::POST, "/v1/saml/redirect", Some(body)).await;
                let opened = fixture.app.browser().get(link.json()["redirectUrl"].as_str().unwrap()).await;
                opened.reason().map(str::to_owned)
            };
            let listed = async || {
                let page = fixture.app.browser().get(&fixture.app.url("/test-idp")).await;
                (page.status != 404).then(|| page.body.contains("Wired &amp; Co"))
            };
            let test_idp = reason.is_none();
            let made = fixture.create(real.clone()).await;
            assert_eq!((opened(&made).await, listed().await), (None, test_idp.then_some(false)), "a real one");
            for wired in [
                json!({ "idpEntityId": links.test_idp_metadata() }),
                json!({ "idpRedirectUrl": links.test_idp_sso() }),
            ] {
                let patched = one(&fixture.patch(&made["id"], wired.clone()).await);
                assert_eq!(opened(&patched).await.as_deref(), reason, "{wired}");
                assert_eq!(listed().await, test_idp.then_some(true), "{wired}");
                one(&fixture.patch(&made["id"], real.clone()).await);
                assert_eq!((opened(&made).await, listed().await), (None, test_idp.then_some(false)), "real again");
            }
            let mut born = real.clone();
            born["idpEntityId"] = json!(links.test_idp_metadata());
            let born = fixture.create(born).await;
            assert_eq!(opened(&born).await.as_deref(), reason);
            assert_eq!(listed().await, test_idp.then_some(true));
        }
    }

    async fn metadata_gives_what_is_not_given_by_itself(app: TestApp) {
        let fixture = Fixture::new(app).await;
        let [first, second, third] = certificates();
        let xml = metadata("https://meta.example", &[first, second]);
        let made = fixture.create(json!({ "idpMetadata": xml })).await;
        assert_eq!(
            (&made["idpEntityId"], &made["idpRedirectUrl"], &made["idpBinding"], &made["idpCertificates"], &made["signAuthnRequests"]),
            (&json!("https://meta.example"), &json!("https://meta.example/sso"), &json!("REDIRECT"), &json!([first, second]), &json!(true))
        );
        let changed = one(&fixture.patch(&made["id"], json!({
            "idpMetadata": metadata("https://meta.example", &[first]), "idpCertificates": [third], "idpBinding": "POST",
        })).await);
        assert_eq!((&changed["idpCertificates"], &changed["idpBinding"]), (&json!([third]), &json!("POST")));
        let wrong = fixture.patch(&made["id"], json!({ "idpMetadata": xml, "idpEntityId": "https://other.example" })).await;
        assert!(refused(&wrong).contains("https://meta.example"), "the candidates are named");
    }

    async fn what_the_identity_provider_knows_never_moves(app: TestApp) {
        let mut fixture = Fixture::new(app).await;
        let made = fixture.create(json!({})).await;
        fixture.environment.auth_url = HttpUrl::parse("https://sso.vendor.example");
        fixture.app.update_environment(&fixture.environment).await;
        assert_eq!(fixture.get(&made["id"]).await, made);
        let second = fixture.create(json!({})).await;
        let id = second["id"].as_str().unwrap();
        assert_eq!(second["spEntityId"], format!("https://sso.vendor.example/v1/saml/{id}"));
        assert_eq!(second["spAcsUrl"], format!("https://sso.vendor.example/v1/saml/{id}/acs"));
    }

    async fn one_connection_is_primary_at_a_time(app: TestApp) {
        let fixture = Fixture::new(app).await;
        let other = Fixture::organization(&fixture.app, &fixture.key).await;
        let elsewhere = fixture.create(json!({ "organizationId": other, "primary": true })).await;
        let first = fixture.create(json!({ "primary": true })).await;
        let second = fixture.create(json!({ "primary": true })).await;
        let primary = async |connection: &Value| fixture.get(&connection["id"]).await["primary"].clone();
        assert_eq!((primary(&first).await, primary(&second).await), (json!(false), json!(true)));
        assert_eq!(one(&fixture.patch(&first["id"], json!({ "primary": true })).await)["primary"], true);
        assert_eq!((primary(&first).await, primary(&second).await), (json!(true), json!(false)));
        fixture.patch(&first["id"], json!({ "emailAttribute": "mail" })).await;
        assert_eq!(primary(&first).await, true, "what is not named stays");
        fixture.patch(&first["id"], json!({ "primary": false })).await;
        assert_eq!((primary(&first).await, primary(&second).await), (json!(false), json!(false)));
        assert_eq!(primary(&elsewhere).await, true, "another organization's");
    }

    async fn of_sixteen_that_become_primary_at_once_one_is_it_in_the_end(app: TestApp) {
        let fixture = Rc::new(Fixture::new(app).await);
        let mut ids = Vec::new();
        for _ in 0..8 {
            ids.push(fixture.create(json!({})).await["id"].clone());
        }
        let tries: Vec<_> = (0..16).map(|n| {
            let (fixture, id) = (fixture.clone(), ids[n % 8].clone());
            actix_web::rt::spawn(async move {
                match n % 2 {
                    0 => fixture.patch(&id, json!({ "primary": true })).await.status,
                    _ => fixture.post(json!({ "primary": true })).await.status,
                }
            })
        }).collect();
        for attempt in tries {
            assert_eq!(attempt.await.unwrap(), 200);
        }
        let listed = fixture.list("&pageSize=100").await;
        let connections = listed["samlConnections"].as_array().unwrap();
        assert_eq!(connections.len(), 16);
        assert_eq!(connections.iter().filter(|connection| connection["primary"] == true).count(), 1);
    }

    async fn the_encryption_certificate_is_there_when_it_is_wanted_and_is_one(app: TestApp) {
        let fixture = Rc::new(Fixture::new(app).await);
        let plain = fixture.create(json!({ "spEncryptionCertificate": "x" })).await;
        assert_eq!(plain["spEncryptionCertificate"], json!(null));
        // Several that need the environment's first key at once get the same one, on every replica.
        let replica = Rc::new(fixture.app.replica().await);
        let tries: Vec<_> = (0..8).map(|n| {
            let (fixture, replica) = (fixture.clone(), replica.clone());
            actix_web::rt::spawn(async move {
                let body = json!({ "organizationId": fixture.organization, "assertionEncryption": true });
                let app = if n % 2 == 0 { &fixture.app } else { &replica };
                one(&app.api(&fixture.key, Method::POST, ROUTE, Some(body)).await)["spEncryptionCertificate"].clone()
            })
        }).collect();
        let mut seen = Vec::new();
        for attempt in tries {
            seen.push(attempt.await.unwrap());
        }
        seen.dedup();
        assert_eq!(seen.len(), 1);
        let pem = seen[0].as_str().unwrap();
        let pairs = sp_keys::key_pairs(&fixture.app.state, fixture.environment.id).await.unwrap();
        assert_eq!((pairs.len(), pairs[0].certificate_pem().unwrap().as_str()), (1, pem));
        assert!(pairs[0].key.public_eq(&X509::from_pem(pem.as_bytes()).unwrap().public_key().unwrap()));
        assert_eq!(pairs[0].key.bits(), 2048);

        for connection in fixture.list("").await["samlConnections"].as_array().unwrap() {
            let expected = if connection["assertionEncryption"] == true { json!(pem) } else { json!(null) };
            assert_eq!(connection["spEncryptionCertificate"], expected);
        }
        let changed = one(&fixture.patch(&plain["id"], json!({ "assertionEncryption": true })).await);
        assert_eq!(changed["spEncryptionCertificate"], pem);
        let other = fixture.app.environment("staging").await;
        assert_ne!(sp_keys::encryption_certificate(&fixture.app.state, other.id).await.unwrap(), pem);
        // The private key is not stored in plain text.
        let mut conn = fixture.app.state.db.read().await.unwrap();
        let owner = KeyOwner::Environment(fixture.environment.id);
        let series = KeySeries { owner, purpose: Purpose::SamlSp };
        let stored = store::signing_keys::list(&mut conn, series, fixture.app.now()).await.unwrap();
        assert!(stored.iter().all(|key| !key.private_key.contains("PRIVATE KEY")));
    }

    async fn a_list_is_read_page_by_page(app: TestApp) {
        let fixture = Fixture::new(app).await;
        let mut ids = Vec::new();
        for _ in 0..12 {
            fixture.app.advance(std::time::Duration::from_millis(1));
            ids.push(fixture.create(json!({})).await["id"].clone());
        }
        let id = |page: &Value| page["samlConnections"].as_array().unwrap().iter().map(|c| c["id"].clone()).collect::<Vec<_>>();
        let first = fixture.list("").await;
        let token = first["nextPageToken"].as_str().unwrap();
        let second = fixture.list(&format!("&pageToken={token}")).await;
        assert_eq!((id(&first).as_slice(), id(&second).as_slice()), (&ids[..10], &ids[10..]));
        assert_eq!(second["nextPageToken"], "");
        let other = Fixture::organization(&fixture.app, &fixture.key).await;
        let answer = fixture.app.api(&fixture.key, Method::GET, &format!("{ROUTE}?organizationId={other}&pageToken={token}"), None).await;
        assert_eq!(answer.json()["details"][0]["description"], "invalid pagination token", "a token of another organization's list");
    }
}
