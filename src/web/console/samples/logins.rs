//! Snapshot tests of the pages of logins and of the overview.

use std::{borrow::Cow, time::Duration};

use base::{id::Id, secret::Digest, time::Timestamp};
use maud::html;
use model::{
    domain::{Domain, DomainState},
    email::Email,
    http_url::HttpUrl,
    login_flow::{
        Attributes, FlowOrigin, FlowStatus, FlowStep, LoginFlow, LoginProtocol, PendingRequest, StepKind,
    },
    organization::Organization,
    saml_connection::{IdpBinding, SamlConnection},
};
use saml::check::{Check, Fixer};

use super::frame;
use crate::{
    app::{
        connections::saml::certificates::CertificateView,
        login,
        support::{
            flows::{DocumentFacts, FlowDetails, FlowSummary, FlowView, Recheck},
            overview::{
                Bar, DomainWithoutRecord, ExpiringCertificate, FailingConnectionView, NextStep, Outcomes,
                Overview, Period,
            },
        },
    },
    links::{Links, console, expand},
    store::{
        login_counts::{FailingConnection, FailingOrganization},
        scim_directories::IdleDirectory,
    },
    web::{
        console::{
            flows::{self, list::FlowResults, page::FlowPage},
            kit::shell::{Section, Shell},
            overview,
        },
        kit::list::ListUrl,
        samples::page,
    },
};

const FINGERPRINT: &str = "6c3f2ad1b0e94b7f8a5d19c2e47f03b8d5a1c9e6f2b7a4d08c3e5f1a9b6d7c20";
const OTHER: &str = "91d0e5b7c3a2f4681b7d9e0c5a3f2b8e6d4c1a09f7e5b3d2c8a6f4e1b0d9c7a5";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T21:41:37Z").unwrap()
}

fn minutes(count: u64) -> Timestamp {
    now() - Duration::from_secs(60 * count)
}

fn organization(name: &str) -> Organization {
    Organization {
        display_name: name.to_owned(),
        external_id: Some("customer-42".into()),
        domains: ["acme.com", "acme.co.uk"]
            .map(|domain| (Domain::parse(domain).unwrap(), DomainState::Whitelisted))
            .into(),
        ..Organization::new(Id::from_bits(2), Id::from_bits(1), minutes(90_000))
    }
}

fn connection(entity_id: &str) -> SamlConnection {
    SamlConnection {
        id: Id::from_bits(3),
        environment_id: Id::from_bits(1),
        organization_id: Id::from_bits(2),
        version: 1,
        primary: true,
        idp_entity_id: Some(entity_id.to_owned()),
        idp_redirect_url: HttpUrl::parse("https://acme.okta.com/app/ledgerline/exk1/sso/saml"),
        idp_certificates: vec![],
        idp_binding: IdpBinding::Post,
        sp_entity_id: "https://sso.ledgerline.example/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g".into(),
        sp_acs_urls: vec![
            "https://sso.ledgerline.example/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g/acs".into(),
        ],
        idp_initiated: None,
        email_attribute: None,
        allow_sha1: false,
        assertion_encryption: false,
        allow_cbc_encryption: false,
        sign_authn_requests: false,
        force_authn: false,
        disabled: false,
        idp_certificate_expires_at: None,
        idp_kind: None,
        idp_metadata_url: None,
        metadata: Default::default(),
        test: false,
        created_at: minutes(90_000),
        updated_at: minutes(90_000),
    }
}

fn login(status: FlowStatus, refusal: Option<&str>, email: Option<&str>) -> LoginFlow {
    let address = email.and_then(Email::parse);
    let refused = status == FlowStatus::Failed;
    LoginFlow {
        id: Id::from_bits(0x0193_5000_0000_7000_8000_0000_0000_0001),
        environment_id: Id::from_bits(1),
        organization_id: Id::from_bits(2),
        protocol: LoginProtocol::Saml,
        connection_id: Some(Id::from_bits(3)),
        user_id: None,
        application_id: None,
        amr: Vec::new(),
        origin: FlowOrigin::Api,
        status,
        refusal: refusal.map(str::to_owned),
        state: Some("/reports?month=10".into()),
        email: address.clone().filter(|_| !refused),
        claimed_email: address.filter(|_| refused),
        attributes: [("groups".to_owned(), vec!["Finance".to_owned(), "Everyone <all>".to_owned()])].into(),
        sealed_attributes: None,
        request: Some(PendingRequest {
            id: "_4fee3b046395c4e751011e97f8900b5273d56685".into(),
            browser: Digest::of("browser"),
            expires_at: minutes(2),
        }),
        oauth: None,
        force_authn: false,
        authenticated_at: None,
        answered_at: (status == FlowStatus::Succeeded).then(|| minutes(11)),
        redeemed_at: (status == FlowStatus::Succeeded).then(|| minutes(11)),
        created_at: minutes(12),
        updated_at: minutes(11),
    }
}

