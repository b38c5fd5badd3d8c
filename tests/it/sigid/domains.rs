//! Routes 12 to 18: domains. The name server is dnslib's.

use std::time::Duration;

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{ORGANIZATIONS, Person, assert_error, call, error, organization_of, person, tenant_admin};
use crate::{
    both,
    support::{Answer, TestApp, zone::ZoneServer},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A server that queries the name server.
async fn asking(app: &TestApp, dns: &ZoneServer) -> TestApp {
    let address = dns.address();
    app.replica_with(|config| config.dns_servers = vec![address]).await
}

/// A member of an organization with this tier.
async fn member(
    app: &TestApp,
    environment: &model::environment::Environment,
    organization: &str,
    name: &str,
    tier: &str,
) -> Person {
    let person = person(app, environment, name).await;
    let mut tx = app.state.db.write().await.unwrap();
    tx.sql(
        "INSERT INTO memberships (organization_id, user_id, environment_id, tier, status, source, joined_at, updated_at) \
         VALUES ($1, $2, $3, $4, 'active', 'manual', 0, 0)",
    )
    .bind(organization)
    .bind(person.user.id)
    .bind(environment.id)
    .bind(tier)
    .execute()
    .await
    .unwrap();
    tx.commit().await.unwrap();
    person
}

/// Calls the domains of an organization.
async fn at(
    app: &TestApp,
    by: &Person,
    organization: &str,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Answer {
    call(app, &by.token, method, &format!("/{organization}/domains{path}"), body).await
}

async fn claim(app: &TestApp, by: &Person, organization: &str, domain: &str) -> String {
    let claimed = at(app, by, organization, Method::POST, "", Some(json!({ "domain": domain }))).await;
    assert_eq!(claimed.status, 201, "{}", claimed.body);
    claimed.json()["id"].as_str().unwrap().to_owned()
}

/// Publishes what a started verification asks for.
fn publish(dns: &ZoneServer, shown: &Value) {
    let text = |name: &str| shown["verification"][name].as_str().unwrap().to_owned();
    dns.serve(&format!("{}. 60 IN TXT \"{}\"\n", text("record_name"), text("record_value")), &[]);
}

async fn verified(app: &TestApp, dns: &ZoneServer, by: &Person, organization: &str, domain: &str) -> String {
    let id = claim(app, by, organization, domain).await;
    publish(dns, &at(app, by, organization, Method::POST, &format!("/{id}/verify"), None).await.json());
    let done = at(app, by, organization, Method::POST, &format!("/{id}/confirm"), None).await.json();
    assert_eq!(done["status"], "verified", "{done}");
    id
}

both! {
    async fn the_script_of_a_domain(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let acme = organization_of(&app, &alice, "acme").await;
        let claimed = at(&app, &alice, &acme, Method::POST, "", Some(json!({ "domain": "Acme.TEST" }))).await;
        assert_eq!(claimed.status, 201, "{}", claimed.body);
        let shown = claimed.json();
        let id = shown["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("dom_"), "{id}");
        assert_eq!(claimed.header("location"), format!("{ORGANIZATIONS}/{acme}/domains/{id}"));
        let now = app.now().to_string();
        assert_eq!(
            shown,
            json!({
                "id": id, "organization_id": acme, "domain": "acme.test", "status": "pending",
                "verification": {
                    "method": "dns_txt", "record_name": null, "record_value": null, "started_at": null, "expires_at": null,
                    "last_checked_at": null, "attempts": 0, "last_error": null,
                },
                "verified_at": null, "verification_lapsed": false, "routing_enabled": false, "auto_join_enabled": false,
                "auto_join_role": "member", "created_at": now, "updated_at": now,
            })
        );
        let of = async |domain: &str| at(&app, &alice, &acme, Method::POST, "", Some(json!({ "domain": domain }))).await;
        assert_error(&of("gmail.com").await, 422, "public_email_domain");
        assert_error(&of("acme.test").await, 409, "domain_exists");
        for bad in ["co.uk", "192.0.2.1", "https://acme.test", "acme.test:443", "acme.test.", "ac me.test", "", &"a".repeat(300)] {
            assert_error(&of(bad).await, 422, "invalid_domain");
        }
        assert_error(&at(&app, &alice, &acme, Method::POST, "", Some(json!({}))).await, 422, "validation_failed");
        assert_error(&at(&app, &alice, &acme, Method::POST, "", Some(json!({ "domain": 7 }))).await, 422, "validation_failed");

        let one = format!("/{id}");
        let patch = async |body: Value| at(&app, &alice, &acme, Method::PATCH, &one, Some(body)).await;
        assert_error(&patch(json!({ "auto_join_enabled": true })).await, 409, "domain_not_verified");
        assert_error(&patch(json!({ "routing_enabled": true })).await, 409, "domain_not_verified");
        assert_error(&patch(json!({ "auto_join_role": "owner" })).await, 422, "validation_failed");
        assert_eq!(patch(json!({ "auto_join_enabled": false })).await.status, 200);
        let confirm = async || at(&app, &alice, &acme, Method::POST, &format!("/{id}/confirm"), None).await;
        assert_error(&confirm().await, 409, "verification_not_started");

        let begun = at(&app, &alice, &acme, Method::POST, &format!("/{id}/verify"), None).await.json();
        assert_eq!(begun["verification"]["record_name"], "_sso-challenge.acme.test");
        assert!(begun["verification"]["record_value"].as_str().unwrap().starts_with("sso-domain-verification="));
        assert_eq!(begun["verification"]["expires_at"], (app.now() + DAY * 30).to_string());
        let missing = confirm().await;
        assert_eq!((missing.status.as_u16(), &missing.json()["status"]), (200, &json!("pending")));
        assert_eq!(missing.json()["verification"]["last_error"], "record_not_found");
        dns.serve("", &[("fail", "_sso-challenge.acme.test")]);
        assert_error(&confirm().await, 503, "dns_unavailable");
        let kept = at(&app, &alice, &acme, Method::GET, &one, None).await.json();
        assert_eq!((&kept["status"], &kept["verification"]["last_error"]), (&json!("pending"), &json!("dns_unavailable")));
        assert_eq!(kept["verification"]["attempts"], 2);
        publish(&dns, &begun);
        let proved = confirm().await.json();
        assert_eq!((&proved["status"], &proved["verified_at"]), (&json!("verified"), &json!(app.now().to_string())));
        assert_eq!(proved["verification"]["last_error"], json!(null));
        let unchanged = at(&app, &alice, &acme, Method::POST, &format!("/{id}/verify"), None).await.json();
        assert_eq!(unchanged, proved);
        let again = at(&app, &alice, &acme, Method::POST, &format!("/{id}/verify"), Some(json!({ "restart": true }))).await.json();
        assert_eq!(again["status"], "verified");
        assert_ne!(again["verification"]["record_value"], proved["verification"]["record_value"]);

        // Nobody else has it; a claim of somebody else blocks nobody.
        let bob = person(&app, &environment, "bob").await;
        let globex = organization_of(&app, &bob, "globex").await;
        let theirs = at(&app, &bob, &globex, Method::POST, "", Some(json!({ "domain": "acme.test" }))).await;
        assert_error(&theirs, 409, "domain_verified_elsewhere");
        assert!(!theirs.body.contains(&acme), "{}", theirs.body);
        claim(&app, &bob, &globex, "both.test").await;
        claim(&app, &alice, &acme, "both.test").await;

        // A month later.
        let late = claim(&app, &alice, &acme, "late.test").await;
        at(&app, &alice, &acme, Method::POST, &format!("/{late}/verify"), None).await;
        app.advance(DAY * 31);
        let failed = at(&app, &alice, &acme, Method::GET, &format!("/{late}"), None).await.json();
        assert_eq!((&failed["status"], &failed["verification"]["last_error"]), (&json!("failed"), &json!("verification_expired")));
        let over = at(&app, &alice, &acme, Method::POST, &format!("/{late}/confirm"), None).await.json();
        assert_eq!(over["status"], "failed");
        let listed = at(&app, &alice, &acme, Method::GET, "?status=failed", None).await.json();
        assert_eq!((&listed["data"][0]["id"], listed["data"].as_array().unwrap().len()), (&json!(late), 1));
        let anew = at(&app, &alice, &acme, Method::POST, &format!("/{late}/verify"), None).await.json();
        assert_eq!((&anew["status"], &anew["verification"]["attempts"]), (&json!("pending"), &json!(0)));

        for expected in [204, 404] {
            assert_eq!(at(&app, &alice, &acme, Method::DELETE, &one, None).await.status, expected);
        }
        claim(&app, &bob, &globex, "acme.test").await;
    }

    async fn who_may_do_what_with_domains(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let acme = organization_of(&app, &alice, "acme").await;
        let admin = member(&app, &environment, &acme, "admin", "admin").await;
        let plain = member(&app, &environment, &acme, "plain", "member").await;
        let stranger = person(&app, &environment, "stranger").await;
        let vendor = tenant_admin(&app, &environment).await;
        let reads = Person { user: alice.user.clone(), token: app.system_token(&environment, &["organizations:read"]).await };
        let writes =
            Person { user: alice.user.clone(), token: app.system_token(&environment, &["organizations:write"]).await };
        let callers = [
            ("owner", &alice, 200, 200), ("admin", &admin, 200, 200), ("member", &plain, 403, 403), ("stranger", &stranger, 404, 404),
            ("tenant administrator", &vendor, 200, 200), ("client that reads", &reads, 200, 403), ("client that writes", &writes, 200, 200),
        ];
        for (number, (who, by, seen, changed)) in callers.into_iter().enumerate() {
            let id = claim(&app, &alice, &acme, &format!("d{number}.test")).await;
            let list = at(&app, by, &acme, Method::GET, "", None).await;
            assert_eq!(list.status, seen, "{who} lists");
            assert_eq!(at(&app, by, &acme, Method::GET, &format!("/{id}"), None).await.status, seen, "{who} reads");
            let made = at(&app, by, &acme, Method::POST, "", Some(json!({ "domain": format!("n{number}.test") }))).await;
            assert_eq!(made.status.as_u16(), if changed == 200 { 201 } else { changed }, "{who} claims");
            let verify = at(&app, by, &acme, Method::POST, &format!("/{id}/verify"), None).await;
            assert_eq!(verify.status, changed, "{who} starts");
            at(&app, &alice, &acme, Method::POST, &format!("/{id}/verify"), None).await;
            let confirm = at(&app, by, &acme, Method::POST, &format!("/{id}/confirm"), None).await;
            assert_eq!(confirm.status, changed, "{who} confirms");
            let patch = at(&app, by, &acme, Method::PATCH, &format!("/{id}"), Some(json!({ "routing_enabled": false }))).await;
            assert_eq!(patch.status, changed, "{who} switches");
            let role = at(&app, by, &acme, Method::PATCH, &format!("/{id}"), Some(json!({ "auto_join_role": "admin" }))).await;
            assert_eq!(role.status.as_u16(), if who == "admin" { 422 } else { changed }, "{who} makes administrators: {}", role.body);
            let delete = at(&app, by, &acme, Method::DELETE, &format!("/{id}"), None).await;
            assert_eq!(delete.status.as_u16(), if changed == 200 { 204 } else { changed }, "{who} gives up");
        }
        // A domain of another organization is none of this one; whether it exists is not told.
        let globex = organization_of(&app, &stranger, "globex").await;
        let theirs = claim(&app, &stranger, &globex, "globex.test").await;
        for (method, path) in [
            (Method::GET, String::new()), (Method::PATCH, String::new()), (Method::DELETE, String::new()),
            (Method::POST, "/verify".to_owned()), (Method::POST, "/confirm".to_owned()),
        ] {
            for id in [theirs.as_str(), "dom_0000000000000000000000009", "nonsense"] {
                let answer = at(&app, &alice, &acme, method.clone(), &format!("/{id}{path}"), None).await;
                assert_eq!(error(&answer), (404, "not_found".to_owned()), "{method} {id}{path}");
                assert!(!answer.body.contains("globex"), "{}", answer.body);
            }
        }
        let other = app.environment("other").await;
        let foreign = person(&app, &other, "foreign").await;
        assert_error(&at(&app, &foreign, &acme, Method::GET, "", None).await, 404, "not_found");
    }

    async fn a_proved_domain_is_switched_by_whoever_read_it_last(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let acme = organization_of(&app, &alice, "acme").await;
        let id = verified(&app, &dns, &alice, &acme, "acme.test").await;
        let read = at(&app, &alice, &acme, Method::GET, &format!("/{id}"), None).await;
        let tag = read.header("etag").to_owned();
        let change = async |tag: &str, body: Value| {
            let browser = app.browser();
            let url = app.url(&format!("{ORGANIZATIONS}/{acme}/domains/{id}"));
            let request = browser.request(Method::PATCH, &url).header(header::IF_MATCH, tag);
            let request = request.header(header::AUTHORIZATION, format!("Bearer {}", alice.token));
            browser.send(request.header(header::CONTENT_TYPE, "application/json").body(body.to_string())).await
        };
        app.advance(DAY);
        let changed = change(&tag, json!({ "routing_enabled": true, "auto_join_enabled": true, "auto_join_role": "admin" })).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let shown = changed.json();
        assert_eq!((&shown["routing_enabled"], &shown["auto_join_enabled"], &shown["auto_join_role"]), (&json!(true), &json!(true), &json!("admin")));
        assert_eq!(shown["updated_at"], app.now().to_string());
        assert_error(&change(&tag, json!({ "routing_enabled": false })).await, 412, "precondition_failed");
        assert_eq!(change(changed.header("etag"), json!({ "routing_enabled": false })).await.status, 200);

        // Six questions a minute.
        for _ in 0..6 {
            at(&app, &alice, &acme, Method::POST, &format!("/{id}/confirm"), None).await;
        }
        let limited = at(&app, &alice, &acme, Method::POST, &format!("/{id}/confirm"), None).await;
        assert_error(&limited, 429, "rate_limited");
        assert!(!limited.header("retry-after").is_empty());
    }

    async fn pages_of_domains_go_on_where_the_last_one_ended(app: TestApp) {
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let acme = organization_of(&app, &alice, "acme").await;
        let mut made = Vec::new();
        for number in 0..5 {
            made.push(claim(&app, &alice, &acme, &format!("d{number}.test")).await);
        }
        made.sort_unstable();
        let (mut found, mut path) = (Vec::new(), "?limit=2".to_owned());
        loop {
            let page = at(&app, &alice, &acme, Method::GET, &path, None).await.json();
            found.extend(page["data"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("?limit=2&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(found, made);
        for bad in ["?status=none", "?cursor=x", "?limit=0"] {
            assert_error(&at(&app, &alice, &acme, Method::GET, bad, None).await, 422, "validation_failed");
        }
    }
}
