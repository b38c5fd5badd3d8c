//! Samples of the setup pages, each compared with its snapshot.

use std::time::Duration;

use base::{id::Id, time::Timestamp};
use maud::html;
use model::{
    branding::Branding,
    color::Color,
    domain::{Domain, DomainState},
    http_url::HttpUrl,
    organization_domain::OrganizationDomain,
    scim_request::ScimRequest,
};
use saml::check::{Check, Fixer};

use super::{
    domains,
    home::{self, SetupTask},
    layout::{Refresh, SetupLayout},
    link, providers,
    saml::test_result,
    scim,
    steps::{self, PartContents, SetupValues},
};
use crate::{
    app::{organizations::domains::sharing::TAKEN_MESSAGE, setup::sessions::SetupLinkError},
    links::path,
    web::{
        kit::{
            components::{Icon, mark},
            forms::{FormErrors, FormValues},
        },
        samples::{document, page},
        setup::saml::metadata_form,
    },
};

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T21:41:37Z").unwrap()
}

fn branding() -> Branding {
    Branding {
        application_name: Some("Northwind Cloud".into()),
        accent_color: Color::parse("#ffcc00"),
        return_url: HttpUrl::parse("https://northwind.example/"),
        support_contact: Some("help@northwind.example".into()),
        ..Branding::empty(Id::from_bits(7))
    }
}

fn framed(title: &str, refresh: Refresh, content: maud::Markup) -> maud::Markup {
    let branding = branding();
    SetupLayout {
        branding: &branding,
        application: "Northwind Cloud",
        organization: Some("Acme Corporation"),
        leave: Some(html! { input type="hidden" name="form_token" value="sample"; }),
        administration: None,
        banner: None,
    }
    .render(title, refresh, content)
}

fn sample(name: &str, title: &str, refresh: Refresh, content: maud::Markup) {
    page(&format!("setup-{name}"), framed(title, refresh, content));
}

#[test]
fn shell_sample() {
    document("shell-setup", framed("Title", Refresh::Live, html! { p { "Content" } }));
}

#[test]
fn link_samples() {
    sample("start", "Start setup", Refresh::Off, link::start("ssoready_one_time_token_x", "Northwind Cloud"));
    let used = SetupLinkError::Used { at: Timestamp::from_millis(now().millis() - 3 * 3_600_000) };
    sample("used", "This link does not open", Refresh::Off, link::unusable(&used, "Northwind Cloud", now()));
}

#[test]
fn home_sample() {
    let tasks = [
        SetupTask {
            title: "Single sign-on",
            about: "People sign in with their work account.",
            href: path::SETUP_SAML,
            state: mark(Icon::Good, "Tested"),
            done: true,
        },
        SetupTask {
            title: "E-mail domains",
            about: "Which addresses belong to your company.",
            href: path::SETUP_DOMAINS,
            state: mark(Icon::Attention, "Not confirmed yet"),
            done: false,
        },
        SetupTask {
            title: "User provisioning",
            about: "Whoever joins is added and whoever leaves is removed, without anybody’s work. You may leave it for later.",
            href: path::SETUP_SCIM,
            state: mark(Icon::Note, "Not begun"),
            done: false,
        },
    ];
    sample(
        "home",
        "Overview",
        Refresh::Off,
        home::view("Connect Acme Corporation", "Northwind Cloud", &tasks),
    );
}

#[test]
fn step_samples() {
    let values = SetupValues {
        acs_url: "https://sso.northwind.example/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g/acs".into(),
        entity_id: "https://sso.northwind.example/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g".into(),
        metadata_url: "https://sso.northwind.example/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g/metadata"
            .into(),
        application: "Northwind Cloud".into(),
        scim_base_url: "https://sso.northwind.example/v1/scim/scim_directory_12vqjrnxk9xeov6o4f05pan0g"
            .into(),
    };
    let csrf = html! { input type="hidden" name="form_token" value="sample"; };
    for provider in providers::ALL {
        for step in provider.saml.iter().filter(|step| step.slug != "test") {
            let ways = step.parts.iter().find_map(|part| match part {
                providers::provider::StepPart::Metadata(ways) => Some(*ways),
                _ => None,
            });
            let contents = PartContents {
                values: &values,
                connection: Some(Id::from_bits(9)),
                metadata: ways.map(|ways| {
                    metadata_form::metadata_forms(
                        ways,
                        "/here",
                        &FormValues::new(),
                        &FormErrors::none(),
                        &csrf,
                    )
                }),
                test: None,
                token: None,
                live: None,
            };
            let content = html! {
                (steps::progress(provider.saml, step.slug, |at| at == 0, |slug| format!("/setup/{slug}")))
                h1 { (step.title) }
                section.card { (steps::parts(step, &contents)) }
            };
            // Some pages are compared with a snapshot; of the others it is enough that they render.
            match (provider.kind.as_str(), step.slug) {
                ("entra", "configure") | ("okta", "metadata") => {
                    sample(
                        &format!("{}-{}", provider.kind.as_str(), step.slug),
                        step.title,
                        Refresh::Off,
                        content,
                    );
                }
                _ => assert!(content.into_string().contains("class=\"todo\"")),
            }
        }
    }
    let errors = FormErrors::one("idpMetadataUrl", "the server answered 404");
    let typed =
        FormValues::new().with("way", "url").with("idpMetadataUrl", "https://idp.acme.example/metadata");
    let forms = metadata_form::metadata_forms(
        &[providers::provider::MetadataSource::Url, providers::provider::MetadataSource::Values],
        "/here",
        &typed,
        &errors,
        &csrf,
    );
    sample("metadata-error", "Metadata", Refresh::Off, html! { section.card { (forms) } });
}

