//! One domain in two organizations: who may share it, on which surface, and where it is shown.

use base::id::Id;
use futures_util::future::join_all;
use model::{
    administrator::Role, domain::DomainState, organization::Organization,
    organization_domain::OrganizationDomain,
};
use ostiary::app::{
    Error,
    organizations::{
        self, OrganizationChange,
        domains::{self, sharing},
    },
    permissions::Scope,
    principal::Principal,
    resource,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    both,
    support::{Backend, Tenant, TestApp, dns::NameServer},
};

const CONCURRENCY: usize = 16;

/// Two customers, of which the first has `acme.example`, and the vendor's key.
async fn two_tenants(app: &TestApp) -> (Tenant, Tenant, String) {
    let environment = app.environment("prod").await;
    let key = app.api_key(&environment, true).await;
    (app.tenant(&environment, "acme.example").await, app.tenant(&environment, "globex.example").await, key)
}

async fn call(app: &TestApp, key: &str, method: Method, path: &str, body: Option<Value>) -> Value {
    let answer = app.api(key, method, path, body).await;
    assert_eq!(answer.status, 200, "{answer:#?}");
    answer.json()
}

fn path(tenant: &Tenant) -> String {
    format!("/v1/organizations/{}", tenant.organization.id)
}

async fn find(app: &TestApp, key: &str, tenant: &Tenant) -> Value {
    call(app, key, Method::GET, &path(tenant), None).await["organization"].clone()
}

