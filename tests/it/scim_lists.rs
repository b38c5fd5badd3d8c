//! Lists: filters, order and pages.

use std::collections::BTreeSet;

use base::random::{Random as _, SeededRandom};
use ostiary::app::directories::{self, ProvisioningTarget, provisioning::search};
use reqwest::Method;
use scim::{Filter, ListQuery, ResourceType};
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        Answer, TestApp,
        scim::{ENTERPRISE, TestDirectory, id},
    },
};

/// A query of a directory.
async fn get(app: &TestApp, directory: &TestDirectory, path: &str, query: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    app.scim(directory, Method::GET, &format!("{path}?{query}"), None).await
}

fn names(list: &Value, attribute: &str) -> Vec<String> {
    let resources = list["Resources"].as_array().unwrap();
    resources.iter().map(|one| one[attribute].as_str().unwrap_or("-").to_owned()).collect()
}

/// Users on whom filter implementations differ: case, letters beyond ASCII, characters with a meaning in `LIKE`
/// and SQL, missing and multiple values.
async fn people(app: &TestApp, directory: &TestDirectory) {
    let address = |name: &str, kind: &str| json!({ "value": format!("{name}@acme.example"), "type": kind });
    for body in [
        json!({ "userName": "Anna@acme.example", "externalId": "E1", "displayName": "Anna Ärger", "title": "Keyholder",
            "emails": [address("anna", "work"), address("ann", "home")], "name": { "familyName": "Ärger" } }),
        json!({ "userName": "ben", "externalId": "e1", "displayName": "100%_sure", "active": false,
            "emails": [address("BEN", "work")], "name": { "familyName": "O'Neil" } }),
        json!({ "userName": "Straße", "displayName": "\"Quoted\" \\ back", "title": "keyholder" }),
        json!({ "userName": "STRASSE", "externalId": "x'; DROP TABLE scim_users; --", "displayName": "ΣΊΣΥΦΟΣ" }),
        json!({ "userName": "İstanbul", "displayName": "a%b_c", "emails": [address("i", "home")], "active": false }),
        json!({ "userName": "zoë", "externalId": "Z", "emails": [{ "type": "work" }], "nickName": "Z",
            ENTERPRISE: { "department": "Keys", "employeeNumber": "7", "manager": { "value": "m1" } } }),
    ] {
        let made = app.scim(directory, Method::POST, "/Users", Some(body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        app.advance(std::time::Duration::from_millis(1500));
    }
}

both! {
    async fn filters_find_what_they_mean(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let began = app.now();
        people(&app, &directory).await;
        let (anna, ben, strasze, strasse, istanbul, zoe) =
            ("Anna@acme.example", "ben", "Straße", "STRASSE", "İstanbul", "zoë");
        let everybody = [anna, ben, strasze, strasse, istanbul, zoe];
        let ben_made = (began + std::time::Duration::from_millis(1500)).to_string();
        let ben_id = get(&app, &directory, "/Users", &[("filter", "userName eq \"ben\"")]).await.json();
        let ben_id = format!("id eq \"{}\"", id(&ben_id["Resources"][0]));
        let cases: Vec<(String, Vec<&str>)> = [
            ("userName eq \"ANNA@ACME.EXAMPLE\"", vec![anna]),
            ("USERNAME EQ \"ben\"", vec![ben]),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName eq \"BEN\"", vec![ben]),
            ("userName eq \"straße\"", vec![strasze]),
            ("userName sw \"stra\"", vec![strasze, strasse]),
            ("userName co \"SS\"", vec![strasse]),
            ("userName ew \"e\"", vec![anna, strasze, strasse]),
            ("userName gt \"strasse\"", vec![strasze, zoe]),
            ("userName ge \"strasse\" and userName lt \"z\"", vec![strasze, strasse]),
            ("userName eq \"ZOË\"", vec![zoe]),
            ("userName pr", everybody.to_vec()),
            ("not (userName pr)", vec![]),
            ("externalId eq \"e1\"", vec![ben]),
            ("externalId eq \"E1\"", vec![anna]),
            ("externalId ne \"E1\"", vec![ben, strasze, strasse, istanbul, zoe]),
            ("not (externalId eq \"E1\")", vec![ben, strasze, strasse, istanbul, zoe]),
            ("externalId eq null", vec![strasze, istanbul]),
            ("externalId ne null", vec![anna, ben, strasse, zoe]),
            ("externalId eq \"x'; DROP TABLE scim_users; --\"", vec![strasse]),
            ("externalId eq \"' OR '1'='1\"", vec![]),
            ("displayName co \"%\"", vec![ben, istanbul]),
            ("displayName co \"%_s\"", vec![ben]),
            ("displayName sw \"a_b\"", vec![]),
            ("displayName eq \"\\\"quoted\\\" \\\\ BACK\"", vec![strasze]),
            ("displayName co \"ÄRGER\"", vec![anna]),
            ("displayName eq \"σίσυφοσ\"", vec![strasse]),
            ("displayName pr", vec![anna, ben, strasze, strasse, istanbul]),
            ("active eq true", vec![anna, strasze, strasse, zoe]),
            ("active eq \"False\"", vec![ben, istanbul]),
            ("active ne true", vec![ben, istanbul]),
            ("emails eq \"ann@acme.example\"", vec![anna]),
            ("emails.value eq \"BEN@acme.example\"", vec![ben]),
            ("emails[type eq \"work\"].value eq \"ann@acme.example\"", vec![]),
            ("emails[type eq \"home\"].value eq \"ann@acme.example\"", vec![anna]),
            ("emails[type eq \"work\" and value co \"@acme\"]", vec![anna, ben]),
            ("emails[type eq \"work\" and not (value pr)]", vec![]),
            ("emails.type eq \"home\"", vec![anna, istanbul]),
            ("emails.value sw \"an\"", vec![anna]),
            ("emails pr", vec![anna, ben, istanbul]),
            ("emails.value pr", vec![anna, ben, istanbul]),
            ("not (emails.value co \"acme\")", vec![strasze, strasse, zoe]),
            ("title eq \"KEYHOLDER\"", vec![anna, strasze]),
            ("title eq \"keyholder\" and userName sw \"a\"", vec![anna]),
            ("title eq \"keyholder\" or userName eq \"ben\"", vec![anna, ben, strasze]),
            ("userName eq \"ben\" or userName eq \"zoë\" and active eq false", vec![ben]),
            ("(userName eq \"ben\" or userName eq \"zoë\") and active eq true", vec![zoe]),
            ("not(active eq true)and userName pr", vec![ben, istanbul]),
            ("name.familyName co \"'\"", vec![ben]),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"keys\"", vec![zoe]),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"m1\"", vec![zoe]),
            ("nosuchthing eq \"x\"", vec![]),
            ("nosuchthing ne \"x\"", everybody.to_vec()),
            ("groups.display eq \"x\"", vec![]),
            ("meta.resourceType eq \"User\"", everybody.to_vec()),
        ]
        .into_iter()
        .map(|(filter, found)| (filter.to_owned(), found))
        .chain([
            (ben_id.clone(), vec![ben]),
            (format!("{ben_id} and manager eq \"B\""), vec![]),
            (ben_id.to_uppercase().replacen("ID EQ", "id eq", 1), vec![]),
            (format!("meta.created eq \"{ben_made}\""), vec![ben]),
            (format!("meta.created lt \"{ben_made}\""), vec![anna]),
            (format!("meta.lastModified gt \"{}\"", ben_made.replace('Z', "+00:00")), vec![strasze, strasse, istanbul, zoe]),
        ])
        .collect();
        for (filter, expected) in cases {
            let answer = get(&app, &directory, "/Users", &[("filter", &filter)]).await;
            assert_eq!(answer.status, 200, "{filter}: {}", answer.body);
            assert_eq!(names(&answer.json(), "userName"), expected, "{filter}");
            assert_eq!(answer.json()["totalResults"], expected.len(), "{filter}");
            let search = json!({ "filter": filter, "attributes": ["userName"] });
            let answer = app.scim(&directory, Method::POST, "/Users/.search", Some(search)).await;
            assert_eq!(names(&answer.json(), "userName"), expected, "{filter} by POST");
        }
    }

    async fn what_is_no_filter_is_refused(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let deep = format!("{}userName pr{}", "(".repeat(5000), ")".repeat(5000));
        let long = format!("userName eq \"{}\"", "x".repeat(20_000));
        for filter in [
            "userName", "userName eq", "userName eq ben", "eq \"x\"", "userName eq \"x", "userName zz \"x\"",
            "userName eq \"x\" and", "(userName pr", "userName pr)", "not userName pr", "active gt true",
            "active eq \"maybe\"", "password sw \"S\"", "password pr", "meta.created gt \"yesterday\"",
            "meta.created co \"2026\"", "emails[type eq \"work\"", "userName[x eq 1]", "emails[emails[a eq 1]]",
            "name eq \"x\"", "userName eq \"x\" union select 1", "userName gt null", "'", "\"", "a\u{0}b pr", &deep, &long,
        ] {
            for (path, body) in [
                (format!("/Users?{}", url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish()), None),
                ("/Users/.search".to_owned(), Some(json!({ "filter": filter }))),
            ] {
                let method = if body.is_some() { Method::POST } else { Method::GET };
                let answer = app.scim(&directory, method, &path, body).await;
                let shown: String = filter.chars().take(60).collect();
                assert!(
                    answer.status == 400 || (filter.len() > 9000 && answer.status == 414),
                    "{shown}: {} {}", answer.status, answer.body
                );
                assert!(!answer.body.contains("<html"), "{shown}");
            }
        }
        let answer = get(&app, &directory, "/Users", &[("filter", "userName eq")]).await;
        assert_eq!(answer.json()["scimType"], "invalidFilter");
    }

    async fn sql_and_memory_agree_on_every_filter(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        people(&app, &directory).await;
        let all = get(&app, &directory, "/Users", &[]).await.json();
        let users = all["Resources"].as_array().unwrap().clone();
        let mut groups = Vec::new();
        for (name, members) in [("Alle", &users[..]), ("Keiner", &[]), ("straße", &users[2..4]), ("%", &users[..1])] {
            let ids: Vec<&str> = members.iter().map(id).collect();
            groups.push(app.scim_group(&directory, name, &ids).await);
        }
        let opened = directories::authenticate(&app.state, directory.id, &directory.token).await.unwrap();
        let mut generator = FilterGenerator(SeededRandom::new(20_261_121));
        for (kind, rounds) in [(ResourceType::User, 600), (ResourceType::Group, 300)] {
            let stored = in_process(&app, &opened, kind, None).await;
            let words = words(&stored);
            let mut found_some = 0;
            for _ in 0..rounds {
                let filter = generator.filter(kind, &words, 3);
                let parsed = Filter::parse(&filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
                let by_memory: Vec<&str> = stored.iter().filter(|one| parsed.matches(one)).map(id).collect();
                let found = in_process(&app, &opened, kind, Some(&filter)).await;
                let by_sql: Vec<&str> = found.iter().map(id).collect();
                assert_eq!(by_sql, by_memory, "{filter}");
                found_some += usize::from(!by_sql.is_empty() && by_sql.len() < stored.len());
            }
            assert!(found_some > rounds / 8, "only {found_some} filters told anybody apart");
        }
    }

    async fn pages_neither_repeat_nor_skip(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        let empty = app.scim(&directory, Method::GET, "/Users", None).await.json();
        assert_eq!((&empty["totalResults"], &empty["Resources"]), (&json!(0), &json!([])));
        for number in 0..7 {
            app.scim_user(&directory, &format!("user{number}@acme.example")).await;
        }
        let mut seen = Vec::new();
        for start in ["1", "3", "5", "7"] {
            let page = get(&app, &directory, "/Users", &[("startIndex", start), ("count", "2")]).await.json();
            assert_eq!(page["totalResults"], 7);
            assert_eq!(page["startIndex"].to_string(), start);
            assert_eq!(page["itemsPerPage"], page["Resources"].as_array().unwrap().len());
            seen.extend(names(&page, "userName"));
        }
        assert_eq!(seen.len(), 7);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 7);
        for (query, total, items) in [
            (&[("startIndex", "0")][..], 7, 7),
            (&[("startIndex", "-5"), ("count", "3")], 7, 3),
            (&[("count", "0")], 7, 0),
            (&[("count", "-1")], 7, 0),
            (&[("startIndex", "8")], 7, 0),
            (&[("startIndex", "99999999999999999999999999"), ("count", "5")], 7, 0),
            (&[("count", "9223372036854775808")], 7, 7),
            (&[("aadOptscim062020", ""), ("count", "1")], 7, 1),
            (&[("filter", "title pr"), ("count", "1")], 0, 0),
            (&[("filter", "not (title pr)"), ("startIndex", "6"), ("count", "5")], 7, 2),
            (&[("filter", "not (title pr)"), ("count", "0")], 7, 0),
            (&[("sortBy", "title"), ("startIndex", "7"), ("count", "5")], 7, 1),
            (&[("sortBy", "userName"), ("count", "0")], 7, 0),
        ] {
            let page = get(&app, &directory, "/Users", query).await;
            assert_eq!(page.status, 200, "{query:?}: {}", page.body);
            let page = page.json();
            assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(total), &json!(items)), "{query:?}");
        }
        let first = &get(&app, &directory, "/Users", &[("count", "1")]).await.json()["Resources"][0];
        let removed = app.scim(&directory, Method::DELETE, &format!("/Users/{}", id(first)), None).await;
        assert_eq!(removed.status, 204);
        assert_eq!(get(&app, &directory, "/Users", &[("count", "2")]).await.json()["totalResults"], 6);
        for query in [&[("count", "x")][..], &[("startIndex", "1.5")], &[("count", "1"), ("count", "2")]] {
            assert_eq!(get(&app, &directory, "/Users", query).await.status, 400, "{query:?}");
        }
    }

    async fn lists_are_sorted_in_both_directions(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        for (name, nick, display) in [("b", Some("x"), None), ("A", None, Some("Zeta")), ("c", Some("Q"), Some("alpha")), ("_", None, None)] {
            let body = json!({ "userName": name, "nickName": nick, "displayName": display });
            assert_eq!(app.scim(&directory, Method::POST, "/Users", Some(body)).await.status, 201);
            app.advance(std::time::Duration::from_millis(10));
        }
        for (by, order, expected) in [
            ("userName", "ascending", "_ A b c"),
            ("userName", "descending", "c b A _"),
            ("displayName", "ascending", "c A b _"),
            ("displayName", "descending", "b _ A c"),
            ("nickName", "ascending", "c b A _"),
            ("nickName", "descending", "A _ b c"),
            ("meta.created", "descending", "_ c A b"),
            ("emails", "ascending", "b A c _"),
        ] {
            let sorted = get(&app, &directory, "/Users", &[("sortBy", by), ("sortOrder", order)]).await;
            assert_eq!(sorted.status, 200, "{}", sorted.body);
            assert_eq!(names(&sorted.json(), "userName").join(" "), expected, "{by} {order}");
            let query = [("sortBy", by), ("sortOrder", order), ("startIndex", "2"), ("count", "2")];
            let part = get(&app, &directory, "/Users", &query).await.json();
            let middle: Vec<&str> = expected.split(' ').skip(1).take(2).collect();
            assert_eq!(names(&part, "userName"), middle, "{by} {order}");
        }
        assert_eq!(get(&app, &directory, "/Users", &[("sortBy", "password")]).await.status, 400);
        assert_eq!(get(&app, &directory, "/Users", &[("sortBy", "userName"), ("sortOrder", "sideways")]).await.status, 400);
    }

    async fn cursors_lead_through_one_query_only(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        for number in 0..5 {
            app.scim_user(&directory, &format!("user{number}@acme.example")).await;
        }
        for extra in [&[][..], &[("filter", "not (title pr)")], &[("sortBy", "userName")], &[("sortBy", "title")]] {
            let (mut cursor, mut seen, mut pages) = (String::new(), Vec::new(), 0);
            loop {
                let mut query = vec![("cursor", cursor.as_str()), ("count", "2")];
                query.extend(extra);
                let page = get(&app, &directory, "/Users", &query).await;
                assert_eq!(page.status, 200, "{extra:?}: {}", page.body);
                let page = page.json();
                seen.extend(names(&page, "userName"));
                pages += 1;
                match page.get("nextCursor") {
                    Some(next) => cursor = next.as_str().unwrap().to_owned(),
                    None => break,
                }
            }
            assert_eq!((pages, seen.len()), (3, 5), "{extra:?}: {seen:?}");
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 5);
        }
        let first = get(&app, &directory, "/Users", &[("cursor", ""), ("count", "2")]).await.json();
        let cursor = first["nextCursor"].as_str().unwrap();
        let scim_type = async |query: &[(&str, &str)]| {
            let answer = get(&app, &directory, "/Users", query).await;
            assert_eq!(answer.status, 400, "{query:?}: {}", answer.body);
            answer.json()["scimType"].as_str().unwrap_or_default().to_owned()
        };
        assert_eq!(scim_type(&[("cursor", cursor), ("count", "3")]).await, "invalidCount");
        assert_eq!(scim_type(&[("cursor", cursor), ("count", "2"), ("filter", "active eq true")]).await, "invalidCursor");
        assert_eq!(scim_type(&[("cursor", "AAAA"), ("count", "2")]).await, "invalidCursor");
        assert_eq!(scim_type(&[("cursor", &cursor.replace(&cursor[60..61], "_")), ("count", "2")]).await, "invalidCursor");
        app.advance(std::time::Duration::from_secs(3700));
        assert_eq!(scim_type(&[("cursor", cursor), ("count", "2")]).await, "expiredCursor");
    }

    async fn one_search_goes_over_users_and_groups(app: TestApp) {
        let environment = app.environment("prod").await;
        let directory = app.scim_directory(&app.tenant(&environment, "acme.example").await).await;
        for name in ["b", "d"] {
            let body = json!({ "userName": format!("{name}@acme.example"), "displayName": name });
            assert_eq!(app.scim(&directory, Method::POST, "/Users", Some(body)).await.status, 201);
            app.advance(std::time::Duration::from_millis(10));
        }
        for name in ["a", "c"] {
            app.scim_group(&directory, name, &[]).await;
            app.advance(std::time::Duration::from_millis(10));
        }
        let search = async |body: Value| {
            let answer = app.scim(&directory, Method::POST, "/.search", Some(body)).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            (answer.json()["totalResults"].clone(), names(&answer.json(), "displayName").join(" "))
        };
        assert_eq!(search(json!({})).await, (json!(4), "b d a c".into()));
        assert_eq!(search(json!({ "startIndex": 2, "count": 2 })).await, (json!(4), "d a".into()));
        assert_eq!(search(json!({ "startIndex": 4, "count": 2 })).await, (json!(4), "c".into()));
        assert_eq!(search(json!({ "sortBy": "displayName" })).await, (json!(4), "a b c d".into()));
        assert_eq!(search(json!({ "sortBy": "displayName", "startIndex": 2, "count": 2 })).await, (json!(4), "b c".into()));
        assert_eq!(search(json!({ "filter": "meta.resourceType eq \"Group\"" })).await, (json!(2), "a c".into()));
    }
}

