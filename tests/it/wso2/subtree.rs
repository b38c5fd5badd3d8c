//! Organizations below the caller's (contract §2.4).

use std::collections::BTreeSet;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Vendor, application};
use crate::{
    both,
    support::{Answer, TestApp, tokens::Client},
};

const PATH: &str = "/api/server/v1/organizations";
const FIXED_ROOT: &str = "10084a8d-113f-4211-a0d5-efe36b082211";

/// What this API takes, at the root and in organizations.
const SCOPES: [&str; 8] = [
    "internal_organization_view",
    "internal_organization_create",
    "internal_organization_update",
    "internal_organization_delete",
    "internal_org_organization_view",
    "internal_org_organization_create",
    "internal_org_organization_update",
    "internal_org_organization_delete",
];

async fn vendor(app: &TestApp) -> Vendor<'_> {
    let environment = app.environment("prod").await;
    let client: Client = application(app, &environment, "all", &SCOPES).await;
    let root = app.token("/oauth2/token", &client).await;
    Vendor { app, environment, client, root }
}

#[track_caller]
fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["code"], code, "{body}");
    for text in ["message", "description", "traceId"] {
        assert!(body[text].as_str().is_some_and(|text| !text.is_empty()), "{text}: {body}");
    }
}

impl Vendor<'_> {
    async fn create(&self, body: Value) -> Answer {
        // Lists are in the order of their times.
        self.app.advance(std::time::Duration::from_millis(1));
        self.at_root(Method::POST, PATH, Some(body)).await
    }

    /// The id of a new organization.
    async fn made(&self, name: &str) -> String {
        let answer = self.create(json!({ "name": name })).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn one(&self, method: Method, id: &str, body: Option<Value>) -> Answer {
        self.at_root(method, &format!("{PATH}/{id}"), body).await
    }

    async fn patch(&self, id: &str, operations: Value) -> Answer {
        self.one(Method::PATCH, id, Some(operations)).await
    }

    async fn list(&self, query: &str) -> Answer {
        self.at_root(Method::GET, &format!("{PATH}?{query}"), None).await
    }

    /// The names of a list, in its order.
    async fn names(&self, query: &str) -> Vec<String> {
        let answer = self.list(query).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        names(&answer.json())
    }
}