/// The entries of sharing in the audit log and in the events: the entries' targets, and the events' organizations with
/// their data.
async fn recorded_sharing(app: &TestApp, key: &str) -> (Vec<String>, Vec<(String, Value)>) {
    let list = "/v1/audit-events?action=organization.domain_shared";
    let mut entries: Vec<String> = call(app, key, Method::GET, list, None).await["auditEvents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["organizationId"].as_str().unwrap().to_owned())
        .collect();
    entries.sort();
    let feed = call(app, key, Method::GET, "/v1/events?types=organization.domain_shared", None).await;
    let mut events: Vec<(String, Value)> = feed["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["organizationId"].as_str().unwrap().to_owned(), event["data"].clone()))
        .collect();
    events.sort_by(|one, other| one.0.cmp(&other.0));
    (entries, events)
}

fn sorted(one: &Tenant, other: &Tenant) -> Vec<String> {
    let mut ids = vec![one.organization.id.to_string(), other.organization.id.to_string()];
    ids.sort();
    ids
}

/// Stores a domain of a customer in a state that only DNS or a customer's own admin brings.
async fn store_domain(app: &TestApp, tenant: &Tenant, domain: &str, state: DomainState) {
    let mut tx = app.state.db.write().await.unwrap();
    let domain = model::domain::Domain::parse(domain).unwrap();
    let of = (tenant.environment.id, tenant.organization.id);
    let id = Id::new(app.now(), &base::random::SystemRandom);
    let listed = OrganizationDomain {
        verification_token: Some("token".to_owned()),
        ..OrganizationDomain::new(id, of, domain, state, app.now())
    };
    ostiary::store::organization_domains::insert(&mut tx, &listed).await.unwrap();
    tx.commit().await.unwrap();
}

fn domain_change(domain: &str, yes: bool) -> OrganizationChange {
    OrganizationChange {
        domains: Some(vec![domain.to_owned()]),
        share_domain: Some(yes),
        ..OrganizationChange::default()
    }
}

fn requires_confirmation(error: &Error) -> bool {
    matches!(error, Error::Invalid { field, .. } if *field == sharing::FIELD)
}

both! {
    async fn the_vendors_key_may_share_a_domain_and_it_shows_everywhere(app: TestApp) {
        let (acme, globex, key) = two_tenants(&app).await;
        assert_eq!(find(&app, &key, &acme).await["sharedDomains"], Value::Null);
        let both = json!({ "domains": ["acme.example", "globex.example"] });
        let changed = call(&app, &key, Method::PATCH, &path(&globex), Some(both.clone())).await;
        assert_eq!(changed["organization"]["domains"], both["domains"]);
        assert_eq!(changed["organization"]["sharedDomains"], json!(["acme.example"]));
        assert_eq!(find(&app, &key, &acme).await["sharedDomains"], json!(["acme.example"]));
        let list = call(&app, &key, Method::GET, "/v1/organizations", None).await;
        assert!(list["organizations"].as_array().unwrap().iter().all(|one| one["sharedDomains"] == json!(["acme.example"])));
        let listed = call(&app, &key, Method::GET, &format!("{}/domains", path(&acme)), None).await;
        assert_eq!(listed["domains"][0]["sharedWith"], json!([globex.organization.id]));
        let (entries, events) = recorded_sharing(&app, &key).await;
        assert_eq!(entries, sorted(&acme, &globex));
        let mut expected = vec![
            (acme.organization.id.to_string(), json!({ "domains": { "acme.example": [globex.organization.id] } })),
            (globex.organization.id.to_string(), json!({ "domains": { "acme.example": [acme.organization.id] } })),
        ];
        expected.sort_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(events, expected);
        // Sent again, nothing new is shared, and no event is recorded.
        call(&app, &key, Method::PATCH, &path(&globex), Some(both)).await;
        assert_eq!(recorded_sharing(&app, &key).await.0.len(), 2);

        let console = app.console(Role::Viewer, &acme.environment).await;
        for (tenant, other) in [(&acme, "globex.example"), (&globex, "acme.example")] {
            let page = console.page(&format!("/organizations/{}", tenant.organization.id)).await;
            page.says("Shared").says(&format!("Company {other}")).says("shared the domain acme.example of organization").says(&format!(" with Company {other}"));
            let page = console.page(&format!("/organizations/{}/domains/acme.example", tenant.organization.id)).await;
            page.says("Shared with another organization").says(&format!("Company {other}"));
        }

        console.page("/organizations").await.says("acme.example (shared)");
        console.page("/events").await.says("Domain shared with another organization");

        // A new organization, and a pending domain that is approved.
        let made = call(&app, &key, Method::POST, "/v1/organizations", Some(json!({ "domains": ["globex.example"] }))).await;
        assert_eq!(made["organization"]["sharedDomains"], json!(["globex.example"]));
        store_domain(&app, &acme, "globex.example", DomainState::Pending).await;
        assert_eq!(find(&app, &key, &acme).await["sharedDomains"], json!(["acme.example"]), "what waits is not shared");
        let approve = format!("{}/domains/globex.example/approve", path(&acme));
        let approved = call(&app, &key, Method::POST, &approve, Some(json!({}))).await;
        assert_eq!(approved["domain"]["sharedWith"].as_array().unwrap().len(), 2);
        // An entry for each organization of each sharing: two, two and three.
        assert_eq!(recorded_sharing(&app, &key).await.0.len(), 7);
    }

    async fn what_dns_proved_is_never_another_organizations(app: TestApp) {
        let (acme, globex, key) = two_tenants(&app).await;
        store_domain(&app, &acme, "proved.example", DomainState::Verified).await;
        store_domain(&app, &globex, "proved.example", DomainState::Pending).await;
        let take = Some(json!({ "domains": ["proved.example"] }));
        for (method, path, body) in [
            (Method::PATCH, path(&globex), take.clone()),
            (Method::POST, "/v1/organizations".to_owned(), take),
            (Method::POST, format!("{}/domains/proved.example/approve", path(&globex)), Some(json!({}))),
        ] {
            let refused = app.api(&key, method, &path, body).await;
            assert_eq!(refused.status, 400, "{path}: {}", refused.body);
            assert!(refused.body.contains("proved by DNS"), "{}", refused.body);
        }
        let operator = Principal::operator(acme.environment.id);
        let change = domain_change("proved.example", true);
        let refused = organizations::update(&app.state, &operator, globex.organization.id, None, &change).await;
        assert!(matches!(refused, Err(Error::FailedPrecondition(_))), "{refused:?}");
        let console = app.console(Role::Owner, &acme.environment).await;
        let approve = format!("/organizations/{}/domains/proved.example/approve", globex.organization.id);
        let refused = console.post(&approve, &[("shareDomain", "true")]).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
        refused.says("It cannot be approved").says("Company acme.example");
        assert_eq!(find(&app, &key, &globex).await["domains"], json!(["globex.example"]));
        assert_eq!(recorded_sharing(&app, &key).await, (vec![], vec![]));
    }

    async fn in_the_console_it_takes_a_yes_that_names_the_other_organization(app: TestApp) {
        let (acme, globex, key) = two_tenants(&app).await;
        let console = app.console(Role::Admin, &acme.environment).await;
        let fields = [("displayName", "Initech"), ("domains", "acme.example")];
        let asked = console.post("/organizations/new", &fields).await;
        assert_eq!(asked.status, 422, "{}", asked.body);
        asked.says("The domain acme.example counts for Company acme.example").says("Share the domain with the other organization");
        console.page("/organizations/new").await.does_not_say("Share the domain");
        console.page("/organizations?q=Initech").await.says("Nothing here matches.");
        let made = console.done("/organizations/new", &[fields[0], fields[1], ("shareDomain", "true")]).await;
        made.says("Shared").says("Company acme.example");
        assert_eq!(recorded_sharing(&app, &key).await.0.len(), 2);

        let edit = format!("/organizations/{}/edit", globex.organization.id);
        let fields = [("displayName", "Globex"), ("domains", "globex.example\nacme.example")];
        assert_eq!(console.post(&edit, &fields).await.status, 422);
        console.done(&edit, &[fields[0], fields[1], ("shareDomain", "true")]).await.says("Organization saved.");
        // Shared already: no confirmation is needed.
        console.done(&edit, &fields).await.says("Organization saved.");

        // A domain that the customer requested, approved by the vendor.
        store_domain(&app, &acme, "globex.example", DomainState::Pending).await;
        let domain = format!("/organizations/{}/domains/globex.example", acme.organization.id);
        let page = console.page(&domain).await;
        page.says("It counts for another organization").says("Approve it to let it count for both, or remove it there.");
        page.does_not_say("Proof by DNS").does_not_say("let DNS prove it");
        let asked = console.post(&format!("{domain}/approve"), &[]).await;
        assert_eq!(asked.status, 422, "{}", asked.body);
        asked.says("The domain globex.example counts for Globex").says("Approve for both");
        asked.does_not_say("Please check what you entered");
        assert_eq!(asked.body.matches("globex.example counts for").count(), 1, "{}", asked.body);
        assert_eq!(find(&app, &key, &acme).await["domains"], json!(["acme.example"]));
        console.done(&format!("{domain}/approve"), &[("shareDomain", "true")]).await.says("Domain approved.");
        assert_eq!(find(&app, &key, &acme).await["domains"], json!(["acme.example", "globex.example"]));
    }

    async fn a_proved_domain_is_seen_among_very_many_that_are_shared(app: TestApp) {
        let (_, globex, key) = two_tenants(&app).await;
        store_domain(&app, &globex, "zz.example", DomainState::Verified).await;
        let operator = Principal::operator(globex.environment.id);
        let many: Vec<String> = (0..600).map(|number| format!("d{number}.example")).collect();
        for _ in 0..2 {
            let change = OrganizationChange { domains: Some(many.clone()), share_domain: Some(true), ..OrganizationChange::default() };
            organizations::create(&app.state, &operator, &change).await.unwrap();
        }
        let all = many.into_iter().chain(["zz.example".to_owned()]).collect();
        let change = OrganizationChange { domains: Some(all), share_domain: Some(true), ..OrganizationChange::default() };
        let key_path = path(&globex);
        for refused in [
            organizations::create(&app.state, &operator, &change).await,
            organizations::create(&app.state, &operator, &OrganizationChange { share_domain: Some(false), ..change }).await,
        ] {
            let error = refused.unwrap_err();
            assert!(matches!(error, Error::FailedPrecondition(_)), "{error:?}");
            assert!(error.to_string().contains("zz.example is proved by DNS"), "{error}");
        }
        let listed = call(&app, &key, Method::GET, &format!("{key_path}/domains"), None).await;
        assert!(listed["domains"].as_array().unwrap().iter().all(|one| one.get("sharedWith").is_none_or(|with| with.is_null() || with == &json!([]))), "{listed}");
    }

    async fn the_question_names_every_domain_that_the_yes_is_for(app: TestApp) {
        let (acme, globex, _) = two_tenants(&app).await;
        let operator = Principal::operator(acme.environment.id);
        let ask = async |domains: Vec<String>| {
            let change = OrganizationChange { domains: Some(domains), ..OrganizationChange::default() };
            let error = organizations::create(&app.state, &operator, &change).await.unwrap_err();
            assert!(requires_confirmation(&error), "{error:?}");
            error.to_string()
        };
        let text = ask(vec!["globex.example".to_owned(), "new.example".to_owned(), "acme.example".to_owned()]).await;
        let named = format!(
            "the domain acme.example counts for Company acme.example ({}) already, \
             globex.example for Company globex.example ({}): ",
            acme.organization.id, globex.organization.id
        );
        assert!(text.contains(&named) && text.ends_with("Give --share-domain only if that is meant"), "{text}");
        let console = app.console(Role::Admin, &acme.environment).await;
        let fields = [("displayName", "Initech"), ("domains", "acme.example\nglobex.example")];
        let asked = console.post("/organizations/new", &fields).await;
        asked.says("acme.example counts for Company acme.example").says("globex.example for Company globex.example");
        asked.says("Say yes only if that is meant.");

        let many: Vec<String> = (0..12).map(|number| format!("d{number:02}.example")).collect();
        let change = OrganizationChange { domains: Some(many.clone()), ..OrganizationChange::default() };
        organizations::create(&app.state, &operator, &change).await.unwrap();
        let text = ask(many).await;
        assert!(text.contains("d09.example for") && text.contains(", and 2 more: ") && !text.contains("d10"), "{text}");
    }

    async fn of_many_who_take_one_domain_at_once_one_does(app: TestApp) {
        let environment = app.environment("prod").await;
        let operator = Principal::operator(environment.id);
        let change = domain_change("acme.example", false);
        let made = join_all((0..CONCURRENCY).map(|_| organizations::create(&app.state, &operator, &change))).await;
        assert_eq!(made.iter().filter(|made| made.is_ok()).count(), 1, "{made:#?}");
        assert!(made.iter().all(|made| made.as_ref().err().is_none_or(requires_confirmation)));

        // The same for existing organizations, and for pending domains.
        let mut tenants = Vec::new();
        for number in 0..CONCURRENCY {
            let tenant = app.tenant(&environment, &format!("own{number}.example")).await;
            store_domain(&app, &tenant, "waiting.example", DomainState::Pending).await;
            tenants.push(tenant.organization.id);
        }
        let taken = domain_change("late.example", false);
        let updated = join_all(tenants.iter().map(|id| organizations::update(&app.state, &operator, *id, None, &taken))).await;
        assert_eq!(updated.iter().filter(|updated| updated.is_ok()).count(), 1, "{updated:#?}");
        assert!(updated.iter().all(|updated| updated.as_ref().err().is_none_or(requires_confirmation)));
        let approved =
            join_all(tenants.iter().map(|id| domains::approve(&app.state, &operator, *id, "waiting.example", None, false))).await;
        assert_eq!(approved.iter().filter(|approved| approved.is_ok()).count(), 1, "{approved:#?}");
        assert!(approved.iter().all(|approved| approved.as_ref().err().is_none_or(requires_confirmation)));
    }

    async fn another_environment_and_another_domain_are_none_of_it(app: TestApp) {
        let (acme, globex, key) = two_tenants(&app).await;
        store_domain(&app, &acme, "proved.example", DomainState::Verified).await;
        let operator = Principal::operator(acme.environment.id);
        // A parent and a sub-domain are other domains: neither accepts users of the other.
        for domain in ["x.proved.example", "example.com", "xproved.example"] {
            let change = domain_change(domain, false);
            organizations::update(&app.state, &operator, globex.organization.id, None, &change).await.unwrap();
        }
        // A domain that is pending or failed in another organization is not taken.
        store_domain(&app, &acme, "waits.example", DomainState::Pending).await;
        store_domain(&app, &acme, "failed.example", DomainState::Failed).await;
        for domain in ["waits.example", "failed.example"] {
            let change = domain_change(domain, false);
            organizations::update(&app.state, &operator, globex.organization.id, None, &change).await.unwrap();
        }
        let staging = app.environment("staging").await;
        let elsewhere = Principal::operator(staging.id);
        organizations::create(&app.state, &elsewhere, &domain_change("proved.example", false)).await.unwrap();
        assert_eq!(recorded_sharing(&app, &key).await, (vec![], vec![]));
        assert_eq!(find(&app, &key, &acme).await["sharedDomains"], Value::Null);
    }

    async fn an_organization_is_found_by_the_domains_that_it_has_now(app: TestApp) {
        let (acme, _, key) = two_tenants(&app).await;
        let domains = format!("{}/domains", path(&acme));
        let found = async |text: &str| {
            let list = call(&app, &key, Method::GET, &format!("/v1/organizations?query={text}"), None).await;
            list["organizations"].as_array().unwrap().len()
        };
        assert_eq!(found("asked-for.example").await, 0);
        call(&app, &key, Method::POST, &domains, Some(json!({ "domain": "asked-for.example" }))).await;
        assert_eq!(found("asked-for.example").await, 1);
        call(&app, &key, Method::DELETE, &format!("{domains}/asked-for.example"), None).await;
        assert_eq!(found("asked-for.example").await, 0);
        assert_eq!(found("acme.example").await, 1);
    }
}

/// A domain that is verified by DNS: a setup link never shares it, an administrator by approving it, the vendor's key
/// may; and of many who prove it at once one does.
#[test]
fn dns_shares_no_domain_without_the_vendors_consent() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        actix_web::rt::System::new().block_on(async {
            let dns = NameServer::start().await;
            let app = TestApp::spawn_with(backend, |config| config.dns_servers = vec![dns.address()]).await;
            let (acme, globex, key) = two_tenants(&app).await;
            let environment_id = acme.environment.id;
            let ask = async |tenant: &Tenant, domain: &str| {
                let body = Some(json!({ "domain": domain }));
                let added = call(&app, &key, Method::POST, &format!("{}/domains", path(tenant)), body).await;
                (
                    added["domain"]["txtRecordName"].as_str().unwrap().to_owned(),
                    added["domain"]["txtRecordValue"].as_str().unwrap().to_owned(),
                )
            };
            let (name, value) = ask(&globex, "acme.example").await;
            dns.publish(&name, &[&value]);
            let id = globex.organization.id;
            let scopes = [Scope::Saml, Scope::Scim, Scope::Domains].into_iter().collect();
            for principal in [
                Principal::setup_link(Id::from_bits(1), environment_id, id, scopes),
                Principal::operator(environment_id),
            ] {
                let refused = domains::check(&app.state, &principal, id, "acme.example", None).await;
                assert!(matches!(refused, Err(Error::Conflict { .. })), "{refused:?}");
                let listed = domains::list(&app.state, &principal, id).await.unwrap();
                let listed = listed.iter().find(|listed| listed.domain.as_str() == "acme.example").unwrap();
                assert_eq!(listed.state, DomainState::Failed);
                let why = listed.check_error.as_deref().unwrap();
                assert!(why.contains("another organization") && !why.contains("ompany"), "{why}");
                app.advance(std::time::Duration::from_secs(11));
            }
            assert_eq!(recorded_sharing(&app, &key).await, (vec![], vec![]));
            let check = format!("{}/domains/acme.example/check", path(&globex));
            let proved = call(&app, &key, Method::POST, &check, Some(json!({}))).await;
            assert_eq!(
                (&proved["domain"]["state"], &proved["domain"]["sharedWith"]),
                (&json!("verified"), &json!([acme.organization.id]))
            );
            assert_eq!(recorded_sharing(&app, &key).await.0, sorted(&acme, &globex));

            // Verified by many requests at once, and added with the vendor's key meanwhile.
            let mut rivals = Vec::new();
            let mut values = Vec::new();
            let mut name = String::new();
            for number in 0..CONCURRENCY {
                let rival = app.tenant(&acme.environment, &format!("rival{number}.example")).await;
                let (at, value) = ask(&rival, "contested.example").await;
                name = at;
                values.push(value);
                rivals.push(rival.organization.id);
            }
            dns.publish(&name, &values.iter().map(String::as_str).collect::<Vec<_>>());
            let operator = Principal::operator(environment_id);
            let checks =
                rivals.iter().map(|id| domains::check(&app.state, &operator, *id, "contested.example", None));
            let change = domain_change("contested.example", false);
            let (proved, made) =
                tokio::join!(join_all(checks), organizations::create(&app.state, &operator, &change));
            let many = proved.iter().filter(|proved| proved.is_ok()).count() + usize::from(made.is_ok());
            assert_eq!(many, 1, "{proved:#?} {made:#?}");
            let mut counting = 0;
            for id in rivals {
                counting += usize::from(
                    resource::find::<Organization>(&app.state, &operator, id)
                        .await
                        .unwrap()
                        .accepted_domains()
                        .any(|domain| domain.as_str() == "contested.example"),
                );
            }
            assert_eq!(counting + usize::from(made.is_ok()), 1);
        });
    }
}
