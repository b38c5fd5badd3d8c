//! Limits of a directory: its requests, its database connections, its searches and its storage. A large or
//! hostile customer does not slow down others.

use std::time::Duration;

use base::id::EnvironmentId;
use ostiary::store::{PoolShare, scim_usage};
use reqwest::Method;
use scim::filter::MAX_FILTER_TERMS;
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        Answer, IdentityProvider, Tenant, TestApp,
        scim::{TestDirectory, id, patch},
    },
};

/// A filter with the maximum number of comparisons, none of which is translated to SQL.
fn hostile(path: &str) -> String {
    let filter = vec!["title co \"x\""; MAX_FILTER_TERMS - 1].join(" or ");
    format!(
        "{path}?{}",
        url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", &filter).finish()
    )
}

async fn get(app: &TestApp, directory: &TestDirectory, path: &str) -> Answer {
    app.scim(directory, Method::GET, path, None).await
}

/// The same request on a connection of its own, while the scenario goes on.
fn send(app: &TestApp, directory: &TestDirectory, path: &str) -> tokio::task::JoinHandle<Answer> {
    let browser = app.browser();
    let request =
        browser.request(Method::GET, &format!("{}{path}", directory.base)).bearer_auth(&directory.token);
    actix_web::rt::spawn(async move { browser.send(request).await })
}

/// The directory as another replica knows it.
fn at(app: &TestApp, directory: &TestDirectory) -> TestDirectory {
    TestDirectory { base: app.url(&format!("/v1/scim/{}", directory.id)), ..directory.clone() }
}

async fn signs_in(app: &TestApp, tenant: &Tenant) {
    let key = app.api_key(&tenant.environment, false).await;
    let browser = app.browser();
    let request = app.begin(&browser, &key, tenant).await;
    let idp = IdentityProvider::get();
    let email = format!("ada@{}", tenant.organization.domains.first_key_value().unwrap().0);
    let response = idp.sign(&idp.response(tenant, Some(&request.id), &email, app.now()));
    let answer = request.answer(&browser, tenant, &response).await;
    assert_eq!(answer.status, 303, "{answer:#?}");
}

