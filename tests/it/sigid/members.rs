//! Routes 6 to 9 and 11: members and the owner, with every cell of the permission matrix.

use std::time::Duration;

use base::id::{Id, OrganizationId};
use model::{
    membership::{Membership, MembershipSource, MembershipStatus, Tier},
    user::{IdentifierKind, UserStatus},
};
use ostiary::{
    app::{
        accounts::users::{self, NewAddress, NewIdentifier, NewUser},
        principal::Principal,
    },
    store::{self, memberships},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Person, assert_error, call, error, organization_of, person, session, tenant_admin};
use crate::{both, support::TestApp};

/// Adds a member by the owner, with this role.
async fn add(app: &TestApp, owner: &Person, organization: &str, user: &Person, role: &str) {
    let body = json!({ "user_id": user.id(), "role": role });
    let added = call(app, &owner.token, Method::POST, &format!("/{organization}/members"), Some(body)).await;
    assert_eq!(added.status, 201, "{}", added.body);
}

/// The membership that is stored.
async fn stored(app: &TestApp, organization: &str, user: &Person) -> Option<Membership> {
    let mut conn = app.state.db.read().await.unwrap();
    let id: OrganizationId = organization.parse().unwrap();
    memberships::find(&mut conn, user.user.environment_id, id, user.user.id).await.unwrap()
}

/// Stores a change of a membership as a directory would make it.
async fn set(app: &TestApp, organization: &str, user: &Person, change: impl FnOnce(&mut Membership)) {
    let mut membership = stored(app, organization, user).await.unwrap();
    change(&mut membership);
    let mut tx = app.state.db.write().await.unwrap();
    assert!(memberships::update(&mut tx, &membership).await.unwrap());
    tx.commit().await.unwrap();
}

