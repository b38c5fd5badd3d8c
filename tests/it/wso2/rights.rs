//! What a user with a part of the rights may do to people and groups that have more, to the owner of their organization, and to what SCIM
//! keeps of people.

use std::collections::BTreeSet;

use base::id::{OrganizationId, RoleId, UserGroupId, UserId};
use model::{
    membership::{Membership, Tier},
    organization::root_id,
    user::{User, UserStatus},
};
use ostiary::{
    app::{
        Error,
        accounts::{associations, groups, user_credentials, user_sessions, users},
        permissions::{Scope, Scopes},
        principal::Principal,
        roles::{self, NewRole, RoleOperation, SetChange},
    },
    store::{self, memberships, table},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::associations::{Portal, add_user, text, uuid};
use crate::{
    both,
    support::{Answer, TestApp},
};

const USERS: &str = "/o/scim2/Users";
const GROUPS: &str = "/o/scim2/Groups";
const PASSWORD: &str = "another kettle in snow";

const HELPDESK: [&str; 6] = [
    "internal_org_user_mgt_list",
    "internal_org_user_mgt_view",
    "internal_org_user_mgt_update",
    "internal_org_user_mgt_delete",
    "internal_org_group_mgt_view",
    "internal_org_group_mgt_update",
];

/// An organization in which Ann is the help desk, Bob nobody, Boss may change roles, and so may everybody in the group Bosses.
struct Scene<'a> {
    portal: Portal<'a>,
    organization: OrganizationId,
    image: User,
    boss: User,
    bob: User,
    bosses: UserGroupId,
    boss_role: RoleId,
    /// Ann's token there.
    token: String,
}

impl<'a> Scene<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let portal = Portal::new(app).await;
        let organization = portal.made("X", portal.ann).await;
        let image = portal.image(organization, portal.ann).await.expect("an image");
        let boss = app.user(&portal.environment, Some(organization), "boss@x.example").await;
        let bob = app.user(&portal.environment, Some(organization), "bob@x.example").await;
        let bosses = app.group_of(&boss, "Bosses").await;
        let helpdesk = role(&portal, organization, "Helpdesk", &HELPDESK).await;
        give(&portal, organization, helpdesk, &[image.id], &[]).await;
        let boss_role = role(&portal, organization, "Boss", &["internal_org_role_mgt_update"]).await;
        give(&portal, organization, boss_role, &[boss.id], &[bosses]).await;
        let token = portal.sign_in("ann").await;
        let answer = portal.switch(text(&token, "access_token"), &uuid(organization.bits())).await;
        let token = text(&answer.json(), "access_token").to_owned();
        Self { portal, organization, image, boss, bob, bosses, boss_role, token }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.portal.app.call(&self.token, method, path, body).await
    }

    async fn patch_user(&self, token: &str, id: UserId, operation: Value) -> Answer {
        let path = format!("{USERS}/{}", uuid(id.bits()));
        self.portal.app.call(token, Method::PATCH, &path, Some(json!({ "Operations": [operation] }))).await
    }

    async fn patch_group(&self, id: UserGroupId, operation: Value) -> Answer {
        let path = format!("{GROUPS}/{}", uuid(id.bits()));
        self.call(Method::PATCH, &path, Some(json!({ "Operations": [operation] }))).await
    }

    async fn permissions(&self, id: UserId) -> BTreeSet<String> {
        let mut conn = self.portal.app.state.db.read().await.unwrap();
        roles::permissions_of(&mut conn, self.portal.environment.id, self.organization, id).await.unwrap()
    }

    /// A token of the vendor's own program there.
    async fn of_the_vendor(&self) -> String {
        let answer = self.portal.switch(&self.portal.own, &uuid(self.organization.bits())).await;
        text(&answer.json(), "access_token").to_owned()
    }
}

async fn role(portal: &Portal<'_>, organization: OrganizationId, name: &str, permissions: &[&str]) -> RoleId {
    let new = NewRole {
        name: name.to_owned(),
        audience: None,
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
    };
    let operator = Principal::operator(portal.environment.id);
    roles::create(&portal.app.state, &operator, organization, &new).await.expect("a role").id
}

