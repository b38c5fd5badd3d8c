//! Logins by an independent SAML identity provider: pysaml2, which uses xmlsec1.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use model::saml_connection::IdpBinding;
use saml::metadata::parse_idp_metadata;
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, IdentityProvider, Request, Tenant, TestApp, python, query},
};

/// How the identity provider signs.
struct Signing {
    response: bool,
    assertion: bool,
    hash: &'static str,
}

/// Runs pysaml2 on the gateway's metadata and a request. Returns its response.
fn answer(
    sp_metadata: &str,
    page: &Answer,
    email: &str,
    signing: &Signing,
    want_signed_request: bool,
) -> Value {
    let idp = IdentityProvider::get();
    let redirect = page.status == 303;
    let fields: Value = if redirect {
        let url = page.location();
        let names = ["SAMLRequest", "RelayState", "SigAlg", "Signature"];
        names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), query(&url, name)?.into())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    } else {
        json!({ "SAMLRequest": page.form().field("SAMLRequest").unwrap() })
    };
    let algorithm = |kind: &str| match (kind, signing.hash) {
        ("signature", hash) => format!("http://www.w3.org/2001/04/xmldsig-more#rsa-{hash}"),
        (_, "sha256") => "http://www.w3.org/2001/04/xmlenc#sha256".to_owned(),
        (_, "sha512") => "http://www.w3.org/2001/04/xmlenc#sha512".to_owned(),
        (_, hash) => format!("http://www.w3.org/2001/04/xmldsig-more#{hash}"),
    };
    let task = json!({
        "entity_id": idp.entity_id,
        "sso_url": idp.sso_url,
        "key": idp.keys.private_key_pem().unwrap(),
        "certificate": idp.keys.certificate_pem().unwrap(),
        "sp_metadata": sp_metadata,
        "redirect": redirect,
        "query": fields,
        "email": email,
        "sign_response": signing.response,
        "sign_assertion": signing.assertion,
        "sign_alg": algorithm("signature"),
        "digest_alg": algorithm("digest"),
        "want_signed_request": want_signed_request,
    });
    let mut python = Command::new(python())
        .arg("tests/python/pysaml2_idp.py")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(task.to_string().as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn sp_metadata(app: &TestApp, tenant: &Tenant) -> String {
    app.browser().get(&app.url(&format!("/v1/saml/{}/metadata", tenant.connection.id))).await.body
}

both! {
    async fn pysaml2_signs_in_whatever_it_signs(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, false).await;
        let metadata = sp_metadata(&app, &tenant).await;
        for (response, assertion, hash) in [(false, true, "sha256"), (true, false, "sha384"), (true, true, "sha512")] {
            let browser = app.browser();
            let page = browser.get(&app.login_link(&key, &tenant, "s").await).await;
            let signing = Signing { response, assertion, hash };
            let answer = answer(&metadata, &page, "dana@acme.example", &signing, false);
            let saml_response = answer["saml_response"].as_str().unwrap();
            let landed = Request::read(&page).answer(&browser, &tenant, saml_response).await;
            let code = query(&landed.location(), "saml_access_code").unwrap();
            let person = app.redeem(&key, &code).await.json();
            assert_eq!(person["email"], "dana@acme.example");
            assert_eq!(person["state"], "s");
            let values: Vec<&Value> = person["attributeValues"].as_object().unwrap().values().collect();
            assert!(values.contains(&&json!(["Engineer", "Keyholder"])), "{person}");
        }
    }

    async fn pysaml2_verifies_our_signed_requests_over_both_bindings(app: TestApp) {
        let environment = app.environment("prod").await;
        let mut tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, false).await;
        tenant.connection.sign_authn_requests = true;
        for binding in [IdpBinding::Post, IdpBinding::Redirect] {
            tenant.connection.idp_binding = binding;
            app.update_connection(&tenant.connection).await;
            let metadata = sp_metadata(&app, &tenant).await;
            let browser = app.browser();
            let page = browser.get(&app.login_link(&key, &tenant, "s").await).await;
            let signing = Signing { response: false, assertion: true, hash: "sha256" };
            let answer = answer(&metadata, &page, "dana@acme.example", &signing, true);
            let landed =
                Request::read(&page).answer(&browser, &tenant, answer["saml_response"].as_str().unwrap()).await;
            assert!(query(&landed.location(), "saml_access_code").is_some());
        }
    }

    async fn its_metadata_tells_us_what_it_is(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let key = app.api_key(&environment, false).await;
        let page = app.browser().get(&app.login_link(&key, &tenant, "s").await).await;
        let signing = Signing { response: false, assertion: true, hash: "sha256" };
        let answer = answer(&sp_metadata(&app, &tenant).await, &page, "dana@acme.example", &signing, false);
        let metadata = parse_idp_metadata(answer["metadata"].as_str().unwrap().as_bytes(), None).unwrap();
        let idp = IdentityProvider::get();
        assert_eq!(metadata.entity_id, idp.entity_id);
        assert_eq!(metadata.sso_redirect_url, idp.sso_url);
        let der = |pem: &str| {
            let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
            BASE64.decode(base64).unwrap()
        };
        let certificates: Vec<Vec<u8>> = metadata.certificates_pem.iter().map(|pem| der(pem)).collect();
        assert_eq!(certificates, [der(&idp.keys.certificate_pem().unwrap())]);
    }
}