fn note(name: &'static str, found: String) -> Check {
    Check {
        name: Cow::Borrowed(name),
        passed: true,
        expected: None,
        found: Some(found),
        clause: Cow::Borrowed("SAML 2.0 Core §5.4, XML Signature §3.2"),
        fixer: Fixer::IdentityProvider,
        remedy: Cow::Borrowed(""),
        certificate_sha256: None,
    }
}

fn passed() -> Vec<Check> {
    let held = |rejection: saml::Error, expected: &str| {
        rejection.check(true, Some(expected.to_owned()), Some(expected.to_owned()))
    };
    vec![
        note("document", "4211 bytes".into()),
        note("assertion_signature", format!("rsa-sha256, certificate with SHA-256 {FINGERPRINT}")),
        held(saml::Error::AssertionIssuer, "http://www.okta.com/exk1fcia6d6EMsf331d8"),
        held(saml::Error::ResponseStatus, "urn:oasis:names:tc:SAML:2.0:status:Success"),
        held(saml::Error::AssertionExpired, "after 2026-11-21T21:29:40.000Z"),
    ]
}

const REQUEST: &str = "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" \
    ID=\"_4fee3b046395c4e751011e97f8900b5273d56685\" Version=\"2.0\" IssueInstant=\"2026-11-21T21:29:37Z\" \
    Destination=\"https://acme.okta.com/app/ledgerline/exk1/sso/saml\">\
    <saml:Issuer xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">https://sso.ledgerline.example/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g</saml:Issuer>\
    <samlp:NameIDPolicy AllowCreate=\"true\" Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\"/></samlp:AuthnRequest>";

const RESPONSE: &str = "<saml2p:Response xmlns:saml2p=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"id1\" \
    InResponseTo=\"_4fee3b046395c4e751011e97f8900b5273d56685\" Version=\"2.0\" IssueInstant=\"2026-11-21T21:30:40Z\">\
    <saml2:Issuer xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\">http://www.okta.com/exk1fcia6d6EMsf331d8</saml2:Issuer>\
    <saml2p:Status><saml2p:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></saml2p:Status>\
    <saml2:Assertion xmlns:saml2=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"id2\" Version=\"2.0\">\
    <saml2:Subject><saml2:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">dana@gmail.com</saml2:NameID></saml2:Subject>\
    <saml2:AttributeStatement><saml2:Attribute Name=\"groups\"><saml2:AttributeValue>Finance &amp; \"Legal\" &lt;all&gt;</saml2:AttributeValue>\
    </saml2:Attribute></saml2:AttributeStatement></saml2:Assertion></saml2p:Response>";

fn certificate(fingerprint: &str, subject: &str) -> CertificateView {
    CertificateView {
        subject: subject.to_owned(),
        issuer: subject.to_owned(),
        not_before: minutes(700_000),
        not_after: now() + Duration::from_secs(60 * 60 * 24 * 300),
        fingerprint: fingerprint.to_owned(),
        pem: String::new(),
    }
}

fn described(flow: LoginFlow, checks: Vec<Check>, reading: DocumentFacts) -> FlowView {
    let accepted = flow.status == FlowStatus::Succeeded;
    FlowView {
        oidc_connection: None,
        code_expires_at: None,
        found: FlowDetails {
            flow,
            steps: vec![
                FlowStep {
                    at: minutes(12),
                    kind: StepKind::Requested,
                    checks: vec![],
                    document: Some(REQUEST.into()),
                },
                FlowStep {
                    at: minutes(11),
                    kind: if accepted { StepKind::Accepted } else { StepKind::Refused },
                    checks,
                    document: Some(RESPONSE.into()),
                },
            ],
        },
        document_facts: vec![DocumentFacts::default(), reading],
        organization: Some(organization("Acme")),
        connection: Some(connection("http://www.okta.com/exk1fcia6d6EMsf331d8")),
        user: None,
        application: None,
        trusted: vec![certificate(FINGERPRINT, "CN=acme, O=Okta, OU=SSOProvider")],
    }
}

