//! Routes 19 to 22: invitations to organizations, and their acceptance.

use std::time::Duration;

use model::{environment::Environment, user::UserAddress};
use ostiary::{
    app::invitations,
    store::{memberships, user_addresses, user_identifiers},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Person, assert_error, call, organization_of, person, tenant_admin};
use crate::{
    both,
    support::{
        Answer, Browser, TestApp,
        forms::form_to,
        mail::{MailServer, header, send_by},
    },
};

const PASSWORD: &str = "violet kettle under snow";
const DAY: Duration = Duration::from_secs(24 * 3600);

/// An organization with its owner.
struct Acme<'a> {
    app: &'a TestApp,
    environment: Environment,
    owner: Person,
    id: String,
}

impl<'a> Acme<'a> {
    async fn new(app: &'a TestApp) -> Self {
        let environment = app.environment("prod").await;
        let owner = person(app, &environment, "alice").await;
        let id = organization_of(app, &owner, "acme").await;
        Self { app, environment, owner, id }
    }

    async fn as_whom(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        // Ids of one moment have no order.
        self.app.advance(Duration::from_millis(1));
        call(self.app, token, method, &format!("/{}/invitations{path}", self.id), body).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.as_whom(&self.token().await, Method::POST, path, Some(body)).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.as_whom(&self.token().await, Method::GET, path, None).await
    }

    /// A token of the owner that is good now.
    async fn token(&self) -> String {
        super::session(self.app, &self.owner.user, Duration::ZERO, false).await
    }

    async fn invite(&self, email: &str) -> Value {
        let made = self.post("", json!({ "email": email })).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()
    }

    /// Accepts by the API.
    async fn accept(&self, token: Option<&str>, body: Value) -> Answer {
        let path = "/api/v1/invitations/accept";
        match token {
            Some(token) => self.app.call(token, Method::POST, path, Some(body)).await,
            None => {
                let browser = Browser::new();
                let request = browser.request(Method::POST, &self.app.url(path)).json(&body);
                browser.send(request).await
            }
        }
    }

    async fn preview(&self, token: &str) -> Answer {
        Browser::new().get(&self.app.url(&format!("/api/v1/invitations/{token}"))).await
    }

    async fn emails(&self, status: &str) -> Vec<String> {
        let listed = self.get(&format!("?status={status}")).await;
        assert_eq!(listed.status, 200, "{}", listed.body);
        let data = listed.json()["data"].clone();
        data.as_array().unwrap().iter().map(|one| one["email"].as_str().unwrap().to_owned()).collect()
    }

    async fn audited(&self, action: &str) -> usize {
        let mut conn = self.app.state.db.read().await.unwrap();
        let sql = "SELECT id FROM audit_events WHERE environment_id = $1 AND action = $2";
        let rows: Vec<(String,)> = conn.sql(sql).bind(self.environment.id).bind(action).all().await.unwrap();
        rows.len()
    }

    async fn events(&self, kind: &str) -> usize {
        let mut conn = self.app.state.db.read().await.unwrap();
        let sql = "SELECT resource_id FROM events WHERE environment_id = $1 AND type = $2";
        let rows: Vec<(String,)> = conn.sql(sql).bind(self.environment.id).bind(kind).all().await.unwrap();
        rows.len()
    }

    async fn count_members(&self) -> i64 {
        let id = self.id.parse().unwrap();
        memberships::count(&mut self.app.state.db.read().await.unwrap(), id).await.unwrap()
    }
}

/// What stands for an invitation in its link.
fn token_of(link: &str) -> String {
    link.split_once("token=").unwrap_or_else(|| panic!("no token in {link}")).1.to_owned()
}

fn token(invited: &Value) -> String {
    token_of(invited["accept_url"].as_str().unwrap())
}

/// The link of a letter.
fn link_of(letter: &Value) -> String {
    let text = letter["text"].as_str().expect("a text");
    text.lines().find(|line| line.starts_with("http")).expect("a link").to_owned()
}

