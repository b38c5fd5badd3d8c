//! The pages of users, with long and hostile data.

use std::{collections::BTreeMap, fmt, time::Duration};

use base::{id::Id, time::Timestamp};
use maud::{Markup, html};
use model::{
    account::{
        AuthenticationMethod, CredentialState, CredentialSummary, Passkey, SessionContext, UserSession,
    },
    identity_pool::IdentityPool,
    identity_schema::SystemSchema,
    user::{
        AddressKind, AddressStatus, ContactMethod, IdentifierKind, IdentifierText, User, UserAddress,
        UserIdentifier, UserSource, UserStatus,
    },
};
use serde_json::{Map, Value, json};

use super::{frame, pools::groups};
use crate::{
    app::{
        accounts::users::{ProfileSchemas, UserDetails},
        pagination::Page,
    },
    links,
    web::{
        console::{
            kit::shell::{Section, Shell},
            user_groups::{self, list::GroupsPage, show::GroupPage},
            users::{
                held_roles::UserRoles,
                list::{self, UsersPage},
                new::{NewUserPage, new_view},
                profile::ProfileForm,
                show::{self, UserPage},
            },
        },
        kit::{
            forms::{Form, FormErrors, FormValues},
            list::ListUrl,
        },
        samples::page,
    },
};

const LONG: &str = "Hubert Blaine <b>Wolfeschlegelsteinhausenbergerdorff</b>, Senior";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap()
}

fn before(hours: u64) -> Timestamp {
    now() - Duration::from_secs(hours * 3600)
}

fn href(pattern: &str, segments: &[&dyn fmt::Display]) -> String {
    let environment: &dyn fmt::Display = &"x";
    links::expand(pattern, &[&[environment], segments].concat())
}