fn signed() -> DocumentFacts {
    DocumentFacts {
        assertion_signed: true,
        verified_by: vec![FINGERPRINT.into()],
        embedded: vec![certificate(FINGERPRINT, "CN=acme, O=Okta, OU=SSOProvider")],
        ..DocumentFacts::default()
    }
}

fn flow_page() -> FlowPage {
    FlowPage {
        environment: Id::from_bits(1),
        now: now(),
        csrf: html! { input type="hidden" name="form_token" value="TOKEN"; },
        address: "https://sso.ledgerline.example/console/env_0000000000000000000000001/flows/saml_flow_12vqjrnxk9xeov6o4f05pan0g".into(),
        links: Links::new(&"https://sso.ledgerline.example".parse().unwrap()).unwrap(),
    }
}

fn outside_domains() -> Check {
    login::Error::EmailOutsideOrganizationDomains
        .failed(Some("acme.com, acme.co.uk".into()), Some("dana@gmail.com".into()))
}

fn sample(name: &str, described: &FlowView) {
    let frame = frame();
    let content = flows::show::view(&flow_page(), described);
    page(name, Shell::new(&frame, Section::Flows, "Login").render(content));
}

#[test]
fn flow_samples() {
    let mut checks = passed();
    checks.push(outside_domains());
    let failed =
        login(FlowStatus::Failed, Some("email_outside_organization_domains"), Some("dana@gmail.com"));
    sample("console-flow-refused", &described(failed, checks, signed()));

    let mismatch = saml::Error::SignatureMismatch.check(
        false,
        Some("made with the key of one of 1 certificates".into()),
        None,
    );
    let reading = DocumentFacts {
        embedded: vec![certificate(OTHER, "CN=acme.okta.com renewed, O=Okta & \"Co\" <b>, OU=SSOProvider")],
        ..DocumentFacts::default()
    };
    let rotated = described(
        login(FlowStatus::Failed, Some("signature_mismatch"), None),
        vec![note("document", "4211 bytes".into()), mismatch],
        reading,
    );
    sample("console-flow-rotated", &rotated);

    let good = login(
        FlowStatus::Succeeded,
        None,
        Some("maximiliane.von-und-zu-hohenstein-lauenburg@engineering.acme.co.uk"),
    );
    let response_signed = DocumentFacts { response_signed: true, ..signed() };
    sample("console-flow-succeeded", &described(good, passed(), response_signed));

    let mut waiting = described(login(FlowStatus::InProgress, None, None), vec![], DocumentFacts::default());
    waiting.found.steps.truncate(1);
    waiting.document_facts.truncate(1);
    waiting.found.steps[0].document = None;
    waiting.connection = None;
    waiting.organization = None;
    waiting.trusted.clear();
    sample("console-flow-waiting", &waiting);
}

/// Logins of a user for their page.
pub(super) fn of_one() -> [FlowSummary; 2] {
    let wrong = account_login(FlowStatus::Failed, Some("password_wrong"), Some("dana@acme.com"), &[]);
    let right = account_login(FlowStatus::Succeeded, None, Some("dana@acme.com"), &["pwd", "otp", "mfa"]);
    let listed = |flow| FlowSummary { flow, organization: None, application: Some("Portal <b>".into()) };
    [listed(wrong), listed(right)]
}

/// A login with an account.
fn account_login(status: FlowStatus, refusal: Option<&str>, email: Option<&str>, amr: &[&str]) -> LoginFlow {
    LoginFlow {
        protocol: LoginProtocol::Account,
        connection_id: None,
        user_id: email.map(|_| Id::from_bits(7)),
        application_id: Some(Id::from_bits(8)),
        amr: amr.iter().map(|method| (*method).to_owned()).collect(),
        origin: FlowOrigin::Issuer,
        state: None,
        attributes: Attributes::new(),
        request: None,
        ..login(status, refusal, email)
    }
}

