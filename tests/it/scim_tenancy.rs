//! Isolation of directories: none reads, writes or references users of another.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::scim::{ENTERPRISE, id, patch},
};

/// How many clients write to each directory at once, and how many users each of them makes.
const CLIENTS: usize = 6;
const USERS_EACH: usize = 5;

both! {
    async fn one_directory_shows_nothing_of_another(app: TestApp) {
        let environment = app.environment("prod").await;
        let acme = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let other = app.scim_directory(&app.tenant(&environment, "other.example").await).await;
        let user = app.scim_user(&acme, "a@acme.example").await;
        let group = app.scim_group(&acme, "Keyholders", &[id(&user)]).await;
        let mine = app.scim_group(&other, "Mine", &[]).await;

        let mut stranger = other.clone();
        stranger.base = acme.base.clone();
        for path in ["/Users", &format!("/Users/{}", id(&user)), "/ServiceProviderConfig", "/nowhere"] {
            let answer = app.scim(&stranger, Method::GET, path, None).await;
            assert_eq!(answer.status, 401, "{path}: {}", answer.body);
            assert_eq!(answer.json()["status"], "401");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }

        for (kind, theirs) in [("Users", id(&user)), ("Groups", id(&group))] {
            let path = format!("/{kind}/{theirs}");
            let body = json!({ "userName": "x@other.example", "displayName": "X" });
            let operations = patch(json!([{ "op": "replace", "path": "displayName", "value": "X" }]));
            for (method, body) in [
                (Method::GET, None),
                (Method::PUT, Some(body)),
                (Method::PATCH, operations),
                (Method::DELETE, None),
            ] {
                let answer = app.scim(&other, method.clone(), &path, body).await;
                assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
            }
        }
        let add = |who: &str| patch(json!([{ "op": "add", "path": "members", "value": [{ "value": who }] }]));
        let path = format!("/Groups/{}", id(&mine));
        let theirs = app.scim(&other, Method::PATCH, &path, add(id(&user))).await;
        let nobodys = app.scim(&other, Method::PATCH, &path, add("scim_user_0000000000000000000000000")).await;
        assert_eq!((theirs.status.as_u16(), nobodys.status.as_u16()), (400, 400));
        let without_ids = |answer: &Value| answer["detail"].as_str().unwrap().split('"').next().unwrap().to_owned();
        assert_eq!(without_ids(&theirs.json()), without_ids(&nobodys.json()));
        for filter in [format!("id eq \"{}\"", id(&user)), "userName eq \"a@acme.example\"".into()] {
            let query = format!("/Users?filter={}", url::form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>());
            let found = app.scim(&other, Method::GET, &query, None).await;
            assert_eq!((found.status.as_u16(), &found.json()["totalResults"]), (200, &json!(0)), "{filter}");
        }
        let found = app.scim(&other, Method::GET, &format!("/Groups?filter=members+eq+%22{}%22", id(&user)), None).await;
        assert_eq!(found.json()["totalResults"], 0);
        assert_eq!(app.scim(&acme, Method::GET, &format!("/Users/{}", id(&user)), None).await.json()["userName"], "a@acme.example");
    }

    async fn unknown_directories_and_tokens_are_refused_in_json(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let browser = app.browser();
        for base in ["scim_directory_0000000000000000000000000", "scim_directory_", "scim_directory_x%00", "scim_directory_ABC"] {
            let request = browser.request(Method::GET, &app.url(&format!("/v1/scim/{base}/Users"))).bearer_auth(&directory.token);
            let answer = browser.send(request.header("accept", "text/html")).await;
            assert_eq!(answer.status, 404, "{base}: {}", answer.body);
            assert_eq!(answer.json()["status"], "404");
        }
        let url = format!("{}/Users", directory.base);
        for value in [None, Some("Bearer"), Some("Bearer x"), Some("Basic eDp5"), Some(""), Some("Bearér")] {
            let mut request = browser.request(Method::GET, &url);
            if let Some(value) = value {
                request = request.header("authorization", value);
            }
            let answer = browser.send(request).await;
            assert_eq!(answer.status, 401, "{value:?}");
            assert_eq!(answer.json()["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        }
        let bare = browser.request(Method::GET, &url).header("authorization", &directory.token);
        assert_eq!(browser.send(bare).await.status, 200, "the word may be missing");
    }

    async fn a_foreign_address_is_accepted_by_no_path(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let user = app.scim_user(&directory, "dana").await;
        let path = format!("/Users/{}", id(&user));
        let seed = patch(json!([{ "op": "add", "path": "emails", "value": [
            { "value": "d1@acme.example", "type": "work", "primary": true },
            { "value": "d2@acme.example", "type": "home" },
        ] }]));
        assert_eq!(app.scim(&directory, Method::PATCH, &path, seed).await.status, 200);
        let before = app.scim(&directory, Method::GET, &path, None).await.json();

        let evil = "eve@evil.example";
        for body in [
            json!({ "userName": evil }),
            json!({ "userName": "EVE@EVIL.example" }),
            json!({ "userName": "eve", "emails": [{ "value": evil }] }),
            json!({ "userName": "eve@acme.example", "EMAILS": [{ "VALUE": evil, "type": "home" }] }),
            json!({ "userName": "eve", "urn:ietf:params:scim:schemas:core:2.0:User:emails": [{ "value": evil }] }),
        ] {
            for (method, path) in [(Method::POST, "/Users"), (Method::PUT, &*path)] {
                let answer = app.scim(&directory, method.clone(), path, Some(body.clone())).await;
                assert_eq!(answer.status, 400, "{method} {body}: {}", answer.body);
                assert_eq!(answer.json()["scimType"], "invalidValue");
                assert!(answer.json()["detail"].as_str().unwrap().to_lowercase().contains(evil), "{}", answer.body);
            }
        }
        for operation in [
            json!({ "op": "replace", "path": "userName", "value": evil }),
            json!({ "op": "Replace", "path": "USERNAME", "value": evil }),
            json!({ "op": "replace", "value": { "userName": evil } }),
            json!({ "op": "add", "path": "emails", "value": [{ "value": evil }] }),
            json!({ "op": "add", "path": "emails", "value": { "value": evil } }),
            json!({ "op": "replace", "path": "emails", "value": [{ "value": evil }] }),
            json!({ "op": "replace", "path": "emails.value", "value": evil }),
            json!({ "op": "replace", "path": "emails[primary eq true].value", "value": evil }),
            json!({ "op": "add", "path": "emails[type eq \"other\"].value", "value": evil }),
            json!({ "op": "replace", "path": "emails[value ew \"acme.example\"]", "value": { "value": evil } }),
            json!({ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"home\"].value", "value": evil }),
            json!({ "op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:user:USERNAME", "value": evil }),
            json!({ "op": "replace", "value": { "emails[type eq \"work\"].value": evil } }),
            json!({ "op": "replace", "value": { "urn:ietf:params:scim:schemas:core:2.0:User": { "userName": evil } } }),
        ] {
            let answer = app.scim(&directory, Method::PATCH, &path, patch(json!([operation]))).await;
            assert!(answer.status == 400 || answer.status == 200, "{operation}: {}", answer.body);
            let now = app.scim(&directory, Method::GET, &path, None).await;
            assert!(!now.body.to_lowercase().contains("evil"), "{operation}: {}", now.body);
            if answer.status == 400 {
                assert_eq!(now.json(), before, "{operation}");
            }
        }
        let counted = app.scim(&directory, Method::GET, "/Users?filter=emails.value+co+%22evil%22", None).await;
        assert_eq!(counted.json()["totalResults"], 0);
    }

    async fn an_admitted_foreign_address_never_becomes_the_one_that_counts(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let directory =
            app.scim_directory_with(&tenant, |directory| directory.allow_foreign_secondary_emails = true).await;
        let foreign = json!({ "value": "dana@home.example", "type": "work" });
        let body = json!({ "userName": "dana", "emails": [foreign, { "value": "dana@acme.example", "primary": true }] });
        let made = app.scim(&directory, Method::POST, "/Users", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let user = made.json();
        let path = format!("/Users/{}", id(&user));
        let reported = async || {
            let user = id(&user).parse().unwrap();
            let mut conn = app.state.db.read().await.unwrap();
            let stored = ostiary::store::scim_users::find(&mut conn, directory.id, user).await.unwrap();
            stored.unwrap().email
        };
        assert_eq!(reported().await.as_deref(), Some("dana@acme.example"));
        for operation in [
            json!({ "op": "replace", "path": "emails[type eq \"work\"].primary", "value": true }),
            json!({ "op": "replace", "path": "userName", "value": "dana@home.example" }),
            json!({ "op": "replace", "path": "emails", "value": [{ "value": "x@home.example", "primary": true }] }),
        ] {
            let answer = app.scim(&directory, Method::PATCH, &path, patch(json!([operation]))).await;
            assert_eq!(answer.status, 400, "{operation}: {}", answer.body);
        }
        let operation = json!({ "op": "remove", "path": "emails[primary eq true]" });
        let answer = app.scim(&directory, Method::PATCH, &path, patch(json!([operation]))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(reported().await, None);
    }

    async fn manager_and_filters_reveal_nothing_of_others(app: TestApp) {
        let environment = app.environment("prod").await;
        let acme = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let other = app.scim_directory(&app.tenant(&environment, "other.example").await).await;
        let theirs = app.scim_user(&acme, "boss@acme.example").await;
        let body = json!({ "userName": "x@other.example", ENTERPRISE: { "manager": { "value": id(&theirs) } } });
        let made = app.scim(&other, Method::POST, "/Users", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert!(!made.body.contains("boss"), "{}", made.body);
    }

    async fn directories_that_many_write_at_once_never_mix(app: TestApp) {
        let environment = app.environment("prod").await;
        let acme = app.tenant(&environment, "acme.example").await;
        // Two of one customer, who may hold the same people, and one of another.
        let directories = [
            (app.scim_directory(&acme).await, "acme.example"),
            (app.scim_directory(&acme).await, "acme.example"),
            (app.scim_directory(&app.tenant(&environment, "other.example").await).await, "other.example"),
        ];
        let mut groups = Vec::new();
        for (directory, _) in &directories {
            groups.push(id(&app.scim_group(directory, "Keyholders", &[]).await).to_owned());
        }
        let app = std::rc::Rc::new(app);
        let mut clients = Vec::new();
        for client in 0..CLIENTS {
            for (at, (directory, domain)) in directories.iter().enumerate() {
                let next = (at + 1) % directories.len();
                let (app, directory, foreign) = (app.clone(), directory.clone(), directories[next].0.clone());
                let (group, foreign_group) = (groups[at].clone(), groups[next].clone());
                let domain = *domain;
                clients.push(actix_web::rt::spawn(async move {
                    let mut mine = Vec::new();
                    for number in 0..USERS_EACH {
                        let body = json!({
                            "userName": format!("user-{client}-{number}@{domain}"),
                            "externalId": format!("{client}-{number}"),
                            "title": format!("of {at}"),
                        });
                        let made = app.scim(&directory, Method::POST, "/Users", Some(body)).await;
                        assert_eq!(made.status, 201, "{}", made.body);
                        let user = id(&made.json()).to_owned();
                        let add = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]));
                        // The token of another directory is refused, and its group takes no user of this one.
                        let theirs = app.scim(&foreign, Method::PATCH, &format!("/Groups/{foreign_group}"), add.clone()).await;
                        assert_eq!(theirs.status, 400, "{}", theirs.body);
                        let theirs = app.scim(&foreign, Method::DELETE, &format!("/Users/{user}"), None).await;
                        assert_eq!(theirs.status, 404, "{}", theirs.body);
                        let ours = app.scim(&directory, Method::PATCH, &format!("/Groups/{group}"), add).await;
                        assert_eq!(ours.status, 204, "{}", ours.body);
                        mine.push(user);
                    }
                    (at, mine)
                }));
            }
        }
        let mut expected = vec![BTreeSet::new(); directories.len()];
        for client in clients {
            let (at, users) = client.await.unwrap();
            expected[at].extend(users);
        }
        for (at, (directory, domain)) in directories.iter().enumerate() {
            assert_eq!(expected[at].len(), CLIENTS * USERS_EACH, "no id was given twice");
            let list = app.scim(directory, Method::GET, "/Users?count=1000", None).await.json();
            let users = list["Resources"].as_array().unwrap();
            let found: BTreeSet<String> = users.iter().map(|user| id(user).to_owned()).collect();
            assert_eq!((list["totalResults"].as_u64(), &found), (Some(expected[at].len() as u64), &expected[at]));
            for user in users {
                assert_eq!(user["title"], format!("of {at}"));
                assert!(user["userName"].as_str().unwrap().ends_with(domain), "{user}");
                assert_eq!(user["groups"].as_array().unwrap().len(), 1, "{user}");
                assert_eq!(user["groups"][0]["value"], groups[at]);
                assert!(user["meta"]["location"].as_str().unwrap().starts_with(&directory.base), "{user}");
            }
            let list = app.scim(directory, Method::GET, "/Groups", None).await.json();
            assert_eq!(list["totalResults"], 1);
            let members = list["Resources"][0]["members"].as_array().unwrap();
            let found: BTreeSet<String> = members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect();
            assert_eq!(found, expected[at]);
        }
    }
}
