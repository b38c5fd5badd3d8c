//! Groups of the users of identity pools, over SecureAuth's identity API.

use std::time::Duration;

use base::id::{Id, OrganizationId, UserGroupId};
use model::{
    environment::Environment,
    identity_pool::IdentityPool,
    organization::{Organization, root_id},
    user_group::UserGroup,
};
use ostiary::{
    app::{
        accounts::groups, accounts::pools, organizations::OrganizationChange, principal::Principal, resource,
    },
    store::{self, table},
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    both,
    support::{Answer, TestApp, random},
};

const NOBODY: &str = "00000000000000000000000000000001";

async fn pool(app: &TestApp, environment: &Environment, organization_id: OrganizationId) -> IdentityPool {
    let pool = IdentityPool::new(Id::new(app.now(), random()), environment.id, organization_id, app.now());
    let mut tx = app.state.db.write().await.unwrap();
    table::insert(&mut tx, &pool).await.unwrap();
    tx.commit().await.unwrap();
    pool
}

/// The path of a pool, as a program of the environment `prod` calls it.
fn path(pool: &IdentityPool) -> String {
    format!("/api/identity/prod/system/pools/{:032x}", pool.id.bits())
}

async fn set_up(app: &TestApp) -> (Environment, IdentityPool, String) {
    let environment = app.environment("prod").await;
    let pool = pool(app, &environment, root_id(environment.id)).await;
    let token = app.system_token(&environment, &["identity"]).await;
    (environment, pool, token)
}

fn id(made: &Answer) -> String {
    assert_eq!(made.status, 201, "{}", made.body);
    made.json()["id"].as_str().unwrap().to_owned()
}

/// Creates a group, and returns its id as the surface writes it.
async fn group(app: &TestApp, token: &str, pool: &IdentityPool, name: &str) -> String {
    let body = json!({ "name": name, "user_pool_id": "" });
    id(&app.call(token, Method::POST, &format!("{}/groups", path(pool)), Some(body)).await)
}

/// Creates a user, and returns its id as the surface writes it.
async fn user(app: &TestApp, token: &str, pool: &IdentityPool, name: &str) -> String {
    let identifiers = json!([{ "type": "uid", "identifier": name }]);
    let body = json!({ "status": "active", "identifiers": identifiers });
    id(&app.call(token, Method::POST, &format!("{}/users", path(pool)), Some(body)).await)
}

fn code(answer: &Answer) -> (u16, String) {
    let code = answer.json()["error_code"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), code)
}

async fn names(app: &TestApp, token: &str, path: &str) -> Vec<String> {
    let answer = app.call(token, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let groups = answer.json();
    groups.as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap().to_owned()).collect()
}

