//! What an organization is: its members, their rules, its id and its name (1.4).

use std::iter::repeat_n;

use futures_util::future::join_all;

use super::*;
use crate::both;

both! {
    async fn every_member_is_kept_shown_and_replaced(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let body = json!({
            "name": "  acme-corp  ",
            "display_name": "ACME",
            "description": "Makes anvils.\nSince 1920.",
            "color": "#007FFF",
            "email": "contact@acme.com",
            "domains": ["Acme.example", "acme.test"],
            "authentication_mechanisms": ["webauthn", "password", "email_otp"],
            "metadata": { "payload": { "a": 1 } },
            "deactivated": false,
            // Members that the vendor has and we do not, and those that cannot be set.
            "theme_id": "x",
            "tenant_id": "y",
            "number_of_child_organizations": 7,
            "issuer_url": "https://evil.example",
            "subject_format": "hash",
            "subject_identifier_algorithm_salt": "salt",
            "unknown": { "deeply": ["nested"] },
        });
        let made = caller.create(body).await;
        let id = made["id"].as_str().unwrap();
        assert_eq!(made, json!({
            "id": id,
            "name": "acme-corp",
            "displayName": "ACME",
            "description": "Makes anvils.\nSince 1920.",
            "parent_id": "",
            "color": "#007FFF",
            "email": "contact@acme.com",
            "metadata": { "payload": { "a": 1 }, "schema": {} },
            "domains": ["acme.example", "acme.test"],
            "authentication_mechanisms": ["webauthn", "password", "email_otp"],
            "deactivated": false,
            "issuer_url": format!("{}/prod/{id}", app.base),
            "theme_id": null,
            "subject_format": "",
            "subject_identifier_algorithm_salt": "",
            "template": false,
            "number_of_child_organizations": 0,
        }));
        assert_eq!(caller.admin().get(id).await, made, "the admin API has the same");

        // A replacement: what is absent gets its default.
        let changed = caller.put(id, json!({ "name": "acme-corp" })).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        assert_ne!(changed.header("etag"), "");
        let plain = changed.json();
        for (member, value) in [
            ("description", json!("")), ("color", json!("")), ("metadata", json!({ "payload": {}, "schema": {} })),
            ("domains", json!(null)), ("authentication_mechanisms", json!(null)), ("parent_id", json!("")),
            ("template", json!(false)), ("displayName", json!("ACME")), ("email", json!("contact@acme.com")),
            ("deactivated", json!(false)), ("name", json!("acme-corp")),
        ] {
            assert_eq!(plain[member], value, "{member}");
        }
        assert_eq!(caller.get(id).await, plain);
        let cleared = caller.put(id, json!({ "name": "other", "displayName": "", "email": "", "authentication_mechanisms": [], "deactivated": true })).await.json();
        let mut expected = MEMBERS.to_vec();
        expected.sort_unstable();
        assert_eq!(members(&cleared), expected);
        assert_eq!((&cleared["name"], &cleared["deactivated"], &cleared["authentication_mechanisms"]), (&json!("other"), &json!(true), &json!([])));
        // What an answer says can be sent back.
        let again = caller.put(id, cleared.clone()).await;
        assert_eq!((again.status.as_u16(), again.json()), (200, cleared));

        assert_eq!(caller.send(Method::DELETE, &format!("/{id}"), None).await.status, 204);
        assert_eq!(error(&caller.send(Method::GET, &format!("/{id}"), None).await), (404, "organization_not_found".into()));
        assert_eq!(error(&caller.send(Method::DELETE, &format!("/{id}"), None).await), (404, "organization_not_found".into()));
        caller.create(json!({ "name": "other" })).await;
    }

    async fn what_breaks_a_rule_is_422_and_what_cannot_be_read_is_400(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let long = |count: usize| "x".repeat(count);
        for (member, value) in [
            ("name", json!("")), ("name", json!("   ")), ("name", json!(null)), ("name", json!(long(256))), ("name", json!("a\u{7}b")),
            ("id", json!("a b")), ("id", json!("a/b")), ("id", json!("ä")), ("id", json!(long(65))), ("id", json!("org_x")),
            ("id", json!("system")), ("id", json!("oauth")), ("id", json!("root")), ("id", json!("admin")),
            ("id", json!("api")), ("id", json!("sign-in")), ("id", json!("account")),
            ("color", json!("red")), ("color", json!("#fff")), ("color", json!("#GGGGGG")),
            ("email", json!("nobody")), ("email", json!("a@b@c")),
            ("displayName", json!(long(501))), ("description", json!(long(2001))), ("description", json!("a\u{1b}b")),
            ("domains", json!(["not a domain"])), ("domains", json!(["co.uk"])), ("domains", json!(["gmail.com"])),
            ("domains", json!(repeat_n("a.example", 1001).collect::<Vec<_>>())),
            ("authentication_mechanisms", json!(["passkey"])), ("authentication_mechanisms", json!(["Password"])),
        ] {
            let mut body = json!({ "name": "acme" });
            body[member] = value.clone();
            let answer = caller.send(Method::POST, "", Some(body)).await;
            assert_eq!(error(&answer), (422, "validation_failed".into()), "{member} {value}");
            let errors = answer.json()["details"]["errors"].clone();
            assert_eq!(errors[0]["path"], member, "{value}: {errors}");
            assert_ne!(errors[0]["message"], "", "{value}");
        }
        for (member, value) in [
            ("name", json!(7)), ("name", json!(["a"])), ("id", json!(7)), ("template", json!("yes")), ("domains", json!("a.example")),
            ("domains", json!([1])), ("authentication_mechanisms", json!({})), ("metadata", json!("x")), ("metadata", json!([])),
            ("parent_id", json!(1)), ("deactivated", json!(1)),
        ] {
            let mut body = json!({ "name": "acme" });
            body[member] = value.clone();
            assert_eq!(caller.refused(body).await, (400, "invalid_json".into()), "{member} {value}");
        }
        assert!(caller.names("").await.is_empty(), "nothing is half written");
        let browser = app.browser();
        for text in ["{", "[]", "null", "\"x\"", "{\"name\":\"a\",\"name\":\"b\"}", "{\"name\":\"a\\u0000b\"}", "\u{0}", "{\"name\":\"\\ud800\"}"] {
            let request = browser.request(Method::POST, &app.url(&caller.base)).bearer_auth(&caller.token);
            let answer = browser.send(request.header("content-type", "application/json").body(text)).await;
            assert_eq!(error(&answer), (400, "invalid_json".into()), "{text}");
        }
        // The longest of everything.
        let body = json!({ "id": long(64), "name": "n".repeat(255), "displayName": long(500), "description": long(2000) });
        let made = caller.create(body).await;
        assert_eq!(caller.get(&long(64)).await, made);
    }

    async fn an_id_is_chosen_once_and_names_one_organization(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let first = caller.create(json!({ "name": "first" })).await;
        let hex = first["id"].as_str().unwrap().to_owned();
        let uuid = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-");
        // What encodes another organization's id, in whatever form, is that organization's.
        let taken = (409, "organization_exists".to_owned());
        for id in [&hex, &hex.to_uppercase(), &uuid, &format!("{:032x}", environment.root_organization_id().bits())] {
            assert_eq!(caller.refused(json!({ "id": id, "name": "second" })).await, taken, "{id}");
        }
        // 32 hexadecimal digits of nobody are an id like any other: those who come from elsewhere keep theirs.
        let moved = "c74c00101ecf45c6a08e5f4a370bd71a";
        let second = caller.create(json!({ "id": moved, "name": "second", "displayName": "Two" })).await;
        assert_eq!(second["issuer_url"], format!("{}/prod/{moved}", app.base));
        assert_eq!(caller.refused(json!({ "id": moved, "name": "third" })).await, taken);
        assert_eq!(caller.get(moved).await, second);
        // Byte for byte.
        caller.create(json!({ "id": "Parent-Org", "name": "third" })).await;
        caller.create(json!({ "id": "parent-org", "name": "fourth" })).await;
        assert_eq!(caller.get("Parent-Org").await["name"], "third");
        assert_eq!(error(&caller.send(Method::GET, "/PARENT-ORG", None).await), (404, "organization_not_found".into()));
        // Every form of an id is read; the answer has the one that was chosen.
        for id in [&hex, &hex.to_uppercase(), &uuid, &uuid.to_uppercase(), &org_form(&hex)] {
            assert_eq!(caller.get(id).await, first, "{id}");
        }
        // The id never changes.
        for (body, status) in [
            (json!({ "id": "other", "name": "third" }), 400),
            (json!({ "id": "parent-org", "name": "third" }), 400),
            (json!({ "id": "Parent-Org", "name": "third" }), 200),
            (json!({ "id": "", "name": "third" }), 200),
            (json!({ "id": null, "name": "third" }), 200),
        ] {
            let answer = caller.put("Parent-Org", body.clone()).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.body);
            if status == 400 {
                assert_eq!(error(&answer), (400, "id_mismatch".into()));
            }
        }
        assert_eq!(caller.put(&uuid, json!({ "id": hex, "name": "first" })).await.status, 200, "two forms of one id");
        // Another environment is another world.
        let other = app.environment("other").await;
        Caller::new(&app, &other).await.create(json!({ "id": "parent-org", "name": "fourth" })).await;
        // A deleted organization's id and name are free.
        assert_eq!(caller.send(Method::DELETE, "/parent-org", None).await.status, 204);
        let fresh = caller.create(json!({ "id": "parent-org", "name": "fourth" })).await;
        assert_eq!(caller.get("parent-org").await, fresh);
    }

    async fn a_name_is_unique_whatever_its_case(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        let made = caller.create(json!({ "name": "Åcme Corp" })).await;
        let taken = (409, "organization_name_exists".to_owned());
        for name in ["Åcme Corp", "åCME cORP", "  åcme corp "] {
            assert_eq!(caller.refused(json!({ "name": name })).await, taken, "{name}");
            assert_eq!(caller.refused(json!({ "name": name, "template": true })).await, taken, "{name}");
        }
        let other = caller.create(json!({ "name": "globex" })).await;
        let id = other["id"].as_str().unwrap();
        assert_eq!(error(&caller.put(id, json!({ "name": "ÅCME CORP" })).await), taken);
        assert_eq!(caller.put(id, json!({ "name": "GLOBEX" })).await.json()["name"], "GLOBEX", "its own name in another case");
        let id = made["id"].as_str().unwrap();
        assert_eq!(caller.send(Method::DELETE, &format!("/{id}"), None).await.status, 204);
        caller.create(json!({ "name": "åcme corp" })).await;
    }

    async fn of_many_who_want_one_name_or_one_id_one_gets_it(app: TestApp) {
        let environment = app.environment("prod").await;
        let caller = Caller::new(&app, &environment).await;
        for (body, code) in [
            (json!({ "name": "acme" }), "organization_name_exists"),
            (json!({ "id": "acme-id" }), "organization_exists"),
        ] {
            let wanted = (0..16).map(|number| {
                let mut body = body.clone();
                if body["name"].is_null() {
                    body["name"] = json!(format!("acme {number}"));
                }
                caller.send(Method::POST, "", Some(body))
            });
            let answers = join_all(wanted).await;
            let made = answers.iter().filter(|answer| answer.status == 201).count();
            assert_eq!(made, 1, "{code}: {:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
            for refused in answers.iter().filter(|answer| answer.status != 201) {
                assert_eq!(error(refused), (409, code.into()));
            }
        }
        assert_eq!(caller.names("").await.len(), 2);
        // Two that rename to the same.
        let pair = [caller.create(json!({ "name": "a" })).await, caller.create(json!({ "name": "b" })).await];
        let renamed = join_all(pair.iter().map(|one| caller.put(one["id"].as_str().unwrap(), json!({ "name": "same" })))).await;
        let mut statuses: Vec<u16> = renamed.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409]);
    }

    async fn an_organization_that_the_other_api_made_is_shown_by_its_display_name_or_its_id(app: TestApp) {
        let environment = app.environment("prod").await;
        let (caller, key) = (Caller::new(&app, &environment).await, app.api_key(&environment, true).await);
        for (display_name, expected) in [("Acme", Some("Acme")), ("", None), ("Acme", Some("Acme"))] {
            let made = app.api(&key, Method::POST, "/v1/organizations", Some(json!({ "displayName": display_name }))).await;
            let id = made.json()["organization"]["id"].as_str().unwrap().to_owned();
            let shown = caller.get(&id).await;
            assert_eq!(shown["name"], expected.map_or_else(|| shown["id"].clone(), |name| json!(name)));
            assert_eq!(shown.get("displayName").is_some(), expected.is_some());
        }
        // Names are unique for those who write here; the other API may repeat them.
        assert_eq!(caller.refused(json!({ "name": "acme" })).await, (409, "organization_name_exists".into()));
        // And the other way round.
        let made = caller.create(json!({ "id": "globex-id", "name": "globex", "metadata": { "a": 1 } })).await;
        let shown = app.api(&key, Method::GET, "/v1/organizations/globex-id", None).await.json();
        let organization = &shown["organization"];
        assert_eq!((&organization["displayName"], &organization["name"], &organization["metadata"]), (&json!("globex"), &json!("globex"), &json!({ "a": 1 })));
        let path = format!("/v1/organizations/{}", organization["id"].as_str().unwrap());
        app.api(&key, Method::PATCH, &path, Some(json!({ "displayName": "Globex Inc." }))).await;
        let mut expected = made.clone();
        expected["displayName"] = json!("Globex Inc.");
        assert_eq!(caller.get("globex-id").await, expected);
    }

    async fn a_domain_may_be_shared_as_by_an_api_key_but_not_where_it_is_proven(app: TestApp) {
        let environment = app.environment("prod").await;
        let (caller, key) = (Caller::new(&app, &environment).await, app.api_key(&environment, true).await);
        app.tenant(&environment, "acme.example").await;
        let made = caller.create(json!({ "name": "acme", "domains": ["acme.example"] })).await;
        assert_eq!(made["domains"], json!(["acme.example"]));
        let path = format!("/v1/organizations/{}", made["id"].as_str().unwrap());
        let shown = app.api(&key, Method::GET, &path, None).await.json();
        assert_eq!(shown["organization"]["sharedDomains"], json!(["acme.example"]));
        let events = app.api(&key, Method::GET, "/v1/events", None).await;
        assert!(events.body.contains("organization.domain_shared"), "{}", events.body);
        // Proven elsewhere.
        let mut tx = app.state.db.write().await.unwrap();
        tx.sql("UPDATE organization_domains SET state = 'verified' WHERE domain = 'acme.example' AND organization_id <> $1")
            .bind(made["id"].as_str().unwrap().parse::<base::id::OrganizationId>().unwrap()).execute().await.unwrap();
        tx.commit().await.unwrap();
        let refused = caller.send(Method::POST, "", Some(json!({ "name": "other", "domains": ["acme.example"] }))).await;
        assert_eq!(error(&refused), (409, "failed_precondition".into()), "{}", refused.body);
        assert_eq!(caller.names("?search_phrase=other").await, Vec::<String>::new());
    }
}

/// An id as our own API writes it.
fn org_form(hex: &str) -> String {
    hex.parse::<base::id::OrganizationId>().unwrap().to_string()
}
