//! Snapshot tests of the pages of environments, organizations, connections, directories, keys and branding.

use std::{collections::BTreeMap, time::Duration};

use base::{
    id::{AdministratorId, Id},
    secret::Digest,
    time::Timestamp,
};
use maud::{Markup, html};
use model::{
    api_key::ApiKey,
    audit::{AuditActor, AuditEvent},
    branding::Branding,
    domain::{Domain, DomainState},
    email::Email,
    environment::{Environment, IdpInitiated, OauthSubject, Slug},
    http_url::HttpUrl,
    oauth_client::{IdTokenAlg, OauthClient},
    oidc_connection::{ClaimMapping, DEFAULT_SCOPES, OidcConnection, TokenAuthMethod},
    organization::Organization,
    organization_domain::OrganizationDomain,
    saml_connection::{IdpBinding, MetadataRefresh, SamlConnection},
    scim_directory::{BearerToken, ScimDirectory},
    setup_link::SetupLink,
};
use serde_json::json;

use super::frame;
use crate::{
    app::{
        audit::Names,
        connections::saml::{SamlConnectionView, certificates::CertificateView},
        directories::{ScimDirectoryView, quota::Quota, usage::Usage},
        organizations::domains::sharing::{self, SharedDomain, SharedDomainError},
        pagination::Page,
    },
    links::{self, Links},
    web::{
        console::{
            api_keys, audit_events, branding, domains, environments,
            kit::shell::{Section, Shell},
            oauth_clients, oidc_connections, organizations, saml_connections, scim_directories, setup_links,
        },
        kit::{
            forms::{Form, FormErrors, FormValues},
            list::ListUrl,
            secret::SecretPanel,
            seen::Seen,
        },
        samples::page,
    },
};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap()
}

fn elsewhere(domain: &str, verified: bool) -> SharedDomain {
    SharedDomain {
        domain: Domain::parse(domain).unwrap(),
        organization_id: Id::from_bits(78),
        display_name: "Umbrella".to_owned(),
        verified,
    }
}

fn url(text: &str) -> HttpUrl {
    HttpUrl::parse(text).unwrap()
}

fn href(pattern: &str, segments: &[&dyn std::fmt::Display]) -> String {
    let environment = Id::<base::id::EnvironmentKind>::from_bits(1);
    let mut all: Vec<&dyn std::fmt::Display> = vec![&environment];
    all.extend(segments);
    links::expand(pattern, &all)
}

fn csrf() -> Markup {
    html! { input type="hidden" name="form_token" value="TOKEN"; }
}

fn links() -> Links {
    Links::new(&"https://sso.example.com".parse().unwrap()).unwrap()
}

fn environment() -> Environment {
    Environment {
        id: Id::from_bits(1),
        version: 1,
        slug: Slug::parse("production").unwrap(),
        display_name: "Production".into(),
        redirect_url: Some(url("https://app.ledgerline.example/sso/callback")),
        oauth_redirect_uris: vec![url("https://app.ledgerline.example/api/auth/callback/sso")],
        auth_url: None,
        idp_initiated: IdpInitiated::Restart,
        oauth_subject: OauthSubject::Email,
        shared_domain_subjects: false,
        default_template_id: None,
        default_parent_id: None,
        created_at: now() - DAY * 300,
        updated_at: now() - DAY,
    }
}

fn customer(name: &str) -> Organization {
    let domain = |text: &str, state| (Domain::parse(text).unwrap(), state);
    Organization {
        display_name: name.into(),
        external_id: Some("customer-4711".into()),
        domains: BTreeMap::from([
            domain("acme.co.uk", DomainState::Verified),
            domain("acme.example", DomainState::Whitelisted),
            domain("acme-labs.example", DomainState::Pending),
            domain("acme.test", DomainState::Failed),
        ]),
        updated_at: now() - DAY,
        ..Organization::new(Id::from_bits(77), Id::from_bits(1), now() - DAY * 20)
    }
}

