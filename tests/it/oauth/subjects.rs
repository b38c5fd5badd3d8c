//! What `sub` is: of people whose address several organizations sign in, and by the setting of the environment.

use std::collections::BTreeMap;

use base::id::OrganizationId;
use ostiary::store::login_connections;
use serde_json::json;

use super::*;
use crate::both;

const DANA: &str = "Dana@acme.example";

/// Two organizations in which the same domain counts.
struct Shared<'a> {
    fixture: Fixture<'a>,
    other: Tenant,
    key: String,
}

impl<'a> Shared<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let fixture = Fixture::new(app).await;
        let mut other = app.tenant(&fixture.environment, "beta.example").await;
        let key = app.api_key(&fixture.environment, true).await;
        let path = format!("/v1/organizations/{}", other.organization.id);
        let body = json!({ "domains": ["acme.example", "beta.example"] });
        let shared = app.api(&key, Method::PATCH, &path, Some(body)).await;
        assert_eq!(shared.status, 200, "{}", shared.body);
        let mut conn = app.state.db.read().await.unwrap();
        let found = login_connections::find_for_login(&mut conn, other.connection.id).await.unwrap().unwrap();
        other.organization = found.organization;
        Self { fixture, other, key }
    }

    async fn set(&self, change: Value) {
        let path = format!("/v1/environments/{}", self.fixture.environment.id);
        let answer = self.fixture.app.api(&self.key, Method::PATCH, &path, Some(change)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    /// The subject of a login in an organization: of the ID token, which is that of userinfo.
    async fn subject(&self, tenant: &Tenant, email: &str) -> String {
        let fixture = &self.fixture;
        let browser = fixture.app.browser();
        let organization = tenant.organization.id.to_string();
        let url = fixture.authorize_url(&[("organization_id", &organization)]);
        let request = Request::read(&browser.get(&url).await);
        let idp = IdentityProvider::get();
        let response = idp.sign(&idp.response(tenant, Some(&request.id), email, fixture.app.now()));
        let callback = request.answer(&browser, tenant, &response).await.location();
        let tokens = fixture.token(&query(&callback, "code").unwrap(), &[]).await.json();
        let claims = decode(tokens["id_token"].as_str().unwrap()).1;
        assert_eq!(claims["email"], email);
        let info = fixture.userinfo(tokens["access_token"].as_str().unwrap()).await.json();
        assert_eq!(claims["sub"], info["sub"]);
        claims["sub"].as_str().unwrap().to_owned()
    }

    async fn first(&self, email: &str) -> String {
        self.subject(&self.fixture.tenant, email).await
    }

    async fn second(&self, email: &str) -> String {
        self.subject(&self.other, email).await
    }
}

both! {
    async fn people_of_two_organizations_with_one_address_are_two(app: TestApp) {
        let shared = Shared::new(&app).await;
        assert_eq!(shared.first(DANA).await, "dana@acme.example");
        let other = shared.second(DANA).await;
        assert!(other.starts_with("subject_"), "{other}");
        for email in [DANA, "dana@ACME.example"] {
            assert_eq!(shared.first(email).await, "dana@acme.example");
            assert_eq!(shared.second(email).await, other);
        }
        assert_eq!(shared.second("eve@acme.example").await, "eve@acme.example");
        assert_ne!(shared.first("eve@acme.example").await, "eve@acme.example");

        // A login through the REST API counts as the first one too.
        let browser = app.browser();
        let request = app.begin(&browser, &shared.key, &shared.other).await;
        let idp = IdentityProvider::get();
        let response = idp.response(&shared.other, Some(&request.id), "kim@acme.example", app.now());
        assert_eq!(request.answer(&browser, &shared.other, &idp.sign(&response)).await.status, 303);
        assert_ne!(shared.first("kim@acme.example").await, "kim@acme.example");

        shared.set(json!({ "sharedDomainSubjects": true })).await;
        assert_eq!(shared.second(DANA).await, "dana@acme.example");
        shared.set(json!({ "sharedDomainSubjects": false })).await;
        assert_eq!(shared.second(DANA).await, other, "it is kept");
    }

    async fn an_address_as_sent_stays_as_it_is_and_a_switch_gives_it_to_the_first_who_signed_it_in(app: TestApp) {
        let shared = Shared::new(&app).await;
        shared.set(json!({ "oauthSubject": "EMAIL_AS_SENT" })).await;
        assert_eq!(shared.second(DANA).await, DANA);
        app.advance(std::time::Duration::from_millis(1));
        assert_eq!(shared.first(DANA).await, DANA);
        assert_eq!(shared.first("dana@acme.EXAMPLE").await, "dana@acme.EXAMPLE");
        assert_eq!(shared.first("eve@acme.example").await, "eve@acme.example");

        shared.set(json!({ "oauthSubject": "EMAIL" })).await;
        assert_ne!(shared.first(DANA).await, "dana@acme.example", "the other organization signed the address in first");
        assert_eq!(shared.second(DANA).await, "dana@acme.example");
        assert_ne!(shared.second("eve@acme.example").await, "eve@acme.example");
        assert_eq!(shared.first("eve@acme.example").await, "eve@acme.example");
    }

    async fn a_subject_is_one_that_exists(app: TestApp) {
        let shared = Shared::new(&app).await;
        let path = format!("/v1/environments/{}", shared.fixture.environment.id);
        for (value, reason) in [("USER_ID", "accounts"), ("email", "must be EMAIL or EMAIL_AS_SENT")] {
            let answer = app.api(&shared.key, Method::PATCH, &path, Some(json!({ "oauthSubject": value }))).await;
            assert_eq!(answer.status, 400);
            assert!(answer.body.contains("bad oauthSubject") && answer.body.contains(reason), "{}", answer.body);
        }
    }

    async fn of_sixteen_first_logins_of_one_address_each_organization_has_one_subject(app: TestApp) {
        let shared = Shared::new(&app).await;
        let logins = (0..16).map(|number| {
            let shared = &shared;
            async move {
                let tenant = if number % 2 == 0 { &shared.fixture.tenant } else { &shared.other };
                let subject = shared.subject(tenant, "ada@acme.example").await;
                (tenant.organization.id, subject)
            }
        });
        let mut by_organization: BTreeMap<OrganizationId, Vec<String>> = BTreeMap::new();
        for (organization, subject) in futures_util::future::join_all(logins).await {
            by_organization.entry(organization).or_default().push(subject);
        }
        let mut subjects: Vec<String> = by_organization
            .into_values()
            .map(|mut subjects| {
                assert_eq!(subjects.len(), 8);
                subjects.dedup();
                assert_eq!(subjects.len(), 1, "{subjects:?}");
                subjects.remove(0)
            })
            .collect();
        subjects.sort_unstable();
        assert_eq!(subjects[0], "ada@acme.example");
        assert!(subjects[1].starts_with("subject_"));
    }
}
