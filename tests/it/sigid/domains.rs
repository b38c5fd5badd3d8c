//! Routes 12 to 18: domains. The name server is dnslib's.

use std::time::Duration;

use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{
    ORGANIZATIONS, Person, assert_error, call, error, organization_of, person, session, sessions,
    tenant_admin,
};
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

/// The entries of the log with this type, as pairs of type and kind of target.
async fn logged(app: &TestApp, by: &Person, organization: &str, kind: &str) -> Vec<(String, String)> {
    let path = format!("/{organization}/audit-events?limit=100&type={kind}");
    let answer = call(app, &by.token, Method::GET, &path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let shown = answer.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    shown["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(&it["type"]), text(&it["target"]["type"])))
        .collect()
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
        let token = session(&app, &alice.user, Duration::ZERO, false).await;
        let alice = Person { user: alice.user.clone(), token };
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
        let token = session(&app, &bob.user, Duration::ZERO, false).await;
        let bob = Person { user: bob.user.clone(), token };
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
        app.advance(Duration::from_secs(60));
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

    async fn the_log_names_what_happens_to_a_domain_as_the_surface_does(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let acme = organization_of(&app, &alice, "acme").await;
        let id = verified(&app, &dns, &alice, &acme, "acme.test").await;
        let one = format!("/{id}");
        at(&app, &alice, &acme, Method::PATCH, &one, Some(json!({ "routing_enabled": true }))).await;
        assert_eq!(at(&app, &alice, &acme, Method::DELETE, &one, None).await.status, 204);
        for done in ["added", "verification_started", "verified", "updated", "removed"] {
            let kind = format!("organization.domain.{done}");
            assert_eq!(logged(&app, &alice, &acme, &kind).await, [(kind.clone(), "domain".to_owned())]);
        }
        for ours in ["organization_domain.created", "organization.domain.created", "organization.domain.lapsed"] {
            let found = logged(&app, &alice, &acme, ours).await;
            assert!(found.iter().all(|(kind, _)| kind == "organization.domain.added"), "{found:?}");
        }
    }

    async fn of_many_organizations_that_confirm_one_domain_at_once_one_has_it(app: TestApp) {
        const MANY: usize = 16;
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let (mut zone, mut claimed) = (String::new(), Vec::new());
        for number in 0..MANY {
            let organization = organization_of(&app, &alice, &format!("org-{number}")).await;
            let id = claim(&app, &alice, &organization, "acme.test").await;
            let begun = at(&app, &alice, &organization, Method::POST, &format!("/{id}/verify"), None).await.json();
            let value = begun["verification"]["record_value"].as_str().unwrap();
            zone.push_str(&format!("_sso-challenge.acme.test. 60 IN TXT \"{value}\"\n"));
            claimed.push((organization, id));
        }
        dns.serve(&zone, &[]);
        let confirming = claimed.iter().map(|(organization, id)| {
            let path = format!("/{id}/confirm");
            let (app, alice) = (&app, &alice);
            async move { at(app, alice, organization, Method::POST, &path, None).await }
        });
        let answers = futures_util::future::join_all(confirming).await;
        let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((won.len(), lost.len()), (1, MANY - 1));
        assert_eq!(won[0].json()["status"], "verified");
        for answer in lost {
            assert_error(answer, 409, "domain_verified_elsewhere");
        }
        let mut states = Vec::new();
        for (organization, id) in &claimed {
            let shown = at(&app, &alice, organization, Method::GET, &format!("/{id}"), None).await.json();
            states.push(shown["status"].as_str().unwrap().to_owned());
        }
        states.sort_unstable();
        assert_eq!((states.iter().filter(|it| *it == "pending").count(), states.last().unwrap().as_str()), (MANY - 1, "verified"));
    }

    async fn a_claim_that_is_sent_again_with_its_key_is_answered_as_before(app: TestApp) {
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let acme = organization_of(&app, &alice, "acme").await;
        let send = async |path: &str, key: &str, body: Value| {
            let browser = app.browser();
            let request = browser.request(Method::POST, &app.url(&format!("{ORGANIZATIONS}/{acme}/domains{path}")));
            let request = request.header(header::AUTHORIZATION, format!("Bearer {}", alice.token)).header("Idempotency-Key", key);
            browser.send(request.header(header::CONTENT_TYPE, "application/json").body(body.to_string())).await
        };
        let first = send("", "k-1", json!({ "domain": "acme.test" })).await;
        let again = send("", "k-1", json!({ "domain": "acme.test" })).await;
        assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201), "{}", again.body);
        assert_eq!(first.json(), again.json());
        assert_error(&send("", "k-1", json!({ "domain": "other.test" })).await, 422, "idempotency_key_reused");
        assert_error(&send("", "k-2", json!({ "domain": "acme.test" })).await, 409, "domain_exists");
        // The challenge that was shown first stays the one to publish.
        let verify = format!("/{}/verify", first.json()["id"].as_str().unwrap());
        let begun = send(&verify, "k-3", json!({})).await.json();
        assert_eq!(send(&verify, "k-3", json!({})).await.json(), begun);
        assert_ne!(send(&verify, "k-4", json!({})).await.json(), begun);
    }

    async fn whoever_begins_a_session_with_an_address_on_a_domain_becomes_a_member_by_it(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let acme = organization_of(&app, &alice, "acme").await;
        let id = verified(&app, &dns, &alice, &acme, "acme.test").await;
        sessions::with_password(&app, &environment, "dana@acme.test").await;
        let begin = async || {
            app.advance(Duration::from_secs(1));
            let body = json!({ "email": "dana@acme.test", "password": sessions::PASSWORD, "tenant": "prod" });
            let begun = sessions::begin(&app, body).await;
            assert_eq!(begun.status, 201, "{}", begun.body);
            begun.json()
        };
        let listed = async |begun: &Value| {
            let token = begun["access_token"].as_str().unwrap();
            let shown = call(&app, token, Method::GET, "", None).await.json();
            shown["data"].as_array().unwrap().clone()
        };
        assert_eq!(listed(&begin().await).await, Vec::<Value>::new(), "it is off");
        let on = json!({ "auto_join_enabled": true });
        assert_eq!(at(&app, &alice, &acme, Method::PATCH, &format!("/{id}"), Some(on)).await.status, 200);
        let begun = begin().await;
        let found = listed(&begun).await;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((&found[0]["id"], &found[0]["my_role"], &found[0]["member_count"]), (&json!(acme), &json!("member"), &json!(2)));
        let dana = begun["user_id"].as_str().unwrap();
        let member = call(&app, &alice.token, Method::GET, &format!("/{acme}/members/{dana}"), None).await.json();
        assert_eq!(member["source"], "auto_join", "{member}");
        let mut conn = app.state.db.read().await.unwrap();
        let told: Vec<(String,)> = conn
            .sql("SELECT type FROM events WHERE organization_id = $1 AND resource_id = $2 ORDER BY sequence")
            .bind(acme.parse::<base::id::OrganizationId>().unwrap())
            .bind(dana)
            .all()
            .await
            .unwrap();
        drop(conn);
        assert_eq!(told, [("membership.created".to_owned(),)]);

        // Whoever was removed, or left, is not made one again.
        let removed = call(&app, &alice.token, Method::DELETE, &format!("/{acme}/members/{dana}"), None).await;
        assert_eq!(removed.status, 204, "{}", removed.body);
        assert_eq!(listed(&begin().await).await, Vec::<Value>::new());
    }
}