/// What a filter finds, through the use case.
async fn in_process(
    app: &TestApp,
    directory: &ProvisioningTarget,
    kind: ResourceType,
    filter: Option<&str>,
) -> Vec<Value> {
    let pairs: Vec<(&str, &str)> = filter.map(|filter| ("filter", filter)).into_iter().collect();
    let query = ListQuery::from_pairs(pairs).unwrap();
    let list =
        search::list(&app.state, directory, kind, &query).await.unwrap_or_else(|error| panic!("{error}"));
    list.resources
}

/// Every text of the resources, and parts of them.
fn words(resources: &[Value]) -> Vec<String> {
    fn gather(value: &Value, words: &mut Vec<String>) {
        match value {
            Value::String(text) => {
                words.push(text.clone());
                words.push(text.to_uppercase());
                let (from, to) = (text.chars().count() / 3, text.chars().count() / 2 + 1);
                words.push(text.chars().take(to).collect());
                words.push(text.chars().skip(from).collect());
                words.push(text.chars().skip(from).take(to.saturating_sub(from)).collect());
            }
            Value::Array(elements) => elements.iter().for_each(|element| gather(element, words)),
            Value::Object(object) => object.values().for_each(|value| gather(value, words)),
            _ => {}
        }
    }
    let mut words = vec![String::new(), "%".into(), "_".into(), "'".into(), "zzz".into()];
    resources.iter().for_each(|resource| gather(resource, &mut words));
    words
}

