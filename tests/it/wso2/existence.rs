//! What is of others is answered as what is not there at all, whatever a request says besides: byte for byte, but for the id that it
//! names and the id of the request.

use std::collections::BTreeSet;

use model::{application::ClientKind, user::User};
use ostiary::{
    app::{
        applications::{NewApplication, sharing},
        principal::Principal,
        roles::{self, NewRole},
    },
    http::wso2,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{application, organization, switch};
use crate::{
    both,
    support::{Answer, random},
};

/// Every scope of the management APIs.
fn scopes() -> Vec<String> {
    let all = ["application_mgt", "organization", "role_mgt", "user_mgt", "group_mgt", "shared_application"];
    let verbs = ["create", "delete", "list", "update", "view"];
    let names = all.iter().flat_map(|name| verbs.iter().map(move |verb| format!("{name}_{verb}")));
    let names: Vec<String> = names
        .filter(|name| {
            !name.ends_with("_list") || name.starts_with("user_mgt") || name.starts_with("group_mgt")
        })
        .filter(|name| name != "shared_application_update")
        .collect();
    ["internal_", "internal_org_"]
        .iter()
        .flat_map(|start| names.iter().map(move |name| format!("{start}{name}")))
        .collect()
}

fn uuid(bits: u128) -> String {
    uuid::Uuid::from_u128(bits).hyphenated().to_string()
}

/// The ids of things of somebody, by what a path calls them.
struct Ids {
    organization: String,
    application: String,
    user: String,
    group: String,
    role: String,
}

impl Ids {
    /// Of nobody.
    fn of_nobody() -> Self {
        let new = || uuid(random().bits());
        Self { organization: new(), application: new(), user: new(), group: new(), role: new() }
    }

    /// The id of what a path is about.
    fn of(&self, path: &str) -> &str {
        let named = [
            ("/Users/", &self.user),
            ("/Groups/", &self.group),
            ("/Roles/", &self.role),
            ("/applications/", &self.application),
            ("/organizations/", &self.organization),
        ];
        named.iter().find(|(part, _)| path.contains(part)).map(|(_, id)| id.as_str()).expect("a kind")
    }
}

/// An answer without what differs by itself: the id, in whichever encoding it is told.
fn told(answer: &Answer, id: &str) -> (u16, String) {
    let bits: base::id::OrganizationId = id.parse().expect("an id");
    let own_form = bits.to_string().split_once('_').expect("a prefix").1.to_owned();
    let mut body = answer.body.replace(id, "ID").replace(&own_form, "ID");
    if let Ok(Value::Object(mut members)) = serde_json::from_str(&body) {
        members.remove("traceId");
        body = Value::Object(members).to_string();
    }
    (answer.status.as_u16(), body)
}

/// Bodies that are good for some route, and some that are good for none.
fn bodies() -> Vec<Value> {
    vec![
        json!({}),
        json!([]),
        json!("text"),
        json!({ "unknown": 1 }),
        json!([{ "operation": "REPLACE", "path": "/name", "value": "N" }]),
        json!([{ "operation": "FROB", "path": "/name", "value": "N" }]),
        json!([{ "operation": "REPLACE", "path": "/status", "value": "OFF" }]),
        json!([{ "operation": "REMOVE", "path": "/attributes/none" }]),
        json!({ "name": "N", "status": "ACTIVE" }),
        json!({ "name": "", "status": "OFF" }),
        json!({ "attributes": [{ "type": "emailDomain", "values": ["n.example"] }] }),
        json!({ "Operations": [{ "op": "replace", "path": "displayName", "value": "N" }] }),
        json!({ "Operations": [{ "op": "frob" }] }),
        json!({ "userName": "n" }),
        json!({ "displayName": "n", "members": [{ "value": "n" }] }),
        json!({ "shareWithAllChildren": true }),
        json!({ "shareWithAllChildren": true, "sharedOrganizations": ["n"] }),
        json!({ "grantTypes": ["authorization_code"] }),
        json!({ "id": "/scim2/Users", "scopes": ["internal_user_mgt_view"] }),
        json!({ "addedScopes": [], "removedScopes": ["n"] }),
    ]
}

both! {
    async fn what_is_of_others_is_told_from_what_is_not_there_by_nothing(app: TestApp) {
        let environment = app.environment("prod").await;
        let texts = scopes();
        let all: Vec<&str> = texts.iter().map(String::as_str).collect();
        let client = application(&app, &environment, "all", &all).await;
        let root = app.token("/oauth2/token", &client).await;
        let own = organization(&app, &environment).await;
        let switched = switch(&app, "/oauth2/token", &client, &root, &uuid(own.id.bits()), None).await.json();
        assert!(switched["access_token"].is_string(), "{switched}");
        let theirs = app.environment("other").await;
        let (root, token) = {
            // With two environments each is named by its path.
            let root = app.token("/t/prod/oauth2/token", &client).await;
            let switched = switch(&app, "/t/prod/oauth2/token", &client, &root, &uuid(own.id.bits()), None).await.json();
            (root, switched["access_token"].as_str().unwrap().to_owned())
        };
        let make = async |environment: &model::environment::Environment| {
            let organization = organization(&app, environment).await;
            let user: User = app.user(environment, Some(organization.id), "their@own.example").await;
            let group = app.group_of(&user, "Theirs").await;
            let new = NewRole { name: "Theirs".to_owned(), ..NewRole::default() };
            let role = roles::create(&app.state, &Principal::operator(environment.id), organization.id, &new).await.unwrap();
            let new = NewApplication { kind: ClientKind::Service, workspace: None, organization_id: Some(organization.id) };
            let application = app.make_client(environment, new, &ostiary::app::applications::ApplicationChange::default()).await;
            Ids {
                organization: uuid(organization.id.bits()),
                application: uuid(application.id.bits()),
                user: uuid(user.id.bits()),
                group: uuid(group.bits()),
                role: uuid(role.id.bits()),
            }
        };
        let (neighbour, foreign) = (make(&environment).await, make(&theirs).await);
        // What the vendor's application is in the neighbour, too.
        let neighbour_id: base::id::OrganizationId = neighbour.organization.parse().unwrap();
        let fragment = uuid(sharing::fragment_id(neighbour_id, client.id).unwrap().bits());
        let fragments = Ids { application: fragment, ..Ids::of_nobody() };
        let nobody = Ids::of_nobody();
        let mut walked = BTreeSet::new();
        let routes = [wso2::access(), wso2::applications_access(), wso2::roles_access(), wso2::access_scim()].concat();
        for (pattern, method, needs) in routes {
            let in_organization = pattern.starts_with("/t/{tenant}/o/") && !pattern.contains("{organization}");
            let at_root = pattern.starts_with("/t/{tenant}/") && !pattern.starts_with("/t/{tenant}/o/");
            let is_there = match needs.at {
                wso2::access::At::Root => at_root,
                wso2::access::At::Organization => in_organization,
                wso2::access::At::Both => at_root || in_organization,
            };
            let is_discovery = pattern.contains("/ResourceTypes/") || pattern.contains("/Schemas/");
            if !is_there || is_discovery || !pattern.contains("{id}") {
                continue;
            }
            walked.insert((pattern, method));
            let path = pattern.replace("{tenant}", "prod").replace("{api}", "x");
            let path = path.replace("{owner}", &uuid(if in_organization { own.id.bits() } else { environment.id.bits() }));
            let path = path.replace("{other}", &uuid(own.id.bits()));
            let token = if in_organization { &token } else { &root };
            let others: Vec<&Ids> = if in_organization { vec![&neighbour, &foreign, &fragments] } else { vec![&foreign] };
            let method: Method = method.to_uppercase().parse().unwrap();
            let sent = match method {
                Method::GET | Method::DELETE => vec![None],
                _ => bodies().into_iter().map(Some).collect(),
            };
            for body in sent {
                let ask = async |ids: &Ids| {
                    let id = ids.of(pattern);
                    let answer = app.call(token, method.clone(), &path.replace("{id}", id), body.clone()).await;
                    told(&answer, id)
                };
                let expected = ask(&nobody).await;
                assert!((400..500).contains(&expected.0), "{method} {pattern} {body:?}: {expected:?}");
                for ids in &others {
                    assert_eq!(ask(ids).await, expected, "{method} {pattern} {body:?}");
                }
            }
        }
        assert!(walked.len() > 50, "{}: {walked:?}", walked.len());
        // The same of what bodies and other parts of paths name.
        let (management, scim) = ("/t/prod/api/server/v1", "/t/prod/scim2");
        let (here, scim_here) = ("/t/prod/o/api/server/v1", "/t/prod/o/scim2");
        let application = uuid(client.id.bits());
        let own_user = uuid(app.user(&environment, Some(own.id), "own@own.example").await.id.bits());
        let own_role = roles::create(&app.state, &Principal::operator(environment.id), own.id, &NewRole { name: "Own".to_owned(), ..NewRole::default() }).await.unwrap();
        let own_role = uuid(own_role.id.bits());
        let is_root = |path: &str| !path.contains("/o/");
        type Body = fn(&str, &str) -> Value;
        type Case = (Method, String, fn(&Ids) -> &String, Body);
        let cases: [Case; 12] = [
            (Method::POST, format!("{management}/organizations"), |ids| &ids.organization, |id, _| json!({ "name": "N", "parentId": id })),
            (Method::POST, format!("{here}/organizations"), |ids| &ids.organization, |id, _| json!({ "name": "N", "parentId": id })),
            (Method::POST, format!("{management}/organizations"), |ids| &ids.user, |id, _| json!({ "name": "N", "attributes": [{ "key": "creator.id", "value": id }] })),
            (Method::POST, format!("{here}/organizations"), |ids| &ids.user, |id, _| json!({ "name": "N", "attributes": [{ "key": "creator.id", "value": id }] })),
            (Method::POST, format!("{management}/organizations/discovery"), |ids| &ids.organization, |id, _| json!({ "organizationId": id, "attributes": [] })),
            (Method::POST, format!("{management}/applications/{application}/share"), |ids| &ids.organization, |id, _| json!({ "shareWithAllChildren": false, "sharedOrganizations": [id] })),
            (Method::POST, format!("{management}/applications/share"), |ids| &ids.application, |id, _| json!({ "applicationId": id, "organizations": [] })),
            (Method::POST, format!("{management}/applications/unshare"), |ids| &ids.organization, |id, application| json!({ "applicationId": application, "orgIds": [id] })),
            (Method::POST, format!("{scim}/v2/Roles"), |ids| &ids.application, |id, _| json!({ "displayName": "N", "audience": { "type": "application", "value": id } })),
            (Method::POST, format!("{scim_here}/v2/Roles"), |ids| &ids.application, |id, _| json!({ "displayName": "N", "audience": { "type": "application", "value": id } })),
            (Method::POST, format!("{scim_here}/Groups"), |ids| &ids.user, |id, _| json!({ "displayName": "N", "members": [{ "value": id }] })),
            (Method::PATCH, format!("{scim_here}/v2/Roles/{own_role}"), |ids| &ids.user, |id, _| json!({ "Operations": [{ "op": "add", "path": "users", "value": [{ "value": id }] }] })),
        ];
        for (method, path, named, body) in &cases {
            let token = if is_root(path) { &root } else { &token };
            let ask = async |ids: &Ids| {
                let id = named(ids);
                told(&app.call(token, method.clone(), path, Some(body(id, &application))).await, id)
            };
            let expected = ask(&nobody).await;
            assert!((400..500).contains(&expected.0), "{method} {path}: {expected:?}");
            let others = if is_root(path) { vec![&foreign] } else { vec![&foreign, &neighbour, &fragments] };
            for ids in others {
                assert_eq!(ask(ids).await, expected, "{method} {path}");
            }
        }
        let ask = async |id: &str| {
            let path = format!("{management}/applications/{application}/share/{id}");
            let unshared = app.call(&root, Method::DELETE, &path, None).await;
            let switched = switch(&app, "/t/prod/oauth2/token", &client, &root, id, None).await;
            assert!(unshared.status.is_client_error() && switched.status == 400, "{} {}", unshared.body, switched.body);
            assert!(switched.body.contains("Invalid organization id: "), "{}", switched.body);
            (told(&unshared, id), told(&switched, id))
        };
        assert_eq!(ask(&foreign.organization).await, ask(&nobody.organization).await);
        // Groups of the organization take nobody from elsewhere.
        let group = json!({ "displayName": "Mine", "members": [{ "value": own_user }] });
        let made = app.call(&token, Method::POST, &format!("{scim_here}/Groups"), Some(group)).await;
        assert_eq!(made.status, 201, "{}", made.body);
    }
}
