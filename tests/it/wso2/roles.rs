//! Roles over SCIM (contract §2.7, Roles v2): those of an organization, and the vendor's, which are shared with it.

use std::collections::BTreeSet;

use base::id::UserId;
use futures_util::future::join_all;
use model::{
    application::{Application, RoleSharing, Sharing},
    organization::{Organization, root_id},
    user_group::UserGroup,
};
use ostiary::{
    app::{
        accounts::{groups, users},
        applications::{ApplicationChange, share, sharing},
        principal::Principal,
        resource, roles,
    },
    store::{application_shares, deleted_organizations, deleted_users},
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::{application, organization, switch};
use crate::{
    both,
    support::{Answer, TestApp, tokens::Client},
};

const SCOPES: [&str; 10] = [
    "internal_role_mgt_view",
    "internal_role_mgt_create",
    "internal_role_mgt_update",
    "internal_role_mgt_delete",
    "internal_org_role_mgt_view",
    "internal_org_role_mgt_create",
    "internal_org_role_mgt_update",
    "internal_org_role_mgt_delete",
    "internal_org_user_mgt_create",
    "orders:read",
];

const ROOT: &str = "/scim2/v2/Roles";
const OWN: &str = "/o/scim2/v2/Roles";

fn uuid(bits: u128) -> String {
    uuid::Uuid::from_u128(bits).hyphenated().to_string()
}

/// The vendor, its application with the role `App Admin`, and an organization with which it is shared.
struct Scene<'a> {
    app: &'a TestApp,
    environment: model::environment::Environment,
    client: Client,
    root: String,
    organization: Organization,
    token: String,
    /// The id of the vendor's role at the root.
    role: String,
}

impl<'a> Scene<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let client = application(app, &environment, "all", &SCOPES).await;
        let root = app.token("/oauth2/token", &client).await;
        let organization = organization(app, &environment).await;
        let token = switched(app, &client, &root, &organization).await;
        let body = json!({
            "displayName": "App Admin",
            "audience": { "type": "application", "value": uuid(client.id.bits()) },
            "permissions": [{ "value": "internal_org_user_mgt_create" }, { "value": "orders:read" }],
        });
        let made = app.call(&root, Method::POST, ROOT, Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let role = made.json()["id"].as_str().unwrap().to_owned();
        Self { app, environment, client, root, organization, token, role }
    }

    async fn at_root(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.call(&self.root, method, &format!("{ROOT}{path}"), body).await
    }

    async fn here(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.call(&self.token, method, &format!("{OWN}{path}"), body).await
    }

    /// The roles of the organization that a filter finds.
    async fn filtered(&self, filter: &str) -> Vec<Value> {
        let path = format!("?filter={}", filter.replace('%', "%25").replace(' ', "%20").replace('"', "%22"));
        let answer = self.here(Method::GET, &path, None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        let found = body["Resources"].as_array().cloned().unwrap_or_default();
        assert_eq!(body["totalResults"], found.len(), "{body}");
        found
    }

    /// The vendor's role as the organization finds it.
    async fn shared(&self) -> Value {
        let found = self.filtered("displayName eq App Admin").await;
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }

    async fn user(&self, name: &str) -> String {
        let user = self.app.user(&self.environment, Some(self.organization.id), name).await;
        uuid(user.id.bits())
    }

    /// What a user may do in the organization.
    async fn permissions(&self, user: &str) -> BTreeSet<String> {
        let mut conn = self.app.state.db.read().await.unwrap();
        let id: UserId = user.parse().unwrap();
        roles::permissions_of(&mut conn, self.environment.id, self.organization.id, id).await.unwrap()
    }

    fn operator(&self) -> Principal {
        Principal::operator(self.environment.id)
    }

    /// How many assignments there are.
    async fn assignments(&self) -> i64 {
        let mut conn = self.app.state.db.read().await.unwrap();
        conn.sql("SELECT COUNT(*) FROM role_assignments").one::<(i64,)>().await.unwrap().0
    }

    /// A group of the organization's users, with these.
    async fn group(&self, members: &[&str]) -> UserGroup {
        let (state, operator) = (&self.app.state, self.operator());
        let pools = users::list_pools(state, &operator, self.organization.id).await.unwrap();
        let pool = pools.first().expect("a pool");
        let settings = groups::GroupSettings { name: "Admins".to_owned(), description: String::new() };
        let group = groups::create(state, &operator, pool.id, None, &settings).await.unwrap();
        for member in members {
            let of = (pool.id, group.id, member.parse().unwrap());
            groups::add_member(state, &operator, of, None).await.unwrap();
        }
        group
    }
}

