//! Domains that an organization claims and proves by a challenge: its window, what DNS may answer, who wins, and what the domain
//! then does. The name server is dnslib's.

use std::{collections::HashSet, time::Duration};

use base::id::{Id, OrganizationId};
use model::{
    domain::DomainState,
    organization_domain::{AutoJoinRole, CheckFailure, OrganizationDomain},
};
use ostiary::app::{
    Error,
    audit::{self, AuditFilter},
    organizations::domains::{self, DomainSwitches, DomainsQuery},
    pagination::PageQuery,
    permissions::{Scope, Scopes},
    principal::Principal,
};

use crate::{
    both,
    support::{Tenant, TestApp, zone::ZoneServer},
};

const DAY: Duration = Duration::from_secs(24 * 3600);
/// Time passes between two steps, so that the audit log has an order.
const TICK: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);

/// A server that queries the name server.
async fn asking(app: &TestApp, dns: &ZoneServer) -> TestApp {
    let address = dns.address();
    app.replica_with(|config| config.dns_servers = vec![address]).await
}

/// Somebody of the customer's, who may do what concerns domains.
fn customer(tenant: &Tenant) -> Principal {
    let scopes = Scopes::from_iter([Scope::Domains]);
    Principal::setup_link(Id::from_bits(1), tenant.environment.id, tenant.organization.id, scopes)
}

type Changed = Result<OrganizationDomain, Error>;

async fn claim(app: &TestApp, tenant: &Tenant, domain: &str) -> Changed {
    app.advance(TICK);
    domains::claim(&app.state, &customer(tenant), tenant.organization.id, domain).await
}

async fn start(app: &TestApp, tenant: &Tenant, domain: &str) -> OrganizationDomain {
    app.advance(TICK);
    domains::start(&app.state, &customer(tenant), tenant.organization.id, domain, None, false).await.unwrap()
}

async fn confirm(app: &TestApp, tenant: &Tenant, domain: &str) -> Changed {
    app.advance(TICK);
    domains::confirm(&app.state, &customer(tenant), tenant.organization.id, domain, None).await
}

async fn find(app: &TestApp, tenant: &Tenant, domain: &str) -> OrganizationDomain {
    domains::find(&app.state, &customer(tenant), tenant.organization.id, domain).await.unwrap()
}

async fn switch(app: &TestApp, tenant: &Tenant, domain: &str, wanted: DomainSwitches) -> Changed {
    app.advance(TICK);
    domains::change(&app.state, &customer(tenant), tenant.organization.id, domain, None, wanted).await
}

/// The record of a challenge as a line of a zone file.
fn record(listed: &OrganizationDomain) -> String {
    format!("{}. 60 IN TXT \"{}\"\n", listed.record_name(), listed.record_value().unwrap())
}

async fn verified(app: &TestApp, dns: &ZoneServer, tenant: &Tenant, domain: &str) -> OrganizationDomain {
    claim(app, tenant, domain).await.unwrap();
    dns.serve(&record(&start(app, tenant, domain).await), &[]);
    let proved = confirm(app, tenant, domain).await.unwrap();
    assert_eq!(proved.state, DomainState::Verified);
    proved
}

/// What the audit log says of domains, the latest first.
async fn audited(app: &TestApp, organization_id: OrganizationId, tenant: &Tenant) -> Vec<String> {
    let principal = Principal::operator(tenant.environment.id);
    let filter = AuditFilter { organization_id: Some(organization_id), ..AuditFilter::default() };
    let found = audit::list(&app.state, &principal, &filter, &PageQuery::default()).await.unwrap();
    let of_domains = found.items.into_iter().filter(|event| event.target_kind == "organization_domain");
    of_domains.map(|event| event.action).collect()
}

fn code(changed: &Changed) -> Option<&'static str> {
    match changed {
        Err(Error::Rule(rule)) => Some(rule.code),
        _ => None,
    }
}

