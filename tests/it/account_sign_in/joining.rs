//! Users of the vendor's own pools become members of an organization by a verified address on a domain that it has proved.

use base::id::UserId;
use model::{
    account::OneTimeCodePurpose,
    domain::{Domain, DomainState},
    membership::{Membership, MembershipSource, MembershipStatus, Tier},
    organization::root_id,
    organization_domain::OrganizationDomain,
    user::{IdentifierKind, User, UserStatus},
};
use ostiary::{
    app::{
        accounts::{
            user_credentials,
            users::{self, NewAddress, NewIdentifier, NewUser},
        },
        principal::Principal,
    },
    store::{self, memberships, table},
};

use super::{PASSWORD, add_user, give, offered_passkey, password};
use crate::{
    both,
    support::{Answer, Tenant, TestApp},
};

/// What a page says that leads on to an identity provider.
const LED: &str = "Taking you to your company";

/// Adds a domain to an organization that does this.
async fn domain(app: &TestApp, tenant: &Tenant, name: &str, state: DomainState) {
    let of = (tenant.environment.id, tenant.organization.id);
    let id = base::id::Id::new(app.now(), crate::support::random());
    let listed = OrganizationDomain::new(id, of, Domain::parse(name).unwrap(), state, app.now());
    let mut tx = app.state.db.write().await.unwrap();
    store::organization_domains::insert(&mut tx, &listed).await.unwrap();
    tx.commit().await.unwrap();
    set(app, name, "auto_join_enabled = TRUE, routing_enabled = FALSE").await;
}

/// Changes what a domain does.
async fn set(app: &TestApp, name: &str, what: &str) {
    let mut tx = app.state.db.write().await.unwrap();
    let text = format!("UPDATE organization_domains SET {what} WHERE domain = $1");
    tx.sql(Box::leak(text.into_boxed_str())).bind(name).execute().await.unwrap();
    tx.commit().await.unwrap();
}

/// A user of the root's pool with a password.
async fn user(app: &TestApp, tenant: &Tenant, email: &str, verified: bool) -> User {
    let mut new = NewUser::new(UserStatus::Active);
    new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, email));
    new.addresses.push(NewAddress::email(email, verified));
    new.credentials = vec![password(PASSWORD)];
    let operator = Principal::operator(tenant.environment.id);
    let user = users::create_in_first_pool(&app.state, &operator, None, &new).await.unwrap();
    assert_eq!(user.organization_id, root_id(tenant.environment.id));
    offered_passkey(app, user.id).await;
    user
}

/// What the page answers to an address.
async fn identified(app: &TestApp, email: &str) -> (crate::support::Browser, Answer) {
    app.advance(std::time::Duration::from_millis(1));
    let browser = app.browser();
    let begun = browser.get(&app.url("/prod/root/sign-in")).await;
    let page = browser.get(begun.location().as_str()).await;
    let answer = give(&browser, &page, "identifier", email).await;
    (browser, answer)
}

async fn sign_in(app: &TestApp, email: &str) {
    let (browser, page) = identified(app, email).await;
    let done = give(&browser, &page, "password", PASSWORD).await;
    assert_eq!(done.location().path(), "/prod/root/account", "{}", done.body);
}

async fn membership(app: &TestApp, tenant: &Tenant, id: UserId) -> Option<Membership> {
    let mut conn = app.state.db.read().await.unwrap();
    memberships::find(&mut conn, tenant.environment.id, tenant.organization.id, id).await.unwrap()
}

async fn remove(app: &TestApp, membership: &Membership) {
    let mut tx = app.state.db.write().await.unwrap();
    assert!(memberships::remove(&mut tx, membership).await.unwrap());
    tx.commit().await.unwrap();
}

