//! Every code of the contract (§2.4, §2.5, §2.8): where it is answered, or why it is not.

use std::collections::BTreeSet;

use ostiary::app::{
    organizations::{self, OrganizationChange},
    principal::Principal,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{application, organization, switch};
use crate::both;

const ORGANIZATIONS: &str = "/api/server/v1/organizations";
const APPLICATIONS: &str = "/api/server/v1/applications";
const SETTINGS: &str = "/api/server/v1/organization-configs/discovery";
const ROOT: &str = "10084a8d-113f-4211-a0d5-efe36b082211";
const NOWHERE: &str = "7c430544-4754-4d26-9b45-796da08013d7";

const SCOPES: [&str; 13] = [
    "internal_organization_view",
    "internal_organization_create",
    "internal_organization_update",
    "internal_organization_delete",
    "internal_org_organization_view",
    "internal_org_organization_create",
    "internal_org_organization_update",
    "internal_org_organization_delete",
    "internal_application_mgt_view",
    "internal_shared_application_create",
    "internal_shared_application_delete",
    "internal_org_application_mgt_view",
    "internal_org_shared_application_create",
];

/// Codes of the contract that nothing answers here, each with the reason.
const NEVER: [(u32, &str); 7] = [
    (
        60031,
        "who is in an organization that is switched off has no token there; it is left for one that is switched off meanwhile",
    ),
    (60070, "names are unique in the whole tree: 60076"),
    (60090, "no API of these registers people; the sign-in pages refuse in their own words"),
    (60091, "as 60090"),
    (60095, "SCIM answers a change of somebody's image: 400 with scimType mutability, which has no code"),
    (
        60098,
        "the sign-in through an identity provider is not one of these APIs: it refuses a domain with domain_not_accepted",
    ),
    (60099, "as 60098: without an address"),
];

/// The codes that the contract names.
const CONTRACT: [u32; 53] = [
    60002, 60003, 60004, 60007, 60009, 60011, 60012, 60013, 60015, 60016, 60017, 60019, 60020, 60021, 60022,
    60023, 60024, 60025, 60026, 60028, 60029, 60030, 60031, 60035, 60050, 60064, 60067, 60068, 60069, 60070,
    60071, 60072, 60076, 60077, 60080, 60081, 60082, 60083, 60084, 60085, 60088, 60090, 60091, 60092, 60095,
    60096, 60097, 60098, 60099, 60100,
    // Of WSO2's own code, beside those that the contract tells apart.
    60008, 60010, 60018,
];

/// Who calls.
#[derive(Debug, Clone, Copy)]
enum Who {
    Root,
    Here,
}

use Who::{Here, Root};

both! {
    async fn every_code_of_the_contract_is_answered_where_it_says(app: TestApp) {
        let environment = app.environment("prod").await;
        let client = application(&app, &environment, "all", &SCOPES).await;
        let selected = application(&app, &environment, "none", &SCOPES).await;
        let root = app.token("/oauth2/token", &client).await;
        let uuid = |bits: u128| uuid::Uuid::from_u128(bits).hyphenated().to_string();
        let parent = organization(&app, &environment).await.id;
        let operator = Principal::operator(environment.id);
        let below = |name: &str, parent: String| OrganizationChange {
            display_name: Some(name.to_owned()),
            parent_id: Some(parent),
            ..OrganizationChange::default()
        };
        organizations::create(&app.state, &operator, &below("Child", parent.to_string())).await.unwrap();
        let off = organizations::create(&app.state, &operator, &below("Off", String::new())).await.unwrap().id;
        let under_off = organizations::create(&app.state, &operator, &below("Under", off.to_string())).await.unwrap().id;
        let disable = OrganizationChange { disabled: Some(true), ..OrganizationChange::default() };
        for id in [under_off, off] {
            organizations::update(&app.state, &operator, id, None, &disable).await.unwrap();
        }
        let other = organization(&app, &environment).await.id;
        let switched = switch(&app, "/oauth2/token", &client, &root, &uuid(parent.bits()), None).await.json();
        let here = switched["access_token"].as_str().expect("a token").to_owned();
        let fragment = uuid(ostiary::app::applications::sharing::fragment_id(parent, client.id).unwrap().bits());
        let (parent, other, under_off) = (uuid(parent.bits()), uuid(other.bits()), uuid(under_off.bits()));
        let (shared, alone) = (uuid(client.id.bits()), uuid(selected.id.bits()));

        let one = |id: &str| format!("{ORGANIZATIONS}/{id}");
        let list = |query: &str| (Root, Method::GET, format!("{ORGANIZATIONS}?{query}"), Value::Null);
        let create = |body: Value| (Root, Method::POST, ORGANIZATIONS.to_owned(), body);
        let patch = |operation: Value| (Root, Method::PATCH, one(&parent), json!([operation]));
        let status = |id: &str, status: &str| (Root, Method::PATCH, one(id), json!([{ "operation": "REPLACE", "path": "/status", "value": status }]));
        let attribute = |key: &str, value: &str| json!({ "name": "N", "attributes": [{ "key": key, "value": value }] });
        let discovery = |id: &str, attributes: Value| (Root, Method::POST, format!("{ORGANIZATIONS}/discovery"), json!({ "organizationId": id, "attributes": attributes }));
        let domain = |value: &str| json!([{ "type": "emailDomain", "values": [value] }]);
        let decide = |enabled: &str| (Root, Method::POST, SETTINGS.to_owned(), json!({ "properties": [{ "key": "emailDomain.enable", "value": enabled }] }));
        let share = |id: &str, body: Value| (Root, Method::POST, format!("{APPLICATIONS}/{id}/share"), body);
        // 0: what prepares the next ones, and succeeds.
        let table: Vec<(u32, (Who, Method, String, Value))> = vec![
            (60002, create(json!({}))),
            (60003, create(attribute(" ", "x"))),
            (60004, create(json!({ "name": "N", "attributes": [{ "key": "a", "value": "x" }, { "key": "a", "value": "y" }] }))),
            (60007, (Root, Method::DELETE, one(&parent), Value::Null)),
            (60008, patch(json!({ "path": "/name", "value": "x" }))),
            (60009, patch(json!({ "operation": "replace", "path": "/name", "value": "x" }))),
            (60010, patch(json!({ "operation": "REPLACE", "value": "x" }))),
            (60011, patch(json!({ "operation": "REPLACE", "path": "/type", "value": "x" }))),
            (60012, patch(json!({ "operation": "REPLACE", "path": "/name" }))),
            (60013, patch(json!({ "operation": "ADD", "path": "/name", "value": "x" }))),
            (60015, (Root, Method::GET, one(NOWHERE), Value::Null)),
            (60016, create(attribute("a", " "))),
            (60017, create(json!({ "name": "Super" }))),
            (60018, patch(json!({ "operation": "ADD", "path": "/attributes/", "value": "x" }))),
            (60019, patch(json!({ "operation": "REMOVE", "path": "/attributes/none" }))),
            (60020, patch(json!({ "operation": "REPLACE", "path": "/attributes/none", "value": "x" }))),
            (60021, create(json!({ "name": "N", "parentId": parent }))),
            (60022, list("filter=name")),
            (60023, list("filter=colour%20eq%20red")),
            (60024, list("filter=name%20eq%20a%20or%20name%20eq%20b")),
            (60025, list("limit=-1")),
            (60026, list("after=nonsense")),
            (60028, status(&parent, "OFF")),
            (60029, status(&parent, "DISABLED")),
            (60030, status(&under_off, "ACTIVE")),
            (60035, share(NOWHERE, json!({ "shareWithAllChildren": true }))),
            (60050, (Root, Method::DELETE, one(ROOT), Value::Null)),
            (60064, (Here, Method::GET, one(&other), Value::Null)),
            (60064, (Here, Method::PATCH, one(&parent), json!([{ "operation": "REPLACE", "path": "/name", "value": "x" }]))),
            (60067, share(&alone, json!({}))),
            (60068, share(&alone, json!({ "shareWithAllChildren": true, "sharedOrganizations": [parent] }))),
            (60069, (Root, Method::DELETE, format!("{APPLICATIONS}/{shared}/share/{parent}"), Value::Null)),
            (60071, list("filter=created%20ge%20yesterday")),
            (60072, list("filter=created%20co%202026")),
            (60077, (Here, Method::POST, format!("{APPLICATIONS}/{fragment}/share"), json!({ "shareWithAllChildren": true }))),
            (60080, discovery(&parent, domain("one.example"))),
            (60081, (Here, Method::POST, format!("{ORGANIZATIONS}/discovery"), json!({ "organizationId": parent, "attributes": domain("one.example") }))),
            (0, decide("true")),
            (60082, discovery(&parent, json!([{ "type": "emailDomain", "values": ["a.example"] }, { "type": "emailDomain", "values": ["b.example"] }]))),
            (60084, discovery(&parent, json!([{ "type": "colour", "values": ["red"] }]))),
            (60088, discovery(&parent, json!([{ "type": "emailDomain", "values": [] }]))),
            (60092, discovery(&parent, domain("no domain"))),
            (0, discovery(&parent, domain("one.example"))),
            (60083, discovery(&other, domain("one.example"))),
            (60085, discovery(&parent, domain("two.example"))),
            (60096, create(attribute("creator.id", NOWHERE))),
            (60097, create(json!({ "name": "<b>N</b>" }))),
            (0, create(json!({ "name": "N", "orgHandle": "taken" }))),
            (60076, create(json!({ "name": "N" }))),
            (60100, create(json!({ "name": "M", "orgHandle": "taken" }))),
        ];
        let mut answered = BTreeSet::new();
        for (code, (who, method, path, body)) in table {
            let (token, prefix) = match who {
                Root => (&root, ""),
                Here => (&here, "/o"),
            };
            let body = Some(body).filter(|body| !body.is_null());
            let answer = app.call(token, method.clone(), &format!("{prefix}{path}"), body.clone()).await;
            if code == 0 {
                assert!(answer.status.is_success(), "{method} {path}: {}", answer.body);
                continue;
            }
            let status = match code {
                60015 | 60035 => 404,
                60021 => 403,
                _ => 400,
            };
            assert_eq!(answer.status.as_u16(), status, "{code} {method} {path} {body:?}: {}", answer.body);
            assert_eq!(answer.json()["code"], format!("ORG-{code}"), "{method} {path} {body:?}: {}", answer.body);
            answered.insert(code);
        }
        let never: BTreeSet<u32> = NEVER.iter().map(|(code, _)| *code).collect();
        assert!(answered.is_disjoint(&never));
        assert_eq!(&answered | &never, CONTRACT.into_iter().collect(), "each code of the contract is here once");
    }
}
