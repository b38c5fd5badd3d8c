//! The pages of applications.

use std::{fmt, time::Duration};

use base::{id::Id, secret::Digest, time::Timestamp};
use maud::Markup;
use model::application::{
    Application, ClientKind, GrantType, IdTokenAlg, PreviousSecret, RoleAudience, RoleSharing, Sharing,
    Workspace,
};

use super::frame;
use crate::{
    app::pagination::Page,
    links,
    web::{
        console::{
            applications,
            kit::shell::{Section, Shell},
        },
        kit::list::ListUrl,
        samples::page,
    },
};

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap()
}

fn href(pattern: &str, segments: &[&dyn fmt::Display]) -> String {
    let environment: &dyn fmt::Display = &"x";
    links::expand(pattern, &[&[environment], segments].concat())
}

fn sample(name: &str, title: &str, content: Markup) {
    page(name, Shell::new(&frame(), Section::Applications, title).render(content));
}

fn one(items: Vec<Application>) -> Page<Application> {
    Page { items, next_token: String::new() }
}

fn service_client() -> Application {
    Application {
        id: Id::from_bits(41),
        environment_id: Id::from_bits(1),
        version: 3,
        kind: ClientKind::Service,
        workspace: Some(Workspace::System),
        organization_id: None,
        secret: Some(Digest::of("secret")),
        previous_secret: Some(PreviousSecret {
            secret: Digest::of("old"),
            expires_at: now() + Duration::from_secs(3600),
        }),
        display_name: "Provisioning <b>".into(),
        description: String::new(),
        grant_types: vec![GrantType::ClientCredentials],
        scopes: vec!["manage_organizations".into(), "view_audit_events".into()],
        shared: Sharing::None,
        shared_at: None,
        shared_roles: RoleSharing::ALL,
        role_audience: RoleAudience::Organization,
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        origins: Vec::new(),
        signing_alg: IdTokenAlg::ES256,
        disabled: false,
        created_at: now() - Duration::from_secs(24 * 3600),
    }
}

fn public_app() -> Application {
    Application {
        id: Id::from_bits(42),
        kind: ClientKind::Public,
        workspace: None,
        secret: None,
        previous_secret: None,
        display_name: "Portal".into(),
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: Vec::new(),
        origins: vec!["https://app.ledgerline.example".into()],
        disabled: true,
        ..service_client()
    }
}

#[test]
fn application_samples() {
    let endpoint = "https://sso.ledgerline.example/production/system/oauth2/token";
    sample(
        "console-applications",
        "Applications",
        applications::list::view(
            &one(vec![service_client(), public_app()]),
            &ListUrl::default(),
            true,
            &href,
            now(),
        ),
    );
    sample(
        "console-applications-empty",
        "Applications",
        applications::list::view(&one(Vec::new()), &ListUrl::default(), true, &href, now()),
    );
    sample(
        "console-service-client",
        "Provisioning",
        applications::show::view(&service_client(), endpoint, true, &href, now()),
    );
    sample(
        "console-application-public",
        "Portal",
        applications::show::view(&public_app(), endpoint, false, &href, now()),
    );
}