fn names(body: &Value) -> Vec<String> {
    let all = body["organizations"].as_array().expect("organizations");
    all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

fn link(body: &Value, rel: &str) -> Option<String> {
    let links = body["links"].as_array()?;
    links.iter().find(|link| link["rel"] == rel).map(|link| link["href"].as_str().unwrap().to_owned())
}

both! {
    async fn an_organization_is_made_read_and_removed(app: TestApp) {
        let vendor = vendor(&app).await;
        let check = || vendor.at_root(Method::POST, "/api/server/v1/organizations/check-name", Some(json!({ "name": "BestCar" })));
        assert_eq!(check().await.json(), json!({ "available": true }));
        let answer = vendor.create(json!({
            "name": " BestCar ", "description": "Cars", "attributes": [{ "key": " Country ", "value": " LK " }],
        })).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let body = answer.json();
        let id = body["id"].as_str().unwrap();
        assert_eq!(answer.header("location"), app.url(&format!("{PATH}/{id}")));
        assert_eq!(check().await.json(), json!({ "available": false }));
        for (field, value) in [
            ("name", json!("BestCar")),
            ("orgHandle", json!(id)),
            ("description", json!("Cars")),
            ("status", json!("ACTIVE")),
            ("version", json!("v1.0.0")),
            ("type", json!("TENANT")),
            ("parent", json!({ "id": FIXED_ROOT, "ref": format!("{PATH}/{FIXED_ROOT}") })),
            ("hasChildren", json!(false)),
            ("attributes", json!([{ "key": "Country", "value": "LK" }])),
        ] {
            assert_eq!(body[field], value, "{field}");
        }
        assert!(body["created"].as_str().unwrap().ends_with('Z') && body["created"] == body["lastModified"]);

        let read = vendor.one(Method::GET, id, None).await.json();
        assert_eq!(read["ancestorPath"], json!([{ "id": FIXED_ROOT, "name": "Super", "depth": 0 }]));
        assert!(read["permissions"].is_null());
        let read = vendor.one(Method::GET, &format!("{id}?includePermissions=true"), None).await.json();
        assert_eq!(read["permissions"].as_array().unwrap().len(), 4);
        assert_eq!(vendor.one(Method::DELETE, id, None).await.status, 204);
        refused(&vendor.one(Method::GET, id, None).await, 404, "ORG-60015");
        refused(&vendor.one(Method::DELETE, id, None).await, 404, "ORG-60015");
        assert_eq!(check().await.json(), json!({ "available": true }));
    }

    async fn what_cannot_be_made_is_refused_with_its_code(app: TestApp) {
        let vendor = vendor(&app).await;
        let own = vendor.made("BestCar").await;
        let pair = |key: &str, value: &str| json!({ "key": key, "value": value });
        for (body, status, code) in [
            (json!({}), 400, "ORG-60002"),
            (json!({ "name": " " }), 400, "ORG-60002"),
            (json!({ "name": "<b>x</b>" }), 400, "ORG-60097"),
            (json!({ "name": "Super" }), 400, "ORG-60017"),
            (json!({ "name": "BestCar" }), 400, "ORG-60076"),
            (json!({ "name": 7 }), 400, "ORG-60001"),
            (json!({ "name": "x", "type": "STRUCTURAL" }), 400, "ORG-60034"),
            (json!({ "name": "x", "parentId": own }), 403, "ORG-60021"),
            (json!({ "name": "x", "parentId": "nowhere" }), 403, "ORG-60021"),
            (json!({ "name": "x", "attributes": [pair("", "1")] }), 400, "ORG-60003"),
            (json!({ "name": "x", "attributes": [pair("a", " ")] }), 400, "ORG-60016"),
            (json!({ "name": "x", "attributes": [pair("a", "1"), pair("a ", "2")] }), 400, "ORG-60004"),
            (json!({ "name": "x", "attributes": [pair("creator.id", "nobody")] }), 400, "ORG-60096"),
            (json!({ "name": "x", "attributes": [pair("creator.id", &own)] }), 400, "ORG-60096"),
            (json!({ "name": "x", "orgHandle": own }), 400, "ORG-60100"),
            (json!({ "name": "x", "orgHandle": "No Handle" }), 400, "ORG-60001"),
        ] {
            refused(&vendor.create(body).await, status, code);
        }
        // Names that differ in case only are two, and the root is named in all of its ways.
        for (name, parent) in [("bestcar", "Super"), ("BESTCAR", FIXED_ROOT), ("Other", "")] {
            let answer = vendor.create(json!({ "name": name, "parentId": parent })).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
        }
        assert_eq!(vendor.names("").await.len(), 4);
        let taken = json!({ "orgHandle": own });
        let answer = vendor.at_root(Method::POST, &format!("{PATH}/check-handle"), Some(taken)).await;
        assert_eq!(answer.json(), json!({ "available": false }));
        let free = json!({ "orgHandle": "best-car" });
        let answer = vendor.at_root(Method::POST, &format!("{PATH}/check-handle"), Some(free.clone())).await;
        assert_eq!(answer.json(), json!({ "available": true }));
    }

    async fn a_handle_stands_for_nothing_else(app: TestApp) {
        let vendor = vendor(&app).await;
        let other = vendor.made("Other").await;
        let hex = other.replace('-', "");
        let system = app.system_token(&vendor.environment, &["manage_organizations"]).await;
        let alias = json!({ "id": "chosen-id", "name": "chosen" });
        let made = app.call(&system, Method::POST, "/api/system/prod/organizations", Some(alias)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let root = uuid::Uuid::from_u128(vendor.environment.id.bits()).hyphenated().to_string();
        let unknown = "7c430544-4754-4d26-9b45-796da08013d7";
        for reserved in [&other, &hex, FIXED_ROOT, &root, unknown, "root", "system", "oauth", "oauth2", "admin", "api", "o", "t", "super", "carbon.super"] {
            refused(&vendor.create(json!({ "name": "N", "orgHandle": reserved })).await, 400, "ORG-60100");
            let answer = vendor.at_root(Method::POST, &format!("{PATH}/check-handle"), Some(json!({ "orgHandle": reserved }))).await;
            assert_eq!(answer.json(), json!({ "available": false }), "{reserved}");
        }
        refused(&vendor.create(json!({ "name": "N", "orgHandle": "chosen-id" })).await, 400, "ORG-60100");
        let answer = vendor.at_root(Method::POST, &format!("{PATH}/check-handle"), Some(json!({ "orgHandle": "chosen-id" }))).await;
        assert_eq!(answer.json(), json!({ "available": false }));
        assert_eq!(vendor.create(json!({ "name": "N", "orgHandle": "its-own" })).await.status, 201);
        // Nor is an id that a client chooses the handle of another one, or the id of the root.
        let fixed = FIXED_ROOT.replace('-', "");
        for taken in ["its-own", &other, &hex, &root, FIXED_ROOT, &fixed] {
            let body = json!({ "id": taken, "name": "more" });
            let answer = app.call(&system, Method::POST, "/api/system/prod/organizations", Some(body)).await;
            assert_eq!(answer.status, 409, "{taken}: {}", answer.body);
        }
    }

    async fn of_sixteen_that_want_a_name_at_once_one_gets_it(app: TestApp) {
        let vendor = vendor(&app).await;
        let all = futures_util::future::join_all((0..16).map(|_| vendor.create(json!({ "name": "BestCar" })))).await;
        let made = all.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(made, 1);
        for answer in all.iter().filter(|answer| answer.status != 201) {
            refused(answer, 400, "ORG-60076");
        }
    }

    async fn parts_of_an_organization_are_changed(app: TestApp) {
        let vendor = vendor(&app).await;
        let (id, other) = (vendor.made("BestCar").await, vendor.made("Other").await);
        let op = |operation: &str, path: &str, value: &str| json!({ "operation": operation, "path": path, "value": value });
        let answer = vendor.patch(&id, json!([
            op("REPLACE", "/name", "Best Car"),
            op("ADD", "/description", "Cars"),
            op("ADD", "/attributes/Country", "LK"),
            op("ADD", "/attributes/Country", "DE"),
            op("REPLACE", "/version", "v0.0.0"),
        ])).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        assert_eq!((&body["name"], &body["description"], &body["version"]), (&json!("Best Car"), &json!("Cars"), &json!("v0.0.0")));
        assert_eq!(body["attributes"], json!([{ "key": "Country", "value": "DE" }]));
        for (operations, code) in [
            (json!([op("REPLACE", "/name", "Other")]), "ORG-60076"),
            (json!([op("REPLACE", "/name", "<i>")]), "ORG-60097"),
            (json!([op("REMOVE", "/attributes/none", "")]), "ORG-60019"),
            (json!([op("REPLACE", "/attributes/none", "x")]), "ORG-60020"),
            (json!([op("ADD", "/name", "x")]), "ORG-60013"),
            (json!([op("REPLACE", "/status", "OFF")]), "ORG-60028"),
            (json!([op("REPLACE", "/id", "x")]), "ORG-60011"),
            (json!([op("REPLACE", "/name", "")]), "ORG-60012"),
            (json!([op("replace", "/name", "x")]), "ORG-60009"),
            (json!({}), "ORG-60001"),
        ] {
            refused(&vendor.patch(&id, operations).await, 400, code);
        }
        // All or nothing.
        let answer = vendor.patch(&id, json!([op("REPLACE", "/name", "New"), op("REMOVE", "/attributes/none", "")])).await;
        refused(&answer, 400, "ORG-60019");
        assert_eq!(vendor.one(Method::GET, &id, None).await.json()["name"], "Best Car");
        let answer = vendor.patch(&id, json!([{ "operation": "REMOVE", "path": "/attributes/Country" }, { "operation": "REMOVE", "path": "/description" }])).await;
        assert_eq!((&answer.json()["attributes"], &answer.json()["description"]), (&json!([]), &json!("")));

        let answer = vendor.one(Method::PUT, &id, Some(json!({ "name": "Best", "status": "DISABLED" }))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!((&answer.json()["status"], &answer.json()["name"]), (&json!("DISABLED"), &json!("Best")));
        refused(&vendor.one(Method::PUT, &id, Some(json!({ "name": "Best" }))).await, 400, "ORG-60002");
        refused(&vendor.one(Method::PUT, &id, Some(json!({ "status": "ACTIVE" }))).await, 400, "ORG-60002");
        refused(&vendor.one(Method::PUT, &other, Some(json!({ "name": "Best", "status": "ACTIVE" }))).await, 400, "ORG-60076");
        // The root is read, and not changed.
        for root in [FIXED_ROOT.to_owned(), "self".to_owned()] {
            let answer = vendor.one(Method::GET, &root, None).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!((&answer.json()["id"], &answer.json()["name"]), (&json!(FIXED_ROOT), &json!("Super")));
            refused(&vendor.patch(&root, json!([op("REPLACE", "/name", "x")])).await, 400, "ORG-60051");
        }
        refused(&vendor.patch(FIXED_ROOT, json!([op("REPLACE", "/status", "DISABLED")])).await, 400, "ORG-60050");
        refused(&vendor.one(Method::DELETE, FIXED_ROOT, None).await, 400, "ORG-60050");
        let unknown = "7c430544-4754-4d26-9b45-796da08013d7";
        refused(&vendor.patch(unknown, json!([op("REPLACE", "/name", "x")])).await, 404, "ORG-60015");
    }

    async fn a_caller_in_an_organization_manages_what_is_below_it(app: TestApp) {
        let vendor = vendor(&app).await;
        let (own, beside) = (vendor.made("Own").await, vendor.made("Beside").await);
        let token = vendor.switched(&own).await;
        let call = |method: Method, path: String, body: Option<Value>| {
            let token = token.clone();
            let app = &app;
            async move { app.call(&token, method, &format!("/o{PATH}{path}"), body).await }
        };
        // Names are unique in the whole tree.
        refused(&call(Method::POST, String::new(), Some(json!({ "name": "Beside" }))).await, 400, "ORG-60076");
        app.advance(std::time::Duration::from_millis(1));
        let answer = call(Method::POST, String::new(), Some(json!({ "name": "Child" }))).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let child = answer.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(answer.header("location"), app.url(&format!("/o{PATH}/{child}")));
        assert_eq!(answer.json()["parent"]["id"], json!(own));
        refused(&call(Method::POST, String::new(), Some(json!({ "name": "x", "parentId": beside }))).await, 403, "ORG-60021");
        refused(&call(Method::POST, String::new(), Some(json!({ "name": "x", "parentId": "Super" }))).await, 403, "ORG-60021");
        // Its own is read, not changed but for the name; the one above, others and what is not there are all the same.
        let answer = call(Method::GET, format!("/{own}"), None).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["hasChildren"]), (200, &json!(true)));
        assert_eq!(answer.json()["ancestorPath"], json!([]));
        let path = call(Method::GET, format!("/{child}"), None).await.json()["ancestorPath"].clone();
        assert_eq!(path, json!([{ "id": own, "name": "Own", "depth": 1 }]));
        let rename = || Some(json!([{ "operation": "REPLACE", "path": "/name", "value": "New" }]));
        let unknown = "7c430544-4754-4d26-9b45-796da08013d7".to_owned();
        for id in [&beside, &unknown, &FIXED_ROOT.to_owned()] {
            refused(&call(Method::GET, format!("/{id}"), None).await, 400, "ORG-60064");
            refused(&call(Method::DELETE, format!("/{id}"), None).await, 400, "ORG-60064");
            refused(&call(Method::PATCH, format!("/{id}"), rename()).await, 400, "ORG-60064");
        }
        refused(&call(Method::PATCH, format!("/{own}"), rename()).await, 400, "ORG-60064");
        refused(&call(Method::DELETE, format!("/{own}"), None).await, 400, "ORG-60064");
        assert_eq!(call(Method::PATCH, format!("/{child}"), rename()).await.json()["name"], "New");
        let answer = call(Method::PATCH, "/self".to_owned(), Some(json!([{ "operation": "REPLACE", "path": "/name", "value": "Mine" }]))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["name"]), (200, &json!("Mine")));
        let status = json!([{ "operation": "REPLACE", "path": "/status", "value": "DISABLED" }]);
        refused(&call(Method::PATCH, "/self".to_owned(), Some(status.clone())).await, 400, "ORG-60011");
        assert_eq!(names(&call(Method::GET, String::new(), None).await.json()), ["New"]);
        let body = call(Method::GET, "/metadata".to_owned(), None).await.json();
        assert_eq!((&body["id"], body["permissions"].as_array().unwrap().len()), (&json!(own), 4));

        // From the root: what has others below it stays, and what is switched off keeps them off.
        refused(&vendor.one(Method::DELETE, &own, None).await, 400, "ORG-60007");
        refused(&vendor.patch(&own, status.clone()).await, 400, "ORG-60029");
        assert_eq!(vendor.patch(&child, status.clone()).await.status, 200);
        assert_eq!(vendor.patch(&own, status).await.status, 200);
        assert_eq!(call(Method::GET, String::new(), None).await.status, 401, "its tokens end");
        let on = json!([{ "operation": "REPLACE", "path": "/status", "value": "ACTIVE" }]);
        refused(&vendor.patch(&child, on).await, 400, "ORG-60030");
        assert_eq!(vendor.names("recursive=true").await, ["New", "Beside", "Mine"]);
        assert_eq!(vendor.names("").await, ["Beside", "Mine"]);
    }

    async fn lists_are_filtered_and_paged(app: TestApp) {
        let vendor = vendor(&app).await;
        assert_eq!(vendor.list("").await.json(), json!({ "organizations": [] }));
        for number in 0..35 {
            let country = if number % 2 == 0 { "Sri Lanka" } else { "DE" };
            let name = format!("ABC {number:02} Builders");
            let attributes = json!([{ "key": "Country", "value": country }, { "key": format!("Only{}", number % 3), "value": "x" }]);
            let answer = vendor.create(json!({ "name": name, "attributes": attributes })).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
        }
        assert_eq!(vendor.names("").await.len(), 15);
        assert_eq!(vendor.names("limit=100").await.len(), 30);
        let first = vendor.list("limit=10").await.json();
        assert_eq!(names(&first)[0], "ABC 34 Builders");
        assert!(link(&first, "previous").is_none());
        let second = app.call(&vendor.root, Method::GET, &link(&first, "next").unwrap(), None).await.json();
        assert_eq!(names(&second)[0], "ABC 24 Builders");
        let back = app.call(&vendor.root, Method::GET, &link(&second, "previous").unwrap(), None).await.json();
        assert_eq!(names(&back), names(&first));
        assert!(link(&back, "previous").is_none() && link(&back, "next").is_some());
        // Every one is on one page, once.
        let (mut seen, mut next) = (BTreeSet::new(), Some(format!("{PATH}?limit=4&filter=name+sw+ABC")));
        while let Some(href) = next {
            let page = app.call(&vendor.root, Method::GET, &href, None).await.json();
            assert!(names(&page).into_iter().all(|name| seen.insert(name)));
            next = link(&page, "next");
        }
        assert_eq!(seen.len(), 35);
        for (filter, count) in [
            ("name eq ABC 07 Builders", 1),
            ("name eq abc 07 builders", 0),
            ("name co 7 b", 3),
            ("name sw ABC 1", 10),
            ("name ew 9 builders", 3),
            ("attributes.Country eq Sri Lanka", 18),
            ("attributes.Country sw Sri and name co 0 B", 4),
            ("attributes.Country ew E", 17),
            ("attributes.Country co ri La", 18),
            ("attributes.Missing eq x", 0),
            ("status eq ACTIVE and name sw ABC 0", 10),
            ("status eq OFF", 0),
            ("created ge 2000-01-01T00:00:00Z and name sw ABC 0", 10),
            ("created lt 2000-01-01T00:00:00.000Z", 0),
            ("lastModified gt 2000-01-01T00:00:00.000Z and name sw ABC 0", 10),
            ("parentId eq 10084a8d-113f-4211-a0d5-efe36b082211 and name sw ABC 0", 10),
            ("id eq nothing", 0),
            ("description eq x", 0),
            ("orgHandle eq x", 0),
        ] {
            let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).append_pair("limit", "30").finish();
            assert_eq!(vendor.names(&query).await.len(), count, "{filter}");
        }
        for (filter, code) in [
            ("name", "ORG-60022"),
            ("name is x", "ORG-60022"),
            ("colour eq x", "ORG-60023"),
            ("name eq x or name eq y", "ORG-60024"),
            ("not name eq x", "ORG-60024"),
            ("created ge yesterday", "ORG-60071"),
            ("created co 2000", "ORG-60072"),
            ("name ge x", "ORG-60072"),
            ("status co ACT", "ORG-60072"),
        ] {
            let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
            refused(&vendor.list(&query).await, 400, code);
        }
        refused(&vendor.list("limit=-1").await, 400, "ORG-60025");
        refused(&vendor.list("limit=x").await, 400, "ORG-60001");
        for cursor in ["x", &BASE64_STANDARD.encode("yesterday")] {
            refused(&vendor.list(&format!("after={cursor}")).await, 400, "ORG-60026");
            refused(&vendor.list(&format!("before={cursor}")).await, 400, "ORG-60026");
        }
        // The keys of attributes, each once.
        let path = format!("{PATH}/meta-attributes");
        let body = vendor.at_root(Method::GET, &path, None).await.json();
        assert_eq!(body, json!({ "links": [], "attributes": ["Country", "Only0", "Only1", "Only2"] }));
        let body = vendor.at_root(Method::GET, &format!("{path}?limit=2&filter=attributes+sw+Only"), None).await.json();
        assert_eq!(body["attributes"], json!(["Only0", "Only1"]));
        let body = app.call(&vendor.root, Method::GET, &link(&body, "next").unwrap(), None).await.json();
        assert_eq!(body["attributes"], json!(["Only2"]));
    }

    async fn one_environment_s_organizations_are_nothing_to_another_s_tokens(app: TestApp) {
        let vendor = vendor(&app).await;
        let own = vendor.made("Own").await;
        let elsewhere = app.environment("other").await;
        let foreign = application(&app, &elsewhere, "all", &SCOPES).await;
        let theirs = app.token("/t/other/oauth2/token", &foreign).await;
        let call = |method, path: String, body| { let (app, theirs) = (&app, theirs.clone()); async move { app.call(&theirs, method, &path, body).await } };
        refused(&call(Method::GET, format!("/t/other{PATH}/{own}"), None).await, 404, "ORG-60015");
        refused(&call(Method::DELETE, format!("/t/other{PATH}/{own}"), None).await, 404, "ORG-60015");
        assert_eq!(call(Method::GET, format!("/t/other{PATH}"), None).await.json(), json!({ "organizations": [] }));
        let available = call(Method::POST, format!("/t/other{PATH}/check-name"), Some(json!({ "name": "Own" }))).await;
        assert_eq!(available.json(), json!({ "available": true }));
        assert_eq!(call(Method::GET, format!("/t/prod{PATH}"), None).await.status, 403);
    }
}