async fn verified(app: &TestApp, email: &str) -> Option<bool> {
    let mut conn = app.state.db.read().await.unwrap();
    let sql = "SELECT user_id FROM user_addresses WHERE address_key = $1";
    let (id,): (base::id::UserId,) = conn.sql(sql).bind(email).optional().await.unwrap()?;
    let found = user_addresses::list(&mut conn, &[id]).await.unwrap().remove(&id).unwrap();
    let identifiers = user_identifiers::list(&mut conn, &[id]).await.unwrap().remove(&id).unwrap();
    assert!(identifiers.iter().any(|one| one.text.as_str() == email));
    Some(found.iter().any(UserAddress::is_verified))
}

both! {
    async fn an_invitation_is_made_listed_and_taken_back(app: TestApp) {
        let acme = Acme::new(&app).await;
        let made = acme.post("", json!({ "email": "Bob@People.Example", "role": "admin", "expires_in_hours": 2 })).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let made = made.json();
        let token = token(&made);
        for (member, value) in [
            ("organization_id", json!(acme.id)),
            ("email", json!("Bob@People.Example")),
            ("role", json!("admin")),
            ("status", json!("pending")),
            ("invited_by", json!(acme.owner.id())),
            ("accepted_at", json!(null)),
            ("accepted_user_id", json!(null)),
            ("revoked_at", json!(null)),
            ("send_count", json!(1)),
        ] {
            assert_eq!(made[member], value, "{member}");
        }
        let id = made["id"].as_str().unwrap();
        assert!(id.starts_with("inv_"), "{id}");
        let listed = acme.get("").await.json();
        assert_eq!(listed["data"][0]["id"], json!(id));
        assert!(listed["data"][0].get("accept_url").is_none() && !listed.to_string().contains(&token), "{listed}");

        let preview = acme.preview(&token).await;
        assert_eq!(preview.status, 200, "{}", preview.body);
        let shown = preview.json();
        assert_eq!((&shown["organization"]["name"], &shown["role"], &shown["email"]),
            (&json!("ACME"), &json!("admin"), &json!("B***@people.example")));
        assert!(!preview.body.contains("Bob@"), "{}", preview.body);
        assert_error(&acme.preview("invitation_0000000000000000000000009").await, 404, "not_found");

        // The same address in any spelling has one.
        assert_error(&acme.post("", json!({ "email": "bob@PEOPLE.example" })).await, 409, "invitation_pending");
        let revoked = acme.as_whom(&acme.token().await, Method::DELETE, &format!("/{id}"), None).await;
        assert_eq!((revoked.status.as_u16(), revoked.body.as_str()), (204, ""));
        let again = acme.as_whom(&acme.token().await, Method::DELETE, &format!("/{id}"), None).await;
        assert_error(&again, 409, "invitation_not_pending");
        assert_error(&acme.preview(&token).await, 410, "invitation_ended");
        assert_eq!(acme.emails("revoked").await, ["Bob@People.Example"]);
        assert!(acme.emails("pending").await.is_empty());
        acme.invite("bob@people.example").await;
        for (action, count) in [("created", 2), ("revoked", 1)] {
            assert_eq!(acme.audited(&format!("organization.invitation.{action}")).await, count, "{action}");
            assert_eq!(acme.events(&format!("organization.invitation.{action}")).await, count, "{action}");
        }
    }

    async fn what_is_not_valid_is_refused(app: TestApp) {
        let acme = Acme::new(&app).await;
        for (body, status, code) in [
            (json!({}), 422, "validation_failed"),
            (json!({ "email": "nobody" }), 422, "validation_failed"),
            (json!({ "email": "a@b@c.example" }), 422, "validation_failed"),
            (json!({ "email": 7 }), 422, "validation_failed"),
            (json!({ "email": "b@x.example", "role": "owner" }), 422, "use_transfer_ownership"),
            (json!({ "email": "b@x.example", "role": "root" }), 422, "validation_failed"),
            (json!({ "email": "b@x.example", "expires_in_hours": 0 }), 422, "validation_failed"),
            (json!({ "email": "b@x.example", "expires_in_hours": 721 }), 422, "validation_failed"),
            (json!({ "email": "alice@people.example" }), 409, "already_member"),
        ] {
            assert_error(&acme.post("", body.clone()).await, status, code);
        }
        assert_error(&acme.get("?status=lost").await, 422, "validation_failed");
        assert_error(&acme.get("?cursor=x").await, 422, "validation_failed");
        let nothing = acme.as_whom(&acme.token().await, Method::DELETE, "/inv_0000000000000000000000009", None).await;
        assert_error(&nothing, 404, "not_found");
        // Of another organization.
        let other = person(&app, &acme.environment, "olga").await;
        let elsewhere = organization_of(&app, &other, "other").await;
        let made = acme.invite("bob@people.example").await;
        let id = made["id"].as_str().unwrap();
        let theirs = call(&app, &other.token, Method::DELETE, &format!("/{elsewhere}/invitations/{id}"), None).await;
        assert_error(&theirs, 404, "not_found");
        let there = acme.as_whom(&other.token, Method::GET, "", None).await;
        assert_error(&there, 404, "not_found");
    }

    async fn many_are_invited_at_once_and_each_has_its_outcome(app: TestApp) {
        let acme = Acme::new(&app).await;
        let of = |range: std::ops::Range<usize>| {
            json!({ "invitations": range.map(|n| json!({ "email": format!("u{n}@x.example") })).collect::<Vec<_>>() })
        };
        assert_error(&acme.post("/bulk", of(0..51)).await, 422, "too_many_invitations");
        assert_error(&acme.post("/bulk", of(0..0)).await, 422, "empty");
        let made = acme.post("/bulk", of(0..50)).await;
        assert_eq!(made.status, 200, "{}", made.body);
        let made = made.json();
        assert_eq!((&made["created"], &made["failed"]), (&json!(50), &json!(0)), "{made}");
        assert!(made["results"][49]["invitation"]["accept_url"].as_str().unwrap().contains("token="), "{made}");
        let again = acme.post("/bulk", of(0..50)).await.json();
        assert_eq!((&again["created"], &again["failed"]), (&json!(0), &json!(50)));
        assert_eq!(again["results"][7]["error"]["code"], "invitation_pending");
        let mixed = acme.post("/bulk", json!({ "invitations": [
            { "email": "new@x.example", "role": "admin" },
            { "email": "NEW@x.example" },
            { "email": "nonsense" },
            { "email": "u1@x.example" },
            { "email": "alice@people.example" },
            { "email": "own@x.example", "role": "owner" },
            { "email": "odd@x.example", "role": 7 },
            { "role": "member" },
            "text",
            { "email": "last@x.example" },
        ] })).await.json();
        let codes: Vec<String> = mixed["results"].as_array().unwrap().iter().map(|result| {
            assert_eq!(result["status"] == "created", result.get("invitation").is_some(), "{result}");
            result["error"]["code"].as_str().unwrap_or("created").to_owned()
        }).collect();
        assert_eq!(codes, [
            "created", "duplicate_in_request", "validation_failed", "invitation_pending", "already_member",
            "use_transfer_ownership", "validation_failed", "validation_failed", "validation_failed", "created",
        ]);
        assert_eq!((&mixed["created"], &mixed["failed"]), (&json!(2), &json!(8)));
        assert_eq!(acme.audited("organization.invitation.created").await, 52);
        assert_eq!(acme.events("organization.invitation.created").await, 52);

        // Pages.
        let first = acme.get("?status=pending&limit=30").await.json();
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = acme.get(&format!("?status=pending&limit=30&cursor={cursor}")).await.json();
        let len = |page: &Value| page["data"].as_array().unwrap().len();
        assert_eq!((len(&first), len(&second), &second["next_cursor"]), (30, 22, &json!(null)));
    }

    async fn a_link_that_is_made_anew_ends_the_one_before_three_times_a_day(app: TestApp) {
        let acme = Acme::new(&app).await;
        let made = acme.invite("bob@people.example").await;
        let first = token(&made);
        app.advance(6 * DAY);
        let renewed = acme.post("", json!({ "email": "bob@people.example", "resend": true })).await;
        assert_eq!(renewed.status, 200, "{}", renewed.body);
        let renewed = renewed.json();
        assert_eq!((&renewed["id"], &renewed["send_count"], &renewed["role"]), (&made["id"], &json!(2), &json!("member")));
        assert!(renewed["expires_at"].as_str() > made["expires_at"].as_str());
        assert_error(&acme.preview(&first).await, 404, "not_found");
        assert_eq!(acme.preview(&token(&renewed)).await.status, 200);
        let path = format!("/{}/resend", made["id"].as_str().unwrap());
        for count in 3..5 {
            let sent = acme.post(&path, json!({})).await;
            assert_eq!((sent.status.as_u16(), &sent.json()["send_count"]), (200, &json!(count)), "{}", sent.body);
        }
        assert_error(&acme.post(&path, json!({})).await, 429, "rate_limited");
        let by_address = acme.post("", json!({ "email": "bob@people.example", "resend": true })).await;
        assert_error(&by_address, 429, "rate_limited");
        app.advance(DAY);
        assert_eq!(acme.post(&path, json!({})).await.status, 200);
        assert_eq!(acme.audited("organization.invitation.resent").await, 4);

        // It expires by the clock, whoever reads it, and the job closes it once.
        app.advance(7 * DAY);
        assert_eq!(acme.emails("expired").await, ["bob@people.example"]);
        assert!(acme.emails("pending").await.is_empty());
        assert_error(&acme.post(&path, json!({})).await, 409, "invitation_not_pending");
        let id = made["id"].as_str().unwrap();
        let revoked = acme.as_whom(&acme.token().await, Method::DELETE, &format!("/{id}"), None).await;
        assert_error(&revoked, 409, "invitation_not_pending");
        assert_eq!(invitations::close_overdue(&app.state).await.unwrap(), 1);
        assert_eq!(invitations::close_overdue(&app.state).await.unwrap(), 0);
        assert_eq!(acme.audited("organization.invitation.expired").await, 1);
        assert_eq!(acme.emails("expired").await, ["bob@people.example"]);

        // One that has expired and was not closed yet is in nobody's way.
        acme.invite("carol@people.example").await;
        app.advance(8 * DAY);
        acme.invite("carol@people.example").await;
        assert_eq!(acme.events("organization.invitation.expired").await, 2);
    }

    async fn whoever_has_the_address_accepts_with_their_account_and_nobody_else(app: TestApp) {
        let acme = Acme::new(&app).await;
        let (bob, carol) = (person(&app, &acme.environment, "bob").await, person(&app, &acme.environment, "carol").await);
        let made = acme.post("", json!({ "email": "BOB@people.example", "role": "admin" })).await.json();
        let given = json!({ "token": token(&made) });
        assert_error(&acme.accept(Some(&carol.token), given.clone()).await, 403, "email_mismatch");
        let client = app.system_token(&acme.environment, &["organizations:write"]).await;
        assert_error(&acme.accept(Some(&client), given.clone()).await, 403, "forbidden");
        assert_error(&acme.accept(None, given.clone()).await, 401, "unauthenticated");
        assert_error(&acme.accept(Some(&bob.token), json!({ "token": "x" })).await, 404, "not_found");
        // Of another environment.
        let other = app.environment("other").await;
        let stranger = person(&app, &other, "bob").await;
        assert_error(&acme.accept(Some(&stranger.token), given.clone()).await, 404, "not_found");

        let joined = acme.accept(Some(&bob.token), given.clone()).await;
        assert_eq!(joined.status, 200, "{}", joined.body);
        let member = joined.json();
        for (name, value) in [
            ("user_id", json!(bob.id())),
            ("email", json!("bob@people.example")),
            ("role", json!("admin")),
            ("status", json!("active")),
            ("source", json!("invitation")),
        ] {
            assert_eq!(member[name], value, "{name}");
        }
        assert_error(&acme.accept(Some(&bob.token), given).await, 410, "invitation_ended");
        let accepted = acme.get("?status=accepted").await.json()["data"][0].clone();
        assert_eq!(accepted["accepted_user_id"], json!(bob.id()));
        assert_eq!(acme.audited("organization.invitation.accepted").await, 1);
        assert_error(&acme.post("", json!({ "email": "bob@people.example" })).await, 409, "already_member");
        // They administer it now, and invite themselves.
        let theirs = acme.as_whom(&bob.token, Method::POST, "", Some(json!({ "email": "dan@people.example" }))).await;
        assert_eq!(theirs.status, 201, "{}", theirs.body);
    }

    async fn members_do_not_invite_and_tenant_administrators_do(app: TestApp) {
        let acme = Acme::new(&app).await;
        let bob = person(&app, &acme.environment, "bob").await;
        let made = acme.invite("bob@people.example").await;
        assert_eq!(acme.accept(Some(&bob.token), json!({ "token": token(&made) })).await.status, 200);
        for (method, path, body) in [
            (Method::GET, "", None),
            (Method::POST, "", Some(json!({ "email": "x@x.example" }))),
            (Method::POST, "/bulk", Some(json!({ "invitations": [{ "email": "x@x.example" }] }))),
            (Method::DELETE, "/inv_0000000000000000000000009", None),
            (Method::POST, "/inv_0000000000000000000000009/resend", Some(json!({}))),
        ] {
            assert_error(&acme.as_whom(&bob.token, method, path, body).await, 403, "forbidden");
        }
        let vendor = tenant_admin(&app, &acme.environment).await;
        let made = acme.as_whom(&vendor.token, Method::POST, "", Some(json!({ "email": "x@x.example" }))).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let reads = app.system_token(&acme.environment, &["organizations:read"]).await;
        assert_error(&acme.as_whom(&reads, Method::POST, "", Some(json!({ "email": "y@x.example" }))).await, 403, "forbidden");
    }

    async fn whoever_has_no_account_makes_one_and_the_vendors_word_proves_the_address(app: TestApp) {
        let acme = Acme::new(&app).await;
        let vendor = tenant_admin(&app, &acme.environment).await;
        let by_vendor = acme.as_whom(&vendor.token, Method::POST, "", Some(json!({ "email": "dan@people.example" }))).await.json();
        let by_owner = acme.invite("eve@people.example").await;
        let new = |invited: &Value, password: &str| {
            json!({ "token": token(invited), "password": password, "display_name": "Dan Doe" })
        };
        assert_error(&acme.accept(None, new(&by_vendor, "short")).await, 422, "validation_failed");
        assert_error(&acme.accept(None, new(&by_vendor, "")).await, 422, "validation_failed");
        let joined = acme.accept(None, new(&by_vendor, PASSWORD)).await;
        assert_eq!(joined.status, 200, "{}", joined.body);
        assert_eq!((&joined.json()["display_name"], &joined.json()["source"]), (&json!("Dan Doe"), &json!("invitation")));
        assert_eq!(verified(&app, "dan@people.example").await, Some(true));
        assert_error(&acme.accept(None, new(&by_vendor, PASSWORD)).await, 410, "invitation_ended");

        // An organization's own people see the link too: it proves nothing about whose the address is.
        assert_eq!(acme.accept(None, new(&by_owner, PASSWORD)).await.status, 200);
        assert_eq!(verified(&app, "eve@people.example").await, Some(false));

        // Whoever has an account signs in with it.
        person(&app, &acme.environment, "bob").await;
        let third = acme.invite("bob@people.example").await;
        assert_error(&acme.accept(None, new(&third, PASSWORD)).await, 409, "account_exists");
    }

    async fn an_invitation_is_accepted_once_by_whoever_is_first(app: TestApp) {
        let acme = Acme::new(&app).await;
        let bob = person(&app, &acme.environment, "bob").await;
        let given = json!({ "token": token(&acme.invite("bob@people.example").await) });
        let all = (0..16).map(|_| acme.accept(Some(&bob.token), given.clone()));
        let mut statuses: Vec<u16> =
            futures_util::future::join_all(all).await.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!((statuses[0], &statuses[1..]), (200, &[410; 15][..]));
        assert_eq!(acme.count_members().await, 2);

        let vendor = tenant_admin(&app, &acme.environment).await;
        let made = acme.as_whom(&vendor.token, Method::POST, "", Some(json!({ "email": "dan@people.example" }))).await.json();
        let given = json!({ "token": token(&made), "password": PASSWORD });
        let all = (0..8).map(|_| acme.accept(None, given.clone()));
        let answers = futures_util::future::join_all(all).await;
        let done = answers.iter().filter(|answer| answer.status == 200).count();
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(done, 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 409, 410, 503].contains(status)), "{statuses:?}");
        assert_eq!(acme.count_members().await, 3);

        let all = (0..8).map(|_| acme.post("", json!({ "email": "frank@people.example" })));
        let answers = futures_util::future::join_all(all).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        assert!(answers.iter().all(|answer| [201, 409].contains(&answer.status.as_u16())));
    }

    async fn an_organization_that_ends_takes_its_invitations_along(app: TestApp) {
        let acme = Acme::new(&app).await;
        let vendor = tenant_admin(&app, &acme.environment).await;
        let bob = person(&app, &acme.environment, "bob").await;
        let given = json!({ "token": token(&acme.invite("bob@people.example").await) });
        let key = app.api_key(&acme.environment, true).await;
        let path = format!("/v1/organizations/{}", acme.id);
        let off = app.api(&key, Method::PATCH, &path, Some(json!({ "disabled": true }))).await;
        assert_eq!(off.status, 200, "{}", off.body);
        assert_error(&acme.accept(Some(&bob.token), given.clone()).await, 410, "invitation_ended");
        app.api(&key, Method::PATCH, &path, Some(json!({ "disabled": false }))).await;
        let token = given["token"].as_str().unwrap();
        assert_eq!(acme.preview(token).await.status, 200);
        assert_eq!(app.api(&key, Method::DELETE, &path, None).await.status, 200);
        assert_error(&acme.preview(token).await, 410, "invitation_ended");
        assert_error(&acme.accept(Some(&bob.token), given).await, 410, "invitation_ended");
        let gone = acme.as_whom(&vendor.token, Method::GET, "", None).await;
        assert_error(&gone, 404, "not_found");
    }
}