fn connection() -> SamlConnection {
    SamlConnection {
        id: Id::from_bits(5),
        idp_kind: None,
        environment_id: Id::from_bits(1),
        organization_id: Id::from_bits(77),
        version: 1,
        primary: true,
        idp_entity_id: Some("http://www.okta.com/exk1fxpz5hGaSPO0z0h8".into()),
        idp_redirect_url: Some(url("https://acme.okta.com/app/ledgerline/exk1fxpz5hGaSPO0z0h8/sso/saml")),
        idp_certificates: vec!["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".into()],
        idp_certificate_expires_at: Some(now() + DAY * 12),
        idp_binding: IdpBinding::Post,
        idp_metadata_url: Some(url("https://acme.okta.com/app/exk1fxpz5hGaSPO0z0h8/sso/saml/metadata")),
        metadata: MetadataRefresh {
            fetched_at: Some(now() - Duration::from_secs(7200)),
            next_at: Some(now() + Duration::from_secs(3600)),
            error: Some("The server answered 503 Service Unavailable.".into()),
            failures: 2,
            ..MetadataRefresh::default()
        },
        sp_entity_id: "https://sso.example.com/v1/saml/saml_conn_0000000000000000000000005".into(),
        sp_acs_urls: vec!["https://sso.example.com/v1/saml/saml_conn_0000000000000000000000005/acs".into()],
        idp_initiated: None,
        email_attribute: Some("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress".into()),
        allow_sha1: true,
        assertion_encryption: true,
        allow_cbc_encryption: false,
        sign_authn_requests: false,
        force_authn: false,
        disabled: false,
        test: false,
        created_at: now() - DAY * 20,
        updated_at: now() - DAY,
    }
}

fn oidc_connection() -> OidcConnection {
    OidcConnection {
        id: Id::from_bits(7),
        environment_id: Id::from_bits(1),
        organization_id: Id::from_bits(77),
        version: 1,
        display_name: String::new(),
        primary: false,
        issuer: Some("https://acme.okta.com".into()),
        authorization_endpoint: Some(url("https://acme.okta.com/oauth2/v1/authorize")),
        token_endpoint: Some(url("https://acme.okta.com/oauth2/v1/token")),
        userinfo_endpoint: Some(url("https://acme.okta.com/oauth2/v1/userinfo")),
        jwks_uri: Some(url("https://acme.okta.com/oauth2/v1/keys")),
        token_auth_method: TokenAuthMethod::ClientSecretBasic,
        response_iss: false,
        client_id: Some("0oa1b2c3d4E5F6g7h8i9".into()),
        client_secret: Some("sealed".into()),
        scopes: DEFAULT_SCOPES.map(str::to_owned).to_vec(),
        claims: ClaimMapping::default(),
        redirect_uri: "https://sso.example.com/v1/oidc/oidc_conn_0000000000000000000000007/callback".into(),
        disabled: false,
        idp_kind: None,
        test: false,
        created_at: now() - DAY * 20,
        updated_at: now() - DAY,
    }
}

fn empty_connection() -> SamlConnection {
    SamlConnection {
        id: Id::from_bits(6),
        primary: false,
        idp_entity_id: None,
        idp_redirect_url: None,
        idp_certificates: Vec::new(),
        idp_certificate_expires_at: None,
        idp_metadata_url: None,
        metadata: MetadataRefresh::default(),
        allow_sha1: false,
        assertion_encryption: false,
        email_attribute: None,
        ..connection()
    }
}

fn directory() -> ScimDirectoryView {
    let token = |age: u32, until: Option<u32>| BearerToken {
        created_at: now() - DAY * age,
        expires_at: until.map(|days| now() + DAY * days),
        last_used_at: Some(now() - Duration::from_secs(90)),
    };
    ScimDirectoryView {
        directory: ScimDirectory {
            id: Id::from_bits(9),
            idp_kind: None,
            environment_id: Id::from_bits(1),
            organization_id: Id::from_bits(77),
            version: 1,
            primary: true,
            scim_base_url: "https://sso.example.com/v1/scim/scim_directory_0000000000000000000000009".into(),
            allow_foreign_secondary_emails: false,
            allow_users_without_email: false,
            refuse_inactive_logins: true,
            require_provisioned_logins: false,
            disabled: false,
            created_at: now() - DAY * 20,
            updated_at: now() - DAY,
        },
        tokens: vec![token(0, None), token(20, Some(1))],
        usage: Usage { user_count: 1204, group_count: 87, stored_bytes: 2_411_724, day_bytes: 61_440 },
    }
}

