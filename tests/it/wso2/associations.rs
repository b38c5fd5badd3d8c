//! Users in organizations that they own (contract §2.6, flow B of §2.9): their images there, and how they get there.

use std::collections::BTreeSet;

use base::id::{OrganizationId, UserId};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use model::{
    account::CredentialState,
    application::ClientKind,
    environment::Environment,
    organization::root_id,
    role::Audience,
    user::{IdentifierKind, User, UserStatus},
};
use ostiary::{
    app::{
        accounts::{
            associations,
            credentials::{ImportedCredential, NewCredential},
            user_credentials,
            users::{self, NewAddress, NewIdentifier, NewUser},
        },
        applications::{ApplicationChange, NewApplication, sharing},
        principal::Principal,
        roles::{self, NewRole},
    },
    store::{self, table},
};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::switch;
use crate::{
    both,
    support::{Answer, Browser, TestApp, query, tokens::Client},
};

const PATH: &str = "/api/server/v1/organizations";
pub(super) const PASSWORD: &str = "violet kettle under snow";
pub(super) const CALLBACK: &str = "https://portal.example/callback";
pub(super) const SIGNED_OUT: &str = "https://portal.example/bye";
/// RFC 7636 appendix B.
pub(super) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(super) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(super) const VIEW: &str = "internal_org_organization_view";
const CREATE: &str = "internal_org_organization_create";

/// The vendor's portal: people sign in with it at the root and switch to their organizations.
pub(super) struct Portal<'a> {
    pub app: &'a TestApp,
    pub environment: Environment,
    pub client: Client,
    /// Ann, who is a user of the root.
    pub ann: UserId,
    /// A token of the portal itself, at the root.
    pub own: String,
    /// What is assigned to people: the portal's role at the root.
    pub role: base::id::RoleId,
}

pub(super) fn uuid(bits: u128) -> String {
    uuid::Uuid::from_u128(bits).hyphenated().to_string()
}

pub(super) fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

pub(super) async fn add_user(app: &TestApp, environment: &Environment, name: &str) -> UserId {
    let mut new = NewUser::new(UserStatus::Active);
    new.identifiers.push(NewIdentifier::new(IdentifierKind::Uid, name));
    new.addresses.push(NewAddress::email(format!("{name}@vendor.example"), true));
    new.credentials.push(NewCredential {
        credential: ImportedCredential::Password(PASSWORD.into()),
        state: CredentialState::Valid,
        expires_at: None,
    });
    let operator = Principal::operator(environment.id);
    let id = users::create_in_first_pool(&app.state, &operator, None, &new).await.expect("a user").id;
    let mut tx = app.state.db.write().await.unwrap();
    store::users::update_passkey_offered(&mut tx, id, app.now()).await.unwrap();
    tx.commit().await.unwrap();
    id
}

