//! Who may do what: the table in `docs/permissions.md`, and the texts that refuse the rest.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use base::{
    id::{EnvironmentId, Id, OrganizationId},
    secret::Digest,
    time::Timestamp,
};
use model::{administrator::Role, api_key::ApiKey};
use ostiary::app::{
    permissions::{Action, Scope},
    principal::{On, Principal},
};

fn environment() -> EnvironmentId {
    Id::from_bits(1)
}

fn organization() -> OrganizationId {
    Id::from_bits(2)
}

/// One caller of each kind, with what the table calls it. A setup link is there once for each of its scopes.
fn callers() -> Vec<(&'static str, Principal)> {
    let now = Timestamp::from_seconds(0);
    let key = |management| {
        Principal::from_api_key(&ApiKey {
            id: Id::from_bits(3),
            environment_id: environment(),
            version: 1,
            secret: Digest::of("secret"),
            display_name: String::new(),
            management,
            disabled: false,
            created_at: now,
            last_used_at: None,
        })
    };
    let administrator = |role, everywhere| {
        Principal::administrator(Id::from_bits(4), role, everywhere).in_environment(environment())
    };
    let link = |scope| {
        let scopes = [scope].into_iter().collect();
        Principal::setup_link(Id::from_bits(5), environment(), organization(), scopes)
    };
    let service_client =
        |scope| Principal::application(Id::from_bits(6), environment(), [scope].into_iter().collect());
    // Of a client or of a user: the scopes count, and the organization.
    let token =
        |scope: Scope| service_client(scope).with_token([scope].into_iter().collect(), Some(organization()));
    vec![
        ("API key", key(false)),
        ("Management API key", key(true)),
        ("Viewer", administrator(Role::Viewer, false)),
        ("Admin", administrator(Role::Admin, false)),
        ("Owner", administrator(Role::Owner, false)),
        ("Owner of all", administrator(Role::Owner, true)),
        ("Setup link: saml", link(Scope::Saml)),
        ("Setup link: scim", link(Scope::Scim)),
        ("Setup link: domains", link(Scope::Domains)),
        ("Service client: view_organizations", service_client(Scope::OrganizationsView)),
        ("Service client: manage_organizations", service_client(Scope::OrganizationsManage)),
        ("Service client: identity", service_client(Scope::Identity)),
        ("Service client: identity_self_registration", service_client(Scope::SelfRegistration)),
        ("Service client: view_audit_events", service_client(Scope::AuditEvents)),
        ("Token of an organization: internal_org_user_mgt_view", token(Scope::UsersView)),
        ("Token of an organization: internal_org_user_mgt_create", token(Scope::UsersCreate)),
        ("Token of an organization: internal_org_role_mgt_view", token(Scope::RolesView)),
        ("Token of an organization: internal_org_role_mgt_update", token(Scope::RolesUpdate)),
        ("Token of an organization: internal_org_application_mgt_view", token(Scope::ApplicationsView)),
        ("Token of an organization: internal_org_organization_create", token(Scope::OrganizationsManage)),
        ("Member", token(Scope::Member)),
        ("Administrator of an organization", token(Scope::OrganizationAdmin)),
        ("Owner of an organization", token(Scope::OrganizationOwner)),
        ("Signed-in user", service_client(Scope::SignedIn)),
        ("Operator", Principal::operator(environment())),
        ("Service", Principal::service(environment())),
    ]
}

/// How far an action is permitted.
fn extent(caller: &Principal, action: Action) -> &'static str {
    let may = |on| caller.authorize(action, on).is_ok();
    if caller.authorize_everywhere(action).is_ok() || may(On::Environment) {
        "yes"
    } else if may(On::Organization(organization())) {
        "its own"
    } else {
        ""
    }
}

fn table() -> String {
    let callers = callers();
    let mut table = String::from("| Action | |");
    for (name, _) in &callers {
        write!(table, " {name} |").unwrap();
    }
    table.push_str("\n|---|---|");
    table.push_str(&"---|".repeat(callers.len()));
    table.push('\n');
    for action in Action::ALL.iter().copied() {
        write!(table, "| `{}` | {} |", action.as_str(), action.description()).unwrap();
        for (_, caller) in &callers {
            let extent = extent(caller, action);
            table.push_str(&if extent.is_empty() { " |".to_owned() } else { format!(" {extent} |") });
        }
        table.push('\n');
    }
    table
}

/// What callers are told, each text with the callers and the actions.
fn refusals() -> String {
    let mut texts: BTreeMap<(String, &str), Vec<&str>> = BTreeMap::new();
    for (name, caller) in callers() {
        for action in Action::ALL.iter().copied() {
            if let Err(error) = caller.authorize(action, On::Organization(organization())) {
                texts.entry((format!("{error:?}"), name)).or_default().push(action.as_str());
            }
        }
    }
    let mut list = String::new();
    for ((text, caller), actions) in texts {
        writeln!(list, "{caller}: {text}\n  {}", actions.join(" ")).unwrap();
    }
    list
}

#[test]
fn the_table_of_permissions() {
    insta::assert_snapshot!(table());
}

#[test]
fn what_those_are_told_who_may_not() {
    insta::assert_snapshot!(refusals());
}

#[test]
fn the_documented_table_is_the_real_one() {
    let documented =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/permissions.md")).unwrap();
    assert!(documented.contains(&table()), "docs/permissions.md lacks the table\n{}", table());
}

#[test]
fn what_belongs_to_another_organization_is_not_there() {
    let other = OrganizationId::from_bits(9);
    for (name, caller) in callers().into_iter().filter(|(name, _)| name.starts_with("Setup link")) {
        for action in Action::ALL.iter().copied() {
            let answer = caller.authorize(action, On::Organization(other)).unwrap_err();
            let own = caller.authorize(action, On::Organization(organization()));
            let told = answer.to_string();
            assert!(own.is_err() || told == format!("organization not found: {other}"), "{name}: {told}");
        }
    }
}

#[test]
fn a_caller_in_no_environment_does_nothing_in_one() {
    for caller in [
        Principal::OPERATOR,
        Principal::SERVICE,
        Principal::administrator(Id::from_bits(4), Role::Owner, true),
    ] {
        for action in Action::ALL.iter().copied() {
            assert!(caller.authorize(action, On::Environment).is_err(), "{caller:?} {action:?}");
        }
    }
}

#[test]
fn what_outlives_the_session_takes_a_recent_authentication() {
    let at = |minutes: i64| Timestamp::from_seconds(60 * minutes);
    let administrator = Principal::administrator(Id::from_bits(4), Role::Owner, true);
    for (caller, recent) in [
        (administrator, true),
        (administrator.authenticated(at(11)), true),
        (administrator.authenticated(at(10)), false),
        (Principal::OPERATOR, true),
    ] {
        assert_eq!(caller.require_recent_authentication(at(20)).is_ok(), recent, "{caller:?}");
    }
}