fn quota() -> Quota {
    Quota { users: 300_000, groups: 100, stored_bytes: 4 << 30, day_bytes: 4 << 30 }
}

fn one<T>(items: Vec<T>) -> Page<T> {
    Page { items, next_token: String::new() }
}

fn audit_lines() -> Vec<audit_events::line::AuditLine> {
    let dana = AdministratorId::from_bits(9);
    let event = |at, action: &str, kind: &str, id: String, actor: &str, before, after| {
        let object = |value: serde_json::Value| value.as_object().cloned().unwrap();
        AuditEvent {
            id: Id::from_bits(1),
            environment_id: Some(Id::from_bits(1)),
            at,
            actor: AuditActor { kind: actor.into(), id: dana.to_string() },
            address: Some([203, 0, 113, 9].into()),
            action: action.into(),
            target_kind: kind.into(),
            target_id: id,
            organization_id: Some(Id::from_bits(77)),
            before: object(before),
            after: object(after),
        }
    };
    let organization = customer("Acme").id.to_string();
    let mut names = Names::default();
    names.administrators.insert(dana, Email::parse("dana@ledgerline.example").unwrap());
    names.organizations.insert(Id::from_bits(77), "Acme <Holding>".to_owned());
    [
        event(
            now() - Duration::from_secs(30),
            "organization.updated",
            "organization",
            organization.clone(),
            "administrator",
            json!({ "displayName": "Acme", "domains": ["acme.example"] }),
            json!({ "displayName": "Acme <Holding>", "domains": ["acme.example", "acme.co.uk"] }),
        ),
        event(
            now() - DAY,
            "saml_connection.updated",
            "saml_connection",
            connection().id.to_string(),
            "setup_link",
            json!({ "allowSha1": false }),
            json!({ "allowSha1": true }),
        ),
        event(
            now() - DAY * 3,
            "api_key.deleted",
            "api_key",
            "api_key_0000000000000000000000003".into(),
            "operator",
            json!({ "displayName": "old backend" }),
            json!({}),
        ),
        event(
            now() - DAY * 20,
            "organization.created",
            "organization",
            organization,
            "api_key",
            json!({}),
            json!({ "displayName": "Acme" }),
        ),
    ]
    .into_iter()
    .map(|event| audit_events::line::AuditLine::of(&event, &names))
    .collect()
}

fn sample(name: &str, section: Section, title: &str, content: Markup) {
    page(name, Shell::new(&frame(), section, title).render(content));
}

#[test]
fn environment_samples() {
    let content = environments::show::view(
        &environment(),
        &links(),
        &BTreeMap::new(),
        Some(html! { a.button href="#" { "Edit" } }),
        now(),
    );
    sample("console-environment", Section::Environment, "Environment", content);
}