impl<'a> Portal<'a> {
    pub async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        let change = ApplicationChange {
            display_name: Some("Portal".to_owned()),
            grant_types: texts(&[
                "authorization_code",
                "refresh_token",
                "client_credentials",
                "organization_switch",
            ]),
            redirect_uris: texts(&[CALLBACK]),
            post_logout_redirect_uris: texts(&[SIGNED_OUT]),
            scopes: texts(&[
                "openid",
                "offline_access",
                "internal_organization_view",
                "internal_organization_create",
                "internal_organization_delete",
                VIEW,
                CREATE,
                "billing",
                "internal_org_user_mgt_list",
                "internal_org_user_mgt_view",
                "internal_org_user_mgt_update",
                "internal_org_user_mgt_delete",
                "internal_org_group_mgt_view",
                "internal_org_group_mgt_update",
            ]),
            shared: Some("all".to_owned()),
            ..ApplicationChange::default()
        };
        let new = NewApplication { kind: ClientKind::Web, workspace: None, organization_id: None };
        let client = app.make_client(&environment, new, &change).await;
        let own = app.token("/oauth2/token", &client).await;
        let ann = add_user(app, &environment, "ann").await;
        let role = NewRole {
            name: "Portal Admin".to_owned(),
            audience: Some(Audience::Application(client.id)),
            permissions: BTreeSet::from([VIEW.to_owned(), "internal_organization_view".to_owned()]),
        };
        let operator = Principal::operator(environment.id);
        let role =
            roles::create(&app.state, &operator, root_id(environment.id), &role).await.expect("a role").id;
        Self { app, environment, client, ann, own, role }
    }

    /// Makes an organization for a user.
    async fn make(&self, name: &str, creator: UserId) -> Answer {
        let attributes = json!([
            { "key": "creator.id", "value": uuid(creator.bits()) },
            { "key": "creator.username", "value": "ann" },
        ]);
        let body = json!({ "name": name, "attributes": attributes });
        self.app.call(&self.own, Method::POST, PATH, Some(body)).await
    }

    pub async fn made(&self, name: &str, creator: UserId) -> OrganizationId {
        let answer = self.make(name, creator).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["id"].as_str().unwrap().parse().unwrap()
    }

    /// Somebody's image in an organization.
    pub async fn image(&self, organization: OrganizationId, of: UserId) -> Option<User> {
        let mut conn = self.app.state.db.read().await.unwrap();
        let environment_id = self.environment.id;
        let found =
            store::user_associations::find(&mut conn, environment_id, organization, of).await.unwrap()?;
        assert_eq!((found.kind.as_str(), found.resident_organization_id), ("OWNER", root_id(environment_id)));
        table::find(&mut conn, environment_id, found.user_id).await.unwrap()
    }

    /// Gives a user of an organization the portal's role there.
    pub async fn assign(&self, organization: OrganizationId, user: UserId) {
        let (state, environment_id) = (&self.app.state, self.environment.id);
        let role = match organization == root_id(environment_id) {
            true => self.role,
            false => sharing::fragment_id(organization, self.role).unwrap(),
        };
        let mut tx = state.db.write().await.unwrap();
        let place = (environment_id, organization);
        roles::assign_user(&mut tx, state, &Principal::operator(environment_id), place, user, role)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    /// What the first page of the sign-in at an issuer answers to a name and the password.
    async fn try_sign_in(&self, issuer: &str, name: &str) -> Answer {
        let browser = self.app.browser();
        let mut url = Url::parse(&self.app.url(&format!("/prod/{issuer}/oauth2/authorize"))).unwrap();
        url.query_pairs_mut().extend_pairs([
            ("client_id", self.client.id.to_string().as_str()),
            ("response_type", "code"),
            ("redirect_uri", CALLBACK),
            (
                "scope",
                "openid offline_access internal_organization_view internal_organization_create billing",
            ),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let begun = browser.get(url.as_str()).await;
        assert_eq!(begun.status, 303, "{}", begun.body);
        let page = browser.get(begun.location().as_str()).await;
        let page = give(&browser, &page, "identifier", name).await;
        give(&browser, &page, "password", PASSWORD).await
    }

    pub async fn ask(&self, path: &str, extra: &[(&str, &str)]) -> Answer {
        let id = self.client.id.to_string();
        let mut form = vec![("client_id", id.as_str()), ("client_secret", self.client.secret.as_str())];
        form.extend(extra);
        self.app.browser().post(&self.app.url(path), &form).await
    }

    /// Tokens of a user of the root who signs in there.
    pub async fn sign_in(&self, name: &str) -> Value {
        let answer = self.try_sign_in("root", name).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let code = query(&answer.location(), "code").expect("a code");
        let extra = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let answer = self.ask("/prod/root/oauth2/token", &extra).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub async fn switch(&self, token: &str, organization: &str) -> Answer {
        switch(self.app, "/oauth2/token", &self.client, token, organization, None).await
    }

    pub async fn refresh(&self, path: &str, token: &str) -> Answer {
        self.ask(path, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// The status of a call that lists organizations below the one where the token is good.
    async fn list(&self, token: &str, prefix: &str) -> u16 {
        self.app.call(token, Method::GET, &format!("{prefix}{PATH}"), None).await.status.as_u16()
    }
}

pub(super) async fn give(browser: &Browser, page: &Answer, field: &str, value: &str) -> Answer {
    let mut form = page.form();
    form.fields.retain(|(name, _)| name != field);
    form.fields.push((field.to_owned(), value.to_owned()));
    browser.submit(page, &form).await
}

pub(super) fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}"))
}

#[track_caller]
fn is_not_theirs(answer: &Answer) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(
        answer.json()["error_description"],
        "The user is not associated with the switching organization."
    );
}

both! {
    async fn who_has_an_organization_made_has_an_image_in_it(app: TestApp) {
        let portal = Portal::new(&app).await;
        let made = portal.made("X", portal.ann).await;
        let image = portal.image(made, portal.ann).await.expect("an image");
        assert_ne!(image.id, portal.ann);
        assert_eq!((image.organization_id, image.shadow_of, image.status), (made, Some(portal.ann), UserStatus::Active));
        let mut conn = app.state.db.read().await.unwrap();
        let names = store::user_identifiers::list(&mut conn, &[image.id]).await.unwrap().remove(&image.id).unwrap();
        let names: Vec<_> = names.iter().map(|name| (name.text.kind(), name.text.as_str())).collect();
        assert_eq!(names, [(IdentifierKind::Uid, "ann")]);
        drop(conn);
        // The attributes stay; the portal itself, for nobody, makes nobody.
        let shown = app.call(&portal.own, Method::GET, &format!("{PATH}/{}", uuid(made.bits())), None).await.json();
        assert_eq!(shown["attributes"][0], json!({ "key": "creator.id", "value": uuid(portal.ann.bits()) }));
        let answer = app.call(&portal.own, Method::POST, PATH, Some(json!({ "name": "Y" }))).await;
        let nobody: OrganizationId = answer.json()["id"].as_str().unwrap().parse().unwrap();
        assert!(portal.image(nobody, portal.ann).await.is_none());
        // Neither an image nor a user of another environment makes any, and then there is no organization either.
        let elsewhere = app.environment("other").await;
        let stranger = add_user(&app, &elsewhere, "ann").await;
        let own = app.token("/t/prod/oauth2/token", &portal.client).await;
        for creator in [image.id, stranger] {
            let body = json!({ "name": "Z", "attributes": [{ "key": "creator.id", "value": uuid(creator.bits()) }] });
            let answer = app.call(&own, Method::POST, &format!("/t/prod{PATH}"), Some(body)).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (400, &json!("ORG-60096")), "{}", answer.body);
        }
        let answer = app.call(&own, Method::POST, &format!("/t/prod{PATH}/check-name"), Some(json!({ "name": "Z" }))).await;
        assert_eq!(answer.json(), json!({ "available": true }));
    }

    async fn an_owner_signs_in_once_and_switches(app: TestApp) {
        let portal = Portal::new(&app).await;
        portal.assign(root_id(portal.environment.id), portal.ann).await;
        let (x, y) = (portal.made("X", portal.ann).await, portal.made("Y", portal.ann).await);
        let image = portal.image(x, portal.ann).await.unwrap();
        portal.assign(x, image.id).await;
        let tokens = portal.sign_in("ann").await;
        let root = text(&tokens, "access_token");
        // At the root what her role there gives, and no more of WSO2's; what is not WSO2's is the application's.
        assert_eq!(text(&tokens, "scope"), "openid offline_access internal_organization_view billing");
        assert_eq!(portal.list(root, "").await, 200);

        let answer = portal.switch(root, &uuid(x.bits())).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let switched = answer.json();
        let token = text(&switched, "access_token");
        let (before, after) = (claims(root), claims(token));
        for same in ["sub", "sid", "amr", "auth_time"] {
            assert_eq!(before[same], after[same], "{same}");
        }
        assert_eq!(after["sub"], json!(portal.ann.to_string()));
        assert_eq!((&after["org_id"], &after["org_name"]), (&json!(uuid(x.bits())), &json!("X")));
        assert_eq!(after["user_org"], json!("10084a8d-113f-4211-a0d5-efe36b082211"));
        assert!(text(&switched, "scope").contains(VIEW) && !text(&switched, "scope").contains(CREATE), "{switched}");
        assert!(switched["id_token"].is_null());
        assert_eq!(portal.list(token, "/o").await, 200);
        assert_eq!(portal.list(token, "").await, 403);
        // In the other one she has no role.
        let answer = portal.switch(root, &uuid(y.bits())).await;
        assert!(!text(&answer.json(), "scope").contains("internal"), "{}", answer.body);
        assert_eq!(portal.list(text(&answer.json(), "access_token"), "/o").await, 403);
        // From one to the other, and back to the root.
        assert_eq!(portal.switch(token, &uuid(y.bits())).await.status, 200);
        let back = portal.switch(token, "10084a8d-113f-4211-a0d5-efe36b082211").await;
        assert_eq!(back.status, 200, "{}", back.body);
        let back = back.json();
        assert!(claims(text(&back, "access_token"))["org_id"].is_null());
        assert_eq!(portal.list(text(&back, "access_token"), "").await, 200);

        // Refreshing asks her roles again, at the issuer that gave the token.
        let refresh = text(&switched, "refresh_token");
        let answer = portal.refresh("/prod/root/oauth2/token", refresh).await;
        assert_eq!(answer.json()["error"], "invalid_grant", "{}", answer.body);
        let answer = portal.refresh("/oauth2/token", text(&tokens, "refresh_token")).await;
        assert_eq!(answer.json()["error"], "invalid_grant", "{}", answer.body);
        let again = portal.refresh("/oauth2/token", refresh).await;
        assert_eq!(again.status, 200, "{}", again.body);
        assert_eq!(claims(text(&again.json(), "access_token"))["org_id"], json!(uuid(x.bits())));
        assert!(text(&again.json(), "scope").contains(VIEW));
        let operator = Principal::operator(portal.environment.id);
        associations::remove(&app.state, &operator, x, image.id).await.unwrap();
        let gone = portal.refresh("/oauth2/token", text(&again.json(), "refresh_token")).await;
        assert_eq!(gone.json()["error"], "invalid_grant", "{}", gone.body);
    }

    async fn a_token_counts_no_longer_than_the_role_that_gave_it(app: TestApp) {
        let portal = Portal::new(&app).await;
        let root = root_id(portal.environment.id);
        portal.assign(root, portal.ann).await;
        let x = portal.made("X", portal.ann).await;
        let image = portal.image(x, portal.ann).await.unwrap();
        portal.assign(x, image.id).await;
        let tokens = portal.sign_in("ann").await;
        let at_root = text(&tokens, "access_token");
        let switched = portal.switch(at_root, &uuid(x.bits())).await.json();
        let token = text(&switched, "access_token");
        assert_eq!((portal.list(at_root, "").await, portal.list(token, "/o").await), (200, 200));
        let operator = Principal::operator(portal.environment.id);
        roles::remove(&app.state, &operator, root, portal.role).await.unwrap();
        // Both tokens are as good as before, and permit nothing here.
        assert_eq!((portal.list(at_root, "").await, portal.list(token, "/o").await), (403, 403));
    }

    async fn nobody_switches_to_what_is_not_theirs(app: TestApp) {
        let portal = Portal::new(&app).await;
        let x = portal.made("X", portal.ann).await;
        add_user(&app, &portal.environment, "ben").await;
        let tokens = portal.sign_in("ben").await;
        is_not_theirs(&portal.switch(text(&tokens, "access_token"), &uuid(x.bits())).await);
        assert_eq!(text(&tokens, "scope"), "openid offline_access billing");
    }

    async fn what_ends_an_image_ends_the_tokens_that_are_good_there(app: TestApp) {
        let portal = Portal::new(&app).await;
        let operator = Principal::operator(portal.environment.id);
        let (x, y) = (portal.made("X", portal.ann).await, portal.made("Y", portal.ann).await);
        for organization in [x, y] {
            let image = portal.image(organization, portal.ann).await.unwrap();
            portal.assign(organization, image.id).await;
        }
        let tokens = portal.sign_in("ann").await;
        let root = text(&tokens, "access_token");
        let mut switched = Vec::new();
        for organization in [x, y] {
            let answer = portal.switch(root, &uuid(organization.bits())).await;
            switched.push(text(&answer.json(), "access_token").to_owned());
        }
        assert_eq!((portal.list(&switched[0], "/o").await, portal.list(&switched[1], "/o").await), (200, 200));
        let image = portal.image(x, portal.ann).await.unwrap();
        let other = OrganizationId::from_bits(y.bits());
        assert!(associations::remove(&app.state, &operator, other, image.id).await.is_err());
        associations::remove(&app.state, &operator, x, image.id).await.unwrap();
        assert_eq!((portal.list(&switched[0], "/o").await, portal.list(&switched[1], "/o").await), (401, 200));
        is_not_theirs(&portal.switch(root, &uuid(x.bits())).await);
        assert!(app.columns_with(&image.id.to_string()).await.iter().all(|column| column.starts_with("audit_events")), "nothing is left of the image");
        // With the person go all of their images, and the pools count right.
        let ann: User = { let mut conn = app.state.db.read().await.unwrap(); table::find(&mut conn, portal.environment.id, portal.ann).await.unwrap().unwrap() };
        let second = portal.image(y, portal.ann).await.unwrap();
        users::remove(&app.state, &operator, (ann.pool_id, ann.id), None).await.unwrap();
        assert_eq!(portal.list(&switched[1], "/o").await, 401);
        let mut conn = app.state.db.read().await.unwrap();
        assert!(table::find::<User>(&mut conn, portal.environment.id, second.id).await.unwrap().is_none());
        let pool = store::identity_pools::find_first(&mut conn, portal.environment.id, y).await.unwrap().unwrap();
        assert_eq!(pool.number_of_users, 0);
    }

    async fn nobody_signs_in_as_an_image(app: TestApp) {
        let portal = Portal::new(&app).await;
        let x = portal.made("X", portal.ann).await;
        let image = portal.image(x, portal.ann).await.unwrap();
        let issuer = format!("{:032x}", x.bits());
        let operator = Principal::operator(portal.environment.id);
        let state = &app.state;
        // By her own password at the organization's issuer: she is nobody there.
        let answer = portal.try_sign_in(&issuer, "ann").await;
        assert_ne!(answer.status, 303, "{}", answer.body);
        // She gets no password, activation or other credential there, and her profile is not changed.
        let of = (image.pool_id, image.id);
        let change = users::UserChange { status: Some(UserStatus::Inactive), ..users::UserChange::default() };
        assert!(users::update(state, &operator, of, None, &change).await.is_err());
        let identifier = NewIdentifier::new(IdentifierKind::Email, "ann@x.example");
        assert!(users::add_identifier(state, &operator, of, None, &identifier).await.is_err());
        assert!(users::add_address(state, &operator, of, None, &NewAddress::email("ann@x.example", true)).await.is_err());
        let password = ImportedCredential::Password("another kettle under snow".into());
        let credential = NewCredential { credential: password, state: CredentialState::Valid, expires_at: None };
        let change = users::UserChange { credentials: vec![credential], ..users::UserChange::default() };
        assert!(users::update(state, &operator, of, None, &change).await.is_err());
        assert!(user_credentials::send_activation(state, &operator, of, None).await.is_err());
        // A row that came there some other way opens nothing.
        let mut tx = state.db.write().await.unwrap();
        let hash = store::passwords::find(&mut tx, portal.ann.into()).await.unwrap().unwrap();
        store::passwords::upsert(&mut tx, image.id.into(), &hash).await.unwrap();
        tx.commit().await.unwrap();
        let answer = portal.try_sign_in(&issuer, "ann").await;
        assert_ne!(answer.status, 303, "{}", answer.body);
        // Where her name is an address, the identity provider of the organization finds nobody either.
        let found = {
            let mut conn = state.db.read().await.unwrap();
            user_credentials::load_account(&mut conn, portal.environment.id, x, image.id).await.unwrap()
        };
        assert!(found.is_none());
    }

    async fn the_fixed_id_of_the_root_is_an_id_like_any_other(app: TestApp) {
        let portal = Portal::new(&app).await;
        let fixed = "10084a8d-113f-4211-a0d5-efe36b082211";
        let own = uuid(root_id(portal.environment.id).bits());
        for id in [fixed, &own] {
            let body = app.call(&portal.own, Method::GET, &format!("{PATH}/{id}"), None).await.json();
            assert_eq!(body["id"], json!(fixed));
            let body = app.call(&portal.own, Method::GET, &format!("{PATH}?filter=parentId+eq+{id}"), None).await;
            assert_eq!(body.status, 200, "{}", body.body);
        }
        // Of another environment than the default one the root has its own id.
        app.environment("other").await;
        let token = app.token("/t/prod/oauth2/token", &portal.client).await;
        let body = app.call(&token, Method::GET, &format!("/t/prod{PATH}/{own}"), None).await.json();
        assert_eq!(body["id"], json!(own));
        let answer = app.call(&token, Method::GET, &format!("/t/prod{PATH}/{fixed}"), None).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["code"]), (404, &json!("ORG-60015")));
    }

    async fn what_a_switch_gave_does_not_come_back_with_the_organization(app: TestApp) {
        let portal = Portal::new(&app).await;
        let x = portal.made("X", portal.ann).await;
        let tokens = portal.sign_in("ann").await;
        let root = text(&tokens, "access_token");
        let operator = Principal::operator(portal.environment.id);
        let set = async |disabled| {
            let change = ostiary::app::organizations::OrganizationChange { disabled: Some(disabled), ..Default::default() };
            ostiary::app::organizations::update(&app.state, &operator, x, None, &change).await.unwrap();
        };
        for turn in 0..16 {
            let before = portal.switch(root, &uuid(x.bits())).await;
            assert_eq!(before.status, 200, "{}", before.body);
            let before = before.json();
            // A switch and a refresh while it is switched off.
            let id = uuid(x.bits());
            let refresh = portal.refresh("/oauth2/token", text(&before, "refresh_token"));
            let (switched, refreshed, ()) = tokio::join!(portal.switch(root, &id), refresh, set(true));
            set(false).await;
            let given = [Some(before), Some(switched.json()), Some(refreshed.json())];
            for tokens in given.into_iter().flatten().filter(|tokens| tokens["access_token"].is_string()) {
                let mut conn = app.state.db.read().await.unwrap();
                let jti = claims(text(&tokens, "access_token"))["jti"].as_str().unwrap().parse().unwrap();
                let live = store::signed_access_tokens::find_live(&mut conn, portal.environment.id, jti, app.now()).await.unwrap();
                assert!(live.is_none(), "turn {turn}");
                drop(conn);
                let again = portal.refresh("/oauth2/token", text(&tokens, "refresh_token")).await;
                assert_eq!(again.json()["error"], "invalid_grant", "turn {turn}: {}", again.body);
            }
        }
        assert_eq!(portal.switch(root, &uuid(x.bits())).await.status, 200);
    }

    async fn a_scope_that_a_role_permits_is_had_by_that_role_only(app: TestApp) {
        let portal = Portal::new(&app).await;
        let root = root_id(portal.environment.id);
        let scope = async || text(&portal.sign_in("ann").await, "scope").to_owned();
        // No role permits it: it is everybody's.
        assert!(scope().await.contains("billing"));
        let operator = Principal::operator(portal.environment.id);
        let new = NewRole {
            name: "Accountant".to_owned(),
            audience: Some(Audience::Application(portal.client.id)),
            permissions: BTreeSet::from(["billing".to_owned()]),
        };
        let role = roles::create(&app.state, &operator, root, &new).await.unwrap().id;
        let tokens = portal.sign_in("ann").await;
        assert_eq!(text(&tokens, "scope"), "openid offline_access");
        let give = [roles::RoleOperation::Users(roles::SetChange::Add(BTreeSet::from([portal.ann])))];
        roles::apply(&app.state, &operator, root, role, None, &give).await.unwrap();
        assert!(scope().await.contains("billing"));
        // In an organization it takes the role there; a refresh asks again.
        let x = portal.made("X", portal.ann).await;
        let switched = portal.switch(text(&tokens, "access_token"), &uuid(x.bits())).await.json();
        assert!(!text(&switched, "scope").contains("billing"), "{switched}");
        let image = portal.image(x, portal.ann).await.unwrap();
        let fragment = sharing::fragment_id(x, role).unwrap();
        let give = [roles::RoleOperation::Users(roles::SetChange::Add(BTreeSet::from([image.id])))];
        roles::apply(&app.state, &operator, x, fragment, None, &give).await.unwrap();
        let again = portal.refresh("/oauth2/token", text(&switched, "refresh_token")).await.json();
        assert!(text(&again, "scope").contains("billing"), "{again}");
        // A role that goes opens nothing.
        roles::remove(&app.state, &operator, root, role).await.unwrap();
        assert_eq!(scope().await, "openid offline_access");
        // A program's own tokens are its own.
        assert!(claims(&app.token("/oauth2/token", &portal.client).await)["scope"].as_str().unwrap().contains("billing"));
    }
}