both! {
    async fn a_claim_is_challenged_and_proved_by_the_record(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let claimed = claim(&app, &tenant, "New.EXAMPLE").await.unwrap();
        assert_eq!((claimed.domain.as_str(), claimed.state), ("new.example", DomainState::Pending));
        assert_eq!(claimed.verification_token, None);
        assert!(!claimed.routing_enabled, "it leads nobody anywhere until that is switched on");
        assert_eq!(code(&confirm(&app, &tenant, "new.example").await), Some("verification_not_started"));

        let begun = start(&app, &tenant, "new.example").await;
        assert_eq!(begun.verification_expires_at(), Some(app.now() + DAY * 30));
        assert_eq!(begun.record_name(), "_sso-challenge.new.example");
        let value = begun.record_value().unwrap();
        let token = value.strip_prefix("sso-domain-verification=").unwrap();
        assert!(token.len() * 4 >= 128 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");

        // Nothing is kept of an answer, also not that there is none.
        let none = confirm(&app, &tenant, "new.example").await.unwrap();
        assert_eq!(none.state, DomainState::Pending);
        assert_eq!((none.check_failure, none.check_attempts), (Some(CheckFailure::RecordNotFound), 1));
        assert_eq!(none.checked_at, Some(app.now()));
        dns.serve(&record(&begun), &[]);
        let proved = confirm(&app, &tenant, "new.example").await.unwrap();
        assert_eq!((proved.state, proved.verified_at), (DomainState::Verified, Some(app.now())));
        assert_eq!((proved.check_failure, proved.check_attempts), (None, 2));
        assert_eq!(
            audited(&app, tenant.organization.id, &tenant).await,
            ["organization_domain.verified", "organization_domain.verification_started", "organization_domain.created"]
        );

        // It is not started again unless that is said; then it counts on, and has a new record to show.
        let kept = start(&app, &tenant, "new.example").await;
        assert_eq!(kept, find(&app, &tenant, "new.example").await);
        assert_eq!(kept.record_value().unwrap(), value);
        let organization = tenant.organization.id;
        let caller = customer(&tenant);
        let again = domains::start(&app.state, &caller, organization, "new.example", None, true).await.unwrap();
        assert_eq!(again.state, DomainState::Verified);
        assert_ne!(again.record_value().unwrap(), value);
        let missing = confirm(&app, &tenant, "new.example").await.unwrap();
        assert_eq!((missing.state, missing.check_failure), (DomainState::Verified, Some(CheckFailure::RecordNotFound)));
    }

    async fn a_challenge_ends_after_thirty_days_for_everybody(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        claim(&app, &tenant, "new.example").await.unwrap();
        let begun = start(&app, &tenant, "new.example").await;
        app.advance(DAY * 30 - MINUTE);
        assert_eq!(find(&app, &tenant, "new.example").await.state, DomainState::Pending);
        assert_eq!(domains::check_due(&app.state).await.unwrap(), 0);
        app.advance(MINUTE);
        let over = find(&app, &tenant, "new.example").await;
        assert_eq!((over.state, over.check_failure), (DomainState::Failed, Some(CheckFailure::VerificationExpired)));
        let organization = tenant.organization.id;
        let all = domains::list(&app.state, &customer(&tenant), organization).await.unwrap();
        assert!(all.iter().any(|one| one.domain == over.domain && one.state == DomainState::Failed));
        let seen = async |status: &str| {
            let query = DomainsQuery { status: Some(status.to_owned()), cursor: None, limit: 10 };
            let found = domains::list_page(&app.state, &customer(&tenant), organization, &query).await.unwrap();
            found.items.into_iter().map(|one| one.domain.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(seen("failed").await, ["new.example"]);
        assert!(seen("pending").await.is_empty());
        assert_eq!(seen("whitelisted").await, ["acme.example"]);

        // The record comes too late.
        dns.serve(&record(&begun), &[]);
        let late = confirm(&app, &tenant, "new.example").await.unwrap();
        assert_eq!((late.state, late.check_failure), (DomainState::Failed, Some(CheckFailure::VerificationExpired)));
        assert_eq!(dns.serve("", &[]), Vec::<String>::new(), "nobody asked");
        assert_eq!(audited(&app, organization, &tenant).await[0], "organization_domain.verification_failed");

        // A new challenge has a new record; the old one proves nothing.
        let again = start(&app, &tenant, "new.example").await;
        assert_eq!((again.state, again.check_attempts), (DomainState::Pending, 0));
        assert_ne!(again.verification_token, begun.verification_token);
        dns.serve(&record(&begun), &[]);
        assert_eq!(confirm(&app, &tenant, "new.example").await.unwrap().state, DomainState::Pending);
        dns.serve(&record(&again), &[]);
        assert_eq!(confirm(&app, &tenant, "new.example").await.unwrap().state, DomainState::Verified);

        // Where nobody asks, a job records it, once; it queries nobody.
        claim(&app, &tenant, "quiet.example").await.unwrap();
        start(&app, &tenant, "quiet.example").await;
        app.advance(DAY * 31);
        assert_eq!(domains::check_due(&app.state).await.unwrap(), 2);
        assert!(dns.serve("", &[]).iter().all(|name| name == "_sso-challenge.new.example"));
        app.advance(DAY * 2);
        assert_eq!(domains::check_due(&app.state).await.unwrap(), 1);
        let failed = audited(&app, organization, &tenant).await;
        assert_eq!(failed.iter().filter(|action| *action == "organization_domain.verification_failed").count(), 2);
    }

    async fn dns_may_answer_in_many_ways(app: TestApp) {
        let dns = ZoneServer::start();
        let address = dns.address();
        let app = app.replica_with(|config| {
            config.dns_servers = vec![address];
            config.rate_limits = false;
        }).await;
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let other = "_sso-challenge.new.example. 60 IN TXT \"sso-domain-verification=0000\"\n";
        // Each answer, and whether it proves the domain; `N` is the name of the record, `V` its value.
        let many: String = (0..40).map(|at| format!("N. 60 IN TXT \"{at} {}\"\n", "k".repeat(200))).collect();
        let answers = [
            ("no record", String::new(), false),
            ("another record", "N. 60 IN TXT \"v=spf1 -all\"\n".to_owned(), false),
            ("another value", other.to_owned(), false),
            ("a longer value", "N. 60 IN TXT \"V0\"\n".to_owned(), false),
            ("an address", "N. 60 IN A 192.0.2.1\n".to_owned(), false),
            ("at the domain itself", "new.example. 60 IN TXT \"V\"\n".to_owned(), false),
            ("several records", format!("N. 60 IN TXT \"v=spf1 -all\"\n{other}N. 60 IN TXT \"V\"\n"), true),
            ("several strings", "N. 60 IN TXT \"VA\" \"VB\"\n".to_owned(), true),
            ("a big answer", format!("{many}N. 60 IN TXT \"V\"\n"), true),
            ("an alias", "N. 60 IN CNAME proof.elsewhere.example.\nproof.elsewhere.example. 60 IN TXT \"V\"\n".to_owned(), true),
            ("an alias of nothing", "N. 60 IN CNAME nowhere.example.\n".to_owned(), false),
        ];
        for (what, zone, proves) in answers {
            claim(&app, &tenant, "new.example").await.unwrap();
            let begun = start(&app, &tenant, "new.example").await;
            let value = begun.record_value().unwrap();
            let (left, right) = value.split_at(20);
            let zone = zone.replace("\"VA\"", &format!("\"{left}\"")).replace("\"VB\"", &format!("\"{right}\""));
            let zone = zone.replace("\"V", &format!("\"{value}")).replace("N.", &format!("{}.", begun.record_name()));
            dns.serve(&zone, &[]);
            let found = confirm(&app, &tenant, "new.example").await.unwrap();
            let expected = if proves { DomainState::Verified } else { DomainState::Pending };
            assert_eq!(found.state, expected, "{what}: {:?}", found.check_error);
            let failure = (!proves).then_some(CheckFailure::RecordNotFound);
            assert_eq!(found.check_failure, failure, "{what}");
            domains::release(&app.state, &customer(&tenant), tenant.organization.id, "new.example", None).await.unwrap();
        }

        // No answer is no answer: whatever is known stays.
        claim(&app, &tenant, "new.example").await.unwrap();
        let begun = start(&app, &tenant, "new.example").await;
        for (at, how) in ["fail", "refuse", "ignore"].into_iter().enumerate() {
            dns.serve(&record(&begun), &[(how, &begun.record_name())]);
            assert_eq!(code(&confirm(&app, &tenant, "new.example").await), Some("dns_unavailable"), "{how}");
            let kept = find(&app, &tenant, "new.example").await;
            assert_eq!((kept.state, kept.check_failure), (DomainState::Pending, Some(CheckFailure::DnsUnavailable)));
            assert_eq!(kept.check_attempts, i64::try_from(at).unwrap() + 1);
            assert_eq!(kept.verification_token, begun.verification_token);
        }
        dns.serve(&record(&begun), &[]);
        assert_eq!(confirm(&app, &tenant, "new.example").await.unwrap().state, DomainState::Verified);
        dns.serve("", &[("fail", &begun.record_name())]);
        assert_eq!(code(&confirm(&app, &tenant, "new.example").await), Some("dns_unavailable"));
        assert_eq!(find(&app, &tenant, "new.example").await.state, DomainState::Verified);
    }

    async fn of_sixteen_organizations_that_prove_a_domain_at_once_one_has_it(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let (mut tenants, mut zone) = (Vec::new(), String::new());
        for number in 0..16 {
            let tenant = app.tenant(&environment, &format!("t{number}.example")).await;
            claim(&app, &tenant, "new.example").await.unwrap();
            zone += &record(&start(&app, &tenant, "new.example").await);
            tenants.push(tenant);
        }
        dns.serve(&zone, &[]);
        let confirmed = futures_util::future::join_all(tenants.iter().map(|tenant| confirm(&app, tenant, "new.example"))).await;
        let (won, lost): (Vec<_>, Vec<_>) = confirmed.iter().partition(|one| one.is_ok());
        assert_eq!(won.len(), 1, "{confirmed:#?}");
        for refused in lost {
            assert_eq!(code(refused), Some("domain_verified_elsewhere"), "{refused:?}");
        }
        let mut states = Vec::new();
        for tenant in &tenants {
            states.push(find(&app, tenant, "new.example").await.state);
        }
        assert_eq!(states.iter().filter(|state| **state == DomainState::Verified).count(), 1);
        assert_eq!(states.iter().filter(|state| **state == DomainState::Pending).count(), 15);
        // From then on nobody else claims it; in another environment everybody may.
        let late = app.tenant(&environment, "late.example").await;
        assert_eq!(code(&claim(&app, &late, "new.example").await), Some("domain_verified_elsewhere"));
        let elsewhere = app.environment("test").await;
        let there = app.tenant(&elsewhere, "acme.example").await;
        claim(&app, &there, "new.example").await.unwrap();
    }

    async fn a_domain_is_asked_about_six_times_a_minute(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        for domain in ["new.example", "other.example"] {
            claim(&app, &tenant, domain).await.unwrap();
            start(&app, &tenant, domain).await;
        }
        let limited = async |app: &TestApp, domain: &str| {
            matches!(confirm(app, &tenant, domain).await, Err(Error::Limited { .. }))
        };
        for _ in 0..6 {
            assert!(!limited(&app, "new.example").await);
        }
        assert!(limited(&app, "new.example").await);
        assert_eq!(find(&app, &tenant, "new.example").await.check_attempts, 6, "nobody was asked");
        assert!(!limited(&app, "other.example").await, "each domain has its own");
        // Claiming it again is no way around.
        let organization = tenant.organization.id;
        domains::release(&app.state, &customer(&tenant), organization, "new.example", None).await.unwrap();
        claim(&app, &tenant, "new.example").await.unwrap();
        start(&app, &tenant, "new.example").await;
        assert!(limited(&app, "new.example").await);
        app.advance(MINUTE);
        for _ in 0..6 {
            assert!(!limited(&app, "new.example").await);
        }
        let unlimited = app.replica_with(|config| config.rate_limits = false).await;
        for _ in 0..8 {
            assert!(!limited(&unlimited, "new.example").await);
        }
    }

    async fn what_is_nobodys_cannot_be_claimed(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let long = format!("{}.example", "a".repeat(64));
        let too_long = format!("{}example", "a.".repeat(130));
        for typed in [
            "", " ", "localhost", "com", "co.uk", "github.io", "192.0.2.1", "[2001:db8::1]", "2001:db8::1", "a.0x7f", "new.example:443",
            "https://new.example", "new.example/", "new.example.", "new..example", "-new.example", "new_.example", "new example.test",
            "*.new.example", "a@new.example", "new.example\0", "xn--a.example", &long, &too_long,
        ] {
            assert_eq!(code(&claim(&app, &tenant, typed).await), Some("invalid_domain"), "{typed:?}");
        }
        for provider in ["gmail.com", "GMAIL.com", "outlook.com", "yahoo.fr", "web.de"] {
            assert_eq!(code(&claim(&app, &tenant, provider).await), Some("public_email_domain"), "{provider}");
        }
        for (typed, kept) in [("BÜCHER.example", "xn--bcher-kva.example"), ("mail.new.example", "mail.new.example")] {
            assert_eq!(claim(&app, &tenant, typed).await.unwrap().domain.as_str(), kept);
            assert_eq!(code(&claim(&app, &tenant, kept).await), Some("domain_exists"));
        }
        // What the vendor set counts as there already.
        assert_eq!(code(&claim(&app, &tenant, "acme.example").await), Some("domain_exists"));
    }

    async fn a_domain_does_something_only_while_it_is_proved(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let on = DomainSwitches { routing_enabled: Some(true), ..DomainSwitches::default() };
        let join = DomainSwitches { auto_join_enabled: Some(true), ..DomainSwitches::default() };
        claim(&app, &tenant, "new.example").await.unwrap();
        for wanted in [on, join] {
            assert_eq!(code(&switch(&app, &tenant, "new.example", wanted).await), Some("domain_not_verified"));
        }
        let off = DomainSwitches { routing_enabled: Some(false), auto_join_enabled: Some(false), auto_join_role: Some(AutoJoinRole::Member) };
        assert!(switch(&app, &tenant, "new.example", off).await.is_ok(), "off it may always be");
        // What the vendor approved leads people there, and makes nobody a member.
        assert!(find(&app, &tenant, "acme.example").await.routes(), "as it ever did");
        assert_eq!(code(&switch(&app, &tenant, "acme.example", join).await), Some("domain_not_verified"));
        assert!(switch(&app, &tenant, "acme.example", on).await.unwrap().routes());

        let begun = start(&app, &tenant, "new.example").await;
        dns.serve(&record(&begun), &[]);
        let proved = confirm(&app, &tenant, "new.example").await.unwrap();
        assert_eq!((proved.routes(), proved.joins()), (false, false), "by itself it does nothing");
        let both = DomainSwitches { auto_join_enabled: Some(true), ..on };
        let switched = switch(&app, &tenant, "new.example", both).await.unwrap();
        assert_eq!((switched.routes(), switched.joins(), switched.version), (true, true, proved.version + 1));
        assert_eq!(audited(&app, tenant.organization.id, &tenant).await[0], "organization_domain.updated");
        let same = switch(&app, &tenant, "new.example", both).await.unwrap();
        assert_eq!(same.version, switched.version);
        let greater = DomainSwitches { auto_join_role: Some(AutoJoinRole::Admin), ..DomainSwitches::default() };
        let refused = switch(&app, &tenant, "new.example", greater).await;
        assert!(matches!(refused, Err(Error::Invalid { .. })), "{refused:?}");

        // Lapsed it does nothing; proved again by itself, it makes nobody a member until somebody says so.
        dns.serve("", &[]);
        for _ in 0..3 {
            app.advance(DAY + DAY / 6);
            assert_eq!(domains::check_due(&app.state).await.unwrap(), 1);
        }
        assert!(find(&app, &tenant, "new.example").await.joins(), "during the grace time it goes on");
        app.advance(DAY * 15);
        domains::check_due(&app.state).await.unwrap();
        let lapsed = find(&app, &tenant, "new.example").await;
        assert_eq!((lapsed.state, lapsed.routes(), lapsed.auto_join_enabled), (DomainState::Failed, false, false));
        dns.serve(&record(&begun), &[]);
        app.advance(DAY * 2);
        domains::check_due(&app.state).await.unwrap();
        let back = find(&app, &tenant, "new.example").await;
        assert_eq!((back.state, back.routes(), back.joins()), (DomainState::Verified, true, false));
    }

    async fn a_lapsed_domain_is_proved_again_by_a_new_challenge(app: TestApp) {
        let dns = ZoneServer::start();
        let app = asking(&app, &dns).await;
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let proved = verified(&app, &dns, &tenant, "new.example").await;
        dns.serve("", &[]);
        for pause in [DAY * 2, DAY * 2, DAY * 2, DAY * 15] {
            app.advance(pause);
            domains::check_due(&app.state).await.unwrap();
        }
        assert_eq!(find(&app, &tenant, "new.example").await.state, DomainState::Failed);
        let again = start(&app, &tenant, "new.example").await;
        assert_eq!((again.state, again.record_lost_at, again.verified_at), (DomainState::Pending, None, None));
        let tokens = HashSet::from([proved.verification_token, again.verification_token.clone()]);
        assert_eq!(tokens.len(), 2);
        app.advance(DAY * 2);
        assert_eq!(domains::check_due(&app.state).await.unwrap(), 0, "a challenge is nobody's to look at but the customer's");
        dns.serve(&record(&again), &[]);
        assert_eq!(confirm(&app, &tenant, "new.example").await.unwrap().state, DomainState::Verified);
    }
}
