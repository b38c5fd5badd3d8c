//! Users of the organization above who are invited (contract §2.6): by letter and by hand, accepted on the page and by a program.

use std::{collections::BTreeSet, time::Duration};

use base::id::{OrganizationId, RoleId, UserId};
use model::{
    account::CredentialState,
    application::ClientKind,
    environment::Environment,
    organization::root_id,
    user::{IdentifierKind, User, UserAssociation, UserStatus},
};
use ostiary::{
    app::{
        accounts::{
            credentials::{ImportedCredential, NewCredential},
            users::{self, NewAddress, NewIdentifier, NewUser},
        },
        applications::{ApplicationChange, NewApplication},
        principal::Principal,
        roles::{self, NewRole},
    },
    store::{self, table},
};
use reqwest::{Method, header};
use serde_json::{Value, json};

use super::{organization, switch};
use crate::{
    both,
    support::{
        Answer, Browser, TestApp,
        mail::{MailServer, header as header_of},
        tokens::Client,
    },
};

pub(super) const GUESTS: &str = "/o/api/server/v1/guests";
const PASSWORD: &str = "violet kettle under snow";
const INVITE: &str = "internal_org_guest_mgt_invite_add";
const LIST: &str = "internal_org_guest_mgt_invite_list";
const DELETE: &str = "internal_org_guest_mgt_invite_delete";
const USERS: &str = "internal_org_user_mgt_list";

pub(super) fn uuid(bits: u128) -> String {
    uuid::Uuid::from_u128(bits).hyphenated().to_string()
}

/// An organization that invites, with a program of the vendor that acts in it.
pub(super) struct Host<'a> {
    pub app: &'a TestApp,
    pub environment: Environment,
    pub client: Client,
    pub organization: OrganizationId,
    /// A token of the program, in the organization.
    pub token: String,
}