/// The ids of the users in a list.
async fn users(app: &TestApp, token: &str, path: &str) -> Vec<String> {
    let answer = app.call(token, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let users = answer.json();
    users["users"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap().to_owned()).collect()
}

async fn rows(app: &TestApp, text: &'static str) -> i64 {
    app.state.db.read().await.unwrap().sql(text).one::<(i64,)>().await.unwrap().0
}

/// What the audit log says of a group, the oldest first.
async fn recorded(app: &TestApp, group: &str) -> Vec<String> {
    let id: UserGroupId = group.parse().unwrap();
    let text = "SELECT action || ' ' || after FROM audit_events WHERE target_id = $1 ORDER BY id";
    let rows: Vec<(String,)> = app.state.db.read().await.unwrap().sql(text).bind(id).all().await.unwrap();
    rows.into_iter().map(|(entry,)| entry).collect()
}

async fn conditionally(
    app: &TestApp,
    token: &str,
    method: Method,
    path: &str,
    tag: &'static str,
    body: Value,
) -> Answer {
    let browser = app.browser();
    let request = browser.request(method, &app.url(path)).bearer_auth(token).header(header::IF_MATCH, tag);
    browser.send(request.header(header::CONTENT_TYPE, "application/json").body(body.to_string())).await
}

/// Erases what removed pools, organizations and groups left behind, a day later.
async fn erase(app: &TestApp) {
    let later = app.now() + Duration::from_secs(24 * 3600);
    loop {
        let mut tx = app.state.db.write().await.unwrap();
        let gone = store::deleted_users::remove_old(&mut tx, later).await.unwrap();
        tx.commit().await.unwrap();
        if gone == 0 {
            break;
        }
    }
}

both! {
    async fn a_group_is_created_read_renamed_and_deleted(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let groups = format!("{}/groups", path(&pool));
        let body = json!({ "name": "  Administrators ", "description": "Who may\neverything", "more": 1 });
        let made = app.call(&token, Method::POST, &groups, Some(body)).await;
        assert_eq!((made.status.as_u16(), made.header("etag")), (201, "W/\"1\""), "{}", made.body);
        let made = made.json();
        let mut members: Vec<&str> = made.as_object().unwrap().keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["created_at", "description", "id", "name", "tenant_id", "updated_at", "user_pool_id"]);
        assert_eq!((&made["name"], &made["tenant_id"]), (&json!("Administrators"), &json!("prod")));
        assert_eq!(made["user_pool_id"], json!(format!("{:032x}", pool.id.bits())));
        let id = made["id"].as_str().unwrap();
        assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");

        let one = format!("{groups}/{id}");
        let read = app.call(&token, Method::GET, &one, None).await;
        assert_eq!((read.json(), read.header("etag")), (made.clone(), "W/\"1\""));
        // What is shown can be put back, and nothing changes.
        let again = app.call(&token, Method::PUT, &one, Some(made.clone())).await;
        assert_eq!((again.json(), again.header("etag")), (made.clone(), "W/\"1\""));
        app.advance(Duration::from_secs(1));
        // Its own name in another spelling is free.
        let changed = app.call(&token, Method::PUT, &one, Some(json!({ "name": "ADMINISTRATORS" }))).await;
        assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "W/\"2\""), "{}", changed.body);
        let changed = changed.json();
        assert_eq!((&changed["name"], &changed["description"]), (&json!("ADMINISTRATORS"), &json!("")));
        assert_eq!(changed["created_at"], made["created_at"]);
        assert_ne!(changed["updated_at"], made["updated_at"]);
        let other = app.call(&token, Method::PUT, &one, Some(json!({ "id": NOBODY, "name": "A" }))).await;
        assert_eq!(code(&other), (400, "id_mismatch".into()));

        app.advance(Duration::from_secs(1));
        assert_eq!(app.call(&token, Method::DELETE, &one, None).await.status, 204);
        for method in [Method::GET, Method::DELETE] {
            let gone = app.call(&token, method, &one, None).await;
            assert_eq!(code(&gone), (404, "group_not_found".into()));
        }
        let recorded = recorded(&app, id).await;
        let actions: Vec<&str> = recorded.iter().filter_map(|entry| entry.split(' ').next()).collect();
        assert_eq!(actions, ["user_group.created", "user_group.updated", "user_group.deleted"], "{recorded:?}");
        // The name is free at once.
        group(&app, &token, &pool, "Administrators").await;
    }

    async fn a_name_is_unique_in_its_pool_in_every_spelling(app: TestApp) {
        let (environment, pool, token) = set_up(&app).await;
        let groups = format!("{}/groups", path(&pool));
        group(&app, &token, &pool, "Vertrieb Straße").await;
        let other = group(&app, &token, &pool, "Others").await;
        for name in [
            "Vertrieb Straße", "VERTRIEB STRASSE", "  vertrieb   straße ", "Vertrieb\u{a0}Straße", "Ｖertrieb Straße",
            "Vert\u{200b}rieb Straße",
        ] {
            let body = json!({ "name": name });
            let taken = app.call(&token, Method::POST, &groups, Some(body.clone())).await;
            assert_eq!(code(&taken), (409, "group_name_exists".into()), "{name}: {}", taken.body);
            let renamed = app.call(&token, Method::PUT, &format!("{groups}/{other}"), Some(body)).await;
            assert_eq!(code(&renamed), (409, "group_name_exists".into()), "{name}: {}", renamed.body);
        }
        assert_eq!(names(&app, &token, &groups).await, ["Others", "Vertrieb Straße"]);
        // Another name, and the same in another pool.
        group(&app, &token, &pool, "Vertrieb Strasse 2").await;
        let second = self::pool(&app, &environment, root_id(environment.id)).await;
        group(&app, &token, &second, "VERTRIEB STRASSE").await;
    }

    async fn of_many_who_want_one_name_at_once_one_gets_it(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let calls = (0..32).map(|at| {
            let body = json!({ "name": if at % 2 == 0 { "Admins" } else { "ADMINS" } });
            let (app, token, path) = (&app, &token, format!("{}/groups", path(&pool)));
            async move { code(&app.call(token, Method::POST, &path, Some(body)).await) }
        });
        let answers = futures_util::future::join_all(calls).await;
        assert_eq!(answers.iter().filter(|(status, _)| *status == 201).count(), 1, "{answers:?}");
        let lost = answers.iter().filter(|answer| **answer == (409, "group_name_exists".into())).count();
        assert_eq!((lost, rows(&app, "SELECT COUNT(*) FROM user_groups").await), (31, 1), "{answers:?}");
    }

    async fn what_is_no_group_is_refused(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let groups = format!("{}/groups", path(&pool));
        let one = format!("{groups}/{}", group(&app, &token, &pool, "Admins").await);
        for (body, field) in [
            (json!({}), "name"),
            (json!({ "name": null }), "name"),
            (json!({ "name": "" }), "name"),
            (json!({ "name": " \t " }), "name"),
            (json!({ "name": "\u{200b}\u{2060}" }), "name"),
            (json!({ "name": "a\nb" }), "name"),
            (json!({ "name": "a\u{7}b" }), "name"),
            (json!({ "name": "x".repeat(256) }), "name"),
            (json!({ "name": "x".repeat(10_240) }), "name"),
            (json!({ "name": "a", "description": "x".repeat(10_240) }), "description"),
            (json!({ "name": "a", "description": "a\u{1b}[2Jb" }), "description"),
            (json!({ "name": "a", "user_pool_id": NOBODY }), "user_pool_id"),
            (json!({ "name": "a", "parent_id": NOBODY }), "parent_id"),
        ] {
            for (method, at) in [(Method::POST, &groups), (Method::PUT, &one)] {
                let refused = app.call(&token, method.clone(), at, Some(body.clone())).await;
                assert_eq!(code(&refused), (422, "validation_failed".into()), "{method} {body}: {}", refused.body);
                assert_eq!(refused.json()["details"]["errors"][0]["path"], json!(field), "{body}: {}", refused.body);
            }
        }
        for body in [json!({ "name": 7 }), json!({ "name": ["a"] }), json!({ "name": "a", "description": {} }), json!([]), json!("a")] {
            for (method, at) in [(Method::POST, &groups), (Method::PUT, &one)] {
                let refused = app.call(&token, method, at, Some(body.clone())).await;
                assert_eq!(code(&refused), (400, "invalid_json".into()), "{body}: {}", refused.body);
            }
        }
        let nul = app.call(&token, Method::POST, &groups, Some(json!({ "name": "a\0b" }))).await;
        assert_eq!(code(&nul), (400, "invalid_json".into()));
        for id in ["admins", "0", &"0".repeat(32), &format!("{NOBODY}0")] {
            let refused = app.call(&token, Method::POST, &groups, Some(json!({ "name": "a", "id": id }))).await;
            assert_eq!(code(&refused), (422, "validation_failed".into()), "{id}");
        }
        assert_eq!(names(&app, &token, &groups).await, ["Admins"], "nothing is half-written");
        // An id of the caller's own, once; with a longest name.
        let own = "7c43054447544d269b45796da08013d7";
        let body = json!({ "name": "ß".repeat(255), "id": own, "user_pool_id": format!("{:032x}", pool.id.bits()) });
        assert_eq!(id(&app.call(&token, Method::POST, &groups, Some(body)).await), own);
        let again = app.call(&token, Method::POST, &groups, Some(json!({ "name": "b", "id": own }))).await;
        assert_eq!(code(&again), (409, "group_exists".into()));
    }

    async fn users_come_to_a_group_and_go(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let admins = group(&app, &token, &pool, "Admins").await;
        let sales = group(&app, &token, &pool, "Sales").await;
        let mut people = Vec::new();
        for name in ["ada", "bob", "cem", "dan", "eve"] {
            app.advance(Duration::from_secs(1));
            people.push(user(&app, &token, &pool, name).await);
        }
        let members = format!("{}/groups/{admins}/users", path(&pool));
        assert_eq!(users(&app, &token, &members).await, [""; 0]);
        for person in &people {
            for _ in 0..2 {
                let added = app.call(&token, Method::PUT, &format!("{members}/{person}"), None).await;
                assert_eq!((added.status.as_u16(), added.body.as_str()), (204, ""), "once or twice");
            }
        }
        let ada = format!("{}/users/{}", path(&pool), people[0]);
        let to_sales = format!("{}/groups/{sales}/users/{}", path(&pool), people[0]);
        assert_eq!(app.call(&token, Method::PUT, &to_sales, None).await.status, 204);
        // In the order of their ids, in both directions.
        assert_eq!(users(&app, &token, &members).await, people);
        assert_eq!(users(&app, &token, &format!("{members}?limit=2")).await, people[..2]);
        assert_eq!(users(&app, &token, &format!("{members}?limit=2&after_user_id={}", people[1])).await, people[2..4]);
        assert_eq!(users(&app, &token, &format!("{members}?limit=2&before_user_id={}", people[4])).await, people[2..4]);
        assert_eq!(users(&app, &token, &format!("{members}?after_user_id={}", people[4])).await, [""; 0]);
        for bad in ["limit=0", "after_user_id=x"] {
            let refused = app.call(&token, Method::GET, &format!("{members}?{bad}"), None).await;
            assert_eq!(code(&refused), (422, "validation_failed".into()), "{bad}");
        }
        let listed = app.call(&token, Method::GET, &format!("{members}?limit=1"), None).await.json();
        assert_eq!(listed["users"][0]["identifiers"][0]["identifier"], json!("ada"), "as the users' own list shows them");

        // The groups of a user.
        assert_eq!(names(&app, &token, &format!("{ada}/groups")).await, ["Admins", "Sales"]);
        assert_eq!(names(&app, &token, &format!("{ada}/groups?order=desc&limit=1")).await, ["Sales"]);
        let eve = format!("{}/users/{}/groups", path(&pool), people[4]);
        assert_eq!(names(&app, &token, &eve).await, ["Admins"]);
        assert_eq!(app.call(&token, Method::GET, &format!("{eve}/{admins}"), None).await.status, 204);
        let not_in = (404, "group_member_not_found".to_owned());
        assert_eq!(code(&app.call(&token, Method::GET, &format!("{eve}/{sales}"), None).await), not_in);

        let one = format!("{members}/{}", people[4]);
        assert_eq!(app.call(&token, Method::DELETE, &one, None).await.status, 204);
        assert_eq!(code(&app.call(&token, Method::DELETE, &one, None).await), not_in);
        assert_eq!(users(&app, &token, &members).await, people[..4]);
        assert_eq!(names(&app, &token, &eve).await, [""; 0]);
        // Each change once, and who it was about; the group's version is of its own settings.
        let recorded = recorded(&app, &admins).await;
        assert_eq!(recorded.len(), 1 + 5 + 1, "{recorded:?}");
        let added = recorded.iter().filter(|entry| entry.starts_with("user_group.member_added {\"userId\":\"usr_")).count();
        let removed = recorded.iter().filter(|entry| entry.starts_with("user_group.member_removed {\"userId\":\"usr_")).count();
        assert_eq!((added, removed), (5, 1), "{recorded:?}");
        let group = app.call(&token, Method::GET, &format!("{}/groups/{admins}", path(&pool)), None).await;
        assert_eq!(group.header("etag"), "W/\"1\"");
        // The group goes, its users stay.
        let of_admins = format!("{}/groups/{admins}", path(&pool));
        assert_eq!(app.call(&token, Method::DELETE, &of_admins, None).await.status, 204);
        assert_eq!(names(&app, &token, &format!("{ada}/groups")).await, ["Sales"]);
        assert_eq!(app.call(&token, Method::GET, &ada, None).await.status, 200);
        for (method, at) in [(Method::GET, &members), (Method::PUT, &one), (Method::DELETE, &one)] {
            let gone = app.call(&token, method, at, None).await;
            assert_eq!(code(&gone), (404, "group_not_found".into()), "{at}");
        }
    }

    async fn one_user_is_added_once_however_many_ask(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let admins = group(&app, &token, &pool, "Admins").await;
        let ada = user(&app, &token, &pool, "ada").await;
        let one = format!("{}/groups/{admins}/users/{ada}", path(&pool));
        let add = (0..16).map(|_| app.call(&token, Method::PUT, &one, None));
        let answers = futures_util::future::join_all(add).await;
        assert!(answers.iter().all(|answer| answer.status == 204), "{answers:?}");
        assert_eq!(recorded(&app, &admins).await.len(), 2, "created, and one addition");
        let remove = (0..16).map(|_| app.call(&token, Method::DELETE, &one, None));
        let answers = futures_util::future::join_all(remove).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1, "{answers:?}");
        assert_eq!(recorded(&app, &admins).await.len(), 3);
    }

    async fn groups_are_listed_page_by_page_in_every_order(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let groups = format!("{}/groups", path(&pool));
        let mut ids = Vec::new();
        for name in ["delta", "Alpha", "charlie", "Bravo", "100%_echo"] {
            app.advance(Duration::from_secs(1));
            ids.push(group(&app, &token, &pool, name).await);
        }
        let list = async |query: &str| names(&app, &token, &format!("{groups}?{query}")).await;
        let by_name = ["100%_echo", "Alpha", "Bravo", "charlie", "delta"];
        let made = ["delta", "Alpha", "charlie", "Bravo", "100%_echo"];
        let reversed = |names: [&'static str; 5]| names.into_iter().rev().collect::<Vec<_>>();
        assert_eq!(list("").await, by_name, "by name unless said");
        assert_eq!(list("sort=name&order=desc").await, reversed(by_name));
        assert_eq!(list("sort=id").await, made);
        assert_eq!(list("sort=created_at&order=desc").await, reversed(made));
        for (sort, all) in [("name", by_name), ("id", made), ("created_at", made)] {
            let id_of = |name: &str| &ids[made.iter().position(|one| *one == name).unwrap()];
            let at = |query: String| list_of(&app, &token, format!("{groups}?sort={sort}&limit=2&{query}"));
            assert_eq!(at(String::new()).await, all[..2], "{sort}");
            assert_eq!(at(format!("after_group_id={}", id_of(all[1]))).await, all[2..4], "{sort}");
            assert_eq!(at(format!("after_group_id={}", id_of(all[3]))).await, all[4..], "{sort}");
            assert_eq!(at(format!("before_group_id={}", id_of(all[4]))).await, all[2..4], "{sort}");
            assert_eq!(at(format!("before_group_id={}", id_of(all[1]))).await, all[..1], "{sort}");
            let backwards = at(format!("order=desc&after_group_id={}", id_of(all[3]))).await;
            assert_eq!(backwards, [all[2], all[1]], "{sort}");
        }
        assert_eq!(list("search_phrase=HAR").await, ["charlie"]);
        assert_eq!(list("search_phrase=%25_").await, ["100%_echo"], "what LIKE means by them is not meant");
        assert_eq!(list(&format!("search_phrase={}", ids[3])).await, ["Bravo"]);
        // As SecureAuth's own clients look for them: at the beginning or the end.
        assert_eq!(list("query=%7B%22name%22:%22ALP%22%7D").await, ["Alpha"]);
        assert_eq!(list("query=%7B%22name%22:%22a%22%7D").await, ["Alpha", "delta"]);
        assert_eq!(list("query=%7B%22name%22:%22har%22%7D").await, [""; 0]);
        for bad in [
            "limit=0", "sort=size", "order=up", "after_group_id=x", "query=%5B%5D", "query=%7B%22name%22:7%7D", "parent_id=x",
            &format!("after_group_id={}&before_group_id={}", ids[0], ids[1]), &format!("after_group_id={NOBODY}"),
        ] {
            let refused = app.call(&token, Method::GET, &format!("{groups}?{bad}"), None).await;
            assert_eq!(code(&refused), (422, "validation_failed".into()), "{bad}: {}", refused.body);
        }
    }

    async fn a_change_of_another_version_is_refused(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let one = format!("{}/groups/{}", path(&pool), group(&app, &token, &pool, "Admins").await);
        let ada = format!("{one}/users/{}", user(&app, &token, &pool, "ada").await);
        let call = |method, at, tag, body| conditionally(&app, &token, method, at, tag, body);
        let outdated = (412, "etag_mismatch".to_owned());
        assert_eq!(code(&call(Method::PUT, &one, "\"9\"", json!({ "name": "B" })).await), outdated);
        let changed = call(Method::PUT, &one, "W/\"1\"", json!({ "name": "B" })).await;
        assert_eq!((changed.status.as_u16(), changed.header("etag")), (200, "W/\"2\""));
        for method in [Method::PUT, Method::DELETE] {
            assert_eq!(code(&call(method, &ada, "\"1\"", json!({})).await), outdated);
        }
        assert_eq!(call(Method::PUT, &ada, "\"2\"", json!({})).await.status, 204);
        assert_eq!(code(&call(Method::DELETE, &one, "\"1\"", json!({})).await), outdated);
        assert_eq!(call(Method::DELETE, &one, "*", json!({})).await.status, 204);
    }

    async fn groups_and_users_of_others_are_not_there(app: TestApp) {
        let (environment, pool, token) = set_up(&app).await;
        let second = self::pool(&app, &environment, root_id(environment.id)).await;
        let other = app.environment("other").await;
        let foreign = self::pool(&app, &other, root_id(other.id)).await;
        let foreign_token = app.system_token(&other, &["identity"]).await;
        let own = group(&app, &token, &pool, "Own").await;
        let theirs = group(&app, &token, &second, "Theirs").await;
        let (ada, bob) = (user(&app, &token, &pool, "ada").await, user(&app, &token, &second, "bob").await);
        let in_other = format!("/api/identity/other/system/pools/{:032x}", foreign.id.bits());
        let eve = id(&app.call(&foreign_token, Method::POST, &format!("{in_other}/users"), Some(json!({ "status": "active" }))).await);
        let far = id(&app.call(&foreign_token, Method::POST, &format!("{in_other}/groups"), Some(json!({ "name": "Far" }))).await);
        let own = format!("{}/groups/{own}", path(&pool));
        for person in [&bob, &eve, &NOBODY.to_owned(), &"x".to_owned()] {
            for method in [Method::PUT, Method::DELETE] {
                let refused = app.call(&token, method, &format!("{own}/users/{person}"), None).await;
                assert_eq!(code(&refused), (404, "user_not_found".into()), "{person}");
            }
            let groups = app.call(&token, Method::GET, &format!("{}/users/{person}/groups", path(&pool)), None).await;
            assert_eq!(code(&groups), (404, "user_not_found".into()), "{person}");
        }
        // Groups of another pool and of another environment, through the own pool.
        for other in [&theirs, &far, &NOBODY.to_owned(), &"x".to_owned()] {
            let at = format!("{}/groups/{other}", path(&pool));
            for (method, at, body) in [
                (Method::GET, at.clone(), None), (Method::PUT, at.clone(), Some(json!({ "name": "Mine" }))),
                (Method::DELETE, at.clone(), None), (Method::GET, format!("{at}/users"), None),
                (Method::PUT, format!("{at}/users/{ada}"), None), (Method::DELETE, format!("{at}/users/{ada}"), None),
                (Method::GET, format!("{}/users/{ada}/groups/{other}", path(&pool)), None),
            ] {
                let refused = app.call(&token, method.clone(), &at, body).await;
                assert_eq!(code(&refused), (404, "group_not_found".into()), "{method} {at}: {}", refused.body);
            }
        }
        // The pool of the other environment, by our own path and by theirs.
        let at = format!("/api/identity/prod/system/pools/{:032x}/groups", foreign.id.bits());
        for (method, body) in [(Method::GET, None), (Method::POST, Some(json!({ "name": "a" })))] {
            let refused = app.call(&token, method.clone(), &at, body.clone()).await;
            assert_eq!(code(&refused), (404, "pool_not_found".into()));
            let refused = app.call(&token, method, &format!("{in_other}/groups"), body).await;
            assert_eq!(code(&refused), (403, "tenant_mismatch".into()));
        }
        // Without the scope, and without a token.
        let weak = app.system_token(&environment, &["manage_organizations", "view_audit_events"]).await;
        let groups = format!("{}/groups", path(&pool));
        for (method, at, body) in [
            (Method::GET, groups.clone(), None), (Method::POST, groups.clone(), Some(json!({ "name": "a" }))),
            (Method::GET, own.clone(), None), (Method::PUT, own.clone(), Some(json!({ "name": "a" }))),
            (Method::DELETE, own.clone(), None), (Method::GET, format!("{own}/users"), None),
            (Method::PUT, format!("{own}/users/{ada}"), None), (Method::DELETE, format!("{own}/users/{ada}"), None),
            (Method::GET, format!("{}/users/{ada}/groups", path(&pool)), None),
        ] {
            let refused = app.call(&weak, method.clone(), &at, body.clone()).await;
            assert_eq!(code(&refused), (403, "insufficient_scope".into()), "{method} {at}");
            assert_eq!(code(&app.call("x", method, &at, body).await), (401, "unauthorized".into()));
        }
        assert_eq!(names(&app, &token, &groups).await, ["Own"], "nothing changed");
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM user_group_members").await, 0);
    }

    async fn administrators_have_paths_of_their_own(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let admin = path(&pool).replace("/system/", "/admin/");
        let made = app.call(&token, Method::POST, &format!("{admin}/groups"), Some(json!({ "name": "Admins" }))).await;
        let one = format!("{admin}/groups/{}", id(&made));
        let ada = user(&app, &token, &pool, "ada").await;
        assert_eq!(app.call(&token, Method::PUT, &format!("{one}/users/{ada}"), None).await.status, 204);
        assert_eq!(users(&app, &token, &format!("{one}/users")).await, [&*ada]);
        assert_eq!(names(&app, &token, &format!("{admin}/users/{ada}/groups")).await, ["Admins"]);
        assert_eq!(names(&app, &token, &format!("{}/groups", path(&pool))).await, ["Admins"], "the same groups");
        assert_eq!(app.call(&token, Method::DELETE, &format!("{one}/users/{ada}"), None).await.status, 204);
        assert_eq!(app.call(&token, Method::DELETE, &one, None).await.status, 204);
    }

    async fn who_is_deleted_is_in_no_group_any_more(app: TestApp) {
        let (_, pool, token) = set_up(&app).await;
        let admins = group(&app, &token, &pool, "Admins").await;
        let (ada, bob) = (user(&app, &token, &pool, "ada").await, user(&app, &token, &pool, "bob").await);
        let members = format!("{}/groups/{admins}/users", path(&pool));
        for person in [&ada, &bob] {
            assert_eq!(app.call(&token, Method::PUT, &format!("{members}/{person}"), None).await.status, 204);
        }
        assert_eq!(app.call(&token, Method::DELETE, &format!("{}/users/{ada}", path(&pool)), None).await.status, 204);
        assert_eq!(users(&app, &token, &members).await, [&*bob]);
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM user_group_members").await, 1);
        // A group that is removed leaves nothing behind, in the end.
        let one = format!("{}/groups/{admins}", path(&pool));
        assert_eq!(app.call(&token, Method::DELETE, &one, None).await.status, 204);
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM user_groups").await, 1, "its members may be many");
        erase(&app).await;
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM user_groups").await, 0);
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM user_group_members").await, 0);
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM users").await, 1);
    }

    async fn groups_go_with_their_pool_and_their_organization(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let root = root_id(environment.id);
        let pools = [
            pool(&app, &environment, tenant.organization.id).await,
            pool(&app, &environment, root).await,
            pool(&app, &environment, root).await,
            pool(&app, &environment, root).await,
        ];
        let token = app.system_token(&environment, &["identity"]).await;
        for pool in &pools {
            let admins = group(&app, &token, pool, "Admins").await;
            group(&app, &token, pool, "Empty").await;
            let ada = user(&app, &token, pool, "ada").await;
            let one = format!("{}/groups/{admins}/users/{ada}", path(pool));
            assert_eq!(app.call(&token, Method::PUT, &one, None).await.status, 204);
        }
        let principal = Principal::operator(environment.id);
        // One with users, one that has only groups left, and an organization's.
        assert_eq!(app.call(&token, Method::DELETE, &path(&pools[1]), None).await.status, 204);
        let last = users(&app, &token, &format!("{}/users", path(&pools[2]))).await;
        let at = format!("{}/users/{}", path(&pools[2]), last[0]);
        assert_eq!(app.call(&token, Method::DELETE, &at, None).await.status, 204);
        assert_eq!(app.call(&token, Method::DELETE, &path(&pools[2]), None).await.status, 204);
        resource::remove::<Organization>(&app.state, &principal, tenant.organization.id, None).await.unwrap();
        for pool in &pools[..3] {
            let gone = app.call(&token, Method::GET, &format!("{}/groups", path(pool)), None).await;
            assert_eq!(code(&gone), (404, "pool_not_found".into()));
        }
        let found = names(&app, &token, &format!("{}/groups", path(&pools[3]))).await;
        assert_eq!(found, ["Admins", "Empty"]);
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM user_groups").await, 8);
        erase(&app).await;
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM user_groups").await, 2);
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM user_group_members").await, 1);
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM identity_pools").await, 1);
        let later = app.now() + Duration::from_secs(24 * 3600);
        loop {
            let mut tx = app.state.db.write().await.unwrap();
            let gone = store::deleted_organizations::remove_old(&mut tx, later).await.unwrap();
            tx.commit().await.unwrap();
            if gone == 0 { break; }
        }
        assert_eq!(rows(&app, "SELECT COUNT(*) FROM user_groups").await, 2);
    }

    async fn groups_are_not_copied_from_a_template_and_it_takes_none(app: TestApp) {
        let environment = app.environment("prod").await;
        let token = app.system_token(&environment, &["identity", "manage_organizations"]).await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let from = pool(&app, &environment, tenant.organization.id).await;
        group(&app, &token, &from, "Admins").await;
        let to = app.tenant(&environment, "copy.example").await;
        let principal = Principal::operator(environment.id);
        let mut tx = app.state.db.write().await.unwrap();
        let copies = pools::copy_to(&mut tx, &app.state, &principal, tenant.organization.id, to.organization.id).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(copies.len(), 1);
        assert_eq!(names(&app, &token, &format!("{}/groups", path(&copies[0]))).await, [""; 0]);
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE organizations SET is_template = TRUE WHERE id = $1 AND deleted_at IS NULL")
            .bind(tenant.organization.id).execute().await.unwrap();
        tx.commit().await.unwrap();
        let refused = app.call(&token, Method::POST, &format!("{}/groups", path(&from)), Some(json!({ "name": "a" }))).await;
        assert_eq!(code(&refused), (409, "organization_is_template".into()));
    }

    async fn in_an_organization_that_is_switched_off_groups_only_go(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let pool = pool(&app, &environment, tenant.organization.id).await;
        let token = app.system_token(&environment, &["identity"]).await;
        let admins = group(&app, &token, &pool, "Admins").await;
        let (ada, bob) = (user(&app, &token, &pool, "ada").await, user(&app, &token, &pool, "bob").await);
        let one = format!("{}/groups/{admins}", path(&pool));
        assert_eq!(app.call(&token, Method::PUT, &format!("{one}/users/{ada}"), None).await.status, 204);
        let change = OrganizationChange { disabled: Some(true), ..Default::default() };
        let principal = Principal::operator(environment.id);
        resource::update::<Organization>(&app.state, &principal, tenant.organization.id, None, &change).await.unwrap();
        for (method, at, body) in [
            (Method::POST, format!("{}/groups", path(&pool)), Some(json!({ "name": "a" }))),
            (Method::PUT, one.clone(), Some(json!({ "name": "a" }))), (Method::PUT, format!("{one}/users/{bob}"), None),
        ] {
            let refused = app.call(&token, method, &at, body).await;
            assert_eq!(code(&refused), (409, "failed_precondition".into()), "{at}");
        }
        assert_eq!(names(&app, &token, &format!("{}/groups", path(&pool))).await, ["Admins"]);
        assert_eq!(app.call(&token, Method::DELETE, &format!("{one}/users/{ada}"), None).await.status, 204);
        assert_eq!(app.call(&token, Method::DELETE, &one, None).await.status, 204);
    }

    async fn a_user_is_in_a_bounded_number_of_groups(app: TestApp) {
        let (environment, pool, token) = set_up(&app).await;
        let ada: base::id::UserId = user(&app, &token, &pool, "ada").await.parse().unwrap();
        let principal = Principal::operator(environment.id);
        let mut tx = app.state.db.write().await.unwrap();
        for at in 0..1000 {
            let group = UserGroup {
                id: Id::from_bits(1000 + at),
                environment_id: environment.id,
                organization_id: pool.organization_id,
                pool_id: pool.id,
                version: 1,
                name: format!("g{at}"),
                description: String::new(),
                created_at: app.now(),
                updated_at: app.now(),
            };
            table::insert(&mut tx, &group).await.unwrap();
            store::user_groups::add_member(&mut tx, group.id, ada, app.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        let more: UserGroupId = group(&app, &token, &pool, "one more").await.parse().unwrap();
        let of = (pool.id, more, ada);
        let refused = groups::add_member(&app.state, &principal, of, None).await.unwrap_err();
        assert!(refused.to_string().contains("at most 1000 groups"), "{refused}");
        groups::remove_member(&app.state, &principal, (pool.id, Id::from_bits(1007), ada), None).await.unwrap();
        groups::add_member(&app.state, &principal, of, None).await.unwrap();
    }
}

async fn list_of(app: &TestApp, token: &str, path: String) -> Vec<String> {
    names(app, token, &path).await
}