/// Generates random filters.
struct FilterGenerator(SeededRandom);

impl FilterGenerator {
    fn below(&mut self, sides: usize) -> usize {
        (self.0.bits() % sides as u128) as usize
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn filter(&mut self, kind: ResourceType, words: &[String], depth: u32) -> String {
        match self.below(if depth == 0 { 2 } else { 6 }) {
            3 => format!("not ({})", self.filter(kind, words, depth - 1)),
            4 => format!(
                "({} and {})",
                self.filter(kind, words, depth - 1),
                self.filter(kind, words, depth - 1)
            ),
            5 => format!(
                "({} or {})",
                self.filter(kind, words, depth - 1),
                self.filter(kind, words, depth - 1)
            ),
            _ => self.term(kind, words),
        }
    }

    fn term(&mut self, kind: ResourceType, words: &[String]) -> String {
        let texts: &[&str] = match kind {
            ResourceType::User => &[
                "userName",
                "userName",
                "externalId",
                "displayName",
                "emails",
                "emails.value",
                "emails.type",
                "id",
                "title",
                "name.familyName",
                "groups.display",
            ],
            ResourceType::Group => &[
                "displayName",
                "displayName",
                "externalId",
                "id",
                "members",
                "members.value",
                "members.type",
                "members.$ref",
            ],
        };
        let operators = ["eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
        let text = |generator: &mut Self| Value::from(generator.pick(words).as_str()).to_string();
        match self.below(8) {
            0 => format!("{} pr", self.pick(texts)),
            1 => format!("{} {} null", self.pick(texts), self.pick(&["eq", "ne"])),
            2 if kind == ResourceType::User => {
                format!("active {} {}", self.pick(&["eq", "ne"]), self.pick(&["true", "false"]))
            }
            3 => {
                let moments: Vec<&String> =
                    words.iter().filter(|word| word.ends_with('Z') && word.len() == 24).collect();
                let moment = (*self.pick(&moments)).clone();
                let operators = ["eq", "ne", "gt", "ge", "lt", "le"];
                format!(
                    "meta.{} {} \"{moment}\"",
                    self.pick(&["created", "lastModified"]),
                    self.pick(&operators)
                )
            }
            4 => {
                let (parent, sub) = match kind {
                    ResourceType::User => ("emails", "type"),
                    ResourceType::Group => ("members", "type"),
                };
                let value = format!("value {} {}", self.pick(&operators), text(self));
                match self.below(3) {
                    0 => format!("{parent}[{value}]"),
                    1 => format!("{parent}[{value} and {sub} eq {}]", text(self)),
                    _ => format!("{parent}[{value} or not ({sub} eq {})]", text(self)),
                }
            }
            _ => format!("{} {} {}", self.pick(texts), self.pick(&operators), text(self)),
        }
    }
}
