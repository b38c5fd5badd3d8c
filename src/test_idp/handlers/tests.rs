//! The test identity provider's pages, over HTTP.

use std::sync::{Arc, LazyLock};

use actix_web::{App, body::to_bytes, http::header::CONTENT_SECURITY_POLICY, test};
use base::{
    random::SeededRandom,
    time::{ManualClock, Timestamp},
};
use saml::{
    authn_request::AuthnRequest,
    binding::{post_form, redirect_url},
    key_pair::{KeyKind, KeyPair},
    metadata::parse_idp_metadata,
};
use test_idp_protocol::parties::TestUser;
use url::Url;

use crate::{links::Links, test_idp::handlers::*, web::kit::routing::RouteTable};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
const ACS: &str = "http://localhost:8080/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g/acs";
const ENTITY: &str = "http://localhost:8080/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g";

fn user(email: &str, first_name: &str) -> TestUser {
    TestUser {
        email: email.into(),
        first_name: first_name.into(),
        last_name: "Example".into(),
        groups: vec!["staff".into()],
    }
}

static KEYS: LazyLock<KeyPair> =
    LazyLock::new(|| KeyPair::generate(KeyKind::P256, "IdP", NOW, &SeededRandom::new(1)).unwrap());

fn idp() -> Data<TestIdp> {
    Data::new(TestIdp {
        keys: KEYS.clone(),
        links: Links::new(&"http://localhost:8080".parse().unwrap()).unwrap(),
        users: vec![user("dana@acme.example", "Dana"), user("sam@globex.example", "Sam")],
        service_providers: Arc::new(vec![ServiceProvider {
            name: "Acme".into(),
            sp_entity_id: ENTITY.into(),
            acs_url: ACS.into(),
            encryption_certificate: None,
            domains: vec!["acme.example".into()],
        }]),
        clock: Arc::new(ManualClock::at(NOW)),
        random: Arc::new(SeededRandom::new(2)),
    })
}

struct Answer {
    status: u16,
    policy: String,
    body: String,
}

async fn call(request: test::TestRequest) -> Answer {
    let app = test::init_service(
        App::new().app_data(idp()).configure(|config| RouteTable::default().configure(config, configure)),
    )
    .await;
    let response = test::call_service(&app, request.to_request()).await;
    let status = response.status().as_u16();
    let policy = response.headers().get(CONTENT_SECURITY_POLICY);
    let policy = policy.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let body = to_bytes(response.into_body()).await.unwrap();
    Answer { status, policy, body: String::from_utf8(body.to_vec()).unwrap() }
}

async fn get(uri: &str) -> Answer {
    call(test::TestRequest::get().uri(uri)).await
}

async fn post(uri: &str, fields: &[(&str, &str)]) -> Answer {
    call(test::TestRequest::post().uri(uri).set_form(fields)).await
}

/// The value of a hidden field, as a browser would read it.
fn hidden<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    page.split(&format!("name=\"{name}\" value=\"")).nth(1)?.split('"').next()
}

fn request() -> AuthnRequest<'static> {
    AuthnRequest {
        id: "_request",
        issue_instant: NOW,
        issuer: ENTITY,
        destination: "http://localhost:8080/test-idp/sso",
        acs_url: ACS,
        force_authn: false,
    }
}

async fn post_request(request: &AuthnRequest<'_>) -> Answer {
    let form = post_form(request.destination, &request.to_xml(), Some("r\"1"));
    let fields: Vec<_> = form.fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    post(path::TEST_IDP_SSO, &fields).await
}

#[actix_web::test]
async fn its_metadata_describes_it() {
    let answer = get("/test-idp/metadata").await;
    let metadata = parse_idp_metadata(answer.body.as_bytes(), None).unwrap();
    assert_eq!(metadata.entity_id, "http://localhost:8080/test-idp/metadata");
    assert_eq!(metadata.sso_redirect_url, "http://localhost:8080/test-idp/sso");
    assert_eq!(metadata.certificates_pem, [KEYS.certificate_pem().unwrap()]);
}

#[actix_web::test]
async fn a_request_over_either_binding_leads_to_the_list_and_the_answer() {
    let url = Url::parse("http://localhost:8080/test-idp/sso").unwrap();
    let url = redirect_url(&url, &request().to_xml(), Some("r\"1"), None).unwrap();
    let redirected = get(&url[url::Position::BeforePath..]).await;
    let posted = post_request(&request()).await;
    assert_eq!(redirected.body, posted.body);
    let list = posted.body;
    assert!(list.contains("dana@acme.example") && list.contains("test identity provider"));
    assert_eq!(hidden(&list, "request_id"), Some("_request"));
    assert_eq!(hidden(&list, "acs_url"), Some(ACS));
    assert_eq!(hidden(&list, "relay_state"), Some("r&quot;1"));
    assert!(posted.policy.contains("form-action 'self'"));

    let fields = [
        ("request_id", "_request"),
        ("acs_url", ACS),
        ("audience", ENTITY),
        ("relay_state", "r\"1"),
        ("person", "dana@acme.example"),
    ];
    let answer = post(path::TEST_IDP_RESPOND, &fields).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains(&format!("action=\"{ACS}\"")) && answer.body.contains("data-auto-submit"));
    assert!(!answer.policy.contains("form-action"));
    assert_eq!(hidden(&answer.body, "RelayState"), Some("r&quot;1"));
    let xml = BASE64.decode(hidden(&answer.body, "SAMLResponse").unwrap()).unwrap();
    let xml = String::from_utf8(xml).unwrap();
    for part in [
        "InResponseTo=\"_request\"",
        &format!("Destination=\"{ACS}\""),
        &format!("<saml:Audience>{ENTITY}</saml:Audience>"),
        ">dana@acme.example</saml:NameID>",
        ">staff</saml:AttributeValue>",
        "SignatureValue",
    ] {
        assert!(xml.contains(part), "{part} in {xml}");
    }
}

