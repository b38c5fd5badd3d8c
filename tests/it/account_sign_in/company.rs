//! Signing in through the identity provider of the organization, at its issuer and at the root's.

use std::time::Duration;

use base::id::{Id, UserId};
use model::{
    application::ClientKind,
    domain::{Domain, DomainState},
    user::{IdentifierKind, User, UserSource, UserStatus},
};
use ostiary::{
    app::{
        accounts::users::{self, NewIdentifier},
        organizations::OrganizationChange,
        principal::Principal,
        resource,
    },
    store::{login_flows, passwords, user_identifiers, users as store_users},
    test_idp::response::ResponseSpec,
};
use saml::identifiers::name_id_format;
use serde_json::{Value, json};

use super::{
    CALLBACK, PASSWORD, World, add_application, add_user, assert_error, claims, code, give, issuer_of,
    password, text,
};
use crate::{
    both,
    support::{Answer, Browser, IdentityProvider, Request, Tenant, TestApp, query, tokens::Client},
};

/// A person of the organization, by their address.
pub(super) const DANA: &str = "Dana@acme.example";

/// An organization with a connection, and the vendor's application.
pub(super) struct Sso<'a> {
    pub app: &'a TestApp,
    pub world: World,
    pub tenant: Tenant,
}

impl<'a> Sso<'a> {
    pub async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let tenant = app.tenant(&environment, "acme.example").await;
        let client = add_application(app, &environment, ClientKind::Public).await;
        let organization = tenant.organization.id;
        let issuer = issuer_of("prod", organization);
        let world = World { environment, organization, issuer, user: UserId::from_bits(0), client };
        Self { app, world, tenant }
    }

    /// Another organization of the environment, with a connection of its own to the same identity provider.
    pub async fn neighbour(&self, domain: &str) -> Self {
        let tenant = self.app.tenant(&self.world.environment, domain).await;
        let organization = tenant.organization.id;
        let world = World {
            environment: self.world.environment.clone(),
            organization,
            issuer: issuer_of("prod", organization),
            user: UserId::from_bits(0),
            client: Client { id: self.world.client.id, secret: String::new() },
        };
        Self { app: self.app, world, tenant }
    }

    pub fn principal(&self) -> Principal {
        Principal::operator(self.world.environment.id)
    }

    /// The page of the sign-in that an authorization request begins.
    pub async fn page(&self, browser: &Browser, authorize: &str) -> Answer {
        let begun = browser.get(authorize).await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        let page = browser.get(begun.location().as_str()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }

    /// The request to the identity provider, which the address of somebody leads to.
    pub async fn begin(&self, browser: &Browser, email: &str) -> Request {
        let page = self.page(browser, &self.world.authorize(self.app, &[])).await;
        Request::read(&give(browser, &page, "identifier", email).await)
    }

    /// What the Assertion Consumer Service answers to the response for somebody.
    pub async fn respond(
        &self,
        browser: &Browser,
        request: &Request,
        name_id: &str,
        change: impl FnOnce(&mut ResponseSpec),
    ) -> Answer {
        let idp = IdentityProvider::get();
        let mut spec = idp.response(&self.tenant, Some(&request.id), name_id, self.app.now());
        change(&mut spec);
        request.answer(browser, &self.tenant, &idp.sign(&spec)).await
    }

    /// A whole sign-in. The redirect to the application, or what came in its place.
    pub async fn sign_in(
        &self,
        browser: &Browser,
        email: &str,
        change: impl FnOnce(&mut ResponseSpec),
    ) -> Answer {
        let request = self.begin(browser, email).await;
        let answer = self.respond(browser, &request, email, change).await;
        if answer.status != 303 {
            return answer;
        }
        browser.get(answer.location().as_str()).await
    }

    /// The claims of the ID token, of a whole sign-in in a new browser.
    pub async fn claims(&self, email: &str) -> Value {
        self.claims_of(&self.sign_in(&self.app.browser(), email, |_| {}).await).await
    }

    pub async fn claims_of(&self, done: &Answer) -> Value {
        let tokens = self.world.exchange(self.app, &code(done), &[]).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        claims(text(&tokens.json(), "id_token"))
    }

    /// The user whom a token is about.
    pub async fn user(&self, sub: &Value) -> User {
        let id: UserId = sub.as_str().unwrap().parse().unwrap();
        users::find_any(&self.app.state, &self.principal(), id).await.unwrap()
    }

    pub async fn set_status(&self, user: &User, status: UserStatus) {
        let of = (user.pool_id, user.id);
        users::set_status(&self.app.state, &self.principal(), of, None, status).await.unwrap();
    }

    /// Makes a further domain count for the organization.
    pub async fn add_domain(&mut self, domain: &str) {
        self.tenant.organization.domains.insert(Domain::parse(domain).unwrap(), DomainState::Whitelisted);
        self.app.store_organization(&self.tenant.organization).await;
    }
}

