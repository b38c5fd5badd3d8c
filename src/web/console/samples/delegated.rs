//! The pages that are made for organizations' own administrators, in the vendor's branding.

use std::{collections::BTreeMap, fmt, time::Duration};

use base::{id::Id, time::Timestamp};
use maud::{Markup, html};
use model::{
    audit::{AuditActor, AuditEvent, audit_fields},
    branding::Branding,
    domain::{Domain, DomainState},
    organization_domain::OrganizationDomain,
};
use serde_json::{Map, json};

use super::{frame, resources};
use crate::{
    app::{
        audit::Names, authorization_server::sign_in::appearance::Appearance, pagination::Page, roles::Lost,
    },
    links::{self, console},
    web::{
        console::{
            delegated::{
                audit::{self, DelegatedAuditPage},
                home::{self, HomePage},
            },
            kit::{
                own_rights,
                shell::{DelegatedFrame, DelegatedSection, PageFrame, Section, Shell},
            },
        },
        kit::list::ListUrl,
        samples::page,
    },
};

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap()
}

fn href(pattern: &str, segments: &[&dyn fmt::Display]) -> String {
    let place: [&dyn fmt::Display; 2] = [&"production", &"acme"];
    links::expand(&console::delegated(pattern), &[&place, segments].concat())
}

fn sample(name: &str, title: &str, content: Markup) {
    let section = |label, icon, href: &str, is_current| DelegatedSection {
        label,
        href: href.to_owned(),
        icon,
        is_current,
    };
    let delegated = DelegatedFrame {
        appearance: Appearance {
            branding: Branding::empty(Id::from_bits(1)),
            application: "Northwind Cloud".to_owned(),
            organization: "Acme Corporation <b>".to_owned(),
        },
        home: "/production/acme/admin".to_owned(),
        account: ("/production/acme/account".to_owned(), "/production/acme/account/sign-out".to_owned()),
        sections: vec![
            section("Overview", Section::Organizations, "/production/acme/admin", true),
            section("Users", Section::Users, "/production/acme/admin/organizations/y/users", false),
            section("Roles", Section::Roles, "/production/acme/admin/organizations/y/roles", false),
            section("Audit log", Section::Audit, "/production/acme/admin/audit-events", false),
        ],
    };
    let frame = PageFrame {
        email: "dana@acme.example".to_owned(),
        environment: None,
        delegated: Some(delegated),
        ..frame()
    };
    page(name, Shell::without_environment(&frame, title).render(content));
}

fn csrf() -> Markup {
    html! { input type="hidden" name="form_token" value="TOKEN"; }
}

#[test]
fn home_samples() {
    let organization = resources::customer("Acme Corporation <b>");
    let (none, rights) =
        (Page { items: Vec::new(), next_token: String::new() }, ["Add and invite users", "List users"]);
    let listed = [("acme.example", DomainState::Verified), ("acme.test", DomainState::Pending)].map(
        |(name, state)| {
            let (of, domain) = ((Id::from_bits(1), Id::from_bits(4)), Domain::parse(name).unwrap());
            OrganizationDomain::new(Id::from_bits(79), of, domain, state, now())
        },
    );
    let full = HomePage {
        organization: &organization,
        users: true,
        invitations: &[],
        may_take_back: false,
        now: now(),
        connections: Some(&none),
        domains: Some(&listed),
        may_add_domains: true,
        directories: Some(&[]),
        may_set_up: true,
        roles: true,
        audit: true,
        rights: &rights,
        confirm: None,
        href: &href,
        csrf: csrf(),
    };
    sample("delegated-home", "Overview", home::view(&full));
    let narrow = HomePage {
        users: false,
        connections: None,
        domains: None,
        may_add_domains: false,
        directories: None,
        may_set_up: false,
        roles: false,
        audit: false,
        rights: &["Invite users of other organizations"],
        ..full
    };
    sample("delegated-home-narrow", "Overview", home::view(&narrow));
}

fn event(action: &str, kind: &str, target: String, after: Map<String, serde_json::Value>) -> AuditEvent {
    AuditEvent {
        id: Id::from_bits(1),
        environment_id: Some(Id::from_bits(1)),
        at: now() - Duration::from_secs(700),
        actor: AuditActor { kind: "user".to_owned(), id: base::id::UserId::from_bits(11).to_string() },
        address: None,
        action: action.to_owned(),
        target_kind: kind.to_owned(),
        target_id: target,
        organization_id: Some(Id::from_bits(4)),
        before: Map::new(),
        after,
    }
}

#[test]
fn audit_samples() {
    let user = |bits| base::id::UserId::from_bits(bits).to_string();
    let (role, group) =
        (base::id::RoleId::from_bits(5).to_string(), base::id::UserGroupId::from_bits(6).to_string());
    let vendor = AuditActor { kind: "administrator".to_owned(), id: "admin_x".to_owned() };
    let events = vec![
        event("user.created", "user", user(12), Map::new()),
        event("user.invitation_withdrawn", "user", user(13), Map::new()),
        event("role.assigned", "role", role.clone(), audit_fields! { "users": [user(12)] }),
        event("role.unassigned", "role", role, audit_fields! { "groups": [&group] }),
        event("user_group.member_added", "user_group", group, audit_fields! { "userId": user(12) }),
        event("user.signed_in", "user", user(11), Map::new()),
        AuditEvent {
            actor: vendor,
            ..event(
                "organization.updated",
                "organization",
                "org_x".to_owned(),
                audit_fields! { "displayName": json!("Acme") },
            )
        },
    ];
    let names = Names {
        users: BTreeMap::from([
            (Id::from_bits(11), "Dana Doe".to_owned()),
            (Id::from_bits(12), "Hubert <b>".to_owned()),
        ]),
        roles: BTreeMap::from([(Id::from_bits(5), "Editor <i>".to_owned())]),
        groups: BTreeMap::from([(Id::from_bits(6), "Staff".to_owned())]),
        ..Names::default()
    };
    let found = Page { items: events, next_token: String::new() };
    let shown = DelegatedAuditPage {
        page: &found,
        names: &names,
        place: &ListUrl::default(),
        user: &|id| Some(href(console::USER, &[&id])),
        now: now(),
    };
    sample("delegated-audit", "Audit log", audit::view(&shown));
    let none = Page { items: Vec::new(), next_token: String::new() };
    sample("delegated-audit-empty", "Audit log", audit::view(&DelegatedAuditPage { page: &none, ..shown }));
}

#[test]
fn own_rights_samples() {
    let lost = |is_all| Lost {
        permissions: ["internal_org_user_mgt_create", "internal_org_user_mgt_list"].map(str::to_owned).into(),
        is_all,
    };
    let fields = [("remove".to_owned(), "role_x".to_owned()), ("form_token".to_owned(), "TOKEN".to_owned())];
    for (name, is_all) in [("delegated-own-rights", false), ("delegated-own-rights-all", true)] {
        let content = own_rights::rights(&lost(is_all));
        sample(
            name,
            "You take this from yourself",
            own_rights::view(&fields, "/roles", "/back", csrf(), content),
        );
    }
}
