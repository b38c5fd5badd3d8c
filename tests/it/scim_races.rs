//! Concurrent requests: the database decides, and no write is lost.

use std::time::Duration;

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        Answer, TestApp,
        scim::{TestDirectory, id, patch},
    },
};

const CONCURRENCY: usize = 16;

/// Sends all of them at once, each on a connection of its own.
async fn all(
    app: &TestApp,
    directory: &TestDirectory,
    requests: impl IntoIterator<Item = (Method, String, Option<Value>, Option<String>)>,
) -> Vec<Answer> {
    let sent: Vec<_> = requests
        .into_iter()
        .map(|(method, path, body, if_match)| {
            let browser = app.browser();
            let mut request =
                browser.request(method, &format!("{}{path}", directory.base)).bearer_auth(&directory.token);
            if let Some(body) = body {
                request =
                    request.header(header::CONTENT_TYPE, "application/scim+json").body(body.to_string());
            }
            if let Some(tag) = if_match {
                request = request.header(header::IF_MATCH, tag);
            }
            actix_web::rt::spawn(async move { browser.send(request).await })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap());
    }
    answers
}

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    statuses
}

/// The name with some letters in upper case: another one for each number.
fn in_case(name: &str, number: usize) -> String {
    let upper = |(at, c): (usize, char)| if number >> at & 1 == 1 { c.to_ascii_uppercase() } else { c };
    name.chars().enumerate().map(upper).collect()
}

