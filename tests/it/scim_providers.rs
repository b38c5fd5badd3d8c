//! The request sequences of real identity providers, without a setting for any of them.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        Answer, TestApp,
        scim::{ENTERPRISE, TestDirectory, id, patch},
    },
};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

struct Provider<'a> {
    app: &'a TestApp,
    directory: TestDirectory,
}

impl<'a> Provider<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        Self { app, directory }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.scim(&self.directory, method, path, body).await
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.send(Method::POST, path, Some(body)).await;
        assert_eq!(answer.status, 201, "{path}: {}", answer.body);
        answer.json()
    }

    async fn put(&self, path: &str, body: Value) -> Value {
        let answer = self.send(Method::PUT, path, Some(body)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// Changes a user and reads it.
    async fn patch(&self, path: &str, operations: Value) -> Value {
        let answer = self.send(Method::PATCH, path, patch(operations.clone())).await;
        assert!(matches!(answer.status.as_u16(), 200 | 204), "{operations}: {}", answer.body);
        self.get(path).await
    }

    async fn find(&self, kind: &str, filter: &str) -> Vec<Value> {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
        let list = self.get(&format!("/{kind}?{query}&startIndex=1&count=100")).await;
        assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        list["Resources"].as_array().unwrap().clone()
    }
}

both! {
    async fn okta_provisions_changes_and_deactivates(app: TestApp) {
        let okta = Provider::new(&app).await;
        assert_eq!(okta.get("/Users?startIndex=1&count=2").await["totalResults"], 0);
        assert_eq!(okta.get("/Groups?startIndex=1&count=100").await["itemsPerPage"], 0);
        assert!(okta.find("Users", "userName eq \"dana@acme.example\"").await.is_empty());
        let body = json!({
            "schemas": [USER], "userName": "dana@acme.example",
            "name": { "givenName": "Dana", "familyName": "Doe", "middleName": "" },
            "emails": [{ "primary": true, "value": "dana@acme.example", "type": "work", "display": "dana@acme.example" }],
            "displayName": "Dana Doe", "locale": "en-US", "externalId": "00ujl29u0le5T6Aj10h7",
            "groups": [], "password": "1mz050nq", "active": true,
        });
        let user = okta.post("/Users", body.clone()).await;
        let again = okta.send(Method::POST, "/Users", Some(body)).await;
        assert_eq!((again.status.as_u16(), &again.json()["status"]), (409, &json!("409")));
        let path = format!("/Users/{}", id(&user));
        assert_eq!(okta.find("Users", "userName eq \"DANA@acme.example\"").await, std::slice::from_ref(&user));

        // A custom app: every change is a PUT of what was read.
        let mut whole = okta.get(&path).await;
        whole["name"]["familyName"] = "Roe".into();
        whole["title"] = "".into();
        whole["groups"] = json!([]);
        let changed = okta.put(&path, whole.clone()).await;
        assert_eq!((&changed["name"]["familyName"], changed.get("title")), (&json!("Roe"), None));
        whole["userName"] = "dana.roe@acme.example".into();
        whole["active"] = false.into();
        let off = okta.put(&path, whole).await;
        assert_eq!((&off["active"], &off["userName"]), (&json!(false), &json!("dana.roe@acme.example")));
        assert_eq!(okta.find("Users", "userName eq \"dana.roe@acme.example\"").await, [off], "the inactive are still found");

        // A catalogue app: active and password by PATCH without a path; other attributes are kept.
        let on = okta.patch(&path, json!([{ "op": "replace", "value": { "active": true } }])).await;
        assert_eq!((&on["active"], &on["name"]["givenName"]), (&json!(true), &json!("Dana")));
        let same = okta.patch(&path, json!([{ "op": "replace", "value": { "password": "t1meMa$heen" } }])).await;
        assert_eq!(same, on);
        let off = okta.patch(&path, json!([{ "op": "replace", "value": { "active": [false] } }])).await;
        assert_eq!(off["active"], false);
    }

    async fn okta_pushes_groups(app: TestApp) {
        let okta = Provider::new(&app).await;
        let (a, b) = (app.scim_user(&okta.directory, "a@acme.example").await, app.scim_user(&okta.directory, "b@acme.example").await);
        let group = okta.post("/Groups", json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Team", "members": [] })).await;
        let path = format!("/Groups/{}", id(&group));
        let renamed = okta.patch(&path, json!([
            { "op": "replace", "value": { "id": id(&group), "displayName": "Team Two" } },
            { "op": "add", "path": "members", "value": [{ "value": id(&a), "display": "a@acme.example" }, { "value": id(&b), "display": "b" }] },
        ])).await;
        assert_eq!((&renamed["displayName"], renamed["members"].as_array().unwrap().len()), (&json!("Team Two"), 2));
        assert_eq!(okta.get(&format!("/Users/{}", id(&a))).await["groups"][0]["display"], "Team Two");
        let swapped = okta.patch(&path, json!([
            { "op": "remove", "path": format!("members[value eq \"{}\"]", id(&a)) },
            { "op": "replace", "value": { "id": id(&group), "displayName": "Team Two" } },
        ])).await;
        assert_eq!(swapped["members"][0]["value"], id(&b));
        let mut whole = swapped.clone();
        whole["members"] = json!([{ "value": id(&a), "display": "a" }]);
        assert_eq!(okta.put(&path, whole).await["members"][0]["value"], id(&a));
        let pushed = okta.patch(&path, json!([{ "op": "replace", "path": "members", "value": [] }])).await;
        assert_eq!(pushed.get("members"), None);
        assert_eq!(okta.send(Method::DELETE, &path, None).await.status, 204);
    }

    async fn entra_tests_the_connection_and_matches(app: TestApp) {
        let entra = Provider::new(&app).await;
        for query in ["Users?filter=userName+eq+%2246b2b3bb-6f20%22", "Users?filter=externalId%20eq%20%22x%22&aadOptscim062020",
            "Users?filter=emails[type+eq+%22work%22].value+eq+%22x@acme.example%22", "Groups?excludedAttributes=members&filter=displayName+eq+%22x%22"] {
            let list = entra.get(&format!("/{query}")).await;
            assert_eq!((&list["totalResults"], &list["Resources"]), (&json!(0), &json!([])), "{query}");
        }
        let user = entra.post("/Users", json!({
            "schemas": [USER, ENTERPRISE], "externalId": "58342554", "userName": "Dana@acme.example", "active": true,
            "addresses": null, "displayName": "Dana", "emails": [{ "type": "work", "value": "dana@acme.example", "primary": true }],
            "meta": { "resourceType": "User" }, "name": { "formatted": "Dana Doe", "familyName": "Doe", "givenName": "Dana" },
            "roles": [], "title": null, ENTERPRISE: { "department": "Keys", "manager": null },
        })).await;
        assert_eq!(user.get("title"), None);
        for filter in ["userName eq \"dana@ACME.example\"", "externalId eq \"58342554\"", "emails[type eq \"work\"].value eq \"DANA@acme.example\""] {
            assert_eq!(entra.find("Users", filter).await, std::slice::from_ref(&user), "{filter}");
        }
        let query = format!("/Users?filter=id+eq+%22{}%22+and+manager+eq+%22B%22&attributes=id", id(&user));
        assert_eq!(entra.get(&query).await["totalResults"], 0);
    }

    async fn entra_changes_one_attribute_an_operation(app: TestApp) {
        let entra = Provider::new(&app).await;
        let user = entra.post("/Users", json!({ "schemas": [USER], "userName": "dana@acme.example", "active": true })).await;
        let boss = entra.post("/Users", json!({ "userName": "boss@acme.example" })).await;
        let path = format!("/Users/{}", id(&user));
        let extension = |name: &str| format!("{ENTERPRISE}:{name}");
        let now = entra.patch(&path, json!([
            { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "dana@acme.example" },
            { "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1" },
            { "op": "Add", "path": "addresses[type eq \"work\"].streetAddress", "value": "1 Way" },
            { "op": "Add", "path": "addresses[type eq \"work\"].locality", "value": "Town" },
            { "op": "Add", "path": "name.givenName", "value": "Dana" },
            { "op": "Add", "path": "roles[primary eq \"True\"].value", "value": "admin" },
            { "op": "Add", "path": extension("department"), "value": "Keys" },
            { "op": "Add", "path": extension("employeeNumber"), "value": "7" },
            { "op": "Add", "path": extension("manager"), "value": id(&boss) },
            { "op": "Replace", "path": "active", "value": "False" },
        ])).await;
        assert_eq!(now["emails"], json!([{ "type": "work", "value": "dana@acme.example" }]));
        assert_eq!(now["addresses"], json!([{ "type": "work", "streetAddress": "1 Way", "locality": "Town" }]));
        assert_eq!(now["roles"], json!([{ "primary": true, "value": "admin" }]));
        assert_eq!(now[ENTERPRISE]["department"], "Keys");
        assert_eq!(now[ENTERPRISE]["manager"]["value"], id(&boss));
        assert_eq!(now["active"], false);
        assert!(now["schemas"].as_array().unwrap().contains(&json!(ENTERPRISE)));
        assert_eq!(entra.find("Users", &format!("id eq \"{}\" and manager eq \"{}\"", id(&user), id(&boss))).await.len(), 1);
        for (value, then) in [
            (json!({ "value": "m2" }), Some("m2")),
            (json!([{ "$ref": "x", "value": "m3" }]), Some("m3")),
            (json!(""), None),
        ] {
            let now = entra.patch(&path, json!([{ "op": "Replace", "path": extension("manager"), "value": value }])).await;
            assert_eq!(now[ENTERPRISE]["manager"]["value"].as_str(), then, "{value}");
        }
        // With the flag: one value whose keys are paths.
        let mut value = json!({ "displayName": "Dana D", "name.givenName": "D", "active": true, "title": "" });
        value[extension("department")] = "Locks".into();
        let now = entra.patch(&path, json!([
            { "op": "replace", "value": value },
            { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "d@acme.example" },
        ])).await;
        assert_eq!((&now["displayName"], &now["name"]["givenName"], &now["active"]), (&json!("Dana D"), &json!("D"), &json!(true)));
        assert_eq!((&now[ENTERPRISE]["department"], &now["emails"][0]["value"]), (&json!("Locks"), &json!("d@acme.example")));
        assert!(!now.as_object().unwrap().contains_key(&extension("department")));
        assert_eq!(entra.send(Method::DELETE, &path, None).await.status, 204);
        assert_eq!(entra.send(Method::DELETE, &path, None).await.status, 404);
    }

    async fn entra_keeps_groups(app: TestApp) {
        let entra = Provider::new(&app).await;
        let (a, b) = (app.scim_user(&entra.directory, "a@acme.example").await, app.scim_user(&entra.directory, "b@acme.example").await);
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
            "externalId": "8aa1a0c0", "displayName": "Keyholders", "meta": { "resourceType": "Group" },
        });
        let group = entra.post("/Groups", body.clone()).await;
        assert_eq!(entra.send(Method::POST, "/Groups", Some(body)).await.status, 409);
        let path = format!("/Groups/{}", id(&group));
        let send = async |operation: Value| entra.send(Method::PATCH, &path, patch(json!([operation]))).await;
        let both = json!([{ "$ref": null, "value": id(&a) }, { "$ref": null, "value": id(&b) }]);
        assert_eq!(send(json!({ "op": "Add", "path": "members", "value": both })).await.status, 204);
        let found = entra.find("Groups", &format!("id eq \"{}\" and members eq \"{}\"", id(&group), id(&a))).await;
        assert_eq!(found.len(), 1);
        let gone = json!({ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": id(&a) }] });
        assert_eq!(send(gone).await.status, 204);
        assert_eq!(entra.get(&path).await["members"].as_array().unwrap().len(), 1);
        assert_eq!(send(json!({ "op": "Replace", "path": "displayName", "value": "Doorkeepers" })).await.status, 204);
        let without = entra.get(&format!("{path}?excludedAttributes=members")).await;
        assert_eq!((without.get("members"), &without["displayName"]), (None, &json!("Doorkeepers")));
        let list = entra.get("/Groups?excludedAttributes=members&filter=displayName+eq+%22DOORKEEPERS%22").await;
        assert_eq!((list["Resources"][0].get("members"), &list["totalResults"]), (None, &json!(1)));
        assert_eq!(entra.send(Method::DELETE, &format!("/Users/{}", id(&b)), None).await.status, 204);
        assert_eq!(entra.get(&path).await.get("members"), None);
    }

    async fn onelogin_puts_what_its_template_makes(app: TestApp) {
        let onelogin = Provider::new(&app).await;
        let accept = [(header::ACCEPT, "application/json")];
        let config = app.scim_with(&onelogin.directory, Method::GET, "/ServiceProviderConfig", None, &accept).await;
        assert_eq!(config.json()["patch"]["supported"], true);
        assert!(onelogin.find("Users", "userName eq \"nobody@acme.example\"").await.is_empty());
        assert_eq!(onelogin.get("/Groups").await["totalResults"], 0);
        let body = json!({
            "schemas": [USER, ENTERPRISE], "userName": "dana@acme.example", "title": null, "active": true,
            "emails": [{ "value": "dana@acme.example" }], "name": { "givenName": "Dana", "familyName": null },
            ENTERPRISE: { "department": null, "manager": { "displayName": "Boss", "value": null } },
        });
        let user = onelogin.post("/Users", body).await;
        let path = format!("/Users/{}", id(&user));
        let body = json!({ "userName": "dana@acme.example", "emails": { "value": "d2@acme.example" }, "active": false });
        let now = onelogin.put(&path, body).await;
        assert_eq!((&now["emails"], &now["active"]), (&json!([{ "value": "d2@acme.example" }]), &json!(false)));
        let group = onelogin.post("/Groups", json!({ "displayName": "Rule" })).await;
        let group_path = format!("/Groups/{}", id(&group));
        let now = onelogin.patch(&group_path, json!([{ "op": "add", "path": "members", "value": [{ "value": id(&user) }] }])).await;
        assert_eq!(now["members"][0]["value"], id(&user));
        assert_eq!(onelogin.send(Method::DELETE, &path, None).await.status, 204);
    }

    async fn jumpcloud_tries_a_user_and_a_group_and_repeats_itself(app: TestApp) {
        let jumpcloud = Provider::new(&app).await;
        assert_eq!(jumpcloud.get("/Users").await["totalResults"], 0);
        let user = jumpcloud.post("/Users", json!({
            "schemas": [USER], "userName": "test@acme.example", "active": true, "externalId": "5f",
            "name": { "familyName": "User", "givenName": "Test" }, "emails": [{ "type": "work", "value": "test@acme.example", "primary": true }],
        })).await;
        let path = format!("/Users/{}", id(&user));
        let now = jumpcloud.patch(&path, json!([
            { "op": "replace", "path": "name.givenName", "value": "Tester" },
            { "op": "replace", "path": "active", "value": false },
        ])).await;
        assert_eq!((&now["name"]["givenName"], &now["active"]), (&json!("Tester"), &json!(false)));
        let found = jumpcloud.find("Users", "userName eq \"test@acme.example\"").await;
        assert_eq!(found, [now]);
        let mut whole = found[0].clone();
        whole["active"] = true.into();
        assert_eq!(jumpcloud.put(&path, whole).await["active"], true);
        let group = jumpcloud.post("/Groups", json!({ "displayName": "Test group", "members": [] })).await;
        let group_path = format!("/Groups/{}", id(&group));
        for _ in 0..2 {
            let now = jumpcloud.patch(&group_path, json!([{ "op": "add", "path": "members", "value": [{ "value": id(&user) }] }])).await;
            assert_eq!(now["members"].as_array().unwrap().len(), 1);
        }
        let now = jumpcloud.patch(&group_path, json!([{ "op": "replace", "value": { "displayName": "Renamed" } }])).await;
        assert_eq!((&now["displayName"], now["members"].as_array().unwrap().len()), (&json!("Renamed"), 1));
        let now = jumpcloud.patch(&group_path, json!([{ "op": "remove", "path": "members", "value": [{ "value": id(&user) }] }])).await;
        assert_eq!(now.get("members"), None);
        assert_eq!(jumpcloud.send(Method::DELETE, &group_path, None).await.status, 204);
        assert_eq!(jumpcloud.send(Method::DELETE, &path, None).await.status, 204);
    }

    async fn the_others_read_discovery_and_look_up_by_address(app: TestApp) {
        let other = Provider::new(&app).await;
        for path in ["/ResourceTypes/User", "/ResourceTypes/Group", &format!("/Schemas/{USER}"), &format!("/Schemas/{ENTERPRISE}")] {
            let found = other.get(path).await;
            assert_eq!(found["meta"]["location"], format!("{}{path}", other.directory.base));
        }
        let types = other.get("/ResourceTypes").await;
        assert_eq!(types["totalResults"], 2);
        let body = json!({ "userName": "dana", "active": false, "emails": [{ "value": "dana@acme.example" }] });
        let user = other.post("/Users", body).await;
        assert_eq!(user["active"], false, "provisioned as disabled");
        for filter in ["emails eq \"dana@acme.example\"", "emails.value eq \"DANA@acme.example\""] {
            assert_eq!(other.find("Users", filter).await, std::slice::from_ref(&user), "{filter}");
        }
        assert_eq!(other.get("/Users?count=1").await["itemsPerPage"], 1);
    }
}
