//! The pages on which people see, leave and hand over their organizations, and administer them.

use std::time::Duration;

use base::id::OrganizationId;
use model::{
    account::CredentialState,
    environment::Environment,
    membership::{Membership, MembershipSource, Tier},
    user::{IdentifierKind, User, UserStatus},
};
use ostiary::{
    app::{
        accounts::{
            credentials::{ImportedCredential, NewCredential},
            users::{self, NewAddress, NewIdentifier, NewUser},
        },
        principal::Principal,
    },
    store::{self, memberships},
};
use reqwest::Method;
use serde_json::json;

use super::{Person, call, organization_of, person, session};
use crate::{
    both,
    support::{
        Answer, Browser, TestApp,
        forms::form_to,
        mail::{MailServer, send_by},
    },
};

const PASSWORD: &str = "violet kettle under snow";
const ROOT: &str = "/prod/root";

/// A user of the root's pool with a password.
async fn with_password(app: &TestApp, environment: &Environment, email: &str) -> User {
    let mut new = NewUser::new(UserStatus::Active);
    new.identifiers.push(NewIdentifier::new(IdentifierKind::Email, email));
    new.addresses.push(NewAddress::email(email, true));
    new.credentials.push(NewCredential {
        credential: ImportedCredential::Password(PASSWORD.into()),
        state: CredentialState::Valid,
        expires_at: None,
    });
    let operator = Principal::operator(environment.id);
    let user = users::create_in_first_pool(&app.state, &operator, None, &new).await.unwrap();
    let mut tx = app.state.db.write().await.unwrap();
    store::users::update_passkey_offered(&mut tx, user.id, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    user
}

async fn join(
    app: &TestApp,
    environment: &Environment,
    organization: OrganizationId,
    user: &User,
    tier: Tier,
) {
    let mut tx = app.state.db.write().await.unwrap();
    let place = (environment.id, organization);
    let membership = Membership::new(place, user.id, tier, MembershipSource::Manual, app.now());
    memberships::insert(&mut tx, &membership).await.unwrap();
    tx.commit().await.unwrap();
}

/// Somebody in a browser at the root's pages.
struct AtRoot<'a> {
    app: &'a TestApp,
    browser: Browser,
}

impl<'a> AtRoot<'a> {
    async fn signed_in(app: &'a TestApp, email: &str) -> Self {
        let own = Self { app, browser: app.browser() };
        let begun = own.get("/sign-in").await;
        let page = own.browser.get(begun.location().as_str()).await;
        let page = own.give(&page, "identifier", email).await;
        let done = own.give(&page, "password", PASSWORD).await;
        assert_eq!(done.status, 303, "{}", done.body);
        own
    }

    async fn get(&self, path: &str) -> Answer {
        self.browser.get(&self.app.url(&format!("{ROOT}{path}"))).await
    }

    /// Fills in a field of the page's form.
    async fn give(&self, page: &Answer, name: &str, value: &str) -> Answer {
        let mut form = form_to(page, &format!("{ROOT}/sign-in")).unwrap_or_else(|| panic!("{}", page.body));
        form.fields.retain(|(field, _)| field != name);
        form.fields.push((name.to_owned(), value.to_owned()));
        self.browser.submit(page, &form).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.browser.post(&self.app.url(&format!("{ROOT}{path}")), fields).await
    }
}

async fn tier(
    app: &TestApp,
    environment: &Environment,
    organization: OrganizationId,
    user: &User,
) -> Option<Tier> {
    let mut conn = app.state.db.read().await.unwrap();
    memberships::find(&mut conn, environment.id, organization, user.id).await.unwrap().map(|own| own.tier)
}

