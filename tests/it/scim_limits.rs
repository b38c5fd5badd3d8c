//! What one request of a directory may cost: large bodies, many operations, large groups. Work is counted
//! in statements of a transaction and in units, never in seconds.

use std::{collections::BTreeSet, time::Duration};

use base::{
    id::{Id, ScimGroupId},
    time::Clock as _,
};
use model::scim_group::{ScimMember, ScimMemberId};
use ostiary::{
    app::{
        Error,
        directories::{
            self,
            provisioning::bulk::{self, OrderedBulkRequest},
            request_log,
        },
    },
    store,
};
use reqwest::{Method, header};
use scim::{json, work_budget::MAX_WORK_UNITS};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::{
    both,
    support::{
        Backend, TestApp, eventually,
        scim::{TestDirectory, id, patch},
    },
};

/// How many members a large group has.
const MANY: u128 = 10_000;

/// The id of a group member that does not exist as a user.
fn unknown_member(number: u128) -> ScimMemberId {
    ScimMemberId::User(Id::from_bits(number))
}

/// A group of so many; every other one has a display of its own.
async fn large_group(app: &TestApp, directory: &TestDirectory, count: u128) -> String {
    let group = app.scim_group(directory, "Everybody", &[]).await;
    let group_id: ScimGroupId = id(&group).parse().unwrap();
    let members: Vec<ScimMember> = (1..=count)
        .map(|number| {
            let display = Map::from_iter([("display".to_owned(), Value::from(format!("Old {number}")))]);
            let attributes = if number % 2 == 0 { display } else { Map::new() };
            ScimMember { id: unknown_member(number), attributes }
        })
        .collect();
    let mut tx = app.state.db.write().await.unwrap();
    store::scim_members::insert(&mut tx, directory.id, group_id, &members, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    id(&group).to_owned()
}

async fn member_count(app: &TestApp, group: &str) -> i64 {
    let mut conn = app.state.db.read().await.unwrap();
    store::scim_members::count(&mut conn, &[group.parse().unwrap()]).await.unwrap()[0]
}

/// How many statements the longest transaction since [`flush_log`] ran. That of the log of requests, which
/// another task writes, is one of them, and short.
async fn longest_transaction(app: &TestApp) -> u64 {
    app.state.db.take_longest_transaction()
}

/// Writes the log of requests now, so that its task does not do it while statements are counted.
async fn flush_log(app: &TestApp) {
    request_log::flush(&app.state).await.unwrap();
    app.state.db.take_longest_transaction();
}

both! {
    async fn a_body_of_too_many_names_or_values_is_refused(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let of = |pairs: Vec<String>| format!("{{\"userName\":\"b@acme.example\",{}}}", pairs.join(","));
        let urns: Vec<String> = (0..30_000).map(|n| format!("\"urn:a:{n}\"")).collect();
        let bodies = [
            ("many names", 413, of((0..100_000).map(|n| format!("\"{n:04x}\":1")).collect())),
            ("many names deeper", 413, of(vec![format!("\"a\":{{{}}}", (0..100_000).map(|n| format!("\"{n:04x}\":1")).collect::<Vec<_>>().join(","))])),
            ("many objects", 413, of(vec![format!("\"a\":[{}]", vec!["{\"b\":1}"; 100_000].join(","))])),
            ("many elements", 413, of(vec![format!("\"a\":[{}]", vec!["1"; 400_000].join(","))])),
            ("one name again and again", 400, of(vec!["\"aaaa\":1".to_owned(); 100_000])),
            ("depth", 400, of(vec![format!("\"a\":{}{}", "[".repeat(300_000), "]".repeat(300_000))])),
            ("a long text", 413, of(vec![format!("\"a\":\"{}\"", "x".repeat(1_000_000))])),
            ("a long number", 400, of(vec![format!("\"a\":{}", "9".repeat(1_000_000))])),
            ("a long name", 400, of(vec![format!("\"{}\":1", "n".repeat(1_000_000))])),
            ("many schemas", 400, of(vec![format!("\"schemas\":[{}]", urns.join(","))])),
            ("many Operations", 413, of(vec![format!("\"Operations\":[{}]", vec!["{\"op\":\"remove\",\"path\":\"a\"}"; 25_000].join(","))])),
        ];
        flush_log(&app).await;
        let path = format!("/Users/{}", id(&user));
        for (what, status, body) in bodies {
            // The directory's rate limit is lower than this.
            app.advance(std::time::Duration::from_secs(60));
            assert!(body.len() > 300_000 && body.len() < 1024 * 1024, "{what}: {}", body.len());
            for (method, path) in [
                (Method::POST, "/Users"), (Method::PUT, &*path), (Method::PATCH, &*path), (Method::POST, "/Bulk"), (Method::POST, "/.search"),
            ] {
                let request = app.browser().request(method.clone(), &format!("{}{path}", directory.base))
                    .bearer_auth(&directory.token).body(body.clone());
                let answer = app.browser().send(request).await;
                let expected = match (what, &method, path) {
                    // What is no resource has no limit of its size, and no Operations either.
                    ("a long text", _, "/Bulk") | ("a long text", &Method::PATCH, _) => 400,
                    ("a long text" | "many Operations", _, "/.search") => 200,
                    // Of a resource they are an attribute with too many values.
                    ("many Operations", &Method::PUT, _) | ("many Operations", _, "/Users") => 400,
                    _ => status,
                };
                assert_eq!(answer.status, expected, "{what} {method} {path}: {}", answer.body.chars().take(300).collect::<String>());
            }
        }
        let list = app.scim(&directory, Method::GET, "/Users", None).await.json();
        assert_eq!(list["Resources"], json!([user]));
    }

    async fn filters_over_a_large_group_are_refused_before_the_transaction(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let group = large_group(&app, &directory, MANY).await;
        let path = format!("/Groups/{group}");
        let remove = |filter: &str, count: usize| {
            patch(json!(vec![json!({ "op": "remove", "path": format!("members[{filter}]") }); count]))
        };
        flush_log(&app).await;
        let refused = app.scim(&directory, Method::PATCH, &path, remove("display co \"x\"", 4_000)).await;
        assert_eq!(refused.status, 413, "{}", refused.body);
        let detail = refused.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("10000 members") && detail.contains("members[value eq"), "{detail}");
        let terms: Vec<String> = (0..190).map(|n| format!("display co \"{n}x\"")).collect();
        let refused = app.scim(&directory, Method::PATCH, &path, remove(&terms.join(" or "), 3)).await;
        assert_eq!(refused.status, 413, "{}", refused.body);
        // No transaction of the directory, only that of the log.
        assert!(longest_transaction(&app).await <= 3);
        assert_eq!(member_count(&app, &group).await, MANY as i64);

        // One filter over as many members is executed.
        let done = app.scim(&directory, Method::PATCH, &path, remove("display co \"OLD\"", 1)).await;
        assert_eq!(done.status, 204, "{}", done.body);
        assert_eq!(member_count(&app, &group).await, MANY as i64 / 2);
        // Ten statements remove them, and one each locks, updates, counts and records the event, besides the log.
        let statements = longest_transaction(&app).await;
        assert!(statements <= 16, "{statements}");
    }

    async fn many_changes_of_a_membership_are_few_statements(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let group = large_group(&app, &directory, MANY).await;
        let path = format!("/Groups/{group}");
        let bound = async |what: &str, most: u64| {
            let statements = longest_transaction(&app).await;
            assert!(statements <= most, "{what}: {statements} statements");
            flush_log(&app).await;
        };
        flush_log(&app).await;

        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": id(&user) }] }]);
        assert_eq!(app.scim(&directory, Method::PATCH, &path, patch(add)).await.status, 204);
        bound("one is added", 7).await;
        let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", id(&user)) }]);
        assert_eq!(app.scim(&directory, Method::PATCH, &path, patch(remove)).await.status, 204);
        bound("one is removed", 6).await;

        let in_turn: Vec<Value> = (1..=2_500_u128)
            .flat_map(|number| [
                json!({ "op": "remove", "path": format!("members[value eq \"{}\"]", unknown_member(number)) }),
                json!({ "op": "add", "path": "members", "value": [{ "value": id(&user) }] }),
            ])
            .collect();
        let answer = app.scim(&directory, Method::PATCH, &path, patch(json!(in_turn))).await;
        assert_eq!(answer.status, 204, "{}", answer.body);
        assert_eq!(member_count(&app, &group).await, MANY as i64 - 2_500 + 1);
        bound("2,500 are removed and one added, in turn", 13).await;

        let left: Vec<Value> = (2_501..=MANY).map(|number| json!({ "value": unknown_member(number).to_string() })).collect();
        let whole = json!({ "displayName": "Everybody", "members": left });
        let answer = app.scim(&directory, Method::PUT, &format!("{path}?attributes=id"), Some(whole.clone())).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(member_count(&app, &group).await, MANY as i64 - 2_500);
        bound("7,500 are put, of whom all were there", 7).await;
        let again = app.scim(&directory, Method::PUT, &format!("{path}?attributes=meta"), Some(whole)).await;
        assert_eq!(again.status, 200, "{}", again.body);
        bound("the same once more", 3).await;

        let few = json!({ "displayName": "Everybody", "members": [{ "value": id(&user) }] });
        let answer = app.scim(&directory, Method::PUT, &path, Some(few)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["members"].as_array().unwrap().len(), 1);
        bound("one is put in the place of all", 10).await;
    }

    async fn whoever_leaves_many_groups_leaves_them_by_few_statements(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let group = app.scim_group(&directory, "Inner", &[]).await;
        let now = app.now();
        let mut outer = Vec::new();
        let mut tx = app.state.db.write().await.unwrap();
        for number in 1..=1_200_u128 {
            let id_of_group: ScimGroupId = Id::from_bits(number);
            let stored = model::scim_group::ScimGroup {
                id: id_of_group, directory_id: directory.id, display_name: format!("g{number}"), external_id: None,
                document: Map::from_iter([("displayName".to_owned(), Value::from(format!("g{number}")))]),
                version: 1, created_at: now, updated_at: now, deleted_at: None,
            };
            store::scim_groups::insert(&mut tx, &stored).await.unwrap();
            let both: Vec<ScimMember> = [id(&user), id(&group)].into_iter()
                .map(|member| ScimMember { id: ScimMemberId::parse(member).unwrap(), attributes: Map::new() }).collect();
            store::scim_members::insert(&mut tx, directory.id, id_of_group, &both, now).await.unwrap();
            outer.push(id_of_group);
        }
        tx.commit().await.unwrap();
        for (path, version) in [(format!("/Users/{}", id(&user)), 2), (format!("/Groups/{}", id(&group)), 3)] {
            flush_log(&app).await;
            assert_eq!(app.scim(&directory, Method::DELETE, &path, None).await.status, 204);
            let statements = longest_transaction(&app).await;
            assert!(statements <= 24, "{path}: {statements}");
            let mut conn = app.state.db.read().await.unwrap();
            for group in [&outer[0], &outer[700], &outer[1_199]] {
                let group = store::scim_groups::find(&mut conn, directory.id, *group).await.unwrap().unwrap();
                assert_eq!(group.version, version);
            }
        }
        // Each group's change is one event, in one order without gaps.
        let mut conn = app.state.db.read().await.unwrap();
        let last = store::events::last_sequence(&mut conn, environment.id).await.unwrap();
        let events = store::events::list(&mut conn, environment.id, 0, last, &[], 10_000).await.unwrap();
        assert!(events.iter().map(|event| event.sequence).eq(1..=last));
        let left: BTreeSet<(String, String)> = events.iter()
            .filter(|event| event.kind.as_str() == "scim_group.membership_changed")
            .map(|event| (event.resource_id.clone(), event.data["removed"][0].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(left.len(), 2_400);
    }

    async fn a_user_with_many_addresses_is_changed_by_few_statements(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "a@acme.example").await;
        let path = format!("/Users/{}", id(&user));
        let emails: Vec<Value> = (0..900).map(|n| json!({ "value": format!("a{n}@acme.example") })).collect();
        flush_log(&app).await;
        let all = patch(json!([{ "op": "add", "path": "emails", "value": emails }]));
        assert_eq!(app.scim(&directory, Method::PATCH, &path, all).await.status, 200);
        let none = patch(json!([{ "op": "remove", "path": "emails" }]));
        assert_eq!(app.scim(&directory, Method::PATCH, &path, none).await.status, 200);
        let statements = longest_transaction(&app).await;
        assert!(statements <= 14, "{statements}");
        // Many operations are applied before the transaction.
        let many: Vec<Value> = (0..4_000).map(|n| json!({ "op": "replace", "path": "title", "value": n.to_string() })).collect();
        flush_log(&app).await;
        let answer = app.scim(&directory, Method::PATCH, &path, patch(json!(many))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["title"]), (200, &json!("3999")), "{}", answer.body);
        assert!(longest_transaction(&app).await <= 8);
        // More than a request may take is refused, and nothing is done.
        let each: Vec<Value> = (0..3_000)
            .map(|n| json!({ "op": "add", "path": "roles", "value": [{ "value": format!("r{}", n % 900) }] }))
            .collect();
        let answer = app.scim(&directory, Method::PATCH, &path, patch(json!(each))).await;
        assert_eq!(answer.status, 413, "{}", answer.body);
        assert!(answer.json()["detail"].as_str().unwrap().contains(&MAX_WORK_UNITS.to_string()), "{}", answer.body);
        assert_eq!(app.scim(&directory, Method::GET, &path, None).await.json().get("roles"), None);
    }

    async fn a_filter_and_those_who_are_added_meanwhile_both_win(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let mut users = Vec::new();
        for number in 0..6 {
            users.push(id(&app.scim_user(&directory, &format!("user{number}@acme.example")).await).to_owned());
        }
        let group = large_group(&app, &directory, 2_000).await;
        let path = format!("/Groups/{group}");
        let mut requests: Vec<Option<Value>> = users.iter()
            .map(|user| patch(json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }])))
            .collect();
        requests.insert(2, patch(json!([{ "op": "remove", "path": "members[display sw \"old\"]" }])));
        let sent: Vec<_> = requests.into_iter().map(|body| {
            let browser = app.browser();
            let request = browser.request(Method::PATCH, &format!("{}{path}", directory.base))
                .bearer_auth(&directory.token)
                .header(header::CONTENT_TYPE, "application/scim+json")
                .body(body.unwrap().to_string());
            actix_web::rt::spawn(async move { browser.send(request).await })
        }).collect();
        for answer in sent {
            let answer = answer.await.unwrap();
            assert_eq!(answer.status, 204, "{}", answer.body);
        }
        assert_eq!(member_count(&app, &group).await, 1_000 + 6);
    }

    async fn a_bulk_request_tells_of_each_operation_also_when_its_time_is_over(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let config = app.scim(&directory, Method::GET, "/ServiceProviderConfig", None).await.json();
        assert_eq!(config["bulk"], json!({ "supported": true, "maxOperations": bulk::MAX_OPERATIONS, "maxPayloadSize": 1024 * 1024 }));
        let body = bulk_of(bulk::MAX_OPERATIONS + 1);
        let refused = app.scim(&directory, Method::POST, "/Bulk", Some(body)).await;
        assert_eq!(refused.status, 413, "{}", refused.body);
        assert_eq!(json::parse(refused.body.as_bytes()).unwrap()["status"], "413");

        let opened = directories::authenticate(&app.state, directory.id, &directory.token).await.unwrap();
        let outcomes = bulk::run(&app.state, &opened, OrderedBulkRequest::parse(bulk_of(3)).unwrap(), app.clock.now()).await;
        let outcomes = outcomes["Operations"].as_array().unwrap();
        assert_eq!(outcomes.len(), 3);
        for outcome in outcomes {
            assert_eq!(outcome["status"], "429");
            assert!(outcome["response"]["detail"].as_str().unwrap().contains("nothing was done"), "{outcome}");
        }
        let list = app.scim(&directory, Method::GET, "/Users", None).await.json();
        assert_eq!(list["totalResults"], 0);
        let later = app.clock.now() + Duration::from_millis(1);
        let outcomes = bulk::run(&app.state, &opened, OrderedBulkRequest::parse(bulk_of(3)).unwrap(), later).await;
        assert!(outcomes["Operations"].as_array().unwrap().iter().all(|outcome| outcome["status"] == "201"), "{outcomes}");
    }

    async fn a_directory_has_one_bulk_request_at_a_time(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let other = app.scim_directory(&app.tenant(&environment, "other.example").await).await;
        let run = app.state.bulk_executor.acquire(directory.id).unwrap();
        let refused = app.scim(&directory, Method::POST, "/Bulk", Some(bulk_of(1))).await;
        assert_eq!(refused.status, 429, "{}", refused.body);
        assert!(refused.headers.contains_key(header::RETRY_AFTER));
        let answer = app.scim(&other, Method::POST, "/Bulk", Some(json!({ "Operations": [] }))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        drop(run);
        assert_eq!(app.scim(&directory, Method::POST, "/Bulk", Some(bulk_of(1))).await.status, 200);
        let all: Vec<_> = (1..=4_u128).map(|n| app.state.bulk_executor.acquire(Id::from_bits(n)).unwrap()).collect();
        // Without a free permit it is an overload, not this directory's own limit.
        assert!(matches!(app.state.bulk_executor.acquire(directory.id), Err(Error::Unavailable { .. })));
        drop(all);
        assert!(app.state.bulk_executor.acquire(directory.id).is_ok());
    }

    async fn a_client_who_hangs_up_does_not_end_its_bulk_request(app: TestApp) {
        const COUNT: usize = 60;
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let body = bulk_of(COUNT).to_string();
        let address = app.base.trim_start_matches("http://").to_owned();
        let path = directory.base.trim_start_matches(&app.base);
        let request = format!(
            "POST {path}/Bulk HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
            directory.token, body.len(),
        );
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        // Hangs up once the first of them is there.
        let count = async || {
            let mut conn = app.state.db.read().await.unwrap();
            store::scim_users::count(&mut conn, directory.id, None).await.unwrap()
        };
        eventually("a first user", async || (count().await > 0).then_some(())).await;
        drop(stream);
        // Its permit is free once all operations are done.
        let free = async || app.state.bulk_executor.acquire(directory.id).ok().map(drop);
        eventually("the permit of the request", free).await;
        assert_eq!(count().await, COUNT as i64);
    }

    async fn what_was_taken_to_be_logged_is_logged_though_its_writer_is_dropped(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let key = app.api_key(&environment, true).await;
        // The first use of a token is a write of its own.
        assert_eq!(app.scim(&directory, Method::GET, "/Users", None).await.status, 200);
        let mut hold = app.state.db.write().await.unwrap();
        hold.sql(match app.backend {
            Backend::Sqlite => "UPDATE scim_requests SET status = status",
            Backend::Postgres => "LOCK TABLE scim_requests IN SHARE MODE",
        }).execute().await.unwrap();
        assert_eq!(app.scim(&directory, Method::GET, "/Users?count=7", None).await.status, 200);
        let before = app.state.db.requested_writes();
        {
            let mut flush = std::pin::pin!(request_log::flush(&app.state));
            tokio::select! {
                _ = &mut flush => panic!("it did not wait"),
                () = app.write_blocked(before) => {}
            }
        }
        drop(hold);
        let path = format!("/v1/scim-requests?scimDirectoryId={}", directory.id);
        let logged = app.api(&key, Method::GET, &path, None).await;
        assert_eq!(logged.body.matches("count=7").count(), 1, "{}", logged.body);
    }

    async fn a_bulk_request_that_meets_the_servers_stop_is_accounted_for(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let key = app.api_key(&environment, true).await;
        let body = bulk_of(600).to_string();
        let address = app.base.trim_start_matches("http://").to_owned();
        let path = directory.base.trim_start_matches(&app.base);
        let request = format!(
            "POST {path}/Bulk HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}",
            directory.token, body.len(),
        );
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let count = async |app: &TestApp| {
            let mut conn = app.state.db.read().await.unwrap();
            store::scim_users::count(&mut conn, directory.id, None).await.unwrap()
        };
        while count(&app).await == 0 {
            tokio::task::yield_now().await;
        }
        // Reset, so that the thread which took the request has no connection left.
        stream.set_zero_linger().unwrap();
        drop(stream);
        let successor = app.replica().await;
        app.stop().await;

        let made = count(&successor).await;
        assert!((1..600).contains(&made), "{made}");
        let path = format!("/v1/scim-requests?scimDirectoryId={}", directory.id);
        let logged = successor.api(&key, Method::GET, &path, None).await.json();
        let entry = &logged["scimRequests"][0];
        assert_eq!((&entry["error"], &entry["status"]), (&json!("unanswered"), &json!(200)), "{logged}");
    }
}

/// A Bulk request that makes so many users.
fn bulk_of(count: usize) -> Value {
    let operations: Vec<Value> = (0..count)
        .map(|n| json!({ "method": "POST", "path": "/Users", "bulkId": n.to_string(), "data": { "userName": format!("u{n}") } }))
        .collect();
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations })
}