both! {
    async fn of_many_who_make_one_user_one_does(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        for round in ["dana", "eric"] {
            let make = |number| {
                let body = json!({ "userName": in_case(&format!("{round}@acme.example"), number) });
                (Method::POST, "/Users".to_owned(), Some(body), None)
            };
            let answers = all(&app, &directory, (0..CONCURRENCY).map(make)).await;
            let mut expected = vec![409; CONCURRENCY];
            expected[0] = 201;
            assert_eq!(statuses(&answers), expected);
            let refused = answers.iter().find(|answer| answer.status == 409).unwrap();
            assert_eq!(refused.json()["scimType"], "uniqueness");
        }
    }

    async fn of_many_who_take_one_name_by_patch_one_does(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let mut paths = Vec::new();
        for number in 0..CONCURRENCY {
            let user = app.scim_user(&directory, &format!("user{number}@acme.example")).await;
            paths.push(format!("/Users/{}", id(&user)));
        }
        let rename = |path: &String| {
            let body = patch(json!([{ "op": "replace", "path": "userName", "value": "one@acme.example" }]));
            (Method::PATCH, path.clone(), body, None)
        };
        let answers = all(&app, &directory, paths.iter().map(rename)).await;
        let mut expected = vec![409; CONCURRENCY];
        expected[0] = 200;
        assert_eq!(statuses(&answers), expected);
    }

    async fn of_many_who_make_one_group_one_does(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let make = |number| {
            let body = json!({ "displayName": in_case("keyholders", number) });
            (Method::POST, "/Groups".to_owned(), Some(body), None)
        };
        let answers = all(&app, &directory, (0..CONCURRENCY).map(make)).await;
        let mut expected = vec![409; CONCURRENCY];
        expected[0] = 201;
        assert_eq!(statuses(&answers), expected);
    }

    async fn members_that_are_added_at_once_are_all_there(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let mut users = Vec::new();
        for number in 0..CONCURRENCY {
            users.push(id(&app.scim_user(&directory, &format!("user{number}@acme.example")).await).to_owned());
        }
        let group = app.scim_group(&directory, "Keyholders", &[]).await;
        let path = format!("/Groups/{}", id(&group));
        let add = |user: &String| {
            let body = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]));
            (Method::PATCH, path.clone(), body, None)
        };
        let answers = all(&app, &directory, users.iter().map(add)).await;
        assert_eq!(statuses(&answers), vec![204; CONCURRENCY]);
        let now = app.scim(&directory, Method::GET, &path, None).await.json();
        assert_eq!(now["members"].as_array().unwrap().len(), CONCURRENCY);
        assert_eq!(now["meta"]["version"], format!("W/\"{}\"", 1 + CONCURRENCY));

        // Half of the users are deleted while the other half is removed from the group: a deleted user is in no
        // group.
        let remove = |(at, user): (usize, &String)| match at % 2 {
            0 => (Method::DELETE, format!("/Users/{user}"), None, None),
            _ => {
                let body = patch(json!([{ "op": "remove", "path": format!("members[value eq \"{user}\"]") }]));
                (Method::PATCH, path.clone(), body, None)
            }
        };
        let answers = all(&app, &directory, users.iter().enumerate().map(remove)).await;
        assert_eq!(statuses(&answers), vec![204; CONCURRENCY]);
        let now = app.scim(&directory, Method::GET, &path, None).await.json();
        assert_eq!(now.get("members"), None, "{now}");
    }

    async fn a_user_who_goes_while_it_is_added_is_in_no_group(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let group = app.scim_group(&directory, "Keyholders", &[]).await;
        let path = format!("/Groups/{}", id(&group));
        let mut requests = Vec::new();
        for number in 0..CONCURRENCY / 2 {
            let user = app.scim_user(&directory, &format!("user{number}@acme.example")).await;
            let body = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": id(&user) }] }]));
            requests.push((Method::PATCH, path.clone(), body, None));
            requests.push((Method::DELETE, format!("/Users/{}", id(&user)), None, None));
        }
        for answer in all(&app, &directory, requests).await {
            assert!(matches!(answer.status.as_u16(), 204 | 400), "{} {}", answer.status, answer.body);
        }
        assert_eq!(app.scim(&directory, Method::GET, &path, None).await.json().get("members"), None);
    }

    async fn of_many_with_one_version_one_wins(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "dana@acme.example").await;
        let group = app.scim_group(&directory, "Keyholders", &[]).await;
        for (path, won) in [(format!("/Users/{}", id(&user)), 200), (format!("/Groups/{}", id(&group)), 204)] {
            let change = |number: usize| {
                let value = format!("name {number}");
                let body = patch(json!([{ "op": "replace", "path": "displayName", "value": value }]));
                (Method::PATCH, path.clone(), body, Some("W/\"1\"".to_owned()))
            };
            let answers = all(&app, &directory, (0..CONCURRENCY).map(change)).await;
            let mut expected = vec![412; CONCURRENCY];
            expected[0] = won;
            assert_eq!(statuses(&answers), expected, "{path}");
        }
    }

    async fn two_directories_that_are_written_at_once_never_mix(app: TestApp) {
        let environment = app.environment("prod").await;
        let one = app.scim_directory(&app.tenant(&environment, "one.example").await).await;
        let two = app.scim_directory(&app.tenant(&environment, "two.example").await).await;
        let make = |domain: &'static str| {
            move |number| {
                let body = json!({ "userName": format!("user{number}@{domain}"), "externalId": "same" });
                (Method::POST, "/Users".to_owned(), Some(body), None)
            }
        };
        for (directory, domain) in [(&one, "one.example"), (&two, "two.example")] {
            let right = all(&app, directory, (0..CONCURRENCY).map(make(domain)));
            let wrong = all(&app, directory, (0..CONCURRENCY).map(make("evil.example")));
            let (right, wrong) = tokio::join!(right, wrong);
            assert_eq!(statuses(&right), vec![201; CONCURRENCY]);
            assert_eq!(statuses(&wrong), vec![400; CONCURRENCY]);
        }
        for (directory, domain) in [(&one, "one.example"), (&two, "two.example")] {
            let list = app.scim(directory, Method::GET, "/Users?filter=externalId+eq+%22same%22", None).await.json();
            assert_eq!(list["totalResults"], CONCURRENCY);
            let users = list["Resources"].as_array().unwrap();
            assert!(users.iter().all(|user| user["userName"].as_str().unwrap().ends_with(domain)));
        }
    }

    async fn versions_are_checked_as_rfc_7644_has_it(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "dana@acme.example").await;
        let path = format!("/Users/{}", id(&user));
        let title = |title: &str| patch(json!([{ "op": "replace", "path": "title", "value": title }]));
        let with = async |method: Method, body, name: header::HeaderName, value: &str| {
            app.scim_with(&directory, method, &path, body, &[(name, value)]).await
        };
        let same = with(Method::GET, None, header::IF_NONE_MATCH, "W/\"1\"").await;
        assert_eq!((same.status.as_u16(), &*same.body), (304, ""));
        assert_eq!(same.headers["etag"], "W/\"1\"");
        assert_eq!(with(Method::GET, None, header::IF_NONE_MATCH, "\"7\", W/\"1\"").await.status, 304);
        assert_eq!(with(Method::GET, None, header::IF_NONE_MATCH, "W/\"2\"").await.status, 200);
        app.advance(Duration::from_secs(1));
        let changed = with(Method::PATCH, title("a"), header::IF_MATCH, "W/\"1\"").await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_ne!(changed.json()["meta"]["lastModified"], user["meta"]["lastModified"]);
        for stale in ["W/\"1\"", "\"x\"", "W/\"1\", W/\"3\""] {
            for (method, body) in [
                (Method::PATCH, title("b")),
                (Method::PUT, Some(json!({ "userName": "other@acme.example" }))),
                (Method::DELETE, None),
            ] {
                let answer = with(method.clone(), body, header::IF_MATCH, stale).await;
                assert_eq!(answer.status, 412, "{method} {stale}: {}", answer.body);
                assert_eq!(answer.json()["status"], "412");
            }
        }
        let nothing_new = with(Method::PATCH, title("a"), header::IF_MATCH, "*").await;
        assert_eq!(nothing_new.json()["meta"]["version"], "W/\"2\"", "what changes nothing makes no version");
        assert_eq!(with(Method::DELETE, None, header::IF_MATCH, "W/\"2\"").await.status, 204);
    }
}