#[test]
fn organization_samples() {
    let long = "Rheinisch-Westfälische Elektrizitätsversorgungsgesellschaft mbH & Co. KG <script>";
    let page = one(vec![
        customer("Acme"),
        customer(long),
        Organization { external_id: None, domains: BTreeMap::new(), ..customer("") },
    ]);
    let place = ListUrl::read("/console/x/organizations", "", &["q"]);
    let shared = [(page.items[0].id, vec![Domain::parse("acme.example").unwrap()])].into();
    let content =
        organizations::list::view(&page, &shared, &place, Some("/new"), &|_| "/there".into(), now());
    sample("console-organizations", Section::Organizations, "Organizations", content);

    let described =
        |connection| SamlConnectionView { connection, encryption_certificate: None, warnings: Vec::new() };
    let link = |hours: u64, redeemed| SetupLink {
        id: Id::from_bits(u128::from(hours)),
        environment_id: Id::from_bits(1),
        organization_id: Id::from_bits(77),
        can_manage_saml: true,
        can_manage_scim: hours > 5,
        can_manage_domains: true,
        created_by: "admin_1".into(),
        created_at: now() - DAY,
        expires_at: now() + Duration::from_secs(hours * 3600),
        redeemed_at: redeemed,
        revoked_at: None,
    };
    let setup = one(vec![link(30, None), link(4, Some(now() - Duration::from_secs(600)))]);
    let full = organizations::show::OrganizationPage {
        organization: &customer(long),
        around: &organizations::profile::Surroundings::default(),
        shared: &[elsewhere("acme.example", false)],
        lost: &[Domain::parse("acme.co.uk").unwrap()],
        connections: &one(vec![described(connection()), described(empty_connection())]),
        oidc_connections: &one(vec![oidc_connection()]),
        directories: &one(vec![directory()]),
        users: 214,
        associated: &[],
        links: &setup,
        audit: &audit_lines(),
        may_manage: true,
        href: &href,
        csrf: csrf(),
        now: now(),
    };
    sample("console-organization", Section::Organizations, long, organizations::show::view(&full));
    let empty = organizations::show::OrganizationPage {
        organization: &Organization { external_id: None, domains: BTreeMap::new(), ..customer("Globex") },
        shared: &[],
        lost: &[],
        connections: &one(vec![]),
        oidc_connections: &one(vec![]),
        directories: &one(vec![]),
        users: 0,
        links: &one(vec![]),
        audit: &[],
        ..full
    };
    sample("console-organization-new", Section::Organizations, "Globex", organizations::show::view(&empty));
    let content =
        setup_links::list::view(&setup, &customer("Acme"), &ListUrl::default(), true, &href, &csrf(), now());
    sample("console-setup-links", Section::Organizations, "Setup links", content);

    let listed = OrganizationDomain {
        id: Id::from_bits(79),
        version: 1,
        environment_id: Id::from_bits(1),
        organization_id: Id::from_bits(77),
        domain: Domain::parse("acme.test").unwrap(),
        state: DomainState::Failed,
        verification_token: Some("b3f1c2".into()),
        verified_at: None,
        checked_at: Some(now() - Duration::from_secs(60)),
        check_error: Some("no TXT record was found at _ostiary-challenge.acme.test".into()),
        approved: false,
        asserted: false,
        record_lost_at: None,
        recheck_at: None,
        created_at: now() - DAY,
    };
    sample(
        "console-domain",
        Section::Organizations,
        "acme.test",
        domains::show::view(&listed, &[], None, true, &href, &csrf(), now()),
    );
    let lost = OrganizationDomain {
        state: DomainState::Verified,
        verified_at: Some(now() - DAY * 90),
        record_lost_at: Some(now() - DAY * 2),
        ..listed.clone()
    };
    sample(
        "console-domain-record-lost",
        Section::Organizations,
        "acme.test",
        domains::show::view(&lost, &[], Some(now() + DAY * 12), true, &href, &csrf(), now()),
    );
    sample(
        "console-domain-elsewhere",
        Section::Organizations,
        "acme.test",
        domains::show::view(&listed, &[elsewhere("acme.test", true)], None, true, &href, &csrf(), now()),
    );
    let approved = OrganizationDomain {
        state: DomainState::Whitelisted,
        verification_token: None,
        checked_at: None,
        check_error: None,
        ..listed.clone()
    };
    sample(
        "console-domain-shared",
        Section::Organizations,
        "acme.test",
        domains::show::view(&approved, &[elsewhere("acme.test", false)], None, true, &href, &csrf(), now()),
    );
    let others =
        |verified| SharedDomain { display_name: long.to_owned(), ..elsewhere("acme.test", verified) };
    let asked = SharedDomainError::Unconfirmed {
        elsewhere: vec![others(false), elsewhere("acme.test", false)],
        yes: sharing::ADMINISTRATOR_HINT,
    };
    for (name, refused) in [
        ("console-domain-share", asked),
        ("console-domain-refused", SharedDomainError::Verified(others(true))),
    ] {
        let errors = FormErrors::from_error(refused.into_error()).unwrap();
        let content = domains::approve::approve_view(
            &listed,
            ("/approve", "/domain"),
            csrf(),
            &FormValues::new(),
            &errors,
        );
        sample(name, Section::Organizations, "Approve domain", content);
    }
}