both! {
    async fn each_cell_of_the_matrix_is_as_the_contract_has_it(app: TestApp) {
        let environment = app.environment("prod").await;
        let vendor = tenant_admin(&app, &environment).await;
        let reads = app.system_token(&environment, &["organizations:read"]).await;
        let writes = app.system_token(&environment, &["organizations:write"]).await;
        let names = ["owner", "admin", "member", "stranger"];
        let mut people = Vec::new();
        for name in names {
            people.push(person(&app, &environment, name).await);
        }
        // Each action on an organization of its own: what it is done to must be there.
        for (number, action) in ACTIONS.iter().enumerate() {
            let mut cells = Vec::new();
            let tokens = people.iter().map(|person| person.token.as_str());
            let tokens: Vec<&str> = tokens.chain([vendor.token.as_str(), reads.as_str(), writes.as_str()]).collect();
            for (at, token) in tokens.iter().enumerate() {
                let organization = organization_of(&app, &people[0], &format!("matrix-{number}-{at}")).await;
                add(&app, &people[0], &organization, &people[1], "admin").await;
                add(&app, &people[0], &organization, &people[2], "member").await;
                let other = person(&app, &environment, &format!("other-{number}-{at}")).await;
                add(&app, &people[0], &organization, &other, "member").await;
                let (method, path, body) = (action.1)(&organization, &other, people.get(at).unwrap_or(&vendor));
                let answer = call(&app, token, method, &path, body).await;
                cells.push(answer.status.as_u16());
            }
            assert_eq!(cells, action.2, "{}", action.0);
        }
    }

    async fn whoever_only_claims_an_address_is_not_added_by_it(app: TestApp) {
        let environment = app.environment("prod").await;
        let owner = person(&app, &environment, "owner").await;
        let organization = organization_of(&app, &owner, "acme").await;
        let mut new = NewUser::new(UserStatus::Active);
        new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, "victim@people.example"));
        new.addresses.push(NewAddress::email("victim@people.example", false));
        let operator = Principal::operator(environment.id);
        users::create_in_first_pool(&app.state, &operator, None, &new).await.expect("a user");
        let body = json!({ "email": "victim@people.example", "role": "admin" });
        let members = format!("/{organization}/members");
        let added = call(&app, &owner.token, Method::POST, &members, Some(body)).await;
        assert_error(&added, 404, "user_not_found");
    }

    async fn members_are_added_changed_and_removed(app: TestApp) {
        let environment = app.environment("prod").await;
        let (owner, admin) = (person(&app, &environment, "owner").await, person(&app, &environment, "admin").await);
        let (member, guest) = (person(&app, &environment, "member").await, person(&app, &environment, "guest").await);
        let organization = organization_of(&app, &owner, "acme").await;
        let members = format!("/{organization}/members");
        let ask = async |token: &str, method, path: String, body| call(&app, token, method, &path, body).await;
        let added = ask(&owner.token, Method::POST, members.clone(), Some(json!({ "email": "Admin@people.example", "role": "admin" }))).await;
        assert_eq!(added.status, 201, "{}", added.body);
        let shown = added.json();
        for (name, value) in [
            ("user_id", json!(admin.id())),
            ("email", json!("admin@people.example")),
            ("role", json!("admin")),
            ("status", json!("active")),
            ("source", json!("manual")),
            ("directory_managed", json!(false)),
            ("break_glass", json!(false)),
            ("mfa_enrolled", json!(false)),
            ("last_login_at", json!(null)),
        ] {
            assert_eq!(shown[name], value, "{name}");
        }
        add(&app, &owner, &organization, &member, "member").await;
        let again = ask(&admin.token, Method::POST, members.clone(), Some(json!({ "user_id": member.id() }))).await;
        assert_error(&again, 409, "already_member");
        for (body, status, code) in [
            (json!({ "user_id": "usr_0000000000000000000000009" }), 404, "user_not_found"),
            (json!({ "user_id": "x" }), 404, "user_not_found"),
            (json!({ "email": "nobody@people.example" }), 404, "user_not_found"),
            (json!({ "email": "nobody" }), 422, "validation_failed"),
            (json!({}), 422, "validation_failed"),
            (json!({ "user_id": guest.id(), "email": "guest@people.example" }), 422, "validation_failed"),
            (json!({ "user_id": guest.id(), "role": "owner" }), 422, "use_transfer_ownership"),
            (json!({ "user_id": guest.id(), "role": "boss" }), 422, "validation_failed"),
        ] {
            assert_error(&ask(&owner.token, Method::POST, members.clone(), Some(body)).await, status, code);
        }
        let of = |user: &Person| format!("{members}/{}", user.id());
        let role = |user: &Person| format!("{}/role", of(user));
        // The owner is touched by nobody.
        let owned = ask(&admin.token, Method::DELETE, of(&owner), None).await;
        assert_error(&owned, 409, "owner_cannot_be_removed");
        assert_error(&ask(&owner.token, Method::DELETE, of(&owner), None).await, 409, "owner_cannot_be_removed");
        let demoted = ask(&admin.token, Method::PATCH, role(&owner), Some(json!({ "role": "member" }))).await;
        assert_error(&demoted, 422, "use_transfer_ownership");
        let raised = ask(&owner.token, Method::PATCH, role(&member), Some(json!({ "role": "owner" }))).await;
        assert_error(&raised, 422, "use_transfer_ownership");
        let suspended = ask(&admin.token, Method::PATCH, of(&owner), Some(json!({ "status": "suspended" }))).await;
        assert_error(&suspended, 409, "owner_cannot_be_suspended");

        let raised = ask(&admin.token, Method::PATCH, role(&member), Some(json!({ "role": "admin" }))).await;
        assert_eq!((raised.status.as_u16(), &raised.json()["role"]), (200, &json!("admin")));
        let lowered = ask(&admin.token, Method::PATCH, role(&member), Some(json!({ "role": "member" }))).await;
        assert_eq!(lowered.json()["role"], "member");
        let flagged = ask(&owner.token, Method::PATCH, of(&member), Some(json!({ "break_glass": true }))).await;
        assert_error(&flagged, 422, "break_glass_requires_admin");
        let flagged = ask(&owner.token, Method::PATCH, of(&admin), Some(json!({ "break_glass": true }))).await;
        assert_eq!((flagged.status.as_u16(), &flagged.json()["break_glass"]), (200, &json!(true)));

        // Who is suspended sees as much as a stranger, until they are reactivated.
        let suspended = ask(&admin.token, Method::PATCH, of(&member), Some(json!({ "status": "suspended" }))).await;
        assert_eq!((suspended.status.as_u16(), &suspended.json()["status"]), (200, &json!("suspended")));
        assert_error(&ask(&member.token, Method::GET, format!("/{organization}"), None).await, 404, "not_found");
        let active = ask(&admin.token, Method::PATCH, of(&member), Some(json!({ "status": "active" }))).await;
        assert_eq!(active.json()["status"], "active");
        assert_eq!(ask(&member.token, Method::GET, format!("/{organization}"), None).await.status, 200);

        let list = async |query: &str| {
            let page = ask(&owner.token, Method::GET, format!("{members}{query}"), None).await.json();
            let ids = page["data"].as_array().unwrap().iter().map(|it| it["user_id"].as_str().unwrap().to_owned());
            let mut ids: Vec<String> = ids.collect();
            ids.sort_unstable();
            ids
        };
        let ids = |people: &[&Person]| {
            let mut ids: Vec<String> = people.iter().map(|person| person.id()).collect();
            ids.sort_unstable();
            ids
        };
        assert_eq!(list("").await, ids(&[&owner, &admin, &member]));
        assert_eq!(list("?role=admin").await, ids(&[&admin]));
        assert_eq!(list("?status=suspended").await, ids(&[]));
        assert_eq!(list("?source=creator").await, ids(&[&owner]));
        assert_eq!(list("?search=member@people.example").await, ids(&[&member]));
        assert_eq!(list("?search=nobody").await, ids(&[]));
        assert_error(&ask(&owner.token, Method::GET, format!("{members}?role=x"), None).await, 422, "validation_failed");

        // A directory's member is removed by force of the owner only.
        set(&app, &organization, &member, |it| it.directory_id = Some(Id::from_bits(5))).await;
        for (token, path) in [(&admin.token, of(&member)), (&admin.token, format!("{}?force=true", of(&member))), (&owner.token, of(&member))] {
            assert_error(&ask(token, Method::DELETE, path, None).await, 409, "directory_managed");
        }
        let changed = ask(&owner.token, Method::PATCH, role(&member), Some(json!({ "role": "admin" }))).await;
        assert_error(&changed, 409, "directory_managed");
        assert_eq!(ask(&owner.token, Method::DELETE, format!("{}?force=true", of(&member)), None).await.status, 204);
        assert!(stored(&app, &organization, &member).await.is_none());
        assert_eq!(ask(&admin.token, Method::DELETE, of(&admin), None).await.status, 204, "they leave");
        assert_error(&ask(&admin.token, Method::GET, members.clone(), None).await, 404, "not_found");
        let count = ask(&owner.token, Method::GET, format!("/{organization}"), None).await.json();
        assert_eq!(count["member_count"], 1);
        let kinds = |page: Value| page["data"].as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let told = kinds(ask(&owner.token, Method::GET, format!("/{organization}/audit-events?limit=100"), None).await.json());
        for kind in ["organization.created", "organization.member.added", "organization.member.role_changed",
            "organization.member.suspended", "organization.member.reactivated", "organization.member.removed"] {
            assert!(told.iter().any(|it| it == kind), "{kind}: {told:?}");
        }
    }

    async fn the_last_administrator_of_an_organization_without_an_owner_stays(app: TestApp) {
        let environment = app.environment("prod").await;
        let vendor = tenant_admin(&app, &environment).await;
        let (one, two) = (person(&app, &environment, "one").await, person(&app, &environment, "two").await);
        let made = call(&app, &app.system_token(&environment, &["organizations:write"]).await, Method::POST, "", Some(json!({ "name": "Acme" }))).await;
        assert_eq!((made.status.as_u16(), &made.json()["owner_user_id"]), (201, &json!(null)), "{}", made.body);
        let organization = made.json()["id"].as_str().unwrap().to_owned();
        add(&app, &vendor, &organization, &one, "admin").await;
        let role = format!("/{organization}/members/{}/role", one.id());
        let lower = async || call(&app, &one.token, Method::PATCH, &role, Some(json!({ "role": "member" }))).await;
        assert_error(&lower().await, 409, "last_admin");
        let leave = format!("/{organization}/members/{}", one.id());
        assert_error(&call(&app, &one.token, Method::DELETE, &leave, None).await, 409, "last_admin");
        // The vendor makes an owner where there is none, and only there.
        let own = |user: &Person| json!({ "user_id": user.id(), "role": "owner" });
        add(&app, &vendor, &organization, &two, "owner").await;
        let third = person(&app, &environment, "third").await;
        let refused = call(&app, &vendor.token, Method::POST, &format!("/{organization}/members"), Some(own(&third))).await;
        assert_error(&refused, 422, "use_transfer_ownership");
        assert_eq!(lower().await.status, 200);
    }

    async fn an_organization_is_handed_over_in_one_step(app: TestApp) {
        let environment = app.environment("prod").await;
        let (owner, next) = (person(&app, &environment, "owner").await, person(&app, &environment, "next").await);
        let organization = organization_of(&app, &owner, "acme").await;
        let path = format!("/{organization}/transfer-ownership");
        let to = |user: &Person| json!({ "new_owner_user_id": user.id() });
        let transfer = async |token: &str, body| call(&app, token, Method::POST, &path, Some(body)).await;
        assert_error(&transfer(&owner.token, to(&next)).await, 422, "new_owner_not_member");
        assert_error(&transfer(&owner.token, json!({ "new_owner_user_id": "x" })).await, 422, "new_owner_not_member");
        add(&app, &owner, &organization, &next, "member").await;
        assert_error(&transfer(&next.token, to(&next)).await, 403, "forbidden");
        assert_error(&transfer(&owner.token, to(&owner)).await, 409, "already_owner");
        let old = session(&app, &owner.user, Duration::from_secs(601), false).await;
        assert_error(&transfer(&old, to(&next)).await, 403, "reauthentication_required");
        let done = transfer(&owner.token, to(&next)).await;
        assert_eq!(done.status, 200, "{}", done.body);
        assert_eq!((&done.json()["owner_user_id"], &done.json()["my_role"]), (&json!(next.id()), &json!("admin")));
        assert_error(&transfer(&owner.token, to(&next)).await, 403, "forbidden");
        let removed = call(&app, &owner.token, Method::DELETE, &format!("/{organization}"), None).await;
        assert_error(&removed, 403, "forbidden");
        let back = transfer(&next.token, json!({ "new_owner_user_id": owner.id(), "demote_to": "member" })).await;
        assert_eq!(back.json()["my_role"], "member");
        // Members made by others stay what they are.
        assert_eq!(stored(&app, &organization, &owner).await.unwrap().source, MembershipSource::Creator);
    }

    async fn of_sixteen_transfers_at_once_one_wins(app: TestApp) {
        let environment = app.environment("prod").await;
        let owner = person(&app, &environment, "owner").await;
        let organization = organization_of(&app, &owner, "acme").await;
        let mut others = Vec::new();
        for number in 0..16 {
            let other = person(&app, &environment, &format!("other{number}")).await;
            add(&app, &owner, &organization, &other, "admin").await;
            others.push(other);
        }
        let path = format!("/{organization}/transfer-ownership");
        let answers = futures_util::future::join_all(others.iter().map(|other| {
            call(&app, &owner.token, Method::POST, &path, Some(json!({ "new_owner_user_id": other.id() })))
        })).await;
        let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1, "{:?}", answers.iter().map(|it| it.status).collect::<Vec<_>>());
        assert!(answers.iter().filter(|it| it.status != 200).all(|it| error(it) == (403, "forbidden".to_owned())));
        let mut conn = app.state.db.read().await.unwrap();
        let owners = "SELECT COUNT(*) FROM memberships WHERE organization_id = $1 AND tier = 'owner'";
        let (owners,): (i64,) = conn.sql(owners).bind(organization.as_str()).one().await.unwrap();
        assert_eq!(owners, 1);
    }

    async fn of_sixteen_administrators_who_leave_at_once_one_stays(app: TestApp) {
        let environment = app.environment("prod").await;
        let vendor = tenant_admin(&app, &environment).await;
        let token = app.system_token(&environment, &["organizations:write"]).await;
        let made = call(&app, &token, Method::POST, "", Some(json!({ "name": "Acme" }))).await.json();
        let organization = made["id"].as_str().unwrap().to_owned();
        let mut admins = Vec::new();
        for number in 0..16 {
            let admin = person(&app, &environment, &format!("admin{number}")).await;
            add(&app, &vendor, &organization, &admin, "admin").await;
            admins.push(admin);
        }
        let paths: Vec<String> = admins.iter().map(|admin| format!("/{organization}/members/{}", admin.id())).collect();
        let leave = admins.iter().zip(&paths).map(|(admin, path)| call(&app, &admin.token, Method::DELETE, path, None));
        let answers = futures_util::future::join_all(leave).await;
        let stayed: Vec<_> = answers.iter().filter(|answer| answer.status != 204).collect();
        assert_eq!(stayed.len(), 1, "{:?}", answers.iter().map(|it| it.status).collect::<Vec<_>>());
        assert_error(stayed[0], 409, "last_admin");
    }

    async fn every_user_of_an_organizations_own_pool_is_its_member(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let user = app.user(&environment, Some(tenant.organization.id), "dana@acme.example").await;
        let mut conn = app.state.db.read().await.unwrap();
        let found = memberships::find(&mut conn, environment.id, tenant.organization.id, user.id).await.unwrap().unwrap();
        assert_eq!((found.tier, found.status, found.source), (Tier::Member, MembershipStatus::Active, MembershipSource::Manual));
        assert_eq!(memberships::count(&mut conn, tenant.organization.id).await.unwrap(), 1);
        drop(conn);
        let operator = ostiary::app::principal::Principal::operator(environment.id);
        ostiary::app::accounts::users::remove(&app.state, &operator, (user.pool_id, user.id), None).await.unwrap();
        let mut conn = app.state.db.read().await.unwrap();
        assert_eq!(memberships::count(&mut conn, tenant.organization.id).await.unwrap(), 0);
        assert!(store::memberships::find(&mut conn, environment.id, tenant.organization.id, user.id).await.unwrap().is_none());
    }
}

