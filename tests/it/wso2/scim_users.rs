//! SCIM of an organization's own users and groups (contract §2.7).

use model::{account::CredentialState, organization::Organization, user::UserStatus};
use ostiary::app::{accounts::users, organizations, principal::Principal};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::{SCOPES, Vendor, application, organization};
use crate::{
    both,
    support::{Answer, Browser, TestApp, mail::MailServer},
};

const USERS: &str = "/o/scim2/Users";
const GROUPS: &str = "/o/scim2/Groups";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const WSO2: &str = "urn:scim:wso2:schema";
const PASSWORD: &str = "purple kettle under rain";

/// The scopes of the APIs beside those of the guide.
const MORE: [&str; 6] = [
    "internal_user_mgt_update",
    "internal_user_mgt_delete",
    "internal_org_user_mgt_update",
    "internal_org_user_mgt_delete",
    "internal_org_group_mgt_create",
    "internal_org_group_mgt_view",
];

/// The vendor with tokens of everything.
async fn vendor(app: &TestApp) -> Vendor<'_> {
    let environment = app.environment("prod").await;
    let scopes: Vec<&str> = SCOPES.into_iter().chain(MORE).collect();
    let client = application(app, &environment, "all", &scopes).await;
    let root = app.token("/oauth2/token", &client).await;
    Vendor { app, environment, client, root }
}

/// An organization and a token in it.
struct Tenant<'a> {
    app: &'a TestApp,
    organization: Organization,
    token: String,
}

impl<'a> Tenant<'a> {
    async fn new(vendor: &Vendor<'a>) -> Self {
        let organization = organization(vendor.app, &vendor.environment).await;
        let token = vendor.switched(&uuid(organization.id.bits())).await;
        Self { app: vendor.app, organization, token }
    }

    /// The same, with a new token.
    async fn again(self, vendor: &Vendor<'_>) -> Self {
        let token = vendor.switched(&uuid(self.organization.id.bits())).await;
        Self { token, ..self }
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.call(&self.token, method, path, body).await
    }