/// Sets the stored user count of a directory without creating users.
async fn set_user_count(app: &TestApp, directory: &TestDirectory, count: i64) {
    let mut tx = app.state.db.write().await.unwrap();
    tx.sql("UPDATE scim_directories SET user_count = $2 WHERE id = $1")
        .bind(directory.id)
        .bind(count)
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// A body of some sixty thousand bytes.
fn large(user_name: &str, filling: char) -> Value {
    json!({ "userName": user_name, "nickName": "n", "title": "keyholder", "x5": filling.to_string().repeat(60_000) })
}

async fn create(app: &TestApp, directory: &TestDirectory, body: Value) -> Answer {
    app.scim(directory, Method::POST, "/Users", Some(body)).await
}

async fn usage(app: &TestApp, directory: &TestDirectory) -> scim_usage::Usage {
    let mut conn = app.state.db.read().await.unwrap();
    scim_usage::find(&mut conn, directory.id, app.now().millis().div_euclid(86_400_000)).await.unwrap()
}

async fn recount(app: &TestApp, environment: EnvironmentId) {
    let mut tx = app.state.db.write().await.unwrap();
    scim_usage::recount(&mut tx, environment).await.unwrap();
    tx.commit().await.unwrap();
}

async fn sum(app: &TestApp, text: &'static str) -> i64 {
    ostiary::app::directories::request_log::flush(&app.state).await.unwrap();
    let row: (i64,) = app.state.db.read().await.unwrap().sql(text).one().await.unwrap();
    row.0
}

fn refused(answer: &Answer, status: u16, words: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    let body = answer.json();
    assert_eq!(body["status"], status.to_string());
    assert!(body["detail"].as_str().unwrap().contains(words), "{body}");
}

both! {
    async fn a_login_goes_through_while_directories_have_used_up_their_connections(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "hostile.example").await).await;
        let other = app.tenant(&environment, "other.example").await;
        app.scim_user(&directory, "eve@hostile.example").await;
        let share = app.state.db.with_share(PoolShare::Directory);
        let mut held = Vec::new();
        while share.free_in_share() > Some(0) {
            held.push(share.read().await.unwrap());
        }
        assert!(held.len() <= 2, "half of the four");
        // Many searches wait for a connection of their share; a login gets one.
        let searches: Vec<_> = (0..32).map(|_| send(&app, &directory, &hostile("/Users"))).collect();
        let writes = (0..8).map(|number| {
            let (browser, url) = (app.browser(), format!("{}/Users", directory.base));
            let body = json!({ "userName": format!("u{number}@hostile.example") }).to_string();
            let request = browser.request(Method::POST, &url).bearer_auth(&directory.token).body(body);
            actix_web::rt::spawn(async move { browser.send(request).await })
        });
        let writes: Vec<_> = writes.collect();
        for _ in 0..3 {
            signs_in(&app, &other).await;
        }
        assert!(searches.iter().chain(&writes).all(|one| !one.is_finished()), "they wait");
        drop(held);
        for search in searches {
            assert_eq!(search.await.unwrap().json()["totalResults"], 0);
        }
        for write in writes {
            assert_eq!(write.await.unwrap().status, 201);
        }
    }

    async fn one_search_of_a_directory_runs_at_a_time_and_its_lookups_do_not_wait_for_it(app: TestApp) {
        let environment = app.environment("prod").await;
        let hostile_one = app.scim_directory(&app.tenant(&environment, "hostile.example").await).await;
        let other = app.scim_directory(&app.tenant(&environment, "other.example").await).await;
        app.scim_user(&hostile_one, "eve@hostile.example").await;
        app.scim_user(&other, "ada@other.example").await;
        let turn = app.state.directory_limits.acquire_search(hostile_one.id).await.unwrap();
        // Fewer than the directory's permits, so that one is left for the lookup.
        let searches: Vec<_> = (0..2).map(|_| send(&app, &hostile_one, &hostile("/Users"))).collect();
        let lookup = get(&app, &hostile_one, "/Users?filter=userName+eq+%22EVE@hostile.example%22").await;
        assert_eq!(lookup.json()["totalResults"], 1, "{}", lookup.body);
        assert_eq!(get(&app, &other, &hostile("/Users")).await.json()["totalResults"], 0, "another directory");
        assert_eq!(get(&app, &other, "/Users").await.json()["totalResults"], 1, "another directory");
        assert!(searches.iter().all(|one| !one.is_finished()), "they wait");
        drop(turn);
        for search in searches {
            assert_eq!(search.await.unwrap().status, 200);
        }
    }

    async fn a_filter_that_costs_too_much_is_refused_before_any_work(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        app.scim_user(&directory, "ada@acme.example").await;
        assert_eq!(get(&app, &directory, &hostile("/Users")).await.json()["totalResults"], 0, "few people");
        set_user_count(&app, &directory, 5_000).await;
        let in_sql = vec!["userName co \"q\""; MAX_FILTER_TERMS - 1].join("+or+").replace(' ', "+").replace('"', "%22");
        let by_title = |terms: usize| {
            let filter = vec!["title+eq+%22x%22"; terms].join("+or+");
            format!("/Users?filter={filter}")
        };
        let before = app.state.db.statements();
        for path in [hostile("/Users"), format!("{}&sortBy=title", hostile("/Users"))] {
            let answer = get(&app, &directory, &path).await;
            refused(&answer, 400, "page by cursor");
            assert_eq!(answer.json()["scimType"], "tooMany");
        }
        assert!(app.state.db.statements() - before <= 8, "the token and the count of users, twice");
        assert_eq!(get(&app, &directory, &by_title(20)).await.json()["totalResults"], 0, "a fair one");
        assert_eq!(get(&app, &directory, &format!("/Users?filter={in_sql}")).await.json()["totalResults"], 0);
        // A scan is bounded too; an index lookup is not.
        set_user_count(&app, &directory, 300_000).await;
        refused(&get(&app, &directory, &format!("/Users?filter={in_sql}")).await, 400, "fewer comparisons");
        let narrowed = vec!["title+co+%22q%22"; MAX_FILTER_TERMS - 2].join("+or+");
        let narrowed = format!("userName+eq+%22ada@acme.example%22+and+({narrowed}+or+userName+pr)");
        let found = get(&app, &directory, &format!("/Users?filter={narrowed}")).await;
        assert_eq!(found.json()["totalResults"], 1, "{}", found.body);
        assert_eq!(get(&app, &directory, "/Users?count=2").await.status, 200, "a list");
    }

    async fn a_filter_that_costs_too_much_comes_in_pieces_by_cursor(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let mut made = Vec::new();
        for number in 0..60 {
            made.push(format!("u{number:02}@acme.example"));
            assert_eq!(create(&app, &directory, large(&made[number], 'x')).await.status, 201);
        }
        // 199 comparisons, 60 resources of 60 KiB: 700,000 units.
        let filter = format!("{}+or+title+eq+%22keyholder%22", vec!["title+co+%22q%22"; MAX_FILTER_TERMS - 2].join("+or+"));
        let answer = get(&app, &directory, &format!("/Users?filter={filter}")).await;
        refused(&answer, 400, "page by cursor");
        let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let path = format!("/Users?filter={filter}&count=100&attributes=userName&cursor={cursor}");
            let page = get(&app, &directory, &path).await;
            assert_eq!(page.status, 200, "{}", page.body);
            let page = page.json();
            let names = page["Resources"].as_array().unwrap().iter();
            found.extend(names.map(|user| user["userName"].as_str().unwrap().to_owned()));
            pages += 1;
            match page["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        found.sort();
        assert_eq!((found, pages), (made, 2));
    }

    async fn a_directory_beyond_its_rate_is_told_when_to_come_again(app: TestApp) {
        let environment = app.environment("prod").await;
        let one = app.scim_directory(&app.tenant(&environment, "one.example").await).await;
        let two = app.scim_directory(&app.tenant(&environment, "two.example").await).await;
        let slow = app.replica_with(|config| config.scim_requests_per_second = 1).await;
        let (one, two) = (at(&slow, &one), at(&slow, &two));
        for _ in 0..41 {
            assert_eq!(get(&slow, &one, "/Users?count=0").await.status, 200);
        }
        let answer = get(&slow, &one, "/Users?count=0").await;
        refused(&answer, 429, "try again");
        assert_eq!(answer.header("retry-after"), "2");
        assert_eq!(get(&slow, &two, "/Users?count=0").await.status, 200, "another directory");
        let stranger = TestDirectory { token: "x".to_owned(), ..one.clone() };
        assert_eq!(get(&slow, &stranger, "/Users?count=0").await.status, 401, "strangers use up nothing");
        app.advance(Duration::from_secs(2));
        assert_eq!(get(&slow, &one, "/Users?count=0").await.status, 200);
        // The operations of a Bulk count one by one.
        let operations: Vec<Value> = (0..60).map(|_| json!({ "method": "DELETE", "path": "/Users/x" })).collect();
        let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
        assert_eq!(slow.scim(&two, Method::POST, "/Bulk", Some(bulk)).await.status, 200);
        refused(&get(&slow, &two, "/Users?count=0").await, 429, "try again");
    }

    async fn a_directory_that_sends_too_many_bytes_is_told_when_to_come_again(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let slow = app.replica_with(|config| config.scim_kilobytes_per_second = 1).await;
        let directory = at(&slow, &directory);
        for number in 0..3 {
            let body = large(&format!("u{number}@acme.example"), 'x');
            assert_eq!(create(&slow, &directory, body).await.status, 201);
        }
        refused(&create(&slow, &directory, large("late@acme.example", 'x')).await, 429, "try again");
        app.advance(Duration::from_secs(60));
        assert_eq!(create(&slow, &directory, large("late@acme.example", 'x')).await.status, 201);
    }

    async fn a_full_directory_takes_nobody_more_and_still_lets_people_go(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let small = app
            .replica_with(|config| {
                config.scim_directory_users = 2;
                config.scim_directory_groups = 1;
            })
            .await;
        let directory = at(&small, &directory);
        let ada = small.scim_user(&directory, "ada@acme.example").await;
        small.scim_user(&directory, "ben@acme.example").await;
        let cyd = json!({ "userName": "cyd@acme.example" });
        refused(&create(&small, &directory, cyd.clone()).await, 403, "this directory may have 2 users");
        assert_eq!(get(&small, &directory, "/Users").await.json()["totalResults"], 2, "nothing was written");
        small.scim_group(&directory, "One", &[id(&ada)]).await;
        let two = small.scim(&directory, Method::POST, "/Groups", Some(json!({ "displayName": "Two" }))).await;
        refused(&two, 403, "this directory may have 1 groups");
        let path = format!("/Users/{}", id(&ada));
        for (value, status) in [(false, 200), (true, 200)] {
            let body = patch(json!([{ "op": "replace", "path": "active", "value": value }]));
            assert_eq!(small.scim(&directory, Method::PATCH, &path, body).await.status, status);
        }
        assert_eq!(small.scim(&directory, Method::DELETE, &path, None).await.status, 204);
        assert_eq!(create(&small, &directory, cyd).await.status, 201, "there is room again");
    }

    async fn what_a_directory_stores_and_writes_is_bounded_and_nobody_stays_for_that(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let stored = app.replica_with(|config| config.scim_directory_megabytes = 1).await;
        let written = app.replica_with(|config| config.scim_directory_megabytes_per_day = 3).await;
        let there = at(&stored, &directory);
        let mut made = Vec::new();
        let full = loop {
            let answer = create(&stored, &there, large(&format!("u{}@acme.example", made.len()), 'x')).await;
            if answer.status != 201 {
                break answer;
            }
            made.push(answer.json());
        };
        refused(&full, 403, "this directory may have 1 MiB stored, and has as many");
        assert_eq!(made.len(), 17, "of 60 kB each");
        let path = format!("/Users/{}", id(&made[0]));
        let deactivate = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
        assert_eq!(stored.scim(&there, Method::PATCH, &path, deactivate).await.status, 200);
        let mut refusals = 0;
        for user in &made[1..] {
            let longer = patch(json!([{ "op": "add", "path": "nickName", "value": "n".repeat(5_000) }]));
            let answer = stored.scim(&there, Method::PATCH, &format!("/Users/{}", id(user)), longer).await;
            if answer.status != 200 {
                refused(&answer, 403, "1 MiB stored");
                refusals += 1;
            }
        }
        assert!(refusals >= 12, "{refusals} of 16");
        let shorter = patch(json!([{ "op": "remove", "path": "x5" }]));
        assert_eq!(stored.scim(&there, Method::PATCH, &path, shorter).await.status, 200);

        // The same size again and again: what is stored does not grow, what is written does.
        let there = at(&written, &directory);
        let path = format!("/Users/{}", id(&made[1]));
        let mut times = 0;
        let tired = loop {
            let body = large("u1@acme.example", char::from(b'a' + u8::try_from(times % 26).unwrap()));
            let answer = written.scim(&there, Method::PUT, &path, Some(body)).await;
            if answer.status != 200 {
                break answer;
            }
            times += 1;
        };
        refused(&tired, 403, "3 MiB written today");
        refused(&tired, 403, "The quota of a day begins anew at 00:00 UTC.");
        assert!(times < 20, "{times} times 180 kB");
        let deactivate = patch(json!([{ "op": "replace", "path": "active", "value": false }]));
        assert_eq!(written.scim(&there, Method::PATCH, &path, deactivate).await.status, 200);
        app.advance(Duration::from_secs(86_400));
        assert_eq!(written.scim(&there, Method::PUT, &path, Some(large("u1@acme.example", '1'))).await.status, 200);
    }

    async fn the_directories_of_an_environment_are_bounded_together(app: TestApp) {
        let environment = app.environment("prod").await;
        let one = app.scim_directory(&app.tenant(&environment, "one.example").await).await;
        let two = app.scim_directory(&app.tenant(&environment, "two.example").await).await;
        let other = app.environment("staging").await;
        let elsewhere = app.scim_directory(&app.tenant(&other, "three.example").await).await;
        let small = app.replica_with(|config| config.scim_environment_users = 2).await;
        small.scim_user(&at(&small, &one), "ada@one.example").await;
        small.scim_user(&at(&small, &two), "ben@two.example").await;
        // The sum may be a minute old.
        app.advance(Duration::from_secs(61));
        let cyd = json!({ "userName": "cyd@two.example" });
        refused(&create(&small, &at(&small, &two), cyd).await, 403, "this environment may have 2 users");
        small.scim_user(&at(&small, &elsewhere), "dan@three.example").await;
    }

    async fn what_is_counted_is_what_is_there(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let mut ids = Vec::new();
        for name in ["ada", "ben", "cyd", "Zoë"] {
            let body = json!({ "userName": format!("{name}-x"), "title": "Schlüsselträgerin" });
            ids.push(id(&create(&app, &directory, body).await.json()).to_owned());
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let one = app.scim_group(&directory, "Öne", &ids).await;
        let two = app.scim_group(&directory, "Two", &ids[..2]).await;
        let one = format!("/Groups/{}", id(&one));
        let change = async |method, path: &str, body| {
            let answer = app.scim(&directory, method, path, body).await;
            assert!(answer.status.is_success(), "{}", answer.body);
        };
        let group = json!([{ "op": "add", "path": "members", "value": [{ "value": id(&two) }] }]);
        change(Method::PATCH, &one, patch(group)).await;
        let fewer = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[2]) }]);
        change(Method::PATCH, &one, patch(fewer)).await;
        let user = format!("/Users/{}", ids[3]);
        change(Method::PUT, &user, Some(json!({ "userName": "Zoë-y", "nickName": "Z" }))).await;
        change(Method::DELETE, &format!("/Users/{}", ids[0]), None).await;
        change(Method::DELETE, &format!("/Groups/{}", id(&two)), None).await;
        let counted = usage(&app, &directory).await;
        recount(&app, environment.id).await;
        assert_eq!(usage(&app, &directory).await, counted);
        assert_eq!((counted.user_count, counted.group_count), (3, 1));
        assert!(counted.stored_bytes > 6 * scim_usage::RESOURCE_BYTES && counted.day_bytes > 0);
        change(Method::DELETE, &one, None).await;
        let counted = usage(&app, &directory).await;
        recount(&app, environment.id).await;
        assert_eq!(usage(&app, &directory).await, counted, "the last memberships went with the group");
    }

    async fn what_changes_nothing_writes_next_to_nothing(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = create(&app, &directory, large("ada@acme.example", 'x')).await.json();
        let path = format!("/Users/{}", id(&user));
        let put = || app.scim(&directory, Method::PUT, &path, Some(large("ada@acme.example", 'x')));
        assert_eq!(put().await.status, 200);
        let events = "SELECT COUNT(*) FROM events";
        let logged = "SELECT CAST(COALESCE(SUM(length(request_body) + length(response_body)), 0) AS BIGINT) FROM scim_requests";
        let (told, kept, counted) = (sum(&app, events).await, sum(&app, logged).await, usage(&app, &directory).await);
        for _ in 0..10 {
            let answer = put().await;
            assert_eq!(answer.json()["meta"]["version"], "W/\"1\"");
        }
        assert_eq!((sum(&app, events).await, usage(&app, &directory).await), (told, counted));
        let more = sum(&app, logged).await - kept;
        assert!(more < 10 * 500, "{more} bytes for ten requests of 60 kB");
        assert_eq!(sum(&app, "SELECT COUNT(*) FROM scim_requests").await, 12, "each is there");
    }

    async fn the_log_of_one_directory_is_bounded_by_the_hour(app: TestApp) {
        let environment = app.environment("prod").await;
        let one = app.scim_directory(&app.tenant(&environment, "one.example").await).await;
        let two = app.scim_directory(&app.tenant(&environment, "two.example").await).await;
        let small = app.replica_with(|config| config.scim_log_megabytes_per_hour = 1).await;
        let (one, two) = (at(&small, &one), at(&small, &two));
        for number in 0..40 {
            let body = large(&format!("u{number}@one.example"), 'x');
            assert_eq!(create(&small, &one, body).await.status, 201);
        }
        let logged = "SELECT CAST(COALESCE(SUM(length(request_body) + length(response_body)), 0) AS BIGINT) FROM scim_requests";
        let kept = sum(&small, logged).await;
        assert!((500_000..1_100_000).contains(&kept), "{kept}");
        assert_eq!(sum(&small, "SELECT COUNT(*) FROM scim_requests").await, 40, "each is there, some without bodies");
        create(&small, &two, large("ada@two.example", 'x')).await;
        assert!(sum(&small, logged).await > kept + 30_000, "another directory has room of its own");
        app.advance(Duration::from_secs(3600));
        create(&small, &one, large("late@one.example", 'x')).await;
        assert!(sum(&small, logged).await > kept + 60_000, "an hour later there is room");
    }

    async fn a_nul_in_a_parameter_is_refused(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        for path in [
            "/v1/audit-events?actorId=a%00".to_owned(),
            "/v1/audit-events?targetId=%00".to_owned(),
            "/v1/audit-events?action=%00".to_owned(),
            "/v1/audit-events?organizationId=%00".to_owned(),
            "/v1/audit-events/export?action=%00".to_owned(),
            format!("/v1/scim-requests?scimDirectoryId={}&method=%00", directory.id),
            format!("/v1/scim-requests?scimDirectoryId={}&error=%00", directory.id),
            format!("/v1/scim/users?scimDirectoryId={}&pageToken=%00", directory.id),
            "/v1/scim/users?organizationExternalId=%00".to_owned(),
            "/v1/scim/groups?organizationExternalId=%00".to_owned(),
            "/v1/saml-flows?email=%00&refusal=%00".to_owned(),
            "/v1/events?types=%00".to_owned(),
            "/v1/webhooks?pageToken=%00".to_owned(),
        ] {
            let answer = app.api(&key, Method::GET, &path, None).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!(3)), "{path}: {}", answer.body);
        }
    }

    async fn one_change_of_an_organization_takes_a_few_statements(app: TestApp) {
        let environment = app.environment("prod").await;
        let key = app.api_key(&environment, true).await;
        let domains = |kind: &str, count: usize| -> Vec<String> {
            (0..count).map(|number| format!("{kind}{number}.example")).collect()
        };
        let before = app.state.db.statements();
        let body = json!({ "displayName": "Acme", "domains": domains("a", 1000) });
        let made = app.api(&key, Method::POST, "/v1/organizations", Some(body)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let organization = made.json()["organization"].clone();
        let path = format!("/v1/organizations/{}", organization["id"].as_str().unwrap());
        let created = app.state.db.statements() - before;
        assert!(created < 40, "{created} statements");
        let mut mixed = domains("a", 500);
        mixed.extend(domains("b", 500));
        for (wanted, name) in [(domains("b", 1000), "Acme"), (mixed, "Acme Keys"), (domains("b", 3), "Acme")] {
            let before = app.state.db.statements();
            let body = json!({ "displayName": name, "domains": wanted });
            let answer = app.api(&key, Method::PATCH, &path, Some(body)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            let changed = app.state.db.statements() - before;
            assert!(changed < 40, "{changed} statements");
            let mut found: Vec<String> =
                serde_json::from_value(answer.json()["organization"]["domains"].clone()).unwrap();
            let mut wanted = wanted;
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted);
            let again = app.api(&key, Method::GET, &path, None).await.json();
            assert_eq!(again["organization"]["domains"].as_array().unwrap().len(), wanted.len());
        }
        let search = async |text: &str| {
            let found = app.api(&key, Method::GET, &format!("/v1/organizations?query={text}"), None).await.json();
            found["organizations"].as_array().unwrap().len()
        };
        assert_eq!((search("b2").await, search("a999").await, search("keys").await), (1, 0, 0));
    }
}
