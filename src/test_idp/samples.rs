//! Each page with realistic data, compared with its snapshot (see `web/samples.rs`).

use openssl::x509::X509;
use test_idp_protocol::parties::{ServiceProvider, TestUser};

use super::{
    forms::{LoginRequest, ResponseForm},
    views::{LoginPage, ReviewPage, StartPage, no_encryption_certificate, request_refused},
};
use crate::web::samples::page;

const ACS: &str = "https://sso.example.com/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g/acs";

fn user(email: &str, first_name: &str, last_name: &str) -> TestUser {
    TestUser {
        email: email.into(),
        first_name: first_name.into(),
        last_name: last_name.into(),
        groups: vec!["engineering".into(), "R&D".into()],
    }
}

fn sp(name: &str, encryption_certificate: Option<X509>) -> ServiceProvider {
    ServiceProvider {
        name: name.into(),
        sp_entity_id: ACS.trim_end_matches("/acs").into(),
        acs_url: ACS.into(),
        encryption_certificate,
        domains: vec!["acme.example".into(), "acme-research.example".into()],
    }
}

fn login(request_id: Option<&str>) -> LoginRequest {
    LoginRequest {
        request_id: request_id.map(str::to_owned),
        acs_url: ACS.into(),
        audience: ACS.trim_end_matches("/acs").into(),
        relay_state: Some("r-\"<1>".into()),
    }
}

#[test]
fn start_samples() {
    let (entity_id, sso_url) =
        ("http://localhost:8080/test-idp/metadata", "http://localhost:8080/test-idp/sso");
    let certificate_pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let providers =
        [sp("Acme", None), sp("Rheinisch-Westfälische Elektrizitätsgesellschaft <mbH> & Co. KG", None)];
    page(
        "test-idp-start",
        StartPage { entity_id, sso_url, certificate_pem, service_providers: &providers, provisioning: true }
            .view(),
    );
    page(
        "test-idp-start-empty",
        StartPage { entity_id, sso_url, certificate_pem, service_providers: &[], provisioning: false }.view(),
    );
}

#[test]
fn choose_samples() {
    let users = [
        user("dana@acme.example", "Dana", "Okafor"),
        user(
            "maximiliane.von-und-zu-hohenlohe-schillingsfuerst@acme-research.example",
            "Maximiliane",
            "von und zu Hohenlohe-Schillingsfürst",
        ),
        user("sam@globex.example", "Sam", "Lee"),
    ];
    let to = sp("Acme", None);
    let short = LoginPage {
        login: &login(Some("_1")),
        to: &to,
        users: &users,
        force_authn: true,
        response_form: None,
        error: None,
    };
    page("test-idp-choose", short.view());
    let response_form = ResponseForm {
        flaw: "tampered".into(),
        attributes: "team = <x>".into(),
        ..ResponseForm::for_user(&users[1])
    };
    page(
        "test-idp-choose-form",
        LoginPage {
            login: &login(None),
            response_form: Some(&response_form),
            error: Some("The field groups is longer than 2000 characters, or has more than 100 lines."),
            ..short
        }
        .view(),
    );
}

#[test]
fn other_samples() {
    let fields = [("SAMLResponse", "PHNhbWxwOlJlc3BvbnNlLz4="), ("RelayState", "r-\"<1>")];
    let xml = r#"<samlp:Response xmlns:samlp="urn:p" ID="_1"><saml:Issuer xmlns:saml="urn:a">https://idp.example/a&amp;b</saml:Issuer></samlp:Response>"#;
    page("test-idp-review", ReviewPage { acs_url: ACS, fields: &fields, xml, replay: false }.view());
    page("test-idp-replay", ReviewPage { acs_url: ACS, fields: &fields, xml, replay: true }.view());
    page("test-idp-refused", request_refused("The SAMLRequest is not a SAML 2.0 AuthnRequest."));
    page("test-idp-not-encryptable", no_encryption_certificate(&login(None)));
}