both! {
    async fn people_see_their_organizations_leave_them_and_hand_them_over(app: TestApp) {
        let environment = app.environment("prod").await;
        let (alice, bob, carol) = (
            with_password(&app, &environment, "alice@people.example").await,
            with_password(&app, &environment, "bob@people.example").await,
            with_password(&app, &environment, "carol@people.example").await,
        );
        let maker = Person { token: session(&app, &alice, Duration::ZERO, false).await, user: alice.clone() };
        let text = organization_of(&app, &maker, "acme").await;
        let id: OrganizationId = text.parse().unwrap();
        join(&app, &environment, id, &bob, Tier::Admin).await;

        let owner = AtRoot::signed_in(&app, "alice@people.example").await;
        let page = owner.get("/account/organizations").await;
        assert!(page.status == 200 && page.body.contains("ACME") && page.body.contains("Owner"), "{}", page.body);
        assert!(page.body.contains("Hand over") && !page.body.contains(">Leave"), "{}", page.body);
        let leave = format!("/account/organizations/{text}/leave");
        assert!(owner.get(&leave).await.body.contains("Hand it over to another member first"));
        let refused = owner.post(&leave, &[]).await;
        assert!(refused.status.is_client_error(), "{}", refused.status);
        assert_eq!(tier(&app, &environment, id, &alice).await, Some(Tier::Owner));

        // Somebody else's organization is none of theirs.
        let stranger = AtRoot::signed_in(&app, "carol@people.example").await;
        for path in ["leave", "transfer"] {
            let path = format!("/account/organizations/{text}/{path}");
            assert_eq!(stranger.get(&path).await.status, 404, "{path}");
            assert_eq!(stranger.post(&path, &[("address", "carol@people.example")]).await.status, 404, "{path}");
        }
        assert!(!stranger.get("/account").await.body.contains("ACME"));

        let transfer = format!("/account/organizations/{text}/transfer");
        let unknown = owner.post(&transfer, &[("address", "carol@people.example")]).await;
        assert!(unknown.status == 422 && unknown.body.contains("with this address is a member"), "{}", unknown.body);
        app.advance(Duration::from_secs(11 * 60));
        let asked = owner.post(&transfer, &[("address", "bob@people.example")]).await;
        assert_eq!((asked.status.as_u16(), asked.location().path()), (303, "/prod/root/account/confirm"));
        assert_eq!(tier(&app, &environment, id, &bob).await, Some(Tier::Admin));
        let again = AtRoot::signed_in(&app, "alice@people.example").await;
        let done = again.post(&transfer, &[("address", "BOB@people.example")]).await;
        assert_eq!(done.status, 303, "{}", done.body);
        assert_eq!(tier(&app, &environment, id, &bob).await, Some(Tier::Owner));
        assert_eq!(tier(&app, &environment, id, &alice).await, Some(Tier::Admin));

        // The one who is an administrator now administers it, until they leave.
        let admin = format!("/prod/{:032x}/admin", id.bits());
        let seen = again.browser.get(&app.url(&admin)).await;
        assert_eq!(seen.status, 200, "{}", seen.body);
        let members = again.browser.get(&app.url(&format!("{admin}/organizations/{text}/members"))).await;
        assert!(members.status == 200 && members.body.contains("bob@people.example"), "{}", members.body);
        assert_eq!(again.post(&leave, &[]).await.status, 303);
        assert_eq!(tier(&app, &environment, id, &alice).await, None);
        assert_eq!(again.browser.get(&app.url(&admin)).await.status, 403);
        assert_eq!(carol.organization_id, alice.organization_id);
    }

    async fn whoever_administers_by_tier_invites_and_changes_members_within_their_organization(app: TestApp) {
        let environment = app.environment("prod").await;
        let (alice, bob, dan) = (
            with_password(&app, &environment, "alice@people.example").await,
            with_password(&app, &environment, "bob@people.example").await,
            with_password(&app, &environment, "dan@people.example").await,
        );
        let maker = Person { token: session(&app, &alice, Duration::ZERO, false).await, user: alice.clone() };
        let text = organization_of(&app, &maker, "acme").await;
        let id: OrganizationId = text.parse().unwrap();
        join(&app, &environment, id, &bob, Tier::Admin).await;
        join(&app, &environment, id, &dan, Tier::Member).await;
        let other = person(&app, &environment, "olga").await;
        let elsewhere = organization_of(&app, &other, "globex").await;

        let own = AtRoot::signed_in(&app, "bob@people.example").await;
        let base = format!("/prod/{:032x}/admin/organizations", id.bits());
        let get = async |path: &str| own.browser.get(&app.url(&format!("{base}/{path}"))).await;
        let send = async |from: &str, to: &str, fields: &[(&str, &str)]| {
            let page = get(from).await;
            app.press(&own.browser, &page, &format!("{base}/{to}"), fields).await
        };
        let new = format!("{text}/invitations/new");
        let made = send(&new, &new, &[("addresses", "eve@x.example\nnonsense\ndan@people.example"), ("role", "member"), ("hours", "24")]).await;
        assert!(made.status == 200 && made.body.contains("token=invitation_"), "{}", made.body);
        assert!(made.body.contains("is a member already"), "{}", made.body);
        let listed = get(&format!("{text}/invitations")).await;
        assert!(listed.body.contains("eve@x.example"), "{}", listed.body);
        assert!(!listed.body.contains("token=invitation_"));

        // Nothing of another organization.
        for path in ["members", "invitations", "invitations/new", "checklist"] {
            assert_eq!(get(&format!("{elsewhere}/{path}")).await.status, 404, "{path}");
        }
        let member = format!("{text}/members/{}", dan.id);
        let promoted = send(&member, &member, &[("change", "role"), ("role", "admin")]).await;
        assert_eq!(promoted.status, 303, "{}", promoted.body);
        assert_eq!(tier(&app, &environment, id, &dan).await, Some(Tier::Admin));
        assert_eq!(send(&member, &member, &[("change", "suspend")]).await.status, 303);
        let removal = format!("{member}/remove");
        assert_eq!(send(&removal, &removal, &[]).await.status, 303);
        assert_eq!(tier(&app, &environment, id, &dan).await, None);
        // The owner is not theirs to change.
        let owner = format!("{text}/members/{}", alice.id);
        let removal = format!("{owner}/remove");
        let refused = send(&removal, &removal, &[]).await;
        assert!(refused.status.is_client_error() && refused.body.contains("did not work"), "{}", refused.body);
        assert_eq!(tier(&app, &environment, id, &alice).await, Some(Tier::Owner));
        let checklist = get(&format!("{text}/checklist")).await;
        assert!(checklist.body.contains("A second administrator") && checklist.body.contains("2 of 8 steps"), "{}", checklist.body);

        // Suspended, they administer nothing.
        let suspend = format!("/{text}/members/{}", bob.id);
        let done = call(&app, &maker.token, Method::PATCH, &suspend, Some(json!({ "status": "suspended" }))).await;
        assert_eq!(done.status, 200, "{}", done.body);
        assert_eq!(get(&format!("{text}/members")).await.status, 403);
    }

    async fn what_is_kept_of_somebody_names_their_organizations_and_goes_with_them(app: TestApp) {
        let environment = app.environment("prod").await;
        let alice = person(&app, &environment, "alice").await;
        let text = organization_of(&app, &alice, "acme").await;
        let bob = with_password(&app, &environment, "bob@people.example").await;
        join(&app, &environment, text.parse().unwrap(), &bob, Tier::Member).await;
        let elsewhere = organization_of(&app, &alice, "globex").await;
        let body = json!({ "email": "bob@people.example" });
        let path = format!("/{elsewhere}/invitations");
        assert_eq!(call(&app, &alice.token, Method::POST, &path, Some(body)).await.status, 201);

        let own = AtRoot::signed_in(&app, "bob@people.example").await;
        let page = own.get("/account").await;
        assert!(page.body.contains("GLOBEX") && page.body.contains("ACME"), "{}", page.body);
        let file = own.get("/account/data/account.json").await;
        assert_eq!(file.status, 200, "{}", file.body);
        let file = file.json();
        let of = |list: &str| file[list].as_array().unwrap().iter().map(|one| one["organizationId"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert!(of("memberships").contains(&text), "{file}");
        assert_eq!(of("invitations"), [elsewhere.as_str()], "{file}");
        assert!(!file["logins"].as_array().unwrap().is_empty(), "{file}");
        assert!(!file.to_string().contains("invitation_"), "no link is in it");

        let gone = own.post("/account/erase", &[("confirm", "bob@people.example")]).await;
        assert_eq!(gone.status, 200, "{}", gone.body);
        let mut conn = app.state.db.read().await.unwrap();
        for sql in [
            "SELECT COUNT(*) FROM organization_invitations WHERE email_key = 'bob@people.example'",
            "SELECT COUNT(*) FROM user_addresses WHERE address_key = 'bob@people.example'",
        ] {
            assert_eq!(conn.sql(sql).one::<(i64,)>().await.unwrap().0, 0, "{sql}");
        }
        let sql = "SELECT COUNT(*) FROM memberships WHERE user_id = $1";
        assert_eq!(conn.sql(sql).bind(bob.id).one::<(i64,)>().await.unwrap().0, 0);
        let sql = "SELECT members FROM membership_counts WHERE organization_id = $1";
        assert_eq!(conn.sql(sql).bind(text.as_str()).one::<(i64,)>().await.unwrap().0, 1);
    }
}

/// People join, leave, hand over and administer an organization in a browser.
#[test]
fn people_join_and_run_an_organization_in_a_browser() {
    crate::support::run_scenario(crate::support::Backend::Sqlite, async |app: TestApp| {
        let mail = MailServer::start().await;
        let port = mail.port;
        let app = app.replica_with(|config| send_by(config, port)).await;
        let environment = app.environment("prod").await;
        let alice = with_password(&app, &environment, "alice@people.example").await;
        with_password(&app, &environment, "bob@people.example").await;
        let token = session(&app, &alice, Duration::ZERO, false).await;
        let body = json!({ "name": "Acme", "slug": "acme" });
        let made = call(&app, &token, Method::POST, "", Some(body)).await.json();
        let text = made["id"].as_str().unwrap().to_owned();
        let id: OrganizationId = text.parse().unwrap();
        let path = format!("/{text}/invitations");
        let mut links = Vec::new();
        for (email, role) in [("nora@people.example", "member"), ("bob@people.example", "admin")] {
            let body = json!({ "email": email, "role": role });
            assert_eq!(call(&app, &token, Method::POST, &path, Some(body)).await.status, 201);
            let letter = mail.letter_to(email, 1).await;
            let text = letter["text"].as_str().unwrap().to_owned();
            links.push(text.lines().find(|line| line.starts_with("http")).unwrap().to_owned());
        }
        let address = app.url("");
        let admin = format!("/prod/{:032x}/admin", id.bits());
        let run = tokio::task::spawn_blocking(move || {
            let dir = tempfile::TempDir::new().unwrap();
            let pictures =
                std::env::var("OSTIARY_TEST_PICTURES").unwrap_or_else(|_| dir.path().display().to_string());
            std::fs::create_dir_all(&pictures).unwrap();
            let walk = "tests/python/walk_invitations.py";
            let people = ["nora@people.example", "bob@people.example", "alice@people.example", PASSWORD];
            std::process::Command::new(crate::support::python())
                .args([walk, address.trim_end_matches('/'), &admin, &links[0], &links[1]])
                .args(people)
                .arg(&pictures)
                .output()
                .unwrap()
        });
        let output = run.await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    });
}