async fn switched(app: &TestApp, client: &Client, token: &str, organization: &Organization) -> String {
    let id = uuid(organization.id.bits());
    let answer = switch(app, "/oauth2/token", client, token, &id, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()["access_token"].as_str().unwrap().to_owned()
}

fn operation(op: &str, path: &str, ids: &[&str]) -> Value {
    let value: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    json!({ "Operations": [{ "op": op, "path": path, "value": value }] })
}

#[track_caller]
fn refused(answer: &Answer, status: u16, kind: &str, detail: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(body["status"], status.to_string());
    assert_eq!(body["scimType"].as_str().unwrap_or_default(), kind, "{body}");
    assert_eq!(body["detail"], detail);
}

both! {
    async fn the_vendor_s_role_is_found_and_given_in_an_organization(app: TestApp) {
        let scene = Scene::new(&app).await;
        let bob = scene.user("bob@bestcar.test").await;
        let shared = scene.shared().await;
        let (id, audience) = (shared["id"].as_str().unwrap(), shared["audience"]["value"].as_str().unwrap());
        assert_ne!(id, scene.role);
        assert_ne!(audience, uuid(scene.client.id.bits()));
        assert_eq!((&shared["audience"]["type"], &shared["audience"]["display"]), (&json!("application"), &json!("B2B App")));
        assert_eq!(shared["meta"]["location"], app.url(&format!("{OWN}/{id}")));
        let mut keys: Vec<_> = shared.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["audience", "displayName", "id", "meta", "schemas"]);

        // As the guide's curls do it: without quotes, and without the schemas of a PATCH.
        let found = scene.filtered(&format!("displayName eq App Admin and audience.value eq {audience}")).await;
        assert_eq!(found, std::slice::from_ref(&shared));
        let answer = scene.here(Method::PATCH, &format!("/{id}"), Some(operation("add", "users", &[&bob]))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.header("location"), app.url(&format!("{OWN}/{id}")));
        assert!(answer.json()["users"].is_null(), "{}", answer.body);
        assert_eq!(answer.json()["displayName"], "App Admin");
        let answer = scene.here(Method::GET, &format!("/{id}"), None).await;
        let users = answer.json()["users"].clone();
        let reference = app.url(&format!("/o/scim2/Users/{bob}"));
        assert_eq!(users, json!([{ "value": bob, "display": "bob@bestcar.test", "$ref": reference }]));
        let all = ["internal_org_user_mgt_create".to_owned(), "orders:read".to_owned()];
        assert_eq!(scene.permissions(&bob).await, BTreeSet::from(all));
        // Again, which changes nothing; and back.
        let answer = scene.here(Method::PATCH, &format!("/{id}"), Some(operation("Add", "users", &[&bob]))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(scene.assignments().await, 1);
        let removal = json!({ "Operations": [{ "op": "remove", "path": format!("users[value eq {bob}]") }] });
        let answer = scene.here(Method::PATCH, &format!("/{id}"), Some(removal)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(scene.permissions(&bob).await.is_empty());
    }

    async fn what_the_vendor_s_role_is_follows_it_at_once_and_is_the_vendor_s_to_change(app: TestApp) {
        let scene = Scene::new(&app).await;
        let bob = scene.user("bob@bestcar.test").await;
        let id = scene.shared().await["id"].as_str().unwrap().to_owned();
        let path = format!("/{id}");
        scene.here(Method::PATCH, &path, Some(operation("add", "users", &[&bob]))).await;
        let rename = json!({ "Operations": [
            { "op": "replace", "path": "displayName", "value": "Owner" },
            { "op": "add", "path": "permissions", "value": [{ "value": "internal_org_role_mgt_view" }] },
            { "op": "remove", "path": "permissions[value eq orders:read]" },
        ] });
        let answer = scene.at_root(Method::PATCH, &format!("/{}", scene.role), Some(rename.clone())).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer = scene.here(Method::GET, &path, None).await.json();
        assert_eq!((&answer["displayName"], &answer["users"][0]["value"]), (&json!("Owner"), &json!(bob)));
        let permissions = ["internal_org_role_mgt_view".to_owned(), "internal_org_user_mgt_create".to_owned()];
        assert_eq!(scene.permissions(&bob).await, BTreeSet::from(permissions));

        let name = "Role name modification is not allowed for shared roles.";
        let one = json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "Mine" }] });
        refused(&scene.here(Method::PATCH, &path, Some(one)).await, 400, "invalidValue", name);
        let put = json!({ "displayName": "Mine" });
        refused(&scene.here(Method::PUT, &path, Some(put)).await, 400, "invalidValue", name);
        let permission = "Role permission modification is not allowed for shared roles.";
        let one = operation("add", "permissions", &["internal_org_role_mgt_delete"]);
        refused(&scene.here(Method::PATCH, &path, Some(one)).await, 400, "invalidValue", permission);
        let deletion = scene.here(Method::DELETE, &path, None).await;
        refused(&deletion, 400, "invalidValue", "Shared role deletion is not allowed.");
        // A body that changes something it may and something it may not changes nothing.
        let mixed = json!({ "Operations": [
            { "op": "remove", "path": "users" },
            { "op": "replace", "path": "displayName", "value": "Mine" },
        ] });
        refused(&scene.here(Method::PATCH, &path, Some(mixed)).await, 400, "invalidValue", name);
        assert_eq!(scene.permissions(&bob).await.len(), 2);
        // Who has it is the organization's to say, also by a whole body.
        let answer = scene.here(Method::PUT, &path, Some(json!({ "displayName": "Owner" }))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(scene.permissions(&bob).await.is_empty());
        // When it is gone nobody has it, and nobody finds it.
        scene.here(Method::PATCH, &path, Some(operation("add", "users", &[&bob]))).await;
        assert_eq!(scene.at_root(Method::DELETE, &format!("/{}", scene.role), None).await.status, 204);
        assert_eq!(scene.here(Method::GET, &path, None).await.status, 404);
        assert!(scene.permissions(&bob).await.is_empty());
    }

    async fn roles_of_one_organization_do_not_show_in_another(app: TestApp) {
        let scene = Scene::new(&app).await;
        let made = scene.here(Method::POST, "", Some(json!({ "displayName": "Editor" }))).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let body = made.json();
        assert_eq!(body["audience"]["type"], "organization");
        assert_eq!(body["audience"]["value"], uuid(scene.organization.id.bits()));
        let own = body["id"].as_str().unwrap().to_owned();
        assert_eq!(made.header("location"), app.url(&format!("{OWN}/{own}")));

        let other = organization(&app, &scene.environment).await;
        let token = switched(&app, &scene.client, &scene.root, &other).await;
        let shared = scene.shared().await["id"].as_str().unwrap().to_owned();
        let stranger = app.user(&scene.environment, Some(other.id), "eve@other.test").await;
        let stranger = uuid(stranger.id.bits());
        for id in [&own, &shared, &scene.role] {
            let path = format!("{OWN}/{id}");
            for (method, body) in [
                (Method::GET, None),
                (Method::DELETE, None),
                (Method::PATCH, Some(operation("add", "users", &[&stranger]))),
                (Method::PUT, Some(json!({ "displayName": "App Admin" }))),
            ] {
                let answer = app.call(&token, method.clone(), &path, body).await;
                assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
            }
        }
        // At the root there are neither, and the vendor's is not to be had in an organization by its own id.
        for id in [&own, &shared] {
            assert_eq!(scene.at_root(Method::GET, &format!("/{id}"), None).await.status, 404);
        }
        assert_eq!(scene.here(Method::GET, &format!("/{}", scene.role), None).await.status, 404);
        let all = app.call(&token, Method::GET, OWN, None).await.json();
        assert_eq!(all["totalResults"], 1, "{all}");
        // People of another organization, of none, and no people.
        let nobody = uuid(7);
        for id in [stranger.as_str(), nobody.as_str(), "bob", scene.role.as_str()] {
            for path in [&own, &shared] {
                let answer = scene.here(Method::PATCH, &format!("/{path}"), Some(operation("add", "users", &[id]))).await;
                assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!("invalidValue")), "{id}");
            }
        }
        assert_eq!(scene.assignments().await, 0);
    }

    async fn roles_are_made_for_what_there_is(app: TestApp) {
        let scene = Scene::new(&app).await;
        let fragment = scene.shared().await["audience"]["value"].as_str().unwrap().to_owned();
        let shared = json!({ "displayName": "X", "audience": { "type": "application", "value": fragment } });
        let text = "Role creation for shared applications is not allowed at organization level.";
        refused(&scene.here(Method::POST, "", Some(shared)).await, 400, "invalidValue", text);
        let other = organization(&app, &scene.environment).await;
        for audience in [
            json!({ "type": "application", "value": uuid(scene.client.id.bits()) }),
            json!({ "type": "application", "value": uuid(5) }),
            json!({ "type": "application" }),
            json!({ "type": "organization", "value": uuid(other.id.bits()) }),
            json!({ "type": "organization", "value": uuid(root_id(scene.environment.id).bits()) }),
            json!({ "type": "team" }),
            json!("application"),
        ] {
            let body = json!({ "displayName": "X", "audience": audience });
            let answer = scene.here(Method::POST, "", Some(body)).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!("invalidValue")), "{audience}");
        }
        for (body, kind) in [
            (json!({ "displayName": "X", "permissions": [{ "value": "orders:read" }] }), "invalidValue"),
            (json!({ "displayName": "X", "permissions": [{ "value": "internal_made_up" }] }), "invalidValue"),
            (json!({ "displayName": " \u{200b} " }), "invalidValue"),
            (json!({ "displayName": "a\nb" }), "invalidValue"),
            (json!({ "displayName": "x".repeat(256) }), "invalidValue"),
            (json!({ "displayName": 7 }), "invalidValue"),
            (json!({ "displayName": "X", "DISPLAYNAME": "Y" }), "invalidSyntax"),
            (json!({}), "invalidValue"),
            (json!([]), "invalidSyntax"),
        ] {
            let answer = scene.here(Method::POST, "", Some(body.clone())).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["scimType"]), (400, &json!(kind)), "{body}: {}", answer.body);
        }
        let bob = scene.user("bob@bestcar.test").await;
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:extension:2.0:Role"],
            "displayName": "Editor",
            "audience": { "type": "Organization", "value": uuid(scene.organization.id.bits()) },
            "permissions": ["internal_org_role_mgt_view"],
            "users": [{ "value": bob }],
        });
        assert_eq!(scene.here(Method::POST, "", Some(body.clone())).await.status, 201);
        assert_eq!(scene.permissions(&bob).await.len(), 1);
        for name in ["Editor", " editor ", "EDITOR"] {
            let again = scene.here(Method::POST, "", Some(json!({ "displayName": name }))).await;
            assert_eq!((again.status.as_u16(), &again.json()["scimType"]), (409, &json!("uniqueness")), "{name}");
        }
        // The root's id in either form.
        for root in ["10084a8d-113f-4211-a0d5-efe36b082211".to_owned(), uuid(root_id(scene.environment.id).bits())] {
            let body = json!({ "displayName": root, "audience": { "type": "organization", "value": root } });
            let made = scene.at_root(Method::POST, "", Some(body)).await;
            assert_eq!(made.status, 201, "{}", made.body);
            let audience = json!({ "type": "organization", "value": "10084a8d-113f-4211-a0d5-efe36b082211", "display": "Super" });
            assert_eq!(made.json()["audience"], audience);
        }
    }

    async fn a_role_of_a_group_is_everybody_s_in_it(app: TestApp) {
        let scene = Scene::new(&app).await;
        let (ann, bob) = (scene.user("ann@bestcar.test").await, scene.user("bob@bestcar.test").await);
        let group = scene.group(&[&ann]).await;
        let (group_id, pool_id) = (uuid(group.id.bits()), group.pool_id);
        let id = scene.shared().await["id"].as_str().unwrap().to_owned();
        let path = format!("/{id}");
        let answer = scene.here(Method::PATCH, &path, Some(operation("add", "groups", &[&group_id]))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let shown = scene.here(Method::GET, &path, None).await.json();
        let reference = app.url(&format!("/o/scim2/Groups/{group_id}"));
        assert_eq!(shown["groups"], json!([{ "value": group_id, "display": "Admins", "$ref": reference }]));
        assert_eq!((scene.permissions(&ann).await.len(), scene.permissions(&bob).await.len()), (2, 0));
        // Whoever comes later has it too, and whoever goes has it no more.
        let operator = scene.operator();
        let member = (pool_id, group.id, bob.parse().unwrap());
        groups::add_member(&app.state, &operator, member, None).await.unwrap();
        assert_eq!(scene.permissions(&bob).await.len(), 2);
        groups::remove_member(&app.state, &operator, member, None).await.unwrap();
        assert_eq!(scene.permissions(&bob).await.len(), 0);
        // A user is no group, nor is a group a user.
        for (path_in, wrong) in [("groups", ann.as_str()), ("users", group_id.as_str())] {
            let answer = scene.here(Method::PATCH, &path, Some(operation("add", path_in, &[wrong]))).await;
            assert_eq!(answer.status, 400, "{}", answer.body);
        }
        let mut conn = app.state.db.read().await.unwrap();
        let ann_id = ann.parse().unwrap();
        let held = roles::of_user(&mut conn, scene.environment.id, scene.organization.id, ann_id).await.unwrap();
        assert_eq!(held.iter().map(|role| uuid(role.id.bits())).collect::<Vec<_>>(), std::slice::from_ref(&id));
        assert_eq!((held[0].name.as_str(), held[0].audience_name.as_str()), ("App Admin", "B2B App"));
        drop(conn);
        groups::remove(&app.state, &operator, (pool_id, group.id), None).await.unwrap();
        assert_eq!((scene.permissions(&ann).await.len(), scene.assignments().await), (0, 0));
    }

    async fn an_application_that_is_not_shared_any_more_gives_nobody_anything(app: TestApp) {
        let scene = Scene::new(&app).await;
        let bob = scene.user("bob@bestcar.test").await;
        let id = scene.shared().await["id"].as_str().unwrap().to_owned();
        scene.here(Method::PATCH, &format!("/{id}"), Some(operation("add", "users", &[&bob]))).await;
        assert_eq!(scene.permissions(&bob).await.len(), 2);
        let change = ApplicationChange { shared: Some("none".to_owned()), ..ApplicationChange::default() };
        let operator = scene.operator();
        resource::update::<Application>(&app.state, &operator, scene.client.id, None, &change).await.unwrap();
        assert!(scene.permissions(&bob).await.is_empty());
        let role_id = id.parse().unwrap();
        let found = roles::find(&app.state, &operator, scene.organization.id, role_id).await;
        assert!(matches!(found, Err(ostiary::app::Error::NotFound { .. })), "{found:?}");
        let all = roles::list(&app.state, &operator, scene.organization.id, &roles::RoleFilter::ALL).await.unwrap();
        assert!(all.is_empty(), "{all:?}");
    }

    async fn what_ends_with_the_sharing_does_not_come_back_with_it(app: TestApp) {
        let scene = Scene::new(&app).await;
        let other = organization(&app, &scene.environment).await;
        let bob = scene.user("bob@bestcar.test").await;
        let theirs = app.user(&scene.environment, Some(other.id), "eve@other.test").await;
        let role: base::id::RoleId = scene.role.parse().unwrap();
        let (state, operator) = (&app.state, scene.operator());
        let give = async || {
            let id = scene.shared().await["id"].as_str().unwrap().to_owned();
            let answer = scene.here(Method::PATCH, &format!("/{id}"), Some(operation("add", "users", &[&bob]))).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let id = sharing::fragment_id(other.id, role).unwrap();
            let users = roles::RoleOperation::Users(roles::SetChange::Add(BTreeSet::from([theirs.id])));
            roles::apply(state, &operator, other.id, id, None, &[users]).await.unwrap();
        };
        let client = scene.client.id;
        let own = scene.organization.id;
        give().await;
        assert_eq!(scene.assignments().await, 2);
        // Taken from one: that of the other stays.
        share::unshare(state, &operator, client, &[own], false).await.unwrap();
        assert_eq!(scene.assignments().await, 1);
        share::share_with_all(state, &operator, client, Sharing::All, &RoleSharing::ALL).await.unwrap();
        assert!(scene.permissions(&bob).await.is_empty());
        // With the tokens of the one the sharing ends, its program signs in anew.
        let scene = Scene { token: switched(&app, &scene.client, &scene.root, &scene.organization).await, ..scene };
        let give = async || {
            let id = sharing::fragment_id(own, role).unwrap();
            let users = roles::RoleOperation::Users(roles::SetChange::Add(BTreeSet::from([bob.parse().unwrap()])));
            roles::apply(state, &operator, own, id, None, &[users]).await.unwrap();
        };
        for end in 0..4 {
            give().await;
            assert_eq!(scene.assignments().await, 2, "{end}");
            let none = RoleSharing::NONE;
            match end {
                // Its roles do not come along any more: to one, to all.
                0 => share::change_roles(state, &operator, client, own, false, std::slice::from_ref(&scene.role)).await.unwrap(),
                1 => drop(share::share_with_selected(state, &operator, client, &[share::SelectedShare { organization_id: own, with_children: false, roles: none }, share::SelectedShare { organization_id: other.id, with_children: true, roles: RoleSharing::ALL }]).await.unwrap()),
                // By the change of the application itself, and with all.
                2 => {
                    let change = ApplicationChange { shared: Some("none".to_owned()), ..ApplicationChange::default() };
                    resource::update::<Application>(state, &operator, client, None, &change).await.unwrap();
                }
                _ => drop(share::share_with_all(state, &operator, client, Sharing::None, &RoleSharing::ALL).await.unwrap()),
            }
            let left = if end < 2 { 1 } else { 0 };
            assert_eq!(scene.assignments().await, left, "{end}");
            share::share_with_all(state, &operator, client, Sharing::All, &RoleSharing::ALL).await.unwrap();
            assert!(scene.permissions(&bob).await.is_empty(), "{end}");
            if left == 0 {
                let id = sharing::fragment_id(other.id, role).unwrap();
                let users = roles::RoleOperation::Users(roles::SetChange::Add(BTreeSet::from([theirs.id])));
                roles::apply(state, &operator, other.id, id, None, &[users]).await.unwrap();
            }
        }
    }

    async fn a_role_that_is_given_while_its_sharing_ends_is_nobody_s(app: TestApp) {
        let scene = Scene::new(&app).await;
        let bob = scene.user("bob@bestcar.test").await;
        let (state, operator) = (&app.state, scene.operator());
        let id = sharing::fragment_id(scene.organization.id, scene.role.parse::<base::id::RoleId>().unwrap()).unwrap();
        for _ in 0..16 {
            let users = [roles::RoleOperation::Users(roles::SetChange::Add(BTreeSet::from([bob.parse().unwrap()])))];
            let give = roles::apply(state, &operator, scene.organization.id, id, None, &users);
            let all = RoleSharing::ALL;
            let end = share::share_with_all(state, &operator, scene.client.id, Sharing::None, &all);
            let (_, ended) = tokio::join!(give, end);
            ended.unwrap();
            assert_eq!(scene.assignments().await, 0);
            share::share_with_all(state, &operator, scene.client.id, Sharing::All, &RoleSharing::ALL).await.unwrap();
            assert!(scene.permissions(&bob).await.is_empty());
        }
    }

    async fn a_role_for_organizations_stays_while_one_application_brings_it_along(app: TestApp) {
        let scene = Scene::new(&app).await;
        let (state, operator) = (&app.state, scene.operator());
        let made = scene.at_root(Method::POST, "", Some(json!({ "displayName": "Operator" }))).await;
        let role: base::id::RoleId = made.json()["id"].as_str().unwrap().parse().unwrap();
        let second = application(&app, &scene.environment, "all", &SCOPES).await;
        for client in [scene.client.id, second.id] {
            let mut tx = state.db.write().await.unwrap();
            application_shares::set_roles(&mut tx, client, &[role.to_string()]).await.unwrap();
            tx.commit().await.unwrap();
        }
        let bob: UserId = scene.user("bob@bestcar.test").await.parse().unwrap();
        let id = sharing::fragment_id(scene.organization.id, role).unwrap();
        let users = [roles::RoleOperation::Users(roles::SetChange::Add(BTreeSet::from([bob])))];
        roles::apply(state, &operator, scene.organization.id, id, None, &users).await.unwrap();
        share::share_with_all(state, &operator, scene.client.id, Sharing::None, &RoleSharing::ALL).await.unwrap();
        assert_eq!(scene.assignments().await, 1);
        resource::remove::<Application>(state, &operator, second.id, None).await.unwrap();
        assert_eq!(scene.assignments().await, 0);
    }

    async fn a_role_for_organizations_comes_along_with_the_applications_that_use_it(app: TestApp) {
        let scene = Scene::new(&app).await;
        let bob = scene.user("bob@bestcar.test").await;
        let body = json!({ "displayName": "Everywhere", "permissions": ["internal_org_role_mgt_view"] });
        let made = scene.at_root(Method::POST, "", Some(body)).await.json();
        let original = made["id"].as_str().unwrap().to_owned();
        assert_eq!(scene.filtered("displayName eq Everywhere").await, Vec::<Value>::new(), "no application uses it");
        let role: base::id::RoleId = original.parse().unwrap();
        let mut tx = app.state.db.write().await.unwrap();
        application_shares::set_roles(&mut tx, scene.client.id, &[role.to_string()]).await.unwrap();
        tx.commit().await.unwrap();
        let own = uuid(scene.organization.id.bits());
        let found = scene.filtered(&format!("displayName eq Everywhere and audience.value eq {own}")).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0]["audience"], json!({ "type": "organization", "value": own, "display": "Acme" }));
        let path = format!("/{}", found[0]["id"].as_str().unwrap());
        let answer = scene.here(Method::PATCH, &path, Some(operation("add", "users", &[&bob]))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(scene.permissions(&bob).await, BTreeSet::from(["internal_org_role_mgt_view".to_owned()]));
        // The vendor's people have what they were given at the root, and nothing in organizations.
        assert_eq!(scene.at_root(Method::GET, &format!("/{original}"), None).await.json()["users"], Value::Null);
        assert_eq!(scene.at_root(Method::DELETE, &format!("/{original}"), None).await.status, 204);
        assert!(scene.permissions(&bob).await.is_empty());
        assert_eq!(count(&app, "SELECT COUNT(*) FROM application_roles").await, 0);
    }

    async fn what_is_deleted_takes_its_assignments_along(app: TestApp) {
        let scene = Scene::new(&app).await;
        let operator = scene.operator();
        let (ann, bob) = (scene.user("ann@bestcar.test").await, scene.user("bob@bestcar.test").await);
        let id = scene.shared().await["id"].as_str().unwrap().to_owned();
        let made = scene.here(Method::POST, "", Some(json!({ "displayName": "Editor" }))).await.json();
        let own = made["id"].as_str().unwrap().to_owned();
        for role in [&id, &own] {
            let answer = scene.here(Method::PATCH, &format!("/{role}"), Some(operation("add", "users", &[&ann, &bob]))).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        assert_eq!(scene.assignments().await, 4);
        let pool = users::list_pools(&app.state, &operator, scene.organization.id).await.unwrap()[0].id;
        users::remove(&app.state, &operator, (pool, bob.parse().unwrap()), None).await.unwrap();
        assert_eq!(scene.assignments().await, 2, "of the user");
        assert_eq!(scene.here(Method::DELETE, &format!("/{own}"), None).await.status, 204);
        assert_eq!(scene.permissions(&ann).await.len(), 2, "the other role stays");
        let later = app.now() + std::time::Duration::from_secs(60);
        sweep(&app, later).await;
        assert_eq!(scene.assignments().await, 1, "of the role");
        // An application takes its roles along.
        resource::remove::<Application>(&app.state, &operator, scene.client.id, None).await.unwrap();
        assert!(scene.permissions(&ann).await.is_empty());
        sweep(&app, later).await;
        assert_eq!(scene.assignments().await, 0);
        assert_eq!(count(&app, "SELECT COUNT(*) FROM roles").await, 0);
    }

    async fn a_removed_organization_leaves_no_roles(app: TestApp) {
        let scene = Scene::new(&app).await;
        let bob = scene.user("bob@bestcar.test").await;
        let group = uuid(scene.group(&[&bob]).await.id.bits());
        let body = json!({ "displayName": "Editor", "users": [{ "value": bob }], "groups": [{ "value": group }] });
        assert_eq!(scene.here(Method::POST, "", Some(body)).await.status, 201);
        assert_eq!(scene.assignments().await, 2);
        resource::remove::<Organization>(&app.state, &scene.operator(), scene.organization.id, None).await.unwrap();
        sweep(&app, app.now() + std::time::Duration::from_secs(60)).await;
        assert_eq!(scene.assignments().await, 0);
        assert_eq!(count(&app, "SELECT COUNT(*) FROM roles").await, 1, "the vendor's");
    }

    async fn a_list_is_paged_and_not_sorted(app: TestApp) {
        let scene = Scene::new(&app).await;
        for name in ["Editor", "Reader", "and or"] {
            let made = scene.here(Method::POST, "", Some(json!({ "displayName": name }))).await;
            assert_eq!(made.status, 201, "{}", made.body);
        }
        let names = |body: &Value| -> Vec<String> {
            let all = body["Resources"].as_array().unwrap();
            all.iter().map(|role| role["displayName"].as_str().unwrap().to_owned()).collect()
        };
        let all = scene.here(Method::GET, "", None).await.json();
        assert_eq!(names(&all), ["and or", "App Admin", "Editor", "Reader"]);
        assert_eq!(all["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        let page = scene.here(Method::GET, "?startIndex=2&count=2", None).await.json();
        assert_eq!((names(&page), &page["totalResults"]), (vec!["App Admin".to_owned(), "Editor".to_owned()], &json!(4)));
        assert_eq!((&page["startIndex"], &page["itemsPerPage"]), (&json!(2), &json!(2)));
        let none = scene.here(Method::GET, "?count=0", None).await.json();
        assert_eq!((&none["totalResults"], &none["Resources"]), (&json!(4), &json!([])));
        for (filter, expected) in [
            ("displayName co d", vec!["and or", "App Admin", "Editor", "Reader"]),
            ("displayName sw ed", vec!["Editor"]),
            ("displayName ew der", vec!["Reader"]),
            ("displayName ne editor", vec!["and or", "App Admin", "Reader"]),
            ("audience.type eq organization", vec!["and or", "Editor", "Reader"]),
            ("audience.type eq application and displayName sw app", vec!["App Admin"]),
            ("displayName eq \"and or\"", vec!["and or"]),
            ("displayName eq nobody", vec![]),
            ("audience.value eq nonsense", vec![]),
            ("audience.value eq 7c430544-4754-4d26-9b45-796da08013d7", vec![]),
        ] {
            let found = scene.filtered(filter).await;
            let found: Vec<_> = found.iter().map(|role| role["displayName"].as_str().unwrap()).collect();
            assert_eq!(found, expected, "{filter}");
        }
        let own = uuid(scene.organization.id.bits());
        assert_eq!(scene.filtered(&format!("audience.value eq {own}")).await.len(), 3);
        assert_eq!(scene.filtered(&format!("audience.value ne {own}")).await.len(), 1);
        for sorting in ["?sortBy=displayName", "?sortOrder=ascending"] {
            let answer = scene.here(Method::GET, sorting, None).await;
            refused(&answer, 501, "", "Sorting is not supported.");
        }
        let or = scene.here(Method::GET, "?filter=displayName+eq+a+or+displayName+eq+b", None).await;
        refused(&or, 400, "invalidFilter", "Filter operator: or is not supported for role filtering.");
        // The same by a search request.
        let search = |body: Value| scene.here(Method::POST, "/.search", Some(body));
        let found = search(json!({ "filter": "displayName eq Editor", "startIndex": 1, "count": 10 })).await;
        assert_eq!((found.status, names(&found.json())), (StatusCode::OK, vec!["Editor".to_owned()]));
        refused(&search(json!({ "sortBy": "displayName" })).await, 501, "", "Sorting is not supported.");
        // Only some of what a role has.
        let some = scene.here(Method::GET, "?attributes=displayName&count=1", None).await.json();
        let mut keys: Vec<_> = some["Resources"][0].as_object().unwrap().keys().cloned().collect();
        keys.sort_unstable();
        assert_eq!(keys, ["displayName", "id", "schemas"]);
    }

    async fn a_role_takes_the_scope_for_what_is_done(app: TestApp) {
        let scene = Scene::new(&app).await;
        let id = uuid(scene.organization.id.bits());
        let answer = switch(&app, "/oauth2/token", &scene.client, &scene.root, &id, Some("internal_org_role_mgt_view")).await;
        let narrow = answer.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(app.call(&narrow, Method::GET, OWN, None).await.status, 200);
        let role = scene.shared().await["id"].as_str().unwrap().to_owned();
        for (method, path) in [
            (Method::POST, OWN.to_owned()),
            (Method::PUT, format!("{OWN}/{role}")),
            (Method::PATCH, format!("{OWN}/{role}")),
            (Method::DELETE, format!("{OWN}/{role}")),
        ] {
            let answer = app.call(&narrow, method, &path, Some(json!({ "displayName": "X" }))).await;
            assert_eq!(answer.status, 403, "{}", answer.body);
        }
        for (token, path) in [(&scene.root, OWN), (&scene.token, ROOT)] {
            assert_eq!(app.call(token, Method::GET, path, None).await.status, 403);
        }
        assert_eq!(app.call("nonsense", Method::GET, OWN, None).await.status, 401);
        // What is no JSON is not taken, nor given.
        let browser = app.browser();
        let request = |method: Method, header: header::HeaderName, value: &str| {
            let request = browser.request(method, &app.url(OWN));
            request.header(header::AUTHORIZATION, format!("Bearer {}", scene.token)).header(header, value)
        };
        let posted = request(Method::POST, header::CONTENT_TYPE, "text/plain").body("{}");
        assert_eq!(browser.send(posted).await.status, 406);
        let read = browser.send(request(Method::GET, header::ACCEPT, "text/html")).await;
        assert_eq!((read.status.as_u16(), &read.json()["status"]), (406, &json!("406")));
        let read = browser.send(request(Method::GET, header::ACCEPT, "application/json, text/plain;q=0.5")).await;
        assert_eq!(read.status, 200);
        let patched = browser.request(Method::PATCH, &app.url(&format!("{OWN}/{role}")));
        let patched = patched.header(header::AUTHORIZATION, format!("Bearer {}", scene.token));
        let body = json!({ "Operations": [{ "op": "remove", "path": "users" }] }).to_string();
        let patched = patched.header(header::CONTENT_TYPE, "application/scim+json; charset=utf-8").body(body);
        assert_eq!(browser.send(patched).await.status, 200);
    }

    async fn the_same_at_once_is_right_in_the_end(app: TestApp) {
        let scene = Scene::new(&app).await;
        let bob = scene.user("bob@bestcar.test").await;
        let id = scene.shared().await["id"].as_str().unwrap().to_owned();
        let path = format!("/{id}");
        let assigned = (0..16).map(|_| scene.here(Method::PATCH, &path, Some(operation("add", "users", &[&bob]))));
        for answer in join_all(assigned).await {
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
        assert_eq!(scene.assignments().await, 1);
        let made = (0..16).map(|at| {
            let name = if at % 2 == 0 { "Editor" } else { "EDITOR" };
            scene.here(Method::POST, "", Some(json!({ "displayName": name })))
        });
        let statuses: Vec<u16> = join_all(made).await.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 15, "{statuses:?}");
        // Given while it is removed: in the end nobody has it.
        let original = format!("/{}", scene.role);
        let remove = scene.at_root(Method::DELETE, &original, None);
        let give = (0..8).map(|_| scene.here(Method::PATCH, &path, Some(operation("add", "users", &[&bob]))));
        let (removed, given) = tokio::join!(remove, join_all(give));
        assert_eq!(removed.status, 204, "{}", removed.body);
        assert!(given.iter().all(|answer| matches!(answer.status.as_u16(), 200 | 404)));
        assert!(scene.permissions(&bob).await.is_empty());
    }
}

/// Deletes in batches what was removed before this time.
async fn sweep(app: &TestApp, before: base::time::Timestamp) {
    let mut tx = app.state.db.write().await.unwrap();
    while deleted_users::remove_old(&mut tx, before).await.unwrap() > 0 {}
    while deleted_organizations::remove_old(&mut tx, before).await.unwrap() > 0 {}
    tx.commit().await.unwrap();
}

async fn count(app: &TestApp, text: &'static str) -> i64 {
    app.state.db.read().await.unwrap().sql(text).one::<(i64,)>().await.unwrap().0
}