fn sample(name: &str, title: &str, content: Markup) {
    page(name, Shell::new(&frame(), Section::Organizations, title).render(content));
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn user(bits: u128, status: UserStatus, payload: Value) -> User {
    User {
        id: Id::from_bits(bits),
        environment_id: Id::from_bits(1),
        organization_id: Id::from_bits(2),
        pool_id: Id::from_bits(3),
        version: 4,
        status,
        source: UserSource::Standard,
        shadow_of: None,
        user_type: "customer".into(),
        payload: object(payload),
        metadata: object(json!({ "plan": "pro", "tags": ["a", "<i>b</i>"] })),
        business_metadata: Map::new(),
        created_at: before(200),
        updated_at: before(3),
        status_updated_at: before(30),
    }
}

fn identifier(kind: IdentifierKind, text: &str) -> UserIdentifier {
    let text = IdentifierText::parse(kind, text).unwrap();
    UserIdentifier { text, metadata: Map::new(), created_at: before(100) }
}

fn hubert() -> UserDetails {
    let address = |kind, address: &str, verified: bool| UserAddress {
        kind,
        address: address.into(),
        verified_at: verified.then(|| before(50)),
        status: if verified { AddressStatus::Active } else { AddressStatus::Inactive },
        preferred_contact_method: (kind == AddressKind::Mobile).then_some(ContactMethod::Sms),
        created_at: before(100),
    };
    UserDetails {
        user: user(
            10,
            UserStatus::Active,
            json!({ "name": LONG, "address": { "locality": "Essen" }, "zoneinfo": "Europe/Berlin" }),
        ),
        identifiers: vec![
            identifier(IdentifierKind::Email, "hubert@rheinisch-westfaelische-elektrizitaetswerke.example"),
            identifier(IdentifierKind::Uid, "hubert"),
            identifier(IdentifierKind::External, "CRM-0000000000000007"),
        ],
        addresses: vec![
            address(AddressKind::Email, "hubert@rheinisch-westfaelische-elektrizitaetswerke.example", true),
            address(AddressKind::Mobile, "+49 201 1234567", false),
        ],
    }
}

fn nobody() -> UserDetails {
    let user =
        User { metadata: Map::new(), user_type: String::new(), ..user(11, UserStatus::New, json!({})) };
    UserDetails { user, identifiers: Vec::new(), addresses: Vec::new() }
}

fn schemas() -> ProfileSchemas {
    ProfileSchemas {
        payload: SystemSchema::User.schema().clone(),
        metadata: SystemSchema::Metadata.schema().clone(),
        business_metadata: None,
    }
}

fn credentials() -> Vec<CredentialSummary> {
    let passkey = |bits: u128, name: &str, used: bool| CredentialSummary::Passkey {
        passkey: Passkey {
            id: Id::from_bits(bits),
            account_id: hubert().user.id.into(),
            display_name: name.into(),
            created_at: before(90),
            last_used_at: used.then(|| before(2)),
        },
        credential_id: format!("credential-{bits}"),
    };
    vec![
        CredentialSummary::Password {
            state: CredentialState::MustBeChanged,
            changed_at: before(80),
            expires_at: Some(before(1)),
        },
        passkey(1, "Work laptop", true),
        passkey(2, "Spare key <1>", false),
        CredentialSummary::Totp { created_at: before(70) },
        CredentialSummary::RecoveryCodes { left: 0, created_at: before(70) },
    ]
}

fn session() -> UserSession {
    UserSession {
        id: Id::from_bits(8),
        subject: hubert().user.id,
        environment_id: Some(Id::from_bits(1)),
        method: AuthenticationMethod::Passkey,
        address: Some([198, 51, 100, 7].into()),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0".into(),
        created_at: before(5),
        authenticated_at: before(5),
        last_seen_at: before(1),
        expires_at: now() + Duration::from_secs(86_400),
        revoked_at: None,
        context: SessionContext { tenant_admin: true, ..SessionContext::default() },
    }
}

#[test]
fn user_list_samples() {
    let users = Page { items: vec![hubert(), nobody()], next_token: "T2".into() };
    let pools =
        BTreeMap::from([(Id::from_bits(3), "Employees".to_owned()), (Id::from_bits(4), "Guests".to_owned())]);
    let full = UsersPage {
        organizations: None,
        name: "Acme",
        is_root: false,
        is_disabled: false,
        is_template: false,
        users: &users,
        invited: &BTreeMap::from([(Id::from_bits(11), now() + Duration::from_secs(9000))]),
        pools: &pools,
        new: Some("/console/x/organizations/y/users/new"),
        place: &ListUrl::read("/console/x/organizations/y/users", "q=h", &["q"]),
        href: &href,
        now: now(),
    };
    sample("console-users", "Users", list::view(&full));
    let (none, url) = (Page { items: Vec::new(), next_token: String::new() }, ListUrl::default());
    let empty = UsersPage {
        organizations: None,
        name: "Production",
        is_root: true,
        users: &none,
        pools: &BTreeMap::new(),
        place: &url,
        ..full
    };
    sample("console-users-empty", "Users", list::view(&empty));
    let names = BTreeMap::from([(Id::from_bits(2), "Acme <b>".to_owned())]);
    let url = ListUrl::read("/console/x/users", "q=h@acme.example", &["q"]);
    let found = Page { items: users.items.clone(), next_token: String::new() };
    let everywhere =
        UsersPage { organizations: Some(&names), users: &found, place: &url, is_root: true, ..empty };
    sample("console-users-everywhere", "Users", list::view(&everywhere));
    let disabled = UsersPage { is_root: false, is_disabled: true, new: None, ..empty };
    sample("console-users-disabled", "Users", list::view(&disabled));
}

#[test]
fn user_samples() {
    let details = hubert();
    let (credentials, sessions) = (credentials(), [session()]);
    let letters = super::letters::to_one();
    let logins = super::logins::of_one();
    let full = UserPage {
        details: &details,
        logins: Some(&logins),
        of: ("Acme", "/console/x/organizations/y/users"),
        pool: ("Employees", "/console/x/identity-pools/z/users"),
        credentials: &credentials,
        sessions: &sessions,
        letters: &letters,
        groups: &groups(),
        roles: Some(&super::roles::of_user()),
        profile: &ProfileForm::new(&schemas(), Some(&details.user)),
        may_manage: true,
        may_delete: true,
        may_group: true,
        may_audit: true,
        invited_until: None,
        sends_letters: true,
        is_delegate: false,
        errors: &FormErrors::one("", "the organization is switched off (disabled)"),
        href: &href,
        csrf: html! { input type="hidden" name="form_token" value="TOKEN"; },
        now: now(),
    };
    sample("console-user", LONG, show::view(&full));
    let bare = UserPage {
        details: &nobody(),
        logins: Some(&[]),
        credentials: &[],
        sessions: &[],
        letters: &[],
        groups: &[],
        roles: Some(&UserRoles { held: Vec::new(), offered: Some(Vec::new()) }),
        profile: &ProfileForm::new(&schemas(), Some(&nobody().user)),
        errors: &FormErrors::none(),
        ..full
    };
    sample("console-user-new", "Nobody", show::view(&bare));
    let invited = UserPage {
        invited_until: Some(now() + Duration::from_secs(9000)),
        sends_letters: false,
        details: &nobody(),
        profile: &ProfileForm::new(&schemas(), Some(&nobody().user)),
        ..bare
    };
    sample("console-user-invited", "Nobody", show::view(&invited));
    let disabled = UserDetails {
        user: User { status: UserStatus::Inactive, ..details.user.clone() },
        ..details.clone()
    };
    let watched = UserPage {
        details: &disabled,
        credentials: &credentials,
        sessions: &sessions,
        logins: None,
        roles: None,
        may_audit: false,
        invited_until: None,
        may_manage: false,
        may_delete: false,
        may_group: false,
        ..invited
    };
    sample("console-user-watched", LONG, show::view(&watched));
}

#[test]
fn new_user_samples() {
    let pool = IdentityPool::new(Id::from_bits(3), Id::from_bits(1), Id::from_bits(2), now());
    let own = object(json!({
        "type": "object",
        "required": ["salesforceId", "name"],
        "additionalProperties": false,
        "properties": {
            "name": { "type": "string", "title": "Full name" },
            "salesforceId": { "type": "string", "title": "Salesforce ID", "description": "15 or 18 characters.", "maxLength": 18 },
            "seat": { "enum": ["basic", "pro"], "title": "Seat" },
            "languages": { "type": "array", "items": { "type": "string" }, "title": "Languages" },
            "address": { "type": "object", "title": "Postal address", "properties": { "city": { "type": "string", "title": "City" } } },
        },
    }));
    let schemas = ProfileSchemas { payload: own, ..schemas() };
    let typed = FormValues::new()
        .with("email", "dana@acme.example")
        .with("payload/name", "<Dana>")
        .with("payload/salesforceId", "0018d00000FhI3qAAF-too-long")
        .with("payload/seat", "pro")
        .with("access", "password")
        .with("mustBeChanged", "true");
    let errors = FormErrors::one("email", "Dana Doe has this already: usr_x")
        .and("payload/salesforceId", "must be at most 18 characters long");
    let form = Form::new("/console/x/users/new", "Create user", html! {}).cancel("/console/x/users");
    let full = NewUserPage {
        pool: &pool,
        profile: &ProfileForm::new(&schemas, None),
        of: "Acme",
        form: &form,
        typed: &typed,
        errors: &errors,
        vouches: true,
        sends_letters: true,
    };
    sample("console-user-form", "New user", new_view(&full));
    let empty = NewUserPage {
        profile: &ProfileForm::new(&self::schemas(), None),
        typed: &FormValues::new().with("access", "invitation").with("mustBeChanged", "true"),
        errors: &FormErrors::none(),
        sends_letters: false,
        ..full
    };
    sample("console-user-form-empty", "New user", new_view(&empty));
}

#[test]
fn group_samples() {
    let groups = groups();
    let (typed, url) = (FormValues::new(), ListUrl::default());
    let page = Page { items: groups.clone(), next_token: "T2".into() };
    let full = GroupsPage {
        name: "Employees",
        groups: &page,
        new: Some("/console/x/identity-pools/y/groups/new"),
        place: &url,
        href: &href,
        now: now(),
    };
    sample("console-groups", "Groups", user_groups::list::view(&full));
    let none = Page { items: Vec::new(), next_token: String::new() };
    let empty = GroupsPage { groups: &none, ..full };
    sample("console-groups-empty", "Groups", user_groups::list::view(&empty));
    let members = Page { items: vec![hubert(), nobody()], next_token: "T2".into() };
    let token = html! { input type="hidden" name="form_token" value="TOKEN"; };
    let full = GroupPage {
        group: &groups[1],
        pool: ("Employees", "/console/x/identity-pools/y"),
        members: &members,
        invited: &BTreeMap::new(),
        place: &url,
        may_manage: true,
        is_open: true,
        typed: &FormValues::new().with("user", "<b>Dana</b>"),
        errors: &FormErrors::one("user", "names nobody in this pool"),
        href: &href,
        csrf: token.clone(),
        now: now(),
    };
    sample("console-group", LONG, user_groups::show::view(&full));
    let none = Page { items: Vec::new(), next_token: String::new() };
    let watched = GroupPage {
        group: &groups[0],
        members: &none,
        may_manage: false,
        typed: &typed,
        errors: &FormErrors::none(),
        ..full
    };
    sample("console-group-watched", "Administrators", user_groups::show::view(&watched));
    let form = Form::new("/console/x/groups/new", "Create group", html! {}).cancel("/console/x");
    let errors = FormErrors::one("name", "another group of this pool has this name");
    let edited = FormValues::new().with("name", LONG);
    let content = user_groups::form::view("New group of the pool “Employees”", &form, &edited, &errors);
    sample("console-group-form", "New group", content);
    let form = Form::new("/console/x/users/y/groups", "Add to group", token).cancel("/console/x");
    let content = user_groups::of_user::view(&groups, Some("/new"), &form, &typed, &FormErrors::none());
    sample("console-group-choice", "Add to a group", content);
    let content = user_groups::of_user::view(&[], Some("/new"), &form, &typed, &FormErrors::none());
    sample("console-group-choice-none", "Add to a group", content);
}