    async fn create(&self, body: Value) -> Value {
        let answer = self.call(Method::POST, USERS, Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.call(Method::GET, path, None).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// The user names that a filter finds.
    async fn find(&self, filter: &str) -> Vec<String> {
        let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let found = self.get(&format!("{USERS}?filter={encoded}")).await;
        let names: Vec<String> =
            found["Resources"].as_array().unwrap().iter().map(|user| text(&user["userName"])).collect();
        assert_eq!(found["totalResults"], names.len(), "{filter}: {found}");
        names
    }

    async fn refuse(&self, method: Method, path: &str, body: Option<Value>, status: u16) -> Value {
        let answer = self.call(method, path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.body);
        let error = answer.json();
        assert_eq!(error["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{error}");
        assert_eq!(error["status"], status.to_string(), "{error}");
        error
    }
}

fn uuid(bits: u128) -> String {
    uuid::Uuid::from_u128(bits).hyphenated().to_string()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn bob() -> Value {
    json!({
        "emails": [{"primary": true, "value": "bob@bestcar.test"}],
        "name": {"familyName": "B", "givenName": "Bob"},
        "userName": "bob",
        ENTERPRISE: {"askPassword": "true"},
    })
}

fn patch(operations: Value) -> Option<Value> {
    Some(json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}))
}

async fn give(browser: &Browser, page: &Answer, field: &str, value: &str) -> Answer {
    let mut form = page.form();
    form.fields.retain(|(name, _)| name != field);
    form.fields.push((field.to_owned(), value.to_owned()));
    browser.submit(page, &form).await
}

/// The first page of a sign-in for nobody's application.
async fn sign_in_page(app: &TestApp, browser: &Browser, issuer: &str) -> Answer {
    let begun = browser.get(&app.url(&format!("{issuer}/sign-in"))).await;
    assert_eq!(begun.status, 303, "{}", begun.body);
    let page = browser.get(begun.location().as_str()).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page
}

fn link_of(letter: &Value) -> String {
    let text = letter["text"].as_str().expect("a text");
    text.lines().find(|line| line.starts_with("http")).expect("a link").to_owned()
}

both! {
    async fn the_administrator_of_a_new_organization_gets_a_letter_sets_a_password_and_signs_in(app: TestApp) {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let vendor = vendor(&app).await;
        let tenant = Tenant::new(&vendor).await;
        let answer = tenant.call(Method::POST, USERS, Some(bob())).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        assert!(answer.headers.get("ask-password-confirmation-code").is_none());
        let made = answer.json();
        let id = text(&made["id"]);
        let location = app.url(&format!("{USERS}/{id}"));
        assert_eq!((answer.header("location"), &made["meta"]["location"]), (location.as_str(), &json!(location)));
        assert_eq!(made["meta"]["resourceType"], "User");
        assert_eq!(made["userName"], "bob");
        assert_eq!(made["name"], json!({"familyName": "B", "givenName": "Bob"}));
        assert_eq!(made["emails"], json!([{"primary": true, "value": "bob@bestcar.test"}]));
        for extension in [ENTERPRISE, WSO2] {
            assert_eq!(made[extension], json!({"accountState": "PENDING_AP", "accountLocked": true}), "{made}");
            assert!(made["schemas"].as_array().unwrap().contains(&json!(extension)), "{made}");
        }
        // Nobody signs in before the letter was answered.
        let issuer = format!("/prod/{:032x}", tenant.organization.id.bits());
        let sign_in = async |name: &str, password: &str| {
            let browser = app.browser();
            let page = sign_in_page(&app, &browser, &issuer).await;
            let page = give(&browser, &page, "identifier", name).await;
            let done = give(&browser, &page, "password", password).await;
            (browser, done)
        };
        assert_eq!(sign_in("bob", PASSWORD).await.1.status, 401);
        let letter = mail.letter_to("bob@bestcar.test", 1).await;
        let link = link_of(&letter);
        assert!(link.starts_with(&app.url(&format!("{issuer}/sign-in/activate?code="))), "{link}");
        // It is good for a day.
        app.advance(std::time::Duration::from_secs(23 * 3600));
        let browser = app.browser();
        let page = browser.get(&link).await;
        assert_eq!(page.status, 200, "{}", page.body);
        let done = give(&browser, &page, "password", PASSWORD).await;
        assert!([200, 303].contains(&done.status.as_u16()), "{}", done.body);
        for name in ["bob", "bob@bestcar.test"] {
            let (_, done) = sign_in(name, PASSWORD).await;
            assert_eq!(done.status, 303, "{name}: {}", done.body);
        }
        let vendor = Vendor { root: app.token("/oauth2/token", &vendor.client).await, ..vendor };
        let token = vendor.switched(&uuid(tenant.organization.id.bits())).await;
        let now = app.call(&token, Method::GET, &format!("{USERS}/{id}"), None).await.json();
        assert_eq!((&now["userName"], &now["active"]), (&json!("bob"), &json!(true)));
        assert_eq!(now[WSO2], json!({"accountState": "UNLOCKED", "accountLocked": false}));
        // The letter was good once.
        assert_eq!(app.browser().get(&link).await.reason(), Some("link_ended"));
    }

    async fn a_letter_is_good_for_a_day(app: TestApp) {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let vendor = vendor(&app).await;
        let tenant = Tenant::new(&vendor).await;
        tenant.create(bob()).await;
        let link = link_of(&mail.letter_to("bob@bestcar.test", 1).await);
        app.advance(std::time::Duration::from_secs(24 * 3600));
        assert_eq!(app.browser().get(&link).await.reason(), Some("link_ended"));
        // The tokens have ended too.
        let vendor = Vendor { root: app.token("/oauth2/token", &vendor.client).await, ..vendor };
        let tenant = tenant.again(&vendor).await;
        // Without an address there is nobody to write to.
        let nobody = json!({"userName": "eve", WSO2: {"askPassword": true}});
        assert_eq!(tenant.refuse(Method::POST, USERS, Some(nobody), 400).await["scimType"], "invalidValue");
        assert!(tenant.find("userName eq eve").await.is_empty());
        // Who signs in with their address gets it there.
        tenant.create(json!({"userName": "ann@bestcar.test", WSO2: {"askPassword": true}})).await;
        mail.letter_to("ann@bestcar.test", 1).await;
    }

    async fn many_new_users_fill_nobodys_mailbox(app: TestApp) {
        let mail = MailServer::start().await;
        let app = app.sending_by(mail.port).await;
        let vendor = vendor(&app).await;
        let mut tenant = Tenant::new(&vendor).await;
        let hostile = "Account locked, see https://evil.example/unlock";
        let change = organizations::OrganizationChange { display_name: Some(hostile.to_owned()), ..Default::default() };
        let principal = Principal::operator(vendor.environment.id);
        organizations::update(&app.state, &principal, tenant.organization.id, None, &change).await.unwrap();
        let second = Tenant::new(&vendor).await;
        let mut made = 0;
        for at in 0..60 {
            // In any spelling, and in whichever organization.
            let spelling = ["victim@bestcar.test", "VICTIM@BestCar.Test"][at % 2];
            let body = json!({"userName": format!("u{at}"), "emails": [{"value": spelling}], ENTERPRISE: {"askPassword": true}});
            let answer = if at % 3 == 2 { &second } else { &tenant }.call(Method::POST, USERS, Some(body)).await;
            match answer.status.as_u16() {
                201 => made += 1,
                429 => assert!(answer.headers.contains_key("retry-after"), "{}", answer.body),
                other => panic!("{other}: {}", answer.body),
            }
        }
        assert_eq!(made, 10);
        // Half of the ten are to this spelling; they arrive in any order.
        mail.letter_to("victim@bestcar.test", 5).await;
        let letters = mail.letters_to("victim@bestcar.test");
        for (letter, part) in letters.iter().flat_map(|letter| [(letter, "text"), (letter, "html")]) {
            let said = letter[part].as_str().unwrap_or_default();
            assert!(!said.contains("evil") && !said.contains("locked"), "{said}");
        }
        assert!(letters.iter().any(|letter| text(&letter["text"]).contains("your organization")), "{letters:?}");
        let mut conn = app.state.db.read().await.unwrap();
        let (letters,): (i64,) = conn.sql("SELECT COUNT(*) FROM letters").one().await.unwrap();
        assert_eq!(letters, 10);
        drop(conn);
        // Somebody else is written to, and an hour later this one too.
        let body = |name: &str, email: &str| json!({"userName": name, "emails": [{"value": email}], ENTERPRISE: {"askPassword": true}});
        tenant.create(body("other", "other@bestcar.test")).await;
        app.advance(std::time::Duration::from_secs(3601));
        let vendor = Vendor { root: app.token("/oauth2/token", &vendor.client).await, ..vendor };
        tenant = tenant.again(&vendor).await;
        tenant.create(body("later", "victim@bestcar.test")).await;
    }

    async fn where_no_letters_are_sent_the_caller_gets_the_code(app: TestApp) {
        let vendor = vendor(&app).await;
        let tenant = Tenant::new(&vendor).await;
        for (name, extension, flag) in
            [("a", ENTERPRISE, json!("true")), ("b", ENTERPRISE, json!(true)), ("c", WSO2, json!("TRUE")), ("d", WSO2, json!(true))]
        {
            let address = format!("{name}@bestcar.test");
            let body = json!({"userName": name, "emails": [address], extension: {"askPassword": flag}});
            let answer = tenant.call(Method::POST, USERS, Some(body)).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
            let code = answer.header("ask-password-confirmation-code").to_owned();
            assert!(!answer.body.contains(&code), "{}", answer.body);
            let made = answer.json();
            assert_eq!(made[WSO2]["accountState"], "PENDING_AP");
            assert_eq!(made["emails"], json!([{"value": address}]));
            assert!(!answer.body.contains("askPassword"), "{}", answer.body);
            let link = app.url(&format!("/prod/{:032x}/sign-in/activate?code={code}", tenant.organization.id.bits()));
            let browser = app.browser();
            let page = browser.get(&link).await;
            give(&browser, &page, "password", PASSWORD).await;
            let now = tenant.get(&format!("{USERS}/{}", text(&made["id"]))).await;
            assert_eq!(now[ENTERPRISE]["accountState"], "UNLOCKED", "{name}");
            // Whoever gets the code to see is no witness for the address.
            let principal = Principal::operator(vendor.environment.id);
            let id: base::id::UserId = text(&made["id"]).parse().unwrap();
            let user = users::find_any(&app.state, &principal, id).await.unwrap();
            let described = users::describe(&app.state, &principal, vec![user]).await.unwrap();
            assert!(described[0].addresses.iter().all(|address| !address.is_verified()), "{name}");
        }
        for flag in [json!("yes"), json!(1), json!([])] {
            for extension in [ENTERPRISE, WSO2] {
                let body = json!({"userName": "z", "emails": ["z@bestcar.test"], extension: {"askPassword": flag}});
                if flag == json!([]) {
                    continue;
                }
                tenant.refuse(Method::POST, USERS, Some(body), 400).await;
            }
        }
    }

    async fn a_password_that_somebody_else_set_is_changed_at_the_first_sign_in(app: TestApp) {
        let vendor = vendor(&app).await;
        let tenant = Tenant::new(&vendor).await;
        let body = json!({"userName": "kim", "password": PASSWORD, "emails": [{"value": "kim@bestcar.test"}]});
        let made = tenant.create(body).await;
        assert!(made.get("password").is_none(), "{made}");
        assert_eq!(made[WSO2]["accountState"], "UNLOCKED");
        let id: base::id::UserId = text(&made["id"]).parse().unwrap();
        let principal = Principal::operator(vendor.environment.id);
        let user = users::find_any(&app.state, &principal, id).await.unwrap();
        assert_eq!(user.status, UserStatus::Active);
        let shown = users::credentials(&app.state, &principal, &user).await.unwrap();
        assert!(
            matches!(shown.as_slice(), [model::account::CredentialSummary::Password { state: CredentialState::MustBeChanged, .. }]),
            "{shown:?}"
        );
        // They were asked whether they want a passkey.
        let mut tx = app.state.db.write().await.unwrap();
        ostiary::store::users::update_passkey_offered(&mut tx, id, app.now()).await.unwrap();
        tx.commit().await.unwrap();
        let browser = app.browser();
        let issuer = format!("/prod/{:032x}", tenant.organization.id.bits());
        let page = sign_in_page(&app, &browser, &issuer).await;
        let page = give(&browser, &page, "identifier", "kim").await;
        let page = give(&browser, &page, "password", PASSWORD).await;
        // Not in yet: another one first.
        let page = match page.status.as_u16() {
            303 => browser.get(page.location().as_str()).await,
            _ => page,
        };
        assert!(page.status == 200 && page.body.contains("name=\"password\""), "{} {}", page.url, page.body);
        let account = browser.get(&app.url(&format!("{issuer}/account"))).await;
        assert!(account.location().path().ends_with("/sign-in"), "{}", account.location());
        let done = give(&browser, &page, "password", "another kettle under rain").await;
        assert_eq!(done.status, 303, "{}", done.body);
        assert_eq!(browser.get(&app.url(&format!("{issuer}/account"))).await.status, 200);
        // One that is too weak is refused, and the answer does not repeat it.
        let weak = json!({"userName": "lee", "password": "short"});
        let error = tenant.refuse(Method::POST, USERS, Some(weak), 400).await;
        assert_eq!(error["scimType"], "invalidValue");
        assert!(!error.to_string().contains("\"short\""), "{error}");
        assert!(tenant.find("userName eq lee").await.is_empty());
    }

    async fn users_are_changed_by_put_and_by_patch_and_deleted(app: TestApp) {
        let vendor = vendor(&app).await;
        let tenant = Tenant::new(&vendor).await;
        let made = tenant
            .create(json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": "PRIMARY/kim",
                "externalId": "crm-7",
                "displayName": "Kim Lee",
                "name": {"givenName": "Kim", "familyName": "Lee", "formatted": "Ms Kim Lee"},
                "title": "Driver",
                "userType": "Employee",
                "locale": "en-US",
                "emails": [
                    {"value": "kim@work.test", "type": "work", "primary": true},
                    {"value": "kim@home.test", "type": "home"},
                ],
                "phoneNumbers": [{"value": "030 123", "type": "work"}],
                ENTERPRISE: {"department": "Fleet", "manager": {"value": "7"}},
                WSO2: {"country": "DE"},
            }))
            .await;
        let path = format!("{USERS}/{}", text(&made["id"]));
        assert_eq!((&made["userName"], &made["title"], &made["active"]), (&json!("kim"), &json!("Driver"), &json!(true)));
        assert_eq!(made["name"]["formatted"], "Ms Kim Lee");
        assert_eq!(made[ENTERPRISE]["department"], "Fleet");
        assert_eq!(made[WSO2]["country"], "DE");
        assert_eq!(made["emails"][1]["type"], "home");
        assert_eq!(tenant.get(&path).await, made);
        let id: base::id::UserId = text(&made["id"]).parse().unwrap();
        let stored = users::find_any(&app.state, &Principal::operator(vendor.environment.id), id).await.unwrap();
        assert_eq!((&stored.payload["given_name"], &stored.payload["name"]), (&json!("Kim"), &json!("Kim Lee")));
        assert_eq!(stored.display_name(), "Kim Lee");

        let operations = json!([
            {"op": "Replace", "path": "name.familyName", "value": "Park"},
            {"op": "add", "path": "emails", "value": [{"value": "kim@third.test", "type": "other"}]},
            {"op": "remove", "path": "emails[type eq home]"},
            {"op": "replace", "value": {"title": "Chief", "externalId": "crm-8"}},
            {"op": "add", "path": "urn:scim:wso2:schema:country", "value": "FR"},
            {"op": "remove", "path": format!("{ENTERPRISE}:manager")},
        ]);
        let answer = tenant.call(Method::PATCH, &path, patch(operations)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let now = answer.json();
        assert_eq!(now["name"], json!({"givenName": "Kim", "familyName": "Park", "formatted": "Ms Kim Lee"}));
        let emails: Vec<&Value> = now["emails"].as_array().unwrap().iter().map(|email| &email["value"]).collect();
        assert_eq!(emails, [&json!("kim@work.test"), &json!("kim@third.test")]);
        assert_eq!((&now["title"], &now["externalId"], &now[WSO2]["country"]), (&json!("Chief"), &json!("crm-8"), &json!("FR")));
        assert!(now[ENTERPRISE].get("manager").is_none());
        assert_eq!(tenant.get(&path).await, now);

        // A lock, in either extension and by `active`, and back.
        for (lock, unlock) in [
            (json!({"op": "replace", "path": "urn:scim:wso2:schema:accountLocked", "value": true}), json!({"op": "replace", "path": "active", "value": true})),
            (json!({"op": "replace", "value": {ENTERPRISE: {"accountLocked": "true"}}}), json!({"op": "replace", "value": {WSO2: {"accountLocked": "false"}}})),
            (json!({"op": "replace", "path": "active", "value": "False"}), json!({"op": "replace", "path": format!("{ENTERPRISE}:accountLocked"), "value": false})),
        ] {
            for (operation, locked) in [(lock, true), (unlock, false)] {
                let now = tenant.call(Method::PATCH, &path, patch(json!([operation]))).await.json();
                assert_eq!((&now["active"], &now[WSO2]["accountLocked"], &now[ENTERPRISE]["accountLocked"]), (&json!(!locked), &json!(locked), &json!(locked)), "{now}");
            }
        }
        // What only the server says is not written.
        let said = patch(json!([{"op": "replace", "value": {WSO2: {"accountState": "UNLOCKED", "managedOrg": "x"}, ENTERPRISE: {"accountState": "x"}}}]));
        let now = tenant.call(Method::PATCH, &path, said).await.json();
        assert!(now[WSO2].get("managedOrg").is_none() && now[ENTERPRISE]["accountState"] == "UNLOCKED", "{now}");

        let answer = tenant.call(Method::PUT, &path, Some(json!({"userName": "kim.park", "emails": ["kim@work.test"]}))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let now = answer.json();
        assert_eq!((&now["userName"], &now["emails"]), (&json!("kim.park"), &json!([{"value": "kim@work.test"}])));
        for gone in ["title", "name", "displayName", "externalId", "phoneNumbers", "userType"] {
            assert!(now.get(gone).is_none(), "{gone}: {now}");
        }
        assert_eq!(tenant.find("userName eq kim").await, [""; 0]);
        assert_eq!(tenant.find("userName eq kim.park").await, ["kim.park"]);
        // A password of an administrator's is a temporary one here too.
        let answer = tenant.call(Method::PATCH, &path, patch(json!([{"op": "replace", "path": "password", "value": PASSWORD}]))).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(!answer.body.contains(PASSWORD));

        for (method, body) in [(Method::PUT, Some(json!({}))), (Method::PATCH, patch(json!([]))), (Method::PATCH, patch(json!([{"op": "remove", "path": "userName"}])))] {
            tenant.refuse(method, &path, body, 400).await;
        }
        let answer = tenant.call(Method::DELETE, &path, None).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
        for (method, body) in [(Method::GET, None), (Method::DELETE, None), (Method::PUT, Some(json!({"userName": "x"}))), (Method::PATCH, patch(json!([{"op": "replace", "path": "title", "value": "x"}])))] {
            tenant.refuse(method, &path, body, 404).await;
        }
        // The name is free again.
        tenant.create(json!({"userName": "kim.park"})).await;
    }

    async fn a_name_is_used_once(app: TestApp) {
        let vendor = vendor(&app).await;
        let tenant = Tenant::new(&vendor).await;
        tenant.create(json!({"userName": "kim"})).await;
        for name in ["kim", "KIM", "PRIMARY/kim", "primary/Kim"] {
            let error = tenant.refuse(Method::POST, USERS, Some(json!({"userName": name})), 409).await;
            let plain = name.rsplit('/').next().unwrap();
            assert_eq!(error["detail"], format!("User with the name: {plain} already exists in the system."));
            assert_eq!(error["scimType"], "uniqueness");
        }
        let other = tenant.create(json!({"userName": "lee", "externalId": "7"})).await;
        let path = format!("{USERS}/{}", text(&other["id"]));
        let error = tenant.refuse(Method::PATCH, &path, patch(json!([{"op": "replace", "path": "userName", "value": "kim"}])), 409).await;
        assert_eq!(error["detail"], "User with the name: kim already exists in the system.");
        let error = tenant.refuse(Method::POST, USERS, Some(json!({"userName": "max", "externalId": "7"})), 409).await;
        assert!(text(&error["detail"]).contains("externalId"), "{error}");
        // In another organization it is another one's.
        let second = Tenant::new(&vendor).await;
        second.create(json!({"userName": "kim"})).await;
        for body in [json!({}), json!({"userName": " "}), json!({"userName": "PRIMARY/"}), json!({"userName": 7}), json!({"userName": "a\u{202e}b"}), json!({"userName": "x".repeat(400)})] {
            tenant.refuse(Method::POST, USERS, Some(body), 400).await;
        }
        tenant.refuse(Method::POST, USERS, Some(json!({"userName": "x", "emails": ["nonsense"]})), 400).await;

        // Sixteen at once: one is made.
        let tenant = &tenant;
        let all = (0..16).map(|_| tenant.call(Method::POST, USERS, Some(json!({"userName": "racer", "emails": ["r@bestcar.test"]}))));
        let mut statuses: Vec<u16> = futures_util::future::join_all(all).await.into_iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses[0], 201, "{statuses:?}");
        assert!(statuses[1..].iter().all(|status| *status == 409), "{statuses:?}");
        assert_eq!(tenant.find("userName eq racer").await, ["racer"]);
        // Sixteen first users of an organization: all of them are made, in one pool.
        let fresh = Tenant::new(&vendor).await;
        let fresh = &fresh;
        let all = (0..16).map(|n| fresh.call(Method::POST, USERS, Some(json!({"userName": format!("user{n}")}))));
        assert!(futures_util::future::join_all(all).await.into_iter().all(|answer| answer.status == 201));
        let principal = Principal::operator(vendor.environment.id);
        assert_eq!(users::list_pools(&app.state, &principal, fresh.organization.id).await.unwrap().len(), 1);
        assert_eq!(fresh.get(USERS).await["totalResults"], 16);
    }

    async fn users_are_listed_page_by_page_and_found_by_filters(app: TestApp) {
        let vendor = vendor(&app).await;
        let tenant = Tenant::new(&vendor).await;
        let empty = tenant.get(USERS).await;
        assert_eq!((&empty["totalResults"], &empty["Resources"]), (&json!(0), &json!([])));
        for (name, given, title) in [("ann", "Ann Marie", "Chief"), ("bob", "Bob", "Driver"), ("ann+b@x.test", "Annabel", "Driver")] {
            let body = json!({"userName": name, "name": {"givenName": given}, "title": title, "emails": [{"value": format!("{}@mail.test", &name[..3])}]});
            let answer = tenant.call(Method::POST, USERS, Some(body)).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
        }
        for (filter, names) in [
            ("userName eq ann", vec!["ann"]),
            ("userName Eq \"ANN\"", vec!["ann"]),
            ("userName eq PRIMARY/ann", vec!["ann"]),
            ("userName eq ann+b@x.test", vec!["ann+b@x.test"]),
            ("userName eq nobody", vec![]),
            ("userName sw ann", vec!["ann", "ann+b@x.test"]),
            ("userName ew x.test", vec!["ann+b@x.test"]),
            ("userName co o", vec!["bob"]),
            ("name.givenName eq Ann Marie", vec!["ann"]),
            ("name.givenName eq 'Ann Marie' and title eq Chief", vec!["ann"]),
            ("title eq Driver and userName sw ann", vec!["ann+b@x.test"]),
            ("userName eq ann and title eq Driver", vec![]),
            ("emails eq bob@mail.test", vec!["bob"]),
            ("emails.value eq ann@mail.test", vec!["ann", "ann+b@x.test"]),
            ("emails[value eq bob@mail.test]", vec!["bob"]),
            ("active eq true and title co driv", vec!["bob", "ann+b@x.test"]),
            ("urn:scim:wso2:schema:accountLocked eq true", vec![]),
            ("urn:scim:wso2:schema.accountState eq UNLOCKED and userName sw b", vec!["bob"]),
        ] {
            let mut found = tenant.find(filter).await;
            found.sort_by_key(|name| names.iter().position(|wanted| wanted == name));
            assert_eq!(found, names, "{filter}");
        }
        let all = tenant.get(USERS).await;
        assert_eq!((&all["totalResults"], &all["itemsPerPage"], &all["startIndex"]), (&json!(3), &json!(3), &json!(1)));
        let ids: Vec<String> = all["Resources"].as_array().unwrap().iter().map(|user| text(&user["id"])).collect();
        assert_eq!(tenant.find(&format!("id eq {}", ids[1])).await.len(), 1);
        for (query, expected) in [("startIndex=2&count=1", &ids[1..2]), ("startIndex=3", &ids[2..]), ("startIndex=4", &ids[3..]), ("count=0", &ids[..0]), ("startIndex=-5&count=2", &ids[..2]), ("count=-1", &ids[..0])] {
            let page = tenant.get(&format!("{USERS}?{query}")).await;
            let found: Vec<String> = page["Resources"].as_array().unwrap().iter().map(|user| text(&user["id"])).collect();
            assert_eq!((found.as_slice(), &page["totalResults"]), (expected, &json!(3)), "{query}");
        }
        let page = tenant.get(&format!("{USERS}?filter=title+eq+Driver&startIndex=2&count=1")).await;
        assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(2), &json!(1)));
        let few = tenant.get(&format!("{USERS}?attributes=userName,emails.value&count=1")).await;
        let keys: Vec<&String> = few["Resources"][0].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["emails", "id", "schemas", "userName"], "{few}");
        let most = tenant.get(&format!("{USERS}?excludedAttributes=emails,meta&count=1")).await;
        assert!(most["Resources"][0].get("emails").is_none() && most["Resources"][0].get("meta").is_none());
        let search = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": "name.givenName eq Ann Marie", "attributes": ["userName"], "startIndex": 1, "count": 5});
        let answer = tenant.call(Method::POST, &format!("{USERS}/.search"), Some(search)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!((&answer.json()["totalResults"], &answer.json()["Resources"][0]["userName"]), (&json!(1), &json!("ann")));

        for filter in ["userName", "userName eq", "userName eq \"ann", "userName eq ann or title eq Chief", "not (userName eq ann)", "nonsense eq x", "name.nonsense eq x", "members eq x", "password eq x", "userName is ann", "userName eq a (b)", "urn:a:b:c eq x"] {
            let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
            let error = tenant.refuse(Method::GET, &format!("{USERS}?filter={encoded}"), None, 400).await;
            assert_eq!(error["scimType"], "invalidFilter", "{filter}: {error}");
        }
        tenant.refuse(Method::GET, &format!("{USERS}?sortBy=userName"), None, 501).await;
        for query in ["cursor=", "startIndex=x", "attributes=id&excludedAttributes=id", "filter=%00"] {
            tenant.refuse(Method::GET, &format!("{USERS}?{query}"), None, 400).await;
        }
    }

    async fn nothing_of_another_organization_shows(app: TestApp) {
        let vendor = vendor(&app).await;
        let (own, other) = (Tenant::new(&vendor).await, Tenant::new(&vendor).await);
        let theirs = other.create(bob()).await;
        let group = other.call(Method::POST, GROUPS, Some(json!({"displayName": "Admins", "members": [{"value": theirs["id"]}]}))).await;
        assert_eq!(group.status, 201, "{}", group.body);
        let group = group.json();
        let at_root = vendor.at_root(Method::POST, "/scim2/Users", Some(json!({"userName": "ann"}))).await;
        assert_eq!(at_root.status, 201, "{}", at_root.body);
        let at_root = at_root.json();
        assert!(text(&at_root["meta"]["location"]).starts_with(&app.url("/scim2/Users/")));
        let unknown = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";
        for id in [text(&theirs["id"]), text(&at_root["id"]), unknown.to_owned(), "nonsense".to_owned()] {
            for (method, body) in [
                (Method::GET, None),
                (Method::DELETE, None),
                (Method::PUT, Some(json!({"userName": "x"}))),
                (Method::PATCH, patch(json!([{"op": "replace", "path": "active", "value": false}]))),
            ] {
                let error = own.refuse(method, &format!("{USERS}/{id}"), body, 404).await;
                assert_eq!(error["detail"], format!("there is no user \"{id}\" here"));
            }
            let group = json!({"displayName": "Mine", "members": [{"value": id}]});
            own.refuse(Method::POST, GROUPS, Some(group), 400).await;
        }
        for method in [Method::GET, Method::DELETE] {
            own.refuse(method, &format!("{GROUPS}/{}", text(&group["id"])), None, 404).await;
        }
        // And at the root nothing of the organizations.
        for (method, body) in [(Method::GET, None), (Method::DELETE, None), (Method::PUT, Some(json!({"userName": "x"})))] {
            let answer = vendor.at_root(method, &format!("/scim2/Users/{}", text(&theirs["id"])), body).await;
            assert_eq!(answer.status, 404, "{}", answer.body);
        }
        for filter in ["userName eq bob".to_owned(), "emails eq bob@bestcar.test".to_owned(), format!("id eq {}", text(&theirs["id"])), "userName sw b".to_owned()] {
            assert_eq!(own.find(&filter).await, [""; 0], "{filter}");
            let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
            let found = vendor.at_root(Method::GET, &format!("/scim2/Users?filter={encoded}"), None).await.json();
            assert_eq!(found["totalResults"], 0, "{filter}: {found}");
        }
        let listed = vendor.at_root(Method::GET, "/scim2/Users", None).await.json();
        assert_eq!((&listed["totalResults"], &listed["Resources"][0]["userName"]), (&json!(1), &json!("ann")));
        assert_eq!(own.get(USERS).await["totalResults"], 0);
        assert_eq!(own.get(GROUPS).await["totalResults"], 0);
        assert_eq!(other.get(USERS).await["totalResults"], 1);
        // The paths of others are closed before anything is read.
        let elsewhere = format!("/o/{}/scim2/Users", uuid(other.organization.id.bits()));
        for (token, path) in [(&own.token, elsewhere.as_str()), (&vendor.root, USERS), (&own.token, "/scim2/Users")] {
            let answer = app.call(token, Method::POST, path, Some(bob())).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (403, ""), "{path}");
        }
        assert_eq!(app.call("nonsense", Method::GET, USERS, None).await.status, 401);
    }

    async fn the_image_of_somebody_who_is_at_home_at_the_root_is_shown_and_not_changed(app: TestApp) {
        let vendor = vendor(&app).await;
        let resident = vendor.at_root(Method::POST, "/scim2/Users", Some(json!({"userName": "ann"}))).await.json();
        let attributes = json!([{"key": "creator.id", "value": resident["id"]}, {"key": "creator.username", "value": "ann"}]);
        let made = vendor.at_root(Method::POST, "/api/server/v1/organizations", Some(json!({"name": "BestCar", "attributes": attributes}))).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let token = vendor.switched(&text(&made.json()["id"])).await;
        let found = app.call(&token, Method::GET, &format!("{USERS}?filter=userName%20eq%20ann"), None).await.json();
        assert_eq!(found["totalResults"], 1, "{found}");
        let image = &found["Resources"][0];
        assert_ne!(image["id"], resident["id"]);
        assert_eq!(image["userName"], "ann");
        for extension in [ENTERPRISE, WSO2] {
            assert_eq!(image[extension]["managedOrg"], "10084a8d-113f-4211-a0d5-efe36b082211", "{image}");
            assert_eq!(image[extension]["sharedType"], "OWNER", "{image}");
        }
        let path = format!("{USERS}/{}", text(&image["id"]));
        for (method, body) in [
            (Method::PUT, Some(json!({"userName": "eve"}))),
            (Method::PATCH, patch(json!([{"op": "replace", "path": "title", "value": "x"}]))),
            (Method::PATCH, patch(json!([{"op": "replace", "path": "password", "value": PASSWORD}]))),
        ] {
            let answer = app.call(&token, method, &path, body).await;
            assert_eq!(answer.status, 400, "{}", answer.body);
        }
        assert_eq!(&app.call(&token, Method::GET, &path, None).await.json(), image);
        let taken = app.call(&token, Method::POST, USERS, Some(json!({"userName": "ann"}))).await;
        assert_eq!(taken.status, 409, "{}", taken.body);
    }

    async fn only_json_is_read_and_written(app: TestApp) {
        let vendor = vendor(&app).await;
        let tenant = Tenant::new(&vendor).await;
        let send = async |content: Option<&str>, accept: Option<&str>, name: &str| {
            let browser = app.browser();
            let mut request = browser.request(Method::POST, &app.url(USERS)).header(header::AUTHORIZATION, format!("Bearer {}", tenant.token));
            if let Some(content) = content {
                request = request.header(header::CONTENT_TYPE, content);
            }
            if let Some(accept) = accept {
                request = request.header(header::ACCEPT, accept);
            }
            browser.send(request.body(json!({"userName": name}).to_string())).await
        };
        for (at, content) in ["application/json", "application/scim+json; charset=utf-8"].into_iter().enumerate() {
            let answer = send(Some(content), Some("application/json"), &format!("user{at}")).await;
            assert_eq!(answer.status, 201, "{}", answer.body);
            assert_eq!(answer.header("content-type"), "application/json");
        }
        assert_eq!(send(Some("application/json"), None, "user9").await.header("content-type"), "application/scim+json");
        for (content, accept) in [
            (None, None),
            (Some("text/plain"), None),
            (Some("application/x-www-form-urlencoded"), None),
            (Some("application/json"), Some("text/html")),
            (Some("application/json"), Some("application/xml, text/*")),
        ] {
            let answer = send(content, accept, "nobody").await;
            assert_eq!(answer.status, 406, "{content:?} {accept:?}: {}", answer.body);
            assert_eq!(answer.json()["status"], "406");
        }
        for body in ["", "{", "[]", "\"x\"", "{\"userName\":\"a\",\"userName\":\"b\"}", "{\"userName\":\"a\\u0000\"}"] {
            let browser = app.browser();
            let request = browser.request(Method::POST, &app.url(USERS)).header(header::AUTHORIZATION, format!("Bearer {}", tenant.token));
            let answer = browser.send(request.header(header::CONTENT_TYPE, "application/json").body(body)).await;
            assert_eq!(answer.status, 400, "{body}: {}", answer.body);
            assert_eq!(answer.json()["status"], "400");
        }
        assert_eq!(tenant.get(USERS).await["totalResults"], 3);
    }

    async fn groups_hold_users_of_the_organization(app: TestApp) {
        let vendor = vendor(&app).await;
        let tenant = Tenant::new(&vendor).await;
        let mut users = Vec::new();
        for name in ["ann", "bob", "cat"] {
            users.push(text(&tenant.create(json!({"userName": name})).await["id"]));
        }
        let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "PRIMARY/Fleet Admins", "members": [{"value": users[0], "display": "x"}]});
        let answer = tenant.call(Method::POST, GROUPS, Some(body.clone())).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let made = answer.json();
        let path = format!("{GROUPS}/{}", text(&made["id"]));
        assert_eq!(answer.header("location"), app.url(&path));
        assert_eq!(made["displayName"], "Fleet Admins");
        assert_eq!(made["members"], json!([{"value": users[0], "display": "ann", "type": "User", "$ref": app.url(&format!("{USERS}/{}", users[0]))}]));
        assert_eq!(tenant.get(&path).await, made);
        let error = tenant.refuse(Method::POST, GROUPS, Some(json!({"displayName": "fleet  admins"})), 409).await;
        assert_eq!(error["scimType"], "uniqueness");
        let ann = tenant.get(&format!("{USERS}/{}", users[0])).await;
        assert_eq!((&ann["groups"][0]["value"], &ann["groups"][0]["display"]), (&made["id"], &json!("Fleet Admins")));
        assert_eq!(tenant.find("groups.display eq Fleet Admins").await, [""; 0]);

        let members = async |answer: Answer| {
            assert_eq!(answer.status, 200, "{}", answer.body);
            let shown = answer.json();
            let mut names: Vec<String> = shown["members"].as_array().into_iter().flatten().map(|member| text(&member["display"])).collect();
            names.sort_unstable();
            names
        };
        let change = async |operation: Value| members(tenant.call(Method::PATCH, &path, patch(json!([operation]))).await).await;
        assert_eq!(change(json!({"op": "add", "path": "members", "value": [{"value": users[1]}, {"value": users[0]}]})).await, ["ann", "bob"]);
        assert_eq!(change(json!({"op": "remove", "path": format!("members[value eq {}]", users[0])})).await, ["bob"]);
        assert_eq!(change(json!({"op": "replace", "value": {"members": [{"value": users[2]}]}})).await, ["cat"]);
        assert_eq!(change(json!({"op": "replace", "path": "displayName", "value": "Drivers"})).await, ["cat"]);
        // All of it, or nothing.
        let unknown = "1b4e28ba-2fa1-11d2-883f-0016d3cca427";
        let both = patch(json!([{"op": "replace", "path": "displayName", "value": "Lost"}, {"op": "add", "path": "members", "value": [{"value": users[0]}, {"value": unknown}]}]));
        tenant.refuse(Method::PATCH, &path, both, 400).await;
        let now = tenant.get(&path).await;
        assert_eq!((&now["displayName"], now["members"].as_array().unwrap().len()), (&json!("Drivers"), 1));
        let answer = tenant.call(Method::PUT, &path, Some(json!({"displayName": "Drivers", "members": [{"value": users[0]}, {"value": users[1]}]}))).await;
        assert_eq!(members(answer).await, ["ann", "bob"]);

        for (filter, total) in [("displayName eq drivers", 1), ("displayName sw Dri", 1), ("displayName co zzz", 0), ("displayName eq Nobody", 0)] {
            let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
            let found = tenant.get(&format!("{GROUPS}?filter={encoded}")).await;
            assert_eq!(found["totalResults"], total, "{filter}: {found}");
            assert!(found["Resources"].as_array().unwrap().iter().all(|group| group.get("members").is_none()), "{found}");
        }
        let listed = tenant.get(&format!("{GROUPS}?attributes=members")).await;
        assert_eq!(listed["Resources"][0]["members"].as_array().unwrap().len(), 2, "{listed}");
        for filter in ["displayName eq a or displayName eq b", "members eq x", "nonsense eq x", "displayName eq"] {
            let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
            assert_eq!(tenant.refuse(Method::GET, &format!("{GROUPS}?filter={encoded}"), None, 400).await["scimType"], "invalidFilter");
        }
        // A user who goes is in no group any more; a group that goes leaves its users.
        assert_eq!(tenant.call(Method::DELETE, &format!("{USERS}/{}", users[1]), None).await.status, 204);
        assert_eq!(tenant.get(&path).await["members"].as_array().unwrap().len(), 1);
        assert_eq!(tenant.call(Method::DELETE, &path, None).await.status, 204);
        tenant.refuse(Method::GET, &path, None, 404).await;
        assert!(tenant.get(&format!("{USERS}/{}", users[0])).await.get("groups").is_none());
    }

    async fn what_the_server_can_do_is_said_at_every_address(app: TestApp) {
        let vendor = vendor(&app).await;
        let tenant = Tenant::new(&vendor).await;
        let id = uuid(tenant.organization.id.bits());
        for (token, base) in [
            (&vendor.root, "/scim2".to_owned()),
            (&vendor.root, "/t/prod/scim2".to_owned()),
            (&tenant.token, "/o/scim2".to_owned()),
            (&tenant.token, "/t/prod/o/scim2".to_owned()),
            (&tenant.token, format!("/o/{id}/scim2")),
            (&tenant.token, format!("/t/prod/o/{id}/scim2")),
        ] {
            for path in ["ServiceProviderConfig", "ResourceTypes", "ResourceTypes/User", "Schemas", "Schemas/urn:scim:wso2:schema", "Users", "Groups"] {
                let answer = app.call(token, Method::GET, &format!("{base}/{path}"), None).await;
                assert_eq!(answer.status, 200, "{base}/{path}: {}", answer.body);
            }
            let types = app.call(token, Method::GET, &format!("{base}/ResourceTypes/User"), None).await.json();
            let extensions: Vec<&Value> = types["schemaExtensions"].as_array().unwrap().iter().map(|one| &one["schema"]).collect();
            assert_eq!(extensions, [&json!(ENTERPRISE), &json!(WSO2)]);
            assert_eq!(types["meta"]["location"], app.url(&format!("{base}/ResourceTypes/User")));
            let made = app.call(token, Method::POST, &format!("{base}/Users"), Some(json!({"userName": format!("u{}", base.len())}))).await;
            assert_eq!(made.status, 201, "{base}: {}", made.body);
            assert!(text(&made.json()["meta"]["location"]).starts_with(&app.url(&format!("{base}/Users/"))));
            assert_eq!(app.call(token, Method::GET, &format!("{base}/Schemas/urn:x"), None).await.status, 404);
            let answer = app.call(token, Method::DELETE, &format!("{base}/Users"), None).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["status"]), (405, &json!("405")));
        }
        let config = tenant.get("/o/scim2/ServiceProviderConfig").await;
        for (feature, supported) in [("patch", true), ("filter", true), ("bulk", false), ("sort", false), ("etag", false)] {
            assert_eq!(config[feature]["supported"], supported, "{feature}");
        }
    }
}