/// A server that sends by a mail server, with an organization.
async fn with_mail(app: &TestApp) -> (MailServer, TestApp) {
    let mail = MailServer::start().await;
    let port = mail.port;
    let sending = app.replica_with(|config| send_by(config, port)).await;
    (mail, sending)
}

both! {
    async fn invitations_fill_nobodys_mailbox(app: TestApp) {
        let (_mail, app) = with_mail(&app).await;
        let acme = Acme::new(&app).await;
        for _ in 0..12 {
            let made = acme.invite("dan@people.example").await;
            let path = format!("/{}", made["id"].as_str().unwrap());
            let taken_back = acme.as_whom(&acme.token().await, Method::DELETE, &path, None).await;
            assert_eq!(taken_back.status, 204, "{}", taken_back.body);
        }
        let mut conn = app.state.db.read().await.unwrap();
        let sql = "SELECT COUNT(*) FROM letters WHERE kind = 'organization_invitation' AND COALESCE(last_error, '') = 'too_many'";
        let (refused,): (i64,) = conn.sql(sql).one().await.unwrap();
        assert_eq!(refused, 2, "ten letters an hour, whoever asks");
    }

    async fn a_letter_invites_and_its_link_alone_proves_the_address(app: TestApp) {
        let (mail, app) = with_mail(&app).await;
        let acme = Acme::new(&app).await;
        let made = acme.invite("dan@people.example").await;
        let letter = mail.letter_to("dan@people.example", 1).await;
        assert_eq!(header(&letter, "Subject"), "You are invited to join ACME");
        let link = link_of(&letter);
        assert!(letter["text"].as_str().unwrap().contains("as a member"), "{letter}");
        assert_ne!(token(&made), token_of(&link), "the letter proves more than what the inviter sees");

        // The link that the inviter got makes no account.
        let new = json!({ "token": token(&made), "password": PASSWORD });
        assert_error(&acme.accept(None, new).await, 403, "email_not_verified");
        let browser = Browser::new();
        let page = browser.get(made["accept_url"].as_str().unwrap()).await;
        assert!(page.status == 200 && page.body.contains("Send me the letter"), "{}", page.body);
        assert!(!page.body.contains("dan@people.example"), "{}", page.body);

        // Previews of letters open the link as often as they like.
        for _ in 0..3 {
            assert_eq!(Browser::new().get(&link).await.status, 200);
        }
        let page = browser.get(&link).await;
        let to = "/prod/root/sign-in/invitation/new";
        let mut form = form_to(&page, to).unwrap_or_else(|| panic!("no form in {}", page.body));
        form.fields.retain(|(name, _)| name != "password" && name != "display_name");
        let mut bad = form_to(&page, to).unwrap();
        bad.fields.retain(|(name, _)| name != "password");
        bad.fields.push(("password".into(), "short".into()));
        let refused = browser.submit(&page, &bad).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (400, Some("not_done")), "{}", refused.body);
        form.fields.push(("password".into(), PASSWORD.into()));
        form.fields.push(("display_name".into(), "Dan <b>Doe</b>".into()));
        let made = browser.submit(&page, &form).await;
        assert_eq!(made.status, 303, "{}", made.body);
        assert_eq!(verified(&app, "dan@people.example").await, Some(true));
        assert_eq!(acme.count_members().await, 2);
        let ended = browser.get(&link).await;
        assert_eq!((ended.status.as_u16(), ended.reason()), (410, Some("invitation_ended")));
    }

    async fn a_letter_that_is_asked_for_takes_the_place_of_the_link_that_proves_nothing(app: TestApp) {
        let (mail, app) = with_mail(&app).await;
        let acme = Acme::new(&app).await;
        let body = json!({ "email": "dan@people.example", "send_email": false });
        let made = acme.post("", body).await.json();
        let browser = Browser::new();
        let link = made["accept_url"].as_str().unwrap();
        let page = browser.get(link).await;
        let form = form_to(&page, "/prod/root/sign-in/invitation/send").expect("a form");
        let sent = browser.submit(&page, &form).await;
        assert!(sent.status == 200 && sent.body.contains("Look into your mailbox"), "{}", sent.body);
        let letter = mail.letter_to("dan@people.example", 1).await;
        assert_eq!(browser.get(link).await.status, 404, "the link before");
        let page = browser.get(&link_of(&letter)).await;
        assert!(form_to(&page, "/prod/root/sign-in/invitation/new").is_some(), "{}", page.body);
        assert_eq!(mail.letters_to("dan@people.example").len(), 1);
    }
}