#[test]
fn connection_samples() {
    let certificates = |days: u32| CertificateView {
        subject: "CN=dev-123, O=Okta, L=San Francisco".into(),
        issuer: "CN=dev-123, O=Okta, L=San Francisco".into(),
        not_before: now() - DAY * 3000,
        not_after: now() + DAY * days,
        fingerprint: "3f".repeat(32),
        pem: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".into(),
    };
    let ended = CertificateView { not_after: now() - DAY * 3, ..certificates(1) };
    let (described, links, environment) = (
        SamlConnectionView {
            connection: connection(),
            encryption_certificate: Some("-----BEGIN CERTIFICATE-----\n".into()),
            warnings: vec![
                "left out: certificate 2 cannot be read as X.509; copy the whole of it again".into(),
            ],
        },
        links(),
        environment(),
    );
    let organization = customer("Acme");
    let ready = saml_connections::show::ConnectionPage {
        organization: &organization,
        described: &described,
        certificates: &[certificates(12), certificates(700), ended],
        environment: &environment,
        links: &links,
        may_manage: true,
        href: &href,
        csrf: csrf(),
        now: now(),
    };
    sample(
        "console-connection",
        Section::Organizations,
        "acme.okta.com",
        saml_connections::show::view(&ready),
    );
    let empty = SamlConnectionView {
        connection: empty_connection(),
        encryption_certificate: None,
        warnings: Vec::new(),
    };
    let missing = saml_connections::show::ConnectionPage {
        described: &empty,
        certificates: &[],
        may_manage: false,
        ..ready
    };
    sample(
        "console-connection-missing",
        Section::Organizations,
        "Not set up yet",
        saml_connections::show::view(&missing),
    );

    let errors = FormErrors::one("idpMetadata", "is not SAML metadata: it declares a document type");
    let form = Form::new("/console/x", "Create connection", csrf()).multipart();
    let typed = FormValues::new().with("idpEntityId", "typed <before>");
    sample(
        "console-connection-new",
        Section::Organizations,
        "New SAML connection",
        saml_connections::form::new_view(&form, &typed, &errors),
    );
    let typed = saml_connections::form::typed(&connection());
    sample(
        "console-connection-edit",
        Section::Organizations,
        "Edit acme.okta.com",
        saml_connections::form::edit_view("Edit acme.okta.com", &form, &typed, &FormErrors::none()),
    );
}

#[test]
fn oidc_connection_samples() {
    let (organization, links) = (customer("Acme"), links());
    let page = |connection, may_manage| {
        let page = oidc_connections::show::ConnectionPage {
            connection,
            organization: &organization,
            links: &links,
            may_manage,
            href: &href,
            csrf: csrf(),
            now: now(),
        };
        oidc_connections::show::view(&page)
    };
    let ready = oidc_connection();
    sample("console-oidc-connection", Section::Organizations, "acme.okta.com", page(&ready, true));
    let missing = OidcConnection {
        issuer: None,
        authorization_endpoint: None,
        token_endpoint: None,
        userinfo_endpoint: None,
        jwks_uri: None,
        client_id: None,
        client_secret: None,
        disabled: true,
        ..oidc_connection()
    };
    sample("console-oidc-connection-missing", Section::Organizations, "Not set up yet", page(&missing, true));
    let errors = FormErrors::one("issuer", "cannot be discovered: the server answered 404");
    let form = Form::new("/console/x", "Create connection", csrf());
    let typed = FormValues::new().with("issuer", "https://acme.example/<typed>");
    sample(
        "console-oidc-connection-new",
        Section::Organizations,
        "New OIDC connection",
        oidc_connections::form::new_view(&form, &typed, &errors),
    );
    let form = Form::new("/console/x", "Save", csrf());
    let typed = oidc_connections::form::typed(&ready);
    sample(
        "console-oidc-connection-edit",
        Section::Organizations,
        "Edit acme.okta.com",
        oidc_connections::form::edit_view("Edit acme.okta.com", &form, true, &typed, &FormErrors::none()),
    );
}

