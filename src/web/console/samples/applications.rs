//! The pages of applications.

use std::{fmt, time::Duration};

use base::{id::Id, secret::Digest, time::Timestamp};
use maud::{Markup, html};
use model::application::{
    Application, ClientKind, GrantType, IdTokenAlg, PreviousSecret, RoleAudience, RoleSharing, Sharing,
    Workspace,
};

use super::frame;
use crate::{
    app::{
        applications::shared_organizations::{Excluded, SharedOrganization, Shown},
        pagination::Page,
    },
    links,
    web::{
        console::{
            applications::{
                self,
                sharing::SharingPage,
                show::{ApplicationPage, IssuerOf},
            },
            kit::shell::{Section, Shell},
        },
        kit::{
            forms::{FormErrors, FormValues},
            list::ListUrl,
        },
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

fn shown(application: &Application, may_manage: bool) -> Markup {
    let of = |workspace: &str| IssuerOf {
        issuer: format!("https://sso.ledgerline.example/production/{workspace}"),
        discovery: format!(
            "https://sso.ledgerline.example/production/{workspace}/.well-known/openid-configuration"
        ),
        of_organizations: (workspace == "root")
            .then(|| "https://sso.ledgerline.example/production/{organization}".to_owned()),
    };
    applications::show::view(&ApplicationPage {
        application,
        endpoint: "https://sso.ledgerline.example/production/system/oauth2/token",
        issuer: &of(if application.is_of_system() { "system" } else { "root" }),
        may_manage,
        href: &href,
        now: now(),
    })
}

#[test]
fn application_samples() {
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
    sample("console-service-client", "Provisioning", shown(&service_client(), true));
    sample("console-application-public", "Portal", shown(&public_app(), false));
    let guide = Application {
        display_name: "B2B App".into(),
        description: "Where customers sign up".into(),
        workspace: None,
        grant_types: vec![GrantType::ClientCredentials, GrantType::OrganizationSwitch],
        scopes: vec!["internal_organization_create".into()],
        shared: Sharing::Selected,
        shared_at: Some(now()),
        role_audience: RoleAudience::Application,
        previous_secret: None,
        ..service_client()
    };
    sample("console-application-shared", "B2B App", shown(&guide, true));
    let organization = |id, name: &str| SharedOrganization {
        id: Id::from_bits(id),
        name: Some(name.to_owned()),
        display_name: String::new(),
        handle: None,
        parent_id: None,
        status: "active".to_owned(),
        depth: 1,
        has_children: false,
    };
    let organizations = Page {
        items: vec![
            Shown {
                organization: organization(7, "BestCar <b>"),
                selected_with_children: Some(RoleSharing::ALL),
            },
            Shown { organization: organization(8, "Acme"), selected_with_children: None },
        ],
        next_token: "next".to_owned(),
    };
    let excluded = [Excluded { id: Id::from_bits(9), name: "Globex <b>".to_owned(), with_children: true }];
    let sharing = |organizations: &Page<Shown>, application: &Application, may_manage| {
        applications::sharing::view(&SharingPage {
            application,
            organizations,
            excluded: &excluded,
            place: &ListUrl::default(),
            may_manage,
            typed: &FormValues::new(),
            errors: &FormErrors::none(),
            href: &href,
            csrf: html! {},
        })
    };
    sample("console-application-sharing", "Sharing", sharing(&organizations, &guide, true));
    let nobody = Page { items: Vec::new(), next_token: String::new() };
    let with_all = Application { shared: Sharing::All, ..guide.clone() };
    sample("console-application-sharing-all", "Sharing", sharing(&organizations, &with_all, true));
    let unshared = Application { shared: Sharing::None, ..guide };
    sample("console-application-sharing-none", "Sharing", sharing(&nobody, &unshared, false));
}