#[test]
fn account_flow_samples() {
    let shown = |flow: LoginFlow, steps: Vec<(StepKind, Vec<Check>)>| {
        let mut described = described(flow, Vec::new(), DocumentFacts::default());
        let step = |(kind, checks)| FlowStep { at: minutes(11), kind, checks, document: None };
        described.found.steps = steps.into_iter().map(step).collect();
        described.document_facts = described.found.steps.iter().map(|_| DocumentFacts::default()).collect();
        described.connection = None;
        described.trusted.clear();
        described
    };
    let typed = login::Error::AccountUnknown.passed(None, Some("dana@acme.com".into()));
    let allowed = login::Error::PasswordNotAllowed.passed(None, None);
    let wrong = login::Error::PasswordWrong.failed(None, None);
    // Three times the same: one entry of the timeline.
    let refused = vec![(StepKind::Refused, vec![typed.clone(), allowed.clone(), wrong]); 3];
    let flow = account_login(FlowStatus::Failed, Some("password_wrong"), Some("dana@acme.com"), &[]);
    sample("console-flow-password-wrong", &shown(flow, refused.clone()));
    let right = vec![typed, allowed, login::Error::PasswordWrong.passed(None, None)];
    let code = login::Error::SecondFactorWrong.passed(None, Some("a code of the authenticator app".into()));
    let steps = [refused, vec![(StepKind::Proven, right), (StepKind::Accepted, vec![code])]].concat();
    let flow = account_login(FlowStatus::Succeeded, None, Some("dana@acme.com"), &["pwd", "otp", "mfa"]);
    sample("console-flow-account", &shown(flow, steps));
    let flow = account_login(FlowStatus::InProgress, None, None, &["pwd"]);
    sample("console-flow-account-waiting", &shown(flow, vec![(StepKind::Proven, Vec::new())]));
}

#[test]
fn recheck_samples() {
    let mut then = passed();
    then.push(outside_domains());
    then.push(login::Error::AssertionReplayed.passed(None, None));
    let flow = described(
        login(FlowStatus::Failed, Some("email_outside_organization_domains"), Some("dana@gmail.com")),
        then.clone(),
        signed(),
    );
    let mut mended = passed();
    mended.push(
        login::Error::EmailOutsideOrganizationDomains
            .passed(Some("acme.com, acme.co.uk, gmail.com".into()), Some("dana@gmail.com".into())),
    );
    let frame = frame();
    for (name, now, outcome) in [
        ("console-recheck-mended", mended, Ok(Email::parse("dana@gmail.com").unwrap())),
        (
            "console-recheck-refused",
            {
                let mut now = passed();
                now.push(outside_domains());
                now
            },
            Err("email_outside_organization_domains"),
        ),
    ] {
        let checked = Recheck { received_at: minutes(4000), then: then.clone(), now, outcome };
        let content = flows::recheck::check_view(&flow_page(), &flow, &checked);
        page(name, Shell::new(&frame, Section::Flows, "Checked again").render(content));
    }
}

#[test]
fn flows_samples() {
    let environment = Id::from_bits(1);
    let frame = frame();
    let path = expand(console::FLOWS, &[&environment]);
    let sample = |name: &str, query: &str, found: FlowResults| {
        let place = ListUrl::read(&path, query, &["q", "outcome", "protocol", "time"]);
        let content = flows::list::view(environment, &place, &found, now());
        page(name, Shell::new(&frame, Section::Flows, "Login flows").render(content));
    };
    let listed = |flow: LoginFlow, organization: Option<&str>| FlowSummary {
        flow,
        organization: organization.map(str::to_owned),
        application: None,
    };
    let mut stray = login(FlowStatus::Failed, Some("signature_mismatch"), None);
    stray.origin = FlowOrigin::Detached;
    let mut by_account = listed(
        account_login(FlowStatus::Succeeded, None, Some("dana@acme.com"), &["hwk", "user", "mfa"]),
        Some("Acme"),
    );
    by_account.application = Some("Portal".into());
    let flows = vec![
        by_account,
        listed(
            login(FlowStatus::Failed, Some("email_outside_organization_domains"), Some("dana@gmail.com")),
            Some("Acme"),
        ),
        listed(
            login(
                FlowStatus::Succeeded,
                None,
                Some("maximiliane.von-und-zu-hohenstein-lauenburg@engineering.acme.co.uk"),
            ),
            Some("Versicherungsgesellschaft von 1873 <Hamburg> & Söhne"),
        ),
        listed(login(FlowStatus::InProgress, None, None), Some("")),
        listed(stray, None),
    ];
    sample("console-flows", "", FlowResults::Flows { flows, next_token: "TOKEN".into() });
    sample("console-flows-empty", "", FlowResults::Flows { flows: vec![], next_token: String::new() });
    sample(
        "console-flows-none",
        "q=dana@acme.com&outcome=failed",
        FlowResults::Flows { flows: vec![], next_token: String::new() },
    );
    sample(
        "console-flows-further",
        "outcome=failed",
        FlowResults::Flows { flows: vec![], next_token: "TOKEN".into() },
    );
    sample(
        "console-flows-which",
        "q=ac&time=24h",
        FlowResults::Organizations(vec![organization("Acme"), organization("")]),
    );
    sample(
        "console-flows-refused",
        "q=%3Cb%3E",
        FlowResults::InvalidQuery("is no company here. Type a whole e-mail address".into()),
    );
}