async fn give(
    portal: &Portal<'_>,
    organization: OrganizationId,
    role: RoleId,
    users: &[UserId],
    groups: &[UserGroupId],
) {
    let operator = Principal::operator(portal.environment.id);
    let operations = [
        RoleOperation::Users(SetChange::Add(users.iter().copied().collect())),
        RoleOperation::Groups(SetChange::Add(groups.iter().copied().collect())),
    ];
    roles::apply(&portal.app.state, &operator, organization, role, None, &operations).await.unwrap();
}

fn members(ids: &[UserId]) -> Value {
    ids.iter().map(|id| json!({ "value": uuid(id.bits()) })).collect()
}

#[track_caller]
fn refused(answer: &Answer, detail: &str) {
    assert_eq!(answer.status, 403, "{}", answer.body);
    let body = answer.json();
    assert_eq!((&body["status"], body["schemas"].is_array()), (&json!("403"), true), "{body}");
    assert!(body["detail"].as_str().unwrap().contains(detail), "{body}");
}

#[track_caller]
fn forbidden<T>(result: Result<T, Error>) {
    match result {
        Err(Error::Forbidden(_)) => {}
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("permitted"),
    }
}

both! {
    async fn nobody_puts_anybody_into_a_group_that_may_do_what_they_may_not(app: TestApp) {
        let scene = Scene::new(&app).await;
        let plain = app.group_of(&scene.boss, "Readers").await;
        for who in [scene.image.id, scene.bob.id] {
            let add = json!({ "op": "add", "path": "members", "value": members(&[who]) });
            refused(&scene.patch_group(scene.bosses, add.clone()).await, "internal_org_role_mgt_update");
            let replace = json!({ "op": "replace", "path": "members", "value": members(&[who]) });
            refused(&scene.patch_group(scene.bosses, replace).await, "internal_org_role_mgt_update");
            let whole = json!({ "displayName": "Bosses", "members": members(&[who]) });
            let path = format!("{GROUPS}/{}", uuid(scene.bosses.bits()));
            refused(&scene.call(Method::PUT, &path, Some(whole)).await, "internal_org_role_mgt_update");
            assert_eq!(scene.patch_group(plain, add).await.status, 200);
            assert!(!scene.permissions(who).await.contains("internal_org_role_mgt_update"));
        }
        refused(&scene.call(Method::DELETE, &format!("{GROUPS}/{}", uuid(scene.bosses.bits())), None).await, "permit");
        // Whoever may do all of it themselves may.
        give(&scene.portal, scene.organization, scene.boss_role, &[scene.image.id], &[]).await;
        let add = json!({ "op": "add", "path": "members", "value": members(&[scene.bob.id]) });
        let answer = scene.patch_group(scene.bosses, add).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(scene.permissions(scene.bob.id).await.contains("internal_org_role_mgt_update"));
    }

    async fn a_role_gives_no_say_over_the_owner_and_administrators_of_an_organization(app: TestApp) {
        let scene = Scene::new(&app).await;
        let (environment, state) = (&scene.portal.environment, &app.state);
        let chief = app.user(environment, Some(scene.organization), "chief@x.example").await;
        let set_tier = async |tier: Tier| {
            let mut tx = state.db.write().await.unwrap();
            let place = (environment.id, scene.organization, chief.id);
            let found = memberships::find_for_update(&mut tx, place.0, place.1, place.2).await.unwrap();
            assert!(memberships::update(&mut tx, &Membership { tier, ..found.expect("a membership") }).await.unwrap());
            tx.commit().await.unwrap();
        };
        let scopes: Scopes = [Scope::UsersView, Scope::UsersUpdate, Scope::UsersDelete].into_iter().collect();
        let desk = role(&scene.portal, scene.organization, "Desk", &HELPDESK).await;
        give(&scene.portal, scene.organization, desk, &[scene.bob.id], &[]).await;
        let bob = Principal::user(scene.bob.id, environment.id).with_token(scopes, Some(scene.organization));
        let of = (chief.pool_id, chief.id);
        set_tier(Tier::Admin).await;
        forbidden(users::set_status(state, &bob, of, None, UserStatus::Inactive).await);
        forbidden(users::remove(state, &bob, of, None).await);
        forbidden(user_credentials::generate(state, &bob, of, model::account::OneTimeCodePurpose::ResetPassword, None).await);
        forbidden(user_sessions::end(state, &bob, chief.id).await);
        // An organization's owner may, who has the same rights by a role.
        let owner = Principal::user(scene.image.id, environment.id).with_token(scopes, Some(scene.organization));
        users::set_status(state, &owner, of, None, UserStatus::Inactive).await.unwrap();
        set_tier(Tier::Member).await;
        users::set_status(state, &bob, of, None, UserStatus::Active).await.unwrap();
    }

    async fn nobody_changes_somebody_who_may_do_more(app: TestApp) {
        let scene = Scene::new(&app).await;
        let operator = Principal::operator(scene.portal.environment.id);
        let carol = app.user(&scene.portal.environment, Some(scene.organization), "carol@x.example").await;
        groups::add_member(&app.state, &operator, (carol.pool_id, scene.bosses, carol.id), None).await.unwrap();
        let operations = [
            json!({ "op": "replace", "path": "password", "value": PASSWORD }),
            json!({ "op": "replace", "path": "userName", "value": "mine@x.example" }),
            json!({ "op": "replace", "path": "emails", "value": [{ "value": "mine@x.example" }] }),
            json!({ "op": "replace", "path": "active", "value": false }),
        ];
        for above in [scene.boss.id, carol.id] {
            for operation in &operations {
                refused(&scene.patch_user(&scene.token, above, operation.clone()).await, "may do what you may not");
            }
            let path = format!("{USERS}/{}", uuid(above.bits()));
            let whole = json!({ "userName": "mine@x.example", "password": PASSWORD });
            refused(&scene.call(Method::PUT, &path, Some(whole)).await, "may do what you may not");
            refused(&scene.call(Method::DELETE, &path, None).await, "may do what you may not");
        }
        let user: User = { let mut conn = app.state.db.read().await.unwrap(); table::find(&mut conn, scene.portal.environment.id, scene.boss.id).await.unwrap().unwrap() };
        assert_eq!((user.status, user.version), (UserStatus::Active, scene.boss.version));
        // Somebody with no more than they have they may.
        for operation in &operations {
            let answer = scene.patch_user(&scene.token, scene.bob.id, operation.clone()).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        let path = format!("{USERS}/{}", uuid(scene.bob.id.bits()));
        assert_eq!(scene.call(Method::DELETE, &path, None).await.status, 204);
        // The vendor's programs are asked for nothing but their scopes.
        let token = scene.of_the_vendor().await;
        let answer = scene.patch_user(&token, scene.boss.id, json!({ "op": "replace", "path": "password", "value": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    async fn every_use_case_asks_what_the_other_one_may_do(app: TestApp) {
        let scene = Scene::new(&app).await;
        let state = &app.state;
        let scopes: Scopes = [Scope::UsersUpdate, Scope::UsersDelete, Scope::GroupsManage].into_iter().collect();
        let ann = Principal::user(scene.image.id, scene.portal.environment.id).with_token(scopes, Some(scene.organization));
        let of = (scene.boss.pool_id, scene.boss.id);
        let email = "boss@x.example";
        forbidden(users::set_status(state, &ann, of, None, UserStatus::Inactive).await);
        forbidden(users::remove(state, &ann, of, None).await);
        forbidden(users::add_identifier(state, &ann, of, None, &users::NewIdentifier::new(model::user::IdentifierKind::Uid, "b")).await);
        forbidden(users::remove_identifier(state, &ann, of, None, email).await);
        forbidden(users::add_address(state, &ann, of, None, &users::NewAddress::email("b@x.example", false)).await);
        forbidden(users::remove_address(state, &ann, of, None, email).await);
        forbidden(users::update(state, &ann, of, None, &users::UserChange::default()).await);
        forbidden(user_credentials::remove_credential(state, &ann, of, user_credentials::Removal::Totp).await);
        forbidden(user_credentials::begin_passkey(state, &ann, of).await);
        forbidden(user_credentials::send_activation(state, &ann, of, None).await);
        forbidden(user_credentials::set_password_state(state, &ann, of, model::account::CredentialState::MustBeChanged).await);
        forbidden(user_credentials::generate(state, &ann, of, model::account::OneTimeCodePurpose::ResetPassword, None).await);
        forbidden(user_sessions::end(state, &ann, scene.boss.id).await);
        forbidden(groups::add_member(state, &ann, (of.0, scene.bosses, scene.bob.id), None).await);
        let settings = groups::GroupSettings { name: "Mine".to_owned(), description: String::new() };
        forbidden(groups::replace(state, &ann, (of.0, scene.bosses), None, &settings).await);
        forbidden(groups::remove(state, &ann, (of.0, scene.bosses), None).await);
        users::set_status(state, &ann, (scene.bob.pool_id, scene.bob.id), None, UserStatus::Inactive).await.unwrap();
    }

    async fn what_somebody_may_do_elsewhere_by_an_image_counts_too(app: TestApp) {
        let scene = Scene::new(&app).await;
        let (state, environment) = (&app.state, scene.portal.environment.id);
        let eve = add_user(&app, &scene.portal.environment, "eve").await;
        let root = root_id(environment);
        let helpdesk = role(&scene.portal, root, "Helpdesk", &["internal_user_mgt_update"]).await;
        give(&scene.portal, root, helpdesk, &[eve], &[]).await;
        let own = Principal::user(eve, environment).with_token([Scope::UsersUpdate].into_iter().collect(), None);
        let ann: User = { let mut conn = state.db.read().await.unwrap(); table::find(&mut conn, environment, scene.portal.ann).await.unwrap().unwrap() };
        let of = (ann.pool_id, ann.id);
        // Ann has no role at the root, but one by her image: whoever set her password would have it.
        forbidden(users::set_status(state, &own, of, None, UserStatus::Inactive).await);
        let operator = Principal::operator(environment);
        associations::remove(state, &operator, scene.organization, scene.image.id).await.unwrap();
        // She owns the organization without her image too.
        forbidden(users::set_status(state, &own, of, None, UserStatus::Inactive).await);
        let mut tx = state.db.write().await.unwrap();
        let owned = memberships::find(&mut tx, environment, scene.organization, ann.id).await.unwrap();
        assert!(memberships::remove(&mut tx, &owned.expect("a membership")).await.unwrap());
        tx.commit().await.unwrap();
        users::set_status(state, &own, of, None, UserStatus::Inactive).await.unwrap();
    }

    async fn the_owner_is_taken_out_of_an_organization_by_the_vendor_only(app: TestApp) {
        let scene = Scene::new(&app).await;
        let path = format!("{USERS}/{}", uuid(scene.image.id.bits()));
        let token = scene.of_the_vendor().await;
        for token in [&scene.token, &token] {
            refused(&app.call(token, Method::DELETE, &path, None).await, "owner of the organization");
            let off = app.call(token, Method::PATCH, &path, Some(json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] }))).await;
            assert_eq!(off.status, 400, "{}", off.body);
        }
        assert!(scene.portal.image(scene.organization, scene.portal.ann).await.is_some());
        // Somebody who was let in in another way goes by the organization's own word.
        let eve = add_user(&app, &scene.portal.environment, "eve").await;
        let operator = Principal::operator(scene.portal.environment.id);
        let eve = users::find_any(&app.state, &operator, eve).await.unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        let kind = model::user::AssociationKind::Invited;
        let guest = associations::create(&mut tx, &app.state, &operator, &eve, scene.organization, kind).await.unwrap();
        tx.commit().await.unwrap();
        let gone = app.call(&scene.token, Method::DELETE, &format!("{USERS}/{}", uuid(guest.user_id.bits())), None).await;
        assert_eq!(gone.status, 204, "{}", gone.body);
        associations::remove(&app.state, &operator, scene.organization, scene.image.id).await.unwrap();
        assert!(scene.portal.image(scene.organization, scene.portal.ann).await.is_none());
    }

    async fn nobody_but_scim_writes_what_scim_keeps(app: TestApp) {
        let scene = Scene::new(&app).await;
        let (state, operator) = (&app.state, Principal::operator(scene.portal.environment.id));
        let of = (scene.bob.pool_id, scene.bob.id);
        let answer = scene.patch_user(&scene.token, scene.bob.id, json!({ "op": "add", "path": "title", "value": "Clerk" })).await;
        assert_eq!(answer.json()["title"], "Clerk", "{}", answer.body);
        let object = |value: Value| match value { Value::Object(object) => object, _ => panic!() };
        let change = |value: Value| users::UserChange { profile: users::Profile::new(None, None, Some(object(value))), ..users::UserChange::default() };
        let hostile = json!({ "scim": { "roles": [{ "value": "x" }], "title": "King", "active": false } });
        let confined = operator.with_token([Scope::UsersUpdate].into_iter().collect(), Some(scene.organization));
        for principal in [operator, confined] {
            let error = users::update(state, &principal, of, None, &change(hostile.clone())).await.unwrap_err();
            assert!(error.to_string().contains("SCIM"), "{error}");
        }
        // What others write leaves it alone, and a new user has none of it either.
        users::update(state, &operator, of, None, &change(json!({ "plan": "pro" }))).await.unwrap();
        let shown = scene.call(Method::GET, &format!("{USERS}/{}", uuid(scene.bob.id.bits())), None).await;
        assert_eq!(shown.json()["title"], "Clerk", "{}", shown.body);
        let mut new = users::NewUser::new(UserStatus::Active);
        new.identifiers.push(users::NewIdentifier::new(model::user::IdentifierKind::Uid, "new"));
        new.profile = users::Profile::new(None, None, Some(object(hostile)));
        users::create(state, &operator, scene.bob.pool_id, &new).await.unwrap_err();
        // Of what was written there before, nothing says what the account says itself.
        let mut tx = state.db.write().await.unwrap();
        let mut user: User = table::find(&mut tx, scene.portal.environment.id, scene.bob.id).await.unwrap().unwrap();
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        user.business_metadata = object(json!({ "scim": {
            "roles": [{ "value": "admin" }], "groups": [{ "value": "x" }], "id": "1", "meta": {}, "active": false, "title": "Clerk",
            "emails": [{ "value": "bob@x.example", "type": "work", "Verified": true }],
            enterprise: { "managedOrg": "x", "sharedType": "OWNER", "accountState": "LOCKED", "department": "Sales" },
            "urn:scim:wso2:schema": "no object",
        }}));
        assert!(table::update(&mut tx, &mut user, app.now()).await.unwrap());
        tx.commit().await.unwrap();
        let shown = scene.call(Method::GET, &format!("{USERS}/{}", uuid(scene.bob.id.bits())), None).await.json();
        assert!(shown["roles"].is_null() && shown["groups"].is_null(), "{shown}");
        assert_eq!((&shown["active"], &shown["title"], &shown["id"]), (&json!(true), &json!("Clerk"), &json!(uuid(scene.bob.id.bits()))));
        assert_eq!(shown["emails"], json!([{ "value": "bob@x.example", "type": "work" }]));
        let extension = &shown[enterprise];
        assert!(extension["managedOrg"].is_null() && extension["sharedType"].is_null(), "{shown}");
        assert_eq!((&extension["accountState"], &extension["department"]), (&json!("UNLOCKED"), &json!("Sales")));
    }

    async fn nobody_claims_that_an_address_is_proven(app: TestApp) {
        let scene = Scene::new(&app).await;
        let path = format!("{USERS}/{}", uuid(scene.bob.id.bits()));
        let verified = async || {
            let mut conn = app.state.db.read().await.unwrap();
            let all = store::user_addresses::list(&mut conn, &[scene.bob.id]).await.unwrap().remove(&scene.bob.id).unwrap();
            all.into_iter().map(|address| (address.is_verified(), address.address)).collect::<Vec<_>>()
        };
        let whole = |email: &str| json!({ "userName": "bob@x.example", "emails": [{ "value": email, "type": "work", "verified": true, "primary": true }] });
        // The one that the vendor vouched for stays proven; that it is so is nobody's to say.
        let answer = scene.call(Method::PUT, &path, Some(whole("bob@x.example"))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(verified().await, [(true, "bob@x.example".to_owned())]);
        assert!(answer.json()["emails"][0]["verified"].is_null(), "{}", answer.body);
        let answer = scene.call(Method::PUT, &path, Some(whole("ceo@globex.example"))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(verified().await, [(false, "ceo@globex.example".to_owned())]);
        assert!(answer.json()["emails"][0]["verified"].is_null(), "{}", answer.body);
        let add = json!({ "op": "add", "path": "emails", "value": [{ "value": "cfo@globex.example", "verified": true }] });
        assert_eq!(scene.patch_user(&scene.token, scene.bob.id, add).await.status, 200);
        assert!(verified().await.iter().all(|(proven, _)| !proven));
        let mut conn = app.state.db.read().await.unwrap();
        let (kept,): (String,) = conn.sql("SELECT business_metadata FROM users WHERE id = $1").bind(scene.bob.id).one().await.unwrap();
        assert!(!kept.contains("verified"), "{kept}");
    }
}