both! {
    async fn whoever_has_an_address_on_the_domain_joins_with_the_next_sign_in(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let dana = user(&app, &tenant, "dana@new.example", true).await;
        domain(&app, &tenant, "new.example", DomainState::Verified).await;
        set(&app, "new.example", "auto_join_enabled = FALSE").await;
        sign_in(&app, "dana@new.example").await;
        assert_eq!(membership(&app, &tenant, dana.id).await, None, "an address alone makes nobody a member");

        set(&app, "new.example", "auto_join_enabled = TRUE").await;
        sign_in(&app, "dana@new.example").await;
        let joined = membership(&app, &tenant, dana.id).await.unwrap();
        assert_eq!((joined.tier, joined.source), (Tier::Member, MembershipSource::AutoJoin));
        assert_eq!(joined.status, MembershipStatus::Active);
        let mut conn = app.state.db.read().await.unwrap();
        let said: Vec<(String, String)> = conn
            .sql("SELECT action, actor_kind FROM audit_events WHERE target_id = $1 AND organization_id = $2 AND target_kind = 'organization.member'")
            .bind(dana.id)
            .bind(tenant.organization.id)
            .all()
            .await
            .unwrap();
        drop(conn);
        assert_eq!(said, [("organization.member.added".to_owned(), "service".to_owned())]);
        sign_in(&app, "dana@new.example").await;
        assert_eq!(membership(&app, &tenant, dana.id).await.unwrap().joined_at, joined.joined_at);

        // Whoever was removed, or left, does not come back by the domain; by somebody's word they do, and then again.
        remove(&app, &joined).await;
        sign_in(&app, "dana@new.example").await;
        assert_eq!(membership(&app, &tenant, dana.id).await, None);
        let place = (environment.id, tenant.organization.id);
        let added = Membership::new(place, dana.id, Tier::Member, MembershipSource::Manual, app.now());
        let mut tx = app.state.db.write().await.unwrap();
        memberships::insert(&mut tx, &added).await.unwrap();
        tx.commit().await.unwrap();
        let mut conn = app.state.db.read().await.unwrap();
        let denied: Vec<(String,)> = conn.sql("SELECT user_id FROM membership_denials").all().await.unwrap();
        assert_eq!(denied, []);
        drop(conn);

        // What the domain gives is what its owner said; a greater role comes to new ones only.
        set(&app, "new.example", "auto_join_role = 'admin'").await;
        let erin = user(&app, &tenant, "erin@new.example", true).await;
        sign_in(&app, "erin@new.example").await;
        sign_in(&app, "dana@new.example").await;
        assert_eq!(membership(&app, &tenant, erin.id).await.unwrap().tier, Tier::Admin);
        assert_eq!(membership(&app, &tenant, dana.id).await.unwrap().tier, Tier::Member);
    }

    async fn an_address_counts_once_it_is_proved(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        domain(&app, &tenant, "new.example", DomainState::Verified).await;
        let dana = user(&app, &tenant, "dana@new.example", false).await;
        sign_in(&app, "dana@new.example").await;
        assert_eq!(membership(&app, &tenant, dana.id).await, None);
        let operator = Principal::operator(environment.id);
        let (of, purpose) = ((dana.pool_id, dana.id), OneTimeCodePurpose::VerifyAddress);
        let email = "dana@new.example";
        let code = user_credentials::generate(&app.state, &operator, of, purpose, Some(email)).await.unwrap();
        let digits = code.reveal().to_owned();
        user_credentials::verify_address(&app.state, &operator, of, email, &digits).await.unwrap();
        assert_eq!(membership(&app, &tenant, dana.id).await.unwrap().source, MembershipSource::AutoJoin);
    }

    async fn nobody_joins_what_is_not_proved_or_not_in_use(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let dana = user(&app, &tenant, "dana@new.example", true).await;
        domain(&app, &tenant, "new.example", DomainState::Verified).await;
        for state in ["whitelisted", "pending", "failed"] {
            set(&app, "new.example", &format!("state = '{state}'")).await;
            sign_in(&app, "dana@new.example").await;
            assert_eq!(membership(&app, &tenant, dana.id).await, None, "{state}");
        }
        set(&app, "new.example", "state = 'verified'").await;
        let tx = async |text: &'static str| {
            let mut tx = app.state.db.write().await.unwrap();
            tx.sql(text).bind(tenant.organization.id).execute().await.unwrap();
            tx.commit().await.unwrap();
        };
        tx("UPDATE organizations SET status = 'disabled' WHERE id = $1").await;
        sign_in(&app, "dana@new.example").await;
        assert_eq!(membership(&app, &tenant, dana.id).await, None, "it is switched off");
        tx("UPDATE organizations SET status = 'active' WHERE id = $1").await;
        // A domain below it is another one, and so is one in another environment.
        let mail = user(&app, &tenant, "mail@mail.new.example", true).await;
        sign_in(&app, "mail@mail.new.example").await;
        assert_eq!(membership(&app, &tenant, mail.id).await, None);
        let elsewhere = app.environment("other").await;
        let foreign = app.tenant(&elsewhere, "globex.example").await;
        sign_in(&app, "dana@new.example").await;
        assert!(membership(&app, &tenant, dana.id).await.is_some());
        assert_eq!(membership(&app, &foreign, dana.id).await, None);
        // Whoever is suspended stays so.
        let mut suspended = membership(&app, &tenant, dana.id).await.unwrap();
        suspended.status = MembershipStatus::Suspended;
        let mut tx = app.state.db.write().await.unwrap();
        memberships::update(&mut tx, &suspended).await.unwrap();
        tx.commit().await.unwrap();
        sign_in(&app, "dana@new.example").await;
        assert_eq!(membership(&app, &tenant, dana.id).await.unwrap().status, MembershipStatus::Suspended);
        // A user of an organization's own pool is a member of that alone.
        let other = app.tenant(&environment, "globex.example").await;
        let own = add_user(&app, environment.id, other.organization.id, "own@new.example", vec![password(PASSWORD)]).await;
        let found: Option<User> = table::find(&mut app.state.db.read().await.unwrap(), environment.id, own).await.unwrap();
        assert_eq!(found.unwrap().organization_id, other.organization.id);
        assert_eq!(membership(&app, &tenant, own).await, None);
    }

    async fn a_domain_leads_people_only_where_its_switch_says_so(app: TestApp) {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        user(&app, &tenant, "dana@acme.example", true).await;
        let (_, led) = identified(&app, "dana@acme.example").await;
        assert!(led.body.contains(LED), "it did before there was a switch: {}", led.body);
        set(&app, "acme.example", "routing_enabled = FALSE").await;
        sign_in(&app, "dana@acme.example").await;
        // What is named is led to whatever the switch says.
        let link = format!("/prod/{:032x}/sign-in", tenant.organization.id.bits());
        let browser = app.browser();
        let begun = browser.get(&app.url(&link)).await;
        let page = browser.get(begun.location().as_str()).await;
        let own = give(&browser, &page, "identifier", "dana@acme.example").await;
        assert!(own.body.contains(LED), "{}", own.body);
    }
}
