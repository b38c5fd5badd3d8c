//! Domains that DNS proved are looked at again: what is gone warns, stops counting after the grace time, and comes back.

use std::time::Duration;

use model::{audit::AuditEvent, domain::Domain, organization_domain::OrganizationDomain};
use ostiary::{
    app::{
        audit::{self, AuditFilter},
        organizations::domains,
        pagination::PageQuery,
        principal::Principal,
        support::overview::{self, Period},
    },
    store,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{
        IdentityProvider, Request, Tenant, TestApp,
        dns::NameServer,
        mail::{MailServer, header, send_by},
    },
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const NAME: &str = "_sso-challenge.new.example";

/// A server that queries the given name server, and an organization for which DNS proved `new.example`.
async fn proved(app: &TestApp, dns: &NameServer) -> (TestApp, Tenant, String) {
    let address = dns.address();
    let app = app.replica_with(|config| config.dns_servers = vec![address]).await;
    let environment = app.environment("prod").await;
    let (key, tenant) =
        (app.api_key(&environment, true).await, app.tenant(&environment, "acme.example").await);
    assert_eq!(prove(&app, dns, &key, &tenant, "new.example").await["state"], "verified");
    (app, tenant, key)
}

/// Publishes the record of a domain and checks it.
async fn prove(app: &TestApp, dns: &NameServer, key: &str, tenant: &Tenant, domain: &str) -> Value {
    let path = domains_of(tenant);
    let asked = app.api(key, Method::POST, &path, Some(json!({ "domain": domain }))).await.json();
    let text = |field: &str| asked["domain"][field].as_str().unwrap().to_owned();
    dns.publish(&text("txtRecordName"), &[&text("txtRecordValue")]);
    app.advance(Duration::from_secs(11));
    let checked = app.api(key, Method::POST, &format!("{path}/{domain}/check"), Some(json!({}))).await;
    checked.json()["domain"].clone()
}

fn domains_of(tenant: &Tenant) -> String {
    format!("/v1/organizations/{}/domains", tenant.organization.id)
}

async fn read(app: &TestApp, key: &str, tenant: &Tenant, domain: &str) -> Value {
    let path = format!("{}/{domain}", domains_of(tenant));
    app.api(key, Method::GET, &path, None).await.json()["domain"].clone()
}

/// The row behind it.
async fn row(app: &TestApp, tenant: &Tenant, domain: &str) -> OrganizationDomain {
    let mut conn = app.state.db.read().await.unwrap();
    let domain = Domain::parse(domain).unwrap();
    store::organization_domains::find(&mut conn, tenant.organization.id, &domain).await.unwrap().unwrap()
}

/// Lets time pass, and runs the job.
async fn after(app: &TestApp, time: Duration) -> usize {
    app.advance(time);
    domains::check_due(&app.state).await.unwrap()
}

async fn signs_in(app: &TestApp, key: &str, tenant: &Tenant) -> bool {
    let browser = app.browser();
    let request = Request::read(&browser.get(&app.login_link(key, tenant, "s").await).await);
    let idp = IdentityProvider::get();
    let response = idp.sign(&idp.response(tenant, Some(&request.id), "dana@new.example", app.now()));
    let answer = request.answer(&browser, tenant, &response).await;
    match answer.reason() {
        None => true,
        reason => {
            assert_eq!(reason, Some("email_outside_organization_domains"));
            false
        }
    }
}

/// Lets the daily looks pass that miss a record until it is lost. Each finds `due` domains due.
async fn miss_three_times(app: &TestApp, due: usize) {
    for look in 1..=3 {
        assert_eq!(after(app, 28 * HOUR).await, due, "look {look}");
    }
}

/// The types of the organization's events about its domains, and their data, after that it was proved.
async fn events(app: &TestApp, key: &str) -> Vec<(String, Value)> {
    let feed = app.api(key, Method::GET, "/v1/events", None).await.json();
    let all = feed["events"].as_array().unwrap().iter();
    let all = all.map(|event| (event["type"].as_str().unwrap().to_owned(), event["data"].clone()));
    all.filter(|(kind, _)| kind != "organization.domain_verified").collect()
}

/// What the audit log says of the domain, the latest first, and by whom.
async fn audited(app: &TestApp, tenant: &Tenant) -> Vec<(String, String)> {
    let principal = Principal::operator(tenant.environment.id);
    let filter = AuditFilter { organization_id: Some(tenant.organization.id), ..AuditFilter::default() };
    let found: Vec<AuditEvent> =
        audit::list(&app.state, &principal, &filter, &PageQuery::default()).await.unwrap().items;
    let of_domain = found.into_iter().filter(|event| event.target_kind == "organization_domain");
    of_domain.map(|event| (event.action, event.actor.kind)).collect()
}

both! {
    async fn a_domain_that_loses_its_record_warns_then_stops_counting_and_comes_back(app: TestApp) {
        let dns = NameServer::start().await;
        let (app, tenant, key) = proved(&app, &dns).await;
        let record = read(&app, &key, &tenant, "new.example").await["txtRecordValue"].clone();
        assert_eq!(after(&app, 12 * HOUR).await, 0, "not before a day has passed");
        assert_eq!(after(&app, 16 * HOUR).await, 1);
        let fine = read(&app, &key, &tenant, "new.example").await;
        assert_eq!((&fine["state"], &fine["recordLostAt"]), (&json!("verified"), &Value::Null));
        assert_eq!(events(&app, &key).await, []);

        // Two days without it are nothing yet, and what somebody asks in between is no look.
        dns.publish(NAME, &["v=spf1 -all"]);
        for missed in 1..=2 {
            assert_eq!(after(&app, 28 * HOUR).await, 1);
            let path = format!("{}/new.example/check", domains_of(&tenant));
            assert_eq!(app.api(&key, Method::POST, &path, Some(json!({}))).await.status, 200);
            let kept = row(&app, &tenant, "new.example").await;
            assert_eq!((kept.missed_checks, kept.record_lost_at), (missed, None));
            app.advance(11 * SECOND);
        }
        assert_eq!(events(&app, &key).await, []);
        assert_eq!(after(&app, 20 * HOUR).await, 0, "looks are a day apart");

        // Gone: it warns, and goes on counting.
        assert_eq!(after(&app, 8 * HOUR).await, 1);
        let lost_at = app.now();
        let lost = read(&app, &key, &tenant, "new.example").await;
        assert_eq!((&lost["state"], &lost["recordLostAt"]), (&json!("verified"), &json!(lost_at)));
        assert_eq!(lost["countsUntil"], json!(lost_at + 14 * DAY));
        assert!(lost["checkError"].as_str().unwrap().contains("v=spf1"), "{lost}");
        let said = events(&app, &key).await;
        assert_eq!(said.len(), 1, "{said:?}");
        assert_eq!(said[0].0, "organization.domain_record_lost");
        assert_eq!((&said[0].1["domain"], &said[0].1["countsUntil"]), (&json!("new.example"), &lost["countsUntil"]));
        let service = "service".to_owned();
        assert_eq!(audited(&app, &tenant).await[0], ("organization_domain.record_lost".to_owned(), service.clone()));
        assert!(signs_in(&app, &key, &tenant).await);
        let operator = Principal::operator(tenant.environment.id);
        let overview = overview::load(&app.state, &operator, Period::Day).await.unwrap();
        assert_eq!(overview.domains.len(), 1);
        assert_eq!(overview.domains[0].counts_until, lost_at + 14 * DAY);
        // It warns once.
        miss_three_times(&app, 1).await;
        assert_eq!(events(&app, &key).await.len(), 1);

        // Back in time.
        dns.publish(NAME, &[record.as_str().unwrap()]);
        assert_eq!(after(&app, 28 * HOUR).await, 1);
        let back = read(&app, &key, &tenant, "new.example").await;
        assert_eq!((&back["state"], &back["recordLostAt"], &back["countsUntil"]), (&json!("verified"), &Value::Null, &Value::Null));
        assert_eq!(events(&app, &key).await[1].0, "organization.domain_restored");
        assert_eq!(audited(&app, &tenant).await[0].0, "organization_domain.restored");

        // Gone for longer than the grace time, which begins anew.
        dns.publish(NAME, &[]);
        miss_three_times(&app, 1).await;
        assert_eq!(after(&app, 13 * DAY).await, 1);
        assert!(signs_in(&app, &key, &tenant).await);
        assert_eq!(after(&app, DAY + HOUR).await, 1);
        let lapsed = read(&app, &key, &tenant, "new.example").await;
        assert_eq!((&lapsed["state"], &lapsed["countsUntil"]), (&json!("failed"), &Value::Null));
        let said = events(&app, &key).await;
        assert_eq!((said[3].0.as_str(), &said[3].1["state"]), ("organization.domain_lapsed", &json!("failed")));
        assert_eq!(audited(&app, &tenant).await[0], ("organization_domain.lapsed".to_owned(), service));
        assert!(!signs_in(&app, &key, &tenant).await);

        // The record is back, later.
        dns.publish(NAME, &[record.as_str().unwrap()]);
        assert_eq!(after(&app, 28 * HOUR).await, 1);
        assert_eq!(read(&app, &key, &tenant, "new.example").await["state"], "verified");
        assert_eq!(events(&app, &key).await[4].0, "organization.domain_restored");
        assert!(signs_in(&app, &key, &tenant).await);
    }

    async fn those_who_administer_an_organization_are_told_by_mail(app: TestApp) {
        let (dns, mail) = (NameServer::start().await, MailServer::start().await);
        let (address, port) = (dns.address(), mail.port);
        let app = app.replica_with(|config| {
            config.dns_servers = vec![address];
            send_by(config, port);
        }).await;
        let environment = app.environment("prod").await;
        let (key, tenant) = (app.api_key(&environment, true).await, app.tenant(&environment, "acme.example").await);
        prove(&app, &dns, &key, &tenant, "new.example").await;
        for (name, tier, status) in [
            ("owner", "owner", "active"), ("admin", "admin", "active"), ("member", "member", "active"), ("gone", "admin", "suspended"),
        ] {
            let user = app.user(&environment, None, &format!("{name}@people.example")).await;
            let mut tx = app.state.db.write().await.unwrap();
            tx.sql(
                "INSERT INTO memberships (organization_id, user_id, environment_id, tier, status, source, joined_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, 'manual', 0, 0)",
            )
            .bind(tenant.organization.id)
            .bind(user.id)
            .bind(environment.id)
            .bind(tier)
            .bind(status)
            .execute()
            .await
            .unwrap();
            tx.commit().await.unwrap();
        }
        dns.publish(NAME, &[]);
        for _ in 0..2 {
            assert_eq!(after(&app, 28 * HOUR).await, 1);
        }
        assert!(mail.all("to").is_empty(), "two looks are nothing yet");
        assert_eq!(after(&app, 28 * HOUR).await, 1);
        for address in ["owner@people.example", "admin@people.example"] {
            let letter = mail.letter_to(address, 1).await;
            assert!(header(&letter, "Subject").starts_with("A domain has lost its DNS record"), "{letter}");
            let text = letter["text"].as_str().unwrap();
            let end = format!("/admin/organizations/{}/domains/new.example", tenant.organization.id);
            assert!(text.lines().any(|line| line.ends_with(&end)), "{text}");
            assert!(!text.contains("Ostiary"), "{text}");
        }
        // Once, and to nobody else.
        miss_three_times(&app, 1).await;
        assert_eq!(mail.all("to").len(), 2);
    }

    async fn a_failure_of_dns_is_no_lost_record(app: TestApp) {
        let dns = NameServer::start().await;
        let (app, tenant, key) = proved(&app, &dns).await;
        dns.fail(NAME);
        for _ in 0..20 {
            after(&app, 28 * HOUR).await;
        }
        dns.ignore(NAME);
        after(&app, 28 * HOUR).await;
        let kept = read(&app, &key, &tenant, "new.example").await;
        assert_eq!((&kept["state"], &kept["recordLostAt"]), (&json!("verified"), &Value::Null));
        assert!(kept["checkError"].as_str().unwrap().contains("within"), "{kept}");
        // Nor does it end the grace time of one that is lost, or forgive it.
        dns.publish(NAME, &[]);
        miss_three_times(&app, 1).await;
        let lost_at = row(&app, &tenant, "new.example").await.record_lost_at.unwrap();
        dns.fail(NAME);
        after(&app, 20 * DAY).await;
        let kept = row(&app, &tenant, "new.example").await;
        assert_eq!((kept.state.as_str(), kept.record_lost_at), ("verified", Some(lost_at)));
        dns.publish(NAME, &[]);
        after(&app, 28 * HOUR).await;
        assert_eq!(read(&app, &key, &tenant, "new.example").await["state"], "failed");
    }

    async fn what_the_vendor_approved_too_goes_on_counting_without_the_proof(app: TestApp) {
        let dns = NameServer::start().await;
        let (app, tenant, key) = proved(&app, &dns).await;
        // Approved first, then proved.
        assert_eq!(prove(&app, &dns, &key, &tenant, "acme.example").await["state"], "verified");
        dns.publish("_sso-challenge.acme.example", &[]);
        dns.publish(NAME, &[]);
        miss_three_times(&app, 2).await;
        assert_eq!(after(&app, 15 * DAY).await, 2);
        let state = async |domain: &str| read(&app, &key, &tenant, domain).await["state"].clone();
        assert_eq!(state("acme.example").await, "whitelisted");
        assert_eq!(state("new.example").await, "failed");
        // Approved afterwards, and while the record is gone.
        let approve = async |domain: &str| {
            let path = format!("{}/{domain}/approve", domains_of(&tenant));
            app.api(&key, Method::POST, &path, Some(json!({}))).await.json()["domain"].clone()
        };
        assert_eq!(approve("new.example").await["state"], "whitelisted");
        assert_eq!(prove(&app, &dns, &key, &tenant, "other.example").await["state"], "verified");
        dns.publish("_sso-challenge.other.example", &[]);
        for _ in 0..3 {
            after(&app, 28 * HOUR).await;
        }
        let approved = approve("other.example").await;
        assert_eq!((&approved["state"], &approved["recordLostAt"]), (&json!("whitelisted"), &Value::Null));
        for _ in 0..20 {
            after(&app, DAY).await;
        }
        for domain in ["acme.example", "new.example", "other.example"] {
            assert_eq!(state(domain).await, "whitelisted", "{domain}");
        }
    }

    async fn what_has_lapsed_does_not_come_back_where_another_organization_has_it(app: TestApp) {
        let dns = NameServer::start().await;
        let (app, tenant, key) = proved(&app, &dns).await;
        let record = read(&app, &key, &tenant, "new.example").await["txtRecordValue"].clone();
        dns.publish(NAME, &[]);
        miss_three_times(&app, 1).await;
        after(&app, 15 * DAY).await;
        let rival = app.tenant(&tenant.environment, "globex.example").await;
        assert_eq!(prove(&app, &dns, &key, &rival, "new.example").await["state"], "verified");
        let theirs = read(&app, &key, &rival, "new.example").await["txtRecordValue"].clone();
        dns.publish(NAME, &[record.as_str().unwrap(), theirs.as_str().unwrap()]);
        assert_eq!(after(&app, 28 * HOUR).await, 2);
        assert_eq!(read(&app, &key, &tenant, "new.example").await["state"], "failed");
        assert_eq!(read(&app, &key, &rival, "new.example").await["state"], "verified");
    }

    async fn one_customer_with_many_domains_keeps_nobody_waiting(app: TestApp) {
        let dns = NameServer::start().await;
        let (app, tenant, _) = proved(&app, &dns).await;
        let crowd = app.tenant(&tenant.environment, "globex.example").await;
        let mut tx = app.state.db.write().await.unwrap();
        for number in 0..200 {
            let verified = OrganizationDomain {
                id: base::id::Id::new(app.now(), crate::support::random()),
                organization_id: crowd.organization.id,
                domain: Domain::parse(&format!("d{number}.example")).unwrap(),
                recheck_at: Some(base::time::Timestamp::from_millis(0)),
                ..row(&app, &tenant, "new.example").await
            };
            store::organization_domains::insert(&mut tx, &verified).await.unwrap();
            store::organization_domains::update_check(&mut tx, &verified).await.unwrap();
        }
        tx.commit().await.unwrap();
        let before = dns.asked().len();
        let checked = after(&app, 28 * HOUR).await;
        let asked = dns.asked();
        assert!(checked < 100, "a run is bounded: {checked}");
        assert!(asked[before..].iter().any(|name| name == NAME), "among the first, though 200 are due for longer");
        // Together two replicas look at each once.
        let before = asked.len();
        let (one, other) = tokio::join!(domains::check_due(&app.state), domains::check_due(&app.state));
        let asked = dns.asked().split_off(before);
        assert_eq!(one.unwrap() + other.unwrap(), asked.len());
        let mut names = asked.clone();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), asked.len());
    }
}