#[actix_web::test]
async fn strangers_are_not_answered() {
    for (entity, acs) in
        [("https://evil.example", "https://evil.example/acs"), (ENTITY, "https://evil.example/acs")]
    {
        let answer = post_request(&AuthnRequest { issuer: entity, acs_url: acs, ..request() }).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains("data-reason=\"test_idp_request_refused\""));
        let fields = [("acs_url", acs), ("audience", entity), ("person", "dana@acme.example")];
        let answer = post(path::TEST_IDP_RESPOND, &fields).await;
        assert_eq!(answer.status, 400);
        assert!(!answer.body.contains("SAMLResponse"));
    }
    assert_eq!(get("/test-idp/start?acs_url=https://evil.example/acs").await.status, 400);
}

#[actix_web::test]
async fn broken_requests_get_a_page_that_says_why() {
    for (uri, says) in [
        ("/test-idp/sso", "no SAMLRequest"),
        ("/test-idp/sso?SAMLRequest=*", "not what its binding says"),
        ("/test-idp/sso?SAMLRequest=a&SAMLRequest=b", "more than once"),
    ] {
        let answer = get(uri).await;
        assert_eq!(answer.status, 400, "{uri}");
        assert!(answer.body.contains(says), "{uri}: {}", answer.body);
    }
    let large = "x".repeat(MAX_FORM_BYTES + 1);
    assert_eq!(post(path::TEST_IDP_SSO, &[("SAMLRequest", &large)]).await.status, 413);
    let fields = [("acs_url", ACS), ("audience", ENTITY), ("person", "nobody@acme.example")];
    assert_eq!(post(path::TEST_IDP_RESPOND, &fields).await.status, 400);
}

#[actix_web::test]
async fn what_was_asked_is_escaped() {
    let nasty = "\"><script>alert(1)</script>";
    let answer = post_request(&AuthnRequest { issuer: nasty, ..request() }).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("<script>alert"));
    assert!(answer.body.contains("&lt;script&gt;"));
}

#[actix_web::test]
async fn a_login_can_begin_here() {
    let start = get("/test-idp").await;
    assert!(start.body.contains("BEGIN CERTIFICATE") && start.body.contains("Acme"));
    let href = start.body.split("href=\"/test-idp/start?").nth(1).unwrap().split('"').next().unwrap();
    let list = get(&format!("/test-idp/start?{}", href.replace("&amp;", "&"))).await;
    assert_eq!(list.status, 200);
    assert_eq!(hidden(&list.body, "request_id"), None);
    let fields = [("acs_url", ACS), ("audience", ENTITY), ("person", "sam@globex.example")];
    let answer = post(path::TEST_IDP_RESPOND, &fields).await;
    let xml = BASE64.decode(hidden(&answer.body, "SAMLResponse").unwrap()).unwrap();
    assert!(!String::from_utf8(xml).unwrap().contains("InResponseTo"));
}

#[actix_web::test]
async fn the_form_can_be_filled_in_changed_shown_and_refused() {
    let base = [("acs_url", ACS), ("audience", ENTITY), ("request_id", "_request")];
    let with = |more: &[(&'static str, &'static str)]| [&base[..], more].concat();

    let edit = post(path::TEST_IDP_RESPOND, &with(&[("edit", "sam@globex.example")])).await;
    assert!(
        edit.body.contains("value=\"sam@globex.example\"")
            && edit.body.contains("<details class=\"stack\" open>")
    );

    let shown = post(
        path::TEST_IDP_RESPOND,
        &with(&[("name_id", "opaque-1"), ("email", "dana@acme.example"), ("show", "1")]),
    )
    .await;
    assert!(!shown.body.contains("data-auto-submit"));
    assert!(shown.body.contains("opaque-1&lt;/saml:NameID&gt;"));

    let replay =
        post(path::TEST_IDP_RESPOND, &with(&[("name_id", "a@acme.example"), ("flaw", "replayed")])).await;
    assert_eq!(replay.body.matches("name=\"SAMLResponse\"").count(), 2);

    let empty = post(path::TEST_IDP_RESPOND, &with(&[("name_id", " "), ("groups", "kept")])).await;
    assert_eq!(empty.status, 400);
    assert!(empty.body.contains("Write a NameID") && empty.body.contains("kept"));

    let encrypted =
        post(path::TEST_IDP_RESPOND, &with(&[("name_id", "a@acme.example"), ("flaw", "encrypted")])).await;
    assert_eq!(encrypted.status, 409);
    assert!(encrypted.body.contains("assertionEncryption"));
}