type Request = fn(&str, &Person, &Person) -> (Method, String, Option<Value>);

/// What is done, and what is answered to the owner, an administrator, a member, a stranger, a tenant administrator, and service clients
/// with `organizations:read` and `organizations:write`.
const ACTIONS: &[(&str, Request, [u16; 7])] = &[
    (
        "read organization",
        |o, _, _| (Method::GET, format!("/{o}"), None),
        [200, 200, 200, 404, 200, 200, 200],
    ),
    (
        "read members",
        |o, _, _| (Method::GET, format!("/{o}/members"), None),
        [200, 200, 200, 404, 200, 200, 200],
    ),
    (
        "read membership",
        |o, u, _| (Method::GET, format!("/{o}/members/{}", u.id()), None),
        [200, 200, 200, 404, 200, 200, 200],
    ),
    (
        "update organization",
        |o, _, _| (Method::PUT, format!("/{o}"), Some(json!({ "name": "New" }))),
        [200, 200, 403, 404, 200, 403, 200],
    ),
    (
        "change slug",
        |o, _, _| {
            (Method::PUT, format!("/{o}"), Some(json!({ "name": "New", "slug": format!("s-{}", &o[20..]) })))
        },
        [200, 403, 403, 404, 200, 403, 200],
    ),
    (
        "disable",
        |o, _, _| (Method::PUT, format!("/{o}"), Some(json!({ "name": "New", "status": "disabled" }))),
        [403, 403, 403, 404, 200, 403, 200],
    ),
    (
        "add member",
        |o, _, _| {
            (Method::POST, format!("/{o}/members"), Some(json!({ "email": "stranger@people.example" })))
        },
        [201, 201, 403, 404, 201, 403, 201],
    ),
    (
        "change role",
        |o, u, _| (Method::PATCH, format!("/{o}/members/{}/role", u.id()), Some(json!({ "role": "admin" }))),
        [200, 200, 403, 404, 200, 403, 200],
    ),
    (
        "suspend member",
        |o, u, _| (Method::PATCH, format!("/{o}/members/{}", u.id()), Some(json!({ "status": "suspended" }))),
        [200, 200, 403, 404, 200, 403, 200],
    ),
    (
        "remove member",
        |o, u, _| (Method::DELETE, format!("/{o}/members/{}", u.id()), None),
        [204, 204, 403, 404, 204, 403, 204],
    ),
    // The owner cannot; the others leave what they are in, or remove nobody.
    (
        "leave",
        |o, _, me| (Method::DELETE, format!("/{o}/members/{}", me.id()), None),
        [409, 204, 204, 404, 404, 403, 404],
    ),
    (
        "set break-glass",
        |o, u, _| (Method::PATCH, format!("/{o}/members/{}", u.id()), Some(json!({ "break_glass": false }))),
        [200, 403, 403, 404, 200, 403, 200],
    ),
    (
        "transfer ownership",
        |o, u, _| {
            (Method::POST, format!("/{o}/transfer-ownership"), Some(json!({ "new_owner_user_id": u.id() })))
        },
        [200, 403, 403, 404, 200, 403, 200],
    ),
    (
        "read audit log",
        |o, _, _| (Method::GET, format!("/{o}/audit-events"), None),
        [200, 200, 403, 404, 200, 403, 200],
    ),
    ("delete", |o, _, _| (Method::DELETE, format!("/{o}"), None), [204, 403, 403, 404, 204, 403, 204]),
];