#[test]
fn directory_samples() {
    let content =
        scim_directories::show::view(&directory(), &quota(), &customer("Acme"), true, &href, csrf(), now());
    sample("console-directory", Section::Directories, "Directory of Acme", content);
    let bare = ScimDirectoryView { tokens: vec![], ..directory() };
    let content =
        scim_directories::show::view(&bare, &quota(), &customer("Acme"), false, &href, csrf(), now());
    sample("console-directory-without-token", Section::Directories, "Directory of Acme", content);
}

#[test]
fn key_samples() {
    let key = |name: &str, management, used: Option<Duration>| ApiKey {
        id: Id::from_bits(3),
        environment_id: Id::from_bits(1),
        version: 1,
        secret: Digest::of("secret"),
        display_name: name.into(),
        management,
        disabled: false,
        created_at: now() - DAY * 9,
        last_used_at: used.map(|age| now() - age),
    };
    let keys = one(vec![
        key("backend", true, Some(DAY)),
        key("", false, None),
        key("<b>worker</b>", false, Some(DAY * 90)),
    ]);
    sample(
        "console-api-keys",
        Section::ApiKeys,
        "API keys",
        api_keys::view(&keys, &ListUrl::default(), true, &href, now()),
    );
    sample(
        "console-api-keys-empty",
        Section::ApiKeys,
        "API keys",
        api_keys::view(&one(vec![]), &ListUrl::default(), true, &href, now()),
    );
    let secret = SecretPanel {
        name: "API key",
        value: "ssoready_sk_0123456789abcdefghijklmno",
        about: "Put it into your backend’s configuration. Whoever holds it speaks for this environment.",
        next_url: "/console/x/api-keys",
    };
    sample(
        "console-secret",
        Section::ApiKeys,
        "Your new API key",
        html! {
            h1 { "API key backend" }
            section.card.stack { (secret.view()) }
        },
    );
    let client = OauthClient {
        id: Id::from_bits(4),
        environment_id: Id::from_bits(1),
        version: 1,
        secret: Digest::of("secret"),
        display_name: "Ledgerline web".into(),
        id_token_alg: IdTokenAlg::RS256,
        initiate_login_uri: None,
        redirect_uris: Vec::new(),
        disabled: false,
        created_at: now() - DAY,
    };
    sample(
        "console-oauth-client",
        Section::OauthClients,
        "Ledgerline web",
        oauth_clients::show::view(&client, &environment(), &links(), true, &href, now()),
    );
}

#[test]
fn branding_samples() {
    let branding =
        Branding { application_name: Some("Ledgerline <b>".into()), ..Branding::empty(Id::from_bits(1)) };
    let errors = FormErrors::one("accentColor", "must be #rrggbb");
    let typed = FormValues::new().with("accentColor", "blue");
    let seen = Seen::of(branding.version, &branding::form::values(&branding));
    let form = Form::new("/console/x/branding", "Save", csrf()).multipart().seen(seen.fields());
    let preview = "/console/x/branding/preview";
    let content = branding::form::view(&branding, "Production", preview, Some(&form), &typed, &errors);
    sample("console-branding", Section::Branding, "Branding", content);
    page(
        "console-branding-preview",
        branding::preview::preview_view(&branding, "Production", "/console/x/branding"),
    );
}