/// A user of the root with a password; with an address unless the name is `mute`.
pub(super) async fn add_user(app: &TestApp, environment: &Environment, name: &str) -> UserId {
    let mut new = NewUser::new(UserStatus::Active);
    new.identifiers.push(NewIdentifier::new(IdentifierKind::Uid, name));
    if name != "mute" {
        new.addresses.push(NewAddress::email(format!("{name}@vendor.example"), true));
    }
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

impl<'a> Host<'a> {
    pub async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        let change = ApplicationChange {
            display_name: Some("Portal".to_owned()),
            grant_types: texts(&["client_credentials", "organization_switch"]),
            scopes: texts(&[INVITE, LIST, DELETE, USERS, "internal_guest_mgt_invite_list"]),
            shared: Some("all".to_owned()),
            ..ApplicationChange::default()
        };
        let new = NewApplication { kind: ClientKind::Service, workspace: None, organization_id: None };
        let client = app.make_client(&environment, new, &change).await;
        let made = organization(app, &environment).await.id;
        let root = app.token("/oauth2/token", &client).await;
        let switched = switch(app, "/oauth2/token", &client, &root, &uuid(made.bits()), None).await;
        let token = switched.json()["access_token"].as_str().expect("a token").to_owned();
        Self { app, environment, client, organization: made, token }
    }

    pub fn operator(&self) -> Principal {
        Principal::operator(self.environment.id)
    }

    /// A role of the organization with these permissions.
    pub async fn role(&self, name: &str, permissions: &[&str]) -> RoleId {
        let new = NewRole {
            name: name.to_owned(),
            audience: None,
            permissions: permissions.iter().map(|one| (*one).to_owned()).collect::<BTreeSet<_>>(),
        };
        roles::create(&self.app.state, &self.operator(), self.organization, &new).await.expect("a role").id
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        // Ids of one moment have no order.
        self.app.clock.advance(Duration::from_millis(1));
        self.app.call(&self.token, method, &format!("{GUESTS}{path}"), body).await
    }

    /// What inviting this user by hand answers.
    pub async fn try_by_hand(&self, name: &str, more: Value) -> Value {
        let mut body = json!({
            "usernames": [name],
            "properties": [{ "key": "manageNotificationsInternally", "value": "false" }],
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.ask(Method::POST, "/invite", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()[0].clone()
    }

    /// Invites this user with these roles; the confirmation code.
    pub async fn by_hand(&self, name: &str, roles: &[RoleId]) -> String {
        let roles: Vec<String> = roles.iter().map(|role| uuid(role.bits())).collect();
        let invited = self.try_by_hand(name, json!({ "roles": roles })).await;
        assert_eq!(invited["result"], json!({ "status": "Successful" }), "{invited}");
        invited["confirmationCode"].as_str().expect("a code").to_owned()
    }

    pub async fn invitations(&self, filter: &str) -> Value {
        let answer = self.ask(Method::GET, &format!("/invitations{filter}"), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["invitations"].clone()
    }

    /// Somebody's image in the organization.
    pub async fn association(&self, user: UserId) -> Option<UserAssociation> {
        let mut conn = self.app.state.db.read().await.unwrap();
        store::user_associations::find(&mut conn, self.environment.id, self.organization, user).await.unwrap()
    }

    /// The permissions of an image.
    pub async fn permissions(&self, image: UserId) -> BTreeSet<String> {
        let mut conn = self.app.state.db.read().await.unwrap();
        roles::permissions_of(&mut conn, self.environment.id, self.organization, image).await.unwrap()
    }

    /// The kinds of the events of invitations.
    async fn events(&self) -> Vec<String> {
        let mut conn = self.app.state.db.read().await.unwrap();
        let sql = "SELECT type FROM events WHERE type LIKE 'guest_invitation.%' ORDER BY sequence";
        let rows: Vec<(String,)> = conn.sql(sql).all().await.unwrap();
        rows.into_iter().map(|(kind,)| kind).collect()
    }
}

/// What accepting without a token answers.
pub(super) async fn accept_at(app: &TestApp, prefix: &str, code: &str) -> Answer {
    let browser = app.browser();
    let url = app.url(&format!("{prefix}/api/server/v1/guests/invitation/accept"));
    let request = browser
        .request(Method::POST, &url)
        .header(header::CONTENT_TYPE, "application/json")
        .body(json!({ "confirmationCode": code }).to_string());
    browser.send(request).await
}

pub(super) async fn accept(app: &TestApp, code: &str) -> Answer {
    accept_at(app, "", code).await
}

#[track_caller]
pub(super) fn refused(answer: &Answer, code: &str) {
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.json()["code"], code, "{}", answer.body);
    assert!(!answer.json()["traceId"].as_str().unwrap().is_empty(), "{}", answer.body);
}

async fn give(browser: &Browser, page: &Answer, field: &str, value: &str) -> Answer {
    let mut form = page.form();
    form.fields.retain(|(name, _)| name != field);
    form.fields.push((field.to_owned(), value.to_owned()));
    browser.submit(page, &form).await
}

/// Signs in on the page to which a link has led; what comes then.
async fn sign_in(browser: &Browser, page: &Answer, name: &str) -> Answer {
    let page = give(browser, page, "identifier", name).await;
    let answer = give(browser, &page, "password", PASSWORD).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    follow(browser, answer).await
}

async fn follow(browser: &Browser, mut answer: Answer) -> Answer {
    for _ in 0..5 {
        if answer.status != 303 {
            break;
        }
        answer = browser.get(answer.location().as_str()).await;
    }
    answer
}

both! {
    async fn a_user_of_the_root_is_invited_by_letter_and_accepts_after_signing_in(app: TestApp) {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let host = Host::new(&app).await;
        let (ann, ben) = (add_user(&app, &host.environment, "ann").await, add_user(&app, &host.environment, "ben").await);
        let role = host.role("Buyers", &[USERS]).await;
        let body = json!({ "usernames": ["PRIMARY/ann"], "userDomain": "PRIMARY", "roles": [uuid(role.bits())] });
        let answer = host.ask(Method::POST, "/invite", Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert_eq!(answer.json(), json!([{ "username": "PRIMARY/ann", "result": { "status": "Successful" } }]), "no code but by the letter");
        let listed = host.invitations("").await;
        assert_eq!((&listed[0]["username"], &listed[0]["email"], &listed[0]["status"]), (&json!("ann"), &json!("ann@vendor.example"), &json!("PENDING")));
        assert_eq!(listed[0]["roles"][0]["id"], uuid(role.bits()));
        assert_eq!((&listed[0]["roles"][0]["displayName"], &listed[0]["roles"][0]["audience"]["type"]), (&json!("Buyers"), &json!("organization")));

        let letter = mail.letter_to("ann@vendor.example", 1).await;
        assert!(header_of(&letter, "Subject").contains("at Acme"), "{letter}");
        let link = letter["text"].as_str().unwrap().lines().find(|line| line.starts_with("http")).unwrap().to_owned();
        let code = crate::support::query(&link.parse().unwrap(), "code").unwrap();
        assert!(link.contains("/prod/root/account/guest-invitation/open?"), "{link}");

        // Somebody else is told, and learns nothing of it.
        let other = app.browser();
        let page = follow(&other, other.get(&link).await).await;
        assert!(page.url.path().ends_with("/sign-in"), "{}", page.url);
        let told = sign_in(&other, &page, "ben").await;
        assert_eq!(told.status, 403, "{}", told.body);
        assert!(told.body.contains("for another account") && !told.body.contains("Acme"), "{}", told.body);
        assert!(host.association(ben).await.is_none());
        // They sign in as who is invited, in the same browser, and are where they wanted to go.
        let out = other.submit(&told, &told.form()).await;
        let page = follow(&other, out).await;
        assert!(page.url.path().ends_with("/sign-in"), "{}", page.url);
        let offer = sign_in(&other, &page, "ann").await;
        assert_eq!((offer.status.as_u16(), offer.url.path()), (200, "/prod/root/account/guest-invitation"), "{}", offer.body);
        assert!(offer.body.contains("Acme"), "{}", offer.body);
        assert!(host.association(ann).await.is_none(), "looking at it uses nothing up");

        // In a browser of her own.
        let browser = app.browser();
        let page = follow(&browser, browser.get(&link).await).await;
        let offer = sign_in(&browser, &page, "ann").await;
        let joined = browser.submit(&offer, &offer.form()).await;
        let page = follow(&browser, joined).await;
        assert!(page.status == 200 && page.body.contains("You have joined the organization"), "{}", page.body);
        let association = host.association(ann).await.expect("an image");
        assert_eq!((association.kind.as_str(), association.resident_organization_id), ("INVITED", root_id(host.environment.id)));
        assert_eq!(host.permissions(association.user_id).await, BTreeSet::from([USERS.to_owned()]));
        assert_eq!(host.invitations("").await, json!([]));
        assert_eq!(host.events().await, ["guest_invitation.created", "guest_invitation.accepted"]);
        // Once.
        let again = follow(&browser, browser.get(&link).await).await;
        assert_eq!(again.status, 404, "{}", again.body);
        refused(&accept(&app, &code).await, "OUI-10013");
    }

    async fn a_code_is_handed_over_and_accepted_at_every_form_of_the_path(app: TestApp) {
        let host = Host::new(&app).await;
        let own = uuid(host.organization.bits());
        let forms = [String::new(), "/t/prod".into(), "/o".into(), "/t/prod/o".into(), format!("/o/{own}"), format!("/t/prod/o/{own}")];
        for (number, prefix) in forms.iter().enumerate() {
            let name = format!("guest{number}");
            let user = add_user(&app, &host.environment, &name).await;
            let code = host.by_hand(&name, &[]).await;
            let foreign = organization(&app, &host.environment).await.id;
            for wrong in [format!("/o/{}", uuid(foreign.bits())), "/t/nowhere".into(), "/o/x".into()] {
                refused(&accept_at(&app, &wrong, &code).await, "OUI-10013");
            }
            assert!(host.association(user).await.is_none());
            let answer = accept_at(&app, prefix, &code).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (204, ""), "{prefix}");
            assert!(host.association(user).await.is_some(), "{prefix}");
        }
        add_user(&app, &host.environment, "last").await;
        let code = host.by_hand("last", &[]).await;
        app.environment("other").await;
        refused(&accept_at(&app, "/t/other", &code).await, "OUI-10013");
        assert_eq!(accept_at(&app, "/t/prod", &code).await.status, 204);
        // What is no code, and what is no body.
        for code in ["", "x", "invitation_0000000000000000000000000", "\u{1}", &"x".repeat(5000)] {
            refused(&accept(&app, code).await, "OUI-10013");
        }
        let answer = app.browser().post(&app.url("/api/server/v1/guests/invitation/accept"), &[("confirmationCode", "x")]).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
    }

    async fn of_sixteen_who_accept_at_once_one_joins(app: TestApp) {
        let host = Host::new(&app).await;
        let ann = add_user(&app, &host.environment, "ann").await;
        let code = host.by_hand("ann", &[host.role("Buyers", &[USERS]).await]).await;
        let mut answers = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (browser, url) = (app.browser(), app.url("/api/server/v1/guests/invitation/accept"));
            let body = json!({ "confirmationCode": code }).to_string();
            answers.spawn(async move {
                let request = browser.request(Method::POST, &url).header(header::CONTENT_TYPE, "application/json").body(body);
                browser.send(request).await.status.as_u16()
            });
        }
        let mut seen = answers.join_all().await;
        seen.sort_unstable();
        let mut wanted = vec![204];
        wanted.extend([400; 15]);
        assert_eq!(seen, wanted);
        let image = host.association(ann).await.unwrap().user_id;
        assert_eq!(host.permissions(image).await.len(), 1);
        assert_eq!(host.events().await, ["guest_invitation.created", "guest_invitation.accepted"]);
        let mut conn = app.state.db.read().await.unwrap();
        let user: User = table::find(&mut conn, host.environment.id, image).await.unwrap().unwrap();
        let pool = store::identity_pools::find_first(&mut conn, host.environment.id, host.organization).await.unwrap().unwrap();
        assert_eq!((user.pool_id, pool.number_of_users), (pool.id, 1));
    }

    async fn of_sixteen_invitations_of_one_user_at_once_one_is_made(app: TestApp) {
        let host = Host::new(&app).await;
        add_user(&app, &host.environment, "ann").await;
        let mut answers = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let (browser, url, token) = (app.browser(), app.url(&format!("{GUESTS}/invite")), host.token.clone());
            answers.spawn(async move {
                let request = browser.request(Method::POST, &url).bearer_auth(token).json(&json!({ "usernames": ["ann"] }));
                let answer = browser.send(request).await;
                assert_eq!(answer.status, 201, "{}", answer.body);
                answer.json()[0]["result"].clone()
            });
        }
        let all = answers.join_all().await;
        assert_eq!(all.iter().filter(|result| result["status"] == "Successful").count(), 1, "{all:?}");
        assert_eq!(all.iter().filter(|result| result["errorCode"] == "OUI-10018").count(), 15, "{all:?}");
        // Without a mail server the code is the answer's.
        assert_eq!(host.invitations("").await.as_array().unwrap().len(), 1);
    }

    async fn what_is_wrong_has_its_code(app: TestApp) {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let host = Host::new(&app).await;
        for name in ["ann", "ben", "mute"] {
            add_user(&app, &host.environment, name).await;
        }
        let role = host.role("Buyers", &[]).await;
        let body = json!({ "usernames": ["nobody", "ann", "ann", "mute", "ben"], "roles": [uuid(role.bits())] });
        let answer = host.ask(Method::POST, "/invite", Some(body)).await;
        let results: Vec<Value> = answer.json().as_array().unwrap().iter().map(|one| one["result"]["errorCode"].clone()).collect();
        assert_eq!(results, [json!("OUI-10011"), Value::Null, json!("OUI-10018"), json!("OUI-10030"), Value::Null], "{}", answer.body);
        assert!(answer.json()[0]["result"]["errorDescription"].as_str().unwrap().contains("nobody"));
        // A user of the organization itself is none of the one above.
        for (field, id, code) in [
            ("roles", "x", "OUI-10029"),
            ("roles", "00000000-0000-0000-0000-000000000001", "OUI-10029"),
            ("groups", "x", "OUI-10034"),
            ("groups", "00000000-0000-0000-0000-000000000001", "OUI-10034"),
        ] {
            refused(&host.ask(Method::POST, "/invite", Some(json!({ "usernames": ["ann"], (field): [id] }))).await, code);
        }
        for body in [json!({}), json!([]), json!({ "usernames": [] }), json!({ "usernames": [1] }), json!({ "usernames": vec!["ann"; 101] }),
            json!({ "usernames": ["a\u{0}b"] }),
            json!({ "usernames": ["ann"], "properties": [{ "key": "manageNotificationsInternally", "value": "maybe" }] })] {
            refused(&host.ask(Method::POST, "/invite", Some(body)).await, "ORG-60001");
        }
        for (filter, code) in [
            ("?filter=status%20eq%20OPEN", "OUI-10016"),
            ("?filter=username%20eq%20ann", "OUI-10017"),
            ("?filter=status%20co%20PENDING", "OUI-10022"),
            ("?filter=status", "OUI-10022"),
            ("?filter=status%20eq%20PENDING%20and%20status%20eq%20EXPIRED", "OUI-10022"),
        ] {
            refused(&host.ask(Method::GET, &format!("/invitations{filter}"), None).await, code);
        }
        assert_eq!(host.invitations("?filter=status+eq+PENDING").await.as_array().unwrap().len(), 2);
        assert_eq!(host.invitations("?filter=status%20eq%20EXPIRED").await, json!([]));
        // Taken back: whether it was there or not.
        let listed = host.invitations("").await;
        for invitation in listed.as_array().unwrap() {
            for _ in 0..2 {
                let gone = host.ask(Method::DELETE, &format!("/invitations/{}", invitation["id"].as_str().unwrap()), None).await;
                assert_eq!((gone.status.as_u16(), gone.body.as_str()), (204, ""));
            }
        }
        assert_eq!(host.ask(Method::DELETE, "/invitations/x", None).await.status, 204);
        assert_eq!(host.invitations("").await, json!([]));
        // Who is in is not invited again.
        assert_eq!(accept(&app, &host.by_hand("ann", &[]).await).await.status, 204);
        assert_eq!(host.try_by_hand("ann", json!({})).await["result"]["errorCode"], "OUI-10032");
        // Somebody there has the name meanwhile.
        let code = host.by_hand("ben", &[]).await;
        let mut new = NewUser::new(UserStatus::Active);
        new.identifiers.push(NewIdentifier::new(IdentifierKind::Uid, "ben"));
        users::create_in_first_pool(&app.state, &host.operator(), Some(host.organization), &new).await.unwrap();
        refused(&accept(&app, &code).await, "OUI-10023");
        assert_eq!(host.invitations("").await.as_array().unwrap().len(), 1, "it stays");
    }

    async fn a_code_is_introspected_where_it_was_made_and_where_the_invited_are(app: TestApp) {
        let host = Host::new(&app).await;
        add_user(&app, &host.environment, "ann").await;
        let code = host.by_hand("ann", &[]).await;
        let body = json!({ "confirmationCode": code });
        let answer = host.ask(Method::POST, "/invitation/introspect", Some(body.clone())).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json(), json!({
            "confirmationCode": code,
            "username": "ann",
            "userOrganization": "10084a8d-113f-4211-a0d5-efe36b082211",
            "initiatedOrganization": uuid(host.organization.bits()),
            "status": "PENDING",
        }));
        let root = app.token("/oauth2/token", &host.client).await;
        let path = "/api/server/v1/guests/invitation/introspect";
        assert_eq!(app.call(&root, Method::POST, path, Some(body.clone())).await.status, 200);
        // Nowhere else.
        let other = organization(&app, &host.environment).await.id;
        let switched = switch(&app, "/oauth2/token", &host.client, &root, &uuid(other.bits()), None).await.json();
        let token = switched["access_token"].as_str().unwrap();
        refused(&app.call(token, Method::POST, &format!("/o{path}"), Some(body.clone())).await, "OUI-10013");
        assert_eq!(app.browser().send(app.browser().request(Method::POST, &app.url(path)).json(&body)).await.status, 401);
        app.advance(Duration::from_secs(72 * 3600));
        let token = app.token("/oauth2/token", &host.client).await;
        let answer = app.call(&token, Method::POST, path, Some(body)).await;
        assert_eq!(answer.json()["status"], "EXPIRED", "{}", answer.body);
    }

    async fn each_call_takes_its_scope_and_a_token_of_the_organization(app: TestApp) {
        let host = Host::new(&app).await;
        let root = app.token("/oauth2/token", &host.client).await;
        let calls = [(Method::POST, "/invite", INVITE), (Method::GET, "/invitations", LIST), (Method::DELETE, "/invitations/x", DELETE)];
        for (method, path, scope) in &calls {
            for (wanted, _) in [(INVITE, 0), (LIST, 0), (DELETE, 0)] {
                let own = uuid(host.organization.bits());
                let switched = switch(&app, "/oauth2/token", &host.client, &root, &own, Some(wanted)).await.json();
                let token = switched["access_token"].as_str().unwrap();
                let answer = app.call(token, method.clone(), &format!("{GUESTS}{path}"), Some(json!({}))).await;
                assert_eq!(answer.status == 403, wanted != *scope, "{method} {path} with {wanted}: {}", answer.status);
            }
            assert_eq!(app.call(&root, method.clone(), &format!("{GUESTS}{path}"), Some(json!({}))).await.status, 403);
            let at_root = app.call(&root, method.clone(), &format!("/api/server/v1/guests{path}"), Some(json!({}))).await;
            assert_eq!(at_root.status, 403, "{}", at_root.body);
        }
    }
}