#[test]
fn outcome_samples() {
    let check = Check {
        name: "assertion_audience".into(),
        passed: false,
        expected: Some("https://sso.northwind.example/v1/saml/saml_conn_12vqjrnxk9xeov6o4f05pan0g".into()),
        found: Some("https://northwind.example/".into()),
        clause: "SAML 2.0 Core §2.5.1.4".into(),
        fixer: Fixer::IdentityProvider,
        remedy: "Set the audience.".into(),
        certificate_sha256: None,
    };
    let okta = providers::ALL[0];
    sample(
        "test-failed",
        "The test did not succeed",
        Refresh::Off,
        html! { section.card { (test_result::failed(okta, &check, true)) } },
    );
    sample(
        "test-failed-elsewhere",
        "The test did not succeed",
        Refresh::Off,
        html! { section.card { (test_result::failed(okta, &check, false)) } },
    );
    sample(
        "test-elsewhere",
        "The test succeeded",
        Refresh::Off,
        html! { section.card { (test_result::succeeded_elsewhere()) } },
    );
    let request = |method: &str, path: &str, status| ScimRequest {
        id: Id::from_bits(1),
        directory_id: Id::from_bits(2),
        at: now(),
        method: method.into(),
        path: path.into(),
        status,
        duration_ms: 3,
        request_body: None,
        response_body: None,
        error: (status >= 400).then(|| "email_outside_organization_domains".to_owned()),
    };
    let requests = [
        request("POST", "/Users", 201),
        request("POST", "/Users", 400),
        request("GET", "/Users?filter=x", 200),
    ];
    sample(
        "live",
        "See the first people arrive",
        Refresh::Live,
        html! { section.card { (scim::request_list(&requests, now())) } },
    );
    sample(
        "live-empty",
        "See the first people arrive",
        Refresh::Live,
        html! { section.card { (scim::request_list(&[], now())) } },
    );
    let acme = Domain::parse("acme.example").unwrap();
    let of = (Id::from_bits(1), Id::from_bits(2));
    let listed = OrganizationDomain {
        verification_token: Some("0123456789abcdef0123456789abcdef01234567".into()),
        verification_started_at: Some(now()),
        checked_at: Some(now()),
        check_error: Some("no TXT record was found at _sso-challenge.acme.example".into()),
        check_attempts: 1,
        ..OrganizationDomain::new(Id::from_bits(79), of, acme, DomainState::Failed, now())
    };
    sample(
        "domain",
        "E-mail domains",
        Refresh::Off,
        domains::card(&listed, None, "Northwind Cloud", &html! {}, now()),
    );
    let expired = OrganizationDomain {
        verification_started_at: Some(now() - std::time::Duration::from_secs(31 * 24 * 3600)),
        ..listed.clone()
    };
    sample(
        "domain-expired",
        "E-mail domains",
        Refresh::Off,
        domains::card(&expired, None, "Northwind Cloud", &html! {}, now()),
    );
    let lost =
        OrganizationDomain { state: DomainState::Verified, record_lost_at: Some(now()), ..listed.clone() };
    let card = domains::card(
        &lost,
        Some(now() + Duration::from_secs(12 * 24 * 3600)),
        "Northwind Cloud",
        &html! {},
        now(),
    );
    sample("domain-record-lost", "E-mail domains", Refresh::Off, card);
    let taken = OrganizationDomain { check_error: Some(TAKEN_MESSAGE.into()), ..listed };
    let card = domains::card(&taken, None, "Northwind Cloud", &html! {}, now());
    sample("domain-taken", "E-mail domains", Refresh::Off, card);
}