/// The flow that a page refers to.
fn flow_of(answer: &Answer) -> String {
    let (_, rest) = answer.body.split_once("saml_flow_").unwrap_or_else(|| panic!("{}", answer.body));
    let id: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
    format!("saml_flow_{id}")
}

both! {
    async fn people_of_an_organization_sign_in_at_its_identity_provider(app: TestApp) {
        let sso = Sso::new(&app).await;
        let browser = app.browser();
        let at = app.now() - Duration::from_secs(100);
        let done = sso.sign_in(&browser, DANA, |spec| {
            spec.authn_instant = Some(at);
            spec.attributes = vec![("givenName".into(), vec!["Dana".into()]), ("sn".into(), vec!["Doe".into()])];
        }).await;
        let to = done.location();
        assert_eq!((query(&to, "state").as_deref(), query(&to, "iss")), (Some("st&te"), Some(app.url(&sso.world.issuer))));
        let tokens = sso.world.exchange(&app, &code(&done), &[]).await.json();
        let id = claims(text(&tokens, "id_token"));
        let user = sso.user(&id["sub"]).await;
        assert_eq!((id["amr"].clone(), id["auth_time"].as_i64(), id["acr"].clone()), (json!(["pwd"]), Some(at.seconds()), Value::Null));
        assert_eq!(id["org_id"], json!(format!("{:032x}", sso.world.organization.bits())));
        assert_eq!((id["email"].clone(), id["email_verified"].clone(), id["name"].clone()), (json!(DANA), json!(true), json!("Dana Doe")));
        assert_eq!((user.status, user.source, user.organization_id), (UserStatus::Active, UserSource::Jit, sso.world.organization));
        assert_eq!(sso.world.userinfo(&app, text(&tokens, "access_token")).await.status, 200);
        // The session is the issuer's: the next application gets its code without a page, the one of before keeps its tokens.
        let again = browser.get(&sso.world.authorize(&app, &[("prompt", "none")])).await;
        assert_eq!(sso.claims_of(&again).await["sub"], id["sub"]);
        // The history tells of it.
        let mut conn = app.state.db.read().await.unwrap();
        let history: Vec<(String, String)> = conn
            .sql("SELECT origin, status FROM login_flows WHERE connection_id = $1 AND redeemed_at IS NOT NULL")
            .bind(sso.tenant.connection.id)
            .all()
            .await
            .unwrap();
        assert_eq!(history, [("issuer".to_owned(), "succeeded".to_owned())]);
        drop(conn);

        // They are found again, also by another spelling, and are one person for good.
        assert_eq!(sso.claims("dana@ACME.example").await["sub"], id["sub"]);
        let mut conn = app.state.db.read().await.unwrap();
        let identifiers = user_identifiers::list(&mut conn, &[user.id]).await.unwrap().remove(&user.id).unwrap();
        let kinds: Vec<IdentifierKind> = identifiers.iter().map(|identifier| identifier.text.kind()).collect();
        assert!(kinds.len() == 2 && kinds.contains(&IdentifierKind::Federated) && kinds.contains(&IdentifierKind::Email), "{kinds:?}");
    }

    async fn many_first_logins_at_once_make_one_account(app: TestApp) {
        let sso = Sso::new(&app).await;
        let mut begun = Vec::new();
        for _ in 0..6 {
            let browser = app.browser();
            let request = sso.begin(&browser, DANA).await;
            begun.push((browser, request));
        }
        let answers = begun.iter().map(async |(browser, request)| {
            let answer = sso.respond(browser, request, DANA, |_| {}).await;
            browser.get(answer.location().as_str()).await
        });
        let answers = futures_util::future::join_all(answers).await;
        let mut subjects = Vec::new();
        for done in &answers {
            subjects.push(sso.claims_of(done).await["sub"].clone());
        }
        assert!(subjects.iter().all(|sub| *sub == subjects[0]), "{subjects:?}");
        let mut conn = app.state.db.read().await.unwrap();
        let (environment, organization) = (sso.world.environment.id, sso.world.organization);
        let found = store_users::list_by_organization(&mut conn, environment, organization, None, 9).await.unwrap();
        assert_eq!(found.len(), 1);
    }

    async fn an_account_of_the_organization_with_that_address_is_linked(app: TestApp) {
        let sso = Sso::new(&app).await;
        let (environment, organization) = (sso.world.environment.id, sso.world.organization);
        let known = add_user(&app, environment, organization, DANA, vec![password(PASSWORD)]).await;
        let persistent = |name: &'static str| move |spec: &mut ResponseSpec| {
            spec.name_id = Some(name.into());
            spec.name_id_format = Some(name_id_format::PERSISTENT.into());
            spec.attributes = vec![("mail".into(), vec![DANA.into()])];
        };
        let done = sso.sign_in(&app.browser(), DANA, persistent("00u1")).await;
        assert_eq!(sso.claims_of(&done).await["sub"], json!(known));
        // From then on by that name: another person with the same address is not let in as them.
        let other = sso.sign_in(&app.browser(), DANA, persistent("00u2")).await;
        assert_eq!((other.status.as_u16(), other.reason()), (403, Some("user_linked_elsewhere")));
        let done = sso.sign_in(&app.browser(), DANA, persistent("00u1")).await;
        assert_eq!(sso.claims_of(&done).await["sub"], json!(known));
        // The name is what counts when their address changes there.
        let renamed = |spec: &mut ResponseSpec| {
            persistent("00u1")(spec);
            spec.attributes = vec![("mail".into(), vec!["dana.doe@acme.example".into()])];
        };
        let done = sso.sign_in(&app.browser(), DANA, renamed).await;
        assert_eq!(sso.claims_of(&done).await["sub"], json!(known));
        // A name for one session only is none.
        let transient = |spec: &mut ResponseSpec| {
            persistent("_7f3")(spec);
            spec.name_id_format = Some(name_id_format::TRANSIENT.into());
        };
        let done = sso.sign_in(&app.browser(), DANA, transient).await;
        assert_eq!(sso.claims_of(&done).await["sub"], json!(known));
    }

    async fn an_account_that_was_not_activated_loses_what_was_set_up_for_it(app: TestApp) {
        let sso = Sso::new(&app).await;
        let (environment, organization) = (sso.world.environment.id, sso.world.organization);
        let known = add_user(&app, environment, organization, DANA, vec![password(PASSWORD)]).await;
        let user = sso.user(&json!(known)).await;
        sso.set_status(&user, UserStatus::New).await;
        assert_eq!(sso.claims(DANA).await["sub"], json!(known));
        assert_eq!(sso.user(&json!(known)).await.status, UserStatus::Active);
        let mut conn = app.state.db.read().await.unwrap();
        assert!(passwords::find(&mut conn, known.into()).await.unwrap().is_none(), "nobody had proven the address");
    }

    async fn the_same_address_at_two_organizations_is_two_people(app: TestApp) {
        let sso = Sso::new(&app).await;
        let mut other = sso.neighbour("globex.example").await;
        other.add_domain("acme.example").await;
        let (one, two) = (sso.claims(DANA).await, other.claims(DANA).await);
        assert_ne!(one["sub"], two["sub"]);
        assert_eq!(two["org_id"], json!(format!("{:032x}", other.world.organization.bits())));
        assert_eq!(sso.user(&one["sub"]).await.organization_id, sso.world.organization);
        assert_eq!(sso.user(&two["sub"]).await.organization_id, other.world.organization);
        // A federated identifier that names the other organization's connection is nobody's here.
        let planted = add_user(&app, sso.world.environment.id, other.world.organization, "eve@globex.example", Vec::new()).await;
        let eve = other.user(&json!(planted)).await;
        let identifier = NewIdentifier::new(IdentifierKind::Federated, format!("{}#dana@acme.example", sso.tenant.connection.id));
        users::add_identifier(&app.state, &sso.principal(), (eve.pool_id, eve.id), None, &identifier).await.unwrap();
        assert_eq!(sso.claims(DANA).await["sub"], one["sub"]);
    }

    async fn who_is_not_let_in_is_told_and_the_application_too(app: TestApp) {
        let sso = Sso::new(&app).await;
        let known = add_user(&app, sso.world.environment.id, sso.world.organization, DANA, Vec::new()).await;
        let user = sso.user(&json!(known)).await;
        for status in [UserStatus::Inactive, UserStatus::Deleted] {
            sso.set_status(&user, status).await;
            let browser = app.browser();
            let refused = sso.sign_in(&browser, DANA, |_| {}).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some("account_not_active")), "{status:?}");
            let mut conn = app.state.db.read().await.unwrap();
            let id = flow_of(&refused).parse().unwrap();
            let flow = login_flows::find_in_any_environment(&mut conn, id).await.unwrap().unwrap();
            assert_eq!((flow.refusal.as_deref(), flow.status.as_str()), (Some("account_not_active"), "failed"));
            drop(conn);
            // The way back is the application's, once.
            let (_, back) = refused.body.split_once("class=\"button primary\" href=\"").unwrap();
            let back = back.split('"').next().unwrap().replace("&amp;", "&");
            assert_eq!(app.browser().get(&back).await.reason(), Some("sign_in_gone"), "another browser");
            let to = browser.get(&back).await.location();
            assert!(to.as_str().starts_with(CALLBACK), "{to}");
            let pairs = ["error", "state", "iss", "saml_flow_id"].map(|name| query(&to, name));
            let expected = ["access_denied", "st&te", &app.url(&sso.world.issuer), &flow_of(&refused)].map(|text| Some(text.to_owned()));
            assert_eq!(pairs, expected);
            assert_eq!(browser.get(&back).await.reason(), Some("sign_in_gone"));
        }
        for (name, reason) in [("dana@evil.example", "email_outside_organization_domains"), ("dana", "email_missing")] {
            let browser = app.browser();
            let request = sso.begin(&browser, DANA).await;
            let refused = sso.respond(&browser, &request, name, |_| {}).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (403, Some(reason)));
        }
        // What the identity provider itself refused.
        let browser = app.browser();
        let request = sso.begin(&browser, "new@acme.example").await;
        let refused = sso.respond(&browser, &request, "new@acme.example", |spec| {
            spec.status = Some("urn:oasis:names:tc:SAML:2.0:status:Responder".into());
            spec.with_assertion = false;
            spec.signing = ostiary::test_idp::response::Signing::Response;
        }).await;
        assert_eq!(refused.reason(), Some("response_status"));
        assert!(refused.body.contains("/sign-in/company/decline?login="), "{}", refused.body);
    }

    async fn a_fresh_authentication_is_asked_for_and_checked(app: TestApp) {
        let sso = Sso::new(&app).await;
        let browser = app.browser();
        assert!(!sso.begin(&browser, DANA).await.xml.contains("ForceAuthn=\"true\""));
        for extra in [("prompt", "login"), ("max_age", "30")] {
            for (ago, is_let_in) in [(0, true), (600, false)] {
                let browser = app.browser();
                let page = sso.page(&browser, &sso.world.authorize(&app, &[extra])).await;
                let request = Request::read(&give(&browser, &page, "identifier", DANA).await);
                assert!(request.xml.contains("ForceAuthn=\"true\""), "{}", request.xml);
                let at = app.now() - Duration::from_secs(ago);
                let answer = sso.respond(&browser, &request, DANA, |spec| spec.authn_instant = Some(at)).await;
                if is_let_in {
                    code(&browser.get(answer.location().as_str()).await);
                } else {
                    assert_eq!((answer.status.as_u16(), answer.reason()), (403, Some("authentication_too_old")), "{extra:?}");
                }
            }
        }
        let none = app.browser().get(&sso.world.authorize(&app, &[("prompt", "none"), ("login_hint", DANA)])).await;
        assert_eq!(query(&none.location(), "error").as_deref(), Some("login_required"), "it never leaves");
        // A session that is too old leads there again.
        let browser = app.browser();
        code(&sso.sign_in(&browser, DANA, |_| {}).await);
        code(&browser.get(&sso.world.authorize(&app, &[("max_age", "60")])).await);
        app.advance(Duration::from_secs(61));
        let page = sso.page(&browser, &sso.world.authorize(&app, &[("max_age", "60")])).await;
        let request = Request::read(&give(&browser, &page, "identifier", DANA).await);
        let answer = sso.respond(&browser, &request, DANA, |_| {}).await;
        let done = browser.get(answer.location().as_str()).await;
        assert_eq!(sso.claims_of(&done).await["auth_time"].as_i64(), Some(app.now().seconds()));
    }

    async fn an_application_may_say_where(app: TestApp) {
        let sso = Sso::new(&app).await;
        let other = sso.neighbour("globex.example").await;
        let connection = sso.tenant.connection.id.to_string();
        for extra in [("login_hint", DANA), ("saml_connection_id", connection.as_str())] {
            let browser = app.browser();
            let request = Request::read(&browser.get(&sso.world.authorize(&app, &[extra])).await);
            let answer = sso.respond(&browser, &request, DANA, |_| {}).await;
            code(&browser.get(answer.location().as_str()).await);
        }
        let foreign = other.tenant.connection.id.to_string();
        for wrong in [("saml_connection_id", foreign.as_str()), ("saml_connection_id", "x")] {
            let refused = app.browser().get(&sso.world.authorize(&app, &[wrong])).await.location();
            assert_eq!((query(&refused, "error").as_deref(), query(&refused, "state").as_deref()), (Some("invalid_request"), Some("st&te")));
        }
        // A hint of another domain is a page, as that address typed is.
        let page = sso.page(&app.browser(), &sso.world.authorize(&app, &[("login_hint", "dana@other.example")])).await;
        assert!(page.body.contains("dana@other.example"), "{}", page.body);
    }

    async fn who_has_nothing_else_is_offered_the_company_at_once(app: TestApp) {
        let sso = Sso::new(&app).await;
        let browser = app.browser();
        // There is no pool.
        let page = sso.page(&browser, &sso.world.authorize(&app, &[])).await;
        assert!(page.body.contains("Continue with your company") && !page.body.contains("name=\"identifier\""), "{}", page.body);
        let request = Request::read(&browser.submit(&page, &page.form()).await);
        let answer = sso.respond(&browser, &request, DANA, |_| {}).await;
        code(&browser.get(answer.location().as_str()).await);
        // Now there is one, and people may also have a password.
        let page = sso.page(&app.browser(), &sso.world.authorize(&app, &[])).await;
        assert!(page.body.contains("Continue with your company") && page.body.contains("name=\"identifier\""), "{}", page.body);
        let change = OrganizationChange { authentication_mechanisms: Some(vec!["totp".into()]), ..OrganizationChange::default() };
        let id = sso.world.organization;
        resource::update::<model::organization::Organization>(&app.state, &sso.principal(), id, None, &change).await.unwrap();
        let page = sso.page(&app.browser(), &sso.world.authorize(&app, &[])).await;
        assert!(!page.body.contains("name=\"identifier\""), "{}", page.body);
        // A connection that cannot be used is not offered.
        let mut connection = sso.tenant.connection.clone();
        connection.disabled = true;
        app.update_connection(&connection).await;
        let page = sso.page(&app.browser(), &sso.world.authorize(&app, &[])).await;
        assert!(!page.body.contains("Continue with your company"), "{}", page.body);
        let browser = app.browser();
        let page = sso.page(&browser, &sso.world.authorize(&app, &[])).await;
        let page = give(&browser, &page, "identifier", DANA).await;
        assert!(page.body.contains("name=\"password\""), "{}", page.body);
    }

    async fn at_the_root_the_domain_leads_to_the_organization(app: TestApp) {
        let sso = Sso::new(&app).await;
        let root = "/prod/root";
        let browser = app.browser();
        let start = async |browser: &Browser, email: &str| {
            let page = sso.page(browser, &sso.world.authorize_at(&app, root, &[])).await;
            give(browser, &page, "identifier", email).await
        };
        let request = Request::read(&start(&browser, DANA).await);
        let answer = sso.respond(&browser, &request, DANA, |_| {}).await;
        let done = browser.get(answer.location().as_str()).await;
        assert_eq!(query(&done.location(), "iss"), Some(app.url(root)));
        assert_error(&sso.world.exchange(&app, &code(&done), &[]).await, 400, "invalid_grant");
        let at_root = World {
            environment: sso.world.environment.clone(),
            organization: model::organization::root_id(sso.world.environment.id),
            issuer: root.to_owned(),
            user: Id::from_bits(0),
            client: Client { id: sso.world.client.id, secret: String::new() },
        };
        let tokens = at_root.exchange(&app, &code(&done), &[]).await.json();
        let id = claims(text(&tokens, "id_token"));
        let access = claims(text(&tokens, "access_token"));
        let organization = json!(format!("{:032x}", sso.world.organization.bits()));
        assert_eq!((&id["iss"], &id["org_id"], &access["org_id"]), (&json!(app.url(root)), &organization, &organization));
        assert_eq!(at_root.userinfo(&app, text(&tokens, "access_token")).await.status, 200);
        assert_eq!(at_root.refresh(&app, text(&tokens, "refresh_token"), &[]).await.status, 200);
        // One account, whichever the issuer.
        assert_eq!(sso.claims(DANA).await["sub"], id["sub"]);
        // A session at the root is none at the organization, and the other way round.
        let elsewhere = browser.get(&sso.world.authorize(&app, &[("prompt", "none")])).await;
        assert_eq!(query(&elsewhere.location(), "error").as_deref(), Some("login_required"));
        let again = browser.get(&sso.world.authorize_at(&app, root, &[("prompt", "none")])).await;
        assert!(query(&again.location(), "code").is_some());

        // The nearest domain decides: a parent's organization, unless there is a nearer one, with a connection or without.
        Request::read(&start(&app.browser(), "dana@eu.acme.example").await);
        let near = sso.neighbour("lab.acme.example").await;
        let request = Request::read(&start(&app.browser(), "dana@lab.acme.example").await);
        assert!(request.xml.contains(&near.tenant.connection.id.to_string()));
        let mut off = near.tenant.connection.clone();
        off.disabled = true;
        app.update_connection(&off).await;
        assert!(start(&app.browser(), "dana@lab.acme.example").await.body.contains("name=\"password\""));
        for unknown in ["dana@nobody.example", "dana", "dana@example"] {
            assert!(start(&app.browser(), unknown).await.body.contains("name=\"password\""), "{unknown}");
        }
        // The account's existence changes nothing: the same page for both.
        let stable = |answer: &Answer| answer.body.replace("known@nobody.example", "X").replace("other@nobody.example", "X");
        add_user(&app, sso.world.environment.id, at_root.organization, "known@nobody.example", vec![password(PASSWORD)]).await;
        let none = start(&app.browser(), "other@nobody.example").await;
        let known = start(&app.browser(), "known@nobody.example").await;
        let without_request = |body: String| body.split("sign_in_request_").next().unwrap_or_default().len();
        assert_eq!(without_request(stable(&none)), without_request(stable(&known)));
    }

    async fn who_shares_a_domain_chooses(app: TestApp) {
        let sso = Sso::new(&app).await;
        let mut other = sso.neighbour("globex.example").await;
        let third = sso.neighbour("third.example").await;
        other.add_domain("acme.example").await;
        let authorize = sso.world.authorize_at(&app, "/prod/root", &[]);
        let browser = app.browser();
        let page = sso.page(&browser, &authorize).await;
        let chooser = give(&browser, &page, "identifier", DANA).await;
        assert!(chooser.body.contains("Company acme.example") && chooser.body.contains("Company globex.example"), "{}", chooser.body);
        assert!(!chooser.body.contains("third.example"));
        // Who does not share it sees none of these names.
        let elsewhere = give(&browser, &page, "identifier", "dana@third.example").await;
        assert!(Request::read(&elsewhere).xml.contains(&third.tenant.connection.id.to_string()));
        let choose = async |email: &str, organization: &Tenant| {
            let mut form = chooser.form();
            form.fields.retain(|(name, _)| name != "identifier");
            form.fields.push(("identifier".into(), email.into()));
            form.fields.push(("organization".into(), organization.organization.id.to_string()));
            browser.submit(&chooser, &form).await
        };
        for (email, organization) in [(DANA, &third.tenant), ("dana@third.example", &other.tenant), ("dana@nobody.example", &sso.tenant)] {
            let refused = choose(email, organization).await;
            assert_eq!((refused.status.as_u16(), refused.reason()), (400, Some("sign_in_gone")), "{email}");
        }
        let request = Request::read(&choose(DANA, &other.tenant).await);
        assert!(request.xml.contains(&other.tenant.connection.id.to_string()));
        let answer = other.respond(&browser, &request, DANA, |_| {}).await;
        let done = browser.get(answer.location().as_str()).await;
        assert_eq!(query(&done.location(), "iss"), Some(app.url("/prod/root")));
        // An application names the organization instead.
        let id = other.world.organization.to_string();
        let named = app.browser().get(&sso.world.authorize_at(&app, "/prod/root", &[("organization_id", &id)])).await;
        assert!(Request::read(&named).xml.contains(&other.tenant.connection.id.to_string()));
    }
}