#[test]
fn overview_samples() {
    let environment = Id::from_bits(1);
    let frame = frame();
    let sample = |name: &str, overview: &Overview| {
        let content = overview::show::view(environment, overview);
        page(name, Shell::new(&frame, Section::Overview, "Overview").render(content));
    };
    let bars = (0..24u32)
        .map(|hour| Bar {
            from: Timestamp::parse_rfc3339("2026-11-20T22:00:00Z").unwrap()
                + Duration::from_secs(3600) * hour,
            outcomes: Outcomes {
                succeeded: i64::from((hour * 37) % 91 + if (8..18).contains(&hour) { 160 } else { 3 }),
                failed: i64::from(hour % 5) * 4,
                in_progress: i64::from(hour % 7),
                stray: i64::from(hour == 3),
            },
        })
        .collect();
    let failing = |name: &str, ever| FailingConnectionView {
        connection: FailingConnection {
            connection_id: Id::from_bits(3),
            organization_id: Id::from_bits(2),
            organization_name: name.to_owned(),
            last_failed_at: minutes(14),
            last_succeeded_at: if ever { minutes(3000) } else { Timestamp::from_millis(0) },
        },
        flow: ever.then(|| login(FlowStatus::Failed, Some("signature_mismatch"), None)),
    };
    let busy = |name: &str, failed| FailingOrganization {
        organization_id: Id::from_bits(2),
        organization_name: name.to_owned(),
        failed,
    };
    let full = Overview {
        now: now(),
        span: Period::Day,
        bars,
        organizations: vec![
            busy("Acme", 1412),
            busy("Versicherungsgesellschaft von 1873 <Hamburg> & Söhne", 77),
            busy("", 1),
        ],
        connections: vec![failing("Acme", true), failing("Globex Corporation", false)],
        certificates: vec![
            ExpiringCertificate {
                saml_connection_id: Id::from_bits(3),
                organization_name: "Hooli".into(),
                expires_at: minutes(2000),
            },
            ExpiringCertificate {
                saml_connection_id: Id::from_bits(4),
                organization_name: "Versicherungsgesellschaft von 1873 <Hamburg> & Söhne".into(),
                expires_at: now() + Duration::from_secs(9 * 24 * 3600),
            },
        ],
        domains: vec![DomainWithoutRecord {
            organization_id: Id::from_bits(77),
            organization_name: "Hooli".into(),
            domain: Domain::parse("hooli.example").unwrap(),
            counts_until: now() + Duration::from_secs(12 * 24 * 3600),
        }],
        directories: vec![IdleDirectory {
            directory_id: Id::from_bits(5),
            organization_id: Id::from_bits(2),
            organization_name: "Initech".into(),
            last_used_at: minutes(4000),
        }],
        next: None,
    };
    sample("console-overview", &full);
    let empty = |next| Overview {
        now: now(),
        span: Period::TwoWeeks,
        bars: vec![],
        organizations: vec![],
        connections: vec![],
        certificates: vec![],
        domains: vec![],
        directories: vec![],
        next: Some(next),
    };
    sample("console-overview-empty", &empty(NextStep::Organization));
    sample("console-overview-first-login", &empty(NextStep::FirstLogin(Id::from_bits(2))));
}
