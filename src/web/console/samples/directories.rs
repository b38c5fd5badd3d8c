//! Snapshot tests of the pages of a directory, with long and hostile data.

use std::time::Duration;

use base::{id::Id, time::Timestamp};
use maud::{Markup, html};
use model::{
    event::{Event, EventKind},
    scim_request::ScimRequest,
};
use serde_json::{Map, Value, json};

use super::frame;
use crate::{
    app::{
        directories::resources::{DirectoryGroup, DirectoryUser},
        pagination::Page,
    },
    links,
    web::{
        console::{
            events::list::EventView,
            kit::shell::{Section, Shell},
            scim_directories::tabs::{Tab, tabs},
            scim_groups, scim_requests,
            scim_users::{self, show::ScimUserPage},
        },
        kit::{forms::FormErrors, list::ListUrl},
        samples::page,
    },
};

const BASE: &str = "https://sso.example.com/v1/scim/scim_directory_12vqjrnxk9xeov6o4f05pan0g";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-21T12:00:00Z").unwrap()
}

fn sample(name: &str, title: &str, tab: Tab, content: Markup) {
    page(
        name,
        Shell::new(&frame(), Section::Directories, title)
            .crumb("Rheinisch-Westfälische Elektrizitätswerke & Co. <KG>", "/console/x/scim-directories/y")
            .render(html! { (tabs(Id::from_bits(1), Id::from_bits(2), tab)) (content) }),
    );
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn user(bits: u128, email: &str, deleted: bool, removed: bool, attributes: Value) -> DirectoryUser {
    DirectoryUser {
        id: Id::from_bits(bits),
        directory_id: Id::from_bits(2),
        email: Some(email.to_owned()).filter(|email| !email.is_empty()),
        deleted,
        removed,
        attributes: object(attributes),
    }
}

fn people() -> Page<DirectoryUser> {
    Page {
        items: vec![
            user(
                10,
                "dana@acme.example",
                false,
                false,
                json!({ "userName": "dana@acme.example", "displayName": "Dana Okafor" }),
            ),
            user(
                11,
                "wolfeschlegelsteinhausenbergerdorff@rheinisch-westfaelische-elektrizitaetswerke.example",
                true,
                false,
                json!({
                    "userName": "w", "name": { "givenName": "Hubert Blaine", "familyName": "Wolfeschlegelsteinhausenbergerdorff" }
                }),
            ),
            user(12, "", true, true, json!({ "userName": "<script>alert(1)</script>" })),
        ],
        next_token: "T2".to_owned(),
    }
}

fn href(user: &DirectoryUser) -> String {
    format!("/console/x/scim-directories/y/users/{}", user.id)
}

#[test]
fn people_samples() {
    let place = ListUrl::read("/console/x/scim-directories/y/users", "", &["q"]);
    sample("console-scim-users", "Users", Tab::Users, scim_users::list::view(&people(), &place, &href));
    let none = Page { items: Vec::new(), next_token: String::new() };
    sample("console-scim-users-empty", "Users", Tab::Users, scim_users::list::view(&none, &place, &href));
    let searched = ListUrl::read("/console/x/scim-directories/y/users", "q=nobody", &["q"]);
    sample("console-scim-users-nobody", "Users", Tab::Users, scim_users::list::view(&none, &searched, &href));

    let dana = user(
        10,
        "dana@acme.example",
        false,
        false,
        json!({
            "userName": "dana@acme.example",
            "displayName": "Dana Okafor",
            "active": true,
            "externalId": "00u1a2b3c4D5E6F7g8h9",
            "name": { "givenName": "Dana", "familyName": "Okafor", "formatted": "Dana Okafor" },
            "emails": [{ "value": "dana@acme.example", "type": "work", "primary": true }, { "value": "dana@home.example", "type": "home" }],
            "title": "Head of <b>Everything</b>",
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Research & Development", "employeeNumber": "70-1984", "manager": { "value": "26118915-6090-4610-87e4-49d8ca9f808d" } },
        }),
    );
    let event = |kind: EventKind, at, data: Value| Event {
        environment_id: Id::from_bits(1),
        sequence: 1204,
        at: now() - Duration::from_secs(at),
        kind: kind.into(),
        organization_id: Id::from_bits(4),
        directory_id: Some(Id::from_bits(2)),
        resource_id: dana.id.to_string(),
        data,
    };
    let events = [
        event(
            EventKind::UserUpdated,
            300,
            json!({ "before": { "title": "Head" }, "after": { "title": "Head of <b>Everything</b>" } }),
        ),
        event(EventKind::UserCreated, 90_000, json!({ "after": { "userName": "dana@acme.example" } })),
    ];
    let events: Vec<EventView<'_>> = events.iter().map(EventView::brief).collect();
    let groups = [
        ("Engineering".to_owned(), "/console/x/groups/1".to_owned()),
        (
            "Alle Mitarbeiterinnen und Mitarbeiter der Gesellschaft in Bonn, Köln und Düsseldorf".to_owned(),
            "/console/x/groups/2".to_owned(),
        ),
    ];
    let shown = ScimUserPage {
        user: &dana,
        groups: &groups,
        events: &events,
        more: Some("/console/x/events?resource=y".to_owned()),
        curl: links::curl("https://sso.example.com/v1/scim/users/scim_user_12vqjrnxk9xeov6o4f05pan0g"),
        now: now(),
    };
    sample("console-scim-user", "Dana Okafor", Tab::Users, scim_users::show::view(&shown));
    let gone = user(12, "", true, true, json!({ "userName": "<script>alert(1)</script>" }));
    let shown = ScimUserPage { user: &gone, groups: &[], events: &[], more: None, ..shown };
    sample(
        "console-scim-user-deleted",
        "<script>alert(1)</script>",
        Tab::Users,
        scim_users::show::view(&shown),
    );
}

#[test]
fn group_samples() {
    let group = |bits, name: &str, deleted, members: Option<Value>| {
        let mut attributes = object(json!({ "displayName": name, "externalId": "7d7e-<x>" }));
        attributes.extend(members.map(|members| ("members".to_owned(), members)));
        DirectoryGroup {
            id: Id::from_bits(bits),
            directory_id: Id::from_bits(2),
            display_name: name.to_owned(),
            deleted,
            attributes,
        }
    };
    let groups = Page {
        items: vec![
            group(
                20,
                "Engineering",
                false,
                Some(json!([{ "value": "scim_user_a" }, { "value": "scim_group_b" }])),
            ),
            group(21, "Everybody", false, None),
            group(22, "", true, Some(json!([]))),
        ],
        next_token: String::new(),
    };
    let place = ListUrl::read("/console/x/scim-directories/y/groups", "", &["q"]);
    let address = |group: &DirectoryGroup| format!("/console/x/groups/{}", group.id);
    sample("console-scim-groups", "Groups", Tab::Groups, scim_groups::list::view(&groups, &place, &address));
    let none = Page { items: Vec::new(), next_token: String::new() };
    sample(
        "console-scim-groups-empty",
        "Groups",
        Tab::Groups,
        scim_groups::list::view(&none, &place, &address),
    );
    let place = ListUrl::read("/console/x/groups/y", "", &[]);
    let curl = links::curl("https://sso.example.com/v1/scim/groups/scim_group_12vqjrnxk9xeov6o4f05pan0g");
    let view = scim_groups::show::view(
        &groups.items[0],
        &people(),
        &place,
        &href,
        "/console/x/events?resource=y",
        &curl,
    );
    sample("console-scim-group", "Engineering", Tab::Groups, view);
}

#[test]
fn request_samples() {
    let request = |method: &str, path: &str, status, error: Option<&str>| ScimRequest {
        id: Id::from_bits(30),
        directory_id: Id::from_bits(2),
        at: now() - Duration::from_secs(42),
        method: method.to_owned(),
        path: format!("/v1/scim/scim_directory_12vqjrnxk9xeov6o4f05pan0g{path}"),
        status,
        duration_ms: 12,
        request_body: None,
        response_body: None,
        error: error.map(str::to_owned),
    };
    let requests = Page {
        items: vec![
            request("POST", "/Users", 201, None),
            request(
                "PATCH",
                "/Groups/scim_group_12vqjrnxk9xeov6o4f05pan0g?attributes=displayName,members.value,members.display",
                400,
                Some("invalidPath"),
            ),
            request("GET", "/Users?filter=userName%20eq%20%22%3Cscript%3E%22", 404, Some("notFound")),
            request("DELETE", "/Users/x", 500, Some("internal")),
        ],
        next_token: "T2".to_owned(),
    };
    let place =
        ListUrl::read("/console/x/requests", "method=PATCH&status=4xx", &["method", "status", "error"]);
    let address = |request: &ScimRequest| format!("/console/x/requests/{}", request.id);
    let none = FormErrors::none();
    let view = scim_requests::list::view(&requests, &place, &none, &address, BASE, now());
    sample("console-scim-requests", "Requests", Tab::Requests, view);
    let empty = Page { items: Vec::new(), next_token: String::new() };
    let unfiltered = ListUrl::read("/console/x/requests", "", &["method"]);
    let view = scim_requests::list::view(&empty, &unfiltered, &none, &address, BASE, now());
    sample("console-scim-requests-empty", "Requests", Tab::Requests, view);
    let errors = FormErrors::one("status", "must be a status such as 404, or a class such as 4xx");
    let view = scim_requests::list::view(&empty, &place, &errors, &address, BASE, now());
    sample("console-scim-requests-wrong", "Requests", Tab::Requests, view);

    let mut refused = request("POST", "/Users", 400, Some("invalidValue"));
    refused.request_body = Some(r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"dana@gmail.example","name":{"givenName":"<b>Dana</b>"}}"#.to_owned());
    refused.response_body = Some(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","scimType":"invalidValue","detail":"userName: \"dana@gmail.example\" is not of the organization's domains (acme.example)"}"#.to_owned());
    sample(
        "console-scim-request-refused",
        "POST /Users",
        Tab::Requests,
        scim_requests::show::view(&refused, "POST /Users", now()),
    );
    let mut done = request("GET", "/Users?startIndex=1&count=100", 200, None);
    done.response_body =
        Some(format!("{{\"totalResults\":1,\"Resources\":[{{\"x\":\"{}\" … cut", "y".repeat(500)));
    sample(
        "console-scim-request-done",
        "GET /Users",
        Tab::Requests,
        scim_requests::show::view(&done, "GET /Users", now()),
    );
}
